"""What labs and self-checks open with: settings that they refuse, by name and with the mend, and what becomes of the others."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib.widgets import component, labs

REFUSED = [  # lab, setting, what is said
    ("centering", {"mode": "school"}, "mode = 'school': choose one of none, grand, group"),
    ("centering", {"share": 1.0}, "share = 1.0: the lab works from 0.05 to 0.95"),
    ("confounded_schools", {"rho": 1}, "rho = 1: the lab works from -0.95 to 0.95"),
    ("confounded_schools", {"studies": -1}, "studies = -1: the lab works from 0 to"),
    ("coverage", {"J": 7}, "J = 7: half of the schools are treated, so give an even number"),
    ("coverage", {"n": 61}, "n = 61: a school has 2 to 60 students"),
    ("coverage", {"icc": 0.6}, "icc = 0.6: the machine works from 0 to 0.5"),
    ("coverage", {"studies": 0}, "studies = 0: give 1 to 5000"),
    ("coverage", {"effect": float("inf")}, "must be finite"),
    ("covariance_origin", {"origin": 9.0}, "origin = 9.0: it slides from -2 to 6"),
    ("cross_level", {"sector": "Private"}, "sector = 'Private': choose Catholic or Public"),
    ("cross_level", {"student": 3}, "student = 3: the lab works from -2 to 2"),
    ("forking_paths", {"facts": 13}, "facts = 13: the lab works from 1 to 12"),
    ("forking_paths", {"chosen": [5], "facts": 5}, "chosen = [5]: the facts on offer are 0 to 4"),
    ("influence", {"school": 1}, "there is no school 1 in the math data; it has"),
    ("influence", {"sizes": {62821: 1}}, "sizes: 1 students; a school has 2 to 200 here"),
    ("influence", {"moved": {62821: (99, 50)}}, "moved: (99, 50) is off the picture"),
    ("likelihood_surface", {"surface": "exam"}, "surface = 'exam': choose one of"),
    ("likelihood_surface", {"method": "newton"}, "method = 'newton': choose one of em,"),
    ("likelihood_surface", {"x": -1}, "x = -1.0: on 'math' the walk starts between 0 and"),
    ("likelihood_surface", {"step": -2}, "step = -2: give a number of steps, or -1"),
    ("origin_of_time", {"study": "rats"}, "study = 'rats': choose one of orthodont"),
    ("origin_of_time", {"origin": 99}, "origin = 99: in orthodont it slides from"),
    ("piecewise", {"study": "mice"}, "study = 'mice': choose one of trial"),
    ("piecewise", {"shape": "cubic"}, "shape = 'cubic': choose one of"),
    ("piecewise", {"worlds": 2001}, "worlds = 2001: the lab draws 0 to 2000"),
    ("piecewise", {"knots": [6, 3]}, "knots = [6.0, 3.0]: give one to three places in increasing order, from 1 to 10"),
    ("piecewise", {"knots": []}, "knots = []: give one to three places"),
    ("piecewise", {"at": 1}, "at = 1: there are 1 knots, counted from 0"),
    ("power_planner", {"alpha": 0.2}, "alpha = 0.2: choose one of 0.01, 0.05, 0.1"),
    ("power_planner", {"icc": 0.6}, "icc = 0.6: the lab works from 0.01 to 0.5"),
    ("power_planner", {"J": 31}, "J = 31: half of the schools are treated, so their number must be even"),
    ("power_planner", {"level": "student", "n": 21}, "n = 21: half of the students are treated"),
    ("quadrature", {"group": "mine"}, "group = 'mine': choose one of ohio_ones"),
    ("quadrature", {"nodes": 26}, "nodes = 26: the lab works from 1 to 25"),
    ("quadrature", {"method": "monte carlo"}, "method = 'monte carlo': choose one of"),
    ("quadrature", {"k": 9}, "k = 9 yes of n = 4: there cannot be more yes than trials"),
    ("residual_memory", {"m": 3}, "m = 3: the lab works from 4 to 16"),
    ("shrinkage", {"mode": "half"}, "mode = 'half': choose one of"),
    ("shrinkage", {"tau2": 1.0}, "give both tau2 and sigma2, or neither"),
    ("shrinkage", {"outcome": "maths"}, "there is no column 'maths' in the data; it has"),
    ("shrinkage", {"school": 9}, "there is no schid 9 in the data"),
    ("shrinkage", {"edits": [(1, 0, 5.0)]}, "there is no schid 1 in the data"),
    ("two_averages", {"study": "herds"}, "study = 'herds': choose one of yours"),
    ("two_averages", {"tau": 5}, "tau = 5: the lab works from 0 to 4"),
    ("two_averages", {"link": "cloglog"}, "link = 'cloglog': choose one of logit, probit"),
    ("two_averages", {"guess": 1}, "guess = 1: a chance from 0 (none yet) to below 1"),
    ("variance_partition", {"test": 0.01}, "test = 0.01: the lab works from 0.02 to 0.4"),
    ("variance_partition", {"m": 2}, "m = 2: the lab works from 3 to 8"),
    ("variance_partition", {"what": "slope"}, "what = 'slope': choose one of level, rate"),
    ("variance_partition", {"what": "rate", "out": "child"}, "out = 'child': for a rate choose one of"),
    ("variance_test", {"view": "log"}, "view = 'log': choose one of density, tail"),
    ("variance_test", {"tau2": 0.4}, "tau2 = 0.4: the lab works from 0 to 0.3"),
    ("working_correlation", {"corr": "unstructured"}, "corr = 'unstructured': choose one of independence"),
    ("working_correlation", {"rho": 0.95}, "rho = 0.95: the lab works from 0 to 0.9"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "settings", "said"), [pytest.param(*c, id=f"{c[0]}-{'-'.join(c[1])}") for c in REFUSED])
def test_a_setting_off_the_scale_is_named_with_what_the_lab_takes(name, settings, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        getattr(mlm.labs, name)(**settings)


def test_influence_keeps_schools_enough_for_a_line():
    schools = sorted(set(mlm.load("math")["schid"]))
    with pytest.raises(ValueError, match="at least 4 of the 23 schools have to stay"):
        mlm.labs.influence(out=schools[:20])


def test_labs_of_a_fit_refuse_models_that_they_cannot_draw():
    math = mlm.load("math")
    with pytest.raises(ValueError, match=r"one predictor with a random intercept and slope: fit 'y ~ x"):
        mlm.labs.covariance_origin(mlm.lmm("math ~ homework + (1 | schid)", math))
    with pytest.raises(ValueError, match=r"an intercept and one random intercept only: fit 'y ~ 1 \+ \(1 \| g\)'"):
        mlm.labs.shrinkage(fit=mlm.lmm("math ~ homework + (1 | schid)", math))
    with pytest.raises(ValueError, match="random intercepts only"):
        mlm.labs.shrinkage(fit=mlm.lmm("math ~ 1 + (1 + homework | schid)", math))
    with pytest.raises(ValueError, match="this lab shows one model: fit 'mathach"):
        mlm.labs.cross_level(mlm.lmm("math ~ homework + (1 | schid)", math))
    with pytest.raises(ValueError, match=r"fit '\(1 \+ cses \| school\)'"):
        mlm.labs.cross_level(mlm.lmm("mathach ~ cses * mean_ses + cses * sector + (1 | school)", mlm.load("hsb")))


def test_covariance_and_origin_open_on_any_fit_a_little_beyond_its_data():
    data = mlm.load("sleepstudy")
    fit = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", data)
    lab = mlm.labs.covariance_origin(fit, x_unit="days")
    held, T = lab.data, fit.covariance_matrix().to_numpy()
    assert held["origins"] == pytest.approx([-1.8, 10.8]), "a fifth of the range on either side"
    assert held["T"] == pytest.approx([T[0, 0], T[0, 1], T[1, 1]]) and held["sigma2"] == pytest.approx(fit.sigma**2)
    assert (held["xName"], held["xUnit"], held["yName"]) == ("Days", "days", "Reaction")
    assert held["spans"] == [[0.0, 9.0]] * 18 and np.bincount(held["group"]).tolist() == [10] * 18


def test_shrinkage_puts_changed_schools_in_their_places():
    lab = mlm.labs.shrinkage(school=62821, shift={7472: 5}, sizes={62821: 40}, edits=[(7472, 2, -3.0)], tau2=10, sigma2=80)
    where = {label: k for k, label in enumerate(lab.data["labels"])}
    assert lab.school == where["62821"] and not lab.auto and (lab.tau2, lab.sigma2) == (10, 80)
    assert [k for k, by in enumerate(lab.shift) if by] == [where["7472"]] and lab.shift[where["7472"]] == 5
    assert [k for k, n in enumerate(lab.sizes) if n is not None] == [where["62821"]]
    assert lab.edits == [[where["7472"], 2, -3.0]]


def test_shrinkage_draws_two_to_sixty_groups():
    rows = pd.DataFrame({"g": np.repeat(np.arange(61), 2), "y": np.arange(122.0)})
    with pytest.raises(ValueError, match="g has 61 groups: the lab draws one row each, for 2 to 60 groups"):
        mlm.labs.shrinkage(rows, outcome="y", groups="g")
    lab = mlm.labs.shrinkage(rows[rows["g"] < 3], outcome="y", groups="g")
    assert lab.data["groups"] == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]] and lab.school == 1, "the second-highest mean"


def test_own_points_of_least_squares_need_no_school():
    lab = mlm.labs.least_squares(x=[1, 2, 3], y=[40, 50, 45])
    assert (lab.x, lab.y) == ([1, 2, 3], [40, 50, 45])
    with pytest.raises(ValueError, match="x has 2 points and y has 3: give as many of both"):
        mlm.labs.least_squares(x=[1, 2], y=[40, 50, 45])


def test_em_has_no_step_on_high_school_and_beyond():
    lab = mlm.labs.likelihood_surface(surface="hsb", method="em")
    assert lab.method == "bfgs" and lab.reml is True
    assert mlm.labs.likelihood_surface().reml is False


def test_labs_are_listed():
    assert dir(mlm.labs) == sorted(labs.__all__) and len(labs.__all__) == 20


def test_state_is_what_json_can_hold():
    given = {1: np.array([1.0, np.nan]), "b": range(2), "c": (True, None, "x")}
    assert component.plain(given) == {"1": [1.0, None], "b": [0, 1], "c": [True, None, "x"]}
    for far in (np.inf, [-np.inf], np.array([np.inf])):
        with pytest.raises(ValueError, match="must be finite"):
            component.plain(far)


def test_every_lab_writes_json_that_a_browser_reads():
    def refuse(word):
        raise AssertionError(f"JSON.parse does not know {word}")

    for name in labs.__all__:
        page = getattr(mlm.labs, name)().to_html()
        state = re.search(r'<script type="application/json">(.*?)</script>', page, re.S)[1]
        assert "data" in json.loads(state, parse_constant=refuse), name


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: mlm.ask.choice("ch01-x", "?", {"a": "b", "c": "d"}, right="e"), "right='e' is not among the options"),
        (lambda: mlm.ask.choice("ch01-x", "?", {"a": "b", "c": "d"}, right=[]), r"right=\[\] is not among"),
        (lambda: mlm.ask.choice("ch01-x", "?", {"a": "b"}, right="a"), "needs at least two options"),
        (lambda: mlm.ask.number("ch01-x", "?", np.nan), "ch01-x: the answer is nan; a reader cannot type that"),
        (lambda: mlm.ask.number("ch01-x", "?", 1, known={"Twice": np.inf}), "the known mistake 'Twice' is inf"),
        (lambda: mlm.ask.number("ch 1", "?", 1), "the id 'ch 1' must be a chapter and a name"),
    ],
)
def test_a_question_without_an_answer_is_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()
