"""Lab of chapter 20: the working correlation of generalized estimating equations."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.lab import lab

LIMITS = {"rho": (0, 0.9), "J": (6, 100), "m": (3, 10), "seed": (1, 10**6), "studies": (0, 5000)}
CHOICES = {
    "truth": ("exchangeable", "ar1", "mixed"),
    "corr": ("independence", "exchangeable", "ar1"),
    "predictor": ("onoff", "time", "dropout"),
}


def working_correlation(
    *,
    truth: str = "ar1",
    rho: float = 0.8,
    corr: str = "independence",
    predictor: str = "onoff",
    J: int = 20,
    m: int = 6,
    t: bool = False,
    seed: int = 4,
    studies: int = 200,
) -> Any:
    """A true and a working correlation, and the standard errors that follow (chapter 20).

    J clusters are measured at m waves, with normal outcomes of variance 1 and no effect of anything. Generalized
    estimating equations give the effect of a treatment of every second cluster and of a predictor within clusters,
    with model-based, robust and Mancl-DeRouen standard errors, in one study, on average (exactly), and in many studies.

    Parameters
    ----------
    truth : {"exchangeable", "ar1", "mixed"}
        The true correlation: the same at all distances, rho to the power of the distance, or half of rho lasting.
    rho : float
        The true correlation of neighboring waves, 0 to 0.9.
    corr : {"independence", "exchangeable", "ar1"}
        The working correlation.
    predictor : {"onoff", "time", "dropout"}
        The predictor within clusters: on or off from wave to wave, time, or time with clusters that leave early.
    J, m : int
        Clusters (6 to 100) and waves (3 to 10).
    t : bool
        Whether tests use t with J - 3 degrees of freedom in place of the normal distribution.
    seed : int
        Which luck: the same seed draws the same studies.
    studies : int
        How many further studies the lab opens with (0 to 5000).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> opened = mlm.labs.working_correlation(corr="ar1", J=8)
    """
    state: dict[str, Any] = {"truth": truth, "rho": rho, "corr": corr, "predictor": predictor, "J": J, "m": m, "t": bool(t)}
    state |= {"seed": seed, "studies": studies}
    for name, options in CHOICES.items():
        if state[name] not in options:
            raise ValueError(f"{name} = {state[name]!r}: choose one of {', '.join(options)}")
    for name, (low, high) in LIMITS.items():
        if not low <= state[name] <= high:
            raise ValueError(f"{name} = {state[name]}: the lab works from {low:g} to {high:g}")
    return lab("working_correlation", "Working correlation", state)
