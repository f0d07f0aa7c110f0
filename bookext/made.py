"""Pages that code makes: a line ``<!-- made: module:function -->`` becomes the MyST text that the function returns.

The text is real source: its headings are in the page's contents, its references are checked, its code can be copied. The function gets the folder of
the book and the pages of this build; the page depends on every chapter, so that it grows with them.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

LINE = re.compile(r"^<!-- made: ([\w.]+):(\w+) -->$", re.M)


def make(text: str, root: Path, pages=None) -> str:
    """The source with every such line replaced."""
    return LINE.sub(lambda found: getattr(import_module(found[1]), found[2])(root, pages), text)


def fill(app, docname, source):
    """Before a page is parsed."""
    if LINE.search(source[0]):
        root = Path(app.srcdir)
        known = root / "tests" / "reference"
        for path in (*(root / "chapters").glob("*.ipynb"), *(root / "exercises").glob("*.*"), *known.glob("*.toml"), *known.glob("r/*.json")):
            app.env.note_dependency(str(path))
        source[0] = make(source[0], root, set(app.env.found_docs))


def setup(app):
    """Connect."""
    app.connect("source-read", fill)
