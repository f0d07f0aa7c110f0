"""What mlmlib does with NumPy and SciPy alone: run by `tests/test_package.py` in a Python that has the wheel and no other package.

It prints one JSON object; every other third-party import is refused.
"""

import json
import sys

ALLOWED = {"numpy", "scipy", "mlmlib"}


class Only:
    """Refuse to find what is neither NumPy, SciPy, mlmlib nor of Python itself."""

    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if root not in ALLOWED and root not in sys.stdlib_module_names and not root.startswith("_sysconfigdata"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Only())

import mlmlib as mlm  # noqa: E402
import numpy as np  # noqa: E402
from mlmlib import frames  # noqa: E402


def told(call):
    """The message of a missing package."""
    try:
        call()
    except ModuleNotFoundError as error:
        return str(error)
    return "no error"


def main() -> dict:
    table = json.load(sys.stdin)
    fit = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", table)
    table["slow"] = np.asarray(table["Reaction"]) > 300
    odds = mlm.glmm("slow ~ Days + (1 | Subject)", table, family="binomial")
    panel = mlm.panel("Reaction ~ Days", table, groups="Subject")
    memory = mlm.gls("Reaction ~ Days", table, correlation=mlm.ar1("Days", group="Subject"))
    smaller = mlm.lmm("Reaction ~ Days + (1 | Subject)", table)
    new = {"Days": [10, 10], "Subject": [308, -1]}
    return {
        "where": mlm.__file__,
        "loaded": sorted({"pandas", "statsmodels", "patsy", "matplotlib", "joblib", "polars", "pyarrow"} & set(sys.modules)),
        "params": fit.params.to_dict(), "bse": fit.bse.to_dict(), "pvalues": fit.pvalues.tolist(),
        "slope by name": fit.params["Days"], "in milliseconds": (1000 * fit.params).tolist(),
        "satterthwaite": fit.coef_table(ddf="satterthwaite")["df"].tolist(),
        "profile": fit.conf_int().to_numpy().tolist(),
        "components": fit.variance_components["variance"].tolist(),
        "effect": float(fit.random_effects["Subject"].loc[308]["Days"]),
        "predict": fit.predict(new).tolist(), "interval": fit.predict(new, interval="confidence").to_numpy().tolist(),
        "summary": str(fit.summary()), "params in text": str(fit.params), "html": "<table" in fit._repr_html_(),
        "icc": mlm.icc(fit).estimate, "lrt": mlm.compare(smaller, fit).statistic,
        "odds": odds.params.tolist(), "odds summary": str(odds.summary()),
        "panel": panel.params["Days"], "panel summary": str(panel.summary()), "ar1": memory.params.tolist(),
        "errors": [told(lambda: mlm.load("hsb")), told(lambda: mlm.ols("Reaction ~ Days", table)),
                   told(lambda: mlm.gee("Reaction ~ Days", table, groups="Subject")), told(lambda: mlm.plots.acf)],
        "refused": told(lambda: frames.concat),
    }


if __name__ == "__main__":
    print(json.dumps(main()))
