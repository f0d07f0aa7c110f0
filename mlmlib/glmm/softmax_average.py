"""Probabilities of unordered categories averaged over groups.

The K linear predictors of a row differ between groups by K normal numbers, so that an average is an integral over K
dimensions: by a product of Gauss-Hermite rules for up to three, by a fixed set of quasi-random points for more.

Chapter 18 (``18_categories``) compares the average with a typical group.
"""

from __future__ import annotations

import numpy as np

__all__ = ["averaged_probabilities"]

_MOST = {1: 81, 2: 61, 3: 25}  # nodes a dimension
_LEAST = 13  # nodes, and as many more for each unit of the largest standard deviation
_POINTS = 13  # 2^13 quasi-random points for more dimensions
_CELLS = 1 << 21


def averaged_probabilities(eta: np.ndarray, cov: np.ndarray) -> np.ndarray:
    """E softmax(eta + r) over normal r with covariances `cov`.

    Parameters
    ----------
    eta : ndarray, shape (K, n)
        Of all categories but the reference.
    cov : ndarray, shape (K, K, n)

    Returns
    -------
    ndarray, shape (K + 1, n)
        Probabilities, the reference first.

    Examples
    --------
    >>> import numpy as np
    >>> averaged_probabilities(np.array([[1.0]]), np.array([[[4.0]]])).round(4).ravel().tolist()
    [0.3523, 0.6477]
    """
    from .multinomial import _softmax
    K, n = eta.shape
    values, vectors = np.linalg.eigh(cov.transpose(2, 0, 1))
    root = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]  # (n, K, K)
    points, weights = _rule(K, float(np.sqrt(values.max(initial=0.0))))
    step = max(1, _CELLS // (len(points) * K))
    out = np.empty((K + 1, n))
    for begin in range(0, n, step):
        rows = slice(begin, min(begin + step, n))
        at = eta[:, None, rows] + np.einsum("nkl,ml->kmn", root[rows], points)
        reference, p = _softmax(at)
        out[0, rows] = weights @ np.exp(reference)
        out[1:, rows] = np.einsum("m,kmn->kn", weights, p)
    return out


def _rule(K: int, sd: float) -> tuple[np.ndarray, np.ndarray]:
    """Points (m, K) and weights (m,) for averages over K standard normal numbers."""
    if K in _MOST:
        x, w = np.polynomial.hermite_e.hermegauss(min(_MOST[K], int(np.ceil(_LEAST * (1.0 + sd)))))
        grid = np.stack(np.meshgrid(*[x] * K, indexing="ij"), axis=-1).reshape(-1, K)
        weights = np.ones(1)
        for _ in range(K):
            weights = np.outer(weights, w).ravel()
        keep = weights > 1e-15 * weights.max()
        return grid[keep], weights[keep] / weights[keep].sum()
    from scipy.special import ndtri
    from scipy.stats import qmc
    points = ndtri(qmc.Sobol(K, scramble=True, rng=np.random.default_rng(20)).random_base2(_POINTS))
    return points, np.full(len(points), 1.0 / len(points))
