"""What a wheel is built from: a copy, so that building leaves nothing in the tree."""

from __future__ import annotations

import shutil
from pathlib import Path

FILES = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE")


def copy_source(root: Path, there: Path) -> None:
    """Copy the library, its data and what describes them."""
    there.mkdir(parents=True)
    for name in FILES:
        shutil.copy(root / name, there)
    for name in ("mlmlib", "data"):
        shutil.copytree(root / name, there / name, ignore=shutil.ignore_patterns("__pycache__"))
