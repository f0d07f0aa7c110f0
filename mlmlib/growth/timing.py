"""The zero and the unit of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..display import number
from ..errors import DataError
from .columns import add_columns, codes_of, column, time_of

__all__ = ["TimeCoding", "code_time"]

_PLACES = ("first", "last", "mean", "middle", "baseline")


@dataclass(frozen=True, eq=False)
class TimeCoding:
    """A coding of time.

    Attributes
    ----------
    data : DataFrame
        A copy of the table with the new columns.
    columns : tuple of str
        Their names: the coded time first.
    origin : float or str
        The old time that is now zero, or "baseline".
    meaning : dict
        What the intercept, the slope and the variances of a line in the coded time mean.
    """

    data: Any
    columns: tuple
    origin: Any
    meaning: dict

    def __repr__(self):
        return "\n".join(f"{name}: {text}" for name, text in self.meaning.items())


def code_time(df, time, origin="first", unit=1, groups=None, name=None):
    """Give time a zero and a unit, and say what a line in it now means.

    Parameters
    ----------
    df : DataFrame
        One row an occasion.
    time : str
        Column of times: numbers, or dates, which are counted in days.
    origin : {"first", "last", "mean", "middle", "baseline"} or number or date
        Where zero is: at the smallest or largest time of the table, their mean over all rows, the middle between the
        two, a value, or, with "baseline", at each group's own first time.
    unit : number or tuple (number, word)
        How many old units make a new one: 7 for days to weeks, ``(7, "weeks")`` with a word for the text.
    groups : str, optional
        Column of persons, needed for "baseline".
    name : str, optional
        The new column's name; ``{time}_coded`` if not given, and with "baseline" ``{time}_since``.

    Returns
    -------
    TimeCoding
        ``.data`` has the new column. With "baseline" it has two, the second being ``{time}_start``, each group's own
        first time in new units. Together they tell the change within persons (the slope of ``_since``) from the
        difference between persons who started at different ages (the slope of ``_start``); age alone takes the two to
        be equal (Hoffman, 2015, chapter 10). Numbers of ``_start`` are not centered.

    Raises
    ------
    DataError
        For a column that is missing or no time, an origin that is not known, a name that is taken.

    Notes
    -----
    Chapter 13 (`13_growth`). A new zero moves the intercept, its variance, its covariance with the slope, and the
    coefficients of person predictors that are multiplied by time; the fit, the slope and its variance stay. A new
    unit u multiplies the slope by u and its variance by u squared.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> coded = mlm.growth.code_time(mlm.load("sleepstudy"), "Days", origin="last", unit=(7, "weeks"))
    >>> fit = mlm.lmm("Reaction ~ Days_coded + (1 + Days_coded | Subject)", coded.data)
    >>> fit.params.round(2).to_dict()
    {'Intercept': 345.61, 'Days_coded': 73.27}
    >>> print(coded.meaning["intercept"])
    the expected outcome at Days = 9, the last time in the data
    """
    values = time_of(df, time)
    if not np.isfinite(values).any():
        raise DataError(f"Column {time!r} has no finite value.")
    size, word = unit if isinstance(unit, tuple) else (unit, None)
    if not (isinstance(size, (int, float, np.number)) and np.isfinite(size) and size > 0):
        raise DataError(f"unit= is the number of old units in a new one, a positive number; got {unit!r}.")
    dates = column(df, time).dtype.kind == "M"
    word = word or (
        "days" if dates and size == 1 else f"{number(size)} units of {time}" if size != 1 else f"unit of {time}"
    )
    one = f"one {word.removesuffix('s')}" if " " not in word else word
    start = _starts(values, df, groups) if isinstance(origin, str) and origin == "baseline" else None
    if start is not None:
        new = {name or f"{time}_since": (values - start) / size, f"{time}_start": start / size}
        at, zero = "baseline", f"each {groups}'s own first occasion"
    else:
        at, where = _origin(values, origin, dates)
        new = {name or f"{time}_coded": (values - at) / size}
        shown = str(np.datetime64(round(at * 86400), "s")).replace("T00:00:00", "") if dates else number(at)
        zero = f"{time} = {shown}{where}"
    coded = next(iter(new))
    meaning = {
        "intercept": f"the expected outcome at {zero}",
        "slope": f"the expected change in the outcome per {one}" + (" since then" if start is not None else ""),
        "intercept variance": f"how much {groups or 'persons'} differ at {zero}, not elsewhere",
        "correlation": f"of where they stand at {zero} with how fast they change",
        "main effects": f"a coefficient of a person predictor that is also multiplied by {coded} is its difference at "
                        f"{zero}",
    }
    if start is not None:
        meaning["between"] = (
            f"the slope of {time}_start compares persons who began at different {time}; where it differs from that of "
            f"{coded}, {time} alone would mix the two"
        )
    return TimeCoding(add_columns(df, new), tuple(new), at, meaning)


def _starts(values, df, groups):
    if groups is None:
        raise DataError("origin='baseline' is each person's own first time: name their column, as in groups='id'.")
    codes = codes_of(df, groups)
    first = np.full(codes.max() + 1, np.inf)
    np.minimum.at(first, codes, np.where(np.isnan(values), np.inf, values))
    return np.where(np.isinf(first), np.nan, first)[codes]


def _origin(values, origin, dates):
    if isinstance(origin, str) and origin in _PLACES:
        low, high = np.nanmin(values), np.nanmax(values)
        at = {"first": low, "last": high, "mean": np.nanmean(values), "middle": (low + high) / 2}[origin]
        return float(at), {"mean": ", the mean of all rows", "middle": ", the middle of the span"}.get(
            origin, f", the {origin} time in the data"
        )
    if dates:
        try:
            return float(np.datetime64(origin, "s").astype("int64") / 86400), ""
        except (ValueError, TypeError):
            pass
    elif isinstance(origin, (int, float, np.number)) and np.isfinite(origin):
        return float(origin), ""
    raise DataError(
        f"origin= is one of {', '.join(_PLACES)}, or a {'date such as 2020-01-31' if dates else 'number'}; got "
        f"{origin!r}."
    )
