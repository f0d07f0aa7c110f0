"""The log-likelihood of the rows of an outcome as a function of their linear predictors, with all its derivatives.

`Density` puts a family and a link together.  A family writes its log density as a sum of functions, each of one
argument: the mean, its logarithm, or the logarithm of its complement.  The link knows these as functions of eta.  The
chain rule does the rest, so that a family and a link meet for the first time here.

Chapter 16 (``16_binary``) builds the likelihood of a binary outcome from these pieces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .links import link as find_link

__all__ = ["Density", "Terms"]


@dataclass(slots=True)
class Terms:
    """The log density of each row and its derivatives.

    Attributes
    ----------
    value : ndarray, shape (n,)
        Log density with all constants; -inf where eta gives no mean.
    d1, d2, d3 : ndarray, shape (n,), or None
        Derivatives in eta.  A family's part that is linear in its argument leaves out d2 and d3.
    p, p1, p2 : ndarray, shape (m, n), or None
        Derivatives of value, d1 and d2 in each of the m parameters psi.
    """

    value: np.ndarray
    d1: Any = None  # None above the order that was asked for: whoever reads one has asked for it
    d2: Any = None
    d3: Any = None
    p: Any = None
    p1: Any = None
    p2: Any = None

    def through(self, a, order) -> Terms:
        """The same as a function of eta, where the argument was a(eta): ``a`` holds its value and its derivatives."""
        if order == 0:
            return Terms(self.value)
        linear = self.d2 is None
        if len(a) == 1:
            zero = np.zeros_like(self.value)
            return Terms(self.value, self.d1, zero, zero if order > 2 else None) if linear else self
        if linear:
            return Terms(self.value, *(self.d1 * v for v in a[1:]))
        a1, a2 = a[1:3]  # products in an order in which what vanishes comes before what is huge
        turn = self.d2 * a1
        out = Terms(self.value, self.d1 * a1, turn * a1 + self.d1 * a2)
        if self.d3 is not None:
            out.d3 = self.d3 * a1 * a1 * a1 + 3 * turn * a2 + self.d1 * a[3]
        if self.p is not None:
            out.p, out.p1, out.p2 = self.p, self.p1 * a1, self.p2 * a1 * a1 + self.p1 * a2
        return out

    def map(self, change) -> Terms:
        """The same with each array changed."""
        return Terms(change(self.value), *(None if v is None else change(v) for v in self.arrays()[1:]))

    def arrays(self) -> tuple[Any, ...]:
        return self.value, self.d1, self.d2, self.d3, self.p, self.p1, self.p2

    def __add__(self, other):
        pairs = zip(self.arrays()[1:], other.arrays()[1:], strict=True)
        return Terms(self.value + other.value, *(None if v is None or w is None else v + w for v, w in pairs))


class Density:
    """The log-likelihood of n rows given their linear predictors.

    Parameters
    ----------
    y : array, shape (n,)
    family : Family
        See `mlmlib.glmm.families`.
    link : str or Link, optional
        The family's own when none is given.
    trials : array, shape (n,), or float, optional
        Number of trials (binomial).
    weights : array, shape (n,), optional
        Frequency weights: a row's log density is multiplied by its weight.
    column : str
        What errors call the outcome.

    Attributes
    ----------
    n : int
    K : int
        Linear predictors a row: 1.
    family, link, y, trials, weights
    psi_names : tuple of str
        Names of the parameters that all rows share, on the real line.
    unit : float
        The size of linear predictors, where the outcome's own unit sets it (identity, inverse ...); else 1.

    Raises
    ------
    DataError, ValueError
        When y cannot come from the family, or the family has no such link.

    Examples
    --------
    >>> import numpy as np
    >>> from mlmlib.glmm import density, families
    >>> rows = density.Density(np.array([0.0, 1.0]), families.family("bernoulli"))
    >>> rows(np.array([-2.0, 0.0]), np.empty(0)).value.round(4).tolist()
    [-0.1269, -0.6931]
    """

    K = 1
    unit = 1.0

    def __init__(self, y, family, link=None, *, trials=None, weights=None, column="the outcome"):
        self.family = family
        self.link = family.link_of(link)
        self.y = np.asarray(y, float)
        self.n = len(self.y)
        self.trials = None if trials is None else np.broadcast_to(np.asarray(trials, float), self.y.shape)
        self.weights = None if weights is None else np.asarray(weights, float)
        family.check(self.y, self.trials, column)
        self.psi_names = family.psi_names
        self._terms = family.bind(self.y, self.trials)
        self._direct = family.direct(self.link, self.y, self.trials)
        self.unit = self.link.unit(self.y, family.support)
        low, high = self.link.domain(family.support)
        self.bounds = None if low == -np.inf and high == np.inf else (low, high)
        self._middle = float(find_link(self.link).eta(0.5 if family.support == "unit" else 1.0))

    def __getstate__(self):
        """Without what the family has bound to the rows: functions of functions cannot be pickled."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_terms", "_direct")}

    def __setstate__(self, state):
        self.__dict__.update(state)
        if type(self) is Density:
            self._terms = self.family.bind(self.y, self.trials)
            self._direct = self.family.direct(self.link, self.y, self.trials)

    def start(self):
        """Linear predictors (n,) and parameters (m,) to start from: those of a mean drawn from y toward its average."""
        mu, psi = self.family.start(self.y, self.trials, self.weights)
        if self.family.support == "real" and self.link.positive:
            mu = np.maximum(mu, 0.1 * np.abs(mu).mean() + 1e-10)
        return self.link.eta(mu), np.asarray(psi, float)

    def __call__(self, eta, psi, order=3) -> Terms:
        """Log density at ``eta`` (n,) and ``psi`` (m,), with derivatives as `order` says (0, 2 or 3)."""
        with np.errstate(over="ignore", invalid="ignore"):
            out = self._inside(eta, psi, order)
            total = sum(v.sum() for v in out.arrays()[:4] if v is not None)
        return out if np.isfinite(total) else _without_infinite(out)

    def _inside(self, eta, psi, order):
        outside = None
        if self.bounds is not None:
            outside = ~((eta > self.bounds[0]) & (eta < self.bounds[1]))
            if outside.any():
                eta = np.where(outside, self._middle, eta)
            else:
                outside = None
        out = self._direct(eta, psi, order) if self._direct is not None else self._composed(eta, psi, order)
        if order > 2 and not self.psi_names:
            out.p = out.p1 = out.p2 = np.empty((0, self.n))
        if self.weights is not None:
            out = out.map(lambda v: v * self.weights)
        if outside is not None:
            out = out.map(lambda v: np.where(outside, 0.0, v))
            out.value[outside] = -np.inf
        return out

    def _composed(self, eta, psi, order):
        """The family's parts, each through the link's expression of its argument, added up."""
        arguments = [getattr(self.link, f"{name}_terms")(eta, order) for name in self.family.arguments]
        parts = self._terms([a[0] for a in arguments], psi, order)
        out, *rest = (part.through(a, order) for part, a in zip(parts, arguments, strict=True))
        for part in rest:
            out = out + part
        return out

    def mean(self, eta, psi):
        """Expected outcome at ``eta``, of any shape whose last axis is n or is broadcast to it (binomial: a share)."""
        return self.family.mean(self.link.mean(eta), psi)

    def variance(self, eta, psi):
        """Variance of the outcome at ``eta`` (binomial: of the share of successes in the trials)."""
        return self.family.variance(self.link.mean(eta), psi, self.trials)

    def cdf(self, y, eta, psi):
        """Probability of an outcome of at most ``y``."""
        return self.family.cdf(y, self.link.mean(eta), psi, self.trials)

    def simulate(self, eta, psi, rng):
        """Outcomes drawn at ``eta`` from the numpy Generator `rng`, shape of eta."""
        return self.family.simulate(self.link.mean(eta), psi, rng, self.trials)

    def reported(self, psi):
        """[(name, value, derivative in psi (m,), scale)] of the parameters as they are printed; see `Parameter`."""
        return self.family.reported(psi)

    def replaced(self, y, weights=None):
        """The same density for other outcomes of the same rows, or with other weights."""
        return type(self)(y, self.family, self.link, trials=self.trials,
                          weights=self.weights if weights is None else weights)


def _without_infinite(out: Terms) -> Terms:
    """The same, with -inf and no slopes where an argument was too large for a number to hold what follows."""
    lost = ~np.isfinite(out.value)
    for v in out.arrays()[1:]:
        if v is not None:
            lost |= ~np.isfinite(v.reshape(-1, lost.shape[0])).all(axis=0)
    out = out.map(lambda v: np.where(lost, 0.0, v))
    out.value[lost] = -np.inf
    return out
