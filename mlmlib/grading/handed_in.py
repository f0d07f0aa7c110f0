"""What was handed in: the files, the notebooks in them, who they are from, and which exercise they answer."""
import io
import re
import zipfile
from pathlib import PurePosixPath

import nbformat

MAX_BYTES = 64 << 20
# How learning platforms name the files of a whole class (a folder or a file name): platform, pattern
NAMES = (
    ("moodle", re.compile(r"^(?P<name>.+)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)$")),
    ("blackboard", re.compile(r"^(?P<file>.+)_(?P<id>[^_]+)_attempt_(?P<attempt>\d{4}(?:-\d\d){5})(?:_.*)?$")),
    ("canvas", re.compile(r"^(?P<name>[^_]+)_(?P<late>LATE_)?(?P<id>\d+)_(?P<attempt>\d+)_(?P<file>.+)$")),
)


def find(folder, results):
    """Submissions under `folder`: notebooks, and zip files with one; not what an earlier grading wrote."""
    found = [p for p in folder.rglob("*") if p.suffix in (".ipynb", ".zip") and p.is_file()
             and not any(part.startswith(".") for part in p.relative_to(folder).parts)]
    return sorted(p for p in found if results not in p.parents or results in (folder, *folder.parents))


def read_submission(data, suffix):
    """(notebook, None) or (None, what is wrong with the file)."""
    try:
        if len(data) > MAX_BYTES:
            return None, f"larger than {MAX_BYTES >> 20} MB, and so not read"
        if suffix == ".zip":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                inside = [i for i in archive.infolist() if i.filename.endswith(".ipynb") and i.file_size < MAX_BYTES
                          and not i.filename.startswith("__MACOSX")]
                if len(inside) != 1:
                    return None, f"the zip holds {len(inside)} notebooks and not one"
                with archive.open(inside[0]) as file:
                    data = file.read(MAX_BYTES)
        book = nbformat.reads(data.decode("utf-8"), as_version=4)
        for cell in book.cells:
            cell.source, cell.metadata.get("tags", [])
        return book, None
    except Exception as error:
        return None, f"not a readable notebook ({type(error).__name__})"


def which(book, path, known):
    """Name of the exercise that a notebook answers: from its metadata, else from its file name."""
    named = book.metadata.get("otter", {}).get("assignment_name") if isinstance(book.metadata.get("otter"), dict) else None
    if named in known:
        return named
    return next((k for k in known if k in path.stem or path.stem.startswith(k[:2] + "_")), None)


def student(name, exercise):
    """Who a submission is from, by the name of its file: ``{"name", "id", "platform", "attempt", "late"}``."""
    path = PurePosixPath(name)
    for part in (*reversed(path.parts[:-1]), path.stem):
        for platform, pattern in NAMES:
            found = pattern.match(part)
            if found:
                told = found.groupdict()
                return {"name": told.get("name") or told["id"], "id": told["id"], "platform": platform,
                        "attempt": told.get("attempt") or "", "late": bool(told.get("late"))}
    own = path.stem.replace(exercise, "").strip(" _-") if exercise else path.stem
    folder = path.parts[-2] if len(path.parts) > 1 else ""
    return {"name": own or folder or path.stem, "id": "", "platform": "", "attempt": "", "late": False}


def written_answers(book, manual):
    """The text cells and code of a submission that answer questions which a person grades."""
    out = {}
    for question, source in _answer_cells(book):
        if question in manual:
            out[question] = (out.get(question, "") + "\n\n" + source).strip()[:20_000]
    return out


def own_lines(book):
    """Lines of code and text in the answer cells, without spaces and comments; which are the student's own, the class tells."""
    lines = set()
    for _, source in _answer_cells(book):
        for line in source.splitlines():
            plain = "".join(line.partition("#")[0].split())
            if len(plain) > 12:
                lines.add(plain[:200])
    return sorted(lines)[:400]


def _answer_cells(book):
    """(question, source) of the cells that a student fills in."""
    question = None
    for cell in book.cells:
        question = cell.metadata.get("question", question)
        tags = cell.metadata.get("tags", [])
        if isinstance(question, str) and isinstance(tags, list) and "otter_answer_cell" in tags:
            yield question, str(cell.source)
