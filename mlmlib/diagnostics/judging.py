"""What a check is, when it asks for a look, and the shape of a sample.

A verdict needs two things: a p-value that says the finding is hardly chance (below 0.01, since many checks are made;
below 0.05 for a look at a large one), and a size that says it could matter.  With thousands of rows every p-value is
small; with twenty groups none is.

Chapter 9 (``09_diagnostics``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Check", "Shape", "judge", "p_words", "shape_of"]


@dataclass(frozen=True, repr=False)
class Check:
    """One thing that was looked for.

    Attributes
    ----------
    name : str
    found : str
        What was found, with its numbers.
    value : float
        The size that the verdict is about.
    p : float
        NaN where there is no test.
    reading : str
        How to read the number.
    verdict : str
        ``"ok"``, ``"look"``, ``"act"``, or ``"not checked"``.
    todo : str
        What to do.
    chapter : str
    """

    name: str
    found: str
    value: float
    p: float
    reading: str
    verdict: str
    todo: str
    chapter: str = "09_diagnostics"

    def _lines(self, width: int) -> list[str]:
        """The verdict and the name, what was found, and what to do, wrapped."""
        from textwrap import wrap

        pad = " " * 12
        lines = [f"{self.verdict:<12}{self.name}"]
        lines += wrap(self.found, width, initial_indent=pad, subsequent_indent=pad, break_on_hyphens=False)
        if self.verdict in ("look", "act"):
            lines += wrap(f"-> {self.todo}", width, initial_indent=pad, subsequent_indent=pad + "   ")
        return lines

    def __repr__(self) -> str:
        return "\n".join(self._lines(78))


def judge(size: float, look: float, act: float, p: float) -> str:
    """The verdict on a size with its p-value; one that asks for action with a p-value between 0.01 and 0.05 asks for a
    look.

    >>> judge(0.4, 0.1, 0.3, 0.001), judge(0.2, 0.1, 0.3, 0.001), judge(0.4, 0.1, 0.3, 0.02), judge(0.4, 0.1, 0.3, 0.2)
    ('act', 'look', 'look', 'ok')
    """
    size = abs(size)
    if p < 0.01 and size >= act:
        return "act"
    return "look" if (p < 0.01 and size >= look) or (p < 0.05 and size >= act) else "ok"


def p_words(p: float) -> str:
    """``p = 0.021`` or ``p < 0.001``."""
    from ..testresult import p_text

    return f"p {p_text(p)}"


@dataclass(frozen=True)
class Shape:
    """How normal a sample looks: Q-Q correlation, skewness, excess kurtosis, and the p-value of a test of normality."""

    n: int
    correlation: float
    skewness: float
    kurtosis: float
    p: float
    test: str

    @property
    def verdict(self) -> str:
        """Skewness of 0.5 or excess kurtosis of 1 asks for a look, skewness of 1 or excess kurtosis of 3 for action."""
        skewness, kurtosis = abs(self.skewness), abs(self.kurtosis)
        if not self.p < 0.01 or (skewness < 0.5 and kurtosis < 1.0):
            return "ok"
        return "act" if skewness >= 1.0 or kurtosis >= 3.0 else "look"


def shape_of(values) -> Shape:
    """The shape of a sample (NaN left out): Shapiro and Wilk's test, Jarque and Bera's above 5000 values.

    The Q-Q correlation is that of the ordered values with normal quantiles at (i - 3/8) / (n + 1/4), as R's
    ``ppoints``.

    Examples
    --------
    >>> import numpy as np
    >>> shape = shape_of(np.random.default_rng(1).normal(size=200))
    >>> round(shape.correlation, 2), shape.verdict
    (0.99, 'ok')
    """
    from scipy import stats
    from scipy.special import ndtri

    values = np.sort(np.asarray(values, dtype=float))
    values = values[np.isfinite(values)]
    n = len(values)
    centered = values - values.mean() if n else values
    m2 = float(np.mean(centered**2)) if n else 0.0
    if n < 4 or not m2 > 0:
        return Shape(n, np.nan, np.nan, np.nan, np.nan, "")
    quantiles = ndtri((np.arange(1, n + 1) - 0.375) / (n + 0.25))
    skewness, kurtosis = float(np.mean(centered**3)) / m2**1.5, float(np.mean(centered**4)) / m2**2 - 3.0
    correlation = float(np.corrcoef(values, quantiles)[0, 1])
    if n <= 5000:
        return Shape(n, correlation, skewness, kurtosis, float(stats.shapiro(values).pvalue), "Shapiro-Wilk")
    statistic = n / 6.0 * (skewness**2 + kurtosis**2 / 4.0)
    return Shape(n, correlation, skewness, kurtosis, float(stats.chi2.sf(statistic, 2)), "Jarque-Bera")
