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


def test_several_variances_are_a_mixture():
    linear = mlm.ols("Reaction ~ Days", data("sleepstudy"))
    test = mlm.compare(linear, fit("sleepstudy_corr_ml"))
    assert test.distribution == "0.13 chi2(0) + 0.33 chi2(1) + 0.37 chi2(2) + 0.17 chi2(3)" and "one-sided" in test.note
    assert test.null == "no random effects" and list(test.weights) == [0, 1, 2, 3]
    assert test.weights == boundary_weights(fit("sleepstudy_corr_ml"))
    stata = fit("sleepstudy_corr_ml").lr_vs_linear()
    assert stata.distribution == "chi2(3)" and "conservative" in stata.note and stata.pvalue > test.pvalue


def test_a_covariance_alone_is_chi2():
    test = mlm.compare(fit("sleepstudy_uncorr_ml"), fit("sleepstudy_corr_ml"))
    assert test.distribution == "chi2(1)" and test.df == 1 and not test.note


def test_fixed_effects_are_compared_by_ml():
    small, large = fit("hsb_ri_cses_reml"), mlm.lmm("mathach ~ cses + minority + (1 | school)", data("hsb"))
    test = mlm.compare(small, large)
    assert "refitted by maximum likelihood" in test.note and test.statistic == pytest.approx(207.34, abs=0.005)
    assert test.distribution == "chi2(1)" and test.null == "minority[T.Yes] = 0"
    with pytest.raises(ValueError, match="The smaller model comes first"):
        mlm.compare(large, small)
    with pytest.raises(ValueError, match="The fixed effects differ.*refit=True"):
        mlm.compare(small, large, refit=False)
    assert mlm.compare(fit("hsb_ri_cses_ml"), large.refit(reml=False), refit=False).statistic == test.statistic


def test_the_table():
    table = mlm.compare(fit("hsb_ri_cses_ml"), fit("hsb_rc_ml"), names=("intercepts", "slopes")).table
    assert table.index.tolist() == ["intercepts", "slopes"] and table["npar"].tolist() == [4, 6]
    assert np.allclose(table["aic"], [fit("hsb_ri_cses_ml").aic, fit("hsb_rc_ml").aic])
    assert np.allclose(table["bic"], [fit("hsb_ri_cses_ml").bic, fit("hsb_rc_ml").bic])
    assert "slopes" in str(mlm.compare(fit("hsb_ri_cses_ml"), fit("hsb_rc_ml"), names=("intercepts", "slopes")))


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


def test_the_mixture_of_six_parameters():
    test = fit("hsb_minority_reml").lr_vs_linear(mixture=True)
    assert len(test.df) == 7 and test.distribution.count("chi2(") == 7 and "20,000 draws" in test.note


def test_a_fixed_effect_beside_a_variance():
    """The fixed effect adds one to every part of the mixture."""
    null, full = fit("hsb_ri_cses_ml"), mlm.lmm("mathach ~ cses + minority + (1 + cses | school)", data("hsb"), reml=False)
    test = mlm.compare(null, full)
    assert test.weights == {2: 0.5, 3: 0.5} and test.null == "minority[T.Yes] = 0, var(cses) = 0, cov(Intercept, cses) = 0"
    assert test.pvalue == pytest.approx((chi2.sf(test.statistic, 2) + chi2.sf(test.statistic, 3)) / 2)


def test_two_more_effects():
    """Free covariances with the intercept, and a cone of three parameters whose weights are areas."""
    null = mlm.lmm("mathach ~ cses + minority + (1 | school)", data("hsb"))
    test = mlm.compare(null, fit("hsb_minority_reml"))
    assert list(test.weights) == [2, 3, 4, 5] and sum(test.weights.values()) == pytest.approx(1)
    assert test.weights[2] + test.weights[4] == pytest.approx(0.5)
    assert test.null == "var(cses) = 0, var(minority[T.Yes]) = 0 and their covariances"
    apart = mlm.lmm("mathach ~ cses + minority + (cses + minority || school)", data("hsb"))
    assert list(mlm.compare(null, apart).weights) == [0, 1, 2]
    some = mlm.lmm("mathach ~ cses + minority + (1 + cses | school)", data("hsb"))
    assert mlm.compare(some, fit("hsb_minority_reml")).weights == {2: 0.5, 3: 0.5}


@pytest.mark.parametrize("small, large, df", [
    ("identity", "exchangeable", 1), ("identity", "independent", 1), ("identity", "unstructured", 2),
    ("exchangeable", "unstructured", 1), ("independent", "unstructured", 1)])
def test_structures_are_nested(small, large, df):
    null, full = (mlm.lmm("mathach ~ cses + (1 + cses | school)", data("hsb"), covariance=s) for s in (small, large))
    test = mlm.compare(null, full)
    assert test.distribution == f"chi2({df})" and not test.note and test.weights == {df: 1.0}
    assert test.statistic == pytest.approx(2 * (full.llf - null.llf))


def test_exchangeable_against_nothing():
    """Two variances (of the mean and of deviations from it) that cannot be negative."""
    full = mlm.lmm("mathach ~ cses + (1 + cses | school)", data("hsb"), covariance="exchangeable")
    assert list(mlm.compare(mlm.ols("mathach ~ cses", data("hsb")), full).weights) == [0, 1, 2]


def test_other_codings_are_the_same_space():
    table = data("hsb").assign(low=lambda t: 1 - (t["sector"] == "Catholic"), ses2=lambda t: 3 * t["cses"] + 40)
    null = mlm.lmm("mathach ~ cses + sector + (1 | school)", table)
    test = mlm.compare(null, mlm.lmm("mathach ~ 0 + C(low) + ses2 + (1 + ses2 | school)", table))
    plain = mlm.compare(null, mlm.lmm("mathach ~ cses + sector + (1 + cses | school)", table))
    assert test.statistic == pytest.approx(plain.statistic, abs=1e-6) and test.weights == plain.weights
    assert "refitted" not in test.note
    moved = mlm.lmm("mathach ~ cses + sector + (1 + cses | school)", table)
    with pytest.raises(ValueError, match="same model"):
        mlm.compare(moved, mlm.lmm("mathach ~ ses2 + C(low) + (1 + ses2 | school)", table))


def test_random_effects_coded_anew():
    """One variance for all is two correlated effects of two kinds of pupils that agree."""
    null = mlm.lmm("mathach ~ minority + (1 | school)", data("hsb"))
    full = mlm.lmm("mathach ~ minority + (0 + minority | school)", data("hsb"))
    usual = mlm.lmm("mathach ~ minority + (1 + minority | school)", data("hsb"))
    test = mlm.compare(null, full)
    assert test.statistic == pytest.approx(mlm.compare(null, usual).statistic, abs=1e-6)
    assert test.weights == {1: 0.5, 2: 0.5} and test.null == "2 fewer parameters of the random part"


def test_an_offset_is_a_coefficient_of_one():
    null = mlm.lmm("mathach ~ 1 + offset(2 * cses) + (1 | school)", data("hsb"), reml=False)
    test = mlm.compare(null, fit("hsb_ri_cses_ml"))
    assert test.null == "cses as in the offset" and test.distribution == "chi2(1)"
    assert test.statistic == pytest.approx(((fit("hsb_ri_cses_ml").params["cses"] - 2) / fit("hsb_ri_cses_ml").bse["cses"]) ** 2,
                                           rel=0.01)


def test_weighted_fits():
    table = data("hsb").assign(w=1.0 + np.arange(len(data("hsb"))) % 3)
    null, full = (mlm.lmm(f"mathach ~ cses + ({part} | school)", table, weights="w") for part in ("1", "1 + cses"))
    test = mlm.compare(null, full)
    assert test.weights == {1: 0.5, 2: 0.5}
    linear = mlm.ols("mathach ~ cses", table, weights="w")
    assert mlm.compare(linear, null).statistic == pytest.approx(null.lr_vs_linear().statistic, abs=1e-6)
    assert list(mlm.compare(linear, full).weights) == [0, 1, 2, 3]


def test_a_column_on_a_wild_scale():
    table = data("hsb").assign(far=lambda t: 1e6 * t["cses"] + 3e7)
    null, full = (mlm.lmm(f"mathach ~ far + ({part} | school)", table) for part in ("1", "1 + far"))
    plain = mlm.compare(fit("hsb_ri_cses_reml"), fit("hsb_rc_reml"))
    assert mlm.compare(null, full).statistic == pytest.approx(plain.statistic, abs=1e-5)
    one, other = mlm.compare(mlm.ols("mathach ~ far", table), full), mlm.compare(mlm.ols("mathach ~ cses", table), fit("hsb_rc_reml"))
    assert np.allclose(list(one.weights.values()), list(other.weights.values()), atol=1e-6)


def test_a_singular_full_model():
    """The variance is estimated as zero: statistic 0, p-value 1, though rounding may put either likelihood ahead."""
    test = mlm.compare(mlm.ols("Yield ~ 1", data("Dyestuff2")), fit("dyestuff2_reml"))
    assert test.statistic == 0 and test.pvalue == 1 and "chibar2(01) = 0.00, p = 1.000" in str(test)
    rng = np.random.default_rng(6)
    table = {"x": rng.normal(size=200), "g": np.repeat(np.arange(20), 10), "y": rng.normal(size=200)}
    null, full = mlm.lmm("y ~ x + (1 | g)", table), mlm.lmm("y ~ x + (1 | g) + (0 + x | g)", table)
    for _ in range(30):
        y = rng.normal(size=200) + rng.normal(size=20)[table["g"]]
        small, large = null.refit(y), full.refit(y)
        test = mlm.compare(small, large)
        assert test.statistic >= 0 and (test.statistic > 0 or test.pvalue == 1)
        if large.covariance_matrix().loc["x", "x"] == 0:
            assert test.statistic == 0
            return
    pytest.fail("no variance was estimated as zero")


def test_a_singular_null():
    """Its limit is the difference of two projections, which is drawn; method='bootstrap' is named as the check."""
    rng = np.random.default_rng(9)
    table = {"x": rng.normal(size=240), "w": rng.normal(size=240), "g": np.repeat(np.arange(30), 8)}
    while True:
        table["y"] = rng.normal(size=240) + rng.normal(size=30)[table["g"]]
        null = mlm.lmm("y ~ x + w + (1 + x || g)", table, reml=False)
        if null.is_singular:
            break
    apart, more = (mlm.lmm(f"y ~ x + w + (1 + x {bar} g)", table, reml=False) for bar in ("+ w ||", "+ w |"))
    one, two = mlm.compare(null, apart), mlm.compare(null, more)
    for test, df in ((one, 1), (two, 4)):
        assert test.weights is None and test.distribution == f"chi2({df}) at the boundary" and "singular" in test.note
        assert 0 < test.pvalue <= 1
    # the two variances hardly share information here: half of chi2(1), as if the null were inside
    if one.statistic > 0:
        assert one.pvalue == pytest.approx(chi2.sf(one.statistic, 1) / 2, rel=0.15)
    assert two.pvalue < chi2.sf(two.statistic, 4)


def test_a_lower_likelihood_of_the_larger_model_is_refused():
    null, full = fit("hsb_ri_cses_ml"), mlm.lmm("mathach ~ cses + (1 + cses | school)", data("hsb"), reml=False)
    full.__dict__["llf"] = null.llf - 0.1  # a search that stopped at a false optimum
    with pytest.raises(ValueError, match="stopped elsewhere"):
        mlm.compare(null, full)
    full.__dict__["llf"] = null.llf - 1e-7  # rounding
    assert mlm.compare(null, full).statistic == 0


def test_a_sequence():
    fits = [mlm.ols("mathach ~ cses", data("hsb")), fit("hsb_ri_cses_reml"), fit("hsb_rc_reml")]
    found = mlm.compare(*fits)
    assert found.table["df"].tolist()[1:] == [1, 2] and len(found) == 2
    assert found[1].statistic == mlm.compare(*fits[1:]).statistic
    assert "model 3 against model 2: LR test of var(cses) = 0" in str(found) and "<table" in found._repr_html_()
    more = mlm.compare(*fits, fit("hsb_minority_reml"), names=("none", "levels", "slopes", "minority"))
    assert str(more).count("refitted by maximum likelihood") == 1 and more.table.index.tolist()[-1] == "minority"
    assert more.table["loglik"].is_monotonic_increasing
    assert more[1].statistic == pytest.approx(mlm.compare(fit("hsb_ri_cses_ml"), fit("hsb_rc_ml")).statistic, abs=1e-7)
    with pytest.raises(AttributeError, match="immutable"):
        found.note = "x"


def test_two_linear_models():
    test = mlm.compare(mlm.ols("mathach ~ ses", data("hsb")), mlm.ols("mathach ~ ses * sector", data("hsb")))
    assert test.distribution == "chi2(2)" and test.statistic > 0


def test_read_aloud():
    test = mlm.compare(fit("hsb_ri_cses_reml"), fit("hsb_rc_reml"))
    assert str(test).splitlines()[-1] == (
        "LR test of var(cses) = 0, cov(Intercept, cses) = 0: 0.5 chi2(1) + 0.5 chi2(2) = 9.76, p = 0.005 (one-sided, because "
        "a variance cannot be negative; chi2(2) would give p = 0.008)")


@pytest.mark.parametrize("options, says", [
    ({"method": "wald"}, "not known"), ({"names": ("a",)}, "1 names for 2 models")])
def test_options(options, says):
    with pytest.raises(ValueError, match=says):
        mlm.compare(fit("hsb_ri_cses_ml"), fit("hsb_rc_ml"), **options)
    with pytest.raises(TypeError, match="does not know 'kind'"):
        mlm.compare(fit("hsb_ri_cses_ml"), fit("hsb_rc_ml"), kind="residual")


def test_parameters_that_the_data_say_nothing_of():
    """No school is both public and Catholic: the covariance of the two kinds is not to be seen."""
    full = mlm.lmm("mathach ~ sector + (0 + sector | school)", data("hsb"), reml=False)
    with pytest.raises(ValueError, match="no information"):
        full.lr_vs_linear(mixture=True)
    test = mlm.compare(mlm.lmm("mathach ~ sector + (1 | school)", data("hsb"), reml=False), full)
    assert test.weights is None and "too little information" in test.note
    assert full.lr_vs_linear().distribution == "chi2(3)"
