"""From the syntax of others to a call of mlmlib: the call, and lme4's formulas."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ...expression import matched
from ...rows.base import Correlation, Variance


@dataclass(frozen=True)
class Call:
    """A model as mlmlib would be asked for it: ``method`` is "REML", "ML" or "OLS"; `notes` say what to see to.

    `covariance` is one structure or a dict by grouping factor; `correlation` and `variance` are those of the residuals.
    """

    formula: str
    method: str
    covariance: str | dict = "unstructured"
    notes: tuple = ()
    correlation: Correlation | None = None
    variance: tuple[Variance, ...] = ()

    @property
    def fitter(self) -> str:
        """The function of mlmlib: lmm, gls or ols."""
        return "lmm" if "|" in self.formula else "gls" if self.correlation is not None or self.variance else "ols"

    def _options(self) -> dict:
        if self.fitter == "ols":
            return {} if self.method == "OLS" else {"method": "ml"}
        options: dict[str, Any] = {} if self.method == "REML" else {"reml": False}
        if self.covariance != "unstructured" and self.fitter == "lmm":
            options["covariance"] = self.covariance
        if self.correlation is not None:
            options["correlation"] = self.correlation
        if self.variance:
            options["variance"] = self.variance[0] if len(self.variance) == 1 else list(self.variance)
        return options

    def code(self, data: str = "df") -> str:
        """The call in Python."""
        options = "".join(f", {name}={python(value)}" for name, value in self._options().items())
        return f'mlm.{self.fitter}("{self.formula}", {data}{options})'

    def fit(self, table):
        """Fit it."""
        import mlmlib

        return getattr(mlmlib, self.fitter)(self.formula, table, **self._options())


def python(value) -> str:
    """A setting of a fit as it is written in a call."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(python, value))}]"
    if isinstance(value, Variance):
        return f'mlm.{value.function}("{value.column}")'
    if isinstance(value, Correlation):
        words = [f'"{value.time}"'] * (value.time is not None) + [f'group="{value.group}"'] * (value.group is not None)
        return f"mlm.{value.name}({', '.join(words)})"
    return repr(value).replace("'", '"')


def read(code: str) -> Call:
    """The call behind a line of R or Stata.

    Of R ``lmer``, ``lm``, ``lme``, ``gls``, ``glmer``, ``glmer.nb``, ``glmmTMB``, ``clmm``, ``geeglm``, ``plm``, ``pht`` and ``feols`` are read,
    of Stata ``mixed``, ``regress``, ``melogit`` and its kin, ``xtgee``, ``xtreg``, ``xthtaylor`` and ``reghdfe``.
    """
    text = re.sub(r"///[^\n]*\n", " ", code)
    if re.search(r"\bgeeglm\s*\(|^\s*xtgee\s", text, re.M):
        from ..marginal.translate.back import read as marginal

        return marginal(text)
    if re.search(r"\b(plm|pht|feols)\s*\(|^\s*(xtreg|xthtaylor|reghdfe)\s", text, re.M):
        from ..panel.back import read as panel

        return panel(text)
    if re.search(r"\b(glmer|glmer\.nb|glmmTMB|clmm)\s*\(", text):
        from .general.back_r import from_r

        return from_r(text)
    if re.search(r"^\s*(me|xtme)\w+\s", text, re.M):
        from .general.back_stata import COMMANDS, from_stata

        if re.search(rf"^\s*({'|'.join(COMMANDS)})\s", text, re.M):
            return from_stata(text)
    if re.search(r"\b(lme|gls)\s*\(", text):
        from .back_nlme import from_nlme

        return from_nlme(text)
    if re.search(r"\b(lmer|lm)\s*\(", text):
        return from_lme4(text)
    if re.search(r"^\s*(mixed|xtmixed|reg|regress)\b", text, re.M):
        from . import back_stata

        return back_stata.from_stata(text)
    raise ValueError("This reads a call of lmer(), lm(), lme(), gls(), glmer(), glmmTMB(), clmm(), geeglm() or plm() in R, or a mixed, "
                     "regress, melogit (or its kin), xtgee or xtreg command in Stata; found neither.")


# ---------------------------------------------------------------- R
def from_lme4(code: str) -> Call:
    """Read ``lmer(y ~ x + (1 | g), data = df, REML = FALSE)``."""
    match = matched(r"\b(lmer|lm)\s*\(", code)
    named = call_arguments(code, match.end(), ("formula", "data", "REML"))
    formula = r_formula(formula_of(named))
    known = ("formula", "data", "REML", "control", "start", "verbose", "na.action", "contrasts")
    notes = tuple(f"{name} = {value} is left out" for name, value in named.items() if name not in known)
    method = "OLS" if match[1] == "lm" else "ML" if named.get("REML", "TRUE") in ("FALSE", "F", "0") else "REML"
    return Call(formula, method, notes=notes)


def call_arguments(text: str, start: int, order) -> dict:
    """The arguments of an R call by name; those without one have the names in `order`."""
    named, free = {}, list(order)
    for place, argument in enumerate(arguments(text, start)):
        name, equals, value = argument.partition("=")
        if equals and re.fullmatch(r"\s*[\w.]+\s*", name) and "~" not in name:
            named[name.strip()] = value.strip()
            free = [word for word in free if word != name.strip()]
        elif argument.strip():
            named[free.pop(0) if free else f"argument {place}"] = argument.strip()
    return named


def formula_of(given: dict, name: str = "formula") -> str:
    """The formula among the arguments of an R call, as it is written."""
    if not given.get(name):
        raise ValueError("The call has no formula; write one, such as y ~ x, as its first argument.")
    return given[name]


def r_formula(text: str) -> str:
    """A formula of R in our spelling."""
    formula = re.sub(r"\s+", " ", text).strip()
    formula = re.sub(r"\b(?:as\.)?factor\((\w+)\)", r"C(\1)", formula)
    return re.sub(r" ?\^ ?", " ** ", formula)


def arguments(text: str, start: int) -> list[str]:
    """What stands between a parenthesis opened before `start` and its match, cut at the commas of the first depth."""
    depth, parts, current = 0, [], ""
    for char in text[start:]:
        if char == ")" and depth == 0:
            return [*parts, current]
        depth += (char in "([") - (char in ")]")
        if char == "," and depth == 0:
            parts, current = [*parts, current], ""
        else:
            current += char
    raise ValueError("The parenthesis of the R call is not closed.")
