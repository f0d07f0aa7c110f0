"""HLM 7: which of its seven types of outcome, and the level equations one builds in its window."""

from __future__ import annotations

import re

from ....expression import matched
from .. import hlm
from ..model import Untranslatable
from .spec import General, linked

__all__ = ["TYPES", "type_of", "write"]

TYPES = ("Normal (continuous)", "Bernoulli (0 or 1)", "Poisson (constant exposure)", "Binomial (number of trials)",
         "Poisson (variable exposure)", "Multinomial", "Ordinal")
SAMPLING = {
    "Bernoulli (0 or 1)": ("Prob({y}ij=1|βj) = φij", "log[φij/(1 - φij)] = ηij"),
    "Binomial (number of trials)": ("E({y}ij|βj) = {n}ij*φij", "log[φij/(1 - φij)] = ηij"),
    "Poisson (constant exposure)": ("E({y}ij|βj) = λij", "log[λij] = ηij"),
    "Poisson (variable exposure)": ("E({y}ij|βj) = {n}ij*λij", "log[λij] = ηij"),
    "Multinomial": ("Prob({y}ij=m|βj) = φmij", "log[φmij/φMij] = ηmij   (m = 1, ..., M - 1)"),
    "Ordinal": ("Prob({y}ij<=m|βj) = φmij", "log[φmij/(1 - φmij)] = ηij + δm   (δ1 = 0)"),
}


def type_of(model: General) -> str:
    """The type of outcome in HLM's settings.

    >>> from .spec import of_text
    >>> type_of(of_text("y ~ x + (1 | g)", family="poisson", exposure="days"))
    'Poisson (variable exposure)'
    """
    known = {("gaussian", "identity"): TYPES[0], ("ordinal", "logit"): TYPES[6], ("multinomial", "logit"): TYPES[5],
             ("poisson", "log"): TYPES[4] if model.exposure else TYPES[2],
             ("binomial", "logit"): TYPES[1] if model.binary else TYPES[3]}
    if (model.family, model.link) not in known or model.zero is not None:
        raise Untranslatable(f"none of HLM's seven types of outcome is {model.family} with {linked(model.link)}"
                             + " and a zero part" * (model.zero is not None))
    return known[model.family, model.link]


def write(model: General):
    kind = type_of(model)
    if model.offset or model.formula.offsets:
        raise Untranslatable("HLM has no offset, only a variable exposure; give exposure= a column")
    if isinstance(model.trials, int) and model.trials > 1:
        raise Untranslatable("HLM wants the number of trials as a column; make one")
    if model.family == "multinomial":
        return _several(model, kind)
    text, note = hlm.write(model)
    lines = text.splitlines()
    if kind != TYPES[0]:
        three = "tij = " in lines[1] or "ijk = " in lines[1]
        body = lines[1].split(" = ", 1)[1]
        body = re.sub(r" \+ (rij|etij|eijk)$", "", body)
        index = matched(r"^\s*\w*?(tij|ijk|ij) = ", lines[1])[1]
        first = [line.format(y=model.outcome.upper(), n=_size(model)).replace("ij", index) if three else
                 line.format(y=model.outcome.upper(), n=_size(model)) for line in SAMPLING[kind]]
        lines[1:2] = [*(f"  {line}" for line in first), f"  η{index} = {body}"]
    return "\n".join([f"Type of outcome: {kind}", *_estimation(model), *lines]), " ".join([*_remarks(model, kind), _kept(note)])


def _kept(note: str) -> str:
    """What is said of a linear model, without its estimator."""
    note = re.sub(r"Enter predictors uncentered; .*?by level\.", "Enter predictors uncentered.", note)
    return re.sub(r" (HLM3|HCM2) estimates by full maximum likelihood[^.]*\.", "", note)


def _size(model):
    return str(model.trials or model.exposure or "n").upper()


def _estimation(model: General) -> list[str]:
    if model.family == "gaussian":
        return ["Estimation: full maximum likelihood"]
    say = {"laplace": "Laplace approximation (the default is PQL)",
           "agq": f"adaptive Gaussian quadrature, {model.nodes} points (the default is PQL)",
           "pql": "PQL, the default", "mql": None}[model.method]
    if say is None or model.method == "pql" and model.order != 1:
        raise Untranslatable(f"HLM has PQL of order 1, Laplace and quadrature, not {model.title}; MLwiN has it")
    return [f"Estimation: {say}"]


def _remarks(model: General, kind):
    if kind == TYPES[0]:  # nothing is approximated
        return
    if model.family == "binomial" and model.levels:
        yield f"{model.outcome} enters as a 0/1 column, {model.levels[1]} = 1."
    if model.trials and not model.binary:
        yield f"Trials: {model.trials}."
    if model.exposure:
        yield f"Exposure: {model.exposure}."
    if kind == "Ordinal":
        yield "HLM models the lower categories with a plus sign: its slopes are ours with the sign turned, and its intercept is our first threshold."
    yield "It prints unit-specific (ours) and population-average results; compare with the former, without robust standard errors."
    if model.method == "laplace":
        yield "HLM's Laplace may be of a higher order (Raudenbush, Yang and Yosef, 2000), and then comes nearer to quadrature than ours."


def _several(model: General, kind):
    """An equation for each category, with effects of its own."""
    if len(model.random) != 1 or model.random[0].slopes:
        raise Untranslatable("we write HLM's multinomial equations for random intercepts of one factor")
    from ..model import derived
    from ..hlm import _column

    names = derived(model, "**", "LN")
    terms = ["_".join(_column(model, f, names) for f in t) for t in model.fixed if t]
    lines = ["Level-1 model", *(f"  {line.format(y=model.outcome.upper(), n='')}" for line in SAMPLING[kind]),
             "  ηmij = " + " + ".join(["β₀j(m)", *(f"β{k}j(m)*({t}ij)" for k, t in enumerate(terms, 1))]),
             "Level-2 model", "  β₀j(m) = γ₀₀(m) + u₀j(m)",
             *(f"  β{k}j(m) = γ{k}₀(m)" for k in range(1, len(terms) + 1))]
    note = ("HLM takes the last category as the reference, ours is the first: recode. Predictors of level 2 go into "
            "the level-2 equations. HLM estimates the covariances of the u₀j(m), as here, by PQL only.")
    return "\n".join([f"Type of outcome: {kind}", "Estimation: PQL, the only one for this type", *lines]), note
