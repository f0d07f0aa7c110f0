"""A fit as equations: level by level (in the manner of Raudenbush and Bryk) and combined, with symbols or estimates.

The symbols are those of the book's symbols page: gamma for fixed effects, u for the groups' deviations, tau for their variances
and covariances, e and sigma for the residual. Chapters 3 and 4 introduce them one by one.

References
----------
Raudenbush, S. W., & Bryk, A. S. (2002). Hierarchical linear models (2nd ed.). Sage, chapter 2.
"""

from __future__ import annotations

import re

import numpy as np

from ..given import takes_fit
from . import equations_rows as rows
from .equations_writer import Equations, Line, Writer, spread, split
from ..lmm.nested import chain_of, constant_in
from ..results import refuse_marginal
from .own import own
from .page import rounded

__all__ = ["Equations", "equations"]

class Parts:
    """The model's columns sorted by level: which vary within groups, and which level-2 columns explain which coefficient."""

    def __init__(self, fit):
        self.fit, design = fit, fit.design
        self.names = list(design.exog_names)
        self.values = dict(zip(self.names, np.asarray(fit.params)))
        self.se = dict(zip(self.names, np.asarray(fit.bse)))
        self.group = next(iter(getattr(fit, "n_groups", {})), None)
        self.random = [n for term in design.random for n in term.names]
        self.high = {name: self._level2(name) for name in self._pieces()}
        self.ones, self.gammas = [], {}  # level-1 columns; gammas[column] = [(level-2 column, name of the effect)]
        if self.group:
            self._sort()

    def _pieces(self):
        return dict.fromkeys(p for name in (*self.names, *self.random) for p in split(name) if p != "Intercept")

    def _level2(self, piece) -> bool:
        if not self.group:
            return False
        codes = self.fit.design.random[0].codes
        factor = next(
            (f for f in self.fit.design.formula.factors if f.label == re.sub(r"\[[^\[]*\]$", "", piece)), None
        )
        return factor is not None and constant_in(self.fit.design, factor.columns, codes)

    def _sort(self):
        for name in self.names:
            pieces = [] if name == "Intercept" else split(name)
            low = [p for p in pieces if not self.high[p]]
            high = [p for p in pieces if self.high[p]]
            if high and low and ":".join(low) not in self.names:  # no main effect to explain: a column of level 1
                low, high = pieces, []
            key = ":".join(low) or "Intercept"
            if key not in self.gammas:
                self.gammas[key] = []
                self.ones.append(key)
            self.gammas[key].append((":".join(high), name))
        for name in self.random:
            if name not in self.gammas:
                self.gammas[name] = []
                self.ones.append(name)
        if "Intercept" in self.ones:
            self.ones.remove("Intercept")
            self.ones.insert(0, "Intercept")

    def index(self, name: str) -> int:
        """The k of beta_k: 0 is the intercept's, whether the model has one or not."""
        return self.ones.index(name) + (0 if "Intercept" in self.ones else 1)


@takes_fit
def equations(fit, *, estimates: bool = False, form: str = "both") -> Equations:
    """The model as equations.

    Parameters
    ----------
    fit : a result of ``mlm.lmm``, ``mlm.glmm``, ``mlm.ols``, ``mlm.gls``, ``mlm.multivariate``,
        ``mlm.panel``, ``mlm.robust`` or ``mlm.gee``
    estimates : bool
        Put the estimates in place of the symbols.
    form : {"both", "levels", "combined"}
        Level by level, combined in one equation, or both.  Crossed factors, more than three levels, multiple membership
        and several outcomes have the combined form only.

    Returns
    -------
    Equations
        Renders as mathematics; ``.latex`` and ``.text`` hold the two forms.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("strength ~ 1 + (1 | batch/cask)", mlm.load("pastes"))
    >>> print(fit.equations(form="levels"))
    Level 1
      strength_tij = \u03c0_0ij + e_tij
    Level 2
      \u03c0_0ij = \u03b2_0j + r_0ij
    Level 3
      \u03b2_0j = \u03b3_00 + u_0j
    Distributions
      r_0ij ~ N(0, \u03c4_cask)
      u_0j ~ N(0, \u03c4_batch)
      e_tij ~ N(0, \u03c3\u00b2)
    """
    if form not in ("both", "levels", "combined"):
        raise ValueError(f"form={form!r} must be 'both', 'levels' or 'combined'.")
    if (write := own(fit, "equations")) is not None:
        return write(fit, estimates=estimates, form=form)
    refuse_marginal(fit, "equations")
    if hasattr(fit, "family"):
        from .general.equations_parts import several as parted
        from .general.equations_parts import write as write_parts

        if parted(fit):
            if form == "levels":
                raise ValueError("form='levels' is for models with one linear predictor a row; use form='combined'.")
            return Equations(*(write_parts(fit, Writer(tex), estimates) for tex in (True, False)))
    if hasattr(fit, "outcomes"):
        from .equations_outcomes import write

        return Equations(*(write(fit, Writer(tex), estimates) for tex in (True, False)))
    write = _write
    parts = Parts(fit)
    groups = list(dict.fromkeys(term.group for term in fit.design.random))
    if len(groups) > 1 or any(term.members is not None for term in fit.design.random):
        from . import equations_several as several

        chain = chain_of(fit.design)
        parts, write = several.nested(fit, chain) if chain and len(chain) == 2 else several.crossed(fit, groups, form)
    return Equations(*(write(parts, Writer(tex), estimates, form) for tex in (True, False)))


def _write(parts, w, estimates, form):
    index = "ij" if parts.group or rows.grouped(parts.fit) else "i"
    end = rows.ending(parts.fit)
    y = end.left(w, index)
    if not parts.group:
        pieces = [
            w.product(_number(parts, n) if estimates else w.symbol("beta", str(k)), _column(w, n, index))
            for k, n in enumerate(parts.names)
        ]
        line = Line(y, w.total([*pieces, *end.residual(w, index)]))
        return w.whole([w.block("", [*end.before(w, estimates, index), line, *end.after(w, estimates, index)])])
    blocks = []
    if form != "combined":
        first = [w.product(w.symbol("beta", f"{parts.index(n)}j"), _column(w, n, "ij")) for n in parts.ones]
        blocks.append(w.block("Level 1",
                              [*end.before(w, estimates, "ij"), Line(y, w.total([*first, *end.residual(w, "ij")]))]))
        blocks.append(
            w.block(
                "Level 2",
                [Line(w.symbol("beta", f"{parts.index(n)}j"), _level2(parts, w, n, estimates)) for n in parts.ones],
            )
        )
    if form != "levels":
        pieces = []
        for n in parts.ones:
            for m, (high, name) in enumerate(parts.gammas[n]):
                factor = _number(parts, name) if estimates else w.symbol("gamma", f"{parts.index(n)}{_m(parts, n, m)}")
                pieces.append(w.product(factor, w.beside(w.variable(high, "j") if high else "", _column(w, n, "ij"))))
        pieces += [w.product(w.symbol("u", f"{parts.index(n)}j"), _column(w, n, "ij")) for n in parts.random]
        before = end.before(w, estimates, "ij") if form == "combined" else []
        blocks.append(w.block("Combined", [*before, Line(y, w.total([*pieces, *end.residual(w, "ij")]))]))
    blocks.append(w.block("Distributions", [_effects(parts, w, estimates), *end.after(w, estimates, "ij")]))
    return w.whole(blocks)


def _column(w, name, index):
    return "" if name == "Intercept" else w.variable(name, index)


def _m(parts, name, place):
    """The second index of a gamma: 0 for the part that no level-2 column explains, even where it is left out."""
    return place if parts.gammas[name][0][0] == "" else place + 1


def _number(parts, name):
    return rounded(parts.values[name], guide=parts.se[name])[0]


def _level2(parts, w, name, estimates):
    pieces = []
    for m, (high, effect) in enumerate(parts.gammas[name]):
        factor = _number(parts, effect) if estimates else w.symbol("gamma", f"{parts.index(name)}{_m(parts, name, m)}")
        pieces.append(w.product(factor, w.variable(high, "j") if high else ""))
    pieces += [w.symbol("u", f"{parts.index(name)}j")] * (name in parts.random)
    return w.total(pieces or ["0"])


def _effects(parts, w, estimates):
    order = [parts.index(n) for n in parts.random]
    return spread(w, [w.symbol("u", f"{k}j") for k in order], entries(parts.fit, parts.group, w, estimates, order))


def entries(fit, group, w, estimates, order, label=""):
    """The elements of a factor's covariance matrix: symbols with the indices in `order`, or estimates."""
    names = [n for term in fit.design.random if term.group == group for n in term.names]
    cov = fit.covariance_matrix(group).to_numpy()
    shape = np.zeros((len(names),) * 2, dtype=int)  # 0: zero by the model, 1: free, 2: equal to the one before
    at = 0
    for term, structure in zip(fit.design.random, fit.model.structures):
        if term.group != group:
            continue
        q, here = len(term.names), slice(at, at + len(term.names))
        shape[here, here] = np.eye(q) if structure.name in ("independent", "identity") else 1
        if structure.name in ("exchangeable", "identity"):
            shape[here, here] = 2 * (shape[here, here] > 0)
        at += q

    def entry(r, c):
        if not shape[r, c]:
            return "0"
        if estimates:
            return rounded(cov[r, c])[0]
        if label and len(names) == 1:
            return w.symbol("tau", label)
        before = f"{label}," if label else ""
        if shape[r, c] == 2:  # one variance and one covariance for all effects of the term
            first = order[0]
            return w.symbol("tau", before + (f"{first}{first}" if r == c else f"{first}{order[1]}"))
        low, high = sorted((order[r], order[c]))
        return w.symbol("tau", f"{before}{low}{high}")

    return entry
