"""Likelihood-ratio tests of models with a structure of their residuals.

Chapter 14 (``14_residual_structures``) chooses between structures by them.
"""

from __future__ import annotations

import numpy as np

from .testresult import TestResult

__all__ = ["check_structures", "lr_vs_gls"]

_INSIDE = {"ar1": {"arma11", "toeplitz", "un"}, "arma11": {"toeplitz", "un"}, "toeplitz": {"un"},
           "cs": {"toeplitz", "un"}}


def lr_vs_gls(fit) -> TestResult:
    """Test of the random part, the residuals' structure kept.

    One variance: chibar2(01).  More: chi2, which is conservative because variances cannot be negative.
    """
    from ..lmm.row_model import RowModel
    from .likelihood_ratio import mixture_pvalue
    model = RowModel(_without_random(fit), "unstructured", fit.reml, fit.model.correlation, fit.model.variance)
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


def _without_random(fit):
    """The design without its random terms; a structure without a group of its own keeps theirs."""
    from dataclasses import replace
    if fit.model.correlation is not None and fit.model.correlation.group is None and fit.design.random:
        raise ValueError("The correlation takes its groups from the random effects; name them, as in "
                         "mlm.ar1('time', group='pupil'), to test the random effects.")
    return replace(fit.design, random=())


def check_structures(null, full) -> bool:
    """Whether two fits have residual structures and differ in these alone; refuses what is not nested.

    Raises
    ------
    ValueError
        When the first structure is no special case of the second.
    """
    rows = [getattr(getattr(fit, "model", None), "rows", None) for fit in (null, full)]
    if rows == [None, None]:
        return False
    own = [(getattr(fit.model, "correlation", None), _variances(fit)) if one is not None else (None, [])
           for fit, one in zip((null, full), rows)]
    if own[0] == own[1]:
        return False
    (small, less), (large, more) = own
    inside = small is None or small == large or (
        large is not None and large.name in _INSIDE.get(small.name, ()) and _same_groups(*rows)
        and (small.name == "cs" or small.time == large.time))
    if not inside or any(one not in more for one in less):
        raise ValueError("The fits are not nested: the first model's structure of the residuals is no special case of "
                         "the second's. Compare them by AIC or BIC.")
    return True


def _variances(fit) -> list:
    variance = fit.model.variance
    return [] if variance is None else list(np.atleast_1d(np.array(variance, dtype=object)))


def _same_groups(small, large) -> bool:
    return np.array_equal(small.correlation.layout.codes, large.correlation.layout.codes)
