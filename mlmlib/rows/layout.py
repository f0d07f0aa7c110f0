"""The rows of each group in the order of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from ..table import Categorical, Table, factorize

__all__ = ["Layout", "categories", "layout", "numbers"]


@dataclass(frozen=True)
class Layout:
    """Rows sorted by group, and by time within each.

    Attributes
    ----------
    order : ndarray of int, shape (n,)
        The rows in that order.
    codes : ndarray of int, shape (n,)
        Group of each row, in the data's order.
    levels : ndarray, shape (J,)
        Labels of the groups.
    sizes, starts : ndarrays of int, shape (J,)
        Rows in each group, and where they begin in `order`.
    time : ndarray, shape (n,)
        Time of each row in that order; 0, 1, 2 ... within each group when no column was named.
    values : ndarray
        The different times of all rows, as the data have them.
    """

    order: np.ndarray
    codes: np.ndarray
    levels: np.ndarray
    sizes: np.ndarray
    starts: np.ndarray
    time: np.ndarray
    values: np.ndarray

    @property
    def first(self) -> np.ndarray:
        """Which rows begin a group."""
        mask = np.zeros(len(self.order), dtype=bool)
        mask[self.starts] = True
        return mask

    @property
    def gaps(self) -> np.ndarray:
        """Time since the group's row before; 0 for its first."""
        gaps = np.diff(self.time, prepend=self.time[0])
        gaps[self.starts] = 0.0
        return gaps


def _column(design, name: str, what: str):
    """A column of the rows used; no missing values."""
    table = Table(design.data)
    column = table[name]
    if design.kept is not None:
        column = column.take(design.kept) if isinstance(column, Categorical) else column[design.kept]
    missing = column.codes < 0 if isinstance(column, Categorical) else ~np.isfinite(column)
    if missing.any():
        raise DataError(f"{what} needs {name!r}, which is missing in {int(missing.sum())} rows; drop them first.")
    return column


def numbers(design, name: str, what: str) -> np.ndarray:
    """A numeric column of the rows used."""
    column = _column(design, name, what)
    if isinstance(column, Categorical):
        raise DataError(f"{what} needs numbers, but {name!r} holds categories.")
    return column


def categories(design, name: str, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Codes and levels of a column, or of several joined by a colon."""
    codes, levels = np.zeros(len(design.y), dtype=np.intp), np.array([""], dtype=object)
    for part in name.split(":"):
        column = _column(design, part.strip(), what)
        own, labels = ((c := column.used()).codes, c.levels) if isinstance(column, Categorical) else factorize(column)
        pairs, codes = np.unique(codes * len(labels) + own, return_inverse=True)
        joined = [f"{levels[k // len(labels)]}:{labels[k % len(labels)]}".lstrip(":") for k in pairs]
        levels = np.array(joined, dtype=object)
    return codes, levels


def layout(design, time: str | None, group: str | None, what: str, repeats: bool = False,
           times: str = "ordered") -> Layout:
    """Sort the rows of a design by group and time.

    Parameters
    ----------
    design : Design
    time : str or None
        Column of times; the order of the rows when None.
    group : str or None
        Column of groups, ``"school:pupil"`` for groups within groups.  None: the random effects' factor with the most
        groups, or all rows as one series in a model without random effects.
    what : str
        The structure, for errors.
    repeats : bool
        Whether rows of a group may share a time.
    times : {"ordered", "numbers", "any"}
        What the column of times may hold: numbers or categories whose order the data declare, numbers alone, or text too.

    Raises
    ------
    DataError
        If times have no order or length where one is needed, a group has two rows at one time, or a group of the random effects is cut by the groups of the structure.
    """
    n = len(design.y)
    single = [term for term in design.random if term.members is None]
    if group is not None:
        codes, levels = categories(design, group, what)
    elif single:
        term = max(single, key=lambda term: len(term.levels))
        group, codes, levels = term.group, term.codes, term.levels
    else:
        codes, levels = np.zeros(n, dtype=np.intp), np.array(["all rows"], dtype=object)
    for term in design.random:
        of_group = np.full(len(levels), -1)
        of_group[codes] = term.codes
        if term.members is not None or (of_group[codes] != term.codes).any():
            raise DataError(f"{what} correlates rows within {group!r}, but rows of one {group!r} are in several groups "
                            f"of {term.group!r}. The groups of the correlation must lie within those of the random "
                            "effects; name such a column as group=.")
    values = np.empty(0)
    if time is None:
        order = np.argsort(codes, kind="stable")
    else:
        column = _column(design, time, what)
        if isinstance(column, Categorical):
            _check_times(column, time, what, times)
            column = column.used()
            values, column = column.levels, column.codes.astype(float)
        else:
            values = np.unique(column)
        order = np.lexsort((column, codes))
    sizes = np.bincount(codes, minlength=len(levels))
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    if time is None:
        when = np.arange(n) - np.repeat(starts, sizes).astype(float)
        values = np.arange(sizes.max()) + 1
    else:
        when = column[order]
        same = np.flatnonzero((np.diff(when) == 0) & (np.diff(codes[order]) == 0))
        if len(same) and not repeats:
            raise DataError(f"{what} needs one row a time in each group, but {group or 'the series'} "
                            f"{levels[codes[order][same[0]]]} has two at {time} = {when[same[0]]:g}.")
    if sizes.max() < 2:
        raise DataError(f"{what} has one row in each group of {group!r}: there is nothing to correlate.")
    return Layout(order, codes, levels, sizes, starts, when, values)


def _check_times(column: Categorical, time: str, what: str, times: str) -> None:
    if times == "numbers":
        raise DataError(f"{what} needs the lengths of time between rows, but {time!r} holds categories; turn it into "
                        "numbers, or use mlm.ar1, which counts occasions.")
    if times == "ordered" and not column.declared:
        raise DataError(f"{what} needs the order of the times, but {time!r} holds text, which sorts by letters (10 "
                        "before 9); turn it into numbers, or into categories in the order of time "
                        "(pandas.Categorical).")
