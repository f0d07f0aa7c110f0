"""A panel fit as code of plm (R) and of Stata's xt commands.

Chapter 19 (``19_fixed_or_random``).
"""

from __future__ import annotations

import re

__all__ = ["panel_code"]

_PLM = {"pooled": 'model = "pooling"', "within": 'model = "within"', "two-way": 'model = "within", effect = "twoways"',
        "first-difference": 'model = "fd"', "between": 'model = "between"',
        "random": 'model = "random", random.method = "swar"', "hausman-taylor": ""}
_STATA = {"within": "fe", "two-way": "fe", "between": "be", "random": "re sa"}
_MEANS = ("effects={!r} is random effects with group means among the columns, which {} does not make itself: take formula and data "
          "from mlm.group_means, write the data to a file, and fit random effects there.")


def panel_code(fit, to: str, data: str = "df") -> str:
    """The fit as code for R's plm (``to="plm"``, also ``"r"`` and ``"lme4"``) or for Stata (``to="stata"``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.panel("inv ~ value + capital", mlm.load("grunfeld"), groups="firm", effects="random")
    >>> print(fit.translate("plm"))
    library(plm)
    fit <- plm(inv ~ value + capital, data = df, index = "firm", model = "random", random.method = "swar")
    summary(fit)
    >>> print(fit.translate("stata"))
    xtset firm
    xtreg inv value capital, re sa
    """
    key = to.lower()
    if key not in ("plm", "r", "lme4", "stata"):
        raise ValueError(f"A fit of mlm.panel is translated to 'plm' (R) and 'stata', not to {to!r}.")
    if fit.effects in ("mundlak", "hybrid"):
        raise ValueError(_MEANS.format(fit.effects, "Stata" if key == "stata" else "plm"))
    from ..ols import OlsResult
    plain = str(OlsResult(fit.frame.design, "ols").translate("stata" if key == "stata" else "lme4", data=data)).splitlines()
    return "\n".join(_stata(fit, plain) if key == "stata" else _plm(fit, plain))


def _plm(fit, lines) -> list[str]:
    """The lines of R with lm made plm."""
    frame = fit.frame
    index = f'"{frame.group}"' if frame.time is None else f'c("{frame.group}", "{frame.time}")'
    at = next(k for k, line in enumerate(lines) if line.startswith("fit <- lm("))
    formula, rest = re.fullmatch(r"fit <- lm\((.*?)(, data = .*)\)", lines[at]).groups()
    call = f"plm({formula}{' - 1' * (fit.effects == 'first-difference')}{rest}, index = {index}, {_PLM[fit.effects]})"
    if fit.effects == "hausman-taylor":
        call = f"pht({formula} | {' + '.join(_exogenous(fit, formula))}{rest}, index = {index})"
    return ["library(plm)", *lines[:at], f"fit <- {call}", "summary(fit)"]


def _exogenous(fit, formula: str) -> list[str]:
    """The terms of R's formula that are not endogenous."""
    terms = formula.split(" ~ ")[1].split(" + ")
    if any(sign in term for term in terms for sign in "*:"):
        raise ValueError("A Hausman-Taylor fit with interactions is not translated; make each product a column first.")
    loose = {re.sub(r"\[.*", "", name) for kind, names in fit.kinds.items() if "endogenous" in kind for name in names}
    words = [re.sub(r"\s|\*\*", "", name) for name in loose]
    return [term for term in terms if re.sub(r"\s|\^", "", term) not in words]


def _stata(fit, lines) -> list[str]:
    """The lines of Stata with regress made xtreg."""
    if fit.effects == "pooled":
        return lines
    if fit.design.weights is not None:
        raise ValueError("Stata's xtreg takes weights only where they are the same in all rows of a group; this fit is not "
                         "translated. translate('plm') is.")
    frame, (first, command) = fit.frame, (lines[:-1], lines[-1])
    outcome, _, right = command.removeprefix("regress ").partition(" ")
    for own, labels in ((frame.group, frame.levels), (frame.time, frame.time_levels)):
        if own is not None and isinstance(labels[0], str):
            raise ValueError(f"Stata's xtset needs numbers, and {own!r} is text; number its values in a column first.")
    declared = f"xtset {frame.group}{f' {frame.time}' if frame.time and fit.effects != 'two-way' else ''}"
    if fit.effects in ("first-difference", "hausman-taylor") and re.search(r"\bi\.|##?", right):
        raise ValueError(f"Stata takes no categories after effects={fit.effects!r}; make 0/1 columns of them first.")
    if fit.effects == "first-difference":
        return [*first, declared, f"regress D.({outcome} {right}), noconstant"]
    if fit.effects == "hausman-taylor":
        loose = [name for kind, names in fit.kinds.items() if "endogenous" in kind for name in names]
        if any(name not in right.split() for name in loose):
            raise ValueError("Stata's xthtaylor needs endogenous predictors that are columns; make a column of each first.")
        return [*first, declared, f"xthtaylor {outcome} {right}, endog({' '.join(loose)})"]
    times = f" i.{frame.time}" if fit.effects == "two-way" else ""
    return [*first, declared, f"xtreg {outcome} {right}{times}, {_STATA[fit.effects]}"]
