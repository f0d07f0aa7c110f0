"""Outcomes drawn from a fitted GLMM, and random effects drawn given the outcomes.

Chapter 16 (``16_binary``) draws outcomes to look at a model; Chapter 17 (``17_counts``) to test one.

References
----------
Waagepetersen, R. (2006). A simulation-based goodness-of-fit test for random effects in generalized linear mixed models.
Scandinavian Journal of Statistics, 33, 721-731.
"""

from __future__ import annotations

import numpy as np

from ..covariance import root
from ..lmm.factors import factor_names
from ..new_rows import new_rows

__all__ = ["check_drawn", "effects_given_outcomes", "predictors_drawn", "simulate", "spherical"]


def simulate(fit, n: int = 1, seed=None, random_effects: str = "new", data=None, trials=None) -> np.ndarray:
    """Draw outcomes: see `GlmmResult.simulate`.

    Parameters
    ----------
    fit : GlmmResult
    n : int
    seed : int or numpy Generator, optional
    random_effects : {"new", "kept", "posterior"}
    data : table, optional
    trials : str, array or number, optional
        Of new rows.

    Returns
    -------
    ndarray, shape (n, rows)

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size")
    >>> simulate(fit, 3, seed=1).shape
    (3, 56)
    """
    check_drawn(random_effects)
    rng = np.random.default_rng(seed)
    eta = predictors_drawn(fit, n, rng, random_effects, data)
    return fit._draw(eta, rng, data, trials)


def predictors_drawn(fit, n: int, rng, random_effects: str, data=None) -> np.ndarray:
    """Linear predictors with random effects drawn anew, kept, or drawn given the outcomes, shape (n, rows).

    Of outcomes with K linear predictors a row (n, K, rows), rows of the fit only.
    """
    if data is None:
        rows, L, fixed = fit.model.rows, fit.model.criterion.factor(fit._at.x), fit._fixed_part
        out = np.empty((n, *fixed.shape))
        for k in range(n):
            out[k] = fixed + rows.spread(rows.scale(L, spherical(fit, random_effects, rng)))
        return out
    fixed = fit._linear_predictor(data)
    out = np.repeat(fixed[None], n, axis=0)
    rows = {group: new_rows(fit.design, group, data, True) for group in factor_names(fit.design)}
    for k in range(n):
        known = {} if random_effects == "new" else fit._by_group_values(spherical(fit, random_effects, rng))
        for group, own in rows.items():
            T, seen = fit._T_of(group), own.place >= 0
            effects = rng.standard_normal((len(own.place), len(T))) @ root(T).T
            if known:
                effects[seen] = known[group][own.place[seen]]
            out[k] += own.values(effects)
    return out


def check_drawn(random_effects: str) -> None:
    """Refuse other words than those of which random effects outcomes are drawn with."""
    if random_effects not in ("new", "kept", "posterior"):
        raise ValueError(f"random_effects={random_effects!r} must be 'new', 'kept' or 'posterior'.")


def spherical(fit, random_effects: str, rng) -> np.ndarray:
    """Spherical random effects, flat: drawn anew, the modes that the fit found, or drawn given the outcomes."""
    if random_effects == "new":
        return rng.standard_normal(fit.model.rows.size)
    return fit._at.modes.v if random_effects == "kept" else effects_given_outcomes(fit, rng)


def effects_given_outcomes(fit, rng) -> np.ndarray:
    """One draw of the spherical random effects from their normal approximation given the outcomes, N(mode, H^-1), flat.

    ``H = I + L'Z'WZL`` is the covariance of ``e1 + L'Z'W^(1/2) e2`` with standard normal e1 and e2; H^-1 times that has
    the covariance H^-1.
    """
    criterion, at = fit.model.criterion, fit._at
    rows, L, modes = criterion.rows, criterion.factor(at.x), at.modes
    w = -modes.terms.d2
    if w.ndim == 1:
        noise = np.sqrt(np.maximum(w, 0.0)) * rng.standard_normal(len(w))
    else:
        values, vectors = np.linalg.eigh(w.transpose(2, 0, 1))
        noise = np.einsum("nka,na->kn", vectors, np.sqrt(np.maximum(values, 0.0)) * rng.standard_normal(values.shape))
    return modes.v + modes.inverse.solve(rng.standard_normal(len(modes.v)) + rows.turn(L, rows.gather(noise)))
