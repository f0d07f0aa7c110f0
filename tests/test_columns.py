"""Columns of kinds that few tables have, each against the plain column that means the same."""

import numpy as np
import pytest

import mlmlib as mlm
from bad_input import N, base


def test_outcomes_that_are_true_or_false():
    np.testing.assert_allclose(mlm.ols("b ~ x", base(b=base().y > 0)).params, mlm.ols("b ~ x", base(b=(base().y > 0) * 1.0)).params)


def test_numbers_as_categories_are_those_of_the_fit():
    fit = mlm.ols("y ~ C(t)", base())
    np.testing.assert_allclose(fit.predict(base().iloc[:3]), fit.fittedvalues.iloc[:3])
    with pytest.raises(mlm.DataError, match="have 99 in 'C\\(t\\)', which the fit never saw"):
        fit.predict(base(t=99.0))


def test_groups_named_by_numbers_and_words():
    """Sorted as text, for they have no other order."""
    mixed = base(g=np.array([v if v % 2 else f"s{v}" for v in base().g], dtype=object))
    found, plain = mlm.lmm("y ~ x + (1 | g)", mixed), mlm.lmm("y ~ x + (1 | g)", base())
    np.testing.assert_allclose(found.params, plain.params, rtol=1e-10)
    assert found.random_effects["g"].loc["s4", "Intercept"] == pytest.approx(plain.random_effects["g"].loc[4, "Intercept"], rel=1e-8)


def test_a_constant_and_a_call_that_cannot_be():
    with pytest.raises(mlm.DataError, match=r"'I\(3\)' of the predictors is the same in every row"):
        mlm.ols("y ~ x + I(3)", base())
    with pytest.raises(mlm.FormulaError, match=r"Cannot compute 'log\(x, 3, 4\)': log\(\) takes"):
        mlm.ols("y ~ log(x, 3, 4)", base())


def test_categories_of_polars_keep_their_order():
    polars = pytest.importorskip("polars")
    table = polars.from_pandas(base()).with_columns(polars.col("f").cast(polars.Enum(["c", "a", "b"])))
    found = mlm.ols("y ~ f", table)
    plain = mlm.ols("y ~ C(f, Treatment('c'))", base())
    assert list(found.params.index) == ["Intercept", "f[T.a]", "f[T.b]"]
    np.testing.assert_allclose(found.params, plain.params, rtol=1e-12)


def test_a_sum_may_begin_with_a_sign():
    assert list(mlm.ols("y ~ -1 + x", base()).params.index) == ["x"]
    assert list(mlm.ols("y ~ + x", base()).params.index) == ["Intercept", "x"]


@pytest.mark.parametrize("call, words", [
    (lambda null: mlm.icc(null, q=1), "has no option 'q'"), (lambda null: mlm.icc(null, method="q"), "'wald', 'profile' or 'bootstrap'"),
    (lambda null: mlm.design_effect(0.1, [3, 4], groups=4), "Give either the sizes of all clusters, or one size")])
def test_an_icc_and_a_design_effect_of_no_kind(call, words):
    with pytest.raises((TypeError, ValueError), match=words):
        call(mlm.lmm("y ~ 1 + (1 | g)", base()))


def test_an_icc_away_from_zero_is_bootstrapped():
    """At x = 2 it is that of z'Tz; its interval holds it, and a profile is not to be had."""
    fit = mlm.lmm("y ~ x + (1 + x | g)", base())
    found, T = mlm.icc(fit, at={"x": 2.0}, method="bootstrap", n=40, seed=1), fit.covariance_matrix().to_numpy()
    between = float(np.array([1, 2]) @ T @ [1, 2])
    assert found.estimate == pytest.approx(between / (between + fit.sigma**2)) and found.lower < found.estimate < found.upper
    with pytest.raises(ValueError, match="elsewhere use method='bootstrap'"):
        mlm.icc(fit, at={"x": 2.0}, method="profile")
    assert len(base()) == N
