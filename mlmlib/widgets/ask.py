"""Self-checks: ``mlm.ask.choice``, ``mlm.ask.number`` and ``mlm.ask.progress``.

A question answers at once, in the page. A wrong answer that a known mistake would give is named as that mistake; any
other gets a nudge; hints come in rising strength, then the solution. What a reader has answered stays in the browser,
in ``localStorage["mlmlib.progress"]``.
"""

from __future__ import annotations

import base64
import json
import math
import re
from typing import Any

from mlmlib.widgets.component import component, plain
from mlmlib.widgets.inline import inline, paragraphs

__all__ = ["choice", "number", "progress"]

_ID = re.compile(r"^([A-Za-z0-9]+)-([A-Za-z0-9][\w-]*)$")


def choice(
    id: str, question: str, options: dict[str, str], *, right: str | list[str], hint=(), solution: str = ""
) -> Any:
    """A question with options, each with its own reply.

    Parameters
    ----------
    id : str
        Chapter and name: ``"ch02-what-survives"``. Progress is kept under it, so do not rename lightly.
    question : str
        Markdown: ``**bold**``, ``*emphasis*``, `` `code` ``, links, ``$math$``; blank lines part paragraphs.
    options : dict
        ``{option: reply}``. The reply to a wrong option says what is true about the thought behind it.
    right : str or list of str
        The right option. A list makes it "tick all that hold".
    hint : str or list of str, optional
        Hints in rising strength.
    solution : str, optional
        Shown on request, once the answer is right or the hints are used up.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> q = mlm.ask.choice("ch01-slope", "What does $\\\\beta_1$ say?", {"A difference": "Yes.", "A cause": "If ..."},
    ...                    right="A difference")
    """
    many = not isinstance(right, str)
    rights = list(right) if many else [right]
    names = list(options)
    unknown = [r for r in rights if r not in options]
    if unknown or not rights:
        raise ValueError(f"{id}: right={right!r} is not among the options {names}")
    if len(names) < 2:
        raise ValueError(f"{id}: a choice needs at least two options")
    key = {
        "right": [names.index(r) for r in rights],
        "replies": [paragraphs(options[n]) for n in names],
        "hints": _hints(hint),
        "solution": paragraphs(solution),
    }
    listed = "".join(f"<li>{inline(n)}</li>" for n in names)
    shown = f"{paragraphs(question)}<ul>{listed}</ul>"
    return _ask(id, "choice", question, key, shown, options=[inline(n) for n in names], many=many)


def number(
    id: str,
    question: str,
    answer,
    *,
    known=None,
    unit: str = "",
    reply: str = "",
    hint=(),
    solution: str = "",
    tolerance: float = 0.0,
    digits: int | None = None,
) -> Any:
    """A question whose answer is a number.

    Parameters
    ----------
    id, question, hint, solution
        As in :func:`choice`.
    answer : float or mlmlib.feedback.Question
        The right answer, from code; a question of :mod:`mlmlib.feedback` brings its known mistakes along. Any correct
        rounding of it to `digits` significant digits or more is right, and so is what is within 0.2 % of it (someone
        rounded on the way) or within `tolerance`.
    known : dict or list, optional
        What known mistakes give: ``{"what was done": (value, reply)}``, or ``{reply: value}``, or a list of
        ``(value, reply)`` or of objects with ``value`` and ``reply`` (as :mod:`mlmlib.feedback` makes them).
    unit : str
        Written after the field. With ``"%"`` the answer is in percent.
    reply : str
        Said after a right answer, behind the number.
    tolerance : float
        Absolute; for simulated answers.
    digits : int
        The fewest significant digits that count; 2 if left out.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> q = mlm.ask.number("ch02-deff", "ICC 0.1, 21 students a school: the design effect?", 1 + 20 * 0.1,
    ...                    known={"n for n - 1": (1 + 21 * 0.1, "One of the n is the student itself.")})
    """
    if hasattr(answer, "mistakes"):
        known = [*_known(known, id), *_known(answer.mistakes, id)]
        digits = answer.digits if digits is None else digits
        answer = answer.right
    digits = 2 if digits is None else int(digits)
    answer = _finite(answer, f"{id}: the answer")
    mistakes = [{"value": v, "reply": paragraphs(r)} for v, r in _known(known, id) if v != answer]
    said = f"{_written(answer, digits)} {unit}".strip()
    key = {
        "answer": answer,
        "tolerance": float(tolerance),
        "digits": digits,
        "known": mistakes,
        "reply": paragraphs(f"{said}. {reply}"),
        "hints": _hints(hint),
        "solution": paragraphs(solution or f"The answer is {said}."),
    }
    return _ask(id, "number", question, key, paragraphs(question), unit=inline(unit))


def progress(chapter: str = "") -> Any:
    """How many questions a reader has answered: of one chapter (``"ch02"``), or of the whole book; with a download."""
    values = {"kind": "progress", "chapter": chapter, "result": None}
    return component("ask", "ask.js", values, waiting="", call=f"mlm.ask.progress({chapter!r})")


def _ask(id: str, kind: str, question: str, key: dict, waiting: str, **more) -> Any:
    found = _ID.match(id)
    if not found:
        raise ValueError(f"the id {id!r} must be a chapter and a name, such as 'ch02-icc-share'")
    chapter, name = found.groups()
    locked = base64.b64encode(json.dumps(plain(key), ensure_ascii=False).encode()).decode()
    values = {
        "kind": kind,
        "chapter": chapter,
        "name": name,
        "text": paragraphs(question),
        "unit": "",
        "options": [],
        "many": False,
        **more,
        "key": locked,
        "result": None,
    }
    return component(
        "ask", "ask.js", values, waiting=f'<div class="mlm-ask">{waiting}</div>', call=f"mlm.ask.{kind}({id!r}, ...)"
    )


def _hints(hint) -> list[str]:
    return [paragraphs(h) for h in ([hint] if isinstance(hint, str) else hint or ())]


def _finite(value, what: str) -> float:
    value = float(value)
    if not math.isfinite(value):
        raise ValueError(f"{what} is {value}; a reader cannot type that")
    return value


def _written(value: float, digits: int) -> str:
    """The number as it is said after a right answer: four significant digits, or `digits` if that is more."""
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}".replace("-", "\u2212")
    figures = max(4, digits)
    decimals = max(0, figures - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}".replace("-", "\u2212")


def _known(known, id: str) -> list[tuple[float, str]]:
    """The known mistakes as (value, reply), whatever form they came in."""
    pairs = []
    for item in known.items() if isinstance(known, dict) else known or ():
        if hasattr(item, "value") and hasattr(item, "reply"):
            value, reply = item.value, item.reply
        else:
            left, right = item
            if isinstance(right, tuple):
                value, reply = right
            elif isinstance(left, str):
                value, reply = right, left
            else:
                value, reply = left, right
        pairs.append((_finite(value, f"{id}: the known mistake {reply[:40]!r}"), str(reply)))
    return pairs
