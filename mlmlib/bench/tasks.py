"""Tasks that are not one fit by one formula: panel regressions, robust covariances, GEE, and inference after a fit.

A task is said to each program in its own language: what is made ready once, and what is timed. The timed part gives numbers, so
that the answers can be compared. Programs take turns, as in `compare`.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path
from typing import NamedTuple

from .programs import NoAnswer, start

__all__ = ["Task", "tasks"]

ROUNDS, BUDGET, TURN, MOST = 9, 2.0, 0.05, 5  # turns, seconds of fitting, and the length of a turn: see `compare`
LIMIT = 120.0


class Task(NamedTuple):
    """One row: what it is called, its data, and for each program what it makes ready and what is timed.

    Both are expressions (or, of R, statements in braces) in `data` and in what was made ready, `made`; numbers come out.
    `causes` says of a program why it wins, where it is known to; `different` why its numbers are not ours.
    """

    key: str
    title: str
    data: str
    programs: dict
    causes: dict = {}
    different: dict = {}


def tasks(root: Path, which, table, packages, r_packages, quick: bool = False, say=print) -> dict:
    """Time all tasks.

    Parameters
    ----------
    root : Path
    which : sequence of Task
    table : callable
        Gives a data set by its name.
    packages, r_packages : sequence of str
        Which packages of PyPI, and of R.
    quick : bool
        Five rounds.
    say : callable
        Told of every row.

    Returns
    -------
    dict
        ``programs`` (versions), ``missing`` (why a program is not there), ``rows``, ``load`` before and after.
    """
    programs, missing = start(root, packages=packages, r_packages=r_packages)
    before, rows = _load(), []
    try:
        with tempfile.TemporaryDirectory() as folder:
            for task in which:
                path = Path(folder) / f"{task.data}.csv"
                if not path.is_file():
                    table(task.data).to_csv(path, index=False)
                rows.append(_row(task, path, programs, 5 if quick else ROUNDS))
                _tell(rows[-1], say)
    finally:
        for program in programs:
            program.stop()
    return {"programs": {program.name: program.about for program in programs}, "missing": missing, "rows": rows,
            "load": [before, _load()]}


def _load() -> float | None:
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def _row(task: Task, path: Path, programs, rounds: int) -> dict:
    """One task by all programs that have it."""
    found, failed, alive = {}, {}, []
    for program in programs:
        if program.name not in task.programs:
            continue
        try:
            program.read(path)
            program.prepare(*task.programs[program.name], LIMIT)
            found[program.name] = [program.run(LIMIT)]  # warms up and is not counted
            alive.append(program)
        except NoAnswer as problem:
            failed[program.name] = str(problem)
    for turn in range(rounds):
        for program in alive[::1 if turn % 2 else -1]:
            own, spent = found[program.name], 0.0
            if sum(one["seconds"] for one in own) > BUDGET and len(own) > 1:
                continue
            try:
                for _ in range(MOST):
                    own.append(program.run(LIMIT))
                    spent += own[-1]["wall"]
                    if spent > TURN:
                        break
            except NoAnswer as problem:
                failed[program.name] = str(problem)
                alive = [other for other in alive if other is not program]
    results: dict[str, dict] = {name: {"error": why} for name, why in failed.items()}
    for program in alive:
        own = found[program.name]
        results[program.name] = {"median": statistics.median(one["seconds"] for one in own[1:]), "fits": len(own) - 1,
                                 "numbers": own[-1]["numbers"]}
    for result in results.values():
        if "numbers" in result and "numbers" in results.get("mlmlib", {}):
            result["apart"] = apart(result["numbers"], results["mlmlib"]["numbers"])
    for name, why in task.different.items():
        if name in results:
            results[name]["different"] = why
    order = [program.name for program in programs if program.name in results]
    return {"key": task.key, "title": task.title, "results": {name: results[name] for name in order}}


def apart(theirs: list[float], ours: list[float]) -> float | None:
    """The largest difference of two answers, relative to ours; None where they have not as many numbers."""
    if len(theirs) != len(ours):
        return None
    return max(abs(a - b) / max(abs(b), 1e-8) for a, b in zip(theirs, ours))


def _tell(row: dict, say) -> None:
    """Print one task."""
    say(f"\n{row['title']}")
    ours = row["results"].get("mlmlib", {}).get("median")
    for name, own in row["results"].items():
        if "error" in own:
            say(f"  {name:<16} {own['error']}")
        elif ours is None:
            say(f"  {name:<16} {own['median'] * 1e3:10.2f} ms")
        else:
            far = "other numbers" if own["apart"] is None else f"{own['apart']:.1e} apart"
            say(f"  {name:<16} {own['median'] * 1e3:10.2f} ms  {own['median'] / ours:8.2f} times ours  {far}")
