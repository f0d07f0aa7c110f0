"""Predictions of GLMMs: values and derivatives against refitting modes numerically, averages against drawn outcomes."""

from __future__ import annotations

import json

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

import mlmlib as mlm
from mlmlib.glmm.prediction import mean_and_gradient
from mlmlib.glmm.predictors import predictors
from toc import ROOT


@pytest.fixture(scope="module")
def fits():
    contraception, cbpp, epil, verbagg = (mlm.load(name) for name in ("contraception", "cbpp", "epil", "verbagg"))
    few = verbagg[verbagg["id"].astype(str).isin([str(k) for k in range(1, 61)])]
    return {
        "slope": mlm.glmm("use ~ age + urban + (1 + urban | district)", contraception),
        "probit": mlm.glmm("incidence ~ period + (1 | herd)", cbpp, trials="size", link="probit"),
        "cloglog": mlm.glmm("incidence ~ period + (1 | herd)", cbpp, trials="size", link="cloglog"),
        "counts": mlm.glmm("y ~ lbase * trt + lage + V4 + (1 + V4 | subject)", epil, family="poisson"),
        "nbinom2": mlm.glmm("y ~ lbase + V4 + (1 | subject)", epil, family="nbinom2"),
        "crossed": mlm.glmm("r2 ~ Anger + Gender + (1 | id) + (1 | item)", few),
    }


NAMES = ("slope", "probit", "cloglog", "counts", "nbinom2", "crossed")


def moved(fit, x):
    """The fit as it would be at another point of its criterion."""
    return type(fit)(fit.model, replace(fit._found, at=fit.model.criterion(x, fit._at.modes.v)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("groups", ["given", "typical", "average"])
def test_derivatives_of_means(fits, name, groups):
    fit = fits[name]
    mean, gradient, _ = mean_and_gradient(fit, predictors(fit, groups=groups))
    np.testing.assert_allclose(mean, fit.predict(groups=groups), rtol=1e-12)
    h = 1e-4
    for k in range(len(fit._at.x)):
        ends = []
        for sign in (h, -h):
            x = fit._at.x.copy()
            x[k] += sign
            ends.append(moved(fit, x).predict(groups=groups).to_numpy())
        np.testing.assert_allclose(gradient[:, k], (ends[0] - ends[1]) / (2 * h), rtol=2e-5, atol=2e-6 * (1 + np.abs(mean).max()))


@pytest.mark.parametrize("name", NAMES)
def test_new_rows_are_the_rows_of_the_fit(fits, name):
    fit = fits[name]
    for groups in ("given", "typical", "average"):
        for scale in ("response", "link"):
            here = fit.predict(groups=groups, scale=scale, interval="confidence")
            there = fit.predict(fit.data, groups=groups, scale=scale, interval="confidence")
            np.testing.assert_allclose(here, there, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(fit.predict(scale="link"), fit.linear_predictor, rtol=1e-12)
    np.testing.assert_allclose(fit.predict(), fit.fittedvalues, rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_what_outcomes_leave_open(fits, name):
    fit = fits[name]
    rows, at = fit.model.rows, fit._at
    np.testing.assert_allclose(predictors(fit).open, rows.leverages(at.modes.inverse), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_averages_are_means_of_outcomes_drawn_from_new_groups(fits, name):
    fit = fits[name]
    n = 3000
    drawn = fit.simulate(n, seed=1)
    if fit.density.trials is not None:
        drawn = drawn / fit.density.trials
    error = np.maximum(drawn.std(axis=0), 0.02) / np.sqrt(n)
    z = (drawn.mean(axis=0) - fit.predict(groups="average").to_numpy()) / error
    assert np.abs(z).max() < 5.5 and abs(z.mean()) < 3.0


def test_link_scale_intervals_are_the_wald_intervals_of_the_linear_predictor(fits):
    fit = fits["probit"]
    found = fit.predict(groups="typical", scale="link", interval="confidence", level=0.9)
    X, V = fit.design.X, fit.cov_params().to_numpy()
    np.testing.assert_allclose(found["se"], np.sqrt(np.einsum("ij,jk,ik->i", X, V, X)), rtol=1e-10)
    response = fit.predict(groups="typical", interval="confidence", level=0.9)
    np.testing.assert_allclose(response[["lower", "upper"]], fit.link.mean(found[["lower", "upper"]].to_numpy()), rtol=1e-12)


def test_new_groups(fits):
    fit = fits["slope"]
    new = {"age": [0.0, 0.0], "urban": ["Y", "Y"], "district": [1, 999]}
    given, typical, average = (fit.predict(new, groups=groups).to_numpy() for groups in ("given", "typical", "average"))
    assert given[0] != typical[0] and given[1] == typical[1] == typical[0]
    averaged = fit.predict(new, new_groups="average").to_numpy()
    assert averaged[0] == given[0] and averaged[1] == pytest.approx(average[1], rel=1e-14)
    with pytest.raises(mlm.DataError, match="not seen"):
        fit.predict(new, new_groups="error")
    assert (fit.predict(new, random_effects=False).to_numpy() == typical).all()


def test_average_of_probabilities_in_one_number():
    """Four rows: the average over drawn effects by hand."""
    fit = mlm.glmm("use ~ urban + (1 | district)", mlm.load("contraception"))
    u = np.random.default_rng(1).standard_normal(1_000_000) * np.sqrt(fit.covariance_matrix().iloc[0, 0])
    eta = fit.params["Intercept"]
    found = fit.predict({"urban": ["N"], "district": [1]}, groups="average", interval="confidence").iloc[0]
    assert found["mean"] == pytest.approx(expit(eta + u).mean(), abs=4 * expit(eta + u).std() / 1000)
    link = fit.predict({"urban": ["N"], "district": [1]}, groups="average", scale="link", interval="confidence").iloc[0]
    assert link["mean"] == pytest.approx(logit(found["mean"]), rel=1e-12)
    assert found["lower"] == pytest.approx(expit(link["lower"]), rel=1e-12)


@pytest.mark.parametrize("name", ["probit", "counts", "nbinom2"])
def test_prediction_intervals_hold_new_outcomes(fits, name):
    """Quantiles of outcomes drawn with parameters, effects and outcome drawn in turn, by their normal approximations."""
    fit = fits[name]
    rng = np.random.default_rng(4)
    at = predictors(fit)
    found = fit.predict(interval="prediction", level=0.9)
    V = fit._x_cov
    known = np.isfinite(np.diagonal(V))
    G = at.gradient[:, known]
    spread = np.sqrt(np.einsum("ij,jk,ik->i", G, V[np.ix_(known, known)], G) + at.open)
    drawn = fit._draw(at.eta + spread * rng.standard_normal((8000, fit.nobs)), rng)
    inside = ((drawn >= found["lower"].to_numpy()) & (drawn <= found["upper"].to_numpy())).mean(axis=0)
    assert inside.min() > 0.885  # discrete outcomes are held more often than asked
    step = ((drawn > found["lower"].to_numpy()) & (drawn < found["upper"].to_numpy())).mean(axis=0)
    assert np.quantile(step, 0.9) < 0.91  # but no wider than needed
    np.testing.assert_allclose(found["se"], drawn.std(axis=0), rtol=0.12, atol=0.02)


def test_gaussian_outcomes_agree_with_the_linear_model():
    data = mlm.load("sleepstudy")
    linear = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", data, reml=False)
    general = mlm.glmm("Reaction ~ Days + (1 + Days | Subject)", data, family="gaussian")
    np.testing.assert_allclose(general.predict(), linear.predict(), rtol=2e-4)
    new = {"Days": [10, 10], "Subject": [308, -1]}
    for interval in ("confidence", "prediction"):
        a, b = (fit.predict(new, interval=interval) for fit in (linear, general))
        np.testing.assert_allclose(a["mean"], b["mean"], rtol=2e-4)
        np.testing.assert_allclose(a["se"], b["se"], rtol=0.06)  # ours knows that variances are estimated
    np.testing.assert_allclose(general.predict(groups="average"), general.predict(groups="typical"), rtol=1e-12)


def test_offsets_and_exposures_move_predictions():
    data = mlm.load("epil").assign(weeks=lambda d: np.where(d["period"] == 4, 4.0, 2.0))
    fit = mlm.glmm("y ~ trt + (1 | subject)", data, family="poisson", exposure="weeks")
    new = {"trt": ["placebo", "placebo"], "subject": [1, 1], "weeks": [1.0, 3.0]}
    one, three = fit.predict(new)
    assert three == pytest.approx(3 * one)
    with pytest.raises(mlm.DataError, match="weeks"):
        fit.predict({**new, "weeks": [1.0, 0.0]})


def test_a_singular_fit_predicts():
    rng = np.random.default_rng(3)
    data = {"y": rng.integers(0, 2, 200).astype(float), "x": rng.normal(size=200), "g": np.repeat(np.arange(20), 10)}
    data["y"] = np.tile([0.0, 1.0] * 5, 20)
    fit = mlm.glmm("y ~ x + (1 | g)", data)
    assert fit.is_singular
    for groups in ("given", "typical", "average"):
        found = fit.predict(groups=groups, interval="confidence")
        assert np.isfinite(found.to_numpy()).all() and (found["lower"] < found["upper"]).all()


@pytest.mark.parametrize("options, told", [
    ({"groups": "all"}, "groups='all'"), ({"scale": "logit"}, "scale='logit'"), ({"interval": "both"}, "interval='both'"),
    ({"new_groups": "zero"}, "new_groups='zero'"), ({"interval": "prediction", "scale": "link"}, "no link scale"),
    ({"interval": "confidence", "level": 95}, "level=95"),
])
def test_refusals(fits, options, told):
    with pytest.raises(ValueError, match=told):
        fits["probit"].predict(**options)


@pytest.mark.parametrize("case, name", [("cbpp_cloglog", "cloglog"), ("epil_slope", "counts"), ("cbpp_logit", "logit"),
                                        ("epil_nbinom2", "nbinom2 whole")])
def test_glmmtmb_has_the_same_predictions_and_standard_errors(fits, case, name):
    """predict.glmmTMB of tests/reference/glmm_predict.R: standard errors know that all parameters are estimated."""
    told = json.loads((ROOT / "tests/reference/r/predictR_glmm.json").read_text())[case]
    if name == "logit":
        fit = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size")
    elif name == "nbinom2 whole":
        fit = mlm.glmm("y ~ lbase * trt + lage + V4 + (1 | subject)", mlm.load("epil"), family="nbinom2")
    else:
        fit = fits[name]
    for groups in ("given", "typical"):
        for scale in ("link", "response"):
            found = fit.predict(groups=groups, scale=scale, interval="confidence").iloc[told["rows"]]
            np.testing.assert_allclose(found["mean"], told[f"{groups}_{scale}"]["fit"], rtol=1e-5, atol=1e-5)
            np.testing.assert_allclose(found["se"], told[f"{groups}_{scale}"]["se"], rtol=1e-4)
