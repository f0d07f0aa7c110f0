"""Data with a known truth for chapter 18 (``18_categories``): times to an event in discrete time, and choices.

`mlmlib.simulate` offers both functions.
"""

from __future__ import annotations

import numpy as np

from .errors import DataError
from .optional import needs

__all__ = ["CHOICE", "DISCRETE_SURVIVAL", "choice", "discrete_survival"]

# The truth behind the defaults of `discrete_survival`: complementary log-log hazards of months 1 to 8.
DISCRETE_SURVIVAL = {
    "baseline": (-2.6, -2.2, -2.0, -1.9, -1.9, -2.0, -2.1, -2.2),
    "program": -0.6,
    "prior": 0.35,
    "sd": 0.5,
}

# The truth behind the defaults of `choice`: bus against car, and bicycle against car.
CHOICE = {
    "bus": {"Intercept": -0.8, "distance": 0.10, "student": 0.9},
    "bicycle": {"Intercept": 0.4, "distance": -0.45, "student": 0.6},
    "T": ((0.50, 0.25), (0.25, 0.80)),
}


def discrete_survival(groups=40, size=25, baseline=None, program=None, prior=None, sd=None, *, link="cloglog",
                      dropout=0.03, late=0.0, kinds=False, seed=1):
    """Draw months until people released from prisons are arrested again, with censoring.

    The hazard of month t of person i from prison j is ``F(baseline_t + program x program_j + prior x prior_ij + u_j)``, u_j
    normal with standard deviation `sd`, F the inverse of `link`.  A program runs in a random half of the prisons.

    Parameters
    ----------
    groups : int
        Number of prisons.
    size : int
        Persons from each.
    baseline : sequence of float, optional
        One value a month; the study ends with the last.  The defaults of this and the next three are in
        `DISCRETE_SURVIVAL`.
    program, prior : float, optional
        Effect of the program, and of one earlier conviction.
    sd : float, optional
        Of the prisons.
    link : {"cloglog", "logit"}
    dropout : float
        Probability of being lost in a month, after it was seen through without an arrest.
    late : float
        Share of persons who come under observation after a month or more (left truncation); who is arrested before that is
        never seen.
    kinds : bool
        Tell two kinds of arrest, "theft" (60 %) and "violence": competing events.
    seed : int or numpy Generator

    Returns
    -------
    DataFrame
        A row a person: ``prison``, ``person``, ``program`` (0, 1), ``prior`` (0, 1, 2 ...), ``entry`` (months before
        observation; with `late` only), ``month``, ``arrested`` (0, 1; with `kinds` none, theft, violence).

    Raises
    ------
    DataError
        For a link, share or size that cannot be.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> persons = mlm.simulate.discrete_survival(seed=1)
    >>> periods = mlm.person_period(persons, time="month", event="arrested", id="person")
    >>> len(persons), len(periods) > 4000
    (1000, True)
    """
    with needs("mlm.simulate"):
        import pandas as pd
    from scipy.special import expit

    truth = DISCRETE_SURVIVAL
    baseline = np.asarray(truth["baseline"] if baseline is None else baseline, dtype=float)
    program = truth["program"] if program is None else program
    prior = truth["prior"] if prior is None else prior
    sd = truth["sd"] if sd is None else sd
    _whole(groups, "groups")
    _whole(size, "size")
    _share(dropout, "dropout")
    _share(late, "late")
    if link not in ("cloglog", "logit") or not sd >= 0 or baseline.ndim != 1 or not len(baseline):
        raise DataError("link is 'cloglog' or 'logit', sd a standard deviation of at least 0, baseline a list of "
                        "numbers, one a month.")
    rng = np.random.default_rng(seed)
    place = np.repeat(np.arange(groups), size)
    runs = rng.permutation(np.arange(groups) < groups // 2).astype(int)[place]
    before = rng.poisson(1.0, len(place))
    u = sd * rng.standard_normal(groups)
    eta = program * runs + prior * before + u[place]
    entry = np.where(rng.random(len(place)) < late, rng.integers(1, max(2, len(baseline) // 2), len(place)), 0)
    month, happened, going = np.full(len(place), len(baseline)), np.zeros(len(place), dtype=int), np.ones(len(place), dtype=bool)
    for t, level in enumerate(baseline, start=1):
        at = level + eta
        hazard = -np.expm1(-np.exp(at)) if link == "cloglog" else expit(at)
        now = going & (rng.random(len(place)) < hazard)
        lost = going & ~now & (rng.random(len(place)) < dropout) & (t > entry)
        month[now | lost], happened[now] = t, 1
        going &= ~(now | lost)
    out = pd.DataFrame({"prison": place + 1, "person": np.arange(1, len(place) + 1), "program": runs, "prior": before,
                        "entry": entry, "month": month, "arrested": happened})
    if kinds:
        kind = np.where(rng.random(len(place)) < 0.6, 1, 2) * happened
        out["arrested"] = pd.Categorical.from_codes(kind, ["none", "theft", "violence"])
    if not late:
        return out.drop(columns="entry")
    return out[out["month"] > out["entry"]].reset_index(drop=True)


def choice(groups=60, size=20, truth=None, *, seed=1):
    """Draw how people travel to work: by car, bus or bicycle, from districts that differ.

    The logit of each mode against the car is ``Intercept + distance x km + student x 0/1 + u_j``, with effects of the
    district that are normal and correlated between modes.

    Parameters
    ----------
    groups : int
        Number of districts.
    size : int
        Persons in each.
    truth : dict, optional
        Coefficients by mode, and ``"T"``, the covariance matrix of the districts' effects; `CHOICE` if not given.
    seed : int or numpy Generator

    Returns
    -------
    DataFrame
        A row a person: ``district``, ``distance`` (km), ``student`` (0, 1), ``mode`` (category; car, the reference, first).

    Raises
    ------
    DataError
        For sizes that are no positive whole numbers, or a T that is no covariance matrix of the modes.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> mlm.simulate.choice(10, 5, seed=1)["mode"].cat.categories.tolist()
    ['car', 'bus', 'bicycle']
    """
    with needs("mlm.simulate"):
        import pandas as pd

    truth = CHOICE if truth is None else truth
    modes = [name for name in truth if name != "T"]
    _whole(groups, "groups")
    _whole(size, "size")
    T = np.asarray(truth["T"], dtype=float)
    if T.shape != (len(modes),) * 2 or not np.allclose(T, T.T) or np.linalg.eigvalsh(T)[0] < -1e-12:
        raise DataError(f"T must be a covariance matrix of the {len(modes)} modes {', '.join(modes)}.")
    rng = np.random.default_rng(seed)
    place = np.repeat(np.arange(groups), size)
    distance = np.round(rng.gamma(2.0, 2.5, len(place)) + 0.3, 1)
    student = (rng.random(len(place)) < 0.3).astype(int)
    values, vectors = np.linalg.eigh(T)
    u = rng.standard_normal((groups, len(modes))) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
    eta = np.stack([b.get("Intercept", 0.0) + b.get("distance", 0.0) * distance + b.get("student", 0.0) * student
                    + u[place, k] for k, b in enumerate(truth[name] for name in modes)])
    odds = np.exp(np.concatenate([np.zeros((1, len(place))), eta]))
    below = np.cumsum(odds / odds.sum(axis=0), axis=0)[:-1]
    code = (rng.random(len(place)) > below).sum(axis=0)
    return pd.DataFrame({"district": place + 1, "distance": distance, "student": student,
                         "mode": pd.Categorical.from_codes(code, ["car", *modes])})


def _whole(value, name) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise DataError(f"{name} must be a positive whole number, not {value!r}.")


def _share(value, name) -> None:
    if not 0 <= value < 1:
        raise DataError(f"{name} is a share, from 0 to below 1, not {value!r}.")
