"""`mlm lab`: the chapters in JupyterLab, ready to run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def run(root: Path, args) -> int:
    """Start JupyterLab on this machine, in the folder of the book."""
    command = [sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1", "--LabApp.news_url=None"]
    command.append("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")
    if args.no_browser:
        command.append("--no-browser")
    return subprocess.call([*command, "chapters"], cwd=root)
