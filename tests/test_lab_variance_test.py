"""The test of a variance: its statistics, limits, rates and p-values against mlmlib, SciPy and the exact test."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mlmlib as mlm
from lab_actions import OneLab

pytestmark = pytest.mark.browser


@pytest.fixture
def lab(browser, tmp_path):
    pages = []

    def start(phone=False, dark=False, touch=False, **state):
        pages.append(OneLab(browser, tmp_path, mlm.labs.variance_test(**state), phone=phone, dark=dark, touch=touch))
        finish(pages[-1])
        return pages[-1]

    yield start
    for page in pages:
        page.finish()


def finish(page):
    """Wait until every study asked for is drawn."""
    page.settle()
    page.page.wait_for_function(
        """() => { const lab = document.querySelector('.mlm-lab-host').lab;
        return !lab.result.pending && lab.result.count === lab.state.studies; }""",
        timeout=60_000,
    )
    page.settle()


def students(page):
    """Students with exactly the means and the sum of squares within schools of the latest study."""
    last, state = page.js("({means: lab.result.last.means, ssw: lab.result.last.ssw})"), page.state
    J, n = state["J"], state["n"]
    rest = np.random.default_rng(1).normal(size=(J, n))
    rest -= rest.mean(axis=1, keepdims=True)
    rest *= np.sqrt(last["ssw"] / np.sum(rest**2))
    return pd.DataFrame({"y": (np.array(last["means"])[:, None] + rest).ravel(), "school": np.repeat(np.arange(J), n)})


@pytest.mark.parametrize(
    "world", [{"tau2": 0.1}, {"tau2": 0.3, "J": 5, "n": 3, "seed": 4}, {"tau2": 0.05, "J": 60, "n": 8, "seed": 9}]
)
def test_the_statistic_of_a_study_is_that_of_mlmlib(lab, world):
    page = lab(studies=3, **world)
    frame = students(page)
    for reml in (True, False):
        page.control("reml").set_checked(reml)
        page.settle()
        fit = mlm.lmm("y ~ 1 + (1 | school)", frame, reml=reml)
        statistic = fit.model.criterion(np.zeros(1)).value - fit.criterion
        assert page.js("lab.result.latest") == pytest.approx(max(0, statistic), abs=1e-7)
        assert page.js("lab.result.tau2") == pytest.approx(fit.covariance_matrix().to_numpy()[0, 0], rel=1e-4, abs=1e-6)


def f_of(statistic, J, n, reml):
    """The F at which a statistic is reached, by a fine table."""
    F = np.linspace(1 if reml else J / (J - 1), 60, 400_001)
    d1, d2 = (J - 1 if reml else J), J * (n - 1)
    ssb = (J - 1) * F
    lr = (d1 + d2) * np.log((ssb + d2) / (d1 + d2)) - d1 * np.log(ssb / d1)
    return np.interp(statistic, lr, F)


@pytest.mark.parametrize("world", [(20, 10, 0.0, True), (5, 10, 0.0, False), (20, 10, 0.05, True), (60, 4, 0.1, False)])
def test_limits_and_long_run_rates_are_those_of_f(lab, world):
    J, n, tau2, reml = world
    page = lab(J=J, n=n, tau2=tau2, reml=reml, studies=10, cut=3.2)
    seen, lam = page.numbers, 1 + n * tau2
    null = stats.f(J - 1, J * (n - 1))
    limits = page.js("lab.result.tests.map((t) => t.limit)")
    assert limits[:2] == pytest.approx([stats.chi2.isf(0.05, 1), stats.chi2.isf(0.1, 1)])
    assert f_of(limits[2], J, n, reml) == pytest.approx(null.isf(0.05), abs=1e-3)
    for key, limit in zip(("naive", "mixture", "exact"), limits, strict=True):
        assert seen[f"{key}_expected"] == pytest.approx(null.sf(f_of(limit, J, n, reml) / lam), abs=2e-5)
    edge = 1 if reml else J / (J - 1)
    assert seen["zero_expected"] == pytest.approx(null.cdf(edge / lam), abs=1e-9)
    assert seen["naive_p"] == pytest.approx(stats.chi2.sf(3.2, 1)) and seen["mixture_p"] == seen["naive_p"] / 2
    assert seen["exact_p"] == pytest.approx(null.sf(f_of(3.2, J, n, reml)), abs=2e-5)
    if tau2 == 0:
        assert seen["exact_expected"] == pytest.approx(0.05, abs=1e-9)


def test_the_exact_distribution_is_that_of_the_exact_test(lab):
    page = lab(J=12, n=6, studies=5, tau2=0.3, cut=2.0)
    test = mlm.exact_rlrt(mlm.lmm("y ~ 1 + (1 | school)", students(page)), n=20_000, seed=3)
    draws = test.draws
    for x in (0.5, 2.0, 3.0):
        p = page.js(f"lab.result.curve[2]({x})")
        assert abs(np.mean(draws > x) - p) < 4 * np.sqrt(p * (1 - p) / len(draws))
    assert abs(np.mean(draws < 1e-8) - page.js("lab.result.zeroNull")) < 0.015


@pytest.mark.parametrize("world", [{"seed": 5}, {"J": 8, "n": 5, "tau2": 0.1, "reml": False, "seed": 6}])
def test_rates_of_4000_studies_are_those_of_theory(lab, world):
    page = lab(studies=4000, **world)
    seen, values = page.numbers, np.array(page.js("lab.result.values"))
    assert len(values) == 4000 == seen["studies"]
    limits = page.js("lab.result.tests.map((t) => t.limit)")
    for key, limit in zip(("naive", "mixture", "exact"), limits, strict=True):
        p = seen[f"{key}_expected"]
        assert seen[f"{key}_rate"] == np.mean(values > limit)
        assert abs(seen[f"{key}_rate"] - p) < 4 * np.sqrt(p * (1 - p) / 4000)
    p = seen["zero_expected"]
    assert seen["zero"] == np.mean(values == 0) and abs(seen["zero"] - p) < 4 * np.sqrt(p * (1 - p) / 4000)
    assert seen["beyond"] == np.mean(values > page.state["cut"])


def test_opens_on_a_pile_at_zero_and_the_texts_tell_the_truth(lab):
    page = lab()
    seen = page.numbers
    assert 0.48 < seen["zero"] < 0.6 and seen["naive_rate"] < 0.035
    assert [round(100 * seen[k]) for k in ("zero_expected", "exact_expected")] == [54, 5]
    page.slide("J", 5)
    finish(page)
    assert round(100 * page.readout("zero_expected")) == 58
    page.control("reml").uncheck()
    assert round(100 * page.readout("zero_expected")) == 70 and page.readout("mixture_expected") < 0.02
    page.page.get_by_role("button", name="Reset").click()
    finish(page)
    page.slide("tau2", 0.05)
    finish(page)
    seen = page.numbers
    keys = ("naive_expected", "mixture_expected", "exact_expected", "zero_expected")
    assert [round(100 * seen[k]) for k in keys] == [24, 33, 36, 15]


def test_the_same_seed_draws_the_same_and_reml_draws_nothing_new(lab):
    first, second, other = lab(studies=50), lab(studies=50), lab(studies=50, seed=3)
    runs = [page.js("lab.result.values") for page in (first, second, other)]
    assert runs[0] == runs[1] != runs[2]
    means = first.js("lab.result.last.means")
    first.control("reml").uncheck()
    first.settle()
    assert first.js("lab.result.last.means") == means and first.js("lab.result.values") != runs[0]


def test_no_press_is_lost_while_studies_are_pending(lab):
    page = lab(J=100, n=60, studies=200)
    page.page.locator("#more").click()
    assert page.js("lab.result.pending || lab.result.count === lab.state.studies")
    page.page.locator("#draw").focus()
    for key in ("Space", "Enter", "Space", "Space"):
        page.page.keyboard.press(key)
    page.page.locator("#draw").click()
    finish(page)
    assert page.state["studies"] == page.readout("studies") >= 1205  # five presses, however slow the machine


def test_hold_draws_many_and_stops(lab):
    page = lab(studies=1)
    box = page.page.locator("#draw").bounding_box()
    page.page.mouse.move(box["x"] + 20, box["y"] + 10)
    page.page.mouse.down()
    page.page.wait_for_function("() => document.querySelector('.mlm-lab-host').lab.result.count > 30", timeout=60_000)
    page.page.mouse.up()
    finish(page)
    stopped = page.readout("studies")
    page.page.wait_for_timeout(200)
    assert page.readout("studies") == stopped


def test_a_statistic_is_looked_up_by_mouse_finger_and_keys(lab):
    page = lab(phone=True, touch=True, studies=100)
    page.mouse_drag("cut", 40)
    assert page.state["cut"] > 3.5
    page.touch_drag("cut", -20)
    assert page.state["cut"] < 4.5
    page.handle("cut").focus()
    before = page.state["cut"]
    page.page.keyboard.press("ArrowRight")
    page.page.keyboard.press("Shift+ArrowLeft")
    assert page.state["cut"] == pytest.approx(before - 0.45)
    assert page.readout("mixture_p") == pytest.approx(stats.chi2.sf(page.state["cut"], 1) / 2)
    assert "chibar-square(01)" in page.handle("cut").get_attribute("aria-valuetext")
    assert page.overflow() <= 0
    page.announced("100 studies")
    page.control("view").select_option("tail")
    page.settle()
    caption, columns, rows = page.sheet()
    assert "100 studies of 20 schools" in caption and columns[0] == "reference" and len(rows) == 3
    assert [float(row[1]) for row in rows[:2]] == [3.8415, 2.7055]


def test_python_refuses_what_the_lab_cannot_do():
    for wrong in ({"J": 2}, {"n": 1}, {"tau2": 0.9}, {"cut": 0}, {"studies": 0}, {"view": "box"}):
        with pytest.raises(ValueError):
            mlm.labs.variance_test(**wrong)
