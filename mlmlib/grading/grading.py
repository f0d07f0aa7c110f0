"""Grade a folder of submissions: tables for teachers and learning platforms, a page for each student, one for the class.

Each submission runs in a process and a folder of its own (`supervise`, `process`, `guard`), and is judged here from its answers
(`judge`). What is finished is kept beside the CSV, so that a run that was cut short goes on where it stopped.
"""
import concurrent.futures
import contextlib
import hashlib
import json
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ..optional import needs
from . import class_page, edition, feedback_page, gradebooks, handed_in, judge, process, stamp
from .supervise import FOLDER, LONG, MEMORY, Interrupted, Limits, Submission, sweep

ROOT = Path(__file__).resolve().parents[2]
VERSION = 2


@dataclass(frozen=True)
class Run:
    """What all submissions of one grading have in common."""

    folder: Path
    parts: Path
    known: dict
    limits: Limits
    hidden: tuple
    resume: bool


def grade(submissions, *, out=None, autograders=None, limits=Limits(), workers=None, resume=True, progress=True, gradebook=None, site="",
          pages=True, part=None):
    """Grade every notebook (or zip with one) under `submissions`; return the path of the CSV.

    Parameters
    ----------
    out : path
        The CSV to write, by default ``grades.csv`` in ``_build/grades``; parts, pages and other tables are kept beside it.
    autograders : path
        Folder that `build` filled, by default ``_build/exercises/autograder``.
    limits : Limits
        Seconds for a cell and for the whole, and megabytes, that one submission may use.
    workers : int
        Submissions at the same time, by default one for each processor.
    resume : bool
        Keep results of an earlier run for submissions and autograders that have not changed.
    gradebook : path
        An export of Canvas, Moodle or Blackboard, to be filled in (see `mlmlib.grading.gradebooks`).
    site : str
        Address of the book, for links from the students' pages.
    pages : bool
        Write a page for each student (``-feedback/``) and one for the teacher (``-class.html``).
    part : tuple (i, m)
        Grade every m-th submission, beginning with the i-th, for one of m machines: their results are kept among the parts, and no
        table is written. When all are there, a call without `part` makes the tables and runs nothing twice.
    """
    folder = Path(submissions).resolve()
    autograders = Path(autograders or ROOT / "_build" / "exercises" / "autograder").resolve()
    out = Path(out or ROOT / "_build" / "grades" / "grades.csv").resolve()
    paths = handed_in.find(folder, out.parent)
    if not paths:
        raise FileNotFoundError(f"no notebook in {folder}")
    known = {p.name: p for p in sorted(autograders.iterdir()) if (p / "autograder.zip").is_file()} if autograders.is_dir() else {}
    if not known:
        raise FileNotFoundError(f"no autograder in {autograders}: run `make exercises` first")
    parts = out.parent / f"{out.stem}-parts"
    parts.mkdir(parents=True, exist_ok=True)
    run = Run(folder, parts, known, limits, _hidden(autograders, folder, out.parent), resume)
    if part is not None:
        paths = paths[part[0] - 1::part[1]]
    with _alone(parts, "lock" if part is None else "lock-{}-of-{}".format(*part)):
        sweep()
        rows = _all(paths, run, workers or os.cpu_count() or 1, progress)
    if part is not None:
        return parts
    gradebooks.plain(rows, out)
    gradebooks.by_hand(rows, out.with_name(f"{out.stem}-by-hand.md"))
    gradebooks.platforms(rows, out, gradebook)
    if pages:
        _pages(rows, known, out, site)
    return out


def _all(paths, run, workers, progress):
    """Rows of all submissions, in the order of their names; an interruption leaves what is finished."""
    stop = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(_guarded, p, run, stop) for p in paths]
        try:
            rows = [f.result() for f in _progress(futures, progress)]
        except BaseException:
            stop.set()
            process.close()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return sorted(rows, key=lambda r: r["submission"])


def _progress(futures, show):
    with needs("mlm.grading.grade"):
        from tqdm import tqdm
    return tqdm(concurrent.futures.as_completed(futures), total=len(futures), desc="grading", unit="submission", disable=not show)


def _hidden(*more):
    """Folders that no submission may see: sources, tests, builds, history, and those of this grading."""
    git = ROOT / ".git"
    if git.is_file():  # a worktree: the history lies elsewhere
        with contextlib.suppress(OSError, IndexError):
            git = Path(git.read_text(encoding="utf-8").partition(":")[2].strip()).parents[1]
    needed = (ROOT, Path(sys.prefix).resolve())
    return tuple(place for place in (ROOT / "exercises", ROOT / "tests", ROOT / "_build", git, *more)
                 if not any(path.is_relative_to(place) for path in needed))


@contextlib.contextmanager
def _alone(parts, lock="lock"):
    """Let one grading (of each part) at a time write into `parts`; the lock goes with the process, however it ends."""
    with open(parts / lock, "w") as file:
        try:
            import fcntl
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            pass
        except OSError:
            raise ValueError(f"another grading is writing into {parts}: wait for it, or give another --out") from None
        yield


def _guarded(path, run, stop):
    """Grade one submission; a fault of ours becomes its message and stops nobody else."""
    name = path.relative_to(run.folder).as_posix()
    for _ in range(3):
        if stop.is_set():
            raise concurrent.futures.CancelledError
        try:
            return grade_one(path, name, run)
        except Interrupted as error:
            fault: Exception = error
        except Exception as error:
            fault = error
            break
    return _empty(name, f"not graded: {type(fault).__name__}: {str(fault)[:200]}; grade this one by hand")


def _empty(name, fault, exercise=""):
    return {"submission": name, "exercise": exercise, "marks": [], "messages": [fault], "written": {}, "wrong": {}, "lines": [],
            "measures": [], "seconds": 0.0, "student": handed_in.student(name, exercise)}


def grade_one(path, name, run):
    """Grade one submission; its row is kept in `run.parts` under a name made of its content and its autograder."""
    from mlmlib import __version__
    data = path.read_bytes()
    book, fault = handed_in.read_submission(data, path.suffix)
    exercise = None if fault else handed_in.which(book, path, run.known)
    if exercise is None:
        return _empty(name, fault or f"no exercise of this name: is it one of {', '.join(run.known)}?")
    place, told = edition.choose(run.known[exercise], handed_in.student(name, exercise), book)
    grader = judge.fingerprint(place / "autograder.zip")
    key = hashlib.sha256(b"\0".join([data, grader, name.encode(), f"{VERSION} {__version__}".encode()])).hexdigest()[:24]
    kept = run.parts / f"{key}.json"
    if run.resume and kept.is_file():
        with contextlib.suppress(ValueError):
            row = json.loads(kept.read_text(encoding="utf-8"))
            if not row["stopped"] or row["limits"] == run.limits.as_dict:
                return row
    row = _run_and_judge(book, name, judge.load(str(place)), run.limits, run.hidden)
    row["messages"] += [told] if told else []
    row["edition"] = place.relative_to(run.known[exercise]).as_posix()
    fresh = kept.with_suffix(".new")
    fresh.write_text(json.dumps(row), encoding="utf-8")
    fresh.replace(kept)
    return row


def _run_and_judge(book, name, assignment, limits, hidden):
    cells = [str(c.source) for c in book.cells if c.cell_type == "code"]
    with Submission(cells, assignment.answers, limits=limits, hidden=hidden) as submission:
        outcome = submission.run()
        own = stamp.edition(book.metadata.get("mlmlib")) == stamp.edition(assignment.stamp)
        marks = judge.judge(assignment, outcome, submission.call, follow=own)
        if submission.interrupted:
            raise Interrupted("the process that starts submissions has ended")
    notes = [f"code cell {i + 1}: {e}" for i, e in sorted(outcome.errors.items())] + outcome.notes
    older = stamp.difference(book.metadata.get("mlmlib"), assignment.stamp)
    stopped = any(words in note for note in notes for words in (LONG, MEMORY, FOLDER, "longer than"))
    return {"submission": name, "exercise": assignment.name, "student": handed_in.student(name, assignment.name),
            "messages": notes + ([older] if older else []), "measures": outcome.measures, "marks": [vars(m) for m in marks],
            "written": handed_in.written_answers(book, assignment.manual), "wrong": _wrong(assignment, outcome, marks),
            "lines": handed_in.own_lines(book), "seconds": outcome.seconds, "stopped": stopped, "limits": limits.as_dict}


def _wrong(assignment, outcome, marks):
    """What was answered to questions without full marks, for the search of look-alikes: {question: text}."""
    out = {}
    for mark in marks:
        values = {n: outcome.answers[n] for n in assignment.asks.get(mark.question, ())
                  if (outcome.answers.get(n) or {"t": "empty"}) != {"t": "empty"}} if mark.points < mark.possible else {}
        if values:
            text = json.dumps(values, sort_keys=True)
            out[mark.question] = text if len(text) < 400 else hashlib.sha256(text.encode()).hexdigest()
    return out


def _pages(rows, known, out, site):
    """The students' pages and the teacher's."""
    folder, addresses = out.with_name(f"{out.stem}-feedback"), {}
    for row in rows:
        assignment = judge.load(str(known[row["exercise"]] / row.get("edition", ""))) if row["exercise"] else None
        path = feedback_page.write(row, assignment, folder, site)
        addresses[row["submission"]] = quote(path.relative_to(out.parent).as_posix())
    out.with_name(f"{out.stem}-class.html").write_text(class_page.render(rows, addresses), encoding="utf-8")
