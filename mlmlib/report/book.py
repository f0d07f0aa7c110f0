"""What the chapters hold: their labels, the models they fit, the published models they check. The pages made by code read it from here."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ..expression import matched
from ..formula import parse

FITTERS = ("lmm", "ols", "gls", "multivariate", "glmm")
STRUCTURES = ("ar1", "car1", "arma11", "cs", "toeplitz", "un", "by_group", "power_of", "exponential_of")


@dataclass(frozen=True)
class Chapter:
    """One notebook of the book."""

    number: int
    page: str  # chapters/03_random_intercepts
    title: str
    label: str | None
    cells: tuple = field(repr=False, compare=False, default=())  # (label of the section, cell)


@dataclass(frozen=True)
class Use:
    """A model that a chapter fits: where, on which table, how."""

    chapter: int
    page: str
    label: str | None
    call: str
    formula: str
    data: str
    options: tuple
    table: Any = field(repr=False, compare=False, default=None)


def chapters(root: Path, pages=None) -> list[Chapter]:
    """The notebooks of the table of contents, in order; of those only `pages`, if given."""
    listed = re.findall(r"^\s*- file:\s*(chapters/\S+)", (root / "_toc.yml").read_text(encoding="utf-8"), re.M)
    return [_chapter(root / f"{page}.ipynb", page) for page in listed if pages is None or page in pages]


@cache
def _chapter(path: Path, page: str) -> Chapter:
    label, cells, title, first = None, [], "", None
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            for line in text.splitlines():
                found = re.fullmatch(r"\(([\w-]+)\)=", line.strip())
                label = found[1] if found else label
                first = first or label
                title = title or (line[2:].strip() if line.startswith("# ") else "")
        cells.append((label, cell))
    return Chapter(int(matched(r"^\d+", path.name)[0]), page, title, first, tuple(cells))


def link(words: str, label: str | None, labels) -> str:
    """A link where the place is in this build, else the words."""
    return f"{{ref}}`{words} <{label}>`" if label in labels else words


def labels(root: Path, pages=None) -> set[str]:
    """Every label that the chapters of this build set."""
    texts = (
        "".join(cell["source"]) for c in chapters(root, pages) for _, cell in c.cells if cell["cell_type"] == "markdown"
    )
    return {name for text in texts for name in re.findall(r"^\(([\w-]+)\)=", text, re.M)}


def checked(root: Path, pages=None) -> dict[tuple[str, str], list[tuple[int, str | None]]]:
    """Which published model is held against ours where: {(source, model): [(chapter, label)]}, from the reference cells."""
    out: dict = {}
    for chapter in chapters(root, pages):
        for label, cell in chapter.cells:
            meta = cell["metadata"].get("reference")
            if meta:
                where = out.setdefault((meta["source"], meta["model"]), [])
                if chapter.number not in [number for number, _ in where]:
                    where.append((chapter.number, label or chapter.label))
    return out


def models(root: Path, pages=None) -> list[Use]:
    """Every model that a chapter's visible cells fit by a formula written out, on a table whose making can be followed."""
    return [use for chapter in chapters(root, pages) for use in _models(chapter)]


@cache
def _models(chapter: Chapter) -> tuple[Use, ...]:
    made, out = _Tables(), []
    for label, cell in chapter.cells:
        if cell["cell_type"] != "code":
            if re.search(r"^## .*mistakes", "".join(cell["source"]), re.M):
                break  # wrong models, questions and solutions follow
            continue
        try:
            tree = ast.parse("".join(cell["source"]))
        except SyntaxError:
            continue
        for statement in tree.body:
            hidden = "remove-input" in cell["metadata"].get("tags", [])
            for call in () if hidden or isinstance(statement, ast.FunctionDef) else ast.walk(statement):
                use = _use(call, made, chapter, label)
                if use:
                    out.append(use)
            made.note(statement)
    return tuple(out)


def _use(call, made, chapter, label) -> Use | None:
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in FITTERS):
        return None
    formula = made.words(call.args[0]) if len(call.args) > 1 else None
    options = made.options(call.keywords)
    if formula is None or options is None:
        return None
    table = made.evaluate(call.args[1])
    if table is None or not _read_by(formula) | _columns(options) <= set(table):
        return None  # a column that the chapter computes on the way is not known here
    text = ast.unparse(call.args[1])
    return Use(
        chapter.number, chapter.page, label, call.func.attr, formula, made.origin(call.args[1]) or text, options, table
    )


def _read_by(formula) -> set[str]:
    """The columns of a formula, of several outcomes ``a + b ~ x`` too."""
    left, _, right = formula.partition("~")
    return set(parse(f"~ {left}").columns) | set(parse(f"~ {right}").columns)


def _columns(options) -> set[str]:
    """The columns that structures of the residuals read, and weights and offsets by name."""
    found = set()
    for name, value in options:
        for one in value if isinstance(value, tuple) else (value,):
            if name in ("zero", "nominal") and isinstance(value, str):
                found |= set(parse(value if "~" in value else f"~ {value}").columns)
            words = (value,) if name in ("weights", "offset", "trials", "exposure") and isinstance(value, str) else (getattr(one, w, None) for w in ("time", "group", "column"))
            found.update(part.strip() for word in words if word for part in word.split(":"))
    return found


class _Tables:
    """Follows how a chapter makes its tables: from mlm.load and mlm.simulate by expressions that name nothing else."""

    def __init__(self):
        import numpy as np
        import pandas as pd

        import mlmlib as mlm

        self.known = {"mlm": mlm, "np": np, "pd": pd}
        self.origins: dict[str, str] = {}
        self.strings: dict[str, str] = {}
        self.settings: dict[str, object] = {}

    def note(self, statement):
        """Remember an assignment to names, one by one; forget a name if it cannot be followed."""
        if isinstance(statement, ast.Assign) and all(
            isinstance(t, ast.Tuple) for t in (*statement.targets, statement.value)
        ):
            for name, value in zip(statement.targets[0].elts, statement.value.elts):
                self.note(ast.Assign([name], value))
        elif (
            isinstance(statement, ast.Assign)
            and len(statement.targets) == 1
            and isinstance(statement.targets[0], ast.Name)
        ):
            name = statement.targets[0].id
            origin = self.origin(statement.value)
            value = self.evaluate(statement.value)
            words = self.words(statement.value)
            self.known.pop(name, None)
            self.origins.pop(name, None)
            self.strings.pop(name, None)
            self.settings.pop(name, None)
            setting = self.setting(statement.value)
            if setting is not None:
                self.settings[name] = setting
            if words is not None:
                self.strings[name] = words
            if value is not None:
                self.known[name] = value
                self.origins[name] = origin or name

    def origin(self, node) -> str | None:
        """The data set an expression starts from."""
        for part in ast.walk(node):
            if (
                isinstance(part, ast.Call)
                and ast.unparse(part.func) == "mlm.load"
                and isinstance(part.args[0], ast.Constant)
            ):
                return part.args[0].value
            if isinstance(part, ast.Name) and part.id in self.origins:
                return self.origins[part.id]
        return None

    def words(self, node) -> str | None:
        """A string written out, or made from such by name; None for anything else."""
        if not {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} <= set(self.strings):
            return None
        if not isinstance(node, (ast.Constant, ast.Name, ast.JoinedStr, ast.Call, ast.BinOp)):
            return None
        if any(
            isinstance(n, ast.Call) and not (isinstance(n.func, ast.Attribute) and n.func.attr == "replace")
            for n in ast.walk(node)
        ):
            return None
        value = eval(compile(ast.Expression(node), "<chapter>", "eval"), dict(self.strings))  # our own chapters' code
        return value if isinstance(value, str) else None

    def setting(self, node):
        """A value written out, or a structure of the residuals made of such; None for anything else."""
        import mlmlib as mlm

        allowed = {"dict", *(f"mlm.{name}" for name in STRUCTURES)}
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        calls = [ast.unparse(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)]
        kinds = (ast.Constant, ast.Name, ast.Call, ast.Dict, ast.List, ast.Tuple)
        if not isinstance(node, kinds) or not set(calls) <= allowed or not names <= {"mlm", "dict", *self.settings} or names and not (
                calls or names <= set(self.settings)):
            return None
        try:
            return eval(compile(ast.Expression(node), "<chapter>", "eval"), {"mlm": mlm, **self.settings})  # our own chapters' code
        except Exception:
            return None

    def options(self, keywords) -> tuple | None:
        """The settings of a call, ``**settings`` spread out; None if one cannot be followed."""
        found = {}
        for keyword in keywords:
            value = self.setting(keyword.value)
            if value is None and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is None):
                return None
            if keyword.arg is None and not isinstance(value, dict):
                return None
            found |= value if keyword.arg is None else {keyword.arg: tuple(value) if isinstance(value, list) else value}
        return tuple(found.items())

    def evaluate(self, node):
        """The table, or None for what is no table or cannot be followed."""
        from .. import frames as pd

        bound = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        source = ast.unparse(node)
        if not bound <= set(self.known) or not (
            bound - {"mlm", "np", "pd"} or re.search(r"mlm\.(load|simulate)", source)
        ):
            return None
        if any(isinstance(n, (ast.Lambda, ast.comprehension)) for n in ast.walk(node)) or re.search(
            r"\b(lmm|ols|gls|compare|ask|labs|plots)\b", source
        ):
            return None
        try:
            value = eval(compile(ast.Expression(node), "<chapter>", "eval"), dict(self.known))  # our own chapters' code
        except Exception:
            return None
        return value if isinstance(value, pd.DataFrame) else None
