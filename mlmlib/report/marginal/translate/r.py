"""R: geepack's geeglm; of categories multgee.

The defaults of `mlm.gee` are geepack's moments, so that estimates, correlations and standard errors are the same numbers.  Chapter 20
(``20_gee_and_robust``).
"""

from __future__ import annotations

from ...translate.general import r as general
from ...translate.model import Untranslatable
from ...translate.r import named, side
from .spec import MarginalModel

__all__ = ["write"]

_FAMILIES = ("gaussian", "binomial", "poisson", "gamma")
_LINKS = ("identity", "logit", "probit", "cloglog", "log", "inverse")
_CORR = {"independence": "independence", "exchangeable": "exchangeable", "ar1": "ar1", "unstructured": "unstructured"}
_CORRECTED = {"mancl-derouen": "GEE.var.md", "kauermann-carroll": "GEE.var.kc"}


def write(model: MarginalModel) -> tuple[str, str]:
    """Code and note."""
    if model.family in ("ordinal", "multinomial"):
        return _multgee(model)
    model.refuse_nested("geepack")
    if model.family not in _FAMILIES:
        raise Untranslatable(f"geepack has no {model.family} variance; R's glmtoolbox (glmgee) takes any family of glm")
    if model.link not in _LINKS:
        raise Untranslatable(f"geepack has no {model.link} link; R's glmtoolbox (glmgee) takes those of glm")
    lines = ["library(geepack)", *general.prepared(model), *_sorted(model)]
    left, weights = general.left(model), model.weights
    if model.family == "binomial" and not model.binary:
        trials = named(model.trials) if isinstance(model.trials, str) else str(model.trials)
        left = f"{left.split('(')[1].split(',')[0]} / {trials}"
        weights = trials if weights is None else f"{trials} * {named(weights)}"
        if not isinstance(model.trials, str):
            weights = f"rep({weights}, nrow({model.data}))"
    elif model.levels and model.family == "binomial":
        left = f"as.numeric({left}) - 1"
    words = [f"data = {model.data}", f"id = {named(model.group)}", f'family = {general._family(model)}', f'corstr = "{_CORR[model.corr]}"']
    if model.corr in ("ar1", "unstructured"):
        lines.append(_waves(model))
        words.append("waves = wave")
    words += [f"weights = {weights if ' ' in weights or '(' in weights else named(weights)}"] if weights else []
    lines += [f"fit <- geeglm({left} ~ {general.right(model, [])},", f"              {', '.join(words)})", "summary(fit)"]
    note = "geepack's moments are ours: estimates, correlations and robust standard errors are the same numbers. "
    if model.corr == "ar1" and not model.whole_times:
        note += "Its waves are whole numbers, so that times that lie unequally far apart need rounding. "
    if model.moments == "statsmodels":
        note = "This fit has statsmodels' moments, and geepack its own: correlations and estimates differ a little. "
    if model.cov == "model":
        scaled = "" if model.scale is None else f" * {model.scale:g} / fit$geese$gamma[1]"
        lines.append(f"sqrt(diag(fit$geese$vbeta.naiv){scaled})  # the model-based standard errors, as here")
        note += "summary prints robust standard errors. "
    if model.cov in _CORRECTED:
        note += (f"summary prints robust standard errors without correction for few groups; R's geesmv has {_CORRECTED[model.cov]} for "
                 "ours. ")
    return "\n".join(lines), note + "It prints Wald chi-squared, the square of our z. Rows must be sorted by group, hence order()."


def _sorted(model) -> list[str]:
    """Rows of a group together, groups as numbers."""
    table, group = model.data, f"{model.data}${named(model.group)}"
    order = ", ".join([group] + ([f"{table}${named(model.time)}"] if model.time else []))
    lines = [f"{group} <- factor({group})"] * model.labels
    return [*lines, f"{table} <- {table}[order({order}), ]"]


def _waves(model) -> str:
    column = f"{model.data}${named(model.time)}"
    if model.corr == "unstructured":
        return f"{model.data}$wave <- as.integer(factor({column}))"
    return f"{model.data}$wave <- as.integer({column} - min({column}) + 1)"


def _multgee(model) -> tuple[str, str]:
    ordinal = model.family == "ordinal"
    links = {"logit": "logit", "probit": "probit", "cauchit": "cauchit"}
    if model.offsets() or model.weights:
        raise Untranslatable("multgee has no offsets or weights")
    group, table = named(model.group), model.data
    if ordinal and not model.levels:
        raise Untranslatable("multgee needs an ordered factor; give the outcome as a category column")
    structure = "independence" if model.corr == "independence" else "uniform" if ordinal else "time.exch"
    lines = ["library(multgee)", *general.prepared(model), f"{table} <- {table}[order({table}${group}), ]",
             f"{table}$wave <- ave(seq_len(nrow({table})), {table}${group}, FUN = seq_along)"]
    response = general.left(model)
    right = side(model.fixed, True)
    call = "ordLORgee" if ordinal else "nomLORgee"
    if not ordinal:  # the last category is multgee's reference
        lines.append(f"{table}${response} <- factor({table}${response}, levels = c(levels({table}${response})[-1], "
                     f"levels({table}${response})[1]))")
    link = f', link = "{links[model.link]}"' if ordinal else ""
    lines += [f"fit <- {call}({response} ~ {right}, data = {table},",
              f"{' ' * (8 + len(call))}id = {group}, repeated = wave{link}, LORstr = \"{structure}\")", "summary(fit)"]
    note = "multgee takes local odds ratios between rows, ours is one global odds ratio: under independence estimates are the same, else near. "
    if ordinal:
        note += ("It models P(y <= k) with a plus sign: its slopes are ours with the sign turned. geepack's ordgee has the global odds ratio.")
    else:
        note += "Its reference is the last category, hence the new order; ours is the first."
    return "\n".join(lines), note
