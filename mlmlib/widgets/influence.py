"""Lab of chapter 9: the influence of a school."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.lab import lab


X_RANGE, Y_RANGE = (-1.2, 1.6), (34.0, 70.0)


def influence(
    school: Any = 62821,
    *,
    out: Any = (),
    moved: dict | None = None,
    sizes: dict | None = None,
    students: bool = False,
) -> Any:
    """Drag a school of the math data, or take it out: what becomes of the line between schools (chapter 9).

    The model is ``math ~ mean SES of the school + (1 | school)`` by REML, fitted in the page again with and without
    each of the 23 schools.

    Parameters
    ----------
    school : int or str
        The school that is looked at.
    out : sequence of int or str
        Schools that are taken out, 19 at most.
    moved : dict, optional
        Schools that stand elsewhere: school to (mean SES, mean score).
    sizes : dict, optional
        Schools with another number of students, 2 to 200; their means and SDs stay.
    students : bool
        Whether the line of all students, schools ignored, is drawn too.
    """
    import numpy as np

    from mlmlib.datasets import load

    math = load("math")
    groups = math.groupby("schid", observed=True)
    labels = [str(label) for label in groups.groups]
    chosen, gone = _place(school, labels), sorted({_place(each, labels) for each in out})
    if len(labels) - len(gone) < 4:
        raise ValueError(f"out = {out!r}: at least 4 of the {len(labels)} schools have to stay")
    places, counts = _by_place(moved, labels), _by_place(sizes, labels)
    for x, y in places.values():
        if not (X_RANGE[0] <= x <= X_RANGE[1] and Y_RANGE[0] <= y <= Y_RANGE[1]):
            raise ValueError(
                f"moved: ({x}, {y}) is off the picture, which goes from {X_RANGE[0]:g} to {X_RANGE[1]:g} and from "
                f"{Y_RANGE[0]:g} to {Y_RANGE[1]:g}"
            )
    for size in counts.values():
        if not 2 <= size <= 200:
            raise ValueError(f"sizes: {size} students; a school has 2 to 200 here")
    everyone = range(len(labels))
    state = {
        "school": chosen,
        "x": [places[j][0] if j in places else None for j in everyone] if places else [],
        "y": [places[j][1] if j in places else None for j in everyone] if places else [],
        "n": [counts.get(j) for j in everyone] if counts else [],
        "out": gone,
        "students": bool(students),
    }
    around = (math["math"] - groups["math"].transform("mean")) ** 2
    data = {
        "labels": labels,
        "n": groups.size().tolist(),
        "x": groups["ses"].mean().tolist(),
        "y": groups["math"].mean().tolist(),
        "ss": np.asarray(around.groupby(math["schid"], observed=True).sum()).tolist(),
        "xRange": list(X_RANGE),
        "yRange": list(Y_RANGE),
        "xName": "mean SES of the school",
        "yName": "mean math score of the school (points)",
        "reml": True,
    }
    return lab("influence", "Influence of a school", state, data=data)


def _place(school, labels) -> int:
    if str(school) not in labels:
        raise ValueError(f"there is no school {school!r} in the math data; it has {', '.join(labels)}")
    return labels.index(str(school))


def _by_place(given, labels) -> dict:
    return {_place(school, labels): value for school, value in (given or {}).items()}
