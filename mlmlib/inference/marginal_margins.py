"""Margins of marginal models: the average expected outcome at chosen values of predictors, and average effects on it.

A model by generalized estimating equations is of the population's mean already: the sample is moved to each chosen value, the mean
of every row is predicted and these are averaged, with no groups to average over.  Standard errors are by the delta method from the
covariance of the fit (robust, unless it was asked for another).

Chapter 20 (``20_gee_and_robust``) sets these averages beside those of a mixed model.
"""

from __future__ import annotations

import numpy as np

from ..results import check_level
from .generalized_margins import GeneralizedMargins, _what, asked, read_columns
from .margins import _raw

__all__ = ["marginal_margins"]


def marginal_margins(fit, over=None, at=None, *, dydx=None, level: float = 0.95, scale: str = "response") -> GeneralizedMargins:
    """Average expected outcomes of a marginal model at chosen values of predictors, or average marginal effects on them.

    Parameters
    ----------
    fit : GeeResult
    over, at, dydx, level
        As for `mlm.margins`.
    scale : {"response", "link"}
        Expected outcomes (of trials the probability), or linear predictors.

    Returns
    -------
    Margins

    Raises
    ------
    DataError, ValueError
        For columns that the model does not have, or another value of `scale`.

    Notes
    -----
    Chapter 20 (``20_gee_and_robust``).  Expected counts are those at the exposure that the rows have.  The rows are taken as they
    are: standard errors are of the coefficients' uncertainty, not of the sample's.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.gee("resp ~ age * smoke", mlm.load("ohio"), groups="id", family="binomial")
    >>> fit.margins(at={"smoke": [0, 1]}).table[["smoke", "margin", "se"]].round(4).values.tolist()
    [[0.0, 0.1393, 0.0132], [1.0, 0.1752, 0.0202]]
    """
    check_level(level)
    if scale not in ("response", "link"):
        raise ValueError(f"scale={scale!r} must be 'response' or 'link'.")
    design = fit.design
    inside = {factor for term in design.formula.fixed for factor in term} | set(design.formula.offsets)
    option = design.offset_option
    columns, fixed = read_columns(design, inside,
                                  {option} if isinstance(option, str) and design.formula.offsets else set())
    keys, labels, points = asked(columns, fixed, over, at, dydx)
    standing = fit.linear_predictor.to_numpy() - design.X @ fit._params  # offset and exposure stay what they are
    if design.formula.offsets:
        standing = standing - design.offset_of(_raw(columns))
    rows, estimates, gradients = [], [], []
    for row, parts in points:
        value, gradient = 0.0, 0.0
        for weight, table in parts:
            raw = _raw(table)
            X = design.fixed_matrix(raw)
            eta = X @ fit._params + standing + (design.offset_of(raw) if design.formula.offsets else 0.0)
            mean, slope = (eta, np.ones(len(eta))) if scale == "link" else fit.link.derivatives(eta)[:2]
            value = value + weight * float(np.mean(mean))
            gradient = gradient + weight * (np.asarray(slope)[:, None] * X).mean(axis=0)
        rows.append(row)
        estimates.append(value)
        gradients.append(gradient)
    G = np.array(gradients)
    what = "linear predictor" if scale == "link" else _what(fit)
    kind = f"Average marginal effects on the {what}" if dydx else f"Predictive margins, the {what}"
    return GeneralizedMargins(keys, tuple(rows), tuple(estimates), G @ fit._cov @ G.T, level, None, fit.spec.endog_name,
                              f"{kind} (of the population)", labels)
