"""A linear mixed model of rows that come in chunks: one pass, and memory that does not grow with their number.

All that the likelihood of a model with one grouping factor needs of the rows are, of each group, Z_j'Z_j and Z_j'[X y], and
[X y]'[X y] of all (see `elimination`).  They are sums over rows, so that chunks add up, in any order and on any machine.
Digits are kept by forming them in columns of moderate size: the first chunk lends each column a mean and a scale, and
coefficients whose predictions are taken off the outcome.  After the pass the sums are carried, as matrices, to the columns in
which `LmmModel` would have worked.  Categories and the columns' meaning are those of the first chunk.

Chapter 7 (``07_estimation``) derives the cross-products.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..coding import Encoder, FactorInfo
from ..design import _complete, _evaluate, _group_codes, _option, _replay
from ..errors import DataError, FormulaError
from ..formula import Formula
from ..given import refuse_scale
from ..table import Categorical, Table, refuse_numbers_as_text
from ..transforms import Memory
from .elimination import OneFactor

__all__ = ["Moments", "Part", "Plan", "together"]


@dataclass(frozen=True)
class Part:
    """The cross-products of one chunk.

    Attributes
    ----------
    AB : ndarray, shape (q, q + p + 1, J)
    C : ndarray, shape (p + 1, p + 1)
    levels : list
        Labels of the chunk's groups.
    counts : ndarray of int, shape (J,)
    n, read : int
        Rows used, and rows there were.
    log_weights : float
        Sum of the logarithms of the weights.
    y : tuple of float
        Sum of w, w y and w y^2 about the first chunk's mean, and the smallest and largest outcome.
    """

    AB: np.ndarray
    C: np.ndarray
    levels: list
    counts: np.ndarray
    n: int
    read: int
    log_weights: float
    y: tuple


def together(plan: Plan, parts) -> Part | int:
    """Parts of several chunks as one: what the workers of a cluster do with theirs before anything travels."""
    sums = Moments(plan)
    for part in parts:
        sums.add(part)
    if not sums.n:
        return sums.read
    J = len(sums.place)
    return Part(sums.AB[:, :, :J], sums.C, list(sums.place), sums.counts[:J], sums.n, sums.read, sums.log_weights,
                (*map(float, sums.w), sums.low, sums.high))


class Plan:
    """How to read a chunk: columns and categories of the first one, and its means and scales.

    Parameters
    ----------
    formula : Formula
    first : table
    weights, offset : str, optional
        Columns.
    """

    def __init__(self, formula: Formula, first, weights: str | None, offset: str | None):
        self.formula, self.weights, self.offset = formula, weights, offset
        self.infos: dict = {}
        table, extra = self._complete(first)
        for factor in dict.fromkeys(f for terms in self._terms() for term in terms for f in term):
            self._learn(factor, table)
        self.fixed = Encoder(formula.fixed, self.infos)
        self.random = [Encoder(term.terms, self.infos) for term in formula.random]
        y, X, Zs, _ = self._columns(table, extra)
        self.x_scale = _scales(X, self.fixed.names)
        self.z_scales = [_scales(Z, own.names) for Z, own in zip(Zs, self.random)]
        self.center = float(np.mean(y))
        self.b = np.linalg.lstsq((self.x_scale @ X).T, y, rcond=None)[0]

    def _terms(self):
        yield self.formula.fixed
        yield from (term.terms for term in self.formula.random)

    def _complete(self, chunk):
        table = Table(chunk)
        if not table.n:
            raise DataError("The first chunk has no rows.")
        extra = {"weights": _option(self.weights, table, "weights"), "offset": _option(self.offset, table, "offset")}
        return _complete(self.formula, table, extra)[:2]

    def _learn(self, factor, table) -> None:
        memory = Memory()
        value = _evaluate(factor, table, memory)
        if memory.learned:
            raise FormulaError(f"{factor.label!r} learns from all rows, which a fit in chunks never has together; compute it as a "
                               "column first.")
        if isinstance(value, Categorical):
            if factor.is_column:
                refuse_numbers_as_text(factor.label, value)
            self.infos[factor] = FactorInfo(value.levels, value.contrast, 1, memory)
        else:
            self.infos[factor] = FactorInfo(None, None, value[:1].size, memory, getattr(value, "names", None))

    def _columns(self, table: Table, extra: dict):
        """Outcome less offset, X and each term's Z of a complete table, one column a row, and square roots of weights."""
        y = _evaluate(self.formula.outcome, table, Memory())
        if isinstance(y, Categorical) or y.ndim != 1:
            raise DataError(f"The outcome {self.formula.outcome.label!r} holds text, categories or several columns, not one number a row.")
        refuse_scale(self.formula.outcome.label, y)
        for shift in (extra["offset"], *(_evaluate(factor, table, Memory()) for factor in self.formula.offsets)):
            y = y if shift is None else y - shift
        try:
            X = self.fixed.rows(_replay(self.fixed, table), table.n)
            Zs = [own.rows(_replay(own, table), table.n) for own in self.random]
        except DataError as error:
            raise DataError(f"{error} Categories are those of the first chunk: name all of them, as in C(f, levels=[...]), or declare "
                            "them in the table's own type.") from None
        w = extra["weights"]
        if w is not None and not (w > 0).all():
            raise DataError("The weights must all be positive; drop the rows whose weight is zero.")
        return y, X, Zs, None if w is None else np.sqrt(w)

    def read(self, chunk) -> Part | int:
        """The cross-products of a chunk; how many rows it has where none is complete."""
        rows = Table(chunk).n
        if not rows:
            return 0
        try:
            table, extra = self._complete(chunk)
        except DataError as error:
            if str(error).startswith("No row is complete"):
                return rows
            raise
        y, X, Zs, roots = self._columns(table, extra)
        about, low, high = y - self.center, float(y.min()), float(y.max())
        X = self.x_scale @ X
        Z = np.concatenate([scale @ Z for scale, Z in zip(self.z_scales, Zs)])
        y = y - self.b @ X
        w = np.ones(table.n) if roots is None else roots ** 2
        if roots is not None:
            X, Z, y = X * roots, Z * roots, y * roots
        codes, levels = _group_codes(self.formula.random[0].group, table)
        sums = OneFactor(Z, np.vstack([X, y]), codes, len(levels))
        spread = (float(w.sum()), float(w @ about), float(w @ about ** 2), low, high)
        return Part(sums.AB, sums.C, np.asarray(levels, dtype=object).tolist(), np.bincount(codes, minlength=len(levels)), table.n, rows,
                    0.0 if roots is None else 2.0 * float(np.log(roots).sum()), spread)


def _scales(rows: np.ndarray, names) -> np.ndarray:
    """A lower-triangular matrix that gives each row mean zero (where the first is the intercept) and mean square one."""
    S, n = np.eye(len(rows)), rows.shape[1]
    shifted = len(rows) and names[0] == "Intercept"
    for k, row in enumerate(rows):
        if shifted and k:
            middle = float(row.mean())
            size = float(np.sqrt(np.mean((row - middle) ** 2)))
            if size > 1e-12 * abs(middle):
                S[k, 0], S[k, k] = -middle / size, 1.0 / size
                continue
        size = float(np.sqrt(row @ row / n))
        S[k, k] = 1.0 / size if size > 0 else 1.0
    return S


class Moments:
    """The sum of parts.

    Parameters
    ----------
    plan : Plan
    """

    def __init__(self, plan: Plan):
        self.plan, self.place = plan, {}
        q, p = sum(len(own.names) for own in plan.random), len(plan.fixed.names)
        self.AB, self.C, self.counts = np.zeros((q, q + p + 1, 1024)), np.zeros((p + 1, p + 1)), np.zeros(1024, dtype=np.int64)
        self.n = self.read = 0
        self.log_weights, self.w, self.low, self.high = 0.0, np.zeros(3), np.inf, -np.inf

    def add(self, part: Part | int) -> None:
        """Add the cross-products of a chunk."""
        if not isinstance(part, Part):
            self.read += part
            return
        codes = np.array([self.place.setdefault(label, len(self.place)) for label in part.levels], dtype=np.intp)
        room = len(self.counts)
        if len(self.place) > room:
            more = max(2 * room, len(self.place)) - room
            self.AB = np.concatenate([self.AB, np.zeros((*self.AB.shape[:2], more))], axis=2)
            self.counts = np.concatenate([self.counts, np.zeros(more, dtype=np.int64)])
        self.AB[:, :, codes] += part.AB
        self.counts[codes] += part.counts
        self.C += part.C
        self.n, self.read, self.log_weights = self.n + part.n, self.read + part.read, self.log_weights + part.log_weights
        self.w += part.y[:3]
        self.low, self.high = min(self.low, part.y[3]), max(self.high, part.y[4])

    def sorted(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Labels in order, their cross-products and their numbers of rows."""
        labels = list(self.place)
        try:
            order = sorted(range(len(labels)), key=labels.__getitem__)
        except TypeError:
            order = sorted(range(len(labels)), key=lambda k: str(labels[k]))
        levels = np.empty(len(labels), dtype=object)
        levels[:] = [labels[k] for k in order]
        if all(isinstance(label, (int, np.integer)) for label in labels) and len(labels):
            levels = np.array(levels.tolist())
        return levels, self.AB[:, :, order], self.counts[order]
