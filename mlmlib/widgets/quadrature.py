"""Lab of chapter 16: quadrature seen."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.lab import lab

LIMITS = {"k": (0, 150), "n": (1, 150), "intercept": (-6, 6), "tau": (0.1, 4), "nodes": (1, 25)}
CHOICES = {"family": ("binomial", "poisson"), "method": ("adaptive", "prior")}


def _group(title: str, family: str, k: int, n: int, intercept: float, tau: float) -> dict:
    return {"title": title, "values": {"family": family, "k": k, "n": n, "intercept": intercept, "tau": tau}}


#: Groups of chapter 16's and 17's data, with intercept and SD of a model without predictors as lme4 fits it with many
#: nodes (tests/reference/labs_glmm.R).
GROUPS: dict[str, dict] = {
    "ohio_ones": _group("A child of Ohio who always wheezes", "binomial", 4, 4, -2.8527, 2.1552),
    "ohio_zeros": _group("A child of Ohio who never wheezes", "binomial", 0, 4, -2.8527, 2.1552),
    "herd_small": _group("Herd 14 after the first visit", "binomial", 0, 7, -2.0465, 0.8184),
    "herd_large": _group("Herd 3", "binomial", 12, 74, -2.0465, 0.8184),
    "epil_zero": _group("Patient 58", "poisson", 0, 4, 1.621, 0.9451),
    "epil_many": _group("Patient 25", "poisson", 143, 4, 1.621, 0.9451),
}


def quadrature(
    group: str = "ohio_ones",
    *,
    family: str | None = None,
    k: int | None = None,
    n: int | None = None,
    intercept: float | None = None,
    tau: float | None = None,
    nodes: int = 1,
    method: str = "adaptive",
) -> Any:
    """One group's integral over its random intercept, by Laplace and by Gauss-Hermite quadrature (chapter 16).

    The group has `k` yes of `n` (binomial, logit) or `k` events in `n` visits (Poisson, log); its intercept u is normal
    with SD `tau` about `intercept`. The lab shows likelihood times prior, the curve that the nodes take it for, and the
    error of the log of the integral for 1 to 25 nodes about the mode and by the prior.

    Parameters
    ----------
    group : {"ohio_ones", "ohio_zeros", "herd_small", "herd_large", "epil_zero", "epil_many", "yours"}
        A group of the book's data, with the estimates of a model without predictors. What is given below replaces its
        numbers.
    family : {"binomial", "poisson"}, optional
        The outcome.
    k, n : int, optional
        Yes and trials, or events and visits; up to 150.
    intercept : float, optional
        The average group on the scale of the link, -6 to 6.
    tau : float, optional
        SD of u, 0.1 to 4.
    nodes : int
        Nodes, 1 to 25; one node about the mode is Laplace.
    method : {"adaptive", "prior"}
        Which nodes are drawn: about the mode, scaled by the curvature; or those of the prior.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> opened = mlm.labs.quadrature("herd_small", nodes=3)
    """
    if group not in (*GROUPS, "yours"):
        raise ValueError(f"group = {group!r}: choose one of {', '.join(GROUPS)}, yours")
    asked = {"family": family, "k": k, "n": n, "intercept": intercept, "tau": tau}
    state = {**GROUPS.get(group, GROUPS["ohio_ones"])["values"]}
    state |= {key: value for key, value in asked.items() if value is not None}
    state |= {"group": group, "nodes": nodes, "method": method}
    for name, (low, high) in LIMITS.items():
        if not low <= state[name] <= high:
            raise ValueError(f"{name} = {state[name]}: the lab works from {low:g} to {high:g}")
    for name, choices in CHOICES.items():
        if state[name] not in choices:
            raise ValueError(f"{name} = {state[name]!r}: choose one of {', '.join(choices)}")
    if state["family"] == "binomial" and state["k"] > state["n"]:
        raise ValueError(f"k = {state['k']} yes of n = {state['n']}: there cannot be more yes than trials")
    return lab("quadrature", "Quadrature seen", state, data=GROUPS)
