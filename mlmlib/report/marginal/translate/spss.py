"""SPSS: GENLIN with REPEATED.

Chapter 20 (``20_gee_and_robust``).
"""

from __future__ import annotations

from dataclasses import replace

from ...translate.general.plain import GENLIN, _spss
from ...translate.model import Untranslatable
from .spec import MarginalModel

__all__ = ["write"]

_TYPES = {"independence": "INDEPENDENT", "exchangeable": "EXCHANGEABLE", "ar1": "AR(1)", "unstructured": "UNSTRUCTURED"}


def write(model: MarginalModel) -> tuple[str, str]:
    """Code and note."""
    model.refuse_nested("GENLIN")
    if model.family == "multinomial" or model.family != "ordinal" and model.family not in GENLIN:
        raise Untranslatable(f"GENLIN has no {'unordered categories' if model.family == 'multinomial' else model.family}")
    text, _ = _spss(replace(model, method="laplace", weights=None))
    lines = text.splitlines()
    if model.family == "nbinom2":
        lines = [line.replace("NEGBIN(MLE)", f"NEGBIN({1.0 / model.theta:.6g})") for line in lines]
    if model.weights:
        at = next(k for k, line in enumerate(lines) if line.startswith("  /MODEL"))
        lines[at] += f" SCALEWEIGHT={model.weights}"
    kind = "INDEPENDENT" if model.family == "ordinal" else _TYPES[model.corr]
    within = f" WITHINSUBJECT={model.time}" if model.corr in ("ar1", "unstructured") and model.family != "ordinal" else ""
    covariance = "MODEL" if model.cov == "model" else "ROBUST"
    repeated = f"  /REPEATED SUBJECT={model.group}{within} SORT=YES CORRTYPE={kind} ADJUSTCORR=NO COVB={covariance}"
    lines[-1:] = [repeated, f"  /PRINT SOLUTION FIT{'' if kind == 'INDEPENDENT' else ' WORKINGCORR'}."]
    return "\n".join(lines), _note(model)


def _note(model) -> str:
    note = "Tests are Wald chi-squared, the square of our z; FIT prints QIC and QICC (our QICu). "
    if model.family == "ordinal":
        note += "SPSS's threshold less the linear predictor is ours, signs and all. "
        if model.corr != "independence":
            note += "Its working correlation of categories is not our global odds ratio, hence independence: estimates differ a little. "
    elif model.corr != "independence":
        note += "ADJUSTCORR=NO leaves the number of coefficients out of the divisors of the correlation, as here. "
    if model.cov in ("mancl-derouen", "kauermann-carroll"):
        note += "It has no correction for few groups such as ours. "
    return note.strip()
