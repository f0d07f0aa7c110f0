"""A class of 200 submissions, graded in one run that is killed half-way and resumed; what each should get is known beforehand.

    python tests/grading_class.py            # builds, grades, kills, resumes, checks; writes tests/grading_class.csv

Model answers, partial answers (some questions empty, some with a known mistake), copies of an older edition, pairs that copied
from each other, files named as three learning platforms name them, and every hostile or broken kind of `hostile`. The test
`test_grading_class.py` does the same with a slice.
"""

from __future__ import annotations

import argparse
import copy
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import exercise_kit as kit  # noqa: E402
from hostile import BROKEN, CASES, code_of, runnable  # noqa: E402
from mlmlib.grading import judge  # noqa: E402

EXERCISES = ("03_random_intercepts", "01_linear_model", "06_centering")
MODELS, PARTIAL, OLD, COPIED = 45, 83, 4, 4  # each copied one is handed in twice; with the hostile and broken ones 200
GRADE = [sys.executable, "-m", "mlmlib.grading", "grade"]
LIMITS = ["--cell-seconds", "6", "--total-seconds", "240", "--memory-mb", "2000"]
FILES = {  # the name of a file as a platform gives it, or as one finds it in a folder
    "canvas": "student{i}_{late}{id}_{attempt}_{exercise}.ipynb", "moodle": "Student {i}_{id}_assignsubmission_file_/{exercise}.ipynb",
    "blackboard": "{exercise}_user{i}_attempt_2026-11-22-10-{minute:02d}-11_{exercise}.ipynb", "plain": "student-{i}/{exercise}.ipynb",
}


@dataclass
class Expected:
    """What a submission is, and the points that it may get (`low` to `high`)."""

    kind: str
    low: float
    high: float
    says: str = ""


# ---- making a class --------------------------------------------------------------------------------------------------

def make(folder, counts=(MODELS, PARTIAL, OLD, COPIED), exercises=EXERCISES, hostile=None, seed=1):
    """Write submissions into `folder`; return ({file name: Expected}, folder of autograders). `counts` are those of the
    harmless kinds, `hostile` the names of the others (default: all that this system can hold)."""
    rng, books, expected = random.Random(seed), {}, {}
    built = [kit.built_one(name) for name in exercises][-1] / "autograder"
    assignments = {name: judge.load(str(built / name)) for name in exercises}

    def add(book, exercise, expectation):
        i = len(books)
        late = "LATE_" if i % 7 == 0 else ""
        name = FILES[list(FILES)[i % 4]].format(i=i, late=late, id=1000 + i, attempt=50_000 + i, minute=i % 60, exercise=exercise)
        books[name], expected[name] = book, expectation

    models, partial, old, copied = counts
    for i in range(models + old):
        exercise = exercises[i % len(exercises)]
        book = copy.deepcopy(kit.model(exercise))
        full = sum(_worth(assignments[exercise]).values())
        if i >= models:
            book.metadata["mlmlib"]["library"] = "0.0.9"
        add(book, exercise, Expected("older copy" if i >= models else "model", full, full, "made with mlmlib 0.0.9" if i >= models else ""))
    for i in range(partial + copied):
        exercise = exercises[i % len(exercises)]
        code, points = spoil(exercise, assignments[exercise], rng)
        for _ in range(2 if i >= partial else 1):
            add(kit.with_code(kit.model(exercise), code), exercise, Expected("copied" if i >= partial else "partial", points, points))
    autograders = _with_tiny(built)
    _, tiny = kit.tiny()
    for name in runnable() if hostile is None else hostile:
        where, points = CASES[name][1:]
        code = code_of(name, folder.parent / "secrets", kit.ROOT)
        low, high = points if isinstance(points, tuple) else (points, points)
        books[f"hostile/90_{name}.ipynb"] = tiny if code is None else kit.with_code(tiny, code, **where)
        expected[f"hostile/90_{name}.ipynb"] = Expected(f"hostile: {name}", low, high)
    for name, book in BROKEN.items():
        books[f"broken/{name}"], expected[f"broken/{name}"] = book, Expected(f"broken: {name}", 0, 0, "no")
    for name, book in books.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = book if isinstance(book, bytes | str) else nbformat.writes(book)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return expected, autograders


def _with_tiny(built):
    """A folder with the autograders of the real exercises and of the tiny one."""
    tiny, _ = kit.tiny()
    both = kit.workplace() / "class-autograders"
    both.mkdir(exist_ok=True)
    for folder in (*built.iterdir(), *tiny.iterdir()):
        if not (both / folder.name).exists():
            (both / folder.name).symlink_to(folder)
    return both


def _worth(assignment):
    """{(question, test case): points} of everything that is graded here."""
    return {(q, case.name): case.points for q, test in assignment.tests.items() for case in test.test_cases}


def spoil(exercise, assignment, rng):
    """(code to add at the end, points left): a few answers emptied, a few letters and one number replaced by known mistakes."""
    records = [r for *_, r in kit.checks(exercise)]
    letters = [r for r in records if r.kind in ("choice", "truth")]
    numbers = [r for r in records if r.kind == "number" and r.known]
    names = sorted({r.name for r in records})
    lines, touched = [], set()
    for name in rng.sample(names, rng.randint(0, len(names) // 3)):
        lines.append(f"{name} = {rng.choice(['None', '...'])}")
        touched.add(name)
    wrong = rng.sample(letters, min(len(letters), rng.randint(0, 2))) + rng.sample(numbers, 1)
    for record in (r for r in wrong if r.name not in touched):
        value = rng.choice(record.known)[0]
        lines.append(f"{record.name} = {value!r}")
        touched.add(record.name)
    left = sum(case.points for test in assignment.tests.values() for case in test.test_cases
               if not touched & set(case.body._get_func_params()))
    return "\n".join(lines), left


# ---- grading it ------------------------------------------------------------------------------------------------------

def grade(folder, autograders, out, *, workers=2, kill_at=None):
    """Grade in a process of its own; with `kill_at`, kill that process (SIGKILL) when so many are finished.
    Returns seconds and the number of the process."""
    began = time.monotonic()
    command = [*GRADE, str(folder), "--out", str(out), "--autograders", str(autograders), "--workers", str(workers), *LIMITS, "--quiet"]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        if kill_at is not None and len(finished(out)) >= kill_at:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return time.monotonic() - began, process.pid
        time.sleep(0.05)
    if process.returncode:
        raise RuntimeError(f"the grader ended with {process.returncode}")
    return time.monotonic() - began, process.pid


def finished(out):
    """{file: time of writing} of the results that are kept beside `out`."""
    return {p.name: p.stat().st_mtime_ns for p in (out.parent / f"{out.stem}-parts").glob("*.json")}


def left_behind(grader, patience=10):
    """Processes and folders that the ended grader of this number still has after some seconds."""
    end = time.monotonic() + patience
    while (found := _left(grader)) and time.monotonic() < end:
        time.sleep(0.5)
    return found


def _left(grader):
    import psutil
    found, mark = [], f"submission-{grader}-"
    for process in psutil.process_iter(["cmdline", "environ", "cwd"]):
        told = [*(process.info["cmdline"] or ()), (process.info["environ"] or {}).get("HOME", ""), process.info["cwd"] or ""]
        if "98765" in told or any(mark in words for words in told):
            found.append(" ".join(told))
    return found


def run(folder, *, workers=2, report=print, **options):
    """Make a class in `folder`, grade it with a kill half-way, resume; return (rows for the table, faults)."""
    out = folder / "out" / "grades.csv"
    secrets = folder / "secrets"
    secrets.mkdir()
    (secrets / "key.txt").write_text("42.5")
    expected, autograders = make(folder / "in", **options)
    readable = sum(not e.kind.startswith("broken") for e in expected.values())
    before = {p: p.stat().st_mtime_ns for place in (secrets, folder / "in", autograders) for p in sorted(place.rglob("*"))}
    first, killed = grade(folder / "in", autograders, out, workers=workers, kill_at=readable // 2)
    half, faults = finished(out), [f"still running after the kill: {p}" for p in left_behind(killed)]
    second, ended = grade(folder / "in", autograders, out, workers=workers)
    done = finished(out)
    faults += [f"left behind: {p}" for p in left_behind(ended)]
    faults += [f"left behind: {p}" for n in (killed, ended) for p in Path(tempfile.gettempdir()).glob(f"submission-{n}-*")]
    faults += [f"graded twice: {name}" for name, at in half.items() if done.get(name) != at]
    after = {p: p.stat().st_mtime_ns for place in (secrets, folder / "in", autograders) for p in sorted(place.rglob("*"))}
    faults += ["a submission changed files of others"] if after != before else []
    if len(done) != readable:
        faults.append(f"{readable} submissions could be graded, and {len(done)} results are kept")
    table, more = check(expected, out)
    report(f"{len(expected)} submissions, {len(table)} rows; killed after {first:.0f} s with {len(half)} of {readable} finished, "
           f"resumed and ended after {second:.0f} s more; {len(faults + more)} faults")
    return table, faults + more


def check(expected, out):
    """(rows of the table, faults): every submission against what it should get."""
    with open(out, newline="", encoding="utf-8") as file:
        rows = {row["submission"].lstrip("'"): row for row in csv.DictReader(file)}
    table, faults = [], [f"no row for {name}" for name in expected if name not in rows]
    for name, row in sorted(rows.items()):
        want, got = expected[name], float(row["total"])
        right = want.low - 1e-6 <= got <= want.high + 1e-6 and want.says in row["messages"]
        if not right:
            faults.append(f"{name} ({want.kind}): {got:g} and not {want.low:g} to {want.high:g}: {row['messages'][:200]}")
        table.append({"submission": name, "kind": want.kind, "least": f"{want.low:g}", "most": f"{want.high:g}", "points": f"{got:g}",
                      "possible": row["possible"], "as expected": "yes" if right else "NO"})
    return table, faults


def main():
    """Grade the whole class and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=HERE / "grading_class.csv")
    parser.add_argument("--keep", type=Path, help="folder to leave everything in")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = args.keep or Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        table, faults = run(folder, workers=args.workers)
    with open(args.out, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    print(json.dumps(faults, indent=1) if faults else f"every one as expected; {args.out} written")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
