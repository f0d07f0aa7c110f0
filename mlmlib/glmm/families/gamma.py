"""Positive measurements whose spread grows with their mean: gamma, exponential, inverse Gaussian.

================ ============ ======== =======================================================================
family           variance     reported elsewhere
================ ============ ======== =======================================================================
gamma            sigma^2 mu^2 sigma    the coefficient of variation, 1/sqrt(shape): glmmTMB's ``sigma``; SAS
                                       GLIMMIX's ``Scale`` is sigma^2, GENMOD's the shape 1/sigma^2; Stata's
                                       ``meglm`` has ``/logs = log(sigma)``
exponential      mu^2         nothing  gamma with sigma = 1
inverse-gaussian phi mu^3     phi      R's dispersion, SAS GLIMMIX's ``Scale`` (GENMOD prints its root); glmmTMB
                                       has no such family
================ ============ ======== =======================================================================

lme4's log-likelihood for the gamma and inverse Gaussian families puts the deviance in the place of the dispersion;
ours is the full likelihood, as glmmTMB's.  All have the log link unless told otherwise; R's default is inverse and
inverse-squared.

References
----------
McCullagh, P., & Nelder, J. A. (1989). Generalized Linear Models (2nd ed.). Chapman & Hall, chapter 8.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammainc, log_ndtr, ndtr

from ..density import Terms
from ..gammas import log_gamma
from ..tails import exp
from .base import Family, Parameter, pulled
from .gaussian import positive

__all__ = ["EXPONENTIAL", "GAMMA", "INVERSE_GAUSSIAN"]


class Positive(Family):
    """What these families have in common."""

    support = "positive"
    arguments = ("log_mean",)
    default = "log"
    links = ("log", "identity", "inverse", "inverse-squared", "sqrt", "power")

    def check(self, y, trials, column):
        super().check(y, trials, column)
        positive(y, column, self.name)


class Gamma(Positive):
    """log f = k log k - log G(k) + k z - e^z k - log y, where z = log y - log mu and k = 1/sigma^2."""

    def __init__(self, name, fixed=False):
        self.name, self.fixed = name, fixed
        self.parameters = () if fixed else (Parameter("sigma", "log sigma"),)

    def bind(self, y, trials):
        log_y = np.log(y)

        def terms(arguments, psi, order):
            log_k = 0.0 if self.fixed else -2.0 * psi[0]
            k = np.exp(log_k)
            gamma = log_gamma(np.float64(log_k), 1)
            z = log_y - arguments[0]
            kz = k * exp(z)
            out = Terms(k * (log_k + z) - gamma[0] - kz - log_y)
            if order > 0:
                out.d1, out.d2 = kz - k, -kz
            if order > 2:
                out.d3 = kz
                if not self.fixed:
                    out.p = -2 * (k * (log_k + 1 + z) - gamma[1] - kz)[None]
                    out.p1, out.p2 = -2 * out.d1[None], -2 * out.d2[None]
            return [out]

        return terms

    def shape(self, psi):
        return 1.0 if self.fixed else np.exp(-2 * psi[0])

    def start(self, y, trials, weights):
        mean = np.average(y, weights=weights)
        cv = np.sqrt(np.average((y - mean) ** 2, weights=weights)) / mean
        return pulled(y, weights), [] if self.fixed else [np.log(np.clip(0.8 * cv, 1e-3, 3))]

    def variance(self, mu, psi, trials=None):
        return mu**2 / self.shape(psi)

    def cdf(self, y, mu, psi, trials=None):
        k = self.shape(psi)
        return gammainc(k, k * np.maximum(y, 0) / mu)

    def simulate(self, mu, psi, rng, trials=None):
        k = self.shape(psi)
        return rng.gamma(k, np.asarray(mu) / k)


class InverseGaussian(Positive):
    """log f = -log(2 pi phi y^3)/2 - (y - mu)^2/(2 phi mu^2 y), by powers of 1/mu."""

    name = "inverse-gaussian"
    parameters = (Parameter("phi", "log phi"),)

    def bind(self, y, trials):
        log_y = np.log(y)
        constant = -0.5 * (np.log(2 * np.pi) + 3 * log_y)

        def terms(arguments, psi, order):
            (a,) = arguments
            lam = np.exp(-psi[0])
            one, two = lam * exp(-a), 0.5 * lam * exp(log_y - 2 * a)
            distance = np.where(log_y - a < 100, 0.5 * lam * np.expm1(np.minimum(log_y - a, 100)) ** 2 / y, two)
            out = Terms(constant - 0.5 * psi[0] - distance)
            if order > 0:
                out.d1, out.d2 = 2 * two - one, one - 4 * two
            if order > 2:
                out.d3 = 8 * two - one
                out.p, out.p1, out.p2 = (distance - 0.5)[None], -out.d1[None], -out.d2[None]
            return [out]

        return terms

    def start(self, y, trials, weights):
        mean = np.average(y, weights=weights)
        return pulled(y, weights), [np.log(max(np.average((y - mean) ** 2 / y, weights=weights) / mean**2, 1e-8))]

    def variance(self, mu, psi, trials=None):
        return np.exp(psi[0]) * mu**3

    def cdf(self, y, mu, psi, trials=None):
        lam = np.exp(-psi[0])
        y = np.maximum(y, 1e-300)
        root = np.sqrt(lam / y)
        return ndtr(root * (y / mu - 1)) + np.exp(2 * lam / mu + log_ndtr(-root * (y / mu + 1)))

    def simulate(self, mu, psi, rng, trials=None):
        return rng.wald(mu, np.exp(-psi[0]))


GAMMA, EXPONENTIAL, INVERSE_GAUSSIAN = Gamma("gamma"), Gamma("exponential", fixed=True), InverseGaussian()
