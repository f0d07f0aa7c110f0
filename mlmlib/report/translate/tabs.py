"""Tabs of code as plain HTML: native radio buttons, no script, colors from the page."""

from __future__ import annotations

from hashlib import sha256
from html import escape
from itertools import count

_serial = count(1)

STYLE = """<style>
.mlm-tabs{border:0;margin:.5em 0;padding:0;min-width:0;color:inherit;background:transparent;text-align:left}
.mlm-tabs legend{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.mlm-tabs .mlm-bar{display:flex;flex-wrap:wrap;border-bottom:1px solid currentColor}
.mlm-tabs .mlm-bar label{cursor:pointer;padding:.35em .8em;border-bottom:3px solid transparent;margin:0;font-weight:400}
.mlm-tabs input{position:absolute;opacity:0;width:1px;height:1px;margin:0}
.mlm-tabs .mlm-bar label:has(input:checked){border-bottom-color:#d55e00;font-weight:600}
.mlm-tabs .mlm-bar label:has(input:focus-visible){outline:2px solid currentColor;outline-offset:-2px}
.mlm-tabs .mlm-panel{display:none}
.mlm-tabs .mlm-panel pre{margin:.5em 0;padding:.8em;overflow-x:auto;white-space:pre;line-height:1.4}
.mlm-tabs .mlm-panel p{margin:.3em 0 .6em;max-width:46em}
@media print{.mlm-tabs .mlm-panel{display:block!important}.mlm-tabs .mlm-bar{display:none}
.mlm-tabs .mlm-panel::before{content:attr(aria-label);font-weight:600}}
</style>"""


def highlighted(code: str, language: str) -> str:
    """The code with Pygments' classes, where Pygments is installed; the page colors them."""
    try:
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import get_lexer_by_name
    except ImportError:
        return escape(code)
    return highlight(code, get_lexer_by_name(language), HtmlFormatter(nowrap=True)).rstrip("\n")


class Elsewhere:
    """The same model in other programs. Prints as text; in a notebook and on the site as tabs."""

    def __init__(self, codes):
        self.codes = tuple(codes)

    def __repr__(self) -> str:
        return "\n\n".join(
            f"{c.title}\n{'-' * len(c.title)}\n{c}" + (f"\n[{c.note}]" if c.note else "") for c in self.codes
        )

    def _repr_html_(self) -> str:
        name = f"mlm{sha256(repr(self).encode()).hexdigest()[:6]}-{next(_serial)}"
        bar, panels, rules = [], [], []
        for k, code in enumerate(self.codes):
            key = f"{name}-{k}"
            bar.append(
                f'<label><input type="radio" name="{name}" id="{key}"{" checked" if k == 0 else ""}>'
                f"{escape(code.title)}</label>"
            )
            body = (
                f'<div class="highlight"><pre tabindex="0">{highlighted(code, code.language)}</pre></div>'
                if code.possible
                else f"<p>{escape(code)}</p>"
            )
            note = f"<p>{escape(code.note)}</p>" if code.note else ""
            panels.append(
                f'<div class="mlm-panel" role="group" aria-label="{escape(code.title, quote=True)}" id="{key}-panel">'
                f"{body}{note}</div>"
            )
            rules.append(f".mlm-tabs:has(#{key}:checked) #{key}-panel{{display:block}}")
        return (
            f'{STYLE}<style>{"".join(rules)}</style><fieldset class="mlm-tabs"><legend>The same model in other programs</legend>'
            f'<div class="mlm-bar">{"".join(bar)}</div>{"".join(panels)}</fieldset>'
        )
