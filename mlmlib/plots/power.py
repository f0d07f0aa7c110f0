"""Power along a design's sizes, and along the ways to spend a budget (chapter 21)."""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from . import theme as t

_COLORS = (t.UNPOOLED, t.SECOND, t.MISS, t.POOLED, t.SKY, t.INK)
_AXIS = {"groups": "groups", "n": "units a group", "clusters": "clusters", "waves": "measurements a person",
         "effect": "effect"}


@t.styled
def power_curves(plan, over="groups", values=None, *, by=None, by_values=None, target=0.8, simulated=None, ax=None,
                 title=None, xlabel=None,
                 ylabel=None):
    """Power along one argument of a plan of `mlm.power`, a line for each value of a second one.

    `plan` may also be a dict ``{label: plan}`` of several plans. `target` is marked by a line (None for none).
    `simulated` is ``{value: mlm.power.simulate(...)}``: drawn as points with two Monte Carlo errors to either side.
    """
    if isinstance(plan, dict) and not plan:
        raise DataError("There is no plan in the dict; {label: plan} draws a line for each.")
    lines = _lines(plan, over, values, by, by_values)
    if len(lines) > len(_COLORS):
        raise DataError(f"{len(lines)} lines cannot be told apart in one figure; give {len(_COLORS)} at most.")
    ax, told, ends = t.new(ax), [], ([], [], [])
    if target is not None:
        ax.axhline(target, color=t.SOFT, lw=0.8, ls=(0, (4, 3)))
    for (label, table), color in zip(lines, _COLORS if len(lines) > 1 else (t.INK,)):
        x, power = table[over].to_numpy(dtype=float), table["power"].to_numpy(dtype=float)
        ax.plot(x, power, color=color)
        for values_, new in zip(ends, (power[-1], label, color)):
            values_.append(new)
        reached = "" if target is None else (f", reaching {target:g} at {t.number(x[np.argmax(power >= target)])}"
                                             if (power >= target).any()
                                            else f", never {target:g}")
        told.append(f"{label + ': ' if label else ''}{t.number(power[0])} at {t.number(x[0])} to "
                    f"{t.number(power[-1])} at {t.number(x[-1])}{reached}")
    for at, found in (simulated or {}).items():
        ax.errorbar(at, found.power, yerr=2 * found.mc_error, fmt="o", color=t.PARTIAL, ms=4.5, lw=1.2, capsize=0)
        told.append(f"simulated at {t.number(at)}: {t.number(found.power)}, Monte Carlo error "
                    f"{t.number(found.mc_error)}")
    ax.set_ylim(0.0, 1.02)
    if any(ends[1]):
        t.end_labels(ax, ax.get_xlim()[1], *ends)
    return t.finish(ax, f"Power along {_AXIS.get(over, over)}. " + "; ".join(told) + ".", title=title,
                    xlabel=xlabel or _AXIS.get(over, over),
                    ylabel=ylabel or "power")


@t.styled
def budget(found, *, ax=None, title=None, xlabel=None, ylabel=None):
    """Power (or, for the cheapest design, cost) along the units a group, the chosen design marked.

    `found` is what `mlm.power.budget` returned.
    """
    table = found.table
    n, what = table["n"].to_numpy(dtype=float), "cost" if found.total is None else "power"
    top = max(3.0 * found.n, 12.0)
    near = n <= top
    y = table[what].to_numpy(dtype=float)
    ax = t.new(ax)
    ax.plot(n[near], y[near], color=t.FAINT, lw=1.0)
    ax.plot(n[near], y[near], "o", color=t.UNPOOLED, ms=3.2, mew=0)
    own = found.power if what == "power" else found.cost
    ax.plot(found.n, own, "o", color=t.PARTIAL, ms=8, mfc="none", mew=1.8)
    first = found.plan.design.names[0]
    ax.annotate(f"{found.sizes[first]:g} {first} of {found.n:g}", (found.n, own),
                xytext=(8, -14 if what == "power" else 10),
                textcoords="offset points", color=t.text_color(t.PARTIAL))
    if np.isfinite(found.formula_n) and found.formula_n <= top:
        ax.axvline(found.formula_n, color=t.SOFT, lw=0.8, ls=(0, (4, 3)))
    limit = "" if found.total is None else f" for a budget of {t.number(found.total)}"
    formula = f" The formula's optimum without rounding is {t.number(found.formula_n)}."
    formula = formula if np.isfinite(found.formula_n) else ""
    return t.finish(ax,
                    f"{what.capitalize()} along the units a group{limit}: best is {found.n:g} a group, "
                    f"{found.sizes[first]:g} {first}, with {what} "
                    f"{t.number(own)}; {t.number(y[near][0])} at {t.number(n[near][0])}, {t.number(y[near][-1])} at "
                    f"{t.number(n[near][-1])}.{formula}",
                    title=title, xlabel=xlabel or "units a group", ylabel=ylabel or what)


def _lines(plan, over, values, by, by_values) -> list:
    """Label and table of each line."""
    if isinstance(plan, dict):
        if by is not None:
            raise DataError("by= is for one plan; a dict of plans has a line for each already.")
        return [(str(label), one.curve(over, values)) for label, one in plan.items()]
    if by is None:
        return [("", plan.curve(over, values))]
    if values is None:  # the same for all lines
        values = plan.curve(over)[over].tolist()
    table = plan.curve(over, values, by, by_values)
    return [(f"{by} {t.number(key)}", part) for key, part in table.groupby(by, sort=False)]
