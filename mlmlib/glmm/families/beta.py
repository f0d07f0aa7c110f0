"""Proportions strictly between 0 and 1.

Reported is the precision ``phi``; the variance is mu (1 - mu)/(1 + phi).  So print glmmTMB, betareg and SAS GLIMMIX
(``Scale``); Stata's ``betareg`` prints its logarithm ``/scale``.

References
----------
Ferrari, S., & Cribari-Neto, F. (2004). Beta regression for modelling rates and proportions. Journal of Applied
Statistics, 31, 799-815.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betainc

from ...errors import DataError
from ..density import Terms
from ..gammas import log_gamma
from ..tails import exp
from .base import Family, Parameter, pulled

__all__ = ["BETA"]


class Beta(Family):
    """log f = log G(phi) - log G(p) - log G(q) + (p - 1) log y + (q - 1) log(1 - y); p = mu phi, q = phi - p."""

    name = "beta"
    support = "unit"
    arguments = ("log_mean", "log_complement")
    default = "logit"
    links = ("logit", "probit", "cloglog", "loglog", "cauchit", "log", "identity")
    parameters = (Parameter("phi", "log phi"),)

    def bind(self, y, trials):
        logs = np.log(y), np.log1p(-y)

        def terms(arguments, psi, order):
            total = log_gamma(np.float64(psi[0]), 1)
            out = []
            for a, log_y, (value, slope) in zip(arguments, logs, (total, (0.0, 0.0)), strict=True):
                s = a + psi[0]
                gamma, pull = log_gamma(s, order), exp(s) * log_y
                part = Terms(value - gamma[0] + pull - log_y)
                if order > 0:
                    part.d1, part.d2 = pull - gamma[1], pull - gamma[2]
                if order > 2:
                    part.d3 = pull - gamma[3]
                    part.p, part.p1, part.p2 = (slope + part.d1)[None], part.d2[None], part.d3[None]
                out.append(part)
            return out

        return terms

    def check(self, y, trials, column):
        super().check(y, trials, column)
        bad = (y <= 0) | (y >= 1)
        if bad.any():
            raise DataError(f"{column} has the value {y[bad][0]:g}, and family='beta' needs proportions above 0 and "
                            "below 1: counts of successes go with family='binomial' and trials=; shares of exactly 0 "
                            "or 1 need a model of their own, or (y*(n-1) + 0.5)/n draws all of them inside")

    def start(self, y, trials, weights):
        mean = np.average(y, weights=weights)
        spread = np.average((y - mean) ** 2, weights=weights)
        return pulled(y, weights), [np.log(np.clip(1.5 * mean * (1 - mean) / max(spread, 1e-12) - 1, 0.5, 1e4))]

    def variance(self, mu, psi, trials=None):
        return mu * (1 - mu) / (1 + np.exp(psi[0]))

    def cdf(self, y, mu, psi, trials=None):
        phi = np.exp(psi[0])
        return betainc(mu * phi, (1 - mu) * phi, np.clip(y, 0, 1))

    def simulate(self, mu, psi, rng, trials=None):
        phi = np.exp(psi[0])
        return rng.beta(np.asarray(mu) * phi, (1 - np.asarray(mu)) * phi)


BETA = Beta()
