"""Python: statsmodels' MixedLM, and its OLS."""

from __future__ import annotations

import re

from .model import Model, Untranslatable, expression
from .r import side


def _side(model, terms, intercept):
    text = side(terms, intercept)
    text = re.sub(r"factor\((\w+)\)", r"C(\1)", text).replace("^", " ** ")
    return re.sub(r"\b(log|exp|sqrt)\(", r"np.\1(", text)


def _references(model, text):
    """Spell the baseline out where it is not the first in the alphabet."""
    for column, levels in model.categories.items():
        if levels and sorted(map(str, levels))[0] != str(levels[0]):
            text = re.sub(rf"(?<![\w(]){column}\b|C\({column}\)", f"C({column}, Treatment({levels[0]!r}))", text)
    return text


def write(model: Model):
    response = expression(model.formula.response, " ** ")
    response = (
        response if model.formula.response.is_column else f"np.{response}" if "(" in response else f"I({response})"
    )
    formula = f"{response} ~ {_references(model, _side(model, model.fixed, model.intercept))}"
    top = ["import statsmodels.formula.api as smf"] + (["import numpy as np"] if "np." in formula else [])
    if not model.random:
        note = (
            ""
            if model.method == "OLS"
            else "Same coefficients and log-likelihood; its standard errors use the divisor n - p."
        )
        return "\n".join([*top, f'fit = smf.ols("{formula}", {model.data}).fit()', "fit.summary()"]), note
    if len(model.random) > 1 or ":" in model.random[0].group:
        raise Untranslatable("MixedLM takes one grouping factor and one random term")
    r = model.random[0]
    if not r.single and r.structure in ("exchangeable", "identity"):
        raise Untranslatable(f"MixedLM has no {r.structure} covariance of several effects")
    re_formula = _side(model, r.effects, r.intercept)
    lines = [*top]
    call = [
        f'model = smf.mixedlm("{formula}",',
        f'                    {model.data}, groups="{r.group}", re_formula="~ {re_formula}")',
    ]
    free = ""
    if r.structure == "independent" and not r.single:
        lines += ["import numpy as np", "from statsmodels.regression.mixed_linear_model import MixedLMParams"]
        call.append("free = MixedLMParams.from_components(np.ones(model.k_fe), np.eye(model.k_re))")
        free = ", free=free"
    note = (
        'The default is REML. Where it warns that it has not converged, add method="powell", ftol=1e-10. '
        "The residual variance stands in the header as Scale (fit.scale)."
    )
    return "\n".join([*lines, *call, f"fit = model.fit(reml={model.method == 'REML'}{free})", "fit.summary()"]), note
