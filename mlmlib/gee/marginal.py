"""What the results of all GEE share: the choice of covariance, the groups, tests from the normal distribution.

Chapter 20 (``20_gee_and_robust``) compares the covariances.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ..errors import DataError
from ..results import LinearResult, normal_quantile
from .public import COVARIANCES

__all__ = ["Marginal"]

_FEW = 40  # groups below which the robust standard errors are too small (Mancl & DeRouen, 2001, have 10 to 40)


class Marginal(LinearResult):
    """What the results of all GEE share: the choice of covariance, the groups, tests from the normal distribution."""

    reml = None
    method = "gee"
    time_name: str | None = None  # the column given as time=
    model: Any
    cov: str
    corr: str
    link: Any
    structure: Any
    converged: bool
    n_iterations: int
    messages: tuple[str, ...]
    _levels: Any
    _solved: Any
    _back: np.ndarray
    _t_df = None
    _marginal = True
    random_effects: dict = {}

    @property
    def llf(self) -> float:
        raise AttributeError("GEE has no likelihood, hence neither llf nor AIC and BIC; compare fits by fit.qic().")

    @cached_property
    def _covariances(self) -> dict:
        return {}

    def _covariance(self, cov: str | None) -> np.ndarray:
        cov = self.cov if cov is None else cov
        if cov not in COVARIANCES:
            raise ValueError(f"cov={cov!r} is not known; choose one of {', '.join(map(repr, COVARIANCES))}.")
        if cov not in self._covariances:
            self._covariances[cov] = self._solved.scores.covariance(cov, self._solved.phi, self._back)
        return self._covariances[cov]

    def cov_params(self, cov: str | None = None):
        """Covariance matrix of the coefficients (DataFrame), that of the fit or the one named by `cov`."""
        from .. import frames as pd
        return pd.DataFrame(self._covariance(cov).copy(), index=list(self._names), columns=list(self._names))

    def coef_table(self, level: float = 0.95, ddf: str = "wald", *, cov: str | None = None):
        """Coefficients with standard errors, z, p and intervals.

        Parameters
        ----------
        level : float
        ddf : {"wald"}
            The normal distribution; for t with degrees of freedom of its own see `mlm.robust`.
        cov : {"robust", "model", "mancl-derouen", "kauermann-carroll"}, optional
            That of the fit when left out.

        Returns
        -------
        DataFrame
            A row a coefficient; columns ``estimate``, ``se``, ``z``, ``p``, ``lower``, ``upper``.
        """
        from .. import frames as pd
        from scipy.special import ndtr
        _only_wald(ddf)
        b, se, q = self._params, np.sqrt(np.diagonal(self._covariance(cov))), normal_quantile(level)
        return pd.DataFrame({"estimate": b, "se": se, "z": b / se, "p": 2.0 * ndtr(-np.abs(b / se)), "lower": b - q * se,
                             "upper": b + q * se}, index=list(self._names))

    def se_table(self):
        """The standard errors of every kind side by side (DataFrame): a row a coefficient, a column a kind; NaN where one
        does not exist."""
        from .. import frames as pd
        out = {}
        for kind in COVARIANCES:
            try:
                out[kind] = np.sqrt(np.diagonal(self._covariance(kind)))
            except DataError:
                out[kind] = np.full(len(self._names), np.nan)
        return pd.DataFrame(out, index=list(self._names))

    def test(self, hypothesis, *, rhs=0.0, ddf: str = "wald"):
        """Wald test of linear hypotheses such as ``"x = 0, z = 2*w"``, by the covariance of the fit."""
        _only_wald(ddf)
        return super().test(hypothesis, rhs=rhs)

    def anova(self, *, type=3, ddf: str = "wald"):
        """Wald test of each term: see `mlmlib.inference.anova.anova`."""
        _only_wald(ddf)
        return super().anova(type=type)

    @property
    def n_groups(self) -> dict[str, int]:
        """Number of groups of each level of grouping."""
        return {name: len(labels) for name, _, labels in self._levels}

    @property
    def group_sizes(self) -> dict:
        """Rows of each group (a Series for each level of grouping)."""
        from .. import frames as pd
        return {name: pd.Series(np.bincount(codes, minlength=len(labels)), index=list(labels), name="size")
                for name, codes, labels in self._levels}

    def _few(self) -> list[str]:
        name, _, labels = self._levels[0]
        J, p = len(labels), len(self._params)
        if self.cov == "robust" and J <= p:
            return [f"{J} groups ({name}) cannot carry the robust covariance of {p} coefficients: it is singular, and its standard "
                    "errors are not to be trusted. Leave predictors out, or use cov='model'."]
        if self.cov == "robust" and J < _FEW:
            return [f"There are {J} groups ({name}): with fewer than {_FEW} robust standard errors are too small. "
                    "cov='mancl-derouen' corrects them."]
        return []

    def conf_int(self, level: float = 0.95, method: str = "wald", which: str = "fixed", of=None, **options):
        """Confidence intervals of the coefficients from the normal distribution (DataFrame)."""
        if of is not None or which != "fixed" or options:
            raise ValueError("GEE has intervals of its coefficients alone; of combinations see fit.test(...), fit.margins(...) and "
                             "mlm.emmeans.")
        if method != "wald":
            raise ValueError(f"method={method!r} needs a likelihood, which GEE has not; leave it out.")
        return self.coef_table(level)[["lower", "upper"]]

    def translate(self, to: str, *, data: str = "df", ddf: str = "wald") -> str:
        """The same model as code for another program.

        ``to`` is ``"geepack"`` (R), ``"stata"``, ``"sas"`` (PROC GENMOD), ``"glimmix"`` (SAS, with EMPIRICAL), ``"spss"`` or
        ``"statsmodels"``.
        """
        from ..report import translate
        return translate(self, to, data=data, ddf=ddf)

    def summary(self, **options):
        """A readable account: HTML in a notebook, text in a terminal; options ``level`` and ``exponentiate``."""
        from .summary import summary
        return summary(self, **options)


def _only_wald(ddf: str) -> None:
    if ddf != "wald":
        raise ValueError(f"ddf={ddf!r} is for linear mixed models; GEE has ddf='wald', the normal distribution. For few groups "
                         "fit with cov='mancl-derouen'.")
