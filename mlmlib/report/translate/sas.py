"""SAS: PROC MIXED, and PROC GLM's least squares through METHOD=REML for OLS."""

from __future__ import annotations

import re

from .model import Model, Untranslatable, derived

DDFM = {"wald": "", "satterthwaite": " ddfm=satterthwaite", "kenward-roger": " ddfm=kr"}
NOTES = {
    "wald": " Estimates and standard errors are ours; its t tests use containment degrees of freedom, without ddfm=.",
    "satterthwaite": " The default would be containment degrees of freedom.",
    "kenward-roger": " The default would be containment degrees of freedom. SAS takes the observed information of the variances "
    "where we (and pbkrtest) take the expected, so that its degrees of freedom differ a little.",
}
TYPES = {"unstructured": "un", "independent": "vc", "exchangeable": "cs", "identity": "toep(1)"}


def quoted(text) -> str:
    """A string in SAS."""
    return "'" + str(text).replace("'", "''") + "'"


def write(model: Model):
    names = derived(model, "**")

    def word(term):
        return "*".join(model.category(f) or (names[f][0] if f in names else f.label) for f in term)

    if any(r.members for r in model.random):
        return _members(model, names, word)
    repeated, more, timed = _repeated(model)
    numbers = {f.label for t in (*model.fixed, *(e for r in model.random for e in r.effects)) for f in t
               if not model.category(f)}
    twice = {p: f"{p}_class" for p in dict.fromkeys([*(p for r in model.random for p in r.parts), *timed])
             if p in numbers}
    more = [*(f"{new} = {old};" for old, new in twice.items() if f"{new} = {old};" not in more), *more]

    def classed(text):
        """Columns of the model's numbers that are classes too have copies as such."""
        return re.sub(r"\w+", lambda m: twice.get(m[0], m[0]), text)

    lines = []
    if names or more:
        lines += [
            f"data {model.data};",
            f"  set {model.data};",
            *(f"  {name} = {text};" for name, text in names.values()),
            *(f"  {line}" for line in more),
            "run;",
        ]
    outcome = names[model.formula.response][0] if model.formula.response in names else model.outcome
    method = {"REML": "reml", "ML": "ml", "OLS": "reml"}[model.method]
    lines.append(f"proc mixed data={model.data} method={method} covtest cl;")
    categories = {c: f"{c}(ref={quoted(levels[0])})" if levels else c for c, levels in model.categories.items()}
    classes = [part for r in model.random for part in r.parts if part not in categories]
    classes = [*(classed(c) for c in [*classes, *timed] if c not in categories), *categories.values()]
    if classes:
        lines.append(f"  class {' '.join(dict.fromkeys(classes))};")
    fixed = " ".join(word(t) for t in model.fixed if t)
    lines.append(
        f"  model {outcome} = {fixed + ' ' if fixed else ''}/ {'' if model.intercept else 'noint '}solution "
        f"cl{DDFM[model.ddf]};"
    )
    for r in model.random:
        effects = " ".join((["intercept"] if r.intercept else []) + [word(e) for e in r.slopes])
        kind = "" if r.single else f" type={TYPES[r.structure]}"
        lines.append(f"  random {effects} / subject={classed('*'.join(r.parts))}{kind};")
    lines += [*(re.sub(r"(subject|group)=([\w*]+)", lambda m: f"{m[1]}={classed(m[2])}", line) for line in repeated), "run;"]
    note = (
        "PROC MIXED's default is REML"
        + (", and the default covariance is independent (vc)" if model.random else "")
        + "."
    )
    if model.categories:
        note += " Without ref= SAS takes the last category as the baseline."
    if any("local=exp" in line for line in repeated):
        note += " Its parameter is of the variance: twice our delta."
    note += (
        " Without random effects REML is least squares."
        if model.method == "OLS"
        else NOTES[model.ddf]
    )
    return "\n".join(lines), note


def _members(model: Model, names, word):
    """Multiple membership: the multimember effect of PROC GLIMMIX."""
    if model.residuals or model.ddf != "wald" and model.method == "ML":
        raise Untranslatable("PROC MIXED has no multiple membership, and GLIMMIX not with this")
    lines = [f"proc glimmix data={model.data} method={'rspl' if model.method == 'REML' else 'mspl'};"]
    if names:
        lines[:0] = [f"data {model.data};", f"  set {model.data};",
                     *(f"  {n} = {t};" for n, t in names.values()), "run;"]
    outcome = names[model.formula.response][0] if model.formula.response in names else model.outcome
    categories = {c: f"{c}(ref={quoted(levels[0])})" if levels else c for c, levels in model.categories.items()}
    classes = [p for r in model.random for p in (r.members[0] if r.members else r.parts) if p not in categories]
    lines.append(f"  class {' '.join(dict.fromkeys([*classes, *categories.values()]))};")
    effects = []
    for r in model.random:
        if not r.members:
            inner = " ".join((["intercept"] if r.intercept else []) + [word(e) for e in r.slopes])
            effects.append(f"  random {inner} / subject={'*'.join(r.parts)}{'' if r.single else f' type={TYPES[r.structure]}'};")
            continue
        if r.slopes:
            raise Untranslatable("GLIMMIX's multimember effect has intercepts only")
        groups, weights = r.members
        name = "_".join(groups)[:28] + "_mm"
        option = f"weight=({' '.join(weights)})" if weights else "stdize"
        lines.append(f"  effect {name} = multimember({' '.join(groups)} / {option});")
        effects.append(f"  random {name};")
    fixed = " ".join(word(t) for t in model.fixed if t)
    lines.append(f"  model {outcome} = {fixed + ' ' if fixed else ''}/ {'' if model.intercept else 'noint '}solution "
                 f"cl{DDFM[model.ddf]};")
    return "\n".join([*lines, *effects, "run;"]), (
        "PROC MIXED has no multiple membership; GLIMMIX has, and for a normal outcome method=rspl (its default) is "
        "REML, mspl ML. stdize gives every group of a row the same share.")


# ------------------------------------------------------------- residuals
def _repeated(model: Model) -> tuple[list[str], list[str], list[str]]:
    """The REPEATED statement, columns made before it, and columns that become classes."""
    found = model.residuals
    if not found:
        return [], [], []
    if found.correlation is None:
        return _variances_alone(found)
    if any(one.name != "by_group" for one in found.variances) or len(found.variances) > 1:
        raise Untranslatable("PROC MIXED takes variances that depend on a covariate for uncorrelated residuals only "
                             "(local=exp)")
    hetero = found.by_time
    if found.variances and not (hetero and found.kind in HETERO):
        raise Untranslatable("in PROC MIXED group= gives every category its own correlation too; ours is one for all")
    if found.kind == "un" and not hetero:
        raise Untranslatable("PROC MIXED's type=un has a variance for each occasion; beside mlm.un write "
                             "variance=mlm.by_group of the time")
    group = found.group.split(":") if found.group else []
    subject = f"subject={'*'.join(group)}" if group else "subject=intercept"
    made, effect, classes = [], "", list(group)
    if found.kind == "car1":
        return [f"  repeated / {subject} type=sp(pow)({found.time});"], [], classes
    if found.kind == "ar1" and found.gaps and not hetero:
        return [f"  repeated / {subject} type=sp(pow)({found.time});"], [], classes
    if found.gaps and found.kind != "un":
        raise Untranslatable("PROC MIXED counts the levels of the time as neighbors, and here some are missing in all "
                             "groups")
    if found.time in model.categories:
        effect = f"{found.time} "
    elif found.time is not None and found.kind != "cs":
        made, effect = [f"{found.time}_class = {found.time};"], f"{found.time}_class "
        classes.append(f"{found.time}_class")
    kind = (HETERO if hetero else PLAIN)[found.kind]
    return [f"  repeated {effect}/ {subject} type={kind};"], made, classes


PLAIN = {"ar1": "ar(1)", "arma11": "arma(1,1)", "cs": "cs", "toeplitz": "toep"}
HETERO = {"ar1": "arh(1)", "cs": "csh", "toeplitz": "toeph", "un": "un"}


def _variances_alone(found):
    """Variances by group, or as the exponential of covariates, of uncorrelated residuals."""
    by = [one.column for one in found.variances if one.name == "by_group"]
    covariates = [one for one in found.variances if one.name != "by_group"]
    if by and covariates or len(by) > 1:
        raise Untranslatable("PROC MIXED takes one structure of the variances: group= or local=exp")
    if by:
        return [f"  repeated / group={by[0].replace(':', '*')};"], [], by[0].split(":")
    made = [f"log_{one.column} = log(abs({one.column}));" for one in covariates if one.name == "power"]
    words = [f"log_{one.column}" if one.name == "power" else one.column for one in covariates]
    return [f"  repeated / local=exp({' '.join(words)});"], made, []
