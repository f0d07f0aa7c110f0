"""HLM 7: the level equations one builds in its window, and the settings that give our numbers."""

from __future__ import annotations

from .model import Model, Untranslatable, derived

SUB = str.maketrans("0123456789", "\u2080\u2081\u2082\u2083\u2084\u2085\u2086\u2087\u2088\u2089")


def write(model: Model):
    if model.residuals:
        raise Untranslatable("HLM2 and HLM3 take independent residuals; HLM2 has a log-linear model of their variance "
                             "(heterogeneous sigma^2), and the module HMLM has AR(1), heterogeneous and unrestricted "
                             "occasions")
    if any(r.members for r in model.random):
        raise Untranslatable("HLM has no multiple membership")
    if len(model.random) != 1 or ":" in model.random[0].group:
        from . import hlm_several

        return hlm_several.write(model)
    random = model.random[0]
    if not model.intercept:
        raise Untranslatable("HLM's level-1 equation keeps its intercept unless it is deleted by hand")
    names, made = derived(model, "**", "LN"), []

    def word(term):
        text = "_".join(_column(model, f, names) for f in term)
        if len(term) > 1:
            made.append(f"{text} = {' x '.join(_column(model, f, names) for f in term)}")
        return text

    def level(factors):
        return 2 if all(set(f.columns) <= model.level2 for f in factors) else 1

    ones, twos, cross = [], {(): []}, {}
    for term in (t for t in model.fixed if t):
        low = tuple(f for f in term if level((f,)) == 1)
        high = tuple(f for f in term if level((f,)) == 2)
        if not low:
            twos[()].append(high)
        elif not high or low not in model.fixed:
            ones.append(term)
        else:
            cross.setdefault(low, []).append(high)
    for term in random.slopes:
        if term not in ones:
            raise Untranslatable(f"in HLM the random slope of {word(term)} needs its fixed part too")
    outcome = (names[model.formula.response][0] if model.formula.response in names else model.outcome).upper()
    level1 = " + ".join(
        ["\u03b2\u2080j", *(f"\u03b2{str(k).translate(SUB)}j*({word(t)}ij)" for k, t in enumerate(ones, 1)), "rij"]
    )
    lines = ["Level-1 model", f"  {outcome}ij = {level1}", "Level-2 model"]
    for k, term in enumerate([(), *ones]):
        own = twos[()] if not term else cross.get(term, [])
        parts = [f"\u03b3{str(k).translate(SUB)}\u2080"]
        parts += [f"\u03b3{str(k).translate(SUB)}{str(m).translate(SUB)}*({word(w)}j)" for m, w in enumerate(own, 1)]
        if term in random.effects:
            parts.append(f"u{str(k).translate(SUB)}j")
        lines.append(f"  \u03b2{str(k).translate(SUB)}j = {' + '.join(parts)}")
    note = [
        f"Level-2 ID: {random.group.upper()}. Enter predictors uncentered; Estimation Settings: "
        f"{'restricted' if model.method == 'REML' else 'full'} maximum likelihood (the default is restricted). Read "
        "the table of fixed effects without robust standard errors; its t tests have degrees of freedom by level."
    ]
    for column, levels in model.categories.items():
        note.append(
            f"{column} enters as 0/1 columns, {levels[0]} = 0." if levels else f"{column} enters as 0/1 columns."
        )
    if made:
        note.append("Products are columns made beforehand: " + "; ".join(dict.fromkeys(made)) + ".")
    if not random.single and random.structure != "unstructured":
        note.append(
            f"HLM estimates the full matrix of variances and covariances; this {random.structure} one it does not "
            "offer."
        )
    if not model.known:
        note.append("Without data every predictor is taken to be of level 1.")
    return "\n".join(lines), " ".join(note)


def _column(model, factor, names):
    category = model.category(factor)
    if category:
        levels = model.categories.get(category, ())
        return str(levels[1] if len(levels) == 2 else category).upper()
    return (names[factor][0] if factor in names else factor.label).upper()
