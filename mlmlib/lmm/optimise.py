"""Minimization of the criterion by Newton steps in a trust region.

The Hessian is exact, so that steps are quadratic near the optimum; where it is not positive definite the region's
radius bends the step downhill, which also carries the search off saddle points such as a variance started at zero.

Chapter 7 (``07_estimation``) shows the steps on the likelihood surface.

References
----------
Nocedal, J., & Wright, S. J. (2006). Numerical Optimization (2nd ed.). Springer, chapter 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Minimum", "minimize"]


@dataclass(frozen=True)
class Minimum:
    """Where the search ended: the last evaluation, how many there were, and whether the gradient is zero there."""

    at: object
    n_evaluations: int
    converged: bool
    gradient_norm: float


def minimize(function, start: np.ndarray, *, tolerance: float = 1e-12, limit: int = 200) -> Minimum:
    """Minimize a function that returns its value, gradient and Hessian.

    Parameters
    ----------
    function : callable
        ``function(theta)`` has attributes `value`, `gradient`, `hessian`.
    start : ndarray, shape (m,)
    tolerance : float
        The search ends when the decrease that a Newton step would still bring is below this.
    limit : int
        Largest number of evaluations.

    Returns
    -------
    Minimum
    """
    at, count, radius = function(np.asarray(start, dtype=float)), 1, 1.0
    while True:
        step, promised, decrement = _step(at.gradient, at.hessian, radius)
        if decrement < tolerance or count >= limit or radius < 1e-14:
            return Minimum(at, count, bool(decrement < tolerance), float(np.abs(at.gradient).max(initial=0.0)))
        trial, count = function(at.theta + step), count + 1
        length = float(np.linalg.norm(step))
        gain = at.value - trial.value
        ratio = gain / promised if np.isfinite(trial.value) else -1.0
        if ratio < 0.25:
            radius = 0.25 * length
        elif ratio > 0.75 and length > 0.99 * radius:
            radius = 2.0 * radius
        if ratio > 1e-4 or (promised < 1e-8 * (1 + abs(at.value)) and
                            np.abs(trial.gradient).max() < np.abs(at.gradient).max()):
            at = trial


def _step(gradient, hessian, radius):
    """The step that minimizes the quadratic model within `radius`, what it promises, and the Newton decrement."""
    values, vectors = np.linalg.eigh(hessian)
    slope = vectors.T @ gradient
    floor = 1e-10 * max(1.0, float(np.abs(values).max()))
    decrement = float((slope ** 2 / np.maximum(np.abs(values), floor)).sum())
    if values[0] > floor:
        part = -slope / values
        if np.linalg.norm(part) <= radius:
            return vectors @ part, float(-(slope @ part) / 2), decrement
    low = max(0.0, -float(values[0])) + floor
    part = -slope / (values + low)
    if np.linalg.norm(part) > radius:
        shift = low
        for _ in range(50):  # Newton on 1/|step| = 1/radius
            size = float(np.linalg.norm(part))
            if abs(size - radius) < 1e-3 * radius:
                break
            slant = float((part ** 2 / (values + shift)).sum())
            shift = max(shift + (size - radius) / radius * size ** 2 / slant, low)
            part = -slope / (values + shift)
    elif values[0] < -floor:  # a saddle: go on along the downward direction
        part = part.copy()
        part[0] += np.copysign(np.sqrt(max(radius ** 2 - part @ part, 0.0)), -slope[0] or 1.0)
        decrement = max(decrement, -float(values[0]) * radius ** 2 * 0 + decrement)
    promised = -float(slope @ part + 0.5 * (values * part) @ part)
    return vectors @ part, promised, decrement
