"""A judge of its own: the criteria of linear and generalized mixed models from their definitions, with matrices of all rows.

Nothing here is the library's. `linear` is -2 log-likelihood, or -2 restricted log-likelihood, of y ~ N(Xb, V). `Laplace` finds
the modes of all random effects by Newton's method, with dense matrices, and takes the observed information, or on request
the expected one, as lme4 does where a link is not canonical.
"""

from __future__ import annotations

import numpy as np
from scipy import special, stats


def root(T: np.ndarray) -> np.ndarray:
    """L with L L' = T, of a covariance matrix that may be singular."""
    scale = np.sqrt(np.maximum(np.diagonal(T), 1e-300))
    values, vectors = np.linalg.eigh(T / np.outer(scale, scale))
    return scale[:, None] * vectors * np.sqrt(np.maximum(values, 0.0))


def columns(case, covariances: list[np.ndarray]) -> np.ndarray:
    """Z L of all terms, shape (n, number of effects): what spherical effects are multiplied by."""
    made = []
    for term, T in zip(case.terms, covariances):
        Z, codes = case.random_columns(term)
        ZL = Z @ root(T)
        full = np.zeros((len(Z), codes.max() + 1, ZL.shape[1]))
        full[np.arange(len(Z)), codes] = ZL
        made.append(full.reshape(len(Z), -1))
    return np.concatenate(made, axis=1)


def linear(case, covariances, sigma: float, b=None) -> float:
    """The linear model's criterion; `b` is found by generalized least squares where it is None (REML always)."""
    t, X = case.table, case.columns()
    y = t["y"].to_numpy(float) - (t["o"].to_numpy(float) if case.offset else 0.0)
    ZL = columns(case, covariances) / sigma
    V = ZL @ ZL.T + np.diag(1.0 / t["wt"].to_numpy(float))
    n, p = X.shape
    norms = np.linalg.norm(X, axis=0)
    C = np.linalg.cholesky(V)
    Xw, yw = np.linalg.solve(C, X / norms), np.linalg.solve(C, y)
    Q, R = np.linalg.qr(Xw)
    residual = yw - Q @ (Q.T @ yw) if b is None or case.reml else np.linalg.solve(C, y - X @ b)
    rss = residual @ residual / sigma**2
    value = 2 * np.log(np.diagonal(C)).sum() + n * np.log(2 * np.pi * sigma**2) + rss
    if case.reml:
        value += 2 * np.log(np.abs(np.diagonal(R)) * norms).sum() - p * np.log(2 * np.pi * sigma**2)
    return float(value)


LINKS = {  # mean, its first and second derivative in eta
    "logit": lambda e: (m := special.expit(e), d := m * special.expit(-e), d * (1 - 2 * m)),
    "probit": lambda e: (stats.norm.cdf(e), d := stats.norm.pdf(e), -e * d),
    "cloglog": lambda e: (-np.expm1(-np.exp(e)), d := np.exp(e - np.exp(e)), d * (1 - np.exp(e))),
    "log": lambda e: (m := np.exp(e), m, m)}


def _binomial(y, mu, n, _):
    value = special.xlogy(y, mu) + special.xlog1py(n - y, -mu)
    value += special.gammaln(n + 1) - special.gammaln(y + 1) - special.gammaln(n - y + 1)
    return value, y / mu - (n - y) / (1 - mu), -y / mu**2 - (n - y) / (1 - mu)**2, n / (mu * (1 - mu))


def _poisson(y, mu, n, _):
    return special.xlogy(y, mu) - mu - special.gammaln(y + 1), y / mu - 1, -y / mu**2, 1 / mu


def _nbinom2(y, mu, n, k):
    value = stats.nbinom.logpmf(y, k, k / (k + mu)) if k < 1e6 else _poisson(y, mu, n, k)[0]
    return value, y / mu - (y + k) / (mu + k), (y + k) / (mu + k)**2 - y / mu**2, 1 / mu - 1 / (mu + k)


def _gamma(y, mu, n, a):
    value = a * np.log(a * y / mu) - a * y / mu - np.log(y) - special.gammaln(a)
    return value, a * (y / mu**2 - 1 / mu), a * (1 / mu**2 - 2 * y / mu**3), a / mu**2


def _beta(y, mu, n, phi):
    one, two = mu * phi, (1 - mu) * phi
    information = phi**2 * (special.polygamma(1, one) + special.polygamma(1, two))
    score = phi * (special.logit(y) - special.digamma(one) + special.digamma(two))
    return stats.beta.logpdf(y, one, two), score, -information, information


DENSITIES = {"binomial": _binomial, "trials": _binomial, "poisson": _poisson, "nbinom2": _nbinom2, "gamma": _gamma,
             "beta": _beta}


class Laplace:
    """-2 log-likelihood of a generalized model by Laplace's approximation, at any parameters.

    Parameters
    ----------
    case : Case
    expected : bool
        The expected information in the determinant, in place of the observed one.
    """

    def __init__(self, case, expected: bool = False):
        self.case, self.expected = case, expected
        t = case.table
        self.y, self.trials = t["y"].to_numpy(float), t["trials"].to_numpy(float)
        self.offset, self.X = t["o"].to_numpy(float), case.columns()
        self.modes = None  # of the last call, as places of a new search

    def rows(self, eta, psi):
        """Of each row its log density, the first and the second derivative in eta (negative), and the expected one."""
        if self.case.family == "ordinal":
            return self._ordered(eta, psi)
        mu, slope, bend = LINKS[self.case.link](eta)
        mu = np.clip(mu, 1e-300, 1 - 1e-16) if self.case.link != "log" else mu
        value, d1, d2, information = DENSITIES[self.case.family](self.y, mu, self.trials, psi)
        return value, d1 * slope, -(d2 * slope**2 + d1 * bend), information * slope**2

    def _ordered(self, eta, cuts):
        link = LINKS[self.case.link]
        ends = np.concatenate([[-40.0], cuts, [40.0]])
        y = self.y.astype(int)
        (F1, f1, g1), (F0, f0, g0) = (link(ends[y + side] - eta) for side in (1, 0))
        p, d1, d2 = F1 - F0, -(f1 - f0), g1 - g0
        return np.log(p), d1 / p, (d1 / p)**2 - d2 / p, None

    def __call__(self, b, covariances, psi=None) -> float:
        fixed = self.X[:, 1:] @ b if self.case.family == "ordinal" else self.X @ b + self.offset
        ZL = columns(self.case, covariances)
        u = np.zeros(ZL.shape[1]) if self.modes is None else self.modes

        def inner(at):
            with np.errstate(all="ignore"):
                value = self.rows(fixed + ZL @ at, psi)[0].sum() - at @ at / 2
            return value if np.isfinite(value) else -np.inf

        now = inner(u)
        for _ in range(200):
            _, d1, weight, _ = self.rows(fixed + ZL @ u, psi)
            gradient = ZL.T @ d1 - u
            H = (ZL.T * np.maximum(weight, 0.0)) @ ZL + np.eye(len(u))
            step, size = np.linalg.solve(H, gradient), 1.0
            if gradient @ step < 1e-20:
                break
            while (new := inner(u + size * step)) < now - 1e-12 * abs(now) and size > 1e-10:
                size /= 2
            u, now = u + size * step, new
        self.modes = u
        _, _, weight, information = self.rows(fixed + ZL @ u, psi)
        H = (ZL.T * (information if self.expected else weight)) @ ZL + np.eye(len(u))
        sign, logdet = np.linalg.slogdet(H)
        return float(-2 * now + logdet) if sign > 0 else np.inf
