"""Effects of groups and of times at once: their projection, exact whether or not every group has every time.

The normal equations of two sets of dummies, the groups eliminated (a division each), leave a sparse matrix of the times,
``S = D_t - N' D_g^-1 N`` with N the table of rows by group and time.  It is factored once.  In each set of groups and
times that hang together one time is the reference, whose effect is zero.

Chapter 19 (``19_fixed_or_random``).  Baltagi, B. H. (2013). Econometric Analysis of Panel Data (5th ed.). Wiley,
sections 3.2 and 9.4 (Wansbeek & Kapteyn, 1989, Journal of Econometrics 41, 341-361, for incomplete panels).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

__all__ = ["TwoWay"]

_DENSE = 3000  # times up to which the standard errors of the effects are computed


class TwoWay:
    """The projection on dummies of groups and times; `rank` is theirs, `parts` how many sets hang together."""

    def __init__(self, codes, times, J: int, T: int, weights=None):
        from scipy.sparse import bmat, coo_matrix, csr_matrix, diags
        from scipy.sparse.csgraph import connected_components
        self.codes, self.times, self.J, self.T = codes, times, J, T
        self.w = np.ones(len(codes)) if weights is None else weights
        self.N = coo_matrix((self.w, (codes, times)), shape=(J, T)).tocsr()
        self.per_group = np.bincount(codes, self.w, minlength=J)
        per_time = np.bincount(times, self.w, minlength=T)
        self.parts, of = connected_components(bmat([[None, self.N], [csr_matrix((T, J)), None]]), directed=False)
        pinned = np.unique(of[J:], return_index=True)[1]
        self.free = np.setdiff1d(np.arange(T), pinned)
        self.S = (diags(per_time) - self.N.T @ diags(1.0 / self.per_group) @ self.N).tocsc()[self.free][:, self.free]
        self.rank = J + T - self.parts

    @cached_property
    def _factor(self):
        from scipy.sparse.linalg import splu
        return splu(self.S.tocsc())

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "_factor"}  # a factor cannot be pickled

    def effects(self, A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The effects of groups, shape (J, k), and times, shape (T, k), in the columns of A, shape (n, k)."""
        by_group = np.array([np.bincount(self.codes, c * self.w, minlength=self.J) for c in A.T]).T
        by_time = np.array([np.bincount(self.times, c * self.w, minlength=self.T) for c in A.T]).T
        right = by_time - self.N.T @ (by_group / self.per_group[:, None])
        t = np.zeros((self.T, A.shape[1]))
        if len(self.free):
            t[self.free] = self._factor.solve(np.ascontiguousarray(right[self.free]))
        return (by_group - self.N @ t) / self.per_group[:, None], t

    def residuals(self, A: np.ndarray) -> np.ndarray:
        """The columns of A without the effects of groups and times; a second sweep takes off what rounding left."""
        flat = A.reshape(len(self.codes), -1)
        for _ in range(2):
            g, t = self.effects(flat)
            flat = flat - g[self.codes] - t[self.times]
        return flat.reshape(A.shape)

    def variances(self, s2: float, X: np.ndarray, cov: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Variances of the effects of groups and times that go with coefficients of X; None with very many times."""
        if self.T > _DENSE:
            return None
        inverse = np.zeros((self.T, self.T))
        if len(self.free):
            inverse[np.ix_(self.free, self.free)] = np.linalg.inv(self.S.toarray())
        share = self.N.multiply(1.0 / self.per_group[:, None]).tocsr()
        own = 1.0 / self.per_group + np.asarray(share.multiply(share @ inverse).sum(axis=1)).ravel()
        G, T = self.effects(X)
        return (s2 * own + np.einsum("ja,ab,jb->j", G, cov, G),
                s2 * np.diagonal(inverse) + np.einsum("ja,ab,jb->j", T, cov, T))
