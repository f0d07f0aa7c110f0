"""The coverage machine: its studies, its three intervals and its miss rates, against statsmodels, mlmlib and theory."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mlmlib as mlm
from lab_actions import OneLab


@pytest.fixture
def machine(browser, tmp_path):
    pages = []

    def start(phone=False, dark=False, touch=False, **state):
        pages.append(OneLab(browser, tmp_path, mlm.labs.coverage(**state), phone=phone, dark=dark, touch=touch))
        finish(pages[-1])
        return pages[-1]

    yield start
    for page in pages:
        page.finish()


def finish(lab):
    """Wait until every study asked for is drawn."""
    lab.settle()
    lab.page.wait_for_function("() => !document.querySelector('.mlm-lab-host').lab.result.pending", timeout=60_000)
    lab.settle()


def ols_miss_rate(J, n, icc, draws=200_000):
    """P(miss) of OLS: the estimate varies by lambda per student, OLS believes rss / (N - 2)."""
    rng = np.random.default_rng(0)
    lam, within, N = n * icc + 1 - icc, 1 - icc, J * n
    rss = lam * rng.chisquare(J - 2, draws) + within * rng.chisquare(J * (n - 1), draws)
    return np.mean(2 * stats.norm.sf(stats.t.ppf(0.975, N - 2) * np.sqrt(rss / (N - 2) / lam)))


def test_opens_on_a_state_that_shows_the_idea(machine):
    lab = machine()
    assert lab.readout("studies") == 100
    assert lab.readout("ols_rate") > 0.2
    assert lab.readout("mixed_rate") < 0.12 and lab.readout("robust_rate") < 0.12
    assert lab.page.locator("svg .misses").count() == 3


@pytest.mark.parametrize(
    "world", [{}, {"J": 6, "n": 12, "icc": 0.3, "seed": 5}, {"icc": 0.0, "effect": 0.0, "seed": 3}]
)
def test_one_study_has_exactly_the_intervals_of_statsmodels_and_mlmlib(machine, world):
    import statsmodels.formula.api as smf

    lab = machine(studies=7, **world)
    study = pd.DataFrame(lab.js("{y: lab.memory.last.y, w: lab.memory.last.w, school: lab.memory.last.school}"))
    J = study["school"].nunique()
    run = lab.js("lab.result.runs.at(-1)")
    ols = smf.ols("y ~ w", study).fit()
    np.testing.assert_allclose([run["ols"]["low"], run["ols"]["high"]], ols.conf_int().loc["w"], rtol=1e-8)
    robust = smf.ols("y ~ w", study).fit(cov_type="cluster", cov_kwds={"groups": study["school"]}, use_t=True)
    np.testing.assert_allclose([run["robust"]["low"], run["robust"]["high"]], robust.conf_int().loc["w"], rtol=1e-8)
    mixed = mlm.lmm("y ~ w + (1 | school)", study)
    half = stats.t.ppf(0.975, J - 2) * mixed.bse["w"]
    want = [mixed.params["w"] - half, mixed.params["w"] + half]
    np.testing.assert_allclose([run["mixed"]["low"], run["mixed"]["high"]], want, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(run["mixed"]["sigma2"], mixed.sigma**2, rtol=1e-5)
    _, columns, rows = lab.sheet()
    for row, key in zip(rows, ("ols", "robust", "mixed"), strict=True):
        cells = dict(zip(columns, row, strict=True))
        for name, value in (("estimate", "estimate"), ("SE", "se"), ("lower", "low"), ("upper", "high")):
            assert float(cells[name]) == pytest.approx(run[key][value], abs=5.1e-5)
        assert float(cells["df"]) == {"ols": len(study) - 2, "robust": J - 1, "mixed": J - 2}[key]


@pytest.mark.parametrize("world", [{"seed": 11}, {"J": 12, "n": 30, "icc": 0.1, "effect": 0.0, "seed": 4}])
def test_miss_rates_of_400_studies_are_those_of_theory(machine, world):
    lab = machine(studies=400, **world)
    world = {"J": 40, "n": 20, "icc": 0.15} | {k: v for k, v in world.items() if k in ("J", "n", "icc")}
    theory = ols_miss_rate(**world)
    assert lab.readout("expected_ols") == pytest.approx(theory, abs=0.002)
    for key, rate in (("ols", theory), ("mixed", 0.05)):
        assert abs(lab.readout(f"{key}_rate") - rate) < 3.3 * np.sqrt(rate * (1 - rate) / 400)
    assert 0.015 < lab.readout("robust_rate") < 0.11
    effect = lab.state["effect"]
    runs = lab.js("lab.result.runs.map((r) => [r.ols.low, r.ols.high, r.mixed.low, r.mixed.high])")
    low, high, mlow, mhigh = np.array(runs).T
    assert lab.readout("ols_rate") == pytest.approx(np.mean((low > effect) | (high < effect)))
    assert lab.readout("mixed_rate") == pytest.approx(np.mean((mlow > effect) | (mhigh < effect)))
    estimates = np.array(lab.js("lab.result.runs.map((r) => r.mixed.estimate)"))
    assert estimates.std() == pytest.approx(lab.readout("true_se"), rel=0.13)
    assert estimates.mean() == pytest.approx(effect, abs=4 * lab.readout("true_se") / 20)


def test_the_same_seed_draws_the_same_studies(machine):
    first, second, other = machine(studies=3), machine(studies=3), machine(studies=3, seed=2)
    runs = [lab.js("lab.result.runs") for lab in (first, second, other)]
    assert runs[0] == runs[1] != runs[2]


def test_press_draws_one_and_hold_draws_many(machine):
    lab = machine(studies=1)
    button = lab.page.locator("#draw")
    button.click()
    finish(lab)
    assert lab.readout("studies") == 2
    box = button.bounding_box()
    lab.page.mouse.move(box["x"] + 20, box["y"] + 10)
    lab.page.mouse.down()
    lab.page.wait_for_function("() => document.querySelector('.mlm-lab-host').lab.result.count > 12")
    lab.page.mouse.up()
    finish(lab)
    stopped = lab.readout("studies")
    lab.page.wait_for_timeout(300)
    assert lab.readout("studies") == stopped


def test_keyboard_draws_and_the_live_region_says_so(machine):
    lab = machine(studies=1)
    lab.page.locator("#draw").focus()
    lab.page.keyboard.press("Space")
    lab.page.keyboard.press("Enter")
    finish(lab)
    assert lab.readout("studies") == 3
    lab.announced("3 studies")
    lab.page.locator("input[data-key=icc]").focus()
    lab.page.keyboard.press("ArrowRight")
    finish(lab)
    assert lab.state["icc"] == pytest.approx(0.16)
    assert lab.readout("studies") == 100  # another world starts over


@pytest.mark.parametrize("dark", [False, True])
def test_fits_a_phone_and_answers_a_finger(machine, dark):
    lab = machine(True, dark, touch=True, studies=5)
    assert lab.overflow() <= 0
    lab.page.locator("#draw").tap()
    finish(lab)
    assert lab.readout("studies") >= 6


def test_python_refuses_what_the_machine_cannot_do():
    for wrong in ({"J": 7}, {"n": 1}, {"icc": 0.9}, {"studies": 0}):
        with pytest.raises(ValueError):
            mlm.labs.coverage(**wrong)
