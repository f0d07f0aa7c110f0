"""What a translator needs to know of a generalized model, besides what a linear one says: distribution, link, trials, exposure,
weights, zero part, approximation.

Chapters 16 to 18 (``16_binary``, ``17_counts``, ``18_categories``) fit such models.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from ....formula import Factor, Formula, parse
from ..model import Model, Untranslatable, _of_design, expression, of_formula

__all__ = ["COUNTS", "DEFAULT_LINKS", "General", "POSITIVE", "ZERO_PARTS", "categories", "held_df", "linked", "of_fit", "of_text", "only_likelihood", "spelled"]

# name of a family: its default link
DEFAULT_LINKS = {
    "gaussian": "identity", "binomial": "logit", "poisson": "log", "nbinom2": "log", "nbinom1": "log", "geometric": "log",
    "gamma": "log", "exponential": "log", "inverse-gaussian": "log", "lognormal": "log", "beta": "logit", "t": "identity",
    "zip": "log", "zinb2": "log", "zinb1": "log", "hurdle-poisson": "log", "hurdle-nbinom1": "log", "hurdle-nbinom2": "log",
    "ordinal": "logit", "multinomial": "logit",
}
_SPELLED = {
    "bernoulli": "binomial", "binary": "binomial", "logistic": "binomial", "negative-binomial": "nbinom2", "negbin": "nbinom2",
    "normal": "gaussian", "zero-inflated-poisson": "zip", "student": "t", "student-t": "t", "cumulative": "ordinal",
    "nominal": "multinomial",
}
ZERO_PARTS = {"zip": "poisson", "zinb2": "nbinom2", "zinb1": "nbinom1", "hurdle-poisson": "poisson", "hurdle-nbinom1": "nbinom1",
              "hurdle-nbinom2": "nbinom2"}
COUNTS = ("poisson", "nbinom2", "nbinom1", "geometric", *ZERO_PARTS)
POSITIVE = ("gamma", "exponential", "inverse-gaussian", "lognormal")


def spelled(family) -> str:
    """The one spelling of a family's name: ``"bernoulli"`` is ``"binomial"``.

    >>> spelled("Bernoulli"), spelled("negative-binomial"), spelled("poisson")
    ('binomial', 'nbinom2', 'poisson')
    """
    name = re.sub(r"\(.*\)$", "", str(getattr(family, "name", family)).lower().replace("_", "-").replace(" ", "-"))
    return _SPELLED.get(name, name)


def linked(link: str) -> str:
    """A link with its article: ``"a log link"``, ``"an identity link"``."""
    return f"{'an' if link[0] in 'aeiou' else 'a'} {link} link"


def held_df(family) -> float | None:
    """The degrees of freedom at which ``"t(4)"`` holds them."""
    match = re.fullmatch(r"(?:t|student)\((.*)\)", str(getattr(family, "name", family)))
    return float(match[1]) if match else None


@dataclass(frozen=True)
class General(Model):
    """A generalized model in no program's language; `method` is "laplace", "agq", "pql" or "mql".

    `levels` are the outcome's categories, where it has some: of two the second is the event, of more their order.
    """

    family: str = "binomial"
    link: str = "logit"
    nodes: int | None = None
    order: int | None = None
    trials: str | int | None = None
    exposure: str | None = None
    offset: str | None = None
    weights: str | None = None
    levels: tuple = ()
    zero: Model | None = None
    df: float | None = None  # of a t distribution, where they are held
    nominal: str | None = None  # predictors by which thresholds differ

    @property
    def base(self) -> str:
        """Of zero-inflated and hurdle counts the distribution of the counts."""
        return ZERO_PARTS.get(self.family, self.family)

    @property
    def hurdle(self) -> bool:
        return self.family.startswith("hurdle")

    @property
    def binary(self) -> bool:
        """One trial a row."""
        return self.family == "binomial" and self.trials in (None, 1)

    @property
    def likelihood(self) -> bool:
        """Whether the fit has a likelihood, which pql and mql have not."""
        return self.method in ("laplace", "agq")

    @property
    def title(self) -> str:
        """The approximation in words, as a comment in code says it."""
        return {"laplace": "Laplace", "agq": f"adaptive quadrature with {self.nodes} nodes",
                "pql": f"PQL of order {self.order}", "mql": f"MQL of order {self.order}"}[self.method]

    def offsets(self, write=lambda text: f"log({text})", power: str = "^", log: str = "log") -> list[str]:
        """What is added to the linear predictor: the log of the exposure, offset=, and those of the formula."""
        found = [write(self.exposure)] if self.exposure else []
        found += [self.offset] if self.offset else []
        return found + [expression(_inner(factor), power, log) for factor in self.formula.offsets]


def _inner(factor: Factor) -> Factor:
    """What stands in ``offset(...)``."""
    match = re.fullmatch(r"offset\((.*)\)", factor.label)
    return Factor(match[1], factor.columns, None if match[1].isidentifier() else factor.code) if match else factor


def of_fit(fit, data: str = "df") -> General:
    """The model behind a result of ``mlm.glmm``."""
    from ...general.facts import Facts

    design, facts = fit.design, Facts(fit)
    model = _of_design(design, data)
    random = tuple(replace(r, structure=s.name) for r, s in zip(model.random, fit.model.structures))
    made = _general(replace(model, random=random, left_out=()), facts.family, facts.link, fit.method,
                    facts.nodes, facts.order)
    nominal = facts.option("nominal")
    made = replace(made, nominal=None if nominal is None else str(nominal))
    given: dict[str, Any] = {name: facts.option(name) for name in ("trials", "exposure", "offset", "weights")}
    values = [name for name, value in given.items() if value is not None and not isinstance(value, (str, int))]
    made = replace(made, left_out=(*made.left_out, *({"offset": "an offset"}.get(name, name) for name in values)),
                   **{name: value for name, value in given.items() if name not in values})
    zero = facts.option("zero")
    made = replace(made, levels=facts.levels, df=held_df(fit.family))
    return replace(made, zero=_zero(zero, data)) if zero else made


def of_text(formula: str, table=None, *, family, link=None, method: str = "laplace", nodes=None, order=None,
            covariance="unstructured", trials=None, exposure=None, offset=None, weights=None, zero=None, data: str = "df") -> General:
    """The model that a formula and the settings of ``mlm.glmm`` state."""
    df, family = held_df(family), spelled(family)
    if family not in DEFAULT_LINKS:
        raise ValueError(f"family={family!r} is not one of {', '.join(DEFAULT_LINKS)}.")
    levels = ()
    if table is not None:
        table, levels = _coded(parse(formula), table, family)
    model = of_formula(formula, table, reml=False, covariance=covariance, data=data)
    if isinstance(covariance, str) and table is not None:
        model = replace(model, random=tuple(
            r if r.structure == "independent" or r.single else replace(r, structure=covariance) for r in model.random))
    nodes = (nodes or 7) if method == "agq" else None
    order = (order or 1) if method in ("pql", "mql") else None
    made = _general(replace(model, left_out=()), family, link or DEFAULT_LINKS[family], method, nodes, order)
    made = replace(made, trials=trials, exposure=exposure, offset=offset, weights=weights, levels=levels, df=df)
    return replace(made, zero=_zero(zero, data)) if zero else made


def _general(model: Model, family, link, method, nodes, order) -> General:
    known = {name: getattr(model, name) for name in Model.__dataclass_fields__}
    known["method"] = method
    return General(**known, family=family, link=link, nodes=nodes, order=order)


def _zero(text, data) -> Model:
    """The zero part as a model of its own, with the outcome of the counts left out."""
    return of_formula(text if isinstance(text, str) else str(text), None, reml=False, data=data)


def _coded(parsed: Formula, table, family):
    """The table with the outcome as numbers, and its categories."""
    column = parsed.outcome.label if parsed.outcome.is_column else None
    if column is None or column not in table:
        return table, ()
    levels = categories(table[column])
    if not levels and family in ("ordinal", "multinomial"):
        levels = tuple(sorted(set(table[column].dropna().tolist())))
    if not levels:
        return table, ()
    return table.assign(**{column: table[column].map({level: k for k, level in enumerate(levels)}).astype(float)}), levels


def categories(column) -> tuple:
    """The categories of a column of text or categories, in their order; none of numbers."""
    from .... import frames as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        seen = set(column.dropna())
        return tuple(level for level in column.cat.categories if level in seen)
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return ()
    return tuple(sorted(set(column.dropna())))


def only_likelihood(model: General, program: str) -> None:
    """Refuse the quasi-likelihood methods, for programs that have none."""
    if not model.likelihood:
        raise Untranslatable(f"{program} has no {model.method.upper()}; SAS's GLIMMIX has (method=mspl is PQL, mmpl "
                             "MQL, of order 1)")

