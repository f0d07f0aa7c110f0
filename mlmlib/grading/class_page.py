"""The teacher's page of a class: marks, questions (difficulty, discrimination), common mistakes, look-alikes, what went wrong."""
import math
from collections import Counter

from . import alike, items
from .gradebooks import totals
from .page import bar, page, prose, table, text


def render(rows, pages=None):
    """The page as HTML for graded rows; `pages` maps a submission to the address of its feedback page."""
    graded, parts = [r for r in rows if r["marks"]], []
    exercises = sorted({r["exercise"] for r in graded})
    parts.append(f"<p>{len(rows)} files, {len(graded)} graded, {len(rows) - len(graded)} not readable or of no exercise that we know. "
                 "This page is for whoever grades: it names students.</p>")
    for exercise in exercises:
        parts.append(_exercise(exercise, [r for r in graded if r["exercise"] == exercise]))
    parts.append(_alike(alike.pairs(graded)))
    parts.append(_troubles(rows))
    parts.append(_protection(graded))
    parts.append(_files(rows, pages or {}))
    return page("The class", "\n".join(parts))


def _exercise(exercise, rows):
    found, alpha = items.analyze(rows)
    points = sorted(totals(r)[0] for r in rows)
    possible = max(totals(r)[1] for r in rows)
    middle = (points[(len(points) - 1) // 2] + points[len(points) // 2]) / 2
    out = [f'<h2 id="{text(exercise)}">{text(exercise)}</h2>',
           f"<p>{len(rows)} submissions; of {possible:g} points the mean is {sum(points) / len(points):.1f}, the median {middle:g}, "
           f"the lowest {points[0]:g}, the highest {points[-1]:g}. {_reliability(alpha, len(rows))}</p>",
           table("Questions: mean share of the points, how many got all and none, and the correlation with the rest of the points",
                 ["Question", "Possible", "Difficulty (mean share)", "All", "None", "Discrimination"],
                 [[text(i.question), f"{i.possible:g}", bar(i.difficulty), f"{100 * i.full:.0f}&nbsp;%", f"{100 * i.nothing:.0f}&nbsp;%",
                   _discrimination(i.discrimination, len(rows))] for i in found], numbers=(1, 3, 4))]
    common = [(n, i.question, reply) for i in found for reply, n in i.mistakes if n > 1 and not reply.startswith("No answer yet")]
    if common:
        rows_ = [[f"{n}", text(q), prose(reply)] for n, q, reply in sorted(common, key=lambda c: -c[0])[:15]]
        out.append(table("The most frequent replies to wrong answers", ["Students", "Question", "Reply"], rows_, numbers=(0,)))
    return "\n".join(out)


def _reliability(alpha, n):
    if math.isnan(alpha):
        return ""
    return f"Cronbach's alpha of the questions is {alpha:.2f}" + (", from few submissions." if n < 30 else ".")


def _discrimination(r, n):
    """A correlation, with a word for it where there are enough submissions to say one."""
    if math.isnan(r):
        return '<span class="soft">does not vary</span>'
    if n < 20:
        return f"{r:.2f}".replace("-", "\u2212")
    word = "good" if r >= 0.3 else "weak" if r >= 0.1 else "look at this question"
    return f'{r:.2f}'.replace("-", "\u2212") + f' <span class="{"good" if r >= 0.3 else "part" if r >= 0.1 else "none"}">{word}</span>'


def _alike(pairs):
    head = "<h2>Look-alikes</h2>"
    if not pairs:
        return head + "<p>No two submissions share more wrong answers or lines of their own than chance would explain.</p>"
    rows = [[text(p.first), text(p.second), f"{p.evidence:.0f}", f"{100 * p.share:.0f}&nbsp;%", text(", ".join(p.answers) or "none"), str(p.lines)]
            for p in pairs[:40]]
    more = f"<p>{len(pairs) - 40} more pairs are not shown.</p>" if len(pairs) > 40 else ""
    return head + ("<p>Pairs that share wrong answers or lines which few others have. A reason to look at both and to ask, and no proof: "
                   "students who work together look like this too.</p>"
                   + table("Look-alike pairs", ["One", "Other", "Evidence", "Of the smaller one's own", "Same wrong answers", "Same rare lines"], rows,
                           numbers=(2, 3, 5)) + more)


def _troubles(rows):
    found = [[text(r["submission"]), prose(" / ".join(r["messages"])[:400])] for r in rows if r["messages"]]
    return ("<h2>What went wrong in runs</h2>" + (table("Messages by submission", ["Submission", "Message"], found) if found
                                                 else "<p>Every notebook ran to its end.</p>"))


def _protection(rows):
    count = Counter(m for r in rows for m in r["measures"])
    held = "".join(f"<li>{text(m)}: {n} of {len(rows)}</li>" for m, n in count.most_common())
    return ("<h2>How the runs were kept apart</h2><p>What held while the submissions ran, as each run reported it before its first cell.</p>"
            f"<ul>{held}</ul>")


def _files(rows, pages):
    def name(row):
        words = text(row["submission"])
        return f'<a href="{text(pages[row["submission"]])}">{words}</a>' if row["submission"] in pages else words

    return "<h2>All submissions</h2>" + table(
        "Points of every submission", ["Submission", "Exercise", "Points", "Possible", "By hand", "Seconds"],
        [[name(r), text(r["exercise"]), *(f"{x:g}" for x in totals(r)), f"{r['seconds']:g}"] for r in rows], numbers=(2, 3, 4, 5))
