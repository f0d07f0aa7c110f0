"""Whether a number is the right one, a known mistake, or how it is wrong, by the rules of the page's answers.js."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

ROUNDING = "Any correct rounding to two or more significant digits counts, and so does anything within 0.2 %."


@dataclass(frozen=True)
class Reply:
    """The verdict on an answer (right, known, coarse, sign, percent, far, unread); str() is what to say."""

    verdict: str
    text: str
    mistake: str = ""

    @property
    def right(self):
        return self.verdict == "right"

    def __str__(self):
        return self.text


def read(given):
    """Value, half a unit of the last digit, and significant digits of an answer; None when it is no number.

    >>> read("24.9")
    (24.9, 0.05, 3)
    """
    text = re.sub(r"\s|_", "", str(given)).replace("\u2212", "-").replace("\u2013", "-")
    percent = text.endswith("%")
    text = text.rstrip("%")
    thousands = re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+\.\d*", text)
    text = text.replace(",", "" if thousands else ".")
    found = re.fullmatch(r"[+-]?(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?", text)
    if not found or not (found[1] or found[2]):
        return None
    decimals = len(found[2] or "") - int(found[3] or 0)
    figures = len(((found[1] or "") + (found[2] or "")).lstrip("0"))
    scale = 0.01 if percent else 1.0
    return float(text) * scale, 0.5 * 10.0**-decimals * scale, figures


def judge(given, right, mistakes=(), digits=2):
    """Compare an answer with the right one and with known mistakes (objects with name, value and reply).

    >>> judge("0.766", 0.234).text
    'Not this: yours is too large by a factor of about 3. That is another quantity, not a rounding.'
    >>> judge(0.23425, 0.2342459).verdict
    'right'
    """
    if isinstance(given, (int, float)) and not math.isfinite(given):
        return Reply("unread", f"{given} is no number: look for a division by zero or a missing value.")
    answer = read(given)
    if answer is None:
        return Reply("unread", "That does not read as a number. Write it like 24.9 or 0.25.")
    value, half, figures = answer
    exact, error = _rounds(value, half, right), abs(value - right)
    enough = figures >= digits or value == right or (float(right).is_integer() and half <= 0.5 and exact)
    if exact and enough:
        return Reply("right", "Right.")
    near = [m for m in mistakes if _rounds(value, half, m.value) or abs(value - m.value) <= 0.002 * abs(m.value)]
    nearest = min(near, key=lambda m: abs(value - m.value), default=None)
    if error <= 0.002 * abs(right) and not (nearest and abs(value - nearest.value) < error):
        return Reply("right", "Right.")
    if nearest and not exact and (figures >= min(2, digits) or value == nearest.value):
        return Reply("known", nearest.reply, nearest.name)
    if exact:
        return Reply("coarse", "That is it, rounded very hard. Give a digit more, so that we know you have it.")
    return _nudge(value, half, figures, right)


def _rounds(value, half, target):
    return abs(value - target) <= half * (1 + 1e-9) + 1e-12 * abs(target)


def _nudge(value, half, figures, right):
    """Where the right answer lies, not what it is."""

    def like(target):
        return right != 0 and abs(value - target) <= max(0.01 * abs(target), half if figures >= 2 else 0.0)

    if like(-right):
        return Reply("sign", "The size is right. Look at the sign.")
    if like(right * 100) or like(right / 100):
        text = "The digits are right, the scale is not: off by a factor of 100. Proportion or percent?"
        return Reply("percent", text)
    side = "too large" if value > right else "too small"
    ratio = value / right if right else float("nan")
    if ratio > 0 and not 1 / 3 <= ratio <= 3:
        size = max(ratio, 1 / ratio)
        words = f"about {round(size)}" if size < 8 else "ten or more" if size < 50 else "a hundred or so or more"
        text = f"Not this: yours is {side} by a factor of {words}. That is another quantity, not a rounding."
    elif 0.95 < ratio < 1.05:
        text = f"Close, and a little {side}: more than rounding explains. Which step gives a slightly different number?"
    else:
        text = f"Not this: yours is {side}."
    return Reply("far", text)
