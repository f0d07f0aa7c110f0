"""Measurements with tails longer than the normal's.

Reported are the scale ``sigma`` and the degrees of freedom ``df``; psi is (log sigma, log df), as in glmmTMB's
``t_family`` and in SAS (``dist=t``, where df is given).  The standard deviation is sigma sqrt(df/(df - 2)).
``family="t(4)"`` fixes df.

References
----------
Lange, K. L., Little, R. J. A., & Taylor, J. M. G. (1989). Robust statistical modeling using the t distribution.
Journal of the American Statistical Association, 84, 881-896.
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtr

from ..density import Terms
from ..gammas import log_half_step
from .base import Parameter
from .gaussian import FURTHEST, Gaussian

__all__ = ["STUDENT", "Student"]


class Student(Gaussian):
    """log f = c(df) - log sigma - (df + 1)/2 log(1 + z^2/df), z = (y - mu)/sigma."""

    def __init__(self, df=None):
        self.name, self.fixed = "t" if df is None else f"t({df:g})", df
        self.parameters = (Parameter("sigma", "log sigma"), *(() if df is not None else (Parameter("df", "log df"),)))

    def df(self, psi):
        return self.fixed if self.fixed is not None else np.exp(psi[1])

    def bind(self, y, trials):
        def terms(arguments, psi, order):
            v = self.df(psi)
            c, slope = log_half_step(v)
            residual = np.clip(y - arguments[0], -FURTHEST, FURTHEST)
            S = v * np.exp(2 * psi[0])
            w = residual**2 / S
            size, growth = 1 / (1 + w), np.log1p(w)
            out = Terms(c - 0.5 * np.log(2 * np.pi) - psi[0] - 0.5 * (v + 1) * growth)
            if order == 0:
                return [out]
            share, rate = w * size, (v + 1) / S
            out.d1, out.d2 = rate * residual * size, rate * size * (2 * share - 1)
            if order > 2:
                out.d3 = 2 / S * out.d1 * size * (4 * share - 3)
                bent = rate * size**2 * (1 - 4 * share)
                rows = [((v + 1) * share - 1, -2 * out.d1 * size, 2 * bent)]
                if self.fixed is None:
                    rows.append((slope - 0.5 * v * growth + 0.5 * (v + 1) * share,
                                 residual / S * size * (v * share - size), v / S * size * (2 * share - 1) + bent))
                out.p, out.p1, out.p2 = (np.stack(v) for v in zip(*rows, strict=True))
            return [out]

        return terms

    def variance(self, mu, psi, trials=None):
        v = self.df(psi)
        return np.full_like(mu, np.exp(2 * psi[0]) * (v / (v - 2) if v > 2 else np.inf))

    def start(self, y, trials, weights):
        mu, psi = super().start(y, trials, weights)
        v = 8.0 if self.fixed is None else self.fixed
        log_sigma = psi[0] + 0.5 * np.log(max(v - 2, 0.5) / max(v, 2.5))
        return mu, [log_sigma] if self.fixed is not None else [log_sigma, np.log(v)]

    def cdf(self, y, mu, psi, trials=None):
        return stdtr(self.df(psi), (y - mu) / np.exp(psi[0]))

    def simulate(self, mu, psi, rng, trials=None):
        return mu + np.exp(psi[0]) * rng.standard_t(self.df(psi), np.shape(mu))


STUDENT = Student()
