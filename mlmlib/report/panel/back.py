"""From R's plm, pht and feols and from Stata's xtreg to a call of mlm.panel.

Chapter 19 (``19_fixed_or_random``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ...expression import matched
from ..translate.back import Call, call_arguments, formula_of, r_formula
from ..translate.back_stata import _options, _term, _words

__all__ = ["PATTERN", "PanelCall", "read"]

PATTERN = r"\b(plm|pht|feols)\s*\(|^\s*(xtreg|xthtaylor|reghdfe)\s"
_MODELS = {"within": "within", "random": "random", "pooling": "pooled", "between": "between", "fd": "first-difference",
           "ht": "hausman-taylor"}
_ORDER = ("formula", "data", "subset", "weights", "na.action", "effect", "model", "random.method")


@dataclass(frozen=True)
class PanelCall(Call):
    """A regression as ``mlm.panel`` would be asked for it; `settings` are its arguments."""

    settings: dict = field(default_factory=dict)

    @property
    def fitter(self) -> str:
        return "panel"

    def _options(self) -> dict:
        return self.settings


def _made(formula, groups, effects, notes, time=None, **more) -> PanelCall:
    settings = {"groups": groups, "effects": effects} | ({"time": time} if time else {}) | {k: v for k, v in more.items() if v}
    return PanelCall(formula, "panel", notes=tuple(dict.fromkeys(notes)), settings=settings)


def read(code: str) -> PanelCall:
    """Read ``plm(...)``, ``pht(...)``, ``feols(y ~ x | g, df)``, ``xtreg y x, fe``, ``xthtaylor ...`` or ``reghdfe y x, absorb(g t)``.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> print(mlm.translate('plm(inv ~ value + capital, data = df, index = c("firm", "year"), model = "within")', "mlmlib"))
    mlm.panel("inv ~ value + capital", df, groups="firm", effects="within", time="year")
    """
    found = matched(PATTERN, code, re.M)
    if found[2]:
        return _stata(code)
    return _feols(code) if found[1] == "feols" else _plm(code, found[1])


def _strings(text: str | None) -> list[str]:
    return re.findall(r"[\"']([^\"']*)[\"']", text or "")


def _plm(code: str, program: str) -> PanelCall:
    given = call_arguments(code, matched(rf"\b{program}\s*\(", code).end(), _ORDER)
    index = _strings(given.get("index"))
    if not index:
        raise ValueError(f"{program}(...) without index = does not say what the groups are; write index = \"firm\".")
    notes = []
    model = (_strings(given.get("model")) or ["ht" if program == "pht" else "within"])[0]
    effect = (_strings(given.get("effect")) or ["individual"])[0]
    if model not in _MODELS:
        raise ValueError(f"model = {model!r} is not read: {', '.join(_MODELS)}.")
    effects = _MODELS[model]
    if effect == "twoways" and effects == "within":
        effects = "two-way"
    elif effect == "time":
        index = index[::-1]
    elif effect != "individual":
        raise ValueError(f"effect = {effect!r} of model = {model!r} has no counterpart in mlm.panel.")
    method = (_strings(given.get("random.method")) or ["swar"])[0]
    if method != "swar" and effects == "random":
        notes.append(f"random.method = {method!r} becomes Swamy and Arora's, which mlm.panel has")
    formula, *instruments = [part.strip() for part in formula_of(given).split("|")]
    formula = r_formula(formula)
    if effects == "first-difference":
        if re.search(r"(-\s*1|\+\s*0)\s*$", formula):
            formula = re.sub(r"\s*(-\s*1|\+\s*0)\s*$", "", formula)
        else:
            notes.append("plm's first differences have an intercept, a trend of a step a row; mlm.panel's have one where the time is in the "
                         "formula")
    known = ("formula", "data", "index", "model", "effect", "random.method", "weights")
    notes += [f"{name} = {value} is left out" for name, value in given.items() if name not in known]
    endogenous = None
    if effects == "hausman-taylor":
        if not instruments:
            raise ValueError("The instruments of a Hausman-Taylor regression stand after a bar: y ~ x + z | x.")
        exogenous = [term.strip() for term in r_formula(instruments[0]).split("+")]
        endogenous = [term.strip() for term in formula.partition("~")[2].split("+") if term.strip() not in exogenous]
    elif instruments:
        raise ValueError("Instruments after a bar are read in pht(...) only.")
    weights = given.get("weights")
    weights = re.sub(r"^\w+\$", "", weights) if weights else None
    time = index[1] if len(index) > 1 else None
    return _made(formula, index[0], effects, notes, time, weights=weights, endogenous=endogenous)


def _feols(code: str) -> PanelCall:
    given = call_arguments(code, matched(r"\bfeols\s*\(", code).end(), ("formula", "data", "vcov"))
    formula, _, absorbed = (part.strip() for part in formula_of(given).partition("|"))
    effects = [one.strip() for one in absorbed.split("+") if one.strip()]
    notes = [f"{name} = {value} is left out" for name, value in given.items() if name not in ("formula", "data", "vcov", "weights")]
    if given.get("vcov", '"iid"').strip("\"'") != "iid":
        notes.append(f"vcov = {given['vcov']} is mlm.robust(fit, ...), of kind CR1S or near it")
    if len(effects) not in (1, 2) or any(not re.fullmatch(r"[\w.]+", one) for one in effects):
        raise ValueError("feols(y ~ x | g) and feols(y ~ x | g + t) are read, with columns as effects.")
    weights = given.get("weights")
    return _made(r_formula(formula), effects[0], "two-way" if len(effects) == 2 else "within", notes, effects[1] if len(effects) == 2 else None,
                 weights=weights.strip("~ ") if weights else None)


def _stata(code: str) -> PanelCall:
    new = dict(re.findall(r"^\s*gen(?:erate)?\s+(\w+)\s*=\s*(.+?)\s*$", code, re.M))
    declared = re.search(r"^[ \t]*xtset[ \t]+(\w+)(?:[ \t]+(\w+))?", code, re.M)
    command = matched(r"^\s*(xtreg|xthtaylor|reghdfe)\s+(.+)$", code, re.M)
    main, options = _options(command[2])
    outcome, *words = _words(main)
    notes: list = []
    inside = {name: re.search(rf"\b{name}\w*\(([^)]*)\)", command[2]) for name in ("absorb", "endog", "i", "vce", "cluster")}
    groups, time = (declared[1], declared[2]) if declared else (inside["i"][1].strip() if inside["i"] else None, None)
    cluster = inside["vce"] or inside["cluster"]
    if cluster and cluster[1].split()[:1] not in ([], ["conventional"], ["ols"], ["unadjusted"]):
        own = cluster[1].removeprefix("cluster ").strip()
        hc2 = own.startswith("hc2 ")
        own = re.sub(r"^hc2 |,.*", "", own).strip() if hc2 else groups if own in ("robust", "r") else own
        kind = "" if hc2 else ', kind="CR1S", ddf="clusters"'
        notes.append(f'then mlm.robust(fit, "{own}"{kind})')
    elif "robust" in options or "r" in options:
        notes.append(f'then mlm.robust(fit, "{groups}", kind="CR1S", ddf="clusters")')
    endogenous = None
    if command[1] == "reghdfe":
        absorbed = inside["absorb"][1].split() if inside["absorb"] else []
        if len(absorbed) not in (1, 2):
            raise ValueError("reghdfe with absorb(g) or absorb(g t) is read.")
        effects, groups, time = ("two-way" if len(absorbed) == 2 else "within"), absorbed[0], absorbed[1] if len(absorbed) == 2 else time
    elif command[1] == "xthtaylor":
        effects, endogenous = "hausman-taylor", inside["endog"][1].split() if inside["endog"] else None
    else:
        kinds = {"fe": "within", "be": "between", "re": "random", "mle": "random", "cre": "mundlak", "pa": ""}
        effects = next((kinds[option] for option in options if option in kinds), "random")
        if not effects:
            raise ValueError("xtreg, pa is a marginal model: write xtgee, or mlm.gee.")
        if "mle" in options:
            notes.append("mle is maximum likelihood: mlm.lmm with (1 | group) and reml=False; this is generalized least squares")
        if effects == "random" and "sa" not in options:
            notes.append("without the option sa Stata's variances are others where groups are of unequal size")
        if effects == "within" and time and f"i.{time}" in words:
            words.remove(f"i.{time}")
            effects = "two-way"
    if groups is None:
        raise ValueError(f"{command[1]} without a line xtset does not say what the groups are; write xtset firm year above it.")
    terms = [_term(word, new, notes) for word in words] or ["1"]
    return _made(f"{outcome} ~ {' + '.join(terms)}", groups, effects, notes, time, endogenous=endogenous)
