"""The signed root of the deviance along one parameter, and where it reaches a given size.

With D(v) the criterion minimized over all other parameters and v0 the estimate, zeta(v) = sign(v - v0) root(D(v) -
D(v0)) is nearly a straight line. Its slope D'(v) / (2 zeta) is exact, so that Newton's method finds the end of an
interval in three or four constrained fits, each begun from the nearest one known.

Chapter 8 (``08_inference``) shows the line and its bends.

References
----------
Bates, D. M., & Watts, D. G. (1988). Nonlinear Regression Analysis and Its Applications. Wiley, chapter 6.
Venzon, D. J., & Moolgavkar, S. H. (1988). A method for computing profile-likelihood-based confidence intervals.
Applied Statistics, 37, 87-94.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


from .constrained import Optimum

__all__ = ["LowerCriterion", "Parameter", "Track"]

_EXACT = 1e-9  # of zeta at the end of an interval
_NOISE = 1e-7  # of the criterion: what may lie below the estimate's by rounding
_LIMIT = 100


class LowerCriterion(Exception):
    """A constrained fit is better than the fit itself, which was not the best one; `optimum` says where."""

    def __init__(self, optimum: Optimum):
        super().__init__("a constrained fit is better than the estimates")
        self.optimum = optimum


@dataclass(frozen=True)
class Parameter:
    """One parameter: how it is held, and where to look.

    Attributes
    ----------
    name : str
    estimate : float
        NaN for a correlation with an effect whose standard deviation is estimated as zero.
    lower, upper : float
        Its bounds.
    held : HeldFixedEffect or HeldVariance
    guess : callable
        ``guess(z)`` is about where zeta is z.
    ends : tuple, optional
        What `lower` and `upper` stand for, where nothing is looked for beyond them: 0 and infinity.
    """

    name: str
    estimate: float
    lower: float
    upper: float
    held: Any
    guess: Any
    ends: tuple | None = None


class Track:
    """The constrained fits of one parameter.

    Parameters
    ----------
    parameter : Parameter
    best : Optimum
        The estimates.
    starts : list of (ndarray, float)
        Factors L and residual variances from which the ends of intervals are sought once more.
    """

    def __init__(self, parameter: Parameter, best: Optimum, starts=()):
        self.parameter, self.best, self.starts = parameter, best, starts
        self.known: dict[float, Optimum] = {parameter.estimate: best}

    def at(self, value: float, thorough: bool = False) -> Optimum:
        """The best fit with the parameter at `value`, begun from the nearest known one; if thorough from others too."""
        value = float(value)
        found = self.known.get(value)
        if found is None or (thorough and found is not self.best):
            near = found or self.known[min(self.known, key=lambda known: abs(known - value))]
            found = found or self._solve(value, near.L, near.s2)
            for L, s2 in self.starts if thorough or not found.converged else ():
                other = self._solve(value, L, s2)
                if other.value < found.value - _NOISE or (other.converged and not found.converged
                                                          and other.value < found.value + _NOISE):
                    found = other
            if found.value < self.best.value - 10 * _NOISE:
                raise LowerCriterion(found)
            self.known[value] = found
        return found

    def _solve(self, value, L, s2) -> Optimum:
        return self.parameter.held.solve(value, L, s2)

    def zeta(self, value: float) -> float:
        """Signed root of the deviance at a value of the parameter."""
        return math.copysign(self._size(self.at(value)), value - self.parameter.estimate)

    def _size(self, optimum: Optimum) -> float:
        return math.sqrt(max(optimum.value - self.best.value, 0.0))

    def slope(self, value: float) -> float:
        """Derivative of zeta at a value other than the estimate."""
        optimum = self.at(value)
        size = self._size(optimum)
        return abs(optimum.slope) / (2.0 * size) if size > 1e-5 else math.nan

    def slope_at_estimate(self) -> float:
        """The slope of zeta at the estimate, from fits so near to it that zeta is about 0.02 there."""
        unit, values = self.unit, []
        for side in (-1.0, 1.0):
            value = self.parameter.estimate + side * 0.02 * unit
            if self.parameter.lower < value < self.parameter.upper:
                optimum = self._solve(value, self.best.L, self.best.s2)
                size = math.sqrt(max(optimum.value - self.best.value, 1e-12))
                values.append(abs(optimum.slope) / (2.0 * size))
        return sum(values) / len(values)

    def line(self, tolerance: float = 0.02, extra: int = 16) -> list[tuple[float, float, float]]:
        """Values, their zeta and its slope, with fits added where a cubic with these slopes would bend too much.

        At a bound where zeta has no slope it is given that of the chord.
        """
        if math.isnan(self.parameter.estimate):
            return []
        middle = self.slope_at_estimate()
        while True:
            values = sorted(self.known)
            zeta, slope = [self.zeta(value) for value in values], [self.slope(value) for value in values]
            if self.parameter.estimate not in (values[0], values[-1]):
                slope[values.index(self.parameter.estimate)] = middle
            bends = []
            for k in range(len(values) - 1):
                width = values[k + 1] - values[k]
                chord = (zeta[k + 1] - zeta[k]) / width
                slope[k : k + 2] = [own if math.isfinite(own) else chord for own in slope[k : k + 2]]
                second, third = abs(slope[k] - slope[k + 1]), abs(slope[k] + slope[k + 1] - 2.0 * chord)
                bends.append(width * max(third, 0.1 * second))
            if not bends or max(bends) < 8.0 * tolerance or extra == 0:
                return list(zip(values, zeta, slope))
            worst = bends.index(max(bends))
            self.at(0.5 * (values[worst] + values[worst + 1]))
            extra -= 1

    def root(self, z: float) -> float:
        """Where zeta is `z`, to nine digits of zeta; the parameter's bound where it is not reached before that.

        A fit at the end is sought from several places; should one be better, the search goes on with that one.  A
        correlation with an effect that does not vary may be anything: its ends are its bounds.
        """
        here = self.parameter
        bound = here.upper if z > 0 else here.lower
        if math.isnan(here.estimate) or here.estimate == bound:
            return bound
        for _ in range(5):
            value = self._root(z, bound)
            before = self.at(value).value
            if self.at(value, thorough=True).value > before - _NOISE:
                break
        return value

    def _root(self, z: float, bound: float) -> float:
        side, size = math.copysign(1.0, z), abs(z)
        inner, outer = self.parameter.estimate, None  # where zeta is known to be too small, and too large
        trial = self._first(z)
        for _ in range(_LIMIT):
            if side * (trial - bound) >= 0:
                if self._size(self.at(bound)) <= size:
                    return bound
                outer = bound
                trial = 0.5 * (inner + outer)
            optimum = self.at(trial)
            reached = self._size(optimum)
            if abs(reached - size) < _EXACT * max(size, 1.0):
                return trial
            if reached > size:
                outer = trial
            else:
                inner = trial
            if outer is not None and abs(outer - inner) <= 4e-16 * max(abs(outer), abs(inner)):
                return trial
            trial = self._next(optimum, side, size, inner, outer)
        raise RuntimeError(f"The end of the interval of {self.parameter.name} was not found between {inner:.8g} and "
                           f"{outer if outer is None else format(outer, '.8g')}.")

    def _next(self, optimum, side, size, inner, outer) -> float:
        """Newton's step from a constrained fit, or the middle of the bracket where it leaves that."""
        reached = self._size(optimum)
        rise = side * optimum.slope / (2.0 * max(reached, 1e-12))
        new = optimum.held - side * (reached - size) / rise if rise > 0 else math.nan
        if outer is not None:
            return new if side * inner < side * new < side * outer else 0.5 * (inner + outer)
        reach = max(4.0 * abs(inner - self.parameter.estimate), self.unit)  # no farther than that at once
        return inner + side * min(side * (new - inner), reach) if side * (new - inner) > 0 else inner + side * reach

    def _first(self, z) -> float:
        """A first trial: Newton's step from a known fit that is near, or a guess from the standard error."""
        side, here = math.copysign(1.0, z), self.parameter
        known = [optimum for value, optimum in self.known.items() if side * (value - here.estimate) > 0]
        if known:
            near = min(known, key=lambda optimum: abs(self._size(optimum) - abs(z)))
            if abs(self._size(near) - abs(z)) < 0.6 and side * near.slope > 0:
                trial = near.held + side * (abs(z) - self._size(near)) * 2.0 * self._size(near) / abs(near.slope)
                if side * (trial - here.estimate) > 0:
                    return trial
        trial = here.guess(z)
        return trial if side * (trial - here.estimate) > 0 else here.estimate + side * self.unit

    @property
    def unit(self) -> float:
        """A distance on which the parameter changes noticeably."""
        return abs(self.parameter.guess(1.0) - self.parameter.guess(0.0)) or max(abs(self.parameter.estimate), 1e-8)

    def walk(self, largest: float, step: float) -> None:
        """Fit where zeta is about -largest, -largest + step, ..., largest, as far as the bounds allow."""
        here = self.parameter
        for side, bound in ((-1.0, here.lower), (1.0, here.upper)):
            if math.isnan(here.estimate) or here.estimate == bound:
                continue
            before, length = here.estimate, max(abs(here.guess(side * step) - here.estimate), step * self.unit / 4.0)
            for _ in range(4 * math.ceil(largest / step)):
                value = side * min(side * before + length, side * bound)
                optimum = self.at(value)
                size = self._size(optimum)
                if value == bound or size >= largest:
                    break
                rise = side * optimum.slope / (2.0 * max(size, 1e-12))
                length = min(step / rise, 3.0 * length) if rise > 0 else 3.0 * length
                before = value
            self._sweep(side, value)

    def _sweep(self, side: float, last: float) -> None:
        """Seek the outermost fit from elsewhere too; where that is better, come back with it as long as it stays so."""
        better = self.known[last].value - _NOISE
        if self.at(last, thorough=True).value > better:
            return
        outer = self.known[last]
        inner = [value for value in self.known if side * (last - value) > 0 and value != self.parameter.estimate]
        for value in sorted(inner, reverse=side > 0):
            if side * (value - self.parameter.estimate) < 0:
                return
            found = self._solve(value, outer.L, outer.s2)
            if found.value > self.known[value].value - _NOISE:
                return
            if found.value < self.best.value - 10 * _NOISE:
                raise LowerCriterion(found)
            self.known[value] = outer = found


def linear_guess(estimate: float, se: float):
    """About where zeta is z, for a parameter whose estimate is nearly normal."""
    return lambda z: estimate + z * se


def log_guess(estimate: float, se: float, floor: float):
    """The same for a positive parameter whose log has the standard error `se`.

    Where it is zero, or so near to it that its log says little, the unit is `floor`.
    """
    if estimate > 0 and se < 1.0:
        return lambda z: estimate * math.exp(max(min(z * se, 50.0), -50.0))
    return lambda z: max(estimate + z * max(floor, 0.5 * estimate), 0.0)


def atanh_guess(estimate: float, se: float, lower: float):
    """The same for a correlation; from a bound or from nowhere, in steps of a tenth."""
    if math.isfinite(se) and abs(estimate) < 1:
        return lambda z: max(math.tanh(math.atanh(estimate) + z * se), lower)
    middle = estimate if math.isfinite(estimate) else 0.5 * (1.0 + lower)
    return lambda z: min(max(middle + 0.1 * z, lower), 1.0)


def logit_guess(estimate: float, se: float):
    """The same for a share; from zero in steps of a tenth."""
    if estimate > 0 and se < 2.0:
        middle = math.log(estimate / (1.0 - estimate))
        return lambda z: 1.0 / (1.0 + math.exp(-(middle + z * se)))
    return lambda z: min(max(estimate + 0.1 * z, 0.0), 1.0 - 1e-9)


