"""The random effects of one grouping factor, seen from the rows: what Laplace's approximation needs of them.

Four operations are all that is asked: ``cross(w)`` gives Z'WZ, ``gather(r)`` Z'r, ``spread(u)`` Zu, and ``leverages`` the
diagonal of Z C Z', where C = L (I + L'Z'WZ L)^-1 L' is the covariance of the effects given the outcomes.  Effects stand in
one flat vector, group after group.  Rows have one linear predictor, arrays of shape (n,), or K of them, (K, n); weights
are then matrices, (K, K, n).

Chapter 16 (``16_binary``) uses them; `mlmlib.glmm.rows_several` is the same for several factors.
"""

from __future__ import annotations

import numpy as np

__all__ = ["OneFactorRows", "flat", "times"]


def times(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Rows' weights times values: x (..., n) and w (n,), or x (..., K, n) and w (K, K, n)."""
    return w * x if w.ndim == 1 else np.einsum("kln,...ln->...kn", w, x)


def flat(X: np.ndarray) -> np.ndarray:
    """Columns (p, n) or (p, K, n) as rows of one matrix, of none too."""
    return X.reshape(len(X), int(np.prod(X.shape[1:])))


class OneFactorRows:
    """The effects of one grouping factor.

    Parameters
    ----------
    Z : ndarray, shape (q, n) or (q, K, n)
        What each of a group's effects multiplies.
    codes : ndarray of int, shape (n,)
        The group of each row.
    J : int
        Number of groups.

    Attributes
    ----------
    size : int
        Number of random effects, J q.
    parts : list of (slice, int, ndarray)
        Of each factor: its stretch of the flat vector, number of groups, places of its effects in L.
    """

    def __init__(self, Z: np.ndarray, codes: np.ndarray, J: int):
        self.plain = len(Z) == 1 and Z.ndim == 2 and bool(np.abs(Z - 1.0).max() < 1e-12)  # a random intercept
        self.Z, self.codes, self.J, self.q = np.ascontiguousarray(Z), codes, J, len(Z)
        self.size = J * self.q
        self.parts = [(slice(0, self.size), J, np.arange(self.q))]

    def by_group(self, row: np.ndarray) -> np.ndarray:
        """Sum of the values of each group's rows, shape (J,)."""
        return np.bincount(self.codes, row, self.J)

    def gather(self, r: np.ndarray) -> np.ndarray:
        """Z'r, flat."""
        if self.plain:
            return self.by_group(r)
        values = self.Z * r
        if values.ndim == 3:
            values = values.sum(axis=1)
        return np.stack([self.by_group(row) for row in values], axis=1).ravel()

    def spread(self, u: np.ndarray) -> np.ndarray:
        """Zu, shape (n,) or (K, n)."""
        if self.plain:
            return u[self.codes]
        return sum(Z * own[self.codes] for Z, own in zip(self.Z, u.reshape(self.J, self.q).T))

    def cross(self, w: np.ndarray) -> np.ndarray:
        """Z_j'W Z_j of each group, shape (J, q, q)."""
        if self.plain:
            return self.by_group(w)[:, None, None]
        out = np.empty((self.q, self.q, self.J))
        for a in range(self.q):
            weighted = times(w, self.Z[a])
            for b in range(a + 1):
                product = weighted * self.Z[b]
                out[a, b] = out[b, a] = self.by_group(product if product.ndim == 1 else product.sum(axis=0))
        return np.ascontiguousarray(out.transpose(2, 0, 1))

    def own(self, A: np.ndarray) -> list[np.ndarray]:
        """Of each factor the blocks Z_j'W Z_j of its groups, shape (J, q, q)."""
        return [A]

    def scale(self, L: np.ndarray, v: np.ndarray) -> np.ndarray:
        """u = L v, group by group."""
        return v * L[0, 0] if self.q == 1 else (v.reshape(self.J, self.q) @ L.T).ravel()

    def turn(self, L: np.ndarray, g: np.ndarray) -> np.ndarray:
        """L'g, group by group."""
        return g * L[0, 0] if self.q == 1 else (g.reshape(self.J, self.q) @ L).ravel()

    def outer(self, g: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Sum over groups of g_j v_j', shape (q, q)."""
        return g.reshape(self.J, self.q).T @ v.reshape(self.J, self.q)

    def eliminate(self, A: np.ndarray, L: np.ndarray) -> _Inverse:
        """H = I + L'A L factored; LinAlgError where it is not positive definite."""
        return _Inverse(A, L)

    def leverages(self, inverse: _Inverse) -> np.ndarray:
        """z_i'C z_i of each row, shape (n,) or (K, K, n)."""
        C = inverse.posterior()
        if self.plain:
            return C[self.codes, 0, 0]
        C = C[self.codes].transpose(1, 2, 0)
        if self.Z.ndim == 2:
            return np.einsum("an,abn,bn->n", self.Z, C, self.Z) if self.q > 1 else C[0, 0] * self.Z[0] ** 2
        return np.einsum("akn,abn,bln->kln", self.Z, C, self.Z, optimize=True)


class _Inverse:
    """H^-1 of one factor: blocks of q x q."""

    def __init__(self, A: np.ndarray, L: np.ndarray):
        self.A, self.L, self.q = A, L, len(L)
        if self.q == 1:
            M = 1.0 + L[0, 0] ** 2 * A
            if not M.min() > 0:
                raise np.linalg.LinAlgError("not positive definite")
            self.logdet, self.inverse = float(np.log(M).sum()), 1.0 / M
            return
        M = np.eye(self.q) + L.T @ A @ L
        root = np.linalg.cholesky(M)
        self.logdet = 2.0 * float(np.log(np.einsum("jaa->ja", root)).sum())
        self.inverse = np.linalg.inv(M)

    def solve(self, g: np.ndarray) -> np.ndarray:
        """H^-1 g."""
        if self.q == 1:
            return g * self.inverse[:, 0, 0]
        return np.einsum("jab,jb->ja", self.inverse, g.reshape(-1, self.q)).ravel()

    def posterior(self, k: int = 0) -> np.ndarray:
        """C of each group, shape (J, q, q)."""
        return self.L @ self.inverse @ self.L.T

    def slopes(self) -> np.ndarray:
        """Half the derivative of log|H| in L, A held: sum of the groups' A L H^-1, shape (q, q)."""
        return np.einsum("jab,jbc->ac", self.A @ self.L, self.inverse)

    def information(self, dD: np.ndarray) -> np.ndarray:
        """tr(K dD_k K dD_l) with K = Z'V^-1 Z, V = W^-1 + Z L L'Z', for changes dD (m, q, q) of L L'."""
        K = self.A - self.A @ self.posterior() @ self.A
        turned = np.einsum("jab,kbc->kjac", K, dD)
        return np.einsum("kjac,ljca->kl", turned, turned)
