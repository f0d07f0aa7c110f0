"""SPSS: MIXED. Categories become 0/1 columns, because MIXED always takes the last category as the baseline."""

from __future__ import annotations

import re
from itertools import product

from .model import Model, derived

TYPES = {"unstructured": "UN", "independent": "DIAG", "exchangeable": "CS", "identity": "ID"}


def write(model: Model):
    names = derived(model, "**", "LN")
    lines, dummies = [], {}
    for name, text in names.values():
        lines.append(f"COMPUTE {name} = {text}.")
    for column, levels in model.categories.items():
        dummies[column] = [re.sub(r"\W+", "_", f"{column}_{level}") for level in levels[1:]] or [column]
        lines += [f"COMPUTE {new} = ({column} = {_value(level)})." for new, level in zip(dummies[column], levels[1:])]
    if lines:
        lines.append("EXECUTE.")

    def pieces(factor):
        category = model.category(factor)
        return dummies[category] if category else [names[factor][0] if factor in names else factor.label]

    def words(term):
        return ["*".join(combination) for combination in product(*(pieces(f) for f in term))]

    fixed = [w for t in model.fixed if t for w in words(t)]
    slopes = [w for r in model.random for e in r.slopes for w in words(e)]
    covariates = list(dict.fromkeys(part for w in (*fixed, *slopes) for part in w.split("*")))
    outcome = names[model.formula.response][0] if model.formula.response in names else model.outcome
    out = [f"MIXED {outcome}" + (f" WITH {' '.join(covariates)}" if covariates else "")]
    out.append(
        f"  /FIXED = {' '.join(fixed)}{'' if fixed and model.intercept else ' | SSTYPE(3)' if model.intercept else ' | NOINT'}"
    )
    for r in model.random:
        effects = " ".join((["INTERCEPT"] if r.intercept else []) + [w for e in r.slopes for w in words(e)])
        kind = "" if r.single else f" COVTYPE({TYPES[r.structure]})"
        out.append(f"  /RANDOM = {effects} | SUBJECT({r.group.replace(':', '*')}){kind}")
    if model.ddf != "wald":
        out.append(f"  /CRITERIA = DFMETHOD({model.ddf.replace('-', '').upper()})")
    out += [f"  /METHOD = {'ML' if model.method == 'ML' else 'REML'}", "  /PRINT = SOLUTION TESTCOV."]
    note = (
        "MIXED's default is REML"
        + (", and its default covariance of several effects is VC" if model.random else "")
        + "."
    )
    if model.categories:
        note += " The 0/1 columns keep our baseline; with BY, SPSS would take the last category."
    note += {
        "wald": " Its t tests use Satterthwaite's degrees of freedom by default, so p-values differ a little from ours; "
        'coef_table(ddf="satterthwaite") has them.',
        "satterthwaite": " Satterthwaite's degrees of freedom are its default.",
        "kenward-roger": " Its default is Satterthwaite; DFMETHOD is missing in older versions.",
    }[model.ddf]
    return "\n".join(lines + out), note


def _value(level) -> str:
    return str(level) if isinstance(level, (int, float)) else f'"{level}"'
