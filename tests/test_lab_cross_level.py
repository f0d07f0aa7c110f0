"""The cross-level lab: levels, slopes and differences with their standard errors against mlmlib, refitted there."""

import numpy as np
import pytest

import mlmlib as mlm
from lab_actions import OneLab
from mlmlib.widgets.cross_level import FORMULA

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def hsb():
    return mlm.load("hsb")


@pytest.fixture(scope="module")
def fit(hsb):
    return mlm.lmm(FORMULA, hsb)


@pytest.fixture
def lab(browser, tmp_path, fit):
    pages = []

    def start(made=None, phone=False, dark=False, touch=False, **asked):
        made = made or mlm.labs.cross_level(fit, **asked)
        pages.append(OneLab(browser, tmp_path, made, phone=phone, dark=dark, touch=touch))
        return pages[-1]

    yield start
    for page in pages:
        page.finish()


def refit(hsb, state):
    """The same model with its zeros at the page's school and student: each number of the page is then a coefficient."""
    moved = hsb.assign(
        w=hsb["mean_ses"] - state["mean_ses"],
        z=(hsb["sector"] == "Catholic") * 1.0 - (state["sector"] == "Catholic"),
        at=hsb["cses"] - state["student"],
    )
    here = mlm.lmm("mathach ~ cses * w + cses * z + (1 + cses | school)", moved)
    there = mlm.lmm("mathach ~ at * w + at * z + (1 + at | school)", moved)
    return {"level": (here, "Intercept"), "slope": (here, "cses"), "difference": (there, "z")}


@pytest.mark.parametrize("mean_ses, sector, student", [(0.0, "Catholic", -1.0), (-0.62, "Public", 1.35)])
def test_every_number_is_a_coefficient_of_the_model_refitted_there(lab, hsb, mean_ses, sector, student):
    page = lab()
    page.slide("mean_ses", mean_ses)
    page.slide("student", student)
    page.control("sector").select_option(sector)
    page.settle()
    for key, (model, name) in refit(hsb, page.state).items():
        assert page.readout(key) == pytest.approx(model.params[name], rel=1e-4, abs=1e-5)
        assert page.readout(f"{key}_se") == pytest.approx(model.bse[name], rel=1e-4)


def test_lines_are_the_models_predictions(lab, hsb, fit):
    page = lab(mean_ses=0.3, sector="Public", student=0.75)
    new = hsb.iloc[:2].assign(cses=0.75, mean_ses=0.3, sector=["Public", "Catholic"])
    predicted = fit.predict(new, random_effects=False)
    assert page.js("[lab.result.student.value, lab.result.twinStudent.value]") == pytest.approx(list(predicted))
    simple = fit.margins(over="sector", dydx="cses").table.set_index("sector")  # at the sample's mean SES
    page.js(f"lab.set({{mean_ses: {hsb['mean_ses'].mean()}}})")
    page.settle()
    assert page.readout("slope") == pytest.approx(simple.loc["Public", "margin"])
    assert page.readout("slope_se") == pytest.approx(simple.loc["Public", "se"])


def test_sectors_are_equal_at_one_place_whatever_the_mean_ses(lab, fit):
    page = lab()
    cross = -fit.params["sector[T.Catholic]"] / fit.params[_name(fit, "cses", "sector[T.Catholic]")]
    assert page.readout("cross") == pytest.approx(cross)
    page.slide("student", round(cross, 2))
    assert abs(page.readout("difference")) < 0.1
    unsure = page.js("lab.result.unsure")
    assert unsure[0] < cross < unsure[1]
    for end in unsure:  # the 95 % interval of the difference ends at zero there
        page.js(f"lab.set({{student: {end}}})")
        page.settle()
        seen = page.numbers
        assert abs(seen["difference"]) == pytest.approx(1.959963984540054 * seen["difference_se"], rel=1e-6)
    page.slide("mean_ses", 0.6)
    assert page.readout("cross") == pytest.approx(cross)


def _name(fit, *parts):
    return next(name for name in fit.params.index if set(name.split(":")) == set(parts))


def test_table_holds_the_schools_of_the_model(lab, hsb, fit):
    page = lab()
    _caption, columns, rows = page.sheet()
    assert columns == ["school", "sector", "mean SES", "level", "SE", "slope", "SE"] and len(rows) == 8 + 160
    schools = hsb.groupby("school", observed=True).first()
    new = schools.reset_index()
    assert [row[0] for row in rows[8:]] == [str(school) for school in schools.index]
    u = fit.random_effects["school"].loc[schools.index]
    level = fit.predict(new.assign(cses=0.0), random_effects=False)
    slope = fit.predict(new.assign(cses=1.0), random_effects=False) - level
    np.testing.assert_allclose([float(row[3]) for row in rows[8:]], level + u["Intercept"].to_numpy(), atol=6e-4)
    np.testing.assert_allclose([float(row[5]) for row in rows[8:]], slope + u["cses"].to_numpy(), atol=6e-4)
    x, y = hsb.loc[hsb["school"] == new["school"][0], ["cses", "mathach"]].to_numpy(float).T
    own = page.js("[lab.data.schools[0].own_slope, lab.data.schools[0].own_level]")
    assert own == pytest.approx(list(np.polyfit(x, y, 1)), abs=1e-4)


def test_mouse_finger_and_keys(lab):
    page = lab(phone=True, touch=True)
    page.mouse_drag("level", 50)
    moved = page.state["mean_ses"]
    assert moved > 0.25
    page.touch_drag("slope", -60)
    assert page.state["mean_ses"] < moved - 0.2
    page.handle("student").focus()
    page.page.keyboard.press("ArrowRight")
    page.page.keyboard.press("Shift+ArrowLeft")
    assert page.state["student"] == pytest.approx(-1.45)
    assert "Catholic minus public" in page.handle("student").get_attribute("aria-valuetext")
    assert page.overflow() <= 0
    page.announced("Catholic, mean SES")


def test_no_pooling_shows_how_slopes_fly(lab):
    page = lab()
    count = "(host) => host.shadowRoot.querySelectorAll('svg circle[r=\"1.8\"]').length"
    assert page.host.evaluate(count) == 0
    page.control("own").check()
    page.settle()
    assert page.host.evaluate(count) == 320


def test_other_fits_are_refused_or_taken(lab, hsb, fit):
    part = hsb[hsb["school"].isin(list(hsb["school"].unique()[::3]))]
    ml = mlm.lmm(FORMULA, part, reml=False)
    page = lab(mlm.labs.cross_level(ml, sector="Public"))
    assert page.readout("level") == pytest.approx(ml.params["Intercept"])
    assert page.readout("slope_se") == pytest.approx(ml.bse["cses"])
    with pytest.raises(ValueError, match="one model"):
        mlm.labs.cross_level(mlm.lmm("mathach ~ cses + (1 + cses | school)", part))
    with pytest.raises(ValueError, match="random levels and slopes"):
        mlm.labs.cross_level(mlm.lmm("mathach ~ cses * mean_ses + cses * sector + (1 | school)", part))
    with pytest.raises(ValueError, match="Catholic or Public"):
        mlm.labs.cross_level(fit, sector="private")
