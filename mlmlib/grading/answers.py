"""What an answer is, as a plain value: one number, a letter, a set of letters, True or False, named numbers.

Each function returns the plain value or raises `NotYet`, whose text says what the answer is instead.
"""
import math


class NotYet(AssertionError):
    """An answer that is not right yet; the text is the reply."""


def as_number(value, what):
    """Coerce an answer to a plain float, or say what it is instead."""
    if value is None or value is Ellipsis:
        raise NotYet(f"No answer yet for {what}.")
    if isinstance(value, bool):
        raise NotYet(f"Give {what} as a number; this is {value}.")
    if isinstance(value, str):
        value = _from_text(value, what)
    if not isinstance(value, (int, float)):
        size = getattr(value, "size", None)
        if callable(value) or size is None or size != 1:
            raise NotYet(f"Give {what} as one number; this is a {type(value).__name__}"
                         + (f" with {size} values." if isinstance(size, int) else "."))
        value = value.item() if hasattr(value, "item") else value
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise NotYet(f"Give {what} as one number; this is a {type(value).__name__}.") from None
    if not math.isfinite(number):
        raise NotYet(f"{what[0].upper() + what[1:]} came out as {number}. Look for a division by zero or a missing value.")
    return number


def _from_text(text, what):
    """The number that a text holds (``"6467"``); anything else is answered."""
    try:
        return float(text[:40])
    except ValueError:
        raise NotYet(f"Give {what} as a number, without quotation marks; this is the text {text[:40]!r}.") from None


def as_letter(value, options, what):
    """One of the letters in `options`, in lower case."""
    if value is None or value is Ellipsis or value == "":
        raise NotYet(f"No answer yet for {what}.")
    if not isinstance(value, str) or value.strip().lower() not in options:
        raise NotYet(f"Answer {what} with one of {', '.join(map(repr, sorted(options)))}; this is {str(value)[:40]!r}.")
    return value.strip().lower()


def as_letters(value, options, what):
    """A set of letters from a set, list, tuple or text such as "ac"."""
    if value is None or value is Ellipsis:
        raise NotYet(f"No answer yet for {what}.")
    if isinstance(value, str):
        value = [c for c in value.lower() if c.isalpha()]
    if not isinstance(value, (set, frozenset, list, tuple)):
        raise NotYet(f"Answer {what} with a set of letters such as {{'a', 'c'}}; this is a {type(value).__name__}.")
    letters = {str(v).strip().lower() for v in value}
    if not letters <= set(options):
        raise NotYet(f"{what[0].upper() + what[1:]} has the letters {', '.join(options)}; you also gave "
                     f"{', '.join(sorted(letters - set(options)))}.")
    return letters


def as_truth(value, what):
    """Coerce an answer to a plain bool."""
    if value is None or value is Ellipsis:
        raise NotYet(f"No answer yet for {what}.")
    if type(value).__name__ not in ("bool", "bool_"):
        raise NotYet(f"Answer {what} with True or False (no quotation marks); this is a {type(value).__name__}.")
    return bool(value)


def as_dict(value, what):
    """A plain dict of an answer that has named numbers: dict, Series, or a frame with one column."""
    if value is None or value is Ellipsis:
        raise NotYet(f"No answer yet for {what}.")
    if hasattr(value, "columns") and len(value.columns) == 1:
        value = value.iloc[:, 0]
    if hasattr(value, "to_dict"):
        value = value.to_dict()
    if not isinstance(value, dict):
        raise NotYet(f"Give {what} as a dict or a Series with names; this is a {type(value).__name__}.")
    return {str(k): v for k, v in value.items()}


def call(value, args, what):
    """One call of a student's function, its result as a plain number."""
    if value is None or value is Ellipsis:
        raise NotYet(f"No answer yet for {what}.")
    if not callable(value):
        raise NotYet(f"{what[0].upper() + what[1:]} should be a function; this is a {type(value).__name__}.")
    try:
        result = value(*args)
    except NotYet:
        raise
    except Exception as error:
        raise NotYet(f"{what[0].upper() + what[1:]} stops for the arguments {_short(args)}: {type(error).__name__}: {error}") from None
    if result is None:
        raise NotYet(f"{what[0].upper() + what[1:]} returns nothing for the arguments {_short(args)}: is `return` missing?")
    return as_number(result, f"the result of {what}")


def _short(args):
    text = ", ".join(f"{a:.4g}" if isinstance(a, float) else str(a) for a in args)
    return text if len(text) < 80 else text[:77] + "..."
