"""From a design and its groups to the solved estimating equations.

Chapter 20 (``20_gee_and_robust``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from ..lmm.columns import orthonormalize
from .correlation import Autoregressive, Independent, Levels, Unstructured
from .families import statsmodels_family
from .model import Engine, solve, start_glm

__all__ = ["Rows", "fit_rows", "ordered"]

_EXTREME = 25.0  # |linear predictor| beyond which a fitted probability is 0 or 1


@dataclass(frozen=True)
class Rows:
    """What the equations are of, in the order of groups and times.

    Attributes
    ----------
    order : ndarray of int, shape (n,)
        Where each of these rows is among those of the design.
    codes : list of ndarray
        Groups of the rows, outermost first.
    starts : ndarray
    y, Q, offset, weights, time : ndarray
        Outcome (of trials a share), columns of like size, shift of the linear predictor, weights, time.
    back : ndarray, shape (p, p)
        From coefficients of Q to those of the design.
    """

    order: np.ndarray
    codes: list
    starts: np.ndarray
    y: np.ndarray
    Q: np.ndarray
    back: np.ndarray
    offset: np.ndarray | None
    weights: np.ndarray | None
    time: np.ndarray | None


def ordered(design, levels) -> Rows:
    """Sort rows by group and time, and make the columns orthonormal."""
    codes, time = levels[0][1], design.extra.get("time")
    order = np.lexsort((np.zeros(len(codes)) if time is None else time, codes))
    if time is not None:
        c, t = codes[order], time[order]
        twice = np.flatnonzero((c[1:] == c[:-1]) & (t[1:] == t[:-1]))
        if len(twice):
            raise DataError(f"The group {levels[0][0]} = {levels[0][2][c[twice[0]]]} has the time {t[twice[0]]:g} more than once: "
                            "which of its rows comes first is not known. Mend the times, or group by a finer column.")
    Q, R = orthonormalize(design.X.T.copy(), design.exog_names, "predictors")
    root = np.sqrt(len(codes))
    offset, weights, y = design.offset, design.weights, design.y
    if design.extra.get("exposure") is not None:
        offset = np.log(design.extra["exposure"]) + (0.0 if offset is None else offset)
    trials = design.extra.get("trials")
    if trials is not None:
        y, weights = y / trials, trials if weights is None else trials * weights
    take = [None if one is None else np.asarray(one, float)[order] for one in (offset, weights, time)]
    sizes = np.bincount(codes)
    return Rows(order, [one[1][order] for one in levels], np.append(0, np.cumsum(sizes)), np.asarray(y, float)[order],
                root * Q.T[order], root * np.linalg.inv(R.T), *take)


def fit_rows(design, levels, family: str, *, corr: str, link=None, scale=None, moments="geepack", limit=200,
             theta=None) -> tuple:
    """Solve; returns ``(design, levels, rows, family name, link, structure, solved, options)``."""
    made, own = statsmodels_family(family, link, None if theta is None else 1.0 / theta)
    rows = ordered(design, levels)
    start = start_glm(rows.y, rows.Q, made, rows.offset, rows.weights)
    _refuse_extreme(family, own, rows, start, design)
    options = {"corr": corr, "link": link, "scale": scale, "moments": moments, "limit": limit, "theta": theta}
    if moments == "statsmodels":
        from .as_statsmodels import solve_as_statsmodels
        structure, solved = solve_as_statsmodels(rows, levels, made, corr, scale, start, limit)
    else:
        structure = _structure(corr, rows, levels)
        engine = Engine(rows.y, rows.Q, rows.codes[0], made, structure, offset=rows.offset, weights=rows.weights, scale=scale)
        solved = solve(engine, start, limit)
    return design, levels, rows, family, own, structure, solved, options


def _structure(corr: str, rows: Rows, levels):
    if corr == "independence" or np.diff(rows.starts).max() == 1:
        return Independent()
    if corr in ("exchangeable", "nested"):
        return Levels(rows.codes, rows.starts, [level[0] for level in levels])
    times, places = times_of(corr, rows)
    structure = (Autoregressive if corr == "ar1" else Unstructured)(places, rows.starts, times)
    if not structure.counts.all():
        pair = structure.labels[int(np.argmin(structure.counts))]
        raise DataError(f"No group was measured at both times {pair}: their correlation cannot be estimated. Use corr='ar1' or "
                        "'exchangeable', or leave rare times out.")
    return structure


def times_of(corr: str, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """The distinct times, and the place of each row's among them."""
    if rows.time is None:
        raise ValueError(f"corr={corr!r} needs time=, the column that says when a row was measured; with rows numbered within "
                         "their group that number will do.")
    times, places = np.unique(rows.time, return_inverse=True)
    if corr == "unstructured" and len(times) > 50:
        raise DataError(f"There are {len(times)} different times, which would have {len(times) * (len(times) - 1) // 2} "
                        "correlations; round the times, or use corr='ar1' or 'exchangeable'.")
    return times, places


def _refuse_extreme(family, link, rows, start, design) -> None:
    """Refuse probabilities of 0 and 1: some predictor separates the outcomes."""
    eta = rows.Q @ start + (0.0 if rows.offset is None else rows.offset)
    if not np.isfinite(start).all():
        raise DataError(f"The model of independent rows, where GEE starts, has no finite coefficients with link={link.name!r}: check "
                        "for extreme values, or choose another link.")
    if family == "binomial" and link.name in ("logit", "probit", "cloglog", "loglog") and np.abs(eta).max() > (
            _EXTREME if link.name != "probit" else 8.0):
        raise DataError(f"Some fitted probabilities of {design.endog_name!r} are 0 or 1: a predictor, or a combination of them, "
                        "separates the outcomes, so that its coefficient has no finite value. Join rare categories or leave the "
                        "predictor out.")
