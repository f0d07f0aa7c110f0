"""Generalized models in other programs: which writers there are, and how a model comes to them.

Chapters 16 to 18 (``16_binary``, ``17_counts``, ``18_categories``) fit such models.
"""

from __future__ import annotations

from ..model import Untranslatable
from . import hlm, joint, others, plain, r, sas, spss, stata
from .spec import General, of_text
from .spec import of_fit as of_one

__all__ = ["General", "SETTINGS", "TARGETS", "of_fit", "of_text", "programs", "write"]

TARGETS = {
    "lme4": ("R: lme4", "r", r.glmer),
    "glmmtmb": ("R: glmmTMB", "r", r.glmmtmb),
    "ordinal": ("R: ordinal", "r", r.clmm),
    "nlme": ("R: glmmPQL", "r", r.glmmpql),
    "stata": ("Stata", "stata", stata.write),
    "sas": ("SAS", "sas", sas.write),
    "spss": ("SPSS", "text", spss.write),
    "hlm": ("HLM", "text", hlm.write),
    "julia": ("Julia: MixedModels.jl", "julia", others.mixedmodels),
    "statsmodels": ("Python: statsmodels", "python", others.statsmodels),
}
SETTINGS = ("family", "link", "method", "nodes", "order", "trials", "exposure", "offset", "weights", "zero")


def write(key: str, model: General) -> tuple[str, str]:
    """Code and note for one of the targets."""
    if isinstance(model, joint.Joint):
        return joint.write(key, model)
    if model.nominal is not None and not (key == "ordinal" and not model.random):
        raise Untranslatable("thresholds differ by predictors, and with random effects no other program here has that; "
                             "R's clm has nominal=, Stata gologit2, without them")
    if not model.random:
        return plain.write(key, model)
    return TARGETS[key][2](model)


def of_fit(fit, data: str = "df") -> General:
    """The model behind a fit of ``mlm.glmm``, of one outcome or of several."""
    return joint.of_fit(fit, data) if hasattr(fit, "families") else of_one(fit, data)


def programs(model) -> list[str]:
    """The programs worth a tab: the package for ordered categories in place of lme4 and glmmTMB, glmmPQL for PQL alone, none for mixed
    models alone where there are no random effects."""
    spec = model if isinstance(model, General) else of_fit(model)
    hidden = {"nlme"} if spec.method != "pql" else {"lme4", "glmmtmb"}
    hidden |= set() if spec.random else {"hlm", "glmmtmb"}
    hidden |= {"lme4", "glmmtmb"} if spec.family == "ordinal" else {"ordinal"}
    return [name for name in TARGETS if name not in hidden]
