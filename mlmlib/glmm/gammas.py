"""Logarithms of gamma functions and of their ratios, with derivatives in the logarithm of the argument.

The densities of counts (Chapter 17, ``17_counts``) and of proportions need them from arguments near zero, where a gamma
function is a power, to huge ones, where differences of logarithms would lose every digit.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, psi

__all__ = ["log_gamma", "log_gamma_ratio", "log_half_step"]

_STIRLING = np.array([1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156])
_LARGE = 15.0


def log_gamma(s, order):
    """log Gamma(x) at x = exp(s), a tuple with the derivatives in s up to `order`."""
    x = np.exp(np.minimum(s, 700.0))
    inside = _at(x, 1.0, order)
    return (inside[0] - s, inside[1] - 1, *inside[2:]) if order > 0 else (inside[0] - s,)


def log_gamma_ratio(s, y, order):
    """log Gamma(x + y) - log Gamma(x) at x = exp(s) for whole y >= 0, with the derivatives in s up to `order`."""
    x = np.exp(np.minimum(s, 700.0))
    large = x > _LARGE
    if large.all():
        return _large_ratio(x, s, y, order)
    out = _small_ratio(np.minimum(x, _LARGE), s, y, order)
    if large.any():
        x, s, y = np.broadcast_arrays(x, s, y)
        out = tuple(np.array(np.broadcast_to(v, x.shape)) for v in out)
        for v, exact in zip(out, _large_ratio(x[large], s[large], y[large], order), strict=True):
            v[large] = exact
    return out


def _at(x, c, order):
    """log Gamma(x + c) with derivatives in log x."""
    out = [gammaln(x + c)]
    if order > 0:
        g1 = x * psi(x + c)
        out.append(g1)
    if order > 1:
        second, third = _polygammas(x + c)
        g2 = x**2 * second
        out.append(g1 + g2)
    if order > 2:
        out.append(g1 + 3 * g2 + x**3 * third)
    return tuple(out)


def _polygammas(x):
    """Second and third derivatives of log Gamma at x >= 1: eight steps up, then Stirling's series; scipy's are slow."""
    first = second = 0.0
    for up in range(8):
        step = 1 / (x + up)
        square = step**2
        first, second = first + square, second - 2 * square * step
    k = 2 * np.arange(len(_STIRLING)) + 1
    z = 1 / (x + 8)
    t = z**2
    series = _STIRLING * k * (k + 1), _STIRLING * k * (k + 1) * (k + 2)
    curve, bend = (np.polynomial.polynomial.polyval(t, c) for c in series)
    return first + z + t * (0.5 + z * curve), second - t * (1 + z + t * bend)


def _small_ratio(x, s, y, order):
    """The ratio from the functions themselves; Gamma(x) = Gamma(x + 1) / x, so that x may vanish."""
    some = y > 0
    top, bottom = _at(x, np.where(some, y, 1.0), order), _at(x, 1.0, order)
    out = [t - b for t, b in zip(top, bottom, strict=True)]
    out[0] = np.where(some, out[0] + s, 0.0)
    if order > 0:
        out[1] = np.where(some, out[1] + 1, 0.0)
    return tuple(out)


def _correction(x, y, order):
    """What Stirling's formula leaves of log Gamma(x + y), with derivatives in log x at fixed y."""
    k = 2 * np.arange(len(_STIRLING)) + 1
    z = 1 / (x + y)
    u, t = x * z, z**2
    series = _STIRLING, -_STIRLING * k, _STIRLING * k * (k + 1), -_STIRLING * k * (k + 1) * (k + 2)
    poly = [z * np.polynomial.polynomial.polyval(t, c) for c in series[: order + 1]]
    out = [poly[0]]
    if order > 0:
        out.append(u * poly[1])
    if order > 1:
        out.append(out[1] + u**2 * poly[2])
    if order > 2:
        out.append(out[1] + 3 * u**2 * poly[2] + u**3 * poly[3])
    return out


def _large_ratio(x, s, y, order):
    """The ratio from Stirling's formula, its leading terms subtracted by hand."""
    t = y / x
    ratio = t / (1 + t)
    growth = np.log1p(t)
    main = [(x + y - 0.5) * growth - y + y * s]
    if order > 0:
        main.append(x * growth + 0.5 * ratio)
    if order > 1:
        main.append(x * (growth - ratio) - 0.5 * ratio / (1 + t))
    if order > 2:
        main.append(x * (growth - ratio - ratio**2) + 0.5 * ratio * (1 - t) / (1 + t) ** 2)
    top, bottom = _correction(x, y, order), _correction(x, 0.0, order)
    return tuple(m + a - b for m, a, b in zip(main, top, bottom, strict=True))


def log_half_step(v):
    """log Gamma((v + 1)/2) - log Gamma(v/2) - log(v/2)/2 and its derivative in log v."""
    x = v / 2
    if x < 20:
        return gammaln(x + 0.5) - gammaln(x) - 0.5 * np.log(x), x * (psi(x + 0.5) - psi(x)) - 0.5
    k = np.arange(1, 11, 2)
    terms = np.array([-1 / 8, 1 / 192, -1 / 640, 17 / 14336, -31 / 18432]) * x ** -k.astype(float)
    return terms.sum(), (-k * terms).sum()
