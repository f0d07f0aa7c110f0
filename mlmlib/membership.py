"""Multiple membership: rows that belong to several groups of one factor at once, each with a weight.

``(1 | mm(school1, school2))`` gives a pupil who moved half of either school's effect; with
``mm(school1, school2, weights=(time1, time2))`` as much of each as the columns say.  Who has one group only is given it
twice.  Dyads, such as trade between two countries, are memberships with ``weights=(1, 1)``.

Chapter 12 (``12_crossed``) uses it.

References
----------
Browne, W. J., Goldstein, H., & Rasbash, J. (2001). Multiple membership multiple classification (MMMC) models.
Statistical Modelling, 1, 103-124.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import DataError, FormulaError
from .formula import Term
from .table import Categorical, factorize

__all__ = ["Membership", "group_values", "is_membership", "read_membership"]


def is_membership(factors: Term) -> bool:
    """True if a grouping factor was written as mm(...)."""
    return any(factor.label.startswith("mm(") for factor in factors)


@dataclass(frozen=True)
class Membership:
    """The groups of every row and their weights.

    Attributes
    ----------
    codes : ndarray of int, shape (n, m)
        -1 where the group is not known (new data).
    weights : ndarray, shape (n, m)
    levels : ndarray, shape (J,)
    """

    codes: np.ndarray
    weights: np.ndarray
    levels: np.ndarray

    @property
    def main(self) -> np.ndarray:
        """The group with the largest weight in each row, shape (n,)."""
        return self.codes[np.arange(len(self.codes)), np.argmax(self.weights, axis=1)]

    @property
    def sizes(self) -> np.ndarray:
        """Rows that belong to each group, shape (J,)."""
        n, m = self.codes.shape
        pairs = np.unique(np.column_stack([np.repeat(np.arange(n), m), self.codes.ravel()])[self.weights.ravel() > 0],
                          axis=0)
        return np.bincount(pairs[:, 1], minlength=len(self.levels))

    @property
    def square(self) -> np.ndarray:
        """Sum of squares of each row's weights, those of a group that stands twice taken together, shape (n,)."""
        same = self.codes[:, :, None] == self.codes[:, None]
        return np.einsum("nk,nkl,nl->n", self.weights, same.astype(float), self.weights)

    def combine(self, values: np.ndarray) -> np.ndarray:
        """Weighted sum over each row's groups of values, shape (n, m); unknown groups count zero."""
        return np.where(self.codes < 0, 0.0, self.weights * values).sum(axis=1)

    def values(self, Z: np.ndarray, effects: np.ndarray) -> np.ndarray:
        """What groups' effects, shape (J, q), give rows with the columns Z, shape (n, q); unknown groups give zero."""
        return self.combine(np.einsum("nq,nmq->nm", Z, effects[self.codes]))

    @property
    def unknown(self) -> np.ndarray:
        """Rows that belong to a group that is not known."""
        return np.any((self.codes < 0) & (self.weights > 0), axis=1)


def group_values(Z: np.ndarray, codes: np.ndarray, members: Membership | None, effects: np.ndarray) -> np.ndarray:
    """What groups' effects, shape (J, q), give rows with the columns Z, shape (n, q); unknown groups give zero."""
    if members is None:
        return np.where(codes < 0, 0.0, np.einsum("nq,nq->n", Z, effects[codes]))
    return members.values(Z, effects)


def read_membership(factors: Term, columns: dict, known: Any = None) -> Membership:
    """Evaluate mm(...).

    Parameters
    ----------
    factors : tuple of Factor
        The grouping factor as written: one call of mm().
    columns : dict
        The columns it reads.
    known : ndarray, optional
        The labels of a fit; codes are then into those.
    """
    if len(factors) != 1:
        raise FormulaError("mm(...) cannot be combined with another factor by ':' or '/'; make one column of them "
                           "first.")
    factor = factors[0]
    try:
        groups, weights = eval(factor.code, {"__builtins__": {}}, {"_c": columns, "_f": {"mm": _mm}})
    except (TypeError, KeyError) as error:
        raise FormulaError(f"Cannot read {factor.label!r} ({error}); write mm(first, second) or "
                           "mm(first, second, weights=(w1, w2)).") from None
    labels = [column.levels[column.codes] if isinstance(column, Categorical) else column for column in groups]
    if len({labels_of.dtype.kind == "O" for labels_of in map(np.asarray, labels)}) > 1:
        raise DataError(f"The columns of {factor.label} hold numbers in one and text in another; the same group must "
                        "have the same label in all.")
    n, m = len(labels[0]), len(labels)
    codes, levels = factorize(np.concatenate([np.asarray(own) for own in labels]))
    if known is not None:
        codes = Categorical(codes, np.asarray(levels, dtype=object)).recode(np.asarray(known, dtype=object)).codes
        levels = known
    if weights is None:
        shares = np.full((n, m), 1.0 / m)
    else:
        if len(weights) != m:
            raise FormulaError(f"{factor.label} has {m} columns of groups and {len(weights)} weights.")
        shares = np.column_stack([np.broadcast_to(np.asarray(own, dtype=float), n) for own in weights])
        if not (shares >= 0).all():
            raise DataError(f"The weights of {factor.label} must not be negative.")
        if not (shares.max(axis=1) > 0).all():
            raise DataError(f"The weights of {factor.label} are all zero in {int((shares.max(axis=1) <= 0).sum())} "
                            "rows; each row must belong to some group.")
    return Membership(codes.reshape(m, n).T, shares, levels)


def _mm(*groups: Any, weights: Any = None) -> tuple:
    if len(groups) < 2:
        raise TypeError("mm() needs two or more columns of groups")
    return groups, weights
