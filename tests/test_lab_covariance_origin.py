"""Covariance and origin: every number at every origin against mlmlib, refitted with x measured from there."""

import numpy as np
import pytest

import mlmlib as mlm
from lab_actions import OneLab

READ = {"gamma00": ("params", 0), "gamma10": ("params", 1), "gamma00_se": ("bse", 0)}


@pytest.fixture
def lab(browser, tmp_path):
    pages = []

    def start(fit=None, phone=False, dark=False, touch=False, **asked):
        made = mlm.labs.covariance_origin(fit, **asked)
        pages.append(OneLab(browser, tmp_path, made, phone=phone, dark=dark, touch=touch))
        return pages[-1]

    yield start
    for page in pages:
        page.finish()


def refit(origin, free=True, reml=True):
    math = mlm.load("math")
    math["moved"] = math["homework"] - origin
    return mlm.lmm(f"math ~ moved + (moved {'|' if free else '||'} schid)", math, reml=reml)


def assert_equals_mlmlib(page, fit, rtol=2e-5):
    for key, (name, i) in READ.items():
        assert page.readout(key) == pytest.approx(getattr(fit, name).iloc[i], rel=rtol)
    T = fit.covariance_matrix().to_numpy()
    for key, value in (("tau00", T[0, 0]), ("tau01", T[0, 1]), ("tau11", T[1, 1]), ("sigma2", fit.sigma**2)):
        assert page.readout(key) == pytest.approx(value, rel=rtol, abs=1e-4 * T[1, 1])
    assert page.readout("criterion") == pytest.approx(fit.criterion, abs=1e-5)
    _, _columns, rows = page.sheet()
    values = np.array([row[1:] for row in rows], float)
    u = fit.random_effects["schid"].to_numpy()
    np.testing.assert_allclose(values[:, 2:], u, atol=2e-3)
    np.testing.assert_allclose(values[:, :2], u + fit.params.to_numpy(), atol=2e-3)


def test_every_origin_is_the_same_fit(lab):
    page = lab()
    for origin in (0.0, -1.5, 1.55, 4.0):
        page.slide("origin", origin)
        assert page.state["origin"] == pytest.approx(origin)
        assert_equals_mlmlib(page, refit(origin))


def test_the_correlation_changes_sign_and_no_line_moves(lab):
    page = lab()
    assert page.readout("correlation") < -0.8
    still = page.js("lab.result.lines.map((l) => [l.intercept + 5 * l.slope, l.slope])")
    page.slide("origin", 5)
    assert page.readout("correlation") > 0.8
    np.testing.assert_allclose(page.js("lab.result.lines.map((l) => [l.intercept, l.slope])"), still, rtol=1e-9)
    waist = page.js("lab.result.turning")
    page.slide("origin", round(waist / 0.05) * 0.05)
    assert abs(page.readout("correlation")) < 0.03
    assert page.readout("tau00") < 20


def test_lines_drawn_do_not_move(lab):
    page = lab()
    paths = "(host) => [...host.shadowRoot.querySelectorAll('svg path')].map((node) => node.getAttribute('d'))"
    before = page.host.evaluate(paths)
    page.slide("origin", 3)
    after = page.host.evaluate(paths)
    same = sum(d in after for d in before)
    assert same >= 2 * 23 + 1  # each school's line, the part that was seen, and the average


def test_without_covariance_the_page_fits_again(lab):
    page = lab(free=False)
    for origin in (0.0, 3.0):
        page.slide("origin", origin)
        assert_equals_mlmlib(page, refit(origin, free=False), rtol=1e-4)
        assert page.js("lab.result.excess") == pytest.approx(
            refit(origin, free=False).criterion - refit(0).criterion, abs=1e-4
        )
    page.page.locator("input[data-key=free]").check()
    page.settle()
    assert_equals_mlmlib(page, refit(3.0))


def test_mouse_finger_and_keys_move_the_origin(lab):
    page = lab(touch=True, phone=True)
    page.mouse_drag("origin", 60)
    moved = page.state["origin"]
    assert moved > 0.5
    page.touch_drag("origin", -90)
    assert page.state["origin"] < moved - 0.5
    page.page.locator(".handle[data-key=origin]").focus()
    before = page.state["origin"]
    page.page.keyboard.press("ArrowRight")
    page.settle()
    assert page.state["origin"] == pytest.approx(before + page.js("lab.data.step"))
    spoken = page.page.locator(".handle[data-key=origin]").get_attribute("aria-valuetext")
    assert "correlation" in spoken
    page.announced("Origin")


def test_takes_a_fit_from_python(lab):
    hsb = mlm.load("hsb")
    fit = mlm.lmm("mathach ~ cses + (cses | school)", hsb, reml=False)
    page = lab(fit, x_name="centered SES")
    T = fit.covariance_matrix().to_numpy()
    assert page.readout("tau00") == pytest.approx(T[0, 0], rel=1e-6)
    assert page.readout("criterion") == pytest.approx(fit.criterion, abs=1e-5)
    with pytest.raises(ValueError, match="random intercept and slope"):
        mlm.labs.covariance_origin(mlm.lmm("mathach ~ cses + (1 | school)", hsb))


@pytest.mark.parametrize("dark", [False, True])
def test_fits_a_phone(lab, dark):
    assert lab(phone=True, dark=dark).overflow() <= 0
