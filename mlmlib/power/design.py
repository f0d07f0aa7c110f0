"""What every design shares: a variance of the estimated effect in parts, degrees of freedom, and the power that
follows.

A design is a file: its `parts` say how much each level adds to the variance, its `degrees` what the test has, its
`formula` and `source` where that is from.

Chapter 21 (``21_planning``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from ..errors import DataError
from .arguments import inside, number, one_of
from .noncentral import power_at
from .outcome import Outcome

__all__ = ["Design", "common"]

MOST = 10 ** 9  # a size above which a larger one changes nothing


@dataclass(frozen=True, kw_only=True)
class Design:
    """The base of the designs.

    Attributes
    ----------
    names : tuple of str
        The sizes, from the top level down.
    steps : dict
        A size that comes in whole arms: share is of it.
    least : dict
        The smallest size of each name.
    """

    alpha: float = 0.05
    sides: int = 2
    share: float = 0.5
    df: float | None = None
    outcome: Outcome = Outcome()

    names: ClassVar[tuple[str, ...]] = ("groups", "n")
    words: ClassVar[dict[str, str]] = {"groups": "groups", "n": "units a group"}

    @property
    def title(self) -> str:
        """What the design is called."""
        return ""

    @property
    def least(self) -> dict[str, int]:
        """The smallest size of each name, where it is not 1."""
        return {}

    @property
    def in_arms(self) -> tuple[str, ...]:
        """The sizes that come in whole arms."""
        return ()

    @property
    def source(self) -> str:
        """Where the formula is from."""
        return ""

    def parts(self, effect: float, sizes: dict) -> dict[str, float]:
        """What each level adds to the variance of the estimated effect."""
        raise NotImplementedError

    def study(self, effect: float, sizes: dict, given=None):
        """The truth that `simulate` draws from (`Study`)."""
        raise NotImplementedError

    def degrees(self, sizes: dict) -> float:
        """Degrees of freedom of the test, by the design."""
        raise NotImplementedError

    @property
    def formula(self) -> str:
        """The variance in a line of text."""
        raise NotImplementedError

    @property
    def notes(self) -> list[str]:
        """What else the reader should know."""
        return []

    def check(self, sizes: dict) -> None:
        """Refuse sizes that leave nothing to test with."""

    def variance(self, effect: float, sizes: dict) -> float:
        """Variance of the estimated effect."""
        return sum(self.parts(effect, sizes).values())

    def freedom(self, sizes: dict) -> float:
        """Degrees of freedom: those given, or the design's."""
        return self.degrees(sizes) if self.df is None else self.df

    def power(self, effect: float, sizes: dict) -> float:
        """Power; 0 where no test is left."""
        df, variance = self.freedom(sizes), self.variance(effect, sizes)
        if not df > 0:
            return 0.0
        ratio = math.inf if variance == 0.0 else abs(effect) / math.sqrt(variance)
        return 1.0 if math.isinf(ratio) else power_at(ratio, df, self.alpha, self.sides)

    def alone(self, effect: float, total: float) -> float:
        """Variance with as many units, each assigned by itself and none grouped; None where that means nothing."""
        arms = self.outcome.arms(effect, 0.0)
        return sum(arm.within / share for arm, share in zip(arms, (1.0 - self.share, self.share))) / total

    def total(self, sizes: dict) -> float:
        """Units in all."""
        return math.prod(sizes[name] for name in self.names)

    def step(self, name: str) -> int:
        """Sizes that give whole arms are multiples of this."""
        exact = Fraction(self.share).limit_denominator(20)
        return exact.denominator if name in self.in_arms and math.isclose(float(exact), self.share) else 1

    def smallest(self, name: str) -> int:
        """The smallest size to look at."""
        return max(self.least.get(name, 1), self.step(name))

    def most(self, name: str) -> int:
        """The greatest size to look at."""
        return MOST


def common(alpha, sides, share, df) -> dict:
    """The arguments of every design, checked."""
    if df is not None and not (isinstance(df, (int, float)) and df > 0):
        raise DataError(f"df={df!r} must be above zero, or None for those of the design; float('inf') gives a z test.")
    return {"alpha": inside("alpha", alpha, "It is the level of the test, such as 0.05."),
            "sides": one_of("sides", sides, (1, 2)),
            "share": inside("share", number("share", share),
                            "It is the share that is treated; with one cluster an arm or none there is no test."),
            "df": df}
