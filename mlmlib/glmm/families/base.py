"""What a family is: a log density written in arguments that a link provides, and what goes with it.

Chapter 16 (``16_binary``) introduces families, Chapter 17 (``17_counts``) compares those of counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...errors import DataError
from ..density import Density
from ..links import Link
from ..links import link as find_link

__all__ = ["Family", "Parameter"]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a family as it is printed.

    Attributes
    ----------
    name : str
    psi : str
        Name of the parameter on the real line that is estimated.
    value : callable
        Its value at psi (a number).
    slope : callable
        The derivative of that.
    scale : str
        Scale on which its intervals are made: "log" or "logit" (the estimate plus and minus, transformed back).
    """

    name: str
    psi: str
    value: Callable = np.exp
    slope: Callable = np.exp
    scale: str = "log"


class Family:
    """A family of outcomes; each module of `mlmlib.glmm.families` writes one or two.

    Attributes
    ----------
    name : str
    support : str
        Where the mean lies: "real", "positive" or "unit".
    arguments : tuple of str
        Of which arguments the log density is a sum: "mean", "log_mean", "log_complement".
    default : str
        The link when none is given.
    links : tuple of str
        Links that the family may have; with "power" stands any ``power(k)``.
    parameters : tuple of Parameter
    discrete : bool
        Whether outcomes are counts.
    proportional : bool
        Whether the expected outcome is a multiple of the link's mean (it is not for counts above zero).
    """

    name = ""
    support = "real"
    arguments: tuple = ("mean",)
    default = "identity"
    links: tuple = ()
    parameters: tuple = ()
    discrete = False
    proportional = True

    @property
    def psi_names(self):
        return tuple(one.psi for one in self.parameters)

    def link_of(self, name) -> Link:
        """The link of that name (None: the default), which the family must allow."""
        found = find_link(self.default if name is None else name)
        if found.name in self.links or (found.name.startswith("power") and "power" in self.links):
            return found
        raise ValueError(f"family {self.name!r} has no link {found.name!r}: choose one of {', '.join(self.links)}")

    def density(self, y, link=None, *, trials=None, weights=None, column="the outcome") -> Density:
        """The log-likelihood of the rows of an outcome: see `mlmlib.glmm.density.Density`."""
        return Density(y, self, link, trials=trials, weights=weights, column=column)

    def bind(self, y, trials) -> Callable:
        """A function (arguments, psi, order) -> list of Terms, one for each argument; constants are computed once."""
        raise NotImplementedError

    def direct(self, link, y, trials):
        """A function (eta, psi, order) -> Terms that is quicker than composing, or None."""
        return None

    def check(self, y, trials, column):
        """Raise DataError unless y may come from the family."""
        if not np.isfinite(y).all():
            raise DataError(f"{column} has values that are not finite numbers: drop these rows or mend them")
        if trials is not None:
            raise DataError(f"trials= is for family='binomial', not for {self.name!r}: leave it out")

    def start(self, y, trials, weights):
        """Means (n,) and psi (m,) to start from."""
        raise NotImplementedError

    def mean(self, mu, psi):
        """Expected outcome where the link's mean is mu; the two differ when mu is another measure of location."""
        return mu

    def variance(self, mu, psi, trials=None):
        raise NotImplementedError

    def cdf(self, y, mu, psi, trials=None):
        raise NotImplementedError

    def simulate(self, mu, psi, rng, trials=None):
        raise NotImplementedError

    def reported(self, psi):
        """[(name, value, derivative in psi (m,), scale)] of the parameters as they are printed."""
        out = []
        for k, one in enumerate(self.parameters):
            slope = np.zeros(len(psi))
            slope[k] = one.slope(psi[k])
            out.append((one.name, float(one.value(psi[k])), slope, one.scale))
        return out

    def __repr__(self):
        return f"<family {self.name}>"


def counts(y, column, family):
    """Raise DataError unless y holds counts."""
    if (y < 0).any() or (y != np.floor(y)).any():
        bad = y[(y < 0) | (y != np.floor(y))][0]
        raise DataError(f"{column} has the value {bad:g}, and family={family!r} needs counts 0, 1, 2, ...: "
                        "count events there, or choose a family for measurements (gaussian, gamma, lognormal)")


def pulled(y, weights, share=0.5):
    """y drawn toward its average, so that a link can take it."""
    return share * y + (1 - share) * np.average(y, weights=weights)
