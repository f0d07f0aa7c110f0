"""Whatever a reader may ask of a fit works for generalized models, or is refused in one sentence.

Every public function of the library and every method of results, for each kind of generalized result: no error from
within, only DataError, FormulaError or ValueError with a message.
"""

from functools import cache

import numpy as np
import pytest

import mlmlib as mlm
from mlmlib.glmm.result import GlmmResult

# public names that take no fit
NO_FIT = {"DataError", "FormulaError", "lmm", "LmmResult", "glmm", "GlmmResult", "OrdinalResult", "MultinomialResult",
          "person_period", "life_table", "ols", "OlsResult", "gls", "multivariate", "MultivariateResult", "RowResult", "ar1",
          "car1", "arma11", "cs", "toeplitz", "un", "by_group", "power_of", "exponential_of", "TestResult", "load", "describe",
          "design_effect", "center", "within_between", "__version__", "panel", "PanelResult", "group_means", "gee", "GeeResult",
          "GeeCategoryResult", "RobustResult", "estimators"}


@cache
def fit(kind):
    cbpp, ticks, wine = mlm.load("cbpp"), mlm.load("grouseticks"), mlm.load("wine")
    rng = np.random.default_rng(1)
    g, x = np.repeat(np.arange(60), 8), rng.standard_normal(480)
    u = rng.standard_normal(60)[g]
    two = {"g": g, "x": x, "ill": rng.binomial(1, 1 / (1 + np.exp(-u))), "visits": rng.poisson(np.exp(0.5 + 0.7 * u))}
    return {
        "binomial": lambda: mlm.glmm("incidence ~ period + (1 | herd)", cbpp, trials="size"),
        "no random part": lambda: mlm.glmm("incidence ~ period", cbpp, trials="size"),
        "quasi": lambda: mlm.glmm("incidence ~ period + (1 | herd)", cbpp, trials="size", method="pql"),
        "slope": lambda: mlm.glmm("Reaction ~ Days + (1 + Days | Subject)", mlm.load("sleepstudy"), family="gamma", link="log"),
        "crossed": lambda: mlm.glmm("TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | LOCATION)", ticks, family="poisson"),
        "dispersion": lambda: mlm.glmm("TICKS ~ YEAR + cHEIGHT + (1 | BROOD)", ticks, family="nbinom2"),
        "inflated": lambda: mlm.glmm("TICKS ~ YEAR + cHEIGHT + (1 | BROOD)", ticks, family="zip"),
        "zero part": lambda: mlm.glmm("TICKS ~ YEAR + cHEIGHT + (1 | BROOD)", ticks, family="zip", zero="~ cHEIGHT"),
        "ordinal": lambda: mlm.glmm("rating ~ temp * contact + (1 | judge)", wine, family="ordinal"),
        "nominal": lambda: mlm.glmm("rating ~ temp + (1 | judge)", wine, family="ordinal", nominal="~ contact"),
        "multinomial": lambda: mlm.glmm("mode ~ distance + (1 | district)", mlm.simulate.choice(seed=18), family="multinomial"),
        "joint": lambda: mlm.glmm(["ill ~ x + (1 | g)", "visits ~ x + (1 | g)"], two, family=["binomial", "poisson"]),
    }[kind]()


KINDS = ("binomial", "no random part", "quasi", "slope", "crossed", "dispersion", "inflated", "zero part", "ordinal", "nominal",
         "multinomial", "joint")


def first(f):
    return next(name for name in f._names if "Intercept" not in name)


def column(f):
    return next(name for term in f.design.formula.fixed for factor in term for name in factor.columns)


def linear():
    return mlm.lmm("Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy"))


FUNCTIONS = {
    **{name: [lambda f, name=name: getattr(mlm, name)(f)] for name in (
        "exact_lrt", "icc", "reliability", "acf", "diagnose", "dispersion_test", "zeros_test", "uniformity_test",
        "outliers_test", "median_odds_ratio", "median_rate_ratio", "table", "equations", "elsewhere", "proportional_odds_test")},
    "r2": [lambda f: mlm.r2(f)],
    "influence": [lambda f: mlm.influence(f)],
    "residuals": [lambda f, how=how: mlm.residuals(f, *how) for how in ((), ("raw", "marginal"), ("quantile",), ("pearson",))],
    "exact_rlrt": [lambda f: mlm.exact_rlrt(f), lambda f: mlm.exact_rlrt(f, f)],
    "compare": [lambda f: mlm.compare(f, f), lambda f: mlm.compare(f, linear()), lambda f: mlm.compare(linear(), f),
                lambda f: mlm.compare(mlm.ols("Reaction ~ Days", mlm.load("sleepstudy")), f)],
    "proportional_reduction": [lambda f: mlm.proportional_reduction(f, f)],
    "hausman": [lambda f: mlm.hausman(f, f)],
    "breusch_pagan": [lambda f: mlm.breusch_pagan(f)],
    "mundlak_test": [lambda f: mlm.mundlak_test(f)],
    "robust": [lambda f: mlm.robust(f), lambda f: mlm.robust(f, np.arange(f.nobs) % 12)],
    "wild_bootstrap": [lambda f: mlm.wild_bootstrap(f, f"`{first(f)}` = 0", np.arange(f.nobs) % 6, n=19)],
    "interval_odds_ratio": [lambda f: mlm.interval_odds_ratio(f, first(f))],
    "contextual_effect": [lambda f: mlm.contextual_effect(f), lambda f: mlm.contextual_effect(
        f, between=f._names[0], within=f._names[-1])],
    "emmeans": [lambda f: mlm.emmeans(f), lambda f: mlm.emmeans(f, column(f)), lambda f: mlm.emmeans(f, type="response"),
                lambda f: mlm.emmeans(f, column(f), type="response").contrast(), lambda f: mlm.emmeans(f, ddf="satterthwaite")],
    "emtrends": [lambda f: mlm.emtrends(f, column(f))],
    "slope": [lambda f: mlm.slope(f, first(f))],
    "crossing": [lambda f: mlm.crossing(f, first(f), f._names[-1])],
    "margins": [lambda f: mlm.margins(f), lambda f: mlm.margins(f, column(f)), lambda f: mlm.margins(f, dydx=column(f)),
                lambda f: mlm.margins(f, groups="given"), lambda f: mlm.margins(f, groups="typical", scale="link")],
    "translate": [lambda f, to=to: mlm.translate(f, to) for to in (
        "lme4", "nlme", "stata", "sas", "spss", "hlm", "julia", "statsmodels")],
}
METHODS = {
    "conf_int": [lambda f, method=method, which=which: f.conf_int(method=method, which=which)
                 for method in ("wald", "satterthwaite", "kenward-roger", "fieller") for which in ("fixed", "all")],
    "conf_int(profile)": [lambda f: f.conf_int(method="profile"), lambda f: f.conf_int(method="profile", of="icc")],
    "conf_int(bootstrap)": [lambda f: f.conf_int(method="bootstrap", which="all", n=3)],
    "conf_int(of=)": [lambda f, of=of: f.conf_int(of=of) for of in ("icc", "r2_marginal", "r2_conditional", lambda f: f.llf)] + [
        lambda f: f.conf_int(of=f"`{f._names[0]}` / `{f._names[-1]}`"),
        lambda f: f.conf_int(of=f"`{f._names[0]}` / `{f._names[-1]}`", method="fieller"),
        lambda f: f.conf_int(of=f"`{f._names[0]}` - `{f._names[-1]}`", method="profile")],
    "bootstrap": [lambda f, kind=kind: f.bootstrap(3, kind=kind) for kind in ("parametric", "residual", "cluster")] + [
        lambda f: f.bootstrap(3, statistic=lambda g: g.params.iloc[0])],
    "profile": [lambda f: f.profile(f._names[0]).table],
    "coef_table": [lambda f, ddf=ddf: f.coef_table(ddf=ddf) for ddf in ("wald", "satterthwaite", "kenward-roger")],
    "test": [lambda f: f.test({first(f): 1}), lambda f: f.wald_test(), lambda f: f.lr_vs_linear(), lambda f: f.lr_vs_linear(True)],
    "anova": [lambda f, type=type: f.anova(type=type) for type in (1, 2, 3)] + [lambda f: f.anova(ddf="satterthwaite")],
    "random part": [lambda f: (f.variance_components, f.random_table(), f.random_table("sd"), f.variance_cov(), f.theta),
                    lambda f: (f.random_effects, f.random_effects_se, f.random_effects_cov, f.coefficients, f.n_groups),
                    lambda f: f.covariance_matrix(), lambda f: (f.groups, f.group_sizes, f.sigma)],
    "of outcomes": [lambda f: (f.dispersion, f.dispersion_table()), lambda f: f.ratios(), lambda f: f.odds_ratios(),
                    lambda f: f.rate_ratios(), lambda f: f.marginal_coef()],
    "of rows": [lambda f: (f.mu, f.fittedvalues, f.linear_predictor, f.resid), lambda f: (f.endog, f.exog, f.df_resid),
                lambda f: f.predict(), lambda f: f.predict(interval="confidence"), lambda f: f.predict(interval="prediction"),
                lambda f: f.refit(f.simulate(1, 1)[0])],
    "said": [lambda f: str(f.summary()), lambda f: f._repr_html_(), lambda f: str(f.report()), lambda f: str(f.explain())],
}


def asked(call, kind):
    """Carry out a call and show what it returns."""
    try:
        found = call(fit(kind))
        repr(found)
        if hasattr(found, "_repr_html_"):
            found._repr_html_()
    except ValueError as error:
        import traceback
        where = traceback.extract_tb(error.__traceback__)[-1].filename
        assert "mlmlib" in where and len(str(error)) > 20, f"{error!r} from {where}"


def test_every_public_function_is_asked():
    assert set(mlm.__all__) - NO_FIT == set(FUNCTIONS)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name, kind):
    for call in FUNCTIONS[name]:
        asked(call, kind)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", METHODS)
def test_method(name, kind):
    for call in METHODS[name]:
        asked(call, kind)


def test_the_fits_are_what_they_are_called():
    assert all(isinstance(fit(kind), GlmmResult) and fit(kind).converged for kind in KINDS)
