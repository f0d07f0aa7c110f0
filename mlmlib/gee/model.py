"""statsmodels' GEE with weights in the working covariance, the scale as geepack has it, and the four covariances.

Chapter 20 (``20_gee_and_robust``) derives the estimating equations and the sandwich.

References
----------
Mancl, L. A., & DeRouen, T. A. (2001). A covariance estimator for GEE with improved small-sample properties. Biometrics,
57, 126-134.
Kauermann, G., & Carroll, R. J. (2001). A note on the efficiency of sandwich covariance matrix estimation. Journal of the
American Statistical Association, 96, 1387-1396.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from statsmodels.genmod.generalized_estimating_equations import GEE
from statsmodels.genmod.generalized_linear_model import GLM

from ..errors import DataError

__all__ = ["Engine", "Scores", "Solved", "quiet_fit", "solve", "start_glm"]


class Engine(GEE):
    """GEE in which the working variance of row i is phi V(mu_i) / w_i, and phi the mean of w (y - mu)^2 / V(mu)."""

    def __init__(self, y, X, codes, family, structure, *, offset=None, weights=None, scale=None):
        self._roots = None if weights is None else np.sqrt(weights)
        self.fixed_scale = scale
        super().__init__(y, X, groups=codes, family=family, cov_struct=structure, offset=offset)
        self._rows = [self.group_indices[label] for label in self.group_labels]
        self.ordered_weights = np.ones(len(y)) if weights is None else weights[np.concatenate(self._rows)]

    def root_weights(self, index):
        """The square roots of the weights of a group's rows."""
        return 1.0 if self._roots is None else self._roots[self._rows[index]]

    def pearson(self) -> np.ndarray:
        """Pearson residuals without weights, group after group, shape (n,)."""
        variance = self.family.variance
        return np.concatenate([(y - mean) / np.sqrt(variance(mean)) for y, (mean, _) in zip(self.endog_li, self.cached_means)])

    def estimate_scale(self):
        if self.fixed_scale is not None:
            return self.fixed_scale
        return float((self.ordered_weights * self.pearson() ** 2).mean())


@dataclass(frozen=True)
class Solved:
    """Where the estimating equations are zero.

    Attributes
    ----------
    b : ndarray, shape (p,)
    mean, eta : ndarray, shape (n,)
    phi : float
    scores : Scores
    converged : bool
    steps : int
    """

    b: np.ndarray
    mean: np.ndarray
    eta: np.ndarray
    phi: float
    scores: Scores
    converged: bool
    steps: int


@dataclass(frozen=True)
class Scores:
    """What each group gives to the estimating equations: B = D'V^-1 D, shape (J, p, p), and s = D'V^-1 (y - mu)."""

    B: np.ndarray
    s: np.ndarray
    labels: tuple

    def covariance(self, kind: str, phi: float, back: np.ndarray) -> np.ndarray:
        """Covariance of the coefficients ``back @ b``: model-based, or a sandwich (see `COVARIANCES`).

        With M the inverse of the sum of the B and M = LL', K = L'BL has the leverages of a group: its residuals are divided by
        I - H (Mancl & DeRouen), by the root of it (Kauermann & Carroll), or left as they are.
        """
        try:
            L = np.linalg.cholesky(np.linalg.inv(self.B.sum(axis=0)))
        except np.linalg.LinAlgError:
            raise DataError("The estimated working correlation is no correlation matrix (it is not positive definite), and there are "
                            "no standard errors. Choose a simpler corr=, such as 'exchangeable' or 'independence'.") from None
        if kind == "model":
            half = L * np.sqrt(phi)
        else:
            t = self.s @ L
            power = {"robust": 0.0, "kauermann-carroll": 0.5, "mancl-derouen": 1.0}[kind]
            if power:
                values, axes = np.linalg.eigh(L.T @ self.B @ L)
                if values.max() > 1.0 - 1e-9:
                    label = self.labels[int(np.argmax(values.max(axis=1)))]
                    raise DataError(f"The group {label!r} alone determines a coefficient, so that standard errors that correct for "
                                    "few groups do not exist; use cov='robust', or leave out what only this group tells of.")
                t = np.einsum("jab,jb,jcb,jc->ja", axes, (1.0 - values) ** -power, axes, t)
            half = L @ t.T
        half = back @ half
        return half @ half.T


def solve(engine: GEE, start, limit: int, **options) -> Solved:
    """Solve the estimating equations from `start`; columns should be of like size."""
    engine.ddof_scale, engine.scaletype = options.get("ddof_scale", engine.exog.shape[1]), options.get("scale")
    engine.update_cached_means(np.asarray(start, float))
    size = _size(engine)
    try:
        fit = quiet_fit(engine, maxiter=limit, ctol=1e-11 * size, start_params=start, **options)
    except (np.linalg.LinAlgError, ValueError):
        fit = None
    if fit is None or not np.isfinite(fit.params).all():
        raise DataError("The estimating equations could not be solved: the working correlation became singular. Choose a simpler "
                        "corr=, such as 'exchangeable' or 'independence'.")
    mean, eta = (np.empty(len(engine.endog)) for _ in range(2))
    for label, (m, e) in zip(engine.group_labels, engine.cached_means):
        mean[engine.group_indices[label]], eta[engine.group_indices[label]] = m, e
    norm = float(np.linalg.norm(engine._update_mean_params()[1]))
    return Solved(np.array(fit.params, float), mean, eta, float(engine.estimate_scale()), scores(engine),
                  norm <= 1e-8 * size, len(fit.fit_history["params"]))


def quiet_fit(engine, **options):
    """Fit without statsmodels' warnings: what they say is told by the result."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return engine.fit(**options)


def start_glm(y, X, family, offset, weights) -> np.ndarray:
    """Coefficients of the model of independent rows."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        fit = GLM(y, X, family=family, offset=offset, var_weights=weights).fit(maxiter=200, tol=1e-12)
    return np.asarray(fit.params)


def scores(engine: GEE) -> Scores:
    """The groups' parts of the estimating equations at the current means."""
    B, s = [], []
    for k, (mean, eta) in enumerate(engine.cached_means):
        D = engine.mean_deriv(engine.exog_li[k], eta)
        sd = np.sqrt(engine.family.variance(mean))
        VD, Vr = engine.cov_struct.covariance_matrix_solve(mean, k, sd, (D, engine.endog_li[k] - mean))
        B.append(D.T @ VD)
        s.append(D.T @ Vr)
    bread = np.array(B)
    return Scores((bread + bread.swapaxes(1, 2)) / 2.0, np.array(s), tuple(engine.group_labels))


def _size(engine) -> float:
    """The size of the terms whose sum the equations make zero."""
    total = 0.0
    for k, (mean, eta) in enumerate(engine.cached_means):
        D = engine.mean_deriv(engine.exog_li[k], eta)
        total = total + np.abs(D).T @ np.abs((engine.endog_li[k] - mean) / engine.family.variance(mean))
    return float(np.linalg.norm(total)) + 1e-300
