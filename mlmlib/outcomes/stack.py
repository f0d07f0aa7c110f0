"""From a table with several outcomes to the stacked design: a row for each outcome that a unit has.

Chapter 15 (``15_multivariate``) stacks a table by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..design import Design, RandomDesign, _outcome, build_design
from ..errors import DataError, FormulaError
from ..formula import Factor, parse
from ..table import Categorical, Table
from .encoder import OutcomeEncoder, cells

__all__ = ["StackedDesign", "long_table", "stack"]

_ANY = "every outcome"  # the column that is missing in rows without any outcome, as the message names it


@dataclass(frozen=True)
class StackedDesign(Design):
    """The design of several outcomes: as `Design`, rows being pairs of unit and outcome.

    Attributes
    ----------
    outcomes : tuple of str
    unit, outcome : ndarray of int, shape (n,)
        Of each row the unit, 0 .. n_units - 1, and the number of its outcome.
    wide : Design
        The predictors, a row a unit; its `data` are those given.
    """

    encoder: OutcomeEncoder
    outcomes: tuple[str, ...] = ()
    unit: np.ndarray | None = None
    outcome: np.ndarray | None = None
    wide: Design | None = None


def stack(formula: str, data, *, equal=(), only=None, weights=None) -> StackedDesign:
    """Build the design of a model with several outcomes.

    Parameters
    ----------
    formula : str
        ``"course + written ~ gender + (1 | school)"``.
    data : pandas or polars DataFrame, pyarrow Table, or dict of columns
    equal, only
        As for `mlm.multivariate`.
    weights : str or array, optional
        Of the units.

    Raises
    ------
    FormulaError, DataError
    """
    factors, right = _read(formula)
    table, outcomes = Table(data), tuple(factor.label for factor in factors)
    if not table.n:
        raise DataError("The data have no rows.")
    Y = np.column_stack([_values(factor, table) for factor in factors])
    have = np.isfinite(Y)
    columns = {name: data[name] for name in right.columns if name in table.names}
    for name in right.columns:
        table[name]  # says which column is not there, with the one that was probably meant
    columns[_ANY] = np.where(have.any(axis=1), np.arange(float(table.n)), np.nan)
    if isinstance(weights, str):
        weights = table[weights]
    wide = build_design(replace(right, response=Factor(_ANY, (_ANY,))), columns, weights=weights)
    used = np.arange(table.n) if wide.kept is None else np.flatnonzero(wide.kept)
    have = have[used]
    _check_pairs(have, outcomes)
    unit, code = np.nonzero(have)
    mark = Factor(*_free(table.names, "outcome"))
    encoder = OutcomeEncoder(wide.encoder, mark, outcomes, cells(wide.encoder, outcomes, equal, only))
    X = encoder.stack(np.ascontiguousarray(wide.X.T)[:, unit], code).T
    random = tuple(_random(term, mark, outcomes, unit, code) for term in wide.random)
    long = long_table(data, used[unit], code, outcomes, mark.label, unit)
    return StackedDesign(
        replace(right, text=formula), ", ".join(outcomes), tuple(encoder.names), Y[used][have], X, random,
        None if wide.weights is None else wide.weights[unit], None, None, (*wide.messages, *_told(have, outcomes)),
        long, encoder, None, outcomes, unit, code, replace(wide, data=data))


def _read(formula: str):
    """The outcomes and the right side of a formula."""
    if not isinstance(formula, str) or "~" not in formula:
        raise FormulaError("The formula must be text such as 'y1 + y2 ~ x + (1 | g)'.")
    left, _, predictors = formula.partition("~")
    read, right = parse(f"~ {left}"), parse(f"~ {predictors}")
    factors = [term[0] for term in read.fixed if len(term) == 1]
    if read.random or len(factors) + 1 != len(read.fixed):
        raise FormulaError(f"The left side {left.strip()!r} must be outcomes joined by +, as in 'y1 + y2 ~ x'.")
    if len(factors) < 2:
        raise FormulaError(f"There is one outcome, {factors[0].label!r}; fit it with mlm.lmm, or join several by +, as "
                           "in 'y1 + y2 ~ x'." if factors else "The formula names no outcome.")
    if right.offsets:
        raise FormulaError("offset() has no place in a model of several outcomes; subtract it from the outcome.")
    twice = [factor.label for factor in factors if factor in right.factors]
    if twice:
        raise FormulaError(f"The outcome {twice[0]!r} also stands on the right of '~'; remove it there.")
    if not right.fixed:
        raise FormulaError("The formula has nothing on its right side; write '1' for an intercept.")
    return factors, right


def _values(factor: Factor, table: Table) -> np.ndarray:
    """An outcome, NaN where it is missing, shape (n,)."""
    missing = np.zeros(table.n, dtype=bool)
    for name in factor.columns:
        column = table[name]
        missing |= column.codes < 0 if isinstance(column, Categorical) else np.isnan(column)
    if missing.all():
        raise DataError(f"The outcome {factor.label!r} is missing in every row.")
    out = np.full(table.n, np.nan)
    out[~missing] = _outcome(factor, table.take(~missing))
    return out


def _check_pairs(have: np.ndarray, outcomes: tuple[str, ...]) -> None:
    """Each two outcomes must be seen together, or their covariance has no estimate."""
    together = have.T.astype(int) @ have
    for a, b in zip(*np.triu_indices(len(outcomes), 1)):
        if together[a, b] < 3:
            raise DataError(f"{together[a, b]} rows have both {outcomes[a]!r} and {outcomes[b]!r}; their covariance "
                            "within units cannot be estimated. Model them apart, or give one row a unit.")


def _told(have: np.ndarray, outcomes: tuple[str, ...]) -> list[str]:
    lack = [f"{int(count):,} lack {name}" for name, count in zip(outcomes, (~have).sum(axis=0)) if count]
    if not lack:
        return []
    return [f"Of {len(have):,} rows {', '.join(lack)}; they are used with the outcomes they have, which is right if "
            "what is missing depends only on what is in the model (missing at random)."]


def _free(names, wanted: str) -> tuple[str, tuple[str]]:
    while wanted in names:
        wanted += "_"
    return wanted, (wanted,)


def _random(term: RandomDesign, mark: Factor, outcomes, unit, code) -> RandomDesign:
    """A random term crossed with the outcomes."""
    if term.members is not None:
        raise FormulaError(f"{term.text}: memberships in several groups are not there for several outcomes.")
    every = [(column, k) for k in range(len(outcomes)) for column in range(len(term.names))]
    encoder = OutcomeEncoder(term.encoder, mark, outcomes, every)
    Z = encoder.stack(np.ascontiguousarray(term.Z.T)[:, unit], code).T
    return replace(term, names=tuple(encoder.names), Z=Z, codes=term.codes[unit], encoder=encoder)


def long_table(data, rows: np.ndarray, codes: np.ndarray, outcomes: tuple[str, ...], mark: str, unit=None):
    """Rows of a table once for each outcome.

    Parameters
    ----------
    data : table
    rows, codes : ndarray of int, shape (n,)
        Row of the table and number of the outcome.
    outcomes : tuple of str
    mark : str
        Name of the column that says which outcome it is.
    unit : ndarray of int, shape (n,), optional

    Returns
    -------
    DataFrame where one was given, with rows labeled by the table's own label and the outcome; else dict of columns.
    """
    names = np.array(outcomes, dtype=object)[codes]
    if hasattr(type(data), "iloc"):
        from .. import frames as pd
        long = data.iloc[rows].assign(**{mark: pd.Categorical.from_codes(codes, list(outcomes))})
        return long.set_index(pd.MultiIndex.from_arrays([data.index[rows], names], names=["row", mark]))
    table = Table(data)
    long = {}
    for name in table.names:
        try:
            column = table[name]
        except DataError:  # a kind of column that no model takes
            continue
        if isinstance(column, Categorical):
            levels = np.array([*column.levels.tolist(), None], dtype=object)
            long[name] = levels[column.codes][rows]
        else:
            long[name] = column[rows]
    return {**long, mark: names}
