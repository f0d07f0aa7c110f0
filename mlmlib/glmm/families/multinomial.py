"""Categories without an order, the generalized logit: see `mlmlib.glmm.multinomial`.

Chapter 18 (``18_categories``) derives the model.
"""

from __future__ import annotations

import numpy as np

from ...errors import DataError
from ...table import Categorical
from .base import Family

__all__ = ["MULTINOMIAL", "Multinomial", "UnorderedOutcome"]

_MOST = 20  # categories


class Multinomial(Family):
    """Categories without an order; the first is the reference."""

    name = "multinomial"
    support = "unit"
    default = "logit"
    links = ("logit",)
    discrete = True

    def density(self, y, link=None, *, trials=None, weights=None, column="the outcome"):
        from ..multinomial import MultinomialDensity
        self.check(y, trials, column)
        self.link_of(link)
        return MultinomialDensity(y, weights=weights)

    def reader(self, data):
        return UnorderedOutcome()

    def fitter(self):
        from ..multinomial_model import MultinomialModel
        from ..multinomial_result import MultinomialResult
        return MultinomialModel, MultinomialResult


MULTINOMIAL = Multinomial()


class UnorderedOutcome:
    """Reads categories as codes 0 .. C - 1, the first being the reference.

    Attributes
    ----------
    categories : ndarray, shape (C,)
        Set when the outcome is read.
    messages : list of str
    """

    def __init__(self):
        self.categories, self.messages = None, []

    def __call__(self, y, factor) -> np.ndarray:
        if isinstance(y, Categorical):
            y = y.used()
            codes, levels = y.codes, y.levels
        else:
            if y.ndim != 1 or (y != np.round(y)).any():
                raise DataError(f"The outcome {factor.label!r} has values that are not whole numbers, and "
                                "family='multinomial' needs categories; for a measurement choose family='gaussian'.")
            levels, codes = np.unique(y.astype(int), return_inverse=True)
        if len(levels) < 2:
            raise DataError(f"The outcome {factor.label!r} is the same in every row: there is nothing to explain.")
        if len(levels) > _MOST:
            raise DataError(f"The outcome {factor.label!r} has {len(levels)} categories, each of which would have "
                            f"coefficients of its own; join rare ones ({_MOST} at most).")
        self.categories = np.asarray(levels)
        if not getattr(y, "declared", False):
            self.messages.append(f"The reference category of {factor.label!r} is {levels[0]}: coefficients compare "
                                 "each other category with it.")
        return codes.astype(float)
