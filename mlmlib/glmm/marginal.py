"""Marginalized coefficients: what the coefficients of a GLMM are on average over groups.

A coefficient of a GLMM compares units of one group, or of two groups with equal effects.  Averaged over groups the
comparison is another one, that of a marginal model (GEE), and with most links it is nearer to zero.  With averaged means
m_i, linear predictors eta_i and variances v_i of the random part,

    link(m_i) = link(E g(eta_i + z_i'u))  is regressed on  x_i,     beta_marginal = (X'X)^-1 X' link(m),

(Hedeker, du Toit, Demirtas & Gibbons, 2018): exact where link(m) is linear in x, which it is for probit with random
intercepts (all coefficients divided by sqrt(1 + v)) and for the logarithm (the intercept plus v / 2).

Chapter 16 (``16_binary``): two kinds of average.

References
----------
Hedeker, D., du Toit, S. H. C., Demirtas, H., & Gibbons, R. D. (2018). A note on marginalization of regression parameters
from mixed models of binary outcomes. Biometrics, 74, 354-361.
Zeger, S. L., Liang, K.-Y., & Albert, P. S. (1988). Models for longitudinal data: a generalized estimating equation
approach. Biometrics, 44, 1049-1060.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..display import Shown, number
from ..errors import DataError
from ..results import check_level
from .marginal_mean import attenuation, averaged_link
from .predictors import predictors

__all__ = ["MarginalCoef", "marginal_coef"]

METHODS = ("average", "attenuation")
_LINEAR = 1e-6  # residual of the regression on the link scale below which it is called exact


@dataclass(frozen=True, repr=False)
class MarginalCoef(Shown):
    """Coefficients averaged over groups, beside those of the model.

    Attributes
    ----------
    names : tuple of str
    conditional, conditional_se : ndarray, shape (p,)
        The model's own coefficients, which hold within a group.
    estimates : ndarray, shape (p,)
        Averaged over groups.
    cov : ndarray, shape (p, p)
        Of the estimates, by the delta method, that the variances are estimated included.
    exact : bool
        True where the averages are linear in the predictors on the link scale, so that nothing is lost.
    """

    formula: str
    link: str
    names: tuple
    conditional: np.ndarray
    conditional_se: np.ndarray
    estimates: np.ndarray
    cov: np.ndarray
    method: str
    level: float
    exact: bool
    quantile: float
    notes: tuple = ()

    @property
    def params(self):
        """Coefficients averaged over groups (Series)."""
        from .. import frames as pd
        return pd.Series(self.estimates.copy(), index=list(self.names), name="marginal")

    @property
    def bse(self):
        """Their standard errors (Series)."""
        from .. import frames as pd
        return pd.Series(self._se, index=list(self.names), name="se")

    @property
    def _se(self):
        return np.sqrt(np.maximum(np.diagonal(self.cov), 0.0))

    @property
    def table(self):
        """A row a coefficient: conditional, its se, marginal, its se, lower, upper, ratio (DataFrame)."""
        from .. import frames as pd
        half = self.quantile * self._se
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(self.conditional != 0, self.estimates / self.conditional, np.nan)
        return pd.DataFrame({"conditional": self.conditional, "se conditional": self.conditional_se,
                             "marginal": self.estimates, "se": self._se, "lower": self.estimates - half,
                             "upper": self.estimates + half, "ratio": ratio}, index=list(self.names))

    def _title(self):
        return f"Coefficients within groups and averaged over groups ({self.link}): {self.formula}"

    def _rows(self):
        rows = [[name, *(f"{x:.3f}" for x in values[:4]), f"{values[4]:.3f} to {values[5]:.3f}", number(values[6], 3)]
                for name, values in zip(self.names, self.table.to_numpy())]
        return ["", "conditional", "se", "marginal", "se", f"{100 * self.level:g} % interval", "ratio"], rows

    def _note(self):
        return " ".join(self.notes)


def marginal_coef(fit, method: str = "average", level: float = 0.95) -> MarginalCoef:
    """Coefficients averaged over groups: the population-averaged ones that a mixed model implies.

    Parameters
    ----------
    fit : GlmmResult
    method : {"average", "attenuation"}
        Regress the link of the averaged means on the predictors (Hedeker et al., 2018); or divide by the factor of
        Zeger, Liang and Albert (1988), an approximation for the logit that is exact for probit with random intercepts.
    level : float

    Returns
    -------
    MarginalCoef
        ``table``, ``params``, ``bse``; printed, both kinds stand side by side.

    Raises
    ------
    DataError
        For links whose average over normal effects does not exist (inverse), or has no factor of attenuation.

    Notes
    -----
    Chapter 16 (``16_binary``).  Standard errors are by the delta method from the covariance of coefficients and
    variances together.  Rows count by their trials and weights, so that 0/1 rows and counts of successes give the same.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size")
    >>> found = fit.marginal_coef()
    >>> found.table[["conditional", "marginal", "se"]].round(3).loc["period[T.2]"].tolist()
    [-0.992, -0.942, 0.297]
    """
    check_level(level)
    if method not in METHODS:
        raise ValueError(f"method={method!r} must be 'average' or 'attenuation'.")
    if hasattr(fit, "outcomes") or fit.density.K > 1 or hasattr(fit.density, "thresholds") or getattr(fit.family, "hurdle", False):
        raise DataError("marginal_coef is for outcomes with one mean a row that a link leads to; average the "
                        "predictions instead: fit.predict(groups='average').")
    at = predictors(fit, groups="average")
    X, p = fit.design.X, len(fit._params)
    offset = fit._fixed_part - X @ fit._params
    weights = np.ones(len(X)) if fit.density.trials is None else np.array(fit.density.trials, dtype=float)
    if fit.density.weights is not None:
        weights = weights * fit.density.weights
    if method == "attenuation":
        estimates, gradient, misfit, notes = _attenuated(fit, at, X, weights)
    else:
        value, slope, bend = averaged_link(fit.link, at.eta, at.variance)
        root = np.sqrt(weights)
        solve = np.linalg.pinv(X * root[:, None]) * root
        estimates = solve @ (value - offset)
        gradient = solve @ (slope[:, None] * at.gradient + 0.5 * bend[:, None] * at.slopes)
        misfit = float(np.abs(value - offset - X @ estimates).max(initial=0.0))
        notes = ()
    exact = misfit < _LINEAR * (1.0 + float(np.abs(estimates).max(initial=0.0)))
    if method == "average" and not exact:
        notes = (*notes, "On the link scale the averages are not quite linear in the predictors: they differ from this "
                         f"line by at most {number(misfit, 2)}.")
    known = np.isfinite(np.diagonal(fit._x_cov))
    cov = gradient[:, known] @ fit._x_cov[np.ix_(known, known)] @ gradient[:, known].T
    return MarginalCoef(fit.formula, fit.link.name, tuple(fit._names), fit._params.copy(), fit._se.copy(),
                        estimates[:p], cov[:p, :p], method, level, exact, fit._quantile(level), notes)


def _attenuated(fit, at, X, weights):
    """Coefficients times the factor of attenuation at the rows' mean variance; with the logarithm, the shifted intercept."""
    share = weights / weights.sum()
    v, dv = float(share @ at.variance), share @ at.slopes
    b, p = fit._params, len(fit._params)
    back = np.zeros((p, at.gradient.shape[1]))
    back[:, :p] = fit._back
    if fit.link.name == "log":
        shift = np.array([float(name == "Intercept") for name in fit._names])
        if not shift.any():
            raise DataError("Without an intercept there is nothing to add half the variance to; use method='average'.")
        return b + shift * v / 2.0, back + np.outer(shift, dv) / 2.0, 0.0, ()
    factor = float(attenuation(fit.link, v))
    h = 1e-5 * (1.0 + v)
    bent = float(attenuation(fit.link, v + h) - attenuation(fit.link, max(v - h, 0.0))) / (v + h - max(v - h, 0.0))
    notes = () if np.ptp(at.variance) < 1e-9 * (1.0 + v) else (
        f"The variance of the random part differs between rows; its mean, {number(v)}, is taken.",)
    return b * factor, factor * back + np.outer(b, bent * dv), 0.0, notes
