"""The study of formula and simulation (data/power_study.py): a slice computed again, and what its table must show."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

import mlmlib as mlm
from toc import ROOT

sys.path.insert(0, str(ROOT / "data"))
import power_study as study

TABLE = mlm.load("power_study").set_index(["design", "analysis"])
KNOWN = json.loads(study.SLICE.read_text(encoding="utf-8"))
OWN = TABLE[TABLE["of_formula"] == "yes"]
SEEN = 3  # of the replicates of the slice


@pytest.mark.parametrize("name", study.DESIGNS)
def test_a_slice_is_computed_again(name):
    """The first block of replicates, drawn by its seed; a few of them are analyzed."""
    found = study.simulated(name, SEEN)
    known = np.array(KNOWN[name])[:SEEN]
    assert np.allclose(found.values[:, :, :2], known, rtol=2e-5, atol=2e-6)


def test_the_table_is_whole():
    assert not TABLE.index.duplicated().any()
    assert len(TABLE) == sum(1 + len(others) for _, _, _, others in study.DESIGNS.values()) and len(OWN) == len(study.DESIGNS)
    assert (TABLE["replicates"] == study.REPLICATES).all() and (TABLE["failed"] == 0).all()
    for name in study.DESIGNS:
        plan = study.plan(name)
        assert np.allclose(TABLE.loc[name, ["formula_power", "formula_se"]], [plan.power, plan.se], atol=1e-4)
    p = TABLE["formula_power"]
    assert np.allclose(TABLE["z"], (TABLE["power"] - p) / np.sqrt(p * (1 - p) / study.REPLICATES), atol=0.02)


def test_formula_and_simulation_agree():
    """Within Monte Carlo error: sixteen tests at a joint level of 1 percent (Bonferroni's normal quantile)."""
    assert OWN["z"].abs().max() < 3.42
    assert (OWN["mean_se"] / OWN["formula_se"]).between(0.93, 1.07).all()
    assert (OWN["bias"].abs() < 3.5 * OWN["bias_error"]).all()
    assert OWN["coverage"].between(0.93, 0.97).all()


def test_other_analyses_are_caught():
    """Rows that are taken as independent find what is not there; z tests with few groups, too."""
    assert TABLE.loc[("no effect", "ols"), "power"] > 0.25 and TABLE.loc[("no effect", "ols"), "coverage"] < 0.75
    few = TABLE.loc["ten clusters: no effect"]
    assert few.loc["gee", "power"] > 0.1 > 0.07 > few.loc["gee mancl-derouen", "power"] and few.loc["lmm wald", "power"] > 0.065
    assert few.loc[["lmm", "ols robust"], "power"].between(0.03, 0.07).all()


def test_an_interrupted_run_goes_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(study, "DESIGNS", {"covariates": study.DESIGNS["covariates"]})
    study.run(tmp_path, 4, 1, progress=False)
    first = study.path_of(tmp_path, "covariates", 4)
    before = first.stat().st_mtime_ns
    study.run(tmp_path, 4, 1, progress=False)
    assert first.stat().st_mtime_ns == before and len(study.table(tmp_path, 4)) == 1
