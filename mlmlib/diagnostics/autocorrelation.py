"""Correlations of residuals in time: by lag, whitened for a model with a residual structure, so that what it has missed
is seen.

Chapter 14 (``14_growth_shapes``) chooses a structure by them.

References
----------
Pinheiro, J. C., & Bates, D. M. (2000). Mixed-Effects Models in S and S-PLUS. Springer, section 5.3, eq. 5.36.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..display import Shown
from ..given import takes_fit
from ..errors import DataError
from ..results import normal_quantile, refuse_panel
from ..rows.layout import Layout, layout
from ..rows.markov import integer_gaps

__all__ = ["Acf", "acf"]

_STEPS = 1000  # lags above which pairs are counted by rows in their order


@dataclass(frozen=True, repr=False)
class Acf(Shown):
    """Autocorrelations of residuals.

    Attributes
    ----------
    lag : ndarray of int, shape (m,)
    correlation : ndarray, shape (m,)
    pairs : ndarray of int, shape (m,)
        Pairs of rows of one group that are so far apart.
    kind : str
        The residuals, as `mlmlib.residuals` names them.
    group, time : str
        Within what, and in what order.
    steps : bool
        Whether a lag counts steps of time; else rows in their order.
    level : float
        Of the band that uncorrelated residuals stay in, each lag by itself.
    """

    lag: np.ndarray
    correlation: np.ndarray
    pairs: np.ndarray
    kind: str
    group: str
    time: str
    steps: bool
    level: float = 0.95

    @property
    def half(self) -> np.ndarray:
        """Half the width of the band: z over the root of the pairs."""
        return normal_quantile(self.level) / np.sqrt(self.pairs)

    @property
    def table(self):
        """Columns ``lag``, ``acf``, ``pairs``, ``lower``, ``upper``: the band, not an interval (DataFrame)."""
        from .. import frames as pd
        half = np.where(self.lag == 0, np.nan, self.half)
        return pd.DataFrame({"lag": self.lag, "acf": self.correlation, "pairs": self.pairs, "lower": -half,
                             "upper": half})

    def plot(self, **options):
        """The correlations with their band: see `mlmlib.plots.acf`."""
        from .. import plots
        return plots.acf(self, **options)

    def _title(self):
        return f"Autocorrelation of {self.kind} residuals within {self.group}, lags in {self.unit}"

    @property
    def unit(self) -> str:
        """What a lag counts."""
        return f"steps of {self.time}" if self.steps else f"rows in the order of {self.time}"

    def _rows(self):
        return (["lag", "correlation", "pairs", f"band ({self.level:.0%})"],
                [[str(lag), f"{r:+.3f}", str(count), "" if lag == 0 else f"{-half:.3f} to {half:.3f}"]
                 for lag, r, count, half in zip(self.lag, self.correlation, self.pairs, self.half)])

    def _note(self):
        out = [str(lag) for lag, r, half in zip(self.lag, self.correlation, self.half) if lag and abs(r) > half]
        return f"Outside the band: lag {', '.join(out)}." if out else "All lags lie inside the band."


@takes_fit
def acf(fit, max_lag: int | None = None, *, kind: str | None = None, time: str | None = None, group: str | None = None,
        level: float = 0.95) -> Acf:
    """Correlations of the residuals of rows of a group, by the time between them.

    Parameters
    ----------
    fit : LmmResult, RowResult or OlsResult
    max_lag : int, optional
        The largest lag; ``10 log10`` of the longest series when left out.
    kind : str, optional
        Conditional residuals as in `mlmlib.residuals`; ``"scaled"`` when left out: freed of the correlation and unequal
        variances that the model knows of, so that what is left is what it has missed.  ``"pearson"`` shows the
        correlation itself.
    time : str, optional
        Column of times; that of the model's structure when left out, else the order of the rows.  A lag counts steps of
        equally spaced times (of which some may be missing), otherwise rows.
    group : str, optional
        Column of groups; those of the structure, or the random effects' factor with the most groups, when left out.
    level : float
        Of the band.

    Returns
    -------
    Acf

    Raises
    ------
    DataError
        When rows of a group share a time, or no group has two rows.

    Notes
    -----
    Chapter 14 (``14_growth_shapes``).  As in nlme's ``ACF``, the mean product of pairs is divided by the mean square; the
    residuals are not centered.  Residuals about a group's own predicted curve lean to negative correlations, the more the
    fewer rows a group has, also where errors have no memory: hold them against tables made by ``simulate`` and refitted.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy"))
    >>> mlm.acf(fit, 2, time="Days").table[["lag", "acf", "pairs"]].round(3).to_dict("list")
    {'lag': [0, 1, 2], 'acf': [1.0, 0.383, 0.089], 'pairs': [180, 162, 144]}
    """
    refuse_panel(fit, "acf", "fit mlm.lmm, or mlm.gls with a correlation")
    if max_lag is not None and not (isinstance(max_lag, (int, np.integer)) and max_lag >= 1):
        raise ValueError(f"max_lag={max_lag!r} must be a whole number, 1 or more.")
    kind = ("quantile" if hasattr(fit, "density") else "scaled") if kind is None else kind
    own = _series_of(fit, time, group)
    asked = getattr(getattr(fit, "model", None), "correlation", None)
    time = time or (asked.time if asked is not None else None)
    e = np.asarray(fit.residuals(kind, "conditional"), dtype=float)[own.order]
    known = np.isfinite(e)
    e = np.where(known, e, 0.0)
    start = np.repeat(own.starts, own.sizes)
    place, steps = np.arange(len(e)) - start, False
    if time is not None:
        try:
            gone = np.cumsum(integer_gaps(own, time, "acf")).astype(int)
            if (gone - gone[start]).max() <= _STEPS:
                place, steps = gone - gone[start], True
        except DataError:
            pass
    longest = int(place.max())
    most = min(longest, max(1, int(10.0 * np.log10(longest + 2.0)))) if max_lag is None else min(max_lag, longest)
    products, pairs = np.zeros(most + 1), np.zeros(most + 1, dtype=int)
    for back in range(int(own.sizes.max())):
        n = len(e) - back
        same = (start[:n] == start[back:]) & known[:n] & known[back:]
        lag = (place[back:] - place[:n])[same]
        near = lag <= most
        products += np.bincount(lag[near], (e[:n] * e[back:])[same][near], most + 1)
        pairs += np.bincount(lag[near], minlength=most + 1)
        if len(lag) and lag.min() > most:
            break
    seen = pairs > 0
    r = products[seen] / pairs[seen] / (products[0] / pairs[0])
    named = group or (asked.group if asked is not None else None) or _largest(fit)
    return Acf(np.flatnonzero(seen), r, pairs[seen], kind, named or "all rows", time or "the data", steps, level)


def _largest(fit) -> str | None:
    sizes: dict = getattr(fit, "n_groups", {})
    return max(sizes, key=sizes.get) if sizes else None


def _series_of(fit, time, group) -> Layout:
    """The rows of each group in the order of time."""
    correlation = getattr(getattr(fit, "model", None), "correlation", None)
    if correlation is not None and group is None and time in (None, correlation.time):
        return fit.model.rows.correlation.layout
    design = fit.design
    if group is None and correlation is not None:
        group = correlation.group
    if group is not None:
        from dataclasses import replace
        design = replace(design, random=())  # any groups will do
    return layout(design, time, group, "acf")
