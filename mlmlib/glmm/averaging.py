"""Averages over random effects: what a nonlinear function of the linear predictor is, on average over groups.

The random part of a row, ``z'u``, is normal with mean zero and variance ``v = z'T z`` (several grouping factors add up),
so that an average over all groups is an integral over one number, however many random effects there are:

    E h(eta + z'u) = integral of h(eta + sqrt(v) z) phi(z) dz.

The trapezoidal rule over equally spaced z does it: for an analytic integrand that dies away at both ends its error
falls exponentially in 1 / step (Trefethen & Weideman, 2014), so that a few dozen nodes give all digits.  The step follows
the largest standard deviation, because ``h(eta + sd z)`` bends over 1 / sd.

The derivatives of an average come from averages too: in eta it is E h', in v half of E h'' (the heat equation).

Chapter 16 (``16_binary``) derives it and draws it.

References
----------
Trefethen, L. N., & Weideman, J. A. C. (2014). The exponentially convergent trapezoidal rule. SIAM Review, 56, 385-458.
"""

from __future__ import annotations

import numpy as np

__all__ = ["average", "normal_rule", "row_variances"]

_STEP = 0.25  # of sd * z; the nearest pole of the logistic function lies at i pi, of the Cauchy at i
_LARGEST_STEP = 0.6  # of z: exp(-2 pi^2 / 0.6^2) is 1e-24
_MOST = 4001  # nodes; enough for all digits up to a standard deviation of about 60
_CELLS = 1 << 20  # rows times nodes handled at a time


def normal_rule(sd: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights for averages over a standard normal z of functions of ``sd * z``.

    Parameters
    ----------
    sd : float
        The largest standard deviation that the rule will be used with.

    Returns
    -------
    nodes, weights : ndarray, shape (m,)

    Examples
    --------
    >>> z, w = normal_rule(1.0)
    >>> len(z), round(float(w.sum()), 12), round(float(w @ z ** 4), 12)
    (81, 1.0, 3.0)
    """
    half = 9.0 + min(sd, 8.0)  # an exponential tail, exp(sd z), moves the bulk of the integrand by sd
    step = min(_LARGEST_STEP, _STEP / sd if sd > 0 else _LARGEST_STEP)
    one_side = min(int(np.ceil(half / step)), (_MOST - 1) // 2)
    nodes = np.linspace(-half, half, 2 * one_side + 1)
    weights = np.exp(-0.5 * nodes**2)
    return nodes, weights / weights.sum()


def average(function, eta, variance) -> np.ndarray:
    """E f(eta + sqrt(variance) Z) over a standard normal Z, row by row.

    Parameters
    ----------
    function : callable
        ``function(eta, rows)``: values at `eta`, shape (m, c), for the rows in the slice `rows`; an array of shape
        (m, c), or (k, m, c) for k functions at once.
    eta : array, shape (n,)
    variance : array, shape (n,), or float
        Of the random part of each row.

    Returns
    -------
    ndarray, shape (n,) or (k, n)

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.special import expit
    >>> average(lambda eta, rows: expit(eta), np.array([0.0, 1.0]), 4.0).round(6).tolist()
    [0.5, 0.647726]
    """
    eta = np.asarray(eta, dtype=float)
    sd = np.sqrt(np.maximum(np.broadcast_to(np.asarray(variance, dtype=float), eta.shape), 0.0))
    n = len(eta)
    nodes, weights = normal_rule(float(sd.max(initial=0.0)))
    stretch = max(1, _CELLS // len(nodes))
    parts = []
    for begin in range(0, n, stretch):
        rows = slice(begin, min(begin + stretch, n))
        values = function(eta[rows] + nodes[:, None] * sd[rows], rows)
        parts.append(np.einsum("m,...mc->...c", weights, values))
    return np.concatenate(parts, axis=-1) if parts else np.zeros(0)


def row_variances(random, T) -> np.ndarray:
    """The variance that the random effects give each row's linear predictor, shape (n,).

    Parameters
    ----------
    random : sequence of RandomDesign
    T : sequence of ndarray, shape (q, q)
        Covariance matrix of each term's effects.
    """
    return sum(((1.0 if term.members is None else term.members.square) * np.einsum("ij,jk,ik->i", term.Z, own, term.Z)
                for term, own in zip(random, T)), 0.0)
