"""Slides from a chapter's page: what is shown, what is left out, and that answers are not on them."""

from __future__ import annotations

import pytest

from mlmlib.release.slides import make_slides

pytest.importorskip("bs4")

CHAPTER = """<html><head><script src="../_static/mathjax/tex-chtml.js"></script><script src="../_static/theme.js"></script></head><body>
<article class="bd-article"><section id="one"><h1>3. One &amp; all<a class="headerlink" href="#one">#</a></h1>
<section id="what-you-will-be-able-to-do"><h2>Objectives</h2><ol><li>read a slope (<a href="#ex">exercise 1</a>)</li></ol></section>
<section id="idea"><h2>3.1. The idea</h2><div class="math">\\(a\\)</div><div class="math">\\(b\\)</div>
<div class="cell"><div class="cell_input"><div class="highlight"><pre>fit = 1</pre></div></div>
<div class="cell_output"><div class="output"><pre>printed</pre></div><figure id="f"><svg class="mlm-figure" id="s"><use href="#s"></use></svg><figcaption>A picture.</figcaption></figure></div></div></section>
<section id="self-check"><h2>Check</h2><div class="cell"><div class="cell_output"><div class="output"><div data-mlm="ask"><div class="mlm-waiting"><div class="mlm-ask"><p>How many?</p></div></div>
<script type="application/json">{"key": "SECRET"}</script></div></div></div></div></section>
<section id="exercises"><h2>Exercises</h2><div class="cell"><div class="cell_input"><div class="highlight"><pre>solution()</pre></div></div></div></section>
</section></article></body></html>"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "html" / "_static").mkdir(parents=True)
    (tmp_path / "html" / "_static" / "fonts.css").touch()
    (tmp_path / "html" / "03_one.html").write_text(CHAPTER, encoding="utf-8")
    return tmp_path / "html"


def test_what_is_on_slides(site, tmp_path):
    from bs4 import BeautifulSoup

    made = make_slides(site / "03_one.html", tmp_path / "slides", site)
    text = made.read_text(encoding="utf-8")
    slides = BeautifulSoup(text, "html.parser").select("section.slide")
    said = [" ".join(slide.get_text(" ").split()) for slide in slides]
    assert said == ["3. One & all", "What you will be able to do read a slope (exercise 1)", "3.1. The idea \\(a\\) \\(b\\)",
                    "3.1. The idea fit = 1 printed", "3.1. The idea A picture.", "A question How many?"]
    assert "SECRET" not in text and "solution()" not in text
    assert '"_static/mathjax/tex-chtml.js"' in text and "theme.js" not in text
    assert slides[4].svg["id"] == "s" and (tmp_path / "slides" / "_static" / "fonts.css").is_file()
    assert text == make_slides(site / "03_one.html", tmp_path / "slides", site).read_text(encoding="utf-8")


def test_a_page_without_objectives_is_refused(site, tmp_path):
    (site / "04_two.html").write_text('<html><head></head><body><article class="bd-article"><h1>x</h1></article></body></html>')
    with pytest.raises(ValueError, match="04_two.html"):
        make_slides(site / "04_two.html", tmp_path / "slides", site)


@pytest.mark.browser
def test_arrow_keys_turn_slides(site, tmp_path, browser):
    made = make_slides(site / "03_one.html", tmp_path / "slides", site)
    page = browser.new_context(reduced_motion="reduce").new_page()
    page.goto(made.as_uri())
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageDown")
    page.wait_for_function("location.hash === '#slide-3'")
    assert page.evaluate("document.activeElement.id") == "slide-3"
    page.keyboard.press("Home")
    page.wait_for_function("location.hash === '#slide-1'")
    page.context.close()


@pytest.mark.browser
def test_a_tall_slide_fits_the_screen(site, tmp_path, browser):
    tall = CHAPTER.replace("<pre>fit = 1</pre>", f"<pre>{'fit = 1<br>' * 25}</pre>")
    (site / "03_one.html").write_text(tall, encoding="utf-8")
    made = make_slides(site / "03_one.html", tmp_path / "slides", site)
    page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
    page.goto(made.as_uri())
    page.wait_for_function("[...document.querySelectorAll('.slide')].every(s => s.scrollHeight <= innerHeight + 1)")
    assert page.evaluate("[...document.querySelectorAll('.slide')].filter(s => s.lastElementChild.style.zoom).length") == 1
    page.context.close()
