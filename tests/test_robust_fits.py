"""Robust covariances of fits of other kinds, each against the sandwich written out or another program's."""

import numpy as np
import pytest
import statsmodels.api as sm

import mlmlib as mlm
from bad_input import N, base


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(4)
    return base(size=1.0 + np.arange(N) % 3, cls=np.arange(N) // 4, noise=rng.standard_normal(N))


def sandwich(X, e, codes) -> np.ndarray:
    """CR0 of least squares."""
    bread = np.linalg.inv(X.T @ X)
    s = np.array([X[codes == j].T @ e[codes == j] for j in np.unique(codes)])
    return bread @ (s.T @ s) @ bread


def test_a_between_regression_is_one_of_means(table):
    found = mlm.robust(mlm.panel("y ~ x + w", table, groups="g", effects="between"), kind="CR0", ddf="normal")
    means = table.groupby("g")[["y", "x", "w"]].mean()
    plain = sm.OLS(means.y, sm.add_constant(means[["x", "w"]])).fit(cov_type="HC0")
    np.testing.assert_allclose(found.bse, plain.bse, rtol=1e-9)


def test_instruments_have_a_sandwich_of_their_projections(table):
    fit = mlm.panel("y ~ x + z + w", table, groups="g", effects="hausman-taylor", endogenous="x")
    found, reg = mlm.robust(fit, kind="CR0", ddf="clusters"), fit.estimate.regression
    np.testing.assert_allclose(found.cov_params(), sandwich(reg.X, reg.resid, reg.codes), rtol=1e-8)
    with pytest.raises(mlm.FormulaError, match="this fit has instruments. Use kind='CR1'"):
        mlm.robust(fit)
    text = str(fit.summary())
    assert "Varying, endogenous: x" in text and "Varying, exogenous: z" in text and "Constant, exogenous: w" in text and "Constant, endogenous" not in text


def test_a_weighted_glm_has_the_cluster_sandwich_of_statsmodels(table):
    found = mlm.robust(mlm.glmm("c ~ x", table, family="poisson", weights="size"), "g", kind="CR0", ddf="normal")
    plain = sm.GLM(table.c, sm.add_constant(table.x), family=sm.families.Poisson(), var_weights=table["size"]).fit(
        cov_type="cluster", cov_kwds={"groups": table.g, "use_correction": False})
    np.testing.assert_allclose(found.bse, plain.bse, rtol=1e-7)


@pytest.mark.parametrize("kind", ["CR0", "CR2", "CR3"])
def test_variances_by_group_are_weights(table, kind):
    fit = mlm.gls("y ~ x + z", table, variance=mlm.by_group("f"))
    same = mlm.ols("y ~ x + z", table.assign(v=fit._row_sd**-2.0), weights="v")
    np.testing.assert_allclose(fit.params, same.params, rtol=1e-8)
    a, b = mlm.robust(fit, "g", kind=kind), mlm.robust(same, "g", kind=kind)
    np.testing.assert_allclose(a.bse, b.bse, rtol=1e-7)
    np.testing.assert_allclose(a.coef_table()["df"], b.coef_table()["df"], rtol=1e-6)


def test_the_coarsest_of_nested_factors_is_the_cluster(table):
    fit = mlm.lmm("y ~ x + (1 | cls) + (1 | g)", table)
    assert mlm.robust(fit).clusterings[0].name == "g"
    np.testing.assert_allclose(mlm.robust(fit).bse, mlm.robust(fit, "g").bse, rtol=1e-12)


def test_a_robust_fit_of_a_robust_fit(table):
    """The covariance is taken anew, of the fit within; residuals and their correlations are that fit's."""
    fit = mlm.lmm("y ~ x + (1 | g)", table)
    inner = mlm.robust(fit, kind="CR0")
    again = mlm.robust(inner, kind="CR3")
    np.testing.assert_allclose(again.bse, mlm.robust(fit, kind="CR3").bse, rtol=1e-12)
    assert again.fit is fit and again.residuals().equals(fit.residuals())
    np.testing.assert_allclose(again.acf().correlation, fit.acf().correlation)


def test_two_ways_that_cancel_have_no_negative_variance(table):
    """Outcomes that sum to zero in every group and at every time: both ways are zero, and the cells' are taken off."""
    cells = table.noise.to_numpy().reshape(12, 8)
    y = (cells - cells.mean(0) - cells.mean(1)[:, None] + cells.mean()).ravel()
    found = mlm.robust(mlm.ols("y ~ 1", table.assign(y=y + 2.0)), ["g", "t"], kind="CR0")
    assert any("negative eigenvalues were set to zero" in text for text in found.messages)
    assert found.cov_params().to_numpy() == pytest.approx(0.0, abs=1e-20)
    mixed = mlm.robust(mlm.ols("y ~ x", table.assign(y=y + 2.0)), ["g", "t"], kind="CR0")
    assert np.linalg.eigvalsh(mixed.cov_params())[0] >= -1e-16


def test_more_hypotheses_than_clusters_carry(table):
    """As many as clusters have no F; fewer by one and the test says so, in the summary too; single ones have their t."""
    found = mlm.robust(mlm.ols("y ~ x + z + c + k", table[table.g < 4]), "g")
    test = found.wald_test()
    assert np.isnan(test.statistic) and np.isnan(test.pvalue) and "too few groups for so many" in str(test)
    assert "Wald test:          no F distribution has the moments" in str(found.summary())
    assert np.isfinite(found.wald_test(["x", "z", "c"]).pvalue)
    with pytest.raises(ValueError, match="3 clusters cannot test 4 hypotheses at once"):
        mlm.robust(mlm.ols("y ~ x + z + c + k", table[table.g < 3]), "g").wald_test()


def test_a_joint_wild_bootstrap_says_its_hypotheses(table):
    found = mlm.wild_bootstrap(mlm.ols("y ~ x + z", table), ["x = 0", "z = 0"], "g", n=199, seed=1)
    text = repr(found)
    assert "x = 0" in text and "z = 0" in text and "interval" not in text.lower().split("wild")[0]
    assert 0 < found.pvalue <= 1


def test_a_summary_of_an_intercept_has_no_wald_test(table):
    assert "Wald test" not in str(mlm.robust(mlm.ols("y ~ 1", table), "g").summary())
    assert "Wald test" in str(mlm.robust(mlm.ols("y ~ x", table), "g").summary())


def test_clusters_through_rows_that_are_groups(table):
    fit = mlm.panel("y ~ x + w", table, groups="g", effects="between")
    with pytest.raises(mlm.DataError, match="'f' cut through groups that the fit has made one row each; name a coarser"):
        mlm.robust(fit, "f")
