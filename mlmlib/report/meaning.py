"""What each coefficient is: the kind of statement it makes, about which columns, and under which conditions.

A coefficient in a product is about the place where the other factors of the product are zero, or the reference category. Most
misreadings of a table come from forgetting this; here the place is computed from the formula and named every time.

Chapter 5 (``05_level2_predictors``) reads cross-level interactions in this way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..inference.small_sample import linear
from .words import Piece, Words

__all__ = ["Meaning", "meaning", "simple_slope"]


@dataclass(frozen=True)
class Meaning:
    """The statement that a coefficient makes.

    Attributes
    ----------
    name : str
        The coefficient.
    kind : str
        ``"intercept"``, ``"slope"`` of a number, ``"category"`` against a reference, ``"product"`` of two of those, or ``"other"``.
    focal, moderator : Piece or None
        Of a product: whose slope or difference changes, and with what. A column that varies within groups is focal.
    conditions : tuple of str
        Where the statement holds, ``("mean_ses = 0", "sector = Public")``.
    cross_level : bool
        A product of a column that varies within groups and one that does not.
    """

    name: str
    kind: str
    focal: Piece | None = None
    moderator: Piece | None = None
    conditions: tuple = ()
    cross_level: bool = False


def meaning(words: Words, name: str) -> Meaning:
    """Read a coefficient."""
    pieces = words.pieces(name)
    conditions = _conditions(words, pieces, words._of_outcome(name)[0])
    if not pieces:
        return Meaning(name, "intercept", conditions=conditions)
    simple, outcome = [_simple(words, piece) for piece in pieces], name[:len(name) - len(words._of_outcome(name)[1])]
    if len(pieces) == 1 and simple[0]:
        return Meaning(name, "category" if pieces[0].category is not None else "slope", pieces[0], None, conditions)
    if len(pieces) == 2 and all(simple) and all(outcome + piece.name in words.fit._names for piece in pieces):
        focal, moderator = sorted(pieces, key=lambda p: (p.group is not None, p.category is not None))
        return Meaning(
            name, "product", focal, moderator, conditions, focal.group is None and moderator.group is not None
        )
    return Meaning(name, "other", pieces[0], None, conditions)


def _simple(words, piece) -> bool:
    """Whether the piece is a column that no other piece of the model computes with, or a category with a reference."""
    if piece.category is not None:
        return piece.reference is not None
    if not piece.plain:
        return False
    used = [f for f, _ in words._factors.values() if piece.column in f.columns]
    return len(used) == 1


def _conditions(words, pieces, part=None) -> tuple:
    """Zero, or the reference category, of the columns that are multiplied with these pieces somewhere in the model."""
    own = {piece.column for piece in pieces}
    names = {piece.name for piece in pieces}
    found: dict = {}
    mine = [n for n in words.fit._names if not hasattr(words.fit, "family") or part is None
            or words._of_outcome(n)[0] == part]
    for other in mine:
        more = words.pieces(other)
        if more and names <= {p.name for p in more}:
            for piece in more:
                if piece.column not in own:
                    found[piece.column] = piece
    order = [p.column for other in mine for p in words.pieces(other)]
    out = []
    for column in dict.fromkeys(c for c in order if c in found):
        piece = found[column]
        if piece.category is None and not piece.plain and set(words.columns(piece)) & set(order):
            continue  # a function of a column that is named itself
        if piece.category is None:
            out.append(f"{column} = 0")
        elif piece.reference is not None:
            out.append(f"{column} = {piece.reference}")
    return tuple(out)


def simple_slope(words: Words, read: Meaning, level: float = 0.95, ddf: str = "wald"):
    """The slope of the focal column in the moderator's category: estimate, se, lower, upper, and where it holds.

    None unless the product is of a number and a category.
    """
    if read.focal is None or read.moderator is None:
        return None
    if read.kind != "product" or read.moderator.category is None or read.focal.category is not None:
        return None
    from scipy.special import stdtrit
    fit = words.fit
    outcome = read.name[:len(read.name) - len(words._of_outcome(read.name)[1])]
    weights = np.array([float(name in (outcome + read.focal.name, read.name)) for name in fit._names])
    estimate, se, df = (float(value[0]) for value in linear(fit, weights, ddf))
    half = float(stdtrit(df, 0.5 + level / 2.0)) * se
    elsewhere = [c for c in _conditions(words, [read.focal]) if not c.startswith(f"{read.moderator.column} = ")]
    return estimate, se, estimate - half, estimate + half, tuple(elsewhere)
