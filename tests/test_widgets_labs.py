"""The labs in a real browser: each opens, answers, resets, links and reads well; two of them against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

import mlmlib as mlm
from lab_page import LabPages
from mlmlib.widgets import labs

pytestmark = pytest.mark.browser


@pytest.fixture
def pages(browser, tmp_path):
    made = LabPages(browser, tmp_path)
    yield made
    made.check()


@pytest.fixture(params=labs.__all__)
def lab(request):
    return getattr(mlm.labs, request.param)()


def poke(view):
    """Change the state by the keyboard: the first point of the picture, or else the first slider."""
    view.page.locator(".handle, input[type=range]").first.focus()
    for key in ("ArrowUp", "ArrowRight", "ArrowUp", "ArrowLeft"):  # the last for a point that opens at its end
        view.page.keyboard.press(key)


def axe_faults(page):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{fault['id']}: {node['html'][:200]}" for fault in found for node in fault["nodes"][:3]]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_lab_is_accessible_and_fits_a_phone(pages, lab, dark):
    view = pages(lab, dark=dark, phone=True)
    view.page.get_by_role("button", name="Numbers as a table").click()
    assert view.host.get_attribute("data-mode") == ("dark" if dark else "light")
    assert not axe_faults(view.page)
    assert view.page.evaluate("document.documentElement.scrollWidth") <= 375
    # text in the picture is drawn at its real size: the viewBox is as wide as the picture on the screen
    assert view.host.evaluate("""(host) => { const svg = host.shadowRoot.querySelector('svg');
        return Math.abs(svg.viewBox.baseVal.width - svg.getBoundingClientRect().width) < 1.5; }""")


def test_every_control_changes_something_by_keyboard(pages, lab):
    view = pages(lab)

    def all_of_it():
        usable = view.host.evaluate(
            "(host) => [...host.shadowRoot.querySelectorAll('.control input, select')].map((x) => x.disabled)"
        )
        return view.picture, view.numbers, usable, view.state

    found = view.host.evaluate("""(host) => [...host.shadowRoot.querySelectorAll('input[data-key], select[data-key]')]
        .filter((x) => !x.disabled && x.checkVisibility()).map((x) => [x.dataset.key, x.type])""")
    assert found
    for key, kind in found:
        before = all_of_it()
        control = view.control(key)
        if not control.is_visible() or control.is_disabled():
            continue
        control.focus()
        if kind == "select-one":
            options = control.locator("option").evaluate_all("(all) => all.map((o) => o.value)")
            control.select_option(next(v for v in options if v != control.input_value()))
        elif kind == "checkbox":
            view.page.keyboard.press("Space")
        else:
            at_top = control.evaluate("(x) => Number(x.value) >= Number(x.max)")
            for _ in range(6):
                view.page.keyboard.press("ArrowLeft" if at_top else "ArrowRight")
        assert all_of_it() != before, f"{key} does nothing"


@pytest.mark.parametrize("lab", sorted({*labs.__all__} - {"coverage"}))
def test_points_move_by_arrow_keys_and_say_where_they_are(pages, lab):
    view = pages(getattr(mlm.labs, lab)())
    handle = view.page.locator(".handle").first
    assert handle.get_attribute("role") == "slider" and handle.get_attribute("aria-label")
    handle.focus()
    before, text = view.state, handle.get_attribute("aria-valuetext")
    at_top = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
    view.page.keyboard.press("ArrowLeft" if at_top else "ArrowRight")
    assert view.state != before
    assert handle.get_attribute("aria-valuetext") != text
    assert view.host.evaluate("(host) => host.shadowRoot.activeElement.classList.contains('handle')"), (
        "focus stays on the point"
    )


def test_arrow_keys_in_a_lab_do_not_reach_the_page(pages, lab):
    view = pages(lab)
    view.page.evaluate(
        "() => { window.heard = 0; document.addEventListener('keydown', () => { window.heard += 1; }); }"
    )
    poke(view)
    assert view.page.evaluate("window.heard") == 0


def test_reset_and_link_and_text(pages, lab):
    view = pages(lab)
    opening = view.state
    poke(view)
    changed = view.state
    assert changed != opening
    live = view.page.locator(".lab > [aria-live]")
    live.filter(has_text="").wait_for(state="attached")
    view.page.wait_for_function(
        "(host) => host.shadowRoot.querySelector('[aria-live]').textContent.length > 10", arg=view.host.element_handle()
    )
    assert len(view.page.locator("#desc").inner_text()) > 60
    view.page.get_by_role("button", name="Link to this state").click()
    fragment = "#" + view.page.url.split("#", 1)[1]
    again = pages(lab, fragment=fragment)
    assert rounded(again.state) == rounded(changed)
    view.page.get_by_role("button", name="Reset").click()
    assert view.state == opening


def rounded(value):
    """Numbers to the eight digits that a link carries."""
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return float(f"{value:.7g}") if isinstance(value, float) else value


def test_things_to_try_hide_what_you_should_see(pages, lab):
    view = pages(lab)
    tries = view.page.locator(".tries li")
    assert tries.count() == 3
    for item in tries.all():
        told = item.locator("details p")
        assert not told.is_visible()
        item.get_by_text("What you should see").click()
        assert told.is_visible() and len(told.inner_text()) > 40


def test_a_mangled_link_opens_the_lab_as_it_was(pages):
    lab = mlm.labs.design_effect()
    view = pages(lab, fragment="#lab-design_effect?icc=oops&n=%22many%22&nonsense=1&J=12")
    assert view.state == {"icc": 0.1, "n": 20, "J": 12, "keep": False, "total": 600}


def test_print_shows_picture_and_table(pages, lab):
    view = pages(lab)
    view.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    view.page.emulate_media(media="print")
    assert view.page.locator(".sheet table").is_visible()
    assert view.page.locator("svg").first.is_visible()
    assert not view.page.locator(".tools").is_visible()


def test_points_follow_a_finger(browser, tmp_path):
    pages = LabPages(browser, tmp_path)
    touch = browser.new_context(viewport={"width": 375, "height": 812}, has_touch=True, is_mobile=True)
    view = pages(mlm.labs.least_squares(), context=touch)
    before = view.state["y"][0]
    view.handle("p0").scroll_into_view_if_needed()
    box = view.handle("p0").locator(".dot").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    scrolled = view.page.evaluate("scrollY")
    send = touch.new_cdp_session(view.page).send
    send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 7):
        send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y + 10 * step}]})
    send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert view.state["y"][0] < before - 5
    assert view.page.evaluate("scrollY") == scrolled, "the page stays where it is"
    touch.close()
    pages.check()


def test_theme_switch_is_followed(pages):
    view = pages(mlm.labs.design_effect())
    view.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    view.page.wait_for_function("() => document.querySelector('.mlm-lab-host').dataset.mode === 'dark'")
    view.page.evaluate("delete document.documentElement.dataset.theme; document.body.dataset.jpThemeLight = 'false'")
    assert view.host.get_attribute("data-mode") == "dark"


# --- least squares --------------------------------------------------------------------------------


def ols(state):
    x, y = np.array(state["x"]), np.array(state["y"])
    if state["twice"]:
        x, y = np.tile(x, 2), np.tile(y, 2)
    return sm.OLS(y, sm.add_constant(x)).fit()


def agrees(view):
    fit, seen = ols(view.state), view.numbers
    low, high = fit.conf_int()[1]
    expected = {
        "n": fit.nobs, "slope": fit.params[1], "se": fit.bse[1], "lower": low, "upper": high,
        "intercept": fit.params[0], "rss": fit.ssr, "sigma": np.sqrt(fit.scale), "r2": fit.rsquared,
    }  # fmt: skip
    assert {k: seen[k] for k in expected} == pytest.approx(expected, rel=1e-9)


def test_least_squares_equals_statsmodels_while_points_move(pages):
    view = pages(mlm.labs.least_squares())
    agrees(view)
    before = view.state
    view.drag("p9", 0, 90)  # the student at five hours, 71 points
    dragged = view.state
    assert dragged["y"][9] < before["y"][9] - 10 and dragged["x"][9] == pytest.approx(before["x"][9], abs=0.06)
    assert dragged["y"][:9] == before["y"][:9]
    agrees(view)
    view.handle("p3").focus()
    view.page.keyboard.press("ArrowUp")
    view.page.keyboard.press("Shift+ArrowRight")
    assert view.state["y"][3] == dragged["y"][3] + 1 and view.state["x"][3] == dragged["x"][3] + 1
    agrees(view)
    view.control("school").select_option("6327")
    assert len(view.state["x"]) == 8 and view.numbers["slope"] < 0
    agrees(view)


def test_entering_students_twice_lowers_the_se_by_a_little_more_than_root_two(pages):
    view = pages(mlm.labs.least_squares())
    once = view.numbers
    view.control("twice").check()
    twice = view.numbers
    agrees(view)
    assert twice["slope"] == pytest.approx(once["slope"]) and twice["r2"] == pytest.approx(once["r2"])
    n = once["n"]
    assert (
        once["se"] / twice["se"]
        == pytest.approx(np.sqrt(2 * (2 * n - 2) / (2 * (n - 2))))
        == pytest.approx(twice["ratio"])
    )
    assert f"{twice['ratio']:.2f}" == "1.47", "the lab's text says so"


@pytest.mark.parametrize("school", [72991, 6327])
def test_least_squares_opens_on_the_math_data(pages, school):
    rows = mlm.load("math").query("schid == @school")
    view = pages(mlm.labs.least_squares(school=school))
    assert view.state["x"] == list(rows["homework"]) and view.state["y"] == list(rows["math"])
    view.control("school").select_option("6327" if school == 72991 else "72991")
    view.control("school").select_option(str(school))
    assert view.state["x"] == list(rows["homework"]), "the page holds the same students as the data"
    assert view.state["y"] == list(rows["math"])


def test_least_squares_table_holds_the_numbers(pages):
    view = pages(mlm.labs.least_squares())
    caption, rows = view.table()
    fit = ols(view.state)
    assert "5.575" in caption and len(rows) == 14
    assert [float(r[4].replace("−", "-")) for r in rows] == pytest.approx(list(fit.resid), abs=0.006)


# --- design effect --------------------------------------------------------------------------------


def design_effect_agrees(view):
    state, seen = view.state, view.numbers
    ours = mlm.design_effect(state["icc"], state["n"])
    assert seen["deff"] == pytest.approx(ours.deff)
    assert seen["nEff"] == pytest.approx(state["n"] * state["J"] / ours.deff)
    from scipy.stats import norm

    assert seen["alpha"] == pytest.approx(2 * norm.sf(norm.ppf(0.975) / np.sqrt(ours.deff)), rel=1e-8)
    return seen


def test_design_effect_equals_mlmlib(pages):
    view = pages(mlm.labs.design_effect())
    assert design_effect_agrees(view)["nEff"] == pytest.approx(206.897, abs=1e-3)
    view.control("icc").fill("0.05")
    design_effect_agrees(view)
    before = view.state["n"]
    view.drag("n", 120, 0)
    assert view.state["n"] > before + 10
    design_effect_agrees(view)
    view.handle("n").focus()
    at = view.state["n"]
    view.page.keyboard.press("ArrowLeft")
    assert view.state["n"] == at - 1
    design_effect_agrees(view)


def test_design_effect_lights_as_many_dots_as_students_are_worth(pages):
    view = pages(mlm.labs.design_effect(icc=0.1, n=20, J=30))

    def lit():
        return view.host.evaluate("""(host) => {
            const paths = host.shadowRoot.querySelectorAll('svg path[stroke-linecap=round]');
            return [3, 2, 0].map((i) => (paths[i].getAttribute('d').match(/h/g) ?? []).length);
        }""")

    assert lit() == [30 * 6, 30, 30 * 13]  # 6.9 lights in each of 30 schools
    view.control("icc").fill("0")
    view.settle()
    assert lit() == [600, 0, 0]


def test_design_effect_tells_the_truth_in_its_tries(pages):
    view = pages(mlm.labs.design_effect(icc=0.05))
    assert view.numbers["deff"] == pytest.approx(1.95)
    view.control("keep").check()
    view.control("n").fill("60")
    assert view.state["J"] == 10
    assert round(view.numbers["nEff"]) == 152 and 0.31 < view.numbers["alpha"] < 0.34
    view = pages(mlm.labs.design_effect(n=60))
    assert round(view.numbers["nEff"]) == 261
    view = pages(mlm.labs.design_effect(J=60))
    assert round(view.numbers["nEff"]) == 414
