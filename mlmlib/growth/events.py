"""Discontinuities: what an event does to level and slope, at a time of each person's own."""

from __future__ import annotations

from numbers import Real

import numpy as np

from ..errors import DataError
from .columns import add_columns, codes_of, column, time_of

__all__ = ["event"]


def event(df, time, at, groups=None, name="event"):
    """Columns for a jump, and for a change of slope, at an event.

    Parameters
    ----------
    df : DataFrame
        One row an occasion.
    time : str
        Column of times, numbers or dates (counted in days).
    at : number, date or str
        When the event happened: one time for everybody, or the column that holds each person's own, missing for those
        to whom it never happened.
    groups : str, optional
        Column of persons. If given, a person with two different times of the event is refused.
    name : str
        Beginning of the new columns' names.

    Returns
    -------
    DataFrame
        A copy with ``{name}_jump``, 1 from the event on and 0 before, and ``{name}_since``, the time since the event,
        0 before. Both are 0 throughout for those to whom it never happened, and missing where `time` is.

    Raises
    ------
    DataError
        For missing columns, several times of the event for one person, an event before or after all rows.

    Notes
    -----
    Chapter 14 (`14_growth_shapes`); Singer and Willett (2003), chapter 6. In ``y ~ time + event_jump + event_since``
    the coefficients are the slope before, the jump at the event, and the change of slope. ``event_jump:time`` in
    place of ``event_since`` also changes the slope, but its jump is that at time zero, and the distance between the
    two lines at the event then depends on when that was (Singer and Willett's models with ged x exper).

    Examples
    --------
    >>> import pandas as pd, mlmlib as mlm
    >>> df = pd.DataFrame({"id": [1, 1, 1, 2, 2], "year": [0, 1, 3, 0, 1], "diploma": [0.5, 0.5, 0.5, None, None]})
    >>> mlm.growth.event(df, "year", at="diploma", groups="id")[["event_jump", "event_since"]].T.values.tolist()
    [[0.0, 1.0, 1.0, 0.0, 0.0], [0.0, 0.5, 2.5, 0.0, 0.0]]
    """
    values = time_of(df, time)
    dates = column(df, time).dtype.kind == "M"
    if isinstance(at, str) and at in df:
        if (column(df, at).dtype.kind == "M") != dates:
            raise DataError(f"Columns {time!r} and {at!r} must both be dates or both be numbers.")
        when = time_of(df, at)
        if groups is not None:
            _one_each(when, codes_of(df, groups), at, groups)
    elif dates:
        try:
            when = np.full(len(values), float(np.datetime64(at, "s").astype("int64") / 86400))
        except (ValueError, TypeError):
            raise DataError(f"at= is a date or a column of dates; got {at!r}.") from None
    elif isinstance(at, str):
        column(df, at)
    elif not isinstance(at, Real):
        raise DataError(f"at= is a number or a column of numbers, as {time!r} is; got {at!r}.")
    else:
        when = np.full(len(values), float(at))
    since = values - when
    happened = since >= 0
    known = np.isfinite(since)
    if not happened.any() or not (known & ~happened).any() and not np.isnan(when).any():
        raise DataError(
            f"The event lies {'after' if not happened.any() else 'before'} every row of {time!r}: there is nothing to "
            "compare."
        )
    missing = np.isnan(values)
    jump = np.where(missing, np.nan, happened.astype(float))
    return add_columns(
        df, {f"{name}_jump": jump, f"{name}_since": np.where(missing, np.nan, np.where(happened, since, 0.0))}
    )


def _one_each(when, codes, at, groups):
    low, high = np.full(codes.max() + 1, np.inf), np.full(codes.max() + 1, -np.inf)
    known = ~np.isnan(when)
    np.minimum.at(low, codes[known], when[known])
    np.maximum.at(high, codes[known], when[known])
    count = int(np.count_nonzero(high - low > 1e-9 * (1 + np.abs(low))))
    partly = np.zeros(len(low), dtype=bool)
    partly[codes[~known]] = True
    if count or (partly & np.isfinite(low)).any():
        raise DataError(
            f"Column {at!r} must have one time for each {groups!r}, in all its rows; {count} have several, and "
            f"{int((partly & np.isfinite(low)).sum())} have it in some rows only."
        )
