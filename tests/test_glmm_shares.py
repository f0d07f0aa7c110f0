"""Shares of variance of a GLMM on both scales, the means at which they are taken, and models that have none of them."""

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import expit

import mlmlib as mlm
from bad_input import N, base

T, W = hermegauss(60)
W = W / W.sum()


@pytest.fixture(scope="module")
def crossed():
    """Counts and successes that two crossed factors share; effects are large enough to be estimated."""
    rng = np.random.default_rng(6)
    table = base()
    u, v = 0.6 * rng.standard_normal(12)[table.g], 0.5 * rng.standard_normal(8)[table.t.astype(int)]
    return table.assign(c=rng.poisson(np.exp(0.5 + 0.3 * table.x + u + v)), k=rng.binomial(6, expit(0.2 + 0.5 * table.x + u + v)))


def variances(fit):
    return [float(fit.covariance_matrix(group).iloc[0, 0]) for group in ("g", "t")]


def test_counts_of_crossed_factors_have_lognormal_shares(crossed):
    """Two rows of one group share its effect: cov = m^2 (exp(s_g) - 1), and a row varies by that of both and its mean."""
    fit = mlm.glmm("c ~ x + (1 | g) + (1 | t)", crossed, family="poisson")
    s, r = variances(fit)
    m = np.exp(fit.params["Intercept"] + fit.params["x"] * crossed.x + (s + r) / 2)
    whole = (m**2 * np.expm1(s + r) + m).mean()
    for group, own in (("g", s), ("t", r)):
        found = mlm.icc(fit, scale="observation", group=group)
        assert found.estimate == pytest.approx((m**2 * np.expm1(own)).mean() / whole, rel=1e-8)


def test_successes_of_crossed_factors_have_shares_by_quadrature(crossed):
    fit = mlm.glmm("k ~ x + (1 | g) + (1 | t)", crossed, trials=6)
    s, r = variances(fit)
    eta = (fit.params["Intercept"] + fit.params["x"] * crossed.x).to_numpy()
    p = expit(eta[:, None, None] + np.sqrt(s) * T[:, None] + np.sqrt(r) * T)  # row, effect of g, of t
    inner = p @ W
    mean = inner @ W
    between, total = (inner**2 @ W - mean**2).mean(), (mean * (1 - mean)).mean()
    assert mlm.icc(fit, scale="observation", group="g").estimate == pytest.approx(between / total, rel=1e-6)


def test_means_at_which_the_variance_of_a_unit_is_taken(crossed):
    fit = mlm.glmm("c ~ x + (1 | g)", crossed, family="poisson")
    null = mlm.glmm("c ~ 1 + (1 | g)", crossed, family="poisson")
    b, s = null.params["Intercept"], float(null.covariance_matrix().iloc[0, 0])
    for asked, mean in (("null", np.exp(b + s / 2)), ("typical", np.exp(b)), ("data", crossed.c.mean()), (2.5, 2.5)):
        assert mlm.icc(fit, mean=asked).estimate == pytest.approx(mlm.icc(fit, mean=float(mean)).estimate, rel=1e-6), asked
    tau = float(fit.covariance_matrix().iloc[0, 0])
    assert mlm.icc(fit, mean=2.5).estimate == pytest.approx(tau / (tau + np.log1p(1 / 2.5)), rel=1e-10)
    own = float(null.covariance_matrix().iloc[0, 0])
    assert mlm.icc(null).estimate == pytest.approx(own / (own + np.log1p(1 / np.exp(b + s / 2))), rel=1e-9)


def test_a_bootstrap_interval_is_of_the_same_estimate(crossed):
    fit = mlm.glmm("c ~ x + (1 | g)", crossed, family="poisson")
    wald, boot = mlm.icc(fit, scale="observation"), mlm.icc(fit, scale="observation", method="bootstrap", n=40, seed=2)
    assert boot.estimate == wald.estimate and boot.lower < boot.estimate
    drawn = [mlm.icc(fit.refit(y), scale="observation").estimate for y in fit.simulate(40, seed=3)]
    assert boot.upper - boot.lower == pytest.approx(np.ptp(np.quantile(drawn, [0.025, 0.975])), rel=0.5)


@pytest.mark.parametrize("outcome, options, words", [
    ("k", {"link": "cauchit", "trials": 6}, "cauchit has no variance"), ("k", {"link": "log", "trials": 6}, "log stands for no latent variable")])
def test_a_link_without_a_latent_variable_has_an_r2_of_the_outcome_alone(crossed, outcome, options, words):
    found = mlm.r2(mlm.glmm(f"{outcome} ~ x + (1 | g)", crossed, **options))
    text = str(found)
    assert np.isnan(found.marginal) and words in text.replace("\n", " ")
    assert 0 < found.observation_marginal < found.observation_conditional < 1
    assert "averaged over groups" in text and "fixed part" not in text


def test_a_link_whose_means_have_no_average_has_a_latent_r2_alone(crossed):
    fit = mlm.glmm("s ~ x + (1 | g)", crossed.assign(s=np.exp(0.2 * crossed.y + 1)), family="gamma", link="inverse")
    found = mlm.r2(fit, mean=2.0)
    assert np.isnan(found.observation_marginal) and "outcome" not in "".join(row[1] for row in found._rows()[1])


def test_the_dispersion_of_a_density_has_a_part_in_its_errors(crossed):
    """The gradient of the share in the parameters of the density too: by differences of the whole fit's parameters."""
    fit = mlm.glmm("c ~ x + (1 | g)", crossed, family="nbinom2")
    found = mlm.icc(fit, scale="observation")
    s, theta = float(fit.covariance_matrix().iloc[0, 0]), float(fit.dispersion.iloc[0])
    m = np.exp(fit.params["Intercept"] + fit.params["x"] * crossed.x + s / 2)
    within = m + (m**2 * np.exp(s)) / theta
    between = m**2 * np.expm1(s)
    assert found.estimate == pytest.approx(between.mean() / (between + within).mean(), rel=1e-6)
    assert found.se > 0 and len(crossed) == N
