"""Columns of the stacked model: each column of the predictors once for each outcome, or once for all.

Chapter 15 (``15_multivariate``) shows them.
"""

from __future__ import annotations

import numpy as np

from ..coding import Columns, FactorInfo
from ..errors import FormulaError
from ..formula import Factor, Term, term_name
from ..transforms import Memory

__all__ = ["ALL", "OutcomeEncoder", "cells"]

ALL = -1  # in place of an outcome's number: one column for all of them


class OutcomeEncoder:
    """An encoder whose columns are those of another, times the indicator of an outcome.

    Parameters
    ----------
    wide : Encoder
        Of the predictors, a row a unit.
    outcome : Factor
        The column that says which outcome a row holds.
    outcomes : tuple of str
    cells : list of (int, int)
        Of each column: which of the predictors', and which outcome (`ALL` for one coefficient in all outcomes).

    Attributes
    ----------
    names : list of str
        ``"written: female"``; ``"female"`` where the coefficient is the same in all outcomes.
    """

    def __init__(self, wide: Columns, outcome: Factor, outcomes: tuple[str, ...], cells: list[tuple[int, int]]):
        self.wide, self.outcome, self.cells = wide, outcome, cells
        self.terms = (*wide.terms, (outcome,))
        self.infos = {**wide.infos, outcome: FactorInfo(np.array(outcomes, dtype=object), None, 1, Memory())}
        self.names = [wide.names[column] if code == ALL else f"{outcomes[code]}: {wide.names[column]}"
                      for column, code in cells]

    @property
    def named_terms(self) -> list[tuple[Term, list[str]]]:
        """Each column by itself, under the term of the predictors that it is of."""
        terms = [term for term, names in self.wide.named_terms for _ in names]
        return [(terms[column], [name]) for (column, _), name in zip(self.cells, self.names)]

    def rows(self, values: dict, n: int) -> np.ndarray:
        """The matrix, transposed: one contiguous row a coefficient, shape (p, n)."""
        return self.stack(self.wide.rows(values, n), values[self.outcome].codes)

    def stack(self, columns: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """The same from the predictors' columns, shape (., n), and the outcome of each row, shape (n,)."""
        return np.stack([columns[column] if code == ALL else np.where(codes == code, columns[column], 0.0)
                         for column, code in self.cells])


def cells(wide: Columns, outcomes: tuple[str, ...], equal=(), only=None) -> list[tuple[int, int]]:
    """Which columns of the predictors each outcome has, outcome by outcome, the common ones last.

    Parameters
    ----------
    wide : Encoder
    outcomes : tuple of str
    equal : str or sequence of str
        Terms or coefficients that all outcomes share.
    only : dict, optional
        ``{term or coefficient: outcome or list of outcomes}``: the outcomes that have it.

    Raises
    ------
    FormulaError
        For a term or an outcome that is not there.
    """
    labels = [(term_name(term), name) for term, names in wide.named_terms for name in names]
    equal = [equal] if isinstance(equal, str) else list(equal)
    if only is not None and not hasattr(only, "items"):
        raise FormulaError(f"only={only!r} must say which outcomes have a term: only={{'x': '{outcomes[0]}'}}.")
    common, own = set(), {}
    for asked in equal:
        common.update(_places(asked, labels, "equal"))
    for asked, where in (only or {}).items():
        where = [where] if isinstance(where, str) else list(where)
        unknown = [name for name in where if name not in outcomes]
        if unknown or not where:
            raise FormulaError(f"only= names the outcome {unknown[0] if unknown else None!r}; the model has "
                               f"{', '.join(outcomes)}.")
        for place in _places(asked, labels, "only"):
            if place in common:
                raise FormulaError(f"{asked!r} stands in equal= and in only=; take it out of one of them.")
            own[place] = {outcomes.index(name) for name in where}
    found = [(place, code) for code in range(len(outcomes)) for place in range(len(labels))
             if place not in common and code in own.get(place, {code})]
    return found + [(place, ALL) for place in sorted(common)]


def _places(asked: str, labels: list[tuple[str, str]], what: str) -> list[int]:
    """The columns that a term's or a coefficient's name stands for."""
    asked = "Intercept" if asked == "1" else asked.strip()
    whole = frozenset(asked.split(":"))
    found = [k for k, (term, name) in enumerate(labels) if name == asked or frozenset(term.split(":")) == whole]
    if not found:
        terms = dict.fromkeys(term for term, _ in labels)
        raise FormulaError(f"{what}= names {asked!r}, which is no term of the formula; it has {', '.join(terms)}.")
    return found
