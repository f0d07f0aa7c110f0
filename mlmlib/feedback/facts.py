"""Facts about a fit by name, computed when a mistake asks for them.

A fact is a method of `Facts` of that name, or a number given by the caller. Mistakes name the facts they need.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np


class FactMissing(LookupError):
    """A fact that is neither given nor to be had from the fit."""


class Facts:
    """The facts of one question: what was given, then what the fit says."""

    def __init__(self, fit, of, given):
        self.fit, self.of, self.given = fit, of, dict(given)

    def __getitem__(self, name):
        if name in self.given:
            return self.given[name]
        if self.fit is not None and isinstance(getattr(Facts, name, None), property):
            value = getattr(self, name)
            if value is not None:
                return value
        raise FactMissing(name)

    # ---- variances ------------------------------------------------------------------------------------------------
    @property
    def variance(self):
        """The variance asked for: of the random effect `of`, or of the residuals."""
        return self._variance_in(self.fit)

    @property
    def variance_se(self):
        return self._component("se")

    @property
    def between(self):
        return self._variance_in(self.fit, "Intercept") if self._mixed else None

    @property
    def within(self):
        return self.fit.sigma**2

    @property
    def between_other(self):
        """The variance of intercepts by ML where the fit is REML, and the other way round."""
        return self._variance_in(self._other, "Intercept") if self._mixed else None

    @property
    def within_other(self):
        return self._other.sigma ** 2 if self._mixed else None

    @property
    def variance_other(self):
        return self._variance_in(self._other) if self._mixed else None

    @property
    def wrong_level(self):
        """The residual variance when a variance between groups is asked for, and the other way round."""
        return self.between if self.of == "Residual" else self.within

    @property
    def raw_between(self):
        """The variance of the raw group means, sampling noise included."""
        if not self._mixed or self.of not in (None, "Intercept") or tuple(self.fit._names) != ("Intercept",):
            return None
        return float(self._means.var(ddof=1))

    @property
    def outcome_variance(self):
        return float(np.var(self.fit.spec.y, ddof=1))

    @property
    def ols_variance(self):
        return self._ols[2]

    @property
    def covariance(self):
        return self._pair("variance")

    @property
    def correlation(self):
        return self._pair("correlation")

    # ---- coefficients ---------------------------------------------------------------------------------------------
    @property
    def coefficient(self):
        return self.fit.params.get(self.of)

    @property
    def se(self):
        return self.fit.bse.get(self.of)

    @property
    def quantile(self):
        """1.96, or the quantile of t that the fit uses."""
        return self.fit._quantile(0.95)

    @property
    def se_other(self):
        return self._other.bse.get(self.of) if self._mixed else None

    @property
    def coefficient_ols(self):
        return self._ols[0].get(self.of) if self._mixed else None

    @property
    def se_ols(self):
        return self._ols[1].get(self.of) if self._mixed else None

    @property
    def intercept(self):
        return self.fit.params.get("Intercept") if self.of != "Intercept" else None

    @property
    def se_intercept(self):
        return self.fit.bse.get("Intercept") if self.of != "Intercept" else None

    @property
    def standardized(self):
        """The coefficient in SDs of y for an SD of x."""
        if self.of in (None, "Intercept") or self.of not in self.fit._names:
            return None
        x = self.fit.spec.X[:, list(self.fit._names).index(self.of)]
        return self.coefficient * float(np.std(x) / np.std(self.fit.spec.y))

    @property
    def slope_variance(self):
        """The variance of the random effect that goes with a coefficient."""
        return self._variance_in(self.fit) if self._mixed and self.of in self._effects else None

    # ---- sizes and groups -----------------------------------------------------------------------------------------
    @property
    def J(self):
        return self.fit.n_groups[self._group] if self._mixed else None

    @property
    def N(self):
        return self.fit.nobs

    @property
    def n(self):
        """With random intercepts alone: the size of the group `of`, else the size that all groups have."""
        if not self._mixed or self._effects != {"Intercept"}:
            return None
        sizes = self.fit.group_sizes[self._group]
        if self.of in sizes.index:
            return int(sizes[self.of])
        return int(sizes.iloc[0]) if sizes.nunique() == 1 else None

    @property
    def grand(self):
        return self.fit.params.get("Intercept")

    @property
    def raw_mean(self):
        """The mean of the group `of`, where the model has nothing but random intercepts to explain it."""
        empty = self._mixed and tuple(self.fit._names) == ("Intercept",) and self._effects == {"Intercept"}
        return float(self._means[self.of]) if empty and self.of in self._means.index else None

    @property
    def deviation(self):
        """The predicted random intercept of the group `of`."""
        if not self._mixed or "Intercept" not in self._effects:
            return None
        effects = self.fit.random_effects[self._group]["Intercept"]
        return float(effects[self.of]) if self.of in effects.index else None

    @property
    def icc(self):
        between = self.between
        return None if between is None else between / (between + self.within)

    @property
    def icc_empty(self):
        """The ICC without predictors, when the fit has some."""
        if not self._mixed or tuple(self.fit._names) == ("Intercept",):
            return None
        from ..lmm import lmm

        design = self.fit.spec
        table = {"y": design.y, "g": design.random[0].levels[design.random[0].codes]}
        empty = lmm("y ~ 1 + (1 | g)", table, reml=self.fit.reml)
        tau = empty.covariance_matrix().iloc[0, 0]
        return tau / (tau + empty.sigma**2)

    @property
    def llf(self):
        return self.fit.llf

    @property
    def llf_other(self):
        return self._other.llf if self._mixed else None

    @property
    def aic(self):
        return self.fit.aic

    @property
    def lr(self):
        return self.fit.lr_vs_linear().statistic if self._mixed else None

    # ---- helpers --------------------------------------------------------------------------------------------------
    @cached_property
    def _mixed(self):
        return bool(getattr(self.fit, "n_groups", None))

    @cached_property
    def _group(self):
        return next(iter(self.fit.n_groups))

    @cached_property
    def _effects(self):
        return {name for term in self.fit.spec.random for name in term.names}

    def _variance_in(self, fit, name=None):
        name = name or self.of or "Intercept"
        if name == "Residual":
            return fit.sigma**2
        if name not in self._effects:
            return None
        return float(fit.covariance_matrix(self._group).loc[name, name])

    def _component(self, column):
        table = self.fit.variance_components
        rows = table.loc[table["name"] == (self.of or "Intercept"), column]
        return float(rows.iloc[0]) if len(rows) else None

    def _pair(self, column):
        if not self._mixed:
            return None
        table = self.fit.variance_components
        rows = table.loc[table["name"].str.contains(", ", regex=False), column]
        return float(rows.iloc[0]) if len(rows) else None

    @cached_property
    def _means(self):
        from .. import frames as pd

        term = self.fit.spec.random[0]
        return pd.Series(self.fit.spec.y).groupby(term.levels[term.codes]).mean()

    @cached_property
    def _other(self):
        """The same model by the other criterion, fitted to the same rows."""
        from ..lmm.model import LmmModel
        from ..lmm.result import LmmResult

        model = self.fit.model
        names = {term.group: shape.name for term, shape in zip(self.fit.spec.random, model.structures)}
        other = LmmModel(self.fit.spec, names, not self.fit.reml)
        return LmmResult(other, *other.fit())

    @cached_property
    def _ols(self):
        """Coefficients, standard errors and residual variance of least squares on the same columns."""
        design = self.fit.spec
        root = np.ones(len(design.y)) if design.weights is None else np.sqrt(design.weights)
        y = (design.y if design.offset is None else design.y - design.offset) * root
        X = design.X * root[:, None]
        b, *_ = np.linalg.lstsq(X, y, rcond=None)
        s2 = float(((y - X @ b) ** 2).sum() / (len(y) - len(b)))
        se = np.sqrt(s2 * np.diagonal(np.linalg.inv(X.T @ X)))
        names = design.exog_names
        return dict(zip(names, b.tolist())), dict(zip(names, se.tolist())), s2
