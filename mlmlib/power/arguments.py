"""What may be said of a design: each argument is checked once, and an error names it and the mend.

Chapter 21 (``21_planning``).
"""

from __future__ import annotations

import math

from ..errors import DataError

__all__ = ["count", "inside", "number", "one_of", "positive", "size", "unit_share"]


def number(name: str, value, *, least=-math.inf, most=math.inf, mend: str = "") -> float:
    """A finite number from least to most."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise DataError(f"{name}={value!r} must be a number.") from None
    if isinstance(value, bool) or not math.isfinite(found) or not least <= found <= most:
        between = (f"from {least:g} to {most:g}" if math.isfinite(least) and math.isfinite(most)
                   else f"of {least:g} or more" if math.isfinite(least) else "")
        raise DataError(f"{name}={value!r} must be a number {between}".rstrip() + "." + (f" {mend}" if mend else ""))
    return found


def unit_share(name: str, value, mend: str = "It is a share of a variance.") -> float:
    """A share: 0 and 1 are allowed."""
    return number(name, value, least=0.0, most=1.0, mend=mend)


def inside(name: str, value, mend: str = "") -> float:
    """A share: 0 and 1 are not allowed."""
    found = number(name, value)
    if not 0.0 < found < 1.0:
        raise DataError(f"{name}={value!r} must lie between 0 and 1, neither of them." + (f" {mend}" if mend else ""))
    return found


def positive(name: str, value, mend: str = "") -> float:
    """A number above zero."""
    found = number(name, value, mend=mend)
    if found <= 0:
        raise DataError(f"{name}={value!r} must be above zero." + (f" {mend}" if mend else ""))
    return found


def count(name: str, value, least: int = 1, mend: str = "") -> int:
    """A whole number."""
    found = number(name, value)
    if found != round(found) or found < least:
        raise DataError(f"{name}={value!r} must be a whole number, {least} or more." + (f" {mend}" if mend else ""))
    return int(found)


def size(name: str, value, least: float = 1.0, mend: str = "") -> float:
    """The size of a group, which as an average need not be whole."""
    found = number(name, value)
    if found < least:
        raise DataError(f"{name}={value!r} must be {least:g} or more." + (f" {mend}" if mend else ""))
    return int(found) if found == round(found) else found


def one_of(name: str, value, choices):
    """One of a few words or numbers."""
    if value not in choices or isinstance(value, bool):
        raise DataError(f"{name}={value!r} is not known; choose one of {', '.join(map(repr, choices))}.")
    return value
