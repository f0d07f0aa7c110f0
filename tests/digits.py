"""When a number agrees with a printed one."""

from __future__ import annotations


def places(printed: str) -> int:
    """Digits after the decimal point."""
    return len(printed.partition(".")[2])


def rounds_to(value: float, printed: str) -> bool:
    """True when `value` rounds to the printed digits."""
    return abs(value - float(printed)) <= 0.5 * 10.0 ** -places(printed) * (1 + 1e-9)


def agrees(value: float, printed: str, variance: bool = False) -> bool:
    """The rule of the reference files: the printed digits, or for variance parameters 1e-5 relative."""
    if rounds_to(value, printed):
        return True
    return variance and abs(value - float(printed)) <= 1e-5 * abs(float(printed))
