"""Exact finite-sample tests of one variance.

Where the null has no random effect, the (restricted) likelihood ratio of one variance is a function of independent
normal variables, with the eigenvalues of Z'(I - X(X'X)^-1X')Z as its only constants.  Drawing these variables
gives the distribution of the test at the sample's own size, at no more cost than a search on a line per draw; no
model is fitted.  With further random effects in the null the same distribution, as if these were known, is close
(Greven et al., 2008).

Chapter 8 (``08_inference``) holds it against the half-and-half mixture of chi-squares, which is its limit for many
groups.

References
----------
Crainiceanu, C. M., & Ruppert, D. (2004). Likelihood ratio tests in linear mixed models with one variance component.
Journal of the Royal Statistical Society B, 66, 165-185, theorems 1 and 2.
Greven, S., Crainiceanu, C. M., Kuechenhoff, H., & Peters, A. (2008). Restricted likelihood ratio testing for zero
variance components in linear mixed models. Journal of Computational and Graphical Statistics, 17, 870-891.
Scheipl, F., Greven, S., & Kuechenhoff, H. (2008). Size and power of tests for a zero random effect variance or
polynomial regression in additive and linear mixed models. Computational Statistics & Data Analysis, 52, 3283-3299.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..lmm.factors import only_plain_residuals
from .boundary import tangent
from .null_hypothesis import null_text
from .likelihood_ratio import pair
from .nesting import check_nested, kind
from ..testresult import TestResult

__all__ = ["ExactTest", "exact_lrt", "exact_rlrt"]

_EQUAL = 1e-10  # relative difference of eigenvalues that is rounding
_STEP = 0.25  # of the grid in log l on which the search on a line begins


class ExactTest(TestResult):
    """A test against draws from the exact distribution of its statistic.

    Attributes
    ----------
    draws : ndarray, shape (n,)
        The statistic under the null.
    standard_error : float
        Monte-Carlo error of the p-value.
    """

    _draws: Any

    def __init__(self, test: TestResult, draws: np.ndarray, standard_error: float):
        super().__init__(test.statistic, test.df, test.pvalue, test.distribution, test.null, test.name, test.note)
        object.__setattr__(self, "_draws", draws)
        object.__setattr__(self, "standard_error", standard_error)

    @property
    def draws(self) -> np.ndarray:
        return self._draws.copy()

    def quantile(self, probability):
        """Quantiles of the statistic under the null.

        Examples
        --------
        >>> import mlmlib as mlm
        >>> fit = mlm.lmm("math ~ homework + (1 | schid)", mlm.load("math"))
        >>> float(mlm.exact_rlrt(fit).quantile(0.5))
        0.0
        """
        return np.quantile(self._draws, probability)


def exact_rlrt(fit, null=None, *, n: int = 10_000, seed: int = 1) -> ExactTest:
    """Exact restricted likelihood-ratio test that one variance is zero.

    Parameters
    ----------
    fit : LmmResult
        With one variance; or with several, independent of each other (of one grouping factor or of several), and
        `null` given.  Refitted by REML where it is
        by ML, which the note says.
    null : LmmResult, optional
        The same model without the variance that is tested; the linear model when left out.
    n : int
        Number of draws.
    seed : int

    Returns
    -------
    ExactTest
        The p-value is ``(1 + draws at or above the statistic) / (1 + n)``, and never zero.

    Raises
    ------
    ValueError
        When more than one parameter is tested: a covariance or a fixed effect as well.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> sleep = mlm.load("sleepstudy")
    >>> test = mlm.exact_rlrt(mlm.lmm("Reaction ~ Days + (1 | Subject)", sleep))
    >>> round(test.statistic, 4), round(test.pvalue, 5)
    (107.1986, 0.0001)
    """
    _only_linear(fit)
    notes = []
    if kind(fit) == "ML":
        fit, null = fit.refit(reml=True), null if null is None or kind(null) == "linear" else null.refit(reml=True)
        notes.append("refitted by REML")
    factor, fixed = _tested(fit, null)
    if fixed:
        raise ValueError("The fixed effects of the two models differ, so their restricted likelihoods cannot be "
                         "compared; use exact_lrt.")
    return _test(fit, null, factor, 0, n, seed, notes, "Exact restricted LR test", "RLRT")


def exact_lrt(fit, null=None, *, n: int = 10_000, seed: int = 1) -> ExactTest:
    """Exact likelihood-ratio test that one variance is zero, and fixed effects too if the null leaves them out.

    Parameters
    ----------
    fit : LmmResult
        With one variance.  Refitted by ML where it is by REML, which the note says.
    null : OlsResult, optional
        A linear model with the same fixed effects or fewer; that with the same when left out.
    n, seed : int

    Returns
    -------
    ExactTest

    Examples
    --------
    >>> import mlmlib as mlm
    >>> sleep = mlm.load("sleepstudy")
    >>> fit = mlm.lmm("Reaction ~ Days + (1 | Subject)", sleep, reml=False)
    >>> mlm.exact_lrt(fit, mlm.ols("Reaction ~ 1", sleep)).null
    'Days = 0, var(Intercept) = 0'
    """
    _only_linear(fit)
    notes = []
    if kind(fit) == "REML":
        fit, null = fit.refit(reml=False), null if null is None or kind(null) == "linear" else null.refit(reml=False)
        notes.append("refitted by maximum likelihood")
    factor, fixed = _tested(fit, null)
    return _test(fit, null, factor, fixed, n, seed, notes, "Exact LR test", "LRT")


def _only_linear(fit) -> None:
    if hasattr(fit, "density"):
        raise ValueError("An exact distribution of the likelihood ratio is known for linear mixed models alone. Use "
                         "mlm.compare(null, fit), or mlm.compare(null, fit, method='bootstrap'), which draws it.")


def _tested(fit, null) -> tuple[np.ndarray, int]:
    """A factor F of the tested direction F F' in the model's own columns, and the number of fixed effects tested."""
    if kind(fit) == "linear":
        raise ValueError("The model has no random effects, so there is no variance to test; give the larger model "
                         "first: exact_rlrt(fit, null).")
    for one in (fit, null):
        only_plain_residuals(one, "An exact test")
    q = fit.model.criterion.elimination.q
    fixed, D, fewer = 0, np.zeros((q, q)), 0
    if null is not None:
        if null.n_params > fit.n_params:
            raise ValueError(f"The larger model comes first, exact_rlrt(fit, null): {fit.formula} has {fit.n_params} "
                             f"parameters, {null.formula} {null.n_params}. Exchange them.")
        embedded = check_nested(null, fit)[1]
        fixed, D, fewer = len(fit._names) - len(null._names), embedded.D, len(embedded.span)
        if embedded.singular:
            raise ValueError("The null model's own variance is estimated as zero; leave that term out of both models.")
    shape = tangent(fit.model.structures, D)
    count = len(fit.model.criterion.basis) - fewer
    if count != 1 or shape.cone.dim - shape.cone.free != 1:
        many = "no variance" if not shape.cone.dim - shape.cone.free else f"{count} parameters"
        raise ValueError(f"An exact distribution is known for one variance; here {many} of the random part would be "
                         "tested (variances and covariances)"
                         + ("." if null is not None else ": give the model without the one that is meant, "
                            "exact_rlrt(fit, null).")
                         + " Otherwise mlm.compare tests them, by the mixture of chi-squares or method='bootstrap'.")
    values, vectors = np.linalg.eigh(shape.directions[shape.cone.free])
    keep = values > 1e-12
    return vectors[:, keep] * np.sqrt(values[keep]), fixed


def _test(fit, null, factor, fixed, n, seed, notes, name, letters) -> ExactTest:
    criterion = fit.model.criterion
    if null is None:
        base = -criterion(np.zeros(len(criterion.basis))).value / 2.0
        statistic, random, text = 2.0 * (fit.llf - base), False, null_text_alone(fit)
    else:
        small, large, *_ = pair(null, fit)
        linear = kind(small) == "linear"
        base = -criterion(np.zeros(len(criterion.basis))).value / 2.0 if linear and not fixed else (
            small.loglik(reml=False) if linear else small.llf)
        statistic, random, text = 2.0 * (large.llf - base), not linear, null_text(small, large)
    statistic = max(statistic, 0.0) if abs(statistic) > 1e-8 else 0.0
    if not (isinstance(n, (int, np.integer)) and n >= 1):
        raise ValueError(f"n={n!r} must be a whole number of draws, 1 or more.")
    draws = _draw(*_spectrum(criterion, factor), len(fit.design.y) - criterion.p, criterion.degrees, fixed, n,
                  np.random.default_rng(seed), criterion.reml)
    at_least = int((draws >= statistic).sum()) if statistic > 0 else n
    pvalue = (1.0 + at_least) / (1.0 + n)
    error = float(np.sqrt(max(pvalue * (1.0 - pvalue), 0.0) / n))
    if random:
        notes.append("the other variances taken as known, which is an approximation")
    notes.append(f"{n:,} draws of its finite-sample distribution; one-sided, because a variance cannot be negative")
    test = TestResult(statistic, 1 + fixed, pvalue, letters, text, name, "; ".join(notes))
    return ExactTest(test, draws, error)


def null_text_alone(fit) -> str:
    """The null of a model with one variance."""
    term = fit.design.random[0]
    return f"{' = '.join(f'var({name})' for name in term.names)} = 0"


def _products(elimination, factor, p: int) -> tuple[np.ndarray, np.ndarray]:
    """Z_j'Z_j, shape (J, q, q), and Z_j'X_j, shape (J, q, p), of the grouping factor that the direction belongs to."""
    q = elimination.q
    if hasattr(elimination, "AB"):
        return elimination.AB[:, :q].transpose(2, 0, 1), elimination.AB[:, q:q + p].transpose(2, 0, 1)
    moved = np.flatnonzero(np.abs(factor).max(axis=1) > 0)
    k = next(k for k, own in enumerate(elimination.factors) if moved[0] in own.effects)
    own = elimination.factors[k]
    if not own.single:
        raise ValueError("Groups of a multiple membership share rows, so that the spectrum that the exact test needs "
                         "is not had group by group; mlm.compare tests the variance, or method='bootstrap'.")
    ZZ, ZX = np.zeros((own.J, q, q)), np.zeros((own.J, q, p))
    ZZ[:, own.effects[:, None], own.effects] = elimination.own_products(k)[0]
    ZX[:, own.effects] = (elimination.B1 if k == elimination.first else
                          elimination.B2[elimination.nodes[k].ravel()].reshape(own.J, own.q, -1))[:, :, :p]
    return ZZ, ZX


def _spectrum(criterion, factor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eigenvalues of Z'(I - P_X)Z and of Z'Z for Z times a factor, with how often each occurs.

    Z'Z is block-diagonal, a small block a group, and X takes away a matrix of rank p.  Where m groups have the same
    block the difference keeps m - p of the eigenvalues (Cauchy's interlacing), so that only what is left is decomposed:
    at most a row a group, in balanced data a few in all.

    Returns
    -------
    ndarray, ndarray, ndarray
        Eigenvalues of the first in units of the largest, their counts, and of the second all.
    """
    p = criterion.p
    ZZ, ZX = _products(criterion.elimination, factor, p)
    A = np.einsum("ar,jab,bs->jrs", factor, ZZ, factor)
    B = np.einsum("ar,jak->jrk", factor, ZX)
    values, vectors = np.linalg.eigh(A)
    xi, B = values.ravel(), (vectors.transpose(0, 2, 1) @ B).reshape(-1, p)
    order = np.argsort(xi)
    xi, B = np.maximum(xi[order], 0.0), B[order]
    found, counts, kept, rows = [], [], [], []
    starts = np.flatnonzero(np.concatenate([[True], np.diff(xi) > _EQUAL * xi[-1]]))
    for begin, end in zip(starts, [*starts[1:], len(xi)]):
        own = B[begin:end]
        if end - begin > p:
            found.append(xi[begin])
            counts.append(end - begin - p)
            own = np.linalg.qr(own, mode="r") if p else own[:0]
        kept.append(np.full(len(own), xi[begin]))
        rows.append(own)
    diagonal, left = np.concatenate(kept), np.concatenate(rows)
    rest = np.linalg.eigvalsh(np.diag(diagonal) - left @ left.T) if len(diagonal) else diagonal
    mu = np.concatenate([found, rest])
    times = np.concatenate([counts, np.ones(len(rest))])
    real = mu > _EQUAL * mu.max()
    return mu[real] / mu.max(), times[real], xi / mu.max()


def _draw(mu, times, xi, degrees, weight, fixed, n, rng, reml) -> np.ndarray:
    """Draws of the statistic under the null, shape (n,).

    With w_s standard normal, D(l) = sum w_s^2 / (1 + l mu_s) over all n - p of them and l the relative variance, the
    statistic is the largest ``N log(D(0) / D(l)) - sum log(1 + l m_s)``: REML N = n - p and m = mu, ML N = n and m = xi
    (theorems 1 and 2), and for fixed effects ``n log(1 + chi2 / D(0))`` more.
    """
    penal, often = (mu, times) if reml else (xi, np.ones(len(xi)))
    low, high = -12.0, max(8.0, min(25.0, 5.0 - float(np.log(mu.min()))))
    grid = np.arange(low, high, _STEP)
    shrink = 1.0 / (1.0 + np.exp(grid) * mu[:, None])
    cost = often @ np.log1p(np.exp(grid) * penal[:, None])
    several = times > 1
    found = np.empty(n)
    size = max(1, min(n, int(4e6 / (len(mu) + len(grid)))))
    for at in range(0, n, size):
        take = min(size, n - at)
        w = rng.standard_normal((take, len(mu))) ** 2
        w[:, several] += rng.chisquare(times[several] - 1.0, size=(take, several.sum()))
        rest = rng.chisquare(degrees - times.sum(), size=take) if degrees > times.sum() else np.zeros(take)
        total = w.sum(axis=1) + rest
        value = weight * np.log(total[:, None] / (w @ shrink + rest[:, None])) - cost
        best = value.argmax(axis=1)
        top = np.maximum(value[np.arange(take), best], 0.0)
        up = np.flatnonzero(top > 0)
        finer = _finer(grid[best[up]], w[up], rest[up], total[up], weight, mu, penal, often)
        top[up] = np.maximum(top[up], finer)
        if fixed:
            top += weight * np.log1p(rng.chisquare(fixed, size=take) / total)
        found[at:at + take] = top
    return found


def _finer(where, w, rest, total, weight, mu, penal, often) -> np.ndarray:
    """The largest value near the best point of the grid, by two Newton steps in log l."""
    for _ in range(2):
        l = np.exp(where)[:, None]
        ratio = l * mu / (1.0 + l * mu)
        left = w * (1.0 - ratio)
        D = left.sum(axis=1) + rest
        slope = (left * ratio).sum(axis=1) / D
        bend = (left * ratio * (1.0 - 2.0 * ratio)).sum(axis=1) / D + slope ** 2
        part = l * penal / (1.0 + l * penal)
        first = weight * slope - part @ often
        second = weight * bend - (part * (1.0 - part)) @ often
        where = where + np.clip(-first / np.where(second < 0, second, -np.inf), -_STEP, _STEP)
    l = np.exp(where)[:, None]
    D = (w * (1.0 - l * mu / (1.0 + l * mu))).sum(axis=1) + rest
    return weight * np.log(total / D) - np.log1p(l * penal) @ often
