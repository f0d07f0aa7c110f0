"""Pooled, within, two-way, first-difference and between regression: least squares on transformed rows.

Chapter 19 (``19_fixed_or_random``).  Baltagi, B. H. (2013). Econometric Analysis of Panel Data (5th ed.). Wiley, chapters
2 and 3.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from .frame import Frame
from .solve import Regression, regress
from .twoway import TwoWay

__all__ = ["between", "first_difference", "pooled", "two_way", "within"]


def _rooted(frame: Frame, y, X) -> tuple[np.ndarray, np.ndarray]:
    """Rows times the roots of their weights."""
    w = frame.design.weights
    return (y, X) if w is None else (y * np.sqrt(w), X * np.sqrt(w)[:, None])


def _sizes(frame: Frame) -> np.ndarray:
    return np.sqrt((_rooted(frame, frame.y, frame.X)[1] ** 2).sum(axis=0))


def pooled(frame: Frame) -> tuple[Regression, dict]:
    """Least squares that does not know of groups."""
    return regress(*_rooted(frame, frame.y, frame.X), frame.codes)


def within(frame: Frame) -> tuple[Regression, dict]:
    """Least squares of deviations from group means; a mean a group is absorbed (Baltagi, 2013, equation 2.9)."""
    y, X = frame.deviations(frame.y), frame.deviations(frame.X)
    return regress(*_rooted(frame, y, X), frame.codes, frame.J, _sizes(frame))


def two_way(frame: Frame) -> tuple[Regression, dict, TwoWay]:
    """Least squares of what effects of groups and times leave (Baltagi, 2013, sections 3.2 and 9.4)."""
    if frame.times is None:
        raise DataError("effects='two-way' needs the second set of effects: name its column in time=, as in time='year'.")
    sweep = TwoWay(frame.codes, frame.times, frame.J, len(frame.time_levels), frame.design.weights)
    y, X = sweep.residuals(frame.y), sweep.residuals(frame.X)
    return *regress(*_rooted(frame, y, X), frame.codes, sweep.rank, _sizes(frame)), sweep


def first_difference(frame: Frame) -> tuple[Regression, dict, int]:
    """Least squares of each row less the one before it in its group; also how many differences bridge a gap."""
    if frame.times is None:
        raise DataError("effects='first-difference' needs the order of the rows: name its column in time=, as in time='year'.")
    later, earlier, gaps = frame.pairs()
    if not len(later):
        raise DataError(f"Every group of {frame.group!r} has one row: there are no differences to take.")
    size = np.sqrt((frame.X[later] ** 2 + frame.X[earlier] ** 2).sum(axis=0))
    X = frame.X[later] - frame.X[earlier]
    return *regress(frame.y[later] - frame.y[earlier], X, frame.codes[later], size=size), gaps


def between(frame: Frame) -> tuple[Regression, dict]:
    """Least squares of group means, each group counted once (Baltagi, 2013, equation 2.36)."""
    size = np.sqrt((frame.X ** 2).mean(axis=0) * frame.J)
    return regress(frame.means(frame.y), frame.means(frame.X), np.arange(frame.J), size=size, what="coefficients of means")
