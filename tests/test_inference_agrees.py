"""One question asked of several functions has one answer; one parameter has one name; columns may have any name.

The data are those that people have: text labels of groups, missing predictors, a category of five, rows with labels.
"""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm

DDF = ("wald", "satterthwaite", "kenward-roger")


def rough(n=240):
    rng = np.random.default_rng(9)
    g = rng.integers(0, 24, n)
    table = pd.DataFrame({
        "clinic": [f"clinic {k}: North, x" for k in g], "age": rng.normal(50, 9, n), "sigma": rng.normal(size=n),
        "icc": rng.normal(size=n), "region": rng.choice(list("vwxyz"), n), "w": rng.uniform(0.5, 2, n),
        "grade": pd.Categorical(rng.choice(["low", "mid", "high"], n), ["low", "mid", "high"], ordered=True)},
        index=[f"r{k}" for k in rng.permutation(n)])  # fmt: skip
    table["y"] = rng.normal(size=24)[g] + 0.5 * table["sigma"] + 0.02 * table["age"] + rng.normal(size=n)
    table.loc[table.index[::17], "age"] = np.nan
    return table


ROUGH = rough()
FITS = {
    "reml": lambda: mlm.lmm("y ~ age + region + grade + (1 | clinic)", ROUGH),
    "ml": lambda: mlm.lmm("y ~ age + region + grade + (1 | clinic)", ROUGH, reml=False),
    "weights": lambda: mlm.lmm("y ~ age + region + grade + (1 + age | clinic)", ROUGH, weights="w"),
    "ols": lambda: mlm.ols("y ~ age + region + grade", ROUGH),
    "ols, ml": lambda: mlm.ols("y ~ age + region + grade", ROUGH, method="ml"),
}


@pytest.mark.parametrize("ddf", DDF)
@pytest.mark.parametrize("kind", FITS)
def test_a_coefficient_has_one_test_and_one_interval(kind, ddf):
    fit = FITS[kind]()
    table, ends = fit.coef_table(ddf=ddf), fit.conf_int(method=ddf)
    assert np.allclose(table[["lower", "upper"]], ends, rtol=1e-12)
    assert table.attrs.get("note") == ends.attrs.get("note")
    tests = [fit.test({name: 1}, ddf=ddf) for name in table.index]
    assert np.allclose([test.pvalue for test in tests], table["p"], rtol=1e-9)
    if "df" in table:
        assert np.allclose([test.df[1] for test in tests], table["df"], rtol=1e-12)
    by_name = fit.conf_int(of=[f"`{name}`" for name in table.index], method=ddf)
    assert np.allclose(by_name[["lower", "upper"]], ends, rtol=1e-6)  # a numerical gradient for "wald"


@pytest.mark.parametrize("ddf", DDF)
@pytest.mark.parametrize("kind", FITS)
def test_a_comparison_of_means_is_the_coefficient(kind, ddf):
    fit = FITS[kind]()
    rows = fit.coef_table(ddf=ddf).filter(like="region", axis=0)
    found = mlm.emmeans(fit, "region", ddf=ddf).contrast("trt.vs.ctrl", adjust="none").table
    for column in ("estimate", "se", "p", "lower", "upper", *(["df"] if "df" in rows else [])):
        assert np.allclose(found[column], rows[column], rtol=1e-8, atol=1e-12), column
    joint = mlm.emmeans(fit, "region", ddf=ddf).contrast("pairwise").joint_test()
    together = fit.test(", ".join(rows.index), ddf=ddf)
    term = fit.anova(ddf=ddf).tests["region"]
    for test in (together, term):
        # Satterthwaite's depends on the basis of the hypothesis, as in lmerTest
        close = 1e-3 if ddf == "satterthwaite" and fit.reml is not None else 1e-8
        assert np.allclose(np.atleast_1d(test.df), np.atleast_1d(joint.df), rtol=close)
        assert test.statistic == pytest.approx(joint.statistic, rel=1e-8)
        assert test.note == joint.note
    assert ("F tests" in fit.anova(ddf=ddf).title) == (kind == "ols" or kind == "ols, ml" and ddf != "wald")


@pytest.mark.parametrize("formula", ["y ~ age + (1 + age | clinic)", "y ~ sigma + icc + (1 + sigma | clinic)"])
def test_parameters_have_the_same_names_everywhere(formula):
    fit = mlm.lmm(formula, ROUGH)
    names = fit.conf_int(which="all").index.tolist()
    assert len(set(names)) == len(names)
    assert fit.conf_int(which="all", method="profile").index.tolist() == names
    boot = fit.bootstrap(20)
    assert list(boot.names) == names and boot.table.index.tolist() == names
    assert mlm.influence(fit).original.index.tolist() == names
    assert list(fit.profile(names[-1]).names) == names[-1:]


def test_columns_called_sigma_and_icc_are_not_taken_for_parameters():
    fit = mlm.lmm("y ~ sigma + icc + (1 | clinic)", ROUGH)
    plain = mlm.lmm("y ~ s + i + (1 | clinic)", ROUGH.rename(columns={"sigma": "s", "icc": "i"}))
    for method in ("wald", "profile", "bootstrap"):
        options = {"n": 30} if method == "bootstrap" else {}
        ours, theirs = (f.conf_int(method=method, which="all", **options) for f in (fit, plain))
        assert np.allclose(ours, theirs, rtol=1e-8)
        assert ours.index[-1] == "sd(Residual)" and theirs.index[-1] == "sigma"
        shares = [mlm.icc(f, method=method, **options) for f in (fit, plain)]
        assert shares[0].lower == pytest.approx(shares[1].lower) and shares[0].upper == pytest.approx(shares[1].upper)
        ours, theirs = (f.conf_int(of=of, method=method, **options) for f, of in ((fit, "ICC"), (plain, "icc")))
        assert np.allclose(ours, theirs)
    ratios = [f.conf_int(of=of) for f, of in ((fit, "icc / `sd(Residual)`"), (plain, "i / sigma"))]
    assert np.allclose(*ratios)
    assert fit.conf_int(of="icc").iloc[0, 0] == pytest.approx(fit.params["icc"])
    linear = mlm.ols("y ~ sigma", ROUGH)
    assert list(linear.bootstrap(20, kind="residual").names) == ["Intercept", "sigma", "sd(Residual)"]


def flat():
    """A fit with a correlation of one, whose profile lies flat where the slope no longer varies."""
    fit = mlm.lmm("y ~ sigma + icc + (1 + sigma | clinic)", ROUGH, reml=False)
    return fit if fit.is_singular else None


def test_no_wald_interval_of_the_icc_of_a_singular_fit():
    groups = ROUGH.groupby("clinic")["y"].transform("mean")
    fit = mlm.lmm("y0 ~ 1 + (1 | clinic)", ROUGH.assign(y0=ROUGH["y"] - groups))
    for one in filter(None, (fit, flat())):
        table, share = one.conf_int(of={"ICC": "ICC" if "icc" in one.params else "icc"}), mlm.icc(one)
        assert np.isnan([share.lower, share.upper, *table[["lower", "upper"]].iloc[0]]).all()
        assert "boundary" in table.attrs["note"]


def test_pairs_of_a_profile_that_lies_flat():
    from mlmlib.plots.profile import _rising
    zeta = np.array([-3.0, -3.0 - 1e-14, -3.0, -1.0, 0.0, 2.0, 2.0])
    assert np.flatnonzero(_rising(zeta)).tolist() == [2, 3, 4, 5]
    axes = flat().profile(["sd(clinic: Intercept)", "corr(clinic: Intercept, sigma)"]).plot_pairs()
    assert axes.shape == (2, 2)


def test_a_category_named_for_its_coefficient_is_told_apart():
    fit = FITS["reml"]()
    for ask in (lambda: fit.test("region = 0"), lambda: fit.wald_test("region"), lambda: fit.conf_int(of="region"),
                lambda: mlm.slope(fit, "region"), lambda: mlm.crossing(fit, "age", "region")):  # fmt: skip
        with pytest.raises(ValueError, match=r"'region': it is a category, with region\[T.w\], region\[T.x\]"):
            ask()
    with pytest.raises(ValueError, match="Did you mean 'age'"):
        mlm.slope(fit, "agee")
    with pytest.raises(ValueError, match="no interaction of 'age' with"):
        mlm.crossing(fit, "age", "region[T.w]")
    with pytest.raises(ValueError, match="no random effects: use 'wald'"):
        FITS["ols"]().conf_int(method="profile")


@pytest.mark.parametrize("covariance", ["exchangeable", "identity", "independent"])
def test_equal_parameters_are_one_row_everywhere(covariance):
    fit = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", mlm.load("sleepstudy"), covariance=covariance)
    ours, found = fit.conf_int(which="all"), mlm.influence(fit)
    assert found.original.index.tolist() == ours.index.tolist() == list(fit.bootstrap(20).names)
    assert np.allclose(found.original.iloc[2:], fit.bootstrap(20).estimates.iloc[2:], rtol=1e-8)
    assert found.rvc.shape == (18, len(ours) - 2)


def test_levels_and_numbers_of_draws_are_checked_everywhere():
    fit = mlm.lmm("Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy"))
    for ask in (fit.margins, fit.conf_int, fit.coef_table, fit.random_table, lambda level: mlm.icc(fit, level),
                lambda level: mlm.emmeans(fit, level=level), fit.bootstrap(20).conf_int):  # fmt: skip
        with pytest.raises(ValueError, match="level=95 must lie between 0 and 1"):
            ask(level=95)
    for n in (0, 2.5):
        for ask in (lambda n: mlm.exact_rlrt(fit, n=n), lambda n: fit.bootstrap(n=n)):
            with pytest.raises(ValueError, match=f"n={n} must be a whole number of"):
                ask(n)
    larger = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", mlm.load("sleepstudy"))
    with pytest.raises(ValueError, match="The larger model comes first, exact_rlrt"):
        mlm.exact_rlrt(fit, larger)
