"""Solutions are kept apart: what is published holds none, and the check that says so finds every kind when it is there."""

from __future__ import annotations

import html
import re
import zipfile

import nbformat
import pytest

import exercise_kit as kit
import mlmlib
from mlmlib.cli import exercises, parser
from mlmlib.grading import apart, places
from mlmlib.release import archives

NAME = "01_linear_model"
SOURCE = kit.ROOT / "exercises" / f"{NAME}.ipynb"


@pytest.fixture(scope="module")
def student():
    return kit.built_one(NAME) / "student"


def test_every_source_gives_fingerprints():
    known = set(apart.fingerprints(kit.ROOT / "exercises").values())
    assert len(known) == sum(len(asked) for asked in places.author().values()), "every question has a line that gives it away"


def test_a_student_copy_and_the_notebooks_archive_are_clean(student, tmp_path):
    assert not apart.found(student / f"{NAME}.ipynb")
    files = archives.notebook_files(kit.ROOT, student, "n", mlmlib.__version__)
    made = archives.write_zip(tmp_path / "n.zip", files, archives.EARLIEST)
    assert not apart.found(made)


@pytest.mark.site
def test_the_built_site_is_clean(site):
    assert not apart.found(site)


def test_what_must_not_be_there_is_found(student, tmp_path):
    book, asked = kit.read(NAME)
    question = next(q for q in asked if q.hidden)
    hidden = next(line for i in question.hidden for line in book.cells[i].source.splitlines() if len(apart._bare(line)) >= apart.LONG)
    words = next(book.cells[i].source for i in question.solution if book.cells[i].cell_type == "markdown")
    copy = nbformat.read(student / f"{NAME}.ipynb", as_version=4)
    copy.metadata["leak"] = f"x\n{hidden}\ny"
    nbformat.write(copy, tmp_path / "leak.ipynb")
    (tmp_path / "page.html").write_text(f"<p>\n  {re.sub('[*`]', '', html.escape(words)).replace(' the ', ' <em>the</em> ')}\n</p>", encoding="utf-8")
    (tmp_path / "secret").write_bytes(b"\x00\xff")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(SOURCE, "in/01.ipynb")
    (tmp_path / "fine.txt").write_text("check.number is a function", encoding="utf-8")
    faults = dict(apart.found(tmp_path))
    assert set(faults) == {"leak.ipynb", "page.html", "secret", "all.zip/in/01.ipynb"}
    assert question.name in faults["leak.ipynb"]


def test_the_autograder_is_refused(student):
    assert apart.found(student.parent / "autograder")


def test_nothing_to_look_at_is_no_good_news(tmp_path):
    with pytest.raises(FileNotFoundError, match="to look at"):
        apart.found(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="no exercise sources"):
        apart.found(tmp_path, sources=tmp_path)


def test_the_command_says_it(student, capsys):
    def said(place):
        return exercises.run(kit.ROOT, parser().parse_args(["exercises", "--check-public", str(place)]))

    assert said(student / f"{NAME}.ipynb") == 0
    assert "no hidden test, no solution and no secret" in capsys.readouterr().out
    assert said(SOURCE) == 1
    assert "has the mark" in capsys.readouterr().out
