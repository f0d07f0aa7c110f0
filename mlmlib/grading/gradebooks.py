"""Grades as tables: a plain CSV, and the ones that Canvas, Moodle and Blackboard take back.

A platform takes grades back for rows and columns that it knows. Given its own export (Canvas and Blackboard: the grade book; Moodle: the
grading worksheet of the assignment), we fill in the column of the exercise and leave everything else as it stands. Without
one, a table is written from the names of the files, as the platform gives them when it hands out a whole class.
"""
import codecs
import csv
import io
import re
from datetime import datetime, UTC
from pathlib import Path

PLATFORMS = ("canvas", "moodle", "blackboard")
MOODLE = ["Identifier", "Full name", "Email address", "Status", "Grade", "Maximum Grade", "Grade can be changed",
          "Last modified (submission)", "Last modified (grade)", "Feedback comments"]
CANVAS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
BLACKBOARD = ["Last Name", "First Name", "Username"]


def safe(text):
    """Text that no spreadsheet takes for a formula, on one line."""
    text = " ".join(str(text).split())
    return "'" + text if text.startswith(("=", "+", "-", "@")) else text


def totals(row):
    """(points, possible, possible points that a person gives) of a graded row."""
    auto = [m for m in row["marks"] if not m["manual"]]
    return (sum(m["points"] for m in auto), sum(m["possible"] for m in auto), sum(m["possible"] for m in row["marks"] if m["manual"]))


def write_table(path, rows):
    """Write a CSV at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with open(fresh, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    fresh.replace(path)


def plain(rows, out):
    """One row a submission: points of each question, total of what was graded here, what is possible, the replies."""
    questions = list(dict.fromkeys(m["question"] for r in sorted(rows, key=lambda r: r["exercise"]) for m in r["marks"]))
    table = [["submission", "exercise", *questions, "total", "possible", "to_grade_by_hand", "messages", "student", "seconds", "enforced"]]
    for row in rows:
        marks = {m["question"]: m for m in row["marks"]}
        cells = ["" if q not in marks or marks[q]["manual"] else f"{marks[q]['points']:g}" for q in questions]
        said = [f"[{m['question']}] {text}" for m in row["marks"] for text in m["messages"]] + row["messages"]
        table.append([safe(row["submission"]), row["exercise"], *cells, *(f"{x:g}" for x in totals(row)), safe(" // ".join(said)),
                      safe(row["student"]["name"]), f"{row['seconds']:g}", "; ".join(row["measures"])])
    write_table(out, table)


def by_hand(rows, path):
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


def latest(rows):
    """One row for each student and exercise: of several attempts the last, by the number that the platform gave it."""
    kept = {}
    for row in sorted(rows, key=lambda r: (_number(r["student"]["attempt"]), r["submission"])):
        kept[_compact(row["student"]["id"] or row["student"]["name"]), row["exercise"]] = row
    return list(kept.values())


def platforms(rows, out, gradebook=None):
    """Write the tables for learning platforms beside `out`; return their paths.

    `gradebook` is an export of the platform, filled in; submissions of nobody in it are listed in a ``-not-found.csv``. Without it
    the platforms are those that the names of the files tell.
    """
    rows = latest([r for r in rows if r["exercise"]])
    if gradebook is not None:
        return _filled(rows, out, Path(gradebook))
    made = []
    for platform in PLATFORMS:
        mine = [r for r in rows if r["student"]["platform"] == platform]
        for name, table in (_WRITERS[platform](mine) if mine else {}).items():
            path = out.with_name(f"{out.stem}-{platform}{name}.csv")
            write_table(path, table)
            made.append(path)
    return made


def _number(text):
    return int("".join(c for c in text if c.isdigit()) or 0)


def _compact(text):
    return "".join(c for c in str(text).lower() if c.isalnum())


def _by_student(rows):
    """({id: its rows by exercise}, {exercise: possible})."""
    people, possible = {}, {}
    for row in rows:
        people.setdefault(row["student"]["id"], {})[row["exercise"]] = row
        possible[row["exercise"]] = max(possible.get(row["exercise"], 0.0), totals(row)[1])
    return people, dict(sorted(possible.items()))


def _points(row):
    return "" if row is None else f"{totals(row)[0]:g}"


def _canvas(rows):
    people, possible = _by_student(rows)
    table = [[*CANVAS, *possible], ["    Points Possible", "", "", "", "", *(f"{p:g}" for p in possible.values())]]
    for who, mine in sorted(people.items()):
        table.append([safe(next(iter(mine.values()))["student"]["name"]), who, "", "", "", *(_points(mine.get(e)) for e in possible)])
    return {"": table}


def _blackboard(rows):
    people, possible = _by_student(rows)
    table = [[*BLACKBOARD, *(f"{e} [Total Pts: {p:g} Score]" for e, p in possible.items())]]
    table += [["", "", safe(who), *(_points(mine.get(e)) for e in possible)] for who, mine in sorted(people.items())]
    return {"": table}


def _moodle(rows):
    out, (_, possible) = {}, _by_student(rows)
    for exercise, most in possible.items():
        out[f"-{exercise}"] = [MOODLE] + [
            [f"Participant {r['student']['id']}", safe(r["student"]["name"]), "", "", _points(r), f"{most:g}", "Yes", "", _now(), comment(r)]
            for r in rows if r["exercise"] == exercise]
    return out


_WRITERS = {"canvas": _canvas, "moodle": _moodle, "blackboard": _blackboard}


def _now():
    """The moment, as Moodle's worksheet writes it."""
    return datetime.now(UTC).strftime("%A, %d %B %Y, %I:%M %p")


def comment(row):
    """The replies to a submission as one line, for a platform's comment field."""
    said = [f"{m['question']}: {text}" for m in row["marks"] for text in m["messages"]] + row["messages"]
    return safe(" / ".join(said))[:4000]


# ---- a platform's own export, filled in --------------------------------------------------------------------------------

def _filled(rows, out, gradebook):
    head, *lines = _export(gradebook) or [[]]
    platform = _platform(head)
    if platform is None:
        raise ValueError(f"{gradebook} is no export that we know: Canvas has columns Student and ID, Moodle's worksheet Identifier and Grade, "
                         "Blackboard Username")
    _, possible = _by_student(rows)
    if platform == "moodle" and len(possible) > 1:
        raise ValueError("Moodle's grading worksheet belongs to one assignment, and these submissions answer "
                         f"{', '.join(possible)}: grade each exercise by itself")
    lines, lost = [line + [""] * (len(head) - len(line)) for line in lines], {r["submission"]: r for r in rows}
    for exercise, most in possible.items():
        columns = [("Grade", _points), ("Feedback comments", comment), ("Last modified (grade)", lambda row: _now())]
        if platform != "moodle":
            title = next((h for h in head if _compact(exercise) in _compact(h)), None)
            if title is None:
                title = exercise if platform == "canvas" else f"{exercise} [Total Pts: {most:g} Score]"
                head.append(title)
                lines = [line + [f"{most:g}" if "Points Possible" in line[0] else ""] for line in lines]
            columns = [(title, _points)]
        mine = [r for r in rows if r["exercise"] == exercise]
        for line in lines:
            row = next((r for r in mine if _is(dict(zip(head, line)), r["student"], platform)), None)
            if row is None:
                continue
            lost.pop(row["submission"], None)
            for title, value in columns:
                if title in head:
                    line[head.index(title)] = value(row)
    path, missing = out.with_name(f"{out.stem}-{platform}.csv"), out.with_name(f"{out.stem}-{platform}-not-found.csv")
    write_table(path, [head, *lines])
    if not lost:
        missing.unlink(missing_ok=True)
        return [path]
    write_table(missing, [["submission", "student", "exercise", "points"],
                          *([safe(name), safe(r["student"]["name"]), r["exercise"], _points(r)] for name, r in lost.items())])
    return [path, missing]


def _export(path):
    """The rows of a platform's export: with commas in UTF-8, or with tabs in UTF-16, as Blackboard writes it for Excel."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-16" if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig")
    except UnicodeError:
        raise ValueError(f"{path} is no table in text: export the grade book as CSV") from None
    return list(csv.reader(io.StringIO(text, newline=""), dialect=csv.excel_tab if "\t" in text.partition("\n")[0] else csv.excel))


def _platform(head):
    if {"Student", "ID"} <= set(head):
        return "canvas"
    if {"Identifier", "Grade"} <= set(head):
        return "moodle"
    return "blackboard" if "Username" in head else None


def _is(line, who, platform):
    """Whether a line of an export is about this student: by number or user name, else by the whole name."""
    if who["id"]:
        known = {"canvas": ("ID", "SIS User ID", "SIS Login ID"), "moodle": ("Identifier", "ID number"), "blackboard": ("Username", "Student ID")}
        if who["id"] in {re.sub(r"^\D+ ", "", line.get(column, "").strip()) for column in known[platform]}:
            return True
    names = [line.get(c, "") for c in ("Student", "Full name", "Username", "Email address", "SIS Login ID", "ID number")]
    names += [line.get("First Name", "") + line.get("Last Name", ""), line.get("Last Name", "") + line.get("First Name", "")]
    wanted = _compact(who["name"])
    return bool(wanted) and wanted in {_compact(n) for n in (*names, *(n.partition("@")[0] for n in names))}
