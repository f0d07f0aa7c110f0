"""The study of few clusters (data/few_clusters_study.py): a slice drawn again, what its table must show, how it works."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

import mlmlib as mlm
from toc import ROOT

sys.path.insert(0, str(ROOT / "data"))
import few_clusters_replicates as replicates
import few_clusters_study as study

TABLE = mlm.load("few_clusters_study")
KNOWN = json.loads(study.SLICE.read_text(encoding="utf-8"))
CELL = ["outcome", "design", "coefficient", "method", "clusters"]
CELLS = TABLE.set_index(CELL).sort_index()
ALARMS, POWER = CELLS["false_alarms"], CELLS["power"]
SMALL_SAMPLE = ("CR2", "wild bootstrap", "mixed Satterthwaite", "mixed KR")


def alarms(design, coefficient, method, outcome="continuous"):
    """False alarms with 8, 20, 50 and 200 clusters."""
    return ALARMS.loc[(outcome, design, coefficient, method)]


def near(found, replicates_, allowed=0.0):
    """Within 3.5 Monte Carlo errors of 5 %."""
    return np.abs(found - 0.05) < allowed + 3.5 * np.sqrt(0.05 * 0.95 / replicates_)


@pytest.mark.parametrize("number", study.SLICED)
def test_a_slice_is_drawn_again(number):
    found = study.block(study.SCENARIOS[number - 1], 0, study.AGAIN)
    assert set(found) == set(KNOWN[str(number)])
    for key, values in found.items():
        known = np.array(KNOWN[str(number)][key], dtype=float)
        assert np.allclose(np.where(np.isfinite(values), values, np.nan), known, rtol=1e-5, atol=1e-6, equal_nan=True), key


@pytest.mark.parametrize("number", [2, 6, 14])
def test_the_quick_gee_is_that_of_the_library(number):
    scenario = study.SCENARIOS[number - 1]
    data, binary = replicates.draw(scenario, np.random.default_rng(number)), scenario.outcome == "binary"
    X = np.column_stack([np.ones(len(data["x"])), data["treated"], data["x"]])
    b, robust, corrected = replicates.gee_exchangeable(data["y"], X, data["cluster"], binary)
    fit = mlm.gee("y ~ treated + x", data, groups="cluster", family="binomial" if binary else "gaussian", corr="exchangeable")
    assert np.allclose(fit.params, b, atol=1e-9)
    assert np.allclose(fit.cov_params("robust"), robust, rtol=1e-7, atol=1e-12)
    assert np.allclose(fit.cov_params("mancl-derouen"), corrected, rtol=1e-7, atol=1e-12)


def test_power_and_coverage_follow_from_the_outcome_without_effects():
    """An effect added to the outcome gives the same p-values as the shifted hypotheses that the study tests."""
    scenario = study.SCENARIOS[1]
    data = replicates.draw(scenario, np.random.default_rng(3))
    own = replicates.wild(data, 7)[0]
    moved = data | {"y": data["y"] + replicates.EFFECT["treated"] * data["treated"]}
    again = mlm.wild_bootstrap(mlm.ols("y ~ treated + x", moved), "treated = 0", moved["cluster"], n=replicates.DRAWS, seed=7)
    assert again.pvalue == pytest.approx(own[1])
    cells, shifted = replicates.analyze(scenario, data), replicates.analyze(scenario, moved)
    assert np.array_equal(study.rejects(cells[:, 0], -replicates.EFFECT["treated"]), study.rejects(shifted[:, 0], 0.0))


def test_the_table_is_whole():
    wild = 2 * sum(scenario.outcome == "continuous" for scenario in study.SCENARIOS)
    assert len(TABLE) == 2 * sum(len(scenario.methods) for scenario in study.SCENARIOS) + wild
    assert CELLS.index.is_unique
    continuous, binary = (TABLE.query(f"outcome == {name!r}")["replicates"] for name in ("continuous", "binary"))
    assert continuous.min() == continuous.max() == 2 * binary.min() == 2 * binary.max() >= 1600
    for share in ("false_alarms", "coverage", "power"):
        known = TABLE[TABLE[share].notna()]
        expected = np.sqrt(known[share] * (1 - known[share]) / known["replicates"])
        assert known[share].between(0, 1).all() and np.abs(known[f"{share}_error"] - expected).max() < 2e-4
    whole = TABLE.query("outcome == 'continuous' and failures == 0")
    assert np.allclose(whole["coverage"], 1 - whole["false_alarms"], atol=1e-4)
    failed = TABLE[TABLE["failures"] > 0]
    assert set(failed["method"]) <= {"GEE z", "GEE MD t"} and set(failed["design"]) <= {"unequal"}


def test_ignoring_clusters_fails_with_any_number_of_them():
    for design in ("equal", "unequal", "unlike"):
        assert alarms(design, "treated", "OLS").min() > 0.2
    assert alarms("equal", "treated", "GLM", "binary").min() > 0.14
    assert near(alarms("equal", "x", "OLS"), 2000).all()


@pytest.mark.parametrize("method", ["CR0 z", "GEE z"])
def test_sandwiches_without_correction_need_many_clusters(method):
    found = alarms("equal", "treated", method)
    assert found.loc[8] > 0.12 and found.loc[8] > found.loc[20] > found.loc[200] and near(found, 2000).loc[200]
    assert alarms("equal", "treated", method, "binary").loc[8] > 0.1


@pytest.mark.parametrize("method", SMALL_SAMPLE)
def test_small_sample_methods_hold_with_equal_clusters(method):
    assert near(alarms("equal", "treated", method), 2000, allowed=0.01).all()
    assert near(alarms("equal", "treated", method), 2000).loc[[20, 50, 200]].all()


def test_unequal_clusters_need_more_than_a_factor():
    """CR1 is far from 5 % with 20 very unequal clusters, CR2 near it, with less than half the degrees of freedom."""
    plain, adjusted = (alarms("unequal", "treated", method) for method in ("CR1 t", "CR2"))
    assert plain.loc[8] > 0.15 and plain.loc[20] > 0.09 and (adjusted < 0.09).all()
    df = CELLS["df"].loc[("continuous", "unequal", "treated", "CR2")]
    assert (df < 0.5 * df.index.to_numpy()).all()
    sd = CELLS["sd"].loc[("continuous", "unequal", "treated")]
    assert (sd.loc["mixed KR"] < sd.loc["CR2"]).all()
    assert POWER.loc[("continuous", "unequal", "treated", "mixed KR", 50)] > POWER.loc[("continuous", "unequal", "treated", "CR2", 50)] + 0.1


def test_a_wrong_model_is_not_mended_by_clusters_or_degrees_of_freedom():
    for method in ("mixed z", "mixed Satterthwaite", "mixed KR"):
        assert alarms("unlike", "treated", method).min() > 0.09 and alarms("unlike", "x", method).min() > 0.2
    for method in ("CR2", "GEE z", "GEE MD t", "wild bootstrap"):
        assert near(alarms("unlike", "treated", method), 2000, allowed=0.01).loc[200]
        assert near(alarms("unlike", "x", method), 2000, allowed=0.01).loc[200]


def test_two_treated_clusters_tell_nothing():
    rows = ("continuous", "unlike", "treated")
    assert ALARMS.loc[(*rows, "CR1 t", 8)] > 0.18 and ALARMS.loc[(*rows, "CR2", 8)] < 0.06
    assert CELLS["df"].loc[(*rows, "CR2", 8)] < 2 and POWER.loc[(*rows, "CR2", 8)] < 0.1


def test_binary_outcomes():
    found = CELLS.loc["binary", "equal", "treated"]
    for method in ("CR2", "mixed t"):
        assert near(found.loc[method]["false_alarms"], 1000, allowed=0.005).all()
        assert found.loc[method]["coverage"].min() > 0.92
    assert found.loc["mixed z"]["false_alarms"].loc[8] > 0.07
    assert 0.73 < study.marginal_effect() < 0.75


def test_an_interrupted_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(study, "SCENARIOS", study.SCENARIOS[:1])
    monkeypatch.setattr(study, "block", lambda scenario, number: {"fits": np.ones((2, 9, 2, 3)), "wild": np.ones((2, 2, 2))})
    study.run(tmp_path, 1, 1, progress=False)
    first = study.path_of(tmp_path, study.SCENARIOS[0], 0)
    before = first.stat().st_mtime_ns
    study.run(tmp_path, 2, 1, progress=False)
    assert first.stat().st_mtime_ns == before and study.complete(tmp_path) == 2
    assert len(study.gathered(tmp_path, study.SCENARIOS[0], 2)["fits"]) == 4


def test_a_failure_neither_rejects_nor_covers():
    cells = np.array([[0.0, 1.0, np.inf], [3.0, 1.0, np.inf], [np.nan] * 3, [2.1, 1.0, 5.0]])
    assert np.array_equal(study.rejects(cells, 0.0), [0.0, 1.0, np.nan, 0.0], equal_nan=True)
    row = study._row(study.SCENARIOS[0], "x", "OLS", *(study.rejects(cells, 0.0),) * 3, cells)
    assert row[6] == 0.25 and row[8] == 0.5 and row[-2:] == (4, 1)
