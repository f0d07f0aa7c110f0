"""What panel regressions answer: R2 with weights, intercepts, errors of effects, tables of other kinds, one time only."""

import numpy as np
import pytest

import mlmlib as mlm
from bad_input import N, base


def test_pooled_r2_is_that_of_weighted_least_squares():
    table = base(size=1.0 + np.arange(N) % 3)
    for weights in (None, "size"):
        pooled = mlm.panel("y ~ x + z", table, groups="g", effects="pooled", weights=weights)
        plain = mlm.ols("y ~ x + z", table, weights=weights)
        assert pooled.rsquared == pytest.approx(plain.rsquared, rel=1e-10)
        assert pooled.rsquared_adj == pytest.approx(plain.rsquared_adj, rel=1e-10)


def test_intercepts():
    """The model's own, or the mean of the groups' after fixed effects, as Stata's _cons."""
    random, within = (mlm.panel("y ~ x", base(), groups="g", effects=effects) for effects in ("random", "within"))
    assert random.intercept == random.params["Intercept"]
    assert within.intercept == pytest.approx(base().y.mean() - within.params["x"] * base().x.mean())


def test_first_differences_have_no_errors_of_effects():
    fit = mlm.panel("y ~ x", base(), groups="g", time="t", effects="first-difference")
    assert fit.group_effects_se.isna().all() and len(fit.group_effects_se) == 12
    within = mlm.panel("y ~ x", base(), groups="g").group_effects_se
    assert (within > 0).all()


def test_an_intercept_alone_has_no_wald_test():
    text = str(mlm.panel("y ~ 1", base(), groups="g", effects="random").summary())
    assert "Wald test" not in text and "R2:         between 0.0000" in text


def test_two_ways_with_one_time_are_one_way():
    """Slope, error, effects and their errors."""
    table = base(t=1)
    two, one = mlm.panel("y ~ x", table, groups="g", time="t", effects="two-way"), mlm.panel("y ~ x", table, groups="g")
    np.testing.assert_allclose([two.params["x"], two.bse["x"]], [one.params["x"], one.bse["x"]], rtol=1e-10)
    np.testing.assert_allclose(two.group_effects_se, one.group_effects_se, rtol=1e-8)
    np.testing.assert_allclose(np.ptp(two.group_effects - one.group_effects), 0.0, atol=1e-10)


def test_nothing_is_left_for_groups_that_predictors_tell():
    fit = mlm.panel("y ~ x + C(g)", base(), groups="g", effects="pooled")
    with pytest.raises(ValueError, match="leave no effects of groups to test"):
        fit.f_test_groups()


def test_group_means_of_any_table():
    data = {name: column.to_numpy() for name, column in base().items()}
    found, plain = mlm.group_means("y ~ x", data, groups="g"), mlm.group_means("y ~ x", base(), groups="g")
    assert found.formula == plain.formula == "y ~ x_within + x_between + (1 | g)"
    np.testing.assert_allclose(found.data[["x_within", "x_between"]], plain.data[["x_within", "x_between"]])


def test_a_predictor_of_groups_explains_nothing_within():
    fit = mlm.panel("y ~ w", base(), groups="g", effects="pooled")
    assert fit.r2["within"] == 0.0 or np.isnan(fit.r2["within"])
    assert fit.r2["between"] == pytest.approx(np.corrcoef(base().groupby("g").y.mean(), base().groupby("g").w.first())[0, 1] ** 2)
