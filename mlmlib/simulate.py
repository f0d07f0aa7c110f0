"""Data with a known truth, drawn from a seed.

`two_level` draws from the two-level model of chapters 3 and 4

    y_ij = gamma_00 + gamma_10 x_ij + gamma_01 w_j + gamma_11 x_ij w_j + u_0j + u_1j x_ij + e_ij,

`intervention` is the study of chapter 2, `patient` the exercise of chapter 4. The bundled files of the last two are
what these functions return with their default seeds. `discrete_survival` and `choice` (`mlmlib.simulate_categories`) are
for chapter 18.
"""

from __future__ import annotations

import numpy as np

from .errors import DataError

from .simulate_categories import choice, discrete_survival  # noqa: F401
from .optional import needs

INTERVENTION_SEED = 3
PATIENT_SEED = 3

# The truth behind `patient`; T is for minutes counted from zero.
PATIENT: dict = {
    "gamma": {"Intercept": 30.0, "minutes": 1.2, "female[T.Yes]": 4.0},
    "T": ((49.0, -0.84), (-0.84, 0.09)),
    "sigma": 8.0,
}


def two_level(groups=40, size=20, gamma=None, tau=0.0, sigma=1.0, *, x_between=0.0, w="normal", seed=None):
    """Draw a data set from the two-level model with one predictor at each level.

    Parameters
    ----------
    groups : int
        J, the number of groups.
    size : int or sequence of int
        n_j, one number for all groups or one for each.
    gamma : dict, optional
        Fixed effects by name: "Intercept", "x", "w", "x:w"; what is not named is zero.
    tau : float or 2 x 2 array
        Variance of the random intercepts, or the matrix T of intercepts and slopes of x.
    sigma : float
        SD of the level-1 residuals.
    x_between : float
        Share of the variance of x (which is 1) that lies between groups: the ICC of x.
    w : "normal" or "half"
        The level-2 predictor: standard normal, or 1 in a random half of the groups and 0 in the others.
    seed : int or numpy Generator, optional
        A Generator is drawn from in place, so that a loop of draws needs one seed.

    Returns
    -------
    DataFrame with the columns group (1 to J), w, x, y.

    Examples
    --------
    >>> from mlmlib import simulate
    >>> df = simulate.two_level(30, 20, {"Intercept": 50, "x": 2}, tau=25, sigma=9, seed=1)
    >>> df.shape
    (600, 4)
    """
    with needs("mlm.simulate"):
        import pandas as pd

    gamma = _gammas(gamma or {})
    sizes = _sizes(groups, size)
    T = _matrix(tau)
    if not sigma >= 0:
        raise DataError(f"sigma is a standard deviation and cannot be {sigma}.")
    if not 0 <= x_between <= 1:
        raise DataError(f"x_between is a share of variance, from 0 to 1, not {x_between}.")
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), sizes)
    if w == "half":
        w_values = rng.permutation(np.arange(groups) < groups // 2).astype(float)
    else:
        w_values = rng.standard_normal(groups)
    x = np.sqrt(x_between) * rng.standard_normal(groups)[group]
    x = x + np.sqrt(1 - x_between) * rng.standard_normal(len(group))
    u = rng.standard_normal((groups, 2)) @ _root(T).T
    e = sigma * rng.standard_normal(len(group))
    wj = w_values[group]
    fixed = gamma["Intercept"] + gamma["x"] * x + gamma["w"] * wj + gamma["x:w"] * x * wj
    y = fixed + u[group, 0] + u[group, 1] * x + e
    return pd.DataFrame({"group": group + 1, "w": wj, "x": x, "y": y})


def intervention(schools=40, students=20, effect=0.30, icc=0.15, seed=INTERVENTION_SEED):
    """A school-level treatment: half the schools get it, and every student is tested.

    The score is in SDs of the students of one arm, so the variance within an arm is 1, of which `icc` lies between
    schools. Chapter 2 compares what OLS, cluster-robust errors and the mixed model say about the effect.

    Returns
    -------
    DataFrame with the columns school, treatment (0, 1), score.

    Examples
    --------
    >>> from mlmlib import simulate
    >>> simulate.intervention().groupby("treatment")["school"].nunique().tolist()
    [20, 20]
    """
    if not 0 <= icc <= 1:
        raise DataError(f"icc is a share of variance, from 0 to 1, not {icc}.")
    drawn = two_level(schools, students, {"w": effect}, tau=icc, sigma=np.sqrt(1 - icc), w="half", seed=seed)
    drawn = drawn.rename(columns={"group": "school", "w": "treatment", "y": "score"})
    return drawn.astype({"treatment": "int64"})[["school", "treatment", "score"]]


def patient(doctors=48, seed=PATIENT_SEED):
    """Patients of doctors: how satisfied they are, and how many minutes the doctor gave them.

    Satisfaction rises by 1.2 points a minute on average, by more with some doctors than with others, and is 4
    points higher with female doctors. The whole truth is in `mlmlib.simulate.PATIENT` and in the data sheet. Minutes
    are whole and satisfaction has one decimal. An exercise of chapter 4.

    Returns
    -------
    DataFrame with the columns doctor, female (No, Yes), minutes, satisfaction.

    Examples
    --------
    >>> from mlmlib import simulate
    >>> simulate.patient()["doctor"].nunique()
    48
    """
    with needs("mlm.simulate"):
        import pandas as pd

    rng = np.random.default_rng(seed)
    sizes = rng.integers(6, 25, doctors)
    doctor = np.repeat(np.arange(doctors), sizes)
    female = rng.permutation(np.arange(doctors) < doctors // 2)
    typical = 16 + 2.5 * rng.standard_normal(doctors)
    minutes = np.clip(np.round(typical[doctor] + 4 * rng.standard_normal(len(doctor))), 3, 40)
    u = rng.standard_normal((doctors, 2)) @ _root(np.array(PATIENT["T"])).T
    e = PATIENT["sigma"] * rng.standard_normal(len(doctor))
    intercept, slope, difference = PATIENT["gamma"].values()
    satisfaction = intercept + slope * minutes + difference * female[doctor] + u[doctor, 0] + u[doctor, 1] * minutes + e
    return pd.DataFrame(
        {
            "doctor": doctor + 1,
            "female": pd.Categorical(np.where(female[doctor], "Yes", "No"), ["No", "Yes"]),
            "minutes": minutes.astype("int64"),
            "satisfaction": np.round(satisfaction, 1),
        }
    )


def _gammas(given):
    known = dict.fromkeys(("Intercept", "x", "w", "x:w"), 0.0)
    strange = set(given) - set(known)
    if strange:
        raise DataError(f"gamma names {', '.join(map(repr, strange))}; it can name {', '.join(map(repr, known))}.")
    return {**known, **given}


def _sizes(groups, size):
    sizes = np.full(groups, size) if np.ndim(size) == 0 else np.asarray(size)
    if len(sizes) != groups or (sizes < 1).any() or (sizes != np.round(sizes)).any():
        raise DataError(f"size must be a positive whole number, or {groups} of them (one for each group).")
    return sizes.astype(int)


def _matrix(tau):
    T = np.zeros((2, 2))
    tau = np.asarray(tau, float)
    if tau.shape not in ((), (1, 1), (2, 2)):
        raise DataError("tau must be a variance or a 2 x 2 covariance matrix of intercepts and slopes.")
    if tau.shape == (2, 2):
        T[:] = tau
    else:
        T[0, 0] = tau.item()
    if not np.allclose(T, T.T) or np.linalg.eigvalsh(T)[0] < -1e-12 * max(T.trace(), 1):
        raise DataError(f"tau = {T.tolist()} is not a covariance matrix: its correlation would lie outside -1 to 1.")
    return T


def _root(T):
    """Lower-triangular L with L L' = T, for singular T too."""
    L = np.zeros((2, 2))
    L[0, 0] = np.sqrt(T[0, 0])
    L[1, 0] = T[1, 0] / L[0, 0] if L[0, 0] > 0 else 0.0
    L[1, 1] = np.sqrt(max(T[1, 1] - L[1, 0] ** 2, 0.0))
    return L
