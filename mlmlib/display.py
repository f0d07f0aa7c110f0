"""Small tables in text and HTML: how a result prints itself in a terminal and in a notebook."""

from collections.abc import Callable
from html import escape


def number(x, digits=4):
    """A number for reading: `digits` significant digits, no exponent for everyday sizes.

    >>> number(0.234246), number(519), number(81.237), number(float("nan"))
    ('0.2342', '519', '81.24', '')
    """
    if x is None or x != x:
        return ""
    if isinstance(x, int) or (float(x).is_integer() and abs(x) < 1e15):
        return f"{int(x)}"
    text = f"{x:.{digits}g}"
    if "e" in text and 1e-4 <= abs(x) < 1e15:
        text = f"{x:.0f}"
    return text


def percent(share: float) -> str:
    """A share as a percentage with one decimal.

    >>> percent(0.1804), percent(-0.002), percent(-0.0001)
    ('18.0 %', '-0.2 %', '0.0 %')
    """
    return "" if share != share else f"{round(100 * share, 1) + 0.0:.1f} %"


def text_table(header, rows):
    """Columns aligned under their header; numbers to the right, words to the left.

    >>> print(text_table(["level", "n"], [["school", "23"], ["student", "519"]]))
    level      n
    school    23
    student  519
    """
    cells = [[str(c) for c in row] for row in rows]
    widths = [max(len(str(h)), *(len(row[k]) for row in cells), 0) for k, h in enumerate(header)]
    right = [all(_is_number(row[k]) for row in cells) for k in range(len(header))]
    lines = []
    for row in [*([[str(h) for h in header]] if any(header) else []), *cells]:
        parts = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right)]
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def html_table(header, rows, *, caption="", note=""):
    """The same as an HTML table with a caption, row headers in the first column, and a note below."""
    head = "".join(f'<th scope="col">{escape(str(h))}</th>' for h in header)
    body = ""
    for row in rows:
        first, *rest = [str(c) for c in row]
        cells = "".join(f"<td{_align(c)}>{escape(c)}</td>" for c in rest)
        body += f'<tr><th scope="row" style="text-align:left">{escape(first)}</th>{cells}</tr>'
    top = f"<caption>{escape(caption)}</caption>" if caption else ""
    below = f'<p class="mlm-note">{escape(note)}</p>' if note else ""
    thead = f"<thead><tr>{head}</tr></thead>" if any(str(h) for h in header) else ""
    return f'<div class="mlm-result"><table class="mlm-table">{top}{thead}<tbody>{body}</tbody></table>{below}</div>'


def _is_number(text):
    return not text or text.lstrip("<- ").replace(".", "", 1).replace(",", "").replace("%", "").isdigit()


def _align(text):
    return "" if _is_number(text) else ' style="text-align:left"'


class Shown:
    """A small result prints itself from its title, its rows and a note; a subclass says what these are."""

    _title: Callable[[], str]
    _rows: Callable[[], tuple]  # header and rows

    def __repr__(self):
        header, rows = self._rows()
        note = f"\n{self._note()}" if self._note() else ""
        return f"{self._title()}\n{text_table(header, rows)}{note}"

    def _repr_html_(self):
        return html_table(*self._rows(), caption=self._title(), note=self._note())

    def _note(self):
        return ""
