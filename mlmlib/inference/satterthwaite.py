"""Satterthwaite's degrees of freedom: how well the variance of an estimate is itself known.

The estimated variance v of an estimate c'b depends on the variance parameters. If v were a multiple of chi-square
with nu degrees of freedom, its relative variance would be 2 / nu; so, with g the gradient of v and A the covariance of
the estimated parameters,

    nu = 2 v^2 / (g' A g).

A is twice the inverse of the Hessian of the deviance (or REML criterion), v = c' s2 (X'V^-1X)^-1 c. Both are taken in
the coordinates (steps of the relative factor L, log s2), where everything is a sum over groups that the criterion has
formed already. nu does not depend on the coordinates: at the optimum the gradient is zero, so that lmerTest's
(theta, sigma) give the same number.

On the boundary (a zero variance, a correlation of one) the coordinates along which v does not change at first order
are left out, as if the smaller model had been fitted: with no variance between groups nu is n - p.

Chapter 8 (``08_inference``) derives the formula.

References
----------
Satterthwaite, F. E. (1946). An approximate distribution of estimates of variance components. Biometrics Bulletin, 2,
110-114.
Fai, A. H.-T., & Cornelius, P. L. (1996). Approximate F-tests of multiple degree of freedom hypotheses in generalized
least squares analyses of unbalanced split-plot experiments. Journal of Statistical Computation and Simulation, 54,
363-378.
Kuznetsova, A., Brockhoff, P. B., & Christensen, R. H. B. (2017). lmerTest package: Tests in linear mixed effects
models. Journal of Statistical Software, 82(13).
"""

from __future__ import annotations

import numpy as np

__all__ = ["Satterthwaite"]

_FLAT = 1e-9  # size of a direction of D below which it is taken for none


class Satterthwaite:
    """Degrees of freedom of a mixed model's estimates by Satterthwaite's method.

    Parameters
    ----------
    fit : LmmResult
        By REML or maximum likelihood; the criterion's own Hessian is used.

    Attributes
    ----------
    params : ndarray, shape (p,)
        Coefficients.
    cov : ndarray, shape (p, p)
        Their covariance matrix.
    slopes : ndarray, shape (k, p, p)
        Derivative of `cov` in each variance parameter, in units in which the parameters are uncorrelated with
        variance one.
    note : str

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", mlm.load("sleepstudy"))
    >>> Satterthwaite(fit).df(np.eye(2)).round(6).tolist()  # with lmerTest 3.1 both are 17
    [17.0, 17.0]
    """

    name = "Satterthwaite F test"

    def __init__(self, fit):
        self.params, self.cov = fit._params, fit._cov
        hessian, slopes = _curvature_and_slopes(fit)
        self.slopes, lost = _whiten(hessian, slopes)
        self.note = ("the criterion is flat in some direction, which Satterthwaite's degrees of freedom leave out"
                     if lost else "")

    def df(self, C: np.ndarray) -> np.ndarray:
        """Degrees of freedom of the rows of `C`, shape (k, p); NaN where a row has no variance."""
        variance = np.einsum("ka,ab,kb->k", C, self.cov, C)
        gradient = np.einsum("ka,mab,kb->km", C, self.slopes, C)
        with np.errstate(divide="ignore", invalid="ignore"):
            return 2.0 * variance ** 2 / (gradient * gradient).sum(axis=1)

    def f(self, C: np.ndarray, difference: np.ndarray) -> tuple[float, float]:
        """F and its denominator degrees of freedom for ``C b - rhs = difference``, rows of `C` independent.

        The estimates are turned to uncorrelated ones, each with its own nu_m; F has the mean of F(q, nu) for which
        E F = sum nu_m / (nu_m - 2) / q (Fai & Cornelius, 1996, as lmerTest does it).
        """
        values, axes = np.linalg.eigh(C @ self.cov @ C.T)
        statistic = float(np.mean((axes.T @ difference) ** 2 / values))
        nu = self.df(axes.T @ C)
        return statistic, _combined(nu)


def _combined(nu: np.ndarray) -> float:
    """Denominator degrees of freedom of a mean of squared t's."""
    if len(nu) == 1 or np.ptp(nu) < 1e-8:
        return float(np.mean(nu))
    if (nu <= 2).any():
        return 2.0
    expected = float(np.sum(nu / (nu - 2.0)))
    return 2.0 * expected / (expected - len(nu))


def _curvature_and_slopes(fit) -> tuple[np.ndarray, np.ndarray]:
    """Hessian of the criterion in (steps of L, log s2), and the derivative of the coefficients' covariance in each.

    All that is asked of the model: `criterion.curvature` and `criterion.fixed_sums`.
    """
    model, at = fit.model, fit._at
    steps = at.basis @ at.L.T
    steps = steps + steps.transpose(0, 2, 1)
    moves = np.abs(steps).max(axis=(1, 2)) > _FLAT
    steps, basis = steps[moves], at.basis[moves]
    curve, cross = model.criterion.curvature(at, steps)
    curve = curve + 2.0 * np.einsum("kab,lab->kl", at.Gamma @ basis, basis)
    hessian = np.block([[curve, cross[:, None]], [cross[None], np.array([[float(model.criterion.degrees)]])]])
    half = np.sqrt(at.s2) * np.linalg.inv(model.x_map).T @ at.half
    inner = model.criterion.fixed_sums(at, steps)
    return hessian, np.concatenate([half @ inner @ half.T, fit._cov[None]])


def _whiten(hessian: np.ndarray, slopes: np.ndarray) -> tuple[np.ndarray, bool]:
    """Slopes in coordinates whose estimates are uncorrelated with variance one; whether a direction was left out."""
    scale = np.sqrt(np.abs(np.diagonal(hessian)))
    scale = np.where(scale > 0, scale, 1.0)
    values, axes = np.linalg.eigh(hessian / np.outer(scale, scale))
    use = values > 1e-10
    root = (axes[:, use] / np.sqrt(values[use] / 2.0)) / scale[:, None]
    return np.einsum("mk,mab->kab", root, slopes), not use.all()
