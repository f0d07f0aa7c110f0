"""A marginal fit as the writers of generalized models see fits: groups known to its columns, but no random effects.

Chapter 20 (``20_gee_and_robust``).
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from ...gee.public import COVARIANCES
from ..words import Words

__all__ = ["Seen", "correlation_words", "errors_words", "words_of"]


class Seen:
    """A fit of ``mlm.gee`` without random effects (``n_groups`` is empty), whose design knows which columns are constant in groups."""

    n_groups: dict = {}
    nominal: tuple = ()

    def __init__(self, fit):
        bare = SimpleNamespace(infos={})
        terms = tuple(SimpleNamespace(group=name, codes=codes, levels=levels, names=(), members=None, encoder=bare)
                      for name, codes, levels in fit._levels[::-1])
        self.marginal, self.design = fit, replace(fit.design, random=terms)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.marginal, name)

    @property
    def group(self) -> str:
        """The outermost grouping."""
        return self.marginal._levels[0][0]


def words_of(fit, labels=None, units=None) -> Words:
    """The words of a marginal fit."""
    return Words(Seen(fit), labels, units)


def correlation_words(fit) -> str:
    """The working correlation in a phrase: ``"an exchangeable working correlation"``."""
    if hasattr(fit, "categories"):
        return "working independence" if fit.corr == "independence" else "a global odds ratio between rows of a group"
    return {"independence": "working independence", "exchangeable": "an exchangeable working correlation",
            "ar1": "a first-order autoregressive working correlation", "unstructured": "an unstructured working correlation",
            "nested": "an exchangeable working correlation at two nested levels"}[fit.corr]


def errors_words(fit) -> str:
    """The standard errors in a phrase: ``"robust (sandwich)"``."""
    return COVARIANCES[fit.cov]
