"""Linear hypotheses about coefficients, written as text, and their matrices written back as text.

``"x = 0, z = 2*w"`` becomes the rows (1, 0, 0) and (0, 1, -2) of a matrix C with right sides 0 and 0: C b = r.

Chapter 8 (``08_inference``) tests such hypotheses.
"""

from __future__ import annotations

import numpy as np

__all__ = ["describe"]


def describe(C: np.ndarray, rhs: np.ndarray, names: list[str]) -> str:
    """The hypotheses C b = rhs in words, one after the other.

    Examples
    --------
    >>> describe(np.array([[0, 1, -1], [0, 2, 0]]), np.array([0.0, 3.0]), ["Intercept", "x", "z"])
    'x - z = 0, 2*x = 3'
    """
    return ", ".join(f"{_sum(row, names)} = {value:g}" for row, value in zip(C, rhs))


def _sum(row, names) -> str:
    text = ""
    for weight, name in zip(row, names):
        if abs(weight) < 1e-12:
            continue
        size = "" if abs(weight) == 1 else f"{abs(weight):.4g}*"
        sign = ("-" if weight < 0 else "") if not text else (" - " if weight < 0 else " + ")
        text += f"{sign}{size}{name}"
    return text or "0"
