"""A matplotlib SVG made part of a web page: ink becomes ``currentColor``, meaning-colors become CSS variables.

Used by the site's build (``bookext/figures.py``). A file on its own, in a notebook or a slide, keeps its plain colors.
"""

from __future__ import annotations

import re
from html import escape

from ..expression import matched
from . import theme

# plain color -> the page's variable (assets/figures.css gives each its light and dark value)
VARIABLES = (
    {
        theme.INK: "currentColor",
        theme.PAPER: "none",
        theme.SOFT: "var(--mlm-soft, #767676)",
        theme.FAINT: "var(--mlm-faint, #cccccc)",
    }
    | {
        color: f"var(--mlm-{name}, {color})"
        for name, color in {
            "data": theme.DATA,
            "pooled": theme.POOLED,
            "unpooled": theme.UNPOOLED,
            "partial": theme.PARTIAL,
            "second": theme.SECOND,
            "miss": theme.MISS,
            "sky": theme.SKY,
        }.items()
    }
    | {
        color: f"var(--mlm-{name.lower()}-text, {color})"
        for name, color in theme._TEXT.items()
        if name not in ("FIXED", "INK", "SOFT")
    }
)


def inline(svg: str, alt: str, prefix: str) -> str:
    """The SVG element for a page: named by `alt`, its ids made unique by `prefix`, its colors those of the page."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style[^>]*>.*?</style>", "", body, flags=re.S)
    body = re.sub(r'(\bid="|url\(#|xlink:href="#)', rf"\g<1>{prefix}-", body)
    for color, variable in VARIABLES.items():
        body = re.sub(rf"(?<![\w-]){re.escape(color)}(?![\w-])", variable, body, flags=re.I)
    head, rest = body.split(">", 1)
    width = float(matched(r'width="([\d.]+)pt"', head)[1]) * 96 / 72
    box = matched(r'viewBox="[^"]*"', head)[0]
    narrow = " mlm-narrow" if width <= 360 else ""  # fits a phone as it is
    return (
        f'<svg class="mlm-figure{narrow}" role="img" aria-label="{escape(alt, quote=True)}" {box} width="{width:.0f}" '
        f'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'style="max-width:100%;height:auto;color:inherit;stroke-linejoin:round;stroke-linecap:butt">{_compact(rest)}'
    )


def _compact(text: str) -> str:
    """Without the indentation and line ends that matplotlib writes for its human readers."""
    return re.sub(r">\s+<", "><", re.sub(r"[ \t]*\n\s*", " ", text)).replace(' z"', 'z"')
