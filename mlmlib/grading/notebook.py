"""The checks inside a student's notebook: ``grader.check("q3_1")``.

They run the public tests that `otter assign` left in the notebook's metadata, and need mlmlib alone, not otter. What they say
decides nothing: `mlmlib.grading.grade` looks at answers and not at checks.
"""
import html
import inspect
import json
import re
from dataclasses import dataclass
from pathlib import Path

from mlmlib import __version__

from .check import NotYet

OLDER = ("This copy was made with mlmlib {made}, and {here} runs here. What the checks say of numbers may be out of date; your answers "
         "count all the same where they agree with the present library. A current copy: make exercises, or your teacher.")
OTTER = "from otter.test_files import test_case"


@dataclass
class Line:
    """What one public check says about one name: state is "right", "form" or "not yet"."""

    name: str
    state: str
    text: str


class Replies:
    """The lines of one question, as a short list in a notebook and as text elsewhere."""

    MARKS = {"right": "✓", "form": "○", "not yet": "→"}

    def __init__(self, question, lines):
        self.question, self.lines = question, lines

    def __repr__(self):
        return "\n".join(f"{self.MARKS[line.state]} {line.name}: {line.text}" for line in self.lines)

    def _repr_html_(self):
        rows = "".join(
            f"<li style='margin:.2em 0'><span aria-hidden='true'>{self.MARKS[line.state]}</span> "
            f"<code>{html.escape(line.name)}</code>: {_marked_up(line.text)}</li>" for line in self.lines)
        return f"<ul style='list-style:none;padding-left:.5em;border-left:.25em solid currentColor'>{rows}</ul>"


def _marked_up(text):
    """Text as HTML, with `code` and *stress* as in Markdown."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
    return re.sub(r"(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])", r"<em>\1</em>", text)


class Checks:
    """The public tests of the exercise `name`, found in the notebook file in the working folder."""

    def __init__(self, name):
        self.name = name
        self.tests, made = _stored(name)
        self.older = made not in ("", __version__)
        if self.older:
            print(OLDER.format(made=made, here=__version__))

    def check(self, question):
        """Check the answers to one question, as they are in the notebook now."""
        names = inspect.currentframe().f_back.f_globals
        if question not in self.tests:
            where = f"keep the file {self.name}.ipynb in the folder that the notebook runs in" if not self.tests else "is the name right?"
            return Replies(question, [Line(question, "not yet", f"No check of this name was found; {where}")])
        return Replies(question, [_line(case, names) for case in _cases(self.tests[question])])


def _stored(name):
    """Tests in the metadata of ``name.ipynb``, or of another notebook here that calls itself so, and the library that it was made with."""
    here = Path.cwd()
    for path in (here / f"{name}.ipynb", *sorted(here.glob("*.ipynb"))):
        try:
            metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
            found = metadata["otter"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if found.get("assignment_name") == name:
            return found.get("tests", {}), metadata.get("mlmlib", {}).get("library", "")
    return {}, ""


class _Case:
    """Stands in for otter's decorator of the same shape."""

    def __init__(self, **options):
        self.passed, self.function = options.get("success_message") or "", None

    def __call__(self, function):
        self.function = function
        return self


def _cases(source):
    space = {"test_case": _Case}
    exec(compile(source.replace(OTTER, ""), "<public tests>", "exec"), space)
    return [v for v in space.values() if isinstance(v, _Case)]


def _line(case, names):
    wanted = list(inspect.signature(case.function).parameters)
    label = ", ".join(wanted)
    try:
        case.function(**{n: names.get(n) for n in wanted})
    except NotYet as reply:
        return Line(label, "not yet", str(reply))
    except Exception as error:
        return Line(label, "not yet", f"The check could not read this answer ({type(error).__name__}: {error}).")
    return Line(label, "right" if case.passed.startswith("Confirmed") else "form", case.passed)
