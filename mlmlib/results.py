"""What the results of all linear models share: coefficients, their covariance, tests and intervals.

Numbers are kept as NumPy arrays; a pandas Series or DataFrame is made anew at each access, so that a result cannot be
changed through what it hands out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["LinearResult", "check_level", "normal_quantile", "refuse_levels", "refuse_panel"]


def check_level(level: float) -> None:
    """Refuse a confidence level that is none, such as 95."""
    if not 0 < level < 1:
        raise ValueError(f"level={level} must lie between 0 and 1, such as 0.95.")


def refuse_panel(fit, what: str, mend: str) -> None:
    """Refuse a fit of mlm.panel where a function is made for other models and would take it for least squares."""
    if hasattr(fit, "transformed"):
        raise ValueError(f"{what} is not made for fits of mlm.panel; {mend}.")
    refuse_marginal(fit, what)


def refuse_marginal(fit, what: str) -> None:
    """Refuse a fit of mlm.gee, which has neither likelihood nor random effects, and say where to look."""
    if getattr(fit, "_marginal", False):
        raise ValueError(f"{what} is not made for fits of mlm.gee; "
                         f"{_MARGINAL.get(what, 'see fit.summary() and fit.coef_table()')}.")


_MARGINAL = {
    "residuals": "see fit.resid and fit.resid_pearson",
    "influence": "fit.influence() leaves its groups out one by one",
    "acf": "mlm.diagnose(fit) compares residuals' correlations with the working correlation, and fit.correlations has that",
    "bootstrap": "its robust standard errors need no distribution to draw from; with few groups take cov='mancl-derouen'",
    "icc": "it has no random effects, hence no ICC: fit.correlations has the likeness within groups, mlm.lmm and mlm.glmm the ICC",
    "r2": "it has no random effects and no likelihood: compare fits by fit.qic() and mlm.compare, or take mlm.r2 of mlm.glmm",
    "reliability": "it has no random effects whose reliability there could be: fit mlm.lmm or mlm.glmm",
    "mlm.robust": "its standard errors are robust to correlation within its groups already: refit with cov='robust' (CR0 of mlm.robust), "
                  "'kauermann-carroll' (like CR2) or 'mancl-derouen' (like CR3), and with a coarser groups= for other clusters",
}


def refuse_levels(fit, what: str) -> None:
    """Refuse expected outcomes of fixed effects, which have an intercept for each group and none for all."""
    if hasattr(fit, "transformed") and "Intercept" not in fit._names:
        raise ValueError(f"{what} needs an intercept, and effects={fit.effects!r} has one for each group instead. "
                         "Differences are in fit.params and margins(dydx=...), predictions in fit.predict.")


def normal_quantile(level: float) -> float:
    """The z with `level` of the standard normal distribution between -z and z."""
    from scipy.special import ndtri
    check_level(level)
    return float(ndtri(0.5 + level / 2.0))


class LinearResult:
    """Coefficients of a linear model with their covariance.

    A subclass calls ``_freeze`` once with its arrays and does not change afterwards.
    """

    design: Any
    _params: np.ndarray
    _cov: np.ndarray
    _names: Sequence[str]
    _t_df: Any
    n_params: int
    llf: float

    def _freeze(self, **values) -> None:
        self.__dict__.update(values)

    def __setattr__(self, name, value):
        raise AttributeError(f"Results are immutable; {name!r} cannot be set.")

    def __delattr__(self, name):
        raise AttributeError(f"Results are immutable; {name!r} cannot be deleted.")

    # supplied by subclasses: _params, _cov, _names, _t_df (None for the normal), design

    def _series(self, values, name=None):
        from . import frames as pd
        return pd.Series(np.array(values), index=list(self._names), name=name)

    @property
    def params(self):
        """Fixed-effect coefficients (Series)."""
        return self._series(self._params)

    @property
    def bse(self):
        """Standard errors of the coefficients (Series)."""
        return self._series(self._se)

    @property
    def _se(self):
        return np.sqrt(np.diagonal(self._cov))

    @property
    def tvalues(self):
        """Coefficients divided by their standard errors (Series)."""
        return self._series(self._params / self._se)

    @property
    def pvalues(self):
        """Two-sided p-values of zero coefficients (Series): from t with `df_resid` for OLS, else from the normal."""
        ratio = -np.abs(self._params / self._se)
        if self._t_df is None:
            from scipy.special import ndtr
            return self._series(2.0 * ndtr(ratio))
        from scipy.special import stdtr
        return self._series(2.0 * stdtr(self._t_df, ratio))

    def _quantile(self, level: float) -> float:
        if self._t_df is None:
            return normal_quantile(level)
        from scipy.special import stdtrit
        return float(stdtrit(self._t_df, 0.5 + level / 2.0))

    def conf_int(self, level: float = 0.95, method: str = "wald", which: str = "fixed", of=None, **options):
        """Confidence intervals of parameters, or of quantities derived from them.

        Parameters
        ----------
        level : float
        method : {"wald", "satterthwaite", "kenward-roger", "profile", "bootstrap", "fieller"}
            ``"bootstrap"`` takes options: ``n``, ``seed``, ``kind``, ``type``, ``n_jobs``, ``progress``, ``checkpoint``, ``boot``.
        which : {"fixed", "all"}
            Coefficients, or standard deviations, correlations and sigma too.
        of : str, callable, or a list or dict of these, optional
            Derived quantities instead: ``"icc"``, ``"x + 0.5 * x:z"``, ``"-a / b"``, a function of a fit.

        Returns
        -------
        DataFrame
            Columns ``lower`` and ``upper``; see `mlmlib.inference.intervals.conf_int`.
        """
        from .inference.intervals import conf_int
        return conf_int(self, level, method, which, of, **options)

    def coef_table(self, level: float = 0.95, ddf: str = "wald"):
        """The coefficients as every program prints them.

        Parameters
        ----------
        level : float
            Confidence level of the interval.
        ddf : {"wald", "satterthwaite", "kenward-roger"}
            ``"wald"``: the normal distribution for a mixed model, t with `df_resid` for OLS.  The others: t, with
            degrees of freedom that each coefficient has for itself; Kenward-Roger adjusts the standard errors too,
            and after a fit by maximum likelihood takes the REML fit (``attrs["note"]`` of the table says so).

        Returns
        -------
        DataFrame
            A row a coefficient; columns ``estimate``, ``se``, ``z`` (``t`` for OLS), ``p``, ``lower``, ``upper``; with
            another `ddf` ``df`` and ``t``.

        Notes
        -----
        Chapter 8 (``08_inference``) compares the three; see `mlmlib.inference.small_sample`.

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.lmm("mathach ~ cses + (1 | school)", mlm.load("hsb"))
        >>> fit.coef_table()["estimate"].round(3).tolist()
        [12.636, 2.191]
        >>> fit.coef_table(ddf="satterthwaite")["df"].round(1).tolist()
        [156.7, 7022.0]
        """
        from .inference.small_sample import coef_table
        return coef_table(self, level, ddf)

    def test(self, hypothesis, *, rhs=0.0, ddf: str = "wald"):
        """Joint test of linear hypotheses such as ``"x = 0, z = 2*w"``: see `mlmlib.inference.contrasts.test`."""
        from .inference.contrasts import test
        return test(self, hypothesis, rhs=rhs, ddf=ddf)

    def anova(self, *, type=3, ddf: str = "wald"):
        """A test of each term of the fixed part, of type 1, 2 or 3: see `mlmlib.inference.anova.anova`."""
        from .inference.anova import anova
        return anova(self, type=type, ddf=ddf)

    def cov_params(self):
        """Covariance matrix of the coefficients (DataFrame)."""
        from . import frames as pd
        return pd.DataFrame(self._cov.copy(), index=list(self._names), columns=list(self._names))

    def _row_series(self, values, name):
        from . import frames as pd
        return pd.Series(np.array(values), index=self.design.index(), name=name)

    @property
    def formula(self) -> str:
        """The formula as written."""
        return self.design.formula.text

    @property
    def spec(self):
        """The parsed design: `endog_name`, `exog_names`, `random` (terms) and so on."""
        return self.design

    @property
    def data(self):
        """The table as given."""
        return self.design.data

    @property
    def endog(self):
        """The outcome, rows used (Series)."""
        return self._row_series(self.design.y, self.design.endog_name)

    @property
    def exog(self):
        """The fixed-effects columns, rows used (DataFrame)."""
        from . import frames as pd
        return pd.DataFrame(self.design.X.copy(), index=self.design.index(), columns=list(self._names))

    @property
    def nobs(self) -> int:
        """Number of rows used."""
        return len(self.design.y)

    @property
    def df_resid(self) -> int:
        """Rows less fixed-effect coefficients."""
        return self.nobs - len(self._params)

    @property
    def aic(self) -> float:
        """Akaike's information criterion, ``-2 llf + 2 n_params``."""
        return -2.0 * self.llf + 2.0 * self.n_params

    @property
    def bic(self) -> float:
        """Schwarz's information criterion, ``-2 llf + log(nobs) n_params``."""
        return -2.0 * self.llf + float(np.log(self.nobs)) * self.n_params

    def _linear_predictor(self, data) -> np.ndarray:
        return self.design.fixed_matrix(data) @ self._params + self.design.offset_of(data)

    def wald_test(self, names=None):
        """Joint Wald test that coefficients are zero.

        Parameters
        ----------
        names : str or list of str, optional
            Coefficients; all but the intercept when left out, as in Stata's header.

        Returns
        -------
        TestResult
        """
        from .inference.wald import wald_test
        return wald_test(self, names)

    def margins(self, over=None, at=None, *, dydx=None, level: float = 0.95):
        """Average predictions at chosen values, or average marginal effects: see `mlmlib.inference.margins.margins`."""
        from .inference.margins import margins
        return margins(self, over, at, dydx=dydx, level=level)

    def bootstrap(self, n: int = 1000, seed: int | None = 1, kind: str = "parametric", statistic=None,
                  n_jobs: int | None = None, progress: bool | None = None, groups=None, checkpoint=None):
        """Bootstrap the fit, parametric, from residuals or by groups: see `mlmlib.inference.bootstrap.bootstrap`."""
        from .inference.bootstrap import bootstrap
        return bootstrap(self, n, seed, kind, statistic, n_jobs, progress, groups, checkpoint)

    def residuals(self, kind: str = "raw", level: str = "conditional"):
        """Residuals of rows (conditional, marginal) or of groups: see `mlmlib.diagnostics.residuals.residuals`."""
        from .diagnostics.residuals import residuals
        return residuals(self, kind, level)

    def acf(self, max_lag: int | None = None, **options):
        """Correlations of residuals by lag: see `mlmlib.diagnostics.autocorrelation.acf`."""
        from .diagnostics.autocorrelation import acf
        return acf(self, max_lag, **options)

    def summary(self, **options):
        """A readable summary: HTML in a notebook, text in a terminal."""
        from .report.summary import summary
        return summary(self, **options)

    def translate(self, to: str, *, data: str = "df", ddf: str = "wald") -> str:
        """The same model as code for another program.

        ``to`` is ``"lme4"``, ``"nlme"``, ``"stata"``, ``"sas"``, ``"spss"``, ``"hlm"``, ``"julia"`` or ``"statsmodels"``, of a
        generalized model also ``"glmmtmb"`` and ``"ordinal"``; `ddf` asks it for the degrees of freedom of ``coef_table``.  Fits of
        ``mlm.panel``, ``mlm.robust`` and ``mlm.gee`` have targets of their own, such as ``"plm"``, ``"clubsandwich"`` and
        ``"geepack"``; the answer to a wrong one lists them.
        """
        from .report import translate
        return translate(self, to, data=data, ddf=ddf)

    def elsewhere(self, *programs: str, data: str = "df", ddf: str = "wald"):
        """The same model in other programs, a tab each (all of them, or those named)."""
        from .report import elsewhere
        return elsewhere(self, programs or None, data=data, ddf=ddf)

    def equations(self, **options):
        """The model as equations, level by level and combined, with symbols or estimates: see `mlmlib.report.equations`."""
        from .report import equations
        return equations(self, **options)

    def report(self, **options):
        """The fit as paragraphs of a paper, in APA form, every number taken from the fit: see `mlmlib.report.prose.report`."""
        from .report import report
        return report(self, **options)

    def explain(self, **options):
        """The fit read aloud in the units of the data, and what its messages mean: see `mlmlib.report.explain.explain`."""
        from .report import explain
        return explain(self, **options)

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()
