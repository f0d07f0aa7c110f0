"""The model's line of one group: the fixed part, the group's effects, and those of the groups that it lies in (chapters 11 and 12)."""

from __future__ import annotations

import numpy as np

from ..lmm.nested import outer_of

__all__ = ["group_line", "labels_of", "one_group_each"]


def one_group_each(fit, factor) -> None:
    """Refuse a factor of which rows have several groups, so that no row is one group's own."""
    if next(t for t in fit.design.random if t.group == factor).members is not None:
        raise ValueError(f"Rows belong to several groups of {factor}: none is one group's own. mlm.plots.caterpillar "
                         "shows its effects.")


def labels_of(fit, factor) -> np.ndarray:
    """The group of every row used."""
    return np.asarray(fit.groups[factor])


def group_line(fit, rows, factor, label):
    """Predictions for `rows` in the group `label` of `factor`.

    Of other grouping factors only those count that `factor` lies in: a school's line is that of an average child, a child's line is
    in its school.
    """
    alone = len(fit.n_groups) == 1 and fit.design.random[0].members is None and factor in rows
    if alone:
        return np.asarray(fit.predict(rows, random_effects=True), float)
    out = np.asarray(fit.predict(rows, random_effects=False), float)
    first = int(np.flatnonzero(labels_of(fit, factor) == label)[0])
    for group in (*outer_of(fit.design, factor), factor):
        effects = fit.random_effects[group].loc[labels_of(fit, group)[first]]
        for name, value in effects.items():
            if name != "Intercept" and name not in rows:
                raise ValueError(f"The slope of {name} varies between groups of {group}, and is no column of the data "
                                 "to draw along.")
            out = out + float(value) * (1.0 if name == "Intercept" else rows[name].to_numpy(float))
    return out
