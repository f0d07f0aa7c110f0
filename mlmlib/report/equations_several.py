"""Equations of models with several grouping factors: three levels, crossed factors, multiple membership.

Three levels have the symbols of Raudenbush and Bryk: pi for the coefficients of a child, beta for those of a school, gamma for those
of all; r and u are the children's and the schools' deviations. Where no column is one of the middle level, beta and gamma need no
index for it. Crossed factors have effects a, b, c (chapters 11 and 12: ``11_three_levels``, ``12_crossed``).

References
----------
Raudenbush, S. W., & Bryk, A. S. (2002). Hierarchical linear models (2nd ed.). Sage, chapters 8 and 12.
"""

from __future__ import annotations

import re

import numpy as np

from . import equations_rows as rows
from .equations_writer import Line, spread, split
from ..lmm.nested import constant_in, members_of, short_name
from .page import rounded

__all__ = ["crossed", "nested"]


class Places:
    """The columns of a fit: in which grouping factor each is constant, None for columns that vary from row to row.

    Attributes
    ----------
    names : list of str
        Coefficients.
    random : dict
        {grouping factor: names of its effects}.
    place : dict
        {column: grouping factor}; of several the first in `groups`.
    """

    def __init__(self, fit, groups):
        design = fit.design
        self.fit, self.groups, self.names = fit, list(groups), list(design.exog_names)
        self.values, self.se = (dict(zip(self.names, np.asarray(v))) for v in (fit.params, fit.bse))
        self.random = {g: [n for t in design.random if t.group == g for n in t.names] for g in groups}
        pieces = dict.fromkeys(p for n in (*self.names, *(n for own in self.random.values() for n in own))
                               for p in split(n))
        self.place = {p: self._constant_in(p) for p in pieces if p != "Intercept"}

    def _constant_in(self, piece):
        design = self.fit.design
        label = re.sub(r"\[[^\[]*\]$", "", piece)
        factor = next((f for f in design.formula.factors if f.label == label), None)
        if factor is None:
            return None
        for group in self.groups:
            term = next(t for t in design.random if t.group == group)
            if term.members is None and constant_in(design, factor.columns, term.codes):
                return group
        return None

    def parts(self, name, *groups):
        """The columns of a coefficient that vary from row to row, and those constant in each of `groups`, each joined."""
        pieces = [] if name == "Intercept" else split(name)
        found = [[p for p in pieces if self.place[p] is None],
                 *([p for p in pieces if self.place[p] == g] for g in groups)]
        low = ":".join(found[0])
        if low and any(found[1:]) and low not in self.names:  # no main effect to explain: a column of level 1
            return [name, *("" for _ in groups)]
        return [":".join(own) for own in found]

    def number(self, name):
        return rounded(self.values[name], guide=self.se[name])[0]

    def label(self, w, group):
        return w.upright(short_name(group, self.groups))


# ------------------------------------------------------------- three levels
def nested(fit, chain):
    """Columns sorted for three levels, and the function that writes them; `chain` is (outer, inner)."""
    return _Three(fit, chain), _write_three


class _Three(Places):
    def __init__(self, fit, chain):
        super().__init__(fit, chain)
        outer, inner = chain
        self.tree: dict = {}  # column of level 1: {column of level 2: {column of level 3: coefficient}}
        for name in self.names:
            high, low, top = self.parts(name, inner, outer)
            self.tree.setdefault(high, {}).setdefault(low, {})[top] = name
        for name in self.random[inner]:
            self.tree.setdefault("" if name == "Intercept" else name, {}).setdefault("", {})
        self.u = {}
        for name in self.random[outer]:
            high, low, top = self.parts(name, inner, outer)
            if top:
                high, low = name, ""
            self.tree.setdefault(high, {}).setdefault(low, {})
            self.u[high, low] = name
        self.tree = {p: self.tree[p] for p in sorted(self.tree, key=lambda p: p != "")}
        for p, twos in self.tree.items():
            twos.setdefault("", {})
            self.tree[p] = {q: twos[q] for q in sorted(twos, key=lambda q: q != "")}
        self.short = all(not q for twos in self.tree.values() for q in twos)

    def index(self, p):
        return list(self.tree).index(p) + (0 if "" in self.tree else 1)

    def beta(self, p, q):
        return f"{self.index(p)}" + ("" if self.short else f"{list(self.tree[p]).index(q)}")

    def gammas(self, p, q):
        """(index, column of level 3, coefficient), the index of the part that no column explains being 0."""
        own = self.tree[p][q]
        shift = 0 if "" in own else 1
        return [(f"{self.beta(p, q)}{s + shift}", own_top, name)
                for s, (own_top, name) in enumerate(sorted(own.items(), key=lambda item: item[0] != ""))]


def _columns(w, name, index):
    return "" if not name else w.variable(name, index)


def _write_three(parts, w, estimates, form):
    outer, inner = parts.groups
    end = rows.ending(parts.fit, three=True)
    y, e = end.left(w, "tij"), end.residual(w, "tij")
    r_of = {("" if n == "Intercept" else n) for n in parts.random[inner]}

    def gamma(index, name):
        return parts.number(name) if estimates else w.symbol("gamma", index)

    blocks = []
    if form != "combined":
        first = [w.product(w.symbol("pi", f"{parts.index(p)}ij"), _columns(w, p, "tij")) for p in parts.tree]
        second, third = [], []
        for p, twos in parts.tree.items():
            right = [w.product(w.symbol("beta", f"{parts.beta(p, q)}j"), _columns(w, q, "ij")) for q in twos]
            right += [w.symbol("r", f"{parts.index(p)}ij")] * (p in r_of)
            second.append(Line(w.symbol("pi", f"{parts.index(p)}ij"), w.total(right)))
            for q in twos:
                sums = [w.product(gamma(k, name), _columns(w, top, "j")) for k, top, name in parts.gammas(p, q)]
                sums += [w.symbol("u", f"{parts.beta(p, q)}j")] * ((p, q) in parts.u)
                third.append(Line(w.symbol("beta", f"{parts.beta(p, q)}j"), w.total(sums or ["0"])))
        blocks += [w.block("Level 1", [*end.before(w, estimates, "tij"), Line(y, w.total([*first, *e]))]),
                   w.block("Level 2", second), w.block("Level 3", third)]
    if form != "levels":
        pieces = [w.product(gamma(k, name), w.beside(_columns(w, top, "j"), _columns(w, q, "ij"),
                                                     _columns(w, p, "tij")))
                  for p, twos in parts.tree.items() for q in twos for k, top, name in parts.gammas(p, q)]
        pieces += [w.product(w.symbol("u", f"{parts.beta(p, q)}j"),
                             w.beside(_columns(w, q, "ij"), _columns(w, p, "tij")))
                   for p, q in parts.u]
        pieces += [w.product(w.symbol("r", f"{parts.index(p)}ij"), _columns(w, p, "tij"))
                   for p in parts.tree if p in r_of]
        before = end.before(w, estimates, "tij") if form == "combined" else []
        blocks.append(w.block("Combined", [*before, Line(y, w.total([*pieces, *e]))]))
    order = [parts.index("" if n == "Intercept" else n) for n in parts.random[inner]]
    above = [parts.beta(*key) for key in parts.u]
    tops = [parts.index(p) for p, _ in parts.u] if not any(q for _, q in parts.u) else [f"({k})" for k in above]
    from .equations import entries

    lines = [spread(w, [w.symbol("r", f"{k}ij") for k in order],
                    entries(parts.fit, inner, w, estimates, order, parts.label(w, inner))),
             spread(w, [w.symbol("u", f"{k}j") for k in above],
                    entries(parts.fit, outer, w, estimates, tops, parts.label(w, outer)))]
    blocks.append(w.block("Distributions", [*lines, *end.after(w, estimates, "tij")]))
    return w.whole(blocks)


# ------------------------------------------------------------- crossed factors
def crossed(fit, groups, form):
    """Columns sorted for crossed factors or many levels, and the function that writes them."""
    if form == "levels":
        raise ValueError("form='levels' needs two or three levels, each within the next; these factors cross, are "
                         "more, or give a row several groups: use form='combined'.")
    return _Crossed(fit, sorted(groups, key=lambda g: _finer(fit, g))), _write_crossed


def _finer(fit, group):
    """Coarser factors first where a column is constant in several, the order of the formula otherwise."""
    return len(next(t.levels for t in fit.design.random if t.group == group))


class _Crossed(Places):
    def __init__(self, fit, groups):
        super().__init__(fit, groups)
        written = list(dict.fromkeys(t.group for t in fit.design.random))
        self.written = written
        self.letter = {g: "abcdfghklmn"[k] for k, g in enumerate(written)}
        self.running = {g: "jklmnopqrst"[k] for k, g in enumerate(written)}
        single = [self.running[g] for g in written if members_of(fit.design, g) is None]
        self.row = f"i({''.join(single)})" if len(single) > 1 else f"i{''.join(single)}"
        self.order: dict = {}  # column of level 1: [(columns of groups, coefficient)]
        for name in self.names:
            low, *high = self.parts(name, *groups)
            self.order.setdefault(low, []).append(({g: c for g, c in zip(groups, high) if c}, name))
        for own in self.random.values():
            for name in own:
                self.order.setdefault("" if name == "Intercept" else name, [])
        self.order = {p: self.order[p] for p in sorted(self.order, key=lambda p: p != "")}

    def index(self, p):
        return list(self.order).index(p) + (0 if "" in self.order else 1)


def _write_crossed(parts, w, estimates, form):
    from .equations import entries

    design, pieces, lines = parts.fit.design, [], []
    for p, own in parts.order.items():
        shift = 0 if own and not own[0][0] else 1
        for m, (high, name) in enumerate(own):
            factor = parts.number(name) if estimates else w.symbol("gamma", f"{parts.index(p)}{m + shift}")
            columns = [w.variable(c, parts.running[g]) for g, c in high.items()]
            pieces.append(w.product(factor, w.beside(*columns, _columns(w, p, parts.row))))
    for g in parts.written:
        names, k = parts.random[g], parts.running[g]
        alone = names == ["Intercept"]
        order = [parts.index("" if n == "Intercept" else n) for n in names]
        effects = [w.symbol(parts.letter[g], k if alone else f"{o}{k}") for o in order]
        for n, effect in zip(names, effects):
            if members_of(design, g) is not None:
                weight = w.symbol("w", f"i{k}")
                effect = f"\\sum_{{{k}}} {weight}\\,{effect}" if w.tex else f"sum_{k} {weight} {effect}"
            pieces.append(w.product(effect, "" if n == "Intercept" else w.variable(n, parts.row)))
        lines.append(spread(w, effects, entries(parts.fit, g, w, estimates, order, parts.letter[g])))
    end = rows.ending(parts.fit)
    line = Line(end.left(w, parts.row), w.total([*pieces, *end.residual(w, parts.row)]))
    blocks = [w.block("Combined", [*end.before(w, estimates, parts.row), line])]
    words = [Line(parts.running[g], _counted(w, design, g, parts.written), ":") for g in parts.written]
    blocks.append(w.block("Distributions", [*lines, *end.after(w, estimates, parts.row)]))
    return w.whole([*blocks, w.block("Indices", words)])


def _counted(w, design, group, groups):
    members = members_of(design, group)
    word = short_name(group, groups) if members is None else ", ".join(group[3:-1].partition(", weights=")[0].split(", "))
    return w.upright(word)
