"""Build student copies and autograders from the exercise sources with `otter assign`.

``student/NN_topic.ipynb`` goes to students: no solution, no hidden test. ``autograder/NN_topic/`` stays with the
teacher: the notebook with solutions, and ``autograder.zip``, which `mlmlib.grading.grade` reads and which also runs on
any platform that runs otter-grader.
"""
import contextlib
import io
import json
import os
import secrets
import shutil
import tempfile
from pathlib import Path

import nbformat

from . import edition, stamp
from .places import places
from .source import prepared, read

ROOT = Path(__file__).resolve().parents[2]
INIT = """from mlmlib.grading.notebook import Checks

grader = Checks("{name}")  # reads the checks that are stored in this notebook"""


def build(chapters=None, *, sources=None, out=None, seed=edition.BASE, progress=print):
    """Build the exercises of `chapters` (``["03", ...]``, default all); return {name: (student, autograder)}."""
    sources = Path(sources or ROOT / "exercises")
    out = Path(out or ROOT / "_build" / "exercises")
    wanted = [str(c).zfill(2) for c in chapters or []]
    paths = [p for p in sorted(sources.glob("[0-9][0-9]_*.ipynb")) if not wanted or p.name[:2] in wanted]
    if not paths:
        raise FileNotFoundError(f"no exercise source for {', '.join(wanted) or 'any chapter'} in {sources}")
    built = {}
    for path in paths:
        built[path.stem] = build_one(path, out, seed)
        progress(f"{path.stem}: student copy and autograder built")
    return built


def build_editions(students, chapters=None, *, sources=None, out=None, progress=print):
    """Build a copy of its own for each of `students` (numbers or names, as the platform has them in the names of files).

    The copies go to ``student/WHO/NN_topic.ipynb``, their autograders beside that of the book's own edition. Exercises without an
    edition cell are the same for all.
    """
    sources, out = Path(sources or ROOT / "exercises"), Path(out or ROOT / "_build" / "exercises")
    names = {edition.plain(who): who for who in students}
    if len(names) < len(students) or "" in names:
        raise ValueError("students need numbers or names that differ in letters and digits")
    built = build(chapters, sources=sources, out=out, progress=progress)
    for name in built:
        own = out / "autograder" / name
        if not edition.differs(nbformat.read(sources / f"{name}.ipynb", as_version=4)):
            for who in names:
                (out / "student" / who).mkdir(parents=True, exist_ok=True)
                shutil.copy(built[name][0], out / "student" / who)
            progress(f"{name}: has no editions; {len(names)} copies of the book's own")
            continue
        marks, key = {}, edition.secret(out / "autograder")
        for who in names:
            seed = edition.seed_of(key, name, who)
            with tempfile.TemporaryDirectory(prefix="edition-") as work:
                student, _ = build_one(sources / f"{name}.ipynb", Path(work), seed)
                (out / "student" / who).mkdir(parents=True, exist_ok=True)
                shutil.copy(student, out / "student" / who)
                shutil.copytree(Path(work) / "autograder" / name, own / "editions" / who)
            marks[who] = edition.mark_of(seed)
        (own / "editions.json").write_text(json.dumps(marks), encoding="utf-8")
        progress(f"{name}: {len(names)} editions built")
    return built


def practice(chapters=None, *, seed=None, sources=None, out=None, progress=print):
    """Build fresh variants to practice on, in ``practice/``; `seed` repeats one."""
    seed = seed or 1 + secrets.randbelow(10**6)
    built = build(chapters, sources=sources, out=Path(out or ROOT / "_build" / "exercises") / "practice", seed=seed, progress=progress)
    progress(f"variant {seed}: grade yourself with --autograders {next(iter(built.values()))[1].parents[1]}")
    return built


def build_one(path, out, seed=edition.BASE):
    """Build one source notebook, as the edition of `seed`; return the paths of the student copy and of the autograder."""
    book, asked = read(path, seed)
    student, autograder = out / "student" / path.name, out / "autograder" / path.stem
    with tempfile.TemporaryDirectory(prefix="exercise-") as work:
        source = Path(work) / path.name
        nbformat.write(prepared(book), source)
        _assign(source, Path(work) / "dist")
        clean_student(Path(work) / "dist" / "student" / path.name)
        _stamp(Path(work) / "dist", path.name, places(path.stem, book, asked), seed)
        student.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(work) / "dist" / "student" / path.name, student)
        shutil.rmtree(autograder, ignore_errors=True)
        autograder.mkdir(parents=True)
        shutil.copy(Path(work) / "dist" / "autograder" / path.name, autograder)
        made = next((Path(work) / "dist" / "autograder").glob("*.zip"))
        shutil.copy(made, autograder / "autograder.zip")
    with contextlib.suppress(OSError):
        os.chmod(out / "autograder", 0o700)
    return student, autograder / "autograder.zip"


def _assign(source, dist):
    """Run `otter assign` in this process, without its own test run: `grade` does that with our limits."""
    from otter.assign import main as assign
    with contextlib.redirect_stdout(io.StringIO()):
        assign(str(source), str(dist), no_pdfs=True, no_run_tests=True)


def _stamp(dist, name, found, seed):
    """Write into both copies what they were made from, and into the teacher's where in the book its questions are answered."""
    student = nbformat.read(dist / "student" / name, as_version=4)
    made = stamp.make(student, seed)
    for folder, more in (("student", {}), ("autograder", {"places": found})):
        copy = nbformat.read(dist / folder / name, as_version=4)
        copy.metadata.update({"mlmlib": made} | more)
        nbformat.write(copy, dist / folder / name)


def clean_student(path):
    """Take out of a student copy the cells that were all solution, and outputs; let its checks run without otter."""
    book = nbformat.read(path, as_version=4)
    book.cells = [c for c in book.cells if c.source.strip() or "otter_answer_cell" not in c.metadata.get("tags", [])]
    for cell in book.cells:
        if cell.source.startswith("# Initialize Otter"):
            cell.source = INIT.format(name=path.stem)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(book, path)
