"""The model of unordered categories: every category but the first has coefficients and random effects of its own.

Chapter 18 (``18_categories``) introduces it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import numpy as np

from ..covariance import structure
from ..design import Design
from ..lmm.model import _condition
from .category_separation import refuse, unordered_rows
from .fixed_only import CategoryModel
from .multinomial import MultinomialDensity
from .rows_many import in_blocks

__all__ = ["CategoryDesign", "MultinomialModel"]


@dataclass(frozen=True)
class CategoryDesign(Design):
    """A design whose coefficients and effects are named by category.

    Attributes
    ----------
    base : Design
        The same as the formula has it: X, and the terms' columns, of one category.
    """

    base: Design = field(kw_only=True)


class MultinomialModel(CategoryModel):
    """A model of unordered categories.

    Parameters are those of `mlmlib.glmm.model.GlmmModel`; `reading` knows the categories.

    Attributes
    ----------
    base : Design
        As the formula has it; `design` names coefficients and effects by category.
    others : list of str
        The categories but the reference.
    """

    density: MultinomialDensity

    def __init__(self, design: Design, family, link=None, covariance="unstructured", **options):
        self.base = design.base if isinstance(design, CategoryDesign) else design
        self.others = [str(one) for one in options["reading"].categories[1:]]
        super().__init__(self._by_category(self.base), family, link, covariance, **options)

    def _by_category(self, base: Design) -> Design:
        """The design with coefficients and effects named by category."""
        names = tuple(f"{category}: {name}" for category in self.others for name in base.exog_names)
        K = len(self.others)
        random = tuple(replace(term,
                               names=tuple(f"{category}: {name}" for category in self.others for name in term.names),
                               Z=np.tile(term.Z, (1, K))) for term in base.random)
        same = {one.name: getattr(base, one.name) for one in fields(base)}
        return CategoryDesign(**{**same, "exog_names": names, "random": random}, base=base)

    def _look_for_separation(self, glm) -> None:
        refuse(self, unordered_rows(self.base.X, self.density.codes, self.density.C), self.names)

    def _fixed_columns(self):
        return self.design.exog_names, in_blocks([self.base.X.T] * len(self.others))

    def _random_columns(self):
        K, Zs, maps = len(self.others), [], []
        for term, shape in zip(self.base.random, self.structures):
            Z, back = _condition(term.Z.T, term,
                                 structure(shape.name, len(term.names)) if len(term.names) > 1 else shape)
            Zs.append(in_blocks([Z] * K))
            maps.append(np.kron(np.eye(K), back))
        return Zs, maps
