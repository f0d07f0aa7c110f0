"""Elimination of one grouping factor's random effects, at a cost that does not depend on the number of rows.

With y = Xb + Zu + e, u ~ N(0, s2 L L'), e ~ N(0, s2 I), all that the likelihood needs of the data are the groups'
cross-products A_j = Z_j'Z_j and B_j = Z_j'[X y], and C = [X y]'[X y].  They are formed once.  For any factor L

    M_j = I + L'A_j L,     log|V| = sum_j log|M_j|,     S = [X y]'V^-1[X y] = C - sum_j (L'B_j)' M_j^-1 (L'B_j),

so that a singular L is an ordinary point: no covariance matrix is inverted.  Arrays keep the groups in their last
axis: each step is one vectorized operation over all groups.

Chapter 7 (``07_estimation``) derives the two identities.

References
----------
Lindstrom, M. J., & Bates, D. M. (1988). Newton-Raphson and EM algorithms for linear mixed-effects models for
repeated-measures data. Journal of the American Statistical Association, 83, 1014-1022, section 3.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np

__all__ = ["Eliminated", "OneFactor"]


@dataclass(frozen=True)
class Eliminated:
    """What is left when the random effects are eliminated at one L.

    Attributes
    ----------
    logdet : float
        log|V|, V in units of the residual variance.
    S : ndarray, shape (p + 1, p + 1)
        [X y]' V^-1 [X y].
    K : ndarray, shape (q, q, J)
        Z_j' V_j^-1 Z_j.
    W : ndarray, shape (q, p + 1, J)
        Z_j' V_j^-1 [X y]_j.
    U : ndarray, shape (q, p + 1, J)
        M_j^-1 L' B_j: with y - Xb in place of [X y] the spherical BLUPs, L U the BLUPs.
    UA : ndarray, shape (q, q, J)
        M_j^-1 L' A_j.
    """

    logdet: float
    S: np.ndarray
    K: np.ndarray
    W: np.ndarray
    U: np.ndarray
    UA: np.ndarray


class OneFactor:
    """Cross-products of one grouping factor.

    Parameters
    ----------
    Z : ndarray, shape (q, n)
        Columns of all random effects of the factor, one a row.
    XY : ndarray, shape (p + 1, n)
        Columns of X and y, one a row.
    codes : ndarray of int, shape (n,)
        Group of each row, 0 .. J - 1, every group present.
    n_groups : int
    """

    def __init__(self, Z: np.ndarray, XY: np.ndarray, codes: np.ndarray, n_groups: int):
        self.q, self.n_groups, self._Z, self._codes = len(Z), n_groups, Z, codes
        self.in_order = not (codes[1:] < codes[:-1]).any()
        self.AB = np.empty((self.q, self.q + len(XY), n_groups))
        product = np.empty(XY.shape[1])  # one at a time: no copy of the columns is made
        for a in range(self.q):
            for b in range(a, self.q + len(XY)):
                np.multiply(Z[a], Z[b] if b < self.q else XY[b - self.q], out=product)
                self.AB[a, b] = self._sums(product)
            self.AB[a, :a] = self.AB[:a, a]
        self.C = XY @ XY.T

    def _sums(self, values: np.ndarray) -> np.ndarray:
        """Sums of the rows' values over the groups, shape (J,)."""
        if self.in_order:
            return np.add.reduceat(values, self.starts)
        return np.bincount(self._codes, values, self.n_groups)

    @cached_property
    def order(self) -> np.ndarray | None:
        """What brings the rows group by group; None where they stand so."""
        return None if self.in_order else np.argsort(self._codes, kind="stable")

    @cached_property
    def starts(self) -> np.ndarray:
        """Where each group begins among the rows in order, shape (J,)."""
        codes = self._codes if self.in_order else self._codes[self.order]
        return np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))

    @cached_property
    def Z(self) -> np.ndarray:
        """The columns of the random effects, rows in order."""
        return self._Z if self.in_order else self._Z[:, self.order]

    def with_outcome(self, X: np.ndarray, y: np.ndarray) -> OneFactor:
        """The same groups and columns with another outcome: only the products with y are formed again.

        Parameters
        ----------
        X : ndarray, shape (p, n)
        y : ndarray, shape (n,)
        """
        other = copy.copy(self)
        other.AB, other.C = self.AB.copy(), self.C.copy()
        for a in range(self.q):
            other.AB[a, -1] = self._sums(self._Z[a] * y)
        other.C[-1, :-1] = other.C[:-1, -1] = X @ y
        other.C[-1, -1] = y @ y
        return other

    def eliminate(self, L: np.ndarray) -> Eliminated:
        """Eliminate the random effects at the relative covariance factor `L`, shape (q, q)."""
        q, width, groups = self.AB.shape
        N = (L.T @ self.AB.reshape(q, -1)).reshape(q, width, groups)  # L'[A B]
        work = np.empty((q, q + width, groups))
        np.matmul(L.T, N[:, :q], out=work[:, :q])
        work[:, q:] = N
        diagonal = np.arange(q)
        work[diagonal, diagonal] += 1.0
        pivots = np.empty((q, groups))
        for k in range(q):  # Gauss-Jordan on [M | L'A L'B]; M is positive definite, so no pivoting
            pivots[k] = work[k, k]
            work[k, k + 1:] /= pivots[k]
            for i in range(q):
                if i != k:
                    work[i, k + 1:] -= work[i, k] * work[k, k + 1:]
        U = work[:, q:]
        KW = self.AB.copy()
        for k in range(q):  # [A B] - A L M^-1 L'[A B]
            KW -= N[k, :q, None] * U[k]
        S = self.C - np.matmul(N[:, q:], U[:, q:].transpose(0, 2, 1)).sum(axis=0)
        return Eliminated(float(np.log(pivots).sum()), S, KW[:, :q], KW[:, q:], U[:, q:], U[:, :q])
