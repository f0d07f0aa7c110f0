"""`mlm lock`: resolve pyproject.toml into the two lock files (names, versions, hashes; no addresses).

Maintainers only: it needs `uv`. Both files come from one resolution, so a package in both has one version. `uv.lock` itself
holds addresses of package registries and is never kept.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from mlmlib.cli.environment import LOCKS, SetupError

EXTRAS = {"book": ("book", "lab", "word"), "test": ("book", "lab", "word", "exercises", "release", "scale", "test")}
HEAD = "# Made by `make lock` from pyproject.toml, extras {extras}: do not edit.\n"


def run(root: Path, args) -> int:
    """Write both locks."""
    uv = shutil.which("uv")
    if uv is None:
        raise SetupError("`uv` is needed to resolve the locks: `pip install uv`, then try again.")
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder)
        shutil.copy(root / "pyproject.toml", there)
        for name in ("README.md", "LICENSE"):
            (there / name).touch()
        subprocess.run([uv, "lock", "--quiet"], cwd=there, check=True)
        for need, extras in EXTRAS.items():
            command = [uv, "export", "--quiet", "--frozen", "--no-emit-project", "--no-header", "--no-annotate"]
            command += [part for extra in extras for part in ("--extra", extra)]
            text = subprocess.run(command, cwd=there, check=True, capture_output=True, text=True).stdout
            if re.search(r"https?://|^--", text, flags=re.M):
                raise SetupError("the export holds an address; it was not written.")
            (root / LOCKS[need]).write_text(HEAD.format(extras=", ".join(extras)) + text,
                                            encoding="utf-8", newline="\n")
            print(f"{LOCKS[need]}: {len(re.findall(r'^[a-zA-Z0-9].*==', text, flags=re.M))} packages")
    return 0
