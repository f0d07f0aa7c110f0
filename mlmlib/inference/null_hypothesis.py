"""What a comparison of two fits tests, in the names of their parameters.

Chapter 8 (``08_inference``) reads such a null hypothesis.
"""

from __future__ import annotations

from .row_comparison import structures_differ

__all__ = ["null_text"]


def null_text(null, full) -> str:
    """The null hypothesis that makes the larger model the smaller one.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> sleep = mlm.load("sleepstudy")
    >>> fits = [mlm.lmm(f"Reaction ~ Days + ({part} | Subject)", sleep) for part in ("1", "1 + Days")]
    >>> null_text(*fits)
    'var(Days) = 0, cov(Intercept, Days) = 0'
    """
    if hasattr(full, "density"):
        from .generalized_comparison import null_of_generalized
        return null_of_generalized(null, full)
    fixed = [name for name in full._names if name not in null._names]
    parts = [f"{name} = 0" for name in fixed]
    if len(fixed) != len(full._names) - len(null._names):
        parts = ["fewer fixed effects"] if len(full._names) > len(null._names) else []
    elif len(fixed) and null.design.offset is not None and full.design.offset is None:
        parts = [f"{name} as in the offset" for name in fixed]
    random = full.n_params - null.n_params - (len(full._names) - len(null._names))
    if random and structures_differ(null, full):
        titles = [title for _, title in getattr(null, "residual_structure", ())]
        parts += [f"residuals: {', '.join(titles) or 'independent, of equal variance'}"]
    elif random:
        parts += _random(null, full, random)
    return ", ".join(parts) or "the simpler model"


def _varying(fit) -> dict:
    """Every (group, effect) that varies, with its term's structure."""
    if not getattr(fit.design, "random", ()):
        return {}
    return {(term.group, name): (k, shape.name if len(term.names) > 1 else "one")
            for k, (term, shape) in enumerate(zip(fit.design.random, fit.model.structures)) for name in term.names}


def _random(null, full, count) -> list[str]:
    """What the null says of the random part; `count` parameters fewer."""
    small, large = _varying(null), _varying(full)
    if not set(small) <= set(large):  # effects are coded anew
        return [f"{count} fewer parameters of the random part"]
    if not small and len(large) > 1:
        return ["no random effects"]
    gone = [effect for effect in large if effect not in small]
    between, within = [], []  # covariances that vanish with a variance, and by themselves
    effects = list(large)
    for b, second in enumerate(effects):
        for first in effects[:b]:
            together = large[first][0] == large[second][0] and large[first][1] == "unstructured"
            free = first in small and second in small and small[first][0] == small[second][0] \
                and small[first][1] in ("unstructured", "exchangeable")
            if together and not free:
                (between if first in gone or second in gone else within).append(f"cov({first[1]}, {second[1]}) = 0")
    told = [f"var({group}: {name}) = 0" if any(other != group and same == name for other, same in large) else
            f"var({name}) = 0" for group, name in gone]  # one that varies over several factors is named with its own
    if len(told) + len(between) + len(within) == count:
        if len(between) > 1:
            told[-1] += f" and {'its' if len(gone) == 1 else 'their'} covariances"
            between = []
        return told + between + within
    shapes = [dict.fromkeys(shape for _, shape in found.values() if shape != "one") for found in (small, large)]
    if set(small) == set(large) and len(shapes[0]) == 1:
        kind = next(iter(shapes[0]))
        return [f"the covariance is {'an' if kind[0] in 'aeiou' else 'a'} {kind} one"
                if kind != "identity" else "equal variances and no covariance"]
    return told or [f"{count} fewer parameters of the random part"]
