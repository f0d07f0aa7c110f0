"""The study of confounded groups (data/confounding_study.py): a slice drawn again, what its table must show, how it works."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

import mlmlib as mlm
from toc import ROOT

sys.path.insert(0, str(ROOT / "data"))
import confounding_study as study

TABLE = mlm.load("confounding_study")
CELL = ["slopes", "groups", "rho", "n"]
KNOWN = json.loads(study.SLICE.read_text(encoding="utf-8"))
SAME, FOLLOW = TABLE.query("slopes == 'same'"), TABLE.query("slopes == 'follow'")


def of(method, rows=TABLE):
    return rows[rows["method"] == method].set_index(CELL).sort_index()


@pytest.mark.parametrize("number", study.SLICED)
def test_a_slice_is_drawn_again(number):
    found = study.block(study.SCENARIOS[number - 1], 0, study.AGAIN)
    assert set(found) == set(KNOWN[str(number)])
    for key, values in found.items():
        known = np.array(KNOWN[str(number)][key], dtype=float)
        assert np.allclose(np.where(np.isfinite(values), values, np.nan), known, rtol=1e-6, atol=1e-7, equal_nan=True), key


def test_the_table_is_whole():
    assert len(TABLE) == len(study.SCENARIOS) * len(study.METHODS)
    assert not TABLE.duplicated(["scenario", "method"]).any()
    assert (TABLE["replicates"] >= 1000).all() and TABLE["failures"].max() == 0
    assert np.allclose(TABLE["mc_error"], TABLE["sd"] / np.sqrt(TABLE["replicates"]), atol=1e-4)
    assert np.allclose(TABLE["rmse"] ** 2, TABLE["bias"] ** 2 + TABLE["sd"] ** 2, atol=3e-4)
    assert np.allclose(TABLE["coverage_error"] ** 2 * TABLE["replicates"], TABLE["coverage"] * (1 - TABLE["coverage"]), atol=4e-3)
    for scenario in study.SCENARIOS:
        own = TABLE[TABLE["scenario"] == scenario.number].iloc[0]
        assert (own["groups"], own["n"], own["rho"], own["slopes"]) == (scenario.groups, scenario.n, scenario.rho, scenario.slopes)


@pytest.mark.parametrize("method", ["FE", "FE + CR2", "Mundlak", "Mundlak slope"])
def test_the_within_slope_is_unbiased_however_groups_are_confounded(method):
    """Within 3 Monte Carlo errors where all groups have one slope, and its intervals hold."""
    found = of(method, SAME)
    assert (found["bias"].abs() < 3 * found["mc_error"] + 1e-4).all()
    assert (np.abs(found["coverage"] - 0.95) < 3 * np.sqrt(0.95 * 0.05 / found["replicates"])).all()


def test_mundlak_is_fixed_effects():
    assert np.allclose(of("Mundlak")["bias"], of("FE")["bias"], atol=1.01e-4)
    assert np.allclose(of("Mundlak")["sd"], of("FE")["sd"], atol=1.01e-4)


def test_least_squares_is_biased_by_the_covariance_whatever_the_size():
    """cov(x, u) / var(x) = 0.3 rho; robust standard errors change nothing of it."""
    found = of("OLS", SAME).reset_index()
    assert (np.abs(found["bias"] - study.BETWEEN * found["rho"]) < 3.5 * found["mc_error"]).all()
    assert np.allclose(of("OLS + CR2")["bias"], of("OLS")["bias"])
    worst = of("OLS + CR2", SAME).query("rho == 0.5 and groups == 50")["coverage"]
    assert worst.max() < 0.6 and worst.is_monotonic_decreasing


def test_the_bias_of_random_effects_falls_with_rows_and_not_with_groups():
    found = of("RE", SAME)["bias"]
    few, many = (found.loc[("same", groups, 0.5)] for groups in (50, 200))
    assert few.loc[5] > 2 * few.loc[20] > 4 * few.loc[100] > 0
    error = of("RE", SAME)["mc_error"]
    assert abs(few.loc[5] - many.loc[5]) < 3 * np.hypot(error.loc[("same", 50, 0.5, 5)], error.loc[("same", 200, 0.5, 5)])
    coverage = of("RE", SAME)["coverage"]
    assert coverage.loc[("same", 200, 0.5, 5)] < coverage.loc[("same", 50, 0.5, 5)] < 0.8
    unconfounded = of("RE", SAME).query("rho == 0")
    assert (unconfounded["bias"].abs() < 3 * unconfounded["mc_error"]).all()
    assert (unconfounded["rmse"] <= of("FE", SAME).query("rho == 0")["rmse"]).all()


def test_hausman_is_weak_where_it_is_needed():
    """Power rises with the rows of a group while the bias it is to find falls; choosing by it costs coverage."""
    found = of("RE", SAME).query("groups == 50 and rho == 0.5")
    assert found["hausman"].is_monotonic_increasing and found["bias"].is_monotonic_decreasing
    assert found["hausman"].iloc[0] < 0.7 and found["hausman"].iloc[-1] > 0.9
    null = of("RE", SAME).query("rho == 0")
    assert (null["hausman"] < 0.08).all() and (null["hausman_robust"] < 0.1).all()
    pretest = of("pretest", SAME)["coverage"]
    assert pretest.loc[("same", 50, 0.5, 5)] < 0.9 and pretest.loc[("same", 200, 0.2, 5)] < 0.9


def test_slopes_that_differ_need_a_random_slope_or_a_robust_error():
    differ = TABLE.query("slopes == 'differ' and rho == 0")
    plain, robust, slope = (of(method, differ)["coverage"] for method in ("FE", "FE + CR2", "RE slope"))
    assert plain.is_monotonic_decreasing and plain.iloc[-1] < 0.5
    assert robust.min() > 0.92 and slope.min() > 0.9
    confounded = of("Mundlak slope", TABLE.query("slopes == 'differ' and rho == 0.5"))
    assert (confounded["bias"].abs() < 3 * confounded["mc_error"]).all() and confounded["coverage"].min() > 0.92
    biased = of("RE slope", TABLE.query("slopes == 'differ' and rho == 0.5"))
    assert (biased["bias"] > 3 * biased["mc_error"]).all()


def test_slopes_that_follow_the_variance_of_x():
    """Fixed effects weigh slopes by the variance of x: 0.3 x 0.5 x 0.6 too high; the mean of the groups' slopes is right."""
    found, unweighted, random = (of(method, FOLLOW) for method in ("FE", "mean of slopes", "RE slope"))
    assert (np.abs(found["bias"] - 0.09) < 3.5 * found["mc_error"]).all()
    assert (unweighted["bias"].abs() < 3 * unweighted["mc_error"]).all() and unweighted["coverage"].min() > 0.93
    assert random.xs(0.0, level="rho")["bias"].is_monotonic_decreasing
    assert (found.xs(0.0, level="rho")["hausman"] < 0.15).all()


def test_an_interrupted_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(study, "SCENARIOS", study.SCENARIOS[:1])
    monkeypatch.setattr(study, "block", lambda scenario, number: {"estimates": np.ones((2, 10, 4)), "tests": np.ones((2, 3))})
    study.run(tmp_path, 1, 1, progress=False)
    first = study.path_of(tmp_path, study.SCENARIOS[0], 0)
    before = first.stat().st_mtime_ns
    study.run(tmp_path, 2, 1, progress=False)
    assert first.stat().st_mtime_ns == before and study.complete(tmp_path) == 2
    assert len(study.gathered(tmp_path, study.SCENARIOS[0], 2)["tests"]) == 4
