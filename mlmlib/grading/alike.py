"""Look-alike submissions: what two students share that few others have.

Right answers agree, and so do common mistakes; neither says anything. A wrong answer or a line that two students share and
hardly anybody else has does. Each shared thing counts log(N / n), with n of N submissions of the exercise having it, so what
everybody has (text of the exercise, a common mistake) counts nothing. A pair is reported when the sum is large, and large
beside what the smaller of the two has in all; two who share next to everything that they have need less of it, or good students
with a few mistakes could copy unseen. It is a reason to look at both, and no proof.

What the limits are worth was counted on twenty classes of 136 made by `tests/grading_class.py` (answers emptied or replaced by known
mistakes at random, four copied pairs in each): 66 of the 80 pairs are named, and 7 others. With ENOUGH alone it was 52, and 6 others.
"""
import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations

ENOUGH, SHARE, FEW = 8.0, 0.5, 12
LESS, ALL = 6.0, 0.9


@dataclass(frozen=True)
class Pair:
    """Two submissions, the evidence (natural log units), its share of the smaller one's own, and what they share."""

    first: str
    second: str
    exercise: str
    evidence: float
    share: float
    answers: tuple
    lines: int


def pairs(rows):
    """Look-alike pairs among graded rows, the most alike first."""
    found = []
    for exercise in sorted({r["exercise"] for r in rows if r["exercise"]}):
        found += _within(exercise, [r for r in rows if r["exercise"] == exercise])
    return sorted(found, key=lambda p: -p.evidence)


def _within(exercise, rows):
    if len(rows) < 4:  # in so small a class nothing is rare
        return []
    owners = defaultdict(list)
    for number, row in enumerate(rows):
        for thing in _things(row):
            owners[thing].append(number)
    weight = {thing: math.log(len(rows) / len(who)) for thing, who in owners.items()}
    own = [sum(weight[t] for t in _things(row)) for row in rows]
    shared = defaultdict(list)
    for thing, who in owners.items():
        if 2 <= len(who) <= FEW and weight[thing] > 0:
            for pair in combinations(who, 2):
                shared[pair].append(thing)
    for (a, b), things in shared.items():
        evidence = sum(weight[t] for t in things)
        share = evidence / max(min(own[a], own[b]), 1e-9)
        telling = evidence >= ENOUGH and share >= SHARE or evidence >= LESS and share >= ALL
        if telling and _person(rows[a]) != _person(rows[b]):
            questions = tuple(sorted({t[1] for t in things if t[0] == "answer"}))
            yield Pair(rows[a]["submission"], rows[b]["submission"], exercise, evidence, share, questions,
                       sum(t[0] == "line" for t in things))


def _person(row):
    who = row.get("student") or {}
    return (who.get("platform"), who["id"]) if who.get("id") else row["submission"]


def _things(row):
    """What may be shared: wrong answers, with all their digits, and lines of the student's own."""
    return ({("answer", q, text) for q, text in row.get("wrong", {}).items()}
            | {("line", "", line) for line in row.get("lines", ())})
