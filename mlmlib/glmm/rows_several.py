"""The random effects of several grouping factors, nested, crossed, or memberships with weights, seen from the rows.

As `mlmlib.glmm.rows`, by elimination: the factor with the most effects is eliminated group by group,

    M1 = I + L1'A11 L1,   E = L1 M1^-1 L1',   S = I + L2'(A22 - A21 E A12) L2,   P = L2 S^-1 L2',

and the rest is a dense system.  Where the rest falls into pieces that no row connects, as nested factors do, small pieces
are packed into blocks as large as the largest, so that all blocks are handled as one array.

Chapter 16 (``16_binary``) fits persons crossed with items; Chapter 12 (``12_crossed``) derives the elimination.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .rows import OneFactorRows, times

__all__ = ["Member", "SeveralRows", "several_rows"]

_LOOP = 8  # blocks at least this large are multiplied one by one


@dataclass(frozen=True)
class Member:
    """One grouping factor of the rows.

    Attributes
    ----------
    Z : ndarray, shape (q, n) or (q, K, n)
    codes : ndarray of int, shape (m, n)
        The groups of each row: m of them for multiple membership.
    weights : ndarray, shape (m, n), or None
        Of memberships.
    J : int
    effects : ndarray of int, shape (q,)
        Places of its effects in L.
    """

    Z: np.ndarray
    codes: np.ndarray
    weights: np.ndarray | None
    J: int
    effects: np.ndarray

    @property
    def q(self) -> int:
        return len(self.effects)


def several_rows(terms, Zs: list[np.ndarray]) -> SeveralRows:
    """The rows of a design's random terms, columns `Zs` as the model has them."""
    places = np.cumsum([0, *(len(Z) for Z in Zs)])
    members = []
    for group in dict.fromkeys(term.group for term in terms):
        own = [k for k, term in enumerate(terms) if term.group == group]
        first = terms[own[0]]
        effects = np.concatenate([np.arange(places[k], places[k + 1]) for k in own])
        Z = np.concatenate([Zs[k] for k in own]) if len(own) > 1 else Zs[own[0]]
        codes, weights = first.codes[None], None
        if first.members is not None:
            codes, weights = first.members.codes.T, first.members.weights.T
        members.append(Member(Z, codes, weights, len(first.levels), effects))
    return SeveralRows(members)


class SeveralRows:
    """The effects of several grouping factors, in one flat vector, factor after factor.

    Parameters
    ----------
    members : list of Member

    Attributes
    ----------
    size : int
    parts : list of (slice, int, ndarray)
        Of each factor: its stretch of the flat vector, number of groups, places of its effects in L.
    """

    def __init__(self, members: list[Member]):
        self.members, self.parts, at = members, [], 0
        for own in members:
            self.parts.append((slice(at, at + own.J * own.q), own.J, own.effects))
            at += own.J * own.q
        self.size, self.q = at, sum(own.q for own in members)
        sizes = [own.J * own.q if own.weights is None else -1 for own in members]
        self.eliminated = int(np.argmax(sizes)) if max(sizes) > 0 else None
        self.rest = [k for k in range(len(members)) if k != self.eliminated]
        n = members[0].Z.shape[-1]
        if self.eliminated is None:
            self.first = OneFactorRows(np.zeros((0, *members[0].Z.shape[1:])), np.zeros(n, dtype=int), 1)
        else:
            own = members[self.eliminated]
            self.first = OneFactorRows(own.Z, own.codes[0], own.J)
        self._entries(n)
        self._blocks(n)

    def _entries(self, n: int) -> None:
        """What each row has of the rest: numbers of nodes, shape (r, n), and values, shape (r, n) or (r, K, n)."""
        nodes, values, at = [], [], 0
        for k in self.rest:
            own = self.members[k]
            for m, codes in enumerate(own.codes):
                for a in range(own.q):
                    nodes.append(at + codes * own.q + a)
                    values.append(own.Z[a] if own.weights is None else own.weights[m] * own.Z[a])
            at += own.J * own.q
        self.n_nodes, self.node, self.value = at, np.stack(nodes), values
        self.ones = [value.ndim == 1 and bool(np.abs(value - 1.0).max() < 1e-12) for value in values]
        self.inside = np.concatenate([np.arange(self.parts[k][0].start, self.parts[k][0].stop) for k in self.rest])

    def _blocks(self, n: int) -> None:
        """Pack connected pieces of the rest into blocks of one size, and number all entries there."""
        import scipy.sparse as sp
        from scipy.sparse.csgraph import connected_components
        hub = self.first.codes + self.n_nodes if self.eliminated is not None else self.node[0]
        J1 = self.first.J if self.eliminated is not None else 0
        total = self.n_nodes + J1
        edges = np.tile(hub, len(self.node)), self.node.ravel()
        graph = sp.csr_matrix((np.ones(len(edges[0])), edges), (total, total))
        count, piece = connected_components(graph, directed=False)
        label = piece[:self.n_nodes]
        size = np.bincount(label, minlength=count)
        self.s = s = int(size.max())
        block, begin, number, filled = np.zeros(count, dtype=int), np.zeros(count, dtype=int), -1, s
        for own in np.argsort(-size, kind="stable"):
            if filled + size[own] > s:
                number, filled = number + 1, 0
            block[own], begin[own] = number, filled
            filled += size[own]
        self.C = number + 1
        order = np.argsort(label, kind="stable")
        start = np.concatenate([[0], np.cumsum(size)])[:-1]
        local = np.empty(self.n_nodes, dtype=int)
        local[order] = np.arange(self.n_nodes) - start[label[order]]
        local += begin[label]
        self.place = block[label] * s + local  # of each node in the padded vector
        self.block_of = block[piece[self.n_nodes:]] if J1 else np.zeros(1, dtype=int)  # of each eliminated group
        self.order = np.argsort(self.block_of, kind="stable")
        self.bounds = np.searchsorted(self.block_of[self.order], np.arange(self.C + 1))
        self.row_place = self.place[self.node]
        local, base = local[self.node], block[label[self.node[0]]] * s
        self.pairs = [(a, b) for a in range(len(local)) for b in range(a + 1)]
        self.pair_place = np.concatenate([(base + local[a]) * s + local[b] for a, b in self.pairs])
        self.cross_place = [[(self.first.codes * self.first.q + a) * s + own for own in local] for a in range(self.first.q)]
        self.own_place = {}  # of each other factor: places of its groups' own blocks
        at = 0
        for k in self.rest:
            J, q = self.members[k].J, self.members[k].q
            nodes = self.place[at + np.arange(J * q)].reshape(J, q)
            self.own_place[k] = nodes[:, :, None] * s + nodes[:, None] % s
            at += J * q

    # the operations

    def gather(self, r: np.ndarray) -> np.ndarray:
        """Z'r, flat."""
        out = np.empty(self.size)
        if self.eliminated is not None:
            out[self.parts[self.eliminated][0]] = self.first.gather(r)
        products = [r if ones else value * r for value, ones in zip(self.value, self.ones)]
        if r.ndim > 1:
            products = [product.sum(axis=0) for product in products]
        out[self.inside] = np.bincount(self.node.ravel(), np.concatenate(products), self.n_nodes)
        return out

    def spread(self, u: np.ndarray) -> np.ndarray:
        """Zu, shape (n,) or (K, n)."""
        rest = u[self.inside]
        out = sum(rest[node] if ones else value * rest[node] for value, node, ones in zip(self.value, self.node, self.ones))
        return out if self.eliminated is None else out + self.first.spread(u[self.parts[self.eliminated][0]])

    def cross(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Z'WZ: A11 (J1, q1, q1), A12 by block (J1, q1, s), A22 (C, s, s)."""
        s, first = self.s, self.first
        weighted = [times(w, value) for value in self.value]
        flat = np.concatenate([_inner(weighted[a], self.value[b]) for a, b in self.pairs])
        A22 = np.bincount(self.pair_place, flat, self.C * s * s).reshape(self.C, s, s)
        if len(self.value) > 1:
            below = np.concatenate([np.arange(len(self.pair_place)).reshape(len(self.pairs), -1)[k]
                                    for k, (a, b) in enumerate(self.pairs) if a != b])
            place = self.pair_place[below]
            turned = place // (s * s) * s * s + place % s * s + place // s % s
            A22 += np.bincount(turned, flat[below], self.C * s * s).reshape(self.C, s, s)
        A12 = np.empty((first.q, first.J * first.q * s))
        whole = np.zeros(first.J * first.q * s)
        for a in range(first.q):
            for own, place in zip(weighted, self.cross_place[a]):
                whole += np.bincount(place, _inner(own, first.Z[a]), len(whole))
        A12 = whole.reshape(first.J, first.q, s)
        return first.cross(w), A12, A22

    def own(self, A) -> list[np.ndarray]:
        """Of each factor the blocks Z_j'W Z_j of its groups, shape (J, q, q)."""
        return [A[0] if k == self.eliminated else A[2].ravel()[self.own_place[k]] for k in range(len(self.members))]

    def scale(self, L: np.ndarray, v: np.ndarray) -> np.ndarray:
        """u = L v, group by group."""
        return self._by_factor(L.T, v)

    def turn(self, L: np.ndarray, g: np.ndarray) -> np.ndarray:
        """L'g, group by group."""
        return self._by_factor(L, g)

    def _by_factor(self, R: np.ndarray, x: np.ndarray) -> np.ndarray:
        out = np.empty_like(x)
        for place, J, effects in self.parts:
            own = R[np.ix_(effects, effects)]
            out[place] = x[place] * own[0, 0] if len(own) == 1 else (x[place].reshape(J, -1) @ own).ravel()
        return out

    def outer(self, g: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Sum over groups of g_j v_j', shape (q, q), zero between factors."""
        out = np.zeros((self.q, self.q))
        for place, J, effects in self.parts:
            out[np.ix_(effects, effects)] = g[place].reshape(J, -1).T @ v[place].reshape(J, -1)
        return out

    def eliminate(self, A, L: np.ndarray) -> _Inverse:
        """H = I + L'A L factored; LinAlgError where it is not positive definite."""
        return _Inverse(self, A, L)

    def leverages(self, inverse: _Inverse) -> np.ndarray:
        """z_i'C z_i of each row, shape (n,) or (K, K, n)."""
        first, n = self.first, self.node.shape[1]
        P = inverse.P.ravel()[self.pair_place].reshape(len(self.pairs), n)
        out = sum(_form(self.value[a], own, self.value[b], a != b) for own, (a, b) in zip(P, self.pairs))
        if self.eliminated is None:
            return out
        C = inverse.posterior(self.eliminated)[first.codes]
        between = inverse.EA12P.ravel()
        for a in range(first.q):
            for b in range(a + 1):
                out = out + _form(first.Z[a], C[:, a, b], first.Z[b], a != b)
            for value, place in zip(self.value, self.cross_place[a]):
                out = out - _form(first.Z[a], between[place], value, True)
        return out


def _inner(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Products of rows' values, summed over predictors, shape (n,)."""
    return x * y if x.ndim == 1 else (x * y).sum(axis=0)


def _form(x: np.ndarray, c: np.ndarray, y: np.ndarray, twice: bool) -> np.ndarray:
    """x c y' of each row, with its transpose added if `twice`, shape (n,) or (K, K, n)."""
    if x.ndim == 1:
        return (2.0 if twice else 1.0) * (x * c * y)
    out = x[:, None] * c * y[None]
    return out + out.transpose(1, 0, 2) if twice else out


class _Inverse:
    """H^-1 of several factors."""

    def __init__(self, rows: SeveralRows, A, L: np.ndarray):
        self.rows, self.A, self.L = rows, A, L
        A11, A12, A22 = A
        none = rows.eliminated is None
        self.L1 = np.zeros((0, 0)) if none else self._part(rows.eliminated)
        self.one = rows.first.eliminate(A11, self.L1) if not none else None
        self.logdet = 0.0 if none else self.one.logdet
        if none:
            self.left = A22
        else:
            self.E = self.one.posterior()
            self.EA12 = self.E @ A12
            self.left = A22 - self._gram(A12, self.EA12)
        self._scales()
        S = self.inward(self.left)
        S[:, np.arange(rows.s), np.arange(rows.s)] += 1.0
        root = np.linalg.cholesky(S)
        self.logdet += 2.0 * float(np.log(np.einsum("css->cs", root)).sum())
        self.inverse = np.linalg.inv(S)

    def _part(self, k: int) -> np.ndarray:
        effects = self.rows.members[k].effects
        return self.L[np.ix_(effects, effects)]

    def _scales(self) -> None:
        """L2 in padded places: a vector where every factor has one effect, else blocks (C, s, s)."""
        rows = self.rows
        parts = [self._part(k) for k in rows.rest]
        if all(len(own) == 1 for own in parts):
            diagonal = np.zeros(rows.C * rows.s)
            diagonal[rows.place] = np.repeat([own[0, 0] for own in parts], [rows.members[k].J for k in rows.rest])
            self.diagonal, self.L2 = diagonal.reshape(rows.C, rows.s), None
        else:
            L2 = np.zeros(rows.C * rows.s * rows.s)
            for k, own in zip(rows.rest, parts):
                L2[rows.own_place[k]] = own
            self.diagonal, self.L2 = None, L2.reshape(rows.C, rows.s, rows.s)

    def inward(self, X: np.ndarray) -> np.ndarray:
        """L2'X L2."""
        if self.L2 is None:
            return X * self.diagonal[:, :, None] * self.diagonal[:, None]
        return self.L2.transpose(0, 2, 1) @ X @ self.L2

    def _gram(self, X: np.ndarray, Y: np.ndarray) -> np.ndarray:
        """Sum over the eliminated groups of each block of X_j'Y_j, shape (C, X's columns, Y's columns)."""
        rows, s, t = self.rows, X.shape[2], Y.shape[2]
        if rows.C == 1:
            return (X.reshape(-1, s).T @ Y.reshape(-1, t))[None]
        X, Y = X[rows.order], Y[rows.order]
        if rows.s >= _LOOP:
            pairs = zip(rows.bounds[:-1], rows.bounds[1:])
            return np.stack([X[a:b].reshape(-1, s).T @ Y[a:b].reshape(-1, t) for a, b in pairs])
        return np.add.reduceat(X.transpose(0, 2, 1) @ Y, rows.bounds[:-1], axis=0)

    def _times(self, X: np.ndarray, B: np.ndarray) -> np.ndarray:
        """X_j (J1, q1, s) times the block of its group, B (C, s, t)."""
        rows, s = self.rows, self.rows.s
        if rows.C == 1:
            return (X.reshape(-1, s) @ B[0]).reshape(*X.shape[:2], -1)
        if s < _LOOP:
            return X @ B[rows.block_of]
        out = np.empty((*X.shape[:2], B.shape[2]))
        for block, (a, b) in enumerate(zip(rows.bounds[:-1], rows.bounds[1:])):
            out[rows.order[a:b]] = X[rows.order[a:b]] @ B[block]
        return out

    def _outward(self, x: np.ndarray) -> np.ndarray:
        """L2 x of padded vectors (C, s)."""
        return x * self.diagonal if self.L2 is None else np.einsum("cst,ct->cs", self.L2, x)

    def _turned(self, x: np.ndarray) -> np.ndarray:
        """L2'x of padded vectors (C, s)."""
        return x * self.diagonal if self.L2 is None else np.einsum("cst,cs->ct", self.L2, x)

    def solve(self, g: np.ndarray) -> np.ndarray:
        """H^-1 g, flat."""
        rows = self.rows
        out = np.empty_like(g)
        padded = np.zeros(rows.C * rows.s)
        padded[rows.place] = g[rows.inside]
        padded = padded.reshape(rows.C, rows.s)
        if self.one is None:
            out[rows.inside] = (self.inverse @ padded[:, :, None]).ravel()[rows.place]
            return out
        stretch, A12, first = rows.parts[rows.eliminated][0], self.A[1], rows.first
        y = first.scale(self.L1, self.one.solve(g[stretch])).reshape(first.J, first.q, 1)
        padded = padded - self._turned(self._gram(y, A12)[:, 0] if rows.C > 1 else
                                       (y.ravel() @ A12.reshape(-1, rows.s))[None])
        x = (self.inverse @ padded[:, :, None])[:, :, 0]
        out[rows.inside] = x.ravel()[rows.place]
        moved = self._times(A12, self._outward(x)[:, :, None]).ravel()
        out[stretch] = self.one.solve(g[stretch] - first.turn(self.L1, moved))
        return out

    # pieces computed when first asked for

    def __getattr__(self, name):
        if name == "P":
            value = self.inverse * self.diagonal[:, :, None] * self.diagonal[:, None] if self.L2 is None else (
                self.L2 @ self.inverse @ self.L2.transpose(0, 2, 1))
        elif name == "A12P":
            value = self._times(self.A[1], self.P)
        elif name == "EA12P":
            value = self.E @ self.A12P
        elif name == "Q":  # A12 P A21 of each eliminated group
            value = self.A12P @ self.A[1].transpose(0, 2, 1)
        else:
            raise AttributeError(name)
        self.__dict__[name] = value
        return value

    def posterior(self, k: int) -> np.ndarray:
        """C of factor k's groups, shape (J, q, q)."""
        if k == self.rows.eliminated:
            return self.E + self.E @ self.Q @ self.E
        return self.P.ravel()[self.rows.own_place[k]]

    def slopes(self) -> np.ndarray:
        """Half the derivative of log|H| in L, A held: sum of the groups' A L H^-1, shape (q, q), zero between factors."""
        rows, out = self.rows, np.zeros((self.rows.q, self.rows.q))
        if self.one is not None:
            effects = rows.members[rows.eliminated].effects
            away = np.eye(rows.first.q) - self.A[0] @ self.E
            inner = self.A[0] - away @ self.Q
            out[np.ix_(effects, effects)] = np.einsum("jab,bc,jcd->ad", inner, self.L1, self.one.inverse)
        if self.L2 is None:
            whole = (np.einsum("cst,ct,cts->cs", self.left, self.diagonal, self.inverse)).ravel()
            at = 0
            for k in rows.rest:
                own = rows.members[k]
                out[own.effects[0], own.effects[0]] = whole[rows.place[at:at + own.J]].sum()
                at += own.J
            return out
        whole = (self.left @ self.L2 @ self.inverse).ravel()
        for k in rows.rest:
            effects = rows.members[k].effects
            out[np.ix_(effects, effects)] = whole[rows.own_place[k]].sum(axis=0)
        return out

    def information(self, dD: np.ndarray) -> np.ndarray:
        """As of one factor, the groups of a factor taken by themselves: a first approximation."""
        rows, out = self.rows, 0.0
        whole = (self.left - self.left @ self.P @ self.left).ravel()
        for k, own in enumerate(rows.members):
            if k == rows.eliminated:
                away = np.eye(own.q) - self.A[0] @ self.E
                K = away @ self.A[0] - away @ self.Q @ away.transpose(0, 2, 1)
            else:
                K = whole[rows.own_place[k]]
            turned = np.einsum("jab,kbc->kjac", K, dD[:, own.effects[:, None], own.effects])
            out = out + np.einsum("kjac,ljca->kl", turned, turned)
        return out
