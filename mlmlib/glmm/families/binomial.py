"""Successes in n trials; with one trial a row, Bernoulli outcomes.

The reported result has no dispersion.  Counts of successes are written in R as ``cbind(successes, failures)``, in
Stata as ``binomial(trials)``, in SAS as ``successes/trials``; the log-likelihood of all three has the binomial
coefficient.
"""

from __future__ import annotations

import numpy as np
from scipy.special import bdtr, gammaln

from ...errors import DataError
from ..density import Terms
from ..tails import logit_parts
from .base import Family

__all__ = ["BERNOULLI", "BINOMIAL"]


class Binomial(Family):
    """log f = log C(m, y) + y log p + (m - y) log(1 - p), a sum of a function of log p and one of log(1 - p)."""

    support = "unit"
    arguments = ("log_mean", "log_complement")
    default = "logit"
    links = ("logit", "probit", "cloglog", "loglog", "cauchit", "log", "identity")
    discrete = True

    def __init__(self, name):
        self.name = name

    def bind(self, y, trials):
        m = np.ones_like(y) if trials is None else trials
        fails, constant = m - y, _choose(y, m)

        def terms(arguments, psi, order):
            return [Terms(y * arguments[0] + constant, y), Terms(fails * arguments[1], fails)]

        return terms

    def direct(self, link, y, trials):
        if link.name != "logit":
            return None
        m = 1.0 if trials is None else trials
        fails, constant = m - y, _choose(y, m)
        lean = y - 0.5 * m

        def terms(eta, psi, order):
            p, q, rest = logit_parts(eta)
            out = Terms(lean * eta - m * (0.5 * np.abs(eta) + rest) + constant)
            if order > 0:
                out.d1 = y * q - fails * p
                out.d2 = -m * (p * q)
            if order > 2:
                out.d3 = out.d2 * (q - p)
            return out

        return terms

    def check(self, y, trials, column):
        super().check(y, None, column)
        if trials is None:
            if not np.isin(y, (0.0, 1.0)).all():
                bad = y[~np.isin(y, (0.0, 1.0))][0]
                raise DataError(f"{column} has the value {bad:g}, and a binomial outcome without trials= is 0 or 1: "
                                "give the number of trials a row as trials=\"column\", make the outcome 0/1, "
                                "or name another family=, such as \"poisson\" for counts")
            return
        if not np.isfinite(trials).all() or (trials < 0).any() or (trials != np.floor(trials)).any():
            raise DataError("trials= must hold whole numbers of at least 0: mend or drop the other rows")
        bad = (y < 0) | (y > trials) | (y != np.floor(y))
        if bad.any():
            k = int(np.flatnonzero(bad)[0])
            share = " (a share is multiplied by its trials first)" if 0 < y[k] < 1 else ""
            raise DataError(f"{column} has the value {y[k]:g} where there were {trials[k]:g} trials: it must hold "
                            f"numbers of successes, whole and at most the trials{share}")

    def start(self, y, trials, weights):
        m = np.ones_like(y) if trials is None else trials
        w = m if weights is None else m * weights
        share = (np.average(y / np.maximum(m, 1), weights=w) * 2 + 0.5) / 3
        return (y + share) / (m + 1), np.empty(0)

    def variance(self, mu, psi, trials=None):
        return mu * (1 - mu) / (1.0 if trials is None else trials)

    def cdf(self, y, mu, psi, trials=None):
        m = np.ones_like(mu) if trials is None else np.broadcast_to(trials, np.shape(mu))
        y = np.floor(y)
        out = bdtr(np.clip(y, 0, m), m.astype(int), mu)
        return np.where(y < 0, 0.0, np.where(y >= m, 1.0, out))

    def simulate(self, mu, psi, rng, trials=None):
        m = 1 if trials is None else np.asarray(trials).astype(np.int64)
        return rng.binomial(m, mu).astype(float)


def _choose(y, m):
    """log C(m, y)."""
    if np.ndim(m) == 0:
        return 0.0
    return gammaln(m + 1) - gammaln(y + 1) - gammaln(m - y + 1)


BINOMIAL, BERNOULLI = Binomial("binomial"), Binomial("bernoulli")
