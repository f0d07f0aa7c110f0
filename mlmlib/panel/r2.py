"""R2 of panel models: squared correlations within groups, between their means, and over all rows.

Three conventions.  Stata's three, ``within``, ``between`` and ``overall``, take the coefficients of any estimator and
correlate predictions with outcomes on each scale (groups counted once for ``between``).  plm has one, the squared
correlation on the scale on which the model was fitted: ``rsquared``.  The share of the squares explained on that scale
is the same where the transformed regression has a constant or is of deviations.

Chapter 19 (``19_fixed_or_random``).  Baltagi, B. H. (2013). Econometric Analysis of Panel Data (5th ed.). Wiley.
StataCorp (2021). Longitudinal-Data/Panel-Data Reference Manual: xtreg, Methods and formulas.
"""

from __future__ import annotations

import numpy as np

__all__ = ["correlation2", "three"]


def correlation2(a: np.ndarray, b: np.ndarray, weights=None) -> float:
    """Squared correlation; NaN where one of the two does not vary."""
    a, b = (c - np.average(c, weights=weights) for c in (a, b))
    w = np.ones(len(a)) if weights is None else weights
    aa, bb, ab = (w * a) @ a, (w * b) @ b, (w * a) @ b
    return float(ab ** 2 / (aa * bb)) if min(aa, bb) > 0 else float("nan")


def three(frame, linear: np.ndarray) -> dict:
    """R2 within, between and overall of a linear predictor, shape (n,)."""
    w, y = frame.design.weights, frame.y
    inner = frame.deviations(linear)
    if (inner ** 2).sum() <= 1e-20 * (linear ** 2).sum():
        inner = np.zeros_like(inner)
    return {"within": correlation2(frame.deviations(y), inner, w),
            "between": correlation2(frame.means(y), frame.means(linear)),
            "overall": correlation2(y, linear, w)}
