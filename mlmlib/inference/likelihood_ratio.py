"""Likelihood-ratio tests and comparisons of fits.

A variance cannot be negative: a null hypothesis that sets one to zero lies on the boundary of what is possible, and the
statistic does not follow chi-square.  For one variance it is zero half of the time: the mixture of chi2(0) and chi2(1)
that Stata calls chibar2(01).

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

from .boundary import boundary_weights
from .testresult import TestResult

__all__ = ["Comparison", "compare", "lr_vs_linear", "mixture_pvalue"]


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
    return " + ".join(f"{weight:.2g} chi2({df})" for df, weight in sorted(weights.items()))


def _linear_loglik(fit) -> float:
    """Log-likelihood of the model without random effects, of the kind (ML or REML) that `fit` is."""
    return -fit.model.criterion(np.zeros(len(fit._at.basis))).value / 2.0


def lr_vs_linear(fit, mixture: bool = False) -> TestResult:
    """Test of the whole random part against the linear model without it.

    Parameters
    ----------
    fit : LmmResult
    mixture : bool
        With more than one parameter: refer the statistic to the mixture of chi-squares (`mlmlib.inference.boundary`),
        for up to three parameters, instead of Stata's conservative chi-square.

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
    k = fit.n_params - len(fit._names) - 1
    statistic = max(2.0 * (fit.llf - _linear_loglik(fit)), 0.0)
    null = "no random effects" if k > 1 else f"var({fit.design.random[0].names[0]}) = 0"
    name = "LR test vs. linear model"
    if k == 1 or mixture:
        weights = boundary_weights(fit)
        if weights is None:
            raise ValueError(f"The mixture of chi-squares is known for up to three parameters of the random part; here "
                             f"are {k}.")
        return TestResult(statistic, tuple(weights), mixture_pvalue(statistic, weights), _describe(weights), null, name)
    return TestResult(statistic, k, mixture_pvalue(statistic, {k: 1.0}), f"chi2({k})", null, name,
                      "conservative: variances cannot be negative, so the p-value is at most this")


class Comparison(TestResult):
    """A likelihood-ratio test of two nested fits, with the table of both.

    Attributes
    ----------
    table : DataFrame
        One row a fit: npar, aic, bic, loglik, deviance, and for the larger chisq, df, pvalue.
    """

    def __init__(self, test: TestResult, rows: list[dict]):
        super().__init__(test.statistic, test.df, test.pvalue, test.distribution, test.null, test.name, test.note)
        object.__setattr__(self, "_rows", rows)

    @property
    def table(self):
        import pandas as pd
        return pd.DataFrame(self._rows).set_index("model")

    def __str__(self) -> str:
        head = ["model", "npar", "aic", "bic", "loglik", "deviance"]
        lines = [head] + [[str(row["model"]), f"{row['npar']}", *(f"{row[key]:.2f}" for key in head[2:])]
                          for row in self._rows]
        wide = [max(len(line[k]) for line in lines) for k in range(len(head))]
        text = "\n".join("  ".join(cell.ljust(w) if not k else cell.rjust(w) for k, (cell, w) in
                                   enumerate(zip(line, wide))) for line in lines)
        return f"{text}\n{super().__str__()}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from html import escape
        table = self.table.drop(columns=["chisq", "df", "pvalue"], errors="ignore")
        return f"{table.to_html(float_format='{:.2f}'.format)}<p>{escape(super().__str__())}</p>"


def compare(null, full, method: str = "lrt", names: tuple | None = None) -> Comparison:
    """Compare two nested fits by their likelihoods.

    Parameters
    ----------
    null, full : LmmResult or OlsResult
        The smaller and the larger model (they are exchanged if given the other way round).  Where their fixed effects
        differ and they were fitted by REML, both are refitted by ML and the note says so.
    method : {"lrt"}
    names : tuple of str, optional
        Names of the two in the table; "null" and "full" when left out.

    Returns
    -------
    Comparison
        A TestResult with `.table`.

    Raises
    ------
    ValueError
        When the comparison would mean nothing: other rows, another outcome, models that are not nested, the same model.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> sleep = mlm.load("sleepstudy")
    >>> small = mlm.lmm("Reaction ~ Days + (1 | Subject)", sleep)
    >>> large = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", sleep)
    >>> round(compare(small, large).statistic, 2)
    42.84
    """
    if method != "lrt":
        raise ValueError(f"compare(method={method!r}) is not known; use 'lrt'.")
    if null.n_params > full.n_params:
        null, full, names = full, null, names and tuple(names)[::-1]
    _refuse(null, full)
    notes = []
    fixed_differ = set(null._names) != set(full._names)
    kinds = [_kind(fit) for fit in (null, full)]
    if fixed_differ and "REML" in kinds:
        null, full = (fit.refit(reml=False) if _kind(fit) == "REML" else fit for fit in (null, full))
        notes.append("both refitted by maximum likelihood, because REML likelihoods of different fixed effects "
                     "cannot be compared")
        kinds = ["ML", "ML"]
    pair = [_loglik(fit, "REML" in kinds) for fit in (null, full)]
    df = full.n_params - null.n_params
    statistic = max(2.0 * (pair[1] - pair[0]), 0.0)
    weights = _null_weights(null, full, df, fixed_differ)
    distribution, pvalue = f"chi2({df})", mixture_pvalue(statistic, {df: 1.0})
    random_differ = _random_params(null) != _random_params(full)
    if weights is not None:
        distribution, pvalue = _describe(weights), mixture_pvalue(statistic, weights)
    elif random_differ and _terms(full) != _terms(null):
        notes.append("conservative: the null sets variances to zero, so the p-value is at most this")
    rows = []
    for fit, name, loglik in zip((null, full), names or ("null", "full"), pair):
        k = fit.n_params
        rows.append({"model": name, "formula": fit.formula, "npar": k, "aic": 2 * k - 2 * loglik,
                     "bic": float(np.log(fit.nobs)) * k - 2 * loglik, "loglik": loglik, "deviance": -2 * loglik,
                     "chisq": np.nan, "df": np.nan, "pvalue": np.nan})
    rows[1].update(chisq=statistic, df=df, pvalue=pvalue)
    test = TestResult(statistic, df, pvalue, distribution, _null_text(null, full), "LR test", "; ".join(notes))
    return Comparison(test, rows)


def _kind(fit) -> str:
    """ML, REML, or linear (a model without random effects, whose likelihood of either kind is at hand)."""
    reml = getattr(fit, "reml", None)
    return "linear" if reml is None else "REML" if reml else "ML"


def _loglik(fit, reml: bool) -> float:
    return fit.loglik(reml=reml) if _kind(fit) == "linear" else fit.llf


def _random_params(fit) -> int:
    return 0 if _kind(fit) == "linear" else fit.n_params - len(fit._names) - 1


def _terms(fit) -> dict[tuple, str]:
    """Every pair (group, effect) that varies."""
    return {(term.group, name) for term in getattr(fit.design, "random", ()) for name in term.names}


def _refuse(null, full) -> None:
    """Raise where a likelihood-ratio test of the two would mean nothing."""
    a, b = null.design, full.design
    if a.endog_name != b.endog_name:
        raise ValueError(f"The fits have different outcomes, {a.endog_name!r} and {b.endog_name!r}; likelihoods of "
                         "different outcomes cannot be compared.")
    if len(a.y) != len(b.y) or not np.array_equal(np.sort(a.y), np.sort(b.y)):
        raise ValueError(f"The fits use different rows ({len(a.y)} and {len(b.y)}), perhaps because one model's "
                         "predictors have missing values. Fit both to the same rows, for example "
                         "data.dropna(subset=[...]).")
    kinds = {_kind(null), _kind(full)}
    if kinds == {"ML", "REML"}:
        raise ValueError("One fit is by REML and the other by ML; their likelihoods cannot be compared. Fit both with "
                         "the same reml=.")
    space = np.column_stack([b.X])
    left = a.X - space @ np.linalg.lstsq(space, a.X, rcond=None)[0]
    if np.abs(left).max() > 1e-6 * max(1.0, np.abs(a.X).max()):
        raise ValueError("The fits are not nested: the fixed effects of the smaller model are not all in the larger "
                         "one. Compare them by AIC or BIC.")
    if not _terms(null) <= _terms(full):
        raise ValueError("The fits are not nested: the smaller model lets effects vary that are fixed in the larger "
                         "one. Compare them by AIC or BIC.")
    if null.n_params == full.n_params:
        raise ValueError("The fits have the same number of parameters, so neither is a special case of the other.")


def _null_weights(null, full, df, fixed_differ):
    """The mixture for the nulls whose weights are known; None otherwise.

    One variance more: 0.5 chi2(0) + 0.5 chi2(1).  One more effect in an unstructured term of q: its variance and q
    covariances vanish, 0.5 chi2(q) + 0.5 chi2(q + 1) (Stram & Lee, 1994, case 3).
    """
    if fixed_differ or _kind(full) == "linear" or getattr(null, "is_singular", False):
        return None
    more = _terms(full) - _terms(null)
    if len(more) != 1:
        return None
    if df == 1:
        return {0: 0.5, 1: 0.5}
    names = {name: shape.name for term, shape in zip(full.design.random, full.model.structures) for name in term.names}
    group, name = next(iter(more))
    kept_free = all(shape.name == "unstructured" for shape in getattr(getattr(null, "model", None), "structures", ()))
    if names[name] == "unstructured" and kept_free:
        return {df - 1: 0.5, df: 0.5}
    return None


def _null_text(null, full) -> str:
    fixed = [name for name in full._names if name not in null._names]
    more = sorted(_terms(full) - _terms(null))
    parts = [f"{name} = 0" for name in fixed] + [f"var({name}) = 0" for _, name in more]
    return ", ".join(parts) or "the simpler covariance structure"
