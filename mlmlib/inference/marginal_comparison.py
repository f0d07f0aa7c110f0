"""Fits by generalized estimating equations side by side: Pan's criteria, and the robust test of nested means.

There is no likelihood, hence no likelihood ratio.  Where the smaller model's columns are combinations of the larger one's, the
hypothesis is that the larger one's coefficients are such combinations too, L'b = 0.  Its Wald test takes the covariance of the larger
fit; the generalized score test evaluates the larger model's estimating functions U at the smaller fit, with the smaller fit's working
correlation, and takes their empirical covariance.

Chapter 20 (``20_gee_and_robust``) chooses means and working correlations so.

References
----------
Pan, W. (2001). Akaike's information criterion in generalized estimating equations. Biometrics, 57, 120-125.
Rotnitzky, A., & Jewell, N. P. (1990). Hypothesis testing of regression parameters in semiparametric generalized linear models for
cluster correlated data. Biometrika, 77, 485-497.
Boos, D. D. (1992). On generalized score tests. The American Statistician, 46, 327-333.
"""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from ..testresult import TestResult, p_text

__all__ = ["MarginalComparison", "compare_marginal"]

_CRITERIA = ("QIC", "QICu", "quasi_likelihood", "CIC")


class MarginalComparison:
    """Fits by GEE side by side.

    Attributes
    ----------
    table : DataFrame
        A row a fit: ``corr``, ``params``, ``QIC``, ``QICu``, ``quasi_likelihood``, ``CIC``, and of a fit that holds the one before
        it ``chisq``, ``df``, ``pvalue``. Categories have no quasi-likelihood and no criteria.
    tests : tuple of TestResult or None
        Of each fit after the first against the one before it; None where the means are not nested.
    notes : tuple of str
    statistic, df, pvalue, distribution, null
        Of the only test, where two nested fits are compared.
    """

    _rows: Any
    tests: Any
    notes: tuple[str, ...]

    def __init__(self, rows: list[dict], tests: tuple, notes: tuple):
        self.__dict__.update(_rows=rows, tests=tests, notes=notes)

    def __setattr__(self, name, value):
        raise AttributeError(f"Results are immutable; {name!r} cannot be set.")

    def __getattr__(self, name):
        if name in ("statistic", "df", "pvalue", "distribution", "null"):
            if len(self.tests) == 1 and self.tests[0] is not None:
                return getattr(self.tests[0], name)
            raise AttributeError(f"{name} is that of one test of two nested fits; see .tests and .table.")
        raise AttributeError(f"MarginalComparison has no attribute {name!r}.")

    def __reduce__(self):
        return type(self), (self._rows, self.tests, self.notes)

    @property
    def table(self):
        from .. import frames as pd
        found = pd.DataFrame(self._rows).set_index("model")
        return found.dropna(axis=1, how="all")

    def _lines(self) -> list[str]:
        names = [row["model"] for row in self._rows]
        return [*(f"{b} against {a}: {test}" for a, b, test in zip(names, names[1:], self.tests) if test is not None), *self.notes]

    def __str__(self) -> str:
        shown = self.table.copy()
        formats = {"chisq": "{:.2f}", "df": "{:.0f}", "params": "{:.0f}", **dict.fromkeys(_CRITERIA, "{:.2f}")}
        for column in shown.columns:
            write = (lambda v: p_text(v).removeprefix("= ")) if column == "pvalue" else formats.get(column, "{}").format
            shown[column] = ["" if isinstance(v, float) and v != v else write(v) for v in shown[column]]
        return "\n".join([shown.rename_axis(None).to_string(), *self._lines()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        table = self.table.to_html(float_format="{:.4g}".format, na_rep="")
        return table + "".join(f"<p>{escape(line)}</p>" for line in self._lines())


def compare_marginal(fits, *, method: str = "wald", names=None) -> MarginalComparison:
    """Compare fits of ``mlm.gee`` of the same outcomes and groups.

    Parameters
    ----------
    fits : sequence of GeeResult or GeeCategoryResult
        Where each mean holds the one before it, smaller ones first.
    method : {"wald", "score"}
        The robust Wald test, by the covariance of the larger fit (of its kind ``cov=``); or the generalized score test, which holds
        its size better with few groups.
    names : sequence of str, optional

    Returns
    -------
    MarginalComparison

    Raises
    ------
    ValueError
        For other rows, outcomes, families or links, or fits that did not converge.

    Notes
    -----
    Chapter 20 (``20_gee_and_robust``).  The Wald test with the robust covariance is that of geepack's ``anova`` of two fits, the
    score test that of Rotnitzky and Jewell (1990), as in SAS's GENMOD (type3) and statsmodels' ``compare_score_test``.  QIC compares
    working correlations and means, QICu means alone; smaller is better.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> ohio = mlm.load("ohio")
    >>> small, large = (mlm.gee(f"resp ~ {terms}", ohio, groups="id", family="binomial") for terms in ("age", "age * smoke"))
    >>> found = mlm.compare(small, large)
    >>> round(found.statistic, 3), found.df, round(found.pvalue, 3)
    (2.869, 2, 0.238)
    """
    if method not in ("wald", "score"):
        raise ValueError(f"compare(method={method!r}) is not for fits of mlm.gee, which have no likelihood; use 'wald' "
                         "or 'score'.")
    names = tuple(names or (("null", "full") if len(fits) == 2 else (f"model {k + 1}" for k in range(len(fits)))))
    for fit in fits:
        _same(fits[0], fit)
    tests = tuple(_test(null, full, method) for null, full in zip(fits, fits[1:]))
    notes = []
    if any(test is None for test in tests):
        notes.append("Fits whose means are not nested (smaller first), or are the same, have no test against each "
                     "other: compare QIC (working correlations and means) or QICu (means alone, with one working "
                     "correlation).")
    rows = []
    for fit, name, test in zip(fits, names, (None, *tests)):
        row = {"model": name, "corr": fit.corr, "params": fit.n_params, **_criteria(fit)}
        row |= {"chisq": np.nan, "df": np.nan, "pvalue": np.nan} if test is None else {
            "chisq": test.statistic, "df": test.df, "pvalue": test.pvalue}
        rows.append(row)
    if hasattr(fits[0], "categories"):
        notes.append("Categories have no quasi-likelihood here, hence no QIC.")
    elif len({round(fit.scale, 6) for fit in fits}) > 1 and fits[0].family.name not in ("binomial", "poisson", "nbinom2"):
        notes.append("QIC with a scale of 1 for all; give fit.qic(scale=) that of the largest model to weigh fit "
                     "against size.")
    return MarginalComparison(rows, tests, tuple(notes))


def _criteria(fit) -> dict:
    if hasattr(fit, "categories"):
        return dict.fromkeys(_CRITERIA, np.nan)
    found = fit.qic()
    return {name: float(found[name]) for name in _CRITERIA}


def _same(first, fit) -> None:
    """Refuse fits that do not speak of the same."""
    if not getattr(fit, "_marginal", False) or type(fit) is not type(first):
        raise ValueError("mlm.compare takes fits of mlm.gee of one outcome together, or fits with a likelihood; GEE "
                         "has none, so that it cannot be tested against another kind of model. mlm.table sets them "
                         "side by side.")
    if not fit.converged:
        raise ValueError("A fit did not converge; there is nothing to compare.")
    if fit.family.name != first.family.name or fit.link.name != first.link.name:
        raise ValueError("The fits differ in family or link, so that neither criteria nor tests compare them.")
    if fit.nobs != first.nobs or not np.array_equal(fit.design.y, first.design.y):
        raise ValueError("The fits are of other rows or outcomes (often for missing predictors); fit both on rows that "
                         "are complete in the larger model.")
    if not np.array_equal(fit._levels[0][1], first._levels[0][1]):
        raise ValueError(f"The fits have other groups ({first._levels[0][0]!r}, {fit._levels[0][0]!r}).")


def _test(null, full, method: str) -> TestResult | None:
    if hasattr(null, "categories"):
        return _of_categories(null, full, method)
    small, large = null.design.X, full.design.X
    A = np.linalg.lstsq(large, small, rcond=None)[0]
    inside = np.abs(large @ A - small).max() <= 1e-8 * np.abs(small).max()
    df = large.shape[1] - small.shape[1]
    if not inside or df <= 0 or not np.allclose(_standing(null), _standing(full), atol=1e-8):
        return None
    size = np.sqrt((large**2).mean(axis=0))
    L = np.linalg.svd(size[:, None] * A)[0][:, small.shape[1]:] * size[:, None]  # L'b = 0 where b is a combination A c
    text = _null_text(null, full, df)
    if method == "wald":
        value, middle = L.T @ full._params, L.T @ full._cov @ L
        note = "" if full.cov == "robust" else f"standard errors: {_titles()[full.cov]}"
        return _result(value, middle, df, text, "Wald test" if full.cov == "model" else "Robust Wald test", note)
    U, B, M = _functions(null, full)
    R = np.linalg.solve(B, L)
    return _result(R.T @ U, R.T @ M @ R, df, text, "Generalized score test", "")


def _standing(fit) -> np.ndarray:
    """Offset and log exposure."""
    return fit.linear_predictor.to_numpy() - fit.design.X @ fit._params


def _titles() -> dict:
    from ..gee.public import COVARIANCES
    return COVARIANCES


def _null_text(null, full, df) -> str:
    gone = [name for name in full._names if name not in null._names]
    return ", ".join(f"{name} = 0" for name in gone) if len(gone) == df else f"the {df} further columns of the larger model"


def _result(value, middle, df, text, name, note) -> TestResult:
    from scipy.special import chdtrc
    statistic = float(value @ np.linalg.pinv(middle, hermitian=True) @ value)
    rank = int(np.linalg.matrix_rank(middle, hermitian=True))
    if rank < df:
        note = f"the covariance has rank {rank}: fewer groups than hypotheses need"
    return TestResult(statistic, rank, float(chdtrc(rank, statistic)), f"chi2({rank})", text, name, note)


def _functions(null, full) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The larger model's estimating functions at the smaller fit: their sum, slope and empirical covariance, in the larger one's
    own columns."""
    from ..gee.families import statsmodels_family
    from ..gee.fit import _structure
    from ..gee.model import Engine, scores
    rows, theta = full._rows, full._options["theta"]
    family = statsmodels_family(full.family.name, full._options["link"], None if theta is None else 1.0 / theta)[0]
    structure = _structure(null.corr, null._rows, null._levels)
    engine = Engine(rows.y, full.design.X[rows.order], rows.codes[0], family, structure, offset=rows.offset,
                    weights=rows.weights)
    structure.dep_params = np.array(null.structure.dep_params)
    A = np.linalg.lstsq(full.design.X, null.design.X, rcond=None)[0]
    engine.update_cached_means(A @ null._params)
    found = scores(engine)
    return found.s.sum(axis=0), found.B.sum(axis=0), found.s.T @ found.s


def _of_categories(null, full, method) -> TestResult | None:
    """Fits of categories are nested where one has all coefficients of the other."""
    gone = [name for name in full._names if name not in null._names]
    if method == "score":
        raise ValueError("The score test is for outcomes with one mean; of categories leave method= out (the robust "
                         "Wald test).")
    if not gone or not set(null._names) <= set(full._names) or null.categories != full.categories:
        return None
    places = [full._names.index(name) for name in gone]
    return _result(full._params[places], full._cov[np.ix_(places, places)], len(gone),
                   ", ".join(f"{name} = 0" for name in gone),
                   "Wald test" if full.cov == "model" else "Robust Wald test", "")
