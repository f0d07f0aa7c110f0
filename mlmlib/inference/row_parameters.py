"""The parameters of a model with a structure of its residuals under one set of names, those of the structure last.

``"ar1: phi"``, ``"by_group(sex): sd ratio(m / f)"``: the rows of ``fit.conf_int(which="all")``, of a profile, of a
bootstrap.  Chapter 14 (``14_growth_shapes``) uses them.
"""

from __future__ import annotations

import numpy as np

from .generalized_parameters import parameters_of

__all__ = ["all_names", "all_values", "structure_names"]


def structure_names(fit) -> list[str]:
    """Names of the parameters of the residuals' structure; none for a fit that has none."""
    return [parameter.name for parameter in fit.model.rows.parameters] if hasattr(fit, "residual_table") else []


def all_names(fit) -> list[str]:
    """Coefficients, standard deviations and correlations of each term, sigma, the residuals' parameters."""
    return [*parameters_of(fit).names, *structure_names(fit)]


def all_values(fit) -> np.ndarray:
    """Their estimates, in that order."""
    own = parameters_of(fit).values()
    return np.concatenate([own, fit.model.rows.natural(fit.model.psi)]) if structure_names(fit) else own
