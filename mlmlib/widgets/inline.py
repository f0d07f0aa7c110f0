"""The little Markdown of questions, as HTML: paragraphs, **bold**, *emphasis*, `code`, [links](url), $math$."""

from __future__ import annotations

import re
from html import escape

_KEEP = re.compile(r"`([^`]+)`|\$([^$]+)\$")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
_BOLD = re.compile(r"\*\*(.+?)\*\*", re.S)
_EMPHASIS = re.compile(r"\*(?!\s)(.+?)(?<!\s)\*", re.S)


def inline(text: str) -> str:
    """`text` as HTML without paragraphs."""
    kept: list[str] = []

    def keep(match: re.Match) -> str:
        code, math = match.groups()
        kept.append(
            f"<code>{escape(code)}</code>"
            if code
            else f'<span class="math notranslate nohighlight">\\({escape(math)}\\)</span>'
        )
        return f"\0{len(kept) - 1}\0"

    out = escape(_KEEP.sub(keep, text), quote=False)
    out = _LINK.sub(lambda m: f'<a href="{escape(m.group(2))}">{m.group(1)}</a>', out)
    out = _EMPHASIS.sub(r"<em>\1</em>", _BOLD.sub(r"<strong>\1</strong>", out))
    return re.sub("\0(\\d+)\0", lambda m: kept[int(m.group(1))], out)


def paragraphs(text: str) -> str:
    """`text` as HTML paragraphs; blank lines part them."""
    return "".join(
        f"<p>{inline(' '.join(part.split()))}</p>" for part in re.split(r"\n\s*\n", text.strip()) if part.strip()
    )
