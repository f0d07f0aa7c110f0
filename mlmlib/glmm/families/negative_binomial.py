"""Counts that vary more than a Poisson variable of the same mean.

========= ================== ======== ============================================================
family    variance           reported elsewhere
========= ================== ======== ============================================================
nbinom2   mu + mu^2 / theta  theta    lme4 (``glmer.nb``) and glmmTMB: theta; Stata (``menbreg``) and
                                      SAS (``Scale``): alpha = 1/theta, Stata as
                                      ``/lnalpha = -log(theta)``
nbinom1   mu (1 + alpha)     alpha    glmmTMB: alpha; Stata, ``dispersion(constant)``: delta = alpha
geometric mu + mu^2          nothing  nbinom2 with theta = 1
========= ================== ======== ============================================================

As theta grows, or alpha vanishes, they come to be the Poisson family.

References
----------
Hardin, J. W., & Hilbe, J. M. (2007). Generalized Linear Models and Extensions (2nd ed.). Stata Press, chapter 13.
Cameron, A. C., & Trivedi, P. K. (2013). Regression Analysis of Count Data (2nd ed.). Cambridge, section 3.3.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betainc, gammaln

from ..density import Terms
from ..gammas import log_gamma_ratio
from ..tails import exp, logit_parts
from .base import Family, Parameter, counts, pulled
from .poisson import positive_poisson

__all__ = ["GEOMETRIC", "NBINOM1", "NBINOM2"]


class NegativeBinomial(Family):
    """What both have in common: sizes r and means mu, of which f(y) is the negative binomial density."""

    support = "positive"
    arguments = ("log_mean",)
    default = "log"
    links = ("log", "identity", "sqrt", "power")
    discrete = True

    def size(self, mu, psi):
        """The shape of the gamma distribution that mixes the Poisson means."""
        raise NotImplementedError

    def check(self, y, trials, column):
        super().check(y, trials, column)
        counts(y, column, self.name)

    def excess(self, y, weights):
        """Average and variance beyond it, relative to the average, of the outcomes."""
        mean = max(np.average(y, weights=weights), 1e-3)
        return mean, max(np.average((y - mean) ** 2, weights=weights) / mean - 1, 0.05)

    def cdf(self, y, mu, psi, trials=None):
        r = self.size(mu, psi)
        return np.where(y < 0, 0.0, betainc(r, np.maximum(np.floor(y), 0) + 1, r / (r + mu)))

    def simulate(self, mu, psi, rng, trials=None):
        r = self.size(mu, psi)
        return rng.poisson(rng.gamma(r, mu / r)).astype(float)

    def log_zero(self, mu, psi):
        """Log probability of a zero."""
        r = self.size(mu, psi)
        return -r * np.log1p(mu / r)

    def simulate_positive(self, mu, psi, rng):
        """Counts given that they are not zero: a positive Poisson number of logarithmic-series counts, added up."""
        mu = np.asarray(mu, float)
        r = self.size(mu, psi)
        clusters = positive_poisson(-self.log_zero(mu, psi), rng).astype(np.int64)
        each = rng.logseries(np.repeat((mu / (mu + r)).ravel(), clusters.ravel()))
        start = np.concatenate([[0], np.cumsum(clusters.ravel())[:-1]])
        return np.add.reduceat(each, start).reshape(mu.shape).astype(float)


class NegativeBinomial2(NegativeBinomial):
    """log f = log G(y + theta)/G(theta) - log y! + y d - (y + theta) log(1 + e^d), d = log mu - log theta."""

    def __init__(self, name, theta=None):
        self.name, self.fixed = name, theta
        self.parameters = () if theta is not None else (Parameter("theta", "log theta"),)

    def bind(self, y, trials):
        levels, inverse = np.unique(y, return_inverse=True)
        factorial = gammaln(levels + 1)

        def terms(arguments, psi, order):
            (a,) = arguments
            log_theta = np.log(self.fixed) if self.fixed is not None else psi[0]
            theta = exp(log_theta)
            ratio = log_gamma_ratio(np.float64(log_theta), levels, 1 if order > 2 else 0)
            d = a - log_theta
            w, rest, small = logit_parts(d)
            spread = np.maximum(d, 0) + small  # log(1 + exp(d))
            out = Terms((ratio[0] - factorial)[inverse] + y * d - (y + theta) * spread)
            if order > 0:
                both = (y + theta) * (w * rest)
                out.d1, out.d2 = y * rest - theta * w, -both
            if order > 2:
                bend = both * (rest - w)
                out.d3 = -bend
                if self.fixed is None:
                    out.p = (ratio[1][inverse] - y * rest - theta * (spread - w))[None]
                    out.p1, out.p2 = (both - theta * w)[None], (bend - theta * w * rest)[None]
            return [out]

        return terms

    def size(self, mu, psi):
        return np.full_like(mu, self.fixed if self.fixed is not None else np.exp(psi[0]))

    def start(self, y, trials, weights):
        mean, excess = self.excess(y, weights)
        psi = [] if self.fixed is not None else [np.log(np.clip(2 * mean / excess, 0.05, 100))]
        return np.maximum(pulled(y, weights), 0.05), psi

    def variance(self, mu, psi, trials=None):
        return mu + mu**2 / self.size(mu, psi)


class NegativeBinomial1(NegativeBinomial):
    """Size r = mu/alpha: log f = log G(y + r)/G(r) - log y! - r log(1 + alpha) + y log(alpha/(1 + alpha))."""

    name = "nbinom1"
    parameters = (Parameter("alpha", "log alpha"),)

    def bind(self, y, trials):
        factorial = gammaln(y + 1)

        def terms(arguments, psi, order):
            (a,) = arguments
            alpha = exp(psi[0])
            share = alpha / (1 + alpha)
            s = a - psi[0]
            r = exp(s)
            ratio = log_gamma_ratio(s, y, order)
            loss = r * np.log1p(alpha)
            out = Terms(ratio[0] - factorial - loss + y * (np.log(share) if share > 0 else psi[0]))
            if order > 0:
                out.d1, out.d2 = ratio[1] - loss, ratio[2] - loss
            if order > 2:
                out.d3 = ratio[3] - loss
                change = loss - r * share
                out.p = (-ratio[1] + change + y / (1 + alpha))[None]
                out.p1, out.p2 = (change - ratio[2])[None], (change - ratio[3])[None]
            return [out]

        return terms

    def size(self, mu, psi):
        return mu / np.exp(psi[0])

    def start(self, y, trials, weights):
        return np.maximum(pulled(y, weights), 0.05), [np.log(self.excess(y, weights)[1] / 2)]

    def variance(self, mu, psi, trials=None):
        return mu * (1 + np.exp(psi[0]))


NBINOM2, GEOMETRIC, NBINOM1 = NegativeBinomial2("nbinom2"), NegativeBinomial2("geometric", 1.0), NegativeBinomial1()
