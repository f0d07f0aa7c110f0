"""The criterion with several grouping factors: same formulas, with sums over all factors' groups.

Groups of different factors share rows, so that K = Z'V^-1 Z is no longer block-diagonal and the exact second derivative
asks for all of K.  The search takes the average-information matrix in its place, half the sum of the observed and the
expected information, which needs K times a few vectors; near the optimum its steps are almost Newton's.  The exact one
is formed when it is asked for (`curvature`), for standard errors of variances and degrees of freedom.

Chapter 12 (``12_crossed``) uses it.

References
----------
Gilmour, A. R., Thompson, R., & Cullis, B. R. (1995). Average information REML: an efficient algorithm for variance
parameter estimation in linear mixed models. Biometrics, 51, 1440-1450.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .criterion import _TO_COME, Criterion, Evaluation
from .elimination import OneFactor
from .several import Factor, SeveralFactors
from .several_traces import traces
from .start import moment_start

__all__ = ["SeveralCriterion"]


class SeveralCriterion(Criterion):
    """The (REML) criterion of a model with several grouping factors.

    Parameters
    ----------
    elimination : SeveralFactors
    structures, n, reml, constant
        As for `Criterion`.
    """

    elimination: SeveralFactors

    def start(self) -> Evaluation:
        """The criterion where the search begins: each factor's moments by itself."""
        el = self.elimination
        L = np.zeros((el.q, el.q))
        residual = el.C[-1, -1]
        for k, factor in enumerate(el.factors):
            terms = [i for i, block in enumerate(self.blocks) if block.start in factor.effects]
            if factor.single:
                alone = OneFactor.__new__(OneFactor)
                alone.q, alone.n_groups = factor.q, factor.J
                A, h = el.own_products(k)
                alone.AB = np.concatenate([A.transpose(1, 2, 0), h.T[:, None]], axis=1)
                alone.C = np.array([[residual]])
                shapes = [self.structures[i] for i in terms]
                places = np.cumsum([0, *(len(shape.sd) for shape in shapes)])
                inner = [slice(a, b) for a, b in zip(places[:-1], places[1:])]
                basis = np.concatenate([self.basis[self.places[i]] for i in terms])
                basis = basis[:, factor.effects[:, None], factor.effects]
                own = moment_start(alone, shapes, inner, basis, self.degrees)
            else:
                own = 0.5 * np.eye(factor.q)
            L[factor.block] = own
        return self.settle(L)

    def evaluate(self, L: np.ndarray, basis: np.ndarray) -> Evaluation:
        """The criterion, its gradient and the average-information matrix at L, in the coordinates of `basis`."""
        el, p, m = self.elimination, self.p, len(basis)
        parts = el.eliminate(L)
        value, b, s2, half, mix = self.profiled(parts.logdet, parts.S)
        Y = [W @ mix.T for W in parts.W]
        Gamma = el.K_sums(parts, L)
        for factor, y in zip(el.factors, Y):
            own = (y if self.reml else y[:, :, p:]).transpose(1, 0, 2).reshape(factor.q, -1)
            Gamma[factor.block] -= own @ own.T
        flat = basis.reshape(m, -1)
        gradient = 2.0 * (flat @ (Gamma @ L).ravel())
        at = Evaluation(value, gradient, _TO_COME, L, basis, b, s2, Gamma, half, parts, Y)
        slope = basis @ L.T
        curve, fit = self.search_curvature(at, slope + slope.transpose(0, 2, 1))
        second = (Gamma @ basis).reshape(m, -1) @ flat.T
        return replace(at, hessian=curve - self.profile_term(fit) + second + second.T)

    def search_curvature(self, at: Evaluation, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The average-information matrix in D, and the exact second derivatives in D and log s2 together."""
        el, p, m = self.elimination, self.p, len(directions)
        moved = [self._moved(factor, y[:, :, p:], directions)[..., 0] for factor, y in zip(el.factors, at.Y)]
        K_moved = el.products(at.parts, moved)  # (J, q, m)
        curve, fit, cross = np.zeros((m, m)), np.zeros(m), np.zeros((m, p))
        for y, v, Kv in zip(at.Y, moved, K_moved):
            v, y = v.reshape(-1, m).T, y.reshape(-1, p + 1)
            curve += v @ Kv.reshape(-1, m)
            fit += v @ y[:, p]
            cross += v @ y[:, :p]
        return curve - cross @ cross.T, fit

    def _rescaled(self, at: Evaluation, ratio: float) -> dict:
        Gamma, Y = at.Gamma.copy(), [y.copy() for y in at.Y]
        for factor, y in zip(self.elimination.factors, Y):
            own = y[:, :, -1]
            Gamma[factor.block] += (1.0 - ratio) * own.T @ own
            y[:, :, -1] *= np.sqrt(ratio)
        return {"Gamma": Gamma, "Y": Y}

    @staticmethod
    def _moved(factor: Factor, y: np.ndarray, E: np.ndarray) -> np.ndarray:
        """E times each group's vectors, shape (J, q, m, columns)."""
        own = E[:, factor.effects[:, None], factor.effects]
        return np.einsum("mab,jbc->jamc", own, y)

    def sums(self, at: Evaluation, directions: np.ndarray) -> np.ndarray:
        """Sum over all groups of Y'EY for each direction, shape (m, p + 1, p + 1)."""
        total = np.zeros((len(directions), self.p + 1, self.p + 1))
        for factor, y in zip(self.elimination.factors, at.Y):
            total += np.einsum("jamc,jad->mcd", self._moved(factor, y, directions), y)
        return total

    def fixed_sums(self, at: Evaluation, directions: np.ndarray) -> np.ndarray:
        """The part of `sums` that belongs to X alone, shape (m, p, p)."""
        return self.sums(at, directions)[:, :-1, :-1]

    def curved(self, at: Evaluation, directions: np.ndarray, columns: slice) -> np.ndarray:
        """Y'E K F Y over all groups, for pairs of directions, shape (m, m, columns, columns)."""
        el, m = self.elimination, len(directions)
        moved = [self._moved(factor, y[:, :, columns], directions) for factor, y in zip(el.factors, at.Y)]
        flat = [v.reshape(*v.shape[:2], -1) for v in moved]
        wide = flat[0].shape[2]
        total = np.zeros((wide, wide))
        for v, Kv in zip(flat, el.products(at.parts, flat)):
            total += np.tensordot(v, Kv, axes=([0, 1], [0, 1]))
        return total.reshape(m, -1, m, wide // m).transpose(0, 2, 1, 3)

    def traces(self, at: Evaluation, directions: np.ndarray) -> np.ndarray:
        """tr(E K F K) for pairs of directions, shape (m, m)."""
        E = directions.reshape(len(directions), -1)
        return E @ traces(self.elimination, at.parts, at.L) @ E.T

    def curvature(self, at: Evaluation, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Exact second derivatives in D, and in D and log s2 together; as `Criterion.curvature`."""
        columns = slice(None) if self.reml else slice(self.p, None)
        first = 2.0 * np.einsum("mncc->mn", self.curved(at, directions, columns)) - self.traces(at, directions)
        R = self.sums(at, directions).reshape(len(directions), -1)
        return 0.5 * (first + first.T) - (R * self._weight) @ R.T, R[:, -1]
