"""Functions that a formula may use, and contrasts for categories.

Stateful transforms (`center`, `scale`, `poly`, `bs`, `ns`) remember what they learned from the data of the fit, so that
a prediction for new rows subtracts the old mean, not the new one, and bends at the old knots.
"""

from __future__ import annotations

import numpy as np

from .errors import DataError, FormulaError
from .splines import learn_bs, learn_ns, learn_piecewise, named
from .table import Categorical, factorize

__all__ = ["Memory", "Sum", "Treatment", "functions"]


class Memory:
    """What the stateful transforms of one factor learned, in the order of their calls."""

    def __init__(self):
        self.learned: list = []
        self.fitting, self.next = True, 0

    def recall(self, learn):
        """The state of the next call: learned now when fitting, looked up afterwards."""
        if self.fitting:
            self.learned.append(learn())
        self.next += 1
        return self.learned[self.next - 1]

    def replay(self) -> Memory:
        again = Memory()
        again.learned, again.fitting = self.learned, False
        return again


class Treatment:
    """Differences from a reference category (the first unless `reference` names another): ``x[T.b]``."""

    letter = "T"

    def __init__(self, reference=None):
        self.reference = reference

    def matrix(self, levels: list) -> tuple[np.ndarray, list]:
        """Rows of contrasts for `levels`, and the levels that name the columns."""
        place = 0
        if self.reference is not None:
            if self.reference not in levels:
                raise DataError(f"The reference category {self.reference!r} is not one of {levels}.")
            place = levels.index(self.reference)
        keep = [k for k in range(len(levels)) if k != place]
        return np.eye(len(levels))[:, keep], [levels[k] for k in keep]


class Sum:
    """Deviations from the mean of the categories, the last one left out: ``x[S.a]``."""

    letter = "S"

    def matrix(self, levels: list) -> tuple[np.ndarray, list]:
        contrasts = np.eye(len(levels))[:, :-1]
        contrasts[-1] = -1
        return contrasts, levels[:-1]


def functions(memory: Memory) -> dict:
    """The functions of formulas by name; the stateful ones write to `memory`."""

    def center(x):
        return x - memory.recall(lambda: float(np.mean(x)))

    def scale(x):
        mean, sd = memory.recall(lambda: (float(np.mean(x)), float(np.std(x, ddof=1))))
        if not sd > 0:
            raise DataError("scale() of a column that does not vary; remove it from the formula.")
        return (x - mean) / sd

    def poly(x, degree=2, raw=False):
        if raw:
            memory.recall(lambda: _check_degree(x, degree))
            return named(np.column_stack([x ** k for k in range(1, degree + 1)]))
        mean, norms, alpha = memory.recall(lambda: _learn_poly(x, degree))
        return named(_poly(x, mean, norms, alpha))

    def piecewise(x, knots=None, coding="slopes"):
        return memory.recall(lambda: learn_piecewise(1.0 * x, knots, coding))(1.0 * x)

    def bs(x, df=None, knots=None, degree=3, intercept=False, boundary=None):
        return memory.recall(lambda: learn_bs(x, df, knots, degree, intercept, boundary))(x)

    def ns(x, df=None, knots=None, intercept=False, boundary=None):
        return memory.recall(lambda: learn_ns(x, df, knots, intercept, boundary))(x)

    return {**_PLAIN, "center": center, "scale": scale, "standardize": scale, "poly": poly, "piecewise": piecewise,
            "bs": bs, "ns": ns}


def categorical(x, contrast=None, levels=None):
    """``C(x)``: treat a column as categories; ``C(x, Treatment('b'))``, ``C(x, Sum)``, ``C(x, levels=[...])``."""
    contrast = contrast() if isinstance(contrast, type) else contrast
    if contrast is not None and not hasattr(contrast, "matrix"):
        raise FormulaError(f"C(..., {contrast!r}) is not a contrast; use Treatment('reference') or Sum.")
    if not isinstance(x, Categorical):
        missing = np.isnan(x)
        codes = np.full(len(x), -1, dtype=np.intp)
        codes[~missing], found = factorize(x[~missing])
        x = Categorical(codes, found)
    if levels is not None:
        wanted = np.empty(len(levels), dtype=object)
        wanted[:] = levels
        lost = set(x.levels.tolist()) - set(levels)
        if lost:
            raise DataError(f"C(..., levels=...) leaves out {sorted(map(str, lost))}, which the data hold.")
        x = x.recode(wanted)
    return Categorical(x.codes, x.levels, contrast or x.contrast, x.name)


def _check_degree(x, degree):
    if not isinstance(degree, int) or degree < 1 or degree >= len(np.unique(x)):
        raise DataError(f"poly(..., {degree}) needs a whole degree and more than {degree} different values of the "
                        "column.")


def _learn_poly(x, degree):
    """Mean, norms and recurrence of polynomials orthogonal on `x` (Kennedy & Gentle 1980, section 8.3)."""
    _check_degree(x, degree)
    mean = float(np.mean(x))
    q, r = np.linalg.qr(np.vander(x - mean, degree + 1, increasing=True))
    z = q * np.diag(r)
    norms = np.sum(z * z, axis=0)
    alpha = np.sum((x - mean)[:, None] * z * z, axis=0) / norms
    return mean, norms, alpha[:degree]


def _poly(x, mean, norms, alpha):
    degree, t = len(alpha), x - mean
    z = np.ones((len(t), degree + 1))
    z[:, 1] = t - alpha[0]
    for k in range(1, degree):
        z[:, k + 1] = (t - alpha[k]) * z[:, k] - norms[k] / norms[k - 1] * z[:, k - 1]
    return z[:, 1:] / np.sqrt(norms[1:])


_NUMPY = ("log", "log2", "log10", "log1p", "exp", "expm1", "sqrt", "abs", "sin", "cos", "tan", "arctan", "tanh", "sign",
          "floor", "ceil", "round", "minimum", "maximum", "where", "clip", "power", "square")
_PLAIN = {name: getattr(np, name) for name in _NUMPY}
_PLAIN.update({f"np.{name}": getattr(np, name) for name in _NUMPY})
_PLAIN.update({"I": lambda x: x, "offset": lambda x: x, "C": categorical, "Treatment": Treatment, "Sum": Sum,
               "pow": np.power})
