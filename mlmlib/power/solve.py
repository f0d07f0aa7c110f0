"""The one argument that is left out: found from the others.

Chapter 21 (``21_planning``).
"""

from __future__ import annotations

import math

from ..errors import DataError
from .arguments import count, number, size
from .design import Design
from .outcome import EXTREME
from .result import PowerResult

__all__ = ["smallest_size", "solved"]


def solved(design: Design, effect, power, sizes: dict) -> PowerResult:
    """The result, whatever was left out of effect, power and the sizes."""
    given = {"effect": effect, **sizes, "power": power}
    missing = [name for name, value in given.items() if value is None]
    names = ", ".join(given)
    if len(missing) != 1:
        said = "all are given" if not missing else f"{', '.join(missing)} are left out"
        raise DataError(f"Leave out exactly one of {names}: it is what is solved for. Here {said}.")
    wanted = missing[0]
    sizes = {name: value if value is None else _size(design, name, value) for name, value in sizes.items()}
    if effect is not None:
        effect = number("effect", effect)
        design.outcome.check(effect)
    if power is not None:
        power = number("power", power)
        if not design.alpha < power < 1.0:
            raise DataError(f"power={power:g} must lie between alpha={design.alpha:g} and 1: a test of that level "
                            "rejects as often "
                            "when there is no effect. A usual target is 0.8 or 0.9.")
    if wanted in design.names:
        if effect == 0.0:
            raise DataError(f"effect=0 is never found with more than alpha: give the effect that {wanted} shall "
                            "suffice for.")
        sizes[wanted] = smallest_size(design, effect, power, sizes, wanted)
    design.check(sizes)
    _testable(design, sizes)
    if wanted == "effect":
        effect = _effect(design, power, sizes)
    return PowerResult(design=design, effect=effect, sizes=sizes, power=design.power(effect, sizes), solved=wanted)


def _size(design: Design, name: str, value):
    """A given size, checked."""
    word, least = design.words[name], design.least.get(name, 1)
    why = f"It is the number of {word}."
    return size(name, value, least, why) if name == "n" else count(name, value, least, why)


def _testable(design: Design, sizes: dict) -> None:
    """There are degrees of freedom."""
    df = design.freedom(sizes)
    if not df > 0:
        top = design.names[0]
        told = ", ".join(f"{name}={value:g}" for name, value in sizes.items())
        raise DataError(f"{told} leaves {df:g} degrees of freedom: with one cluster an arm, or as many as there are "
                        "effects to estimate, "
                        f"nothing tells the effect from chance. Give a larger {top}=.")


def smallest_size(design: Design, effect: float, power: float, sizes: dict, name: str) -> int:
    """The smallest size that reaches the power."""
    step, most = design.step(name), design.most(name)

    def reached(times: int) -> bool:
        return design.power(effect, {**sizes, name: times * step}) >= power

    low = math.ceil(design.smallest(name) / step) - 1
    high = max(low + 1, 1)
    while not reached(high):
        low, high = high, high * 2
        if high * step > most:
            raise DataError(_ceiling(design, effect, power, sizes, name, most))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high * step


def _ceiling(design: Design, effect, power, sizes, name, most) -> str:
    """Why no size is enough, and what would be."""
    limit, top = design.power(effect, {**sizes, name: most}), design.names[0]
    told = ", ".join(f"{other}={value:g}" for other, value in sizes.items() if other != name)
    found = (f"{name} cannot be found: with {told} and effect={effect:g} the power stays below {limit:.3f}, "
             f"however large {name} is")
    if name == top:
        return f"{found}; power={power:g} takes a larger effect."
    return f"{found}, and power={power:g} is never reached. Give a larger {top}= (or leave {top} out and give {name})."


def _effect(design: Design, power: float, sizes: dict) -> float:
    """The smallest positive effect found with the power."""
    from scipy.optimize import brentq

    outcome = design.outcome
    most = outcome.largest()
    unit = 1.0 if outcome.binary else math.sqrt(design.variance(0.0, sizes))  # a standard error, whatever y is measured in
    if unit == 0.0:
        raise DataError("Without any variance every effect is found, however small: give variances above zero.")

    def short(effect: float) -> float:
        return design.power(effect, sizes) - power

    high, farthest = min(0.1 * unit, most / 2), EXTREME if outcome.binary else 1e6 * unit
    while short(high) < 0:
        if most < math.inf:
            if most - high < 1e-9:
                raise DataError(f"power={power:g} is not reached by any effect: with {sizes} a proportion that rises "
                                f"from control={outcome.control:g} to 1 is too small. Give a larger {design.names[0]}=.")
            high = (high + most) / 2
        else:
            high *= 1.2 if outcome.binary else 2.0  # near 0 and 1 log odds are so uncertain that power falls again
            if high > farthest:
                raise DataError(f"power={power:g} is not reached by any effect. Give a larger {design.names[0]}=.")
    return float(brentq(short, 1e-12 * unit, high, xtol=1e-12 * unit, rtol=1e-12))
