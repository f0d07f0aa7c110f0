"""What Jupyter Book does not do by itself for this book: work offline, pass an accessibility check, stay small.

One concern a file; each has a `setup(app)`.
"""

from __future__ import annotations

from bookext import api, figures, fonts, labs, made, offline, pages, parallel, repairs


def setup(app):
    """Sphinx calls this."""
    for part in (parallel, offline, fonts, repairs, pages, figures, labs, made, api):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
