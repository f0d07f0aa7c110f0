"""From one formula for each outcome to the stacked design: the rows of the first outcome, then those of the next.

Random terms ``(... | g)`` that different outcomes have over the same grouping factor become one term, whose effects are
named ``"outcome: effect"`` and have one covariance matrix.

Chapter 18 (``18_categories``) joins outcomes of different kinds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..design import Design, RandomDesign
from ..errors import FormulaError

__all__ = ["JointDesign", "stack_designs"]


@dataclass(frozen=True)
class JointDesign(Design):
    """The design of several outcomes, as `Design`, rows being stacked outcome by outcome.

    Attributes
    ----------
    outcomes : tuple of str
    parts : tuple of Design
        Of each outcome.
    places : tuple of slice
        Rows of each outcome.
    columns : tuple of slice
        Coefficients of each outcome.
    sources : tuple of tuple of (int, int, slice)
        Of each random term: number of the outcome, of the outcome's own random term, and its effects' place.
    """

    outcomes: tuple[str, ...] = ()
    parts: tuple[Design, ...] = ()
    places: tuple[slice, ...] = ()
    columns: tuple[slice, ...] = ()
    sources: tuple = ()

    def index(self):
        """Row labels: the table's own, and the outcome."""
        from .. import frames as pd
        rows = np.concatenate([np.asarray(part.index(), dtype=object) for part in self.parts])
        names = np.repeat(np.array(self.outcomes, dtype=object), [len(part.y) for part in self.parts])
        return pd.MultiIndex.from_arrays([rows, names], names=["row", "outcome"])

    def fixed_matrix(self, data):
        """Columns of new rows stacked outcome by outcome, shape (rows times outcomes, p)."""
        each = [part.fixed_matrix(data) for part in self.parts]
        out = np.zeros((sum(len(X) for X in each), self.X.shape[1]))
        at = 0
        for X, columns in zip(each, self.columns, strict=True):
            out[at:at + len(X), columns] = X
            at += len(X)
        return out


def stack_designs(parts: list[Design], outcomes: list[str]) -> JointDesign:
    """Stack the designs of several outcomes.

    Parameters
    ----------
    parts : list of Design
        Their offsets with everything that is added to the linear predictor.
    outcomes : list of str
    """
    ends = np.cumsum([0, *(len(part.y) for part in parts)])
    places = tuple(slice(a, b) for a, b in zip(ends[:-1], ends[1:], strict=True))
    ends = np.cumsum([0, *(part.X.shape[1] for part in parts)])
    columns = tuple(slice(a, b) for a, b in zip(ends[:-1], ends[1:], strict=True))
    n = places[-1].stop
    X = np.zeros((n, columns[-1].stop))
    for part, rows, own in zip(parts, places, columns, strict=True):
        X[rows, own] = part.X
    random, sources, groups = [], [], _groups(parts, places, n)
    for (group, *_), members in _joined(parts).items():
        term, source = _stacked(group, members, parts, outcomes, places, *groups[group])
        random.append(term)
        sources.append(source)
    names = tuple(f"{outcome}: {name}" for outcome, part in zip(outcomes, parts, strict=True)
                  for name in part.exog_names)
    offset = None
    if any(part.offset is not None for part in parts):
        offset = np.concatenate([np.zeros(len(part.y)) if part.offset is None else part.offset for part in parts])
    weights = None
    if any(part.weights is not None for part in parts):
        weights = np.concatenate([np.ones(len(part.y)) if part.weights is None else part.weights for part in parts])
    formula = replace(parts[0].formula, text="; ".join(part.formula.text for part in parts))
    messages = tuple(dict.fromkeys(f"{outcome}: {text}" for outcome, part in zip(outcomes, parts, strict=True)
                                   for text in part.messages))
    return JointDesign(formula, ", ".join(outcomes), names, np.concatenate([part.y for part in parts]), X,
                       tuple(random), weights, offset, None, messages, parts[0].data, parts[0].encoder, extra={},
                       outcomes=tuple(outcomes), parts=tuple(parts), places=places, columns=columns,
                       sources=tuple(sources))


def _joined(parts) -> dict:
    """{key: [(outcome, number of its term)]}: the k-th (... | g) of each outcome goes with the k-th of the others."""
    found: dict = {}
    for outcome, part in enumerate(parts):
        seen: dict = {}
        for number, term in enumerate(part.random):
            if term.members is not None:
                raise FormulaError(f"{term.text}: memberships in several groups are not there for several outcomes.")
            if term.independent:
                key = (term.group, outcome, number)
            else:
                seen[term.group] = seen.get(term.group, 0) + 1
                key = (term.group, seen[term.group])
            found.setdefault(key, []).append((outcome, number))
    return found


def _groups(parts, places, n) -> dict:
    """{grouping factor: (levels, group of each stacked row)}; 0 in rows of outcomes that do not have the factor."""
    found: dict = {}
    for group in dict.fromkeys(term.group for part in parts for term in part.random):
        own = {k: term for k, part in enumerate(parts) for term in reversed(part.random) if term.group == group}  # the first of each
        every = list(dict.fromkeys(level for term in own.values() for level in term.levels.tolist()))
        levels = np.empty(len(every), dtype=object)
        levels[:] = every
        number, codes = {level: k for k, level in enumerate(every)}, np.zeros(n, dtype=int)
        for k, term in own.items():
            codes[places[k]] = np.array([number[level] for level in term.levels.tolist()])[term.codes]
        found[group] = levels, codes
    return found


def _stacked(group, members, parts, outcomes, places, levels, codes) -> tuple[RandomDesign, tuple]:
    """One term of the stacked design, and where its effects come from."""
    terms = [parts[outcome].random[number] for outcome, number in members]
    Z = np.zeros((len(codes), sum(len(term.names) for term in terms)))
    names, source, at = [], [], 0
    for (outcome, number), term in zip(members, terms, strict=True):
        own = slice(at, at + len(term.names))
        Z[places[outcome], own] = term.Z
        names += [f"{outcomes[outcome]}: {name}" for name in term.names]
        source.append((outcome, number, own))
        at = own.stop
    first, text = terms[0], " and ".join(dict.fromkeys(term.text for term in terms))
    return RandomDesign(group, tuple(names), Z, codes, levels, first.independent, text, first.encoder,
                        first.factors), tuple(source)
