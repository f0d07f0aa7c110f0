"""Lab of chapter 9: the influence of a school."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.lab import lab


def influence(school: Any = 62821, *, out: Any = (), size: int | None = None, students: bool = False) -> Any:
    """Drag a school of the math data, or take it out: what becomes of the line between schools (chapter 9).

    The model is ``math ~ mean SES of the school + (1 | school)`` by REML, fitted in the page again with and without each
    of the 23 schools.

    Parameters
    ----------
    school : int or str
        The school that is looked at.
    out : sequence of int or str
        Schools that are taken out, 19 at most.
    size : int, optional
        Another number of students for the chosen school, 2 to 200; its mean and SD stay.
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
    if size is not None and not 2 <= size <= 200:
        raise ValueError(f"size = {size}: a school has 2 to 200 students here")
    state = {
        "school": chosen,
        "x": [],
        "y": [],
        "n": [] if size is None else [size if j == chosen else None for j in range(len(labels))],
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
        "xRange": [-1.2, 1.6],
        "yRange": [34.0, 70.0],
        "xName": "mean SES of the school",
        "yName": "mean math score of the school (points)",
        "reml": True,
    }
    return lab("influence", "Influence of a school", state, data=data)


def _place(school, labels) -> int:
    if str(school) not in labels:
        raise ValueError(f"there is no school {school!r} in the math data; it has {', '.join(labels)}")
    return labels.index(str(school))
