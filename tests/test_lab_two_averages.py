"""The lab of two kinds of average: its slopes against SciPy's quadrature, its presets against lme4, its texts against both."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, logit
from scipy.stats import norm

import mlmlib as mlm
from lab_actions import OneLab
from mlmlib.widgets.two_averages import STUDIES

pytestmark = pytest.mark.browser
R = json.loads((Path(__file__).parent / "reference" / "r" / "labs_glmm.json").read_text())["results"]


@pytest.fixture
def lab(browser, tmp_path):
    pages = []

    def start(study="yours", phone=False, dark=False, touch=False, fragment="", **asked):
        made = mlm.labs.two_averages(study, **asked)
        pages.append(OneLab(browser, tmp_path, made, phone=phone, dark=dark, touch=touch, fragment=fragment))
        return pages[-1]

    yield start
    for page in pages:
        page.finish()


def averaged(state, x, sign=1):
    """The mean chance of a yes (or, with -1, of a no) over normal people, by SciPy's adaptive quadrature."""
    chance = expit if state["link"] == "logit" else norm.cdf
    eta, sd = state["intercept"] + state["beta"] * x, np.hypot(state["tau"], state["slope_sd"] * x)
    peak = np.clip(-eta / sd, -8, 8) if sd else 0  # where the chance rises: the quadrature must not miss it
    inside = quad(
        lambda z: chance(sign * (eta + sd * z)) * norm.pdf(z), -12, 12, points=(peak, 0), epsabs=1e-14, limit=400
    )
    return inside[0]


def assert_equals_scipy(page):
    state, seen = page.state, page.numbers
    link = logit if state["link"] == "logit" else norm.ppf
    before, after = (averaged(state, state["x"] + k) for k in (0, 1))
    assert [seen["p_before"], seen["p_after"]] == pytest.approx([before, after], rel=1e-9)
    assert seen["beta_marginal"] == pytest.approx(link(after) - link(before), rel=1e-6)
    assert seen["beta_conditional"] == state["beta"]
    assert seen["ratio"] == pytest.approx(seen["beta_marginal"] / state["beta"])
    c2 = 256 * 3 / (225 * np.pi**2) if state["link"] == "logit" else 1
    variance = state["tau"] ** 2 + (state["slope_sd"] * state["x"]) ** 2
    eta = [state["intercept"] + state["beta"] * (state["x"] + k) for k in (0, 1)]
    sds = [np.hypot(state["tau"], state["slope_sd"] * (state["x"] + k)) for k in (0, 1)]
    by_hand = np.diff([e / np.sqrt(1 + c2 * s**2) for e, s in zip(eta, sds, strict=True)])[0]
    assert seen["beta_approximate"] == pytest.approx(by_hand)
    assert seen["icc"] == pytest.approx(variance / (variance + (np.pi**2 / 3 if state["link"] == "logit" else 1)))
    if state["link"] == "logit":
        assert seen["or_conditional"] == pytest.approx(np.exp(state["beta"]))
        assert seen["or_marginal"] == pytest.approx(after / (1 - after) / (before / (1 - before)), rel=1e-6)
        assert seen["mor"] == pytest.approx(np.exp(np.sqrt(2 * variance) * norm.ppf(0.75)))
    else:
        assert seen["beta_marginal"] == pytest.approx(seen["beta_approximate"], rel=1e-8)
        assert "mor" not in seen and "or_marginal" not in seen
    return seen


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"tau": 0},
        {"tau": 4, "beta": 3, "x": -2, "intercept": 2},
        {"tau": 0.3, "beta": 0.4, "x": 1, "link": "probit"},
        {"tau": 4, "link": "probit"},
        {"tau": 1, "slope_sd": 1.2, "x": -1.5},
        {"tau": 0, "slope_sd": 0.7, "link": "probit", "x": 0.5},
        {"study": "contraception"},
        {"study": "ohio"},
    ],
    ids=str,
)
def test_both_slopes_equal_quadrature(lab, asked):
    assert_equals_scipy(lab(**asked))


def test_every_slider_leads_to_the_same_quadrature(lab):
    page = lab()
    for key, value in (("tau", 3.2), ("beta", 0.85), ("intercept", -1.4), ("slope_sd", 0.6)):
        page.slide(key, value)
        assert page.state[key] == pytest.approx(value)
        assert_equals_scipy(page)
    page.control("link").select_option("probit")
    assert_equals_scipy(page)


def test_far_tails_stay_exact(lab):
    page = lab(intercept=-4, beta=3, tau=0.5, x=-4)
    state = page.state
    rise = np.diff([np.log(averaged(state, state["x"] + k)) for k in (0, 1)])[0]
    assert page.readout("beta_marginal") == pytest.approx(rise, rel=1e-5)
    page = lab(intercept=4, beta=3, tau=0.5, x=3)
    assert 0 < page.readout("beta_marginal") <= 3


def test_presets_are_lme4s_fits():
    at = {"contraception": "urbanY", "ohio": "smoke"}
    for study, slope in at.items():
        fit, values = R[study], STUDIES[study]["values"]
        want = [fit["fixef"]["(Intercept)"], fit["fixef"][slope], fit["sd"]]
        assert [values["intercept"], values["beta"], values["tau"]] == pytest.approx(want, abs=1e-4)


def test_a_study_agrees_with_mlmlibs_fit_of_it(lab):
    fit = mlm.glmm("resp ~ age * smoke + (1 | id)", mlm.load("ohio"), method="agq", nodes=50)
    seen = lab("ohio").numbers
    assert seen["beta_conditional"] == pytest.approx(fit.params["smoke"], abs=1e-4)
    assert seen["icc"] == pytest.approx(mlm.icc(fit).estimate, abs=1e-4)
    assert seen["mor"] == pytest.approx(mlm.median_odds_ratio(fit).estimate, rel=1e-3)
    assert seen["beta_approximate"] == pytest.approx(fit.marginal_coef(method="attenuation").params["smoke"], abs=1e-4)
    # a line through the averaged logits of all ages, where the lab has one step at the age of nine
    assert seen["beta_marginal"] == pytest.approx(fit.marginal_coef().params["smoke"], abs=2e-3)


def test_the_table_holds_the_curves(lab):
    page = lab(tau=1.5, slope_sd=0.5, x=1)
    caption, columns, rows = page.sheet()
    state = page.state
    assert "marginal slope" in caption and columns[1] == "average person" and len(rows) == 17
    for row in rows:
        x, typical, average, low, high = (float(v) for v in row)
        eta, sd = state["intercept"] + state["beta"] * x, np.hypot(1.5, 0.5 * x)
        people = [expit(eta + z * sd) for z in (0, norm.ppf(0.1), norm.ppf(0.9))]
        assert [typical, low, high] == pytest.approx(people, abs=6e-6)
        assert average == pytest.approx(averaged(state, x), abs=6e-6)


def test_the_crowd_on_the_screen_is_normal(lab):
    page = lab()
    people = np.array(page.js("lab.result.crowd.map((f) => f(-2))"))
    u = logit(people) - page.state["beta"] * -2
    assert u.mean() == pytest.approx(0, abs=1e-9) and u.std() == pytest.approx(2, rel=0.05)
    page.slide("slope_sd", 1)
    slopes = logit(np.array(page.js("lab.result.crowd.map((f) => f(1))"))) - u - 1.5
    assert slopes.std() == pytest.approx(1, rel=0.05) and abs(np.corrcoef(u, slopes)[0, 1]) < 0.1


def test_what_the_texts_promise(lab):
    page = lab()
    assert f"{page.readout('beta_marginal'):.2f} {page.readout('p_after'):.2f}" == "0.92 0.72"
    assert [page.shown("or_conditional"), page.shown("or_marginal")] == ["4.48", "2.51"]
    page.slide("tau", 0)
    assert page.readout("beta_marginal") == pytest.approx(1.5)
    page.slide("tau", 4)
    seen = [page.shown("beta_marginal"), page.shown("or_marginal"), page.shown("beta_approximate")]
    assert seen == ["0.550", "1.73", "0.587"]
    page = lab(x=3)
    assert [page.shown("or_conditional"), page.shown("or_marginal")] == ["4.48", "3.44"]
    page = lab("ohio")
    assert [page.shown(k) for k in ("or_conditional", "or_marginal", "mor")] == ["1.59", "1.35", "7.90"]
    assert f"{np.exp(R['ohio_gee']['smoke']):.2f}" == "1.37"
    page.control("study").select_option("contraception")
    page.settle()
    assert [page.shown(k) for k in ("or_conditional", "or_marginal", "mor")] == ["2.01", "1.94", "1.58"]


def test_a_guess_comes_before_the_average(lab):
    page = lab()
    page.control("hide").check()
    page.settle()
    assert page.shown("beta_marginal") == page.shown("or_marginal") == page.shown("p_after") == "?"
    assert page.shown("or_conditional") == "4.48" and page.host.evaluate("(host) => host.lab.state.guess") == 0
    page.handle("guess").focus()
    now = float(page.handle("guess").get_attribute("aria-valuenow")) / 100
    assert now == pytest.approx(expit(1.5), abs=1e-3)  # where those start who take one person's slope for all
    for _ in range(3):
        page.page.keyboard.press("ArrowDown")
    assert page.state["guess"] == pytest.approx(now - 0.015, abs=2e-3)
    page.page.keyboard.press("Shift+ArrowDown")
    before = page.state["guess"]
    page.drag("guess", 0, 10)
    assert before - 0.06 < page.state["guess"] < before - 0.02
    guess = page.state["guess"]
    page.control("hide").uncheck()
    page.settle()
    odds = guess / (1 - guess)
    assert f"You guessed an odds ratio of {odds:.2f}" in page.page.locator(".says").inner_text()
    assert page.shown("or_marginal") == "2.51"
    page.slide("tau", 3)  # the guess was about other numbers
    assert page.state["guess"] == 0 and "guessed" not in page.page.locator(".says").inner_text()


def test_two_questions(lab):
    page = lab()
    page.control("show").select_option("person")
    page.settle()
    says = page.page.locator(".says")
    assert "conditional question" in says.inner_text()
    page.handle("person").focus()
    for _ in range(4):
        page.page.keyboard.press("Shift+ArrowRight")
    assert page.state["person"] == pytest.approx(1)
    ones = np.array(page.js("lab.result.ones"))
    assert ones == pytest.approx(expit(np.array([2, 3.5]))) and "88 % to 97.1 %" in says.inner_text()
    page.control("show").select_option("population")
    page.settle()
    assert "marginal question" in says.inner_text() and page.handle("person").count() == 0
    circles = "(host) => host.shadowRoot.querySelectorAll('svg circle[r=\"2.6\"]').length"
    assert page.host.evaluate(circles) == 2 * 41


def test_mouse_finger_and_keys_on_a_phone(lab):
    page = lab(phone=True, touch=True)
    page.touch_drag("tau", 40)
    assert page.state["tau"] > 3
    page.mouse_drag("tau", -60)
    assert page.state["tau"] < 2
    page.handle("tau").focus()
    for key, value in (("End", 4), ("ArrowLeft", 3.95), ("Shift+ArrowLeft", 3.45), ("Home", 0)):
        page.page.keyboard.press(key)
        assert page.state["tau"] == pytest.approx(value)
    assert "marginal slope 1.50, conditional 1.50" in page.handle("tau").get_attribute("aria-valuetext")
    page.mouse_drag("x", 30)
    assert page.state["x"] > 0.5
    assert page.overflow() <= 0
    page.announced("Tau 0.00")


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="choose one of yours, contraception, ohio"):
        mlm.labs.two_averages("guimmun")
    with pytest.raises(ValueError, match="tau = 5: the lab works from 0 to 4"):
        mlm.labs.two_averages(tau=5)
    with pytest.raises(ValueError, match="choose one of logit, probit"):
        mlm.labs.two_averages(link="cloglog")
    with pytest.raises(ValueError, match="a chance"):
        mlm.labs.two_averages(guess=1.2)
