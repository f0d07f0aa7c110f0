"""Several machines grade a class: each its part, the parts copied together, and the tables made without running anything again."""

from __future__ import annotations

import os
import shutil

import nbformat
import pytest

import exercise_kit as kit
from mlmlib.grading import __main__, grading
from mlmlib.grading.supervise import Limits

QUICK = {"limits": Limits(cell_seconds=5, total_seconds=60, memory_mb=1500), "progress": False}


@pytest.mark.skipif(os.name != "posix", reason="as the other gradings of the tests")
def test_parts_on_several_machines_are_the_whole(tmp_path, monkeypatch):
    autograders, model = kit.tiny()
    wrong = kit.with_code(model, "twice = 0")
    (tmp_path / "in").mkdir()
    for number in range(5):
        nbformat.write(wrong if number == 3 else model, tmp_path / "in" / f"90_s{number}.ipynb")
    ran, real = [], grading._run_and_judge
    monkeypatch.setattr(grading, "_run_and_judge", lambda book, name, *rest: ran.append(name) or real(book, name, *rest))
    options = {"autograders": autograders, **QUICK}
    for machine in (1, 2, 3):
        out = tmp_path / f"machine{machine}" / "grades.csv"
        kept = grading.grade(tmp_path / "in", out=out, part=(machine, 3), **options)
        assert kept == out.parent / "grades-parts" and not out.exists()
        shutil.copytree(kept, tmp_path / "all" / "grades-parts", dirs_exist_ok=True)
    assert sorted(ran) == [f"90_s{number}.ipynb" for number in range(5)], "each submission on one machine"
    table = grading.grade(tmp_path / "in", out=tmp_path / "all" / "grades.csv", **options)
    assert len(ran) == 5, "nothing is run again"
    whole = grading.grade(tmp_path / "in", out=tmp_path / "alone" / "grades.csv", **options)
    read = [[row.split(",")[:6] for row in path.read_text(encoding="utf-8").splitlines()] for path in (table, whole)]
    assert read[0] == read[1] and len(read[0]) == 6


@pytest.mark.parametrize("text", ["0/3", "4/3", "2", "a/b", "1/0"])
def test_a_part_that_is_none(text, capsys):
    with pytest.raises(SystemExit):
        __main__.main(["grade", "nowhere", "--part", text])
    assert "is not one of 1/4, 2/4" in capsys.readouterr().err
