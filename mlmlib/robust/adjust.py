"""The adjustments CR0 to CR3 of residuals, and what each cluster then gives.

In columns where sum X'WX = I the covariance of the coefficients is ``sum_j s_j s_j'`` with scores s_j = u_j' A_j e_j. A_j is
the identity (CR0, CR1 and its kin), the inverse of I - H_jj (CR3), or the matrix that makes the estimate unbiased when the
working covariance holds (CR2):

    A_j = D'(D B_j D')^-1/2 D,   Theta_j = D'D,   B_j = [(I - H) Theta (I - H)']_jj.

Wherever A_j u_j = u_j k_j for a k x k matrix k_j (all kinds but CR2, and CR2 where rows are independent with equal
variance), only sums of products of rows are needed.

Chapter 20 (``20_gee_and_robust``).

References
----------
Bell, R. M., & McCaffrey, D. F. (2002). Bias reduction in standard errors for linear regression with multi-stage samples.
Survey Methodology, 28, 169-181.

Pustejovsky, J. E., & Tipton, E. (2018). Small-sample methods for cluster-robust variance estimation and hypothesis testing in
fixed effects models. Journal of Business & Economic Statistics, 36, 672-683 (equations 5 to 9).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .blocks import Blocks
from .quadrature import adjusted, suits

__all__ = ["KINDS", "Pieces", "factor_of", "pieces"]

KINDS = ("CR0", "CR1", "CR1p", "CR1S", "CR2", "CR3")
_ZERO = 1e-12  # eigenvalues below this share of the largest are none, as in clubSandwich


@dataclass(frozen=True)
class Pieces:
    """What each cluster gives, in columns where sum X'WX = I; g_j = A_j' u_j.

    Attributes
    ----------
    scores : ndarray, shape (J, k)
        u' A e.
    E, D, T : ndarray, shape (J, k, k)
        x'g, u' Theta g and g' Theta g.
    S : ndarray, shape (k, k)
        sum u' Theta u.
    gram : ndarray, shape (J, k, k)
        x'u; its trace is the cluster's leverage.
    plain : ndarray, shape (J, k)
        Scores without adjustment, u'e.
    working : ndarray, shape (J, k, k)
        u' Theta u.
    """

    scores: np.ndarray
    E: np.ndarray
    D: np.ndarray
    T: np.ndarray
    S: np.ndarray
    gram: np.ndarray
    plain: np.ndarray
    working: np.ndarray


def factor_of(kind: str, J: int, n: int, p: int) -> float:
    """What the covariance is multiplied by.

    Examples
    --------
    >>> round(factor_of("CR1S", 23, 519, 2), 4)
    1.0475
    """
    if kind == "CR1":
        return J / (J - 1.0)
    if kind == "CR1p":
        return J / (J - float(p))
    return J * (n - 1.0) / ((J - 1.0) * (n - p)) if kind == "CR1S" else 1.0


def pieces(blocks: Blocks, kind: str) -> Pieces:
    """What each cluster gives under the adjustment `kind`."""
    if blocks.rows.diagonal and (kind != "CR2" or blocks.plain):
        return _by_sums(blocks, kind)
    if blocks.rows.diagonal and blocks.rows.weight is None:
        u = blocks.x * blocks.weight[:, None]
        gram = blocks.products(blocks.x, u)
        if suits(blocks, gram):
            return _by_rows(blocks, u, adjusted(blocks, gram), gram)
    k, J = blocks.x.shape[1], blocks.J
    if blocks.rows.weight is None:
        S = np.eye(k)
    else:
        u = blocks.x * blocks.weight[:, None]
        S = u.T @ (u * blocks.rows.theta[:, None])
    found = {name: np.empty((J, k, k)) for name in ("E", "D", "T", "gram", "working")}
    scores, plain = np.empty((J, k)), np.empty((J, k))
    for block in blocks.blocks():
        x, u, theta = block.x, block.u, block.theta
        flipped = np.swapaxes(u, 1, 2)
        tu = x if blocks.rows.weight is None else theta @ u
        gram = np.swapaxes(x, 1, 2) @ u
        if kind == "CR3":
            g = u @ _inverse(gram)
        else:
            g = _root(x, u, theta, tu, S, blocks.rows.weight is None) if kind == "CR2" else u
        tg = theta @ g
        at = block.which
        found["E"][at], found["D"][at] = np.swapaxes(x, 1, 2) @ g, flipped @ tg
        found["T"][at], found["gram"][at] = np.swapaxes(g, 1, 2) @ tg, gram
        found["working"][at] = flipped @ tu
        scores[at], plain[at] = np.einsum("jmk,jm->jk", g, block.e), np.einsum("jmk,jm->jk", u, block.e)
    return Pieces(scores=scores, plain=plain, S=S, **found)


def _by_rows(blocks: Blocks, u, g, gram) -> Pieces:
    """From rows of u and of g = A'u, where W is the inverse of a diagonal working covariance."""
    e, E = blocks.rows.e[:, None], blocks.products(blocks.x, g)
    T = blocks.products(g, g * blocks.rows.theta[:, None])
    return Pieces(blocks.sums(g * e), E, E, T, np.eye(u.shape[1]), gram, blocks.sums(u * e), gram)


def _by_sums(blocks: Blocks, kind: str) -> Pieces:
    """From sums of products alone."""
    x, rows = blocks.x, blocks.rows
    u = x * blocks.weight[:, None]
    gram = blocks.products(x, u)
    plain = blocks.sums(u * rows.e[:, None])
    own = gram if rows.weight is None else blocks.products(u, u * rows.theta[:, None])
    if kind in ("CR2", "CR3"):
        k = _inverse(gram) if kind == "CR3" else _power(np.eye(x.shape[1]) - gram, -0.5)
    else:
        k = np.broadcast_to(np.eye(x.shape[1]), gram.shape)
    D = own @ k
    flipped = np.swapaxes(k, 1, 2)
    return Pieces(np.einsum("jba,jb->ja", k, plain), gram @ k, D, flipped @ D, own.sum(axis=0), gram, plain, own)


def _inverse(gram) -> np.ndarray:
    """(I - x'u)^-1, so that (I - H)^-1 transposed times u is u times this; directions of leverage one are left out."""
    A = np.eye(gram.shape[1]) - gram
    return _power((A + np.swapaxes(A, 1, 2)) / 2.0, -1.0)


def _power(A: np.ndarray, power: float) -> np.ndarray:
    """A power of symmetric matrices (J, m, m); directions of eigenvalue zero become zero."""
    values, axes = np.linalg.eigh(A)
    use = values > _ZERO * np.maximum(np.abs(values).max(axis=1, keepdims=True), 1.0)
    powered = np.where(use, np.where(use, values, 1.0) ** power, 0.0)
    return (axes * powered[:, None]) @ np.swapaxes(axes, 1, 2)


def _root(x, u, theta, tu, S, inverse: bool) -> np.ndarray:
    """A'u of CR2."""
    size = np.einsum("jmm->j", theta)[:, None, None] / theta.shape[1]
    theta, tu, S = theta / size, tu / size, S
    values, axes = np.linalg.eigh(theta)
    D = (axes * np.sqrt(values)[:, None]) @ np.swapaxes(axes, 1, 2)
    B = theta - x @ np.swapaxes(x, 1, 2) / size
    if not inverse:
        cross = x @ np.swapaxes(tu, 1, 2)
        B = theta - cross - np.swapaxes(cross, 1, 2) + x @ S @ np.swapaxes(x, 1, 2) / size
    inner = D @ B @ D
    return D @ (_power((inner + np.swapaxes(inner, 1, 2)) / 2.0, -0.5) @ (D @ u))
