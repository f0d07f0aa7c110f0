"""Where the search begins: variances from moments.

With r the least-squares residuals and h_j = Z_j'r_j, the expectation of h_j h_j' is about s2 (A_j D A_j + A_j).  Weighted sums
of these equations over the groups, with the one for the sum of squares, are linear in s2 D and s2: they are solved once,
without iteration (a MINQUE with a prior guess).  The search then needs about four evaluations where it would need seven.

References
----------
Rao, C. R. (1971). Minimum variance quadratic unbiased estimation of variance components. Journal of Multivariate Analysis,
1, 445-456.
"""

from __future__ import annotations

import numpy as np

from ..covariance import Structure
from .elimination import OneFactor

__all__ = ["moment_start"]

_GUESS = 0.2  # prior guess of the relative variance, which sets the groups' weights
_FLOOR = 0.01  # smallest relative variance to begin with


def moment_start(elimination: OneFactor, structures: list[Structure], basis: np.ndarray, degrees: int) -> np.ndarray:
    """A starting value of theta.

    Parameters
    ----------
    elimination : OneFactor
        Its last column must be the least-squares residual.
    structures : list of Structure
    basis : ndarray, shape (m, q, q)
        Their bases side by side.
    degrees : int
        Degrees of freedom of the residual sum of squares.

    Returns
    -------
    ndarray, shape (m,)
    """
    q, m = elimination.q, len(basis)
    A, h = elimination.AB[:, :q], elimination.AB[:, -1]
    E = ((basis + basis.transpose(0, 2, 1)) / 2.0).reshape(m, -1)
    weight = 1.0 / (1.0 + _GUESS / q * np.einsum("aaj->j", A))
    scaled, weighted = (A * weight).reshape(q * q, -1), h * weight
    tensor = (scaled @ scaled.T).reshape(q, q, q, q).transpose(0, 3, 1, 2).reshape(q * q, q * q)  # A_ab A_cd -> ad, bc
    system = np.empty((m + 1, m + 1))
    system[:m, :m] = E @ tensor @ E.T
    system[:m, m] = E @ (scaled @ weight)
    system[m, :m] = E @ A.sum(axis=2).ravel()
    system[m, m] = degrees
    right = np.append(E @ (weighted @ weighted.T).ravel(), elimination.C[-1, -1])
    scale = np.sqrt(np.abs(np.diagonal(system))) + 1e-300
    solved = np.linalg.lstsq(system / np.outer(scale, scale), right / scale, rcond=1e-10)[0] / scale
    s2 = max(solved[m], 0.05 * right[m] / degrees)
    D = (solved[:m] @ E).reshape(q, q) / s2
    theta, at = [], 0
    for shape in structures:
        size = len(shape.sd)
        values, vectors = np.linalg.eigh(D[at:at + size, at:at + size])
        values = np.maximum(values, _FLOOR)
        if shape.rescaling == "any":
            L = np.linalg.cholesky((vectors * values) @ vectors.T)
        else:
            L = (vectors * np.sqrt(values)) @ vectors.T
        flat = shape.basis.reshape(shape.n_params, -1)
        theta.append(flat @ L.ravel() / (flat * flat).sum(axis=1))
        at += size
    return np.concatenate(theta)
