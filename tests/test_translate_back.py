"""Code of other programs as calls of mlmlib: what it comes to, what is said beside it, and a clear refusal of what cannot be read."""

import numpy as np
import pytest

import mlmlib as mlm
from mlmlib.report import translate
from mlmlib.report.translate import read

READ = {  # code: the call, by the manuals of the programs
    # lme4, stats
    "lmer(y ~ x + (1 | g), d, REML = F)": 'lmm("y ~ x + (1 | g)", df, reml=False)',
    "lm(y ~ as.factor(a) + x^2, data = d)": 'ols("y ~ C(a) + x ** 2", df)',
    # nlme
    "lme(y ~ x, random = ~ x - 1 | g, data = d)": 'lmm("y ~ x + (0 + x | g)", df)',
    "lme(y ~ x, random = list(g = pdBlocked(list(~ 1, ~ x - 1))), data = d)": 'lmm("y ~ x + (1 | g) + (0 + x | g)", df)',
    "lme(y ~ x, random = list(a = pdCompSymm(~ x), b = pdIdent(~ x)), data = d)":
        'lmm("y ~ x + (x | a) + (x | a:b)", df, covariance={"a": "exchangeable", "a:b": "identity"})',
    "lme(y ~ x, random = list(g = pdCompSymm(~ x)), data = d)": 'lmm("y ~ x + (x | g)", df, covariance="exchangeable")',
    "d$all <- factor(1)\nlme(y ~ x, random = list(all = pdBlocked(list(pdIdent(~ factor(a) - 1), pdIdent(~ b:x - 1)))), data = d)":
        'lmm("y ~ x + (1 | a) + (0 + x | b)", df)',
    "gls(y ~ x, d)": 'ols("y ~ x", df)',
    'gls(y ~ x, d, method = "ML")': 'ols("y ~ x", df, method="ml")',
    "gls(y ~ x, d, correlation = corARMA(form = ~ t | g, p = 1))": 'gls("y ~ x", df, correlation=mlm.ar1("t", group="g"))',
    "gls(y ~ x, d, correlation = corARMA(form = ~ t | g, p = 1, q = 1))": 'gls("y ~ x", df, correlation=mlm.arma11("t", group="g"))',
    "gls(y ~ x, d, weights = varComb(varIdent(form = ~ 1 | s), varPower(form = ~ x)))":
        'gls("y ~ x", df, variance=[mlm.by_group("s"), mlm.power_of("x")])',
    "gls(y ~ x, d, weights = varExp(form = ~ x))": 'gls("y ~ x", df, variance=mlm.exponential_of("x"))',
    # glmer, glmmTMB, clmm
    "glmer(y ~ x + (1 | g), d, family = poisson, offset = log(t))": 'glmm("y ~ x + (1 | g)", df, family="poisson", exposure="t")',
    "glmer(y ~ x + (1 | g), d, poisson, offset = t)": 'glmm("y ~ x + (1 | g)", df, family="poisson", offset="t")',
    "glmer(y ~ x + (x | g), d, poisson, offset = log(t) + z)": 'glmm("y ~ x + (x | g) + offset(log(t) + z)", df, family="poisson")',
    "glmer(y ~ x + (1 | g), d, inverse.gaussian(link = '1/mu^2'))":
        'glmm("y ~ x + (1 | g)", df, family="inverse-gaussian", link="inverse-squared")',
    "glmer(y ~ x + (1 | g), d, MASS::negative.binomial(theta = 1))": 'glmm("y ~ x + (1 | g)", df, family="geometric")',
    "glmer(cbind(y, 20 - y) ~ x + (1 | g), d, binomial('probit'), nAGQ = 5L)":
        'glmm("y ~ x + (1 | g)", df, family="binomial", link="probit", method="agq", nodes=5, trials=20)',
    "glmmTMB(y ~ x + us(1 + x | g), d, REML = TRUE)": 'lmm("y ~ x + (1 + x | g)", df)',
    "glmmTMB(y ~ x + diag(1 + x | g), d, gaussian(link = 'log'))": 'glmm("y ~ x + (1 + x || g)", df, family="gaussian", link="log")',
    # "~. sets the zero-inflation formula identical to the right-hand side of formula"; an offset is dropped
    "glmmTMB(y ~ x + offset(log(t)) + (1 | g), d, poisson, ziformula = ~ .)":
        'glmm("y ~ x + (1 | g)", df, family="zip", exposure="t", zero="~ x + (1 | g)")',
    "glmmTMB(y ~ x + (1 | g), d, truncated_nbinom1, ziformula = ~ 1)": 'glmm("y ~ x + (1 | g)", df, family="hurdle-nbinom1")',
    "clmm(factor(y, ordered = TRUE) ~ x + (1 | g), d, link = 'probit', weights = d$w)":
        'glmm("y ~ x + (1 | g)", df, family="ordinal", link="probit", weights="w")',
    # geepack
    "geeglm(y ~ x, id = d$g, data = d, scale.fix = TRUE, scale.value = 2)": 'gee("y ~ x", df, groups="g", corr="independence", scale=2.0)',
    "geeglm(y ~ x, id = g, data = d, family = Gamma, corstr = 'ar1', waves = t)":
        'gee("y ~ x", df, groups="g", family="gamma", link="inverse", corr="ar1", time="t")',
    "geeglm(y ~ x, id = g, family = poisson, data = d, offset = log(t) + z)":
        'gee("y ~ x + offset(log(t) + z)", df, groups="g", family="poisson", corr="independence")',
    # Stata
    "regress y x, noconstant": 'ols("y ~ 0 + x", df)',
    "mixed y x || g: x, covariance(identity)": 'lmm("y ~ x + (1 + x | g)", df, reml=False, covariance="identity")',
    "mixed y x || g:, noconstant residuals(exchangeable)": 'gls("y ~ x", df, reml=False, correlation=mlm.cs(group="g"))',
    "mixed y x || g:, residuals(independent, by(s))": 'lmm("y ~ x + (1 | g)", df, reml=False, variance=mlm.by_group("s"))',
    "mixed y x || _all: R.item || id:": 'lmm("y ~ x + (1 | item) + (1 | id)", df, reml=False)',
    "egen ab = group(a b)\nmixed y x || a: || ab:": 'lmm("y ~ x + (1 | a) + (1 | a:b)", df, reml=False)',
    "generate ly = ln(y)\nmeglm ly x || g:, intmethod(laplace)": 'glmm("log(y) ~ x + (1 | g)", df, family="gaussian")',
    "mepoisson y, noconstant || g:, laplace": 'glmm("y ~ 0 + (1 | g)", df, family="poisson")',
    "generate o = ln(t) + z\nmepoisson y x, offset(o) || g:, intpoints(1)":
        'glmm("y ~ x + offset(log(t)) + offset(z) + (1 | g)", df, family="poisson")',
    "mepoisson y x, offset(lt) || g:, intpoints(1)": 'glmm("y ~ x + offset(lt) + (1 | g)", df, family="poisson")',
    "menbreg y x, e(t) || g:, dispersion(constant) intm(lap)": 'glmm("y ~ x + (1 | g)", df, family="nbinom1", exposure="t")',
    "meglm y x || g:, family(nbinomial const) laplace": 'glmm("y ~ x + (1 | g)", df, family="nbinom1")',
    "meglm y x || g:, family(nbinomial mean) laplace": 'glmm("y ~ x + (1 | g)", df, family="nbinom2")',
    "meglm y x || g:, fam(binomial 10) laplace": 'glmm("y ~ x + (1 | g)", df, family="binomial", trials=10)',
    "melogit y x || a: x, cov(ident) || b: x, cov(exch)":
        'glmm("y ~ x + (1 + x | a) + (1 + x | a:b)", df, family="binomial", covariance={"a": "identity", "a:b": "exchangeable"})',
    "xtset g\nxtgee y x, family(poisson) e(n)": 'gee("y ~ x", df, groups="g", family="poisson", cov="model", exposure="n", scale=1.0)',
    "xtset g\nxtgee y x, family(nbinomial) robust": 'gee("y ~ x", df, groups="g", family="nbinom2", dispersion=1.0)',
    "xtset g\nxtgee y x, family(nbinomial 2) vce(robust)": 'gee("y ~ x", df, groups="g", family="nbinom2", dispersion=0.5)',
    "xtset g\nxtgee y x, family(gamma) scale(1.5)": 'gee("y ~ x", df, groups="g", family="gamma", link="inverse", cov="model", scale=1.5)',
    "xtset g\nxtgee y x, family(binomial 10) scale(x2)": 'gee("y ~ x", df, groups="g", family="binomial", cov="model", trials=10)',
    "encode id, generate(id_n)\nxtgee y, i(id_n) noconstant c(ind)": 'gee("y ~ 0", df, groups="id", corr="independence", cov="model")',
}


@pytest.mark.parametrize("code", READ)
def test_the_call_behind_code(code):
    assert translate(code, "mlmlib") == f"mlm.{READ[code]}"


NOTES = {  # code: what is said beside the call
    "lmer(y ~ x + (1 | g), d, TRUE, weights = w)": "weights = w is left out",
    "lme(y ~ x, random = ~ 1 | g, data = d, subset = x > 3)": "subset = x > 3 is left out",
    "gls(y ~ x, d, correlation = corARMA(form = ~ t | g, p = 2))": "Toeplitz where there are 3 occasions",
    "glmmTMB(y ~ x + (1 | g), d, poisson, dispformula = ~ x)": "dispformula = ~ x is left out",
    "clmm(y ~ x + (1 | g), d, threshold = 'equidistant')": "threshold = 'equidistant' is left out; the outcome's categories must be",
    "geeglm(y ~ x, id = g, data = d, std.err = 'jack', subset = x > 1)": "jackknife errors",
    "geeglm(y ~ x, id = g, data = d, corstr = 'unstructured')": "number the rows within their group",
    "glmer(cbind(s, f) ~ x + (1 | g), d, binomial)": 'make df["trials"] = df["s"] + df["f"] first',
    "mixed y ib2.a || g:": "a must be a text or category column with its level number 2 first",
    "mixed y x || g:, residuals(toeplitz 2, t(time))": "sets correlations beyond lag 2 to zero",
    "mixed y x || g:, reml dfmethod(satterthwaite)": 'then fit.coef_table(ddf="satterthwaite")',
    "mixed y x || g:, vce(cluster g)": "vce(cluster g) is left out: mlm.robust(fit, clusters)",
    "regress y x, vce(robust)": "vce(robust) is left out",
    "melogit y x || g:, vce(robust)": "vce(robust) is left out",
    "melogit y x [pw = w] || g:": "pweights are sampling weights",
    "melogit y x || g: x z w": "quadrature for up to three effects, hence Laplace",
    "melogit y x || a: || b:": "Stata takes labels of b as those within a: hence a:b",
    "melogit y x || g:, intmethod(ghermite)": "ghermite does not adapt its nodes; ours do",
    "encode rating, generate(r_n)\nmeologit r_n x || g:": "the categories of rating must be in their order",
    'generate e = use == "Y"\nmelogit e x || g:': "the event is Y, which must be the second category of use",
    "xtset g\nxtgee y x, vce(robust)": "Stata multiplies the robust covariance by J / (J - 1)",
}


@pytest.mark.parametrize("code", NOTES)
def test_what_is_said_beside_the_call(code):
    assert NOTES[code] in translate(code, "mlmlib").note


@pytest.mark.parametrize("kind", ["ghermite", "pcaghermite", "mcaghermite"])
def test_points_placed_in_another_way_are_not_called_mvaghermite(kind):
    assert "mvaghermite" not in translate(f"melogit y x || g:, intmethod({kind})", "mlmlib").note


REFUSED = {  # code: the error
    "lm(data = d)": "no formula",
    "lmer(y ~ x + (1 | g), d": "parenthesis of the R call is not closed",
    "foo(y ~ x)": "found neither",
    "lme(y ~ x, data = d)": "write random = ~ 1 | group",
    "lme(y ~ x, random = ~ 1, data = d)": "name the grouping factor",
    "lme(y ~ x, random = pdDiag(~ x), data = d)": "a formula, or list",
    "lme(y ~ x, random = g, data = d)": r"'g' is not read: a call such as list\(group",
    "lme(y ~ x, random = list(~ 1 | g), data = d)": "name the group of ~ 1",
    "lme(y ~ x, random = list(g = pdNatural(~ x)), data = d)": "pdNatural is not read: pdDiag",
    "lme(y ~ x, random = list(g = 3), d)": r"'3' is not read: a call such as pdDiag",
    "lme(y ~ x, random = list(g = pdBlocked(list(~ a, pdIdent(~ 0 + x + z)))), d)": "blocks of g have different structures",
    "d$all <- factor(1)\nlme(y ~ x, random = list(all = pdSymm(~ factor(a) - 1)), data = d)": "over all rows is not read",
    "gls(y ~ x, d, correlation = corAR1(0.4, form = ~ t | g, fixed = TRUE))": "mlmlib estimates it",
    "gls(y ~ x, d, correlation = corGaus(form = ~ t | g))": "corGaus is not read: corAR1",
    "gls(y ~ x, d, correlation = corARMA(form = ~ t | g, q = 1))": "mlm.ar1, mlm.arma11, and mlm.toeplitz",
    "gls(y ~ x, d, correlation = corCAR1(form = ~ 1 | g))": "name their column",
    "gls(y ~ x, d, weights = ~ v)": "make a column of 1 / v",
    "gls(y ~ x, d, weights = my$w)": "varIdent",
    "gls(y ~ x, d, weights = varPower(form = ~ fitted(.)))": "is not read: varIdent",
    "glmer(y ~ x + (1 | g), d, quasi)": "family = quasi is not read: binomial",
    "glmer(y ~ x + (1 | g), d, binomial(link = 'foo'))": "link='foo' is not a link",
    "glmer(y ~ x + (1 | g), d, negative.binomial(theta = 2.5))": "holds the size at 2.5",
    "glmer(y ~ x + (1 | g), d, poisson, weights = 2 * w)": "not a column; make it one first",
    "glmer(y ~ x + (1 | g), d, poisson, nAGQ = five)": "nAGQ = five of glmer is not a whole number",
    "glmer(y ~ x + (1 | g), d, poisson, nAGQ = -5)": "quadrature that does not adapt",
    "glmer(s / n ~ x + (1 | g), d, binomial, weights = m)": r"cbind\(successes, trials - successes\)",
    "glmmTMB(y ~ x + (1 | g), d, beta_family(), ziformula = ~ 1)": "a zero part of a beta outcome is not read; mlmlib has those of poisson",
    "glmmTMB(y ~ x + (1 | g), d, ziformula = ~ 1)": "a zero part of a gaussian outcome",
    "glmmTMB(y ~ x + (1 | g), d, poisson, ziformula = ~ . - x)": "write its terms out",
    "geeglm(y ~ x, id = g, data = d, family = nbinom1)": "family = nbinom1 has no GEE here",
    "geeglm(y ~ x, id = interaction(a, b), data = d)": "not a column; make it one first",
    "geeglm(y ~ x, id = g, data = d, scale.fix = TRUE, scale.value = two)": "scale.value = two is not a number",
    "geeglm(y ~ x, id = g, data = d, family = binomial(link = 'foo'))": "link='foo' is not a link",
    "regress y x || g:": "regress has no random part; use mixed",
    "mixed y x || g: R.item": "after _all: only",
    "mixed y x || _all: item": "_all: R.factor is",
    "mixed y x || g: x, covariance(banded)": r"covariance\(banded\) is not known: independent",
    "mixed y x || g:, residuals(unstructured)": r"needs the column of times: t\(column\)",
    "mixed y x || g:, residuals(ar 2, t(time))": "is not read: independent with by",
    "mixed y x || g:, residuals(ar 1, t(time) by(s))": "gives each s a correlation of its own",
    "melogit y x || g:, intpoints(many)": r"intpoints\(many\) is not a whole number",
    "meglm y x || g:, family(weibull)": r"family\(weibull\) of meglm is not read: gaussian",
    "meglm y x || g:, family(poisson) link(power 2)": "is not a link",
    "xtset g\nxtgee y x, family(weibull)": r"family\(weibull\) of xtgee is not read: gaussian",
    "xtset g\nxtgee y x, family(nbinomial k)": "nbinomial and a number",
    "xtset g\nxtgee y x, link(opower 2)": "is not a link",
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_cannot_be_read_is_refused(code):
    with pytest.raises(ValueError, match=REFUSED[code]):
        translate(code, "mlmlib")


def test_a_zero_part_like_that_of_the_counts_is_fitted_so():
    rows = mlm.load("epil")
    call = read("glmmTMB(y ~ trt + (1 | subject), d, poisson, ziformula = ~ trt)")
    like = read("glmmTMB(y ~ trt + offset(log(base)) + (1 | subject), d, poisson, ziformula = ~ .)")
    assert like._options()["zero"] == "~ trt + (1 | subject)"
    assert call.fit(rows).llf == pytest.approx(mlm.glmm("y ~ trt + (1 | subject)", rows, family="zip", zero="trt").llf)


def test_a_negative_binomial_of_xtgee_has_its_dispersion():
    rows = mlm.load("epil")
    fits = [read(f"xtset subject\nxtgee y lbase, family(nbinomial{size}) corr(ind) vce(robust)").fit(rows) for size in ("", " 1", " 2")]
    assert np.array_equal(fits[0].params, fits[1].params) and not np.allclose(fits[0].params, fits[2].params)
