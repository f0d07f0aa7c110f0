"""Panel regressions and inference on the page of times, from the keys ``panel`` and ``tasks`` of `backmatter/bench.json`."""

from __future__ import annotations

from pathlib import Path

from .page import _table, digits, power, results
from .panel_tasks import ABSENT as ABSENT_PANEL

__all__ = ["absent", "inference", "inference_answers", "panel", "panel_answers"]

ABSENT = {"MixedModels.jl": "the Linux distribution that this was measured on has no package of Julia"} | ABSENT_PANEL


def told(part: dict) -> str:
    """When, with what, and how busy the machine was."""
    versions = ", ".join(f"{name} {about['version']}" for name, about in part["programs"].items())
    known = [one for one in part["load"] if one is not None]
    load = f" Other work ran on the machine: its load was {known[0]:.1f} at the beginning and {known[-1]:.1f} at the end." if known else ""
    return f"Measured on {part['date']}: {versions}.{load}"


def _ratios(part: dict) -> str:
    """Our milliseconds, and the others' times as multiples of them."""
    names = [name for name in part["programs"] if name != "mlmlib"]
    lines, values = [], []
    for row in part["rows"]:
        ours, cells = row["results"]["mlmlib"]["median"], []
        for name in names:
            own = row["results"].get(name)
            if own is None or "error" in own:
                cells.append("\u2013" if own is None else "none")
                continue
            values.append(own["median"] / ours)
            cells.append(f"**{digits(values[-1])}**" if values[-1] < 1 else digits(values[-1]))
        lines.append([row["title"], digits(1e3 * ours), *cells])
    lost = sum(value < 1 for value in values)
    said = (f"Of {len(values)} comparisons mlmlib wins {len(values) - lost} and loses {lost}. Ours are milliseconds; the others' columns "
            "say how many times as long they take, and **bold** is where the other is faster. A dash is a task that the program was not given.")
    failed = [f"- {row['title']}, {name}: {own['error'].rstrip('.')}." for row in part["rows"]
              for name, own in row["results"].items() if "error" in own]
    failed += [f"- {name} was not compared: {why}." for name, why in part["missing"].items()]
    return "\n\n".join([told(part), said, _table(["task", "mlmlib (ms)", *names], lines), *["\n".join(failed)] * bool(failed)])


def _answers(part: dict) -> str:
    """How far the numbers of each program are from ours, and why where they are meant to differ."""
    names = [name for name in part["programs"] if name != "mlmlib"]

    def cell(own):
        if own is None or "error" in own:
            return "\u2013" if own is None else "none"
        far = "other" if own["apart"] is None else "0" if own["apart"] < 1e-9 else power(own["apart"])
        return far + ("*" if "different" in own else "")

    lines = [[row["title"], *(cell(row["results"].get(name)) for name in names)] for row in part["rows"]]
    reasons = {}
    for row in part["rows"]:
        for name, own in row["results"].items():
            if "different" in own:
                reasons.setdefault((name, own["different"]), []).append(row["title"])
    notes = [f"- \\* {name} ({'; '.join(titles)}): {why}." for (name, why), titles in reasons.items()]
    return "\n\n".join([_table(["largest relative difference from ours", *names], lines), *["\n".join(notes)] * bool(notes)])


def panel(root: Path, pages=None) -> str:
    """Panel regressions, robust covariances and GEE: times."""
    return _ratios(results(root)["panel"])


def panel_answers(root: Path, pages=None) -> str:
    """The same: how far apart the answers are."""
    return _answers(results(root)["panel"])


def inference(root: Path, pages=None) -> str:
    """Inference after a fit: times."""
    return _ratios(results(root)["tasks"])


def inference_answers(root: Path, pages=None) -> str:
    """The same: how far apart the answers are."""
    return _answers(results(root)["tasks"])


def absent(root: Path, pages=None) -> str:
    """Programs that belong on this page and are not on it."""
    return "\n".join(f"- {name} was not compared: {why}." for name, why in ABSENT.items())
