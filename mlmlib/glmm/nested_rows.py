"""The random effects of two nested factors with one effect each, children in families in communities, seen from the rows.

The same operations as in `mlmlib.glmm.rows`.  With outer effects a_c and inner ones d_f the matrix H = I + L'Z'WZ L has an
arrow for each outer group: h_f on the diagonal of its inner groups, h_c on its own, e_f between the two.  Everything
follows in closed form from the pivots h_f and s_c = h_c - sum_f e_f^2 / h_f.

Chapter 16 (``16_binary``) uses them for three levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

__all__ = ["Arrow", "NestedRows", "nested_rows"]


def nested_rows(terms, Zs: list[np.ndarray]) -> NestedRows | None:
    """The rows of a design whose random part is two nested factors with one effect each; else None.

    Parameters
    ----------
    terms : sequence of RandomDesign
    Zs : list of ndarray, shape (1, n)
        Their columns as the model has them.
    """
    if len(terms) != 2 or terms[0].group == terms[1].group or any(len(Z) != 1 or Z.ndim != 2 for Z in Zs) or (
            any(term.members is not None for term in terms)):
        return None
    try:
        return NestedRows(np.concatenate(Zs), [term.codes for term in terms], [len(term.levels) for term in terms])
    except ValueError:
        return None


class NestedRows:
    """Two factors, one nested in the other, one effect each.

    Parameters
    ----------
    Z : ndarray, shape (2, n)
        What the effect of each factor multiplies, factors in the order of the formula.
    codes : sequence of two ndarray of int, shape (n,)
    J : sequence of two int
        Numbers of groups.

    Raises
    ------
    ValueError
        If neither factor lies within the other.
    """

    def __init__(self, Z: np.ndarray, codes, J):
        self.Z, self.codes, self.J = np.ascontiguousarray(Z), tuple(codes), tuple(J)
        self.size, self.q = sum(J), 2
        self.out, self.inn = (0, 1) if J[1] >= J[0] else (1, 0)
        outer, inner = self.codes[self.out], self.codes[self.inn]
        self.parent = np.zeros(self.J[self.inn], dtype=np.int64)  # the outer group of each inner one
        self.parent[inner] = outer
        if (self.parent[inner] != outer).any():
            raise ValueError("neither grouping factor lies within the other")
        self.parts = [(slice(0, J[0]), J[0], np.array([0])), (slice(J[0], self.size), J[1], np.array([1]))]

    def by(self, factor: int, row: np.ndarray) -> np.ndarray:
        """Sum of the values of each group's rows."""
        return np.bincount(self.codes[factor], row, self.J[factor])

    def by_parent(self, values: np.ndarray) -> np.ndarray:
        """Sum over each outer group's inner groups."""
        return np.bincount(self.parent, values, self.J[self.out])

    def two(self, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A flat vector's outer and inner part."""
        return v[self.parts[self.out][0]], v[self.parts[self.inn][0]]

    def flat(self, outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
        """One vector of both."""
        return np.concatenate([outer, inner] if self.out == 0 else [inner, outer])

    def gather(self, r: np.ndarray) -> np.ndarray:
        """Z'r, flat."""
        return np.concatenate([self.by(k, self.Z[k] * r) for k in (0, 1)])

    def spread(self, u: np.ndarray) -> np.ndarray:
        """Zu, shape (n,)."""
        return sum(self.Z[k] * u[self.parts[k][0]][self.codes[k]] for k in (0, 1))

    def scale(self, L: np.ndarray, v: np.ndarray) -> np.ndarray:
        """u = L v."""
        return np.concatenate([v[self.parts[k][0]] * L[k, k] for k in (0, 1)])

    turn = scale

    def outer(self, g: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Sum over groups of g_j v_j' of each factor, shape (2, 2), diagonal."""
        return np.diag([float(g[self.parts[k][0]] @ v[self.parts[k][0]]) for k in (0, 1)])

    def cross(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Z'WZ: of the outer groups, of the inner ones, and between each inner one and its parent."""
        wi = w * self.Z[self.inn]
        wo = w * self.Z[self.out]
        return self.by(self.out, wo * self.Z[self.out]), self.by(self.inn, wi * self.Z[self.inn]), (
            self.by(self.inn, wo * self.Z[self.inn]))

    def own(self, A) -> list[np.ndarray]:
        """Of each factor the blocks of its groups in Z'WZ, shape (J, 1, 1)."""
        return [A[0 if k == self.out else 1][:, None, None] for k in (0, 1)]

    def eliminate(self, A, L: np.ndarray) -> Arrow:
        """H = I + L'A L factored; LinAlgError where it is not positive definite."""
        return Arrow(self, A, L)

    def quadratic(self, outer: np.ndarray, inner: np.ndarray, between: np.ndarray, L: np.ndarray) -> np.ndarray:
        """z_i' L P L z_i of each row, P symmetric with the given entries (half of `between` on either side)."""
        zo = self.Z[self.out] * L[self.out, self.out]
        zi = self.Z[self.inn] * L[self.inn, self.inn]
        o, i = self.codes[self.out], self.codes[self.inn]
        return outer[o] * zo * zo + inner[i] * zi * zi + between[i] * zo * zi

    def leverages(self, inverse: Arrow) -> np.ndarray:
        """z_i'C z_i of each row, shape (n,)."""
        outer, inner, between = inverse.entries
        return self.quadratic(outer, inner, 2.0 * between, inverse.L)


@dataclass(frozen=True)
class Arrow:
    """H^-1 of two nested factors."""

    rows: NestedRows
    A: tuple
    L: np.ndarray

    def __post_init__(self):
        if not (self.h.min() > 0 and self.s.min() > 0):
            raise np.linalg.LinAlgError("not positive definite")

    @cached_property
    def h(self) -> np.ndarray:
        """Pivots of the inner groups."""
        return 1.0 + self.L[self.rows.inn, self.rows.inn] ** 2 * self.A[1]

    @cached_property
    def e(self) -> np.ndarray:
        """Between inner groups and their parents."""
        return self.L[0, 0] * self.L[1, 1] * self.A[2]

    @cached_property
    def r(self) -> np.ndarray:
        """How far an inner effect falls when its parent's rises by one: e / h."""
        return self.e / self.h

    @cached_property
    def s(self) -> np.ndarray:
        """Pivots of the outer groups."""
        return 1.0 + self.L[self.rows.out, self.rows.out] ** 2 * self.A[0] - self.rows.by_parent(self.e * self.r)

    @cached_property
    def logdet(self) -> float:
        return float(np.log(self.h).sum() + np.log(self.s).sum())

    @cached_property
    def entries(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """H^-1 of the outer groups, of the inner ones, and between each inner one and its parent."""
        own = (1.0 / self.s)[self.rows.parent]
        return 1.0 / self.s, 1.0 / self.h + self.r ** 2 * own, -self.r * own

    def solve(self, g: np.ndarray) -> np.ndarray:
        """H^-1 g."""
        outer, inner = self.rows.two(g)
        a = (outer - self.rows.by_parent(self.r * inner)) / self.s
        return self.rows.flat(a, inner / self.h - self.r * a[self.rows.parent])

    def posterior(self, k: int) -> np.ndarray:
        """Covariance of factor k's effects given the outcomes, shape (J, 1, 1)."""
        outer, inner, _ = self.entries
        return (self.L[k, k] ** 2 * (outer if k == self.rows.out else inner))[:, None, None]

    def slopes(self) -> np.ndarray:
        """Half the derivative of log|H| in L, Z'WZ held, shape (2, 2)."""
        outer, inner, between = self.entries
        return self.along(outer, inner, 2.0 * between) / 2.0

    def information(self, dD: np.ndarray) -> np.ndarray:
        """tr(K dD_k K dD_l) with K = Z'V^-1 Z, V = W^-1 + Z L L'Z', for changes dD (m, 2, 2) of L L'."""
        rows, (Ao, Ai, E) = self.rows, self.A
        o, i = rows.out, rows.inn
        rho, own = E / self.h, (1.0 / self.s)[rows.parent]
        K_outer = (Ao - self.L[i, i] ** 2 * rows.by_parent(E * rho)) / self.s
        K_inner, fall = Ai / self.h, self.L[o, o] ** 2 * rho ** 2
        squares = np.empty((2, 2))
        squares[o, o] = K_outer @ K_outer
        squares[o, i] = squares[i, o] = float(((rho * own) ** 2).sum())
        squares[i, i] = (K_inner @ K_inner - 2.0 * float((K_inner * fall * own).sum())
                         + float(((rows.by_parent(fall) / self.s) ** 2).sum()))
        diagonal = dD[:, [0, 1], [0, 1]]
        return diagonal @ squares @ diagonal.T

    def along(self, outer: np.ndarray, inner: np.ndarray, between: np.ndarray) -> np.ndarray:
        """Derivative in L, Z'WZ held, of the sum over the entries of H times the given coefficients, shape (2, 2)."""
        o, i, L = self.rows.out, self.rows.inn, self.L
        out = np.zeros((2, 2))
        out[o, o] = 2.0 * L[o, o] * (outer @ self.A[0]) + L[i, i] * (between @ self.A[2])
        out[i, i] = 2.0 * L[i, i] * (inner @ self.A[1]) + L[o, o] * (between @ self.A[2])
        return out
