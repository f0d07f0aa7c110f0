"""The parameters of a fit as a profile knows them: their names, values, bounds, and how each is held.

Chapter 8 (``08_inference``) profiles them.
"""

from __future__ import annotations

import math

import numpy as np

from ..errors import DataError
from .charts import correlation_chart, icc_chart, sd_chart
from .constrained import HeldCorrelation, HeldFixedEffect, HeldVariance, Optimum
from .generalized_profile import (generalized_optimum, generalized_parameter, generalized_starts,
                                  generalized_values)
from .parameters import Parameters, icc_name, sources
from .row_parameters import all_names, structure_names
from .row_profile import row_optimum, row_parameter, row_starts, row_values
from .profile_track import Parameter, atanh_guess, linear_guess, log_guess, logit_guess

__all__ = ["at_estimate", "parameter", "parameter_names", "parameter_values", "plain_parameter", "starts_of"]


def parameter_names(fit) -> list[str]:
    """Fixed effects, standard deviations and correlations of each term, sigma, a residual structure's parameters."""
    return all_names(fit)


def _places(fit):
    """For each parameter of the random part but sigma: its term, and its effect or pair of effects."""
    for k, a, b in sources(fit.model):
        yield k, (a,) if a == b else (a, b)


def at_estimate(fit) -> Optimum:
    """The estimates in the form of a constrained fit."""
    if hasattr(fit, "density"):
        return generalized_optimum(fit)
    if structure_names(fit):
        return row_optimum(fit)
    at = fit._at
    return Optimum(math.nan, at.value, 0.0, at.L, at.s2, at.b, fit.converged)


def starts_of(fit) -> list[tuple[np.ndarray, float]]:
    """Where searches may begin that should not hang on one place: the estimates, and no correlations at all."""
    if hasattr(fit, "density"):
        return generalized_starts(fit)
    if structure_names(fit):
        return row_starts(fit)
    plain = fit.model.criterion(fit.model.plain_start(1.0))
    return [(fit._at.L, fit._at.s2), (plain.L, plain.s2)]


def parameter_values(fit, optimum: Optimum) -> np.ndarray:
    """All parameters at a constrained fit, in the order of their names."""
    if hasattr(fit, "density"):
        return generalized_values(fit, optimum)
    if isinstance(optimum.L, tuple):
        return row_values(fit, optimum)
    model, sigma, values = fit.model, math.sqrt(optimum.s2), []
    fixed = np.linalg.inv(model.x_map).T @ (model.start_b + optimum.b)
    for k, effects in _places(fit):
        block, term = model.criterion.blocks[k], model.design.random[k]
        factor = sigma * model.z_maps[k] @ optimum.L[block, block]
        rows = factor[list(effects)]
        size = np.linalg.norm(rows, axis=1)
        tiny = 1e-6 * sigma / np.sqrt(np.mean(term.Z[:, list(effects)] ** 2, axis=0))
        if len(effects) == 1:
            values.append(size[0] if size[0] > tiny[0] else 0.0)
        elif (size <= tiny).any():
            values.append(math.nan)
        else:
            r = float(rows[0] @ rows[1] / (size[0] * size[1]))
            values.append(math.copysign(1.0, r) if abs(r) > 1 - 1e-9 else r)
    return np.array([*fixed, *values, sigma])


def parameter(fit, name: str) -> Parameter:
    """One parameter of a fit, ready to be held at other values."""
    if hasattr(fit, "density"):
        return generalized_parameter(fit, name)
    return row_parameter(fit, name) if structure_names(fit) else plain_parameter(fit, name)


def plain_parameter(fit, name: str) -> Parameter:
    """The same, a residual structure held as it is."""
    if name == icc_name(fit._names):
        return _icc(fit)
    names = list(Parameters(fit).names)
    place, model = names.index(name), fit.model
    estimate = float(parameter_values(fit, at_estimate(fit))[place])
    p = len(fit._names)
    if place < p:
        return Parameter(name, estimate, -math.inf, math.inf, HeldFixedEffect(model, place),
                         linear_guess(estimate, float(fit._se[place])))
    se = math.sqrt(fit.variance_cov()[1][place - p, place - p])
    if place == len(names) - 1:  # sigma
        se = se if math.isfinite(se) else 1.0 / math.sqrt(2.0 * model.criterion.degrees)
        return Parameter(name, estimate, 1e-3 * estimate, math.inf, HeldVariance(model), log_guess(estimate, se, 0.0))
    k, effects = list(_places(fit))[place - p]
    shape, back, term = model.structures[k], model.z_maps[k], model.design.random[k]
    if len(effects) == 1:
        held = HeldVariance(model, k, sd_chart(shape, back, effects[0]))
        return Parameter(name, estimate, 0.0, math.inf, held, log_guess(estimate, se, _unit(fit, term, effects[0])))
    lower = -1.0 / (len(back) - 1.0) if shape.name == "exchangeable" else -1.0
    alone = effects[:1] if shape.sd[effects[0]] == shape.sd[effects[1]] else effects
    without = [HeldVariance(model, k, sd_chart(shape, back, effect)) for effect in alone]
    held = HeldCorrelation(model, k, correlation_chart(shape, back, *effects), without, starts_of(fit))
    if math.isfinite(estimate):
        estimate = max(estimate, lower) if estimate > lower + 1e-9 else lower
    return Parameter(name, estimate, lower, 1.0, held, atanh_guess(estimate, se, lower))


def _unit(fit, term, effect: int) -> float:
    """About the standard error of a standard deviation that is zero."""
    J, size = len(term.levels), math.sqrt(float(np.mean(term.Z[:, effect] ** 2)))
    return fit.sigma / size * math.sqrt(J / len(term.codes)) * (2.0 / J) ** 0.25


def _icc(fit) -> Parameter:
    """The share of the intercept's variance in the sum of it and the residual's."""
    if not fit.model.one_factor:
        raise ValueError("With several grouping factors the ICC is a share of more variances than one, which a profile "
                         "does not hold; conf_int(method='bootstrap', of=lambda fit: ...) has intervals of any share.")
    found = next(((k, term) for k, term in enumerate(fit.design.random) if "Intercept" in term.names), None)
    if found is None:
        raise DataError("The ICC needs a random intercept, such as (1 | g); the random part has none.")
    k, term = found
    effect = term.names.index("Intercept")
    shape, back = fit.model.structures[k], fit.model.z_maps[k]
    tau2 = float(fit._T[k][effect, effect])
    rho = tau2 / (tau2 + fit.sigma ** 2)
    cov = fit.variance_cov()[1]
    place = int(next(j for j, (own, effects) in enumerate(_places(fit))
                     if own == k and len(effects) == 1 and shape.sd[effects[0]] == shape.sd[effect]))
    return Parameter(icc_name(fit._names), rho if rho > 1e-12 else 0.0, 0.0, 1.0 - 1e-9,
                     HeldVariance(fit.model, k, icc_chart(shape, back, effect)),
                     logit_guess(rho if rho > 1e-12 else 0.0, 2.0 * math.sqrt(cov[place, place])))
