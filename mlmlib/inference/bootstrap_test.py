"""The likelihood-ratio test against its distribution in samples from the null fit.

What chi-square and its mixtures are limits of is here drawn as it is: new samples from the null fit, both models fitted
to each, the likelihood ratio noted.  No limit is needed, for few groups as for variances on the boundary; what remains
is that the null is simulated at its estimates.

Chapter 8 (``08_inference``) puts it beside the mixtures of chi-squares.

References
----------
Davison, A. C., & Hinkley, D. V. (1997). Bootstrap Methods and their Application. Cambridge University Press, section 4.2.
Halekoh, U., & Hojsgaard, S. (2014). A Kenward-Roger approximation and parametric bootstrap methods for tests in linear
mixed models: the R package pbkrtest. Journal of Statistical Software, 59(9), section 4.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import DataError
from ..lmm.batch_fit import fit_replicates
from .blocks import how_to_go_on, new_seed, run
from .comparison import Comparison
from .generalized_bootstrap import GeneralizedRatio
from .replicate import BLOCK, Drawn, bare
from .resample import Parametric, outcomes, working
from .row_resample import StructureRatio
from .several_resample import Outcomes, refitted_outcome
from ..testresult import TestResult, p_text

__all__ = ["BootstrapComparison", "compare_bootstrap"]

_TIE = 1e-8  # of a statistic: what rounding leaves where two likelihoods are equal


class BootstrapComparison(Comparison):
    """A likelihood-ratio test with the replicates that it is judged by.

    Attributes
    ----------
    n, n_failed, seed : int
    zero_share : float
        Share of the replicates in which the larger model fits no better than the smaller.
    pvalue_se : float
        Standard error of the p-value that comes from the number of replicates.
    limit : Comparison
        The same test against its limiting distribution.
    """

    _values: np.ndarray

    def __init__(self, limit: Comparison, values: np.ndarray, n_failed: int, seed: int, asked: int,
                 checkpoint=None):
        n, statistic = len(values), limit.statistic
        beyond = int((values >= statistic - _TIE).sum())
        pvalue = (1 + beyond) / (1 + n)
        zero = float((values <= _TIE).mean())
        notes = [part for part in limit.note.split("; ") if part.startswith("both refitted")]
        notes.append(f"{beyond} of {n} samples from the null reach the statistic, p = (1 + {beyond}) / (1 + {n})")
        if zero > 0.005:
            notes.append(f"in {zero:.0%} of them the larger model fits no better")
        if n_failed:
            notes.append(f"{n_failed} more could not be fitted")
        if n + n_failed < asked:
            notes.append(how_to_go_on(n + n_failed, asked, checkpoint).rstrip(".").replace("Interr", "interr").replace(". ", "; "))
        notes.append(f"{limit.distribution} gives p {p_text(limit.pvalue)}")
        rows = [dict(row) for row in limit._rows]
        rows[1]["pvalue"] = pvalue
        test = TestResult(statistic, limit.df, pvalue, "LR", limit.null, "Parametric bootstrap test", "; ".join(notes))
        super().__init__(test, rows)
        self.__dict__.update(n=n, n_failed=n_failed, seed=seed, zero_share=zero, limit=limit, _values=values,
                             pvalue_se=float(np.sqrt(pvalue * (1.0 - pvalue) / n)))

    @property
    def replicates(self) -> np.ndarray:
        """The statistic of every replicate, shape (n,)."""
        return self._values.copy()

    def plot(self, **options):
        """The replicates beside the limiting distribution and the statistic: see `mlmlib.plots.bootstrap_test`."""
        from .. import plots
        return plots.bootstrap_test(self, **options)


def compare_bootstrap(null, full, n: int = 1000, seed: int | None = 1, n_jobs: int | None = None,
                      progress: bool | None = None, names: tuple | None = None, checkpoint=None) -> BootstrapComparison:
    """Test a smaller model against a larger one by the parametric bootstrap.

    Parameters
    ----------
    null, full : LmmResult or OlsResult
        The smaller and the larger model, as for `mlmlib.compare`.
    n : int
        Number of samples drawn from the null fit.
    seed : int or None
        The same seed gives the same samples, whatever the number of workers.
    n_jobs, progress, checkpoint
        As for `mlmlib.inference.bootstrap.bootstrap`.
    names : tuple of str, optional
        Names of the two in the table.

    Returns
    -------
    BootstrapComparison
        With ``p = (1 + number of samples that reach the statistic) / (1 + n)``.

    Raises
    ------
    ValueError
        As `mlmlib.compare`, and when the rows of the two stand in different orders.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> sleep = mlm.load("sleepstudy")
    >>> null = mlm.lmm("Reaction ~ 1 + (1 + Days | Subject)", sleep, reml=False)
    >>> full = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", sleep, reml=False)
    >>> test = compare_bootstrap(null, full, n=200)
    >>> round(test.statistic, 2), round(test.pvalue, 5)
    (23.54, 0.00498)
    """
    from .likelihood_ratio import likelihood_ratio, pair
    if not (isinstance(n, (int, np.integer)) and n >= 1):
        raise ValueError(f"n={n!r} must be a whole number of samples, 1 or more.")
    if not np.array_equal(null.design.y, full.design.y):
        raise ValueError("The rows of the two fits stand in different orders; fit both to the same table.")
    limit = likelihood_ratio(null, full, names=names)
    null, full, *_ = pair(null, full)
    seed = new_seed(seed, checkpoint)
    several = any(hasattr(fit, "model") and not hasattr(fit, "density") and not fit.model.one_factor
                  for fit in (null, full))
    structured = any(hasattr(fit, "residual_table") for fit in (null, full))
    make = (GeneralizedRatio if hasattr(full, "density") else StructureRatio if structured else RowRatio if several else
            Ratio)
    about = f"bootstrap test of {null.formula} within {full.formula}"
    blocks, _ = run(make(null, full), n, seed, n_jobs, progress, checkpoint=checkpoint, about=about)
    if not blocks:
        raise KeyboardInterrupt
    failed = np.concatenate([block.failed for block in blocks])
    if failed.all():
        raise DataError(f"Neither model could be fitted to any of {len(failed)} samples.")
    values = np.concatenate([block.values[:, 0] for block in blocks])[~failed]
    return BootstrapComparison(limit, values, int(failed.sum()), seed, n, checkpoint)


class Ratio:
    """The likelihood ratio of two models in samples from the smaller: a function ``(seed, size) -> Drawn``."""

    def __init__(self, null, full):
        self.sampler = Parametric(null, (full,))
        self.reml = any(getattr(fit, "reml", None) for fit in (null, full))
        self.fits = [bare(fit) if hasattr(fit, "model") else None for fit in (null, full)]
        p = len(null._names)  # by REML the fixed parts are the same
        self.degrees = null.nobs - (p if self.reml else 0)

    def __call__(self, seed, size: int) -> Drawn:
        pair = self.sampler.draw(np.random.default_rng(seed), BLOCK)
        found = [self._criterion(fit, data, size) for fit, data in zip(self.fits, pair)]
        (null, full), singular = (values for values, _ in found), found[1][1]
        failed = ~np.isfinite(null - full)
        return Drawn(np.maximum(null - full, 0.0)[:, None], singular, failed)

    def _criterion(self, fit, data, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Criteria but for what both models have in common, and which are singular."""
        if fit is None:
            Xy, yy = (part[:size] for part in data)
            rss = yy - (Xy ** 2).sum(axis=1)
            return self.degrees * (1.0 + np.log(2.0 * np.pi * rss / self.degrees)), np.zeros(size, dtype=bool)
        data = data[:size]
        found = fit_replicates(fit.model, replace(data, constant=np.zeros(size)), fit._at.L)
        return found.value, found.singular


class RowRatio:
    """The same where a model has several grouping factors: samples are outcomes of the rows."""

    def __init__(self, null, full):
        self.sampler = Outcomes(null)
        self.fits = [bare(fit) if hasattr(fit, "model") else None for fit in (null, full)]
        plain = next((fit for fit in (null, full) if not hasattr(fit, "model")), None)
        self.Q, self.design = (None, None) if plain is None else (working(plain)[1], plain.design)
        self.degrees = null.nobs - (len(null._names) if getattr(full, "reml", None) else 0)

    def __call__(self, seed, size: int) -> Drawn:
        rng = np.random.default_rng(seed)
        Y = np.array([self.sampler.rows(rng) for _ in range(size)])
        (null, _), (full, singular) = (self._criterion(fit, Y) for fit in self.fits)
        return Drawn(np.maximum(null - full, 0.0)[:, None], singular, ~np.isfinite(null - full))

    def _criterion(self, fit, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Criteria but for what both models have in common, and which are singular."""
        value, singular = np.full(len(Y), np.nan), np.zeros(len(Y), dtype=bool)
        if fit is None:
            R = Y if self.design.offset is None else Y - self.design.offset
            R = R if self.design.weights is None else R * np.sqrt(self.design.weights)
            R = R - (R @ self.Q.T) @ self.Q
            return self.degrees * (1.0 + np.log(2.0 * np.pi * (R * R).sum(axis=1) / self.degrees)), singular
        if fit.model.one_factor:
            data = outcomes(fit.model, Y)
            found = fit_replicates(fit.model, replace(data, constant=np.zeros(len(Y))), fit._at.L)
            return found.value, found.singular
        for k, y in enumerate(Y):
            one = refitted_outcome(fit.model, y, fit._at.L)
            if one is not None:
                value[k] = one[1].at.value - fit.model.criterion.constant
                singular[k] = any(fit.model.singular(one[1].at))
        return value, singular
