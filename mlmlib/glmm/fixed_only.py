"""Models of categories may have no random effects: the likelihood is then exact, and the search the same.

Chapter 18 (``18_categories``) begins with such a model.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError, FormulaError
from .category_separation import suspected
from .failure import refuse_separation
from .model import GlmmModel, check
from .rows_many import NoRows
from .search import Found
from .start import fit_glm

__all__ = ["CategoryModel", "FixedOnly"]


class FixedOnly(GlmmModel):
    """A generalized linear mixed model that may have no random term."""

    def check(self, design) -> None:
        if design.random:
            check(design)
            return
        if self.nodes is not None:
            raise FormulaError(f"The formula {design.formula.text!r} has no random term, so there is nothing to "
                               "integrate over: leave method='agq' out.")
        n, p = design.X.shape
        if n <= p:
            raise DataError(f"{n} rows cannot carry {p} fixed effects; drop predictors or collect more data.")

    def _rows(self, Zs):
        return super()._rows(Zs) if self.design.random else NoRows(self.X.shape[1:])

    def fit(self, start: np.ndarray | None = None):
        if self.design.random:
            return super().fit(start)
        glm = fit_glm(self.X, self.density, self.offset, limit=60)
        refuse_separation(self, glm)
        at = self.criterion(np.concatenate([glm.b, glm.psi]))
        return Found(at, 1, glm.found, float(np.abs(at.gradient).max(initial=0.0)), glm, self.criterion), []

    def _basis(self, q: int) -> np.ndarray:
        return super()._basis(q) if self.design.random else np.zeros((0, 0, 0))


class CategoryModel(FixedOnly):
    """One whose outcome is a category; each kind of category knows what separates it."""

    def refuse_separation(self, glm) -> None:
        """Refuse coefficients that would run to infinity."""
        if suspected(glm.terms, glm.found, self.density.weights):
            self._look_for_separation(glm)

    def _look_for_separation(self, glm) -> None:
        raise NotImplementedError
