"""SAS: PROC GENMOD with REPEATED, and PROC GLIMMIX with EMPIRICAL.

Chapter 20 (``20_gee_and_robust``).
"""

from __future__ import annotations

from ...translate.general.sas import CUMULATIVE, LINKS, _left, _unsorted
from ...translate.model import Untranslatable, derived
from ...translate.sas import quoted
from .spec import MarginalModel

__all__ = ["genmod", "glimmix"]

_DISTS = {"gaussian": "normal", "poisson": "poisson", "nbinom2": "negbin", "gamma": "gamma", "inverse-gaussian": "igaussian",
          "binomial": "binomial", "ordinal": "multinomial", "multinomial": "multinomial"}
_TYPES = {"independence": "ind", "exchangeable": "exch", "ar1": "ar(1)", "unstructured": "un"}
_MIXED = {"independence": "vc", "exchangeable": "cs", "ar1": "ar(1)", "unstructured": "un"}
_EMPIRICAL = {"robust": "classical", "mancl-derouen": "firores", "kauermann-carroll": "root"}


def genmod(model: MarginalModel) -> tuple[str, str]:
    """PROC GENMOD; PROC GEE for unordered categories."""
    model.refuse_nested("GENMOD")
    procedure = "gee" if model.family == "multinomial" else "genmod"
    lines, words = _start(model)
    fixed, categories, offset = words
    lines.append(f"proc {procedure} data={model.data};")
    order = [f"{model.time}_class"] if model.corr in ("ar1", "unstructured") else []
    nominal = [model.outcome] * (model.family == "multinomial")
    lines.append(f"  class {' '.join([model.group, *order, *categories, *nominal])}{' / param=ref' if categories else ''};")
    options = ["noint"] * (not model.intercept and model.family != "ordinal") + [f"dist={_DISTS[model.family]}", f"link={_link(model)}"]
    options += ["offset=offset_of_rows"] if offset else []
    lines.append(f"  model {_left(model, derived(model, '**'))} = {fixed + ' ' if fixed else ''}/ {' '.join(options)};")
    kind = "ind" if model.family in ("ordinal", "multinomial") else _TYPES[model.corr]
    within = f" within={order[0]}" if order else ""
    shown = " corrw" * (model.family not in ("ordinal", "multinomial") and model.corr != "independence")
    lines.append(f"  repeated subject={model.group} / type={kind}{within}{shown}{' modelse' * (model.cov == 'model')};")
    lines += [f"  weight {model.weights};"] * bool(model.weights)
    return "\n".join([*lines, "run;"]), _genmod_note(model)


def _genmod_note(model) -> str:
    note = ""
    if model.family in ("ordinal", "multinomial"):
        if model.corr != "independence":
            note += "SAS has working independence alone for categories (type=ind), so that estimates differ a little. "
        if model.family == "ordinal":
            note += "It models the lower categories: its slopes are ours with the sign turned. "
            if _unsorted(model):
                note += f"order=data takes the order in which categories occur; sort by their order ({', '.join(map(str, model.levels))}) first. "
        return note + "Standard errors are robust."
    note = "GENMOD prints robust standard errors for REPEATED" + ("; modelse adds the model-based ones, as here. " if model.cov == "model" else ". ")
    if model.corr != "independence":
        note += "Its moments have divisors less the number of coefficients, so that correlation and estimates differ a little from ours. "
    if model.cov in ("mancl-derouen", "kauermann-carroll"):
        note += "It has no correction for few groups; GLIMMIX has (translate to 'glimmix'). "
    if model.family == "nbinom2":
        note += "Its dispersion (1/theta) is that of the model of independent rows. "
    if model.family == "binomial" and model.binary and model.link == "logit":
        note += "logor=exch in place of type= takes odds ratios between rows (alternating logistic regressions). "
    return note + "type3 in the model statement gives score tests."


def glimmix(model: MarginalModel) -> tuple[str, str]:
    """PROC GLIMMIX: the working correlation as that of the residuals, by pseudo-likelihood, with sandwich errors."""
    model.refuse_nested("GLIMMIX without random effects")
    if model.family in ("ordinal", "multinomial"):
        raise Untranslatable("GLIMMIX has no residual correlations for categories; PROC GENMOD and PROC GEE have REPEATED")
    lines, (fixed, categories, offset) = _start(model)
    empirical = f" empirical={_EMPIRICAL[model.cov]}" if model.cov in _EMPIRICAL else ""
    lines.append(f"proc glimmix data={model.data}{empirical};")
    order = [f"{model.time}_class"] if model.corr in ("ar1", "unstructured") else []
    lines.append(f"  class {' '.join([model.group, *order, *categories])};")
    dist = "invgauss" if model.family == "inverse-gaussian" else "binary" if model.binary else _DISTS[model.family]
    options = ["noint"] * (not model.intercept) + [f"dist={dist}", f"link={_link(model)}", *(["offset=offset_of_rows"] if offset else []),
                                                   "solution", "ddfm=none"]
    lines.append(f"  model {_left(model, derived(model, '**'))} = {fixed + ' ' if fixed else ''}/ {' '.join(options)};")
    effects = f"{order[0]} / residual" if order else "_residual_ /"
    lines.append(f"  random {effects} subject={model.group} type={_MIXED[model.corr]} vcorr;")
    lines += [f"  weight {model.weights};"] * bool(model.weights)
    note = "Correlation and scale are by residual pseudo-likelihood, not by moments: they, and estimates a little, differ from ours. "
    if model.cov in ("mancl-derouen", "kauermann-carroll"):
        note += f"empirical={_EMPIRICAL[model.cov]} is the correction for few groups of ours. "
    return "\n".join([*lines, "run;"]), note + "ddfm=none gives z tests, as ours; left out, t tests."


def _start(model):
    """A data step for columns that are made, and the words of the model statement."""
    if model.family not in _DISTS:
        raise Untranslatable(f"SAS has no {model.family}")
    names = derived(model, "**")

    def word(term):
        return "*".join(model.category(f) or (names[f][0] if f in names else f.label) for f in term)

    offsets = model.offsets(power="**")
    steps = [f"{name} = {text};" for name, text in names.values()]
    steps += [f"{model.time}_class = {model.time};"] if model.corr in ("ar1", "unstructured") else []
    steps += [f"offset_of_rows = {' + '.join(offsets)};"] if offsets else []
    lines = [f"data {model.data};", f"  set {model.data};", *(f"  {step}" for step in steps), "run;"] if steps else []
    categories = [f"{c}(ref={quoted(found[0])})" if found else c for c, found in model.categories.items()]
    return lines, (" ".join(word(t) for t in model.fixed if t), categories, bool(offsets))


def _link(model) -> str:
    if model.family == "multinomial":
        return "glogit"
    links = CUMULATIVE if model.family == "ordinal" else LINKS
    found = {"inverse": "power(-1)", "inverse-squared": "power(-2)", "sqrt": "power(0.5)"}.get(model.link, links.get(model.link))
    if found is None or model.link == "loglog":
        raise Untranslatable(f"SAS's GENMOD has no {model.link} link for {model.family}")
    return found
