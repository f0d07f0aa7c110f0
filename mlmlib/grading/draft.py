"""Drafts: an exercise source as short plain text, to and from the notebook that otter assign reads.

The notebook is what is committed; the draft is for writing. ``python -m mlmlib.grading edit NOTEBOOK`` prints the draft of a
source, ``python -m mlmlib.grading write FILE.md`` writes the notebook of a draft. The form:

    %% exercise 03_random_intercepts
    Text and ```python cells, as they come.

    %% question q3_1 points=2
    The question. Lines that begin with "hint: " become hints that open on a click.
    %% solution
    ```python
    answer = 42  # SOLUTION
    ```
    The solution in words.
    %% tests
    ```python
    # HIDDEN
    def test_answer(answer): ...
    ```
    %% end

Lines of a solution that carry no mark of otter's vanish from the student copy; a line with ``# SOLUTION`` becomes
``name = ...``. A question that a person grades says ``manual`` after its points and has no tests. Public tests are written by the
converter, one for each name that the hidden tests look at.
"""
import re

import nbformat

from ..expression import matched
from .edition import is_edition
from .source import SourceError, questions, test_functions

FENCE = re.compile(r"^```python\n(.*?)^```\n?", re.S | re.M)
MARK = re.compile(r"^%%\s*(exercise|edition|question|solution|tests|end)\b[ \t]*(.*)$", re.M)
HINT = re.compile(r"^hint:\s*(.+?)(?=\n\s*\n|\nhint:|\Z)", re.S | re.M)
FOLDED = re.compile(r"<details><summary>Hint \d+</summary>\n\n(.*?)\n\n</details>", re.S)
HEADER = """# ASSIGNMENT CONFIG
name: {name}
init_cell: true
export_cell: false
show_question_points: true
tests:
  ok_format: false
"""
PUBLIC = """def test_form_{name}({name}):
    from mlmlib.grading import check
    check.form({name}, SEAL)"""


def to_notebook(text):
    """(name, source notebook) of a draft; SourceError where it has no name, or a mark lacks what belongs to it."""
    parts = MARK.split(text)
    cells, open_block, name = [], None, ""
    for kind, rest, body in zip(parts[1::3], parts[2::3], parts[3::3]):
        if open_block:
            cells.append(_raw(f"# END {open_block}"))
            open_block = None
        if kind == "exercise":
            name = rest.strip()
            cells.append(_raw(HEADER.format(name=name)))
        elif kind == "question":
            cells.append(_raw(_config(rest)))
        elif kind == "edition":
            fence = FENCE.search(body)
            if fence is None:
                raise SourceError("%% edition: a fence with ```python has to follow, which draws what may differ")
            cells.append(_raw("# EDITION\n" + fence[1]))
            body = FENCE.sub("", body, count=1)
        elif kind == "end":
            cells.append(_raw("# END QUESTION"))
        else:
            open_block = kind.upper()
            cells.append(_raw(f"# BEGIN {open_block}"))
        inner = list(_cells(body))
        if kind == "solution":
            for cell in inner:
                cell.source = hide_unmarked(cell.source) if cell.cell_type == "code" else cell.source
        cells += (_public(inner) if kind == "tests" else []) + inner
    if not name:
        raise SourceError("a draft begins with %% exercise and the name of the exercise, such as %% exercise 03_random_intercepts")
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number:03d}"
    book = nbformat.v4.new_notebook(cells=cells)
    book.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.validate(book)
    return name, book


def _raw(source):
    return nbformat.v4.new_raw_cell(source.strip())


def _config(rest):
    name, *more = rest.split() or [""]
    if not name:
        raise SourceError("%% question: a name has to follow, such as %% question q3_1 points=2")
    lines = [f"# BEGIN QUESTION\nname: {name}"]
    for item in more:
        key, _, value = item.partition("=")
        lines.append(f"{key}: {value or 'true'}")
    return "\n".join(lines)


def _cells(body):
    for i, piece in enumerate(FENCE.split(body)):
        if not piece.strip():
            continue
        if i % 2:
            yield nbformat.v4.new_code_cell(piece.rstrip())
        else:
            count = iter(range(1, 99))
            folded = HINT.sub(lambda m: f"<details><summary>Hint {next(count)}</summary>\n\n{m[1].strip()}\n\n</details>", piece.strip())
            yield nbformat.v4.new_markdown_cell(folded)


HIDE, SHOW = "# BEGIN SOLUTION NO PROMPT", "# END SOLUTION"


def hide_unmarked(source):
    """Put every run of lines that otter would leave in the student copy between marks that take it out."""
    out, inside, run = [], False, []
    lines = source.split("\n")
    for line, after in zip(lines, lines[1:] + [""]):
        inside = inside or line.strip().startswith("# BEGIN SOLUTION")
        heads = line.startswith("def ") and after.rstrip().endswith("SOLUTION")
        if inside or heads or line.rstrip().endswith(("# SOLUTION", "# SOLUTION NO PROMPT")) or (not line.strip() and not run):
            out += [HIDE, *run, SHOW] if run else []
            out.append(line)
            run = []
        else:
            run.append(line)
        inside = inside and line.strip() != SHOW
    return "\n".join(out + ([HIDE, *run, SHOW] if run else []))


def show_unmarked(source):
    """The reverse of `hide_unmarked`."""
    out, hidden = [], False
    for line in source.split("\n"):
        if line == HIDE:
            hidden = True
        elif line == SHOW and hidden:
            hidden = False
        else:
            out.append(line)
    return "\n".join(out)


def _public(cells):
    names = [n for c in cells for _, found in test_functions(c.source) for n in found]
    return [nbformat.v4.new_code_cell(PUBLIC.format(name=n)) for n in dict.fromkeys(names)]


def to_text(book, name):
    """The draft of a source notebook."""
    manual = {q.name: q for q in questions(book)}
    out = [f"%% exercise {name}"]
    for cell in book.cells:
        source = cell.source.strip()
        if cell.cell_type == "raw":
            begins = re.match(r"# BEGIN (\w+)", source)
            if begins and begins[1] == "QUESTION":
                q = manual[matched(r"^name:\s*(\S+)", source, re.M)[1]]
                out.append(f"%% question {q.name} points={q.points:g}" + (" manual" if q.manual else ""))
            elif begins and begins[1] in ("SOLUTION", "TESTS"):
                out.append(f"%% {begins[1].lower()}")
            elif is_edition(cell):
                out.append(f"%% edition\n```python\n{source.partition(chr(10))[2]}\n```\n")
            elif source == "# END QUESTION":
                out.append("%% end\n")
        elif cell.cell_type == "markdown":
            out.append(FOLDED.sub(lambda m: f"hint: {m[1]}", source) + "\n")
        elif not re.match(r"def test_form_(\w+)\(\1\):\n    from mlmlib.grading import check\n    check.form\(\1, SEAL\)$", source):
            out.append(f"```python\n{show_unmarked(source)}\n```\n")
    return "\n".join(out) + "\n"
