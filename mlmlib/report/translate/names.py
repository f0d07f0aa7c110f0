"""Names of columns that a program cannot read, such as those with spaces, made into names that it can."""

from __future__ import annotations

import re
from dataclasses import replace

from ...formula import Factor

__all__ = ["renamed"]

OPTIONS = ("trials", "exposure", "offset", "weights", "group", "inner", "time")


def renamed(model, joint: str = "_"):
    """The model with hard names of columns made plain, and what became what.

    Returns
    -------
    model : Model
    names : dict
        {old: new}; empty where all names are plain.
    """
    taken = {c for c in _columns(model) if _plain(c, joint)}
    names = {}
    for column in _columns(model):
        if not _plain(column, joint):
            new = re.sub(r"\W" if joint == "_" else r"[^\w.]", joint, column, flags=re.ASCII)
            new = new if re.match(r"[A-Za-z]", new) else ("v" if joint == "_" else "X") + new
            while new in taken:
                new += joint
            taken.add(new)
            names[column] = new
    return (_with(model, names), names) if names else (model, {})


def _plain(column: str, joint: str) -> bool:
    return re.fullmatch(r"[A-Za-z_]\w*" if joint == "_" else r"[A-Za-z.][\w.]*", column, re.ASCII) is not None


def _columns(model) -> list[str]:
    found = dict.fromkeys(model.formula.columns)
    residuals = model.residuals
    for text in (residuals.group, residuals.time, *(one.column for one in residuals.variances)):
        found.update(dict.fromkeys(text.split(":") if text else ()))
    for name in OPTIONS:  # of a generalized model
        found.update(dict.fromkeys([value] if isinstance(value := getattr(model, name, None), str) else []))
    if getattr(model, "zero", None) is not None:
        found.update(dict.fromkeys(_columns(model.zero)))
    return list(found)


def _with(model, names):
    def word(text):
        if text is None:
            return None
        for old, new in names.items():
            text = re.sub(rf"`{re.escape(old)}`|(?<![\w`]){re.escape(old)}(?![\w`])", lambda _, new=new: new, text)
        return text

    def factor(f):
        return None if f is None else Factor(word(f.label), tuple(names.get(c, c) for c in f.columns), *_rest(f))

    def terms(found):
        return tuple(tuple(factor(f) for f in t) for t in found)

    def part(columns):
        return frozenset(names.get(c, c) for c in columns)

    formula = model.formula
    random = tuple(replace(r, terms=terms(r.terms), group=tuple(factor(f) for f in r.group)) for r in formula.random)
    formula = replace(formula, response=factor(formula.response), fixed=terms(formula.fixed), random=random,
                      offsets=tuple(factor(f) for f in formula.offsets))
    residuals = model.residuals
    if residuals.correlation is not None:
        own = replace(residuals.correlation, time=word(residuals.time), group=word(residuals.correlation.group))
        residuals = replace(residuals, correlation=own, group=word(residuals.group))
    residuals = replace(residuals, variances=tuple(replace(one, column=word(one.column)) for one in residuals.variances))
    own = {name: word(value) for name in OPTIONS if isinstance(value := getattr(model, name, None), str)}
    if getattr(model, "zero", None) is not None:
        own["zero"] = _with(model.zero, names)
    return replace(
        model, **own, formula=formula, random=tuple(replace(r, effects=terms(r.effects), group=word(r.group)) for r in model.random),
        categories={names.get(c, c): v for c, v in model.categories.items()}, level2=part(model.level2),
        inside=frozenset((word(a), word(b)) for a, b in model.inside), sizes={word(g): v for g, v in model.sizes.items()},
        constant={word(g): part(v) for g, v in model.constant.items()}, residuals=residuals)


def _rest(factor) -> tuple:
    """The fields of a factor after label and columns."""
    return tuple(getattr(factor, name) for name in list(factor.__dataclass_fields__)[2:])
