"""Counts that cannot be zero: log f(y) - log(1 - f(0)), with derivatives from those of the two log densities.

Chapter 17 (``17_counts``) uses them as the second part of hurdle models.
"""

from __future__ import annotations

import numpy as np

from ..density import Terms

__all__ = ["truncated"]


def truncated(at: Terms, zero: Terms) -> Terms:
    """The terms of a density cut off at zero.

    Parameters
    ----------
    at : Terms
        Of the counts observed, above zero.
    zero : Terms
        Of zeros in the place of these counts.
    """
    b = zero.value
    room = -np.expm1(b)  # 1 - f(0)
    out = Terms(at.value - np.log(room))
    if at.d1 is None:
        return out
    r = np.where(b < -700, 0.0, np.exp(b) / room)  # the odds of a zero; log(1 - f(0)) has the slope -r in b
    first = r * zero.d1
    second = (1 + r) * zero.d1
    out.d1, out.d2 = at.d1 + first, at.d2 + first * second + r * zero.d2
    if at.d3 is not None:
        third = (1 + 2 * r) * zero.d1
        out.d3 = at.d3 + first * second * third + 3 * first * ((1 + r) * zero.d2) + r * zero.d3
        by_psi = (1 + r) * zero.p
        out.p, out.p1 = at.p + r * zero.p, at.p1 + first * by_psi + r * zero.p1
        out.p2 = (at.p2 + first * ((1 + 2 * r) * zero.d1) * by_psi + r * zero.d2 * by_psi
                  + 2 * first * ((1 + r) * zero.p1) + r * zero.p2)
    return out
