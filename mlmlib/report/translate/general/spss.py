"""SPSS: GENLINMIXED, whose estimates are pseudo-likelihood ones."""

from __future__ import annotations

import re

from ..model import Untranslatable
from ..spss import _value, columns
from .spec import General

__all__ = ["write"]

DISTRIBUTIONS = {"gaussian": "NORMAL", "binomial": "BINOMIAL", "poisson": "POISSON", "nbinom2": "NEGATIVE_BINOMIAL", "gamma": "GAMMA",
                 "inverse-gaussian": "INVERSE_GAUSSIAN", "ordinal": "MULTINOMIAL", "multinomial": "MULTINOMIAL"}
LINKS = {"identity": "IDENTITY", "log": "LOG", "logit": "LOGIT", "probit": "PROBIT", "cloglog": "CLOGLOG", "loglog": "NLOGLOG",
         "cauchit": "CAUCHIT", "inverse": "POWER(-1)", "inverse-squared": "POWER(-2)", "sqrt": "POWER(0.5)"}
TYPES = {"unstructured": "UNSTRUCTURED", "independent": "DIAGONAL", "exchangeable": "COMPOUND_SYMMETRY", "identity": "IDENTITY"}


def link_of(model: General) -> str:
    """The link in SPSS's word."""
    if model.link.startswith("power"):
        return model.link.upper().replace(" ", "")
    if model.link not in LINKS:
        raise Untranslatable(f"GENLINMIXED has no {model.link} link")
    return LINKS[model.link]


def write(model: General):
    if model.family not in DISTRIBUTIONS or model.zero is not None:
        raise Untranslatable("GENLINMIXED has no " + ("zero part" if model.base != model.family
                                                      or model.zero is not None else f"{model.family} distribution"))
    if any(r.members for r in model.random):
        raise Untranslatable("GENLINMIXED has no multiple membership")
    link = link_of(model)
    names, lines, words = columns(model)
    outcome = names[model.formula.response][0] if model.formula.response in names else model.outcome
    if model.family == "binomial" and model.levels:
        new = re.sub(r"\W+", "_", f"{outcome}_{model.levels[1]}")
        lines.append(f"COMPUTE {new} = ({outcome} = {_value(model.levels[1])}).")
        outcome = new
    offsets = model.offsets(lambda column: f"LN({column})", "**", "LN")
    if offsets:
        lines.append(f"COMPUTE offset_of_rows = {' + '.join(offsets)}.")
    lines += ["EXECUTE."] * bool(lines)

    fixed = [w for t in model.fixed if t for w in words(t)]
    covariates = list(dict.fromkeys(part for w in fixed for part in w.split("*")))
    if covariates:
        lines.append(f"VARIABLE LEVEL {' '.join(covariates)} (SCALE).")
    if model.family in ("ordinal", "multinomial"):
        lines.append(f"VARIABLE LEVEL {outcome} ({'ORDINAL' if model.family == 'ordinal' else 'NOMINAL'}).")
    nested = sorted(dict.fromkeys(p for r in model.random for p in r.parts))
    order = sorted({r.group for r in model.random}, key=len)
    subjects = "*".join(dict.fromkeys(p for group in order for p in group.split(":"))) if model.inside or len(order) == 1 else ""
    trials = "" if model.binary or model.family != "binomial" else (
        f" TRIALS=FIELD({model.trials})" if isinstance(model.trials, str) else f" TRIALS=VALUE({model.trials})")
    out = ["GENLINMIXED"] + [f"  /DATA_STRUCTURE SUBJECTS={subjects}"] * bool(subjects)
    out.append(f"  /FIELDS TARGET={outcome}{trials}{' OFFSET=FIELD(offset_of_rows)' if offsets else ''}"
               + (f" ANALYSIS_WEIGHT={model.weights}" if model.weights else ""))
    reference = " REFERENCE=0" if model.family == "binomial" and model.binary else (
        f" REFERENCE={_value(model.levels[0])}" if model.family == "multinomial" and model.levels else "")
    out.append(f"  /TARGET_OPTIONS DISTRIBUTION={DISTRIBUTIONS[model.family]} LINK={link}{reference}")
    out.append(f"  /FIXED EFFECTS={' '.join(fixed)} USE_INTERCEPT={str(model.intercept).upper()}".replace("EFFECTS= ", ""))
    for r in model.random:
        effects = " ".join(w for e in r.slopes for w in words(e))
        kind = "VARIANCE_COMPONENTS" if r.single else TYPES[r.structure]
        out.append(f"  /RANDOM{f' EFFECTS={effects}' if effects else ''} USE_INTERCEPT={str(r.intercept).upper()} "
                   f"SUBJECTS={'*'.join(r.parts)} COVARIANCE_TYPE={kind}")
    out[-1] += "."
    comment = f"* GENLINMIXED always takes pseudo-likelihood, which is PQL, not {model.title}: its numbers are not ours."
    if (model.method, model.order) == ("pql", 1):
        comment = "* GENLINMIXED takes PQL, as here, but its REML version: variances differ a little."
    note = "There is no Laplace approximation and no quadrature in SPSS, and with PQL no likelihood to compare models by."
    if model.family in ("ordinal", "multinomial"):
        note += " The measurement level of the outcome decides between ordered and unordered categories."
    if model.family == "ordinal":
        note += " Look at one slope before you compare signs: programs differ in which end of the categories they model."
    if len(nested) > 1 and not subjects:
        note += " Crossed factors need no DATA_STRUCTURE, but much time."
    return "\n".join([comment, *lines, *out]), note
