"""Standard errors of variances and of the residuals' parameters together.

The covariance of the variance parameters v given the structure's parameters psi is that of `VarianceParameters`.  With
psi estimated, and B = d v(psi) / d psi along the minimum,

    cov(psi) = 2 f''(psi)^-1,    cov(v) = cov(v | psi) + B cov(psi) B',

which is the inverse of the joint observed information, by blocks.

Chapter 14 (``14_growth_shapes``) reads these.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..results import normal_quantile
from .variances import VarianceParameters, _inverse

__all__ = ["RowVarianceParameters", "residual_table"]

_STEP = 1e-3


class RowVarianceParameters(VarianceParameters):
    """The parameters (log sd, atanh corr) of each term and log sigma, with their covariance, psi estimated."""

    def __init__(self, fit):
        if fit.design.random:
            super().__init__(fit)
        else:
            self.fit, self.names, self._place = fit, ["log sigma"], []
            self.cov = np.array([[1.0 / (2.0 * fit.model.criterion.degrees)]])
        self.psi_cov = 2.0 * _inverse(fit.model.hessian)
        moves = self._moves()
        self.cov = self.cov + moves @ self.psi_cov @ moves.T

    def _values(self, psi) -> np.ndarray:
        """The variance parameters at the minimum over theta for psi."""
        model, at = self.fit.model, self.fit._at
        at = model.best_at(psi, at)
        out = np.zeros(len(self.names))
        for (sd_place, corr_place), back, block in zip(self._place, model.z_maps, model.criterion.blocks):
            factor = back @ at.L[block, block]
            T = at.s2 * factor @ factor.T
            sd = np.sqrt(np.diagonal(T))
            out[sd_place] = np.log(np.maximum(sd, 1e-300))
            for a, b in zip(*np.nonzero(corr_place >= 0)):
                if sd[a] * sd[b] > 0:
                    out[corr_place[a, b]] = np.arctanh(np.clip(T[a, b] / (sd[a] * sd[b]), -1 + 1e-15, 1 - 1e-15))
        out[-1] = np.log(at.s2) / 2.0 - np.mean(model.rows.log_sd(psi))
        return out

    def _moves(self) -> np.ndarray:
        """B: how the variance parameters move with psi."""
        psi = self.fit.model.psi
        out = np.empty((len(self.names), len(psi)))
        for k, unit in enumerate(_STEP * np.eye(len(psi))):
            out[:, k] = (self._values(psi + unit) - self._values(psi - unit)) / (2.0 * _STEP)
        return out


_SCALES: dict[str, tuple[Callable, Callable, Callable]] = {  # to the scale of the interval, back, and the slope there
    "correlation": (np.arctanh, np.tanh, lambda x: 1.0 / (1.0 - x * x)),
    "positive": (np.log, np.exp, lambda x: 1.0 / x),
    "share": (lambda x: np.log(x / (1.0 - x)), lambda z: 1.0 / (1.0 + np.exp(-z)), lambda x: 1.0 / (x * (1.0 - x))),
    "real": (lambda x: x, lambda z: z, lambda x: 1.0)}


def residual_table(fit, level: float = 0.95):
    """The residuals' parameters with standard errors and intervals (DataFrame).

    Parameters
    ----------
    fit : RowResult
    level : float

    Returns
    -------
    DataFrame
        Columns ``name``, ``estimate``, ``se``, ``lower``, ``upper``; intervals are symmetric in atanh for
        correlations, in the log for ratios of standard deviations, in the logit for car1's phi.
    """
    from .. import frames as pd
    rows, psi = fit.model.rows, fit.model.psi
    estimates, cov = rows.natural(psi), fit._variances.psi_cov
    slopes = np.column_stack([(rows.natural(psi + unit) - rows.natural(psi - unit)) / 2e-5
                              for unit in 1e-5 * np.eye(len(psi))])
    spread = np.einsum("ij,jk,ik->i", slopes, cov, slopes)
    se = np.sqrt(np.where(spread >= 0, spread, np.nan))
    z, out = normal_quantile(level), []
    for parameter, value, error in zip(rows.parameters, estimates, se):
        to, back, slope = _SCALES[parameter.scale]
        with np.errstate(all="ignore"):
            middle, wide = to(value), z * error * slope(value)
            out.append((parameter.name, value, error, back(middle - wide), back(middle + wide)))
    return pd.DataFrame(out, columns=["name", "estimate", "se", "lower", "upper"])
