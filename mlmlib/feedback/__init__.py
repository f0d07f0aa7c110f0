"""A wrong answer read as a thought: what known mistakes would give, and what to say to them.

A question is asked of a fit, or of plain numbers; its right answer and the answers of every known mistake are computed:

    q = mlm.feedback.question("variance", fit, of="Intercept")
    q.right, q.mistakes            # for mlm.ask.number(..., q.right, known=q.mistakes) and the graded exercises
    q.reply("4.98")                # "4.985 is the SD; the question asks for the variance, its square."

`variances.py`, `estimates.py` and `sizes.py` hold the mistakes, one entry each: what was asked, a name, the reply,
and a function whose parameters name the facts it needs. To add a mistake, add an entry. A mistake whose facts are not
there, or that gives the right answer here, is left out. `facts.py` gets facts out of a fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature

from ..display import number
from . import estimates, sizes, variances
from .facts import FactMissing, Facts
from .judge import ROUNDING, Reply, judge

ANSWERS: dict[str, Callable] = variances.ANSWERS | estimates.ANSWERS | sizes.ANSWERS
MISTAKES = [*variances.MISTAKES, *estimates.MISTAKES, *sizes.MISTAKES]

__all__ = ["ROUNDING", "Mistake", "Question", "Reply", "asked", "judge", "question"]


@dataclass(frozen=True)
class Mistake:
    """What a known mistake gives, and the reply to who gives it."""

    name: str
    value: float
    reply: str


@dataclass(frozen=True)
class Question:
    """A question with its right answer and the known mistakes, as values."""

    asked: str
    right: float
    mistakes: tuple
    digits: int = 2

    def reply(self, given):
        """Judge an answer, as typed (a string keeps its digits) or as a number.

        >>> question("icc", between=25, within=75).reply("0.75").mistake
        'share within'
        """
        return judge(given, self.right, self.mistakes, self.digits)

    @property
    def known(self):
        """The mistakes as {reply: value}."""
        return {m.reply: m.value for m in self.mistakes}

    def to_json(self):
        """Plain values for a page's script."""
        known = [{"name": m.name, "value": m.value, "reply": m.reply} for m in self.mistakes]
        return {"answer": self.right, "digits": self.digits, "known": known}


def asked():
    """What can be asked for.

    >>> [name for name in asked() if name.startswith("i")]
    ['icc', 'interval lower', 'interval upper']
    """
    return sorted(ANSWERS)


def question(asked, fit=None, *, of=None, digits=2, **facts):
    """A question about a fit or about numbers, with its right answer and what known mistakes would answer.

    Parameters
    ----------
    asked : str
        What is asked for: "variance", "sd", "icc", "coefficient", "se", "design effect", ...; all are in `asked()`.
    fit : LmmResult or OlsResult, optional
        Where the facts come from.
    of : optional
        Which one: an effect ("Intercept", "homework", "Residual"), or a group's label for "reliability" and "group
        mean".
    digits : int
        The fewest significant digits that an answer must have.
    **facts : float
        Facts given as numbers, in place of a fit or besides it: between=, within=, icc=, n=, J=, N=, conflated=, ...

    Returns
    -------
    Question

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("math ~ 1 + (1 | schid)", mlm.load("math"), reml=False)
    >>> q = mlm.feedback.question("variance", fit, of="Intercept")
    >>> round(q.right, 2)
    24.85
    >>> print(q.reply("4.98"))
    4.985 is the SD; the question asks for the variance, its square.
    >>> print(q.reply("24.9"))
    Right.
    """
    if asked not in ANSWERS:
        raise ValueError(f"Nothing is known about {asked!r}; one can ask for {', '.join(sorted(ANSWERS))}.")
    sign, power = (-1 if asked.endswith("lower") else 1), (0.5 if asked == "sd" else 1)
    known = Facts(fit, of, {"sign": sign, "power": power, **facts})
    try:
        right = _value(ANSWERS[asked], known)
    except FactMissing as missing:
        needed = ", ".join(p for p in signature(ANSWERS[asked]).parameters if p not in ("sign", "power"))
        raise ValueError(f"{asked!r} needs {needed}; {missing} is not given and not in the fit.") from None
    known.given["right"] = right
    found = []
    for entry in MISTAKES:
        if asked not in entry.asked:
            continue
        try:
            value = _value(entry.compute, known)
        except (FactMissing, ZeroDivisionError):
            continue
        if value != value or any(_same(value, other) for other in (right, *(m.value for m in found))):
            continue
        found.append(Mistake(entry.name, value, entry.reply.format(value=number(value), asked=asked)))
    return Question(asked, right, tuple(found), digits)


def _value(function, facts):
    return float(function(*(facts[name] for name in signature(function).parameters)))


def _same(a, b):
    """Too close to tell apart once rounded to three digits."""
    return abs(a - b) <= 0.004 * max(abs(a), abs(b))
