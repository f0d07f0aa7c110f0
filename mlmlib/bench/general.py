"""Generalized models by every program that has them, in turn, and where our own time goes."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from .compare import _row, _tell
from .general_models import GENERAL, table
from .programs import start

__all__ = ["general"]

PROGRAMS = ("glmm", "mixedlm", "lme-python")
R_PACKAGES = ("lme4", "glmmTMB", "ordinal")


def general(root: Path, quick: bool = False, say=print) -> dict:
    """Time all generalized models.

    Parameters
    ----------
    root : Path
    quick : bool
        Five rounds of shorter turns.
    say : callable
        Told of every row.

    Returns
    -------
    dict
        ``programs`` (versions), ``missing`` (why a program is not there), ``rows`` and ``steps``.
    """
    programs, missing = start(root, packages=PROGRAMS, r_packages=R_PACKAGES)
    rows, gone = [], {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            for model in GENERAL:
                path = Path(folder) / f"{model.data}.csv"
                if not path.is_file():
                    table(model.data).to_csv(path, index=False)
                rows.append(_row(model, path, programs, quick, gone))
                _tell(rows[-1], say)
    finally:
        for program in programs:
            program.stop()
    about = {program.name: program.about for program in programs}
    return {"programs": about, "missing": missing, "rows": rows, "steps": steps(quick, say)}


def steps(quick: bool = False, say=print) -> list[dict]:
    """Median processor seconds of our fit and of the standard errors after it, and the evaluations of the search."""
    import mlmlib as mlm

    rows = []
    for model in GENERAL:
        data, spent = table(model.data), []
        for _ in range(5 if quick else 15):
            marks = [time.process_time()]
            fit = mlm.glmm(model.formula, data, **model.arguments)
            marks.append(time.process_time())
            _ = fit.bse
            marks.append(time.process_time())
            spent.append([b - a for a, b in zip(marks, marks[1:])])
        found = [statistics.median(step) for step in zip(*spent)]
        rows.append({"key": model.key, "title": model.title, "evaluations": fit.n_evaluations, "seconds": found})
        say(f"  {model.title}: fit {1e3 * found[0]:.2f} ms, {fit.n_evaluations} evaluations; standard errors "
            f"{1e3 * found[1]:.2f} ms")
    return rows
