"""Lab of chapter 2: what clustering costs."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.lab import lab


def design_effect(*, icc: float = 0.1, n: int = 20, J: int = 30, keep: bool = False) -> Any:
    """Students as lights in schools: those left on are the effective sample size (chapter 2).

    Parameters
    ----------
    icc : float
        Intraclass correlation, from 0 to 0.5.
    n : int
        Students a school, 1 to 80.
    J : int
        Schools, 2 to 60.
    keep : bool
        Whether the number of students stays the same when `n` changes (larger schools, fewer of them).
    """
    if not 0 <= icc <= 0.5:
        raise ValueError(f"the lab's intraclass correlation goes from 0 to 0.5, not {icc}")
    if not (1 <= n <= 80 and 2 <= J <= 60):
        raise ValueError(f"the lab draws 1 to 80 students in each of 2 to 60 schools, not {n} in {J}")
    state = {"icc": icc, "n": n, "J": J, "keep": keep, "total": n * J}
    return lab("design_effect", "What clustering costs", state)
