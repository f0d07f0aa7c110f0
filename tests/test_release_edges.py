"""Releases where something is missing, and the PDF's links one by one, without a browser: sheets are drawn by pypdf."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile

import pytest

import mlmlib
from mlmlib.release import archives, contents, joining, make_release, printing

pypdf = pytest.importorskip("pypdf")


def sheets(count, links=(), kind="/Link"):
    """A PDF of empty sheets, with annotations on the first: an address, or the name of a place."""
    from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, TextStringObject

    writer = pypdf.PdfWriter()
    for _ in range(count):
        page = writer.add_blank_page(300, 400)
    for address in links:
        entry = DictionaryObject({
            NameObject("/Type"): NameObject("/Annot"), NameObject("/Subtype"): NameObject(kind),
            NameObject("/Rect"): ArrayObject([FloatObject(x) for x in (1, 2, 30, 40)])})
        if address.startswith("#"):
            entry[NameObject("/Dest")] = NameObject("/" + address[1:])
        else:
            entry[NameObject("/A")] = DictionaryObject({NameObject("/S"): NameObject("/URI"), NameObject("/URI"): TextStringObject(address)})
        page = writer.pages[0]
        page.setdefault(NameObject("/Annots"), ArrayObject()).append(writer._add_object(entry))
    held = io.BytesIO()
    writer.write(held)
    return held.getvalue()


def part(name, count=1, links=(), headings=(), caption="", kind="/Link"):
    return joining.Part(name, caption, name.title() or "Contents", sheets(count, links, kind), list(headings))


def joined(tmp_path, *parts):
    said = joining.join(tmp_path / "x.pdf", list(parts), tmp_path, version="9", when=1_780_000_000)
    return said, pypdf.PdfReader(tmp_path / "x.pdf")


def test_links_lead_to_pages_of_the_pdf_or_the_network_and_others_are_counted(tmp_path):
    there = (tmp_path / "two.html").as_uri()
    lost = [(tmp_path / "three.html").as_uri(), (tmp_path / "data.csv").as_uri(), (tmp_path.parent / "far.html").as_uri(), "javascript:x"]
    said, book = joined(tmp_path, part("", 2), part("one", 2, [there, "https://example.org/x", "#end", *lost]), part("two"))
    assert said == ["4 links of the PDF lead to files that only the site has; their words stay, without the link."]
    found = [entry.get_object() for entry in book.pages[2]["/Annots"]]
    number = {page.indirect_reference.idnum: k for k, page in enumerate(book.pages)}
    assert [number[e["/Dest"][0].idnum] for e in found if "/Dest" in e] == [4, 2], "the other page; its own top, where no place is noted"
    assert [str(e["/A"]["/URI"]) for e in found if "/A" in e] == ["https://example.org/x"]
    assert book.page_labels == ["i", "ii", "1", "2", "3"]
    assert book.metadata.title == "Multilevel Models 9" and book.metadata["/CreationDate"] == "D:20260528202640+00'00'"


def test_marks_that_are_no_links_are_left_out_without_a_word(tmp_path):
    said, book = joined(tmp_path, part(""), part("one", links=["https://example.org"], kind="/Highlight"))
    assert said == [] and "/Annots" not in book.pages[1]


def test_front_matter_alone_is_numbered(tmp_path):
    said, book = joined(tmp_path, part("", 2))
    assert said == [] and book.page_labels == ["i", "ii"]


def test_headings_that_chromium_did_not_place_are_no_bookmarks(tmp_path):
    _, book = joined(tmp_path, part("", 2), part("one", caption="A part", headings=[(1, "One", "one"), (2, "Lost", "lost")]))
    assert [x.title if not isinstance(x, list) else [y.title for y in x] for x in book.outline] == ["Contents", "A part", ["One"]]


# --- what is missing ----------------------------------------------------------------------------------


def test_a_preview_prints_the_pages_that_it_has(tmp_path):
    (tmp_path / "_toc.yml").write_text("root: index\nparts:\n  - chapters:\n      - file: a\n      - file: b\n")
    (tmp_path / "index.html").write_text("<h1>All</h1>")
    (tmp_path / "b.html").write_text("<p>no heading</p>")
    found = contents.pages(tmp_path / "_toc.yml", tmp_path)
    assert [(page.name, page.part, page.title) for page in found] == [("index", "", "All"), ("b", "", "b")], "a name for want of a title"


@pytest.mark.parametrize(("module", "mend"), [("playwright.sync_api", "pip install"), ("pypdf", "pip install")])
def test_a_package_that_is_missing_is_named(monkeypatch, tmp_path, module, mend):
    monkeypatch.setenv("MLM_CHROMIUM", sys.executable)  # any program: it is not started
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(printing.NoBrowser, match=rf"{module} is not installed.*{mend}"):
        printing.write_pdf(tmp_path / "x.pdf", [], tmp_path, version="1", when=0)
    assert not (tmp_path / "x.pdf").exists()


def test_a_release_without_paper_has_no_pdf_of_an_earlier_one(tmp_path, monkeypatch):
    site, student, out = (tmp_path / name for name in ("site", "student", "out"))
    for folder in (site, student, out):
        folder.mkdir()
    (site / "index.html").write_text("<h1>All</h1>")
    (tmp_path / "_toc.yml").write_text("root: index\n")
    base, told = f"multilevel-models-{mlmlib.__version__}", []
    (out / f"{base}.pdf").touch()
    monkeypatch.setenv("MLM_CHROMIUM", str(tmp_path / "nowhere"))
    made = make_release(tmp_path, out, site=site, student=student, when=1_780_000_000, progress=told.append)
    assert made.messages[0].startswith("NO PDF WAS MADE: there is no Chromium") and told == ["site ...", "notebooks ..."]
    names = [f"{base}-site.zip", f"{base}-notebooks.zip", "SHA256SUMS"]
    assert [path.name for path in made.files] == names and {path.name for path in out.iterdir()} == set(names)
    with zipfile.ZipFile(out / names[0]) as archive:
        assert archive.namelist() == [f"{base}-site/index.html"]
    again = make_release(tmp_path, out, site=site, student=student, pdf=False, when=1_780_000_000, progress=told.append)
    assert again.messages == () and again.files == made.files


def test_a_release_bears_the_date_of_the_last_commit(tmp_path, monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)

    def git(*words):
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *words], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    assert archives.moment(tmp_path) == archives.EARLIEST, "nothing is committed yet"
    monkeypatch.setenv("GIT_COMMITTER_DATE", "1700000000 +0000")
    git("commit", "-q", "--allow-empty", "-m", "first")
    assert archives.moment(tmp_path) == 1_700_000_000
