"""Tests of proportional odds: whether a predictor shifts all thresholds alike.

The model with thresholds that differ by a predictor (partial proportional odds) holds the proportional one as the case in
which all thresholds move by the same, so that twice the difference of log-likelihoods, a score statistic of the smaller
model or a Wald statistic of the larger one tests it.  With a link other than the logit the assumption is that of parallel
lines on its scale.

Chapter 18 (``18_categories``) uses it.

References
----------
Peterson, B., & Harrell, F. E. (1990). Partial proportional odds models for ordinal response variables. Applied
Statistics, 39, 205-217.
Brant, R. (1990). Assessing proportionality in the proportional odds model for ordinal logistic regression. Biometrics,
46, 1171-1178.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..design import Encoder
from ..display import html_table, number, text_table
from ..given import takes_fit
from ..errors import DataError, FormulaError
from ..formula import term_name
from ..testresult import TestResult, p_text
from .search import curvature, hessian
from .variances import joint_covariance

__all__ = ["ProportionalOddsTest", "proportional_odds_test"]

METHODS = {"lr": "Likelihood-ratio test", "score": "Score test", "wald": "Wald test"}


@dataclass(frozen=True)
class ProportionalOddsTest(TestResult):
    """The joint test of proportional odds, with a test of each predictor.

    Attributes
    ----------
    terms : dict of TestResult
        By predictor.  The other attributes are those of `TestResult`, of all predictors jointly.
    """

    terms: dict = field(default_factory=dict)

    @property
    def table(self):
        """A row a predictor, the joint test last (DataFrame)."""
        from .. import frames as pd
        every = {**self.terms, "all jointly": self}
        return pd.DataFrame([(one.statistic, one.df, one.pvalue) for one in every.values()], index=list(every),
                            columns=["chi2", "df", "p"])

    def _rows(self):
        rows = [[name, number(one.statistic), str(one.df), p_text(one.pvalue).removeprefix("= ")]
                for name, one in [*self.terms.items(), ("all jointly", self)]]
        return ["predictor", "chi2", "df", "p"], rows

    def __str__(self) -> str:
        note = f"\n{self.note}" if self.note else ""
        return f"{self.name} of {self.null}\n{text_table(*self._rows())}{note}"

    __repr__ = __str__

    def _repr_html_(self):
        return html_table(*self._rows(), caption=f"{self.name} of {self.null}", note=self.note)


@takes_fit
def proportional_odds_test(fit, predictor: str | None = None, *, method: str = "lr"):
    """Test that predictors shift all thresholds of an ordinal model alike (proportional odds).

    Parameters
    ----------
    fit : OrdinalResult
    predictor : str, optional
        One term of the formula; all of them, one by one and jointly, when left out.
    method : {"lr", "score", "wald"}
        By fitting the model in which the thresholds differ by the predictor (likelihood ratio, as ordinal::nominal_test in
        R), from the slope of its likelihood at the proportional fit (score; no other model is fitted), or from the
        estimates of that model (Wald, in the manner of Brant, 1990, and with random effects too).

    Returns
    -------
    TestResult or ProportionalOddsTest
        The latter has ``terms`` (a `TestResult` of each predictor) and ``table``.

    Raises
    ------
    DataError, FormulaError
        For a fit of another family, a term that the formula lacks, a category that does not occur with one of the predictor.

    Notes
    -----
    Chapter 18 (``18_categories``).  A predictor with r columns is tested with r (C - 2) degrees of freedom, C categories.  The
    joint test has the sum.  With large data small departures are found: look at how far the thresholds differ
    (``mlm.glmm(..., nominal="~ x")``) before the model is given up.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("rating ~ temp + contact", mlm.load("wine"), family="ordinal")
    >>> print(mlm.proportional_odds_test(fit, "contact"))
    Likelihood-ratio test of proportional odds of contact: chi2(3) = 0.57, p = 0.904
    """
    if getattr(fit.family, "name", None) != "ordinal":
        raise DataError("proportional_odds_test takes a model of family='ordinal'.")
    if method not in METHODS:
        raise ValueError(f"method={method!r} must be one of {', '.join(map(repr, METHODS))}.")
    known = {} if fit.model.nominal is None else {frozenset(term) for term in fit.model.nominal.terms}
    terms = {term_name(term): term for term in fit.design.formula.fixed if term and frozenset(term) not in known}
    if not terms:
        raise FormulaError(f"The model {fit.formula!r} has no predictor whose odds are proportional: there is nothing "
                           "to test.")
    if predictor is not None:
        if predictor not in terms:
            raise FormulaError(f"The model has no term {predictor!r}; it has {', '.join(map(repr, terms))}.")
        return _test(fit, {predictor: terms[predictor]}, method)
    each = {name: _test(fit, {name: term}, method) for name, term in terms.items()}
    joint = each[next(iter(terms))] if len(terms) == 1 else _test(fit, terms, method)
    rows = {**each, "all jointly": joint}
    notes = {one.note: [name for name in rows if rows[name].note == one.note] for one in rows.values() if one.note}
    return ProportionalOddsTest(joint.statistic, joint.df, joint.pvalue, joint.distribution,
                                "proportional odds", joint.name,
                                " ".join(f"{', '.join(names)}: {note}" for note, names in notes.items()), each)


def _test(fit, terms: dict, method: str) -> TestResult:
    """The test of some terms together."""
    from scipy.stats import chi2
    model, start, _, changed = _larger(fit, tuple(terms.values()))
    df, note = changed * (len(fit.categories) - 2), ""
    if method == "score":
        at = model.criterion(start)
        statistic = _score(model, at)
    else:
        from .ordinal_result import OrdinalResult
        found = OrdinalResult(model, *model.fit(start))
        note = " ".join(message for message in found.messages if "runs to infinity" in message)
        statistic = fit.criterion - found.criterion if method == "lr" else _wald(found, changed)
        if note and method == "wald":
            statistic = np.nan
        elif not found.converged and not note:
            note = "The larger model did not converge: the statistic is not sure."
    statistic = max(float(statistic), 0.0)
    null = f"proportional odds of {' and '.join(terms)}"
    return TestResult(statistic, df, float(chi2.sf(statistic, df)), f"chi2({df})", null, METHODS[method], note)


def _larger(fit, terms: tuple):
    """The model whose thresholds differ by more terms; the fit as a point of it; the number of columns that moved."""
    design, old = fit.design, fit.model
    whole = Encoder(design.formula.fixed, design.encoder.infos)
    already = () if old.nominal is None else old.nominal.terms
    model = type(old)(replace(design, encoder=whole), fit.family, fit.link, old.covariance, nodes=old.nodes,
                      reading=old.reading, nominal=(*already, *terms))
    b = fit.params.to_dict()
    kept = np.array([b[name] for name in model.design.exog_names])
    C, nominal = len(fit.categories), model.nominal
    changes = np.zeros((len(nominal.names), C - 1))
    for k, name in enumerate(nominal.names):
        changes[k] = -b[name] if name in b else fit.density.changes(fit._psi)[fit.nominal.index(name)]
    t = fit._threshold_values[:C - 1] + (changes * model.density.middle).sum(axis=0)
    psi = np.concatenate([model.density.free(t), changes.ravel()])
    return model, model.point(kept, fit._T, psi), None, len(b) - len(kept)


def _score(model, at) -> float:
    """g'H^-1 g / 2 of the gradient and Hessian of -2 log-likelihood."""
    expected = curvature(model.criterion, at)
    H = hessian(model.criterion, at, 1e-3 * np.sqrt(2.0 / np.maximum(np.diagonal(expected), 2.0)))
    cov = joint_covariance(H, model.criterion.p, expected)
    known = np.isfinite(np.diagonal(cov))
    if not known.any():
        return np.nan
    g = at.gradient[known]
    return float(g @ cov[np.ix_(known, known)] @ g) / 4.0


def _wald(found, changed: int) -> float:
    """That the last predictors' changes are the same at every threshold."""
    m = len(found.categories) - 1
    r = len(found.nominal)
    places = np.arange(m * (1 + r - changed), m * (1 + r)).reshape(changed, m)
    C = np.zeros((changed * (m - 1), m * (1 + r)))
    for k, own in enumerate(places):
        for j in range(m - 1):
            C[k * (m - 1) + j, own[j]], C[k * (m - 1) + j, own[j + 1]] = 1.0, -1.0
    cov = found._joint_cov[:m * (1 + r), :m * (1 + r)]
    value = C @ found._threshold_values
    return float(value @ np.linalg.solve(C @ cov @ C.T, value)) if np.isfinite(cov).all() else np.nan
