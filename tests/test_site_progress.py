"""The map of a reader's progress: made from the chapters, kept in the browser, taken to another one in a file."""

from __future__ import annotations

import json
import re

import pytest

from bookext import mastery
from test_site_browser import axe_faults
from toc import ROOT, chapters

MAP = "backmatter/progress.html"
STORE = "mlmlib.progress"


@pytest.mark.parametrize("name", chapters())
def test_objectives_and_questions_of_a_chapter(name):
    held = mastery.chapter(ROOT / f"{name}.ipynb")
    assert 4 <= len(held["objectives"]) <= 7 and len(held["questions"]) >= 5
    assert len(set(held["questions"])) == len(held["questions"])
    assert all(re.search(r"exercise", words) and not words.endswith(";") for words in held["objectives"].values())


def test_the_map_has_every_chapter_in_order():
    text = mastery.page(ROOT)
    keys = [f"ch{int(name.split('/')[1][:2]):02d}" for name in chapters()]
    assert re.findall(r"mlm-map-(ch\d+)$", text, re.M) == keys
    assert mastery.page(ROOT, {chapters()[2]}).count("{dropdown}") == 1
    assert "mastery.js" in text, "the page brings its script"


def test_an_objective_without_an_exercise_is_refused(tmp_path):
    path = tmp_path / "01_x.ipynb"
    text = "# X\n\n## What you will be able to do\n\n1. know things;\n\n## Next\n"
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": [text]}]}))
    with pytest.raises(ValueError, match="know things"):
        mastery.chapter(path)


# --- in a browser --------------------------------------------------------------------------------

site = pytest.mark.site
browser = pytest.mark.browser


def opened(visit, **how):
    page = visit(MAP, reduced_motion=True, **how)
    page.wait_for_selector(".mlm-sum")
    return page


def stored(page):
    return json.loads(page.evaluate(f"localStorage.getItem('{STORE}')"))


def load(page, text, name="my-progress.json"):
    """Load a file; the value is what the page says."""
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "application/json", "buffer": text.encode()})
    page.wait_for_function("document.querySelector('.mlm-ask [role=status]').textContent !== ''")
    return page.locator(".mlm-ask [role=status]").inner_text()


@site
@browser
def test_an_empty_map_says_what_to_do(visit):
    page = opened(visit)
    assert page.locator(".mlm-sum").inner_text().startswith("Nothing yet.")
    assert page.get_by_role("button", name="Save to a file").is_disabled()
    assert "0 of 6 questions right; 0 of 6 objectives on your own" in page.locator(".mlm-map-ch03 summary").inner_text()


@site
@browser
def test_objectives_are_rated_by_keyboard_and_remembered(visit):
    page = opened(visit)
    page.locator(".mlm-map-ch03 summary").focus()
    page.keyboard.press("Enter")
    pick = page.locator(".mlm-map-ch03 select").first
    pick.wait_for(state="visible")
    for _ in range(8):  # past the links of the chapter and of the objective
        if page.evaluate("document.activeElement.tagName") == "SELECT":
            break
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.getAttribute('aria-label')").startswith("How far you are: fit a random-intercept model")
    page.keyboard.press("ArrowDown")
    assert page.locator(".mlm-map-ch03 .mlm-far").inner_text().endswith("0 of 6 objectives on your own, 1 with help")
    page.keyboard.press("ArrowDown")
    page.reload()
    page.wait_for_selector(".mlm-sum")
    assert "1 of 6 objectives on your own" in page.locator(".mlm-map-ch03 .mlm-far").inner_text()
    assert page.locator(".mlm-map-ch03 select").first.input_value() == "2"
    entry, = stored(page)["objectives"]["ch03"].values()
    assert entry["level"] == 2


@site
@browser
def test_answers_of_a_chapter_stand_on_the_map(visit):
    page = visit("chapters/03_random_intercepts.html")
    box = page.locator("[data-ask='ch03-chibar']")
    box.scroll_into_view_if_needed()
    box.locator("input").fill("0.0368")
    box.get_by_role("button", name="Check").click()
    page.locator("[data-ask='ch03-chibar'][data-state=right]").wait_for()
    page.goto(page.url.replace("chapters/03_random_intercepts.html", MAP))
    page.wait_for_selector(".mlm-sum")
    assert "1 of 6 questions right" in page.locator(".mlm-map-ch03 .mlm-far").inner_text()


@site
@browser
def test_progress_goes_to_another_browser_in_a_file(visit):
    page = opened(visit)
    page.locator(".mlm-map-ch01 summary").click()
    page.locator(".mlm-map-ch01 select").nth(1).select_option("1")
    with page.expect_download() as got:
        page.get_by_role("button", name="Save to a file").click()
    assert got.value.suggested_filename == "my-progress.json"
    with open(got.value.path(), encoding="utf-8") as file:
        text = file.read()
    other = opened(visit)
    assert load(other, text) == "Loaded: 0 answers and 1 objectives."
    assert "1 with help" in other.locator(".mlm-sum").inner_text()
    assert load(other, text + " ").startswith("Nothing in it")


@site
@browser
def test_what_both_browsers_know_keeps_the_right_answer(visit):
    page = opened(visit)

    def answer(right, when):
        return {"right": right, "tries": 1, "hints": 0, "shown": False, "answer": "1", "when": when}

    page.evaluate("(text) => localStorage.setItem('mlmlib.progress', text)", json.dumps(
        {"version": 1, "answers": {"ch03": {"tau": answer(True, "2026-01-01"), "chibar": answer(False, "2026-01-01")}}, "questions": {}}))
    page.reload()
    page.wait_for_selector(".mlm-sum")
    assert "1 of" in page.locator(".mlm-sum").inner_text() and "1 to come back to" in page.locator(".mlm-sum").inner_text()
    said = load(page, json.dumps({"version": 1, "answers": {"ch03": {"tau": answer(False, "2026-02-02"), "chibar": answer(True, "2025-01-01")}}}))
    assert said == "Loaded: 1 answers and 0 objectives."
    kept = stored(page)["answers"]["ch03"]
    assert kept["tau"]["right"] and kept["chibar"]["right"]


@site
@browser
@pytest.mark.parametrize("text", ["", "no JSON", "[]", "null", '{"version": 2, "answers": {}}', '{"version": 1}'])
def test_a_wrong_file_changes_nothing(visit, text):
    page = opened(visit)
    page.locator(".mlm-map-ch01 summary").click()
    page.locator(".mlm-map-ch01 select").first.select_option("2")
    before = stored(page)
    assert load(page, text).endswith("Nothing was changed.")
    assert stored(page) == before


@site
@browser
def test_a_hostile_file_leaves_no_more_than_answers(visit):
    page = opened(visit)
    evil = """{"version": 1, "answers": {"__proto__": {"x": {"right": true}}, "constructor": {"x": {"right": true}},
      "ch03": {"__proto__": {"right": true}, "tau": {"right": true, "tries": 1e9, "answer": {"a": 1}, "when": 3, "more": "<img src=x onerror=alert(1)>"},
      "odd": "text", "none": null}, "ch04": [1, 2]}, "questions": {"ch03": ["tau", 7, "<b>"], "ch05": "tau"}, "objectives": {"ch03": {"null": {"level": 9}}}}"""
    load(page, evil)
    held = stored(page)
    assert held["answers"]["ch03"] == {"tau": {"tries": 9999, "hints": 0, "shown": False, "right": True, "answer": None, "when": ""}}
    assert "<" not in json.dumps(held) and set(held["answers"]) <= {"ch03", "ch04"}
    assert held["questions"] == {"ch03": ["tau"]}
    assert page.evaluate("({}).x === undefined && ({}).right === undefined")


@site
@browser
def test_starting_again_asks_twice(visit):
    page = opened(visit)
    page.locator(".mlm-map-ch01 summary").click()
    page.locator(".mlm-map-ch01 select").first.select_option("2")
    clear = page.get_by_role("button", name="Start everything again")
    clear.click()
    assert stored(page)["objectives"]["ch01"]
    clear.click()
    assert page.locator(".mlm-sum").inner_text().startswith("Nothing yet.")
    assert page.locator(".mlm-map-ch01 select").first.input_value() == "0"


@site
@browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_an_open_map_is_accessible(visit, dark):
    page = opened(visit, dark=dark)
    page.locator(".mlm-map-ch03 summary").click()
    assert not axe_faults(page)
    assert page.locator(".mlm-map-ch03 select").count() == page.locator(".mlm-map-ch03 ol > li").count() == 6
