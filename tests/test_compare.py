"""Likelihood-ratio tests: their distributions, and the comparisons that are refused."""

import numpy as np
import pytest
from scipy.stats import chi2

import mlmlib as mlm
from mlmlib.inference.boundary import boundary_weights
from mlmlib.inference.likelihood_ratio import mixture_pvalue
from models import data, fit


def test_one_variance_is_chibar2():
    fitted = fit("imm_null_ml")
    test = fitted.lr_vs_linear()
    assert test.distribution == "chibar2(01)" and test.pvalue == pytest.approx(chi2.sf(test.statistic, 1) / 2)
    other = mlm.compare(mlm.ols("math ~ 1", data("math"), method="ml"), fitted)
    assert other.statistic == pytest.approx(test.statistic, abs=1e-6) and other.distribution == "chibar2(01)"


def test_reml_fits_compare_with_the_linear_model():
    fitted = fit("imm_hw_ri_reml")
    test = mlm.compare(mlm.ols("math ~ homework", data("math")), fitted)
    assert test.statistic == pytest.approx(fitted.lr_vs_linear().statistic, abs=1e-6)


def test_another_random_slope_is_a_mixture():
    test = mlm.compare(fit("sleepstudy_ri_ml"), fit("sleepstudy_corr_ml"))
    assert test.distribution == "0.5 chi2(1) + 0.5 chi2(2)"
    assert test.pvalue == pytest.approx((chi2.sf(test.statistic, 1) + chi2.sf(test.statistic, 2)) / 2)


def test_another_independent_slope_is_chibar2():
    assert mlm.compare(fit("sleepstudy_ri_ml"), fit("sleepstudy_uncorr_ml")).distribution == "chibar2(01)"


def test_several_variances_are_conservative():
    linear = mlm.ols("Reaction ~ Days", data("sleepstudy"))
    test = mlm.compare(linear, fit("sleepstudy_corr_ml"))
    assert test.distribution == "chi2(3)" and "conservative" in test.note


def test_a_covariance_alone_is_chi2():
    test = mlm.compare(fit("sleepstudy_uncorr_ml"), fit("sleepstudy_corr_ml"))
    assert test.distribution == "chi2(1)" and test.df == 1 and not test.note


def test_fixed_effects_are_compared_by_ml():
    small, large = fit("hsb_ri_cses_reml"), mlm.lmm("mathach ~ cses + minority + (1 | school)", data("hsb"))
    test = mlm.compare(small, large)
    assert "refitted by maximum likelihood" in test.note and test.statistic == pytest.approx(207.34, abs=0.005)
    assert test.distribution == "chi2(1)" and test.null == "minority[T.Yes] = 0"
    again = mlm.compare(large, small)  # the other way round
    assert again.statistic == test.statistic


def test_the_table():
    table = mlm.compare(fit("hsb_ri_cses_ml"), fit("hsb_rc_ml"), names=("intercepts", "slopes")).table
    assert table.index.tolist() == ["intercepts", "slopes"] and table["npar"].tolist() == [4, 6]
    assert np.allclose(table["aic"], [fit("hsb_ri_cses_ml").aic, fit("hsb_rc_ml").aic])
    assert np.allclose(table["bic"], [fit("hsb_ri_cses_ml").bic, fit("hsb_rc_ml").bic])
    turned = mlm.compare(fit("hsb_rc_ml"), fit("hsb_ri_cses_ml"), names=("slopes", "intercepts")).table
    assert turned.equals(table)
    assert "slopes" in str(mlm.compare(fit("hsb_ri_cses_ml"), fit("hsb_rc_ml"), names=("intercepts", "slopes")))


@pytest.mark.parametrize("null, full, says", [
    ("sleepstudy_ri_ml", "hsb_rc_ml", "different outcomes"),
    ("hsb_ri_cses_ml", "hsb_rc_reml", "one fit is by REML|One fit is by REML"),
    ("hsb_ri_ses_ml", "hsb_rc_ml", "not nested"),
    ("hsb_ri_cses_ml", "hsb_ri_ses_ml", "not nested|same number"),
])
def test_comparisons_that_mean_nothing_are_refused(null, full, says):
    with pytest.raises(ValueError, match=says):
        mlm.compare(fit(null), fit(full))


def test_different_rows_are_refused():
    table = data("hsb").assign(cses=lambda t: t["cses"].where(t["cses"] > -2))
    with pytest.raises(ValueError, match="different rows"):
        mlm.compare(fit("hsb_null_ml"), mlm.lmm("mathach ~ cses + (1 | school)", table, reml=False))


def test_the_same_model_is_refused():
    with pytest.raises(ValueError, match="same number of parameters"):
        mlm.compare(fit("hsb_null_ml"), fit("hsb_null_ml"))


def test_mixtures():
    assert mixture_pvalue(0, {0: 0.5, 1: 0.5}) == 1
    assert mixture_pvalue(2.705543, {0: 0.5, 1: 0.5}) == pytest.approx(0.05, abs=1e-6)
    assert mixture_pvalue(5.138, {1: 0.5, 2: 0.5}) == pytest.approx(0.05, abs=1e-4)


def test_chibar2_holds_under_the_null():
    """With no variance between groups the statistic is zero about half of the time and exceeds 2.71 in 5 % of samples."""
    rng = np.random.default_rng(11)
    g = np.repeat(np.arange(60), 5)
    base = mlm.lmm("y ~ 1 + (1 | g)", {"y": rng.normal(size=300), "g": g}, reml=False)
    found = np.array([base.refit(rng.normal(size=300)).lr_vs_linear().statistic for _ in range(300)])
    assert 0.40 < (found < 1e-6).mean() < 0.62
    assert 0.02 < (found > 2.7055).mean() < 0.085


@pytest.mark.parametrize("formula", ["y ~ x + (x | g)", "y ~ x + (x || g)"])
def test_the_mixture_holds_under_the_null(formula):
    """Neither an intercept nor a slope varies: the mixture's p-values are uniform where they are small."""
    rng = np.random.default_rng(12)
    g, x = np.repeat(np.arange(80), 6), rng.normal(size=480)
    base = mlm.lmm(formula, {"y": rng.normal(size=480), "x": x, "g": g}, reml=False)
    tests = [base.refit(rng.normal(size=480)) for _ in range(200)]
    exact = np.array([fitted.lr_vs_linear(mixture=True).pvalue for fitted in tests[:1]])
    weights = boundary_weights(base)
    assert sum(weights.values()) == pytest.approx(1) and all(weight >= 0 for weight in weights.values())
    found = np.array([mixture_pvalue(fitted.lr_vs_linear().statistic, weights) for fitted in tests])
    assert exact[0] == pytest.approx(found[0], abs=0.01)
    assert 0.01 < (found < 0.05).mean() < 0.1 and 0.05 < (found < 0.1).mean() < 0.16
    stata = np.array([fitted.lr_vs_linear().pvalue for fitted in tests])
    assert (stata < 0.05).mean() < (found < 0.05).mean() and np.all(stata >= found - 1e-12)


def test_the_mixture_is_refused_for_many_parameters():
    with pytest.raises(ValueError, match="up to three"):
        fit("hsb_minority_reml").lr_vs_linear(mixture=True)
