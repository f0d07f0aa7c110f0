"""The equations of a panel fit: the model, the regression that was run, what is assumed, and the same read aloud.

Chapter 19 (``19_fixed_or_random``) has the symbols: alpha_j a group's own intercept, delta_t a time's, u_0j a group's departure.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

from ..equations_writer import Equations, Line, Writer
from ..page import rounded
from .words import PanelWords

__all__ = ["PanelEquations", "equations"]

_RANDOM = ("random", "mundlak", "hybrid", "hausman-taylor")


@dataclass(frozen=True)
class PanelEquations(Equations):
    """Equations with a reading: `latex`, `text`, and `reading`, the same in words."""

    reading: str = ""

    def __str__(self) -> str:
        return f"{self.text}\n{textwrap.fill(self.reading, 100)}"

    __repr__ = __str__


def equations(fit, *, estimates: bool = False, form: str = "both") -> PanelEquations:
    """The model of a panel fit as equations; see `mlmlib.report.equations.equations`.

    Parameters
    ----------
    fit : PanelResult
    estimates : bool
        Put the estimates in place of the symbols.
    form : {"both", "levels", "combined"}
        Of random effects level by level, in one equation, or both; the others have one equation.

    Returns
    -------
    PanelEquations

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.panel("inv ~ value + capital", mlm.load("grunfeld"), groups="firm")
    >>> print(fit.equations().text)
    Model
      inv_ij = α_j + β_1 value_ij + β_2 capital_ij + e_ij
    Estimated from
      inv_ij - mean(inv)_j = β_1 (value_ij - mean(value)_j) + β_2 (capital_ij - mean(capital)_j) + (e_ij - mean(e)_j)
    Assumed
      Var(e_ij) = σ²
    """
    words = PanelWords(fit)
    latex, text = (_Build(fit, words, Writer(tex), estimates).whole(form) for tex in (True, False))
    return PanelEquations(latex, text, _reading(fit, words))


class _Build:
    """The lines in one way of writing."""

    def __init__(self, fit, words, w, estimates):
        self.fit, self.words, self.w, self.estimates = fit, words, w, estimates
        self.index = "tj" if fit.frame.time is not None else "ij"
        self.values, self.se = dict(fit.params), dict(fit.bse)
        self.slopes = [name for name in fit._names if name != "Intercept"]
        self.high = {name: self._high(name) for name in self.slopes}

    def _high(self, name) -> bool:
        part = self.words.part(name)[1]
        return part == "between" or part == "" and all(piece.group for piece in self.words.pieces(name))

    # pieces

    def mean(self, text: str) -> str:
        """A mean over the rows of the group."""
        if not self.w.tex:
            return f"mean({text.removesuffix('_' + self.index)})_j"
        plain = re.fullmatch(r"(\\mathrm\{.*\}|[a-z])_\{" + self.index + r"\}", text)
        return f"\\overline{{{plain[1]}}}_{{j}}" if plain else f"\\overline{{{text}}}_{{j}}"

    def column(self, name: str) -> str:
        """A coefficient's column, means and deviations written out."""
        base, part = self.words.part(name)
        if not part:
            return self.w.variable(base, "j" if self.high[name] and self.fit.effects in _RANDOM else self.index)
        text = self.w.variable(base, self.index)
        return self.mean(text) if part == "between" else f"({text} - {self.mean(text)})"

    def number(self, name: str) -> str:
        return rounded(self.values[name], guide=self.se[name])[0]

    def coefficient(self, name: str) -> str:
        if self.estimates:
            return self.number(name)
        if self.fit.effects not in _RANDOM:
            return self.w.symbol("beta", "0" if name == "Intercept" else str(self.slopes.index(name) + 1))
        if name == "Intercept":
            return self.w.symbol("gamma", "00")
        same = [other for other in self.slopes if self.high[other] == self.high[name]]
        k = same.index(name) + 1
        return self.w.symbol("gamma", f"0{k}" if self.high[name] else f"{k}0")

    def sum(self, change=lambda text: text, names=None) -> list[str]:
        return [self.w.product(self.coefficient(name), "" if name == "Intercept" else change(self.column(name)))
                for name in (self.fit._names if names is None else names)]

    @property
    def y(self) -> str:
        return self.w.variable(self.fit.design.endog_name, self.index)

    def e(self, index=None) -> str:
        return self.w.symbol("e", index or self.index)

    def before(self, text: str) -> str:
        """A value at the time before, in the same group."""
        return text.replace("{" + self.index + "}", "{t-1,j}") if self.w.tex else text.replace("_" + self.index, "_(t-1)j")

    def minus(self, text, other) -> str:
        return f"({text} - {other})"

    # blocks

    def whole(self, form: str) -> str:
        w = self.w
        blocks = [w.block("Model", [self.model()])] if form != "levels" or self.fit.effects not in _RANDOM else []
        if self.fit.effects in _RANDOM and form != "combined":
            blocks = [*self.levels(), *([w.block("Combined", [self.model()])] if form == "both" else [])]
        if self.fit.effects not in ("pooled",):
            blocks.append(w.block("Estimated from", self.run()))
        blocks.append(w.block("Assumed", self.assumed()))
        return w.whole(blocks)

    def model(self) -> Line:
        fit, w = self.fit, self.w
        own = {"within": [w.symbol("alpha", "j")], "first-difference": [w.symbol("alpha", "j")],
               "two-way": [w.symbol("alpha", "j"), w.symbol("delta", "t")]}.get(fit.effects, [])
        if fit.effects == "between":
            return Line(self.mean(self.y), w.total([*self.sum(self.mean), self.mean(self.e())]))
        group = [w.symbol("u", "0j")] if fit.effects in _RANDOM else []
        return Line(self.y, w.total([*own, *self.sum(), *group, self.e()]))

    def levels(self) -> list[str]:
        w, low = self.w, [name for name in self.slopes if not self.high[name]]
        first = [w.symbol("beta", "0j"), *(w.product(w.symbol("beta", f"{k}j"), self.column(name)) for k, name in enumerate(low, 1))]
        start = ["Intercept"] if "Intercept" in self.fit._names else []
        second = [Line(w.symbol("beta", "0j"), w.total([*self.sum(names=[*start, *(n for n in self.slopes if self.high[n])]),
                                                        w.symbol("u", "0j")]))]
        second += [Line(w.symbol("beta", f"{k}j"), self.coefficient(name)) for k, name in enumerate(low, 1)]
        return [w.block("Level 1", [Line(self.y, w.total([*first, self.e()]))]), w.block("Level 2", second)]

    def run(self) -> list[Line]:
        """The regression on transformed rows."""
        effects, w = self.fit.effects, self.w
        if effects == "between":
            return [Line("j", f"1, \\ldots, {self.fit.frame.J}" if w.tex else f"1, ..., {self.fit.frame.J}")]
        if effects == "within":
            return [self._changed(self.mean)]
        if effects == "first-difference":
            return [self._changed(self.before)]
        if effects == "two-way":
            return [Line(self._swept(self.y), w.total([*self.sum(self._swept), self._swept(self.e())]))]
        theta, size = w.symbol("theta", "j"), w.symbol("n", "j")
        variance, tau = self._sigma2(), self._tau()
        lines = [Line(f"{self.y} - {w.beside(theta, self.mean(self.y))}",
                      f"\\text{{the same of the right side}}{self._instruments()}" if w.tex else
                      f"the same of the right side{self._instruments()}")]
        lines.append(Line(theta, f"1 - \\sqrt{{{variance} / ({variance} + {size}\\,{tau})}}" if w.tex else
                          f"1 - sqrt({variance} / ({variance} + {size} {tau}))"))
        return lines

    def _instruments(self) -> str:
        if self.fit.effects != "hausman-taylor":
            return ""
        return ",\\text{ with instruments}" if self.w.tex else ", with instruments"

    def _changed(self, other) -> Line:
        change = lambda text: self.minus(text, other(text))
        left = f"{self.y} - {other(self.y)}"
        return Line(left, self.w.total([*self.sum(change), change(self.e())], width=24))

    def _swept(self, text: str) -> str:
        """What is left of a column once the effects of groups and times are taken off."""
        return f"\\widetilde{{{text}}}" if self.w.tex else f"swept({text})"

    def _sigma2(self) -> str:
        if self.estimates:
            sigma = self.fit.sigma_e if self.fit.effects in _RANDOM else self.fit.sigma
            return rounded(sigma ** 2)[0]
        return self.w.power(self.w.symbol("sigma"), "2").replace("^2", "^2" if self.w.tex else "\u00b2")

    def _tau(self) -> str:
        return rounded(self.fit.sigma_u ** 2)[0] if self.estimates else self.w.symbol("tau", "00")

    def _variance(self, what: str) -> str:
        return f"\\operatorname{{Var}}({what})" if self.w.tex else f"Var({what})"

    def assumed(self) -> list[Line]:
        fit, w = self.fit, self.w
        if fit.effects == "between":
            return [Line(self._variance(self.mean(self.e())), self._sigma2())]
        weight = "/ w" if fit.design.weights is not None else ""
        error = f"{self.e()} - {self.before(self.e())}" if fit.effects == "first-difference" else self.e()
        lines = [Line(self._variance(error), self._sigma2() + (f" {weight}_{{{self.index}}}" if weight and w.tex else
                                                                  f" {weight}_{self.index}" if weight else ""))]
        if fit.effects in _RANDOM:
            u = w.symbol("u", "0j")
            lines.insert(0, Line(self._variance(u), self._tau()))
            free = [n for n in self.slopes if n not in self._loose()]
            if free:
                names = ("\\ldots" if w.tex else "...") if len(free) > 3 else ""
                shown = [self.column(n) for n in (free if not names else free[:2])] + [names] * bool(names)
                given = ", ".join(shown)
                lines.append(Line(f"\\operatorname{{E}}({u} \\mid {given})" if w.tex else f"E({u} | {given})", "0"))
        return lines

    def _loose(self):
        kinds = self.fit.kinds or {}
        return [name for kind, names in kinds.items() if "endogenous" in kind for name in names]


def _reading(fit, words) -> str:
    """The equations in words."""
    y, group, groups, rows = words.outcome, words.one_group, words.many, words.rows
    time = words.one_time
    return {
        "pooled": f"Expected {y} is one line for all {rows}; which {group} a {words.row} is from makes no difference.",
        "within": f"Each {group} has an intercept of its own, alpha_j, which may go with the predictors; the slopes are shared. Taking off "
                  f"the means of each {group} removes alpha_j, so that only differences within {groups} speak.",
        "two-way": f"Each {group} has an intercept of its own, alpha_j, and each {time} one that all {groups} share, delta_t; the slopes are "
                   f"shared. What is left once both are swept out speaks.",
        "first-difference": f"Each {group} has an intercept of its own, alpha_j, which may go with the predictors. Taking each {words.row} "
                            f"less the one before in the same {group} removes alpha_j, so that only changes speak.",
        "between": f"The means of the {groups} lie about one line, each {group} counted once; what happens within {groups} is not looked at.",
        "random": f"The {groups} depart from a shared line by u_0j, draws with variance tau_00 that must not go with the predictors. Each "
                  f"{words.row} loses the share theta_j of its {group}'s mean: with theta 1 this is the within regression, with 0 the pooled "
                  f"one.",
        "mundlak": f"As with random effects, but the means of the predictors in each {group} are in the model, so that u_0j no longer has "
                   f"to be unrelated to the predictors' values within {groups}. The coefficient of a predictor is that within {groups}; that "
                   f"of its mean is the difference between the slope between {groups} and the one within.",
        "hybrid": f"As with random effects, but each predictor is split into its mean in the {group} and the deviation from it. The deviation "
                  f"has the slope within {groups}, the mean the one between {groups}.",
        "hausman-taylor": f"As with random effects, but the predictors named as endogenous may go with u_0j. Deviations from the means "
                          f"of the {groups}, and the means of the exogenous predictors, serve as instruments.",
    }[fit.effects]
