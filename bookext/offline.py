"""No request leaves the reader's machine, and few bytes reach it.

MathJax is copied from an installed package; scripts for the network are dropped; icons come from one font instead of a 1.5 MB script.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from pathlib import Path

# the parts of MathJax that a page can ask for
MATHJAX = ("tex-chtml.js", "output/chtml/fonts", "input/tex/extensions")
# what the theme's own template writes into each page, and we take out again
SURPLUS = (
    re.compile(r'\s*<script src="[^"]*fontawesome[^"]*all\.min\.js[^"]*"></script>'),
    re.compile(r'\s*<link rel="preload" as="font"[^>]*>'),  # refused, with an error, on a page opened from a file
    re.compile(r'<meta name="viewport" content="width=device-width, initial-scale=1\.0" />'),
    re.compile(r'\s*<meta name="viewport" content="width=device-width, initial-scale=1"/>'),
)
UNUSED = ("sphinx-thebe.js", "sphinx-thebe.css", "play-solid.svg", "vendor/fontawesome/*/js", "**/*.map", "**/*.ttf", "locales")


def _wanted(script) -> bool:
    """Not a script of sphinx-thebe: it is declared twice by the theme (an error on the page) and points at a CDN."""
    body = getattr(script, "attributes", {}).get("body") or ""
    return "sphinx-thebe" not in str(getattr(script, "filename", script)) and "THEBE_JS_URL" not in body


def clean_page(app, pagename, templatename, context, doctree):
    """Drop unwanted and repeated scripts and styles from one page."""
    for kind in ("script_files", "css_files"):
        kept, seen = [], set()
        for item in context.get(kind, []):
            what = (str(getattr(item, "filename", item)), getattr(item, "attributes", {}).get("body"))
            if _wanted(item) and what not in seen:
                kept.append(item)
                seen.add(what)
        context[kind] = kept


def copy_mathjax(static: Path):
    """Put MathJax 3 into the site's own `_static`."""
    package = importlib.util.find_spec("sphinx-mathjax-offline")
    source, target = Path(package.origin).parent / "static" / "mathjax", static / "mathjax"
    for part in MATHJAX:
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, dirs_exist_ok=True)
        else:
            shutil.copyfile(source / part, target / part)


def trim_icons(static: Path, pages: list[str]):
    """Keep the icons that a page or the theme's script names: a few dozen of two thousand."""
    scripts = [path.read_text(encoding="utf-8") for path in static.rglob("*.js") if "mathjax" not in path.parts]
    used = set(re.findall(r"\bfa-[a-z0-9-]+", " ".join([*pages, *scripts])))
    for sheet in static.glob("vendor/fontawesome/*/css/all.min.css"):
        text = sheet.read_text(encoding="utf-8")
        rule = re.compile(r'((?:\.fa-[a-z0-9-]+:before,?)+)\{content:"[^"]*"\}')
        keep = rule.sub(lambda m: m[0] if used & set(re.findall(r"fa-[a-z0-9-]+", m[1])) else "", text)
        sheet.write_text(keep, encoding="utf-8")


def finish(app, error):
    """After the last page is written."""
    if error is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    copy_mathjax(static)
    for pattern in UNUSED:
        for path in list(static.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    pages = []
    for page in Path(app.outdir).rglob("*.html"):
        if static not in page.parents:
            text = old = page.read_text(encoding="utf-8")
            for pattern in SURPLUS:
                text = pattern.sub("", text)
            if text != old:
                page.write_text(text, encoding="utf-8")
            pages.append(text)
    trim_icons(static, pages)


def set_address(app, config):
    """A public address, where the one who builds gives one, makes previews work; without it the site names no address."""
    config.ogp_site_url = os.environ.get("MLM_SITE_URL", "")
    config.html_context.setdefault("default_mode", "auto")


def setup(app):
    """Connect."""
    app.connect("config-inited", set_address)
    app.connect("html-page-context", clean_page, priority=950)
    app.connect("build-finished", finish)
