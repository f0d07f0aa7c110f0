"""Kept apart: whether a folder (or a zip) that is to be published holds anything of the exercises that must not be.

What must not be is read from the exercise sources themselves: every long line of a hidden test or of a solution in words, and the marks
that only a source or an autograder has. Solutions in code are known by these marks: a line of code may stand in a chapter as well.
Notebooks are read cell by cell, zips inside zips too.
"""
import html
import io
import json
import re
import zipfile
from pathlib import Path

from . import edition
from .source import questions

ROOT = Path(__file__).resolve().parents[2]
MARKS = re.compile(r"^#\s*(BEGIN|END) (QUESTION|SOLUTION|TESTS|PROMPT)\b|# *SOLUTION\b|^# *HIDDEN\b|^# *ASSIGNMENT CONFIG", re.M)
NAMES = re.compile(r"(^|/)(autograder(\.zip)?|editions(\.json)?|secret|places\.toml)(/|$)")
TAG = re.compile(r"<[^>]+>")
LONG = 40


def found(place, sources=None):
    """[(file, what it holds)] of everything in the folder or zip at `place` that students must not get; empty if all is well.

    `sources` is the folder of the exercise sources. FileNotFoundError if either is not there: nothing to look at is no good news.
    """
    place, telling = Path(place), fingerprints(Path(sources or ROOT / "exercises"))
    if not place.exists():
        raise FileNotFoundError(f"There is no {place} to look at.")
    files = [(place.name, place)] if place.is_file() else [(p.relative_to(place).as_posix(), p) for p in sorted(place.rglob("*")) if p.is_file()]
    return [fault for name, path in files for fault in _file(name, path.read_bytes(), telling)]


def fingerprints(sources):
    """{line, its letters and digits alone: question} of the hidden tests and of the solutions in words of all sources.

    A line that a question gives to everybody, such as how its data are made, tells nothing.
    """
    import nbformat

    paths, out = sorted(sources.glob("[0-9][0-9]_*.ipynb")), {}
    if not paths:
        raise FileNotFoundError(f"There are no exercise sources in {sources}: without them nothing can be looked for.")
    for path in paths:
        book = edition.render(nbformat.read(path, as_version=4))
        kept = {i for asked in questions(book) for i in (*asked.hidden, *asked.solution)}
        given = {_bare(line) for i, cell in enumerate(book.cells) if i not in kept for line in cell.source.splitlines()}
        for asked in questions(book):
            tests = [line for i in asked.hidden for line in book.cells[i].source.splitlines()]
            words = [line for i in asked.solution if book.cells[i].cell_type == "markdown" for line in book.cells[i].source.splitlines()]
            out |= {_bare(line): asked.name for line in (*tests, *words) if len(_bare(line)) >= LONG and _bare(line) not in given}
    return out


def _file(name, content, telling):
    """What one file holds; a zip is opened."""
    if NAMES.search(name):
        yield name, "is a file of the teacher's"
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield from _file(f"{name}/{member}", archive.read(member), telling)
        return
    text = content.decode("utf-8", "replace")
    if name.endswith(".ipynb"):
        text = _cells(text)
        if mark := MARKS.search(text):
            yield name, f"has the mark {mark[0].strip()!r}"
    if name.endswith((".html", ".htm")):
        text += "\n" + html.unescape(TAG.sub("", text))
    for line in sorted({_bare(line) for line in text.splitlines()} & set(telling)):
        yield name, f"has a line of a hidden test or of a solution of {telling[line]}"


def _cells(text):
    """Every text of a notebook, cells, outputs and metadata alike, as it reads when JSON is undone."""
    def texts(held):
        if isinstance(held, str):
            yield held
        elif isinstance(held, list):
            yield "".join(held) if held and all(isinstance(part, str) for part in held) else "\n".join(t for part in held for t in texts(part))
        elif isinstance(held, dict):
            for key, value in held.items():
                yield key
                yield from texts(value)

    try:
        return "\n".join(texts(json.loads(text)))
    except ValueError:
        return text


def _bare(line):
    """The letters and digits of a line: neither indentation nor markup hides it."""
    return "".join(c for c in line if c.isalnum())
