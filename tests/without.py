"""What the library says where a package is missing: run by `tests/test_optional.py` with the names of the packages to hide.

Tables come as JSON on the standard input, and a JSON object goes out: for each call its text, or the error.
"""

import json
import sys

HIDDEN = set(sys.argv[1].split(","))


class Hide:
    """Refuse to find the hidden packages."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Hide())

import mlmlib as mlm  # noqa: E402
import numpy as np  # noqa: E402

SLEEP = {name: np.array(column) for name, column in json.load(sys.stdin).items()}
SLEEP |= {"slow": SLEEP["Reaction"] > 300, "third": np.array(list("abc"))[SLEEP["Days"] % 3]}


def slopes():
    return mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", SLEEP)


def crossed():
    return mlm.lmm("Reaction ~ Days + (1 | Subject) + (1 | third)", SLEEP)


def odds():
    return mlm.glmm("slow ~ Days + (1 | Subject)", SLEEP, family="binomial")


def panel():
    return mlm.panel("Reaction ~ Days", SLEEP, groups="Subject")


class Relation:
    """A stand-in for a relation of DuckDB, which hands out Arrow's batches."""

    __module__ = "duckdb"

    def project(self, columns):
        return self

    def to_arrow_reader(self, rows):
        import pyarrow
        return pyarrow


PLAN = {"effect": 0.5, "icc": 0.1, "groups": 10, "n": 5}
CALLS = {
    "equations": lambda: slopes().equations(), "equations, crossed": lambda: crossed().equations(),
    "equations, odds": lambda: odds().equations(),
    "translate": lambda: mlm.translate(slopes(), "nlme"), "translate, crossed": lambda: mlm.translate(crossed(), "lme4"),
    "translate, odds": lambda: mlm.translate(odds(), "glmmTMB"), "translate, panel": lambda: mlm.translate(panel(), "plm"),
    "report, odds": lambda: odds().report(), "report, panel": lambda: panel().report(), "diagnose": lambda: mlm.diagnose(slopes()),
    "anova": lambda: slopes().anova(), "r2": lambda: mlm.r2(slopes()),
    "power": lambda: mlm.power.simulate(mlm.power.cluster_randomized(**PLAN), replicates=4, seed=1, analysis=["lmm"]),
    "bootstrap": lambda: slopes().bootstrap(10, seed=1).replicates["Days"].tolist(),
    "report": lambda: slopes().report(), "profile": lambda: slopes().profile(), "table": lambda: mlm.table(slopes()),
    "load": lambda: mlm.load("hsb"), "ols": lambda: mlm.ols("Reaction ~ Days", SLEEP),
    "gee": lambda: mlm.gee("Reaction ~ Days", SLEEP, groups="Subject"),
    "lag": lambda: mlm.growth.lag(SLEEP, "Reaction", groups="Subject", time="Days"),
    "waves": lambda: mlm.growth.waves(SLEEP, "Subject", "Days"),
    "person_period": lambda: mlm.person_period(SLEEP, time="Days", event="slow", id="Subject"),
    "life_table": lambda: mlm.life_table(SLEEP), "group_means": lambda: mlm.group_means("Reaction ~ Days", SLEEP, groups="Subject"),
    "two_level": lambda: mlm.simulate.two_level(5, 5, {"Intercept": 1}), "patient": lambda: mlm.simulate.patient(),
    "choice": lambda: mlm.simulate.choice(10, 5), "discrete_survival": lambda: mlm.simulate.discrete_survival(),
    "plots": lambda: mlm.plots.acf, "plot": lambda: slopes().bootstrap(10, seed=1).plot(), "published": lambda: mlm.published.lme4,
    "grade": lambda: mlm.grading.grade, "build": lambda: mlm.grading.build,
    "n_jobs": lambda: slopes().bootstrap(10, seed=1, n_jobs=2).n, "progress": lambda: slopes().bootstrap(10, seed=1, progress=True).n,
    "quietly": lambda: slopes().bootstrap(10, seed=1).n,
    "parquet": lambda: mlm.lmm("Reaction ~ Days + (1 | Subject)", sys.argv[2]),
    "duckdb": lambda: mlm.lmm("Reaction ~ Days + (1 | Subject)", Relation()),
    "word": lambda: mlm.table(slopes()).to_word("table.docx"),
}


def told(call) -> str:
    """What a call gives, as text; or its error with the kind."""
    try:
        return str(call())
    except Exception as error:
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    names = sys.argv[3:] or CALLS
    print(json.dumps({name: told(CALLS[name]) for name in names}))
