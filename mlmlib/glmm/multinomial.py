"""Categories without an order: the generalized logit, one linear predictor for each category but the first.

    P(y = k) = exp(eta_k) / (1 + sum_l exp(eta_l)),     eta of the reference category = 0,

so that exp(eta_k) is the odds of category k against the reference.  Every predictor has coefficients of its own, named
``category: term``, and random effects of its own, which may be correlated with those of the other categories.

Chapter 18 (``18_categories``) derives the model.

References
----------
Hartzel, J., Agresti, A., & Caffo, B. (2001). Multinomial logit random effects models. Statistical Modelling, 1, 81-102.
Agresti, A. (2013). Categorical Data Analysis (3rd ed.). Wiley, sections 8.1 and 13.5.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from .density import Density, Terms
from .families.multinomial import MULTINOMIAL

__all__ = ["MultinomialDensity"]


class MultinomialDensity(Density):
    """The log-likelihood of unordered categories.

    Parameters
    ----------
    y : array of int, shape (n,)
        Categories, 0 .. C - 1, each in some row; 0 is the reference.
    weights : array, shape (n,), optional

    Attributes
    ----------
    K : int
        Linear predictors a row, C - 1.

    Examples
    --------
    >>> import numpy as np
    >>> rows = MultinomialDensity(np.array([0, 1, 2, 2]))
    >>> rows.probabilities(rows.start()[0])[:, 0].round(2).tolist()
    [0.25, 0.25, 0.5]
    """

    def __init__(self, y, *, weights=None):
        self.family, self.link = MULTINOMIAL, MULTINOMIAL.link_of(None)
        self.y = np.asarray(y, dtype=float)
        self.n, self.trials, self.bounds, self.psi_names = len(self.y), None, None, ()
        self.weights = None if weights is None else np.asarray(weights, dtype=float)
        self.codes = self.y.astype(np.intp)
        self.C = int(self.codes.max()) + 1
        self.K = self.C - 1
        self.seen = (self.codes == np.arange(1, self.C)[:, None]).astype(float)

    def start(self):
        """Linear predictors (K, n) that give the observed shares."""
        counts = np.bincount(self.codes, self.weights, self.C)
        eta = np.log(counts[1:] / counts[0])
        return np.repeat(eta[:, None], self.n, axis=1), np.empty(0)

    def __call__(self, eta, psi, order=3) -> Terms:
        value, p = _softmax(eta)
        own = np.concatenate([np.zeros((1, self.n)), eta])[self.codes, np.arange(self.n)]
        out = Terms(own + value)
        if order > 0:
            K, k = self.K, np.arange(self.K)
            out.d1 = self.seen - p
            out.d2 = p[:, None] * p
            out.d2[k, k] = -p * (1.0 - p)
        if order > 2:  # -(kappa_klm), the third cumulant of an indicator of the category
            pairs = p[:, None] * p
            out.d3 = -2.0 * pairs[:, :, None] * p
            for a in range(K):
                out.d3[a, a] += pairs[a]
                out.d3[a, :, a] += pairs[a]
                out.d3[:, a, a] += pairs[a]
                out.d3[a, a, a] -= p[a]
            out.p = np.empty((0, self.n))
            out.p1, out.p2 = np.empty((0, K, self.n)), np.empty((0, K, K, self.n))
        return out if self.weights is None else out.map(lambda v: v * self.weights)

    def probabilities(self, eta, psi=None) -> np.ndarray:
        """Probability of each category at `eta` (K, ...), shape (C, ...)."""
        value, p = _softmax(np.asarray(eta, dtype=float))
        return np.concatenate([np.exp(value)[None], p])

    def mean(self, eta, psi):
        """Probabilities of all categories but the reference, shape of eta."""
        return self.probabilities(eta)[1:]

    def variance(self, eta, psi):
        """Variances of the indicators of all categories but the reference, shape of eta."""
        p = self.probabilities(eta)[1:]
        return p * (1.0 - p)

    def simulate(self, eta, psi, rng):
        """Categories drawn at ``eta`` (K, ...), 0 .. C - 1."""
        below = np.cumsum(self.probabilities(eta), axis=0)[:-1]
        return (rng.random(below.shape[1:]) > below).sum(axis=0).astype(float)

    def cdf(self, y, eta, psi):
        raise DataError("Categories without an order have no cumulative distribution function.")

    def reported(self, psi):
        """Categories have no parameters besides the coefficients."""
        return []

    def replaced(self, y, weights=None):
        """The same density for other outcomes of the same rows."""
        if len(np.unique(np.asarray(y).astype(np.intp))) < self.C:
            raise DataError("The new outcome lacks a category that the fit had, so that its coefficients are not "
                            "determined.")
        return MultinomialDensity(y, weights=self.weights if weights is None else weights)


def _softmax(eta):
    """Log probability of the reference, (...), and probabilities of the others, (K, ...)."""
    top = np.maximum(eta.max(axis=0), 0.0)
    each = np.exp(eta - top)
    total = np.exp(-top) + each.sum(axis=0)
    return -top - np.log(total), each / total
