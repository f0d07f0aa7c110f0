"""Minimization of the criterion by Newton steps in a trust region.

The Hessian is exact, so that steps are quadratic near the optimum; where it is not positive definite the region's
radius bends the step downhill, which also carries the search off saddle points such as a variance started at zero.

Chapter 7 (``07_estimation``) shows the steps on the likelihood surface.

References
----------
Nocedal, J., & Wright, S. J. (2006). Numerical Optimization (2nd ed.). Springer, chapter 4.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Minimum", "minimize"]

_SADDLE = 1e-6  # negative curvature, relative to the largest, that is a way down and not rounding


@dataclass(frozen=True)
class Minimum:
    """Where the search ended: the last evaluation, how many there were, and whether the gradient is zero there."""

    at: Any
    n_evaluations: int
    converged: bool
    gradient_norm: float


def minimize(at: Any, advance: Callable[[Any, np.ndarray], Any], *, tolerance: float = 1e-12, limit: int = 200) -> Minimum:
    """Minimize a function that comes with its gradient and Hessian.

    Parameters
    ----------
    at : object
        The function where the search begins; has attributes `value`, `gradient`, `hessian`.
    advance : callable
        ``advance(at, step)`` is the function a step on from `at`.
    tolerance : float
        The search ends when the decrease that a Newton step would still bring is below this.
    limit : int
        Largest number of evaluations.

    Returns
    -------
    Minimum
    """
    count, radius = 1, 1.0
    if not len(at.gradient):
        return Minimum(at, 1, True, 0.0)
    while True:
        step, promised, decrement = _step(at.gradient, at.hessian, radius)
        stuck = count >= limit or radius < 1e-10  # no step is seen to lower the value
        if decrement < tolerance or stuck:
            return Minimum(at, count, decrement < max(tolerance, 1e-8), float(np.abs(at.gradient).max(initial=0.0)))
        trial, count = advance(at, step), count + 1
        length = float(np.linalg.norm(step))
        ratio = (at.value - trial.value) / promised
        if promised < 1e-11 * (1.0 + abs(at.value)):  # below what the value can show: let the gradient decide
            ratio = float(np.abs(trial.gradient).max() < np.abs(at.gradient).max())
        if ratio < 0.25:
            radius = 0.25 * length
        elif ratio > 0.75 and length > 0.99 * radius:
            radius = 2.0 * radius
        if ratio > 1e-4:
            at = trial


def _step(gradient: np.ndarray, hessian: np.ndarray, radius: float) -> tuple[np.ndarray, float, float]:
    """The step that minimizes the quadratic model within `radius`, what it promises, and the Newton decrement.

    At a saddle, where the gradient shows no way down but the curvature does, the decrement is what that way promises.
    """
    values, vectors = np.linalg.eigh(hessian)
    slope = gradient @ vectors
    floor = 1e-12 * max(float(np.abs(values).max()), 1.0)
    decrement = float((slope ** 2 / np.maximum(np.abs(values), floor)).sum())
    if values[0] > floor:
        part = -slope / values
        if part @ part <= radius ** 2:
            return vectors @ part, decrement / 2.0, decrement
    shift = max(-float(values[0]), 0.0) + floor
    part = -slope / (values + shift)
    if part @ part > radius ** 2:
        part = _on_sphere(slope, values, shift, radius)
    elif values[0] < -floor:
        part[0] += math.copysign(math.sqrt(radius ** 2 - part @ part), part[0])
    promised = -float(slope @ part + 0.5 * (values * part) @ part)
    if values[0] < -_SADDLE * max(float(values[-1]), 1.0):
        decrement = max(decrement, promised)
    return vectors @ part, promised, decrement


def _on_sphere(slope: np.ndarray, values: np.ndarray, shift: float, radius: float) -> np.ndarray:
    """The shifted Newton step of length `radius`, its shift found by Newton's method on 1/length."""
    low = shift
    for _ in range(50):
        part = -slope / (values + shift)
        size = math.sqrt(part @ part)
        if abs(size - radius) < 1e-3 * radius:
            break
        slant = float((part ** 2 / (values + shift)).sum())
        shift = max(shift + (size - radius) / radius * size ** 2 / slant, low)
    return part
