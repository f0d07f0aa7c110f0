"""Self-checks in a real browser: right, wrong and known-mistake answers, hints, solution, progress, keyboard, math."""

from __future__ import annotations

import base64
import json

import pytest

import mlmlib as mlm
from lab_page import LabPages

VARIANCE = {
    "known": {
        "SD for variance": (4.985, "5.0 is the *SD*; the question asks for the variance $\\tau_{00}$."),
        "ML": (23.23, "That is the ML estimate."),
    },
    "unit": "points²",
    "hint": ["A variance is in squared units.", "Square the SD.", "It is $4.985^2$."],
    "solution": "$4.985^2 = 24.85$: square the SD.",
    "reply": "Schools differ by 5 points, one SD.",
}


def variance():
    return mlm.ask.number(
        "ch03-tau", r"The SD of the schools is 4.985. What is $\hat\tau_{00}$?", 24.850225, **VARIANCE
    )


def survives(name="ch02-survives"):
    options = {
        "The point estimate": "Copies of news are not lies: OLS stays unbiased.",
        "The standard error": "It takes every row for news.",
        "The `p` value": "It inherits the fault of the standard error.",
    }
    return mlm.ask.choice(
        name, "What does clustering leave **unharmed**?", options, right="The point estimate", hint="Copy every row."
    )


def holds():
    options = {
        "$N_{eff} \\le N$ when $\\rho > 0$": "Yes.",
        "deff depends on $n$": "Yes.",
        "ICC 0.05 is harmless": "With 50 students a school deff is 3.45.",
    }
    return mlm.ask.choice("ch02-holds", "Which hold?", options, right=list(options)[:2])


# --- the Python side ------------------------------------------------------------------------------


def test_answers_do_not_stand_in_the_page_source():
    html = variance().to_html()
    html = html.split('<script type="module">')[0] + survives().to_html().split('<script type="module">')[0]
    assert "24.85" not in html and "4.985^2" not in html and "unbiased" not in html
    assert "The point estimate" in html and "4.985" in html  # the question itself does


def test_source_without_scripts_still_asks_the_question():
    html = survives().to_html()
    assert "<p>What does clustering leave <strong>unharmed</strong>?</p>" in html
    assert "<li>The <code>p</code> value</li>" in html


def test_markdown_of_questions():
    from mlmlib.widgets.inline import inline, paragraphs

    assert inline("a < b & **c** *d* `x*y*z`") == "a &lt; b &amp; <strong>c</strong> <em>d</em> <code>x*y*z</code>"
    assert (
        inline("$a_1 * b < c * d_2$") == '<span class="math notranslate nohighlight">\\(a_1 * b &lt; c * d_2\\)</span>'
    )
    assert inline("[the chapter](a.html#x)") == '<a href="a.html#x">the chapter</a>'
    assert paragraphs("one\ntwo\n\nthree") == "<p>one two</p><p>three</p>"
    assert inline("2 * 3 * 4") == "2 * 3 * 4"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mlm.ask.choice("ch02-x", "?", {"a": "b", "c": "d"}, right="e"), "not among the options"),
        (lambda: mlm.ask.choice("ch02-x", "?", {"a": "b"}, right="a"), "at least two"),
        (lambda: mlm.ask.choice("x", "?", {"a": "b", "c": "d"}, right="a"), "a chapter and a name"),
        (lambda: mlm.ask.number("ch02-x", "?", float("nan")), "is nan"),
        (lambda: mlm.ask.number("ch02-x", "?", 1.0, known={"w": (float("inf"), "r")}), "known mistake"),
    ],
)
def test_what_a_reader_could_not_answer_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_known_mistakes_in_any_form():
    class Mistake:
        value, reply = 2.0, "two"

    def known(q):
        return [(k["value"], k["reply"]) for k in json.loads(base64.b64decode(q.key))["known"]]

    for form in ({"did": (2.0, "two")}, {"two": 2.0}, [(2.0, "two")], [Mistake()], [("did", (2.0, "two"))]):
        assert known(mlm.ask.number("ch01-x", "?", 1.0, known=form)) == [(2.0, "<p>two</p>")]
    assert known(mlm.ask.number("ch01-x", "?", 2.0, known={"two": 2.0})) == []


def test_a_question_of_the_feedback_brings_its_mistakes():
    asked = mlm.feedback.question("icc", between=25, within=75, digits=3)
    key = json.loads(base64.b64decode(mlm.ask.number("ch02-icc", "The ICC?", asked, known={"mine": 0.5}).key))
    assert key["answer"] == 0.25 and key["digits"] == 3
    assert [k["value"] for k in key["known"]] == [0.5, *(m.value for m in asked.mistakes)]


# --- how a number is judged -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def judge(browser):
    """judgeNumber of answers.js, in the browser."""
    from mlmlib.widgets.bundle import SOURCES

    source = (SOURCES / "answers.js").read_text(encoding="utf-8").replace("export function", "function")
    page = browser.new_page()
    page.goto("about:blank")
    yield lambda text, key, unit="": page.evaluate(
        "([source, text, key, unit]) => new Function(source + '; return judgeNumber')()(text, key, unit)",
        [source, text, {"digits": 2, "known": [], "tolerance": 0, **key}, unit],
    )
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("text", "answer", "verdict"),
    [
        ("24.850225", 24.850225, "right"), ("24.85", 24.850225, "right"), ("24.9", 24.850225, "right"),
        ("25", 24.850225, "right"),
        ("24,85", 24.850225, "right"),
        (" 24.85 ", 24.850225, "right"), ("2.485e1", 24.850225, "right"), ("24.83", 24.850225, "right"),
        ("20", 24.850225, "far"), ("24", 24.850225, "far"), ("24.4", 24.850225, "far"), ("30", 24.850225, "far"),
        ("2e1", 24.850225, "coarse"),
        ("-0.25", -0.2468, "right"), ("−0.25", -0.2468, "right"), ("0.25", -0.2468, "sign"), ("0.2", 0.2468, "coarse"),
        ("24.7", 0.2468, "percent"), ("24.68 %", 0.2468, "right"),
        ("1,207.5", 1207.48, "right"), ("1207", 1207.48, "right"),
        ("23", 23.0, "right"), ("23.0", 23.0, "right"), ("22", 23.0, "far"),
        ("1/3", 1 / 3, "right"), ("3", 3.0, "right"), ("0", 0.0, "right"),
        ("many", 3.0, "unread"), ("", 3.0, "unread"), ("1.2.3", 3.0, "unread"),
    ],
)  # fmt: skip
def test_any_sensible_rounding_is_right(judge, text, answer, verdict):
    assert judge(text, {"answer": answer})["verdict"] == verdict


@pytest.mark.browser
def test_known_mistakes_are_told_from_the_answer(judge):
    key = {"answer": 10.0, "known": [{"value": 10.01, "reply": "close"}, {"value": 3.16228, "reply": "root"}]}
    assert judge("3.2", key) == {"verdict": "known", "reply": "root"}
    assert judge("3.162", key)["reply"] == "root"
    assert judge("10.01", key)["reply"] == "close", "exactly the known mistake, though within the tolerance"
    assert judge("10.0", key)["verdict"] == "right"
    half = {"answer": 0.595, "known": [{"value": 0.5, "reply": "half"}, {"value": 0.71, "reply": "other"}]}
    assert judge("0.5", half)["reply"] == "half", "one digit, and exactly the known mistake"
    assert judge("0.7", half)["verdict"] == "far", "one digit, and only near a known mistake"
    assert judge("24.9", {"answer": 24.9, "known": []}, "%")["verdict"] == "right"
    assert judge("0.249", {"answer": 24.9, "known": []}, "%")["verdict"] == "percent"


@pytest.mark.browser
def test_the_page_judges_as_the_graded_exercises_do(judge):
    asked = mlm.feedback.question("variance", mlm.lmm("math ~ 1 + (1 | schid)", mlm.load("math")), of="Intercept")
    key = {"answer": asked.right, "known": [{"value": m.value, "reply": m.reply} for m in asked.mistakes]}
    values = [asked.right, *(m.value for m in asked.mistakes)]
    values += [-asked.right, asked.right * 1.003, asked.right * 1.1, asked.right / 100, asked.right * 7, 0.0]
    for value in values:
        for text in (f"{value:.1f}", f"{value:.3g}", f"{value:.1g}", f"{value:.5f}", f"{value:.2e}"):
            ours = asked.reply(text)
            assert judge(text, key)["verdict"] == ours.verdict, text
            if ours.verdict == "known":
                assert judge(text, key)["reply"] == str(ours)


# --- on the page ----------------------------------------------------------------------------------


@pytest.fixture
def pages(browser, tmp_path):
    made = LabPages(browser, tmp_path)
    yield made
    made.check()


def type_answer(page, text):
    field = page.locator(".mlm-ask input[type=text]")
    field.fill(text)
    field.press("Enter")
    return page.locator(".mlm-ask .reply").first.inner_text()


@pytest.mark.browser
def test_number_right_wrong_known(pages):
    page = pages(variance()).page
    assert "Any rounding to two significant digits" in page.locator(".rule").inner_text()
    assert "5.0 is the SD" in type_answer(page, "4.985") and "Not yet." in type_answer(page, "5.0")
    assert "ML estimate" in type_answer(page, "23.2")
    assert "too large by a factor of" in type_answer(page, "600")
    reply = type_answer(page, "24.9")
    assert reply.startswith("Right.") and "24.85 points²" in reply and "Schools differ by 5 points" in reply
    assert page.locator(".mlm-ask").get_attribute("data-state") == "right"


@pytest.mark.browser
def test_hints_rise_then_the_solution(pages):
    page = pages(variance()).page
    solution = page.get_by_role("button", name="Show the solution")
    assert not solution.is_visible()
    type_answer(page, "7")
    for i in range(3):
        page.get_by_role("button", name=f"Hint {i + 1} of 3").click()
        assert page.locator(".hints li").count() == i + 1
    assert not page.get_by_role("button", name="Hint").is_visible()
    solution.click()
    assert "square the SD" in page.locator(".reply").inner_text()


@pytest.mark.browser
def test_choice_by_mouse_answers_at_once_and_by_keyboard_with_enter(pages):
    page = pages(survives()).page
    page.get_by_label("The standard error").click()
    assert "takes every row for news" in page.locator(".reply").inner_text()
    assert page.locator(".was-wrong").count() == 1
    page.keyboard.press("ArrowDown")  # to the p value: moving is not answering
    assert "takes every row for news" in page.locator(".reply").inner_text()
    page.keyboard.press("Enter")
    assert "inherits" in page.locator(".reply").inner_text()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator(".reply").inner_text().startswith("Right.")
    assert page.locator(".was-right").count() == 1 and page.locator(".was-wrong").count() == 0


@pytest.mark.browser
def test_several_right_options(pages):
    page = pages(holds()).page
    boxes, check = page.locator("input[type=checkbox]"), page.get_by_role("button", name="Check")
    check.click()
    assert "Tick all that hold" in page.locator(".reply").inner_text()
    boxes.nth(0).check()
    check.click()
    assert "one more does" in page.locator(".reply").inner_text()
    boxes.nth(2).check()
    check.click()
    assert "3.45" in page.locator(".reply").inner_text()
    boxes.nth(2).uncheck()
    boxes.nth(1).check()
    check.click()
    assert page.locator(".mlm-ask").get_attribute("data-state") == "right"


@pytest.mark.browser
def test_progress_survives_a_reload_and_can_be_forgotten(pages):
    page = pages(survives(), holds(), mlm.ask.progress("ch02"), mlm.ask.progress()).page
    totals = page.locator(".mlm-ask:has(progress)")
    assert "0 of 2 right" in totals.first.inner_text()
    page.get_by_label("The point estimate").click()
    assert "1 of 2 right" in totals.first.inner_text() and "Chapter 2: 1 of 2 right" in totals.nth(1).inner_text()
    page.get_by_role("button", name="Hint").click()
    page.reload()
    assert page.get_by_label("The point estimate").is_checked()
    assert page.locator(".reply").first.inner_text().startswith("Right.")
    assert page.locator(".hints li").inner_text() == "Copy every row."
    assert "1 of 2 right" in totals.first.inner_text()
    kept = page.evaluate("JSON.parse(localStorage.getItem('mlmlib.progress'))")
    assert kept["version"] == 1 and kept["questions"] == {"ch02": ["survives", "holds"]}
    assert kept["answers"]["ch02"]["survives"]["right"] is True and kept["answers"]["ch02"]["survives"]["tries"] == 1
    with page.expect_download() as download:
        page.get_by_role("button", name="Download my answers").first.click()
    with open(download.value.path(), encoding="utf-8") as file:
        assert json.load(file) == kept
    again = page.get_by_role("button", name="Start this chapter again")
    again.click()
    again.click()
    assert "0 of 2 right" in totals.first.inner_text()
    assert not page.get_by_label("The point estimate").is_checked() and page.locator(".hints li").count() == 0


@pytest.mark.browser
def test_a_blocked_or_broken_store_breaks_nothing(pages):
    view = pages(survives())
    view.page.evaluate("localStorage.setItem('mlmlib.progress', '{not json')")
    view.page.reload()
    view.page.get_by_label("The point estimate").click()
    assert view.page.locator(".reply").inner_text().startswith("Right.")


@pytest.mark.browser
def test_math_is_drawn_without_mathjax(pages):
    page = pages(variance()).page
    assert page.locator("legend math msub").count() == 1
    assert page.locator("legend math").text_content() == "τ^00"
    assert "\\" not in page.locator("legend").inner_text()


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_self_checks_are_accessible_and_fit_a_phone(pages, dark):
    from test_widgets_labs import axe_faults

    page = pages(variance(), survives(), holds(), mlm.ask.progress("ch02"), dark=dark, phone=True).page
    if dark:
        page.evaluate("document.body.style.background = '#121212'; document.body.style.color = '#eee'")
    type_answer(page, "5.0")
    page.get_by_label("The standard error").click()
    page.get_by_role("button", name="Hint 1 of 3").click()
    assert not axe_faults(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
