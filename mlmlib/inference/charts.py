"""Coordinates in which one standard deviation, correlation or share of a covariance structure is held at a value.

The relative covariance of a term's effects is D = L L'. Each chart writes L as a function of free coordinates x and
of the held value v, with exact first and second derivatives, so that a search over x never leaves the models in which
the parameter is v. For an unstructured term the effect in question is put first: then its variance is the first
diagonal element of the triangular factor, squared, and the correlation of the first two is the direction of the
second row. Zero standard deviations and correlations of one are ordinary values of v.

Chapter 7 (``07_estimation``) derives the triangular factor; Chapter 8 (``08_inference``) profiles with it.

References
----------
Pinheiro, J. C., & Bates, D. M. (1996). Unconstrained parametrizations for variance-covariance matrices.
Statistics and Computing, 6, 289-296.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..covariance import lower_factor

__all__ = ["Spot", "icc_chart", "correlation_chart", "sd_chart"]


@dataclass(frozen=True)
class Spot:
    """A term's factor at one point of a chart.

    Attributes
    ----------
    L : ndarray, shape (q, q)
    tangents : ndarray, shape (m, q, q)
        First derivatives in the coordinates.
    seconds : list of (int, int, ndarray)
        Second derivatives that are not zero.
    slope : ndarray, shape (q, q)
        Derivative in the held value; NaN at a bound where it has none.
    log_sigma : float or None
        Log of the residual SD where it is the first coordinate; None where it is left to be profiled out.
    """

    L: np.ndarray
    tangents: np.ndarray
    slope: np.ndarray
    seconds: list = field(default_factory=list)
    log_sigma: float | None = None


def sd_chart(shape, back: np.ndarray, effect: int):
    """The chart that holds the SD of an effect (and of those that share it).

    Parameters
    ----------
    shape : Structure
    back : ndarray, shape (q, q)
        From working effects to the reader's.
    effect : int
    """
    if shape.name == "exchangeable":
        return _ExchangeableAmount(shape, back)
    return _Amount(*_lead(shape, back, effect))


def icc_chart(shape, back: np.ndarray, effect: int):
    """The chart that holds T_aa / (T_aa + sigma^2), the ICC where the other effects' columns are zero."""
    if shape.name == "exchangeable":
        return _ExchangeableAmount(shape, back, ratio=True)
    return _Amount(*_lead(shape, back, effect), ratio=True)


def correlation_chart(shape, back: np.ndarray, first: int, second: int):
    """The chart that holds the correlation of two effects."""
    if shape.name == "exchangeable":
        return _ExchangeableCorrelation(shape)
    return _Correlation(back, first, second)


def _lead(shape, back, effect):
    """Rotation P, the matrix that one unit of SD stands on, and the free ones beside it (coordinates of P L)."""
    q = len(back)
    if shape.rescaling != "any":
        held = shape.sd[effect]
        shared = np.flatnonzero(shape.sd == held)
        mine = shape.basis[:, shared[0], shared[0]] != 0
        return np.eye(q), shape.basis[mine][0] / back[effect, effect], shape.basis[~mine], shape
    P = _rows_first(back[[effect]])
    lead = np.zeros((q, q))
    lead[0, 0] = 1.0 / np.linalg.norm(back[effect])
    rows, columns = np.tril_indices(q)
    free = np.zeros((len(rows) - 1, q, q))
    free[np.arange(len(free)), rows[1:], columns[1:]] = 1.0
    return P, lead, free, None


def _rows_first(rows: np.ndarray) -> np.ndarray:
    """The given rows at length one, and orthonormal rows at right angles to them."""
    rows = rows / np.linalg.norm(rows, axis=1)[:, None]
    _, _, V = np.linalg.svd(rows)
    return np.concatenate([rows, V[len(rows):]])


class _Amount:
    """P L = amount * lead + sum_k x_k free_k.

    The amount is v / s for a SD v, and log s (s the residual SD) the first coordinate; for a ratio of variances it is a
    function of v alone.
    """

    def __init__(self, P, lead, free, shape, ratio=False):
        self.P, self.lead, self.free, self.shape, self.ratio = P, lead, free, shape, ratio
        below = [shape is None and bool(matrix[:, 0].any()) for matrix in free]
        self.first = np.array(below, dtype=bool)  # coordinates in the held effect's column

    def encode(self, L, log_s, value) -> np.ndarray:
        """Coordinates near a given factor; the held value replaces its own."""
        if self.shape is not None:
            theta = self.shape.theta(L @ L.T)
            x = np.array([theta @ (self.shape.basis * matrix).sum(axis=(1, 2)) / (matrix * matrix).sum()
                          for matrix in self.free])
        else:
            factor = np.zeros_like(L)
            if value > 0:
                factor = lower_factor(self.P @ L)
            elif len(L) > 1:  # what the first column carried goes to the others
                factor[1:, 1:] = lower_factor((self.P @ L)[1:])
            x = (self.free * factor).sum(axis=(1, 2))
        return x if self.ratio else np.concatenate([[log_s], x])

    def decode(self, x, value) -> Spot:
        free = self.free
        if value == 0:  # a zero row: its column is redundant
            free = free * ~self.first[:, None, None]
        P = self.P.T
        if self.ratio:
            amount, rise = _amount(value)
            return Spot(P @ (amount * self.lead + _mix(x, free)), P @ free, rise * (P @ self.lead))
        per = np.exp(-x[0])
        held = value * per * (P @ self.lead)
        tangents = np.concatenate([-held[None], P @ free])
        slope = per * (P @ self.lead)
        if value == 0 and self.first.any():  # the best covariances with the others set in with a slope of their own
            slope = np.full_like(slope, np.nan)
        return Spot(held + P @ _mix(x[1:], free), tangents, slope, [(0, 0, held)], float(x[0]))


class _ExchangeableAmount:
    """One variance for all q effects: the mean of the effects and deviations from it share it, by an angle."""

    def __init__(self, shape, back, ratio=None):
        q = len(back)
        self.shape, self.ratio = shape, ratio
        self.axes = shape.basis * np.sqrt([q / (q - 1.0), q])[:, None, None] / back[0, 0]

    def encode(self, L, log_s, value) -> np.ndarray:
        theta, q = self.shape.theta(L @ L.T), len(L)
        angle = np.arctan2(theta[1] / np.sqrt(q), theta[0] * np.sqrt((q - 1.0) / q))
        return np.array([angle] if self.ratio else [log_s, angle])

    def decode(self, x, value) -> Spot:
        angle = x[-1]
        along = np.cos(angle) * self.axes[0] + np.sin(angle) * self.axes[1]
        across = np.cos(angle) * self.axes[1] - np.sin(angle) * self.axes[0]
        if self.ratio:
            amount, rise = _amount(value)
            return Spot(amount * along, amount * across[None], rise * along, [(0, 0, -amount * along)])
        per = np.exp(-x[0])
        held, turned = value * per * along, value * per * across
        seconds = [(0, 0, held), (0, 1, -turned), (1, 0, -turned), (1, 1, -held)]
        return Spot(held, np.stack([-held, turned]), per * along, seconds, float(x[0]))


class _Correlation:
    """P L = [t1; r t2, root(1 - r^2) t2; free rows], with t1 and t2 squares of coordinates: neither is negative."""

    def __init__(self, back, first, second):
        q = len(back)
        self.P = _rows_first(back[[first, second]])
        self.inverse = np.linalg.inv(self.P)
        rows, columns = np.tril_indices(q)
        rows, columns = rows[rows > 1], columns[rows > 1]
        self.rows, self.columns = rows, columns
        units = np.zeros((len(rows), q, q))
        units[np.arange(len(rows)), rows, columns] = 1.0
        self.free = self.inverse @ units

    def encode(self, L, log_s, value) -> np.ndarray:
        factor = lower_factor(self.P @ L)
        sizes = np.array([factor[0, 0], np.hypot(factor[1, 0], factor[1, 1])])
        return np.concatenate([np.maximum(np.sqrt(sizes), 0.05), factor[self.rows, self.columns]])

    def decode(self, x, value) -> Spot:
        rest = np.sqrt(max(1.0 - value * value, 0.0))
        one, two, turned = np.zeros((3, len(self.P), len(self.P)))
        one[0, 0] = 1.0
        two[1, 0], two[1, 1] = value, rest
        turned[1, 0], turned[1, 1] = 1.0, -value / rest if rest > 0 else np.nan
        one, two, turned = self.inverse @ one, self.inverse @ two, self.inverse @ turned
        L = x[0] ** 2 * one + x[1] ** 2 * two + _mix(x[2:], self.free)
        tangents = np.concatenate([[2.0 * x[0] * one, 2.0 * x[1] * two], self.free])
        return Spot(L, tangents, x[1] ** 2 * turned, [(0, 0, 2.0 * one), (1, 1, 2.0 * two)])


class _ExchangeableCorrelation:
    """One coordinate, the size: the correlation fixes the ratio of the two axes."""

    def __init__(self, shape):
        self.shape = shape

    def encode(self, L, log_s, value) -> np.ndarray:
        return np.array([max(np.sqrt(np.trace(L @ L.T) / len(L)), 0.05)])

    def decode(self, x, value) -> Spot:
        q = len(self.shape.sd)
        roots = np.sqrt(np.maximum([1.0 - value, 1.0 + (q - 1.0) * value], 0.0))
        unit = _mix(roots, self.shape.basis)
        with np.errstate(divide="ignore"):
            rises = np.where(roots > 0, np.array([-0.5, 0.5 * (q - 1.0)]) / roots, np.nan)
        return Spot(x[0] * unit, unit[None], x[0] * _mix(rises, self.shape.basis))


def _amount(rho: float) -> tuple[float, float]:
    """The relative SD at an intraclass correlation, and its derivative (there is none at zero)."""
    amount = np.sqrt(rho / (1.0 - rho))
    return amount, np.nan if rho == 0 else amount / (2.0 * rho * (1.0 - rho))


def _mix(x, matrices) -> np.ndarray:
    return np.tensordot(x, matrices, 1)
