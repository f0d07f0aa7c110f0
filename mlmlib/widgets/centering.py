"""Lab of chapter 6: centering."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.lab import lab

MODES = ("none", "grand", "group")
SLOPES = (-4.0, 4.0)


def centering(
    *,
    within: float = 1.0,
    between: float = 3.5,
    share: float = 0.7,
    n: int = 10,
    tau: float = 1.5,
    mode: str = "none",
    mean: bool = False,
    seed: int = 1,
    reml: bool = False,
) -> Any:
    """Clouds with one slope inside and another between them; which one the model reports (chapter 6).

    Eight schools of `n` students are drawn so that their within and between slopes are exactly those asked for, and
    that the within-between model finds exactly `tau` (and sigma = 2.5). The pooled line and the random-intercept model
    are then fitted in the page.

    Parameters
    ----------
    within, between : float
        Slopes, -4 to 4 points an hour.
    share : float
        Share of the variance of x that lies between schools, 0.05 to 0.95.
    n : int
        Students in each school, 2 to 30.
    tau : float
        SD of the schools around the line between them, 0 to 5.
    mode : {"none", "grand", "group"}
        What is subtracted from x: nothing, the mean of all, the mean of the school.
    mean : bool
        Whether the school's mean of x enters as a second predictor.
    seed : int
        Which students: the same seed draws the same.
    reml : bool
        Whether the model is fitted by REML instead of ML.
    """
    if mode not in MODES:
        raise ValueError(f"mode = {mode!r}: choose one of {', '.join(MODES)}")
    for name, value, (low, high) in (
        ("within", within, SLOPES),
        ("between", between, SLOPES),
        ("share", share, (0.05, 0.95)),
        ("n", n, (2, 30)),
        ("tau", tau, (0, 5)),
    ):
        if not low <= value <= high:
            raise ValueError(f"{name} = {value}: the lab works from {low:g} to {high:g}")
    state = {
        "within": within,
        "between": between,
        "share": share,
        "n": n,
        "tau": tau,
        "mode": mode,
        "mean": mean,
        "seed": seed,
    }
    return lab("centering", "Centering", state, data={"J": 8, "sigma": 2.5, "reml": bool(reml)})
