"""Links: how the mean of an outcome follows from the linear predictor.

A link knows its mean, the logarithm of the mean and, for a mean between 0 and 1, the logarithm of its complement,
each with three derivatives in the linear predictor eta.  Families ask for the one in which their density is simplest,
so that nothing is lost in the tails: a probability of 1e-300 has a logarithm, and so has what it lacks to 1.

Chapter 16 (``16_binary``) compares the links of a probability, Chapter 17 (``17_counts``) uses the logarithm.

References
----------
McCullagh, P., & Nelder, J. A. (1989). Generalized Linear Models (2nd ed.). Chapman & Hall, chapters 2 and 4.
"""

from __future__ import annotations

import re

import numpy as np

from .tails import (
    cauchit_log_mean,
    cloglog_log_complement,
    cloglog_log_mean,
    exp,
    log_link_log_complement,
    logit_log_mean,
    probit_log_mean,
)

__all__ = ["LINKS", "Link", "link"]


class Link:
    """A link; the classes below say which.

    Attributes
    ----------
    name : str
    positive : bool
        Whether all means are positive.
    """

    name = ""
    positive = True

    def mean(self, eta):
        """The mean at the linear predictor ``eta``, same shape."""
        return self.mean_terms(np.asarray(eta, float), 0)[0]

    def eta(self, mu):
        """The linear predictor at the mean ``mu``, same shape."""
        raise NotImplementedError

    def derivatives(self, eta):
        """The mean and its first three derivatives in eta: a tuple of four arrays."""
        return self.mean_terms(np.asarray(eta, float), 3)

    def mean_terms(self, eta, order):
        """The mean and its derivatives up to `order`, a tuple; ``None`` for a derivative says that the mean is eta."""
        return _exponential(self.log_mean_terms(eta, order), order)

    def log_mean_terms(self, eta, order):
        """The logarithm of the mean and its derivatives up to `order`; ``(eta,)`` alone when they are 1, 0, 0."""
        raise NotImplementedError

    def log_complement_terms(self, eta, order):
        """The logarithm of 1 - mean and its derivatives up to `order`."""
        return _log_complement(self.mean_terms(eta, order), order)

    def domain(self, support):
        """The open interval of eta in which a mean of `support` ("real", "positive" or "unit") lies."""
        return -np.inf, np.inf

    def unit(self, y, support) -> float:
        """The size of linear predictors of outcomes y: 1, but for links that carry the outcome's unit."""
        return 1.0

    def __repr__(self):
        return f"<link {self.name}>"

    def __eq__(self, other):
        return isinstance(other, Link) and self.name == other.name

    def __hash__(self):
        return hash(self.name)


class Symmetric(Link):
    """A probability whose complement at eta is itself at -eta: logit, probit, cauchit."""

    def __init__(self, name, log_mean, inverse):
        self.name, self._log_mean, self._inverse = name, log_mean, inverse

    def log_mean_terms(self, eta, order):
        return self._log_mean(eta, order)

    def eta(self, mu):
        return self._inverse(np.asarray(mu, float))

    def log_complement_terms(self, eta, order):
        return _mirrored(self.log_mean_terms, eta, order)


class ComplementaryLogLog(Link):
    """mu = 1 - exp(-exp(eta)): the probability that a Poisson count of mean exp(eta) is not zero."""

    name = "cloglog"

    def eta(self, mu):
        return np.log(-np.log1p(-np.asarray(mu, float)))

    def log_mean_terms(self, eta, order):
        return cloglog_log_mean(eta, order)

    def log_complement_terms(self, eta, order):
        return cloglog_log_complement(eta, order)


class LogLog(Link):
    """mu = exp(-exp(-eta)): complementary log-log of the other outcome, mirrored (Stata's and SAS's loglog)."""

    name = "loglog"

    def eta(self, mu):
        return -np.log(-np.log(np.asarray(mu, float)))

    def log_mean_terms(self, eta, order):
        return _mirrored(cloglog_log_complement, eta, order)

    def log_complement_terms(self, eta, order):
        return _mirrored(cloglog_log_mean, eta, order)


class Log(Link):
    """mu = exp(eta); as a probability where eta < 0."""

    name = "log"

    def eta(self, mu):
        return np.log(np.asarray(mu, float))

    def mean_terms(self, eta, order):
        return (exp(eta),) * (order + 1)

    def log_mean_terms(self, eta, order):
        return (eta,)

    def log_complement_terms(self, eta, order):
        return log_link_log_complement(eta, order)

    def domain(self, support):
        return -np.inf, 0.0 if support == "unit" else np.inf


class Power(Link):
    """mu^k = eta: identity (k = 1), square root (1/2), inverse (-1), inverse-squared (-2), or ``power(k)``."""

    def __init__(self, name, k):
        self.name, self.k, self.positive = name, k, k != 1

    def eta(self, mu):
        return np.asarray(mu, float) ** self.k

    def mean_terms(self, eta, order):
        if self.k == 1:
            return (eta,)
        if self.k == 0.5:
            return (eta**2, 2 * eta, np.full_like(eta, 2.0), np.zeros_like(eta))[: order + 1]
        out, c, power = [], 1.0, 1 / self.k
        for _ in range(order + 1):
            out.append(c * eta**power)
            c, power = c * power, power - 1
        return tuple(out)

    def log_mean_terms(self, eta, order):
        size = np.abs(eta) if self.k == 0.5 else eta
        if self.k == 0.5:
            size = np.maximum(size, 1e-100)
            eta = np.where(np.abs(eta) < 1e-100, 1e-100, eta)
        c = 1 / self.k
        return (c * np.log(size), c / eta, -c / eta**2, 2 * c / eta**3)[: order + 1]

    def unit(self, y, support):
        if support == "unit":
            return 1.0
        size = float(np.std(y) if support == "real" and self.k == 1 else np.mean(np.abs(y)))
        return size**self.k if size > 0 else 1.0

    def domain(self, support):
        if support == "real":
            return (-np.inf, np.inf) if self.k in (1, 0.5) else (0.0, np.inf)
        if support == "unit":
            if self.k == 0.5:
                return -1.0, 1.0
            return (0.0, 1.0) if self.k > 0 else (1.0, np.inf)
        return (-np.inf, np.inf) if self.k == 0.5 else (0.0, np.inf)


def _mirrored(terms, eta, order):
    """The derivatives of f(-eta) from those of f."""
    out = terms(-eta, order)
    return tuple(-v if i % 2 else v for i, v in enumerate(out))


def _exponential(a, order):
    """exp(a) and its derivatives from those of a."""
    mu = exp(a[0])
    if order == 0:
        return (mu,)
    a1, a2, a3 = (*a[1:], *(None,) * (4 - len(a)))[:3]
    out = [mu, mu * a1]
    if order > 1:
        out.append(mu * (a1**2 + a2))
    if order > 2:
        out.append(mu * (a1**3 + 3 * a1 * a2 + a3))
    return tuple(out)


def _log_complement(m, order):
    """log(1 - mu) and its derivatives from those of mu."""
    mu, *d = m
    if not d:
        d = [np.ones_like(mu), np.zeros_like(mu), np.zeros_like(mu)]
    out = [np.log1p(-mu)]
    if order > 0:
        r = [v / (1 - mu) for v in d]
        out.append(-r[0])
    if order > 1:
        out.append(-r[1] - r[0] ** 2)
    if order > 2:
        out.append(-r[2] - 3 * r[0] * r[1] - 2 * r[0] ** 3)
    return tuple(out)


def _logit(mu):
    return np.log(mu) - np.log1p(-mu)


def _probit(mu):
    from scipy.special import ndtri

    return ndtri(mu)


def _cauchit(mu):
    return np.where(mu < 0.5, -1 / np.tan(np.pi * mu), 1 / np.tan(np.pi * (1 - mu)))


LINKS = {
    one.name: one
    for one in (
        Symmetric("logit", logit_log_mean, _logit),
        Symmetric("probit", probit_log_mean, _probit),
        ComplementaryLogLog(),
        LogLog(),
        Symmetric("cauchit", cauchit_log_mean, _cauchit),
        Log(),
        Power("identity", 1),
        Power("inverse", -1),
        Power("inverse-squared", -2),
        Power("sqrt", 0.5),
    )
}


def link(name) -> Link:
    """The link of that name: a key of `LINKS`, ``"power(k)"`` with a number k, or a `Link` itself.

    Raises
    ------
    ValueError
        When there is no such link; the message lists those that there are.

    Examples
    --------
    >>> from mlmlib.glmm.links import link
    >>> float(link("cloglog").mean(0.0).round(4)), float(link("power(0.5)").eta(4.0))
    (0.6321, 2.0)
    """
    if isinstance(name, Link):
        return name
    key = str(name).strip().lower().replace("_", "-").replace("1/mu^2", "inverse-squared")
    if key in LINKS:
        return LINKS[key]
    found = re.fullmatch(r"power\(\s*([-+0-9.e/]+)\s*\)", key)
    if found:
        top, _, bottom = found[1].partition("/")
        try:
            k = float(top) / float(bottom or 1)
        except (ValueError, ZeroDivisionError):
            k = np.nan
        if k == 0:
            return LINKS["log"]
        if np.isfinite(k):
            return next((v for v in LINKS.values() if getattr(v, "k", None) == k), Power(f"power({k:g})", k))
    raise ValueError(f"link={name!r} is not a link: choose one of {', '.join(LINKS)}, power(k)")
