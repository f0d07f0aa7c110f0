"""mlmlib: multilevel models for the book of the same repository.

Names are imported when first used, so that ``import mlmlib`` costs next to nothing.
"""

import sys as _sys
from importlib import import_module as _import_module
from types import ModuleType as _ModuleType

__version__ = "0.1.0"

_WHERE = {
    "DataError": "errors", "FormulaError": "errors",
    "lmm": "lmm", "LmmResult": "lmm.result", "glmm": "glmm", "GlmmResult": "glmm.result",
    "OrdinalResult": "glmm.ordinal_result", "MultinomialResult": "glmm.multinomial_result",
    "proportional_odds_test": "glmm.proportional", "person_period": "glmm.survival", "life_table": "glmm.life_table",
    "ols": "ols", "OlsResult": "ols", "panel": "panel", "PanelResult": "panel.result",
    "group_means": "panel.means", "hausman": "panel.tests", "breusch_pagan": "panel.tests", "mundlak_test": "panel.tests",
    "robust": "robust", "RobustResult": "robust.result", "wild_bootstrap": "robust.wild",
    "estimators": "estimators", "gee": "gee", "GeeResult": "gee.result", "GeeCategoryResult": "gee.categories",
    "gls": "gls", "multivariate": "multivariate", "MultivariateResult": "outcomes.result",
    "RowResult": "lmm.row_result", "ar1": "rows.public", "car1": "rows.public", "arma11": "rows.public",
    "cs": "rows.public", "toeplitz": "rows.public", "un": "rows.public", "by_group": "rows.public",
    "power_of": "rows.public", "exponential_of": "rows.public",
    "compare": "inference.likelihood_ratio", "exact_rlrt": "inference.exact_rlrt",
    "exact_lrt": "inference.exact_rlrt", "TestResult": "testresult",
    "load": "datasets", "describe": "datasets",
    "icc": "clustering", "design_effect": "clustering", "reliability": "clustering",
    "center": "centering", "within_between": "centering", "margins": "inference.margins", "emmeans": "inference.means",
    "emtrends": "inference.means",
    "slope": "inference.derived", "crossing": "inference.derived",
    "acf": "diagnostics", "residuals": "diagnostics", "influence": "diagnostics", "diagnose": "diagnostics",
    "dispersion_test": "diagnostics", "zeros_test": "diagnostics", "uniformity_test": "diagnostics",
    "outliers_test": "diagnostics", "median_odds_ratio": "glmm.median_ratio", "median_rate_ratio": "glmm.median_ratio",
    "interval_odds_ratio": "glmm.median_ratio",
    "r2": "r2", "proportional_reduction": "r2", "contextual_effect": "inference.contextual", "table": "report.table",
    "translate": "report", "elsewhere": "report", "equations": "report",
}
_MODULES = {name: name for name in (
    "clustering", "covariance", "datasets", "design", "diagnostics", "feedback", "formula", "grading", "growth",
    "inference", "plots", "power", "published", "report", "simulate", "widgets")}
_MODULES.update(labs="widgets.labs", ask="widgets.ask")
_ELSEWHERE = {"mixedlm": "lmm", "MixedLM": "lmm", "lmer": "lmm", "lme": "lmm", "glmer": "glmm", "glmmTMB": "glmm", "clmm": "glmm", "lm": "ols",
              "plm": "panel", "geeglm": "gee"}  # what statsmodels and R call it

__all__ = [*_WHERE, "__version__"]


class _Package(_ModuleType):
    """A package in which a function may bear the name of a module: ``mlm.lmm`` and ``mlm.table`` are the functions."""

    def __setattr__(self, name, value):
        if isinstance(value, _ModuleType) and name in _WHERE:
            if _WHERE[name] != name:
                return
            value = getattr(value, name, value)
        super().__setattr__(name, value)

    def __reduce__(self):
        """Pickled as its name, so that a function that says ``mlm`` can be sent to a worker."""
        return _import_module, (self.__name__,)


_sys.modules[__name__].__class__ = _Package


def __getattr__(name):
    if name in _WHERE:
        value = getattr(_import_module(f".{_WHERE[name]}", __name__), name)
    elif name in _MODULES:
        value = _import_module(f".{_MODULES[name]}", __name__)
    else:
        here = f": mlm.{_ELSEWHERE[name]} fits such models here" if name in _ELSEWHERE else ""
        raise AttributeError(f"module 'mlmlib' has no attribute {name!r}{here}", name=name, obj=_sys.modules[__name__])
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *_WHERE, *_MODULES})
