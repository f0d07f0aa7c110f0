"""Random effects given the outcomes: their means and standard deviations by quadrature, beside the modes of every fit.

The mode of a group's effects is what `random_effects` has, and the curvature there gives `random_effects_se`.  Where groups
are small the distribution leans to one side, and its mean, which is the better prediction, lies beside the mode.

Chapter 16 (``16_binary``) draws one such distribution.

References
----------
Skrondal, A., & Rabe-Hesketh, S. (2009). Prediction in multilevel generalized linear models. Journal of the Royal
Statistical Society A, 172, 659-687, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import FormulaError
from ..lmm.factors import factor_names
from .nested_quadrature import NestedQuadrature
from .nested_rows import NestedRows
from .quadrature import Quadrature

__all__ = ["PosteriorEffects", "posterior_effects"]


@dataclass(frozen=True)
class PosteriorEffects:
    """Random effects given the outcomes and the estimates.

    Attributes
    ----------
    mean, sd : dict
        {factor: DataFrame, a row a group, a column an effect}.
    nodes : int
    """

    mean: dict
    sd: dict
    nodes: int


def posterior_effects(fit, nodes: int | None = None) -> PosteriorEffects:
    """Means and standard deviations of the random effects given the outcomes, at the estimates.

    Parameters
    ----------
    fit : GlmmResult
        By Laplace's approximation or quadrature, of one grouping factor with up to three effects or of two nested ones
        with one effect each.
    nodes : int, optional
        Quadrature points; those of the fit, or 15.

    Returns
    -------
    PosteriorEffects

    Raises
    ------
    FormulaError
        For other random parts, and for fits by quasi-likelihood.

    Notes
    -----
    Chapter 16 (``16_binary``) compares means and modes.  These are empirical Bayes predictions (Skrondal & Rabe-Hesketh,
    2009, eq. 9); the estimates are taken as known.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> from mlmlib.glmm.posterior import posterior_effects
    >>> fit = mlm.glmm("resp ~ age * smoke + (1 | id)", mlm.load("ohio"), method="agq", nodes=25)
    >>> found = posterior_effects(fit)
    >>> round(float(fit.random_effects["id"].iloc[0, 0]), 3), round(float(found.mean["id"].iloc[0, 0]), 3)
    (-0.535, -0.947)
    """
    from .. import frames as pd

    model, criterion = fit.model, fit.model.criterion
    if fit.method not in ("laplace", "agq"):
        raise FormulaError(f"Means of random effects given the outcomes need a likelihood, and method={fit.method!r} "
                           "has none: fit with method=\"laplace\" or \"agq\".")
    parts = criterion.X, model.rows, criterion.density, criterion.offset, criterion.basis
    nodes = nodes or (model.nodes if model.nodes and model.nodes > 1 else 15)
    if isinstance(model.rows, NestedRows):
        found = NestedQuadrature(*parts, nodes).posterior(fit._at)
    elif model.one_factor:
        found = Quadrature(*parts, nodes).posterior(fit._at)
    else:
        raise FormulaError("Means of random effects given the outcomes are there for one grouping factor, or two "
                           "nested ones with one effect each; random_effects has the modes of this model.")
    mean, sd = {}, {}
    for group, (centers, covariances) in zip(factor_names(fit.design), found):
        own, back = fit.random_effects[group], fit._z_back(group)
        spread = np.einsum("ab,jbc,ac->ja", back, covariances, back)
        mean[group] = pd.DataFrame(centers @ back.T, own.index, own.columns)
        sd[group] = pd.DataFrame(np.sqrt(np.maximum(spread, 0.0)), own.index, own.columns)
    return PosteriorEffects(mean, sd, nodes)
