"""The summary of a panel fit: what was fitted to what, what is explained where, the coefficients, and every message.

Chapter 19 (``19_fixed_or_random``) reads it.
"""

from __future__ import annotations

import numpy as np

from ..testresult import p_text
from ..report.page import Page, rounded
from ..report.summary import coefficients

__all__ = ["summary"]


def summary(fit, *, level: float = 0.95) -> Page:
    """The printed account of a panel fit.

    Parameters
    ----------
    fit : PanelResult
    level : float
        Confidence level of the intervals.

    Returns
    -------
    Page
    """
    return Page(fit.title, tuple(_lines(fit)), (coefficients(fit, level),), tuple(_notes(fit)), fit.messages)


def _lines(fit):
    frame, sizes = fit.frame, fit.frame.sizes
    yield "Formula", fit.formula
    yield "Rows", f"{fit.nobs:,}"
    balance = "all" if sizes.min() == sizes.max() else f"{sizes.min():,} to {sizes.max():,}, mean"
    yield f"Groups ({frame.group})", f"{frame.J:,}; rows in a group: {balance} {sizes.mean():.{0 if balance == 'all' else 1}f}"
    if frame.time is not None:
        yield f"Times ({frame.time})", f"{len(frame.time_levels):,}"
    r2 = fit.r2
    yield "R2", "; ".join(f"{name} {value:.4f}" for name, value in r2.items() if value == value)
    yield "Fit", f"residual SD {rounded(fit.sigma)[0]}, {fit.df_resid:,} degrees of freedom"
    if np.isfinite(fit.rho):
        parts = [f"sigma_u {rounded(fit.sigma_u)[0]}", f"sigma_e {rounded(fit.sigma_e)[0]}", f"rho {fit.rho:.4f}"]
        if fit.estimate.components is not None:
            low, high = fit.theta.min(), fit.theta.max()
            parts.append(f"theta {low:.4f}" + (f" to {high:.4f}" if high - low > 1e-12 else ""))
        yield "Variance", "; ".join(parts)
    if any(name != "Intercept" for name in fit._names):
        test = fit.wald_test()
        yield test.name, f"all slopes zero: {test.distribution} = {test.statistic:,.2f}, p {p_text(test.pvalue)}"


def _notes(fit):
    if fit.effects in ("within", "two-way"):
        both = fit.effects == "two-way"
        test = fit.f_test_groups("both" if both else "groups")
        yield f"{test.null[0].upper()}{test.null[1:]}: {test.distribution} = {test.statistic:,.2f}, p {p_text(test.pvalue)}"
    if fit.kinds is not None:
        for kind, names in fit.kinds.items():
            if names:
                yield f"{kind[0].upper()}{kind[1:]}: {', '.join(names)}"
