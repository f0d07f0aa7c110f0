"""Quasi-likelihood: the model as a weighted linear mixed model of a working outcome, fitted again and again.

With the mean mu = f(eta) expanded around the current linear predictor eta, the working outcome and its weights

    z = eta + (y - mu) / mu' - (mu'' / mu') T / 2,        w = mu'^2 / var(y),

follow a linear mixed model z = Xb + offset + Zu + e, e ~ N(0, 1 / w), which `mlmlib.lmm` fits; its b and u give the next eta.

==========  ==================  ================================================  =========================================
method      expanded around     T, order 1                                        T_i, order 2
==========  ==================  ================================================  =========================================
MQL         Xb + offset         0                                                 z_i' T z_i: variance of the random part
PQL         Xb + offset + Zu    0                                                 z_i' C z_i: variance of it given outcomes
==========  ==================  ================================================  =========================================

T stands for the expectation of the second-order term (z_i'u)^2, or (z_i'(u - BLUP))^2, of Taylor's expansion; order 1 stops
before it.  Order 1 is Breslow and Clayton's (1993); order 2 that of Goldstein and Rasbash (1996).  Only the expectation of
the second-order term is taken here: its variance, which could be added to the random part, is left out; in the outcomes of
`quasi_study` it would move the estimates further from the truth.

The residual variance of the working model is 1 for binomial, Poisson, geometric and exponential outcomes unless it is set
free, which makes them overdispersed (as R's ``glmmPQL`` always does); for Gaussian, gamma and inverse Gaussian ones it is
the dispersion.  Variances are estimated by maximum likelihood of the working model (MLwiN's IGLS, R's ``glmmPQL``) or by
REML (SAS GLIMMIX's RSPL, MLwiN's RIGLS).  There is no likelihood of the outcomes, so none to compare.

Chapter 16 (``16_binary``) shows how far these approximations can be off.

References
----------
Breslow, N. E., & Clayton, D. G. (1993). Approximate inference in generalized linear mixed models. Journal of the
American Statistical Association, 88, 9-25.
Goldstein, H., & Rasbash, J. (1996). Improved approximations for multilevel models with binary responses. Journal of the
Royal Statistical Society A, 159, 505-513.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from ..errors import FormulaError
from ..lmm.criterion import Criterion
from ..lmm.elimination import OneFactor
from ..lmm.factors import recycled, sparse_factors
from ..lmm.model import _flat_slopes
from ..lmm.optimise import minimize
from .failure import refuse_separation
from .laplace import Laplace, LaplaceAt
from .model import GlmmModel
from .search import Found
from .start import fit_glm, moments
from .working import Working, WorkingDensity, accelerated

__all__ = ["FAMILIES", "QuasiModel"]

FAMILIES = ("binomial", "bernoulli", "poisson", "geometric", "exponential", "gaussian", "gamma", "inverse-gaussian")
_LIMIT, _PATIENCE = 240, 60  # working models, and after how many smaller steps are tried
_TOLERANCE = 1e-9  # change of the linear predictor and of the variances at which the iteration ends
NO_LIKELIHOOD = ("Quasi-likelihood has no likelihood of the outcomes: llf, aic and bic are not numbers, and fits "
                 "cannot be compared by them. Use method=\"laplace\" or \"agq\" for that.")


@dataclass(frozen=True)
class _State:
    """One working model's fit: coefficients, absolute factor L, residual variance, linear predictor, T, BLUPs."""

    b: np.ndarray
    L: np.ndarray
    s2: float
    eta: np.ndarray
    T: np.ndarray
    v: np.ndarray


class QuasiModel(GlmmModel):
    """A generalized linear mixed model fitted by quasi-likelihood.

    Parameters
    ----------
    design, family, link, covariance
        As for `GlmmModel`.
    penalized : bool
        PQL, or else MQL.
    order : int
        1 or 2, of Taylor's expansion.
    reml : bool
        REML of the working model, or maximum likelihood (the default).
    dispersion : str
        ``"fixed"``: the family's own; ``"free"``: the variance is the family's times a number that is estimated.

    Raises
    ------
    FormulaError
        For families whose variance is not a dispersion times a function of the mean.
    """

    def __init__(self, design, family, link=None, covariance="unstructured", *, penalized: bool = True, order: int = 1,
                 reml: bool = False, dispersion: str = "fixed", **options):
        if family.name not in FAMILIES:
            raise FormulaError(f"Quasi-likelihood knows the variances of {', '.join(FAMILIES)}, not of "
                               f"{family.name!r}: use method=\"laplace\".")
        if order not in (1, 2):
            raise ValueError(f"order={order!r} must be 1 or 2.")
        if dispersion not in ("fixed", "free"):
            raise ValueError(f"dispersion={dispersion!r} must be \"fixed\" or \"free\".")
        self.penalized, self.order, self.reml = penalized, order, reml
        self.method = "pql" if penalized else "mql"
        super().__init__(design, family, link, covariance, **options)
        self.free = dispersion == "free" or bool(self.density.psi_names)
        self.working = Working(self.density)

    def _rows(self, Zs):
        self.Zs = Zs
        return super()._rows(Zs)

    def with_outcome(self, y: np.ndarray) -> Self:
        """The same model for other values of the outcome."""
        other = super().with_outcome(y)
        other.working = Working(other.density)
        return other

    def fit(self, start: np.ndarray | None = None) -> tuple[Found, list[str]]:
        """The fixed point of the iteration, and what the reader should know of it."""
        glm = fit_glm(self.X, self.density, self.offset)
        refuse_separation(self, glm)
        if start is None:
            theta = np.concatenate([shape.theta(L @ L.T) for shape, L in zip(
                self.structures, moments(self.rows, self.structures, self.blocks, glm))])
            b = glm.b
        else:
            b, theta, _ = self.criterion.split(start)
        zero = np.zeros(self.density.n)
        state = _State(b, np.tensordot(theta, self.basis, 1), 1.0, b @ self.X + self.offset, zero,
                       np.zeros(self.rows.size))
        state, count, change = self._iterate(state)
        converged = change < _TOLERANCE
        self.criterion, at = self._at(state)
        messages = _flat_slopes(self.design) + recycled(self.design) + [NO_LIKELIHOOD]
        if not converged:
            messages.append(f"The iteration did not converge: after {count} working models the linear predictor still "
                            f"changes by {change:.2g}. Do not use these estimates; use order=1, or method=\"laplace\".")
        found = Found(at, count, converged, _norm(at.gradient), glm,
                      self.criterion)
        return found, messages

    def _iterate(self, state: _State) -> tuple[_State, int, float]:
        """Working models until nothing changes, or the one that changed least."""
        history, share, best = [], 1.0, (np.inf, state)
        for count in range(1, _LIMIT + 1):
            if count % _PATIENCE == 0:  # it swings from side to side, or runs away: smaller steps from the best there was
                state, share = best[1], 0.5 * share
                history.clear()
            new = self._next(state)
            change = np.inf if new is None else self._change(state, new)
            if new is not None and change < _TOLERANCE:
                return new, count, change
            if new is None:
                if not history and share < 1.0:
                    break
                state, share = best[1], 0.5 * share
                history.clear()
                continue
            if change < best[0]:
                best = change, new
            eta, T = accelerated(history, (state.eta, state.T), (new.eta, new.T), share)
            if not self.working.inside(eta):
                eta, T = new.eta, new.T
                history.clear()
            state = replace(new, eta=eta, T=np.maximum(T, 0.0))
        return best[1], count, best[0]

    @staticmethod
    def _change(old: _State, new: _State) -> float:
        """The largest change of linear predictor, covariances and second-order terms."""
        D, D_new = old.L @ old.L.T, new.L @ new.L.T
        return max(float(np.sqrt(np.mean((new.eta - old.eta) ** 2))) / (1.0 + float(np.abs(new.eta).mean())),
                   float(np.abs(D_new - D).max(initial=0.0)) / (1.0 + float(np.abs(D).max(initial=0.0))),
                   float(np.abs(new.T - old.T).max(initial=0.0)))

    def _next(self, state: _State) -> _State | None:
        """The fit of the working model at a linear predictor; None where there is none."""
        z, w = self.working(state.eta, state.T)
        z = z - self.offset
        if not (np.isfinite(z).all() and np.isfinite(w).all()):
            return None
        criterion = self._criterion_of(z - state.b @ self.X, w)
        begin = state.L / np.sqrt(state.s2)
        begin = begin if np.abs(begin).max(initial=0.0) > 1e-8 else begin + 0.1 * self._unit()
        try:
            at = minimize(criterion.settle(begin), criterion.advance).at
        except np.linalg.LinAlgError:  # it ran to where no row has weight
            return None
        b, L = state.b + at.b, at.L * np.sqrt(at.s2)
        residual = z - b @ self.X
        inverse = self.rows.eliminate(self.rows.cross(w / at.s2), L)
        v = inverse.solve(self.rows.turn(L, self.rows.gather(w / at.s2 * residual)))
        eta = b @ self.X + self.offset
        if self.penalized:
            eta = eta + self.rows.spread(self.rows.scale(L, v))
        if not self.working.inside(eta):
            return None
        return _State(b, L, at.s2, eta, self._second(inverse, L), v)

    def _unit(self) -> np.ndarray:
        return np.eye(self.basis.shape[1])

    def _criterion_of(self, residual: np.ndarray, w: np.ndarray) -> Criterion:
        """The criterion of the working linear mixed model."""
        root = np.sqrt(w)
        XY, Zs = np.vstack([self.X, residual]) * root, [Z * root for Z in self.Zs]
        held = None if self.free else 1.0
        if self.one_factor:
            first = self.design.random[0]
            elimination = OneFactor(np.concatenate(Zs), XY, first.codes, len(first.levels))
            return Criterion(elimination, self.structures, len(w), self.reml, held=held)
        from ..lmm.several import SeveralFactors
        from ..lmm.several_criterion import SeveralCriterion
        criterion = SeveralCriterion(SeveralFactors(sparse_factors(self.design.random, Zs), XY), self.structures,
                                     len(w), self.reml, held=held)
        return criterion

    def _second(self, inverse, L: np.ndarray) -> np.ndarray:
        """T of each row."""
        if self.order == 1:
            return np.zeros(self.density.n)
        if self.penalized:
            return self.rows.leverages(inverse)
        T = np.zeros(self.density.n)
        for term, Z, block in zip(self.design.random, self.Zs, self.blocks):
            own = np.square(L[block, block].T @ Z).sum(axis=0)
            T += own if term.members is None else own * np.square(term.members.weights).sum(axis=1)
        return T

    def _at(self, state: _State) -> tuple[Laplace, LaplaceAt]:
        """The last working model as a criterion, whose curvature gives the standard errors, and the point found."""
        z, w = self.working(state.eta, state.T)
        slope = self.working.slope if len(self.working.slope) or not self.free else np.ones(1)
        density = WorkingDensity(z, w, slope)
        criterion = Laplace(self.X, self.rows, density, self.offset, self.basis)
        theta = np.concatenate([shape.theta(own @ own.T) for shape, own in zip(
            self.structures, (state.L[block, block] for block in self.blocks))])
        at = criterion(np.concatenate([state.b, theta, np.log(state.s2) / slope]), state.v)
        self.residual_variance = state.s2
        return criterion, replace(at, value=np.nan)


def _norm(gradient) -> float:
    """The largest element; NaN where there is no gradient."""
    return np.nan if gradient is None else float(np.abs(gradient).max(initial=0.0))
