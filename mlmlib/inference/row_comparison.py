"""Likelihood-ratio tests of models with a structure of their residuals.

Chapter 14 (``14_growth_shapes``) chooses between structures by them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..rows.base import Variance
from ..testresult import TestResult

__all__ = ["check_structures", "lr_vs_gls", "structures_differ"]

_INSIDE = {"ar1": {"arma11", "toeplitz", "un"}, "arma11": {"toeplitz", "un"}, "toeplitz": {"un"},
           "cs": {"toeplitz", "un"}}


def lr_vs_gls(fit) -> TestResult:
    """Test of the random part, the residuals' structure kept.

    One variance: chibar2(01).  More: chi2, which is conservative because variances cannot be negative.
    """
    from .likelihood_ratio import mixture_pvalue
    correlation = fit.model.correlation
    if correlation is not None and correlation.group is None:  # the groups that it took from the random effects
        single = [term for term in fit.design.random if term.members is None]
        correlation = replace(correlation, group=max(single, key=lambda term: len(term.levels)).group)
    model = type(fit.model)(replace(fit.design, random=()), "unstructured", fit.reml, correlation, fit.model.variance)
    null = model.fit()[0].at.value
    k = len(fit._at.basis)
    statistic = max(null - fit.criterion, 0.0)
    name = "LR test vs. the same residual structure without random effects"
    if k == 1:
        weights, how = {0: 0.5, 1: 0.5}, "chibar2(01)"
        note = "one-sided, because a variance cannot be negative"
    else:
        weights, how = {k: 1.0}, f"chi2({k})"
        note = "conservative: variances cannot be negative, so the p-value is at most this"
    return TestResult(statistic, k, mixture_pvalue(statistic, weights), how, "no random effects", name, note)


def _structures(fit) -> tuple:
    """The correlation and the variances that were asked for."""
    model = getattr(fit, "model", None)
    variance = getattr(model, "variance", None)
    variances = [] if variance is None else [variance] if isinstance(variance, Variance) else list(variance)
    return getattr(model, "correlation", None), variances


def structures_differ(null, full) -> bool:
    """Whether two fits have different structures of their residuals."""
    (small, less), (large, more) = (_structures(fit) for fit in (null, full))
    return less != more or not _same_correlation(small, large, null, full)


def _same_correlation(small, large, null, full) -> bool:
    """Whether two correlations are the same, their groups written or taken from the random effects."""
    if small == large:
        return True
    if small is None or large is None:
        return False
    return small.name == large.name and small.time == large.time and _same_groups(null.model, full.model)


def check_structures(null, full) -> bool:
    """Whether two fits have residual structures and differ in these alone; refuses what is not nested.

    Raises
    ------
    ValueError
        When the first structure is no special case of the second.
    """
    if not structures_differ(null, full):
        return False
    own, rows = [_structures(fit) for fit in (null, full)], [getattr(fit, "model", None) for fit in (null, full)]
    (small, less), (large, more) = own
    inside = small is None or _same_correlation(small, large, null, full) or (
        large is not None and large.name in _INSIDE.get(small.name, ()) and _same_groups(*rows)
        and (small.name == "cs" or small.time == large.time))
    if not inside or any(one not in more for one in less):
        raise ValueError("The fits are not nested: the first model's structure of the residuals is no special case of "
                         "the second's. Compare them by AIC or BIC.")
    return True


def _same_groups(small, large) -> bool:
    a, b = (model.rows.correlation.layout.codes for model in (small, large))
    pairs = len(np.unique(a * (b.max() + 1) + b))
    return pairs == a.max() + 1 == b.max() + 1
