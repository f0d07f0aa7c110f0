"""Known mistakes about variances, the ICC, likelihoods."""

from __future__ import annotations

from math import sqrt

from .entry import Entry


def _chi2_tail(statistic):
    """P(chi2 with one df > statistic)."""
    from math import erfc

    return erfc(sqrt(max(statistic, 0.0) / 2))


ANSWERS = {
    "variance": lambda variance: variance,
    "sd": lambda variance: sqrt(variance),
    "covariance": lambda covariance: covariance,
    "correlation": lambda correlation: correlation,
    "icc": lambda between, within: between / (between + within),
    "explained": lambda before, after: (before - after) / before,
    "loglik": lambda llf: llf,
    "deviance": lambda llf: -2 * llf,
    "variance p-value": lambda lr: _chi2_tail(lr) / 2,
}

MISTAKES = [
    Entry(
        ("variance",),
        "SD for variance",
        "{value} is the SD; the question asks for the variance, its square.",
        lambda right: sqrt(right),
    ),
    Entry(
        ("sd",),
        "variance for SD",
        "{value} is the variance; the question asks for the SD, its root.",
        lambda right: right**2,
    ),
    Entry(
        ("variance", "sd"),
        "ML for REML",
        "{value} is what the other criterion gives: ML where REML is asked for, or REML for ML.",
        lambda variance_other, power: variance_other**power,
    ),
    Entry(
        ("variance", "sd"),
        "wrong level",
        "{value} belongs to this model, at the other level. Between groups, or within them?",
        lambda wrong_level, power: wrong_level**power,
    ),
    Entry(
        ("variance",),
        "SD at the wrong level",
        "{value} is an SD, and of the other level: square it, and look again which level is asked for.",
        lambda wrong_level: sqrt(wrong_level),
    ),
    Entry(
        ("variance",),
        "total variance",
        "{value} is the sum of both variances; the question asks for one of them.",
        lambda between, within: between + within,
    ),
    Entry(
        ("variance",),
        "standard error",
        "{value} is the standard error of the variance, how well it is known, and not the variance.",
        lambda variance_se: variance_se,
    ),
    Entry(
        ("variance", "sd"),
        "raw means",
        "{value} comes from the raw group means. They scatter by chance too; the model has taken that part out.",
        lambda raw_between, power: raw_between**power,
    ),
    Entry(
        ("variance",),
        "OLS residual",
        "{value} is the residual variance of the regression that knows no groups.",
        lambda ols_variance: ols_variance,
    ),
    Entry(
        ("variance",),
        "variance of the outcome",
        "{value} is the variance of the outcome itself, before any model.",
        lambda outcome_variance: outcome_variance,
    ),
    Entry(
        ("covariance",),
        "correlation for covariance",
        "{value} is the correlation; times the two SDs it is the covariance.",
        lambda correlation: correlation,
    ),
    Entry(
        ("correlation",),
        "covariance for correlation",
        "{value} is the covariance; divide it by the two SDs.",
        lambda covariance: covariance,
    ),
    Entry(
        ("icc",),
        "share within",
        "{value} is the share within groups, sigma^2 over the total. The ICC is the share between them.",
        lambda between, within: within / (between + within),
    ),
    Entry(
        ("icc",),
        "ratio of variances",
        "{value} is between over within. The ICC divides by the total, between plus within.",
        lambda between, within: between / within,
    ),
    Entry(
        ("icc",),
        "ratio the wrong way",
        "{value} is within over between. The ICC is between over the total.",
        lambda between, within: within / between,
    ),
    Entry(
        ("icc",),
        "SDs for variances",
        "{value} comes from the SDs. SDs do not add up to a total; variances do.",
        lambda between, within: sqrt(between) / (sqrt(between) + sqrt(within)),
    ),
    Entry(
        ("icc",),
        "ratio of SDs",
        "{value} is one SD over the other. The ICC is a share of variance.",
        lambda between, within: sqrt(between / within),
    ),
    Entry(
        ("icc",),
        "root of the ICC",
        "{value} is the root of the ICC.",
        lambda right: sqrt(right),
    ),
    Entry(
        ("icc",),
        "squared",
        "{value} is the ICC squared. It is a share already, so it is not squared as a correlation would be.",
        lambda right: right**2,
    ),
    Entry(
        ("icc",),
        "ML for REML",
        "{value} uses variances of the other criterion: ML where REML is asked for, or REML for ML.",
        lambda between_other, within_other: between_other / (between_other + within_other),
    ),
    Entry(
        ("icc",),
        "unconditional for residual",
        "{value} is the ICC of the empty model. Here the predictors are in: the residual ICC is asked for.",
        lambda icc_empty: icc_empty,
    ),
    Entry(
        ("loglik",),
        "deviance",
        "{value} is the deviance, -2 log-likelihood; the question asks for the log-likelihood.",
        lambda llf: -2 * llf,
    ),
    Entry(
        ("loglik",),
        "ML for REML",
        "{value} is the log-likelihood of the other criterion.",
        lambda llf_other: llf_other,
    ),
    Entry(
        ("deviance",),
        "log-likelihood",
        "{value} is the log-likelihood; the deviance is -2 times it.",
        lambda llf: llf,
    ),
    Entry(
        ("deviance",),
        "ML for REML",
        "{value} is the criterion of the other kind of fit.",
        lambda llf_other: -2 * llf_other,
    ),
    Entry(
        ("deviance",),
        "factor of two",
        "{value} is the log-likelihood with its sign turned. The deviance is twice that.",
        lambda llf: -llf,
    ),
    Entry(
        ("deviance",),
        "AIC",
        "{value} is the AIC: the deviance plus twice the number of parameters.",
        lambda aic: aic,
    ),
    Entry(
        ("explained",),
        "what is left",
        "{value} is the share that is left. The question asks for the share explained.",
        lambda before, after: after / before,
    ),
    Entry(
        ("explained",),
        "difference",
        "{value} is the difference of the variances. Divide it by the variance before.",
        lambda before, after: before - after,
    ),
    Entry(
        ("explained",),
        "wrong base",
        "{value} divides by the variance after. The base is the variance before.",
        lambda before, after: (before - after) / after,
    ),
    Entry(
        ("explained",),
        "SDs for variances",
        "{value} is the reduction of the SD. The question asks about variance.",
        lambda before, after: 1 - sqrt(after / before),
    ),
    Entry(
        ("variance p-value",),
        "chi2 for chibar2",
        "{value} is twice the p-value: chi2(1) in full. A variance cannot be negative, so half of it is left.",
        lambda lr: _chi2_tail(lr),
    ),
]
