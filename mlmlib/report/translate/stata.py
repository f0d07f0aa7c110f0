"""Stata: mixed, and regress for OLS."""

from __future__ import annotations

from itertools import combinations

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
    command = f"mixed {fixed}{no_constant}"
    if model.ddf != "wald" and model.method != "REML":
        raise Untranslatable("Stata has Satterthwaite's degrees of freedom with REML only; fit by REML")
    groups = list(dict.fromkeys(r.group for r in model.random))
    if any(not low.startswith(f"{high}:") for high, low in zip(groups, groups[1:])):
        raise Untranslatable(
            "mixed takes each || for groups within those before; crossed factors are written || _all: R.group, which we "
            "do not translate"
        )
    for place, r in enumerate(model.random, 1):
        if any(len(e) > 1 or model.category(e[0]) for e in r.slopes):
            raise Untranslatable(
                "random slopes of categories or products must be columns of their own in Stata; make them first"
            )
        last = place == len(model.random)
        slopes = " ".join(names[e[0]][0] if e[0] in names else e[0].label for e in r.slopes)
        options = ["noconstant"] * (not r.intercept) + [f"covariance({r.structure})"] * (not r.single)
        options += ["reml"] * (model.method == "REML" and last) + [DFMETHOD.get(model.ddf, "")] * (model.ddf != "wald" and last)
        command += f" ///\n  || {r.group.rpartition(':')[2] if len(groups) > 1 else r.group}:{' ' + slopes if slopes else ''}" + (
            f", {' '.join(options)}" if options else ""
        )
    if len(command) < 96:
        command = command.replace(" ///\n ", "")
    if model.random:
        lines += [command, *(["estat sd"] if any(not r.single for r in model.random) else ["estat icc"])]
        note += (
            "mixed's default is ML"
            + ("" if model.method == "ML" else ", hence reml")
            + ", and its default covariance is independent"
            + ("" if all(r.single for r in model.random) else ", hence covariance(...)")
            + NOTES[model.ddf]
            + " The last line prints "
            + ("SDs and correlations." if any(not r.single for r in model.random) else "the ICC.")
        )
    else:
        lines.append(command)
        note += "mixed without || is the linear model by maximum likelihood."
    return "\n".join(lines), note
