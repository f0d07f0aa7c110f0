"""Marginalized coefficients, ratios, ICC, R2 and median odds ratios of GLMMs, against R, formulas and drawn outcomes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import mlmlib as mlm
from mlmlib.glmm.predictors import predictors
from mlmlib.glmm.shares import covariance_of_means, null_fit, parts_of_outcome
from toc import ROOT

REFERENCE = ROOT / "tests/reference/r"


def reference(name):
    return json.loads((REFERENCE / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def fits():
    contraception, cbpp, epil, verbagg = (mlm.load(name) for name in ("contraception", "cbpp", "epil", "verbagg"))
    return {
        "cbpp": mlm.glmm("incidence ~ period + (1 | herd)", cbpp, trials="size"),
        "cbpp_probit": mlm.glmm("incidence ~ period + (1 | herd)", cbpp, trials="size", link="probit"),
        "cbpp_cloglog": mlm.glmm("incidence ~ period + (1 | herd)", cbpp, trials="size", link="cloglog"),
        "contraception": mlm.glmm("use ~ age + I(age ** 2) + urban + livch + (1 | district)", contraception),
        "slope": mlm.glmm("use ~ age + urban + (1 + urban | district)", contraception),
        "epil": mlm.glmm("y ~ lbase * trt + lage + V4 + (1 | subject)", epil, family="poisson"),
        "verbagg": mlm.glmm("r2 ~ Anger + Gender + btype + situ + mode + (1 | id) + (1 | item)", verbagg),
    }


def at_parameters(fit, b, T):
    """The fit at another program's estimates."""
    x = fit.model.point(np.asarray(b), [np.atleast_2d(one) for one in T], fit._psi)
    return type(fit)(fit.model, replace(fit._found, at=fit.model.criterion(x)))


def moved(fit, x):
    return type(fit)(fit.model, replace(fit._found, at=fit.model.criterion(x, fit._at.modes.v)))


def by_differences(fit, quantity, h=1e-4):
    """Gradient of a quantity of a fit in the model's own parameters."""
    out = []
    for k in range(len(fit._at.x)):
        ends = []
        for sign in (h, -h):
            x = fit._at.x.copy()
            x[k] += sign
            ends.append(np.asarray(quantity(moved(fit, x))))
        out.append((ends[0] - ends[1]) / (2 * h))
    return np.stack(out, axis=-1)


# marginalized coefficients


def test_probit_coefficients_shrink_by_the_exact_factor(fits):
    fit = fits["cbpp_probit"]
    found = fit.marginal_coef()
    assert found.exact
    tau2 = fit.covariance_matrix().iloc[0, 0]
    np.testing.assert_allclose(found.params, fit.params / np.sqrt(1 + tau2), rtol=1e-12)
    np.testing.assert_allclose(fit.marginal_coef("attenuation").params, found.params, rtol=1e-12)
    np.testing.assert_allclose(fit.marginal_coef("attenuation").bse, found.bse, rtol=1e-6)


def test_logarithm_shifts_the_intercept_only(fits):
    fit = fits["epil"]
    found = fit.marginal_coef()
    shift = found.params - fit.params
    assert found.exact and shift["Intercept"] == pytest.approx(fit.covariance_matrix().iloc[0, 0] / 2, rel=1e-10)
    assert np.abs(shift.drop("Intercept")).max() < 1e-12
    np.testing.assert_allclose(found.bse.drop("Intercept"), fit.bse.drop("Intercept"), rtol=1e-8)
    np.testing.assert_allclose(fit.marginal_coef("attenuation").table, found.table, rtol=1e-6)


@pytest.mark.parametrize("name", ["cbpp", "cbpp_cloglog", "contraception", "slope", "verbagg"])
def test_marginal_coefficients_are_the_regression_of_averaged_predictors(fits, name):
    fit = fits[name]
    weights = 1.0 if fit.density.trials is None else np.sqrt(fit.density.trials)
    link = fit.predict(groups="average", scale="link").to_numpy()
    X = fit.design.X
    by_hand = np.linalg.lstsq(X * np.reshape(weights, (-1, 1)), link * weights, rcond=None)[0]
    found = fit.marginal_coef()
    np.testing.assert_allclose(found.params, by_hand, rtol=1e-10)
    assert (np.abs(found.params) < np.abs(fit.params)).all()


def test_standard_errors_of_marginal_coefficients(fits):
    for name in ("cbpp", "slope"):
        fit = fits[name]
        G = by_differences(fit, lambda one: one.marginal_coef().estimates)
        np.testing.assert_allclose(fit.marginal_coef().cov, G @ fit._x_cov @ G.T, rtol=1e-4, atol=1e-9)


def test_marginal_coefficients_are_what_a_marginal_model_estimates():
    """A logistic regression of many outcomes drawn from new groups."""
    from statsmodels.api import GLM, families
    rng = np.random.default_rng(5)
    J, n = 4000, 5
    g, x = np.repeat(np.arange(J), n), rng.normal(size=J * n)
    eta = -0.5 + 1.0 * x + np.repeat(1.5 * rng.standard_normal(J), n)
    data = {"y": (rng.random(J * n) < 1 / (1 + np.exp(-eta))).astype(float), "x": x, "g": g}
    fit = mlm.glmm("y ~ x + (1 | g)", data, method="agq", nodes=11)
    pooled = GLM(data["y"], fit.exog, family=families.Binomial()).fit()
    z = (fit.marginal_coef().params - pooled.params) / pooled.bse
    assert np.abs(z).max() < 1.5
    assert (fit.params / pooled.params).abs().min() > 1.25


def test_trials_and_single_rows_give_the_same(fits):
    cbpp = mlm.load("cbpp")
    rows = cbpp.loc[cbpp.index.repeat(cbpp["size"])].copy()
    rows["one"] = np.concatenate([np.arange(m) < k for m, k in zip(cbpp["size"], cbpp["incidence"])]).astype(float)
    single = mlm.glmm("one ~ period + (1 | herd)", rows)
    for asked in (lambda fit: fit.marginal_coef().params, lambda fit: fit.marginal_coef().bse,
                  lambda fit: [mlm.icc(fit, scale="observation").estimate, mlm.r2(fit).observation_conditional]):
        np.testing.assert_allclose(asked(single), asked(fits["cbpp"]), rtol=2e-4)


# ratios


def test_ratios(fits):
    fit = fits["cbpp"]
    found = fit.ratios(level=0.9)
    assert found.kind == "odds ratio" and list(found.names) == ["period[T.2]", "period[T.3]", "period[T.4]"]
    ends = np.exp(fit.conf_int(0.9).to_numpy()[1:])
    np.testing.assert_allclose(found.table[["lower", "upper"]], ends)
    np.testing.assert_allclose(found.table["ratio"], np.exp(fit.params[1:]))
    np.testing.assert_allclose(found.table["se"], np.exp(fit.params[1:]) * fit.bse[1:])
    np.testing.assert_allclose(found.table["p"], fit.pvalues[1:])
    assert fit.odds_ratios()["period[T.2]"] == pytest.approx(np.exp(fit.params["period[T.2]"]))
    assert "within a group" in str(found).lower() and "Intercept" not in str(found)
    assert "Intercept" in str(fit.ratios(intercept=True))
    marginal = fit.odds_ratios(marginal=True)
    np.testing.assert_allclose(marginal.table["ratio"], np.exp(fit.marginal_coef().params[1:]))
    assert fits["epil"].rate_ratios().kind == "rate ratio" and fits["cbpp_cloglog"].ratios().kind == "hazard ratio"


@pytest.mark.parametrize(("family", "said"), [("zip", "a zero that is not the counts' own."), ("hurdle-poisson", "ratios of a zero.")])
def test_ratios_say_what_zeros_the_zero_part_has(family, said):
    fit = mlm.glmm("y ~ lbase + (1 | subject)", mlm.load("epil"), family=family, zero="~ trt")
    assert said in str(fit.ratios())


def test_ratios_that_have_no_name_are_refused(fits):
    with pytest.raises(mlm.DataError, match="link probit.*link='logit'"):
        fits["cbpp_probit"].ratios()
    with pytest.raises(mlm.DataError, match="odds ratios, not of rate"):
        fits["cbpp"].rate_ratios()


# R2 and ICC


@pytest.mark.parametrize("name", ["cbpp", "contraception", "verbagg"])
def test_r2_and_icc_are_those_of_performance(fits, name):
    told = reference(f"r2_{name}_laplace")["results"]
    found = mlm.r2(fits[name])
    assert found.marginal == pytest.approx(told["r2"]["R2_marginal"], abs=1e-6)
    assert found.conditional == pytest.approx(told["r2"]["R2_conditional"], abs=1e-6)
    assert found.var_fixed == pytest.approx(told["variances"]["var.fixed"], abs=2e-6)
    if name != "verbagg":
        assert mlm.icc(fits[name]).estimate == pytest.approx(told["icc"]["ICC_adjusted"], abs=1e-6)
    else:
        both = sum(mlm.icc(fits[name], group=group).estimate for group in ("id", "item"))
        assert both == pytest.approx(told["icc"]["ICC_adjusted"], abs=1e-6)


@pytest.mark.parametrize("name", ["cbpp_probit", "cbpp_cloglog"])
def test_r2_is_that_of_performance_at_the_estimates_of_lme4(fits, name):
    """With links that are not canonical lme4 takes the expected information, so that its estimates are not quite ours."""
    told, lme4 = reference(f"r2_{name}_laplace")["results"], reference(f"glmm_{name}_laplace")["results"]
    there = at_parameters(fits[name], list(lme4["fixef"].values()), [lme4["varcomp"]["herd"]["cov"]])
    assert mlm.r2(there).marginal == pytest.approx(told["r2"]["R2_marginal"], abs=1e-6)
    assert mlm.r2(there).conditional == pytest.approx(told["r2"]["R2_conditional"], abs=1e-6)
    assert mlm.r2(fits[name]).conditional == pytest.approx(told["r2"]["R2_conditional"], abs=1e-3)


def test_r2_of_counts_is_that_of_performance_at_its_fit(fits, monkeypatch):
    """The reference is of a fit by bobyqa at lme4's tolerance: its estimates (tests/reference/glmm_predict.R) differ from the
    maximum in the fourth digit."""
    told, lme4 = reference("r2_epil_poisson_laplace")["results"], reference("predictR_glmm")["epil_lme4"]
    assert mlm.r2(fits["epil"], mean="typical").conditional == pytest.approx(told["r2"]["R2_conditional"], abs=1e-4)
    names = ["Intercept", "lbase", "trt[T.progabide]", "lage", "V4", "lbase:trt[T.progabide]"]
    b = dict(zip(names, lme4["fixef"]))
    there = at_parameters(fits["epil"], [b[name] for name in fits["epil"]._names], [lme4["variance"]])
    found = mlm.r2(there, mean=float(np.exp(lme4["null"])))
    assert found.marginal == pytest.approx(told["r2"]["R2_marginal"], abs=1e-6)
    assert found.conditional == pytest.approx(told["r2"]["R2_conditional"], abs=1e-6)
    assert mlm.icc(there, mean=float(np.exp(lme4["null"]))).estimate == pytest.approx(told["icc"]["ICC_adjusted"], abs=1e-6)
    null = null_fit(fits["epil"])
    assert null.params["Intercept"] == pytest.approx(lme4["null"], abs=1e-4)
    assert mlm.r2(fits["epil"], mean="null").var_residual == pytest.approx(
        np.log1p(1 / np.exp(null.params["Intercept"] + null.covariance_matrix().iloc[0, 0] / 2)), rel=1e-10)


def test_parts_of_the_outcome_against_drawn_outcomes(fits):
    for name, error in (("cbpp", 0.01), ("epil", 0.05), ("slope", 0.01)):
        fit = fits[name]
        at = predictors(fit, groups="average", derivatives=False)
        rows = slice(0, 30)
        mean, between, within = parts_of_outcome(fit, at.eta[rows], at.variance[rows])
        rng = np.random.default_rng(1)
        eta = at.eta[rows] + np.sqrt(at.variance[rows]) * rng.standard_normal((40_000, 30))
        mu = fit.link.mean(eta)
        np.testing.assert_allclose(mean, mu.mean(axis=0), rtol=error)
        np.testing.assert_allclose(between, mu.var(axis=0), rtol=10 * error)
        np.testing.assert_allclose(within, fit.family.variance(mu, fit._psi).mean(axis=0), rtol=error)


def test_icc_of_outcomes_is_the_correlation_of_drawn_ones(fits):
    """Pairs of outcomes of one group with the same predictors."""
    fit = fits["contraception"]
    row = {"age": 0.0, "urban": "N", "livch": "0"}
    rho = mlm.icc(fit, scale="observation", at=row)
    rng = np.random.default_rng(2)
    n = 600_000
    eta = fit.predict({**{k: [v] for k, v in row.items()}, "district": [1]}, groups="typical", scale="link").iloc[0]
    p = 1 / (1 + np.exp(-(eta + np.sqrt(fit.covariance_matrix().iloc[0, 0]) * rng.standard_normal(n))))
    pair = rng.random((2, n)) < p
    assert rho.estimate == pytest.approx(np.corrcoef(pair)[0, 1], abs=4 / np.sqrt(n))
    assert rho.lower < rho.estimate < rho.upper and rho.kind == "residual observation-scale"
    assert 0.5 < rho.estimate / mlm.icc(fit).estimate < 1.0


def test_icc_of_counts_has_its_closed_form(fits):
    """Leckie et al. (2020): with the log link the variance of the mean between groups is mean^2 (exp(v) - 1)."""
    fit = fits["epil"]
    found = mlm.icc(fit, scale="observation")
    v = fit.covariance_matrix().iloc[0, 0]
    mean = fit.predict(groups="average").to_numpy()
    between = np.mean(mean**2 * np.expm1(v))
    assert found.estimate == pytest.approx(between / (between + mean.mean()), rel=1e-10)
    assert mlm.icc(fit, approximation="trigamma").estimate < mlm.icc(fit, approximation="lognormal").estimate


@pytest.mark.parametrize("name, options", [("cbpp", {}), ("cbpp", {"scale": "observation"}), ("epil", {"scale": "observation"}),
                                           ("slope", {"at": {"urban[T.Y]": 1}}), ("slope", {"scale": "observation"})])
def test_standard_errors_of_the_icc(fits, name, options):
    fit = fits[name]
    G = by_differences(fit, lambda one: mlm.icc(one, **options).estimate)
    assert mlm.icc(fit, **options).se == pytest.approx(np.sqrt(G @ fit._x_cov @ G), rel=1e-3)


def test_icc_with_several_factors(fits):
    fit = fits["verbagg"]
    T = {group: fit.covariance_matrix(group).iloc[0, 0] for group in ("id", "item")}
    assert mlm.icc(fit, group="id").estimate == pytest.approx(T["id"] / (sum(T.values()) + np.pi**2 / 3), rel=1e-12)
    with pytest.raises(mlm.DataError, match="group='id' or 'item'"):
        mlm.icc(fit)
    eta = np.array([-1.0, 0.4])
    cov = covariance_of_means(fit, eta, np.full(2, T["id"]), np.full(2, T["item"]))
    rng = np.random.default_rng(3)
    shared = np.sqrt(T["id"]) * rng.standard_normal((1, 200_000, 1))
    own = np.sqrt(T["item"]) * rng.standard_normal((2, 200_000, 1))
    p = 1 / (1 + np.exp(-(eta + shared + own)))
    drawn = [np.cov(p[0, :, k], p[1, :, k])[0, 1] for k in range(2)]
    np.testing.assert_allclose(cov, drawn, rtol=0.02)


def test_icc_of_the_gaussian_family_is_that_of_the_linear_model():
    data = mlm.load("sleepstudy")
    linear = mlm.icc(mlm.lmm("Reaction ~ Days + (1 | Subject)", data, reml=False))
    general = mlm.icc(mlm.glmm("Reaction ~ Days + (1 | Subject)", data, family="gaussian"))
    assert general.estimate == pytest.approx(linear.estimate, rel=1e-5)
    assert general.se == pytest.approx(linear.se, rel=1e-3)


def test_icc_options_are_checked(fits):
    for options, told in (({"scale": "response"}, "scale"), ({"method": "profile", "scale": "observation"}, "bootstrap"), ({"at": {"period": 1}}, "at= names")):
        with pytest.raises(ValueError, match=told):
            mlm.icc(fits["cbpp"], **options)
    with pytest.raises(mlm.DataError, match="leave null="):
        mlm.r2(fits["cbpp"], null=fits["cbpp"])


def test_profile_interval_of_the_latent_icc(fits):
    fit = fits["cbpp"]
    found = mlm.icc(fit, method="profile")
    sd = fit.conf_int(method="profile", which="all").loc["sd(herd: Intercept)"]
    assert found.lower == pytest.approx(sd["lower"] ** 2 / (sd["lower"] ** 2 + np.pi**2 / 3))
    assert found.lower < found.estimate < found.upper


# median odds ratios


def test_median_odds_ratio(fits):
    fit = fits["cbpp"]
    found = mlm.median_odds_ratio(fit)
    tau2 = fit.covariance_matrix().iloc[0, 0]
    assert found.estimate == pytest.approx(np.exp(np.sqrt(2 * tau2) * 0.6744897501960817), rel=1e-12)
    G = by_differences(fit, lambda one: mlm.median_odds_ratio(one).estimate)
    assert found.se == pytest.approx(np.sqrt(G @ fit._x_cov @ G), rel=1e-5)
    ends = fit.variance_components.iloc[0][["lower", "upper"]].astype(float)
    np.testing.assert_allclose([found.lower, found.upper], np.exp(np.sqrt(2 * ends) * 0.6744897501960817), rtol=1e-6)
    assert mlm.median_rate_ratio(fits["epil"]).kind == "rate ratio"
    assert mlm.median_odds_ratio(fits["slope"], at={"urban[T.Y]": 1}).variance == pytest.approx(
        np.ones(2) @ fits["slope"].covariance_matrix().to_numpy() @ np.ones(2))
    with pytest.raises(mlm.DataError, match="rate ratios, not of odds"):
        mlm.median_odds_ratio(fits["epil"])
    with pytest.raises(mlm.DataError, match="name one"):
        mlm.median_odds_ratio(fits["verbagg"])


def test_a_singular_fit_has_no_standard_errors_of_its_variance():
    data = {"y": np.tile([0.0, 1.0] * 5, 20), "x": np.random.default_rng(3).normal(size=200), "g": np.repeat(np.arange(20), 10)}
    fit = mlm.glmm("y ~ x + (1 | g)", data)
    assert fit.is_singular
    assert mlm.icc(fit).estimate < 1e-6 and np.isnan(mlm.icc(fit).se) and "boundary" in mlm.icc(fit).note
    assert mlm.median_odds_ratio(fit).estimate == pytest.approx(1.0, abs=0.01)
    found = fit.marginal_coef()
    np.testing.assert_allclose(found.params, fit.params, atol=1e-6)
    np.testing.assert_allclose(found.bse, fit.bse, rtol=1e-3)


def test_links_without_an_average_say_what_can_be_asked():
    fit = mlm.glmm("Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy"), family="gamma", link="inverse")
    for ask in (lambda: fit.marginal_coef(), lambda: fit.marginal_coef("attenuation"), lambda: fit.residuals("quantile", "marginal"),
                lambda: fit.residuals("pearson", "marginal"), lambda: fit.predict(groups="average")):
        with pytest.raises(mlm.DataError, match="does not exist"):
            ask()
    with pytest.raises(mlm.DataError, match="mean='typical'"):
        mlm.icc(fit)
    assert 0 < mlm.icc(fit, mean="typical").estimate < 1
    with pytest.raises(mlm.DataError, match="fit.margins"):
        fit.ratios()
    assert np.isfinite(fit.predict(interval="prediction").to_numpy()).all()


def test_icc_of_counts_depends_on_where_a_slope_varies():
    fit = mlm.glmm("y ~ lbase + V4 + (1 + V4 | subject)", mlm.load("epil"), family="poisson")
    T = fit.covariance_matrix().to_numpy()
    for v4 in (0, 1):
        z = np.array([1.0, v4])
        v = z @ T @ z
        found = mlm.icc(fit, scale="observation", at={"V4": v4, "lbase": 0.5})
        mean = np.exp(fit.params @ np.array([1.0, 0.5, v4]) + v / 2)
        assert found.estimate == pytest.approx(mean**2 * np.expm1(v) / (mean**2 * np.expm1(v) + mean), rel=1e-9)
    with pytest.raises(mlm.DataError, match="no column of the model"):
        mlm.icc(fit, scale="observation", at={"age": 3})
