"""Pictures of what would happen over many samples, and of margins (chapters 1 and 2)."""

from __future__ import annotations

import numpy as np
from scipy import stats

from ..given import refuse_plain
from . import theme as t

_LINES = (t.UNPOOLED, t.PARTIAL, t.SECOND, t.POOLED, t.MISS)
_KNOWN = {
    "ols": t.POOLED,
    "mixed": t.PARTIAL,
    "multilevel": t.PARTIAL,
    "random": t.PARTIAL,
    "robust": t.UNPOOLED,
    "fixed": t.UNPOOLED,
}


def _colors(names):
    """OLS is pooled (orange) and a mixed model partially pooled (vermilion), whatever their order."""
    spare = [c for c in _LINES if c not in (t.POOLED, t.PARTIAL)]
    out = []
    for name in names:
        known = next((c for word, c in _KNOWN.items() if word in str(name).lower()), None)
        color = known if known and known not in out else next((c for c in spare if c not in out), t.INK)
        out.append(color)
    return out


@t.styled
def margins(m, x=None, *, ax=None, title=None, xlabel=None, ylabel=None):
    """Predicted margins with their intervals: a line a category along the numeric column, as Stata's marginsplot."""
    if m is None or isinstance(m, (int, float, str, dict)):
        refuse_plain(m, "mlm.plots.margins", "what mlm.margins returns")
    table = m.table if hasattr(m, "table") else m
    low, high, value = _margin_columns(table)
    keys = [c for c in table.columns if c not in _STATISTICS]
    numeric = [c for c in keys if np.issubdtype(np.asarray(table[c].tolist()).dtype, np.number)]
    x = x or (max(numeric, key=lambda c: table[c].nunique()) if numeric else keys[0])
    by = [c for c in keys if c != x and table[c].nunique() > 1]
    ax = t.new(ax)
    parts = (
        [("", table)]
        if not by
        else [(key, part) for key, part in table.groupby(by[0] if len(by) == 1 else by, observed=True, sort=False)]
    )
    colors = [t.INK] if len(parts) == 1 else (t.UNPOOLED, t.SECOND, t.MISS, t.SKY, t.POOLED)
    labels, said, width = ([], [], []), [], 0.0
    positions = None if x in numeric else {k: i for i, k in enumerate(dict.fromkeys(table[x]))}
    for place, ((key, part), color) in enumerate(zip(parts, colors)):
        at = np.asarray(part[x] if positions is None else part[x].map(positions), float)
        width = np.ptp(at) if len(at) > 1 else 1.0
        at = at + (place - (len(parts) - 1) / 2) * 0.012 * width
        if positions is None:  # between categories there is nothing to join
            ax.plot(at, part[value], color=color, lw=1.6)
        ax.vlines(at, part[low], part[high], color=color, lw=1.2)
        ax.plot(at, part[value], "o", color=color, ms=5, mew=0)
        words = key if isinstance(key, str) else ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)
        labels[0].append(part[value].iloc[-1])
        labels[1].append(words)
        labels[2].append(color)
        said.append(
            f"{words + ': ' if words else ''}{t.number(part[value].iloc[0])} at {part[x].iloc[0]} to "
            f"{t.number(part[value].iloc[-1])} at {part[x].iloc[-1]}"
        )
    if positions is None:
        ax.set_xticks(sorted(set(table[x])) if table[x].nunique() <= 9 else ax.get_xticks())
    else:
        ax.set_xticks(range(len(positions)), list(positions))
    t.end_labels(ax, ax.get_xlim()[1] - 0.04 * width, *labels)
    return t.finish(
        ax,
        f"Predicted margins along {x} with 95% intervals. " + "; ".join(said) + ".",
        title=title,
        xlabel=xlabel or x,
        ylabel=ylabel or "linear prediction",
    )


_STATISTICS = ("margin", "estimate", "se", "std_err", "z", "t", "statistic", "p", "pvalue", "lower", "upper", "df")


def _margin_columns(table):
    value = next(c for c in ("margin", "estimate") if c in table.columns)
    return "lower", "upper", value


@t.styled
def sampling(estimates, *, true=None, bins=None, title=None, xlabel=None, sharex=True, ticks=True):
    """Sampling distributions, one above the other on one scale; the true value as a line, each mean and SD in words."""
    estimates = estimates if isinstance(estimates, dict) else {"": estimates}
    values = {k: np.asarray(v, float)[np.isfinite(np.asarray(v, float))] for k, v in estimates.items()}
    together = np.concatenate(list(values.values()))
    if not together.size:
        raise ValueError("mlm.plots.sampling needs at least one finite estimate to draw.")
    low, high = np.quantile(together, (0.001, 0.999))
    edges = bins if bins is not None else np.linspace(low, high, 41)
    _, axes = t.plt.subplots(len(values), 1, figsize=(5.8, 0.8 + 1.2 * len(values)), sharex=sharex, squeeze=False)
    axes, said = axes[:, 0], []
    for ax, (key, v), color in zip(axes, values.items(), _colors(values)):
        ax.hist(v, bins=edges, color=color, alpha=0.6, lw=0)
        if true is not None:
            ax.axvline(true, color=t.INK, lw=1.4)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        words = f"mean {t.number(v.mean())}, SD {t.number(v.std(ddof=1))}"
        t.label(
            ax,
            0.01,
            0.92,
            f"{key}\n{words}" if key else words,
            color,
            xycoords="axes fraction",
            va="top",
            xytext=(0, 0),
        )
        said.append(f"{key + ': ' if key else ''}{len(v)} samples, {words}")
    axes[-1].set_xlabel(xlabel or "estimate")
    if title:
        axes[0].set_title(title)
    t.say(
        axes,
        "Sampling distributions. "
        + "; ".join(said)
        + (f". The true value is {t.number(true)}." if true is not None else "."),
    )
    return axes if len(axes) > 1 else axes[0]


@t.styled
def intervals(estimates, lower, upper, true, *, show=100, name="", ax=None, title=None, xlabel=None):
    """Intervals of many samples, stacked; those that miss the true value stand out. The rate is over all of them."""
    estimates, lower, upper = (np.asarray(v, float) for v in (estimates, lower, upper))
    misses = (lower > true) | (upper < true)
    ax = t.new(ax, (5.0, 4.2))
    shown = slice(0, min(show, len(estimates)))
    rows = np.arange(len(estimates[shown]))
    for miss, color, width in ((False, t.DATA, 1.0), (True, t.MISS, 1.8)):
        pick = misses[shown] == miss
        ax.hlines(rows[pick], lower[shown][pick], upper[shown][pick], color=color, lw=width)
        ax.plot(estimates[shown][pick], rows[pick], "o", color=color, ms=2.5, mew=0)
    ax.axvline(true, color=t.INK, lw=1.4)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    rate = misses.mean()
    heading = title or f"{name + ': ' if name else ''}{rate:.1%} of {len(estimates):,} intervals miss"
    text = (
        f"{len(rows)} intervals{f' ({name})' if name else ''} stacked, {int(misses[shown].sum())} of them miss the "
        f"true value {t.number(true)}. Over all {len(estimates)} samples {rate:.1%} miss."
    )
    return t.finish(ax, text, title=heading, xlabel=xlabel or "estimate and 95% interval")


@t.styled
def type1_error(n=20, icc=(0.0, 0.3), *, simulated=None, level=0.05, ax=None, title=None, xlabel=None, ylabel=None):
    """How often OLS calls a useless group-level predictor significant, over the ICC, a curve a group size.

    `simulated`: a table with columns icc and rate (optionally n, se, name), drawn as points."""
    grid = np.linspace(icc[0], icc[1], 121) if len(np.atleast_1d(icc)) == 2 else np.asarray(icc, float)
    sizes = np.atleast_1d(n)
    z = stats.norm.ppf(1 - level / 2)
    ax = t.new(ax)
    labels, said = ([], [], []), []
    for size in sizes:
        rate = 2 * stats.norm.sf(z / np.sqrt(1 + (size - 1) * grid))
        color = t.POOLED
        ax.plot(grid, rate, color=color, lw=2)
        labels[0].append(rate[-1])
        labels[1].append(f"n = {size}")
        labels[2].append(color)
        said.append(f"groups of {size}: {rate[0]:.0%} at ICC {grid[0]:.2f}, {rate[-1]:.0%} at {grid[-1]:.2f}")
    ax.axhline(level, color=t.INK, lw=1, ls=(0, (4, 3)))
    t.label(ax, grid[0], level, f"nominal {level:.0%}", t.INK, va="top", xytext=(2, -3))
    ax.set_ylim(0, None)
    if simulated is not None:
        names = simulated["name"] if "name" in simulated else np.repeat("simulated", len(simulated))
        for name, color in zip(dict.fromkeys(names), _colors(dict.fromkeys(names))):
            part = simulated[np.asarray(names) == name]
            color = t.INK if name == "simulated" else color
            ax.errorbar(
                part["icc"],
                part["rate"],
                yerr=1.96 * part["se"] if "se" in part else None,
                fmt="o",
                color=color,
                ms=5,
                mew=0,
                elinewidth=1,
            )
            middle = part.iloc[len(part) // 2]
            t.label(ax, middle["icc"], middle["rate"], str(name), color, va="top", xytext=(5, -5))
            said.append(f"{name}: " + ", ".join(f"{r:.0%} at {i:.2f}" for i, r in zip(part["icc"], part["rate"])))
    t.end_labels(ax, grid[-1], *labels)
    ax.yaxis.set_major_formatter(t.mpl.ticker.PercentFormatter(1, decimals=0))
    text = (
        f"Type-I error of OLS for a group-level predictor against the ICC, nominal {level:.0%}. "
        + "; ".join(said)
        + "."
    )
    return t.finish(ax, text, title=title, xlabel=xlabel or "ICC", ylabel=ylabel or "rejections of a true null")


@t.styled
def design_effect(n=(5, 20, 50), icc=(0.0, 0.3), *, ax=None, title=None, xlabel=None, ylabel=None):
    """1 + (n - 1) ICC: by how much clustering multiplies the variance of a mean."""
    grid = np.linspace(icc[0], icc[1], 61)
    ax = t.new(ax)
    labels, said = ([], [], []), []
    for size in np.atleast_1d(n):
        deff = 1 + (size - 1) * grid
        ax.plot(grid, deff, color=t.INK, lw=2)
        labels[0].append(deff[-1])
        labels[1].append(f"n = {size}")
        labels[2].append(t.INK)
        said.append(f"{deff[-1]:.1f} for groups of {size}")
    ax.set_ylim(0, None)
    t.end_labels(ax, grid[-1], *labels)
    text = (
        f"The design effect rises in a straight line from 1 at ICC 0; at ICC {grid[-1]:.2f} it is "
        + ", ".join(said)
        + "."
    )
    return t.finish(ax, text, title=title, xlabel=xlabel or "ICC", ylabel=ylabel or "design effect")
