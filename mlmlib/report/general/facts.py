"""What a generalized fit is, asked in one place: distribution, link, approximation, options, categories of the outcome."""

from __future__ import annotations

from functools import cached_property
from types import SimpleNamespace


from ...table import Categorical, Table
from ..translate.general.spec import ZERO_PARTS, spelled

__all__ = ["Facts", "is_general", "outcome_view"]


def is_general(fit) -> bool:
    """Whether a fit is one of ``mlm.glmm``."""
    return hasattr(fit, "family")


def is_marginal(fit) -> bool:
    """Whether a fit is one of ``mlm.gee``, which has groups but no random effects and no likelihood."""
    return getattr(fit, "_marginal", False)


def has_effects(fit) -> bool:
    """Whether a fit has random effects."""
    return bool(getattr(fit, "n_groups", None)) and not is_marginal(fit)


class Facts:
    """The facts of a fit of ``mlm.glmm``.

    Attributes
    ----------
    fit : GlmmResult
    family : str
        One spelling a family: ``"binomial"`` whether one trial a row or many.
    link, method : str
    nodes, order : int or None
    """

    def __init__(self, fit):
        self.fit, self.method = fit, fit.method
        self.family = spelled(fit.family)
        self.link = str(getattr(fit.link, "name", fit.link))
        self.nodes = getattr(fit, "nodes", None) if fit.method == "agq" else None
        self.order = getattr(fit, "order", None) if fit.method in ("pql", "mql") else None

    def option(self, name):
        """A setting as it was given: a column's name, a number, a formula; None where it was not."""
        if name == "offset":
            return self.fit.design.offset_option
        found = getattr(self.fit.model, f"{name}_option", None)
        return self.fit.design.weights if name == "weights" and found is None else found

    @property
    def base(self) -> str:
        """Of zero-inflated and hurdle counts the distribution of the counts."""
        return ZERO_PARTS.get(self.family, self.family)

    @property
    def rows(self) -> int:
        """Rows of the table that are used; of several outcomes those of the longest."""
        parts = getattr(self.fit.design, "parts", ())
        return max(len(part.y) for part in parts) if parts else int(self.fit.nobs)

    @property
    def hurdle(self) -> bool:
        return self.family.startswith("hurdle")

    @property
    def binary(self) -> bool:
        """One trial a row."""
        trials = self.option("trials")
        return self.family == "binomial" and (trials is None or isinstance(trials, int) and trials == 1)

    @property
    def quasi(self) -> bool:
        """Fitted by PQL or MQL, which have no likelihood."""
        return self.method in ("pql", "mql")

    @cached_property
    def levels(self) -> tuple:
        """The outcome's categories in their order, none of numbers (but of an ordinal or multinomial outcome)."""
        if hasattr(self.fit, "categories"):
            return tuple(self.fit.categories)
        factor, data = self.fit.design.formula.response, self.fit.data
        if not factor.is_column:
            return ()
        column = Table(data)[factor.label]
        found = column.used().levels.tolist() if isinstance(column, Categorical) else ()
        return () if set(found) <= {False, True} else tuple(found)

    @property
    def event(self) -> str:
        """What counts as one: ``"use = Y"``, ``"y = 1"``."""
        name = self.fit.design.endog_name
        return f"{name} = {self.levels[1] if len(self.levels) > 1 else 1}"


def outcome_view(fit, name: str) -> SimpleNamespace:
    """One outcome of several of different families, with what `Facts` asks of a fit."""
    h, prefix = list(fit.families).index(name), f"{name}: "
    dispersion = fit.dispersion
    dispersion = dispersion[[n for n in dispersion.index if n.startswith(prefix)]].rename(lambda n: n.removeprefix(prefix))
    part = fit.design.parts[h]
    options = {f"{option}_option": value for option, value in fit.model.asked[h].items() if option != "offset"}
    return SimpleNamespace(family=fit.families[name], link=fit.links[name], method=fit.method, nodes=fit.nodes,
                           design=part, data=fit.data,
                           dispersion=dispersion, n_groups=fit.n_groups, model=SimpleNamespace(**options))
