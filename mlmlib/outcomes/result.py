"""The result of a model with several outcomes."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Self

import numpy as np

from ..errors import DataError
from ..lmm.row_result import RowResult
from ..table import Table
from .encoder import ALL
from .stack import long_table
from .variances import OutcomeVariances, correlations, icc

__all__ = ["MultivariateResult"]


class MultivariateResult(RowResult):
    """A fitted linear (mixed) model of several outcomes.

    As `RowResult`, rows being pairs of unit and outcome (`fittedvalues`, `resid` and the like have both in their index),
    coefficients and random effects being named ``"written: gender[T.M]"``, and:

    Attributes
    ----------
    outcomes : tuple of str
    n_units : int
        Rows of the table of which at least one outcome is used; `nobs` counts outcomes.
    sigma : float
        Residual standard deviation of the first outcome; `residual_cov` has all.

    Notes
    -----
    Chapter 15 (``15_multivariate``) reads one.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.multivariate("course + written ~ 1 + (1 | school)", mlm.load("gcsemv"))
    >>> fit.outcomes, fit.n_units
    (('course', 'written'), 1905)
    >>> fit.wide_endog.shape
    (1905, 2)
    >>> fit.residual_table().round(2)
                                                name  estimate    se  lower  upper
    0                      un: corr(course, written)      0.44  0.02   0.40   0.48
    1  by_group(outcome): sd ratio(written / course)      0.81  0.02   0.78   0.85
    >>> fit.residual_structure
    [('correlation', 'unstructured correlation in outcome within unit'), ('variance', 'by group of outcome')]
    >>> fit.residual_sd.round(2).unique().tolist()
    [11.21, 13.82]
    >>> names, cov = fit.every_variance_cov()
    >>> names[-1]
    'atanh corr(Residual: course, written)'
    """

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The outcomes' names."""
        return self.design.outcomes

    @property
    def n_units(self) -> int:
        """Units with at least one outcome."""
        return int(self.design.unit.max()) + 1

    @property
    def data(self):
        """The table as given, a row a unit."""
        return self.design.wide.data

    @property
    def wide_endog(self):
        """The outcomes, a row a unit and a column an outcome, NaN where missing (DataFrame)."""
        return self.unstack(self.design.y)

    def unstack(self, values):
        """Values of the stacked rows, shape (nobs,), as a table of units and outcomes (DataFrame).

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.multivariate("course + written ~ 1 + (1 | school)", mlm.load("gcsemv"))
        >>> fit.unstack(fit.fittedvalues).shape
        (1905, 2)
        """
        from .. import frames as pd
        values = np.asarray(values, dtype=float)
        if values.shape != (self.nobs,):
            raise ValueError(f"unstack needs {self.nobs} values, one for each stacked row; these have the shape "
                             f"{values.shape}.")
        out = np.full((self.n_units, len(self.outcomes)), np.nan)
        out[self.design.unit, self.design.outcome] = values
        return pd.DataFrame(out, index=self._unit_index(), columns=list(self.outcomes))

    def _unit_index(self):
        wide = self.design.wide
        index = getattr(wide.data, "index", None)
        index = np.arange(Table(wide.data).n) if index is None or callable(index) else index
        return index if wide.kept is None else index[wide.kept]

    # variances

    @cached_property
    def _residual_cov(self) -> np.ndarray:
        rows, psi, K = self.model.rows, self.model.psi, len(self.outcomes)
        sd = np.ones(K)
        sd[1:] = rows.natural(psi)[-(K - 1):]
        sd *= self.sigma
        return rows.correlation.table(psi[rows.places[0]]) * np.outer(sd, sd)

    @cached_property
    def _every_variance(self) -> OutcomeVariances:
        return OutcomeVariances(self)

    @property
    def variance_components(self):
        """Variances and covariances of every level with standard errors and 95 % intervals (DataFrame)."""
        return self._every_variance.components()

    def random_table(self, scale: str = "variance", level: float = 0.95):
        """The same on the scale of variances, or of standard deviations and correlations: see `LmmResult.random_table`."""
        return self._every_variance.table(scale, level)

    def every_variance_cov(self):
        """Names and covariance matrix of (log sd ..., atanh corr ...) of every level, the residuals' last.

        `variance_cov` has the residuals as log sigma, that of the first outcome.
        """
        return list(self._every_variance.names), self._every_variance.cov.copy()

    def residual_cov(self, correlation: bool = False):
        """Covariance matrix of one unit's outcomes given the groups, the level-1 covariance (DataFrame).

        Parameters
        ----------
        correlation : bool
            Correlations instead.

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.multivariate("course + written ~ gender + (1 | school)", mlm.load("gcsemv"), reml=False)
        >>> fit.residual_cov().round(1).to_numpy().tolist()
        [[180.1, 72.7], [72.7, 124.4]]
        """
        return self._matrix(self._residual_cov, self.outcomes, correlation)

    def covariance_matrix(self, group: str | None = None, correlation: bool = False):
        """Covariance (or correlation) matrix of a grouping factor's random effects, all outcomes together (DataFrame)."""
        T = super().covariance_matrix(group)
        return self._matrix(T.to_numpy(), T.index, correlation)

    @staticmethod
    def _matrix(values, names, correlation):
        from .. import frames as pd
        if correlation:
            sd = np.sqrt(np.diagonal(values))
            with np.errstate(all="ignore"):
                values = values / np.outer(sd, sd)
        return pd.DataFrame(np.array(values), index=list(names), columns=list(names))

    def correlations(self, level: float = 0.95):
        """Correlations between outcomes (and effects) at every level, with standard errors and intervals.

        Parameters
        ----------
        level : float

        Returns
        -------
        DataFrame
            Columns ``level`` (a grouping factor, or ``"Residual"``), ``pair``, ``correlation``, ``se``, ``lower``,
            ``upper``; delta method on atanh of the correlation.

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.multivariate("course + written ~ gender + (1 | school)", mlm.load("gcsemv"), reml=False)
        >>> fit.correlations()[["level", "correlation", "se"]].round(3).to_numpy().tolist()
        [['school', 0.421, 0.115], ['Residual', 0.486, 0.02]]
        """
        return correlations(self, level)

    def icc(self, level: float = 0.95):
        """The intraclass correlation of each outcome, with standard errors and intervals (DataFrame).

        For models with one random term, ``(1 | group)``; intervals are symmetric in the logit.

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.multivariate("course + written ~ 1 + (1 | school)", mlm.load("gcsemv"))
        >>> fit.icc()["icc"].round(3).to_dict()
        {'course': 0.283, 'written': 0.281}
        """
        return icc(self, level)

    # rows

    def predict(self, data=None, random_effects: bool = True, new_groups: str = "population", **options):
        """Predict every outcome.

        Parameters
        ----------
        data : table, optional
            New rows, a unit each; those of the fit when left out, with all outcomes, observed or not.
        random_effects, new_groups, **options
            As for `LmmResult.predict`.  What a unit has in one outcome is not used to predict its others.

        Returns
        -------
        DataFrame
            A row a unit and a column an outcome; with ``interval=`` a row for each unit and outcome.

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.multivariate("course + written ~ gender + (1 | school)", mlm.load("gcsemv"))
        >>> fit.predict({"gender": ["F", "M"], "school": [22520, 1]}).round(1).to_numpy().tolist()
        [[59.7, 35.0], [69.6, 49.0]]
        """
        wide, K = self.design.wide, len(self.outcomes)
        rows = None
        if data is None:
            data, rows = wide.data, None if wide.kept is None else np.flatnonzero(wide.kept)
        rows = np.arange(Table(data).n) if rows is None else rows
        if "weights" in options:
            options["weights"] = self._spread(options["weights"])
        found = super().predict(self._long(data, rows), random_effects, new_groups, **options)
        if found.ndim == 2:
            return found
        from .. import frames as pd
        index = getattr(data, "index", None)
        index = None if index is None or callable(index) else index[rows]
        return pd.DataFrame(found.to_numpy().reshape(-1, K), index=index, columns=list(self.outcomes))

    def simulate(self, n: int = 1, seed: int | None = None, random_effects: str = "new", *, data=None,
                 weights=None) -> np.ndarray:
        """Draw outcomes from the fitted model.

        Parameters
        ----------
        n, seed, random_effects, weights
            As for `LmmResult.simulate`.
        data : table, optional
            New rows, a unit each.

        Returns
        -------
        ndarray, shape (n, nobs), or (n, units, outcomes) for new rows
            The first for ``refit`` and ``unstack``.

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.multivariate("course + written ~ gender + (1 | school)", mlm.load("gcsemv"))
        >>> fit.simulate(3, seed=1, data={"gender": ["F", "M"], "school": [22520, 1]}).shape
        (3, 2, 2)
        """
        if data is None:
            return super().simulate(n, seed, random_effects, weights=weights)
        drawn = super().simulate(n, seed, random_effects, data=self._long(data, np.arange(Table(data).n)),
                                 weights=self._spread(weights))
        return drawn.reshape(n, -1, len(self.outcomes))

    def _spread(self, weights):
        """Weights of units as those of the stacked rows; a column's name is that of the stacked table too."""
        return weights if weights is None or isinstance(weights, str) else np.repeat(weights, len(self.outcomes))

    def _long(self, data, rows):
        """Every outcome of rows of a table."""
        K = len(self.outcomes)
        return long_table(data, np.repeat(rows, K), np.tile(np.arange(K), len(rows)), self.outcomes,
                          self.design.encoder.outcome.label)

    def refit(self, y=None, *, reml: bool | None = None) -> Self:
        """Fit the same model to other outcomes, or by the other likelihood.

        Parameters
        ----------
        y : array, shape (nobs,), or table with a row a unit and a column an outcome, optional
            Such as a row of ``simulate``; of a table what is missing in the fit is not used.
        reml : bool, optional
        """
        if y is not None and np.ndim(y) == 2:
            whole = np.asarray(y[list(self.outcomes)] if hasattr(y, "columns") else y, dtype=float)
            if whole.shape != (self.n_units, len(self.outcomes)):
                raise DataError(f"refit needs outcomes of {self.n_units} units and {len(self.outcomes)} columns.")
            y = whole[self.design.unit, self.design.outcome]
        return super().refit(y, reml=reml)

    # tests

    def wald_test(self, names=None):
        """Joint Wald test that coefficients are zero; all but the intercepts when left out: see `LmmResult.wald_test`."""
        if names is None:
            names = [name for name in self._names if name.rpartition(": ")[2] != "Intercept"]
        return super().wald_test(names)

    def test_equal(self, term: str, *, ddf: str = "wald"):
        """Test that the coefficients of a term are the same in all outcomes that have it.

        Parameters
        ----------
        term : str
            A coefficient without the outcome's name, ``"gender[T.M]"`` or ``"Intercept"``.
        ddf : str
            As for `test`.

        Returns
        -------
        TestResult

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.multivariate("course + written ~ gender + (1 | school)", mlm.load("gcsemv"))
        >>> fit.test_equal("gender[T.M]").df
        1
        """
        encoder = self.design.encoder
        places = [k for k, (column, code) in enumerate(encoder.cells)
                  if code != ALL and encoder.wide.names[column] == term]
        if len(places) < 2:
            own = dict.fromkeys(encoder.wide.names[column] for column, code in encoder.cells if code != ALL)
            raise ValueError(f"{term!r} is no coefficient that several outcomes have; there are {', '.join(own)}.")
        C = np.zeros((len(places) - 1, len(self._names)))
        C[:, places[0]] = 1.0
        C[np.arange(len(C)), places[1:]] = -1.0
        return replace(self.test(C, ddf=ddf), null=f"{term} is the same for all outcomes")

    def anova(self, *, type=3, ddf: str = "wald"):
        """A test of each term in all outcomes together, and in each (type 3): see `mlmlib.inference.anova.anova`.

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.multivariate("course + written ~ gender + (1 | school)", mlm.load("gcsemv"))
        >>> fit.anova().table["chi2"].round(1).to_dict()
        {'gender': 200.2, 'course: gender': 101.5, 'written: gender': 19.8}
        """
        return super().anova(type=type, ddf=ddf)

    def margins(self, *_, **__):
        """Not there for several outcomes; see ``predict``."""
        self._no("margins()", "fit.predict(data) gives every outcome's prediction")

    def _no(self, what: str, instead: str):
        raise ValueError(f"{what} is not there for a model of several outcomes; {instead}.")
