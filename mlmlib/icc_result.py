"""What an intraclass correlation is shown as.

Chapter 2 (`02_clustering`) derives it, chapter 3 (`03_random_intercepts`) has that of a fitted model.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .display import Shown, number
from .results import normal_quantile

__all__ = ["Icc", "logit_interval"]


@dataclass(frozen=True, repr=False)
class Icc(Shown):
    """An intraclass correlation: the share of variance between groups.

    `kind` says whether it is "unconditional" (no predictors), "residual" (what predictors leave), or comes "from
    variances" or an "analysis of variance". `between` and `within` are the two variances. float(icc) is the estimate.
    """

    estimate: float
    between: float
    within: float
    kind: str
    group: str = ""
    se: float = float("nan")
    lower: float = float("nan")
    upper: float = float("nan")
    level: float = 0.95
    at: dict = field(default_factory=dict)
    note: str = ""
    share: float = float("nan")

    def __float__(self):
        return self.estimate

    def _title(self):
        where = f" of {self.group}" if self.group else ""
        point = f", at {', '.join(f'{k} = {v if isinstance(v, str) else number(v)}' for k, v in self.at.items())}" if self.at else ""
        return f"{self.kind[:1].upper()}{self.kind[1:]} ICC{where}{point}"

    def _rows(self):
        rows = [["ICC", number(self.estimate)]]
        if self.se == self.se:
            rows.append(["standard error", number(self.se)])
        if self.lower == self.lower:
            rows.append([f"{100 * self.level:g} % interval", f"{number(self.lower)} to {number(self.upper)}"])
        rows += [["variance between", number(self.between)], ["variance within", number(self.within)]]
        return ["", ""], rows

    def _note(self):
        return self.note


def logit_interval(rho: float, se: float, level: float) -> tuple[float, float]:
    """A Wald interval on the logit scale; NaN where there is no standard error or rho is on the boundary."""
    if se != se or not 0 < rho < 1:
        return float("nan"), float("nan")
    half = normal_quantile(level) * se / (rho * (1 - rho))
    middle = np.log(rho / (1 - rho))
    return float(1 / (1 + np.exp(half - middle))), float(1 / (1 + np.exp(-half - middle)))
