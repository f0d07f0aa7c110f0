"""ICC, design effect, reliability and centering, against published values, R, and formulas done another way."""

from __future__ import annotations

import json
import tomllib

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from digits import agrees, rounds_to
from mlmlib import clustering, simulate
from models import REFERENCE

STATA = tomllib.loads((REFERENCE / "stata_math.toml").read_text(encoding="utf-8"))["model"]
WITH_ICC = [model for model in STATA if "icc" in model]


@pytest.fixture(scope="module")
def math():
    return mlm.load("math")


@pytest.fixture(scope="module")
def slopes(math):
    return mlm.lmm("math ~ homework + (homework | schid)", math)


# ---- icc


@pytest.mark.parametrize("model", WITH_ICC, ids=[model["id"] for model in WITH_ICC])
def test_icc_is_the_published_one(model, math):
    rho = mlm.icc(mlm.lmm(model["formula"], math, reml=False))
    published = model["icc"]
    found = [rho.estimate, rho.se, rho.lower, rho.upper]
    printed = [published["estimate"], published["se"], *published["ci95"]]
    assert all(agrees(ours, theirs, variance=True) for ours, theirs in zip(found, printed))
    assert rho.kind == ("unconditional" if model["id"] == "null" else "residual") and rho.group == "schid"


@pytest.mark.parametrize("reml", [False, True])
@pytest.mark.parametrize(
    ("name", "data", "formula"),
    [
        ("hsb_null", "hsb", "mathach ~ 1 + (1 | school)"),
        ("imm_null", "math", "math ~ 1 + (1 | schid)"),
        ("imm_hw_ri", "math", "math ~ homework + (1 | schid)"),
    ],
)
def test_icc_is_that_of_r(name, data, formula, reml):
    path = REFERENCE / "r" / f"icc_{name}_{'reml' if reml else 'ml'}.json"
    wanted = json.loads(path.read_text(encoding="utf-8"))["results"]
    rho = mlm.icc(mlm.lmm(formula, mlm.load(data), reml=reml))
    ours = [rho.estimate, rho.se, rho.lower, rho.upper, rho.between, rho.within]
    theirs = [wanted["icc"], wanted["se"], *wanted["ci_logit"], wanted["var_u"], wanted["var_e"]]
    assert ours == pytest.approx(theirs, rel=5e-6)


def test_icc_of_random_slopes_is_at_a_stated_x(slopes):
    T, within = slopes.covariance_matrix().to_numpy(), slopes.sigma**2
    for x in (0.0, 2.0, 5.0):
        z = np.array([1.0, x])
        rho = mlm.icc(slopes, at={"homework": x})
        assert rho.estimate == pytest.approx(z @ T @ z / (z @ T @ z + within))
        assert rho.at == {"homework": x} and f"homework = {x:g}" in str(rho)
    assert mlm.icc(slopes) == mlm.icc(slopes, at={"homework": 0})


def test_icc_of_random_slopes_does_not_depend_on_the_origin(math, slopes):
    moved = mlm.lmm("math ~ hw2 + (hw2 | schid)", math.assign(hw2=math["homework"] - 2))
    one, other = mlm.icc(slopes, at={"homework": 2}), mlm.icc(moved)
    assert [one.estimate, one.se, one.lower] == pytest.approx([other.estimate, other.se, other.lower], rel=1e-5)


def test_icc_level_and_float(math):
    fit = mlm.lmm("math ~ 1 + (1 | schid)", math)
    wide, narrow = mlm.icc(fit, level=0.99), mlm.icc(fit, level=0.5)
    assert wide.lower < narrow.lower < float(wide) < narrow.upper < wide.upper


def test_icc_of_a_singular_fit_says_so():
    data = simulate.two_level(20, 10, seed=3)
    data["y"] -= data.groupby("group")["y"].transform("mean")
    rho = mlm.icc(mlm.lmm("y ~ 1 + (1 | group)", data))
    assert rho.estimate == pytest.approx(0, abs=1e-8) and np.isnan(rho.se) and "singular" in str(rho)


def test_icc_refuses_what_it_cannot_answer(math, slopes):
    with pytest.raises(mlm.DataError, match="random term"):
        mlm.icc(mlm.ols("math ~ homework", math))
    with pytest.raises(mlm.DataError, match="'ses'.*Slopes that vary: homework"):
        mlm.icc(slopes, at={"ses": 1})
    with pytest.raises(mlm.DataError, match="no grouping factor 'school'"):
        mlm.icc(slopes, group="school")


def test_results_print_and_do_not_change(slopes):
    for result in (mlm.icc(slopes), mlm.design_effect(0.1, 25), mlm.reliability(slopes)):
        assert "\n" in repr(result) and result._repr_html_().startswith("<div")
        with pytest.raises(AttributeError):
            result.icc = 1


def test_icc_from_variances():
    assert float(clustering.icc_from_variances(8.61, 39.15)) == pytest.approx(8.61 / 47.76)
    with pytest.raises(mlm.DataError, match="negative"):
        clustering.icc_from_variances(-1, 2)


def test_icc_anova_equals_reml_when_groups_are_equal():
    data = simulate.intervention(effect=0, seed=5)
    by_hand = clustering.icc_anova(data["score"], data["school"])
    model = mlm.icc(mlm.lmm("score ~ 1 + (1 | school)", data))
    assert by_hand.estimate == pytest.approx(model.estimate, abs=1e-6)
    assert by_hand.lower < by_hand.estimate < by_hand.upper and not by_hand.note


def test_icc_anova_interval_covers():
    rng, hits = np.random.default_rng(8), 0
    for _ in range(400):
        y = rng.standard_normal((12, 8)) * np.sqrt(0.8) + rng.standard_normal((12, 1)) * np.sqrt(0.2)
        rho = clustering.icc_anova(y.ravel(), np.repeat(np.arange(12), 8), level=0.9)
        hits += rho.lower < 0.2 < rho.upper
    assert 0.86 < hits / 400 < 0.94


# ---- design effect


def test_design_effect_of_the_claim():
    d = mlm.design_effect(0.10, 25)
    assert (d.deff, d.deft, d.n_eff / d.n) == pytest.approx((3.4, 1.8439, 0.2941), abs=1e-4)
    assert mlm.design_effect(0.05, 50).deff == pytest.approx(3.45)
    assert mlm.design_effect(0.1, 25, groups=40).n_eff == pytest.approx(1000 / 3.4)


def test_design_effect_of_unequal_sizes_is_that_of_the_mean():
    sizes, rho = np.array([3, 10, 40]), 0.2
    groups = np.repeat(np.arange(3), sizes)
    V = (1 - rho) * np.eye(53) + rho * (groups[:, None] == groups[None])
    exact = V.sum() / 53**2 * 53  # variance of the mean over that of independent rows
    assert mlm.design_effect(rho, sizes).deff == pytest.approx(exact)


def test_design_effect_from_a_fit(math):
    fit = mlm.lmm("math ~ 1 + (1 | schid)", math)
    d = mlm.design_effect(fit)
    sizes = math.groupby("schid").size()
    assert d.deff == pytest.approx(1 + ((sizes**2).sum() / sizes.sum() - 1) * mlm.icc(fit).estimate)
    assert d.n == 519 and mlm.design_effect(mlm.icc(fit), sizes).deff == pytest.approx(d.deff)


@pytest.mark.parametrize(
    ("args", "words"), [((15, 20), "percentage"), ((0.1,), "how large"), ((0.1, 0), "at least one")]
)
def test_design_effect_refuses(args, words):
    with pytest.raises(mlm.DataError, match=words):
        mlm.design_effect(*args)


# ---- reliability


def test_reliability_is_the_formula_and_the_shrinkage(math):
    fit = mlm.lmm("math ~ 1 + (1 | schid)", math)
    r = mlm.reliability(fit)
    rho = mlm.icc(fit)
    sizes = math.groupby("schid").size()
    assert np.allclose(r.table["Intercept"], rho.between / (rho.between + rho.within / sizes))
    raw = math.groupby("schid")["math"].mean() - fit.params["Intercept"]
    assert np.allclose(fit.random_effects["schid"]["Intercept"] / raw, r.table["Intercept"])
    assert r.mean["Intercept"] == pytest.approx(r.table["Intercept"].mean()) and (r.table["n"] == sizes).all()


def test_reliability_of_slopes_is_that_of_separate_regressions(math, slopes):
    r = mlm.reliability(slopes)
    T = slopes.covariance_matrix().to_numpy()
    for school, part in math.groupby("schid"):
        X = np.column_stack([np.ones(len(part)), part["homework"]])
        noise = slopes.sigma**2 * np.diag(np.linalg.inv(X.T @ X))
        assert np.allclose(r.table.loc[school, ["Intercept", "homework"]], np.diag(T) / (np.diag(T) + noise))


def test_reliability_leaves_out_groups_without_a_slope(math):
    part = math[(math["schid"] != 6053) | (math["homework"] == 1)]
    r = mlm.reliability(mlm.lmm("math ~ homework + (homework | schid)", part))
    assert r.table.loc[6053, ["Intercept", "homework"]].isna().all() and "1 groups" in str(r)


# ---- centering


def test_center():
    hsb = mlm.load("hsb")
    assert np.abs(mlm.center(hsb, "ses", groups="school") - hsb["cses"]).max() < 1e-12
    grand = mlm.center(hsb, ["ses", "mathach"])
    assert list(grand) == ["ses", "mathach"] and np.abs(grand.mean()).max() < 1e-12
    level2 = mlm.center(hsb, "mean_ses", groups="school", how="grand")
    assert abs(level2.groupby(hsb["school"]).first().mean()) < 1e-12 < abs(level2.mean())


def test_center_keeps_the_index_and_missing_values():
    df = pd.DataFrame({"x": [1.0, None, 3.0, 7.0], "g": ["a", "a", "a", "b"]}, index=list("wxyz"))
    out = mlm.center(df, "x", groups="g")
    assert out.index.tolist() == list("wxyz") and out.iloc[[0, 2, 3]].tolist() == [-1, 1, 0] and np.isnan(out["x"])


def test_within_between_gives_the_published_disaggregated_model(math):
    split = mlm.within_between(math, "homework", groups="schid")
    assert list(split.columns) == [*math.columns, "homework_between", "homework_within"]
    published = next(model for model in STATA if model["id"] == "disaggregated")
    fit = mlm.lmm("math ~ homework_between + homework_within + (1 | schid)", split, reml=False)
    for ours, theirs in (("homework_between", "HWb"), ("homework_within", "HWw"), ("Intercept", "_cons")):
        assert rounds_to(fit.params[ours], published["coef"][theirs])
        assert agrees(fit.bse[ours], published["se"][theirs], variance=True)
    assert rounds_to(fit.llf, published["loglik"])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda d: mlm.center(d, "x"), "no column 'x'"),
        (lambda d: mlm.center(d, "schtype"), "not numbers"),
        (lambda d: mlm.center(d, "ses", how="group"), "needs the groups"),
        (lambda d: mlm.center(d, "ses", how="median"), "'grand' or 'group'"),
        (lambda d: mlm.center(d, "ses", groups="schid", how="grand"), "differs within 'schid'"),
        (lambda d: mlm.within_between(d, "ses", groups="school"), "no column 'school'"),
    ],
)
def test_centering_refuses(call, words, math):
    with pytest.raises(mlm.DataError, match=words):
        call(math)


def test_icc_of_nested_factors_is_the_correlation_of_two_rows():
    fit = mlm.lmm("strength ~ 1 + (1 | batch/cask)", mlm.load("pastes"))
    batch, cask, noise = fit.variance_components["variance"]
    whole = batch + cask + noise
    outer, inner = (mlm.icc(fit, group=group) for group in ("batch", "batch:cask"))
    assert outer.estimate == pytest.approx(batch / whole) and outer.share == outer.estimate
    assert inner.estimate == pytest.approx((batch + cask) / whole)
    assert inner.share == pytest.approx(cask / whole) and "share batch too" in str(inner)
    crossed = mlm.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", mlm.load("penicillin"))
    plate = mlm.icc(crossed, group="plate")
    assert plate.estimate == plate.share and not plate.note
