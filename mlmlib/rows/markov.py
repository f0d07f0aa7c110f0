"""AR(1) and continuous AR(1): each row depends on the one before it alone, so that whitening costs n steps.

References
----------
Pinheiro, J. C., & Bates, D. M. (2000). Mixed-Effects Models in S and S-PLUS. Springer, section 5.3.
Jones, R. H. (1993). Longitudinal Data with Serial Correlation: A State-space Approach. Chapman & Hall.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from .base import BoundCorrelation, Correlation, Parameter
from .layout import Layout, layout

__all__ = ["Ar1", "Car1", "integer_gaps"]


@dataclass(frozen=True)
class Ar1(Correlation):
    name, title = "ar1", "AR(1)"

    def bind(self, design):
        own = layout(design, self.time, self.group, "ar1")
        return _BoundAr1(own, integer_gaps(own, self.time, "ar1"))


@dataclass(frozen=True)
class Car1(Correlation):
    name, title = "car1", "continuous AR(1)"

    def bind(self, design):
        own = layout(design, self.time, self.group, "car1", times="numbers")
        return _BoundCar1(own, own.gaps)


def integer_gaps(own: Layout, time, what: str) -> np.ndarray:
    """Gaps counted in steps: the greatest length of which every gap is a multiple."""
    gaps = own.gaps
    unit = 0.0
    for gap in np.unique(gaps[gaps > 0]):
        while gap > 1e-6 * own.gaps.max():  # Euclid, on the numbers as they are
            unit, gap = gap, unit % gap if gap else 0.0
    steps = gaps / unit
    if steps.max() > 10000 or np.abs(steps - np.round(steps)).max() > 1e-4:
        raise DataError(f"{what} needs equally spaced times, some of which may be missing; the gaps of {time!r} are "
                        "not multiples of one step. Use mlm.car1, which takes any times.")
    return np.round(steps)


class _Markov(BoundCorrelation):
    n_params = 1
    lagged: Callable[[np.ndarray], np.ndarray]  # the correlation of each row with the one before it

    def __init__(self, own: Layout, gaps: np.ndarray):
        self.layout, self.gaps, self.first = own, gaps, own.first

    def whiten(self, rows, psi):
        r = self.lagged(psi)
        r[self.first] = 0.0
        spread = 1.0 - r * r
        before = np.empty_like(rows)
        before[:, 0] = 0.0
        before[:, 1:] = rows[:, :-1]
        return (rows - r * before) / np.sqrt(spread), float(np.log(spread).sum())


class _BoundAr1(_Markov):
    parameters = [Parameter("phi", "correlation")]

    def starts(self):
        return [np.array([0.1]), np.array([0.9])]

    def natural(self, psi):
        return np.tanh(psi)

    def lagged(self, psi):
        return np.tanh(psi[0]) ** self.gaps


class _BoundCar1(_Markov):
    """psi is the log of the rate at which the correlation falls, in units of the median gap."""

    parameters = [Parameter("phi", "share")]

    def __init__(self, own, gaps):
        super().__init__(own, gaps)
        self.unit = float(np.median(gaps[gaps > 0]))

    def starts(self):
        return [np.array([1.0]), np.array([-1.0])]

    def edge(self, psi):
        return (psi > 3.0) | super().edge(psi)  # a correlation below 1e-8 at the median gap

    def natural(self, psi):
        return np.exp(-np.exp(psi) / self.unit)

    def lagged(self, psi):
        return np.exp(-np.exp(psi[0]) / self.unit * self.gaps)
