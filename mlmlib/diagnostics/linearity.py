"""Checks of the fixed part: is a line straight within groups, straight between groups, and the same in both?

A column c is added to the model with the variances held: its coefficient is c'Py / c'Pc with variance s2 / c'Pc, so
that no fit is needed (for several columns the same with matrices).  Within groups the square of the deviation from the
group's mean is added, between groups the square of the mean, and for the contextual question the mean itself (Mundlak
1978): where the mean matters beside x, the groups' effects are correlated with x.

Chapters 6 and 9 (``06_centering``, ``09_diagnostics``).

References
----------
Mundlak, Y. (1978). On the pooling of time series and cross section data. Econometrica, 46, 69-85.
Snijders, T. A. B., & Berkhof, J. (2008). Diagnostic checks for multilevel models. In J. de Leeuw & E. Meijer (Eds.),
Handbook of multilevel analysis (pp. 141-175). Springer, section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..display import number
from .blocks import blocks
from .judging import Check, judge, p_words

__all__ = ["Added", "added", "context", "curves", "predictors"]

_NEW = 1e-8  # share of a column's length that the model must leave for it to be new


@dataclass(frozen=True)
class Added:
    """A column added to the model, after others: its coefficient, standard error and test; NaN where it is nothing
    new."""

    estimate: float
    se: float
    statistic: float
    p: float


def added(fit, *columns, df: float = np.inf) -> Added:
    """What the last of the columns would add to the fit, beside those before it, with the variances held.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    columns : arrays, shape (n,)
    df : float
        Degrees of freedom of t; the normal when left out.

    Returns
    -------
    Added

    Examples
    --------
    >>> import numpy as np, mlmlib as mlm
    >>> hsb = mlm.load("hsb")
    >>> fit = mlm.lmm("mathach ~ ses + (1 | school)", hsb)
    >>> round(added(fit, hsb["mean_ses"].to_numpy()).estimate, 2)
    3.69
    """
    from scipy.special import stdtr

    at = blocks(fit)
    raw = np.array([np.asarray(column, dtype=float) for column in columns]) * at.root
    made = np.array([at.residual_maker(column / at.root) for column in raw])
    gram, right = raw @ made.T, raw @ at.Ve
    size = np.einsum("kn,kn->k", raw, raw)
    last = len(raw) - 1
    keep = [k for k in range(last) if gram[k, k] > _NEW * size[k]]
    coef = np.linalg.lstsq(gram[np.ix_(keep, keep)], gram[keep, last], rcond=1e-10)[0] if keep else np.zeros(0)
    left = float(gram[last, last] - coef @ gram[keep, last])
    if not left > _NEW * size[last]:
        return Added(np.nan, np.nan, np.nan, np.nan)
    estimate = float(right[last] - coef @ right[keep]) / left
    se = float(np.sqrt(at.s2 / left))
    return Added(estimate, se, estimate / se, float(2.0 * stdtr(min(df, 1e9), -abs(estimate / se))))


def predictors(fit) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Numeric predictors that stand in the fixed part by themselves: deviations from the group's mean, and the mean, of
    every row.

    Columns of powers and categories, and those with only two values, are left out: they have no line to bend.
    """
    design, at = fit.design, blocks(fit)
    found, place = {}, 0
    sizes = at.sizes[at.codes]
    for term, coding in design.encoder.blocks:
        width = len(design.encoder._names(term, coding))
        if len(term) == 1 and design.encoder.infos[term[0]].levels is None and width == 1:
            x, label = design.X[:, place], term[0].label
            if not label.startswith(("I(", "poly(")) and len(np.unique(x)) > 2:
                mean = np.bincount(at.codes, x, minlength=at.J)[at.codes] / sizes
                found[label] = (x - mean, mean)
        place += width
    return found


def _varies(column: np.ndarray, beside: np.ndarray) -> bool:
    spread = np.var(column)
    return bool(spread > 1e-10 * (spread + np.var(beside)) and spread > 0)


def _df_between(fit) -> int:
    """Groups less coefficients of columns that are the same in all rows of a group."""
    at = blocks(fit)
    mean = np.array([np.bincount(at.codes, x, minlength=at.J) for x in fit.design.X.T]) / at.sizes
    flat = ((fit.design.X.T - mean[:, at.codes]) ** 2).sum(axis=1) <= 1e-12 * (fit.design.X.T**2).sum(axis=1)
    return max(at.J - int(flat.sum()) - 1, 1)


def between_sd(fit) -> float:
    """Standard deviation between groups that a group-level predictor has to explain."""
    at = blocks(fit)
    return float(
        np.sqrt(max(at.s2 * np.mean(np.einsum("an,ab,bn->n", at.Z, at.D, at.Z, optimize=True) / at.root**2), 0.0))
    )


def curves(fit) -> list[Check]:
    """Does a squared term add anything, within groups or between them?"""
    checks = []
    for name, (within, mean) in predictors(fit).items():
        if _varies(within, mean):
            sd = float(np.std(within))
            test = added(fit, mean - mean.mean(), within**2)
            checks.append(
                _curve(
                    fit,
                    f"{name} acts in a straight line within groups",
                    test,
                    sd,
                    fit.sigma,
                    "residual SD within groups",
                    len(np.unique(np.round(within, 10))) > 2,
                )
            )
        if _varies(mean, within):
            group_mean = mean - mean.mean()
            test = added(fit, group_mean, group_mean**2, df=_df_between(fit))
            sd = float(np.std(mean))
            checks.append(
                _curve(
                    fit,
                    f"{name} acts in a straight line between groups",
                    test,
                    sd,
                    between_sd(fit),
                    "SD between groups",
                    True,
                )
            )
    return [check for check in checks if check is not None]


def _curve(fit, name, test, sd, yardstick, what, possible):
    if not possible or not np.isfinite(test.estimate):
        return None
    bend = test.estimate * sd**2
    size = bend / yardstick if yardstick > 0 else np.inf
    verdict = judge(size, 0.1, 0.25, test.p)
    todo = {
        "ok": "nothing",
        "look": "Draw it (plots.linearity) and try a squared term.",
        "act": "Add a squared term, a spline or a transform, and see whether other coefficients move.",
    }
    return Check(
        name,
        f"bend of {number(bend, 3)} at one SD from the middle ({what} {number(yardstick, 3)}; {p_words(test.p)})",
        bend,
        test.p,
        f"How far a parabola departs from the line at one SD of x; below a tenth of the {what} it hardly matters.",
        verdict,
        todo[verdict],
    )


def context(fit) -> list[Check]:
    """Are the groups' effects correlated with the group means of a predictor?"""
    checks = []
    names = [name for term in fit.design.random for name in term.names]
    effects = fit._effects[0][:, names.index("Intercept")] if "Intercept" in names else None
    for name, (within, mean) in predictors(fit).items():
        if not _varies(within, mean):
            continue
        title = f"Groups' effects are not correlated with {name}"
        if not _varies(mean, within):
            checks.append(
                Check(
                    title,
                    f"{name} has the same mean in every group",
                    0.0,
                    np.nan,
                    "Centered within groups, a predictor cannot be correlated with what groups differ in.",
                    "ok",
                    "nothing",
                    "06_centering",
                )
            )
            continue
        test = added(fit, mean - mean.mean(), df=_df_between(fit))
        if not np.isfinite(test.estimate):
            checks.append(
                Check(
                    title,
                    f"the group means of {name} are in the model",
                    0.0,
                    np.nan,
                    "With the group mean in the model the within slope is free of what groups differ in.",
                    "ok",
                    "nothing",
                    "06_centering",
                )
            )
            continue
        at = blocks(fit)
        means = np.bincount(at.codes, mean, minlength=at.J) / at.sizes
        seen = ""
        if effects is not None and np.ptp(effects) > 0:
            seen = (
                f"; correlation of predicted effects with group means {float(np.corrcoef(effects, means)[0, 1]):+.2f}"
            )
        spread, sd = between_sd(fit), float(np.std(means))
        yardstick = np.hypot(spread, test.estimate * sd)
        size = test.estimate * sd / yardstick if yardstick > 0 else 0.0
        verdict = judge(size, 0.1, 0.3, test.p)
        todo = {
            "ok": "nothing",
            "look": f"Add the group mean of {name} and see whether its slope moves.",
            "act": f"Split {name} with mlm.within_between: as it stands its slope mixes two questions.",
        }
        checks.append(
            Check(
                title,
                f"between slope less within slope {number(test.estimate, 3)} (SE {number(test.se, 3)}, "
                f"{p_words(test.p)})"
                f"{seen}",
                test.estimate,
                test.p,
                "The coefficient that the group mean would have beside x (Mundlak): zero if groups' effects have "
                "nothing to do with x.",
                verdict,
                todo[verdict],
                "06_centering",
            )
        )
    return checks
