"""The study of inference (data/inference_study.py): a slice drawn again, what its table must show, how it works."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

import mlmlib as mlm
from toc import ROOT

sys.path.insert(0, str(ROOT / "data"))
import inference_study as study

TABLE = mlm.load("inference_study")
KNOWN = json.loads(study.SLICE.read_text(encoding="utf-8"))
CELL = ["groups", "sizes", "distribution"]
NORMAL = TABLE.query("distribution == 'normal'")


def part(parameter, method, measure, rows=TABLE):
    return rows.query("parameter == @parameter and method == @method and measure == @measure").set_index(CELL)


@pytest.mark.parametrize("number", study.SLICED)
def test_a_slice_is_drawn_again(number):
    found = study.block(study.SCENARIOS[number - 1], 0, study.AGAIN)
    assert set(found) == set(KNOWN[str(number)])
    for key, values in found.items():
        known = np.array(KNOWN[str(number)][key], dtype=float)
        assert np.allclose(values, known, rtol=1e-5, atol=1e-6, equal_nan=True), key


def test_the_table_is_whole():
    assert TABLE["scenario"].nunique() == 24
    assert not TABLE.duplicated(["scenario", "parameter", "method", "measure"]).any()
    per = TABLE.groupby("scenario").size()
    assert (per == sum(2 * len(m) for m in study.INTERVALS.values()) + sum(map(len, study.TESTS.values()))).all()
    shares = TABLE[TABLE["measure"] != "width"]
    assert shares["value"].between(0, 1).all() and (TABLE["failures"] <= TABLE["replicates"]).all()
    expected = np.sqrt(shares["value"] * (1 - shares["value"]) / shares["replicates"])
    assert np.abs(shares["se"] - expected).max() < 2e-4
    blocks = TABLE["replicates"].max() // study.COUNTS.null
    full = min(blocks, study.RESAMPLED)
    counts = study.COUNTS
    wanted = {blocks * counts.cheap, blocks * counts.null, full * counts.resampled, full * counts.ends}
    assert set(TABLE["replicates"]) == wanted
    assert TABLE.query("parameter != 'sd'")["failures"].max() == 0


@pytest.mark.parametrize("method", ["Satterthwaite", "Kenward-Roger"])
def test_small_sample_methods_hold_where_they_are_exact(method):
    """Normal, balanced, enough groups that the variance is seldom estimated as zero: within 3.5 standard errors."""
    found = part("treated", method, "coverage", NORMAL.query("sizes == 'balanced' and groups >= 20"))
    assert (np.abs(found["value"] - 0.95) < 3.5 * np.sqrt(0.95 * 0.05 / found["replicates"])).all()


def test_every_method_holds_within_groups():
    """x is a level-1 predictor: thousands of rows or hundreds, so that even z is right."""
    for method in ("z (REML)", "Satterthwaite", "Kenward-Roger"):
        found = part("x", method, "coverage")
        assert (np.abs(found["value"] - 0.95) < 0.005 + 4 * np.sqrt(0.95 * 0.05 / found["replicates"])).all(), method


def test_z_fails_with_few_groups_and_not_with_many():
    z = part("treated", "z (ML)", "type I error")["value"].groupby("groups").mean()
    assert z.loc[6] > 0.12 and z.loc[100] < 0.075 and z.loc[6] > z.loc[20] > z.loc[100]


def test_coverage_and_type_i_error_are_two_sides_of_one_thing():
    for method in ("z (REML)", "z (ML)", "Satterthwaite", "Kenward-Roger"):
        covers, errs = (part("treated", method, measure)["value"] for measure in ("coverage", "type I error"))
        assert np.abs(covers + errs - 1).max() < 2e-4
    profile, lr = part("treated", "profile", "coverage"), part("treated", "LR test", "type I error")
    assert np.abs(profile["value"] + lr["value"] - 1).max() < 2e-4


def test_widths_compare_the_same_data():
    """For balanced groups Kenward-Roger's t has J - 2 degrees of freedom; a profile is close to z by REML."""
    from scipy.special import stdtrit
    found = part("treated", "Kenward-Roger", "width", NORMAL.query("sizes == 'balanced'"))["value"]
    expected = [stdtrit(J - 2, 0.975) / stdtrit(np.inf, 0.975) for J in found.index.get_level_values("groups")]
    assert np.allclose(found, expected, atol=2e-4)
    assert (part("treated", "profile", "width")["value"].between(0.93, 1.01)).all()


def test_the_exact_test_of_a_variance_holds_and_plain_chi_square_is_half_of_it():
    exact, plain = (part("variance", method, "type I error", NORMAL) for method in ("exact RLRT", "chi2(1)"))
    # the exact distribution is drawn 10,000 times, which has an error of its own
    assert (np.abs(exact["value"] - 0.05) < 3.5 * np.sqrt(0.05 * 0.95 * (1 / exact["replicates"] + 1e-4))).all()
    assert (plain["value"] < 0.035).all()


def test_a_run_keeps_its_blocks_and_goes_on(tmp_path, monkeypatch, capsys):
    tiny = study.Counts(cheap=3, resampled=2, ends=2, null=5, draws=20)
    monkeypatch.setattr(study, "COUNTS", tiny)
    monkeypatch.setattr(study, "PLAIN", study.Counts(cheap=3, resampled=0, ends=0, null=5))
    monkeypatch.setattr(study, "RESAMPLED", 1)
    monkeypatch.setattr(study, "SCENARIOS", study.SCENARIOS[:2])
    written = []
    monkeypatch.setattr(study, "write", lambda cache, blocks: written.append(study.table(cache, blocks)))
    options = ["--cache", str(tmp_path), "--jobs", "1", "--quiet"]
    study.main([*options, "--blocks", "1"])
    first = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    study.main([*options, "--blocks", "2"])
    again = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    assert len(first) == 2 and len(again) == 4 and first.items() <= again.items() and not list(tmp_path.glob("*.part"))
    assert (written[1].query("measure == 'coverage' and method == 'z (REML)'")["replicates"] == 6).all()
    assert (written[1].query("method == 'bootstrap LR test'")["replicates"] == 2).all()
    study.main([*options, "--only-write", "--blocks", "1"])
    assert written[2].equals(written[0])
    with pytest.raises(SystemExit):
        study.main(["--only-write", "--cache", str(tmp_path / "none")])
    assert "no block" in capsys.readouterr().err
