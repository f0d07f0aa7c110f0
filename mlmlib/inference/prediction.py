"""Intervals of predictions: for known groups, for new ones, and for new groups within known ones.

A prediction is ``x'b + z'u`` with the predicted effects u of the groups that the fit has seen.  Its error has variance

    Var(x'(b - beta) + z'(u - U)) = z'P z + (x - B'z)' F (x - B'z),

with P the covariance of the random effects given the outcomes and beta, ``B = G Z'V^-1 X`` how far the predicted effects
move with beta, and ``F = (X'V^-1 X)^-1``: the quadratic form in the inverse of Henderson's mixed-model equations.  A new
outcome adds the variance of effects of groups not seen, ``z'T z``, and of its residual.

Chapter 4 (``04_random_slopes``) predicts for known and new groups; Chapter 12 (``12_crossed``) for several factors.

References
----------
Henderson, C. R. (1975). Best linear unbiased estimation and prediction under a selection model. Biometrics, 31, 423-447.
McLean, R. A., Sanders, W. L., & Stroup, W. W. (1991). A unified approach to mixed linear models. The American
Statistician, 45, 54-64.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from ..errors import DataError
from ..lmm.factors import factor_names
from ..new_rows import new_rows, refuse_new
from ..results import check_level
from ..rows.heteroscedastic import FITTED
from ..rows.layout import categories, numbers
from ..table import Table

__all__ = ["INTERVALS", "predict_interval", "residual_sd"]

INTERVALS = ("confidence", "prediction")
_CHUNK = 500  # rows whose effects of several factors are multiplied at once
_WHOLE = 4000  # effects up to which their covariance matrix is formed, where there are more rows than that


def predict_interval(fit, data=None, random_effects: bool = True, new_groups: str = "population",
                     interval: str = "confidence", level: float = 0.95, weights=None):
    """Predictions with standard errors and intervals.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    data : table, optional
        New rows; the rows of the fit when left out.
    random_effects : bool
        Add the effects of groups that the fit has seen; False predicts for groups in general.
    new_groups : {"population", "error"}
    interval : {"confidence", "prediction"}
        Of the expected outcome, or of one new outcome.
    level : float
    weights : str or array, optional
        Of new rows, for ``"prediction"``: column or values; 1 when left out.

    Returns
    -------
    DataFrame
        Columns ``mean``, ``se``, ``lower``, ``upper``.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (Days | Subject)", mlm.load("sleepstudy"))
    >>> new = {"Days": [10, 10], "Subject": [308, -1]}
    >>> predict_interval(fit, new, interval="prediction").round(1).to_numpy().tolist()
    [[450.3, 30.1, 391.3, 509.3], [356.1, 72.3, 214.4, 497.7]]
    """
    from .. import frames as pd
    if interval not in INTERVALS:
        raise ValueError(f"interval={interval!r} must be 'confidence' or 'prediction'.")
    if new_groups not in ("population", "error"):
        raise ValueError(f"new_groups={new_groups!r} must be 'population' or 'error'.")
    check_level(level)
    design, new = fit.design, interval == "prediction"
    X = design.X if data is None else design.fixed_matrix(data)
    mean = X @ fit._params
    if data is not None:
        mean = mean + design.offset_of(data)
    elif design.offset is not None:
        mean = mean + design.offset
    rows = {}
    for group in factor_names(design) if random_effects or new else ():
        rows[group] = new_rows(design, group, data, random_effects)
    if random_effects and rows:
        refuse_new(rows, new_groups)
        moved, variance = _known(fit, X, rows)
        mean = mean + moved
    else:
        variance = np.einsum("ij,jk,ik->i", X, fit._cov, X)
    if new:
        for group, own in rows.items():
            variance = variance + own.variance_of_new(fit._T_of(group))
        variance = variance + residual_sd(fit, data, weights) ** 2
    se = np.sqrt(np.maximum(variance, 0.0))
    spread = fit._quantile(level) * se
    index = design.index() if data is None else getattr(data, "index", None)
    return pd.DataFrame({"mean": mean, "se": se, "lower": mean - spread, "upper": mean + spread},
                        index=None if callable(index) else index)


def _known(fit, X: np.ndarray, rows: dict) -> tuple[np.ndarray, np.ndarray]:
    """What the predicted effects of known groups add to each row, and the variance of fixed and random part together."""
    from scipy.linalg import block_diag
    model, at, p = fit.model, fit._at, X.shape[1]
    left = np.linalg.solve(model.x_map, X.T).T  # x in the model's own columns
    moved, matrices, post = np.zeros(len(X)), [], np.zeros(len(X))
    for k, (group, own) in enumerate(rows.items()):
        u, cov = fit._by_group[group]
        J, q = u.shape
        moved += own.matrix(own.Z, J) @ u.ravel()
        back = block_diag(*(z for term, z in zip(fit.design.random, model.z_maps) if term.group == group))
        Z = own.matrix(own.Z @ back, J)
        B = np.einsum("sa,apj->jsp", at.L, at.parts.U[:, :p]) if model.one_factor else at.parts.U[k][:, :, :p]
        left = left - Z @ B.reshape(J * q, p)
        matrices.append(Z)
        if model.one_factor:
            z, codes = own.Z, own.known[:, 0]
            post = np.where(codes < 0, 0.0, np.einsum("ij,ijk,ik->i", z, cov[codes], z))
    if not model.one_factor:
        post = at.s2 * _posterior(model.criterion.elimination, at.parts, matrices)
    return moved, post + at.s2 * ((left @ at.half) ** 2).sum(axis=1)


def _posterior(several, parts, matrices: list) -> np.ndarray:
    """z'P z of each row for several factors, P the covariance of all effects given the outcomes, in units of s2.

    With z1 the columns of the factor eliminated first, E its blocks and N = Z1'Z2, z'P z = z1'E z1 + v'P2 v for
    v = z2 - N'E z1, and P2 = L2 M^-1 L2'.
    """
    import scipy.sparse as sp
    m, J1, q1 = matrices[0].shape[0], several.J1, several.q1
    V, out = sp.csr_matrix((m, several.n_nodes)), np.zeros(m)
    for k in several.rest:
        place = several.nodes[k].ravel()
        put = sp.csr_matrix((np.ones(len(place)), (np.arange(len(place)), place)), (len(place), several.n_nodes))
        V = V + matrices[k] @ put
    if several.first is not None:
        E = sp.bsr_matrix((np.ascontiguousarray(parts.E), np.arange(J1), np.arange(J1 + 1)), (J1 * q1, J1 * q1))
        turned = matrices[several.first] @ E.tocsr()
        out += np.asarray(turned.multiply(matrices[several.first]).sum(axis=1)).ravel()
        V = V - turned @ several.N
    def times(X):  # P2 X
        inward = several.scaled(parts.scale, X, transposed=True)
        return several.scaled(parts.scale, several.layout.multiply(parts.inverse, inward))

    P = times(np.eye(several.n_nodes)) if several.n_nodes <= min(m, _WHOLE) else None
    for begin in range(0, m, _CHUNK):
        own = V[begin:begin + _CHUNK]
        turned = own @ P if P is not None else times(own.T.toarray()).T
        out[begin:begin + _CHUNK] += np.asarray(own.multiply(turned).sum(axis=1)).ravel()
    return out


def residual_sd(fit, data=None, weights=None) -> np.ndarray:
    """Residual standard deviation of new rows, shape (m,), by the fit's structure of variances.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    data : table, optional
        The rows of the fit when left out.
    weights : str or array, optional
        Of new rows; 1 when left out.
    """
    if data is None:
        if hasattr(fit, "_row_sd"):
            return fit._row_sd
        own = fit.design.weights
        return np.full(fit.nobs, fit.sigma) if own is None else fit.sigma / np.sqrt(own)
    table = Table(data)
    sd = np.ones(table.n)
    if weights is not None:
        values = table[weights] if isinstance(weights, str) else np.asarray(weights, dtype=float)
        if np.shape(values) != (table.n,) or not (values > 0).all():
            raise DataError(f"weights= must be {table.n} positive numbers, one for each new row.")
        sd = sd / np.sqrt(values)
    if getattr(getattr(fit, "model", None), "rows", None) is None:
        return fit.sigma * sd
    model = fit.model
    asked = model.variance
    asked = [] if asked is None else [asked] if hasattr(asked, "bind") else list(asked)
    first = len(model.rows.parts) - len(model.rows.variances)
    new = SimpleNamespace(data=data, kept=None, y=sd)
    log_sd = np.log(fit._at.s2) / 2.0 - np.mean(model.rows.log_sd(model.psi))  # that of sigma, which may be too large
    for one, part, place in zip(asked, model.rows.variances, model.rows.places[first:]):
        natural = part.natural(model.psi[place])
        if one.name == "by_group":
            known = {str(label): k for k, label in enumerate(categories(fit.design, one.column, one.name)[1])}
            codes, levels = categories(new, one.column, one.name)
            lost = [str(label) for label in levels if str(label) not in known]
            if lost:
                raise DataError(f"The new data have {lost[0]} in {one.column!r}, whose residual variance the fit does "
                                f"not know; it knows {', '.join(known)}.")
            own = np.array([known[str(label)] for label in levels])
            log_sd = log_sd + np.log(np.append(1.0, natural))[own][codes]
        else:
            x = fit.predict(data).to_numpy() if one.column == FITTED else numbers(new, one.column, one.name)
            with np.errstate(divide="ignore"):  # a power of zero is zero, or infinite
                log_sd = log_sd + natural[0] * (np.log(np.abs(x)) if one.name == "power" else x)
    return sd * np.exp(log_sd)
