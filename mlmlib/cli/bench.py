"""`mlm bench`: HSB by mlmlib and by others, in one run on one machine: the random-coefficient model by statsmodels, the
Kenward-Roger tests of intercepts and slopes as outcomes by pbkrtest where R is there."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

from mlmlib.cli.bench_bootstrap import bootstrap

FORMULA = "mathach ~ cses + (1 + cses | school)"
OUTCOMES = "mathach ~ mean_ses * cses + sector * cses + (1 + cses | school)"
PBKRTEST = """
suppressMessages({library(lme4); library(pbkrtest)})
hsb <- read.csv("FILE")
hsb$sector <- factor(hsb$sector, c("Public", "Catholic"))
m <- lmer(FORMULA, hsb, control = lmerControl(optimizer = "bobyqa", calc.derivs = FALSE))
spent <- system.time({
  adjusted <- vcovAdj(m); plain <- vcov(m)
  df <- sapply(seq_along(fixef(m)), function(k) Lb_ddf(diag(length(fixef(m)))[k, ], plain, adjusted))
})[["elapsed"]]
cat(spent, df, "\\n")
"""

LME4 = """
suppressMessages(library(lme4))
hsb <- read.csv(file.path("data", "hsb.csv"))
m <- lmer(mathach ~ cses + (cses | school), hsb)
cat(system.time(found <- influence(m, "school"))[["elapsed"]], max(cooks.distance(found)))
"""


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
    kenward_roger(hsb)
    bootstrap(root, hsb, clock)

    spent, found = clock(lambda: mlm.influence(fit), 5)
    schools = len(found.labels)
    print(f"Each of {schools} schools left out, everything estimated again")
    print(f"  mlmlib       {found._deleted.evaluations:>4} evaluations   largest Cook's distance "
          f"{found.table['cooks'].max() * (1 - 2 / schools):.4f}   {spent * 1000:8.1f} ms")
    if shutil.which("Rscript"):
        done = subprocess.run(["Rscript", "-e", LME4], cwd=root, capture_output=True, text=True)
        if done.returncode == 0:
            seconds, largest = map(float, done.stdout.split())
            print(f"  lme4         influence()        largest Cook's distance {largest:.4f}   {seconds * 1000:8.1f} ms")
            print(f"  mlmlib is {seconds / spent:.0f} times as fast (Cook's distance as lme4 scales it: times (m - p) / m)")
    return 0


def kenward_roger(hsb) -> None:
    """Adjusted covariance and degrees of freedom of all coefficients, the model being fitted."""
    import numpy as np

    import mlmlib as mlm
    from mlmlib.inference.kenward_roger import KenwardRoger

    fit = mlm.lmm(OUTCOMES, hsb)
    ours, df = clock(lambda: KenwardRoger(fit).df(np.eye(len(fit.params))), 21)
    print(f"HSB, {OUTCOMES}, Kenward-Roger covariance and degrees of freedom of {len(df)} coefficients")
    print(f"  mlmlib       df {df.min():.4f} to {df.max():.4f}   {ours * 1000:8.2f} ms")
    found = pbkrtest(hsb)
    if found is None:
        print("  pbkrtest     not measured: R with lme4 and pbkrtest is not on this machine")
        return
    theirs, others = found
    print(f"  pbkrtest     df {min(others):.4f} to {max(others):.4f}   {theirs * 1000:8.0f} ms")
    print(f"  mlmlib is {theirs / ours:,.0f} times as fast")


def pbkrtest(hsb):
    """The time of pbkrtest in seconds, its fit not counted, and its degrees of freedom; None without R."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hsb.csv"
        hsb.to_csv(file, index=False)
        code = PBKRTEST.replace("FORMULA", OUTCOMES).replace("FILE", file.as_posix())
        done = subprocess.run([rscript, "-e", code], capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    spent, *df = map(float, done.stdout.split())
    return spent, df
