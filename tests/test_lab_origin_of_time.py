"""The lab of the origin of time: at each origin every number is that of mlm.lmm with time measured from there."""

import numpy as np
import pytest

import mlmlib as mlm
from lab_actions import OneLab
from mlmlib.widgets.growth_studies import STUDIES

pytestmark = pytest.mark.browser
KEYS = {"orthodont": "age", "sleepstudy": "day", "egsingle": "year"}


@pytest.fixture
def lab(browser, tmp_path):
    pages = []

    def start(study="orthodont", phone=False, dark=False, touch=False, fragment="", **asked):
        made = mlm.labs.origin_of_time(study, **asked)
        pages.append(OneLab(browser, tmp_path, made, phone=phone, dark=dark, touch=touch, fragment=fragment))
        return pages[-1]

    yield start
    for page in pages:
        page.finish()


def refitted(page):
    """The study's model with time measured from the page's origin: fitted anew, in other variables."""
    state = page.state
    study, origin = STUDIES[state["study"]], state[KEYS[state["study"]]]
    frame = mlm.load(state["study"])
    frame = frame.assign(t=frame[study.time] - origin).assign(t2=lambda d: d["t"] ** 2)
    mean = "(t + t2)" if state["curved"] else "t"
    random = study.random.replace(f"+ {study.time} ", "+ t ")
    return mlm.lmm(f"{study.outcome} ~ {mean}{f' * {study.group}' if study.group else ''} + {random}", frame)


def assert_equals_mlmlib(page):
    fit, seen, state = refitted(page), page.numbers, page.state
    study, names = STUDIES[state["study"]], list(fit.params.index)
    T = sum(fit.covariance_matrix(factor).to_numpy() for factor in fit.n_groups)
    assert seen["gamma00"] == pytest.approx(fit.params["Intercept"], rel=1e-5, abs=1e-6)
    assert seen["gamma00_se"] == pytest.approx(fit.bse["Intercept"], rel=1e-4)
    assert seen["gamma10"] == pytest.approx(fit.params["t"], rel=1e-5)
    assert [seen["tau00"], seen["tau11"]] == pytest.approx([T[0, 0], T[1, 1]], rel=1e-3)
    assert seen["tau01"] == pytest.approx(T[0, 1], abs=1e-3 * np.sqrt(T[0, 0] * T[1, 1]))
    assert seen["correlation"] == pytest.approx(T[0, 1] / np.sqrt(T[0, 0] * T[1, 1]), abs=1e-3)
    assert seen["sigma2"] == pytest.approx(fit.sigma**2, rel=1e-4)
    assert seen["criterion"] == pytest.approx(fit.criterion, abs=1e-4)  # the same at every origin
    assert ("gamma20" in seen) == state["curved"]
    if state["curved"]:
        assert seen["gamma20"] == pytest.approx(fit.params["t2"], rel=1e-4)
    if study.group:
        status, rate = (
            next(n for n in names if study.group in n and n.startswith(start)) for start in (study.group, "t:")
        )
        assert [seen["gamma01"], seen["gamma11"]] == pytest.approx(list(fit.params[[status, rate]]), rel=1e-4, abs=1e-6)
        assert [seen["gamma01_se"], seen["gamma11_se"]] == pytest.approx(list(fit.bse[[status, rate]]), rel=1e-3)
    if len(fit.random_effects) == 1:
        (effects,) = fit.random_effects.values()
        rows = {row[0]: [float(cell) for cell in row[-2:]] for row in page.sheet()[2]}
        male = frame_of(state["study"], study)
        for label, (status_now, rate_now) in rows.items():
            beta = np.array([fit.params["Intercept"], fit.params["t"]])
            if study.group and male[label] == "Female":
                beta = beta + [fit.params[status], fit.params[rate]]
            own = effects.set_axis(effects.index.astype(str)).loc[label].to_numpy()
            assert [status_now, rate_now] == pytest.approx(list(beta + own), abs=3e-3)
    return seen


def frame_of(name, study):
    """The group of each person."""
    if not study.group:
        return {}
    return mlm.load(name).astype({study.person: str}).groupby(study.person)[study.group].first().to_dict()


@pytest.mark.parametrize("curved", [False, True])
@pytest.mark.parametrize(
    ("study", "origins"), [("orthodont", (8, 14)), ("sleepstudy", (-6, 4.5)), ("egsingle", (2.5,))]
)
def test_every_origin_equals_a_fit_there(lab, study, origins, curved):
    page = lab(study, curved=curved)
    assert_equals_mlmlib(page)
    for origin in origins:
        page.slide(KEYS[study], origin)
        assert_equals_mlmlib(page)


def test_lines_do_not_move_but_all_at_zero_does(lab):
    page = lab()
    paths = """(host) => [...host.shadowRoot.querySelectorAll('svg path')].map((p) => p.getAttribute('d'))
        .filter((d) => (d.match(/L/g) ?? []).length > 30)"""
    before, at_first = page.host.evaluate(paths), page.numbers
    page.page.locator("#last").click()
    page.settle()
    after, at_last = page.host.evaluate(paths), page.numbers
    assert before == after and len(before) > 50
    still = {"gamma10", "tau11", "gamma11", "gamma11_se", "sigma2", "criterion"}
    assert {key for key in at_first if at_first[key] == pytest.approx(at_last[key], rel=1e-9)} == still


def test_the_texts_say_the_truth(lab):
    page = lab()
    first = page.numbers
    assert f"{first['gamma01']:.1f} {1.96 * first['gamma01_se']:.1f}" == "-1.4 1.6"
    page.page.locator("#last").click()
    page.settle()
    last = page.numbers
    assert f"{last['gamma01']:.1f}" == "-3.2" and last["gamma01"] + 2 * last["gamma01_se"] < 0
    page.slide("age", 0)
    birth = page.numbers
    assert f"{birth['gamma01']:.1f} {1.96 * birth['gamma01_se']:.1f}" == "1.0 3.1"
    assert "Nobody was seen then" in page.page.locator(".says").inner_text()
    page = lab("sleepstudy", origin=9)
    assert f"{page.readout('correlation'):.2f}" == "0.91"
    page.slide("day", -6)
    assert f"{page.readout('correlation'):.2f} {page.js('lab.result.calm'):.1f}" == "-0.81 -0.3"
    page = lab("egsingle", curved=True)
    rates = [page.readout("gamma10")]
    page.page.locator("#last").click()
    page.settle()
    assert [f"{v:.1f}" for v in (*rates, page.readout("gamma10"))] == ["1.0", "0.6"]


def test_status_varies_least_where_it_does_not_go_with_the_rate(lab):
    page = lab("sleepstudy", origin=-0.3)
    calm = page.readout("tau00")
    assert abs(page.readout("correlation")) < 0.01
    for day in (-0.8, 0.2):
        page.slide("day", day)
        assert page.readout("tau00") > calm


def test_mouse_finger_and_keys_on_a_phone(lab):
    page = lab(phone=True, touch=True)
    page.touch_drag("origin", 40)
    assert page.state["age"] > 9
    page.mouse_drag("origin", -60)
    assert page.state["age"] < 8
    page.handle("origin").focus()
    for key, value in (("End", 18), ("ArrowLeft", 17.9), ("Shift+ArrowLeft", 16.9), ("Home", 0)):
        page.page.keyboard.press(key)
        assert page.state["age"] == pytest.approx(value)
    assert "SD of status" in page.handle("origin").get_attribute("aria-valuetext")
    page.control("study").select_option("sleepstudy")
    page.settle()
    assert page.state["day"] == 0 and "gamma01" not in page.numbers
    assert page.overflow() <= 0
    page.announced("Zero at day 0.0")


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="choose one of orthodont, sleepstudy, egsingle"):
        mlm.labs.origin_of_time("rats")
    with pytest.raises(ValueError, match="slides from 0 to 18"):
        mlm.labs.origin_of_time(origin=44)
