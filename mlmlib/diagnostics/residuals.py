"""Residuals of the rows: conditional (from the row's own group's line) and marginal (from the average line).

Chapter 9 (``09_diagnostics``) says which residual answers which question.

References
----------
Hilden-Minton, J. A. (1995). Multilevel diagnostics for mixed and hierarchical linear models. PhD thesis, University of
California, Los Angeles.
Nobre, J. S., & Singer, J. M. (2007). Residual analysis for linear mixed models. Biometrical Journal, 49, 863-875.
Loy, A., & Hofmann, H. (2014). HLMdiag: A suite of diagnostics for hierarchical linear models in R. Journal of
Statistical Software, 56(5).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..given import takes_fit
from ..results import refuse_panel
from .blocks import Blocks, blocks
from .groups import KINDS as GROUP_KINDS
from .groups import effects
from .several_blocks import seen_by

__all__ = ["KINDS", "leverage", "residuals", "row_residuals"]

KINDS = ("raw", "pearson", "standardized", "studentized", "scaled", "least squares")
_GONE = 1e-10  # share of a row's variance below which the model reproduces the row whatever its outcome


@takes_fit
def residuals(fit, kind: str = "raw", level: str = "conditional"):
    """Residuals of a fitted model, of rows or of groups.

    Parameters
    ----------
    fit : LmmResult, OlsResult or GlmmResult
        Of a GlmmResult the kinds are ``"raw"``, ``"pearson"``, ``"deviance"`` and ``"quantile"``: see
        `mlmlib.diagnostics.glmm_residuals.glmm_residuals`.
    kind : str
        Of rows: ``"raw"``, in units of the outcome; ``"pearson"``, divided by the model's standard deviation of what
        they estimate (sigma for conditional ones, with weights that of the row); ``"standardized"``, each divided by
        its own standard deviation, which is smaller where a row pulls the line to itself; ``"studentized"``, the same
        with sigma estimated without the row (conditional ones are t distributed with ``n - p - 1`` degrees of freedom
        given the relative variances); ``"scaled"``, made uncorrelated by the Cholesky factor of V;
        ``"least squares"``, from each group's own regression, free of what the model says about groups (conditional
        only). Of groups: ``"raw"`` (BLUPs), ``"standardized"``, ``"least squares"``, ``"mahalanobis"``: see
        `group_residuals`.
    level : str
        ``"conditional"``: outcome less fixed and random part; ``"marginal"``: outcome less fixed part; or the name of a
        grouping factor, for residuals of its groups.

    Returns
    -------
    Series
        One value a row used; for groups a DataFrame with a column an effect (a Series of Mahalanobis distances).  NaN
        where there is none: a row that the model reproduces whatever its outcome, a group too small for a regression of
        its own.

    Raises
    ------
    ValueError
        If `kind` or `level` is not known.

    Notes
    -----
    Chapter 9 (``09_diagnostics``).  R's ``rstudent`` of a fit by lme4 is ``"standardized"`` here; its
    ``residuals(scaled = TRUE)`` is ``"pearson"``; HLMdiag's Cholesky residuals and nlme's ``"normalized"`` marginal
    ones are ``"scaled"`` (for conditional residuals that is ``"pearson"``, since rows are independent given their
    group).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (Days | Subject)", mlm.load("sleepstudy"))
    >>> fit.residuals("standardized").iloc[:3].round(4).tolist()
    [-0.1827, -0.6272, -1.7645]
    >>> float(fit.residuals("scaled", "marginal").var().round(3))
    0.994
    """
    refuse_panel(fit, "residuals", "see fit.resid and fit.transformed.resid")
    if hasattr(fit, "density"):
        return fit.residuals(kind, level)
    factors = list(getattr(fit, "n_groups", {}))
    if level in factors:
        if kind not in GROUP_KINDS:
            raise ValueError(f"kind={kind!r} is not known for groups; choose one of {', '.join(GROUP_KINDS)}.")
        return effects(seen_by(fit, level), kind)
    if level not in ("conditional", "marginal"):
        where = f", or the groups {', '.join(map(repr, factors))}" if factors else ""
        raise ValueError(f"level={level!r} is not known; residuals are 'conditional' or 'marginal'{where}.")
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r} is not known; choose one of {', '.join(KINDS)}.")
    if kind == "least squares" and level == "marginal":
        raise ValueError("Least-squares residuals are from each group's own line, so they are conditional.")
    return fit._row_series(row_residuals(fit, kind, level), f"{kind} {level} residual")


def row_residuals(fit, kind: str, level: str) -> np.ndarray:
    """The values of `residuals` for rows, shape (n,)."""
    at = blocks(fit)
    s = np.sqrt(at.s2)
    if level == "conditional":
        if kind == "raw":
            return at.Ve / at.root
        if kind in ("pearson", "scaled"):
            return at.Ve / s
        if kind == "least squares":
            from .within import within_groups

            return within_groups(fit).residuals / at.root
        variance = at.p_diagonal
        value = at.Ve
    else:
        if kind == "raw":
            return at.e / at.root
        if kind == "scaled":
            return _whitened(at) / s
        total = 1.0 + at.random_variance
        if kind == "pearson":
            return at.e / (s * np.sqrt(total))
        variance = total - ((at.half.T @ at.X) ** 2).sum(axis=0)
        value = at.e
    known = variance > _GONE
    standard = np.where(known, value, np.nan) / (s * np.sqrt(np.where(known, variance, 1.0)))
    return standard if kind == "standardized" else standard * s / np.sqrt(_variance_without(at))


def _variance_without(at: Blocks) -> np.ndarray:
    """Residual variance estimated without each row, the relative variances held, shape (n,)."""
    n, p = at.X.shape[1], len(at.X)
    known = at.p_diagonal > _GONE
    own = np.where(known, at.Ve, np.nan) ** 2 / np.where(known, at.p_diagonal, 1.0)
    left = n - p - 1
    if left <= 0:
        return np.full(n, np.nan)
    return np.maximum(at.rss - own, 0.0) / left


def _whitened(at: Blocks, order: np.ndarray | None = None) -> np.ndarray:
    """Marginal residuals times the inverse of V's Cholesky factor, group by group in the order of the rows, or in
    another.

    Row i of a Cholesky factor predicts row i from those before it, so that the groups can be walked through together,
    one row of each at a time, with the effects' mean and covariance brought up to date (a Kalman filter): n q^2 steps
    in all.
    """
    if hasattr(at, "rows"):  # several grouping factors
        return at.rows.whitened(at.e, order)
    if order is not None:
        out = np.empty(len(at.e))
        out[order] = _whitened(replace(at, Z=at.Z[:, order], e=at.e[order], codes=at.codes[order]))
        return out
    out = at.e.copy()
    q = len(at.Z)
    if not q:
        return out
    by_size = np.argsort(-at.sizes, kind="stable")
    sizes, starts = at.sizes[by_size], at.starts[by_size]
    mean = np.zeros((q, at.J))
    cov = np.repeat(at.D[:, :, None], at.J, axis=2)
    for k in range(int(sizes[0])):
        live = int(np.searchsorted(-sizes, -k, side="left"))  # groups with more than k rows
        rows = at.order[starts[:live] + k]
        z = at.Z[:, rows]
        spread = np.einsum("abj,bj->aj", cov[:, :, :live], z)
        variance = 1.0 + (z * spread).sum(axis=0)
        surprise = at.e[rows] - (z * mean[:, :live]).sum(axis=0)
        out[rows] = surprise / np.sqrt(variance)
        mean[:, :live] += spread * (surprise / variance)
        cov[:, :, :live] -= spread[:, None] * (spread / variance)[None]
    return out


def leverage(fit):
    """Hat values: how much of a fitted value comes from the row's own outcome.

    Parameters
    ----------
    fit : LmmResult or OlsResult

    Returns
    -------
    DataFrame
        ``fixed``, by way of the coefficients; ``random``, by way of the group's own effects; ``total``, R's
        ``hatvalues``.

    Notes
    -----
    Chapter 9 (``09_diagnostics``).  Demidenko and Stukel (2005): H = H1 + H2, the total sums to the number of
    coefficients and a share of the groups' effects that is smaller the more they shrink.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (Days | Subject)", mlm.load("sleepstudy"))
    >>> float(mlm.diagnostics.leverage(fit)["total"].sum().round(3))
    29.022
    """
    from .. import frames as pd

    at = blocks(fit)
    total = 1.0 - at.p_diagonal
    return pd.DataFrame(
        {"fixed": at.fixed_leverage, "random": total - at.fixed_leverage, "total": total}, index=fit.design.index()
    )
