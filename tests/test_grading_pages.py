"""The pages that grading writes, in a browser: the teacher's and a student's, wide and on a phone, light and dark, and on paper."""

from __future__ import annotations

import pytest

import exercise_kit as kit
from browser import Visits
from mlmlib.grading import class_page, feedback_page, places
from mlmlib.grading.judge import Assignment

pytest.importorskip("axe_playwright_python")
NAME = "04_random_slopes"
SAID = ["b: that is the SD of intercepts, `sd(Intercept)`; the question asks for *slopes*", "No answer yet: `corr_at_3` is not set."]


def graded(i, asked):
    """A row of the grader's: the more to the end of a class, the less is right; every third one stopped somewhere."""
    marks = [{"question": q.name, "points": 0.0 if q.manual or (i * k) % 11 < i // 3 else q.points, "possible": q.points, "manual": q.manual,
              "messages": [] if q.manual or (i * k) % 11 >= i // 3 else SAID[: 1 + k % 2]} for k, q in enumerate(asked)]
    copied = {"q4_3": f"sd {i // 2}", "q4_6": f"low {i // 2}", "q4_8": f"zero {i // 2}"} if i in (10, 11) else {"q4_3": f"own {i}"}
    return {"submission": f"student_{i}_1000{i}_{NAME}.ipynb", "exercise": NAME, "marks": marks, "written": {}, "wrong": copied, "lines": [],
            "messages": ["code cell 12: RuntimeError: " + "a_very_long_name_of_something_" * 6] if i % 3 == 0 else [], "seconds": 4.2,
            "measures": ["own process", "memory limit", "no network"], "stopped": False, "student": {}, "edition": ""}


def make(folder):
    """Write both pages of a class of 24; the addresses of the teacher's, a student's, and that of a file that could not be graded."""
    book, asked = kit.read(NAME)
    assignment = Assignment(NAME, {}, (), {}, frozenset(), places=places.places(NAME, book, asked))
    rows = [graded(i, asked) for i in range(24)]
    broken = {**graded(0, asked), "submission": "broken.ipynb", "marks": [], "messages": ["not a notebook: the file is empty"], "exercise": ""}
    made = {row["submission"]: feedback_page.write(row, assignment, folder, "https://book.example").relative_to(folder).as_posix()
            for row in (*rows, broken)}
    (folder / "class.html").write_text(class_page.render([*rows, broken], made), encoding="utf-8")
    return {"teacher": "class.html", "student": made[rows[21]["submission"]], "all right": made[rows[0]["submission"]], "broken": made["broken.ipynb"]}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("graded")
    return folder, make(folder)


@pytest.fixture
def look(browser, pages):
    visits = Visits(browser, pages[0], "")
    yield lambda which, **how: visits(pages[1][which], via="file", **how)
    visits.close()
    assert not visits.faults


@pytest.mark.browser
@pytest.mark.parametrize("which", ["teacher", "student", "all right", "broken"])
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", ["wide", "phone"])
def test_axe_finds_nothing_and_nothing_sticks_out(look, which, dark, width):
    from axe_playwright_python.sync_playwright import Axe

    page = look(which, dark=dark, width=width)
    found = Axe().run(page, options={"resultTypes": ["violations"], "preload": False}).response["violations"]
    assert not [(v["id"], [n["html"][:200] for n in v["nodes"][:3]]) for v in found]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page itself does not scroll sideways"


@pytest.mark.browser
@pytest.mark.parametrize("which", ["teacher", "student"])
def test_on_paper_nothing_is_cut_off(look, which):
    page = look(which, dark=True)
    page.set_viewport_size({"width": 680, "height": 960})  # A4 less its margins, in CSS pixels
    page.emulate_media(media="print", color_scheme="dark")
    cut = "[...document.querySelectorAll('.wide, pre, code, td, th')].filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline')"
    assert page.evaluate(f"{cut}.length") == 0
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)", "dark ink on paper, whatever the screen"
    assert not page.locator("a.skip").is_visible()


@pytest.mark.browser
def test_the_teachers_page_leads_to_the_students(look):
    page = look("teacher")
    page.get_by_role("link", name="student_21_100021_04_random_slopes.ipynb").first.click()
    page.wait_for_url("**/student_21*.html")
    link = page.locator("main a[href*='chapters/']").first
    assert "book.example/chapters/0" in link.get_attribute("href") and "#" in link.get_attribute("href")
    page.locator("table a").first.click()
    assert page.evaluate("document.querySelector(location.hash) !== null")
