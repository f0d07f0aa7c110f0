"""Margins of categories: the average probability of each category at chosen values, and average effects on it.

As `mlmlib.inference.margins`, every row is moved to each chosen value and predicted; here the prediction is a probability of each
category, averaged over groups or of a typical group, and standard errors come from differences over all parameters.

Chapter 18 (``18_categories``) reads ordered and unordered outcomes by them.
"""

from __future__ import annotations

import numpy as np

from ..display import html_table
from ..results import check_level
from .generalized_margins import asked, read_columns
from .margins import Margins, _raw

__all__ = ["CategoryMargins", "category_margins"]

_STEP = 1e-4  # of differences, in standard errors


class CategoryMargins(Margins):
    """Margins of categories, a row a value and category."""

    def _repr_html_(self):
        return html_table(*self._shown(), caption=f"{self.kind} of {self.outcome}",
                          note="Delta-method standard errors.")


def category_margins(fit, over=None, at=None, *, dydx=None, level: float = 0.95, groups: str = "average") -> Margins:
    """Average probabilities of categories at chosen values of predictors, or average effects on them.

    Parameters
    ----------
    fit : OrdinalResult or MultinomialResult
    over, at, dydx, level
        As for `mlm.margins`.
    groups : {"average", "typical"}
        Average over groups, or in a group whose effects are zero.

    Returns
    -------
    Margins
        A row a value and category, the category in the column named as the outcome.

    Raises
    ------
    DataError, ValueError
        For columns that the model does not have.

    Notes
    -----
    Chapter 18 (``18_categories``).  The margins of all categories sum to 1, effects to 0.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("rating ~ temp + contact + (1 | judge)", mlm.load("wine"), family="ordinal")
    >>> table = fit.margins("temp").table
    >>> table[table["rating"] == "5"][["temp", "margin"]].round(3).values.tolist()
    [['cold', 0.015], ['warm', 0.176]]
    """
    check_level(level)
    if groups not in ("average", "typical"):
        raise ValueError(f"groups={groups!r} must be 'average' or 'typical': margins are of no group in particular.")
    columns, fixed = _columns(fit)
    keys, known, points = asked(columns, fixed, over, at, dydx)
    tables = [[(weight, _raw(table)) for weight, table in parts] for _, parts in points]

    def means(x):
        return np.concatenate([sum(w * fit._mean_at(x, table, groups).mean(axis=1) for w, table in parts)
                               for parts in tables])

    x, cov = fit._at.x, fit._x_cov
    se = np.sqrt(np.diagonal(cov))
    free = np.flatnonzero(np.isfinite(se))
    G = np.zeros((len(tables) * len(fit.categories), len(free)))
    for place, k in enumerate(free):
        sides = []
        for sign in (1.0, -1.0):
            moved = x.copy()
            moved[k] += sign * _STEP * se[k]
            sides.append(means(moved))
        G[:, place] = (sides[0] - sides[1]) / (2.0 * _STEP * se[k])
    outcome = fit.spec.endog_name
    keys, known = (*keys, outcome), known | {outcome: fit.categories}
    whose = {"average": " (averaged over groups)", "typical": " (in a typical group)"}[groups] if fit.design.random else ""
    kind = ("Average effects on probabilities" if dydx else "Probabilities") + whose
    rows = tuple((*row, category) for row, _ in points for category in fit.categories)
    return CategoryMargins(keys, rows, tuple(means(x).tolist()), G @ cov[np.ix_(free, free)] @ G.T, level, None,
                           outcome, kind, known)


def _columns(fit) -> tuple[dict, dict]:
    """All columns that predictions read, rows used, and those of the fixed part."""
    design, part = fit.spec, getattr(fit.model, "nominal", None)
    formula = design.formula
    random = {factor for term in formula.random for own in (*term.terms, term.group) for factor in own}
    terms = (*formula.fixed, *(() if part is None else part.terms))
    fixed = {factor for term in terms for factor in term} | set(formula.offsets)
    return read_columns(design, fixed, {name for factor in random for name in factor.columns})
