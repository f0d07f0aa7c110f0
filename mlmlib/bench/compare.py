"""Every model by every program, in turn: a turn of each, then a turn of each again, so that a busy minute is busy for all.

A turn is one fit, or of quick ones a few in a row, so that what another program left in the processor's caches is not in the
median.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from .models import MODELS
from .programs import NoAnswer, start

__all__ = ["compare"]

ROUNDS, LEAST = 9, 2  # turns of each program; of slow ones fewer, but these
TURN, MOST = 0.05, 5  # a turn ends after these seconds, or this number of fits
BUDGET = 4.0  # seconds of fitting after which a program has had its turns
LIMIT, PATIENCE = 30.0, 240.0  # seconds of the processor that one fit may take, and one of lme4, the yardstick
LONG, ENOUGH = 2.0, 15.0  # a fit that takes as long needs no other before it to warm up, and none after it


def compare(root: Path, quick: bool = False, blas: str | None = None, say=print) -> dict:
    """Time all models.

    Parameters
    ----------
    root : Path
    quick : bool
        Five rounds, shorter turns, without the large models.
    blas : str, optional
        See `mlmlib.bench.programs.start`.
    say : callable
        Told of every row.

    Returns
    -------
    dict
        ``programs`` (versions), ``missing`` (why a program is not there) and ``rows``.
    """
    import mlmlib as mlm

    programs, missing = start(root, blas)
    rows, gone = [], {}  # gone: on which data a program gave no answer, and what it said
    try:
        with tempfile.TemporaryDirectory() as folder:
            for model in MODELS:
                if quick and model.data == "insteval" and model.key != "insteval":
                    continue
                path = Path(folder) / f"{model.data}.csv"
                if not path.is_file():
                    mlm.load(model.data).to_csv(path, index=False)
                rows.append(_row(model, path, programs, quick, gone))
                _tell(rows[-1], say)
    finally:
        for program in programs:
            program.stop()
    return {"programs": {program.name: program.about for program in programs}, "missing": missing, "rows": rows}


def _row(model, path, programs, quick, gone) -> dict:
    """One model by all programs; one that gave no answer is not asked for larger models of the same data."""
    budget, rounds = (2.0, 5) if quick else (BUDGET, ROUNDS)
    seconds, found, failed = {p.name: [] for p in programs}, {}, {}
    alive = []
    for program in programs:  # read, and one fit that is not counted unless it is long
        if (program.name, model.data) in gone:
            failed[program.name] = f"not asked: {gone[program.name, model.data]} on a smaller model of these data"
            continue
        try:
            program.read(path)
            found[program.name] = program.fit(model, _limit(program))
            if found[program.name]["seconds"] > LONG:
                seconds[program.name].append(found[program.name])
            alive.append(program)
        except NoAnswer as problem:
            failed[program.name] = str(problem)
            if program.process.poll() is not None:
                gone[program.name, model.data] = str(problem)
    for turn in range(rounds):
        for program in alive[::1 if turn % 2 else -1]:
            own = seconds[program.name]
            total = sum(one["seconds"] for one in own)
            if total > ENOUGH or (total > budget and len(own) >= LEAST):
                continue
            try:
                own.extend(_turn(program, model))
            except NoAnswer as problem:
                failed[program.name] = str(problem)
                alive = [other for other in alive if other is not program]
    different = getattr(model, "different", {})
    best = min(found[p.name]["criterion"] for p in alive if p.name not in different)
    results = {}
    for program in programs:
        name = program.name
        if name in failed:
            results[name] = {"error": failed[name]}
        else:
            own = found[name]
            results[name] = {"median": statistics.median(one["seconds"] for one in seconds[name]),
                             "wall": statistics.median(one["wall"] for one in seconds[name]),
                             "fits": len(seconds[name]),
                             "criterion": own["criterion"], "above": own["criterion"] - best, "note": own["note"]}
            results[name] |= {"different": different[name]} if name in different else {}
    return {"key": model.key, "title": model.title, "formula": model.formula, "results": results}


def _limit(program) -> float:
    return PATIENCE if program.name.startswith("lme4") else LIMIT


def _turn(program, model) -> list[dict]:
    """One fit, or a few quick ones."""
    done = []
    while not done or (sum(one["wall"] for one in done) < TURN and len(done) < MOST):
        done.append(program.fit(model, _limit(program)))
    return done


def _tell(row: dict, say) -> None:
    """Print one model."""
    say(f"\n{row['title']}: {row['formula']}")
    ours = row["results"]["mlmlib"]["median"]
    for name, own in row["results"].items():
        if "error" in own:
            say(f"  {name:<16} {own['error']}")
        else:
            say(f"  {name:<16} {own['median'] * 1e3:10.2f} ms  {own['median'] / ours:8.2f} times ours  "
                f"criterion {own['criterion']:.6f}, {own['above']:.1e} above the lowest  "
                f"{own['note']}{own.get('different', '')}")
