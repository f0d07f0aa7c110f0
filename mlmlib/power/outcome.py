"""The outcome of a planned study: what varies between and within groups in each arm, on the scale of the effect.

- continuous: the effect is in standard deviations of one arm, so that variances are shares and sum to 1;
- binary, "difference": the effect is a difference of proportions, and an intraclass correlation is that of the zeros
  and ones: between groups icc p (1 - p), within (1 - icc) p (1 - p) (Donner & Klar, 2000);
- binary, "log-odds": the effect is a log odds ratio within a group, as a logistic model with random intercepts
  estimates it; an intraclass correlation is that of the latent scale, tau^2 = icc / (1 - icc) pi^2 / 3, and a unit has
  the variance 1 / (p (1 - p)), p the proportion in a typical group (Moerbeek, Van Breukelen & Berger, 2001; Spybrook et
  al., 2011).

Chapter 21 (``21_planning``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..errors import DataError
from .arguments import inside, one_of

__all__ = ["EXTREME", "Arm", "Outcome", "outcome_of"]

LATENT = math.pi ** 2 / 3.0
EXTREME = 30.0  # log odds ratio beyond which a proportion is 0 or 1 to all digits


@dataclass(frozen=True)
class Arm:
    """Variances of one arm: `between` has one for each level above the units; `mean` is its proportion, or None."""

    between: tuple[float, ...]
    within: float
    mean: float | None = None


@dataclass(frozen=True)
class Outcome:
    """Continuous, or binary on one of two scales."""

    kind: str = "continuous"
    scale: str = "standard deviations"
    control: Any = None  # the proportion in the control arm, of a binary outcome

    @property
    def binary(self) -> bool:
        return self.kind == "binary"

    def treated(self, effect: float) -> float:
        """The proportion in the treated arm."""
        if self.scale == "log-odds":
            return 1.0 / (1.0 + math.exp(-(math.log(self.control / (1.0 - self.control)) + effect)))
        return self.control + effect

    def arms(self, effect: float, *icc: float) -> tuple[Arm, Arm]:
        """Control and treatment."""
        rest = 1.0 - sum(icc)
        if not self.binary:
            return (Arm(icc, rest),) * 2
        return self._arm(self.control, icc, rest), self._arm(self.treated(effect), icc, rest)

    def _arm(self, p: float, icc, rest: float) -> Arm:
        if self.scale == "log-odds":
            return Arm(tuple(rho / rest * LATENT for rho in icc), 1.0 / (p * (1.0 - p)), p)
        return Arm(tuple(rho * p * (1.0 - p) for rho in icc), rest * p * (1.0 - p), p)

    def check(self, effect: float | None, *icc: float) -> None:
        """A proportion stays one."""
        if self.scale == "log-odds" and sum(icc) >= 1.0:
            raise DataError("icc=1 has no latent variance within groups: on the log-odds scale icc must be below 1.")
        if effect is not None and self.scale == "log-odds" and abs(effect) > EXTREME:
            raise DataError(f"effect={effect:g} leaves the treated arm a proportion of 0 or 1. It is the logarithm of an "
                            "odds ratio: 0.7 doubles the odds.")
        if effect is not None and self.scale == "difference" and not 0.0 < self.control + effect < 1.0:
            raise DataError(f"effect={effect:g} takes the proportion from control={self.control:g} to "
                            f"{self.control + effect:g}, "
                            "outside 0 to 1. It is a difference of proportions; for a log odds ratio say "
                            "scale='log-odds'.")

    def largest(self) -> float:
        """The effect that cannot be exceeded, upward."""
        return 1.0 - self.control if self.scale == "difference" else math.inf

    @property
    def unit(self) -> str:
        """What the effect is in."""
        return {"difference": "difference of proportions", "log-odds": "log odds ratio within a group"}.get(
            self.scale, "standard deviations of one arm")

    @property
    def icc_scale(self) -> str:
        """What the intraclass correlation is of."""
        return {"difference": "the zeros and ones", "log-odds": "the latent (logistic) scale"}.get(self.scale,
                                                                                                   "the outcome")


def outcome_of(outcome: str, control, scale: str | None) -> Outcome:
    """The outcome from the arguments of a design."""
    one_of("outcome", outcome, ("continuous", "binary"))
    if outcome == "continuous":
        if control is not None or scale is not None:
            raise DataError("control= and scale= are for outcome='binary'; the effect on a continuous outcome is in "
                            "standard deviations.")
        return Outcome()
    scale = one_of("scale", "difference" if scale is None else scale, ("difference", "log-odds"))
    if control is None:
        raise DataError("A binary outcome needs control=, the proportion in the control arm: variances depend on it.")
    return Outcome("binary", scale, inside("control", control, "It is the proportion in the control arm."))
