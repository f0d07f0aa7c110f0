"""Samples from a fit, so that a picture of its residuals can be held against pictures of residuals of a model that is
right.

Chapter 9 (``09_diagnostics``).

References
----------
Atkinson, A. C. (1981). Two graphical displays for outlying and influential observations in regression. Biometrika, 68,
13-20.
"""

from __future__ import annotations

import numpy as np

__all__ = ["envelope", "outcomes"]


def outcomes(fit, rng: np.random.Generator) -> np.ndarray:
    """One sample of outcomes from the fitted model, shape (n,)."""
    if hasattr(fit, "density"):
        return fit.simulate(1, rng)[0]
    design = fit.design
    y = fit._fixed_part.copy() if getattr(fit, "model", None) else fit._fitted.copy()
    for term, T in zip(design.random, getattr(fit, "_T", ())):
        values, vectors = np.linalg.eigh(T)
        factor = vectors * np.sqrt(np.maximum(values, 0.0))
        u = rng.standard_normal((len(term.levels), len(T))) @ factor.T
        y += term.values(u)
    noise = rng.standard_normal(len(y)) * fit.sigma
    return y + (noise if design.weights is None else noise / np.sqrt(design.weights))


def envelope(fit, statistic, n: int = 199, seed: int = 1, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Where each ordered value of a statistic of the fit lies in `level` of samples from it, each fitted again.

    Parameters
    ----------
    fit : LmmResult
    statistic : callable
        ``statistic(fit)`` gives an array; its values are sorted.
    n, seed : int
    level : float

    Returns
    -------
    lower, upper : ndarray

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy"))
    >>> lower, upper = envelope(fit, lambda one: one.residuals("standardized").to_numpy(), n=39)
    >>> bool((lower < upper).all()), len(lower)
    (True, 180)
    """
    from ..errors import DataError

    rng = np.random.default_rng(seed)
    samples = []
    for _ in range(n):
        try:
            samples.append(np.sort(np.asarray(statistic(fit.refit(outcomes(fit, rng))), dtype=float)))
        except DataError:  # a sample that leaves nothing to the residual
            continue
    sorted_ = np.array(samples)
    quantile = np.nanquantile if np.isnan(sorted_).any() else np.quantile  # the first is far slower
    low, high = quantile(sorted_, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
