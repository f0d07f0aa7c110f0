"""Editions: copies of one exercise with other numbers or other data, so that answers cannot be passed round.

A source says what may differ in a raw cell (in a draft: a fence under ``%% edition``):

    # EDITION
    icc = draw(0.05, [0.03, 0.04, 0.06, 0.08])
    rows = draw(1, range(1, 10_000))

`draw(base, others)` is `base` in the book's own edition and one of `others`, by the seed, in every other. ``[[icc]]`` in text, code, solutions
and tests becomes the value, ``[[100 * icc:.0f]]`` in text an expression with a format. Data differ by a seed in the code
(``.sample(frac=0.9, random_state=[[rows]])``), in the notebook and in its hidden tests alike.

A student's seed comes from the student's number and a secret beside the autograders, so nobody can work out another's; the grader goes by
whose file it is, and not by what the copy says of itself.
"""
import copy
import hashlib
import hmac
import json
import os
import re

BASE = 0
HEAD = re.compile(r"#\s*EDITION\b")
SLOT = re.compile(r"\[\[([^\[\]\n\"']+?)(?::([^\[\]:\n\"']*))?\]\]")  # no quotes: table[["column"]] is none


def is_edition(cell):
    """Whether a cell says what may differ."""
    return cell.cell_type == "raw" and bool(HEAD.match(cell.source.strip()))


def differs(book):
    """Whether a source has editions."""
    return any(is_edition(c) for c in book.cells)


def values(book, seed=BASE):
    """The values of an edition by name."""
    import numpy as np
    rng = np.random.default_rng(seed)

    def draw(base, others):
        others = list(others)
        return base if seed == BASE else others[int(rng.integers(len(others)))]

    space = {"draw": draw}
    for cell in book.cells:
        if is_edition(cell):
            exec(compile(cell.source, "<edition>", "exec"), space)
    return {k: v for k, v in space.items() if k not in ("draw", "__builtins__")}


def render(book, seed=BASE):
    """A copy of a source notebook as the edition of `seed`: values in their places, and nothing left that says what may differ."""
    if not differs(book):
        return book
    out, known = copy.deepcopy(book), values(book, seed)
    out.cells = [c for c in out.cells if not is_edition(c)]
    for cell in out.cells:
        cell.source = SLOT.sub(lambda found: _value(found, known), cell.source)
    return out


def _value(found, known):
    """What stands in a slot; what names none of the values is no slot."""
    if not set(re.findall(r"[A-Za-z_]\w*", found[1])) & set(known):
        return found[0]
    value = eval(found[1], {"__builtins__": {"round": round, "abs": abs, "int": int}}, dict(known))
    return format(value, found[2]) if found[2] else str(value)


def without(name, group, count, seed, keep=()):
    """How to leave `count` groups of the data set `name` out, by a seed, and none of `keep`: the code that goes on after
    ``mlm.load("...")``, and what goes on after the name of the data set in `mlmlib.grading.key`. Both are empty in the book's own edition."""
    import numpy as np

    from . import key
    if seed == BASE:
        return "", ""
    groups = [g for g in key.data(name)[group].unique().tolist() if g not in keep]
    gone = sorted(np.random.default_rng(seed).choice(groups, count, replace=False).tolist())
    return f'.query("{group} not in {gone}")', f": {group} not in {gone}"


# ---- whose edition ---------------------------------------------------------------------------------------------------

def plain(who):
    """A student's number or name as it is compared, and as it names a folder: small letters and digits."""
    return "".join(c for c in str(who).lower() if c.isalnum())


def secret(autograders):
    """The secret of this teacher, made when first needed."""
    path = autograders / "secret"
    if not path.is_file():
        autograders.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(os.urandom(32))
    return path.read_bytes()


def seed_of(key, exercise, who):
    """A student's seed for an exercise: never that of the book's own edition."""
    digest = hmac.new(key, f"{exercise}:{plain(who)}".encode(), hashlib.sha256).digest()
    return 1 + int.from_bytes(digest[:6], "big")


def mark_of(seed):
    """What a copy says of its edition: enough to know it again, too little to find the seed."""
    return "" if seed == BASE else hashlib.sha256(f"edition {seed}".encode()).hexdigest()[:16]


def kept(autograder):
    """{student: mark of the edition} that were built for an exercise; their autograders lie in ``editions/``."""
    try:
        return json.loads((autograder / "editions.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def choose(autograder, student, book):
    """(folder to grade by, what to tell) for a submission: the student's own edition, whatever the copy says."""
    editions = kept(autograder)
    if not editions:
        return autograder, ""
    stamp = book.metadata.get("mlmlib")
    stamp = stamp.get("edition", "") if isinstance(stamp, dict) else ""
    own = next((who for who in (plain(student["id"]), plain(student["name"])) if who and who in editions), None)
    if own is not None:
        told = "" if stamp == editions[own] else "this copy is not the edition made for this student; it is graded by the student's own"
        return autograder / "editions" / own, told
    other = next((who for who, mark in editions.items() if mark == stamp), None)
    if other is None:
        return autograder, "no edition was made for this student; graded by the book's own"
    return autograder / "editions" / other, "whose copy this is cannot be told from the file's name: graded by the edition that the copy itself names"
