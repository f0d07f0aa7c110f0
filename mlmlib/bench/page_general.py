"""The generalized models' part of the page of times, from the key ``general`` of `backmatter/bench.json`."""

from __future__ import annotations

from pathlib import Path

from .general_models import GENERAL
from .page import TIMES, _table, digits, power, results, sentence

__all__ = ["criteria", "formulas", "goals", "machine", "missing", "ratios", "steps", "times"]

NONE = "it has no such model"


def _cells(found: dict, show, names) -> list[list[str]]:
    """A line a model; a dash where a program has no such model, *none* where its fit did not come about."""
    lines = []
    for row in found["rows"]:
        cells = []
        for name in names:
            own = row["results"][name]
            cells.append(show(row, own) if "error" not in own else "\u2013" if NONE in own["error"] else "none")
        lines.append([row["title"], *cells])
    return lines


def machine(root: Path, pages=None) -> str:
    """When and with what."""
    found = results(root)["general"]
    versions = [f"{name} {about['version']}" for name, about in found["programs"].items()]
    return f"Measured on {found['date']}: {', '.join(versions)}.{sentence(found['machine'])}"


def ratios(root: Path, pages=None) -> str:
    """Times as multiples of ours."""
    found = results(root)["general"]
    names = [name for name in found["programs"] if name != "mlmlib"]

    def ratio(row, own):
        return own["median"] / row["results"]["mlmlib"]["median"]

    def show(row, own):
        return f"**{digits(ratio(row, own))}**" if ratio(row, own) < 1 else digits(ratio(row, own))

    all_ratios = [ratio(row, own) for row in found["rows"] for name, own in row["results"].items()
                  if name != "mlmlib" and "median" in own]
    lost = sum(one < 1 for one in all_ratios)
    told = (f"Of {len(all_ratios)} comparisons mlmlib wins {len(all_ratios) - lost} and loses {lost}; **bold** is "
            "where the other is faster. A dash is a model that the program does not have.")
    return told + "\n\n" + _table(["model", *names], _cells(found, show, names))


def times(root: Path, pages=None) -> str:
    """Medians in milliseconds."""
    found = results(root)["general"]
    names = list(found["programs"])
    return _table(["milliseconds", *names], _cells(found, lambda row, own: digits(1e3 * own["median"]), names))


def formulas(root: Path, pages=None) -> str:
    """What was fitted, as a call of ours."""
    lines = []
    for model in GENERAL:
        told = ", ".join(f"{key}={value!r}" for key, value in model.arguments.items())
        lines.append(f'- {model.title}: `mlm.glmm("{model.formula}", {model.data}, {told})`')
    return "\n".join(lines)


def criteria(root: Path, pages=None) -> str:
    """How far above the lowest criterion each program ends, and whose criterion is another function."""
    found = results(root)["general"]
    names = list(found["programs"])

    def show(row, own):
        if "different" in own:
            return "other"
        text = "0" if abs(own["above"]) < 1e-8 else power(own["above"])
        return (f"**{text}**" if own["above"] > 1e-3 else text) + (" (no convergence)" if own["note"] else "")

    ours = max(row["results"]["mlmlib"]["above"] for row in found["rows"])
    others = [f"- {row['title']}, {name}: {own['different']}." for row in found["rows"]
              for name, own in row["results"].items() if "different" in own]
    return (f"mlmlib is never more than {power(max(ours, 0.0))} above the lowest.\n\n"
            + _table(["above the lowest", *names], _cells(found, show, names))
            + "\n\n*Other* is a criterion that cannot be put beside the rest:\n\n" + "\n".join(others))


def missing(root: Path, pages=None) -> str:
    """Which fits did not come about."""
    found = results(root)["general"]
    lines = [f"- {name} was not compared: {why}." for name, why in found["missing"].items()]
    lines += [f"- {row['title']}, {name}: {own['error'].rstrip('.')}." for row in found["rows"]
              for name, own in row["results"].items() if "error" in own and NONE not in own["error"]]
    return "\n".join(lines) or "All fits came about."


def steps(root: Path, pages=None) -> str:
    """Where the time of our fits goes."""
    lines = [[row["title"], *(digits(1e3 * value) for value in row["seconds"]), str(row["evaluations"])]
             for row in results(root)["general"]["steps"]]
    return _table(["milliseconds", "fit", "standard errors", "evaluations"], lines)


def goals(root: Path, pages=None) -> str:
    """What was aimed at beside what was measured."""
    rows = {row["key"]: row["results"] for row in results(root)["general"]["rows"]}
    aims = [("verbagg: 25 times as fast as lme4", "verbagg", "lme4", 25),
            ("verbagg: not slower than glmm", "verbagg", "glmm", 1),
            ("contraception, quadrature with 7 nodes: 20 times as fast as lme4", "contraception_agq", "lme4", 20)]
    lines = []
    for text, key, name, aim in aims:
        if "median" in rows[key].get(name, {}):
            value = rows[key][name]["median"] / rows[key]["mlmlib"]["median"]
            lines.append([text, f"{digits(value)}\u00a0{TIMES}", "met" if value >= aim else "**missed**"])
    return _table(["aim", "measured", ""], lines)
