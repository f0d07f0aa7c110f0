"""Types: mypy reads the body of every function of mlmlib, annotated or not, and asks where None may arrive.

`known_types.json` has, by file and kind, what mypy finds and we know: places where NumPy's own types are wider than what is
there, attributes that a subclass sets, functions called with what a table decides. A file that is not in it has no finding.
A new finding fails; after mending some,
`python tests/test_types.py` writes the file anew, and refuses to when there are more.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
KNOWN = ROOT / "tests" / "known_types.json"
LINE = re.compile(r"^(mlmlib/\S+?\.py):\d+: error: .*\[([a-z-]+)\]$")


def found() -> tuple[Counter, str]:
    """How often mypy finds what in which file, and what it says."""
    cache = ROOT / "_build" / "mypy"
    done = subprocess.run([sys.executable, "-m", "mypy", "--cache-dir", str(cache), "--no-error-summary"], cwd=ROOT,
                          capture_output=True, text=True)
    assert not done.stderr, done.stderr
    lines = [line.replace("\\", "/") for line in done.stdout.splitlines() if ": error:" in line]
    read = [LINE.match(line) for line in lines]
    assert all(read), "\n".join(line for line, match in zip(lines, read) if not match)
    return Counter(f"{match[1]} {match[2]}" for match in read), done.stdout


def test_no_new_finding():
    pytest.importorskip("mypy", reason="MYPY IS NOT INSTALLED: TYPES WERE NOT CHECKED")
    known = Counter(json.loads(KNOWN.read_text(encoding="utf-8")))
    counts, said = found()
    new = counts - known
    places = {tuple(key.split()) for key in new}
    told = [line for line in said.splitlines() if (match := LINE.match(line)) and (match[1], match[2]) in places]
    assert not new, "\n".join(told)


def test_a_fault_is_found(tmp_path):
    """The check can fail: a name that is nowhere, in a function without annotations."""
    pytest.importorskip("mypy", reason="MYPY IS NOT INSTALLED: TYPES WERE NOT CHECKED")
    (tmp_path / "wrong.py").write_text("def f(x):\n    return len(3) + nowhere\n")
    done = subprocess.run([sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir",
                           str(tmp_path / "cache"), str(tmp_path / "wrong.py")], cwd=tmp_path, capture_output=True, text=True)
    assert "[arg-type]" in done.stdout and "[name-defined]" in done.stdout, done.stdout + done.stderr


def test_the_stub_names_what_the_package_has():
    """`__init__.pyi` says to editors and mypy where each public name is; at run time a table does."""
    said = {}
    for node in ast.parse((ROOT / "mlmlib" / "__init__.pyi").read_text(encoding="utf-8")).body:
        for alias in node.names if isinstance(node, ast.ImportFrom) else ():
            said[alias.asname] = ".".join(filter(None, [node.module, alias.name]))
    import mlmlib
    assert said == {**{name: f"{where}.{name}" for name, where in mlmlib._WHERE.items()}, **mlmlib._MODULES}


if __name__ == "__main__":
    counts, said = found()
    known = Counter(json.loads(KNOWN.read_text(encoding="utf-8"))) if KNOWN.exists() else counts
    if counts - known:
        sys.exit(f"new findings, which are mended and not listed: {sorted(counts - known)}")
    KNOWN.write_text(json.dumps(dict(sorted(counts.items())), indent=0) + "\n", encoding="utf-8")
    print(f"{sum(counts.values())} findings in {len({key.split()[0] for key in counts})} files, {sum(known.values())} before")
