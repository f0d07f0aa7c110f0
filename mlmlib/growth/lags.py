"""Earlier and later values of the same person, and differences from them."""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from .columns import codes_of, numbers, time_of
from ..optional import needs

__all__ = ["difference", "lag", "lead"]


def lag(df, col, groups, time, n=1, by="time"):
    """The value of a column at an earlier time of the same group.

    Parameters
    ----------
    df : DataFrame
        Rows in any order.
    col : str
        Column of numbers.
    groups, time : str
        Columns of persons and of times, which may not repeat within a person. With dates, n counts days.
    n : number
        How far back: units of time, or with ``by="occasion"`` a whole number of occasions.
    by : {"time", "occasion"}

    Returns
    -------
    Series
        In the order of df, missing where there is no earlier value; put it where you like.

    Raises
    ------
    DataError
        For missing columns, times that repeat, or where no row has an earlier value.

    Notes
    -----
    Chapter 13 (`13_growth`). by="time" takes the value exactly n units of time earlier, and a gap leaves a missing
    value. by="occasion" takes the n-th occasion before, whenever that was; where occasions are unevenly spaced it is
    another lag for every row. Lags cost the first rows of each person. In a model with random intercepts a lagged
    outcome is correlated with them, so that its coefficient is biased where persons have few occasions (Nickell,
    1981, Econometrica, 49, 1417-1426, for fixed effects); a lagged predictor is not.

    Examples
    --------
    >>> import pandas as pd, mlmlib as mlm
    >>> df = pd.DataFrame({"id": [1, 1, 1], "week": [0, 1, 3], "mood": [5, 7, 6]})
    >>> mlm.growth.lag(df, "mood", groups="id", time="week").tolist()
    [nan, 5.0, nan]
    >>> mlm.growth.lag(df, "mood", groups="id", time="week", by="occasion").tolist()
    [nan, 5.0, 7.0]
    """
    return _shifted(df, col, groups, time, n, by)[0]


def lead(df, col, groups, time, n=1, by="time"):
    """The value of a column at a later time of the same group: `lag` the other way.

    Returns
    -------
    Series

    Examples
    --------
    >>> import pandas as pd, mlmlib as mlm
    >>> df = pd.DataFrame({"id": [1, 1, 1], "week": [0, 1, 3], "mood": [5, 7, 6]})
    >>> mlm.growth.lead(df, "mood", groups="id", time="week", n=2).tolist()
    [nan, 6.0, nan]
    """
    return _shifted(df, col, groups, time, -n, by)[0]


def difference(df, col, groups, time, n=1, by="time", per_unit=False):
    """The change of a column since an earlier time of the same group.

    Parameters
    ----------
    df, col, groups, time, n, by :
        As in `lag`.
    per_unit : bool
        Divide by the time that passed: a rate of change, which by="occasion" needs where the spacing differs.

    Returns
    -------
    Series

    Examples
    --------
    >>> import pandas as pd, mlmlib as mlm
    >>> df = pd.DataFrame({"id": [1, 1, 1], "week": [0, 1, 3], "mood": [5, 7, 6]})
    >>> mlm.growth.difference(df, "mood", groups="id", time="week", by="occasion", per_unit=True).tolist()
    [nan, 2.0, -0.5]
    """
    earlier, passed = _shifted(df, col, groups, time, n, by)
    change = df[col].astype(float) - earlier
    return change / passed if per_unit else change


def _shifted(df, col, groups, time, n, by):
    """The other row's value, and the time between, for every row."""
    with needs("mlm.growth.lag"):
        import pandas as pd

    values, times, codes = numbers(df, col), time_of(df, time), codes_of(df, groups)
    if by not in ("time", "occasion"):
        raise DataError(f"by= is 'time' or 'occasion', not {by!r}.")
    if not isinstance(n, (int, float, np.integer, np.floating)) or not np.isfinite(n) or n == 0 or (by == "occasion" and n != int(n)):
        raise DataError(
            f"n={n!r} must be {'a whole number of occasions' if by == 'occasion' else 'a number of units of time'}, "
            "not zero."
        )
    if np.isnan(times).any():
        raise DataError(f"Column {time!r} is missing in {int(np.isnan(times).sum())} rows; drop these rows first.")
    order = np.lexsort((times, codes))
    c, t = codes[order], times[order]
    twice = np.flatnonzero((np.diff(c) == 0) & (np.diff(t) == 0))
    if len(twice):
        raise DataError(
            f"{groups} {df[groups].iloc[order[twice[0]]]} has two rows at {time} = {df[time].iloc[order[twice[0]]]}: "
            "which one is the earlier value cannot be known."
        )
    rows = np.arange(len(order))
    if by == "occasion":
        source = rows - int(n)
    else:
        source = _at(c, t, n)
    inside = (source >= 0) & (source < len(rows))
    reach = np.clip(source, 0, max(len(rows) - 1, 0))
    inside &= c[reach] == c
    if not inside.any():
        side = "earlier" if n > 0 else "later"
        raise DataError(
            f"No row has another of its {groups!r} exactly {abs(n):g} "
            f"{'occasions' if by == 'occasion' else f'units of {time}'} {side}."
            + ("" if by == "occasion" else " If the occasions are unevenly spaced, by='occasion' takes the one before.")
        )
    other, passed = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    other[order] = np.where(inside, values[order][reach], np.nan)
    passed[order] = np.where(inside, t - t[reach], np.nan)
    return pd.Series(other, df.index, name=f"{col}_{'lag' if n > 0 else 'lead'}{abs(n):g}"), pd.Series(passed, df.index)


def _at(c, t, n) -> np.ndarray:
    """The row of the same person n units of time before each row, -1 where there is none; rows sorted by person and time."""
    small = max(1e-8 * abs(n), 8 * np.finfo(float).eps * np.abs(t).max())  # what is but rounding
    times, place = np.unique(t, return_inverse=True)
    wave = np.concatenate([[0], np.cumsum(np.diff(times) > small)])
    near = np.minimum(np.searchsorted(times, t - n - small), len(times) - 1)
    key, asked = c * len(times) + wave[place], c * len(times) + wave[near]
    source = np.minimum(np.searchsorted(key, asked), len(key) - 1)
    return np.where((np.abs(times[near] - (t - n)) <= small) & (key[source] == asked), source, -1)
