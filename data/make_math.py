"""Reconstruct math.csv from its cell statistics: `python data/make_math.py`.

Stata's math.dta may not be copied here, but a Gaussian model in math, homework, ses, schtype and ratio sees the data
only through sums. `math_cells.csv` holds them for every school and number of homework hours: n, the sums and sums of
squares of math and of ses, and the sum of math x ses. This script makes students that have exactly those sums: whole
math scores in 30..71 by a random search over pairwise moves, ses by a linear construction. Run it again and the same
file comes out.
"""

import csv
import math
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SEED = 20240519
LOW, HIGH = 30, 71
COLUMNS = ["schid", "schtype", "ratio", "homework", "ses", "math"]


def whole_scores(n, total, squares, rng):
    """n whole numbers in LOW..HIGH with the given sum and sum of squares, in random order.

    Start near the mean, then move one score up and another down by one: the sum stays, and the sum of squares
    is steered to its target. A move that would pass the target is refused except now and then, which frees the
    search from corners.
    """
    for _ in range(1000):
        scores = np.full(n, total // n)
        scores[: total - n * (total // n)] += 1
        for _ in range(4000):
            gap = squares - int(scores @ scores)
            if gap == 0:
                return rng.permutation(scores)
            i, j = rng.choice(n, 2, replace=False)
            if scores[i] >= HIGH or scores[j] <= LOW:
                continue
            change = 2 * (scores[i] - scores[j] + 1)
            if abs(gap - change) < abs(gap) or rng.random() < 0.05:
                scores[i] += 1
                scores[j] -= 1
    raise RuntimeError(f"no whole scores found for n={n}, sum={total}, sum of squares={squares}")


def matching_ses(scores, total, squares, cross, rng):
    """ses with the given sum, sum of squares and sum of products with the scores: mean + slope * score + scatter."""
    n = len(scores)
    x = scores - scores.mean()
    sxx = x @ x
    slope = (cross - scores.mean() * total) / sxx if sxx > 0 else 0.0
    ses = total / n + slope * x
    left = squares - ses @ ses
    scatter = rng.standard_normal(n)
    directions = np.column_stack([np.ones(n), x]) if sxx > 0 else np.ones((n, 1))
    scatter -= directions @ np.linalg.lstsq(directions, scatter, rcond=None)[0]
    if left > 1e-9:  # in a cell of one or two students nothing is left to choose
        ses = ses + scatter * math.sqrt(left / (scatter @ scatter))
    return ses


def reconstruct(cells, seed=SEED):
    """Rows of the data set, school by school, the students of a school in random order."""
    rng = np.random.default_rng(seed)
    schools = {}
    for cell in cells:
        n = int(cell["n"])
        scores = np.array([int(cell["math_sum"])])
        if n > 1:
            scores = whole_scores(n, int(cell["math_sum"]), int(cell["math_sumsq"]), rng)
        ses = matching_ses(scores, float(cell["ses_sum"]), float(cell["ses_sumsq"]), float(cell["math_ses_sum"]), rng)
        rows = schools.setdefault(cell["schid"], [])
        for score, value in zip(scores, ses):
            rows.append(
                [cell["schid"], cell["schtype"], cell["ratio"], cell["homework"], f"{value:.12f}", str(score)]
            )
    return [rows[k] for rows in schools.values() for k in rng.permutation(len(rows))]


def main():
    with open(HERE / "math_cells.csv", newline="") as file:
        cells = list(csv.DictReader(file))
    rows = reconstruct(cells)
    with open(HERE / "math.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    print(f"math.csv: {len(rows)} students of {len({row[0] for row in rows})} schools")


if __name__ == "__main__":
    main()
