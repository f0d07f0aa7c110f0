"""Blocks of replicates, carried out here or by workers, with a progress bar, until done or interrupted.

Chapter 8 (``08_inference``) uses it for the bootstrap.
"""

from __future__ import annotations

import contextlib
import os
import sys

import numpy as np

from .replicate import BLOCK, Drawn

__all__ = ["bar_of", "new_seed", "run"]


def new_seed(seed: int | None) -> int:
    """The seed, or a new one."""
    return int(np.random.SeedSequence().entropy % 2 ** 32) if seed is None else seed


def run(make, n: int, seed: int, n_jobs: int | None, progress: bool | None, block: int = BLOCK) -> tuple[list[Drawn], bool]:
    """Carry out `n` replicates, `block` at a time; whether it was interrupted is the second value."""
    sizes = [min(block, n - begin) for begin in range(0, n, block)]
    seeds = np.random.SeedSequence(seed).spawn(len(sizes))
    done: list[Drawn] = []
    with bar_of(n, progress) as bar:
        try:
            for block in _blocks(make, seeds, sizes, n_jobs):
                done.append(block)
                bar.update(len(block.failed))
        except KeyboardInterrupt:
            return done, True
    return done, False


def _blocks(make, seeds, sizes, n_jobs):
    """The blocks in their order, each as soon as it is there."""
    if n_jobs == 1:
        yield from (make(seed, size) for seed, size in zip(seeds, sizes))
        return
    from joblib import Parallel, delayed
    tasks = [delayed(make)(seed, size) for seed, size in zip(seeds, sizes)]
    try:
        workers = Parallel(n_jobs=n_jobs, return_as="generator")
    except ValueError:  # a backend that hands back all results at once
        workers = Parallel(n_jobs=n_jobs)
    yield from workers(tasks)


class _Silent:
    """A progress bar that is not shown."""

    def update(self, count: int) -> None:
        pass


@contextlib.contextmanager
def bar_of(n: int, progress: bool | None, unit: str = "replicates"):
    """A progress bar where someone sees it."""
    shown = _watched() if progress is None else progress
    try:
        from tqdm.auto import tqdm
    except ImportError:
        shown = False
    if not shown:
        yield _Silent()
        return
    # asked for, it is shown whatever TQDM_DISABLE said when tqdm was loaded
    with tqdm(total=n, unit=f" {unit}", delay=1.0 if progress is None else 0.0, leave=False, disable=False) as bar:
        yield bar


def _watched() -> bool:
    """True in a terminal and in a notebook, unless TQDM_DISABLE is set, as it is while the book is built."""
    if os.environ.get("TQDM_DISABLE"):
        return False
    kernel = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return sys.stderr.isatty() if kernel is None else hasattr(kernel, "kernel")
