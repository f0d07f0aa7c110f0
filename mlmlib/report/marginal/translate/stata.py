"""Stata: xtgee.

Chapter 20 (``20_gee_and_robust``).
"""

from __future__ import annotations

from ...translate.general.stata import _offset, _outcome
from ...translate.model import Untranslatable, derived
from ...translate.stata import side
from .spec import MarginalModel

__all__ = ["write"]

_FAMILIES = {"gaussian": "gaussian", "binomial": "binomial", "poisson": "poisson", "gamma": "gamma", "inverse-gaussian": "igaussian"}
_LINKS = {"identity": "identity", "logit": "logit", "probit": "probit", "cloglog": "cloglog", "log": "log", "inverse": "reciprocal"}
_CORR = {"independence": "independent", "exchangeable": "exchangeable", "ar1": "ar 1", "unstructured": "unstructured"}
_RATIOS = {("binomial", "logit"), ("poisson", "log"), ("nbinom2", "log")}


def write(model: MarginalModel) -> tuple[str, str]:
    """Code and note."""
    if model.family in ("ordinal", "multinomial"):
        command = {"logit": "ologit", "probit": "oprobit"}.get(model.link) if model.family == "ordinal" else "mlogit"
        if command is None:
            raise Untranslatable(f"Stata has no categories with a {model.link} link")
        raise Untranslatable(f"xtgee has no categories; {command} with vce(cluster {model.group}) is GEE under independence")
    model.refuse_nested("xtgee")
    if model.family not in (*_FAMILIES, "nbinom2"):
        raise Untranslatable(f"xtgee has no family {model.family}")
    if model.link not in _LINKS:
        raise Untranslatable(f"xtgee has no {model.link} link")
    names = derived(model)
    lines = [f"generate {name} = {text}" for name, text in names.values()]
    outcome, made = _outcome(model, names)
    lines += made
    offset = _offset(model, lines)
    group = model.group
    if model.labels:
        lines.append(f"encode {group}, generate({group}_n)")
        group = f"{group}_n"
    lines.append(f"xtset {group}{f' {model.time}' if model.corr in ('ar1', 'unstructured') else ''}")
    family = f"nbinomial {1.0 / model.theta:.6g}" if model.family == "nbinom2" else _FAMILIES[model.family]
    if model.family == "binomial" and not model.binary:
        family += f" {model.trials}"
    options = ["noconstant"] * (not model.intercept) + [f"family({family})", f"link({_LINKS[model.link]})", f"corr({_CORR[model.corr]})"]
    options += ["vce(robust)"] * (model.cov != "model") + ([f"scale({model.scale:g})"] if model.scale is not None else []) + offset
    note = _note(model)
    if model.cov == "model" and model.scale is None and model.family in ("binomial", "poisson", "nbinom2"):
        options.append("scale(x2)")
    weight = f" [iweight = {model.weights}]" if model.weights else ""
    lines.append(" ".join(w for w in ("xtgee", outcome, _right(model, names)) if w) + f"{weight}, {' '.join(options)}")
    lines += ["estat wcorrelation"] * (model.corr != "independence" and not model.balanced or model.corr == "unstructured")
    return "\n".join(lines), note


def _right(model, names) -> str:
    return side(model, names)


def _note(model) -> str:
    texts = [c for c, found in model.categories.items() if any(isinstance(level, str) for level in found)]
    note = f"A text column has to be numbered first: encode {texts[0]}, generate({texts[0]}_n), then i.{texts[0]}_n. " if texts else ""
    if model.corr == "exchangeable" and not model.balanced:
        note += "Stata's moments weigh groups, ours pairs of rows: with unequal groups correlation and estimates differ a little. "
    elif model.corr == "ar1":
        note += "Stata takes the correlation from neighboring times, ours all lags: it differs a little. Gaps need the option force. "
    elif model.corr != "independence":
        note += "With groups of equal size correlation and estimates are ours. "
    if model.cov != "model" and model.count:
        note += (f"vce(robust) multiplies the robust covariance by J / (J - 1) = {model.count}/{model.count - 1}"
                 f"{', and has no correction for few groups such as ours' if model.cov != 'robust' else ''}. ")
    if model.weights:
        note += "Weights must be the same in all rows of a group. "
    return note + ("The option eform prints ratios." if (model.family, model.link) in _RATIOS else "z tests, as ours.")
