"""Small repairs of the markup that Sphinx, pandas and the theme write, for readers of the page by ear or by keyboard,
and for those who wait for it."""

from __future__ import annotations

import re
from pathlib import Path

REPAIRS = (
    # docutils gives each source a role that ARIA has withdrawn; the list around it already says that it is one
    (re.compile(r'(<div class="citation" id="[^"]*") role="doc-biblioentry">'), r'\1 role="listitem">'),
    # a table whose first column has no heading (pandas makes them): an empty heading would be announced as one
    (re.compile(r'<th((?: class="[^"]*")?)[^>]*>\s*(?:<p>\s*</p>)?\s*</th>'), r"<td\1></td>"),
    # names, signs, numbers and blanks of code need no color of their own: a third of a long page said so, word by word
    (re.compile(r'<span class="(?:w|n|p|o|m|mi|mf|pre|nf)">([^<]*)</span>'), r"\1"),
    # the verdict on a chapter's run is a word: a tick needs a font of emoji, and a spoken page hears "white heavy check mark"
    (re.compile("<p>\u2705</p>"), "<p>passed</p>"),
    (re.compile("<p>\u274c</p>"), "<p>failed</p>"),
    # a number in a sentence that was computed is written as its neighbors are: "38 %", and a minus sign for a hyphen
    (re.compile(r'(<span class="output text_plain">[^<%]*\d)%(?=</span>)'), "\\1\u00a0%"),
    (re.compile(r'(<span class="output text_plain">)-(?=[\d.]+(?:\u00a0%)?</span>)'), "\\1\u2212"),
)


def styles_once(text):
    """Of the style sheets that tables and tabs bring along, a page needs each once."""
    seen = set()
    return re.sub(r"<style>.*?</style>", lambda found: "" if found[0] in seen else seen.add(found[0]) or found[0], text, flags=re.S)


def repair_pages(app, error):
    """After the last page is written."""
    if error is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    for page in Path(app.outdir).rglob("*.html"):
        if static in page.parents:
            continue
        text = old = page.read_text(encoding="utf-8")
        for pattern, right in REPAIRS:
            text = pattern.sub(right, text)
        text = styles_once(text)
        if text != old:
            page.write_text(text, encoding="utf-8")


def setup(app):
    """Connect."""
    app.connect("build-finished", repair_pages)
