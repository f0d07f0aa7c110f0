"""From geepack's geeglm and Stata's xtgee to a call of mlm.gee.

Chapter 20 (``20_gee_and_robust``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ....expression import matched
from ....glmm.links import link as known_link
from ...translate.back import call_arguments, formula_of, r_formula
from ...translate.back_stata import _options, _term, _words
from ...translate.general.back_r import _column, _family, _trials, _with_term
from ...translate.general.back_stata import _offsets, _outcome, _read
from ...translate.general.call import GeneralCall, exposed

__all__ = ["MarginalCall", "read"]

_LINKS = {"gaussian": "identity", "binomial": "logit", "poisson": "log", "gamma": "log", "inverse-gaussian": "log", "nbinom2": "log"}
_ORDER = ("formula", "family", "data", "weights", "subset", "na.action", "start", "etastart", "mustart", "offset", "control", "method",
          "x", "y", "contrasts", "id", "waves", "zcor", "corstr", "scale.fix", "scale.value", "std.err")
_QUIET = ("data", "na.action", "start", "etastart", "mustart", "control", "method", "x", "y", "contrasts", "zcor")
_STATA = {"gaussian": "gaussian", "binomial": "binomial", "poisson": "poisson", "gamma": "gamma", "igaussian": "inverse-gaussian",
          "nbinomial": "nbinom2", "bernoulli": "binomial"}
_CORR = {"independent": "independence", "exchangeable": "exchangeable", "unstructured": "unstructured"}


@dataclass(frozen=True)
class MarginalCall(GeneralCall):
    """A marginal model as ``mlm.gee`` would be asked for it."""

    @property
    def fitter(self) -> str:
        return "gee"

    def code(self, data: str = "df") -> str:
        """The call in Python."""
        return super().code(data).replace("mlm.glmm(", "mlm.gee(", 1)


def read(code: str) -> MarginalCall:
    """Read ``geeglm(...)`` or ``xtgee ...``."""
    return _geeglm(code) if re.search(r"\bgeeglm\s*\(", code) else _xtgee(code)


def _made(formula, family, link, notes, **settings) -> MarginalCall:
    if link is not None:
        known_link(link)
    found = {"groups": settings.pop("groups")} | ({"family": family} if family != "gaussian" else {})
    if link is not None and link != _LINKS[family]:
        found["link"] = link
    found |= {name: value for name, value in settings.items() if value is not None}
    return MarginalCall(formula, "gee", "unstructured", tuple(dict.fromkeys(notes)), None, (), found)


# ------------------------------------------------------------- R
def _geeglm(code: str) -> MarginalCall:
    given = call_arguments(code, matched(r"\bgeeglm\s*\(", code).end(), _ORDER)
    if "id" not in given:
        raise ValueError("geeglm(...) without id = has no groups.")
    notes, used = [], {"formula", "family", "weights", "offset", "id", "waves", "corstr", "scale.fix", "scale.value", "std.err"}
    formula = re.sub(r"^\s*as\.numeric\((\w+)\) - 1", r"\1", r_formula(formula_of(given)))
    family, link = _family(given.get("family", "gaussian"), given)
    if family not in _LINKS:
        raise ValueError(f"family = {given['family']} has no GEE here.")
    formula, trials, weights = _trials(formula, given.get("weights"), family, notes)
    offset = _column(given.get("offset"), "offset")
    if offset is None and given.get("offset"):
        formula = _with_term(formula, f"offset({given['offset']})")
    formula, exposure = exposed(formula, family, link)
    corr = given.get("corstr", "independence").strip("\"' ")
    if corr not in ("independence", "exchangeable", "ar1", "unstructured"):
        raise ValueError(f"corstr = {corr!r} is not read: independence, exchangeable, ar1, unstructured.")
    time = _column(given.get("waves"), "waves")
    made = time and re.search(rf"\${time}\s*<-\s*as\.integer\((?:factor\()?\w+\$(\w+)", code)
    time = made[1] if made else time
    if time is None and corr in ("ar1", "unstructured"):
        time = "wave"
        notes.append("geeglm takes the order of the rows for the time: number the rows within their group in a column, wave")
    notes += [f"{name} = {value} is left out" for name, value in given.items() if name not in (*_QUIET, *used)]
    if given.get("std.err", "san.se").strip("\"' ") not in ("san.se",):
        notes.append(f"std.err = {given['std.err']} are jackknife errors; cov=\"mancl-derouen\" is like them")
    scale = None
    if given.get("scale.fix", "FALSE").strip() in ("TRUE", "T"):
        value = given.get("scale.value", "1")
        if not re.fullmatch(r"\d*\.?\d+", value):
            raise ValueError(f"scale.value = {value} is not a number.")
        scale = float(value)
    return _made(formula, family, link, notes, groups=_column(given["id"], "id"), corr=None if corr == "exchangeable" else corr, time=time,
                 weights=weights, offset=offset, exposure=exposure, trials=trials, scale=scale)


# ------------------------------------------------------------- Stata
def _xtgee(code: str) -> MarginalCall:
    new = dict(re.findall(r"^\s*gen(?:erate)?\s+(?:long\s+)?(\w+)\s*=\s*(.+?)\s*$", code, re.M))
    encoded = {n: old for old, n in re.findall(r"^\s*encode\s+(\w+),\s*gen(?:erate)?\((\w+)\)", code, re.M)}
    line = matched(r"^\s*xtgee\s+(.+)$", code, re.M)[1]
    weights = re.search(r"\[\s*([a-z]\w*)\s*=\s*(\w+)\s*\]", line)
    fixed, options = _options(line.replace(weights[0], "") if weights else line)
    options = [part for part in options if part.strip()]
    outcome, *words = _words(fixed)
    notes, found = [], dict(map(_read, options))
    found.setdefault("corr", found.pop("c", "exchangeable"))
    declared = re.search(r"^\s*(?:xtset|tsset)[ \t]+(\w+)(?:[ \t]+(\w+))?", code, re.M)
    groups = found.get("i") or (declared[1] if declared else None)
    if groups is None:
        raise ValueError("xtgee needs xtset before it, which names the groups: xtset id time.")
    groups = encoded.get(groups, groups)
    right = [*(["0"] if "noconstant" in options else []), *[_term(word, new, notes) for word in words]] or ["1"]
    right += [f"offset({text})" for text in _offsets(found.get("offset"), new)]
    formula = f"{_outcome(outcome, new, encoded, notes)} ~ {' + '.join(right)}"
    word, _, more = found.get("family", found.get("f", "gaussian")).partition(" ")
    known = [name for name in _STATA if name.startswith(word)]
    if not known:
        raise ValueError(f"family({word}) of xtgee is not read: {', '.join(_STATA)}.")
    family = _STATA[known[0]]
    default = {"gamma": "inverse", "inverse-gaussian": "inverse-squared"}.get(family, _LINKS[family])
    link = {"reciprocal": "inverse"}.get(found.get("link", found.get("l", default)), found.get("link", found.get("l", default)))
    trials = (int(more) if more.strip().isdigit() else more.strip()) if family == "binomial" and more.strip() else None
    if family == "nbinom2" and not re.fullmatch(r"(\d*\.?\d+)?", more.strip()):
        raise ValueError(f"family(nbinomial {more.strip()}) of xtgee is not read: nbinomial and a number, which Stata takes for 1 if left out.")
    theta = 1.0 / float(more or 1) if family == "nbinom2" else None
    corr = found["corr"]
    name = "ar1" if re.fullmatch(r"ar\s*1?", corr) else next((ours for theirs, ours in _CORR.items() if theirs.startswith(corr)), None)
    if name is None:
        raise ValueError(f"corr({corr}) is not read: independent, exchangeable, ar 1, unstructured.")
    time = declared[2] if declared and name in ("ar1", "unstructured") else None
    if time is None and name in ("ar1", "unstructured"):
        raise ValueError(f"corr({corr}) needs the time of the rows: xtset {groups} time.")
    robust = found.get("vce", "").startswith("r") or "robust" in options
    if not robust:
        scale = 1.0 if family in ("binomial", "poisson", "nbinom2") and found.get("scale") != "x2" else None
    else:
        scale = None
        notes.append("Stata multiplies the robust covariance by J / (J - 1)")
    if found.get("scale", "").replace(".", "", 1).isdigit():
        scale = float(found["scale"])
    exposure = found.get("exposure") or found.get("exp") or found.get("e")
    if exposure is None:
        formula, exposure = exposed(formula, family, link)
    return _made(formula, family, link, notes, groups=groups, corr=None if name == "exchangeable" else name, time=time,
                 cov=None if robust else "model", weights=weights[2] if weights else None, exposure=exposure, trials=trials, scale=scale,
                 dispersion=theta)
