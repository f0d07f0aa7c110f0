"""Generalized models at the edges: flat likelihoods, nodes beyond a link's domain, quasi-likelihood of crossed factors, what separates outcomes."""

import warnings

import numpy as np
import pytest

import mlmlib as mlm
from bad_input import N, base
from bad_questions import fit, ordered
from mlmlib.glmm.posterior import posterior_effects


@pytest.fixture(scope="module")
def crossed():
    rng = np.random.default_rng(6)
    table = base()
    u, v = 0.6 * rng.standard_normal(12)[table.g], 0.5 * rng.standard_normal(8)[table.t.astype(int)]
    return table.assign(c=rng.poisson(np.exp(0.5 + 0.3 * table.x + u + v)), k=rng.binomial(1, 1 / (1 + np.exp(-table.x - u - v))))


def test_quasi_likelihood_of_crossed_factors_is_its_own_working_model(crossed):
    """At the solution the linear mixed model of the working outcome, with the working weights, gives the same back (Breslow & Clayton)."""
    own = mlm.glmm("c ~ x + (1 | g) + (1 | t)", crossed, family="poisson", method="pql", dispersion="free")
    mu = np.exp(own.linear_predictor)
    working = mlm.lmm("z ~ x + (1 | g) + (1 | t)", crossed.assign(z=own.linear_predictor + (crossed.c - mu) / mu, w=mu), weights="w", reml=False)
    np.testing.assert_allclose(own.params, working.params, rtol=1e-6)
    np.testing.assert_allclose(own.bse, working.bse, rtol=1e-5)
    for group in ("g", "t"):
        np.testing.assert_allclose(own.covariance_matrix(group), working.covariance_matrix(group), rtol=1e-5)
    row = own.dispersion_table().iloc[0]
    assert row["estimate"] == pytest.approx(working.sigma**2, rel=1e-6) and row["lower"] * row["upper"] == pytest.approx(row["estimate"] ** 2)


def test_second_order_terms_of_crossed_factors_are_the_dense_ones(crossed):
    """The variances of the rows' random parts given the working outcome, diag(Z (Z'WZ + T^-1)^-1 Z')."""
    own = mlm.glmm("k ~ x + (1 | g) + (1 | t)", crossed, method="pql", order=2)
    assert own.converged
    Z = np.hstack([np.equal.outer(crossed[name].to_numpy(), crossed[name].unique()).astype(float) for name in ("g", "t")])
    tau = [float(own.covariance_matrix(name).iloc[0, 0]) for name in ("g", "t")]
    p = own.mu.to_numpy()
    precision = np.diag(np.repeat(1 / np.array(tau), [12, 8]))
    dense = np.einsum("ij,jk,ik->i", Z, np.linalg.inv(Z.T @ ((p * (1 - p))[:, None] * Z) + precision), Z)
    eta = own.linear_predictor.to_numpy()
    z = eta + (crossed.k - p) / (p * (1 - p)) - 0.5 * (1 - 2 * p) * dense  # the working outcome of the second order
    V = np.diag(1 / (p * (1 - p))) + Z @ np.linalg.inv(precision) @ Z.T
    X = np.column_stack([np.ones(N), crossed.x])
    np.testing.assert_allclose(own.params, np.linalg.solve(X.T @ np.linalg.solve(V, X), X.T @ np.linalg.solve(V, z)), rtol=1e-5)


def test_effects_that_no_group_has_both_of_have_a_flat_likelihood():
    apart = base(a=(base().g % 2 == 0) * 1.0, b=(base().g % 2) * 1.0)
    told = " ".join(mlm.glmm("k ~ x + (0 + a + b | g)", apart).messages)
    assert "cannot tell all variances and correlations of (0 + a + b | g) apart" in told and "Write || for no correlations" in told
    assert "cannot tell" not in " ".join(mlm.glmm("k ~ x + (0 + a + b || g)", apart).messages)


def test_effects_given_outcomes_are_not_there_for_crossed_factors():
    with pytest.raises(mlm.FormulaError, match="random_effects has the modes of this model"):
        posterior_effects(fit("two factors"))


def test_too_few_nodes_say_how_many_are_enough(crossed):
    few = mlm.glmm("c ~ 1 + (1 | g)", crossed, family="poisson", link="identity", method="agq", nodes=3)
    told = next(text for text in few.messages if text.startswith("Too few quadrature points"))
    enough = int(told.partition("nodes=")[2].rstrip(".").partition(",")[0])
    assert enough > 3 and not any("Too few" in text for text in mlm.glmm("c ~ 1 + (1 | g)", crossed, family="poisson", link="identity",
                                                                         method="agq", nodes=enough).messages)


def test_groups_of_one_outcome_have_effects_as_good_as_infinite():
    """All groups but one have one outcome in all rows: told, by Laplace and by quadrature."""
    table = base(k=np.where(base().index == 3, 0.0, np.where(base().g < 6, 1.0, 0.0)))
    told = " ".join(mlm.glmm("k ~ x + (1 | g)", table, method="agq").messages)
    assert "as good as infinite. Only 1 of 12 groups have both outcomes." in told


@pytest.mark.parametrize("formula, change, words", [
    ("k ~ poly(x, 2) + (1 | g)", {"k": (np.abs(base().x) > 0.5) * 1.0}, "'poly(x, 2)[1]' and 'poly(x, 2)[2]' together tell the outcome 'k' in 96 rows without error"),
    ("k ~ x + z + (1 | g)", {"k": (base().x + base().z > 0) * 1.0}, "Separation (complete): 'x' and 'z' together tell"),
    ("k ~ q + w + z + (1 | g)", {"q": np.round(base().x), "k": np.where(np.round(base().x) > 0, 1.0, np.where(np.round(base().x) < 0, 0.0, base().k))}, "Separation (quasi-complete): 'q' tells the outcome 'k' in 57 rows"),
    ("k ~ C(e) + x + (1 | g)", {"e": np.arange(N) % 48, "k": np.where(np.arange(N) % 48 == 7, 1.0, base().k)}, "Merge this category with another")])
def test_what_separates_outcomes_is_named(formula, change, words):
    table = base(**change)
    with pytest.raises(mlm.DataError) as caught, warnings.catch_warnings():
        warnings.simplefilter("error")
        mlm.glmm(formula, table)
    assert words in str(caught.value) and "The likelihood has no maximum" in str(caught.value)


def test_a_search_at_the_edge_of_a_link_says_so():
    found = mlm.glmm("s ~ x + (1 | g)", base(s=np.exp(base().y), x=base().x * 100.0), family="inverse-gaussian", link="identity")
    assert "lies at the edge of what the family allows" in " ".join(found.messages)


def test_a_category_that_no_row_of_a_predictor_has():
    table = ordered().assign(d=lambda d: np.where(d.o == "b", 0, np.arange(N) % 2))
    with pytest.raises(mlm.DataError, match="No row with d = 1 has the outcome's category number 2 of 3"):
        mlm.proportional_odds_test(mlm.glmm("o ~ d + (1 | g)", table, family="ordinal"), "d")


def test_a_wald_test_of_thresholds_at_infinity_has_no_statistic():
    """The first category is not there where d is 1: its threshold runs to infinity, which the likelihood ratio can bear and Wald's test not."""
    table = ordered().assign(d=lambda d: np.where(d.o == "a", 0, np.arange(N) % 2))
    own = mlm.glmm("o ~ d + (1 | g)", table, family="ordinal")
    ratio, wald = (mlm.proportional_odds_test(own, "d", method=method) for method in ("lr", "wald"))
    assert np.isfinite(ratio.pvalue) and "runs to infinity" in ratio.note
    assert np.isnan(wald.pvalue) and "runs to infinity" in wald.note
