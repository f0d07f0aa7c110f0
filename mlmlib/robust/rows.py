"""What a sandwich needs of a fit: rows of predictors and residuals, and the covariance that the fit takes residuals to have.

Every fit here solves ``sum_j X_j' W_j (y_j - mu_j) = 0`` over clusters j:

- least squares: W the weights (1 without), which say that row i has variance sigma^2 / w_i;
- panel models: the same on rows freed of group means, or on quasi-demeaned ones;
- a generalized linear model: X_j has rows mu'(eta_i) x_i, W the inverse of the family's variances;
- a linear mixed model: W_j the inverse of V_j = R_j + Z_j T Z_j'.

Chapter 20 (``20_gee_and_robust``) derives the sandwich from this equation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import FormulaError
from ..results import refuse_marginal

__all__ = ["Rows", "rows_of"]

_QUASI = ("gaussian", "binomial", "bernoulli", "poisson", "nbinom2", "geometric", "gamma", "exponential", "inverse-gaussian")


@dataclass(frozen=True)
class Rows:
    """The rows of an estimating equation.

    Attributes
    ----------
    X : ndarray, shape (n, k)
        Predictors; columns after the first p are nuisances (dummies that were absorbed), of no interest themselves.
    e : ndarray, shape (n,)
        Residuals of the estimating equation.
    theta : ndarray, shape (n,)
        Variances of the rows given random effects, up to a factor.
    weight : ndarray, shape (n,), or None
        W, diagonal; None where W is the inverse of the working covariance.
    terms : tuple
        Random terms ``(Z (n, q), codes (n,), T (q, q))``.
    residual : RowResult or None
        The fit that has correlated residuals; its covariance replaces theta.
    place : ndarray of int or None
        The row of the data as used that each of these rows belongs to; None where they are the same rows.
    linear : bool
        True where e is an outcome less Xb, so that a new outcome can be put in its place.
    absorbed : ndarray or None
        Groups whose effects were absorbed, of each of these rows: clusters must hold them whole for CR2 and CR3.
    instrumental : bool
        True where X has projections on instruments.
    """

    X: np.ndarray
    e: np.ndarray
    theta: np.ndarray
    weight: np.ndarray | None = None
    terms: tuple = ()
    residual: Any = None
    place: np.ndarray | None = None
    linear: bool = True
    absorbed: np.ndarray | None = None
    instrumental: bool = False

    @property
    def diagonal(self) -> bool:
        """True where the working covariance is diagonal."""
        return not self.terms and self.residual is None


def rows_of(fit, working: str = "model") -> Rows:
    """The estimating equation of a fit; ``working="identity"`` takes rows for independent with equal variance."""
    if working not in ("model", "identity"):
        raise ValueError(f"working={working!r} must be 'model' (the covariance that the fit assumes) or 'identity'.")
    refuse_marginal(fit, "mlm.robust")
    if hasattr(fit, "estimate") and hasattr(fit, "frame"):
        rows = _panel(fit)
    elif hasattr(fit, "outcomes"):
        raise FormulaError("mlm.robust takes fits of one outcome; fit each outcome by itself.")
    elif hasattr(fit, "density"):
        rows = _generalized(fit)
    elif getattr(fit, "_at", None) is not None:
        rows = _mixed(fit)
    elif hasattr(fit, "statsmodels"):
        rows = _least_squares(fit)
    else:
        raise FormulaError(f"mlm.robust takes fits of mlm.ols, mlm.lmm, mlm.gls, mlm.panel and mlm.glmm without random effects, "
                           f"not a {type(fit).__name__}.")
    if working == "model":
        return rows
    if not rows.diagonal:
        raise FormulaError("working='identity' is for models without random effects; leave it out, or fit with mlm.ols.")
    weight = 1.0 / rows.theta if rows.weight is None else rows.weight
    return replace(rows, theta=np.ones_like(rows.theta), weight=weight)


def _least_squares(fit) -> Rows:
    design = fit.design
    theta = np.ones(len(design.y)) if design.weights is None else 1.0 / design.weights
    return Rows(design.X, design.y - fit._fitted, theta)


def _mixed(fit) -> Rows:
    design = fit.design
    for term in design.random:
        if term.members is not None:
            raise FormulaError(f"Rows belong to several groups at once in {term.text}, so no clusters hold them apart.")
    theta = np.full(len(design.y), float(fit._at.s2))
    if design.weights is not None:
        theta = theta / design.weights
    terms = tuple((term.Z, term.codes, T) for term, T in zip(design.random, fit._T))
    return Rows(design.X, design.y - fit._fixed_part, theta, terms=terms, residual=fit if hasattr(fit, "residual_table") else None)


def _panel(fit) -> Rows:
    """The regression on transformed rows; random effects on the rows as they are, with their covariance."""
    effects, frame, reg, kept = fit.effects, fit.frame, fit.estimate.regression, fit.estimate.regression.kept
    if effects in ("random", "mundlak", "hybrid"):
        own, parts = fit.estimate.frame, fit.estimate.components
        X = own.X[:, kept]
        term = np.ones((own.n, 1)), own.codes, np.array([[parts.s2_u]])
        return Rows(X, own.y - X @ reg.b, np.full(own.n, parts.s2_e), terms=(term,) if parts.s2_u > 0 else ())
    if effects == "hausman-taylor":
        return Rows(reg.X, reg.resid, np.ones(len(reg.y)), linear=False, instrumental=True)
    if effects == "first-difference":
        return Rows(reg.X, reg.resid, np.ones(len(reg.y)), place=frame.pairs()[0], absorbed=reg.codes)
    if effects == "between":
        place = np.unique(frame.codes, return_index=True)[1]
        return Rows(reg.X, reg.resid, np.ones(len(reg.y)), place=place, absorbed=frame.codes)
    w = frame.design.weights
    X, e, theta = (reg.X, reg.resid, np.ones(frame.n)) if w is None else (reg.X / np.sqrt(w)[:, None], reg.resid / np.sqrt(w), 1.0 / w)
    if effects == "two-way":
        X = np.concatenate([X, _times(frame, theta)], axis=1)
    return Rows(X, e, theta, absorbed=None if effects == "pooled" else frame.codes)


def _times(frame, theta) -> np.ndarray:
    """Dummies of the times less their groups' means, those left out that follow from the others."""
    from ..panel.solve import independent
    D = frame.deviations((frame.times[:, None] == np.arange(1, len(frame.time_levels))).astype(float))
    return D[:, independent(D / np.sqrt(theta)[:, None], np.sqrt(frame.n))[0]]


def _generalized(fit) -> Rows:
    """A generalized linear model: predictors times the slope of the mean."""
    family, density = fit.family, fit.density
    if fit.design.random:
        raise FormulaError("mlm.robust takes generalized models without random effects: for one with them no sandwich has "
                           "small-sample corrections. Leave the random part out (the coefficients are then averages over "
                           "groups), use mlm.gee, or fit.bootstrap(kind='cluster').")
    if density.K != 1 or family.name not in _QUASI:
        raise FormulaError(f"mlm.robust takes families whose estimating equation is that of quasi-likelihood "
                           f"({', '.join(_QUASI)}), and this fit is of {family.name!r}; use fit.bootstrap(kind='cluster').")
    eta = fit.design.X @ fit._params + fit.model.offset
    slopes = density.link.mean_terms(eta, 1)
    mu, slope = slopes if len(slopes) == 2 and slopes[1] is not None else (slopes[0], np.ones_like(eta))
    y = density.y if density.trials is None else density.y / np.maximum(density.trials, 1.0)
    theta = family.variance(mu, fit._psi, density.trials) * np.ones_like(mu)
    if density.weights is not None:
        theta = theta / density.weights
    return Rows(fit.design.X * slope[:, None], y - mu, theta, linear=False)
