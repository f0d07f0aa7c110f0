"""How equations are written: symbols, columns, sums, matrices, as LaTeX or as plain text."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Equations", "Line", "Writer", "spread", "split"]

GREEK = {"beta": "\u03b2", "gamma": "\u03b3", "sigma": "\u03c3", "tau": "\u03c4", "pi": "\u03c0", "phi": "\u03c6",
         "rho": "\u03c1", "psi": "\u03c8", "theta": "\u03b8", "delta": "\u03b4", "eta": "\u03b7", "mu": "\u03bc", "alpha": "\u03b1", "omega": "\u03c9"}


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

    def upright(self, word: str) -> str:
        """A name as it is written in the data."""
        if not self.tex:
            return word
        return "\\mathrm{" + re.sub(r"[_%&#$ {}]", lambda m: "\\" + m[0], word) + "}"

    def variable(self, name: str, index: str) -> str:
        """A column in an equation: ``schtype[T.Public]`` is Public, ``I(x ** 2)`` is x squared."""
        pieces = []
        for piece in re.split(r":(?![^\[]*\])", name):
            curve = re.fullmatch(r"(poly|piecewise|bs|ns)\(`?([^,`)]+).*\)\[(.*)\]", piece)
            word = re.sub(r"^.*\[(?:T\.)?(.*)\]$", r"\1", piece)
            if word != piece and re.fullmatch(r"[-\d.]+|y|n|yes|no|true|false", word, re.I):  # says nothing without its column
                word = re.sub(r"^(?:C\()?(\w+)\)?\[(?:T\.)?(.*)\]$", r"\1 \2", piece)
            if curve:  # "Days poly 2", "Days 2 to 5"
                word = " ".join(w for w in (curve[2], "" if curve[1] == "piecewise" else curve[1], curve[3]) if w)
            power = re.fullmatch(r"I\((\w+) ?\*\* ?(\d+)\)", word)
            function = re.fullmatch(r"(?:np\.)?(log|exp|sqrt)\((\w+)\)", word)
            base = power[1] if power else function[2] if function else word
            if self.tex:
                base = self.upright(base)
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

    def power(self, base: str, exponent: str) -> str:
        """A power; of text that is not one sign the exponent stands in parentheses."""
        if self.tex:
            return f"{base}^{{{exponent}}}"
        return f"{base}^{exponent if re.fullmatch(r'[0-9A-Za-z]|[|][^|]*[|]', exponent) else f'({exponent})'}"

    def block(self, title: str, lines) -> str:
        if self.tex:
            head = f"&\\textbf{{{title}}} \\\\\n" if title else ""
            return head + " \\\\\n".join(
                f"&{line.left} {'=' if line.operator == '=' else chr(92) + 'sim' if line.operator == '~' else line.operator} {line.right}" for line in lines
            )
        return "\n".join(([title] if title else []) + [f"  {line.left} {line.operator} {line.right}" for line in lines])

    def whole(self, blocks) -> str:
        if self.tex:
            return "\\begin{aligned}\n" + " \\\\[0.6em]\n".join(blocks) + "\n\\end{aligned}"
        return "\n".join(blocks)



def split(name: str) -> list[str]:
    """The columns multiplied in an interaction."""
    return re.split(r":(?![^\[]*\])", name)


def spread(w: Writer, effects: list[str], entry) -> Line:
    """The distribution of random effects, `entry(r, c)` the elements of their covariance matrix."""
    if len(effects) == 1:
        return Line(effects[0], w.normal("0", entry(0, 0)), "~")
    count = range(len(effects))
    zero = w.matrix([["0"] for _ in count]) if w.tex else "0"
    left = w.matrix([[u] for u in effects]) if w.tex else f"({', '.join(effects)})"
    return Line(left, w.normal(zero, w.matrix([[entry(r, c) for c in count] for r in count])), "~")
