"""What a bootstrap found: replicates, standard errors, bias, intervals.

Chapter 8 (``08_inference``) derives the four kinds of interval.

References
----------
Davison, A. C., & Hinkley, D. V. (1997). Bootstrap Methods and their Application. Cambridge University Press, chapter 5.
Efron, B. (1987). Better bootstrap confidence intervals. Journal of the American Statistical Association, 82, 171-185.
"""

from __future__ import annotations

import numpy as np
from typing import Any

from ..display import Shown, number
from ..results import normal_quantile
from .blocks import how_to_go_on
from .parameters import sigma_name

__all__ = ["Bootstrap", "bca_levels", "quantiles"]

TYPES = ("percentile", "basic", "normal", "bca")


class Bootstrap(Shown):
    """The replicates of a bootstrap and what they say.

    Attributes
    ----------
    kind : str
        ``"parametric"``, ``"residual"`` or ``"cluster"``.
    seed : int
    names : tuple of str
        What was bootstrapped: the parameters, or the parts of a statistic.
    n : int
        Replicates that are there, the failed ones not among them.
    n_failed : int
        Replicates whose fit did not converge or could not be made.
    singular_share : float
        Share of the replicates with a singular covariance matrix of random effects.
    interrupted : bool
        Whether it was stopped before all replicates that were asked for were done.
    """

    _fit: Any
    kind: str
    seed: int
    names: tuple[str, ...]
    _estimates: Any
    _values: Any
    _singular: Any
    n: int
    n_failed: int
    _asked: Any
    interrupted: bool
    _statistic: Any
    _groups: Any
    _why: Any
    _derived: Any
    _checkpoint: Any
    singular_share: float

    def __init__(self, fit, kind, seed, names, estimates, values, singular, n_failed, asked, interrupted, statistic,
                 groups, why="", derived=None, checkpoint=None):
        self.__dict__.update(
            _fit=fit, kind=kind, seed=seed, names=tuple(names), _estimates=estimates, _values=values,
            _singular=singular, n=len(values), n_failed=n_failed, _asked=asked, interrupted=interrupted,
            _statistic=statistic, _groups=groups, _why=why, _derived=derived, _checkpoint=checkpoint,
            singular_share=float(singular.mean()))

    def __setattr__(self, name, value):
        raise AttributeError(f"Results are immutable; {name!r} cannot be set.")

    def _series(self, values):
        from .. import frames as pd
        return pd.Series(np.array(values), index=list(self.names))

    @property
    def estimates(self):
        """The estimates of the fit (Series)."""
        return self._series(self._estimates)

    @property
    def replicates(self):
        """The estimates of every replicate (DataFrame, a row a replicate)."""
        from .. import frames as pd
        return pd.DataFrame(self._values.copy(), columns=list(self.names))

    @property
    def singular(self):
        """Which replicates are singular (array of bool)."""
        return self._singular.copy()

    @property
    def se(self):
        """Standard deviations of the replicates (Series)."""
        return self._series(_each(self._values, lambda v: v.std(ddof=1)))

    @property
    def bias(self):
        """Means of the replicates less the estimates (Series)."""
        return self._series(_each(self._values, np.mean) - self._estimates)

    def conf_int(self, level: float = 0.95, type: str = "percentile"):
        """Confidence intervals.

        Parameters
        ----------
        level : float
        type : {"percentile", "basic", "normal", "bca"}
            Quantiles of the replicates; the same reflected about the estimate; estimate less bias, plus and minus a
            normal quantile times the standard error; or quantiles corrected for bias and acceleration, the latter by
            leaving out one group at a time.

        Returns
        -------
        DataFrame
            Columns ``lower`` and ``upper``, a row a parameter.  Replicates where a correlation is not defined are left
            out of its row.

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", mlm.load("sleepstudy"))
        >>> boot = fit.bootstrap(200, seed=1)
        >>> boot.conf_int(0.9, type="basic").shape
        (6, 2)
        """
        from .. import frames as pd
        if type not in TYPES:
            raise ValueError(f"conf_int(type={type!r}) is not known; choose one of {', '.join(map(repr, TYPES))}.")
        z = normal_quantile(level)
        tails = (0.5 - level / 2.0, 0.5 + level / 2.0)
        estimates = self._estimates
        if type == "normal":
            middle, half = estimates - self.bias.to_numpy(), z * self.se.to_numpy()
            lower, upper = middle - half, middle + half
        elif type == "bca":
            lower, upper = self._bca(level)
        else:
            lower, upper = quantiles(self._values, tails)
            if type == "basic":
                lower, upper = 2.0 * estimates - upper, 2.0 * estimates - lower
        lower, upper = self._possible(lower, upper)
        return pd.DataFrame({"lower": lower, "upper": upper}, index=list(self.names))

    def _possible(self, lower, upper):
        """Ends cut at the edge of what is possible: a standard deviation of zero, a correlation of one."""
        names = self.names if self._statistic is None and self._derived is None else ()
        if hasattr(self._fit, "density"):
            return self._possible_of_generalized(lower, upper) if names else (lower, upper)
        sigma = sigma_name(self._fit._names)
        for k, name in enumerate(names):
            low, high = ((0.0, np.inf) if name.startswith("sd(") or name == sigma else
                         (-1.0, 1.0) if name.startswith("corr(") else (-np.inf, np.inf))
            lower[k], upper[k] = np.clip((lower[k], upper[k]), low, high)
        return lower, upper

    def _possible_of_generalized(self, lower, upper):
        from .generalized_parameters import parameters_of
        ends = {"plain": (-np.inf, np.inf), "log": (0.0, np.inf), "atanh": (-1.0, 1.0), "logit": (0.0, 1.0)}
        low, high = np.array([ends[scale] for scale in parameters_of(self._fit).scales]).T
        return np.clip(lower, low, high), np.clip(upper, low, high)

    def _bca(self, level):
        from .replicate import deletions
        left = deletions(self._fit, self._statistic, self._groups)
        if self._derived is not None:
            left = np.column_stack([q.of_values(left) for q in self._derived])
        ends = np.full((2, len(self.names)), np.nan)
        for k in range(len(self.names)):
            own, jack = (v[np.isfinite(v)] for v in (self._values[:, k], left[:, k]))
            if len(own) and len(jack) > 1:
                levels = bca_levels(own, jack, self._estimates[k], level)
                ends[:, k] = quantiles(own[:, None], levels)[:, 0]
        return ends

    def derive(self, found) -> Bootstrap:
        """The bootstrap of quantities that are functions of the parameters (`mlmlib.inference.derived.Quantity`)."""
        if self._statistic is not None or self._derived is not None:
            raise ValueError("Only a bootstrap of the parameters has what other quantities can be derived from.")
        estimates, values = (np.column_stack([q.of_values(own) for q in found])
                             for own in (self._estimates[None], self._values))
        return Bootstrap(self._fit, self.kind, self.seed, [q.name for q in found], estimates[0], values, self._singular,
                         self.n_failed, self._asked, self.interrupted, None, self._groups, self._why, list(found), self._checkpoint)

    @property
    def table(self):
        """Estimate, bias, standard error and 95 % percentile interval of each (DataFrame)."""
        from .. import frames as pd
        return pd.DataFrame({"estimate": self.estimates, "bias": self.bias, "se": self.se}).join(self.conf_int())

    def plot(self, names=None, **options):
        """The replicates as histograms, with estimate and interval: see `mlmlib.plots.bootstrap`."""
        from .. import plots
        return plots.bootstrap(self, names, **options)

    def _title(self):
        what = "Cluster" if self.kind == "cluster" else self.kind.capitalize()
        return f"{what} bootstrap of {self._fit.formula}, {self.n} replicates, seed {self.seed}"

    def _rows(self):
        table = self.table
        return (["", "estimate", "bias", "se", "95 % percentile interval"],
                [[name, number(row["estimate"]), number(row["bias"], 2), number(row["se"], 3),
                  f"{number(row['lower'])} to {number(row['upper'])}"] for name, row in table.iterrows()])

    def _note(self):
        said = []
        if self.n_failed:
            said.append(f"{self.n_failed} of {self.n + self.n_failed} replicates could not be fitted and are left out"
                        + (f" ({self._why.rstrip('.')})." if self._why else "."))
        if self.singular_share:
            count = int(self._singular.sum())
            said.append(f"{count} of the replicates ({self.singular_share:.1%}) {'is' if count == 1 else 'are'} "
                        "singular.")
        undefined = np.isnan(self._values).sum(axis=0)
        said += [f"{name} is not defined in {count} replicates, left out of its row."
                 for name, count in zip(self.names, undefined) if count]
        if self.interrupted:
            said.append(how_to_go_on(self.n + self.n_failed, self._asked, self._checkpoint))
        return " ".join(said)


def _each(values: np.ndarray, function) -> np.ndarray:
    """A function of every column, without its missing values."""
    found = [function(own) if len(own := column[np.isfinite(column)]) > 1 else np.nan for column in values.T]
    return np.array(found, dtype=float)


def quantiles(values: np.ndarray, levels) -> np.ndarray:
    """Quantiles of each column as order statistics number (R + 1) p, shape (levels, k).

    Examples
    --------
    >>> quantiles(np.arange(1.0, 100.0)[:, None], (0.05, 0.95)).ravel().tolist()
    [5.0, 95.0]
    """
    found = [np.quantile(own, levels, method="weibull") if len(own := column[np.isfinite(column)]) else
             np.full(len(levels), np.nan) for column in values.T]
    return np.array(found).T


def bca_levels(replicates: np.ndarray, jackknife: np.ndarray, estimate: float, level: float) -> tuple[float, float]:
    """The levels at which a bias-corrected and accelerated interval reads the quantiles (Efron, 1987, eq. 3.9).

    Parameters
    ----------
    replicates : ndarray, shape (R,)
    jackknife : ndarray, shape (J,)
        Estimates with one group left out.
    estimate : float
    level : float

    Examples
    --------
    >>> bca_levels(np.array([-1.0, -0.5, 0.5, 1.0]), np.array([-1.0, 0.0, 1.0]), 0.0, 0.95)
    (0.025, 0.975)
    """
    from scipy.special import ndtr, ndtri
    below = (np.mean(replicates < estimate) + np.mean(replicates <= estimate)) / 2.0
    lean = ndtri(np.clip(below, 0.5 / len(replicates), 1.0 - 0.5 / len(replicates)))
    away = jackknife.mean() - jackknife
    scale = float((away ** 2).sum()) ** 1.5
    bend = float((away ** 3).sum()) / (6.0 * scale) if scale > 0 else 0.0
    tails = lean + np.array([-1.0, 1.0]) * normal_quantile(level)
    low, high = (float(ndtr(lean + tail / (1.0 - bend * tail)).round(12)) for tail in tails)
    return low, high
