"""Linear predictors of rows, those of the fit and new ones: their values, and how they move with the parameters.

For a group that the fit has seen eta = x'b + z'u with u at its mode given the outcomes.  The mode moves with the
coefficients, the covariance factor and the density's own parameters x = (b, theta, psi), and so does eta:

    d eta / dx = (x, 0, 0) + z'du/dx,     Var(eta - truth) = (d eta/dx)' V (d eta/dx) + z'C z,

with V the covariance of the estimates and C that of the effects given the outcomes (Kass & Steffey, 1989; Kristensen et
al., 2016).  Effects of groups that are averaged over have no value but a variance, z'T z, which moves with theta alone.

Chapter 16 (``16_binary``) predicts for given groups, for a typical one and for all of them together.

References
----------
Kass, R. E., & Steffey, D. (1989). Approximate Bayesian inference in conditionally independent hierarchical models.
Journal of the American Statistical Association, 84, 717-726.
Kristensen, K., Nielsen, A., Berg, C. W., Skaug, H., & Bell, B. M. (2016). TMB: Automatic differentiation and Laplace
approximation. Journal of Statistical Software, 70(5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..lmm.factors import factor_names
from ..new_rows import new_rows, refuse_new

__all__ = ["GROUPS", "Predictors", "check_groups", "mode_slopes", "predictors", "quadratic"]

GROUPS = ("given", "typical", "average")


@dataclass(frozen=True)
class Predictors:
    """Linear predictors of m rows.

    Attributes
    ----------
    eta : ndarray, shape (m,)
    gradient : ndarray, shape (m, P), or None
        Derivatives in (b, theta, psi), the model's own parameters.
    open : ndarray, shape (m,)
        Variance of the effects of known groups given the outcomes.
    variance : ndarray, shape (m,)
        Variance of the effects that are averaged over.
    slopes : ndarray, shape (m, P), or None
        Derivatives of `variance`.
    new : ndarray, shape (m,)
        Variance of the effects of groups not seen, or not asked for.
    """

    eta: np.ndarray
    gradient: Any  # ndarray; None without derivatives
    open: np.ndarray
    variance: np.ndarray
    slopes: Any
    new: np.ndarray


def check_groups(groups: str, new_groups: str) -> None:
    """Refuse other words than those of whose groups predictions are, and what to do with groups not seen."""
    if groups not in GROUPS:
        raise ValueError(f"groups={groups!r} must be 'given', 'typical' or 'average'.")
    if new_groups not in ("population", "error", "average"):
        raise ValueError(f"new_groups={new_groups!r} must be 'population', 'error' or 'average'.")


def predictors(fit, data=None, groups: str = "given", new_groups: str = "population", *, derivatives: bool = True,
               only=None) -> Predictors:
    """Linear predictors for given groups, a typical group, or for averaging over groups.

    Parameters
    ----------
    fit : GlmmResult
    data : table, optional
        New rows; the rows of the fit when left out.
    groups : {"given", "typical", "average"}
    new_groups : {"population", "error", "average"}
        What to do with groups that the fit has not seen, where groups are given.
    derivatives : bool
    only : sequence of str, optional
        The grouping factors whose effects are averaged over; all when left out.
    """
    check_groups(groups, new_groups)
    design = fit.design
    X = design.X if data is None else design.fixed_matrix(data)
    eta = fit._fixed_part.copy() if data is None else fit._linear_predictor(data)
    given = groups == "given"
    rows = {group: new_rows(design, group, data, given) for group in factor_names(design)}
    if given:
        refuse_new(rows, new_groups)
    m, P = len(eta), len(fit._at.x)
    gradient, slopes = (np.zeros((m, P)), np.zeros((m, P))) if derivatives else (None, None)
    if gradient is not None:
        gradient[:, :X.shape[1]] = X @ fit._back
    new, opened = np.zeros(m), np.zeros(m)
    for group, own in rows.items():
        if only is not None and group not in only:
            continue
        T = fit._T_of(group)
        new += own.variance_of_new(T)
        if slopes is not None:
            for k, change in fit._T_slopes(group):
                slopes[:, k] += own.variance_of_new(change)
    if given and rows:
        moved, turned, opened = _known(fit, rows, derivatives)
        eta = eta + moved
        if gradient is not None:
            gradient = gradient + turned
    average = groups == "average" or (given and new_groups == "average")
    if not average:
        slopes = None if slopes is None else np.zeros_like(slopes)
    return Predictors(eta, gradient, opened, new if average else np.zeros(m), slopes, new)


def mode_slopes(fit) -> np.ndarray:
    """Derivatives of the random effects' modes u = Lv in (b, theta, psi), flat as the rows have them, shape (size, P)."""
    criterion, at = fit.model.criterion, fit._at
    rows, L, v = criterion.rows, criterion.factor(at.x), at.modes.v
    out = np.empty((len(v), len(at.x)))
    for k in range(len(at.x)):
        x = at.x.copy()
        x[k] += 1.0  # `ahead` is linear in x, and so is the factor
        out[:, k] = rows.scale(L, criterion.ahead(at, x) - v) + rows.scale(criterion.factor(x) - L, v)
    return out


def _known(fit, rows: dict, derivatives: bool):
    """What the modes of known groups add to each row, its derivatives, and the variance that the outcomes leave them."""
    criterion, at = fit.model.criterion, fit._at
    u = criterion.rows.scale(criterion.factor(at.x), at.modes.v)
    m = len(next(iter(rows.values())).Z)
    slopes = mode_slopes(fit) if derivatives else np.zeros((len(u), 0))
    matrices, moved, turned = [], np.zeros(m), np.zeros((m, slopes.shape[1]))
    for (group, own), (place, J, _) in zip(rows.items(), criterion.rows.parts):
        M = own.matrix(own.Z @ fit._z_back(group), J)
        matrices.append((place, M))
        moved += M @ u[place]
        turned += M @ slopes[place]
    return moved, turned, _opened(criterion, at, matrices) if derivatives else np.zeros(m)


def _opened(criterion, at, matrices) -> np.ndarray:
    """z'C z of each row, shape (m,), with C = L H^-1 L'; rows that are alike are solved for once."""
    import scipy.sparse as sp
    rows, L, inverse = criterion.rows, criterion.factor(at.x), at.modes.inverse
    whole = sp.hstack([M for _, M in sorted(matrices, key=lambda one: one[0].start)]).tocsr()
    whole.sort_indices()
    keys: dict[tuple, int] = {}
    same = np.array([keys.setdefault((whole.indices[a:b].tobytes(), whole.data[a:b].tobytes()), len(keys))
                     for a, b in zip(whole.indptr, whole.indptr[1:])], dtype=int)
    values = np.zeros(len(keys))
    first = np.unique(same, return_index=True)[1]
    for number, row in enumerate(first):
        z = rows.turn(L, whole[row].toarray().ravel())
        values[number] = z @ inverse.solve(z) if z.any() else 0.0
    return values[same]


def quadratic(gradient: np.ndarray, cov: np.ndarray) -> np.ndarray:
    """g'Vg of each row; a parameter on the boundary, whose variance is not known, is taken as known."""
    known = np.isfinite(np.diagonal(cov))
    if not known.any():
        return np.full(len(gradient), np.nan)
    G = gradient[:, known]
    return np.maximum(np.einsum("ij,jk,ik->i", G, cov[np.ix_(known, known)], G), 0.0)
