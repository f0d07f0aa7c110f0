"""Panel and robust fits, and what R and linearmodels say to the code that they are translated to.

``python tests/panel_models.py`` writes tests/translated_panel.json anew: R needs plm, clubSandwich, sandwich, lmtest and lme4; the lines of
linearmodels run in a Python that has it, named as first argument (left out, those there are kept).
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import mlmlib as mlm
from mlmlib.report.panel.columns import plain_name

STORE = Path(__file__).with_name("translated_panel.json")
INV, WAGE = "inv ~ value + capital", "wage ~ exper * union + I(exper ** 2) + ethn + school"
GRUNFELD = {"groups": "firm", "time": "year"}
MALES = {"groups": "nr", "time": "year"}
# name: data, formula, settings of mlm.panel
PANELS = {
    **{f"grunfeld, {kind}": ("grunfeld", INV, {**GRUNFELD, "effects": kind}) for kind in
       ("pooled", "within", "two-way", "first-difference", "between", "random", "mundlak", "hybrid")},
    "grunfeld, no time": ("grunfeld", INV, {"groups": "firm", "effects": "within"}),
    **{f"males, {kind}": ("males", WAGE, {**MALES, "effects": kind}) for kind in ("pooled", "within", "random", "mundlak", "hybrid")},
    "males, between": ("males", "wage ~ exper + union + ethn + school", {**MALES, "effects": "between"}),
    "males, hausman-taylor": ("males", "wage ~ exper + union + ethn + school", {**MALES, "effects": "hausman-taylor",
                                                                                     "endogenous": ["union", "school"]}),
}
# name: data, the fit, settings of mlm.robust
ROBUST = {
    "math, CR2": ("math", ("ols", "math ~ homework * schtype"), {"groups": "schid"}),
    "math, CR1S": ("math", ("ols", "math ~ homework * schtype"), {"groups": "schid", "kind": "CR1S", "ddf": "clusters"}),
    "math, CR0": ("math", ("ols", "math ~ homework * schtype"), {"groups": "schid", "kind": "CR0", "ddf": "normal"}),
    "math, CR3": ("math", ("ols", "math ~ homework * schtype"), {"groups": "schid", "kind": "CR3", "ddf": "clusters"}),
    "math, CR2, clusters": ("math", ("ols", "math ~ homework * schtype"), {"groups": "schid", "kind": "CR2", "ddf": "clusters"}),
    "math, CR1": ("math", ("ols", "math ~ homework * schtype"), {"groups": "schid", "kind": "CR1", "ddf": "clusters"}),
    "mixed, CR2": ("math", ("lmm", "math ~ homework + (1 | schid)"), {"groups": "schid"}),
    "women, CR2": ("contraception", ("glmm", "use ~ age + urban"), {"groups": "district"}),
    "women, CR1": ("contraception", ("glmm", "use ~ age + urban"), {"groups": "district", "kind": "CR1", "ddf": "normal"}),
    "women, CR0": ("contraception", ("glmm", "use ~ age + urban"), {"groups": "district", "kind": "CR0", "ddf": "normal"}),
    "firms and years": ("grunfeld", ("ols", INV), {"groups": ["firm", "year"], "kind": "CR1"}),
    "firms and years, CR0": ("grunfeld", ("ols", INV), {"groups": ["firm", "year"], "kind": "CR0"}),
    "within, CR2": ("grunfeld", ("panel", INV, {"groups": "firm", "effects": "within"}), {"groups": "firm"}),
    "within, CR1S": ("males", ("panel", WAGE, {**MALES, "effects": "within"}), {"groups": "nr", "kind": "CR1S", "ddf": "clusters"}),
    "within, CR0": ("males", ("panel", WAGE, {**MALES, "effects": "within"}), {"groups": "nr", "kind": "CR0", "ddf": "normal"}),
    "random, CR2": ("grunfeld", ("panel", INV, {"groups": "firm", "effects": "random"}), {"groups": "firm"}),
    "mundlak, CR1S": ("males", ("panel", WAGE, {**MALES, "effects": "mundlak"}), {"groups": "nr", "kind": "CR1S", "ddf": "clusters"}),
}
NAMES = [*PANELS, *ROBUST]
IN_R = ("plm", "lme4", "clubsandwich", "sandwich")


@cache
def table(data):
    """The data; of `males` rows are missing, so that groups are of unequal size."""
    found = mlm.load(data).copy()
    return found[(found.index % 7 != 3) | (found["year"] < 1985)] if data == "males" else found


@cache
def fit(name):
    """A fit of the lists."""
    if name in PANELS:
        data, formula, settings = PANELS[name]
        return mlm.panel(formula, table(data), **settings)
    data, (kind, formula, *settings), options = ROBUST[name]
    return mlm.robust(getattr(mlm, kind)(formula, table(data), **(settings[0] if settings else {})), **options)


def rows(name):
    """The name of its data."""
    return (PANELS.get(name) or ROBUST[name])[0]


def ask(name, to):
    """The code, or None."""
    one = fit(name)
    known = ("plm", "lme4", "statsmodels", "linearmodels") if name in PANELS else ("clubsandwich", "sandwich", "statsmodels", "linearmodels")
    code = one.translate(to) if to in known else None
    return code if code is not None and code.possible else None


def same(name: str) -> str:
    """A coefficient's name without the signs in which programs differ."""
    return re.sub(r"[^a-z0-9]", "", plain_name(name).lower())


def ours(name):
    """{coefficient: [estimate, standard error]} of our own."""
    one = fit(name)
    return {same(key): [float(one.params[key]), float(one.bse[key])] for key in one.params.index}


def run_r(rscript: str) -> dict:
    """{name: {target: {code, numbers}}} as R says."""
    lines = ["suppressPackageStartupMessages({library(plm); library(clubSandwich); library(sandwich); library(lmtest); library(lme4)})",
             "options(digits = 15, warn = -1)",
             "say <- function(x) { m <- if (inherits(x, 'coef_test_clubSandwich')) as.matrix(data.frame(x)[, c('beta', 'SE')]) else",
             "  if (inherits(x, 'coeftest')) unclass(x)[, 1:2, drop = FALSE] else x$coefficients[, 1:2, drop = FALSE]; n <- if (inherits(x, 'coef_test_clubSandwich') && !is.null(x$Coef)) x$Coef else rownames(m)",
             "  paste(n, format(m[, 1], digits = 15), format(m[, 2], digits = 15), sep = '=', collapse = ';') }"]
    asked = {name: {to: str(code) for to in IN_R if (code := ask(name, to)) is not None} for name in NAMES}
    for name, own in asked.items():
        for to, code in own.items():
            lines.append(f"tryCatch({{ df <- read.csv('{rows(name)}.csv'); out <- local({{\n{code}\n}}); "
                         f"cat('RESULT|{name}|{to}|', say(out), '\\n', sep = '') }}, error = function(e) cat('ERROR|{name}|{to}|', conditionMessage(e), '\\n'))")
    with tempfile.TemporaryDirectory() as folder:
        for data in {rows(name) for name in NAMES}:
            table(data).to_csv(Path(folder, f"{data}.csv"), index=False)
        Path(folder, "run.R").write_text("\n".join(lines), encoding="utf-8")
        done = subprocess.run([rscript, "run.R"], cwd=folder, capture_output=True, text=True, timeout=1500)
    found: dict = {}
    for line in done.stdout.splitlines():
        if line.startswith("RESULT|"):
            _, name, to, numbers = line.split("|")
            pairs = [one.split("=") for one in numbers.split(";")]
            found.setdefault(name, {})[to] = {"code": asked[name][to],
                                              "numbers": {same(key): [float(b), float(se)] for key, b, se in pairs}}
        elif line.startswith("ERROR|"):
            print(line, file=sys.stderr)
    return found


def run_linearmodels(python: str) -> dict:
    """The same of linearmodels, in a Python that has it."""
    found: dict = {}
    with tempfile.TemporaryDirectory() as folder:
        for data in {rows(name) for name in NAMES}:
            table(data).to_csv(Path(folder, f"{data}.csv"), index=False)
        for name in NAMES:
            code = ask(name, "linearmodels")
            if code is None:
                continue
            script = (f"import pandas as pd, json\ndf = pd.read_csv('{rows(name)}.csv')\n{code.replace('print(fit)', '')}\n"
                      "print(json.dumps({k: [fit.params[k], fit.std_errors[k]] for k in fit.params.index}))")
            done = subprocess.run([python, "-c", script], cwd=folder, capture_output=True, text=True)
            if done.returncode:
                print(name, done.stderr[-500:], file=sys.stderr)
                continue
            numbers = json.loads(done.stdout.strip().splitlines()[-1])
            found[name] = {"code": str(code), "numbers": {same(key): value for key, value in numbers.items()}}
    return found


if __name__ == "__main__":
    program = shutil.which("Rscript")
    if not program:
        sys.exit("Rscript is not here.")
    before = json.loads(STORE.read_text(encoding="utf-8")) if STORE.exists() else {}
    said = run_r(program)
    more = run_linearmodels(sys.argv[1]) if len(sys.argv) > 1 else {
        name: own["linearmodels"] for name, own in before.items() if "linearmodels" in own}
    for name, own in more.items():
        said.setdefault(name, {})["linearmodels"] = own
    STORE.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
