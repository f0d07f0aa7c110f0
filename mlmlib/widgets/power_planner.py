"""Lab of chapter 21: schools or students for a budget."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.lab import lab

LIMITS = {
    "effect": (0.05, 1),
    "icc": (0.01, 0.5),
    "r2_group": (0, 0.95),
    "r2_unit": (0, 0.95),
    "effect_sd": (0, 0.5),
    "J": (6, 200),
    "n": (2, 200),
    "budget": (5000, 200000),
    "cost_group": (50, 5000),
    "cost_unit": (1, 200),
}
LEVELS, ALPHAS = ("school", "student"), (0.01, 0.05, 0.1)


def power_planner(
    *,
    level: str = "school",
    effect: float = 0.4,
    icc: float = 0.2,
    r2_group: float = 0.0,
    r2_unit: float = 0.0,
    effect_sd: float = 0.1,
    alpha: float = 0.05,
    J: int = 30,
    n: int = 40,
    budget: float = 40000,
    cost_group: float = 500,
    cost_unit: float = 20,
    snap: bool = False,
) -> Any:
    """Power over schools and students, the line that a budget buys, and the design chosen (chapter 21).

    Half of the schools are treated, or half of the students of each school. Numbers are those of
    ``mlm.power.cluster_randomized`` and ``mlm.power.multisite``, with the noncentral t.

    Parameters
    ----------
    level : {"school", "student"}
        What is assigned to treatment: whole schools, or students within each school.
    effect : float
        In standard deviations, 0.05 to 1.
    icc : float
        Share of the variance between schools, 0.01 to 0.5.
    r2_group, r2_unit : float
        Shares of the variance between and within schools that covariates explain, 0 to 0.95; a covariate of schools
        costs a degree of freedom.
    effect_sd : float
        SD of the effect between schools where students are treated, 0 to 0.5.
    alpha : {0.01, 0.05, 0.1}
        Level of the two-sided test.
    J, n : int
        The chosen design: schools (6 to 200) and students in each (2 to 200); of what is treated an even number.
    budget, cost_group, cost_unit : float
        Money, and what a school and a student cost.
    snap : bool
        Whether the chosen design keeps to what the budget buys.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> opened = mlm.labs.power_planner(icc=0.1, cost_group=1000)
    """
    state: dict[str, Any] = {"level": level, "effect": effect, "icc": icc, "r2_group": r2_group, "r2_unit": r2_unit}
    state |= {"effect_sd": effect_sd, "alpha": alpha, "J": J, "n": n, "budget": budget, "cost_group": cost_group}
    state |= {"cost_unit": cost_unit, "snap": bool(snap)}
    for name, options in (("level", LEVELS), ("alpha", ALPHAS)):
        if state[name] not in options:
            raise ValueError(f"{name} = {state[name]!r}: choose one of {', '.join(map(str, options))}")
    for name, (low, high) in LIMITS.items():
        if not low <= state[name] <= high:
            raise ValueError(f"{name} = {state[name]}: the lab works from {low:g} to {high:g}")
    for name, of in (("J", "school"), ("n", "student")):
        if level == of and state[name] % 2:
            raise ValueError(f"{name} = {state[name]}: half of the {of}s are treated, so their number must be even")
    return lab("power_planner", "Power planner", state)
