"""Outcomes drawn from a fitted model, for its own rows or for new ones.

Chapter 8 (``08_inference``) draws them for the bootstrap; Chapter 21 (``21_planning``) for planning.
"""

from __future__ import annotations

import numpy as np

from ..covariance import root
from ..errors import FormulaError
from ..lmm.factors import factor_names
from ..new_rows import new_rows
from .prediction import residual_sd

__all__ = ["simulate", "simulate_new"]


def simulate(fit, n: int = 1, seed=None, random_effects: str = "new", data=None, weights=None) -> np.ndarray:
    """Draw outcomes: see `LmmResult.simulate`.

    Parameters
    ----------
    fit : LmmResult, RowResult or OlsResult
    n : int
    seed : int or numpy Generator, optional
    random_effects : {"new", "kept"}
    data : table, optional
    weights : str or array, optional

    Returns
    -------
    ndarray, shape (n, rows)

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy"))
    >>> simulate(fit, 3, seed=1).shape
    (3, 180)
    """
    if not isinstance(n, (int, np.integer)) or n < 0:
        raise ValueError(f"n={n!r} must be a whole number of outcomes to draw, 0 or more.")
    if random_effects not in ("new", "kept"):
        raise ValueError(f"random_effects={random_effects!r} must be 'new' or 'kept'.")
    if data is not None:
        return simulate_new(fit, data, n, seed, random_effects, weights)
    if weights is not None:
        raise ValueError("weights= are those of new rows, given as data=; the rows of the fit have their own.")
    rng = np.random.default_rng(seed)
    out = fit._noise(rng.standard_normal((n, fit.nobs)))
    out += fit._fitted if random_effects == "kept" else fit._fixed_part
    for term, T in zip(fit.design.random, fit._T) if random_effects == "new" else ():
        factor = root(T)
        for row in out:
            row += term.values(rng.standard_normal((len(term.levels), len(T))) @ factor.T)
    return out


def simulate_new(fit, data, n: int = 1, seed=None, random_effects: str = "new", weights=None) -> np.ndarray:
    """Draw outcomes of new rows.

    Rows of one group share its effects: drawn anew for every group, or with ``random_effects="kept"`` those that the fit
    predicts, and drawn for groups that it has not seen.  Parameters and result are those of `simulate`.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (Days | Subject)", mlm.load("sleepstudy"))
    >>> simulate_new(fit, {"Days": [0, 5, 10], "Subject": [308, 308, 999]}, n=2, seed=1).shape
    (2, 3)
    """
    rng = np.random.default_rng(seed)
    fixed = fit._linear_predictor(data)
    out = _noise(fit, rng.standard_normal((n, len(fixed))), data, weights)
    out += fixed
    for group in factor_names(fit.design):
        own, T = new_rows(fit.design, group, data, True), fit._T_of(group)
        factor, J = root(T), len(own.place)
        seen = own.place >= 0
        for row in out:
            effects = rng.standard_normal((J, len(T))) @ factor.T
            if random_effects == "kept":
                effects[seen] = fit._by_group[group][0][own.place[seen]]
            row += own.values(effects)
    return out


def _noise(fit, e: np.ndarray, data, weights) -> np.ndarray:
    """Independent numbers, shape (n, rows), given the residuals' covariance in new rows."""
    rows = getattr(getattr(fit, "model", None), "rows", None)
    sd = residual_sd(fit, data, weights)
    if rows is None or rows.correlation is None:
        return e * sd
    if hasattr(fit, "outcomes"):  # rows of a unit stand together, every outcome once
        K = len(fit.outcomes)
        R = np.linalg.cholesky(fit.residual_cov(correlation=True).to_numpy())
        return (e.reshape(len(e), -1, K) @ R.T).reshape(e.shape) * sd
    raise FormulaError("simulate(data=) takes models without correlation= of the residuals; for this one simulate() "
                       "draws outcomes of the rows of the fit.")
