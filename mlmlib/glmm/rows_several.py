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
from .several_inverse import SeveralInverse

__all__ = ["Member", "SeveralRows", "several_rows"]

_LARGE = 64  # blocks are made no larger than this to have less room left over


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
        self._blocks()
        self.corners = [np.ix_(effects, effects) for _, _, effects in self.parts]

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

    def _blocks(self) -> None:
        """Pack connected pieces of the rest into blocks of one size, and number all entries there."""
        first, whole = self.first, self.eliminated is not None
        label, piece, count = self._pieces()
        size = np.bincount(label, minlength=count)
        many = np.bincount(piece, minlength=count) if whole else np.ones(count, dtype=int)
        self.s = int(size.max())
        while True:
            block, begin, self.C = _packed(size, self.s)
            groups = np.bincount(block[piece], minlength=self.C) if whole else many[:1]
            if self.C * groups.max() <= 4 * first.J + 64 or self.s >= _LARGE:
                break
            self.s *= 2
        s = self.s
        local = _within(label) + begin[label]
        self.place = block[label] * s + local  # of each node in the padded vector
        self.row_place = self.place[self.node]
        local, base = local[self.node], block[label[self.node[0]]] * s
        self.pairs = [(a, b) for a in range(len(local)) for b in range(a + 1)]
        self.pair_place = np.concatenate([(base + local[a]) * s + local[b] for a, b in self.pairs])
        self.mirror_place = np.concatenate([(base + local[b]) * s + local[a] for a, b in self.pairs if a != b] or [[]])
        self.slot = None  # of each eliminated group its place among those of its block
        if whole and self.C > 1:
            self.slot = block[piece] * int(groups.max()) + _within(block[piece])
            self.first = OneFactorRows(first.Z, self.slot[first.codes], self.C * int(groups.max()))
        q1, codes = self.first.q, self.first.codes
        self.cross_place = [[(codes * q1 + a) * s + own for own in local] for a in range(q1)]
        self.own_place, at = {}, 0  # of each other factor: places of its groups' own blocks
        for k in self.rest:
            J, q = self.members[k].J, self.members[k].q
            nodes = self.place[at + np.arange(J * q)].reshape(J, q)
            self.own_place[k] = nodes[:, :, None] * s + nodes[:, None] % s
            at += J * q

    def _pieces(self) -> tuple[np.ndarray, np.ndarray, int]:
        """Connected piece of each node, of each eliminated group, and how many pieces there are."""
        import scipy.sparse as sp
        from scipy.sparse.csgraph import connected_components
        J1 = self.first.J if self.eliminated is not None else 0
        hub = self.first.codes + self.n_nodes if J1 else self.node[0]
        edges = np.tile(hub, len(self.node)), self.node.ravel()
        graph = sp.csr_matrix((np.ones(len(edges[0])), edges), (self.n_nodes + J1,) * 2)
        count, piece = connected_components(graph, directed=False)
        return piece[:self.n_nodes], piece[self.n_nodes:], count

    def _slots(self, x: np.ndarray) -> np.ndarray:
        """The eliminated factor's stretch of a flat vector, in slots; those without a group are zero."""
        x = x[self.parts[self.eliminated][0]]
        if self.slot is None:
            return x
        out = np.zeros((self.first.J, self.first.q))
        out[self.slot] = x.reshape(-1, self.first.q)
        return out.ravel()

    def _groups(self, x: np.ndarray) -> np.ndarray:
        """The inverse of `_slots`."""
        return x if self.slot is None else x.reshape(-1, self.first.q)[self.slot].ravel()

    # the operations

    def gather(self, r: np.ndarray) -> np.ndarray:
        """Z'r, flat."""
        out = np.empty(self.size)
        if self.eliminated is not None:
            out[self.parts[self.eliminated][0]] = self._groups(self.first.gather(r))
        products = [r if ones else value * r for value, ones in zip(self.value, self.ones)]
        if r.ndim > 1:
            products = [product.sum(axis=0) for product in products]
        out[self.inside] = np.bincount(self.node.ravel(), np.concatenate(products), self.n_nodes)
        return out

    def spread(self, u: np.ndarray) -> np.ndarray:
        """Zu, shape (n,) or (K, n)."""
        rest = u[self.inside]
        out = sum(rest[node] if ones else value * rest[node]
                  for value, node, ones in zip(self.value, self.node, self.ones))
        return out if self.eliminated is None else out + self.first.spread(self._slots(u))

    def cross(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Z'WZ: A11 (J1, q1, q1), A12 by block (J1, q1, s), A22 (C, s, s)."""
        s, first = self.s, self.first
        weighted = [times(w, value) for value in self.value]
        flat = np.concatenate([_inner(weighted[a], self.value[b]) for a, b in self.pairs])
        A22 = np.bincount(self.pair_place, flat, self.C * s * s).reshape(self.C, s, s)
        if len(self.value) > 1:
            apart = np.repeat([a != b for a, b in self.pairs], len(w) if w.ndim == 1 else w.shape[-1])
            A22 += np.bincount(self.mirror_place, flat[apart], self.C * s * s).reshape(self.C, s, s)
        whole = np.zeros(first.J * first.q * s)
        for a in range(first.q):
            for own, place in zip(weighted, self.cross_place[a]):
                whole += np.bincount(place, _inner(own, first.Z[a]), len(whole))
        return first.cross(w), whole.reshape(first.J, first.q, s), A22

    def own(self, A) -> list[np.ndarray]:
        """Of each factor the blocks Z_j'W Z_j of its groups, shape (J, q, q)."""
        return [(A[0] if self.slot is None else A[0][self.slot]) if k == self.eliminated
                else A[2].ravel()[self.own_place[k]] for k in range(len(self.members))]

    def scale(self, L: np.ndarray, v: np.ndarray) -> np.ndarray:
        """u = L v, group by group."""
        return self._by_factor(L.T, v)

    def turn(self, L: np.ndarray, g: np.ndarray) -> np.ndarray:
        """L'g, group by group."""
        return self._by_factor(L, g)

    def _by_factor(self, R: np.ndarray, x: np.ndarray) -> np.ndarray:
        out = np.empty_like(x)
        for (place, J, _), corner in zip(self.parts, self.corners):
            own = R[corner]
            out[place] = x[place] * own[0, 0] if len(own) == 1 else (x[place].reshape(J, -1) @ own).ravel()
        return out

    def outer(self, g: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Sum over groups of g_j v_j', shape (q, q), zero between factors."""
        out = np.zeros((self.q, self.q))
        for (place, J, _), corner in zip(self.parts, self.corners):
            out[corner] = g[place].reshape(J, -1).T @ v[place].reshape(J, -1)
        return out

    def eliminate(self, A, L: np.ndarray) -> SeveralInverse:
        """H = I + L'A L factored; LinAlgError where it is not positive definite."""
        return SeveralInverse(self, A, L)

    def leverages(self, inverse: SeveralInverse) -> np.ndarray:
        """z_i'C z_i of each row, shape (n,) or (K, K, n)."""
        first, n = self.first, self.node.shape[1]
        P = inverse.P.ravel()[self.pair_place].reshape(len(self.pairs), n)
        out = np.sum([_form(self.value[a], own, self.value[b], a != b) for own, (a, b) in zip(P, self.pairs)], axis=0)
        if self.eliminated is None:
            return out
        C = inverse.first_posterior()[first.codes]
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


def _packed(size: np.ndarray, s: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Of each piece its block of size s and where it begins there; the number of blocks."""
    block, begin, number, filled = np.zeros(len(size), dtype=int), np.zeros(len(size), dtype=int), -1, s
    for own in np.argsort(-size, kind="stable"):
        if not size[own]:
            continue
        if filled + size[own] > s:
            number, filled = number + 1, 0
        block[own], begin[own] = number, filled
        filled += size[own]
    return block, begin, number + 1


def _within(label: np.ndarray) -> np.ndarray:
    """Number of each element among those of its label."""
    order = np.argsort(label, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(label))])[:-1]
    out = np.empty(len(label), dtype=int)
    out[order] = np.arange(len(label)) - first[label[order]]
    return out
