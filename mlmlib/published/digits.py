"""Numbers as other programs print them. Every function takes a float (a fit) or a decimal string (a published value)."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Decimal


def decimal(value) -> Decimal:
    """The exact decimal of a printed string, or the shortest decimal of a float."""
    return Decimal(value if isinstance(value, str) else repr(float(value)))


def fixed(value, places: int) -> str:
    """A fixed number of decimals: ``75.18``."""
    return format(decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN), "f")


def significant(value, count: int) -> str:
    """Rounded to `count` significant digits, zeros kept: ``16.303``, ``.87083``."""
    number = decimal(value)
    if number == 0:
        return "0"
    places = max(count - 1 - number.adjusted(), 0)
    rounded = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    if rounded.adjusted() > number.adjusted() and places > 0:  # 9.99996 became 10.0000
        rounded = rounded.quantize(Decimal(1).scaleb(1 - places))
    return bare(format(rounded, "f"))


def general(value, count: int = 7) -> str:
    """Stata's ``%9.0g``: `count` significant digits, or `count` decimals below one; zeros at the end are dropped."""
    number = decimal(value)
    places = count if abs(number) < 1 else max(count - 1 - number.adjusted(), 0)
    text = format(number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN), "f")
    return bare(text.rstrip("0").rstrip(".") if "." in text else text)


def bare(text: str) -> str:
    """Stata's leading zero, which it leaves out: ``0.5`` is ``.5``."""
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def r_format(values, digits: int = 4) -> list[str]:
    """R's ``format(x, digits)``: as many decimals as the value that needs most for `digits` significant digits."""
    values = [float(v) for v in values]
    places = 0
    for value in values:
        if value == 0 or not math.isfinite(value):
            continue
        number = Decimal(f"{value:.{digits - 1}e}").normalize()
        places = max(places, -int(number.as_tuple().exponent))
    return [format(Decimal(repr(v)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN), "f") for v in values]
