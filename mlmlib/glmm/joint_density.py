"""The log-likelihood of the stacked rows of several outcomes, each of a family of its own.

Chapter 18 (``18_categories``) joins outcomes of different kinds.
"""

from __future__ import annotations

import numpy as np

from .density import Density, Terms
from .families.base import Family
from .links import Link

__all__ = ["JointDensity", "JointFamily", "JointLink"]


class JointFamily(Family):
    """The families of several outcomes.

    Attributes
    ----------
    families : tuple of Family
    outcomes : tuple of str
    """

    default = "each outcome's own"

    def __init__(self, families, outcomes):
        self.families, self.outcomes = tuple(families), tuple(outcomes)
        self.name = " + ".join(one.name for one in families)


class JointLink(Link):
    """The links of several outcomes, rows being stacked outcome by outcome.

    Attributes
    ----------
    links : tuple of Link
    places : tuple of slice
        Rows of each outcome.
    """

    def __init__(self, links, places):
        self.links, self.places = tuple(links), tuple(places)
        self.name = " + ".join(one.name for one in links)

    def mean(self, eta):
        """The means at the linear predictors of all stacked rows, shape (..., n)."""
        eta = np.asarray(eta, float)
        each = zip(self.links, self.places, strict=True)
        return np.concatenate([one.mean(eta[..., place]) for one, place in each], axis=-1)


class JointDensity(Density):
    """Densities of several outcomes, one below the other.

    Parameters
    ----------
    densities : list of Density
    outcomes : tuple of str
        What the outcomes are called: parameters are named ``"outcome: parameter"``.
    """

    K = 1

    def __init__(self, densities, outcomes):
        self.densities, self.outcomes = tuple(densities), tuple(outcomes)
        ends = np.cumsum([0, *(one.n for one in densities)])
        self.places = tuple(slice(a, b) for a, b in zip(ends[:-1], ends[1:], strict=True))
        ends = np.cumsum([0, *(len(one.psi_names) for one in densities)])
        self.own = tuple(slice(a, b) for a, b in zip(ends[:-1], ends[1:], strict=True))
        self.family = JointFamily([one.family for one in densities], outcomes)
        self.link = JointLink([one.link for one in densities], self.places)
        self.y, self.n = np.concatenate([one.y for one in densities]), self.places[-1].stop
        self.trials = self.weights = self.bounds = None
        self.psi_names = tuple(f"{name}: {psi}" for name, one in zip(outcomes, densities, strict=True)
                               for psi in one.psi_names)

    def _each(self):
        return zip(self.densities, self.places, self.own, strict=True)

    def start(self):
        eta, psi = zip(*(one.start() for one in self.densities), strict=True)
        return np.concatenate(eta), np.concatenate(psi)

    def __call__(self, eta, psi, order=3) -> Terms:
        found = [one(eta[place], psi[own], order) for one, place, own in self._each()]
        out = Terms(*(None if parts[0] is None else np.concatenate(parts)
                      for parts in zip(*(one.arrays()[:4] for one in found), strict=True)))
        if order > 2:
            for name in ("p", "p1", "p2"):
                whole = np.zeros((len(self.psi_names), self.n))
                for one, place, own in zip(found, self.places, self.own, strict=True):
                    whole[own, place] = getattr(one, name)
                setattr(out, name, whole)
        return out

    def _stacked(self, what, eta, psi, *more):
        eta = np.asarray(eta, float)
        return np.concatenate([getattr(one, what)(eta[..., place], psi[own], *more)
                               for one, place, own in self._each()], axis=-1)

    def mean(self, eta, psi):
        return self._stacked("mean", eta, psi)

    def variance(self, eta, psi):
        return np.concatenate([np.broadcast_to(one.variance(eta[..., place], psi[own]), eta[..., place].shape)
                               for one, place, own in self._each()], axis=-1)

    def cdf(self, y, eta, psi):
        y = np.broadcast_to(y, np.shape(eta))
        return np.concatenate([one.cdf(y[..., place], eta[..., place], psi[own])
                               for one, place, own in self._each()], axis=-1)

    def simulate(self, eta, psi, rng):
        return self._stacked("simulate", eta, psi, rng)

    def reported(self, psi):
        out = []
        for (one, _, own), outcome in zip(self._each(), self.outcomes, strict=True):
            for name, value, slope, scale in one.reported(psi[own]):
                whole = np.zeros(len(psi))
                whole[own] = slope
                out.append((f"{outcome}: {name}", value, whole, scale))
        return out

    def replaced(self, y, weights=None):
        weights = [None] * len(self.places) if weights is None else [weights[place] for place in self.places]
        parts = [one.replaced(y[place], w) for (one, place, _), w in zip(self._each(), weights, strict=True)]
        return JointDensity(parts, self.outcomes)
