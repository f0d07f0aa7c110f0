"""The influence lab: the line with and without each school, its leverage and Cook's distance, against mlmlib."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from lab_actions import OneLab
from mlmlib.diagnostics import leverage

pytestmark = pytest.mark.browser


@pytest.fixture
def lab(browser, tmp_path):
    pages = []

    def start(school=62821, phone=False, dark=False, touch=False, fragment="", **asked):
        made = mlm.labs.influence(school, **asked)
        pages.append(OneLab(browser, tmp_path, made, phone=phone, dark=dark, touch=touch, fragment=fragment))
        return pages[-1]

    yield start
    for page in pages:
        page.finish()


def students(page):
    """Rows with the sizes, means and sums of squares of the schools on the page that are in, or are looked at."""
    chosen, rows = page.state["school"], []
    for school in page.js("lab.result.schools"):
        if school["out"] and school["j"] != chosen:
            continue
        z = np.linspace(-1, 1, school["n"])
        z *= np.sqrt(school["ss"] / np.sum(z**2))
        rows.append(pd.DataFrame({"school": school["label"], "mses": school["x"], "math": school["y"] + z}))
    return pd.concat(rows, ignore_index=True)


def assert_equals_mlmlib(page):
    frame, seen = students(page), page.numbers
    chosen = page.js("lab.result.chosen.label")
    fit = mlm.lmm("math ~ mses + (1 | school)", frame)
    found, held = mlm.influence(fit), mlm.influence(fit, reestimate=False)
    assert seen["slope"] == pytest.approx(fit.params["mses"], rel=1e-6)
    assert seen["se"] == pytest.approx(fit.bse["mses"], rel=1e-5)
    tau = "sd(school: Intercept)"
    assert seen["tau2"] == pytest.approx(found.original[tau] ** 2, rel=1e-4, abs=1e-5)
    assert seen["cooks"] == pytest.approx(found.table.loc[chosen, "cooks"], rel=1e-4, abs=1e-7)
    assert seen["held"] == pytest.approx(held.table.loc[chosen, "cooks"], rel=1e-4, abs=1e-7)
    assert seen["slope_less"] == pytest.approx(found.estimates.loc[chosen, "mses"], rel=1e-5)
    assert seen["se_less"] == pytest.approx(found.se.loc[chosen, "mses"], rel=1e-4)
    assert seen["tau2_less"] == pytest.approx(found.estimates.loc[chosen, tau] ** 2, rel=1e-3, abs=1e-4)
    assert seen["moves"] == pytest.approx(found.dfbetas.loc[chosen, "mses"], rel=1e-4, abs=1e-6)
    h = leverage(fit)["fixed"].groupby(frame["school"]).sum()
    assert seen["leverage"] == pytest.approx(h[chosen], rel=1e-5) and h.sum() == pytest.approx(2)
    assert seen["held"] == pytest.approx(
        seen["surprise"] ** 2 * seen["leverage"] / (1 - seen["leverage"]) / 2
    )  # influence is leverage x surprise
    cooks = {d["label"]: d["cooks"] for d in page.js(
        "lab.result.schools.filter((s) => lab.result.stand.has(s.j))"
        ".map((s) => ({label: s.label, cooks: lab.result.stand.get(s.j).cooks}))"
    )}  # fmt: skip
    np.testing.assert_allclose(list(cooks.values()), found.table.loc[list(cooks), "cooks"], rtol=1e-3, atol=1e-6)
    size = frame.groupby("school").size()
    weight = 1 / (seen["tau2"] + fit.sigma**2 / size)
    assert seen["size"] == pytest.approx(size[chosen] / size.mean())
    assert seen["counts"] == pytest.approx(weight[chosen] / weight.mean(), rel=1e-5)
    return seen


def test_opens_on_the_math_data_and_shows_the_idea(lab):
    page = lab()
    seen = assert_equals_mlmlib(page)
    math = mlm.within_between(mlm.load("math"), ["ses"], groups="schid")
    fit = mlm.lmm("math ~ ses_between + (1 | schid)", math)
    assert [seen["slope"], seen["se"]] == pytest.approx([fit.params["ses_between"], fit.bse["ses_between"]], rel=1e-5)
    assert seen["size"] > 2.9 and seen["counts"] < 1.3  # thrice the students, little more weight
    assert seen["leverage"] > 0.28 and 0.35 < seen["cooks"] < 0.4


def test_taking_out_and_putting_back_by_button_and_delete(lab):
    page = lab()
    inside = page.numbers
    page.page.locator("#out").click()
    page.settle()
    assert page.page.locator("#out").inner_text() == "Put 62821 back"
    out = assert_equals_mlmlib(page)
    assert out == inside  # with and without are the same two fits, whichever is the model now
    assert page.js("lab.result.now.slope") == pytest.approx(inside["slope_less"])
    assert f"{inside['slope']:.2f} {inside['slope_less']:.2f}" == "7.16 6.08"  # the text says so
    caption, _, rows = page.sheet()
    assert "22 of 23 schools" in caption and sum("(out)" in row[0] for row in rows) == 1
    page.control("school").select_option(label="54344 (19 students)")
    page.settle()
    other = assert_equals_mlmlib(page)
    assert other["tau2_less"] < 0.5 * other["tau2"]
    place = page.state["school"]
    page.handle(f"school{place}").focus()
    page.page.keyboard.press("Delete")
    assert len(page.state["out"]) == 2
    page.page.keyboard.press("Delete")
    assert len(page.state["out"]) == 1
    page.page.get_by_role("button", name="Reset").click()
    assert page.state["out"] == []
    page.announced("School 62821")


def test_what_the_texts_promise(lab):
    page = lab(54344)
    seen = page.numbers
    assert [f"{seen[k]:.2f}" for k in ("tau2", "tau2_less", "se", "se_less")] == ["9.89", "3.27", "1.40", "0.99"]
    assert f"{seen['surprise']:.1f}" == "-3.2" and seen["leverage"] < 0.06
    for size, want in ((200, "0.29 0.40"), (10, "0.19 0.16")):
        page = lab(sizes={62821: size})
        seen = assert_equals_mlmlib(page)
        assert f"{seen['leverage']:.2f} {seen['cooks']:.2f}" == want


def test_a_school_moved_and_resized_is_refitted(lab):
    page = lab(26537, students=True)
    place = page.state["school"]
    page.handle(f"school{place}").focus()
    for key in ("Shift+ArrowRight", "ArrowLeft", "Shift+ArrowDown", "ArrowUp"):
        page.page.keyboard.press(key)
    page.slide("n", 120)
    seen = assert_equals_mlmlib(page)
    moved = page.js("lab.result.chosen")
    assert moved["n"] == 120 and moved["x"] == pytest.approx(1.176 + 0.18, abs=2e-3) and seen["size"] > 3
    frame = students(page)
    assert page.js("lab.result.students.slope") == pytest.approx(mlm.ols("math ~ mses", frame).params["mses"])
    page.page.locator("#back").click()
    page.settle()
    assert page.readout("cooks") == pytest.approx(0.191, abs=1e-3)


def test_leverage_and_surprise_by_dragging(lab):
    page = lab(54344)
    key = f"school{page.state['school']}"
    before = page.numbers
    page.mouse_drag(key, 130)
    seen = assert_equals_mlmlib(page)
    assert seen["leverage"] > 3 * before["leverage"] and seen["cooks"] > 4 * before["cooks"]
    assert abs(seen["surprise"] - before["surprise"]) < 1


def test_mouse_finger_and_keys_on_a_phone(lab):
    page = lab(phone=True, touch=True)
    j = page.state["school"]
    key, x = f"school{j}", page.js("lab.result.chosen.x")
    page.touch_drag(key, -40)
    assert page.state["x"][j] < x - 0.2
    other = next(k for k in range(23) if k != j)
    page.handle(f"school{other}").focus()
    assert page.state["school"] == other
    page.page.keyboard.press("ArrowUp")
    assert "Cook's distance" in page.handle(f"school{other}").get_attribute("aria-valuetext")
    assert page.overflow() <= 0
    assert_equals_mlmlib(page)


def test_no_more_goes_out_than_can(lab):
    page = lab(out=list(mlm.labs.influence().data["labels"])[:19], school=72991)
    assert page.page.locator("#out").is_disabled()
    assert_equals_mlmlib(page)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="no school 1 in"):
        mlm.labs.influence(1)
    with pytest.raises(ValueError, match="at least 4"):
        mlm.labs.influence(out=mlm.labs.influence().data["labels"][:20])
    with pytest.raises(ValueError, match="2 to 200"):
        mlm.labs.influence(sizes={62821: 1})
    with pytest.raises(ValueError, match="off the picture"):
        mlm.labs.influence(moved={62821: (3, 60)})


def test_the_state_as_python_opens_the_same_lab(lab):
    page = lab(54344, out=[6467], moved={62821: (1.5, 61.0)}, sizes={62821: 40}, students=True)
    assert_equals_mlmlib(page)
    said = page.js("lab.spec.python(lab.state, lab.data)")
    again = mlm.labs.influence(**said)
    state = page.state
    for key in ("school", "out", "students", "x", "y", "n"):
        assert getattr(again, key) == state[key], key
    page.handle(f"school{state['school']}").focus()
    page.page.keyboard.press("ArrowRight")
    said = page.js("lab.spec.python(lab.state, lab.data)")
    assert set(said["moved"]) == {"62821", "54344"} and said["moved"]["54344"][1] == pytest.approx(40.95, abs=0.01)
