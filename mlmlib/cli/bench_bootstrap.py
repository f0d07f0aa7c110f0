"""Part of `mlm bench`: the vignette's bootstrap test of `minority` and its bootstrap intervals, beside pbkrtest and lme4.

R's time is that of a hundred samples, the same work for each: two refits for the test, one for the intervals. It is given for a
thousand, so that it need not be waited for.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

NULL = "mathach ~ cses + (1 | school)"
FULL = "mathach ~ cses + minority + (1 | school)"
SLOPES = "mathach ~ cses + (1 + cses | school)"
SAMPLES, MEASURED = 1000, 100
R = """
suppressMessages({library(lme4); library(pbkrtest)})
hsb <- read.csv(file.path("data", "hsb.csv"))
full <- lmer(FULL, hsb, REML = FALSE)
null <- lmer(NULL_, hsb, REML = FALSE)
set.seed(1)
test <- system.time(found <- PBmodcomp(full, null, nsim = COUNT))[["elapsed"]]
y <- simulate(null, COUNT)
refits <- system.time(for (one in y) { refit(full, one); refit(null, one) })[["elapsed"]]
slopes <- lmer(SLOPES, hsb)
quiet <- function(call) suppressWarnings(suppressMessages(call))
boot <- system.time(quiet(bootMer(slopes, function(m) c(fixef(m), sigma(m)), nsim = COUNT)))[["elapsed"]]
cat(test, refits, boot, found$test["PBtest", "p.value"])
"""


def bootstrap(root: Path, hsb, clock) -> None:
    """Print the times of a bootstrap test and of a bootstrap, ours and R's."""
    import mlmlib as mlm

    null, full = (mlm.lmm(formula, hsb, reml=False) for formula in (NULL, FULL))
    ours, test = clock(lambda: mlm.compare(null, full, method="bootstrap", n=SAMPLES), 5)
    fit = mlm.lmm(SLOPES, hsb)
    own, boot = clock(lambda: fit.bootstrap(SAMPLES), 5)
    theirs = _in_r(root)
    print(f"HSB, bootstrap test of minority in {FULL}, ML, {SAMPLES} samples")
    print(f"  mlmlib       LR {test.statistic:.2f}   p {test.pvalue:.6f}   {ours:8.2f} s")
    if theirs is None:
        print("  pbkrtest     not measured: R with lme4 and pbkrtest is not on this machine")
        print(f"HSB, {SLOPES}, REML, {SAMPLES} parametric replicates\n  mlmlib       {boot.n} refits   {own:8.2f} s")
        return
    test_time, refits, boots = (seconds * SAMPLES / MEASURED for seconds in theirs)
    print(f"  pbkrtest     PBmodcomp   {test_time:8.1f} s, from {MEASURED} samples")
    print(f"  lme4         refit alone {refits:8.1f} s, from {MEASURED} samples")
    print(f"  mlmlib is {test_time / ours:,.0f} times as fast as pbkrtest, {refits / ours:,.0f} times as lme4's refits")
    print(f"HSB, {SLOPES}, REML, {SAMPLES} parametric replicates")
    print(f"  mlmlib       {boot.n} refits   {own:8.2f} s")
    print(f"  lme4         bootMer     {boots:8.1f} s, from {MEASURED} replicates")
    print(f"  mlmlib is {boots / own:,.0f} times as fast")


def _in_r(root: Path):
    """Seconds of PBmodcomp, of lme4's refits alone and of bootMer; None without R."""
    if shutil.which("Rscript") is None:
        return None
    code = R.replace("FULL", FULL).replace("NULL_", NULL).replace("SLOPES", SLOPES).replace("COUNT", str(MEASURED))
    done = subprocess.run(["Rscript", "-e", code], cwd=root, capture_output=True, text=True, check=False)
    return None if done.returncode else [float(part) for part in done.stdout.split()[:3]]
