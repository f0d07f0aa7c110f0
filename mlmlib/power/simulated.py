"""What `mlm.power.simulate` returns: power counted, with its Monte Carlo error, and how good the estimates were.

Chapter 21 (``21_planning``).

References
----------
Morris, T. P., White, I. R., & Crowther, M. J. (2019). Using simulation studies to evaluate statistical methods.
Statistics in Medicine, 38, 2074-2102.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from ..display import Shown, number
from ..inference.blocks import how_to_go_on
from .noncentral import critical

__all__ = ["SimulatedPower"]

COLUMNS = ("estimate", "se", "df", "p", "lower", "upper", "significant", "covered", "singular")


@dataclass(frozen=True, repr=False)
class SimulatedPower(Shown):
    """Power by simulation.

    Attributes
    ----------
    power, mc_error : float
        Of the first analysis: share of the fits in which the effect was significant, and the standard error of that
        share.
    bias, coverage : float
        Mean estimate less the truth; share of the confidence intervals that hold the truth.
    table : DataFrame
        A row an analysis: power, mc_error, lower and upper (Wilson's 95 % interval), estimate, bias, bias_error, sd (of
        the estimates), mean_se, coverage, fits, failed, singular.
    replicates : DataFrame
        A row a replicate and analysis.
    failures : dict
        {what went wrong: how often}.
    truth : float
        The true value of the coefficient `term`.
    formula_power : float or None
        What the formula of the design says.
    done, asked : int
        Replicates; fewer are done than asked for after an interrupt.
    """

    term: str
    truth: float
    analyses: tuple
    values: np.ndarray
    reasons: tuple
    asked: int
    seed: int
    alpha: float
    sides: int
    formula_power: float | None = None
    checkpoint: object = None

    @property
    def done(self) -> int:
        return len(self.values)

    @property
    def failures(self) -> dict:
        return dict(Counter(why for why in self.reasons if why))

    @property
    def table(self):
        from .. import frames as pd

        return pd.DataFrame([self._row(k) for k in range(len(self.analyses))],
                            index=pd.Index(self.analyses, name="analysis"))

    @property
    def replicates(self):
        from .. import frames as pd

        R, A, _ = self.values.shape
        found = pd.DataFrame(self.values.reshape(R * A, -1), columns=list(COLUMNS))
        found.insert(0, "replicate", np.repeat(np.arange(R), A))
        found.insert(1, "analysis", np.tile(np.array(self.analyses, dtype=object), R))
        return found

    @property
    def power(self) -> float:
        return self._row(0)["power"]

    @property
    def mc_error(self) -> float:
        return self._row(0)["mc_error"]

    @property
    def bias(self) -> float:
        return self._row(0)["bias"]

    @property
    def coverage(self) -> float:
        return self._row(0)["coverage"]

    def _row(self, k: int) -> dict:
        own = self.values[:, k]
        good = own[np.isfinite(own[:, 0])]
        n = len(good)
        head = {"fits": n, "failed": len(own) - n}
        if n == 0:
            return dict.fromkeys(("power", "mc_error", "lower", "upper", "estimate", "bias", "bias_error", "sd",
                                  "mean_se", "coverage"),
                                 math.nan) | head | {"singular": 0}
        power, (lower, upper) = float(good[:, 6].mean()), wilson(float(good[:, 6].sum()), n)
        sd = float(good[:, 0].std(ddof=1)) if n > 1 else math.nan
        return {"power": power, "mc_error": math.sqrt(power * (1.0 - power) / n), "lower": lower, "upper": upper,
                "estimate": float(good[:, 0].mean()), "bias": float(good[:, 0].mean()) - self.truth,
                "bias_error": sd / math.sqrt(n),
                "sd": sd, "mean_se": float(good[:, 1].mean()), "coverage": float(good[:, 7].mean()), **head,
                "singular": int(good[:, 8].sum())}

    def _title(self):
        return f"Power by simulation: {self.term} = {number(self.truth)}"

    def _rows(self):
        rows = []
        for name, row in self.table.iterrows():
            rows.append([name, f"{row['power']:.3f}", f"{row['mc_error']:.3f}",
                         f"{row['lower']:.3f} to {row['upper']:.3f}", number(row["bias"], 2),
                         f"{row['coverage']:.3f}", f"{int(row['fits'])}", f"{int(row['failed'])}",
                         f"{int(row['singular'])}"])
        return ["analysis", "power", "MC error", "95% interval", "bias", "coverage", "fits", "failed", "singular"], rows

    def _note(self):
        said = [f"{self.done} replicates, seed {self.seed}, alpha {self.alpha:g}, {self.sides}-sided."]
        if self.done < self.asked:
            said.append(how_to_go_on(self.done, self.asked, self.checkpoint))
        if self.formula_power is not None:
            said.append(f"The formula says {self.formula_power:.3f}.")
        said += [f"{times} fits failed: {why}" for why, times in self.failures.items()]
        return " ".join(said)


def wilson(successes: float, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's interval of a share; it is honest at 0 and 1, where the Monte Carlo error is zero."""
    p, spread = successes / n, 1.0 + z * z / n
    middle, half = (p + z * z / (2 * n)) / spread, z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / spread
    return max(0.0, middle - half), min(1.0, middle + half)


def judged(estimate, truth: float, alpha: float, sides: int) -> list[float]:
    """A row of the replicates; a test of one side looks in the direction of the truth."""
    from scipy.special import ndtr, stdtr

    value, se, df = estimate.value, estimate.se, estimate.df
    t = value / se
    p = 2.0 * float(ndtr(-abs(t)) if math.isinf(df) else stdtr(df, -abs(t)))
    if sides == 1:
        toward = t if truth >= 0 else -t
        p = p / 2.0 if toward > 0 else 1.0 - p / 2.0
    half = critical(df, alpha, 2) * se
    return [value, se, df, p, value - half, value + half, float(p < alpha), float(abs(value - truth) <= half),
            float(estimate.singular)]
