"""`mlm clean`: remove what was built."""

from __future__ import annotations

import shutil
from pathlib import Path

BUILT = ("_build", "build", "dist", "exercises/dist", ".pytest_cache", ".ruff_cache", ".hypothesis", "mlmlib.egg-info")


def run(root: Path, args) -> int:
    """Remove builds and caches, and with --all the environment."""
    for name in (*BUILT, ".venv") if args.all else BUILT:
        path = root / name
        if path.is_dir():
            print(f"removing {name}")
            shutil.rmtree(path)
    for cache in [p for p in root.rglob("__pycache__") if ".venv" not in p.parts and ".git" not in p.parts]:
        shutil.rmtree(cache, ignore_errors=True)
    return 0
