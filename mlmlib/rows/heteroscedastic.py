"""Residual variances by group, by a power of a covariate, by its exponential.

References
----------
Pinheiro, J. C., & Bates, D. M. (2000). Mixed-Effects Models in S and S-PLUS. Springer, section 5.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from .base import BoundVariance, Parameter, Variance
from .layout import categories, numbers

__all__ = ["FITTED", "ByGroup", "Exponential", "Power"]

FITTED = "fitted(.)"  # in place of a column: the model's own fitted values, as nlme writes it


@dataclass(frozen=True)
class ByGroup(Variance):
    name, title, function = "by_group", "by group of", "by_group"

    def bind(self, design):
        codes, levels = categories(design, self.column, "by_group")
        if len(levels) < 2:
            raise DataError(f"by_group: {self.column!r} is the same in all rows; there are no variances to compare.")
        counts = np.bincount(codes)
        if counts.min() < 2:
            raise DataError(f"by_group: {self.column} = {levels[int(counts.argmin())]} has one row, of which no "
                            "variance can be estimated; merge groups.")
        columns = (codes == np.arange(1, len(levels))[:, None]).astype(float)
        return BoundVariance(columns, [Parameter(f"sd ratio({level} / {levels[0]})", "positive")
                                       for level in levels[1:]])


@dataclass(frozen=True)
class Power(Variance):
    name, title, function = "power", "by a power of", "power_of"

    def bind(self, design):
        if self.column == FITTED:
            return _Following(_first(design), self.column, "power", _log_size)
        x = np.abs(numbers(design, self.column, "power"))
        if not (x > 0).all():
            raise DataError(f"power: {self.column!r} is zero in {int((x == 0).sum())} rows, whose variance would be "
                            "zero; use mlm.exponential_of, or add a constant to it.")
        return _covariate(np.log(x), self.column, "power")


@dataclass(frozen=True)
class Exponential(Variance):
    name, title, function = "exponential", "by the exponential of", "exponential_of"

    def bind(self, design):
        if self.column == FITTED:
            return _Following(_first(design), self.column, "exponential", np.asarray)
        return _covariate(numbers(design, self.column, "exponential"), self.column, "exponential")


def _log_size(values: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):  # of zero: refused by who asks
        return np.log(np.abs(values))


def _first(design) -> np.ndarray:
    """Fitted values to begin with: least squares, and half way to the means of the groups."""
    y = design.y if design.offset is None else design.y - design.offset
    fitted = design.X @ np.linalg.lstsq(design.X, y, rcond=None)[0]
    for term in design.random:
        if term.members is None:
            fitted = fitted + 0.5 * (np.bincount(term.codes, y - fitted) / term.sizes)[term.codes]
    return fitted if design.offset is None else fitted + design.offset


def _covariate(column, name, what) -> BoundVariance:
    _refuse_constant(column, name, what)
    return _Scaled(column[None], [Parameter("delta", "real")])


def _refuse_constant(column, name, what) -> None:
    if np.ptp(column) < 1e-12 * max(np.abs(column).max(), 1e-300):
        raise DataError(f"{what}: {name!r} is the same in all rows; the variance cannot depend on it.")


class _Scaled(BoundVariance):
    """One covariate; psi is in units of its standard deviation."""

    def __init__(self, columns, parameters):
        super().__init__(columns, parameters)
        self.size = float(columns.std())

    def log_sd(self, psi):
        return psi / self.size @ self.columns

    @property
    def log_slopes(self):
        return self.columns / self.size

    def natural(self, psi):
        return psi / self.size


class _Following(_Scaled):
    """The covariate is made of the fitted values, found by fitting in turn."""

    def __init__(self, fitted, name, what, turn):
        if not np.isfinite(turn(fitted)).all():
            raise DataError(f"{what}: a fitted value is zero, and so would its variance be; use "
                            f"mlm.exponential_of({FITTED!r}).")
        column = turn(fitted)
        _refuse_constant(column, name, what)
        super().__init__(column[None], [Parameter("delta", "real")])
        self._made = name, what, turn

    def follow(self, fitted: np.ndarray):
        """The same for other fitted values."""
        return _Following(fitted, *self._made)
