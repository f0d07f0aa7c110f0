"""Tests between panel models: effects of groups, Breusch and Pagan's, Hausman's in three forms, Mundlak's.

Chapter 19 (``19_fixed_or_random``).

References
----------
Breusch, T. S., & Pagan, A. R. (1980). The Lagrange multiplier test and its applications to model specification in
econometrics. Review of Economic Studies, 47, 239-253.
Honda, Y. (1985). Testing the error components model with non-normal disturbances. Review of Economic Studies, 52, 681-690.
Hausman, J. A. (1978). Specification tests in econometrics. Econometrica, 46, 1251-1271.
Mundlak, Y. (1978). On the pooling of time series and cross section data. Econometrica, 46, 69-85.
Baltagi, B. H. (2013). Econometric Analysis of Panel Data (5th ed.). Wiley, chapter 4.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..testresult import TestResult
from .model import fit as refit
from .random import quasi_demeaned
from .result import PanelResult
from .solve import independent, regress

__all__ = ["breusch_pagan", "f_test_groups", "hausman", "mundlak_test"]


def _only_panel(fit, name: str) -> None:
    if not isinstance(fit, PanelResult):
        raise ValueError(f"mlm.{name} takes fits of mlm.panel, not {type(fit).__name__}.")


def _unweighted(fit, name: str) -> None:
    if fit.design.weights is not None:
        raise ValueError(f"mlm.{name} is for fits without weights; fit again without weights=.")


def f_test_groups(fit, which: str = "groups") -> TestResult:
    """F test that the effects of all groups are equal: fixed effects against the regression without them.

    Parameters
    ----------
    fit : PanelResult
    which : {"groups", "times", "both"}
        ``"times"`` and ``"both"`` after ``effects="two-way"``: the effects of one set given the other, or of both at once.

    Returns
    -------
    TestResult

    Notes
    -----
    Baltagi (2013, equation 4.7); plm's ``pFtest``, the last line of Stata's ``xtreg, fe``.  Chapter 19
    (``19_fixed_or_random``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.panel("inv ~ value + capital", mlm.load("grunfeld"), groups="firm")
    >>> print(fit.f_test_groups())
    F test of no effects of firm: F(9, 188) = 49.18, p < 0.001
    """
    from scipy.special import fdtrc
    frame = fit.frame
    two = fit.effects == "two-way"
    if which not in ("groups", "times", "both") or (which != "groups" and not two):
        raise ValueError(f"which={which!r} must be 'groups', or after effects='two-way' also 'times' or 'both'.")
    swapped = replace(frame, codes=frame.times, levels=frame.time_levels, group=frame.time) if two else None
    small = {"both": frame, "groups": swapped or frame, "times": frame}[which]
    null = refit(small, "within" if two and which != "both" else "pooled").estimate.regression
    full = refit(frame, "two-way" if two else "within").estimate.regression
    q = null.df - full.df
    if q <= 0:
        raise ValueError("The predictors leave no effects of groups to test: they differ between all groups already.")
    value = float((null.ssr - full.ssr) / q / full.s2)
    words = {"groups": frame.group, "times": frame.time, "both": f"{frame.group} and {frame.time}"}[which]
    return TestResult(value, (q, full.df), float(fdtrc(q, full.df, value)), f"F({q}, {full.df})", f"no effects of {words}",
                      "F test")


def breusch_pagan(fit, one_sided: bool = False) -> TestResult:
    """Lagrange multiplier test that groups do not differ, from the residuals of the pooled regression.

    Parameters
    ----------
    fit : PanelResult
        Of any estimator: the pooled regression of the same formula is run.
    one_sided : bool
        Honda's form: the signed root of the statistic against the upper tail of the normal distribution.  As a
        variance cannot be negative, it has the greater power.

    Returns
    -------
    TestResult

    Notes
    -----
    ``N / sqrt(2 (sum n_j^2 - N)) (sum_j (sum_i e_ij)^2 / sum e_ij^2 - 1)``, squared for the two-sided form: Breusch and
    Pagan (1980), for unbalanced panels Baltagi and Li (1990); plm's ``plmtest`` of type ``"honda"`` and ``"bp"``.  Stata's
    ``xttest0`` reports the two-sided statistic, as 0 where the root is negative, with half its p-value.  Chapter 19
    (``19_fixed_or_random``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.panel("inv ~ value + capital", mlm.load("grunfeld"), groups="firm", effects="random")
    >>> print(mlm.breusch_pagan(fit))
    Breusch-Pagan test of no variance between groups of firm: chi2(1) = 798.16, p < 0.001
    """
    from scipy.special import chdtrc, ndtr
    _only_panel(fit, "breusch_pagan")
    _unweighted(fit, "breusch_pagan")
    frame = fit.frame
    e = refit(frame, "pooled").estimate.regression.resid
    sizes = frame.sizes
    if sizes.max() == 1:
        raise ValueError(f"Every group of {frame.group!r} has one row; nothing can be told of differences between them.")
    ratio = (np.bincount(frame.codes, e) ** 2).sum() / (e @ e) - 1.0
    root = float(frame.n / np.sqrt(2.0 * ((sizes ** 2).sum() - frame.n)) * ratio)
    null = f"no variance between groups of {frame.group}"
    if one_sided:
        return TestResult(root, np.inf, float(ndtr(-root)), "z", null, "Honda test")
    return TestResult(root ** 2, 1, float(chdtrc(1, root ** 2)), "chi2(1)", null, "Breusch-Pagan test")


def hausman(fe, re, method: str = "classical") -> TestResult:
    """Hausman's test: do fixed and random effects estimate the same slopes?

    Parameters
    ----------
    fe, re : PanelResult
        Fits of ``effects="within"`` and ``"random"`` of the same formula to the same rows.
    method : {"classical", "auxiliary", "robust"}
        ``"classical"``: ``d' (V_fe - V_re)^-1 d`` of the differences d of the slopes.  It holds when random effects are
        efficient: rows independent and of equal variance given the groups' effects.
        ``"auxiliary"``: the random-effects regression with the deviations from group means added; the Wald test of their
        coefficients.  The same for large samples, and never negative.
        ``"robust"``: the same test with a covariance that is robust to correlation and unequal variance within groups
        (Arellano's, CR0).

    Returns
    -------
    TestResult

    Notes
    -----
    Hausman (1978); Baltagi (2013, section 4.3); Wooldridge (2010, section 10.7.3) for the auxiliary regression; plm's
    ``phtest`` with ``method = "chisq"`` and ``"aux"``.  Where ``V_fe - V_re`` is not positive definite, which happens in
    finite samples, the note says so, and a negative statistic has no p-value (plm takes its absolute value).  Chapter 19
    (``19_fixed_or_random``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fe, re = (mlm.panel("inv ~ value + capital", mlm.load("grunfeld"), groups="firm", effects=e)
    ...           for e in ("within", "random"))
    >>> print(mlm.hausman(fe, re))
    Hausman test of the same slopes under fixed and random effects: chi2(2) = 2.33, p = 0.312
    >>> print(mlm.hausman(fe, re, method="robust"))
    Robust Hausman test of the same slopes under fixed and random effects: chi2(2) = 8.30, p = 0.016
    """
    from scipy.special import chdtrc
    if method not in ("classical", "auxiliary", "robust"):
        raise ValueError(f"method={method!r} must be 'classical', 'auxiliary' or 'robust'.")
    _pair(fe, re)
    null = "the same slopes under fixed and random effects"
    note = ""
    if method == "classical":
        names = [name for name in fe._names if name in re._names and name != "Intercept"]
        a, b = [fe._names.index(name) for name in names], [re._names.index(name) for name in names]
        d = fe._params[a] - re._params[b]
        V = fe._cov[np.ix_(a, a)] - re._cov[np.ix_(b, b)]
        statistic, q = float(d @ np.linalg.solve(V, d)), len(names)
        scale = np.sqrt(np.diagonal(fe._cov)[a])
        if np.linalg.eigvalsh(V / np.outer(scale, scale)).min() <= 0:
            note = "the difference of the covariances is not positive definite; see method='robust'"
        if statistic < 0:
            return TestResult(statistic, q, float("nan"), f"chi2({q})", null, "Hausman test", note)
        return TestResult(statistic, q, float(chdtrc(q, statistic)), f"chi2({q})", null, "Hausman test", note)
    statistic, q = _auxiliary(re, method == "robust")
    name = "Robust Hausman test" if method == "robust" else "Hausman test by auxiliary regression"
    return TestResult(statistic, q, float(chdtrc(q, statistic)), f"chi2({q})", null, name)


def _pair(fe, re) -> None:
    """Refuse fits that cannot be compared."""
    for fit, wanted in ((fe, "within"), (re, "random")):
        _only_panel(fit, "hausman")
        if fit.effects != wanted:
            raise ValueError(f"mlm.hausman compares effects='within' with effects='random', in this order; it was given "
                             f"effects={fit.effects!r} for {wanted!r}.")
    _unweighted(fe, "hausman")
    if fe.formula != re.formula or fe.frame.group != re.frame.group or not np.array_equal(fe.frame.y, re.frame.y):
        raise ValueError("mlm.hausman compares two fits of the same formula and groups to the same rows; fit both anew.")


def _auxiliary(re, robust: bool) -> tuple[float, int]:
    """The Wald statistic of the deviations' coefficients in the quasi-demeaned regression, and their number."""
    frame, theta = re.frame, re.estimate.components.theta
    y, X = (quasi_demeaned(frame, A, theta) for A in (frame.y, frame.X))
    inner = frame.deviations(frame.X)
    inner = inner[:, independent(inner, np.sqrt((frame.X ** 2).sum(axis=0)))[0]]
    first = independent(X)[0]
    reg = regress(y, np.column_stack([X[:, first], inner]), frame.codes)[0]
    at = np.flatnonzero(reg.kept >= len(first))
    cov = reg.cov
    if robust:
        scores = np.array([np.bincount(frame.codes, c, minlength=frame.J) for c in (reg.X * reg.resid[:, None]).T])
        cov = reg.inverse @ (scores @ scores.T) @ reg.inverse
    b = reg.b[at]
    return float(b @ np.linalg.solve(cov[np.ix_(at, at)], b)), len(at)


def mundlak_test(fit) -> TestResult:
    """Mundlak's test: do group means of the predictors matter beside the predictors themselves?

    Parameters
    ----------
    fit : PanelResult
        Of any estimator: the ``"mundlak"`` regression of the same formula is run.

    Returns
    -------
    TestResult
        Wald test of the coefficients of all group means.

    Notes
    -----
    Mundlak (1978); the same question as Hausman's, and for balanced panels the same answer as its auxiliary regression.
    Chapter 19 (``19_fixed_or_random``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.panel("inv ~ value + capital", mlm.load("grunfeld"), groups="firm", effects="random")
    >>> print(mlm.mundlak_test(fit))
    Mundlak test of no effects of group means (value_between, capital_between): chi2(2) = 2.13, p = 0.344
    """
    from ..inference.wald import wald_test
    _only_panel(fit, "mundlak_test")
    _unweighted(fit, "mundlak_test")
    full = fit if fit.effects == "mundlak" else refit(fit.frame, "mundlak")
    plan = full.estimate.plan
    names = [full.estimate.frame.names[k] for k in full.estimate.regression.kept if plan[k][1] == "between"]
    if not names:
        raise ValueError(f"No predictor varies within groups of {fit.frame.group!r}; there are no group means to add.")
    return replace(wald_test(full, names), null=f"no effects of group means ({', '.join(names)})", name="Mundlak test")
