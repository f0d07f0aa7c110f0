"""A model whose residuals are correlated or of unequal variance, with random effects or without.

Given the structure's parameters psi, the rows of [Z X y] are whitened and the ordinary criterion is minimized over
theta; what is left is a function of psi alone,

    f(psi) = min over theta of criterion(theta; whitened rows) + log|G C G|,

whose gradient is the criterion's own at fixed theta, since theta is at its minimum (the envelope theorem).  It is
searched by a quasi-Newton method and finished by Newton steps, so that converged means that all derivatives, in theta
and in psi, are zero.

Chapter 14 (``14_growth_shapes``) uses it.

References
----------
Pinheiro, J. C., & Bates, D. M. (2000). Mixed-Effects Models in S and S-PLUS. Springer, section 5.1.
Nocedal, J., & Wright, S. J. (2006). Numerical Optimization (2nd ed.). Springer, chapters 3 and 6.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np

from ..design import Design
from ..errors import DataError, FormulaError
from ..rows.base import BOUND, STEP
from ..rows.covariance import RowCovariance
from .criterion import Criterion, Evaluation
from .model import LmmModel, check
from .optimise import Minimum, minimize

__all__ = ["RowModel"]

_TURNS = 100  # of fitting and taking fitted values


class RowModel(LmmModel):
    """A linear (mixed) model with a structure of its residuals.

    Parameters
    ----------
    design : Design
        With or without random terms.
    covariance, reml
        As for `LmmModel`.
    correlation, variance
        Structures of the residuals.
    """

    def __init__(self, design: Design, covariance="unstructured", reml: bool = True, correlation=None, variance=None):
        self.correlation, self.variance = correlation, variance
        self.rows = RowCovariance(design, correlation, variance)
        self.again = False
        super().__init__(design, covariance, reml)

    @staticmethod
    def _check(design: Design) -> None:
        if design.random:
            check(design)
        elif design.X.shape[0] <= design.X.shape[1]:
            raise DataError(f"{design.X.shape[0]} rows cannot carry {design.X.shape[1]} coefficients and a residual; "
                            "drop predictors or collect more data.")
        elif not design.X.shape[1]:
            raise FormulaError("The formula has nothing on its right side; write '1' for an intercept.")

    def _set_rows(self, Zs, residual, constant):
        self._plain, self._constant = (Zs, residual), constant
        self._move(self.rows.starts()[0])

    def _move(self, psi: np.ndarray) -> None:
        self.psi, self.criterion = psi, self.at_psi(psi)

    def at_psi(self, psi: np.ndarray) -> Criterion:
        """The criterion of the rows whitened at psi."""
        Zs, residual = self._plain
        width = [len(Z) for Z in Zs]
        rows, logdet = self.rows.whiten(np.concatenate([*Zs, self.Q, residual[None]]), psi)
        ends = np.cumsum([0, *width])
        white = [rows[a:b] for a, b in zip(ends[:-1], ends[1:])]
        constant = self._constant + logdet
        criterion = (self._criterion(white, rows[ends[-1]:], constant) if Zs
                     else NoEffects(_Rows(rows @ rows.T), [], len(self.design.y), self.reml, constant))
        criterion.rows = rows
        return criterion

    def best_at(self, psi: np.ndarray, near: Evaluation) -> Evaluation:
        """The criterion at psi, minimized over theta from a point near by."""
        criterion = self.at_psi(psi)
        if not self.design.random:
            return criterion.evaluate(near.L, near.basis)
        return minimize(criterion.settle(near.L), criterion.advance, tolerance=1e-15).at

    def with_outcome(self, y: np.ndarray) -> RowModel:
        other = copy.copy(self)
        other.design = replace(self.design, y=np.asarray(y, dtype=float))
        other.start_b, residual = other._least_squares(other.design)
        other._plain, other.again = (self._plain[0], residual), True
        other._move(self.psi)
        return other

    def value(self, psi: np.ndarray, L: np.ndarray) -> float:
        """The criterion at psi and a relative covariance factor."""
        criterion = self.at_psi(psi)
        parts = criterion.elimination.eliminate(L)
        return criterion.profiled(parts.logdet, parts.S)[0]

    def slope(self, psi: np.ndarray, L: np.ndarray) -> np.ndarray:
        """Derivatives of the criterion in psi, L held."""
        if len(self.design.random) and not self.one_factor:
            return self._differences(psi, L)
        criterion = self.at_psi(psi)
        Zs, residual = self._plain
        plain = np.concatenate([*Zs, self.Q, residual[None]])
        return self.rows.gradient(plain, row_adjoint(self, criterion, L), psi)

    def _differences(self, psi: np.ndarray, L: np.ndarray) -> np.ndarray:
        """The same by five-point differences, for several grouping factors."""
        out = np.empty(len(psi))
        for k, unit in enumerate(STEP * np.eye(len(psi))):
            near = self.value(psi + unit, L) - self.value(psi - unit, L)
            far = self.value(psi + 2 * unit, L) - self.value(psi - 2 * unit, L)
            out[k] = (8.0 * near - far) / (12.0 * STEP)
        return out

    def fit(self) -> tuple[Minimum, list[str]]:
        """Minimize over psi and theta; where variances follow the fitted values, in turn with these."""
        if not self.rows.follows:
            return self._fit()
        from .row_result import RowResult
        before, count = None, 0
        for _ in range(_TURNS):
            minimum, messages = self._fit()
            count += minimum.n_evaluations
            fitted = RowResult(self, minimum)._fitted
            if before is not None and np.abs(fitted - before).max() < 1e-9 * np.ptp(self.design.y):
                return replace(minimum, n_evaluations=count), messages
            before, self.again = fitted, True
            self.rows = self.rows.following(fitted)
            self._move(self.psi)
        messages.append(f"Variances and the fitted values that they follow did not settle in {_TURNS} turns. Do not "
                        "use these estimates; let the variance depend on a column.")
        return replace(minimum, n_evaluations=count, converged=False), messages

    def _fit(self) -> tuple[Minimum, list[str]]:
        """Minimize over psi and theta; the best of searches from weak and from strong correlation."""
        searches = [_Search(self, start) for start in ([self.psi] if self.again else self.rows.starts())]
        begun = min((search.begin() for search in searches), key=lambda search: search.value)
        if not np.isfinite(begun.value):
            raise self._nothing_left()
        best = begun.finish()
        count = sum(search.count for search in searches)
        self._move(best.psi)
        messages = []
        if self.design.random:
            last, messages = super().fit()
            count += last.n_evaluations
            if last.at.value < best.value - 1e-7:  # away from a false optimum in theta
                search = _Search(self, best.psi, last.at.L)
                best = search.begin().finish()
                self._move(best.psi)
                last = minimize(self.criterion.settle(best.at.L), self.criterion.advance)
                count += search.count
            at = last.at if last.at.value <= best.value + 1e-9 else best.at
        else:
            at = self.criterion.evaluate(np.zeros((0, 0)), np.zeros((0, 0, 0)))
        self.hessian = best.hessian
        edge = self.rows.edge(best.psi)
        for parameter in (self.rows.parameters[k] for k in np.flatnonzero(edge)):
            messages.append(f"The parameter {parameter.name!r} of the residuals runs to the edge of what it can be; "
                            "the structure does not suit these data.")
        if not best.converged and not edge.any():
            messages.append("The search for the residuals' parameters did not converge, or they cannot be told from "
                            "the random effects (a correlation that is the same for all pairs of rows is a random "
                            "intercept). Do not use these estimates; leave one of the two out." if self.design.random
                            else "The search for the residuals' parameters did not converge; the data hold too little "
                            "information for so many. Do not use these estimates; choose a structure with fewer.")
        norm = max(float(np.abs(at.gradient).max(initial=0.0)), float(np.abs(best.gradient).max()))
        return Minimum(at, count, best.converged, norm), messages


@dataclass(frozen=True)
class _Found:
    """Where a search over psi ended."""

    value: float
    psi: np.ndarray
    at: Evaluation
    gradient: np.ndarray
    hessian: np.ndarray
    converged: bool


class _Search:
    """The search over psi from one start, theta carried along."""

    def __init__(self, model: RowModel, psi, L: np.ndarray | None = None):
        self.model, self.psi, self.L, self.count = model, psi, L, 0

    def at(self, psi: np.ndarray, L=None) -> Evaluation:
        """The criterion at psi, minimized over theta from where the last search ended."""
        criterion = self.model.at_psi(psi)
        if not self.model.design.random:
            self.count += 1
            return criterion.evaluate(np.zeros((0, 0)), np.zeros((0, 0, 0)))
        L = self.L if L is None else L
        begin = criterion.start() if L is None else criterion.settle(L)
        found = minimize(begin, criterion.advance, tolerance=1e-15)
        self.count += found.n_evaluations
        self.L = found.at.L
        return found.at

    def _both(self, psi):
        if not np.isfinite(psi).all() or np.abs(psi).max() > 2 * BOUND:
            return np.inf, np.zeros(len(psi))
        try:
            at = self.at(psi)
        except np.linalg.LinAlgError:
            return np.inf, np.zeros(len(psi))
        return at.value, self.model.slope(psi, at.L)

    def begin(self) -> _Search:
        """The quasi-Newton part; `psi`, `value` and `gradient` are where it ends."""
        from scipy.optimize import minimize as quasi_newton
        with np.errstate(all="ignore"):
            near = 1e-6 * max(100, len(self.model.design.y))  # Newton's steps go on from there
            found = quasi_newton(self._both, self.psi, jac=True, method="BFGS", options={"gtol": near, "maxiter": 200})
        self.psi, self.value, self.gradient = found.x, float(found.fun), found.jac
        return self

    def finish(self) -> _Found:
        """Newton's steps from there, the Hessian formed anew only where it no longer serves."""
        psi, value, gradient = self.psi, self.value, self.gradient
        hessian, fresh, promised = self._hessian(psi), True, np.inf
        for _ in range(20):
            values, vectors = np.linalg.eigh(hessian)
            if not values[0] > 1e-6 * max(values[-1], 1.0):
                return _Found(value, psi, self.at(psi), gradient, hessian, False)
            step = -vectors @ ((vectors.T @ gradient) / values)
            before, promised = promised, float(-gradient @ step)
            if promised < 1e-13 or (promised < 1e-10 and promised > 0.1 * before):  # zero, or as near as can be
                break
            trial, slope = self._both(psi + step)
            if (promised > 0.1 * before or trial > value + 1e-8) and not fresh:
                hessian, fresh = self._hessian(psi), True
                promised = np.inf
                continue
            if trial > value + 1e-8:
                break
            psi, value, gradient, fresh = psi + step, trial, slope, False
        at = self.at(psi)
        return _Found(at.value, psi, at, gradient, hessian, promised < 1e-8)

    def _hessian(self, psi) -> np.ndarray:
        """Second derivatives of f, by differences of its gradient."""
        L, m, h = self.L, len(psi), 1e-3
        out = np.empty((m, m))
        for k in range(m):
            unit = np.zeros(m)
            unit[k] = h
            up, down = [self.model.slope(x, self.at(x, L).L if L is not None else np.zeros((0, 0)))
                        for x in (psi + unit, psi - unit)]
            out[k] = (up - down) / (2.0 * h)
        self.L = L
        return 0.5 * (out + out.T)


def row_adjoint(model: RowModel, criterion: Criterion, L: np.ndarray) -> np.ndarray:
    """Half the derivative of the criterion in each whitened number of [Z X y], L held, shape (q + p + 1, n).

    With e = V^-1 (y - Xb) and X_v = V^-1 X, both of whitened rows, and C the covariance of the spherical effects given
    the outcome carried to the effects, it is Z C - e u'/s2 - X_v H^-1 U_x' for Z, X_v H^-1 - e b'/s2 for X, e/s2 for y.
    """
    rows, q, p = criterion.rows, len(L), criterion.p
    parts = criterion.elimination.eliminate(L)
    _, b, s2, half, _ = criterion.profiled(parts.logdet, parts.S)
    Z, X, y = rows[:q], rows[q:q + p], rows[-1]
    out = np.zeros_like(rows)
    e, XV = y - b @ X, X
    if q:
        codes = model.design.random[0].codes
        LU = np.einsum("as,swj->awj", L, parts.U)
        D = L @ L.T
        C = D[:, :, None] - np.einsum("ab,bcj,cd->adj", D, parts.K, D, optimize=True)
        u = LU[:, p] - np.einsum("apj,p->aj", LU[:, :p], b)
        e = e - (Z * u[:, codes]).sum(axis=0)
        out[:q] = np.einsum("abn,bn->an", C[:, :, codes], Z) - u[:, codes] * e / s2
        if criterion.reml:
            XV = X - np.einsum("apn,an->pn", LU[:, :p][:, :, codes], Z)
            weighted = half @ (half.T @ XV)
            out[:q] -= np.einsum("apn,pn->an", LU[:, :p][:, :, codes], weighted)
    if criterion.reml:
        out[q:q + p] = half @ (half.T @ XV)
    out[q:q + p] -= np.multiply.outer(b, e / s2)
    out[-1] = e / s2
    return out


class NoEffects(Criterion):
    """The criterion of whitened rows without random effects: generalized least squares."""

    held = None

    def __init__(self, elimination: _Rows, structures: list, n: int, reml: bool, constant: float):
        self.elimination, self.reml, self.constant = elimination, reml, constant
        self.structures, self.blocks, self.places = structures, [], []
        self.p = len(elimination.C) - 1
        self.basis = np.zeros((0, 0, 0))
        self.degrees = n - self.p if reml else n
        self._log_scale = self.degrees * (1.0 + float(np.log(2.0 * np.pi / self.degrees))) + constant

    def settle(self, L) -> Evaluation:
        return self.evaluate(L, self.basis)

    def evaluate(self, L, basis) -> Evaluation:
        parts = self.elimination.eliminate(L)
        value, b, s2, half, _ = self.profiled(parts.logdet, parts.S)
        none = np.zeros((0, 0))
        return Evaluation(value, np.zeros(0), none, none, self.basis, b, s2, none, half, parts, None)


@dataclass(frozen=True)
class _Eliminated:
    logdet: float
    S: np.ndarray


class _Rows:
    """Cross-products of rows without random effects: nothing to eliminate."""

    def __init__(self, C: np.ndarray):
        self.C = C

    def eliminate(self, L) -> _Eliminated:
        return _Eliminated(0.0, self.C)

    def mapped(self, columns: np.ndarray) -> _Rows:
        """The same for linear combinations of the columns."""
        return _Rows(columns.T @ self.C @ columns)
