"""H = I + L'Z'WZ L of several grouping factors, factored by elimination of one of them.

`mlmlib.glmm.rows_several` writes the formulas; the names here are theirs: E of the eliminated factor's groups, ``left`` for
A22 - A21 E A12, ``inverse`` for S^-1, P = L2 S^-1 L2'.

Chapter 16 (``16_binary``) fits persons crossed with items; Chapter 12 (``12_crossed``) derives the elimination.
"""

from __future__ import annotations

import numpy as np

__all__ = ["SeveralInverse"]


class SeveralInverse:
    """H^-1 of several factors at one L.

    Parameters
    ----------
    rows : SeveralRows
    A : tuple
        Z'WZ as `SeveralRows.cross` gives it.
    L : ndarray, shape (q, q)

    Raises
    ------
    numpy.linalg.LinAlgError
        If H is not positive definite.
    """

    def __init__(self, rows, A, L: np.ndarray):
        self.rows, self.A, self.L = rows, A, L
        A11, A12, A22 = A
        none = rows.eliminated is None
        self.L1 = np.zeros((0, 0)) if none else self._part(rows.eliminated)
        self.L2: np.ndarray | None
        self.one = None
        if none:
            self.logdet, self.left = 0.0, A22
        else:
            self.one = rows.first.eliminate(A11, self.L1)
            self.logdet = self.one.logdet
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
        """Sum over the eliminated groups of each block of X_j'Y_j."""
        C = self.rows.C
        return X.reshape(C, -1, X.shape[2]).transpose(0, 2, 1) @ Y.reshape(C, -1, Y.shape[2])

    def _times(self, X: np.ndarray, B: np.ndarray) -> np.ndarray:
        """X_j (J1, q1, s) times the block of its group, B (C, s, t)."""
        return (X.reshape(self.rows.C, -1, X.shape[2]) @ B).reshape(*X.shape[:2], -1)

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
        A12, first, own = self.A[1], rows.first, rows._slots(g)
        y = first.scale(self.L1, self.one.solve(own)).reshape(first.J, first.q, 1)
        padded = padded - self._turned(self._gram(y, A12)[:, 0])
        x = (self.inverse @ padded[:, :, None])[:, :, 0]
        out[rows.inside] = x.ravel()[rows.place]
        moved = self._times(A12, self._outward(x)[:, :, None]).ravel()
        out[rows.parts[rows.eliminated][0]] = rows._groups(self.one.solve(own - first.turn(self.L1, moved)))
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

    def first_posterior(self) -> np.ndarray:
        """C of the eliminated groups, in slots."""
        return self.E + self.E @ self.Q @ self.E

    def posterior(self, k: int) -> np.ndarray:
        """C of factor k's groups, shape (J, q, q)."""
        if k == self.rows.eliminated:
            C = self.first_posterior()
            return C if self.rows.slot is None else C[self.rows.slot]
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
        """As of one factor; where a factor has several effects, its groups taken by themselves: a first approximation."""
        if self.rows.q == len(self.rows.members):
            return self._scalar_information(np.einsum("kaa->ka", dD))
        rows, out = self.rows, np.zeros((len(dD),) * 2)
        whole = (self.left - self.left @ self.P @ self.left).ravel()
        for k, own in enumerate(rows.members):
            if k == rows.eliminated:
                away = np.eye(own.q) - self.A[0] @ self.E
                K = away @ self.A[0] - away @ self.Q @ away.transpose(0, 2, 1)
            else:
                K = whole[rows.own_place[k]]
            turned = np.einsum("jab,kbc->kjac", K, dD[:, own.effects[:, None], own.effects])
            out += np.einsum("kjac,ljca->kl", turned, turned)
        return out

    def _scalar_information(self, dD: np.ndarray) -> np.ndarray:
        """The same of one effect a factor: squares of Z'V^-1 Z summed over every pair of factors' groups."""
        rows, q = self.rows, self.rows.q
        squares = np.zeros((q, q))
        K = self.left - self.left @ self.P @ self.left
        which = np.full(rows.C * rows.s, q)
        which[rows.place] = np.repeat([rows.members[k].effects[0] for k in rows.rest],
                                      [rows.members[k].J for k in rows.rest])
        kind = (which[:, None] == np.arange(q)).astype(float).reshape(rows.C, rows.s, q)
        squares += (kind.transpose(0, 2, 1) @ (K * K) @ kind).sum(axis=0)
        if self.one is not None:
            own = rows.members[rows.eliminated].effects[0]
            away = 1.0 - self.A[0] * self.E
            X = away * self.A[1]
            between = X - self._times(X, self.P @ self.left)
            squares[own] += squares[:, own] + (self._gram(np.ones_like(X[:, :, :1]), between ** 2) @ kind).sum(axis=(0, 1))
            squares[:, own] = squares[own]
            alone = (away * self.A[0]).ravel()
            less = self._times(X, self.P)
            G = self.P @ self._gram(X, X)
            squares[own, own] = float(alone @ (alone - 2.0 * (less * X).sum(axis=2).ravel())
                                      + np.einsum("cst,cts->", G, G))
        return np.einsum("ka,ab,lb->kl", dD, squares, dD)
