"""Several outcomes of different families: Stata's gsem; what others have instead.

Chapter 18 (``18_categories``) joins outcomes of different kinds.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Untranslatable, derived
from ..stata import side
from .spec import General, linked, of_text
from .stata import _integration, _offset, _outcome

__all__ = ["Joint", "of_fit", "write"]

GSEM = {("binomial", "logit"): "logit", ("binomial", "probit"): "probit", ("binomial", "cloglog"): "cloglog", ("poisson", "log"): "poisson",
        ("nbinom2", "log"): "nbreg", ("nbinom1", "log"): "family(nbinomial constant)", ("gaussian", "identity"): "regress",
        ("gamma", "log"): "gamma", ("exponential", "log"): "family(exponential)", ("beta", "logit"): "family(beta) link(logit)"}
CANNOT = {
    "lme4": "glmer has one family for all rows; GLMMadaptive and MCMCglmm have several outcomes",
    "glmmtmb": "glmmTMB has one family for all rows; GLMMadaptive and MCMCglmm have several outcomes",
    "ordinal": "the package ordinal is for ordered categories",
    "nlme": "glmmPQL has one family for all rows",
    "sas": "GLIMMIX takes stacked rows with dist=byobs(column) and link=byobs(column), where each row names its distribution; make the columns, "
           "and write outcome*predictor for each outcome's own coefficients",
    "spss": "GENLINMIXED has one distribution for all rows",
    "hlm": "HLM has one type of outcome a model",
    "julia": "MixedModels.jl has one distribution for all rows",
    "statsmodels": "statsmodels has one family for all rows",
}


@dataclass(frozen=True)
class Joint(General):
    """Several outcomes; as a `General` it is the first of them."""

    parts: tuple[General, ...] = ()


def of_fit(fit, data: str = "df") -> Joint:
    """The model behind a fit of several formulas."""
    parts = []
    for formula, name, asked in zip(str(fit.formula).split("; "), fit.families, fit.model.asked):
        settings = {key: value for key, value in asked.items() if isinstance(value, (str, int))}
        parts.append(of_text(formula, fit.data, family=fit.families[name], link=fit.links[name].name, method=fit.method,
                             nodes=fit.nodes if fit.method == "agq" else None, data=data, **settings))
    first = parts[0]
    return Joint(**{name: getattr(first, name) for name in General.__dataclass_fields__}, parts=tuple(parts))


def write(key: str, model: Joint) -> tuple[str, str]:
    """Code and note."""
    if key != "stata":
        raise Untranslatable(CANNOT[key])
    lines, equations, latent = [], [], []
    for part in model.parts:
        if (part.family, part.link) not in GSEM:
            raise Untranslatable(f"gsem has no {part.family} with {linked(part.link)}")
        if any(len(r.parts) > 1 or r.members for r in part.random) or len({r.group for r in part.random}) > 1:
            raise Untranslatable("we write gsem for one grouping factor")
        names = derived(part)
        lines += [f"generate {name} = {text}" for name, text in names.values()]
        outcome, made = _outcome(part, names)
        lines += made
        own = ["noconstant"] * (not part.intercept) + _offset(part, lines)
        words = [side(part, names)]
        for r in part.random:
            for effect in r.effects:
                latent.append(f"M{len(latent) + 1}[{r.group}]")
                if len(effect) > 1 or effect and part.category(effect[0]):
                    raise Untranslatable("random slopes of categories or products must be columns of their own in "
                                         "Stata")
                words.append(f"{latent[-1]}@1" if not effect else
                             f"c.{names[effect[0]][0] if effect[0] in names else effect[0].label}#{latent[-1]}@1")
        options = " ".join([GSEM[part.family, part.link], *own])
        equations.append(f"({outcome} <- {' '.join(filter(None, words))}, {options})")
    pairs = [f"{a}*{b}" for k, a in enumerate(latent) for b in latent[k + 1:]]
    tail = " ".join([*([f"cov({' '.join(pairs)})"] if pairs else []), *_integration(model)])
    lines.append("gsem " + " ///\n     ".join([*equations, f", {tail}"]))
    return "\n".join(lines), "M1, M2, ... are the random effects; a row where one outcome is missing still counts with the others."
