"""Lab of chapter 2: the coverage machine."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.lab import lab


def coverage(
    *, J: int = 40, n: int = 20, icc: float = 0.15, effect: float = 0.3, seed: int = 1, studies: int = 100
) -> Any:
    """Draw studies that treat whole schools; OLS, cluster-robust and mixed-model intervals stack up (chapter 2).

    Each study is simulated and fitted three ways in the page. Every other school is treated; the outcome has
    variance 1, `icc` of it between schools. The mixed model's interval uses t with J - 2 degrees of freedom, the
    cluster-robust one t with J - 1, OLS t with J n - 2.

    Parameters
    ----------
    J, n : int
        Schools (even, 4 to 100) and students in each (2 to 60).
    icc : float
        Share of the variance that lies between schools, 0 to 0.5.
    effect : float
        The true effect of treatment, in standard deviations.
    seed : int
        Which luck: the same seed draws the same studies.
    studies : int
        How many studies the lab opens with (at most 5000).
    """
    if J % 2 or not 4 <= J <= 100:
        raise ValueError(f"J = {J}: half of the schools are treated, so give an even number from 4 to 100")
    if not 2 <= n <= 60:
        raise ValueError(f"n = {n}: a school has 2 to 60 students here")
    if not 0 <= icc <= 0.5:
        raise ValueError(f"icc = {icc}: the machine works from 0 to 0.5")
    if not 1 <= studies <= 5000:
        raise ValueError(f"studies = {studies}: give 1 to 5000")
    state = {"J": J, "n": n, "icc": icc, "effect": effect, "seed": seed, "studies": studies}
    return lab("coverage", "The coverage machine", state)
