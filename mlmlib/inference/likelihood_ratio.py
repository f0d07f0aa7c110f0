"""Likelihood-ratio tests and comparisons of fits.

A variance cannot be negative: a null hypothesis that sets one to zero lies on the boundary of what is possible, and the
statistic does not follow chi-square.  For one variance it is zero half of the time: the mixture of chi2(0) and chi2(1)
that Stata calls chibar2(01).  `mlmlib.inference.boundary` finds the mixture of any null.

Chapter 3 (``03_random_intercepts``) tests one variance, Chapter 8 (``08_inference``) derives the mixtures.

References
----------
Self, S. G., & Liang, K.-Y. (1987). Asymptotic properties of maximum likelihood estimators and likelihood ratio tests
under nonstandard conditions. Journal of the American Statistical Association, 82, 605-610.
Stram, D. O., & Lee, J. W. (1994). Variance components testing in the longitudinal mixed effects model.
Biometrics, 50, 1171-1177.
"""

from __future__ import annotations

import numpy as np

from ..given import refuse_plain
from ..results import refuse_panel
from .boundary import Tangent, boundary_pvalue, boundary_weights, tangent
from .comparison import Comparison, Comparisons, rows_of
from .generalized_comparison import reference_of_generalized
from .generalized_nesting import refuse_kinds
from .null_hypothesis import null_text
from .nesting import check_nested, kind
from ..testresult import TestResult, p_text

__all__ = ["compare", "likelihood_ratio", "lr_vs_linear", "mixture_pvalue", "pair"]

_NOTHING = 1e-8  # of a statistic: what rounding leaves where two likelihoods are equal
_SIDED = "one-sided, because a variance cannot be negative"


def mixture_pvalue(statistic: float, weights: dict[int, float]) -> float:
    """Upper tail of a mixture of chi-squares, ``{df: weight}``; chi2(0) is a point at zero.

    Examples
    --------
    >>> round(mixture_pvalue(2.7055, {0: 0.5, 1: 0.5}), 4)
    0.05
    """
    from scipy.special import chdtrc
    return float(sum(weight * (chdtrc(df, statistic) if df else float(statistic <= 0))
                     for df, weight in weights.items()))


def _describe(weights: dict[int, float]) -> str:
    if weights == {0: 0.5, 1: 0.5}:
        return "chibar2(01)"
    if len(weights) == 1:
        return f"chi2({next(iter(weights))})"
    return " + ".join(f"{weight:.2g} chi2({df})" for df, weight in sorted(weights.items()))


def _drawn(weights: dict[int, float]) -> str:
    """What is said of weights without a closed form."""
    return "; weights from 20,000 draws" if len(weights) > 4 else ""


def _linear_loglik(fit) -> float:
    """Log-likelihood of the model without random effects, of the kind (ML or REML) that `fit` is."""
    return -fit.model.criterion(np.zeros(len(fit._at.basis))).value / 2.0


def lr_vs_linear(fit, mixture: bool = False) -> TestResult:
    """Test of the whole random part against the linear model without it.

    Parameters
    ----------
    fit : LmmResult
    mixture : bool
        With more than one parameter: refer the statistic to the mixture of chi-squares (`mlmlib.inference.boundary`)
        instead of Stata's conservative chi-square.

    Returns
    -------
    TestResult
        One variance: chibar2(01).  More: chi2 with as many degrees of freedom as parameters, which is conservative
        because variances cannot be negative, and the result says so; or the mixture.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", mlm.load("sleepstudy"))
    >>> lr_vs_linear(fit).distribution, lr_vs_linear(fit, mixture=True).distribution
    ('chi2(3)', '0.13 chi2(0) + 0.33 chi2(1) + 0.37 chi2(2) + 0.17 chi2(3)')
    """
    if hasattr(fit, "density"):
        from .generalized_comparison import lr_vs_plain
        return lr_vs_plain(fit, mixture)
    k = fit.n_params - len(fit._names) - 1
    statistic = max(2.0 * (fit.llf - _linear_loglik(fit)), 0.0)
    null = "no random effects" if k > 1 else f"var({fit.design.random[0].names[0]}) = 0"
    name = "LR test vs. linear model"
    if k > 1 and not mixture:
        return TestResult(statistic, k, mixture_pvalue(statistic, {k: 1.0}), f"chi2({k})", null, name,
                          "conservative: variances cannot be negative, so the p-value is at most this")
    weights = boundary_weights(fit)
    if weights is None:
        raise ValueError(f"The data hold no information on some of the {k} parameters of the random part, so the "
                         "mixture of chi-squares cannot be found; simplify the random part, or leave mixture=False.")
    return TestResult(statistic, tuple(weights), mixture_pvalue(statistic, weights), _describe(weights), null, name,
                      _SIDED + _drawn(weights))


def compare(null, full, *more, method: str = "lrt", names: tuple | None = None, refit: bool = True, n: int = 1000,
            seed: int = 1, **options):
    """Compare nested fits by their likelihoods.

    Parameters
    ----------
    null, full : LmmResult, OlsResult, or GlmmResult
        The smaller and the larger model.
    *more
        Models that are larger still; each is compared with the one before it.
    method : {"lrt", "bootstrap"}
        ``"lrt"``: the likelihood ratio against its limiting distribution: chi-square, or where the null sets variances
        to zero the mixture of chi-squares that holds there.  ``"bootstrap"``: against its distribution in data
        simulated from the null fit (`mlmlib.inference.bootstrap`).  Of fits of `mlm.gee` ``"wald"`` (also when left out) or
        ``"score"``: `mlmlib.inference.marginal_comparison.compare_marginal`.
    names : tuple of str, optional
        Names of the models in the table; "null" and "full", or their numbers, when left out.
    refit : bool
        Where the fixed effects differ and the fits are by REML, refit them by ML, and say so.  False refuses instead.
    n, seed : int
        For ``"bootstrap"``: number of simulated data sets, and the seed of their random numbers.
    **options
        For ``"bootstrap"``: handed on.

    Returns
    -------
    Comparison or Comparisons
        A TestResult with `.table` and `.weights`; of more than two fits a table of tests.

    Raises
    ------
    ValueError
        When the comparison would mean nothing: no convergence, other rows, another outcome, other weights, REML
        beside ML, models that are not nested, the same model, the larger one first.

    Notes
    -----
    The mixtures are those of Self and Liang (1987) and Stram and Lee (1994); Chapter 8 (``08_inference``) derives
    them.  Where the null's own estimate is singular, its limit is simulated as a difference of two projections.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> sleep = mlm.load("sleepstudy")
    >>> small = mlm.lmm("Reaction ~ Days + (1 | Subject)", sleep)
    >>> large = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", sleep)
    >>> test = mlm.compare(small, large)
    >>> test.distribution, round(test.statistic, 2), test.weights
    ('0.5 chi2(1) + 0.5 chi2(2)', 42.84, {1: 0.5, 2: 0.5})
    """
    for fit in (null, full, *more):
        refuse_plain(fit, "mlm.compare")
    if any(getattr(fit, "_marginal", False) for fit in (null, full, *more)):
        from .marginal_comparison import compare_marginal
        return compare_marginal((null, full, *more), method="wald" if method == "lrt" else method, names=names)
    for fit in (null, full, *more):
        if hasattr(fit, "clusterings"):
            raise ValueError("compare tests by likelihoods, which a robust covariance does not touch; fit.test('x = 0, "
                             "z = 0') and fit.anova() are robust tests, and compare(fit.fit, ...) takes the models "
                             "alone.")
        refuse_panel(fit, "compare", "see fit.f_test_groups(), mlm.hausman, mlm.breusch_pagan and mlm.mundlak_test")
    fits = (null, full, *more)
    if names is not None and len(names) != len(fits):
        raise ValueError(f"names= has {len(names)} names for {len(fits)} models.")
    if method not in ("lrt", "bootstrap"):
        raise ValueError(f"compare(method={method!r}) is not known; use 'lrt' or 'bootstrap'.")
    refuse_kinds(fits)
    if method == "bootstrap":
        if more:
            raise ValueError("compare(method='bootstrap') takes two models; compare the others one by one.")
        from .bootstrap import compare_bootstrap
        pair(null, full, refit)  # refuses first what cannot be compared
        return compare_bootstrap(null, full, n, seed, names=names, **options)
    if options:
        raise TypeError(f"compare() does not know {next(iter(options))!r} with method='lrt'.")
    if not more:
        return likelihood_ratio(null, full, names=names, refit=refit)
    if len({len(fit.design.X.T) for fit in fits}) > 1 and any(kind(fit) == "REML" for fit in fits) and refit:
        fits = tuple(fit.refit(reml=False) if kind(fit) == "REML" else fit for fit in fits)
        note = _REFITTED.replace("both", "all")
    else:
        note = ""
    names = names or tuple(f"model {k + 1}" for k in range(len(fits)))
    return Comparisons(tuple(likelihood_ratio(*fits[k:k + 2], names=names[k:k + 2], refit=refit)
                             for k in range(len(fits) - 1)), note)


_REFITTED = ("both refitted by maximum likelihood, because REML likelihoods of different fixed effects cannot be "
             "compared")


def pair(null, full, refit: bool = True):
    """Two fits made comparable, or refused.

    Returns
    -------
    null, full : LmmResult or OlsResult
        Refitted by ML where the fixed effects differ.
    fixed_differ : bool
    embedded : Embedding or None
    note : str
    """
    fixed_differ, embedded = check_nested(null, full)
    if not fixed_differ or "REML" not in (kind(null), kind(full)):
        return null, full, fixed_differ, embedded, ""
    if not refit:
        raise ValueError("The fixed effects differ, and REML likelihoods are of different data then (the outcome less "
                         "different fixed effects), so they cannot be compared. Leave refit=True, or fit both with "
                         "reml=False.")
    null, full = (fit.refit(reml=False) if kind(fit) == "REML" else fit for fit in (null, full))
    fixed_differ, embedded = check_nested(null, full)
    return null, full, fixed_differ, embedded, _REFITTED


def likelihood_ratio(null, full, *, names: tuple | None = None, refit: bool = True) -> Comparison:
    """The likelihood-ratio test of two nested fits: what `compare` does with two.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> data = mlm.load("hsb")
    >>> null, full = (mlm.lmm(f"mathach ~ cses {more}+ (1 | school)", data) for more in ("", "+ minority "))
    >>> test = likelihood_ratio(null, full)
    >>> test.null, round(test.statistic, 2), test.note.split(",")[0]
    ('minority[T.Yes] = 0', 207.34, 'both refitted by maximum likelihood')
    """
    null, full, _, embedded, note = pair(null, full, refit)
    notes = [note] if note else []
    reml = "REML" in (kind(null), kind(full))
    logliks = [fit.loglik(reml=reml) if kind(fit) == "linear" else fit.llf for fit in (null, full)]
    statistic = 2.0 * (logliks[1] - logliks[0])
    if reml:  # REML depends on how X is coded; on the same columns it does not
        statistic += _log_volume(full) - _log_volume(null)
    if statistic < -1e-6 * (1.0 + abs(logliks[0])):
        raise ValueError(f"The larger model has the lower likelihood (2 x difference {statistic:.4g}), which cannot be "
                         "at its maximum: its search stopped elsewhere. Simplify it or rescale its predictors.")
    statistic = statistic if statistic > _NOTHING else 0.0
    df = full.n_params - null.n_params
    weights, distribution, pvalue, more = _reference(null, full, embedded, statistic, df)
    notes += more
    rows = rows_of((null, full), names or ("null", "full"), logliks)
    rows[1].update(chisq=statistic, df=df, pvalue=pvalue)
    test = TestResult(statistic, df, pvalue, distribution, null_text(null, full), "LR test", "; ".join(notes))
    return Comparison(test, rows, weights)


def _log_volume(fit) -> float:
    """log |X'WX|."""
    X = fit.design.X if fit.design.weights is None else fit.design.X * np.sqrt(fit.design.weights)[:, None]
    return 2.0 * float(np.log(np.abs(np.diagonal(np.linalg.qr(X, mode="r")))).sum())


def _reference(null, full, embedded, statistic, df):
    """Weights (None where it is no mixture), name, p-value and notes of the reference distribution."""
    if hasattr(full, "density"):
        return reference_of_generalized(null, full, embedded, statistic, df)
    fixed, random = len(full._names) - len(null._names), df - len(full._names) + len(null._names)
    plain = mixture_pvalue(statistic, {df: 1.0})
    if not random or embedded is None:
        return {df: 1.0}, f"chi2({df})", plain, []
    if hasattr(full, "residual_table"):  # the weights would need the residuals' parameters too, but for one variance
        if random == 1 and len(full._at.basis) == 1 and not fixed:
            return {0: 0.5, 1: 0.5}, "chibar2(01)", mixture_pvalue(statistic, {0: 0.5, 1: 0.5}), [_SIDED]
        return {df: 1.0}, f"chi2({df})", plain, ["conservative: variances cannot be negative"]
    fewer = df - fixed - len(full.model.criterion.basis)
    if embedded.singular:
        pvalue = boundary_pvalue(statistic, full, embedded.D, _null_tangent(null, embedded), fixed)
        if pvalue is not None:
            return drawn_at_boundary(statistic, df, pvalue)
        weights = None
    else:
        weights = boundary_weights(full, embedded.D, -fewer, fixed)
    return by_mixture(statistic, df, weights)


def by_mixture(statistic: float, df: int, weights: dict | None):
    """What a test by a mixture of chi-squares says: weights, distribution, p-value, notes; without weights by chi2(df)."""
    plain = mixture_pvalue(statistic, {df: 1.0})
    if weights is None:
        return None, f"chi2({df})", plain, [
            "the data hold too little information on the larger model's random part for the mixture of chi-squares; "
            "chi2 is conservative where a variance is zero"]
    if len(weights) == 1:
        return weights, _describe(weights), plain, []
    ignoring = f"; chi2({df}) would give p {p_text(plain)}" if statistic > 0 else ""
    return weights, _describe(weights), mixture_pvalue(statistic, weights), [f"{_SIDED}{_drawn(weights)}{ignoring}"]


def drawn_at_boundary(statistic: float, df: int, pvalue: float):
    """The same where the null's own fit is singular and its distribution was drawn."""
    plain = mixture_pvalue(statistic, {df: 1.0})
    return None, f"chi2({df}) at the boundary", pvalue, [
        "the null's own fit is singular: its distribution is drawn (20,000 times) as if its variance were zero in "
        f"truth; chi2({df}) would give p {p_text(plain)}; method='bootstrap' is the check"]


def _null_tangent(null, embedded) -> Tangent:
    """The tangent cone of the null's own structure, its directions in the larger model's columns."""
    q, blocks = len(embedded.D), null.model.criterion.blocks
    D = np.zeros((blocks[-1].stop, blocks[-1].stop))
    for block, back, own in zip(blocks, null.model.z_maps, null._D):
        forward = np.linalg.inv(back)
        D[block, block] = forward @ own @ forward.T
    own = tangent(null.model.structures, D)
    carry = np.hstack(embedded.maps)
    directions = [carry @ E @ carry.T for E in own.directions]
    return Tangent(np.array(directions).reshape(-1, q, q), own.cone)
