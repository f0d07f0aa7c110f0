"""Residual correlation and variance structures against nlme's gls and lme at full precision (reference/r).

Of 68 files all agree in the log-likelihood.  `SHORT` lists those where nlme stops short of the maximum, so that ours is
higher and the estimates differ by more than 1e-6 (1e-5 for variances): the difference is held to what that gap in the
likelihood allows.
"""

from functools import cache

import numpy as np
import pytest

import mlmlib as mlm
from mlmlib.published.r_results import ours, relative
from models import data, reference

SUBJECT, MARE = "Subject", "Mare"
OVARY = "follicles ~ sin(2 * 3.141592653589793 * Time) + cos(2 * 3.141592653589793 * Time)"
ORTHO = "distance ~ age * Sex"
SLEEP = "Reaction ~ Days"


@cache
def table(name):
    """The data of a fit; those with gaps are made as rows.R makes them."""
    if name == "gap":
        sleep = mlm.load("sleepstudy")
        subject = sleep["Subject"].astype("category").cat.codes + 1
        gone = (sleep["Days"].isin([3, 4]) & (subject % 3 == 0)) | ((sleep["Days"] == 7) & (subject % 2 == 0))
        return sleep[~gone].assign(Day1=sleep["Days"] + 1)
    if name == "sleep":
        return mlm.load("sleepstudy").assign(Day1=lambda rows: rows["Days"] + 1)
    if name == "ortho_gap":
        rows = data("ortho").drop(index=[1, 6, 29])
        return rows.assign(Sex=rows["Sex"].cat.reorder_categories(["Female", "Male"]))
    return data(name)


def ar1(group=SUBJECT, time=None):
    return {"correlation": mlm.ar1(time, group=group)}


BY_SEX, BY_AGE = {"variance": mlm.by_group("Sex")}, {"variance": mlm.by_group("age")}
CS, UN = {"correlation": mlm.cs(group=SUBJECT)}, {"correlation": mlm.un("age", group=SUBJECT)}
POWER, EXPONENTIAL = {"variance": mlm.power_of("Day1")}, {"variance": mlm.exponential_of("Days")}
DAYS = ar1(time="Days")
MARE_CAR1 = {"correlation": mlm.car1("Time", group=MARE)}
MARE_ARMA = {"correlation": mlm.arma11(group=MARE)}
SLEEP_ARMA = {"correlation": mlm.arma11("Days", group=SUBJECT)}
GAP_CAR1 = {"correlation": mlm.car1("Days", group=SUBJECT)}

MODELS = {
    "gls_orthodont_ar1": ("ortho", ORTHO, ar1()),
    "gls_orthodont_cs": ("ortho", ORTHO, CS),
    "gls_orthodont_cs_varident": ("ortho", ORTHO, CS | BY_SEX),
    "gls_orthodont_sym": ("ortho", ORTHO, UN),
    "gls_orthodont_un": ("ortho", ORTHO, UN | BY_AGE),
    "gls_orthodont_varident_sex": ("ortho", ORTHO, BY_SEX),
    "gls_ovary_ar1": ("ovary", OVARY, ar1(MARE)),
    "gls_ovary_car1": ("ovary", OVARY, MARE_CAR1),
    "lme_hsb_rc_varident_sector": ("hsb", "mathach ~ cses + (cses | school)", {"variance": mlm.by_group("sector")}),
    "lme_orthodont_ri_ar1": ("ortho", ORTHO + " + (1 | Subject)", ar1()),
    "lme_orthodont_ri_varident": ("ortho", ORTHO + " + (1 | Subject)", BY_SEX),
    "lme_orthodont_rs": ("ortho", ORTHO + " + (age | Subject)", {}),
    "lme_orthodont_rs_varident": ("ortho", ORTHO + " + (age | Subject)", BY_SEX),
    "lme_ovary_ri": ("ovary", OVARY + " + (1 | Mare)", {}),
    "lme_ovary_ri_ar1": ("ovary", OVARY + " + (1 | Mare)", ar1(MARE)),
    "lme_sleepstudy_ar1": ("sleep", SLEEP + " + (1 | Subject)", ar1()),
    "more_gls_sleep_arma11": ("sleep", SLEEP, SLEEP_ARMA),
    "more_gls_ovary_arma11": ("ovary", OVARY, MARE_ARMA),
    "more_gls_gap_ar1": ("gap", SLEEP, DAYS),
    "more_gls_gap_arma11": ("gap", SLEEP, SLEEP_ARMA),
    "more_gls_gap_car1_exp": ("gap", SLEEP, GAP_CAR1 | EXPONENTIAL),
    "more_gls_gap_power": ("gap", SLEEP, POWER),
    "more_lme_sleep_exp": ("sleep", SLEEP + " + (1 | Subject)", EXPONENTIAL),
    "more_lme_sleep_rs_power": ("sleep", SLEEP + " + (Days | Subject)", POWER),
    "more_lme_gap_rs_ar1_exp": ("gap", SLEEP + " + (Days | Subject)", DAYS | EXPONENTIAL),
    "more_lme_ovary_car1": ("ovary", OVARY + " + (1 | Mare)", MARE_CAR1),
    "more_lme_ovary_arma11": ("ovary", OVARY + " + (1 | Mare)", MARE_ARMA),
    "more_gls_ortho_cs_gap": ("ortho_gap", ORTHO, CS | BY_SEX),
    "more_gls_ortho_un_gap": ("ortho_gap", ORTHO, UN | BY_AGE),
}
NAMES = [f"{key}_{kind}" for key in MODELS for kind in ("ml", "reml")]


SHORT = {"gls_orthodont_sym_ml", "gls_orthodont_sym_reml", "gls_orthodont_un_ml", "gls_orthodont_un_reml",
         "gls_ovary_car1_ml", "lme_hsb_rc_varident_sector_reml", "lme_orthodont_rs_ml", "more_gls_sleep_arma11_ml",
         "more_gls_ovary_arma11_ml", "more_gls_gap_car1_exp_reml", "more_lme_gap_rs_ar1_exp_ml",
         "more_lme_gap_rs_ar1_exp_reml", "more_gls_ortho_un_gap_ml", "more_gls_ortho_un_gap_reml"}


def tolerance(name, fine):
    """`fine`, or 20 times that where nlme stops short of the maximum."""
    return 20 * fine if name in SHORT else fine


def _place(names, theirs):
    """Where a coefficient of R's stands among ours."""
    parts = frozenset(theirs.replace("SexMale", "Sex[T.Male]").split(":"))
    return [frozenset(name.split(":")) for name in names].index(frozenset().union(*map(ours, parts)))


SE_ADJUSTED = "more_gls", "gls"  # by ML nlme's gls prints standard errors times sqrt(N / (N - p)), its lme does not


@cache
def fit(name):
    key, kind = name.rsplit("_", 1)
    rows, formula, structure = MODELS[key]
    function = mlm.lmm if "|" in formula else mlm.gls
    return function(formula, table(rows), reml=kind == "reml", **structure)


@pytest.mark.parametrize("name", NAMES)
def test_criterion(name):
    fitted, truth = fit(name), reference(f"nlme_{name}")
    assert fitted.llf == pytest.approx(truth["logLik"], abs=5e-7)
    assert fitted.llf > truth["logLik"] + (1e-11 if name in SHORT else -1e-11)
    assert fitted.n_params == truth["df"]
    assert fitted.converged and not fitted.messages


@pytest.mark.parametrize("name", NAMES)
def test_fixed_effects(name):
    fitted, truth = fit(name), reference(f"nlme_{name}")
    place = [0, 1, 2] if name.count("ovary") else [_place(fitted._names, key) for key in truth["fixef"]]
    scale = np.array(list(truth["se"].values()))
    assert relative(fitted._params[place], list(truth["fixef"].values()), 1e-3 * scale.max()) < tolerance(name, 1e-6)
    N, p = fitted.design.X.shape
    stretch = np.sqrt(N / (N - p)) if name.startswith(SE_ADJUSTED) and name.endswith("_ml") else 1.0
    assert relative(stretch * fitted.bse.to_numpy()[place], scale) < tolerance(name, 1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_variances(name):
    fitted, truth = fit(name), reference(f"nlme_{name}")
    if "|" in fitted.formula:
        given = truth["random_cov"]
        cov = np.atleast_2d(next(iter(given.values()))["cov"] if isinstance(given, dict) else given)
        T = fitted.covariance_matrix().to_numpy()
        scale = np.sqrt(np.outer(np.diag(cov), np.diag(cov)))
        assert np.all(np.abs(T - cov) <= tolerance(name, 1e-5) * scale)  # covariances: on the scale of the correlation
    if not truth.get("var_par") or not hasattr(truth["var_par"], "values") or len(truth["var_par"]) == 0:
        assert fitted.sigma == pytest.approx(truth["sigma"], rel=1e-5)


@pytest.mark.parametrize("name", [name for name in NAMES if MODELS[name.rsplit("_", 1)[0]][2]])
def test_structure(name):
    fitted, truth = fit(name), reference(f"nlme_{name}")
    found = fitted.residual_params
    theirs = np.atleast_1d(truth.get("cor_par", []))
    assert np.allclose(found.to_numpy()[:len(theirs)], theirs, rtol=tolerance(name, 1e-5), atol=1e-7)
    given = truth.get("var_par") or {}
    structure = MODELS[name.rsplit("_", 1)[0]][2].get("variance")
    if structure is None:
        return
    if structure.name != "by_group":
        theirs = np.atleast_1d(list(given.values()) if isinstance(given, dict) else given)[0]
        assert found.iloc[-1] == pytest.approx(theirs, rel=tolerance(name, 1e-5))
        assert fitted.sigma == pytest.approx(truth["sigma"], rel=tolerance(name, 1e-5))
        return
    levels = fitted.data[structure.column].astype(str).str.replace(r"\.0$", "", regex=True)
    sds = fitted.residual_sd.groupby(levels).first()
    for level, sd in sds.items():  # the level that nlme does not name is its reference
        assert sd == pytest.approx(truth["sigma"] * given.get(level, 1.0), rel=1e-5)


FIRST = [name for name in NAMES
         if name.startswith("more") and "arma" not in name and "ortho" not in name and name not in SHORT]


@pytest.mark.parametrize("name", FIRST)
def test_residuals(name):
    """As in nlme.  Its factor of compound symmetry and of general matrices is another one, so that its normalized
    residuals differ."""
    fitted, truth = fit(name), reference(f"nlme_{name}")
    for kind, theirs in (("pearson", "pearson"), ("scaled", "normalized")):
        found = fitted.residuals(kind).to_numpy()[:5]
        assert np.allclose(found, truth[f"resid_{theirs}_first5"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["ml", "reml"])
def test_independent_residuals_are_least_squares(kind):
    """nlme's gls without a structure, against mlm.ols."""
    truth = reference(f"nlme_gls_orthodont_iid_{kind}")
    fitted = mlm.ols(ORTHO, data("ortho"), method="ml" if kind == "ml" else "ols")
    place = [_place(fitted._names, key) for key in truth["fixef"]]
    N, p = fitted.design.X.shape
    stretch = np.sqrt(N / (N - p)) if kind == "ml" else 1.0
    assert fitted.loglik(kind == "reml") == pytest.approx(truth["logLik"], abs=1e-9)
    assert relative(fitted._params[place], list(truth["fixef"].values()), 1e-3) < 1e-9
    assert relative(stretch * fitted._se[place], list(truth["se"].values())) < 1e-9


@pytest.mark.parametrize("kind", ["ml", "reml"])
def test_nested_random_effects(kind):
    """Children in schools with AR(1) residuals: lme(random = ~ 1 | schoolid/childid, correlation = corAR1(...))."""
    loose = 20 if kind == "reml" else 1  # there nlme stops short of the maximum
    truth = reference(f"nlme_nested_egsingle_ar1_{kind}")
    fitted = mlm.lmm("math ~ year + (1 | schoolid/childid)", mlm.load("egsingle"), correlation=mlm.ar1("year"),
                     reml=kind == "reml")
    assert fitted.converged and fitted.llf == pytest.approx(truth["logLik"], abs=1e-6)
    assert fitted.n_params == truth["df"]
    assert relative(fitted._params, list(truth["fixef"].values()), 1e-3) < 1e-6 * loose
    assert relative(fitted._se, list(truth["se"].values())) < 1e-6 * loose
    assert fitted.residual_params.iloc[0] == pytest.approx(truth["cor_par"], rel=1e-5 * loose)
    variances = [float(T[0, 0]) for T in fitted._T]
    theirs = [np.ravel(truth["reStruct"][group])[0] for group in ("schoolid", "childid")]
    assert relative(variances, theirs) < 1e-5 * loose
    assert fitted.sigma == pytest.approx(truth["sigma"], rel=1e-5 * loose)


FITTED = {"gls_power": (SLEEP, mlm.power_of), "lme_power": (SLEEP + " + (1 | Subject)", mlm.power_of),
          "lme_exp": (SLEEP + " + (1 | Subject)", mlm.exponential_of)}


@pytest.mark.parametrize("kind", ["ml", "reml"])
@pytest.mark.parametrize("name", FITTED)
def test_variances_that_follow_the_fitted_values(name, kind):
    """nlme's varPower() and varExp() of fitted(.), carried on until the fitted values stay (rows_fitted.R says why)."""
    truth = reference(f"nlme_fitted_{name}_{kind}")
    formula, variance = FITTED[name]
    function = mlm.lmm if "|" in formula else mlm.gls
    fitted = function(formula, table("sleep"), reml=kind == "reml", variance=variance("fitted(.)"))
    assert fitted.converged and fitted.llf == pytest.approx(truth["logLik"], abs=5e-7)
    assert fitted.n_params == truth["df"]
    assert relative(fitted._params, list(truth["fixef"].values())) < 1e-6
    assert fitted.residual_params.iloc[0] == pytest.approx(truth["delta"], rel=1e-5)
    column = table("sleep").assign(v=fitted.fittedvalues)
    again = function(formula, column, reml=kind == "reml", variance=variance("v"))
    assert again.criterion == pytest.approx(fitted.criterion, abs=1e-8)
    assert np.allclose(again.fittedvalues, fitted.fittedvalues, atol=1e-6)
