"""Elimination of several grouping factors: nested, crossed, or memberships with weights.

The factor with the most effects is eliminated in closed form, group by group, as in `mlmlib.lmm.elimination`; what it
leaves of the cross-products of all others,

    A22.1 = Z2'Z2 - Z2'Z1 E Z1'Z2,     E = L1 (I + L1'A1 L1)^-1 L1',

is seen as dense blocks, one for each connected component.  With M = I + L2'A22.1 L2

    log|V| = log|I + L1'A1 L1| + log|M|,
    [X y]'V^-1[X y] = C.1 - B2.1' L2 M^-1 L2' B2.1.

Z2'Z1 E Z1'Z2 is linear in E: the sparse operator that takes E to it (a group of the first factor contributes to every
pair of effects of the others that it has rows with) is formed once, and its transpose gives the derivatives.  Nothing
of the size n x n, or of one factor's effects squared times another's, is formed.

Chapter 12 (``12_crossed``) derives the two steps.

References
----------
Bates, D., Maechler, M., Bolker, B., & Walker, S. (2015). Fitting linear mixed-effects models using lme4.
Journal of Statistical Software, 67(1), section 3.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from .block_layout import BlockLayout

__all__ = ["Eliminated", "Factor", "SeveralFactors"]

_SMALL = 20_000  # entries up to which a sparse operator is kept as a plain array
_POOR = 1e-3  # singular value of a term's factor below which sums of K are formed without dividing by it


@dataclass(frozen=True)
class Factor:
    """The random effects of one grouping factor.

    Attributes
    ----------
    Z : scipy.sparse.csr_matrix, shape (n, J q)
        Group j's effects stand side by side.
    J, q : int
        Groups, and effects a group.
    effects : ndarray of int, shape (q,)
        Places of its effects in L.
    single : bool
        True where every row belongs to one group.
    """

    Z: sp.csr_matrix
    J: int
    q: int
    effects: np.ndarray
    single: bool = True

    @cached_property
    def block(self) -> tuple:
        """Where its own block of L stands."""
        return np.ix_(self.effects, self.effects)


@dataclass(frozen=True)
class Eliminated:
    """What is left when the random effects are eliminated at one L.

    Attributes
    ----------
    logdet : float
        log|V|, V in units of the residual variance.
    S : ndarray, shape (p + 1, p + 1)
        [X y]' V^-1 [X y].
    W : list of ndarray, shape (J, q, p + 1)
        Z_j' V^-1 [X y] for each factor's groups.
    U : list of ndarray, shape (J, q, p + 1)
        D times W: with y - Xb in place of [X y] the BLUPs.
    E : ndarray, shape (J1, q1, q1)
    inverse : ndarray
        M^-1 in the layout's buffer.
    scale : ndarray or sparse matrix
        L2: its diagonal where every term of the other factors has one effect.
    """

    logdet: float
    S: np.ndarray
    W: list
    U: list
    E: np.ndarray
    inverse: np.ndarray
    scale: Any


class SeveralFactors:
    """Cross-products of several grouping factors.

    Parameters
    ----------
    factors : list of Factor
    XY : ndarray, shape (p + 1, n)
        Columns of X and y, one a row.
    """

    def __init__(self, factors: list[Factor], XY: np.ndarray):
        self.factors = factors
        self.q = sum(factor.q for factor in factors)
        sizes = [factor.J * factor.q if factor.single else -1 for factor in factors]
        self.first = int(np.argmax(sizes)) if max(sizes) > 0 else None
        self.rest = [k for k in range(len(factors)) if k != self.first]
        n = XY.shape[1]
        if self.first is None:
            self.Z1, self.q1, self.J1 = sp.csr_matrix((n, 0)), 1, 0
        else:
            own = factors[self.first]
            self.Z1, self.q1, self.J1 = own.Z, own.q, own.J
        self.Z2 = sp.hstack([factors[k].Z for k in self.rest], format="csr") if len(self.rest) > 1 else (
            factors[self.rest[0]].Z)
        self.nodes, at = {}, 0  # of each other factor: place of (group, effect)
        for k in self.rest:
            J, q = factors[k].J, factors[k].q
            self.nodes[k] = at + np.arange(J * q).reshape(J, q)
            at += J * q
        self.n_nodes = at
        self.Z1t, self.Z2t = self.Z1.T.tocsr(), self.Z2.T.tocsr()
        self.C = XY @ XY.T
        self.B1 = (self.Z1t @ XY.T).reshape(self.J1, self.q1, len(XY))
        self.B2 = self.Z2t @ XY.T
        self._cross_products()

    def _cross_products(self) -> None:
        q1, J1 = self.q1, self.J1
        self.A1 = np.zeros((J1, q1, q1))
        own = (self.Z1t @ self.Z1).tocoo()
        self.A1[own.row // q1, own.row % q1, own.col % q1] = own.data
        self.N = (self.Z1t @ self.Z2).tocsr()
        self.N.sort_indices()
        self.Nt = self.N.T.tocsr()
        self.A22 = (self.Z2t @ self.Z2).tocsr()
        group, column, values = self._level_columns()
        label, count = self._components(group, column)
        self.group_label, self.layout = label[:J1], BlockLayout(label[J1:], count)
        self.own = {k: self.layout.entry(np.maximum(nodes[:, :, None], nodes[:, None]),
                                         np.minimum(nodes[:, :, None], nodes[:, None]))
                    for k, nodes in self.nodes.items()}
        lower = self.A22.tocoo()
        keep = lower.row >= lower.col
        self.base = np.zeros(self.layout.n_buffer)
        self.base[self.layout.entry(lower.row[keep], lower.col[keep])] = lower.data[keep]
        self.pairs = self._pair_operator(group, column, values)
        self.pairs = _light(self.pairs)
        self._N, self._Nt, self._A22 = map(_light, (self.N, self.Nt, self.A22))

    def _level_columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The entries of Z1'Z2 by group of the first factor and column: group, column, values, shape (entries, q1)."""
        if self.q1 == 1:
            group = np.repeat(np.arange(self.J1), np.diff(self.N.indptr))
            return group, self.N.indices.astype(np.int64), self.N.data[:, None]
        coo = self.N.tocoo()
        key, place = np.unique((coo.row // self.q1).astype(np.int64) * self.n_nodes + coo.col, return_inverse=True)
        values = np.zeros((len(key), self.q1))
        values[place, coo.row % self.q1] = coo.data
        return key // self.n_nodes, key % self.n_nodes, values

    def _components(self, group: np.ndarray, column: np.ndarray) -> tuple[np.ndarray, int]:
        """Component of each group of the first factor and of each node of the others."""
        J1, size = self.J1, self.J1 + self.n_nodes
        others = self.A22.tocoo()
        tied = [(nodes[:, :1] + 0 * nodes).ravel() for nodes in self.nodes.values()]
        all_nodes = [nodes.ravel() for nodes in self.nodes.values()]
        rows = np.concatenate([group, J1 + others.row, J1 + np.concatenate(tied)])
        columns = np.concatenate([J1 + column, J1 + others.col, J1 + np.concatenate(all_nodes)])
        graph = sp.csr_matrix((np.ones(len(rows), dtype=np.int8), (rows, columns)), (size, size))
        count, label = connected_components(graph, directed=False)
        return label, count

    def _pair_operator(self, group: np.ndarray, column: np.ndarray, values: np.ndarray) -> Any:
        """The operator from E, flat, to the lower triangles of Z2'Z1 E Z1'Z2 in the buffer."""
        q1, J1 = self.q1, self.J1
        counts = np.bincount(group, minlength=J1)
        begin = np.concatenate([[0], np.cumsum(counts)])[:-1]
        upto = np.arange(len(group)) - begin[group] + 1  # entries of the group up to and with this one
        kind = np.int32 if max(self.layout.n_buffer, int(upto.sum()) * q1 * q1) < 2 ** 31 else np.int64
        ends = np.cumsum(upto)
        right = np.arange(ends[-1] if len(ends) else 0, dtype=kind)
        right += np.repeat((begin[group] - ends + upto).astype(kind), upto)
        entry = np.repeat(self.layout.row_place[column].astype(kind), upto)
        entry += self.layout.local[column].astype(kind)[right]
        many = np.bincount(group, weights=upto, minlength=J1).astype(np.int64)  # pairs of each group
        shape = (self.layout.n_buffer, J1 * q1 * q1)
        if q1 == 1:
            data, indices, repeats = np.repeat(values[:, 0], upto), entry, many
            data *= values[:, 0][right]
        else:
            products = (np.repeat(values, upto, axis=0)[:, :, None] * values[right][:, None]).reshape(-1, q1 * q1)
            pieces = np.repeat(many, q1 * q1)  # a group's pairs stand together, once for each element of E
            inner = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
            source = inner + np.repeat(np.repeat(np.cumsum(many) - many, q1 * q1), pieces)
            which = np.repeat(np.tile(np.arange(q1 * q1), J1), pieces)
            data, indices, repeats = products[source, which], entry[source], pieces
        indptr = np.concatenate([[0], np.cumsum(repeats)])
        return sp.csc_matrix((data, indices.astype(kind), indptr.astype(kind)), shape)

    def with_outcome(self, X: np.ndarray, y: np.ndarray) -> SeveralFactors:
        """The same factors and columns with another outcome: only the products with y are formed again."""
        other = copy.copy(self)
        other.B1, other.B2, other.C = self.B1.copy(), self.B2.copy(), self.C.copy()
        other.B1[:, :, -1] = (self.Z1t @ y).reshape(self.J1, self.q1)
        other.B2[:, -1] = self.Z2t @ y
        other.C[-1, :-1] = other.C[:-1, -1] = X @ y
        other.C[-1, -1] = y @ y
        return other

    def mapped(self, columns: np.ndarray) -> SeveralFactors:
        """The same factors with linear combinations, the columns of `columns`, in place of [X y]."""
        other = copy.copy(self)
        other.B1, other.B2, other.C = self.B1 @ columns, self.B2 @ columns, columns.T @ self.C @ columns
        return other

    # pieces of L

    def part(self, L: np.ndarray, k: int) -> np.ndarray:
        """The block of L that belongs to factor k."""
        return L[self.factors[k].block]

    def first_part(self, L: np.ndarray) -> np.ndarray:
        """The block of the factor that is eliminated first; 1 x 1 where there is none."""
        return np.zeros((1, 1)) if self.first is None else self.part(L, self.first)

    def _scale(self, L: np.ndarray) -> Any:
        parts = [self.part(L, k) for k in self.rest]
        if all(len(part) == 1 for part in parts):
            return np.repeat([part[0, 0] for part in parts], [self.factors[k].J for k in self.rest])
        return sp.block_diag([sp.kron(sp.identity(self.factors[k].J), part) for k, part in zip(self.rest, parts)],
                             format="csr")

    def scaled(self, scale: Any, X: np.ndarray, transposed: bool = False) -> np.ndarray:
        """L2 X, or L2'X."""
        if scale.ndim == 1:
            return scale[:, None] * X
        return (scale.T if transposed else scale) @ X

    def _between(self, buffer: np.ndarray, scale: Any, inward: bool) -> np.ndarray:
        """L2'A L2 (inward) or L2 A L2' of a matrix in the buffer, lower triangles, in a new buffer."""
        layout, out = self.layout, np.empty(self.layout.n_buffer)
        if scale.ndim == 1:
            v = np.zeros(layout.n_vector)
            v[layout.node] = scale
            for X, Y, (place, _, m, s) in zip(layout.blocks(buffer), layout.blocks(out), layout.batches):
                own = v[place].reshape(m, s)
                np.multiply(X, own[:, :, None], out=Y)
                Y *= own[:, None]
            return out
        coo = scale.tocoo()
        turned = sp.csr_matrix((coo.data, (layout.node[coo.row], layout.node[coo.col])), (layout.n_vector,) * 2)
        left = turned.T.tocsr() if inward else turned
        for X, Y, (place, _, m, s) in zip(layout.complete(buffer), layout.blocks(out), layout.batches):
            own = left[place, place]
            if m == 1:
                Y[0] = own @ (own @ X[0]).T
            else:
                dense, entries = np.zeros((m, s, s)), own.tocoo()
                dense[entries.row // s, entries.row % s, entries.col % s] = entries.data
                Y[:] = dense @ X @ dense.transpose(0, 2, 1)
        return out

    # elimination

    def eliminate(self, L: np.ndarray) -> Eliminated:
        """Eliminate the random effects at the relative covariance factor `L`, shape (q, q)."""
        q1, J1, layout, wide = self.q1, self.J1, self.layout, len(self.C)
        L1 = self.first_part(L)
        M1 = np.eye(q1) + L1.T @ self.A1 @ L1
        if q1 == 1:
            logdet, E = float(np.log(M1).sum()), L1[0, 0] ** 2 / M1
        else:
            logdet = float(np.linalg.slogdet(M1)[1].sum())
            E = L1 @ np.linalg.solve(M1, np.broadcast_to(L1.T, M1.shape))
        EB = (E @ self.B1).reshape(J1 * q1, wide)
        B2 = self.B2 - self._Nt @ EB
        C = self.C - self.B1.reshape(J1 * q1, wide).T @ EB
        scale = self._scale(L)
        inverse = self._between(self.left(E), scale, inward=True)
        for X in layout.blocks(inverse):
            d = np.arange(X.shape[1])
            X[:, d, d] += 1.0
        logdet += layout.invert(inverse)
        inward = self.scaled(scale, B2, transposed=True)
        turned = layout.multiply(inverse, inward)
        S = C - inward.T @ turned
        U2 = self.scaled(scale, turned)
        inner = self.B1 - (self._N @ U2).reshape(J1, q1, wide)
        U1 = E @ inner
        W1 = inner - self.A1 @ U1
        W2 = self.B2 - self._A22 @ U2 - self._Nt @ U1.reshape(J1 * q1, wide)
        return Eliminated(logdet, S, self._by_factor(W1, W2), self._by_factor(U1, U2), E, inverse, scale)

    def left(self, E: np.ndarray) -> np.ndarray:
        """A22.1 in the buffer."""
        return self.base - self.pairs @ E.ravel()

    def _by_factor(self, one: np.ndarray, rest: np.ndarray) -> list[np.ndarray]:
        found = []
        for k, factor in enumerate(self.factors):
            found.append(one if k == self.first else rest[self.nodes[k]].reshape(factor.J, factor.q, -1))
        return found

    def products(self, parts: Eliminated, x: list[np.ndarray]) -> list[np.ndarray]:
        """Z'V^-1 Z times vectors, given and returned by factor, shape (J, q, m)."""
        J1, q1, m = self.J1, self.q1, x[0].shape[2]
        x1 = np.zeros((J1, q1, m)) if self.first is None else x[self.first]
        x2 = np.empty((self.n_nodes, m))
        for k in self.rest:
            x2[self.nodes[k].ravel()] = x[k].reshape(-1, m)
        b1 = self.A1 @ x1 + (self._N @ x2).reshape(J1, q1, m)
        b2 = self._Nt @ x1.reshape(J1 * q1, m) + self._A22 @ x2
        B2 = b2 - self._Nt @ (parts.E @ b1).reshape(J1 * q1, m)
        turned = self.layout.multiply(parts.inverse, self.scaled(parts.scale, B2, transposed=True))
        U2 = self.scaled(parts.scale, turned)
        inner = b1 - (self._N @ U2).reshape(J1, q1, m)
        U1 = parts.E @ inner
        return self._by_factor(inner - self.A1 @ U1, b2 - self._A22 @ U2 - self._Nt @ U1.reshape(J1 * q1, m))

    def first_quadratic(self, parts: Eliminated) -> np.ndarray:
        """Z1'Z2 P Z2'Z1 of each group, P = L2 M^-1 L2', shape (J1, q1, q1)."""
        P = self._between(parts.inverse, parts.scale, inward=False)
        for X in self.layout.blocks(P):
            d = np.arange(X.shape[1])
            X[:, d, d] *= 0.5
        half = (self.pairs.T @ P).reshape(self.J1, self.q1, self.q1)
        return half + half.transpose(0, 2, 1)

    def K_sums(self, parts: Eliminated, L: np.ndarray) -> np.ndarray:
        """Sum over each factor's groups of Z_j'V^-1 Z_j, shape (q, q), zero between factors."""
        out = np.zeros((self.q, self.q))
        direct = None
        if self.first is not None:
            shrink = np.eye(self.q1) - self.A1 @ parts.E
            K1 = shrink @ self.A1 - shrink @ self.first_quadratic(parts) @ shrink.transpose(0, 2, 1)
            out[self.factors[self.first].block] = K1.sum(axis=0)
        for k in self.rest:
            Lk, block = self.part(L, k), self.factors[k].block
            if _least(Lk) >= _POOR:
                left = self.factors[k].J * np.eye(len(Lk)) - parts.inverse[self.own[k]].sum(axis=0)
                back = np.linalg.inv(Lk)
                out[block] = back.T @ left @ back
            else:
                direct = np.concatenate([K.ravel() for K in self.whole(parts)[2]]) if direct is None else direct
                out[block] = direct[self.own[k]].sum(axis=0)
        return out

    def whole(self, parts: Eliminated) -> tuple[list, list, list]:
        """P = L2 M^-1 L2', A = A22.1 and A - A P A = Z2'V^-1 Z2, block by block; at any L."""
        P = self.layout.complete(self._between(parts.inverse, parts.scale, inward=False))
        left = self.layout.complete(self.left(parts.E))
        return P, left, [A - A @ own @ A for A, own in zip(left, P)]

    def own_products(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Factor k's Z_j'Z_j, shape (J, q, q), and Z_j'y, shape (J, q)."""
        if k == self.first:
            return self.A1, self.B1[:, :, -1]
        nodes = self.nodes[k]
        return self.base[self.own[k]], self.B2[nodes.ravel(), -1].reshape(nodes.shape)

    def posterior(self, parts: Eliminated, L: np.ndarray, k: int) -> np.ndarray:
        """Covariance of factor k's effects given the outcomes, in units of s2, shape (J, q, q)."""
        if k == self.first:
            return parts.E + parts.E @ self.first_quadratic(parts) @ parts.E
        Lk = self.part(L, k)
        return Lk @ parts.inverse[self.own[k]] @ Lk.T


def _light(operator: Any) -> Any:
    """A small operator as a plain array: multiplying by a sparse one costs more for the asking than for the work."""
    return operator.toarray() if operator.shape[0] * operator.shape[1] <= _SMALL else operator


def _least(L: np.ndarray) -> float:
    """The smallest singular value."""
    return abs(float(L[0, 0])) if len(L) == 1 else float(np.linalg.svd(L, compute_uv=False)[-1])
