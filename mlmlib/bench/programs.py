"""The programs that are compared: an environment for those of PyPI, and a process for each that stays up and is asked in turn."""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from mlmlib.cli import environment
from mlmlib.expression import matched

__all__ = ["INSTALLED", "PACKAGES", "Program", "start"]

PACKAGES = ("glmm", "mixedlm", "lme-python", "statsmodels")
INSTALLED = (*PACKAGES, "linearmodels")
LOCK = "requirements-bench.lock"
HERE = Path(__file__).parent


class NoAnswer(Exception):
    """A program failed or took too long; the text says which."""


class Program:
    """A program in a process of its own.

    Parameters
    ----------
    name : str
    command : list of str
    speaks : {"json", "tabs"}
    env : dict
    """

    def __init__(self, name: str, command: list[str], speaks: str, env: dict):
        self.name, self.command, self.speaks, self.env = name, command, speaks, env
        self.about: dict = {}
        self.path = ""  # of the table that it reads
        self.begin()

    def begin(self) -> None:
        """Start, or start again; the first line says the version."""
        self.process = subprocess.Popen(self.command, env=self.env, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.lines = queue.Queue()
        threading.Thread(target=self._listen, args=(self.process, self.lines), daemon=True).start()
        self.about = self._answer(120.0)

    @staticmethod
    def _listen(process, lines) -> None:
        with process.stdout:
            for line in process.stdout:
                lines.put(line)
        lines.put("")

    def _answer(self, limit: float) -> dict:
        line, before = None, self._processor()
        while line is None:
            try:
                line = self.lines.get(timeout=1.0 if before is not None else limit)
            except queue.Empty:
                if before is None or (self._processor() or math.inf) - before > limit:
                    self.stop()
                    raise NoAnswer(f"no answer within {limit:.0f} s") from None
        if not line:
            self.stop()
            raise NoAnswer("the process ended (out of memory, or a crash)")
        found = json.loads(line) if self.speaks == "json" else self._tabs(line)
        if "error" in found:
            raise NoAnswer(_short(found["error"]))
        return found

    def _processor(self) -> float | None:
        """Seconds of the processor that the process has had; None where the system does not tell (not Linux)."""
        try:
            with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
                fields = file.read().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, AttributeError):
            return None

    @staticmethod
    def _tabs(line: str) -> dict:
        kind, *rest = line.rstrip("\n").split("\t")
        if kind == "error":
            return {"error": rest[0]}
        if kind == "version":
            return dict(zip(("version", "r", "blas"), rest))
        if kind == "run":
            return dict(zip(("seconds", "wall"), map(float, rest)), numbers=[float(one.replace("NA", "nan")) for one in rest[2].split(",")])
        return dict(zip(("seconds", "wall", "criterion"), map(float, rest)), note="") if kind == "fit" else {}

    def _ask(self, question: dict, limit: float) -> dict:
        if self.process.poll() is not None:
            self.begin()
            if self.path:
                self._ask({"read": self.path}, 120.0)
        text = json.dumps(question) if self.speaks == "json" else self._line(*next(iter(question.items())))
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self._answer(limit)

    def _line(self, kind: str, value) -> str:
        """A question to R: a table's path, a formula for lmer, an expression to evaluate, or a task's two."""
        if kind in ("read", "ready", "run"):
            return f"{kind}\t{value}"
        if "programs" not in value:
            return f"fit\t{value['formula']}"
        if self.name not in value["programs"]:
            raise NoAnswer("ValueError: it has no such model")
        return f"call\t{value['programs'][self.name]}"

    def read(self, path: Path) -> None:
        """Make it read a table."""
        self.path = str(path)
        self._ask({"read": self.path}, 120.0)

    def fit(self, model, limit: float) -> dict:
        """Seconds, criterion and note of one fit."""
        return self._ask({"fit": model._asdict()}, limit)

    def prepare(self, ready: str, code: str, limit: float) -> None:
        """Make ready what a task needs, and keep its code."""
        self.code = code
        self._ask({"ready": ready}, limit)

    def run(self, limit: float) -> dict:
        """Seconds and numbers of a task."""
        return self._ask({"run": self.code}, limit)

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(OSError):  # what was not yet written goes nowhere
            self.process.stdin.close()


def _short(message: str) -> str:
    """The first sentence of an error, on one line."""
    line = next((part.strip() for part in message.splitlines() if part.strip()), "no message")
    return re.sub(r"(/[\w.-]+){3,}", "...", line)[:200]


def peers_python(root: Path) -> tuple[Path | None, dict]:
    """A Python that has the packages, and what could not be installed. MLM_BENCH_PYTHON names one to use as it is."""
    given = os.environ.get("MLM_BENCH_PYTHON")
    if given:
        return Path(given), {}
    venv = root / "_build" / "bench-environment"
    python, stamp = environment.interpreter(venv), venv / "installed.json"
    lock = (root / LOCK).read_text(encoding="utf-8")
    if stamp.is_file():
        known = json.loads(stamp.read_text(encoding="utf-8"))
        if known["lock"] == lock:
            return python, known["failed"]
    print("Installing the programs to compare with, once ...", flush=True)
    base = getattr(sys, "_base_executable", None) or sys.executable
    made = subprocess.run([base, "-m", "venv", "--clear", str(venv)], capture_output=True, text=True)
    if made.returncode:
        return None, dict.fromkeys(INSTALLED, "Python could not make a virtual environment")
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    failed = {}
    if subprocess.run([*pip, "-r", str(root / LOCK)], capture_output=True).returncode:
        subprocess.run([*pip, "numpy", "scipy", "pandas", "polars"], capture_output=True)
        for name in INSTALLED:
            wanted = matched(rf"^{name}==[^\s;\\]+", lock, re.M)[0]
            done = subprocess.run([*pip, wanted], capture_output=True, text=True)
            if done.returncode:
                failed[name] = _short(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "pip failed")
    stamp.write_text(json.dumps({"lock": lock, "failed": failed}), encoding="utf-8")
    return python, failed


def start(root: Path, blas: str | None = None, packages=PACKAGES, r_packages=("lme4",)) -> tuple[list[Program], dict]:
    """All programs that can be started, mlmlib first; and why the others could not.

    Parameters
    ----------
    root : Path
        The book's folder.
    blas : str, optional
        A shared library with a faster BLAS: a second lme4 is then run with it.
    packages, r_packages : sequence of str
        Which packages of PyPI, and of R.
    """
    env = environment.variables(root) | {"RAYON_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    worker = str(HERE / "worker.py")
    python, failed = peers_python(root)
    plans = [("mlmlib", [sys.executable, worker, "mlmlib"], "json", env)]
    for name in packages:
        if python is not None and name not in failed:
            plans.append((name, [str(python), worker, name], "json", env | {"PYTHONPATH": ""}))
    rscript = shutil.which("Rscript")
    if rscript is None:
        failed |= dict.fromkeys(r_packages, "R is not on this machine")
    else:
        command = [rscript, "--vanilla", str(HERE / "worker.R")]
        plans += [(name, [*command, name], "tabs", env) for name in r_packages]
        if blas:
            plans.append(("lme4, OpenBLAS", [*command, "lme4"], "tabs",
                          env | {"LD_PRELOAD": blas, "LD_LIBRARY_PATH": str(Path(blas).parent)}))
    started = []
    for plan in plans:
        try:
            started.append(Program(*plan))
        except NoAnswer as problem:
            failed[plan[0]] = str(problem)
    return started, {name: why for name, why in failed.items() if name in (*packages, *r_packages, "lme4, OpenBLAS")}
