"""Reading the columns that growth needs: the time as numbers, the persons as codes."""

from __future__ import annotations

import numpy as np

from ..errors import DataError

__all__ = ["add_columns", "codes_of", "column", "numbers", "time_of"]


def column(df, name):
    """A column of the table; a missing one is an error that names those there are."""
    if not hasattr(df, "iloc"):
        raise DataError(f"mlm.growth takes a pandas DataFrame, not {type(df).__name__}; pandas.DataFrame(...) makes "
                        "one.")
    if not len(df):
        raise DataError("The data have no rows.")
    if name not in df:
        raise DataError(f"There is no column {name!r}; the columns are {', '.join(map(str, df.columns[:20]))}.")
    return df[name]


def numbers(df, name) -> np.ndarray:
    """A column of numbers as floats, NaN where missing."""
    values = column(df, name)
    if values.dtype.kind not in "iufb":
        raise DataError(
            f"Column {name!r} holds {values.dtype}, not numbers; convert it first, for example with pandas.to_numeric."
        )
    return values.to_numpy(dtype=float, na_value=np.nan)


def time_of(df, name) -> np.ndarray:
    """A column of times as floats; dates become days since 1970-01-01."""
    values = column(df, name)
    if values.dtype.kind == "M":
        days = values.to_numpy(dtype="datetime64[ns]")
        return np.where(np.isnat(days), np.nan, days.astype("int64") / 86400e9)
    times = numbers(df, name)
    if np.isinf(times).any():
        raise DataError(f"Column {name!r} is infinite in {int(np.isinf(times).sum())} rows; drop these rows first.")
    return times


def codes_of(df, groups) -> np.ndarray:
    """The persons as 0 ... J - 1 in order of appearance; all rows are one person where `groups` is None."""
    if groups is None:
        return np.zeros(len(df), dtype=np.intp)
    values = column(df, groups)
    if values.isna().any():
        raise DataError(f"Column {groups!r} is missing in {int(values.isna().sum())} rows; drop these rows first.")
    from .. import frames as pd

    return pd.factorize(values)[0]


def add_columns(df, new: dict):
    """A copy of the table with new columns; a name that is taken is refused."""
    taken = [name for name in new if name in df]
    if taken:
        raise DataError(
            f"The data already have a column {taken[0]!r}; drop or rename it first, or give name= another word."
        )
    return df.assign(**new)
