"""Answer keys: data and fits that tests compare with, computed once for a whole class.

A test asks for ``key.lmm("math ~ 1 + (1 | schid)", "math", reml=False)``; the first submission pays for the fit, the
others find it ready. Nothing in a test is ever typed in as a result. Where editions leave out groups, the data set is named with
what is left: ``"math: schid not in [6053]"``; where they draw simulated data anew, with the seed: ``"patient(seed=5)"``.
"""
import re
from functools import lru_cache


@lru_cache
def data(name):
    """The data set `name`, as a reader gets it; of ``"name: condition"`` the rows that fulfill it. Tests must not change it."""
    import mlmlib as mlm
    if drawn := re.fullmatch(r"(\w+)\(seed=(\d+)\)", name):
        return getattr(mlm.simulate, drawn[1])(seed=int(drawn[2]))
    name, _, condition = name.partition(": ")
    return mlm.load(name).query(condition) if condition else mlm.load(name)


@lru_cache(maxsize=64)
def ols(formula, name):
    """Least-squares fit to the data set `name`."""
    import mlmlib as mlm
    return mlm.ols(formula, data(name))


@lru_cache(maxsize=64)
def lmm(formula, name, **options):
    """Mixed model fitted to the data set `name`."""
    import mlmlib as mlm
    return mlm.lmm(formula, data(name), **options)


@lru_cache(maxsize=64)
def glmm(formula, name, **options):
    """Generalized linear mixed model fitted to the data set `name`."""
    import mlmlib as mlm
    return mlm.glmm(formula, data(name), **options)


@lru_cache(maxsize=64)
def panel(formula, name, groups, **options):
    """Panel regression of the data set `name`."""
    import mlmlib as mlm
    return mlm.panel(formula, data(name), groups=groups, **options)


@lru_cache(maxsize=64)
def multivariate(formula, name, **options):
    """Model of several outcomes fitted to the data set `name`."""
    import mlmlib as mlm
    return mlm.multivariate(formula, data(name), **options)


@lru_cache(maxsize=64)
def simulated_power(effect, *, true=None, replicates, seed, analysis, **plan):
    """Power by simulation of a cluster-randomized plan, by analysis; `true` is the effect that is drawn, if another one than is planned for."""
    import mlmlib as mlm
    planned = mlm.power.cluster_randomized(effect, **plan)
    drawn = {} if true is None else {"effect": true}
    return mlm.power.simulate(planned, replicates=replicates, seed=seed, analysis=list(analysis), progress=False, **drawn).table["power"]


def variance(fit, name="Intercept"):
    """A variance (or covariance) of the random part by its name; ``"Residual"`` for sigma squared."""
    rows = fit.variance_components
    wanted = rows["group"] == "Residual" if name == "Residual" else rows["name"] == name
    return float(rows.loc[wanted, "variance"].iloc[0])


@lru_cache(maxsize=256)
def question(asked, fit=None, **facts):
    """A question of `mlmlib.feedback`: the right answer and what known mistakes give."""
    import mlmlib as mlm
    return mlm.feedback.question(asked, fit, **facts)
