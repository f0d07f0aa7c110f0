"""Simulate how often intervals cover and tests err, over 6 to 100 groups: writes data/inference_study.csv.

    python data/inference_study.py                        1,000 replicates of each of 24 scenarios, 7 CPU minutes
    python data/inference_study.py --blocks 20 --jobs -1  5,000 of them; what is done already is kept
    python data/inference_study.py --only-write           the table from the blocks that are there

The scenarios cross 6, 10, 20, 30, 50 and 100 groups, balanced and unequal sizes, normal and skewed random parts;
inference_replicates.py draws and analyzes them. Work is cut into blocks of 250 replicates, each with a seed of its
own, so that nothing depends on the number of workers. In the first two blocks of a scenario 50 replicates are
bootstrapped too, and 25 profiled to the ends of the intervals. A finished block is kept in the folder --cache: an
interrupted run goes on where it stopped, and a run with more --blocks computes only the new ones. Every scenario gets
its first block before any gets its second, and the table uses as many blocks as all scenarios have.

Besides the table it writes the facts in the data sheet (rows, SHA-256) and tests/inference_study.json: the first
replicates of two scenarios, which a test draws again.
"""

from __future__ import annotations

from pathlib import Path

import study  # before NumPy
import numpy as np
from inference_replicates import EFFECTS, ICC, SCENARIOS, SEED, TRUE_SD, Counts, block, covered

NAME = "inference_study"
TABLE, SLICE, CACHE = study.places(NAME)
COUNTS, PLAIN = Counts(), Counts(resampled=0, ends=0)  # of the first RESAMPLED blocks of a scenario, and of the others
RESAMPLED = 2
SLICED = (1, 12)  # the scenarios of which a test draws the first replicates again, and how many
AGAIN = Counts(cheap=12, resampled=2, ends=2, null=40)
OF_EFFECTS = ("z (REML)", "z (ML)", "Satterthwaite", "Kenward-Roger")
INTERVALS = {
    **dict.fromkeys(EFFECTS, (*OF_EFFECTS, "profile", "bootstrap percentile")),
    "sd": ("Wald (log scale)", "profile (ML)", "profile (REML)", "bootstrap percentile"),
}
TESTS = {
    "treated": (*OF_EFFECTS, "LR test", "bootstrap LR test"),
    "x": (*OF_EFFECTS, "LR test"),
    "variance": ("chi2(1)", "chibar2(01)", "exact RLRT"),
}


def counts_of(number: int) -> Counts:
    """What a block holds: resampling, which takes most of the time, in the first ones only."""
    return COUNTS if number < RESAMPLED else PLAIN


def path_of(cache: Path, scenario, number: int) -> Path:
    """Where a block is kept; blocks of another size, seed or truth have other names."""
    settings = study.hashed(SEED, ICC, counts_of(number), scenario)
    return cache / f"{scenario.number:02d}-{number:03d}-{settings}.npz"


def keep(cache: Path, scenario, number: int) -> None:
    """Compute a block and put it into the cache."""
    study.save(path_of(cache, scenario, number), block(scenario, number, counts_of(number)))


def run(cache: Path, blocks: int, jobs: int, progress: bool) -> None:
    """All blocks that are not there yet, round by round."""
    study.run(keep, path_of, SCENARIOS, cache, blocks, jobs, progress)


def gathered(cache: Path, scenario, blocks: int) -> dict[str, np.ndarray]:
    """The blocks of a scenario, one after another."""
    return study.gathered([path_of(cache, scenario, number) for number in range(blocks)], _widths)


def _widths(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Width of each interval relative to z (REML) in the same replicate of a block, of the SD's to the true SD."""
    widths = {}
    for key, ends in found.items():
        if key.startswith("interval|"):
            name = key.split("|")[1]
            z = np.array([[0.0, TRUE_SD]]) if name == "sd" else found[f"interval|{name}|z (REML)"][:len(ends)]
            widths[key.replace("interval", "width")] = (ends[:, 1] - ends[:, 0]) / (z[:, 1] - z[:, 0])
    return widths


def rows_of(found: dict[str, np.ndarray]) -> list[tuple]:
    """Parameter, method, measure, value, its standard error, replicates, failures."""
    rows = []
    for name, methods in INTERVALS.items():
        rows += [(name, method, "coverage", *_share(_covers(found, name, method))) for method in methods]
        rows += [(name, method, "width", *_width(found[f"width|{name}|{method}"])) for method in methods]
    for name, methods in TESTS.items():
        for method in methods:
            p = found.get(f"p|{name}|{method}")
            wrong = 1.0 - _covers(found, name, method) if p is None else np.where(np.isnan(p), np.nan, p <= 0.05)
            rows.append((name, method, "type I error", *_share(wrong)))
    return rows


def _covers(found, name: str, method: str) -> np.ndarray:
    """1 where an interval covers, 0 where not, NaN where there is none; of profiles by the test at the true value."""
    p = found.get(f"p|{name}|{'LR test' if method == 'profile' else method}") if method.startswith("profile") else None
    if p is not None:
        return np.where(np.isnan(p), np.nan, p > 0.05)
    ends = found[f"interval|{name}|{method}"]
    return np.where(np.isnan(ends).any(axis=1), np.nan, covered(ends, name))


def _share(hits: np.ndarray) -> tuple[float, float, int, int]:
    """Share of the replicates, a failure counted as no hit."""
    n, failures = len(hits), int(np.isnan(hits).sum())
    share = float(np.nansum(hits)) / n
    return share, float(np.sqrt(share * (1.0 - share) / n)), n, failures


def _width(width: np.ndarray) -> tuple[float, float, int, int]:
    """Median of the widths there are; half the distance of two order statistics is its standard error."""
    known = width[~np.isnan(width)]
    low, high = np.quantile(known, np.clip(0.5 + np.array([-0.5, 0.5]) / np.sqrt(len(known)), 0, 1))
    return float(np.median(known)), float(high - low) / 2.0, len(width), len(width) - len(known)


def table(cache: Path, blocks: int):
    """The whole table (DataFrame)."""
    import pandas as pd

    columns = ["scenario", "groups", "sizes", "distribution", "parameter", "method", "measure", "value", "se",
               "replicates", "failures"]
    rows = [(s.number, s.groups, s.sizes, s.distribution, *row) for s in SCENARIOS
            for row in rows_of(gathered(cache, s, blocks))]
    return pd.DataFrame(rows, columns=columns).round({"value": 4, "se": 4})


def sliced() -> dict:
    """The first replicates of two scenarios, at nine digits, null where there is no number."""
    return {str(number): study.nine_digits(block(SCENARIOS[number - 1], 0, AGAIN)) for number in SLICED}


def complete(cache: Path) -> int:
    """How many blocks every scenario has."""
    return study.complete(path_of, SCENARIOS, cache)


def write(cache: Path, blocks: int) -> None:
    """The table, the facts of its sheet, and the slice."""
    study.write(NAME, table(cache, blocks), sliced())


def main(arguments=None) -> None:
    study.command(arguments, __doc__, CACHE, 4, "250 replicates for each scenario", run, complete, write)


if __name__ == "__main__":
    main()
