"""statsmodels' families and links by the names that `mlm.glmm` has for them, and quasi-likelihoods."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy
from statsmodels.genmod import families as sm

from ..glmm.links import Link
from ..glmm.links import link as find_link

__all__ = ["ALSO", "FAMILIES", "quasi_likelihood", "statsmodels_family"]

# name: (statsmodels family, default link)
FAMILIES = {"gaussian": (sm.Gaussian, "identity"), "binomial": (sm.Binomial, "logit"), "poisson": (sm.Poisson, "log"),
            "gamma": (sm.Gamma, "log"), "inverse-gaussian": (sm.InverseGaussian, "log"), "nbinom2": (sm.NegativeBinomial, "log")}
ALSO = {"normal": "gaussian", "bernoulli": "binomial", "nbinom": "nbinom2", "negative-binomial": "nbinom2",
        "multinomial": "nominal"}

_LINKS = {"logit": sm.links.Logit, "probit": sm.links.Probit, "cloglog": sm.links.CLogLog, "loglog": sm.links.LogLog,
          "cauchit": sm.links.Cauchy, "log": sm.links.Log, "identity": sm.links.Identity, "inverse": sm.links.InversePower,
          "inverse-squared": sm.links.InverseSquared, "sqrt": sm.links.Sqrt}


def statsmodels_family(name: str, link=None, alpha: float | None = None):
    """statsmodels' family with its link, and the `Link` of this library."""
    make, default = FAMILIES[name]
    own: Link = find_link(default if link is None else link)
    made = _LINKS[own.name]() if own.name in _LINKS else sm.links.Power(power=own.k)
    return make(link=made, **({} if alpha is None else {"alpha": alpha})), own


def quasi_likelihood(name: str, y, mean, weights=1.0, alpha: float | None = None) -> float:
    """Sum of the integrals of (y - t) / V(t) up to the mean, less what does not depend on the mean; scale 1."""
    if name == "gaussian":
        rows = -((y - mean) ** 2) / 2.0
    elif name == "binomial":
        rows = xlogy(y, mean) + xlogy(1.0 - y, 1.0 - mean)
    elif name == "poisson":
        rows = xlogy(y, mean) - mean
    elif name == "gamma":
        rows = -y / mean - np.log(mean)
    elif name == "inverse-gaussian":
        rows = -y / (2.0 * mean**2) + 1.0 / mean
    else:
        rows = xlogy(y, mean / (1.0 + alpha * mean)) - np.log1p(alpha * mean) / alpha
    return float(np.sum(weights * rows))
