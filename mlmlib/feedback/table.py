"""The known mistakes, and the right answers they are mistaken for.

An answer is a function of facts, a mistake too; the names of a function's parameters are the facts it needs (`facts.py`, or given by
the author of the question). `right` is the right answer itself. To add a mistake, add an entry: what is asked, a name, the
reply ({value} is what the mistake gives), and the function.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple


class Entry(NamedTuple):
    asked: tuple
    name: str
    reply: str
    compute: Callable


def _chi2_tail(statistic):
    """P(chi2 with one df > statistic)."""
    from math import erfc

    return erfc(sqrt(max(statistic, 0.0) / 2))


def _shrunk(between, within, n, mean, grand):
    """A group's mean, moved toward the average as the model does."""
    weight = between / (between + within / n)
    return weight * mean + (1 - weight) * grand


ANSWERS = {
    "variance": lambda variance: variance,
    "sd": lambda variance: sqrt(variance),
    "covariance": lambda covariance: covariance,
    "correlation": lambda correlation: correlation,
    "icc": lambda between, within: between / (between + within),
    "coefficient": lambda coefficient: coefficient,
    "se": lambda se: se,
    "z": lambda coefficient, se: coefficient / se,
    "interval lower": lambda coefficient, se, quantile: coefficient - quantile * se,
    "interval upper": lambda coefficient, se, quantile: coefficient + quantile * se,
    "range lower": lambda coefficient, slope_variance: coefficient - 1.959964 * sqrt(slope_variance),
    "range upper": lambda coefficient, slope_variance: coefficient + 1.959964 * sqrt(slope_variance),
    "design effect": lambda icc, n: 1 + (n - 1) * icc,
    "root design effect": lambda icc, n: sqrt(1 + (n - 1) * icc),
    "effective n": lambda icc, n, J: n * J / (1 + (n - 1) * icc),
    "reliability": lambda between, within, n: between / (between + within / n),
    "group mean": lambda grand, deviation: grand + deviation,
    "shrunken mean": _shrunk,
    "loglik": lambda llf: llf,
    "deviance": lambda llf: -2 * llf,
    "explained": lambda before, after: (before - after) / before,
    "variance p-value": lambda lr: _chi2_tail(lr) / 2,
}

_ESTIMATES = ("variance", "sd")

MISTAKES = [
    # ---- variances
    Entry(("variance",), "SD for variance", "{value} is the SD; the question asks for the variance, its square.", lambda right: sqrt(right)),
    Entry(("sd",), "variance for SD", "{value} is the variance; the question asks for the SD, its root.", lambda right: right**2),
    Entry(("variance",), "ML for REML", "{value} is what the other criterion gives: ML where REML is asked for, or REML for ML.",
          lambda variance_other: variance_other),
    Entry(("sd",), "ML for REML", "{value} is what the other criterion gives: ML where REML is asked for, or REML for ML.",
          lambda variance_other: sqrt(variance_other)),
    Entry(("variance",), "wrong level", "{value} is a variance of this model, at the other level. Between groups, or within them?",
          lambda wrong_level: wrong_level),
    Entry(("sd",), "wrong level", "{value} is an SD of this model, at the other level. Between groups, or within them?",
          lambda wrong_level: sqrt(wrong_level)),
    Entry(("variance",), "SD at the wrong level", "{value} is an SD, and of the other level: square it, and look again which level is asked for.",
          lambda wrong_level: sqrt(wrong_level)),
    Entry(("variance",), "total variance", "{value} is the sum of both variances; the question asks for one of them.",
          lambda between, within: between + within),
    Entry(("variance",), "standard error", "{value} is the standard error of the variance, how well it is known, and not the variance.",
          lambda variance_se: variance_se),
    Entry(("variance",), "raw means", "{value} is the variance of the raw group means. They scatter by chance too; the model has taken that part out.",
          lambda raw_between: raw_between),
    Entry(("sd",), "raw means", "{value} is the SD of the raw group means. They scatter by chance too; the model has taken that part out.",
          lambda raw_between: sqrt(raw_between)),
    Entry(("variance",), "OLS residual", "{value} is the residual variance of the regression that knows no groups.", lambda ols_variance: ols_variance),
    Entry(("variance",), "variance of the outcome", "{value} is the variance of the outcome itself, before any model.",
          lambda outcome_variance: outcome_variance),
    Entry(("covariance",), "correlation for covariance", "{value} is the correlation; times the two SDs it is the covariance.",
          lambda correlation: correlation),
    Entry(("correlation",), "covariance for correlation", "{value} is the covariance; divide it by the two SDs.", lambda covariance: covariance),
    # ---- intraclass correlation
    Entry(("icc",), "share within", "{value} is the share within groups, sigma^2 over the total. The ICC is the share between them.",
          lambda between, within: within / (between + within)),
    Entry(("icc",), "ratio of variances", "{value} is between over within. The ICC divides by the total, between plus within.",
          lambda between, within: between / within),
    Entry(("icc",), "ratio the wrong way", "{value} is within over between. The ICC is between over the total.",
          lambda between, within: within / between),
    Entry(("icc",), "SDs for variances", "{value} comes from the SDs. SDs do not add up to a total; variances do.",
          lambda between, within: sqrt(between) / (sqrt(between) + sqrt(within))),
    Entry(("icc",), "ratio of SDs", "{value} is one SD over the other. The ICC is a share of variance.",
          lambda between, within: sqrt(between / within)),
    Entry(("icc",), "root of the ICC", "{value} is the root of the ICC.", lambda right: sqrt(right)),
    Entry(("icc",), "squared", "{value} is the ICC squared. It is a share already, so it is not squared as a correlation would be.",
          lambda right: right**2),
    Entry(("icc",), "ML for REML", "{value} uses variances of the other criterion: ML where REML is asked for, or REML for ML.",
          lambda between_other, within_other: between_other / (between_other + within_other)),
    Entry(("icc",), "unconditional for residual", "{value} is the ICC of the empty model. Here the predictors are in: the residual ICC is asked for.",
          lambda icc_empty: icc_empty),
    # ---- coefficients and their standard errors
    Entry(("coefficient",), "OLS for the model", "{value} is the coefficient of the regression that knows no groups.",
          lambda coefficient_ols: coefficient_ols),
    Entry(("coefficient",), "standardized for raw", "{value} is the standardized coefficient, SDs for an SD. The question asks in the units of the data.",
          lambda standardized: standardized),
    Entry(("coefficient",), "total for within", "{value} is the slope of x uncentered (or centered at the grand mean): it mixes the within and the between slope.",
          lambda conflated: conflated),
    Entry(("coefficient",), "between for within", "{value} is the slope of the group means, between groups; the question is about the other level.",
          lambda between_slope: between_slope),
    Entry(("coefficient",), "within for between", "{value} is the slope within groups; the question is about the other level.",
          lambda within_slope: within_slope),
    Entry(("coefficient",), "intercept", "{value} is the intercept.", lambda intercept: intercept),
    Entry(("coefficient",), "standard error", "{value} is the standard error of that coefficient.", lambda se: se),
    Entry(("coefficient",), "z for coefficient", "{value} is the coefficient divided by its standard error.", lambda coefficient, se: coefficient / se),
    Entry(("coefficient",), "SD of the slopes", "{value} is the SD of that effect over groups, how much it differs, and not its average.",
          lambda slope_variance: sqrt(slope_variance)),
    Entry(("se",), "OLS for the model", "{value} is the standard error of OLS, which takes the rows as independent.", lambda se_ols: se_ols),
    Entry(("se",), "variance of the estimate", "{value} is the square of the standard error.", lambda se: se**2),
    Entry(("se",), "ML for REML", "{value} is what the other criterion gives: ML where REML is asked for, or REML for ML.", lambda se_other: se_other),
    Entry(("se",), "SD of the slopes", "{value} is the SD of that effect over groups. The standard error says how well its average is known.",
          lambda slope_variance: sqrt(slope_variance)),
    Entry(("se",), "half-width", "{value} is half of the 95 % interval: 1.96 standard errors.", lambda se, quantile: quantile * se),
    Entry(("se",), "standard error of the intercept", "{value} is the standard error of the intercept.", lambda se_intercept: se_intercept),
    Entry(("se",), "coefficient", "{value} is the coefficient, not its standard error.", lambda coefficient: coefficient),
    Entry(("z",), "OLS for the model", "{value} is the t value of OLS, which takes the rows as independent.",
          lambda coefficient_ols, se_ols: coefficient_ols / se_ols),
    Entry(("z",), "turned round", "{value} is the standard error divided by the coefficient. Turn it round.", lambda coefficient, se: se / coefficient),
    Entry(("interval lower", "interval upper"), "other end", "{value} is the other end of the interval.",
          lambda coefficient, right: 2 * coefficient - right),
    Entry(("interval lower",), "one standard error", "{value} goes one standard error down; a 95 % interval goes 1.96.", lambda coefficient, se: coefficient - se),
    Entry(("interval upper",), "one standard error", "{value} goes one standard error up; a 95 % interval goes 1.96.", lambda coefficient, se: coefficient + se),
    Entry(("interval lower",), "OLS for the model", "{value} is the end of the OLS interval, which takes the rows as independent.",
          lambda coefficient_ols, se_ols, quantile: coefficient_ols - quantile * se_ols),
    Entry(("interval upper",), "OLS for the model", "{value} is the end of the OLS interval, which takes the rows as independent.",
          lambda coefficient_ols, se_ols, quantile: coefficient_ols + quantile * se_ols),
    Entry(("interval lower",), "range for interval", "{value} says where the groups lie, not how well the average is known: SD of the effects in place of the standard error.",
          lambda coefficient, slope_variance: coefficient - 1.959964 * sqrt(slope_variance)),
    Entry(("interval upper",), "range for interval", "{value} says where the groups lie, not how well the average is known: SD of the effects in place of the standard error.",
          lambda coefficient, slope_variance: coefficient + 1.959964 * sqrt(slope_variance)),
    Entry(("range lower", "range upper"), "other end", "{value} is the other end of the range.", lambda coefficient, right: 2 * coefficient - right),
    Entry(("range lower",), "interval for range", "{value} is the end of the confidence interval: how well the average is known. The question asks where the groups lie.",
          lambda coefficient, se: coefficient - 1.959964 * se),
    Entry(("range upper",), "interval for range", "{value} is the end of the confidence interval: how well the average is known. The question asks where the groups lie.",
          lambda coefficient, se: coefficient + 1.959964 * se),
    Entry(("range lower",), "variance for SD", "{value} goes 1.96 variances down. Take the root first: 1.96 SDs.",
          lambda coefficient, slope_variance: coefficient - 1.959964 * slope_variance),
    Entry(("range upper",), "variance for SD", "{value} goes 1.96 variances up. Take the root first: 1.96 SDs.",
          lambda coefficient, slope_variance: coefficient + 1.959964 * slope_variance),
    Entry(("range lower",), "one SD", "{value} goes one SD down and holds the middle 68 %; for 95 % go 1.96.",
          lambda coefficient, slope_variance: coefficient - sqrt(slope_variance)),
    Entry(("range upper",), "one SD", "{value} goes one SD up and holds the middle 68 %; for 95 % go 1.96.",
          lambda coefficient, slope_variance: coefficient + sqrt(slope_variance)),
    # ---- design effect, effective sample size
    Entry(("design effect",), "n for n - 1", "{value} is 1 + n ICC. One of the n is the student itself: take n - 1.", lambda icc, n: 1 + n * icc),
    Entry(("design effect",), "one left out", "{value} is (n - 1) ICC. The student itself counts too: add 1.", lambda icc, n: (n - 1) * icc),
    Entry(("design effect",), "root design effect", "{value} is the root, by which standard errors grow. The design effect is on variances.",
          lambda icc, n: sqrt(1 + (n - 1) * icc)),
    Entry(("design effect",), "J for n", "{value} puts the number of groups where the number of rows in a group belongs.", lambda icc, J: 1 + (J - 1) * icc),
    Entry(("design effect",), "N for n", "{value} puts all rows where the rows of one group belong.", lambda icc, n, J: 1 + (n * J - 1) * icc),
    Entry(("design effect",), "inverse", "{value} is one over the design effect: the share of rows that is left.", lambda right: 1 / right),
    Entry(("root design effect",), "design effect", "{value} is the design effect, on variances. Standard errors grow by its root.", lambda right: right**2),
    Entry(("root design effect",), "n for n - 1", "{value} uses n in place of n - 1.", lambda icc, n: sqrt(1 + n * icc)),
    Entry(("effective n",), "n for effective n", "{value} is the number of rows there are; the question is what they are worth.", lambda n, J: n * J),
    Entry(("effective n",), "J for effective n", "{value} is the number of groups. That would be right at an ICC of one.", lambda J: J),
    Entry(("effective n",), "one group", "{value} is what one group is worth. There are more of them.", lambda icc, n: n / (1 + (n - 1) * icc)),
    Entry(("effective n",), "root design effect", "{value} divides by the root of the design effect. Sample sizes go with variances: divide by the design effect.",
          lambda icc, n, J: n * J / sqrt(1 + (n - 1) * icc)),
    Entry(("effective n",), "n for n - 1", "{value} divides by 1 + n ICC. One of the n is the student itself: take n - 1.",
          lambda icc, n, J: n * J / (1 + n * icc)),
    Entry(("effective n",), "multiplied", "{value} multiplies by the design effect. Clustered rows are worth less, so divide.",
          lambda icc, n, J: n * J * (1 + (n - 1) * icc)),
    Entry(("effective n",), "times 1 - ICC", "{value} takes the ICC off as a share. What a group costs grows with its size.", lambda icc, n, J: n * J * (1 - icc)),
    # ---- reliability and shrinkage
    Entry(("reliability",), "ICC for reliability", "{value} is the ICC, the reliability of a single student. A mean of n is more reliable: sigma^2 is divided by n.",
          lambda between, within: between / (between + within)),
    Entry(("reliability",), "the other share", "{value} is one minus the reliability: how far the mean is moved.", lambda right: 1 - right),
    Entry(("reliability",), "N for n", "{value} divides sigma^2 by all rows; the mean of this group has only its own.",
          lambda between, within, N: between / (between + within / N)),
    Entry(("reliability",), "J for n", "{value} divides sigma^2 by the number of groups, not by the rows in the group.",
          lambda between, within, J: between / (between + within / J)),
    Entry(("reliability",), "SDs for variances", "{value} comes from SDs. Shares are made of variances.",
          lambda between, within, n: sqrt(between) / (sqrt(between) + sqrt(within / n))),
    Entry(("group mean",), "raw for shrunken", "{value} is the raw mean of the group. The model moves it toward the average.", lambda raw_mean: raw_mean),
    Entry(("group mean",), "deviation", "{value} is the group's deviation from the average; add the average.", lambda deviation: deviation),
    Entry(("group mean",), "average", "{value} is the average of all groups.", lambda grand: grand),
    Entry(("group mean",), "weights exchanged", "{value} gives the group's own mean the weight of the average, and the other way round.",
          lambda raw_mean, grand, right: raw_mean + grand - right),
    Entry(("shrunken mean",), "raw for shrunken", "{value} is the raw mean of the group. The model moves it toward the average.", lambda mean: mean),
    Entry(("shrunken mean",), "weights exchanged", "{value} gives the group's own mean the weight of the average, and the other way round.",
          lambda mean, grand, right: mean + grand - right),
    Entry(("shrunken mean",), "ICC for reliability", "{value} uses the ICC as weight. The mean of n students is more reliable than one of them.",
          lambda between, within, mean, grand: grand + between / (between + within) * (mean - grand)),
    Entry(("shrunken mean",), "halfway", "{value} is halfway between the two. How far to go depends on n, tau_00 and sigma^2.", lambda mean, grand: (mean + grand) / 2),
    # ---- likelihood and tests
    Entry(("loglik",), "deviance", "{value} is the deviance, -2 log-likelihood; the question asks for the log-likelihood.", lambda llf: -2 * llf),
    Entry(("loglik",), "ML for REML", "{value} is the log-likelihood of the other criterion.", lambda llf_other: llf_other),
    Entry(("deviance",), "log-likelihood", "{value} is the log-likelihood; the deviance is -2 times it.", lambda llf: llf),
    Entry(("deviance",), "ML for REML", "{value} is the criterion of the other kind of fit.", lambda llf_other: -2 * llf_other),
    Entry(("deviance",), "factor of two", "{value} is the log-likelihood with its sign turned. The deviance is twice that.", lambda llf: -llf),
    Entry(("deviance",), "AIC", "{value} is the AIC: the deviance plus twice the number of parameters.", lambda aic: aic),
    Entry(("explained",), "what is left", "{value} is the share that is left. The question asks for the share explained.", lambda before, after: after / before),
    Entry(("explained",), "difference", "{value} is the difference of the variances. Divide it by the variance before.", lambda before, after: before - after),
    Entry(("explained",), "wrong base", "{value} divides by the variance after. The base is the variance before.", lambda before, after: (before - after) / after),
    Entry(("explained",), "SDs for variances", "{value} is the reduction of the SD. The question asks about variance.", lambda before, after: 1 - sqrt(after / before)),
    Entry(("variance p-value",), "chi2 for chibar2", "{value} is twice the p-value: chi2(1) in full. A variance cannot be negative, so half of it is left.",
          lambda lr: _chi2_tail(lr)),
]  # fmt: skip
