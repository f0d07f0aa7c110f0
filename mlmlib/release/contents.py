"""What the book is made of, in its order: the pages of `_toc.yml`, and what their built pages say about themselves."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

HEADING = re.compile(r"<section [^>]*>\s*(?:<span[^>]*></span>\s*)*<h1[^>]*>(.*?)</h1>", re.S)  # not the theme's own, for print
LINK = re.compile(r"""<a\b[^>]*?\bhref=["']([^"']+)["']""")
TAG = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class Page:
    """One page of the book: its name without suffix, the caption of its part ("" for the first page), and its title."""

    name: str
    part: str
    title: str


def listed(toc: Path) -> list[tuple[str, str]]:
    """Page names and their part's caption, from a table of contents."""
    import yaml

    known = yaml.safe_load(toc.read_text(encoding="utf-8"))
    return [(known["root"], "")] + [
        (page["file"], part.get("caption", "")) for part in known.get("parts", ()) for page in part["chapters"]
    ]


def title(text: str) -> str:
    """The first heading of a built page, as plain text with its number."""
    found = HEADING.search(text) or re.search(r"<h1[^>]*>(.*?)</h1>", text, re.S)
    inside = re.sub(r'<a class="headerlink".*?</a>', "", found[1] if found else "", flags=re.S)
    return " ".join(html.unescape(TAG.sub("", inside)).split())


def pages(toc: Path, site: Path) -> list[Page]:
    """The pages that were built, in the order of the contents; a preview has only some of them."""
    found = []
    for name, part in listed(toc):
        path = site / f"{name}.html"
        if path.is_file():
            found.append(Page(name, part, title(path.read_text(encoding="utf-8")) or name))
    return found


def target(href: str, page: Path, site: Path) -> tuple[str, str] | None:
    """The page (without suffix) and the place that a link of `page` leads to; None if it leads out of the site."""
    parts = urlsplit(href)
    if parts.scheme not in ("", "file") or parts.netloc:
        return None
    path = Path(unquote(parts.path)) if parts.scheme else page.parent / unquote(parts.path)
    there = path.resolve() if parts.path else page.resolve()
    try:
        name = there.relative_to(site.resolve())
    except ValueError:
        return None
    return (name.with_suffix("").as_posix(), unquote(parts.fragment)) if name.suffix == ".html" else None


def wanted(names: list[str], site: Path) -> dict[str, set[str]]:
    """For each page the places on it that links of any page lead to."""
    found: dict[str, set[str]] = {name: set() for name in names}
    for name in names:
        page = site / f"{name}.html"
        for href in LINK.findall(page.read_text(encoding="utf-8")):
            aim = target(html.unescape(href), page, site)
            if aim and aim[1] and aim[0] in found:
                found[aim[0]].add(aim[1])
    return found
