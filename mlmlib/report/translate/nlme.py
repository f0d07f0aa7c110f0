"""R: nlme's lme, with nested and crossed factors and the structures of the residuals.

lme knows nested factors. Crossed ones are written, after Pinheiro and Bates (2000, section 4.2.2), as blocks of one factor that
holds all rows: a variance for the indicator columns of each.

References
----------
Pinheiro, J. C., & Bates, D. M. (2000). Mixed-Effects Models in S and S-PLUS. Springer, sections 4.2.2, 5.2 and 5.3.
"""

from __future__ import annotations

from .crossing import parts_of
from .model import Model, Untranslatable
from .r import _NAMES, ML_ERRORS, factor_text, generalized, inner, named, preparation, side, without_random

PD = {"unstructured": "pdLogChol", "independent": "pdDiag", "exchangeable": "pdCompSymm", "identity": "pdIdent"}


def write(model: Model):
    """lme, with a pdMat class for each covariance structure; gls without random effects."""
    fixed = f"{factor_text(model.formula.outcome)} ~ {side(model.fixed, model.intercept)}"
    if not model.random:
        return generalized(model, fixed) if model.residuals else without_random(model, fixed)
    if model.ddf != "wald":
        raise Untranslatable(f"lme counts degrees of freedom by level and has no {_NAMES[model.ddf]}; lmerTest has")
    if any(r.members for r in model.random):
        raise Untranslatable("lme has no multiple membership")
    made, random, path, crossed = _random(model)
    more, arguments = structures(model, path)
    lines = ["library(nlme)", *preparation(model), *made, *more, f"fit <- lme({fixed},",
             f"           random = {random},"]
    lines += [f"           {argument}," for argument in arguments]
    lines += [f'           data = {model.data}, method = "{model.method}")', "summary(fit)", "intervals(fit)"]
    note = ("lme's default is REML. Its t tests count degrees of freedom by level (inner and outer); estimates and "
            "REML standard errors are ours.")
    if crossed:
        note += (" lme is made for nested factors: crossed ones are blocks of one group that holds all rows, with "
                 "matrices as large as there are groups, and its degrees of freedom mean nothing then. lmer is the "
                 "tool.")
    return "\n".join(lines), note + ("" if model.method == "REML" else ML_ERRORS)


def _random(model: Model):
    """New columns, the argument random=, the grouping path, and whether factors are crossed."""
    rest, chain = parts_of(model)
    made, path, entries = [], [], []
    for group, own in chain.items():
        word = _level(model, group, path, made)
        path.append(word)
        entries.append((word, own))
    alone = len(entries) == 1 and not rest
    if not rest and all(len(own) == 1 and own[0].structure == "unstructured" or (len(own) == 1 and own[0].single)
                        for _, own in entries) and len({inner(own[0]) for _, own in entries}) == 1:
        return made, f"~ {inner(entries[0][1][0])} | {'/'.join(path)}", path, False
    texts = []
    if rest:
        made.append(f"{model.data}$all <- factor(1)")
        blocks = [block for r in rest for block in _identities(model, r, made)]
        texts.append(f"all = {_one_or_blocked(blocks)}")
    texts += [f"{word} = {_one_or_blocked([_pd(r, len(own) > 1) for r in own])}" for word, own in entries]
    joiner = ", " if alone else ",\n                         "
    return made, f"list({joiner.join(texts)})", ["all"] * bool(rest) + path, bool(rest)


def _level(model, group, path, made) -> str:
    """The name of a factor within those before it: of ``a:b`` in ``a`` it is ``b``."""
    random = next(r for r in model.random if r.group == group)
    new = [p for p in random.parts if named(p) not in path]
    if len(new) == 1:
        return named(new[0])
    name = "_".join(random.parts)
    made.append(f"{model.data}${named(name)} <- "
                f"interaction({', '.join(f'{model.data}${named(p)}' for p in random.parts)}, drop = TRUE)")
    return named(name)


def _pd(r, blocked: bool) -> str:
    effects = f"~ {inner(r)}"
    plain = r.single or r.structure == "unstructured"
    return effects if plain and not blocked else f"{'pdLogChol' if plain else PD[r.structure]}({effects})"


def _one_or_blocked(blocks) -> str:
    return blocks[0] if len(blocks) == 1 else f"pdBlocked(list({', '.join(blocks)}))"


def _identities(model, r, made) -> list[str]:
    """One variance for the indicator columns of a crossed factor, one more for each slope."""
    if len(r.parts) == 1:
        group = f"factor({named(r.parts[0])})"
    else:
        group = _level(model, r.group, [], made)
    effects = [group] * r.intercept + [f"{group}:{':'.join(map(factor_text, e))}" for e in r.slopes]
    return [f"pdIdent(~ {effect} - 1)" for effect in effects]


# ------------------------------------------------------------- residuals
def structures(model: Model, path) -> tuple[list[str], list[str]]:
    """New columns, and the arguments correlation= and weights=; `path` are the grouping factors of random=."""
    made, arguments, residuals = [], [], model.residuals
    if residuals.correlation is not None:
        arguments.append(f"correlation = {_correlation(model, path, made)}")
    functions = [_variance(one) for one in residuals.variances]
    if functions:
        arguments.append(f"weights = {functions[0] if len(functions) == 1 else 'varComb(' + ', '.join(functions) + ')'}")
    return made, arguments


def _correlation(model, path, made) -> str:
    residuals, data = model.residuals, model.data
    group = "" if residuals.group is None else f" | {'/'.join(_within(residuals.group, path))}"
    time = "1" if residuals.time is None or residuals.kind == "cs" else named(residuals.time)
    if residuals.kind == "un" and residuals.time is not None:
        made.append(f"{data}${residuals_index(residuals)} <- as.integer(factor({data}${time}))")
        time = residuals_index(residuals)
    elif residuals.kind in ("ar1", "arma11", "toeplitz") and residuals.time is not None and not residuals.in_steps:
        made.append(f"{data}${residuals_index(residuals)} <- {_steps(residuals, f'{data}${time}')}")
        time = residuals_index(residuals)
    elif residuals.kind == "car1" and residuals.step is None:
        made.append(f"{data}${residuals_index(residuals)} <- as.integer(factor({data}${time}))")
        time = residuals_index(residuals)
    form = f"form = ~ {time}{group}"
    if residuals.kind == "toeplitz":
        if residuals.steps is None:
            raise Untranslatable("corARMA needs the number of lags; translate the fit, or give table=")
        return f"corARMA({form}, p = {residuals.steps})"
    return {"ar1": f"corAR1({form})", "car1": f"corCAR1({form})", "arma11": f"corARMA({form}, p = 1, q = 1)",
            "cs": f"corCompSymm({form})", "un": f"corSymm({form})"}[residuals.kind]


def residuals_index(residuals) -> str:
    """The name of a column that counts occasions."""
    return named(f"{residuals.time}_step")


def _steps(residuals, column: str) -> str:
    if residuals.step is None:
        return f"as.integer(factor({column}))"
    return f"round(({column} - {residuals.first:.12g}) / {residuals.step:.12g})".replace("- -", "+ ")


def _within(group: str, path) -> list[str]:
    """The path of the residuals' groups, the random effects' before them."""
    own = [named(p) for p in group.split(":")]
    if path and own[-1] == path[-1]:
        return list(path)
    return [*path, *(p for p in own if p not in path)]


def _variance(one) -> str:
    if one.name == "by_group":
        return f"varIdent(form = ~ 1 | {' * '.join(named(p.strip()) for p in one.column.split(':'))})"
    return f"{'varPower' if one.name == 'power' else 'varExp'}(form = ~ {named(one.column)})"
