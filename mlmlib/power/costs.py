"""A budget over the levels: a few large groups or many small ones.

With the variance ``(a + b / n) / groups`` and groups that cost c_group each and c_unit a unit, the budget is best spent
with ``n = sqrt((c_group / c_unit) (b / a))`` units a group, whatever the budget is; and with a third level likewise for
groups a cluster. Whole numbers near it are tried, with the degrees of freedom that a smaller number of groups costs.

Chapter 21 (``21_planning``) derives the optimum.

References
----------
Raudenbush, S. W. (1997). Statistical analysis and optimal design for cluster randomized trials. Psychological Methods,
2, 173-185.
Raudenbush, S. W., & Liu, X. (2000). Statistical power and optimal design for multisite randomized trials. Psychological
Methods, 5, 199-213.
Liu, X. (2003). Statistical power and optimum sample allocation ratio for treatment and control having unequal costs per
unit of randomization. Journal of Educational and Behavioral Statistics, 28, 231-248.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ..display import Shown, number
from ..errors import DataError
from .arguments import one_of, positive
from .clusters import cluster_randomized
from .result import PowerResult
from .sites import multisite
from .solve import smallest_size
from .three import three_level

__all__ = ["BudgetResult", "budget"]

_DESIGNS: dict[str, Callable] = {"cluster_randomized": cluster_randomized, "multisite": multisite, "three_level": three_level}
_WIDEST, _LARGEST = 400, 10 ** 5  # sizes of a level that are tried one by one; the largest


@dataclass(frozen=True, repr=False)
class BudgetResult(Shown):
    """How to spend a budget.

    Attributes
    ----------
    plan : PowerResult
        The best design in whole numbers; ``power``, ``groups``, ``n`` and the like are read from it.
    cost : float
        What it costs.
    total : float or None
        The budget.
    formula_n, formula_groups : float
        The optimum without rounding: units a group, and with three levels groups a cluster.
    table : DataFrame
        Along the units a group: the other sizes that the budget allows (or that the power takes), cost, power.
    """

    plan: PowerResult
    costs: dict
    cost: float
    total: float | None
    formula_n: float
    formula_groups: float
    rows: tuple

    def __getattr__(self, name):
        plan = self.__dict__.get("plan")
        if plan is not None and not name.startswith("_"):
            return getattr(plan, name)
        raise AttributeError(name)

    def __setstate__(self, state):
        self.__dict__.update(state)

    @property
    def table(self):
        from .. import frames as pd

        return pd.DataFrame([dict(row) for row in self.rows])

    def _title(self):
        return f"Budget: {self.plan.design.title[0].lower()}{self.plan.design.title[1:]}"

    def _rows(self):
        sizes = [[name, f"{value:g}", self.plan.design.words[name]] for name, value in self.plan.sizes.items()]
        best = [["optimal n", "any" if math.isinf(self.formula_n) else f"{self.formula_n:.2f}",
                 "by the formula, not rounded"]]
        if not math.isnan(self.formula_groups):
            best.append(["optimal groups", f"{self.formula_groups:.2f}", "a cluster, by the formula"])
        spent = f"of {self.total:g}" if self.total is not None else "the least that reaches the power"
        return ["", "value", ""], [*sizes, ["cost", f"{self.cost:g}", spent], ["power", f"{self.plan.power:.3f}", ""],
                                   ["effect", number(self.plan.effect), ""], *best]

    def _note(self):
        return ("Optimal n = sqrt((cost_group / cost_unit) (variance within / variance between)); Raudenbush (1997), "
                "Raudenbush and Liu (2000). "
                "Whole numbers are chosen by their power, degrees of freedom included.")


def budget(total=None, *, effect, cost_unit, cost_group, cost_cluster=None, power=None, design="cluster_randomized",
           **arguments) -> BudgetResult:
    """The best sizes for a budget, or the cheapest ones for a power.

    Parameters
    ----------
    total : float, optional
        The budget; the cheapest design with `power` when left out.
    effect : float
    cost_unit, cost_group, cost_cluster : float
        Of a unit, of a group besides its units, of a cluster besides its groups (three levels).
    power : float, optional
        Give total or power.
    design : {"cluster_randomized", "multisite", "three_level"}
    **arguments
        Of the design: ``icc=0.1``, ``r2_group=0.5`` ...; its sizes are what is looked for.

    Returns
    -------
    BudgetResult

    Raises
    ------
    DataError
        When a budget pays for no design that can be tested, or no design has the power.

    References
    ----------
    Raudenbush (1997); Raudenbush & Liu (2000). Chapter 21 (``21_planning``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> best = mlm.power.budget(20_000, cost_group=300, cost_unit=10, icc=0.1, effect=0.3)
    >>> round(best.formula_n, 2), best.n, best.groups, best.cost, round(best.power, 3)
    (16.43, 15, 44, 19800.0, 0.681)
    >>> mlm.power.budget(power=0.8, cost_group=300, cost_unit=10, icc=0.1, effect=0.3).cost
    26100.0
    """
    one_of("design", design, tuple(_DESIGNS))
    if (total is None) == (power is None):
        raise DataError("Give either total=, the budget, or power=, whose cheapest design is looked for.")
    costs = {"n": positive("cost_unit", cost_unit), "groups": positive("cost_group", cost_group)}
    if design == "three_level":
        if cost_cluster is None:
            raise DataError("cost_cluster= is needed: what a cluster costs besides its groups.")
        costs["clusters"] = positive("cost_cluster", cost_cluster)
    elif cost_cluster is not None:
        raise DataError("cost_cluster= is for design='three_level'; two levels have groups and units.")
    for name in ("groups", "n", "clusters"):
        if name in arguments:
            raise DataError(f"{name}= is what budget looks for; leave it out, or ask the design's own function.")
    if total is not None:
        total = positive("total", total)
    names = ("clusters", "groups", "n") if design == "three_level" else ("groups", "n")
    first = _DESIGNS[design](effect, **dict.fromkeys(names, 40), **arguments)
    best_n, best_groups = _optimum(first, costs)
    rows = []
    for inner in _inner(first, costs, names, best_n, best_groups, total):
        rows += _row(first, costs, names, inner, total, power)
    if not rows:
        raise DataError(f"total={total:g} pays for no design that can be tested. Raise it, or look for cheaper groups."
                        if power is None else f"power={power:g} is reached by no design. Look for a larger effect.")
    chosen = (max(rows, key=lambda r: (r["power"], -r["cost"])) if power is None else
              min(rows, key=lambda r: (r["cost"], -r["power"])))
    along = _along(rows, power)
    plan = first.at(**{name: chosen[name] for name in names})
    return BudgetResult(plan, costs, chosen["cost"], total, best_n, best_groups,
                        tuple(tuple(row.items()) for row in along))


def price(sizes: dict, costs: dict) -> float:
    """What sizes cost."""
    groups = sizes["groups"] * sizes.get("clusters", 1)
    return costs.get("clusters", 0.0) * sizes.get("clusters", 0) + groups * (costs["groups"] + sizes["n"] * costs["n"])


def _optimum(plan: PowerResult, costs: dict) -> tuple[float, float]:
    """Units a group and groups a cluster, by the formula for equal sizes."""
    sizes = plan.sizes
    parts = list(plan.design.parts(plan.effect, dict.fromkeys(sizes, 1)).values())[: len(sizes)]
    ratios = [math.inf if upper == 0.0 else math.sqrt(lower / upper) for upper, lower in zip(parts, parts[1:])]
    best_n = ratios[-1] * math.sqrt(costs["groups"] / costs["n"])
    return best_n, ratios[0] * math.sqrt(costs["clusters"] / costs["groups"]) if len(sizes) == 3 else math.nan


def _range(least: int, step: int, best: float, most: float) -> list[int]:
    """Sizes to try: multiples of the step around the optimum, and ever larger ones; no more than the money buys."""
    top = min(most, max(3.0 * best, 40.0 * step) if math.isfinite(best) else 40.0 * step, least + _WIDEST * step)
    found = list(range(math.ceil(least / step) * step, int(top) + 1, step))
    wider = top * 1.1
    while wider <= min(most, _LARGEST):
        found.append(int(wider / step) * step)
        wider *= 1.1
    return found


def _inner(plan, costs, names, best_n, best_groups, total):
    """Sizes below the top one that are tried."""
    design = plan.design
    least, step = design.smallest("n"), design.step("n")
    units = _range(least, step, best_n, math.inf if total is None else total / costs["n"])
    if len(names) == 2:
        if total is not None:  # what is left for units when few groups are paid
            per = (int((total / groups - costs["groups"]) / costs["n"]) // step * step for groups in range(1, _WIDEST))
            units = sorted({*units, *(n for n in per if n >= least)})
        return [{"n": n} for n in units]
    most = math.inf if total is None else total / costs["groups"]
    middle = _range(design.smallest("groups"), design.step("groups"), best_groups, most)
    return [{"groups": J, "n": n} for J in middle[:60] for n in units[:120]]


def _row(plan, costs, names, inner, total, power) -> list[dict]:
    """The top size that the budget allows or the power takes, if any."""
    top, design = names[0], plan.design
    if power is None:
        each = price({**inner, top: 1}, costs)
        step = design.step(top)
        found = int(total / each * (1.0 + 1e-12)) // step * step
        if found < design.smallest(top):
            return []
    else:
        try:
            found = smallest_size(design, plan.effect, power, {**inner, top: None}, top)
        except DataError:
            return []
    sizes = {top: found, **inner}
    reached = design.power(plan.effect, sizes)
    if design.freedom(sizes) <= 0:
        return []
    return [{**sizes, "cost": price(sizes, costs), "power": reached}]


def _along(rows: list[dict], power) -> list[dict]:
    """The best row for each n."""
    best = {}
    for row in rows:
        own = best.get(row["n"])
        if own is None or (row["power"] > own["power"] if power is None else row["cost"] < own["cost"]):
            best[row["n"]] = row
    return [best[n] for n in sorted(best)]
