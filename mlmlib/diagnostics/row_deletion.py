"""What the estimates of a model with a residual structure would be without some of its rows.

With the variances and the structure estimated again it is a fit to the rows that are left; a missing occasion is no
trouble, since the structure knows the time of each row.  With them held, and whole independent sets of rows left out,
X'V^-1X and X'V^-1y are sums over sets, from which one is subtracted: no fit is needed.

Chapter 9 (``09_diagnostics``) derives the measures, Chapter 14 (``14_growth_shapes``) the structures.

References
----------
Christensen, R., Pearson, L. M., & Johnson, W. (1992). Case-deletion diagnostics for mixed models.
Technometrics, 34, 38-45.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from ..inference.row_parameters import all_values
from ..inference.row_resample import fit_part
from ..inference.row_small_sample import connected

__all__ = ["row_deletions", "sets_of", "structured_influence"]


def sets_of(fit) -> tuple[np.ndarray, np.ndarray, str]:
    """What is left out when nothing is said: groups of the random effects, of the correlation, or single rows."""
    if fit.design.random:
        term = min(fit.design.random, key=lambda term: len(term.levels))
        return term.codes, term.levels, term.group
    correlation = fit.model.rows.correlation
    if correlation is not None and len(correlation.layout.levels) > 1:
        return correlation.layout.codes, correlation.layout.levels, fit.model.correlation.group
    return np.arange(fit.nobs), np.asarray(fit.design.index()), "row"


def row_deletions(fit, codes: np.ndarray, m: int, *, variances: bool):
    """Fit the model without each of m sets of rows: as `mlmlib.diagnostics.deletion.reestimated`.

    Parameters
    ----------
    fit : RowResult
    codes : ndarray of int, shape (n,)
    m : int
    variances : bool
        Estimate variances and structure again; False holds them, for sets that are independent of the rest.
    """
    from .deletion import Deleted
    p, k = len(fit._params), len(all_values(fit)) - len(fit._params)
    fixed, cov, why = np.full((m, p), np.nan), np.full((m, p, p), np.nan), {}
    values, singular, count = np.full((m, k), np.nan), np.zeros(m, dtype=bool), 0
    if variances:
        for j in range(m):
            rows = np.flatnonzero(codes != j)
            try:
                left = fit_part(fit, rows, np.zeros(len(rows), dtype=int))
                own = all_values(left)
                if not left.converged:
                    raise DataError("the search did not converge")
                if len(own) != p + k:
                    raise DataError("the structure of the residuals has other parameters without these rows")
            except (DataError, np.linalg.LinAlgError) as error:
                why[j] = str(error).rstrip(".")
                continue
            fixed[j], cov[j], values[j] = own[:p], left._cov, own[p:]
            singular[j], count = left.is_singular, count + left.n_evaluations
    else:
        fixed, cov, why = _held(fit, codes, m)
        values = np.tile(all_values(fit)[p:], (m, 1))
    known = np.isfinite(fixed).all(axis=1)
    measures = {name: np.full(m, np.nan) for name in ("cooks", "mdffits", "covratio", "covtrace")}
    inverse, det = np.linalg.inv(fit._cov), np.linalg.slogdet(fit._cov)[1]
    for j in np.flatnonzero(known).tolist():
        shift = fixed[j] - fit._params
        measures["cooks"][j] = shift @ inverse @ shift / p
        measures["mdffits"][j] = shift @ np.linalg.solve(cov[j], shift) / p
        measures["covratio"][j] = np.exp(np.linalg.slogdet(cov[j])[1] - det)
        measures["covtrace"][j] = abs(np.trace(inverse @ cov[j]) - p)
    se = np.sqrt(np.einsum("jaa->ja", cov))
    return Deleted(fixed, se, values, singular, why, count), measures


def _held(fit, codes, m: int):
    """Coefficients and their covariances without each set, the variances held."""
    own = connected(fit)
    of_set = np.full(int(own.max()) + 1, -1)
    of_set[own] = codes
    if (of_set[own] != codes).any() or (fit.design.random and not fit.model.one_factor):
        raise DataError("With the variances held only sets of rows that are independent of the rest can be left out of "
                        "a model with a residual structure, with one grouping factor at most; reestimate=True fits the "
                        "rest anew.")
    model, at, p = fit.model, fit._at, len(fit._params)
    rows = model.criterion.rows[-(p + 1):]  # of [X y], whitened
    products = np.array([[np.bincount(codes, a * b, m) for b in rows] for a in rows]).transpose(2, 0, 1)
    if fit.design.random:
        term = fit.design.random[0]
        N = np.einsum("ab,awj->bwj", at.L, model.criterion.elimination.AB[:, len(at.L):])
        explained = np.einsum("avj,awj->jvw", N, at.parts.U)
        place = np.zeros(len(term.levels), dtype=int)
        place[term.codes] = codes
        np.subtract.at(products, place, explained)
    left = at.parts.S - products
    back, why = np.linalg.inv(model.x_map).T, {}
    fixed, cov = np.full((m, p), np.nan), np.full((m, p, p), np.nan)
    for j in range(m):
        H = left[j, :p, :p]
        if np.linalg.eigvalsh(H)[0] <= 1e-9 * np.linalg.eigvalsh(at.parts.S[:p, :p])[0]:
            why[j] = "the rows that are left cannot tell the coefficients apart"
            continue
        fixed[j] = back @ (model.start_b + np.linalg.solve(H, left[j, :p, p]))
        cov[j] = at.s2 * back @ np.linalg.inv(H) @ back.T
    return fixed, cov, why


def structured_influence(fit, by: str | None, reestimate: bool | None):
    """The influence on a model with a residual structure: as `mlmlib.diagnostics.influence.influence`."""
    from .influence import Influence, _column
    codes, labels, default = sets_of(fit)
    factor = next((term for term in fit.design.random if term.group == by), None)
    if by == "row":
        codes, labels = np.arange(fit.nobs), np.asarray(fit.design.index())
    elif factor is not None:
        codes, labels = factor.codes, factor.levels
    elif by not in (None, default) or (default != "row" and not fit.design.random and ":" not in default):
        codes, labels = _column(fit, by or default)  # with the data's own labels
    by, m = by or default, len(labels)
    reestimate = by != "row" if reestimate is None else bool(reestimate)
    if m < 2 or (m == 2 and factor is not None and reestimate):
        raise DataError(f"There are too few groups of {by!r} to leave one out.")
    done, measures = row_deletions(fit, codes, m, variances=reestimate)
    return Influence(fit, by, labels, np.bincount(codes, minlength=m), done, measures, not reestimate)
