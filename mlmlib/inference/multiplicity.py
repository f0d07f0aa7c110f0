"""Adjustment of p-values and intervals for a family of tests.

Among m tests of true hypotheses at level 0.05 each, more than one in twenty families has a false positive. The
adjustments keep the share of families with one (`fdr`: the expected share of false ones among the findings) below
the level:

- ``"bonferroni"``, ``"holm"``: whatever the dependence; holm's p-values are never larger;
- ``"sidak"``: a little less strict than bonferroni, for two-sided t tests;
- ``"tukey"``: all pairwise differences, by the studentized range; exact where the means are independent and equally
  well known, on the safe side otherwise;
- ``"mvt"`` (or ``"dunnett"``): any family, from the correlations of the estimates by the multivariate t; exact;
- ``"scheffe"``: all contrasts that could be thought of, also those chosen after seeing the data;
- ``"fdr"``: Benjamini and Hochberg's false discovery rate; ``"none"``.

Intervals are adjusted by the same method, for ``holm`` and ``fdr``, which have no interval of one width, by
bonferroni's. With several degrees of freedom in a family each statistic is held against its own.

Chapter 8 (``08_inference``) counts the false positives.

References
----------
Hochberg, Y., & Tamhane, A. C. (1987). Multiple comparison procedures. Wiley.
Hothorn, T., Bretz, F., & Westfall, P. (2008). Simultaneous inference in general parametric models. Biometrical
Journal, 50, 346-363. Lenth, R. V. (2022). emmeans: Estimated marginal means, aka least-squares means (R package,
version 1.8).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .simultaneous import LargestT, range_quantile, range_tail

__all__ = ["ADJUST", "Kin", "method"]

ADJUST = ("none", "bonferroni", "holm", "sidak", "tukey", "mvt", "scheffe", "fdr")
_NODES = 11
_ALIASES = {"dunnett": "mvt", "bh": "fdr", None: "none"}


def method(adjust: str | None) -> str:
    """The adjustment's name; a ValueError that lists them all where there is none of that name."""
    found = _ALIASES.get(adjust.lower() if isinstance(adjust, str) else adjust, adjust)
    found = found.lower() if isinstance(found, str) else found
    if found not in ADJUST:
        raise ValueError(f"adjust={adjust!r} is not known; choose one of {', '.join(map(repr, ADJUST))} or 'dunnett'.")
    return found


@dataclass(frozen=True)
class Kin:
    """A family of statistics: what an adjustment needs to know of them.

    Attributes
    ----------
    df : ndarray, shape (m,)
        Degrees of freedom of each, infinite for the normal.
    covariance : ndarray, shape (m, m)
        Of the estimates.
    rank : int
        How many of them are linearly independent.
    means : int or None
        The number of means if the family is all their pairwise differences.
    seed : int
        Of the multivariate t.

    Examples
    --------
    Three means of ten values each, and all their differences:

    >>> pairs = np.array([[1, -1, 0], [1, 0, -1], [0, 1, -1]])
    >>> kin = Kin(np.full(3, 27.0), pairs @ pairs.T / 10, 2, means=3)
    >>> ratios = np.array([2.5, 3.1, 0.6])
    >>> kin.pvalues(ratios, "tukey").round(4).tolist(), kin.pvalues(ratios, "mvt").round(4).tolist()
    ([0.0478, 0.0121, 0.8213], [0.0478, 0.0121, 0.8213])
    >>> kin.critical(0.95, "tukey").round(3).tolist()
    [2.479, 2.479, 2.479]
    """

    df: np.ndarray
    covariance: np.ndarray = field(repr=False)
    rank: int
    means: int | None = None
    seed: int = 1

    @cached_property
    def _largest(self) -> LargestT:
        sd = np.sqrt(np.diagonal(self.covariance))
        return LargestT(self.covariance / np.outer(sd, sd), self.seed)

    def _way(self, adjust: str) -> str:
        adjust = method(adjust)
        if adjust == "tukey" and self.means is None:
            raise ValueError("adjust='tukey' is for all pairwise differences of a set of means; for other families use "
                             "'mvt' (exact), 'sidak' or 'holm'.")
        return "none" if len(self.df) == 1 and adjust != "scheffe" else adjust

    def pvalues(self, ratio: np.ndarray, adjust: str) -> np.ndarray:
        """Two-sided p-values of t (or z) statistics, adjusted, shape (m,)."""
        adjust, m, size = self._way(adjust), len(ratio), np.abs(ratio)
        plain = 2.0 * _below(-size, self.df)
        if adjust == "none":
            return plain
        if adjust == "bonferroni":
            return np.minimum(m * plain, 1.0)
        if adjust == "holm":
            order = np.argsort(plain)
            return np.minimum(np.maximum.accumulate((m - np.arange(m)) * plain[order]), 1.0)[np.argsort(order)]
        if adjust == "fdr":
            order = np.argsort(plain)[::-1]
            return np.minimum.accumulate(m / (m - np.arange(m)) * plain[order])[np.argsort(order)]
        sidak = -np.expm1(m * np.log1p(-np.minimum(plain, 1.0 - 1e-16)))
        if adjust == "sidak":
            return sidak
        if adjust == "tukey":
            return np.clip(range_tail(np.sqrt(2.0) * size, self.means, self.df), plain, 1.0)
        if adjust == "mvt":
            return np.clip(self._largest.tail(size, self.df), plain, sidak)
        return _f_tail(size**2 / self.rank, self.rank, self.df)

    def critical(self, level: float, adjust: str) -> np.ndarray:
        """How many standard errors an interval reaches to each side, shape (m,)."""
        adjust, m = self._way(adjust), len(self.df)
        if adjust in ("holm", "fdr"):
            adjust = "bonferroni"
        if adjust == "tukey":
            return self._each(lambda df: range_quantile(level, self.means, df) / np.sqrt(2.0))
        if adjust == "mvt":
            return self._each(lambda df: self._largest.quantile(level, df))
        if adjust == "scheffe":
            return self._each(lambda df: np.sqrt(self.rank * _f_quantile(level, self.rank, df)))
        tail = {"none": 1.0 - level, "bonferroni": (1.0 - level) / m, "sidak": -np.expm1(np.log(level) / m)}[adjust]
        return self._each(lambda df: -_quantile(tail / 2.0, df))

    def _each(self, quantile) -> np.ndarray:
        """A quantile for each degrees of freedom, found once where they are the same (to nine digits).

        Of many that differ the logarithm is interpolated by a Chebyshev polynomial in 1 / df, to eight digits or more.
        """
        several = [df for df in dict.fromkeys(map(_rounded, self.df)) if df == df]
        if len(several) > _NODES + 1 and min(several) >= 4.0:
            ends = sorted([1.0 / max(several), 1.0 / min(several)])
            curve = np.polynomial.Chebyshev.interpolate(
                lambda x: np.log([quantile(np.inf if v <= 0 else 1.0 / v) for v in x]), _NODES - 1, ends)  # fmt: skip
            return np.exp(curve(1.0 / self.df))
        found = {df: quantile(df) for df in several}
        return np.array([found.get(_rounded(df), np.nan) for df in self.df], dtype=float)


def _rounded(df: float) -> float:
    return float(f"{df:.9g}")


def _below(x, df):
    """P(T < x) for t with `df`, or for the normal where that is infinite."""
    from scipy.special import ndtr, stdtr
    return np.where(np.isinf(df), ndtr(x), stdtr(np.where(np.isinf(df), 1.0, df), x))


def _quantile(p: float, df: float) -> float:
    from scipy.special import ndtri, stdtrit
    return float(ndtri(p) if np.isinf(df) else stdtrit(df, p))


def _f_tail(f, numerator: int, df):
    from scipy.special import chdtrc, fdtrc
    whole = np.isinf(df)
    return np.where(whole, chdtrc(numerator, numerator * f), fdtrc(numerator, np.where(whole, 1.0, df), f))


def _f_quantile(level: float, numerator: int, df: float) -> float:
    from scipy.special import chdtri, fdtri
    return float(chdtri(numerator, 1.0 - level) / numerator if np.isinf(df) else fdtri(numerator, df, level))
