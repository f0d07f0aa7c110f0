"""Julia: MixedModels.jl."""

from __future__ import annotations

from .model import Model, Untranslatable, expression, only_single_columns, plain_category
from .r import quoted, side


def _text(term) -> str:
    return " & ".join(plain_category(f) or expression(f) for f in term)


def write(model: Model):
    only_single_columns(model)
    if model.residuals:
        raise Untranslatable("MixedModels.jl takes residuals that are independent and equally variable")
    if any(r.members for r in model.random):
        raise Untranslatable("MixedModels.jl has no multiple membership")
    if not model.random:
        return _linear(model)
    terms = []
    for r in model.random:
        if r.structure not in ("unstructured", "independent") and not r.single:
            raise Untranslatable(f"MixedModels.jl has no {r.structure} covariance of several effects")
        text = f"{' + '.join(['1' if r.intercept else '0', *map(_text, r.slopes)])} | {' & '.join(r.parts)}"
        terms.append(f"zerocorr({text})" if r.structure == "independent" and not r.single else f"({text})")
    lines = ["using MixedModels, DataFrames", f"f = @formula({_fixed(model)} + {' + '.join(terms)})"]
    lines += [
        f"m = fit(MixedModel, f, {model.data}; REML = {str(model.method == 'REML').lower()}{_contrasts(model)})",
        "VarCorr(m)",
    ]
    note = "The default of MixedModels.jl is ML (REML = false), unlike lme4. "
    note += "z tests, as ours." if model.ddf == "wald" else "It has z tests only, no degrees of freedom."
    return "\n".join(lines), note


def _fixed(model):
    right = side(model.fixed, model.intercept, " & ").replace("I(", "(")
    for column in model.categories:
        right = right.replace(f"factor({column})", column)
    return f"{expression(model.formula.outcome)} ~ {'1 + ' if model.intercept and right != '1' else ''}{right}"


def _contrasts(model):
    pairs = [
        f":{c} => DummyCoding(base = {quoted(v[0])})" if isinstance(v[0], str)
        else f":{c} => DummyCoding(base = {v[0]})" for c, v in model.categories.items()
        if v
    ]
    return f",\n        contrasts = Dict({', '.join(pairs)})" if pairs else ""


def _linear(model):
    lines = [
        "using GLM, DataFrames",
        f"m = lm(@formula({_fixed(model)}), {model.data}{' '.join(_contrasts(model).split())})",
    ]
    if model.method == "ML":
        lines.append("loglikelihood(m)")
    return "\n".join(lines), (
        ""
        if model.method == "OLS"
        else "lm has the ML coefficients and log-likelihood; its standard errors use the divisor n - p."
    )
