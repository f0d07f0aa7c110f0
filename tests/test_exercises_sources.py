"""The exercise sources: what each must have, and what a student copy must not have."""

from __future__ import annotations

import json
import re

import nbformat
import pytest

import exercise_kit as kit
from mlmlib.grading import draft, source

TEACHERS = re.compile(r"BEGIN SOLUTION|END SOLUTION|# *SOLUTION|# *HIDDEN|BEGIN TESTS|BEGIN QUESTION\s*\nname")


@pytest.mark.parametrize("name", kit.NAMES)
def test_every_chapter_has_three_tiers_and_enough_questions(name):
    _book, asked = kit.read(name)
    graded = [q for q in asked if not q.manual]
    assert len(graded) >= 8
    assert [q for q in asked if q.manual], "an open-ended question"
    kinds = [record.kind for *_, record in kit.checks(name)]
    assert sum(k in ("choice", "choose") for k in kinds) >= 2, "conceptual questions"
    assert sum(k in ("number", "function", "fit") for k in kinds) >= 6, "guided questions"
    assert len({q.name for q in asked}) == len(asked)


@pytest.mark.parametrize("name", kit.NAMES)
def test_every_question_has_three_hints_and_a_solution_in_words(name):
    book, asked = kit.read(name)
    for q in asked:
        text = "\n".join(book.cells[i].source for i in q.cells if book.cells[i].cell_type == "markdown")
        assert re.findall(r"<summary>Hint (\d)</summary>", text) == ["1", "2", "3"], q.name
        words = [book.cells[i].source for i in q.solution if book.cells[i].cell_type == "markdown"]
        assert len(" ".join(words).split()) >= 20, q.name
        assert bool(q.hidden) != q.manual, q.name
        assert not q.manual or re.search(r"one point each", text), f"{q.name}: a rubric"


@pytest.mark.parametrize("name", kit.NAMES)
def test_objectives_name_the_questions_that_try_them(name):
    book, asked = kit.read(name)
    table = next(c.source for c in book.cells if "you can ..." in c.source)
    rows = [line.rsplit("|", 2)[1] for line in table.splitlines() if line.startswith("|")][2:]
    tried = set()
    for row in rows:
        for first, last in re.findall(r"(\d+)(?: to (\d+))?", row):
            tried |= set(range(int(first), int(last or first) + 1))
    numbers = {int(q.name.split("_")[1]) for q in asked}
    assert 3 <= len(rows) <= 6
    assert all(re.search(r"\d", row) for row in rows)
    assert tried <= numbers
    assert {int(q.name.split("_")[1]) for q in asked if not q.manual} <= tried


@pytest.mark.parametrize("name", kit.NAMES)
def test_student_copies_hold_no_solution_and_no_hidden_test(name):
    book, asked = kit.read(name)
    copy = kit.student(name)
    text = nbformat.writes(copy)
    assert not TEACHERS.search(text)
    code = "\n".join(c.source for c in copy.cells if c.cell_type == "code")
    prose = "\n".join(c.source for c in copy.cells if c.cell_type == "markdown")
    tests = "\n".join(copy.metadata["otter"]["tests"].values())
    for q in asked:
        for i in q.solution:
            for line in book.cells[i].source.splitlines():
                line = line.strip()
                if book.cells[i].cell_type == "markdown":
                    assert len(line) < 20 or line not in prose, (q.name, line)
                elif line and not line.startswith(("#", "def ")) and "import" not in line:
                    assert line.split("  # SOLUTION")[0] not in code, (q.name, line)
        for i in q.hidden:
            body = [line.strip() for line in book.cells[i].source.splitlines() if "check." in line or "key." in line]
            assert not [line for line in body if line in tests], q.name
    assert not [c for c in copy.cells if c.get("outputs")]


@pytest.mark.parametrize("name", kit.NAMES)
def test_answer_cells_of_a_student_copy_are_empty_forms(name):
    for cell in kit.student(name).cells:
        if "otter_answer_cell" in cell.metadata.get("tags", []) and cell.cell_type == "code":
            for line in cell.source.splitlines():
                assert re.fullmatch(r"\w+ = \.\.\.|def \w+\(.*\):|    \.\.\.|import .*|from .* import .*|", line.rstrip()), line


@pytest.mark.parametrize("name", kit.NAMES)
def test_no_answer_and_no_reply_stands_in_a_student_copy(name):
    copy = kit.student(name)
    tests = json.dumps(copy.metadata["otter"])
    for q, _, _, record in kit.checks(name):
        if record.kind == "number" and abs(record.expected) > 1e-3 and record.expected != round(record.expected):
            digits = f"{record.expected:.5g}".lstrip("-").rstrip("0")
            assert digits not in tests, (q.name, record.name)
        for _, reply in record.known:
            assert str(reply)[:40] not in tests, (q.name, reply)


@pytest.mark.parametrize("name", kit.NAMES)
def test_every_graded_name_has_a_public_check(name):
    book, asked = kit.read(name)
    for q in asked:
        public = {n for i in q.public for _, names in source.test_functions(book.cells[i].source) for n in names}
        hidden = {n for i in q.hidden for _, names in source.test_functions(book.cells[i].source) for n in names}
        assert public == hidden, q.name


@pytest.mark.parametrize("name", kit.NAMES)
def test_a_draft_and_its_notebook_are_the_same(name):
    book, _ = kit.read(name)
    again_name, again = draft.to_notebook(draft.to_text(book, name))
    assert again_name == name
    assert [(c.cell_type, c.source) for c in again.cells] == [(c.cell_type, c.source) for c in book.cells]


def test_a_source_without_hidden_test_is_refused():
    _, book = draft.to_notebook("%% exercise 91_x\n%% question q1 points=1\nText.\n%% solution\nWords.\n%% end\n")
    with pytest.raises(source.SourceError, match="q1: no hidden test"):
        source.prepared(book)
