"""Parts of grading a class: whose file it is, tables for learning platforms, pages, questions, look-alikes, older copies."""

from __future__ import annotations

import csv
import math
import os
import re
import signal
import sys
from html.parser import HTMLParser

import nbformat
import pytest

import exercise_kit as kit
import mlmlib
from mlmlib.grading import alike, check, feedback_page, gradebooks, handed_in, items, notebook, places, process, public, stamp
from mlmlib.grading.supervise import Interrupted, Limits, Submission

QUICK = Limits(cell_seconds=5, total_seconds=60, memory_mb=1500)


def mark(question="q1", points=1.0, possible=2.0, messages=(), manual=False):
    return {"question": question, "points": points, "possible": possible, "messages": list(messages), "manual": manual}


def graded(name="a.ipynb", exercise="01_linear_model", marks=None, **more):
    row = {"submission": name, "exercise": exercise, "student": handed_in.student(name, exercise), "marks": marks or [mark()],
           "messages": [], "measures": ["own process"], "written": {}, "wrong": {}, "lines": [], "seconds": 1.0}
    return row | more


@pytest.mark.parametrize(("name", "who"), [
    ("lovelaceada_1815_99_01_linear_model.ipynb", ("lovelaceada", "1815", "canvas")),
    ("lovelaceada_LATE_1815_99_01_linear_model.ipynb", ("lovelaceada", "1815", "canvas")),
    ("Ada Lovelace_1815_assignsubmission_file_/anything.ipynb", ("Ada Lovelace", "1815", "moodle")),
    ("Ada Lovelace_1815_assignsubmission_file_01_linear_model.ipynb", ("Ada Lovelace", "1815", "moodle")),
    ("Ex 1_ada_attempt_2026-11-22-10-10-11_01_linear_model.ipynb", ("ada", "ada", "blackboard")),
    ("ada/01_linear_model.ipynb", ("ada", "", "")), ("ada_01_linear_model.ipynb", ("ada", "", "")),
    ("01_linear_model.ipynb", ("01_linear_model", "", "")),
])
def test_whose_file_it_is(name, who):
    found = handed_in.student(name, "01_linear_model")
    assert (found["name"], found["id"], found["platform"]) == who
    assert found["late"] is ("LATE" in name)


def written(tmp_path, rows, export=None):
    book = None
    if export is not None:
        book = tmp_path / "export.csv"
        book.write_text(export, encoding="utf-8")
    return {p.name: list(csv.reader(p.read_text(encoding="utf-8").splitlines())) for p in gradebooks.platforms(rows, tmp_path / "g.csv", book)}


def test_tables_for_platforms_from_the_names_of_files(tmp_path):
    rows = [graded("ada_7_100_01_linear_model.ipynb"), graded("ada_7_101_01_linear_model.ipynb", marks=[mark(points=2.0)]),
            graded("Ben B_8_assignsubmission_file_/x.ipynb", marks=[mark(messages=["=1+1"]), mark("q2", 0.0, 1.0, manual=True)]),
            graded("01_linear_model_cy_attempt_2026-11-22-10-10-11_x.ipynb")]
    made = written(tmp_path, rows)
    assert made["g-canvas.csv"] == [["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "01_linear_model"],
                                    ["    Points Possible", "", "", "", "", "2"], ["ada", "7", "", "", "", "2"]]
    assert made["g-blackboard.csv"][1] == ["", "", "cy", "1"]
    moodle = made["g-moodle-01_linear_model.csv"]
    assert moodle[0] == gradebooks.MOODLE and moodle[1][:2] == ["Participant 8", "Ben B"] and moodle[1][4:6] == ["1", "2"]


@pytest.mark.parametrize(("export", "column", "points"), [
    ('Student,ID,SIS User ID,SIS Login ID,Section,01_linear_model (55),Other (56)\n    Points Possible,,,,,2,9\n"Love, Ada",7,,al,1,,3\n'
     '"Test, Other",9,,to,1,,4\n', "01_linear_model (55)", {"Love, Ada": "1", "Test, Other": "", "    Points Possible": "2"}),
    ("Last Name\tFirst Name\tUsername\tExercise 01 linear model [Total Pts: 2 Score] |123\nLove\tAda\tada\t\nX\tY\txy\t\n",
     "Exercise 01 linear model [Total Pts: 2 Score] |123", {"Love": "1", "X": ""}),
    ("Identifier,Full name,Grade,Feedback comments\nParticipant 7,Ada Love,,\nParticipant 70,Other,,\n", "Grade",
     {"Participant 7": "1", "Participant 70": ""}),
])
def test_an_export_of_the_platform_is_filled_in_and_otherwise_left_alone(tmp_path, export, column, points):
    (table,) = written(tmp_path, [graded("ada_7_100_01_linear_model.ipynb")], export).values()
    place = table[0].index(column)
    assert {line[0]: line[place] for line in table[1:]} == points
    separator = "\t" if "\t" in export else ","
    assert table[0] == next(csv.reader([export.partition("\n")[0]], delimiter=separator))


def test_a_table_that_is_no_export_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no export that we know"):
        written(tmp_path, [graded()], "a,b\n1,2\n")


def test_difficulty_discrimination_and_alpha_against_their_definitions():
    points = [[0, 0, 1], [1, 0, 1], [1, 1, 1], [1, 1, 1], [0, 1, 1]]
    said = [["3.5? That is the SD."], [], [], [], ["4? That is the SD."]]
    rows = [graded(f"{i}.ipynb", marks=[mark(f"q{j}", x, 1.0, said[i] if j == 0 else []) for j, x in enumerate(row)])
            for i, row in enumerate(points)]
    found, alpha = items.analyze(rows)
    assert [i.difficulty for i in found] == pytest.approx([0.6, 0.6, 1.0])
    rest = [1, 1, 2, 2, 2]
    mean = [sum(r[0] for r in points) / 5, sum(rest) / 5]
    cov = sum((r[0] - mean[0]) * (t - mean[1]) for r, t in zip(points, rest)) / 4
    assert found[0].discrimination == pytest.approx(cov / math.sqrt(0.3 * 0.3))
    assert math.isnan(found[2].discrimination)
    totals = [sum(r) for r in points]
    spread = sum((t - sum(totals) / 5) ** 2 for t in totals) / 4
    assert alpha == pytest.approx(1.5 * (1 - 0.6 / spread))
    assert found[0].mistakes == (("That is the SD.", 2),)


def test_look_alikes_share_what_few_others_have():
    rows = [graded(f"s{i}.ipynb", wrong={"q1": f"{i}", "q2": "common"}, lines=["text of the exercise", f"line {i}", f"more {i}"]) for i in range(30)]
    for i in (3, 4):
        rows[i] |= {"wrong": {"q1": "0.123", "q2": "common"}, "lines": ["text of the exercise", "mine = odd + 1", "other = odd + 2"]}
    (pair,) = alike.pairs(rows)
    assert {pair.first, pair.second} == {"s3.ipynb", "s4.ipynb"} and pair.answers == ("q1",) and pair.lines == 2
    same = [graded(f"s{i}.ipynb", lines=["a", "b", "c", "d", "e"]) for i in range(30)]
    assert not alike.pairs(same), "what all have is no evidence"


def test_two_who_share_all_of_their_few_mistakes_are_named():
    """Two of thirty have the same two wrong answers: a weight of 2 log(30 / 2) = 5.4 is too little, 2 log(46 / 2) = 6.3 is enough if there is no more."""
    def named(n, own=()):
        rows = [graded(f"s{i}.ipynb", wrong={"q1": f"{i}"}) for i in range(n)]
        for i in (3, 4):
            rows[i] |= {"wrong": {"q1": "0.123", "q2": "0.456"} | dict.fromkeys(own, f"{i}")}
        return alike.pairs(rows)

    assert not named(30) and not named(46, own=("q3",))
    (pair,) = named(46)
    assert pair.answers == ("q1", "q2") and pair.share == pytest.approx(1.0) and alike.LESS < pair.evidence < alike.ENOUGH


class _Page(HTMLParser):
    """Collects tags, and ids that links of the page go to."""

    def __init__(self):
        super().__init__()
        self.tags, self.ids, self.links = [], set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attrs = dict(attrs)
        self.ids.add(attrs.get("id"))
        self.links += [attrs["href"]] if tag == "a" else []


def test_a_students_page_says_where_to_look_and_takes_no_markup_from_notebooks():
    name = "01_linear_model"
    from mlmlib.grading import judge
    assignment = judge.load(str(kit.built_one(name) / "autograder" / name))
    row = graded(marks=[mark("q1_1", 0.0, 1.0, ["d: no, `x` is *not* <b>it</b>"]), mark("q1_3", 2.0, 2.0)],
                 messages=["code cell 3: RuntimeError: <script>alert(1)</script>"])
    text = feedback_page.render(row, assignment, "https://book.example/")
    page = _Page()
    page.feed(text)
    assert "script" not in page.tags and "b" not in page.tags and "&lt;script&gt;" in text
    assert page.tags.count("h1") == 1 and 'lang="en"' in text and "scope=\"col\"" in text
    assert all(link[1:] in page.ids for link in page.links if link.startswith("#"))
    (where,) = [link for link in page.links if link.startswith("https:")]
    assert re.fullmatch(r"https://book\.example/chapters/01_linear_model\.html#[a-z-]+", where)
    assert not re.search(r"(src|href)=\"(?!#|https://book)", text)


@pytest.mark.parametrize("name", kit.NAMES)
def test_every_question_has_a_place_in_the_book(name):
    book, asked = kit.read(name)
    found = places.places(name, book, asked)
    assert list(found) == [q.name for q in asked]
    assert all(p["sections"] and p["title"] for p in found.values())
    assert all(p["objective"] or q.manual for q, p in zip(asked, found.values(), strict=True))
    titles = {line.lstrip("# ").strip() for cell in nbformat.read(kit.ROOT / "chapters" / f"{name}.ipynb", as_version=4).cells
              if cell.cell_type == "markdown" for line in cell.source.splitlines() if line.startswith("##")}
    plain = {re.sub(r"\{\w+\}`([^`<]*)[^`]*`", r"\1", t) for t in titles}
    assert {title for p in found.values() for title, address in p["sections"] if "#" not in address} <= plain


# ---- older copies ----------------------------------------------------------------------------------------------------

def test_an_older_copy_counts_and_says_so(monkeypatch, tmp_path, capsys):
    name = "01_linear_model"
    book = kit.model(name)
    book.metadata["mlmlib"] = {"library": "0.0.9", "questions": dict(book.metadata["mlmlib"]["questions"])}
    book.metadata["mlmlib"]["questions"].pop("q1_2")
    book.metadata["mlmlib"]["questions"]["q1_1"] = "other"
    row = kit.grade({"old.ipynb": book, "new.ipynb": kit.model(name)})
    assert row["old.ipynb"]["total"] == row["old.ipynb"]["possible"] and row["new.ipynb"]["messages"] == ""
    said = row["old.ipynb"]["messages"]
    assert "made with mlmlib 0.0.9" in said and "worded otherwise since then: q1_1" in said and "not asked in this copy: q1_2" in said
    student = kit.student(name)
    nbformat.write(student, tmp_path / f"{name}.ipynb")
    monkeypatch.chdir(tmp_path)
    assert not notebook.Checks(name).older and not capsys.readouterr().out
    student.metadata["mlmlib"]["library"] = "0.0.9"
    nbformat.write(student, tmp_path / f"{name}.ipynb")
    assert notebook.Checks(name).older and "made with mlmlib 0.0.9" in capsys.readouterr().out


def test_a_stamp_tells_nothing_but_versions():
    student = kit.student("01_linear_model")
    assert set(student.metadata["mlmlib"]) == {"library", "questions", "edition"} and "places" not in student.metadata
    assert stamp.difference(None, student.metadata["mlmlib"]) == stamp.difference(student.metadata["mlmlib"], student.metadata["mlmlib"]) == ""


def test_an_older_seal_opens_where_the_numbers_agree_and_says_its_age_where_not(monkeypatch):
    record = next(r for *_, r in kit.checks("03_random_intercepts") if r.kind == "number" and r.confirm and r.known)
    sealed = check.make_seal(record, "salt")
    assert sealed["library"] == mlmlib.__version__
    old = sealed | {"library": "0.0.9"}
    check.form(record.expected, old)
    for lock, words in ((sealed, None), (old, "made with mlmlib 0.0.9")):
        with pytest.raises(check.NotYet) as refusal:
            check.form(record.known[0][0], lock)
        assert (words or "") in str(refusal.value) and ("made with" in str(refusal.value)) is (words is not None)
    monkeypatch.setattr(public, "FORMAT", 2)
    with pytest.raises(check.NotYet, match="cannot be confirmed here"):
        check.form(record.expected, old)


# ---- processes -------------------------------------------------------------------------------------------------------

def test_both_kinds_of_process_give_the_same_answers():
    cells = ["import numpy as np, mlmlib as mlm", "x = float(mlm.ols('math ~ homework', mlm.load('math')).params['homework'])"]
    found = {}
    for start in (process.Forked, process.Fresh) if sys.platform == "linux" else (process.Fresh,):
        with Submission(cells, {"x"}, limits=Limits(), start=start) as submission:
            outcome = submission.run()
        assert not outcome.errors and outcome.measures[0] == start.kind
        found[start] = outcome.answers
    assert len({str(a) for a in found.values()}) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the warm process is Linux's")
def test_the_end_of_the_warm_process_is_not_laid_at_the_submissions_door():
    cells = ["x = 1", "import time\ntime.sleep(60)"]

    class Killing(process.Forked):
        def __init__(self, folder):
            super().__init__(folder)
            os.kill(self._server.process.pid, signal.SIGKILL)

    with Submission(cells, {"x"}, limits=QUICK, start=Killing) as submission, pytest.raises(Interrupted):
        submission.run()
    with Submission(cells[:1], {"x"}, limits=QUICK) as submission:
        assert submission.run().answers == {"x": {"t": "num", "v": 1.0}}
