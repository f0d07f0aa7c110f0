"""Panel regressions against plm 2.6-2: the 15 plm_* files given, and panelR_* made by tests/reference/panel.R.

Of the 15 files ten are compared number by number.  The other five, plm_imm2_*, have the predictor `white` of the real
math.dta, which the bundled reconstruction does not have.  Two numbers of plm_imm_tests differ, `hausman_aux` and
`hausman_aux_robust`: plm's auxiliary regression keeps a constant of 1 where the transformed model has 1 - theta_j, which
in an unbalanced panel is another regression.  panelR_auxiliary_* has the right one, computed in R, and a test shows that
plm's comes out when the constant is left as it is.
"""

import json

import numpy as np
import pytest

import mlmlib as mlm
from mlmlib.panel.random import quasi_demeaned
from mlmlib.panel.solve import regress
from models import REFERENCE

TOLERANCE = 1e-9  # the brief asks for 1e-6
KINDS = {"pooling": "pooled", "within": "within", "between": "between", "random": "random"}
CASES = {"grunfeld": ("inv ~ value + capital", "grunfeld", "firm"), "imm": ("math ~ homework", "math", "schid")}
MISSING = [f"plm_imm2_{kind}" for kind in (*KINDS, "tests")]  # the predictor white is not in the bundled data
R_NAMES = {"(Intercept)": "Intercept", "exper2": "I(exper ** 2)", "unionyes": "union[T.yes]", "marriedyes": "married[T.yes]",
           "ethnblack": "ethn[T.black]", "ethnhisp": "ethn[T.hisp]"}
WAGE = "wage ~ exper + I(exper ** 2) + union + married + school + ethn"


def read(name):
    return json.loads((REFERENCE / "r" / f"{name}.json").read_text(encoding="utf-8"))["results"]


def short(name):
    """The unbalanced panels of panel.R."""
    table = mlm.load(name)
    place = np.arange(1, len(table) + 1)
    return table[place % 7 != 0] if name == "grunfeld" else table[~np.isin(place % 11, (0, 3, 4))]


def table(name, which):
    return mlm.load(name) if which == "whole" else short(name)


def near(ours, theirs, tolerance=TOLERANCE):
    ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= tolerance * max(np.abs(theirs).max(), 1e-300) or (
        np.abs(ours - theirs) <= tolerance * np.abs(theirs)).all()


def agrees(fit, theirs):
    names = [R_NAMES.get(name, name) for name in theirs["fixef"]]
    assert sorted(names) == sorted(fit.params.index)
    each = np.array(list(theirs["fixef"].values()))
    assert (np.abs(fit.params[names] - each) <= TOLERANCE * np.abs(each)).all()
    covariance = theirs["vcov"] if "vcov" in theirs else theirs["vcov_fixef"]["values"]
    near(fit.cov_params().loc[names, names], covariance)
    near(fit.bse[names], np.sqrt(np.diag(covariance)))
    near(fit.ssr, theirs["ssr"])
    assert fit.df_resid == theirs["df_residual"]
    if "rsq" in theirs:
        near(fit.rsquared, theirs["rsq"])
    if "ercomp" in theirs:
        sigma2 = theirs["ercomp"]["sigma2"]
        near([fit.sigma_e ** 2, fit.sigma_u ** 2], [sigma2["idios"], sigma2["id"]])


def same_test(ours, theirs):
    near(ours.statistic, theirs["stat"])
    assert abs(ours.pvalue - theirs["p"]) <= 1e-6 * theirs["p"]


def test_every_file_is_here():
    names = sorted(path.stem for path in (REFERENCE / "r").glob("plm_*.json"))
    assert len(names) == 15 and set(MISSING) < set(names)
    assert "white" not in mlm.load("math") and "white" in read("plm_imm2_within")["fixef"]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", KINDS)
def test_given_fits(case, kind):
    formula, data, group = CASES[case]
    theirs = read(f"plm_{case}_{kind}")
    fit = mlm.panel(formula, mlm.load(data), groups=group, effects=KINDS[kind])
    agrees(fit, theirs)
    near([fit.rsquared, fit.rsquared_adj], [theirs["r2"]["rsq"], theirs["r2"]["adj"]])
    assert len(fit.transformed.y) == theirs["nobs"]
    if kind == "within":
        near(fit.group_effects[:5], theirs["fixef_first5"])
    if kind == "random":
        theta = theirs["ercomp"]["theta_first5"]  # of the first rows
        near(fit.theta.iloc[[0] * len(theta)], theta)


@pytest.mark.parametrize("case", CASES)
def test_given_tests(case):
    formula, data, group = CASES[case]
    theirs = read(f"plm_{case}_tests")
    fe, re = (mlm.panel(formula, mlm.load(data), groups=group, effects=kind) for kind in ("within", "random"))
    same_test(mlm.hausman(fe, re), theirs["hausman_chisq"])
    same_test(fe.f_test_groups(), theirs["pF"])
    same_test(mlm.breusch_pagan(fe), theirs["bp_lm"])
    own = read(f"panelR_auxiliary_{'math' if case == 'imm' else case}")
    same_test(mlm.hausman(fe, re, method="auxiliary"), own["plain"])
    same_test(mlm.hausman(fe, re, method="robust"), own["robust"])
    if case == "grunfeld":  # balanced: plm's own regression is the right one
        same_test(mlm.hausman(fe, re, method="auxiliary"), theirs["hausman_aux"])
        same_test(mlm.hausman(fe, re, method="robust"), theirs["hausman_aux_robust"])


def test_plm_leaves_the_constant_of_the_auxiliary_regression_as_it_is():
    fit = mlm.panel("math ~ homework", mlm.load("math"), groups="schid", effects="random")
    frame, theta = fit.frame, fit.theta.to_numpy()
    y, x = quasi_demeaned(frame, frame.y, theta), quasi_demeaned(frame, frame.X[:, 1], theta)
    X = np.column_stack([np.ones(frame.n), x, frame.deviations(frame.X[:, 1])])
    reg = regress(y, X, frame.codes)[0]
    theirs = read("plm_imm_tests")
    near(reg.b[2] ** 2 / reg.cov[2, 2], theirs["hausman_aux"]["stat"])
    sums = np.array([np.bincount(frame.codes, column * reg.resid) for column in X.T])
    robust = reg.inverse @ sums @ sums.T @ reg.inverse
    near(reg.b[2] ** 2 / robust[2, 2], theirs["hausman_aux_robust"]["stat"])


@pytest.mark.parametrize("which", ["whole", "short"])
def test_two_ways(which):
    theirs = read(f"panelR_twoway_{which}")
    fit = mlm.panel("inv ~ value + capital", table("grunfeld", which), groups="firm", time="year", effects="two-way")
    agrees(fit, theirs)
    near(fit.group_effects, theirs["firm"])
    near(fit.group_effects_se, theirs["firm_se"])
    near(fit.time_effects, [0.0, *theirs["year"]])
    near(fit.time_effects_se, [0.0, *theirs["year_se"]])
    for kind in ("groups", "times", "both"):
        same_test(fit.f_test_groups(kind), theirs[kind])


@pytest.mark.parametrize("which", ["whole", "short"])
def test_first_differences(which):
    theirs = read(f"panelR_fd_{which}")
    options = {"groups": "firm", "time": "year", "effects": "first-difference"}
    fit = mlm.panel("inv ~ value + capital", table("grunfeld", which), **options)
    agrees(fit, theirs["plain"])
    if which == "whole":  # over a gap the year grows by two, plm's constant stays one
        trend = mlm.panel("inv ~ year + value + capital", mlm.load("grunfeld"), **options)
        near(trend.params, list(theirs["trend"]["fixef"].values()))
        near(trend.cov_params(), theirs["trend"]["vcov"])
        assert fit.messages == ()
    else:
        assert "25 of 162 differences bridge a gap in 'year'" in fit.messages[0]


@pytest.mark.parametrize("which", ["whole", "short"])
def test_random_effects_and_tests(which):
    theirs, data = read(f"panelR_random_{which}"), table("grunfeld", which)
    pooled, fe, be, re = (mlm.panel("inv ~ value + capital", data, groups="firm", effects=kind)
                          for kind in ("pooled", "within", "between", "random"))
    agrees(re, theirs)
    agrees(fe, theirs["within"])
    agrees(be, theirs["between"])
    near(re.group_effects, theirs["ranef"])
    near(fe.group_effects, theirs["fixef_within"])
    near(fe.group_effects_se, theirs["fixef_se"])
    near(np.unique(re.theta), np.unique(theirs["ercomp"]["theta"]))
    same_test(mlm.breusch_pagan(pooled), theirs["bp"])
    same_test(mlm.breusch_pagan(pooled, one_sided=True), theirs["honda"])
    same_test(mlm.hausman(fe, re), theirs["hausman"])
    same_test(pooled.f_test_groups(), theirs["F"])


@pytest.mark.parametrize("which", ["whole", "short"])
def test_males(which):
    theirs, data = read(f"panelR_males_{which}"), table("males", which)
    fe, re = (mlm.panel(WAGE, data, groups="nr", effects=kind) for kind in ("within", "random"))
    agrees(re, theirs["random"])
    agrees(fe, theirs["within"])
    same_test(mlm.hausman(fe, re), theirs["hausman"])
    same_test(fe.f_test_groups(), theirs["F"])
    same_test(mlm.hausman(fe, re, method="auxiliary"), theirs["auxiliary"]["plain"])
    same_test(mlm.hausman(fe, re, method="robust"), theirs["auxiliary"]["robust"])


@pytest.mark.parametrize("which", ["whole", "short"])
def test_hausman_and_taylor(which):
    fit = mlm.panel(WAGE, table("males", which), groups="nr", effects="hausman-taylor", endogenous=["union", "school"])
    theirs = read(f"panelR_ht_{which}")
    agrees(fit, theirs)
    near(np.unique(fit.theta.round(12)), np.unique(np.round(theirs["ercomp"]["theta"], 12)))
    assert fit.kinds["constant, endogenous"] == ("school",)
