"""Reading an exercise source (otter assign format) and preparing it for `otter assign`.

Two things are added to what the author wrote: each public test gets its seal (see `mlmlib.grading.seal`), made by
running the hidden tests of the same question in recording mode, and no points; and each cell of a question gets
the question's name in its metadata, so that written answers can be found again in a submission.
"""
import ast
import copy
import re
from dataclasses import dataclass, field

import nbformat
import yaml

from . import check, edition

BLOCK = re.compile(r"#\s*(BEGIN|END)\s+(QUESTION|SOLUTION|PROMPT|TESTS)\b", re.I)
CONFIG = re.compile(r"#\s*ASSIGNMENT CONFIG", re.I)
PASSED = "Right form. Whether it is the right answer is judged when you hand in."
CONFIRMED = "Confirmed: this step is right."


class SourceError(ValueError):
    """A fault in an exercise source, with the question it stands in."""


@dataclass
class Question:
    """One question of a source: its configuration and where its cells are."""

    name: str
    points: float
    manual: bool
    cells: list = field(default_factory=list)
    public: list = field(default_factory=list)
    hidden: list = field(default_factory=list)
    prompt: list = field(default_factory=list)
    solution: list = field(default_factory=list)


def read(path, seed=edition.BASE):
    """The source notebook, as the edition of `seed`, and its questions in order."""
    book = edition.render(nbformat.read(path, as_version=4), seed)
    return book, list(questions(book))


def questions(book):
    """Yield the questions of a source notebook."""
    current, blocks = None, []
    for index, cell in enumerate(book.cells):
        mark = BLOCK.match(cell.source.strip()) if cell.cell_type == "raw" else None
        if mark:
            begins, kind = mark[1].upper() == "BEGIN", mark[2].upper()
            if kind == "QUESTION" and begins:
                config = yaml.safe_load(cell.source) or {}
                if "name" not in config:
                    raise SourceError(f"cell {index + 1}: a question without a name")
                current = Question(str(config["name"]), float(config.get("points", 1)), bool(config.get("manual", False)))
            elif kind == "QUESTION":
                yield current
                current = None
            else:
                blocks.append(kind) if begins else blocks.pop()
            continue
        if current is None:
            continue
        current.cells.append(index)
        match blocks[-1] if blocks else "":
            case "TESTS":
                (current.hidden if is_hidden(cell) else current.public).append(index)
            case "PROMPT":
                current.prompt.append(index)
            case "SOLUTION":
                current.solution.append(index)


def is_hidden(cell):
    """Whether a test cell is hidden: its first line is a comment with the word HIDDEN."""
    first = cell.source.split("\n", 1)[0]
    return first.lstrip().startswith("#") and "hidden" in first.lower()


def test_functions(source):
    """The functions that a test cell defines, by name, with their parameters."""
    tree = ast.parse(source)
    names = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    space = {}
    exec(compile(tree, "<test>", "exec"), space)
    return [(space[n.name], [a.arg for a in n.args.args]) for n in names]


def records(book, question):
    """What the hidden tests of a question check (list of `check.Record`)."""
    found = []
    for index in question.hidden:
        for function, names in test_functions(book.cells[index].source):
            with check.recording() as log:
                function(**{n: check.Name(n) for n in names})
            found += log
    return found


def prepared(book):
    """A copy of the source notebook, ready for `otter assign`."""
    out = copy.deepcopy(book)
    for cell in out.cells:
        cell.metadata.pop("otter", None)
    asked = list(questions(out))
    out.metadata["manual"] = {q.name: q.points for q in asked if q.manual}
    for question in asked:
        for index in question.cells:
            out.cells[index].metadata["question"] = question.name
        noted = {r.name: r for r in records(out, question)}
        if not question.manual and not question.hidden:
            raise SourceError(f"question {question.name}: no hidden test")
        for index in question.public:
            out.cells[index].source = _sealed(out.cells[index].source, question, noted)
    return out


def _sealed(source, question, noted):
    """Source of a public test with its seal filled in, worth no points, with a message for a pass."""
    (_, names), *others = test_functions(source)
    if others or len(names) != 1 or names[0] not in noted:
        raise SourceError(f"question {question.name}: a public test has one parameter, a name that a hidden test checks")
    record = noted[names[0]]
    passed = CONFIRMED if record.confirm else PASSED
    head = f'""" # BEGIN TEST CONFIG\nhidden: false\npoints: 0\nsuccess_message: "{passed}"\n""" # END TEST CONFIG\n'
    if "SEAL" not in source:
        return head + source
    lock = f"sealed = {check.make_seal(record, f'{question.name}.{record.name}')!r}"
    tree = ast.parse(source)
    tree.body[0].body.insert(0, ast.parse(lock).body[0])
    return head + re.sub(r"\bSEAL\b", "sealed", ast.unparse(tree))
