"""The equations of a marginal model: the mean, the working variance, the working correlation.

No distribution is written, because none is assumed. Chapter 20 (``20_gee_and_robust``).
"""

from __future__ import annotations

import numpy as np

from ..equations_writer import Equations, Line, Writer, split
from ..general.equations import Linked, link
from ..general.facts import Facts
from ..page import rounded
from .seen import Seen, words_of

__all__ = ["equations"]

_MOST = 4  # rows of a working correlation that are written out

# V(mu), {m} being the mean: LaTeX, text
_VARIANCES = {
    "gaussian": ("", ""), "binomial": ("{m}\\,(1 - {m})", "{m} (1 - {m})"), "poisson": ("{m}", "{m}"), "gamma": ("{m}^{2}", "{m}^2"),
    "inverse-gaussian": ("{m}^{3}", "{m}^3"), "nbinom2": ("({m} + {m}^{2}/{theta})", "({m} + {m}^2/{theta})"),
}


def equations(fit, *, estimates: bool = False, form: str = "both") -> Equations:
    """The equations of a fit of ``mlm.gee``; see `mlmlib.report.equations.equations`.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.gee("resp ~ age + smoke", mlm.load("ohio"), groups="id", family="binomial")
    >>> print(fit.equations())
    Mean
      E(resp_ij) = π_ij
      logit(π_ij) = β_0 + β_1 age_ij + β_2 smoke_j
    Working variance
      Var(resp_ij) = φ π_ij (1 - π_ij)
    Working correlation
      Corr(resp_ij, resp_i'j) = α
      R_j = [1, α, α, α; α, 1, α, α; α, α, 1, α; α, α, α, 1]
    """
    if form == "levels":
        raise ValueError("form='levels' is for models with random effects; a marginal model has one equation for the mean.")
    return Equations(*(_write(fit, Writer(tex), estimates) for tex in (True, False)))


def _write(fit, w: Writer, estimates: bool) -> str:
    index = "ijk" if len(fit._levels) > 1 else "ij"
    if hasattr(fit, "categories"):
        lines, association = _categories(fit, w, estimates, index)
        return w.whole([w.block("Mean", lines), *([w.block("Working association", association)] if association else [])])
    linked = Linked(Seen(fit))
    y, mean = w.variable(fit.design.endog_name, index), w.symbol(linked.letter, index)
    count = _trials(fit, w, index)
    share = f"{y}/{count}" if count else y
    right = w.total([*linked._offsets(w, index), *_pieces(fit, w, estimates, index)])
    mean_lines = [Line(_call(w, "E", share), mean), Line(link(w, linked.facts.link, mean), right)]
    weights = fit.model.weights_option
    under = [one for one in (count, weights is not None and w.variable(weights if isinstance(weights, str) else "weight", index)) if one]
    phi = rounded(float(fit.scale))[0] if estimates else w.symbol("phi")
    theta = f"{fit.family.theta:.4g}" if hasattr(fit.family, "theta") else ""
    form = _VARIANCES[fit.family.name][0 if w.tex else 1].replace("{m}", mean).replace("{theta}", theta)
    variance = w.beside(phi, form) + (f" / {w.beside(*under)}" if len(under) == 1 else f" / ({w.beside(*under)})" if under else "")
    return w.whole([w.block("Mean", mean_lines), w.block("Working variance", [Line(_call(w, "Var", share), variance)]),
                    w.block("Working correlation", _correlation(fit, w, estimates, index, y))])


def _call(w, name, *arguments):
    return f"{f'{chr(92)}operatorname{{{name}}}' if w.tex else name}({', '.join(arguments)})"


def _trials(fit, w, index) -> str:
    """The number of trials of a row, empty where the outcome is no count of trials."""
    option = fit.model.trials_option
    if option is None or isinstance(option, int) and option == 1:
        return ""
    return w.variable(option, index) if isinstance(option, str) else str(option) if np.ndim(option) == 0 else w.symbol("n", index)


def _pieces(fit, w, estimates, index, part: str = "", letter: str = "") -> list[str]:
    """The terms of the linear predictor, columns that are constant in groups with the group's index alone."""
    words, values, errors = words_of(fit), dict(fit.params), dict(fit.bse)
    names = [name for name in fit._names if not part or name.startswith(f"{part}: ")]
    plain = [name.removeprefix(f"{part}: ") if part else name for name in names]
    out = []
    for k, (name, own) in enumerate(zip(names, plain)):
        k = k if "Intercept" in plain else k + 1
        factor = rounded(values[name], guide=errors[name])[0] if estimates else w.symbol("beta", f"{letter}{k}")
        columns = [w.variable(one, _index(words, one, index)) for one in split(own)] if own != "Intercept" else []
        out.append(w.product(factor, w.beside(*columns)))
    return out or ["0"]


def _index(words, name, index) -> str:
    """``"j"`` of a column that is constant in the outermost groups, of nested ones ``"jk"`` in the inner."""
    (piece,) = words.pieces(name)
    levels = [level[0] for level in words.fit.marginal._levels]
    return index if piece.group is None else index[-1 - levels.index(piece.group):]


# ------------------------------------------------------------- the working correlation
def _correlation(fit, w, estimates, index, y) -> list[Line]:
    other = y.replace(index, f"i'{index[1:]}")
    left = _call(w, "Corr", y, other)
    values = [rounded(float(v), guide=0.01)[0] for v in fit.structure.dep_params] if estimates else []
    if fit.structure.name == "independence":
        return [Line(left, "0")]
    if fit.structure.name == "nested":
        inner, outer = (level[0].rpartition(":")[2] for level in fit._levels[::-1])
        far, near = values or [w.symbol("alpha", str(k)) for k in range(2)]
        elsewhere = other.replace(f"i'{index[1:]}", f"i'j'{index[2:]}")
        return [Line(left, _said(w, near, f"the same {inner}")),
                Line(_call(w, "Corr", y, elsewhere), _said(w, far, f"another {inner}, the same {outer}"))]
    size = int(np.diff(fit._rows.starts).max())
    lines = []
    if fit.structure.name == "exchangeable":
        alpha = values[0] if values else w.symbol("alpha")
        lines.append(Line(left, alpha))
        cells = _matrix(size, lambda j, k: alpha)
    elif fit.structure.name == "ar1":
        alpha = values[0] if values else w.symbol("alpha")
        t, u = w.symbol("t", index), w.symbol("t", f"i'{index[1:]}")
        lines.append(Line(left, w.power(f"({alpha})" if alpha.startswith("-") else alpha, f"|{t} - {u}|")))
        times = fit._rows.time[_largest(fit)]
        cells = _matrix(size, lambda j, k: _power(w, alpha, abs(times[k] - times[j])))
    else:
        T = len(fit.structure.times)
        place = {pair: n for n, pair in enumerate(zip(*np.triu_indices(T, 1)))}

        def cell(j, k):
            n = place[min(j, k), max(j, k)]
            return values[n] if values else w.symbol("alpha", f"{min(j, k) + 1}{max(j, k) + 1}" if T < 10 else f"{min(j, k) + 1},{max(j, k) + 1}")

        cells = _matrix(T, cell)
    matrix = w.matrix(_dotted(w, cells, size if fit.structure.name != "unstructured" else T))
    return [*lines, Line(w.symbol("R", index[-1]), matrix)]


def _largest(fit):
    starts = fit._rows.starts
    k = int(np.argmax(np.diff(starts)))
    return slice(starts[k], starts[k + 1])


def _power(w, alpha, distance) -> str:
    base = f"({alpha})" if alpha.startswith("-") else alpha
    return base if distance == 1 else w.power(base, f"{distance:g}")


def _matrix(size, cell) -> list[list[str]]:
    count = min(size, _MOST)
    return [["1" if j == k else cell(j, k) for k in range(count)] for j in range(count)]


def _dotted(w, cells, size) -> list[list[str]]:
    """Where a group has more rows than are written, dots beside and below."""
    if size <= _MOST:
        return cells
    across, down, both = ("\\cdots", "\\vdots", "\\ddots") if w.tex else ("...", "...", "...")
    return [*([*row, across] for row in cells), [*([down] * len(cells)), both]]


def _said(w, value, text) -> str:
    return f"{value}\\quad\\text{{({text})}}" if w.tex else f"{value}   ({text})"


# ------------------------------------------------------------- categories
def _categories(fit, w, estimates, index) -> tuple[list[Line], list[Line]]:
    y, facts = w.variable(fit.design.endog_name, index), Facts(Seen(fit))
    other = y.replace(index, f"i'{index[1:]}")
    if facts.family == "ordinal":
        mean = [*Linked(Seen(fit))._ordered(w, estimates, index), Line(w.symbol("eta", index), w.total(_pieces(fit, w, estimates, index)))]
        first, second = (f"{one} > {c}" for one, c in ((y, "c"), (other, "d")))
    else:
        names = [w.upright(str(level)) for level in facts.levels]
        probability = [f"\\Pr({y} = {name})" if w.tex else f"P({y} = {name})" for name in names]
        log = "\\log\\frac{{{}}}{{{}}}" if w.tex else "log({} / {})"
        mean = [Line(log.format(probability[h], probability[0]),
                     w.total(_pieces(fit, w, estimates, index, str(level), str(h)))) for h, level in enumerate(facts.levels) if h]
        first, second = (f"{one} = {c}" for one, c in ((y, "c"), (other, "d")))
    if fit.corr == "independence":
        return mean, []
    psi = rounded(float(fit.correlations["estimate"].iloc[0]))[0] if estimates else w.symbol("psi")
    return mean, [Line(_call(w, "OR", first, second), psi)]
