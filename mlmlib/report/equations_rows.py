"""The residuals' distribution: independent, or with the structure that correlation= and variance= ask for.

Chapter 14 (``14_growth_shapes``) reads the structures.
"""

from __future__ import annotations

import numpy as np

from ..rows.base import Variance
from .equations_writer import Line, Writer
from .page import rounded
from .translate.residuals import of_rows

__all__ = ["Ending", "ending", "grouped", "residual"]


class Ending:
    """What the equations of a model have beside coefficients and random effects: the outcome on the left, a residual on the right.

    Generalized models have another (`mlmlib.report.general.equations`).
    """

    def __init__(self, fit):
        self.fit = fit

    def left(self, w: Writer, index: str) -> str:
        return w.variable(self.fit.design.endog_name, index)

    def residual(self, w: Writer, index: str) -> list[str]:
        return [w.symbol("e", index)]

    def before(self, w: Writer, estimates: bool, index: str) -> list[Line]:
        """Lines above that of the outcome."""
        return []

    def after(self, w: Writer, estimates: bool, index: str) -> list[Line]:
        """Lines at the end."""
        return residual(self.fit, w, estimates, index)


def ending(fit, three: bool = False) -> Ending:
    """The ending of a fit; `three` where pi is a coefficient of three levels."""
    if hasattr(fit, "family"):
        from .general.equations import Linked

        return Linked(fit, three)
    return Ending(fit)


def grouped(fit) -> bool:
    """Whether residuals are correlated within groups of a model without random effects."""
    correlation = getattr(getattr(fit, "model", None), "correlation", None)
    return correlation is not None and correlation.group is not None


def residual(fit, w: Writer, estimates: bool, index: str) -> list[Line]:
    """The lines on the residual, one for its variance, one or two for its correlation."""
    sigma2 = rounded(fit.sigma**2)[0] if estimates else w.power(w.symbol("sigma"), "2").replace("^2", "^2" if w.tex else "\u00b2")
    if not hasattr(fit, "residual_table"):
        return [Line(w.symbol("e", index), w.normal("0", sigma2), "~")]
    values = dict(fit.residual_params)
    found = of_rows(fit.model.correlation, fit.model.variance, fit.design, fit.model.rows)
    factors, more = [], []
    several = len(found.variances) > 1
    for number, one in enumerate(found.variances, 1):
        factor, lines = _variance(fit, one, w, estimates, index, values, str(number) if several else "")
        factors.append(factor)
        more += lines
    out = [Line(w.symbol("e", index), w.normal("0", w.beside(sigma2, *factors)), "~"), *more]
    return out if found.correlation is None else [*out, *_correlation(fit, found, w, estimates, index, values)]


def _variance(fit, one: Variance, w, estimates, index, values, number):
    """What the variance is multiplied with, and lines that say more."""
    delta, own = w.symbol("delta", number), f"{one.name}({one.column}): "
    if one.name == "by_group":
        names = [name for name in values if name.startswith(own)]
        reference = names[0].removeprefix(own + "sd ratio(")[:-1].rpartition(" / ")[2]
        column = w.variable(one.column, index)
        factor = f"\\delta_{{{number}{column}}}^{{2}}" if w.tex else f"\u03b4{'_' * bool(number)}{number}[{column}]\u00b2"
        shown = [f"{_delta(w, number, reference)} = 1"]
        for name in names if estimates else ():
            level = name.removeprefix(own + "sd ratio(")[:-1].rpartition(" / ")[0]
            shown.append(f"{_delta(w, number, level)} = {rounded(values[name])[0]}")
        return factor, [Line(*text.split(" = ")) for text in shown]
    value = values[own + "delta"]
    times = rounded(2 * value)[0] if estimates else f"2{delta}"
    column = w.variable(one.column, index)
    if one.name == "power":
        return w.power(f"|{column}|", times), []
    return (f"\\exp({times}\\,{column})" if w.tex else f"exp({times} {column})"), []


def _delta(w, number, level):
    word = w.upright(level)
    return f"\\delta_{{{number}{word}}}" if w.tex else f"\u03b4{'_' * bool(number)}{number}[{word}]"


def _correlation(fit, found, w, estimates, index, values):
    other = f"{index[0]}'{index[1:]}"
    left = f"\\operatorname{{Corr}}({w.symbol('e', index)}, {w.symbol('e', other)})" if w.tex else (
        f"Corr({w.symbol('e', index)}, {w.symbol('e', other)})")
    last = _innermost(fit)
    where = ""
    if found.group is not None and last is not None and found.group != last:
        where = f"\\quad\\text{{within }}{w.upright(found.group)}" if w.tex else f" within {found.group}"
    time, twin = (w.variable(found.time, i) for i in (index, other)) if found.time else (index[0], f"{index[0]}'")
    if found.time and found.in_steps or not found.time or found.kind == "car1":
        steps = f"|{time} - {twin}|"
    else:
        steps = f"|{time} - {twin}|" + ("" if found.step is None or found.step == 1 else f"/{found.step:g}")
    prefix = f"{found.kind}: "

    def put(name, symbol):
        return rounded(values[prefix + name])[0] if estimates else symbol

    if found.kind in ("ar1", "car1"):
        return [Line(left, w.power(put("phi", w.symbol("phi")), steps) + where)]
    if found.kind == "cs":
        return [Line(left, put("rho", w.symbol("rho")) + where)]
    if found.kind == "arma11":
        phi, theta = values["arma11: phi"], values["arma11: theta"]
        first = (1 + phi * theta) * (phi + theta) / (1 + 2 * phi * theta + theta**2)
        one = rounded(first)[0] if estimates else w.symbol("rho", "1")
        return [Line(left, w.product(one, w.power(put("phi", w.symbol("phi")), f"{steps} - 1")) + where)]
    if found.kind == "toeplitz":
        lines = [Line(left, (f"\\rho_{{{steps}}}" if w.tex else f"\u03c1[{steps}]") + where)]
        lags = [name for name in values if name.startswith(prefix)]
        if estimates:
            lines += [Line(w.symbol("rho", str(k)), rounded(values[name])[0]) for k, name in enumerate(lags, 1)]
        return lines
    pair = f"{time},{twin}"
    lines = [Line(left, (f"\\rho_{{{pair}}}" if w.tex else f"\u03c1[{pair}]") + where)]
    return [*lines, *([_table(found, w, values)] if estimates and found.occasions <= 8 else [])]


def _innermost(fit) -> str | None:
    """The random effects' factor with the most groups."""
    terms = [t for t in fit.design.random if t.members is None]
    return max(terms, key=lambda t: len(t.levels)).group if terms else None


def _table(found, w, values):
    """The correlations of an unstructured matrix."""
    k = found.occasions
    full = np.eye(k)
    own = [v for name, v in values.items() if name.startswith("un: ")]
    rows, columns = np.triu_indices(k, 1)
    full[rows, columns] = full[columns, rows] = own
    text = [["1" if a == b else f"{full[a, b]:.3f}" for b in range(k)] for a in range(k)]
    return Line("\\boldsymbol\\rho" if w.tex else "\u03c1", w.matrix(text))
