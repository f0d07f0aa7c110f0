"""The page that a student gets back: which question, what the mistake was, where in the book to look.

It holds replies and points of this one submission: no test, no solution, nothing of anybody else.
"""
import re

from .gradebooks import totals
from .page import page, prose, table, text

MATH, SYMBOL = re.compile(r"\$(?:\\\w+ )?(\w+)\$"), r"\1"  # a symbol in a heading: these pages set no mathematics
STATES = (("good", "right"), ("part", "in part"), ("none", "not yet"))


def write(row, assignment, folder, site=""):
    """Write the page of a graded row into `folder`, under the path of the submission; return its path."""
    path = folder / (re.sub(r"[^\w ./()-]", "_", row["submission"]).replace("..", "_") + ".html")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(row, assignment, site), encoding="utf-8")
    return path


def render(row, assignment=None, site=""):
    """The page as HTML; `assignment` knows where in the book to look, `site` is the address of the book."""
    if not row["marks"]:
        said = "".join(f"<li>{prose(m)}</li>" for m in row["messages"])
        return page("This file could not be graded", f"<p><code>{text(row['submission'])}</code></p><ul>{said}</ul>"
                    "<p>Hand in the notebook itself, saved, under the name that it came with.</p>")
    points, possible, waiting = totals(row)
    chapter = row["exercise"].partition("_")
    parts = [f"<p><code>{text(row['submission'])}</code></p>",
             f"<p><strong>{points:g} of {possible:g} points</strong>"
             + (f", and {waiting:g} more are given by a person." if waiting else ".") + "</p>"]
    auto = [m for m in row["marks"] if not m["manual"]]
    parts.append(table("Points by question", ["Question", "Points", "Possible", "State"],
                       [[f'<a href="#{text(m["question"])}">{text(m["question"])}</a>' if _says(m) else text(m["question"]), f"{m['points']:g}",
                         f"{m['possible']:g}", _state(m)] for m in auto], numbers=(1, 2)))
    places = assignment.places if assignment is not None else {}
    wrong = [m for m in auto if _says(m)]
    if wrong:
        parts.append("<h2>Where to look</h2>")
        parts += [_question(m, places.get(m["question"], {}), site) for m in wrong]
    else:
        parts.append("<p>Everything that is graded here is right.</p>")
    if row["messages"]:
        parts.append("<h2>When your notebook was run</h2><p>A cell that stops costs nothing by itself: answers that it should have set are missing.</p><ul>"
                     + "".join(f"<li>{prose(m)}</li>" for m in row["messages"]) + "</ul>")
    return page(f"Exercises {int(chapter[0]) if chapter[0].isdigit() else ''} ({chapter[2].replace('_', ' ')}): what came back", "\n".join(parts))


def _says(mark):
    return bool(mark["messages"]) or mark["points"] < mark["possible"] - 1e-9


def _state(mark):
    share = mark["points"] / mark["possible"] if mark["possible"] else 1.0
    kind, word = STATES[0 if share > 1 - 1e-9 else 2 if share < 1e-9 else 1]
    return f'<span class="{kind}">{word}</span>'


def _question(mark, place, site):
    said = "".join(f"<blockquote>{prose(m)}</blockquote>" for m in mark["messages"])
    out = [f'<h3 id="{text(mark["question"])}">{text(mark["question"])}, {mark["points"]:g} of {mark["possible"]:g}: {_state(mark)}</h3>']
    if place.get("title"):
        out.append(f'<p class="soft">{prose(place["title"])}</p>')
    out.append(said)
    own = [_link(place["chapter"], *there, site) for there in place.get("sections", ()) if "#" not in there[1]]
    if own:
        out.append(f"<p>Look in chapter {int(place['chapter'][:2])}: {' and '.join(own)}.</p>")
    for title, address in place.get("sections", ()):
        chapter, mark, there = address.partition("#")
        if mark:
            out.append(f"<p>{'Also look' if own else 'Look'} in chapter {int(chapter[:2])}: {_link(chapter, title, there, site)}.</p>")
    if place.get("objective"):
        out.append(f'<p class="soft">After this chapter you can {prose(place["objective"])}.</p>')
    return "\n".join(out)


def _link(chapter, title, anchor, site):
    words = f"“{prose(MATH.sub(SYMBOL, title))}”"
    return f'<a href="{text(site.rstrip("/"))}/chapters/{text(chapter)}.html#{text(anchor)}">{words}</a>' if site else words
