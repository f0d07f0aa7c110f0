"""Known mistakes about coefficients, their standard errors, intervals and ranges."""

from __future__ import annotations

from math import sqrt

from .entry import Entry

ANSWERS = {
    "coefficient": lambda coefficient: coefficient,
    "se": lambda se: se,
    "z": lambda coefficient, se: coefficient / se,
    "interval lower": lambda coefficient, se, quantile, sign: coefficient + sign * quantile * se,
    "interval upper": lambda coefficient, se, quantile, sign: coefficient + sign * quantile * se,
    "range lower": lambda coefficient, slope_variance, sign: coefficient + sign * 1.959964 * sqrt(slope_variance),
    "range upper": lambda coefficient, slope_variance, sign: coefficient + sign * 1.959964 * sqrt(slope_variance),
}

MISTAKES = [
    Entry(
        ("coefficient",),
        "OLS for the model",
        "{value} is the coefficient of the regression that knows no groups.",
        lambda coefficient_ols: coefficient_ols,
    ),
    Entry(
        ("coefficient",),
        "standardized for raw",
        "{value} is the standardized coefficient, SDs for an SD. The question asks in the units of the data.",
        lambda standardized: standardized,
    ),
    Entry(
        ("coefficient",),
        "total for within",
        "{value} is the slope of x uncentered (or centered at the grand mean): it mixes the within and the "
        "between slope.",
        lambda conflated: conflated,
    ),
    Entry(
        ("coefficient",),
        "between for within",
        "{value} is the slope of the group means, between groups; the question is about the other level.",
        lambda between_slope: between_slope,
    ),
    Entry(
        ("coefficient",),
        "within for between",
        "{value} is the slope within groups; the question is about the other level.",
        lambda within_slope: within_slope,
    ),
    Entry(
        ("coefficient",),
        "intercept",
        "{value} is the intercept.",
        lambda intercept: intercept,
    ),
    Entry(
        ("coefficient",),
        "standard error",
        "{value} is the standard error of that coefficient.",
        lambda se: se,
    ),
    Entry(
        ("coefficient",),
        "z for coefficient",
        "{value} is the coefficient divided by its standard error.",
        lambda coefficient, se: coefficient / se,
    ),
    Entry(
        ("coefficient",),
        "SD of the slopes",
        "{value} is the SD of that effect over groups, how much it differs, and not its average.",
        lambda slope_variance: sqrt(slope_variance),
    ),
    Entry(
        ("se",),
        "OLS for the model",
        "{value} is the standard error of OLS, which takes the rows as independent.",
        lambda se_ols: se_ols,
    ),
    Entry(
        ("se",),
        "variance of the estimate",
        "{value} is the square of the standard error.",
        lambda se: se**2,
    ),
    Entry(
        ("se",),
        "ML for REML",
        "{value} is what the other criterion gives: ML where REML is asked for, or REML for ML.",
        lambda se_other: se_other,
    ),
    Entry(
        ("se",),
        "SD of the slopes",
        "{value} is the SD of that effect over groups. The standard error says how well its average is known.",
        lambda slope_variance: sqrt(slope_variance),
    ),
    Entry(
        ("se",),
        "half-width",
        "{value} is half of the 95 % interval: 1.96 standard errors.",
        lambda se, quantile: quantile * se,
    ),
    Entry(
        ("se",),
        "standard error of the intercept",
        "{value} is the standard error of the intercept.",
        lambda se_intercept: se_intercept,
    ),
    Entry(
        ("se",),
        "coefficient",
        "{value} is the coefficient, not its standard error.",
        lambda coefficient: coefficient,
    ),
    Entry(
        ("z",),
        "OLS for the model",
        "{value} is the t value of OLS, which takes the rows as independent.",
        lambda coefficient_ols, se_ols: coefficient_ols / se_ols,
    ),
    Entry(
        ("z",),
        "turned round",
        "{value} is the standard error divided by the coefficient. Turn it round.",
        lambda coefficient, se: se / coefficient,
    ),
    Entry(
        ("interval lower", "interval upper"),
        "other end",
        "{value} is the other end of the interval.",
        lambda coefficient, right: 2 * coefficient - right,
    ),
    Entry(
        ("interval lower", "interval upper"),
        "one standard error",
        "{value} goes one standard error; a 95 % interval goes 1.96.",
        lambda coefficient, se, sign: coefficient + sign * se,
    ),
    Entry(
        ("interval lower", "interval upper"),
        "OLS for the model",
        "{value} is the end of the OLS interval, which takes the rows as independent.",
        lambda coefficient_ols, se_ols, quantile, sign: coefficient_ols + sign * quantile * se_ols,
    ),
    Entry(
        ("interval lower", "interval upper"),
        "range for interval",
        "{value} says where the groups lie, not how well the average is known: SD of the effects in place of the "
        "standard error.",
        lambda coefficient, slope_variance, sign: coefficient + sign * 1.959964 * sqrt(slope_variance),
    ),
    Entry(
        ("range lower", "range upper"),
        "other end",
        "{value} is the other end of the range.",
        lambda coefficient, right: 2 * coefficient - right,
    ),
    Entry(
        ("range lower", "range upper"),
        "interval for range",
        "{value} is the end of the confidence interval: how well the average is known. The question asks where "
        "the groups lie.",
        lambda coefficient, se, sign: coefficient + sign * 1.959964 * se,
    ),
    Entry(
        ("range lower", "range upper"),
        "variance for SD",
        "{value} goes 1.96 variances from the average. Take the root first: 1.96 SDs.",
        lambda coefficient, slope_variance, sign: coefficient + sign * 1.959964 * slope_variance,
    ),
    Entry(
        ("range lower", "range upper"),
        "one SD",
        "{value} goes one SD and holds the middle 68 %; for 95 % go 1.96.",
        lambda coefficient, slope_variance, sign: coefficient + sign * sqrt(slope_variance),
    ),
]
