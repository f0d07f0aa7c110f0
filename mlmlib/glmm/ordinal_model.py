"""The model of ordered categories: a design without an intercept, thresholds, and thresholds that differ by predictors.

Chapter 18 (``18_categories``) introduces it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..design import Design, Encoder, _replay
from ..errors import DataError, FormulaError
from ..formula import Formula, parse
from ..lmm.columns import orthonormalize
from ..table import Table
from .category_separation import ordered_rows, refuse
from .fixed_only import CategoryModel
from .ordinal import OrdinalDensity
from .rows import flat

__all__ = ["Nominal", "OrdinalModel", "with_nominal"]


@dataclass(frozen=True)
class Nominal:
    """The predictors by which thresholds differ.

    Attributes
    ----------
    encoder : Encoder
        Their columns, no intercept among them.
    columns : ndarray, shape (r, n)
    terms : tuple
        As parsed.
    """

    encoder: Encoder
    columns: np.ndarray
    terms: tuple

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.encoder.names)

    def of(self, data) -> np.ndarray:
        """The columns of new rows, shape (r, rows)."""
        table = Table(data)
        return self.encoder.rows(_replay(self.encoder, table), table.n)


def nominal_terms(text) -> tuple:
    """The terms of ``nominal="~ temp + contact"``."""
    if not isinstance(text, str):
        return tuple(text)  # terms, as parsed
    parsed = parse(text if "~" in text else f"~ {text}")
    if parsed.response is not None or parsed.random or parsed.offsets:
        raise FormulaError(f"nominal={text!r} lists predictors only, as in nominal='~ temp'.")
    terms = tuple(term for term in parsed.fixed if term)
    if not terms:
        raise FormulaError(f"nominal={text!r} names no predictor by which thresholds could differ.")
    return terms


def with_nominal(formula: Formula, text) -> Formula:
    """The formula with the nominal predictors among its fixed terms, so that a design reads their columns too."""
    known = {frozenset(term) for term in formula.fixed}
    more = [term for term in nominal_terms(text) if frozenset(term) not in known]
    return replace(formula, fixed=tuple(sorted((*formula.fixed, *more), key=len)))


class OrdinalModel(CategoryModel):
    """A model of ordered categories.

    Parameters
    ----------
    design : Design
        With an intercept, whose place the thresholds take.
    nominal : str, optional
        Predictors by which the thresholds differ; they have no coefficient beside that.

    Other parameters are those of `mlmlib.glmm.model.GlmmModel`; `reading` knows the categories.
    """

    density: OrdinalDensity

    def __init__(self, design: Design, family, link=None, covariance="unstructured", *, nominal=None, **options):
        self.nominal_option = nominal  # read by name, as the other options, by report.general.facts
        if isinstance(design.encoder, _Whole):  # a design of a model of this kind
            self.nominal = design.encoder.nominal
        else:
            design, self.nominal = _divided(design, nominal)
        super().__init__(design, family, link, covariance, **options)

    def _density(self, family, link):
        design = self.design
        return family.density(design.y, link, weights=design.weights, column=f"The outcome {design.endog_name!r}",
                              trials=design.extra.get("trials"),
                              nominal=None if self.nominal is None else self.nominal.columns)

    def _fixed_columns(self):
        design = self.design
        columns = design.X.T if self.nominal is None else np.concatenate([design.X.T, self.nominal.columns])
        names = (*design.exog_names, *(() if self.nominal is None else self.nominal.names))
        with_one = np.concatenate([np.ones((1, len(design.y))), columns])
        orthonormalize(flat(with_one), ("Intercept", *names), "fixed effects")  # refuses what the thresholds hold already
        return design.exog_names, design.X.T

    def _look_for_separation(self, glm) -> None:
        if self.nominal is None:  # with one, thresholds without an end are told in `_endless`
            refuse(self, ordered_rows(self.design.X, self.density.codes, self.density.C), self.names)

    def fit(self, start=None):
        found, messages = super().fit(start)
        return found, [*messages, *self._endless()]

    def _endless(self) -> list[str]:
        """Tell of thresholds without an estimate: the lowest or highest category does not occur with a predictor's value."""
        told, codes = [], self.design.y.astype(int)
        names = [str(one) for one in self.reading.categories]
        for name, column in zip(*((), ()) if self.nominal is None else (self.nominal.names, self.nominal.columns)):
            values = np.unique(column)
            for value in values if len(values) == 2 else ():
                for place, last in ((0, 0), (-1, len(names) - 1)):
                    if not (codes[column == value] == last).any():
                        told.append(f"No row with {name} = {value:g} has the category {names[place]}: the threshold "
                                    "next to it "
                                    "runs to infinity there. The log-likelihood is at its limit, the estimate and its "
                                    "standard error say nothing.")
        return told


class _Whole(Encoder):
    """The encoder of a fixed part in which thresholds take the intercept's place: coded as beside an intercept."""

    def __init__(self, terms, infos, nominal=None):
        super().__init__(terms, infos)
        self.blocks = [block for block in self.blocks if block[0]]
        self.names = [name for term, coding in self.blocks for name in self._names(term, coding)]
        self.terms = tuple(term for term in terms if term)
        self.nominal = nominal


def _divided(design: Design, nominal) -> tuple[Design, Nominal | None]:
    """The design without its intercept, and the nominal part taken out of it."""
    formula = design.formula
    if not formula.has_intercept:
        raise FormulaError(f"The formula {formula.text!r} asks for no intercept; the thresholds of family='ordinal' "
                           "take its place always. Leave '0 +' or '- 1' out.")
    own = () if nominal is None else nominal_terms(nominal)
    keys = {frozenset(term) for term in own}
    infos, values, n = design.encoder.infos, design.fixed_values(), len(design.y)
    part = None
    if own:
        encoder = _Whole(((), *own), infos)
        part = Nominal(encoder, encoder.rows(values, n), own)
        _all_seen(design, part)
    inside = _Whole(tuple(term for term in formula.fixed if frozenset(term) not in keys), infos, part)
    X = inside.rows(values, n).T
    return replace(design, X=X, exog_names=tuple(inside.names), encoder=inside), part


def _all_seen(design: Design, part: Nominal) -> None:
    """Refuse a nominal category in which a middle category of the outcome does not occur: its thresholds would meet."""
    codes, C = design.y.astype(int), int(design.y.max()) + 1
    for name, column in zip(part.names, part.columns):
        values = np.unique(column)
        if len(values) > 2:
            continue
        for value in values:
            lacking = [k for k in range(1, C - 1) if not (codes[column == value] == k).any()]
            if lacking:
                raise DataError(f"No row with {name} = {value:g} has the outcome's category number {lacking[0] + 1} "
                                f"of {C}, so "
                                "that its two thresholds cannot be told apart there; join it with a neighboring "
                                "category.")
