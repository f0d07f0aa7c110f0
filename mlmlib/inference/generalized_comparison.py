"""Likelihood-ratio tests of generalized linear mixed models.

The limits are those of linear mixed models (`mlmlib.inference.boundary`), with the information of the working linear
mixed model at the smaller fit; a family on the boundary of a larger one is as a variance at zero.

Chapter 16 (``16_binary``) tests a random slope, Chapter 17 (``17_counts``) overdispersion and extra zeros.

References
----------
Self, S. G., & Liang, K.-Y. (1987). Asymptotic properties of maximum likelihood estimators and likelihood ratio tests
under nonstandard conditions. Journal of the American Statistical Association, 82, 605-610.
Molenberghs, G., & Verbeke, G. (2007). Likelihood ratio, score, and Wald tests in a constrained parameter space. The
American Statistician, 61, 22-27.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .boundary import Tangent, boundary_pvalue, boundary_weights, tangent
from .generalized_nesting import Special, information_at, own_covariance, refuse_kinds
from ..testresult import TestResult

__all__ = ["lr_vs_plain", "null_of_generalized", "reference_of_generalized"]

_NAMES = {("binomial", "logit"): "logistic", ("bernoulli", "logit"): "logistic", ("binomial", "probit"): "probit",
          ("bernoulli", "probit"): "probit", ("binomial", "cloglog"): "cloglog", ("bernoulli", "cloglog"): "cloglog",
          ("poisson", "log"): "Poisson", ("nbinom2", "log"): "negative binomial", ("nbinom1", "log"): "negative binomial",
          ("ordinal", "logit"): "ordered logistic", ("ordinal", "probit"): "ordered probit",
          ("multinomial", "logit"): "multinomial logistic", ("gaussian", "identity"): "linear"}


def reference_of_generalized(null, full, special: Special, statistic: float, df: int):
    """Weights (None where it is no mixture), name, p-value and notes of the reference distribution.

    The information about variances is that of the working model with the density's own parameters known, and of crossed
    factors each by itself; weights of several variances are then good to some hundredths.  One variance needs none.
    """
    from .likelihood_ratio import _describe, by_mixture, drawn_at_boundary, mixture_pvalue
    plain, edges, random = mixture_pvalue(statistic, {df: 1.0}), special.edges, special.random
    if special.unknown:
        return None, f"chi2({df})", plain, [
            "without extra zeros the coefficients of the zero part mean nothing, so that the statistic has no known "
            "limit; chi2 is a rough guide, method='bootstrap' the check"]
    regular = df - random - edges
    if edges:
        if edges > 1 or random or special.singular:
            return {df: 1.0}, f"chi2({df})", plain, ["conservative: the null lies on the boundary of what is possible "
                                                     "in more than one way; method='bootstrap' is the check"]
        weights: dict[int, float] | None = {regular: 0.5, regular + 1: 0.5}
        return weights, _describe(weights), mixture_pvalue(statistic, weights), [
            "one-sided, because the null lies on the boundary of the larger family"]
    if not random:
        return {df: 1.0}, f"chi2({df})", plain, []
    information = information_at(null, full, special)
    if special.singular:
        pvalue = boundary_pvalue(statistic, full, special.D, _null_tangent(null, special), regular,
                                 information=information)
        if pvalue is not None:
            return drawn_at_boundary(statistic, df, pvalue)
        weights = None
    else:
        weights = boundary_weights(full, special.D, len(null.model.basis), regular, information=information)
    return by_mixture(statistic, df, weights)


def _null_tangent(null, special: Special) -> Tangent:
    """The tangent cone of the null's own structure, its directions in the larger model's columns."""
    own = tangent(null.model.structures, own_covariance(null))
    carry, q = np.hstack(special.maps), len(special.D)
    return Tangent(np.array([carry @ E @ carry.T for E in own.directions]).reshape(-1, q, q), own.cone)


def null_of_generalized(null, full) -> str:
    """The null hypothesis that makes the larger model the smaller one, in the names of the parameters."""
    from .generalized_nesting import _families
    from .null_hypothesis import _random
    words, _, _ = _families(null, full)
    extra = "no extra zeros" in words or getattr(null.family, "constant", True) != getattr(full.family, "constant", True)
    gone = [name for name in full._names if name not in null._names and not (extra and name.startswith("zero: "))]
    nominal = [name for name in getattr(full, "nominal", ()) if name not in getattr(null, "nominal", ())]
    if set(null._names) - set(full._names) - set(nominal):  # predictors are coded anew
        gone = ["fewer fixed effects"]
    parts = [name if " " in name and name == "fewer fixed effects" else f"{name} = 0" for name in gone]
    parts += [f"{name} moves all thresholds alike" if name in null._names else f"{name} = 0 at every threshold"
              for name in nominal]
    if extra and "no extra zeros" not in words:
        parts.append("one probability of zeros for all rows")
    count = len(full.model.basis) - len(null.model.basis)
    if count and not extra:
        parts += _random(null, full, count)
    return ", ".join([*parts, *words]) or "the simpler model"


def lr_vs_plain(fit, mixture: bool = False) -> TestResult:
    """Test of the whole random part against the same model without it: Stata's "LR test vs. logistic model".

    Parameters
    ----------
    fit : GlmmResult
    mixture : bool
        With more than one parameter: the mixture of chi-squares instead of Stata's conservative chi-square.

    Returns
    -------
    TestResult

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size")
    >>> print(fit.lr_vs_linear())
    LR test vs. logistic model of var(Intercept) = 0: chibar2(01) = 14.01, p < 0.001
    """
    from .likelihood_ratio import _NOTHING, _SIDED, _describe, _drawn, mixture_pvalue
    refuse_kinds((fit,))
    if not fit.design.random:
        raise ValueError(f"The model {fit.formula} has no random effects to test.")
    null = without_random(fit)
    k = len(fit.model.basis)
    statistic = 2.0 * (fit.llf - null.llf)
    statistic = statistic if statistic > _NOTHING else 0.0
    what = _NAMES.get((fit.family.name, fit.link.name))
    name = f"LR test vs. {what} model" if what else "LR test vs. the same model without random effects"
    words = "no random effects" if k > 1 else f"var({fit.design.random[0].names[0]}) = 0"
    if k > 1 and not mixture:
        return TestResult(statistic, k, mixture_pvalue(statistic, {k: 1.0}), f"chi2({k})", words, name,
                          "conservative: variances cannot be negative, so the p-value is at most this")
    q = fit.model.blocks[-1].stop
    information = information_at(null, fit, Special(np.zeros((q, q)), [], False, k))
    weights = boundary_weights(fit, information=information)
    if weights is None:
        raise ValueError(f"The data hold no information on some of the {k} parameters of the random part, so the "
                         "mixture of chi-squares cannot be found; simplify the random part, or leave mixture=False.")
    note = "" if k == 1 else _SIDED + _drawn(weights)
    return TestResult(statistic, tuple(weights), mixture_pvalue(statistic, weights), _describe(weights),
                      words, name, note)


def without_random(fit):
    """The same model without its random effects, fitted."""
    from ..glmm.fixed_only import FixedOnly
    from ..glmm.model import GlmmModel
    model = fit.model
    kind = FixedOnly if type(model) is GlmmModel else type(model)
    other = kind.__new__(kind)
    other.__dict__.update({name: value for name, value in model.__dict__.items() if name != "criterion"})
    design = replace(model.design, random=())
    other.__dict__.update(design=design, structures=[], blocks=[], z_maps=[], nodes=None)
    other.basis = other._basis(0)
    other.rows = other._rows([])
    other.criterion = other._criterion()
    return type(fit)(other, *other.fit())
