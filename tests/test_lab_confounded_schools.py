"""The lab of confounded schools: its fits against mlm.panel and mlm.hausman, its samples and biases against theory."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from lab_actions import OneLab

pytestmark = pytest.mark.browser


@pytest.fixture
def lab(browser, tmp_path):
    pages = []

    def start(phone=False, dark=False, touch=False, fragment="", **asked):
        made = mlm.labs.confounded_schools(**asked)
        pages.append(OneLab(browser, tmp_path, made, phone=phone, dark=dark, touch=touch, fragment=fragment))
        finish(pages[-1])
        return pages[-1]

    yield start
    for page in pages:
        page.finish()


def finish(page):
    """Wait until every sample asked for is drawn."""
    page.settle()
    page.page.wait_for_function("() => !document.querySelector('.mlm-lab-host').lab.result.pending", timeout=60_000)
    page.settle()


def close(got, want, **how):
    np.testing.assert_allclose(np.asarray(got, float), np.asarray(want, float), **({"rtol": 1e-9, "atol": 1e-11} | how))


def assert_equals_mlmlib(page):
    """Estimates, standard errors, intervals, variances and tests of the sample on the screen."""
    data = pd.DataFrame(page.js("(({x, y, w, school}) => ({x, y, w, school}))(lab.result.data)"))
    seen = page.js("lab.result.fit")
    fits = {key: mlm.panel("y ~ x + w", data, groups="school", effects=effects) for key, effects in
            (("ols", "pooled"), ("re", "random"), ("fe", "within"), ("mundlak", "mundlak"))}  # fmt: skip
    for key, fit in fits.items():
        bounds = fit.conf_int()
        for term, name in (("x", "x"), ("w", "w"), ("mean", "x_between")):
            if term not in seen[key]:
                assert name not in fit.params.index
                continue
            own = seen[key][term]
            close([own["estimate"], own["se"]], [fit.params[name], fit.bse[name]])
            close([own["low"], own["high"]], bounds.loc[name])
    close(seen["theta"], fits["re"].theta.iloc[0])
    close([seen["sigma2"], seen["tau2"]], [fits["re"].sigma_e ** 2, fits["re"].sigma_u ** 2])
    between = mlm.panel("y ~ x + w", data, groups="school", effects="between")
    close([seen["between"][k] for k in "xw"], between.params[["x", "w"]])
    classical, auxiliary = (mlm.hausman(fits["fe"], fits["re"], method) for method in ("classical", "auxiliary"))
    close(seen["hausman"]["statistic"], classical.statistic, rtol=1e-6)
    if seen["hausman"]["variance"] > 0:
        close(seen["hausman"]["p"], classical.pvalue, rtol=1e-6)
    else:
        assert seen["hausman"]["p"] is None and np.isnan(classical.pvalue)
        assert "not positive definite" in classical.note
    mundlak = mlm.mundlak_test(fits["re"])
    close([seen["mundlakTest"]["statistic"], seen["mundlakTest"]["p"]], [mundlak.statistic, mundlak.pvalue], rtol=1e-7)
    close(seen["mundlakTest"]["statistic"], auxiliary.statistic, rtol=1e-7)
    return seen


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"rho": 0, "seed": 3},
        {"rho": -0.95, "tau": 2, "share": 0.9, "J": 100, "n": 3},
        {"tau": 0, "J": 15, "n": 4, "seed": 2},
        {"share": 0.05, "J": 8, "n": 40, "seed": 5},
        {"J": 6, "n": 2, "seed": 9},
    ],
    ids=str,
)
def test_all_fits_equal_mlmlib(lab, asked):
    assert_equals_mlmlib(lab(studies=0, **asked))


def test_a_difference_of_variances_below_zero_is_told(lab):
    page = lab(tau=2, studies=400)
    share = page.readout("strange")
    assert 0.3 < share < 0.6
    runs = np.array(page.js("lab.result.runs.map((r) => [r.hausman.variance, r.fe.x.se, r.re.x.se])"))
    close(runs[:, 0], runs[:, 1] ** 2 - runs[:, 2] ** 2, atol=1e-12)
    assert share == pytest.approx(np.mean(runs[:, 0] <= 0))
    for _ in range(12):
        if page.js("lab.result.fit.hausman.variance") <= 0:
            break
        page.page.locator("#sample").click()
        finish(page)
    assert_equals_mlmlib(page)
    assert page.shown("hausman_p") == "none"
    assert "is not positive" in page.page.locator(".says").inner_text()
    assert "no test" in page.sheet()[0]


def test_no_variance_between_schools_is_least_squares(lab):
    page = lab(tau=0, studies=0, J=15, n=4, seed=2)
    for _ in range(8):
        if page.js("lab.result.fit.atZero"):
            break
        page.page.locator("#sample").click()
        finish(page)
    seen = assert_equals_mlmlib(page)
    assert seen["theta"] == 0 and seen["re"]["x"]["estimate"] == pytest.approx(seen["ols"]["x"]["estimate"])
    assert "RE is OLS" in page.page.locator(".says").inner_text()


def simulated(state, studies, seed=4):
    """Whole samples by NumPy: estimates of OLS and fixed effects, means of schools, and sums within."""
    rng, J, n = np.random.default_rng(seed), state["J"], state["n"]
    out = []
    for _ in range(studies):
        a, w = rng.normal(size=(J, 1)), (np.arange(J) % 2)[:, None]
        u = state["tau"] * (state["rho"] * a + np.sqrt(1 - state["rho"] ** 2) * rng.normal(size=(J, 1)))
        x = np.sqrt(state["share"]) * a + np.sqrt(1 - state["share"]) * rng.normal(size=(J, n))
        y = 0.5 * x + 0.5 * w + u + rng.normal(size=(J, n))
        dx, dy = x - x.mean(1, keepdims=True), y - y.mean(1, keepdims=True)
        X = np.column_stack([np.ones(J * n), x.ravel(), np.repeat(w, n)])
        b = np.linalg.lstsq(X, y.ravel(), rcond=None)[0]
        out.append([b[1], b[2], (dx * dy).sum() / (dx**2).sum()])
    return np.array(out)


def test_samples_drawn_by_their_sums_are_samples(lab):
    state = {"rho": 0.6, "tau": 0.8, "share": 0.4, "J": 12, "n": 3}
    page = lab(studies=2000, **state)
    want = simulated(state, 2000)
    got = np.array(page.js("lab.result.runs.map((r) => [r.ols.x.estimate, r.ols.w.estimate, r.fe.x.estimate])"))
    assert len(got) == 2000
    from scipy.stats import ks_2samp

    for k in range(3):
        assert ks_2samp(got[:, k], want[:, k]).pvalue > 1e-3


def test_bias_in_the_long_run_is_that_of_very_many_schools(lab):
    page = lab(studies=0)
    for asked in ({"rho": 0.7, "tau": 0.6, "share": 0.5, "n": 5}, {"rho": -0.4, "tau": 1.5, "share": 0.2, "n": 12}):
        rng, J, n = np.random.default_rng(1), 200_000, asked["n"]
        a, tau, rho, share = rng.normal(size=J), asked["tau"], asked["rho"], asked["share"]
        u = tau * (rho * a + np.sqrt(1 - rho**2) * rng.normal(size=J))
        xm = np.sqrt(share) * a + np.sqrt((1 - share) / n) * rng.normal(size=J)
        ym = u + rng.normal(size=J) / np.sqrt(n)
        slope = np.cov(xm, ym)[0, 1] / xm.var()
        psi = 1 / (n * np.var(ym - slope * xm))  # sigma2 over that of means
        bias = psi * n * xm.var() * slope / (psi * n * xm.var() + (n - 1) * (1 - share))
        for key, value in asked.items():
            page.slide(key, value)
        assert page.readout("long_ols") == pytest.approx(tau * rho * np.sqrt(share))
        assert page.readout("long_re") == pytest.approx(bias, abs=0.004)
        assert page.js("lab.result.long.theta") == pytest.approx(1 - np.sqrt(psi), abs=0.01)
        assert page.js("lab.result.long.between") == pytest.approx(slope, abs=0.01)


def rates(page):
    return {row["id"]: (row["bias"], row["covers"]) for row in page.js("lab.result.rows") if not row.get("none")}


def test_what_the_texts_promise(lab):
    page = lab(studies=2000)
    shown = [page.shown(k).split(" ")[0] for k in ("ols_x", "re_x", "fe_x", "mundlak_x", "mundlak_w")]
    assert shown == ["0.855", "0.755", "0.518", "0.518", "0.425"]
    assert page.shown("hausman") == "8.86" and [page.shown("long_ols"), page.shown("long_re")] == ["0.297", "0.208"]
    seen = rates(page)
    assert seen["re_x"][0] == pytest.approx(0.20, abs=0.02) and 0.3 < seen["re_x"][1] < 0.45
    assert abs(seen["fe_x"][0]) < 0.01 and seen["fe_x"][1] == pytest.approx(0.95, abs=0.015)
    page.control("linked").uncheck()
    finish(page)
    assert page.state["rho"] == 0
    assert [f"{page.readout(k):.2f}" for k in ("ols_x", "re_x", "fe_x")] == ["0.56", "0.54", "0.52"]
    seen = rates(page)
    assert seen["re_x"][1] == pytest.approx(0.95, abs=0.015) and seen["ols_w"][1] < 0.85
    half = page.js("['ols', 're', 'fe', 'mundlak'].map((k) => lab.result.fit[k].x.high - lab.result.fit[k].x.low)")
    assert half[1] < half[2] and half[1] < half[3]
    page.control("linked").check()
    page.slide("n", 30)
    finish(page)
    assert f"{page.readout('long_re'):.2f} {page.js('lab.result.long.theta'):.2f}" == "0.08 0.61"
    assert 0.4 < rates(page)["re_x"][1] < 0.58
    page.slide("n", 5)
    page.slide("rho", 0.25)
    finish(page)
    assert page.shown("long_re") == "0.063" and page.readout("found") == pytest.approx(1 / 6, abs=0.03)
    page.slide("rho", 0.7)
    page.slide("tau", 2)
    finish(page)
    assert page.shown("long_re") == "0.173" and page.readout("strange") == pytest.approx(0.44, abs=0.04)
    assert page.js("lab.result.mundlakFound") == pytest.approx(0.99, abs=0.01)


def test_fixed_effects_hold_while_rho_moves(lab):
    page = lab(studies=0)
    before = page.numbers
    page.slide("rho", -0.8)
    after = page.numbers
    for key in ("fe_x", "mundlak_x"):
        assert after[key] == pytest.approx(before[key], abs=1e-9)
    assert after["re_x"] < 0.4 < before["re_x"]
    assert_equals_mlmlib(page)


def test_the_table_holds_the_numbers(lab):
    page = lab(studies=50)
    caption, _columns, rows = page.sheet()
    assert "θ = 0.2996" in caption and len(rows) == 7
    seen = [row for row in page.js("lab.result.rows") if not row.get("none")]
    for cells, own in zip(rows, seen, strict=True):
        want = [own[k] for k in ("estimate", "se", "low", "high", "bias", "sd")]
        assert [float(c) for c in cells[1:7]] == pytest.approx(want, abs=5.1e-5)


def test_drawing_and_starting_over(lab):
    page = lab(studies=0)
    assert page.shown("found") == "–"
    page.page.locator("#more").focus()
    page.page.keyboard.press("Enter")
    finish(page)
    assert page.readout("studies") == 200 == page.state["studies"]
    seed, before = page.state["seed"], page.readout("fe_x")
    page.page.locator("#sample").click()
    finish(page)
    assert page.state["seed"] == seed + 1 and page.readout("fe_x") != before
    page.announced("Rho 0.70")


def test_mouse_finger_and_keys_on_a_phone(lab):
    page = lab(phone=True, touch=True, dark=True, studies=20)
    page.touch_drag("rho", -60)
    assert page.state["rho"] < 0.4
    page.mouse_drag("rho", 20)
    assert page.state["rho"] > 0.3
    page.handle("rho").focus()
    for key, value in (("End", 0.95), ("ArrowLeft", 0.9), ("Shift+ArrowLeft", 0.7), ("Home", -0.95)):
        page.page.keyboard.press(key)
        assert page.state["rho"] == pytest.approx(value)
    assert "fixed effects by 0" in page.handle("rho").get_attribute("aria-valuetext")
    finish(page)
    assert page.overflow() <= 0


def test_what_cannot_be_is_refused():
    for wrong in ({"rho": 1}, {"tau": -1}, {"share": 0}, {"J": 5}, {"n": 1}, {"seed": 0}, {"studies": -1}):
        with pytest.raises(ValueError, match="the lab works from"):
            mlm.labs.confounded_schools(**wrong)
