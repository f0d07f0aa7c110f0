"""The project's own environment: `.venv`, made from a lock file, remade when the lock changes.

Standard library only. Set MLM_PYTHON to an interpreter to use that one as it is and install nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

LOCKS = {"book": "requirements.lock", "test": "requirements-test.lock"}
OLDEST = (3, 11)


class SetupError(Exception):
    """Something outside this project stands in the way; the message says what to do."""


def find_root(start: Path | None = None) -> Path:
    """The folder of the book: the nearest one, from here up, that holds `_toc.yml` and `mlmlib`."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "_toc.yml").is_file() and (folder / "mlmlib").is_dir():
            return folder
    raise SetupError(f"{here} is not inside the book. Go to the folder that holds _toc.yml and try again.")


def interpreter(venv: Path) -> Path:
    """Where a virtual environment keeps its Python."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def is_current(python: Path) -> bool:
    """Whether the given interpreter is the one running now (a venv's Python is often a link, so compare prefixes)."""
    return Path(os.path.abspath(python)) == Path(os.path.abspath(sys.executable))


def variables(root: Path) -> dict[str, str]:
    """What every tool of ours runs under: this tree's library, one BLAS thread a process, no user-level kernels."""
    env = dict(os.environ)
    paths = [p for p in env.get("PYTHONPATH", "").split(os.pathsep) if p]
    if str(root) not in paths:
        paths.insert(0, str(root))
    env["PYTHONPATH"] = os.pathsep.join(paths)
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        env.setdefault(name, "1")
    env["JUPYTER_PREFER_ENV_PATH"] = "1"
    env["IPYTHONDIR"] = str(_profile(root))
    env["PYTHONUTF8"] = "1"
    env["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    return env


def _profile(root: Path) -> Path:
    """An IPython profile of our own: a reader's start-up files cannot change a number, and kernels log errors only."""
    folder = root / "_build" / "ipython"
    config = folder / "profile_default" / "ipython_kernel_config.py"
    if not config.is_file():
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text("c.IPKernelApp.log_level = 40\n", encoding="utf-8")
    return folder


def ensure(root: Path, need: str) -> Path:
    """Make `.venv` hold the lock called `need`, and return its Python. Quick when nothing has changed."""
    given = os.environ.get("MLM_PYTHON")
    if given:
        return Path(given)
    if sys.version_info < OLDEST:
        raise SetupError(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; this is {sys.version.split()[0]}.")
    venv = root / ".venv"
    python = interpreter(venv)
    # the test lock holds everything that the book lock holds
    for name in ("test", "book") if need == "book" else ("test",):
        stamp = venv / f"mlm-{name}.stamp"
        if python.exists() and stamp.is_file() and stamp.read_text() == _fingerprint(root, name):
            return python
    _create(root, venv, python)
    _install(root, venv, python, need)
    return python


def _fingerprint(root: Path, need: str) -> str:
    """Changes when the lock or the packaging changes; line ends do not count."""
    parts = [(root / name).read_bytes().replace(b"\r\n", b"\n") for name in (LOCKS[need], "pyproject.toml")]
    return hashlib.sha256(b"\0".join([*parts, str(root).encode()])).hexdigest()


def _create(root: Path, venv: Path, python: Path) -> None:
    if python.exists() and subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return
    print(f"Making {venv.relative_to(root)} with Python {sys.version.split()[0]} ...", flush=True)
    base = getattr(sys, "_base_executable", None) or sys.executable
    made = subprocess.run([base, "-m", "venv", "--clear", str(venv)], capture_output=True, text=True)
    if made.returncode:
        raise SetupError(
            "Python could not make a virtual environment. On Debian and Ubuntu, install python3-venv and try again.\n"
            + (made.stdout + made.stderr).strip()
        )


def _install(root: Path, venv: Path, python: Path, need: str) -> None:
    lock = root / LOCKS[need]
    if not lock.is_file():
        raise SetupError(f"{lock.name} is missing: `mlm lock` makes it.")
    total = len(re.findall(r"^[A-Za-z0-9._-]+==", lock.read_text(encoding="utf-8"), flags=re.M))
    print(f"Installing up to {total} locked packages into .venv; the first time takes a few minutes.", flush=True)
    began = time.time()
    log = venv / "install.log"
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    steps = [
        [*pip, "--require-hashes", "--progress-bar", "off", "-r", str(lock)],
        [*pip, "--no-deps", "--no-build-isolation", "--progress-bar", "off", "-e", str(root)],
    ]
    with log.open("w", encoding="utf-8") as out:
        for step in steps:
            code = _follow(step, root, out, total)
            if code:
                tail = "\n".join(log.read_text(encoding="utf-8").splitlines()[-12:])
                raise SetupError(f"pip could not install the lock (exit {code}). The end of {log}:\n{tail}")
    (venv / f"mlm-{need}.stamp").write_text(_fingerprint(root, need))
    print(f"Installed in {time.time() - began:.0f} s.", flush=True)


@contextlib.contextmanager
def _ended(process):
    """Where the body is interrupted, the process is ended with it."""
    try:
        yield
    except BaseException:
        process.terminate()
        raise


def _follow(command: list[str], root: Path, log, total: int) -> int:
    """Run pip, keep what it prints in the log, and show how far it is on one line."""
    seen, shown, tty = 0, 0.0, sys.stdout.isatty()
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
                          errors="replace") as process, _ended(process):
        for line in process.stdout:
            log.write(line)
            log.flush()
            word = line.split()
            if word[:1] == ["Collecting"] and len(word) > 1:
                seen += 1
                if time.time() - shown > (0.1 if tty else 15):
                    shown = time.time()
                    text = f"  {seen:>3} of {total}  {word[1].split('==')[0]}"
                    print(f"\r{text:<60}" if tty else text, end="" if tty else "\n", flush=True)
            elif line.startswith("Installing collected"):
                print(("\r" if tty else "") + f"{'  unpacking ...':<60}", flush=True)
        return process.wait()
