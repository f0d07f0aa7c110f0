"""From lme4's glmer, glmmTMB and ordinal's clmm to a call of mlmlib."""

from __future__ import annotations

import re

from ....expression import matched
from ..back import Call, call_arguments, formula_of, r_formula
from .call import GeneralCall, exposed, settings_of

__all__ = ["from_r"]

# R's name: ours, R's default link
FAMILIES = {
    "binomial": ("binomial", "logit"), "poisson": ("poisson", "log"), "gaussian": ("gaussian", "identity"),
    "Gamma": ("gamma", "inverse"), "inverse.gaussian": ("inverse-gaussian", "inverse-squared"), "nbinom2": ("nbinom2", "log"),
    "nbinom1": ("nbinom1", "log"), "beta_family": ("beta", "logit"), "t_family": ("t", "identity"), "lognormal": ("lognormal", "log"),
    "truncated_poisson": ("hurdle-poisson", "log"), "truncated_nbinom2": ("hurdle-nbinom2", "log"),
    "truncated_nbinom1": ("hurdle-nbinom1", "log"),
    "negative.binomial": ("nbinom2", "log"),
}
INFLATED = {"poisson": "zip", "nbinom2": "zinb2", "nbinom1": "zinb1"}
LINKS = {"1/mu^2": "inverse-squared"}
ORDERS = {
    "glmer": ("formula", "data", "family", "control", "start", "verbose", "nAGQ", "subset", "weights", "na.action", "offset"),
    "glmer.nb": ("formula", "data"),
    "glmmTMB": ("formula", "data", "family", "ziformula", "dispformula", "weights", "offset"),
    "clmm": ("formula", "data", "weights", "start", "subset", "na.action", "contrasts", "Hess", "model", "link"),
}
QUIET = ("data", "control", "start", "verbose", "na.action", "contrasts", "Hess", "model", "REML")


def from_r(code: str) -> Call:
    """Read ``glmer(...)``, ``glmer.nb(...)``, ``glmmTMB(...)`` or ``clmm(...)``."""
    match = matched(r"\b(glmer\.nb|glmer|glmmTMB|clmm)\s*\(", code)
    program = match[1]
    given = call_arguments(code, match.end(), ORDERS[program])
    notes, used = [], {"formula", "family", "weights", "offset", "nAGQ", "ziformula", "link", "map"}
    formula = _structures(r_formula(formula_of(given)))
    if program == "clmm":
        return _ordered(formula, given, notes)
    family, link = ("nbinom2", "log") if program == "glmer.nb" else _family(given.get("family", "gaussian"), given)
    zero = given.get("ziformula", "~ 0").replace(" ", "")
    if zero.startswith("~.") and zero != "~.":
        raise ValueError(f"ziformula = {given['ziformula']} is not read: write its terms out, or ~ . for those of the counts.")
    if zero not in ("~0", "NULL"):
        if family not in INFLATED and not family.startswith("hurdle"):
            raise ValueError(f"a zero part of a {family} outcome is not read; mlmlib has those of {', '.join(INFLATED)}, and of the truncated ones.")
        family = INFLATED.get(family, family)
    elif family.startswith("hurdle"):
        raise ValueError(f"{given['family']} without ziformula= is a model of counts above zero alone, which mlmlib "
                         "has not.")
    if family == "gaussian" and link == "identity" and program == "glmmTMB":
        return Call(formula, "REML" if given.get("REML", "FALSE") in ("TRUE", "T") else "ML")
    formula, trials, weights = _trials(formula, given.get("weights"), family, notes)
    formula, exposure = exposed(formula, family, link)
    offset = _column(given.get("offset"), "offset")
    if offset is None and given.get("offset"):
        formula = _with_term(formula, f"offset({given['offset']})")
        formula, exposure = exposed(formula, family, link) if exposure is None else (formula, exposure)
    own = None if zero in ("~0", "~1", "NULL") else _structures(r_formula(given["ziformula"]))
    if zero == "~.":  # as that of the counts, without its offsets
        own = "~" + re.sub(r" \+ offset\([^()]*(\([^()]*\))?[^()]*\)", "", formula.partition("~")[2])
    if program == "glmer.nb":
        notes.append("with a log link lme4's Laplace takes the expected information, ours the observed")
    notes += [f"{name} = {value} is left out" for name, value in given.items() if name not in (*QUIET, *used)]
    method, nodes = _method(given.get("nAGQ", "1"), program)
    settings = settings_of(family, link, method=method, nodes=nodes, trials=trials, exposure=exposure, offset=offset,
                           weights=weights, zero=own)
    return GeneralCall(formula, method or "laplace", "unstructured", tuple(notes), None, (), settings)


def _ordered(formula, given, notes):
    response, _, rest = formula.partition("~")
    match = re.fullmatch(r"\s*(?:C|ordered|as\.ordered|factor)\((\w+)(?:,[^)]*)?\)\s*", response)
    formula = f"{match[1]} ~{rest}" if match else formula
    link = given.get("link", "logit").strip("\"'")
    method, nodes = _method(given.get("nAGQ", "1"), "clmm")
    notes += [f"{name} = {value} is left out" for name, value in given.items()
              if name not in (*QUIET, "formula", "weights", "nAGQ", "link")]
    notes.append("the outcome's categories must be in their order, as a category column or as numbers")
    settings = settings_of("ordinal", link, method=method, nodes=nodes,
                           weights=_column(given.get("weights"), "weights"))
    return GeneralCall(formula, method or "laplace", "unstructured", tuple(notes), None, (), settings)


def _family(text: str, given) -> tuple[str, str]:
    match = re.fullmatch(r"\s*(?:\w+::)?[\"']?([\w.]+)[\"']?\s*(?:\((.*)\))?\s*", text, re.S)
    if not match or match[1] not in FAMILIES:
        raise ValueError(f"family = {text} is not read: {', '.join(FAMILIES)}.")
    family, link = FAMILIES[match[1]]
    inside = [part.strip() for part in (match[2] or "").split(",") if part.strip()]
    if match[1] == "negative.binomial":
        size = re.sub(r"^theta\s*=\s*", "", inside.pop(0)) if inside else ""
        if size not in ("1", "1.0"):
            raise ValueError(f"negative.binomial({size}) holds the size at {size}; mlmlib holds it at 1 (geometric) or "
                             "estimates it.")
        family = "geometric"
    for part in inside:
        link = re.sub(r"^link\s*=\s*", "", part).strip("\"' ")
    if "betad = factor(NA)" in given.get("map", "") and family in ("nbinom2", "gamma"):
        family = {"nbinom2": "geometric", "gamma": "exponential"}[family]
    return family, LINKS.get(link, link)


def _structures(formula: str) -> str:
    """``diag(x | g)`` is ``(x || g)``, ``us(x | g)`` is ``(x | g)``; others of glmmTMB are refused."""
    other = re.search(r"\b(cs|ar1|ou|exp|gau|mat|toep|rr)\([^()|]*\|", formula)
    if other:
        raise ValueError(f"{other[1]}(...) of glmmTMB is not read: a random part with us(), diag() or none of them.")
    formula = re.sub(r"\bdiag\(([^()|]*)\|", r"(\1||", formula)
    return re.sub(r"\bus\(([^()|]*)\|", r"(\1|", formula)


def _trials(formula: str, weights, family, notes):
    """``cbind(y, n - y)`` is y with n trials; ``y / n`` with weights n too."""
    response, _, rest = formula.partition("~")
    response = response.strip()
    pair = re.fullmatch(r"cbind\(\s*([\w.]+)\s*,\s*(.+?)\s*\)", response)
    if pair:
        less = re.fullmatch(rf"([\w.]+)\s*-\s*{re.escape(pair[1])}", pair[2])
        if less:
            trials = int(less[1]) if less[1].isdigit() else less[1]
        else:
            trials = "trials"
            notes.append(f'make df["trials"] = df["{pair[1]}"] + df["{pair[2]}"] first')
        return f"{pair[1]} ~{rest}", trials, _column(weights, "weights")
    share = re.fullmatch(r"([\w.]+)\s*/\s*([\w.]+)", response)
    if share and family == "binomial" and weights and weights.strip() == share[2]:
        return f"{share[1]} ~{rest}", share[2], None
    if weights and family == "binomial" and not re.fullmatch(r"[\w.]+", response):
        raise ValueError(f"weights = {weights} are the trials of the share {response} in R; make a column of successes, the share times "
                         "them, and write cbind(successes, trials - successes).")
    return formula, None, _column(weights, "weights")


def _column(text, name):
    """A column named by an option."""
    if text is None or text.strip() == "NULL":
        return None
    match = re.fullmatch(r"\s*(?:\w+\$)?`?([A-Za-z.][\w.]*)`?\s*", text)
    if match:
        return match[1]
    if name == "offset":
        return None
    raise ValueError(f"{name} = {text} is not a column; make it one first.")


def _with_term(formula: str, term: str) -> str:
    first = formula.find("(1 |")
    return f"{formula} + {term}" if first < 0 else f"{formula[:first]}{term} + {formula[first:]}"


def _method(text: str, program: str) -> tuple[str | None, int | None]:
    if not re.fullmatch(r"\s*[-+]?\d+L?\s*", text):
        raise ValueError(f"nAGQ = {text} of {program} is not a whole number.")
    nodes = int(text.strip().rstrip("L"))
    if nodes == 0:
        raise ValueError("nAGQ = 0 searches the fixed part with the random part only, which is no maximum likelihood; "
                         "leave it out.")
    if nodes < 0:
        raise ValueError(f"nAGQ = {nodes} of {program} is quadrature that does not adapt; give a number above 1.")
    return (None, None) if nodes == 1 else ("agq", nodes)
