"""Pictures of marginal means, slopes and contrasts (chapter 8)."""

from __future__ import annotations

import numpy as np

from ..given import refuse_plain
from . import theme as t

_SOME = range(3, 7)  # numbers of means that have a grid of comparisons beside them


@t.styled
def means(m, *, compare=None, adjust=None, ax=None, title=None, xlabel=None):
    """Estimates of `mlm.emmeans`, `mlm.emtrends` or contrasts of them with their intervals, a row each.

    Three to six means in one family have their comparisons beside them: differences (row less column) above the
    diagonal, their p-values below it, darker where they are smaller, adjusted by Tukey's method unless `adjust` names
    another. `compare=False` leaves the grid out, as does an `ax`.
    """
    refuse_plain(m, "mlm.plots.means", "what mlm.emmeans returns")
    wanted = m.value != "estimate" and not m.by and len(m) in _SOME and ax is None
    if compare and not wanted:
        raise ValueError("The grid of comparisons needs three to six means in one family, and no ax=.")
    if wanted and compare is not False:
        size = (3.2 + 0.78 * len(m), 0.9 + 0.5 * len(m))
        _, axes = t.plt.subplots(1, 2, figsize=size, width_ratios=(2.4, 0.78 * len(m)))
        said = [_intervals(m, axes[0]), _grid(m, axes[1], adjust)]
        axes[0].set_xlabel(xlabel or _what(m))
        if title:
            axes[0].set_title(title)
        t.say(axes, " ".join(said))
        return axes
    ax = t.new(ax, (5.8, max(1.6, 0.8 + 0.3 * len(m))))
    return t.finish(ax, _intervals(m, ax), title=title, xlabel=xlabel or _what(m))


def _what(m) -> str:
    if m.value == "estimate":
        return "difference" if m._presented[0] == "estimate" else m._presented[0]
    return f"mean of {m.fit.spec.endog_name}" if m.value == "mean" else m.kind[0].lower() + m.kind[1:]


def _intervals(m, ax) -> str:
    """Dots and intervals from the top down; what they show, in words."""
    table, labels = m.table, _labels(m)
    rows = np.arange(len(m))[::-1]
    name = m._presented[0]  # a ratio where it is on the scale of the outcome
    estimates, lower, upper = (table[own].to_numpy(float) for own in (name, "lower", "upper"))
    if m.value == "estimate":
        ax.axvline(0 if name == "estimate" else 1, color=t.SOFT, lw=1, ls=(0, (4, 3)))
    ax.hlines(rows, lower, upper, color=t.INK, lw=1.6)
    ax.plot(estimates, rows, "o", color=t.INK, ms=5.5, mew=0)
    ax.set_yticks(rows, labels)
    ax.set_ylim(-0.5, len(m) - 0.5)
    shown = [f"{label} {t.number(e)} ({t.number(lo)} to {t.number(hi)})"
             for label, e, lo, hi in zip(labels, estimates, lower, upper)]  # fmt: skip
    of = f" of {m.fit.spec.endog_name}" if m.value == "mean" else ""
    return f"{m.kind}{of} with {100 * m.level:g}% intervals: {'; '.join(shown)}."


def _grid(m, ax, adjust) -> str:
    """Differences above the diagonal, their p-values below it."""
    found = m.contrast("pairwise", adjust=adjust)
    table, k = found.table, len(m)
    labels, said = _labels(m), []
    ax.set_xlim(-0.5, k - 0.5)
    ax.set_ylim(k - 0.5, -0.5)
    for (i, j), difference, p in zip(zip(*np.triu_indices(k, 1)), table[found._presented[0]], table["p"]):
        strength = 0.42 * np.clip(-np.log10(max(p, 1e-4)) / 4, 0, 1)
        ax.add_patch(t.plt.Rectangle((i - 0.5, j - 0.5), 1, 1, color=t.UNPOOLED, alpha=strength, lw=0))
        text = "< 0.001" if p < 0.001 else f"{p:.3f}"
        ax.text(j, i, t.number(difference), ha="center", va="center", fontsize=9.5, color=t.INK)
        ax.text(i, j, text, ha="center", va="center", fontsize=9.5, color=t.INK)
        said.append(f"{labels[i]} less {labels[j]} {t.number(difference)}, p {text if p < 0.001 else '= ' + text}")
    for edge in np.arange(k + 1) - 0.5:
        ax.axhline(edge, color=t.FAINT, lw=0.6)
        ax.axvline(edge, color=t.FAINT, lw=0.6)
    for own in range(k):
        ax.add_patch(t.plt.Rectangle((own - 0.5, own - 0.5), 1, 1, color=t.FAINT, lw=0))
    short = max(map(len, labels)) < 9
    ax.set_xticks(range(k), labels, rotation=0 if short else 40, ha="center" if short else "right")
    ax.set_yticks([])  # the rows are those of the intervals
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_xlabel("above: row less column\nbelow: its p-value", fontsize=9)
    how = f", adjusted by {found.adjust}" if found.adjust != "none" and k > 2 else ""
    return f"Differences{how}: {'; '.join(said)}."


def _labels(m) -> list:
    """Values of a row; the column's name in front of a number."""
    from ..inference.families import numeric, plain
    return [", ".join(f"{key} {plain(v)}" if numeric(v) else str(v) for key, v in zip(m.keys, row)) or "overall"
            for row in m.rows]  # fmt: skip
