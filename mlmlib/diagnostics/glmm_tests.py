"""Tests of a generalized linear mixed model: uniform residuals, dispersion, zeros, outliers.

Each compares the data with outcomes drawn from the fitted model, the groups' effects drawn given the data: if the model is
right, drawn outcomes and data are alike (Gelman, Meng & Stern, 1996).  The tests of dispersion and of zeros are conservative:
effects drawn given the data follow the data, so that a right model has p-values below 0.05 in fewer than 5 % of samples.

Chapter 17 (``17_counts``) uses them on counts; R's DHARMa has tests of the same names, from new groups.

References
----------
Gelman, A., Meng, X.-L., & Stern, H. (1996). Posterior predictive assessment of model fitness via realized discrepancies.
Statistica Sinica, 6, 733-807.
Hartig, F. (2022). DHARMa: Residual diagnostics for hierarchical (multi-level / mixed) regression models. R package.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DataError
from ..testresult import TestResult
from .glmm_residuals import _outcome, quantile_residuals, refuse_several, row_moments, stream, tails

__all__ = ["SimulatedTest", "dispersion_test", "outliers_test", "pearson_dispersion", "uniformity_test", "zeros_test"]


class SimulatedTest(TestResult):
    """A test of a statistic against the same of outcomes drawn from the fit.

    Attributes
    ----------
    observed : float
        The statistic in the data.
    simulated : ndarray, shape (n,)
        In drawn outcomes.
    """

    _simulated: Any

    def __init__(self, test: TestResult, observed: float, simulated: np.ndarray):
        super().__init__(test.statistic, test.df, test.pvalue, test.distribution, test.null, test.name, test.note)
        object.__setattr__(self, "observed", observed)
        object.__setattr__(self, "_simulated", simulated)

    @property
    def simulated(self) -> np.ndarray:
        return self._simulated.copy()


def _p_two_sided(observed, simulated) -> float:
    """Twice the smaller share of draws at least as far out, the data counted among them."""
    n = len(simulated)
    above, below = (np.sum(simulated >= observed) + 1.0) / (n + 1.0), (np.sum(simulated <= observed) + 1.0) / (n + 1.0)
    return float(min(1.0, 2.0 * min(above, below)))


def _needs_rows(fit, what):
    if not hasattr(fit, "density"):
        raise DataError(f"{what} is for models of mlm.glmm; for others see mlm.diagnose.")
    refuse_several(fit, f"The residuals of {what}")


def dispersion_test(fit, n: int = 250, seed: int = 1) -> SimulatedTest:
    """Do the outcomes vary as much around their expectations as the family says?

    Parameters
    ----------
    fit : GlmmResult
    n, seed : int
        Number of draws.

    Returns
    -------
    SimulatedTest
        ``statistic`` is the sum of squared Pearson residuals over its mean in drawn outcomes: above 1 overdispersion.

    Raises
    ------
    DataError
        For single 0/1 outcomes, which have no variance but that of their mean.

    Notes
    -----
    Chapter 17 (``17_counts``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("y ~ lbase * trt + lage + V4 + (1 | subject)", mlm.load("epil"), family="poisson")
    >>> found = mlm.dispersion_test(fit)
    >>> found.statistic > 1.5, found.pvalue < 0.01
    (True, True)
    """
    from ..glmm.draw import predictors_drawn
    _needs_rows(fit, "dispersion_test")
    trials = fit.density.trials
    if fit.family.name in ("binomial", "bernoulli") and (trials is None or np.max(trials) <= 1):
        raise DataError("Single 0/1 outcomes have no variance but that of their mean, so that they cannot be "
                        "overdispersed; the test is for counts and for several trials a row.")
    rng = stream(seed)
    y, eta = _outcome(fit), predictors_drawn(fit, n, rng, "posterior")
    drawn = fit._draw(eta if fit.density.K == 1 else np.moveaxis(eta, 1, 0), rng)
    if trials is not None:
        drawn = drawn / np.maximum(trials, 1.0)
    if hasattr(fit.density, "thresholds"):
        drawn = drawn + 1.0  # categories from 1, as their expectations are
    observed, simulated = np.empty(n), np.empty(n)
    for k in range(n):
        mean, variance = row_moments(fit, eta=eta[k])
        good = variance > 0
        observed[k] = np.sum((y - mean)[good] ** 2 / variance[good])
        simulated[k] = np.sum((drawn[k] - mean)[good] ** 2 / variance[good])
    above, below = ((np.sum(side) + 1.0) / (n + 1.0) for side in (simulated >= observed, simulated <= observed))
    ratio = float(observed.mean() / simulated.mean())
    found = TestResult(ratio, n, float(min(1.0, 2.0 * min(above, below))), "observed / expected",
                       "the family's variance", "Test of dispersion", "above 1: overdispersion; p by simulation")
    return SimulatedTest(found, float(observed.mean()), simulated)


def zeros_test(fit, n: int = 250, seed: int = 1) -> SimulatedTest:
    """Are there as many zeros as the model expects?

    Parameters
    ----------
    fit : GlmmResult
        Of counts, or of successes in several trials.
    n, seed : int

    Returns
    -------
    SimulatedTest
        ``statistic`` is the number of zeros over its mean in drawn outcomes: above 1 too many zeros in the data.

    Raises
    ------
    DataError
        For outcomes that are not counts, and for single 0/1 outcomes, whose zeros any model with an intercept gets right.

    Notes
    -----
    Chapter 17 (``17_counts``).  Too many zeros are often overdispersion: test it first.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("y ~ lbase * trt + lage + V4 + (1 | subject)", mlm.load("epil"), family="poisson")
    >>> round(mlm.zeros_test(fit).observed)
    23
    """
    _needs_rows(fit, "zeros_test")
    single = fit.family.name in ("binomial", "bernoulli") and (fit.density.trials is None or np.max(fit.density.trials) <= 1)
    if not fit.family.discrete or single or hasattr(fit.density, "thresholds"):
        raise DataError("The test of zeros is for counts" + (
            "; the zeros of single 0/1 outcomes are what the model is about." if single
            else f", and family={fit.family.name!r} has none."))
    zeros = (fit.simulate(n, stream(seed), "posterior") == 0).sum(axis=1).astype(float)
    observed = float((fit.design.y == 0).sum())
    expected = zeros.mean()
    ratio = observed / expected if expected > 0 else (np.inf if observed else 1.0)
    found = TestResult(float(ratio), n, _p_two_sided(observed, zeros), "observed / expected",
                       "as many zeros as the model expects",
                       "Test of zeros", f"{observed:.0f} zeros, {expected:.1f} expected; p by simulation")
    return SimulatedTest(found, observed, zeros)


def uniformity_test(fit, level: str = "conditional", seed: int = 1) -> TestResult:
    """Are the quantile residuals standard normal? Kolmogorov and Smirnov's test.

    Parameters
    ----------
    fit : GlmmResult
    level : {"conditional", "marginal"}
        Marginal residuals of rows of one group are correlated, which the test does not know.
    seed : int
        Of the residuals' random part.

    Returns
    -------
    TestResult

    Notes
    -----
    Chapter 16 (``16_binary``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size")
    >>> mlm.uniformity_test(fit).pvalue > 0.05
    True
    """
    from scipy.stats import kstest
    _needs_rows(fit, "uniformity_test")
    found = kstest(quantile_residuals(fit, level, seed, uniform=True), "uniform")
    return TestResult(float(found.statistic), fit.nobs, float(found.pvalue), "D", f"uniform {level} quantile residuals",
                      "Kolmogorov-Smirnov test")


def outliers_test(fit, seed: int = 1) -> TestResult:
    """Is there an outcome that the model can hardly have produced?

    Parameters
    ----------
    fit : GlmmResult
    seed : int

    Returns
    -------
    TestResult
        ``statistic`` is the smallest probability, over the rows, of an outcome as low or as high as the row's, given what
        all outcomes say of the groups; the p-value is twice that by the number of rows (Bonferroni).

    Notes
    -----
    Chapter 16 (``16_binary``).

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size")
    >>> mlm.outliers_test(fit).pvalue > 0.05
    True
    """
    _needs_rows(fit, "outliers_test")
    low, high = tails(fit, seed)
    p = np.minimum(low, high)
    worst = int(p.argmin())
    side = "low" if low[worst] < high[worst] else "high"
    return TestResult(float(p[worst]), len(p), float(min(1.0, 2.0 * len(p) * p[worst])), "smallest tail",
                      "no outlying row",
                      "Test of outliers", f"row {fit.design.index()[worst]}, on the {side} side; Bonferroni over "
                                          f"{len(p)} rows")


def pearson_dispersion(fit) -> float:
    """Sum of squared Pearson residuals over rows less parameters: about 1 without overdispersion, somewhat less because the
    predicted effects follow the data.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("y ~ lbase * trt + lage + V4 + (1 | subject)", mlm.load("epil"), family="poisson")
    >>> round(mlm.diagnostics.pearson_dispersion(fit), 2)
    1.59
    """
    _needs_rows(fit, "pearson_dispersion")
    return float(np.nansum(fit.residuals("pearson").to_numpy() ** 2) / (fit.nobs - fit.n_params))
