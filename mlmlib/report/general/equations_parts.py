"""Equations of generalized models with several linear predictors a row: categories, zeros with predictors, outcomes of different families.

The predictors are numbered by their first index, as the outcomes of chapter 15 are (``15_multivariate``); chapter 18 (``18_categories``)
writes the models.
"""

from __future__ import annotations

from ..equations_writer import Line, Writer, spread
from ..page import rounded
from .equations import Linked, link
from .facts import Facts, outcome_view

__all__ = ["several", "write"]


def several(fit) -> bool:
    """Whether a row has more than one linear predictor, or the rows those of several outcomes."""
    return hasattr(fit, "families") or fit.density.K > 1


def write(fit, w: Writer, estimates: bool) -> str:
    """The combined form: distributions and links, a linear predictor a part, the random effects together."""
    facts = Facts(fit)
    parts = tuple(fit.families) if hasattr(fit, "families") else ("", "zero") if facts.base != facts.family else tuple(
        map(str, facts.levels[1:]))
    groups = list(dict.fromkeys(term.group for term in fit.design.random))
    running = {g: "jklmnopqrst"[k] for k, g in enumerate(groups)}
    letters = {g: "u" if len(groups) == 1 else "abcdfghklmn"[k] for k, g in enumerate(groups)}
    row = "i" if not groups else "ij" if len(groups) == 1 else f"i({''.join(running.values())})"
    lines = _top(fit, facts, w, estimates, row, parts)
    for h, part in enumerate(parts, 1):
        lines.append(Line(w.symbol("eta", f"{h}{row}"),
                          _predictor(fit, w, estimates, row, part, h, groups, letters, running)))
    blocks = [w.block("Combined", lines)]
    if groups:
        blocks.append(w.block("Distributions",
                              [_effects(fit, w, estimates, g, parts, letters[g], running[g]) for g in groups]))
    if len(groups) > 1:
        blocks.append(w.block("Indices", [Line(running[g], w.upright(g), ":") for g in groups]))
    return w.whole(blocks)


def _own(name: str, part: str) -> str | None:
    """The name without the part, or None where it belongs to another."""
    own, colon, rest = name.partition(": ")
    if not part:
        return None if colon else name
    return rest if colon and own == part else None


def _top(fit, facts, w, estimates, row, parts):
    if hasattr(fit, "families"):
        lines = []
        for h, name in enumerate(parts, 1):
            lines += _of_outcome(fit, h, name).before(w, estimates, row)
        return lines
    y = w.variable(fit.design.endog_name, row)
    if facts.family == "multinomial":
        names = [w.upright(str(level)) for level in facts.levels]
        probability = [f"\\Pr({y} = {name})" if w.tex else f"P({y} = {name})" for name in names]
        log = "\\log\\frac{{{}}}{{{}}}" if w.tex else "log({} / {})"
        return [Line(log.format(probability[h], probability[0]), w.symbol("eta", f"{h}{row}"))
                for h in range(1, len(names))]
    linked = Linked(fit)
    mean, zero = w.symbol(linked.letter, row), w.symbol("omega", row)
    lines = [linked.mixture(w, estimates, row, y, mean, zero)]
    return [*lines, Line(link(w, facts.link, mean), w.total([*linked._offsets(w, row), w.symbol("eta", f"1{row}")])),
            Line(link(w, "logit", zero), w.symbol("eta", f"2{row}"))]


def _of_outcome(fit, h, name):
    """The ending of one outcome of several."""
    linked = Linked(outcome_view(fit, name))
    linked.prefix = str(h)
    return linked


def _predictor(fit, w, estimates, row, part, h, groups, letters, running):
    values, errors = dict(fit.params), dict(fit.bse)
    names = [name for name in fit._names if _own(name, part) is not None]
    plain = [_own(name, part) for name in names]
    pieces = []
    for k, (name, own) in enumerate(zip(names, plain)):
        k = k if "Intercept" in plain else k + 1
        factor = rounded(values[name], guide=errors[name])[0] if estimates else w.symbol("gamma", f"{h}{k}")
        pieces.append(w.product(factor, "" if own == "Intercept" else w.variable(own, row)))
    for g in groups:
        effects = [_own(n, part) for t in fit.design.random if t.group == g for n in t.names
                   if _own(n, part) is not None]
        for k, own in enumerate(effects):
            index = f"{h}{'' if effects == ['Intercept'] else k}{running[g]}"
            pieces.append(w.product(w.symbol(letters[g], index), "" if own == "Intercept" else w.variable(own, row)))
    return w.total(pieces or ["0"])


def _effects(fit, w, estimates, group, parts, letter, run):
    """The joint distribution of a factor's effects."""
    cov = fit.covariance_matrix(group)
    order, symbols = [], []
    for h, part in enumerate(parts, 1):
        own = [name for name in cov.index if _own(name, part) is not None]
        for k, name in enumerate(own):
            order.append(name)
            symbols.append(f"{h}{'' if [_own(n, part) for n in own] == ['Intercept'] else k}")
    matrix = cov.loc[order, order].to_numpy()
    label = "" if letter == "u" else f"{letter},"

    def entry(r, c):
        if matrix[r, c] == 0 and r != c:
            return "0"
        if estimates:
            return rounded(matrix[r, c])[0]
        low, high = sorted((r, c))
        return w.symbol("tau", f"{label}{symbols[low]}{symbols[high]}" if len(symbols[low]) == 1
                        else f"{label}{symbols[low]},{symbols[high]}")

    return spread(w, [w.symbol(letter, f"{s}{run}") for s in symbols], entry)

