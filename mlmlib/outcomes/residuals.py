"""The covariance of one unit's outcomes, as a structure of the stacked rows' residuals.

Chapter 15 (``15_multivariate``) reads it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from ..rows.base import BoundVariance, Correlation, Parameter, Variance
from ..rows.dense import _BoundUn
from ..rows.layout import Layout, categories

__all__ = ["UNIT", "ByOutcome", "WithinUnit"]

UNIT = "unit"  # what the groups of the correlation are called


@dataclass(frozen=True)
class WithinUnit(Correlation):
    """A correlation for each pair of outcomes of a unit."""

    time: str  # the column of outcomes
    group: str  # that of units

    name, title = "un", "unstructured correlation"

    def bind(self, design):
        outcome, unit = _outcomes(design, self.time), _units(design, self.group)
        order, sizes = np.lexsort((outcome, unit)), np.bincount(unit)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        steps = outcome[order]
        own = Layout(order, unit, np.arange(len(sizes)), sizes, starts, steps.astype(float),
                     np.array(design.outcomes, dtype=object))
        return _Near(own, steps, _correlations(design, unit, outcome))


def _outcomes(design, mark: str) -> np.ndarray:
    """The number of each row's outcome; of a design made of part of the rows too."""
    codes, levels = categories(design, mark, "un")
    return np.array([design.outcomes.index(str(level)) for level in levels])[codes]


def _units(design, group: str) -> np.ndarray:
    """The unit of each row; where the rows were drawn anew, of a column that says so."""
    return design.unit if group == UNIT else categories(design, group, "un")[0]


class _Near(_BoundUn):
    """Searched from near the correlations of the residuals of least squares."""

    def __init__(self, own, steps, R: np.ndarray):
        super().__init__(own, steps)
        factor = np.linalg.cholesky(R)
        self.start = (factor / np.diagonal(factor)[:, None])[self.lower]

    def starts(self):
        return [self.start]


def _least_squares(design) -> np.ndarray:
    """Residuals of least squares."""
    return design.y - design.X @ np.linalg.lstsq(design.X, design.y, rcond=None)[0]


def _correlations(design, unit: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Correlations of the outcomes' residuals, pair by pair, drawn in so that they are a correlation matrix."""
    residual, K = _least_squares(design), len(design.outcomes)
    whole = np.zeros((int(unit.max()) + 1, K))
    whole[unit, outcome] = residual
    have = np.zeros_like(whole)
    have[unit, outcome] = 1.0
    squares = (whole ** 2).T @ have  # of each outcome, over the units that have the other
    with np.errstate(all="ignore"):
        R = np.nan_to_num(whole.T @ whole / np.sqrt(squares * squares.T))
    np.fill_diagonal(R, 1.0)
    low = np.linalg.eigvalsh(R)[0]
    share = min(0.9, 0.9 / max(1.0 - low, 1e-300))  # of what is off the diagonal: no eigenvalue below 0.1
    return share * R + (1.0 - share) * np.eye(K)


@dataclass(frozen=True)
class ByOutcome(Variance):
    """A residual variance for each outcome; psi counts from the ratios of a fit by least squares (see `OutcomeModel`)."""

    name, title = "by_group", "by group of"

    def bind(self, design):
        residual, outcome = _least_squares(design), _outcomes(design, self.column)
        spread, size = (np.sqrt(np.bincount(outcome, values ** 2) / np.bincount(outcome))
                        for values in (residual, design.y))
        for name, own, whole in zip(design.outcomes, spread, size):
            if not own > 1e-12 * whole:
                raise DataError(f"The fixed effects reproduce the outcome {name!r} exactly; is it, or a copy of it, "
                                "among the predictors?")
        return _Shifted(design.outcomes, outcome, np.log(spread[1:] / spread[0]))


class _Shifted(BoundVariance):
    def __init__(self, outcomes: tuple[str, ...], outcome: np.ndarray, shift: np.ndarray):
        first, *rest = outcomes
        super().__init__((outcome == np.arange(1, len(outcomes))[:, None]).astype(float),
                         [Parameter(f"sd ratio({name} / {first})", "positive") for name in rest])
        self.shift = shift
        self.roots = np.exp(-np.append(0.0, shift))[outcome]  # by what rows are multiplied, to be of one spread

    def natural(self, psi):
        return np.exp(psi + self.shift)
