"""Ordered categories: cumulative links, with thresholds in place of an intercept.

A latent variable eta + e is seen in stretches.  With thresholds t_1 < ... < t_(C-1)

    P(y <= j) = F(t_j - eta),     eta = x'b + z'u,

so that a positive coefficient moves outcomes to higher categories: the sign of clm and clmm, of Stata's meologit and
of MASS::polr.  Thresholds are kept in order by their scale: the first, and the logarithms of the distances between
neighbors.  With a nominal part they differ by row, t_ij = t_j + w_i'd_j (partial proportional odds).

Chapter 18 (``18_categories``) derives the model.

References
----------
McCullagh, P. (1980). Regression models for ordinal data. Journal of the Royal Statistical Society B, 42, 109-142.
Peterson, B., & Harrell, F. E. (1990). Partial proportional odds models for ordinal response variables. Applied
Statistics, 39, 205-217.
Christensen, R. H. B. (2019). ordinal: regression models for ordinal data. R package.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from .cumulative import LINKS
from .density import Density, Terms
from .families.ordinal import ORDINAL

__all__ = ["OrdinalDensity"]


class OrdinalDensity(Density):
    """The log-likelihood of ordered categories.

    Parameters
    ----------
    y : array of int, shape (n,)
        Categories, 0 .. C - 1, each in some row.
    link : str
    weights : array, shape (n,), optional
    nominal : array, shape (r, n), optional
        Columns by which the thresholds differ, without the intercept.

    Attributes
    ----------
    psi_names : tuple of str
        The first threshold, logarithms of the distances between neighbors, then the changes of each threshold by each
        nominal column, from the column's mean.

    Examples
    --------
    >>> import numpy as np
    >>> rows = OrdinalDensity(np.array([0, 1, 2, 1]), "logit")
    >>> rows.thresholds(rows.start()[1]).round(3).tolist()
    [-1.099, 1.099]
    >>> rows.probabilities(np.zeros(1), rows.start()[1]).ravel().round(3).tolist()
    [0.25, 0.5, 0.25]
    """

    def __init__(self, y, link=None, *, weights=None, nominal=None):
        self.family, self.link = ORDINAL, ORDINAL.link_of(link)
        self.y = np.asarray(y, dtype=float)
        self.n, self.trials, self.bounds = len(self.y), None, None
        self.weights = None if weights is None else np.asarray(weights, dtype=float)
        self.codes = self.y.astype(np.intp)
        self.C = int(self.codes.max()) + 1
        self.nominal = None if nominal is None else np.asarray(nominal, dtype=float)
        self.middle = None if self.nominal is None else self.nominal.mean(axis=1, keepdims=True)
        names = ["threshold 1", *(f"log distance {j} to {j + 1}" for j in range(1, self.C - 1))]
        for r in range(0 if self.nominal is None else len(self.nominal)):
            names += [f"change of threshold {j} by column {r + 1}" for j in range(1, self.C)]
        self.psi_names = tuple(names)
        self._stretch = LINKS[self.link.name]

    def start(self):
        """Linear predictors of zero, and the thresholds that give the observed shares."""
        counts = np.bincount(self.codes, self.weights, self.C)
        below = np.cumsum(counts)[:-1] / counts.sum()
        psi = np.zeros(len(self.psi_names))
        psi[:self.C - 1] = self.free(self.link.eta(below))
        return np.zeros(self.n), psi

    def free(self, thresholds) -> np.ndarray:
        """Thresholds on the real line."""
        return np.concatenate([thresholds[:1], np.log(np.diff(thresholds))])

    def thresholds(self, psi) -> np.ndarray:
        """Thresholds, shape (C - 1,); with a nominal part those at its columns' means."""
        return np.cumsum(np.concatenate([psi[:1], np.exp(np.minimum(psi[1:self.C - 1], 300.0))]))

    def threshold_slopes(self, psi) -> np.ndarray:
        """Derivatives of the thresholds in psi, shape (C - 1, C - 1)."""
        each = np.concatenate([[1.0], np.exp(np.minimum(psi[1:self.C - 1], 300.0))])
        return np.tril(np.broadcast_to(each, (self.C - 1,) * 2))

    def changes(self, psi) -> np.ndarray:
        """What a unit of each nominal column adds to each threshold, shape (r, C - 1)."""
        return psi[self.C - 1:].reshape(-1, self.C - 1)

    def row_thresholds(self, psi, nominal=None) -> np.ndarray:
        """Thresholds of each row, shape (C - 1, n); (C - 1, 1) where all have the same."""
        t = self.thresholds(psi)[:, None]
        if self.middle is None:
            return t
        w = (self.nominal if nominal is None else np.asarray(nominal, dtype=float)) - self.middle
        return t + np.einsum("rj,rn->jn", self.changes(psi), w)

    def __call__(self, eta, psi, order=3) -> Terms:
        t = self.row_thresholds(psi)
        crossed = (np.diff(t, axis=0) <= 0).any(axis=0)
        if crossed.any() or not np.isfinite(t).all():
            return self._nowhere(order)
        ends = np.concatenate([np.full_like(t[:1], -np.inf), t, np.full_like(t[:1], np.inf)])
        at = np.arange(self.n) if ends.shape[1] > 1 else 0
        found = self._stretch(ends[self.codes + 1, at] - eta, ends[self.codes, at] - eta)
        out = Terms(found.value) if order == 0 else Terms(*found[:3]) if order == 2 else self._all(found, psi)
        return out if self.weights is None else out.map(lambda v: v * self.weights)

    def _all(self, found, psi) -> Terms:
        """The third derivative and those in psi too."""
        m = self.C - 1
        slopes = np.zeros((m, m + 2))
        slopes[:, 1:-1] = self.threshold_slopes(psi).T
        top, bottom = slopes[:, self.codes + 1], slopes[:, self.codes]
        parts = [top * up + bottom * low for up, low in zip(found.upper, found.lower)]
        if self.nominal is not None:
            own = np.zeros((m, m + 2))
            own[:, 1:-1] = np.eye(m)
            top, bottom, w = own[:, self.codes + 1], own[:, self.codes], self.nominal - self.middle
            for k, (up, low) in enumerate(zip(found.upper, found.lower)):
                change = top * up + bottom * low
                parts[k] = np.concatenate([parts[k], (w[:, None] * change).reshape(-1, self.n)])
        return Terms(*found[:4], *parts)

    def _nowhere(self, order) -> Terms:
        """Thresholds out of order: no such outcome."""
        zero = np.zeros(self.n)
        value = np.full(self.n, -np.inf)
        none = np.zeros((len(self.psi_names), self.n))
        return Terms(value) if order == 0 else Terms(value, zero, zero) if order == 2 else Terms(
            value, zero, zero, zero, none, none, none)

    def stretches(self, eta, psi, nominal=None):
        """`Stretch` of each category at `eta` (..., rows), one after the other; `nominal` are the columns of new rows."""
        eta = np.asarray(eta, dtype=float)
        t = self.row_thresholds(psi, nominal)
        ends = np.concatenate([np.full_like(t[:1], -np.inf), t, np.full_like(t[:1], np.inf)])
        for low, high in zip(ends, ends[1:]):
            yield self._stretch(high - eta, low - eta)

    def probabilities(self, eta, psi, nominal=None) -> np.ndarray:
        """Probability of each category at `eta` (..., rows), shape (C, ..., rows)."""
        return np.stack([np.exp(own.value) for own in self.stretches(eta, psi, nominal)])

    def mean(self, eta, psi):
        """Expected category, the lowest being 1."""
        return np.tensordot(np.arange(1.0, self.C + 1), self.probabilities(eta, psi), 1)

    def variance(self, eta, psi):
        """Variance of the category's number."""
        numbers = np.arange(1.0, self.C + 1)
        p = self.probabilities(eta, psi)
        return np.tensordot(numbers**2, p, 1) - np.tensordot(numbers, p, 1) ** 2

    def cdf(self, y, eta, psi):
        """Probability of a category of at most ``y``, 0 .. C - 1; 0 below."""
        below = np.concatenate([np.zeros((1, *np.shape(eta))), np.cumsum(self.probabilities(eta, psi), axis=0)])
        place = np.clip(np.floor(np.asarray(y, dtype=float)).astype(np.intp) + 1, 0, self.C)
        return np.take_along_axis(below, np.broadcast_to(place, np.shape(eta))[None], axis=0)[0]

    def simulate(self, eta, psi, rng):
        """Categories drawn at ``eta``, 0 .. C - 1."""
        eta = np.asarray(eta, dtype=float)
        below = np.cumsum(self.probabilities(eta, psi), axis=0)[:-1]
        return (rng.random(eta.shape) > below).sum(axis=0).astype(float)

    def reported(self, psi):
        """Thresholds are reported by themselves: see `thresholds`."""
        return []

    def replaced(self, y, weights=None):
        """The same density for other outcomes of the same rows."""
        codes = np.asarray(y).astype(np.intp)
        if len(np.unique(codes)) < self.C:
            raise DataError("The new outcome lacks a category that the fit had, so that its threshold is not "
                            "determined.")
        return OrdinalDensity(y, self.link, weights=self.weights if weights is None else weights, nominal=self.nominal)

