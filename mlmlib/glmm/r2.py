"""Explained variance of a GLMM: marginal and conditional R2, on the latent scale and on that of the outcome.

Chapter 16 (``16_binary``) and, for counts, Chapter 17 (``17_counts``).

References
----------
Nakagawa, S., & Schielzeth, H. (2013). A general and simple method for obtaining R2 from generalized linear mixed-effects
models. Methods in Ecology and Evolution, 4, 133-142.
Nakagawa, S., Johnson, P. C. D., & Schielzeth, H. (2017). The coefficient of determination R2 and intra-class
correlation coefficient from generalized linear mixed-effects models revisited and expanded. Journal of the Royal
Society Interface, 14, 20170213.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..display import Shown, percent
from ..errors import DataError
from .averaging import row_variances
from .predictors import predictors
from .shares import has_latent, latent_residual, one_mean, parts_of_outcome, unit_weights

__all__ = ["GlmmR2", "glmm_r2"]


@dataclass(frozen=True, repr=False)
class GlmmR2(Shown):
    """Explained variance of a generalized linear mixed model.

    Attributes
    ----------
    marginal, conditional : float
        On the scale of the linear predictor (Nakagawa): the share of the fixed part, and of fixed and random part.
    observation_marginal, observation_conditional : float
        Of the outcome itself: the share of its variance that the predictors explain after averaging over groups, and
        that predictors and groups explain.
    var_fixed, var_random, var_residual : float
        What the first two are made of.
    other : dict
        (marginal, conditional) by the other approximations of the unit's variance.
    """

    formula: str
    link: str
    marginal: float
    conditional: float
    observation_marginal: float
    observation_conditional: float
    var_fixed: float
    var_random: float
    var_residual: float
    other: dict
    notes: tuple = ()

    def _title(self):
        return f"Explained variance of {self.formula}"

    def _rows(self):
        rows = []
        if self.marginal == self.marginal:
            rows += [["marginal R2: fixed part", f"{self.link} scale", percent(self.marginal)],
                     ["conditional R2: fixed and random part", f"{self.link} scale", percent(self.conditional)]]
        rows += [[f"{which} R2, {name} approximation", f"{self.link} scale", percent(value)]
                 for name, pair in self.other.items() for which, value in zip(("marginal", "conditional"), pair)]
        if self.observation_marginal == self.observation_marginal:
            rows += [["marginal R2: predictors, averaged over groups", "outcome", percent(self.observation_marginal)],
                     ["conditional R2: predictors and groups", "outcome", percent(self.observation_conditional)]]
        return ["measure", "scale", ""], rows

    def _note(self):
        return " ".join(self.notes)


def glmm_r2(fit, approximation: str | None = None, mean="null") -> GlmmR2:
    """R2 of a GLMM: see `mlmlib.r2`.

    Parameters
    ----------
    fit : GlmmResult
    approximation : {"lognormal", "delta", "trigamma"}, optional
        Of a unit's variance on the scale of the linear predictor. Left out, binary and ordered outcomes have the
        variance of the latent distribution, others ``"lognormal"``.
    mean : {"null", "typical", "data"} or float
        At which mean the approximation is made; see `mlmlib.icc`.

    Returns
    -------
    GlmmR2

    Notes
    -----
    Chapter 16 (``16_binary``).  The variance of X b has divisor N - 1 and no offset; the random part's is averaged over
    the rows (Johnson, 2014).  R's performance up to version 0.10 takes a unit's variance of counts at
    ``mean="typical"``; later ones and MuMIn at ``"null"``.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> found = mlm.r2(mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size"))
    >>> round(found.marginal, 4), round(found.conditional, 4), round(found.observation_marginal, 4)
    (0.0854, 0.1873, 0.0374)
    """
    one_mean(fit, "r2")
    fixed = float(np.var(fit.design.X @ fit._params, ddof=1))
    random = float(np.mean(row_variances(fit.design.random, fit._T)))
    nan, notes = float("nan"), []

    def pair(how):
        residual, note = latent_residual(fit, how, mean)
        whole = fixed + random + residual
        return (fixed / whole, (fixed + random) / whole), residual, note

    try:
        latent, residual, note = pair(approximation or "lognormal")
        notes.append(note)
    except DataError as error:
        latent, residual = (nan, nan), nan
        notes.append(str(error))
    plain = fit.family.name == "gaussian" and fit.link.name == "identity"
    several = not has_latent(fit) and fit.link.name == "log"
    other = {how: pair(how)[0] for how in ("lognormal", "delta", "trigamma") if how != (approximation or "lognormal")} if several else {}
    observed = (nan, nan)
    if not plain and not hasattr(fit.density, "thresholds"):
        observed, told = _of_outcome(fit)
        notes.append(told)
    return GlmmR2(fit.formula, fit.link.name, *latent, *observed, fixed, random, residual, other,
                  tuple(filter(None, notes)))


def _of_outcome(fit):
    """Shares of the outcome's variance by the law of total variance."""
    try:
        at = predictors(fit, groups="average", derivatives=False)
        mean, between, within = parts_of_outcome(fit, at.eta, at.variance)
    except DataError as error:
        return (float("nan"), float("nan")), str(error)
    w = unit_weights(fit)
    w = w / w.sum()
    explained = float(w @ (mean - w @ mean) ** 2)
    groups, rest = float(w @ between), float(w @ within)
    whole = explained + groups + rest
    told = "Of the outcome: single trials." if fit.density.trials is not None else ""
    return (explained / whole, (explained + groups) / whole), told
