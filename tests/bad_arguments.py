"""Options and arguments that cannot be used, of every public function, each with the one clear error: see bad_input.py."""

from __future__ import annotations

import numpy as np
import pandas as pd

import mlmlib as mlm
from bad_input import DATA, FORMULA, VALUE, N, _asked, _glmm, _lmm, _of, _ones, base, fit, put
from mlmlib import growth

M = "y ~ x + (1 | g)"

OPTIONS = [
    ("reml no boolean", _lmm(M, reml="yes"), VALUE, "reml='yes' must be True"), ("reml None", _lmm(M, reml=None), VALUE, "reml=None must be True"),
    ("unknown structure", _lmm(M, covariance="banana"), FORMULA, "choose one of unstructured"),
    ("structure of no group", _lmm(M, covariance={"q": "identity"}), FORMULA, "names the group 'q'; the formula has g"),
    ("no column of weights", _lmm(M, weights="q"), DATA, "no column 'q'"), ("one weight", _lmm(M, weights=0), DATA, "1 values where the data have 96"),
    ("weights of zero", _lmm(M, weights=_ones(value=0.0)), DATA, "must all be positive; drop the rows"),
    ("one weight of zero", _lmm(M, weights=np.r_[0.0, _ones(95)]), DATA, "must all be positive"), ("negative weights", _lmm(M, weights=-_ones()), DATA, "must all be positive"),
    ("too few weights", _lmm(M, weights=_ones(5)), DATA, "5 values where the data have 96 rows"), ("weights of text", _lmm(M, weights="f"), DATA, "'f' is not a column of numbers"),
    ("a list of text", _lmm(M, weights=["a"] * N), DATA, "weights= must be the name of a column or one number for each row"),
    ("infinite weights", _lmm(M, weights=_ones(value=np.inf)), DATA, "infinite in 96 rows"), ("missing weights", _lmm(M, weights=_ones(value=np.nan)), DATA, "No row is complete"),
    ("no column of offsets", _lmm(M, offset="q"), DATA, "no column 'q'"), ("one offset", _lmm(M, offset=3.0), DATA, "1 values where"),
    ("infinite offset", _lmm(M, offset=_ones(value=np.inf)), DATA, "offset= is infinite"),
    ("correlation as text", _lmm(M, correlation="ar1"), FORMULA, "write such as correlation=mlm.ar1"), ("variance as text", _lmm(M, variance="x"), FORMULA, "write such as variance=mlm.by_group"),
    ("no time", _lmm(M, correlation=mlm.ar1("nope")), DATA, "no column 'nope'"), ("uneven times", _lmm(M, correlation=mlm.ar1("x")), DATA, "Use mlm.car1"),
    ("times of text", _lmm(M, correlation=mlm.car1("f")), DATA, "'f' holds categories"), ("variance of text", _lmm(M, variance=mlm.power_of("f")), DATA, "'f' holds categories"),
    ("variance of a constant", _lmm(M, variance=mlm.power_of("one")), DATA, "the same in all rows"), ("variance of nothing", _lmm(M, variance=mlm.by_group("nope")), DATA, "no column 'nope'"),
    ("no family", _glmm(family="banana"), VALUE, "choose one of gaussian"), ("family None", _glmm(family=None), VALUE, "choose one of gaussian"),
    *[(f"{family} of measurements", _glmm("y ~ x + (1 | g)", family=family), DATA, words) for family, words in [
        ("poisson", "needs counts"), ("gamma", "needs values above 0"), ("beta", "needs proportions above 0 and below 1"), ("nbinom2", "needs counts"), ("ordinal", "cut it into ordered"),
        ("multinomial", "choose family='gaussian'"), ("inverse-gaussian", "values above 0"), ("lognormal", "values above 0"), ("exponential", "values above 0"), ("zip", "needs counts"),
        ("hurdle-poisson", "needs counts"), ("geometric", "needs counts")]],
    *[(f"{family} of text", _glmm("f ~ x + (1 | g)", family=family), DATA, "'f' holds") for family in ("poisson", "gamma", "beta", "t", "gaussian", "ordinal")],
    ("gamma of zeros", _glmm("c ~ x + (1 | g)", family="gamma"), DATA, "has the value 0, and family='gamma'"), ("ordinal of two", _glmm(family="ordinal"), DATA, "Use family='binomial'"),
    ("no link", _glmm(link="banana"), VALUE, "is not a link: choose"), ("no method", _glmm(method="x"), VALUE, "choose one of 'laplace'"),
    ("no nodes", _glmm(method="agq", nodes=0), VALUE, "nodes=0 must be a whole number"), ("half a node", _glmm(method="agq", nodes=2.5), VALUE, "nodes=2.5"),
    ("a million nodes", _glmm(method="agq", nodes=10 ** 6), VALUE, "to 151"), ("nodes of Laplace", _glmm(nodes=5), VALUE, "belongs to method='agq'"),
    ("third order", _glmm(method="mql", order=3), VALUE, "must be 1 or 2"), ("no trials", _glmm(trials=0), DATA, "where there were 0 trials"), ("negative trials", _glmm(trials=-1), DATA, "whole numbers of at least 0"),
    ("half a trial", _glmm(trials=2.5), DATA, "whole numbers"), ("trials of text", _glmm(trials="f"), DATA, "not a column of numbers"), ("too few trials", _glmm(trials=_ones(3)), DATA, "3 values"),
    ("more successes than trials", _glmm(data=lambda: base(k=base().k * 7), trials="size"), DATA, "at most the trials"),
    ("exposure of zero", _glmm("c ~ x + (1 | g)", lambda: base(e=np.r_[0.0, _ones(95)]), family="poisson", exposure="e"), DATA, "not above 0 in 1 rows"),
    ("negative exposure", _glmm("c ~ x + (1 | g)", lambda: base(e=-1.0), family="poisson", exposure="e"), DATA, "not above 0 in 96 rows"),
    ("zero part of a binomial", _glmm(zero="~ x"), VALUE, "zero="), ("nominal of a binomial", _glmm(nominal="~ x"), VALUE, "nominal="),
    ("families of one", lambda: mlm.glmm(["k ~ x + (1 | g)", "c ~ x + (1 | g)"], base(), family=["binomial"]), VALUE, "1 entries for 2 outcomes"), ("no formulas", lambda: mlm.glmm([], base(), family=[]), FORMULA, "several outcomes"),
    ("ols by another method", lambda: mlm.ols("y ~ x", base(), method="q"), VALUE, "must be 'ols' or 'ml'"), ("ols of random terms", lambda: mlm.ols(M, base()), FORMULA, "fit it with mlm.lmm"),
    ("gls of nothing", lambda: mlm.gls("y ~ x", base()), FORMULA, "there is mlm.ols"), ("one outcome", lambda: mlm.multivariate(M, base()), FORMULA, "fit it with mlm.lmm"),
    ("equal of no term", lambda: mlm.multivariate("y + y2 ~ x + (1 | g)", base(), equal="q"), FORMULA, "names 'q', which is no term"),
    *[(f"panel {options}", lambda options=options: mlm.panel("y ~ x", base(), **{"groups": "g", **options}), (DATA, VALUE), words) for options, words in [
        ({"effects": "q"}, "choose one of 'pooled'"), ({"groups": "q"}, "no column 'q'"), ({"groups": None}, "name of one column"), ({"groups": ["g"]}, "name of one column"), ({"time": "q"}, "no column 'q'"),
        ({"effects": "two-way"}, "name its column in time="), ({"effects": "first-difference"}, "name its column in time="), ({"effects": "hausman-taylor"}, "endogenous="),
        ({"effects": "hausman-taylor", "endogenous": "q"}, "names 'q', which is not in the formula"), ({"effects": "random", "weights": "size"}, "takes no weights"), ({"effects": "first-difference", "time": "f"}, "two rows at f")]],
    ("panel of a random term", lambda: mlm.panel(M, base(), groups="g"), FORMULA, "Fit random terms with mlm.lmm"),
    *[(f"gee {options}", lambda options=options: mlm.gee("y ~ x", base(), **{"groups": "g", **options}), (DATA, VALUE), words) for options, words in [
        ({"corr": "q"}, "choose one of 'independence'"), ({"family": "q"}, "has no GEE; choose"), ({"link": "q"}, "is not a link"), ({"cov": "q"}, "choose one of 'robust'"), ({"groups": "q"}, "no column 'q'"),
        ({"groups": None}, "must be the name of a column"), ({"corr": "ar1"}, "needs time="), ({"corr": "ar1", "time": "f"}, "not a column of numbers"), ({"scale": -1}, "scale=-1 must be above 0"),
        ({"scale": 0}, "must be above 0"), ({"max_iter": 0}, "1 or more"), ({"moments": "q"}, "'geepack' or 'statsmodels'"), ({"trials": "size"}, "leave it out"), ({"dispersion": -1}, "has none")]],
    ("gee of a random term", lambda: mlm.gee(M, base(), groups="g"), FORMULA, "GEE has none"), ("gee of negative counts", lambda: mlm.gee("c ~ x", base(c=base().c - 2), groups="g", family="poisson"), DATA, "needs counts"),
    ("estimators of no family", lambda: mlm.estimators("y ~ x", base(), groups="g", family="q"), VALUE, "choose one of gaussian"), ("estimators of a random term", lambda: mlm.estimators(M, base(), groups="g"), FORMULA, "by groups= alone"),
]

NO_FIT = ("icc", "reliability", "diagnose", "influence", "residuals", "acf", "r2", "emmeans", "margins", "equations", "table", "robust", "exact_rlrt", "exact_lrt", "breusch_pagan", "mundlak_test", "contextual_effect",
          "elsewhere", "median_odds_ratio", "median_rate_ratio", "dispersion_test", "zeros_test", "outliers_test", "uniformity_test", "proportional_odds_test")
WITH = {"compare": (None,), "hausman": (None,), "proportional_reduction": (None,), "emtrends": ("x",), "slope": ("x",), "crossing": ("x", "f"), "wild_bootstrap": ("x = 0",), "translate": ("lme4",), "interval_odds_ratio": ("x",)}
PLOTS = ("caterpillar", "fitted_lines", "residuals", "shrinkage", "variance", "pooling", "profile_zeta", "power_curves", "survival", "acf", "origin", "margins", "means", "influence", "diagnosis", "random_effects", "bootstrap", "budget",
         "plausible_ranges")

ARGUMENTS = [
    *[(f"{name} of {value!r}", lambda name=name, value=value: getattr(mlm, name)(value), VALUE, "") for name in NO_FIT for value in (None, 3, "fit", {})],
    *[(f"{name} of None", lambda name=name, more=more: getattr(mlm, name)(None, *more), VALUE, "") for name, more in WITH.items()],
    *[(f"plots.{name} of None", lambda name=name: getattr(mlm.plots, name)(None), VALUE, "needs") for name in PLOTS],
    *[(f"plots.{name} of no column", lambda name=name, more=more: getattr(mlm.plots, name)(base(), *more), DATA, "no column 'q'") for name, more in {
        "scatter": ("q", "y"), "spaghetti": ("x", "y", "q"), "small_multiples": ("x", "y", "q"), "group_means": ("q", "g")}.items()],
    ("plots.scatter of None", lambda: mlm.plots.scatter(None, "x", "y"), DATA, "takes a pandas DataFrame"), ("plots.sampling of none", lambda: mlm.plots.sampling([]), VALUE, "at least one"),
    *[(f"{of}.predict {what}", lambda of=of, table=table: fit(of).predict(table()), DATA, words) for of in ("lmm", "glmm", "ols") for what, table, words in [
        ("no x", lambda: base().drop(columns="x"), "no column 'x'"), ("text", lambda: base(x="a"), "'x'"), ("missing", lambda: put("x", 3, np.nan), "miss 'x' in 1 rows (first: row 3)"), ("infinite", lambda: put("x", 3, np.inf), "'x' is infinite"),
        ("new category", lambda: base(f="zz"), "have zz in 'f', which the fit never saw"), ("nothing", dict, "no columns"), ("a number", lambda: 3, "must be a table"), ("x twice", lambda: pd.concat([base(), base()[["x"]]], axis=1), "Several columns")]],
    ("predict at 95", lambda: fit("lmm").predict(base(), interval="confidence", level=95), VALUE, "between 0 and 1"), ("predict an unknown interval", lambda: fit("lmm").predict(base(), interval="banana"), VALUE, "banana"),
    *[(f"{of}.predict without groups, interval {interval}", lambda of=of, interval=interval: fit(of).predict(base().drop(columns="g"), interval=interval), DATA,
       "no column 'g' in the new data to say in which group a row is") for of in ("lmm", "glmm") for interval in (None, "confidence")],
    ("predict new groups", lambda: fit("lmm").predict(base(g=99), new_groups="error"), DATA, "96 rows in groups of 'g'"), ("conf_int at 95", _asked("conf_int", 95), VALUE, "must lie between 0 and 1"),
    ("conf_int by no method", _asked("conf_int", method="x"), VALUE, "x"), ("conf_int of nothing", _asked("conf_int", of="qq / 2"), VALUE, "qq"), ("refit of three", _asked("refit", _ones(3)), DATA, "needs 96 finite outcomes"),
    ("refit of missing", _asked("refit", _ones(value=np.nan)), DATA, "needs 96 finite outcomes"), ("refit of a constant", _asked("refit", _ones()), DATA, "exactly"), ("simulate -1", _asked("simulate", -1), VALUE, "n=-1 must be a whole number"),
    ("simulate otherwise", _asked("simulate", 1, 1, "x"), VALUE, "'new' or 'kept'"), ("bootstrap 0", _asked("bootstrap", 0), VALUE, "0"), ("bootstrap of no kind", _asked("bootstrap", 5, kind="x"), VALUE, "x"),
    ("test of nothing", _asked("test", "q = 0"), VALUE, "q"), ("anova 4", _asked("anova", type=4), VALUE, "4"), ("coef_table by none", _asked("coef_table", ddf="x"), VALUE, "x"),
    ("icc at 95", _of("icc", 95), VALUE, "between 0 and 1"), ("icc of no group", _of("icc", group="q"), VALUE, "'q'"), ("icc of ols", _of("icc", model="ols"), VALUE, ""), ("reliability of no group", _of("reliability", "q"), VALUE, "'q'"),
    *[(f"design_effect {args}", lambda args=args: mlm.design_effect(*args), VALUE, "") for args in [(1.5, 10), (0.1, -3), (np.nan, 10), ("a", 10)]],
    ("compare other rows", lambda: mlm.compare(fit("lmm"), mlm.lmm(M, base().iloc[:80])), VALUE, "rows"), ("compare other outcomes", lambda: mlm.compare(fit("lmm"), mlm.lmm("y2 ~ x + (1 | g)", base())), VALUE, "outcome"),
    ("compare by none", _of("compare", None), VALUE, "None"), ("emmeans of nothing", _of("emmeans", "q"), VALUE, "'q'"), ("emmeans adjusted by none", _of("emmeans", "f", adjust="q"), VALUE, "q"), ("emmeans at 95", _of("emmeans", "f", level=95), VALUE, "between 0 and 1"),
    ("emtrends of a category", _of("emtrends", "f"), VALUE, "'f'"), ("margins of nothing", _of("margins", "q"), VALUE, "'q'"), ("margins at nothing", _of("margins", at={"q": [1]}), VALUE, "'q'"), ("margins at no category", _of("margins", at={"f": ["zz"]}), VALUE, "zz"),
    ("slope of nothing", _of("slope", "q"), VALUE, "q"), ("acf of no lag", _of("acf", 0), VALUE, "0"), ("acf of no time", _of("acf", time="q"), VALUE, "'q'"), ("residuals of no kind", _of("residuals", "q"), VALUE, "q"), ("influence of no group", _of("influence", group="q"), VALUE, "q"),
    ("robust of no kind", _of("robust", kind="q"), VALUE, "q"), ("robust by no column", _of("robust", "q"), VALUE, "'q'"), ("robust by three", _of("robust", _ones(3)), VALUE, "3"), ("robust by one", _of("robust", _ones()), VALUE, ""), ("robust of ols", _of("robust", model="ols"), VALUE, "groups"),
    ("wild of nothing", _of("wild_bootstrap", "q = 0", "g", model="ols"), VALUE, "q"), ("wild 0", _of("wild_bootstrap", "x = 0", "g", n=0, model="ols"), VALUE, "0"), ("translate to none", _of("translate", "q"), VALUE, "q"), ("translate half", lambda: mlm.translate("y ~", "lme4"), FORMULA, "ends too soon"),
    ("elsewhere of half", lambda: mlm.elsewhere("fit"), FORMULA, "has no outcome"), ("table of none", lambda: mlm.table(), VALUE, ""), ("table of no show", _of("table", show="q"), VALUE, "'se', 'ci', 'p'"), ("table of -1 digits", _of("table", digits=-1), VALUE, "digits=-1 must be"), ("equations in no form", _of("equations", form="q"), VALUE, "'levels'"),
    ("load nothing", lambda: mlm.load("q"), DATA, "no data set 'q'. load() knows"), ("load 3", lambda: mlm.load(3), DATA, "load() knows"), ("describe nothing", lambda: mlm.describe("q"), DATA, "no data set 'q'"),
    *[(f"center {what}", call, DATA, words) for what, call, words in [
        ("nothing", lambda: mlm.center(base(), "q"), "no column 'q'"), ("text", lambda: mlm.center(base(), "f"), "not numbers"), ("in no groups", lambda: mlm.center(base(), "x", "q"), "no column 'q'"), ("how", lambda: mlm.center(base(), "x", "g", how="q"), "'q'"),
        ("None", lambda: mlm.center(None, "x"), "takes a pandas DataFrame, not NoneType"), ("a dict", lambda: mlm.center({"x": [1, 2]}, "x"), "takes a pandas DataFrame, not dict"), ("twice", lambda: mlm.center(pd.concat([base(), base()[["x"]]], axis=1), "x"), "Several columns"),
        ("infinite", lambda: mlm.center(put("x", 1, np.inf), "x"), "'x' is infinite in 1 rows"), ("in missing groups", lambda: mlm.center(base(g=np.nan), "x", "g"), "'g' is missing in every row")]],
    ("split what does not vary", lambda: mlm.within_between(base(), "w", "g"), DATA, "does not vary within groups of 'g'"), ("split twice", lambda: mlm.within_between(mlm.within_between(base(), "x", "g"), "x", "g"), DATA, "already have a column 'x_between'"),
    ("split None", lambda: mlm.within_between(None, "x", "g"), DATA, "takes a pandas DataFrame"), ("means of nothing", lambda: mlm.group_means("y ~ q", base(), groups="g"), DATA, "no column 'q'"), ("means in no form", lambda: mlm.group_means("y ~ x", base(), groups="g", form="q"), VALUE, "'hybrid' or 'mundlak'"),
    *[(f"persons {what}", lambda change=change: mlm.person_period(pd.DataFrame({"id": [1, 2, 3], "time": [3, 2, 4], "event": [1, 0, 1], **change}), "time", "event", id="id"), DATA, words) for what, change, words in [
        ("before the start", {"time": [-1, 2, 3]}, "'time' holds -1"), ("at the start", {"time": [0, 2, 3]}, "whole numbers from 1 on"), ("between periods", {"time": [1.5, 2, 3]}, "Cut durations"), ("never", {"time": [np.nan, 2, 3]}, "missing in 1 rows"), ("in words", {"time": list("abc")}, "not numbers"),
        ("in three events", {"event": [1, 2, 3]}, "censored="), ("for ever", {"time": [np.inf, 2, 3]}, "'time' holds inf"), ("for a billion periods", {"time": [1e9, 2, 3]}, "use longer periods"), ("three times", {"id": [1, 1, 1]}, "several rows")]],
    ("persons None", lambda: mlm.person_period(None, "time", "event"), DATA, "takes a pandas DataFrame"), ("life_table of None", lambda: mlm.life_table(None), DATA, "time=..."),
    *[(f"power {options}", lambda options=options: mlm.power.cluster_randomized(0.3, **{"icc": 0.1, "groups": 10, "n": 5, **options}), DATA, words) for options, words in [
        ({"icc": 2}, "from 0 to 1"), ({"icc": np.nan}, "from 0 to 1"), ({"icc": "a"}, "must be a number"), ({"groups": 1}, "degrees of freedom"), ({"n": 0}, "must be 1 or more"), ({"power": 2}, "Here all are given"), ({"alpha": 0}, "alpha=0"), ({"sides": 3}, "choose one of 1, 2"),
        ({"share": 1}, "share=1"), ({"outcome": "q"}, "choose one of 'continuous'"), ({"outcome": "binary"}, "needs control=")]],
    ("no budget", lambda: mlm.power.budget(-5, effect=0.3, cost_unit=1, cost_group=10, icc=0.1), DATA, "total=-5 must be above zero"), ("simulate None", lambda: mlm.power.simulate(None), DATA, "not NoneType"),
    ("waves of nothing", lambda: growth.waves(base(), "g", "q"), DATA, "no column 'q'"), ("waves of None", lambda: growth.waves(None, "g", "t"), DATA, "takes a pandas DataFrame"), ("lags of doubled times", lambda: growth.lag(base(t=0), "x", "g", "t"), DATA, "two rows at t = 0"),
    ("lag 0", lambda: growth.lag(base(), "x", "g", "t", n=0), DATA, "not zero"), ("time of text", lambda: growth.code_time(base(), "f"), DATA, "not numbers"), ("time in units of 0", lambda: growth.code_time(base(), "t", unit=0), DATA, "positive number"), ("growth in no shape", lambda: growth.formula("y", "t", "g", shape="q"), FORMULA, "shape= is one of"),
    ("results changed", lambda: setattr(fit("lmm"), "sigma", 3), AttributeError, "Results are immutable"),
]
