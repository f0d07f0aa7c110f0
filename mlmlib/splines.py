"""Columns that bend: linear pieces, B-splines and natural cubic splines of a number, for use inside a formula.

``piecewise(time, knots=[2, 5])`` is a broken line. ``bs(time, df=5)`` and ``ns(time, df=3)`` are R's `splines::bs` and
`splines::ns`, columns and all. What they took from the data (knots, boundary) is remembered, so that new rows get the same
columns. Chapter 14 (``14_growth_shapes``) teaches them.

References
----------
de Boor, C. (2001). A Practical Guide to Splines (rev. ed.). Springer, chapter IX (B-splines).
Hastie, T. J. (1992). Generalized additive models. In J. M. Chambers & T. J. Hastie (Eds.), Statistical Models in S,
section 7.3 (natural splines as B-splines under two constraints).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from .errors import DataError, FormulaError

__all__ = ["Columns", "learn_bs", "learn_ns", "learn_piecewise", "named"]


class Columns(np.ndarray):
    """A matrix whose columns have names; arithmetic with it loses them."""

    names: tuple | None

    def __array_finalize__(self, other):
        self.names = None


def named(matrix, names=None) -> Columns:
    """The matrix with names for its columns; 1, 2, ... when none are given."""
    columns = np.asarray(matrix, dtype=float).view(Columns)
    columns.names = tuple(names or (str(k + 1) for k in range(columns.shape[1])))
    return columns


def _knots(knots, call: str) -> np.ndarray:
    found = np.atleast_1d(np.asarray(knots, dtype=float)).ravel()
    if not len(found) or not np.isfinite(found).all() or (np.diff(found) <= 0).any():
        raise FormulaError(f"{call} needs finite knots in rising order, as in knots=[2, 5]; got {found.tolist()}.")
    return found


def learn_piecewise(x, knots, coding: str):
    """A function that gives the columns of a broken line; the knots must lie inside the values of `x`.

    With knots k_1 < ... < k_m the line is continuous with m + 1 slopes. ``coding="slopes"`` has one column for each
    phase, min(x, k_1), min(max(x, k_1), k_2) - k_1, ..., and each coefficient is the slope of its phase;
    ``coding="changes"`` has x, max(x - k_1, 0), ..., and each coefficient but the first is the change of slope at a knot
    (Raudenbush & Bryk, 2002, table 6.2). Every column is zero at x = 0, wherever the knots are.
    """
    knots = _knots(knots, "piecewise()")
    if coding not in ("slopes", "changes"):
        raise FormulaError(f"piecewise(coding=) is 'slopes' or 'changes', not {coding!r}.")
    if len(x) and not (np.min(x) < knots[0] and knots[-1] < np.max(x)):
        raise DataError(
            f"piecewise(): the knots {knots.tolist()} must lie inside the column, which runs from {np.min(x):g} to "
            f"{np.max(x):g}; a phase without rows has no slope."
        )
    if coding == "changes":
        names = ["slope", *(f"change at {k:g}" for k in knots)]
    else:
        names = [f"to {knots[0]:g}", *(f"{a:g} to {b:g}" for a, b in zip(knots, knots[1:])), f"from {knots[-1]:g}"]
    return partial(_piecewise, knots=knots, coding=coding, names=names)


def _piecewise(x, knots, coding: str, names) -> Columns:
    def raw(x):
        if coding == "changes":
            return np.column_stack([x, *(np.maximum(x - k, 0.0) for k in knots)])
        edges, start = np.concatenate([[-np.inf], knots, [np.inf]]), np.concatenate([[0.0], knots])
        return np.column_stack([np.clip(x, a, b) - s for a, b, s in zip(edges, edges[1:], start)])

    return named(raw(x) - raw(np.zeros(1)), names)


def _inner(x, boundary, count: int, knots, call: str) -> np.ndarray:
    """Inner knots: those given, or `count` quantiles of the values inside the boundary (R's type 7)."""
    low, high = boundary
    if knots is not None:
        found = _knots(knots, call)
        if found[0] <= low or found[-1] >= high:
            raise DataError(f"{call}: the knots {found.tolist()} must lie between the boundary {low:g} and {high:g}.")
        return found
    inside = x[(x >= low) & (x <= high)]
    found = np.quantile(inside, np.linspace(0, 1, count + 2)[1:-1]) if count else np.empty(0)
    if len(found) and (found[0] <= low or found[-1] >= high or (np.diff(found) <= 0).any()):
        raise DataError(
            f"{call}: the column has too few different values for {count} inner knots at its quantiles "
            f"({', '.join(f'{k:g}' for k in found[:8])}{' ...' if count > 8 else ''}). Ask for a smaller df, or give "
            "knots=."
        )
    return found


def _boundary(x, boundary, call: str) -> tuple[float, float]:
    low, high = (np.min(x), np.max(x)) if boundary is None else map(float, boundary)
    if not low < high:
        raise DataError(f"{call}: the column does not vary, or boundary= is not (low, high).")
    return float(low), float(high)


def _whole(value, name: str, call: str, least: int) -> int:
    if isinstance(value, (bool, str)) or int(value) != value or value < least:
        raise FormulaError(f"{call}: {name}={value!r} must be a whole number of at least {least}.")
    return int(value)


def learn_bs(x, df=None, knots=None, degree=3, intercept=False, boundary=None):
    """A function that gives the B-spline columns of `splines::bs`; outside the boundary the end pieces go on."""
    degree, call = _whole(degree, "degree", "bs()", 1), "bs()"
    ends = _boundary(x, boundary, call)
    least = degree + bool(intercept)
    count = 0 if df is None else _whole(df, "df", call, least) - least
    inner = _inner(x, ends, count, knots, call)
    t = np.concatenate([[ends[0]] * (degree + 1), inner, [ends[1]] * (degree + 1)])
    return partial(_bs, t=t, degree=degree, first=0 if intercept else 1)


def _bs(x, t, degree: int, first: int) -> Columns:
    return named(_b_splines(x, t, degree)[:, first:])


def learn_ns(x, df=None, knots=None, intercept=False, boundary=None):
    """A function that gives the natural cubic columns of `splines::ns`, which are straight outside the boundary."""
    call, ends = "ns()", _boundary(x, boundary, "ns()")
    least = 1 + bool(intercept)
    count = 0 if df is None else _whole(df, "df", call, least) - least
    inner = _inner(x, ends, count, knots, call)
    t = np.concatenate([[ends[0]] * 4, inner, [ends[1]] * 4])
    first = 0 if intercept else 1
    space = _null_space(_b_splines(np.array(ends), t, 3, 2)[:, first:])  # no curvature at the two ends
    return partial(_ns, t=t, ends=ends, first=first, space=space)


def _ns(x, t, ends, first: int, space) -> Columns:
    inside = np.clip(x, *ends)
    values = _b_splines(inside, t, 3)
    outside = x != inside
    if outside.any():
        slope = _b_splines(inside[outside], t, 3, 1)
        values[outside] += slope * (x - inside)[outside, None]
    return named(values[:, first:] @ space)


def _b_splines(x, t, degree: int, derivative: int = 0) -> np.ndarray:
    """B-splines on the knots `t` (or a derivative), shape (n, len(t) - degree - 1)."""
    from scipy.interpolate import BSpline

    basis = BSpline(t, np.eye(len(t) - degree - 1), degree, extrapolate=True)
    return np.asarray(basis(np.asarray(x, dtype=float), nu=derivative))


def _null_space(constraint: np.ndarray) -> np.ndarray:
    """The columns of Q, from the QR of the two constraints by Householder's reflections, that are free of them.

    The reflections have LINPACK's signs, as R's qr() has, so that the columns are R's and not a rotation of them.
    """
    A = np.array(constraint.T)
    Q = np.eye(len(A))
    for k in range(A.shape[1]):
        v = np.zeros(len(A))
        v[k:] = A[k:, k]
        v[k] += np.copysign(np.linalg.norm(v), v[k] + 0.0)
        v /= np.linalg.norm(v)
        A -= 2 * np.outer(v, v @ A)
        Q -= 2 * np.outer(Q @ v, v)
    return Q[:, A.shape[1] :]
