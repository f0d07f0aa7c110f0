"""Generalized models whose code for R is run: here they are fitted, and `python tests/general_models.py` lets R fit them.

What R says is kept in ``tests/translated_glmm.json`` with the code that made it, so that tests need no R.
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

STORE = Path(__file__).with_name("translated_glmm.json")
TARGETS = ("lme4", "glmmtmb", "ordinal")

FITS = {  # name: table, formula, settings
    "women": ("contraception", "use ~ age * child + I(age ** 2) + urban + (1 | district)", {}),
    "towns": ("contraception", "use ~ age + I(age ** 2) + urban + (1 + urban | district)", {}),
    "towns apart": ("contraception", "use ~ age + child + (1 + child || district)", {}),
    "women, probit": ("contraception", "use ~ age + urban + (1 | district)", {"link": "probit"}),
    "women, quadrature": ("contraception", "use ~ age + urban + (1 | district)", {"method": "agq", "nodes": 7}),
    "women, weights": ("contraception", "use ~ age + urban + (1 | district)", {"weights": "w"}),
    "cattle": ("cbpp", "incidence ~ period + (1 | herd)", {"trials": "size"}),
    "cattle, cloglog": ("cbpp", "incidence ~ period + (1 | herd)", {"trials": "size", "link": "cloglog"}),
    "cattle, quadrature": ("cbpp", "incidence ~ period + (1 | herd)", {"trials": "size", "method": "agq", "nodes": 9}),
    "out of thirty-four": ("cbpp", "incidence ~ period + (1 | herd)", {"trials": 34}),
    "persons and items": ("verbagg", "r2 ~ Anger + Gender + btype + situ + (1 | id) + (1 | item)", {}),
    "seizures": ("epil", "y ~ lbase * trt + lage + V4 + (1 | subject)", {"family": "poisson"}),
    "seizures, nbinom2": ("epil", "y ~ lbase * trt + lage + V4 + (1 | subject)", {"family": "nbinom2"}),
    "seizures, nbinom1": ("epil", "y ~ lbase * trt + lage + V4 + (1 | subject)", {"family": "nbinom1"}),
    "seizures, geometric": ("epil", "y ~ lbase + trt + (1 | subject)", {"family": "geometric"}),
    "seizures, zip": ("epil", "y ~ lbase + trt + (1 | subject)", {"family": "zip"}),
    "seizures, hurdle": ("epil", "y ~ lbase + trt + (1 | subject)", {"family": "hurdle-poisson"}),
    "deaths": ("mmmec", "deaths ~ uvb + (1 | region)", {"family": "poisson", "exposure": "expected"}),
    "deaths, nested": ("mmmec", "deaths ~ uvb + offset(log(expected)) + (1 | nation/region)", {"family": "poisson"}),
    "reaction, gamma": ("sleepstudy", "Reaction ~ Days + (1 + Days | Subject)", {"family": "gamma"}),
    "reaction, inverse": ("sleepstudy", "y ~ Days + (1 | Subject)", {"family": "gamma", "link": "inverse"}),
    "reaction, exponential": ("sleepstudy", "y ~ Days + (1 | Subject)", {"family": "exponential"}),
    "reaction, log": ("sleepstudy", "y ~ Days + (1 | Subject)", {"family": "gaussian", "link": "log"}),
    "reaction, t": ("sleepstudy", "y ~ Days + (1 | Subject)", {"family": "t"}),
    "reaction, lognormal": ("sleepstudy", "Reaction ~ Days + (1 | Subject)", {"family": "lognormal"}),
    "share, beta": ("sleepstudy", "share ~ Days + (1 | Subject)", {"family": "beta"}),
    "bitter wine": ("wine", "rating ~ temp + contact + (1 | judge)", {"family": "ordinal"}),
    "bitter wine, probit": ("wine", "rating ~ temp + contact + (1 | judge)", {"family": "ordinal", "link": "probit"}),
    "bitter wine, quadrature": ("wine", "rating ~ temp * contact + (1 | judge)",
                                {"family": "ordinal", "method": "agq", "nodes": 10}),
    "judges and bottles": ("wine", "rating ~ temp + contact + (1 | judge) + (1 | bottle)", {"family": "ordinal"}),
    "odd names": ("odd", "`takes it` ~ `her age` + (1 | `the district`)", {}),
}


@cache
def table(name):
    """The data of a fit, columns added."""
    if name == "odd":
        women = mlm.load("contraception")[["use", "age", "district"]]
        return women.rename(columns={"use": "takes it", "age": "her age", "district": "the district"})
    found = mlm.load(name).copy()
    if name == "contraception":
        found["child"] = 1 * (found["livch"] != "0")
        found["w"] = 1.0 + np.arange(len(found)) % 3
    if name == "sleepstudy":
        found["y"] = found["Reaction"] / 100
        found["share"] = found["Reaction"] / 600
    return found


@cache
def fit(name):
    rows, formula, settings = FITS[name]
    return mlm.glmm(formula, table(rows), **settings)


def codes():
    """{fit: {target: code}} of what R can be asked."""
    return {name: {to: str(code) for to in TARGETS
                   if (code := fit(name).translate(to, data=rows)).possible}
            for name, (rows, *_) in FITS.items()}


def run(rscript: str) -> dict:
    """R's log-likelihood and coefficients of every code."""
    lines = ["suppressPackageStartupMessages({library(lme4); library(glmmTMB); library(ordinal)})",
             "options(digits = 15, warn = -1)",
             "say <- function(x) paste(format(as.numeric(x), digits = 15), collapse = ' ')",
             "fixed <- function(fit) if (inherits(fit, 'clmm')) coef(fit) else if (inherits(fit, 'glmmTMB')) "
             "glmmTMB::fixef(fit)$cond else lme4::fixef(fit)"]
    asked = codes()
    for name, own in asked.items():
        for to, code in own.items():
            rows = FITS[name][0]
            tight = code.replace("summary(fit)", "")
            if to == "lme4" and "glmer.nb(" not in code:
                tight = tight.replace(f"data = {rows}", f"data = {rows}, control = glmerControl(optimizer = 'bobyqa', "
                                      "optCtrl = list(rhoend = 1e-8), tolPwrss = 1e-12)", 1)
            lines.append(f"try(local({{ {rows} <- read.csv('{rows}.csv', check.names = FALSE); invisible({{\n{tight}\n}}); "
                         f"cat('RESULT|{name}|{to}|', say(logLik(fit)), '|', say(fixed(fit)), '\\n', sep = '') }}))")
    with tempfile.TemporaryDirectory() as folder:
        for rows in {rows for rows, *_ in FITS.values()}:
            table(rows).to_csv(Path(folder, f"{rows}.csv"), index=False)
        Path(folder, "run.R").write_text("\n".join(lines), encoding="utf-8")
        done = subprocess.run([rscript, "run.R"], cwd=folder, capture_output=True, text=True, timeout=1500)
    found: dict = {}
    for line in done.stdout.splitlines():
        if line.startswith("RESULT|"):
            _, name, to, llf, coefficients = line.split("|")
            found.setdefault(name, {})[to] = {"code": asked[name][to], "llf": float(llf),
                                              "coefficients": [float(x) for x in coefficients.split()]}
    missing = [(name, to) for name, own in asked.items() for to in own if to not in found.get(name, {})]
    if missing:
        print(missing, done.stderr[-3000:], file=sys.stderr)
    return found


if __name__ == "__main__":
    program = shutil.which("Rscript")
    if not program:
        sys.exit("Rscript is not here.")
    STORE.write_text(json.dumps(run(program), indent=1) + "\n", encoding="utf-8")
