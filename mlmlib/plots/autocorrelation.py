"""Correlations of residuals by lag (chapter 14)."""

from __future__ import annotations

import numpy as np

from . import theme as t


@t.styled
def acf(fit, max_lag=None, *, ax=None, title=None, xlabel=None, ylabel=None, **options):
    """Autocorrelations of residuals, with the band in which those of uncorrelated residuals stay.

    `fit` is a fit, or what `mlm.acf` returned; further options are those of `mlm.acf`.
    """
    from ..diagnostics.autocorrelation import Acf, acf as of
    found = fit if isinstance(fit, Acf) else of(fit, max_lag, **options)
    ax = t.new(ax)
    use = found.lag > 0
    lag, r, half = found.lag[use], found.correlation[use], found.half[use]
    ax.fill_between(lag, -half, half, color=t.FAINT, alpha=0.55, lw=0)
    ax.axhline(0.0, color=t.INK, lw=0.8)
    ax.vlines(lag, 0.0, r, color=t.DATA, lw=1.6)
    outside = np.abs(r) > half
    t.points(ax, lag[~outside], r[~outside], t.DATA, size=5, alpha=1.0)
    t.points(ax, lag[outside], r[outside], t.MISS, size=5, alpha=1.0)
    out = ", ".join(str(one) for one in lag[outside])
    text = (f"Autocorrelations of {found.kind} residuals within {found.group} at lags {lag[0]} to {lag[-1]}, in "
            f"{found.unit}. The first is {t.number(r[0])}. "
            + (f"Outside the {found.level:.0%} band of uncorrelated residuals: {out}." if out else
               f"All lie inside the {found.level:.0%} band of uncorrelated residuals."))
    return t.finish(ax, text, title=title, xlabel=xlabel or f"lag, in {found.unit}", ylabel=ylabel or "correlation")
