"""The variables of a formula: a column, or a function of columns compiled once.

``I(x^2)`` is read by Python's own parser (with ``^`` as a power, as in R) and compiled; columns become ``_c["x"]`` and
functions ``_f["log"]``, so that a column called `log` does not hide the function.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Any

from .errors import FormulaError

__all__ = ["Factor", "closing", "matched", "read_call"]

_FOREIGN = {"Q": "the name in backticks, as in `blood pressure`", "factor": "C(x)", "as.factor": "C(x)", "relevel": 'C(x, Treatment("b"))',
            "s": "bs(x, df=5) or ns(x, df=3)"}  # functions of patsy's and R's formulas


@dataclass(frozen=True)
class Factor:
    """One variable of a formula: a column, or a function of columns.

    Attributes
    ----------
    label : str
        The name that coefficients carry, ``"cses"`` or ``"I(x ** 2)"``.
    columns : tuple of str
        The columns of the table that it reads.
    code : code object or None
        Compiled Python for a function; None for a plain column.
    """

    label: str
    columns: tuple[str, ...] = field(compare=False)
    code: Any = field(default=None, compare=False, repr=False)

    @property
    def is_column(self) -> bool:
        return self.code is None

    def __reduce__(self):
        # Python does not pickle compiled code: a function is compiled again from its label
        return (Factor, (self.label, self.columns)) if self.is_column else (read_call, (self.label, self.label))


def matched(pattern: str, text: str, flags: int = 0) -> re.Match[str]:
    """Where a pattern first stands in a text; ValueError where it does not."""
    found = re.search(pattern, text, flags)
    if found is None:
        raise ValueError(f"Nothing like {pattern} stands in {text[:200]!r}.")
    return found


def closing(text: str, start: int) -> int:
    """Position of the parenthesis that closes the one at `start`, quotes respected; -1 if there is none."""
    depth, quote = 0, ""
    for position in range(start, len(text)):
        char = text[position]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"`":
            quote = char
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if not depth:
                return position
    return -1


def read_call(text: str, formula: str) -> Factor:
    """A function of columns, with its columns and compiled code.

    Columns become ``_c["name"]`` and functions ``_f["name"]``, so that a column called `log` does not hide log().
    """
    called = text.partition("(")[0].strip()
    if called in _FOREIGN:
        raise FormulaError(f"Formulas do not know {called}(), as in {text!r}: write {_FOREIGN[called]}.")
    quoted: list[str] = []

    def hide(match):
        quoted.append(match.group()[1:-1])
        return f"_q{len(quoted) - 1}_"

    source = re.sub(r"`[^`]+`", hide, text)
    source = re.sub(r"\^", "**", source)
    try:
        tree = ast.parse(source, mode="eval")
    except SyntaxError:
        raise FormulaError(f"Cannot read {text!r} in the formula {formula!r}.") from None
    label = re.sub(r"_q(\d+)_", lambda m: f"`{quoted[int(m.group(1))]}`", ast.unparse(tree))
    reader = _Columns(quoted)
    compiled = compile(ast.fix_missing_locations(reader.visit(tree)), "<formula>", "eval")
    return Factor(label, tuple(dict.fromkeys(reader.columns)), compiled)


class _Columns(ast.NodeTransformer):
    """Rewrite names of a function call as look-ups of columns and of functions."""

    def __init__(self, quoted: list[str]):
        self.quoted, self.columns = quoted, []

    @staticmethod
    def _lookup(table: str, key: str):
        return ast.Subscript(ast.Name(table, ast.Load()), ast.Constant(key), ast.Load())

    def visit_Call(self, node):
        name = ast.unparse(node.func)
        node.func = self._lookup("_f", name)
        node.args = [self.visit(argument) for argument in node.args]
        for keyword in node.keywords:
            keyword.value = self.visit(keyword.value)
        return node

    def visit_Attribute(self, node):
        return self._column(ast.unparse(node))

    def visit_Name(self, node):
        if node.id in ("Treatment", "Sum"):  # contrasts inside C(x, Sum)
            return self._lookup("_f", node.id)
        match = re.fullmatch(r"_q(\d+)_", node.id)
        return self._column(self.quoted[int(match.group(1))] if match else node.id)

    def _column(self, name: str):
        self.columns.append(name)
        return self._lookup("_c", name)
