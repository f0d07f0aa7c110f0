"""Calls that ended in an error of Python's own, or in a number that means something else, and what they say now."""

from __future__ import annotations

import pytest

import mlmlib as mlm

SLEEP = mlm.load("sleepstudy")
AR1 = {"correlation": mlm.ar1("Days", group="Subject")}


@pytest.mark.parametrize("code, says", [
    ("lmer()", "The call has no formula"), ("lm()", "The call has no formula"), ("glmer()", "The call has no formula"),
    ("clmm(data = df)", "The call has no formula"), ("gls(data = df)", "The call has no formula"),
    ("geeglm(id = g, data = df)", "The call has no formula"), ('plm(index = "g")', "The call has no formula"),
    ("mixed y x || g:, residuals(unstructured)", r"residuals\(unstructured\) needs the column of times"),
    ("mixed y x || g:, residuals(exponential)", r"residuals\(exponential\) needs the column of times"),
    ("gls(y ~ x, df, correlation = corCAR1(form = ~ 1 | g))", "corCAR1 needs the times"),
    ("feols(data = df)", "The call has no formula"), ("xtgee y x, family(binomial) i()", "xtgee needs xtset before it"),
])
def test_code_without_what_a_model_needs(code, says):
    with pytest.raises(ValueError, match=says):
        mlm.translate(code, "mlmlib")


def test_an_empty_option_of_stata_is_none():
    assert mlm.translate("xtset g\nxtreg y x, fe vce()", "mlmlib") == mlm.translate("xtset g\nxtreg y x, fe", "mlmlib")


@pytest.mark.parametrize("null", [None, "plain", "correlated"])
def test_no_exact_test_where_residuals_are_correlated(null):
    """The correlation is estimated anew under the null, so the known distribution is not that of this ratio."""
    fit = mlm.lmm("Reaction ~ Days + (1 | Subject)", SLEEP, **AR1)
    nulls = {None: lambda: None, "plain": lambda: mlm.lmm("Reaction ~ Days + (1 | Subject)", SLEEP),
             "correlated": lambda: mlm.gls("Reaction ~ Days", SLEEP, **AR1)}
    for test in (mlm.exact_rlrt, mlm.exact_lrt):
        with pytest.raises(ValueError, match=r"independent with equal variance so far; this one has correlation: AR\(1\)"):
            test(fit, nulls[null]())


def test_no_exact_test_of_a_model_without_random_effects():
    with pytest.raises(ValueError, match="independent with equal variance"):
        mlm.exact_rlrt(mlm.gls("Reaction ~ Days", SLEEP, **AR1))


@pytest.fixture(scope="module")
def robust():
    return mlm.robust(mlm.ols("Reaction ~ Days", SLEEP), "Subject")


def test_a_robust_fit_takes_the_words_of_other_fits(robust):
    """``method=`` and ``ddf=`` stand in the signature of every result: what a robust fit cannot do it says."""
    assert robust.conf_int(method="satterthwaite").equals(robust.conf_int())
    assert robust.test("Days = 0", ddf="satterthwaite").pvalue == robust.test("Days = 0").pvalue
    for ask in (lambda: robust.conf_int(method="profile"), lambda: robust.conf_int(of="Days / 2"), lambda: robust.conf_int(which="all")):
        with pytest.raises(ValueError, match=r"others are the model's: fit\.fit\.conf_int"):
            ask()
    for ask in (lambda: robust.test("Days = 0", ddf="kenward-roger"), lambda: robust.anova(ddf="kenward-roger"),
                lambda: robust.coef_table(ddf="kenward-roger")):
        with pytest.raises(ValueError, match="a robust fit has its own"):
            ask()


def test_gee_translates_with_the_words_of_other_fits():
    fit = mlm.gee("Reaction ~ Days", SLEEP, groups="Subject")
    assert fit.translate("geepack", ddf="wald") == fit.translate("geepack")
    with pytest.raises(ValueError, match="GEE has ddf='wald'"):
        fit.translate("geepack", ddf="satterthwaite")


CONSTANT = {"y": [1.0, 2.0, 3.0, 4.0], "x": [1.0] * 4, "g": list("aabb")}


def test_a_picture_of_points_without_a_line():
    pd, plt = pytest.importorskip("pandas"), pytest.importorskip("matplotlib.pyplot")
    data = pd.DataFrame(CONSTANT)
    for ask, says in ((lambda: mlm.plots.scatter(data, "x", "y"), "'x' is the same in all rows"),
                      (lambda: mlm.plots.small_multiples(data, "x", "y", "g"), "'x' is the same in all rows"),
                      (lambda: mlm.plots.spaghetti(data, "x", "y", "g"), "'x' varies within none of the groups of 'g'")):
        with pytest.raises(ValueError, match=says):
            ask()
    axes = mlm.plots.scatter(data, "x", "y", line=False)
    assert len(axes.lines) + len(axes.collections) == 1
    plt.close("all")
