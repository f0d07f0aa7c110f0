"""Figures become part of the page: an SVG from a notebook is inlined, so that its ink follows the page's colors in light and dark."""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

from mlmlib.plots.svg import inline

# On a phone a figure keeps a size at which its text can be read, and its frame scrolls, by finger or by arrow keys.
FRAME = '<div class="mlm-figure-frame" role="group" aria-label="figure" tabindex="0">{drawing}</div>'


class InlineFigures(SphinxPostTransform):
    """Replace each SVG image that a notebook made by the drawing itself, named by its alternative text."""

    default_priority = 5
    formats = ("html",)

    def run(self, **kwargs):
        """Visit the images of one page."""
        for count, image in enumerate(list(self.document.findall(nodes.image))):
            uri = image.get("uri", "")
            path = Path(self.app.srcdir, uri)
            if not uri.endswith(".svg") or not path.is_file() or "jupyter_execute" not in path.parts:
                continue
            svg = path.read_text(encoding="utf-8")
            if "matplotlib" not in svg[:2000]:
                continue
            alt = image.get("alt", "")
            drawing = inline(svg, alt, f"f{count}")
            image.replace_self(nodes.raw("", FRAME.format(drawing=drawing), format="html"))


def setup(app):
    """Connect."""
    app.add_post_transform(InlineFigures)
