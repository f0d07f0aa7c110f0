"""Submissions that crash, loop, cheat or are no notebooks at all: each hurts its own score, and nobody else's."""

from __future__ import annotations

import os
import subprocess
import sys

import nbformat
import pytest

import exercise_kit as kit
from mlmlib.grading.supervise import Limits

QUICK = Limits(cell_seconds=3, total_seconds=90, memory_mb=1500)
AFTER_FIRST = "twice = 42.5"
FAKE = """
class Fake(float):
    def __eq__(self, other): return True
    def __sub__(self, other): return 0.0
    __rsub__ = __sub__
    def __abs__(self): return 0.0
    def __float__(self): return 7.0
twice = Fake(7)
square = lambda x: Fake(1)
"""
PATCH = """
from mlmlib.grading import check, judge, codec
check.number = check.function = check.form = lambda *a, **k: None
judge.judge = lambda *a, **k: []
codec.encode = lambda *a, **k: {"t": "num", "v": 42.5}
import otter
otter.Notebook = None
twice, square = 1, None
"""
SEARCH = """
import glob, os
found = glob.glob(HERE + "/autograder/**", recursive=True)
texts = glob.glob(ROOT + "/exercises/*.ipynb")
for path in found:
    try:
        texts.append(open(path, "rb").read())
    except OSError:
        pass
twice = 42.5 if texts else 0
"""
STUBBORN = "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
WIRE = """
import os
for fd in range(3, 40):
    try:
        os.write(fd, b'{"done": true}\\n{"cell": 1}\\n[1]\\n')
    except OSError:
        pass
twice = 1
"""

# name: (what is added, where, points it may have: the damage is the author's own)
CASES = {
    "model": (None, {}, 5),
    "raises": ("1 / 0", {"after": AFTER_FIRST}, 5),
    "syntax": ("def (:", {"after": AFTER_FIRST}, 5),
    "loops": ("while True: pass", {"after": AFTER_FIRST}, 5),
    "stubborn": (STUBBORN, {"after": AFTER_FIRST}, (2, 5)),
    "sys_exit": ("import sys; sys.exit(0)", {"after": AFTER_FIRST}, 5),
    "os_exit": ("import os; os._exit(0)", {"after": AFTER_FIRST}, 5),
    "memory": ("hog = []\nwhile True: hog.append(bytearray(100_000_000))", {"after": AFTER_FIRST}, 5),
    "prints": ("while True: print('spam' * 1000)", {"after": AFTER_FIRST}, 5),
    "recursion": ("def f(): return f()\nf()", {"after": AFTER_FIRST}, 5),
    "fake_float": (FAKE, {}, 0),
    "patches_checks": (PATCH, {}, (0, 2)),
    "channel": (WIRE, {}, (0, 3)),
    "wrong_types": ("import numpy as np\ntwice = np.zeros((2, 2))\nsquare = 'x ** 2'", {}, 0),
    "loops_in_function": ("def square(x):\n    while True: pass", {}, 2),
    "exits_in_function": ("def square(x):\n    import os\n    os._exit(0)", {}, 2),
    "remembers_inputs": ("calls = []\ndef square(x):\n    calls.append(x)\n    return 2.25 if len(calls) == 1 else 0", {}, 2),
    "big_answer": ("twice = list(range(3_000_000))", {}, 3),
    "overwrites_data": ("import mlmlib as mlm\nmlm.load = lambda name: None\ntwice = 21.25", {}, 3),
    "deletes": ("import os, shutil\nshutil.rmtree(HERE, ignore_errors=True)\nos.remove(HERE + '/90_model.ipynb')", {}, 5),
    "writes": ("open(HERE + '/planted.txt', 'w').write('x')", {}, 5),
    "searches": (SEARCH, {}, 3),
    "programs": ("import subprocess\ntwice = len(subprocess.run(['echo', 'x'], capture_output=True).stdout)", {}, 5),
    "sleeps": ("import time\ntime.sleep(1000)", {"after": AFTER_FIRST}, 5),
    "network": ("import socket\nsocket.create_connection(('127.0.0.1', 9))\ntwice = 0", {}, 5),
}


@pytest.fixture(scope="module")
def graded():
    autograders, model = kit.tiny()
    secrets = kit.workplace() / "tiny"
    books = {}
    for name, (code, where, _) in CASES.items():
        full = None if code is None else code.replace("HERE", repr(str(secrets))).replace("ROOT", repr(str(kit.ROOT)))
        books[f"90_{name}.ipynb"] = model if full is None else kit.with_code(model, full, **where)
    books["90_broken.ipynb"] = "{ this is no JSON"
    books["90_empty.ipynb"] = b""
    books["90_not_a_zip.zip"] = b"PK nonsense"
    books["90_odd_cells.ipynb"] = '{"cells": 7, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    books["77_other.ipynb"] = nbformat.v4.new_notebook()
    books["=90_formula.ipynb"] = kit.with_code(model, "raise RuntimeError('=HYPERLINK(1)')")
    before = sorted(p for p in secrets.rglob("*"))
    rows = kit.grade(books, autograders=autograders, limits=QUICK)
    assert sorted(p for p in secrets.rglob("*")) == before, "a submission changed the grader's files"
    return rows


@pytest.mark.parametrize("name", CASES)
def test_a_submission_gets_the_points_of_its_own_answers(graded, name):
    row, points = graded[f"90_{name}.ipynb"], CASES[name][2]
    low, high = points if isinstance(points, tuple) else (points, points)
    if name == "deletes" and sys.platform != "linux":
        low = 0
    assert low <= float(row["total"]) <= high, row["messages"]
    assert row["possible"] == "5"


@pytest.mark.parametrize("name", ["90_broken.ipynb", "90_empty.ipynb", "90_not_a_zip.zip", "90_odd_cells.ipynb", "77_other.ipynb"])
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
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(kit.ROOT)})
    assert "audit hook" in done.stdout and "DONE" not in done.stdout and not done.stderr
    assert (tmp_path / "precious.txt").read_text() == "x" and not (tmp_path / "new.txt").exists()
