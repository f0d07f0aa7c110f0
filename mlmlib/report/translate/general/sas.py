"""SAS: PROC GLIMMIX."""

from __future__ import annotations

from ..model import Untranslatable, derived
from ..sas import TYPES, quoted
from .spec import General

__all__ = ["write"]

DISTS = {"gaussian": "normal", "poisson": "poisson", "nbinom2": "negbin", "geometric": "geometric", "gamma": "gamma",
         "exponential": "exponential", "inverse-gaussian": "invgauss", "lognormal": "lognormal", "beta": "beta",
         "ordinal": "multinomial", "multinomial": "multinomial", "t": "t"}
LINKS = {"logit": "logit", "probit": "probit", "cloglog": "cloglog", "loglog": "loglog", "log": "log", "identity": "identity",
         "inverse": "reciprocal", "inverse-squared": "powerminus2"}
CUMULATIVE = {"logit": "cumlogit", "probit": "cumprobit", "cloglog": "cumcloglog", "loglog": "cumloglog"}


def write(model: General):
    if model.zero is not None or model.base != model.family:
        raise Untranslatable("GLIMMIX has no zero part; PROC NLMIXED fits what one writes out, by quadrature")
    if model.family not in (*DISTS, "binomial") or model.family == "t" and model.df is None:
        raise Untranslatable(f"GLIMMIX has no {'t distribution with free degrees of freedom' if model.family == 't' else model.family}")
    if any(r.members for r in model.random):
        raise Untranslatable("with a multimember effect GLIMMIX has pseudo-likelihood only")
    method, comments = _method(model)
    names = derived(model, "**")

    def word(term):
        return "*".join(model.category(f) or (names[f][0] if f in names else f.label) for f in term)

    numbers = {f.label for t in (*model.fixed, *(e for r in model.random for e in r.effects)) for f in t
               if not model.category(f)}
    copies = {p: f"{p}_class" for r in model.random for p in r.parts if p in numbers}
    offsets = model.offsets(power="**")
    steps = [f"{name} = {text};" for name, text in names.values()] + [f"{new} = {old};" for old, new in copies.items()]
    if offsets:
        steps.append(f"offset_of_rows = {' + '.join(offsets)};")
    lines = [f"data {model.data};", f"  set {model.data};", *(f"  {step}" for step in steps), "run;"] if steps else []
    lines.append(f"proc glimmix data={model.data}{' method=' + method if method else ''};")
    categories = {c: f"{c}(ref={quoted(found[0])})" if found else c for c, found in model.categories.items()}
    parts = [copies.get(p, p) for r in model.random for p in r.parts if p not in categories]
    nominal = [model.outcome] * (model.family == "multinomial")
    if parts or categories or nominal:
        lines.append(f"  class {' '.join(dict.fromkeys([*parts, *categories.values(), *nominal]))};")
    fixed = " ".join(word(t) for t in model.fixed if t)
    dist, link = _dist(model)
    options = ["noint"] * (not model.intercept) + [f"dist={dist}", f"link={link}",
                                                   *(["offset=offset_of_rows"] if offsets else []), "solution"]
    lines.append(f"  model {_left(model, names)} = {fixed + ' ' if fixed else ''}/ {' '.join(options)};")
    for r in model.random:
        effects = " ".join((["intercept"] if r.intercept else []) + [word(e) for e in r.slopes])
        kind = "" if r.single else f" type={TYPES[r.structure]}"
        group = f" group={model.outcome}" if model.family == "multinomial" else ""
        lines.append(f"  random {effects} / subject={'*'.join(copies.get(p, p) for p in r.parts)}{kind}{group};")
    lines += [f"  freq {model.weights};"] * bool(model.weights)
    remarks, note = _remarks(model)
    return "\n".join([*comments, *remarks, *lines, "run;"]), note


def _method(model: General) -> tuple[str, list[str]]:
    if not model.random:
        return "", []
    default = "/* left alone, GLIMMIX takes residual pseudo-likelihood (rspl), which is PQL, not ours */"
    if model.method == "laplace" and len({r.group for r in model.random}) > 1 and not model.inside:
        default = ("/* method=laplace goes by subjects, so crossed factors make one subject of all rows: slow; "
                   "left alone, GLIMMIX takes PQL (rspl) */")
    if model.method == "laplace":
        return "laplace", [default]
    if model.method == "agq":
        return f"quad(qpoints={model.nodes})", [default]
    if model.order != 1:
        raise Untranslatable(f"GLIMMIX's pseudo-likelihood is of order 1, not {model.order}; MLwiN has order 2")
    return ("mspl" if model.method == "pql" else "mmpl"), [
        f"/* left alone, GLIMMIX takes rspl, the REML version; {'mspl' if model.method == 'pql' else 'mmpl'} is the ML "
        "version, as ours */"]


def _dist(model: General) -> tuple[str, str]:
    if model.family == "binomial":
        dist = "binary" if model.binary else "binomial"
    else:
        dist = DISTS[model.family]
    if model.df is not None:
        dist = f"t({model.df:g})"
    if model.family == "multinomial":
        return dist, "glogit"
    if model.family == "lognormal":
        if model.link != "log":
            raise Untranslatable("GLIMMIX's lognormal has the linear predictor as the mean of log y, which is our log "
                                 "link")
        return dist, "identity"
    links = CUMULATIVE if model.family == "ordinal" else LINKS
    if model.link.startswith("power"):
        return dist, model.link.replace(" ", "")
    if model.link not in links:
        raise Untranslatable(f"GLIMMIX has no {model.link} link for {model.family}")
    return dist, links[model.link]


def _left(model: General, names) -> str:
    response = model.formula.response
    name = names[response][0] if response in names else model.outcome
    if model.family == "binomial":
        if not model.binary:
            if isinstance(model.trials, int):
                raise Untranslatable("events/trials syntax wants a column of trials; make one first")
            return f"{name}/{model.trials}"
        return f"{name}(event={quoted(model.levels[1] if model.levels else 1)})"
    if model.family == "ordinal":
        return f"{name}(order=data)" if _unsorted(model) else name
    if model.family == "multinomial":
        return f"{name}(ref={quoted(model.levels[0])})" if model.levels else f"{name}(ref=first)"
    return name


def _unsorted(model: General) -> bool:
    """Whether SAS would put the categories in another order."""
    return bool(model.levels) and isinstance(model.levels[0], str) and tuple(sorted(model.levels)) != tuple(model.levels)


def _remarks(model: General) -> tuple[list[str], str]:
    remarks, note = [], "Its standard errors have t tests with containment degrees of freedom; add ddfm=none for z, as ours."
    if model.family in ("binomial", "ordinal", "multinomial") and model.link == "logit":
        note += " oddsratio in the model statement prints odds ratios."
    if any(not r.single for r in model.random):
        note += " The default covariance is vc, hence type=."
    if model.categories:
        note += " Without ref= SAS takes the last category as the baseline."
    if model.family == "ordinal":
        remarks.append("/* SAS models the lower categories: P(y <= k) has the plus sign, so its slopes are ours with "
                       "the sign turned */")
        if _unsorted(model):
            note += f" order=data takes the order in which categories occur; sort by their order ({', '.join(map(str, model.levels))}) first."
    if model.family == "multinomial" and model.random:
        remarks.append("/* group= gives every category a variance of its own, but no covariances between them, which "
                       "ours has */")
    if model.family == "nbinom2":
        note += " Its Scale is 1/theta."
    if model.family in ("gamma", "gaussian", "lognormal"):
        note += " Its Scale is the square of our sigma."
    if model.weights:
        note += " freq cuts weights to integers."
    return remarks, note
