"""Where the time of a fit goes: reading formula and table, making the model ready, the search, the result."""

from __future__ import annotations

import statistics
import time

from .models import MODELS

__all__ = ["STEPS", "shares"]

STEPS = ("formula and table", "model made ready", "search", "result")


def shares(quick: bool = False, say=print) -> list[dict]:
    """Median processor seconds of each step of each model's fit, in the order of `STEPS`, and the evaluations of the search."""
    import mlmlib as mlm
    from mlmlib.design import build_design
    from mlmlib.formula import _parsed
    from mlmlib.lmm import LmmModel, LmmResult

    rows: list[dict] = []
    for model in MODELS:
        if quick and model.data == "insteval":
            continue
        data, spent = mlm.load(model.data), []
        for _ in range(5 if model.data == "insteval" else 21):
            _parsed.cache_clear()
            marks = [time.process_time()]
            design = build_design(model.formula, data)
            marks.append(time.process_time())
            ready = LmmModel(design)
            marks.append(time.process_time())
            found = ready.fit()
            marks.append(time.process_time())
            LmmResult(ready, *found)
            marks.append(time.process_time())
            spent.append([b - a for a, b in zip(marks, marks[1:])])
        rows.append({"key": model.key, "title": model.title, "evaluations": found[0].n_evaluations,
                     "seconds": [statistics.median(step) for step in zip(*spent)]})
        told = ", ".join(f"{name} {1e3 * value:.2f}" for name, value in zip(STEPS, rows[-1]["seconds"]))
        say(f"  {model.title}: {told} ms; {rows[-1]['evaluations']} evaluations")
    return rows
