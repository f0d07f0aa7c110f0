"""What a class's marks say about the questions: difficulty, discrimination, reliability, common mistakes."""
import math
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """One question in one class.

    `difficulty` is the mean share of its points (1 is easy); `discrimination` the correlation of its points with those of the other
    questions (NaN when either does not vary); `mistakes` the replies that were given, the most frequent first.
    """

    question: str
    possible: float
    difficulty: float
    full: float
    nothing: float
    discrimination: float
    mistakes: tuple


def analyze(rows):
    """(items in order, Cronbach's alpha) for the graded rows of one exercise.

    Alpha is k / (k - 1) (1 - sum of the items' variances / variance of the total) (Cronbach 1951, Psychometrika 16, 297-334), NaN for
    fewer than two items or submissions, or a total that does not vary.
    """
    marks = [{m["question"]: m for m in r["marks"] if not m["manual"]} for r in rows]
    questions = list(dict.fromkeys(q for m in marks for q in m))
    points = {q: [m[q]["points"] if q in m else 0.0 for m in marks] for q in questions}
    total = [sum(points[q][i] for q in questions) for i in range(len(rows))]
    items = []
    for q in questions:
        possible = next(m[q]["possible"] for m in marks if q in m)
        rest = [t - x for t, x in zip(total, points[q])]
        replies = Counter(_plain(text) for m in marks if q in m and m[q]["points"] < m[q]["possible"] for text in m[q]["messages"])
        n = max(len(rows), 1)
        items.append(Item(q, possible, sum(points[q]) / n / (possible or 1.0), sum(x >= possible - 1e-9 for x in points[q]) / n,
                          sum(x <= 1e-9 for x in points[q]) / n, correlation(points[q], rest), tuple(replies.most_common(6))))
    k, whole = len(questions), _variance(total)
    alpha = math.nan if k < 2 or not whole > 0 else k / (k - 1) * (1 - sum(_variance(points[q]) for q in questions) / whole)
    return items, alpha


def _plain(text):
    """A reply without the student's own number in front, so that the same mistake counts as one."""
    head, mark, tail = text.partition("? ")
    return tail if mark and len(head) < 20 and any(c.isdigit() for c in head) else text


def _variance(x):
    if len(x) < 2:
        return math.nan
    mean = sum(x) / len(x)
    return sum((v - mean) ** 2 for v in x) / (len(x) - 1)


def correlation(x, y):
    """Pearson's correlation; NaN where one of them does not vary."""
    vx, vy = _variance(x), _variance(y)
    if not (vx > 1e-12 and vy > 1e-12):
        return math.nan
    mx, my = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y)) / (len(x) - 1) / math.sqrt(vx * vy)
