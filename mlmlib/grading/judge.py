"""From answers to points: the autograder's own tests against the values that came out of a submission.

The judge runs in the grader's process. It sees decoded answers only, and it alone knows hidden tests and expected
values. Whatever the checks inside the student's notebook said plays no part.
"""
import hashlib
import zipfile
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from .check import NotYet, submission
from .codec import decode


@dataclass
class Mark:
    """Points of one question, and the replies to what is not right."""

    question: str
    points: float
    possible: float
    messages: list = field(default_factory=list)
    manual: bool = False


@dataclass(frozen=True)
class Assignment:
    """An autograder, read once: its tests, its questions in order, the names that they ask for, where the book answers them."""

    name: str
    tests: dict
    order: tuple
    manual: dict
    answers: frozenset
    places: dict = field(default_factory=dict)
    stamp: dict = field(default_factory=dict)
    asks: dict = field(default_factory=dict)


@lru_cache(maxsize=1024)
def load(folder):
    """Read the autograder in `folder` (as `mlmlib.grading.build` made it)."""
    import nbformat
    from otter.test_files.exception_test import ExceptionTestFile

    folder = Path(folder)
    tests = {}
    with zipfile.ZipFile(folder / "autograder.zip") as archive:
        for entry in archive.namelist():
            if entry.startswith("tests/") and entry.endswith(".py"):
                tests[Path(entry).stem] = ExceptionTestFile.from_string(archive.read(entry).decode(), path=entry)
    copy = next(folder.glob("*.ipynb"))
    book = nbformat.read(copy, as_version=4)
    order = []
    for cell in book.cells:
        name = cell.metadata.get("question")
        if name and name not in order:
            order.append(name)
    asks = {q: sorted({p for c in t.test_cases for p in c.body._get_func_params()} - {"env"}) for q, t in tests.items()}
    return Assignment(copy.stem, tests, tuple(order), dict(book.metadata.get("manual", {})), frozenset(n for a in asks.values() for n in a),
                      dict(book.metadata.get("places", {})), dict(book.metadata.get("mlmlib", {})), asks)


def fingerprint(path):
    """What the tests of an autograder are, whenever the archive was made."""
    digest = hashlib.sha256()
    with zipfile.ZipFile(path) as archive:
        for entry in sorted(n for n in archive.namelist() if n.startswith("tests/")):
            digest.update(entry.encode() + archive.read(entry))
    return digest.digest()


def judge(assignment, outcome, call=None, *, follow=True):
    """Marks of all questions for the `outcome` of a run; `call(name, args)` reaches the submission's functions.

    Without `follow` nothing counts for following from an earlier answer: in a copy with other data all answers follow from each other.
    """
    values = {name: _value(outcome.answers, name, call) for name in assignment.answers}
    marks = []
    for name in assignment.order:
        if name in assignment.manual:
            marks.append(Mark(name, 0.0, float(assignment.manual[name]), manual=True))
        elif name in assignment.tests:
            marks.append(_mark(assignment.tests[name], values, follow))
    return marks


def _value(answers, name, call):
    if name not in answers:
        return None
    try:
        return decode(answers[name], None if call is None else lambda known: lambda *args: call(known, args))
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError):
        return None


def _mark(test, values, follow):
    mark = Mark(test.name, 0.0, float(test.possible))
    worth = [c for c in test.test_cases if c.points > 0]
    with submission(values, follow=follow) as told:
        for case in worth:
            try:
                case.body.call_func(values)
                mark.points += case.points
            except NotYet as reply:
                said = str(reply)
            except Exception as error:
                said = f"This answer could not be read ({type(error).__name__})."
            else:
                continue
            if said not in mark.messages:
                mark.messages.append(said)
    mark.messages += told.notes
    return mark
