"""Stata: mixed, and regress for OLS."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import combinations

from ...formula import Factor
from .crossing import parts_of
from .model import Model, Untranslatable, derived


DFMETHOD = {"satterthwaite": "dfmethod(satterthwaite, oim)", "kenward-roger": "dfmethod(kroger)"}
NOTES = {
    "wald": ". z tests, as ours.",
    "satterthwaite": ". Without oim Stata would take the expected information of the variances; we (and lmerTest) take the observed.",
    "kenward-roger": ". Like ours, dfmethod(kroger) takes the expected information of the variances.",
}


def _piece(model: Model, factor, names, inside: bool) -> str:
    category = model.category(factor)
    if category:
        levels = model.categories.get(category, ())
        base = sorted(map(str, levels)).index(str(levels[0])) + 1 if levels else 1
        numeric = levels and all(isinstance(level, (int, float)) for level in levels)
        prefix = "i" if base == 1 else f"ib{int(levels[0]) if numeric else base}"
        return f"{prefix}.{category}"
    name = names[factor][0] if factor in names else factor.label
    return f"c.{name}" if inside else name


def side(model: Model, names) -> str:
    """Varlist; a##b where an interaction comes with all its main effects."""
    terms = [t for t in model.fixed if t]
    sets = {frozenset(t) for t in terms}
    covered, crossed = set(), {}
    for term in sorted(terms, key=len, reverse=True):
        subsets = [frozenset(c) for k in range(1, len(term)) for c in combinations(term, k)]
        if len(term) > 1 and all(s in sets for s in subsets) and frozenset(term) not in covered:
            crossed[frozenset(term)] = term
            covered.update(subsets)
    words = []
    for term in terms:
        if frozenset(term) in covered:
            first = next((k for k, t in crossed.items() if frozenset(term) <= k), None)
            if first is not None and crossed.get(first):
                words.append("##".join(_piece(model, f, names, True) for f in crossed[first]))
                crossed[first] = ()
            continue
        if frozenset(term) in crossed:
            continue
        words.append("#".join(_piece(model, f, names, len(term) > 1) for f in term))
    return " ".join(dict.fromkeys(words))


def write(model: Model):
    names = derived(model)
    lines = [f"generate {name} = {text}" for name, text in names.values()]
    model, columns = _with_indicators(model)
    lines += [f"generate {new} = {text}" for new, text in columns.items()]
    outcome = names[model.formula.response][0] if model.formula.response in names else model.outcome
    fixed = " ".join(w for w in (outcome, side(model, names)) if w)
    no_constant = "" if model.intercept else ", noconstant"
    texts = [c for c, levels in model.categories.items() if any(isinstance(level, str) for level in levels)]
    note = (
        f"A text column has to be numbered first: encode {texts[0]}, generate({texts[0]}_n), then i.{texts[0]}_n. "
        if texts
        else ""
    )
    if model.method == "OLS":
        return "\n".join([*lines, f"regress {fixed}{no_constant}"]), note.strip()
    if model.ddf != "wald" and model.method != "REML":
        raise Untranslatable("Stata has Satterthwaite's degrees of freedom with REML only; fit by REML")
    equations, made = levels(model, names)
    structure, more = residuals(model, [e.split(":")[0] for e in equations])
    if structure and not equations and model.residuals.group is not None:
        equations.append(f"{_of_group(model.residuals.group, (), made)}:, noconstant")
    elif structure and equations and more.extra:
        equations.append(f"{more.extra}:, noconstant")
    lines += [*made, *more.lines]
    last = [structure] * bool(structure) + ["reml"] * (model.method == "REML" and bool(equations or structure))
    last += [DFMETHOD.get(model.ddf, "")] * (model.ddf != "wald")
    command = f"mixed {fixed}{no_constant}"
    for place, equation in enumerate(equations, 1):
        if place == len(equations) and last:
            equation += f"{' ' if ',' in equation else ', '}{' '.join(last)}"
        command += f" ///\n  || {equation}"
    if not equations and last:
        command += f"{' ' if no_constant else ', '}{' '.join(last)}"
    if len(command) < 96:
        command = command.replace(" ///\n ", "")
    if not model.random and not model.residuals:
        return "\n".join([*lines, command]), note + "mixed without || is the linear model by maximum likelihood."
    correlated = any(not r.single for r in model.random)
    after = [] if not model.random or model.residuals else ["estat sd"] if any(any(r.slopes) for r in model.random) else ["estat icc"]
    if any("_all" in e for e in equations):
        after = ["estat sd"]
        note += ("Crossed factors: R. makes a column of 0 and 1 for each group, all inside one group _all, so take the "
                 "factor with fewer groups there, as done here. ")
    note += (
        "mixed's default is ML"
        + ("" if model.method == "ML" else ", hence reml")
        + (", and its default covariance is independent" if model.random else "")
        + (", hence covariance(...)" if correlated else "")
        + NOTES[model.ddf]
    )
    if after:
        note += " The last line prints " + ("the ICC." if after == ["estat icc"] else "SDs and correlations."
                                            if correlated else "SDs.")
    return "\n".join([*lines, command, *after]), note + more.note


def _with_indicators(model: Model) -> tuple[Model, dict[str, str]]:
    """Random slopes of categories, beside a random intercept, as columns of 0 and 1; and how these are computed."""
    made = {}

    def single(own, effect):
        category = model.category(effect[0]) if len(effect) == 1 else None
        if not category or not own.intercept:
            return [effect]
        texts = {re.sub(r"\W+", "_", f"{category}_{level}"): f'"{level}"' if isinstance(level, str) else f"{level:g}"
                 for level in model.categories.get(category, ())[1:]}
        made.update({new: f"{category} == {text}" for new, text in texts.items()})
        return [(Factor(new, (new,)),) for new in texts] or [effect]

    random = tuple(replace(own, effects=tuple(new for e in own.effects for new in single(own, e)))
                   for own in model.random)
    return replace(model, random=random), made


def levels(model: Model, names) -> tuple[list[str], list[str]]:
    """What stands after each ||, crossed factors first; and the columns to be made."""
    if any(r.members for r in model.random):
        raise Untranslatable("mixed has no multiple membership: R. gives every row one group")
    rest, chain = parts_of(model)
    made, equations, path = [], [], []
    for r in rest:
        if any(r.slopes):
            raise Untranslatable("random slopes of a crossed factor: R. makes columns for groups, not for their slopes")
        equations.append(f"_all: R.{_of_group(r.group, (), made)}")
    for group, own in chain.items():
        word = _of_group(group, path, made)
        path += [p for p in group.split(":") if p not in path]
        equations += [_equation(model, names, word, r) for r in own]
    return equations, made


def _of_group(group: str, path, made) -> str:
    """The factor within those before it: of ``a:b`` in ``a`` it is ``b``; a new column where that will not do."""
    parts = group.split(":")
    new = [p for p in parts if p not in path]
    if len(new) == 1:
        return new[0]
    made.append(f"egen {'_'.join(parts)} = group({' '.join(parts)})")
    return "_".join(parts)


def _equation(model, names, word, r) -> str:
    if any(len(e) > 1 or model.category(e[0]) for e in r.slopes):
        raise Untranslatable("random slopes of categories or products must be columns of their own in Stata; make them "
                             "first")
    slopes = " ".join(names[e[0]][0] if e[0] in names else e[0].label for e in r.slopes)
    options = ["noconstant"] * (not r.intercept) + [f"covariance({r.structure})"] * (not r.single)
    return f"{word}:{' ' + slopes if slopes else ''}" + (f", {' '.join(options)}" if options else "")


# ------------------------------------------------------------- residuals
@dataclass
class More:
    """What a structure of the residuals needs besides its option: lines before, a level of its own, a remark."""

    lines: list
    extra: str = ""
    note: str = ""


def residuals(model: Model, words) -> tuple[str, More]:
    """The option residuals(...)."""
    found, more = model.residuals, More([])
    if not found:
        return "", more
    others = [one for one in found.variances if one.name != "by_group"]
    if others:
        raise Untranslatable("mixed has no residual variance by "
                             f"{'a power' if others[0].name == 'power' else 'the exponential'} of a column; nlme and "
                             "SAS have")
    by = found.by
    if len(found.variances) > 1:
        raise Untranslatable("mixed takes one by() column; make one of the two first")
    if by and ":" in by:
        more.lines.append(f"egen {by.replace(':', '_')} = group({by.replace(':', ' ')})")
        by = by.replace(":", "_")
    if found.correlation is None:
        return f"residuals(independent, by({by}))", more
    if by and not (found.kind == "un" and found.by_time):
        raise Untranslatable("in mixed by() gives every category its own correlation too; ours is one for all")
    if found.kind == "un" and not found.by_time:
        raise Untranslatable("mixed's unstructured residuals have a variance for each occasion; beside mlm.un write "
                             "variance=mlm.by_group of the time")
    if found.kind == "arma11":
        raise Untranslatable("mixed has AR and MA residuals, and no mixture of the two")
    if found.group is not None and words and found.group.split(":")[-1] not in words and found.group.replace(":", "_") not in words:
        more.extra = _of_group(found.group, words, more.lines)
    time = _time(found, more)
    if found.kind == "cs":
        more.note = " exchangeable residuals are compound symmetry."
        return "residuals(exchangeable)", more
    option = {"ar1": "ar 1", "car1": "exponential", "toeplitz": "toeplitz", "un": "unstructured"}[found.kind]
    return f"residuals({option}, t({time}))", more


def _time(found, more) -> str:
    if found.kind == "cs" or found.kind == "car1":
        return found.time
    if found.time is None:
        by = f"bysort {found.group.replace(':', ' ')} (row): " if found.group else "sort row\n"
        more.lines += ["generate long row = _n", *f"{by}generate order = _n".splitlines()]
        return "order"
    if found.step is None:
        more.note = f" {found.time} must be numbered: encode it, in the order of time."
    elif found.kind != "un" and not found.in_steps:
        more.lines.append(f"generate {found.time}_step = round(({found.time} - {found.first:.12g}) / {found.step:.12g})"
                          .replace("- -", "+ "))
        return f"{found.time}_step"
    return found.time
