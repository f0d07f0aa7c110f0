"""Prose whose numbers are kept on a list, so that a reader (and a test) can find where each comes from.

Chapter 5 (``05_level2_predictors``) has a fit write its own paragraph and checks it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

from .page import STYLE
from .rows import apa, apa_p, decimals
from .table_writers import minus

__all__ = ["Ledger", "Prose", "joined", "sign"]

_OPEN, _CLOSE = "\u2039", "\u203a"  # what stands between them is a statistical symbol, set in italics


def sign(symbol: str) -> str:
    """A statistical symbol, to be set in italics."""
    return f"{_OPEN}{symbol}{_CLOSE}"


def joined(words, last: str = "and") -> str:
    """A list in words.

    >>> joined(["a"]), joined(["a", "b"]), joined(["a", "b", "c"])
    ('a', 'a and b', 'a, b, and c')
    """
    words = list(words)
    if len(words) < 3:
        return f" {last} ".join(words)
    return f"{', '.join(words[:-1])}, {last} {words[-1]}"


class Ledger:
    """Writes numbers and keeps a list of them: what it is, its value, how it was printed."""

    def __init__(self, level: float = 0.95, ddf: str = "wald"):
        self.level, self.ddf = level, ddf
        self.entries: list[tuple] = []

    def put(self, what: str, value, text: str) -> str:
        """Note a number that is printed as `text`."""
        text = minus(text)
        self.entries.append((what, value, text))
        return text

    def plain(self, what: str, value: float, places: int = 2) -> str:
        return self.put(
            what,
            value,
            f"{value:.{places}f}".replace("-0.00", "0.00") if round(value, places) == 0 else f"{value:.{places}f}",
        )

    def count(self, what: str, value: int) -> str:
        return self.put(what, value, f"{value:,}")

    def share(self, what: str, value: float) -> str:
        """A number that cannot exceed 1, without the zero before the point."""
        return self.put(what, value, apa(value))

    def percent(self, what: str, value: float) -> str:
        return f"{self.put(what, value, f'{100 * value:.0f}')}%"

    def p(self, what: str, value: float) -> str:
        shown = apa_p(value)
        return f"{sign('p')} {shown[0]} {self.put(what, value, shown[2:])}"

    def interval(
        self, what: str, lower: float, upper: float, level: float, *, places: int = 2, bounded: bool = False
    ) -> str:
        """``95% CI [0.45, 1.63]``."""
        write = self.share if bounded else lambda w, v: self.plain(w, v, places)
        wide = self.put("confidence level", level, f"{100 * level:g}")
        return f"{wide}% CI [{write(f'{what}: lower', lower)}, {write(f'{what}: upper', upper)}]"

    def quote(self, text: str, what: str = "message") -> str:
        """Text that holds numbers of its own."""
        for number in re.findall(r"\d[\d,]*(?:\.\d+)?", text):
            self.put(what, float(number.rstrip(",").replace(",", "")), number.rstrip(","))
        return text

    @staticmethod
    def places(*ses: float) -> int:
        return decimals(*ses)


@dataclass(frozen=True, repr=False)
class Prose:
    """Paragraphs under short headings.

    Attributes
    ----------
    title : str
    sections : tuple of (heading, paragraphs)
    references : tuple of str
        Works that the text cites.
    entries : tuple
        The numbers in it; `numbers` is the same as a DataFrame (what, value, shown).
    """

    title: str
    sections: tuple
    references: tuple = ()
    entries: tuple = ()

    @property
    def numbers(self):
        """Every number of the text: what it is, its value at full precision, how it is printed (DataFrame)."""
        from .. import frames as pd

        return pd.DataFrame(list(self.entries), columns=["what", "value", "shown"])

    @property
    def text(self) -> str:
        """The paragraphs alone, without title, headings and references."""
        return _plain("\n\n".join(p for _, paragraphs in self.sections for p in paragraphs))

    @property
    def markdown(self) -> str:
        """The whole in Markdown."""
        parts = [f"**{self.title}**"] if self.title else []
        for heading, paragraphs in self.sections:
            first, *rest = [_marked(p) for p in paragraphs]
            parts += [f"**{heading}.** {first}", *rest]
        if self.references:
            parts += ["**References**", *self.references]
        return "\n\n".join(parts) + "\n"

    def __str__(self) -> str:
        import textwrap

        parts = [self.title] if self.title else []
        for heading, paragraphs in self.sections:
            parts.append(heading)
            parts += [textwrap.fill(_plain(p), 100, initial_indent="  ", subsequent_indent="  ") for p in paragraphs]
        if self.references:
            parts += ["References"] + [
                textwrap.fill(r.replace("*", ""), 100, initial_indent="  ", subsequent_indent="    ")
                for r in self.references
            ]
        return "\n".join(parts)

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return self.markdown

    def _repr_html_(self) -> str:
        parts = [f"<p><strong>{escape(self.title)}</strong></p>"] if self.title else []
        for heading, paragraphs in self.sections:
            first, *rest = [_html(p) for p in paragraphs]
            parts.append(f"<p><strong>{escape(heading)}.</strong> {first}</p>" + "".join(f"<p>{p}</p>" for p in rest))
        if self.references:
            works = [re.sub(r"[*](.+?)[*]", r"<em>\1</em>", escape(work)) for work in self.references]
            parts.append("<p><strong>References</strong></p>")
            parts += [f'<p class="mlm-reference">{work}</p>' for work in works]
        style = (
            "<style>.mlm-prose{max-width:46em}.mlm-prose p{margin:.45em 0}"
            ".mlm-prose .mlm-reference{padding-left:1.6em;text-indent:-1.6em;font-size:.92em}</style>"
        )
        return f'{STYLE}{style}<div class="mlm-report mlm-prose">{"".join(parts)}</div>'


def _plain(text: str) -> str:
    return text.replace(_OPEN, "").replace(_CLOSE, "")


def _marked(text: str) -> str:
    safe = re.sub(r"([*_`])", r"\\\1", text)
    return safe.replace(_OPEN, "*").replace(_CLOSE, "*")


def _html(text: str) -> str:
    safe = escape(text, quote=False).replace(_OPEN, "<em>").replace(_CLOSE, "</em>")
    return re.sub(r"(</em>[^ <]*) (=|&lt;|&gt;) ", "\\1\u00a0\\2\u00a0", safe)  # a symbol stays with its number
