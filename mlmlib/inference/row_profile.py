"""Profile likelihood of models with a structure of their residuals.

A parameter of the model is held at a value with psi, the structure's parameters, given: that is the constrained fit of
`mlmlib.inference.constrained` on whitened rows.  Its minimum is a function of psi, which is searched by a quasi-Newton
method begun with the curvature at the estimates.  A parameter of the structure is held by giving up one element of psi,
for which the others are solved.  The slope in the held value comes from the envelope theorem in both.

Chapter 14 (``14_growth_shapes``) uses it; Chapter 8 (``08_inference``) derives the profile.

References
----------
Nocedal, J., & Wright, S. J. (2006). Numerical Optimization (2nd ed.). Springer, chapter 6.
Venzon, D. J., & Moolgavkar, S. H. (1988). Applied Statistics, 37, 87-94.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

import numpy as np

from ..errors import DataError
from .constrained import HeldFixedEffect, HeldVariance, Optimum
from .parameters import Parameters
from .profile_track import Parameter, linear_guess, log_guess

__all__ = ["better_fit", "row_optimum", "row_parameter", "row_starts", "row_values"]

_STEP = 1e-3  # of differences in psi
_FAR = 30.0  # psi beyond which nothing is looked for
_BOUNDS = {"correlation": (-1.0, 1.0), "positive": (0.0, math.inf), "share": (0.0, 1.0), "real": (-math.inf, math.inf)}


def row_optimum(fit) -> Optimum:
    """The estimates in the form of a constrained fit; its `L` is the pair (psi, L)."""
    at = fit._at
    return Optimum(math.nan, at.value, 0.0, (fit.model.psi, at.L), at.s2, at.b, fit.converged)


def row_starts(fit) -> list:
    """Where searches may begin: the estimates, and no correlations between random effects."""
    starts = [((fit.model.psi, fit._at.L), fit._at.s2)]
    if fit.design.random:
        plain = fit.model.criterion(fit.model.plain_start(1.0))
        starts.append(((fit.model.psi, plain.L), plain.s2))
    return starts


def row_values(fit, optimum: Optimum) -> np.ndarray:
    """All parameters at a constrained fit, in the order of `all_names`."""
    from .profile_parameters import parameter_values
    psi, L = optimum.L
    values, rows = parameter_values(fit, replace(optimum, L=L)), fit.model.rows
    values[-1] *= np.exp(-np.mean(rows.log_sd(psi)))
    return np.concatenate([values, rows.natural(psi)])


def row_parameter(fit, name: str) -> Parameter:
    """One parameter of a fit, ready to be held at other values."""
    from .profile_parameters import plain_parameter
    model = fit.model
    names = [parameter.name for parameter in model.rows.parameters]
    if name in names:
        return _of_structure(fit, names.index(name))
    own = Parameters(fit).names
    if name == own[-1]:
        se = math.sqrt(fit.variance_cov()[1][-1, -1])
        se = se if math.isfinite(se) else 1.0 / math.sqrt(2.0 * model.criterion.degrees)
        held = HeldVariance(model) if model.design.random else _HeldSigma(model)
        return Parameter(name, fit.sigma, 1e-3 * fit.sigma, math.inf, _HeldRow(model, held, sigma=True),
                         log_guess(fit.sigma, se, 0.0))
    if name not in own and model.rows.variances:
        raise DataError("With unequal residual variances there is no one ICC; name standard deviations instead.")
    found = plain_parameter(fit, name)
    without = [_HeldRow(model, held) for held in getattr(found.held, "without", ())]
    return replace(found, held=_HeldRow(model, found.held, without, row_starts(fit)))


def _of_structure(fit, k: int) -> Parameter:
    rows, psi = fit.model.rows, fit.model.psi
    parameter, estimate = rows.parameters[k], float(rows.natural(psi)[k])
    se = float(fit.residual_table()["se"].iloc[k])
    lower, upper = _BOUNDS[parameter.scale]
    inside = 1e-9 * (1.0 if parameter.scale in ("correlation", "share") else 0.0)
    guess = linear_guess(estimate, se)
    if parameter.scale == "correlation":
        guess = _between(estimate, se, np.arctanh, np.tanh, 1.0 - estimate ** 2)
    elif parameter.scale == "positive":
        guess = _between(estimate, se, np.log, np.exp, estimate)
    elif parameter.scale == "share":
        guess = _between(estimate, se, lambda v: np.log(v / (1.0 - v)), lambda z: 1.0 / (1.0 + np.exp(-z)),
                         estimate * (1.0 - estimate))
    return Parameter(parameter.name, estimate, lower + inside, upper - inside, _HeldStructure(fit.model, k), guess)


def _between(estimate, se, to, back, steep):
    return lambda z: float(back(to(estimate) + z * se / steep))


def better_fit(fit, optimum: Optimum):
    """The fit that a constrained one has shown to be there."""
    model = copy.copy(fit.model)
    model.again = True
    model._move(optimum.L[0])
    return type(fit)(model, *model.fit())


class _Search:
    """The best fit with a parameter held, over psi; a subclass gives `_start` and `_point`."""

    _start: Callable[..., tuple]
    _point: Callable[..., tuple]

    def solve(self, value: float, L, s2: float) -> Optimum:
        """The best fit with the parameter at `value`, sought from the pair `L` = (psi, L) and s2."""
        x, metric = self._start(L[0])
        try:
            found, slope = self._point(x, value, L[1], s2)
        except (ValueError, ArithmeticError, np.linalg.LinAlgError):
            found, slope = None, None
        if found is None:
            return Optimum(value, math.inf, 0.0, L, s2, np.zeros(0), False)
        H = _inverse(metric)
        converged = not len(x)
        for _ in range(60 if len(x) else 0):
            step = -H @ slope
            promised = -float(slope @ step)
            if promised < 1e-11:
                converged = True
                break
            step *= min(1.0, 2.0 / np.abs(step).max())
            trial, new, size = None, None, 1.0
            while size > 1e-6:
                trial, new = self._try(x + size * step, value, found)
                if trial is not None and trial.value < found.value - 1e-4 * size * promised * (promised > 1e-8) + 1e-10:
                    break
                trial, size = None, size / 4.0
            if trial is None:
                converged = promised < 1e-7
                break
            s, y = size * step, new - slope
            if s @ y > 1e-12 * float(np.sqrt((s @ s) * (y @ y))):
                rho, own = 1.0 / float(s @ y), np.eye(len(x))
                H = (own - rho * np.outer(s, y)) @ H @ (own - rho * np.outer(y, s)) + rho * np.outer(s, s)
            x, found, slope = x + s, trial, new
        return replace(found, converged=bool(converged and found.converged))

    def _try(self, x, value, near: Optimum):
        if np.abs(x).max(initial=0.0) > _FAR:
            return None, None
        try:
            found, slope = self._point(x, value, near.L[1], near.s2)
        except (ValueError, ArithmeticError, np.linalg.LinAlgError):
            return None, None
        return (found, slope) if found is not None and np.isfinite(found.value) else (None, None)


class _HeldRow(_Search):
    """A parameter that whitened rows know: a coefficient, a standard deviation, a correlation, sigma.

    Parameters
    ----------
    model : RowModel
    held : object
        What holds it in an ordinary model.
    without : list of _HeldRow
        Standard deviations that may be zero, whatever a correlation with them is held at.
    starts : list
        From which these are sought.
    sigma : bool
        Held is sigma as it is shown, which is that of the typical row times a function of psi.
    """

    def __init__(self, model, held, without=(), starts=(), sigma: bool = False):
        self.model, self.held, self.sigma = model, held, sigma
        self.without, self.starts = without, starts

    @cached_property
    def _zero(self) -> Optimum:
        """The best fit in which one of the two effects does not vary."""
        return min((held.solve(0.0, *start) for held in self.without for start in self.starts), key=lambda fit: fit.value)

    def solve(self, value, L, s2) -> Optimum:
        found = super().solve(value, L, s2)
        if not self.without:
            return found
        if found.value > self._zero.value - 0.01:
            found = min([found, *(super(_HeldRow, self).solve(value, *start) for start in self.starts)],
                        key=lambda fit: fit.value)
        return found if found.value <= self._zero.value else replace(self._zero, held=value, slope=0.0)

    def _start(self, psi):
        return np.array(psi, dtype=float), self.model.hessian

    def _inner(self, psi, value, L, s2) -> Optimum:
        model, held = copy.copy(self.model), copy.copy(self.held)
        model.criterion = model.at_psi(psi)
        stretch = float(np.exp(np.mean(model.rows.log_sd(psi)))) if self.sigma else 1.0
        if isinstance(held, HeldFixedEffect):
            held.model = model
            found = held.solve(value, L, s2)
        elif isinstance(held, HeldVariance):
            held.criterion = model.criterion
            found = HeldVariance.solve(held, stretch * value, L, s2)
        else:
            held.criterion = model.criterion
            found = held.solve(stretch * value, L, s2)
        return replace(found, held=value, slope=stretch * found.slope, L=(psi, found.L))

    def _point(self, psi, value, L, s2):
        found = self._inner(psi, value, L, s2)
        slope = np.empty(len(psi))
        for k, unit in enumerate(_STEP * np.eye(len(psi))):
            up, down = (self._inner(psi + sign * unit, value, found.L[1], found.s2).value for sign in (1, -1))
            slope[k] = (up - down) / (2.0 * _STEP)
        return found, slope


class _HeldSigma:
    """Sigma of the typical row held in a model without random effects."""

    def __init__(self, model):
        self.criterion = model.criterion

    def solve(self, value: float, L, s2) -> Optimum:
        at = self.criterion.evaluate(L, self.criterion.basis)
        ratio, N = at.s2 / value ** 2, self.criterion.degrees
        return Optimum(value, at.value + N * (ratio - 1.0 - math.log(ratio)), 2.0 * N * (1.0 - ratio) / value, L,
                       value ** 2, at.b, True)


class _HeldStructure(_Search):
    """A parameter of the structure held: the element of psi that moves it most is solved for, given the others."""

    def __init__(self, model, k: int):
        self.model, self.k = model, k
        self.own = int(np.argmax(np.abs(self._moves(model.psi))))
        self.rest = [j for j in range(len(model.psi)) if j != self.own]

    def _moves(self, psi) -> np.ndarray:
        """Derivatives of the parameter in psi."""
        natural = self.model.rows.natural
        return np.array([(natural(psi + unit)[self.k] - natural(psi - unit)[self.k]) / 2e-6
                         for unit in 1e-6 * np.eye(len(psi))])

    def _start(self, psi):
        self._near = float(psi[self.own])
        return np.array(psi, dtype=float)[self.rest], self.model.hessian[np.ix_(self.rest, self.rest)]

    def _whole(self, x, value) -> np.ndarray | None:
        """psi with the parameter at `value`; None where no psi has it with these others."""
        from scipy.optimize import brentq
        psi = np.empty(len(self.model.psi))
        psi[self.rest] = x

        def gap(own):
            psi[self.own] = own
            return float(self.model.rows.natural(psi)[self.k]) - value

        width = 0.5
        while width < 2 * _FAR:
            low, high = self._near - width, self._near + width
            with np.errstate(all="ignore"):
                if gap(low) * gap(high) <= 0:
                    psi[self.own] = brentq(gap, low, high, xtol=1e-14, rtol=1e-14)
                    return psi
            width *= 2.0
        return None

    def _point(self, x, value, L, s2):
        psi = self._whole(x, value)
        if psi is None:
            return None, None
        model = self.model
        at = model.best_at(psi, replace_factor(model, L))
        slopes, moves = model.slope(psi, at.L), self._moves(psi)
        rise = slopes[self.own] / moves[self.own]
        found = Optimum(value, at.value, float(rise), (psi, at.L), at.s2, at.b, True)
        return found, (slopes - rise * moves)[self.rest]


def replace_factor(model, L):
    """A place from which `best_at` may begin."""
    from types import SimpleNamespace
    return SimpleNamespace(L=L, basis=np.zeros((0, *L.shape)))


def _inverse(metric: np.ndarray) -> np.ndarray:
    """The inverse of a curvature, kept positive definite."""
    if not len(metric):
        return metric
    values, axes = np.linalg.eigh(metric)
    return (axes / np.maximum(values, 1e-3 * max(float(values[-1]), 1e-3))) @ axes.T
