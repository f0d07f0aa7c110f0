"""The result of a model of ordered categories: thresholds, and probabilities of categories.

Chapter 18 (``18_categories``) reads one.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from ..new_rows import new_rows
from ..results import normal_quantile
from .averaging import average
from .categories import CategoryResult
from .predictors import predictors, quadratic

__all__ = ["OrdinalResult"]


class OrdinalResult(CategoryResult):
    """A fitted model of ordered categories.

    Attributes
    ----------
    categories : list
        The outcome's categories, lowest first.
    thresholds : Series
        Where one category ends and the next begins on the scale of the linear predictor, ``"1|2"`` ...; with a nominal
        part also what its predictors add, ``"1|2: temp[T.warm]"``.
    nominal : tuple of str
        Predictors by which the thresholds differ.

    Notes
    -----
    Chapter 18 (``18_categories``).  P(y <= j) = F(threshold_j - x'b - z'u): a positive coefficient makes high categories
    more probable, as in clm, clmm, polr and Stata.  With the logit link exp(b) is the ratio of the odds of a higher
    category.  The other attributes are those of `GlmmResult`.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("rating ~ temp + (1 | judge)", mlm.load("wine"), family="ordinal", nominal="~ contact")
    >>> fit.nominal, fit.thresholds.round(2).iloc[:2].to_dict()
    (('contact[T.yes]',), {'1|2': -1.62, '2|3': 1.52})
    >>> fit.threshold_table().round(2).loc["1|2"].tolist()
    [-1.62, 0.73, -2.21, -3.06, -0.19]
    """

    @property
    def nominal(self) -> tuple[str, ...]:
        return () if self.model.nominal is None else self.model.nominal.names

    @property
    def _threshold_names(self) -> list[str]:
        labels = [str(one) for one in self.categories]
        plain = [f"{low}|{high}" for low, high in zip(labels, labels[1:])]
        return plain + [f"{own}: {name}" for name in self.nominal for own in plain]

    @cached_property
    def _threshold_values(self) -> np.ndarray:
        changes, t = self.density.changes(self._psi), self.density.thresholds(self._psi)
        if not self.nominal:
            return t
        return np.concatenate([t - (changes * self.density.middle).sum(axis=0), changes.ravel()])

    @cached_property
    def _threshold_slopes(self) -> np.ndarray:
        """Derivatives of the reported thresholds in psi."""
        m, r = len(self.categories) - 1, len(self.nominal)
        out = np.eye(m * (1 + r))
        out[:m, :m] = self.density.threshold_slopes(self._psi)
        for k in range(r):
            out[:m, m * (1 + k):m * (2 + k)] = -self.density.middle[k, 0] * np.eye(m)
        return out

    @cached_property
    def _joint_cov(self) -> np.ndarray:
        """Covariance of (thresholds, coefficients)."""
        p, m = len(self._params), len(self._psi)
        size = len(self._x_cov)
        turn = np.zeros((m + p, size))
        turn[:m, size - m:] = self._threshold_slopes
        turn[m:, :p] = self._back
        used = [*range(p), *range(size - m, size)]
        return turn[:, used] @ self._x_cov[np.ix_(used, used)] @ turn[:, used].T

    @property
    def thresholds(self):
        from .. import frames as pd
        return pd.Series(self._threshold_values.copy(), index=self._threshold_names, name="threshold")

    def threshold_table(self, level: float = 0.95):
        """Thresholds with standard errors, z and intervals (DataFrame).

        Parameters
        ----------
        level : float

        Returns
        -------
        DataFrame
            Columns ``estimate``, ``se``, ``z``, ``lower``, ``upper``.

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.glmm("rating ~ temp + contact + (1 | judge)", mlm.load("wine"), family="ordinal")
        >>> fit.threshold_table()[["estimate", "se"]].round(3).values.tolist()
        [[-1.624, 0.682], [1.513, 0.604], [4.229, 0.809], [6.089, 0.972]]
        """
        from .. import frames as pd
        value, z = self._threshold_values, normal_quantile(level)
        se = np.sqrt(np.diagonal(self._joint_cov)[:len(value)])
        return pd.DataFrame({"estimate": value, "se": se, "z": value / se, "lower": value - z * se,
                             "upper": value + z * se},
                            index=self._threshold_names)

    def cov_params(self, thresholds: bool = False):
        """Covariance matrix of the coefficients (DataFrame); with `thresholds` these first, as in R's clm and clmm."""
        from .. import frames as pd
        if not thresholds:
            return super().cov_params()
        names = [*self._threshold_names, *self._names]
        return pd.DataFrame(self._joint_cov.copy(), index=names, columns=names)

    @property
    def resid(self):
        """Number of the category, 1 to C, less its expected value (Series)."""
        return self._row_series(self.design.y + 1.0 - self._mu, "resid")

    # tests of terms

    def _with_intercept(self):
        from ..design import Encoder
        design = self.design
        X = np.column_stack([np.ones(len(design.y)), design.X])
        return replace(design, X=X, exog_names=("Intercept", *design.exog_names),
                       encoder=Encoder(((), *design.encoder.terms), design.encoder.infos))

    def _of_contrast(self, C):
        return C[:, 1:]

    # probabilities

    def _nominal_of(self, data):
        part = self.model.nominal
        return None if part is None else part.columns if data is None else part.of(data)

    def _mean_at(self, x, data, groups) -> np.ndarray:
        """Probabilities (C, rows) of new rows at a point (b, theta, psi), in a typical group or averaged over groups."""
        psi, nominal = self.model.criterion.split(x)[2], self._nominal_of(data)
        eta = self.design.fixed_matrix(data) @ self.model.coefficients(x) + self.design.offset_of(data)
        if groups != "average" or not self.design.random:
            return self.density.probabilities(eta, psi, nominal)
        variance = np.zeros(len(eta))
        for term, factor in zip(self.design.random, self.model.factors(x)):
            own = new_rows(replace(self.design, random=(term,)), term.group, data, False)
            variance += own.variance_of_new(factor @ factor.T)
        return average(lambda at, rows: self.density.probabilities(at, psi, None if nominal is None else nominal[:, rows]), eta,
                       variance)

    def _probabilities(self, data, groups, new_groups) -> np.ndarray:
        at = predictors(self, data, groups, new_groups, derivatives=False)
        nominal, psi = self._nominal_of(data), self._psi
        if not np.any(at.variance > 0):
            return self.density.probabilities(at.eta, psi, nominal)
        return average(lambda eta, rows: self.density.probabilities(eta, psi, None if nominal is None else nominal[:, rows]),
                       at.eta, at.variance)

    def _probabilities_with_se(self, data, groups, new_groups):
        """Probabilities and their standard errors, each (C, rows)."""
        at = predictors(self, data, groups, new_groups, derivatives=True)
        nominal, psi = self._nominal_of(data), self._psi
        m, P = len(self.categories) - 1, at.gradient.shape[1]

        def parts(eta, rows):
            """Of each category: probability, first and second derivative in eta, those in its two thresholds."""
            found = []
            for own in self.density.stretches(eta, psi, None if nominal is None else nominal[:, rows]):
                p = np.exp(own.value)
                found += [p, p * own.d1, p * (own.d2 + own.d1**2), p * own.upper[0], p * own.lower[0]]
            return np.stack(found)

        made = average(parts, at.eta, at.variance).reshape(m + 1, 5, -1)
        slopes = np.zeros((m + 2, len(psi), made.shape[2]))  # of each threshold of each row in psi
        slopes[1:-1, :m] = self.density.threshold_slopes(psi)[:, :, None]
        if nominal is not None:
            w = nominal - self.density.middle
            for r in range(len(w)):
                for j in range(m):
                    slopes[1 + j, m * (1 + r) + j] = w[r]
        value, se = np.empty((2, m + 1, made.shape[2]))
        for k, (p, slope, bend, up, low) in enumerate(made):
            gradient = slope[:, None] * at.gradient + 0.5 * bend[:, None] * at.slopes
            gradient[:, P - len(psi):] += (up * slopes[k + 1] + low * slopes[k]).T
            value[k], se[k] = p, np.sqrt(quadratic(gradient, self._x_cov) + slope**2 * at.open)
        return value, se
