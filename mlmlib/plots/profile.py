"""Pictures of a profile likelihood: zeta along a parameter, its density, regions of two parameters (chapter 8)."""

from __future__ import annotations

import math

import numpy as np
from scipy import interpolate, stats

from . import theme as t


def _shown(profile, names):
    """The parameters asked for, less those that the data say nothing about."""
    names = [names] if isinstance(names, str) else list(profile.names if names is None else names)
    shown = [name for name in names if len(profile.curve(name, 3))]
    if not shown:
        raise ValueError("None of these parameters has a profile to draw.")
    return shown


def _color(profile, name):
    return t.FIXED if name in profile.fit.params.index else t.PARTIAL


def _label(name):
    return name.replace(": ", ":\n", 1) if len(name) > 20 else name


def _grid(count, columns, height):
    columns = min(columns, count)
    rows = -(-count // columns)
    size = (2.13 * columns if columns > 1 else 4.2, height * rows if count > 1 else 3.2)
    _, grid = t.plt.subplots(rows, columns, figsize=size, squeeze=False, sharey=False)
    for extra in grid.ravel()[count:]:
        extra.remove()
    return grid.ravel()[:count]


def _interval(row, level):
    return f"{100 * level:g}% from {t.number(row['lower'])} to {t.number(row['upper'])}"


@t.styled
def profile_zeta(profile, names=None, *, level=0.95, columns=3, title=None):
    """Zeta along each parameter, a panel each; the straight line is what a symmetric interval supposes.

    Parameters
    ----------
    profile : Profile
    names : str or list of str, optional
    level : float
        Of the interval that is marked: where the curve crosses the dotted lines.
    columns : int
    title : str, optional

    Returns
    -------
    array of Axes
    """
    names = _shown(profile, names)
    ends, z = profile.conf_int(level), float(stats.norm.ppf(0.5 + level / 2))
    axes, said = _grid(len(names), columns, 2.0), []
    for place, (ax, name) in enumerate(zip(axes, names)):
        curve, estimate, row = profile.curve(name), profile.params[name], ends.loc[name]
        color = _color(profile, name)
        slope = float(np.interp(estimate, curve["value"], curve["slope"]))
        half = min(3.5 / slope, np.ptp(curve["value"])) if slope > 0 else 0.0
        ax.plot([estimate - half, estimate + half], [-half * slope, half * slope], "--", color=t.SOFT, lw=1)
        ax.plot(curve["value"], curve["zeta"], color=color, lw=1.8)
        ax.plot([estimate], [0], "o", color=color, ms=4.5)
        for side, end in ((-z, row["lower"]), (z, row["upper"])):
            ax.axhline(side, color=t.SOFT, lw=0.8, ls=":")
            at = float(np.interp(end, curve["value"], curve["zeta"]))
            ax.plot([end, end], [-3.8, at], color=color, lw=0.9)
        spare = 0.04 * np.ptp(curve["value"])
        ax.set_xlim(curve["value"].iloc[0] - spare, curve["value"].iloc[-1] + spare)
        ax.set_ylim(-3.8, 3.8)
        ax.locator_params(axis="x", nbins=4)
        ax.set_xlabel(_label(name))
        if place % columns == 0:
            ax.set_ylabel(r"$\zeta$")
        said.append(f"{name}: {t.number(estimate)}, {_interval(row, level)}{_bend(estimate, row)}")
    if title:
        axes[0].figure.suptitle(title)
    what = f"Profile zeta plots ({profile.method}), with the straight lines of symmetric intervals."
    t.say(axes, f"{what} {'; '.join(said)}.")
    return axes


def _bend(estimate, row):
    """How far the interval is from symmetric, in words."""
    down, up = estimate - row["lower"], row["upper"] - estimate
    if down <= 0 or up <= 0:
        return ", one-sided"
    longer = max(down, up) / min(down, up)
    if longer < 1.05:
        return ", about symmetric"
    return f", {100 * (longer - 1):.0f}% longer {'above' if up > down else 'below'} the estimate"


@t.styled
def profile_density(profile, names=None, *, level=0.95, columns=3, title=None):
    """The density that each profile stands for, the interval filled in.

    Parameters
    ----------
    profile : Profile
    names : str or list of str, optional
    level : float
    columns : int
    title : str, optional

    Returns
    -------
    array of Axes
    """
    names, ends, said = _shown(profile, names), profile.conf_int(level), []
    axes = _grid(len(names), columns, 1.7)
    density = profile.density()
    for ax, name in zip(axes, names):
        own, row, color = density[density["parameter"] == name], ends.loc[name], _color(profile, name)
        inside = own["value"].between(row["lower"], row["upper"])
        ax.fill_between(own["value"], own["density"], where=inside, color=color, alpha=0.3, lw=0)
        ax.plot(own["value"], own["density"], color=color, lw=1.6)
        ax.set_yticks([])
        ax.set_ylim(0, None)
        ax.spines["left"].set_visible(False)
        ax.locator_params(axis="x", nbins=4)
        ax.set_xlabel(_label(name))
        peak = own["value"].iloc[int(np.argmax(own["density"].to_numpy()))]
        said.append(f"{name}: highest at {t.number(peak)}, {_interval(row, level)}")
    if title:
        axes[0].figure.suptitle(title)
    t.say(axes, f"Densities that the profiles stand for ({profile.method}). " + "; ".join(said) + ".")
    return axes


@t.styled
def profile_pairs(profile, names=None, *, levels=(0.5, 0.8, 0.95), title=None):
    """Likelihood regions of two parameters at a time, with the traces: where one is best, given the other.

    The regions are drawn through the four points where a profile touches each, by the method of Bates and Watts (1988,
    appendix 6), not by fits all around; at a bound of a parameter they are cut.

    Parameters
    ----------
    profile : Profile
    names : list of str, optional
        Where there are more than six parameters, those of the random part when left out.
    levels : tuple of float
        Joint confidence of the regions, by chi-squared with two degrees of freedom.
    title : str, optional

    Returns
    -------
    array of Axes, shape (k, k)
        Densities on the diagonal; the panels above it are switched off.
    """
    if names is None and len(profile.names) > 6:
        random = [name for name in profile.names if name not in profile.fit.params.index]
        names = (random if len(random) > 1 else list(profile.names))[:6]
    names = _shown(profile, names)
    k = len(names)
    if k < 2:
        raise ValueError("Regions of pairs need two parameters or more.")
    size = 6.4 / k if k > 3 else 1.9
    _, axes = t.plt.subplots(k, k, figsize=(size * k, size * k), squeeze=False)
    scales = {name: _Scale(profile, name) for name in names}
    said = []
    for i, below in enumerate(names):
        for j, across in enumerate(names):
            ax = axes[i, j]
            ax.tick_params(labelbottom=i == k - 1, labelleft=j == 0 and i > 0, labelsize=9)
            ax.locator_params(nbins=3)
            if j > i:
                ax.set_axis_off()
            elif i == j:
                _diagonal(ax, scales[across], i == k - 1)
            else:
                tilt = _region(ax, scales[across], scales[below], levels)
                said.append(f"{across} and {below}: {tilt}")
    if title:
        axes[0, 0].figure.suptitle(title)
    words = ", ".join(f"{100 * level:g}%" for level in levels)
    what = f"Joint likelihood regions ({words}) of pairs of parameters, with profile traces."
    t.say(axes, f"{what} {'; '.join(said)}.")
    return axes


class _Scale:
    """A parameter's values, its zeta, and where the other parameters are best along it."""

    def __init__(self, profile, name):
        self.name, self.estimate, self.color = name, profile.params[name], _color(profile, name)
        self.curve = profile.curve(name, 801)
        self.rows = profile.table
        self.rows = self.rows[self.rows["parameter"] == name]
        self.rows = self.rows[_rising(self.rows["zeta"].to_numpy(float))]

    def zeta(self, value):
        return np.interp(value, self.curve["value"], self.curve["zeta"])

    def value(self, zeta):
        return np.interp(zeta, self.curve["zeta"], self.curve["value"])

    def trace(self, other):
        """Zeta of this parameter, and the best values of another beside it."""
        if other.name not in self.rows:  # a share, which is not a parameter of its own
            return np.array([0.0]), np.array([other.estimate])
        best = self.rows[other.name].to_numpy(float)
        known = np.isfinite(best)
        return self.rows["zeta"].to_numpy(float)[known], best[known]

    def tangent(self, other, z):
        """Zeta of the other where this one's zeta is z, within [-|z|, |z|]."""
        zeta, best = self.trace(other)
        if len(zeta) > 2:
            at = float(interpolate.PchipInterpolator(zeta, best)(np.clip(z, zeta[0], zeta[-1])))
        else:
            at = other.estimate
        return float(np.clip(other.zeta(at), -abs(z), abs(z)))


def _rising(zeta) -> np.ndarray:
    """Which of ascending zetas to keep so that each is larger than the one before: where a correlation no longer
    matters, because a variance is zero, they stand still but for rounding, and the one next to the estimate stays."""
    centre = int(np.abs(zeta).argmin())
    keep = np.zeros(len(zeta), dtype=bool)
    for side in (range(centre, len(zeta)), range(centre, -1, -1)):
        reached = -1.0
        for k in side:
            if abs(zeta[k]) > reached + 1e-9:
                keep[k], reached = True, abs(zeta[k])
    return keep


def _diagonal(ax, scale, last):
    height = np.exp(-0.5 * scale.curve["zeta"] ** 2) * np.maximum(scale.curve["slope"], 0)
    ax.plot(scale.curve["value"], height, color=scale.color, lw=1.4)
    ax.set_ylim(0, None)
    ax.set_xlim(*_span(scale))
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_title(scale.name, loc="right" if last else "left", fontsize=9.5, color=t.text_color(scale.color), pad=3)


def _span(scale):
    low, high = scale.value(-3.0), scale.value(3.0)
    return low - 0.03 * (high - low), high + 0.03 * (high - low)


def _region(ax, across, below, levels):
    """Contours and traces of one pair; in words, how the two go together."""
    for level in levels:
        one, two = _contour(across, below, math.sqrt(stats.chi2.ppf(level, 2)))
        ax.plot(across.value(one), below.value(two), color=t.PARTIAL, lw=1.3, alpha=0.45 + 0.5 * (level == levels[-1]))
    for first, second, style in ((across, below, "-"), (below, across, "--")):
        zeta, best = first.trace(second)
        held = first.value(zeta)
        ax.plot(*((held, best) if first is across else (best, held)), style, color=t.SOFT, lw=0.9)
    ax.plot([across.estimate], [below.estimate], "o", color=t.INK, ms=3)
    ax.set_xlim(*_span(across))
    ax.set_ylim(*_span(below))
    tilt = (across.tangent(below, 1.0) - across.tangent(below, -1.0)) / 2.0
    if abs(tilt) < 0.1:
        return "hardly related"
    along = "larger" if tilt > 0 else "smaller"
    return f"one is larger where the other is {along} (slope of the trace {t.number(tilt, 2)})"


def _contour(first, second, z, points=181):
    """Zetas along the contour of size z, from its four points of contact: phase angles joined by a periodic spline."""
    touch = [(side * z, first.tangent(second, side * z)) for side in (1, -1)]
    touch += [(second.tangent(first, side * z), side * z) for side in (1, -1)]
    angles = np.arccos(np.clip(np.array(touch) / z, -1, 1))
    middle, apart = angles.mean(axis=1), angles[:, 0] - angles[:, 1]
    middle, apart = np.where(apart < 0, -middle, middle), np.abs(apart)
    order = np.argsort(middle)
    middle, apart = middle[order], apart[order]
    keep = np.concatenate([[True], np.diff(middle) > 1e-6])
    middle, apart = middle[keep], apart[keep]
    middle, apart = np.append(middle, middle[0] + 2 * np.pi), np.append(apart, apart[0])
    spline = interpolate.CubicSpline(middle, apart, bc_type="periodic")
    a = np.linspace(-np.pi, np.pi, points)
    d = spline(a)
    return z * np.cos(a + d / 2), z * np.cos(a - d / 2)
