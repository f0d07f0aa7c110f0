"""Forking paths: coefficients, tests and AIC of any choice, the search and its finds in other worlds, against mlmlib."""

from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mlmlib as mlm
from lab_actions import OneLab

pytestmark = pytest.mark.browser
NAMES = [f"fact{k}" for k in range(12)]


@pytest.fixture
def lab(browser, tmp_path):
    pages = []

    def start(phone=False, dark=False, touch=False, fragment="", **state):
        state.setdefault("worlds", 2)
        made = mlm.labs.forking_paths(**state)
        pages.append(OneLab(browser, tmp_path, made, phone=phone, dark=dark, touch=touch, fragment=fragment))
        return pages[-1]

    yield start
    for page in pages:
        page.finish()


def finish(page):
    """Wait until every world asked for is searched."""
    page.settle()
    page.page.wait_for_function(
        """() => { const lab = document.querySelector('.mlm-lab-host').lab;
        return !lab.result.pending && lab.result.count === lab.state.worlds; }""",
        timeout=120_000,
    )
    page.settle()


@lru_cache
def math():
    return mlm.load("math")


def with_facts(facts):
    """The students of the math data with the facts that the page drew."""
    schools = sorted(math()["schid"].unique())
    columns = pd.DataFrame(np.transpose(facts), index=schools, columns=NAMES)
    return math().join(columns, on="schid")


def fit(data, chosen):
    names = "".join(f" + fact{k}" for k in chosen)
    return mlm.lmm(f"math ~ homework{names} + (1 | schid)", data, reml=False)


def search(data, offer=12):
    """Forward selection by AIC as chapter 10 writes it: the order in which facts come in."""
    chosen, best = [], fit(data, [])
    while len(chosen) < min(6, offer):
        tried = {k: fit(data, [*chosen, k]) for k in range(offer) if k not in chosen}
        k = min(tried, key=lambda k: tried[k].aic)
        if tried[k].aic > best.aic:
            break
        chosen, best = [*chosen, k], tried[k]
    return chosen, best


def finds(fitted, chosen):
    return sum(fitted.pvalues[f"fact{k}"] < 0.05 for k in chosen)


def assert_equals_mlmlib(page):
    """Every number of the table, and of the readouts beside it."""
    result = page.js("({...lab.result, worlds: null})")
    data, chosen = with_facts(result["facts"]), result["chosen"]
    model = fit(data, chosen)

    def same(shown, fitted, name):
        low, high = fitted.params[name] + np.array([-1, 1]) * stats.norm.isf(0.025) * fitted.bse[name]
        want = [fitted.params[name], fitted.bse[name], fitted.params[name] / fitted.bse[name], low, high]
        assert [shown[k] for k in ("value", "se", "z", "low", "high")] == pytest.approx(want, rel=1e-4, abs=1e-5)
        assert shown["p"] == pytest.approx(fitted.pvalues[name], rel=1e-3, abs=1e-9)

    same(result["homework"], model, "homework")
    for k, row in enumerate(result["rows"]):
        assert row["inside"] == (k in chosen)
        if row["seen"]:
            same(row, model if k in chosen else fit(data, [*chosen, k]), f"fact{k}")
    seen, base = page.numbers, fit(data, [])
    assert [seen["aic"], seen["aic_base"]] == pytest.approx([model.aic, base.aic], abs=1e-6)
    for key, fitted in (("tau2", model), ("tau2_base", base)):
        assert seen[key] == pytest.approx(fitted.covariance_matrix().to_numpy()[0, 0], rel=1e-4, abs=1e-4)
    assert seen["found"] == finds(model, chosen) and seen["chosen"] == len(chosen)
    return data, seen


@pytest.mark.parametrize(
    "state",
    [{}, {"seed": 7, "chosen": [3, 8]}, {"seed": 9, "chosen": [10, 11, 1, 2, 3, 9]}, {"seed": 3, "chosen": range(12)}],
)
def test_any_choice_is_what_mlmlib_fits(lab, state):
    page = lab(**state)
    data, _ = assert_equals_mlmlib(page)
    assert data.groupby("schid")[NAMES].first().mean().abs().max() < 1e-12  # noise per SD over the 23 schools
    assert np.allclose(data.groupby("schid")[NAMES].first().std(), 1)
    fits = page.js("[0, 1, 2, 3, 4, 5].map((k) => { const m = (1 << k) - 1 | 1 << (k + 5);"
                   " return lab.memory.here.aic(m) - lab.memory.here.fit(m).aic; })")  # fmt: skip
    assert np.abs(fits).max() < 1e-7


@pytest.mark.parametrize("seed", [1, 6, 7, 9])
def test_the_search_is_that_of_the_chapter_step_by_step(lab, seed):
    page = lab(seed=seed)
    path, best = search(with_facts(page.js("lab.result.facts")))
    for k in range(len(path)):
        assert page.js("lab.result.next") == path[k]
        page.page.locator("#step").click()
        page.settle()
        assert page.state["chosen"] == path[: k + 1] and page.readout("looks") == 12 * (k + 2)
    page.page.locator("#step").click()
    page.settle()
    assert page.page.locator("#step").inner_text() == "AIC takes no more"
    assert page.state["chosen"] == path
    assert page.readout("aic") == pytest.approx(best.aic, abs=1e-6) and page.readout("found") == finds(best, path)
    page.page.locator("#none").click()
    assert page.state["chosen"] == [] and page.readout("looks") == 12 * (len(path) + 1)  # that table was seen before
    page.page.locator("#end").click()
    assert page.state["chosen"] == path and page.readout("looks") == 12 * (len(path) + 1)


@pytest.mark.parametrize("i", [0, 5])
def test_other_worlds_are_searched_in_the_same_way(lab, i):
    page = lab(seed=1, worlds=8)
    finish(page)
    outcome = page.js(f"lab.memory.others[{i}]")
    page.page.evaluate(f"document.querySelector('.mlm-lab-host').lab.set({{seed: {100_000 + i}}})")
    page.settle()
    data = with_facts(page.js("lab.result.facts"))
    for offer in (1, 6, 12):
        path, best = search(data, offer)
        assert outcome["found"][offer - 1] == finds(best, path)
    assert outcome["planned"] == finds(fit(data, [0]), [0])


def test_shares_are_those_of_the_worlds_and_the_texts_tell_the_truth(lab):
    page = lab(worlds=200)
    finish(page)
    others, worlds = page.js("lab.memory.others"), page.js("lab.result.worlds")
    found = np.array([o["found"] for o in others])
    assert found.shape == (200, 12)
    assert [w["share"] for w in worlds] == pytest.approx(list((found > 0).mean(axis=0)))
    assert [w["mean"] for w in worlds] == pytest.approx(list(found.mean(axis=0)))
    assert [w["luck"] for w in worlds] == pytest.approx(list(1 - 0.95 ** np.arange(1, 13)))
    seen = page.numbers
    assert [round(100 * worlds[m - 1]["share"], 1) for m in (12, 6, 1)] == [77, 42.5, 8.5]
    assert seen["planned_share"] == np.mean([o["planned"] for o in others]) and 0.05 < seen["planned_share"] < 0.1
    assert seen["share"] > seen["luck"] > 0.45 and 1.7 < seen["mean"] < 2.3
    page.page.locator("#end").click()
    seen = page.numbers
    assert [seen["chosen"], seen["found"], seen["looks"]] == [4, 3, 60]
    assert round(seen["aic_base"] - seen["aic"]) == 5 and round(100 * (1 - seen["tau2"] / seen["tau2_base"])) == 46
    alone = page.js(
        "lab.result.rows.map((q) => { const f = lab.memory.here.fit(1 << q.k); return f.beta[2] / f.se[2]; })"
    )
    names = page.js("lab.result.chosen.map((k) => lab.result.rows[k].name)")
    assert names[:3] == ["principal’s years", "clubs", "lunch minutes"]
    assert [k for k, z in enumerate(alone) if abs(z) > 1.96] == page.js("lab.result.chosen.slice(0, 1)")
    drawn = []
    for _ in range(5):
        page.page.locator("#other").click()
        page.page.locator("#end").click()
        drawn.append(page.readout("found"))
    assert drawn == [4, 0, 5, 0, 4]


def test_no_press_is_lost_while_worlds_are_pending(lab):
    page = lab(worlds=150)
    page.page.locator("#more").click()
    page.page.locator("#world").focus()
    for key in ("Space", "Enter", "Space"):
        page.page.keyboard.press(key)
    page.page.locator("#world").click()
    page.page.evaluate("""() => { const find = (id) => document.querySelector('.mlm-lab-host').shadowRoot.getElementById(id);
        find('end').click(); find('other').click(); find('step').click(); find('step').click(); }""")  # within one frame
    path, _ = search(with_facts(page.js("lab.memory.here.facts")))
    assert page.state["seed"] == 7 and page.state["chosen"] == path[:2] and page.readout("looks") == 36
    finish(page)
    assert page.state["worlds"] == page.readout("worlds") >= 354  # four presses, however slow the machine


def test_ticking_by_mouse_and_keyboard_counts_new_tables_only(lab):
    page = lab()
    page.control("fact3").click()
    assert page.state["chosen"] == [2] and page.readout("looks") == 24
    page.control("fact10").focus()
    page.page.keyboard.press("Space")
    assert page.state["chosen"] == [2, 9] and page.readout("looks") == 36
    page.control("fact3").click()
    page.control("fact3").click()
    assert page.state["chosen"] == [9, 2] and page.readout("looks") == 48
    assert_equals_mlmlib(page)
    page.announced("2 facts in the model")
    caption, _columns, rows = page.sheet()
    assert "2 facts in the model" in caption and len(rows) == 13 and rows[3][1] == rows[10][1] == "yes"
    assert float(rows[3][7]) == pytest.approx(page.js("lab.result.rows[2].p"), abs=1e-4)


def test_the_check_boxes_stand_in_their_rows(lab):
    for phone in (False, True):
        page = lab(phone=phone)
        boxes = [page.control(f"fact{k + 1}").bounding_box() for k in range(12)]
        rows = page.page.locator("svg circle[r='4']").all()
        middles = sorted(row.bounding_box()["y"] + row.bounding_box()["height"] / 2 for row in rows)
        for box, y in zip(boxes, middles, strict=True):
            assert abs(box["y"] + box["height"] / 2 - y) < 1.5


def test_planned_fact_looks_at_nothing_else(lab):
    page = lab(chosen=[4, 5])
    page.control("planned").check()
    assert page.js("lab.result.chosen") == [0] and page.readout("looks") == 1
    assert page.js("lab.result.rows.filter((q) => q.seen).length") == 1
    assert page.page.locator("#step").is_disabled() and page.control("fact5").is_disabled()
    assert_equals_mlmlib(page)
    page.control("planned").uncheck()
    assert page.js("lab.result.chosen") == [4, 5]


def test_facts_on_offer_by_mouse_finger_keys_and_slider_on_a_phone(lab):
    page = lab(phone=True, touch=True, chosen=[1])
    page.mouse_drag("facts", -60)
    m = page.state["facts"]
    assert 8 <= m < 12 and page.state["chosen"] == [] and page.readout("looks") == m
    page.touch_drag("facts", -40)
    assert page.state["facts"] < m
    page.handle("facts").focus()
    for key in ("Home", "ArrowRight", "Shift+ArrowRight"):
        page.page.keyboard.press(key)
    assert page.state["facts"] == 5
    assert "5 facts on offer" in page.handle("facts").get_attribute("aria-valuetext")
    page.slide("facts", 4)
    assert page.control("fact5").is_disabled() and not page.control("fact4").is_disabled()
    assert page.js("lab.result.rows.filter((q) => q.seen).length") == 4
    page.page.locator("#end").click()
    path, _ = search(with_facts(page.js("lab.result.facts")), 4)
    assert page.state["chosen"] == path
    assert page.overflow() <= 0


def test_a_link_carries_the_search(lab):
    page = lab(fragment="#lab-forking_paths?seed=9&chosen=%5B10%2C11%5D&looks=36")
    assert page.state["seed"] == 9 and page.js("lab.result.chosen") == [10, 11] and page.readout("looks") == 36
    assert_equals_mlmlib(page)
    again = lab(seed=9, chosen=[10, 11])
    assert again.js("lab.result.facts") == page.js("lab.result.facts")


def test_python_refuses_what_the_lab_cannot_do():
    for wrong in ({"seed": 0}, {"facts": 13}, {"worlds": 0}, {"chosen": [12]}, {"facts": 3, "chosen": [3]}):
        with pytest.raises(ValueError):
            mlm.labs.forking_paths(**wrong)
