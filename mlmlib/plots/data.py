"""Pictures of the data before any multilevel model: points, one regression a group, group means (chapters 1-3)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from ..errors import DataError
from . import theme as t
from .group_line import group_line

_HIGHLIGHTS = (t.UNPOOLED, t.SECOND, t.MISS, t.SKY, t.INK)


def line_of(x, y) -> tuple[float, float] | None:
    """Least-squares (intercept, slope), or None when x does not vary."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    if len(x) < 2 or np.ptp(x) == 0:
        return None
    slope = np.cov(x, y, bias=True)[0, 1] / np.var(x)
    return y.mean() - slope * x.mean(), slope


def _pooled(data, x, y) -> tuple[float, float]:
    """The line through all points; DataError where there is none."""
    fitted = line_of(data[x], data[y])
    if fitted is None:
        raise DataError(f"{x!r} is the same in all rows, so no line of {y!r} goes through them; mlm.plots.scatter(..., line=False) draws "
                        "the points alone.")
    return fitted


def jittered(x, amount: float, seed: int = 1):
    """x with a small seeded uniform shake, so that points on the same spot can be counted."""
    return np.asarray(x, float) + (np.random.default_rng(seed).uniform(-amount, amount, len(x)) if amount else 0)


def _group_lines(data, x, y, groups):
    """Per group: (n, intercept, slope, smallest x, largest x); groups without a line are left out."""
    out = {}
    for key, part in data.groupby(groups, observed=True):
        fitted = line_of(part[x], part[y])
        if fitted:
            out[key] = (len(part), *fitted, part[x].min(), part[x].max())
    return out


@t.styled
def scatter(
    data, x, y, *, groups=None, show=None, line=True, jitter=0.0, ax=None, title=None, xlabel=None, ylabel=None
):
    """Points with the pooled line; with `groups` and `show`, those groups' own points and lines stand out."""
    ax = t.new(ax)
    t.points(ax, jittered(data[x], jitter), data[y])
    ends = np.array([data[x].min(), data[x].max()], float)
    said = [f"{len(data)} points of {y} against {x}."]
    places, texts, colors = [], [], []
    if line:
        b0, b1 = _pooled(data, x, y)
        ax.plot(ends, b0 + b1 * ends, color=t.POOLED, lw=2)
        places.append(b0 + b1 * ends[1])
        texts.append("all")
        colors.append(t.POOLED)
        said.append(f"The line through all of them has slope {t.number(b1)}.")
    for key, color in zip(show or (), _HIGHLIGHTS):
        part = data[data[groups] == key]
        ax.plot(jittered(part[x], jitter, 2), part[y], "o", color=color, ms=5, mew=0)
        fitted = line_of(part[x], part[y])
        if not fitted:
            continue
        own = np.array([part[x].min(), part[x].max()], float)
        ax.plot(own, fitted[0] + fitted[1] * own, color=color, lw=2)
        t.label(ax, own[1], fitted[0] + fitted[1] * own[1], str(key), color)
        said.append(
            f"{groups} {key}: {len(part)} points, mean {t.number(part[y].mean())}, own slope {t.number(fitted[1])}."
        )
    if texts:
        t.end_labels(ax, ends[1], places, texts, colors)
    return t.finish(ax, " ".join(said), title=title, xlabel=xlabel or x, ylabel=ylabel or y)


@t.styled
def spaghetti(data, x, y, groups, *, show=None, average=True, ax=None, title=None, xlabel=None, ylabel=None):
    """One least-squares line a group (blue) and the pooled line (orange)."""
    ax = t.new(ax)
    lines = _group_lines(data, x, y, groups)
    if not lines:
        raise DataError(f"{x!r} varies within none of the groups of {groups!r}, so none has a line; draw their means instead.")
    labels = ([], [], [])
    for key, (_, b0, b1, low, high) in lines.items():
        chosen = show is not None and key in show
        ax.plot(
            [low, high],
            [b0 + b1 * low, b0 + b1 * high],
            color=t.UNPOOLED,
            lw=2.2 if chosen else 1,
            alpha=1 if chosen else t.crowd(len(lines)),
        )
        if chosen:
            t.label(ax, high, b0 + b1 * high, str(key), t.UNPOOLED)
    slopes = np.array([b1 for _, _, b1, _, _ in lines.values()])
    said = [
        f"{len(lines)} lines of {y} on {x}, one for each {groups}. Slopes run from {t.number(slopes.min())} to "
        f"{t.number(slopes.max())}; {int((slopes < 0).sum())} fall and {int((slopes > 0).sum())} rise."
    ]
    if average:
        b0, b1 = _pooled(data, x, y)
        ends = np.array([data[x].min(), data[x].max()], float)
        ax.plot(ends, b0 + b1 * ends, color=t.POOLED, lw=3)
        labels = ([b0 + b1 * ends[1]], ["pooled"], [t.POOLED])
        t.end_labels(ax, ends[1], *labels)
        said.append(f"The pooled line has slope {t.number(b1)}.")
    return t.finish(ax, " ".join(said), title=title, xlabel=xlabel or x, ylabel=ylabel or y)


@t.styled
def small_multiples(
    data, x, y, groups, *, show=None, columns=5, fit=None, jitter=0.0, size=(1.24, 1.3), xlabel=None, ylabel=None
):
    """A panel a group: its points, its own line (blue), the pooled line (orange) and, from `fit`, the model's (vermilion)."""
    keys = list(show) if show is not None else list(pd.unique(data.sort_values(groups)[groups]))
    axes = t.panels(len(keys), columns, size)
    b0, b1 = _pooled(data, x, y)
    ends = np.array([data[x].min(), data[x].max()], float)
    said = [f"{len(keys)} panels of {y} against {x}, one for each {groups}; the pooled slope is {t.number(b1)}."]
    for ax, key in zip(axes, keys):
        part = data[data[groups] == key]
        ax.plot(jittered(part[x], jitter), part[y], "o", color=t.DATA, ms=3, mew=0, alpha=0.8)
        ax.plot(ends, b0 + b1 * ends, color=t.POOLED, lw=1.3)
        own = line_of(part[x], part[y])
        words = f"{groups} {key}: n {len(part)}"
        if own:
            ax.plot(ends, own[0] + own[1] * ends, color=t.UNPOOLED, lw=1.3)
            words += f", own slope {t.number(own[1])}"
        if fit is not None:
            model = model_line(fit, part, x, groups, ends)
            ax.plot(ends, model, color=t.PARTIAL, lw=2.2)
            words += f", model's slope {t.number((model[1] - model[0]) / (ends[1] - ends[0]))}"
        ax.set_title(f"{key}  n = {len(part)}", fontsize=9)
        said.append(words + ".")
    low, high = data[y].min(), data[y].max()
    axes[0].set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    handles = [("own line", t.UNPOOLED), ("pooled", t.POOLED)] + ([("model", t.PARTIAL)] if fit is not None else [])
    from matplotlib.lines import Line2D

    legend = axes[0].figure.legend(
        [Line2D([], [], color=c, lw=2) for _, c in handles],
        [n for n, _ in handles],
        loc="outside upper right",
        ncols=len(handles),
        labelcolor=t.INK,
    )
    legend.set_in_layout(True)
    axes[0].figure.supxlabel(xlabel or x, fontsize=10, color=t.INK)
    axes[0].figure.supylabel(ylabel or y, fontsize=10, color=t.INK)
    t.say(axes, " ".join(said))
    return axes


def model_line(fit, part, x, groups, ends):
    """The model's prediction for one group along x, its other predictors at the group's first row (its means if numeric)."""
    rows = pd.concat([part.iloc[[0]]] * len(ends), ignore_index=True)
    for name in part.columns:
        if name not in (x, groups) and pd.api.types.is_float_dtype(part[name]):
            rows[name] = part[name].mean()
    rows[x] = np.asarray(ends, dtype=float)
    if groups in fit.n_groups:
        return group_line(fit, rows, groups, part[groups].iloc[0])
    return np.asarray(fit.predict(rows, random_effects=True), float)


@t.styled
def group_means(data, y, groups, *, level=0.95, show=None, ax=None, title=None, xlabel=None, ylabel=None):
    """The raw mean of every group with its own interval, in order, and the mean of all rows (orange)."""
    table = data.groupby(groups, observed=True)[y].agg(["mean", "std", "count"]).sort_values("mean")
    ax = t.new(ax)
    half = table["std"] / np.sqrt(table["count"]) * stats.t.ppf((1 + level) / 2, table["count"].clip(2) - 1)
    where = np.arange(len(table))
    ax.vlines(where, table["mean"] - half, table["mean"] + half, color=t.UNPOOLED, lw=1, alpha=0.6)
    ax.plot(where, table["mean"], "o", color=t.UNPOOLED, ms=4 if len(table) < 60 else 2.5, mew=0)
    overall = data[y].mean()
    ax.axhline(overall, color=t.POOLED, lw=1.6, zorder=0)
    t.label(ax, where[-1] + 0.6, overall, "mean of all", t.POOLED)
    for key in show or ():
        place = table.index.get_loc(key)
        t.label(
            ax,
            place,
            table["mean"].iloc[place] + half.iloc[place],
            str(key),
            t.UNPOOLED,
            ha="center",
            va="bottom",
            xytext=(0, 3),
        )
    outside = int(((table["mean"] - half > overall) | (table["mean"] + half < overall)).sum())
    ax.set_xticks([])
    text = (
        f"The {len(table)} means of {y} by {groups}, lowest to highest, from {t.number(table['mean'].min())} to "
        f"{t.number(table['mean'].max())}, each with its {level:.0%} interval. The mean of all rows is "
        f"{t.number(overall)}; {outside} intervals do not reach it."
    )
    return t.finish(
        ax, text, title=title, xlabel=xlabel or f"{groups}, in order of its mean", ylabel=ylabel or f"mean {y}"
    )
