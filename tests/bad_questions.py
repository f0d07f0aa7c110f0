"""Questions that a fit cannot answer, each with the one clear error it gets: see bad_input.py."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

import mlmlib as mlm
from bad_input import DATA, FORMULA, VALUE, J, N, _glmm, _lmm, base, put
from mlmlib import growth
from mlmlib.clustering import icc_anova

TWO = "y + y2 ~ x + (1 | g)"


def ordered() -> pd.DataFrame:
    """The table with an outcome `o` of three ordered categories."""
    table = base()
    cut = np.digitize(table.y, np.quantile(table.y, [1 / 3, 2 / 3]))
    return table.assign(o=pd.Categorical.from_codes(cut, list("abc"), ordered=True))


@cache
def fit(name):
    """Fits that are asked wrong questions."""
    table = base()
    return {
        "lmm": lambda: mlm.lmm("y ~ x + f + (1 | g)", table), "slope": lambda: mlm.lmm("y ~ x + (1 + x | g)", table),
        "mm": lambda: mlm.lmm("y ~ x + (1 | mm(g, t))", table), "ols": lambda: mlm.ols("y ~ x + f", table),
        "crossed": lambda: mlm.lmm("y ~ x + (1 | g) + (1 | t)", table), "one": lambda: mlm.ols("y ~ 1", table),
        "ml": lambda: mlm.lmm("y ~ x + f + (1 | g)", table, reml=False), "null": lambda: mlm.lmm("y ~ 1 + (1 | g)", table),
        "ar1": lambda: mlm.lmm("y ~ x + (1 | g)", table, correlation=mlm.ar1("t")), "gls": lambda: mlm.gls("y ~ x", table, correlation=mlm.ar1("t", group="g")),
        "groups": lambda: mlm.gls("y ~ x", table, variance=mlm.by_group("f")), "glmm": lambda: mlm.glmm("k ~ x + f + (1 | g)", table),
        "poisson": lambda: mlm.glmm("c ~ x + (1 | g)", table, family="poisson"), "no intercept": lambda: mlm.glmm("c ~ 0 + x + (1 | g)", table, family="poisson"),
        "pql": lambda: mlm.glmm("k ~ x + (1 | g)", table, method="pql"), "two factors": lambda: mlm.glmm("k ~ x + (1 | g) + (1 | t)", table),
        "values": lambda: mlm.glmm("c ~ x + (1 | g)", table, family="poisson", exposure=table["size"].to_numpy()),
        "cauchit": lambda: mlm.glmm("k ~ x + (1 | g)", table, link="cauchit"), "many": lambda: mlm.glmm("k ~ x + (1 | mm(g, t))", table),
        "ordinal": lambda: mlm.glmm("o ~ x + (1 | g)", ordered(), family="ordinal"), "multinomial": lambda: mlm.glmm("f ~ x + (1 | g)", table, family="multinomial"),
        "all nominal": lambda: mlm.glmm("o ~ x + (1 | g)", ordered(), family="ordinal", nominal="~ x"),
        "joint": lambda: mlm.glmm(["k ~ x + (1 | g)", "c ~ x + (1 | g)"], table, family=["binomial", "poisson"]),
        "joint values": lambda: mlm.glmm(["k ~ x + (1 | g)", "c ~ x + (1 | g)"], table, family=["binomial", "poisson"], exposure={"c": table["size"].to_numpy()}),
        "zip": lambda: mlm.glmm("c ~ x", table, family="zip"), "random glm": lambda: mlm.glmm("k ~ x", table),
        "two parts": lambda: mlm.glmm("c ~ x + (1 | g)", table, family="zip", zero="~ x"),
        "gee": lambda: mlm.gee("y ~ x", table, groups="g"), "gee values": lambda: mlm.gee("c ~ x", table, groups="g", family="poisson", exposure=table["size"].to_numpy()),
        "gee categories": lambda: mlm.gee("f ~ x", table, groups="g", family="nominal", corr="independence"),
        "robust": lambda: mlm.robust(fit("ols"), "g"), "two-way": lambda: mlm.robust(fit("ols"), ["g", "t"]), "constant": lambda: mlm.robust(fit("one"), "g"),
        "several": lambda: mlm.multivariate(TWO, table), "sloped": lambda: mlm.multivariate("y + y2 ~ x + (1 + x | g)", table),
        "within": lambda: mlm.panel("y ~ x", table, groups="g"), "weighted": lambda: mlm.panel("y ~ x", table, groups="g", weights="size"),
        "of groups": lambda: mlm.panel("y ~ w", table, groups="g", effects="random"),
    }[name]()


def asked(name, question, /, *args, **options):
    """A method of a fit, called."""
    return lambda: getattr(fit(name), question)(*args, **options)


def of(name, function, /, *args, **options):
    """A function of the library, called with a fit."""
    return lambda: getattr(mlm, function)(fit(name), *args, **options)


def _gee(formula="y ~ x", data=None, /, **options):
    return lambda: mlm.gee(formula, base() if data is None else data(), **{"groups": "g", **options})


def _table(**columns):
    return lambda: base(**columns)


LINEAR = [
    ("no such factor", asked("lmm", "covariance_matrix", "q"), VALUE, "no grouping factor 'q'; the model has ['g']"),
    ("new groups otherwise", asked("lmm", "predict", base(), new_groups="q"), VALUE, "must be 'population' or 'error'"),
    ("variances on no scale", asked("lmm", "random_table", "q"), VALUE, "'variance' or 'sd'"), ("variance of ols on no scale", asked("ols", "random_table", "q"), VALUE, "'variance' or 'sd'"),
    ("covariance of none", asked("groups", "residual_cov", 0), VALUE, "see residual_sd"), ("covariance of no group", asked("ar1", "residual_cov", "q"), VALUE, "no group 'q'; the first are 0, 1, 2"),
    ("effects of a model without", asked("gls", "covariance_matrix"), VALUE, "see residual_cov"), ("residuals of no level", asked("ar1", "residuals", "raw", "q"), VALUE, "'conditional' or 'marginal'"),
    ("marginal, whitened", asked("ar1", "residuals", "scaled", "marginal"), VALUE, "marginal ones are 'raw' or 'pearson'"), ("gls of nothing", lambda: mlm.gls("y ~ 0", base(), variance=mlm.by_group("f")), FORMULA, "write '1' for an intercept"),
    ("ols of nothing", lambda: mlm.ols("y ~ 0", base()), FORMULA, "write '1' for an intercept"), ("gls of groups", lambda: mlm.gls("y ~ x + (1 | g)", base(), variance=mlm.by_group("f")), FORMULA, "fit it with mlm.lmm"),
    ("variances of one group", _lmm("y ~ x + (1 | g)", variance=mlm.by_group("one")), DATA, "no variances to compare"), ("a variance of one row", lambda: mlm.lmm("y ~ x + (1 | g)", put("f", 3, "d"), variance=mlm.by_group("f")), DATA, "f = d has one row"),
    ("times missing", lambda: mlm.lmm("y ~ x + (1 | g)", put("t", 3, np.nan), correlation=mlm.car1("t")), DATA, "needs 't', which is missing in 1 rows"),
    ("every correlation", lambda: mlm.gls("y ~ x", base(t=np.arange(N) * 1.0), correlation=mlm.un("t", group="g")), DATA, "parameter for each of 96 occasions"),
    ("occasions never together", lambda: mlm.gls("y ~ x", base(t=np.where(np.arange(N) // 8 % 2, 1, 0) * 8 + np.arange(N) % 8), correlation=mlm.un("t", group="g")), DATA, "no group has rows at both"),
    ("power of a fit of zeros", lambda: mlm.gls("y ~ 0 + z0", base(z0=np.where(np.arange(N) % 8, base().x, 0.0)), variance=mlm.power_of("fitted(.)")), DATA, "use mlm.exponential_of('fitted(.)')"),
    ("influence in no order", lambda: mlm.influence(fit("lmm")).most(by="q"), VALUE, "choose one of n, cooks"), ("influence of one set", of("lmm", "influence", by="one"), DATA, "All rows have the same 'one'"),
    ("influence of an alike set, structured", of("ar1", "influence", by="one"), DATA, "too few groups of 'one'"), ("an order in text", of("lmm", "diagnose", time="f"), DATA, "holds text, whose order in time is not known"),
    ("errors otherwise", of("lmm", "r2", slopes="q"), VALUE, "'refit' or 'average'"), ("r2 with an option", of("lmm", "r2", q=1), TypeError, "no option 'q'"),
    ("reduction over other rows", lambda: mlm.proportional_reduction(mlm.lmm("y ~ 1 + (1 | g)", base().iloc[:80]), fit("lmm")), DATA, "do not use the same outcome and rows (y, 80 rows, and y, 96)"),
    ("reduction of ML and REML", lambda: mlm.proportional_reduction(fit("null"), fit("ml")), DATA, "One fit is by REML and the other by ML"), ("reduction nowhere", lambda: mlm.proportional_reduction(fit("null"), fit("lmm"))["q"], KeyError, "no reduction of 'q'; there are"),
    ("results less", lambda: delattr(fit("lmm"), "sigma"), AttributeError, "'sigma' cannot be deleted"),
    *[(f"several outcomes: {what}", call, kind, words) for what, call, kind, words in [
        ("values of other rows", lambda: fit("several").unstack(np.zeros(3)), VALUE, "unstack needs 192 values"), ("refit of fewer", lambda: fit("several").refit(np.zeros((3, 2))), DATA, "96 units and 2 columns"),
        ("icc with slopes", lambda: fit("sloped").icc(), VALUE, "one random term is (1 | group)"), ("only= of a list", lambda: mlm.multivariate(TWO, base(), only=["x"]), FORMULA, "only={'x': 'y'}"),
        ("nothing on the right", lambda: mlm.multivariate("y + y2 ~ 0", base()), FORMULA, "nothing on its right side"), ("one not there", lambda: mlm.multivariate(TWO, base(y2=np.nan)), DATA, "'y2' is missing in every row")]],
    *[(f"chunks: {what}", call, kind, words) for what, call, kind, words in [
        ("no outcome", lambda: mlm.lmm("~ x + (1 | g)", iter([base()])), FORMULA, "has no outcome; write one"), ("none", lambda: mlm.lmm("y ~ x + (1 | g)", iter([])), DATA, "no chunk of data"),
        ("an empty one", lambda: mlm.lmm("y ~ x + (1 | g)", iter([base().iloc[:0]])), DATA, "no rows"), ("all missing", lambda: mlm.lmm("y ~ x + (1 | g)", iter([put("x", 0, np.nan).iloc[:1], put("x", 1, np.nan).iloc[1:2]])), DATA, "complete"),
        ("an outcome of text", lambda: mlm.lmm("f ~ x + (1 | g)", iter([base()])), DATA, "'f' holds text, categories or several columns"), ("weights of zero", lambda: mlm.lmm("y ~ x + (1 | g)", iter([put("size", 3, 0.0)]), weights="size"), DATA, "must all be positive"),
        ("two rows", lambda: mlm.lmm("y ~ x + (1 | g)", iter([base().iloc[[0, 9]]])), DATA, "2 rows cannot carry 2 fixed effects"), ("x is y", lambda: mlm.lmm("y ~ x + (1 | g)", iter([base(x=base().y)])), DATA, "reproduce the outcome 'y' exactly")]],
]

GENERALIZED = [
    ("probabilities on no scale", asked("ordinal", "predict", scale="q"), VALUE, "'response' (probabilities), 'class' or 'link'"), ("an interval on the link", asked("ordinal", "predict", scale="link", interval="confidence"), VALUE, "given without an interval"),
    ("an interval of a class", asked("ordinal", "predict", scale="class", interval="confidence"), VALUE, "leave scale= out for the probabilities"),
    ("a category lost", asked("ordinal", "refit", np.zeros(N)), DATA, "threshold is not determined"), ("an unordered one lost", asked("multinomial", "refit", np.zeros(N)), DATA, "coefficients are not determined"),
    ("one category", _glmm("f ~ x + (1 | g)", _table(f="a"), family="multinomial"), DATA, "'f' is the same in every row"), ("a cumulative one", lambda: fit("multinomial").density.cdf(0, 0, 0), DATA, "no cumulative distribution"),
    *[(f"{kind} of many rows and few", _glmm(f"{y} ~ x + z + w", lambda: ordered().iloc[:3], family=kind), DATA, "3 rows cannot carry") for kind, y in [("binomial", "k"), ("poisson", "c")]],
    ("shares on no scale", of("glmm", "icc", scale="q"), VALUE, "'latent' or 'observation'"), ("an option of Wald", of("glmm", "icc", n=3), TypeError, "no option 'n'"), ("an icc by no method", of("glmm", "icc", method="q"), VALUE, "'wald', 'profile' or 'bootstrap'"),
    ("an icc of categories", of("ordinal", "icc", scale="observation"), DATA, "ICC of their latent variable only"), ("an icc of cauchit", of("cauchit", "icc"), DATA, "link cauchit has no variance"),
    *[(f"mean={value!r}", of("poisson", "icc", mean=value), VALUE, "'null', 'typical' or 'data'") for value in ("q", -1.0, np.nan)],
    ("averages otherwise", asked("glmm", "marginal_coef", method="q"), VALUE, "'average' or 'attenuation'"), ("attenuation without an intercept", asked("no intercept", "marginal_coef", method="attenuation"), DATA, "use method='average'"),
    ("an interval of no coefficient", of("glmm", "interval_odds_ratio", "q"), DATA, "no coefficient 'q'; it has 'Intercept', 'x'"), ("a share of 80", of("glmm", "interval_odds_ratio", "x", share=80), VALUE, "between 0 and 1, such as 0.8"),
    ("a median at a fixed slope", of("glmm", "median_odds_ratio", at={"x": 1.0}), DATA, "'x', whose slope does not vary between groups of 'g'"), ("ratios by profile, averaged", asked("glmm", "ratios", method="profile", marginal=True), VALUE, "Wald intervals; leave method= out"),
    ("ratios of nothing", lambda: mlm.glmm("k ~ 1 + (1 | g)", base()).ratios(), DATA, "intercept=True shows the intercept"),
    ("nominal of random terms", _glmm("o ~ x + (1 | g)", ordered, family="ordinal", nominal="~ (1 | g)"), FORMULA, "lists predictors only, as in nominal='~ temp'"), ("nominal of none", _glmm("o ~ x + (1 | g)", ordered, family="ordinal", nominal="~ 1"), FORMULA, "names no predictor"),
    ("proportional by no test", of("ordinal", "proportional_odds_test", method="q"), VALUE, "must be one of 'lr'"), ("proportional in nothing", of("all nominal", "proportional_odds_test"), FORMULA, "no predictor whose odds are proportional"),
    ("pql of a t", _glmm("y ~ x + (1 | g)", family="t", method="pql"), FORMULA, "Quasi-likelihood knows the variances of"), ("a dispersion of a kind", _glmm(method="pql", dispersion="q"), VALUE, '"fixed" or "free"'),
    ("quadrature in four dimensions", _glmm("k ~ x + (1 + x + z + t | g)", method="agq"), FORMULA, "at most 3 effects a group, and the model has 4"), ("too many points", _glmm("k ~ x + (1 + x + z | g)", method="agq", nodes=60), VALUE, "216,000 points a group: ask for at most"),
    ("an outcome of two columns", _glmm("poly(y, 2) ~ x + (1 | g)", family="gaussian"), DATA, "has 2 columns; a model has one"), ("new rows with an exposure of values", asked("values", "predict", base()), DATA, "Give exposure= the name of a column"),
    ("effects of no kind", asked("glmm", "simulate", 1, 1, "q"), VALUE, "'new', 'kept' or 'posterior'"), ("residuals of no level", asked("glmm", "residuals", "raw", "q"), VALUE, "or of the groups 'g'"), ("residuals of no kind", asked("glmm", "residuals", "q"), VALUE, "not known for a GLMM"),
    ("a zero part of nothing", _glmm("c ~ x + (1 | g)", family="zip", zero="~ 0"), FORMULA, "has no fixed part; write zero='~ 1'"), ("two parts on no scale", asked("two parts", "predict", scale="q"), VALUE, "one of 'response', 'link', 'zero', 'count'"),
    ("quadrature over two factors in two parts", _glmm("c ~ x + (1 | g)", family="zip", zero="~ 1 + (1 | t)", method="agq"), FORMULA, "one grouping factor, the same in both parts"),
    ("two parts of few rows", _glmm("c ~ x + z + w", lambda: base().iloc[:7], family="zip", zero="~ x + z + w"), DATA, "7 rows cannot carry 8 fixed effects"), ("marginal residuals with a nominal part", asked("all nominal", "residuals", "quantile", "marginal"), DATA, "without a nominal part"),
    ("trials of a zero-inflated count", _glmm("c ~ x + (1 | g)", family="zip", trials=3), DATA, "trials= is for family='binomial'"),
    ("deviance, marginal", asked("glmm", "residuals", "deviance", "marginal"), VALUE, "use level='conditional'"), ("residuals of groups otherwise", asked("glmm", "residuals", "pearson", "g"), VALUE, "choose 'raw' or 'quantile'"),
    ("influence of nothing", of("glmm", "influence", by="one"), DATA, "too few groups of 'one'"), ("influence of memberships", of("many", "influence", by="f"), DATA, "leaving out rows is for models with one group a row"),
    ("change of variances", lambda: mlm.influence(fit("glmm"), by="f").rvc, DATA, "compare the sd(...) columns of"),
    *[(f"several outcomes: {what}", call, kind, words) for what, call, kind, words in [
        ("nodes of Laplace", lambda: mlm.glmm(["k ~ x + (1 | g)", "c ~ x + (1 | g)"], base(), family=["binomial", "poisson"], nodes=3), VALUE, "belongs to method='agq'"),
        ("memberships", lambda: mlm.glmm(["k ~ x + (1 | mm(g, t))", "c ~ x + (1 | g)"], base(), family=["binomial", "poisson"]), FORMULA, "memberships in several groups are not there"),
        ("new rows drawn", lambda: fit("joint").simulate(data=base()), VALUE, "leave data= and trials= out"), ("new rows with an exposure of values", lambda: fit("joint values").predict(base()), DATA, "Give exposure= the name of a column")]],
    *[(f"life table {what}", lambda options=options, event=event: mlm.life_table(pd.DataFrame({"id": [1, 1, 2], "t": [1, 2, 1], "e": event}), **{"time": "t", "event": "e", "id": "id", **options}), DATA, words)
      for what, options, event, words in [("of no time", {"time": "q"}, [0, 1, 0], "no column 'q'; the columns are id, t, e"), ("by nothing", {"by": "q"}, [0, 1, 0], "no column 'q' to tell groups apart"), ("of two events", {}, [0, 2, 0], "as mlm.person_period makes it")]],
    *[(f"persons {what}", lambda rows=rows, cuts=cuts: mlm.person_period(pd.DataFrame({"id": [1, 2], "time": [3, 2], "event": [1, 0]}).iloc[:rows], "time", "event", id="id", cuts=cuts), DATA, words)
      for what, rows, cuts, words in [("none", 0, None, "no rows"), ("in periods of -1", 2, -1, "is the length of a period, a positive number"), ("in falling periods", 2, [5, 3], "each larger than the one before")]],
]

MARGINAL = [
    *[(f"gee {what}", call, kind, words) for what, call, kind, words in [
        ("weights in its other moments", _gee(moments="statsmodels", weights="size"), VALUE, "takes neither weights nor trials"), ("one weight", _gee(weights=2.0), VALUE, "one value for each row"), ("theta below zero", _gee("c ~ x", family="nbinom2", dispersion=-1), VALUE, "must be above 0"),
        ("nested in its other moments", _gee("y ~ x", _table(h=np.arange(N) // 4), groups="g/h", corr="nested", moments="statsmodels"), VALUE, "leave moments= out"), ("nested in name", _gee("y ~ x", _table(h=np.arange(N) // 8), groups="g/h", corr="nested"), DATA, "a nested correlation cannot be estimated"),
        ("of uneven times in its other moments", _gee("y ~ x", lambda: base().iloc[np.arange(N) % 5 > 0], corr="ar1", time="t", moments="statsmodels"), DATA, "equally spaced, and these are not"), ("of every time", _gee("y ~ x", _table(t=np.arange(N) * 1.0), corr="unstructured", time="t"), DATA, "96 different times"),
        ("few rows", _gee("y ~ x + z + w + t", lambda: base().iloc[[0, 9, 18]]), DATA, "3 rows cannot carry 5 coefficients"), ("categories by a link", _gee("f ~ x", family="nominal", link="probit", corr="independence"), VALUE, "choose logit"),
        ("categories with an offset", _gee("f ~ x", family="nominal", offset="z", corr="independence"), VALUE, "leave it out"), ("categories of nothing", _gee("o ~ 1", ordered, family="ordinal", corr="independence"), FORMULA, "needs a predictor"),
        *[(f"categories told by a measured x, {family}",
           _gee("o ~ x", lambda: ordered().assign(x=ordered().o.cat.codes + np.linspace(0.0, 0.9, len(ordered()))), family=family),
           DATA, "separates the categories") for family in ("ordinal", "multinomial")],
        ("categories told by x", _gee("o ~ x", lambda: ordered().assign(x=ordered().o.cat.codes.astype(float)), family="ordinal", corr="independence"), DATA, "separates the categories")]],
    ("qic at 0", asked("gee", "qic", scale=0), VALUE, "must be above 0"), ("errors of no kind", asked("gee", "cov_params", "q"), VALUE, "choose one of 'robust'"), ("intervals of variances", asked("gee", "conf_int", which="all"), VALUE, "intervals of its coefficients alone"),
    ("a working correlation of none", asked("gee", "working_correlation", "q"), VALUE, "no group 'q'; the first is"), ("means on no scale", asked("gee", "predict", scale="q"), VALUE, "'response' or 'link'"), ("new rows of values", asked("gee values", "predict", base()), DATA, "name a column"),
    ("thresholds of no order", asked("gee categories", "threshold_table"), DATA, "Unordered categories have no thresholds"), ("refit of three", asked("gee", "refit", np.zeros(3)), DATA, "refit needs 96 finite outcomes"),
    *[(f"panel {what}", call, kind, words) for what, call, kind, words in [
        ("times as values", lambda: mlm.panel("y ~ x", base(), groups="g", time=base().t), DATA, "such as time='year'"), ("differences of one row", lambda: mlm.panel("y ~ x", base().iloc[::8], groups="g", time="t", effects="first-difference"), DATA, "no differences to take"),
        ("instruments without an intercept", lambda: mlm.panel("y ~ 0 + x + w", base(), groups="g", effects="hausman-taylor", endogenous="x"), DATA, "needs the intercept"), ("new groups otherwise", asked("within", "predict", base(), new_groups="q"), VALUE, "'population' or 'error'"),
        ("variances on no scale", asked("within", "random_table", "q"), VALUE, "'variance' or 'sd'"), ("Breusch and Pagan, weighted", of("weighted", "breusch_pagan"), VALUE, "fit again without weights="),
        ("Breusch and Pagan of one row a group", lambda: mlm.breusch_pagan(mlm.panel("y ~ x", base().iloc[::8], groups="g", effects="pooled")), VALUE, "has one row; nothing can be told"),
        ("Hausman by no method", lambda: mlm.hausman(fit("within"), fit("of groups"), method="q"), VALUE, "'classical', 'auxiliary' or 'robust'"), ("means of what is constant", of("of groups", "mundlak_test"), VALUE, "no group means to add")]],
    *[(f"robust {what}", call, kind, words) for what, call, kind, words in [
        ("degrees of none", of("ols", "robust", "g", ddf="q"), VALUE, "ddf='q' is not known"), ("in three ways", of("ols", "robust", ["g", "t", "f"]), VALUE, "3 clusterings; one or two"), ("by a table", of("ols", "robust", np.zeros((N, 2))), DATA, "one value a row"),
        ("of crossed factors", of("crossed", "robust"), DATA, "are crossed, so that no cluster is independent"), ("of memberships", of("mm", "robust", "g"), FORMULA, "so no clusters hold them apart"), ("of two parts", of("zip", "robust", "g"), FORMULA, "use fit.bootstrap(kind='cluster')"),
        ("as if independent", of("lmm", "robust", working="identity"), FORMULA, "fit with mlm.ols"), ("worked otherwise", of("ols", "robust", "g", working="q"), VALUE, "'model' (the covariance"), ("leverage in no clustering", asked("robust", "leverage", "q"), VALUE, "no clustering 'q'; there is g"),
        ("Kenward and Roger", asked("robust", "coef_table", ddf="kenward-roger"), VALUE, "trust the model's covariance"), ("a test of nothing", asked("constant", "wald_test"), VALUE, "only an intercept"), ("wild in two ways", asked("two-way", "wild_bootstrap", "x = 0"), VALUE, "say groups= to mlm.wild_bootstrap"),
        ("wild of two ways", of("two-way", "wild_bootstrap", "x = 0"), VALUE, "say groups="), ("wild in two", of("ols", "wild_bootstrap", "x = 0", ["g", "t"]), VALUE, "is for one clustering"), ("wild of no kind", of("ols", "wild_bootstrap", "x = 0", "g", kind="q"), VALUE, "choose one of")]],
    ("estimators of groups as values", lambda: mlm.estimators("y ~ x", base(), groups=base().g), VALUE, "must be the name of a column"),
]

TABLES_AND_TIME = [
    *[(f"growth: {what}", call, DATA, words) for what, call, words in [
        ("a lag at no time", lambda: growth.lag(put("t", 3, np.nan), "x", "g", "t"), "'t' is missing in 1 rows"), ("waves at no time", lambda: growth.waves(put("t", 3, np.nan), "g", "t"), "'t' is missing in 1 rows"), ("waves of nothing", lambda: growth.waves(base(y=np.nan), "g", "t", "y"), "No row has a value of 'y'"),
        ("a lag of nobody", lambda: growth.lag(put("g", 3, np.nan), "x", "g", "t"), "'g' is missing in 1 rows"), ("no time", lambda: growth.code_time(base(t=np.nan), "t"), "'t' has no finite value"),
        ("a date that is none", lambda: growth.event(base(t=pd.date_range("2020-01-01", periods=N)), "t", at="q"), "a date or a column of dates; got 'q'"), ("an origin that is none", lambda: growth.code_time(base(t=pd.date_range("2020-01-01", periods=N)), "t", origin="q"), "'q'"),
        ("no growth", lambda: growth.latent_basis("y ~ basis + (1 + basis | g)", base(t=np.arange(N) % 8, y=base().w + base().z), "t", anchors={0: 0, 9: 1}), "9")]],
    ("an icc of rows", lambda: icc_anova(np.arange(4.0), np.arange(4)), DATA, "4 rows in 4 groups: an ICC needs"), ("an icc of what is missing", lambda: icc_anova(np.array([1, 2, np.nan, 4]), np.array([1, 1, 2, 2])), DATA, "missing or infinite values"),
    ("an icc of 2", lambda: mlm.simulate.intervention(icc=2), DATA, "from 0 to 1, not 2"), ("tau of three", lambda: mlm.simulate.two_level(4, 5, tau=np.eye(3)), DATA, "a 2 x 2 covariance matrix"),
    *[(f"formula: {text}", _lmm(text), kind, words) for text, kind, words in [
        ("3 ~ x + (1 | g)", FORMULA, "must be a column or a function of one"), ("y ~ (x + (1 | g)", FORMULA, "can only be added"), ("y ~ (x + z", FORMULA, "Expected ')'"), ("y ~ x + C(f, 3) + (1 | g)", FORMULA, "is not a contrast; use Treatment"),
        ("y ~ C(f, levels=['a', 'b']) + (1 | g)", DATA, "leaves out ['c'], which the data hold"), ("y ~ bs(one, df=4) + (1 | g)", DATA, "does not vary, or boundary= is not (low, high)"),
        ("y ~ bs(x, df=4, boundary=(1, 0)) + (1 | g)", DATA, "boundary= is not (low, high)"), ("y ~ x + (1 | mm(g, t, weights=(I(0 * z), I(0 * z))))", (DATA, FORMULA), "weights")]],
    ("weights all zero", lambda: mlm.lmm("y ~ x + (1 | mm(g, t, weights=(a, b)))", base(a=np.where(np.arange(N) == 3, 0.0, 1.0), b=np.where(np.arange(N) == 3, 0.0, 1.0))), DATA, "are all zero in 1 rows"),
    ("a table that was not read", lambda: mlm.ols("y ~ x", __import__("polars").from_pandas(base()).lazy()), DATA, "call its collect() first"),
]

QUESTIONS = [*LINEAR, *GENERALIZED, *MARGINAL, *TABLES_AND_TIME]
assert J == 12  # as the numbers above have it
