"""The probability of a stretch of a latent distribution, log(F(a) - F(c)), with its derivatives, exact in the tails.

An ordered category is a stretch of a latent variable between two thresholds, seen from the linear predictor:
``a = upper threshold - eta`` and ``c = lower threshold - eta``.  Each link has a form of its own in which nothing is
lost by subtraction where both ends lie far out in one tail.  Chapter 18 (``18_categories``) derives the model.

References
----------
McCullagh, P. (1980). Regression models for ordinal data. Journal of the Royal Statistical Society B, 42, 109-142.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import erfcx, expit, log_expit, ndtr

__all__ = ["LINKS", "Stretch"]

_FAR = 700.0  # exponents beyond this are held: exp of it is finite
_ROOT = np.sqrt(2.0)


class Stretch(NamedTuple):
    """log(F(a) - F(c)) of every row, derivatives in eta, and what the two thresholds change.

    Attributes
    ----------
    value, d1, d2, d3 : ndarray, shape (n,)
        The logarithm and its derivatives in eta.
    upper, lower : ndarray, shape (3, n)
        Derivatives of `value`, `d1` and `d2` in the upper and in the lower threshold.
    """

    value: np.ndarray
    d1: np.ndarray
    d2: np.ndarray
    d3: np.ndarray
    upper: np.ndarray
    lower: np.ndarray

    def mirrored(self, where) -> Stretch:
        """The stretch of -eta between -c and -a, in the rows `where`."""
        sign = np.where(where, -1.0, 1.0)
        turn = np.stack([sign, np.ones_like(sign), sign])
        return Stretch(self.value, sign * self.d1, self.d2, sign * self.d3,
                       turn * np.where(where, self.lower, self.upper), turn * np.where(where, self.upper, self.lower))


def _logit(a, c) -> Stretch:
    """F(a) - F(c) = F(a) (1 - F(c)) (1 - exp(-(a - c))): the last factor does not depend on eta."""
    width = a - c
    Sa, Fc = expit(-a), expit(c)
    value = log_expit(a) + log_expit(-c) + np.log(-np.expm1(-width))
    va, vc = Sa * expit(a), Fc * expit(-c)  # densities at the two ends
    ta, tc = va * (2.0 * Sa - 1.0), vc * (1.0 - 2.0 * Fc)
    with np.errstate(over="ignore"):
        pull = 1.0 / np.expm1(np.minimum(width, _FAR))
    return Stretch(value, Fc - Sa, -va - vc, ta + tc, np.stack([Sa + pull, va, -ta]), np.stack([-Fc - pull, vc, -tc]))


def _cloglog(a, c) -> Stretch:
    """F(a) - F(c) = exp(-exp(c)) (1 - exp(-d)), d = exp(a) - exp(c), which eta multiplies by a factor."""
    e = np.exp(np.minimum(c, _FAR))
    width = np.minimum(a - c, _FAR)
    s = np.minimum(np.where(np.isfinite(a), a, _FAR), _FAR) + np.log(-np.expm1(-width))  # log d
    value_d, h1, h2, h3 = _log_one_minus_exp(s)
    r = -1.0 / np.expm1(-width)  # ds/da; ds/dc = 1 - r
    back = 1.0 - r
    return Stretch(value_d - e, e - h1, h2 - e, e - h3, np.stack([r * h1, -r * h2, r * h3]),
                   np.stack([back * h1 - e, e - back * h2, back * h3 - e]))


def _log_one_minus_exp(s):
    """log(1 - exp(-exp(s))) and its derivatives in s."""
    d = np.exp(np.minimum(s, 6.5))  # exp(-exp(6.5)) is 0
    small = d < 0.02
    e1 = np.expm1(d)
    value = np.where(small, s, 0.0) + np.log(np.where(small, -np.expm1(-d) / d, -np.expm1(-d)))
    g = d / e1
    k = np.where(small, -d / 2.0 - d**2 / 12.0 + d**4 / 720.0 - d**6 / 30240.0, 1.0 - d - g)  # log-derivative of g
    h2 = g * k
    return value, g, h2, h2 * k - g * (d + h2)


def _loglog(a, c) -> Stretch:
    """The mirror image of the complementary log-log."""
    return _cloglog(-c, -a).mirrored(np.ones(np.shape(a), dtype=bool))


def _probit(a, c) -> Stretch:
    """Both ends on the side of the lower tail by mirroring; there in units of the density at the upper end."""
    turned = a + c > 0
    a, c = np.where(turned, -c, a), np.where(turned, -a, c)
    c = np.maximum(c, -1e150)
    low = a <= 0
    tail = np.where(low, a, 0.0)
    drop = np.exp(0.5 * np.where(low, (a - c) * (a + c), 0.0))  # density at c over density at a
    mass = np.sqrt(np.pi / 2.0) * (erfcx(-tail / _ROOT) - drop * erfcx(-np.where(low, c, 0.0) / _ROOT))
    mass = np.where(low, mass, 1.0)
    wide = np.where(low, 1.0, ndtr(a) - ndtr(c))
    root = 1.0 / np.sqrt(2.0 * np.pi)
    value = np.where(low, np.log(mass) + np.log(root) - 0.5 * tail**2, np.log(wide))
    fa = np.where(low, 1.0 / mass, root * np.exp(-0.5 * np.where(low, 0.0, a) ** 2) / wide)
    fc = np.where(low, drop / mass, root * np.exp(-0.5 * np.where(low, 0.0, c) ** 2) / wide)
    return _from_densities(value, (fa, -a * fa, (a * a - 1.0) * fa), (fc, -c * fc, (c * c - 1.0) * fc)).mirrored(turned)


def _cauchit(a, c) -> Stretch:
    """The angle between the two ends."""
    u, v = np.isinf(a), np.isinf(c)
    x, z = np.where(u, 0.0, a), np.where(v, 0.0, c)
    up = np.where(v, 1.0, np.where(u, 1.0, x - z))
    across = np.where(u, z, np.where(v, -x, 1.0 + x * z))
    p = np.arctan2(up, across) / np.pi

    def slopes(at, gone):
        f = np.where(gone, 0.0, 1.0 / (np.pi * (1.0 + at * at) * p))
        return f, -2.0 * at / (1.0 + at * at) * f, (6.0 * at * at - 2.0) / (1.0 + at * at) ** 2 * f

    return _from_densities(np.log(p), slopes(x, u), slopes(z, v))


def _from_densities(value, at_a, at_c) -> Stretch:
    """From the density and its two derivatives at both ends, over the probability."""
    (fa, fa1, fa2), (fc, fc1, fc2) = at_a, at_c
    R1, R2, R3 = fc - fa, fa1 - fc1, fc2 - fa2
    up1, low1 = -fa1 - R1 * fa, fc1 + R1 * fc
    up2, low2 = fa2 - R2 * fa - 2.0 * R1 * up1, -fc2 + R2 * fc - 2.0 * R1 * low1
    return Stretch(value, R1, R2 - R1 * R1, R3 - 3.0 * R1 * R2 + 2.0 * R1**3, np.stack([fa, up1, up2]),
                   np.stack([-fc, low1, low2]))


LINKS = {"logit": _logit, "probit": _probit, "cloglog": _cloglog, "loglog": _loglog, "cauchit": _cauchit}
