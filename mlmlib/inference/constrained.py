"""The best fit in which one parameter of a linear mixed model is held at a value.

A fixed effect is held by moving its column to the outcome: with c'b = v the model is that of y - X c v / c'c on the
columns of X at right angles to c, and all that the criterion needs of them are linear maps of what it has already.
The parameters of the random part are held by charts of the covariance factor (:mod:`mlmlib.inference.charts`), with
the residual variance as a coordinate of its own where the held one ties it down. Either way an unconstrained search
with exact derivatives is left, and the slope of its minimum in v comes for nothing, by the envelope theorem.

Chapter 7 (``07_estimation``) derives the criterion; Chapter 8 (``08_inference``) holds its parameters.

References
----------
Bates, D., Maechler, M., Bolker, B., & Walker, S. (2015). Fitting linear mixed-effects models using lme4.
Journal of Statistical Software, 67(1), section 5.1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..lmm.elimination import OneFactor
from ..lmm.optimise import minimize

__all__ = ["HeldCorrelation", "HeldFixedEffect", "HeldVariance", "Optimum"]


@dataclass(frozen=True)
class Optimum:
    """The best fit with a parameter held.

    Attributes
    ----------
    held : float
        The value at which the parameter is held.
    value : float
        -2 log-likelihood (or the REML criterion).
    slope : float
        Derivative of `value` in `held`.
    L : ndarray, shape (q, q)
        Relative covariance factor, in working columns; of models that hold more at once the tuple that a search begins from.
    s2 : float
        Residual variance.
    b : ndarray, shape (p,)
        Fixed effects, in working columns.
    converged : bool
    """

    held: float
    value: float
    slope: float
    L: Any
    s2: float
    b: np.ndarray
    converged: bool


class _Mapped:
    """An elimination for linear combinations of its columns [X y]."""

    def __init__(self, elimination, columns: np.ndarray):
        self.base, self.columns, self.q = elimination, columns, elimination.q
        self.C = columns.T @ elimination.C @ columns

    def eliminate(self, L):
        whole = self.base.eliminate(L)
        M = self.columns.T
        return replace(whole, S=M @ whole.S @ M.T, W=M @ whole.W, U=M @ whole.U)


class HeldFixedEffect:
    """A coefficient held at a value, by maximum likelihood.

    Parameters
    ----------
    model : LmmModel
        Of an ML fit.
    place : int
        Which coefficient.
    """

    def __init__(self, model, place: int):
        self.model = model
        self.row = np.linalg.inv(model.x_map).T[place]
        self.unit = self.row / (self.row @ self.row)
        self.others = np.linalg.svd(self.row[None])[2][1:].T  # columns at right angles

    def solve(self, value: float, L: np.ndarray, s2: float) -> Optimum:
        """The best fit with the coefficient at `value`, sought from L."""
        criterion, p = self.model.criterion, len(self.row)
        shift = (value - self.row @ self.model.start_b) * self.unit
        columns = np.zeros((p + 1, p))
        columns[:p, :-1], columns[:p, -1], columns[p, -1] = self.others, -shift, 1.0
        base = criterion.elimination
        mapped = _Mapped(base, columns) if isinstance(base, OneFactor) else base.mapped(columns)
        held = type(criterion)(mapped, criterion.structures, criterion.degrees, False, criterion.constant)
        minimum = minimize(held.settle(L), held.advance)
        at = minimum.at
        b = self.others @ at.b + shift
        residual = np.append(-b, 1.0) @ criterion.elimination.eliminate(at.L).S
        return Optimum(value, at.value, -2.0 * float(residual[:p] @ self.unit) / at.s2, at.L, at.s2, b,
                       minimum.converged)


@dataclass(frozen=True)
class _Point:
    """The criterion where a parameter is held, as the search needs it."""

    x: np.ndarray
    value: float
    gradient: np.ndarray
    hessian: np.ndarray
    slope: float
    L: np.ndarray
    s2: float
    b: np.ndarray


class HeldVariance:
    """A parameter of the random part held at a value; the criterion is the model's own, ML or REML.

    Parameters
    ----------
    model : LmmModel
    term : int or None
        The term whose factor the chart describes; None where sigma is held.
    chart : object, optional
        From :mod:`mlmlib.inference.charts`.
    """

    def __init__(self, model, term: int | None = None, chart=None):
        self.criterion, self.term, self.chart = model.criterion, term, chart
        places = self.criterion.places
        own = range(places[term].start, places[term].stop) if chart else ()
        self.rest = [k for k in range(len(self.criterion.basis)) if k not in own]

    def solve(self, value: float, L: np.ndarray, s2: float) -> Optimum:
        """The best fit with the parameter at `value`, sought from L and s2."""
        theta = np.concatenate([shape.theta(L[block, block] @ L[block, block].T)
                                for shape, block in zip(self.criterion.structures, self.criterion.blocks)])
        x = theta[self.rest]
        if self.chart:
            block = self.criterion.blocks[self.term]
            x = np.concatenate([self.chart.encode(L[block, block], 0.5 * np.log(s2), value), x])
        start = self._point(x, value)
        if not len(x):
            return Optimum(value, start.value, start.slope, start.L, start.s2, start.b, True)
        minimum = minimize(start, lambda at, step: self._point(at.x + step, value))
        at = minimum.at
        return Optimum(value, at.value, at.slope, at.L, at.s2, at.b, minimum.converged)

    def _point(self, x, value) -> _Point:
        criterion, basis = self.criterion, self.criterion.basis[self.rest]
        q = criterion.basis.shape[1]
        own, m = 0, len(x)
        tangents, seconds, slope = np.zeros((m, q, q)), [], np.zeros((q, q))
        L, log_s, in_x, in_value = np.zeros((q, q)), None, np.zeros(m), 0.0
        if self.chart:
            block, own = criterion.blocks[self.term], m - len(basis)
            spot = self.chart.decode(x[:own], value)
            L[block, block], slope[block, block], log_s = spot.L, spot.slope, spot.log_sigma
            tangents[:own, block, block] = spot.tangents
            seconds = [(i, j, block, matrix) for i, j, matrix in spot.seconds]
            in_x[:1] = log_s is not None
        else:
            log_s, in_value = float(np.log(value)), 1.0 / value
        tangents[own:] = basis
        L = L + np.tensordot(x[own:], basis, 1)
        at = criterion.evaluate(L, criterion.basis[:1])
        N, level = criterion.degrees, 0.0
        if log_s is not None:
            at, level = criterion.at_variance(at, np.exp(2.0 * log_s))
        GL = at.Gamma @ L
        E = tangents @ L.T
        curve, fit = criterion.search_curvature(at, E + E.transpose(0, 2, 1))
        flat = tangents.reshape(m, q * q)
        gradient = 2.0 * flat @ GL.ravel() + level * in_x
        hessian = curve + 2.0 * (at.Gamma @ tangents).reshape(m, q * q) @ flat.T
        if log_s is None:
            hessian -= np.outer(fit, fit) / N
        else:
            cross = np.outer(fit, in_x)
            hessian += 2.0 * (cross + cross.T) + 2.0 * (2.0 * N - level) * np.outer(in_x, in_x)
        for i, j, block, matrix in seconds:
            hessian[i, j] += 2.0 * float((GL[block, block] * matrix).sum())
        rise = 2.0 * float((GL * slope).sum()) + level * in_value
        return _Point(x, at.value, gradient, hessian, rise, L, float(at.s2), at.b)


class HeldCorrelation(HeldVariance):
    """A correlation held at a value.

    Whatever the value, one of the two effects may not vary at all, and the correlation then says nothing: the fits
    without the one and without the other are candidates at every value.  A search that comes near them is begun again
    from elsewhere, because they draw searches in from afar.

    Parameters
    ----------
    model : LmmModel
    term : int
    chart : object
    without : list of HeldVariance
        The standard deviations that may be zero.
    starts : list of (ndarray, float)
        Factors L and residual variances to begin again from.
    """

    def __init__(self, model, term: int, chart, without, starts):
        super().__init__(model, term, chart)
        self.without, self.starts = without, starts

    @cached_property
    def _zero(self) -> Optimum:
        """The best fit in which one of the two effects does not vary."""
        return min((held.solve(0.0, *start) for held in self.without for start in self.starts), key=lambda fit: fit.value)

    def solve(self, value: float, L: np.ndarray, s2: float) -> Optimum:
        """The best fit with the correlation at `value`, sought from L and s2."""
        found = super().solve(value, L, s2)
        if found.value > self._zero.value - 0.01:
            found = min([found, *(super(HeldCorrelation, self).solve(value, *start) for start in self.starts)],
                        key=lambda fit: fit.value)
        return found if found.value <= self._zero.value else replace(self._zero, held=value, slope=0.0)
