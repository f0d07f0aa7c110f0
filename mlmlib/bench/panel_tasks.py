"""Panel regressions, cluster-robust covariances and generalized estimating equations, as each program says them."""

from __future__ import annotations

from .tasks import Task

__all__ = ["ABSENT", "PACKAGES", "PANEL", "R_PACKAGES", "table"]

PACKAGES = ("linearmodels", "statsmodels")
R_PACKAGES = ("plm", "clubSandwich", "geepack")
# programs that belong here and were not compared
ABSENT = {"fixest": "the Linux distribution that this was measured on has no package of it; its Python port, pyfixest, "
                    "brings some fifty others, more than a comparison should install"}

X = "exper2 + union + married + health"
UNBALANCED = "of groups of unequal size it estimates the effects' variance in another way; plm's numbers are ours"
ON_STATSMODELS = ("mlm.gee calls statsmodels, gives it working correlations that are computed in Python group by group, and adds "
                  "standard errors of its own")
MOMENTS = "other divisors in the moments of correlation and scale"


def _panel(effects: str, python: str, r: str, data: str = "males", x: str = X, groups: str = "nr") -> dict:
    """A panel regression: coefficients and standard errors."""
    y = "wage" if data == "males" else "y"
    time = ', time="year"' if effects in ("two-way", "first-difference") else ""
    frame = {"nr": "['nr', 'year']", "g": "['g', 'year']"}[groups]
    return {
        "mlmlib": ("None", f"(lambda f: [*f.params, *f.bse])(mlm.panel('{y} ~ {x}', data, groups='{groups}', effects='{effects}'{time}))"),
        "linearmodels": (f"data.set_index({frame})", f"(lambda f: [*f.params, *f.std_errors])({python.format(f=f'{y} ~ {x}', y=y, x=x)})"),
        "plm": ("NULL", f'{{ f <- plm({y} ~ {x}{r}, data, index = c("{groups}", "year")); c(coef(f), sqrt(diag(vcov(f)))) }}'),
    }


WITHIN = "lm.PanelOLS.from_formula('{f} + EntityEffects', made).fit()"
RANDOM = "lm.RandomEffects.from_formula('{y} ~ 1 + {x}', made).fit()"
TWO_WAY = "lm.PanelOLS.from_formula('{f} + EntityEffects + TimeEffects', made).fit()"
OLS = "mathach ~ ses + sector + mean_ses"
SLOPES = "mathach ~ cses + (cses | school)"

CR2_OF_OLS = {
    "mlmlib": (f"mlm.ols('{OLS}', data)", "(lambda r: [*r.bse, *r.df])(mlm.robust(made, groups='school', kind='CR2'))"),
    "clubSandwich": (f"lm({OLS}, data)", "{ f <- coef_test(made, vcovCR(made, cluster = data$school, type = 'CR2'), "
                                         "test = 'Satterthwaite'); c(f$SE, f$df_Satt) }")}
CR2_OF_MIXED = {
    "mlmlib": (f"mlm.lmm('{SLOPES}', data)", "(lambda r: [*r.bse, *r.df])(mlm.robust(made, kind='CR2'))"),
    "clubSandwich": (f"{{ library(lme4); lmer({SLOPES}, data) }}",
                     "{ f <- coef_test(made, vcovCR(made, type = 'CR2'), test = 'Satterthwaite'); c(f$SE, f$df_Satt) }")}
CR1S = {
    "mlmlib": (f"mlm.ols('{OLS}', data)", "mlm.robust(made, groups='school', kind='CR1S', ddf='clusters').bse"),
    "statsmodels": (f"smf.ols('{OLS}', data).fit()", "made.get_robustcov_results('cluster', groups=data['school']).bse[[0, 2, 1, 3]]"),
    "clubSandwich": (f"lm({OLS}, data)", "sqrt(diag(vcovCR(made, cluster = data$school, type = 'CR1S')))")}


def _gee(formula: str, groups: str, family: str, corr: str, order: list, wave: str = "") -> dict:
    """Coefficients and robust standard errors; `order` puts patsy's, categories first, into the formula's."""
    time = f", time='{wave}'" if wave else ""
    python = {"gaussian": "Gaussian", "binomial": "Binomial", "poisson": "Poisson"}[family]
    structure = {"exchangeable": "Exchangeable()", "ar1": "Autoregressive(grid=True)"}[corr]
    times = f", time=data['{wave}']" if wave else ""
    waves = f", waves = {wave}" if wave else ""
    return {
        "mlmlib": ("None", f"(lambda f: [*f.params, *f.bse])(mlm.gee('{formula}', data, groups='{groups}', "
                           f"family='{family}', corr='{corr}'{time}))"),
        "statsmodels": ("None", f"(lambda f: [*f.params.iloc[{order}], *f.bse.iloc[{order}]])(smf.gee('{formula}', '{groups}', data, "
                                f"cov_struct=sm.cov_struct.{structure}, family=sm.families.{python}(){times}).fit())"),
        "geepack": ("NULL", f"{{ f <- geeglm({formula}, id = {groups}, data = data, family = {family}, "
                            f"corstr = '{corr}'{waves}); c(coef(f), summary(f)$coefficients[, 2]) }}")}


GEE_CAUSE = {"statsmodels": ON_STATSMODELS}
PRODUCTS = "mlm.robust sums over the clusters all products of rows that any of its adjustments needs, CR1S needs few of them"
COMPILED = "mlm.gee calls statsmodels, whose iterations go from group to group in Python; geepack's are compiled"

PANEL = (
    Task("within", "males, fixed effects", "males", _panel("within", WITHIN, ", model = 'within'")),
    Task("random", "males, random effects", "males", _panel("random", RANDOM, ", model = 'random'")),
    Task("two_way", "males, effects of persons and years", "males",
         _panel("two-way", TWO_WAY, ", model = 'within', effect = 'twoways'")),
    Task("first_difference", "males, first differences", "males",
         _panel("first-difference", "lm.FirstDifferenceOLS.from_formula('{f}', made).fit()", " - 1, model = 'fd'")),
    Task("between", "males, between", "males",
         _panel("between", "lm.BetweenOLS.from_formula('{y} ~ 1 + {x}', made).fit()", ", model = 'between'")),
    Task("within_large", "200,000 rows in 20,000 groups, fixed effects", "large",
         _panel("within", WITHIN, ", model = 'within'", "large", "x + z", "g")),
    Task("random_large", "the same, random effects", "large",
         _panel("random", RANDOM, ", model = 'random'", "large", "x + z", "g"),
         different={"linearmodels": UNBALANCED}),
    Task("two_way_large", "the same, effects of groups and years", "large",
         _panel("two-way", TWO_WAY, ", model = 'within', effect = 'twoways'", "large", "x + z", "g")),
    Task("cr1s", "HSB, least squares, CR1S", "hsb", CR1S, {"statsmodels": PRODUCTS}),
    Task("cr2", "HSB, least squares, CR2 with degrees of freedom", "hsb", CR2_OF_OLS),
    Task("cr2_mixed", "HSB, random slopes, CR2 with degrees of freedom", "hsb", CR2_OF_MIXED),
    Task("gee_ohio", "ohio, GEE, binary, exchangeable", "ohio",
         _gee("resp ~ age * smoke", "id", "binomial", "exchangeable", [0, 1, 2, 3]), {**GEE_CAUSE, "geepack": COMPILED},
         {"statsmodels": MOMENTS}),
    Task("gee_epil", "epil, GEE, Poisson, exchangeable", "epil",
         _gee("y ~ lbase * trt + lage + V4", "subject", "poisson", "exchangeable", [0, 2, 1, 4, 5, 3]),
         {**GEE_CAUSE, "geepack": COMPILED}, {"statsmodels": MOMENTS}),
    Task("gee_dietox", "dietox, GEE, AR(1)", "dietox", _gee("Weight ~ Time + Cu", "Pig", "gaussian", "ar1", [0, 3, 1, 2], "Time"),
         {**GEE_CAUSE, "geepack": COMPILED}, {"statsmodels": MOMENTS}),
)


def table(name: str):
    """A data set as all programs get it; `large` is drawn."""
    import numpy as np
    import pandas as pd

    import mlmlib as mlm

    if name == "large":
        rng = np.random.default_rng(1)
        sizes = rng.integers(5, 16, 20_000)
        group = np.repeat(np.arange(len(sizes)), sizes)[:200_000]
        year = np.concatenate([np.sort(rng.choice(16, size, replace=False)) for size in sizes])[:len(group)]
        u = rng.normal(size=len(sizes))[group]
        x, z = rng.normal(size=(2, len(group))) + 0.5 * u
        return pd.DataFrame({"g": group, "year": year, "x": x, "z": z, "y": x - z + u + 0.1 * year + rng.normal(size=len(group))})
    data = mlm.load(name)
    if name == "males":
        made = {one: (data[one] == "yes").astype(int) for one in ("union", "married", "health")}
        return data.assign(exper2=data["exper"] ** 2, **made)
    return data
