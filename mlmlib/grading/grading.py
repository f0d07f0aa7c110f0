"""Grade a folder of submissions to a CSV: one row a submission, one column a question.

Each submission runs in a process and a folder of its own (`supervise`, `guard`), and is judged here from its answers
(`judge`). What is finished is kept beside the CSV, so that a run that was cut short goes on where it stopped.
"""
import concurrent.futures
import csv
import hashlib
import io
import json
import os
import sys
import zipfile
from pathlib import Path

import nbformat

from . import judge
from .supervise import Limits, Submission

ROOT = Path(__file__).resolve().parents[2]
VERSION = 1


def grade(submissions, *, out=None, autograders=None, limits=Limits(), workers=None, resume=True, progress=True):
    """Grade every notebook (or zip with one) under `submissions`; return the path of the CSV.

    Parameters
    ----------
    out : path
        The CSV to write, by default ``grades.csv`` in ``_build/grades``; parts of it are kept in a folder beside it.
    autograders : path
        Folder that `build` filled, by default ``_build/exercises/autograder``.
    limits : Limits
        Seconds for a cell and for the whole, and megabytes, that one submission may use.
    workers : int
        Submissions at the same time, by default one for each processor.
    resume : bool
        Keep results of an earlier run for submissions and autograders that have not changed.
    """
    folder = Path(submissions).resolve()
    autograders = Path(autograders or ROOT / "_build" / "exercises" / "autograder").resolve()
    out = Path(out or ROOT / "_build" / "grades" / "grades.csv").resolve()
    parts = out.parent / f"{out.stem}-parts"
    parts.mkdir(parents=True, exist_ok=True)
    paths = find(folder, out.parent)
    if not paths:
        raise FileNotFoundError(f"no notebook in {folder}")
    known = {p.name: p for p in sorted(autograders.iterdir()) if (p / "autograder.zip").is_file()} if autograders.is_dir() else {}
    if not known:
        raise FileNotFoundError(f"no autograder in {autograders}: run `make exercises` first")
    hidden = [place for place in (ROOT / "exercises", ROOT / "tests", ROOT / "_build", autograders, folder, out.parent)
              if not any(needed.is_relative_to(place) for needed in (ROOT, Path(sys.prefix).resolve()))]

    def work(path):
        return grade_one(path, path.relative_to(folder).as_posix(), known, parts, limits, hidden, resume)

    workers = workers or os.cpu_count() or 1
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(work, p) for p in paths]
        try:
            rows = [f.result() for f in _progress(futures, progress)]
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    rows.sort(key=lambda r: r["submission"])
    write_csv(rows, out)
    write_written(rows, out.with_name(f"{out.stem}-by-hand.md"))
    return out


def find(folder, results):
    """Submissions under `folder`: notebooks, and zip files with one; not what an earlier grading wrote."""
    found = [p for p in folder.rglob("*") if p.suffix in (".ipynb", ".zip") and p.is_file()
             and not any(part.startswith(".") for part in p.relative_to(folder).parts)]
    return sorted(p for p in found if results not in p.parents or results in (folder, *folder.parents))


def _progress(futures, show):
    from tqdm import tqdm
    done = concurrent.futures.as_completed(futures)
    return tqdm(done, total=len(futures), desc="grading", unit="submission", disable=not show)


def grade_one(path, name, known, parts, limits, hidden, resume=True):
    """Grade one submission; its row is kept in `parts` under a name made of its content and its autograder."""
    data = path.read_bytes()
    book, fault = read_submission(data, path.suffix)
    exercise = None if fault else which(book, path, known)
    if exercise is None:
        fault = fault or f"no exercise of this name: is it one of {', '.join(known)}?"
        return {"submission": name, "exercise": "", "marks": [], "messages": [fault], "written": {}}
    grader = judge.fingerprint(known[exercise] / "autograder.zip")
    key = hashlib.sha256(b"\0".join([data, grader, name.encode(), str(VERSION).encode()])).hexdigest()[:24]
    kept = parts / f"{key}.json"
    if resume and kept.is_file():
        try:
            return json.loads(kept.read_text(encoding="utf-8"))
        except ValueError:
            pass
    row = _run_and_judge(book, name, judge.load(str(known[exercise])), limits, hidden)
    fresh = kept.with_suffix(".new")
    fresh.write_text(json.dumps(row), encoding="utf-8")
    fresh.replace(kept)
    return row


def read_submission(data, suffix):
    """(notebook, None) or (None, what is wrong with the file)."""
    try:
        if suffix == ".zip":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                inside = [i for i in archive.infolist() if i.filename.endswith(".ipynb") and i.file_size < 64 << 20]
                if len(inside) != 1:
                    return None, f"the zip holds {len(inside)} notebooks and not one"
                data = archive.read(inside[0])
        book = nbformat.reads(data.decode("utf-8"), as_version=4)
        [c.source for c in book.cells if c.cell_type == "code"]
        return book, None
    except Exception as error:
        return None, f"not a readable notebook ({type(error).__name__})"


def which(book, path, known):
    """Name of the exercise that a notebook answers: from its metadata, else from its file name."""
    named = book.metadata.get("otter", {}).get("assignment_name") if isinstance(book.metadata.get("otter"), dict) else None
    if named in known:
        return named
    return next((k for k in known if k in path.stem or path.stem.startswith(k[:2] + "_")), None)


def _run_and_judge(book, name, assignment, limits, hidden):
    cells = [str(c.source) for c in book.cells if c.cell_type == "code"]
    with Submission(cells, assignment.answers, limits=limits, hidden=hidden) as submission:
        outcome = submission.run()
        marks = judge.judge(assignment, outcome, submission.call)
    notes = [f"code cell {i + 1}: {e}" for i, e in sorted(outcome.errors.items())] + outcome.notes
    return {"submission": name, "exercise": assignment.name, "messages": notes, "measures": outcome.measures,
            "marks": [vars(m) for m in marks], "written": written_answers(book, assignment.manual)}


def written_answers(book, manual):
    """The text cells and code of a submission that answer questions which a person grades."""
    out, question = {}, None
    for cell in book.cells:
        question = cell.metadata.get("question", question)
        if question in manual and "otter_answer_cell" in cell.metadata.get("tags", []):
            out[question] = (out.get(question, "") + "\n\n" + str(cell.source)).strip()[:20_000]
    return out


def write_csv(rows, out):
    """One row a submission: points of each question, total of what was graded here, what is possible, the replies."""
    questions = list(dict.fromkeys(m["question"] for r in sorted(rows, key=lambda r: r["exercise"]) for m in r["marks"]))
    head = ["submission", "exercise", *questions, "total", "possible", "to_grade_by_hand", "messages"]
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = out.with_suffix(".new")
    with open(fresh, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(head)
        for row in rows:
            marks = {m["question"]: m for m in row["marks"]}
            auto = [m for m in row["marks"] if not m["manual"]]
            cells = ["" if q not in marks or marks[q]["manual"] else f"{marks[q]['points']:g}" for q in questions]
            said = [f"[{m['question']}] {text}" for m in row["marks"] for text in m["messages"]] + row["messages"]
            table.writerow([_safe(row["submission"]), row["exercise"], *cells, f"{sum(m['points'] for m in auto):g}",
                            f"{sum(m['possible'] for m in auto):g}",
                            f"{sum(m['possible'] for m in row['marks'] if m['manual']):g}", _safe(" // ".join(said))])
    fresh.replace(out)


def write_written(rows, path):
    """The written answers of all submissions, question by question, for whoever grades them by hand."""
    questions = list(dict.fromkeys(m["question"] for r in rows for m in r["marks"] if m["manual"]))
    parts = []
    for question in questions:
        possible = next(m["possible"] for r in rows for m in r["marks"] if m["question"] == question)
        parts.append(f"# {question} ({possible:g} points)\n")
        for row in rows:
            if any(m["question"] == question for m in row["marks"]):
                answer = row["written"].get(question, "(no answer)")
                parts.append(f"## {row['submission']}\n\n" + "\n".join(f"> {line}" for line in answer.splitlines()) + "\n")
    path.write_text("\n".join(parts), encoding="utf-8")


def _safe(text):
    """Text that no spreadsheet takes for a formula, on one line."""
    text = " ".join(str(text).split())
    return "'" + text if text.startswith(("=", "+", "-", "@")) else text
