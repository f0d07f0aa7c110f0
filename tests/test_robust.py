"""Cluster-robust covariances, degrees of freedom and joint tests against clubSandwich and sandwich."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from models import data, reference

MATH = "math ~ homework"
INV = "inv ~ value + capital"


def held(ours, groups, truth, rtol, slopes=None, **options):
    """Every kind of a file of results against ours: covariance, degrees of freedom, AHT test."""
    kinds = [key for key in truth if key.startswith("CR")]
    assert kinds
    for kind in kinds:
        t, fit = truth[kind], mlm.robust(ours, groups, kind, **options)
        V = np.array(t["vcov"])
        size = np.sqrt(np.diagonal(V))
        assert np.allclose(fit.bse, size, rtol=rtol, atol=0), kind
        assert np.allclose(fit.cov_params() / np.outer(size, size), V / np.outer(size, size), rtol=0, atol=2 * rtol), kind
        assert np.allclose(fit.df, t.get("df", t.get("satt_df")), rtol=rtol, atol=0), kind
        if "p" in t:
            assert np.allclose(fit.pvalues, t["p"], rtol=1e3 * rtol, atol=1e-12), kind
        joint = t.get("htz") or t.get("wald_HTZ_all_slopes")
        if joint:
            test = fit.wald_test(slopes)
            assert test.statistic == pytest.approx(joint.get("F", joint.get("Fstat")), rel=3 * rtol), kind
            assert test.df[1] == pytest.approx(joint.get("df2", joint.get("df_denom")), rel=rtol), kind


@pytest.mark.parametrize("name, formula, table, groups", [
    ("crse_lm_imm_hw", MATH, "math", "schid"),
    ("crse_lm_imm_hw_public", "math ~ homework * schtype", "math", "schid"),
    ("crse_lm_hsb", "mathach ~ cses + mean_ses + sector", "hsb", "school"),
])
def test_given_least_squares(name, formula, table, groups):
    truth, ours = reference(name), mlm.ols(formula, mlm.load(table))
    assert np.allclose(ours.params, list(truth["fixef"].values()), rtol=1e-9)
    assert {"CR0", "CR1", "CR1p", "CR1S", "CR2", "CR3"} <= set(truth)
    held(ours, groups, truth, 1e-10)


def test_given_mixed_model():
    ours, truth = mlm.lmm("mathach ~ cses + (cses | school)", mlm.load("hsb")), reference("crse_lmer_hsb_rc")
    held(ours, None, truth, 1e-6)


def weighted():
    table = mlm.load("math")
    return mlm.ols("math ~ homework + ses", table, weights=1 + table["homework"].to_numpy() / 3)


def test_weights_are_variances_or_nothing():
    held(weighted(), "schid", reference("crseR_lm_weights"), 1e-10)
    held(weighted(), "schid", reference("crseR_lm_weights_identity"), 1e-10, working="identity")


def test_absorbed_dummies_are_dummies():
    """The demeaned fit has the CR2 and the degrees of freedom of the one with a dummy for each school."""
    within = mlm.panel("math ~ homework + ses", mlm.load("math"), groups="schid")
    held(within, None, reference("crseR_lm_dummies"), 1e-10)
    held(within, None, reference("crseR_plm_within"), 1e-10)
    written = mlm.robust(mlm.ols("math ~ 0 + homework + ses + C(schid)", mlm.load("math")), "schid")
    assert np.allclose(written.bse[["homework", "ses"]], mlm.robust(within).bse, rtol=1e-9)
    assert np.allclose(written.df[["homework", "ses"]], mlm.robust(within).df, rtol=1e-8)


@pytest.mark.parametrize("effects, name", [("pooled", "pooling"), ("within", "within"), ("random", "random")])
def test_panels(effects, name):
    held(mlm.panel(INV, mlm.load("grunfeld"), groups="firm", effects=effects), None, reference(f"crseR_plm_grunfeld_{name}"), 1e-10)


def test_unbalanced_random_effects():
    ours = mlm.panel("math ~ homework + ses + ratio", mlm.load("math"), groups="schid", effects="random")
    held(ours, None, reference("crseR_plm_random"), 1e-10)


def test_first_differences():
    """plm's have a constant, which is the trend of the years."""
    ours = mlm.panel("inv ~ year + value + capital", mlm.load("grunfeld"), groups="firm", time="year", effects="first-difference")
    held(ours, None, reference("crseR_plm_grunfeld_fd"), 1e-10, ["value", "capital"])


def test_two_way_effects():
    """CR3 of plm forgets the years that were absorbed; that of the regression with their dummies does not, nor ours."""
    ours, truth = (mlm.panel(INV, mlm.load("grunfeld"), groups="firm", time="year", effects="two-way"),
                   reference("crseR_plm_grunfeld_twoways"))
    held(ours, None, {kind: truth[kind] for kind in ("CR0", "CR1", "CR1S", "CR2")}, 1e-10)
    held(ours, None, reference("crseR_twoways_cr3"), 1e-10)


@pytest.mark.parametrize("name, rtol", [("contraception", 1e-10), ("contraception_probit", 1e-7), ("epil", 1e-9), ("gamma", 2e-7),
                                        ("cbpp", 1e-7)])
def test_generalized(name, rtol):
    contraception = data("contraception").assign(y=lambda d: (d["use"].astype(str) == "Y").astype(int))
    epil = data("epil").assign(y1=lambda d: d["y"] + 1)
    epil["trt"] = pd.Categorical(epil["trt"].astype(str), ["placebo", "progabide"])
    make = {"contraception": lambda: mlm.glmm("y ~ age + I(age**2) + urban", contraception),
            "contraception_probit": lambda: mlm.glmm("y ~ age + urban", contraception, link="probit"),
            "epil": lambda: mlm.glmm("y ~ trt + lbase", epil, family="poisson"),
            "gamma": lambda: mlm.glmm("y1 ~ trt + lbase", epil, family="gamma", link="log"),
            "cbpp": lambda: mlm.glmm("incidence ~ C(period)", data("cbpp"), trials="size")}
    groups = {"epil": "subject", "gamma": "subject", "cbpp": "herd"}.get(name, "district")
    held(make[name](), groups, reference(f"crseR_glm_{name}"), rtol)


def test_mixed_models():
    held(mlm.lmm("math ~ homework * schtype + (homework | schid)", mlm.load("math")), None, reference("crseR_lmer_math"), 1e-7)


def test_nested_factors():
    """The clusters are the outer factor's groups: no low-rank frame there."""
    ours = mlm.lmm("math ~ year + (1 | schoolid/childid)", data("egsingle"))
    fit = mlm.robust(ours)
    assert list(fit.n_clusters) == ["schoolid"]
    held(ours, None, reference("crseR_lmer_egsingle"), 1e-7)


def test_correlated_residuals():
    ours = mlm.gls("Reaction ~ Days", mlm.load("sleepstudy"), correlation=mlm.ar1("Days", group="Subject"))
    held(ours, None, reference("crseR_gls_sleep_ar1"), 1e-7)


@pytest.mark.parametrize("kind", ["CR0", "CR1", "CR1S", "CR2", "CR3"])
def test_two_way_clustering(kind):
    fit = mlm.robust(mlm.ols(INV, mlm.load("grunfeld")), ["firm", "year"], kind)
    assert np.allclose(fit.cov_params(), reference("crseR_two_way_grunfeld")[kind], rtol=1e-10)
    assert (fit.df == 9).all()
    assert fit.test("value = 0").df == (1, 9.0)
