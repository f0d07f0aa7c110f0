"""The study of ignored crossed factors (data/crossed_study.py): a slice drawn again, and what its table must show."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

import mlmlib as mlm
from toc import ROOT

sys.path.insert(0, str(ROOT / "data"))
import crossed_study as study

TABLE = mlm.load("crossed_study").set_index(["design", "model", "what", "measure"])
CROSSED = [2, 3, 5, 10, 30]


def found(design, model, what, measure):
    row = TABLE.loc[(str(design), model, what, measure)]
    return row["value"], row["se"]


@pytest.mark.parametrize("design", study.DESIGNS)
def test_a_slice_is_drawn_again(design):
    known = json.loads(study.SLICE.read_text(encoding="utf-8"))[str(design)]
    again = study.Design(design, 0).replicates(study.AGAIN)
    assert set(again) == set(known) == set(study.models_of(design))
    for model, values in again.items():
        assert np.allclose(values, known[model], rtol=1e-5, atol=1e-6), model


@pytest.mark.parametrize("design", CROSSED)
def test_designs_differ_in_the_degree_of_crossing_alone(design):
    school, hood, label = study.codes(design)
    assert (np.bincount(school) == 30).all() and (np.bincount(hood) == 30).all() and (hood == label).all()
    assert len(set(zip(school, hood))) == 30 * design


def test_right_models_are_right():
    for design, model in [*((m, "both") for m in CROSSED), ("labels", "school/class")]:
        for what, true in (("school", 0.15), ("other", 0.15), ("residual", 0.70)):
            value, se = found(design, model, f"variance {what}", "mean")
            assert abs(value - true) < 4 * se, (design, what)
        for name in study.COEFFICIENTS:
            value, se = found(design, model, name, "SE over SD")
            assert abs(value - 1) < 4 * se, (design, name)


@pytest.mark.parametrize("design", CROSSED)
def test_variances_go_where_mean_squares_say(design):
    """The formula has no predictors; that of the neighborhoods takes a thirtieth of their variance away."""
    for what, value in study.expected(design).items():
        mean, se = found(design, "school only", f"variance {what}", "mean")
        assert abs(mean - value) < 0.15 / 29 + 4 * se, what
    assert found(2, "school only", "variance school", "mean")[0] > 0.2
    assert found(30, "school only", "variance school", "mean")[0] < 0.15 - 2 * found(30, "school only", "variance school", "mean")[1]


def test_standard_errors_of_the_ignored_factor_are_too_small():
    for design in CROSSED:
        assert found(design, "school only", "x_other", "SE over SD")[0] < 0.5
        assert found(design, "school only", "x_other", "false alarms")[0] > 0.35
        assert found(design, "school only", "Intercept", "SE over SD")[0] < 0.9
    slash = [found(design, "school/other", "x_other", "SE over SD")[0] for design in CROSSED[:4]]
    assert slash == sorted(slash, reverse=True) and slash[0] < 0.85
    assert found("labels", "school + class", "x_other", "false alarms")[0] > 0.2


def test_other_tests_stay_honest_and_the_strictly_within_one_is_too_careful():
    for design in CROSSED:
        for name in ("x_school", "x_pupil"):
            value, se = found(design, "school only", name, "SE over SD")
            assert abs(value - 1) < 4 * se, (design, name)
        value, se = found(design, "school only", "x_within", "SE over SD")
        assert value > 1 + 2.5 * se


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(1).normal(size=(20, 50))
    value, se = study.jackknife(np.mean, values)
    assert value == pytest.approx(values.mean()) and se == pytest.approx(values.mean(axis=1).std(ddof=1) / 20**0.5)
