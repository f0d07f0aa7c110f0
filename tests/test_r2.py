"""Explained variance against R's `performance`, the published vignette, Raudenbush and Bryk, and sums done by hand."""
import numpy as np
import pytest

import mlmlib as mlm
from mlmlib.errors import DataError
from mlmlib.lmm.reduced import null_model, random_intercepts
from mlmlib.published.trap import on_boundary
from models import data, fit, published, reference

NAMES = ["hsb_null", "hsb_rc", "hsb_iso", "imm_hw_ri", "imm_hw_rs", "sleepstudy_corr", "sleepstudy_ri"]


@pytest.mark.parametrize("name", NAMES)
def test_nakagawa_as_r_performance(name):
    want, got = reference(f"r2_{name}"), mlm.r2(fit(f"{name}_reml"))
    pairs = [(got.marginal, want["r2"]["R2_marginal"]), (got.conditional, want["r2"]["R2_conditional"]),
             (got.var_fixed, want["variances"]["var.fixed"]), (got.var_random, want["variances"]["var.random"]),
             (got.var_residual, want["variances"]["var.residual"])]
    for ours, theirs in pairs:
        assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-12)


def test_level_1_variance_explained_of_the_vignette():
    model = next(m for m in published("lme4_hsb")["model"] if "level1_variance_explained" in m)
    claim = model["level1_variance_explained"]
    assert claim["relative_to"] == "random-coefficient"
    before, best = fit("hsb_rc_reml"), fit("hsb_minority_reml")
    trapped = mlm.proportional_reduction(before, on_boundary(best, "cses"))["Residual"]
    assert trapped == pytest.approx(float(claim["value"]), abs=1.5e-4)  # published at a false optimum
    assert mlm.proportional_reduction(before, best)["Residual"] == pytest.approx(1 - 35.6788 / 36.7002, abs=1e-5)


def test_raudenbush_and_bryk():
    """Chapter 4 of their book: 69 % of tau_00 by mean SES, 6 % of sigma^2 by SES."""
    assert mlm.r2(fit("hsb_meanses_reml")).reduction["school"] == pytest.approx(0.69, abs=0.005)
    assert mlm.proportional_reduction(fit("hsb_null_reml"), fit("hsb_rc_reml"))["Residual"] == pytest.approx(0.063, abs=0.0005)
    gain = mlm.proportional_reduction(fit("hsb_rc_reml"), fit("hsb_iso_reml"))
    before, after = fit("hsb_rc_reml").covariance_matrix(), fit("hsb_iso_reml").covariance_matrix()
    assert gain["school", "cses"] == pytest.approx(1 - after.loc["cses", "cses"] / before.loc["cses", "cses"], rel=1e-12)
    assert gain.table["reduction"].tolist() == [gain["school", "Intercept"], gain["school", "cses"], gain["Residual"]]


def test_negative_reduction_says_why():
    gain = mlm.r2(fit("hsb_ri_cses_reml")).reduction
    assert gain["school"] < 0 < gain["Residual"]
    assert "Negative (var(Intercept))" in str(gain) and "estimated anew" in gain._repr_html_()
    assert not mlm.r2(fit("hsb_meanses_reml")).reduction.notes


def test_snijders_and_bosker_by_hand():
    full, null = fit("imm_hw_ri_ml"), fit("imm_null_ml")
    sizes = data("math").groupby("schid").size()
    n = len(sizes) / (1 / sizes).sum()
    (t, s), (t0, s0) = (f.variance_components["variance"] for f in (full, null))
    got = mlm.r2(full)
    assert got.size == pytest.approx(n)
    assert got.level1 == pytest.approx(1 - (s + t) / (s0 + t0), rel=1e-8)
    assert got.level2 == pytest.approx(1 - (s / n + t) / (s0 / n + t0), rel=1e-8)
    given = mlm.r2(full, null)
    assert (given.level1, given.level2) == pytest.approx((got.level1, got.level2), rel=1e-7)


def test_random_slopes_by_refit_or_average():
    sloped = fit("imm_hw_rs_ml")
    refitted = mlm.r2(sloped)
    assert refitted.level1 == pytest.approx(mlm.r2(fit("imm_hw_ri_ml")).level1, rel=1e-7)
    assert "random intercepts alone" in str(refitted)
    null, T = null_model(sloped), sloped.covariance_matrix().to_numpy()
    Z = np.column_stack([np.ones(519), data("math")["homework"]])
    whole = np.einsum("ij,jk,ik->i", Z, T, Z).mean() + sloped.sigma ** 2
    average = mlm.r2(sloped, slopes="average")
    assert average.level1 == pytest.approx(1 - whole / (null.sigma ** 2 + null.covariance_matrix().iloc[0, 0]), rel=1e-9)
    same = mlm.r2(fit("imm_hw_ri_ml"), slopes="average")  # without slopes the two rules are one
    assert (same.level1, same.level2) == pytest.approx((mlm.r2(fit("imm_hw_ri_ml")).level1, mlm.r2(fit("imm_hw_ri_ml")).level2))


def test_reduced_models_use_the_rows_of_the_fit():
    table = data("math").copy()
    table.loc[:30, "homework"] = np.nan
    full = mlm.lmm("math ~ homework + (1 + homework | schid)", table, reml=False)
    by_hand = mlm.lmm("math ~ 1 + (1 | schid)", table.dropna(), reml=False)
    assert null_model(full).criterion == pytest.approx(by_hand.criterion, abs=1e-7)
    again = mlm.lmm(random_intercepts(full).formula, table, reml=False)
    assert random_intercepts(full).criterion == pytest.approx(again.criterion, abs=1e-7)
    with pytest.raises(DataError, match="same outcome and rows"):
        mlm.r2(full, fit("imm_null_ml"))
    with pytest.raises(DataError, match="same reml"):
        mlm.r2(fit("imm_hw_ri_ml"), fit("imm_null_reml"))


def test_linear_model():
    linear = mlm.ols("math ~ homework", data("math"))
    assert float(mlm.r2(linear)) == linear.rsquared
    assert "adjusted" in str(mlm.r2(linear))
    with pytest.raises(DataError, match="random term"):
        mlm.proportional_reduction(linear, linear)


def test_printed():
    got = mlm.r2(fit("hsb_iso_reml"))
    text, html = str(got), got._repr_html_()
    for name in ("Nakagawa", "Snijders", "Raudenbush", "18.0 %", "23.0 %"):
        assert name.replace("&", "&amp;") in html and name in text
