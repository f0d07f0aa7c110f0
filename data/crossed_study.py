"""Simulate what an ignored crossed factor and mis-nested labels do: writes data/crossed_study.csv.

    python data/crossed_study.py              2,000 replicates of each of 6 designs, four CPU minutes
    python data/crossed_study.py --blocks 40  4,000 of them; the first 2,000 are the same ones

Pupils are crossed by 30 schools and 30 neighborhoods. A school has 30 pupils, who come in equal numbers from 2, 3, 5, 10
or all 30 neighborhoods (school j takes them from j, j + 1, ...), so that the crossing differs in degree and nothing else
does. Variances are 0.15 between schools, 0.15 between neighborhoods and 0.70 between pupils. The predictors do nothing:
one of schools, one of neighborhoods, one drawn for each pupil, and one of pupils that has the same mean in every school
and in every neighborhood. Each data set is analyzed with both factors, with the schools alone, and with the slash that
belongs to nested data.

In the sixth design 3 classes of 10 pupils lie in each of 30 schools, and the classes of every school are labeled 1, 2, 3.
It is analyzed with `school/class` and, wrongly, with `school` and `class` as two factors.

Replicates come in blocks of 100 with a seed and predictors of their own; Monte Carlo standard errors are those of a
jackknife over blocks. Besides the table the script writes the
facts in its sheet and tests/crossed_study.json: the first replicates of each design, which a test draws again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import numpy as np  # noqa: E402

import mlmlib as mlm  # noqa: E402

SEED, SCHOOLS, PUPILS, CLASSES = 2026, 30, 30, 3
BETWEEN, WITHIN = 0.15, 0.70
TABLE, SLICE = HERE / "crossed_study.csv", HERE.parent / "tests" / "crossed_study.json"
BLOCK, AGAIN = 100, 4  # replicates of a block, which has predictors of its own, and how many a test draws again
COEFFICIENTS = ("Intercept", "x_school", "x_other", "x_pupil", "x_within")
FIXED = "y ~ " + " + ".join(COEFFICIENTS[1:])
MODELS = {  # of the crossed designs: both factors, one ignored, one nested
    "both": "(1 | school) + (1 | other)",
    "school only": "(1 | school)",
    "school/other": "(1 | school/other)",
}
LABELED = {"school/class": "(1 | school/other)", "school + class": "(1 | school) + (1 | other)"}
DESIGNS = (2, 3, 5, 10, 30, "labels")
MEASURES = {  # of rows (estimate, SE, and the right model's SE and estimate); the true coefficients are zero
    "mean": lambda r: r[:, 0].mean(),
    "SE over SD": lambda r: ((r[:, 1] ** 2).mean() / (r[:, 0] ** 2).mean()) ** 0.5,
    "SE over right SE": lambda r: (r[:, 1] / r[:, 2]).mean(),
    "SD over right SD": lambda r: ((r[:, 0] ** 2).mean() / (r[:, 3] ** 2).mean()) ** 0.5,
    "false alarms": lambda r: (np.abs(r[:, 0] / r[:, 1]) > 1.959964).mean(),
}
COLUMNS = ["design", "model", "what", "measure", "value", "se", "replicates"]


def codes(design) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """School, the other factor as it is, and the other factor as it is labeled, of every pupil."""
    school, place = np.divmod(np.arange(SCHOOLS * PUPILS), PUPILS)
    if design == "labels":
        label = place // (PUPILS // CLASSES)
        return school, school * CLASSES + label, label
    hood = (school + place // (PUPILS // design)) % SCHOOLS
    return school, hood, hood


class Design:
    """The columns of a design, its predictors drawn for one block, and the fits to draw on."""

    def __init__(self, design, block: int):
        self.rng = rng = np.random.default_rng([SEED, DESIGNS.index(design), block])
        self.school, self.other, label = codes(design)
        n, self.J = len(self.school), self.other.max() + 1
        dummies = np.column_stack([np.eye(SCHOOLS)[self.school], np.eye(self.J)[self.other]])
        x = rng.standard_normal(n)
        table = {"school": self.school, "other": label, "x_school": rng.standard_normal(SCHOOLS)[self.school],
                 "x_other": rng.standard_normal(self.J)[self.other], "x_pupil": rng.standard_normal(n),
                 "x_within": x - dummies @ np.linalg.lstsq(dummies, x, rcond=None)[0], "y": self.outcome()}
        self.fits = {name: mlm.lmm(f"{FIXED} + {random}", table) for name, random in models_of(design).items()}

    def outcome(self) -> np.ndarray:
        u, v, e = (self.rng.standard_normal(k) for k in (SCHOOLS, self.J, len(self.school)))
        return BETWEEN**0.5 * (u[self.school] + v[self.other]) + WITHIN**0.5 * e

    def replicates(self, count: int = BLOCK) -> dict[str, np.ndarray]:
        """For each model an array of shape (count, 2 p + variances): coefficients, standard errors, variances."""
        found = {name: [] for name in self.fits}
        for _ in range(count):
            y = self.outcome()
            for name, first in self.fits.items():
                fit = first.refit(y)
                found[name].append([*fit._params, *fit._se, *(T[0, 0] for T in fit._T), fit.sigma**2])
        return {name: np.array(rows) for name, rows in found.items()}


def models_of(design) -> dict[str, str]:
    """The models of a design; with one pupil in a cell the slash's second variance is the residual's."""
    known = LABELED if design == "labels" else MODELS
    return {name: random for name, random in known.items() if design != PUPILS or "/" not in name}


def jackknife(measure, blocks: np.ndarray) -> tuple[float, float]:
    """A measure of all rows and its standard error, from leaving out each block, shape (blocks, rows, ...), in turn."""
    k = len(blocks)
    left = np.array([measure(np.concatenate(np.delete(blocks, i, axis=0))) for i in range(k)])
    error = ((k - 1) / k * ((left - left.mean()) ** 2).sum()) ** 0.5
    return float(measure(np.concatenate(blocks))), float(error)


def rows_of(design, blocks: list[dict[str, np.ndarray]]) -> list[tuple]:
    """The rows of the table; those of a coefficient are made of estimates and SEs, and of the right model's."""
    rows, p = [], len(COEFFICIENTS)
    right = np.array([block[next(iter(models_of(design)))] for block in blocks])
    for model in models_of(design):
        own = np.array([block[model] for block in blocks])
        names = [*("school", "other")[: own.shape[2] - 2 * p - 1], "residual"]
        for k, name in enumerate(names):
            rows.append((design, model, f"variance {name}", "mean", *jackknife(np.mean, own[:, :, 2 * p + k])))
        for k, name in enumerate(COEFFICIENTS):
            both = np.stack([own[:, :, k], own[:, :, p + k], right[:, :, p + k], right[:, :, k]], axis=2)
            rows += [(design, model, name, measure, *jackknife(function, both)) for measure, function in MEASURES.items()]
    return [(*row, right.shape[0] * right.shape[1]) for row in rows]


def expected(feeders: int) -> dict[str, float]:
    """What the model with schools alone estimates on average, by the mean squares of the balanced design."""
    share, n, J = 1 / feeders, PUPILS, SCHOOLS
    residual = WITHIN + BETWEEN * n / (n - 1) * (1 - share)
    means = BETWEEN + BETWEEN * J / (J - 1) * (share - 1 / J) + WITHIN / n
    return {"school": means - residual / n, "residual": residual}


def table(blocks: int):
    """The whole table (DataFrame)."""
    import pandas as pd

    rows = []
    for design in DESIGNS:
        rows += rows_of(design, [Design(design, block).replicates() for block in range(blocks)])
    return pd.DataFrame(rows, columns=COLUMNS).round({"value": 5, "se": 5})


def sliced() -> dict:
    """The first replicates of every design, at nine digits."""
    return {str(design): {model: np.round(values, 9).tolist()
                          for model, values in Design(design, 0).replicates(AGAIN).items()} for design in DESIGNS}


def main(arguments=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=20, help="blocks of 100 replicates for each design (20)")
    options = parser.parse_args(arguments)
    from build import stamp

    began = time.time()
    table(options.blocks).to_csv(TABLE, index=False, lineterminator="\n")
    SLICE.write_text(json.dumps(sliced()) + "\n", encoding="utf-8")
    stamp(TABLE.stem)
    print(f"{options.blocks} blocks of {len(DESIGNS)} designs, {time.time() - began:.0f} s")


if __name__ == "__main__":
    main()
