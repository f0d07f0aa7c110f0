"""When a number agrees with a printed one. The tests and the page of reference numbers both judge by this, and by nothing else."""

from __future__ import annotations

from dataclasses import dataclass

# verdict: (does it stand?, what it says)
VERDICTS = {
    "digits": (True, "agrees to every printed digit"),
    "short": (True, "agrees within 1e-5: the published last digits stop short of the optimum"),
    "stopped": (True, "agrees at the variances printed; here within 1e-5 of a standard error, at the optimum"),
    "driven": (True, "ours is lme4's own when told to go on; the printed last digit stops short of the optimum"),
    "twice": (True, "agrees; printed after rounding twice"),
    "false": (False, "published fit is a false optimum"),
    "of rounded": (False, "computed by its authors from rounded numbers, at the false optimum"),
    "random": (True, "both rest on random numbers; they agree within four standard errors of that"),
    "differs": (False, "differs"),
}


@dataclass(frozen=True)
class Row:
    """One published value beside ours: where it stands, as printed, ours (None: not computed), and a key of `VERDICTS`."""

    source: str
    model: str
    block: str
    name: str
    printed: str
    ours: float | str | None
    verdict: str

    @property
    def difference(self) -> float | None:
        """Ours minus the printed one; None for words."""
        try:
            return None if self.ours is None or self.printed is None else float(self.ours) - float(self.printed)
        except ValueError:
            return None

    @property
    def stands(self) -> bool:
        """Is the published value confirmed, exactly or by a stated rule?"""
        return VERDICTS[self.verdict][0] is True


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


def verdict(value: float, printed: str, variance: bool = False) -> str:
    """`agrees` in the words of `VERDICTS`."""
    return "digits" if rounds_to(value, printed) else "short" if agrees(value, printed, variance) else "differs"
