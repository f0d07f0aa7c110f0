"""A marginal model without one of its groups, by one step from the fit to all.

With U_j = D'V^-1 (y - mu) of group j and B_j = D'V^-1 D, the estimating functions without group j are -U_j at the fit to all, where
the sum is zero; one step from there gives b - b_(j) = (B - B_j)^-1 U_j, the working correlation held (Preisser & Qaqish, 1996).  For
the identity link it is the fit without the group at that correlation.

Chapter 20 (``20_gee_and_robust``) looks for groups that make a result.

References
----------
Preisser, J. S., & Qaqish, B. F. (1996). Deletion diagnostics for generalised estimating equations. Biometrika, 83, 551-562.
"""

from __future__ import annotations

import numpy as np

__all__ = ["changes", "influence"]


def changes(fit) -> tuple[np.ndarray, np.ndarray]:
    """What each group adds to the coefficients, shape (J, p), NaN where they cannot be estimated without it; and its leverage."""
    found = fit._solved.scores
    total, J = found.B.sum(axis=0), len(found.B)
    leverage = np.array([np.trace(np.linalg.solve(total, B)) for B in found.B])
    out = np.full((J, len(total)), np.nan)
    for j in range(J):
        left = total - found.B[j]
        if np.linalg.cond(left) < 1e12:
            out[j] = np.linalg.solve(left, found.s[j])
    return out @ fit._back.T, leverage


def influence(fit):
    """The groups of a fit of ``mlm.gee`` by what they do to its coefficients.

    Parameters
    ----------
    fit : GeeResult

    Returns
    -------
    DataFrame
        A row a group, the most influential first: ``size``, ``leverage`` (these sum to the number of coefficients), ``cooks``
        (distance of the coefficients in the metric of their covariance, divided by their number), ``dfbetas`` (the largest change of
        a coefficient in standard errors), ``of`` (which), and the change of each coefficient, ``b - b without the group``.

    Notes
    -----
    Chapter 20 (``20_gee_and_robust``).  One step, working correlation held (Preisser & Qaqish, 1996).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.gee("resp ~ age * smoke", mlm.load("ohio"), groups="id", family="binomial")
    >>> found = fit.influence()
    >>> len(found), bool(found["dfbetas"].abs().max() < 0.3)
    (537, True)
    """
    from .. import frames as pd
    change, leverage = changes(fit)
    name, codes, labels = fit._levels[0]
    scaled = change / fit._se
    with np.errstate(invalid="ignore"):
        cooks = np.einsum("ja,ab,jb->j", change, np.linalg.pinv(fit._cov, hermitian=True), change) / change.shape[1]
    missing = np.isnan(scaled).any(axis=1)
    which = np.where(missing, 0, np.argmax(np.abs(np.nan_to_num(scaled)), axis=1))
    table = pd.DataFrame({"size": np.bincount(codes, minlength=len(labels)), "leverage": leverage, "cooks": cooks,
                          "dfbetas": scaled[np.arange(len(scaled)), which],
                          "of": np.where(missing, "", np.array(fit._names, dtype=object)[which])},
                         index=pd.Index(list(labels), name=name))
    table[list(fit._names)] = change
    return table.sort_values("cooks", ascending=False, na_position="first", kind="stable")
