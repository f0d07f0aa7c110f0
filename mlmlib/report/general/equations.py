"""What stands above the linear predictor: the distribution of the outcome, the link, thresholds, the zero part.

The distribution of an outcome has the mean mu (pi for a probability); the link makes the linear predictor eta of it, which has the
coefficients and random effects of a linear model. Chapters 16 to 18 (``16_binary``, ``17_counts``, ``18_categories``).
"""

from __future__ import annotations

import numpy as np

from ..equations_rows import Ending
from ..equations_writer import Line, Writer
from ..page import rounded
from .facts import Facts

__all__ = ["Linked"]

_NAMES = {"poisson": "Poisson", "nbinom2": "NegBin", "nbinom1": "NegBin", "geometric": "Geometric", "gamma": "Gamma",
          "exponential": "Exponential", "inverse-gaussian": "InvGauss", "beta": "Beta", "t": "t"}
# the variance, {m} being the mean: LaTeX, text
_VARIANCES = {
    "nbinom2": ("{m} + {m}^{2}/{theta}", "{m} + {m}^2/{theta}"), "nbinom1": ("{m}\\,(1 + {alpha})", "{m} (1 + {alpha})"),
    "geometric": ("{m} + {m}^{2}", "{m} + {m}^2"), "gamma": ("{sigma}^{2}\\,{m}^{2}", "{sigma}^2 {m}^2"),
    "inverse-gaussian": ("{phi}\\,{m}^{3}", "{phi} {m}^3"), "beta": ("{m}\\,(1 - {m})/(1 + {phi})", "{m} (1 - {m})/(1 + {phi})"),
}
_GREEK = {"theta": ("\\theta", "\u03b8"), "alpha": ("\\alpha", "\u03b1"), "sigma": ("\\sigma", "\u03c3"), "phi": ("\\phi", "\u03c6"),
          "df": ("\\nu", "\u03bd")}


class Linked(Ending):
    """The equations of a generalized model beside those of its linear predictor."""

    def __init__(self, fit, three: bool = False):
        super().__init__(fit)
        self.facts = Facts(fit)
        self.prefix = ""  # of several outcomes the number of this one
        self.letter = "pi" if self.facts.family == "binomial" and not three else "mu"

    def left(self, w: Writer, index: str) -> str:
        return w.symbol("eta", index)

    def residual(self, w: Writer, index: str) -> list[str]:
        return []

    def after(self, w: Writer, estimates: bool, index: str) -> list[Line]:
        return []

    def before(self, w: Writer, estimates: bool, index: str) -> list[Line]:
        facts = self.facts
        if facts.family == "ordinal":
            return self._ordered(w, estimates, index)
        mean, eta = w.symbol(self.letter, self.prefix + index), w.symbol("eta", self.prefix + index)
        y = w.variable(self.fit.design.endog_name, index)
        lines = self._zeros(w, estimates, index, y, mean) if facts.base != facts.family else [
            Line(y, self._distribution(w, estimates, index, mean), "~"), *self._variance(w, estimates, y, mean, index)]
        return [*lines, Line(link(w, facts.link, mean), w.total([*self._offsets(w, index), eta]))]

    # ------------------------------------------------------------- distributions
    def _value(self, w, name, estimates):
        """A parameter of the distribution, as a symbol or as its estimate."""
        if estimates:
            return rounded(float(self.fit.dispersion[name]))[0]
        return _GREEK[name][0 if w.tex else 1]

    def _distribution(self, w, estimates, index, mean):
        facts = self.facts
        if facts.family == "binomial":
            if facts.binary:
                return _call(w, "Bernoulli", mean)
            trials = facts.option("trials")
            return _call(w, "Binomial", w.variable(trials, index) if isinstance(trials, str)
                         else str(trials if np.ndim(trials) == 0 else "n"), mean)
        if facts.family in ("gaussian", "lognormal"):
            spread = w.power(self._value(w, "sigma", estimates), "2")
            if not w.tex and not estimates:
                spread = "\u03c3\u00b2"
            if facts.family == "gaussian":
                return w.normal(mean, spread)
            return _call(w, "LogNormal", f"\\log {mean}" if w.tex else f"log {mean}", spread)
        names = [name for name in self.fit.dispersion.index if name in _GREEK]
        return _call(w, _NAMES[facts.base], mean, *(self._value(w, name, estimates) for name in names))

    def _variance(self, w, estimates, y, mean, index):
        """The variance, where it is neither the mean nor a parameter."""
        form = _VARIANCES.get(self.facts.base)
        if form is None:
            return []
        text = form[0 if w.tex else 1].replace("{m}", mean)
        for name in self.fit.dispersion.index:
            text = text.replace("{" + name + "}", self._value(w, name, estimates)) if name in _GREEK else text
        left = f"\\operatorname{{Var}}({y})" if w.tex else f"Var({y})"
        return [Line(left, text)]

    def _offsets(self, w, index):
        """What is added to the linear predictor."""
        out = []
        exposure, offset = self.facts.option("exposure"), self.facts.option("offset")
        if exposure is not None:
            column = w.variable(exposure if isinstance(exposure, str) else "exposure", index)
            out.append(f"\\log({column})" if w.tex else f"log({column})")
        if offset is not None:
            out.append(w.variable(offset if isinstance(offset, str) else "offset", index))
        return out + [w.variable(factor.label.removeprefix("offset(")[:-1] if factor.label.startswith("offset(")
                                 else factor.label, index)
                      for factor in self.fit.design.formula.offsets]

    # ------------------------------------------------------------- ordered categories
    def _ordered(self, w, estimates, index):
        """P(y <= c) with a threshold for each category but the last; with a nominal part thresholds differ by its predictors."""
        y, eta, count = w.variable(self.fit.design.endog_name, index), w.symbol("eta", index), len(self.facts.levels) - 1
        names, nominal = list(map(str, self.facts.levels)), tuple(getattr(self.fit, "nominal", ()))
        event = f"\\Pr({y} \\le c)" if w.tex else f"P({y} <= c)"
        more = [w.product(w.symbol("alpha", f"{k}c"), w.variable(name, index)) for k, name in enumerate(nominal, 1)]
        right = [w.symbol("alpha", "0c" if nominal else "c"), *more, f"-{eta}",
                 *(f"-{piece}" for piece in self._offsets(w, index))]
        cs = w.upright(f"{names[0]}, ..., {names[-2]}" if count > 2 else ", ".join(names[:-1]))
        where = f"\\qquad c = {cs}" if w.tex else f"   (c = {cs})"
        lines = [Line(link(w, self.facts.link, event), w.total(right) + where)]
        for k, value in enumerate(np.asarray(self.fit.thresholds) if estimates else ()):
            which = names[k % count]
            place = f"{k // count}{w.upright(which)}" if nominal else w.upright(which)
            lines.append(Line(w.symbol("alpha", place), rounded(float(value))[0]))
        return lines

    # ------------------------------------------------------------- zeros
    def _zeros(self, w, estimates, index, y, mean):
        """Zero-inflated and hurdle counts: with probability omega no count, else one of the distribution."""
        zero = rounded(float(self.fit.dispersion["zero"]))[0] if estimates else w.symbol("omega")
        return [self.mixture(w, estimates, index, y, mean, zero)]

    def mixture(self, w, estimates, index, y, mean, zero) -> Line:
        """Zero with a probability, else a count; of a hurdle one that is not zero."""
        count = self._distribution(w, estimates, index, mean)
        if self.facts.hurdle:
            count = f"{count} \\mid {y} > 0" if w.tex else f"{count} given {y} > 0"
        if w.tex:
            return Line(y, f"\\begin{{cases}} 0 & \\text{{with probability }}{zero} \\\\ {count} & \\text{{else}} "
                           f"\\end{{cases}}", "~")
        return Line(y, f"0 with probability {zero}, else {count}", "~")


def link(w: Writer, name: str, mean: str) -> str:
    """A link as it is written: ``logit(pi)``, ``log(mu)``.

    >>> link(Writer(False), "cloglog", "p"), link(Writer(True), "logit", "p")
    ('log(-log(1 - p))', '\\\\operatorname{logit}(p)')
    """
    forms = {
        "identity": ("{m}", "{m}"), "log": ("\\log({m})", "log({m})"),
        "logit": ("\\operatorname{{logit}}({m})", "logit({m})"),
        "probit": ("\\Phi^{{-1}}({m})", "\u03a6^-1({m})"), "cloglog": ("\\log(-\\log(1 - {m}))", "log(-log(1 - {m}))"),
        "loglog": ("-\\log(-\\log {m})", "-log(-log {m})"),
        "cauchit": ("\\tan(\\pi({m} - 1/2))", "tan(pi ({m} - 1/2))"),
        "inverse": ("1/{m}", "1/{m}"), "inverse-squared": ("1/{m}^{{2}}", "1/{m}^2"),
        "sqrt": ("\\sqrt{{{m}}}", "sqrt({m})"),
    }
    if name in forms:
        return forms[name][0 if w.tex else 1].format(m=mean)
    power = name.removeprefix("power").strip("() ")
    return w.power(mean, power)


def _call(w: Writer, name: str, *arguments: str) -> str:
    head = f"\\operatorname{{{name}}}" if w.tex else name
    return f"{head}({', '.join(arguments)})"
