"""Submissions that crash, loop, cheat or are no notebooks at all: each hurts its own score, and nobody else's."""

from __future__ import annotations

import os
import subprocess
import sys

import nbformat
import pytest

import exercise_kit as kit
from hostile import BROKEN, CASES, code_of, runnable
from mlmlib.grading.supervise import Limits

QUICK = Limits(cell_seconds=3, total_seconds=90, memory_mb=1500)
@pytest.fixture(scope="module")
def graded():
    autograders, model = kit.tiny()
    secrets = kit.workplace() / "tiny"
    books = {}
    for name in runnable():
        where = CASES[name][1]
        code = code_of(name, secrets, kit.ROOT)
        books[f"90_{name}.ipynb"] = model if code is None else kit.with_code(model, code, **where)
    books |= BROKEN
    books["=90_formula.ipynb"] = kit.with_code(model, "raise RuntimeError('=HYPERLINK(1)')")
    before = sorted(p for p in secrets.rglob("*"))
    rows = kit.grade(books, autograders=autograders, limits=QUICK)
    assert sorted(p for p in secrets.rglob("*")) == before, "a submission changed the grader's files"
    return rows


@pytest.mark.parametrize("name", CASES)
def test_a_submission_gets_the_points_of_its_own_answers(graded, name):
    if f"90_{name}.ipynb" not in graded:
        pytest.skip("only the kernel stops this one, and this system does not let us ask it")
    row, points = graded[f"90_{name}.ipynb"], CASES[name][2]
    low, high = points if isinstance(points, tuple) else (points, points)
    if name == "deletes" and sys.platform != "linux":
        low = 0
    assert low <= float(row["total"]) <= high, row["messages"]
    assert row["possible"] == "5"


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_graded_gets_a_row_that_says_why(graded, name):
    assert graded[name]["total"] == "0"
    assert "not" in graded[name]["messages"] or "no exercise" in graded[name]["messages"]


def test_the_reason_of_a_broken_run_is_told(graded):
    assert "ZeroDivisionError" in graded["90_raises.ipynb"]["messages"]
    told = graded["90_loops.ipynb"]["messages"]  # on a crowded machine the limit on wall time comes first
    assert "longer than 3 seconds" in told or "ran too long" in told
    assert "ended the process" in graded["90_os_exit.ipynb"]["messages"]
    assert "not available" in graded["90_network.ipynb"]["messages"]
    assert "not available" in graded["90_programs.ipynb"]["messages"]
    assert "one number" in graded["90_wrong_types.ipynb"]["messages"]


def test_nothing_is_left_running(graded):
    import psutil
    assert not [p for p in psutil.process_iter(["cmdline"]) if "98765" in (p.info["cmdline"] or [])]


def test_no_cell_of_the_csv_is_a_formula(graded):
    for row in graded.values():
        assert not [v for v in row.values() if v.startswith(("=", "+", "-", "@"))]
    assert "'=90_formula.ipynb" in graded


def test_an_interrupted_run_goes_on_where_it_stopped(monkeypatch):
    from mlmlib.grading import grading

    autograders, model = kit.tiny()
    out = kit.workplace() / "resumed" / "grades.csv"
    books = {f"90_s{i}.ipynb": model for i in range(3)}
    first = kit.grade({"90_s0.ipynb": model}, autograders=autograders, limits=QUICK, out=out)
    ran = []
    real = grading._run_and_judge
    monkeypatch.setattr(grading, "_run_and_judge", lambda book, name, *rest: ran.append(name) or real(book, name, *rest))
    rows = kit.grade(books, autograders=autograders, limits=QUICK, out=out)
    assert sorted(ran) == ["90_s1.ipynb", "90_s2.ipynb"]
    assert [r["total"] for r in rows.values()] == ["5"] * 3 and first["90_s0.ipynb"] == rows["90_s0.ipynb"]
    ran.clear()
    kit.grade({"90_s0.ipynb": kit.with_code(model, "twice = 0")}, autograders=autograders, limits=QUICK, out=out)
    assert ran == ["90_s0.ipynb"], "a changed submission is graded again"
    ran.clear()
    kit.building.build(sources=kit.workplace() / "tiny-sources", out=kit.workplace() / "tiny-again", progress=lambda text: None)
    kit.grade(books, autograders=kit.workplace() / "tiny-again" / "autograder", limits=QUICK, out=out)
    assert not ran, "an autograder built anew from the same source is the same"


def test_written_answers_are_laid_out_for_the_teacher():
    autograders, _ = kit.tiny()
    book = nbformat.read(kit.workplace() / "tiny" / "student" / "90_tiny.ipynb", as_version=4)
    cell = next(c for c in book.cells if "Type your answer" in c.source)
    cell.source = "Schools differ."
    out = kit.workplace() / "written" / "grades.csv"
    rows = kit.grade({"90_tiny.ipynb": book}, autograders=autograders, limits=QUICK, out=out)
    assert rows["90_tiny.ipynb"]["to_grade_by_hand"] == "1"
    text = (out.parent / "grades-by-hand.md").read_text(encoding="utf-8")
    assert "# q90_3 (1 points)" in text and "## 90_tiny.ipynb" in text and "> Schools differ." in text


@pytest.mark.skipif(sys.platform != "linux", reason="the system's own limits are those of Linux")
def test_the_measures_of_the_system_hold_where_it_has_them():
    from mlmlib.grading.supervise import Submission

    with Submission(["x = 1"], {"x"}, limits=QUICK) as submission:
        outcome = submission.run()
    assert {"own process", "memory limit", "process limit", "no privileges", "audit hook"} <= set(outcome.measures)
    assert outcome.answers == {"x": {"t": "num", "v": 1.0}}


def test_without_help_from_the_kernel_the_audit_hook_still_stands(tmp_path):
    """As on Windows and macOS: no namespaces, only the hook."""
    (tmp_path / "own").mkdir()
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "key.txt").write_text("42")
    (tmp_path / "precious.txt").write_text("x")
    program = f"""
import os, shutil, socket, subprocess, sys
from mlmlib.grading import guard, namespaces
namespaces.enter = lambda *args: []
base = {str(tmp_path)!r}
os.chdir(base + "/own")
print(guard.apply(base + "/own", [base + "/hidden"], 4000))
os.mkdir("mine")
open("mine/file.txt", "w").write("x")
shutil.rmtree("mine")
assert os.listdir(".") == []
for name, act in {{
    "read": lambda: open(base + "/hidden/key.txt").read(), "list": lambda: os.listdir(base + "/hidden"),
    "write": lambda: open(base + "/new.txt", "w"), "low": lambda: os.open(base + "/new.txt", os.O_WRONLY | os.O_CREAT),
    "remove": lambda: os.remove(base + "/precious.txt"), "tree": lambda: shutil.rmtree(base),
    "move": lambda: os.rename(base + "/precious.txt", "x"),
    "folder": lambda: os.open(base, os.O_RDONLY), "run": lambda: subprocess.run(["echo"]), "system": lambda: os.system("echo"),
    "net": lambda: socket.create_connection(("127.0.0.1", 9)),
}}.items():
    try:
        act()
        print("DONE", name)
    except PermissionError:
        pass
"""
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}  # it may write nowhere
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env | {"PYTHONPATH": str(kit.ROOT)})
    assert "audit hook" in done.stdout and "DONE" not in done.stdout and not done.stderr
    assert (tmp_path / "precious.txt").read_text() == "x" and not (tmp_path / "new.txt").exists()
