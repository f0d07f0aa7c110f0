"""Counts with more zeros than their family has: zero-inflated, and hurdle.

Zero-inflated (``zip``, ``zinb1``, ``zinb2``): with probability ``zero`` the count is zero for certain, otherwise it
comes from the Poisson or negative binomial family, which has zeros of its own.  Hurdle (``hurdle-poisson``,
``hurdle-nbinom1``, ``hurdle-nbinom2``): a count is zero with probability ``zero``, and all others come from the
family cut off at zero.

Without more, ``zero`` is one probability, reported with intervals on the logit scale.
``mlm.glmm(..., zero="~ z + (1 | g)")`` gives it a linear predictor, the logit of the probability of a zero, whose
coefficients are named ``zero: z``.  glmmTMB writes both as ``ziformula``, the hurdle with ``truncated_poisson`` or
``truncated_nbinom2``.  Stata's ``zip, inflate(z)`` and SAS's ``zeromodel`` have no random effects.

References
----------
Lambert, D. (1992). Zero-inflated Poisson regression, with an application to defects in manufacturing.
Technometrics, 34, 1-14.
Mullahy, J. (1986). Specification and testing of some modified count data models. Journal of Econometrics, 33, 341-365.
Brooks, M. E., et al. (2017). glmmTMB balances speed and flexibility among packages for zero-inflated generalized
linear mixed modeling. The R Journal, 9(2), 378-400.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from ...errors import DataError
from ..density import Density, Terms
from ..tails import logit_parts
from .base import Family, Parameter
from .negative_binomial import NBINOM1, NBINOM2
from .poisson import POISSON
from .truncated import truncated

__all__ = ["HURDLE_NBINOM1", "HURDLE_NBINOM2", "HURDLE_POISSON", "ZINB1", "ZINB2", "ZIP", "ZeroDensity", "ZeroFamily"]

def _slope(z):
    """The derivative of expit."""
    return expit(z) * expit(-z)


ZERO = Parameter("zero", "logit zero", expit, _slope, "logit")


class ZeroFamily(Family):
    """A family of counts with a part for zeros.

    Attributes
    ----------
    base : Family
        Where counts come from.
    hurdle : bool
    """

    support = "positive"
    default = "log"
    discrete = True

    def __init__(self, name, base, hurdle, constant=True):
        self.name, self.base, self.hurdle, self.constant = name, base, hurdle, constant
        self.links, self.proportional = base.links, not hurdle
        self.parameters = (*base.parameters, *((ZERO,) if constant else ()))

    def with_predictor(self):
        """The same family where the zeros have a linear predictor of their own."""
        return TwoPartFamily(self.name, self.base, self.hurdle, False)

    def density(self, y, link=None, *, trials=None, weights=None, column="the outcome"):
        return ZeroDensity(y, self, link, trials=trials, weights=weights, column=column)

    def check(self, y, trials, column):
        if trials is not None:
            super().check(y, trials, column)
        self.base.check(y, None, column)

    # moments, probabilities and draws at the mean mu of the family of counts, its psi and the probability `zero`

    def moments(self, mu, psi):
        """Mean and mean square of the counts that do not come from the zero part."""
        mean = self.base.mean(mu, psi)
        square = self.base.variance(mu, psi) + mean**2
        some = -np.expm1(self.base.log_zero(mu, psi)) if self.hurdle else 1.0
        return mean / some, square / some

    def variance_at(self, mu, psi, zero):
        mean, square = self.moments(mu, psi)
        return (1 - zero) * square - ((1 - zero) * mean) ** 2

    def cdf_at(self, y, mu, psi, zero):
        below = self.base.cdf(y, mu, psi)
        if self.hurdle:
            none = self.base.log_zero(mu, psi)
            below = np.maximum(below - np.exp(none), 0.0) / -np.expm1(none)
        return np.where(np.asarray(y) < 0, 0.0, zero + (1 - zero) * below)

    def simulate_at(self, mu, psi, zero, rng):
        y = (self.base.simulate_positive if self.hurdle else self.base.simulate)(mu, psi, rng)
        return np.where(rng.random(np.shape(mu)) < zero, 0.0, y)

    # the same where the probability is one number, the last of psi

    def split(self, psi):
        """(psi of the family of counts, probability of the zero part)."""
        return psi[:-1], expit(psi[-1])

    def mean(self, mu, psi):
        own, zero = self.split(psi)
        return (1 - zero) * self.moments(mu, own)[0]

    def variance(self, mu, psi, trials=None):
        return self.variance_at(mu, *self.split(psi))

    def cdf(self, y, mu, psi, trials=None):
        return self.cdf_at(y, mu, *self.split(psi))

    def simulate(self, mu, psi, rng, trials=None):
        own, zero = self.split(psi)
        return self.simulate_at(mu, own, zero, rng)


class TwoPartFamily(ZeroFamily):
    """Counts whose zeros have a linear predictor: see `mlmlib.glmm.zero_model`."""

    def fitter(self):
        from ..zero_model import ZeroModel
        from ..zero_result import ZeroResult
        return ZeroModel, ZeroResult


class ZeroDensity(Density):
    """The log-likelihood of counts with a part for zeros.

    With a linear predictor for the zeros K is 2 and ``eta`` (2, n): that of the counts, and the logit of ``zero``.
    The two meet only in zeros of inflated counts, whose log density is

        log(e^z + f(0)) - log(1 + e^z) = z + log(1 + e^(log f(0) - z)) - log(1 + e^z).
    """

    def __init__(self, y, family, link=None, *, trials=None, weights=None, column="the outcome", fresh=True):
        y = np.asarray(y, float)
        family.check(y, trials, column)
        self.family, self.y, self.n, self.trials, self.bounds = family, y, len(y), None, None
        self.K = 1 if family.constant else 2
        self.weights = None if weights is None else np.asarray(weights, float)
        self.psi_names = family.psi_names
        self.zeros, self.some = y == 0, y > 0
        if fresh and not (self.zeros.any() and self.some.any()):
            has, mend = ("no zeros", f"use family={family.base.name!r}") if self.some.any() else (
                "only zeros", "such an outcome has nothing to explain")
            raise DataError(f"{column} has {has}, so that family={family.name!r} has no part of zeros to estimate: "
                            f"{mend}")
        own = y[self.some] if family.hurdle else y
        self.count = Density(own, family.base, link, column=column)
        self.link = self.count.link
        self.nothing = Density(np.zeros_like(own), family.base, self.link) if family.hurdle else None

    def start(self):
        eta, psi = self.count.start()
        w = np.ones(self.n) if self.weights is None else self.weights
        share = np.average(self.zeros, weights=w)
        z = logit(np.clip(share if self.family.hurdle else 0.6 * share, 0.01, 0.99))
        if self.family.hurdle:
            own, eta = eta, np.empty(self.n)
            eta[self.some], eta[self.zeros] = own, own.mean()
        if self.K == 2:
            return np.stack([eta, np.full(self.n, z)]), psi
        return eta, np.append(psi, z)

    def __call__(self, eta, psi, order=3) -> Terms:
        with np.errstate(over="ignore", invalid="ignore"):
            return self._weighted(eta, psi, order)

    def _weighted(self, eta, psi, order):
        if self.K == 2:
            out = self._both(eta[0], eta[1], psi, order)
        else:
            out = _first(self._both(eta, np.float64(psi[-1]), psi[:-1], order))
        return out if self.weights is None else out.map(lambda v: v * self.weights)

    def _both(self, eta, z, psi, order) -> Terms:
        """The terms in both predictors; z may be one number."""
        counts = self._hurdle_counts(eta, psi, order) if self.family.hurdle else self.count(eta, psi, order)
        p, q, rest = logit_parts(z)
        none = np.maximum(z, 0) + rest
        if self.family.hurdle:
            value, w = np.where(self.zeros, z, counts.value), None
        else:
            w, back, small = logit_parts(counts.value - z)
            gap = np.where(self.zeros, np.maximum(counts.value, z) + small, counts.value)
            value = np.where(np.isfinite(counts.value), gap, -np.inf)
        out = Terms(value - none)
        if order == 0:
            return out
        up = np.where(self.zeros, 1.0, 0.0)
        out.d1, out.d2 = np.empty((2, self.n)), np.zeros((2, 2, self.n))
        out.d1[0], out.d1[1] = counts.d1, up - p
        out.d2[0, 0], out.d2[1, 1] = counts.d2, -p * q
        if order > 2:
            m = len(counts.p)
            out.d3 = np.zeros((2, 2, 2, self.n))
            out.d3[0, 0, 0], out.d3[1, 1, 1] = counts.d3, -p * q * (q - p)
            out.p, out.p1, out.p2 = counts.p, np.zeros((m, 2, self.n)), np.zeros((m, 2, 2, self.n))
            out.p1[:, 0], out.p2[:, 0, 0] = counts.p1, counts.p2
        if w is not None:
            self._inflate(out, counts, np.where(self.zeros, w, 1.0), np.where(self.zeros, back, 0.0))
        return out

    def _inflate(self, out, b, w, back):
        """What a zero that may come from either part changes: w is the chance that it is the counts' own."""
        both = w * back
        bent = both * (back - w)
        turn, turn2 = both * b.d1, bent * b.d1  # first, so that a vanishing chance stays ahead of a huge slope
        out.d1[0] *= w
        out.d1[1] -= np.where(self.zeros, w, 0.0)
        out.d2[0, 0] = w * b.d2 + turn * b.d1
        out.d2[0, 1] = out.d2[1, 0] = -turn
        out.d2[1, 1] += both
        if b.d3 is None:
            return
        out.d3[0, 0, 0] = w * b.d3 + 3 * turn * b.d2 + turn2 * b.d1 * b.d1
        _all(out.d3, 0, 0, 1, -turn2 * b.d1 - both * b.d2)
        _all(out.d3, 0, 1, 1, turn2)
        out.d3[1, 1, 1] -= bent
        out.p = w * b.p
        out.p1[:, 0], out.p1[:, 1] = w * b.p1 + turn * b.p, -both * b.p
        out.p2[:, 0, 0] = w * b.p2 + 2 * turn * b.p1 + both * b.d2 * b.p + turn2 * b.d1 * b.p
        out.p2[:, 0, 1] = out.p2[:, 1, 0] = -turn2 * b.p - both * b.p1
        out.p2[:, 1, 1] = bent * b.p

    def _hurdle_counts(self, eta, psi, order) -> Terms:
        """The counts above zero from the density cut off there; nothing in the other rows."""
        own = eta[self.some]
        found = truncated(self.count(own, psi, order), self.nothing(own, psi, order))

        def spread(values):
            out = np.zeros((*values.shape[:-1], self.n))
            out[..., self.some] = values
            return out

        return found.map(spread)

    def parts(self, eta, psi):
        """(mean of the family of counts, its psi, probability of the zero part)."""
        if self.K == 2:
            return self.link.mean(eta[0]), psi, expit(eta[1])
        return self.link.mean(eta), *self.family.split(psi)

    def mean(self, eta, psi):
        """Expected count, zeros included."""
        mu, psi, zero = self.parts(eta, psi)
        return (1 - zero) * self.family.moments(mu, psi)[0]

    def variance(self, eta, psi):
        """Variance of the count, zeros included."""
        return self.family.variance_at(*self.parts(eta, psi))

    def cdf(self, y, eta, psi):
        return self.family.cdf_at(y, *self.parts(eta, psi))

    def simulate(self, eta, psi, rng):
        return self.family.simulate_at(*self.parts(eta, psi), rng)

    def replaced(self, y, weights=None):
        return ZeroDensity(y, self.family, self.link, weights=self.weights if weights is None else weights, fresh=False)


def _first(t: Terms) -> Terms:
    """The terms in the first predictor; the second is one more parameter."""
    out = Terms(t.value)
    if t.d1 is not None:
        out.d1, out.d2 = t.d1[0], t.d2[0, 0]
    if t.d3 is not None:
        out.d3 = t.d3[0, 0, 0]
        out.p = np.concatenate([t.p, t.d1[1:]])
        out.p1 = np.concatenate([t.p1[:, 0], t.d2[1:, 0]])
        out.p2 = np.concatenate([t.p2[:, 0, 0], t.d3[1:, 0, 0]])
    return out


def _all(d3, a, b, c, value):
    """Write a mixed third derivative at each order of its predictors."""
    for one in {(a, b, c), (a, c, b), (b, a, c), (b, c, a), (c, a, b), (c, b, a)}:
        d3[one] = value


ZIP, ZINB1, ZINB2 = (ZeroFamily(name, base, False) for name, base in (
    ("zip", POISSON), ("zinb1", NBINOM1), ("zinb2", NBINOM2)))
HURDLE_POISSON, HURDLE_NBINOM1, HURDLE_NBINOM2 = (ZeroFamily(f"hurdle-{base.name}", base, True) for base in (
    POISSON, NBINOM1, NBINOM2))
