"""A table of models as a Word file: caption, three rules and no others, note below."""

from __future__ import annotations

from ..optional import needs
from .table_writers import _cells, _squared, minus, sections

__all__ = ["write"]


def write(table, path) -> None:
    """Write a table of models to `path` (.docx)."""
    with needs("to_word()"):
        from docx import Document
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.shared import Pt
    right, left = WD_ALIGN_PARAGRAPH.RIGHT, WD_ALIGN_PARAGRAPH.LEFT
    document = Document()
    document.core_properties.title = table.caption
    font = document.styles["Normal"].font
    font.name, font.size = "Times New Roman", Pt(11)
    document.add_paragraph().add_run(_squared(table.caption)).italic = True
    lines = [(["", *table.models], False)]
    for name, rows in sections(table):
        lines.append(([name, *[""] * len(table.models)], True))
        lines += [([_squared(row.label), *map(minus, _cells(row))], False) for row in rows]
    grid = document.add_table(rows=len(lines), cols=len(table.models) + 1)
    for k, (cells, title) in enumerate(lines):
        own = grid.rows[k].cells
        if title:
            own, cells = [own[0].merge(own[-1])], cells[:1]
            for extra in own[0].paragraphs[1:]:
                extra._element.getparent().remove(extra._element)
        for m, (cell, value) in enumerate(zip(own, cells)):
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_after = Pt(0)
            paragraph.paragraph_format.space_before = Pt(4 if title else 0)
            paragraph.paragraph_format.left_indent = Pt(0 if title or m or not k else 10)
            paragraph.alignment = right if m else left
            paragraph.add_run(value).italic = title
        rules = (["top", "bottom"] if k == 0 else []) + (["bottom"] if k == len(lines) - 1 else [])
        for cell in grid.rows[k].cells if rules else ():
            _rule(cell, rules)
    _repeat(grid.rows[0])
    note = document.add_paragraph()
    note.paragraph_format.space_before = Pt(6)
    note.add_run("Note. ").italic = True
    note.add_run(_squared(" ".join(table.notes)))
    for run in note.runs:
        run.font.size = Pt(10)
    document.save(str(path))


def _rule(cell, edges) -> None:
    """Draw horizontal rules on a cell."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    borders = OxmlElement("w:tcBorders")
    for edge in edges:
        line = OxmlElement(f"w:{edge}")
        for key, value in (("val", "single"), ("sz", "8"), ("space", "0"), ("color", "auto")):
            line.set(qn(f"w:{key}"), value)
        borders.append(line)
    cell._tc.get_or_add_tcPr().append(borders)


def _repeat(row) -> None:
    """Repeat the head on every page; screen readers take it for the head of the columns."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)
