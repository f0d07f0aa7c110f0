"""The rows of a panel: which group and time each belongs to, and means, deviations and differences over them.

Chapter 19 (``19_fixed_or_random``) takes a regression apart with them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..design import Design, build_design
from ..errors import DataError, FormulaError
from ..formula import as_groups, parse
from ..lmm.columns import refuse_extreme

__all__ = ["Frame", "build_frame"]


@dataclass(frozen=True)
class Frame:
    """A design whose rows lie in groups, and at times where these are given.

    Attributes
    ----------
    design : Design
    group, time : str
        Their columns; `time` may be None.
    codes, times : ndarray of int, shape (n,)
        The group and the time of each row; `times` may be None.
    levels, time_levels : ndarray, shapes (J,), (T,)
        Their labels.
    group_factors, time_factors : Term
        How to read them from new rows.
    """

    design: Design
    group: str
    codes: np.ndarray
    levels: np.ndarray
    time: str | None = None
    times: np.ndarray | None = None
    time_levels: np.ndarray | None = None
    group_factors: tuple = ()
    time_factors: tuple = ()

    @property
    def n(self) -> int:
        return len(self.codes)

    @property
    def J(self) -> int:
        return len(self.levels)

    @property
    def sizes(self) -> np.ndarray:
        """Rows of each group, shape (J,)."""
        return np.bincount(self.codes, minlength=self.J)

    @property
    def y(self) -> np.ndarray:
        return self.design.y if self.design.offset is None else self.design.y - self.design.offset

    @property
    def X(self) -> np.ndarray:
        return self.design.X

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.design.exog_names)

    def means(self, A: np.ndarray) -> np.ndarray:
        """Means of the groups, shape (J, ...): weighted where the design has weights."""
        w = self.design.weights
        columns = A.reshape(self.n, -1).T
        total = self.sizes if w is None else np.bincount(self.codes, w, minlength=self.J)
        sums = [np.bincount(self.codes, c if w is None else c * w, minlength=self.J) for c in columns]
        return (np.array(sums).reshape(len(columns), self.J) / total).T.reshape(self.J, *A.shape[1:])

    def deviations(self, A: np.ndarray) -> np.ndarray:
        """Deviations of the rows from their group's mean, swept twice: means of large numbers are rounded."""
        for _ in range(2):
            A = A - self.means(A)[self.codes]
        return A

    def constant(self, A: np.ndarray) -> np.ndarray:
        """Which columns of A do not vary within groups, shape (k,) of bool."""
        spread = np.sqrt((self.deviations(A) ** 2).sum(axis=0))
        return spread <= 1e-9 * np.sqrt((A ** 2).sum(axis=0))

    def pairs(self) -> tuple[np.ndarray, np.ndarray, int]:
        """Rows to subtract from one another, later and earlier of each group in the order of time; pairs over a gap."""
        order = np.lexsort((self.times, self.codes))
        same = np.diff(self.codes[order]) == 0
        step = np.diff(self.times[order])
        if (same & (step == 0)).any():
            at = order[int(np.argmax(same & (step == 0)))]
            raise DataError(f"{self.group} {self.levels[self.codes[at]]} has two rows at {self.time} "
                            f"{self.time_levels[self.times[at]]}; first differences need one row for each group and time.")
        return order[1:][same], order[:-1][same], int((step[same] > 1).sum())


def build_frame(formula: str, data, groups: str, time: str | None, weights) -> Frame:
    """Read formula, groups and time; rows that miss any of them are dropped, with a message."""
    written = parse(formula)
    if written.random:
        raise FormulaError(f"The formula {formula!r} has a random term; a panel model has its groups from groups=. Fit "
                           "random terms with mlm.lmm.")
    if not isinstance(groups, str):
        raise DataError(f"groups= is the name of one column, such as groups='firm', not {groups!r}.")
    if time is not None and not isinstance(time, str):
        raise DataError(f"time= is the name of one column, such as time='year', not {time!r}.")
    asked = formula + "".join(f" + (1 | {as_groups(name)})" for name in (groups, time) if name is not None)
    design = build_design(asked, data, weights=weights)
    own, *rest = design.random
    frame = Frame(replace(design, formula=written, random=()), own.group, own.codes, own.levels,
                  group_factors=own.factors)
    refuse_extreme(design.X.T, design.exog_names, "predictors")
    if frame.J < 2:
        raise DataError(f"{groups!r} has one group, {own.levels[0]}; a panel needs at least two. Fit mlm.ols, or name "
                        "another column in groups=.")
    if rest:
        frame = replace(frame, time=rest[0].group, times=rest[0].codes, time_levels=rest[0].levels,
                        time_factors=rest[0].factors)
    return frame
