"""Residuals of the groups: predicted effects, their standardization, each group's own least squares, Mahalanobis
distances.

A predicted effect (BLUP) has two standard deviations.  The comparative one is that of its error, for saying which
groups differ; the diagnostic one is that of the prediction itself over samples, for saying which groups are strange.
With P as in `mlmlib.diagnostics.blocks`, Var(u_hat) = s2 D Z'P Z D.

Chapter 9 (``09_diagnostics``).

References
----------
Goldstein, H. (2011). Multilevel statistical models (4th ed.). Wiley, section 2.3.
Snijders, T. A. B., & Berkhof, J. (2008). Diagnostic checks for multilevel models. In J. de Leeuw & E. Meijer (Eds.),
Handbook of multilevel analysis (pp. 141-175). Springer.
Raudenbush, S. W., & Bryk, A. S. (2002). Hierarchical linear models (2nd ed.). Sage, chapter 9.
"""

from __future__ import annotations

import numpy as np

from .blocks import blocks
from .several_blocks import SeveralBlocks

__all__ = ["KINDS", "effects", "group_residuals", "mahalanobis"]

KINDS = ("raw", "standardized", "least squares", "mahalanobis")
_RANK = 1e-8  # reliability of a direction of the effects below which it is not there


def _back(fit) -> tuple[np.ndarray, list[str]]:
    """The map from the model's effects to the reader's, and their names."""
    names = [name for term in fit.design.random for name in term.names]
    back, at = np.zeros((len(names), len(names))), 0
    for term, own in zip(fit.model.design.random, fit.model.z_maps):
        if term.group == fit.design.random[0].group:
            back[at : at + len(own), at : at + len(own)] = own
            at += len(own)
    return back, names


def _of_predictions(fit) -> np.ndarray:
    """Z'PZ of each group, shape (J, q, q), in the model's own columns: Var(u_hat) = s2 D Z'PZ D."""
    at, parts = blocks(fit), fit._at.parts
    if isinstance(at, SeveralBlocks):
        G = at.W[:, :, : len(at.X)] @ at.half
        return at.K - G @ G.transpose(0, 2, 1)
    G = np.einsum("aij,ik->akj", parts.W[:, : len(at.X)], at.half)
    return (parts.K - np.einsum("akj,bkj->abj", G, G)).transpose(2, 0, 1)


def diagnostic_covariance(fit) -> np.ndarray:
    """Covariance over samples of each group's predicted effects, shape (J, q, q)."""
    at = blocks(fit)
    D = _back(fit)[0] @ at.D
    cov = at.s2 * D @ _of_predictions(fit) @ D.T
    return (cov + cov.transpose(0, 2, 1)) / 2.0


def least_squares(fit) -> np.ndarray:
    """Each group's own regression of the marginal residual on its Z, shape (J, q); NaN where it has none."""
    at = blocks(fit)
    q = len(at.Z)
    if isinstance(at, SeveralBlocks):
        A, right = at.own_sums
    else:
        A, right = fit.model.criterion.elimination.AB[:, :q].transpose(2, 0, 1), at.sums(at.Z * at.e).T
    values, vectors = np.linalg.eigh(A)
    full = values[:, 0] > 1e-10 * values[:, -1]
    own = np.full((at.J, q), np.nan)
    turned = np.einsum("jab,ja->jb", vectors[full], right[full]) / values[full]
    own[full] = np.einsum("jab,jb->ja", vectors[full], turned)
    return own @ _back(fit)[0].T


def mahalanobis(fit) -> tuple[np.ndarray, np.ndarray]:
    """Squared distance of each group's predicted effects from zero, and the dimensions it is made of, both shape (J,).

    Taken of the spherical effects v, u = Lv, whose covariance has the reliabilities as eigenvalues whatever the units
    of Z.
    """
    at, parts, L = blocks(fit), fit._at.parts, fit._at.L
    p = len(at.X)
    if isinstance(at, SeveralBlocks):
        L = at.L
        v = (at.W[:, :, p] - at.W[:, :, :p] @ fit._at.b) @ L
    else:
        v = (parts.U[:, p] - np.einsum("apj,p->aj", parts.U[:, :p], fit._at.b)).T
    cov = L.T @ _of_predictions(fit) @ L
    values, vectors = np.linalg.eigh((cov + cov.transpose(0, 2, 1)) / 2.0)
    keep = values > _RANK
    turned = np.einsum("jab,ja->jb", vectors, v)
    return np.where(keep, turned**2 / np.where(keep, values, 1.0), 0.0).sum(axis=1) / at.s2, keep.sum(axis=1)


def effects(fit, kind: str):
    """Residuals of the groups by kind, as `mlmlib.diagnostics.residuals` hands them out."""
    from .. import frames as pd

    term = fit.design.random[0]
    index = pd.Index(term.levels, name=term.group)
    names = _back(fit)[1]
    if kind == "mahalanobis":
        return pd.Series(mahalanobis(fit)[0], index=index, name="mahalanobis")
    if kind == "least squares":
        return pd.DataFrame(least_squares(fit), index=index, columns=names)
    u = fit._effects[0]
    if kind == "standardized":
        sd = np.sqrt(np.maximum(np.einsum("jaa->ja", diagnostic_covariance(fit)), 0.0))
        T = np.sqrt(np.maximum(np.concatenate([np.diagonal(T) for T in fit._T]), 0.0))
        known = sd > 1e-6 * np.where(T > 0, T, np.inf)
        u = np.where(known, u, np.nan) / np.where(known, sd, 1.0)
    return pd.DataFrame(u.copy(), index=index, columns=names)


def group_residuals(fit, group: str | None = None):
    """Everything about the groups' residuals in one table.

    Parameters
    ----------
    fit : LmmResult
    group : str, optional
        The grouping factor; with several the one with the fewest groups when left out.

    Returns
    -------
    DataFrame
        One row a group: ``n``; for each effect ``raw`` (BLUP), ``se`` (comparative: of its error), ``sd`` (diagnostic:
        of the prediction), ``standardized`` (raw / sd), ``least squares`` (its own regression's deviation, unshrunken);
        last ``mahalanobis`` (squared distance of all effects, as HLM's ``mdist``, the coefficients' own error allowed
        for), ``df`` (its dimensions) and ``p`` (chi-square). Columns have two levels, (effect, kind); those of the
        whole group stand under ``"group"``.

    Raises
    ------
    ValueError
        For a model without random effects.

    Notes
    -----
    Chapter 9 (``09_diagnostics``).  A group whose rows do not suffice for its own regression has NaN under
    ``least squares``; an effect whose variance is estimated as zero has NaN under ``standardized``.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (Days | Subject)", mlm.load("sleepstudy"))
    >>> table = mlm.diagnostics.group_residuals(fit)
    >>> table["Days"].round(2).loc[335].to_dict()
    {'raw': -10.75, 'se': 2.3, 'sd': 5.3, 'standardized': -2.03, 'least squares': -13.35}
    """
    from .. import frames as pd
    from scipy.special import chdtrc

    if not getattr(fit, "n_groups", None):
        raise ValueError("The model has no random effects, so there are no residuals of groups.")
    from .several_blocks import seen_by

    fit = seen_by(fit, group)
    term = fit.design.random[0]
    raw, errors = fit._effects
    sd = np.sqrt(np.maximum(np.einsum("jaa->ja", diagnostic_covariance(fit)), 0.0))
    se = np.sqrt(np.maximum(np.einsum("jaa->ja", errors), 0.0))
    standard, own = effects(fit, "standardized").to_numpy(), least_squares(fit)
    columns = {("group", "n"): term.sizes}
    for a, name in enumerate(_back(fit)[1]):
        for kind, values in zip(("raw", "se", "sd", "standardized", "least squares"), (raw, se, sd, standard, own)):
            columns[name, kind] = values[:, a]
    distance, df = mahalanobis(fit)
    columns["group", "mahalanobis"] = distance
    columns["group", "df"] = df
    columns["group", "p"] = np.where(df > 0, chdtrc(np.maximum(df, 1), distance), np.nan)
    return pd.DataFrame(columns, index=pd.Index(term.levels, name=term.group))
