"""Simulate groups whose effects go with a predictor, and estimate its slope in ten ways: writes data/confounding_study.csv.

    python data/confounding_study.py              1,000 replicates of each of 24 scenarios, about seven CPU minutes
    python data/confounding_study.py --blocks 20  2,000 of them; what is done already is kept
    python data/confounding_study.py --only-write the table from the blocks that are there

J groups of n rows have x_ij = m_j + w_ij, with variances 0.3 between and 0.7 within groups, and y_ij = u_j + b_j x_ij + e_ij, with
variances 0.3 of u and 0.7 of e. The correlation of u_j with m_j, the group's own mean of x, is `rho`. The slopes b_j have the mean
1, which all methods are to estimate, and `slopes` says how they differ:

- "same": not at all;
- "differ": standard deviation 0.3, and half of the groups vary twice as much in x as the others (variances 0.28 and 1.12);
- "follow": the same, and the slopes have the correlation 0.5 with these variances.

Replicates come in blocks of 100, each with a seed of its own, so that nothing depends on the number of workers. A finished block is
kept in the folder --cache: an interrupted run goes on where it stopped. Every scenario gets its first block before any gets its
second, and the table uses as many blocks as all scenarios have. Besides the table the script writes the facts in its sheet and
tests/confounding_study.json: the first replicates of three scenarios, which a test draws again.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import study  # before NumPy
import numpy as np

import mlmlib as mlm

SEED, BLOCK, TRUE = 2026, 100, 1.0
BETWEEN, WITHIN, SLOPE_SD, FOLLOW = 0.3, 0.7, 0.3, 0.5  # of x and of y alike; of the slopes
NAME = "confounding_study"
TABLE, SLICE, CACHE = study.places(NAME)
METHODS = ("OLS", "OLS + CR2", "FE", "FE + CR2", "RE", "pretest", "Mundlak", "RE slope", "Mundlak slope", "mean of slopes")
TESTS = ("hausman", "hausman_robust")
COLUMNS = ["scenario", "groups", "n", "rho", "slopes", "method", "bias", "mc_error", "sd", "mean_se", "rmse", "coverage",
           "coverage_error", *TESTS, "negative", "replicates", "failures"]
SLICED, AGAIN = (1, 12, 21), 3  # the scenarios of which a test draws the first replicates again, and how many


@dataclass(frozen=True)
class Scenario:
    """A design: its number, groups, rows in each, correlation of effects and means, how slopes differ."""

    number: int
    groups: int
    n: int
    rho: float
    slopes: str


DESIGNS = [(50, n, rho, "same") for n, rho in product((5, 20, 100), (0.0, 0.2, 0.5))]
DESIGNS += [(200, 5, rho, "same") for rho in (0.0, 0.2, 0.5)]
DESIGNS += [(50, n, rho, slopes) for slopes, rho, n in product(("differ", "follow"), (0.0, 0.5), (5, 20, 100))]
SCENARIOS = [Scenario(k, *design) for k, design in enumerate(DESIGNS, start=1)]


def draw(scenario: Scenario, rng) -> dict[str, np.ndarray]:
    """One data set: columns y, x, its group mean and the deviation from it, and the group."""
    J, n = scenario.groups, scenario.n
    group = np.repeat(np.arange(J), n)
    mean, own = rng.standard_normal((2, J))
    u = np.sqrt(BETWEEN) * (scenario.rho * mean + np.sqrt(1.0 - scenario.rho ** 2) * own)
    wide, z = rng.permutation(np.arange(J) % 2), rng.standard_normal(J)
    if scenario.slopes == "follow":
        z = FOLLOW * (2.0 * wide - 1.0) + np.sqrt(1.0 - FOLLOW ** 2) * z
    same = scenario.slopes == "same"
    slope = TRUE + (0.0 if same else SLOPE_SD) * z
    spread = np.sqrt(WITHIN * (np.ones(J) if same else np.where(wide, 1.6, 0.4)))
    x = np.sqrt(BETWEEN) * mean[group] + spread[group] * rng.standard_normal(J * n)
    y = u[group] + slope[group] * x + np.sqrt(WITHIN) * rng.standard_normal(J * n)
    average = x.reshape(J, n).mean(axis=1)[group]
    return {"y": y, "x": x, "mean": average, "inner": x - average, "group": group}


def analyze(data: dict) -> tuple[np.ndarray, np.ndarray]:
    """Every method and both tests on one data set.

    Returns
    -------
    estimates : ndarray, shape (10, 4)
        A row a method, in the order of METHODS: estimate, standard error, degrees of freedom, 1 where the fit converged.
    tests : ndarray, shape (3,)
        p-values of Hausman's classical and robust test (1 where the statistic is negative), and 1 where it was negative.
    """
    found = {}
    fe, re, mundlak = (mlm.panel("y ~ x", data, groups="group", effects=e) for e in ("within", "random", "mundlak"))
    ols = mlm.ols("y ~ x", data)
    for name, fit in (("OLS", ols), ("FE", fe)):
        robust = mlm.robust(fit, "group" if name == "FE" else data["group"], kind="CR2")
        table = robust.coef_table().loc["x"]
        found[name] = _row(fit, "x", ols.nobs - 2 if name == "OLS" else fit._t_df)
        found[f"{name} + CR2"] = (table["estimate"], table["se"], table["df"], 1.0)
    found["RE"], found["Mundlak"] = _row(re, "x", np.inf), _row(mundlak, "x", np.inf)
    found["RE slope"] = _row(mlm.lmm("y ~ x + (x | group)", data), "x", np.inf)
    found["Mundlak slope"] = _row(mlm.lmm("y ~ inner + mean + (inner | group)", data), "inner", np.inf)
    found["mean of slopes"] = _mean_of_slopes(data)
    classical, robust = mlm.hausman(fe, re), mlm.hausman(fe, re, method="robust")
    negative = classical.statistic < 0
    p = 1.0 if negative else classical.pvalue
    found["pretest"] = found["FE" if p < 0.05 else "RE"]
    return np.array([found[method] for method in METHODS], dtype=float), np.array([p, robust.pvalue, float(negative)])


def _row(fit, name: str, df: float) -> tuple:
    """Estimate, standard error, degrees of freedom, converged."""
    return float(fit.params[name]), float(fit.bse[name]), df, float(getattr(fit, "converged", True))


def _mean_of_slopes(data: dict) -> tuple:
    """The unweighted mean of the groups' own slopes, with the standard error of a mean."""
    J = data["group"][-1] + 1
    inner, y = data["inner"].reshape(J, -1), data["y"].reshape(J, -1)
    slopes = (inner * y).sum(axis=1) / (inner * inner).sum(axis=1)
    return slopes.mean(), slopes.std(ddof=1) / np.sqrt(J), J - 1.0, 1.0


def block(scenario: Scenario, number: int, count: int = BLOCK) -> dict[str, np.ndarray]:
    """The first `count` replicates of a block: estimates (count, 10, 4) and tests (count, 3)."""
    rng = np.random.default_rng([SEED, scenario.number, number])
    both = [analyze(draw(scenario, rng)) for _ in range(count)]
    return {"estimates": np.array([one for one, _ in both]), "tests": np.array([one for _, one in both])}


def path_of(cache: Path, scenario: Scenario, number: int) -> Path:
    """Where a block is kept; blocks of another size, seed or truth have other names."""
    settings = study.hashed(SEED, BLOCK, BETWEEN, WITHIN, SLOPE_SD, FOLLOW, scenario)
    return cache / f"{scenario.number:02d}-{number:03d}-{settings}.npz"


def keep(cache: Path, scenario: Scenario, number: int) -> None:
    """Compute a block and put it into the cache."""
    study.save(path_of(cache, scenario, number), block(scenario, number))


def run(cache: Path, blocks: int, jobs: int, progress: bool) -> None:
    """All blocks that are not there yet, round by round."""
    study.run(keep, path_of, SCENARIOS, cache, blocks, jobs, progress)


def gathered(cache: Path, scenario: Scenario, blocks: int) -> dict[str, np.ndarray]:
    """The blocks of a scenario, one after another."""
    return study.gathered([path_of(cache, scenario, number) for number in range(blocks)])


def rows_of(scenario: Scenario, found: dict[str, np.ndarray]) -> list[tuple]:
    """A row for each method; of fits that converged."""
    from scipy.special import stdtrit

    n = len(found["tests"])
    power = [float((found["tests"][:, k] < 0.05).mean()) for k in range(2)]
    negative, rows = int(found["tests"][:, 2].sum()), []
    for k, method in enumerate(METHODS):
        good = found["estimates"][:, k, 3] == 1
        b, se, df = found["estimates"][good, k, :3].T
        half = se * np.where(np.isfinite(df), stdtrit(np.where(np.isfinite(df), df, 1e9), 0.975), 1.959963984540054)
        error, sd, covers = b - TRUE, float(b.std(ddof=1)), float((np.abs(b - TRUE) < half).mean())
        rows.append((scenario.number, scenario.groups, scenario.n, scenario.rho, scenario.slopes, method, error.mean(),
                     sd / np.sqrt(len(b)), sd, se.mean(), np.sqrt((error ** 2).mean()), covers,
                     np.sqrt(covers * (1.0 - covers) / len(b)), *power, negative, n, int((~good).sum())))
    return rows


def table(cache: Path, blocks: int):
    """The whole table (DataFrame)."""
    import pandas as pd

    rows = [row for scenario in SCENARIOS for row in rows_of(scenario, gathered(cache, scenario, blocks))]
    return pd.DataFrame(rows, columns=COLUMNS).round(
        {"bias": 4, "mc_error": 4, "sd": 4, "mean_se": 4, "rmse": 4, "coverage": 4, "coverage_error": 4})


def sliced() -> dict:
    """The first replicates of three scenarios, at nine digits, null where there is no number."""
    return {str(number): study.nine_digits(block(SCENARIOS[number - 1], 0, AGAIN)) for number in SLICED}


def complete(cache: Path) -> int:
    """How many blocks every scenario has."""
    return study.complete(path_of, SCENARIOS, cache)


def write(cache: Path, blocks: int) -> None:
    """The table, the facts of its sheet, and the slice."""
    study.write(NAME, table(cache, blocks), sliced())


def main(arguments=None) -> None:
    study.command(arguments, __doc__, CACHE, 10, "100 replicates for each scenario", run, complete, write)


if __name__ == "__main__":
    main()
