"""The shrinkage lab: what REML chooses in the page, and every arrow, against mlmlib on the same numbers."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from lab_actions import OneLab


@pytest.fixture
def lab(browser, tmp_path):
    pages = []

    def start(phone=False, dark=False, touch=False, fragment="", **asked):
        pages.append(
            OneLab(
                browser, tmp_path, mlm.labs.shrinkage(**asked), phone=phone, dark=dark, touch=touch, fragment=fragment
            )
        )
        return pages[-1]

    yield start
    for page in pages:
        page.finish()


def students(lab):
    """The students that the page holds now, one a row."""
    scores, labels = lab.js("lab.result.scores"), lab.js("lab.data.labels")
    rows = [(school, score) for school, own in zip(labels, scores, strict=True) for score in own]
    return pd.DataFrame(rows, columns=["school", "math"])


def table(lab):
    _, columns, rows = lab.sheet()
    frame = pd.DataFrame(rows, columns=columns).set_index("school")
    return frame.replace("–", "nan").astype(float)


def assert_equals_mlmlib(lab, reml=True):
    """Variances, fixed part and every school's line of the table are those of mlmlib on the page's own students."""
    data = students(lab)
    fit = mlm.lmm("math ~ 1 + (1 | school)", data, reml=reml)
    tau2 = fit.covariance_matrix().to_numpy()[0, 0]
    assert lab.readout("tau2") == pytest.approx(tau2, rel=1e-5, abs=1e-6)
    assert lab.readout("sigma2") == pytest.approx(fit.sigma**2, rel=1e-6)
    assert lab.readout("gamma") == pytest.approx(fit.params["Intercept"], rel=1e-7)
    assert lab.readout("excess") == pytest.approx(0, abs=1e-9)
    assert lab.js("lab.result.criterion") == pytest.approx(fit.criterion, abs=1e-6)
    rows, own = table(lab), data.groupby("school")["math"]
    u = fit.random_effects["school"]["Intercept"]
    np.testing.assert_allclose(rows["raw mean"], own.mean()[rows.index], atol=5.1e-5)
    np.testing.assert_allclose(rows["estimate"], fit.params["Intercept"] + u[rows.index], atol=2e-4)
    np.testing.assert_allclose(
        rows["SD given the data"], fit.random_effects_se["school"]["Intercept"][rows.index], atol=2e-4
    )
    n = own.size()[rows.index]
    np.testing.assert_allclose(rows["λ"], n * tau2 / (n * tau2 + fit.sigma**2), atol=1e-4)


def test_opens_on_the_books_fit(lab):
    page = lab()
    fit = mlm.lmm("math ~ 1 + (1 | schid)", mlm.load("math"))
    assert page.readout("tau2") == pytest.approx(fit.covariance_matrix().to_numpy()[0, 0], rel=1e-6)
    assert page.shown("tau2") == "26.12" and page.shown("sigma2") == "81.24"  # lme4's numbers
    assert page.js("lab.data.labels[lab.state.school]") == "6327"
    assert_equals_mlmlib(page)
    assert page.page.locator("svg .handle[data-key^=school]").count() == 23


def test_dragging_a_school_lets_reml_choose_again(lab):
    page = lab()
    before = page.readout("tau2")
    top = page.js("lab.result.order[0]")
    page.mouse_drag(f"school{top}", -120)
    assert page.js("lab.state.school") == top
    assert page.readout("tau2") < before
    assert_equals_mlmlib(page)


def test_dragging_by_touch(lab):
    page = lab(True, touch=True)
    j = page.js("lab.state.school")
    before = page.readout("mean")
    page.touch_drag(f"school{j}", -40)
    assert page.readout("mean") < before - 2
    assert page.overflow() <= 0
    assert_equals_mlmlib(page)


def test_dragging_a_student(lab):
    page = lab()
    j = page.js("lab.state.school")
    lowest = int(np.argmin(page.js("lab.result.scores[lab.state.school]")))
    before = page.readout("mean")
    page.mouse_drag(f"s{j}-{lowest}", 100)
    assert page.readout("mean") > before + 0.5
    assert_equals_mlmlib(page)


def test_keyboard_moves_a_school_and_walks_between_schools(lab):
    page = lab()
    j, before = page.js("lab.state.school"), page.readout("mean")
    page.page.locator(f".handle[data-key=school{j}]").focus()
    page.page.keyboard.press("ArrowLeft")
    page.settle()
    assert page.readout("mean") == pytest.approx(np.floor(2 * before + 0.5) / 2 - 0.5)
    page.page.keyboard.press("ArrowDown")
    page.settle()
    order = page.js("lab.result.order")
    below = order[order.index(j) + 1]
    assert page.js("lab.state.school") == below
    focused = page.page.evaluate("document.querySelector('.mlm-lab-host').shadowRoot.activeElement.dataset.key")
    assert focused == f"school{below}"
    assert page.page.locator(".handle[data-key^=school][tabindex='0']").count() == 1
    page.announced("School ")


def test_size_of_a_school_changes_its_share_only_through_n(lab):
    page = lab()
    mean = page.readout("mean")
    page.slide("size", 67)
    assert page.readout("mean") == pytest.approx(mean)
    assert page.readout("lambda") > 0.93
    assert_equals_mlmlib(page)
    page.slide("size", 2)
    assert page.readout("lambda") < 0.5
    assert_equals_mlmlib(page)
    page.slide("size", 1)
    assert_equals_mlmlib(page)
    page.page.get_by_role("button", name="Give this school its data back").click()
    page.settle()
    assert page.js("lab.result.chosen.n") == 8
    assert page.readout("tau2") == pytest.approx(26.124175, rel=1e-6)


def test_variances_by_hand(lab):
    page = lab()
    page.slide("tau2", 5)
    assert page.state["auto"] is False
    sigma2 = page.readout("sigma2")
    data = students(page)
    own = data.groupby("school")["math"]
    n, mean = own.size(), own.mean()
    weight = 1 / (5 + sigma2 / n)
    gamma = (weight * mean).sum() / weight.sum()
    rows = table(page)
    assert page.readout("gamma") == pytest.approx(gamma, rel=1e-9)
    shrunk = gamma + n * 5 / (n * 5 + sigma2) * (mean - gamma)
    np.testing.assert_allclose(rows["estimate"], shrunk[rows.index], atol=1e-4)
    ones = (data["school"].to_numpy()[:, None] == data["school"].to_numpy()).astype(float)
    V, y = 5 * ones + sigma2 * np.eye(len(data)), data["math"] - gamma
    h = np.linalg.inv(V).sum()
    want = (len(data) - 1) * np.log(2 * np.pi) + np.linalg.slogdet(V)[1] + np.log(h) + y @ np.linalg.solve(V, y)
    assert page.js("lab.result.criterion") == pytest.approx(want, abs=1e-6)
    assert page.readout("excess") > 1
    page.slide("tau2", 0)
    assert (table(page)["λ"] == 0).all()
    page.page.locator("input[data-key=auto]").check()
    page.settle()
    assert_equals_mlmlib(page)


def test_three_kinds_of_pooling(lab):
    page = lab()
    data = students(page)
    page.page.locator("select[data-key=mode]").select_option("none")
    page.settle()
    rows = table(page)
    np.testing.assert_array_equal(rows["estimate"], rows["raw mean"])
    page.page.locator("select[data-key=mode]").select_option("complete")
    page.settle()
    np.testing.assert_allclose(table(page)["estimate"], data["math"].mean(), atol=1e-4)


def test_a_link_carries_the_state(lab):
    page = lab()
    page.slide("size", 30)
    page.slide("sigma2", 120)
    page.page.get_by_role("button", name="Link to this state").click()
    fragment = page.page.evaluate("location.hash")
    again = lab(fragment=fragment)
    for key in ("sigma2", "tau2", "auto"):
        assert again.state[key] == pytest.approx(page.state[key], rel=1e-6)
    assert again.js("lab.result.chosen.n") == 30
    assert again.readout("estimate") == pytest.approx(page.readout("estimate"), rel=1e-6)
    again.page.get_by_role("button", name="Reset").click()
    again.settle()
    assert again.js("lab.result.chosen.n") == 8


def test_takes_data_or_a_fit_from_python(lab):
    hsb = mlm.load("hsb")
    few = hsb[hsb["school"].isin(list(hsb["school"].unique()[:30]))].copy()
    fit = mlm.lmm("mathach ~ 1 + (1 | school)", few, reml=False)
    page = lab(fit=fit)
    assert page.readout("tau2") == pytest.approx(fit.covariance_matrix().to_numpy()[0, 0], rel=1e-5)
    assert_equals_mlmlib(page, reml=False)
    assert page.page.locator("svg .handle[data-key^=school]").count() == 30
    with pytest.raises(ValueError, match="random intercept"):
        mlm.labs.shrinkage(fit=mlm.lmm("mathach ~ cses + (1 | school)", few))
    with pytest.raises(ValueError, match="no column"):
        mlm.labs.shrinkage(few, outcome="maths", groups="school")
    with pytest.raises(ValueError, match="both"):
        mlm.labs.shrinkage(tau2=3.0)


@pytest.mark.parametrize("dark", [False, True])
def test_fits_a_phone(lab, dark):
    assert lab(True, dark).overflow() <= 0
