"""The study of quasi-likelihood (data/quasi_study.py): a slice computed again, and what its table must show."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

import mlmlib as mlm
from toc import ROOT

sys.path.insert(0, str(ROOT / "data"))
import quasi_study as study

TABLE = mlm.load("quasi_study").set_index(["method", "parameter"])
KNOWN = json.loads(study.SLICE.read_text(encoding="utf-8"))
DATA = mlm.load("rodriguez_goldman")
COEFFICIENTS, SDS = list(study.TRUTH)[:4], list(study.TRUTH)[4:]


@pytest.mark.parametrize("method", study.METHODS)
def test_a_slice_is_computed_again(method):
    for outcome, known in enumerate(KNOWN[method], start=1):
        found = study.estimates(DATA, outcome, method)
        assert found["converged"]
        assert np.allclose(found["estimates"], known, rtol=1e-5, atol=2e-5)


def test_the_table_is_whole():
    assert not TABLE.index.duplicated().any() and len(TABLE) == len(study.METHODS) * len(study.TRUTH)
    assert (TABLE["outcomes"] == 100).all()
    assert (TABLE["converged"].drop("PQL-2", level="method") == 100).all() and TABLE["converged"].min() >= 95
    assert np.allclose(TABLE["bias_percent"], 100 * (TABLE["mean"] / TABLE["true"] - 1), atol=0.02)
    assert np.allclose(TABLE["mc_error"], 100 * TABLE["sd"] / np.sqrt(TABLE["converged"]) / TABLE["true"], atol=0.02)
    for (_, parameter), true in TABLE["true"].items():
        assert true == study.TRUTH[parameter]


def test_quadrature_is_unbiased():
    """The maximum-likelihood estimates are near the truth, within 3 Monte Carlo errors."""
    own = TABLE.loc["quadrature"]
    assert (own["bias_percent"].abs() < 3 * own["mc_error"]).all()
    assert (own["coverage"].dropna() > 0.9).all()


def test_order_of_the_methods():
    """The standard deviation between families, from worst to best, and the coefficients of first order attenuated."""
    found = TABLE["mean"].xs("sd family", level="parameter")
    assert found["MQL-1"] < found["MQL-2"] < found["PQL-1"] < found["Laplace"] < found["PQL-2"] < found["quadrature"]
    for method in ("MQL-1", "PQL-1"):
        low = TABLE.loc[method].loc[COEFFICIENTS]
        assert (low["bias_percent"] + 3 * low["mc_error"] < 0).all()
    assert TABLE.loc[("MQL-1", "sd family"), "zero_variance"] > 40


def test_an_interrupted_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(study, "METHODS", {"MQL-1": study.METHODS["MQL-1"]})
    study.run(tmp_path, 1, progress=False)
    first = study.path_of(tmp_path, 1, "MQL-1")
    before = first.stat().st_mtime_ns
    study.run(tmp_path, 2, progress=False)
    assert first.stat().st_mtime_ns == before and len(study.gathered(tmp_path, "MQL-1", 2)) == 2
    assert [row[1] for row in study.rows_of("MQL-1", study.gathered(tmp_path, "MQL-1", 2))] == list(study.TRUTH)
