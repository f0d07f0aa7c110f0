"""What a teacher gets from files that are not as they should be: rows, tables and pages that say it."""

from __future__ import annotations

import csv
import io
import json
import math
import zipfile
from types import SimpleNamespace

import nbformat
import pytest

import mlmlib as mlm
from mlmlib.grading import alike, apart, class_page, edition, feedback_page, gradebooks, grading, handed_in, items, judge, key, page, places, stamp
from test_grading_parts import graded, mark

CANVAS = "Student,ID,SIS User ID,SIS Login ID,Section\n    Points Possible,,,,\nAda,7,,,\n"


def filled(tmp_path, rows, data):
    """{file: rows} of a grade book that was filled in."""
    (tmp_path / "export.csv").write_bytes(data)
    return {p.name: list(csv.reader(p.read_text(encoding="utf-8").splitlines()))
            for p in gradebooks.platforms(rows, tmp_path / "g.csv", tmp_path / "export.csv")}


def test_a_column_that_the_export_has_not_is_added_and_who_is_not_in_it_is_listed(tmp_path):
    rows = [graded("ada_7_100_01_linear_model.ipynb"), graded("=ben_8_101_01_linear_model.ipynb", marks=[mark(points=2.0)])]
    made = filled(tmp_path, rows, CANVAS.encode())
    assert [line[-1] for line in made["g-canvas.csv"]] == ["01_linear_model", "2", "1"]
    assert made["g-canvas-not-found.csv"] == [["submission", "student", "exercise", "points"],
                                              ["'=ben_8_101_01_linear_model.ipynb", "'=ben", "01_linear_model", "2"]]
    assert set(filled(tmp_path, rows[:1], CANVAS.encode())) == {"g-canvas.csv"}
    assert not (tmp_path / "g-canvas-not-found.csv").exists(), "what an earlier run did not find is forgotten"


def test_exports_of_blackboard_in_utf_16_are_read(tmp_path):
    book = 'Last Name\tFirst Name\tUsername\nLövel\t"Ada"\tadal\n'.encode("utf-16")
    made = filled(tmp_path, [graded("Lövel Ada/01_linear_model.ipynb")], book)["g-blackboard.csv"]
    assert made == [["Last Name", "First Name", "Username", "01_linear_model [Total Pts: 2 Score]"], ["Lövel", "Ada", "adal", "1"]]


@pytest.mark.parametrize(("data", "said"), [(b"\xff\xfe\x00", "is no table in text: export the grade book as CSV"), (b"PK\x03\x04\xff", "no table in text"),
                                            (b"", "no export that we know")])
def test_a_gradebook_that_cannot_be_read_is_refused(tmp_path, data, said):
    with pytest.raises(ValueError, match=said):
        filled(tmp_path, [graded()], data)


def test_moodles_worksheet_takes_one_exercise(tmp_path):
    with pytest.raises(ValueError, match="belongs to one assignment, and these submissions answer 01_linear_model, 02_clustering: grade each"):
        filled(tmp_path, [graded("a.ipynb"), graded("b.ipynb", "02_clustering")], b"Identifier,Full name,Grade\n")


def test_written_answers_of_those_who_were_asked(tmp_path):
    rows = [graded("a.ipynb", marks=[mark("q9", 0.0, 3.0, manual=True)], written={"q9": "one\ntwo"}), graded("b.ipynb")]
    gradebooks.by_hand(rows, tmp_path / "hand.md")
    assert (tmp_path / "hand.md").read_text(encoding="utf-8") == "# q9 (3 points)\n\n## a.ipynb\n\n> one\n> two\n"


# ---- files ---------------------------------------------------------------------------------------------------------------

def zipped(*names):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in names:
            archive.writestr(name, nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")])))
    return held.getvalue()


@pytest.mark.parametrize(("data", "suffix", "fault"), [
    (zipped("a.ipynb", "__MACOSX/a.ipynb"), ".zip", None), (zipped("a.ipynb", "b.ipynb"), ".zip", "the zip holds 2 notebooks and not one"),
    (zipped("a.txt"), ".zip", "the zip holds 0 notebooks and not one"), (b"no zip", ".zip", "not a readable notebook (BadZipFile)"),
    (b"\xff", ".ipynb", "not a readable notebook (UnicodeDecodeError)"), (b"", ".ipynb", "not a readable notebook (NotJSONError)"),
    (b"x" * 11, ".ipynb", "larger than 0 MB, and so not read"),
])
def test_what_is_handed_in_is_read_or_refused_in_words(monkeypatch, data, suffix, fault):
    if "larger" in str(fault):
        monkeypatch.setattr(handed_in, "MAX_BYTES", 10)
    book, said = handed_in.read_submission(data, suffix)
    assert said == fault and (book is None) == (fault is not None)
    assert book is None or book.cells[0].source == "x = 1"


def test_which_exercise_a_notebook_answers(tmp_path):
    known = ["01_linear_model", "02_clustering"]
    def book(**metadata):
        return nbformat.v4.new_notebook(metadata=metadata)

    assert handed_in.which(book(otter={"assignment_name": "02_clustering"}), tmp_path / "01_x.ipynb", known) == "02_clustering"
    assert handed_in.which(book(otter=[1]), tmp_path / "ada_02_clustering_final.ipynb", known) == "02_clustering"
    assert handed_in.which(book(), tmp_path / "01_mine.ipynb", known) == "01_linear_model"
    assert handed_in.which(book(), tmp_path / "notes.ipynb", known) is None


def test_what_a_student_wrote_is_found_by_its_cell():
    def cell(source, question, tags=("otter_answer_cell",), make=nbformat.v4.new_code_cell):
        return make(source, metadata={"question": question, "tags": list(tags)} if question else {"tags": list(tags)})

    book = nbformat.v4.new_notebook(cells=[cell("a_long_name = 1  # why", "q1"), cell("x = 1", None), cell("given = 'to everybody'", "q1", ()),
                                           cell("In words, so.", "q2", make=nbformat.v4.new_markdown_cell), cell("more", None)])
    assert handed_in.own_lines(book) == ["a_long_name=1"], "short lines and those in words of less than 13 letters say nothing"
    assert handed_in.written_answers(book, {"q2": 3.0}) == {"q2": "In words, so.\n\nmore"}


def test_a_file_of_no_exercise_gets_a_row_that_says_so(tmp_path):
    (tmp_path / "notes.ipynb").write_text(nbformat.writes(nbformat.v4.new_notebook()), encoding="utf-8")
    run = grading.Run(tmp_path, tmp_path, {"01_linear_model": tmp_path}, None, (), True)
    row = grading.grade_one(tmp_path / "notes.ipynb", "notes.ipynb", run)
    assert row["messages"] == ["no exercise of this name: is it one of 01_linear_model?"] and row["marks"] == []


@pytest.mark.parametrize(("student", "own", "place", "told"), [
    ("7", "m7", "editions/7", ""), ("7", "m8", "editions/7", "not the edition made for this student"),
    ("9", "m8", "editions/8", "whose copy this is cannot be told"), ("9", "", "", "no edition was made for this student"), ("9", None, "", "no edition was made")])
def test_a_submission_is_graded_by_its_students_edition(tmp_path, student, own, place, told):
    book = nbformat.v4.new_notebook(metadata={"mlmlib": "odd" if own is None else {"edition": own}})
    who = {"id": student, "name": "Ada"}
    assert edition.choose(tmp_path, who, book) == (tmp_path, ""), "there are no editions"
    (tmp_path / "editions.json").write_text(json.dumps({"7": "m7", "8": "m8"}), encoding="utf-8")
    found, said = edition.choose(tmp_path, who, book)
    assert found == tmp_path / place and told in said and bool(told) == bool(said)
    assert edition.secret(tmp_path / "new") == edition.secret(tmp_path / "new") and len(edition.secret(tmp_path / "new")) == 32


def test_a_stamp_that_is_none_says_nothing():
    ours = {"library": "1", "questions": {"q1": "a"}}
    assert stamp.edition("x") == stamp.difference("x", ours) == stamp.difference({"questions": 3}, ours) == stamp.difference(ours, {}) == ""
    assert stamp.difference({"library": "0", "questions": {"q1": "a"}}, ours).endswith("agree with the present library")


# ---- judging ---------------------------------------------------------------------------------------------------------------

def test_a_test_that_stops_is_a_reply_and_a_repeated_reply_stands_once():
    def case(work, points=1.0):
        return SimpleNamespace(points=points, body=SimpleNamespace(call_func=work))

    def odd(values):
        raise ZeroDivisionError

    test = SimpleNamespace(name="q1", possible=4.0, test_cases=[case(lambda values: None), case(odd), case(odd), case(odd, 0.0)])
    assignment = judge.Assignment("x", {"q1": test}, ("q1", "q2", "text"), {"q2": 3.0}, frozenset({"a", "b", "c"}))
    outcome = SimpleNamespace(answers={"a": {"t": "num", "v": "x"}, "b": {"t": "num", "v": 2.0}})
    first, second = judge.judge(assignment, outcome)
    assert (first.points, first.messages) == (1.0, ["This answer could not be read (ZeroDivisionError)."]) and second.manual and second.possible == 3.0
    assert [judge._value(outcome.answers, n, None) for n in "abc"] == [None, 2.0, None]
    called = judge._value({"f": {"t": "func", "v": "f"}}, "f", lambda name, args: (name, args))
    assert called(1, 2) == ("f", (1, 2))


def test_wrong_answers_are_kept_for_the_search_of_look_alikes():
    asks = {"q1": ["a", "b"], "q2": ["c"], "q3": ["d"]}
    outcome = SimpleNamespace(answers={"a": {"t": "num", "v": 1.0}, "b": {"t": "empty"}, "c": {"t": "text", "v": "x" * 500}, "d": {"t": "num", "v": 1.0}})
    marks = [judge.Mark("q1", 0.0, 1.0), judge.Mark("q2", 0.0, 1.0), judge.Mark("q3", 1.0, 1.0)]
    found = grading._wrong(SimpleNamespace(asks=asks), outcome, marks)
    assert found["q1"] == '{"a": {"t": "num", "v": 1.0}}' and len(found["q2"]) == 64 and set(found) == {"q1", "q2"}


def test_answer_keys_are_fits_of_the_books_data():
    assert len(key.data("math: schid not in [7472]")) == (mlm.load("math")["schid"] != 7472).sum()
    assert key.ols("math ~ homework", "math") is key.ols("math ~ homework", "math")
    assert key.variance(key.ols("math ~ homework", "math"), "Residual") == pytest.approx(93.346035)


# ---- pages -----------------------------------------------------------------------------------------------------------------

def test_the_page_of_a_small_class_says_less_and_of_a_large_one_more():
    assert math.isnan(items._variance([1.0])), "one submission has no variance"
    small = class_page.render([graded("a.ipynb")])
    assert "does not vary" in small and "Cronbach" not in small and "Every notebook ran to its end." in small and "No two submissions share" in small
    assert "from few submissions" in class_page._reliability(0.8, 10) and class_page._reliability(0.8, 40).endswith("0.80.")
    assert class_page._discrimination(-0.25, 10) == "\u22120.25"
    assert [class_page._discrimination(r, 30).split(">")[1].split("<")[0] for r in (0.4, 0.2, -0.1)] == ["good", "weak", "look at this question"]
    pairs = [alike.Pair(f"a{i}", f"b{i}", "x", 9.0, 0.9, (), 3) for i in range(42)]
    told = class_page._alike(pairs)
    assert "2 more pairs are not shown" in told and "a39" in told and "a40" not in told and "more pairs" not in class_page._alike(pairs[:40])
    common = [graded(f"{i}.ipynb", marks=[mark(messages=["4? That is the *SD*."])], messages=["code cell 1: stopped"]) for i in range(3)]
    large = class_page.render(common, {"1.ipynb": "f/1.html"})
    assert "That is the <em>SD</em>." in large and 'href="f/1.html"' in large and "code cell 1: stopped" in large
    assert "2 graded, 1 not readable" in class_page.render([*common[:2], graded("x.ipynb") | {"marks": []}])


def test_a_small_class_has_no_look_alikes_and_one_student_is_no_pair():
    shared = {f"q{i}": "odd" for i in range(6)}
    assert alike.pairs([graded(f"{i}.ipynb", wrong=shared) for i in range(3)]) == []
    rows = [graded(f"s{i}.ipynb", wrong={"q1": f"{i}"}) for i in range(30)]
    for i in (3, 4):
        rows[i] = graded(f"ada_7_{i}_01_linear_model.ipynb", wrong=shared)
    assert alike.pairs(rows) == [], "two attempts of one student are alike by right"
    rows[4] = graded("ben_8_4_01_linear_model.ipynb", wrong=shared)
    assert len(alike.pairs(rows)) == 1


def test_a_students_page_without_addresses_and_with_everything_right():
    row = graded(marks=[mark("q1", 0.5, 1.0), mark("q2", 1.0, 1.0), mark("q3", 0.0, 2.0, manual=True)])
    place = {"q1": {"title": "The *mean*", "chapter": "01_linear_model", "objective": "count", "sections": [("A $\\hat tau$ b", "a"), ("B", "b")]}}
    text = feedback_page.render(row, SimpleNamespace(places=place))
    assert "and 2 more are given by a person" in text and "Look in chapter 1: “A tau b” and “B”." in text and "you can count." in text and ">in part<" in text
    right = feedback_page.render(graded(exercise="mine", marks=[mark(points=2.0), mark("q0", 0.0, 0.0)]))
    assert "Everything that is graded here is right." in right and "Where to look" not in right
    lost = feedback_page.render(graded(marks=[]) | {"marks": [], "messages": ["not a notebook: <b>"]})
    assert "could not be graded" in lost and "&lt;b&gt;" in lost and "saved, under the name" in lost
    assert page.bar(1.7).endswith("100&nbsp;%") and page.text("a\x00\x1b<b") == "a&lt;b"


def test_where_a_page_goes_stays_in_its_folder(tmp_path):
    path = feedback_page.write(graded("../../odd<name>.ipynb"), None, tmp_path)
    assert path.is_relative_to(tmp_path) and ".." not in path.parts and path.is_file()


# ---- places, and what is kept apart --------------------------------------------------------------------------------------------

def test_a_question_of_no_chapter_has_no_place(tmp_path):
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("Give the mean. " + "word " * 60)])
    asked = [SimpleNamespace(name="q1_1", cells=[0])]
    found = places.places("77_none", book, asked, chapters=tmp_path, named=tmp_path / "none.toml")["q1_1"]
    assert found["sections"] == [] and found["chapter"] == "" and found["title"].endswith(" ...") and len(found["title"]) < 161
    assert places.objectives("nothing of the kind") == []
    assert places.objectives("| you can ... | in |\n|---|---|\n| count \\| sum | 1, 3 to 5 |\n") == [("count | sum", [1, 3, 4, 5])]


def test_a_broken_notebook_is_searched_as_text():
    assert apart._cells("{no json") == "{no json"
    assert apart._cells('{"a": ["x", "y"], "b": [1, {"c": ["z", 2]}]}').split("\n") == ["a", "xy", "b", "c", "z"]
