"""How fast a fit in chunks reads rows, and how much memory it takes.

    python tests/chunk_rate.py [millions of rows] [folder]     50 where nothing is said; with a folder, from Parquet files written there

Rows of 10,000 groups with a random slope come a million at a time; making them is not counted. Nothing is timed by a test.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import numpy as np

import mlmlib as mlm

GROUPS, ROWS = 10_000, 1_000_000


def chunk(number: int) -> dict:
    """A million rows."""
    rng, effects = np.random.default_rng(number), np.random.default_rng(99).standard_normal((2, GROUPS))
    g, x = rng.integers(GROUPS, size=ROWS), rng.standard_normal(ROWS)
    return {"g": g, "x": x, "y": 2 + 0.5 * x + effects[0][g] + 0.3 * effects[1][g] * x + rng.standard_normal(ROWS)}


class Chunks:
    """Chunks one by one, and the seconds that making them took."""

    def __init__(self, count: int):
        self.count, self.seconds = count, np.zeros(2)

    def __iter__(self):
        for number in range(self.count):
            began = np.array([time.perf_counter(), time.process_time()])
            made = chunk(number)
            self.seconds += [time.perf_counter(), time.process_time()] - began
            yield made


def main(millions: str = "50", folder: str | None = None) -> None:
    source = Chunks(int(millions))
    if folder is not None:
        import pyarrow
        from pyarrow import parquet
        for number, made in enumerate(source):
            parquet.write_table(pyarrow.table(made), Path(folder) / f"rows{number}.parquet")
        source.seconds[:] = 0
    began = np.array([time.perf_counter(), time.process_time()])
    fit = mlm.lmm("y ~ x + (1 + x | g)", source if folder is None else folder)
    clock, processor = [time.perf_counter(), time.process_time()] - began - source.seconds
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{fit.nobs:,} rows: {processor:.1f} s of processor, {clock:.1f} s by the clock, peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main(*sys.argv[1:3])
