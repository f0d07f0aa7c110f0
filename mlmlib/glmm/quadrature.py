"""Adaptive Gauss-Hermite quadrature for one grouping factor, with the exact gradient of what it computes.

A group's likelihood is the integral of exp(g(v)), g(v) = sum l_i(eta_i) - v'v / 2, over its q spherical effects.  With the
mode m, H = -g''(m) = C C' and R = C^-T the substitution v = m + R t makes the integrand nearly normal, so that few nodes
t_k of the product rule with weights w_k do:

    log-likelihood of a group = log sum_k exp(g(v_k) + log w_k + t_k't_k / 2) - log|C|,     v_k = m + R t_k.

One node is Laplace's approximation.  Let pi_k be the nodes' shares of the sum, g'_k the gradient of g at them, and

    a = sum_k pi_k g'_k,     N = sum_k pi_k t_k (C^-1 g'_k)',     Q = R S R'

with S the symmetric part of the lower triangle of N + I, its diagonal halved.  When parameters change, the shares times the
change of g at fixed nodes is the score identity; the nodes' own movement adds a'dm - tr(Q dH).  With one node Q is
H^-1 / 2, and the gradient is that of `mlmlib.glmm.laplace`: leverages z_i'L Q L'z_i take the place of the ones there, and
the modes' adjoint has the additional right-hand side a.

Chapter 16 (``16_binary``) derives the rule and shows how many nodes are enough.

References
----------
Liu, Q., & Pierce, D. A. (1994). A note on Gauss-Hermite quadrature. Biometrika, 81, 624-629.
Pinheiro, J. C., & Bates, D. M. (1995). Approximations to the log-likelihood function in the nonlinear mixed-effects
model. Journal of Computational and Graphical Statistics, 4, 12-35.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import FormulaError
from .laplace import Laplace, LaplaceAt
from .modes import Modes
from .nodes import MOST, product_rule
from .rows import times

__all__ = ["Quadrature", "lower_half"]

_LARGEST = 200_000  # points of a product rule


@dataclass(frozen=True)
class _Sums:
    """Shares pi of the nodes times what the gradient needs, for each row (n,), (K, n) or each group (J, ...)."""

    value: float  # -2 log-likelihood
    # arrays, None where only the value was asked for
    d1: Any = None  # sum pi l'
    a: Any = None  # sum pi g', (J, q)
    tg: Any = None  # sum pi t g'', (J, q, q)
    dv: Any = None  # sum pi (Z'l') v', (q, q), over the groups too
    p: Any = None  # sum pi dl/dpsi, (m,), over the rows too
    R: Any = None  # (J, q, q)


class Quadrature(Laplace):
    """The criterion -2 log-likelihood as a function of (b, theta, psi), by adaptive quadrature.

    Parameters
    ----------
    X, rows, density, offset, basis
        As for `mlmlib.glmm.laplace.Laplace`; `rows` of one factor.
    nodes : int
        Nodes a dimension, 1 .. 151, odd or even.

    Raises
    ------
    FormulaError
        With more than three effects a group, or too many nodes for a product grid.
    """

    def __init__(self, X, rows, density, offset, basis, nodes: int = 7):
        super().__init__(X, rows, density, offset, basis)
        nodes = checked_nodes(nodes)
        if rows.q > 3:
            raise FormulaError(f"method='agq' takes at most 3 effects a group, and the model has {rows.q}: use "
                               "method='laplace', or give the random part fewer effects.")
        if nodes ** rows.q > _LARGEST:
            raise ValueError(f"nodes={nodes} with {rows.q} effects a group makes {nodes ** rows.q:,} points a group: "
                             f"ask for at most {int(_LARGEST ** (1 / rows.q))}.")
        self.nodes, (self.t, self.log_w) = nodes, product_rule(nodes, rows.q)

    def with_nodes(self, nodes: int) -> Quadrature:
        """The same model with another number of nodes."""
        return type(self)(self.X, self.rows, self.density, self.offset, self.basis, nodes)

    def __call__(self, x: np.ndarray, v: np.ndarray | None = None, gradient: bool = True) -> LaplaceAt:
        """The criterion at x; the search for the modes begins at v."""
        L, psi, modes = self.modes_at(x, v, gradient)
        if not modes.found:
            return LaplaceAt(x, np.inf, None, modes)
        with np.errstate(all="ignore"):  # no node inside the link's domain, or one far above what should be the mode
            sums = self._sums(modes, L, psi, gradient)
        if not np.isfinite(sums.value):
            return LaplaceAt(x, np.inf, None, modes)
        return LaplaceAt(x, sums.value, self._total(modes, L, sums) if gradient else None, modes)

    def _points(self, modes: Modes, L: np.ndarray):
        """R of each group, log|C| and log of the integrand at the mode summed, and the nodes' relative terms one by one."""
        rows, J, q = self.rows, self.rows.J, self.rows.q
        if q == 1:
            R = 1.0 / np.sqrt(1.0 + L[0, 0] ** 2 * modes.A)
        else:
            R = np.linalg.inv(np.linalg.cholesky(np.eye(q) + L.T @ modes.A @ L)).transpose(0, 2, 1)
        v = modes.v.reshape(J, q)
        top = rows.by_group(modes.terms.value) - 0.5 * (v * v).sum(axis=1)
        return R, v, top

    def _walk(self, modes: Modes, L: np.ndarray, psi: np.ndarray, order: int):
        """At each node: t, its effects (J, q), the rows' terms, and its weight relative to the mode's, (J,)."""
        rows = self.rows
        R, v, top = self._points(modes, L)
        for t, log_w in zip(self.t, self.log_w):
            move = R[:, :, 0] * t if rows.q == 1 else R @ t
            here = v + move
            terms = self.density(modes.eta + rows.spread(rows.scale(L, move.ravel())), psi, order)
            g = rows.by_group(terms.value) - 0.5 * (here * here).sum(axis=1)
            yield t, here, terms, np.exp(g - top + (log_w + 0.5 * float(t @ t)))

    def _sums(self, modes: Modes, L: np.ndarray, psi: np.ndarray, gradient: bool) -> _Sums:
        rows, J, q, m = self.rows, self.rows.J, self.rows.q, len(psi)
        R, _, top = self._points(modes, L)
        total = np.zeros(J)
        if not gradient:
            for _, _, _, share in self._walk(modes, L, psi, 0):
                total += share
            return _Sums(self._value(total, top, modes))
        d1, a, tg = np.zeros_like(modes.terms.d1), np.zeros((J, q)), np.zeros((J, q, q))
        dv, p = np.zeros((J, q, q)), np.zeros((m, self.density.n))
        for t, here, terms, share in self._walk(modes, L, psi, 3 if m else 2):
            total += share
            by_row = share[rows.codes]
            d1 += by_row * terms.d1
            inner = rows.gather(terms.d1).reshape(J, q)
            g = (rows.turn(L, inner.ravel()).reshape(J, q) - here) * share[:, None]
            a += g
            tg += t[:, None] * g[:, None, :]
            dv += (inner * share[:, None])[:, :, None] * here[:, None, :]
            if m:
                p += by_row * terms.p
        by_row = total[rows.codes]
        each = total[:, None, None]
        return _Sums(self._value(total, top, modes), d1 / by_row, a / total[:, None], tg / each,
                     (dv / each).sum(axis=0), (p / by_row).sum(axis=1), R)

    @staticmethod
    def _value(total: np.ndarray, top: np.ndarray, modes: Modes) -> float:
        return -2.0 * float((np.log(total) + top).sum()) + modes.inverse.logdet

    def _total(self, modes: Modes, L: np.ndarray, sums: _Sums) -> np.ndarray:
        """The gradient of -2 log-likelihood from the sums over the nodes."""
        rows, terms, R = self.rows, modes.terms, sums.R
        Q = R @ lower_half(sums.tg @ R + np.eye(rows.q)) @ R.transpose(0, 2, 1)
        lev = rows.leverages(_Posterior(L @ Q @ L.T))
        c = terms.d3 * lev if lev.ndim == 1 else np.einsum("klmn,kln->mn", terms.d3, lev)
        s = modes.inverse.solve(sums.a.ravel() + rows.turn(L, rows.gather(c)))
        Zs = rows.spread(rows.scale(L, s))
        r = c + times(terms.d2, Zs)
        dL = (sums.dv + rows.outer(rows.gather(r), modes.v) + rows.outer(rows.gather(terms.d1), s)
              - 2.0 * np.einsum("jab,jbc->ac", modes.A @ L, Q))
        parts = [self.flat @ (sums.d1 + r).ravel(), np.tensordot(self.basis, dL, 2)]
        if len(sums.p):
            parts.append(sums.p + _sums(terms.p2, lev) + _sums(terms.p1, Zs))
        return -2.0 * np.concatenate(parts)

    def posterior(self, at: LaplaceAt) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of the one factor the means (J, q) and covariances (J, q, q) of its groups' effects given the outcomes.

        Of u = L v, in the columns of the model, by the same nodes.
        """
        L, psi = self.factor(at.x), at.x[self.p + self.m:]
        J, q = self.rows.J, self.rows.q
        mode = at.modes.v.reshape(J, q)
        total, first, second = np.zeros(J), np.zeros((J, q)), np.zeros((J, q, q))
        for _, here, _, share in self._walk(at.modes, L, psi, 0):
            off = here - mode
            total += share
            first += share[:, None] * off
            second += share[:, None, None] * off[:, :, None] * off[:, None, :]
        first, second = first / total[:, None], second / total[:, None, None]
        return [((mode + first) @ L.T, L @ (second - first[:, :, None] * first[:, None, :]) @ L.T)]


@dataclass(frozen=True)
class _Posterior:
    """What `leverages` asks of an inverse."""

    C: np.ndarray

    def posterior(self) -> np.ndarray:
        return self.C


def lower_half(M: np.ndarray) -> np.ndarray:
    """The symmetric part of the lower triangles of matrices (J, q, q), their diagonals halved."""
    lower = np.tril(M)
    q = M.shape[-1]
    lower[:, np.arange(q), np.arange(q)] *= 0.5
    return 0.5 * (lower + lower.transpose(0, 2, 1))


def checked_nodes(nodes) -> int:
    """The number of nodes as an integer; ValueError if it is none from 1 to 151."""
    if isinstance(nodes, bool) or not isinstance(nodes, (int, np.integer)) or not 1 <= nodes <= MOST:
        raise ValueError(f"nodes={nodes!r} must be a whole number from 1 (Laplace) to {MOST}.")
    return int(nodes)


def _sums(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """For each parameter the sum over rows of products, shape (m,)."""
    return rows.reshape(len(rows), -1) @ values.ravel()
