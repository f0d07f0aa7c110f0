"""The power planner: power, standard error, smallest effect and best design against mlm.power; the noncentral t against SciPy."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import mlmlib as mlm
from lab_actions import OneLab

JS = Path(__file__).parents[1] / "mlmlib" / "widgets" / "js"
browser_test = pytest.mark.browser


@pytest.fixture
def lab(browser, tmp_path):
    pages = []

    def start(phone=False, dark=False, touch=False, fragment="", **asked):
        made = mlm.labs.power_planner(**asked)
        pages.append(OneLab(browser, tmp_path, made, phone=phone, dark=dark, touch=touch, fragment=fragment))
        return pages[-1]

    yield start
    for page in pages:
        page.finish()


def node(tmp_path, code):
    """Run JavaScript on power_formulas.js, and what it prints as JSON."""
    if shutil.which("node") is None:
        pytest.skip("NO NODE ON THIS MACHINE: the noncentral t is checked through the lab only")
    for name in ("numerics", "power_formulas"):
        (tmp_path / f"{name}.mjs").write_text((JS / f"{name}.js").read_text().replace(".js", ".mjs"))
    script = tmp_path / "run.mjs"
    script.write_text(f'import * as f from "./power_formulas.mjs";\nconsole.log(JSON.stringify({code}));')
    done = subprocess.run(["node", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_power_of_the_noncentral_t_equals_scipy(tmp_path):
    points = [
        (d, df, a)
        for d in (0, 0.1, 1, 2, 2.8, 5, 9, 15)
        for df in (1, 3, 4, 10.5, 28, 100, 198)
        for a in (0.01, 0.05, 0.1)
    ]
    got = node(tmp_path, f"{json.dumps(points)}.map((p) => f.powerAt(...p))")
    want = []
    for d, df, a in points:
        t = stats.t.ppf(1 - a / 2, df)
        lower = stats.nct.cdf(-t, df, d) if d < 9 else 0.0  # SciPy has nan that far out
        want.append(stats.nct.sf(t, df, d) + lower if d else a)
    np.testing.assert_allclose(got, want, atol=1e-9)
    far = node(tmp_path, "[[36, 3, 0.01], [38, 3, 0.01], [300, 198, 0.05]].map((p) => f.powerAt(...p))")
    assert far == pytest.approx([1, 1, 1], abs=1e-9)
    assert node(tmp_path, "f.powerAt(2, 0, 0.05)") is None
    back = node(
        tmp_path, "[[0.8, 28, 0.05], [0.95, 3, 0.01]].map(([p, ...r]) => f.powerAt(f.noncentralityFor(p, ...r), ...r))"
    )
    assert back == pytest.approx([0.8, 0.95], abs=1e-9)


def plan(state, effect=None, J=None, n=None, power=None):
    """mlm.power's answer for a state of the lab."""
    sizes = {"groups": J, "n": n, "icc": state["icc"], "alpha": state["alpha"], "power": power}
    if state["level"] == "school":
        return mlm.power.cluster_randomized(effect, r2_group=state["r2_group"], r2_unit=state["r2_unit"], **sizes)
    return mlm.power.multisite(effect, effect_sd=state["effect_sd"], r2_unit=state["r2_unit"], **sizes)


def assert_equals_mlm_power(page):
    state, seen = page.state, page.numbers
    own = plan(state, state["effect"], state["J"], state["n"])
    assert [seen["power"], seen["se"]] == pytest.approx([own.power, own.se], rel=1e-8)
    assert [seen["df"], seen["noncentrality"]] == pytest.approx([own.df, own.noncentrality])
    assert seen["mdes"] == pytest.approx(plan(state, None, state["J"], state["n"], 0.8).effect, rel=1e-7)
    assert seen["cost"] == pytest.approx(state["J"] * (state["cost_group"] + state["n"] * state["cost_unit"]))
    assert seen["left"] == pytest.approx(state["budget"] - seen["cost"]) and seen["students"] == state["J"] * state["n"]
    return seen


STATES = [
    {},
    {"effect": 0.25, "icc": 0.05, "r2_group": 0.5, "r2_unit": 0.3, "alpha": 0.01, "J": 80, "n": 25},
    {"level": "student", "n": 20, "J": 11},
    {"level": "student", "effect": 0.2, "effect_sd": 0.35, "r2_unit": 0.6, "alpha": 0.1, "J": 6, "n": 200},
    {"level": "student", "effect_sd": 0, "effect": 0.15, "J": 25, "n": 12},
    {"effect": 1, "icc": 0.01, "J": 200, "n": 200, "r2_group": 0.95, "r2_unit": 0.95},
]


@browser_test
@pytest.mark.parametrize("asked", STATES, ids=str)
def test_readouts_equal_mlm_power(lab, asked):
    assert_equals_mlm_power(lab(**asked))


@browser_test
def test_every_slider_leads_to_mlm_power(lab):
    page = lab()
    for key, value in (("effect", 0.3), ("icc", 0.12), ("r2_group", 0.4), ("r2_unit", 0.25)):
        page.slide(key, value)
        assert page.state[key] == pytest.approx(value)
        assert_equals_mlm_power(page)
    page.control("alpha").select_option("0.1")
    assert_equals_mlm_power(page)
    page.control("level").select_option("student")
    page.slide("effect_sd", 0.2)
    assert page.state["level"] == "student" and page.state["effect_sd"] == 0.2
    assert_equals_mlm_power(page)


@browser_test
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"r2_group": 0.7},
        {"budget": 10000},
        {"icc": 0.4, "cost_group": 2000, "budget": 60000},
        {"level": "student", "budget": 10000},
        {"level": "student", "budget": 15000, "effect_sd": 0.3, "cost_unit": 35},
    ],
    ids=str,
)
def test_the_best_design_is_that_of_mlm_power_budget(lab, asked):
    page = lab(**asked)
    state, seen = page.state, page.numbers
    school = state["level"] == "school"
    more = {"r2_group": state["r2_group"]} if school else {"effect_sd": state["effect_sd"]}
    best = mlm.power.budget(
        state["budget"], effect=state["effect"], cost_group=state["cost_group"], cost_unit=state["cost_unit"],
        icc=state["icc"], alpha=state["alpha"], r2_unit=state["r2_unit"],
        design="cluster_randomized" if school else "multisite", **more,
    )  # fmt: skip
    assert [seen["best_schools"], seen["best_n"]] == [best.groups, best.n]
    assert seen["best_power"] == pytest.approx(best.power) and seen["optimal_n"] == pytest.approx(best.formula_n)


@browser_test
def test_the_map_and_its_lines_are_power(lab):
    page = lab(r2_group=0.3)
    seen, state = page.js("lab.result.map"), page.state
    for k, i in ((0, 0), (10, 40), (47, 59), (30, 20)):
        J, n = np.exp(seen["xs"][i]), np.exp(seen["ys"][k])
        se = np.sqrt(4 * (state["icc"] * 0.7 + (1 - state["icc"]) / n) / J)
        t = stats.t.ppf(0.975, J - 3)
        want = stats.nct.sf(t, J - 3, state["effect"] / se) + stats.nct.cdf(-t, J - 3, state["effect"] / se)
        assert seen["z"][k][i] == pytest.approx(want, abs=1e-8)
    assert (
        page.host.evaluate("(host) => host.shadowRoot.querySelectorAll('svg path[stroke-dasharray=\"4 4\"]').length")
        == 2
    )


@browser_test
def test_the_table_walks_along_the_budget(lab):
    page = lab()
    caption, columns, rows = page.sheet()
    assert "power 0.6160, MDES 0.4971, cost 39,000" in caption and columns[-1] == "power" and len(rows) == 12
    for n, J, students, cost, se, power in rows:
        want = plan(page.state, 0.4, int(J), int(n))
        assert [float(se), float(power)] == pytest.approx([want.se, want.power], abs=5.1e-5)
        spent = float(cost.replace(",", ""))
        assert int(J) % 2 == 0 and 40000 - 2 * (500 + 20 * int(n)) < spent <= 40000
        assert int(students.replace(",", "")) == int(J) * int(n)


@browser_test
def test_what_the_texts_promise(lab):
    page = lab()
    assert [page.shown("power"), page.shown("best_power"), page.shown("optimal_n")] == ["0.616", "0.798", "10.0"]
    assert [page.shown("best_schools"), page.shown("best_n")] == ["54", "12"]
    along = {int(row[0]): (row[1], round(100 * float(row[5]))) for row in page.sheet()[2]}
    assert along[5] == ("66", 76) and along[20] == ("44", 75) and along[80] == ("18", 41)
    page.slide("r2_group", 0.7)
    assert f"{page.readout('power'):.2f} {page.readout('optimal_n'):.0f}" == "0.96 18"
    page = lab(J=60)
    assert f"{page.readout('power'):.2f} {page.shown('cost')}" == "0.90 78,000"
    assert "38,000 more than you have" in page.page.locator(".says").inner_text()
    page = lab(level="student", budget=10000)
    assert [page.shown("best_schools"), page.shown("best_n"), f"{page.readout('best_power'):.2f}"] == [
        "7",
        "46",
        "0.88",
    ]
    page.slide("effect_sd", 0.3)
    assert [page.shown("best_schools"), f"{page.readout('best_power'):.2f}"] == ["11", "0.67"]
    assert f"{lab(budget=10000).readout('best_power'):.2f}" == "0.26"


def on_the_line(page):
    state = page.state
    each = state["cost_group"] + state["n"] * state["cost_unit"]
    left = state["budget"] - state["J"] * each
    return 0 <= left < each * (2 if state["level"] == "school" else 1) or state["J"] == 200


@browser_test
def test_the_dot_keeps_to_the_budget_on_demand(lab):
    page = lab(J=50)
    assert not on_the_line(page)
    page.control("snap").check()
    page.settle()
    assert on_the_line(page)
    page.handle("design").focus()
    n = page.state["n"]
    for key, by in (("ArrowDown", -1), ("ArrowRight", -1), ("ArrowLeft", 1), ("Shift+ArrowDown", -10)):
        page.page.keyboard.press(key)
        n += by
        assert page.state["n"] == n and on_the_line(page)
    page.handle("design").scroll_into_view_if_needed()
    page.drag("design", -60, -40)
    assert on_the_line(page) and page.state["n"] > n
    page.slide("cost_unit", float(np.log(40)))
    assert page.state["cost_unit"] == 40 and on_the_line(page)
    page.page.locator("#best").click()
    page.settle()
    assert page.readout("power") == pytest.approx(page.readout("best_power"))


@browser_test
def test_halves_are_treated(lab):
    page = lab()
    page.handle("design").focus()
    for key, at in (("ArrowRight", (32, 40)), ("ArrowUp", (32, 41)), ("Shift+ArrowLeft", (12, 41)), ("Home", (6, 41))):
        page.page.keyboard.press(key)
        assert (page.state["J"], page.state["n"]) == at
    page.control("level").select_option("student")
    assert page.state["n"] % 2 == 0
    for key, at in (("ArrowRight", 7), ("ArrowRight", 8), ("End", 200)):
        page.handle("design").focus()
        page.page.keyboard.press(key)
        assert page.state["J"] == at
    page.page.keyboard.press("ArrowUp")
    assert page.state["n"] % 2 == 0


@browser_test
def test_a_budget_for_too_few_schools_is_told(lab):
    page = lab(budget=5000, cost_group=5000, cost_unit=200)
    assert page.shown("best_power") == "–"
    assert "does not buy 6 schools" in page.page.locator(".says").inner_text()
    page.control("snap").check()
    page.page.locator("#best").click()
    page.settle()
    assert (page.state["J"], page.state["n"]) == (30, 40)
    assert page.sheet()[2] == []


@browser_test
def test_mouse_finger_and_dark_on_a_phone(lab):
    page = lab(phone=True, touch=True, dark=True)
    page.touch_drag("design", 40)
    many = page.state["J"]
    assert many > 36 and many % 2 == 0
    page.mouse_drag("design", -60)
    assert page.state["J"] < many - 8
    assert page.overflow() <= 0
    assert "power" in page.handle("design").get_attribute("aria-valuetext")
    page.announced(f"{page.state['J']} schools with 40 students")


def test_what_cannot_be_is_refused():
    for wrong in ({"effect": 0}, {"icc": 0.9}, {"J": 4}, {"n": 1}, {"budget": 10}, {"r2_group": 1}, {"cost_unit": 0}):
        with pytest.raises(ValueError, match="the lab works from"):
            mlm.labs.power_planner(**wrong)
    with pytest.raises(ValueError, match="choose one of school, student"):
        mlm.labs.power_planner(level="class")
    with pytest.raises(ValueError, match="choose one of 0.01, 0.05, 0.1"):
        mlm.labs.power_planner(alpha=0.2)
    with pytest.raises(ValueError, match="must be even"):
        mlm.labs.power_planner(J=31)
    with pytest.raises(ValueError, match="must be even"):
        mlm.labs.power_planner(level="student", n=15)
