"""Lab of chapter 1: least squares by hand."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.lab import lab


def least_squares(
    *, school: str | int = "72991", x: Any = None, y: Any = None, twice: bool = False, squares: bool = True
) -> Any:
    """Drag a student: line, squares, standard error and R2 follow (chapter 1).

    Parameters
    ----------
    school : {"72991", "6327"}
        Whose students the lab opens with, homework against math score.
    x, y : sequence of float, optional
        Other points to open with: x from 0 to 7, y from 20 to 80. Left out, those of the school.
    twice : bool
        Whether every student is entered twice.
    squares : bool
        Whether the squares of the residuals are drawn.
    """
    if x is None or y is None:
        from mlmlib.datasets import load

        math = load("math")
        students = math[math["schid"].astype(str) == str(school)]
        if students.empty:
            raise ValueError(f"the math data have no school {school!r}; the lab knows 72991 and 6327")
        x, y = students["homework"] if x is None else x, students["math"] if y is None else y
    if len(x) != len(y):
        raise ValueError(f"x has {len(x)} points and y has {len(y)}: give as many of both")
    return lab(
        "least_squares",
        "Least squares by hand",
        {"x": x, "y": y, "school": str(school), "twice": twice, "squares": squares},
    )
