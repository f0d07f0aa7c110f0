"""The reference of the library: docstrings link to the chapters that they name, and each entry says in which file it is written."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

CHAPTER = re.compile(r"\(``(\d\d_\w+)``((?:, ``\d\d_\w+``)*)\)")


def links(line: str, known) -> str:
    """``(``07_estimation``)`` as a link, where the chapter is on the site."""
    def one(found):
        names = re.findall(r"\d\d_\w+", found[0])
        return "(" + ", ".join(f":doc:`/chapters/{name}`" if f"chapters/{name}" in known else f"``{name}``" for name in names) + ")"
    return CHAPTER.sub(one, line)


def enrich(app, what, name, thing, options, lines):
    """Links in the text, the file at its end; without a chapter in the text, that of the module's own."""
    known = app.env.found_docs
    lines[:] = [links(line, known) for line in lines]
    if what not in ("function", "class", "exception"):
        return
    thing = inspect.unwrap(thing)
    module = inspect.getmodule(thing)
    if module is None or not module.__name__.startswith("mlmlib"):
        return
    if ":doc:`/chapters/" not in "\n".join(lines):
        found = CHAPTER.search(inspect.getdoc(module) or "")
        if found and f"chapters/{found[1]}" in known:
            lines += ["", f"Chapter: :doc:`/chapters/{found[1]}`"]
    file = Path(inspect.getsourcefile(module)).as_posix()
    lines += ["", f"Written in ``mlmlib/{file.rpartition('/mlmlib/')[2]}``.", ""]


def setup(app):
    """Connect, before napoleon turns sections into fields."""
    app.connect("autodoc-process-docstring", enrich, priority=900)
