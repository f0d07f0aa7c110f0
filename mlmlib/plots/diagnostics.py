"""Pictures that question a fit: influence, straightness within and between groups, spread of groups' residuals, six
at once (chapter 9)."""

from __future__ import annotations

import numpy as np
from scipy import stats

from . import theme as t
from .checks import qq, residuals
from .effects import caterpillar, the_factor


def _name(ax, xs, ys, texts, lefts):
    """Names beside points, most important first; one that would overprint another is left out."""
    ax.margins(x=0.04, y=0.1)
    ax.autoscale_view()
    to_axes = ax.transData + ax.transAxes.inverted()
    taken = []
    for x, y, text, left in zip(xs, ys, texts, lefts):
        place = to_axes.transform((x, y)) + np.array([0.08 if left else -0.08, 0.0])
        if all(abs(place[0] - u) > 0.17 or abs(place[1] - v) > 0.07 for u, v in taken):
            taken.append(place)
            t.label(ax, x, y, text, t.PARTIAL, ha="left" if left else "right", xytext=(5 if left else -5, 1))


@t.styled
def influence(found, what="cooks", *, show=4, ax=None, title=None, xlabel=None, ylabel=None):
    """Cook's distance (or another measure, or an estimate) without each group, the largest named.

    `found` comes from `mlm.influence`; `what` is a column of its table, or a coefficient or variance parameter of its
    estimates.
    """
    ax = t.new(ax)
    table = found.table
    if what in table and np.issubdtype(table[what].dtype, np.number):
        return _measure(found, table[what].to_numpy(float), what, show, ax, title, xlabel, ylabel)
    estimates = found.estimates
    if what not in estimates:
        raise ValueError(
            f"what={what!r} is not known; choose one of {', '.join([*table.columns, *estimates.columns])}."
        )
    values, full = estimates[what].to_numpy(float), float(found.original[what])
    order = np.argsort(values, kind="stable")
    order = order[np.isfinite(values[order])]
    where = np.arange(len(order))
    if what in found.fit.params.index:
        se = float(found.fit.bse[what])
        ax.axhspan(full - se, full + se, color=t.FAINT, alpha=0.45, lw=0)
        t.label(ax, 0, full + se, "one SE", t.SOFT, va="bottom", xytext=(2, 1))
    ax.axhline(full, color=t.FIXED, lw=1.2)
    ax.plot(where, values[order], "o", color=t.PARTIAL, ms=4 if len(where) < 60 else 2.5, mew=0)
    far = np.argsort(-np.abs(values[order] - full), kind="stable")[:show]
    _name(ax, far, values[order[far]], [str(found.labels[order[k]]) for k in far], far < len(where) / 2)
    ax.set_xticks([])
    text = (
        f"{what} without each {found.by} in turn, in order. With all it is {t.number(full)}; it lies between "
        f"{t.number(values[order[0]])} (without {found.labels[order[0]]}) and {t.number(values[order[-1]])} (without "
        f"{found.labels[order[-1]]})."
    )
    return t.finish(
        ax, text, title=title, xlabel=xlabel or f"{found.by} left out, in order", ylabel=ylabel or f"{what} without it"
    )


def _measure(found, values, what, show, ax, title, xlabel, ylabel):
    where, middle = np.arange(len(values)), 1.0 if what == "covratio" else 0.0
    known = np.isfinite(values)
    ax.vlines(where[known], middle, values[known], color=t.PARTIAL, lw=1.2 if len(where) < 60 else 0.8, alpha=0.7)
    ax.plot(where[known], values[known], "o", color=t.PARTIAL, ms=4 if len(where) < 60 else 2.5, mew=0)
    ax.axhline(middle, color=t.INK, lw=0.8)
    far = [k for k in np.argsort(-np.abs(np.where(known, values - middle, 0.0)), kind="stable")[:show] if known[k]]
    bar, over = found.threshold.get(what), ""
    if bar is not None:
        for line in {"cooks": [bar], "dfbetas": [-bar, bar], "covratio": [1 - bar, 1 + bar]}[what]:
            ax.axhline(line, color=t.SOFT, lw=0.8, ls=(0, (4, 3)))
        count = int((np.abs(values[known] - middle) > bar).sum())
        over = f" {count} lie beyond the conventional threshold {t.number(bar)}, drawn dashed."
    _name(ax, far, values[far], [str(found.labels[k]) for k in far], [k < 0.8 * len(where) for k in far])
    ax.set_xticks([])
    names = {"cooks": "Cook's distance", "dfbetas": "largest DFBETAS", "mdffits": "MDFFITS", "covratio": "COVRATIO"}
    name = names.get(what, what)
    most = ", ".join(f"{found.labels[k]} ({t.number(values[k])})" for k in far)
    text = f"{name} of each of {len(values)} ({found.by}), left out one at a time. The largest: {most}.{over}"
    return t.finish(ax, text, title=title, xlabel=xlabel or f"{found.by} left out", ylabel=ylabel or name)


def _bins(x, y, least=12):
    """Means of y in bins of x with equal counts, with their standard errors; values of x are never torn apart."""
    levels = np.unique(x)
    count = int(np.clip(len(x) // least, 3, 12))
    if len(levels) <= count:
        parts = [np.flatnonzero(x == level) for level in levels]
    else:
        edges = np.unique(np.quantile(x, np.linspace(0, 1, count + 1)[1:-1]))
        code = np.searchsorted(edges, x, side="right")
        parts = [np.flatnonzero(code == k) for k in range(len(edges) + 1)]
    parts = [part for part in parts if len(part) > 1]
    return (
        np.array([x[part].mean() for part in parts]),
        np.array([y[part].mean() for part in parts]),
        np.array([y[part].std(ddof=1) / np.sqrt(len(part)) for part in parts]),
    )


@t.styled
def linearity(fit, x, *, group=None, title=None, ylabel=None):
    """Two panels: residuals against the deviation of x from its group's mean, group residuals against the group mean of
    x.

    A straight line in the model leaves binned means on zero in both; a curve that bends is a curve that the model
    lacks, a slope in the right panel a contextual effect that it lacks.
    """
    from ..diagnostics.linearity import predictors
    from ..lmm.factors import only_linear

    only_linear(fit, "linearity", "mlm.plots.residuals(fit, x, kind='quantile') shows curves, mlm.diagnose(fit) tests "
                                  "them")
    from ..diagnostics.several_blocks import seen_by

    factor = the_factor(fit, group)
    fit = seen_by(fit, factor)
    known = predictors(fit)
    if x not in known:
        raise ValueError(f"{x!r} is not a numeric predictor of the model; there are: {', '.join(known) or 'none'}.")
    within, mean = known[x]
    codes = fit.design.random[0].codes
    sizes = np.bincount(codes)
    rest = np.bincount(codes, fit.residuals("raw", "marginal").to_numpy()) / sizes
    middles = np.bincount(codes, mean) / sizes
    parts = [
        ("within", within, np.asarray(fit.resid, float), f"{x} less the mean of its {factor}", "residual of the row"),
        ("between", middles, rest, f"mean {x} of the {factor}", f"mean residual of the {factor}"),
    ]
    parts = [part for part in parts if np.ptp(part[1]) > 1e-9 * (1 + np.abs(part[1]).max())]
    _, axes = t.plt.subplots(1, len(parts), figsize=(6.6 if len(parts) > 1 else 4.2, 3.2), squeeze=False)
    said = []
    for ax, (name, values, y, across, up) in zip(axes[0], parts):
        t.points(ax, values, y, size=2.8 if name == "within" else 4)
        ax.axhline(0, color=t.INK, lw=0.8)
        center, height, se = _bins(values, y)
        ax.errorbar(center, height, yerr=2 * se, fmt="o-", color=t.PARTIAL, ms=4, mew=0, lw=1.4, elinewidth=1)
        if name == "within":
            spread = max(np.abs(height).max() * 3, 2.2 * float(np.std(y)))
            ax.set_ylim(-spread, spread)
        ax.set_xlabel(across)
        ax.set_ylabel(ylabel or up)
        beyond = int((np.abs(height) > 2 * se).sum())
        said.append(
            f"{name} groups the binned means run from {t.number(height[0])} at the low end over "
            f"{t.number(height[len(height) // 2])} in the middle to {t.number(height[-1])} at the high end, "
            f"{beyond} of "
            f"{len(height)} more than two standard errors from zero"
        )
    if title:
        axes[0][0].figure.suptitle(title)
    t.say(axes[0], f"What the model leaves, against {x}: " + "; ".join(said) + ".")
    return axes[0] if len(parts) > 1 else axes[0][0]


@t.styled
def residual_spread(fit, *, level=0.95, ax=None, title=None, xlabel=None, ylabel=None):
    """The residual SD of every group from its own regression, with its chi-square interval, in order."""
    from ..diagnostics.within import own_factor, within_groups

    own, fit = within_groups(fit), own_factor(fit)  # with several grouping factors, of the smallest units
    factor = next(iter(fit.n_groups))
    use = np.flatnonzero(own.df > 0)
    if not len(use):
        raise ValueError(
            f"No {factor} has enough rows for a regression of its own, so there are no residual SDs to draw."
        )
    sd = np.sqrt(own.ss[use] / own.df[use])
    order = np.argsort(sd, kind="stable")
    use, sd, df = use[order], sd[order], own.df[use][order]
    tail = (1 - level) / 2
    low, high = (sd * np.sqrt(df / stats.chi2.ppf(q, df)) for q in (1 - tail, tail))
    where = np.arange(len(sd))
    ax = t.new(ax)
    ax.axhline(fit.sigma, color=t.FIXED, lw=1.2, zorder=0)
    ax.vlines(where, low, np.minimum(high, 4 * max(sd.max(), fit.sigma)), color=t.UNPOOLED, lw=1, alpha=0.5)
    ax.plot(where, sd, "o", color=t.UNPOOLED, ms=4 if len(sd) < 60 else 2.5, mew=0)
    ax.set_xticks([])
    ax.set_ylim(0, min(float(high.max()), 2.5 * max(float(sd.max()), fit.sigma)) * 1.05)
    out = int(((low > fit.sigma) | (high < fit.sigma)).sum())
    levels = fit.design.random[0].levels
    text = (
        f"Residual SDs of {len(sd)} groups ({factor}), each from its own regression with its {level:.0%} "
        "interval, from "
        f"{t.number(sd[0])} ({levels[use[0]]}) to {t.number(sd[-1])} ({levels[use[-1]]}). {out} intervals exclude "
        "the model's "
        f"{t.number(fit.sigma)}."
    )
    return t.finish(
        ax, text, title=title, xlabel=xlabel or f"{factor}, in order", ylabel=ylabel or "residual SD of the group"
    )


def _empty(ax, why):
    ax.axis("off")
    ax.text(0.5, 0.5, why, ha="center", va="center", transform=ax.transAxes)


@t.styled
def diagnosis(found, *, group=None, envelope=True, title=None):
    """Six pictures of a fit at once; `found` comes from `mlm.diagnose`.  With `envelope` the Q-Q bands are simulated
    from the fit; with several grouping factors `group` is the one whose groups are drawn (the largest units)."""
    fit = found.fit
    group = next(iter(found.influences), None) if group is None and len(fit.n_groups) > 1 else group
    factor = the_factor(fit, group)
    general = hasattr(fit, "density")
    kind = "quantile" if general else "standardized"
    standard = fit.residuals(kind, factor)
    effects = [name for name in standard if standard[name].notna().any()]
    _, axes = t.plt.subplots(3, 2, figsize=(6.6, 8.4))
    (a, b), (c, d), (e, f) = axes
    band = "simulated" if envelope and not general else True  # quantile residuals are normal as they are
    residuals(fit, kind=kind, ax=a, title="Rows: residual against fitted")
    qq(fit, kind=kind, band=band, samples=99, ax=b, title="Rows: Q-Q", ylabel=f"{kind} residual")
    if effects:
        qq(
            fit,
            effects[0],
            kind=kind,
            group=factor,
            band=band,
            samples=99,
            ax=c,
            title=f"Groups: Q-Q, {effects[0]}",
            ylabel=f"{kind} effect",
        )
        caterpillar(fit, effects[-1], group=factor, ax=d, title=f"Groups: {effects[-1]}", ylabel="deviation")
    else:
        for ax in (c, d):
            _empty(ax, "no effect varies between groups")
    try:
        if general:
            residuals(fit, kind=kind, level="marginal", ax=e, title="Rows: marginal residual")
        else:
            residual_spread(fit, ax=e, title="Groups: residual SD", ylabel="residual SD")
    except ValueError:
        _empty(e, "groups too small for\nresidual SDs of their own")
    if factor in found.influences:
        influence(found.influences[factor], show=3, ax=f, title="Groups: influence")
    else:
        _empty(f, "no group was left out" if general else "no coefficients to influence")
    texts = [ax.alt_text for ax in axes.ravel() if hasattr(ax, "alt_text")]
    if title:
        axes[0][0].figure.suptitle(title)
    t.say(axes, "Six panels. " + " ".join(texts))
    return axes
