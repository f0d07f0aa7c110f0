"""The words of a panel fit: its groups and times, and whom each coefficient compares."""

from __future__ import annotations

import re


from ...lmm.nested import constant_in
from ..meaning import Meaning, meaning
from ..words import Piece, Words, plural

__all__ = ["PanelWords", "read", "scope"]

_SWEPT = ("within", "two-way", "first-difference")


class PanelWords(Words):
    """`Words` for a fit that has its groups in a frame, and group means among its coefficients."""

    @property
    def factor(self) -> str:
        return self.fit.frame.group

    @property
    def one_group(self) -> str:
        return self.group(self.factor)

    @property
    def many(self) -> str:
        return self.groups(self.factor)

    @property
    def one_time(self) -> str:
        """What a time is called: its column's own name, unless labels= says otherwise."""
        return self.labels.get(self.fit.frame.time, self.fit.frame.time or "time")

    @property
    def times(self) -> str:
        return plural(self.one_time)

    def part(self, name: str) -> tuple[str, str]:
        """A coefficient's column, and ``"within"``, ``"between"`` or nothing: which part of it."""
        found = re.fullmatch(r"(.*)_(within|between)", name) if self.fit.effects in ("mundlak", "hybrid") else None
        return (found[1], found[2]) if found and name not in self.fit.frame.names else (name, "")

    def pieces(self, name: str) -> list[Piece]:
        base, part = self.part(name)
        own = super().pieces(base)
        if not part:
            return own
        group = self.factor if part == "between" else None
        if len(own) > 1:
            return [Piece(name, name, None, None, group, False)]
        one = own[0]
        what = f"{one.column}_{part}" if one.category is None else f"{one.column} = {one.category}, {self._said(part)}"
        return [Piece(name, what, None, None, group, one.plain or one.category is not None)]

    def _said(self, part: str) -> str:
        return f"share of {self.rows} in the {self.one_group}" if part == "between" else f"less that share in the {self.one_group}"

    def _constant_in(self, factor):
        frame = self.fit.frame
        return self.factor if constant_in(frame.design, factor.columns, frame.codes) else None


def read(words: PanelWords, name: str) -> Meaning:
    """`meaning` of a coefficient; a within or between part is a slope."""
    if words.part(name)[1]:
        piece = words.pieces(name)[0]
        return Meaning(name, "slope" if piece.plain else "other", piece)
    return meaning(words, name)


def scope(words: PanelWords, name: str) -> str:
    """Whom a coefficient compares: ``"within"``, ``"times"``, ``"changes"``, ``"between"``, ``"contextual"`` or ``"both"``."""
    effects, part = words.fit.effects, words.part(name)[1]
    if effects in _SWEPT:
        return {"within": "within", "two-way": "times", "first-difference": "changes"}[effects]
    if effects == "between":
        return "between"
    if part:
        return "contextual" if part == "between" and effects == "mundlak" else part
    if effects in ("mundlak", "hybrid"):
        constant = all(piece.group for piece in words.pieces(name))
        return "between" if constant else "within"
    return "between" if words.pieces(name) and all(piece.group for piece in words.pieces(name)) else "both"
