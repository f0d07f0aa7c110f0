"""Which grouping factors a program of nested levels can take as levels, and which it must take as indicator columns."""

from __future__ import annotations

from ...lmm.nested import chains
from .model import Model, Untranslatable

__all__ = ["parts_of"]


def parts_of(model: Model):
    """Split the random terms: those crossed with the others, and the chain of nested factors.

    Returns
    -------
    rest : list of Random
        Uncorrelated effects, to be written as indicator columns with one variance.
    chain : dict
        Grouping factor: its terms; outermost first. The chain holds every term of correlated effects, and as many factors and
        groups as it can.
    """
    if not model.random:
        return [], {}
    groups = list(dict.fromkeys(r.group for r in model.random))
    joined = {r.group for r in model.random if not r.single and r.structure != "independent"}
    usable = [c for c in chains(groups, model.inside) if joined <= set(c)]
    if not usable:
        raise Untranslatable("correlated effects of crossed factors: this program has crossed factors as indicator "
                             "columns with one variance each, which can be correlated with nothing")
    longest = max(len(c) for c in usable)
    best = max((c for c in usable if len(c) == longest), key=lambda c: sum(model.sizes.get(g, 0) for g in c))
    own = {group: [r for r in model.random if r.group == group] for group in best}
    return [r for r in model.random if r.group not in best], own
