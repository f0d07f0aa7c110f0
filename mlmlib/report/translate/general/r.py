"""R: lme4's glmer, glmmTMB, and ordinal's clmm."""

from __future__ import annotations

from ..bases import is_basis
from ..model import Untranslatable
from ..r import factor_text, inner, named, preparation, quoted, side
from .spec import General, linked, only_likelihood

__all__ = ["clmm", "glmer", "glmmpql", "glmmtmb"]

GLMER = {"gaussian": "gaussian", "binomial": "binomial", "poisson": "poisson", "gamma": "Gamma", "inverse-gaussian": "inverse.gaussian"}
R_LINKS = {"logit", "probit", "cloglog", "cauchit", "log", "identity", "inverse", "inverse-squared", "sqrt"}
RATIOS = {"logit", "cloglog", "log"}  # links under which exp(coefficient) is a ratio
CANONICAL = {("binomial", "logit"), ("poisson", "log"), ("gaussian", "identity")}
TMB = {"gaussian": "gaussian", "binomial": "binomial", "poisson": "poisson", "nbinom2": "nbinom2", "nbinom1": "nbinom1",
       "geometric": "nbinom2", "gamma": "Gamma", "exponential": "Gamma", "beta": "beta_family", "t": "t_family", "lognormal": "gaussian"}
TMB_LINKS = {"logit", "probit", "cloglog", "log", "identity", "inverse", "sqrt"}


def levels_in_r(levels) -> str:
    return f"c({', '.join(quoted(v) if isinstance(v, str) else f'{v:g}' for v in levels)})"


def prepared(model: General) -> list[str]:
    """Categories of the predictors and of the outcome in our order."""
    lines = preparation(model)
    if model.levels and model.formula.outcome.is_column:
        column = f"{model.data}${named(model.outcome)}"
        ordered = ", ordered = TRUE" if model.family == "ordinal" else ""
        note = f"  # the second is the event: {model.levels[1]}" if model.family == "binomial" else ""
        lines.append(f"{column} <- factor({column}, levels = {levels_in_r(model.levels)}{ordered}){note}")
    return lines


def left(model: General) -> str:
    """The left side: with trials the successes and the failures."""
    y = factor_text(model.formula.outcome)
    if model.family != "binomial" or model.trials in (None, 1):
        return y
    n = named(model.trials) if isinstance(model.trials, str) else str(model.trials)
    return f"cbind({y}, {n} - {y})"


def right(model: General, terms) -> str:
    """The right side with random terms and offsets."""
    offsets = [f"offset({text})" for text in model.offsets(lambda column: f"log({named(column)})")]
    return " + ".join([side(model.fixed, model.intercept), *offsets, *terms])


def bars(model, structures, program: str) -> list[str]:
    """The random terms, `structures` {structure: how it is written}."""
    out = []
    for r in model.random:
        if r.members:
            raise Untranslatable(f"{program}'s formulas have no multiple membership")
        structure = "unstructured" if r.single else r.structure
        if structure not in structures:
            raise Untranslatable(f"{program} has no {structure} covariance of several effects")
        if structure == "independent" and structures[structure].count("||") and any(
                model.category(f) or is_basis(f) for e in r.slopes for f in e):
            raise Untranslatable(f"{program}'s || does not separate the columns of a category or of one function; make "
                                 "columns of them first")
        out.append(structures[structure].format(inner=inner(r), group=":".join(map(named, r.parts))))
    return out


PLAIN = {"unstructured": "({inner} | {group})", "independent": "({inner} || {group})"}
DIAGONAL = {"unstructured": "({inner} | {group})", "independent": "diag({inner} | {group})"}


def glmer(model: General):
    """lme4's glmer; glmer.nb for a negative binomial."""
    only_likelihood(model, "lme4")
    if model.family in ("ordinal", "multinomial"):
        raise Untranslatable("glmer has no categorical outcomes; the packages ordinal (clmm) and mclogit (mblogit) "
                             "have" if
                             model.family == "ordinal"
                             else "glmer has no categorical outcomes; mclogit's mblogit has (by PQL)")
    if model.family not in (*GLMER, "nbinom2", "geometric", "exponential") or model.zero is not None:
        raise Untranslatable("lme4 has no " + ("zero part" if model.zero is not None
                                               or model.family.startswith(("z", "hurdle")) else
                                               f"family {model.family}")
                             + "; glmmTMB has" * (model.family != "lognormal")
                             + "; fit the log by lmer" * (model.family == "lognormal"))
    if model.link not in R_LINKS and not model.link.startswith("power") or model.family == "nbinom2" and model.link != "log":
        raise Untranslatable(f"glmer has no {model.link} link for {model.family}" + _loglog(model))
    pad = " " * (13 if model.family != "nbinom2" else 16)
    lines, comments = ["library(lme4)", *prepared(model)], []
    call = f"{left(model)} ~ {right(model, bars(model, PLAIN, 'lme4'))}"
    words = [f"data = {model.data}"] + _weights(model)
    if model.family == "nbinom2":
        lines += [f"fit <- glmer.nb({call},", f"{pad}{', '.join(words)})"]
    else:
        lines += [f"fit <- glmer({call},", f"{pad}{', '.join([*words, f'family = {_family(model)}', *_nodes(model)])})"]
    if model.family == "nbinom2" and model.method == "agq":
        comments.append("# glmer.nb searches the dispersion with the Laplace approximation; ours has quadrature")
    if model.family in ("gamma", "inverse-gaussian", "gaussian"):
        comments.append("# lme4 does not maximize the likelihood over the dispersion, so estimates differ; glmmTMB's "
                        "are ours")
    elif model.family == "exponential":
        comments.append("# lme4 estimates the shape of the gamma as well; glmmTMB can hold it at 1, as here")
    elif (model.family, model.link) not in CANONICAL and model.method == "laplace":
        comments.append(f"# with {linked(model.link)} lme4's Laplace takes the expected information, ours the observed; "
                        "glmmTMB's is ours")
    note = "glmer's default is the Laplace approximation (nAGQ = 1)."
    if model.method == "agq" and model.family != "nbinom2":
        note += " With more nodes its logLik leaves out constants (factorials, binomial coefficients); estimates are ours."
    return "\n".join([*comments, *lines, "summary(fit)"]), note + " exp(fixef(fit)) are the ratios." * (model.link in RATIOS)


def _weights(model: General) -> list[str]:
    return [f"weights = {named(model.weights)}"] if model.weights else []


def _family(model: General) -> str:
    if model.family == "geometric":
        return f'MASS::negative.binomial(1, link = "{model.link}")'
    name = "Gamma" if model.family == "exponential" else GLMER[model.family]
    if model.link.startswith("power"):
        return f"{name}(link = {model.link.replace(' ', '')})"
    return f'{name}(link = "{model.link.replace("inverse-squared", "1/mu^2")}")'


def _nodes(model: General) -> list[str]:
    if model.method != "agq":
        return []
    if len(model.random) > 1 or not model.random[0].single:
        raise Untranslatable("glmer has quadrature for one random effect; the package GLMMadaptive has it for several "
                             "of one factor")
    return [f"nAGQ = {model.nodes}"]


def _loglog(model) -> str:
    return "; a loglog model of y is a cloglog model of 1 - y with all signs turned" if model.link == "loglog" else ""


def glmmtmb(model: General):
    """glmmTMB."""
    only_likelihood(model, "glmmTMB")
    if model.base not in TMB:
        raise Untranslatable({"ordinal": "glmmTMB has no ordinal outcomes; the package ordinal has (clmm)",
                              "multinomial": "glmmTMB has no multinomial outcomes; mclogit's mblogit has (by PQL)"}.get(
            model.family, f"glmmTMB has no family {model.family}"))
    if model.df is not None:
        raise Untranslatable("glmmTMB's t_family estimates the degrees of freedom")
    if model.link not in TMB_LINKS:
        raise Untranslatable(f"glmmTMB has no {model.link} link{_loglog(model)}")
    lines = ["library(glmmTMB)", *prepared(model)]
    comments = ["# glmmTMB has the Laplace approximation only; ours is " + model.title] * (model.method == "agq")
    response = left(model)
    if model.family == "lognormal":
        response = f"log({response})"
        comments.append("# a normal model of the log; its log-likelihood less "
                        f"sum(log({model.data}${named(model.outcome)})) is ours")
    name = TMB[model.base]
    if model.hurdle:
        name = f"truncated_{name}"
    words = [f"data = {model.data}"] + _weights(model)
    words.append(f'family = {name}(link = "{"identity" if model.family == "lognormal" else model.link}")')
    if model.base != model.family:
        words.append(f"ziformula = {_zero(model)}")
    if model.family in ("geometric", "exponential"):  # the dispersion parameter held at one
        words.append("start = list(betad = 0), map = list(betad = factor(NA))")
    lines.append(f"fit <- glmmTMB({response} ~ {right(model, bars(model, DIAGONAL, 'glmmTMB'))},")
    lines.append(f"               {', '.join(words)})")
    note = "glmmTMB's Laplace approximation is ours, with all constants in the log-likelihood."
    if model.base in ("nbinom2", "nbinom1", "gamma", "beta", "t"):
        note += " sigma(fit) is our " + {"nbinom2": "theta", "nbinom1": "alpha", "beta": "phi"}.get(model.base, "sigma") + (
            ", family_params(fit) our df." if model.family == "t" else ".")
    if model.base != model.family:
        note += " Its zero part models the probability of a " + ("zero." if model.hurdle else "structural zero.")
    return "\n".join([*comments, *lines, "summary(fit)"]), note


def _zero(model: General) -> str:
    if model.zero is None:
        return "~ 1"
    return "~ " + " + ".join([side(model.zero.fixed, model.zero.intercept), *bars(model.zero, DIAGONAL, "glmmTMB")])


def clmm(model: General):
    """ordinal's clmm."""
    if model.family != "ordinal":
        raise Untranslatable("the package ordinal is for ordered categories")
    only_likelihood(model, "clmm")
    if any(not r.single and r.structure != "unstructured" for r in model.random):
        raise Untranslatable("clmm takes free covariance matrices only")
    lines = ["library(ordinal)", *prepared(model)]
    words = [f"data = {model.data}"] + _weights(model) + [f'link = "{model.link}"']
    comments = []
    if model.method == "agq":
        if len(model.random) > 1 or not model.random[0].single:
            raise Untranslatable("clmm has quadrature for one random effect only")
        words.append(f"nAGQ = {model.nodes}")
    fixed = right(model, bars(model, PLAIN, "ordinal"))
    if fixed.startswith("0 + "):
        fixed = fixed[4:]
    response = factor_text(model.formula.outcome)
    response = response if model.levels else f"factor({response}, ordered = TRUE)"
    lines += [f"fit <- clmm({response} ~ {fixed},", f"            {', '.join(words)})", "summary(fit)"]
    return "\n".join([*comments, *lines]), (
        "clmm's default is the Laplace approximation (nAGQ = 1). Its thresholds and the signs of its coefficients are "
        "ours: threshold minus linear predictor.")


def glmmpql(model: General):
    """MASS's glmmPQL, for a fit by PQL of order 1."""
    if (model.method, model.order) != ("pql", 1):
        raise Untranslatable("nlme is for normal outcomes; MASS's glmmPQL stands on it and has PQL of order 1, not "
                             f"{model.title}")
    if model.family not in ("binomial", "poisson") or model.weights or model.zero is not None:
        raise Untranslatable("we write glmmPQL for binomial outcomes and counts without weights")
    chain = [r.group for r in sorted(model.random, key=lambda own: len(own.parts))]
    nested = all((b, a) in model.inside for a, b in zip(chain, chain[1:]))
    if not nested or len(chain) > 1 and any(r.slopes for r in model.random):
        raise Untranslatable("we write glmmPQL for nested random intercepts, or the effects of one factor")
    first = model.random[0]
    if not first.single and first.structure != "unstructured":
        random = f"list({first.group} = pdDiag(~ {inner(first)}))" if first.structure == "independent" else None
    else:
        random = f"~ {inner(first)} | {'/'.join(dict.fromkeys(p for g in chain for p in g.split(':')))}"
    if random is None:
        raise Untranslatable(f"we do not write glmmPQL with the covariance {first.structure}")
    family = f'{GLMER[model.family]}(link = "{model.link}")'
    lines = ["library(MASS)", *prepared(model), f"fit <- glmmPQL({left(model)} ~ {right(model, [])},",
             f"               random = {random}, family = {family}, data = {model.data})", "summary(fit)"]
    comment = "# glmmPQL estimates a residual scale besides, which ours holds at 1: numbers differ"
    return "\n".join([comment, *lines]), "PQL has no likelihood; glmmPQL prints none either."
