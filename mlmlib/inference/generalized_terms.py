"""The hypotheses of an analysis of variance of generalized models, whose coefficients may belong to several parts.

Ordered categories are coded beside the thresholds as beside an intercept; of unordered ones a term has coefficients for
every category, which are tested together; a zero part and each of several outcomes have terms of their own.

Chapter 18 (``18_categories``) tests terms of unordered categories.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from ..coding import Encoder
from .term_contrasts import term_contrasts

__all__ = ["generalized_terms"]


def generalized_terms(fit, kind: int) -> dict[str, np.ndarray]:
    """For each term the rows C of its hypothesis C b = 0, as `mlmlib.inference.term_contrasts.term_contrasts`.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("mode ~ distance + (1 | district)", mlm.simulate.choice(seed=18), family="multinomial")
    >>> generalized_terms(fit, 3)["distance"].round(6).tolist()
    [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """
    found, size = {}, len(fit._names)
    for prefix, design, places, skip in _parts(fit):
        own = term_contrasts(SimpleNamespace(design=design, _names=design.exog_names, reml=False), kind)
        for term, C in own.items():
            rows = np.zeros((len(places) * len(C), size))
            for k, place in enumerate(places):
                rows[k * len(C):(k + 1) * len(C), place] = C[:, skip:]
            found[prefix + term] = rows
    return found


def _parts(fit):
    """(Prefix of its terms, design, places of its coefficients, how many columns have none) of each part."""
    design, model = fit.design, fit.model
    p = design.X.shape[1]
    if fit.family.name == "ordinal":
        encoder = Encoder(((), *design.encoder.terms), design.encoder.infos)
        whole = replace(design, X=np.column_stack([np.ones(len(design.y)), design.X]), encoder=encoder,
                        exog_names=("Intercept", *design.exog_names))
        return [("", whole, [np.arange(p)], 1)]
    if hasattr(model, "others"):
        p = model.base.X.shape[1]
        return [("", model.base, [k * p + np.arange(p) for k in range(len(model.others))], 0)]
    if getattr(model, "zero", None) is not None:
        zero = model.zero
        part = replace(design, formula=zero.formula, X=zero.X, exog_names=tuple(zero.encoder.names),
                       encoder=zero.encoder)
        return [("", design, [np.arange(p)], 0), ("zero: ", part, [p + np.arange(zero.X.shape[1])], 0)]
    if hasattr(fit, "outcomes"):
        columns = [np.arange(one.start, one.stop) for one in design.columns]
        return [(f"{name}: ", part, [place], 0) for name, part, place in zip(fit.outcomes, design.parts, columns)]
    return [("", design, [np.arange(p)], 0)]
