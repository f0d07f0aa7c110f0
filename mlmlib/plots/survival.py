"""Hazard and survivor function in discrete time, by group (chapter 18)."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..errors import DataError
from ..given import refuse_plain
from . import theme as t

_COLORS = ("UNPOOLED", "PARTIAL", "SECOND", "POOLED", "MISS", "SKY")


@t.styled
def survival(table, fit=None, *, kind=None, band=True, title=None, xlabel=None, ylabel=None):
    """Hazard of each period and survivor function, a line a group; two panels.

    `table` is what `mlm.life_table` returned. With `fit`, a model of its person-period rows, crosses mark the hazards that
    the model gives the persons at risk, and the survivor function that follows from them. `kind` is one of competing
    events: its hazard, and instead of the survivor function how many have had it. `band` is the interval of the
    survivor function.
    """
    refuse_plain(table, "mlm.plots.survival", "what mlm.life_table returns")
    if kind is not None and kind not in table.kinds:
        raise DataError(f"kind={kind!r} is not one of the competing events: "
                        f"{', '.join(map(str, table.kinds)) or 'there is one kind only'}.")
    hazard = "hazard" if kind is None else f"hazard: {kind}"
    second = "survivor" if kind is None else f"incidence: {kind}"
    groups = table.groups()
    if len(groups) > len(_COLORS):
        raise DataError(f"{table.by} has {len(groups)} groups; {len(_COLORS)} can be told apart in one figure.")
    _, axes = plt.subplots(1, 2, figsize=(6.4, 3.2))
    told, ends = [], ([], [], [])
    for (group, part), name in zip(groups, _COLORS):
        color = getattr(t, name) if table.by is not None else t.INK
        x, h, S = (part[c].to_numpy(dtype=float) for c in (table.time, hazard, second))
        begin = 1.0 if kind is None else 0.0
        axes[0].plot(x, h, "-o", color=color, ms=4)
        axes[1].plot(np.r_[x[0] - 1, x], np.r_[begin, S], "-o", color=color, ms=4)
        if band and kind is None:
            axes[1].fill_between(x, part["lower"].to_numpy(float), part["upper"].to_numpy(float), color=color,
                                 alpha=0.16, lw=0)
        if fit is not None:
            own = _of_model(fit, table, group, x)
            axes[0].plot(x, own, "x", color=color, ms=6)
            if kind is None:
                axes[1].plot(x, np.cumprod(1.0 - own), "x", color=color, ms=6)
        for values, new in zip(ends, (S[-1], _named(table.by, group), color)):
            values.append(new)
        where = "" if group is None else f" of {table.by} = {group}"
        told.append(f"The hazard{where} runs from {t.number(h[0])} in {table.time} {x[0]:g} to {t.number(h[-1])} in "
                    f"{x[-1]:g} and is "
                    f"largest in {x[np.argmax(h)]:g} ({t.number(h.max())}); "
                    + (f"{t.number(S[-1])} are left without the event." if kind is None
                       else f"{t.number(S[-1])} have had it by then."))
    if table.by is not None:
        last = max(part[table.time].max() for _, part in groups)
        t.end_labels(axes[1], last, *ends)
    axes[0].set_ylim(bottom=0.0)
    axes[1].set_ylim(0.0, 1.0)
    name = xlabel or table.time
    t.finish(axes[0], "", title=title, xlabel=name,
             ylabel=ylabel or ("hazard" if kind is None else f"hazard of {kind}"))
    t.finish(axes[1], "", xlabel=name, ylabel="survivor function" if kind is None else f"share with {kind}")
    t.say(axes, f"Hazard and {'survivor function' if kind is None else 'cumulative incidence'} by {table.time}. "
          + " ".join(told) + (" Crosses: what the model gives those at risk." if fit is not None else ""))
    return axes


def _named(by, group) -> str:
    """A group as a line's label: numbers with the name of their column."""
    return "" if group is None else str(group) if isinstance(group, str) else f"{by} {group}"


def _of_model(fit, table, group, periods) -> np.ndarray:
    """The mean of the model's hazards over the persons at risk in each period."""
    if getattr(fit.density, "K", 1) > 1:
        raise DataError("With fit= the model is of one event (family='binomial').")
    rows = fit.data.loc[fit.mu.index]
    mu, keep = fit.mu.to_numpy(), np.ones(len(rows), dtype=bool)
    if table.by is not None:
        keep = (rows[table.by] == group).to_numpy()
    at = rows[table.time].to_numpy(dtype=float)
    return np.array([mu[keep & (at == period)].mean() if (keep & (at == period)).any() else np.nan
                     for period in periods])
