"""The generalized models that are timed, with each program's way to say them.

All programs get the same table, in which outcomes are numbers: 0 and 1, counts, successes with failures beside them.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["GENERAL", "General", "table"]


class General(NamedTuple):
    """One row of the comparison: what it is called, its data set, our formula and arguments, and what others are told.

    `different` names programs whose criterion cannot be put beside the others', and says why.
    `programs` has for each program of PyPI the arguments of its function, and for each R package an expression in `data`; a
    program that is not there has no such model.
    """

    key: str
    title: str
    data: str
    formula: str
    arguments: dict
    programs: dict
    different: dict = {}


CONSTANTS = "its log-likelihood of counts leaves constants out"
OTHER_SUM = "its estimates with seven nodes are those with one, and its criterion is not the log-likelihood there"
EXPECTED = "lme4's approximation takes expected information where the link is not canonical"
MODES = "it tells a criterion at modes found to few digits; at its estimates the criterion is 3e-9 above ours"


def _binary(formula: str, nodes: int = 1) -> dict:
    """A binary outcome by Laplace's approximation or quadrature, in all programs."""
    return {
        "glmm": {"formula": formula, "family": "binomial", "nagq": nodes},
        "mixedlm": {"formula": formula, "family": "Binomial", "nAGQ": nodes},
        "lme-python": {"formula": formula, "family_name": "binomial", "n_agq": nodes},
        "lme4": f"glmer({formula}, data, binomial, nAGQ = {nodes})",
        **({} if nodes > 1 else {"glmmTMB": f"glmmTMB({formula}, data, binomial)"}),
    }


def _counts(formula: str) -> dict:
    return {
        "glmm": {"formula": formula, "family": "poisson"},
        "mixedlm": {"formula": formula, "family": "Poisson"},
        "lme-python": {"formula": formula, "family_name": "poisson"},
        "lme4": f"glmer({formula}, data, poisson)",
        "glmmTMB": f"glmmTMB({formula}, data, poisson)",
    }


HERDS = "cbind(incidence, healthy) ~ period + (1 | herd)"
WOMEN = "use ~ age + age2 + urban + livch + (1 | district)"
AGGRESSION = "r2 ~ Anger + Gender + btype + situ + mode + (1 | id) + (1 | item)"
TICKS = "TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION)"
SEIZURES = "y ~ lbase * trt + lage + V4 + (1 | subject)"
WINE = "rating ~ temp + contact + (1 | judge)"

GENERAL = (
    General("cbpp", "cbpp, binomial", "cbpp", "incidence ~ period + (1 | herd)", {"family": "binomial", "trials": "size"},
            {"glmm": {"formula": HERDS, "family": "binomial"}, "lme4": f"glmer({HERDS}, data, binomial)",
             "glmmTMB": f"glmmTMB({HERDS}, data, binomial)"}),
    General("contraception", "contraception, binary", "contraception", WOMEN, {"family": "binomial"}, _binary(WOMEN)),
    General("contraception_agq", "contraception, quadrature with 7 nodes", "contraception", WOMEN,
            {"family": "binomial", "method": "agq", "nodes": 7}, _binary(WOMEN, 7), {"lme-python": OTHER_SUM}),
    General("verbagg", "verbagg, binary, two crossed factors", "verbagg", AGGRESSION, {"family": "binomial"},
            _binary(AGGRESSION)),
    General("grouseticks", "grouseticks, Poisson, three factors", "grouseticks", TICKS, {"family": "poisson"}, _counts(TICKS),
            {"lme-python": CONSTANTS}),
    General("epil", "epil, Poisson", "epil", SEIZURES, {"family": "poisson"}, _counts(SEIZURES),
            {"lme-python": CONSTANTS}),
    General("epil_nbinom2", "epil, negative binomial", "epil", SEIZURES, {"family": "nbinom2"},
            {"glmm": {"formula": SEIZURES, "family": "negativebinomial"}, "mixedlm": {"formula": SEIZURES, "family": "negative"},
             "lme4": f"glmer.nb({SEIZURES}, data)", "glmmTMB": f"glmmTMB({SEIZURES}, data, nbinom2)"}, {"lme4": EXPECTED}),
    General("wine", "wine, ordered categories", "wine", WINE, {"family": "ordinal"},
            {"ordinal": f"clmm(factor({WINE.replace(' ~', ') ~')}, data)"}, {"ordinal": MODES}),
)


def table(name: str):
    """A data set as all programs get it."""
    import mlmlib as mlm

    data = mlm.load(name)
    if name == "cbpp":
        return data.assign(healthy=data["size"] - data["incidence"], period="p" + data["period"].astype(str))
    if name == "contraception":
        return data.assign(use=(data["use"] == "Y").astype(int), age2=data["age"] ** 2)
    if name == "verbagg":
        return data.assign(r2=(data["r2"] == "Y").astype(int))
    if name == "grouseticks":
        return data.assign(YEAR="y" + data["YEAR"].astype(str))
    return data
