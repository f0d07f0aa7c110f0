"""Functions of formulas that make several columns (poly, piecewise, bs, ns): what R has for them, and what to do elsewhere."""

from __future__ import annotations

import ast
import re

import numpy as np

__all__ = ["NAMES", "in_r", "is_basis", "what_to_do"]

NAMES = ("poly", "piecewise", "bs", "ns")


def is_basis(factor) -> bool:
    """Whether a factor is one of these functions of a column."""
    return not factor.is_column and re.match(rf"({'|'.join(NAMES)})\(", factor.label) is not None


def in_r(factor) -> str | None:
    """R's call: ``poly(x, 2)``, ``splines::ns(x, df = 3)``; None where there is none.

    >>> from mlmlib.formula import parse
    >>> [in_r(term[0]) for term in parse("y ~ ns(t, df=3) + piecewise(t, knots=[2, 5])").fixed[1:]]
    ['splines::ns(t, df = 3)', 'cbind(pmin(t, 2), pmin(pmax(t, 2), 5) - 2, pmax(t, 5) - 5)']
    """
    call = ast.parse(factor.label, mode="eval").body
    try:
        column, *rest = call.args
        values = [ast.literal_eval(one) for one in rest]
        named = {one.arg: ast.literal_eval(one.value) for one in call.keywords}
    except ValueError:
        return None
    x = ast.unparse(column)
    if not re.fullmatch(r"[A-Za-z.][\w.]*", x):
        return None
    if call.func.id == "piecewise":
        knots = named.get("knots", values[0] if values else None)
        if knots is None:
            return None
        return _broken(x, list(np.atleast_1d(knots)), named.get("coding", (values + [None, None])[1] or "slopes"))
    names = {"poly": ("degree", "raw"), "bs": ("df", "knots", "degree", "intercept", "boundary"),
             "ns": ("df", "knots", "intercept", "boundary")}[call.func.id]
    given = dict(zip(names, values)) | named
    if call.func.id == "poly":
        words = [str(given.get("degree", 2))] + ["raw = TRUE"] * bool(given.get("raw"))
        return f"poly({x}, {', '.join(words)})"
    words = [f"{'Boundary.knots' if name == 'boundary' else name} = {_value(value)}"
             for name in names if (value := given.get(name)) is not None]
    return f"splines::{call.func.id}({', '.join([x, *words])})"


def what_to_do(factor) -> str:
    """What to say where a program has no such function."""
    text = in_r(factor)
    stata = "; Stata's mkspline writes them" if factor.label.startswith("piecewise") else ""
    here = f"; R has {text}" if text else ""
    return (f"{factor.label} makes several columns; write them yourself (fit.design.fixed_matrix(df) has them) and put "
            f"them into the formula one by one{stata}{here}")


def _value(value) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    return f"c({', '.join(f'{v:g}' for v in value)})" if isinstance(value, (list, tuple)) else f"{value:g}"


def _broken(x, knots, coding) -> str:
    """The columns of piecewise() in R's own words, each zero at x = 0."""
    if coding == "changes":
        pieces = [(x, 0.0), *((f"pmax({_less(x, k)}, 0)", max(-k, 0.0)) for k in knots)]
    else:
        pieces = [(f"pmin({x}, {knots[0]:g})", min(0.0, knots[0]))]
        pieces += [(_less(f"pmin(pmax({x}, {a:g}), {b:g})", a), min(max(0.0, a), b) - a)
                   for a, b in zip(knots, knots[1:])]
        pieces.append((_less(f"pmax({x}, {knots[-1]:g})", knots[-1]), max(0.0, knots[-1]) - knots[-1]))
    return f"cbind({', '.join(_less(text, zero) for text, zero in pieces)})"


def _less(text, number) -> str:
    return text if number == 0 else f"{text} - {number:g}" if number > 0 else f"{text} + {-number:g}"
