"""Pictures of a fitted model's lines: one a group, the average, and a band (chapters 3 and 4)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from ..lmm.factors import only_linear
from . import theme as t
from .effects import first_predictor, outcome, the_factor
from .group_line import group_line, labels_of, one_group_each


@t.styled
def fitted_lines(
    fit,
    x=None,
    *,
    by=None,
    band="fixed",
    level=0.95,
    show=None,
    group=None,
    points=False,
    ax=None,
    title=None,
    xlabel=None,
    ylabel=None,
):
    """The model's line in every group (vermilion), the average line (ink), and a band.

    ``band="fixed"``: the interval of the average line; ``"groups"``: where `level` of the groups' lines lie."""
    only_linear(fit, "fitted_lines", "mlm.plots.conditional_curves draws the groups' curves and their average")
    factor = the_factor(fit, group)
    one_group_each(fit, factor)
    x = x or first_predictor(fit)
    ax = t.new(ax)
    data, fitted = fit.data.loc[np.asarray(fit.exog.index)] if isinstance(fit.exog, pd.DataFrame) else fit.data, None
    if points:
        t.points(ax, data[x], data[outcome(fit)], size=2.8, alpha=0.4)
    slopes, last = [], ([], [], [])
    several = len(fit.n_groups) > 1 or factor not in data
    for key, part in data.groupby(labels_of(fit, factor) if several else factor, observed=True):
        ends = np.array([part[x].min(), part[x].max()], float)
        fitted = group_line(fit, _rows_like(part, {x: ends}), factor, key)
        chosen = show is not None and key in show
        ax.plot(
            ends, fitted, color=t.PARTIAL, lw=2.2 if chosen else 1, alpha=1 if chosen else t.crowd(fit.n_groups[factor])
        )
        if ends[1] > ends[0]:
            slopes.append((fitted[1] - fitted[0]) / (ends[1] - ends[0]))
        if chosen:
            t.label(ax, ends[1], fitted[1], str(key), t.PARTIAL)
    grid = np.linspace(data[x].min(), data[x].max(), 60)
    levels = [None] if by is None else list(pd.unique(data[by].dropna().sort_values()))
    for value, dash in zip(levels, ("-", (0, (5, 2)), (0, (1, 1.5)), "-.")):
        along = {x: grid} if value is None else {x: grid, by: value}
        mean, half = average_line(fit, data, along, band, level, factor)
        if half is not None:
            ax.fill_between(
                grid,
                mean - half,
                mean + half,
                color=t.SOFT if band == "fixed" else t.PARTIAL,
                alpha=0.22 if band == "fixed" else 0.14,
                lw=0,
            )
        ax.plot(grid, mean, color=t.FIXED, lw=2.4, ls=dash)
        last[0].append(mean[-1])
        last[1].append("average" if value is None else str(value))
        last[2].append(t.FIXED)
    t.end_labels(ax, grid[-1], *last)
    what = {
        "fixed": f"the {level:.0%} interval of the average line",
        "groups": f"the range that holds {level:.0%} of groups",
    }
    if not slopes:
        raise ValueError(f"{x} does not vary within groups of {factor}: there are no lines along it. Name another "
                         "column with x=.")
    text = (
        f"The model's lines of {outcome(fit)} on {x} for {fit.n_groups[factor]} groups ({factor}); their slopes run "
        f"from {t.number(min(slopes))} to {t.number(max(slopes))}. "
        + " ".join(
            f"The average line{'' if by is None else f' of {name}'} ends at {t.number(end)}."
            for end, name in zip(last[0], last[1])
        )
        + (f" The band is {what[band]}." if band else "")
    )
    return t.finish(ax, text, title=title, xlabel=xlabel or x, ylabel=ylabel or outcome(fit))


def _rows_like(data, along):
    """Rows that vary only in `along`: other numeric columns at their means, other columns at their commonest value."""
    length = max(np.size(v) for v in along.values())
    out = {}
    for name in data.columns:
        column = data[name]
        if name in along:
            out[name] = np.broadcast_to(along[name], length)
        elif pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            out[name] = np.full(length, column.mean() if column.nunique() > 1 else column.iloc[0])
        else:
            out[name] = [column.mode().iloc[0]] * length
    frame = pd.DataFrame(out)
    for name in frame:
        if isinstance(data[name].dtype, pd.CategoricalDtype):
            frame[name] = pd.Categorical(frame[name], dtype=data[name].dtype)
    return frame


def average_line(fit, data, along, band, level, factor):
    """The fixed part along values, with half the width of its interval (or of the range of the groups' lines)."""
    frame = _rows_like(data, along)
    mean = np.asarray(fit.predict(frame, random_effects=False), float)
    if not band:
        return mean, None
    z = stats.norm.ppf((1 + level) / 2)
    if band == "groups":
        names = list(fit.random_effects[factor].columns)
        design = np.column_stack([np.ones(len(frame)) if n == "Intercept" else frame[n].to_numpy(float) for n in names])
        return mean, z * np.sqrt(np.einsum("ij,jk,ik->i", design, fit.covariance_matrix(factor).to_numpy(), design))
    # the design row of each prediction, one fixed effect at a time
    exog = fixed_rows(fit, frame)
    return mean, z * np.sqrt(np.einsum("ij,jk,ik->i", exog, fit.cov_params().to_numpy(), exog))


def fixed_rows(fit, frame) -> np.ndarray:
    """The fixed-effects model matrix of new rows."""
    return np.asarray(fit.spec.fixed_matrix(frame), float)
