"""SPSS: MIXED. Categories become 0/1 columns, because MIXED always takes the last category as the baseline.

Those of very many levels stay factors, where another baseline does no harm.
"""

from __future__ import annotations

import re
from itertools import product

from .model import Model, Untranslatable, derived

MANY = 12  # levels: a 0/1 column for each would bury the model
TYPES = {"unstructured": "UN", "independent": "DIAG", "exchangeable": "CS", "identity": "ID"}


def factors(model: Model) -> list[str]:
    """Categories of many levels that only shift the outcome: another baseline changes their own coefficients alone."""
    if not model.intercept:
        return []
    slopes = [effect for r in model.random for effect in r.slopes]
    busy = {model.category(factor) for term in (*(t for t in model.fixed if len(t) > 1), *slopes) for factor in term}
    return [column for column, levels in model.categories.items() if len(levels) > MANY and column not in busy]


def columns(model: Model, whole=()):
    """Names of derived columns, the lines that compute them and the 0/1 columns, and how a term's columns are written.

    Categories of `whole` stay as they are.
    """
    names = derived(model, "**", "LN")
    lines, dummies = [f"COMPUTE {name} = {text}." for name, text in names.values()], {c: [c] for c in whole}
    for column, levels in model.categories.items():
        if column in dummies:
            continue
        dummies[column] = [re.sub(r"\W+", "_", f"{column}_{level}") for level in levels[1:]] or [column]
        lines += [f"COMPUTE {new} = ({column} = {_value(level)})." for new, level in zip(dummies[column], levels[1:])]

    def pieces(factor):
        category = model.category(factor)
        return dummies[category] if category else [names[factor][0] if factor in names else factor.label]

    def words(term):
        return ["*".join(combination) for combination in product(*(pieces(f) for f in term))]

    return names, lines, words


def write(model: Model):
    if any(r.members for r in model.random):
        raise Untranslatable("MIXED has no multiple membership")
    many = factors(model)
    names, lines, words = columns(model, many)
    repeated = _repeated(model)
    ranked = any("= occasion " in line for line in repeated)
    lines += ["COMPUTE row_id = $CASENUM."] * (ranked or any("row_id" in line for line in repeated))
    if lines:
        lines.append("EXECUTE.")
    if ranked:
        lines.append(f"RANK VARIABLES=row_id (A) BY {model.residuals.group.replace(':', ' ')} /RANK INTO occasion "
                     "/PRINT=NO.")

    fixed = [w for t in model.fixed if t for w in words(t)]
    slopes = [w for r in model.random for e in r.slopes for w in words(e)]
    covariates = [part for part in dict.fromkeys(part for w in (*fixed, *slopes) for part in w.split("*")) if part not in many]
    outcome = names[model.formula.response][0] if model.formula.response in names else model.outcome
    out = [f"MIXED {outcome}" + (f" BY {' '.join(many)}" if many else "")
           + (f" WITH {' '.join(covariates)}" if covariates else "")]
    out.append(
        f"  /FIXED = {' '.join(fixed)}{'' if fixed and model.intercept else ' | SSTYPE(3)' if model.intercept else ' | NOINT'}"
    )
    for r in model.random:
        effects = " ".join((["INTERCEPT"] if r.intercept else []) + [w for e in r.slopes for w in words(e)])
        kind = "" if r.single else f" COVTYPE({TYPES[r.structure]})"
        out.append(f"  /RANDOM = {effects} | SUBJECT({'*'.join(r.parts)}){kind}")
    out += repeated
    if model.ddf != "wald":
        out.append(f"  /CRITERIA = DFMETHOD({model.ddf.replace('-', '').upper()})")
    out += [f"  /METHOD = {'ML' if model.method == 'ML' else 'REML'}", "  /PRINT = SOLUTION TESTCOV."]
    note = (
        "MIXED's default is REML"
        + (", and its default covariance of several effects is VC" if model.random else "")
        + "."
    )
    if many:
        note += (f" The baseline of {', '.join(many)} is its last category: the intercept and its coefficients are "
                 "counted from there, all else is the same.")
    if set(model.categories) - set(many):
        note += " The 0/1 columns keep our baseline; with BY, SPSS would take the last category."
    note += {
        "wald": " Its t tests use Satterthwaite's degrees of freedom by default, so p-values differ a little from "
                "ours; "
        'coef_table(ddf="satterthwaite") has them.',
        "satterthwaite": " Satterthwaite's degrees of freedom are its default.",
        "kenward-roger": " Its default is Satterthwaite; DFMETHOD is missing in older versions.",
    }[model.ddf]
    if any("SP_POWER" in line for line in repeated):
        note += " SP_POWER is there from version 25 on."
    return "\n".join(lines + out), note


PLAIN = {"ar1": "AR1", "arma11": "ARMA11", "cs": "CS", "toeplitz": "TP"}
HETERO = {"ar1": "ARH1", "cs": "CSH", "toeplitz": "TPH", "un": "UN"}


def _repeated(model: Model) -> list[str]:
    """The REPEATED subcommand of a structure of the residuals."""
    found = model.residuals
    if not found:
        return []
    if any(one.name != "by_group" for one in found.variances) or len(found.variances) > 1:
        raise Untranslatable("MIXED has no residual variance that depends on a covariate")
    if found.correlation is None:
        return [f"  /REPEATED = {found.by.replace(':', '*')} | SUBJECT(row_id) COVTYPE(DIAG)"]
    if found.variances and not (found.by_time and found.kind in HETERO):
        raise Untranslatable("MIXED has variances by occasion beside a correlation, not by another column")
    if found.kind == "un" and not found.variances:
        raise Untranslatable("MIXED's UN has a variance for each occasion; beside mlm.un write variance=mlm.by_group "
                             "of the time")
    if found.group is None:
        raise Untranslatable("MIXED needs a column of subjects; name one as group=")
    time = found.time or "occasion"
    subject = f"SUBJECT({found.group.replace(':', '*')})"
    if found.kind == "car1" or found.kind == "ar1" and found.gaps and not found.by_time:
        return [f"  /REPEATED = {time} | {subject} COVTYPE(SP_POWER) SPCOORDS({time})"]
    if found.gaps and found.kind not in ("un", "cs"):
        raise Untranslatable("MIXED counts the values of the time as neighbors, and here some are missing in all "
                             "groups")
    return [f"  /REPEATED = {time} | {subject} COVTYPE({(HETERO if found.by_time else PLAIN)[found.kind]})"]


def _value(level) -> str:
    return str(level) if isinstance(level, (int, float)) else '"' + str(level).replace('"', '""') + '"'
