"""Deletion of rows from a model with several grouping factors.

With the variances held: a set of rows I adds x'A^-1 x to the information and x'A^-1 r to the score, where x and r are
the rows of V^-1 X and V^-1 (y - Xb) and A is the block of V^-1 among I (the inverse of what is left of V).  With the
variances estimated again the cross-products of the rows that are left are formed, and the search begins at the
optimum of all.

Chapter 9 (``09_diagnostics``) derives the first for one factor.

References
----------
Christensen, R., Pearson, L. M., & Johnson, W. (1992). Case-deletion diagnostics for mixed models. Technometrics, 34,
38-45.
"""

from __future__ import annotations

import numpy as np

from ..lmm.several import Factor, SeveralFactors
from ..lmm.several_criterion import SeveralCriterion

__all__ = ["SeveralCut", "information_of_sets"]

_RANK = 1e-9  # share of a direction's information that must stay
LARGEST = 3000  # rows of a set above which it is cut from the cross-products instead


def information_of_sets(at, sets) -> tuple[np.ndarray, np.ndarray]:
    """What each set of rows adds to the information, shape (m, p, p), and to the score, shape (m, p).

    In the frame where the information of all rows is the identity.

    Parameters
    ----------
    at : SeveralBlocks
    sets : list of ndarray of int
    """
    p = len(at.X)
    gone, score = np.empty((len(sets), p, p)), np.empty((len(sets), p))
    for j, rows in enumerate(sets):
        own = np.vstack([at.lever[:, rows], at.Ve[rows]])
        inside = own[:p] @ np.linalg.solve(at.rows.block(rows), own.T)
        gone[j], score[j] = inside[:, :p], inside[:, p]
    return gone, score


class _Begun(SeveralCriterion):
    """The criterion of what is left, whose search begins at the optimum of all rows."""

    first: np.ndarray  # L there

    def start(self):
        return self.settle(self.first)


class SeveralCut:
    """The criterion of a fit without some of its rows."""

    def __init__(self, fit, at, lost):
        self.fit, self.model, self.at, self.lost = fit, fit.model, at, lost
        self.XY = np.vstack([self.model.Q, at.e + fit._at.b @ self.model.Q])
        self.factors = self.model.criterion.elimination.factors

    def without(self, rows: np.ndarray):
        """The criterion without `rows`; or None and why there is none."""
        XY, weighted = self.XY, self.fit.design.weights is not None
        p, n = len(XY) - 1, XY.shape[1] - len(rows)
        values, vectors = np.linalg.eigh(XY[:p, rows] @ XY[:p, rows].T)
        if p and 1.0 - values[-1] < _RANK:
            return None, self.lost(self.fit, vectors[:, 1.0 - values < _RANK])
        kept = np.ones(XY.shape[1], dtype=bool)
        kept[rows] = False
        factors = []
        for factor in self.factors:
            Z = factor.Z[kept]
            left = np.unique(Z.indices // factor.q).size
            if left < 2:
                return None, "one group only is left of a factor, so no variation between its groups can be seen"
            if n <= p or (left * factor.q >= n and not weighted):
                return None, "too few rows are left for the model"
            factors.append(Factor(Z, factor.J, factor.q, factor.effects, factor.single))
        criterion = _Begun(SeveralFactors(factors, XY[:, kept]), self.model.structures, n, self.model.reml)
        criterion.first = self.fit._at.L
        return criterion, ""
