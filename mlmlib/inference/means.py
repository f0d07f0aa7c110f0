"""Estimated marginal means and slopes: what a model with interactions says, in means that can be compared.

A marginal mean is the prediction of the fixed part, averaged over a grid that gives every combination of the other
categories the same weight (or its share in the data), numbers held at their mean. These are the numbers of R's
emmeans; Stata's `margins`, which averages over the rows of the data, is `mlmlib.inference.margins`.

Chapter 8 (``08_inference``) derives them and the adjustments for many comparisons.

References
----------
Searle, S. R., Speed, F. M., & Milliken, G. A. (1980). Population marginal means in the linear model: an alternative
to least squares means. The American Statistician, 34, 216-221.
Lenth, R. V. (2022). emmeans: Estimated marginal means, aka least-squares means (R package, version 1.8).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..display import number
from ..given import takes_fit
from ..errors import DataError
from ..results import refuse_levels
from ..table import Categorical
from .estimates import Estimates
from .families import plain
from .grid import WEIGHTS, Grid, cells, known, offsets, reference_grid
from .margins import _columns
from .response_scale import check_scale

__all__ = ["emmeans", "emtrends"]

_DDF = {"asymptotic": "wald"}


@takes_fit
def emmeans(
    fit, over=None, *, by=None, at=None, weights="equal", ddf=None, adjust="none", level=0.95, seed=1, type="link"
) -> Estimates:
    """Estimated marginal means.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    over : str or list of str, optional
        The categories whose means are asked for; of several, their cells. A number needs values, in `at`. The
        overall mean when left out.
    by : str or list of str, optional
        Categories that split the means into families: contrasts are taken within each.
    at : dict, optional
        Values of predictors, ``{"homework": [1, 3, 5]}``. A number not named is held at its mean, or averaged over
        its two values if it has only two.
    weights : {"equal", "proportional", "cells"}
        How the other categories are averaged: all combinations alike; in proportion to their frequency in the data
        (or the sum of their case weights); or, ``"cells"``, in proportion to their frequency in the cell itself.
    ddf : str, optional
        ``"satterthwaite"``, ``"kenward-roger"``, or ``"wald"`` (``"asymptotic"``): z. When left out satterthwaite
        for a mixed model; after least squares t with the residual degrees of freedom.
    adjust : str
        For simultaneous intervals: ``"bonferroni"``, ``"sidak"``, ``"mvt"`` or ``"scheffe"``.
    level : float
    seed : int
        Of the integration by ``"mvt"``.
    type : {"link", "response"}
        Of a generalized model: means of the linear predictor, or these carried back to the scale of the outcome; contrasts
        are ratios of odds (logit) or of means (log) then, tested as on the link scale.

    Returns
    -------
    Estimates
        ``.table``, ``.contrast(...)``, ``.joint_test()``, ``.explain()``, ``.plot()``.

    Raises
    ------
    DataError
        For a name that is not in the fixed part, a number without values, a value that is no category, an empty
        cell where its rows are to be counted.

    Notes
    -----
    Chapter 8 (``08_inference``). With C the averaged rows of the grid the means are ``C gamma`` with covariance ``C
    V C'``. A cell without rows still has a mean where the model has no interaction for it (the sum of its main
    effects); a note says so. Where it has one, the fit itself was refused, because the interaction's column was
    zero.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("math ~ schtype * homework + (1 | schid)", mlm.load("math"))
    >>> means = mlm.emmeans(fit, "schtype", at={"homework": [1, 3]}, by="homework", ddf="kenward-roger")
    >>> means.table[["homework", "schtype", "mean", "se"]].round(2).values.tolist()
    [[1, 'Private', 51.99, 1.73], [1, 'Public', 47.13, 1.22], [3, 'Private', 56.38, 1.7], [3, 'Public', 52.24, 1.32]]
    >>> means.contrast("pairwise").table[["homework", "estimate", "df", "p"]].round(3).values.tolist()
    [[1.0, 4.857, 24.071, 0.031], [3.0, 4.14, 25.022, 0.066]]
    """
    _one_outcome(fit)
    refuse_levels(fit, "emmeans")
    over, by = _names(over), _names(by)
    check_scale(fit, type, (*over, *by, *(at or {})))
    grid = _grid(fit, over, by, at, weights)
    asked = [*over, *by]
    rows, C, shift, empty = grid.average(asked, weights)
    notes = _notes(fit, grid, asked, weights, empty, ())
    found = _estimates(fit, ("Estimated marginal means", "mean"), over, by, grid, (rows, C, shift), notes,
                       (ddf, adjust, level, seed))
    return found if type == "link" else replace(found, type=type)


@takes_fit
def emtrends(
    fit, var, over=None, *, by=None, at=None, weights="equal", ddf=None, adjust="none", level=0.95, seed=1
) -> Estimates:
    """Slopes of a number, averaged over the reference grid, for each category of others.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    var : str
        The number whose slope is asked for.
    over, by, at, weights, ddf, adjust, level, seed
        As in `emmeans`. Where `var` enters as a curve the slope is that at its mean, or at the values in `at`.

    Returns
    -------
    Estimates
        With tests that a slope is zero.

    Raises
    ------
    DataError
        As `emmeans`, and if `var` is a category.

    Notes
    -----
    Chapter 8 (``08_inference``). The slope is a central difference of the rows of the grid, exact for straight
    lines and parabolas. R's emtrends takes a forward difference over a thousandth of the range, so that slopes of
    curves differ in the fourth digit.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("math ~ schtype * homework + (1 + homework | schid)", mlm.load("math"))
    >>> slopes = mlm.emtrends(fit, "homework", over="schtype", ddf="kenward-roger")
    >>> slopes.table.set_index("schtype")["slope"].round(2).to_dict()
    {'Private': 2.29, 'Public': 1.8}
    """
    _one_outcome(fit)
    over, by = _names(over), _names(by)
    columns = {name: column for name, column in _columns(fit).items() if name}
    if not isinstance(var, str):
        raise DataError(f"var={var!r} must be the name of one column of numbers.")
    known(fit, var, columns, "var=")
    check_scale(fit, "link", (var, *over, *by, *(at or {})))
    grid = _grid(fit, over, by, at, weights)
    if isinstance(columns[var], Categorical) or (var in grid.factors and len(grid.levels[var]) > 2):
        raise DataError(f"{var!r} is a category, which has no slope; compare its means: "
                        f"mlm.emmeans(fit, {var!r}).contrast('pairwise').")
    asked = [*over, *by]
    step = 1e-4 * (float(np.std(columns[var])) or 1.0)
    up, down = (_moved(fit, grid, var, move) for move in (step, -step))
    shape = grid.offset.shape
    slope = Grid(grid.levels, grid.held, grid.factors, ((up[0] - down[0]) / (2 * step)).reshape(grid.X.shape),
                 ((up[1] - down[1]) / (2 * step)).reshape(shape), grid.count)  # fmt: skip
    rows, C, shift, empty = slope.average(asked, weights)
    scale = np.abs(grid.X).reshape(-1, C.shape[1]).max(axis=0) / step
    C = np.where(np.abs(C) < 1e-13 * scale, 0.0, C)  # what rounding left of columns that do not move
    notes = _notes(fit, slope, asked, weights, empty, (var,))
    return _estimates(fit, (f"Slopes of {var}", "slope"), over, by, slope, (rows, C, shift), notes,
                      (ddf, adjust, level, seed))


def _names(given) -> list:
    names = [given] if isinstance(given, str) else list(given or [])
    if not all(isinstance(name, str) for name in names):
        raise DataError(f"Name the categories as text: {names!r} holds something else.")
    return list(dict.fromkeys(names))


def _grid(fit, over, by, at, weights) -> Grid:
    if weights not in WEIGHTS:
        raise ValueError(f"weights={weights!r} is not known; choose one of {', '.join(map(repr, WEIGHTS))}.")
    columns = {name: column for name, column in _columns(fit).items() if name}
    for option, names in (("over=", over), ("by=", by)):
        for name in names:
            known(fit, name, columns, option)
    both = [name for name in over if name in by]
    if both:
        raise DataError(f"{both[0]!r} stands in both over= and by=; it can be in one.")
    grid = reference_grid(fit, at)
    for name in (*over, *by):
        if name in grid.held:
            raise DataError(f"{name!r} is a number, not a category. Give the values that its means are asked at, "
                            f"at={{{name!r}: [...]}}, or ask for its slope: mlm.emtrends(fit, {name!r}).")
    return grid


def _moved(fit, grid, var, step):
    """Rows and offsets of the grid with one number moved."""
    move = {var: lambda column: column.astype(float) + step}
    return fit.spec.fixed_matrix(cells(grid.levels, grid.held, **move)), offsets(fit, grid.levels, grid.held, **move)


def _notes(fit, grid, asked, weights, empty, trend) -> tuple:
    """What was averaged and held, and where the means may mislead."""
    notes = []
    averaged = [name for name, values in grid.levels.items() if name not in asked and len(values) > 1]
    if averaged:
        how = {"equal": "equal weights", "proportional": "weights in proportion to their frequency",
               "cells": "weights of their own counts"}
        notes.append(f"Averaged over {', '.join(averaged)} with {how[weights]}.")
    fixed = [f"{name} at {plain(values[0])}" for name, values in grid.levels.items()
             if name not in asked and len(values) == 1]
    held = [f"{name} at its mean, {number(value)}" for name, value in grid.held.items() if name not in trend]
    if fixed or held:
        notes.append(f"Held: {'; '.join([*fixed, *held])}.")
    own = {*asked, *trend}
    mixed = []
    for term in fit.spec.formula.fixed:
        named = {name for factor in term for name in factor.columns}
        if named & own:
            mixed += [name for name in grid.levels | grid.held if name in named - own]
    if mixed:
        notes.append(f"The model lets these depend on {', '.join(dict.fromkeys(mixed))}: they hold for the average or "
                     "the value stated.")
    if empty[0]:
        notes.append(f"{empty[0]} of the {empty[1]} cells averaged have no row in the data; the model fills them in.")
    if getattr(getattr(fit, "model", None), "exposure_option", None) is not None:
        notes.append("For an exposure of 1.")
    if getattr(getattr(fit, "model", None), "zero", None) is not None:
        notes.append("Of the counts' own distribution, apart from the zero part.")
    if not getattr(fit, "converged", True):
        notes.append("The fit did not converge.")
    return tuple(notes)


def _estimates(fit, what, over, by, grid, averaged, notes, options) -> Estimates:
    """The result, columns of `by` first."""
    (kind, value), (rows, C, shift), (ddf, adjust, level, seed) = what, averaged, options
    rows = tuple(row[len(over):] + row[:len(over)] for row in rows)
    ddf = _DDF.get(ddf, ddf) or ("wald" if fit.reml is None or hasattr(fit, "density") else "satterthwaite")
    C = np.pad(C, ((0, 0), (0, len(fit._names) - C.shape[1])))  # a zero part has coefficients of its own
    order = {name: values for name, values in grid.levels.items()
             if name in (*over, *by) and any(isinstance(v, (str, bool, np.bool_)) for v in values)}
    return Estimates(fit, kind, value, (*by, *over), rows, tuple(by), C, shift, ddf, adjust, level,
                     tested=value == "slope", notes=notes, seed=seed, order=order)


def _one_outcome(fit) -> None:
    """Refuse a model of several outcomes, whose grid would have them among its columns."""
    if hasattr(fit, "outcomes"):
        more = "" if hasattr(fit, "density") else ", interval='confidence'"  # generalized ones have no interval for several
        raise DataError("Estimated means and trends are there for models of one outcome; for several, "
                        f"fit.predict(data, random_effects=False{more}) gives each outcome's means.")
