"""Answers of inference against another way to the same number, and the sentences beside them."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mlmlib as mlm
from mlmlib.inference.small_sample import f_test, linear


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(8)
    g = np.repeat(np.arange(1, 21), 6)
    x = rng.normal(size=120)
    m = np.repeat([x[g == k].mean() for k in range(1, 21)], 6)
    y = 1 + 0.5 * x + 0.4 * m + rng.normal(size=20)[g - 1] + rng.normal(size=120)
    lt = rng.uniform(-0.5, 0.5, 120)
    return pd.DataFrame({"g": g, "x": x, "within": x - m, "between": m, "y": y, "z": np.tile(["a", "b", "c"], 40),
                         "k": rng.poisson(np.exp(0.3 + 0.3 * x + lt + 0.4 * rng.normal(size=20)[g - 1])), "lt": lt,
                         "t": np.tile(np.arange(6.0), 20), "h": np.tile(np.arange(10), 12), "e": np.exp(lt),
                         "b": (y > 1) * 1.0})


@pytest.fixture(scope="module")
def counts(table):
    return mlm.glmm("k ~ x + (1 | g)", table, family="poisson", exposure="e")


@pytest.fixture(scope="module")
def three(table):
    return mlm.lmm("y ~ x + z + (1 | g)", table)


def test_a_contextual_effect_is_a_difference_of_two_slopes(table):
    fit = mlm.lmm("y ~ within + between + (1 | g)", table)
    found = mlm.contextual_effect(fit, between="between", within="within")
    assert float(found) == pytest.approx(fit.params["between"] - fit.params["within"])
    V = fit.cov_params().loc[["between", "within"], ["between", "within"]].to_numpy()
    assert found.se == pytest.approx(np.sqrt(V[0, 0] + V[1, 1] - 2 * V[0, 1]))
    crossed = mlm.lmm("y ~ within * z + between + (1 | g)", table)
    with pytest.raises(mlm.DataError, match=r"'within:z\[T.b\]' lets the slope depend on another predictor"):
        mlm.contextual_effect(crossed, between="between", within="within")


@pytest.mark.parametrize("method, degrees", [("reml", 118), ("ml", 120)])
def test_a_residual_sd_without_groups_has_the_interval_of_its_log(table, method, degrees):
    """The log of sigma has the standard error 1 / root(2 degrees of freedom)."""
    fit = mlm.ols("y ~ x", table, method="ml") if method == "ml" else mlm.ols("y ~ x", table)
    found = fit.conf_int(of="sigma").iloc[0]
    half = stats.norm.ppf(0.975) / np.sqrt(2 * degrees)
    assert found["lower"] == pytest.approx(fit.sigma * np.exp(-half), rel=1e-6)
    assert found["upper"] == pytest.approx(fit.sigma * np.exp(half), rel=1e-6)


@pytest.mark.parametrize("text, value, ends", [
    ("x + 2 * x / 4", 1.5, True), ("+x", 1.0, True), ("x * 2 ** 2", 4.0, True), ("0.5 * -x", -0.5, True),
    ("x ** 2", None, False), ("exp(x)", None, False),
])
def test_linear_text_has_the_interval_of_the_coefficient(three, text, value, ends):
    found, own = three.conf_int(of=text).iloc[0], three.conf_int().loc["x"]
    b = three.params["x"]
    if ends:
        assert found["estimate"] == pytest.approx(value * b)
        assert sorted(value * own) == pytest.approx([found["lower"], found["upper"]], rel=1e-6)
    else:
        assert found["estimate"] == pytest.approx(b**2 if "**" in text else np.exp(b))
        steep = 2 * b if "**" in text else np.exp(b)
        assert found["upper"] - found["estimate"] == pytest.approx(steep * (own["upper"] - b), rel=1e-5)


def test_a_ratio_has_fieller_s_interval_whatever_its_sign(three):
    """Its ends are where the numerator less the value times the denominator is just significant."""
    plain, turned = (three.conf_int(of=of, method="fieller").iloc[0] for of in ("Intercept / x", "-Intercept / x"))
    assert [-turned["upper"], -turned["lower"]] == pytest.approx([plain["lower"], plain["upper"]])
    for end in (plain["lower"], plain["upper"]):
        weights = pd.Series(0.0, three.params.index)
        weights[["Intercept", "x"]] = 1.0, -end
        estimate, se, _ = linear(three, weights.to_numpy())
        assert abs(estimate[0] / se[0]) == pytest.approx(stats.norm.ppf(0.975), rel=1e-6)


def test_a_ratio_with_a_denominator_near_zero_has_no_ends(table):
    fit = mlm.lmm("y ~ x + lt + t + (1 | g)", table)
    assert (fit.pvalues[["lt", "t"]] > 0.05).all()
    gap, whole = (fit.conf_int(of=of, method="fieller") for of in ("x / lt", "t / lt"))
    assert np.isinf(gap[["lower", "upper"]].to_numpy()).all() and np.isinf(whole[["lower", "upper"]].to_numpy()).all()
    assert "x / lt is not told from zero: every value but those between" in gap.attrs["note"]
    assert "t / lt is not told from zero, so any value is compatible" in whole.attrs["note"]


def test_estimates_as_sentences(three):
    means = mlm.emmeans(three, "z")
    lines = means.explain().splitlines()
    table = means.table
    assert lines[0].startswith(f"z a: {table['mean'].iloc[0]:.2f} (95 % interval") and " = " not in lines[0]
    assert any("Satterthwaite" in line for line in lines)
    overall = mlm.emmeans(three, [])
    assert overall.explain().startswith("Overall: ") and len(overall) == 1
    assert overall.table["mean"].iloc[0] == pytest.approx(table["mean"].mean())
    plain = mlm.ols("y ~ x + z", three.data, method="ml")
    assert "With the unbiased residual variance" in mlm.emmeans(plain, "z", ddf="kenward-roger").explain()


def test_joint_tests_of_some_of_the_rows(three):
    pairs = mlm.emmeans(three, "z").contrast("pairwise")
    whole = pairs.joint_test()
    assert whole.df[0] == 2 and whole.null == "all 3 contrasts = 0"
    term = three.test("z[T.b] = 0, z[T.c] = 0", ddf="satterthwaite")
    assert whole.statistic == pytest.approx(term.statistic, rel=1e-6)
    one = pairs.joint_test(contrast="a - b")
    assert one.statistic == pytest.approx(pairs.table["t"].iloc[0] ** 2) and one.null == "a - b = 0"
    with pytest.raises(ValueError, match="There is no column 'w'; the columns here are 'contrast'"):
        pairs.joint_test(w="a")
    with pytest.raises(ValueError, match="No row has contrast = 'a - d'"):
        pairs.joint_test(contrast="a - d")


@pytest.mark.parametrize("call, said", [
    (lambda f: f_test(f, [0, 1, 0, 0], rhs=np.nan), "The right side of a hypothesis must be finite numbers"),
    (lambda f: linear(f, [0, np.inf, 0, 0]), "holds numbers that are not finite"),
    (lambda f: linear(f, [0, 1]), r"has shape \(1, 2\); it needs 4 columns, one for each coefficient: Intercept"),
    (lambda f: f_test(f, [0, 0, 0, 0]), "The matrix of combinations is zero: there is nothing to test"),
    (lambda f: f_test(f, [[0, 1, 0, 0], [0, 1, 0, 0]], rhs=[0, 1]), "The hypotheses contradict each other"),
    (lambda f: f.bootstrap(n=1), "n=1 must be a whole number of replicates, 2 or more"),
    (lambda f: mlm.compare(mlm.ols("y ~ z", f.data), f, names=("a",)), "names= has 1 names for 2 models"),
    (lambda f: mlm.compare(mlm.ols("y ~ x + z", f.data), f, method="wald"), "use 'lrt' or 'bootstrap'"),
    (lambda f: mlm.compare(mlm.ols("y ~ z", f.data), mlm.ols("y ~ x + z", f.data), f, method="bootstrap"),
     "takes two models; compare the others one by one"),
    (lambda f: mlm.compare(mlm.ols("y ~ x + z", f.data), f, method="bootstrap", n=0), "n=0 must be a whole number of samples"),
    (lambda f: mlm.lmm("y ~ 1 + (1 | g)", f.data).anova(), "The model has only an intercept, so there is no term to test"),
    (lambda f: mlm.compare(mlm.lmm("y ~ 1 + (1 | g)", f.data, reml=False), mlm.ols("y ~ x + z + t", f.data, method="ml")),
     "the first model has random effects, the second has none"),
    (lambda f: mlm.crossing(f, "x", "nothing"), "'nothing'"),
])
def test_questions_are_refused_in_a_sentence(three, call, said):
    with pytest.raises(ValueError, match=said):
        call(three)


def test_margins_add_the_offset_at_its_mean(table):
    """The mean of predictions is b'x at the means, and the mean of the offset more."""
    offset = np.linspace(0, 3, 120)
    fit = mlm.ols("y ~ x", table, offset=offset)
    at = fit.margins(at={"x": [0.0, 1.0]}).table["margin"].to_numpy()
    assert at == pytest.approx(fit.params["Intercept"] + fit.params["x"] * np.array([0, 1]) + offset.mean())
    slope = fit.margins(dydx="x").table["margin"].iloc[0]
    assert slope == pytest.approx(fit.params["x"])


def test_margins_of_counts_move_with_their_offset(table, counts):
    """offset(lt) in the formula is exposure= e^lt: the same margins; with lt itself given, its value counts."""
    inside = mlm.glmm("k ~ x + offset(lt) + (1 | g)", table, family="poisson")
    for ask in ({"at": {"x": [0, 1]}}, {"dydx": "x"}):
        one, other = (fit.margins(**ask).table for fit in (inside, counts))
        assert one["margin"].to_numpy() == pytest.approx(other["margin"].to_numpy(), rel=1e-5)
        assert one["se"].to_numpy() == pytest.approx(other["se"].to_numpy(), rel=1e-3)
    high, low = inside.margins(at={"lt": [0.5, 0.0]}).table["margin"]
    assert high / low == pytest.approx(np.exp(0.5))
    null = mlm.glmm("k ~ 1 + (1 | g)", table, family="poisson")
    T = null.covariance_matrix("g").iloc[0, 0]
    assert null.margins().table["margin"].iloc[0] == pytest.approx(np.exp(null.params["Intercept"] + T / 2), rel=1e-6)


def test_estimated_means_say_what_they_are_of(table, counts):
    found = mlm.emmeans(mlm.glmm("k ~ z + (1 | g)", table, family="poisson", exposure="e"), "z", type="response")
    assert "For an exposure of 1." in found.explain() and "Carried back from the linear predictor (log)" in found.explain()
    marginal = mlm.gee("y ~ x + z", table, groups="g")
    said = mlm.emmeans(marginal, "z").explain()
    assert "linear predictor" not in said and said.startswith("z a: ")
    assert mlm.emmeans(marginal, "z").table["mean"].diff().iloc[1] == pytest.approx(marginal.params["z[T.b]"])


def test_a_grid_of_too_many_cells_names_the_column(table):
    from mlmlib.inference.grid import reference_grid
    fit = mlm.lmm("y ~ x + lt + (1 | g)", table)
    with pytest.raises(mlm.DataError, match=r"would have 40,000 cells, most of them because 'x' has 200 values; give some of them"):
        reference_grid(fit, {"x": list(np.arange(200.0)), "lt": list(np.arange(200.0))})


def test_a_profile_reads_and_stays(table):
    profile = mlm.lmm("y ~ x + (1 | g)", table, reml=True).profile(["x", "sd(g: Intercept)"])
    ends = profile.conf_int()
    text = repr(profile)
    assert text.startswith("Profile likelihood (ML), 95 % intervals") and f"{ends.loc['x', 'lower']:.6g}" in text
    assert "fitted again by ML" in text and "<table" in profile._repr_html_() and "fitted again" in profile._repr_html_()
    with pytest.raises(AttributeError, match="'names' cannot be set"):
        profile.names = ()
    with pytest.raises(AttributeError, match="'names' cannot be deleted"):
        del profile.names
    with pytest.raises(ValueError, match="'sigma' was not profiled; the profile has x, sd"):
        profile.curve("sigma")
    with pytest.raises(ValueError, match=r"sd\(g: Intercept\) lies between 0 and inf"):
        profile.zeta("sd(g: Intercept)", -1.0)
    zeta = profile.zeta("x", [ends.loc["x", "lower"], ends.loc["x", "upper"]])
    assert zeta.to_numpy() == pytest.approx(np.array([-1, 1]) * stats.norm.ppf(0.975), rel=1e-7)
    assert (profile.zeta("x").diff().dropna() > 0).all()


def test_a_profile_that_finds_a_better_fit_goes_on_from_it(table, counts):
    """Begun at a place beside the maximum, the interval is that of the maximum, and says so."""
    criterion, at = counts.model.criterion, counts._at
    x = at.x + 0.2
    beside = type(counts)(counts.model, replace(counts._found, at=criterion(x, criterion.ahead(at, x), gradient=False)))
    assert beside.llf < counts.llf - 0.1
    good, found = counts.profile("x"), beside.profile("x")
    assert any("Profiling found a better fit" in message for message in found.messages) and not good.messages
    assert found.conf_int().to_numpy() == pytest.approx(good.conf_int().to_numpy(), rel=1e-4)


def test_groups_of_a_bootstrap_are_those_of_the_rows_used(table):
    gaps = table.assign(x=table["x"].where(table.index >= 6))
    fit = mlm.ols("y ~ x", gaps)
    named = fit.bootstrap(20, kind="cluster", groups="g", progress=False)
    given = fit.bootstrap(20, kind="cluster", groups=table["g"].to_numpy(), progress=False)
    used = fit.bootstrap(20, kind="cluster", groups=table["g"].to_numpy()[6:], progress=False)
    assert np.array_equal(named.replicates, given.replicates) and np.array_equal(named.replicates, used.replicates)
    assert not np.array_equal(named.replicates, fit.bootstrap(20, kind="cluster", progress=False).replicates)
    assert not named.singular.any()


def gee(formula, table, **options):
    return mlm.gee(formula, table, groups="g", **options)


@pytest.mark.parametrize("fits, said", [
    (lambda t: (gee("k ~ 1", t, family="poisson"), gee("k ~ x", t)), "differ in family or link"),
    (lambda t: (gee("y ~ 1", t), gee("y ~ x", t.assign(y=t["y"] + 1))), "of other rows or outcomes"),
    (lambda t: (gee("y ~ 1", t), mlm.gee("y ~ x", t, groups="h")), r"have other groups \('g', 'h'\)"),
    (lambda t: (gee("y ~ 1", t), mlm.ols("y ~ x", t)), "GEE has none, so that it cannot be tested against another kind"),
])
def test_marginal_models_that_cannot_be_compared(table, fits, said):
    with pytest.raises(ValueError, match=said):
        mlm.compare(*fits(table))


def test_a_comparison_of_marginal_models_stays(table):
    found = mlm.compare(gee("y ~ 1", table), gee("y ~ x", table))
    full = gee("y ~ x", table)
    assert found.statistic == pytest.approx((full.params["x"] / full.bse["x"]) ** 2) and found.null == "x = 0"
    again = pickle.loads(pickle.dumps(found))
    assert again.pvalue == found.pvalue == pytest.approx(stats.chi2.sf(found.statistic, 1))
    with pytest.raises(AttributeError, match="Results are immutable; 'notes' cannot be set"):
        found.notes = ()
    with pytest.raises(AttributeError, match="MarginalComparison has no attribute 'nothing'"):
        found.nothing  # noqa: B018
    apart = mlm.compare(gee("y ~ x", table), gee("y ~ z", table))
    with pytest.raises(AttributeError, match="pvalue is that of one test of two nested fits; see .tests"):
        apart.pvalue  # noqa: B018
    naive = mlm.compare(gee("y ~ 1", table, cov="model"), gee("y ~ x", table, cov="model"))
    assert naive.tests[0].name == "Wald test"


@pytest.mark.parametrize("null, full, said", [
    (("k ~ x + (1 | h)", {}), ("k ~ x + z + (1 | g)", {}), "the first model groups by 'h', the second by g"),
    (("k ~ 1 + (1 + x | g)", {}), ("k ~ x + z + t + lt + (1 | g)", {}), "lets 'x' vary over 'g'|not nested"),
    (("k ~ x + (1 | g)", {"exposure": "e"}), ("k ~ x + z + (1 | g)", {}), "different offsets or exposures"),
    (("k ~ lt + (1 | g)", {}), ("k ~ x + z + (1 | g)", {}), "'lt' of the first model's fixed effects cannot be made"),
    (("k ~ x + z + (1 | g)", {}), ("k ~ x + (1 | g)", {}), "The smaller model comes first.*Exchange them"),
    (("k ~ x + (1 | g)", {"family": "nbinom2"}), ("k ~ x + z + t + (1 | g)", {}), "Exchange them|Neither family"),
])
def test_generalized_models_that_are_not_nested(table, null, full, said):
    fits = [mlm.glmm(formula, table, **{"family": "poisson", **options}) for formula, options in (null, full)]
    with pytest.raises(ValueError, match=said):
        mlm.compare(*fits)


def test_an_offset_that_the_larger_model_can_make_is_a_hypothesis(table):
    """offset(lt) against lt among the predictors: the test that its coefficient is one."""
    null = mlm.glmm("k ~ x + offset(lt) + (1 | g)", table, family="poisson")
    full = mlm.glmm("k ~ x + lt + (1 | g)", table, family="poisson")
    found = mlm.compare(null, full)
    assert found.df == 1 and found.statistic == pytest.approx(2 * (full.llf - null.llf))
    wald = (full.params["lt"] - 1) ** 2 / full.bse["lt"] ** 2
    assert found.statistic == pytest.approx(wald, rel=0.1, abs=0.05)


def test_structures_and_random_effects_are_compared_step_by_step(table):
    plain = mlm.lmm("y ~ x + (1 | g)", table, reml=False)
    both = mlm.lmm("y ~ x + (1 + x | g)", table, reml=False, correlation=mlm.ar1("t"))
    with pytest.raises(ValueError, match="differ in the structure of the residuals and in the random effects at once"):
        mlm.compare(plain, both)
    shuffled = table.assign(y=table["y"].to_numpy()[::-1])
    with pytest.raises(ValueError, match="The outcome 'y' differs between the fits in 120 of 120 rows|different rows"):
        mlm.compare(mlm.ols("y ~ 1", table), mlm.ols("y ~ x", shuffled))


def test_rows_that_hang_together_are_not_drawn_apart(table):
    """Of correlated residuals whole sets are drawn: those that are there, or groups that hold them."""
    table = table[table["g"] <= 8]
    series = mlm.lmm("y ~ x + (1 | g)", table, correlation=mlm.ar1("t"))
    with pytest.raises(ValueError, match="groups= is for kind='cluster': the groups that are drawn whole"):
        series.bootstrap(n=2, groups="g")
    with pytest.raises(mlm.DataError, match="cuts rows apart that random effects or correlations tie together"):
        series.bootstrap(n=2, kind="cluster", groups="h")
    own, named = (series.bootstrap(2, kind="cluster", groups=groups, seed=3, progress=False) for groups in (None, "g"))
    assert np.array_equal(own.replicates, named.replicates)
    crossed = mlm.lmm("y ~ x + (1 | g) + (1 | h)", table, variance=mlm.by_group("z"))
    with pytest.raises(mlm.DataError, match="All rows hang together through random effects or correlations"):
        crossed.bootstrap(n=2, kind="cluster")


def test_several_memberships_of_one_group_are_the_ordinary_model(table):
    """mm(g, g) is g: the same degrees of freedom; areas that hold whole groups are drawn, groups that share rows are not."""
    table = table.assign(area=(table["g"] + 3) // 4)
    two = mlm.lmm("y ~ x + (1 | mm(g, g))", table)
    draws, again = (two.bootstrap(3, kind="cluster", groups=groups, seed=2, progress=False).replicates.to_numpy()
                    for groups in ("area", table["area"].to_numpy()))
    assert np.array_equal(draws, again) and draws.shape == (3, 4) and np.isfinite(draws).all()
    factor = next(iter(two.n_groups))
    with pytest.raises(mlm.DataError, match="Rows belong to several groups of .*, so its groups cannot be drawn"):
        two.bootstrap(n=2, kind="cluster", groups=factor)
    unequal = [mlm.lmm(f"y ~ x + (1 | {group})", table, variance=mlm.by_group("z")) for group in ("g", "mm(g, g)")]
    degrees = [fit.coef_table(ddf="satterthwaite")["df"].to_numpy() for fit in unequal]
    assert degrees[0] == pytest.approx(degrees[1], rel=1e-3)
    with pytest.raises(mlm.DataError, match="Rows of models with multiple membership cannot be drawn by groups"):
        unequal[1].bootstrap(n=2, kind="cluster", progress=False)


@pytest.mark.parametrize("option, said", [({"new_groups": "zero"}, "new_groups='zero' must be 'population' or 'error'"),
                                          ({"interval": "range"}, "interval='range' must be 'confidence' or 'prediction'")])
def test_intervals_of_predictions_refuse_other_words(three, option, said):
    with pytest.raises(ValueError, match=said):
        three.predict(**{"interval": "confidence", **option})


def test_a_bootstrap_that_never_works_says_why(three):
    def moody(fit):
        if fit is not three:
            raise ValueError("In a bad mood.")
        return fit.sigma

    with pytest.raises(mlm.DataError, match="None of 4 replicates could be fitted. In a bad mood"):
        three.bootstrap(4, statistic=moody, n_jobs=1, progress=False)
