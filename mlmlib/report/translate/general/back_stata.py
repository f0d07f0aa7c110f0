"""From Stata's melogit and its kin to a call of mlmlib."""

from __future__ import annotations

import re

from ....expression import matched
from ..back_stata import _expression, _options, _term, _words, left_out, random_part
from .call import GeneralCall, exposed, settings_of

__all__ = ["COMMANDS", "from_stata"]

COMMANDS = {
    "melogit": ("binomial", "logit"), "meprobit": ("binomial", "probit"), "mecloglog": ("binomial", "cloglog"),
    "mepoisson": ("poisson", "log"), "menbreg": ("nbinom2", "log"), "meologit": ("ordinal", "logit"),
    "meoprobit": ("ordinal", "probit"), "meglm": (None, None), "xtmelogit": ("binomial", "logit"), "xtmepoisson": ("poisson", "log"),
    "meqrlogit": ("binomial", "logit"), "meqrpoisson": ("poisson", "log"),
}
FAMILIES = {"gaussian": ("gaussian", "identity"), "bernoulli": ("binomial", "logit"), "binomial": ("binomial", "logit"),
            "gamma": ("gamma", "log"), "nbinomial": ("nbinom2", "log"), "ordinal": ("ordinal", "logit"), "poisson": ("poisson", "log")}


def from_stata(code: str) -> GeneralCall:
    """Read ``melogit y i.a##c.x [fw = w] || g: x, covariance(unstructured) intpoints(12)``; lines ``generate new = ...`` are used."""
    new = dict(re.findall(r"^\s*gen(?:erate)?\s+(?:long\s+)?(\w+)\s*=\s*(.+?)\s*$", code, re.M))
    joined = {name: inner.split() for name, inner in re.findall(r"^\s*egen\s+(\w+)\s*=\s*group\(([^)]*)\)", code, re.M)}
    encoded = {n: old for old, n in re.findall(r"^\s*encode\s+(\w+),\s*gen(?:erate)?\((\w+)\)", code, re.M)}
    command = matched(rf"^\s*({'|'.join(COMMANDS)})\s+(.+)$", code, re.M)
    first, *groups = re.split(r"\|\|", command[2])
    if not groups:
        raise ValueError(f"{command[1]} without || has no random part; mlm.glmm needs one.")
    weights = re.search(r"\[\s*([fpi]\w*)\s*=\s*(\w+)\s*\]", first)
    first = first.replace(weights[0], "") if weights else first
    fixed, options = _options(first)
    outcome, *words = _words(fixed)
    notes, every = [], list(options)
    right = [*(["0"] if "noconstant" in options else []), *[_term(word, new, notes) for word in words]] or ["1"]
    random, structures, path = random_part(groups, new, joined, notes, every)
    notes += left_out(every)
    found = dict(map(_read, every))
    family, link = _family(command[1], found)
    if weights and weights[1].startswith("p"):
        notes.append("pweights are sampling weights: Stata's standard errors are then robust, ours not")
    right += [f"offset({text})" for text in _offsets(found.get("offset"), new)]
    formula = f"{_outcome(outcome, new, encoded, notes)} ~ {' + '.join([*right, *random])}"
    exposure = found.get("exposure") or found.get("e")
    if exposure is None:
        formula, exposure = exposed(formula, family, link)
    method, nodes = _method(found, groups, random, notes)
    trials = found.get("binomial") or (found.get("trials"))
    if len(path) > 1:
        notes.append(f"Stata takes labels of {path[1]} as those within {path[0]}: hence {':'.join(path[:2])}")
    covariance = "unstructured" if not structures else next(iter(structures.values())) if len(random) == 1 else structures
    settings = settings_of(family, link, method=method, nodes=nodes,
                           trials=int(trials) if trials and trials.isdigit() else trials, exposure=exposure,
                           weights=weights[2] if weights else None)
    return GeneralCall(formula, method or "laplace", covariance, tuple(dict.fromkeys(notes)), None, (), settings)


def _read(option: str) -> tuple[str, str]:
    match = re.fullmatch(r"(\w+)\((.*)\)", option, re.S)
    return (match[1], match[2].strip()) if match else (option, "")


def _family(command, found):
    family, link = COMMANDS[command]
    if command == "meglm":
        word, _, more = found.get("family", found.get("fam", "gaussian")).partition(" ")
        known = [name for name in FAMILIES if name.startswith(word)]
        if not known:
            raise ValueError(f"family({word}) of meglm is not read: {', '.join(FAMILIES)}.")
        family, link = FAMILIES[known[0]]
        link = found.get("link", found.get("l", link))
        if more.strip() and known[0] in ("binomial", "nbinomial"):
            found["trials" if known[0] == "binomial" else "dispersion"] = more.strip()
    if family == "nbinom2" and found.get("dispersion", found.get("d", "mean")).startswith("c"):
        family = "nbinom1"
    return family, link


def _outcome(name, new, encoded, notes):
    if name in encoded:
        notes.append(f"the categories of {encoded[name]} must be in their order")
        return encoded[name]
    equal = re.fullmatch(r'(\w+)\s*==\s*"([^"]*)"', new.get(name, ""))
    if equal:
        notes.append(f"the event is {equal[2]}, which must be the second category of {equal[1]}")
        return equal[1]
    return _expression(new[name]) if name in new else name


def _offsets(name, new) -> list[str]:
    """The terms of an offset; a sum that was generated is taken apart."""
    if not name:
        return []
    if name not in new:
        return [name]
    return [re.sub(r"\bln\(", "log(", part.strip()) for part in new[name].split(" + ")]


def _method(found, groups, random, notes):
    kind = found.get("intmethod", found.get("intm", ""))
    points = found.get("intpoints", found.get("intp", "7"))
    if not points.isdigit():
        raise ValueError(f"intpoints({points}) is not a whole number.")
    points = int(points)
    crossed = any(g.strip().startswith("_all") for g in groups)
    if kind.startswith("lap") or "laplace" in found or points == 1 or not kind and crossed:
        return None, None
    if kind.startswith(("gh", "ghermite")):
        notes.append("ghermite does not adapt its nodes; ours do")
    if len(random) > 1:
        notes.append(f"Stata takes quadrature with {points} points at every level; mlmlib has it for one factor, hence "
                     "Laplace")
        return None, None
    effects = random[0].split("|")[0].count("+") + 1
    if effects > 3:
        notes.append("mlmlib has quadrature for up to three effects, hence Laplace")
        return None, None
    if not kind or kind.startswith("mv"):
        notes.append("Stata places its points by mean and variance (mvaghermite), we by mode and curvature: nearly the "
                     "same numbers")
    return "agq", points
