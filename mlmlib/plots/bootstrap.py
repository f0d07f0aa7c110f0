"""Pictures of a bootstrap: the replicates of each parameter, and a test statistic's distribution under the null (chapter 8)."""

from __future__ import annotations

import numpy as np
from scipy import stats

from . import theme as t


@t.styled
def bootstrap(boot, names=None, *, level=0.95, type="percentile", columns=3, bins=40, title=None):
    """The replicates of a `Bootstrap` as histograms, a panel a parameter, with the estimate and the interval.

    A normal curve of the same mean and spread shows which of them Wald's interval would do for."""
    names = list(boot.names) if names is None else [names] if isinstance(names, str) else list(names)
    unknown = [name for name in names if name not in boot.names]
    if unknown:
        raise ValueError(f"There is no {unknown[0]!r} in this bootstrap; it has {', '.join(boot.names)}.")
    draws, ends, estimates = boot.replicates, boot.conf_int(level, type), boot.estimates
    columns = min(columns, len(names))
    rows = -(-len(names) // columns)
    size = (max(2.05 * columns, 3.4), 1.75 * rows + 0.3)
    _, grid = t.plt.subplots(rows, columns, figsize=size, squeeze=False)
    axes, said = grid.ravel()[: len(names)], []
    for extra in grid.ravel()[len(names) :]:
        extra.remove()
    for ax, name in zip(axes, names):
        values = draws[name].to_numpy()
        values = values[np.isfinite(values)]
        lower, upper = ends.loc[name]
        inside, mean, sd = estimates[name], values.mean(), values.std(ddof=1)
        low, high = np.quantile(values, (0.001, 0.999))
        edges = np.linspace(low, high, bins + 1) if sd > 0 else bins
        ax.hist(values, bins=edges, color=t.PARTIAL, alpha=0.55, lw=0, density=sd > 0)
        if sd > 0:
            x = np.linspace(edges[0], edges[-1], 201)
            ax.plot(x, stats.norm.pdf(x, mean, sd), color=t.SOFT, lw=1)
        ax.axvline(inside, color=t.INK, lw=1.4)
        for end in (lower, upper):
            ax.axvline(end, color=t.INK, lw=1, ls=(0, (4, 3)))
        ax.set_title(name, fontsize=9.5)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        ax.xaxis.set_major_locator(t.mpl.ticker.MaxNLocator(4))
        said.append(f"{name}: estimate {t.number(inside)}, interval {t.number(lower)} to {t.number(upper)}, "
                    f"{_shape(values)}")
    if title:
        axes[0].figure.suptitle(title, x=0.02, ha="left", fontsize=11)
    t.say(axes, f"Histograms of {boot.n} {boot.kind} bootstrap replicates with the estimate (line) and the {level:.0%} "
                f"{type} interval (dashed), a normal curve beside each. " + "; ".join(said) + ".")  # fmt: skip
    return axes if len(axes) > 1 else axes[0]


def _shape(values) -> str:
    """How a distribution looks, in words."""
    low, high = values.min(), values.max()
    at_edge = max(np.mean(np.abs(values - edge) < 1e-3 * (high - low + 1e-300)) for edge in (low, high))
    if at_edge > 0.02:
        return f"{at_edge:.0%} of the replicates pile up at the edge"
    skew = float(((values - values.mean()) ** 3).mean() / max(values.std(), 1e-300) ** 3)
    return "close to normal" if abs(skew) < 0.25 else f"skewed to the {'right' if skew > 0 else 'left'}"


@t.styled
def bootstrap_test(test, *, bins=50, ax=None, title=None, xlabel=None, ylabel=None):
    """The likelihood ratios of samples from the null, the limiting distribution over them, and the observed statistic."""
    values, observed = test.replicates, test.statistic
    weights = test.limit.weights or {test.limit.df: 1.0}
    ax = t.new(ax)
    right = max(np.quantile(values, 0.995), min(observed * 1.08, 1.6 * np.quantile(values, 0.999)), 1e-6)
    edges = np.linspace(0, right, bins + 1)
    ax.hist(values, bins=edges, color=t.DATA, alpha=0.6, lw=0, weights=np.full(len(values), 1 / len(values)))
    x = (edges[1:] + edges[:-1]) / 2
    expected = sum(w * np.diff(stats.chi2.cdf(edges, df)) for df, w in weights.items() if df)
    expected[0] += weights.get(0, 0.0)
    ax.plot(x, expected, color=t.UNPOOLED, lw=1.6)
    start = len(x) // 4
    t.label(ax, x[start], expected[start], test.limit.distribution, t.UNPOOLED, va="bottom", xytext=(4, 4))
    if observed <= right:
        ax.axvline(observed, color=t.PARTIAL, lw=2)
        t.label(ax, observed, ax.get_ylim()[1] * 0.9, f"observed {t.number(observed)}", t.PARTIAL, ha="right",
                xytext=(-4, 0))
    else:
        t.label(ax, right, ax.get_ylim()[1] * 0.9, f"observed {t.number(observed)}, far to the right \u2192", t.PARTIAL,
                ha="right", xytext=(-4, 0))  # fmt: skip
    ax.set_xlim(0, right)
    text = (
        f"Likelihood ratios of {test.n} samples from the null: {test.zero_share:.0%} are zero, the 95% quantile is "
        f"{t.number(np.quantile(values, 0.95))}. The curve is {test.limit.distribution}. The observed statistic is "
        f"{t.number(observed)}, p = {test.pvalue:.3g}."
    )
    return t.finish(ax, text, title=title, xlabel=xlabel or "likelihood ratio", ylabel=ylabel or "share of samples")
