"""Profile likelihood of generalized linear mixed models.

A parameter is held by coordinates in which it is fixed: of a coefficient the others at right angles to it, of a standard
deviation or a correlation the charts of `mlmlib.inference.charts`, of a parameter of the density all elements of psi but
one, which is solved for.  In these the criterion is searched by quasi-Newton steps with its exact gradient, begun at the
nearest constrained fit with the curvature of the working linear mixed model.  The envelope theorem gives the slope in the
held value.

Chapter 16 (``16_binary``) draws a profile; Chapter 8 (``08_inference``) derives it.

References
----------
Venzon, D. J., & Moolgavkar, S. H. (1988). A method for computing profile-likelihood-based confidence intervals.
Applied Statistics, 37, 87-94.
"""

from __future__ import annotations

from typing import Any

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..glmm.laplace import LaplaceAt
from ..glmm.search import curvature, quasi_newton
from .charts import correlation_chart, sd_chart
from .constrained import Optimum
from .generalized_nesting import refuse_kinds
from .generalized_parameters import GeneralizedParameters, shared
from .profile_track import Parameter, atanh_guess, linear_guess, log_guess, logit_guess

__all__ = ["generalized_better", "generalized_names", "generalized_optimum", "generalized_parameter", "generalized_starts",
           "generalized_values", "profile_of_combination"]

_ENOUGH = 1e-8  # decrease that a further step promises, at which a constrained fit counts as found
_FAR = 1e7  # multiple of a positive parameter beyond which nothing is looked for
_WIDE = 1e4  # the same of others, in standard errors


def generalized_names(fit, of, reml: bool) -> list[str]:
    """The parameters asked for, refusing what is none."""
    refuse_kinds((fit,))
    if reml:
        raise ValueError("reml=True is for linear mixed models: a generalized one has no REML criterion. Leave it out.")
    known = list(GeneralizedParameters(fit).names)
    names = known if of is None else [of] if isinstance(of, str) else list(of)
    for name in names:
        if name not in known:
            raise ValueError(f"{name!r} is not a parameter of this model; it has {', '.join(known)}.")
    return names


def generalized_optimum(fit) -> Optimum:
    """The estimates in the form of a constrained fit; its `L` is the state (L, psi, modes)."""
    b, _, psi = fit.model.criterion.split(fit._at.x)
    L = fit.model.criterion.factor(fit._at.x)
    return Optimum(math.nan, fit._at.value, 0.0, (b, L, psi, fit._at.modes.v), 1.0, b, fit.converged)


def generalized_starts(fit) -> list:
    """Where searches may begin: the estimates, and no correlations between random effects."""
    found = generalized_optimum(fit)
    b, L, psi, v = found.L
    if not len(L):
        return [(found.L, 1.0)]
    plain = fit.model.plain_factor(max(0.3, float(np.sqrt(np.mean(np.diagonal(L @ L.T))))))
    return [(found.L, 1.0), ((b, plain, psi, np.zeros_like(v)), 1.0)]


def generalized_values(fit, optimum: Optimum) -> np.ndarray:
    """All parameters at a constrained fit, in the order of their names."""
    b, L, psi, _ = optimum.L
    T = [(back @ L[block, block]) @ (back @ L[block, block]).T
         for back, block in zip(fit.model.z_maps, fit.model.blocks)]
    return GeneralizedParameters(fit).at(fit._back @ b, T, [row[1] for row in shared(fit, psi)])


def generalized_better(fit, optimum: Optimum):
    """The fit that a constrained one has shown to be there: the search goes on from it."""
    b, L, psi, _ = optimum.L
    model = fit.model
    x = np.concatenate([b, np.zeros(model.criterion.m), psi])
    return type(fit)(model, *model.fit(model.criterion.replaced(x, L) if len(L) else x))


def generalized_parameter(fit, name: str) -> Parameter:
    """One parameter of a fit, ready to be held at other values."""
    known = GeneralizedParameters(fit)
    place = known.names.index(name)
    estimate = float(known.values()[place])
    variance = known.covariance()[place, place]
    se = math.sqrt(variance) if variance >= 0 else math.nan
    if place < known.p:
        return _open(name, estimate, se, _Coefficient(fit, fit._back[place]))
    if place >= known.middle:
        return _of_density(fit, known, place - known.middle, estimate, se)
    k, a, c = known._sources[place - known.p]
    shape, back = fit.model.structures[k], fit.model.z_maps[k]
    if a == c:
        unit = _unit(fit, k, a)
        estimate = estimate if estimate > 1e-4 * float(np.linalg.norm(back[a])) else 0.0
        return Parameter(name, estimate, 0.0, math.inf, _Covariance(fit, k, sd_chart(shape, back, a)),
                         log_guess(estimate, se, unit))
    lower = -1.0 / (len(back) - 1.0) if shape.name == "exchangeable" else -1.0
    alone = (a,) if shape.sd[a] == shape.sd[c] else (a, c)
    without = [_Covariance(fit, k, sd_chart(shape, back, effect)) for effect in alone]
    held = _Correlation(fit, k, correlation_chart(shape, back, a, c), without, generalized_starts(fit))
    if math.isfinite(estimate):
        estimate = math.copysign(1.0, estimate) if abs(estimate) > 1 - 1e-9 else estimate
        estimate = max(estimate, lower) if estimate > lower + 1e-9 else lower
    return Parameter(name, estimate, lower, 1.0, held, atanh_guess(estimate, se, lower))


def _of_density(fit, known, k: int, estimate: float, se: float) -> Parameter:
    name, held, scale = known.names[known.middle + k], _OfDensity(fit, k), known.own[k][3]
    se = se if math.isfinite(se) and se > 0 else 1.0
    if scale == "log":
        return Parameter(name, estimate, estimate / _FAR, estimate * _FAR, held, log_guess(estimate, min(se, 0.9), 0.0),
                         (0.0, math.inf))
    if scale == "logit":
        return Parameter(name, estimate, min(1e-9, estimate), 1.0 - 1e-9, held,
                         logit_guess(estimate, min(se, 1.9)), (0.0, 1.0))
    return _open(name, estimate, se, held)


def _open(name: str, estimate: float, se: float, held) -> Parameter:
    """A parameter on the real line; where the likelihood is flat to one side, its interval has no end there."""
    se = se if math.isfinite(se) and se > 0 else 1.0
    return Parameter(name, estimate, estimate - _WIDE * se, estimate + _WIDE * se, held, linear_guess(estimate, se),
                     (-math.inf, math.inf))


def _unit(fit, k: int, effect: int) -> float:
    """About how large a standard deviation must be to be seen."""
    q, block, row = fit.model.blocks[-1].stop, fit.model.blocks[k], fit.model.z_maps[k][effect]
    E = np.zeros((1, q, q))
    E[0, block, block] = np.outer(row, row) / float(row @ row)
    found = float(fit._at.modes.inverse.information(E)[0, 0])
    return float(np.linalg.norm(row)) * (2.0 / max(found, 1e-12)) ** 0.25


@dataclass(frozen=True)
class _At(LaplaceAt):
    """The criterion where a parameter is held; `inner` is the criterion itself there, `slope` the one in the held value."""

    inner: LaplaceAt
    slope: float


class _Held:
    """A criterion in coordinates that leave one parameter as it is.

    A subclass gives ``encode(b, L, psi, value)``, coordinates, and ``decode(y, value)``: the point x of `criterion`, its
    derivatives (len(x), len(y)), and the derivative of x in the held value.
    """

    decode: Any
    encode: Any

    def __init__(self, fit):
        model = fit.model
        self.blocks, self.basis = model.blocks, model.basis
        self.criterion = model.criterion
        self.value = math.nan

    def free_basis(self) -> np.ndarray:
        """Every entry of the blocks of L by itself, shape (m, q, q)."""
        q = self.blocks[-1].stop
        inside = np.zeros((q, q), dtype=bool)
        for block in self.blocks:
            inside[block, block] = True
        units = np.zeros((int(inside.sum()), q, q))
        units[(np.arange(len(units)), *np.nonzero(inside))] = 1.0
        return units

    # what `quasi_newton` asks of a criterion

    def __call__(self, y: np.ndarray, v: np.ndarray | None = None) -> _At:
        x, turn, rise = self.decode(y, self.value)
        inner = self.criterion(x, v) if np.isfinite(x).all() else LaplaceAt(x, np.inf, None, None)
        if not np.isfinite(inner.value):
            return _At(y, np.inf, None, inner.modes, inner, 0.0)
        slope = float(inner.gradient @ rise) if np.isfinite(rise).all() else math.nan
        return _At(y, inner.value, inner.gradient @ turn, inner.modes, inner, slope)

    def ahead(self, at: _At, y: np.ndarray) -> np.ndarray:
        x = self.decode(y, self.value)[0]
        return self.criterion.ahead(at.inner, x) if np.isfinite(x).all() else at.modes.v

    def solve(self, value: float, L, s2: float) -> Optimum:
        """The best fit with the parameter at `value`, sought from the state `L`."""
        self.value = value
        b, factor, psi, v = L
        at = self(self.encode(b, factor, psi, value), v)
        if not np.isfinite(at.value):
            at = self(at.x, np.zeros_like(v))
        if not np.isfinite(at.value):
            return Optimum(value, math.inf, 0.0, L, 1.0, b, False)
        decrement = 0.0
        if len(at.x):
            _, turn, _ = self.decode(at.x, value)
            B = turn.T @ curvature(self.criterion, at.inner) @ turn
            at, _, _, decrement = quasi_newton(self, at, _positive(B))
        b, _, psi = self.criterion.split(at.inner.x)
        state = (b, self.criterion.factor(at.inner.x), psi, at.modes.v)
        return Optimum(value, at.value, at.slope, state, 1.0, b, bool(decrement < _ENOUGH))


def _positive(B: np.ndarray) -> np.ndarray:
    values, axes = np.linalg.eigh(0.5 * (B + B.T))
    return (axes * np.maximum(values, 1e-6 * max(float(values[-1]), 1e-6))) @ axes.T


class _Coefficient(_Held):
    """A coefficient, or another combination `row` of those in the model's own columns, held at a value."""

    def __init__(self, fit, row: np.ndarray):
        super().__init__(fit)
        self.row = row
        self.unit = self.row / (self.row @ self.row)
        self.others = np.linalg.svd(self.row[None])[2][1:].T  # at right angles
        p, size = len(self.row), len(fit._at.x)
        self.turn = np.zeros((size, size - 1))
        self.turn[:p, :p - 1] = self.others
        self.turn[p:, p - 1:] = np.eye(size - p)
        self.rise = np.concatenate([self.unit, np.zeros(size - p)])

    def encode(self, b, L, psi, value):
        x = np.concatenate([b, np.zeros(self.criterion.m), psi])
        return self.turn.T @ (self.criterion.replaced(x, L) if self.criterion.m else x)

    def decode(self, y, value):
        return self.turn @ y + value * self.rise, self.turn, self.rise


class _Covariance(_Held):
    """A standard deviation or correlation of one term held at a value, by a chart of the term's factor."""

    def __init__(self, fit, term: int, chart):
        super().__init__(fit)
        self.term, self.chart = term, chart
        self.criterion = self.criterion.in_basis(self.free_basis())
        self.tied = not hasattr(chart, "inverse") and chart.__class__.__name__ != "_ExchangeableCorrelation"
        own = self.blocks[term]
        self.rest = self.basis[[not E[own, own].any() for E in self.basis]]

    def encode(self, b, L, psi, value):
        block = self.blocks[self.term]
        own = self.chart.encode(L[block, block], 0.0, value)
        others = np.tensordot(self.rest, L, 2) / np.maximum((self.rest ** 2).sum(axis=(1, 2)), 1e-300)
        return np.concatenate([b, own[int(self.tied):], others, psi])

    def decode(self, y, value):
        p, m, block = self.criterion.p, self.criterion.m, self.blocks[self.term]
        count = len(y) - p - len(self.rest) - (self.size_of_psi())
        own = y[p:p + count]
        spot = self.chart.decode(np.concatenate([[0.0], own]) if self.tied else own, value)
        tangents = spot.tangents[int(self.tied):]
        others = y[p + count:p + count + len(self.rest)]
        L = np.tensordot(others, self.rest, 1) if len(self.rest) else np.zeros(self.basis.shape[1:])
        L[block, block] = spot.L
        inside = self.criterion.basis.astype(bool).any(axis=0)
        turn = np.zeros((p + m + self.size_of_psi(), len(y)))
        turn[:p, :p] = np.eye(p)
        wide = np.zeros((count, *L.shape))
        wide[:, block, block] = tangents
        turn[p:p + m, p:p + count] = wide[:, inside].T
        turn[p:p + m, p + count:p + count + len(self.rest)] = self.rest[:, inside].T
        turn[p + m:, p + count + len(self.rest):] = np.eye(self.size_of_psi())
        slope = np.zeros_like(L)
        slope[block, block] = spot.slope
        rise = np.concatenate([np.zeros(p), slope[inside], np.zeros(self.size_of_psi())])
        return np.concatenate([y[:p], L[inside], y[len(y) - self.size_of_psi():]]), turn, rise

    def size_of_psi(self) -> int:
        return len(self.criterion.density.psi_names)


class _Correlation(_Covariance):
    """A correlation held at a value; one of its two effects may also not vary at all, and it then says nothing."""

    def __init__(self, fit, term: int, chart, without, starts):
        super().__init__(fit, term, chart)
        self.without, self.starts = without, starts

    @cached_property
    def _zero(self) -> Optimum:
        """The best fit in which one of the two effects does not vary."""
        return min((held.solve(0.0, *start) for held in self.without for start in self.starts), key=lambda fit: fit.value)

    def solve(self, value: float, L, s2: float) -> Optimum:
        found = super().solve(value, L, s2)
        if found.value > self._zero.value - 0.01:
            found = min([found, *(super(_Correlation, self).solve(value, *start) for start in self.starts)],
                        key=lambda fit: fit.value)
        return found if found.value <= self._zero.value else replace(self._zero, held=value, slope=0.0)


class _OfDensity(_Held):
    """A parameter of the density held at a value: the element of psi that moves it most is solved for."""

    def __init__(self, fit, k: int):
        super().__init__(fit)
        self.fit, self.k = fit, k
        size = len(fit._at.x)
        self.first = size - len(fit._psi)
        _, _, slopes, scale = shared(fit)[k]  # a threshold moves with the first one, by as much
        self.own = self.first + int(np.flatnonzero(slopes)[0] if scale == "identity" else np.argmax(np.abs(slopes)))
        self.rest = [j for j in range(size) if j != self.own]

    def encode(self, b, L, psi, value):
        x = np.concatenate([b, np.zeros(self.criterion.m), psi])
        self.near = float(x[self.own])
        return (self.criterion.replaced(x, L) if self.criterion.m else x)[self.rest]

    def decode(self, y, value):
        x = np.insert(y, self.own, self.near)
        log = shared(self.fit)[self.k][3]
        for _ in range(200):
            _, now, slopes, _ = shared(self.fit, x[self.first:])[self.k]
            steep = slopes[self.own - self.first]
            if log == "log":
                step = np.log(value / now) * now / steep
            elif log == "logit":
                step = (np.log(value / (1 - value)) - np.log(now / (1 - now))) * now * (1 - now) / steep
            else:
                step = (value - now) / steep
            x[self.own] += np.clip(step, -3.0, 3.0) if log != "identity" else step
            if abs(step) < 1e-15 * (1.0 + abs(x[self.own])):
                break
        _, now, slopes, _ = shared(self.fit, x[self.first:])[self.k]
        steep = slopes[self.own - self.first]
        turn = np.zeros((len(x), len(y)))
        turn[self.rest, np.arange(len(y))] = 1.0
        moves = np.concatenate([np.zeros(self.first), slopes])[self.rest]
        turn[self.own] = -moves / steep
        rise = np.zeros(len(x))
        rise[self.own] = 1.0 / steep
        return x, turn, rise


def profile_of_combination(fit, weights: np.ndarray, name: str, level: float) -> tuple[float, float]:
    """Profile-likelihood interval of a linear combination of coefficients."""
    from ..results import normal_quantile
    from .profile import _ends
    from .profile_track import Track
    refuse_kinds((fit,))
    se = math.sqrt(float(weights @ fit._cov @ weights))
    here = _open(name, float(weights @ fit._params), se, _Coefficient(fit, weights @ fit._back))
    return _ends(Track(here, generalized_optimum(fit), generalized_starts(fit)), normal_quantile(level))
