"""The residuals' structure as translators need it: names of columns, the step of time, how many occasions.

Chapter 14 (``14_residual_structures``) writes such models.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...rows.base import Correlation, Variance

__all__ = ["Residuals", "of_rows"]


@dataclass(frozen=True)
class Residuals:
    """Correlation and variances of the residuals, as written, and what the data tell of them.

    Attributes
    ----------
    correlation : Correlation or None
    variances : tuple of Variance
    group : str or None
        Within which the residuals are correlated; None for all rows as one series.
    step : float or None
        One step of the time column; None for a time of categories.
    first : float
        The earliest time.
    steps : int or None
        Between the earliest time and the latest; None where data were not seen.
    occasions : int or None
        Different times, or rows of the largest group where no time is named.
    """

    correlation: Correlation | None = None
    variances: tuple[Variance, ...] = ()
    group: str | None = None
    step: float | None = 1.0
    first: float = 0.0
    steps: int | None = None
    occasions: int | None = None
    gaps: bool = False  # are there steps of the time scale at which no row stands?

    def __bool__(self) -> bool:
        return self.correlation is not None or bool(self.variances)

    @property
    def kind(self) -> str | None:
        return None if self.correlation is None else self.correlation.name

    @property
    def time(self) -> str | None:
        return None if self.correlation is None else self.correlation.time

    @property
    def in_steps(self) -> bool:
        """Whether the time column itself counts steps, as programs expect of a discrete time."""
        return self.step is not None and abs(self.step - 1) < 1e-9 and abs(self.first - round(self.first)) < 1e-9

    @property
    def by_time(self) -> bool:
        """A variance for each occasion, and no other structure of the variances."""
        return len(self.variances) == 1 and self.variances[0].name == "by_group" and self.variances[0].column == self.time

    @property
    def by(self) -> str | None:
        """The column of ``by_group``, if that is the only structure of the variances."""
        return self.variances[0].column if len(self.variances) == 1 and self.variances[0].name == "by_group" else None


def of_rows(correlation, variance, design=None, rows=None, names=()) -> Residuals:
    """Read a structure: `rows` is it bound to `design`, `names` are the grouping factors of the random effects."""
    variances = () if variance is None else (variance,) if isinstance(variance, Variance) else tuple(variance)
    if correlation is None:
        return Residuals(None, variances)
    if design is None:
        return Residuals(correlation, variances, correlation.group or (names[-1] if names else None))
    if rows is None:
        from ...rows.covariance import RowCovariance

        rows = RowCovariance(design, correlation, variance)
    layout = rows.correlation.layout
    single = [term for term in design.random if term.members is None]
    group = correlation.group or (max(single, key=lambda term: len(term.levels)).group if single else None)
    if correlation.time is None:
        most = int(layout.sizes.max())
        return Residuals(correlation, variances, group, steps=most - 1, occasions=most)
    times, texts = np.unique(layout.time), np.asarray(layout.values).dtype.kind not in "fiu"
    if correlation.name in ("car1", "un", "cs"):
        return Residuals(correlation, variances, group, None if texts else 1.0, float(times[0]), None, len(times))
    from ...rows.markov import integer_gaps

    counted = integer_gaps(layout, correlation.time, correlation.name)
    largest = int(np.argmax(layout.gaps))
    step = float(layout.gaps[largest] / counted[largest])
    steps = round(float(times[-1] - times[0]) / step)
    return Residuals(correlation, variances, group, None if texts else step, float(times[0]), steps, len(times),
                     steps + 1 != len(times))
