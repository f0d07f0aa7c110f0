"""The linear model by least squares and by maximum likelihood."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import mlmlib as mlm
from models import data


def fits(formula="math ~ schtype * homework", **options):
    return (mlm.ols(formula, data("math"), **options), mlm.ols(formula, data("math"), method="ml", **options))


def test_it_is_statsmodels():
    ours = fits()[0]
    theirs = sm.OLS(ours.endog, ours.exog).fit()
    for name in ("params", "bse", "tvalues", "pvalues", "fittedvalues", "resid"):
        assert np.allclose(getattr(ours, name), getattr(theirs, name)), name
    assert np.allclose(ours.conf_int(), theirs.conf_int()) and np.allclose(ours.conf_int(level=0.9), theirs.conf_int(0.1))
    assert np.allclose(ours.cov_params(), theirs.cov_params())
    assert ours.llf == pytest.approx(theirs.llf) and ours.fvalue == pytest.approx(theirs.fvalue)
    assert ours.wald_test().statistic == pytest.approx(theirs.fvalue) and ours.wald_test().pvalue == pytest.approx(theirs.f_pvalue)
    assert ours.ss_model == pytest.approx(theirs.ess) and ours.df_resid == theirs.df_resid and ours.nobs == theirs.nobs


def test_maximum_likelihood_divides_by_n():
    ols, ml = fits()
    assert np.allclose(ols.params, ml.params) and ols.llf == ml.llf
    assert ml.sigma == pytest.approx(ols.sigma * np.sqrt(515 / 519))
    assert ml.wald_test().distribution == "chi2(3)" and ols.wald_test().distribution == "F(3, 515)"
    assert np.allclose(ml.bse / ols.bse, np.sqrt(515 / 519))
    row = ml.random_table("sd").iloc[0]
    assert row["estimate"] == pytest.approx(ml.sigma) and row["se"] == pytest.approx(ml.sigma / np.sqrt(2 * 519))


def test_a_mixed_model_without_variance_is_the_linear_model():
    mixed = mlm.lmm("math ~ ses + (1 | schid)", data("math"), reml=False)
    for reml in (True, False):
        fitted = mixed.refit(reml=reml)
        at_zero = fitted.model.criterion(np.zeros(1)).value
        linear = mlm.ols("math ~ ses", data("math"))
        assert linear.loglik(reml=reml) == pytest.approx(-at_zero / 2, abs=1e-7)
    assert mixed.lr_vs_linear().statistic == pytest.approx(2 * (mixed.llf - linear.llf), abs=1e-7)


def test_weights_offset_and_prediction():
    table = data("math").assign(w=1.0 + data("math")["homework"], o=data("math")["ratio"] / 10)
    ours = mlm.ols("math ~ ses + schtype", table, weights="w", offset="o")
    theirs = sm.WLS(table["math"] - table["o"], ours.exog, table["w"]).fit()
    assert np.allclose(ours.params, theirs.params) and np.allclose(ours.bse, theirs.bse)
    assert np.allclose(ours.fittedvalues, theirs.fittedvalues + table["o"])
    plain = mlm.ols("math ~ ses + schtype", table)
    assert np.allclose(plain.predict(table.head()), plain.fittedvalues.head())
    public = plain.predict({"ses": [0.0], "schtype": ["Public"]})
    assert public.iloc[0] == pytest.approx(plain.params["Intercept"] + plain.params["schtype[T.Public]"])


@pytest.mark.parametrize("formula, says", [
    ("math ~ 0", "nothing on its right"), ("math ~ ses + (1 | schid)", "fit it with mlm.lmm"), ("math ~ ses + I(2 * ses)", "determined by"),
    ("math ~ nothing", "no column"), ("schtype ~ ses", "holds text or categories")])
def test_unusable_input_is_named(formula, says):
    with pytest.raises((mlm.DataError, mlm.FormulaError), match=says):
        mlm.ols(formula, data("math"))


def test_too_few_rows():
    with pytest.raises(mlm.DataError, match="2 rows cannot carry 2"):
        mlm.ols("y ~ x", pd.DataFrame({"y": [1, 2], "x": [1, 2]}))


def test_wald_test_of_some_coefficients():
    fitted = fits()[1]
    one = fitted.wald_test("homework")
    assert one.statistic == pytest.approx(fitted.tvalues["homework"] ** 2) and one.pvalue == pytest.approx(fitted.pvalues["homework"])
    two = fitted.wald_test(["homework", "schtype[T.Public]:homework"])
    assert two.df == 2 and "homework = 0" in str(two)
    with pytest.raises(ValueError, match="no coefficient 'nothing'"):
        fitted.wald_test("nothing")
    with pytest.raises(ValueError, match="only an intercept"):
        mlm.ols("math ~ 1", data("math")).wald_test()
