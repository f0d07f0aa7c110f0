"""Lab of chapter 8: the test of a variance."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.lab import lab

VIEWS = ("density", "tail")


def variance_test(
    *,
    J: int = 20,
    n: int = 10,
    tau2: float = 0.0,
    reml: bool = True,
    cut: float = 2.7,
    view: str = "density",
    seed: int = 2,
    studies: int = 1000,
) -> Any:
    """Likelihood-ratio statistics of a variance pile up, about half of them at zero (chapter 8).

    Each study of J schools with n students is simulated and tested in the page, with students' variance 1. Laid over
    are chi-square with one degree of freedom, its half-and-half mixture with zero, and the exact distribution.

    Parameters
    ----------
    J, n : int
        Schools (4 to 100) and students in each (2 to 60).
    tau2 : float
        The true variance between schools, 0 to 0.3.
    reml : bool
        Whether the statistic is that of REML.
    cut : float
        A statistic to look up, 0.05 to 30.
    view : {"density", "tail"}
        What is drawn of the distributions.
    seed : int
        Which luck: the same seed draws the same studies.
    studies : int
        How many studies the lab opens with (at most 20000).
    """
    if view not in VIEWS:
        raise ValueError(f"view = {view!r}: choose one of {', '.join(VIEWS)}")
    for name, value, (low, high) in (
        ("J", J, (4, 100)),
        ("n", n, (2, 60)),
        ("tau2", tau2, (0, 0.3)),
        ("cut", cut, (0.05, 30)),
        ("studies", studies, (1, 20000)),
    ):
        if not low <= value <= high:
            raise ValueError(f"{name} = {value}: the lab works from {low:g} to {high:g}")
    state = {
        "J": J,
        "n": n,
        "tau2": tau2,
        "reml": bool(reml),
        "cut": cut,
        "view": view,
        "seed": seed,
        "studies": studies,
    }
    return lab("variance_test", "Test of a variance", state)
