"""Spelling, American: chapters, exercises, back matter, data sheets and docstrings hold no word that codespell knows to be wrong.

The words that are names are listed in pyproject.toml.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from test_house import tracked
from toc import ROOT

FOLDERS = ("chapters", "exercises", "backmatter", "mlmlib", "bookext", "data", "assets")
KINDS = (".ipynb", ".md", ".py", ".js", ".css")


def words_of(*paths) -> str:
    """What codespell finds in these files."""
    done = subprocess.run([sys.executable, "-m", "codespell_lib", *map(str, paths)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode in (0, 65), done.stderr
    return done.stdout


def test_spelling():
    files = [p for p in tracked() if p.suffix in KINDS and (p.parent == ROOT or p.relative_to(ROOT).parts[0] in FOLDERS)]
    assert len(files) > 500
    assert not words_of(*files)


@pytest.mark.parametrize("wrong", ["recieve", "seperate", "behaviour", "normalise", "colours"])
def test_the_check_finds_what_is_wrong(tmp_path, wrong):
    path = tmp_path / "page.md"
    path.write_text(f"The groups {wrong} here.\n", encoding="utf-8")
    assert wrong in words_of(path)
