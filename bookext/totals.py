"""The book in numbers: what stands on the page, counted from the sources at each build."""

from __future__ import annotations

import json
import re
from pathlib import Path

COLUMNS = ("words", "code cells", "figures", "labs", "self-checks", "exercises", "graded questions")

# not words of the text: code, mathematics, directives and their options, roles keep what they show
CODE = re.compile(r"^(`{3,})(?!\{(?:exercise|solution|admonition|dropdown|note|tip)).*?^\1[ ]*$", re.S | re.M)
OTHER = re.compile(r"\$\$.*?\$\$|\$[^$]*\$|^[`:]{3,}[^\n]*$|^:[\w-]+:[^\n]*$|^\([\w-]+\)=$|\{eval\}`[^`]*`", re.S | re.M)


def words(text: str) -> int:
    """Words of running text: exercises and their solutions count, code and formulas do not."""
    return len(re.findall(r"[^\W\d_][\w'’-]*", OTHER.sub(" ", CODE.sub(" ", text))))


def chapter(path: Path, graded: Path) -> dict:
    """The counts of one notebook and of its graded one."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    code = [(cell, "".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]
    questions = json.loads(graded.read_text(encoding="utf-8"))["cells"] if graded.exists() else ()
    return {
        "words": sum(map(words, text)),
        "code cells": len(code),
        "figures": sum("figure" in cell["metadata"].get("mystnb", {}) for cell, _ in code),
        "labs": sum(len(re.findall(r"\bmlm\.labs\.\w+\(", source)) for _, source in code),
        "self-checks": sum(len(re.findall(r"\bmlm\.ask\.(?:choice|number)\(", source)) for _, source in code),
        "exercises": sum(len(re.findall(r"^`{3,}\{exercise(?:-start)?\}", source, re.M)) for source in text),
        "graded questions": sum("".join(cell["source"]).startswith("# BEGIN QUESTION") for cell in questions),
    }


def counts(root: Path, pages=None) -> dict[str, dict]:
    """Of each chapter of the table of contents, by its page."""
    listed = re.findall(r"^\s*- file:\s*(chapters/\S+)", (root / "_toc.yml").read_text(encoding="utf-8"), re.M)
    return {page: chapter(root / f"{page}.ipynb", root / "exercises" / f"{Path(page).name}.ipynb")
            for page in listed if pages is None or page in pages}


def table(root: Path, pages=None) -> str:
    """One row a chapter, and the sum."""
    rows = counts(root, pages)
    lines = ["| chapter | " + " | ".join(COLUMNS) + " |", "|---|" + "---:|" * len(COLUMNS)]
    lines += [f"| {{doc}}`/{page}` | " + " | ".join(f"{row[name]:,}" for name in COLUMNS) + " |" for page, row in rows.items()]
    total = {name: sum(row[name] for row in rows.values()) for name in COLUMNS}
    return "\n".join([*lines, "| *all* | " + " | ".join(f"*{total[name]:,}*" for name in COLUMNS) + " |"])
