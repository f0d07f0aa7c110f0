"""Who was measured when: occasions by person, spacing, missing waves, dropout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..display import html_table, number, text_table
from ..errors import DataError
from .columns import codes_of, numbers, time_of
from ..optional import needs

__all__ = ["Waves", "waves"]

MOST_WAVES = 40  # more different times than this are not waves: everybody has times of their own


@dataclass(frozen=True, eq=False)
class Waves:
    """The occasions of a table.

    Attributes
    ----------
    times : tuple of float
        The waves: the different times, in order; empty where everybody has times of their own.
    table : DataFrame
        A row a person: occasions, first and last time, the shortest and longest step between neighbors, and with
        waves the pattern (x for measured, . for not) and its kind: complete, dropout (all waves from the first up to
        one), late (all from one to the last), late dropout (all from one to another, neither the first nor the last),
        gaps (a wave missed between two that were not).
    counts : Series
        How many persons have each number of occasions.
    patterns : Series or None
        How many persons have each pattern, the most frequent first.
    measured : Series or None
        How many persons were measured in each wave.
    monotone : bool or None
        Whether nobody came back after missing a wave and nobody came late; None without waves.
    balanced : bool
        Whether everybody was measured at the same times.
    """

    times: tuple
    table: Any
    counts: Any
    patterns: Any
    measured: Any
    monotone: bool | None
    balanced: bool
    unit: str
    time: str

    @property
    def missing(self) -> str:
        """The verdict in words."""
        if not self.times:
            return "everybody has times of their own; there are no waves to miss"
        kinds = self.table["kind"].value_counts()
        if self.balanced:
            return "nobody missed a wave"
        told = [
            f"{kinds[kind]} {word}"
            for kind, word in (
                ("complete", "complete"),
                ("dropout", "dropped out"),
                ("late", "came late"),
                ("late dropout", "came late and dropped out"),
                ("gaps", "have gaps"),
            )
            if kinds.get(kind, 0)
        ]
        return f"{', '.join(told)}: missingness is {'monotone' if self.monotone else 'not monotone'}"

    def _lines(self):
        t = self.table
        rows = [
            [
                "occasions a person",
                f"{t['occasions'].min()} to {t['occasions'].max()}, mean {t['occasions'].mean():.2f}",
            ],
            ["steps between occasions", _steps(t)],
            ["missing waves", self.missing],
        ]
        if self.times:
            rows.insert(1, ["waves", ", ".join(number(x) for x in self.times)])
            shown = self.patterns.head(8)
            rows += [[f"  {pattern}", f"{count}"] for pattern, count in shown.items()]
            if len(self.patterns) > len(shown):
                rows.append(
                    ["  other patterns", f"{int(self.patterns.iloc[8:].sum())} in {len(self.patterns) - 8} patterns"]
                )
        return rows

    def _title(self):
        return f"{int(self.table['occasions'].sum())} occasions of {len(self.table)} {self.unit}, by {self.time}"

    def __repr__(self):
        return f"{self._title()}\n{text_table(['', ''], self._lines())}"

    def _repr_html_(self):
        return html_table(["", ""], self._lines(), caption=self._title())


def waves(df, unit, time, outcome=None):
    """Describe when persons were measured, and what is missing.

    Parameters
    ----------
    df : DataFrame
        One row an occasion.
    unit, time : str
        Columns of persons and of times (numbers, or dates in days).
    outcome : str, optional
        A column whose missing rows count as not measured.

    Returns
    -------
    Waves

    Raises
    ------
    DataError
        For missing columns or times, and a person with two rows at one time.

    Notes
    -----
    Chapter 13 (`13_growth`). Dropout is monotone when each person's measured waves are all those up to the last one
    they have. A model of all rows needs no complete persons, whatever the pattern, provided that the missing are
    missing at random; the pattern alone cannot show that.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> seen = mlm.growth.waves(mlm.load("sleepstudy"), "Subject", "Days")
    >>> seen.balanced, seen.counts.to_dict(), seen.missing
    (True, {10: 18}, 'nobody missed a wave')
    """
    with needs("mlm.growth.waves"):
        import pandas as pd

    times, codes = time_of(df, time), codes_of(df, unit)
    if np.isnan(times).any():
        raise DataError(f"Column {time!r} is missing in {int(np.isnan(times).sum())} rows; drop these rows first.")
    kept = np.ones(len(df), dtype=bool) if outcome is None else ~np.isnan(numbers(df, outcome))
    if not kept.any():
        raise DataError(f"No row has a value of {outcome if outcome else unit!r}.")
    names = pd.Index(df[unit].unique(), name=unit)
    codes, times = codes[kept], times[kept]
    order = np.lexsort((times, codes))
    c, t = codes[order], times[order]
    step, same = np.diff(t), np.diff(c) == 0
    if (same & (step == 0)).any():
        raise DataError(
            f"{unit} {names[c[np.argmax(same & (step == 0))]]} has two rows at the same {time!r}; a wave is one row."
        )
    grouped = pd.Series(t).groupby(c)
    steps = pd.Series(np.where(same, step, np.nan)).groupby(c[1:])
    table = pd.DataFrame(
        {
            "occasions": grouped.size(),
            "first": grouped.min(),
            "last": grouped.max(),
            "shortest step": steps.min(),
            "longest step": steps.max(),
        }
    ).reindex(range(len(names)))
    table["occasions"] = table["occasions"].fillna(0).astype(int)
    different = np.unique(t)
    patterns = measured = monotone = None
    waves_ = len(different) <= MOST_WAVES and len(different) < max(len(t) / 2, 2)
    if waves_:
        grid = np.zeros((len(names), len(different)), dtype=bool)
        grid[c, np.searchsorted(different, t)] = True
        table["pattern"] = ["".join("x" if seen else "." for seen in row) for row in grid]
        table["kind"] = [_kind(row) for row in grid]
        patterns = table["pattern"].value_counts()
        measured = pd.Series(grid.sum(axis=0), pd.Index(different, name=time), name="measured")
        monotone = bool(table["kind"].isin(["complete", "dropout"]).all())
    table.index = names
    counts = table["occasions"].value_counts().sort_index()
    balanced = bool((table["kind"] == "complete").all()) if waves_ else False
    return Waves(tuple(different) if waves_ else (), table, counts, patterns, measured, monotone, balanced, unit, time)


def _kind(row) -> str:
    seen = np.flatnonzero(row)
    if len(seen) == len(row):
        return "complete"
    if not len(seen):
        return "dropout"
    if seen[-1] - seen[0] + 1 > len(seen):
        return "gaps"
    if seen[-1] == len(row) - 1:
        return "late"
    return "dropout" if seen[0] == 0 else "late dropout"


def _steps(table) -> str:
    low, high = table["shortest step"].min(), table["longest step"].max()
    if low != low:
        return "one occasion a person"
    return f"all {number(low)}" if low == high else f"{number(low)} to {number(high)}"
