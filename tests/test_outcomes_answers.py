"""What models of several outcomes, least squares and measures of explained variance answer, against each outcome's own model."""

import numpy as np
import pytest

import mlmlib as mlm
from bad_input import base
from bad_questions import fit


def test_predictions_of_several_outcomes_with_weights_and_intervals():
    """A new row's weight divides its residual variance in every outcome; given to rows, or to all."""
    several, rows = fit("several"), base().iloc[:3]
    plain, heavy = several.predict(rows, interval="prediction"), several.predict(rows, interval="prediction", weights=np.full(3, 4.0))
    sigma2 = np.tile(np.diagonal(several.residual_cov()), 3)
    np.testing.assert_allclose(plain.se**2 - heavy.se**2, 0.75 * sigma2, rtol=1e-8)
    np.testing.assert_allclose(heavy["mean"], plain["mean"], rtol=1e-12)


def test_a_test_of_named_coefficients_of_several_outcomes():
    several = fit("several")
    one, both = several.wald_test(["y: x"]), several.wald_test()
    assert one.statistic == pytest.approx((several.params["y: x"] / several.bse["y: x"]) ** 2) and one.df == 1
    names = ["y: x", "y2: x"]
    b, V = several.params[names], several.cov_params().loc[names, names]
    assert both.statistic == pytest.approx(float(b @ np.linalg.solve(V, b))) and both.df == 2


def test_columns_named_as_the_stack_names_its_own():
    """A column called `outcome` is the reader's: the fit is that of any other name."""
    named = mlm.multivariate("y + y2 ~ outcome + (1 | g)", base().rename(columns={"x": "outcome"}))
    np.testing.assert_allclose(named.params, mlm.multivariate("y + y2 ~ x + (1 | g)", base()).params, rtol=1e-9)


def test_sums_of_squares_of_least_squares():
    own, table = fit("ols"), base()
    assert own.ss_total == pytest.approx(((table.y - table.y.mean()) ** 2).sum())
    assert own.ss_model == pytest.approx(((own.fittedvalues - table.y.mean()) ** 2).sum())
    raw = mlm.ols("y ~ 0 + x", table)
    assert raw.ss_total == pytest.approx((table.y**2).sum()) and raw.ss_model == pytest.approx((raw.fittedvalues**2).sum())
    row = own.variance_components.iloc[0]
    assert row["variance"] == pytest.approx(own.sigma**2) and row["se"] == pytest.approx(own.sigma**2 * np.sqrt(2 / own.df_resid))
    assert float(mlm.r2(own)) == own.rsquared and f"{100 * own.rsquared:.1f} %" in str(mlm.r2(own))


def test_r2_of_crossed_factors_has_no_levels():
    found = mlm.r2(fit("crossed"))
    assert np.isnan(found.level1) and np.isnan(found.level2) and "level-1" not in str(found)
    assert "Snijders and Bosker's measures are for one grouping factor." in str(found)
    assert 0 < found.marginal < found.conditional < 1


def test_r2_of_slopes_is_averaged_or_of_intercepts_alone():
    """The variance of a row with slopes is z'Tz, averaged; `refit` has the model with intercepts alone."""
    slope = fit("slope")
    null, T = mlm.lmm("y ~ 1 + (1 | g)", base()), slope.covariance_matrix().to_numpy()
    z = np.column_stack([np.ones(len(base())), base().x])
    averaged, whole = np.einsum("na,ab,nb->n", z, T, z).mean() + slope.sigma**2, float(null.covariance_matrix().iloc[0, 0]) + null.sigma**2
    assert mlm.r2(slope, slopes="average").level1 == pytest.approx(1 - averaged / whole, rel=1e-9)
    intercepts = mlm.lmm("y ~ x + (1 | g)", base())
    assert mlm.r2(slope).level1 == pytest.approx(mlm.r2(intercepts).level1, rel=1e-6)


def test_a_table_of_reductions():
    found = mlm.proportional_reduction(fit("null"), fit("lmm"))
    table = found.table.set_index("group")
    assert table.loc["Residual", "reduction"] == pytest.approx(1 - fit("lmm").sigma**2 / fit("null").sigma**2) == found["Residual"]
    assert found["g"] == found["g", "Intercept"] == table.loc["g", "reduction"]
    assert "from y ~ 1 + (1 | g)" in str(found) and "to   y ~ x + f + (1 | g)" in str(found)
