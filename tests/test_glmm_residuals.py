"""Outcomes and effects drawn from GLMMs, quantile residuals, and tests of dispersion, zeros, outliers and uniformity."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import mlmlib as mlm
from mlmlib.glmm.draw import effects_given_outcomes


def sample(family, J=80, n=8, seed=1, extra=None):
    """Outcomes of a model with random intercepts; `extra` is the standard deviation of an effect of each row."""
    rng = np.random.default_rng(seed)
    g, x = np.repeat(np.arange(J), n), rng.normal(size=J * n)
    eta = 0.6 + 0.5 * x + np.repeat(0.7 * rng.standard_normal(J), n)
    if extra:
        eta = eta + extra * rng.standard_normal(J * n)
    if family == "poisson":
        y = rng.poisson(np.exp(eta))
    elif family == "binomial":
        y = rng.binomial(12, 1 / (1 + np.exp(-eta)))
    elif family == "bernoulli":
        y = rng.random(J * n) < 1 / (1 + np.exp(-eta))
    else:
        y = rng.gamma(3.0, np.exp(eta) / 3.0)
    return {"y": y.astype(float), "x": x, "g": g, "m": np.full(J * n, 12.0)}


def fitted(family, data, **options):
    trials = {"trials": "m"} if family == "binomial" else {}
    return mlm.glmm("y ~ x + (1 | g)", data, family=family, **trials, **options)


@pytest.fixture(scope="module")
def right():
    return {family: fitted(family, sample(family)) for family in ("poisson", "binomial", "bernoulli", "gamma")}


@pytest.fixture(scope="module")
def overdispersed():
    return {family: fitted(family, sample(family, extra=0.6)) for family in ("poisson", "binomial")}


# drawing


def test_effects_given_outcomes_have_mode_and_covariance(right):
    for fit in (right["poisson"], mlm.glmm("use ~ urban + (1 + urban | district)", mlm.load("contraception"))):
        rng = np.random.default_rng(2)
        group = next(iter(fit.n_groups))
        draws = np.stack([fit._by_group_values(effects_given_outcomes(fit, rng))[group] for _ in range(4000)])
        mode, cov = fit._by_group[group]
        sd = np.sqrt(np.einsum("jaa->ja", cov))
        assert np.abs((draws.mean(axis=0) - mode) / sd * np.sqrt(4000)).max() < 4.7
        found = np.einsum("rja,rjb->jab", draws - mode, draws - mode) / 4000
        np.testing.assert_allclose(found / (sd[:, :, None] * sd[:, None]), cov / (sd[:, :, None] * sd[:, None]), atol=0.1)


def test_effects_of_crossed_factors_given_outcomes():
    verbagg = mlm.load("verbagg")
    few = verbagg[verbagg["id"].astype(str).isin([str(k) for k in range(1, 41)])]
    fit = mlm.glmm("r2 ~ Anger + (1 | id) + (1 | item)", few)
    rng = np.random.default_rng(2)
    draws = np.stack([effects_given_outcomes(fit, rng) for _ in range(2000)])
    H = np.stack([fit._at.modes.inverse.solve(row) for row in np.eye(fit.model.rows.size)])
    assert np.abs((draws - fit._at.modes.v).mean(axis=0) / np.sqrt(np.diagonal(H) / 2000)).max() < 4.5
    np.testing.assert_allclose(np.cov(draws.T), H, atol=0.12)


def test_simulate_new_kept_and_posterior(right):
    fit = right["poisson"]
    assert fit.simulate(3, seed=1).shape == (3, fit.nobs)
    assert (fit.simulate(2, seed=7) == fit.simulate(2, seed=7)).all()
    kept = fit.simulate(4000, seed=1, random_effects="kept")
    z = (kept.mean(axis=0) - fit.fittedvalues.to_numpy()) / np.sqrt(fit.fittedvalues.to_numpy() / 4000)
    assert np.abs(z).max() < 4.7
    assert fit.simulate(400, seed=1).mean(axis=1).std() > 2 * fit.simulate(400, seed=1, random_effects="posterior").mean(axis=1).std()
    again = fit.refit(fit.simulate(seed=3)[0])
    assert again.converged and abs(again.params["x"] - fit.params["x"]) < 0.2
    with pytest.raises(ValueError, match="random_effects='old'"):
        fit.simulate(random_effects="old")


def test_simulate_new_rows(right):
    fit = right["binomial"]
    new = {"x": [0.0, 1.0, 0.0], "g": [0, 0, 999], "m": [5.0, 500.0, 12.0]}
    drawn = fit.simulate(3000, seed=1, random_effects="kept", data=new)
    assert drawn.shape == (3000, 3) and drawn[:, 0].max() <= 5
    mean = fit.predict(new).to_numpy()
    assert drawn[:, 1].mean() / 500 == pytest.approx(mean[1], abs=0.003)
    assert drawn[:, 2].mean() / 12 == pytest.approx(fit.predict(new, groups="average").iloc[2], abs=0.02)
    assert fit.simulate(2, seed=1, data={"x": [0.0], "g": [0]}, trials=40).max() > 12


# residuals


@pytest.mark.parametrize("family", ["poisson", "binomial", "bernoulli", "gamma"])
@pytest.mark.parametrize("level", ["conditional", "marginal"])
def test_quantile_residuals_of_a_right_model_are_normal(right, family, level):
    z = right[family].residuals("quantile", level)
    assert z.index.equals(right[family].fittedvalues.index)
    assert stats.kstest(z, "norm").pvalue > 0.01 and abs(z.std() - 1) < 0.08
    assert (z == right[family].residuals("quantile", level)).all()
    assert (z != right[family].residuals("quantile", level, seed=2)).any() or family == "gamma" and level == "marginal"


def test_conditional_quantile_residuals_do_not_know_their_group(right):
    """Marginal ones go up and down together within groups; those with drawn effects do not."""
    fit = right["poisson"]
    g = fit.groups["g"].to_numpy()
    together = {level: mlm.clustering.icc_anova(fit.residuals("quantile", level), g).estimate for level in ("marginal", "conditional")}
    assert together["marginal"] > 0.2 and abs(together["conditional"]) < 0.04


def test_marginal_residuals_are_what_simulation_gives(right):
    """DHARMa's way: the place of an outcome among outcomes drawn from new groups."""
    fit = right["poisson"]
    drawn = fit.simulate(4000, seed=5)
    from mlmlib.diagnostics.glmm_residuals import probabilities
    lower, upper = probabilities(fit, "marginal", np.random.default_rng(1))
    np.testing.assert_allclose(lower, (drawn < fit.design.y).mean(axis=0), atol=0.035)
    np.testing.assert_allclose(upper, (drawn <= fit.design.y).mean(axis=0), atol=0.035)


def test_pearson_and_deviance_residuals(right):
    for family, fit in right.items():
        p, d, raw = (fit.residuals(kind) for kind in ("pearson", "deviance", "raw"))
        assert (np.sign(p) == np.sign(raw)).all() and (np.sign(d) * np.sign(raw) >= 0).all()
        mu = fit.mu.to_numpy()
        if family == "poisson":
            y = fit.endog.to_numpy()
            unit = 2 * (np.where(y > 0, y * np.log(np.where(y > 0, y, 1) / mu), 0) - (y - mu))
            np.testing.assert_allclose(d**2, unit, atol=1e-10)
            np.testing.assert_allclose(p, (y - mu) / np.sqrt(mu))
        if family == "binomial":
            y = fit.endog.to_numpy()
            np.testing.assert_allclose(p, (y / 12 - mu) / np.sqrt(mu * (1 - mu) / 12))
            with np.errstate(divide="ignore", invalid="ignore"):
                unit = 2 * (np.where(y > 0, y * np.log(y / (12 * mu)), 0) + np.where(y < 12, (12 - y) * np.log((12 - y) / (12 - 12 * mu)), 0))
            np.testing.assert_allclose(d**2, unit, atol=1e-9)
        if family == "gamma":
            y, shape = fit.endog.to_numpy(), 1 / fit.dispersion["sigma"] ** 2
            np.testing.assert_allclose(d**2, 2 * shape * ((y - mu) / mu - np.log(y / mu)), atol=1e-9)


def test_marginal_pearson_residuals_have_unit_variance(right):
    for family in ("poisson", "binomial", "gamma"):  # rows of a group go together: 80 groups, not 640 rows
        assert right[family].residuals("pearson", "marginal").std() == pytest.approx(1.0, abs=0.25)


def test_residuals_of_groups(right):
    fit = right["poisson"]
    assert fit.residuals("raw", "g").equals(fit.random_effects["g"])
    z = fit.residuals("quantile", "g")["Intercept"]
    assert abs(z.std() - 1) < 0.25 and z.std() * 0.7 > fit.random_effects["g"]["Intercept"].std() * 0.9
    assert mlm.residuals(fit, "pearson").equals(fit.residuals("pearson"))


def test_residuals_refuse(right):
    for arguments, told in ((("scaled",), "kind='scaled'"), (("raw", "school"), "level='school'"), (("deviance", "marginal"), "conditional"),
                            (("pearson", "g"), "of groups|for groups")):
        with pytest.raises(ValueError, match=told):
            right["poisson"].residuals(*arguments)
    with pytest.raises(ValueError, match="no deviance"):
        mlm.glmm("Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy"), family="lognormal").residuals("deviance")


# tests


def test_a_right_model_passes(right):
    for family in ("poisson", "binomial", "gamma"):
        found = mlm.dispersion_test(right[family])
        assert found.pvalue > 0.02 and abs(found.statistic - 1) < 0.15, family
    for family in ("poisson", "binomial"):
        assert mlm.zeros_test(right[family]).pvalue > 0.02
    for fit in right.values():
        assert mlm.uniformity_test(fit).pvalue > 0.01 and mlm.outliers_test(fit).pvalue > 0.02


def test_overdispersion_is_found(overdispersed):
    for fit in overdispersed.values():
        found = mlm.dispersion_test(fit)
        assert found.pvalue < 0.01 and found.statistic > 1.2 and "overdispersion" in str(found)
        assert mlm.diagnostics.pearson_dispersion(fit) > 1.1
    assert mlm.zeros_test(overdispersed["poisson"]).pvalue < 0.05


def test_too_many_zeros_are_found():
    data = sample("poisson")
    data["y"] = np.where(np.random.default_rng(9).random(len(data["y"])) < 0.2, 0.0, data["y"])
    found = mlm.zeros_test(fitted("poisson", data))
    assert found.pvalue < 0.01 and found.statistic > 1.2 and found.observed == (data["y"] == 0).sum()
    assert len(found.simulated) == 250


def test_an_outlier_is_found():
    data = sample("poisson")
    data["y"][100] = 60.0
    found = mlm.outliers_test(fitted("poisson", data))
    assert found.pvalue < 0.01 and "row 100, on the high side" in str(found)


def test_tests_refuse_what_they_cannot_test(right):
    with pytest.raises(mlm.DataError, match="cannot be overdispersed"):
        mlm.dispersion_test(right["bernoulli"])
    with pytest.raises(mlm.DataError, match="for counts"):
        mlm.zeros_test(right["gamma"])
    with pytest.raises(mlm.DataError, match="0/1"):
        mlm.zeros_test(right["bernoulli"])
    with pytest.raises(mlm.DataError, match="mlm.glmm"):
        mlm.dispersion_test(mlm.lmm("Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy")))


def test_models_with_a_formula_for_zeros_have_residuals_and_tests():
    data = mlm.load("epil")
    fit = mlm.glmm("y ~ trt + V4 + (1 | subject)", data, family="zip", zero="~ trt")
    assert mlm.zeros_test(fit).pvalue > 0.05 and mlm.dispersion_test(fit).pvalue > 0.01
    for level in ("conditional", "marginal"):
        assert 0.7 < fit.residuals("quantile", level).std() < 1.4
    assert "zero part" in str(fit.ratios())
    with pytest.raises(mlm.DataError, match="groups='average'"):
        fit.marginal_coef()


@pytest.mark.parametrize("family", ["zip", "hurdle-poisson"])
def test_averages_of_counts_with_a_part_for_zeros(family):
    fit = mlm.glmm("y ~ trt + V4 + (1 | subject)", mlm.load("epil"), family=family)
    n = 3000
    drawn = fit.simulate(n, seed=2)
    z = (drawn.mean(axis=0) - fit.predict(groups="average").to_numpy()) / (drawn.std(axis=0) / np.sqrt(n))
    assert np.abs(z).max() < 4.5
    found = fit.predict(groups="average", interval="confidence")
    assert (found["lower"] < found["mean"]).all() and (found["mean"] < found["upper"]).all()
    observed = mlm.icc(fit, scale="observation")
    pair = drawn[:2000, 0], drawn[:2000, 1]  # two rows of one subject with the same predictors
    assert observed.estimate == pytest.approx(np.corrcoef(*pair)[0, 1], abs=0.08)


def test_ordered_categories_have_quantile_residuals():
    fit = mlm.glmm("rating ~ temp + contact + (1 | judge)", mlm.load("wine"), family="ordinal")
    for level in ("conditional", "marginal"):
        assert stats.kstest(fit.residuals("quantile", level), "norm").pvalue > 0.05
    assert fit.ratios().kind == "cumulative odds ratio"
    assert mlm.icc(fit).within == pytest.approx(np.pi**2 / 3)
    with pytest.raises(mlm.DataError, match="latent variable only"):
        mlm.icc(fit, scale="observation")
