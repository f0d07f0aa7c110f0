"""Slides from a built chapter: its objectives, equations, code with what it printed, figures, labs by link, and questions without answers.

One HTML file a chapter, a section a slide: no framework, nothing fetched; arrow keys turn, paper gets one slide a sheet.
"""

from __future__ import annotations

import copy
import html
import shutil
from pathlib import Path
from typing import Any

LEFT_OUT = ("exercises", "further-reading", "the-same-model-elsewhere", "check-against-the-published-result", "summary")
PAGE = """<!doctype html>
<html lang="en" data-theme="light"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: slides</title>
{sheets}<style>
html {{ scroll-snap-type: y mandatory; font-size: clamp(14px, 1.55vw, 26px); background: #fff; }}
@media (prefers-reduced-motion: no-preference) {{ html {{ scroll-behavior: smooth; }} }}
body {{ margin: 0; font-family: "Book Sans", sans-serif; color: #111; }}
.slide {{ box-sizing: border-box; min-height: 100vh; padding: 4vh 6vw 7vh; scroll-snap-align: start; display: flex; flex-direction: column; justify-content: center; position: relative; overflow-x: auto; }}
.slide:focus {{ outline: none; }} .slide h1 {{ font-size: 2.6rem; }} .slide h2 {{ font-size: 1.8rem; margin: 0 0 2vh; border: 0; padding: 0; }}
.slide li {{ margin: .5em 0; line-height: 1.35; font-size: 1.3rem; }} .slide pre {{ font-size: 1.15rem; overflow-x: auto; }} .slide svg.mlm-figure {{ width: 100%; max-width: 100%; height: auto; max-height: 68vh; display: block; margin: auto; }}
.slide figure {{ margin: 0; }} .slide figcaption {{ font-size: 1rem; text-align: center; }} .slide .question {{ font-size: 1.5rem; max-width: 44em; }}
.slide table {{ border-collapse: collapse; font-size: 1.1rem; }} .slide :is(th, td) {{ border: 0; border-bottom: 1px solid #ddd; padding: .15em .7em; text-align: right; }} .slide div.math {{ font-size: 1.6rem; }}
.slide::after {{ content: attr(data-number); position: absolute; right: 2vw; bottom: 2vh; font-size: .7rem; color: #555; }}
@media print {{ @page {{ size: 297mm 167mm; margin: 0; }} html {{ font-size: 15px; }} .slide {{ min-height: 0; height: 166mm; break-after: page; overflow: hidden; }} .slide svg.mlm-figure {{ max-height: 110mm; }} }}
</style>{scripts}</head>
<body class="bd-content"><main class="bd-article">
{slides}
</main><script>
(() => {{
  const all = [...document.querySelectorAll(".slide")], steps = {{ ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 }};
  const now = () => all.reduce((best, s, i) => (Math.abs(s.getBoundingClientRect().top) < Math.abs(all[best].getBoundingClientRect().top) ? i : best), 0);
  const go = (k) => {{ const to = all[Math.min(all.length - 1, Math.max(0, k))]; to.scrollIntoView(); to.focus({{ preventScroll: true }}); history.replaceState(null, "", "#" + to.id); }};
  const fit = () => all.forEach((s) => {{  // what is taller than the screen gets smaller, to half at most; a smaller table wraps less: look again
    for (const part of s.children) part.style.zoom = "";
    for (let k = 1; s.scrollHeight > innerHeight + 1 && k > 0.5;) {{ k -= 0.05; for (const part of s.children) part.style.zoom = k; }}
  }});
  addEventListener("load", () => Promise.resolve(window.MathJax?.startup?.promise).then(fit)); addEventListener("resize", fit);
  addEventListener("keydown", (event) => {{
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("a, input, select, button, pre")) return;
    if (event.key === "Home" || event.key === "End") {{ event.preventDefault(); go(event.key === "Home" ? 0 : all.length - 1); }}
    else if (event.key in steps) {{ event.preventDefault(); go(now() + steps[event.key]); }}
  }});
}})();
</script></body></html>
"""


def make_slides(page: Path, out: Path, site: Path) -> Path:
    """Write the slides of one built chapter into `out`, beside a copy of the site's `_static`; the value is the file.

    Raises FileNotFoundError if the chapter has not been built, ValueError if it has no objectives.
    """
    from bs4 import BeautifulSoup

    soup: Any = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    article = soup.select_one("article.bd-article")
    for surplus in article.select(".headerlink, .copybtn, script:not([type='application/json'])"):
        surplus.decompose()
    title = " ".join(article.h1.get_text().split())
    slides = [f"<h1>{html.escape(title)}</h1>"]
    objectives = article.select_one("section[id^=what-you-will-be-able-to-do] ol")
    if objectives is None:
        raise ValueError(f"{page.name} says nowhere what its reader will be able to do")
    slides.append(f"<h2>What you will be able to do</h2>{_bare(objectives)}")
    link = f"{page.stem}.html"
    for part in article.select("div.math, div.cell"):
        sections = [s["id"] for s in part.find_parents("section") if s.get("id")]
        if not any(name.startswith(LEFT_OUT) for name in sections) and part.find_parent(["details", "div"], class_=("solution", "exercise", "cell_output")) is None:
            slides += _of(part, _heading(part, title), link)
    slides = _together(slides)
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "_static").is_dir():
        shutil.copytree(site / "_static", out / "_static")
    head = soup.head.find_all("script")
    scripts = [s for s in head if "mathjax" in s.get("src", "").lower() or "MathJax" in (s.string or "")]
    target = out / f"{page.stem}.html"
    target.write_text(PAGE.format(
        title=html.escape(title), scripts="".join(map(str, scripts)).replace('"../_static', '"_static'),
        sheets="".join(f'<link rel="stylesheet" href="_static/{name}.css">\n' for name in ("fonts", "pygments", "book", "code", "figures")),
        slides="\n".join(f'<section class="slide" id="slide-{k}" tabindex="-1" data-number="{k}" aria-label="Slide {k}">{text}</section>'
                         for k, text in enumerate(slides, 1))), encoding="utf-8")
    return target


def _together(slides: list[str]) -> list[str]:
    """Equations that follow one another in a section share a slide, up to four."""
    made: list[list[str]] = []
    for text in slides:
        heading, _, rest = text.partition("</h2>")
        equation = rest.startswith("<div class=\"math")
        if equation and made and made[-1][0] == heading and len(made[-1]) < 5:
            made[-1].append(rest)
        else:
            made.append([heading if equation else "", rest] if equation else ["", text])
    return [f"{heading}</h2>{''.join(rest)}" if heading else "".join(rest) for heading, *rest in made]


def _heading(part, title: str) -> str:
    """The nearest heading above, as a slide's."""
    section = part.find_parent("section")
    found = section.find(["h2", "h3", "h4"], recursive=False) if section else None
    return f"<h2>{html.escape(' '.join(found.get_text().split()) if found else title)}</h2>"


def _bare(tag) -> str:
    """The tag without links and ids, which lead nowhere from here."""
    tag = copy.copy(tag)
    for link in tag.find_all("a"):
        link.unwrap()
    for named in tag.find_all(id=True):
        if named.find_parent("svg") is None and named.name != "svg":
            del named["id"]
    return str(tag)


def _of(part, heading: str, link: str) -> list[str]:
    """The slides of one equation or cell: code with its output, then a figure; a question; a lab as a link."""
    if "math" in part.get("class", ()):
        return [heading + _bare(part)]
    block = part.select_one("[data-mlm]")
    if block is not None:
        asked = block.select_one(".mlm-waiting .mlm-ask")
        if block["data-mlm"] == "ask":
            return [f'<h2>A question</h2><div class="question">{_bare(asked)}</div>'] if asked is not None else []
        return [f'{heading}<p class="question">A lab of the chapter: <code>{html.escape(block["data-mlm"].replace("_", " "))}</code>, in {html.escape(link)}.</p>']
    code, figure = part.select_one(".cell_input .highlight"), part.select_one("figure")
    text = [_bare(entry) for entry in part.select(".cell_output > .output")]
    slides = [heading + _bare(code) + "".join(text)] if code is not None else []
    return slides + ([heading + _bare(figure)] if figure is not None else [])
