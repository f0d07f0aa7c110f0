"""Coding of terms as columns: which categories need all their columns, which one less, and what the columns are called.

The rules are those of Wilkinson and Rogers as patsy carries them out: a category is coded in full where no earlier
term spans its mean, so that the columns have full rank however the terms are combined.

Chapter 1 (``01_linear_model``) codes a category by hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, Protocol

import numpy as np

from .formula import Factor, Term
from .transforms import Memory, Treatment

__all__ = ["Columns", "Encoder", "FactorInfo"]


@dataclass(frozen=True)
class FactorInfo:
    """What a factor learned: categories and their contrast, or the number of numeric columns and their names."""

    levels: np.ndarray | None
    contrast: Any
    width: int
    memory: Memory
    names: tuple | None = None


class Columns(Protocol):
    """What a design asks of its encoder."""

    terms: tuple[Term, ...]
    infos: dict[Factor, FactorInfo]
    names: list[str]

    @property
    def named_terms(self) -> list[tuple[Term, list[str]]]: ...

    def rows(self, values: dict, n: int) -> np.ndarray: ...


class Encoder:
    """Columns of a list of terms: names, and matrices for any table."""

    def __init__(self, terms: tuple[Term, ...], infos: dict[Factor, FactorInfo]):
        self.terms, self.infos = terms, infos
        self.blocks = _blocks(terms, infos)
        self.names = [name for term, coding in self.blocks for name in self._names(term, coding)]

    @property
    def named_terms(self) -> list[tuple[Term, list[str]]]:
        """The terms in their order, each with the names of its columns."""
        return [(term, self._names(term, coding)) for term, coding in self.blocks]

    def _names(self, term: Term, coding: frozenset) -> list[str]:
        parts = []
        for factor in reversed(term):  # the first factor varies fastest
            info = self.infos[factor]
            if info.levels is None:
                parts.append([factor.label] if info.width == 1 else
                             [f"{factor.label}[{k}]" for k in info.names or range(info.width)])
            elif factor in coding:
                parts.append([f"{factor.label}[{level}]" for level in info.levels])
            else:
                contrast = info.contrast or Treatment()
                named = contrast.matrix(info.levels.tolist())[1]
                parts.append([f"{factor.label}[{contrast.letter}.{level}]" for level in named])
        return [":".join(reversed(name)) for name in product(*parts)] if term else ["Intercept"]

    def rows(self, values: dict, n: int) -> np.ndarray:
        """The matrix, transposed: one contiguous row a coefficient, shape (p, n)."""
        out = np.empty((len(self.names), n))
        at = 0
        for term, coding in self.blocks:
            columns: list = [None]
            for factor in term:
                own = self._columns(factor, values[factor], factor in coding)
                columns = [column if sofar is None else sofar * column for column in own for sofar in columns]
            for column in columns:
                out[at] = 1.0 if column is None else column
                at += 1
        return out

    def _columns(self, factor: Factor, value: Any, full: bool) -> list[np.ndarray]:
        info = self.infos[factor]
        if info.levels is None:
            return [value] if info.width == 1 else list(value.T)
        levels = info.levels.tolist()
        matrix = np.eye(len(levels)) if full else (info.contrast or Treatment()).matrix(levels)[0]
        return [column[value.codes] for column in matrix.T]


def _blocks(terms: Iterable[Term], infos: dict[Factor, FactorInfo]) -> list[tuple[Term, frozenset]]:
    """Blocks of columns: for each the factors multiplied, and the categories among them to code in full.

    Each term stands for all subsets of its categories; those that earlier terms with the same numeric factors span
    already are left out, and the rest are joined again, two subsets that differ by one category becoming one with
    that category in full (the algorithm of patsy).
    """
    spanned: dict[frozenset, set] = {}
    blocks = []
    for term in terms:
        numeric = frozenset(factor for factor in term if infos[factor].levels is None)
        categories = [factor for factor in term if infos[factor].levels is not None]
        known = spanned.setdefault(numeric, set())
        pieces = [(frozenset(subset), frozenset()) for size in range(len(categories) + 1)
                  for subset in combinations(categories, size) if frozenset(subset) not in known]
        known.update(reduced for reduced, _ in pieces)
        while _join(pieces):
            pass
        for reduced, full in pieces:
            blocks.append((tuple(f for f in term if f in numeric or f in reduced or f in full), full))
    return blocks


def _join(pieces: list) -> bool:
    """Join the first two subsets that differ by one reduced category; False when there are none."""
    for short, (small, full) in enumerate(pieces):
        for long in range(short + 1, len(pieces)):
            large, other = pieces[long]
            if full == other and small < large and len(large - small) == 1:
                pieces[short] = (small, full | (large - small))
                del pieces[long]
                return True
    return False
