"""The blocks of an estimating equation, cluster by cluster, in batches: never a matrix of all rows by all rows.

The columns are turned so that sum_j X_j' W_j X_j = I. A cluster's block is its predictors x (m, k), u = W x, working
covariance Theta and residuals e, in one of two frames:

- the cluster's own rows (m = n_j), clusters of like size side by side, filled up with rows that say nothing;
- with one grouping factor and residuals of equal variance, an orthonormal basis of the columns of [Z_j, X_j] (m <= q + k):
  outside their span Theta is a multiple of the identity and the predictors are zero, so that nothing there counts.

Chapter 20 (``20_gee_and_robust``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import DataError, FormulaError
from ..lmm.columns import orthonormalize
from ..lmm.factors import lies_within
from .rows import Rows

__all__ = ["Block", "Blocks"]

_CELLS = 4_000_000  # numbers in a batch of square blocks
_DENSE = 4_000  # rows in a cluster whose own square matrix is still made
_RANK = 1e-13  # of a basis: relative squared length below which a direction is none


@dataclass(frozen=True)
class Block:
    """Clusters side by side: x, u (J, m, k), theta (J, m, m), e (J, m); `which` (J,) says which clusters."""

    x: np.ndarray
    u: np.ndarray
    theta: np.ndarray
    e: np.ndarray
    which: np.ndarray


class Blocks:
    """The clusters of an estimating equation.

    Parameters
    ----------
    rows : Rows
    codes : ndarray of int, shape (n,)
        Cluster of each row, 0 to J - 1.
    names : sequence of str
        Of the columns, for errors.
    what : str
        The name of the clusters, for errors.

    Attributes
    ----------
    x : ndarray, shape (n, k)
    back : ndarray, shape (k, k)
        From coefficients of x to the reader's.
    """

    def __init__(self, rows: Rows, codes: np.ndarray, names, what: str = "groups"):
        self.rows, self.codes, self.J = rows, codes, int(codes.max()) + 1
        self.sizes = np.bincount(codes, minlength=self.J)
        self.order = np.argsort(codes, kind="stable")
        self.starts = np.concatenate([[0], np.cumsum(self.sizes)[:-1]])
        for _, groups, _ in rows.terms:
            self._hold(groups, what)
        if rows.residual is not None and rows.residual.model.rows.correlation is not None:
            self._hold(rows.residual.model.rows.correlation.layout.codes, what)
        if rows.diagonal:
            root = np.sqrt(self.weight)
            Q, R = orthonormalize(rows.X.T * root, names, "predictors")
            self.x, self.back = (Q / root).T, np.linalg.inv(R).T
        else:
            Q, R = orthonormalize(rows.X.T, names, "predictors")
            self.x = np.ascontiguousarray(Q.T)
            total = sum(np.einsum("jma,jmb->ab", block.x, block.u) for block in self.blocks())
            half = np.linalg.inv(np.linalg.cholesky(total)).T
            self.x, self.back = self.x @ half, np.linalg.inv(R).T @ half

    def _hold(self, groups, what):
        if not lies_within(groups[:, None], self.codes):
            raise DataError(f"Rows that the model correlates lie in different clusters of {what}: the clusters must hold whole "
                            "groups of the random part. Name a coarser grouping, or leave groups= out.")

    @cached_property
    def weight(self) -> np.ndarray:
        """W of a diagonal equation, shape (n,)."""
        return 1.0 / self.rows.theta if self.rows.weight is None else self.rows.weight

    @property
    def plain(self) -> bool:
        """True where W and the working covariance are multiples of the identity."""
        rows = self.rows
        return rows.diagonal and np.ptp(rows.theta) <= 1e-13 * rows.theta[0] and np.ptp(self.weight) <= 1e-13 * self.weight[0]

    def sums(self, rows: np.ndarray) -> np.ndarray:
        """Sums over clusters of an array whose first axis is the rows."""
        return np.add.reduceat(rows[self.order], self.starts, axis=0)

    def products(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Of each cluster a' b, shape (J, k, k), of rows a and b, shape (n, k)."""
        out = np.empty((self.J, a.shape[1], b.shape[1]))
        for column in range(a.shape[1]):
            out[:, column] = self.sums(a[:, column, None] * b)
        return out

    def blocks(self):
        """The clusters, in batches (Block)."""
        yield from self._low_rank() if self._has_basis else self._dense()

    @cached_property
    def _has_basis(self) -> bool:
        """True where an orthonormal basis of [Z, X] of each cluster holds everything."""
        rows = self.rows
        if rows.residual is not None or not rows.terms or rows.weight is not None or np.ptp(rows.theta) > 0:
            return False
        first = rows.terms[0][1]
        q = sum(Z.shape[1] for Z, _, _ in rows.terms)
        same = all(np.array_equal(groups, first) for _, groups, _ in rows.terms)
        return same and lies_within(self.codes[:, None], first) and q + rows.X.shape[1] < self.sizes.max()

    def _low_rank(self):
        rows, k = self.rows, self.x.shape[1]
        Z = np.concatenate([Z for Z, _, _ in rows.terms], axis=1)
        Z = Z / np.sqrt((Z * Z).mean(axis=0))
        scale = np.concatenate([np.sqrt((Z * Z).mean(axis=0)) for Z, _, _ in rows.terms])
        q = Z.shape[1]
        T = np.zeros((q, q))
        at = 0
        for own, _, cov in rows.terms:
            T[at:at + own.shape[1], at:at + own.shape[1]] = cov
            at += own.shape[1]
        T = T * np.outer(scale, scale)
        unit = np.sqrt((self.x * self.x).mean())
        F = np.concatenate([Z, self.x / unit], axis=1)
        for at in range(0, self.J, step := max(1, _CELLS // (q + k) ** 2)):
            which = np.arange(at, min(at + step, self.J))
            begin, end = self.starts[at], self.starts[which[-1]] + self.sizes[which[-1]]
            own, starts = self.order[begin:end], self.starts[which] - begin
            f = F[own]
            gram = np.stack([np.add.reduceat(f[:, a, None] * f, starts, axis=0) for a in range(q + k)], axis=1)
            values, axes = np.linalg.eigh(gram)
            use = values > _RANK * values[:, -1:]
            basis = axes * np.where(use, 1.0 / np.sqrt(np.where(use, values, 1.0)), 0.0)[:, None]
            turned = np.swapaxes(basis, 1, 2) @ gram
            z, x = turned[:, :, :q], turned[:, :, q:] * unit
            e = np.einsum("jab,ja->jb", basis, np.add.reduceat(f * rows.e[own, None], starts, axis=0))
            theta = rows.theta[0] * np.eye(q + k) + z @ T @ np.swapaxes(z, 1, 2)
            yield Block(x, np.linalg.solve(theta, x), theta, e, which)

    def _dense(self):
        if self.sizes.max() > _DENSE:
            raise FormulaError(f"A cluster has {self.sizes.max():,} rows, and kind='CR2' takes the root of a matrix of that many "
                               "rows and columns when rows differ in variance. Use kind='CR3' or 'CR1', or a bootstrap.")
        by_size = np.argsort(self.sizes, kind="stable")
        white = self._whitened_units()
        at = 0
        while at < self.J:
            small = self.sizes[by_size[at]]
            last = np.searchsorted(self.sizes[by_size], small + max(2, small // 8), side="right")
            m = int(self.sizes[by_size[last - 1]])
            last = min(last, at + max(1, _CELLS // m ** 2))
            which = by_size[at:last]
            yield self._square(which, int(self.sizes[which].max()), white)
            at = last

    def _square(self, which, m: int, white) -> Block:
        """Clusters in their own rows, those with fewer than m filled up with rows of variance 1 and no predictors."""
        place = np.minimum(self.starts[which, None] + np.arange(m), len(self.codes) - 1)
        idx, real = self.order[place], np.arange(m) < self.sizes[which, None]
        rows = self.rows
        x = np.where(real[:, :, None], self.x[idx], 0.0)
        e = np.where(real, rows.e[idx], 0.0)
        both = real[:, :, None] & real[:, None, :]
        theta = np.zeros((len(which), m, m))
        diagonal = np.arange(m)
        if white is None:
            theta[:, diagonal, diagonal] = np.where(real, rows.theta[idx], rows.theta.mean())
        else:
            theta = self._residual_cov(idx, real, white)
        for Z, groups, T in rows.terms:
            z = np.where(real[:, :, None], Z[idx], 0.0)
            same = (groups[idx][:, :, None] == groups[idx][:, None, :]) & both
            theta += np.where(same, z @ T @ np.swapaxes(z, 1, 2), 0.0)
        u = x * self.weight[idx][:, :, None] if rows.diagonal else np.linalg.solve(theta, x)
        return Block(x, u, theta, e, which)

    def _whitened_units(self):
        """Of correlated residuals: row k of each group's rows of L^-1, C = L L', for every k: (whitened, row's number)."""
        fit = self.rows.residual
        if fit is None:
            return None
        structure, n = fit.model.rows, len(self.codes)
        if structure.correlation is None:
            number = np.zeros(n, dtype=int)
            groups = np.arange(n)
        else:
            groups = structure.correlation.layout.codes
            order = np.argsort(groups, kind="stable")
            sizes = np.bincount(groups)
            number = np.empty(n, dtype=int)
            number[order] = np.arange(n) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        units = np.zeros((number.max() + 1, n))
        units[number, np.arange(n)] = 1.0
        return structure.whiten(units, fit.model.psi)[0], number, groups

    def _residual_cov(self, idx, real, white):
        columns, number, groups = white
        both = real[:, :, None] & real[:, None, :]
        same = (groups[idx][:, :, None] == groups[idx][:, None, :]) & both
        half = np.where(same, columns[number[idx][:, :, None], idx[:, None, :]], 0.0)
        inverse = half @ np.swapaxes(half, 1, 2)
        diagonal = np.arange(idx.shape[1])
        inverse[:, diagonal, diagonal] += ~real
        root = np.sqrt(self.rows.theta[idx])  # sigma over the root of the weights
        return np.linalg.inv(inverse) * (root[:, :, None] * root[:, None, :])
