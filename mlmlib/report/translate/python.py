"""Python: statsmodels' MixedLM, and its OLS."""

from __future__ import annotations

import re

from .crossing import parts_of
from .model import Model, Untranslatable, expression, only_single_columns
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


def response(model: Model) -> str:
    """The outcome on the left of a formula, where bare arithmetic would be terms."""
    text = expression(model.formula.outcome, " ** ")
    if not model.formula.outcome.is_column and not re.fullmatch(r"(log|exp|sqrt)\([^()]*\)", text):
        text = f"I({text})"
    return re.sub(r"\b(log|exp|sqrt)\(", r"np.\1(", text)


def imports(*formulas: str) -> list[str]:
    """The import of numpy, where a formula has its functions."""
    return ["import numpy as np"] * any("np." in formula for formula in formulas)


def write(model: Model):
    only_single_columns(model)
    formula = f"{response(model)} ~ {_references(model, _side(model, model.fixed, model.intercept))}".replace('"', '\\"')
    top = ["import statsmodels.formula.api as smf", *imports(formula)]
    if model.residuals:
        raise Untranslatable("MixedLM takes residuals that are independent and equally variable")
    if not model.random:
        note = (
            ""
            if model.method == "OLS"
            else "Same coefficients and log-likelihood; its standard errors use the divisor n - p."
        )
        return "\n".join([*top, f'fit = smf.ols("{formula}", {model.data}).fit()', "fit.summary()"]), note
    if any(r.members for r in model.random):
        raise Untranslatable("MixedLM has no formula for multiple membership")
    if len(model.random) > 1 or ":" in model.random[0].group:
        return _several(model, formula, top)
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


def _several(model: Model, formula, top):
    """The outermost factor as groups=, those within it (or all, where they are crossed) as variance components."""
    rest, chain = parts_of(model)
    first = next(iter(chain))
    correlated = [r for r in model.random if not r.single and r.structure != "independent"]
    nested = not rest and all(r.group == first for r in correlated)
    if correlated and not nested:
        raise Untranslatable("MixedLM has correlated effects of the outermost factor only; those of other factors are "
                             "independent variance components there")
    own = chain[first] if nested else []
    if len(own) > 1 or nested and (own[0].structure == "identity" or own[0].structure == "independent") and not own[0].single:
        own, nested = [], False
    parts = {}
    for r in model.random:
        if nested and r.group == first:
            continue
        group = ":".join(f"C({p})" for p in r.parts)
        for effect in r.effects:
            word = _side(model, (effect,), False).removeprefix("0 + ") if effect else ""
            name = "_".join([*r.parts, *([re.sub(r"\W+", "_", word)] if word else [])])
            parts[name] = f"0 + {group}{':' + word if word else ''}"
    lines = [*top, f"parts = {{{', '.join(f'{k!r}: {v!r}' for k, v in parts.items())}}}".replace("'", '"')]
    groups = f'"{first}"' if nested and ":" not in first else f"np.ones(len({model.data}))"
    if nested and ":" in first:
        raise Untranslatable("MixedLM takes a column as groups=; make one of "
                             + " and ".join(first.split(":")) + " first")
    if "np." in groups and "import numpy as np" not in lines:
        lines.insert(1, "import numpy as np")
    call = [f'model = smf.mixedlm("{formula}",', f"                    {model.data}, groups={groups}, vc_formula=parts"]
    call[-1] += f', re_formula="~ {_side(model, own[0].effects, own[0].intercept)}")' if nested else ")"
    note = ("The default is REML. Variance components stand in fit.vcomp"
            + (", those of groups= in fit.cov_re" if nested
               else ", and all rows are one group, because factors cross: slow, and hungry "
               "for memory, with many rows")
            + '. Where it warns that it has not converged, add method="powell", ftol=1e-10.')
    return "\n".join([*lines, *call, f"fit = model.fit(reml={model.method == 'REML'})", "fit.summary()"]), note
