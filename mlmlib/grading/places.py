"""Where in the book to look for a question: its objective, and the sections of the chapter that answer it.

The objective is the row of the exercise's own table that names the question. The sections are those that the author named in
`places.toml` beside the exercises. An exercise that is not in there (one of your own) gets the one or two sections whose words
(weighted by how rare they are in the chapter) are most like those of the question, its hints and its solution. They are found
when exercises are built, and only their titles and addresses go further.
"""
import math
import re
import tomllib
from collections import Counter
from functools import lru_cache
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]
NO_HELP = ("what you will be able to do", "lab", "the same model elsewhere", "check against", "self-check", "exercises", "to think about",
           "guided", "open", "summary", "further reading", "the question")
ROW = re.compile(r"^\|(.+)\|([^|]*\d[^|]*)\|\s*$", re.M)
NUMBERS = re.compile(r"(\d+)(?: to (\d+))?")
WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]{2,}")


def places(name, book, asked, chapters=None, named=None):
    """{question: {"title", "objective", "chapter", "sections": [(title, address)]}}; `asked` are the questions of `book` (see `source`).

    `chapters` is the folder of the chapters, `named` the file of `author` (default: the book's own). An address has its chapter
    before ``#`` where that is another one.
    """
    served = {n: words for cell in book.cells for words, tried in objectives(cell.source) for n in tried}
    chapters, said, out = Path(chapters or ROOT / "chapters"), author(named).get(name, {}), {}
    sections = _sections(chapters / f"{name}.ipynb")
    nearest = None if said else _nearest([text for _, text in sections])
    for question in asked:
        text = "\n".join(book.cells[i].source for i in question.cells)
        if said:
            found = [(title_of(chapters, name, address), address) for address in said.get(question.name, ())]
        else:
            found = [(sections[i][0], anchor(sections[i][0])) for i in nearest(text)]
        out[question.name] = {"title": _title(text), "objective": served.get(int(question.name.rpartition("_")[2]), ""), "chapter": name if sections else "",
                              "sections": found}
    return out


def objectives(text):
    """[(words, numbers of the questions that try it)] of the table of objectives, if it is in a text: `1, 3 to 5` counts as 1, 3, 4, 5."""
    if "you can ..." not in text:
        return []
    return [(words.strip().replace("\\|", "|"), [n for first, last in NUMBERS.findall(tried) for n in range(int(first), int(last or first) + 1)])
            for words, tried in ROW.findall(text.partition("you can ...")[2])]


def author(path=None):
    """{exercise: {question: addresses}} as the author has named them; empty without the file."""
    path = Path(path or ROOT / "exercises" / "places.toml")
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def title_of(chapters, name, address):
    """The title of the section at an address; KeyError if the chapter has none there, or two."""
    other, _, place = address.rpartition("#")
    titles = [title for title, _ in _sections(Path(chapters) / f"{other or name}.ipynb") if anchor(title) == place]
    if len(titles) != 1:
        raise KeyError(f"{name}: chapter {other or name} has {len(titles)} sections with the address {place}")
    return titles[0]


def anchor(title):
    """The address of a heading on its page, as Sphinx makes it: straight quotes become curly ones, which an address leaves out."""
    from docutils.nodes import make_id
    return make_id(re.sub("[\"']", "", title))


def _title(text):
    """The first words of a question, for a list."""
    found = re.search(r"\*\*Question[^*]*\*\*\s*(.+?)(?:\n\n|\n-|$)", text, re.S)
    words = " ".join((found[1] if found else text.strip().partition("\n")[0]).split())
    return words if len(words) < 160 else words[:157].rsplit(" ", 1)[0] + " ..."


@lru_cache
def _sections(path):
    """(title, text) of the sections of a chapter that explain something."""
    if not path.is_file():
        return []
    out, title, deep = [], "", ""
    for cell in nbformat.read(path, as_version=4).cells:
        for line in cell.source.splitlines():
            head = re.match(r"(#{1,3})\s+(.+?)\s*$", line) if cell.cell_type == "markdown" else None
            if head and len(head[1]) < 3:
                deep = head[2].lower() if len(head[1]) == 2 else ""
            if head:
                title = re.sub(r"\{\w+\}`([^`<]*)[^`]*`", r"\1", head[2])
                if len(head[1]) == 1 or any(t.lower().startswith(NO_HELP) for t in (title, deep)):
                    title = ""
                if title:
                    out.append((title, ""))
            elif title:
                out[-1] = (title, f"{out[-1][1]}\n{line}")
    return [(t, f"{t} {t} {text}") for t, text in out if len(text) > 200]


def _nearest(texts):
    """A function that gives the places of the one or two texts most like a given one (cosine of tf-idf)."""
    counts = [Counter(w.lower() for w in WORD.findall(t)) for t in texts]
    seen = Counter(w for c in counts for w in c)
    weight = {w: math.log(len(texts) / n) for w, n in seen.items()}

    def vector(count):
        v = {w: (1 + math.log(n)) * weight[w] for w, n in count.items() if weight.get(w)}
        size = math.sqrt(sum(x * x for x in v.values())) or 1.0
        return {w: x / size for w, x in v.items()}

    vectors = [vector(c) for c in counts]

    def nearest(text):
        q = vector(Counter(w.lower() for w in WORD.findall(text)))
        scores = [sum(x * v.get(w, 0.0) for w, x in q.items()) for v in vectors]
        order = sorted(range(len(scores)), key=lambda i: -scores[i])
        return [i for i in order[:2] if scores[i] > max(0.05, 0.8 * scores[order[0]])]

    return nearest
