"""Discrete-time survival: from a row a person to a row a person and period, on which it is a model of binary outcomes.

In period t the hazard is the probability of the event among those still at risk,

    h(t) = P(T = t | T >= t),     S(t) = P(T > t) = prod over s <= t of (1 - h(s)),

and the likelihood of a person, censored or not, is that of independent binary outcomes, one a period at risk.  So
``mlm.glmm("event ~ C(week) + x + (1 | g)", periods, family="binomial", link="cloglog")`` is a survival model with frailty.
With the complementary log-log link exp(b) is a hazard ratio in continuous time as well, however long the periods are.

Chapter 18 (``18_categories``) teaches it.

References
----------
Singer, J. D., & Willett, J. B. (2003). Applied Longitudinal Data Analysis. Oxford University Press, chapters 10 to 12.
Prentice, R. L., & Gloeckler, L. A. (1978). Regression analysis of grouped survival data with application to breast
cancer data. Biometrics, 34, 57-67.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from ..optional import needs

__all__ = ["person_period"]

_MOST = 20_000_000  # rows of a person-period table


def person_period(data, time: str, event: str, *, id: str | None = None, entry: str | None = None, cuts=None,
                  censored=None):
    """A row for each person and period at risk, from a row for each person.

    Parameters
    ----------
    data : DataFrame
        A row a person.
    time : str
        Column of the last period in which the person was at risk: that of the event, or the last one seen without it.
        Whole numbers 1, 2, ...; or with `cuts` a duration.
    event : str
        Column that says how it ended: 1 or True for the event, 0 or False for censored.  Competing events are numbers or
        categories, of which one, `censored`, says that none was seen.
    id : str, optional
        Column that names the persons, each in one row.  Without it the rows are numbered in a new column ``id``.
    entry : str, optional
        Column of the last period before the person came under observation (left truncation): only later periods have
        rows.  0 for those observed from the start.
    cuts : number or sequence of numbers, optional
        Cuts durations into periods: of one length, or ending at these times.  Period k reaches from end k - 1, not
        included, to end k.
    censored : value, optional
        Which value of `event` is no event; with competing events 0, False or the first category if not given.

    Returns
    -------
    DataFrame
        The columns of `data` with `time` the period and `event` what happened in it: 0 or 1, or with competing events a
        category whose first is the censored one, which is what ``family="multinomial"`` takes as its reference.

    Raises
    ------
    DataError
        For columns that are missing or hold what cannot be a period or an event, persons in two rows, an entry that is
        not before the end.

    Notes
    -----
    Chapter 18 (``18_categories``); Singer and Willett (2003), chapter 10.  A person censored in period t was seen through
    it without the event, and counts as at risk in it.  Who is cut off inside a period of a duration counts for that whole
    period, and who enters inside one counts from the next; with short periods it matters little.  Predictors that change
    with time are merged afterwards: ``periods.merge(diary, on=["id", "week"])``.

    Examples
    --------
    >>> import pandas as pd, mlmlib as mlm
    >>> persons = pd.DataFrame({"id": [7, 8], "week": [3, 2], "event": [1, 0], "treated": [0, 1]})
    >>> mlm.person_period(persons, time="week", event="event", id="id")[["id", "week", "event", "treated"]].values.tolist()
    [[7, 1, 0, 0], [7, 2, 0, 0], [7, 3, 1, 0], [8, 1, 0, 1], [8, 2, 0, 1]]
    """
    with needs("mlm.person_period"):
        import pandas as pd

    for name in (time, event, *(one for one in (id, entry) if one is not None)):
        _column(data, name)
    _persons(data, id)
    last = _periods(data, time, cuts, 1)
    first = np.zeros(len(data), dtype=np.int64) if entry is None else _periods(data, entry, cuts, 0)
    if (first >= last).any():
        row = int(np.argmax(first >= last))
        raise DataError(f"Column {entry!r} must lie before {time!r}: in row {row} the person enters after period "
                        f"{first[row]} "
                        f"and is last seen in period {last[row]}. Drop who never was at risk under observation.")
    count = last - first
    if count.sum() > _MOST:
        raise DataError(f"This makes {int(count.sum()):,} rows; use longer periods (cuts=).")
    codes, kinds = _events(data, event, censored)
    person = np.repeat(np.arange(len(data)), count)
    period = np.arange(len(person)) - np.repeat(np.cumsum(count) - count - first, count) + 1
    happened = np.where(period == last[person], codes[person], 0)
    out = data.iloc[person].reset_index(drop=True)
    if id is None:
        id = "id"
        out.insert(0, id, person + 1)
    out[time] = period
    out[event] = happened if kinds is None else pd.Categorical.from_codes(happened, kinds)
    out.attrs["person_period"] = {"time": time, "event": event, "id": id}
    return out


def _column(data, name):
    """A column without missing values."""
    if not hasattr(data, "iloc"):
        raise DataError(f"person_period takes a pandas DataFrame, not {type(data).__name__}; pandas.DataFrame(...) "
                        "makes one.")
    if not len(data):
        raise DataError("The data have no rows.")
    if name not in data:
        raise DataError(f"There is no column {name!r}; the columns are {', '.join(map(str, data.columns[:20]))}.")
    missing = data[name].isna()
    if missing.any():
        raise DataError(f"Column {name!r} is missing in {int(missing.sum())} rows (first: row "
                        f"{int(np.argmax(missing))}); drop these "
                        "rows first.")
    return data[name]


def _persons(data, id) -> None:
    """Refuse a person in two rows."""
    if id is None:
        if "id" in data:
            raise DataError("The data have a column 'id': say id='id' if it names the persons, or rename it.")
        return
    twice = data[id].duplicated()
    if twice.any():
        raise DataError(f"{id} {data[id][twice].iloc[0]} has several rows; person_period takes one row a person. If "
                        "the data have a "
                        "row a period already, no preparation is needed.")


def _periods(data, name, cuts, least) -> np.ndarray:
    """The periods in which times lie."""
    values = _column(data, name)
    if values.dtype.kind not in "iuf":
        raise DataError(f"Column {name!r} holds {values.dtype}, not numbers; count the periods, or durations in one "
                        "unit.")
    t = values.to_numpy(dtype=float)
    if not np.isfinite(t).all() or (t < 0).any():
        raise DataError(f"Column {name!r} holds {t[~(np.isfinite(t) & (t >= 0))][0]:g}; a time since the start is at "
                        "least 0.")
    if cuts is None:
        if (t != np.round(t)).any() or (t < least).any():
            bad = t[(t != np.round(t)) | (t < least)][0]
            raise DataError(f"Column {name!r} holds {bad:g}; periods are whole numbers from {least} on. Cut "
                            "durations into periods "
                            "with cuts=, such as cuts=7 for days into weeks.")
        return t.astype(np.int64)
    if np.ndim(cuts) == 0:
        if not (np.isfinite(cuts) and cuts > 0):
            raise DataError(f"cuts={cuts!r} is the length of a period, a positive number, or a list of the periods' "
                            "ends.")
        return np.maximum(np.ceil(t / float(cuts) - 1e-9), least).astype(np.int64)
    ends = np.asarray(cuts, dtype=float)
    if ends.ndim != 1 or not len(ends) or not (np.diff(ends) > 0).all() or not ends[0] > 0:
        raise DataError("cuts= must be positive ends of periods, each larger than the one before.")
    if (t > ends[-1]).any():
        raise DataError(f"Column {name!r} reaches {t.max():g}, beyond the last of cuts={ends[-1]:g}; add an end, or "
                        "censor there.")
    return np.maximum(np.searchsorted(ends, t, side="left") + 1 - (t == 0.0), least).astype(np.int64)


def _events(data, name, censored):
    """Codes with 0 for censored, and the kinds of events where there are several."""
    values = _column(data, name)
    categories = getattr(getattr(values, "cat", None), "categories", None)
    numbers = categories is None and values.dtype.kind in "iufb"
    present = set(values.unique().tolist())
    levels = sorted(present, key=None if numbers else str) if categories is None else [v for v in categories if v in present]
    if censored is not None:
        if censored not in present:
            raise DataError(f"censored={censored!r} is not in column {name!r}, which holds {_some(levels)}. If "
                            "nobody is censored, code "
                            "the event as 1 in every row.")
    elif 0 in present or (numbers and levels == [1]):
        censored = 0
    elif categories is not None:
        censored = categories[0]
    else:
        raise DataError(f"Column {name!r} holds {_some(levels)}: say with censored= which value means that no event "
                        "was seen.")
    kinds = [level for level in levels if level != censored]
    if not kinds:
        raise DataError(f"Column {name!r} is {censored!r} in every row: no event was seen, so there is no hazard to "
                        "model.")
    codes = np.zeros(len(values), dtype=np.int64)
    for k, kind in enumerate(kinds):
        codes[(values == kind).to_numpy()] = k + 1
    return codes, None if len(kinds) == 1 else [censored, *kinds]


def _some(levels) -> str:
    return ", ".join(repr(level) for level in levels[:4]) + (" ..." if len(levels) > 4 else "")
