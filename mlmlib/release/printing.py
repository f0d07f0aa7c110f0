"""The book on paper: each page of the site printed by Chromium with the book's print style sheet, then joined."""

from __future__ import annotations

import html
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from mlmlib.release import contents
from mlmlib.release.joining import Part, join

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
MARGINS = {"top": 22.0, "bottom": 20.0, "side": 20.0}  # mm
PAPER = {"width": round((210 - 2 * MARGINS["side"]) * 96 / 25.4), "height": 1000}  # the text of a sheet, in pixels
SMALLER = {"Back matter": 0.8}  # what is looked up and not read is set smaller
PROBE = "mlm-probe"  # a place whose position is known: the first of the first sheet
SHEET = """@media print {{
  @page {{ size: A4; margin: {top}mm {side}mm {bottom}mm;
    @top-left {{ content: {left}; font: 8.5pt "Book Sans", sans-serif; color: #444; }}
    @top-right {{ content: {right}; font: 8.5pt "Book Sans", sans-serif; color: #444; }}
    @bottom-center {{ content: counter(page{style}); font: 9pt "Book Sans", sans-serif; color: #444; }} }}
  html {{ counter-reset: page {before}; }}
  .bd-article > * {{ zoom: {zoom}; }}
  #jb-print-docs-body {{ display: none !important; }}
  .bd-article h1 {{ display: block !important; }}
}}"""
# Links that nobody sees make Chromium note where the places are that other pages lead to.
PREPARE = """([sheet, places, probe]) => {
  document.documentElement.dataset.theme = "light";
  document.querySelectorAll("details:not([open])").forEach((d) => { d.open = true; });
  document.head.append(Object.assign(document.createElement("style"), { textContent: sheet }));
  const first = Object.assign(document.createElement("div"), { id: probe });
  first.style.cssText = "position:absolute;top:0;left:0;width:1px;height:1px";
  document.body.style.position = "relative";
  document.body.prepend(first);
  const headings = [...document.querySelectorAll(".bd-article section[id] > :is(h1, h2, h3)")].map((h) => {
    const copy = h.cloneNode(true);
    copy.querySelectorAll(".headerlink, script, mjx-assistive-mml").forEach((e) => e.remove());
    return [Number(h.tagName[1]), copy.textContent.trim().replace(/\\s+/g, " "), h.parentElement.id];
  });
  const nav = document.createElement("nav");
  nav.style.display = "none";
  for (const place of new Set([probe, ...places, ...headings.map((h) => h[2])])) {
    if (document.getElementById(place)) nav.append(Object.assign(document.createElement("a"), { href: "#" + encodeURIComponent(place) }));
  }
  document.body.append(nav);
  return headings;
}"""
# What scrolls in its own box on a screen would be cut on paper: it is made smaller, down to half.
FIT = """() => { const clips = (e) => /auto|scroll|hidden|clip/.test(getComputedStyle(e).overflowX);
  for (const box of [...document.querySelectorAll(".bd-article *")].reverse()) {
    if (box.closest("svg, mjx-container, pre") || !box.clientWidth || box.scrollWidth <= box.clientWidth + 1 || !clips(box)) continue;
    const share = Math.max(0.5, box.clientWidth / box.scrollWidth);
    for (const child of box.children) child.style.zoom = share;
  } }"""
READY = """async () => { await window.MathJax?.startup?.promise; await document.fonts.ready;
  await Promise.all([...document.images].map((i) => { i.loading = "eager"; return i.decode().catch(() => 0); })); return true; }"""
FRONT = """<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>Multilevel Models</title>
<link rel="stylesheet" href="{fonts}"><style>
body {{ font: 10.5pt/1.5 "Book Serif", serif; margin: 0; }} h1 {{ font-size: 30pt; margin: 60mm 0 4mm; }}
h2, h3, li {{ font-family: "Book Sans", sans-serif; }} h2 {{ font-size: 18pt; break-before: page; }} h3 {{ font-size: 10.5pt; margin: 5mm 0 1mm; break-after: avoid; }}
ul {{ list-style: none; margin: 0; padding: 0; }} li {{ display: flex; gap: 1ex; break-inside: avoid; }} a {{ color: inherit; text-decoration: none; flex: none; max-width: 90%; }}
.dots {{ flex: 1; border-bottom: 1px dotted #999; transform: translateY(-.4em); }}
</style></head><body class="bd-article"><section id="title"><h1>Multilevel Models</h1><p>An executable textbook. Version {version}, {date}.</p>
<p>Text CC BY 4.0, code MIT, data under the terms in each data sheet. Labs and self-checks work in the website of the same version; on paper they show how they start.</p></section>
<section id="contents"><h2>Contents</h2>{rows}</section></body></html>"""


class NoBrowser(RuntimeError):
    """There is nothing to print with; the message says what is missing."""


def chromium_path() -> str | None:
    """The Chromium of MLM_CHROMIUM, Debian's, or one on the PATH; None if there is none."""
    given = os.environ.get("MLM_CHROMIUM")
    names = (given,) if given else ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome", "chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


def write_pdf(path: Path, pages: list[contents.Page], site: Path, *, version: str, when: int,
              progress: Callable[[str], None] = print) -> list[str]:
    """Print `pages` into one PDF with links, bookmarks and page numbers; the value is what there is to say about it.

    Raises NoBrowser where there is no Chromium, no playwright or no pypdf.
    """
    chromium = chromium_path()
    if chromium is None:
        raise NoBrowser("there is no Chromium on this machine (MLM_CHROMIUM may name one; Debian: apt-get install chromium).")
    try:
        import pypdf  # noqa: F401
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise NoBrowser(f"{error.name} is not installed; `mlm release` has it, or pip install \"mlmlib[release]\".") from error

    names = [page.name for page in pages]
    places, parts, count = contents.wanted(names, site), [], 0
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            for number, page in enumerate(pages, 1):
                printed = _print(browser, (site / f"{page.name}.html").as_uri(), places[page.name], before=count, zoom=SMALLER.get(page.part, 1),
                                 left=f"Multilevel Models {version}", right=page.title)
                part = Part(page.name, page.part, page.title, *printed)
                parts.append(part)
                progress(f"printed {number} of {len(pages)}: {page.title} ({part.sheets} sheets)")
                count += part.sheets
            front = _front(browser, parts, site, version, when)
        finally:
            browser.close()
    progress("joining ...")
    return join(path, [front, *parts], site, version=version, when=when)


def _print(browser, address, places, *, before, left="", right="", style="", zoom=1) -> tuple[bytes, list]:
    """One page as PDF, and its headings as (level, text, place)."""
    context = browser.new_context(viewport=PAPER, color_scheme="light", reduced_motion="reduce")
    try:
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(address, wait_until="load")
        page.evaluate(READY)
        page.emulate_media(media="print")
        sheet = SHEET.format(**MARGINS, left=_quoted(left), right=_quoted(right), before=before, style=style, zoom=zoom)
        headings = page.evaluate(PREPARE, [sheet, sorted(places), PROBE])
        page.evaluate(READY)
        page.evaluate(FIT)
        return page.pdf(prefer_css_page_size=True, print_background=True, tagged=False), headings
    finally:
        context.close()


def _front(browser, parts, site, version, when) -> Part:
    """Title and contents, with the numbers of the pages, themselves numbered i, ii, iii."""
    import time

    rows, count, shown = [], 0, None
    for part in parts:
        if part.caption != shown:
            rows.append(("</ul>" if rows else "") + (f"<h3>{html.escape(part.caption)}</h3>" if part.caption else "") + "<ul>")
            shown = part.caption
        link = html.escape((site / f"{part.name}.html").as_uri())
        rows.append(f'<li><a href="{link}">{html.escape(part.title)}</a><span class="dots"></span>{count + 1}</li>')
        count += part.sheets
    rows.append("</ul>")
    fonts = (site / "_static" / "fonts.css").as_uri()
    text = FRONT.format(fonts=fonts, version=version, date=time.strftime("%d %B %Y", time.gmtime(when)).lstrip("0"), rows="".join(rows))
    with tempfile.TemporaryDirectory(prefix="release-") as folder:
        file = Path(folder) / "front.html"
        file.write_text(text, encoding="utf-8")
        data, _ = _print(browser, file.as_uri(), [], before=0, style=", lower-roman")
    return Part("", "", "Contents", data, [])


def _quoted(text: str) -> str:
    """A string of CSS."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
