"""`mlm exercises` and `mlm grade`: handed on to `mlmlib.grading`."""

from __future__ import annotations

from pathlib import Path


def run(root: Path, args) -> int:
    """Build the student copies, or grade a folder."""
    from mlmlib import grading

    if args.verb == "exercises":
        return grading.main(["build", *args.chapters])
    return grading.main(["grade", args.submissions, *args.options])
