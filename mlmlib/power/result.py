"""What `mlm.power` returns: a design with all its numbers, and the formula behind them.

Chapter 21 (``21_planning``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

from ..display import Shown, number
from ..errors import DataError
from .design import Design
from .noncentral import critical

__all__ = ["PowerResult"]


@dataclass(frozen=True, repr=False)
class PowerResult(Shown):
    """Power of a design.

    Attributes
    ----------
    power, effect : float
        `effect` is in the unit that the printed table names.
    sizes : dict
        The sizes, from the top level down; each is an attribute too (``groups``, ``n``; ``clusters``; ``waves``).
    solved : str
        What was left out and solved for.
    se, df, noncentrality, critical : float
        Standard error of the estimated effect; degrees of freedom, noncentrality ``effect / se`` and critical value of
        its t test.
    design_effect : float
        Variance of the estimate over that of as many units assigned one by one, without groups.
    parts : dict
        What each level adds to the squared standard error.
    """

    design: Design
    effect: float
    sizes: dict
    power: float
    solved: str

    def __getattr__(self, name):
        sizes = self.__dict__.get("sizes", {})
        if name in sizes:
            return sizes[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __setstate__(self, state):
        self.__dict__.update(state)

    @property
    def parts(self) -> dict[str, float]:
        return self.design.parts(self.effect, self.sizes)

    @property
    def se(self) -> float:
        return math.sqrt(self.design.variance(self.effect, self.sizes))

    @property
    def df(self) -> float:
        return self.design.freedom(self.sizes)

    @property
    def noncentrality(self) -> float:
        return abs(self.effect) / self.se if self.se else math.inf

    @property
    def critical(self) -> float:
        return critical(self.df, self.design.alpha, self.design.sides)

    @property
    def total(self) -> float:
        """Units in all."""
        return self.design.total(self.sizes)

    @property
    def design_effect(self) -> float:
        alone = self.design.alone(self.effect, self.total)
        return math.nan if alone is None else self.design.variance(self.effect, self.sizes) / alone

    def detectable(self, power: float = 0.8) -> float:
        """The minimum detectable effect: the smallest that these sizes find with a power.

        Examples
        --------
        >>> import mlmlib as mlm
        >>> round(mlm.power.cluster_randomized(0.3, icc=0.15, groups=40, n=20).detectable(), 3)
        0.399
        """
        from .solve import solved

        return solved(self.design, None, power, dict(self.sizes)).effect

    def at(self, **changes) -> PowerResult:
        """The power when some arguments are others: sizes, the effect, or those of the design (``icc=0.2``).

        Examples
        --------
        >>> import mlmlib as mlm
        >>> plan = mlm.power.cluster_randomized(0.3, icc=0.15, groups=40, n=20)
        >>> round(plan.power, 3), round(plan.at(n=60).power, 3), round(plan.at(icc=0.05).power, 3)
        (0.559, 0.626, 0.842)
        """
        from .solve import solved

        sizes = {name: changes.pop(name, value) for name, value in self.sizes.items()}
        effect = changes.pop("effect", self.effect)
        known = {field.name for field in fields(self.design)} - {"outcome"}
        strange = sorted(set(changes) - known)
        if strange:
            raise DataError(f"at() knows no {', '.join(strange)} of this design; it can change "
                            f"{', '.join([*self.sizes, 'effect', *sorted(known)])}.")
        return solved(replace(self.design, **changes) if changes else self.design, effect, None, sizes)

    def curve(self, over: str = "groups", values=None, by: str | None = None, by_values=None):
        """Power along one argument, and for each value of a second one.

        Parameters
        ----------
        over : str
            A size, ``"effect"``, or a number of the design such as ``"icc"``.
        values : sequence, optional
            Of `over`: from a quarter to three times its own value when left out.
        by, by_values : str and sequence, optional
            A second argument; a block of rows for each value.

        Returns
        -------
        DataFrame
            Columns by (if any), over, power, se, df, detectable: the smallest effect found with power 0.80.

        Examples
        --------
        >>> import mlmlib as mlm
        >>> plan = mlm.power.cluster_randomized(0.3, icc=0.15, groups=40, n=20)
        >>> plan.curve("groups", [20, 40, 80]).round(3)["power"].tolist()
        [0.305, 0.559, 0.855]
        """
        from .. import frames as pd

        if by is not None and by_values is None:
            raise DataError("by= needs by_values=: the values of the second argument.")
        rows = []
        for outer in [None] if by is None else by_values:
            base = self if by is None else self.at(**{by: outer})
            for value in base._values(over) if values is None else values:
                one = base.at(**{over: value})
                head = {} if by is None else {by: outer}
                rows.append({**head, over: value, "power": one.power, "se": one.se, "df": one.df,
                             "detectable": one._detectable()})
        return pd.DataFrame(rows)

    def _detectable(self) -> float:
        try:
            return self.detectable()
        except DataError:
            return math.nan

    def _values(self, over: str) -> list:
        """Values around the result's own."""
        if over in self.sizes:
            own, least, step = self.sizes[over], self.design.smallest(over), self.design.step(over)
            found = {max(least, step * round(own * k / 20 / step)) for k in range(5, 61)}
            return sorted(v for v in found if self.design.freedom({**self.sizes, over: v}) > 0)
        own = self.effect if over == "effect" else getattr(self.design, over, None)
        if not isinstance(own, (int, float)) or not own:
            raise DataError(f"curve(over={over!r}) needs values=: the values of {over}.")
        top = min(3.0, 0.99 / own) if over != "effect" or self.design.outcome.scale == "difference" else 3.0
        return [own * (0.25 + (top - 0.25) * k / 40) for k in range(41)]

    @property
    def about(self) -> str:
        """The formula in words and where it is from."""
        return " ".join([self.design.formula, self.design.source, *self.design.notes])

    def _title(self):
        return self.design.title

    def _rows(self):
        design = self.design
        rows = [["power", f"{self.power:.3f}", "solved for" if self.solved == "power" else ""],
                ["effect", number(self.effect), design.outcome.unit if not hasattr(design, "unit") else design.unit]]
        rows += [[name, f"{value:g}", design.words[name]] for name, value in self.sizes.items()]
        rows += [["total", f"{self.total:g}", "units"], ["standard error", number(self.se), "of the effect"],
                 ["df", "infinite" if math.isinf(self.df) else f"{self.df:g}",
                  f"alpha {design.alpha:g}, {design.sides}-sided"],
                 ["noncentrality", number(self.noncentrality), f"critical t {self.critical:.3f}"]]
        if not math.isnan(self.design_effect):
            rows.append(["design effect", number(self.design_effect), "over units assigned one by one"])
        rows.append(["detectable", number(self._detectable()), "smallest effect found with power 0.80"])
        for row in rows:
            if row[0] == self.solved and row[0] != "power":
                row[2] += ", solved for"
        return ["", "value", ""], rows

    def _note(self):
        return self.about
