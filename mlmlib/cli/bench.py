"""`mlm bench`: the HSB random-coefficient model by mlmlib and by statsmodels, in one run on one machine."""

from __future__ import annotations

import statistics
import time
import warnings
from pathlib import Path

FORMULA = "mathach ~ cses + (1 + cses | school)"


def clock(fit, times: int):
    """The median time of one fit in seconds, and the last fit."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        result = fit()
        spent.append(time.perf_counter() - began)
    return statistics.median(spent), result


def run(root: Path, args) -> int:
    """Print criterion, evaluations and times."""
    import mlmlib as mlm

    hsb = mlm.load("hsb")
    ours, fit = clock(lambda: mlm.lmm(FORMULA, hsb), 9)
    print(f"HSB, {FORMULA}, REML, {fit.nobs} students")
    print(f"  mlmlib       criterion {fit.criterion:.6f}   {fit.n_evaluations:>4} evaluations   {ours * 1000:8.1f} ms")

    import statsmodels.formula.api as smf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, other = clock(lambda: smf.mixedlm("mathach ~ cses", hsb, groups="school", re_formula="~cses").fit(method="powell"), 3)
    # statsmodels adds the constant of the restricted likelihood in the same way; its criterion is -2 log L
    print(f"  statsmodels  criterion {-2 * other.llf:.6f}   powell             {theirs * 1000:8.1f} ms")
    print(f"  mlmlib is {theirs / ours:.1f} times as fast; its criterion is lower by {-2 * other.llf - fit.criterion:.2e}")
    return 0
