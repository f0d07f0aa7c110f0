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

from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtr, ndtri

from ..display import Shown, number
from ..given import takes_fit
from ..errors import DataError
from ..lmm.factors import chosen_factor
from ..results import check_level

__all__ = ["IntervalRatio", "MedianRatio", "interval_odds_ratio", "interval_ratio", "median_odds_ratio", "median_rate_ratio",
           "median_ratio", "opposed"]


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


@dataclass(frozen=True, repr=False)
class MedianRatio(Shown):
    """A median odds ratio or rate ratio; float() of it is the estimate.

    Attributes
    ----------
    estimate, se, lower, upper, level : float
        `se` by the delta method; the interval is made for the logarithm of the variance.
    variance : float
        Of the groups' effects.
    group, kind : str
    at : dict
        Values of the predictors whose slopes vary between groups.
    """

    estimate: float
    se: float
    lower: float
    upper: float
    level: float
    variance: float
    group: str
    kind: str
    at: dict = field(default_factory=dict)
    note: str = ""

    def __float__(self):
        return self.estimate

    def _title(self):
        point = f", at {', '.join(f'{k} = {number(v)}' for k, v in self.at.items())}" if self.at else ""
        return f"Median {self.kind} between groups of {self.group}{point}"

    def _rows(self):
        rows = [[f"median {self.kind}", number(self.estimate)]]
        if self.se == self.se:
            rows += [["standard error", number(self.se)],
                     [f"{100 * self.level:g} % interval", f"{number(self.lower)} to {number(self.upper)}"]]
        return ["", ""], [*rows, ["variance between", number(self.variance)]]

    def _note(self):
        return self.note


@dataclass(frozen=True, repr=False)
class IntervalRatio(Shown):
    """The middle share of ratios between units of two random groups that differ in a predictor.

    Attributes
    ----------
    ratio : float
        Between units of groups with equal effects.
    lower, upper : float
        Of the interval that holds `share` of pairs of groups. It is no confidence interval.
    opposed : float
        Share of pairs in which the ratio lies on the other side of 1.
    """

    name: str
    kind: str
    group: str
    difference: float
    ratio: float
    lower: float
    upper: float
    share: float
    opposed: float

    def _title(self):
        return f"Interval {self.kind} of {self.name}, groups of {self.group}"

    def _rows(self):
        return ["", ""], [[f"{self.kind}, equal groups", number(self.ratio)],
                          [f"{100 * self.share:g} % of pairs of groups",
                           f"{number(self.lower)} to {number(self.upper)}"],
                          ["pairs that go the other way", f"{100 * self.opposed:.1f} %"]]


@takes_fit
def median_odds_ratio(fit, group: str | None = None, level: float = 0.95, *, at: dict | None = None) -> MedianRatio:
    """The median odds ratio: how far two randomly drawn groups lie apart, as an odds ratio (Larsen & Merlo, 2005).

    Parameters
    ----------
    fit : GlmmResult
        With logit link (binary, binomial, ordered).
    group : str, optional
        The grouping factor, needed when there are several; it is that factor's effects alone that differ.
    level : float
    at : dict, optional
        Values of the predictors whose slopes vary between groups; zero for those not named.

    Returns
    -------
    MedianRatio

    Raises
    ------
    DataError
        If coefficients are no log odds ratios, or `at` names a predictor whose slope does not vary.

    Notes
    -----
    Chapter 16 (``16_binary``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size")
    >>> found = mlm.median_odds_ratio(fit)
    >>> round(found.estimate, 3), round(found.lower, 2), round(found.upper, 2)
    (1.845, 1.43, 2.88)
    """
    return _of_fit(fit, "odds", group, level, at)


@takes_fit
def median_rate_ratio(fit, group: str | None = None, level: float = 0.95, *, at: dict | None = None) -> MedianRatio:
    """The median rate ratio: the same of counts with the log link (Austin et al., 2018).

    Parameters, Returns and Raises are those of `median_odds_ratio`.

    Notes
    -----
    Chapter 17 (``17_counts``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("y ~ trt + (1 | subject)", mlm.load("epil"), family="poisson")
    >>> round(mlm.median_rate_ratio(fit).estimate, 2)
    2.44
    """
    return _of_fit(fit, "rate", group, level, at)


@takes_fit
def interval_odds_ratio(fit, name: str, difference: float = 1.0, *, group: str | None = None, share: float = 0.8,
                        at: dict | None = None) -> IntervalRatio:
    """The interval odds ratio of a predictor of groups (Larsen & Merlo, 2005): where the odds ratios of pairs of groups lie.

    Compare a unit of one random group with a unit of another whose predictor is higher by `difference`: the odds ratio
    differs from pair to pair, because groups differ. The middle `share` of these ratios is given, and the share of pairs
    in which it points the other way than the coefficient.

    Parameters
    ----------
    fit : GlmmResult
        With logit or log link.
    name : str
        A coefficient.
    difference : float
    group, at
        As for `median_odds_ratio`.
    share : float

    Returns
    -------
    IntervalRatio

    Raises
    ------
    DataError
        If the model has no such coefficient.

    Notes
    -----
    Chapter 16 (``16_binary``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("use ~ urban + (1 | district)", mlm.load("contraception"))
    >>> found = mlm.interval_odds_ratio(fit, "urban[T.Y]")
    >>> round(found.lower, 2), round(found.upper, 2), round(found.opposed, 2)
    (0.87, 4.21, 0.14)
    """
    names = list(fit._names)
    if name not in names:
        raise DataError(f"The model has no coefficient {name!r}; it has {', '.join(map(repr, names))}.")
    if not 0 < share < 1:
        raise ValueError(f"share={share} must lie between 0 and 1, such as 0.8.")
    kind, group, variance, _, _ = _variance(fit, ("odds", "rate"), group, at)
    effect = float(fit._params[names.index(name)]) * difference
    lower, upper = interval_ratio(effect, variance, share)
    return IntervalRatio(name, kind, group, difference, float(np.exp(effect)), lower, upper, share,
                         opposed(effect, variance))


def _variance(fit, words, group, at):
    """Kind of ratio, factor, variance of its effects at values of predictors, its gradient, and those values."""
    from .ratios import kind_of_ratio, plural
    from .shares import one_mean
    one_mean(fit, "A median ratio")
    kind = kind_of_ratio(fit)
    if not any(word in kind for word in words):
        raise DataError(f"The coefficients of this model are logarithms of {plural(kind)}, not of {' or '.join(words)} "
                        "ratios.")
    group = chosen_factor(fit, group)
    names = [name for term in fit.design.random if term.group == group for name in term.names]
    strange = set(at or {}) - (set(names) - {"Intercept"})
    if strange:
        raise DataError(f"at= names {', '.join(map(repr, sorted(strange)))}, whose slope does not vary between groups "
                        f"of {group!r}.")
    where = {name: float((at or {}).get(name, 0.0)) for name in names if name != "Intercept"}
    z = np.array([where.get(name, 1.0) for name in names])
    gradient = np.zeros(len(fit._at.x))
    for place, dT in fit._T_slopes(group):
        gradient[place] = z @ dT @ z
    return kind, group, float(z @ fit._T_of(group) @ z), gradient, where


def _of_fit(fit, word, group, level, at) -> MedianRatio:
    from .predictors import quadratic
    check_level(level)
    kind, group, variance, gradient, where = _variance(fit, (word,), group, at)
    estimate = float(median_ratio(variance))
    se_variance = float(np.sqrt(quadratic(gradient[None], fit._x_cov)[0]))
    if fit.is_singular or not variance > 0 or not np.isfinite(se_variance):
        nan = float("nan")
        return MedianRatio(estimate, nan, nan, nan, level, variance, group, kind, where,
                           "No standard error: the variance is on the boundary of what can be estimated.")
    se = estimate * np.log(estimate) / (2.0 * variance) * se_variance
    spread = np.exp(fit._quantile(level) * se_variance / variance)
    lower, upper = (float(median_ratio(end)) for end in (variance / spread, variance * spread))
    return MedianRatio(estimate, float(se), lower, upper, level, variance, group, kind, where)
