"""Margins of generalized linear mixed models: average expected outcomes at chosen values, and average marginal effects.

As in `mlmlib.inference.margins` the whole sample is moved to each chosen value; here the prediction is the expected
outcome (a probability, a rate), averaged over groups, of a typical group, or of the rows' own groups.  Standard errors are
by the delta method over all parameters: an average over groups moves with the variances too.

Chapter 16 (``16_binary``) reads a logistic model by them.

References
----------
Norton, E. C., & Dowd, B. E. (2018). Log odds and the interpretation of logit models. Health Services Research, 53,
859-878.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from ..display import html_table
from ..errors import DataError
from ..results import check_level
from ..table import Categorical, Table
from .margins import Margins, _constant, _known, _levels, _own_values, _raw, _values

__all__ = ["GeneralizedMargins", "asked", "generalized_margins"]

_STEP = 1e-4  # of differences, in standard errors
_WHOSE = {"average": " (averaged over groups)", "typical": " (in a typical group)", "given": " (in the rows' own groups)"}


@dataclass(frozen=True, repr=False)
class GeneralizedMargins(Margins):
    """Margins of a generalized model; `fit.margins` makes them."""

    def _repr_html_(self):
        return html_table(*self._shown(), caption=f"{self.kind} of {self.outcome}",
                          note="Delta-method standard errors.")


def generalized_margins(fit, over=None, at=None, *, dydx=None, level: float = 0.95, groups: str = "average",
                        scale: str = "response") -> Margins:
    """Average expected outcomes at chosen values of predictors, or average marginal effects on them.

    Parameters
    ----------
    fit : GlmmResult
    over, at, dydx, level
        As for `mlm.margins`.
    groups : {"average", "typical", "given"}
        Expected outcomes averaged over groups (Stata's ``margins`` after ``melogit``), of a group whose random effects
        are zero (``predict(mu fixed)``), or of the groups of the rows, their effects taken as predicted.
    scale : {"response", "link"}
        Expected outcomes, or linear predictors with random effects of zero.

    Returns
    -------
    Margins

    Raises
    ------
    DataError, ValueError
        For columns that the model does not have, or other values of the options.

    Notes
    -----
    Chapter 16 (``16_binary``).  Of a binomial outcome the margin is a probability, of counts the expected count at the
    exposure that the rows have.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size")
    >>> fit.margins("period").table["margin"].round(3).tolist()
    [0.216, 0.097, 0.086, 0.057]
    >>> fit.margins("period", groups="typical").table["margin"].round(3).tolist()
    [0.198, 0.084, 0.074, 0.048]
    """
    check_level(level)
    if groups not in _WHOSE:
        raise ValueError(f"groups={groups!r} must be 'average', 'typical' or 'given'.")
    if scale not in ("response", "link"):
        raise ValueError(f"scale={scale!r} must be 'response' or 'link'.")
    if scale == "link" and (groups != "typical" or fit.density.K > 1 or hasattr(fit, "outcomes")):
        raise ValueError("scale='link' is for groups='typical' of one outcome with one linear predictor: elsewhere "
                         "averages are of expected outcomes. Leave scale= out, or say groups='typical'.")
    columns, fixed = _columns(fit)
    keys, labels, points = asked(columns, fixed, over, at, dydx)
    outcomes = list(getattr(fit, "outcomes", ()))
    rows, estimates, gradients = [], [], []
    for row, parts in points:
        found = [(weight, _mean(fit, _raw(table), groups, scale)) for weight, table in parts]
        estimates.append(sum(weight * value for weight, (value, _) in found))
        gradients.append(sum(weight * gradient for weight, (_, gradient) in found))
        rows += [(*row, *outcome) for outcome in ([(one,) for one in outcomes] or [()])]
    G, V = np.concatenate(gradients), np.where(np.isfinite(fit._x_cov), fit._x_cov, 0.0)
    keys = (*keys, *(["outcome"] if outcomes else []))
    what = "linear predictor" if scale == "link" else _what(fit)
    kind = f"Average marginal effects on the {what}" if dydx else f"Predictive margins, the {what}"
    kind += _WHOSE[groups] if fit.design.random else ""
    return GeneralizedMargins(keys, tuple(rows), tuple(np.concatenate(estimates).tolist()), G @ V @ G.T, level, None,
                              fit.spec.endog_name, kind, labels)


def asked(columns: dict, fixed: dict, over, at, dydx) -> tuple[tuple, dict, list]:
    """The names of a table's columns, the categories among them, and for each margin its row and the weighted columns whose means
    add up to it."""
    over = [over] if isinstance(over, str) else list(over or [])
    dydx = [dydx] if isinstance(dydx, str) else list(dydx or [])
    for name in (*over, *dydx, *(at or {})):
        _known(name, fixed, "over" if name in over else "dydx" if name in dydx else "at")
    at = {name: _values(given, columns, name) for name, given in (at or {}).items()}
    for name in dydx:
        if name in over or name in at:
            raise DataError(f"{name!r} cannot be both varied (dydx) and fixed (over or at).")
    steps = {name: at.pop(name) if name in at else _own_values(columns[name], name) for name in over} | at
    points = []
    for point in product(*steps.values()):
        moved = columns | {name: _constant(v, columns[name]) for name, v in zip(steps, point)}
        if not dydx:
            points.append((point, [(1.0, moved)]))
        points += [((label, *point), parts) for name in dydx for label, parts in _differences(moved, name)]
    labels = {name: levels for name in steps if (levels := _levels(columns[name])) is not None}
    return (*(["effect of"] if dydx else []), *steps), labels, points


def _what(fit) -> str:
    """What the expected outcome is."""
    return ("probability" if getattr(fit.family, "support", "") == "unit" and fit.family.discrete else
            "expected count" if getattr(fit.family, "discrete", False) else "mean")


def _columns(fit) -> tuple[dict, dict]:
    """All columns that predictions read, rows used, and those of the fixed part."""
    formulas = [part.formula for part in getattr(fit.design, "parts", ())] or [fit.design.formula]
    zero = getattr(fit.model, "zero", None)
    formulas += [zero.formula] if zero is not None else []
    fixed, random = set(), set()
    for formula in formulas:
        fixed |= {factor for term in formula.fixed for factor in term} | set(formula.offsets)
        random |= {factor for term in formula.random for own in (*term.terms, term.group) for factor in own}
    exposures = [fit.model.exposure_option, *(asked["exposure"] for asked in getattr(fit.model, "asked", ()))]
    others = {name for factor in random for name in factor.columns} | {one for one in exposures if isinstance(one, str)}
    return read_columns(fit.design, fixed, others)


def read_columns(design, fixed: set, others: set) -> tuple[dict, dict]:
    """The rows used of all columns of the factors `fixed` and of `others`, and of those of `fixed` alone."""
    table, read = Table(design.data), {}
    inside = {name for factor in fixed for name in factor.columns}
    keep = slice(None) if design.kept is None else design.kept
    for name in sorted(inside | others):
        column = table[name]
        read[name] = column.take(keep) if isinstance(column, Categorical) else column[keep]
    if not read:
        read[""] = np.zeros(len(design.y))
    return read, {name: column for name, column in read.items() if name in inside}


def _differences(columns: dict, name: str):
    """Label, and the weighted columns whose difference is the effect of one predictor."""
    column = columns[name]
    levels = _levels(column)
    if levels is not None:
        first, *others = levels
        base = {**columns, name: _constant(first, column)}
        for other in others:
            yield f"{name}: {other} vs {first}", [(1.0, {**columns, name: _constant(other, column)}), (-1.0, base)]
        return
    h = 1e-4 * (np.std(column) or 1.0)
    yield name, [(0.5 / h, {**columns, name: column + h}), (-0.5 / h, {**columns, name: column - h})]


def _mean(fit, table: dict, groups: str, scale: str) -> tuple[np.ndarray, np.ndarray]:
    """Means over rows, shape (k,), and their gradients in (b, theta, psi), shape (k, P)."""
    if fit.density.K > 1 or hasattr(fit, "outcomes"):
        return _by_differences(fit, table, groups)
    from ..glmm.prediction import mean_and_gradient
    at = _moved(fit, table, groups)
    if scale == "link":
        return np.array([at.eta.mean()]), at.gradient.mean(axis=0)[None]
    value, gradient, _ = mean_and_gradient(fit, at)
    return np.array([value.mean()]), gradient.mean(axis=0)[None]


def _moved(fit, table: dict, groups: str):
    """Linear predictors of the rows of the fit with other predictors; offset and exposure stay what they are."""
    from ..glmm.predictors import Predictors, _known
    from ..lmm.factors import factor_names
    from ..new_rows import new_rows
    design, P = fit.design, len(fit._at.x)
    X = design.fixed_matrix(table)
    shift = fit.model.offset
    if design.formula.offsets:
        own = design.offset_of(table)
        shift = shift + own - design.offset_of(_raw(_columns(fit)[0]))
    n, p = X.shape
    eta, gradient = X @ fit._params[:p] + shift, np.zeros((n, P))
    gradient[:, :len(fit._params)] = X @ fit._back[:p]
    variance, slopes = np.zeros(n), np.zeros((n, P))
    rows = {group: new_rows(design, group, table, groups == "given") for group in factor_names(design)}
    for group, own in rows.items() if groups == "average" else ():
        variance += own.variance_of_new(fit._T_of(group))
        for k, change in fit._T_slopes(group):
            slopes[:, k] += own.variance_of_new(change)
    if groups == "given" and rows:
        moved, turned, _ = _known(fit, rows, True)
        eta, gradient = eta + moved, gradient + turned
    return Predictors(eta, gradient, np.zeros(n), variance, slopes, variance)


def _by_differences(fit, table: dict, groups: str) -> tuple[np.ndarray, np.ndarray]:
    """The same for several linear predictors, the gradient by differences over all parameters."""
    criterion, at = fit.model.criterion, fit._at

    def means(x):
        there = replace(fit._found, at=criterion(x, criterion.ahead(at, x), gradient=False))
        return np.atleast_1d(np.asarray(type(fit)(fit.model, there).predict(table, groups=groups).mean(), dtype=float))

    se = np.sqrt(np.diagonal(fit._x_cov))
    value = means(at.x)
    gradient = np.zeros((len(value), len(se)))
    for k in np.flatnonzero(np.isfinite(se)):
        sides = []
        for sign in (1.0, -1.0):
            x = at.x.copy()
            x[k] += sign * _STEP * se[k]
            sides.append(means(x))
        gradient[:, k] = (sides[0] - sides[1]) / (2.0 * _STEP * se[k])
    return value, gradient
