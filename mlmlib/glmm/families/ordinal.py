"""Ordered categories, with thresholds: see `mlmlib.glmm.ordinal`.

Chapter 18 (``18_categories``) derives the model.
"""

from __future__ import annotations

import numpy as np

from ...errors import DataError
from ...table import Categorical
from ..cumulative import LINKS
from .base import Family

__all__ = ["ORDINAL", "Ordinal", "OrderedOutcome"]

_MOST = 50  # categories


class Ordinal(Family):
    """Ordered categories; the mean of a row is its expected category, 1 to C."""

    name = "ordinal"
    support = "real"
    default = "logit"
    links = tuple(LINKS)
    discrete = True

    def density(self, y, link=None, *, trials=None, weights=None, column="the outcome", nominal=None):
        from ..ordinal import OrdinalDensity
        self.check(y, trials, column)
        return OrdinalDensity(y, link, weights=weights, nominal=nominal)

    def reader(self, data):
        return OrderedOutcome(data)

    def fitter(self):
        from ..ordinal_model import OrdinalModel
        from ..ordinal_result import OrdinalResult
        return OrdinalModel, OrdinalResult


ORDINAL = Ordinal()


class OrderedOutcome:
    """Reads an ordered outcome as codes 0 .. C - 1, and keeps the categories.

    Parameters
    ----------
    data : table
        As given, asked whether a category is ordered.

    Attributes
    ----------
    categories : ndarray, shape (C,)
        Those that rows have, in order; set when the outcome is read.
    messages : list of str
    """

    def __init__(self, data):
        self.data, self.categories, self.messages = data, None, []

    def __call__(self, y, factor) -> np.ndarray:
        if isinstance(y, Categorical):
            self._ordered(y, factor)
            seen = np.bincount(y.codes, minlength=len(y.levels)) > 0
            if not seen.all():
                self.messages.append(f"No row has {factor.label} = {', '.join(str(one) for one in y.levels[~seen])}: "
                                     "left out, without a threshold.")
            y = y.used()
            codes, levels = y.codes, y.levels
        else:
            if y.ndim != 1 or (y != np.round(y)).any():
                raise DataError(f"The outcome {factor.label!r} has values that are not whole numbers, and "
                                "family='ordinal' needs categories: cut it into ordered ones, for example with "
                                "pandas.cut.")
            levels, codes = np.unique(y.astype(int), return_inverse=True)
        if len(levels) < 3:
            what = "is the same in every row." if len(levels) < 2 else (
                "has two categories; family='ordinal' is for three or more. Use family='binomial'.")
            raise DataError(f"The outcome {factor.label!r} {what}")
        if len(levels) > _MOST:
            raise DataError(f"The outcome {factor.label!r} has {len(levels)} different values, each of which would "
                            "have a threshold of its own; cut it into fewer categories, or treat it as a measurement.")
        self.categories = np.asarray(levels)
        return codes.astype(float)

    def _ordered(self, y, factor) -> None:
        """Refuse categories of which nobody said which is higher."""
        column = self.data[factor.columns[0]] if factor.is_column else None
        if y.levels.tolist() == [False, True] or y.declared and getattr(getattr(column, "cat", None), "ordered", True):
            return
        shown = ", ".join(repr(str(level)) for level in y.levels[:4].tolist()) + (" ..." if len(y.levels) > 4 else "")
        raise DataError(f"The outcome {factor.label!r} holds categories without an order ({shown}). Say which is "
                        f"lower: pandas.Categorical(data[{factor.label!r}], categories=[lowest, ..., highest], "
                        "ordered=True). Categories that have no order are family='multinomial'.")
