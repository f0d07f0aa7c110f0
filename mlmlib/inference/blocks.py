"""Blocks of replicates, carried out here or by workers, with a progress bar, until done or interrupted.

Chapter 8 (``08_inference``) uses it for the bootstrap.
"""

from __future__ import annotations

import contextlib
import os
import sys

import numpy as np

from ..optional import needs
from .checkpoint import Checkpoint, seed_of
from .replicate import BLOCK, Drawn

__all__ = ["bar_of", "how_to_go_on", "new_seed", "run"]


def new_seed(seed: int | None, checkpoint=None) -> int:
    """The seed, that of the run to be continued, or a new one."""
    seed = seed_of(checkpoint) if seed is None else seed
    return int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed


def run(make, n: int, seed: int, n_jobs: int | None, progress: bool | None, block: int = BLOCK, *, kind: type = Drawn, checkpoint=None,
        about: str = "") -> tuple[list, bool]:
    """Carry out `n` replicates, `block` at a time; whether it was interrupted is the second value.

    What a block draws depends on its seed alone, and blocks are put in order at the end: neither the backend nor the number of workers,
    nor an earlier run whose blocks are in the file `checkpoint`, changes a number.  (A BLAS with another number of threads, as
    joblib gives its processes where the environment does not say, adds products in another order, and the last bits differ.)
    """
    sizes = [min(block, n - begin) for begin in range(0, n, block)]
    seeds = np.random.SeedSequence(seed).spawn(len(sizes))
    file = Checkpoint(checkpoint, kind, about, seed)
    done = file.known(make, seeds, sizes)
    left = [(number, seeds[number], sizes[number]) for number in range(len(sizes)) if number not in done]
    interrupted = False
    with bar_of(n, progress) as bar:
        bar.update(sum(sizes[number] for number in done))
        try:
            for number, found in _blocks(make, left, n_jobs):
                file.keep(number, sizes[number], found)
                done[number] = found
                bar.update(len(found.failed))
        except KeyboardInterrupt:
            interrupted = True
    return [done[number] for number in sorted(done)], interrupted


def how_to_go_on(done: int, asked: int, checkpoint) -> str:
    """What is said of an interrupted run."""
    mend = ("With checkpoint='file' the same call would go on where it stopped." if checkpoint is None else
            f"The same call goes on from {str(checkpoint)!r}.")
    return f"Interrupted: {done} of {asked} replicates are done. {mend}"


def _blocks(make, tasks, n_jobs):
    """Number and block, each as soon as it is there."""
    if n_jobs == 1 or n_jobs is None and "joblib" not in sys.modules:  # who has set a backend has loaded joblib
        yield from ((number, make(seed, size)) for number, seed, size in tasks)
        return
    with needs("n_jobs="):
        from joblib import Parallel, delayed, effective_n_jobs
    make = _sendable(make)
    calls = [delayed(_numbered)(make, *task) for task in tasks]
    try:
        workers = Parallel(n_jobs=n_jobs, return_as="generator_unordered")
    except ValueError:  # a backend that hands back all results at once is asked for some at a time
        workers, some = Parallel(n_jobs=n_jobs), 4 * effective_n_jobs(n_jobs)
        for at in range(0, len(calls), some):
            yield from workers(calls[at:at + some])
        return
    yield from workers(calls)


def _sendable(make):
    """What any backend can send to its workers: a lambda is sent as its code."""
    import pickle

    from joblib import wrap_non_picklable_objects
    try:
        pickle.dumps(make)
    except (pickle.PicklingError, AttributeError, TypeError):
        return wrap_non_picklable_objects(make)
    return make


def _numbered(make, number: int, seed, size: int):
    return number, make(seed, size)


class _Silent:
    """A progress bar that is not shown."""

    def update(self, count: int) -> None:
        pass


@contextlib.contextmanager
def bar_of(n: int, progress: bool | None, unit: str = "replicates"):
    """A progress bar where someone sees it."""
    if not (_watched() if progress is None else progress):
        yield _Silent()
        return
    try:
        with needs("progress=True"):
            from tqdm.auto import tqdm
    except ModuleNotFoundError:
        if progress:
            raise
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
