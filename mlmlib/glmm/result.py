"""The result of a generalized linear mixed model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import DataError
from ..lmm.factors import factor_names
from ..lmm.mixed_result import MixedResult, singular_message
from .failure import refit_shape
from .model import GlmmModel
from .questions import Questions
from .search import Found, curvature, hessian
from .variances import GlmmVarianceParameters, joint_covariance

__all__ = ["GlmmResult"]

_NO_ERRORS = ("The likelihood is not curved downward in every direction at the estimates, so that there are no "
              "standard errors: the data cannot tell all parameters apart. Simplify the random part.")
_STEP = 1e-3  # of the differences that make the Hessian, in standard errors


class GlmmResult(Questions, MixedResult):
    """A fitted generalized linear mixed model.

    Attributes
    ----------
    llf : float
        Log-likelihood, all constants included.
    criterion : float
        -2 log-likelihood.
    family, link : Family, Link
    method : str
        ``"laplace"``, ``"agq"``, ``"pql"`` or ``"mql"``.
    nodes : int or None
        Quadrature points for each effect; 1 is Laplace's approximation.
    density : Density
        Log-likelihood of the rows given their linear predictors.
    converged : bool
        True when a Newton step would lower the criterion by less than 1e-8.
    is_singular : bool
        True when a covariance matrix of random effects is singular (a zero variance, a correlation of one).
    messages : tuple of str
        What the reader should know: dropped rows, singular terms, no convergence.
    n_evaluations : int
    gradient_norm : float
        Largest element of the criterion's gradient, in the model's standardized columns.

    Notes
    -----
    Chapter 16 (``16_binary``) reads a result line by line.  Tests of coefficients refer to the normal distribution;
    standard errors come from the observed information of all parameters together.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("TICKS ~ YEAR + (1 | BROOD)", mlm.load("grouseticks"), family="nbinom2")
    >>> fit.dispersion.round(3).to_dict(), fit.reml
    ({'theta': 3.309}, False)
    >>> fit.dispersion_table().round(3)
        name  estimate     se  lower  upper
    0  theta     3.309  0.574  2.355   4.65
    >>> fit.linear_predictor.round(3).tolist()[0], fit.mu.round(3).tolist()[0]
    (-0.788, 0.455)
    >>> round(fit.rate_ratios()["YEAR[T.96]"], 2)
    3.8
    >>> votes = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size")
    >>> round(votes.odds_ratios()["period[T.2]"], 2)
    0.37
    """

    model: Any
    design: Any
    _at: Any
    _found: Any
    _names: Sequence[str]
    _psi: Any
    _params: np.ndarray
    criterion: float
    llf: float
    family: Any
    link: Any
    density: Any
    method: str
    nodes: int | None
    converged: bool
    is_singular: bool
    n_evaluations: int
    gradient_norm: float
    n_params: int
    messages: tuple[str, ...]

    _t_df = None
    reml = False

    def __init__(self, model: GlmmModel, found: Found, messages=()):
        at, design = found.at, model.design
        psi = model.criterion.split(at.x)[2]
        singular = model.singular(model.criterion.factor(at.x))
        self._freeze(model=model, design=design, _at=at, _found=found, _names=model.names, _psi=psi,
                     _params=model.coefficients(at.x), criterion=at.value, llf=-at.value / 2.0, family=model.family,
                     link=model.link, density=model.density, method=model.method, nodes=getattr(model, "nodes", None),
                     converged=found.converged, is_singular=any(singular), n_evaluations=found.n_evaluations,
                     gradient_norm=found.gradient_norm, n_params=len(at.x), messages=(*design.messages, *messages))
        self.__dict__["messages"] += tuple(self._singular_message(k) for k, bad in enumerate(singular) if bad)

    # parameters

    @cached_property
    def _back(self) -> np.ndarray:
        """From the model's coefficients to the reader's, shape (p, p)."""
        return np.linalg.inv(self.model.x_map).T

    @cached_property
    def _hessian(self) -> np.ndarray:
        """Second derivatives of the criterion in (b, theta, psi) of the model's own columns."""
        criterion = self.model.criterion
        size = np.diagonal(self._expected)
        return hessian(criterion, self._at, _STEP * np.sqrt(2.0 / np.maximum(size, 2.0)))

    @cached_property
    def _expected(self) -> np.ndarray:
        """The same by the working linear model."""
        return curvature(self.model.criterion, self._at)

    @cached_property
    def _x_cov(self) -> np.ndarray:
        """Covariance of (b, theta, psi) of the model's own columns."""
        criterion = self.model.criterion
        found = joint_covariance(self._hessian, criterion.p, self._expected, criterion.m)
        if np.isnan(found[:criterion.p, :criterion.p]).any():
            self._freeze(messages=(*self.messages, _NO_ERRORS))
        return found

    @cached_property
    def _cov(self) -> np.ndarray:
        p = len(self._params)
        return self._back @ self._x_cov[:p, :p] @ self._back.T

    @property
    def dispersion(self):
        """The density's own parameters, as they are reported (Series); empty where there are none."""
        from .. import frames as pd
        reported = self.density.reported(self._psi)
        return pd.Series([row[1] for row in reported], index=[row[0] for row in reported], dtype=float)

    def dispersion_table(self, level: float = 0.95):
        """The density's own parameters with standard errors and intervals (DataFrame)."""
        from .. import frames as pd

        from ..results import normal_quantile
        m, z, rows = len(self._psi), normal_quantile(level), []
        cov = self._x_cov[len(self._x_cov) - m:, len(self._x_cov) - m:]
        for name, value, slope, scale in self.density.reported(self._psi):
            own = np.flatnonzero(slope)
            se = float(np.sqrt(slope[own] @ cov[np.ix_(own, own)] @ slope[own]))
            if scale == "log":
                spread = np.exp(z * se / value) if value > 0 else np.nan
                rows.append((name, value, se, value / spread, value * spread))
            else:  # logit
                ends = np.array([-z, z]) * se / (value * (1 - value)) + np.log(value / (1 - value))
                rows.append((name, value, se, *(1 / (1 + np.exp(-ends)))))
        return pd.DataFrame(rows, columns=["name", "estimate", "se", "lower", "upper"])

    @property
    def sigma(self) -> float:
        """The residual standard deviation of a family that has one; else 1, as in lme4."""
        return float(self.dispersion.get("sigma", 1.0))

    # covariance of the random effects

    @cached_property
    def _T(self) -> list[np.ndarray]:
        return [factor @ factor.T for factor in self.model.factors(self._at.x)]

    @property
    def theta(self) -> np.ndarray:
        """Parameters of the covariance factors, one term after the other: for an unstructured term the lower triangle."""
        return np.concatenate([np.empty(0), *(shape.theta(T) for shape, T in zip(self.model.structures, self._T))])

    @cached_property
    def _variances(self) -> GlmmVarianceParameters:
        return GlmmVarianceParameters(self)

    def _T_slopes(self, group: str):
        """(place in the model's parameters, derivative of `_T_of`) of every parameter that moves it."""
        found, q = self._own_terms(group)
        criterion = self.model.criterion
        L, whole = criterion.factor(self._at.x), []
        for k, place in found:
            block, back = self.model.blocks[k], self.model.z_maps[k]
            for number, own in enumerate(criterion.basis[:, block, block]):
                if own.any():
                    out = np.zeros((q, q))
                    change = back @ own @ L[block, block].T @ back.T
                    out[place, place] = change + change.T
                    whole.append((criterion.p + number, out))
        return whole

    def _z_back(self, group: str) -> np.ndarray:
        """From the model's effects of a grouping factor to the reader's, shape (q, q)."""
        found, q = self._own_terms(group)
        out = np.zeros((q, q))
        for k, place in found:
            out[place, place] = self.model.z_maps[k]
        return out

    # random effects

    def _by_group_values(self, v=None) -> dict:
        """{factor: random effects (J, q) in the reader's columns} of spherical ones, by default the modes."""
        rows, L = self.model.rows, self.model.criterion.factor(self._at.x)
        u = rows.scale(L, self._at.modes.v if v is None else v)
        return {group: u[place].reshape(J, -1) @ self._z_back(group).T
                for group, (place, J, _) in zip(factor_names(self.design), rows.parts)}

    @cached_property
    def _by_group(self) -> dict:
        """{factor: (modes (J, q), their covariances given the parameters (J, q, q))}, in the reader's columns."""
        found = {}
        for k, (group, effects) in enumerate(self._by_group_values().items()):
            back = self._z_back(group)
            found[group] = effects, back @ self._at.modes.inverse.posterior(k) @ back.T
        return found

    # rows

    @cached_property
    def _fixed_part(self) -> np.ndarray:
        return self.model.criterion.fixed(self._at.x)

    @property
    def linear_predictor(self):
        """The linear predictor of the rows used, random effects included (Series)."""
        return self._row_series(self._at.modes.eta, "linear predictor")

    @cached_property
    def _mu(self) -> np.ndarray:
        return self.density.mean(self._at.modes.eta, self._psi)

    @property
    def mu(self):
        """Expected outcomes of the rows used, random effects included; of a binomial one the share of the trials (Series)."""
        return self._row_series(self._mu, "mu")

    @property
    def fittedvalues(self):
        """The same as `mu` (Series)."""
        return self._row_series(self._mu, "fitted")

    @property
    def resid(self):
        """Outcome less expected outcome; of a binomial one, of the share of the trials (Series)."""
        y = self.design.y if self.density.trials is None else self.design.y / np.maximum(self.density.trials, 1.0)
        return self._row_series(y - self._mu, "resid")

    def _linear_predictor(self, data) -> np.ndarray:
        exposure = self.model.exposure_option
        shift = self.design.offset_of(data)
        if exposure is not None:
            if not isinstance(exposure, str):
                raise DataError("The exposure of the fit was given as values, which new rows do not have. Give "
                                "exposure= the name of a column.")
            from ..table import Table
            values = Table(data)[exposure]
            if not (values > 0).all():
                raise DataError(f"The exposure {exposure!r} must be a number above 0 in every new row.")
            shift = shift + np.log(values)
        X = self.design.fixed_matrix(data)
        return X @ self._params[:X.shape[1]] + shift

    def _trials_of(self, data, trials=None):
        """Number of trials of new rows: as given, or of the column named in the fit; None where a row is one trial."""
        trials = self.model.trials_option if trials is None else trials
        if trials is None or np.ndim(trials) == 0 and not isinstance(trials, str):
            return trials
        if isinstance(trials, str):
            from ..table import Table
            return Table(data)[trials]
        if trials is self.model.trials_option:
            raise DataError("The trials of the fit were given as values, which new rows do not have: say trials=.")
        return np.asarray(trials, dtype=float)

    def _draw(self, eta: np.ndarray, rng, data=None, trials=None) -> np.ndarray:
        """Outcomes drawn at linear predictors, shape (n, rows)."""
        if data is None and trials is None:
            return self.density.simulate(eta, self._psi, rng)
        return self.family.simulate(self.link.mean(eta), self._psi, rng, self._trials_of(data, trials))

    def predict(self, data=None, random_effects: bool = True, new_groups: str = "population", *,
                scale: str = "response", groups: str | None = None, interval=None, level: float = 0.95, trials=None):
        """Predict expected outcomes, for given groups, a typical group, or averaged over groups.

        Parameters
        ----------
        data : table, optional
            New rows; the rows of the fit when left out.
        random_effects : bool
            ``groups="given"`` if True, ``"typical"`` if False.
        new_groups : {"population", "error", "average"}
            What to do with groups that the fit has not seen: random effects of zero, an error, or an average over groups.
        scale : {"response", "link"}
            Expected outcomes (of a binomial one the probability), or linear predictors.
        groups : {"given", "typical", "average"}, optional
        interval : {"confidence", "prediction"}, optional
        level : float
        trials : str, array or number, optional
            Of new rows, for ``interval="prediction"`` of a binomial outcome.

        Returns
        -------
        Series
            With `interval` a DataFrame: ``mean``, ``se``, ``lower``, ``upper``; with ``"prediction"`` the ``mean`` is that of a new
            outcome, averaged over all that is not known (the effects of a typical or unseen group too), and ``se`` its SD.

        Notes
        -----
        Chapter 16 (``16_binary``) tells the three kinds apart; see `mlmlib.glmm.prediction`.

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size")
        >>> fit.predict({"period": ["1"], "herd": [1]}).round(3).tolist()
        [0.308]
        """
        from .prediction import predict
        return predict(self, data, random_effects, new_groups, scale=scale, groups=groups, interval=interval,
                       level=level, trials=trials)

    # other fits

    def refit(self, y=None) -> GlmmResult:
        """Fit the same model to other values of the outcome, beginning at this fit's parameters.

        Parameters
        ----------
        y : array, shape (nobs,), optional
            New outcome for the rows used.
        """
        if y is None:
            return self
        y = np.asarray(y, dtype=float)
        if y.shape != (self.nobs,) or not np.isfinite(y).all():
            raise DataError(refit_shape(y.shape, self.nobs))
        model = self.model.with_outcome(y)
        L = self.model.criterion.factor(self._at.x)
        start = None if self.is_singular else model.criterion.replaced(self._at.x, L)
        return type(self)(model, *model.fit(start))

    def simulate(self, n: int = 1, seed: int | None = None, random_effects: str = "new", *, data=None,
                 trials=None) -> np.ndarray:
        """Draw outcomes from the fitted model, for ``refit``, or for new rows.

        Parameters
        ----------
        n, seed : int
        random_effects : {"new", "kept", "posterior"}
            New groups, drawn from their estimated distribution; the same groups with their predicted effects; or the
            same groups with effects drawn given the outcomes.
        data : table, optional
            New rows.
        trials : str, array or number, optional
            Of new rows.

        Returns
        -------
        ndarray, shape (n, rows)
        """
        from .draw import simulate
        return simulate(self, n, seed, random_effects, data, trials)

    def _singular_message(self, k: int) -> str:
        """What is said of a singular term."""
        term = self.design.random[k]
        sd = np.sqrt(np.maximum(np.diagonal(self._T[k]), 0.0) * np.mean(term.Z ** 2, axis=0))
        return singular_message(term, [name for name, value in zip(term.names, sd) if value < 1e-3])
