"""From formula and table to the outcome y, the fixed-effects matrix X and the random terms.

Columns are coded by `mlmlib.coding`, named as patsy names them, ``sector[T.Catholic]``.  What a transform or a category
learned from the data is kept, so that `Design.fixed_matrix` builds the same columns for new rows.

Chapter 1 (``01_linear_model``) builds X by hand; Chapters 3 and 4 (``03_random_intercepts``, ``04_random_slopes``) build Z.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .coding import Columns, Encoder, FactorInfo
from .errors import DataError, FormulaError
from .formula import Factor, Formula, Term, parse
from .given import refuse_scale
from .membership import Membership, group_values, is_membership, read_membership
from .table import Categorical, Table, factorize, refuse_numbers_as_text
from .transforms import Memory, functions

__all__ = ["Design", "Encoder", "RandomDesign", "build_design"]


@dataclass(frozen=True)
class RandomDesign:
    """One random term: its effects' columns and the group of every row.

    Attributes
    ----------
    group : str
        The grouping factor's name, ``"school"`` or ``"a:b"``.
    names : tuple of str
        The effects, named as fixed effects are.
    Z : ndarray, shape (n, q)
        Their columns.
    codes : ndarray of int, shape (n,)
    levels : ndarray, shape (J,)
        The group of each row, and the groups' labels.
    independent : bool
        True where ``||`` was written.
    text : str
        The term as written.
    members : Membership or None
        Where rows belong to several groups at once; `codes` then has the one of the largest weight.
    """

    group: str
    names: tuple[str, ...]
    Z: np.ndarray
    codes: np.ndarray
    levels: np.ndarray
    independent: bool
    text: str
    encoder: Columns
    factors: Term
    members: Membership | None = None

    @property
    def mean_squares(self) -> np.ndarray:
        """Mean square of each effect's column, shape (q,)."""
        return np.mean(self.Z ** 2, axis=0)

    @property
    def sizes(self) -> np.ndarray:
        """Rows of each group, shape (J,)."""
        return np.bincount(self.codes, minlength=len(self.levels)) if self.members is None else self.members.sizes

    def values(self, effects: np.ndarray) -> np.ndarray:
        """What the groups' effects, shape (J, q), give each row, shape (n,)."""
        return group_values(self.Z, self.codes, self.members, effects)


@dataclass(frozen=True)
class Design:
    """Everything a Gaussian model needs of the data.

    Attributes
    ----------
    formula : Formula
    endog_name, exog_names : str, tuple of str
    y, X : ndarray, shapes (n,), (n, p)
    random : tuple of RandomDesign
    weights, offset : ndarray, shape (n,), or None
    kept : ndarray of bool or None  (which rows of `data` are used; None for all)
    messages : tuple of str  (what was done to the data, such as dropped rows)
    data : table
        As given.
    extra : dict
        Values of the rows used of what else was asked for.
    """

    formula: Formula
    endog_name: str
    exog_names: tuple[str, ...]
    y: np.ndarray
    X: np.ndarray
    random: tuple[RandomDesign, ...]
    weights: np.ndarray | None
    offset: np.ndarray | None
    kept: np.ndarray | None
    messages: tuple[str, ...]
    data: Any
    encoder: Columns
    offset_option: Any = None  # the offset= given: a column's name, or values
    extra: dict = field(default_factory=dict, kw_only=True)

    def index(self):
        """The row labels of the rows used: those of the DataFrame, or numbers."""
        index = getattr(self.data, "index", None)
        index = np.arange(Table(self.data).n) if index is None or callable(index) else index
        return index if self.kept is None else index[self.kept]

    def fixed_matrix(self, data) -> np.ndarray:
        """X for new rows, coded as in the fit, shape (rows, p)."""
        table = Table(data)
        return self.encoder.rows(_replay(self.encoder, table), table.n).T

    def fixed_values(self) -> dict:
        """What each factor of the fixed part is in the rows used: {factor: array or Categorical}."""
        table = Table(self.data)
        if self.kept is not None:
            for name in {name for term in self.encoder.terms for factor in term for name in factor.columns}:
                table[name]  # a table takes only what it has read
            table = table.take(self.kept)
        return _replay(self.encoder, table)

    def random_values(self, term: RandomDesign, data, effects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the groups' effects, shape (J, q), give new rows; and which rows are in groups the fit has not seen."""
        table, members = Table(data).with_groups(term.factors), None
        if is_membership(term.factors):
            members = _members(term.factors, table, term.levels)
            codes, unseen = members.main, members.unknown
        else:
            codes = _group_codes(term.factors, table, known=term.levels)[0]
            unseen = codes < 0
        Z = term.encoder.rows(_replay(term.encoder, table), table.n).T
        return group_values(Z, codes, members, effects), unseen

    def offset_of(self, data) -> np.ndarray | float:
        """The offset of new rows: those of the formula, and the column named by ``offset=``."""
        table = Table(data)
        _refuse_missing(self.formula.offsets, table)
        total = sum((_evaluate(factor, table, Memory()) for factor in self.formula.offsets), 0.0)
        if isinstance(self.offset_option, str):
            return total + table[self.offset_option]
        if self.offset_option is not None:
            raise DataError("The offset of the fit was given as values, which new rows do not have. Give offset= the "
                            "name of a column, or write offset(...) in the formula.")
        return total


def build_design(formula, data, *, weights=None, offset=None, outcome=None, **extra) -> Design:
    """Build the design of a linear (mixed) model, or with another reading of the outcome of a generalized one.

    Parameters
    ----------
    formula : str or Formula
    data : pandas or polars DataFrame, pyarrow Table, or dict of columns
    weights : str or array, optional
        Column or values; the residual variance of row i is ``sigma**2 / weights[i]``.
    offset : str or array, optional
        Column or values added to the linear predictor with coefficient 1.
    outcome : callable, optional
        From the outcome's values, a float array or a `Categorical`, and its `Factor` to numbers.
    **extra : str, array or None  (more columns or values that rows must have)

    Returns
    -------
    Design

    Raises
    ------
    FormulaError, DataError
        Naming the column and the mend.

    Examples
    --------
    >>> from mlmlib.design import build_design
    >>> design = build_design("y ~ x + (1 | g)", {"y": [1, 2, 3, 5], "x": [0, 1, 0, 1], "g": list("aabb")})
    >>> design.exog_names, design.X.shape, design.random[0].levels.tolist()
    (('Intercept', 'x'), (4, 2), ['a', 'b'])
    """
    formula = parse(formula) if not isinstance(formula, Formula) else formula
    response, table = formula.outcome, Table(data)
    if not table.n:
        raise DataError("The data have no rows.")
    extra = {name: _option(value, table, name)
             for name, value in (("weights", weights), ("offset", offset), *extra.items())}
    table, extra, kept, messages = _complete(formula, table, extra)
    y = _outcome(response, table, outcome)
    infos, values = {}, {}
    terms = [*formula.fixed, *(term for random in formula.random for term in random.terms), formula.offsets]
    for factor in dict.fromkeys(factor for term in terms for factor in term):
        _learn(factor, table, infos, values)
    encoder = Encoder(formula.fixed, infos)
    shift = extra["offset"]
    for factor in formula.offsets:
        shift = values[factor] + (0.0 if shift is None else shift)
    random = []
    for term in formula.random:
        members = _members(term.group, table) if is_membership(term.group) else None
        codes, levels = _group_codes(term.group, table) if members is None else (members.main, members.levels)
        own = Encoder(term.terms, infos)
        random.append(RandomDesign(term.group_name, tuple(own.names), own.rows(values, table.n).T, codes, levels,
                                   term.independent, term.text, own, term.group, members))
    if extra["weights"] is not None and not (extra["weights"] > 0).all():
        raise DataError("The weights must all be positive; drop the rows whose weight is zero.")
    return Design(formula, response.label, tuple(encoder.names), y, encoder.rows(values, table.n).T,
                  tuple(random), extra["weights"], shift, kept, tuple(messages), data, encoder, offset, extra=extra)


def _option(value, table, name):
    """Weights or offset, given as a column's name or as values."""
    if value is None:
        return None
    try:
        column = table[value] if isinstance(value, str) else np.asarray(value, dtype=float)
    except DataError:
        raise
    except (TypeError, ValueError):
        raise DataError(f"{name}= must be the name of a column or one number for each row.") from None
    if isinstance(column, Categorical):
        raise DataError(f"{name}={value!r} is not a column of numbers.")
    if np.shape(column) != (table.n,):
        raise DataError(f"{name}= has {np.size(column)} values where the data have {table.n} rows.")
    if np.isinf(column).any():
        raise DataError(f"{name}= is infinite in {int(np.isinf(column).sum())} rows; mend or drop them.")
    return column


def _complete(formula, table, extra):
    """Drop the rows that miss a value the model needs, and say so."""
    gone = np.zeros(table.n, dtype=bool)
    told = []
    needed = {name: table[name] for name in formula.columns}
    needed.update({f"{name}=": column for name, column in extra.items() if column is not None})
    for name, column in needed.items():
        missing = column.codes < 0 if isinstance(column, Categorical) else np.isnan(column)
        count = int(np.count_nonzero(missing))
        if count:
            gone |= missing
            told.append(f"{name} ({count})")
    if not told:
        return table, extra, None, []
    kept = ~gone
    if not kept.any():
        raise DataError(f"No row is complete; values are missing in {', '.join(told)}.")
    messages = [f"{int(gone.sum())} of {table.n} rows were dropped because values are missing in {', '.join(told)}."]
    extra = {name: None if column is None else column[kept] for name, column in extra.items()}
    return table.take(kept), extra, kept, messages


def _outcome(factor, table, read=None) -> np.ndarray:
    y = _evaluate(factor, table, Memory())
    if read is not None:
        if not isinstance(y, Categorical):
            refuse_scale(factor.label, y)
        return read(y, factor)
    if isinstance(y, Categorical):
        if y.levels.tolist() == [False, True]:
            return y.codes.astype(float)
        shown = ", ".join(repr(level) for level in y.levels[:3].tolist())
        raise DataError(f"The outcome {factor.label!r} holds text or categories ({shown} ...), not numbers. Categories are outcomes of mlm.glmm "
                        "with family=; what should be a number is converted with pandas.to_numeric(..., errors='coerce').")
    if y.ndim != 1:
        raise DataError(f"The outcome {factor.label!r} has {y.shape[1]} columns; a linear model has one.")
    refuse_scale(factor.label, y)
    if y.size == 1:
        raise DataError(f"The data have one complete row: nothing can be learned from one value of {factor.label!r}.")
    if y.size and np.ptp(y) == 0:
        raise DataError(f"The outcome {factor.label!r} is {y[0]:g} in every row: there is nothing to explain. Check that the right "
                        "column is named.")
    return y


def _evaluate(factor: Factor, table: Table, memory: Memory):
    """A factor's values: a float array, or a Categorical."""
    if factor.is_column:
        value = table[factor.columns[0]]
    else:
        known = functions(memory)
        columns = {name: table[name] for name in factor.columns}
        try:
            with np.errstate(all="ignore"):
                value = eval(factor.code, {"__builtins__": {}}, {"_c": columns, "_f": _Known(known, factor.label)})
        except (TypeError, AttributeError, ValueError) as error:
            if isinstance(error, (DataError, FormulaError)):
                raise
            raise FormulaError(f"Cannot compute {factor.label!r}: {error}.") from None
    if isinstance(value, Categorical):
        return value
    value = np.asanyarray(value, dtype=float)  # named columns keep their names
    if value.ndim == 0:
        value = np.full(table.n, float(value))
    if not np.isfinite(value).all():
        rows = np.flatnonzero(~np.isfinite(value.reshape(len(value), -1)).all(axis=1))
        if factor.is_column:
            raise DataError(f"Column {factor.label!r} is infinite in {len(rows)} rows (first: row {rows[0]}); mend or drop them.")
        raise DataError(f"{factor.label} is not a finite number in {len(rows)} rows (first: row {rows[0]}), though {', '.join(factor.columns)} "
                        "is there; a log needs positive values, a root non-negative ones.")
    return value


class _Known(dict):
    """The functions a formula may call; an unknown one is an error that lists them."""

    def __init__(self, known, label):
        super().__init__(known)
        self.label = label

    def __missing__(self, name):
        raise FormulaError(f"{self.label!r} calls {name}(), which formulas do not know. They know C, I, center, scale, poly, piecewise, "
                           "bs, ns, offset and NumPy's log, exp, sqrt, abs ...; compute anything else as a column first.")


def _learn(factor, table, infos, values) -> None:
    """Evaluate a factor and keep what is needed to build it again."""
    memory = Memory()
    value = _evaluate(factor, table, memory)
    if isinstance(value, Categorical):
        value = value.used()
        if factor.is_column:
            refuse_numbers_as_text(factor.label, value)
        infos[factor] = FactorInfo(value.levels, value.contrast, 1, memory)
    else:
        infos[factor] = FactorInfo(None, None, value[:1].size, memory, getattr(value, "names", None))
        if value.ndim == 2 and value.shape[1] == 1:
            value = value[:, 0]
    values[factor] = value


def _replay(encoder, table) -> dict:
    """The encoder's factors for new rows, coded by the categories of the fit."""
    values = {}
    factors = dict.fromkeys(factor for term in encoder.terms for factor in term)
    _refuse_missing(factors, table)
    for factor in factors:
        info = encoder.infos[factor]
        value = _evaluate(factor, table, info.memory.replay())
        if info.levels is None:
            if isinstance(value, Categorical):
                raise DataError(f"Column {factor.label!r} held numbers in the fit and holds text in the new data.")
            values[factor] = value[:, 0] if value.ndim == 2 and value.shape[1] == 1 else value
            continue
        if not isinstance(value, Categorical):
            codes, levels = factorize(value)
            value = Categorical(codes, levels)
        recoded = value.recode(info.levels)
        lost = sorted({str(value.levels[code]) for code in value.codes[recoded.codes < 0] if code >= 0})
        if lost:
            raise DataError(f"The new data have {', '.join(lost)} in {factor.label!r}, which the fit never saw; it "
                            f"knows {', '.join(map(str, info.levels))}.")
        values[factor] = recoded
    return values


def _refuse_missing(factors, table) -> None:
    """New rows must be complete: a row without a value has no prediction."""
    for name in dict.fromkeys(name for factor in factors for name in factor.columns):
        column = table[name]
        missing = column.codes < 0 if isinstance(column, Categorical) else np.isnan(column)
        if missing.any():
            raise DataError(f"The new data miss {name!r} in {int(missing.sum())} rows (first: row "
                            f"{int(np.argmax(missing))}); drop these rows or fill them in.")


def _members(factors: Term, table: Table, known=None) -> Membership:
    """The groups that mm(...) names."""
    if known is not None:
        _refuse_missing(factors, table)
    return read_membership(factors, {name: table[name] for factor in factors for name in factor.columns}, known)


def _group_codes(factors: Term, table: Table, known=None):
    """Codes and labels of the groups that one or more columns make; with `known`, codes into those labels."""
    if known is not None:
        _refuse_missing(factors, table)
    parts = []
    for factor in factors:
        value = _evaluate(factor, table, Memory())
        if isinstance(value, Categorical):
            parts.append((value.codes, value.levels) if known is not None else ((u := value.used()).codes, u.levels))
        else:
            if np.abs(value).max(initial=0.0) >= 2.0 ** 53:
                raise DataError(f"The groups {factor.label!r} are decimal numbers of 2**53 or more, which run into one another; "
                                "read them as whole numbers (dtype 'Int64') or as text.")
            parts.append(factorize(value))
    (codes, levels), *others = parts
    for more, labels in others:
        pairs, codes = np.unique(codes * len(labels) + more, return_inverse=True)
        names = [f"{levels[pair // len(labels)]}:{labels[pair % len(labels)]}" for pair in pairs]
        levels = np.array(names, dtype=object)
    if known is not None:
        codes = Categorical(codes, np.asarray(levels, dtype=object)).recode(np.asarray(known, dtype=object)).codes
    return codes, levels
