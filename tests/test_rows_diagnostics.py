"""Diagnostics of models with residual structures: autocorrelations, influence, checks, R2."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from models import data, reference
from test_rows import CASES, DATA, PUPIL, dense, fitted

SLEEP = mlm.load("sleepstudy")
OVARY = "follicles ~ sin(2 * 3.141592653589793 * Time) + cos(2 * 3.141592653589793 * Time) + (1 | Mare)"
ACF = {
    "sleep_ar1": (lambda: mlm.lmm("Reaction ~ Days + (1 | Subject)", SLEEP, correlation=mlm.ar1("Days")), "scaled"),
    "sleep_gls": (lambda: mlm.gls("Reaction ~ Days", SLEEP, correlation=mlm.ar1("Days", group="Subject")), "pearson"),
    "ovary": (lambda: mlm.lmm(OVARY, data("ovary")), "pearson"),
}


@pytest.mark.parametrize("name", ACF)
def test_autocorrelations_are_those_of_nlme(name):
    make, kind = ACF[name]
    truth = reference(f"nlme_acf_{name}")
    found = mlm.acf(make(), max(truth["lag"]), kind=kind)
    assert np.array_equal(found.lag, truth["lag"]) and np.array_equal(found.pairs, truth["pairs"])
    assert np.allclose(found.correlation, truth["acf"], atol=1e-6)


def test_autocorrelation_counts_steps_of_time():
    """With occasions missing a lag is a step of time, not a row; times that are not equally spaced are counted by rows."""
    fit = fitted("ar1")
    found = fit.acf(kind="pearson")
    e = pd.Series(fit.residuals("pearson").to_numpy())
    wide = pd.DataFrame({"e": e, "pupil": DATA["pupil"], "wave": DATA["wave"]}).pivot(index="pupil", columns="wave")["e"]
    wide = wide.to_numpy()
    for lag, r, pairs in zip(found.lag, found.correlation, found.pairs):
        products = (wide[:, lag:] * wide[:, :wide.shape[1] - lag]).ravel()
        assert pairs == np.isfinite(products).sum()
        assert r == pytest.approx(np.nanmean(products) / np.nanmean(wide ** 2))
    assert found.steps and not mlm.acf(fitted("car1")).steps
    assert "steps of wave" in repr(found)


def test_autocorrelation_of_other_fits_and_bad_input():
    assert mlm.acf(mlm.ols("Reaction ~ Days", SLEEP), 3, time="Days", group="Subject").correlation[1] > 0.5
    with pytest.raises(ValueError, match="max_lag"):
        fitted("ar1").acf(0)
    with pytest.raises(mlm.DataError, match="one row a time"):
        mlm.acf(fitted("ar1"), time="school")
    with pytest.raises(mlm.DataError, match="order of the times"):
        mlm.acf(fitted("ar1"), time="sex")


def test_picture_of_autocorrelations():
    ax = mlm.plots.acf(fitted("ar1"), 4)
    assert "lags 1 to 4" in mlm.plots.alt(ax) and ax.get_xlabel() == "lag, in steps of wave"
    assert fitted("ar1").acf(4).plot() is not None


def test_influence_is_a_fit_without_the_group():
    for name, by in (("mixed ar1", "pupil"), ("cs", "pupil"), ("three levels", "school")):
        fit = fitted(name)
        found = mlm.influence(fit, by)
        formula, options = CASES[name]
        label = found.labels[3]
        left = (mlm.lmm if "|" in formula else mlm.gls)(formula, DATA[DATA[by] != label], **options)
        assert np.allclose(found.estimates.loc[label, list(fit._names)], left.params, rtol=1e-5)
        assert np.allclose(found.estimates.loc[label, list(left.residual_params.index)], left.residual_params, rtol=1e-4)
        assert found.estimates.loc[label, "sigma"] == pytest.approx(left.sigma, rel=1e-5)
        assert np.allclose(found.se.loc[label], left.bse, rtol=1e-5)


@pytest.mark.parametrize("name", ["mixed ar1", "ar1", "mixed weighted"])
def test_influence_with_the_variances_held(name):
    """Against generalized least squares with the covariance matrix of the rows that are left."""
    fit = fitted(name)
    found = mlm.influence(fit, reestimate=False)
    V = np.linalg.inv(_inverse(fit))
    y = fit.design.y - (0.0 if fit.design.offset is None else fit.design.offset)
    for j in (0, 5, 17):
        rows = np.flatnonzero(DATA["pupil"].to_numpy() != int(found.labels[j]))
        inverse = np.linalg.inv(V[np.ix_(rows, rows)])
        X = fit.design.X[rows]
        H = X.T @ inverse @ X
        b = np.linalg.solve(H, X.T @ inverse @ y[rows])
        assert np.allclose(found._deleted.fixed[j], b, rtol=1e-8)
        assert np.allclose(found._deleted.se[j], np.sqrt(np.diagonal(np.linalg.inv(H))), rtol=1e-8)
        shift = b - fit._params
        assert found.table["cooks"].iloc[j] == pytest.approx(shift @ np.linalg.solve(fit._cov, shift) / len(b))


def _inverse(fit):
    """Inverse covariance matrix of all rows, from what `dense` is made of."""
    n = fit.nobs
    root = np.ones(n) if fit.model.root_weights is None else fit.model.root_weights
    white = fit.model.rows.whiten(np.diag(root), fit.model.psi)[0]
    V = fit._at.s2 * np.linalg.inv(white @ white.T)
    for term, T in zip(fit.design.random, fit._T):
        same = term.codes[:, None] == term.codes
        V = V + same * (term.Z @ T @ term.Z.T)
    assert np.allclose(np.linalg.inv(fit.design.X.T @ np.linalg.solve(V, fit.design.X)), dense(fit)[2])
    return np.linalg.inv(V)


def test_influence_of_rows_and_columns():
    fit = fitted("ar1")
    assert mlm.influence(fit, "sex", reestimate=True).labels.tolist() == ["f", "m"]
    with pytest.raises(mlm.DataError, match="reestimate=True"):
        mlm.influence(fit, "row")
    assert len(mlm.influence(fitted("by_group"))._deleted.fixed) == fit.nobs
    assert "var(residual)" in mlm.influence(fit, reestimate=False).rvc


def test_diagnosis_takes_the_structure_out():
    right, wrong = fitted("ar1"), mlm.gls("y ~ wave", DATA, variance=mlm.by_group("sex"))
    assert mlm.diagnose(right)["correlation in time"].verdict == "ok"
    assert mlm.diagnose(wrong)["correlation in time"].verdict == "not checked"
    with pytest.raises(mlm.DataError, match="one row a time"):
        mlm.acf(wrong, time="wave")
    found = mlm.diagnose(fitted("mixed ar1"))
    assert len(found.table) == 7 and "pupil" in found.influence.by and "<table" in found._repr_html_()


def test_diagnosis_sees_unequal_variances():
    fit = mlm.gls("Reaction ~ Days", SLEEP, correlation=mlm.ar1("Days", group="Subject"))
    better = mlm.gls("Reaction ~ Days", SLEEP, correlation=mlm.ar1("Days", group="Subject"),
                     variance=mlm.exponential_of("Days"))
    assert mlm.diagnose(fit)["fitted value"].verdict == "act" and mlm.diagnose(better)["fitted value"].verdict == "ok"


def test_r2_of_a_structure():
    """By group: what the definition gives; without random effects both are the same."""
    fit = fitted("mixed ar1")
    found = mlm.r2(fit)
    fixed = np.var(fit.predict(random_effects=False), ddof=1)
    between, within = fit.variance_components["variance"].iloc[0], np.mean(fit.residual_sd ** 2)
    assert found.marginal == pytest.approx(fixed / (fixed + between + within))
    assert found.conditional == pytest.approx((fixed + between) / (fixed + between + within))
    assert mlm.r2(fitted("ar1")).marginal == mlm.r2(fitted("ar1")).conditional
    with pytest.raises(mlm.DataError, match="null"):
        mlm.r2(fit, fit)


def test_what_cannot_be_told_apart_is_told():
    rows = mlm.load("orthodont")
    for correlation in (mlm.un("age"), mlm.cs(), mlm.toeplitz("age")):
        fit = mlm.lmm("distance ~ age + (1 | Subject)", rows, correlation=correlation)
        assert not fit.converged and "cannot be told from the random effects" in fit.messages[0]
    twice = mlm.gls("distance ~ age", rows, variance=[mlm.by_group("age"), mlm.exponential_of("age")])
    assert not twice.converged
    flat = mlm.lmm("mathach ~ sector + (0 + sector | school)", mlm.load("hsb"))
    assert "(0 + sector | school)" in flat.messages[0] and "cannot tell" in flat.messages[0]
    assert not mlm.lmm("mathach ~ sector + (0 + sector || school)", mlm.load("hsb")).messages
    assert not mlm.gls("y ~ wave", DATA, correlation=mlm.cs(**PUPIL)).messages


def test_residuals_of_rows_and_groups():
    fit = fitted("three levels")
    sd = np.sqrt(np.diagonal(np.linalg.inv(_inverse(fit))))
    marginal = fit.residuals(level="marginal")
    assert np.allclose(marginal, DATA["y"] - fit.predict(random_effects=False))
    assert np.allclose(fit.residuals("pearson", "marginal"), marginal / sd)
    assert fit.residuals(level="school").equals(fit.random_effects["school"])


def test_structures_are_the_same_however_their_groups_are_named():
    gls = mlm.gls("y ~ wave", DATA, correlation=mlm.ar1("wave", group="pupil"))
    lme = mlm.lmm("y ~ wave + (1 | pupil)", DATA, correlation=mlm.ar1("wave"))
    test = mlm.compare(gls, lme)
    assert test.statistic == pytest.approx(lme.lr_vs_linear().statistic, abs=1e-6)
