"""Stata: melogit and its kin, meglm, and gsem for what they have not."""

from __future__ import annotations

import re

from ..model import Untranslatable, derived
from ..stata import _with_indicators, levels, side
from .spec import General, only_likelihood

__all__ = ["write"]

COMMANDS = {
    ("binomial", "logit"): "melogit", ("binomial", "probit"): "meprobit", ("binomial", "cloglog"): "mecloglog",
    ("poisson", "log"): "mepoisson", ("nbinom2", "log"): "menbreg", ("nbinom1", "log"): "menbreg",
    ("ordinal", "logit"): "meologit", ("ordinal", "probit"): "meoprobit", ("ordinal", "cloglog"): "meglm",
    ("gamma", "log"): "meglm", ("gaussian", "identity"): "meglm", ("gaussian", "log"): "meglm",
}
SETTINGS = {"ordinal": "family(ordinal) link(cloglog)", "gamma": "family(gamma) link(log)", "gaussian": "family(gaussian)"}
BY_GSEM = {("beta", "logit"): "beta", ("beta", "probit"): "beta", ("beta", "cloglog"): "beta", ("exponential", "log"): "exponential",
           ("lognormal", "log"): "lognormal"}
RATIOS = {"melogit": "or", "mepoisson": "irr", "menbreg": "irr", "meologit": "or", "mecloglog": "eform"}


def write(model: General):
    only_likelihood(model, "Stata")
    if model.zero is not None or model.base != model.family:
        raise Untranslatable("Stata's me commands have no zero part with random effects (zip and zinb have no random "
                             "effects)")
    names = derived(model)
    lines = [f"generate {name} = {text}" for name, text in names.values()]
    outcome, made = _outcome(model, names)
    model, columns = _with_indicators(model)
    lines += [*made, *(f"generate {new} = {text}" for new, text in columns.items())]
    offset = _offset(model, lines)
    key = (model.family, model.link)
    if model.family == "multinomial" or key in BY_GSEM:
        return _gsem(model, names, lines, outcome, offset)
    if key not in COMMANDS:
        raise Untranslatable(f"Stata's me commands have no {model.link} link for {model.family}" if any(
            family == model.family for family, _ in COMMANDS) else f"Stata's me commands have no family {model.family}")
    command = COMMANDS[key]
    weight = f" [fweight = {model.weights}]" if model.weights else ""
    own = ["noconstant"] * (not model.intercept and model.family != "ordinal") + offset
    first = " ".join(w for w in (command, outcome, side(model, names)) if w) + weight + (f", {' '.join(own)}" if own else "")
    equations, more = levels(model, names)
    last = _whole(model, command)
    for place, equation in enumerate(equations, 1):
        if place == len(equations) and last:
            equation += f"{' ' if ',' in equation else ', '}{' '.join(last)}"
        first += f" ///\n  || {equation}"
    if len(first) < 96:
        first = first.replace(" ///\n ", "")
    comments, note = _remarks(model, command)
    texts = [c for c, found in model.categories.items() if any(isinstance(level, str) for level in found)]
    if texts:
        note = f"A text column has to be numbered first: encode {texts[0]}, generate({texts[0]}_n), then i.{texts[0]}_n. {note}"
    after = ["estat icc"] if model.family in ("binomial", "ordinal") and all(r.single for r in model.random) and not any(
        "_all" in e for e in equations) else ["estat sd"]
    return "\n".join([*comments, *lines, *more, first, *after]), note


def _outcome(model: General, names) -> tuple[str, list[str]]:
    """The outcome's column, and how it is made of a category."""
    response = model.formula.response
    name = names[response][0] if response in names else model.outcome
    if not model.levels or not isinstance(model.levels[0], str):
        return name, []
    if model.family == "binomial":
        new = re.sub(r"\W+", "_", f"{name}_{model.levels[1]}")
        return new, [f'generate {new} = {name} == "{model.levels[1]}"']
    words = " ".join(f'{k} "{level}"' for k, level in enumerate(model.levels, 1))
    return f"{name}_n", [f"label define {name}_order {words}", f"encode {name}, generate({name}_n) label({name}_order)"]


def _offset(model: General, lines) -> list[str]:
    if model.exposure and not model.offset and not model.formula.offsets:
        return [f"exposure({model.exposure})"]
    parts = model.offsets(lambda column: f"ln({column})", log="ln")
    if not parts:
        return []
    if len(parts) == 1 and re.fullmatch(r"\w+", parts[0]):
        return [f"offset({parts[0]})"]
    lines.append(f"generate offset_of_rows = {' + '.join(parts)}")
    return ["offset(offset_of_rows)"]


def _whole(model: General, command) -> list[str]:
    """The options of the whole command."""
    out = []
    if model.family == "binomial" and not model.binary:
        out.append(f"binomial({model.trials})")
    if command == "menbreg":
        out.append(f"dispersion({'mean' if model.family == 'nbinom2' else 'constant'})")
    if command == "meglm":
        out.append(SETTINGS[model.family] + (" link(log)" if (model.family, model.link) == ("gaussian", "log") else ""))
    return [*out, *_integration(model)]


def _integration(model: General) -> list[str]:
    if model.method == "laplace":
        return ["intmethod(laplace)"]
    return ["intmethod(mcaghermite)", f"intpoints({model.nodes})"]


def _remarks(model: General, command) -> tuple[list[str], str]:
    crossed = len({r.group for r in model.random}) > 1 and not model.inside
    comments = []
    if not crossed:
        comments = ["* left alone, Stata takes mean-variance adaptive quadrature with 7 points, not Laplace"
                    if model.method == "laplace" else
                    "* left alone, Stata places 7 points by mean and variance (mvaghermite), ours are placed by mode "
                    "and curvature"]
    note = "intmethod(laplace) is the Laplace approximation, as here." if model.method == "laplace" else (
        "mcaghermite places the nodes by mode and curvature, as we do; Stata's default mvaghermite places them by mean "
        "and variance and gives nearly the same numbers.")
    if any(not r.single for r in model.random):
        note += " Its default covariance is independent, hence covariance(...)."
    if command in RATIOS:
        note += f" The option {RATIOS[command]} prints ratios."
    if command == "menbreg":
        note += " It prints the log of the dispersion: " + ("alpha = 1/theta." if model.family == "nbinom2" else "delta is our alpha.")
    if model.weights:
        note += " fweight takes integers; iweight takes others."
    return comments, note


def _gsem(model: General, names, lines, outcome, offset):
    """gsem: an equation for each category, or one of a family that the me commands have not."""
    if any(r.members for r in model.random):
        raise Untranslatable("gsem has no multiple membership")
    if any(r.slopes and model.family == "multinomial" for r in model.random):
        raise Untranslatable("random slopes of a multinomial outcome are beyond what we write for gsem")
    if len({r.group for r in model.random}) > 1:
        raise Untranslatable("gsem has no crossed effects, and nested ones need names for each level; write it by hand")
    if not all(r.structure in ("unstructured", "independent") or r.single for r in model.random):
        raise Untranslatable("gsem takes free covariances, or none")
    fixed = side(model, names)
    group = model.random[0].group.replace(":", "_")
    if ":" in model.random[0].group:
        lines.append(f"egen {group} = group({' '.join(model.random[0].parts)})")
    own = [*(["noconstant"] if not model.intercept else []), *offset]
    weight = f" [fweight = {model.weights}]" if model.weights else ""
    tail = " ".join(_integration(model))
    if model.family == "multinomial":
        count = len(model.levels) or 3
        codes = [str(k) for k in range(1, count + 1)]
        if model.levels and not isinstance(model.levels[0], str):
            codes = [f"{level:g}" for level in model.levels]
        paths = [f"({code}.{outcome} <- {fixed + ' ' if fixed else ''}M{k}[{group}]@1{', ' + ' '.join(own) if own else ''})"
                 for k, code in enumerate(codes[1:], 2)]
        pairs = [f"M{a}[{group}]*M{b}[{group}]" for a in range(2, count + 1) for b in range(a + 1, count + 1)]
        covariance = f" cov({' '.join(pairs)})" if pairs else ""
        lines.append("gsem " + " ///\n     ".join([*paths, f"{weight}, mlogit{covariance} {tail}".strip()]))
        note = (f"An equation for each category against {outcome} = {codes[0]}; M2, M3, ... are their random "
                "intercepts, with covariances. The option eform prints relative risk ratios. Stata 17 has xtmlogit "
                "besides, after xtset.")
        return "\n".join(lines), note + ("" if model.levels else " Without data three categories are written.")
    effects = [(r, e) for r in model.random for e in r.effects]
    words = [f"M{k}[{group}]@1" if not e else f"c.{names[e[0]][0] if e[0] in names else e[0].label}#M{k}[{group}]@1"
             for k, (_, e) in enumerate(effects, 1)]
    free = model.random[0].structure == "unstructured"
    pairs = [f"M{a}[{group}]*M{b}[{group}]" + ("" if free else "@0") for a in range(1, len(effects) + 1)
             for b in range(a + 1, len(effects) + 1)]
    covariance = f" cov({' '.join(pairs)})" if pairs else ""
    family = BY_GSEM[model.family, model.link]
    link = f" link({model.link})" if family == "beta" else ""
    lines.append(f"gsem ({outcome} <- {' '.join([fixed, *words]).strip()}{', ' + ' '.join(own) if own else ''}){weight}, ///\n"
                 f"     family({family}){link}{covariance} {tail}")
    return "\n".join(lines), f"meglm has no {model.family}; gsem has. M1, M2, ... are the random effects."
