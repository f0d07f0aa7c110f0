"""Random models fitted in chunks and all rows at once: how far apart they are.

    python tests/chunk_models.py [count]     from the root of the book; writes tests/chunk_models.json

Rows, groups, sizes of chunks, formula, covariance structure, weights, offset, REML or ML, order of rows and units are drawn by a seed.
A row of the file: seed, formula with options, rows, chunks, whether a variance or correlation is at its end, and the largest differences:
of the criterion, relative; of coefficients, in units of their standard errors; of standard errors, relative; of standard
deviations of random effects, in units of the largest.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

import mlmlib as mlm

STORED = Path(__file__).with_suffix(".json")
SEED, COUNT = 29, 600
COLUMNS = ("seed", "model", "rows", "chunks", "singular", "criterion", "params", "bse", "sd")
FIXED = ("y ~ x", "y ~ x + f", "y ~ x * f", "y ~ 0 + f + x", "y ~ x + I(x ** 2)", "y ~ 1", "y ~ x + C(f, Sum) + z")
RANDOM = ("(1 | g)", "(1 + x | g)", "(1 + x || g)", "(0 + x | g)", "(1 | g) + (0 + x | g)", "(1 + x + z | g)", "(1 | g:f)")
COVARIANCES = ("unstructured", "diagonal", "identity", "exchangeable")


def table(rng) -> pd.DataFrame:
    """Unbalanced rows in any order, on scales of their own."""
    n, J = int(rng.integers(60, 3000)), int(rng.integers(5, 40))
    g, x, z = rng.integers(J, size=n), rng.standard_normal(n) + rng.choice([0.0, 5.0]), rng.standard_normal(n)
    u = rng.standard_normal((3, J)) * rng.choice([0.0, 0.3, 1.0], size=3)[:, None]
    d = pd.DataFrame({"g": g, "x": x, "z": z, "f": np.array(list("abc"))[np.r_[0, 1, 2, rng.integers(3, size=n - 3)]],
                      "w": rng.uniform(0.3, 3.0, n), "o": rng.standard_normal(n)})
    d["y"] = rng.choice([0.0, 100.0]) + x + u[0][g] + u[1][g] * x + u[2][g] * z + rng.standard_normal(n)
    d[["x", "z"]] *= 10.0 ** rng.integers(-2, 3, size=2)
    scale = 10.0 ** rng.integers(-2, 3)
    d[["y", "o"]] *= scale
    return pd.concat([d.iloc[:3], d.iloc[3:].sort_values("g")]) if rng.random() < 0.3 else d


def draw(seed: int) -> dict:
    """One model of both kinds, and how far apart they are; what cannot be fitted is drawn again."""
    rng = np.random.default_rng([SEED, seed])
    while True:
        d, options = table(rng), {"reml": bool(rng.random() < 0.5)}
        formula = f"{rng.choice(FIXED)} + {rng.choice(RANDOM)}"
        for option, column in (("weights", "w"), ("offset", "o")):
            options |= {option: column} if rng.random() < 0.3 else {}
        if "||" not in formula and rng.random() < 0.5:
            options["covariance"] = str(rng.choice(COVARIANCES))
        size = int(rng.integers(max(20, len(d) // 30), len(d) + 10))
        try:
            whole = mlm.lmm(formula, d, **options)
        except ValueError:
            continue
        if not whole.converged or not set("abc") <= set(d["f"].iloc[:size]):
            continue
        chunked = mlm.lmm(formula, (d.iloc[at:at + size] for at in range(0, len(d), size)), **options)
        return {"seed": seed, "model": formula + ", " + ", ".join(f"{k}={v}" for k, v in options.items()), "rows": len(d),
                "chunks": -(-len(d) // size), "singular": bool(whole.is_singular), **differences(chunked, whole)}


def differences(chunked, whole) -> dict:
    """The largest difference of each kind."""
    a, b = (np.sqrt(np.concatenate([np.diagonal(np.asarray(m)) for m in _matrices(fit)])) for fit in (chunked, whole))
    return {"criterion": float(abs(chunked.criterion - whole.criterion) / (1 + abs(whole.criterion))),
            "params": float(np.max(np.abs(chunked.params - whole.params) / whole.bse)),
            "bse": float(np.max(np.abs(chunked.bse / whole.bse - 1))),
            "sd": float(np.max(np.abs(a - b)) / max(b.max(), whole.sigma))}


def _matrices(fit):
    found = fit.covariance_matrix()
    return list(found.values()) if isinstance(found, dict) else [found]


def main(count: int = COUNT) -> None:
    rows = [[value if not isinstance(value, float) else float(f"{value:.2g}") for value in draw(seed).values()] for seed in range(count)]
    STORED.write_text(json.dumps({"columns": COLUMNS, "rows": rows}, indent=0).replace("\n", " ").replace("], [", "],\n[") + "\n",
                      encoding="utf-8")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
