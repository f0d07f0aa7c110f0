"""Margins: the average prediction at chosen values, and average marginal effects, with delta-method standard errors.

The whole sample is moved to each chosen value, the fixed part of every row is predicted, and the predictions are
averaged: the margin is g'gamma, with g the mean of the rows of X so moved. Its standard error is sqrt(g' V g), V
being the covariance of the coefficients: for a linear prediction the delta method is exact. Random effects are zero
throughout (the average group). These are the numbers of Stata's `margins` after `regress` and `mixed`.

Chapter 1 (`01_linear_model`) derives them and draws them; the later chapters use them to read interactions.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from ..display import html_table, number, text_table
from ..given import takes_fit
from ..errors import DataError
from ..results import check_level, refuse_levels
from ..table import Categorical, Table

__all__ = ["Margins", "margins"]

MOST_VALUES = 20  # of a number given as over=


@dataclass(frozen=True, repr=False)
class Margins:
    """Margins or average marginal effects, one a row of `table`.

    `table` is a DataFrame: the values set (a column each), then margin, se, z (or t), pvalue, lower, upper. `cov` is
    the covariance matrix of the margins, for contrasts between them.
    """

    keys: tuple
    rows: tuple
    estimates: tuple
    cov: np.ndarray
    level: float
    df: float | None
    outcome: str
    kind: str
    categories: dict

    @property
    def table(self):
        from .. import frames as pd

        out = pd.DataFrame(list(self.rows), columns=list(self.keys), index=range(len(self.estimates)))
        for name, levels in self.categories.items():
            out[name] = pd.Categorical(out[name], levels)
        estimates, se = np.array(self.estimates), np.sqrt(np.maximum(np.diagonal(self.cov), 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = estimates / se
        half = self._quantile() * se
        tests = {"z" if self.df is None else "t": ratio, "pvalue": self._pvalues(ratio)}
        return out.assign(margin=estimates, se=se, **tests, lower=estimates - half, upper=estimates + half)

    def __len__(self):
        return len(self.estimates)

    def plot(self, ax=None, **options):
        """The margins with their intervals, a line a category along the numeric value (marginsplot)."""
        from .. import plots

        return plots.margins(self, ax=ax, **options)

    def _quantile(self):
        from scipy.special import ndtri, stdtrit

        tail = 0.5 + self.level / 2
        return float(ndtri(tail) if self.df is None else stdtrit(self.df, tail))

    def _pvalues(self, ratio):
        from scipy.special import ndtr, stdtr

        return 2 * (ndtr(-np.abs(ratio)) if self.df is None else stdtr(self.df, -np.abs(ratio)))

    def _shown(self):
        table = self.table
        spread = table["se"][table["se"] > 0].min()
        digits = 3 if spread != spread else int(max(1, 2 - np.floor(np.log10(spread))))
        header = [c for c in table.columns if c not in ("lower", "upper")] + [f"{100 * self.level:g} % interval"]
        rows = []
        for _, row in table.iterrows():
            cells = [number(row[k]) if isinstance(row[k], float) else str(row[k]) for k in self.keys]
            test = f"{row['z' if self.df is None else 't']:.2f}"
            p = "< 0.001" if row["pvalue"] < 0.001 else f"{row['pvalue']:.3f}"
            ends = f"{row['lower']:.{digits}f} to {row['upper']:.{digits}f}"
            rows.append([*cells, f"{row['margin']:.{digits}f}", f"{row['se']:.{digits}f}", test, p, ends])
        return header, rows

    def __repr__(self):
        return f"{self.kind} of {self.outcome}, delta-method standard errors\n{text_table(*self._shown())}"

    def _repr_html_(self):
        title = f"{self.kind} of {self.outcome}"
        return html_table(*self._shown(), caption=title,
                          note="Delta-method standard errors; any random effects at zero.")


@takes_fit
def margins(fit, over=None, at=None, *, dydx=None, level=0.95, **options):
    """Average predictions at chosen values of predictors, or average marginal effects.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    over : str or list of str, optional
        Predictors to step through all their values: the categories of a category, the distinct values of a number. As
        `margins schtype` in Stata, every row is given each value in turn (which is not Stata's over() option).
    at : dict, optional
        Predictors to fix: {"homework": [1, 2, 3]}. Several lists are crossed. "mean" stands for the mean of a number.
        Predictors in neither keep the values that the rows have.
    dydx : str or list of str, optional
        Ask for the average effect of these on the prediction in place of the prediction: of a number its slope, of a
        category the difference of each other category from the first.
    level : float
    **options
        Of generalized models ``groups`` and ``scale``: see `mlmlib.inference.generalized_margins.generalized_margins`; of
        marginal ones ``scale``: `mlmlib.inference.marginal_margins.marginal_margins`.

    Returns
    -------
    Margins

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.ols("math ~ schtype * homework", mlm.load("math"), method="ml")
    >>> m = mlm.margins(fit, over="schtype", at={"homework": [1, 5]})
    >>> m.table["margin"].round(3).tolist(), m.table["se"].round(3).tolist()
    ([52.292, 63.413, 47.197, 56.678], [0.873, 1.157, 0.589, 1.554])
    >>> round(float(mlm.margins(fit, dydx="homework").table["margin"].iloc[0]), 3)
    2.53
    """
    if hasattr(fit, "categories") and hasattr(fit, "_mean_at"):
        return fit.margins(over, at, dydx=dydx, level=level, **options)
    if hasattr(fit, "density") or "clusterings" in fit.__dict__:  # a robust fit says where to look
        return fit.margins(over, at, dydx=dydx, level=level, **options)
    if getattr(fit, "_marginal", False):
        from .marginal_margins import marginal_margins
        return marginal_margins(fit, over, at, dydx=dydx, level=level, **options)
    if not dydx:
        refuse_levels(fit, "margins")
    if options:
        raise TypeError(f"margins() of a linear model has no option {next(iter(options))!r}.")
    check_level(level)
    columns = _columns(fit)
    over = [over] if isinstance(over, str) else list(over or [])
    dydx = [dydx] if isinstance(dydx, str) else list(dydx or [])
    at = {name: _values(given, columns, name) for name, given in (at or {}).items() if _known(name, columns, "at")}
    for name in (*over, *dydx):
        _known(name, columns, "over" if name in over else "dydx")
    for name in dydx:
        if name in over or name in at:
            raise DataError(f"{name!r} cannot be both varied (dydx) and fixed (over or at).")
    steps = {name: at.pop(name) if name in at else _own_values(columns[name], name) for name in over} | at
    rows, gradients, shifts = [], [], []
    for point in product(*steps.values()):
        moved = dict(columns) | {name: _constant(v, columns[name]) for name, v in zip(steps, point)}
        if not dydx:
            rows.append(point)
            gradients.append(_mean_row(fit, moved))
            shifts.append(_mean_offset(fit, moved))
        for name in dydx:
            for label, gradient, shift in _effects(fit, moved, name):
                rows.append((label, *point))
                gradients.append(gradient)
                shifts.append(shift)
    G = np.array(gradients)
    estimates = G @ fit._params + np.array(shifts)
    keys = (*(["effect of"] if dydx else []), *steps)
    labels = {name: levels for name in steps if (levels := _levels(columns[name])) is not None}
    kind = "Average marginal effects on the prediction" if dydx else "Predictive margins"
    cov, outcome = G @ fit._cov @ G.T, fit.spec.endog_name
    return Margins(keys, tuple(rows), tuple(estimates.tolist()), cov, level, fit._t_df, outcome, kind, labels)


def _columns(fit):
    """The columns that the fixed part reads, rows used by the fit."""
    design = fit.spec
    table = Table(design.data)
    factors = {f for term in design.formula.fixed for f in term} | set(design.formula.offsets)
    names = sorted({name for factor in factors for name in factor.columns})
    keep = slice(None) if design.kept is None else design.kept
    found = {}
    for name in names:
        column = table[name]
        found[name] = column.take(keep) if isinstance(column, Categorical) else column[keep]
    if not found:
        return {"": np.zeros(len(design.y))}
    return found


def _known(name, columns, option):
    if name not in columns or not name:
        named = ", ".join(map(repr, filter(None, columns))) or "none"
        raise DataError(f"{option}= names {name!r}, which is no column of the fixed part. Its columns: {named}.")
    return True


def _levels(column):
    return list(column.used().levels) if isinstance(column, Categorical) else None


def _own_values(column, name):
    values = _levels(column) or _plain(np.unique(column).tolist())
    if len(values) > MOST_VALUES:
        raise DataError(f"{name!r} has {len(values)} different values; choose some: at={{{name!r}: [...]}}.")
    return values


def _values(given, columns, name):
    """The values asked for, as a list; checked against the categories of the column."""
    values = [given] if isinstance(given, str) or np.ndim(given) == 0 else list(given)
    levels = _levels(columns[name])
    if levels is None:
        values = [round(float(np.mean(columns[name])), 12) if v == "mean" else v for v in values]
        if not all(isinstance(v, (int, float, np.number)) and np.isfinite(v) for v in values):
            raise DataError(f"at={{{name!r}: ...}} needs numbers (or 'mean'), because {name!r} is a column of numbers.")
        return _plain(values)
    strange = [v for v in values if v not in levels]
    if strange:
        raise DataError(f"{strange[0]!r} is no category of {name!r}, which has {', '.join(map(repr, levels))}.")
    return values


def _plain(values):
    """Whole numbers as int when all are, else floats, so that tables read well."""
    return [int(v) for v in values] if all(float(v).is_integer() for v in values) else [float(v) for v in values]


def _constant(value, column):
    if not isinstance(column, Categorical):
        return np.full(len(column), float(value))
    code = column.levels.tolist().index(value)
    return Categorical(np.full(len(column.codes), code), column.levels, column.contrast, column.name)


def _mean_row(fit, columns):
    return fit.spec.fixed_matrix(_raw(columns)).mean(axis=0)


def _mean_offset(fit, columns):
    """The offset is added as observed, but one that the formula reads moves with its columns."""
    design = fit.spec
    if design.offset is None:
        return 0.0
    return float(np.mean(design.offset_of(_raw(columns)))) if design.formula.offsets else float(design.offset.mean())


def _effects(fit, columns, name):
    """Label, mean gradient and shift of the effect of one predictor."""
    column = columns[name]
    levels = _levels(column)
    if levels is not None:
        first, *others = levels
        base = {**columns, name: _constant(first, column)}
        for other in others:
            moved = {**columns, name: _constant(other, column)}
            shift = _mean_offset(fit, moved) - _mean_offset(fit, base)
            yield f"{name}: {other} vs {first}", _mean_row(fit, moved) - _mean_row(fit, base), shift
        return
    h = 1e-4 * (np.std(column) or 1.0)
    up, down = {**columns, name: column + h}, {**columns, name: column - h}
    shift = (_mean_offset(fit, up) - _mean_offset(fit, down)) / (2 * h)
    yield name, (_mean_row(fit, up) - _mean_row(fit, down)) / (2 * h), shift


def _raw(columns):
    """Columns as a table that a design can read: categories by their labels."""
    return {name: np.asarray(c.levels, dtype=object)[c.codes] if isinstance(c, Categorical) else c
            for name, c in columns.items()}  # fmt: skip
