"""Style: ruff finds nothing, with the rules of pyproject.toml, also when pytest runs alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_ruff_finds_nothing():
    pytest.importorskip("ruff", reason="RUFF IS NOT INSTALLED: STYLE WAS NOT CHECKED")
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "."], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_fault_is_found(tmp_path):
    """The check can fail."""
    pytest.importorskip("ruff", reason="RUFF IS NOT INSTALLED: STYLE WAS NOT CHECKED")
    (tmp_path / "wrong.py").write_text("import os\n")
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml"), str(tmp_path)],
                          capture_output=True, text=True)
    assert done.returncode == 1 and "F401" in done.stdout, done.stdout + done.stderr
