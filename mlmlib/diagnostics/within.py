"""Each group's own regression on everything that varies within groups: residuals that owe nothing to the model of the
groups.

Chapter 9 (``09_diagnostics``) tests with them whether groups differ in their residual variance.

References
----------
Loy, A., & Hofmann, H. (2014). HLMdiag: A suite of diagnostics for hierarchical linear models in R. Journal
of Statistical Software, 56(5), section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .blocks import blocks
from .several_blocks import finest, seen_by

__all__ = ["Within", "own_factor", "within_groups"]


@dataclass(frozen=True)
class Within:
    """Residuals of the groups' own regressions.

    Attributes
    ----------
    residuals : ndarray, shape (n,)
        Multiplied by the root of the weights; NaN in groups that have no degree of freedom left.
    df : ndarray, shape (J,)
        Rows less the rank of the group's columns.
    ss : ndarray, shape (J,)
        Sum of squares.
    """

    residuals: np.ndarray
    df: np.ndarray
    ss: np.ndarray


def own_factor(fit):
    """The fit as seen by the factor whose groups lie within those of every other factor (DataError if none does)."""
    if getattr(fit, "model", None) is None or fit.model.one_factor:
        return fit
    return seen_by(fit, finest(fit.model.design))


def within_groups(fit) -> Within:
    """Regress the outcome on X and Z in every group by itself.

    The groups are solved together through the eigenvectors of their cross-products, taken of columns of equal length.
    """
    at = blocks(own_factor(fit))
    columns = np.vstack([at.X, at.Z])
    if hasattr(at, "rows"):  # several grouping factors: the effects of all of them, constant within the finest groups
        columns = np.vstack([at.X, *(term.Z.T * at.root for term in fit.model.design.random)])
    square = at.sums(columns**2)  # each group's own length of each column
    there = square > 1e-24 * square.sum(axis=1, keepdims=True)  # else zero but for rounding
    scaled = columns * np.where(there, 1.0 / np.sqrt(np.where(there, square, 1.0)), 0.0)[:, at.codes]
    width = len(columns)
    gram = np.empty((at.J, width, width))
    for a in range(width):
        gram[:, a] = at.sums(scaled[a] * scaled).T
    values, vectors = np.linalg.eigh(gram)
    keep = values > 1e-9 * values[:, -1:]
    residual = at.e.copy()
    for _ in range(2):  # the second pass returns the digits that the first one lost
        right = at.sums(scaled * residual).T
        turned = np.where(keep, np.einsum("jab,ja->jb", vectors, right) / np.where(keep, values, 1.0), 0.0)
        own = np.einsum("jab,jb->ja", vectors, turned)
        residual = residual - (scaled * own.T[:, at.codes]).sum(axis=0)
    df = at.sizes - keep.sum(axis=1)
    residual = np.where(df[at.codes] > 0, residual, np.nan)
    ss = np.where(df > 0, at.sums(np.nan_to_num(residual) ** 2), np.nan)
    return Within(residual, df, ss)
