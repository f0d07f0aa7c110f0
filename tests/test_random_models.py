"""No random model ends above the best of three optimizers from five starts: the stored study, and a slice again."""

import json

import pytest

from random_models import COLUMNS, COUNT, STORED, compared

KNOWN = json.loads(STORED.read_text(encoding="utf-8"))
ROWS = [dict(zip(COLUMNS, row)) for row in KNOWN["rows"]]
SLICE = [row["seed"] for row in ROWS[::50]]


def test_the_study_is_whole_and_varied():
    assert KNOWN["columns"] == list(COLUMNS) and [row["seed"] for row in ROWS] == list(range(COUNT))
    share = sum(row["singular"] for row in ROWS) / COUNT
    assert 0.2 < share < 0.8 and len({row["data"] for row in ROWS}) == 8
    several = [row for row in ROWS if row["model"].count("|") - row["model"].count("||") > 1 or "/" in row["model"]]
    assert len(several) > 100 and sum("mm(" in row["model"] for row in ROWS) > 30
    assert {row["best by"] for row in ROWS} == {"L-BFGS-B", "Nelder-Mead", "Powell"}


def test_none_ends_above_the_best_of_the_others():
    worse = [row for row in ROWS if row["less best"] > 1e-6]
    assert not worse


@pytest.mark.parametrize("seed", SLICE)
def test_a_slice_is_drawn_again(seed):
    found, known = dict(zip(COLUMNS, compared(seed))), ROWS[seed]
    assert found["less best"] <= 1e-6
    assert (found["model"], found["rows"], found["parameters"]) == (known["model"], known["rows"], known["parameters"])
    assert found["ours"] == pytest.approx(known["ours"], abs=1e-6)
