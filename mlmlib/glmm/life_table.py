"""The life table: hazard and survivor function of each period, by counting.

Of the n_t persons at risk in period t, d_t have the event: h_t = d_t / n_t is the maximum-likelihood estimate of the hazard,
S_t the product of 1 - h_s up to t, with Greenwood's variance.  Chapter 18 (``18_categories``) reads one.

References
----------
Greenwood, M. (1926). The natural duration of cancer. Reports on Public Health and Medical Subjects, 33. HMSO.
Kalbfleisch, J. D., & Prentice, R. L. (2002). The Statistical Analysis of Failure Time Data (2nd ed.). Wiley, section 1.4.
Singer, J. D., & Willett, J. B. (2003). Applied Longitudinal Data Analysis. Oxford University Press, chapter 10.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..display import html_table, number, text_table
from ..errors import DataError
from ..results import check_level, normal_quantile
from ..optional import needs

__all__ = ["LifeTable", "life_table"]


@dataclass(frozen=True, eq=False)
class LifeTable:
    """Hazards and survivor functions by period.

    Attributes
    ----------
    table : DataFrame
        A row a group and period: the column of `by` if there is one, the period (under its own name), ``at_risk``, ``events``,
        ``censored``, ``hazard`` with ``se_hazard``, ``survivor`` with ``se_survivor``, ``lower`` and ``upper``; with competing
        events for each kind ``hazard: kind`` and ``incidence: kind``, the probability that this event has come by then.
    median : dict
        For each group (None: all) the time by which half had the event, interpolated within the period; NaN where fewer had.
    time, event, by : str, str, str or None
    kinds : tuple
        The competing events; empty where there is one.
    level : float
    """

    table: Any
    median: dict
    time: str
    event: str
    by: str | None
    kinds: tuple
    level: float

    def groups(self):
        """(group, its rows), one after the other; (None, table) without `by`."""
        if self.by is None:
            return [(None, self.table)]
        return [(group, part) for group, part in self.table.groupby(self.by, observed=True, sort=False)]

    def plot(self, **options):
        """Hazard and survivor function by group: see `mlmlib.plots.survival`."""
        from ..plots import survival
        return survival(self, **options)

    def _cells(self):
        names = [name for name in self.table if name not in ("se_hazard", "se_survivor", "lower", "upper")]
        rows = [[number(v) if isinstance(v, (int, float, np.number)) else str(v) for v in row]
                for row in self.table[names].itertuples(index=False)]
        return names, rows

    def _title(self):
        return f"Life table of {self.event} by {self.time}"

    def _note(self):
        told = ", ".join(f"{'' if self.by is None else f'{self.by} {group}: '}{number(m) if m == m else 'not reached'}"
                         for group, m in self.median.items())
        return f"Median time to the event: {told}."

    def __repr__(self):
        return f"{self._title()}\n{text_table(*self._cells())}\n{self._note()}"

    def _repr_html_(self):
        return html_table(*self._cells(), caption=self._title(), note=self._note())


def life_table(periods, *, time: str | None = None, event: str | None = None, id: str | None = None,
               by: str | None = None, level: float = 0.95) -> LifeTable:
    """Hazard and survivor function of each period, from a row a person and period at risk.

    Parameters
    ----------
    periods : DataFrame
        What `person_period` returned, or a table of that form.
    time, event, id : str, optional
        Columns of the period, of what happened in it, and of the persons; known of what `person_period` returned.
    by : str, optional
        Column of groups to be tabled apart.
    level : float
        Of the intervals of the survivor function, formed on the scale of log(-log S).

    Returns
    -------
    LifeTable

    Raises
    ------
    DataError
        For a column that is missing, a person with two rows in a period, or more persons with an event than at risk.

    Notes
    -----
    Chapter 18 (``18_categories``); Singer and Willett (2003), section 10.2.  With late entry the survivor function multiplies
    the hazards of those under observation.  With competing events the survivor function is that of no event of any kind.

    Examples
    --------
    >>> import pandas as pd, mlmlib as mlm
    >>> persons = pd.DataFrame({"week": [1, 2, 2, 3, 3], "event": [1, 1, 0, 0, 1]})
    >>> table = mlm.life_table(mlm.person_period(persons, "week", "event"))
    >>> table.table[["at_risk", "events", "censored", "hazard", "survivor"]].round(3).values.tolist()
    [[5.0, 1.0, 0.0, 0.2, 0.8], [4.0, 1.0, 1.0, 0.25, 0.6], [2.0, 1.0, 1.0, 0.5, 0.3]]
    >>> round(table.median[None], 3)
    2.333
    """
    with needs("mlm.life_table"):
        import pandas as pd

    check_level(level)
    known = getattr(periods, "attrs", {}).get("person_period", {})
    time, event, id = time or known.get("time"), event or known.get("event"), id or known.get("id")
    for what, name in (("time", time), ("event", event), ("id", id)):
        if name is None:
            raise DataError(f"Say which column is the {what}: {what}=...; a table of mlm.person_period knows it.")
        if name not in periods:
            raise DataError(f"There is no column {name!r}; the columns are "
                            f"{', '.join(map(str, periods.columns[:20]))}.")
    if by is not None and by not in periods:
        raise DataError(f"There is no column {by!r} to tell groups apart.")
    twice = periods.duplicated([id, time])
    if twice.any():
        row = periods[twice].iloc[0]
        raise DataError(f"{id} {row[id]} has several rows in period {row[time]}; a row is one person in one period.")
    codes, kinds = _codes(periods[event], event)
    parts, median = [], {}
    groups = [(None, np.ones(len(periods), dtype=bool))] if by is None else [
        (group, (periods[by] == group).to_numpy()) for group in _order(periods[by])]
    z = normal_quantile(level)
    for group, rows in groups:
        part = _one(periods[rows], codes[rows], time, id, kinds, z)
        median[group] = _median(part[time].to_numpy(dtype=float), part["survivor"].to_numpy())
        if by is not None:
            part.insert(0, by, group)
        parts.append(part)
    return LifeTable(pd.concat(parts, ignore_index=True), median, time, event, by,
                     tuple(kinds) if len(kinds) > 1 else (), level)


def _order(column):
    """Groups in the order of their categories, or sorted."""
    categories = getattr(getattr(column, "cat", None), "categories", None)
    present = column.dropna().unique().tolist()
    return sorted(present, key=lambda v: (str(type(v)), v)) if categories is None else [v for v in categories if v in present]


def _codes(column, name):
    """0 for no event, 1, 2 ... for its kinds; and these."""
    categories = getattr(getattr(column, "cat", None), "categories", None)
    if categories is not None:
        return column.cat.codes.to_numpy(), list(categories[1:])
    values = column.to_numpy()
    if values.dtype.kind not in "iufb" or not set(np.unique(values).tolist()) <= {0, 1}:
        raise DataError(f"Column {name!r} must be 1 in the period of the event and 0 before, or with competing "
                        "events a category whose "
                        "first says that there was none, as mlm.person_period makes it.")
    return values.astype(int), [1]


def _one(rows, codes, time, id, kinds, z):
    """The table of one group."""
    from .. import frames as pd

    period = rows[time].to_numpy()
    times, place = np.unique(period, return_inverse=True)
    n = np.bincount(place).astype(float)
    d = np.stack([np.bincount(place, codes == k + 1, len(times)) for k in range(len(kinds))])
    last = rows.assign(_place=place).groupby(id, observed=True)["_place"].transform("max").to_numpy() == place
    if ((codes > 0) & ~last).any():
        who = rows[id].to_numpy()[(codes > 0) & ~last][0]
        raise DataError(f"{id} {who} has rows after the period of the event; a person is at risk up to the first "
                        "event only.")
    censored = np.bincount(place, last & (codes == 0), len(times))
    every = d.sum(axis=0)
    h = every / n
    S = np.cumprod(1.0 - h)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.cumsum(np.where(h < 1, h / (n * (1.0 - h)), np.nan)))
        inside = (S > 0) & (S < 1)
        turn = np.where(inside, spread / np.abs(np.log(S)), np.nan)
        lower, upper = S ** np.exp(z * turn), S ** np.exp(-z * turn)
    out = {time: times, "at_risk": n.astype(int), "events": every.astype(int), "censored": censored.astype(int),
           "hazard": h, "se_hazard": np.sqrt(h * (1.0 - h) / n), "survivor": S, "se_survivor": S * spread,
           "lower": np.where(S == 1, 1.0, lower), "upper": np.where(S == 1, 1.0, upper)}
    if len(kinds) > 1:
        before = np.concatenate([[1.0], S[:-1]])
        for kind, own in zip(kinds, d):
            out[f"hazard: {kind}"] = own / n
            out[f"incidence: {kind}"] = np.cumsum(before * own / n)
    return pd.DataFrame(out)


def _median(times, S) -> float:
    """The time at which the survivor function, linear within periods, is one half (Singer & Willett, 2003, eq. 10.7)."""
    below = np.flatnonzero(S <= 0.5)
    if not len(below):
        return float("nan")
    k = int(below[0])
    low, high = (0.0 if k == 0 else times[k - 1]), (1.0 if k == 0 else S[k - 1])
    start = times[k] - 1.0 if k == 0 else low
    return float(start + (high - 0.5) / (high - S[k]) * (times[k] - start))
