"""What a GEE answers beside its table: quasi-likelihoods, other outcomes, the link scale, correlations it cannot have."""

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad

import mlmlib as mlm
from bad_input import N, base
from mlmlib.gee.families import quasi_likelihood


@pytest.mark.parametrize("family, variance", [("gaussian", lambda t: 1.0), ("binomial", lambda t: t * (1 - t)), ("poisson", lambda t: t),
                                              ("gamma", lambda t: t**2), ("inverse-gaussian", lambda t: t**3), ("nbinom2", lambda t: t + 0.7 * t**2)])
def test_quasi_likelihoods_are_the_integrals_that_they_stand_for(family, variance):
    """Of (y - t) / V(t) between two means."""
    y, a, b = 0.6, 0.3, 0.8
    own = [quasi_likelihood(family, np.array([y]), np.array([mean]), alpha=0.7) for mean in (a, b)]
    assert own[1] - own[0] == pytest.approx(quad(lambda t: (y - t) / variance(t), a, b)[0], rel=1e-9)
    assert quasi_likelihood(family, np.array([y]), np.array([a]), 2.0, 0.7) == pytest.approx(2.0 * own[0])


def test_other_outcomes_are_fitted_as_the_first():
    fit = mlm.gee("c ~ x", base(), groups="g", family="poisson", corr="exchangeable")
    other = mlm.gee("c ~ x", base(c=base().c[::-1].to_numpy()), groups="g", family="poisson", corr="exchangeable")
    again = fit.refit(base().c[::-1].to_numpy())
    np.testing.assert_allclose(again.params, other.params, rtol=1e-9)
    np.testing.assert_allclose(again.bse, other.bse, rtol=1e-8)


def test_the_link_scale_and_its_interval():
    """Ends on the link scale are those of the means, through the link; the error is that of x'b."""
    fit = mlm.gee("c ~ x", base(), groups="g", family="poisson")
    link, mean = (fit.predict(scale=scale, interval="confidence") for scale in ("link", "response"))
    for name in ("mean", "lower", "upper"):
        np.testing.assert_allclose(np.exp(link[name]), mean[name], rtol=1e-12)
    X = np.column_stack([np.ones(N), base().x])
    np.testing.assert_allclose(link.se, np.sqrt(np.einsum("ij,jk,ik->i", X, fit.cov_params(), X)), rtol=1e-10)
    np.testing.assert_allclose(link["mean"], X @ fit.params, rtol=1e-12)


def test_theta_of_a_negative_binomial_with_an_exposure():
    table = base(days=1.0 + np.arange(N) % 7)
    by_exposure = mlm.gee("c ~ x", table, groups="g", family="nbinom2", exposure="days")
    by_offset = mlm.gee("c ~ x + offset(log(days))", table, groups="g", family="nbinom2")
    np.testing.assert_allclose(by_exposure.params, by_offset.params, rtol=1e-8)
    alone = mlm.glmm("c ~ x", table, family="nbinom2", exposure="days").dispersion.iloc[0]
    assert f"theta = {alone:.4g} is that of the model of independent rows" in " ".join(by_exposure.messages)


@pytest.mark.parametrize("options", [{"corr": "exchangeable"}, {"corr": "unstructured", "time": "t"}])
def test_residuals_that_are_alike_have_no_correlation_matrix(options):
    """Outcome and predictor are constant in each group: the correlation is 1, and nothing can be solved."""
    table = base(m=base().x.groupby(base().g).transform("mean"))
    with pytest.raises(mlm.DataError, match="correlation .*Choose a simpler corr="):
        mlm.gee("w ~ m", table[table.t < 3], groups="g", **options)


def test_residuals_that_cancel_in_every_group_have_no_correlation_matrix():
    """Their correlation is -1 / (n - 1), where the matrix is singular: no errors, and a structure that has them is named."""
    cancel = base(y=base().y - base().y.groupby(base().g).transform("mean") + 3.0)
    with pytest.raises(mlm.DataError, match="is no correlation matrix .*such as 'exchangeable' or 'independence'"):
        mlm.gee("y ~ 1", cancel, groups="g", corr="exchangeable")
    assert np.isfinite(mlm.gee("y ~ 1", cancel, groups="g", corr="independence").bse).all()


def test_the_working_correlation_of_statsmodels_moments_is_shown():
    fit = mlm.gee("y ~ x", base(), groups="g", corr="exchangeable", moments="statsmodels")
    found = fit.working_correlation()
    assert found.shape == (8, 8) and np.allclose(np.diagonal(found), 1.0)
    np.testing.assert_allclose(found.to_numpy()[np.triu_indices(8, 1)], float(fit.correlations["estimate"].iloc[0]))


@pytest.mark.parametrize("times", [2, 4])
def test_an_autoregression_at_its_edge_is_told_of(times):
    table = base(m=base().x.groupby(base().g).transform("mean"))
    fit = mlm.gee("w ~ m", table[table.t < times], groups="g", corr="ar1", time="t")
    assert fit.correlations["estimate"].item() == 0.999 and "runs to 0.999, where the search for it ends" in " ".join(fit.messages)
    assert "where the search" not in " ".join(mlm.gee("y ~ x", base(), groups="g", corr="ar1", time="t").messages)


def test_more_correlations_than_groups_are_told_of():
    told = " ".join(mlm.gee("y ~ x", base(), groups="g", time="t", corr="unstructured", max_iter=5).messages)
    assert "28 correlations are estimated from 12 groups: choose a simpler corr=." in told
    assert "correlations are estimated" not in " ".join(mlm.gee("y ~ x", base(), groups="g", corr="exchangeable").messages)


def test_categories_without_an_intercept_are_binary_logits():
    """Of two categories the nominal model is the binomial one, without an intercept too."""
    two = base(f=np.where(base().k > 0, "yes", "no"))
    nominal = mlm.gee("f ~ 0 + x + z", two, groups="g", family="nominal", corr="independence")
    binary = mlm.gee("k ~ 0 + x + z", two, groups="g", family="binomial", corr="independence")
    np.testing.assert_allclose(nominal.params, binary.params, rtol=1e-6)
    np.testing.assert_allclose(nominal.bse, binary.bse, rtol=1e-5)


def test_a_structure_is_what_statsmodels_asks_for():
    fit = mlm.gee("y ~ x", base(), groups="g", corr="exchangeable")
    alpha = float(fit.correlations["estimate"].iloc[0])
    matrix, is_correlation = fit.structure.covariance_matrix(np.zeros(8), 0)
    np.testing.assert_allclose(matrix, np.full((8, 8), alpha) + (1 - alpha) * np.eye(8))
    assert is_correlation and fit.structure.summary() == f"exchangeable: {np.array([alpha])}"
    assert isinstance(fit.working_correlation(), pd.DataFrame)
