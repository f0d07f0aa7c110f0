"""Lab of chapter 3: shrinkage."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.lab import lab

MODES = ("none", "partial", "complete")


def shrinkage(
    data: Any = None,
    *,
    outcome: str = "math",
    groups: str = "schid",
    fit: Any = None,
    school: Any = None,
    mode: str = "partial",
    tau2: float | None = None,
    sigma2: float | None = None,
    shift: dict | None = None,
    sizes: dict | None = None,
    edits: Any = (),
) -> Any:
    """Raw means and model estimates of groups, joined by arrows; REML runs in the page (chapter 3).

    Parameters
    ----------
    data : DataFrame, optional
        One row a student; the book's 23 schools if left out. At most 60 groups can be read.
    outcome, groups : str
        Columns of `data`.
    fit : LmmResult, optional
        A random-intercept model without predictors, instead of `data`: its data, its method (REML or ML).
    school : optional
        Label of the group that is picked out when the lab opens; the second-highest mean if left out.
    mode : {"partial", "none", "complete"}
        Which pooling it opens with.
    tau2, sigma2 : float, optional
        Variances to open with, both or neither; REML's (or ML's) if left out.
    shift, sizes : dict, optional
        Groups whose scores are all moved, by how much; groups with another number of students.
    edits : sequence of (group, row, float), optional
        Single students moved: which group, which of its rows (from 0), by how much.
    """
    if mode not in MODES:
        raise ValueError(f"mode = {mode!r}: choose one of {', '.join(MODES)}")
    if (tau2 is None) != (sigma2 is None):
        raise ValueError("give both tau2 and sigma2, or neither")
    reml = True
    if fit is not None:
        if list(fit.params.index) != ["Intercept"] or len(fit.random_effects) != 1:
            raise ValueError(
                "this lab shows models with an intercept and one random intercept only: fit 'y ~ 1 + (1 | g)'"
            )
        factor = next(iter(fit.random_effects))
        if list(fit.random_effects[factor].columns) != ["Intercept"]:
            raise ValueError("this lab shows random intercepts only: fit 'y ~ 1 + (1 | g)'")
        data, outcome, groups, reml = fit.data, fit.spec.endog_name, factor, fit.reml
    elif data is None:
        from mlmlib.datasets import load

        data = load("math")
    for column in (outcome, groups):
        if column not in data.columns:
            raise ValueError(f"there is no column {column!r} in the data; it has {', '.join(map(str, data.columns))}")
    used = data[[groups, outcome]].dropna()
    scores = {label: part.tolist() for label, part in used.groupby(groups, observed=True)[outcome]}
    if not 2 <= len(scores) <= 60:
        raise ValueError(f"{groups} has {len(scores)} groups: the lab draws one row each, for 2 to 60 groups")
    labels = list(scores)
    if school is None:
        by_mean = sorted(labels, key=lambda label: -sum(scores[label]) / len(scores[label]))
        school = by_mean[1]
    places = {str(label): i for i, label in enumerate(labels)}

    def place(label) -> int:
        if str(label) not in places:
            raise ValueError(f"there is no {groups} {label!r} in the data")
        return places[str(label)]

    def listed(given, empty) -> list:
        given = {place(label): value for label, value in (given or {}).items()}
        return [given.get(j, empty) for j in range(len(labels))] if given else []

    state = {
        "mode": mode,
        "auto": tau2 is None,
        "tau2": tau2,
        "sigma2": sigma2,
        "school": place(school),
        "shift": listed(shift, 0),
        "sizes": listed(sizes, None),
        "edits": [[place(label), row, by] for label, row, by in edits],
    }
    axis = "math score" if outcome == "math" else outcome
    fixed = {
        "labels": [str(label) for label in labels],
        "groups": list(scores.values()),
        "axis": axis,
        "reml": bool(reml),
    }
    return lab("shrinkage", "Shrinkage", state, data=fixed)
