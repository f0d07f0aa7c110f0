"""`mlm exercises` and `mlm grade`: handed on to `mlmlib.grading`."""

from __future__ import annotations

from pathlib import Path


def run(root: Path, args) -> int:
    """Build the student copies, or grade a folder."""
    from mlmlib import grading

    if args.verb == "exercises" and args.check_public:
        return _check_public(root, args.check_public)
    if args.verb == "exercises":
        options = ["--students", args.students] if args.students else ["--practice"] * args.practice
        return grading.main(["build", *args.chapters, *options, *(["--seed", args.seed] if args.seed else [])])
    return grading.main(["grade", args.submissions, *args.options])


def _check_public(root: Path, place: str) -> int:
    """Say what of the teacher's part lies in a folder that is to be published."""
    from mlmlib.grading import apart

    faults = apart.found(place, root / "exercises")
    for name, what in faults:
        print(f"{name}: {what}")
    print(f"{place}: {len(faults)} things that must not be published." if faults else f"{place}: no hidden test, no solution and no secret in it.")
    return 1 if faults else 0
