"""Smaller models on the rows of a fit: without predictors, or with random intercepts alone.

What a proportion of explained variance is measured against. The design of the fit is cut, not built anew, so that exactly the
same rows are used, whatever was missing, weighted or offset.

Chapter 5 (``05_level2_predictors``) compares models with their null model.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..design import Encoder
from ..formula import as_written, parse, term_name
from .model import LmmModel
from .result import LmmResult

__all__ = ["null_model", "random_intercepts"]


def null_model(fit) -> LmmResult:
    """The model with an intercept for all, one for each group, and nothing else; fitted as `fit` was.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("mathach ~ cses + (1 + cses | school)", mlm.load("hsb"))
    >>> null_model(fit).formula
    'mathach ~ 1 + (1 | school)'
    """
    X = np.ones((len(fit.design.y), 1))
    return _fitted(fit, replace(fit.design, X=X, exog_names=("Intercept",), encoder=_constant()), "1")


def random_intercepts(fit) -> LmmResult:
    """The same fixed part with a random intercept for each grouping factor, and no random slope; fitted as `fit` was.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("mathach ~ cses + (1 + cses | school)", mlm.load("hsb"))
    >>> random_intercepts(fit).formula
    'mathach ~ cses + (1 | school)'
    """
    named = [term_name(term) for term in fit.design.formula.fixed if term]
    offsets = [factor.label for factor in fit.design.formula.offsets]
    fixed = " + ".join([*([] if fit.design.formula.has_intercept else ["0"]), *named, *offsets]) or "1"
    return _fitted(fit, fit.design, fixed)


def _constant() -> Encoder:
    return Encoder(((),), {})


def _fitted(fit, design, fixed: str) -> LmmResult:
    terms = {term.group: term for term in design.random}
    ones = np.ones((len(design.y), 1))
    random = tuple(replace(term, names=("Intercept",), Z=ones, independent=False, text=f"(1 | {':'.join(map(as_written, term.factors))})",
                           encoder=_constant())
                   for term in terms.values())
    formula = parse(f"{as_written(design.formula.outcome)} ~ {fixed} + {' + '.join(term.text for term in random)}")
    model = LmmModel(replace(design, formula=formula, random=random, messages=()), "unstructured", fit.reml)
    return LmmResult(model, *model.fit())
