"""Where mlmlib is slower than another program, each case with its cause: the page's list, made of the measured table alone."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from .inference_tasks import INFERENCE
from .page import digits, results
from .panel_tasks import PANEL
from .shares import STEPS

__all__ = ["Loss", "losses", "page"]

UNKNOWN = "not looked into"


class Loss(NamedTuple):
    """One comparison that is lost: by what factor, and why."""

    title: str
    program: str
    factor: float
    cause: str


def losses(found: dict) -> list[Loss]:
    """All losses of a results file, the largest first."""
    steps = {row["key"]: row for row in found["shares"]}
    lost = []
    for row, name, ours, theirs in _lost(found["rows"]):
        lost.append(Loss(row["title"], name, ours / theirs, _linear(steps[row["key"]], ours, theirs)))
    steps = {row["key"]: row for row in found["general"]["steps"]}
    for row, name, ours, theirs in _lost(found["general"]["rows"]):
        lost.append(Loss(row["title"], name, ours / theirs, _general(steps[row["key"]], ours, theirs)))
    causes = {task.key: task.causes for task in (*PANEL, *INFERENCE)}
    for part in ("panel", "tasks"):
        for row, name, ours, theirs in _lost(found[part]["rows"]):
            lost.append(Loss(row["title"], name, ours / theirs, causes[row["key"]].get(name, UNKNOWN)))
    for row in found["inference"]:
        if row["seconds"] is not None and row["seconds"] < row["ours"]:
            lost.append(Loss(row["title"], row["program"], row["ours"] / row["seconds"], UNKNOWN))
    return sorted(lost, key=lambda one: -one.factor)


def _lost(rows):
    """(row, program, our seconds, its seconds) where these are fewer."""
    for row in rows:
        ours = row["results"]["mlmlib"]["median"]
        for name, own in row["results"].items():
            if name != "mlmlib" and own.get("median", ours) < ours:
                yield row, name, ours, own["median"]


def _ms(seconds: float) -> str:
    return f"{digits(1e3 * seconds)} ms"


def _linear(step: dict, ours: float, theirs: float) -> str:
    """Which part of our own time is longer than the other's whole fit; shares of another run, scaled to this one's time."""
    total = sum(step["seconds"])
    formula, ready, search, result = (ours * part / total for part in step["seconds"])
    each = search / step["evaluations"]
    if theirs < formula:
        return f"our *{STEPS[0]}* alone takes {_ms(formula)}, its whole fit {_ms(theirs)}"
    if theirs < formula + ready + result:
        return (f"what we do before and after the search takes {_ms(formula + ready + result)} of our {_ms(ours)}, its whole "
                f"fit {_ms(theirs)}")
    if theirs < search:
        return (f"our search alone takes {_ms(search)}, {step['evaluations']} evaluations of {_ms(each)} with derivatives; its "
                f"whole fit {_ms(theirs)}")
    return (f"no single part of ours is longer than its fit: {_ms(formula + ready + result)} before and after the search and "
            f"{_ms(search)} in it against {_ms(theirs)}")


def _general(step: dict, ours: float, theirs: float) -> str:
    """The same of a generalized model: the search, and the standard errors after it."""
    fit, errors = (ours * part / sum(step["seconds"]) for part in step["seconds"])
    if theirs < fit:
        return (f"our fit without standard errors takes {_ms(fit)} with {step['evaluations']} evaluations, its fit with them "
                f"{_ms(theirs)}")
    return f"our standard errors, differences of the gradient, take {_ms(errors)} of our {_ms(ours)}, its whole fit {_ms(theirs)}"


def page(root: Path, pages=None) -> str:
    """The list of the page."""
    lost = losses(results(root))
    if not lost:
        return "Nowhere in these tables."
    lines = [f"- **{digits(one.factor)}** times as long as {one.program}: {one.title}; {one.cause}." for one in lost]
    return f"In {len(lost)} of the comparisons on this page another program is faster.\n\n" + "\n".join(lines)
