"""Logarithms of probabilities with their derivatives in the linear predictor, exact however far out eta is.

Chapter 16 (``16_binary``) meets them when a fitted probability comes near 0 or 1.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy.special import erfcx, log_ndtr

__all__ = ["cauchit_log_mean", "cloglog_log_complement", "cloglog_log_mean", "exp", "log_link_log_complement",
           "logit_log_mean", "logit_parts", "probit_log_mean"]

LARGEST = 700.0  # exp of more comes too near the largest number to be added up over rows


def exp(x):
    """exp(x), which stands still beyond ``x = 700``."""
    return np.exp(np.minimum(x, LARGEST))


def logit_parts(eta):
    """(p, 1 - p, log(1 + exp(-abs(eta)))) of the logistic function, each to full relative precision."""
    e = np.exp(-np.abs(eta))
    far = 1 / (1 + e)
    near = e * far
    up = eta >= 0
    return np.where(up, far, near), np.where(up, near, far), np.log1p(e)


def logit_log_mean(eta, order):
    """log p of p = 1 / (1 + exp(-eta))."""
    p, q, rest = logit_parts(eta)
    out = [np.minimum(eta, 0) - rest]
    if order > 0:
        out.append(q)
    if order > 1:
        out.append(-p * q)
    if order > 2:
        out.append(-p * q * (q - p))
    return tuple(out)


def _log_mills(terms):
    """Coefficients of log(1 - t + 3 t^2 - 15 t^3 + ...) in powers of t = 1/eta^2, of Mills' ratio."""
    a, c = [Fraction(1)], [Fraction(0)]
    for k in range(1, terms + 1):
        a.append(-a[-1] * (2 * k - 1))
    for k in range(1, terms + 1):
        c.append(a[k] - sum((j * c[j] * a[k - j] for j in range(1, k)), Fraction(0)) / k)
    return np.array([float(v) for v in c])


_MILLS = _log_mills(18)
_FAR = -12.0


def probit_log_mean(eta, order):
    """log Phi(eta); below -12 by the asymptotic series of Mills' ratio, since differences would lose its digits."""
    out = [log_ndtr(eta)]
    if order == 0:
        return tuple(out)
    h = np.sqrt(2 / np.pi) / erfcx(-eta / np.sqrt(2))
    g = eta + h
    out.append(h)
    if order > 1:
        out.append(-h * g)
    if order > 2:
        out.append(h * (g**2 + h * g - 1))
    far = eta < _FAR
    if far.any():
        x = eta[far]
        k = 2 * np.arange(len(_MILLS))
        t = x**-2.0
        series = [np.polynomial.polynomial.polyval(t, c) for c in (-_MILLS * k, _MILLS * k * (k + 1),
                                                                   -_MILLS * k * (k + 1) * (k + 2))]
        exact = (-x - 1 / x + series[0] / x, -1 + t + series[1] * t, (-2 + series[2]) * t / x)
        for i in range(1, order + 1):
            out[i][far] = exact[i - 1]
    return tuple(out)


def cauchit_log_mean(eta, order):
    """log p of p = 1/2 + arctan(eta)/pi."""
    p, q = np.arctan2(1, -eta) / np.pi, np.arctan2(1, eta) / np.pi
    out = [np.where(eta > 0, np.log1p(-q), np.log(p))]
    if order > 0:
        s = 1 / (1 + eta**2)
        d1 = s / np.pi / p
        out.append(d1)
    if order > 1:
        r2 = -2 * eta * s * d1
        out.append(r2 - d1**2)
    if order > 2:
        out.append((6 * eta**2 - 2) * s**2 * d1 - 3 * d1 * r2 + 2 * d1**3)
    return tuple(out)


def cloglog_log_complement(eta, order):
    """log(1 - p) of p = 1 - exp(-exp(eta))."""
    return (-exp(eta),) * (order + 1)


_BERNOULLI = np.array([1 / 2, 1 / 12, 0, -1 / 720, 0, 1 / 30240, 0, -1 / 1209600, 0, 1 / 47900160])


def cloglog_log_mean(eta, order):
    """log p of p = 1 - exp(-exp(eta))."""
    e = np.exp(np.clip(eta, -745.0, 6.7))
    out = [np.where(eta < -37, eta, np.log(-np.expm1(-e)))]
    if order == 0:
        return tuple(out)
    r = e * np.exp(-e) / -np.expm1(-e)
    out.append(r)
    if order > 1:
        small = e < 0.2
        s = np.where(small, -np.polynomial.polynomial.polyval(np.where(small, e, 0.0), np.r_[0, _BERNOULLI]), 1 - e - r)
        out.append(r * s)
    if order > 2:
        out.append(r * (s * (s - r) - e))
    return tuple(out)


def log_link_log_complement(eta, order):
    """log(1 - p) of p = exp(eta), eta < 0."""
    r = 1 / np.expm1(-eta)
    return (np.log(-np.expm1(eta)), -r, -r * (1 + r), -r * (1 + r) * (1 + 2 * r))[: order + 1]
