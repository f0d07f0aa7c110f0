"""`mlm exercises` and `mlm grade`: handed on to `mlmlib.grading`."""

from __future__ import annotations

from pathlib import Path


def run(root: Path, args) -> int:
    """Build the student copies, or grade a folder."""
    from mlmlib import grading

    if args.verb == "exercises":
        options = ["--students", args.students] if args.students else ["--practice"] * args.practice
        return grading.main(["build", *args.chapters, *options, *(["--seed", args.seed] if args.seed else [])])
    return grading.main(["grade", args.submissions, *args.options])
