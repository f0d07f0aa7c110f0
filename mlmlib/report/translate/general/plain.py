"""Generalized linear models without random effects, which every program has under another name.

Chapter 16 (``16_binary``) begins with one.
"""

from __future__ import annotations

import re

from ....expression import matched
from .. import julia, python
from ..model import Untranslatable, derived, expression, only_single_columns
from ..r import factor_text, quoted
from ..stata import side as stata_side
from . import r as general_r
from . import sas, spss
from .others import CANONICAL, JULIA_LINKS
from .spec import General, linked
from .stata import _offset, _outcome

__all__ = ["write"]

STATA = {("binomial", "logit"): "logit", ("binomial", "probit"): "probit", ("binomial", "cloglog"): "cloglog", ("poisson", "log"): "poisson",
         ("nbinom2", "log"): "nbreg", ("nbinom1", "log"): "nbreg", ("ordinal", "logit"): "ologit", ("ordinal", "probit"): "oprobit",
         ("multinomial", "logit"): "mlogit"}
GLM = {"gamma": "gamma", "inverse-gaussian": "igaussian", "gaussian": "gaussian", "poisson": "poisson", "binomial": "binomial"}
GENLIN = {**{k: v for k, v in spss.DISTRIBUTIONS.items() if k != "multinomial"}, "nbinom2": "NEGBIN(MLE)", "inverse-gaussian": "IGAUSS"}


def write(key: str, model: General) -> tuple[str, str]:
    """Code and note."""
    if model.zero is not None or model.base != model.family:
        raise Untranslatable("zeros without random effects have names of their own: zeroinfl and hurdle of R's pscl, "
                             "zip and zinb in Stata")
    writers = {"lme4": _r, "glmmtmb": general_r.glmmtmb, "ordinal": _clm, "stata": _stata, "sas": sas.write,
               "spss": _spss, "julia": _julia, "statsmodels": _statsmodels}
    if key not in writers:
        raise Untranslatable("a model without random effects is not for this program")
    return writers[key](model)


def _r(model: General):
    right = general_r.right(model, [])
    weights = "".join(f", {word}" for word in general_r._weights(model))
    top = general_r.prepared(model)
    if model.family == "multinomial":
        return "\n".join([*top, f"fit <- nnet::multinom({general_r.left(model)} ~ {right}, data = "
                                f"{model.data}{weights})", "summary(fit)"]), (
            "multinom takes the first category as the reference, as here.")
    if model.family == "nbinom2" and model.link == "log":
        call, last = "MASS::glm.nb", ")"
    elif model.family in general_r.GLMER and (model.link in general_r.R_LINKS or model.link.startswith("power")):
        call, last = "glm", f", family = {general_r._family(model)})"
    else:
        raise Untranslatable(f"glm has no {model.family} with {linked(model.link)}")
    note = "summary prints z tests for binomial outcomes and counts; log-likelihood by logLik(fit)."
    return "\n".join([*top, f"fit <- {call}({general_r.left(model)} ~ {right}, data = {model.data}{weights}{last}", "summary(fit)"]), note


def _clm(model: General):
    if model.family != "ordinal":
        raise Untranslatable("the package ordinal is for ordered categories")
    response = factor_text(model.formula.outcome)
    response = response if model.levels else f"factor({response}, ordered = TRUE)"
    right = general_r.right(model, []).removeprefix("0 + ")
    weights = "".join(f", {word}" for word in general_r._weights(model))
    lines = ["library(ordinal)", *general_r.prepared(model),
             f'fit <- clm({response} ~ {right}, data = {model.data}{weights}, link = "{model.link}"{_nominal(model)})',
             "summary(fit)"]
    return "\n".join(lines), "Thresholds and signs are ours."


def _nominal(model: General) -> str:
    """The predictors by which thresholds differ."""
    if model.nominal is None:
        return ""
    return f", nominal = {model.nominal if '~' in model.nominal else '~ ' + model.nominal}"


def _stata(model: General):
    names = derived(model)
    lines = [f"generate {name} = {text}" for name, text in names.values()]
    outcome, made = _outcome(model, names)
    options = ["noconstant"] * (not model.intercept and model.family != "ordinal") + _offset(model, lines)
    key = (model.family, model.link)
    command = STATA.get(key)
    if model.family == "binomial" and not model.binary or command is None:
        if model.family not in GLM:
            raise Untranslatable(f"Stata has no {model.family} with {linked(model.link)} under one command")
        trials = f" {model.trials}" if model.family == "binomial" and not model.binary else ""
        command, options = "glm", [*options, f"family({GLM[model.family]}{trials})", f"link({model.link})"]
    if model.family == "nbinom1":
        options.append("dispersion(constant)")
    if model.family == "multinomial" and model.offsets():
        raise Untranslatable("mlogit has no offset")
    weight = f" [fweight = {model.weights}]" if model.weights else ""
    words = " ".join(w for w in (command, outcome, stata_side(model, names)) if w)
    return "\n".join([*lines, *made, f"{words}{weight}{', ' + ' '.join(options) if options else ''}"]), "z tests, as ours."


def _spss(model: General):
    text, _ = spss.write(model)
    lines = [line for line in text.splitlines() if not line.startswith(("* GENLINMIXED", "VARIABLE LEVEL"))]
    at = lines.index("GENLINMIXED")
    if model.family not in GENLIN:
        raise Untranslatable("NOMREG is SPSS's multinomial regression; its reference category is the last unless "
                             "BASE=FIRST")
    target = matched(r"TARGET=(\w+)", text)[1]
    of = "" if model.family != "binomial" or model.binary else f" OF {model.trials}"
    reference = " (REFERENCE=FIRST)" if model.family == "binomial" and model.binary else ""
    fixed = matched(r"/FIXED (?:EFFECTS=)?(.*?) ?USE_INTERCEPT", text)[1]
    link = spss.link_of(model)
    kind = "MULTINOMIAL" if model.family == "ordinal" else GENLIN[model.family]
    if model.family == "ordinal":
        link = f"CUM{link}"
    columns = list(dict.fromkeys(part for word in fixed.split() for part in word.split("*")))
    offset = " OFFSET=offset_of_rows" if "offset_of_rows" in text else ""
    no = "" if model.intercept else " INTERCEPT=NO"
    out = [f"GENLIN {target}{of}{reference}" + (f" WITH {' '.join(columns)}" if columns else ""),
           f"  /MODEL {fixed + ' ' if fixed else ''}DISTRIBUTION={kind} LINK={link}{offset}{no}".replace("  /MODEL  ", "  /MODEL "),
           "  /PRINT SOLUTION FIT."]
    if model.weights:  # frequencies, which GENLIN takes from the data set
        out = [f"WEIGHT BY {model.weights}.", *out, "WEIGHT OFF."]
    return "\n".join([*lines[:at], *out]), "Without random effects GENLIN fits by maximum likelihood; its tests are Wald chi-squared."


def _julia(model: General):
    only_single_columns(model)
    if model.family not in CANONICAL or model.link not in JULIA_LINKS or not model.binary and model.family == "binomial":
        raise Untranslatable(f"we write GLM.jl for 0/1 outcomes and counts, not for {model.family} with {linked(model.link)}"
                             if model.family not in CANONICAL or model.link not in JULIA_LINKS else
                             "GLM.jl takes the share of successes with wts=; make the column and weight by the trials")
    if model.offsets() or model.weights:
        raise Untranslatable("GLM.jl takes offset= and wts= as vectors; add them by hand")
    outcome = expression(model.formula.outcome)
    lines, fixed = ["using GLM, DataFrames"], julia._fixed(model)
    if model.levels:
        new = re.sub(r"\W+", "_", f"{outcome}_{model.levels[1]}")
        lines.append(f"{model.data}.{new} = {model.data}.{outcome} .== {quoted(model.levels[1])}")
        fixed = f"{new} ~ {fixed.partition(' ~ ')[2]}"
    dist = "Bernoulli()" if model.family == "binomial" else "Poisson()"
    contrasts = julia._contrasts(model).replace(",\n        ", "; ", 1)
    lines.append(f"m = glm(@formula({fixed}), {model.data}, {dist}, {JULIA_LINKS[model.link]}{contrasts})")
    return "\n".join(lines), "z tests, as ours; loglikelihood(m)."


def _statsmodels(model: General):
    only_single_columns(model)
    families = {"binomial": "Binomial", "poisson": "Poisson", "gamma": "Gamma", "inverse-gaussian": "InverseGaussian",
                "gaussian": "Gaussian"}
    links = {"logit": "Logit", "probit": "Probit", "cloglog": "CLogLog", "loglog": "LogLog",
             "cauchit": "Cauchy", "log": "Log",
             "identity": "Identity", "inverse": "InversePower", "inverse-squared": "InverseSquared", "sqrt": "Sqrt"}
    if model.family not in families or model.link not in links or not model.binary and model.family == "binomial":
        raise Untranslatable(f"we write statsmodels' GLM for other outcomes than {model.family}" if model.family not in families or
                             model.link not in links else "statsmodels takes two columns of successes and failures as the outcome: sm.GLM(np.c_[y, n - y], X)")
    lines, outcome = ["import statsmodels.api as sm", "import statsmodels.formula.api as smf"], python.response(model)
    if model.levels:
        new = re.sub(r"\W+", "_", f"{outcome}_{model.levels[1]}")
        lines.append(f'{model.data}["{new}"] = ({model.data}["{outcome}"] == {model.levels[1]!r}).astype(int)')
        outcome = new
    formula = f"{outcome} ~ {python._references(model, python._side(model, model.fixed, model.intercept))}".replace('"', '\\"')
    if model.offsets()[bool(model.exposure) + bool(model.offset):]:
        raise Untranslatable("statsmodels' formulas have no offset(); give the column as offset=")
    options = [f'exposure={model.data}["{model.exposure}"]'] if model.exposure else []
    options += [f'offset={model.data}["{model.offset}"]'] if model.offset else []
    options += [f'freq_weights={model.data}["{model.weights}"]'] if model.weights else []
    family = f"sm.families.{families[model.family]}(sm.families.links.{links[model.link]}())"
    lines += python.imports(formula)
    lines += [f'fit = smf.glm("{formula}", {model.data}, family={family}{"".join(", " + o for o in options)}).fit()',
              "fit.summary()"]
    return "\n".join(lines), "z tests, as ours."

