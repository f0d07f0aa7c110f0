"""What tries each learning objective: exercise of the chapter, self-checks on its page, graded questions with tier and points.

Read from the chapters and from the exercise sources at each build. The table of objectives at the head of a graded notebook has a row for
each objective of its chapter, in the same order; a self-check serves the objective that `exercises/objectives.toml` names.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from bookext import mastery
from mlmlib.grading import places

LABEL = re.compile(r"^`{3,}\{exercise(?:-start)?\} *(.*)\n:label: ex-(ch\d+)-([\w-]+)", re.M)
TIER = re.compile(r"^## (.+)$", re.M)


@dataclass(frozen=True)
class Question:
    """A graded question: its number in the notebook, the tier it stands under, its points, whether a person grades it."""

    number: int
    tier: str
    points: float
    manual: bool


def graded(path: Path) -> tuple[list[list[int]], dict[int, Question]]:
    """(for each objective the numbers of the questions that try it, the questions) of a graded notebook."""
    rows, found, tier = [], {}, ""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            rows = [tried for _, tried in places.objectives(text)] or rows
            tier = (TIER.findall(text) or [tier])[-1]
        elif text.startswith("# BEGIN QUESTION"):
            said = dict(re.findall(r"^(\w+): *(.+)$", text, re.M))
            number = int(said["name"].rpartition("_")[2])
            found[number] = Question(number, tier, float(said.get("points", 1)), said.get("manual", "") == "true")
    return rows, found


def chapter(root: Path, page: str, served: dict[str, list[str]]) -> list[dict]:
    """For each objective of a chapter: words, exercises as (label, title), places of self-checks on the page, questions."""
    held = mastery.chapter(root / f"{page}.ipynb")
    cells = json.loads((root / f"{page}.ipynb").read_text(encoding="utf-8"))["cells"]
    text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    titles = {f"ex-{ch}-{name}": title.strip() for title, ch, name in LABEL.findall(text)}
    rows, asked = graded(root / "exercises" / f"{Path(page).name}.ipynb")
    if len(rows) != len(held["objectives"]):
        raise ValueError(f"{page}: {len(held['objectives'])} objectives, and {len(rows)} rows in the graded notebook's table")
    out = []
    for k, (words, tried) in enumerate(zip(held["objectives"].values(), rows, strict=True), 1):
        named = [f"ex-{ch}-{name}" for ch, name in mastery.EXERCISE.findall(words)]
        out.append({"words": re.sub(r" *\(\{ref\}`[^)]*\)", "", words), "exercises": [(label, titles[label]) for label in named],
                    "checks": [place for place, name in enumerate(held["questions"], 1) if k in served[name]], "questions": [asked[n] for n in tried]})
    return out


def whole_chapter(root: Path, page: str) -> list[Question]:
    """The questions that no objective names: written answers which need all of the chapter."""
    rows, asked = graded(root / "exercises" / f"{Path(page).name}.ipynb")
    return [q for q in asked.values() if not any(q.number in tried for tried in rows)]


def checks(root: Path) -> dict[str, dict[str, list[int]]]:
    """{chapter: {self-check: the objectives that it tries}}, as an author has named them."""
    return tomllib.loads((root / "exercises" / "objectives.toml").read_text(encoding="utf-8"))


def listed(root: Path, pages=None) -> dict[str, list[dict]]:
    """All chapters of the contents, or of a preview."""
    names = re.findall(r"^\s*- file:\s*(chapters/\S+)", (root / "_toc.yml").read_text(encoding="utf-8"), re.M)
    served = checks(root)
    return {page: chapter(root, page, served[Path(page).name]) for page in names if pages is None or page in pages}


def page(root: Path, pages=None) -> str:
    """The page as MyST: a heading a chapter, a numbered item an objective, a line below it for each kind of question."""
    lines = []
    for name, objectives in listed(root, pages).items():
        title = mastery.chapter(root / f"{name}.ipynb")["title"]
        lines += [f"## {int(Path(name).name[:2])} {title}", "", f"After {{doc}}`the chapter </{name}>` students can", ""]
        for k, held in enumerate(objectives, 1):
            lines += [f"{k}. {held['words']}", ""]
            lines += [f"   - In the chapter: {_chapter(held)}.", f"   - Graded. {_graded(held['questions'])}.", ""]
        whole = whole_chapter(root, name)
        lines += [f"Question {q.number} ({q.points:g} points, by hand) asks for the whole chapter." for q in whole] + [""] * bool(whole)
    return "\n".join(lines)


def _chapter(held):
    """Exercises by link, self-checks by the place that they have on the page."""
    parts = [f"exercise {{ref}}`{title} <{label}>`" for label, title in held["exercises"]]
    if held["checks"]:
        parts.append(f"self-check{'s' if len(held['checks']) > 1 else ''} {', '.join(map(str, held['checks']))}")
    return "; ".join(parts)


def _graded(questions):
    """Questions by tier, with their points."""
    said = []
    for tier in dict.fromkeys(q.tier for q in questions):
        asked = [f"{q.number} ({q.points:g}{', by hand' if q.manual else ''})" for q in questions if q.tier == tier]
        said.append(f"{tier}: {', '.join(asked)}")
    return "; ".join(said)
