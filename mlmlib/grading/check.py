"""Checks for exercise authors: short to write, and worth reading when they fail.

A hidden test compares an answer with what mlmlib computes (``check.number``, ``choice``, ``choose``, ``table``,
``function``, ``fit``); a public test says whether the answer has the right form and names a known mistake
(``check.form``), from a seal that `mlmlib.grading.building` makes out of the hidden tests. Every failure is a
`NotYet` whose text is a reply to the student: the named mistake if the answer is one, otherwise what to look at next.

While `recording` is on, checks compare nothing and note what they would have checked: that is how the seals are
made, and how the tests of the book get at every known mistake.
"""
from __future__ import annotations

import math
from contextlib import contextmanager
from contextvars import ContextVar

from .answers import NotYet, as_dict, as_letter, as_letters, as_number, as_truth, call
from .public import form, make_seal
from .recording import Name, Record, note, recording
from .rounding import ROUNDING, mistakes, outside, tolerance, with_value

__all__ = ["NotYet", "Name", "Record", "Told", "choice", "choose", "fit", "form", "function", "make_seal", "mistakes", "number",
           "recording", "submission", "table", "tolerance", "truth"]

FOLLOWS = "{what} follows correctly from your own earlier answer and counts in full."
_told: ContextVar[Told | None] = ContextVar("the submission that is being judged", default=None)  # each thread has its own


class Told:
    """The answers of one submission, for checks that give follow-through credit."""

    def __init__(self, answers):
        self.answers, self.notes = answers, []

    def __call__(self, name, low, high):
        """The student's own earlier number, if it lies between `low` and `high` (both excluded)."""
        x = as_number(self.answers.get(name), name)
        if not low < x < high:
            raise NotYet(f"{name} is out of range.")
        return x

    def reml(self, name):
        """Whether the student's own earlier mixed model was fitted by REML."""
        return bool(self.fit(name)["reml"])

    def fit(self, name):
        """The student's own earlier fit as `fits.describe` gives it: params, se, cov, variances by name, criterion,
        and dispersion of a generalized model."""
        return self.answers[name].fields


@contextmanager
def submission(answers, *, follow=True):
    """Let checks made inside see all answers of a submission (if they are to `follow`); yields the `Told`, whose notes say what was followed."""
    told = Told(answers)
    before = _told.set(told if follow else None)
    try:
        yield told
    finally:
        _told.reset(before)


def _follows(follows, agrees, what):
    """Whether the answer agrees with what follows from the student's earlier answers; noted for the student if so."""
    told = _told.get()
    if follows is None or told is None:
        return False
    try:
        if not agrees(follows(told)):
            return False
    except (NotYet, ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
        return False
    told.notes.append(FOLLOWS.format(what=what[0].upper() + what[1:]))
    return True


# ---- numbers ---------------------------------------------------------------------------------------------------

def _asked(expected, pairs):
    """The right value and all known mistakes; `expected` may be a question of `mlmlib.feedback`, which brings its own."""
    if not hasattr(expected, "mistakes"):
        return float(expected), pairs
    right = float(expected.right)
    for m in expected.mistakes:
        if all(abs(m.value - v) > 0.005 * abs(m.value) for v in (right, *(v for v, _ in pairs))):
            pairs.append((float(m.value), m.reply))
    return right, pairs


def _named(number, known, digits):
    near = [(abs(number - v), reply) for v, reply in known if math.isfinite(v) and abs(number - v) <= tolerance(v, (), digits)]
    return min(near)[1] if near else None


def number(value, expected, *, what, known=(), between=None, hint="", digits=3, tol=None, confirm=False,
           follows=None):
    """Check that `value` is `expected` after sensible rounding.

    Parameters
    ----------
    what : str
        What is asked, as it stands in a sentence: ``"the ICC of the empty model"``.
    expected : float, or a question of mlmlib.feedback
        The right value; a question brings the mistakes that mlmlib knows of.
    known : dict or sequence
        Known mistakes of this question alone: ``{reply: value}``, or objects with `value` and `reply`.
    between : (low, high)
        The public check refuses values outside; it says why an answer cannot be right.
    hint : str
        What to look at when the answer is none of the known mistakes.
    confirm : bool
        Let the public check tell that a step is right (for guided steps on which later ones stand).
    follows : function of a `Told`, optional
        What follows correctly from the student's own earlier answers, ``lambda told: told("tau00", 0, 200) ** 0.5``; the
        grader accepts it as well and says so.
    """
    expected, pairs = _asked(expected, mistakes(known))
    if note("number", value, what, expected=expected, known=pairs, between=between, digits=digits, confirm=confirm):
        return
    x = as_number(value, what)
    tol = tolerance(expected, pairs, digits) if tol is None else tol
    def agrees(target):
        return math.isfinite(target) and abs(x - target) <= tolerance(target, (), digits)

    if abs(x - expected) <= tol or _follows(follows, agrees, f"{what}: {x:.6g}"):
        return
    reply = _named(x, pairs, digits)
    if reply:
        raise NotYet(with_value(x, reply))
    outside(x, between, what)
    raise NotYet(f"{x:.6g} is not {what}. {_generic(x, expected, tol)}{hint} {ROUNDING.format(digits=digits)}".replace("  ", " "))


def _generic(x, expected, tol):
    if abs(x + expected) <= tol:
        return "The size is right and the sign is not: which way round is the difference taken? "
    if abs(x - 100 * expected) <= 100 * tol or abs(100 * x - expected) <= tol:
        return "You are a factor of 100 away: a proportion and a percentage are mixed up. "
    if abs(x - expected) <= 0.02 * abs(expected):
        return "You are within 2 %: rounded too early, or a close relative of what was asked. "
    return ""


# ---- choices ---------------------------------------------------------------------------------------------------

def choice(value, right, replies, *, what="this question"):
    """One of several options: `replies` has a reply for every wrong one."""
    options = sorted({right, *replies})
    if note("choice", value, what, expected=right, options=options, known=list(replies.items())):
        return
    letter = as_letter(value, options, what)
    if letter != right:
        raise NotYet(f"{letter}: {replies[letter]}")


def choose(value, right, replies, *, what="this question"):
    """All that are true: `right` is the set of true letters, `replies` explains every letter (true or false)."""
    options = sorted(replies)
    if note("choose", value, what, expected=set(right), options=options, known=list(replies.items())):
        return
    letters = as_letters(value, options, what)
    wrong = sorted(letters ^ set(right))
    if wrong:
        said = [f"{c} ({'is not true' if c in letters else 'is true, and missing'}): {replies[c]}" for c in wrong]
        raise NotYet(" ".join(said))


def truth(value, right, *, what, reply):
    """True or False; `reply` answers the wrong one."""
    if note("truth", value, what, expected=bool(right), known=[(not right, reply)]):
        return
    if as_truth(value, what) != right:
        raise NotYet(reply)


# ---- several numbers, functions, fits ----------------------------------------------------------------------------

def table(value, expected, *, what, known=(), hint="", digits=3):
    """Named numbers (dict, Series, one-column frame), each checked by its name.

    `known` maps a reply to a whole table of wrong numbers; it is given when every number matches.
    """
    expected = as_dict(expected, what)
    wrong_tables = [(reply, as_dict(t, what)) for reply, t in dict(known or {}).items()]
    if note("table", value, what, expected=expected, known=[(t, r) for r, t in wrong_tables], digits=digits):
        return
    got = as_dict(value, what)
    missing = [k for k in expected if k not in got]
    if missing:
        raise NotYet(f"{what[0].upper() + what[1:]} lacks {', '.join(missing[:5])}; it has {', '.join(list(got)[:5])}.")
    numbers = {k: as_number(got[k], f"{what}, {k}") for k in expected}

    def agrees(k, target):
        gaps = [(float(t[k]), reply) for reply, t in wrong_tables if k in t] if target is expected else ()
        return abs(numbers[k] - float(target[k])) <= tolerance(float(target[k]), gaps, digits)

    wrong = [k for k in expected if not agrees(k, expected)]
    if not wrong:
        return
    for reply, t in wrong_tables:
        if all(agrees(k, t) for k in expected if k in t):
            raise NotYet(reply)
    raise NotYet(f"{what[0].upper() + what[1:]}: {len(expected) - len(wrong)} of {len(expected)} are right; look again at "
                 f"{', '.join(wrong[:4])}. {hint} {ROUNDING.format(digits=digits)}".replace("  ", " "))


def function(value, reference, inputs, *, what, known=(), hint="", digits=4, sample=None, follows=None):
    """A function, tried on every tuple of arguments in `inputs` against `reference`.

    `known` maps a reply to a wrong function; it is given when all of its results match. `follows` makes, from what was
    told, the function that follows from the student's own earlier answers.
    """
    inputs = [tuple(i) if isinstance(i, (tuple, list)) else (i,) for i in inputs]
    known = dict(known or {})
    if note("function", value, what, expected=reference, known=[(f, r) for r, f in known.items()],
             sample=sample or inputs[0]):
        return
    got = [call(value, args, what) for args in inputs]

    def agrees(f):
        return all(abs(x - float(f(*args))) <= tolerance(float(f(*args)), (), digits) for x, args in zip(got, inputs))

    if agrees(reference) or _follows(follows, agrees, what):
        return
    for reply, wrong in known.items():
        if agrees(wrong):
            raise NotYet(reply)
    right = sum(abs(x - float(reference(*a))) <= tolerance(float(reference(*a)), (), digits) for x, a in zip(got, inputs))
    raise NotYet(f"{what[0].upper() + what[1:]} gives the right number for {right} of {len(inputs)} inputs that we tried. {hint}")


def fit(value, expected, *, what, known=(), confirm=False):
    """A fitted model: same kind of fit, same rows, same terms, same optimum as `expected`, under whatever column names.

    `known` maps a reply to a wrong fit. With `confirm` the public check says what a wrong fit lacks, or that it is right.
    """
    from .fits import describe, differences, same

    pairs = [(wrong, reply) for reply, wrong in dict(known or {}).items()]
    if note("fit", value, what, expected=expected, known=pairs, confirm=confirm):
        return
    if value is None or value is Ellipsis:
        raise NotYet(f"No answer yet for {what}.")
    found = describe(value)
    if found is None:
        raise NotYet(f"{what[0].upper() + what[1:]} should be a fitted model, as mlm.lmm or mlm.ols returns it; "
                     f"this is a {type(value).__name__}.")
    reply = next((reply for wrong, reply in pairs if same(found, describe(wrong))), differences(found, describe(expected)))
    if reply:
        raise NotYet(f"{what[0].upper() + what[1:]}: {reply}")
