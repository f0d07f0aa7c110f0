"""Build student copies and autograders from the exercise sources with `otter assign`.

``student/NN_topic.ipynb`` goes to students: no solution, no hidden test. ``autograder/NN_topic/`` stays with the
teacher: the notebook with solutions, and ``autograder.zip``, which `mlmlib.grading.grade` reads and which also runs on
any platform that runs otter-grader.
"""
import contextlib
import io
import os
import shutil
import tempfile
from pathlib import Path

import nbformat

from . import stamp
from .places import places
from .source import prepared, read

ROOT = Path(__file__).resolve().parents[2]
INIT = """from mlmlib.grading.notebook import Checks

grader = Checks("{name}")  # reads the checks that are stored in this notebook"""


def build(chapters=None, *, sources=None, out=None, progress=print):
    """Build the exercises of `chapters` (``["03", ...]``, default all); return {name: (student, autograder)}."""
    sources = Path(sources or ROOT / "exercises")
    out = Path(out or ROOT / "_build" / "exercises")
    wanted = [str(c).zfill(2) for c in chapters or []]
    paths = [p for p in sorted(sources.glob("[0-9][0-9]_*.ipynb")) if not wanted or p.name[:2] in wanted]
    if not paths:
        raise FileNotFoundError(f"no exercise source for {', '.join(wanted) or 'any chapter'} in {sources}")
    built = {}
    for path in paths:
        built[path.stem] = build_one(path, out)
        progress(f"{path.stem}: student copy and autograder built")
    return built


def build_one(path, out):
    """Build one source notebook; return the paths of the student copy and of the autograder."""
    book, asked = read(path)
    student, autograder = out / "student" / path.name, out / "autograder" / path.stem
    with tempfile.TemporaryDirectory(prefix="exercise-") as work:
        source = Path(work) / path.name
        nbformat.write(prepared(book), source)
        _assign(source, Path(work) / "dist")
        clean_student(Path(work) / "dist" / "student" / path.name)
        _stamp(Path(work) / "dist", path.name, places(path.stem, book, asked))
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


def _stamp(dist, name, found):
    """Write into both copies what they were made from, and into the teacher's where in the book its questions are answered."""
    student = nbformat.read(dist / "student" / name, as_version=4)
    made = stamp.make(student)
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
