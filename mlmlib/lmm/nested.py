"""How the grouping factors of a model lie to one another: nested, crossed, or several for one row.

Chapters 11 and 12 (``11_three_levels``, ``12_crossed``) draw the difference.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

__all__ = ["chain_of", "chains", "constant_in", "inside_of", "members_of", "outer_of", "short_name"]


def inside_of(design) -> frozenset:
    """Pairs (inner, outer) of grouping factors whose rows of one inner group all lie in one outer group.

    Two factors that divide the rows alike are each inside the other; the later in the formula is then taken as the inner.
    """
    first = {}
    for term in design.random:
        if term.members is None:
            first.setdefault(term.group, term)
    pairs = set()
    for a, b in combinations(first.values(), 2):
        cells = len(np.unique(a.codes.astype(np.int64) * len(b.levels) + b.codes))
        if cells == len(b.levels):
            pairs.add((b.group, a.group))
        elif cells == len(a.levels):
            pairs.add((a.group, b.group))
    return frozenset(pairs)


def constant_in(design, columns, codes) -> bool:
    """True if none of these columns of the data varies within a group of `codes`."""
    _, first, group = np.unique(codes, return_index=True, return_inverse=True)
    for name in columns:
        values = np.asarray(design.data[name])
        values = values if design.kept is None else values[design.kept]
        if (values != values[first][group]).any():
            return False
    return True


def chains(groups, inside) -> list[tuple[str, ...]]:
    """Every choice of grouping factors that lie one in the other, outermost first, the longest choices first."""
    found = []
    for count in range(len(groups), 0, -1):
        for chosen in combinations(groups, count):
            order = tuple(sorted(chosen, key=lambda g: sum((g, other) in inside for other in chosen)))
            if all((inner, outer) in inside for outer, inner in zip(order, order[1:])):
                found.append(order)
    return found


def chain_of(design) -> tuple[str, ...] | None:
    """The grouping factors, outermost first, if each lies in the one before; else None."""
    groups = list(dict.fromkeys(term.group for term in design.random))
    if any(term.members is not None for term in design.random):
        return None
    first = chains(groups, inside_of(design))[0] if groups else ()
    return first if len(first) == len(groups) and groups else None


def members_of(design, group: str):
    """The membership of a grouping factor written as mm(...), else None."""
    return next((term.members for term in design.random if term.group == group), None)


def outer_of(design, group: str) -> tuple[str, ...]:
    """The grouping factors that a factor lies in, outermost first."""
    inside = inside_of(design)
    groups = dict.fromkeys(term.group for term in design.random)
    outer = [g for g in groups if (group, g) in inside]
    return tuple(sorted(outer, key=lambda g: sum((g, other) in inside for other in outer)))


def short_name(group: str, groups) -> str:
    """What the groups of ``a:b`` are by themselves: ``b``, unless ``b`` is another factor, so that ``a:b`` are its cells.

    >>> short_name("school:child", ["school", "school:child"]), short_name("a:b", ["a", "b", "a:b"])
    ('child', 'a:b')
    """
    if group.startswith("mm("):
        return group
    parts = group.split(":")
    others = {part for other in groups if other != group for part in other.split(":")}
    own = [part for part in parts if part not in others]
    return own[0] if len(own) == 1 and len(parts) > 1 and ":".join(p for p in parts if p != own[0]) in groups else group
