"""Python: statsmodels' GEE, which solves the equations of `mlm.gee` too.

Chapter 20 (``20_gee_and_robust``).
"""

from __future__ import annotations

import re
from itertools import product

from ...translate import python
from ...translate.model import Untranslatable, expression, only_single_columns
from .spec import MarginalModel

__all__ = ["write"]

_FAMILIES = {"binomial": "Binomial", "poisson": "Poisson", "gamma": "Gamma", "inverse-gaussian": "InverseGaussian", "gaussian": "Gaussian",
             "nbinom2": "NegativeBinomial"}
_LINKS = {"logit": "Logit", "probit": "Probit", "cloglog": "CLogLog", "loglog": "LogLog", "cauchit": "Cauchy", "log": "Log",
          "identity": "Identity", "inverse": "InversePower", "inverse-squared": "InverseSquared", "sqrt": "Sqrt"}
_CORR = {"independence": "Independence()", "exchangeable": "Exchangeable()", "ar1": "Autoregressive(grid=False)",
         "unstructured": "Unstructured()", "nested": "Nested()"}
_COV = {"robust": "", "model": 'cov_type="naive"', "mancl-derouen": 'cov_type="bias_reduced"', "kauermann-carroll": ""}


def write(model: MarginalModel) -> tuple[str, str]:
    """Code and note."""
    only_single_columns(model)
    if model.link not in _LINKS:
        raise Untranslatable(f"we write statsmodels' GEE without the {model.link} link")
    if model.weights or model.family == "binomial" and not model.binary:
        raise Untranslatable("statsmodels' GEE has no symmetric working covariance for weights or numbers of trials; make a row of each trial")
    lines, response = ["import statsmodels.api as sm", "import statsmodels.formula.api as smf"], python.response(model)
    outcome = response
    table, family = model.data, model.family
    if model.levels and family == "binomial":
        outcome = re.sub(r"\W+", "_", f"{response}_{model.levels[1]}")
        lines.append(f'{table}["{outcome}"] = ({table}["{response}"] == {model.levels[1]!r}).astype(int)')
    elif family in ("ordinal", "multinomial"):
        return _categories(model, lines, response)
    formula = f"{outcome} ~ {_right(model)}"
    lines += python.imports(formula)
    words = [f'"{formula}"', f'groups="{model.group}"', f"data={table}"]
    size = f", alpha={1.0 / model.theta:.6g}" if family == "nbinom2" else ""
    words.append(f"family=sm.families.{_FAMILIES[family]}(sm.families.links.{_LINKS[model.link]}(){size})")
    words.append(f"cov_struct=sm.cov_struct.{_CORR[model.corr]}")
    if model.corr in ("ar1", "unstructured"):
        place = f'{table}["{model.time}"].rank(method="dense").astype(int) - 1' if model.corr == "unstructured" else f'{table}["{model.time}"]'
        words.append(f"time={place}")
    words += [f'dep_data={table}[["{model.inner}"]]'] if model.corr == "nested" else []
    if len(model.offsets()) != bool(model.exposure) + bool(model.offset):
        raise Untranslatable("statsmodels' formulas have no offset(); give the column as offset=")
    words += [f'exposure="{model.exposure}"'] if model.exposure else []
    words += [f'offset="{model.offset}"'] if model.offset else []
    options = [_COV[model.cov]] if _COV[model.cov] else []
    options += [f"scale={model.scale:g}"] if model.scale is not None else []
    lines += [f"model = smf.gee({', '.join(words[:3])},", *(f"                {word}," for word in words[3:-1]), f"                {words[-1]})",
              f"fit = model.fit({', '.join(options)})", "fit.summary()"]
    return "\n".join(lines), _note(model)


def _right(model) -> str:
    return python._references(model, python._side(model, model.fixed, model.intercept)).replace('"', '\\"')


def _categories(model, lines, response) -> tuple[str, str]:
    ordinal = model.family == "ordinal"
    table = model.data
    outcome = f"{response}_code"
    levels = ", ".join(repr(level) for level in (model.levels if ordinal else (*model.levels[1:], model.levels[0])))
    lines += [f'{table}["{outcome}"] = {table}["{response}"].map({{level: k for k, level in enumerate([{levels}])}}).astype(int)']
    structure = "GlobalOddsRatio" if model.corr != "independence" else "OrdinalIndependence" if ordinal else "NominalIndependence"
    kind = "ordinal" if ordinal else "nominal"
    struct = f'{structure}("{kind}")' if structure == "GlobalOddsRatio" else f"{structure}()"
    right = _indicators(model) if ordinal else _right(model)
    family = f", family=sm.families.Binomial(sm.families.links.{_LINKS[model.link]}())" if ordinal and model.link != "logit" else ""
    lines += [f'model = smf.{kind}_gee("{outcome} ~ {right}", groups="{model.group}", data={table},',
              f"                {' ' * len(kind)} cov_struct=sm.cov_struct.{struct}{family})", "fit = model.fit()", "fit.summary()"]
    if ordinal:
        return "\n".join(lines), ("It models P(y > c): its I(y>...) are our thresholds with the sign turned, slopes are ours. Categories "
                                  "are written out, because with 0 + they would have a column too many.")
    return "\n".join(lines), ("Its reference is the last category, hence the order. statsmodels (0.15.0) leaves out derivatives between "
                              "categories, so that its standard errors, and estimates a little, are not ours.")


def _indicators(model) -> str:
    """The right side without intercept, categories as indicators of all but the first."""
    def pieces(factor):
        category = model.category(factor)
        if not category:
            return [expression(factor, " ** ")]
        return [f"I(({category} == {level!r}) * 1)" for level in model.categories[category][1:]]

    return "0 + " + " + ".join(":".join(each) for term in model.fixed if term for each in product(*map(pieces, term)))


def _note(model) -> str:
    note = ""
    if model.moments == "statsmodels":
        note = "This fit has statsmodels' moments, as here. "
    elif model.corr != "independence":
        note = ("statsmodels' moments differ (scale 1 for binomial outcomes and counts; divisors less the coefficients): so do "
                "correlations, and estimates a little; moments='statsmodels' of mlm.gee has them too. ")
    if model.corr == "ar1":
        note += "It takes rows of a group as equally spaced, and its search for the correlation can fail near 1. "
    if model.cov == "kauermann-carroll":
        note += "It has no Kauermann-Carroll errors; cov_type='bias_reduced' is Mancl and DeRouen's. "
    return note + "z tests, as ours."
