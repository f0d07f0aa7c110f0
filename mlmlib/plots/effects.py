"""Pictures of a fitted multilevel model: its group effects, how far they shrink, its lines (chapters 3 and 4)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from ..lmm.factors import only_linear
from . import theme as t
from .data import small_multiples
from .group_line import labels_of, one_group_each


def the_factor(fit, group):
    """The grouping factor meant: the one named, or the only one."""
    names = list(fit.random_effects)
    if not names:
        raise ValueError("The model has no random effects to draw.")
    if group is not None and group not in names:
        raise ValueError(f"There is no grouping factor {group!r}; the model has {', '.join(map(repr, names))}.")
    if group is None and len(names) != 1:
        raise ValueError(f"The model has the grouping factors {names}: say which with group=.")
    return group or names[0]


def columns_of(fit, names) -> np.ndarray:
    """The model-matrix columns of the named terms, from the fixed part or from the data."""
    exog = pd.DataFrame(np.asarray(fit.exog), columns=list(fit.params.index))
    out = []
    for name in names:
        if name == "Intercept":
            out.append(np.ones(len(exog)))
        elif name in exog:
            out.append(exog[name].to_numpy(float))
        else:
            out.append(fit.data[name].to_numpy(float))
    return np.column_stack(out)


def _labels(fit, factor):
    return np.asarray(fit.groups[factor] if isinstance(fit.groups, dict) else fit.groups)


def unpooled_effects(fit, factor) -> pd.DataFrame:
    """Each group's own least-squares deviations from the fixed part: what the random effects would be without shrinkage.

    Where there are other grouping factors, from the fixed part and their predicted effects.
    """
    only_linear(fit, "A regression of each group's own",
                "mlm.plots.caterpillar shows the predicted effects, mlm.plots.conditional_curves the " "groups' curves")
    one_group_each(fit, factor)
    names = list(fit.random_effects[factor].columns)
    z, labels = columns_of(fit, names), _labels(fit, factor)
    rest = np.asarray(fit.endog, float) - np.asarray(fit.exog) @ fit.params.to_numpy()
    for other in fit.design.random:
        if other.group != factor:
            rest = rest - other.values(fit.random_effects[other.group][list(other.names)].to_numpy())
    out = {}
    for key in fit.random_effects[factor].index:
        rows = labels == key
        own, _, rank, _ = np.linalg.lstsq(z[rows], rest[rows], rcond=None)
        out[key] = own if rank == len(names) else np.full(len(names), np.nan)
    return pd.DataFrame.from_dict(out, orient="index", columns=names)


@t.styled
def caterpillar(
    fit,
    effect="Intercept",
    *,
    level=0.95,
    total=False,
    group=None,
    scale="link",
    ax=None,
    title=None,
    xlabel=None,
    ylabel=None,
):
    """The predicted effect of every group with its interval, in order; `total` adds the fixed part.

    Of a GLMM with ``scale="response"``: the expected outcome (probability, rate) of every group where predictors are zero."""
    if scale not in ("link", "response"):
        raise ValueError(f"scale={scale!r} must be 'link' or 'response'.")
    if scale == "response" and (not hasattr(fit, "density") or effect != "Intercept" or fit.density.K > 1
                                or hasattr(fit, "categories")):
        raise ValueError("scale='response' is for the intercepts of a GLMM whose outcome has one mean.")
    total = total or scale == "response"
    factor = the_factor(fit, group)
    if effect not in fit.random_effects[factor]:
        raise ValueError(f"There is no random effect {effect!r} of {factor}; choose effect= from "
                         f"{', '.join(map(repr, fit.random_effects[factor]))}.")
    values, se = fit.random_effects[factor][effect], fit.random_effects_se[factor][effect]
    order = np.argsort(values.to_numpy())
    middle = fit.params.get(effect, 0.0) if total else 0.0
    mean = values.to_numpy()[order] + middle
    half = stats.norm.ppf((1 + level) / 2) * se.to_numpy()[order]
    low, high = mean - half, mean + half
    if scale == "response":
        middle, mean, low, high = (fit.density.family.mean(fit.link.mean(one), fit._psi)
                                   for one in (middle, mean, low, high))
    where = np.arange(len(mean))
    ax = t.new(ax)
    ax.axhline(middle, color=t.FIXED, lw=1.2, zorder=0)
    ax.vlines(where, low, high, color=t.PARTIAL, lw=1, alpha=0.6)
    ax.plot(where, mean, "o", color=t.PARTIAL, ms=4 if len(mean) < 60 else 2.5, mew=0)
    clear = int(((low > middle) | (high < middle)).sum())
    ax.set_xticks([])
    ends = [str(values.index[order[i]]) for i in (0, -1)]
    text = (
        f"Predicted {effect} effects of {len(mean)} groups ({factor}), lowest ({ends[0]}, {t.number(mean[0])}) to "
        f"highest ({ends[1]}, {t.number(mean[-1])}), each with its {level:.0%} interval. {clear} intervals exclude "
        f"{t.number(middle)}, the {'fixed part' if total else 'average group'}."
    )
    return t.finish(
        ax,
        text,
        title=title,
        xlabel=xlabel or f"{factor}, in order of its effect",
        ylabel=ylabel or (f"expected {outcome(fit)} of the group" if scale == "response" else
                          f"{effect} of the group" if total else f"deviation of the group's {effect}"),
    )


@t.styled
def shrinkage(fit, effect="Intercept", *, show=None, group=None, order="size", ax=None, title=None, xlabel=None):
    """One arrow a group from its own estimate (blue ring) to the model's (vermilion), by group size or by estimate."""
    factor = the_factor(fit, group)
    fixed = float(fit.params.get(effect, 0.0))
    table = pd.DataFrame(
        {
            "raw": unpooled_effects(fit, factor)[effect] + fixed,
            "model": fit.random_effects[factor][effect] + fixed,
            "n": fit.group_sizes[factor],
        }
    ).dropna()
    if show is not None:
        table = table.loc[list(show)]
    table = table.sort_values(["n", "raw"] if order == "size" else ["raw", "n"])
    rows = np.arange(len(table))
    ax = t.new(ax, (5.8, 0.9 + 0.2 * len(table)))
    ax.axvline(fixed, color=t.FIXED, lw=1.2, zorder=0)
    for place, (raw, model) in enumerate(zip(table["raw"], table["model"])):
        ax.annotate(
            "",
            (model, place),
            (raw, place),
            arrowprops={
                "arrowstyle": "-|>,head_width=0.2,head_length=0.4",
                "color": t.SOFT,
                "lw": 1,
                "shrinkA": 3,
                "shrinkB": 3,
            },
        )
    ax.plot(table["raw"], rows, "o", mfc="none", mec=t.UNPOOLED, mew=1.5, ms=6)
    ax.plot(table["model"], rows, "o", color=t.PARTIAL, ms=6, mew=0)
    single = fit.random_effects[factor].shape[1] == 1
    ax.set_yticks(rows, [f"{key}  (n = {n:.0f})" for key, n in zip(table.index, table["n"])], fontsize=9)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_ylim(-0.7, len(table) + 0.4)
    ax.margins(x=0.16)
    kept = (table["model"] - fixed) / (table["raw"] - fixed)
    if single:
        for place, factor_j in enumerate(kept):
            ax.annotate(
                f"{factor_j:.2f}",
                (1.0, place),
                xycoords=("axes fraction", "data"),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
                annotation_clip=False,
            )
        ax.annotate(
            "$\\lambda_j$",
            (1.0, len(table) - 0.2),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=10,
            annotation_clip=False,
        )
    top = len(table) - 0.2
    t.label(ax, fixed, top, "fixed part", t.FIXED)
    far = int(np.argmax(np.abs(table["raw"] - table["model"]).to_numpy()))
    moved = table.iloc[far]
    left = moved["raw"] < moved["model"]
    t.label(
        ax, moved["raw"], far, "own data", t.UNPOOLED, ha="right" if left else "left", xytext=(-7 if left else 7, 0)
    )
    t.label(ax, moved["model"], far, "model", t.PARTIAL, ha="left" if left else "right", xytext=(7 if left else -7, 0))
    text = (
        f"Arrows from each group's own {effect} to the model's, for {len(table)} groups ({factor}), toward the fixed "
        f"part {t.number(fixed)}. The longest, {table.index[far]} with n = {moved['n']:.0f}, goes from "
        f"{t.number(moved['raw'])} to {t.number(moved['model'])}."
    )
    if single:
        text += f" The share kept runs from {kept.min():.2f} in the smallest group to {kept.max():.2f} in the largest."
    return t.finish(ax, text, title=title, xlabel=xlabel or f"{effect} of the group")


def _ellipse(ax, center, cov, level=0.95):
    """The contour that holds `level` of a bivariate normal."""
    values, vectors = np.linalg.eigh(np.asarray(cov, float))
    angle = np.linspace(0, 2 * np.pi, 200)
    radius = np.sqrt(stats.chi2.ppf(level, 2) * np.clip(values, 0, None))
    points = np.asarray(center)[:, None] + vectors @ (radius[:, None] * np.vstack([np.cos(angle), np.sin(angle)]))
    ax.plot(*points, color=t.FIXED, lw=1.2)


def _pair(fit, x, y, factor):
    names = list(fit.random_effects[factor].columns)
    if y is None:
        y = next((name for name in names if name != x), None)
    for name in (x, y):
        if name not in names:
            raise ValueError(f"{factor} has the random effects {names}; this picture needs two of them (x=, y=).")
    return y, [float(fit.params.get(name, 0.0)) for name in (x, y)]


@t.styled
def random_effects(
    fit,
    x="Intercept",
    y=None,
    *,
    total=True,
    ellipse=True,
    show=None,
    group=None,
    ax=None,
    title=None,
    xlabel=None,
    ylabel=None,
):
    """A point a group: two of its effects against each other, with the ellipse that should hold 95 % of groups."""
    factor = the_factor(fit, group)
    y, fixed = _pair(fit, x, y, factor)
    center = fixed if total else [0.0, 0.0]
    points = fit.random_effects[factor]
    ax = t.new(ax, (4.8, 4.2))
    ax.plot(points[x] + center[0], points[y] + center[1], "o", color=t.PARTIAL, ms=5, mew=0, alpha=0.8)
    ax.plot(*center, "P", color=t.FIXED, ms=8, mew=0)
    cov = fit.covariance_matrix(factor).loc[[x, y], [x, y]].to_numpy()
    if ellipse:
        _ellipse(ax, center, cov)
    for key in show or ():
        t.label(ax, points.loc[key, x] + center[0], points.loc[key, y] + center[1], str(key), t.PARTIAL)
    corr = cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1]) if min(cov[0, 0], cov[1, 1]) > 0 else float("nan")
    text = (
        f"{len(points)} groups ({factor}) by their {x} and {y} around the fixed part ({t.number(center[0])}, "
        f"{t.number(center[1])}). The model's correlation of the two is {t.number(corr, 2)}"
        f"{', drawn as the ellipse that holds 95% of groups' if ellipse else ''}."
    )
    return t.finish(ax, text, title=title, xlabel=xlabel or f"{x} of the group", ylabel=ylabel or f"{y} of the group")


@t.styled
def shrinkage_pairs(
    fit, x="Intercept", y=None, *, ellipse=True, show=None, group=None, ax=None, title=None, xlabel=None, ylabel=None
):
    """Arrows in the plane of two effects, from each group's own regression to the model's."""
    factor = the_factor(fit, group)
    y, fixed = _pair(fit, x, y, factor)
    raw, model = unpooled_effects(fit, factor), fit.random_effects[factor]
    ax = t.new(ax, (5.4, 4.4))
    for key in model.index[raw.notna().all(axis=1)]:
        start, end = (frame.loc[key, [x, y]].to_numpy(float) + fixed for frame in (raw, model))
        ax.annotate(
            "",
            end,
            start,
            arrowprops={
                "arrowstyle": "-|>,head_width=0.15,head_length=0.3",
                "color": t.SOFT,
                "lw": 0.8,
                "shrinkA": 2,
                "shrinkB": 2,
            },
        )
    ax.plot(raw[x] + fixed[0], raw[y] + fixed[1], "o", mfc="none", mec=t.UNPOOLED, mew=1.2, ms=4.5)
    ax.plot(model[x] + fixed[0], model[y] + fixed[1], "o", color=t.PARTIAL, ms=4.5, mew=0)
    ax.plot(*fixed, "P", color=t.FIXED, ms=8, mew=0)
    if ellipse:
        _ellipse(ax, fixed, fit.covariance_matrix(factor).loc[[x, y], [x, y]].to_numpy())
    for key in show or ():
        t.label(ax, raw.loc[key, x] + fixed[0], raw.loc[key, y] + fixed[1], str(key), t.UNPOOLED)
    out = [
        f"SD of {name} {t.number(raw[name].std())} from separate regressions, {t.number(model[name].std())} from the "
        "model"
        for name in (x, y)
    ]
    missing = int(raw.isna().any(axis=1).sum())
    text = (
        f"Arrows from the {len(raw) - missing} groups' own regressions to the model's lines in the plane of {x} and "
        f"{y}. {'; '.join(out)}." + (f" {missing} groups have no regression of their own." if missing else "")
    )
    return t.finish(ax, text, title=title, xlabel=xlabel or x, ylabel=ylabel or y)


@t.styled
def pooling(fit, x=None, *, show=None, columns=4, group=None, jitter=0.0, size=(1.5, 1.6), xlabel=None, ylabel=None):
    """No pooling (blue), complete pooling (orange) and the model (vermilion), a panel a group."""
    only_linear(fit, "pooling", "mlm.plots.conditional_curves shows the groups' curves and their average")
    factor = the_factor(fit, group)
    x = x or first_predictor(fit)
    one_group_each(fit, factor)
    data = fit.data
    if factor not in data:
        data = data.loc[np.asarray(fit.exog.index)].assign(**{factor: labels_of(fit, factor)})
    data = data.dropna(subset=[x, outcome(fit), factor])
    return small_multiples(
        data,
        x,
        outcome(fit),
        factor,
        show=show,
        columns=columns,
        fit=fit,
        jitter=jitter,
        size=size,
        xlabel=xlabel,
        ylabel=ylabel,
    )


def outcome(fit) -> str:
    """The name of the modeled variable."""
    return fit.spec.endog_name


def first_predictor(fit):
    numeric = [name for name in fit.params.index if name in fit.data and pd.api.types.is_numeric_dtype(fit.data[name])]
    if not numeric:
        raise ValueError("The model has no numeric predictor to draw lines along: say which column with x=.")
    return numeric[0]
