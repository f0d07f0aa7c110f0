"""`mlm.robust`: a fit's coefficients with a covariance that holds whatever the correlation within clusters.

Chapter 20 (``20_gee_and_robust``) derives it.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError, FormulaError
from ..lmm.factors import lies_within
from .adjust import KINDS, factor_of, pieces
from .blocks import Blocks
from .clusters import clusters_of, crossed, effective_clusters, warnings_of
from .moments import RobustTests
from .result import Clustering, RobustResult
from .rows import rows_of

__all__ = ["robust"]

_DDF = ("satterthwaite", "clusters", "normal")


def robust(fit, groups=None, kind: str = "CR2", *, ddf: str | None = None, working: str = "model") -> RobustResult:
    """The same coefficients with cluster-robust standard errors, and tests that hold with few clusters.

    Parameters
    ----------
    fit : a result of ``mlm.ols``, ``mlm.panel``, ``mlm.lmm``, ``mlm.gls``, or ``mlm.glmm`` without random effects
    groups : str, list of two str, or array of shape (nobs,), optional
        The clusters: a column of the data, a grouping factor of the fit, or values.  Two names: two-way clustering.  Left
        out, the groups of the fit, of nested ones the coarsest.
    kind : {"CR0", "CR1", "CR1p", "CR1S", "CR2", "CR3"}
        Adjustment for small samples, J clusters, N rows, p coefficients.  ``"CR0"``: none.  ``"CR1"``: J / (J - 1).
        ``"CR1p"``: J / (J - p).  ``"CR1S"``: J (N - 1) / ((J - 1) (N - p)), Stata's.  ``"CR2"``: residuals adjusted so that
        the estimate is unbiased where the working covariance holds.  ``"CR3"``: the jackknife's, leaving a cluster out.
    ddf : {"satterthwaite", "clusters", "normal"}, optional
        Degrees of freedom: of each coefficient, from the working covariance (the default); one less than the number of
        clusters, as in Stata (two-way: of the smaller number, and the default); or none.
    working : {"model", "identity"}
        What CR2 and the degrees of freedom take for true when they are derived: the covariance the fit assumes (for
        ``mlm.ols`` with weights: variances sigma^2 / weight); or rows independent with equal variance, weights being
        sampling weights, which is R's ``vcovCR`` of a weighted ``lm``.

    Returns
    -------
    RobustResult

    Raises
    ------
    ValueError, FormulaError, DataError
        For an unknown kind, a fit that has no such covariance, clusters that are missing, or that cut through the groups
        of a mixed model.

    Notes
    -----
    Chapter 20 (``20_gee_and_robust``) derives it.  All numbers are those of R's clubSandwich:

    - a within-groups fit enters with its demeaned predictors.  Where clusters hold whole groups, CR2 is then the same as with
      a dummy for each group (Pustejovsky and Tipton, 2018, theorem 2), while N and p of CR1S count no dummies, as in Stata's
      ``xtreg, fe``; a two-way fit enters with its group-demeaned dummies for time (clubSandwich's CR3 of ``plm`` forgets them);
    - a mixed model enters with W_j the inverse of the estimated V_j, and V_j as working covariance;
    - a generalized model with Fisher's weights, its rows of unequal variance (`mlmlib.robust.quadrature` has the roots).

    Two-way clustering adds the covariances of both clusterings and takes off that of their intersections (Cameron, Gelbach and
    Miller, 2011), each with its own adjustment; negative eigenvalues become zero, and a message says so.

    References
    ----------
    Bell, R. M., & McCaffrey, D. F. (2002). Survey Methodology, 28, 169-181.

    Cameron, A. C., Gelbach, J. B., & Miller, D. L. (2011). Robust inference with multiway clustering. Journal of Business &
    Economic Statistics, 29, 238-249.

    Cameron, A. C., & Miller, D. L. (2015). A practitioner's guide to cluster-robust inference. Journal of Human Resources, 50,
    317-372.

    Pustejovsky, J. E., & Tipton, E. (2018). Journal of Business & Economic Statistics, 36, 672-683.

    Tipton, E. (2015). Small sample adjustments for robust variance estimation with meta-regression. Psychological Methods, 20,
    375-393.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.ols("math ~ homework", mlm.load("math"))
    >>> mlm.robust(fit, "schid").coef_table()[["estimate", "se", "df"]].round(3)
               estimate     se      df
    Intercept    45.560  1.400  17.636
    homework      3.126  0.576   8.552
    """
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r} is not known; choose one of {', '.join(map(repr, KINDS))}.")
    if ddf is not None and ddf not in _DDF:
        raise ValueError(f"ddf={ddf!r} is not known; choose one of {', '.join(map(repr, _DDF))}.")
    if isinstance(fit, RobustResult):
        fit = fit.fit
    rows = rows_of(fit, working)
    found = clusters_of(fit, groups, rows)
    _check(rows, found, kind, ddf)
    if len(found) == 1:
        return _one_way(fit, rows, found[0], kind, ddf or "satterthwaite", working)
    if ddf == "satterthwaite":
        raise ValueError("Satterthwaite's degrees of freedom are for one clustering; with two leave ddf= out.")
    return _two_way(fit, rows, found, kind, ddf or "clusters", working)


def _check(rows, found, kind: str, ddf) -> None:
    """Refuse corrections where they are not derived."""
    if kind not in ("CR2", "CR3") and (ddf in ("clusters", "normal") or len(found) > 1):
        return
    mend = "Use kind='CR1' (or 'CR1S') with ddf='clusters'."
    if rows.instrumental:
        raise FormulaError(f"CR2, CR3 and Satterthwaite's degrees of freedom are for least squares, and this fit has instruments. {mend}")
    if rows.absorbed is None:
        return
    groups = rows.absorbed if rows.place is None or len(rows.absorbed) == len(rows.e) else rows.absorbed[rows.place]
    for name, codes, _ in found:
        if not lies_within(groups[:, None], codes):
            raise DataError(f"The clusters of {name!r} cut through groups whose effects the fit has taken out: CR2, CR3 and "
                            f"Satterthwaite's degrees of freedom do not know of these effects. {mend}")


def _names(fit, rows) -> list[str]:
    """The coefficients, and a name for each column that is a nuisance."""
    return [*fit._names, *(f"nuisance {k + 1}" for k in range(rows.X.shape[1] - len(fit._names)))]


def clustered(fit, rows, cluster, kind: str) -> Clustering:
    """Everything about one clustering."""
    name, codes, labels = cluster
    p = len(fit._params)
    blocks = Blocks(rows, codes, _names(fit, rows), name)
    parts = pieces(blocks, kind)
    back = blocks.back[:p]
    half = back @ parts.scores.T
    cov = factor_of(kind, blocks.J, len(codes), p) * (half @ half.T)
    return Clustering(name, labels, blocks.sizes, parts, back, cov)


def _degrees(ddf: str, J: int) -> float:
    return J - 1.0 if ddf == "clusters" else np.inf


def _one_way(fit, rows, cluster, kind, ddf, working) -> RobustResult:
    one = clustered(fit, rows, cluster, kind)
    parts = one.parts if ddf == "satterthwaite" else None
    tests = RobustTests(fit._params, one.cov, parts, one.back, _degrees(ddf, one.J))
    df = tests.df(np.eye(len(fit._params)))
    told = warnings_of(one.J, list(fit._names), effective_clusters(one.parts, one.back), df, kind, one.name,
                       rows.linear)
    return RobustResult(fit, rows, (one,), kind, ddf, working, tests, df, told)


def _two_way(fit, rows, found, kind, ddf, working) -> RobustResult:
    both = ("both", crossed(found[0][1], found[1][1]), None)
    if both[1].max() == max(found[0][1].max(), found[1][1].max()):
        inner, outer = sorted(found, key=lambda one: -len(one[2]))
        raise ValueError(f"Each cluster of {inner[0]!r} lies in one of {outer[0]!r}: cluster by {outer[0]!r} alone, which allows "
                         "for both.")
    first, second, third = (clustered(fit, rows, one, kind) for one in (*found, both))
    cov = first.cov + second.cov - third.cov
    told: tuple[str, ...] = ()
    scale = np.sqrt(np.maximum(np.diagonal(first.cov + second.cov), np.finfo(float).tiny))
    values, axes = np.linalg.eigh(cov / np.outer(scale, scale))
    if values[0] < -1e-12:
        cov = (axes * np.maximum(values, 0.0)) @ axes.T * np.outer(scale, scale)
        told = ("The two-way covariance was not positive: its negative eigenvalues were set to zero (Cameron, Gelbach & Miller, "
                "2011), those of its correlations, so that the units of predictors do not matter.",)
    J = min(first.J, second.J)
    tests = RobustTests(fit._params, cov, degrees=_degrees(ddf, J))
    df = tests.df(np.eye(len(fit._params)))
    for one in (first, second):
        told += warnings_of(one.J, list(fit._names), effective_clusters(one.parts, one.back), df, kind, one.name, rows.linear, True)
    return RobustResult(fit, rows, (first, second), kind, ddf, working, tests, df, told)
