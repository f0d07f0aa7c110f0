"""The result of generalized estimating equations.

Chapter 20 (``20_gee_and_robust``) reads one line by line.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..errors import DataError
from ..glmm.families import family as find_family
from ..results import normal_quantile
from .fit import fit_rows
from .marginal import Marginal

__all__ = ["GeeResult"]


class GeeResult(Marginal):
    """A marginal model fitted by generalized estimating equations.

    Attributes
    ----------
    params, bse, tvalues, pvalues : Series
        Coefficients; standard errors of the kind `cov`; their ratio; p from the normal distribution.
    cov : str
        ``"robust"``, ``"model"``, ``"mancl-derouen"`` or ``"kauermann-carroll"``.
    scale : float
        phi: the working variance of row i is ``phi V(mu_i) / w_i``.
    corr : str
        The working correlation.
    family, link
        With the attribute `name`; of nbinom2 also ``family.theta``.
    converged : bool
        True when the estimating equations are zero, to 1e-8 of the size of their terms.
    n_iterations : int
    messages : tuple of str
        What the reader should know: dropped rows, few groups, no convergence.

    Notes
    -----
    Chapter 20 (``20_gee_and_robust``) reads one.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.gee("resp ~ age + smoke", mlm.load("ohio"), groups="id", family="binomial")
    >>> fit.method, fit.time_name, fit.reml
    ('gee', None, None)
    >>> fit.se_table().round(4)
               robust   model  mancl-derouen  kauermann-carroll
    Intercept  0.1139  0.1148         0.1142             0.1141
    age        0.0439  0.0435         0.0439             0.0439
    smoke      0.1777  0.1769         0.1785             0.1781
    >>> fit.resid_pearson.round(2).tolist()[0]
    -0.44
    >>> fit.llf
    Traceback (most recent call last):
    AttributeError: GEE has no likelihood, hence neither llf nor AIC and BIC; compare fits by fit.qic().
    """

    family: Any
    scale: float
    _rows: Any
    _options: dict
    _given: dict
    _exposure: Any

    def __init__(self, design, levels, rows, family, link, structure, solved, options, *, cov, messages=(), given=None):
        theta, known, given = options["theta"], find_family(family), given or {}
        own = SimpleNamespace(name=family, discrete=known.discrete, support=known.support, **({} if theta is None else {"theta": theta}))
        self._freeze(design=design, _levels=levels, _rows=rows, family=own, link=link, structure=structure, _solved=solved,
                     _options=options, cov=cov, _given=given, _exposure=given.get("exposure"), time_name=given.get("time"),
                     model=SimpleNamespace(**{f"{name}_option": given.get(name) for name in ("trials", "exposure", "weights")}),
                     _names=design.exog_names, _back=rows.back,
                     _params=rows.back @ solved.b, scale=solved.phi, corr=options["corr"], converged=solved.converged,
                     n_iterations=solved.steps, n_params=design.X.shape[1])
        self._freeze(_cov=self._covariance(None), messages=(*messages, *self._few(), *self._troubles()))

    def _troubles(self):
        if not self.converged:
            yield (f"The estimating equations are not solved after {self.n_iterations} steps: do not use these numbers. Choose a "
                   "simpler corr=, or look for extreme values.")
        low = self.structure.lowest()
        if low <= 1e-10:
            yield ("The estimated working correlation is not positive definite, so it is no correlation matrix: choose a simpler "
                   "corr=, such as 'exchangeable'.")
        if getattr(self.structure, "at_edge", False):
            yield (f"The correlation of rows one unit of time apart runs to {self.structure.dep_params[0]:g}, where the search for it ends: "
                   "neighbors in time tell the same. Choose another corr=, such as 'exchangeable'.")
        if self.corr != "independence" and self.structure.name == "independence":
            yield "Every group has one row: there is no correlation to estimate."
        pairs = len(self.structure.labels)
        if pairs > len(self._levels[0][2]):
            yield f"{pairs} correlations are estimated from {len(self._levels[0][2])} groups: choose a simpler corr=."

    # the working correlation

    @property
    def correlations(self):
        """The estimated correlations (DataFrame): a row for each, columns ``estimate`` and ``pairs`` (of rows; of AR(1) all)."""
        from .. import frames as pd
        one = self.structure
        counts = [one.counts.sum()] if one.name == "ar1" else one.counts
        return pd.DataFrame({"estimate": np.array(one.dep_params, float), "pairs": np.asarray(counts, dtype=int)},
                            index=pd.Index(list(one.labels), name=one.name))

    def working_correlation(self, group=None):
        """Working correlation matrix of a group's rows (DataFrame).

        Parameters
        ----------
        group : optional
            Label of the group; the largest when left out.

        Returns
        -------
        DataFrame
            Named by time where the fit has `time`, else by place in the group.
        """
        from .. import frames as pd
        labels, starts = list(self._levels[0][2]), self._rows.starts
        if group is not None and group not in labels:
            raise ValueError(f"There is no group {group!r}; the first is {labels[0]!r}.")
        k = int(np.argmax(np.diff(starts))) if group is None else labels.index(group)
        a, b = starts[k], starts[k + 1]
        names = np.arange(1, b - a + 1) if self._rows.time is None else self._rows.time[a:b]
        return pd.DataFrame(np.array(self.structure.matrix(k)), index=names, columns=names)

    # fitted values

    def _in_order(self, values) -> np.ndarray:
        out = np.empty(len(values))
        out[self._rows.order] = values
        return out

    @property
    def fittedvalues(self):
        """Expected outcomes of the rows used (Series); of trials the expected count."""
        trials = self.design.extra["trials"]
        return self._row_series(self._in_order(self._solved.mean) * (1.0 if trials is None else trials), "fitted")

    @property
    def linear_predictor(self):
        """Linear predictors of the rows used (Series)."""
        return self._row_series(self._in_order(self._solved.eta), "eta")

    @property
    def resid(self):
        """Outcome less fitted values (Series)."""
        return self._row_series(self.design.y - self.fittedvalues.to_numpy(), "resid")

    @property
    def resid_pearson(self):
        """Pearson residuals ``sqrt(w) (y - mu) / sqrt(V(mu))`` (Series)."""
        from .families import statsmodels_family
        theta = self._options["theta"]
        variance = statsmodels_family(self.family.name, None, None if theta is None else 1.0 / theta)[0].variance
        r = (self._rows.y - self._solved.mean) / np.sqrt(variance(self._solved.mean))
        return self._row_series(self._in_order(r if self._rows.weights is None else r * np.sqrt(self._rows.weights)), "resid")

    def predict(self, data=None, *, scale: str = "response", interval: str | None = None, level: float = 0.95):
        """Expected outcomes, averaged over groups, of new rows or of those of the fit.

        Parameters
        ----------
        data : table, optional
        scale : {"response", "link"}
            Means (of trials the probability), or linear predictors.
        interval : {"confidence"}, optional
            By the covariance of the fit, from the scale of the linear predictor.
        level : float

        Returns
        -------
        Series
            With `interval` a DataFrame: ``mean``, ``se``, ``lower``, ``upper``.

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.gee("resp ~ age * smoke", mlm.load("ohio"), groups="id", family="binomial")
        >>> fit.predict({"age": [0, 0], "smoke": [0, 1]}).round(3).tolist()
        [0.13, 0.17]
        """
        from .. import frames as pd
        if scale not in ("response", "link"):
            raise ValueError(f"scale={scale!r} must be 'response' or 'link'.")
        if interval not in (None, "confidence"):
            raise ValueError(f"interval={interval!r}: GEE has interval='confidence' alone, for it models means and no distribution.")
        X, eta = (self.design.X, self.linear_predictor.to_numpy()) if data is None else self._new(data)
        index = self.design.index() if data is None else getattr(data, "index", None)
        index = None if callable(index) else index
        mean = self.link.mean(eta) if scale == "response" else eta
        if interval is None:
            return pd.Series(mean, index=index, name="predicted")
        half, se = normal_quantile(level), np.sqrt(np.einsum("ij,jk,ik->i", X, self._cov, X))
        low, high = eta - half * se, eta + half * se
        if scale == "response":
            ends = np.sort([self.link.mean(low), self.link.mean(high)], axis=0)
            se, low, high = np.abs(self.link.derivatives(eta)[1]) * se, *ends
        return pd.DataFrame({"mean": mean, "se": se, "lower": low, "upper": high}, index=index)

    def _new(self, data):
        X = self.design.fixed_matrix(data)
        eta = X @ self._params + self.design.offset_of(data)
        if self._exposure is not None:
            if not isinstance(self._exposure, str):
                raise DataError("The exposure of the fit was given as values, which new rows do not have; name a column.")
            from ..table import Table
            eta = eta + np.log(Table(data)[self._exposure])
        return X, eta

    def ratios(self, level: float = 0.95, *, intercept: bool = False):
        """Exponentiated coefficients, called what they are: odds ratios, rate ratios ..., averaged over groups.

        Parameters
        ----------
        level : float
        intercept : bool

        Returns
        -------
        Ratios
            See `mlmlib.glmm.ratios.ratios`.

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.gee("resp ~ age * smoke", mlm.load("ohio"), groups="id", family="binomial")
        >>> round(fit.ratios()["smoke"], 3)
        1.369
        """
        from ..glmm.ratios import ratios
        if self.link.name == "identity":
            raise DataError("With the identity link coefficients are differences of means; their exponentials have no name.")
        found = ratios(self, level, intercept=intercept)
        return replace(found, kind=f"marginal {found.kind}", notes=("Averaged over groups.", *found.notes[1:]))

    def margins(self, over=None, at=None, *, dydx=None, level: float = 0.95, scale: str = "response"):
        """Average expected outcomes, or marginal effects: see `mlmlib.inference.marginal_margins.marginal_margins`."""
        from ..inference.marginal_margins import marginal_margins
        return marginal_margins(self, over, at, dydx=dydx, level=level, scale=scale)

    def influence(self):
        """The groups by what they do to the coefficients (DataFrame): see `mlmlib.gee.deletion.influence`."""
        from .deletion import influence
        return influence(self)

    def qic(self, *, scale: float = 1.0):
        """Quasi-likelihood information criteria (Series): ``QIC``, ``QICu``, ``quasi_likelihood``, ``CIC``, ``params``.

        See `mlmlib.gee.qic.qic`.
        """
        from .qic import qic
        return qic(self, scale)

    def refit(self, y) -> GeeResult:
        """The same model of other outcomes, shape (nobs,)."""
        y = np.asarray(y, dtype=float)
        if y.shape != (self.nobs,) or not np.isfinite(y).all():
            raise DataError(f"refit needs {self.nobs} finite outcomes, one for each row used.")
        return self._again(replace(self.design, y=y))

    def _again(self, design=None, **changes) -> GeeResult:
        options = {**self._options, **changes}
        found = fit_rows(self.design if design is None else design, self._levels, self.family.name, **options)
        return GeeResult(*found, cov=self.cov, messages=self.design.messages, given=self._given)
