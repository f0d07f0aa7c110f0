"""The lab of what residuals remember: its matrices and claims against mlmlib's fits to rows with exactly that covariance."""

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
        made = mlm.labs.residual_memory(**asked)
        pages.append(OneLab(browser, tmp_path, made, phone=phone, dark=dark, touch=touch, fragment=fragment))
        return pages[-1]

    yield start
    for page in pages:
        page.finish()


def people(page, J=60):
    """Rows whose waves have mean 0 and exactly the page's covariance matrix (divisor J, so that ML finds it)."""
    V, m = np.array(page.js("lab.result.V")), page.state["m"]
    draws = np.random.default_rng(4).standard_normal((J, m))
    draws -= draws.mean(axis=0)
    Q = np.linalg.qr(draws)[0] * np.sqrt(J)
    Y = Q @ np.linalg.cholesky(V).T
    wave = np.tile(np.arange(m), J)
    slow, fast = (np.tile(page.js(f"lab.result.{name}"), J) for name in ("slow", "fast"))
    person = np.repeat(np.arange(J), m)
    return pd.DataFrame({"y": Y.ravel(), "wave": wave, "slow": slow, "fast": fast, "person": person}), V


def assert_claims_equal_mlmlib(page):
    frame, V = people(page)
    seen, J = page.numbers, frame["person"].nunique()
    for name in ("slow", "fast", "wave"):
        fit = mlm.lmm(f"y ~ {name} + (1 | person)", frame, reml=False)
        x = frame.groupby("wave")[name].first().to_numpy(dtype=float)
        x = x - x.mean()
        real = np.sqrt(x @ V @ x / J) / (x @ x)
        assert fit.params[name] == pytest.approx(0, abs=1e-9)
        shown = {"wave": "trend"}.get(name, name)
        assert seen[shown] == pytest.approx(fit.bse[name] / real, rel=1e-4)
    assert seen["common"] == pytest.approx(fit.covariance_matrix().to_numpy()[0, 0], rel=1e-4, abs=1e-6)
    assert seen["own"] == pytest.approx(fit.sigma**2, rel=1e-5)
    return seen


@pytest.mark.parametrize(
    "asked",
    [{}, {"phi": 0}, {"tau00": 0, "phi": 0.8, "m": 5}, {"tau11": 0.06, "phi": 0.3}, {"tau00": 0, "phi": -0.4, "m": 6}],
    ids=["both", "intercept", "ar1", "slope", "negative"],
)
def test_what_a_random_intercept_claims(lab, asked):
    assert_claims_equal_mlmlib(lab(**asked))


def test_the_matrix_is_that_of_the_models_fit(lab):
    page = lab(tau00=0.8, phi=0.5, sigma2=1.2, m=7)
    frame, V = people(page)
    fit = mlm.lmm("y ~ 1 + (1 | person)", frame, correlation=mlm.ar1("wave"), reml=False)
    implied = fit.covariance_matrix().to_numpy()[0, 0] + fit.residual_cov(0).to_numpy()
    np.testing.assert_allclose(implied, V, rtol=1e-4)
    sd = np.sqrt(np.diag(implied))
    np.testing.assert_allclose(page.js("lab.result.R"), implied / np.outer(sd, sd), atol=1e-4)
    assert fit.residual_params.iloc[0] == pytest.approx(0.5, abs=1e-4)
    _, columns, rows = page.sheet()
    assert columns[:2] == ["wave", "variance"] and float(rows[0][1]) == 2.0 and float(rows[2][4]) == 1.0


def test_random_slope_and_pure_memory(lab):
    page = lab(tau00=1, tau11=0.05, phi=0, m=6)
    frame, V = people(page)
    fit = mlm.lmm("y ~ 1 + (1 + wave || person)", frame, reml=False)
    a = np.arange(6)
    T = fit.covariance_matrix().to_numpy()
    np.testing.assert_allclose(T[0, 0] + T[1, 1] * np.outer(a, a) + fit.sigma**2 * np.eye(6), V, rtol=1e-3, atol=1e-3)
    page.page.locator("#ar1").click()
    page.settle()
    frame, V = people(page)
    fit = mlm.gls("y ~ 1", frame, correlation=mlm.ar1("wave", group="person"), reml=False)
    np.testing.assert_allclose(fit.residual_cov(0), V, rtol=1e-4)
    assert page.readout("floor") == 0 and page.state["tau00"] == 0


def test_what_the_texts_promise(lab):
    for m, claims in ((4, "0.78 1.10 1.24"), (16, "0.56 0.62 1.73")):
        seen = lab(tau00=0, phi=0.6, m=m).numbers
        assert " ".join(f"{seen[key]:.2f}" for key in ("trend", "slow", "fast")) == claims
    page = lab(phi=0)
    for tau00 in (0, 0.5, 4):
        page.slide("tau00", tau00)
        assert [page.numbers[k] for k in ("slow", "trend", "fast")] == pytest.approx([1, 1, 1])
    assert page.readout("floor") == pytest.approx(0.8)


def test_mouse_finger_and_keys_on_a_phone(lab):
    page = lab(phone=True, touch=True)
    page.handle("lag1").scroll_into_view_if_needed()
    page.drag("lag1", 0, 20)
    assert page.state["phi"] < 0.5 and page.state["tau00"] == 1
    page.drag("floor", 0, 30)
    assert page.state["tau00"] < 0.8
    page.handle("lag1").focus()
    for key, value in (("End", 0.95), ("ArrowDown", 0.94), ("Shift+ArrowDown", 0.84), ("Home", -0.5)):
        page.page.keyboard.press(key)
        assert page.state["phi"] == pytest.approx(value)
    page.handle("floor").focus()
    page.page.keyboard.press("End")
    assert page.state["tau00"] == 4 and "floor 0.80" in page.handle("floor").get_attribute("aria-valuetext")
    assert page.overflow() <= 0
    page.announced("Intercept variance 4.00")


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="works from -0.5 to 0.95"):
        mlm.labs.residual_memory(phi=1)
    with pytest.raises(ValueError, match="works from 4 to 16"):
        mlm.labs.residual_memory(m=30)
