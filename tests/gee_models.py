"""Marginal models whose code for R is run: here they are fitted, and `python tests/gee_models.py` lets geepack fit them.

What R says (geepack, emmeans) is kept in ``tests/translated_gee.json`` with the code that made it, so that tests need no R.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

import mlmlib as mlm

STORE = Path(__file__).with_name("translated_gee.json")

FITS = {  # name: table, formula, settings
    "wheeze": ("ohio", "resp ~ age * smoke", {"groups": "id", "family": "binomial"}),
    "wheeze, ar1": ("ohio", "resp ~ age + smoke", {"groups": "id", "family": "binomial", "corr": "ar1", "time": "age"}),
    "wheeze, unstructured": ("ohio", "resp ~ age + smoke", {"groups": "id", "family": "binomial", "corr": "unstructured", "time": "age"}),
    "wheeze, text": ("ohio", "wheezes ~ age + C(smoke)", {"groups": "child", "family": "binomial", "link": "probit", "corr": "independence"}),
    "wheeze, shuffled": ("mixed", "resp ~ age + smoke", {"groups": "id", "family": "binomial"}),
    "pigs": ("dietox", "Weight ~ Time * Cu", {"groups": "Pig", "corr": "ar1", "time": "Time"}),
    "pigs, squares": ("dietox", "Weight ~ Time + I(Time ** 2) + Cu", {"groups": "Pig"}),
    "pigs, scale": ("dietox", "Weight ~ Time + Cu", {"groups": "Pig", "scale": 2.0, "cov": "model"}),
    "cattle": ("cbpp", "incidence ~ period", {"groups": "herd", "family": "binomial", "trials": "size"}),
    "seizures": ("epil", "y ~ lbase * trt + lage + V4", {"groups": "subject", "family": "poisson"}),
    "seizures, rate": ("epil", "y ~ lbase + trt", {"groups": "subject", "family": "poisson", "exposure": "weeks"}),
    "reaction, gamma": ("sleepstudy", "Reaction ~ Days", {"groups": "Subject", "family": "gamma"}),
    "odd names": ("odd", "`the answer` ~ `her age`", {"groups": "the child", "family": "binomial"}),
}
PAIRS = {  # nested fits: table, smaller, larger, settings
    "smoke": ("ohio", "resp ~ age", "resp ~ age * smoke", {"groups": "id", "family": "binomial"}),
    "age as a category": ("ohio", "resp ~ age", "resp ~ C(age)", {"groups": "id", "family": "binomial"}),
    "copper": ("dietox", "Weight ~ Time", "Weight ~ Time * Cu", {"groups": "Pig"}),
    "treatment": ("epil", "y ~ lbase", "y ~ lbase * trt", {"groups": "subject", "family": "poisson"}),
}
MEANS = {  # fits whose means emmeans gives, and the category
    "seizures, additive": ("epil", "y ~ lbase + lage + V4 + trt", {"groups": "subject", "family": "poisson"}, "trt"),
    "copper": ("dietox", "Weight ~ Time + Cu", {"groups": "Pig"}, "Cu"),
    "period": ("cbpp", "incidence ~ period", {"groups": "herd", "family": "binomial", "trials": "size"}, "period"),
}


@cache
def table(name):
    """The data of a fit, columns added."""
    ohio = mlm.load("ohio")
    if name == "odd":
        return ohio.rename(columns={"resp": "the answer", "age": "her age", "id": "the child"})
    if name == "mixed":
        return ohio.sample(frac=1.0, random_state=3)
    found = mlm.load(name).copy()
    if name == "ohio":
        found["wheezes"] = np.where(found["resp"] == 1, "yes", "no")
        found["child"] = [f"c{one}" for one in found["id"]]
    if name == "epil":
        found["weeks"] = 2.0 + found["period"] % 2
    return found


@cache
def fit(name):
    rows, formula, settings = FITS[name]
    return mlm.gee(formula, table(rows), **settings)


def codes():
    """{fit: code} for R."""
    return {name: str(fit(name).translate("geepack", data=rows)) for name, (rows, *_) in FITS.items()}


def run(rscript: str) -> dict:
    """geepack's coefficients, standard errors and correlations of every code; its anova; emmeans' means."""
    lines = ["suppressPackageStartupMessages({library(geepack); library(emmeans)})", "options(digits = 15, warn = -1)",
             "say <- function(x) paste(format(as.numeric(x), digits = 15), collapse = ' ')"]
    start = "{rows} <- read.csv('{rows}.csv', check.names = FALSE)"

    def add(kind, name, rows, code, *values):
        said = ", '|', ".join(f"say({value})" for value in values)
        lines.append(f"try(local({{ {start.format(rows=rows)}; invisible({{\n{code}\n}}); cat('RESULT|{kind}|{name}|', {said}, '\\n', sep = '') }}))")

    asked = codes()
    for name, code in asked.items():
        naive = FITS[name][2].get("cov") == "model"
        errors = code.splitlines()[-1].partition("  #")[0] if naive else "sqrt(diag(fit$geese$vbeta))"
        add("fit", name, FITS[name][0], _quiet(code), "coef(fit)", errors, "c(fit$geese$alpha, 0)")
    for name, (rows, small, large, settings) in PAIRS.items():
        both = [_quiet(str(mlm.gee(one, table(rows), **settings).translate("geepack", data=rows))) for one in (small, large)]
        add("anova", name, rows, f"{both[0]}\nsmall <- fit\n{both[1]}\ntest <- anova(small, fit)", "test$X2", "test$Df")
    for name, (rows, formula, settings, over) in MEANS.items():
        code = _quiet(str(mlm.gee(formula, table(rows), **settings).translate("geepack", data=rows)))
        add("means", name, rows, f"{code}\nm <- summary(emmeans(fit, '{over}', type = 'response', data = {rows}))", "m[[2]]", "m$SE", "m[[5]]")
    with tempfile.TemporaryDirectory() as folder:
        for rows in {rows for rows, *_ in (*FITS.values(), *PAIRS.values(), *MEANS.values())}:
            table(rows).to_csv(Path(folder, f"{rows}.csv"), index=False)
        Path(folder, "run.R").write_text("\n".join(lines), encoding="utf-8")
        done = subprocess.run([rscript, "run.R"], cwd=folder, capture_output=True, text=True, timeout=600)
    found: dict = {"fit": {}, "anova": {}, "means": {}}
    for line in done.stdout.splitlines():
        if line.startswith("RESULT|"):
            _, kind, name, *values = line.split("|")
            numbers = [[float(x) for x in value.split()] for value in values]
            found[kind][name] = {"code": asked[name], "coefficients": numbers[0], "se": numbers[1], "alpha": numbers[2][:-1]} \
                if kind == "fit" else {"values": numbers}
    missing = [name for kind, names in (("fit", FITS), ("anova", PAIRS), ("means", MEANS)) for name in names if name not in found[kind]]
    if missing:
        print(missing, done.stderr[-3000:], file=sys.stderr)
    return found


def _quiet(code: str) -> str:
    """The code with a tight search and without printing."""
    return code.replace("summary(fit)", "").replace("corstr =", "control = geese.control(epsilon = 1e-12, maxit = 200), corstr =")


if __name__ == "__main__":
    program = shutil.which("Rscript")
    if not program:
        sys.exit("Rscript is not here.")
    STORE.write_text(json.dumps(run(program), indent=1) + "\n", encoding="utf-8")
