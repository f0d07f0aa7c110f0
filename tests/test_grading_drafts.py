"""For authors: drafts to notebooks and back, faults of a source in words, and the command that does it."""

from __future__ import annotations

import nbformat
import pytest

import exercise_kit as kit
from mlmlib.grading import __main__, building, draft, edition, grading, notebook, source

HEAD = "%% exercise 91_x\n"
TEST = "```python\n# HIDDEN\ndef test_value(a):\n    from mlmlib.grading import check\n    check.number(a, 2, what='a')\n```\n"


@pytest.mark.parametrize(("text", "said"), [
    ("Words alone.\n", "a draft begins with %% exercise and the name"), ("%% question q1\nText.\n%% end\n", "a draft begins with %% exercise"),
    (HEAD + "%% question\nText.\n%% end\n", "%% question: a name has to follow"), (HEAD + "%% edition\nno fence\n", "%% edition: a fence with ```python"),
])
def test_a_draft_with_a_fault_is_refused_in_words(text, said):
    with pytest.raises(source.SourceError, match=said):
        draft.to_notebook(text)


def test_lines_without_a_mark_vanish_from_the_student_copy_and_come_back_in_a_draft():
    lines = ["import numpy as np", "helper = 3", "", "a = helper  # SOLUTION", "# BEGIN SOLUTION", "b = 4", "# END SOLUTION", "c = 5"]
    hidden = draft.hide_unmarked("\n".join(lines))
    assert hidden.split("\n") == [draft.HIDE, *lines[:3], draft.SHOW, *lines[3:7], draft.HIDE, "c = 5", draft.SHOW]
    assert draft.show_unmarked(hidden) == "\n".join(lines)


def test_what_a_draft_becomes():
    text = (HEAD + "Intro.\n\n%% question q1 points=2\nGive `a`.\n\nhint: Look.\n\nhint: Count.\n%% solution\n```python\na = 2  # SOLUTION\n```\nIt is 2.\n"
            "%% tests\n" + TEST + "%% end\n%% question q2 points=1 manual\nWrite.\n%% end\n")
    name, book = draft.to_notebook(text)
    cells = [c.source for c in book.cells]
    assert name == "91_x" and "<summary>Hint 2</summary>\n\nCount." in cells[3] and draft.PUBLIC.format(name="a") in cells
    assert "# BEGIN QUESTION\nname: q2\npoints: 1\nmanual: true" in cells
    again = draft.to_text(book, name)
    assert draft.to_notebook(again)[1] == book and "hint: Look." in again and "%% question q2 points=1 manual" in again and "SEAL" not in again
    asked = list(source.questions(book))
    assert [(q.name, q.points, q.manual) for q in asked] == [("q1", 2.0, False), ("q2", 1.0, True)]
    assert len(asked[0].hidden) == len(asked[0].public) == 1 and len(asked[0].solution) == 2


def notebook_of(*cells):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_raw_cell(text) if text.startswith("# ") else nbformat.v4.new_code_cell(text) for text in cells])


def test_a_question_without_a_name_is_refused_and_a_prompt_is_known():
    with pytest.raises(source.SourceError, match="cell 1: a question without a name"):
        list(source.questions(notebook_of("# BEGIN QUESTION\npoints: 1")))
    (asked,) = source.questions(notebook_of("# BEGIN QUESTION\nname: q1", "# BEGIN PROMPT", "a = ...", "# END PROMPT", "# END QUESTION"))
    assert asked.prompt == [2] and asked.points == 1.0


@pytest.mark.parametrize("public", ["def test_form(b):\n    pass", "def test_form(a, b):\n    pass", "def test_1(a):\n    pass\n\ndef test_2(a):\n    pass"])
def test_a_public_test_of_a_name_that_no_hidden_test_checks_is_refused(public):
    book = notebook_of("# BEGIN QUESTION\nname: q1", "# BEGIN TESTS", public, TEST[10:-4], "# END TESTS", "# END QUESTION")
    with pytest.raises(source.SourceError, match="question q1: a public test has one parameter, a name that a hidden test checks"):
        source.prepared(book)


def test_a_public_test_of_the_authors_own_is_worth_nothing_and_kept():
    book = notebook_of("# BEGIN QUESTION\nname: q1", "# BEGIN TESTS", "def test_form(a):\n    assert a > 0", TEST[10:-4], "# END TESTS", "# END QUESTION")
    text = source.prepared(book).cells[2].source
    assert "points: 0" in text and source.PASSED in text and text.endswith("assert a > 0")


def test_slots_of_an_edition():
    book = notebook_of("# EDITION\nicc = draw(0.05, [0.1])", "x = [[icc]], [[100 * icc:.0f]], [[other]], [[round(icc, 1)]]")
    assert edition.differs(book)
    assert edition.render(book).cells[0].source == "x = 0.05, 5, [[other]], 0.1"
    assert edition.render(book, 3).cells[0].source == "x = 0.1, 10, [[other]], 0.1"
    assert edition.without("math", "schid", 2, edition.BASE) == ("", "")
    query, key = edition.without("math", "schid", 2, 5, keep=(7472,))
    assert query.startswith('.query("schid not in [') and key == ": " + query[8:-2] and "7472" not in query


# ---- the checks in a notebook --------------------------------------------------------------------------------------------

def test_checks_without_their_notebook_say_where_to_keep_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.ipynb").write_text("[]", encoding="utf-8")
    nbformat.write(nbformat.v4.new_notebook(metadata={"otter": {"assignment_name": "other"}}), tmp_path / "other.ipynb")
    found = notebook.Checks("91_x").check("q1")
    assert "keep the file 91_x.ipynb in the folder that the notebook runs in" in repr(found)


def test_checks_answer_in_text_and_in_html(tmp_path, monkeypatch):
    case = "@test_case(points=0, success_message={!r})\ndef test_{}({}):\n    {}\n"
    tests = notebook.OTTER + "\n" + "".join([
        case.format("Confirmed: right.", "one", "right", "pass"), case.format("Right form.", "two", "form", "pass"),
        case.format("", "three", "wrong", "from mlmlib.grading.check import NotYet; raise NotYet('use `a` and *not* <b>')"),
        case.format("", "four", "broken, more", "1 / 0")])
    nbformat.write(nbformat.v4.new_notebook(metadata={"otter": {"assignment_name": "91_x", "tests": {"q1": tests}}}), tmp_path / "renamed.ipynb")
    monkeypatch.chdir(tmp_path)
    checks = notebook.Checks("91_x")
    assert repr(checks.check("q1")).split("\n") == [
        "✓ right: Confirmed: right.", "○ form: Right form.", "→ wrong: use `a` and *not* <b>",
        "→ broken, more: The check could not read this answer (ZeroDivisionError: division by zero)."]
    assert "use <code>a</code> and <em>not</em> &lt;b&gt;" in checks.check("q1")._repr_html_()
    assert "No check of this name was found; is the name right?" in repr(checks.check("q9"))


# ---- the command -------------------------------------------------------------------------------------------------------

def test_a_draft_is_written_and_edited_by_the_command(tmp_path, capsys):
    (tmp_path / "d.md").write_text(kit.TINY, encoding="utf-8")
    assert __main__.main(["write", str(tmp_path / "d.md"), "--sources", str(tmp_path)]) == 0
    assert "90_tiny.ipynb written" in capsys.readouterr().out
    assert __main__.main(["edit", str(tmp_path / "90_tiny.ipynb")]) == 0
    assert capsys.readouterr().out.split() == kit.TINY.split()
    (tmp_path / "d.md").write_text("Words.", encoding="utf-8")
    assert __main__.main(["write", str(tmp_path / "d.md"), "--sources", str(tmp_path)]) == 2
    assert "a draft begins with" in capsys.readouterr().err and not list(tmp_path.glob("None*"))


def test_the_command_hands_on_what_is_to_be_built(tmp_path, monkeypatch, capsys):
    (tmp_path / "class.txt").write_text("1001\n\n Ada L \n", encoding="utf-8")
    asked = []
    for name in ("build", "practice", "build_editions"):
        monkeypatch.setattr(building, name, lambda *args, name=name, **more: asked.append((name, args, more)))
    for words in ([], ["03", "--practice", "--seed", "7"], ["--students", str(tmp_path / "class.txt")]):
        assert __main__.main(["build", *words]) == 0
    where = {"sources": None, "out": None}
    assert asked == [("build", ([],), where), ("practice", (["03"],), where | {"seed": 7}), ("build_editions", (["1001", "Ada L"], []), where)]
    monkeypatch.undo()
    assert __main__.main(["build", "77", "--sources", str(tmp_path)]) == 2
    assert "no exercise source for 77 in" in capsys.readouterr().err


def test_the_command_says_where_the_grades_are(tmp_path, monkeypatch, capsys):
    for name in ("g-class.html", "g-by-hand.md", "g-canvas.csv", "g-log.txt"):
        (tmp_path / name).write_text("", encoding="utf-8")
    (tmp_path / "g-feedback").mkdir()
    asked = []
    monkeypatch.setattr(grading, "grade", lambda folder, **more: asked.append(more) or tmp_path / "g.csv")
    assert __main__.main(["grade", "in", "--cell-seconds", "5", "--memory-mb", "900", "--afresh", "--quiet", "--no-pages"]) == 0
    told = capsys.readouterr().out
    assert [name in told for name in ("g.csv", "g-class.html", "g-by-hand.md", "g-canvas.csv", "g-feedback", "g-log.txt")] == [True] * 5 + [False]
    assert asked[0]["limits"].as_dict == {"cell_seconds": 5.0, "total_seconds": 300, "memory_mb": 900}
    assert (asked[0]["resume"], asked[0]["progress"], asked[0]["pages"]) == (False, False, False)
    assert __main__.main(["grade", "in", "--part", "2/3"]) == 0
    assert "part 2/3: what was graded is in" in capsys.readouterr().out and asked[1]["part"] == (2, 3)


def test_nothing_to_grade_is_one_sentence(tmp_path, capsys):
    assert __main__.main(["grade", str(tmp_path)]) == 2
    assert "no notebook in" in capsys.readouterr().err
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "a.ipynb")
    assert __main__.main(["grade", str(tmp_path), "--autograders", str(tmp_path / "none"), "--out", str(tmp_path / "out" / "g.csv")]) == 2
    assert "no autograder in" in capsys.readouterr().err
