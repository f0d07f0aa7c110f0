"""A table of models as text, HTML, LaTeX, Markdown and CSV: the same cells, each format's own signs."""

from __future__ import annotations

import csv as _csv
import io
import re
from html import escape
from itertools import groupby

from .page import STYLE

__all__ = ["csv", "html", "latex", "markdown", "minus", "sections", "text"]

MINUS = "\u2212"
_LATEX = {
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "\u00d7": r"$\times$",
    "\u2020": r"$\dagger$",
    "\u2013": "--",
    "<": "$<$",
    ">": "$>$",
    MINUS: "$-$",
    "\u00b2": "$^2$",
}


def minus(cell: str) -> str:
    """A hyphen before a digit or a point becomes a minus sign, as print has it.

    >>> minus("-1.64 [-2.11, -.5]")
    '\u22121.64 [\u22122.11, \u2212.5]'
    """
    out = []
    for k, sign in enumerate(cell):
        number = sign == "-" and k + 1 < len(cell) and (cell[k + 1].isdigit() or cell[k + 1] == ".")
        out.append(MINUS if number and (k == 0 or cell[k - 1] in " ([") else sign)
    return "".join(out)


def sections(table):
    """The sections of a table with their rows."""
    return [(name, list(rows)) for name, rows in groupby(table.rows, key=lambda row: row.section)]


def _cells(row):
    return [cell.text if cell else "" for cell in row.cells]


def _squared(label: str) -> str:
    return re.sub(r"\bR2\b", "R\u00b2", label)  # not the CR2 of a covariance


def text(table) -> str:
    """For a terminal."""
    lines = [["", *table.models]]
    for name, rows in sections(table):
        lines.append([name])
        lines += [["  " + _squared(row.label), *map(minus, _cells(row))] for row in rows]
    wide = [max(len(line[k]) for line in lines if len(line) > 1) for k in range(len(table.models) + 1)]
    shown = [
        "  ".join(c.rjust(w) if k else c.ljust(w) for k, (c, w) in enumerate(zip(line, wide))).rstrip()
        for line in lines
    ]
    rule = "-" * max(map(len, shown))
    return "\n".join(
        [
            table.caption,
            rule,
            shown[0],
            rule,
            *shown[1:],
            rule,
            *_wrapped("Note. " + _squared(" ".join(table.notes)), len(rule)),
        ]
    )


def _wrapped(note: str, width: int):
    import textwrap

    return textwrap.wrap(note, max(width, 72))


def html(table) -> str:
    """For a page: caption, column heads, a head for each section and row, the note below."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.models)
    bodies = []
    for name, rows in sections(table):
        lines = [
            f'<tr><th scope="rowgroup" colspan="{len(table.models) + 1}" class="mlm-section">{escape(name)}</th></tr>'
        ]
        for row in rows:
            cells = "".join(f"<td>{escape(minus(c))}</td>" for c in _cells(row))
            lines.append(f'<tr><th scope="row">{escape(_squared(row.label))}</th>{cells}</tr>')
        bodies.append(f"<tbody>{''.join(lines)}</tbody>")
    note = escape(_squared(" ".join(table.notes)))
    style = (
        "<style>.mlm-models .mlm-section{font-style:italic;padding-top:.5em!important}"
        ".mlm-models tbody th[scope=row]{padding-left:1.6em}"
        ".mlm-models thead tr>*{border-top:2px solid currentColor;border-bottom:1px solid currentColor}"
        ".mlm-models tbody tr:last-child>*{border-bottom:0!important}"
        ".mlm-models tbody:last-of-type tr:last-child>*{border-bottom:2px solid currentColor!important}"
        ".mlm-models .mlm-note{max-width:52em;font-size:.92em}</style>"
    )
    return (
        f'{STYLE}{style}<div class="mlm-report mlm-models"><div class="mlm-scroll" role="region" tabindex="0" '
        f'aria-label="{escape(table.caption, quote=True)}"><table><caption>{escape(table.caption)}</caption>'
        f"<thead><tr><td></td>{head}</tr></thead>{''.join(bodies)}</table></div>"
        f'<p class="mlm-note"><em>Note.</em> {note}</p></div>'
    )


def _tex(value: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in _squared(value))


def latex(table) -> str:
    """For a paper; needs \\usepackage{booktabs}."""
    columns = len(table.models) + 1
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_tex(table.caption)}}}",
        rf"\begin{{tabular}}{{l{'r' * (columns - 1)}}}",
        r"\toprule",
        " & ".join(["", *map(_tex, table.models)]) + r" \\",
        r"\midrule",
    ]
    for k, (name, rows) in enumerate(sections(table)):
        if k:
            lines.append(r"\addlinespace")
        lines.append(rf"\multicolumn{{{columns}}}{{l}}{{\textit{{{_tex(name)}}}}} \\")
        lines += [
            " & ".join([rf"\quad {_tex(row.label)}", *(_tex(minus(c)) for c in _cells(row))]) + r" \\" for row in rows
        ]
    return "\n".join(
        [
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            "",
            r"\smallskip",
            rf"\begin{{minipage}}{{\linewidth}}\footnotesize \textit{{Note.}} {_tex(' '.join(table.notes))}\end{{minipage}}",
            r"\end{table}",
            "",
        ]
    )


def _md(value: str) -> str:
    return _squared(value).replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")


def markdown(table) -> str:
    """A pipe table, the caption above and the note below."""
    lines = [
        f"**{_md(table.caption)}**",
        "",
        "| | " + " | ".join(map(_md, table.models)) + " |",
        "|---|" + "---:|" * len(table.models),
    ]
    for name, rows in sections(table):
        lines.append(f"| *{_md(name)}* |" + " |" * len(table.models))
        lines += ["| " + " | ".join([_md(row.label), *(_md(minus(c)) for c in _cells(row))]) + " |" for row in rows]
    return "\n".join([*lines, "", f"*Note.* {_md(' '.join(table.notes))}", ""])


def csv(table) -> str:
    """For a spreadsheet: plain signs, one line a row, no caption or note."""
    out = io.StringIO()
    writer = _csv.writer(out, lineterminator="\n")
    writer.writerow(["section", "row", *table.models])
    writer.writerows([row.section, row.label, *_cells(row)] for row in table.rows)
    return out.getvalue()
