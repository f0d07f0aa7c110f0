"""CR2 of large clusters of independent rows that differ in variance, without their square matrices.

A'u = D (Theta^2 - YY')^-1/2 D u with D^2 = Theta and Y = Dx.  The inverse root of a matrix whose eigenvalues lie in [m, M] is

    A^-1/2 = 2 K' m^1/2 / (pi N) sum_j d_j (A + m s_j^2)^-1,    s = sn / cn, d = dn / cn^2

at equally spaced points of an elliptic integral, exact to rounding with about 1.6 (log(M / m) + 3) terms, and each term is a
diagonal matrix less one of rank k, solved with k x k matrices.

Chapter 20 (``20_gee_and_robust``).

References
----------
Hale, N., Higham, N. J., & Trefethen, L. N. (2008). Computing A^alpha, log(A), and related matrix functions by contour integrals.
SIAM Journal on Numerical Analysis, 46, 2505-2523 (method 3).
"""

from __future__ import annotations

import numpy as np

__all__ = ["adjusted", "suits"]

_LARGE = 100  # rows of a cluster from which this is quicker than a matrix of its own
_RANGE = 1e12  # of eigenvalues


def _bounds(blocks, gram) -> tuple[float, float]:
    """Bounds of the eigenvalues of Theta^2 - YY'."""
    square = blocks.rows.theta ** 2
    return float(square.min() * (1.0 - np.linalg.eigvalsh(gram)[:, -1].max())), float(square.max())


def suits(blocks, gram) -> bool:
    """Whether the clusters are large enough, and none has a direction of (nearly) full leverage."""
    low, high = _bounds(blocks, gram)
    return blocks.sizes.max() > _LARGE and low * _RANGE > high


def adjusted(blocks, gram) -> np.ndarray:
    """Rows of A'u, shape (n, k), where W is the inverse of a diagonal working covariance."""
    from scipy.special import ellipj, ellipkm1
    low, high = _bounds(blocks, gram)
    low *= 0.99
    N = int(np.ceil(2.0 * (np.log(high / low) + 3.0)))
    ratio = low / high
    K = ellipkm1(ratio)
    sn, cn, dn, _ = ellipj((np.arange(N) + 0.5) * K / N, 1.0 - ratio)
    theta, codes = blocks.rows.theta, blocks.codes
    root = np.sqrt(theta)[:, None]
    Y, R = root * blocks.x, blocks.x / root
    out = np.zeros_like(R)
    eye = np.eye(Y.shape[1])
    for s, d in zip(sn / cn, dn / cn ** 2):
        inverse = 1.0 / (theta ** 2 + low * s * s)[:, None]
        inner = np.linalg.solve(eye - blocks.products(Y, inverse * Y), blocks.products(Y, inverse * R))
        out += d * inverse * (R + np.einsum("nk,nkl->nl", Y, inner[codes]))
    return root * out * (2.0 * K * np.sqrt(low) / (np.pi * N))
