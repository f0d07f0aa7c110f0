"""How near a number must be to count, and what is said of one that is not."""
import math

from .answers import NotYet

ROUNDING = "Any sensible rounding counts: {digits} significant digits or more."


def mistakes(known):
    """Known mistakes as a list of (value, reply), from a dict {reply: value}, pairs, or objects that have both."""
    if not known:
        return []
    if hasattr(known, "items"):
        return [(float(v), str(reply)) for reply, v in known.items()]
    pairs = []
    for m in known:
        value, reply = (m.value, m.reply) if hasattr(m, "reply") else m
        if isinstance(value, str):
            value, reply = reply, value
        pairs.append((float(value), str(reply)))
    return pairs


def tolerance(expected, known=(), digits=3):
    """What counts as rounded: half a percent for three digits, less where a known mistake lies nearer than that.

    Half a percent takes in every rounding to three significant digits, and tells nothing of the expected number itself.
    """
    near = 0.5 * 10.0 ** (1 - digits) * (abs(expected) if expected else 0.1)
    return min([near] + [0.4 * abs(v - expected) for v, _ in known if math.isfinite(v) and v != expected])


def with_value(x, reply):
    """The reply, with the number it replies to in front unless the reply begins with it."""
    return reply if reply[:1].isdigit() or reply[:2].lstrip("-\u2212")[:1].isdigit() else f"{x:.6g}? {reply}"


def outside(x, between, what):
    """Refuse a number that cannot be, and say why."""
    if between is not None and not between[0] <= x <= between[1]:
        raise NotYet(f"{x:.6g} cannot be {what}: it has to lie between {between[0]:g} and {between[1]:g}.")
