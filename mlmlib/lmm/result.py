"""The result of a linear mixed model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import DataError
from .factors import factor_names
from .mixed_result import MixedResult, singular_message
from .model import LmmModel
from .optimise import Minimum
from .variances import VarianceParameters

__all__ = ["LmmResult"]


class LmmResult(MixedResult):
    """A fitted linear mixed model.

    Attributes
    ----------
    criterion : float
        REML criterion, or -2 log-likelihood for ML.
    reml : bool
    sigma : float
        Residual standard deviation, in units of the outcome.
    theta : ndarray
        Relative covariance factors: for an unstructured term the lower triangle, column by column, as in lme4.
    converged : bool
        True when a Newton step would lower the criterion by less than 1e-12 (1e-8 where rounding hides what is below).
    is_singular : bool
        True when a covariance matrix of random effects is singular (a zero variance, a correlation of one).
    messages : tuple of str
        What the reader should know: dropped rows, singular terms, no convergence.
    n_evaluations : int
    gradient_norm : float
        Largest element of the criterion's gradient, in the model's standardized columns.

    Notes
    -----
    Chapters 3 and 4 (``03_random_intercepts``, ``04_random_slopes``) read a result line by line.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (Days | Subject)", mlm.load("sleepstudy"))
    >>> fit.tvalues.round(2).tolist(), fit.theta.round(4).tolist()
    ([36.84, 6.77], [0.9667, 0.0152, 0.2309])
    >>> round(fit.aic, 2), round(fit.bic, 2), fit.df_resid, fit.endog.shape, list(fit.exog)
    (1755.63, 1774.79, 178, (180,), ['Intercept', 'Days'])
    >>> fit.variance_components[["name", "variance", "sd"]].round(2)
                  name  variance     sd
    0        Intercept    612.09  24.74
    1             Days     35.07   5.92
    2  Intercept, Days      9.60    NaN
    3         Residual    654.94  25.59
    >>> fit.random_table(scale="sd").round(2)
          group                   name  estimate    se  lower  upper
    0   Subject          sd(Intercept)     24.74  5.84  15.58  39.28
    1   Subject               sd(Days)      5.92  1.25   3.92   8.95
    2   Subject  corr(Intercept, Days)      0.07  0.33  -0.52   0.61
    3  Residual           sd(Residual)     25.59  1.51  22.80  28.72
    >>> fit.cov_params().round(2)
               Intercept  Days
    Intercept      46.57 -1.45
    Days           -1.45  2.39
    >>> fit.coefficients["Subject"].round(1).loc[308].tolist()
    [253.7, 19.7]
    >>> fit.random_effects_se["Subject"].round(1).loc[308].tolist()
    [12.1, 2.3]
    >>> fit.random_effects_cov["Subject"].shape, fit.group_sizes["Subject"].to_dict()[308]
    ((18, 2, 2), 10)
    >>> fit.resid.round(1).tolist()[0], fit.scaled_residuals.round(2).tolist()[0]
    (-4.1, -0.16)
    >>> names, cov = fit.variance_cov()
    >>> names[0], cov.shape
    ('log sd(Subject: Intercept)', (4, 4))
    >>> fit.wald_test()
    Wald test of all coefficients = 0: chi2(1) = 45.85, p < 0.001
    >>> print(str(fit.summary()).splitlines()[0])
    Linear mixed model fitted by restricted maximum likelihood (REML)
    >>> print(str(fit.elsewhere()).splitlines()[0])
    R: lme4
    """

    model: Any
    design: Any
    _at: Any
    _names: Sequence[str]
    _params: np.ndarray
    _cov: np.ndarray
    _t_df: Any
    criterion: float
    llf: float
    reml: bool
    sigma: float
    converged: bool
    is_singular: bool
    n_evaluations: int
    gradient_norm: float
    n_params: int
    messages: tuple[str, ...]

    def __init__(self, model: LmmModel, minimum: Minimum, messages=()):
        at, design = minimum.at, model.design
        back = np.linalg.inv(model.x_map).T  # working coefficients to the reader's
        half = back @ at.half
        singular = model.singular(at)
        self._freeze(model=model, design=design, _at=at, _names=design.exog_names,
                     _params=back @ (model.start_b + at.b), _cov=at.s2 * half @ half.T, _t_df=None,
                     criterion=at.value, llf=-at.value / 2.0, reml=model.reml, sigma=float(np.sqrt(at.s2)),
                     converged=minimum.converged, is_singular=any(singular), n_evaluations=minimum.n_evaluations,
                     gradient_norm=minimum.gradient_norm,
                     n_params=len(design.exog_names) + len(at.basis) + 1,
                     messages=(*design.messages, *messages))
        self.__dict__["messages"] += tuple(self._singular_message(k) for k, bad in enumerate(singular) if bad)

    # covariance of the random effects

    @cached_property
    def _D(self) -> list[np.ndarray]:
        """Relative covariance of each term's effects in the reader's columns."""
        found = []
        for block, back in zip(self.model.criterion.blocks, self.model.z_maps):
            factor = back @ self._at.L[block, block]
            found.append(factor @ factor.T)
        return found

    @cached_property
    def _T(self) -> list[np.ndarray]:
        return [self._at.s2 * D for D in self._D]

    @property
    def theta(self) -> np.ndarray:
        """Parameters of the relative covariance factors, one term after the other."""
        return np.concatenate([shape.theta(D) for shape, D in zip(self.model.structures, self._D)])

    @cached_property
    def _variances(self) -> VarianceParameters:
        return VarianceParameters(self)

    # random effects

    @cached_property
    def _by_group(self) -> dict:
        """{factor: (BLUPs (J, q), their covariances given the parameters (J, q, q))}, in the reader's columns."""
        at, model = self._at, self.model
        p = len(self._params)
        q = len(at.L)
        back = np.zeros((q, q))
        for block, own in zip(model.criterion.blocks, model.z_maps):
            back[block, block] = own
        if not model.one_factor:
            found, elimination = {}, model.criterion.elimination
            for k, (group, factor) in enumerate(zip(factor_names(self.design), elimination.factors)):
                own = back[np.ix_(factor.effects, factor.effects)]
                u = at.parts.U[k][:, :, p] - at.parts.U[k][:, :, :p] @ at.b
                found[group] = u @ own.T, at.s2 * (own @ elimination.posterior(at.parts, at.L, k) @ own.T)
            return found
        factor = back @ at.L
        u = at.parts.U[:, p] - np.einsum("asj,s->aj", at.parts.U[:, :p], at.b)
        # L M^-1 L' = D - D K D
        D = factor @ factor.T
        K = at.parts.K.transpose(2, 0, 1)
        inner = at.L.T @ K @ at.L
        cov = at.s2 * (D - factor @ inner @ factor.T)
        return {self.design.random[0].group: ((factor @ u).T, cov)}

    # rows

    @cached_property
    def _fitted(self) -> np.ndarray:
        values = self._fixed_part.copy()
        for term in self.design.random:
            values += term.values(self._effects_of(term))
        return values

    @property
    def fittedvalues(self):
        """Predictions of the rows used, random effects included (Series)."""
        return self._row_series(self._fitted, "fitted")

    @property
    def resid(self):
        """Outcome less fitted values (Series)."""
        return self._row_series(self.design.y - self._fitted, "resid")

    @property
    def scaled_residuals(self):
        """Residuals divided by sigma (with weights, by each row's own standard deviation), as lme4 prints them."""
        scaled = (self.design.y - self._fitted) / self.sigma
        if self.design.weights is not None:
            scaled = scaled * np.sqrt(self.design.weights)
        return self._row_series(scaled, "scaled residual")

    def predict(self, data=None, random_effects: bool = True, new_groups: str = "population", *, interval=None,
                level: float = 0.95, weights=None):
        """Predict the outcome, with intervals where they are asked for.

        Parameters
        ----------
        data : table, optional
            New rows; the rows of the fit when left out.
        random_effects : bool
            Add the groups' random effects; False predicts for the average group (``"prediction"``: one drawn anew).
        new_groups : {"population", "error"}
            What to do with groups that the fit has not seen: random effects of zero, or an error.  A new group within
            a known one (a new class in a known school) has the effect of the known one.
        interval : {"confidence", "prediction"}, optional
            Of the expected outcome (fixed part and predicted random effects), or of one new outcome, which has a
            residual of its own and the variance of groups not seen.
        level : float
        weights : str or array, optional
            Of new rows, for ``interval="prediction"``; 1 when left out.

        Returns
        -------
        Series
            With `interval` a DataFrame: ``mean``, ``se``, ``lower``, ``upper``.

        Notes
        -----
        Standard errors are those of Henderson's equations with the estimated variances put in: that these are estimates
        is not in them, and with few or small groups intervals are somewhat short.  Residuals of new rows are taken as
        independent of those of the fit, also where the model correlates them.  See `mlmlib.inference.prediction`.

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.lmm("Reaction ~ Days + (Days | Subject)", mlm.load("sleepstudy"))
        >>> new = {"Days": [10, 10], "Subject": [308, -1]}  # a subject of the study, and a new one
        >>> fit.predict(new, interval="confidence").round(1).to_numpy().tolist()
        [[450.3, 15.9, 419.3, 481.4], [356.1, 16.0, 324.7, 387.5]]
        """
        if interval is not None:
            from ..inference.prediction import predict_interval
            return predict_interval(self, data, random_effects, new_groups, interval, level, weights)
        if new_groups not in ("population", "error"):
            raise ValueError(f"new_groups={new_groups!r} must be 'population' or 'error'.")
        if data is None:
            return self.fittedvalues if random_effects else self._row_series(self._fixed_part, "fitted")
        from .. import frames as pd
        values = self._linear_predictor(data)
        for term in self.design.random if random_effects else ():
            own, unseen = self.design.random_values(term, data, self._effects_of(term))
            if new_groups == "error" and unseen.any():
                raise DataError(f"The new data have {int(unseen.sum())} rows in groups of {term.group!r} that "
                                "the fit has not seen; new_groups='population' predicts them for the average group.")
            values = values + own
        index = getattr(data, "index", None)
        return pd.Series(values, index=None if callable(index) else index, name="predicted")

    # other fits

    def refit(self, y=None, *, reml: bool | None = None) -> LmmResult:
        """Fit the same model to other values of the outcome, or by the other likelihood.

        Parameters
        ----------
        y : array, shape (nobs,), optional
            New outcome for the rows used; a fit then costs a few evaluations of the criterion.
        reml : bool, optional

        Returns
        -------
        LmmResult
        """
        model = self.model
        if reml is not None and reml != self.reml:
            model = LmmModel(self.design, model.covariance, reml)
        if y is not None:
            y = np.asarray(y, dtype=float)
            if y.shape != (self.nobs,) or not np.isfinite(y).all():
                raise DataError(f"refit needs {self.nobs} finite outcomes, one for each row used.")
            model = model.with_outcome(y)
        return LmmResult(model, *model.fit())

    def simulate(self, n: int = 1, seed: int | None = None, random_effects: str = "new", *, data=None,
                 weights=None) -> np.ndarray:
        """Draw outcomes from the fitted model, for ``refit``, or for new rows.

        Parameters
        ----------
        n, seed : int
        random_effects : {"new", "kept"}
            New groups, drawn from their estimated distribution; or the same groups, with their predicted effects (those
            that the fit has not seen are drawn).
        data, weights
            New rows, and their weights, as for ``predict``.

        Returns
        -------
        ndarray, shape (n, rows)

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.lmm("Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy"))
        >>> fit.refit(fit.simulate(seed=1)[0]).nobs
        180
        """
        from ..inference.draw import simulate
        return simulate(self, n, seed, random_effects, data, weights)

    def _noise(self, e: np.ndarray) -> np.ndarray:
        """Independent numbers, shape (n, nobs), given the residuals' covariance."""
        return e * (self.sigma / (1.0 if self.design.weights is None else np.sqrt(self.design.weights)))

    def profile(self, of=None, *, reml: bool = False, progress=None):
        """The profile likelihood of the parameters: see `mlmlib.inference.profile.profile`."""
        from ..inference.profile import profile
        return profile(self, of, reml=reml, progress=progress)

    # tests

    @cached_property
    def _satterthwaite(self):
        from ..inference.satterthwaite import Satterthwaite
        return Satterthwaite(self)

    @cached_property
    def _kenward_roger(self):
        from ..inference.kenward_roger import KenwardRoger
        return KenwardRoger(self)

    def lr_vs_linear(self, mixture: bool = False):
        """Likelihood-ratio test of the whole random part against the linear model (TestResult).

        With more than one parameter the reference is Stata's conservative chi-square, or with ``mixture=True`` the
        mixture of chi-squares that holds where variances cannot be negative.
        """
        from ..inference.likelihood_ratio import lr_vs_linear
        return lr_vs_linear(self, mixture)

    def _singular_message(self, k: int) -> str:
        """What is said of a singular term."""
        term = self.design.random[k]
        sd = np.sqrt(np.maximum(np.diagonal(self._T[k]), 0.0))
        zero = [name for name, value in zip(term.names, sd) if value < 1e-6 * self.sigma]
        return singular_message(term, zero, " (the fit was tried again from elsewhere)")
