"""How the data of a simulated study are analyzed: each analysis gives one coefficient, its standard error and its test.

Chapter 21 (``21_planning``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DataError

__all__ = ["ANALYSES", "Estimate", "analysis_of", "default"]


@dataclass(frozen=True)
class Estimate:
    """One coefficient of one data set; df infinite for a z test."""

    value: float
    se: float
    df: float
    singular: bool = False


def _of_table(fit, term: str, ddf: str | None = None, singular: bool = False) -> Estimate:
    """The coefficient of a fit that has coef_table."""
    if not getattr(fit, "converged", True):
        raise DataError("The search did not converge.")
    row = (fit.coef_table() if ddf is None else fit.coef_table(ddf=ddf)).loc[term]
    df = float(row["df"]) if "df" in row else np.inf if "z" in row else float(fit.df_resid)
    return Estimate(float(row["estimate"]), float(row["se"]), df, singular)


def _lmm(ddf: str):
    def analysis(study, data):
        from ..lmm import lmm

        if not study.has_random:
            from ..ols import ols

            return _of_table(ols(study.fixed_formula, data), study.term)
        fit = lmm(study.formula, data, **study.options)
        return _of_table(fit, study.term, ddf, fit.is_singular)
    return analysis


def _glmm(study, data):
    from ..glmm import glmm

    fit = glmm(study.formula, data, family=study.family, **study.options)
    return _of_table(fit, study.term, None, fit.is_singular)


def _gee(cov: str):
    def analysis(study, data):
        from ..gee import gee

        return _of_table(gee(study.fixed_formula, data, groups=study.groups, family=study.family, cov=cov), study.term)
    return analysis


def _robust(study, data):
    from ..ols import ols
    from ..robust import robust

    return _of_table(robust(ols(study.fixed_formula, data), study.groups), study.term)


def _ols(study, data):
    from ..ols import ols

    return _of_table(ols(study.fixed_formula, data), study.term)


# name: (analysis, what it is)
ANALYSES = {
    "lmm": (_lmm("satterthwaite"), "mixed model, Satterthwaite's df"),
    "lmm kenward-roger": (_lmm("kenward-roger"), "mixed model, Kenward and Roger"),
    "lmm wald": (_lmm("wald"), "mixed model, z test"),
    "glmm": (_glmm, "generalized mixed model (Laplace), z test"),
    "gee": (_gee("robust"), "GEE, exchangeable, robust standard errors, z test"),
    "gee mancl-derouen": (_gee("mancl-derouen"), "GEE, exchangeable, standard errors of Mancl and DeRouen, z test"),
    "ols robust": (_robust, "least squares, cluster-robust (CR2), Satterthwaite's df"),
    "ols": (_ols, "least squares as if rows were independent"),
}


def default(study) -> str:
    """The analysis that fits the truth."""
    return "lmm" if study.family == "gaussian" else "glmm"


def analysis_of(name):
    """An analysis by name, or the reader's own function of a table."""
    if callable(name):
        return getattr(name, "__name__", "analysis"), _Own(name)
    if name not in ANALYSES:
        raise DataError(f"analysis={name!r} is not known; choose of {', '.join(map(repr, ANALYSES))}, or give a "
                        "function of the data.")
    return name, ANALYSES[name][0]


@dataclass(frozen=True)
class _Own:
    """A function ``data -> fit`` (its coefficient is read), or ``-> (estimate, se)`` or ``(estimate, se, df)``."""

    function: Any

    def __call__(self, study, data):
        found = self.function(data)
        if hasattr(found, "coef_table"):
            return _of_table(found, study.term)
        value, se, *df = found
        return Estimate(float(value), float(se), float(df[0]) if df else np.inf)
