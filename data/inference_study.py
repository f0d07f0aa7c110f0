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

import argparse
import hashlib
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
from inference_replicates import EFFECTS, ICC, SCENARIOS, SEED, TRUE_SD, Counts, block, covered  # noqa: E402

TABLE, SLICE = HERE / "inference_study.csv", HERE.parent / "tests" / "inference_study.json"
CACHE = HERE.parent / "_build" / "inference_study"
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
    settings = hashlib.sha256(repr((SEED, ICC, counts_of(number), scenario)).encode()).hexdigest()[:10]
    return cache / f"{scenario.number:02d}-{number:03d}-{settings}.npz"


def keep(cache: Path, scenario, number: int) -> None:
    """Compute a block and put it into the cache, whole or not at all."""
    found = block(scenario, number, counts_of(number))
    path = path_of(cache, scenario, number)
    part = path.with_suffix(f".{os.getpid()}.part")
    with open(part, "wb") as file:
        np.savez(file, **found)
    os.replace(part, path)


def run(cache: Path, blocks: int, jobs: int, progress: bool) -> None:
    """All blocks that are not there yet, round by round."""
    from joblib import Parallel, delayed
    from tqdm import tqdm

    cache.mkdir(parents=True, exist_ok=True)
    tasks = [(scenario, number) for number in range(blocks) for scenario in SCENARIOS]
    left = [task for task in tasks if not path_of(cache, *task).exists()]
    work = Parallel(n_jobs=jobs, return_as="generator_unordered")(delayed(keep)(cache, *task) for task in left)
    with tqdm(total=len(tasks), initial=len(tasks) - len(left), unit=" blocks", disable=not progress) as bar:
        for _ in work:
            bar.update()


def gathered(cache: Path, scenario, blocks: int) -> dict[str, np.ndarray]:
    """The blocks of a scenario, one after another."""
    parts = []
    for number in range(blocks):
        with np.load(path_of(cache, scenario, number)) as file:
            found = dict(file)
        parts.append(found | _widths(found))
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


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
    found = {number: block(SCENARIOS[number - 1], 0, AGAIN) for number in SLICED}
    return {str(number): {key: np.where(np.isnan(values), None, np.round(values, 9)).tolist()
                          for key, values in own.items()} for number, own in found.items()}


def complete(cache: Path) -> int:
    """How many blocks every scenario has."""
    blocks = 0
    while all(path_of(cache, scenario, blocks).exists() for scenario in SCENARIOS):
        blocks += 1
    return blocks


def write(cache: Path, blocks: int) -> None:
    """The table, the facts of its sheet, and the slice."""
    from build import stamp

    table(cache, blocks).to_csv(TABLE, index=False, lineterminator="\n")
    stamp(TABLE.stem)
    SLICE.write_text(json.dumps(sliced()) + "\n", encoding="utf-8")


def main(arguments=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=4, help="blocks of 250 replicates for each scenario (4)")
    parser.add_argument("--jobs", type=int, default=2, help="workers, -1 for all processors (2)")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of finished blocks (_build/inference_study)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.add_argument("--only-write", action="store_true", help="compute nothing; write the table from the cache")
    options = parser.parse_args(arguments)
    began = time.time()
    if not options.only_write:
        run(options.cache, options.blocks, options.jobs, not options.quiet)
    blocks = min(complete(options.cache), options.blocks)
    if not blocks:
        parser.error(f"the cache {options.cache} has no block of every scenario yet")
    write(options.cache, blocks)
    print(f"{blocks} blocks a scenario, {time.time() - began:.0f} s")


if __name__ == "__main__":
    main()
