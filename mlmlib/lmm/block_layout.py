"""A symmetric sparse matrix seen as dense blocks, one for each connected component, in batches of equal size.

Factors nested in one another fall into many small components, which are handled together; crossed ones make one.
Matrices live in one flat buffer, of which every block is a view; only the lower triangle of a block is held.

Chapter 12 (``12_crossed``) shows the patterns.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg.blas import dsymm
from scipy.linalg.lapack import dpotrf, dpotri

__all__ = ["BlockLayout"]

_MANY_SIZES = 12  # more distinct sizes than this are padded to powers of two, so that batches stay few
_SMALL = 64  # blocks no larger than this are padded and batched


class BlockLayout:
    """Where the nodes and the pairs of nodes of each component stand.

    Parameters
    ----------
    label : ndarray of int, shape (n,)
        Component of each node.
    count : int
        Number of components that have nodes numbered 0 .. count - 1; some may be empty.

    Attributes
    ----------
    batches : list of (slice, slice, int, int)
        Of vectors and of the buffer, number of blocks, their size.
    node : ndarray of int, shape (n,)
        Place of each node in a padded vector.
    """

    def __init__(self, label: np.ndarray, count: int):
        n = len(label)
        size = np.bincount(label, minlength=count)
        padded = size.copy()
        small = size <= _SMALL
        if len(np.unique(size[small])) > _MANY_SIZES:
            padded[small] = 2 ** np.ceil(np.log2(np.maximum(size[small], 1))).astype(int)
        order = np.argsort(label, kind="stable")
        first = np.concatenate([[0], np.cumsum(size)])[:-1]
        self.label = label
        self.local = np.empty(n, dtype=np.int64)
        self.local[order] = np.arange(n) - first[label[order]]
        self._width, self._begin = padded, np.zeros(count, dtype=np.int64)
        start = np.zeros(count, dtype=np.int64)
        self.batches, vector, buffer = [], 0, 0
        for s in map(int, np.unique(padded[size > 0])):
            own = np.flatnonzero((padded == s) & (size > 0))
            start[own] = vector + s * np.arange(len(own))
            self._begin[own] = buffer + s * s * np.arange(len(own))
            self.batches.append((slice(vector, vector + s * len(own)), slice(buffer, buffer + s * s * len(own)),
                                 len(own), s))
            vector, buffer = vector + s * len(own), buffer + s * s * len(own)
        self.node, self.n_vector, self.n_buffer = start[label] + self.local, vector, buffer
        self.row_place = self._begin[label] + self.local * padded[label]

    def entry(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Places in the buffer of pairs of nodes of one component."""
        return self.row_place[row] + self.local[column]

    def where(self, label: int) -> tuple[int, int]:
        """Number of the batch that a component's block is in, and its place there."""
        for k, (_, place, _, s) in enumerate(self.batches):
            if s == self._width[label]:
                return k, int(self._begin[label] - place.start) // (s * s)
        raise ValueError(f"component {label} is empty")

    def blocks(self, buffer: np.ndarray) -> list[np.ndarray]:
        """Views of the blocks, each batch of shape (m, s, s)."""
        return [buffer[place].reshape(m, s, s) for _, place, m, s in self.batches]

    def vectors(self, X: np.ndarray) -> list[np.ndarray]:
        """Rows of X, shape (n, c), in batches of shape (m, s, c); zero where padded."""
        out = np.zeros((self.n_vector, X.shape[1]))
        out[self.node] = X
        return [out[place].reshape(m, s, -1) for place, _, m, s in self.batches]

    def rows(self, batches: list[np.ndarray], columns: int) -> np.ndarray:
        """The inverse of `vectors`, shape (n, columns)."""
        if not batches:
            return np.zeros((0, columns))
        return np.concatenate([x.reshape(-1, columns) for x in batches])[self.node]

    def complete(self, buffer: np.ndarray) -> list[np.ndarray]:
        """The blocks as whole symmetric matrices, from their lower triangles (copies)."""
        return [np.tril(X) + np.tril(X, -1).transpose(0, 2, 1) for X in self.blocks(buffer)]

    def invert(self, buffer: np.ndarray) -> float:
        """Replace positive definite blocks by their inverses; the logarithm of the determinant.

        Raises
        ------
        numpy.linalg.LinAlgError
            If a block is not positive definite.
        """
        logdet = 0.0
        for X in self.blocks(buffer):
            if len(X) == 1:
                root, failed = dpotrf(X[0].T, lower=0, clean=0, overwrite_a=1)
                if failed:
                    raise np.linalg.LinAlgError("not positive definite")
                logdet += 2.0 * float(np.log(root.diagonal()).sum())
                dpotri(root, lower=0, overwrite_c=1)  # in place, as X is
                continue
            whole = np.tril(X) + np.tril(X, -1).transpose(0, 2, 1)
            root = np.linalg.cholesky(whole)
            logdet += 2.0 * float(np.log(np.einsum("mii->mi", root)).sum())
            X[:] = np.linalg.inv(whole)
        return logdet

    def multiply(self, buffer: np.ndarray, X: np.ndarray) -> np.ndarray:
        """The symmetric matrix in the buffer times X, shape (n, c)."""
        out = []
        for A, x in zip(self.blocks(buffer), self.vectors(X)):
            if len(A) == 1:
                out.append(dsymm(1.0, A[0].T, x[0], lower=0)[None])
            else:
                out.append((np.tril(A) + np.tril(A, -1).transpose(0, 2, 1)) @ x)
        return self.rows(out, X.shape[1])
