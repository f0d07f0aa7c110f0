"""A fit in the layout of MixedModels.jl, for `reference` cells of models with several random terms (chapter 12)."""

from __future__ import annotations

import numpy as np

from .as_lme4 import term
from .digits import decimal, fixed

HEAD = {"loglik": "logLik", "deviance": "-2 logLik", "reml_criterion": "REML criterion", "aic": "AIC", "bic": "BIC"}
SIZES = {"var": "Variance", "sd": "Std.Dev."}
COLUMNS = {"coef": "Estimate", "se": "Std.Error", "z": "z value"}


def values_of(fit) -> dict:
    """Everything the layout can show, as numbers: of the fit, by factor, by coefficient."""
    names = [term(name) for name in fit.params.index]
    variances = {group: fit.covariance_matrix(group).iloc[0, 0] for group in fit.n_groups} | {"residual": fit.sigma**2}
    return {
        "estimator": "REML" if fit.reml else "ML",
        "rows": str(fit.nobs),
        "levels": {group: str(count) for group, count in fit.n_groups.items()},
        "reml_criterion" if fit.reml else "deviance": fit.criterion,
        "loglik": fit.llf,
        "aic": fit.aic,
        "bic": fit.bic,
        "var": variances,
        "sd": {name: np.sqrt(value) for name, value in variances.items()},
        "coef": dict(zip(names, fit.params)),
        "se": dict(zip(names, fit.bse)),
        "z": dict(zip(names, fit.tvalues)),
    }


def rounded(value, digits: int) -> str:
    """So many significant digits, zeros kept."""
    number = decimal(value)
    return fixed(value, max(digits - 1 - number.adjusted(), 0))


def text(values: dict, formula: str, digits: int, fewer: dict | None, shown=None) -> str:
    """The printed fit. `shown` has the items of the published one; without it all are printed."""
    fewer = fewer or {}
    shown = values if shown is None else shown

    def cell(block, name):
        return rounded(values[block][name], fewer.get(f"{block} {name}", fewer.get(name, digits)))

    estimator = {"ML": "maximum likelihood", "REML": "REML"}[values["estimator"]]
    out = [f"Linear mixed model fit by {estimator}", f" Formula: {formula}"]
    heads = [key for key in HEAD if key in shown]
    numbers = [fixed(values[key], 3) for key in heads]
    wide = [max(len(HEAD[key]), len(number)) for key, number in zip(heads, numbers)]
    out += [" " + "  ".join(HEAD[key].rjust(w) for key, w in zip(heads, wide)),
            " " + "  ".join(number.rjust(w) for number, w in zip(numbers, wide)), ""] if heads else [""]
    blocks = [block for block in SIZES if block in shown]
    left = max(map(len, values[blocks[0]])) if blocks else 0
    out += ["Variance components:", " " * (left + 1) + "".join(f" {SIZES[block]:>10}" for block in blocks)] if blocks else []
    for name in values[blocks[0]] if blocks else ():
        label = "Residual" if name == "residual" else name
        out.append(f" {label:<{left}}" + "".join(f" {cell(block, name):>10}" for block in blocks))
    out += [f" Number of obs: {values['rows']}; levels of grouping factors: {', '.join(values['levels'].values())}", "",
            "  Fixed-effects parameters:"]
    columns = [key for key in COLUMNS if key in shown]
    left = max(map(len, values["coef"]))
    out.append(" " * left + "".join(f" {COLUMNS[key]:>10}" for key in columns))
    out += [f"{name:<{left}}" + "".join(f" {cell(key, name):>10}" for key in columns) for name in values["coef"]]
    return "\n".join(line.rstrip() for line in out)


def document(values: dict, formula: str, digits: int = 5, fewer: dict | None = None, shown=None) -> str:
    """The printed fit, and the line that says where digits were left out."""
    said = "".join(f"\n({name}: {count} digits, for the published search stopped short of the optimum)"
                   for name, count in sorted((fewer or {}).items()))
    return text(values, formula, digits, fewer, shown) + said


def julia(fit, *, show: str | None = None, digits: int = 5, fewer: dict | None = None) -> None:
    """Print a fit of random intercepts as MixedModels.jl does.

    Parameters
    ----------
    fit : a result of ``mlm.lmm`` whose random terms are intercepts
    show : str, optional
        The items wanted, such as ``"reml_criterion sd coef"``.
    digits : int
        Significant digits of variances, standard deviations and coefficients.
    fewer : dict, optional
        Digits of those whose published last digits are not the optimum's, ``{"dept": 3}`` or ``{"se (Intercept)": 4}``.
    """
    values = values_of(fit)
    wanted = show.split() if show else list(values)
    unknown = set(wanted) - set(values)
    if unknown:
        raise ValueError(f"julia() cannot show {sorted(unknown)} of this fit; it knows {', '.join(values)}.")
    print(document(values, fit.formula, digits, fewer, wanted))
