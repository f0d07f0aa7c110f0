"""The arithmetic of `mlm coverage`, and what is left out of it."""

from __future__ import annotations

import ast
import json
import tomllib
from pathlib import Path

import pytest

from bookext.reached import table
from mlmlib.cli import coverage

ROOT = Path(__file__).resolve().parents[1]


def summary(reached, lines, taken, branches):
    return {"covered_lines": reached, "num_statements": lines, "covered_branches": taken, "num_branches": branches}


FILE = {"summary": summary(6, 10, 3, 4), "functions": {"f": {"summary": summary(0, 3, 0, 1)}, "g": {"summary": summary(6, 7, 3, 3)}}}


def test_what_is_left_out_counts_on_neither_side():
    assert coverage.count(FILE, set())["needed"] == {"lines": (6, 10), "branches": (3, 4)}
    assert coverage.count(FILE, {"f"})["needed"] == {"lines": (6, 7), "branches": (3, 3)}
    assert coverage.count(FILE, {"*"})["needed"] == {"lines": (0, 0), "branches": (0, 0)}
    counts = {"mlmlib/a/b.py": coverage.count(FILE, {"f"}), "mlmlib/c.py": coverage.count(FILE, set())}
    assert coverage.shares(counts, "all") == {"lines": 60.0, "branches": 75.0}
    assert coverage.shares(counts, "needed") == {"lines": round(1200 / 17, 2), "branches": round(600 / 7, 2)}
    assert list(coverage.parts(counts)) == ["a", "mlmlib"]
    assert "     4 mlmlib/c.py" in coverage.text(counts)


def test_a_function_that_is_gone_is_refused():
    with pytest.raises(ValueError, match="gone: h"):
        coverage.count(FILE, {"h"})


def test_what_is_left_out_exists_and_says_why():
    left = tomllib.loads((ROOT / coverage.LEFT).read_text(encoding="utf-8"))["left"]
    for entry in left:
        tree = ast.parse((ROOT / entry["file"]).read_text(encoding="utf-8"))
        names = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        for function in entry["functions"]:
            assert function == "*" or set(function.split(".")) <= names | {"<locals>"}, (entry["file"], function)
        assert len(entry["reason"].split()) >= 5, entry


def test_the_page_says_what_was_reached_and_what_was_left_out(tmp_path):
    for name in ("backmatter", "tests"):
        (tmp_path / name).mkdir()
    kept = {"date": "2026-01-02", "commit": "abc1234", "needed": {"lines": 97.25, "branches": 91.0},
            "all": {"lines": 96.0, "branches": 90.5}, "left": 1, "parts": {"lmm": {"lines": 99.0, "branches": 95.04}}}
    (tmp_path / coverage.TABLE).write_text(json.dumps(kept), encoding="utf-8")
    (tmp_path / coverage.LEFT).write_text('[[left]]\nfile = "mlmlib/a.py"\nfunctions = ["f", "g"]\nreason = "needs a printer"\n')
    said = table(tmp_path, None)
    for part in ("On 2026-01-02 (commit `abc1234`)", "**97.2 %**", "**91.0 %**", "| `lmm` | 99.0 | 95.0 |",
                 "- `a.py`, 2 functions: needs a printer.", "they are 96.0 and 90.5 %"):
        assert part in said
    (tmp_path / coverage.LEFT).write_text("")
    assert "eft out" not in table(tmp_path, None)


def test_the_figures_kept_hold_the_bounds():
    kept = json.loads((ROOT / coverage.TABLE).read_text(encoding="utf-8"))
    assert all(kept["needed"][what] >= bound for what, bound in coverage.BOUNDS.items())
    packages = {path.parent.name for path in (ROOT / "mlmlib").glob("*/__init__.py")}
    assert set(kept["parts"]) == packages | {"mlmlib"}, "run `make coverage ARGS=--write` again"
