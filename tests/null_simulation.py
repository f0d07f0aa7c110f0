"""Likelihood ratios simulated under the null, to hold the mixtures of chi-squares against.

    python tests/null_simulation.py [n]        from the root of the book; writes tests/null_simulation.json

Each design draws data from its null, fits both models and keeps the statistic. The file holds how often the mixture's p-value is
below 0.1, 0.05 and 0.01 and how often the statistic is zero, beside the weights, and the first statistics: tests draw these again.
The mixtures are limits for many groups, so that most designs have a thousand; one has a hundred and shows what is lost.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

import mlmlib as mlm
from mlmlib.inference.likelihood_ratio import mixture_pvalue

STORED = Path(__file__).with_suffix(".json")
SEED, AGAIN = 20, 8

# null, full (None: no random part), structure of the full, SDs of the null's intercepts, groups, smallest and largest group, REML
DESIGNS = {
    "intercepts and slopes from nothing": (None, "1 + x | g", "unstructured", 0, 1000, (6, 6), True),
    "the same, uncorrelated": (None, "1 + x || g", "unstructured", 0, 1000, (6, 6), False),
    "the same, exchangeable": (None, "1 + x | g", "exchangeable", 0, 1000, (6, 6), False),
    "two slopes, uncorrelated, beside intercepts": ("1 | g", "1 + x + w || g", "unstructured", 1, 1000, (4, 12), True),
    "two slopes, correlated, beside intercepts": ("1 | g", "1 + x + w | g", "unstructured", 1, 1000, (6, 6), True),
    "three correlated effects from nothing": (None, "1 + x + w | g", "unstructured", 0, 1000, (6, 6), True),
    "four uncorrelated effects from nothing": (None, "1 + x + w + v || g", "unstructured", 0, 1000, (6, 6), False),
    "tiny groups of unequal size": (None, "1 + x | g", "unstructured", 0, 1500, (1, 4), True),
    "a slope, fixed and varying": ("1 | g", "1 + x | g", "unstructured", 1, 1000, (6, 6), False),
    "100 groups only": (None, "1 + x || g", "unstructured", 0, 100, (6, 6), False),
}
FIXED = {"a slope, fixed and varying": "w"}  # the fixed part of the null where it is not that of the full


def prepared(name: str):
    """The two fits of the first data set, its table, and the random numbers that go on."""
    null, full, shape, sd, groups, (low, high), reml = DESIGNS[name]
    rng = np.random.default_rng([SEED, *name.encode()])
    g = np.repeat(np.arange(groups), rng.integers(low, high + 1, groups))
    table = {"g": g} | {key: rng.normal(size=len(g)) for key in "xwv"}
    fixed = {key: "x + w + v" if part is None else part for key, part in (("full", None), ("null", FIXED.get(name)))}
    fixed["full"] = "x + w" if name in FIXED else fixed["full"]

    def outcome():
        return rng.normal(size=len(g)) + sd * rng.normal(size=groups)[g]

    table["y"] = outcome()
    larger = mlm.lmm(f"y ~ {fixed['full']} + ({full})", table, covariance=shape, reml=reml)
    smaller = mlm.lmm(f"y ~ {fixed['null']} + ({null})", table, reml=reml) if null else None
    return smaller, larger, table, outcome


def statistics(name: str, n: int):
    """The weights of a design, and n statistics under its null."""
    smaller, larger, table, outcome = prepared(name)
    fixed = larger.formula.split("~")[1].split(" + (")[0]
    weights = mlm.compare(smaller or mlm.ols(f"y ~ {fixed}", table), larger).weights
    found = []
    for _ in range(n):
        y = outcome()
        full = larger.refit(y)
        found.append(2 * (full.llf - smaller.refit(y).llf) if smaller else full.lr_vs_linear().statistic)
    return weights, np.maximum(found, 0.0)


def study(name: str, n: int) -> dict:
    weights, found = statistics(name, n)
    p = np.array([mixture_pvalue(value if value > 1e-7 else 0.0, weights) for value in found])
    return {"n": n, "weights": {str(k): round(weight, 5) for k, weight in weights.items()},
            "below": {str(level): float((p < level).mean()) for level in (0.1, 0.05, 0.01)},
            "zero": float((found < 1e-7).mean()), "first": [round(float(value), 6) for value in found[:AGAIN]]}


if __name__ == "__main__":
    known = {}
    for name in DESIGNS:
        known[name] = study(name, int(sys.argv[1]) if len(sys.argv) > 1 else 4000)
        print(name, known[name], flush=True)
    STORED.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
