"""mlm.power.simulate: what it draws, what it counts, and that workers, interrupts and failures change nothing else."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib.power import simulation
from mlmlib.power.simulated import wilson

P = mlm.power
PLAN = P.cluster_randomized(0.5, icc=0.2, groups=12, n=8)
GROWTH = {"slope_var": 0.04, "residual_var": 0.5, "duration": 4, "groups": 40, "waves": 5}
ALL = {
    "cluster": PLAN,
    "covariates": P.cluster_randomized(0.5, icc=0.2, groups=12, n=8, r2_group=0.5, r2_unit=0.3, covariates=2),
    "unequal": P.cluster_randomized(0.5, icc=0.2, groups=12, n=8, cv=0.6),
    "difference": P.cluster_randomized(0.2, icc=0.1, groups=12, n=20, outcome="binary", control=0.3),
    "log-odds": P.cluster_randomized(0.8, icc=0.1, groups=12, n=20, outcome="binary", control=0.3, scale="log-odds"),
    "multisite": P.multisite(0.4, icc=0.2, effect_sd=0.2, groups=10, n=10),
    "multisite log-odds": P.multisite(0.8, icc=0.1, effect_sd=0.2, groups=10, n=20, outcome="binary", control=0.3,
                                      scale="log-odds"),
    "three 3": P.three_level(0.5, icc_cluster=0.1, icc_group=0.1, clusters=10, groups=3, n=5),
    "three 2": P.three_level(0.5, at=2, icc_cluster=0.1, icc_group=0.1, effect_sd_cluster=0.2, clusters=8, groups=4, n=5),
    "three 1": P.three_level(0.5, at=1, icc_cluster=0.1, icc_group=0.1, effect_sd_cluster=0.2, clusters=8, groups=3, n=6),
    "growth": P.longitudinal(0.2, **GROWTH),
    "attrition": P.longitudinal(0.2, **GROWTH, attrition=0.3, intercept_var=0.6, covariance=0.05),
    "cross": P.cross_level(0.3, icc=0.2, slope_sd=0.2, groups=16, n=8),
    "cross normal": P.cross_level(0.3, icc=0.2, slope_sd=0.2, groups=16, n=8, w="normal"),
}


def simulate(*arguments, **options):
    return P.simulate(*arguments, **{"replicates": 20, "progress": False, **options})


@pytest.mark.parametrize("name", ALL)
def test_every_design_is_drawn_and_fitted(name):
    found = simulate(ALL[name], replicates=10)
    assert found.truth == ALL[name].effect and found.formula_power == ALL[name].power
    row = found.table.iloc[0]
    assert row["fits"] == 10 and row["failed"] == 0
    assert abs(row["bias"]) < 4 * ALL[name].se / math.sqrt(10) and 0.5 < row["mean_se"] / ALL[name].se < 1.8


def drawn(plan, seed=0, many=1):
    study = plan.design.study(plan.effect, plan.sizes)
    return [study.draw(np.random.default_rng([seed, k])) for k in range(many)]


def test_what_is_drawn():
    data = drawn(P.cluster_randomized(0.5, icc=0.2, groups=200, n=25, share=0.3))[0]
    arms = data.groupby("group")["treatment"].first()
    assert len(data) == 5000 and arms.sum() == 60
    fit = mlm.lmm("y ~ treatment + (1 | group)", data)
    assert float(mlm.icc(fit)) == pytest.approx(0.2, abs=0.04) and fit.params["treatment"] == pytest.approx(0.5, abs=0.25)
    sizes = drawn(P.cluster_randomized(0.5, icc=0.2, groups=2000, n=20, cv=0.5))[0].groupby("group").size()
    assert sizes.mean() == pytest.approx(20, rel=0.04) and sizes.std() / sizes.mean() == pytest.approx(0.5, rel=0.06)
    zeros = drawn(P.cluster_randomized(0.2, icc=0.1, groups=2000, n=20, outcome="binary", control=0.3))[0]
    means = zeros.groupby(["treatment", "group"])["y"].mean()
    assert means.loc[0.0].mean() == pytest.approx(0.3, abs=0.02) and means.loc[1.0].mean() == pytest.approx(0.5, abs=0.02)
    for arm, p in ((0.0, 0.3), (1.0, 0.5)):  # variance of a group's proportion: p (1 - p) (1 + 19 icc) / 20
        assert means.loc[arm].var() == pytest.approx(p * (1 - p) * (1 + 19 * 0.1) / 20, rel=0.12)
    lost = drawn(P.longitudinal(0.2, **{**GROWTH, "groups": 2000}, attrition=0.4))[0].groupby("person").size()
    assert lost.value_counts(normalize=True).sort_index().round(1).tolist() == [0.1, 0.1, 0.1, 0.1, 0.6]
    x = drawn(P.cross_level(0.3, icc=0.2, slope_sd=0.2, groups=500, n=8, x_var=4))[0].groupby("group")["x"]
    assert np.allclose(x.mean(), 0) and x.var().mean() == pytest.approx(4, rel=0.1)


def test_given_sizes():
    sizes = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]
    study = PLAN.design.study(0.5, PLAN.sizes, np.array(sizes))
    first, second = (study.draw(np.random.default_rng(k)).groupby("group").size() for k in (1, 2))
    assert sorted(first) == sizes and list(first) != list(second)
    assert simulate(PLAN, sizes=sizes).formula_power is None
    with pytest.raises(mlm.DataError, match="sizes= has 2 groups; the design has 12"):
        simulate(PLAN, sizes=[3, 4])


def test_the_same_numbers_for_any_number_of_workers():
    one = simulate(PLAN, analysis=["lmm", "ols robust"], seed=5)
    two = simulate(PLAN, analysis=["lmm", "ols robust"], seed=5, n_jobs=2)
    assert np.array_equal(one.values, two.values)
    first = simulate(PLAN, analysis=["lmm", "ols robust"], seed=5, replicates=10)
    assert np.array_equal(first.values, one.values[:10])
    assert not np.array_equal(simulate(PLAN, seed=6).values, simulate(PLAN, seed=5).values)
    assert isinstance(simulate(PLAN, seed=None, replicates=2).seed, int)


def test_an_interrupt_keeps_what_is_done(monkeypatch):
    own, calls = simulation._Carried.__call__, []

    def interrupted(self, seed, size):
        calls.append(size)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return own(self, seed, size)

    monkeypatch.setattr(simulation._Carried, "__call__", interrupted)
    found = simulate(PLAN, replicates=100)
    assert found.done == 20 and found.asked == 100 and "Interrupted: 20 of 100 replicates are done" in repr(found)
    assert np.array_equal(found.values[:10], simulate(PLAN, replicates=10).values)


def test_failed_fits_are_counted_and_named():
    def moody(data):
        if data["y"].iloc[0] > 0:
            raise ValueError("In a bad mood. Come again.")
        return 0.5, 0.1

    found = simulate(PLAN, analysis=["lmm", moody], replicates=40)
    failed = found.table.loc["moody", "failed"]
    assert 0 < failed < 40 and found.failures == {"In a bad mood.": failed} and found.table.loc["lmm", "failed"] == 0
    assert found.table.loc["moody", "power"] == 1 and f"{failed} fits failed: In a bad mood." in repr(found)

    def never(data):
        raise ValueError("No.")

    with pytest.raises(mlm.DataError, match="None of 20 fits of analysis='never' worked. No."):
        simulate(PLAN, analysis=never)


def test_a_programming_error_is_not_a_failed_fit():
    with pytest.raises(KeyError):
        simulate(PLAN, analysis=lambda data: data["no such column"])


def test_what_is_counted():
    found = simulate(PLAN, analysis=["lmm", "lmm wald", "ols"], replicates=60)
    table, each = found.table, found.replicates
    own = each[each["analysis"] == "lmm"]
    assert found.power == (own["p"] < 0.05).mean() == table.loc["lmm", "power"]
    assert found.mc_error == pytest.approx(math.sqrt(found.power * (1 - found.power) / 60))
    assert found.bias == pytest.approx(own["estimate"].mean() - 0.5)
    assert found.coverage == ((own["lower"] <= 0.5) & (0.5 <= own["upper"])).mean()
    assert table.loc["lmm wald", "power"] >= found.power and np.allclose(own["df"][own["singular"] == 0], 10)
    # a balanced design: the three agree in the estimate
    assert np.allclose(found.values[:, 0, 0], found.values[:, 2, 0])
    assert wilson(0, 20)[0] == 0 and 0.1 < wilson(0, 20)[1] < 0.2
    # R: prop.test(45, 60, correct = FALSE)$conf.int
    assert wilson(45, 60) == pytest.approx((0.627679299, 0.842234775), abs=1e-7)
    assert "The formula says" in repr(found) and "<table" in found._repr_html_()
    assert pickle.loads(pickle.dumps(found)).power == found.power
    with pytest.raises(AttributeError):
        found.seed = 3


def test_the_level_is_kept_and_one_side_looks_one_way():
    null = simulate(PLAN, 0, replicates=200)
    assert null.truth == 0 and wilson(200 * null.power, 200)[0] < 0.05 < wilson(200 * null.power, 200)[1]
    up, down = simulate(PLAN, sides=1, replicates=40), simulate(PLAN.at(effect=-0.5), sides=1, replicates=40)
    assert up.power >= simulate(PLAN, replicates=40).power and down.power > 0.3
    assert up.formula_power is None and simulate(PLAN.at(sides=1)).formula_power == PLAN.at(sides=1).power


def test_a_pilot_study_made_larger():
    hsb = mlm.load("hsb")
    fit = mlm.lmm("mathach ~ cses * sector + (1 + cses | school)", hsb)
    small = simulate(fit, {"cses:sector[T.Catholic]": -2.0}, groups=30, n=15)
    large = simulate(fit, {"cses:sector[T.Catholic]": -2.0}, groups=120, n=30)
    assert large.table["mean_se"].iloc[0] < 0.6 * small.table["mean_se"].iloc[0] and small.truth == -2
    assert fit.params["cses:sector[T.Catholic]"] != -2  # the fit is as it was
    same = simulate(fit, term="sector[T.Catholic]", replicates=5)
    assert same.truth == fit.params["sector[T.Catholic]"]
    women = mlm.glmm("use ~ urban + (1 | district)", mlm.load("contraception"), family="binomial")
    found = simulate(women, {"urban[T.Y]": 0.5}, groups=20, n=20, replicates=5, analysis=["glmm", "gee"])
    assert found.table["fits"].tolist() == [5, 5]
    plain = mlm.ols("mathach ~ ses", hsb)
    assert simulate(plain, {"ses": 1.0}, n=100, replicates=5).table["mean_se"].iloc[0] > 4 * plain.bse["ses"]
    for arguments, said in (((fit, {"nothing": 1}), "no coefficient 'nothing'"), ((fit, 0.3), "must name the coefficient"),
                            ((fit,), "effect="), ((mlm.lmm("strength ~ 1 + (1 | batch/cask)", mlm.load("pastes")),
                                                   {"Intercept": 1}), "several")):
        with pytest.raises(mlm.DataError, match=said):
            simulate(*arguments)


def test_a_formula_with_its_truth():
    table = pd.DataFrame({"school": np.repeat(np.arange(24), 10), "x": np.tile(np.arange(10.0), 24)})
    table["treated"] = table["school"] % 2
    found = simulate("y ~ x * treated + (1 + x | school)", {"x:treated": 0.3}, data=table, coefficients={"x": 0.5},
                     covariance={"school": [[0.5, 0.02], [0.02, 0.05]]}, sigma=2.0, analysis=["lmm", "ols robust"])
    assert found.table["fits"].tolist() == [20, 20] and found.term == "x:treated"

    def fresh(rng):
        return {"g": np.repeat(np.arange(20), 6), "x": rng.standard_normal(120)}

    counts = simulate("y ~ x + (1 | g)", {"x": 0.3}, data=fresh, covariance={"g": 0.2}, family="poisson")
    assert counts.analyses == ("glmm",) and counts.power > 0.5
    for change, said in (({"data": None}, "data="), ({"covariance": {}}, "covariance= must have an entry.*g"),
                         ({"coefficients": {"z": 1}}, "'z'"), ({"family": "beta"}, "family='beta'"),
                         ({"covariance": {"g": -1.0}}, "covariance matrix"), ({"groups": 3}, "groups= cannot be given")):
        with pytest.raises(mlm.DataError, match=said):
            simulate("y ~ x + (1 | g)", {"x": 0.3}, **{"data": fresh, "covariance": {"g": 0.2}, **change})


@pytest.mark.parametrize("call, said", [
    (lambda: simulate(PLAN, analysis="anova"), "analysis='anova' is not known"),
    (lambda: simulate(PLAN, analysis=["lmm", "lmm"]), "each once"),
    (lambda: simulate(PLAN, replicates=1), "replicates=1"), (lambda: simulate(3.0), "not float"),
    (lambda: simulate(PLAN, groups=10), "groups= cannot be given.*plan.at"), (lambda: simulate(PLAN, alpha=2), "alpha=2"),
    (lambda: simulate(P.multisite(0.1, icc=0.1, groups=9, n=8, outcome="binary", control=0.3)), "log-odds"),
    (lambda: simulate(P.multisite(0.1, icc=0.1, groups=9, n=8, r2_unit=0.3)), "give simulate a formula"),
])
def test_one_error_names_the_argument(call, said):
    with pytest.raises(mlm.DataError, match=said):
        call()


def test_figures():
    plt = pytest.importorskip("matplotlib.pyplot")
    plan = P.cluster_randomized(0.3, icc=0.15, groups=40, n=20)
    found = simulate(plan)
    ax = mlm.plots.power_curves(plan, "groups", by="icc", by_values=[0.05, 0.15], simulated={40: found})
    said = mlm.plots.alt(ax)
    assert "icc 0.15: 0.159 at 10" in said and "reaching 0.8 at 70" in said and "simulated at 40" in said
    ax = mlm.plots.power_curves({"whole": plan, "within": P.multisite(0.3, icc=0.15, groups=40, n=20)}, "n", [5, 10, 20])
    assert "never 0.8" in mlm.plots.alt(ax)
    ax = mlm.plots.budget(P.budget(20_000, cost_group=300, cost_unit=10, icc=0.1, effect=0.3))
    assert "15 a group, 44 groups, with power 0.681" in mlm.plots.alt(ax)
    with pytest.raises(mlm.DataError, match="cannot be told apart"):
        mlm.plots.power_curves(plan, "n", [5], by="icc", by_values=[k / 10 for k in range(8)])
    plt.close("all")


BINARY = {"outcome": "binary", "control": 0.3}
TABLE = pd.DataFrame({"g": np.repeat(np.arange(10), 6), "x": np.tile(np.arange(6.0), 10)})


@pytest.mark.parametrize("call, said", [
    (lambda: simulate(P.cluster_randomized(0.2, icc=0.1, groups=12, n=9, r2_group=0.5, **BINARY)),
     "Covariates of a binary outcome have no one truth"),
    (lambda: simulate(P.three_level(0.2, icc_cluster=0.1, icc_group=0.1, clusters=10, groups=3, n=5), sizes=[5] * 30),
     "sizes= is for designs of two levels"),
    (lambda: simulate(P.longitudinal(0.2, **GROWTH), sizes=[5] * 40), "designs of two levels with groups of units"),
    (lambda: simulate(P.longitudinal(0.2, **GROWTH, r2_slope=0.3)), "Covariates of this design are not drawn"),
    (lambda: simulate(P.three_level(0.2, icc_cluster=0.1, icc_group=0.1, clusters=10, groups=3, n=5, r2_unit=0.2)),
     "Covariates of this design are not drawn"),
    (lambda: simulate(P.three_level(0.1, icc_cluster=0.1, icc_group=0.1, clusters=10, groups=3, n=5, **BINARY)),
     "drawn on the log-odds scale: say scale='log-odds'"),
    (lambda: simulate(PLAN, sizes=[5, 6]), "sizes= has 2 groups; the design has 12"),
    (lambda: simulate("y ~ x + (1 | g)", 0.3, data=TABLE), r"effect=0.3 must name the coefficient: \{'x': 0.3\}"),
    (lambda: simulate("y ~ x + (1 | g)", data=TABLE), "must name the coefficient that is tested: effect="),
    (lambda: simulate("~ x + (1 | g)", {"x": 1}, data=TABLE), "has no outcome: write 'y ~ ...'"),
    (lambda: simulate(mlm.ols("y ~ x", TABLE.assign(y=TABLE["x"] ** 2), weights=TABLE["x"] + 1),
                      {"x": 1}), "This fit has weights, an offset, an exposure or trials"),
    (lambda: simulate(mlm.lmm("y ~ x + (1 | g)", TABLE.assign(y=np.sin(np.arange(60))), correlation=mlm.ar1("x")),
                      {"x": 1}), "one outcome and independent residuals"),
])
def test_studies_that_cannot_be_drawn(call, said):
    with pytest.raises((mlm.DataError, mlm.FormulaError), match=said):
        call()


@pytest.mark.parametrize("icc", [0.0, 0.1, 1.0])
def test_zeros_and_ones_have_the_intraclass_correlation(icc):
    """Beta-binomial groups: the variance of their proportions is p (1 - p) (icc + (1 - icc) / n)."""
    n, groups, p = 8, 4000, 0.3
    study = P.cluster_randomized(0.2, icc=icc, groups=groups, n=n, **BINARY)
    data = drawn(study)[0]
    own = data[data["treatment"] == 0].groupby("group")["y"].mean()
    wanted = p * (1 - p) * (icc + (1 - icc) / n)
    assert own.mean() == pytest.approx(p, abs=4 * np.sqrt(wanted / len(own)))
    assert own.var() == pytest.approx(wanted, rel=0.12)


def test_a_formula_without_random_terms_is_clustered_by_what_is_named():
    found = simulate("y ~ x", {"x": 0.3}, data=TABLE, cluster="g", analysis=["ols", "ols robust"])
    assert found.table["fits"].tolist() == [20, 20] and found.truth == 0.3
    pair = simulate("y ~ x", {"x": 0.3}, data=TABLE, replicates=2)
    assert pair.done == 2 and "The formula says" not in repr(pair)


def test_fits_without_a_standard_error_have_failed():
    def perfect(data):
        return 0.5, (0.1 if data["y"].iloc[0] > 0 else math.nan)

    found = simulate(PLAN, analysis=perfect, replicates=40)
    assert 0 < found.table["failed"].iloc[0] < 40
    assert set(found.failures) == {"The standard error is not a number."}
