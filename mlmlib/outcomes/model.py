"""The model of several outcomes: that of correlated residuals, each outcome's rows brought to one scale first.

Chapter 15 (``15_multivariate``) uses it.
"""

from __future__ import annotations

import numpy as np

from ..lmm.row_model import RowModel

__all__ = ["OutcomeModel"]


class OutcomeModel(RowModel):
    """As `RowModel`; rows are divided by their outcome's spread, so that outcomes may be on any scales."""

    def _roots(self, design) -> np.ndarray:
        own, roots = super()._roots(design), self.rows.variances[0].roots
        return roots if own is None else own * roots
