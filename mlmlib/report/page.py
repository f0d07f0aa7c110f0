"""What every report object is made of: labeled lines, tables and messages, shown as text and as accessible HTML.

The HTML takes all its colors from the page around it (``currentColor``), so that it reads in light and in dark mode.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

STYLE = """<style>
.mlm-report{color:inherit;background:transparent;font-size:.95em;line-height:1.45;text-align:left;font-variant-numeric:lining-nums}
.mlm-report p{margin:.2em 0}
.mlm-report dl{display:grid;grid-template-columns:max-content 1fr;gap:.05em 1em;margin:.3em 0 .6em}
.mlm-report dt{font-weight:600;margin:0}.mlm-report dd{margin:0;overflow-wrap:anywhere}
.mlm-report .mlm-scroll{overflow-x:auto;margin:.4em 0}
.mlm-report table{border-collapse:collapse;color:inherit;background:transparent;margin:0;width:auto;font-size:1em;border:0}
.mlm-report caption{caption-side:top;text-align:left;font-weight:600;color:inherit;padding:.2em 0}
.mlm-report th,.mlm-report td{padding:.15em .7em;text-align:right;border:0;background:transparent;color:inherit;
white-space:nowrap;font-variant-numeric:tabular-nums}
.mlm-report tr{background:transparent!important}
.mlm-report tbody th,.mlm-report .mlm-word{text-align:left;font-weight:400}
.mlm-report thead th,.mlm-report thead .mlm-word{border-bottom:1px solid currentColor;font-weight:600;vertical-align:bottom}
.mlm-report tbody tr:last-child>*{border-bottom:1px solid currentColor}
.mlm-report .mlm-message{border-left:4px solid #d55e00;padding:.3em .8em;margin:.5em 0;max-width:46em}
</style>"""


@dataclass(frozen=True)
class Table:
    """A caption, column heads and rows of strings; the first `words` columns hold words, the others numbers."""

    caption: str
    head: tuple
    rows: tuple
    words: int = 1

    def text(self) -> str:
        cells = [self.head, *self.rows]
        widths = [max(len(row[k]) for row in cells) for k in range(len(self.head))]
        lines = [
            "  ".join(
                c.ljust(w) if k < self.words else c.rjust(w) for k, (c, w) in enumerate(zip(row, widths))
            ).rstrip()
            for row in cells
        ]
        rule = "-" * max(map(len, lines))
        return "\n".join([self.caption, rule, lines[0], rule, *lines[1:], rule])

    def html(self) -> str:
        def cell(tag, k, value, scope=""):
            word = ' class="mlm-word"' if k < self.words else ""
            return f"<{tag}{word}{scope}>{escape(value)}</{tag}>"

        head = "".join(cell("th" if h else "td", k, h, ' scope="col"' if h else "") for k, h in enumerate(self.head))
        body = "".join(
            "<tr>"
            + (cell("th", 0, row[0], ' scope="row"') if row[0] else "<td></td>")
            + "".join(cell("td", k, v) for k, v in enumerate(row) if k)
            + "</tr>"
            for row in self.rows
        )
        return (
            f'<div class="mlm-scroll" role="group" tabindex="0" aria-label="{escape(self.caption, quote=True)}"><table>'
            f"<caption>{escape(self.caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )


@dataclass(frozen=True)
class Page:
    """A report: a title, labeled lines, messages (shown first), tables, closing notes."""

    title: str
    lines: tuple = ()
    tables: tuple = ()
    notes: tuple = ()
    messages: tuple = field(default=())

    def __str__(self) -> str:
        wide = max((len(label) for label, _ in self.lines), default=0)
        parts = [self.title, "\n".join(f"{label + ':':<{wide + 1}} {value}" for label, value in self.lines)]
        parts += ["\n".join(f"!! {message}" for message in self.messages)] if self.messages else []
        parts += [table.text() for table in self.tables]
        parts += ["\n".join(self.notes)] if self.notes else []
        return "\n\n".join(part for part in parts if part)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        lines = "".join(f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in self.lines)
        messages = "".join(f'<p class="mlm-message" role="note">{escape(m)}</p>' for m in self.messages)
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return (
            f'{STYLE}<div class="mlm-report"><p><strong>{escape(self.title)}</strong></p><dl>{lines}</dl>{messages}'
            f"{''.join(table.html() for table in self.tables)}{notes}</div>"
        )


def rounded(*values: float, guide: float | None = None) -> list[str]:
    """Numbers with as many decimals as give `guide` (a standard error; else the first value) three significant digits."""
    guide = values[0] if guide is None or guide != guide or guide == 0 else guide
    if guide != guide or guide == 0:
        places = 3
    else:
        places = min(max(2 - int(f"{abs(guide):e}".split("e")[1]), 0), 8)
    return ["" if v != v else f"{v:.{places}f}" for v in values]


def p_value(p: float) -> str:
    """A p-value in print: three decimals, never zero."""
    return "" if p != p else "<0.001" if p < 0.0005 else f"{p:.3f}"
