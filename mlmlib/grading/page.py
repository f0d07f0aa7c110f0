"""The frame of the pages that grading writes: one file, no script, nothing fetched; readable in the dark, on paper and on a phone."""
import html
import re

COLUMN = 'th scope="col"'
STYLE = """
:root{color-scheme:light dark;--ink:#1b1b1b;--paper:#fff;--soft:#595959;--line:#8a8a8a;--good:#00664d;--part:#7a4f00;--none:#9c2f00;--bar:#0072b2}
@media screen and (prefers-color-scheme:dark){:root{--ink:#eee;--paper:#161616;--soft:#b5b5b5;--line:#777;--good:#5fd3b0;--part:#f0b64d;--none:#ff9466;--bar:#56b4e9}}
body{font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:2rem auto;padding:0 1rem}
p,li,h1,h2,h3,blockquote{overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.25rem;margin-top:2.2rem}h3{font-size:1.05rem;margin-bottom:.2rem}
table{border-collapse:collapse;width:100%}caption{text-align:left;color:var(--soft);padding-bottom:.4rem}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line)}td.n,th.n{text-align:right}
.wide{overflow-x:auto;margin-bottom:1.2rem}.soft{color:var(--soft)}.good{color:var(--good)}.part{color:var(--part)}.none{color:var(--none)}
a{color:inherit}a:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--bar);outline-offset:2px}
.bar{display:inline-block;height:.7em;background:var(--bar)}.rail{display:inline-block;width:6rem;border:1px solid var(--line)}
code{font-family:ui-monospace,monospace}blockquote{margin:.4rem 0;padding-left:.8rem;border-left:.25rem solid var(--line)}
.skip{position:absolute;left:-99rem}.skip:focus{position:static}
@media print{:root{color-scheme:light}body{margin:0;max-width:none}.wide{overflow:visible}td,tbody th,code{overflow-wrap:anywhere}tr,blockquote{break-inside:avoid}
h2,h3{break-after:avoid}.skip{display:none}.bar{print-color-adjust:exact}}
"""


def page(title, body):
    """A whole page of HTML with `body` in its main part."""
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<meta name="referrer" content="no-referrer"><title>{text(title)}</title><style>{STYLE}</style></head>\n'
            f'<body><a class="skip" href="#main">To the content</a><main id="main">\n<h1>{text(title)}</h1>\n{body}\n</main></body></html>\n')


def text(words):
    """Words as HTML, nothing in them being markup; control characters are left out."""
    return html.escape("".join(c for c in str(words) if c.isprintable() or c in "\n\t"))


def prose(words):
    """A reply as HTML, with `code` and *stress* as in Markdown."""
    out = re.sub(r"`([^`]+)`", r"<code>\1</code>", text(words))
    return re.sub(r"(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])", r"<em>\1</em>", out)


def table(caption, head, rows, numbers=()):
    """A table with a caption; cells are HTML already. `numbers` are the columns set to the right."""
    def line(row, first, rest):
        cells = []
        for i, cell in enumerate(row):
            tag = first if i == 0 else rest
            cells.append(f'<{tag}{" class=n" if i in numbers else ""}>{cell}</{tag.partition(" ")[0]}>')
        return f'<tr>{"".join(cells)}</tr>'

    body = "".join(line(row, 'th scope="row"', "td") for row in rows)
    return (f'<div class="wide" tabindex="0" role="region" aria-label="{text(caption)}"><table><caption>{text(caption)}</caption>'
            f'<thead>{line(head, COLUMN, COLUMN)}</thead><tbody>{body}</tbody></table></div>')


def bar(share):
    """A share between 0 and 1 as a bar, with its percentage for those who do not see it."""
    share = min(max(share, 0.0), 1.0)
    return f'<span class="rail" aria-hidden="true"><span class="bar" style="width:{100 * share:.0f}%"></span></span> {100 * share:.0f}&nbsp;%'
