"""A slice of the class of 200 (`grading_class.py`): killed half-way, resumed, everyone with the points of their own answers."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

import grading_class
from hostile import BROKEN, CASES, NEEDS_KERNEL, runnable

TABLE = Path(grading_class.__file__).with_suffix(".csv")
HOSTILE = ["loops", "os_exit", "memory", "fake_float", "deletes", "patches_checks", "daemon", "reads_others"]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the kill is that of POSIX")
def test_a_slice_of_the_class_survives_a_kill(tmp_path):
    able = runnable()
    table, faults = grading_class.run(tmp_path, counts=(2, 5, 1, 1), exercises=("01_linear_model",),
                                      hostile=[name for name in HOSTILE if name in able])
    assert not faults
    assert len(table) == 2 + 5 + 1 + 2 + len([n for n in HOSTILE if n in able]) + len(BROKEN)
    page = (tmp_path / "out" / "grades-class.html").read_text(encoding="utf-8")
    assert "Look-alikes" in page and "own process: " in page
    assert len(list((tmp_path / "out" / "grades-feedback").rglob("*.html"))) == len(table)
    for platform in ("canvas", "blackboard", "moodle-01_linear_model"):
        assert (tmp_path / "out" / f"grades-{platform}.csv").is_file()


def test_the_table_of_the_whole_class_is_of_the_present_cases():
    with open(TABLE, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kinds = [row["kind"] for row in rows]
    assert len(rows) == 200 and {row["as expected"] for row in rows} == {"yes"}
    assert {k.partition(": ")[2] for k in kinds if k.startswith("hostile")} == set(CASES) and set(CASES) > NEEDS_KERNEL
    assert {k.partition(": ")[2] for k in kinds if k.startswith("broken")} == set(BROKEN)
    assert all(float(r["least"]) <= float(r["points"]) <= float(r["most"]) for r in rows)
    assert {"model", "partial", "older copy", "copied"} <= set(kinds)
