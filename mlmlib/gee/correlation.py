"""Working correlations as moments of the Pearson residuals, as geepack takes them.

A working correlation gives each pair of rows of a group a kind, and each kind one correlation: the mean over its pairs of
r_j r_k / phi, with the Pearson residual r = (y - mu) / sqrt(V(mu)) and phi the mean of r^2 (Liang & Zeger, 1986, section 4,
with N and the number of pairs in place of these less p).  Means are weighted by w_j w_k and w_j where rows have weights.
AR(1) has one parameter for all lags d, which solves sum over pairs of d a^(d - 1) (r_j r_k / phi - a^d) = 0.

Chapter 20 (``20_gee_and_robust``) compares the structures.

References
----------
Liang, K.-Y., & Zeger, S. L. (1986). Longitudinal data analysis using generalized linear models. Biometrika, 73, 13-22.
"""

from __future__ import annotations

import numpy as np
from statsmodels.genmod.cov_struct import CovStruct

from ..errors import DataError

__all__ = ["Autoregressive", "Independent", "Levels", "Structure", "Unstructured"]

_EDGE = 0.999  # beyond, AR(1) has no working covariance that could be inverted


class Structure(CovStruct):
    """What all structures share: weights, and the moments at each step.

    `dep_params` are the correlations, one for each of `labels`; `counts` the pairs of each.
    """

    name = ""
    labels: tuple = ()
    counts = np.zeros(0)

    def __init__(self):
        super().__init__()
        self.dep_params = np.zeros(len(self.labels))

    def update(self, params):
        r, w = self.model.pearson(), self.model.ordered_weights
        self.dep_params = self._moments(r, w, (w * r * r).sum() / w.sum())

    def covariance_matrix(self, expval, index):
        return self.matrix(index), True

    def covariance_matrix_solve(self, expval, index, stdev, rhs):
        sd = stdev / self.model.root_weights(index)
        return [(self.solve(index, (x.T / sd).T).T / sd).T for x in rhs]

    def summary(self):
        return f"{self.name}: {self.dep_params}"

    # supplied by the structures: _moments(r, w, phi), matrix(index), solve(index, x), lowest() -> smallest pivot or eigenvalue


class Independent(Structure):
    """No correlation between rows of a group."""

    name = "independence"

    def _moments(self, r, w, phi):
        return self.dep_params

    def matrix(self, index):
        return np.eye(len(self.model.endog_li[index]))

    def solve(self, index, x):
        return x

    def lowest(self) -> float:
        return 1.0


class Levels(Structure):
    """One correlation for rows of the same group (exchangeable), or one for each level of nested groups.

    Parameters
    ----------
    codes : list of ndarray of int, shape (n,)
        Groups of the rows, outermost first, in the order of the groups.
    starts : ndarray
        Where each group begins in that order, and the end.
    names : sequence of str
        What the levels are called.
    """

    def __init__(self, codes, starts, names):
        self.codes, self.starts = codes, starts
        self.name = "exchangeable" if len(codes) == 1 else "nested"
        self.labels = tuple(f"same {name}" + (f", another {names[k + 1].rpartition(':')[2]}" if k + 1 < len(names) else "")
                            for k, name in enumerate(names))
        sizes = [np.bincount(one) for one in codes]
        total = np.array([(n * (n - 1.0)).sum() / 2.0 for n in sizes])
        self.counts = total - np.append(total[1:], 0.0)
        if not self.counts[0] and len(codes) > 1:
            raise DataError(f"No {names[0]!r} has rows of more than one {names[1]!r}: a nested correlation cannot be estimated. "
                            "Use corr='exchangeable'.")
        self._blocks = [[np.unique(one[a:b], return_inverse=True)[1] for one in codes[1:]]
                        for a, b in zip(starts, starts[1:])]
        super().__init__()

    def _moments(self, r, w, phi):
        kinds, weight = self._products(w * r), self._products(w)
        return np.divide(kinds, phi * weight, out=np.zeros(len(kinds)), where=self.counts > 0)

    def _products(self, x):
        """Sums of x_j x_k over the pairs of each kind."""
        total = np.array([((np.bincount(one, x) ** 2).sum() - x @ x) / 2.0 for one in self.codes])
        return total - np.append(total[1:], 0.0)

    def matrix(self, index):
        n = self.starts[index + 1] - self.starts[index]
        R = np.full((n, n), self.dep_params[0])
        for a, block in zip(self.dep_params[1:], self._blocks[index]):
            R[block[:, None] == block] = a
        np.fill_diagonal(R, 1.0)
        return R

    def solve(self, index, x):
        if len(self.codes) > 1:
            return self._solve(index, x)[0]
        a = self.dep_params[0]  # statsmodels asks group by group, so the inverse of one level is written out
        return (x - a / (1.0 + (len(x) - 1.0) * a) * x.sum(axis=0)) / (1.0 - a)

    def _solve(self, index, x):
        """R^-1 x by one update of rank one for each block, inner blocks first; and the smallest pivot."""
        a = self.dep_params
        y = x / (1.0 - a[-1])
        u = np.full(len(x), 1.0 / (1.0 - a[-1]))
        low = 1.0 - a[-1]
        steps = np.diff(a, prepend=0.0)[::-1]
        for d, block in zip(steps, [*self._blocks[index][::-1], np.zeros(len(x), dtype=int)]):
            Z = np.eye(block.max() + 1)[block]
            s = Z.T @ u
            low = min(low, (1.0 + d * s).min())
            c = (d / (1.0 + d * s))[:, None] * (Z.T @ y.reshape(len(x), -1))
            y = y - (u[:, None] * (Z @ c)).reshape(y.shape)
            u = u / (1.0 + d * s)[block]
        return y, low

    def lowest(self) -> float:
        return min(self._solve(k, np.zeros(b - a))[1] for k, (a, b) in enumerate(zip(self.starts, self.starts[1:])))


class _Timed(Structure):
    """Structures in which the kind of a pair follows from its two times.

    Parameters
    ----------
    places : ndarray of int, shape (n,)
        The time of each row as its place among `times`, in the order of the groups.
    starts : ndarray
    times : ndarray
        The distinct times, sorted.
    """

    def __init__(self, places, starts, times):
        self.times = times
        found, self._which, self._patterns = {}, [], []
        pairs = []
        for a, b in zip(starts, starts[1:]):
            own = places[a:b]
            self._which.append(found.setdefault(own.tobytes(), len(found)))
            if self._which[-1] == len(self._patterns):
                self._patterns.append((own, *np.triu_indices(b - a, 1)))
            _, j, k = self._patterns[self._which[-1]]
            pairs.append((a + j, a + k, *np.sort([own[j], own[k]], axis=0)))
        self._first, self._second, low, high = (np.concatenate(one) for one in zip(*pairs))
        self._kinds = self._kind(low, high)
        self.counts = np.bincount(self._kinds, minlength=self._n_kinds()).astype(float)
        self._inverses = {}
        super().__init__()

    def _means(self, r, w, phi):
        """Weighted means of r_j r_k / phi over the pairs of each kind, and the sums of their weights."""
        weight = w[self._first] * w[self._second]
        total = np.bincount(self._kinds, weight * r[self._first] * r[self._second], minlength=len(self.counts))
        sums = np.bincount(self._kinds, weight, minlength=len(self.counts))
        return total / (phi * np.where(self.counts, sums, 1.0)), sums

    def update(self, params):
        super().update(params)
        self._inverses = {}

    def matrix(self, index):
        return self.among(self._patterns[self._which[index]][0])

    def solve(self, index, x):
        pattern = self._which[index]
        if pattern not in self._inverses:
            self._inverses[pattern] = np.linalg.inv(self.among(self._patterns[pattern][0]))
        return self._inverses[pattern] @ x

    def lowest(self) -> float:
        return min(float(np.linalg.eigvalsh(self.among(own)).min()) for own, *_ in self._patterns)


class Autoregressive(_Timed):
    """AR(1): the correlation a to the power of the distance in time."""

    name, labels = "ar1", ("one unit of time",)

    @property
    def at_edge(self) -> bool:
        """Whether the correlation ran to where the search for it ends."""
        return bool(abs(self.dep_params[0]) >= _EDGE)

    def _kind(self, low, high):
        self._lags, kinds = np.unique(self.times[high] - self.times[low], return_inverse=True)
        return kinds

    def _n_kinds(self):
        return len(self._lags)

    def _moments(self, r, w, phi):
        (means, sums), lags = self._means(r, w, phi), self._lags
        whole = bool((lags == np.round(lags)).all())

        def slope(a):
            return float((sums * lags * a ** (lags - 1.0) * (means - a**lags)).sum())

        def loss(a):
            return float((sums * (means - a**lags) ** 2).sum())

        grid = np.linspace(-_EDGE if whole else 0.001, _EDGE, 400)
        from scipy.optimize import brentq
        best = int(np.argmin([loss(a) for a in grid]))
        left, right = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
        if slope(left) * slope(right) > 0:  # at the edge
            return np.array([grid[best]])
        return np.array([brentq(slope, left, right, xtol=1e-15, rtol=1e-14)])

    def among(self, places):
        at = self.times[places]
        return self.dep_params[0] ** np.abs(at[:, None] - at)


class Unstructured(_Timed):
    """A correlation for each pair of times."""

    name = "unstructured"

    def _kind(self, low, high):
        T = len(self.times)
        self._place = np.zeros((T, T), dtype=int)
        self._place[np.triu_indices(T, 1)] = np.arange(T * (T - 1) // 2)
        self._place += self._place.T
        shown = [f"{t:g}" if isinstance(t, float) else str(t) for t in self.times.tolist()]
        self.labels = tuple(f"{shown[j]}, {shown[k]}" for j, k in zip(*np.triu_indices(T, 1)))
        return self._place[low, high]

    def _n_kinds(self):
        return len(self.labels)

    def _moments(self, r, w, phi):
        return self._means(r, w, phi)[0]

    def among(self, places):
        R = self.dep_params[self._place[places[:, None], places]]
        np.fill_diagonal(R, 1.0)
        return R
