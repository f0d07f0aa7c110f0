"""Counts of events that come independently of one another.

The variance is the mean; nothing else is reported.  An exposure (time, population) enters as an offset of its
logarithm.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, pdtr

from ..density import Terms
from ..tails import exp
from .base import Family, counts, pulled

__all__ = ["POISSON", "positive_poisson"]


class Poisson(Family):
    """log f = y log mu - mu - log y!, a function of log mu."""

    name = "poisson"
    support = "positive"
    arguments = ("log_mean",)
    default = "log"
    links = ("log", "identity", "sqrt", "power")
    discrete = True

    def bind(self, y, trials):
        constant = -gammaln(y + 1)

        def terms(arguments, psi, order):
            (a,) = arguments
            mu = exp(a)
            out = Terms(y * a - mu + constant)
            if order > 0:
                out.d1, out.d2 = y - mu, -mu
            if order > 2:
                out.d3 = -mu
            return [out]

        return terms

    def check(self, y, trials, column):
        super().check(y, trials, column)
        counts(y, column, self.name)

    def start(self, y, trials, weights):
        return np.maximum(pulled(y, weights, 0.8), 0.05), np.empty(0)

    def variance(self, mu, psi, trials=None):
        return mu

    def cdf(self, y, mu, psi, trials=None):
        return np.where(y < 0, 0.0, pdtr(np.maximum(np.floor(y), 0), mu))

    def simulate(self, mu, psi, rng, trials=None):
        return rng.poisson(mu).astype(float)

    def log_zero(self, mu, psi):
        """Log probability of a zero."""
        return -mu

    def simulate_positive(self, mu, psi, rng):
        """Counts given that they are not zero: the first event before time 1, and those after it."""
        return positive_poisson(np.asarray(mu, float), rng)


def positive_poisson(rate, rng):
    """Poisson counts of that rate given that they are not zero."""
    first = -np.log1p(rng.random(np.shape(rate)) * np.expm1(-rate))
    return 1.0 + rng.poisson(np.maximum(rate - first, 0.0))


POISSON = Poisson()
