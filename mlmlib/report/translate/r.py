"""R: lme4's lmer; lm, and nlme's gls, for models without random effects."""

from __future__ import annotations

import re

from .bases import in_r, is_basis
from .model import Model, Untranslatable, expression, plain_category

_NAMES = {"satterthwaite": "Satterthwaite", "kenward-roger": "Kenward-Roger"}


def named(column: str) -> str:
    """A column in R, in backticks where its name asks for them."""
    return column if re.fullmatch(r"[A-Za-z.][\w.]*", column) else f"`{column}`"


def quoted(text) -> str:
    """A string in R."""
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def factor_text(factor) -> str:
    """A factor in an R formula."""
    if factor.is_column:
        return named(factor.label)
    if plain_category(factor):
        return f"factor({plain_category(factor)})"
    if is_basis(factor) and (basis := in_r(factor)):
        return basis
    text = expression(factor)
    return text if re.match(r"(log|exp|sqrt)\(", text) and text.endswith(")") else f"I({text})"


def side(terms, intercept: bool, joiner: str = ":") -> str:
    """The right side: ``a * b`` where a, b and a:b all stand there, else the terms one by one."""
    names = [tuple(factor_text(f) for f in t) for t in terms if t]
    starred = [t for t in names if len(t) == 2 and (t[0],) in names and (t[1],) in names]
    covered = {(x,) for t in starred for x in t}
    words, done = [], set()
    for name in names:
        star = next((t for t in starred if name[0] in t and len(name) == 1 and t not in done), None)
        if name in covered and star:
            words.append(" * ".join(star))
            done.add(star)
        elif name not in covered and name not in starred:
            words.append(joiner.join(name))
    words = words or ["1"] * intercept
    return " + ".join(words if intercept else ["0", *words])


def preparation(model: Model) -> list[str]:
    """Factors with our reference category."""
    out = []
    for name, levels in model.categories.items():
        if levels:
            column = f"{model.data}${named(name)}"
            out.append(f"{column} <- relevel(factor({column}, ordered = FALSE), ref = {quoted(levels[0])})")
    return out


def inner(random) -> str:
    """The effects of a random term, the intercept spelled out."""
    return " + ".join(["1" if random.intercept else "0", *(":".join(map(factor_text, e)) for e in random.slopes)])


def lme4(model: Model):
    """lmer; lm for OLS."""
    fixed = f"{factor_text(model.formula.outcome)} ~ {side(model.fixed, model.intercept)}"
    if not model.random:
        if model.residuals:
            return generalized(model, fixed)
        return without_random(model, fixed)
    if model.residuals:
        raise Untranslatable("lmer takes residuals that are independent and equally variable; nlme's lme has the "
                             "structures")
    terms = []
    for r in model.random:
        if r.members:
            raise Untranslatable("lme4's formulas have no multiple membership; the package lmerMultiMember adds it")
        if r.structure not in ("unstructured", "independent") and not r.single:
            raise Untranslatable(
                f"lme4 has no {r.structure} covariance of several effects; nlme has (pdCompSymm, pdIdent)"
            )
        if r.structure == "independent" and not r.single and any(model.category(f) for e in r.slopes for f in e):
            raise Untranslatable("lme4's || does not separate the columns of a category; make 0/1 columns of it first")
        if r.structure == "independent" and any(is_basis(f) for e in r.slopes for f in e):
            raise Untranslatable("lme4's || does not separate the columns of one function; nlme's pdDiag does")
        bar = "||" if r.structure == "independent" and not r.single else "|"
        terms.append(f"({inner(r)} {bar} {':'.join(map(named, r.parts))})")
    tested = _NAMES.get(model.ddf)
    lines = [
        "library(lmerTest)" if tested else "library(lme4)",
        *preparation(model),
        f"fit <- lmer({fixed} + {' + '.join(terms)},",
        f"            data = {model.data}, REML = {'TRUE' if model.method == 'REML' else 'FALSE'})",
        f'summary(fit, ddf = "{tested}")' if tested else "summary(fit)",
    ]
    if tested:
        note = "lmer's default is REML = TRUE. lmerTest prints the t tests; without ddf it takes Satterthwaite's degrees of freedom."
        return "\n".join(lines), note + (" Kenward-Roger needs the package pbkrtest." if "K" in tested else "")
    note = (
        "lmer's default is REML = TRUE. It prints t values without p-values; lmerTest adds them with Satterthwaite's "
        "degrees of freedom. It prints no standard errors of variances; confint(fit) gives profile intervals."
    )
    return "\n".join(lines), note


def without_random(model, fixed):
    lines = preparation(model)
    if model.method == "OLS":
        return "\n".join(
            [*lines, f"fit <- lm({fixed}, data = {model.data})", "summary(fit)"]
        ), "Least squares, t tests."
    lines = [
        "library(nlme)",
        *lines,
        f'fit <- gls({fixed}, data = {model.data}, method = "ML")',
        "summary(fit)",
        "logLik(fit)",
    ]
    return "\n".join(lines), (
        "lmer refuses a model without random effects; gls fits it by ML. Its standard errors use the "
        "divisor n - p, ours n: multiply them by sqrt((n - p) / n)."
    )


def generalized(model: Model, fixed: str):
    """nlme's gls, for structures of the residuals without random effects."""
    from .nlme import structures

    if model.ddf != "wald":
        raise Untranslatable(f"gls has no {_NAMES[model.ddf]} degrees of freedom")
    made, arguments = structures(model, [])
    lines = ["library(nlme)", *preparation(model), *made, f"fit <- gls({fixed},"]
    lines += [f"           {argument}," for argument in arguments]
    lines += [f'           data = {model.data}, method = "{model.method}")', "summary(fit)", "intervals(fit)"]
    note = "gls's default is REML. It prints t tests, ours are z tests; estimates and REML standard errors are ours."
    return "\n".join(lines), note + ("" if model.method == "REML" else ML_ERRORS)


ML_ERRORS = " Under ML its standard errors are larger by sqrt(n / (n - p)): nlme adjusts sigma; lmer does not."
