"""The one look of every figure in the book: colors with a fixed meaning, and the small helpers figures share.

Okabe-Ito colors. Each stands for one thing in every chapter (the symbols page lists them): data gray, pooled orange,
unpooled blue, partially pooled (the model) vermilion, fixed part in ink. Ink is almost black in a file and in a notebook;
the built site inlines the SVG and turns it into ``currentColor`` (see :mod:`mlmlib.plots.svg`), so it follows dark mode.
"""

from __future__ import annotations

import contextlib
import functools
import inspect

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..given import refuse_plain, the_columns

FIXED = INK = "#222222"
PAPER = "#fffffe"  # a notebook's figure has a light ground, for dark notebooks; the site and saved files have none
SOFT = "#767676"  # axes lines, notes: 4.5:1 on white; the site lightens it in dark mode
FAINT = "#cccccc"  # grids, bands behind everything
DATA = "#8c8c8c"
POOLED = "#E69F00"
UNPOOLED = "#0072B2"
PARTIAL = "#D55E00"
SECOND = "#009E73"
MISS = "#CC79A7"
SKY = "#56B4E9"

_TEXT = {
    "POOLED": "#8F6100",
    "UNPOOLED": "#00639B",
    "PARTIAL": "#B34F00",
    "SECOND": "#007A59",
    "MISS": "#A34C7D",
    "DATA": "#6e6e6e",
    "FIXED": INK,
    "INK": INK,
    "SOFT": SOFT,
    "SKY": "#1F6F9C",
}
_BY_COLOR = {
    color.lower(): name
    for name, color in {
        "POOLED": POOLED,
        "UNPOOLED": UNPOOLED,
        "PARTIAL": PARTIAL,
        "SECOND": SECOND,
        "MISS": MISS,
        "DATA": DATA,
        "FIXED": FIXED,
        "SOFT": SOFT,
        "SKY": SKY,
    }.items()
}

RC = {
    "figure.figsize": (5.8, 3.6),
    "figure.facecolor": PAPER,
    "figure.edgecolor": "none",
    "savefig.facecolor": "none",
    "figure.constrained_layout.use": True,
    "figure.dpi": 96,
    "savefig.dpi": 160,
    "axes.facecolor": "none",
    "axes.edgecolor": SOFT,
    "axes.linewidth": 0.8,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.labelsize": 10.5,
    "axes.axisbelow": True,
    "axes.prop_cycle": mpl.cycler(color=[UNPOOLED, PARTIAL, SECOND, POOLED, MISS, SKY, INK]),
    "text.color": INK,
    "font.size": 10.5,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica"],
    "mathtext.fontset": "dejavusans",
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "patch.linewidth": 0.8,
    "svg.fonttype": "none",
    "svg.hashsalt": "mlmlib",
}


def style() -> None:
    """Make the book's look the default of this session, and SVG the format of figures in a notebook."""
    plt.rcParams.update(RC)
    with contextlib.suppress(ImportError):
        from IPython import get_ipython

        if get_ipython() is not None and "inline" in mpl.get_backend():
            from matplotlib_inline.backend_inline import set_matplotlib_formats

            set_matplotlib_formats("svg", metadata={"Date": None})


def text_color(name: str) -> str:
    """The twin of a color (given by name or value) that is dark enough for words: at least 4.5:1 on white."""
    return _TEXT[_BY_COLOR.get(name.lower(), name)]


def alt(ax) -> str:
    """The text of what a figure shows, from the axes (or the array of axes) a figure function returned."""
    return getattr(np.ravel(ax)[0].figure, "_mlm_alt", "")


def say(ax, text: str) -> None:
    """Attach the alternative text to the figure and to its axes as ``alt_text``."""
    axes = np.ravel(ax)
    axes[0].figure._mlm_alt = text
    for one in axes:
        one.alt_text = text


_FIT = "a fitted model, such as that of mlm.lmm"
_WANTED = {"fit": _FIT, "profile": "what fit.profile() returns", "boot": "what fit.bootstrap() returns",
           "plan": "a plan of mlm.power", "found": "the result that it draws, such as that of mlm.influence(fit)",
           "test": "a bootstrap test, as of mlm.compare(..., method='bootstrap')"}
_ALSO = {"qq": (list, tuple, np.ndarray, pd.Series), "power_curves": dict}  # values of any kind; several plans by name


def styled(figure):
    """Draw in the book's look, whatever the session's defaults are."""

    first, *others = inspect.signature(figure).parameters
    name = f"mlm.plots.{figure.__name__}"
    also = _ALSO.get(figure.__name__, ())

    @functools.wraps(figure)
    def inner(*args, **kwargs):
        if args and first == "data":
            named = {**dict(zip(others, args[1:])), **kwargs}
            the_columns(args[0], [named[key] for key in ("x", "y", "groups") if isinstance(named.get(key), str)], name)
        elif args and first in _WANTED and not isinstance(args[0], also):
            refuse_plain(args[0], name, _WANTED[first])
        with plt.rc_context(RC):
            return figure(*args, **kwargs)

    return inner


def new(ax=None, size=None):
    """`ax`, or a fresh one."""
    return plt.subplots(figsize=size)[1] if ax is None else ax


def points(ax, x, y, color=DATA, size=3.2, alpha=0.5):
    """A cloud of points; thousands of them as one bitmap inside the drawing, so that a page stays small."""
    many = len(x) > 1500
    ax.plot(x, y, "o", color=color, ms=size, mew=0, alpha=alpha * (0.4 if many else 1), rasterized=many)


def crowd(count: int) -> float:
    """How opaque each of `count` lines is drawn, so that a hundred of them leave the average readable."""
    return 0.5 if count <= 40 else 0.25


def panels(count: int, columns: int, size=(1.55, 1.5), **kwargs):
    """A grid of `count` small axes with shared scales; the axes left over are taken away."""
    columns = min(columns, count)
    rows = -(-count // columns)
    _, grid = plt.subplots(
        rows,
        columns,
        figsize=(size[0] * columns, size[1] * rows + 0.7),
        squeeze=False,
        sharex=True,
        sharey=True,
        **kwargs,
    )
    flat = grid.ravel()
    for extra in flat[count:]:
        extra.remove()
    for above in flat[count - columns : count] if rows > 1 else ():
        above.tick_params(labelbottom=True)
    return flat[:count]


def finish(ax, text: str, *, title=None, xlabel=None, ylabel=None):
    """Labels, alternative text, and the axes back."""
    if title is not None:
        ax.set_title(title)
    if xlabel is not None:
        ax.set_xlabel(xlabel)
    if ylabel is not None:
        ax.set_ylabel(ylabel)
    say(ax, text)
    return ax


def label(ax, x, y, text, color=INK, **kwargs):
    """A word written at a point instead of a legend."""
    kwargs = {
        "ha": "left",
        "va": "center",
        "fontsize": 9.5,
        "xytext": (4, 0),
        "textcoords": "offset points",
        "annotation_clip": False,
    } | kwargs
    name = _BY_COLOR.get(str(color).lower())
    return ax.annotate(text, (x, y), color=_TEXT[name] if name else color, **kwargs)


def spread(positions, gap: float) -> np.ndarray:
    """Positions moved as little as needed so that neighbors are at least `gap` apart (for stacked labels)."""
    positions = np.asarray(positions, dtype=float)
    order = np.argsort(positions, kind="stable")
    blocks = []  # [sum of wanted starts, count] of labels that touch
    for place, position in enumerate(positions[order]):
        blocks.append([position - gap * place, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] >= blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += count
    starts = np.concatenate([np.full(count, total / count) for total, count in blocks])
    out = np.empty_like(positions)
    out[order] = starts + gap * np.arange(len(positions))
    return out


def end_labels(ax, x, ys, texts, colors):
    """Labels at the right ends of lines, pushed apart so that they do not overprint."""
    low, high = ax.get_ylim()
    height = ax.figure.get_size_inches()[1] * 72 * ax.get_position().height
    places = spread(ys, (high - low) * 12.5 / max(height, 1))
    for place, text, color in zip(places, texts, colors):
        label(ax, x, place, text, color)


def number(value: float, digits: int = 3) -> str:
    """A number as a sentence would have it: three significant digits, a true minus sign."""
    if value != 0 and abs(value) >= 10**digits:
        return f"{value:,.0f}".replace("-", "\u2212")
    return f"{value:.{digits}g}".replace("-", "\u2212")
