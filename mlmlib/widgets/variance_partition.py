"""Lab of chapter 11: variance partition."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.lab import lab

#: Largest values of the lab's sliders: variances of levels, of tests, of rates.
LIMITS = {"school": 0.4, "child": 0.8, "test": 0.4, "school_rate": 0.02, "child_rate": 0.02}
SIZES = {"J": (6, 100), "n": (2, 40), "m": (3, 8)}
OUT = {"level": ("none", "school", "child", "both"), "rate": ("none", "school")}


def variance_partition(
    *,
    school: float = 0.17,
    child: float = 0.64,
    test: float = 0.30,
    school_rate: float = 0.011,
    child_rate: float = 0.011,
    J: int = 60,
    n: int = 29,
    m: int = 4,
    out: str = "school",
    what: str = "level",
) -> Any:
    """Variances of three levels as nested boxes, and what a model without one of them finds (chapter 11).

    `m` tests in each of `n` children in each of `J` schools, with a predictor of SD 1 at each level. What REML finds
    follows from the mean squares in closed form; nothing is simulated but the strip of estimated shares.

    Parameters
    ----------
    school, child, test : float
        Variances between schools (to 0.4), between children of a school (to 0.8), between tests of a child (to 0.4).
    school_rate, child_rate : float
        Variances of the yearly rate between schools and between children of a school, to 0.02.
    J, n, m : int
        Schools (6 to 100), children a school (2 to 40), tests a child (3 to 8, a year apart).
    out : {"school", "none", "child", "both"}
        Which level the model leaves out; of rates it can be schools or none.
    what : {"level", "rate"}
        Whether the boxes are of levels or of rates of change.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> opened = mlm.labs.variance_partition(out="child", n=10)
    """
    given = {"school": school, "child": child, "test": test, "school_rate": school_rate, "child_rate": child_rate}
    for name, value in given.items():
        least = 0.02 if name == "test" else 0
        if not least <= value <= LIMITS[name]:
            raise ValueError(f"{name} = {value}: the lab works from {least:g} to {LIMITS[name]:g}")
    for name, value in (("J", J), ("n", n), ("m", m)):
        low, high = SIZES[name]
        if not low <= value <= high:
            raise ValueError(f"{name} = {value}: the lab works from {low} to {high}")
    if what not in OUT:
        raise ValueError(f"what = {what!r}: choose one of {', '.join(OUT)}")
    if out not in OUT[what]:
        raise ValueError(f"out = {out!r}: for a {what} choose one of {', '.join(OUT[what])}")
    state = {**given, "J": J, "n": n, "m": m, "out": out, "what": what}
    return lab("variance_partition", "Variance partition", state)
