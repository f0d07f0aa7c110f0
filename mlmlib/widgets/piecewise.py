"""Lab of chapter 14: growth in pieces."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.lab import lab

SHAPES = ("line", "quadratic", "piecewise", "jump")
#: What each data set is to the lab: its places for a knot, the place that is named before looking, and the words around it.
FACTS = {
    "trial": {"step": 0.25, "event": 6.0, "clock": "week", "yName": "words read a minute", "people": "24 children"},
    "rats": {"step": 0.5, "event": 43.5, "clock": "day", "yName": "weight (g)", "people": "16 rats", "centered": True},
    "none": {"step": 0.25, "event": 6.0, "clock": "week", "yName": "words read a minute", "people": "24 children"},
}
#: The truth of the simulated trial: start, gain a week, jump at week 6, change of the gain from then on.
TRUTH = {"start": 40.0, "slope": 1.2, "jump": 2.5, "change": 1.0, "tau": 6.0, "sigma": 4.0}


def piecewise(
    study: str = "trial",
    *,
    shape: str = "piecewise",
    knots: Any = None,
    at: int = 0,
    worlds: int = 0,
) -> Any:
    """Drag a knot along growth curves: model matrix, fit, AIC by place, and what a search finds in worlds without one.

    The model is a random intercept with the chosen shape, fitted by maximum likelihood in the page (chapter 14).

    Parameters
    ----------
    study : {"trial", "rats", "none"}
        24 simulated children who read for 12 weeks, with a program from week 6 on; the 16 rats of `bodyweight`, weighed
        once more on day 44; or worlds like the trial in which growth is straight and nothing happens.
    shape : {"piecewise", "jump", "line", "quadratic"}
        The fixed part: bends at the knots, bends and jumps, a straight line, or a parabola.
    knots : sequence of float, optional
        One to three places in increasing order; the place that was named beforehand if left out.
    at : int
        The knot whose AIC is drawn by place, from 0.
    worlds : int
        Worlds without a knot that are drawn and searched when the lab opens, up to 2000.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> opened = mlm.labs.piecewise("rats", shape="jump")
    """
    if study not in FACTS:
        raise ValueError(f"study = {study!r}: choose one of {', '.join(FACTS)}")
    if shape not in SHAPES:
        raise ValueError(f"shape = {shape!r}: choose one of {', '.join(SHAPES)}")
    if not 0 <= worlds <= 2000:
        raise ValueError(f"worlds = {worlds}: the lab draws 0 to 2000")
    data = {name: _facts(name) for name in FACTS}
    times = data[study]["times"]
    knots = [FACTS[study]["event"]] if knots is None else [float(k) for k in knots]
    low, high = times[1], times[-2]
    if not 1 <= len(knots) <= 3 or knots != sorted(set(knots)) or knots[0] < low or knots[-1] > high:
        raise ValueError(f"knots = {knots}: give one to three places in increasing order, from {low:g} to {high:g}")
    if not 0 <= at < len(knots):
        raise ValueError(f"at = {at}: there are {len(knots)} knots, counted from 0")
    state = {"study": study, "shape": shape, "knots": knots, "at": at, "worlds": worlds}
    return lab("piecewise", "Growth in pieces", state, data=data)


def _facts(name: str) -> dict:
    if name == "rats":
        from mlmlib.datasets import load

        wide = load("bodyweight").pivot_table(index="Rat", columns="Time", values="weight", observed=True)
        return {**FACTS[name], "times": [float(t) for t in wide.columns], "Y": wide.to_numpy().tolist()}
    times = [float(t) for t in range(12)]
    return {**FACTS[name], "times": times, "Y": trial().tolist(), "truth": TRUTH}


def trial(children: int = 24, weeks: int = 12, seed: int = 3) -> Any:
    """The lab's trial: an array of children by weeks with one decimal, in words read a minute.

    Gains are 1.2 words a week; at week 6 everybody jumps by 2.5 words, and gains 1.0 a week more from then on.
    """
    import numpy as np

    rng, week = np.random.default_rng(seed), np.arange(weeks)
    own = TRUTH["start"] + TRUTH["tau"] * rng.standard_normal((children, 1))
    after = TRUTH["jump"] * (week >= 6) + TRUTH["change"] * np.maximum(week - 6, 0)
    return np.round(own + TRUTH["slope"] * week + after + TRUTH["sigma"] * rng.standard_normal((children, weeks)), 1)
