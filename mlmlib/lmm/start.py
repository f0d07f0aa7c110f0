"""Where the search begins: variances from moments.

With r the least-squares residuals and h_j = Z_j'r_j, the expectation of h_j h_j' is about s2 (A_j D A_j + A_j).  The
residual variance s2 is taken from within the groups; weighted sums of these equations over the groups are then linear
in D and solved once, without iteration.  The search needs about four evaluations from there where it would need
seven.

References
----------
Rao, C. R. (1971). Minimum variance quadratic unbiased estimation of variance components. Journal of Multivariate
Analysis, 1, 445-456.
"""

from __future__ import annotations

import numpy as np

from ..covariance import Structure
from .elimination import OneFactor

__all__ = ["moment_start"]

_GUESS = 0.2  # prior guess of the relative variance, which sets the groups' weights
_WIDE = 10.0  # a relative standard deviation so large that only variation within groups is left
_FLOOR = 0.01  # smallest relative variance to begin with


def moment_start(elimination: OneFactor, structures: list[Structure], blocks: list[slice], basis: np.ndarray,
                 degrees: int) -> np.ndarray:
    """A starting value of the relative covariance factor L.

    Parameters
    ----------
    elimination : OneFactor
        Its last column must be the least-squares residual.
    structures : list of Structure
    blocks : list of slice
        Where each one's effects stand.
    basis : ndarray, shape (m, q, q)
        Their bases side by side.
    degrees : int
        Degrees of freedom of the residual sum of squares.

    Returns
    -------
    ndarray, shape (q, q)
    """
    q, m = elimination.q, len(basis)
    A, h, rss = elimination.AB[:, :q], elimination.AB[:, -1], elimination.C[-1, -1]
    within = elimination.eliminate(_WIDE * np.eye(q))
    left = degrees - _WIDE * float(np.einsum("aaj->", within.UA))
    s2 = float(within.S[-1, -1]) / left if left > 0.05 * degrees else 0.5 * rss / degrees
    E = ((basis + basis.transpose(0, 2, 1)) / 2.0).reshape(m, -1)
    weight = 1.0 / (1.0 + _GUESS / q * np.einsum("aaj->j", A))
    scaled, weighted = (A * weight).reshape(q * q, -1), h * weight
    tensor = (scaled @ scaled.T).reshape(q, q, q, q).transpose(0, 3, 1, 2).reshape(q * q, q * q)  # A_ab A_cd -> ad, bc
    system = E @ tensor @ E.T
    right = E @ (weighted @ weighted.T / s2).ravel() - E @ (scaled @ weight)
    scale = np.sqrt(np.diagonal(system))
    scale = np.where(scale > 0, scale, 1.0)  # a covariance of effects that no group has both of
    solved = np.linalg.lstsq(system / np.outer(scale, scale), right / scale, rcond=1e-10)[0] / scale
    D = (solved @ E).reshape(q, q)
    L = np.zeros((q, q))
    for shape, block in zip(structures, blocks):
        L[block, block] = shape.nearest(D[block, block], _FLOOR)
    return L
