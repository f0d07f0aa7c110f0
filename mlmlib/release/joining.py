"""Printed pages become one PDF: links lead to places in it, bookmarks follow the contents, sheets bear their numbers."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from mlmlib.release import contents

MM = 72 / 25.4


@dataclass(frozen=True)
class Part:
    """One printed page of the site: its name, the caption of its part, its title, its PDF, and its headings."""

    name: str
    caption: str
    title: str
    data: bytes
    headings: list

    @cached_property
    def reader(self):
        """The PDF, read."""
        from pypdf import PdfReader

        return PdfReader(io.BytesIO(self.data))

    @cached_property
    def sheets(self) -> int:
        """How many sheets it takes."""
        return len(self.reader.pages)

    @cached_property
    def places(self) -> dict[str, tuple[int, float, float]]:
        """Named places: sheet (from 0), left and top in points.

        Chromium gives them from the corner of the text in some versions and from that of the sheet in others; the probe,
        which stands at the first corner of the text, tells which.
        """
        from mlmlib.release.printing import MARGINS, PROBE

        number = {page.indirect_reference.idnum: k for k, page in enumerate(self.reader.pages)}
        found = {}
        for name, place in self.reader.named_destinations.items():
            sheet = number.get(getattr(place.page, "idnum", None))
            if sheet is not None:
                found[unquote(name.removeprefix("/"))] = (sheet, float(place.left or 0), float(place.top or 0))
        left = top = 0.0
        if PROBE in found:
            height = float(self.reader.pages[0].mediabox.height)
            left = MARGINS["side"] * MM - found[PROBE][1]
            top = height - MARGINS["top"] * MM - found[PROBE][2]
        return {name: (sheet, x + left, y + top) for name, (sheet, x, y) in found.items()}


def join(path: Path, parts: list[Part], site: Path, *, version: str, when: int) -> list[str]:
    """Write the parts (the first is the front matter) as one PDF; the value tells of links that lead out of it."""
    from pypdf import PdfWriter
    from pypdf.generic import ArrayObject, NameObject

    writer, starts, links = PdfWriter(), {}, []
    for part in parts:
        starts[part.name] = len(writer.pages)
        for number, page in enumerate(part.reader.pages):
            held = [entry.get_object() for entry in page.get("/Annots", ())]
            page.pop("/Annots", None)
            page.pop("/StructParents", None)
            added = writer.add_page(page)
            links += [(part, starts[part.name] + number, added, entry) for entry in held]
    known, lost = {part.name: part for part in parts}, 0
    for part, _, page, entry in links:
        made = _link(writer, part, entry, known, starts, site)
        if made is None:
            lost += entry.get("/Subtype") == "/Link"
        else:
            page.setdefault(NameObject("/Annots"), ArrayObject()).append(writer._add_object(made))
    _bookmarks(writer, parts, starts)
    _labels(writer, parts)
    date = time.strftime("D:%Y%m%d%H%M%S+00'00'", time.gmtime(when))
    writer.metadata = None
    writer.add_metadata({"/Title": f"Multilevel Models {version}", "/Creator": f"mlmlib {version}", "/Producer": "Chromium and pypdf",
                         "/CreationDate": date, "/ModDate": date})
    writer.compress_identical_objects(remove_duplicates=True, remove_unreferenced=True)
    writer.write(str(path))
    return [f"{lost} links of the PDF lead to files that only the site has; their words stay, without the link."] if lost else []


def _destination(writer, part: Part, place: str, starts):
    """The place as a PDF names it; the top of the page where Chromium did not note it."""
    from pypdf.generic import ArrayObject, FloatObject, NameObject, NullObject

    sheet, left, top = part.places.get(place, (0, 0.0, float(part.reader.pages[0].mediabox.height)))
    target = writer.pages[starts[part.name] + sheet].indirect_reference
    return ArrayObject([target, NameObject("/XYZ"), FloatObject(max(0, round(left - 6, 2))), FloatObject(round(top + 6, 2)), NullObject()])


def _link(writer, part: Part, entry, known, starts, site: Path):
    """A link of a printed page as one of the book: to a place in it, to the network, or None if there is no such place."""
    from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, NumberObject, TextStringObject

    if entry.get("/Subtype") != "/Link":
        return None
    made = DictionaryObject({
        NameObject("/Type"): NameObject("/Annot"), NameObject("/Subtype"): NameObject("/Link"), NameObject("/F"): NumberObject(4),
        NameObject("/Border"): ArrayObject([NumberObject(0)] * 3), NameObject("/Rect"): ArrayObject([FloatObject(x) for x in entry["/Rect"]])})
    action = entry.get("/A", {})
    inside = entry.get("/Dest", action.get("/D"))
    if inside is not None:
        name, place = part.name, unquote(str(inside).removeprefix("/"))
    else:
        address = str(action.get("/URI", ""))
        if address.startswith(("http://", "https://", "mailto:")):
            made[NameObject("/A")] = DictionaryObject({NameObject("/S"): NameObject("/URI"), NameObject("/URI"): TextStringObject(address)})
            return made
        aim = contents.target(address, site / f"{part.name}.html", site) if address else None
        if aim is None or aim[0] not in known:
            return None
        name, place = aim
    made[NameObject("/Dest")] = _destination(writer, known[name], place, starts)
    return made


def _bookmarks(writer, parts: list[Part], starts) -> None:
    """Parts, chapters and their sections."""
    from pypdf.generic import Fit

    caption, above = "", None
    for part in parts:
        first = starts[part.name] if part.name else 1  # the front matter's second sheet has the contents
        if part.caption != caption:
            caption = part.caption
            above = writer.add_outline_item(title=caption, page_number=first, is_open=True) if caption else None
        item = writer.add_outline_item(title=part.title, page_number=first, parent=above, is_open=False)
        higher = {1: item}
        for level, text, place in part.headings:
            if level == 1 or place not in part.places:
                continue
            sheet, left, top = part.places[place]
            parent = higher.get(level - 1, item)
            higher[level] = writer.add_outline_item(title=text, page_number=first + sheet, parent=parent, is_open=False,
                                                    fit=Fit.xyz(left=max(0, left - 6), top=top + 6, zoom=None))


def _labels(writer, parts: list[Part]) -> None:
    """Numbers of the sheets as a reader's program shows them: i, ii for the front matter, then 1, 2, 3."""
    front = parts[0].sheets
    writer.set_page_label(0, front - 1, style="/r")
    if len(writer.pages) > front:
        writer.set_page_label(front, len(writer.pages) - 1, style="/D")
