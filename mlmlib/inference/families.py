"""Families of contrasts: what to compare with what.

A family is a matrix with a row a contrast and a column a mean. Chapter 8 (``08_inference``) writes one by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ..display import number

__all__ = ["FAMILIES", "Family", "family", "labels_of", "numeric", "plain"]

FAMILIES = ("pairwise", "revpairwise", "trt.vs.ctrl", "poly", "eff", "consecutive")
_ALIASES = {"consec": "consecutive", "pairs": "pairwise", "dunnett": "trt.vs.ctrl", "effects": "eff"}
_DEGREES = ("linear", "quadratic", "cubic", "quartic", "degree 5", "degree 6")


@dataclass(frozen=True)
class Family:
    """Contrasts of k means.

    Attributes
    ----------
    names : tuple of str
    matrix : ndarray, shape (m, k)
    adjust : str
        The customary adjustment.
    pairs : bool
        Whether it is all pairwise differences, as Tukey's method needs.
    notes : tuple of str
    """

    names: tuple[str, ...]
    matrix: np.ndarray
    adjust: str = "none"
    pairs: bool = False
    notes: tuple[str, ...] = ()


def family(method, labels, *, ref=None, scores=None) -> Family:
    """The contrasts that `method` stands for.

    Parameters
    ----------
    method : str, dict, or array, shape (m, k) or (k,)
        ``"pairwise"`` (earlier less later), ``"revpairwise"`` (later less earlier), ``"trt.vs.ctrl"`` (each less
        `ref`), ``"poly"`` (linear, quadratic ... over equal steps), ``"eff"`` (each less the mean of all),
        ``"consecutive"`` (each less the one before), as in R's emmeans; or coefficients, a row a contrast; or
        ``{name: coefficients}``, coefficients in the order of the means or as ``{label: coefficient}``.
    labels : sequence of str, length k
        The means.
    ref : str or int, optional
        The control of ``"trt.vs.ctrl"``: its label, or its place, counted from 0. The first when left out.
    scores : array, shape (k,), optional
        The numbers that the means stand for, so that ``"poly"`` can say when their steps are not equal.

    Returns
    -------
    Family

    Raises
    ------
    ValueError
        For an unknown name, a wrong number of coefficients, or fewer than two means.

    Examples
    --------
    >>> found = family("pairwise", ["a", "b", "c"])
    >>> found.names, found.matrix.astype(int).tolist()
    (('a - b', 'a - c', 'b - c'), [[1, -1, 0], [1, 0, -1], [0, 1, -1]])
    >>> family("poly", "abcd").matrix.astype(int).tolist()
    [[-3, -1, 1, 3], [1, -1, -1, 1], [-1, 3, -3, 1]]
    >>> family({"late": {"c": 1, "a": -0.5, "b": -0.5}}, ["a", "b", "c"]).matrix.tolist()
    [[-0.5, -0.5, 1.0]]
    """
    labels = [str(label) for label in labels]
    if not isinstance(method, str):
        return _custom(method, labels)
    name, k = _ALIASES.get(method, method), len(labels)
    if name not in FAMILIES:
        raise ValueError(f"There is no family of contrasts {method!r}; choose one of {', '.join(map(repr, FAMILIES))}, "
                         f"or give coefficients, one for each of the {k} means.")
    if k < 2:
        raise ValueError(f"A contrast needs at least two means; there is only {labels[0] or 'one'!r}.")
    if ref is not None and name != "trt.vs.ctrl":
        raise ValueError(f"ref= names the control of 'trt.vs.ctrl'; {method!r} has none.")
    return {"pairwise": _pairs, "revpairwise": _reversed, "trt.vs.ctrl": _control, "poly": _polynomial, "eff": _effects,
            "consecutive": _consecutive}[name](labels, ref if name == "trt.vs.ctrl" else scores)


def _difference(k, plus, minus):
    row = np.zeros(k)
    row[plus], row[minus] = 1.0, -1.0
    return row


def _differences(labels, places, **options):
    names = tuple(f"{labels[plus]} - {labels[minus]}" for plus, minus in places)
    return Family(names, np.array([_difference(len(labels), *pair) for pair in places]), **options)


def _pairs(labels, _):
    return _differences(labels, list(combinations(range(len(labels)), 2)), adjust="tukey", pairs=True)


def _reversed(labels, _):
    pairs = [(later, earlier) for later in range(len(labels)) for earlier in range(later)]
    return _differences(labels, pairs, adjust="tukey", pairs=True)


def _control(labels, ref):
    if isinstance(ref, (int, np.integer)) and not isinstance(ref, bool) and str(ref) not in labels:
        if not -len(labels) <= ref < len(labels):
            raise ValueError(f"ref={ref} is no place among {len(labels)} means; count from 0.")
        place = range(len(labels))[ref]
    elif ref is None:
        place = 0
    elif str(ref) in labels:
        place = labels.index(str(ref))
    else:
        raise ValueError(f"ref={ref!r} is none of the means: {', '.join(map(repr, labels))}.")
    return _differences(labels, [(k, place) for k in range(len(labels)) if k != place], adjust="mvt")


def _consecutive(labels, _):
    return _differences(labels, [(k + 1, k) for k in range(len(labels) - 1)], adjust="mvt")


def _effects(labels, _):
    k = len(labels)
    return Family(tuple(f"{label} effect" for label in labels), np.eye(k) - 1.0 / k, adjust="fdr")


def _polynomial(labels, scores):
    """Orthogonal polynomials over equal steps, in whole numbers as tables have them (the way of R's emmeans)."""
    from ..transforms import _learn_poly, _poly
    k = len(labels)
    steps = np.arange(1.0, k + 1.0)
    columns = _poly(steps, *_learn_poly(steps, min(6, k - 1))).T
    rows = []
    for column in columns:
        column = column / column[column > 0.01].min()
        while (off := np.abs(column - np.round(column)).max()) > 0.05:
            column = column / off
        rows.append(np.round(column))
    uneven = scores is not None and np.ptp(np.diff(scores)) > 1e-9 * np.ptp(scores)
    notes = ("The polynomials take the steps between the values for equal, which they are not.",) if uneven else ()
    return Family(_DEGREES[:len(rows)], np.array(rows), notes=notes)


def _custom(given, labels):
    if isinstance(given, dict):
        names, rows = tuple(map(str, given)), [_coefficients(row, labels, name) for name, row in given.items()]
    else:
        matrix = np.asarray(given, dtype=float)
        rows = [_coefficients(row, labels, "") for row in np.atleast_2d(matrix)]
        names = tuple(_spelled(row, labels) for row in rows)
    if not rows:
        raise ValueError("There are no contrasts in the matrix given.")
    total = [name for name, row in zip(names, rows) if abs(row.sum()) > 1e-8 * np.abs(row).max()]
    note = f"The coefficients of {', '.join(total)} do not sum to zero: no contrast, but a sum of means."
    return Family(names, np.array(rows), notes=(note,) if total else ())


def _coefficients(row, labels, name):
    of = f" of {name!r}" if name else ""
    if isinstance(row, dict):
        strange = [label for label in row if str(label) not in labels]
        if strange:
            raise ValueError(f"The contrast{of} names {strange[0]!r}; the means are {', '.join(map(repr, labels))}.")
        row = [{str(label): value for label, value in row.items()}.get(label, 0.0) for label in labels]
    row = np.asarray(row, dtype=float)
    if row.shape != (len(labels),):
        raise ValueError(f"The coefficients{of} are {row.size}, and the means {len(labels)}: "
                         f"{', '.join(map(repr, labels))}. Give one coefficient for each, in this order.")
    if not np.isfinite(row).all() or not row.any():
        raise ValueError(f"The coefficients{of} must be finite numbers, not all of them zero.")
    return row


def _spelled(row, labels):
    """Coefficients as a name: ``0.5 a + 0.5 b - c``."""
    text = ""
    for value, label in zip(row, labels):
        if value:
            size = "" if abs(value) == 1 else f"{abs(value):.4g} "
            sign = " - " if value < 0 else " + "
            text += (sign if text else sign.strip().replace("+", "")) + size + label
    return text


def labels_of(parts, names):
    """Names of the means to compare: values, numbers with their column's name; in parentheses around operators."""
    names = [name + "=" * name[-1].isdigit() for name in names]
    texts = [" ".join(f"{name}{plain(v)}" if _reads_as_number(v) else str(v) for name, v in zip(names, part))
             for part in parts]
    return [f"({text})" if any(sign in text for sign in "-+/*") else text for text in texts]


def numeric(value) -> bool:
    """Whether a value is a number, truth values apart."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.bool_))


def _reads_as_number(value) -> bool:
    try:
        return not isinstance(value, (bool, np.bool_)) and float(value) == float(value)
    except (TypeError, ValueError):
        return False


def plain(value) -> str:
    """A value of a column for reading."""
    return number(float(value)) if numeric(value) else str(value)
