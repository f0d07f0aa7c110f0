"""What every diagnostic needs of a fit, row by row and group by group, without a matrix of n rows and n columns.

In columns multiplied by the root of the weights, and in units of the residual variance, V_j = I + Z_j D Z_j'.  By the
Woodbury identity V_j^-1 = I - Z_j C_j Z_j' with C_j = L (I + L'Z_j'Z_j L)^-1 L', q x q, so that the rows of V^-1 X,
V^-1 r and the diagonals of V^-1 and of P = V^-1 - V^-1 X (X'V^-1X)^-1 X'V^-1 cost q^2 each.  V^-1 r is the conditional
residual.

This is the one place where diagnostics reach for the arrays of the fit; Chapter 9 (``09_diagnostics``) uses what is
built on it.

References
----------
Demidenko, E., & Stukel, T. A. (2005). Influence analysis for linear mixed-effects models. Statistics in Medicine, 24,
893-909.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..lmm.factors import only_linear, only_plain_residuals

__all__ = ["Blocks", "blocks"]


@dataclass(frozen=True)
class Blocks:
    """Rows of a fit in the model's own columns.

    Attributes
    ----------
    Z : ndarray, shape (q, n)
        Columns of the random effects, multiplied by the root of the weights; q = 0 for a model without.
    X : ndarray, shape (p, n)
        Orthonormal columns of the fixed part, likewise.
    e : ndarray, shape (n,)
        Marginal residuals ``y - Xb``, likewise.
    codes : ndarray of int, shape (n,)
        Group of each row.
    J : int
    D, C : ndarrays, shapes (q, q) and (q, q, J)
        Relative covariance of a group's effects, and given the outcomes.
    effects : ndarray, shape (q, J)
        BLUPs.
    half : ndarray, shape (p, p)
        ``half @ half.T`` is the inverse of X'V^-1X.
    VX : ndarray, shape (p, n)
        Columns of V^-1 X.
    Ve : ndarray, shape (n,)
        V^-1 e = P y, the conditional residual.
    s2 : float
        Residual variance.
    rss : float
        y'Py.
    root : ndarray, shape (n,)
        Root of the weights.
    """

    Z: np.ndarray
    X: np.ndarray
    e: np.ndarray
    codes: np.ndarray
    J: int
    D: np.ndarray
    C: Any  # ndarray; None with several grouping factors
    effects: np.ndarray
    half: np.ndarray
    VX: np.ndarray
    Ve: np.ndarray
    s2: float
    rss: float
    root: np.ndarray

    @cached_property
    def order(self) -> np.ndarray:
        """Rows sorted by group, in their own order within each."""
        return np.argsort(self.codes, kind="stable")

    @cached_property
    def sizes(self) -> np.ndarray:
        """Rows in each group."""
        return np.bincount(self.codes, minlength=self.J)

    @cached_property
    def starts(self) -> np.ndarray:
        """Where each group begins in `order`."""
        return np.concatenate([[0], np.cumsum(self.sizes)[:-1]])

    def sums(self, rows: np.ndarray) -> np.ndarray:
        """Sums over each group's rows of an array whose last axis is the rows."""
        return np.add.reduceat(rows[..., self.order], self.starts, axis=-1)

    @cached_property
    def v_diagonal(self) -> np.ndarray:
        """Diagonal of V^-1."""
        return 1.0 - np.einsum("an,abn,bn->n", self.Z, self.C[:, :, self.codes], self.Z, optimize=True)

    @cached_property
    def random_variance(self) -> np.ndarray:
        """Diagonal of ZDZ'."""
        return np.einsum("an,ab,bn->n", self.Z, self.D, self.Z, optimize=True)

    @cached_property
    def lever(self) -> np.ndarray:
        """Columns of V^-1 X in the frame where X'V^-1X is the identity, shape (p, n)."""
        return self.half.T @ self.VX

    @cached_property
    def p_diagonal(self) -> np.ndarray:
        """Diagonal of P; one minus the hat value."""
        return self.v_diagonal - (self.lever**2).sum(axis=0)

    @cached_property
    def fixed_leverage(self) -> np.ndarray:
        """Diagonal of X (X'V^-1X)^-1 X'V^-1."""
        return ((self.half.T @ self.X) * self.lever).sum(axis=0)

    def residual_maker(self, column: np.ndarray) -> np.ndarray:
        """P times a column of the data (weights are applied here), shape (n,)."""
        c = column * self.root
        inner = np.einsum("abj,bj->aj", self.C, self.sums(self.Z * c)) if len(self.Z) else np.zeros((0, self.J))
        Vc = c - (self.Z * inner[:, self.codes]).sum(axis=0)
        return Vc - self.lever.T @ (self.half.T @ (self.X @ Vc))


def blocks(fit) -> Blocks:
    """The rows of a fitted linear (mixed) model; with several grouping factors groups are those of the largest units.

    Parameters
    ----------
    fit : LmmResult or OlsResult

    Returns
    -------
    Blocks
    """
    only_linear(fit, "This diagnostic", "see fit.residuals('quantile'), mlm.influence(fit) and mlm.diagnose(fit)")
    found = fit.__dict__.get("_blocks")
    if found is None:
        found = fit.__dict__["_blocks"] = _mixed(fit) if getattr(fit, "_at", None) is not None else _linear(fit)
    return found


def _mixed(fit) -> Blocks:
    only_plain_residuals(fit, "This diagnostic")
    if not fit.model.one_factor:
        from .several_blocks import several_blocks
        return several_blocks(fit)
    model, at, design = fit.model, fit._at, fit.design
    p = len(at.b)
    root = np.ones(len(design.y)) if model.root_weights is None else model.root_weights
    elimination = model.criterion.elimination
    Z = elimination.Z
    if elimination.order is not None:
        Z = np.empty_like(elimination.Z)
        Z[:, elimination.order] = elimination.Z
    codes, J = design.random[0].codes, elimination.n_groups
    D = at.L @ at.L.T
    C = D[:, :, None] - np.einsum("ab,bcj,cd->adj", D, at.parts.K, D, optimize=True)
    LU = np.einsum("as,swj->awj", at.L, at.parts.U)
    effects = LU[:, p] - np.einsum("apj,p->aj", LU[:, :p], at.b)
    e = (design.y - fit._fixed_part) * root
    VX = model.Q.copy()
    for a in range(len(Z)):
        VX -= Z[a] * LU[a, :p][:, codes]
    Ve = e - (Z * effects[:, codes]).sum(axis=0)
    return Blocks(Z, model.Q, e, codes, J, D, C, effects, at.half, VX, Ve, at.s2, at.s2 * model.criterion.degrees, root)


def _linear(fit) -> Blocks:
    """A model without random effects: every row of one group, V the identity."""
    from ..lmm.columns import orthonormalize

    design = fit.design
    n, p = design.X.shape
    root = np.ones(n) if design.weights is None else np.sqrt(design.weights)
    Q, _ = orthonormalize(design.X.T * root, design.exog_names, "fixed effects")
    e = (design.y - fit._fitted) * root
    none = np.zeros((0, n))
    return Blocks(
        none,
        Q,
        e,
        np.zeros(n, dtype=int),
        1,
        np.zeros((0, 0)),
        np.zeros((0, 0, 1)),
        np.zeros((0, 1)),
        np.eye(p),
        Q,
        e,
        fit.sigma**2,
        float(e @ e),
        root,
    )
