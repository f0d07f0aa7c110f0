"""The lab of the working correlation: its fits against mlm.gee, its exact standard errors against matrices of all rows."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from lab_actions import OneLab

pytestmark = pytest.mark.browser
KINDS = {"model": "model", "robust": "robust", "corrected": "mancl-derouen"}


@pytest.fixture
def lab(browser, tmp_path):
    pages = []

    def start(phone=False, dark=False, touch=False, fragment="", **asked):
        made = mlm.labs.working_correlation(**asked)
        pages.append(OneLab(browser, tmp_path, made, phone=phone, dark=dark, touch=touch, fragment=fragment))
        finish(pages[-1])
        return pages[-1]

    yield start
    for page in pages:
        page.finish()


def finish(page):
    """Wait until every study asked for is drawn."""
    page.settle()
    page.page.wait_for_function("() => !document.querySelector('.mlm-lab-host').lab.result.pending", timeout=60_000)
    page.settle()


def rows_of(page):
    """The study on the screen as a table."""
    design, y = page.js("lab.result.design"), page.js("lab.result.y")
    return pd.DataFrame(
        [
            {"cluster": j, "wave": i, "y": y[j][i], "treated": row[1], "x": row[2]}
            for j, X in enumerate(design)
            for i, row in enumerate(X)
        ]
    )


def assert_equals_gee(page):
    data, state, fit = rows_of(page), page.state, page.js("lab.result.fit")
    gee = mlm.gee("y ~ treated + x", data, groups="cluster", time="wave", corr=state["corr"])
    assert fit["b"] == pytest.approx(gee.params[["treated", "x"]].to_list(), rel=1e-7, abs=1e-9)
    for key, cov in KINDS.items():
        want = np.sqrt(np.diag(gee.cov_params(cov)))[1:]
        assert fit[key] == pytest.approx(want, rel=1e-6), cov
    assert fit["phi"] == pytest.approx(gee.scale, rel=1e-8)
    if state["corr"] != "independence":
        assert fit["a"] == pytest.approx(gee.correlations["estimate"].iloc[0], abs=1e-7)


@pytest.mark.parametrize("corr", ["independence", "exchangeable", "ar1"])
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"truth": "exchangeable", "rho": 0.5, "predictor": "dropout", "J": 9, "m": 5, "seed": 2},
        {"truth": "mixed", "rho": 0.6, "predictor": "time", "J": 31, "m": 10, "seed": 3},
        {"rho": 0.0, "predictor": "dropout", "J": 6, "m": 3, "seed": 8},
    ],
    ids=str,
)
def test_the_study_equals_mlmlib(lab, corr, asked):
    assert_equals_gee(lab(corr=corr, studies=0, **asked))


def correlation(state, d):
    """The true correlation by its three definitions."""
    rho = state["rho"]
    if state["truth"] == "exchangeable":
        return np.where(d == 0, 1.0, rho)
    if state["truth"] == "ar1":
        return rho**d
    lasting = rho / 2  # an intercept, and beside it AR(1) so that neighbors correlate by rho
    return lasting + (1 - lasting) * ((rho - lasting) / (1 - lasting)) ** d


def by_matrices(design, state, corr, a):
    """True SEs, and roots of the mean of the three variances, with matrices of all rows."""
    from scipy.linalg import block_diag

    X = np.vstack(design)
    distances = [np.abs(np.subtract.outer(np.arange(len(one)), np.arange(len(one)))) for one in design]
    working = {"independence": lambda d: (d == 0) * 1.0, "exchangeable": lambda d: np.where(d == 0, 1.0, a),
               "ar1": lambda d: a**d, "truth": lambda d: correlation(state, d)}[corr]  # fmt: skip
    S = block_diag(*[correlation(state, d) for d in distances])
    W = np.linalg.inv(block_diag(*[working(d) for d in distances]))
    bread = np.linalg.inv(X.T @ W @ X)
    residuals = np.eye(len(X)) - X @ bread @ X.T @ W
    E = residuals @ S @ residuals.T  # covariance of the residuals
    phi = np.trace(E) / len(X)
    meat, corrected = np.zeros((3, 3)), np.zeros((3, 3))
    at = np.append(0, np.cumsum([len(one) for one in design]))
    for j, (low, high) in enumerate(zip(at, at[1:], strict=False)):
        own = slice(low, high)
        G, H = np.array(design[j]).T @ W[own, own], X[own] @ bread @ X[own].T @ W[own, own]
        away = np.linalg.inv(np.eye(high - low) - H)
        meat += G @ E[own, own] @ G.T
        corrected += G @ away @ E[own, own] @ away.T @ G.T
    out = [bread @ X.T @ W @ S @ W @ X @ bread, phi * bread, bread @ meat @ bread, bread @ corrected @ bread]
    return [np.sqrt(np.diag(V))[1:] for V in out]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"truth": "exchangeable", "rho": 0.5, "predictor": "dropout", "J": 9, "m": 5},
        {"truth": "mixed", "rho": 0.7, "predictor": "time", "J": 12, "m": 7},
        {"rho": 0.9, "predictor": "dropout", "J": 6, "m": 10},
    ],
    ids=str,
)
def test_exact_standard_errors_equal_matrices(lab, asked):
    page = lab(studies=0, **asked)
    state, design, best = page.state, page.js("lab.result.design"), page.js("lab.result.best")
    truth = by_matrices(design, state, "truth", 0)[0]
    assert best["truly"] == pytest.approx(truth)
    for own in page.js("lab.result.exact"):
        truly, model, robust, corrected = by_matrices(design, state, own["corr"], own["a"])
        assert own["truly"] == pytest.approx(truly) and own["model"] == pytest.approx(model)
        assert own["robust"] == pytest.approx(robust) and own["corrected"] == pytest.approx(corrected)
        assert own["kept"] == pytest.approx((truth / truly) ** 2) and max(own["kept"]) <= 1 + 1e-12


def test_working_parameters_are_those_of_many_clusters(lab):
    page = lab(studies=0, truth="mixed", rho=0.7, predictor="dropout", J=6, m=6)
    exact = {own["corr"]: own["a"] for own in page.js("lab.result.exact")}
    sizes, rng = [len(one) for one in page.js("lab.result.design")], np.random.default_rng(1)
    L = np.linalg.cholesky(correlation(page.state, np.abs(np.subtract.outer(np.arange(6), np.arange(6)))))
    rows = []
    for k in range(12000):
        n = sizes[k % len(sizes)]
        rows += [(k, i, value) for i, value in enumerate((L @ rng.normal(size=6))[:n])]
    data = pd.DataFrame(rows, columns=["cluster", "wave", "y"])
    for corr in ("exchangeable", "ar1"):
        fit = mlm.gee("y ~ 1", data, groups="cluster", time="wave", corr=corr)
        assert exact[corr] == pytest.approx(fit.correlations["estimate"].iloc[0], abs=0.01)


@pytest.mark.parametrize("corr, J", [("independence", 12), ("ar1", 50)])  # a correlation is estimated well from 50 only
def test_studies_have_the_exact_standard_errors(lab, corr, J):
    page = lab(corr=corr, studies=1500, J=J)
    own, spread = page.js("lab.result.own"), page.js("lab.result.spread")
    assert spread == pytest.approx(own["truly"], rel=4 / np.sqrt(2 * 1500))
    runs = page.js("lab.result.runs.map((r) => [r.b, r.model, r.robust, r.corrected])")
    b, *ses = (np.array(one) for one in zip(*runs, strict=True))
    assert np.abs(b.mean(axis=0)) == pytest.approx(np.zeros(2), abs=0.04)
    for key, se in zip(("model", "robust", "corrected"), ses, strict=True):
        assert np.sqrt((se**2).mean(axis=0)) == pytest.approx(own[key], rel=0.05), key
    for k, term in enumerate(("treatment", "within")):
        for key, se in zip(("model", "robust", "corrected"), ses, strict=True):
            want = np.mean(np.abs(b[:, k]) > 1.959963984540054 * se[:, k])
            assert page.readout(f"alarm_{term}_{key}") == pytest.approx(want)


def alarms(page):
    return {key: page.readout(f"alarm_treatment_{key}") for key in KINDS}


def test_what_the_texts_promise(lab):
    page = lab()
    assert [page.shown(f"{k}_kept") for k in ("treatment", "within")] == ["94 %", "29 %"]
    says = page.page.locator(".says")
    assert "52 % too small for the treatment and 7 % too large" in says.inner_text()
    assert alarms(page)["model"] == pytest.approx(1 / 3, abs=0.04)
    page.control("corr").select_option("exchangeable")
    finish(page)
    assert [page.shown(f"{k}_kept") for k in ("treatment", "within")] == ["95 %", "63 %"]
    page.control("corr").select_option("ar1")
    finish(page)
    assert [page.shown(f"{k}_kept") for k in ("treatment", "within")] == ["100 %", "100 %"]
    page = lab(studies=3000)
    seen = alarms(page)
    assert 0.06 < seen["robust"] < 0.1 and 0.04 < seen["corrected"] < 0.07
    page.slide("J", 8)
    finish(page)
    own = page.js("lab.result.own")
    assert own["robust"][0] / own["truly"][0] == pytest.approx(0.85, abs=0.015)
    assert own["corrected"][0] / own["truly"][0] > 1.1
    seen = alarms(page)
    assert seen["robust"] == pytest.approx(0.14, abs=0.025) and seen["corrected"] == pytest.approx(0.06, abs=0.015)
    page.control("t").check()
    finish(page)
    assert alarms(page)["corrected"] < 0.04
    page = lab(J=100, studies=600)
    seen = alarms(page)
    assert abs(seen["robust"] - seen["corrected"]) < 0.01 and seen["robust"] == pytest.approx(0.05, abs=0.027)


def test_the_limit_is_normal_or_t(lab):
    from scipy.stats import norm, t

    page = lab(studies=0, J=9)
    assert page.js("lab.result.limit") == pytest.approx(norm.ppf(0.975))
    page.control("t").check()
    assert page.js("lab.result.limit") == pytest.approx(t.ppf(0.975, 6))


def test_the_table_holds_the_numbers(lab):
    page = lab(studies=20)
    caption, columns, rows = page.sheet()
    fit, exact = page.js("lab.result.fit"), page.js("lab.result.exact")
    assert f"{fit['b'][0]:.4f}" in caption.replace("\u2212", "-") and f"{fit['robust'][1]:.4f}" in caption
    assert len(rows) == 6 and columns[3] == "true SE"
    for k in range(2):
        for i, own in enumerate(exact):
            cells = rows[3 * k + i]
            want = [own["a"], *(own[key][k] for key in ("truly", "model", "robust", "corrected"))]
            assert [float(v) for v in cells[2:7]] == pytest.approx(want, abs=5.1e-5)


def test_a_correlation_that_is_none_is_told(lab):
    page = lab(truth="exchangeable", rho=0.9, corr="exchangeable", predictor="dropout", J=6, m=3, studies=600)
    failed = page.js("lab.result.failed")
    assert page.readout("studies") + failed == 600
    if failed:
        assert f"{failed} studies had no solution" in page.page.locator(".says").inner_text()
    for _ in range(60):
        if page.js("lab.result.fit") is None:
            break
        page.page.locator("#sample").click()
        page.page.evaluate("document.querySelector('.mlm-lab-host').lab.set({ studies: 0 })")
        finish(page)
    if page.js("lab.result.fit") is None:
        assert "was no correlation" in page.page.locator(".says").inner_text()
        with pytest.raises(mlm.DataError):
            mlm.gee("y ~ treated + x", rows_of(page), groups="cluster", time="wave", corr="exchangeable")


def test_drawing_by_keyboard(lab):
    page = lab(studies=0)
    assert page.shown("alarm_within_robust") == "–"
    page.page.locator("#more").focus()
    page.page.keyboard.press("Enter")
    finish(page)
    assert page.readout("studies") == 200
    page.page.keyboard.press("Enter")
    finish(page)
    assert page.readout("studies") == 400
    before = page.readout("treatment_estimate")
    page.page.locator("#sample").click()
    finish(page)
    assert page.readout("treatment_estimate") != before
    page.announced("Working independence")


def test_mouse_finger_and_keys_on_a_phone(lab):
    page = lab(phone=True, touch=True, dark=True, studies=20)
    page.handle("rho").scroll_into_view_if_needed()
    page.drag("rho", 0, 40)
    assert page.state["rho"] == pytest.approx(0.51, abs=0.06)
    page.handle("rho").focus()
    for key, value in (("End", 0.9), ("ArrowDown", 0.85), ("Shift+ArrowDown", 0.65), ("Home", 0)):
        page.page.keyboard.press(key)
        assert page.state["rho"] == pytest.approx(value)
    assert "keeps 100 percent" in page.handle("rho").get_attribute("aria-valuetext")
    finish(page)
    assert page.overflow() <= 0


def test_what_cannot_be_is_refused():
    for wrong in ({"rho": 1}, {"J": 5}, {"m": 2}, {"seed": 0}, {"studies": 9999}):
        with pytest.raises(ValueError, match="the lab works from"):
            mlm.labs.working_correlation(**wrong)
    for wrong in ({"truth": "toeplitz"}, {"corr": "unstructured"}, {"predictor": "age"}):
        with pytest.raises(ValueError, match="choose one of"):
            mlm.labs.working_correlation(**wrong)
