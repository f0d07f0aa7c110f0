"""The programs that are timed beside mlmlib: how they are started and asked, and what is said where one gives no answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mlmlib.bench import programs
from mlmlib.bench.general_models import General
from mlmlib.bench.models import Model
from mlmlib.bench.programs import INSTALLED, LOCK, NoAnswer, Program, peers_python, start
from toc import ROOT

FAKE = str(Path(__file__).with_name("fake_program.py"))


def model(formula: str) -> Model:
    return Model("key", "title", "data", formula, {})


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("x\n1\n2\n", encoding="utf-8")
    return path


@pytest.fixture(params=["json", "tabs"])
def program(request):
    made = Program("fake", [sys.executable, FAKE, request.param], request.param, {})
    yield made
    made.stop()


def test_a_program_tells_its_version_reads_fits_and_runs(program, table):
    assert program.about["version"] == "1.2" and (program.speaks == "json" or program.about == {"version": "1.2", "r": "4.2", "blas": "libblas"})
    program.read(table)
    found = program.fit(model("y ~ 1"), 10.0)
    assert (found["seconds"], found["wall"], found["criterion"]) == (0.25, 0.5, 3.0)
    assert found["note"] == ("told" if program.speaks == "json" else "")
    program.prepare("ready", "code", 10.0)
    first, second = program.run(10.0)["numbers"]
    assert first == 1.5 and (second == 2.5 if program.speaks == "json" else second != second)


def test_an_error_is_one_line_and_the_program_stays(program, table):
    with pytest.raises(NoAnswer, match="^ValueError: it cannot$"):
        program.fit(model("error"), 10.0)
    assert program.process.poll() is None
    program.read(table)
    assert program.fit(model("y ~ 1"), 10.0)["criterion"] == 3.0


def test_a_program_that_died_is_started_again_and_reads_its_table_again(program, table):
    program.read(table)
    with pytest.raises(NoAnswer, match="the process ended"):
        program.fit(model("die"), 10.0)
    assert program.process.poll() is not None
    assert program.fit(model("y ~ 1"), 10.0)["criterion"] == 3.0


def test_one_that_died_before_it_read_starts_without_a_table(program):
    program.stop()
    assert program.fit(model("y ~ 1"), 10.0)["criterion"] == 0.0


def test_the_limit_is_of_the_processor(program):
    """A program that waits is waited for; one that works for too long is ended."""
    assert program.fit(model("sleep"), 0.3)["criterion"] == 0.0
    with pytest.raises(NoAnswer, match="no answer within 0 s"):
        program.fit(model("burn"), 0.3)
    assert program.process.poll() is not None


def test_where_the_system_does_not_tell_the_limit_is_the_clocks(program, monkeypatch):
    monkeypatch.setattr(Program, "_processor", lambda self: None)
    with pytest.raises(NoAnswer, match="no answer within 0 s"):
        program.fit(model("sleep"), 0.2)


def test_the_processors_seconds_of_a_process_that_is_gone_are_unknown(program):
    assert program._processor() >= 0.0
    program.stop()
    assert program._processor() is None


def test_what_r_is_asked():
    one = Program.__new__(Program)
    one.name = "lme4"
    assert one._line("read", "a.csv") == "read\ta.csv" and one._line("run", "f(x)") == "run\tf(x)"
    assert one._line("fit", model("y ~ x + (1 | g)")._asdict()) == "fit\ty ~ x + (1 | g)"
    general = General("key", "title", "data", "y ~ x", {}, {"lme4": "glmer(y ~ x)"})._asdict()
    assert one._line("fit", general) == "call\tglmer(y ~ x)"
    one.name = "ordinal"
    with pytest.raises(NoAnswer, match="it has no such model"):
        one._line("fit", general)


def test_a_program_that_does_not_start_says_so():
    with pytest.raises(NoAnswer, match="the process ended"):
        Program("none", [sys.executable, "-c", "pass"], "json", {})


@pytest.fixture
def recorded(monkeypatch):
    """What would be started; `ordinal` cannot."""
    plans = []

    class Recorder:
        def __init__(self, name, command, speaks, env):
            plans.append((name, command, speaks, env))
            if name == "ordinal":
                raise NoAnswer("there is no package called ordinal")
            self.name = name

    monkeypatch.setattr(programs, "Program", Recorder)
    monkeypatch.setattr(programs, "peers_python", lambda root: (Path("peer"), {"glmm": "no wheel for this Python"}))
    monkeypatch.setattr(programs.shutil, "which", lambda name: "Rscript")
    return plans


def test_every_program_that_can_be_had_is_started_ours_first(recorded):
    started, missing = start(ROOT, blas="lib/libopenblas.so", packages=("glmm", "mixedlm"), r_packages=("lme4", "ordinal"))
    assert [one.name for one in started] == ["mlmlib", "mixedlm", "lme4", "lme4, OpenBLAS"]
    assert missing == {"glmm": "no wheel for this Python", "ordinal": "there is no package called ordinal"}
    plans = {name: (command, speaks, env) for name, command, speaks, env in recorded}
    assert plans["mlmlib"][0][0] == sys.executable and plans["mixedlm"][0][0] == "peer" and plans["mixedlm"][2]["PYTHONPATH"] == ""
    assert plans["lme4"][1] == "tabs" and "LD_PRELOAD" not in plans["lme4"][2]
    assert plans["lme4, OpenBLAS"][2]["LD_PRELOAD"] == "lib/libopenblas.so"
    assert [one.name for one in start(ROOT, packages=())[0]] == ["mlmlib", "lme4"]
    assert all(env["OPENBLAS_NUM_THREADS"] and env["RAYON_NUM_THREADS"] == "1" for _, _, env in plans.values())


def test_without_r_and_without_an_environment_ours_is_alone(recorded, monkeypatch):
    monkeypatch.setattr(programs.shutil, "which", lambda name: None)
    monkeypatch.setattr(programs, "peers_python", lambda root: (None, dict.fromkeys(INSTALLED, "no venv")))
    started, missing = start(ROOT)
    assert [one.name for one in started] == ["mlmlib"]
    assert missing == dict.fromkeys(programs.PACKAGES, "no venv") | {"lme4": "R is not on this machine"}


def answering(codes: dict, calls: list):
    """A `subprocess.run` that fails for commands that hold a word of `codes`."""
    def run(command, **options):
        calls.append(command)
        said = next((text for word, text in codes.items() if word in command), None)
        return subprocess.CompletedProcess(command, int(said is not None), "", said or "")
    return run


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A folder with the lock, and what is run in it."""
    monkeypatch.delenv("MLM_BENCH_PYTHON", raising=False)
    (tmp_path / LOCK).write_text((ROOT / LOCK).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "_build" / "bench-environment").mkdir(parents=True)
    return tmp_path


def test_a_python_that_was_named_is_taken_as_it_is(book, monkeypatch):
    monkeypatch.setenv("MLM_BENCH_PYTHON", "own/python")
    monkeypatch.setattr(programs.subprocess, "run", lambda *a, **k: pytest.fail("nothing is to be installed"))
    assert peers_python(book) == (Path("own/python"), {})


def test_the_environment_is_made_once_for_a_lock(book, monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(programs.subprocess, "run", answering({}, calls))
    python, failed = peers_python(book)
    assert failed == {} and python.is_relative_to(book) and len(calls) == 2 and "Installing the programs" in capsys.readouterr().out
    assert peers_python(book) == (python, {}) and len(calls) == 2
    with (book / LOCK).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    peers_python(book)
    assert len(calls) == 4


def test_where_the_lock_cannot_be_installed_each_program_is_tried_by_itself(book, monkeypatch):
    lock = (book / LOCK).read_text(encoding="utf-8")
    glmm = next(line.split()[0] for line in lock.splitlines() if line.startswith("glmm=="))
    calls = []
    monkeypatch.setattr(programs.subprocess, "run", answering({str(book / LOCK): "hash", glmm: "much\nERROR: no wheel"}, calls))
    python, failed = peers_python(book)
    assert failed == {"glmm": "ERROR: no wheel"} and len(calls) == 3 + len(INSTALLED)
    assert json.loads((python.parents[1] / "installed.json").read_text(encoding="utf-8"))["failed"] == failed


def test_a_silent_failure_of_pip_is_told(book, monkeypatch):
    monkeypatch.setattr(programs.subprocess, "run", answering({"install": ""}, []))
    assert set(peers_python(book)[1].values()) == {"pip failed"}


def test_without_a_virtual_environment_no_program_is_there(book, monkeypatch):
    monkeypatch.setattr(programs.subprocess, "run", answering({"venv": "ensurepip is not available"}, []))
    assert peers_python(book) == (None, dict.fromkeys(INSTALLED, "Python could not make a virtual environment"))
