"""`mlm release`: build the book and the student copies, then write site, notebooks, PDF and checksums into one folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mlmlib.cli.environment import SetupError


def run(root: Path, args) -> int:
    """Make the release; the value is 0 if all was built and written. What was left out is said last, in capitals."""
    built = root / "_build"
    if not args.built:
        # processes of their own: building sets what must not reach the rest
        for verb in ("book", "exercises"):
            if subprocess.call([sys.executable, "-m", "mlmlib.cli", verb], cwd=root):
                print(f"mlm: no release: `mlm {verb}` failed.", flush=True)
                return 1
    from mlmlib.release import make_release

    out = Path(args.out).resolve() if args.out else built / "release"
    try:
        made = make_release(root, out, site=built / "html", student=built / "exercises" / "student", pdf=not args.no_pdf,
                            progress=lambda text: print(text, flush=True))
    except FileNotFoundError as error:
        raise SetupError(str(error)) from error
    for path in made.files:
        print(f"{path.stat().st_size / 1e6:>8.1f} MB  {path}")
    for message in made.messages:
        print(f"mlm: {message}", flush=True)
    return 0
