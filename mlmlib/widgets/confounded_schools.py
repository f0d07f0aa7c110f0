"""Lab of chapter 19: schools whose effects go with the predictor."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.lab import lab

LIMITS = {"rho": (-0.95, 0.95), "tau": (0, 2), "share": (0.05, 0.9), "J": (6, 100), "n": (2, 40)}
MOST = 5000


def confounded_schools(
    *,
    rho: float = 0.7,
    tau: float = 0.6,
    share: float = 0.5,
    J: int = 40,
    n: int = 5,
    seed: int = 12,
    studies: int = 200,
) -> Any:
    """Fixed effects, random effects and Mundlak's regression where schools' effects go with x (chapter 19).

    In each school students' x varies about the school's own level, and so does the school's effect on y; the two levels
    correlate by ``rho``. The true slope of x is 0.5, that of a program w of half the schools 0.5, students' residual
    variance 1. Pooled least squares, random effects (Swamy and Arora), fixed effects and Mundlak's regression are fitted
    in the page, with Hausman's test, to one sample and to many.

    Parameters
    ----------
    rho : float
        Correlation of the schools' levels of x with their effects, -0.95 to 0.95.
    tau : float
        SD of the schools' effects, 0 to 2.
    share : float
        Share of the variance of x that lies between schools, 0.05 to 0.9.
    J, n : int
        Schools (6 to 100) and students in each (2 to 40).
    seed : int
        Which luck: the same seed draws the same samples.
    studies : int
        How many further samples the lab opens with (0 to 5000).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> opened = mlm.labs.confounded_schools(rho=0)
    """
    state = {"rho": rho, "tau": tau, "share": share, "J": J, "n": n, "seed": seed, "studies": studies}
    for name, (low, high) in (LIMITS | {"seed": (1, 10**6), "studies": (0, MOST)}).items():
        if not low <= state[name] <= high:
            raise ValueError(f"{name} = {state[name]}: the lab works from {low:g} to {high:g}")
    return lab("confounded_schools", "Confounded schools", state)
