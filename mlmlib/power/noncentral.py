"""Power of a t test whose estimate is normal: the noncentral t distribution, and what it takes to reach a power.

Chapter 21 (``21_planning``).

References
----------
Hedges, L. V., & Rhoads, C. (2010). Statistical Power Analysis in Education Research (NCSER 2010-3006). US Department of
Education.
"""

from __future__ import annotations

import math

from scipy import special

__all__ = ["critical", "power_at"]


def critical(df: float, alpha: float, sides: int) -> float:
    """The value that |t| (two sides) or t (one side) must exceed; df may be infinite."""
    q = 1.0 - alpha / sides
    return float(special.ndtri(q) if math.isinf(df) else special.stdtrit(df, q))


def power_at(noncentrality: float, df: float, alpha: float, sides: int) -> float:
    """Probability of a significant t, both tails counted when there are two sides; one side is that of the effect."""
    beyond, shift = critical(df, alpha, sides), abs(noncentrality)
    upper = _above(beyond, df, shift)
    return min(1.0, upper + (_above(beyond, df, -shift) if sides == 2 else 0.0))


def _above(point: float, df: float, shift: float) -> float:
    """P(T > point) of the noncentral t."""
    if math.isinf(df):
        return float(special.ndtr(shift - point))
    below = float(special.nctdtr(df, shift, point))
    if math.isnan(below):  # far out in a tail
        return 1.0 if shift > point else 0.0
    return 1.0 - below
