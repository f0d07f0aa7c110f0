"""Models of several outcomes as equations: one for each outcome h, and a covariance matrix at each level.

Chapter 15 (``15_multivariate``) introduces the symbols.
"""

from __future__ import annotations

import numpy as np

from ..lmm.nested import short_name
from ..outcomes.encoder import ALL
from .equations_writer import Line, Writer, split, spread
from .page import rounded
from .words import Words

__all__ = ["write"]

EFFECTS = "uvwr"  # of one grouping factor after the other


class _Outcomes:
    """The columns of the model by outcome, and the indices of its levels."""

    def __init__(self, fit):
        self.fit, design = fit, fit.design
        self.outcomes, self.words, self.encoder = fit.outcomes, Words(fit), design.encoder
        self.columns = self.encoder.wide.names
        self.groups = sorted(dict.fromkeys(term.group for term in design.random), key=lambda g: -fit.n_groups[g])
        self.letters = dict(zip(self.groups, "jklm"))
        self.index = "i" + "".join(self.letters.values())
        self.first = 0 if "Intercept" in self.columns else 1
        self.cells = [(self.columns[column], code) for column, code in self.encoder.cells]
        self.effects = {
            group: [
                (name.removeprefix(f"{outcome}: "), code)
                for term in design.random
                if term.group == group
                for code, outcome in enumerate(self.outcomes)
                for name in term.names
                if name.startswith(f"{outcome}: ")
            ]
            for group in self.groups
        }
        own = [[name for name, code in self.cells if code == h] for h in range(len(self.outcomes))]
        self.alike = all(one == own[0] for one in own)

    def variable(self, w, name: str) -> str:
        if name == "Intercept":
            return ""
        pieces = []
        for piece in split(name):
            group = self.words._piece(piece).group
            pieces.append(w.variable(piece, self.letters.get(group, self.index) if group else self.index))
        return w.beside(*pieces)

    def gamma(self, w, name: str, code, h) -> str:
        """The symbol of a coefficient: gamma_hk, or gamma_k where it is the same for all outcomes."""
        k = self.columns.index(name) + self.first
        return w.symbol("gamma" if self.groups else "beta", f"{'' if code == ALL else h}{k}")

    def effect(self, w, group: str, name: str, h) -> str:
        """The symbol of a random effect: u_hj, or u_hkj where several effects of an outcome vary."""
        own = list(dict.fromkeys(effect for effect, _ in self.effects[group]))
        k = "" if len(own) == 1 else str(own.index(name) + (0 if "Intercept" in own else 1))
        return w.symbol(EFFECTS[self.groups.index(group)], f"{h}{k}{self.letters[group]}")

    def right(self, w, h, code: int, estimates: bool) -> str:
        """The right side of outcome number `code`, written with `h`."""
        pieces = []
        values, se = np.asarray(self.fit.params), np.asarray(self.fit.bse)
        for place in sorted(range(len(self.cells)), key=lambda place: self.columns.index(self.cells[place][0])):
            name, own = self.cells[place]
            if own in (ALL, code):
                factor = rounded(values[place], guide=se[place])[0] if estimates else self.gamma(w, name, own, h)
                pieces.append(w.product(factor, self.variable(w, name)))
        for group in self.groups:
            pieces += [
                w.product(self.effect(w, group, name, h), self.variable(w, name))
                for name, own in self.effects[group]
                if own == code
            ]
        return w.total([*pieces, w.symbol("e", f"{h}{self.index}")])


def write(fit, w: Writer, estimates: bool) -> str:
    """The equations of the outcomes and the distributions, as LaTeX or as text."""
    parts, count = _Outcomes(fit), range(1, len(fit.outcomes) + 1)
    if parts.alike and not estimates:
        which = ", ".join(
            f"{h} ({w.upright(name)})" if not w.tex else f"{h}\\ (\\text{{{_plain(name)}}})"
            for h, name in zip(count, fit.outcomes)
        )
        lines = [Line(w.symbol("y", f"h{parts.index}"), parts.right(w, "h", 0, False)), Line("h", which)]
    else:
        lines = [
            Line(w.variable(name, parts.index), parts.right(w, str(h), h - 1, estimates))
            for h, name in zip(count, fit.outcomes)
        ]
    return w.whole([w.block("", lines), w.block("Distributions", _distributions(parts, w, estimates))])


def _plain(name: str) -> str:
    return "".join("\\" + c if c in "_%&#${}" else c for c in name)


def _distributions(parts: _Outcomes, w, estimates):
    from .equations import entries

    fit, lines = parts.fit, []
    for group in parts.groups:
        own = parts.effects[group]
        label = short_name(group, parts.groups) if len(parts.groups) > 1 else ""
        symbols = [parts.effect(w, group, name, str(code + 1)) for name, code in own]
        lines.append(spread(w, symbols, entries(fit, group, w, estimates, list(range(1, len(own) + 1)), label)))
    Sigma = fit.residual_cov().to_numpy()

    def entry(r, c):
        if estimates:
            return rounded(Sigma[r, c])[0]
        low, high = sorted((r + 1, c + 1))
        if low == high:
            return f"\\sigma_{{{low}}}^{{2}}" if w.tex else f"\u03c3_{low}\u00b2"
        return w.symbol("sigma", f"{low}{high}")

    lines.append(spread(w, [w.symbol("e", f"{h}{parts.index}") for h in range(1, len(fit.outcomes) + 1)], entry))
    return lines
