"""Which library and which questions a copy was made with, and how it differs from those that it is graded by.

Both the student copy and the autograder carry the stamp in their metadata. It is made from what students see and from
nothing else, so it tells nothing of hidden tests or solutions.
"""
import hashlib

from .edition import BASE, mark_of


def make(book, seed=BASE):
    """The stamp of a student copy: version of the library, and a fingerprint of the text of each question."""
    from mlmlib import __version__
    texts = {}
    for cell in book.cells:
        name = cell.metadata.get("question")
        if name and cell.cell_type == "markdown" and "otter_answer_cell" not in cell.metadata.get("tags", []):
            texts[name] = texts.get(name, "") + "\n" + " ".join(cell.source.split())
    return {"library": __version__, "questions": {q: hashlib.sha256(t.encode()).hexdigest()[:12] for q, t in texts.items()},
            "edition": mark_of(seed)}


def edition(made):
    """The mark of the edition that a stamp names; empty for the book's own, and where there is no stamp."""
    return str(made.get("edition", "")) if isinstance(made, dict) else ""


def difference(theirs, ours):
    """What to tell of a copy whose stamp differs from that of its autograder; nothing if they are the same."""
    if not isinstance(theirs, dict) or not isinstance(theirs.get("questions"), dict) or not ours:
        return ""
    asked, here = theirs["questions"], ours["questions"]
    new = [q for q in here if q not in asked]
    changed = [q for q in here if q in asked and asked[q] != here[q]]
    if theirs.get("library") == ours["library"] and not new and not changed:
        return ""
    parts = [f"the copy was made with mlmlib {str(theirs.get('library'))[:20]} and is graded with {ours['library']}; answers count where "
             "they agree with the present library"]
    if changed:
        parts.append(f"worded otherwise since then: {', '.join(changed)}")
    if new:
        parts.append(f"not asked in this copy: {', '.join(new)}")
    return "; ".join(parts)
