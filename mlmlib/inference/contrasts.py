"""Linear hypotheses about coefficients: read from text, a matrix or a dict, tested, and written back as text.

``"x = 0, z = 2*w"`` becomes the rows (1, 0, 0) and (0, 1, -2) of a matrix C with right sides 0 and 0: C b = r.

Chapter 8 (``08_inference``) tests such hypotheses.
"""

from __future__ import annotations

import re
from itertools import permutations

import numpy as np

from .small_sample import f_test
from ..testresult import TestResult

__all__ = ["describe", "hypotheses", "test", "unknown_name"]

_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])")
_WORD = re.compile(r"[^\s,;=+*/`'\"-]+")


def test(fit, hypothesis, *, rhs=0.0, ddf: str = "wald") -> TestResult:
    """Joint test of linear hypotheses about the coefficients.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    hypothesis : str, dict, list of these, or array of shape (k, p)
        Text such as ``"x = 0, z = 2*w"``: names, numbers, sums, differences and multiples; hypotheses are separated
        by commas, and one without ``=`` is meant to be zero. A name that could be misread stands in backticks or
        quotes. A dict gives weights by name, ``{"x": 1, "z": -1}``; a matrix has a column for each coefficient.
    rhs : float or array, shape (k,)
        Right sides, for dicts and matrices; text has its own.
    ddf : {"wald", "satterthwaite", "kenward-roger"}

    Returns
    -------
    TestResult
        F and its degrees of freedom; chi-square for a mixed model with ``ddf="wald"``.

    Raises
    ------
    ValueError
        For text that cannot be read, an unknown coefficient (the message lists them), hypotheses that contradict each
        other or hold whatever the coefficients.

    Notes
    -----
    Chapter 8 (``08_inference``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("mathach ~ cses * sector + (1 + cses | school)", mlm.load("hsb"))
    >>> print(fit.test("sector[T.Catholic] = 0, cses:sector[T.Catholic] = 0", ddf="satterthwaite"))
    Satterthwaite F test of sector[T.Catholic] = 0, cses:sector[T.Catholic] = 0: F(2, 149.74) = 49.89, p < 0.001
    >>> fit.test("cses + cses:sector[T.Catholic] = 1").df
    1
    """
    C, values, null = hypotheses(hypothesis, list(fit._names), rhs)
    return f_test(fit, C, ddf, values, null)


test.__test__ = False  # not a test of ours, for pytest


def hypotheses(hypothesis, names: list[str], rhs=0.0) -> tuple[np.ndarray, np.ndarray, str]:
    """The matrix C, right sides r and words of linear hypotheses C b = r.

    Parameters
    ----------
    hypothesis : str, dict, list of these, or array of shape (k, p)
    names : list of str
        The coefficients.
    rhs : float or array, shape (k,)
        Right sides of dicts and matrices.

    Returns
    -------
    C : ndarray, shape (k, p)
    r : ndarray, shape (k,)
    null : str

    Examples
    --------
    >>> hypotheses("x[T.b] - 2*z = 3", ["Intercept", "x[T.b]", "z"])
    (array([[ 0.,  1., -2.]]), array([3.]), 'x[T.b] - 2*z = 3')
    """
    if isinstance(hypothesis, str):
        if np.any(rhs):
            raise ValueError("A hypothesis in words has its own right side: write 'x = 1', without rhs=.")
        return _Reader(hypothesis, names).read()
    if isinstance(hypothesis, dict):
        hypothesis = [hypothesis]
    if isinstance(hypothesis, (list, tuple)) and any(isinstance(part, (str, dict)) for part in hypothesis):
        return _several(hypothesis, names, rhs)
    C = np.atleast_2d(np.asarray(hypothesis, dtype=float))
    if C.ndim != 2 or C.shape[1] != len(names):
        raise ValueError(f"A matrix of hypotheses needs {len(names)} columns, one for each coefficient "
                         f"({', '.join(names)}); this one has the shape {C.shape}.")
    r = np.array(np.broadcast_to(np.asarray(rhs, dtype=float), (len(C),)))
    return C, r, describe(C, r, names)


def _several(parts, names, rhs):
    """A list of texts and dicts, one after the other."""
    rights = np.broadcast_to(np.asarray(rhs, dtype=float), (len(parts),))
    rows, values = [], []
    for part, right in zip(parts, rights):
        if isinstance(part, str):
            C, r, _ = hypotheses(part, names, right)
        else:
            C, r = np.zeros((1, len(names))), np.array([right])
            for name, weight in part.items():
                C[0, _place(name, names)] += float(weight)
        rows.append(C)
        values.append(r)
    C, r = np.concatenate(rows), np.concatenate(values)
    return C, r, describe(C, r, names)


def describe(C: np.ndarray, rhs: np.ndarray, names: list[str]) -> str:
    """The hypotheses C b = rhs in words, one after the other.

    Examples
    --------
    >>> describe(np.array([[0, 1, -1], [0, 2, 0]]), np.array([0.0, 3.0]), ["Intercept", "x", "z"])
    'x - z = 0, 2*x = 3'
    """
    return ", ".join(f"{_sum(row, names)} = {value:g}" for row, value in zip(C, rhs))


def _sum(row, names) -> str:
    text = ""
    for weight, name in zip(row, names):
        if abs(weight) < 1e-12:
            continue
        size = "" if abs(weight) == 1 else f"{abs(weight):.4g}*"
        sign = ("-" if weight < 0 else "") if not text else (" - " if weight < 0 else " + ")
        text += f"{sign}{size}{name}"
    return text or "0"


def _place(name, names) -> int:
    """The place of a coefficient, its interaction in any order."""
    if name in names:
        return names.index(name)
    for place, known in enumerate(names):
        if name in _orders(known):
            return place
    raise ValueError(unknown_name("coefficient", str(name), names))


def unknown_name(what: str, name: str, names) -> str:
    """The message for a name that the model does not have, with the one that was probably meant.

    Examples
    --------
    >>> unknown_name("coefficient", "sector", ["Intercept", "sector[T.Catholic]"])
    "There is no coefficient 'sector': it is a category, with sector[T.Catholic]. The model has Intercept, sector[T.Catholic]."
    """
    import difflib
    own = [known for known in names if known.startswith((f"{name}[", f"C({name})["))]
    close = difflib.get_close_matches(name, names, 1, 0.6)
    hint = f": it is a category, with {', '.join(own)}." if own else f". Did you mean {close[0]!r}?" if close else "."
    return f"There is no {what} {name!r}{hint} The model has {', '.join(names)}."


def _orders(name: str) -> list[str]:
    """The names that an interaction may go by: its factors in any order, colons inside brackets left alone."""
    parts = re.split(r":(?![^\[(]*[\])])", name)
    return [":".join(order) for order in permutations(parts)] if 1 < len(parts) < 6 else [name]


class _Reader:
    """Recursive descent over the text of hypotheses; a value is (weights of the coefficients, constant)."""

    def __init__(self, text: str, names: list[str]):
        self.text, self.names, self.at = text, names, 0
        known = {order: place for place, name in enumerate(names) for order in _orders(name)}
        known.update({name: place for place, name in enumerate(names)})
        self.known = sorted(known.items(), key=lambda pair: -len(pair[0]))

    def read(self):
        if not self.text.strip():
            raise ValueError("The hypothesis is empty; write it as in 'x = 0, z = 2*w'.")
        rows, values, words = [], [], []
        while True:
            begin = self.at
            sides = [self.sum()]
            while self.take("="):
                self.take("=")
                sides.append(self.sum())
            said = " ".join(self.text[begin:self.at].split())
            if len(sides) == 1:
                sides.append((np.zeros(len(self.names)), 0.0))
                said += " = 0"
            words.append(said)
            for left, right in zip(sides, sides[1:]):
                row, value = left[0] - right[0], right[1] - left[1]
                if not row.any():
                    raise self.error("This hypothesis has no coefficient in it")
                rows.append(row)
                values.append(value)
            if not (self.take(",") or self.take(";")):
                break
        self.space()
        if self.at < len(self.text):
            raise self.unknown()
        return np.array(rows), np.array(values) + 0.0, ", ".join(words)

    def error(self, what: str) -> ValueError:
        return ValueError(f"{what} (in {self.text!r}, after {self.text[:self.at]!r}). Write hypotheses as in "
                          "'x = 0, z = 2*w'.")

    def space(self):
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def take(self, sign: str) -> bool:
        self.space()
        found = self.text.startswith(sign, self.at)
        self.at += len(sign) * found
        return found

    def sum(self):
        weights, constant = self.product()
        while True:
            sign = 1.0 if self.take("+") else -1.0 if self.take("-") else 0.0
            if not sign:
                return weights, constant
            more = self.product()
            weights, constant = weights + sign * more[0], constant + sign * more[1]

    def product(self):
        value = self.signed()
        while True:
            if self.take("*"):
                value = self.times(value, self.signed())
            elif self.take("/"):
                divisor = self.signed()
                if divisor[0].any() or not divisor[1]:
                    raise self.error("A hypothesis can be divided only by a number that is not zero")
                value = (value[0] / divisor[1], value[1] / divisor[1])
            else:
                return value

    def times(self, a, b):
        if a[0].any() and b[0].any():
            raise self.error("Two coefficients are multiplied, so the hypothesis is not linear")
        return a[0] * b[1] + b[0] * a[1], a[1] * b[1]

    def signed(self):
        if self.take("-"):
            weights, constant = self.signed()
            return -weights, -constant
        return self.signed() if self.take("+") else self.atom()

    def atom(self):
        """A name, a number, or a sum in parentheses; names first, because they may hold any sign."""
        self.space()
        rest = self.text[self.at:]
        for name, place in self.known:
            if rest.startswith(name) and not re.match(r"[\w.\[(:]", rest[len(name):]):
                self.at += len(name)
                return self.unit(place)
        if rest[:1] in ("`", "'", '"') and rest.find(rest[0], 1) > 0:
            end = rest.find(rest[0], 1)
            place = _place(rest[1:end], self.names)
            self.at += end + 1
            return self.unit(place)
        if match := _NUMBER.match(rest):
            self.at += match.end()
            return np.zeros(len(self.names)), float(match.group())
        if self.take("("):
            value = self.sum()
            if not self.take(")"):
                raise self.error("A parenthesis is not closed")
            return value
        raise self.unknown()

    def unit(self, place):
        weights = np.zeros(len(self.names))
        weights[place] = 1.0
        return weights, 0.0

    def unknown(self) -> ValueError:
        """What to say of what stands where a name or a number should."""
        match = _WORD.match(self.text, self.at)
        if match and re.match(r"[^\W\d]", match.group()):
            _place(match.group(), self.names)
        if self.at >= len(self.text):
            return self.error("The hypothesis ends where a coefficient or a number should stand")
        return self.error(f"Cannot read {self.text[self.at]!r}; the coefficients are {', '.join(self.names)}")
