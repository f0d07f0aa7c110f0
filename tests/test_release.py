"""Releases, on a small book of two pages: the same files give the same bytes, and what is taken away works."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

import mlmlib
from browser import Visits, chromium_path
from conftest import missing
from mlmlib.release import archives, contents, make_release, printing
from toc import ROOT

WHEN = 1_780_000_000
BASE = f"multilevel-models-{mlmlib.__version__}"
INDEX = """# A small book

It has one chapter, {doc}`chapters/01_one`, and a place in it, {ref}`there <far-place>`. [A site](https://example.org/x).

## Of the first page

$$ y = \\beta x $$
"""
CHAPTER = """# One thing

""" + "Words fill the page.\n\n" * 60 + """
(far-place)=
## A far place

Back to {doc}`/index`, and to {ref}`this page's end <small-end>`.

```{dropdown} A hint
Hidden until it is printed.
```

(small-end)=
## The end
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The folder of a book of two pages, built as the whole one is."""
    root = tmp_path_factory.mktemp("book")
    for name in ("mlmlib", "bookext", "data", "assets"):
        (root / name).symlink_to(ROOT / name, target_is_directory=True)
    for name in ("_config.yml", "references.bib", "requirements.lock", "pyproject.toml", "setup.py", "LICENSE"):
        shutil.copy(ROOT / name, root)
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: index\nparts:\n  - caption: The only part\n    numbered: true\n    chapters:\n      - file: chapters/01_one\n")
    (root / "index.md").write_text(INDEX)
    (root / "chapters").mkdir()
    (root / "chapters" / "01_one.md").write_text(CHAPTER)
    done = mlm(root, "book")
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return root


def mlm(root, *words, **env):
    """Run the command in the folder of a book."""
    env = {**os.environ, "MLM_PYTHON": sys.executable, "SOURCE_DATE_EPOCH": str(WHEN), **env}
    return subprocess.run([sys.executable, "-m", "mlmlib.cli", *words], cwd=root, capture_output=True, text=True, env=env)


def release(root, out, **more):
    built = root / "_build"
    return make_release(root, out, site=built / "html", student=built / "exercises" / "student", when=WHEN, progress=lambda text: None, **more)


# --- archives -------------------------------------------------------------------------------------


def test_the_same_files_give_the_same_bytes(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    one = archives.write_zip(tmp_path / "1.zip", {"b/x": b"x", "a/y": tmp_path / "a.txt"}, WHEN).read_bytes()
    os.utime(tmp_path / "a.txt", (1, 1))
    os.chmod(tmp_path / "a.txt", 0o600)
    two = archives.write_zip(tmp_path / "2.zip", {"a/y": tmp_path / "a.txt", "b/x": b"x"}, WHEN).read_bytes()
    assert one == two
    with zipfile.ZipFile(tmp_path / "1.zip") as archive:
        assert archive.namelist() == ["a/y", "b/x"]
        assert {info.date_time for info in archive.infolist()} == {(2026, 5, 28, 20, 26, 40)}


def test_the_date_of_a_release(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600000000")
    assert archives.moment(tmp_path) == 1_600_000_000
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "12")
    assert archives.moment(tmp_path) == archives.EARLIEST
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert archives.moment(tmp_path) == archives.EARLIEST


def test_nothing_is_released_that_was_not_built(tmp_path):
    with pytest.raises(FileNotFoundError, match="mlm book"):
        make_release(tmp_path, tmp_path / "out", site=tmp_path, student=tmp_path)
    (tmp_path / "index.html").touch()
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises" / "01_x.ipynb").touch()
    with pytest.raises(FileNotFoundError, match="01_x.ipynb"):
        make_release(tmp_path, tmp_path / "out", site=tmp_path, student=tmp_path)


# --- the notebooks, as they are taken away -----------------------------------------------------------


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The notebooks' archive of the whole book, unpacked where nothing else of it is."""
    folder = tmp_path_factory.mktemp("notebooks")
    student = folder / "student"
    student.mkdir()
    (student / "01_linear_model.ipynb").write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    files = archives.notebook_files(ROOT, student, "n", mlmlib.__version__)
    with zipfile.ZipFile(archives.write_zip(folder / "n.zip", files, WHEN)) as archive:
        archive.extractall(folder)
    return folder / "n"


def test_notebooks_have_library_and_data_and_no_solutions(unpacked):
    assert {p.name for p in (unpacked / "chapters").iterdir()} == {p.name for p in (ROOT / "chapters").glob("*.ipynb")}
    assert [p.name for p in (unpacked / "exercises").iterdir()] == ["01_linear_model.ipynb"]
    assert [p.name for p in (unpacked / "tests").iterdir()] == ["reference"] and not list(unpacked.rglob("autograder*"))
    telling = re.compile("BEGIN " + "SOLUTION|BEGIN " + "HIDDEN")
    assert not [p for p in (unpacked / "exercises").rglob("*") if telling.search(p.read_text(encoding="utf-8"))]
    assert f"version {mlmlib.__version__}" in (unpacked / "README.md").read_text(encoding="utf-8")


def test_every_data_set_loads_from_the_archive(unpacked):
    code = "import mlmlib as mlm; print(mlm.__file__); print(len([mlm.load(name) for name in mlm.datasets.names()]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=unpacked, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(unpacked)})
    assert done.returncode == 0, done.stderr
    where, count = done.stdout.split()
    assert where.startswith(str(unpacked.resolve())) and int(count) == len(mlmlib.datasets.names())


@pytest.mark.slow
@pytest.mark.parametrize("chapter", ["01_linear_model", "13_growth"])
def test_a_chapter_runs_from_the_archive(unpacked, chapter):
    """13 asks for published values too."""
    code = ("import nbformat, sys; from nbclient import NotebookClient; b = nbformat.read(sys.argv[1], 4); "
            "NotebookClient(b, timeout=600, kernel_name='python3').execute()")
    env = {**os.environ, "PYTHONPATH": str(unpacked), "TQDM_DISABLE": "1"}
    done = subprocess.run([sys.executable, "-c", code, f"{chapter}.ipynb"], cwd=unpacked / "chapters", capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr[-3000:]


# --- what the pages say -----------------------------------------------------------------------------


def test_titles_and_targets(tmp_path):
    page = '<h1>Print</h1><section id="x">\n<span id="y"></span><h1><span>3. </span>Random &amp; all<a class="headerlink" href="#x">#</a></h1>'
    assert contents.title(page) == "3. Random & all"
    here = tmp_path / "chapters" / "a.html"
    assert contents.target("#b%20c", here, tmp_path) == ("chapters/a", "b c")
    assert contents.target("../index.html#z", here, tmp_path) == ("index", "z")
    assert contents.target((tmp_path / "index.html").as_uri(), here, tmp_path) == ("index", "")
    for outside in ("https://example.org/a.html", "mailto:a@b", "../_sources/a.ipynb", "../../b.html"):
        assert contents.target(outside, here, tmp_path) is None


def test_each_page_names_its_version(small):
    for name in ("index", "chapters/01_one"):
        assert f"Built with mlmlib {mlmlib.__version__}" in (small / f"_build/html/{name}.html").read_text(encoding="utf-8")


# --- one command -------------------------------------------------------------------------------------


def test_one_command_without_chromium_says_so(small, tmp_path):
    stale = tmp_path / f"{BASE}.pdf"
    stale.touch()
    done = mlm(small, "release", "--built", "--out", str(tmp_path), MLM_CHROMIUM=str(tmp_path / "nowhere"))
    assert done.returncode == 0, done.stderr
    assert "NO PDF WAS MADE: there is no Chromium" in done.stdout
    assert not stale.exists()
    names = {"SHA256SUMS", f"{BASE}-site.zip", f"{BASE}-notebooks.zip"}
    assert {p.name for p in tmp_path.iterdir()} == names
    for line in (tmp_path / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest
        names.remove(name)
    assert names == {"SHA256SUMS"}


def test_site_archive_opens_without_a_server(small, tmp_path, browser):
    release(small, tmp_path, pdf=False)
    with zipfile.ZipFile(tmp_path / f"{BASE}-site.zip") as archive:
        archive.extractall(tmp_path)
    visits = Visits(browser, tmp_path / f"{BASE}-site", "")
    try:
        page = visits("index.html", via="file")
        page.locator("main p a", has_text="there").click()
        page.wait_for_url("**/01_one.html#far-place")
        assert page.locator("#a-far-place").is_visible()
    finally:
        visits.close()
    assert not visits.faults


def printed(small, out):
    """In a process of its own: the tests' browser may be open in this one."""
    done = mlm(small, "release", "--built", "--out", str(out))
    assert done.returncode == 0 and "NO PDF" not in done.stdout, done.stdout + done.stderr
    return out / f"{BASE}.pdf"


@pytest.fixture(scope="module")
def paper(small, tmp_path_factory):
    """The small book's PDF."""
    if chromium_path() is None:
        missing("no Chromium on this machine")
    return printed(small, tmp_path_factory.mktemp("paper"))


@pytest.fixture(scope="module")
def book(paper):
    from pypdf import PdfReader

    return PdfReader(paper)


def links(book):
    """(sheet, where it leads): a sheet and the height there, or an address."""
    sheets = {page.indirect_reference.idnum: k for k, page in enumerate(book.pages)}
    for k, page in enumerate(book.pages):
        for entry in page.get("/Annots", ()):
            entry = entry.get_object()
            if "/Dest" in entry:
                target, _, _, top, _ = entry["/Dest"]
                yield k, (sheets[target.idnum], float(top))
            else:
                yield k, str(entry["/A"]["/URI"])


def height(book, sheet, words):
    """How high on a sheet the words stand, in points."""
    found = []
    book.pages[sheet].extract_text(visitor_text=lambda text, cm, tm, font, size: found.append((text, (tm[5] * cm[3] + cm[5]))))
    so_far, start = "", []
    for text, y in found:
        start += [y] * len(text)
        so_far += text
    return start[so_far.index(words)]


def test_sheets_are_numbered(book):
    text = [page.extract_text() for page in book.pages]
    front = sum(label in ("i", "ii", "iii") for label in book.page_labels)
    assert front >= 2 and book.page_labels[front:] == [str(k + 1) for k in range(len(text) - front)]
    for label, words in zip(book.page_labels, text):
        assert label in words.split()
    first = next(k for k, words in enumerate(text) if "One thing" in words and "Words fill" in words)
    assert re.search(rf"1\. One thing\s*{book.page_labels[first]}\b", text[1]), "the contents name the page"


def test_links_lead_to_places_in_the_book(book):
    last = len(book.pages) - 1
    far = next(k for k, page in enumerate(book.pages) if "A far place" in page.extract_text() and k > 2)
    assert far == last > 3, "the chapter takes more than one sheet"
    found = list(links(book))
    assert [aim for _, aim in found if isinstance(aim, str)] == ["https://example.org/x"]
    front = sum(label.startswith("i") for label in book.page_labels)
    to_far = [aim for k, aim in found if k == front and isinstance(aim, tuple) and aim[0] == far]
    assert len(to_far) == 1
    assert 0 < to_far[0][1] - height(book, far, "A far place") < 60, "the heading stands just below the top of the window"
    assert [aim for k, aim in found if k == far and aim[0] == front], "back to the first page"
    end = [aim for k, aim in found if k == far and aim[0] == far]
    assert end and 0 < end[-1][1] - height(book, far, "The end") < 60
    assert b"file:" not in b"".join(str(entry.get_object()).encode() for page in book.pages for entry in page.get("/Annots", ()))


def test_bookmarks_follow_the_contents(book):
    def titles(items):
        return [titles(item) if isinstance(item, list) else item.title for item in items]

    assert titles(book.outline) == [
        "Contents", "A small book", ["Of the first page"],
        "The only part", ["1. One thing", ["1.1. A far place", "1.2. The end"]]]
    assert book.get_destination_page_number(book.outline[0]) == 1


def test_hints_are_printed_open(book):
    assert "Hidden until it is printed." in book.pages[-1].extract_text()


def test_a_second_printing_gives_the_same_bytes(small, paper, tmp_path):
    assert paper.read_bytes() == printed(small, tmp_path).read_bytes()
    assert (tmp_path / "SHA256SUMS").read_bytes() == (paper.parent / "SHA256SUMS").read_bytes()


def test_nothing_to_print_with(monkeypatch, tmp_path):
    monkeypatch.setenv("MLM_CHROMIUM", str(tmp_path / "nowhere"))
    with pytest.raises(printing.NoBrowser, match="MLM_CHROMIUM"):
        printing.write_pdf(tmp_path / "x.pdf", [], tmp_path, version="1", when=WHEN)
