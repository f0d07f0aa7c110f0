"""How far groups lie apart, on the scale of odds and rates: the median odds ratio and the interval odds ratio.

Draw two groups at random and compare a unit of the one with a like unit of the other, the larger odds over the smaller:
the median of this ratio over all pairs is ``exp(sqrt(2 v) z)``, v being the variance of the groups' effects and z = 0.6745
the 75 % point of the normal distribution (Larsen & Merlo, 2005).  It is 1 where groups do not differ, and is read beside
the odds ratios of predictors.  With a logarithmic link it is a ratio of rates.

Chapter 16 (``16_binary``) and, for rates, Chapter 17 (``17_counts``).

References
----------
Larsen, K., & Merlo, J. (2005). Appropriate assessment of neighborhood effects on individual health: integrating random
and fixed effects in multilevel logistic regression. American Journal of Epidemiology, 161, 81-88.
Austin, P. C., Stryhn, H., Leckie, G., & Merlo, J. (2018). Measures of clustering and heterogeneity in multilevel Poisson
regression analyses of rates/count data. Statistics in Medicine, 37, 572-589.
Merlo, J., Wagner, P., Ghith, N., & Leckie, G. (2016). An original stepwise multilevel logistic regression analysis of
discriminatory accuracy. PLoS ONE, 11, e0153778.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

__all__ = ["interval_ratio", "median_ratio", "opposed"]


def median_ratio(variance):
    """exp(sqrt(2 v) 0.6745): the median of the larger over the smaller of two random groups' odds or rates.

    Examples
    --------
    >>> round(float(median_ratio(0.4125)), 3)
    1.845
    """
    return np.exp(np.sqrt(2.0 * np.asarray(variance, dtype=float)) * ndtri(0.75))


def interval_ratio(coefficient: float, variance: float, share: float = 0.8) -> tuple[float, float]:
    """The middle `share` of ratios between units of two random groups that differ by `coefficient` on the link scale.

    Examples
    --------
    >>> [round(end, 2) for end in interval_ratio(-1.0, 0.5)]
    [0.1, 1.33]
    """
    half = np.sqrt(2.0 * variance) * ndtri(0.5 + share / 2.0)
    return float(np.exp(coefficient - half)), float(np.exp(coefficient + half))


def opposed(coefficient: float, variance: float) -> float:
    """The share of pairs of groups in which the ratio goes against the coefficient (Merlo et al., 2016).

    Examples
    --------
    >>> round(opposed(-1.0, 0.5), 3)
    0.159
    """
    if variance <= 0:
        return 0.0 if coefficient else 0.5
    return float(ndtr(-abs(coefficient) / np.sqrt(2.0 * variance)))
