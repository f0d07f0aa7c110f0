"""Pictures of the variance part: who differs by how much, and how that depends on x and its origin (chapters 2 and 4)."""

from __future__ import annotations

import numpy as np
from scipy import stats

from ..given import refuse_plain
from . import theme as t
from ..lmm.factors import only_linear
from ..lmm.nested import short_name
from .effects import columns_of, the_factor


def _pieces(fit, x, group):
    factor = the_factor(fit, group)
    names = list(fit.random_effects[factor].columns)
    if x is None:
        x = next((name for name in names if name != "Intercept"), None)
    if x not in names or "Intercept" not in names:
        raise ValueError(f"This picture needs a random intercept and a random slope; {factor} has {names}.")
    cov = fit.covariance_matrix(factor).loc[["Intercept", x], ["Intercept", x]].to_numpy(float)
    values = columns_of(fit, [x])[:, 0]
    return x, cov, values.min(), values.max()


@t.styled
def variance(fit, x=None, *, group=None, ax=None, title=None, xlabel=None, ylabel=None):
    """Var(y | x) of a random-slope model: the parabola of the groups on top of the constant within part.

    With several grouping factors the parts of all are stacked, the outermost on top, unless `group` names one."""
    only_linear(fit, "The picture of Var(y | x)", "mlm.icc(fit, at={x: value}) has the share of groups at a value")
    _one_residual_variance(fit)
    if group is None and len(fit.n_groups) > 1:
        return _stacked(fit, x, ax, title, xlabel, ylabel)
    x, cov, low, high = _pieces(fit, x, group)
    grid = np.linspace(low, high, 200)
    between = cov[0, 0] + 2 * cov[0, 1] * grid + cov[1, 1] * grid**2
    within = fit.sigma**2
    ax = t.new(ax)
    ax.fill_between(grid, 0, within, color=t.DATA, alpha=0.45, lw=0)
    ax.fill_between(grid, within, within + between, color=t.PARTIAL, alpha=0.45, lw=0)
    ax.plot(grid, within + between, color=t.INK, lw=1.6)
    ax.set_ylim(0, None)
    ax.set_xlim(low, high)
    at = float(np.clip(-cov[0, 1] / cov[1, 1], low, high)) if cov[1, 1] > 0 else low
    least = within + cov[0, 0] + 2 * cov[0, 1] * at + cov[1, 1] * at**2
    ax.plot([at], [least], "o", color=t.INK, ms=5)
    t.label(ax, at, least, f"least at {x} = {t.number(at)}", t.INK, ha="center", va="bottom", xytext=(0, 5))
    t.label(ax, high, within / 2, "within: $\\sigma^2$", t.DATA, ha="right", xytext=(-6, 0))
    t.label(ax, high, within + between[-1] / 2, "between groups", t.PARTIAL, ha="right", xytext=(-6, 0))
    text = (
        f"Variance of the outcome given {x}. The within part stays at {t.number(within)}; the part between groups is "
        f"{t.number(between[0])} at {x} = {t.number(low)}, least ({t.number(least - within)}) at {t.number(at)}, and "
        f"{t.number(between[-1])} at {t.number(high)}."
    )
    return t.finish(ax, text, title=title, xlabel=xlabel or x, ylabel=ylabel or "variance of y given x")


def _within(fit) -> float:
    """The variance within groups; of a GLMM that of a unit on the scale of the linear predictor."""
    if hasattr(fit, "density"):
        from ..glmm.shares import latent_residual

        return latent_residual(fit)[0]
    return fit.sigma**2


def _one_residual_variance(fit):
    if hasattr(fit, "density"):
        return
    rows = getattr(fit.model, "rows", None)
    if rows is not None and rows.variances:
        raise ValueError("The residual variance differs between rows, so there is no one part within groups to draw; "
                         "see fit.residual_sd.")


def _parts(fit):
    """(grouping factor, name, variance it gives a row as a function of columns), the innermost factor first."""
    groups = sorted(fit.n_groups, key=lambda g: -fit.n_groups[g])
    for group in groups:
        terms = [(term, T) for term, T in zip(fit.design.random, fit._T) if term.group == group]
        weight = 1.0 if terms[0][0].members is None else float(np.mean(terms[0][0].members.square))
        yield group, short_name(group, list(fit.n_groups)), terms, weight


def _shades(count):
    """Opacities of one color for several factors, the innermost palest."""
    return np.linspace(0.35, 0.85, count) if count > 1 else [0.75]


def _legend(ax, entries, **where):
    """Patches with their names in a row."""
    from matplotlib.patches import Patch

    patches = [Patch(color=color, alpha=shade, lw=0, label=name) for name, (color, shade) in entries.items()]
    ax.legend(handles=patches, ncols=len(patches), frameon=False, fontsize=9, labelcolor=t.INK, handlelength=1.2,
              columnspacing=1.2, borderaxespad=0.2, **where)


def _stacked(fit, x, ax, title, xlabel, ylabel):
    """The variance of y given x, in layers: within, and a layer for each grouping factor."""
    slopes = [n for term in fit.design.random for n in term.names if n != "Intercept"]
    if x is None and slopes:
        x = slopes[0]
    if x not in slopes:
        raise ValueError(f"No slope of {x} varies between groups: the variance does not depend on it. "
                         "mlm.plots.variance_shares draws variances of intercepts.")
    values = columns_of(fit, [x])[:, 0]
    grid = np.linspace(values.min(), values.max(), 200)
    ax = t.new(ax)
    base, said = np.full(200, fit.sigma**2), [f"The residual part stays at {t.number(fit.sigma**2)}"]
    ax.fill_between(grid, 0, base, color=t.DATA, alpha=0.45, lw=0)
    legend = {"within": (t.DATA, 0.45)}
    parts = list(_parts(fit))
    for (_, name, terms, weight), shade in zip(parts, _shades(len(parts))):
        layer = np.zeros(200)
        for term, T in terms:
            z = np.column_stack([np.ones(200) if n == "Intercept" else grid if n == x else np.zeros(200)
                                 for n in term.names])
            layer += weight * np.einsum("ij,jk,ik->i", z, T, z)
        ax.fill_between(grid, base, base + layer, color=t.PARTIAL, alpha=shade, lw=0)
        ax.plot(grid, base + layer, color=t.INK, lw=1)
        legend[f"between {name}"] = (t.PARTIAL, shade)
        said.append(f"the part between groups of {name} is {t.number(layer[0])} at {x} = {t.number(grid[0])} and "
                    f"{t.number(layer[-1])} at {t.number(grid[-1])}, least ({t.number(layer.min())}) at "
                    f"{t.number(grid[layer.argmin()])}")
        base = base + layer
    _legend(ax, dict(reversed(legend.items())), loc="lower left", bbox_to_anchor=(0, 1))
    ax.set_ylim(0, None)
    ax.set_xlim(grid[0], grid[-1])
    text = f"Variance of the outcome given {x}, in layers. {'; '.join(said)}."
    return t.finish(ax, text, title=title, xlabel=xlabel or x, ylabel=ylabel or "variance of y given x")


@t.styled
def origin(fit, x=None, *, group=None, span=None, title=None, xlabel=None):
    """Two panels: the intercept variance, and the intercept-slope correlation, as the origin of x moves."""
    x, cov, low, high = _pieces(fit, x, group)
    low, high = span or (low, high)
    grid = np.linspace(low, high, 200)
    tau00 = cov[0, 0] + 2 * cov[0, 1] * grid + cov[1, 1] * grid**2
    corr = (cov[0, 1] + cov[1, 1] * grid) / np.sqrt(tau00 * cov[1, 1])
    _, axes = t.plt.subplots(1, 2, figsize=(6.6, 3.0))
    axes[0].plot(grid, tau00, color=t.PARTIAL, lw=2)
    axes[0].set_ylim(0, None)
    axes[1].plot(grid, corr, color=t.PARTIAL, lw=2)
    axes[1].axhline(0, color=t.SOFT, lw=0.8)
    axes[1].set_ylim(-1.05, 1.05)
    for ax, words in zip(axes, ("intercept variance $\\tau_{00}$", "intercept-slope correlation")):
        ax.set_title(words, fontsize=10)
        ax.set_xlabel(xlabel or f"where {x} = 0 is put")
    if title:
        axes[0].figure.suptitle(title)
    zero = -cov[0, 1] / cov[1, 1]
    text = (
        f"As the origin of {x} moves from {t.number(low)} to {t.number(high)}, the intercept variance traces a "
        f"parabola from {t.number(tau00[0])} to {t.number(tau00[-1])}, least at {t.number(zero)}, and the correlation "
        f"of intercept and slope climbs from {t.number(corr[0], 2)} to {t.number(corr[-1], 2)}, crossing zero at the "
        "same place."
    )
    t.say(axes, text)
    return axes


@t.styled
def plausible_ranges(fits, *, level=0.95, labels=None, group=None, columns=None, title=None):
    """Where `level` of the groups lie, a panel a coefficient, a row a model: fixed part as a dot, range as a bar."""
    fits = fits if isinstance(fits, dict) else {"": fits}
    for fit in fits.values():
        refuse_plain(fit, "mlm.plots.plausible_ranges")
    z = stats.norm.ppf((1 + level) / 2)
    names = []
    for fit in fits.values():
        names += [n for n in fit.random_effects[the_factor(fit, group)].columns if n not in names]
    _, axes = t.plt.subplots(
        1, len(names), figsize=(min(6.6, 3.3 * len(names) + 0.6), 0.9 + 0.45 * len(fits)), squeeze=False, sharey=True
    )
    axes, said = axes[0], []
    for ax, name in zip(axes, names):
        for row, (key, fit) in enumerate(reversed(fits.items())):
            cov = fit.covariance_matrix(the_factor(fit, group))
            if name not in cov.index:
                continue
            fixed, sd = float(fit.params.get(name, 0.0)), float(np.sqrt(cov.loc[name, name]))
            ax.plot(
                [fixed - z * sd, fixed + z * sd], [row, row], color=t.PARTIAL, lw=6, alpha=0.55, solid_capstyle="butt"
            )
            ax.plot([fixed], [row], "o", color=t.FIXED, ms=6)
            for end in (fixed - z * sd, fixed + z * sd):
                t.label(ax, end, row, t.number(end), t.PARTIAL, ha="center", va="bottom", xytext=(0, 6))
            said.append(
                f"{name}{f' ({key})' if key else ''}: {t.number(fixed)}, {level:.0%} of groups from "
                f"{t.number(fixed - z * sd)} to {t.number(fixed + z * sd)}"
            )
        ax.set_ylim(-0.6, len(fits) - 0.2)
        ax.margins(x=0.15)
        ax.set_yticks(range(len(fits)), list(reversed(fits)) if list(fits) != [""] else [""])
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.set_xlabel((labels or {}).get(name, f"{name} of a group"))
    if title:
        axes[0].figure.suptitle(title)
    t.say(axes, "Plausible value ranges. " + "; ".join(said) + ".")
    return axes


@t.styled
def variance_shares(fits, *, group=None, ax=None, title=None, xlabel=None):
    """The outcome's variance left by each model, cut in its parts between and within groups, the ICC written in.

    With several grouping factors a part for each, the innermost nearest to zero, unless `group` names one; the share of each is then
    written in. Where slopes vary, the parts are those where the slopes' columns are zero."""
    fits = fits if isinstance(fits, dict) else {"": fits}
    for fit in fits.values():
        refuse_plain(fit, "mlm.plots.variance_shares")
    for fit in fits.values():
        _one_residual_variance(fit)
        the_factor(fit, group or next(iter(fit.n_groups), None))
    ax = t.new(ax, (5.8, 0.9 + 0.5 * len(fits)))
    said, several = [], group is None and any(len(fit.n_groups) > 1 for fit in fits.values())
    legend, spots = {}, []
    for row, (key, fit) in enumerate(reversed(fits.items())):
        parts = [(name, weight * sum(float(T[0, 0]) for term, T in terms if term.names[0] == "Intercept"))
                 for factor, name, terms, weight in _parts(fit) if group in (None, factor)]
        within, left = _within(fit), 0.0
        total = sum(value for _, value in parts) + within
        for (name, value), shade in zip(parts, _shades(len(parts))):
            ax.barh(row, value, left=left, color=t.PARTIAL, alpha=shade, height=0.6)
            legend[f"between {name}"] = (t.PARTIAL, shade)
            spots.append((left + value / 2, row, value, total))
            left += value
        ax.barh(row, within, left=left, color=t.DATA, alpha=0.55, height=0.6)
        spots.append((left + within / 2, row, within, total))
        if several:
            shares = ", ".join(f"{t.number(value)} between groups of {name} ({value / total:.1%})"
                               for name, value in parts)
            said.append(f"{key or 'the model'}: {shares}, {t.number(within)} within ({within / total:.1%})")
        else:
            share = left / total
            t.label(ax, left + within, row, f"ICC {share:.3f}", t.INK)
            said.append(f"{key or 'the model'}: {t.number(left)} between, {t.number(within)} within, ICC {share:.3f}")
    if several:
        wide = max(total for *_, total in spots)
        for x, row, value, total in spots:
            if value > 0.07 * wide:  # room for the number
                t.label(ax, x, row, f"{value / total:.0%}", t.INK, ha="center", va="center", xytext=(0, 0))
        _legend(ax, legend | {"within": (t.DATA, 0.55)}, loc="lower left", bbox_to_anchor=(0, 1))
    else:
        top = len(fits) - 1 + 0.34
        first = next(iter(fits.values()))
        between = float(first.covariance_matrix(the_factor(first, group)).iloc[0, 0])
        t.label(ax, 0, top, "between groups", t.PARTIAL, va="bottom", xytext=(0, 1))
        t.label(ax, between + first.sigma**2, top, "within groups", t.DATA, ha="right", va="bottom", xytext=(0, 1))
    ax.set_yticks(range(len(fits)), list(reversed(fits)))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_ylim(-0.5, len(fits) - 0.1)
    return t.finish(
        ax, "Variance between and within groups. " + "; ".join(said) + ".", title=title, xlabel=xlabel or "variance"
    )
