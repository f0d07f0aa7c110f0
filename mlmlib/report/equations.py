"""A fit as equations: level by level (in the manner of Raudenbush and Bryk) and combined, with symbols or estimates.

The symbols are those of the book's symbols page: gamma for fixed effects, u for the groups' deviations, tau for their variances
and covariances, e and sigma for the residual. Chapters 3 and 4 introduce them one by one.

References
----------
Raudenbush, S. W., & Bryk, A. S. (2002). Hierarchical linear models (2nd ed.). Sage, chapter 2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ..lmm.factors import only_one_factor, only_plain_residuals
from .page import rounded

GREEK = {"beta": "\u03b2", "gamma": "\u03b3", "sigma": "\u03c3", "tau": "\u03c4"}


@dataclass(frozen=True)
class Line:
    """One equation: a left side, an operator ("=" or "~"), and the pieces of the right side with their signs."""

    left: str
    right: str
    operator: str = "="


@dataclass(frozen=True)
class Equations:
    """The equations of a fit. Rendered as mathematics in a notebook and on the site; prints as text."""

    latex: str
    text: str

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex}\n$$"


def seen(tex: str) -> int:
    """About how many signs wide a piece of LaTeX is set; an index takes half a sign."""
    plain = re.sub(r"\\(mathrm|left|right|,|_)", "", tex)
    plain = re.sub(r"_\{(\w+)\}", lambda m: "i" * ((len(m[1]) + 1) // 2), plain)
    return len(re.sub(r"\\\w+", "g", plain).replace("{", "").replace("}", ""))


class Writer:
    """How symbols, names, sums and matrices are written: as LaTeX or as plain text."""

    def __init__(self, tex: bool):
        self.tex = tex

    def symbol(self, letter: str, index: str = "") -> str:
        head = (f"\\{letter}" if letter in GREEK else letter) if self.tex else GREEK.get(letter, letter)
        return head if not index else f"{head}_{{{index}}}" if self.tex else f"{head}_{index}"

    def variable(self, name: str, index: str) -> str:
        """A column in an equation: ``schtype[T.Public]`` is Public, ``I(x ** 2)`` is x squared."""
        pieces = []
        for piece in re.split(r":(?![^\[]*\])", name):
            curve = re.fullmatch(r"(poly|piecewise|bs|ns)\(`?([^,`)]+).*\)\[(.*)\]", piece)
            word = re.sub(r"^.*\[(?:T\.)?(.*)\]$", r"\1", piece)
            if curve:  # "Days poly 2", "Days 2 to 5"
                word = " ".join(w for w in (curve[2], "" if curve[1] == "piecewise" else curve[1], curve[3]) if w)
            power = re.fullmatch(r"I\((\w+) ?\*\* ?(\d+)\)", word)
            function = re.fullmatch(r"(?:np\.)?(log|exp|sqrt)\((\w+)\)", word)
            base = power[1] if power else function[2] if function else word
            if self.tex:
                base = "\\mathrm{" + base.replace("_", "\\_").replace(" ", "\\ ") + "}"
                text = f"{base}_{{{index}}}" + (f"^{{{power[2]}}}" if power else "")
                text = (
                    f"\\{function[1]}({text})"
                    if function and function[1] != "sqrt"
                    else f"\\sqrt{{{text}}}"
                    if function
                    else text
                )
            else:
                text = f"{base}_{index}" + (f"^{power[2]}" if power else "")
                text = f"{function[1]}({text})" if function else text
            pieces.append(text)
        return self.beside(*pieces)

    def product(self, factor: str, variable: str) -> str:
        return f"{factor}\\,{variable}" if self.tex and variable else f"{factor} {variable}" if variable else factor

    def beside(self, *words: str) -> str:
        """Words multiplied with each other; empty ones do not count."""
        return ("\\," if self.tex else " ").join(filter(None, words))

    def total(self, pieces, width: int = 32) -> str:
        """A sum; a piece that starts with a minus sign is subtracted. Mathematics goes on below after about `width` signs."""
        out, room = pieces[0], width - seen(pieces[0])
        for piece in pieces[1:]:
            room -= seen(piece) + 3
            if self.tex and room < 0:
                out, room = f"{out} \\\\\n&\\qquad{{}}", width - seen(piece) - 6
            out += f" - {piece[1:]}" if piece.startswith("-") else f" + {piece}"
        return out

    def matrix(self, rows) -> str:
        if self.tex:
            return "\\begin{pmatrix} " + " \\\\ ".join(" & ".join(r) for r in rows) + " \\end{pmatrix}"
        return "[" + "; ".join(", ".join(r) for r in rows) + "]"

    def normal(self, mean: str, spread: str) -> str:
        return f"\\mathcal{{N}}\\left({mean},\\ {spread}\\right)" if self.tex else f"N({mean}, {spread})"

    def block(self, title: str, lines) -> str:
        if self.tex:
            head = f"&\\textbf{{{title}}} \\\\\n" if title else ""
            return head + " \\\\\n".join(
                f"&{line.left} {'=' if line.operator == '=' else chr(92) + 'sim'} {line.right}" for line in lines
            )
        return "\n".join(([title] if title else []) + [f"  {line.left} {line.operator} {line.right}" for line in lines])

    def whole(self, blocks) -> str:
        if self.tex:
            return "\\begin{aligned}\n" + " \\\\[0.6em]\n".join(blocks) + "\n\\end{aligned}"
        return "\n".join(blocks)


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
        if factor is None:
            return False
        import pandas as pd

        kept = self.fit.design.kept
        columns = [np.asarray(self.fit.design.data[c]) for c in factor.columns]
        return all(pd.Series(c if kept is None else c[kept]).groupby(codes).nunique().max() <= 1 for c in columns)

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


def split(name: str) -> list[str]:
    """The columns multiplied in an interaction."""
    return re.split(r":(?![^\[]*\])", name)


def equations(fit, *, estimates: bool = False, form: str = "both") -> Equations:
    """The model as equations.

    Parameters
    ----------
    fit : a result of ``mlm.lmm`` or ``mlm.ols``
    estimates : bool
        Put the estimates in place of the symbols.
    form : {"both", "levels", "combined"}
        Level by level, combined in one equation, or both.

    Returns
    -------
    Equations
        Renders as mathematics; ``.latex`` and ``.text`` hold the two forms.
    """
    if form not in ("both", "levels", "combined"):
        raise ValueError(f"form={form!r} must be 'both', 'levels' or 'combined'.")
    if fit.design.random:
        only_one_factor(fit.design, "equations()")
        only_plain_residuals(fit, "equations()")
    parts = Parts(fit)
    return Equations(*(_write(parts, Writer(tex), estimates, form) for tex in (True, False)))


def _write(parts, w, estimates, form):
    y = w.variable(parts.fit.design.endog_name, "ij" if parts.group else "i")
    if not parts.group:
        pieces = [
            w.product(_number(parts, n) if estimates else w.symbol("beta", str(k)), _column(w, n, "i"))
            for k, n in enumerate(parts.names)
        ]
        return w.whole(
            [w.block("", [Line(y, w.total([*pieces, w.symbol("e", "i")])), _residual(parts, w, estimates, "i")])]
        )
    blocks = []
    if form != "combined":
        first = [w.product(w.symbol("beta", f"{parts.index(n)}j"), _column(w, n, "ij")) for n in parts.ones]
        blocks.append(w.block("Level 1", [Line(y, w.total([*first, w.symbol("e", "ij")]))]))
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
        blocks.append(w.block("Combined", [Line(y, w.total([*pieces, w.symbol("e", "ij")]))]))
    blocks.append(w.block("Distributions", [_effects(parts, w, estimates), _residual(parts, w, estimates, "ij")]))
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
    return w.total(pieces)


def _residual(parts, w, estimates, index):
    sigma2 = rounded(parts.fit.sigma**2)[0] if estimates else w.symbol("sigma") + ("^2" if w.tex else "\u00b2")
    return Line(w.symbol("e", index), w.normal("0", sigma2), "~")


def _effects(parts, w, estimates):
    names, fit = parts.random, parts.fit
    cov = fit.covariance_matrix(parts.group).to_numpy()
    shape = np.zeros((len(names),) * 2, dtype=int)  # 0: zero by the model, 1: free, 2: equal to the one before
    at = 0
    for term, structure in zip(fit.design.random, fit.model.structures):
        q, here = len(term.names), slice(at, at + len(term.names))
        shape[here, here] = np.eye(q) if structure.name in ("independent", "identity") else 1
        if structure.name in ("exchangeable", "identity"):
            shape[here, here] = 2 * (shape[here, here] > 0)
        at += q
    order = [parts.index(n) for n in names]

    def entry(r, c):
        if not shape[r, c]:
            return "0"
        if estimates:
            return rounded(cov[r, c])[0]
        if shape[r, c] == 2:  # one variance and one covariance for all effects of the term
            first = order[0]
            return w.symbol("tau", f"{first}{first}" if r == c else f"{first}{order[1]}")
        low, high = sorted((order[r], order[c]))
        return w.symbol("tau", f"{low}{high}")

    us = [w.symbol("u", f"{k}j") for k in order]
    if len(names) == 1:
        return Line(us[0], w.normal("0", entry(0, 0)), "~")
    zero = w.matrix([["0"]] * len(names)) if w.tex else "0"
    rows = [[entry(r, c) for c in range(len(names))] for r in range(len(names))]
    return Line(w.matrix([[u] for u in us]) if w.tex else f"({', '.join(us)})", w.normal(zero, w.matrix(rows)), "~")
