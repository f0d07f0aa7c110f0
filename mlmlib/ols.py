"""The linear model without random effects, on statsmodels' OLS.

By least squares as a regression table prints it, or by maximum likelihood as Stata's ``mixed`` prints a model without
a random part: the same coefficients, the residual variance divided by n instead of n - p, z instead of t.

Chapter 1 (``01_linear_model``) compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from .design import Design, build_design
from .errors import DataError, FormulaError
from .lmm.columns import orthonormalize
from .results import LinearResult, normal_quantile

__all__ = ["OlsResult", "ols"]


def ols(formula: str, data, *, method: str = "ols", weights=None, offset=None) -> OlsResult:
    """Fit a linear model.

    Parameters
    ----------
    formula : str
        ``"math ~ schtype * homework"``; no random terms.
    data : pandas or polars DataFrame, pyarrow Table, or dict of columns
    method : {"ols", "ml"}
        ``"ols"``: variance rss / (n - p), t and F tests.  ``"ml"``: variance rss / n, z and chi-square tests, as
        Stata's ``mixed`` without a random part.
    weights : str or array, optional
        Column or values, positive; the residual variance of row i is ``sigma**2 / weights[i]``.
    offset : str or array, optional

    Returns
    -------
    OlsResult

    Raises
    ------
    FormulaError, DataError

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.ols("math ~ schtype", mlm.load("math"))
    >>> fit.params.round(3).tolist()
    [56.49, -7.806]
    """
    if method not in ("ols", "ml"):
        raise ValueError(f"method={method!r} must be 'ols' or 'ml'.")
    design = build_design(formula, data, weights=weights, offset=offset)
    if design.random:
        raise FormulaError(f"The formula has the random term {design.random[0].text}; fit it with mlm.lmm.")
    n, p = design.X.shape
    if n <= p:
        raise DataError(f"{n} rows cannot carry {p} coefficients and a residual; drop predictors or collect more data.")
    if not p:
        raise FormulaError(f"The formula {formula!r} has nothing on its right side; write '1' for an intercept.")
    orthonormalize(design.X.T, design.exog_names, "predictors")  # refuses dependent columns, naming them
    return OlsResult(design, method)


class OlsResult(LinearResult):
    """A fitted linear model.

    Attributes
    ----------
    method : str
        ``"ols"`` or ``"ml"``.
    sigma : float
        Residual standard deviation: the root of rss / (n - p) for ``"ols"``, of rss / n for ``"ml"``.
    llf : float
        Log-likelihood at the maximum.
    rsquared, rsquared_adj : float
    fvalue : float
        F of the model, against the intercept alone.
    ss_model, ss_resid, ss_total : float
        Sums of squares.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.ols("math ~ homework", mlm.load("math"))
    >>> round(fit.rsquared, 4), round(fit.rsquared_adj, 4), round(fit.fvalue, 1), fit.df_model, fit.f_pvalue < 0.001
    (0.1877, 0.1861, 119.4, 1, True)
    >>> round(fit.ss_model, 1), round(fit.ss_resid, 1), round(fit.ss_total, 1)
    (11148.1, 48259.9, 59408.0)
    >>> round(fit.llf, 2), round(fit.loglik(reml=True), 2), fit.reml, fit.messages
    (-1912.6, -1912.87, None, ())
    """

    design: Any
    method: str
    statsmodels: Any
    _names: Sequence[str]
    _params: np.ndarray
    _cov: np.ndarray
    _t_df: Any
    sigma: float
    n_params: int

    reml = None
    random_effects: dict = {}
    messages: tuple = ()

    def __init__(self, design: Design, method: str):
        from .optional import needs
        with needs("mlm.ols"):
            from statsmodels.regression.linear_model import OLS, WLS
        y = design.y if design.offset is None else design.y - design.offset
        fit = OLS(y, design.X).fit() if design.weights is None else WLS(y, design.X, design.weights).fit()
        n, p = design.X.shape
        s2 = fit.ssr / (n if method == "ml" else n - p)
        self._freeze(design=design, method=method, statsmodels=fit, _names=design.exog_names,
                     _params=np.asarray(fit.params),
                     _cov=s2 * np.asarray(fit.normalized_cov_params), _t_df=None if method == "ml" else n - p,
                     sigma=float(np.sqrt(s2)), n_params=p + 1, messages=design.messages)

    @property
    def llf(self) -> float:
        """Log-likelihood at the maximum (variance rss / n)."""
        return float(self.statsmodels.llf)

    def loglik(self, reml: bool = False) -> float:
        """Log-likelihood, or the restricted one, that a mixed model without variance between groups would have."""
        if not reml:
            return self.llf
        n, p = self.design.X.shape
        X = self.design.X if self.design.weights is None else self.design.X * np.sqrt(self.design.weights)[:, None]
        extra = 0.0 if self.design.weights is None else np.log(self.design.weights).sum()
        s2 = self.statsmodels.ssr / (n - p)
        value = np.linalg.slogdet(X.T @ X)[1] + (n - p) * (1 + np.log(2 * np.pi * s2)) - extra
        return float(-value / 2)

    @property
    def rsquared(self) -> float:
        return float(self.statsmodels.rsquared)

    @property
    def rsquared_adj(self) -> float:
        return float(self.statsmodels.rsquared_adj)

    @property
    def fvalue(self) -> float:
        return float(self.statsmodels.fvalue)

    @property
    def df_model(self) -> int:
        """Numerator degrees of freedom of F: the coefficients other than the intercept."""
        return int(self.statsmodels.df_model)

    @property
    def f_pvalue(self) -> float:
        return float(self.statsmodels.f_pvalue)

    @property
    def ss_resid(self) -> float:
        return float(self.statsmodels.ssr)

    @property
    def ss_total(self) -> float:
        return float(self.statsmodels.centered_tss if self.design.formula.has_intercept
                     else self.statsmodels.uncentered_tss)

    @property
    def ss_model(self) -> float:
        return self.ss_total - self.ss_resid

    @cached_property
    def _fitted(self) -> np.ndarray:
        fitted = self.design.X @ self._params
        return fitted if self.design.offset is None else fitted + self.design.offset

    @property
    def fittedvalues(self):
        """Predictions of the rows used (Series)."""
        return self._row_series(self._fitted, "fitted")

    @property
    def resid(self):
        """Outcome less fitted values (Series)."""
        return self._row_series(self.design.y - self._fitted, "resid")

    def predict(self, data=None, *, interval=None, level: float = 0.95, weights=None):
        """Predict the outcome of new rows, or of those of the fit.

        Parameters
        ----------
        data : table, optional
        interval : {"confidence", "prediction"}, optional
            Of the expected outcome, or of one new outcome.
        level : float
        weights : str or array, optional
            Of new rows, for ``interval="prediction"``; 1 when left out.

        Returns
        -------
        Series
            With `interval` a DataFrame: ``mean``, ``se``, ``lower``, ``upper``.
        """
        if interval is not None:
            from .inference.prediction import predict_interval
            return predict_interval(self, data, interval=interval, level=level, weights=weights)
        if data is None:
            return self.fittedvalues
        from . import frames as pd
        index = getattr(data, "index", None)
        return pd.Series(self._linear_predictor(data), index=None if callable(index) else index, name="predicted")

    def refit(self, y) -> OlsResult:
        """Fit the same model to other values of the outcome, shape (nobs,)."""
        y = np.asarray(y, dtype=float)
        if y.shape != (self.nobs,) or not np.isfinite(y).all():
            raise DataError(f"refit needs {self.nobs} finite outcomes, one for each row used.")
        return OlsResult(replace(self.design, y=y), self.method)

    def simulate(self, n: int = 1, seed: int | None = None, *, data=None, weights=None) -> np.ndarray:
        """Draw outcomes from the fitted model, for ``refit``, or for new rows.

        Parameters
        ----------
        n : int
        seed : int, optional
        data : table, optional
            New rows; those of the fit when left out.
        weights : str or array, optional
            Of new rows; 1 when left out.

        Returns
        -------
        ndarray, shape (n, rows)

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.ols("math ~ schtype", mlm.load("math"))
        >>> fit.refit(fit.simulate(seed=1)[0]).nobs
        519
        """
        from .inference.draw import simulate
        return simulate(self, n, seed, "kept", data, weights)

    def _noise(self, e: np.ndarray) -> np.ndarray:
        return e * (self.sigma / (1.0 if self.design.weights is None else np.sqrt(self.design.weights)))

    @property
    def variance_components(self):
        """The residual variance with its standard error, ``s2 sqrt(2 / N)``, and log-symmetric interval (DataFrame)."""
        from . import frames as pd
        table = self.random_table()
        value = float(table["estimate"].iloc[0])
        return pd.DataFrame({"group": ["Residual"], "name": ["Residual"], "variance": [value], "sd": [np.sqrt(value)],
                             "correlation": [np.nan], "se": table["se"], "lower": table["lower"],
                             "upper": table["upper"]})

    def random_table(self, scale: str = "variance", level: float = 0.95):
        """The residual variance (or standard deviation) as Stata prints it after ``mixed`` (DataFrame)."""
        from . import frames as pd
        if scale not in ("variance", "sd"):
            raise ValueError(f"scale={scale!r} must be 'variance' or 'sd'.")
        power = 2.0 if scale == "variance" else 1.0
        degrees = self.nobs if self.method == "ml" else self.df_resid
        se = power * np.sqrt(1.0 / (2.0 * degrees))  # of the log
        value, spread = self.sigma ** power, np.exp(normal_quantile(level) * se)
        return pd.DataFrame([("Residual", f"{'var' if scale == 'variance' else 'sd'}(Residual)", value, value * se,
                              value / spread, value * spread)],
                            columns=["group", "name", "estimate", "se", "lower", "upper"])
