"""Trust-region steps of many searches at once: `mlmlib.lmm.optimise._step` with a replicate axis.

Chapter 7 (``07_estimation``) shows the steps of one search.

References
----------
Nocedal, J., & Wright, S. J. (2006). Numerical Optimization (2nd ed.). Springer, chapter 4.
"""

from __future__ import annotations

import numpy as np

from .optimise import _SADDLE

__all__ = ["steps"]


def steps(gradient: np.ndarray, hessian: np.ndarray, radius: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The step of each search, the decrease that its quadratic model promises, and its Newton decrement.

    Parameters
    ----------
    gradient : ndarray, shape (R, m)
    hessian : ndarray, shape (R, m, m)
    radius : ndarray, shape (R,)

    Returns
    -------
    step : ndarray, shape (R, m)
    promised, decrement : ndarray, shape (R,)

    Examples
    --------
    >>> step, promised, decrement = steps(np.array([[2.0]]), np.array([[[4.0]]]), np.array([1.0]))
    >>> step.tolist(), promised.tolist()
    ([[-0.5]], [0.5])
    """
    if hessian.shape[1] == 1:
        values, vectors = hessian[:, 0], np.ones_like(hessian)
    else:
        values, vectors = np.linalg.eigh(np.where(np.isfinite(hessian), hessian, 0.0))
    slope = (gradient[:, None] @ vectors)[:, 0]
    floor = 1e-12 * np.maximum(np.abs(values).max(axis=1), 1.0)
    decrement = (slope ** 2 / np.maximum(np.abs(values), floor[:, None])).sum(axis=1)
    lowest = values[:, 0]
    convex = lowest > floor
    shift = np.where(convex, 0.0, np.maximum(-lowest, 0.0) + floor)
    part = -slope / (values + shift[:, None])
    size = (part * part).sum(axis=1)
    far = size > radius ** 2
    if far.any():
        least = np.maximum(-lowest[far], 0.0) + floor[far]
        part[far] = _on_sphere(slope[far], values[far], least, radius[far])
    saddle = ~far & ~convex & (lowest < -floor)
    if saddle.any():
        part[saddle, 0] += np.copysign(np.sqrt(radius[saddle] ** 2 - size[saddle]), part[saddle, 0])
    promised = -(slope * part + 0.5 * values * part * part).sum(axis=1)
    promised = np.where(convex & ~far, decrement / 2.0, promised)
    down = lowest < -_SADDLE * np.maximum(values[:, -1], 1.0)
    decrement = np.where(down, np.maximum(decrement, promised), decrement)
    return (vectors @ part[:, :, None])[:, :, 0], promised, decrement


def _on_sphere(slope: np.ndarray, values: np.ndarray, least: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Shifted Newton steps of the lengths `radius`, the shifts found by Newton's method on 1/length."""
    shift = least.copy()
    for _ in range(50):
        part = -slope / (values + shift[:, None])
        size = np.sqrt((part * part).sum(axis=1))
        wrong = np.abs(size - radius) >= 1e-3 * radius
        if not wrong.any():
            break
        slant = (part ** 2 / (values + shift[:, None])).sum(axis=1)
        better = np.maximum(shift + (size - radius) / radius * size ** 2 / slant, least)
        shift = np.where(wrong, better, shift)
    return part
