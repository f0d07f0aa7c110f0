"""Measurements: normal, and log-normal.

``sigma`` is reported by both: the standard deviation of the outcome (maximum likelihood, as everywhere in
`mlm.glmm`), or of its logarithm.  Stata's ``meglm`` prints its square ``var(e.y)``, SAS its square as ``Residual`` or
``Scale``.

The log-normal family is that of SAS GLIMMIX (``dist=lognormal``) and of `mlm.lmm` for ``log(y)``: with the log link,
which it has when none is given, the linear predictor is the mean of log y, and mu the median of y; its mean is mu
exp(sigma^2/2).  The log-likelihood is that of y, lower than that of log y by the sum of log y.  glmmTMB (from 1.1.6)
has another log-normal family whose parameters are the mean and the standard deviation of y.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from ...errors import DataError
from ..density import Terms
from .base import Family, Parameter, pulled

__all__ = ["GAUSSIAN", "LOGNORMAL"]

_HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)
FURTHEST = 1e150  # a residual whose square is still a number


def normal_terms(residual, log_sigma, order) -> Terms:
    """log density of a normal residual with derivatives in its mean and in log sigma."""
    precision = np.exp(-2 * log_sigma)
    z2 = precision * residual**2
    out = Terms(-_HALF_LOG_2PI - log_sigma - 0.5 * z2)
    if order > 0:
        out.d1, out.d2 = precision * residual, np.full_like(residual, -precision)
    if order > 2:
        out.d3 = np.zeros_like(residual)
        out.p, out.p1, out.p2 = (z2 - 1)[None], -2 * out.d1[None], -2 * out.d2[None]
    return out


class Gaussian(Family):
    """log f = -log(2 pi)/2 - log sigma - ((y - mu)/sigma)^2/2."""

    name = "gaussian"
    links = ("identity", "log", "inverse", "sqrt", "power")
    parameters = (Parameter("sigma", "log sigma"),)

    def bind(self, y, trials):
        return lambda arguments, psi, order: [
            normal_terms(np.clip(y - arguments[0], -FURTHEST, FURTHEST), psi[0], order)]

    def start(self, y, trials, weights):
        mean = np.average(y, weights=weights)
        spread = np.sqrt(np.average((y - mean) ** 2, weights=weights))
        return pulled(y, weights), [np.log(0.7 * max(spread, 1e-10))]

    def variance(self, mu, psi, trials=None):
        return np.full_like(mu, np.exp(2 * psi[0]))

    def cdf(self, y, mu, psi, trials=None):
        return ndtr((y - mu) / np.exp(psi[0]))

    def simulate(self, mu, psi, rng, trials=None):
        return mu + np.exp(psi[0]) * rng.standard_normal(np.shape(mu))


class Lognormal(Family):
    """The normal density of log y about log mu, divided by y."""

    name = "lognormal"
    support = "positive"
    arguments = ("log_mean",)
    default = "log"
    links = ("log", "identity", "inverse", "sqrt", "power")
    parameters = (Parameter("sigma", "log sigma"),)

    def bind(self, y, trials):
        log_y = np.log(y)

        def terms(arguments, psi, order):
            out = normal_terms(np.clip(log_y - arguments[0], -FURTHEST, FURTHEST), psi[0], order)
            out.value = out.value - log_y
            return [out]

        return terms

    def check(self, y, trials, column):
        super().check(y, trials, column)
        positive(y, column, self.name)

    def start(self, y, trials, weights):
        log_y = np.log(y)
        mu = pulled(log_y, weights)
        return np.exp(mu), [np.log(max(np.sqrt(2) * np.std(log_y - mu), 1e-10))]

    def mean(self, mu, psi):
        return mu * np.exp(0.5 * np.exp(2 * psi[0]))

    def variance(self, mu, psi, trials=None):
        return np.expm1(np.exp(2 * psi[0])) * self.mean(mu, psi) ** 2

    def cdf(self, y, mu, psi, trials=None):
        with np.errstate(divide="ignore"):
            return ndtr(np.log(np.maximum(y, 0) / mu) / np.exp(psi[0]))

    def simulate(self, mu, psi, rng, trials=None):
        return mu * np.exp(np.exp(psi[0]) * rng.standard_normal(np.shape(mu)))


def positive(y, column, family):
    """Raise DataError unless all of y is positive."""
    if (y <= 0).any():
        raise DataError(f"{column} has the value {y[y <= 0][0]:g}, and family={family!r} needs values above 0: "
                        "drop or mend these rows, or choose a family that allows them (gaussian, t; counts: poisson)")


GAUSSIAN, LOGNORMAL = Gaussian(), Lognormal()
