"""The page of objectives: each is tried by a graded question, each question serves one, and nothing on the page is kept by hand."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from bookext import mastery, objectives
from mlmlib.grading import places
from toc import ROOT, chapters

LISTED = objectives.listed(ROOT)
TEXT = objectives.page(ROOT)
WORD = re.compile(r"[a-z]{4,}")


def test_a_table_of_objectives():
    text = "| After chapter 1 you can ... | tried in |\n|---|---|\n| write `(1 \\| a)` | 1, 3 to 5 |\n| say 2 things | 2 |\n"
    assert places.objectives(text) == [("write `(1 | a)`", [1, 3, 4, 5]), ("say 2 things", [2])] and not places.objectives("| a | 1 |\n")


@pytest.mark.parametrize("name", chapters())
def test_every_objective_has_a_graded_question_and_every_question_an_objective(name):
    rows, asked = objectives.graded(ROOT / "exercises" / f"{Path(name).name}.ipynb")
    assert rows and all(rows)
    tried = {number for row in rows for number in row}
    assert tried <= set(asked)
    assert all(asked[number].manual for number in set(asked) - tried), "only a written answer may need the whole chapter"
    assert all(q.tier and q.points > 0 for q in asked.values())
    assert [q.number for held in LISTED[name] for q in held["questions"]] == [n for row in rows for n in row]


@pytest.mark.parametrize("name", chapters())
def test_rows_of_the_notebook_are_the_objectives_of_the_chapter_in_order(name):
    book = nbformat.read(ROOT / "exercises" / f"{Path(name).name}.ipynb", as_version=4)
    said = [set(WORD.findall(words)) for cell in book.cells for words, _ in places.objectives(cell.source)]
    for k, held in enumerate(LISTED[name]):
        mine = set(WORD.findall(held["words"]))
        assert max(range(len(said)), key=lambda i: len(mine & said[i]) / len(mine | said[i])) == k, held["words"]


@pytest.mark.parametrize("name", chapters())
def test_every_self_check_serves_an_objective(name):
    held, served = mastery.chapter(ROOT / f"{name}.ipynb"), objectives.checks(ROOT)[Path(name).name]
    assert list(served) == held["questions"]
    assert all(1 <= k <= len(held["objectives"]) for serves in served.values() for k in serves) and all(served.values())
    assert {place for o in LISTED[name] for place in o["checks"]} == set(range(1, len(served) + 1))


def test_the_page_holds_all_of_it():
    assert TEXT.count("   - Graded. ") == sum(map(len, LISTED.values())) == TEXT.count("   - In the chapter: exercise ")
    questions = sum(len(objectives.graded(ROOT / "exercises" / f"{Path(name).name}.ipynb")[1]) for name in LISTED)
    shown = {(name, q.number) for name, found in LISTED.items() for held in found for q in held["questions"]}
    assert len(shown) + TEXT.count("asks for the whole chapter") == questions


def test_a_preview_links_only_within_it():
    text = objectives.page(ROOT, {"chapters/04_random_slopes"})
    assert set(re.findall(r"<ex-(ch\d+)", text)) == {"ch04"} and text.count("## ") == 1


def test_a_chapter_whose_table_has_fallen_behind_is_refused(tmp_path):
    for folder in ("chapters", "exercises"):
        (tmp_path / folder).mkdir()
    name = "01_linear_model.ipynb"
    (tmp_path / "chapters" / name).write_text((ROOT / "chapters" / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "exercises" / name).write_text('{"cells": []}', encoding="utf-8")
    with pytest.raises(ValueError, match="6 objectives, and 0 rows"):
        objectives.chapter(tmp_path, "chapters/01_linear_model", objectives.checks(ROOT)["01_linear_model"])
