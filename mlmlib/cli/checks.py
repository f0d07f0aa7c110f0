"""`mlm test`: style, then the book, then one run of pytest over the library, the notebooks, the exercises and the site."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

# two workers; the cells of every chapter are tests too
WHOLE = ["-n", "2", "--dist", "loadscope", "-q", "tests", "chapters", "--nbval-lax", "--nbval-current-env",
         "--nbval-sanitize-with", "tests/nbval.cfg", "--nbval-cell-timeout", "900", "--durations", "15"]
QUICK = [*WHOLE[:WHOLE.index("chapters")], "-m", "not site and not browser and not slow"]


def _step(name: str, code: int, began: float) -> tuple[str, int]:
    print(f"--- {name}: {'ok' if code == 0 else 'FAILED'} ({time.time() - began:.0f} s)\n", flush=True)
    return name, code


def run(root: Path, args) -> int:
    """Run everything even when an early part fails; the value is 0 only if all passed. pytest's line comes last."""
    done = []
    began = time.time()
    if not args.pytest:
        code = subprocess.call([sys.executable, "-m", "ruff", "check", "."], cwd=root)
        done.append(_step("style (ruff)", code, began))
    if not args.quick and not args.pytest:
        began = time.time()
        # a process of its own: building sets what must not reach the tests
        code = subprocess.call([sys.executable, "-m", "mlmlib.cli", "book"], cwd=root)
        done.append(_step("the book builds without a warning", code, began))
    command = [sys.executable, "-m", "pytest", *(args.pytest or (QUICK if args.quick else WHOLE))]
    code = subprocess.call(command, cwd=root, env={**os.environ, "TQDM_DISABLE": "1"})  # no progress bar among outputs
    failed = [name for name, code in done if code]
    if failed:
        print(f"mlm: also failed before pytest: {', '.join(failed)}", flush=True)
    return code or (1 if failed else 0)
