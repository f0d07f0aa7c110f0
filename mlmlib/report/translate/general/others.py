"""Julia's MixedModels.jl, and statsmodels, whose mixed GLMs are Bayesian."""

from __future__ import annotations

import re

from .. import julia, python
from ..model import Untranslatable, expression, only_single_columns
from ..r import quoted
from .spec import General, _inner, linked, only_likelihood

__all__ = ["mixedmodels", "statsmodels"]

JULIA_LINKS = {"logit": "LogitLink()", "probit": "ProbitLink()", "cloglog": "CloglogLink()", "cauchit": "CauchitLink()", "log": "LogLink()",
               "identity": "IdentityLink()", "sqrt": "SqrtLink()"}
CANONICAL = {"binomial": "logit", "poisson": "log"}


def mixedmodels(model: General):
    only_likelihood(model, "MixedModels.jl")
    only_single_columns(model)
    if model.family not in CANONICAL or model.zero is not None:
        raise Untranslatable("MixedModels.jl has Bernoulli, binomial and Poisson outcomes; with a dispersion to "
                             f"estimate it warns against its own results, and {model.family} is such"
                             if model.family in ("gamma", "inverse-gaussian", "gaussian")
                             else f"MixedModels.jl has no {model.family} outcomes")
    if model.link not in JULIA_LINKS:
        raise Untranslatable(f"MixedModels.jl has no {model.link} link")
    if any(r.members or r.structure not in ("unstructured", "independent") and not r.single for r in model.random):
        raise Untranslatable("MixedModels.jl has free or diagonal covariances, and no multiple membership")
    if model.method == "agq" and (len(model.random) > 1 or not model.random[0].single):
        raise Untranslatable("MixedModels.jl has quadrature for one random effect only")
    lines = ["using MixedModels, DataFrames"]
    outcome, left = expression(model.formula.outcome), ""
    if model.family == "binomial" and model.levels:
        left = re.sub(r"\W+", "_", f"{outcome}_{model.levels[1]}")
        lines.append(f"{model.data}.{left} = {model.data}.{outcome} .== {quoted(model.levels[1])}")
    options = []
    if model.family == "binomial" and not model.binary:
        left = f"{outcome}_share"
        size = f"{model.data}.{model.trials}" if isinstance(model.trials, str) else str(model.trials)
        lines.append(f"{model.data}.{left} = {model.data}.{outcome} ./ {size}")
        options.append(f"wts = float.({size})" if isinstance(model.trials, str)
                       else f"wts = fill({size}.0, nrow({model.data}))")
    elif model.weights:
        options.append(f"wts = float.({model.data}.{model.weights})")
    if model.weights and not model.binary and model.family == "binomial":
        raise Untranslatable("wts holds the trials of a binomial, so there is no place for weights")
    offsets = [f"log.({model.data}.{model.exposure})"] if model.exposure else []
    offsets += [f"{model.data}.{model.offset}"] if model.offset else []
    offsets += [_offset(model, expression(_inner(f))) for f in model.formula.offsets]
    if offsets:
        options.append(f"offset = {' .+ '.join(offsets)}")
    options += [f"nAGQ = {model.nodes}"] if model.method == "agq" else []
    terms = []
    for r in model.random:
        text = f"{' + '.join(['1' if r.intercept else '0', *map(julia._text, r.slopes)])} | {' & '.join(r.parts)}"
        terms.append(f"zerocorr({text})" if r.structure == "independent" and not r.single else f"({text})")
    fixed = julia._fixed(model)
    fixed = f"{left} ~ {fixed.partition(' ~ ')[2]}" if left else fixed
    lines.append(f"f = @formula({fixed} + {' + '.join(terms)})")
    dist = "Bernoulli()" if model.binary else "Binomial()" if model.family == "binomial" else "Poisson()"
    link = "" if CANONICAL[model.family] == model.link else f", {JULIA_LINKS[model.link]}"
    tail = "".join(f", {o}" for o in options)
    lines.append(f"m = fit(MixedModel, f, {model.data}, {dist}{link}; fast = false{tail}{julia._contrasts(model)})".replace("; ,", ";"))
    comments = [] if CANONICAL[model.family] == model.link else [
        f"# with {linked(model.link)} MixedModels.jl takes the expected information, ours the observed: numbers differ "
        "a little"]
    return "\n".join([*comments, *lines]), ("fast = false, the default, searches over the fixed part too, as we do. "
                                            "deviance(m) leaves out constants that depend on y alone for some "
                                            "distributions; loglikelihood(m) has them.")


def _offset(model: General, text: str) -> str:
    """A column, or a function of one, as a vector."""
    found = re.fullmatch(r"(?:(log|exp|sqrt)\()?([A-Za-z_]\w*)\)?", text)
    if not found:
        raise Untranslatable(f"MixedModels.jl takes offset= as a vector; make a column of {text}")
    return f"{found[1]}.({model.data}.{found[2]})" if found[1] else f"{model.data}.{found[2]}"


def statsmodels(model: General):
    if (model.family, model.link) not in (("binomial", "logit"), ("poisson", "log")) or not model.binary and model.family == "binomial":
        raise Untranslatable("statsmodels has no maximum likelihood for mixed GLMs; its Bayesian ones are of 0/1 "
                             "outcomes (logit) and counts (log)")
    only_single_columns(model)
    if model.offsets() or model.weights or model.zero is not None:
        raise Untranslatable("the Bayesian mixed GLMs of statsmodels have no offset, weights or zero part")
    if any(r.members for r in model.random):
        raise Untranslatable("the Bayesian mixed GLMs of statsmodels have no multiple membership")
    if any(not r.single and r.structure != "independent" for r in model.random):
        raise Untranslatable("the Bayesian mixed GLMs of statsmodels have independent random effects only")
    name = "BinomialBayesMixedGLM" if model.family == "binomial" else "PoissonBayesMixedGLM"
    lines = [f"from statsmodels.genmod.bayes_mixed_glm import {name}"]
    outcome = python.response(model)
    if model.levels:
        new = re.sub(r"\W+", "_", f"{outcome}_{model.levels[1]}")
        lines.append(f'{model.data}["{new}"] = ({model.data}["{outcome}"] == {model.levels[1]!r}).astype(int)')
        outcome = new
    formula = f"{outcome} ~ {python._references(model, python._side(model, model.fixed, model.intercept))}"
    lines += python.imports(formula)
    parts = {}
    for r in model.random:
        group = ":".join(f"C({p})" for p in r.parts)
        for effect in r.effects:
            word = python._side(model, (effect,), False).removeprefix("0 + ") if effect else ""
            key = "_".join([*r.parts, *([re.sub(r"\W+", "_", word)] if word else [])])
            parts[key] = f"0 + {group}{':' + word if word else ''}"
    lines.append(f"parts = {{{', '.join(f'{k!r}: {v!r}' for k, v in parts.items())}}}".replace("'", '"'))
    lines += [f'model = {name}.from_formula("{formula}", parts, {model.data}, vcp_p=2, fe_p=10)',
              "fit = model.fit_vb()", "fit.summary()"]
    comment = "# a Bayesian fit with normal priors (fe_p, vcp_p) by variational Bayes: near maximum likelihood, not the same"
    return "\n".join([comment, *lines]), "statsmodels has no maximum likelihood for mixed GLMs. Its table prints the log of the standard deviations."
