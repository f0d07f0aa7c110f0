"""Six hundred random models in chunks and at once (`chunk_models.py`): the stored table, and a slice of it again."""

import json

import numpy as np
import pytest

import chunk_models

STORED = json.loads(chunk_models.STORED.read_text(encoding="utf-8"))
FOUND = {name: np.array([row[at] for row in STORED["rows"]]) for at, name in enumerate(STORED["columns"]) if name != "model"}


def test_the_stored_table():
    assert STORED["columns"] == list(chunk_models.COLUMNS) and len(STORED["rows"]) == 600 and FOUND["singular"].sum() > 100
    assert (FOUND["criterion"] < 1e-10).all()
    every = np.max([FOUND[name] for name in ("criterion", "params", "bse", "sd")], axis=0)
    assert (every < 1e-10).sum() == 588  # in the others the criterion is the same and so flat that two searches end apart
    assert FOUND["params"].max() < 1e-7 and every.max() < 1e-6


@pytest.mark.parametrize("seed", range(40, 60))
def test_a_slice_again(seed):
    found, stored = chunk_models.draw(seed), dict(zip(STORED["columns"], STORED["rows"][seed]))
    assert found["model"] == stored["model"] and (found["rows"], found["chunks"]) == (stored["rows"], stored["chunks"])
    assert found["criterion"] < 1e-10 and max(found["params"], found["bse"], found["sd"]) < 1e-8
