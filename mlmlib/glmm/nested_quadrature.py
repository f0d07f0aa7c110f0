"""Adaptive Gauss-Hermite quadrature for two nested factors, with the exact gradient of what it computes.

Given its outer effect a the inner groups of an outer one are independent, so that the integral over all of them is an
integral over a of a product of integrals.  With the joint modes and the pivots of H (`mlmlib.glmm.nested_rows`) the nodes are

    a_k = mode of a + t_k / sqrt(s),     d_kl = mode of d - r (a_k - mode of a) + t_l / sqrt(h),

those of the Cholesky factor of H, inner effects first.  With one node this is Laplace's approximation.  The cost is that of
nodes^2 densities of all rows, whatever the numbers of groups.  The gradient is the score identity at fixed nodes plus the
nodes' movement through the modes and the pivots, as in `mlmlib.glmm.quadrature`.

Chapter 16 (``16_binary``) uses it as the measuring rod for three levels.

References
----------
Pinheiro, J. C., & Chao, E. C. (2006). Efficient Laplacian and adaptive Gaussian quadrature algorithms for multilevel
generalized linear mixed models. Journal of Computational and Graphical Statistics, 15, 58-81.
Rabe-Hesketh, S., Skrondal, A., & Pickles, A. (2005). Maximum likelihood estimation of limited and discrete dependent
variable models with nested random effects. Journal of Econometrics, 128, 301-323.
"""

from __future__ import annotations

import numpy as np

from .laplace import Laplace, LaplaceAt
from .modes import Modes
from .nested_rows import NestedRows
from .nodes import hermite
from .quadrature import checked_nodes

__all__ = ["NestedQuadrature"]


class NestedQuadrature(Laplace):
    """The criterion -2 log-likelihood as a function of (b, theta, psi), by adaptive quadrature at two nested levels.

    Parameters
    ----------
    X, rows, density, offset, basis
        As for `mlmlib.glmm.laplace.Laplace`; one linear predictor a row.
    rows : NestedRows
    nodes : int
        Nodes at each level, 1 .. 151.
    """

    rows: NestedRows

    def __init__(self, X, rows, density, offset, basis, nodes: int = 7):
        super().__init__(X, rows, density, offset, basis)
        self.nodes = checked_nodes(nodes)
        t, log_w = hermite(self.nodes)
        self.points = list(zip(t, log_w + 0.5 * t * t))

    def with_nodes(self, nodes: int) -> NestedQuadrature:
        """The same model with another number of nodes."""
        return type(self)(self.X, self.rows, self.density, self.offset, self.basis, nodes)

    def __call__(self, x: np.ndarray, v: np.ndarray | None = None, gradient: bool = True) -> LaplaceAt:
        """The criterion at x; the search for the modes begins at v."""
        L, psi, modes = self.modes_at(x, v, gradient)
        if not modes.found:
            return LaplaceAt(x, np.inf, None, modes)
        sums = _Sums(self, modes, L, psi, gradient)
        value = -2.0 * float((np.log(sums.total) + sums.top).sum()) + modes.inverse.logdet
        return LaplaceAt(x, value, -2.0 * self._slopes(modes, L, sums) if gradient else None, modes)

    def posterior(self, at: LaplaceAt) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each factor the means (J, 1) and variances (J, 1, 1) of its groups' effects given the outcomes.

        Of u = L v, in the columns of the model.
        """
        L, rows = self.factor(at.x), self.rows
        sums = _Sums(self, at.modes, L, at.x[self.p + self.m:], gradient=False, moments=True)
        found: list = [None, None]
        for k, (first, second) in ((rows.out, sums.outer_moments / sums.total),
                                   (rows.inn, sums.inner_moments / sums.total[rows.parent])):
            found[k] = L[k, k] * first[:, None], L[k, k] ** 2 * (second - first ** 2)[:, None, None]
        return found

    def _slopes(self, modes: Modes, L: np.ndarray, sums: _Sums) -> np.ndarray:
        """The gradient of the log-likelihood from the sums over the nodes."""
        rows, terms, H = self.rows, modes.terms, modes.inverse
        inv = sums.total[rows.parent]
        U, U_inner, U_outer = sums.U / inv, sums.U_inner / inv, sums.U_outer / inv
        # what the log-likelihood changes by with s, r, h and e
        for_s = -0.5 * H.s ** -1.5 * (sums.A_outer / sums.total - rows.by_parent(H.r * U_outer)) - 0.5 / H.s
        for_r = -U_outer / np.sqrt(H.s)[rows.parent]
        own = for_s[rows.parent]
        for_h = -0.5 * H.h ** -1.5 * U_inner - 0.5 / H.h - for_r * H.r / H.h + own * H.r ** 2
        for_e = for_r / H.h - 2.0 * H.r * own
        lev = -rows.quadratic(for_s, for_h, for_e, L)
        c = terms.d3 * lev
        moved = rows.flat(sums.A / sums.total, U)
        s = H.solve(moved + rows.turn(L, rows.gather(c)))
        Zs = rows.spread(rows.scale(L, s))
        r = c + terms.d2 * Zs
        dL = (rows.outer(rows.gather(r), modes.v) + rows.outer(rows.gather(terms.d1), s)
              + H.along(for_s, for_h, for_e))
        dL[rows.out, rows.out] += float((sums.dL_outer / sums.total).sum())
        dL[rows.inn, rows.inn] += float((sums.dL_inner / inv).sum())
        by_row = inv[rows.codes[rows.inn]]
        parts = [self.flat @ (sums.d1 / by_row + r), np.tensordot(self.basis, dL, 2)]
        if len(sums.p):
            parts.append((sums.p / by_row).sum(axis=1) + terms.p2 @ lev + terms.p1 @ Zs)
        return np.concatenate(parts)


class _Sums:
    """Sums over the nodes of each outer group, not yet divided by `total`, the sum of their weights."""

    def __init__(self, model: NestedQuadrature, modes: Modes, L: np.ndarray, psi: np.ndarray, gradient: bool,
                 moments: bool = False):
        self.model, self.modes, self.rows, self.psi = model, modes, model.rows, psi
        rows, H = self.rows, modes.inverse
        self.L_outer, self.L_inner = L[rows.out, rows.out], L[rows.inn, rows.inn]
        self.a, self.d = rows.two(modes.v)
        self.top_inner = rows.by(rows.inn, modes.terms.value) - 0.5 * self.d ** 2
        self.top = rows.by_parent(self.top_inner) - 0.5 * self.a ** 2
        self.to_rows = [rows.Z[k] * scale for k, scale in ((rows.out, self.L_outer), (rows.inn, self.L_inner))]
        Jo, Ji, n, m = len(self.a), len(self.d), model.density.n, len(psi)
        self.total = np.zeros(Jo)
        if gradient:
            self.A, self.A_outer, self.dL_outer = np.zeros((3, Jo))  # slopes in a, times its t, times a
            self.U, self.U_inner, self.U_outer, self.dL_inner = np.zeros((4, Ji))  # in d, times t_l, t_k
            self.d1, self.p = np.zeros(n), np.zeros((m, n))
        if moments:
            self.outer_moments, self.inner_moments = np.zeros((2, Jo)), np.zeros((2, Ji))
        for t, log_w in model.points:
            move = t / np.sqrt(H.s)
            inner = self._inner(move, H, gradient, moments)
            a = self.a + move
            share = np.exp(rows.by_parent(np.log(inner["total"])) - 0.5 * (a * a - self.a ** 2) + log_w)
            self.total += share
            if gradient:
                self._add(t, a, share, inner)
            if moments:
                self.outer_moments += share * np.stack([a, a * a])
                self.inner_moments += (share[rows.parent] / inner["total"]) * inner["moments"]

    def _inner(self, move: np.ndarray, H, gradient: bool, moments: bool) -> dict:
        """The inner integrals at one node of the outer effects, and the sums that the gradient needs."""
        rows, model = self.rows, self.model
        codes = rows.codes[rows.inn]
        fall = H.r * move[rows.parent]
        base = self.modes.eta + self.to_rows[0] * move[rows.codes[rows.out]]
        width = 1.0 / np.sqrt(H.h)
        Ji, n, m = len(self.d), model.density.n, len(self.psi)
        out = {"total": np.zeros(Ji)}
        if gradient:
            out |= {"sums": np.zeros((4, Ji)), "d1": np.zeros(n), "p": np.zeros((m, n))}
        if moments:
            out["moments"] = np.zeros((2, Ji))
        order = 0 if not gradient else 3 if m else 2
        for t, log_w in model.points:
            step = t * width - fall
            d = self.d + step
            terms = model.density(base + self.to_rows[1] * step[codes], self.psi, order)
            e = np.exp(rows.by(rows.inn, terms.value) - 0.5 * d * d - self.top_inner + log_w)
            out["total"] += e
            if moments:
                out["moments"] += e * np.stack([d, d * d])
            if gradient:
                inner = rows.by(rows.inn, rows.Z[rows.inn] * terms.d1)
                slope = e * (self.L_inner * inner - d)
                out["sums"] += slope, slope * t, e * inner * d, e * rows.by(rows.inn, rows.Z[rows.out] * terms.d1)
                by_row = e[codes]
                out["d1"] += by_row * terms.d1
                if m:
                    out["p"] += by_row * terms.p
        return out

    def _add(self, t: float, a: np.ndarray, share: np.ndarray, inner: dict) -> None:
        """Add an outer node's sums, weighted by its share."""
        rows = self.rows
        weight = share[rows.parent] / inner["total"]
        slope, slope_t, times_d, outer = inner["sums"] * weight
        self.U += slope
        self.U_inner += slope_t
        self.U_outer += slope * t
        self.dL_inner += times_d
        z = rows.by_parent(outer)
        slope = self.L_outer * z - share * a
        self.A += slope
        self.A_outer += slope * t
        self.dL_outer += z * a
        by_row = weight[rows.codes[rows.inn]]
        self.d1 += by_row * inner["d1"]
        if len(self.p):
            self.p += by_row * inner["p"]
