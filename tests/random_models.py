"""Random models, each searched by ours and by three general optimizers from five starts.

    python tests/random_models.py [first last]     from the root of the book; writes tests/random_models.json

Structures (one to three factors, nested, crossed, multiple membership, correlated, uncorrelated and other covariances,
ML and REML, weights, offsets) are drawn by a seed, on random and on bundled data; some variances are zero, some columns
and outcomes wildly scaled. The others are scipy's L-BFGS-B with our gradient, Nelder-Mead and Powell, from SDs of 0.1,
1 and 10 times the residual's and from two random places. A row of the file: seed, data, formula with covariance and
estimator, rows, parameters, singular or not, our criterion, the same less the best of the fifteen, and the optimizer
that found that.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize

import mlmlib as mlm

STORED = Path(__file__).with_suffix(".json")
SEED, COUNT = 71, 500
COLUMNS = ("seed", "data", "model", "rows", "parameters", "singular", "ours", "less best", "best by")
ONE = ["(1 | g)", "(1 + x | g)", "(1 + x || g)", "(1 + x + z | g)", "(0 + x | g)", "(1 + x + z || g)",
       "(1 | g) + (0 + x | g)"]
SEVERAL = ["(1 | g/c)", "(1 + x | g/c)", "(1 | g) + (1 + x | g:c)", "(1 | g) + (1 | h)", "(1 + x | g) + (1 | h)",
           "(1 + x || g) + (1 + x | h)", "(1 + x | g) + (0 + z | h)", "(1 | g/c) + (1 | h)", "(1 | mm(m1, m2))",
           "(1 | g) + (1 | mm(m1, m2))", "(1 + x | g) + (1 | mm(m1, m2))"]
BUNDLED = {
    "sleepstudy": ("Reaction ~ Days", ["(1 | Subject)", "(Days | Subject)", "(Days || Subject)",
                                       "(Days | Subject) + (1 | Days)"]),
    "pastes": ("strength ~ 1", ["(1 | batch)", "(1 | batch/cask)", "(1 | batch) + (1 | cask)"]),
    "penicillin": ("diameter ~ 1", ["(1 | plate)", "(1 | sample)", "(1 | plate) + (1 | sample)"]),
    "dyestuff2": ("Yield ~ 1", ["(1 | Batch)"]),
    "math": ("math ~ homework + schtype", ["(1 | schid)", "(homework | schid)", "(homework || schid)",
                                           "(homework + ses | schid)"]),
    "orthodont": ("distance ~ age * Sex", ["(1 | Subject)", "(age | Subject)", "(age || Subject)",
                                           "(age | Subject) + (1 | age)"]),
    "oxboys": ("height ~ age", ["(1 | Subject)", "(age | Subject)", "(age + I(age ** 2) | Subject)",
                                "(age || Subject)"]),
}


def random_table(rng) -> pd.DataFrame:
    """Unbalanced data with up to three factors and a membership, on wild scales."""
    n = int(rng.integers(40, 240))
    sizes = {"g": int(rng.integers(3, 14)), "h": int(rng.integers(3, 16)), "m": int(rng.integers(4, 10))}
    table = pd.DataFrame({"g": rng.integers(sizes["g"], size=n), "h": rng.integers(sizes["h"], size=n),
                          "m1": rng.integers(sizes["m"], size=n), "m2": rng.integers(sizes["m"], size=n)})
    table["c"] = table["g"] * 4 + rng.integers(rng.integers(2, 5), size=n)
    x, z = rng.normal(size=(2, n)) + rng.choice([0.0, 3.0])
    sd = rng.choice([0.0, 0.1, 1.0, 3.0], size=6)
    u, v = rng.normal(size=(2, sizes["g"]))
    v = v if rng.random() < 0.7 else u  # a correlation of one
    y = x + sd[0] * u[table["g"]] + sd[1] * v[table["g"]] * x + sd[2] * rng.normal(size=sizes["h"])[table["h"]]
    y = y + sd[3] * rng.normal(size=table["c"].max() + 1)[table["c"]]
    y = y + sd[4] * rng.normal(size=sizes["h"])[table["h"]] * z
    member = rng.normal(size=sizes["m"])
    y = y + sd[5] * (member[table["m1"]] + member[table["m2"]]) / 2 + rng.normal(size=n)
    scale = 10.0 ** rng.integers(-4, 5, size=3)
    return table.assign(x=x * scale[0], z=z * scale[1], y=y * scale[2], w=rng.uniform(0.2, 3.0, n),
                        o=rng.normal(size=n) * scale[2])


def draw(seed: int):
    """(data, text of the model, fit) of one seed; what cannot be fitted is drawn again."""
    rng = np.random.default_rng([SEED, seed])
    while True:
        reml, options = bool(rng.random() < 0.5), {}
        if rng.random() < 0.3:
            data = str(rng.choice(list(BUNDLED)))
            fixed, parts = BUNDLED[data]
            table, random = mlm.load(data), str(rng.choice(parts))
            if rng.random() < 0.3:
                table = table.sample(frac=0.7, random_state=int(rng.integers(1000)))
        else:
            data, table = "random", random_table(rng)
            fixed = str(rng.choice(["y ~ 1", "y ~ x", "y ~ x + z"]))
            random = str(rng.choice(ONE if rng.random() < 0.35 else SEVERAL))
            if rng.random() < 0.2:
                options |= {"weights": "w", "offset": "o"}
        if rng.random() < 0.2:
            options["covariance"] = str(rng.choice(["independent", "identity", "exchangeable"]))
        formula = f"{fixed} + {random}"
        try:
            fitted = mlm.lmm(formula, table, reml=reml, **options)
        except ValueError:
            continue
        said = [formula, "REML" if reml else "ML", *options.get("covariance", "").split()]
        return data, ", ".join(said + ["weights, offset"] * ("weights" in options)), fitted


def others(fitted, seed: int) -> tuple[float, str]:
    """The best criterion of three optimizers from five starts each, and who found it."""
    criterion, rng = fitted.model.criterion, np.random.default_rng([SEED, seed, 1])
    m = len(criterion.basis)

    def value(theta):
        try:
            parts = criterion.elimination.eliminate(criterion.factor(theta))
            found = criterion.profiled(parts.logdet, parts.S)[0]
        except (np.linalg.LinAlgError, ValueError):
            return 1e300
        return found if np.isfinite(found) else 1e300

    def with_gradient(theta):
        at = criterion(theta)
        return at.value, at.gradient

    most = {"maxfev": 100 * m}
    plain = {"Nelder-Mead": most | {"xatol": 1e-7, "fatol": 1e-9}, "Powell": most | {"ftol": 1e-12}}
    found = []
    for start in [fitted.model.plain_start(size) for size in (0.1, 1.0, 10.0)] + list(rng.normal(size=(2, m))):
        search = minimize(with_gradient, start, jac=True, method="L-BFGS-B", options={"maxiter": 500, "gtol": 1e-8})
        found.append((float(search.fun), "L-BFGS-B"))
        found += [(float(minimize(value, start, method=method, options=plain[method]).fun), method) for method in plain]
    return min(found)


def compared(seed: int) -> list:
    """A row of the file."""
    data, said, fitted = draw(seed)
    best, method = others(fitted, seed)
    return [seed, data, said, int(fitted.nobs), fitted.n_params, bool(fitted.is_singular),
            round(float(fitted.criterion), 8),
            float(f"{fitted.criterion - best:.2e}"), method]


def write(rows) -> None:
    lines = ",\n".join(json.dumps(row) for row in sorted(rows))
    STORED.write_text(f'{{"columns": {json.dumps(COLUMNS)}, "rows": [\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    first, last = map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (0, COUNT)
    rows = json.loads(STORED.read_text(encoding="utf-8"))["rows"] if STORED.exists() else []
    kept = {row[0]: row for row in rows if not first <= row[0] < last}
    for seed in range(first, last):
        kept[seed] = compared(seed)
        if seed % 10 == 9 or seed == last - 1:
            write(kept.values())
