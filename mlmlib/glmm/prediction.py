"""Predictions of a GLMM: for a given group, for a typical group, and averaged over groups; with intervals.

Chapter 16 (``16_binary``) tells the three apart: with a nonlinear link the average of the groups' curves is not the curve
of the average group.
"""

from __future__ import annotations

import numpy as np

from ..results import check_level
from .averaging import average
from .marginal_mean import averaged_link, averaged_mean
from .predictors import Predictors, predictors, quadratic

__all__ = ["SCALES", "mean_and_gradient", "predict"]

SCALES = ("response", "link")


def predict(fit, data=None, random_effects: bool = True, new_groups: str = "population", *, scale: str = "response",
            groups: str | None = None, interval=None, level: float = 0.95, trials=None):
    """Predictions of a GLMM: see `GlmmResult.predict`.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size")
    >>> new = {"period": ["1", "1"], "herd": [1, 99]}
    >>> predict(fit, new).round(3).tolist()
    [0.308, 0.198]
    """
    from .. import frames as pd
    if scale not in SCALES:
        raise ValueError(f"scale={scale!r} must be 'response' or 'link'.")
    if interval not in (None, "confidence", "prediction"):
        raise ValueError(f"interval={interval!r} must be 'confidence' or 'prediction'.")
    check_level(level)
    groups = groups or ("given" if random_effects else "typical")
    at = predictors(fit, data, groups, new_groups, derivatives=interval is not None)
    index = fit.design.index() if data is None else getattr(data, "index", None)
    index = None if callable(index) else index
    if interval is None:
        values = averaged_link(fit.link, at.eta, at.variance)[0] if scale == "link" else _mean(fit, at)
        return pd.Series(values, index=index, name="predicted")
    if interval == "prediction":
        if scale == "link":
            raise ValueError("A prediction interval is of a new outcome, which has no link scale; leave scale= out.")
        return pd.DataFrame(_new_outcome(fit, at, data, level, trials), index=index)
    value, gradient, opened = _on_link(fit, at)
    se = np.sqrt(quadratic(gradient, fit._x_cov) + opened)
    half = fit._quantile(level) * se
    lower, upper = value - half, value + half
    if scale == "response":
        value, gradient, slope = mean_and_gradient(fit, at)
        se = np.sqrt(quadratic(gradient, fit._x_cov) + slope**2 * at.open)
        if _is_that_of_the_link(fit):
            ends = fit.density.mean(np.stack([lower, upper]), fit._psi)
            lower, upper = ends.min(axis=0), ends.max(axis=0)
        else:  # on the logarithm of the mean, which also depends on parameters of the density
            spread = np.exp(fit._quantile(level) * se / value)
            lower, upper = value / spread, value * spread
    return pd.DataFrame({"mean": value, "se": se, "lower": lower, "upper": upper}, index=index)


def mean_and_gradient(fit, at: Predictors) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expected outcomes, their gradients in (b, theta, psi), and their slopes in the linear predictor.

    Parameters
    ----------
    fit : GlmmResult
    at : Predictors

    Returns
    -------
    mean : ndarray, shape (m,)
    gradient : ndarray, shape (m, P)
        In the model's own parameters, whose covariance is ``fit._x_cov``.
    slope : ndarray, shape (m,)
    """
    psi = fit._psi
    mean, slope, bend = _terms(fit, at.eta, at.variance, psi)
    gradient = slope[:, None] * at.gradient + 0.5 * bend[:, None] * at.slopes
    for k in range(len(psi)):
        ends = []
        for sign in (1e-5, -1e-5):
            there = psi.copy()
            there[k] += sign
            ends.append(_value(fit, at.eta, at.variance, there))
        gradient[:, gradient.shape[1] - len(psi) + k] += (ends[0] - ends[1]) / 2e-5
    return mean, gradient, slope


def _proportional(family) -> bool:
    """True where a family's mean is a multiple of the link's; that of a hurdle's counts is not."""
    return not getattr(family, "hurdle", False)


def _is_that_of_the_link(fit) -> bool:
    """Whether the expected outcome is the link's mean, so that ends on the link scale are its ends."""
    return _proportional(fit.family) and float(fit.family.mean(np.ones(1), fit._psi)[0]) == 1.0


def _value(fit, eta, variance, psi) -> np.ndarray:
    """Expected outcomes, averaged over effects of this variance."""
    if _proportional(fit.family):
        return fit.family.mean(averaged_mean(fit.link, eta, variance)[0], psi)
    return average(lambda at, rows: fit.family.mean(fit.link.mean(at), psi), eta, variance)


def _terms(fit, eta, variance, psi):
    """Expected outcomes, their first and second derivatives in eta."""
    if _proportional(fit.family):
        mu, slope, bend = averaged_mean(fit.link, eta, variance)
        stretch = fit.family.mean(np.ones_like(mu), psi)
        return fit.family.mean(mu, psi), slope * stretch, bend * stretch
    h = 1e-4
    mean, up, down = (_value(fit, eta + shift, variance, psi) for shift in (0.0, h, -h))
    return mean, (up - down) / (2.0 * h), (up - 2.0 * mean + down) / h**2


def _mean(fit, at: Predictors) -> np.ndarray:
    return _value(fit, at.eta, at.variance, fit._psi)


def _on_link(fit, at: Predictors):
    """Linear predictors (of averages: those that the averages have), their gradients, and the variance left open."""
    value, slope, bend = averaged_link(fit.link, at.eta, at.variance)
    return value, slope[:, None] * at.gradient + 0.5 * bend[:, None] * at.slopes, slope**2 * at.open


def _new_outcome(fit, at: Predictors, data, level, trials) -> dict:
    """Mean, standard deviation and quantiles of one new outcome of each row.

    The linear predictor is taken as normal, with the variance of its estimate, of the effects given the outcomes, and of
    groups not seen; the outcome has its family's distribution given that.
    """
    if data is not None:
        trials = fit._trials_of(data, trials)
    else:
        trials = fit.density.trials
    spread = quadratic(at.gradient, fit._x_cov) + at.open + at.new
    family, link, psi = fit.family, fit.link, fit._psi
    size = np.broadcast_to(1.0 if trials is None else trials, at.eta.shape)
    def moments(eta, rows):
        mu = link.mean(eta)
        own = trials if trials is None else size[rows]
        mean = family.mean(mu, psi)
        return np.stack([mean, mean**2, np.broadcast_to(family.variance(mu, psi, own), mu.shape)])
    first, second, within = average(moments, at.eta, spread)
    sd = np.sqrt(np.maximum(second - first**2, 0.0) + within)
    def below(y):
        def cdf(eta, rows):
            own = trials if trials is None else size[rows]
            return family.cdf(y[rows], link.mean(eta), psi, own)
        return average(cdf, at.eta, spread)
    mean, sd = first * size, sd * size
    lower, upper = (_quantile(below, p, mean, sd, family) for p in (0.5 - level / 2.0, 0.5 + level / 2.0))
    return {"mean": mean, "se": sd, "lower": lower, "upper": upper}


def _quantile(below, p, mean, sd, family) -> np.ndarray:
    """Where the distribution function reaches p: bracketed from the mean, then halved; the smallest count for counts."""
    step = np.maximum(sd, 1e-8 * (1.0 + np.abs(mean)))
    low, high = mean - step, mean + step
    bounded = family.support != "real"
    for _ in range(60):
        far = (below(low) >= p) & ~(bounded & (low < 0.0))
        if not far.any():
            break
        low = np.where(far, low - (mean - low), low)
    for _ in range(60):
        far = below(high) < p
        if not far.any():
            break
        high = np.where(far, high + (high - mean), high)
    if bounded:
        low = np.maximum(low, -1.0 if family.discrete else 0.0)
    for _ in range(60):
        middle = 0.5 * (low + high)
        reached = below(middle) >= p
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
        if (high - low).max(initial=0.0) < (0.5 if family.discrete else 1e-9 * (1.0 + np.abs(high).max(initial=0.0))):
            break
    if not family.discrete:
        return 0.5 * (low + high)
    high = np.floor(high)
    return np.where(below(high - 1.0) >= p, high - 1.0, high)
