"""What the simulation studies of this folder share: blocks that are kept, a run that goes on where it stopped, the table and its slice.

A study has numbered scenarios, and for each of them blocks of replicates with a seed of their own, so that nothing depends on the
number of workers. A script says what a block holds (``block``), where it is kept (``path_of``, by the hash of its settings) and what
row the table has; `crossed_study.py` and `quasi_study.py` are of other forms. Import it before NumPy: a worker takes one thread.
"""

from __future__ import annotations

import argparse
import contextlib
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


def places(name: str) -> tuple[Path, Path, Path]:
    """The table, the slice that a test draws again, and the folder of finished blocks of a study."""
    return HERE / f"{name}.csv", HERE.parent / "tests" / f"{name}.json", HERE.parent / "_build" / name


def hashed(*settings) -> str:
    """A short name for settings; other settings have other names."""
    return hashlib.sha256(repr(settings).encode()).hexdigest()[:10]


def save(path: Path, found: dict[str, np.ndarray]) -> None:
    """Put a block into the cache, whole or not at all."""
    part = path.with_suffix(f".{os.getpid()}.part")
    with open(part, "wb") as file:
        np.savez(file, **found)
    os.replace(part, path)


def run(keep, path_of, scenarios, cache: Path, blocks: int, jobs: int, progress: bool) -> None:
    """All blocks that are not there yet, round by round, by the workers of joblib's backend that is in force."""
    from joblib import Parallel, delayed
    from tqdm import tqdm

    cache.mkdir(parents=True, exist_ok=True)
    tasks = [(scenario, number) for number in range(blocks) for scenario in scenarios]
    left = [task for task in tasks if not path_of(cache, *task).exists()]
    calls = [delayed(keep)(cache, *task) for task in left]
    try:
        work = Parallel(n_jobs=jobs, return_as="generator_unordered")(calls)
    except ValueError:  # a backend that hands back all results at once; what is finished is kept all the same
        work = Parallel(n_jobs=jobs)(calls)
    with tqdm(total=len(tasks), initial=len(tasks) - len(left), unit=" blocks", disable=not progress) as bar:
        for _ in work:
            bar.update()


@contextlib.contextmanager
def workers_of(scheduler: str | None):
    """A Dask cluster as joblib's backend, where one is named."""
    if scheduler is None:
        yield
        return
    from dask.distributed import Client
    from joblib import parallel_config
    with Client(scheduler), parallel_config(backend="dask"):
        yield


def gathered(paths, more=None) -> dict[str, np.ndarray]:
    """Blocks one after another; `more` computes arrays from those of one block."""
    parts = []
    for path in paths:
        with np.load(path) as file:
            found = dict(file)
        parts.append(found | (more(found) if more else {}))
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def complete(path_of, scenarios, cache: Path) -> int:
    """How many blocks every scenario has."""
    blocks = 0
    while all(path_of(cache, scenario, blocks).exists() for scenario in scenarios):
        blocks += 1
    return blocks


def nine_digits(found: dict[str, np.ndarray]) -> dict[str, list]:
    """Arrays for JSON at nine digits, null where there is no finite number."""
    return {key: np.where(np.isfinite(values), np.round(values, 9), None).tolist() for key, values in found.items()}


def write(name: str, table, sliced: dict) -> None:
    """The table, the facts of its sheet, and the slice."""
    from build import stamp

    to, slice_, _ = places(name)
    table.to_csv(to, index=False, lineterminator="\n")
    stamp(name)
    slice_.write_text(json.dumps(sliced) + "\n", encoding="utf-8")


def command(arguments, about: str, cache: Path, blocks: int, of: str, run, complete, write) -> None:
    """The script's command line: compute what is not there yet, then write.

    Parameters
    ----------
    blocks : int
        How many, if nothing is said.
    of : str
        What a block holds, ``"100 replicates for each scenario"``.
    run, complete, write : functions of (cache, blocks, jobs, progress), (cache) and (cache, blocks)
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=blocks, help=f"blocks of {of} ({blocks})")
    parser.add_argument("--jobs", type=int, default=2, help="workers, -1 for all processors (2)")
    parser.add_argument("--scheduler", help="address of a Dask cluster that does the work; it must see the folder of --cache")
    parser.add_argument("--cache", type=Path, default=cache, help=f"folder of finished blocks (_build/{cache.name})")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.add_argument("--only-write", action="store_true", help="compute nothing; write the table from the cache")
    options = parser.parse_args(arguments)
    began = time.time()
    if not options.only_write:
        with workers_of(options.scheduler):
            run(options.cache, options.blocks, options.jobs if options.scheduler is None else -1, not options.quiet)
    found = min(complete(options.cache), options.blocks)
    if not found:
        parser.error(f"the cache {options.cache} has no block of every scenario yet")
    write(options.cache, found)
    print(f"{found} blocks a scenario, {time.time() - began:.0f} s")
