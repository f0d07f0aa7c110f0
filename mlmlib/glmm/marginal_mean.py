"""The mean of an outcome averaged over groups, and the linear predictor of that average.

A group's mean is ``g(eta + z'u)``; the average of it over normal ``u`` is not ``g(eta)``, except with the identity link.
With the logarithm it is exp(eta + v/2), with probit Phi(eta / sqrt(1 + v)), v the variance of ``z'u`` (Zeger, Liang &
Albert, 1988); other links are integrated.

Chapter 16 (``16_binary``) derives it: a curve that is averaged over groups is flatter than the curve of any of them.

References
----------
Zeger, S. L., Liang, K.-Y., & Albert, P. S. (1988). Models for longitudinal data: a generalized estimating equation
approach. Biometrics, 44, 1049-1060.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from ..errors import DataError
from .averaging import average

__all__ = ["attenuation", "averaged_link", "averaged_mean", "needs_everywhere"]

_ROOT_2PI = np.sqrt(2.0 * np.pi)
_LOGISTIC = 16.0 * np.sqrt(3.0) / (15.0 * np.pi)  # the normal distribution function at x / c is near the logistic


def averaged_mean(link, eta, variance) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mean averaged over random effects, and its derivatives.

    Parameters
    ----------
    link : Link
    eta : array, shape (n,)
        Linear predictor of a group with effects of zero.
    variance : array, shape (n,)
        Of the random part of each row.

    Returns
    -------
    mean, slope, bend : ndarray, shape (n,)
        The average, its derivative in `eta`, and twice its derivative in `variance`, which is its second derivative in
        `eta`.

    Raises
    ------
    DataError
        With a link whose mean has a pole at zero or is not there below it (inverse), because no average exists.

    Notes
    -----
    Chapter 16 (``16_binary``).

    Examples
    --------
    >>> from mlmlib.glmm.links import link
    >>> [v.round(4).tolist() for v in averaged_mean(link("logit"), [-2.0, 0.0], [4.0, 4.0])]
    [[0.2248, 0.5], [0.1124, 0.1514], [0.0333, -0.0]]
    """
    eta = np.asarray(eta, dtype=float)
    v = np.broadcast_to(np.asarray(variance, dtype=float), eta.shape)
    if link.name == "identity":
        return eta.copy(), np.ones_like(eta), np.zeros_like(eta)
    if link.name == "log":
        with np.errstate(over="ignore"):
            mean = np.exp(eta + v / 2.0)
        return mean, mean, mean
    if link.name == "probit":
        c = np.sqrt(1.0 + v)
        t = eta / c
        slope = np.exp(-0.5 * t * t) / (_ROOT_2PI * c)
        return ndtr(t), slope, -t / c * slope
    if not (v > 0).any():
        mean, slope, bend = map(np.array, link.mean_terms(eta, 2))
        return mean, slope, bend
    needs_everywhere(link)
    mean, slope, bend = average(lambda at, rows: np.stack(link.mean_terms(at, 2)), eta, v)
    return mean, slope, bend


def averaged_link(link, eta, variance) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The link of the averaged mean: the linear predictor that the average over groups has.

    Parameters and Raises are those of `averaged_mean`.

    Returns
    -------
    value, slope, bend : ndarray, shape (n,)
        ``link(mean)``, its derivative in `eta`, and twice its derivative in `variance`.

    Notes
    -----
    Chapter 16 (``16_binary``).  Where the mean is near 1 its complement is averaged, so that a logit of 40 is no
    infinity.

    Examples
    --------
    >>> from mlmlib.glmm.links import link
    >>> averaged_link(link("logit"), [-2.0, 40.0], [4.0, 4.0])[0].round(4).tolist()
    [-1.2379, 38.0]
    """
    eta = np.asarray(eta, dtype=float)
    v = np.broadcast_to(np.asarray(variance, dtype=float), eta.shape)
    if link.name == "identity":
        return eta.copy(), np.ones_like(eta), np.zeros_like(eta)
    if link.name == "log":
        return eta + v / 2.0, np.ones_like(eta), np.ones_like(eta)
    if link.name == "probit":
        c = np.sqrt(1.0 + v)
        return eta / c, 1.0 / c, -eta / c**3
    if not (v > 0).any():
        return eta.copy(), np.ones_like(eta), np.zeros_like(eta)
    if link.name in _LOGS:
        return _through_logs(link, eta, v)
    mean, slope, bend = averaged_mean(link, eta, v)
    value = link.eta(mean)
    back = 1.0 / link.mean_terms(value, 1)[1]
    return value, slope * back, bend * back


def attenuation(link, variance):
    """By what factor coefficients shrink when they are averaged over groups, approximately (Zeger, Liang & Albert, 1988).

    ``1 / sqrt(1 + c^2 v)``: exact for probit (c = 1); for the logit c = 16 sqrt(3) / (15 pi), which is about 0.588; and 1
    for log and identity, where slopes do not shrink.

    Parameters
    ----------
    link : Link
    variance : array or float
        Of the random part.

    Raises
    ------
    DataError
        For other links, for which no such factor is known.

    Examples
    --------
    >>> from mlmlib.glmm.links import link
    >>> round(float(attenuation(link("logit"), 4.0)), 4), round(float(attenuation(link("probit"), 4.0)), 4)
    (0.6477, 0.4472)
    """
    v = np.asarray(variance, dtype=float)
    if link.name in ("log", "identity"):
        return np.ones_like(v)
    if link.name not in ("logit", "probit"):
        needs_everywhere(link)
        raise DataError(f"There is no formula of attenuation for the link {link.name}; use method='average', which "
                        "integrates.")
    c = _LOGISTIC if link.name == "logit" else 1.0
    return 1.0 / np.sqrt(1.0 + c * c * v)


def needs_everywhere(link) -> None:
    """Refuse a link under which some effects of a normal distribution have no mean."""
    if link.domain("positive")[0] == 0.0:
        raise DataError(f"The link {link.name} has no mean where the linear predictor is not positive, and normal "
                        "random effects take it there: the average over groups does not exist. Ask for "
                        "groups='typical' or 'given', or fit with link='log'.")


_LOGS = ("logit", "cloglog", "loglog")


def _through_logs(link, eta, v):
    """The link of an average from averages of both the probability and its complement, whichever is small."""
    def function(at, rows):
        p = link.mean_terms(at, 2)
        log_q = link.log_complement_terms(at, 0)[0]
        return np.stack([*p, np.exp(log_q)])

    mean, slope, bend, rest = average(function, eta, v)
    if link.name == "logit":
        return np.log(mean) - np.log(rest), slope / (mean * rest), bend / (mean * rest)
    if link.name == "loglog":
        mean, rest, sign = rest, mean, -1.0
    else:
        sign = 1.0
    hazard = np.where(rest < 0.5, -np.log(np.maximum(rest, 1e-300)), -np.log1p(-np.minimum(mean, 0.5)))
    back = np.maximum(rest * hazard, 1e-300)
    return sign * np.log(hazard), slope / back, bend / back
