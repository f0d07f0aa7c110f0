"""The lab of growth in pieces: fits, places and the statistics of a search against mlm.lmm by ML on the page's data."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

import mlmlib as mlm
from lab_actions import OneLab
from mlmlib.widgets.piecewise import TRUTH, trial

pytestmark = pytest.mark.browser


@pytest.fixture
def lab(browser, tmp_path):
    pages = []

    def start(study="trial", phone=False, dark=False, touch=False, fragment="", **asked):
        made = mlm.labs.piecewise(study, **asked)
        pages.append(OneLab(browser, tmp_path, made, phone=phone, dark=dark, touch=touch, fragment=fragment))
        return pages[-1]

    yield start
    for page in pages:
        page.finish()


def rows(page):
    """The rows that the page fits."""
    Y, times = np.array(page.js("lab.result.Y")), page.js("lab.result.times")
    person = np.repeat(np.arange(len(Y)), len(times))
    return pd.DataFrame({"y": Y.ravel(), "t": np.tile(times, len(Y)), "person": person})


def fit(frame, shape, knots):
    """The model by mlmlib, from columns that are written out here, and the page's names of its coefficients."""
    names = {"Intercept": "one", "t": "t"}
    frame, terms = frame.copy(), ["t"]
    if shape == "quadratic":
        terms.append("I(t**2)")
        names["I(t ** 2)"] = "t2"
    if shape in ("piecewise", "jump"):
        for i, k in enumerate(knots):
            frame[f"bend{i}"] = np.maximum(frame["t"] - k, 0)
            frame[f"jump{i}"] = (frame["t"] >= k).astype(float)
            terms += [f"jump{i}"] * (shape == "jump") + [f"bend{i}"]
    found = mlm.lmm(f"y ~ {' + '.join(terms)} + (1 | person)", frame, reml=False)
    return found, [names.get(name, name) for name in found.params.index]


def assert_equals_mlmlib(page):
    frame, state, seen = rows(page), page.state, page.numbers
    ours, names = fit(frame, state["shape"], state["knots"])
    straight, _ = fit(frame, "line", [])
    assert [seen[name] for name in names] == pytest.approx(list(ours.params), rel=1e-6, abs=1e-8)
    assert [seen[f"{name}_se"] for name in names] == pytest.approx(list(ours.bse), rel=1e-5)
    assert seen["tau2"] == pytest.approx(ours.covariance_matrix().to_numpy()[0, 0], rel=1e-4)
    assert seen["sigma2"] == pytest.approx(ours.sigma**2, rel=1e-6)
    assert [seen["criterion"], seen["aic"], seen["bic"]] == pytest.approx([-2 * ours.llf, ours.aic, ours.bic], abs=1e-6)
    assert seen["lr"] == pytest.approx(2 * (ours.llf - straight.llf), abs=1e-6)
    kind = "jump" if state["shape"] == "jump" else "piecewise"
    event, where = page.js("lab.result.study.event"), page.js("lab.result.own.where")
    for key, place in (("known", event), ("best", where)):
        assert seen[key] == pytest.approx(2 * (fit(frame, kind, [place])[0].llf - straight.llf), abs=1e-6)
    assert seen["naive"] == pytest.approx(chi2.sf(seen["best"], 2 if kind == "jump" else 1), rel=1e-9)
    return seen


@pytest.mark.parametrize("shape", ["line", "quadratic", "piecewise", "jump"])
@pytest.mark.parametrize(("study", "knots"), [("trial", [3.25, 6, 8.5]), ("rats", [20, 43]), ("none", [5])])
def test_every_shape_equals_a_fit(lab, study, knots, shape):
    assert_equals_mlmlib(lab(study, shape=shape, knots=knots))


def test_the_trial_is_what_its_text_says():
    Y, week = trial(children=4000), np.arange(12)
    frame = pd.DataFrame({"y": Y.ravel(), "t": np.tile(week, 4000), "person": np.repeat(np.arange(4000), 12)})
    found, names = fit(frame, "jump", [6])
    truth = {"one": TRUTH["start"], "t": TRUTH["slope"], "jump0": TRUTH["jump"], "bend0": TRUTH["change"]}
    assert dict(zip(names, found.params, strict=True)) == pytest.approx(truth, abs=0.3)
    assert found.sigma == pytest.approx(TRUTH["sigma"], rel=0.02)


def test_the_profile_is_a_fit_at_each_place(lab):
    page = lab(knots=[4, 8], at=1, shape="jump")
    frame, profile = rows(page), page.js("lab.result.profile")
    assert profile[0][0] == 4.25 and profile[-1][0] == 10
    for place, aic in profile[8::5]:
        assert aic == pytest.approx(fit(frame, "jump", [4, place])[0].aic, abs=1e-6)
    assert profile[0][1] is None  # no two occasions between the jumps


def test_the_search_finds_the_lowest_aic(lab):
    page = lab()
    page.page.locator("#search").click()
    page.settle()
    seen, profile = assert_equals_mlmlib(page), dict(page.js("lab.result.profile"))
    assert page.state["knots"] == [min(profile, key=profile.get)] == [4.5]
    assert seen["lr"] == pytest.approx(seen["best"], abs=1e-8)
    page.control("shape").select_option("jump")
    page.settle()
    page.page.locator("#search").click()
    page.settle()
    assert 5 < page.state["knots"][0] <= 6
    flat = {f"{aic:.6f}" for place, aic in page.js("lab.result.profile") if 5 < place <= 6}
    assert len(flat) == 1  # nobody was tested in between
    assert_equals_mlmlib(page)


def test_more_knots_and_what_the_text_says_of_them(lab):
    page, seen = lab(), []
    for count in (1, 2, 3):
        page.page.locator("#search").click()
        page.settle()
        assert len(page.state["knots"]) == count
        seen.append(assert_equals_mlmlib(page))
        if count < 3:
            page.page.locator("#more").click()
            page.settle()
    aic, bic = ([s[key] for s in seen] for key in ("aic", "bic"))
    assert min(aic) == aic[1] and min(bic) == bic[0]
    assert page.page.locator("#more").is_disabled()
    page.page.locator("#fewer").click()
    page.settle()
    assert len(page.state["knots"]) == 2


def test_worlds_without_a_knot(lab):
    page = lab("none")
    page.page.locator("#world").click()
    page.page.locator("#world").click()
    page.settle()
    assert page.state["worlds"] == 2
    seen = assert_equals_mlmlib(page)  # the second world is the one that is shown
    last = page.js("lab.result.shown[1]")
    assert [last["fixed"], last["best"]] == pytest.approx([seen["known"], seen["best"]])
    for shape, rate in (("piecewise", 0.19), ("jump", 0.23)):
        page = lab(shape=shape, worlds=2000)
        many = page.numbers
        assert many["fixed_rate"] == pytest.approx(0.05, abs=0.012) and many["best_rate"] == pytest.approx(
            rate, abs=0.02
        )
        beyond = sum(world["best"] >= many["best"] for world in page.js("lab.result.shown"))
        assert many["honest"] == (1 + beyond) / 2001 and many["honest"] > many["naive"]


def test_too_few_occasions_are_said(lab):
    page = lab(shape="jump", knots=[6, 6.5])
    assert "two occasions" in page.page.locator(".says").inner_text() and "aic" not in page.numbers
    page.handle("knot1").focus()
    page.page.keyboard.press("End")
    assert_equals_mlmlib(page)


def test_mouse_finger_and_keys_on_a_phone(lab):
    page = lab(phone=True, touch=True)
    page.touch_drag("knot0", -50)
    assert page.state["knots"][0] < 4.6
    page.mouse_drag("knot0", 30)
    assert page.state["knots"][0] > 4.6
    page.handle("knot0").focus()
    for key, value in (("Home", 1), ("ArrowRight", 1.25), ("Shift+ArrowRight", 2.25), ("End", 10)):
        page.page.keyboard.press(key)
        assert page.state["knots"] == [value]
    assert "AIC" in page.handle("knot0").get_attribute("aria-valuetext")
    page.control("shape").select_option("quadratic")
    page.settle()
    assert page.handle("knot0").count() == 0 and page.page.locator("#search").is_disabled()
    assert page.overflow() <= 0
    page.announced("gain a week, at 0")


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="choose one of trial, rats, none"):
        mlm.labs.piecewise("mice")
    with pytest.raises(ValueError, match="in increasing order, from 1 to 10"):
        mlm.labs.piecewise(knots=[7, 3])
    with pytest.raises(ValueError, match="counted from 0"):
        mlm.labs.piecewise(at=1)
    with pytest.raises(ValueError, match="choose one of line"):
        mlm.labs.piecewise(shape="spline")
