"""Two kinds of average in one picture: the curves of groups, the curve of the typical group, and the average of the curves
(chapters 16 and 17)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import theme as t
from .effects import first_predictor, outcome, the_factor
from .lines import _rows_like


@t.styled
def conditional_curves(
    fit,
    x=None,
    *,
    at=None,
    draws=None,
    seed=1,
    band=None,
    level=0.95,
    show=None,
    group=None,
    points=60,
    ax=None,
    title=None,
    xlabel=None,
    ylabel=None,
):
    """The curve of every group (vermilion), of the typical group (ink), and the average over groups (orange).

    Predictors but x stand at their mean or commonest value, or at those in `at`; `x` reaches over the data or over
    ``at[x] = (from, to)``.  Curves are those of the data's groups, or with ``draws=40`` of groups drawn from the model's
    distribution, over the response scale of a GLMM. ``band="average"`` or ``"typical"`` draws the interval of that curve.
    """
    factor = the_factor(fit, group)
    if not hasattr(fit, "link"):
        raise ValueError("With a linear model both averages are the same line: mlm.plots.fitted_lines draws it.")
    if band not in (None, "average", "typical"):
        raise ValueError(f"band={band!r} must be 'average' or 'typical'.")
    x, at = x or first_predictor(fit), dict(at or {})
    data = fit.data.loc[np.asarray(fit.exog.index)]
    ends = at.pop(x, (data[x].min(), data[x].max()))
    grid = np.linspace(float(ends[0]), float(ends[1]), points)
    frame = _rows_like(data, {x: grid, **{name: np.full(points, value) for name, value in at.items()}})
    lines = {kind: fit.predict(frame, groups=kind) for kind in ("typical", "average")}
    if isinstance(lines["average"], pd.DataFrame):
        raise ValueError("A picture of curves needs an outcome with one mean; that of categories has a probability "
                         "each.")
    ax = t.new(ax)
    curves, labels = _drawn(fit, frame, factor, draws, seed) if draws else _of_groups(fit, frame, factor)
    for curve, label in zip(curves, labels):
        chosen = show is not None and label in show
        ax.plot(grid, curve, color=t.PARTIAL, lw=2 if chosen else 0.9, alpha=1 if chosen else t.crowd(len(curves)))
        if chosen:
            t.label(ax, grid[-1], curve[-1], str(label), t.PARTIAL)
    if band:
        found = fit.predict(frame, groups=band, interval="confidence", level=level)
        color = t.POOLED if band == "average" else t.SOFT
        ax.fill_between(grid, found["lower"], found["upper"], color=color, alpha=0.25, lw=0)
    ax.plot(grid, lines["typical"], color=t.FIXED, lw=2.4)
    ax.plot(grid, lines["average"], color=t.POOLED, lw=2.8)
    t.end_labels(ax, grid[-1], [float(lines[k].iloc[-1]) for k in ("typical", "average")],
                 ["typical group", "average of groups"], [t.FIXED, t.POOLED])
    gap = (lines["average"] - lines["typical"]).to_numpy()
    far = int(np.argmax(np.abs(gap)))
    text = (
        f"Curves of {outcome(fit)} on {x} for {len(curves)} "
        f"{'groups drawn from the model' if draws else f'groups ({factor})'}. At {x} = {t.number(grid[far])} the "
        f"typical group stands at {t.number(lines['typical'].iloc[far])} and the average of all groups at "
        f"{t.number(lines['average'].iloc[far])}, where they differ most."
    )
    return t.finish(ax, text, title=title, xlabel=xlabel or x, ylabel=ylabel or _what(fit))


def _what(fit) -> str:
    name = outcome(fit)
    if fit.family.name in ("binomial", "bernoulli"):
        return f"probability of {name}"
    return f"expected {name}"


def _of_groups(fit, frame, factor):
    """The curve of each group of the data, other factors' effects being zero."""
    eta = fit.predict(frame, groups="typical", scale="link").to_numpy()
    table = fit.random_effects[factor]
    terms = [term for term in fit.design.random if term.group == factor]
    from ..design import _replay
    from ..table import Table
    Z = np.hstack([term.encoder.rows(_replay(term.encoder, Table(frame)), len(frame)).T for term in terms])
    curves = [fit.density.mean(eta + Z @ u, fit._psi) for u in table.to_numpy()]
    return curves, list(table.index)


def _drawn(fit, frame, factor, draws, seed):
    """The curves of groups drawn from the estimated distribution."""
    from ..design import _replay
    from ..table import Table
    terms = [term for term in fit.design.random if term.group == factor]
    Z = np.hstack([term.encoder.rows(_replay(term.encoder, Table(frame)), len(frame)).T for term in terms])
    values, vectors = np.linalg.eigh(fit.covariance_matrix(factor).to_numpy())
    u = np.random.default_rng(seed).standard_normal((draws, len(values))) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
    eta = fit.predict(frame, groups="typical", scale="link").to_numpy()
    return [fit.density.mean(eta + Z @ own, fit._psi) for own in u], [None] * draws
