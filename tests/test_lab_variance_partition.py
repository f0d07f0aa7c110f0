"""The partition lab: every variance and standard error against mlm.lmm on data with exactly the lab's mean squares."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, norm

import mlmlib as mlm
from lab_actions import OneLab

pytestmark = pytest.mark.browser
LEVELS = ("school", "child", "test")
FORMULA = {
    "level": {"none": "(1 | school/child)", "school": "(1 | pupil)", "child": "(1 | school)", "both": None},
    "rate": {"none": "(1 + a | school/child)", "school": "(1 + a | pupil)"},
}


@pytest.fixture
def lab(browser, tmp_path):
    pages = []

    def start(phone=False, dark=False, touch=False, fragment="", **asked):
        made = mlm.labs.variance_partition(**asked)
        pages.append(OneLab(browser, tmp_path, made, phone=phone, dark=dark, touch=touch, fragment=fragment))
        return pages[-1]

    yield start
    for page in pages:
        page.finish()


def scaled(draws, out, squares):
    """Draws that are orthogonal to the columns of `out`, with this sum of squares."""
    rest = draws - out @ np.linalg.lstsq(out, draws, rcond=None)[0]
    return rest * np.sqrt(squares / np.sum(rest**2))


def balanced(page, seed=1):
    """Rows whose three mean squares are the page's, with a predictor at each level that has no effect in them."""
    state, E, df = page.state, page.js("lab.result.E"), page.js("lab.result.df")
    J, n, m = state["J"], state["n"], state["m"]
    rng, rate = np.random.default_rng(seed), state["what"] == "rate"
    school, pupil = np.repeat(np.arange(J), n * m), np.repeat(np.arange(J * n), m)
    S, P = (np.equal.outer(ids, np.arange(ids.max() + 1)).astype(float) for ids in (school, pupil))
    a = np.tile(np.arange(m) - (m - 1) / 2, J * n)

    def unit(v):
        return v / np.sqrt(np.mean(v**2))

    w = unit(S @ scaled(rng.standard_normal(J), np.ones((J, 1)), 1))
    x = rng.standard_normal(J * n)
    x = unit(P @ (x - np.repeat(x.reshape(J, n).mean(axis=1), n)))

    def strata(along, squares):
        """Effects of schools, then of children, that multiply `along`, with sums of squares of rows."""
        of_school = along * (S @ rng.standard_normal(J))
        of_pupil = along * (P @ rng.standard_normal(J * n))
        of_school = scaled(of_school, np.c_[along, along * w], squares[0])
        within = np.c_[S * along[:, None], along * w, along * x]
        return of_school + scaled(of_pupil, within, squares[1])

    if rate:
        y = strata(a, [E[0] * df[0], E[1] * df[1]])
        y = y + strata(np.ones(len(a)), [4 * n * m * (J - 2), 2 * m * (J * (n - 1) - 1)])  # levels vary as they like
        noise = scaled(rng.standard_normal(len(a)), np.c_[P, P * a[:, None]], E[2] * df[2])
        frame = pd.DataFrame({"a": a, "w": w, "x": x, "y": y + noise})

    else:
        t = unit(a)
        y = strata(np.ones(len(a)), [E[0] * df[0], E[1] * df[1]])
        noise = scaled(rng.standard_normal(len(a)), np.c_[P, t], E[2] * df[2])
        frame = pd.DataFrame({"a": t, "w": w, "x": x, "y": y + noise})
    return frame.assign(school=school, pupil=pupil, child=pupil % n)


def assert_equals_mlmlib(page):
    frame, state, seen = balanced(page), page.state, page.numbers
    rate, out = state["what"] == "rate", state["out"]
    fixed = "y ~ a * (w + x)" if rate else "y ~ w + x + a"
    terms = ["a:w", "a:x"] if rate else ["w", "x", "a"]
    kept = {"none": ("school:child", "school"), "school": ("pupil",), "child": ("school",), "both": ()}
    for left_out in {"none", out}:
        random = FORMULA[state["what"]][left_out]
        if random is None:
            fit = mlm.ols(fixed, frame)
            assert seen["found_test"] == pytest.approx(fit.sigma**2, rel=1e-8)
        else:
            fit = mlm.lmm(f"{fixed} + {random}", frame)
            place = 1 if rate else 0
            found = {group: fit.covariance_matrix(group).to_numpy()[place, place] for group in kept[left_out]}
            if left_out == "none":
                keys = ("school_rate", "child_rate") if rate else ("school", "child")
                assert found["school"] == pytest.approx(state[keys[0]], rel=1e-4, abs=1e-6)
                assert found["school:child"] == pytest.approx(state[keys[1]], rel=1e-4, abs=1e-6)
                assert fit.sigma**2 == pytest.approx(state["test"], rel=1e-5)
            elif left_out == "school":
                assert seen["found_child"] == pytest.approx(found["pupil"], rel=1e-4, abs=1e-6)
            else:
                assert seen["found_school"] == pytest.approx(found["school"], rel=1e-4, abs=1e-6)
            if not rate and left_out != "none":
                assert seen["found_test"] == pytest.approx(fit.sigma**2, rel=1e-5)
        names = [f"{'se' if left_out == 'none' else 'said'}_{level}" for level in LEVELS[: len(terms)]]
        assert [seen[name] for name in names] == pytest.approx(list(fit.bse[terms]), rel=1e-4)
    alarms = page.js("lab.result.alarms")[: len(terms)]
    assert alarms == pytest.approx(
        [2 * norm.cdf(-norm.ppf(0.975) * r) for r in page.js("lab.result.ratio")][: len(terms)]
    )
    return seen


@pytest.mark.parametrize("out", ["none", "school", "child", "both"])
def test_levels_equal_a_fit(lab, out):
    page = lab(J=9, n=5, m=3, out=out)
    seen = assert_equals_mlmlib(page)
    assert seen["rhoChild"] == pytest.approx(0.81 / 1.11) and seen["rhoSchool"] == pytest.approx(0.17 / 1.11)


@pytest.mark.parametrize("out", ["none", "school"])
def test_rates_equal_a_fit(lab, out):
    page = lab(J=8, n=6, m=5, what="rate", out=out, school_rate=0.02, child_rate=0.012, test=0.1)
    assert_equals_mlmlib(page)


def test_sizes_that_other_sliders_give(lab):
    page = lab(J=12, n=4, m=6, out="school")
    page.slide("child", 0.2)
    page.slide("school", 0.31)
    page.slide("test", 0.12)
    assert_equals_mlmlib(page)
    page.control("out").select_option("child")
    page.settle()
    assert_equals_mlmlib(page)


def test_opens_on_the_idea(lab):
    page = lab()
    seen = page.numbers
    assert seen["said_school"] / seen["se_school"] < 0.4 and seen["said_child"] > seen["se_child"]
    assert seen["said_test"] == pytest.approx(seen["se_test"])
    assert seen["found_child"] == pytest.approx(0.64 + 0.17 * 29 * 58 / (60 * 29 - 3))
    assert "moved down to the children" in page.page.locator(".says").inner_text()


def test_the_strip_of_shares_is_what_mean_squares_give(lab):
    page = lab(out="none", what="rate")
    E, df, d, n = page.js("lab.result.E"), page.js("lab.result.df"), 5.0, 29  # four tests a year apart: 5
    rng = np.random.default_rng(5)
    M = np.array(E) * chi2.rvs(df, size=(200_000, 3), random_state=rng) / np.array(df)
    child = np.maximum(0, (M[:, 1] - M[:, 2]) / d)
    pooled = np.where(child > 0, M[:, 1], (df[1] * M[:, 1] + df[2] * M[:, 2]) / (df[1] + df[2]))
    school = np.maximum(0, (M[:, 0] - pooled) / (n * d))
    share = school / (school + child)
    seen = page.numbers
    assert [seen["low"], seen["high"]] == pytest.approx(list(np.quantile(share, [0.025, 0.975])), abs=0.03)
    assert np.mean(page.js("lab.result.shares")) == pytest.approx(share.mean(), abs=0.015)
    assert seen["share"] == 0.5


def test_what_the_texts_promise(lab):
    page = lab(out="none")
    base = page.numbers["se_school"]
    assert lab(out="none", J=15).numbers["se_school"] / base == pytest.approx(2)
    assert lab(out="none", n=4).numbers["se_school"] / base == pytest.approx(1.34, abs=0.01)
    rates, longer = lab(out="none", what="rate").numbers, lab(out="none", what="rate", m=8).numbers
    assert [f"{rates[k]:.2f}" for k in ("low", "high")] == ["0.34", "0.70"]
    few = lab(out="none", what="rate", J=20, n=10).numbers
    assert few["low"] < 0.1 and few["high"] > 0.83
    assert longer["high"] - longer["low"] < 0.6 * (rates["high"] - rates["low"])


def test_mouse_finger_and_keys_move_the_corners(lab):
    page = lab(phone=True, touch=True)
    before = page.state
    page.touch_drag("school", 24)
    assert page.state["school"] > before["school"] + 0.03 and page.state["child"] == before["child"]
    page.handle("child").scroll_into_view_if_needed()
    page.drag("child", -20, 20)
    assert page.state["child"] < before["child"] - 0.1
    page.handle("test").focus()
    for key, value in (("End", 0.4), ("ArrowLeft", 0.39), ("Shift+ArrowDown", 0.29), ("Home", 0.02)):
        page.page.keyboard.press(key)
        assert page.state["test"] == pytest.approx(value)
    assert "of the variance" in page.handle("test").get_attribute("aria-valuetext")
    assert page.overflow() <= 0
    page.announced("Model without schools")


def test_rates_leave_out_schools_or_nothing(lab):
    page = lab(out="both")
    page.control("what").select_option("rate")
    page.settle()
    assert page.state["out"] == "school" and page.handle("test").count() == 0
    disabled = page.control("out").evaluate("(s) => [...s.options].filter((o) => o.disabled).map((o) => o.value)")
    assert disabled == ["child", "both"]
    _, columns, rows = page.sheet()
    assert columns[0] == "level" and rows[2][5] == "–"


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="for a rate choose one of none, school"):
        mlm.labs.variance_partition(what="rate", out="child")
    with pytest.raises(ValueError, match="works from 0.02 to 0.4"):
        mlm.labs.variance_partition(test=0)
    with pytest.raises(ValueError, match="works from 6 to 100"):
        mlm.labs.variance_partition(J=3)
