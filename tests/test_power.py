"""mlm.power by formula: against R (noncentral t, dense least squares), against other programs, and at the edges."""

from __future__ import annotations

import json
import math
import pickle
import re
import tomllib

import numpy as np
import pytest

import mlmlib as mlm
from mlmlib.power.noncentral import critical, power_at
from mlmlib.power.unequal import inflated
from toc import ROOT

P = mlm.power
R = json.loads((ROOT / "tests/reference/r/powerR_cases.json").read_text(encoding="utf-8"))["results"]
VAR = R["variance"]
PUBLISHED = tomllib.loads((ROOT / "tests/reference/power_published.toml").read_text(encoding="utf-8"))
SCHOOLS = {"icc": 0.15, "n": 20}


def test_noncentral_t():
    for row in R["t"]:
        df = math.inf if row["df"] == -1 else row["df"]
        # R's pt(ncp=) itself has errors of 1e-12 (Lenth's algorithm), and of up to 1e-9 in its upper tail
        assert power_at(row["ncp"], df, row["alpha"], row["sides"]) == pytest.approx(row["power"], abs=2e-9)


def test_without_groups_it_is_the_t_test():
    for row in R["ttest"]:
        plan = P.cluster_randomized(row["d"], icc=0.4, groups=2 * row["n"], n=1)
        assert plan.power == pytest.approx(row["power"], abs=1e-9)
        assert plan.detectable() == pytest.approx(row["detectable"], rel=1e-8)


@pytest.mark.parametrize("case", PUBLISHED["power"], ids=lambda case: case["call"][:30])
def test_published_powers(case):
    plan = getattr(P, case["function"])(**case["arguments"])
    digits = len(str(case["power"]).split(".")[1])
    assert plan.power == pytest.approx(case["power"], abs=0.5 * 10 ** -max(digits,
                                                                           2) if case["of"] != "powerup" else 0.0006)
    if "df" in case:
        assert plan.df == case["df"] and round(plan.se, 3) == case["se"]
        assert plan.detectable() == pytest.approx(case["mdes"], abs=0.003)


@pytest.mark.parametrize("case", PUBLISHED["groups"], ids=lambda case: case["call"][:30])
def test_published_sizes(case):
    plan = getattr(P, case["function"])(**case["arguments"])
    if "groups" in case:
        assert plan.groups == case["groups"]
        return
    sizes, an_arm = {"n": plan.n}, case["nearest"]  # the number that has the power, as a real number, rounds to it
    below, above = (plan.design.power(plan.effect, {**sizes, "groups": 2 * (an_arm + half)}) for half in (-0.5, 0.5))
    assert below < 0.8 < above


@pytest.mark.parametrize("name, plan", [
    ("cluster", lambda: P.cluster_randomized(0.3, icc=0.2, groups=12, n=5)),
    ("cluster_quarter", lambda: P.cluster_randomized(0.3, icc=0.2, groups=12, n=5, share=0.25)),
    ("cluster_covariates", lambda: P.cluster_randomized(0.3, icc=0.2, groups=12, n=5, r2_group=0.6, r2_unit=0.3)),
    ("multisite", lambda: P.multisite(0.3, icc=0.15, effect_sd=0.2, groups=9, n=8)),
    ("three_at3", lambda: P.three_level(0.3, icc_cluster=0.1, icc_group=0.15, clusters=6, groups=4, n=3)),
    ("three_at2", lambda: P.three_level(0.3, at=2, icc_cluster=0.1, icc_group=0.15, effect_sd_cluster=0.3, clusters=6,
                                        groups=4, n=3)),
    ("three_at1", lambda: P.three_level(0.3, at=1, icc_cluster=0.1, icc_group=0.15, effect_sd_cluster=0.3,
                                        effect_sd_group=0.2, clusters=6,
                                        groups=4, n=4)),
    ("growth", lambda: P.longitudinal(0.1, slope_var=0.04, residual_var=0.5, duration=4, groups=16, waves=5)),
    ("growth_short", lambda: P.longitudinal(0.1, slope_var=0.04, residual_var=0.5, duration=2, groups=16, waves=3)),
    ("growth_attrition", lambda: P.longitudinal(0.1, slope_var=0.04, residual_var=0.5, duration=4, groups=32, waves=5,
                                                attrition=0.25,
                                                intercept_var=0.6, covariance=0.05)),
    ("growth_attrition_free", lambda: P.longitudinal(0.1, slope_var=0.04, residual_var=0.5, duration=4, groups=32,
                                                     waves=5, attrition=0.25)),
    ("cross", lambda: P.cross_level(0.2, icc=0.2, slope_sd=0.15, groups=10, n=6)),
    ("log_odds", lambda: P.cluster_randomized(0.6, icc=0.1, groups=14, n=9, outcome="binary", control=0.3,
                                              scale="log-odds")),
    ("difference", lambda: P.cluster_randomized(0.15, icc=0.1, groups=14, n=9, outcome="binary", control=0.3)),
])
def test_variances_against_dense_least_squares(name, plan):
    plan = plan()
    # a level of 1e7 stands for levels left free in R
    assert plan.se ** 2 == pytest.approx(VAR[name], rel=1e-6 if name.endswith("free") else 1e-10)
    assert sum(plan.parts.values()) == pytest.approx(plan.se ** 2, rel=1e-12)
    assert plan.noncentrality == pytest.approx(plan.effect / plan.se)


def test_unequal_sizes():
    """Units alike: exact.  By precision an expansion: 4 percent too small for sizes of 5, 5, 20, 30 and 40."""
    for case in VAR["unequal"]:
        a, b, groups = case["rho"], 1.0 - case["rho"], 2 * len(case["sizes"])
        n, cv = case["mean"], case["cv"]
        assert 4.0 * inflated(a, b, n, cv, "size") / groups == pytest.approx(case["size"], rel=1e-10)
        assert 4.0 * inflated(a, b, n, cv, "precision") / groups == pytest.approx(case["precision"], rel=0.045)
        plan = P.cluster_randomized(0.3, icc=a, n=n, groups=groups, cv=cv)
        assert plan.se ** 2 == pytest.approx(4.0 * inflated(a, b, n, cv, "precision") / groups)
    one = P.cluster_randomized(0.3, **SCHOOLS, groups=40)
    assert one.power > one.at(cv=0.5).power > one.at(cv=0.5, weights="size").power


def test_budgets():
    for case in R["budget"]:
        found = P.budget(20_000, cost_group=case["c2"], cost_unit=case["c1"], icc=case["rho"], effect=0.3)
        assert found.formula_n == pytest.approx(case["n"], rel=1e-5)
        assert found.cost <= 20_000 and found.power == found.table["power"].max()
        assert found.groups * (case["c2"] + found.n * case["c1"]) == found.cost
    case = R["budget3"]
    found = P.budget(200_000, design="three_level", cost_cluster=case["c3"], cost_group=case["c2"],
                     cost_unit=case["c1"],
                     icc_cluster=case["icc_cluster"], icc_group=case["icc_group"], effect=0.2)
    assert found.formula_n == pytest.approx(case["n"],
                                            rel=1e-4) and found.formula_groups == pytest.approx(case["groups"],
                                                                                                rel=1e-4)
    assert abs(found.n - found.formula_n) < 6 and abs(found.groups - found.formula_groups) <= 1


def test_the_cheapest_design_for_a_power():
    found = P.budget(power=0.8, cost_group=300, cost_unit=10, icc=0.1, effect=0.3)
    assert found.power >= 0.8 and found.cost == found.table["cost"].min()
    assert (found.table["power"] >= 0.8).all()
    less = P.budget(found.cost - 1, cost_group=300, cost_unit=10, icc=0.1, effect=0.3)
    assert less.power < 0.8


def test_budget_at_the_edges():
    assert math.isinf(P.budget(10_000, cost_group=80, cost_unit=1, icc=0, effect=0.1).formula_n)
    all_groups = P.budget(10_000, cost_group=80, cost_unit=1, icc=1, effect=0.1)
    assert (all_groups.n, all_groups.groups) == (1, 122)
    for kwargs, word in (({"total": 100}, "total"), ({"total": -5}, "total"), ({}, "total"),
                         ({"total": 1e4, "power": 0.8}, "power"),
                         ({"total": 1e4, "n": 5}, "n="), ({"total": 1e4, "cost_cluster": 5}, "cost_cluster"),
                         ({"total": 1e4, "design": "x"}, "design")):
        with pytest.raises(mlm.DataError, match=word):
            P.budget(**{"cost_group": 80, "cost_unit": 1, "icc": 0.1, "effect": 0.3, **kwargs})


@pytest.mark.parametrize("make, sizes", [
    (lambda **k: P.cluster_randomized(icc=0.15, **k), {"groups": 40, "n": 20}),
    (lambda **k: P.cluster_randomized(icc=0.05, outcome="binary", control=0.3, **k), {"groups": 40, "n": 30}),
    (lambda **k: P.cluster_randomized(icc=0.05, outcome="binary", control=0.3, scale="log-odds", **k),
     {"groups": 40, "n": 30}),
    (lambda **k: P.multisite(icc=0.15, effect_sd=0.2, **k), {"groups": 20, "n": 16}),
    (lambda **k: P.three_level(icc_cluster=0.1, icc_group=0.1, **k), {"clusters": 40, "groups": 3, "n": 12}),
    (lambda **k: P.longitudinal(slope_var=0.04, residual_var=0.5, duration=4, attrition=0.2, **k),
     {"groups": 100, "waves": 6}),
    (lambda **k: P.cross_level(icc=0.15, slope_sd=0.1, **k), {"groups": 40, "n": 20}),
])
def test_any_one_argument_is_solved_for(make, sizes):
    """The effect that a power needs has that power; the sizes found are the smallest that reach it."""
    found = make(power=0.8, **sizes)
    assert found.solved == "effect" and found.power == pytest.approx(0.8, abs=1e-9)
    assert make(effect=found.effect, **sizes).power == pytest.approx(0.8, abs=1e-9)
    effect = found.effect * (1 + 1e-9)
    for name in sizes:
        others = {other: value for other, value in sizes.items() if other != name}
        again = make(effect=effect, power=0.8, **others)
        step = again.design.step(name)
        assert again.solved == name and again.power >= 0.8
        assert again.sizes[name] == sizes[name] and again.sizes[name] % step == 0
        if again.sizes[name] > 2 * step and name != "waves":
            assert again.at(**{name: again.sizes[name] - step}).power < 0.8


def test_limits():
    plan = P.cluster_randomized(0.3, **SCHOOLS, groups=40)
    assert plan.at(icc=0).design_effect == pytest.approx(1) and plan.at(icc=1).design_effect == pytest.approx(20)
    assert plan.at(icc=1).se == pytest.approx(plan.at(icc=1, n=1).se) == pytest.approx(plan.at(icc=0, n=1).se)
    assert plan.at(effect=0).power == pytest.approx(0.05) and plan.at(effect=-0.3).power == pytest.approx(plan.power)
    assert plan.design_effect == pytest.approx(1 + 19 * 0.15)
    assert plan.at(sides=1).power > plan.power and plan.at(df=math.inf).power > plan.power
    assert P.longitudinal(0.1, slope_var=0, residual_var=0, duration=4, groups=10, waves=2).power == 1
    assert P.cluster_randomized(3, icc=0.15, n=20, power=0.8).groups == 4  # two an arm: the fewest that can be tested


def test_one_sided_looks_toward_the_effect():
    assert power_at(0.0, 10, 0.05, 1) == pytest.approx(0.05) and critical(math.inf, 0.05,
                                                                          1) == pytest.approx(1.6448536269514722)


C = {"effect": 0.3, "icc": 0.15, "groups": 20, "n": 20}


@pytest.mark.parametrize("change, said", [
    ({"icc": 1.5}, r"icc=1.5 must be a number from 0 to 1\."), ({"icc": -0.1}, "icc=-0.1"),
    ({"groups": -20}, "groups=-20 must be a whole number"),
    ({"groups": 20.5}, "groups=20.5 must be a whole number"),
    ({"groups": 2}, "groups=2, n=20 leaves 0 degrees of freedom"),
    ({"groups": 3, "r2_group": 0.5}, "leaves 0 degrees"), ({"n": 0}, "n=0 must be 1 or more"),
    ({"effect": "a"}, "effect='a' must be a number"),
    ({"effect": math.nan}, "effect=nan"), ({"power": 0.8}, "Leave out exactly one"),
    ({"n": None, "power": 0.8}, "n cannot be found.*0.375.*groups="),
    ({"n": None, "power": 0.03}, "power=0.03 must lie between alpha=0.05 and 1"),
    ({"n": None, "power": 1}, "power=1 must"),
    ({"n": None}, "Leave out exactly one.*n, power are left out"),
    ({"groups": None, "effect": 0, "power": 0.8}, "effect=0 is never found"),
    ({"groups": None, "effect": 1e-7, "power": 0.8}, "takes a larger effect"), ({"cv": 2}, "cv=2.*weights='size'"),
    ({"cv": -1}, "cv=-1"),
    ({"weights": "x"}, "weights='x'"), ({"share": 1}, "share=1"), ({"alpha": 0}, "alpha=0"), ({"sides": 3}, "sides=3"),
    ({"df": 0}, "df=0"),
    ({"r2_group": 2}, "r2_group=2"), ({"covariates": -1}, "covariates=-1"), ({"outcome": "count"}, "outcome='count'"),
    ({"control": 0.3}, "control="),
    ({"outcome": "binary"}, "control="), ({"outcome": "binary", "control": 0.9}, "effect=0.3 takes the proportion"),
    ({"outcome": "binary", "control": 1}, "control=1"),
    ({"outcome": "binary", "control": 0.3, "scale": "log-odds", "icc": 1}, "icc=1"),
    ({"outcome": "binary", "control": 0.9, "groups": 4, "n": 2, "effect": None, "power": 0.8},
     "not reached by any effect"),
])
def test_one_error_names_the_argument(change, said):
    with pytest.raises(mlm.DataError, match=said):
        P.cluster_randomized(**{**C, **change})


@pytest.mark.parametrize("call, said", [
    (lambda: P.multisite(0.3, icc=0.1, groups=10, power=0.8, effect_sd=0.5),
     "n cannot be found: with groups=10 and effect=0.3 the power stays below 0.396"),
    (lambda: P.multisite(0.3, icc=0.1, groups=1, n=20), "degrees of freedom"),
    (lambda: P.multisite(0.3, icc=0.1, groups=10, n=20, effects="fixed", effect_sd=0.1), "effect_sd="),
    (lambda: P.multisite(0.3, icc=0.1, groups=10, n=1), "n=1 must be 2"),
    (lambda: P.three_level(0.2, icc_cluster=0.6, icc_group=0.6, clusters=10, groups=3, n=5), "sum to more than 1"),
    (lambda: P.three_level(0.2, icc_cluster=0.1, icc_group=0.1, clusters=10, n=10, power=0.8),
     "groups cannot be found.*clusters="),
    (lambda: P.three_level(0.2, icc_cluster=0.1, icc_group=0.1, clusters=10, groups=3, n=5, effect_sd_cluster=0.1),
     "effect_sd_cluster="),
    (lambda: P.three_level(0.2, at=2, icc_cluster=0.1, icc_group=0.1, clusters=10, groups=1, n=5), "groups=1 must be"),
    (lambda: P.three_level(0.2, at=4, icc_cluster=0.1, icc_group=0.1, clusters=10, groups=2, n=5), "at=4"),
    (lambda: P.longitudinal(0.1, slope_var=0.04, residual_var=0.5, duration=4, groups=40, power=0.9),
     "waves cannot be found.*0.338"),
    (lambda: P.longitudinal(0.1, slope_var=0.04, residual_var=0.5, duration=4, groups=40, waves=1), "waves=1"),
    (lambda: P.longitudinal(0.1, slope_var=0.04, residual_var=0.5, groups=40, waves=3), "duration="),
    (lambda: P.longitudinal(0.1, slope_var=0.04, residual_var=0.5, duration=-4, groups=40, waves=3), "duration=-4"),
    (lambda: P.longitudinal(0.1, slope_var=0.04, residual_var=0.5, duration=4, groups=40, waves=3, attrition=1),
     "attrition=1"),
    (lambda: P.longitudinal(0.1, slope_var=0.04, residual_var=0.5, duration=4, groups=40, waves=3, intercept_var=0.1,
                            covariance=1), "covariance=1"),
    (lambda: P.cross_level(0.2, icc=0.1, slope_sd=0.1, groups=10, n=1), "n=1 must be 2"),
    (lambda: P.cross_level(0.2, icc=0.1, slope_sd=-0.1, groups=10, n=10), "slope_sd=-0.1"),
])
def test_other_designs_say_what_is_wrong(call, said):
    with pytest.raises(mlm.DataError, match=said):
        call()


def test_curves():
    plan = P.cluster_randomized(0.3, **SCHOOLS, groups=40)
    table = plan.curve("groups", [20, 40], by="icc", by_values=[0.05, 0.15])
    assert list(table.columns) == ["icc", "groups", "power", "se", "df", "detectable"] and len(table) == 4
    assert table["power"].iloc[3] == plan.power
    for over in ("groups", "n", "effect", "icc"):
        power = plan.curve(over)["power"]
        assert len(power) > 10 and (power.diff().dropna() * (-1 if over == "icc" else 1) > 0).all()
    with pytest.raises(mlm.DataError, match="by_values"):
        plan.curve("n", by="icc")
    with pytest.raises(mlm.DataError, match="at\\(\\) knows no nonsense"):
        plan.at(nonsense=1)
    with pytest.raises(mlm.DataError, match="needs values"):
        plan.curve("cv")


def test_a_result_reads_and_stays():
    plan = P.cluster_randomized(0.3, **SCHOOLS, power=0.8)
    text = repr(plan)
    assert "groups, solved for" in text and "Raudenbush (1997)" in text and re.search(r"groups +70", text)
    assert "<table" in plan._repr_html_() and "share (1 - share) groups" in plan.about
    with pytest.raises(AttributeError):
        plan.power = 1
    with pytest.raises(AttributeError):
        plan.waves  # noqa: B018
    assert pickle.loads(pickle.dumps(plan)).groups == plan.groups == 70
    for other in (P.multisite(0.3, icc=0.1, groups=10, n=20, effects="fixed"),
                  P.three_level(0.2, at=1, icc_cluster=0.1, icc_group=0.1, clusters=10,
                  groups=4, n=6), P.longitudinal(0.1, slope_var=0.04, residual_var=0.5, duration=4, groups=40, waves=3,
                                                 attrition=0.1),
                  P.cross_level(0.2, icc=0.1, slope_sd=0.1, groups=10, n=9, w="normal"),
                  P.cluster_randomized(0.1, icc=0.1, groups=10, n=9, outcome="binary", control=0.2, cv=0.4)):
        assert "df" in repr(other) and other.about.count("(") > 1
    found = P.budget(20_000, cost_group=300, cost_unit=10, icc=0.1, effect=0.3)
    assert "optimal n" in repr(found) and pickle.loads(pickle.dumps(found)).n == found.n == 15
    assert np.isclose(found.formula_n, math.sqrt(30 * 9))


@pytest.mark.parametrize("scale", [1e-14, 1.0, 1e8])
def test_the_unit_of_measurement_changes_no_power(scale):
    """The effect that is found is so many standard errors, whatever the outcome is measured in."""
    plan = P.longitudinal(power=0.8, slope_var=0.04 * scale**2, residual_var=0.5 * scale**2, duration=4, groups=50, waves=4)
    assert plan.power == pytest.approx(0.8, abs=1e-9)
    one = P.longitudinal(power=0.8, slope_var=0.04, residual_var=0.5, duration=4, groups=50, waves=4)
    assert plan.effect == pytest.approx(one.effect * scale, rel=1e-9)
    assert plan.detectable() == pytest.approx(plan.effect, rel=1e-9)


def test_without_variance_there_is_no_smallest_effect():
    sure = {"slope_var": 0, "residual_var": 0, "duration": 4, "groups": 10, "waves": 2}
    with pytest.raises(mlm.DataError, match="Without any variance every effect is found"):
        P.longitudinal(power=0.8, **sure)
    plan = P.longitudinal(0.1, **sure)
    assert plan.power == 1 and math.isinf(plan.noncentrality) and "smallest effect found with power" in repr(plan)
    assert plan.curve("groups", [10, 20])["detectable"].isna().all()


def test_log_odds_at_the_ends():
    few = {"icc": 0.1, "outcome": "binary", "control": 0.9, "scale": "log-odds"}
    with pytest.raises(mlm.DataError, match="power=0.8 is not reached by any effect. Give a larger groups="):
        P.cluster_randomized(power=0.8, groups=4, n=2, **few)
    for effect in (800, -800):
        with pytest.raises(mlm.DataError, match=f"effect={effect} leaves the treated arm a proportion of 0 or 1"):
            P.cluster_randomized(effect, groups=40, n=20, **few)
    plan = P.cluster_randomized(power=0.8, groups=60, n=30, **few)
    assert plan.power == pytest.approx(0.8, abs=1e-9) and plan.design.outcome.treated(plan.effect) > 0.9
    assert plan.at(effect=plan.effect * 0.999).power < 0.8  # the smallest one


def test_far_out_in_a_tail():
    """Where SciPy's noncentral t has no number left the power is 1 or the tail 0, as in the limit."""
    for df in (3, 50, 1e4):
        assert power_at(1e4, df, 0.05, 2) == pytest.approx(1.0) == power_at(-1e4, df, 0.05, 1)
    assert power_at(0.0, 8, 0.05, 2) == pytest.approx(0.05)


@pytest.mark.parametrize("plan, words", [
    (lambda: P.cluster_randomized(0.5, icc=0.1, groups=20, n=9, outcome="binary", control=0.2, scale="log-odds"),
     ["tau^2 = icc/(1 - icc) pi^2/3", "log odds ratio within a group"]),
    (lambda: P.cluster_randomized(0.1, icc=0.1, groups=20, n=9, outcome="binary", control=0.2),
     ["p0 (1 - p0) / (1 - share)", "difference of proportions"]),
    (lambda: P.multisite(0.5, icc=0.1, groups=20, n=8, outcome="binary", control=0.2, scale="log-odds"),
     ["1/(p0 (1 - p0) (1 - share))", "effect_sd^2"]),
    (lambda: P.multisite(0.1, icc=0.1, groups=20, n=8, outcome="binary", control=0.2, effects="fixed"),
     ["(1 - icc) [p0 (1 - p0)/(1 - share)", "groups (n - 2)"]),
    (lambda: P.multisite(0.1, icc=0.1, groups=20, n=8, cv=0.3), ["BIRA2_1r"]),
    (lambda: P.three_level(0.2, icc_cluster=0.1, icc_group=0.1, clusters=10, groups=4, n=6),
     ["clusters - 2 - covariates df"]),
    (lambda: P.three_level(0.2, at=2, effects="fixed", icc_cluster=0.1, icc_group=0.1, clusters=10, groups=4, n=6),
     ["clusters (groups - 2) - covariates"]),
    (lambda: P.longitudinal(0.2, slope_var=0.04, residual_var=0.5, duration=4, groups=40, waves=4, attrition=0.2),
     ["levels of persons left free", "Galbraith and Marschner"]),
    (lambda: P.longitudinal(0.2, slope_var=0.04, residual_var=0.5, duration=4, groups=40, waves=4, attrition=0.2,
                            intercept_var=0.5), ["generalized least squares"]),
])
def test_a_result_names_its_formula(plan, words):
    plan = plan()
    text = " ".join(repr(plan).split())
    assert all(word in text for word in words)
    assert sum(plan.parts.values()) == pytest.approx(plan.se**2, rel=1e-12)


def test_budgets_of_three_levels_and_of_no_variance_between_groups():
    costs = {"cost_cluster": 500, "cost_group": 100, "cost_unit": 5, "icc_cluster": 0.05, "icc_group": 0.1, "effect": 0.4}
    found = P.budget(30_000, design="three_level", **costs)
    assert re.search(rf"optimal groups +{found.formula_groups:.2f}", repr(found)) and found.plan.sizes == found.sizes
    assert found.cost == found.clusters * (500 + found.groups * (100 + 5 * found.n)) <= 30_000
    with pytest.raises(mlm.DataError, match="cost_cluster= is needed"):
        P.budget(30_000, design="three_level", **{**costs, "cost_cluster": None})
    with pytest.raises(mlm.DataError, match="power=0.8 is reached by no design"):
        P.budget(power=0.8, cost_group=80, cost_unit=1, icc=0.1, effect=1e-9)
    with pytest.raises(AttributeError, match="_hidden"):
        found._hidden  # noqa: B018
    assert re.search(r"optimal n +any", repr(P.budget(10_000, cost_group=80, cost_unit=1, icc=0, effect=0.1)))


@pytest.mark.parametrize("call, said", [
    (lambda: P.three_level(0.2, at=3, effects="fixed", icc_cluster=0.1, icc_group=0.1, clusters=10, groups=3, n=5),
     "effects='fixed' is for a treatment within clusters"),
    (lambda: P.cluster_randomized(0.2, icc=0.1, groups=10, n=5, outcome="binary"), "needs control=, the proportion"),
])
def test_arguments_that_do_not_fit_together(call, said):
    with pytest.raises(mlm.DataError, match=said):
        call()
