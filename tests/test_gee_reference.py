"""GEE against geepack 1.3.9 (gee_*, geeR_cases) to 1e-6 relative: coefficients, robust and model-based standard errors,
working correlations, scale and QIC.

Exceptions, with their reasons: a fixed scale (`test_fixed_scale_of_geepack_is_that_of_the_glm`), and that with weights or trials geepack's scale is sum w r^2 / sum w, though its working variance is
phi V / w, so that its model-based standard errors depend on the unit of the weights; ours have sum w r^2 / N (see mlm.gee).
Coefficients, correlations and robust standard errors are geepack's there too.
"""

import json

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from models import REFERENCE

NAMES = sorted(path.stem for path in (REFERENCE / "r").glob("gee_*.json"))
CALLS = {
    "ohio": ("resp ~ age * smoke", "ohio", {"groups": "id", "family": "binomial", "time": "age"}),
    "epil": ("y ~ lbase * trt + lage + V4", "epil", {"groups": "subject", "family": "poisson", "time": "period"}),
    "hsb": ("mathach ~ cses + mean_ses + sector", "hsb", {"groups": "school"}),
}
CASES = json.loads((REFERENCE / "r" / "geeR_cases.json").read_text())["results"]


def worst(ours, theirs):
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    assert ours.shape == theirs.shape
    return np.abs(ours / theirs - 1.0).max(initial=0.0)


def test_all_nine_are_here():
    assert len(NAMES) == 9 and len(CASES) == 12


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_geepack(name):
    theirs = json.loads((REFERENCE / "r" / f"{name}.json").read_text())["results"]
    formula, data, options = CALLS[name.split("_")[1]]
    fit = mlm.gee(formula, mlm.load(data), corr=theirs["corstr"], **options)
    assert fit.converged and not fit.messages
    assert worst(fit.params, list(theirs["fixef"].values())) < 1e-6
    assert worst(fit.bse, list(theirs["se_robust"].values())) < 1e-6
    assert np.abs(fit.cov_params().to_numpy() - np.array(theirs["vcov_robust"]["values"])).max() < 1e-7
    assert worst(fit.se_table()["model"], np.sqrt(np.diagonal(theirs["vcov_naive"]))) < 1e-6
    assert worst(fit.correlations["estimate"], theirs["alpha"]) < 1e-6
    assert worst(fit.scale, theirs["scale_gamma"][0]) < 1e-6
    assert worst(fit.fittedvalues[:5], theirs["fitted_first5"]) < 1e-6
    ours = fit.qic()
    assert worst(ours[["QIC", "QICu", "quasi_likelihood", "CIC"]], [theirs["QIC"][k] for k in ("QIC", "QICu", "Quasi Lik", "CIC")]) < 1e-6


def data_of(name):
    table = mlm.load(name)
    if name == "dietox":
        return table.assign(w=1 + table["Time"] % 3)
    return table.assign(weeks=np.where(table["period"] == 1, 3, 2)) if name == "epil" else table


def call(name):
    """The fit of a case."""
    d, o = data_of("dietox"), mlm.load("ohio")
    ar1 = {"corr": "ar1", "time": "Time"}
    return {
        "dietox_ar1": lambda: mlm.gee("Weight ~ Time + Cu", d, groups="Pig", **ar1),
        "dietox_gaps": lambda: mlm.gee("Weight ~ Time + Cu", d[~(d["Time"].isin([3, 4]) & (d["Pig"] % 2 == 0))], groups="Pig", **ar1),
        "dietox_weights": lambda: mlm.gee("Weight ~ Time + Cu", d, groups="Pig", weights="w"),
        "dietox_weights_ar1": lambda: mlm.gee("Weight ~ Time + Cu", d, groups="Pig", weights="w", **ar1),
        "dietox_gamma": lambda: mlm.gee("Weight ~ Time + Cu", d, groups="Pig", family="gamma"),
        "cbpp_trials": lambda: mlm.gee("incidence ~ period", mlm.load("cbpp"), groups="herd", family="binomial", trials="size"),
        "ohio_probit": lambda: mlm.gee("resp ~ age + smoke", o, groups="id", family="binomial", link="probit"),
        "ohio_cloglog": lambda: mlm.gee("resp ~ age + smoke", o, groups="id", family="binomial", link="cloglog"),
        "epil_exposure": lambda: mlm.gee("y ~ trt + V4", data_of("epil"), groups="subject", family="poisson", exposure="weeks"),
        "epil_reduced": lambda: mlm.gee("y ~ trt + V4", data_of("epil"), groups="subject", family="poisson", cov="mancl-derouen"),
    }[name]()


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("hsb_club", "ohio_fixed")])
def test_more_of_geepack(name):
    theirs, fit = CASES[name], call(name)
    weighted = "weights" in name or "trials" in name
    assert fit.converged
    assert worst(fit.params, theirs["coef"]) < 1e-6
    table = fit.se_table()
    assert worst(table["robust"], theirs["se"]) < 1e-6
    assert worst(fit.correlations["estimate"], [theirs["alpha"]]) < 1e-6
    if not weighted:
        assert worst(table["model"], theirs["naive"]) < 1e-6
        assert worst(fit.scale, theirs["phi"]) < 1e-6
    else:  # the exception: phi in the unit of the weights
        assert worst(table["model"] / np.sqrt(fit.scale), np.array(theirs["naive"]) / np.sqrt(theirs["phi"])) < 1e-6
    if "mancl_derouen" in theirs:
        assert worst(fit.bse, theirs["mancl_derouen"]) < 1e-6
        assert worst(table["kauermann-carroll"], theirs["kauermann_carroll"]) < 1e-6


def test_fixed_scale_of_geepack_is_that_of_the_glm():
    """geeglm(scale.fix = TRUE) holds phi where it starts, at the model of independent rows; our scale= is the value itself."""
    theirs, options = CASES["ohio_fixed"], {"groups": "id", "family": "binomial"}
    assert worst(mlm.gee("resp ~ age + smoke", mlm.load("ohio"), corr="independence", **options).scale, theirs["phi"]) < 1e-10
    free = mlm.gee("resp ~ age + smoke", mlm.load("ohio"), **options)
    fixed = mlm.gee("resp ~ age + smoke", mlm.load("ohio"), scale=4.0, **options)
    assert worst(fixed.params, free.params) < 1e-12 and worst(fixed.bse, free.bse) < 1e-12
    assert worst(fixed.se_table()["model"] * np.sqrt(free.scale) / 2, free.se_table()["model"]) < 1e-12


def test_reduced_errors_are_those_of_clubsandwich():
    """With independence and constant variance Kauermann-Carroll is CR2 and Mancl-DeRouen CR3."""
    hsb = mlm.load("hsb")
    hsb = hsb[hsb["school"].isin(hsb["school"].unique()[:12])]
    found = mlm.gee("mathach ~ cses + mean_ses", hsb, groups="school", corr="independence").se_table()
    for ours, theirs in (("robust", "CR0"), ("kauermann-carroll", "CR2"), ("mancl-derouen", "CR3")):
        assert worst(found[ours], CASES["hsb_club"][theirs]) < 1e-8


def test_ordered_categories_under_independence_are_maximum_likelihood():
    theirs = json.loads((REFERENCE / "r" / "catR_nominal_test.json").read_text())["results"]
    for link in ("logit", "probit"):
        fit = mlm.gee("rating ~ temp + contact", mlm.load("wine"), groups="judge", family="ordinal", corr="independence", link=link)
        ours = np.concatenate([fit.thresholds, fit.params])
        assert worst(ours, list(theirs[link]["coef"].values())) < 1e-6


def test_unordered_categories_under_independence_are_maximum_likelihood():
    theirs = json.loads((REFERENCE / "r" / "catR_multinom_socatt.json").read_text())["results"]
    data = mlm.load("socatt").astype({"gender": str})  # the first category in the alphabet, as in R
    data["party"] = pd.Categorical(data["party"].astype(str), theirs["levels"])
    fit = mlm.gee("party ~ age + gender", data, groups="respond", family="nominal", corr="independence", cov="model")
    assert np.abs(fit.params - np.ravel(theirs["coef"])).max() < 1e-5  # multinom stops when its deviance does not change
    assert worst(fit.bse, np.ravel(theirs["se"])) < 1e-5
