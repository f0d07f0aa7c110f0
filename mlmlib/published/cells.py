"""Writes the stored output of the `reference` cells of notebooks from the published values, never by running them.

The values are the TOML files of tests/reference/ (``source`` names the file, ``model`` the entry, ``show`` the blocks), and
the files of R's results in tests/reference/r (``source`` is ``"r"``, ``model`` names the file, or after a colon one of the
models that it lists: ``"growth_wages:5.4B"``).
"""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path

from . import as_julia, as_lme4, as_lme4_anova, as_r, stata_text

TAGS = ("reference", "nbval-check-output")


@cache
def source(folder: str, name: str) -> dict:
    """One TOML file of published values."""
    return tomllib.loads((Path(folder) / f"{name}.toml").read_text(encoding="utf-8"))


def find_values(start: Path) -> Path:
    """The folder tests/reference of the project that holds `start`."""
    for folder in (start, *start.parents):
        if (folder / "tests" / "reference").is_dir():
            return folder / "tests" / "reference"
    raise FileNotFoundError(f"No tests/reference above {start}: give the folder with --values.")


def expected(reference: dict, values: Path) -> str:
    """The text that the cell must print, from its metadata ``{"source", "model", "show", "digits", "fewer"}``."""
    if reference["source"] == "r":
        truth = _from_r(values, reference["model"])
        return as_r.text(as_r.values_of_r(truth), reference.get("digits", 5)) + "\n"
    known = source(str(values), reference["source"])
    show = reference.get("show", ["model"])
    if reference["model"] == "data":
        return stata_text.data_text(known["data"]) + "\n"
    entries = {entry["id"]: entry for entry in (*known["model"], *known.get("comparison", ()))}
    if reference["model"] not in entries:
        raise KeyError(f"{reference['source']}.toml has no model {reference['model']!r}; it has {sorted(entries)}.")
    entry = entries[reference["model"]]
    if reference["source"] == "multiple_terms":
        shown = show[0].split() if "show" in reference else entry
        return as_julia.document(entry, entry["formula"], reference.get("digits", 5), reference.get("fewer"), shown) + "\n"
    maker = _from_lme4 if reference["source"].startswith("lme4") else _from_stata
    return maker(entry, known["data"], show, reference.get("digits", 7), reference.get("fewer")) + "\n"


def _from_r(values, name):
    name, _, model = name.partition(":")
    stored = json.loads((values / "r" / f"{name}.json").read_text(encoding="utf-8"))
    if not model:
        return stored["results"] | _completed(name, stored["results"])
    one = next(entry for entry in stored["models"] if entry["model"] == model)
    group = one["formula"].rpartition("|")[2].strip(" )")
    block = {"names": one["names"], "cov": one["tau"]}
    return one | {"method": stored["method"], "logLik": -0.5 * one["deviance"], "varcomp": {group: block}}


def _completed(name, truth):
    """What a file of a generalized mixed model leaves out: the likelihood's constants, the name of the groups."""
    from .glmm_results import likelihood
    from .glmm_sources import call_of

    if name.startswith("glmm_"):
        return {"logLik": likelihood(name)}
    if name.startswith("exactml_"):
        return {"group": call_of(name)[0].formula.rpartition("|")[2].strip(" )")}
    return {}


def _from_stata(entry, data, show, digits, fewer):
    out = []
    if "model" in show:
        head = stata_text.heading(entry["formula"], data["rows"], data["schools"])
        out.append(stata_text.document(entry, head, show, digits, fewer))
    if "margins" in show:
        out.append(stata_text.margins_text(entry["margins"]))
    return "\n".join(out)


def _from_lme4(entry, data, show, digits, fewer):
    if "chisq" in entry:
        return as_lme4_anova.text(entry)
    if "bootstrap" in show:
        return as_lme4_anova.interval_text(entry["bootstrap_ci95"])
    if "optimum" in show:
        best = entry["optimum"]
        values = {"criterion": best["reml_criterion"], **{k: best[k] for k in ("coef", "se", "var", "corr")}}
    else:
        keys = ("scaled_residuals", "coef", "se", "t", "var", "sd", "corr", "corr_fixed")
        values = {"criterion": entry["reml_criterion"], **{k: entry[k] for k in keys if k in entry}}
        loose = {k: entry.get(k, {}) | entry[f"{k}_loose"] for k in ("var", "corr") if f"{k}_loose" in entry}
        order = [*entry["coef"], "residual"]
        values |= {
            k: dict(sorted(v.items(), key=lambda item: order.index(item[0].split(",")[0]))) for k, v in loose.items()
        }
    values = {"estimator": entry["estimator"], **values}
    return as_lme4.document(values, entry["formula"], data["rows"], data["schools"], fewer)


def reference_cells(notebook: dict):
    """The cells tagged `reference`."""
    return [c for c in notebook["cells"] if c["cell_type"] == "code" and "reference" in c["metadata"].get("tags", [])]


def stored(cell: dict) -> str:
    """The text stored as the cell's output."""
    return "".join("".join(o.get("text", "")) for o in cell.get("outputs", []))


def write(path: Path, values: Path | None = None, check: bool = False) -> list[str]:
    """Put the published text into every reference cell of one notebook; say which cells were (or, to check, are) different."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    values = values or find_values(path.resolve().parent)
    changed = []
    for cell in reference_cells(notebook):
        meta = cell["metadata"]
        if "reference" not in meta:
            raise ValueError(
                f"{path.name}: the reference cell {''.join(cell['source'])[:60]!r} has no metadata 'reference'."
            )
        text = expected(meta["reference"], values)
        output = {"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)}
        tags = [*meta["tags"], *(tag for tag in TAGS if tag not in meta["tags"])]
        if stored(cell) != text or tags != meta["tags"] or len(cell["outputs"]) != 1 or cell["execution_count"] is None:
            changed.append(f"{path.name}: {meta['reference']['source']} {meta['reference']['model']}")
            cell["outputs"], meta["tags"] = [output], tags
            cell["execution_count"] = 1  # nbval takes a stored output without a count for an error
    if changed and not check:
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return changed
