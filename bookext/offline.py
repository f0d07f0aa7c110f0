"""No request leaves the reader's machine: MathJax is copied from an installed package, and scripts for the network are dropped."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

# the parts of MathJax that a page can ask for
MATHJAX = ("tex-chtml.js", "output/chtml/fonts", "input/tex/extensions")


def _wanted(script) -> bool:
    """Not a script of sphinx-thebe: it is declared twice by the theme (an error on the page) and points at a CDN."""
    body = getattr(script, "attributes", {}).get("body") or ""
    return "sphinx-thebe" not in str(getattr(script, "filename", script)) and "THEBE_JS_URL" not in body


def clean_page(app, pagename, templatename, context, doctree):
    """Drop unwanted scripts and styles from one page."""
    for kind in ("script_files", "css_files"):
        context[kind] = [item for item in context.get(kind, []) if _wanted(item)]


def copy_mathjax(app, error):
    """Put MathJax 3 into the site's own `_static`."""
    if error is not None or app.builder.format != "html":
        return
    package = importlib.util.find_spec("sphinx-mathjax-offline")
    source = Path(package.origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    for part in MATHJAX:
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, dirs_exist_ok=True)
        else:
            shutil.copyfile(source / part, target / part)


def declare_parallel(app):
    """sphinx-multitoc-numbering only edits titles after reading; it just does not say that it may run in parallel."""
    for name in ("sphinx_multitoc_numbering", "sphinx_jupyterbook_latex"):
        if name in app.extensions:
            app.extensions[name].parallel_read_safe = True
            app.extensions[name].parallel_write_safe = True


def setup(app):
    """Connect."""
    app.connect("builder-inited", declare_parallel)
    app.connect("html-page-context", clean_page, priority=950)
    app.connect("build-finished", copy_mathjax)
