"""Averages over random effects against quadrature by SciPy, against Monte Carlo, and their derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate

import mlmlib as mlm
from mlmlib.glmm.averaging import average, normal_rule
from mlmlib.glmm.latent import distribution_variance, observation_variance
from mlmlib.glmm.links import link
from mlmlib.glmm.marginal_mean import attenuation, averaged_link, averaged_mean
from mlmlib.glmm.median_ratio import interval_ratio, median_ratio, opposed

BOUNDED = ("logit", "probit", "cloglog", "loglog", "cauchit")
PIECES = (-13.0, -6.0, -3.0, -1.0, 0.0, 1.0, 3.0, 6.0, 13.0, 40.0)


def by_scipy(function, eta, sd):
    """E function(eta + sd Z) by scipy.integrate, piece by piece."""
    def integrand(z):
        return function(np.array([eta + sd * z]))[0] * np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)

    return sum(integrate.quad(integrand, a, b, epsabs=0, epsrel=1e-11, limit=200)[0] for a, b in zip(PIECES, PIECES[1:]))


@pytest.mark.parametrize("name", BOUNDED)
@pytest.mark.parametrize("sd", [0.3, 3.0, 12.0])
def test_averages_agree_with_scipy(name, sd):
    one = link(name)
    for eta in (-25.0, 0.7):
        exact = by_scipy(one.mean, eta, sd)
        assert averaged_mean(one, [eta], sd**2)[0][0] == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize("name", [*BOUNDED, "log", "sqrt", "identity"])
def test_averages_agree_with_monte_carlo(name):
    rng = np.random.default_rng(2)
    one, eta, sd = link(name), 0.4, 0.9
    draws = one.mean(eta + sd * rng.standard_normal(400_000))
    error = draws.std() / np.sqrt(len(draws))
    assert abs(averaged_mean(one, [eta], sd**2)[0][0] - draws.mean()) < 4 * error


@pytest.mark.parametrize("which", [averaged_mean, averaged_link])
@pytest.mark.parametrize("name", [*BOUNDED, "log", "identity"])
@pytest.mark.parametrize("v", [0.2, 2.0, 9.0])
def test_derivatives_of_averages(which, name, v):
    one, eta, h = link(name), np.array([-3.0, -0.5, 0.0, 0.8, 2.5]), 1e-5
    V = np.full(5, v)
    _, slope, bend = which(one, eta, V)
    by_eta = (which(one, eta + h, V)[0] - which(one, eta - h, V)[0]) / (2 * h)
    by_v = (which(one, eta, V + h)[0] - which(one, eta, V - h)[0]) / (2 * h)
    np.testing.assert_allclose(slope, by_eta, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(bend / 2, by_v, rtol=1e-6, atol=1e-7)


def test_closed_forms_are_what_integration_gives():
    eta, v = np.linspace(-4, 4, 9), 2.5
    for name in ("probit", "log", "identity"):
        one = link(name)
        numeric = average(lambda at, rows, one=one: one.mean(at), eta, v)
        np.testing.assert_allclose(averaged_mean(one, eta, v)[0], numeric, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["logit", "cloglog", "loglog", "probit"])
def test_link_of_the_average_keeps_its_digits_in_the_tails(name):
    one = link(name)
    far = averaged_link(one, [-35.0, 35.0], 1.0)[0]
    assert np.isfinite(far).all()
    if name == "logit":  # log E exp(eta + z) = eta + 1/2
        np.testing.assert_allclose(far, [-34.5, 34.5], atol=1e-9)
    near = averaged_link(one, np.array([-1.0, 0.3]), 0.7)[0]
    np.testing.assert_allclose(one.mean(near), averaged_mean(one, np.array([-1.0, 0.3]), 0.7)[0], rtol=1e-12)


def test_no_variance_changes_nothing():
    eta = np.array([-2.0, 0.0, 3.0])
    for name in (*BOUNDED, "log", "identity", "inverse"):
        at = np.abs(eta) + 0.5 if name == "inverse" else eta
        np.testing.assert_allclose(averaged_mean(link(name), at, 0.0)[0], link(name).mean(at), rtol=1e-13)
        np.testing.assert_allclose(averaged_link(link(name), at, 0.0)[0], at, rtol=1e-13, atol=1e-13)


def test_rows_of_different_variance_and_many_rows():
    rng = np.random.default_rng(1)
    eta, v = rng.normal(size=50_000), rng.uniform(0, 30, 50_000)
    whole = averaged_mean(link("logit"), eta, v)[0]
    for k in (0, 17, 49_999):
        assert whole[k] == pytest.approx(averaged_mean(link("logit"), eta[k:k + 1], v[k:k + 1])[0][0], rel=1e-11)


def test_the_rule_integrates_polynomials_and_is_small():
    for sd in (0.0, 0.5, 1.0, 5.0):
        z, w = normal_rule(sd)
        assert [round(float(w @ z**k), 10) for k in range(7)] == [1, 0, 1, 0, 3, 0, 15]
        assert len(z) < 600


@pytest.mark.parametrize("name", ["inverse", "inverse-squared"])
def test_an_average_that_does_not_exist_is_refused(name):
    with pytest.raises(mlm.DataError, match="does not exist.*link='log'"):
        averaged_mean(link(name), [1.0], 0.5)


def test_attenuation():
    v = np.array([0.5, 2.0, 4.0])
    np.testing.assert_allclose(attenuation(link("probit"), v), averaged_link(link("probit"), np.ones(3), v)[0], rtol=1e-14)
    for eta in (0.5, 1.0, 2.0):  # the factor is an approximation: probabilities to two digits
        exact = averaged_mean(link("logit"), np.full(3, eta), v)[0]
        np.testing.assert_allclose(link("logit").mean(attenuation(link("logit"), v) * eta), exact, atol=0.01)
    assert attenuation(link("log"), 3.0) == 1.0
    with pytest.raises(mlm.DataError, match="cloglog"):
        attenuation(link("cloglog"), 1.0)


def test_latent_variances_are_those_of_the_distributions():
    from scipy import stats

    for name, distribution in (("logit", stats.logistic), ("probit", stats.norm), ("cloglog", stats.gumbel_l), ("loglog", stats.gumbel_r)):
        assert distribution_variance(link(name)) == pytest.approx(distribution.var(), rel=1e-14)
    with pytest.raises(mlm.DataError, match="no variance"):
        distribution_variance(link("cauchit"))


def test_observation_variances():
    log = link("log")
    assert observation_variance(log, 4.0, 4.0, "delta") == 0.25
    assert observation_variance(log, 4.0, 4.0 + 16.0 / 2.0, "lognormal") == pytest.approx(np.log(1 + 1 / 4 + 1 / 2))  # NB2, size 2
    assert observation_variance(log, 4.0, 16.0 / 3.0, "trigamma") == pytest.approx(0.394934, abs=1e-6)  # gamma of shape 3
    p = 0.2
    assert observation_variance(link("logit"), p, p * (1 - p)) == pytest.approx(1 / (p * (1 - p)))
    with pytest.raises(ValueError, match="approximation"):
        observation_variance(log, 1.0, 1.0, "laplace")


def test_median_ratio_is_the_median_of_pairs():
    rng = np.random.default_rng(3)
    v = 1.3
    draws = np.exp(np.abs(np.sqrt(v) * (rng.standard_normal(400_000) - rng.standard_normal(400_000))))
    assert np.median(draws) == pytest.approx(median_ratio(v), rel=0.01)
    pairs = np.exp(-0.8 + np.sqrt(v) * (rng.standard_normal(400_000) - rng.standard_normal(400_000)))
    np.testing.assert_allclose(np.quantile(pairs, [0.1, 0.9]), interval_ratio(-0.8, v), rtol=0.02)
    assert (pairs > 1).mean() == pytest.approx(opposed(-0.8, v), abs=0.003)
    assert median_ratio(0.0) == 1.0 and opposed(1.0, 0.0) == 0.0
