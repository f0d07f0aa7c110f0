"""The reference grid: every combination of the categories, numbers at their means; and the averaging over it.

Chapter 8 (``08_inference``) lays a grid out by hand and averages it with equal and with proportional weights.

References
----------
Searle, S. R., Speed, F. M., & Milliken, G. A. (1980). Population marginal means in the linear model: an alternative
to least squares means. The American Statistician, 34, 216-221.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from ..table import Categorical
from .families import numeric
from .margins import _columns, _plain

__all__ = ["WEIGHTS", "Grid", "reference_grid"]

WEIGHTS = ("equal", "proportional", "cells")
_LARGEST = 20_000  # cells


@dataclass(frozen=True)
class Grid:
    """A reference grid; the arrays have an axis for each name in `levels`, in that order.

    Attributes
    ----------
    levels : dict of str to list
        The values that the grid steps through.
    held : dict of str to float
        The numbers that are held at their mean.
    factors : tuple of str
        Those of `levels` whose combinations are counted in the data; the others were given as values.
    X : ndarray, shape (..., p)
        The fixed-effects row of each cell.
    offset : ndarray, shape (...)
    count : ndarray, shape (...)
        Rows of the data in each cell, or the sum of their case weights.
    """

    levels: dict
    held: dict
    factors: tuple
    X: np.ndarray
    offset: np.ndarray
    count: np.ndarray

    def average(self, names, weights: str):
        """Rows of X averaged over all but `names`: rows (first name fastest), C, shape (k, p), offsets and empty cells.

        Parameters
        ----------
        names : sequence of str
        weights : {"equal", "proportional", "cells"}

        Returns
        -------
        rows : tuple of tuple
            The values of `names`.
        C : ndarray, shape (k, p)
        offset : ndarray, shape (k,)
        empty : tuple of int
            How many of the cells that count in the averages have no row in the data, and how many there are.
        """
        order = list(self.levels)
        kept = tuple(order.index(name) for name in names)
        gone = tuple(axis for axis in range(len(order)) if axis not in kept)
        count = self.count.transpose(kept + gone)
        X, offset = self.X.transpose(kept + gone + (len(order),)), self.offset.transpose(kept + gone)
        shape = count.shape[:len(kept)]
        count = count.reshape(*shape, -1)
        X, offset = X.reshape(*count.shape, X.shape[-1]), offset.reshape(count.shape)
        over = tuple(range(len(shape)))
        if weights == "equal":
            weight = np.ones(count.shape)
        elif weights == "proportional":
            weight = np.broadcast_to(count.sum(axis=over), count.shape)
        else:
            weight = count
        total = weight.sum(axis=-1, keepdims=True)
        if not (total > 0).all():
            empty = self._describe(names, np.argwhere(total[..., 0] == 0)[0])
            raise DataError(f"No row of the data has {empty}, so there are no counts to average by; use "
                            "weights='equal' or 'proportional'.")
        weight = weight / total
        C, shift = np.einsum("...c,...cp->...p", weight, X), np.einsum("...c,...c->...", weight, offset)
        rows = [tuple(self.levels[name][i] for name, i in zip(names, place[::-1]))
                for place in np.ndindex(*shape[::-1])]
        back = tuple(range(len(shape)))[::-1]
        void = int(((count == 0) & (weight > 0)).sum()), int((weight > 0).sum())
        return (tuple(rows), np.ascontiguousarray(C.transpose(back + (len(shape),)).reshape(-1, C.shape[-1])),
                shift.transpose(back).reshape(-1), void)

    def _describe(self, names, place) -> str:
        return ", ".join(f"{name} = {self.levels[name][i]}" for name, i in zip(names, place))


def reference_grid(fit, at=None) -> Grid:
    """The reference grid of a fit's fixed part.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    at : dict, optional
        Values of predictors, ``{"homework": [1, 3]}``: numbers, or some of the categories. Without it a category
        takes all its values, a number its mean; a number with two values in the data takes both, as R's emmeans has
        it.

    Returns
    -------
    Grid

    Raises
    ------
    DataError
        For a name that is not in the fixed part, a value that is no category, or a grid too large to lay out.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.ols("math ~ schtype + homework", mlm.load("math"))
    >>> grid = reference_grid(fit)
    >>> grid.levels, round(grid.held["homework"], 3), grid.X.round(3).tolist()
    ({'schtype': ['Private', 'Public']}, 1.971, [[1.0, 0.0, 1.971], [1.0, 1.0, 1.971]])
    """
    columns = {name: column for name, column in _columns(fit).items() if name}
    at = dict(at or {})
    for name in at:
        known(fit, name, columns, "at=")
    levels, held, factors = {}, {}, []
    for name in _in_order(fit, columns):
        categories = _categories(fit, name, columns[name])
        if categories is None and name not in at:
            values = np.unique(columns[name])
            if len(values) > 2:
                mean = float(np.mean(columns[name]))
                held[name] = mean if abs(mean) > 1e-13 * np.abs(values).max() else 0.0  # a centered column
                continue
            categories = _plain(values.tolist())
        if categories is not None:
            factors.append(name)
        levels[name] = _chosen(name, at[name], categories) if name in at else categories
    size = int(np.prod([len(values) for values in levels.values()], dtype=float))
    if size > _LARGEST:
        many = max(levels, key=lambda name: len(levels[name]))
        raise DataError(f"The reference grid would have {size:,} cells, most of them because {many!r} has "
                        f"{len(levels[many])} values; give some of them, at={{{many!r}: [...]}}.")
    shape = tuple(len(values) for values in levels.values())
    X = fit.spec.fixed_matrix(cells(levels, held)).reshape(*shape, -1)
    return Grid(levels, held, tuple(factors), X, offsets(fit, levels, held).reshape(shape),
                _counts(fit, columns, levels, factors, shape))


def cells(levels: dict, held: dict, **moved) -> dict:
    """The table of all combinations, the last name fastest; `moved` replaces or shifts a column (a function of it)."""
    shape = [len(values) for values in levels.values()]
    size = int(np.prod(shape, dtype=int))
    table = {}
    for (name, values), place in zip(levels.items(), np.indices(shape).reshape(len(shape), size)):
        column = np.empty(len(values), dtype=float if all(map(numeric, values)) else object)
        column[:] = values
        table[name] = column[place]
    table.update({name: np.full(size, value) for name, value in held.items()})
    for name, change in moved.items():
        table[name] = change(table[name])
    return table or {"": np.zeros(1)}


def offsets(fit, levels, held, **moved) -> np.ndarray:
    """The offset of every cell: the formula's at the cell's values, that of ``offset=`` at its mean."""
    design, table = fit.spec, cells(levels, held, **moved)
    size = len(next(iter(table.values())))
    if design.offset is None:
        return np.zeros(size)
    if not design.formula.offsets:
        return np.full(size, float(design.offset.mean()))
    from ..design import _evaluate
    from ..table import Table
    from ..transforms import Memory
    at_cells, at_rows = Table(table), Table({k: v for k, v in _columns(fit).items() if not isinstance(v, Categorical)})
    own = sum(_evaluate(factor, at_cells, Memory()) for factor in design.formula.offsets)
    seen = sum(_evaluate(factor, at_rows, Memory()) for factor in design.formula.offsets)
    return own + float(np.mean(design.offset - seen))  # an offset= option besides, at its mean


def known(fit, name, columns, option) -> None:
    """Refuse a name that is no column of the fixed part, saying what it is instead."""
    if name in columns:
        return
    groups = [term.group for term in fit.spec.random]
    named = ", ".join(map(repr, columns)) or "none"
    why = "is not in the fixed part of the model"
    if name in groups:
        why = "groups the random effects, whose levels are in fit.random_effects"
    raise DataError(f"{option} names {name!r}, which {why}. The columns of the fixed part: {named}.")


def _in_order(fit, columns) -> list:
    """The columns in the order of the formula."""
    factors = [f for term in fit.spec.formula.fixed for f in term] + list(fit.spec.formula.offsets)
    return [name for name in dict.fromkeys(name for factor in factors for name in factor.columns) if name in columns]


def _categories(fit, name, column):
    """The categories of a column in the order of the design; None for a number."""
    infos = fit.spec.encoder.infos
    for factor in dict.fromkeys(factor for term in fit.spec.formula.fixed for factor in term):
        if name in factor.columns and infos[factor].levels is not None:
            found = infos[factor].levels.tolist()
            return _plain(found) if not isinstance(column, Categorical) else found
    return column.used().levels.tolist() if isinstance(column, Categorical) else None


def _chosen(name, given, categories):
    """The values asked for by at=, as a list."""
    values = [given] if isinstance(given, str) or np.ndim(given) == 0 else list(given)
    if not values:
        raise DataError(f"at={{{name!r}: []}} gives no value.")
    text = categories is not None and any(isinstance(c, (str, bool, np.bool_)) for c in categories)
    if not text and not all(isinstance(v, (int, float, np.number)) and np.isfinite(v) for v in values):
        raise DataError(f"at={{{name!r}: ...}} needs finite numbers, because {name!r} is a column of numbers.")
    strange = [v for v in values if categories is not None and v not in categories]
    if strange:
        raise DataError(f"{strange[0]!r} is no category of {name!r}, which has {', '.join(map(repr, categories))}.")
    if len(set(values)) < len(values):
        raise DataError(f"at={{{name!r}: ...}} gives a value twice.")
    return values if text else _plain(values)


def _counts(fit, columns, levels, factors, shape) -> np.ndarray:
    """Rows (or case weights) of the data in each combination of the factors, the same along every other axis."""
    weights = np.ones(len(fit.spec.y)) if fit.spec.weights is None else fit.spec.weights
    place, inside = [], np.ones(len(weights), dtype=bool)
    for name, values in levels.items():
        if name not in factors:
            place.append(np.zeros(len(weights), dtype=int))
            continue
        column = columns[name]
        own = column.levels.tolist() if isinstance(column, Categorical) else np.unique(column).tolist()
        codes = column.codes if isinstance(column, Categorical) else np.searchsorted(own, column)
        code = np.array([values.index(v) if v in values else -1 for v in own])[codes]
        inside &= code >= 0
        place.append(code)
    counted = [size if name in factors else 1 for name, size in zip(levels, shape)]
    cell = np.ravel_multi_index([p[inside] for p in place], counted) if counted else np.zeros(inside.sum(), dtype=int)
    count = np.bincount(cell, weights[inside], int(np.prod(counted, dtype=int)))
    return np.broadcast_to(count.reshape(counted), shape)
