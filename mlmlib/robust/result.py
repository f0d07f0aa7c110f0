"""The result of `mlm.robust`.

Chapter 20 (``20_gee_and_robust``) reads one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..results import LinearResult, check_level
from .adjust import Pieces
from .clusters import effective_clusters, leverages

__all__ = ["Clustering", "RobustResult"]


@dataclass(frozen=True, eq=False)
class Clustering:
    """One clustering of a fit: labels and sizes of the clusters, what each gives, and the covariance (p, p) by it."""

    name: str
    labels: np.ndarray
    sizes: np.ndarray
    parts: Pieces
    back: np.ndarray
    cov: np.ndarray

    @property
    def J(self) -> int:
        """Number of clusters."""
        return len(self.sizes)


class RobustResult(LinearResult):
    """Coefficients of a fit with a cluster-robust covariance.

    Coefficient tables, tests, intervals, ``mlm.emmeans`` and the like use the robust covariance and its degrees of freedom;
    what the covariance does not touch (fitted values, variances, likelihood) is the fit's own.

    Attributes
    ----------
    fit : the fit
    kind : str
        ``"CR2"`` and so on.
    ddf : str
        ``"satterthwaite"``, ``"clusters"`` or ``"normal"``.
    n_clusters : dict
        Number of clusters of each clustering.
    messages : tuple of str
        Few clusters, unequal clusters, few degrees of freedom.

    Notes
    -----
    Chapter 20 (``20_gee_and_robust``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.robust(mlm.ols("math ~ homework", mlm.load("math")), "schid")
    >>> fit.cov_title
    "cluster-robust (CR2, 23 clusters of schid), tests by t with Satterthwaite's degrees of freedom"
    >>> fit.effective_clusters.round(1)
    Intercept    18.6
    homework      9.3
    Name: G*, dtype: float64
    """

    fit: Any
    design: Any
    _rows: Any
    clusterings: Any
    kind: str
    ddf: str
    working: Any
    _tests: Any
    _params: np.ndarray
    _cov: np.ndarray
    _names: Sequence[str]
    _df: Any
    n_clusters: dict
    messages: tuple[str, ...]

    _t_df = None

    def __init__(self, fit, rows, clusterings, kind, ddf, working, tests, df, messages):
        self._freeze(fit=fit, design=fit.design, _rows=rows, clusterings=clusterings, kind=kind, ddf=ddf, working=working,
                     _tests=tests, _params=fit._params, _cov=tests.cov, _names=fit._names, _df=df,
                     n_clusters={one.name: one.J for one in clusterings},
                     messages=(*getattr(fit, "messages", ()), *messages))

    def __getattr__(self, name):
        """What the covariance does not touch."""
        if name == "fit" or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.fit, name)

    @property
    def nobs(self) -> int:
        """Number of rows used."""
        return self.fit.nobs

    @property
    def df(self):
        """Degrees of freedom of each coefficient's t test (Series); infinite for ``ddf="normal"``."""
        return self._series(self._df, "df")

    @property
    def pvalues(self):
        """Two-sided p-values of zero coefficients (Series), from t with `df`."""
        return self.coef_table()["p"]

    @property
    def effective_clusters(self):
        """For how many equal clusters these count (Series, a coefficient a row; two-way: the smaller number).

        G / (1 + squared coefficient of variation of the clusters' shares in a coefficient's variance), under the working
        covariance: with independent rows the G*(0) of MacKinnon, Nielsen and Webb (2023); Carter, Schnepel and Steigerwald
        (2017).
        """
        return self._series(np.min([effective_clusters(one.parts, one.back) for one in self.clusterings], axis=0), "G*")

    @property
    def clusters(self):
        """The clusters (DataFrame): rows, leverage (they sum to the number of predictors), share of each coefficient's information.

        Two-way: of the first clustering; ``clusterings`` has both.
        """
        return self.leverage()

    def leverage(self, which: str | None = None):
        """Leverage of each cluster (DataFrame).

        Parameters
        ----------
        which : str, optional
            The clustering, of two.

        Returns
        -------
        DataFrame
            A row a cluster: ``rows``; ``leverage``, the trace of its block of the hat matrix; ``relative``, that divided by
            the mean; and ``share: x`` of each coefficient, its part of the coefficient's information, 1 / J when balanced.

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.robust(mlm.ols("math ~ homework", mlm.load("math")), "schid")
        >>> fit.leverage().round(2).iloc[0].to_dict()["relative"]
        2.22
        """
        from .. import frames as pd
        names = [one.name for one in self.clusterings]
        if which is not None and which not in names:
            raise ValueError(f"There is no clustering {which!r}; there is {', '.join(names)}.")
        one = self.clusterings[0 if which is None else names.index(which)]
        whole, share = leverages(one.parts, one.back)
        table = pd.DataFrame({"rows": one.sizes, "leverage": whole, "relative": whole / whole.mean()},
                             index=pd.Index(one.labels, name=one.name))
        return table.assign(**{f"share: {name}": share[:, k] for k, name in enumerate(self._names)})

    def coef_table(self, level: float = 0.95, ddf: str = "satterthwaite"):
        """The coefficients (DataFrame): ``estimate``, ``se``, ``df``, ``t``, ``p``, ``lower``, ``upper``.

        Parameters
        ----------
        level : float
            Confidence level of the interval.
        ddf : str
            As other fits have it; a robust fit has the degrees of freedom that ``mlm.robust(ddf=)`` asked for.
        """
        from ..inference.small_sample import coef_table
        _own_degrees(ddf)
        return coef_table(self, level, "satterthwaite")

    def conf_int(self, level: float = 0.95, method: str = "satterthwaite", which: str = "fixed", of=None, **options):
        """Confidence intervals of the coefficients, from t with `df` (DataFrame)."""
        if method not in ("wald", "satterthwaite") or which != "fixed" or of is not None or options:
            raise ValueError("A robust fit has intervals of its coefficients, by the degrees of freedom that mlm.robust(ddf=) asked for; "
                             "others are the model's: fit.fit.conf_int(...).")
        check_level(level)
        return self.coef_table(level)[["lower", "upper"]]

    def anova(self, *, type=3, ddf: str = "satterthwaite"):
        """A robust test of each term of the fixed part, of type 1, 2 or 3: see `mlmlib.inference.anova.anova`."""
        from ..inference.anova import anova
        _own_degrees(ddf)
        return anova(self, type=type, ddf="satterthwaite")

    def test(self, hypothesis, *, rhs=0.0, ddf: str = "satterthwaite"):
        """Joint Wald test of linear hypotheses such as ``"x = 0, z = 2*w"``.

        With Satterthwaite's degrees of freedom the F of Pustejovsky and Tipton (2018): an approximate Hotelling's T^2, which
        clubSandwich calls HTZ; with ``ddf="clusters"`` F(q, J - 1), with ``"normal"`` chi-square.

        Parameters
        ----------
        hypothesis, rhs
            As in `mlmlib.inference.contrasts.test`.
        ddf : str
            As other fits have it; a robust fit has the degrees of freedom that ``mlm.robust(ddf=)`` asked for.

        Returns
        -------
        TestResult

        Raises
        ------
        ValueError
            Also for more hypotheses than the clusters can test.

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.robust(mlm.ols("mathach ~ cses * sector", mlm.load("hsb")), "school")
        >>> print(fit.test("sector[T.Catholic] = 0, cses:sector[T.Catholic] = 0"))
        AHT Wald test of sector[T.Catholic] = 0, cses:sector[T.Catholic] = 0: F(2, 140.81) = 51.40, p < 0.001
        """
        from ..inference.contrasts import hypotheses
        from ..inference.small_sample import f_test
        _own_degrees(ddf)
        C, values, null = hypotheses(hypothesis, list(self._names), rhs)
        self._enough(C)
        return f_test(self, C, "satterthwaite", values, null)

    def _enough(self, C) -> None:
        """Refuse more hypotheses than the covariance, whose rank is at most the number of clusters, can test."""
        se = np.where(self._se > 0, self._se, 1.0)
        scaled = C * se
        rank = np.linalg.matrix_rank(scaled)
        if np.linalg.matrix_rank(scaled @ (self._cov / np.outer(se, se)) @ scaled.T, tol=1e-9 * np.abs(scaled).max() ** 2) < rank:
            J = min(self.n_clusters.values())
            raise ValueError(f"{J} clusters cannot test {rank} hypotheses at once: their robust covariance is singular. Test fewer, "
                             "or one by one.")

    def wald_test(self, names=None):
        """Joint test that coefficients are zero, all but the intercept when left out: see `test` (TestResult)."""
        known = list(self._names)
        names = [name for name in known if name != "Intercept"] if names is None else [names] if isinstance(names, str) else names
        if not len(names):
            raise ValueError("The model has only an intercept, so there is nothing to test.")
        return self.test([{name: 1.0} for name in names])

    def wild_bootstrap(self, hypothesis, **options):
        """Wild cluster bootstrap of a hypothesis: see `mlmlib.wild_bootstrap`."""
        from .wild import wild_bootstrap
        if len(self.clusterings) > 1:
            raise ValueError("The wild cluster bootstrap is for one clustering; say groups= to mlm.wild_bootstrap.")
        return wild_bootstrap(self, hypothesis, **options)

    def bootstrap(self, *arguments, **options):
        """Refused: draws of a model say nothing of what the model leaves out."""
        raise ValueError("A robust fit has mlm.wild_bootstrap(fit, hypothesis); the bootstraps of the model are fit.fit.bootstrap().")

    @property
    def cov_title(self) -> str:
        """The covariance in words, for notes under tables."""
        names = " and ".join(f"{one.J:,} clusters of {one.name}" for one in self.clusterings)
        tests = {"satterthwaite": "t with Satterthwaite's degrees of freedom", "clusters": "t with one degree of freedom less than clusters",
                 "normal": "the normal distribution"}[self.ddf]
        return f"cluster-robust ({self.kind}, {names}), tests by {tests}"

    def margins(self, *arguments, **options):
        """Refused: margins have no degrees of freedom of their own; ``mlm.emmeans`` and ``mlm.emtrends`` do."""
        raise ValueError("margins takes no robust covariance, because its tests have no degrees of freedom; mlm.emmeans and "
                         "mlm.emtrends of a linear fit have them. Those of the model's covariance: fit.fit.margins().")

    def predict(self, data=None, *arguments, interval=None, **options):
        """Predictions of the fit; intervals are the model's own: ``fit.fit.predict(interval=)``."""
        if interval is not None:
            raise ValueError("Intervals of predictions come from the model's covariance: fit.fit.predict(interval=).")
        return self.fit.predict(data, *arguments, **options)

    def residuals(self, *arguments, **options):
        """Those of the fit."""
        return self.fit.residuals(*arguments, **options)

    def acf(self, *arguments, **options):
        """That of the fit's residuals."""
        return self.fit.acf(*arguments, **options)

    def summary(self, **options):
        """A readable summary: HTML in a notebook, text in a terminal; option ``level``."""
        from .summary import summary
        return summary(self, **options)


def _own_degrees(ddf: str) -> None:
    """Refuse degrees of freedom that trust the model's covariance; a robust fit has its own."""
    if ddf == "kenward-roger":
        raise ValueError("Kenward and Roger's degrees of freedom trust the model's covariance; a robust fit has its own.")
