"""A pilot study made larger: its groups are drawn anew, its fitted model draws their outcomes.

Chapter 21 (``21_planning``).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import DataError
from ..table import Categorical, Table
from .arguments import count
from .study import Study

__all__ = ["pilot"]


@dataclass(frozen=True, kw_only=True)
class Pilot(Study):
    """A fit with some coefficients replaced, and the rows that new studies draw from."""

    fit: Any
    columns: dict = field(repr=False)
    rows: tuple = field(repr=False)
    many: int
    each: int | None

    def draw(self, rng):
        """Groups drawn whole with replacement, and rows within them where another number is asked for."""
        from .. import frames as pd

        chosen = rng.integers(0, len(self.rows), self.many)
        members = [self.rows[j] if self.each is None else rng.choice(self.rows[j], self.each) for j in chosen]
        place = np.concatenate(members)
        table = pd.DataFrame({name: values[place] for name, values in self.columns.items()})
        if self.groups is not None:
            table[self.groups] = np.repeat(np.arange(1, self.many + 1), [len(m) for m in members])
        table[self.fit.design.formula.response.label] = self.fit.simulate(1, rng, data=table)[0]
        return table


def pilot(fit, effect, groups, n, term, cluster) -> Pilot:
    """The study of a fit."""
    formula = fit.design.formula
    if hasattr(fit, "residual_table") or hasattr(fit, "outcomes") or getattr(getattr(fit, "density", None), "K", 1) > 1:
        raise DataError("simulate takes fits of mlm.ols, mlm.lmm and mlm.glmm with one outcome and independent "
                        "residuals; for others give it "
                        "a function of the data as analysis= and a formula with its truth.")
    if fit.design.weights is not None or fit.design.offset is not None or getattr(getattr(fit, "density", None),
                                                                                  "trials", None) is not None:
        raise DataError("This fit has weights, an offset, an exposure or trials, which new rows would need too: give "
                        "simulate a formula "
                        "with its truth.")
    effect = {} if effect is None else effect
    if not isinstance(effect, dict):
        raise DataError(f"effect={effect!r} must name the coefficient: {{{fit._names[-1]!r}: {effect!r}}}.")
    strange = [name for name in [*effect, *([] if term is None else [term])] if name not in fit._names]
    if strange:
        raise DataError(f"The model has no coefficient {strange[0]!r}; it has {', '.join(fit._names)}.")
    term = next(iter(effect), None) if term is None else term
    if term is None:
        raise DataError(f"effect= (or term=) must name the coefficient that is tested, one of {', '.join(fit._names)}.")
    factors = list(dict.fromkeys(factor.label for random in formula.random for factor in random.group))
    if len(factors) > 1:
        raise DataError("A pilot study is made larger by drawing the groups of one factor; this fit has several: "
                        f"{', '.join(factors)}. Give a formula and a table.")
    changed = copy.copy(fit)
    values = np.array(fit._params, dtype=float)
    for name, value in effect.items():
        values[list(fit._names).index(name)] = float(value)
    changed.__dict__["_params"] = values
    kept = np.arange(fit.nobs) if fit.design.kept is None else np.flatnonzero(fit.design.kept)
    table = Table(fit.data)
    columns = {name: _values(table, name)[kept] for name in formula.columns if name != formula.response.label}
    if factors:
        codes = np.unique(np.asarray(columns[factors[0]]), return_inverse=True)[1]
        rows = tuple(np.flatnonzero(codes == j) for j in range(codes.max() + 1))
    else:
        rows = tuple(np.array([i]) for i in range(fit.nobs))
        groups, n = (fit.nobs if n is None else n) if groups is None else groups, None
    family = "gaussian" if not hasattr(fit, "density") else fit.family.name
    return Pilot(formula=fit.formula, layout=None, coefficients=dict(zip(fit._names, values)), family=family, term=term,
                 groups=factors[0] if cluster is None and factors else cluster, fit=changed, columns=columns, rows=rows,
                 many=len(rows) if groups is None else count("groups", groups, 2,
                                                             "It is the number of groups of the new study."),
                 each=None if n is None else count("n", n), options=_options(fit))


def _options(fit) -> dict:
    """How the fit was made."""
    if hasattr(fit, "density"):
        return {"link": fit.link.name, "method": fit.method}
    return {"reml": fit.reml, "covariance": fit.model.covariance} if hasattr(fit, "model") else {}


def _values(table, name: str):
    """A column with its categories in their order, to be indexed by rows."""
    column = table[name]
    if not isinstance(column, Categorical):
        return column
    from .. import frames as pd

    return pd.Categorical.from_codes(column.codes, column.levels)
