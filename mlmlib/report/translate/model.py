"""What a translator needs to know of a model: terms, random part, categories, levels of predictors, estimator, settings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from ...formula import Factor, Formula, parse, term_name
from ...lmm.nested import constant_in, inside_of
from .bases import is_basis, what_to_do
from .residuals import Residuals, of_rows


class Untranslatable(Exception):
    """The target program cannot fit this model; the message says why."""


@dataclass(frozen=True)
class Random:
    """One random term: the effects that vary ("" is the intercept), the grouping factor, the covariance structure."""

    effects: tuple[tuple[Factor, ...], ...]
    group: str
    structure: str  # unstructured, independent, exchangeable, identity

    @property
    def parts(self) -> tuple[str, ...]:
        """The columns of the grouping factor: of ``a:b`` both."""
        return (self.group,) if self.members else tuple(self.group.split(":"))

    @property
    def members(self) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """Of ``mm(a, b, weights=(v, w))`` the columns of groups and of weights."""
        if not self.group.startswith("mm("):
            return None
        groups, _, weights = self.group[3:-1].partition("weights=")
        columns, shares = (tuple(word.strip(" `") for word in text.strip(" (),").split(",") if word.strip()) for text in (groups, weights))
        return columns, shares

    @property
    def intercept(self) -> bool:
        return () in self.effects

    @property
    def slopes(self):
        return tuple(e for e in self.effects if e)

    @property
    def single(self) -> bool:
        return len(self.effects) == 1


@dataclass(frozen=True)
class Model:
    """A Gaussian model in no program's language."""

    formula: Formula
    random: tuple[Random, ...]
    method: str  # "REML", "ML" or "OLS"
    data: str = "df"  # the table's name in the code
    categories: dict = field(default_factory=dict)  # column: its levels, the reference first
    level2: frozenset = frozenset()  # columns that do not vary within a group
    ddf: str = "wald"  # degrees of freedom asked for: "satterthwaite" or "kenward-roger"
    known: bool = True  # were data seen? If not, every column is taken as a number
    inside: frozenset = frozenset()  # pairs (inner, outer) of grouping factors that are nested
    sizes: dict = field(default_factory=dict)  # grouping factor: how many groups, where data were seen
    constant: dict = field(default_factory=dict)  # grouping factor: columns that do not vary within its groups
    residuals: Residuals = Residuals()
    left_out: tuple = ()  # what the fit has and the code has not: weights, offsets

    @property
    def outcome(self) -> str:
        return self.formula.outcome.label

    @property
    def fixed(self):
        return self.formula.fixed

    @property
    def intercept(self) -> bool:
        return self.formula.has_intercept

    def category(self, factor: Factor) -> str | None:
        """The column behind a factor, if it is a category."""
        name = plain_category(factor) or (factor.label if factor.is_column else None)
        return name if name in self.categories or plain_category(factor) else None


def plain_category(factor: Factor) -> str | None:
    """``x`` of ``C(x)``; other contrasts have no common language."""
    match = re.fullmatch(r"C\((\w+)\)", factor.label)
    if not match and factor.label.startswith("C("):
        raise Untranslatable(f"the contrast of {factor.label} has no counterpart; write its columns out first")
    return match[1] if match else None


def only_single_columns(model: Model) -> None:
    """Refuse functions that make several columns, for programs that have none of them."""
    for term in (*model.fixed, *(e for r in model.random for e in r.effects)):
        for factor in term:
            if is_basis(factor):
                raise Untranslatable(what_to_do(factor))


def expression(factor: Factor, power: str = "^", log: str = "log") -> str:
    """A factor as arithmetic: a column, or I(...), log(), exp(), sqrt() with the target's signs."""
    if factor.is_column:
        return factor.label
    if is_basis(factor):
        raise Untranslatable(what_to_do(factor))
    text = re.sub(r"\bnp\.", "", factor.label)
    if re.match(r"I\(", text):
        text = text[2:-1]
    if re.search(r"\b(?!log\b|exp\b|sqrt\b|abs\b)([A-Za-z_]\w*)\(", text):
        raise Untranslatable(f"{factor.label} is a function of our own; make it a column first")
    return text.replace(" ** ", power).replace("**", power).replace("log(", f"{log}(")


def derived(model: Model, power: str = "^", log: str = "log") -> dict[Factor, tuple[str, str]]:
    """New columns for factors that are expressions: {factor: (name, expression)}."""
    out = {}
    factors = [f for t in (*model.fixed, *(e for r in model.random for e in r.effects)) for f in t]
    for factor in dict.fromkeys([model.formula.response, *factors]):
        if factor is not None and not factor.is_column and not plain_category(factor):
            text = expression(factor, power, log)
            out[factor] = (re.sub(r"\W+", "_", text).strip("_"), text)
    return out


def of_fit(fit, data: str = "df") -> Model:
    """The model behind a result of ``mlm.lmm`` or ``mlm.ols``."""
    design = fit.design
    model = _of_design(design, data)
    structures = [s.name for s in fit.model.structures] if hasattr(fit, "model") and design.random else []
    if hasattr(fit, "residual_table"):
        model = replace(model, residuals=of_rows(fit.model.correlation, fit.model.variance, design, fit.model.rows))
    random = tuple(replace(r, structure=s) for r, s in zip(model.random, structures))
    method = "OLS" if getattr(fit, "method", "") == "ols" else "REML" if fit.reml else "ML"
    return replace(model, random=random or model.random, method=method)


def of_formula(formula: str, table=None, *, reml: bool = True, covariance="unstructured", data: str = "df",
               correlation=None, variance=None) -> Model:
    """The model that a formula states; `table` tells which columns are categories and which vary within groups."""
    parsed = parse(formula)
    structured = correlation is not None or variance is not None
    design = None
    if table is not None:
        from ...design import build_design

        design = build_design(formula, table)
        model = _of_design(design, data, covariance)
    else:
        categories = {c: () for f in parsed.factors if (c := plain_category(f))}
        names = dict.fromkeys(term_name(term.group) for term in parsed.random)
        model = Model(parsed, _random(parsed, covariance), "", data, categories, known=False, inside=_by_name(names))
    if structured:
        model = replace(model, residuals=of_rows(correlation, variance, design, names=[r.group for r in model.random]))
    likelihood = "REML" if reml else "ML"
    return replace(model, method=likelihood if parsed.random or structured else "OLS" if reml else "ML")


def _by_name(groups) -> frozenset:
    """Nesting that the names alone tell: ``a:b`` lies in ``a``."""
    return frozenset((inner, outer) for inner in groups for outer in groups
                     if inner != outer and set(outer.split(":")) < set(inner.split(":")))


def _random(parsed: Formula, covariance: str):
    return tuple(
        Random(term.terms, term_name(term.group), "independent" if term.independent else
               covariance.get(term_name(term.group), "unstructured") if isinstance(covariance, dict) else covariance)
        for term in parsed.random
    )


def _of_design(design, data, covariance="unstructured") -> Model:
    infos = dict(design.encoder.infos)
    for term in design.random:
        infos |= term.encoder.infos
    categories = {
        plain_category(f) or f.label: tuple(i.levels.tolist()) for f, i in infos.items() if i.levels is not None
    }
    level2, constant = frozenset(), {}
    if design.random:
        def fixed_in(codes):
            return frozenset(c for c in design.formula.columns if constant_in(design, (c,), codes))

        level2 = fixed_in(design.random[0].codes)
        if len({term.group for term in design.random}) > 1:
            constant = {term.group: fixed_in(term.codes) for term in design.random if term.members is None}
    sizes = {term.group: len(term.levels) for term in design.random}
    left_out = [what for what, there in (("weights", design.weights is not None), ("an offset", design.offset is not None)) if there]
    return Model(design.formula, _random(design.formula, covariance), "", data, categories, level2,
                 inside=inside_of(design), sizes=sizes, constant=constant, left_out=tuple(left_out))
