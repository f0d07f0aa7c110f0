"""Checks of the rows: shape of the residuals, their variance over groups and over fitted values, outliers, order in
time.

Chapter 9 (``09_diagnostics``).

References
----------
Raudenbush, S. W., & Bryk, A. S. (2002). Hierarchical linear models (2nd ed.). Sage, chapter 9 (the test H).
Brown, M. B., & Forsythe, A. B. (1974). Robust tests for the equality of variances. Journal of the American Statistical
Association, 69, 364-367.
Glejser, H. (1969). A new test for heteroskedasticity. Journal of the American Statistical Association, 64, 316-323.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from ..testresult import TestResult
from ..table import Categorical, Table
from .blocks import blocks
from .judging import Check, judge, p_words, shape_of
from .residuals import _whitened, row_residuals
from .several_blocks import seen_by
from .within import own_factor, within_groups

__all__ = [
    "autocorrelation",
    "homogeneity",
    "normality",
    "outlying_rows",
    "variance_over_fitted",
    "variance_over_groups",
]


def normality(fit) -> Check:
    """Are the residuals within groups normal?"""
    shape = shape_of(row_residuals(fit, "standardized", "conditional"))
    found = (
        f"Q-Q correlation {shape.correlation:.4f}, skewness {shape.skewness:+.2f}, excess kurtosis "
        f"{shape.kurtosis:+.2f} "
        f"({shape.test} {p_words(shape.p)})"
    )
    todo = {
        "ok": "nothing",
        "look": "Look at the Q-Q plot for a bound, a tail or a mixture.",
        "act": "Coefficients hold, predictions of single rows and variances suffer: transform the outcome, or "
        "model what makes "
        "the tail; compare standard errors with a bootstrap.",
    }
    return Check(
        "Residuals within groups are normal",
        found,
        shape.correlation,
        shape.p,
        "A Q-Q correlation of 1 is exact normality. Skewness below 0.5 and excess kurtosis below 1 do no harm to "
        "coefficients.",
        shape.verdict,
        todo[shape.verdict],
    )


def outlying_rows(fit) -> Check:
    """Is there a row that its own group's line cannot account for?"""
    from scipy.special import stdtr

    t = row_residuals(fit, "studentized", "conditional")
    known = np.isfinite(t)
    n, df = int(known.sum()), len(t) - len(fit._params) - 1
    size = np.where(known, np.abs(t), 0.0)
    p = np.minimum(2.0 * n * stdtr(df, -size), 1.0)
    worst, count = int(size.argmax()), int((p < 0.05).sum())
    label = fit.design.index()[worst]
    found = (
        f"largest studentized residual {t[worst]:+.2f} in row {label} (Bonferroni {p_words(float(p[worst]))}); "
        f"{count} of {n} rows beyond chance"
    )
    return Check(
        "No outlying rows",
        found,
        float(size[worst]),
        float(p[worst]),
        f"Of {n} t-distributed residuals the largest is expected near {_expected_maximum(n):.1f}.",
        "look" if count else "ok",
        f"Check how row {label} was recorded; refit without it and report both if the answer moves."
        if count
        else "nothing",
    )


def _expected_maximum(n: int) -> float:
    """Mean of the largest size among n normal values, from the Gumbel limit: the quantile that exp(-0.577) of n
    values exceed."""
    from scipy.special import ndtri

    return float(ndtri(1.0 - 0.5 * np.exp(-0.5772) / max(n, 2)))


@dataclass(frozen=True)
class Homogeneity:
    """Residual variances of the groups compared: the test H, Brown and Forsythe's test, and the spread beyond chance.

    Attributes
    ----------
    H : TestResult
        Of Raudenbush and Bryk; chi-square, trusts normality.
    robust : TestResult
        Of Brown and Forsythe; F, does not.
    spread : float
        Standard deviation over groups of the log of the true residual SD: 0.1 means that they differ by about 10 %.
    n_groups : int
        Groups with enough rows to take part.
    least : int
        Degrees of freedom that were enough.
    """

    H: TestResult
    robust: TestResult
    spread: float
    n_groups: int
    least: int


def homogeneity(fit) -> Homogeneity:
    """Do groups differ in their residual variance?

    Parameters
    ----------
    fit : LmmResult

    Returns
    -------
    Homogeneity

    Raises
    ------
    DataError
        If fewer than two groups have three degrees of freedom for a regression of their own.

    Notes
    -----
    Chapter 9 (``09_diagnostics``).  Each group's residual variance s_j^2 is that of its own regression on
    everything that varies in it, with df_j degrees of freedom; ``H = sum df_j / 2 (log s_j^2 - mean)^2``, the mean
    weighted by df_j.  Groups of fewer than 10 degrees of freedom are left out (Snijders & Bosker 2012, section 10.4),
    of fewer than 3 if there are no larger ones.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> found = mlm.diagnostics.homogeneity(mlm.lmm("mathach ~ cses + (cses | school)", mlm.load("hsb")))
    >>> found.n_groups, found.H.df, round(found.spread, 3)
    (160, 159, 0.075)
    """
    from scipy import stats
    from scipy.special import polygamma

    own, at = within_groups(fit), blocks(own_factor(fit))
    least = 10 if (own.df >= 10).sum() > 1 else 3
    use = (own.df >= least) & (own.ss > 1e-12 * at.rss)
    if use.sum() < 2:
        raise DataError(
            "Fewer than two groups have three degrees of freedom for a regression of their own, so their residual "
            "variances cannot be compared."
        )
    df, logs = own.df[use].astype(float), np.log(own.ss[use] / own.df[use])
    middle = (df @ logs) / df.sum()
    H = float((df / 2.0 * (logs - middle) ** 2).sum())
    count = int(use.sum())
    excess = ((logs - logs.mean()) ** 2).sum() / (count - 1) - polygamma(1, df / 2.0).mean()
    inflate = np.sqrt(
        at.sizes / np.maximum(own.df, 1)
    )  # residuals are smaller where a group's line fits itself to few rows
    rows = use[at.codes]
    codes = (np.cumsum(use) - 1)[at.codes[rows]]
    e = (own.residuals * inflate[at.codes])[rows]
    parts = (
        [e[codes == j] for j in range(count)]
        if count < 50
        else np.split(e[np.argsort(codes, kind="stable")], np.cumsum(np.bincount(codes))[:-1])
    )
    F = stats.levene(*parts, center="median")
    null = "equal residual variance in all groups"
    return Homogeneity(
        TestResult(H, count - 1, float(stats.chi2.sf(H, count - 1)), f"chi2({count - 1})", null, "Raudenbush-Bryk H"),
        TestResult(
            float(F.statistic),
            (count - 1, len(e) - count),
            float(F.pvalue),
            f"F({count - 1}, {len(e) - count})",
            null,
            "Brown-Forsythe test",
        ),
        float(np.sqrt(max(excess, 0.0)) / 2.0),
        count,
        least,
    )


def variance_over_groups(fit) -> Check:
    """Is the residual variance the same in all groups?"""
    name = "Residual variance is the same in all groups"
    try:
        found = homogeneity(fit)
    except DataError as error:
        return Check(name, str(error), np.nan, np.nan, "", "not checked", "nothing")
    verdict = judge(found.spread, 0.15, 0.3, found.robust.pvalue)
    if verdict == "ok" and found.spread >= 0.15 and found.H.pvalue < 0.001:
        verdict = "look"  # the two tests disagree: tails or single rows, or groups that differ
    todo = {
        "ok": "nothing",
        "look": "See which groups are the noisy ones, and what they share.",
        "act": "Let the residual variance depend on what sets the groups apart, or use robust standard errors.",
    }
    text = (
        f"residual SDs of {found.n_groups} groups spread by {100 * found.spread:.0f} % beyond chance; H = "
        f"{found.H.statistic:.1f} on {found.H.df} df, {p_words(found.H.pvalue)}; Brown-Forsythe "
        f"{p_words(found.robust.pvalue)}"
    )
    return Check(
        name,
        text,
        found.spread,
        found.robust.pvalue,
        "H also answers to residuals that are not normal; Brown and Forsythe's test does not, and the verdict "
        "goes by it, unless H is "
        "beyond doubt. A spread below 15 % does no harm.",
        verdict,
        todo[verdict],
    )


def variance_over_fitted(fit) -> Check:
    """Does the residual variance grow or fall with the fitted value?"""
    from scipy.special import stdtr

    r = row_residuals(fit, "standardized", "conditional")
    x = fit._fitted
    known = np.isfinite(r)
    r, x = np.abs(r[known]), x[known]
    n = len(r)
    low, high = np.quantile(x, [1 / 3, 2 / 3])
    ratio = float(np.sqrt(np.mean(r[x >= high] ** 2) / np.mean(r[x <= low] ** 2)))
    corr = float(np.corrcoef(r, x)[0, 1]) if np.ptp(x) > 0 else 0.0
    t = corr * np.sqrt((n - 2) / max(1.0 - corr**2, 1e-300))
    p = float(2.0 * stdtr(n - 2, -abs(t)))
    verdict = judge(max(ratio, 1.0 / ratio) - 1.0, 0.25, 0.5, p)
    todo = {
        "ok": "nothing",
        "look": "Look at residuals against fitted values: a funnel, or a bound of the scale?",
        "act": "Try the logarithm (or root) of the outcome, or a residual variance that depends on a predictor.",
    }
    return Check(
        "Residual variance does not follow the fitted value",
        f"residual SD in the upper third of fitted values {ratio:.2f} times that in the lower third (Glejser "
        f"{p_words(p)})",
        ratio,
        p,
        "1 is even; between 0.8 and 1.25 does no harm.",
        verdict,
        todo[verdict],
    )


def autocorrelation(fit, time) -> Check:
    """Do residuals next to each other in time resemble each other?"""
    from scipy.special import ndtr

    order = np.argsort(_times(fit, time), kind="stable")
    fit = seen_by(fit, max(fit.n_groups, key=fit.n_groups.get))
    at = blocks(fit)
    name = "Residuals are not correlated in time"
    try:
        w = _whitened(at, order) / np.sqrt(at.s2)
    except ValueError as error:
        return Check(name, str(error), np.nan, np.nan, "", "not checked", "nothing")
    order = order[np.argsort(at.codes[order], kind="stable")]
    w, codes = w[order], at.codes[order]
    pair = codes[1:] == codes[:-1]
    m = int(pair.sum())
    if m < 10:
        return Check(
            name, f"only {m} rows have a neighbor in time in their group", np.nan, np.nan, "", "not checked", "nothing"
        )
    r = float((w[1:] * w[:-1])[pair].sum() / np.sqrt((w[1:][pair] ** 2).sum() * (w[:-1][pair] ** 2).sum()))
    p = float(2.0 * ndtr(-abs(r) * np.sqrt(m)))
    verdict = judge(r, 0.1, 0.3, p)
    todo = {
        "ok": "nothing",
        "look": "Try a random slope of time, or a curve, before anything else.",
        "act": "Let residuals follow an autoregressive process; a missing slope or curve of time makes the same "
        "picture.",
    }
    return Check(
        name,
        f"correlation of neighbors {r:+.2f} over {m} pairs ({p_words(p)})",
        r,
        p,
        "Of whitened residuals, which are uncorrelated if the model is right; neighbors are rows next to each "
        "other, however "
        "far apart in time.",
        verdict,
        todo[verdict],
        "14_growth_shapes",
    )


def _times(fit, time) -> np.ndarray:
    """Times of the rows used, by a column's name or as values."""
    if isinstance(time, str):
        values = Table(fit.design.data)[time]
        if isinstance(values, Categorical):
            if values.levels.dtype.kind == "O":
                raise DataError(f"The column {time!r} holds text, whose order in time is not known; give numbers.")
            values = values.codes.astype(float)
        values = values if fit.design.kept is None else values[fit.design.kept]
    else:
        values = np.asarray(time, dtype=float)
    if values.shape != (len(fit.design.y),) or not np.isfinite(values).all():
        raise DataError(f"time= needs a finite number for each of the {len(fit.design.y)} rows used.")
    return values
