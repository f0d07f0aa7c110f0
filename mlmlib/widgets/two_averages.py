"""Lab of chapter 16: two kinds of average."""

from __future__ import annotations

from typing import Any

from mlmlib.widgets.lab import lab

LIMITS = {
    "tau": (0, 4),
    "beta": (0.1, 3),
    "intercept": (-4, 4),
    "slope_sd": (0, 2),
    "x": (-4, 3),
    "person": (-2.5, 2.5),
}
SHOWS = ("both", "person", "population")
LINKS = ("logit", "probit")

#: Fits of chapter 16's data by lme4 with 25 and 50 nodes (tests/reference/labs_glmm.R), at the other predictors' zero.
STUDIES: dict[str, dict] = {
    "yours": {
        "values": {"intercept": 0.0, "beta": 1.5, "tau": 2.0, "slope_sd": 0.0, "link": "logit", "x": 0.0},
        "domain": [-4, 4],
        "axis": "x",
        "event": "chance of a yes",
        "short": "chance of a yes",
        "who": ["person", "people"],
        "places": [],
    },
    "contraception": {
        "values": {"intercept": -1.0354, "beta": 0.6967, "tau": 0.4786, "slope_sd": 0.0, "link": "logit", "x": 0.0},
        "domain": [-0.4, 1.4],
        "axis": "where a woman lives",
        "event": "chance that a woman without children uses contraception",
        "short": "chance that contraception is used",
        "who": ["district", "districts"],
        "places": ["rural", "urban"],
    },
    "ohio": {
        "values": {"intercept": -3.1283, "beta": 0.462, "tau": 2.1665, "slope_sd": 0.0, "link": "logit", "x": 0.0},
        "domain": [-0.4, 1.4],
        "axis": "the child’s mother",
        "event": "chance that a child of nine wheezes",
        "short": "chance that a child of nine wheezes",
        "who": ["child", "children"],
        "places": ["does not smoke", "smokes"],
    },
}


def two_averages(
    study: str = "yours",
    *,
    tau: float | None = None,
    beta: float | None = None,
    intercept: float | None = None,
    slope_sd: float | None = None,
    link: str | None = None,
    x: float | None = None,
    person: float = -1.0,
    show: str = "both",
    hide: bool = False,
    guess: float = 0.0,
) -> Any:
    """Curves of people, the curve of the average person, and the average of the curves (chapter 16).

    Each person's chance of a yes rises with x along a curve of the same steepness (``beta``, conditional); people
    differ by a normal random intercept of SD ``tau``. The average of all curves, exact by quadrature, is flatter
    (``beta_marginal``, over the step from x to x + 1).

    Parameters
    ----------
    study : {"yours", "contraception", "ohio"}
        Numbers of your own; women in 60 districts of Bangladesh; wheeze of 537 children in Ohio. A study brings the
        estimates of its fit; what is given below replaces them.
    tau : float, optional
        SD of random intercepts, 0 to 4, on the scale of the link.
    beta : float, optional
        Conditional slope, 0.1 to 3.
    intercept : float, optional
        The average person's link at x = 0, -4 to 4.
    slope_sd : float, optional
        SD of random slopes, 0 to 2, unrelated to intercepts.
    link : {"logit", "probit"}, optional
        The link.
    x : float, optional
        Where the step of x begins, -4 to 3.
    person : float
        The one person shown, in SDs from the average, -2.5 to 2.5.
    show : {"both", "person", "population"}
        Which question is drawn.
    hide : bool
        Whether the average is hidden, for a guess first.
    guess : float
        The guessed chance in the population at x + 1; 0 is none yet.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> opened = mlm.labs.two_averages(tau=3)
    """
    if study not in STUDIES:
        raise ValueError(f"study = {study!r}: choose one of {', '.join(STUDIES)}")
    asked = {"tau": tau, "beta": beta, "intercept": intercept, "slope_sd": slope_sd, "link": link, "x": x}
    state = {**STUDIES[study]["values"], **{key: value for key, value in asked.items() if value is not None}}
    state |= {"study": study, "person": person, "show": show, "hide": bool(hide), "guess": guess}
    for name, (low, high) in LIMITS.items():
        if not low <= state[name] <= high:
            raise ValueError(f"{name} = {state[name]}: the lab works from {low:g} to {high:g}")
    for name, options in (("show", SHOWS), ("link", LINKS)):
        if state[name] not in options:
            raise ValueError(f"{name} = {state[name]!r}: choose one of {', '.join(options)}")
    if not 0 <= guess < 1:
        raise ValueError(f"guess = {guess}: a chance from 0 (none yet) to below 1")
    return lab("two_averages", "Two kinds of average", state, data=STUDIES)
