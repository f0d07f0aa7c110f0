"""The likelihood surface: every walk against mlmlib and dense matrices; the edge, the false optimum, the controls."""

import json
from pathlib import Path

import numpy as np
import pytest

import mlmlib as mlm
from lab_actions import OneLab
from mlmlib.widgets.likelihood_surface import DEAL, HSB_FORMULA, HSB_STOP, METHODS

pytestmark = pytest.mark.browser
REFERENCE = Path(__file__).parent / "reference" / "r" / "hsb_minority_nloptwrap_falseopt_reml.json"


@pytest.fixture
def lab(browser, tmp_path):
    pages = []

    def start(phone=False, dark=False, touch=False, **asked):
        made = mlm.labs.likelihood_surface(**asked)
        pages.append(OneLab(browser, tmp_path, made, phone=phone, dark=dark, touch=touch))
        return pages[-1]

    yield start
    for page in pages:
        page.finish()


def math_data(surface):
    math = mlm.load("math")
    if surface == "dealt":
        math = math.assign(schid=np.random.default_rng(DEAL).permutation(math["schid"].to_numpy()))
    return math


class Dense:
    """The random-intercept model with whole matrices, at one tau2 and sigma2."""

    def __init__(self, frame, tau2, sigma2, reml):
        y, codes = frame["math"].to_numpy(float), frame["schid"].factorize()[0]
        n, X = len(y), np.ones((len(y), 1))
        Z = np.eye(codes.max() + 1)[codes]
        V = tau2 * Z @ Z.T + sigma2 * np.eye(n)
        W = np.linalg.inv(V)
        H = X.T @ W @ X
        P = W - W @ X @ np.linalg.solve(H, X.T @ W)
        Q = P if reml else W
        df = n - reml
        r = P @ y
        self.value = df * np.log(2 * np.pi) + np.linalg.slogdet(V)[1] + y @ r + reml * np.log(H[0, 0])
        parts = [Z @ Z.T, np.eye(n)]
        self.gradient = np.array([np.trace(Q @ A) - r @ A @ r for A in parts])
        self.information = np.array([[np.trace(Q @ A @ Q @ B) for B in parts] for A in parts])
        u, e = tau2 * Z.T @ r, sigma2 * r  # Laird and Ware: expected squares given the data
        J = Z.shape[1]
        self.em = np.array(
            [
                (u @ u + np.trace(tau2 * np.eye(J) - tau2**2 * Z.T @ Q @ Z)) / J,
                (e @ e + np.trace(sigma2 * np.eye(n) - sigma2**2 * Q)) / n,
            ]
        )


def walked(page):
    return page.js("lab.result.walk.steps")


@pytest.mark.parametrize("surface", ["math", "dealt"])
@pytest.mark.parametrize("reml", [False, True])
def test_walks_on_the_intercept_surface_are_those_of_whole_matrices(lab, surface, reml):
    frame = math_data(surface)
    start = (3.0, 12.0)
    page = lab(surface=surface, method="em", reml=reml, x=start[0], y=start[1])
    at = Dense(frame, start[0] ** 2, start[1] ** 2, reml)
    steps = walked(page)
    assert steps[0]["x"] == list(start) and steps[0]["value"] == pytest.approx(at.value, abs=1e-7)
    np.testing.assert_allclose(np.square(steps[1]["x"]), at.em, rtol=1e-9)
    assert all(a["value"] >= b["value"] - 1e-9 for a, b in zip(steps, steps[1:], strict=False))
    page.control("method").select_option("scoring")
    page.settle()
    steps = walked(page)
    newton = np.square(start) - np.linalg.solve(at.information, at.gradient)
    if newton[0] > 0:
        np.testing.assert_allclose(np.square(steps[1]["x"]), newton, rtol=1e-8)
    for method in METHODS:
        page.control("method").select_option(method)
        page.settle()
        steps = walked(page)
        for step in steps[:: max(1, len(steps) // 5)]:
            value = Dense(frame, step["x"][0] ** 2, step["x"][1] ** 2, reml).value
            assert step["value"] == pytest.approx(value, abs=1e-6)
    fit = mlm.lmm("math ~ 1 + (1 | schid)", frame, reml=reml)
    seen = page.numbers
    assert seen["best"] == pytest.approx(fit.criterion, abs=1e-7)
    tau = np.sqrt(fit.covariance_matrix().to_numpy()[0, 0])
    assert [seen["best0"], seen["best1"]] == pytest.approx([tau, fit.sigma], rel=1e-5, abs=1e-6)
    ends = {end["key"]: end for end in page.js("lab.result.ends")}
    for key in METHODS:
        if (surface, key) != ("dealt", "em"):
            assert ends[key]["above"] < 1e-4, key
    assert ends["scoring"]["evaluations"] < ends["simplex"]["evaluations"]


def test_opening_state_shows_a_walk(lab):
    page = lab()
    assert page.readout("step") == 11 and page.readout("em") == 12
    assert page.readout("above") < 1e-4
    assert page.readout("scoring") < 10 < 50 < page.readout("simplex")


def test_nothing_and_times_nothing_a_start_on_the_edge(lab):
    page = lab(x=0, y=12)
    pooled = mlm.ols("math ~ 1", mlm.load("math"))
    ends = {end["key"]: end for end in page.js("lab.result.ends")}
    for key in ("em", "bfgs"):
        assert ends[key]["x"][0] == 0 and ends[key]["value"] == pytest.approx(-2 * pooled.llf, abs=1e-4)
        assert ends[key]["above"] > 130
    for key in ("scoring", "simplex"):
        assert ends[key]["above"] < 1e-4
    assert "level in that direction" in page.page.locator(".says").inner_text()


def test_on_the_edge_scoring_lands_and_em_never_arrives(lab):
    page = lab(surface="dealt")
    ends = {end["key"]: end for end in page.js("lab.result.ends")}
    assert mlm.lmm("math ~ 1 + (1 | schid)", math_data("dealt"), reml=False).is_singular
    assert page.readout("best0") == 0 and ends["scoring"]["x"][0] == 0 and ends["scoring"]["steps"] <= 3
    assert not ends["em"]["done"] and f"{ends['em']['x'][0]:.2f}" == "0.13"  # the text says so


@pytest.fixture(scope="module")
def hsb_fits():
    hsb = mlm.load("hsb")
    return {reml: mlm.lmm(HSB_FORMULA, hsb, reml=reml) for reml in (True, False)}


def hsb_value(fit, a, b):
    l11, l21, l31, _, _, l33 = HSB_STOP
    L = np.array([[l11, 0, 0], [l21, a, 0], [l31, b, l33]])
    return fit.model.at({"school": L @ L.T}, 1.0).value


@pytest.mark.parametrize("reml", [True, False])
def test_slopes_surface_equals_mlmlib_with_its_derivatives(lab, hsb_fits, reml):
    page, fit = lab(surface="hsb", reml=reml), hsb_fits[reml]
    for a, b in ((0, HSB_STOP[4]), (0.1, -0.2), (0.23, 0.05), (-0.08, 0.12)):
        at = page.js(f"lab.result.f.at([{a}, {b}])")
        assert at["value"] == pytest.approx(hsb_value(fit, a, b), abs=2e-6)
        h = 1e-4
        slope = [
            (hsb_value(fit, a + h, b) - hsb_value(fit, a - h, b)) / (2 * h),
            (hsb_value(fit, a, b + h) - hsb_value(fit, a, b - h)) / (2 * h),
        ]
        np.testing.assert_allclose(at["gradient"], slope, rtol=1e-4, atol=2e-3)
        f0, f1, f2 = at["information"]
        assert f0 > 0 and f2 > 0 and f0 * f2 > f1**2


def test_the_published_fit_is_a_false_optimum(lab, hsb_fits):
    reference = json.loads(REFERENCE.read_text())["results"]
    assert list(HSB_STOP) == pytest.approx(list(reference["theta"].values()))
    page = lab(surface="hsb")
    for method in ("scoring", "bfgs", "simplex"):
        page.control("method").select_option(method)
        page.settle()
        end = page.js("lab.result.end")
        assert end["value"] == pytest.approx(reference["deviance_or_remlcrit"], abs=1e-3)
        assert end["x"] == pytest.approx([0, HSB_STOP[4]], abs=2e-3)
        assert page.readout("above") == pytest.approx(7.874, abs=2e-3) and end["done"]
        assert "false optimum" in page.page.locator(".says").inner_text()
    below = hsb_fits[True].criterion
    assert below < page.readout("best") < below + 0.4
    page.control("wall").uncheck()
    page.settle()
    for end in page.js("lab.result.ends"):
        assert end["above"] < 1e-4 and end["x"] == pytest.approx([-0.1179, 0.1225], abs=1e-3)
    assert "mirror image" in page.page.locator(".says").inner_text()
    page = lab(surface="hsb", x=0.1, y=-0.2)
    assert all(end["above"] < 1e-4 and end["x"][0] > 0 for end in page.js("lab.result.ends"))


def test_lab_carries_data_that_r_and_python_agree_on_and_em_has_no_step_on_two_elements(lab):
    page = lab(surface="hsb", method="em")
    assert page.state["method"] == "bfgs"
    assert page.control("method").locator("option[value=em]").is_disabled()
    page.control("surface").select_option("math")
    assert page.state["reml"] is False and page.state["y"] == 14
    page.control("method").select_option("em")
    page.control("surface").select_option("hsb")
    assert page.state["method"] == "bfgs" and page.state["reml"] is True


def test_play_step_back_and_whole(lab):
    page = lab()
    page.page.locator("#home").click()
    assert page.state["step"] == 0 and page.readout("evaluations") == 1
    first = page.readout("criterion")
    page.page.locator("#step").click()
    page.settle()
    page.page.locator("#step").click()
    assert page.readout("step") == 2 and page.readout("criterion") < first
    _, columns, rows = page.sheet()
    assert columns[0] == "step" and len(rows) == 3
    assert [float(row[3]) for row in rows] == pytest.approx([s["value"] for s in walked(page)[:3]], abs=6e-5)
    page.page.locator("#play").click()
    page.page.wait_for_function(
        "() => { const l = document.querySelector('.mlm-lab-host').lab; return l.result.step === l.result.last; }",
        timeout=60_000,
    )
    page.page.wait_for_function("() => !document.querySelector('.mlm-lab-host').lab.memory.playing")
    page.settle()
    assert page.page.locator("#play").inner_text() == "Play the walk"
    page.page.locator("#step").click()
    assert page.state["step"] == 0
    page.page.locator("#end").click()
    assert page.readout("step") == 11
    page.announced("EM, step 11 of 11")


def test_the_start_is_dropped_by_click_drag_finger_and_keys(lab):
    page = lab(phone=True, touch=True, method="scoring")
    ground = page.page.locator("svg rect").first
    ground.scroll_into_view_if_needed()
    box = ground.bounding_box()
    page.page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    assert page.state["x"] == pytest.approx(10.5, abs=0.15) and page.state["y"] == pytest.approx(13.6, abs=0.15)
    page.drag("start", -40, 10)
    moved = page.state
    assert moved["x"] < 9.5 and moved["y"] < 13.6
    page.touch_drag("start", -30)
    assert page.state["x"] < moved["x"] - 0.5
    page.handle("start").focus()
    before = page.state
    page.page.keyboard.press("ArrowLeft")
    page.page.keyboard.press("Shift+ArrowUp")
    assert page.state["x"] == pytest.approx(before["x"] - 0.1) and page.state["y"] > before["y"]
    for _ in range(15):
        page.page.keyboard.press("Shift+ArrowLeft")
    assert page.state["x"] == 0
    assert "above the lowest" in page.handle("start").get_attribute("aria-valuetext")
    assert page.overflow() <= 0


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="choose one of math"):
        mlm.labs.likelihood_surface(surface="moon")
    with pytest.raises(ValueError, match="choose one of em"):
        mlm.labs.likelihood_surface(method="sgd")
    with pytest.raises(ValueError, match="starts between 0 and"):
        mlm.labs.likelihood_surface(surface="hsb", x=-0.1)
    with pytest.raises(ValueError, match="whole walk"):
        mlm.labs.likelihood_surface(step=-4)
