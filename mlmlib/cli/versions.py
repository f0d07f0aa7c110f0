"""`mlm versions`: the library's tests with the oldest versions that pyproject.toml allows, and the newest, on each Python.

Maintainers only: it needs `uv`, and Pythons as far as they can be had.  Each environment is made in `_build/versions`; the
counts go to `backmatter/versions.json`, from which *How the book is tested* shows them.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

from mlmlib.cli.environment import SetupError, interpreter

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
RESOLUTIONS = {"lowest-direct": "oldest", "highest": "newest"}
EXTRAS = ("plots", "parallel", "word")
SHOWN = ("numpy", "scipy", "pandas", "statsmodels", "matplotlib", "joblib")
TESTS = ("test_reference_lmm", "test_reference_glmm", "test_reference_ols", "test_panel_reference", "test_gee_reference",
         "test_formula", "test_summary", "test_prediction", "test_examples")
TABLE = Path("backmatter") / "versions.json"


def run(root: Path, args) -> int:
    """Test each environment that can be made; the value is 0 if no test failed."""
    uv = shutil.which("uv")
    if uv is None:
        raise SetupError("`uv` is needed to make the environments: `pip install uv`, then try again.")
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(spec for extra in EXTRAS for spec in project["optional-dependencies"][extra])]
    file, rows = root / TABLE, []
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    for python in args.python or PYTHONS:
        for resolution in RESOLUTIONS:
            rows.append(_one(uv, root, python, resolution, wanted))
            print(_line(rows[-1]), flush=True)
            keep = [row for row in known if (row["python"], row["versions"]) not in {(r["python"], r["versions"]) for r in rows}]
            table = sorted(keep + rows, key=lambda row: (row["python"], row["versions"] != "oldest"))
            file.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8", newline="\n")
    return int(any(row.get("failed") for row in rows))


def _one(uv: str, root: Path, python: str, resolution: str, wanted: list[str]) -> dict:
    """Make one environment and run the tests in it; a Python that cannot be had is said to be that."""
    row = {"python": python, "versions": RESOLUTIONS[resolution], "date": datetime.date.today().isoformat()}
    there = root / "_build" / "versions" / f"{python}-{RESOLUTIONS[resolution]}"
    env = {**{k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"}, "UV_PYTHON_DOWNLOADS": "automatic"}
    if _quiet([uv, "venv", "--quiet", "--clear", "--python", _found(python), str(there)], root, env).returncode:
        return row | {"missing": "this Python could not be had"}
    own = str(interpreter(there))
    install = [uv, "pip", "install", "--quiet", "--python", own, "--only-binary", ":all:"]
    done = _quiet([*install, "--resolution", resolution, *wanted], root, env)
    if done.returncode:
        return row | {"missing": "no such versions for this Python: " + done.stderr.strip().splitlines()[-1].strip()}
    held = there / "held.txt"
    held.write_text(_quiet([uv, "pip", "freeze", "--python", own], root, env).stdout, encoding="utf-8")
    done = _quiet([*install, "--constraint", str(held), "pytest", "hypothesis", "pyyaml", "beautifulsoup4"], root, env)
    if done.returncode:
        raise SetupError(f"the test tools could not be installed beside these versions:\n{done.stderr.strip()}")
    row["with"] = {name: version for line in held.read_text().splitlines() for name, _, version in [line.partition("==")]
                   if name in SHOWN}
    row["python"] = python
    row["exactly"] = _quiet([own, "-c", "import platform; print(platform.python_version())"], root, env).stdout.strip()
    return row | _tests(own, root, env)


def _found(python: str) -> str:
    """An interpreter of this version on the PATH or in pyenv, else its number, which uv looks for."""
    there = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    own = sorted(there.glob(f"{python}.*/bin/python"))
    return str(own[-1]) if own else python


def _tests(own: str, root: Path, env: dict) -> dict:
    """Counts of one run, and the names of what failed."""
    files = [f"tests/{name}.py" for name in TESTS]
    out = _quiet([own, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "default", *files], root,
                 {**env, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg"}).stdout
    last = out.strip().splitlines()[-1] if out.strip() else ""
    counts = {what: int(number) for number, what in re.findall(r"(\d+) (passed|failed|skipped|error)", last)}
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", out, flags=re.M)
    row = {"passed": counts.get("passed", 0), "failed": counts.get("failed", 0) + counts.get("error", 0),
           "skipped": counts.get("skipped", 0)}
    if not row["passed"]:
        row["failed"] += 1
        failed = failed or out.strip().splitlines()[-5:]
    return row | ({"which": failed} if failed else {})


def _quiet(command: list[str], root: Path, env: dict) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True)


def _line(row: dict) -> str:
    head = f"Python {row.get('exactly', row['python'])}, {row['versions']}"
    if "missing" in row:
        return f"{head}: {row['missing']}"
    return f"{head}: {row['passed']} passed, {row['failed']} failed, {row['skipped']} skipped  {row.get('which', '')}"
