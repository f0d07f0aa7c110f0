"""Pictures that check a fit: Q-Q of residuals or of random effects, residuals against what should not matter
(chapters 1, 3, 9)."""

from __future__ import annotations

import numpy as np
from scipy import stats

from . import theme as t
from .effects import the_factor


def _values(fit, what, kind="raw", group=None):
    if not hasattr(fit, "resid"):
        return np.asarray(fit, float), "values"
    if what == "resid":
        values = fit.resid if kind == "raw" else fit.residuals(kind)
        return np.asarray(values, float), "residuals" if kind == "raw" else f"{kind} residuals"
    factor = the_factor(fit, group)
    table = fit.random_effects[factor] if kind == "raw" else fit.residuals(kind, factor)
    return np.asarray(table[what], float), f"{'' if kind == 'raw' else kind + ' '}random effects of {what}"


@t.styled
def qq(
    fit,
    what="resid",
    *,
    kind="raw",
    group=None,
    band=True,
    samples=199,
    seed=1,
    ax=None,
    title=None,
    xlabel=None,
    ylabel=None,
):
    """Normal Q-Q plot of the residuals, of one random effect, or of any array, with a pointwise 95 % band.

    `kind` is one of `mlm.residuals` (``"standardized"`` ...); `group` the grouping factor of an effect. The band is that of a normal sample, or with
    ``band="simulated"`` that of samples from the fitted model, each fitted again: what the plot looks like when the
    model is right, shrinkage and all.
    """
    if band not in (True, False, "pointwise", "simulated"):
        raise ValueError(f"band={band!r} must be True, False, 'pointwise' or 'simulated'.")
    values, name = _values(fit, what, kind, group)
    known = values[np.isfinite(values)]
    if len(known) < 3:
        raise ValueError(f"There are {len(known)} {name} to draw; an effect whose variance is zero has none.")
    values = np.sort(known)
    n = len(values)
    ax = t.new(ax, (4.4, 4.0))
    p = (np.arange(1, n + 1) - 0.5) / n
    z = stats.norm.ppf(p)
    mean, sd = (0.0, 1.0) if kind == "quantile" else (values.mean(), values.std(ddof=1))  # they claim to be standard normal
    ranks = np.arange(1, n + 1)
    if band == "simulated":
        if not hasattr(fit, "refit"):
            raise ValueError("A simulated band needs a fit of mlm.lmm.")
        from ..diagnostics.simulated import envelope

        low, high = (edge[:n] for edge in envelope(fit, lambda one: _values(one, what, kind, group)[0], samples, seed))
        whose = "of samples from the fitted model"
    else:
        low, high = (mean + sd * stats.norm.ppf(stats.beta.ppf(q, ranks, n + 1 - ranks)) for q in (0.025, 0.975))
        whose = "of a standard normal sample" if kind == "quantile" else "of a normal sample"
    if band:
        drawn = np.unique(np.searchsorted(z, np.linspace(z[0], z[-1], 400)))  # more corners are not seen, only loaded
        ax.fill_between(z[drawn], low[drawn], high[drawn], color=t.FAINT, alpha=0.55, lw=0)
    ax.plot(z[[0, -1]], mean + sd * z[[0, -1]], color=t.INK, lw=1)
    t.points(ax, z, values, t.DATA if what == "resid" else t.PARTIAL, alpha=0.8)
    outside = int(((values < low) | (values > high)).sum())
    text = (
        f"Normal Q-Q plot of {n} {name}: SD {t.number(values.std(ddof=1))}, smallest {t.number(values[0])}, largest "
        f"{t.number(values[-1])}. {outside} of {n} points lie outside the pointwise 95% band {whose}."
    )
    return t.finish(ax, text, title=title, xlabel=xlabel or "normal quantile", ylabel=ylabel or name)


@t.styled
def residuals(fit, against="fitted", *, kind="raw", level="conditional", ax=None, title=None, xlabel=None, ylabel=None):
    """Residuals (of any kind of `mlm.residuals`) against fitted values or a column of the data, with a running mean."""
    if against == "fitted":
        x = np.asarray(
            (fit.predict(groups="average") if hasattr(fit, "density") else fit.predict(random_effects=False))
            if level == "marginal" and hasattr(fit, "refit")
            else fit.fittedvalues,
            float,
        )
    else:
        kept = fit.design.kept
        x = np.asarray(fit.data[against], float)
        x = x if kept is None else x[kept]
    e = np.asarray(fit.resid if (kind, level) == ("raw", "conditional") else fit.residuals(kind, level), float)
    if e.ndim > 1:
        raise ValueError("residuals shows one residual a row, and unordered categories have one for each category: "
                         "see fit.resid.")
    x, e = x[np.isfinite(e)], e[np.isfinite(e)]
    ax = t.new(ax)
    t.points(ax, x, e, size=2.8)
    ax.axhline(0, color=t.INK, lw=0.8)
    order = np.argsort(x, kind="stable")
    bins = [b for b in np.array_split(order, min(12, max(3, len(x) // 25))) if len(b)]
    centers, means = [x[b].mean() for b in bins], [e[b].mean() for b in bins]
    spreads = [e[b].std() for b in bins]
    ax.plot(centers, means, color=t.PARTIAL, lw=2)
    text = (
        f"{len(e)} residuals against {against}. Their running mean stays between {t.number(min(means))} and "
        f"{t.number(max(means))}; their SD runs from {t.number(min(spreads))} to {t.number(max(spreads))} across "
        "the range."
    )
    return t.finish(
        ax,
        text,
        title=title,
        xlabel=xlabel or ("fitted value" if against == "fitted" else against),
        ylabel=ylabel or ("residual" if kind == "raw" else f"{kind} residual"),
    )
