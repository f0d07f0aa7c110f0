"""Panel fits in R (plm, fixest, lme4) and Python (linearmodels, statsmodels)."""

from __future__ import annotations

import re

from ...expression import matched
from ..translate import python as plain_python
from ..translate import r
from ..translate.model import Untranslatable

__all__ = ["fixest", "linearmodels", "lme4", "plm", "statsmodels"]

_PLM = {"pooled": 'model = "pooling"', "within": 'model = "within"', "two-way": 'model = "within", effect = "twoways"',
        "first-difference": 'model = "fd"', "between": 'model = "between"',
        "random": 'model = "random", random.method = "swar"', "hausman-taylor": ""}
_REML = ("Its variances are REML's, not Swamy and Arora's, so that coefficients differ a little: mlm.lmm with (1 | {}) is the same "
         "model.")


def _in_r(ask) -> tuple[list[str], str]:
    """Lines before the call, and the formula."""
    text, _ = r.lme4(ask.model)
    lines = text.splitlines()
    at = next(k for k, line in enumerate(lines) if line.startswith("fit <- lm("))
    means = ask.columns.lines("r", ask.data, r.named(ask.group)) if ask.split else []
    return [*_only_means(ask, means), *lines[:at]], matched(r"^fit <- lm\((.*?), data = .*\)$", lines[at])[1]


def _only_means(ask, lines) -> list[str]:
    """Lines of the columns that means are taken of, and of the means; the rest the formula says itself."""
    needed = {column for column, _ in ask.columns.means.values()} | set(ask.columns.means)
    return [line for line in lines if matched(r'(?:\$|generate |egen |COMPUTE |\[")(\w+)', line)[1] in needed]


def plm(ask):
    lines, formula = _in_r(ask)
    index = f'"{ask.group}"' if ask.time is None else f'c("{ask.group}", "{ask.time}")'
    tail = f", data = {ask.data}, index = {index}"
    effects = "random" if ask.split else ask.effects
    call = f"plm({formula}{' - 1' * (effects == 'first-difference')}{tail}, {_PLM[effects]})"
    if effects == "hausman-taylor":
        call = f"pht({formula} | {' + '.join(_exogenous(ask.fit, formula))}{tail})"
    note = "R2 of summary is that of the transformed regression (fit.rsquared)."
    if ask.split:
        note += " Where plm stops because its matrix is singular (means of means follow from one another), lme4 has nearly the same fit."
    return ["library(plm)", *lines, f"fit <- {call}", "summary(fit)"], note


def _exogenous(fit, formula: str) -> list[str]:
    """The terms of R's formula that are not endogenous."""
    terms = formula.split(" ~ ")[1].split(" + ")
    if any(sign in term for term in terms for sign in "*:"):
        raise Untranslatable("a Hausman-Taylor fit with interactions is not translated; make each product a column first")
    loose = {re.sub(r"\[.*", "", name) for kind, names in fit.kinds.items() if "endogenous" in kind for name in names}
    words = [re.sub(r"\s|\*\*", "", name) for name in loose]
    return [term for term in terms if re.sub(r"\s|\^", "", term) not in words]


def fixest(ask):
    lines, formula = _in_r(ask)
    absorbed = {"pooled": [], "within": [ask.group], "two-way": [ask.group, ask.time]}
    if ask.effects not in absorbed:
        ask.cannot("fixest", "it absorbs fixed effects; plm has the others")
    right = f" | {' + '.join(map(r.named, absorbed[ask.effects]))}" if absorbed[ask.effects] else ""
    return (["library(fixest)", *lines, f'fit <- feols({formula}{right}, data = {ask.data}, vcov = "iid")', "summary(fit)"],
            "vcov says which standard errors: left out, older versions cluster by the first of the absorbed effects.")


def lme4(ask):
    if ask.random:
        text, note = r.lme4(ask.mixed)
        means = ask.columns.lines("r", ask.data, r.named(ask.group)) if ask.split else []
        return [*_only_means(ask, means), *text.splitlines()], f"{_REML.format(ask.group)} {note}"
    lines, formula = _in_r(ask)
    dummies = {"pooled": [], "within": [ask.group], "two-way": [ask.group, ask.time]}
    if ask.effects not in dummies:
        ask.cannot("lme4", "plm has it")
    extra = "".join(f" + factor({r.named(name)})" for name in dummies[ask.effects])
    return ([*lines, f"fit <- lm({formula}{extra}, data = {ask.data})", "summary(fit)"],
            f"lm with a dummy for each group: the same coefficients and standard errors of {', '.join(ask.fit._names)}." if extra else
            "Least squares, t tests.")


# ------------------------------------------------------------------- Python
def linearmodels(ask):
    data, columns = ask.data, ask.columns
    names = {"pooled": "PooledOLS", "within": "PanelOLS", "two-way": "PanelOLS", "first-difference": "FirstDifferenceOLS",
             "between": "BetweenOLS"}
    if ask.effects == "hausman-taylor":
        ask.cannot("linearmodels", "plm's pht has it")
    model = names.get(ask.effects, "RandomEffects")
    lines = [f"from linearmodels.panel import {model}", *columns.lines("python", data, ask.group)]
    time = ask.time
    if time is None:
        time = "row"
        lines.append(f'{data}["row"] = {data}.groupby("{ask.group}").cumcount()')
    elif isinstance(ask.fit.frame.time_levels[0], str):
        raise Untranslatable(f"linearmodels takes times that are numbers or dates, and {time!r} is text; number its values first")
    swept = model in ("PanelOLS", "FirstDifferenceOLS")
    lines.append(f'panel = {data}.set_index(["{ask.group}", "{time}"])')
    constant = "" if swept or "Intercept" not in ask.fit._names else ".assign(Intercept=1.0)"
    order = [*(["Intercept"] if constant else []), *columns.names]
    used = f"panel{constant}[{_list(order)}]"
    options = {"within": ", entity_effects=True", "two-way": ", entity_effects=True, time_effects=True"}.get(ask.effects, "")
    lines += [f'fit = {model}(panel["{columns.outcome}"], {used}.astype(float){options}).fit()', "print(fit)"]
    note = ("Groups of unequal size get other variances than Baltagi and Chang's. " if model == "RandomEffects" and
            ask.fit.frame.sizes.min() < ask.fit.frame.sizes.max() else "")
    return lines, f"{note}Standard errors are the unadjusted ones, as here."


def _list(names) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def statsmodels(ask):
    data, columns = ask.data, ask.columns
    head = "import statsmodels.formula.api as smf"
    if ask.random:
        text, note = plain_python.write(ask.mixed)
        means = columns.lines("python", data, ask.group) if ask.split else []
        return [*_only_means(ask, means), *text.splitlines()], f"{_REML.format(ask.group)} {note}"
    if ask.effects in ("pooled", "within", "two-way"):
        text, note = plain_python.write(ask.model)
        extra = "".join(f" + C({name})" for name in {"pooled": (), "within": (ask.group,), "two-way": (ask.group, ask.time)}[ask.effects])
        if extra:
            text = re.sub(rf'", {re.escape(data)}\)', f'{extra}", {data})', text)
            note = f"A dummy for each group: the same coefficients and standard errors of {', '.join(ask.fit._names)}."
        return text.splitlines(), note
    if ask.effects == "hausman-taylor":
        ask.cannot("statsmodels", "plm's pht has it")
    every = _list([columns.outcome, *columns.names])
    lines = [head, *columns.lines("python", data, ask.group)]
    if ask.effects == "first-difference":
        ordered = f'{data}.sort_values(["{ask.group}", "{ask.time}"])' if ask.time else data
        lines.append(f'rows = {ordered}.groupby("{ask.group}")[{every}].diff().dropna()')
        start = "0 + "
    else:
        lines.append(f'rows = {data}.groupby("{ask.group}")[{every}].mean()')
        start = "" if "Intercept" in ask.fit._names else "0 + "
    return [*lines, f'fit = smf.ols("{columns.outcome} ~ {start}{" + ".join(columns.names) or "1"}", rows).fit()', "fit.summary()"], ""
