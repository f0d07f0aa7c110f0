"""Every page in a real browser: wide and phone, light and dark, from a server and from a file."""

from __future__ import annotations

import pytest

from toc import pages

pytestmark = [pytest.mark.site, pytest.mark.browser]
ALL = [f"{name}.html" for name in pages()] + ["search.html", "genindex.html"]
# Faults of the theme itself that no page of ours can mend; anything else is ours.
THEME = {"label-content-name-mismatch", "region"}

WIDER_THAN_WINDOW = """() => {
  const width = document.documentElement.clientWidth, found = [];
  if (document.documentElement.scrollWidth > width) found.push(`page is ${document.documentElement.scrollWidth} wide`);
  const scrolls = (e) => { for (; e && e !== document.body; e = e.parentElement) {
    const how = getComputedStyle(e); if (how.position === 'fixed' || /auto|scroll|hidden|clip/.test(how.overflowX)) return true; } };
  for (const e of document.querySelectorAll('main *')) {
    const box = e.getBoundingClientRect();
    if (box.width && box.right > width + 1 && !scrolls(e)) found.push(`${e.tagName}.${e.className} reaches ${Math.round(box.right)}`);
  }
  return found.slice(0, 6);
}"""


def axe_faults(page):
    """What axe-core finds on the page, without the theme's own."""
    from axe_playwright_python.sync_playwright import Axe

    # without preload: axe resolves imports of a stylesheet against the page and reports a 404 of its own making
    found = Axe().run(page, options={"resultTypes": ["violations"], "preload": False}).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:160]} ({(node.get('failureSummary') or '').splitlines()[-1].strip()[:160]})"
        for fault in found
        if fault["id"] not in THEME
        for node in fault["nodes"][:4]
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("path", ALL)
def test_page_is_accessible(visit, path, dark):
    page = visit(path, dark=dark, reduced_motion=True)  # else colors may be on their way from light to dark
    assert page.evaluate("document.documentElement.dataset.theme") == ("dark" if dark else "light")
    assert not axe_faults(page)


@pytest.mark.parametrize("path", ALL)
def test_nothing_overflows_a_phone(visit, path):
    assert not visit(path, width="phone").evaluate(WIDER_THAN_WINDOW)


@pytest.mark.parametrize("path", ALL)
def test_page_works_from_a_file(visit, path):
    page = visit(path, via="file")
    assert page.locator("main h1:visible").count() == 1
    assert not page.locator("mjx-merror").count(), "an equation does not parse"


def test_search_finds_words_without_a_server(visit):
    page = visit("search.html?q=reliability", via="file")
    page.wait_for_selector("#search-results li a")
    assert page.locator("#search-results li").count() >= 1


def test_theme_is_remembered(visit):
    page = visit("index.html")
    page.locator("button.theme-switch-button").first.click()
    first = page.evaluate("document.documentElement.dataset.mode")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.mode") == first


def test_arrow_keys_turn_pages_but_not_inside_a_control(visit):
    page = visit("index.html")
    here = page.url
    page.keyboard.press("ArrowRight")
    page.wait_for_url(lambda url: url != here)
    second = page.url
    page.evaluate("""() => { const box = document.createElement('input'); box.type = 'range'; box.ariaLabel = 'x';
                             document.querySelector('article').append(box); box.focus(); }""")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert page.url == second


def test_first_tab_skips_to_the_content(visit):
    page = visit("index.html")
    page.keyboard.press("Tab")
    focused = page.evaluate("document.activeElement.textContent.trim()")
    assert "main content" in focused.lower()


def test_a_page_prints(visit, tmp_path):
    page = visit(ALL[1])
    page.emulate_media(media="print")
    assert not page.locator(".bd-sidebar-primary").is_visible()
    assert len(page.pdf()) > 10_000
