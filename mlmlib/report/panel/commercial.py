"""Panel fits in Stata, SAS and SPSS."""

from __future__ import annotations

import re

from ..translate import stata as plain_stata
from ..translate.model import Untranslatable
from .targets import _REML, _only_means

__all__ = ["glm", "sas", "spss", "stata"]

_STATA = {"within": "fe", "two-way": "fe", "between": "be", "random": "re sa", "mundlak": "re sa", "hybrid": "re sa"}
_PANEL = {"pooled": "pooled", "within": "fixone", "two-way": "fixtwo", "first-difference": "fdone noint", "between": "btwng",
          "random": "ranone", "mundlak": "ranone", "hybrid": "ranone", "hausman-taylor": "htaylor"}


def stata(ask):
    fit = ask.fit
    text, note = plain_stata.write(ask.model)
    *first, command = text.splitlines()
    if ask.effects == "pooled":
        return [*first, command], note
    if fit.design.weights is not None:
        raise Untranslatable("xtreg takes weights only where they are the same in all rows of a group; translate('plm') has the lines of "
                             "a fit with weights")
    outcome, _, right = command.removeprefix("regress ").partition(" ")
    frame = fit.frame
    for own, labels in ((frame.group, frame.levels), (frame.time, frame.time_levels)):
        if own is not None and isinstance(labels[0], str):
            raise Untranslatable(f"xtset needs numbers, and {own!r} is text; number its values in a column first")
    means = _only_means(ask, ask.columns.lines("stata", ask.data, ask.group)) if ask.split else []
    declared = f"xtset {ask.group}{f' {ask.time}' if ask.time and ask.effects != 'two-way' else ''}"
    before = [*means, *first, declared]
    if ask.effects in ("first-difference", "hausman-taylor") and re.search(r"\bi\.|##?", right):
        raise Untranslatable(f"after effects={ask.effects!r} Stata takes no categories; make 0/1 columns of them first")
    if ask.effects == "first-difference":
        return [*before, f"regress D.({outcome} {right}), noconstant"], "D. takes the value one unit of time before: gaps give missing values."
    if ask.effects == "hausman-taylor":
        loose = [name for kind, names in fit.kinds.items() if "endogenous" in kind for name in names]
        if any(name not in right.split() for name in loose):
            raise Untranslatable("xthtaylor needs endogenous predictors that are columns; make a column of each first")
        return [*before, f"xthtaylor {outcome} {right}, endog({' '.join(loose)})"], ""
    times = f" i.{ask.time}" if ask.effects == "two-way" else ""
    lines = [*before, f"xtreg {outcome} {right}{times}, {_STATA[ask.effects]}"]
    notes = {
        "two-way": f"The community-contributed reghdfe {outcome} {right}, absorb({ask.group} {ask.time}) is faster with many times.",
        "within": "_cons is the mean of the groups' intercepts (fit.intercept).",
        "random": "sa asks for Swamy and Arora's variances with groups of unequal size; without it Stata takes another formula there.",
        "mundlak": "Stata 19 makes the means itself: xtreg, cre. The community-contributed xthybrid has this form by maximum likelihood, "
                   "for other families too.",
        "hybrid": "The community-contributed xthybrid has this form by maximum likelihood, for other families too.",
        "between": "",
    }
    return lines, " ".join(filter(None, [notes[ask.effects], note]))


def sas(ask):
    """PROC PANEL of SAS/ETS."""
    columns, time = ask.columns, ask.time
    lines = columns.lines("sas", ask.data, ask.group)
    if time is None:
        time = "row"
        lines += [f"proc sort data={ask.data};", f"  by {ask.group};", "run;", f"data {ask.data};", f"  set {ask.data};",
                  f"  by {ask.group};", f"  if first.{ask.group} then row = 0;", "  row + 1;", "run;"]
    else:
        lines += [f"proc sort data={ask.data};", f"  by {ask.group} {time};", "run;"]
    lines += [f"proc panel data={ask.data};", f"  id {ask.group} {time};"]
    if ask.effects == "hausman-taylor":
        loose = [name for kind, names in ask.fit.kinds.items() if "endogenous" in kind for name in names]
        from .columns import plain_name
        lines.append(f"  instruments correlated=({' '.join(map(plain_name, loose))});")
    swept = ask.effects in ("within", "two-way", "first-difference")
    option = _PANEL[ask.effects] + ("" if swept or "Intercept" in ask.fit._names else " noint")
    lines += [f"  model {columns.outcome} = {' '.join(columns.names)} / {option};", "run;"]
    note = {"within": "It prints an intercept, which is that of the last group.", "two-way": "It prints an intercept, which is that of the "
            "last group at the last time."}.get(ask.effects, "")
    if ask.random:
        note = ("VCOMP= chooses how variances are estimated (Fuller-Battese or Wansbeek-Kapteyn by default); Swamy and Arora's are not among "
                "them, so that coefficients differ a little.")
    return lines, note


def glm(ask):
    """PROC GLM, which absorbs a set of effects."""
    if ask.effects not in ("within", "two-way"):
        ask.cannot("PROC GLM", "PROC PANEL has it")
    columns = ask.columns
    lines = [*columns.lines("sas", ask.data, ask.group), f"proc sort data={ask.data};", f"  by {ask.group};", "run;",
             f"proc glm data={ask.data};", f"  absorb {ask.group};"]
    times = [ask.time] if ask.effects == "two-way" else []
    lines += [f"  class {ask.time};"] * bool(times)
    return [*lines, f"  model {columns.outcome} = {' '.join([*columns.names, *times])} / solution;", "run; quit;"], (
        "ABSORB takes the groups' effects off without printing them.")


def spss(ask):
    """MIXED, which is least squares where nothing is random."""
    columns, group = ask.columns, ask.group
    if ask.effects == "hausman-taylor":
        ask.cannot("SPSS")
    lines, names, outcome = columns.lines("spss", ask.data, group), list(columns.names), columns.outcome
    if ask.effects == "first-difference":
        lines.append(f"SORT CASES BY {group}{f' {ask.time}' if ask.time else ''}.")
        lines += [f"IF ({group} = LAG({group})) d_{name} = {name} - LAG({name})." for name in (outcome, *names)]
        lines.append("EXECUTE.")
        outcome, names = f"d_{outcome}", [f"d_{name}" for name in names]
    if ask.effects == "between":
        parts = " ".join(f"/{name} = MEAN({name})" for name in (outcome, *names))
        lines.append(f"AGGREGATE /OUTFILE=* /BREAK={group} {parts}.")
    factors = {"within": [group], "two-way": [group, ask.time]}.get(ask.effects, [])
    by = f" BY {' '.join(factors)}" if factors else ""
    none = not factors and "Intercept" not in ask.fit._names
    lines.append(f"MIXED {outcome}{by} WITH {' '.join(names)}")
    lines.append(f"  /FIXED = {' '.join([*names, *factors])}{' | NOINT' if none else ''}")
    if ask.random:
        lines.append(f"  /RANDOM = INTERCEPT | SUBJECT({group})")
    note = _REML.format(group) if ask.random else "Without random effects MIXED is least squares."
    if factors:
        note += " Its intercept is that of the last group."
    if ask.effects == "between":
        note += " AGGREGATE leaves one row a group in the active data set: save it first."
    return [*lines, "  /METHOD = REML", "  /PRINT = SOLUTION TESTCOV."], note
