"""The result of a panel regression.

Chapter 19 (``19_fixed_or_random``).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..errors import DataError
from ..results import LinearResult
from .columns import panel_design, places
from .r2 import correlation2, three
from .words import TITLES

__all__ = ["PanelResult", "Transformed"]

_RANDOM = ("random", "mundlak", "hybrid", "hausman-taylor")
_DUMMIES = ("within", "two-way", "first-difference")


class Transformed(NamedTuple):
    """The regression that was run: outcomes (m,), columns (m, k), the group of each of its rows (m,), residuals (m,)."""

    y: np.ndarray
    X: np.ndarray
    codes: np.ndarray
    resid: np.ndarray


class PanelResult(LinearResult):
    """A fitted panel regression.

    Attributes
    ----------
    effects : str
        The estimator: ``"within"``, ``"random"`` ...
    sigma_u, sigma_e : float
        Standard deviations of groups and rows.  Random effects: Swamy and Arora's (Hausman and Taylor's).  ``"within"``,
        ``"two-way"``: that of the estimated effects, and of the residuals, as Stata prints them after ``xtreg, fe``.
    rho : float
        Share of the groups in the variance, ``sigma_u**2 / (sigma_u**2 + sigma_e**2)``.
    sigma : float
        Residual standard deviation of the transformed regression.
    df_resid : int
        Its degrees of freedom, those of absorbed effects taken off.
    ssr : float
        Its sum of squared residuals.
    rsquared, rsquared_adj : float
        Of the transformed regression (plm's convention); see `r2` for Stata's three.
    llf : float
        Log-likelihood of ``"pooled"``, ``"within"`` and ``"two-way"``; NaN for the others, which are not fitted by likelihood.
    kinds : dict
        Of ``"hausman-taylor"``: which columns vary within groups and which are endogenous.
    messages : tuple of str
        What was left out, and other things to know.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.panel("inv ~ value + capital", mlm.load("grunfeld"), groups="firm", time="year", effects="two-way")
    >>> fit.title, round(fit.llf, 2), fit.reml, round(fit.rsquared, 4), round(fit.rsquared_adj, 4)
    ('Fixed-effects regression, two-way (groups and times)', -1056.13, None, 0.7201, 0.6705)
    >>> fit.group_effects.round(1).iloc[:2].tolist(), fit.group_effects_se.round(1).iloc[:2].tolist()
    ([-86.9, 120.2], [56.0, 29.2])
    >>> fit.time_effects.round(1).iloc[:2].tolist(), fit.time_effects_se.round(1).iloc[:2].tolist()
    ([0.0, -19.2], [0.0, 23.7])
    >>> fit.transformed.X.shape
    (200, 2)
    >>> fit.group_sizes.tolist()[0], round(fit.intercept, 2)
    (20, -80.16)
    >>> random = mlm.panel("inv ~ value + capital", mlm.load("grunfeld"), groups="firm", effects="random")
    >>> random.theta.round(4).tolist()[0]
    0.8612
    """

    design: Any
    effects: str
    estimate: Any
    frame: Any
    messages: tuple[str, ...]
    kinds: dict
    _names: Sequence[str]
    _params: np.ndarray
    _cov: np.ndarray
    _t_df: Any
    sigma: float
    ssr: float
    n_params: int
    sigma_u: float
    sigma_e: float
    rho: float

    reml = None
    random_effects: dict = {}

    def __init__(self, estimate, effects: str, base):
        reg, parts = estimate.regression, estimate.components
        design = panel_design(base, estimate.frame, estimate.plan, reg.kept)
        self._freeze(design=design, effects=effects, estimate=estimate, frame=base, messages=estimate.messages,
                     kinds=estimate.kinds, _names=design.exog_names, _params=reg.b, _cov=reg.cov,
                     _t_df=None if effects in _RANDOM else reg.df, sigma=float(np.sqrt(reg.s2)), ssr=reg.ssr,
                     n_params=len(reg.y) - reg.df + 1)
        s2_e = parts.s2_e if parts else reg.s2 if effects in ("within", "two-way") else np.nan
        s2_u = parts.s2_u if parts else float(np.var(self._effects, ddof=1)) if effects in ("within", "two-way") else np.nan
        whole = s2_u + s2_e
        self._freeze(sigma_u=float(np.sqrt(s2_u)), sigma_e=float(np.sqrt(s2_e)),
                     rho=float(s2_u / whole) if whole > 0 else float("nan"))

    @property
    def title(self) -> str:
        """The estimator in words."""
        return TITLES[self.effects]

    @property
    def df_resid(self) -> int:
        return self.estimate.regression.df

    @property
    def group_sizes(self):
        """Rows of each group (Series)."""
        return self._by_group(self.frame.sizes, "rows")

    @property
    def transformed(self) -> Transformed:
        """The regression on transformed rows that was run, for what is computed from it, such as robust covariances.

        After ``"hausman-taylor"`` X has the columns' projections on the instruments.
        """
        reg = self.estimate.regression
        return Transformed(reg.y, reg.X, reg.codes, reg.resid)

    @property
    def theta(self):
        """The share of its group's mean that each row lost, by group (Series): 1 is within, 0 pooled."""
        if self.estimate.components is None:
            raise ValueError(f"effects={self.effects!r} has no theta; random effects do.")
        return self._by_group(self.estimate.components.theta, "theta")

    @property
    def llf(self) -> float:
        if self.effects not in ("pooled", "within", "two-way"):
            return float("nan")
        n, w = self.nobs, self.design.weights
        extra = 0.0 if w is None else np.log(w).sum()
        return float(-0.5 * (n * (np.log(2.0 * np.pi * self.ssr / n) + 1.0) - extra))

    # how much is explained

    @property
    def r2(self):
        """R2 ``within``, ``between`` and ``overall``, as Stata has them (Series): see `mlmlib.panel.r2`."""
        from .. import frames as pd
        return pd.Series(three(self.frame, self.design.X @ self._params), name="R2")

    @property
    def rsquared(self) -> float:
        reg, w = self.estimate.regression, self.design.weights
        y, fitted = reg.y, reg.y - reg.resid
        if w is not None:
            y, fitted = y / np.sqrt(w), fitted / np.sqrt(w)
        return correlation2(y, fitted, w)

    @property
    def rsquared_adj(self) -> float:
        return 1.0 - (1.0 - self.rsquared) * (len(self.estimate.regression.y) - 1) / self.df_resid

    # effects of groups and times

    def _by_group(self, values, name):
        from .. import frames as pd
        return pd.Series(np.array(values), index=pd.Index(list(self.frame.levels), name=self.frame.group), name=name)

    def _by_time(self, values, name):
        from .. import frames as pd
        return pd.Series(np.array(values), index=pd.Index(list(self.frame.time_levels), name=self.frame.time), name=name)

    @cached_property
    def _two(self) -> tuple[np.ndarray, np.ndarray]:
        left = self.frame.y - self.design.X @ self._params
        g, t = self.estimate.sweep.effects(left[:, None])
        return g[:, 0], t[:, 0]

    @cached_property
    def _effects(self) -> np.ndarray:
        if self.effects == "two-way":
            return self._two[0]
        left = self.frame.means(self.frame.y - self.design.X @ self._params)
        if self.effects in _DUMMIES:
            return left
        if self.effects not in _RANDOM:
            return np.zeros(self.frame.J)
        return self._shrinkage * left

    @property
    def _shrinkage(self) -> np.ndarray:
        parts = self.estimate.components
        return parts.s2_u / (parts.s2_u + parts.s2_e / self.frame.sizes)

    def _has_effects(self, what: str) -> None:
        if self.effects not in (*_DUMMIES, *_RANDOM):
            raise ValueError(f"effects={self.effects!r} has no {what}; fit effects='within' or 'random'.")

    @property
    def group_effects(self):
        """The effect of each group (Series).

        Fixed effects are levels: the group's own intercept, at time effects of zero (the first time's) where there are any.
        Random effects are predictions (BLUPs) around the intercept.
        """
        self._has_effects("effects of groups")
        return self._by_group(self._effects, "effect")

    @property
    def group_effects_se(self):
        """Standard errors of `group_effects` (Series); of the prediction error for random effects.

        NaN after first differences, and for two ways with more than 3000 times.  Those of random effects come from
        Henderson's equations with the estimated variances put in.
        """
        self._has_effects("effects of groups")
        if self.effects == "two-way":
            found = self._two_variances
            variance = np.full(self.frame.J, np.nan) if found is None else found[0]
            return self._by_group(np.sqrt(variance), "se")
        X, w = self.frame.means(self.design.X), self.design.weights
        slopes = np.einsum("ja,ab,jb->j", X, self._cov, X)
        if self.effects in _RANDOM:
            s = self._shrinkage
            variance = self.sigma_u ** 2 * (1.0 - s) + s ** 2 * slopes * (self.sigma_e / self.sigma) ** 2
        elif self.effects == "within":
            total = self.frame.sizes if w is None else np.bincount(self.frame.codes, w, minlength=self.frame.J)
            variance = self.sigma ** 2 / total + slopes
        else:
            variance = np.full(self.frame.J, np.nan)
        return self._by_group(np.sqrt(variance), "se")

    @cached_property
    def _two_variances(self):
        return self.estimate.sweep.variances(self.sigma ** 2, self.design.X, self._cov)

    @property
    def time_effects(self):
        """The effect of each time after ``"two-way"`` (Series), the first one's being zero."""
        self._only_two_way()
        return self._by_time(self._two[1], "effect")

    @property
    def time_effects_se(self):
        """Standard errors of `time_effects` (Series)."""
        self._only_two_way()
        found = self._two_variances
        return self._by_time(np.sqrt(found[1]) if found else np.full(len(self.frame.time_levels), np.nan), "se")

    def _only_two_way(self) -> None:
        if self.effects != "two-way":
            raise ValueError(f"effects={self.effects!r} has no effects of times; effects='two-way' with time= has.")

    @property
    def intercept(self) -> float:
        """The intercept, or the mean over rows of the groups' own after fixed effects (Stata's ``_cons``)."""
        if "Intercept" in self._names:
            return float(self._params[self._names.index("Intercept")])
        return float(np.average(self.frame.y - self.design.X @ self._params, weights=self.design.weights))

    # rows

    @cached_property
    def _fitted(self) -> np.ndarray:
        values = self.design.X @ self._params + self._effects[self.frame.codes]
        if self.effects == "two-way":
            values = values + self._two[1][self.frame.times]
        return values if self.design.offset is None else values + self.design.offset

    @property
    def fittedvalues(self):
        """Predictions of the rows used, effects of groups (and times) included (Series)."""
        return self._row_series(self._fitted, "fitted")

    @property
    def resid(self):
        """Outcome less fitted values (Series); those of the transformed regression are in `transformed`."""
        return self._row_series(self.design.y - self._fitted, "resid")

    def predict(self, data=None, *, group_effects: bool = True, new_groups: str = "population"):
        """Predict the outcome.

        Parameters
        ----------
        data : table, optional
            New rows; the rows of the fit when left out.
        group_effects : bool
            Add the effects of the groups; False predicts for the average group.
        new_groups : {"population", "error"}
            What to do with groups (and times) that the fit has not seen: the average one, or an error.

        Returns
        -------
        Series

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.panel("inv ~ value + capital", mlm.load("grunfeld"), groups="firm")
        >>> fit.predict({"value": [1000, 1000], "capital": [200, 200], "firm": [1, 99]}).round(1).tolist()
        [101.8, 113.4]
        """
        if new_groups not in ("population", "error"):
            raise ValueError(f"new_groups={new_groups!r} must be 'population' or 'error'.")
        if data is None and group_effects:
            return self.fittedvalues
        from .. import frames as pd
        index = getattr(data, "index", None)
        values = self.design.X @ self._params if data is None else self._linear_predictor(data)
        if data is None:
            index = self.design.index()
            values = values if self.design.offset is None else values + self.design.offset
        if self.effects in (*_DUMMIES, *_RANDOM):
            values = values + self._added(data, group_effects, new_groups)
        return pd.Series(values, index=None if callable(index) else index, name="predicted")

    def _added(self, data, group_effects, new_groups) -> np.ndarray:
        """What effects of groups and times add to rows."""
        frame, w = self.frame, self.design.weights
        total = np.zeros(1)
        sets = [(frame.group, frame.group_factors, frame.levels, self._effects, frame.codes, group_effects)]
        if self.effects == "two-way":
            sets.append((frame.time, frame.time_factors, frame.time_levels, self._two[1], frame.times, True))
        for name, factors, levels, effects, own, wanted in sets:
            middle = 0.0 if self.effects in _RANDOM else np.average(effects[own], weights=w)
            if not wanted:
                total = total + middle
                continue
            codes = own if data is None else places(factors, data, levels)[0]
            if new_groups == "error" and (codes < 0).any():
                raise DataError(f"The new data have {int((codes < 0).sum())} rows in groups of {name!r} that the fit has not "
                                "seen; new_groups='population' predicts them for the average group.")
            total = total + np.where(codes < 0, middle, effects[codes])
        return total

    def _linear_predictor(self, data) -> np.ndarray:
        return self.design.fixed_matrix(data) @ self._params + self.design.offset_of(data)

    def random_table(self, scale: str = "variance", level: float = 0.95):
        """The residual variance, or standard deviation, as tables of several models print it (DataFrame)."""
        from .. import frames as pd
        if scale not in ("variance", "sd"):
            raise ValueError(f"scale={scale!r} must be 'variance' or 'sd'.")
        name, power = ("var", 2.0) if scale == "variance" else ("sd", 1.0)
        rows = [(self.frame.group, f"{name}(Intercept)", self.sigma_u ** power)] if self.effects in _RANDOM else []
        rows.append(("Residual", f"{name}(Residual)", (self.sigma_e if rows else self.sigma) ** power))
        return pd.DataFrame([(*row, np.nan, np.nan, np.nan) for row in rows],
                            columns=["group", "name", "estimate", "se", "lower", "upper"])

    # tests

    def f_test_groups(self, which: str = "groups"):
        """F test that groups have no effects of their own: see `mlmlib.panel.tests.f_test_groups`."""
        from .tests import f_test_groups
        return f_test_groups(self, which)

    def summary(self, **options):
        """A readable summary: HTML in a notebook, text in a terminal."""
        from .summary import summary
        return summary(self, **options)
