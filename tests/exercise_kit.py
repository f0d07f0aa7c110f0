"""What the tests of the exercises share: the built exercises, notebooks changed by script, and a quick grading run."""

from __future__ import annotations

import copy
import csv
import tempfile
from functools import lru_cache
from pathlib import Path

import nbformat

from mlmlib.grading import building, check, draft, grading, source
from mlmlib.grading.supervise import Limits

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "exercises").glob("[0-9][0-9]_*.ipynb"))
NAMES = [p.stem for p in SOURCES]


@lru_cache
def workplace():
    """A folder for this process, removed when it ends."""
    held = tempfile.TemporaryDirectory(prefix="exercise-tests-")
    workplace.held = held
    return Path(held.name)


@lru_cache
def built():
    """All exercises, built once in this process: the folder with `student` and `autograder`."""
    return [built_one(name) for name in NAMES][-1]


@lru_cache
def read(name):
    """(source notebook, its questions) of one exercise."""
    return source.read(ROOT / "exercises" / f"{name}.ipynb")


@lru_cache
def built_one(name):
    """One exercise, built once in this process: the same folder with at least this one in it."""
    out = workplace() / "built"
    building.build_one(ROOT / "exercises" / f"{name}.ipynb", out)
    return out


def student(name):
    """The student copy of an exercise."""
    return nbformat.read(built_one(name) / "student" / f"{name}.ipynb", as_version=4)


def model(name):
    """A submission with the model answers."""
    return nbformat.read(built_one(name) / "autograder" / name / f"{name}.ipynb", as_version=4)


def with_code(book, code, *, first=False, after=None):
    """A copy of a submission with one more code cell: at the end, at the start, or after the cell that holds a text."""
    book, cell = copy.deepcopy(book), nbformat.v4.new_code_cell(code)
    place = 1 if first else len(book.cells)
    if after is not None:
        place = 1 + next(i for i, c in enumerate(book.cells) if c.cell_type == "code" and after in c.source)
    book.cells.insert(place, cell)
    return book


def grade(books, *, autograders=None, limits=Limits(), out=None, **options):
    """Grade {file name: notebook, bytes or text}; the rows of the CSV by file name."""
    folder = Path(tempfile.mkdtemp(dir=workplace()))
    for name, book in books.items():
        path = folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(book, bytes):
            path.write_bytes(book)
        elif isinstance(book, str):
            path.write_text(book, encoding="utf-8")
        else:
            nbformat.write(book, path)
    table = grading.grade(folder / "in", out=out or folder / "out" / "grades.csv", limits=limits, progress=False,
                          autograders=autograders or built() / "autograder", **options)
    with open(table, newline="", encoding="utf-8") as file:
        return {row["submission"]: row for row in csv.DictReader(file)}


def checks(name):
    """(question, hidden test, its parameter names, what it checks) for every hidden test of an exercise."""
    book, asked = read(name)
    for question in asked:
        for index in question.hidden:
            for function, names in source.test_functions(book.cells[index].source):
                with check.recording() as log:
                    function(**{n: check.Name(n) for n in names})
                for record in log:
                    yield question, function, names, record


TINY = '''%% exercise 90_tiny
# Tiny

%% question q90_1 points=2
Give `twice`, two times 21.25, and `word`.
%% solution
```python
twice = 42.5  # SOLUTION
```
%% tests
```python
# HIDDEN
def test_value(twice):
    from mlmlib.grading import check
    check.number(twice, 42.5, what="twice 21.25", between=(0, 100), known={"That is the number once.": 21.25})
```
%% end

%% question q90_2 points=3
Write `square(x)`.
%% solution
```python
def square(x):
    return x ** 2  # SOLUTION
```
%% tests
```python
# HIDDEN
def test_value(square):
    from mlmlib.grading import check
    check.function(square, lambda x: x ** 2, [1.5, 2.5, -3.0], what="the function square", known={"That doubles.": lambda x: 2 * x})
```
%% end

%% question q90_3 points=1 manual
Write.
%% solution
A model answer in words.
%% end
'''


@lru_cache
def tiny():
    """The folder of autograders of a tiny exercise (two questions, five points), and its model submission."""
    name, book = draft.to_notebook(TINY)
    folder = workplace() / "tiny-sources"
    folder.mkdir(exist_ok=True)
    nbformat.write(book, folder / f"{name}.ipynb")
    building.build(sources=folder, out=workplace() / "tiny", progress=lambda text: None)
    made = workplace() / "tiny" / "autograder"
    return made, nbformat.read(made / name / f"{name}.ipynb", as_version=4)
