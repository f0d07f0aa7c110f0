"""Generalized mixed models of reference/r: which of our calls each file stands for."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

import mlmlib as mlm

from .sources import data, folder, stored


class Call(NamedTuple):
    """A data set, a formula, and what else `mlm.glmm` is told."""

    data: str
    formula: str
    options: dict


CBPP = ("cbpp", "incidence ~ period + (1 | herd)")
WOMEN = ("contraception", "use ~ age + I(age ** 2) + urban + livch + (1 | district)")
EPIL = ("epil", "y ~ lbase * trt + lage + V4 + (1 | subject)")
LONG = ("epl", "y ~ post * trt + (1 | subject)")
AGGRESSION = ("verbagg", "r2 ~ Anger + Gender + btype + situ + mode + (1 | id) + (1 | item)")
SLEEP = ("sleepstudy", "Reaction ~ Days + (1 | Subject)")
WINE = ("wine", "rating ~ temp + contact + (1 | judge)")
POISSON, HERDS, ORDINAL = {"family": "poisson"}, {"trials": "size"}, {"family": "ordinal"}

# what stands in the names of the files between the program and the method
CALLS = {
    "cbpp": Call(*CBPP, HERDS),
    "cbpp_probit": Call(*CBPP, HERDS | {"link": "probit"}),
    "cbpp_cloglog": Call(*CBPP, HERDS | {"link": "cloglog"}),
    "contraception": Call(*WOMEN, {}),
    "contraception_probit": Call(*WOMEN, {"link": "probit"}),
    "epil_poisson": Call(*EPIL, POISSON),
    "epil_poisson_offset": Call(*LONG, POISSON | {"exposure": "weeks"}),
    "epil_nbinom2": Call(*EPIL, {"family": "nbinom2"}),
    "epil_nbinom2_fixed": Call(*EPIL, {"family": "nbinom2"}),
    "ohio": Call("ohio", "resp ~ age * smoke + (1 | id)", {}),
    "verbagg": Call(*AGGRESSION, {}),
    "sleep_gamma": Call(*SLEEP, {"family": "gamma", "link": "log"}),
    "sleep_gamma_rs": Call("sleepstudy", "Reaction ~ Days + (Days | Subject)", {"family": "gamma", "link": "log"}),
    "sleep_lognormal_gauss": Call("sleepstudy", "log(Reaction) ~ Days + (1 | Subject)", {"family": "gaussian"}),
    "wine_logit": Call(*WINE, ORDINAL),
    "wine_probit": Call(*WINE, ORDINAL | {"link": "probit"}),
    "wine_cloglog": Call(*WINE, ORDINAL | {"link": "loglog"}),  # clmm has the names of these two links the other way round
    "wine_crossed": Call("wine", "rating ~ temp + contact + (1 | judge) + (1 | bottle)", ORDINAL),
}
WITHOUT = ("tmb_epil_nbinom2_fixed",)  # a file without groups, of a family that ours has with groups only
EXACT = 61  # nodes of exactml_*


@cache
def table(name: str):
    """The rows of a model: a data set of the book, or `epl`, which is epil with its baseline as a row of eight weeks."""
    return data(name) if name == "epl" else mlm.load(name)


def call_of(name: str) -> tuple[Call, dict]:
    """Our call of a file of R's, and the method that it asks for.

    >>> call, method = call_of("glmm_cbpp_probit_agq25")
    >>> call.options["link"], method
    ('probit', {'method': 'agq', 'nodes': 25})
    """
    program, _, rest = name.partition("_")
    if program == "exactml":
        return CALLS[rest], {"method": "agq", "nodes": EXACT}
    if program == "clm":
        return Call("wine", "rating ~ temp + contact", ORDINAL), {}
    if program == "tmb":
        return CALLS[rest], {}
    key, _, method = rest.rpartition("_")
    return CALLS[key], {} if method == "laplace" else {"method": "agq", "nodes": int(method.removeprefix("agq"))}


@cache
def names() -> tuple[str, ...]:
    """The files of generalized mixed models that the project was given."""
    found = [path.stem for path in (folder() / "r").glob("*.json")]
    return tuple(sorted(name for name in found if name.split("_")[0] in ("exactml", "glmm", "tmb", "clm", "clmm")))


@cache
def glmm(name: str):
    """Our fit of a file of R's, such as ``"glmm_cbpp_laplace"``."""
    call, method = call_of(name)
    fitted = mlm.glmm(call.formula, table(call.data), **call.options, **method)
    return WithoutGroups(fitted) if name in WITHOUT else fitted


class WithoutGroups:
    """The generalized linear model in which the search for a mixed one begins, with the parts of a result that R's has."""

    n_groups: dict = {}
    reml = False

    def __init__(self, fitted):
        import pandas as pd

        from mlmlib.glmm.start import _hessian, fit_glm

        model = fitted.model
        found = fit_glm(model.X, model.density, model.criterion.offset)
        back = np.linalg.inv(model.x_map).T
        names = fitted.params.index
        self.llf, self.converged, self.nobs = -found.value / 2, found.found, fitted.nobs
        self.n_params = len(found.b) + len(found.psi)
        self.aic = 2 * self.n_params - 2 * self.llf
        self.params = pd.Series(back @ found.b, names)
        reported = model.density.reported(found.psi)
        self.dispersion = pd.Series([row[1] for row in reported], [row[0] for row in reported])
        information = -_hessian(model.X, model.density, found.eta, found.psi, model.density(found.eta, found.psi, 3))
        cov = back @ np.linalg.inv(information)[: len(names), : len(names)] @ back.T
        self.bse = pd.Series(np.sqrt(np.diag(cov)), names)


def software(name: str) -> str:
    """The program that a file comes from."""
    return stored(name)["software"]
