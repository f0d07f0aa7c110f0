"""The words of a fit: what a row, a group, the outcome and each column are called, in which unit, and on which level they vary.

The data sheet says so where the data come from `mlm.load` (``df.attrs["dataset"]``); labels= and units= say it for other data;
without either, names of columns stand for themselves.

Chapter 3 (``03_random_intercepts``) reads its first fit aloud in these words.
"""

from __future__ import annotations

import re
from copy import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..expression import matched
from ..lmm.nested import constant_in, short_name

__all__ = ["Piece", "Words", "plural", "split"]

_IRREGULAR = {
    "child": "children",
    "person": "people",
    "man": "men",
    "woman": "women",
    "mouse": "mice",
    "series": "series",
    "data": "data",
}


_PLACES = {"school", "class", "classroom", "group", "team", "hospital", "clinic", "ward", "center", "centre", "site", "district",
           "village", "region", "state", "country", "city", "neighborhood", "firm", "company", "family", "household", "litter",
           "batch", "department", "university", "plot", "block"}


def plural(word: str) -> str:
    """The plural of an English noun; of several words the last is changed.

    >>> plural("school"), plural("class"), plural("country"), plural("test day"), plural("child"), plural("sample of ore")
    ('schools', 'classes', 'countries', 'test days', 'children', 'samples of ore')
    """
    head = re.match(r"(\S+) ((?:of|on|in|at|within) .*)", word)
    if head:
        return f"{plural(head[1])} {head[2]}"
    *front, last = word.split(" ")
    if last in _IRREGULAR:
        many = _IRREGULAR[last]
    elif re.search(r"(s|x|z|ch|sh)$", last):
        many = last + "es"
    elif re.search(r"[^aeiou]y$", last):
        many = last[:-1] + "ies"
    else:
        many = last + "s"
    return " ".join([*front, many])


def split(name: str) -> list[str]:
    """The columns multiplied in the name of a coefficient.

    >>> split("cses:sector[T.Catholic]"), split("C(time)[T.a:b]:x")
    (['cses', 'sector[T.Catholic]'], ['C(time)[T.a:b]', 'x'])
    """
    return re.split(r":(?![^\[]*\])", name)


def effects(name: str) -> list[str]:
    """The effects that the name of a variance or covariance joins; commas inside brackets are an effect's own.

    >>> effects("Intercept, poly(x, 2)[1]"), effects("poly(x, 2)[1]")
    (['Intercept', 'poly(x, 2)[1]'], ['poly(x, 2)[1]'])
    """
    parts, depth = [""], 0
    for char in name:
        depth += (char in "([") - (char in ")]")
        if char == "," and not depth:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts]


@dataclass(frozen=True)
class Piece:
    """One factor of a coefficient.

    Attributes
    ----------
    name : str
        As in the coefficient, ``"sector[T.Catholic]"``.
    column : str
        The column, or the function of columns, ``"sector"``, ``"log(ratio)"``.
    category, reference : str or None
        The category, and the one it is compared with (None: with none, or with the mean of all).
    group : str or None
        The grouping factor within which the column is constant.
    plain : bool
        Whether `column` is a column of the data, neither a function nor a category.
    """

    name: str
    column: str
    category: str | None
    reference: str | None
    group: str | None
    plain: bool


class Words:
    """How to speak of a fit.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    labels : dict, optional
        {column: what it is called}; ``"row"`` names the rows (``"student"``), a grouping factor its groups (``"school"``).
    units : dict, optional
        {column: unit}.
    """

    def __init__(self, fit, labels=None, units=None):
        self.fit, self.labels, self.units = fit, dict(labels or {}), dict(units or {})
        self.one = None  # of several outcomes that spoken of, None for all

    def of(self, name: str) -> Words:
        """The words for a coefficient: those of its own outcome, where there are several."""
        own = copy(self)
        own.one = self._of_outcome(name)[0] or None if hasattr(self.fit, "outcomes") else None
        return own

    @cached_property
    def sheet(self):
        """The data sheet, or None."""
        from ..datasets import names, sheet

        name = getattr(self.fit.data, "attrs", {}).get("dataset")
        return sheet(name) if name in names() else None

    @property
    def row(self) -> str:
        return self.labels.get("row") or (re.split(r" (?:of|on|in) an? ", self.sheet.facts["unit"])[0]
                                          if self.sheet else "row")

    @property
    def rows(self) -> str:
        return plural(self.row)

    def group(self, factor: str) -> str:
        """What one group of a grouping factor is called."""
        short = self._short(factor)
        known = next((self.labels[name] for name in (factor, short) if name in self.labels), None)
        if known is None and self.sheet and short in self.sheet.columns:
            known = self.sheet.columns[short].label
        return known or "group"

    def _short(self, factor: str) -> str:
        """The column that names the groups: ``child`` of ``school:child``, the first of a membership in several."""
        if factor.startswith("mm("):
            return factor[3:-1].split(",")[0].strip()
        return short_name(factor, list(getattr(self.fit, "n_groups", None) or [factor]))

    @staticmethod
    def written(factor: str) -> str:
        """A grouping factor in prose: ``s1 and s2`` of ``mm(s1, s2, weights=(w1, w2))``."""
        if not factor.startswith("mm("):
            return factor
        columns = factor[3:-1].partition("weights=")[0].split(",")
        return " and ".join(column.strip(" `") for column in columns if column.strip())

    def groups(self, factor: str) -> str:
        several = len(getattr(self.fit, "n_groups", None) or ()) > 1
        return plural(self.group(factor)) + (f" of {self._short(factor)}" if several
                                             and self.group(factor) == "group" else "")

    def inside(self, factor: str) -> str:
        """``"in"`` for groups that hold their rows, as schools do, ``"of"`` for those that have them, as doctors do."""
        return "in" if self.group(factor).split(" ")[-1].lower() in _PLACES else "of"

    def _about(self, column: str):
        """The column of the data sheet, also for its within and between part."""
        known = self.sheet.columns if self.sheet else {}
        base, part = matched(r"^(.*?)(?:_(within|between))?$", column).groups()
        if column in known:
            return known[column], None
        return (known[base], part) if part and base in known else (None, None)

    def label(self, column: str) -> str:
        """What a column is called: by labels=, by the data sheet, or its own name."""
        if column in self.labels:
            return self.labels[column]
        about, part = self._about(column)
        own = {"within": " (deviation from the group mean)", "between": " (group mean)"}
        return about.label + own.get(part, "") if about else column

    def named(self, column: str) -> str:
        """Label and name, so that prose and table can be read together: ``SES relative to the school (cses)``."""
        label = self.label(column)
        return label if label == column or column in self.labels else f"{label} ({column})"

    def unit(self, column: str) -> str:
        """The unit of a column, or an empty string."""
        if column in self.units:
            return self.units[column]
        about, _ = self._about(column)
        return about.unit if about else ""

    def described(self, column: str) -> str:
        """Label, name and unit: ``school mean SES (mean_ses; on the SES scale)``."""
        unit, name = self.unit(column), self.named(column)
        if not unit:
            return name
        unit = f"on the {unit}" if unit.endswith("scale") else f"in {unit}"
        return f"{name[:-1]}; {unit})" if name.endswith(")") else f"{name} ({unit})"

    @property
    def outcome(self) -> str:
        several = getattr(self.fit, "outcomes", None)
        if self.one:
            return self.label(self.one)
        if several:
            *first, last = map(self.label, several)
            return f"{', '.join(first)} and {last}"
        return self.label(self.fit.design.endog_name)

    @property
    def outcome_unit(self) -> str:
        if self.one:
            return self.unit(self.one)
        if hasattr(self.fit, "outcomes"):  # each has its own
            units = {self.unit(name) for name in self.fit.outcomes}
            return units.pop() if len(units) == 1 else ""
        return self.unit(self.fit.design.endog_name)

    def amount(self, text: str) -> str:
        """A number with the outcome's unit: ``"2.94 points"``; without a unit the number alone."""
        return f"{text} {self.outcome_unit}".rstrip()

    @cached_property
    def _factors(self) -> dict:
        design = self.fit.design
        infos = dict(design.encoder.infos)
        for part in getattr(design, "parts", ()):
            infos |= part.encoder.infos
        for term in design.random:
            infos |= term.encoder.infos
        return {factor.label: (factor, info) for factor, info in infos.items()}

    def pieces(self, name: str) -> list[Piece]:
        """The factors of a coefficient; none for the intercept."""
        name = self._of_outcome(name)[1]
        return [self._piece(part) for part in split(name)] if name != "Intercept" else []

    def _piece(self, part: str) -> Piece:
        match = re.fullmatch(r"(.*)\[(?:([TS])\.)?([^\[\]]*)\]", part)
        if match and match[1] in self._factors:
            factor, info = self._factors[match[1]]
            column = factor.columns[0] if len(factor.columns) == 1 else factor.label
            if info.levels is None:  # one column of several, as of poly()
                return Piece(part, part, None, None, self._constant_in(factor), False)
            reference = None
            if match[2] == "T":
                given = getattr(info.contrast, "reference", None)
                reference = str(info.levels[0] if given is None else given)
            return Piece(part, column, match[3], reference, self._constant_in(factor), False)
        factor = self._factors[part][0] if part in self._factors else None
        plain = factor is not None and factor.is_column
        return Piece(part, part, None, None, self._constant_in(factor) if factor else None, plain)

    def columns(self, piece: Piece) -> tuple:
        """The columns of the data that a piece is computed from."""
        label = piece.column if piece.column in self._factors else piece.column.rsplit("[", 1)[0]
        return self._factors[label][0].columns if label in self._factors else (piece.column,)

    def _constant_in(self, factor) -> str | None:
        """The grouping factor within whose groups the columns of `factor` do not vary."""
        design = next((part for part in getattr(self.fit.design, "parts", ()) if part.random), self.fit.design)
        for term in sorted((t for t in design.random if t.members is None), key=lambda term: len(term.levels)):
            if constant_in(design, factor.columns, term.codes):
                return term.group
        return None

    def centering(self, piece: Piece) -> str:
        """Of a numeric column of level 1: ``"within"`` if its mean is zero in all groups, ``"balanced"`` if it is the same in all,
        ``"adjusted"`` if the group means are in the model, ``"mixed"`` if none, so that its slope combines differences within and
        between groups.
        """
        design, names = self.fit.design, list(self.fit._names)
        for part in getattr(design, "parts", ()):  # of several outcomes that with the column
            if piece.name in part.exog_names and part.random:
                design, names = part, list(part.exog_names)
        x = design.X[:, names.index(piece.name)] if piece.name in names else None
        if x is None:
            factor = self._factors[piece.column][0]
            values = np.asarray(design.data[factor.columns[0]], dtype=float)
            x = values if design.kept is None else values[design.kept]
        codes, count = design.random[0].codes, len(design.random[0].levels)
        sizes = np.bincount(codes, minlength=count)

        def means(column):
            return np.bincount(codes, column, count) / sizes

        small = 1e-6 * np.std(x) + 1e-300
        m = means(x)
        if np.ptp(m) < small:
            return "within" if np.abs(m).max() < small else "balanced"
        columns = [k for k, column in enumerate(design.X.T)
                   if np.abs(column - means(column)[codes]).max() <= 1e-9 * (np.abs(column).max() or 1.0)]
        basis = np.column_stack([means(design.X[:, k]) for k in columns]) if columns else np.ones((count, 1))
        left = m - basis @ np.linalg.lstsq(basis, m, rcond=None)[0]
        return "adjusted" if np.abs(left).max() < 1e-6 * np.std(x) and basis.shape[1] < count else "mixed"

    def _of_outcome(self, name: str) -> tuple[str, str]:
        """Of a model of several outcomes the outcome and the coefficient, ``"written: x"``; else an empty string and the name.

        Of a generalized model the part of several, ``"zero: x"``, or the category.
        """
        outcome, colon, own = name.partition(": ")
        known = hasattr(self.fit, "family") or outcome in getattr(self.fit, "outcomes", ())
        return (outcome, own) if colon and known else ("", name)

    def effects_of(self, name: str) -> str:
        """A random effect of many groups: ``"intercepts"``, ``"slopes of x"``; ``"intercepts of cake"`` where there are several."""
        part, own = self._of_outcome(name)
        if hasattr(self.fit, "family") and part:
            return f"intercepts of {self.labels.get(part, part)}" if own == "Intercept" else f"slopes of {self.short(own)} in {part}"
        return "intercepts" if name == "Intercept" else f"slopes of {self.short(name)}"

    def zero(self, name: str) -> str:
        """Where a coefficient's column is zero: ``"cses = 0"``, ``"sector = Public"``."""
        return " or ".join(f"{p.column} = {p.reference}" if p.reference is not None else
                           f"{self.labels.get(p.column, p.name)} = 0" for p in self.pieces(name))

    def short(self, name: str) -> str:
        """A coefficient for a table: ``cses × sector (Catholic)``, with labels= in place of names."""
        outcome, own = self._of_outcome(name)
        if outcome:
            return f"{self.labels.get(outcome, outcome)}: {self.short(own)}"
        if name == "Intercept":
            return self.labels.get("Intercept", "Intercept")
        parts = []
        for piece in self.pieces(name):
            label = self.labels.get(piece.column, piece.column)
            parts.append(f"{label} ({piece.category})" if piece.category is not None else label)
        return " \u00d7 ".join(parts)
