"""The centering lab: every slope, weight and variance against mlmlib on the students that the page holds."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from lab_actions import OneLab

pytestmark = pytest.mark.browser
MODES = ("none", "grand", "group")


@pytest.fixture
def lab(browser, tmp_path):
    pages = []

    def start(phone=False, dark=False, touch=False, fragment="", **asked):
        made = mlm.labs.centering(**asked)
        pages.append(OneLab(browser, tmp_path, made, phone=phone, dark=dark, touch=touch, fragment=fragment))
        return pages[-1]

    yield start
    for page in pages:
        page.finish()


def students(page):
    """The students on the page, with x split and entered as the page says it enters."""
    frame = pd.DataFrame(page.js("({x: lab.result.x, y: lab.result.y, school: lab.result.group})"))
    frame = mlm.within_between(frame, ["x"], groups="school")
    mode = page.state["mode"]
    how = {"none": frame["x"], "grand": frame["x"] - frame["x"].mean(), "group": frame["x_within"]}
    return frame.assign(entered=how[mode])


def precisions(frame, tau2, sigma2):
    """1 / Var of the within and the between coefficient at given variances, by the full covariance matrix."""
    school = frame["school"].to_numpy()
    V = tau2 * (school[:, None] == school) + sigma2 * np.eye(len(frame))
    X = np.c_[np.ones(len(frame)), frame["x_within"], frame.groupby("school")["x"].transform("mean")]
    return 1 / np.diag(np.linalg.inv(X.T @ np.linalg.solve(V, X)))[1:]


def assert_equals_mlmlib(page, reml=False):
    frame, state = students(page), page.state
    frame["own"] = frame.groupby("school")["x"].transform("mean")
    if state["mode"] != "none":
        frame["own"] -= frame["x"].mean()
    fit = mlm.lmm(f"y ~ entered {'+ own' if state['mean'] else ''} + (1 | school)", frame, reml=reml)
    tau2, seen = fit.covariance_matrix().to_numpy()[0, 0], page.numbers
    assert seen["slope"] == pytest.approx(fit.params["entered"], rel=1e-6)
    assert seen["se"] == pytest.approx(fit.bse["entered"], rel=1e-5)
    assert seen["intercept"] == pytest.approx(fit.params["Intercept"], rel=1e-6)
    assert seen["tau2"] == pytest.approx(tau2, rel=1e-4, abs=1e-4)
    assert seen["sigma2"] == pytest.approx(fit.sigma**2, rel=1e-5)
    assert seen["criterion"] == pytest.approx(fit.criterion, abs=1e-6)
    if state["mode"] == "none":  # the same students, however x enters
        both = mlm.lmm("y ~ x_within + x_between + (1 | school)", frame, reml=reml)
        assert [seen["within"], seen["between"]] == pytest.approx(list(both.params[1:]), abs=1e-7)
        tau = both.covariance_matrix().to_numpy()[0, 0]
        assert tau == pytest.approx(state["tau"] ** 2, abs=1e-4)  # as was asked for
    assert [seen["within"], seen["between"]] == pytest.approx([state["within"], state["between"]], abs=1e-9)
    assert seen["contextual"] == pytest.approx(seen["between"] - seen["within"])
    assert seen["pooled"] == pytest.approx(mlm.ols("y ~ entered", frame).params["entered"], abs=1e-9)
    if state["mean"]:
        assert seen["ofMean"] == pytest.approx(fit.params["own"], rel=1e-6)
        assert seen["seMean"] == pytest.approx(fit.bse["own"], rel=1e-4)
    if "weight" in seen:
        w = precisions(frame, seen["tau2"], seen["sigma2"])
        assert page.js("lab.result.w") == pytest.approx(list(w), rel=1e-6)
        assert seen["weight"] == pytest.approx(w[0] / w.sum(), rel=1e-6)
        average = (w @ [seen["within"], seen["between"]]) / w.sum()
        assert average == pytest.approx(seen["slope"], abs=1e-8)  # with the model's own variances it is exact
    _, _, rows = page.sheet()
    np.testing.assert_allclose([float(row[4]) for row in rows], fit.random_effects["school"]["Intercept"], atol=2e-3)
    return seen


def test_three_centerings_with_and_without_the_mean(lab):
    page = lab()
    seen = {}
    for mean in (False, True):
        page.control("mean").set_checked(mean)
        for mode in MODES:
            page.control("mode").select_option(mode)
            page.settle()
            seen[mode, mean] = assert_equals_mlmlib(page)
    raw = seen["none", False]
    assert 1 < raw["slope"] < raw["pooled"] < 3.5 and 0.85 < raw["weight"] < 0.95  # the idea, on opening
    for key in ("slope", "criterion", "tau2", "weight"):
        assert seen["grand", False][key] == pytest.approx(raw[key], rel=1e-9)  # grand-mean: an origin and nothing else
    assert seen["grand", False]["intercept"] != pytest.approx(raw["intercept"], abs=1)
    assert seen["group", False]["slope"] == pytest.approx(1)
    assert seen["group", False]["tau2"] > 4 * seen["group", True]["tau2"]
    assert [seen["none", True]["ofMean"], seen["group", True]["ofMean"]] == pytest.approx([2.5, 3.5])
    assert seen["none", True]["criterion"] == pytest.approx(seen["group", True]["criterion"], rel=1e-9)


def test_simpsons_reversal_is_one_click_away(lab):
    page = lab()
    page.page.locator("#simpson").click()
    seen = assert_equals_mlmlib(page)
    assert seen["pooled"] < -1 and seen["slope"] > 1.2 and seen["between"] < 0
    assert "other way" in page.page.locator(".says").inner_text()
    page.control("mode").select_option("group")
    centered = assert_equals_mlmlib(page)
    assert centered["slope"] == pytest.approx(1.5)
    empty = mlm.lmm("y ~ 1 + (1 | school)", students(page), reml=False).covariance_matrix().to_numpy()[0, 0]
    assert empty < centered["tau2"] < 1.2 * empty < seen["tau2"]  # a fall, where the one slope ran the wrong way
    assert "what it would be without x" in page.page.locator(".says").inner_text()


def test_two_slopes_that_agree_need_no_warning(lab):
    page = lab(within=1.5, between=1.5)
    for mode in ("none", "grand"):
        page.control("mode").select_option(mode)
        assert assert_equals_mlmlib(page)["slope"] == pytest.approx(1.5)
        assert "answers both" in page.page.locator(".says").inner_text()


def test_the_blend_moves_though_no_slope_does(lab):
    page = lab()
    for key, value in (("n", 2), ("share", 0.95), ("tau", 0)):
        page.slide(key, value)
    seen = assert_equals_mlmlib(page)
    assert seen["slope"] == pytest.approx(3.375, abs=1e-6) and seen["weight"] == pytest.approx(0.05, abs=1e-6)
    assert seen["slope"] == pytest.approx(seen["pooled"]) and seen["tau2"] == pytest.approx(0, abs=1e-9)


def test_other_settings_other_students_and_reml(lab):
    page = lab(reml=True, within=-2, between=1.2, share=0.4, n=5, tau=3, seed=8)
    assert_equals_mlmlib(page, reml=True)
    page.page.locator("#draw").click()
    before = page.readout("slope")
    page.slide("tau", 0.5)
    assert page.readout("slope") != before
    assert_equals_mlmlib(page, reml=True)


def test_group_mean_centering_slides_the_clouds_together(lab):
    page = lab()
    place = """(host) => [...host.shadowRoot.querySelectorAll('svg circle[r="3.8"]')].map((c) => Number(c.getAttribute('cx')))"""
    apart = page.host.evaluate(place)
    assert len(apart) == 8 and max(apart) - min(apart) > 100
    page.control("mode").select_option("grand")
    page.settle()
    assert page.host.evaluate(place) == apart  # only the numbers on the axis have moved
    page.control("mode").select_option("group")
    page.page.wait_for_function("() => document.querySelector('.mlm-lab-host').lab.memory.slid === 1")
    page.settle()
    together = page.host.evaluate(place)
    assert max(together) - min(together) < 0.2
    assert page.page.locator(".handle[data-key=between]").count() == 0  # there is no line between schools to hold


def test_mouse_finger_and_keys_set_the_slopes(lab):
    page = lab(phone=True, touch=True)
    page.handle("between").scroll_into_view_if_needed()
    page.drag("between", 0, 60)
    assert page.state["between"] < 2.5
    page.touch_drag("beam-between", -40)
    assert page.state["between"] < 1.7
    page.handle("within").focus()
    before = page.state["within"]
    page.page.keyboard.press("ArrowUp")
    page.page.keyboard.press("Shift+ArrowDown")
    assert page.state["within"] == pytest.approx(before - 0.9)
    assert "model" in page.handle("within").get_attribute("aria-valuetext")
    for key in ("within", "between", "beam-within", "beam-between"):
        for pressed, value in (("End", 4), ("Home", -4), ("ArrowRight", -3.9)):
            page.handle(key).focus()
            page.page.keyboard.press(pressed)
            assert page.state[key.removeprefix("beam-")] == pytest.approx(value)
    assert page.overflow() <= 0
    page.announced("Within")
    assert_equals_mlmlib(page)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="choose one of"):
        mlm.labs.centering(mode="cwc")
    with pytest.raises(ValueError, match="works from -4 to 4"):
        mlm.labs.centering(within=9)
