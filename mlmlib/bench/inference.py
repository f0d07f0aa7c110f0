"""What comes after the fit, beside R: Kenward-Roger, each school left out, bootstrap tests and intervals; on HSB.

R's bootstraps are timed on fifty samples, the same work for each, and given for a thousand, so that they need not be waited for.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

__all__ = ["inference"]

OUTCOMES = "mathach ~ mean_ses * cses + sector * cses + (1 + cses | school)"
SLOPES = "mathach ~ cses + (1 + cses | school)"
NULL = "mathach ~ cses + (1 | school)"
FULL = "mathach ~ cses + minority + (1 | school)"
SAMPLES, MEASURED = 1000, 50

HEAD = """
suppressMessages({library(lme4); library(pbkrtest)})
hsb <- read.csv("FILE", stringsAsFactors = TRUE)
hsb$sector <- relevel(hsb$sector, "Public")
cpu <- function(call) sum(system.time(call)[1:2])
quiet <- function(call) suppressWarnings(suppressMessages(call))
tell <- function(name, ...) cat(name, ..., "\\n")
"""
KENWARD = """
m <- lmer(OUTCOMES, hsb, control = lmerControl(optimizer = "bobyqa", calc.derivs = FALSE))
spent <- cpu({
  adjusted <- vcovAdj(m); plain <- vcov(m)
  df <- sapply(seq_along(fixef(m)), function(k) Lb_ddf(diag(length(fixef(m)))[k, ], plain, adjusted))
})
tell("kenward", spent, min(df), max(df))
m <- lmer(SLOPES, hsb)
tell("deletion", cpu(found <- influence(m, "school")), max(cooks.distance(found)))
"""
BOOTSTRAP = """
full <- lmer(FULL, hsb, REML = FALSE)
null <- lmer(NULL_, hsb, REML = FALSE)
set.seed(1)
tell("test", cpu(found <- PBmodcomp(full, null, nsim = COUNT)))
y <- simulate(null, COUNT)
tell("refits", cpu(for (one in y) { refit(full, one); refit(null, one) }))
slopes <- lmer(SLOPES, hsb)
tell("boot", cpu(quiet(bootMer(slopes, function(m) c(fixef(m), sigma(m)), nsim = COUNT))))
"""


def clock(what, times: int):
    """The median of the processor seconds of some calls, and what the last one gave."""
    spent = []
    for _ in range(times):
        began = time.process_time()
        result = what()
        spent.append(time.process_time() - began)
    return statistics.median(spent), result


def inference(quick: bool = False, say=print) -> list[dict]:
    """Rows of what was done, by whom, in how many seconds, and what both found."""
    import numpy as np

    import mlmlib as mlm
    from mlmlib.inference.kenward_roger import KenwardRoger

    hsb = mlm.load("hsb")
    theirs = in_r(hsb, HEAD + KENWARD + ("" if quick else BOOTSTRAP))
    rows = []

    def row(title, seconds, ours, program, key, other="", scale=1.0):
        rows.append({"title": title, "ours": seconds, "found": ours, "program": program, "other": other,
                     "seconds": theirs[key][0] * scale if key in theirs else None})
        own = rows[-1]
        told = "not measured: R with lme4 and pbkrtest is not here" if own["seconds"] is None else (
            f"{own['seconds'] * 1e3:10.1f} ms, {own['seconds'] / seconds:,.0f} times ours, {other}")
        say(f"  {title}\n    mlmlib    {seconds * 1e3:10.2f} ms, {ours}\n    {program:<9} {told}")

    outcomes, slopes = mlm.lmm(OUTCOMES, hsb), mlm.lmm(SLOPES, hsb)
    seconds, df = clock(lambda: KenwardRoger(outcomes).df(np.eye(len(outcomes.params))), 21)
    row("Kenward-Roger covariance and degrees of freedom of all coefficients, intercepts and slopes as outcomes",
        seconds, f"df {df.min():.4f} to {df.max():.4f}", "pbkrtest", "kenward",
        "df {:.4f} to {:.4f}".format(*theirs["kenward"][1:]) if theirs else "")
    seconds, found = clock(lambda: mlm.influence(slopes), 5)
    schools = len(found.labels)
    largest = found.table["cooks"].max() * (1 - 2 / schools)  # scaled as lme4 scales it
    row("Each of 160 schools left out, everything estimated again", seconds, f"largest Cook's distance {largest:.4f}",
        "lme4", "deletion", f"largest Cook's distance {theirs['deletion'][1]:.4f}" if theirs else "")
    if quick:
        return rows
    null, full = (mlm.lmm(formula, hsb, reml=False) for formula in (NULL, FULL))
    seconds, test = clock(lambda: mlm.compare(null, full, method="bootstrap", n=SAMPLES), 3)
    times = SAMPLES / MEASURED
    row(f"Bootstrap test of minority, {SAMPLES} samples", seconds, f"LR {test.statistic:.2f}", "pbkrtest", "test",
        f"from {MEASURED} samples", times)
    row("The same, against lme4's refits alone", seconds, f"{2 * SAMPLES} fits", "lme4", "refits",
        f"from {2 * MEASURED} fits", times)
    seconds, boot = clock(lambda: slopes.bootstrap(SAMPLES), 3)
    row(f"Parametric bootstrap of the random slopes, {SAMPLES} replicates", seconds, f"{boot.n} refits", "lme4", "boot",
        f"bootMer, from {MEASURED} replicates", times)
    return rows


def in_r(hsb, code: str) -> dict:
    """The numbers that R told, by name; none without R, lme4 and pbkrtest."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return {}
    for name, value in {"OUTCOMES": OUTCOMES, "FULL": FULL, "NULL_": NULL, "SLOPES": SLOPES, "COUNT": str(MEASURED)}.items():
        code = code.replace(name, value)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hsb.csv"
        hsb.to_csv(file, index=False)
        done = subprocess.run([rscript, "-e", code.replace("FILE", file.as_posix())], capture_output=True, text=True,
                              check=False)
    if done.returncode:
        return {}
    return {name: [float(value) for value in values] for name, *values in map(str.split, done.stdout.splitlines())}
