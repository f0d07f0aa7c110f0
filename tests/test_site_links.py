"""The built site as files: every link arrives, nothing points at the network, pages stay small, pictures can be heard."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from toc import chapters, pages

pytestmark = pytest.mark.site
LIMIT = 3_000_000
REFERRED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src"}


@pytest.fixture(scope="module")
def soups(site):
    """Every page of the site, parsed."""
    found = [p for p in site.rglob("*.html") if "_static" not in p.relative_to(site).parts]
    return {p: BeautifulSoup(p.read_text(encoding="utf-8"), "html.parser") for p in found}


@pytest.fixture(scope="module")
def anchors(soups):
    """The ids on each page."""
    return {path: {tag["id"] for tag in soup.find_all(id=True)} for path, soup in soups.items()}


def test_every_page_of_the_contents_is_built(site):
    assert not [name for name in pages() if not (site / f"{name}.html").is_file()]


def test_links_arrive(site, soups, anchors):
    broken = []
    for path, soup in soups.items():
        for link in soup.find_all("a", href=True):
            target = urlsplit(link["href"])
            if target.scheme or target.netloc or link["href"] == "#":
                continue
            file = (path.parent / unquote(target.path)).resolve() if target.path else path
            if file.is_dir():
                file = file / "index.html"
            if not file.is_file():
                broken.append(f"{path.name} -> {link['href']}")
            elif target.fragment and file in anchors and unquote(target.fragment) not in anchors[file]:
                broken.append(f"{path.name} -> {link['href']} (no such place)")
    assert not sorted(set(broken))


def test_nothing_is_fetched_from_the_network(soups):
    found = []
    for path, soup in soups.items():
        for tag, attribute in REFERRED.items():
            for item in soup.find_all(tag):
                address = item.get(attribute) or ""
                if re.match(r"(https?:)?//", address) and item.get("rel") != ["canonical"]:
                    found.append(f"{path.name}: {address}")
        for script in soup.find_all("script"):
            found += [f"{path.name}: script names {a}" for a in re.findall(r"https?://(?:unpkg|cdn)[^\"'\s]*", script.get_text())]
    assert not found


def test_pictures_say_what_they_show(soups):
    silent = []
    for path, soup in soups.items():
        for image in soup.select("main img"):
            alt = (image.get("alt") or "").strip()
            decorative = image.get("role") == "presentation" or image.get("aria-hidden") == "true"
            if not decorative and (len(alt) < 20 or re.search(r"\.(svg|png|jpe?g)$|[0-9a-f]{20,}", alt)):
                silent.append(f"{path.name}: {alt or image.get('src')}")
    assert not silent


def _weight(site, path, soup):
    """Bytes that opening the page loads: itself, its scripts, styles and pictures (MathJax counted, fonts not)."""
    files = {path}
    for tag, attribute in REFERRED.items():
        for item in soup.find_all(tag):
            address = urlsplit(item.get(attribute) or "")
            if address.path and not address.scheme and item.get("rel") != ["search"]:
                file = (path.parent / unquote(address.path)).resolve()
                if file.is_file() and file.suffix != ".html":
                    files.add(file)
    return sum(file.stat().st_size for file in files)


def test_pages_are_small(site, soups):
    heavy = {path.name: size for path, soup in soups.items() if (size := _weight(site, path, soup)) > LIMIT}
    assert not heavy


@pytest.mark.parametrize("name", chapters())
def test_a_chapter_offers_its_notebook(site, soups, name):
    soup = soups[site / f"{name}.html"]
    links = [a["href"] for a in soup.select("a[href$='.ipynb']")]
    assert links, "no link to download the notebook"


def test_no_lab_script_needs_a_server(soups):
    """Module scripts from a file do not load when a page is opened as file://."""
    assert not [
        f"{path.name}: {s['src']}" for path, soup in soups.items() for s in soup.select("script[type=module][src]")
    ]
