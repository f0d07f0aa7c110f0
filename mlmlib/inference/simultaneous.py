"""Distributions of the largest of several statistics: the studentized range, and the multivariate t.

For Tukey's comparisons of all means, and for any other family of estimates that are correlated. Chapter 8
(``08_inference``) shows why the largest of several t statistics needs a wider scale than t.
"""

from __future__ import annotations

import numpy as np

__all__ = ["LargestT", "range_quantile", "range_tail"]

_POINTS = 2**20  # directions that the integral is taken over; a quarter of them for families that are very large
_LARGE = 500  # statistics times their rank
_BLOCK = 2**15  # directions at a time
_CELLS = 2**12  # the values in groups of neighbors, each taken at its mean


def range_tail(q, k: int, df) -> np.ndarray:
    """P(Q > q) for the studentized range Q of `k` means with `df` degrees of freedom (a number or one a value).

    Examples
    --------
    >>> range_tail([3.77], 3, 12).round(3).tolist(), range_tail([3.314], 3, np.inf).round(3).tolist()
    ([0.05], [0.05])
    """
    from scipy.stats import studentized_range
    return np.clip(studentized_range.sf(np.atleast_1d(q), k, df), 0.0, 1.0)


def range_quantile(level: float, k: int, df: float) -> float:
    """The q that the studentized range of `k` means stays below with probability `level`.

    Examples
    --------
    >>> round(range_quantile(0.95, 4, 20), 3), round(range_quantile(0.95, 3, np.inf), 3)
    (3.958, 3.314)
    """
    from scipy.optimize import brentq
    high = 1.01 * np.sqrt(2.0) * _upper(level, k * (k - 1) // 2, df)
    return float(brentq(lambda q: range_tail(q, k, df)[0] - (1.0 - level), 1e-3, high, xtol=1e-9))


class LargestT:
    """The distribution of the largest absolute value of correlated t statistics with one error estimate.

    Parameters
    ----------
    correlation : array, shape (m, m)
        May be singular, as that of all pairwise differences is.
    seed : int
        Of the points that the integral is taken over.

    Notes
    -----
    With rank r and ``correlation = L L'`` the statistics are ``rho L u``, u uniform on the unit sphere in r
    dimensions and ``rho^2 / r`` distributed as F(r, df), so that ``P(max > c) = E_u[P(F(r, df) > (c / max|L u|)^2 /
    r)]``. The mean over u is taken over a scrambled Sobol' sequence (in two dimensions over equally spaced angles),
    to about 0.00003 for all differences of ten means, 0.0002 for those of twenty. The tail is never taken as a
    difference from 1, so that small p-values keep their relative accuracy, and one set of directions serves all
    values and degrees of freedom. (The multivariate t of SciPy, 1.17, is wrong where the correlation matrix is
    singular, as that of all differences is.)

    References
    ----------
    Somerville, P. N. (1998). Numerical computation of multivariate normal and multivariate-t probabilities over
    convex regions. Journal of Computational and Graphical Statistics, 7, 529-544.

    Examples
    --------
    >>> pairs = np.array([[1, -1, 0], [1, 0, -1], [0, 1, -1]])
    >>> round(float(LargestT(pairs @ pairs.T / 2).tail([2.5], 20)[0]), 4)  # Tukey's, as the means are independent
    0.0531
    """

    def __init__(self, correlation, seed: int = 1):
        values, axes = np.linalg.eigh(np.asarray(correlation, dtype=float))
        use = values > 1e-10 * values[-1]
        factor = axes[:, use] * np.sqrt(values[use])
        self.rank, self.count = int(use.sum()), len(factor)
        points = _POINTS if self.count * self.rank <= _LARGE else _POINTS // 4
        blocks = _directions(self.rank, points, seed)
        size = np.sort(np.concatenate([np.square(factor @ u).max(axis=0) for u in blocks]))
        self._size = size if len(size) <= _CELLS else size.reshape(_CELLS, -1).mean(axis=1)

    def tail(self, c, df) -> np.ndarray:
        """P(largest > c) for values `c`, shape (m,), with degrees of freedom `df` (a number or one a value)."""
        from scipy.special import chdtrc, fdtrc
        c, df = np.broadcast_arrays(np.atleast_1d(np.asarray(c, dtype=float)), np.asarray(df, dtype=float))
        r = self.rank
        return np.array([float(np.mean(chdtrc(r, value**2 / self._size) if np.isinf(degrees)
                                       else fdtrc(r, degrees, value**2 / self._size / r)))
                         for value, degrees in zip(c, df)])

    def quantile(self, level: float, df: float) -> float:
        """The c that the largest stays below with probability `level`."""
        from scipy.optimize import brentq
        high = _upper(level, self.count, df) * 1.01
        return float(brentq(lambda c: self.tail(c, df)[0] - (1.0 - level), 1e-3, high, xtol=1e-8))


def _directions(rank: int, points: int, seed: int):
    """Unit vectors spread evenly over the sphere, in blocks of shape (rank, ...); for rank 2 over half a circle."""
    if rank == 1:
        yield np.ones((1, 1))
    elif rank == 2:
        angle = (np.arange(points) + 0.5) * np.pi / points
        yield np.stack([np.cos(angle), np.sin(angle)])
    else:
        from scipy.special import ndtri
        from scipy.stats.qmc import Sobol
        sequence = Sobol(rank, scramble=True, seed=seed)
        for _ in range(points // _BLOCK):
            normal = ndtri(np.clip(sequence.random(_BLOCK).T, 1e-12, 1 - 1e-12))
            yield normal / np.sqrt((normal * normal).sum(axis=0))


def _upper(level: float, count: int, df: float) -> float:
    """Bonferroni's quantile, which the largest of `count` cannot exceed."""
    from scipy.special import ndtri, stdtrit
    tail = (1.0 - level) / 2.0 / max(count, 1)
    return float(-ndtri(tail) if np.isinf(df) else -stdtrit(df, tail))
