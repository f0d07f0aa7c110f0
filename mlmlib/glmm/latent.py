"""The variance of a row on the scale of the linear predictor, which an ICC or R2 of a GLMM divides by.

A binary or ordered outcome can be read as a latent variable cut by thresholds; its residual has the variance of the
link's distribution: pi^2 / 3 (logistic), 1 (normal), pi^2 / 6 (extreme value).  A count or a positive outcome has no such
variable.  Nakagawa, Johnson and Schielzeth (2017) carry the outcome's own variance V(mu) over to the link scale instead,
in one of three ways that share the squared coefficient of variation c = V(mu) / mu^2:

- ``"lognormal"``: log(1 + c), exact if the outcome given the groups were log-normal;
- ``"delta"``: c, in general V(mu) (d eta / d mu)^2, the first term of a Taylor series;
- ``"trigamma"``: psi'(1 / c), exact if it were gamma.

Chapters 16 and 17 (``16_binary``, ``17_counts``).

References
----------
Nakagawa, S., Johnson, P. C. D., & Schielzeth, H. (2017). The coefficient of determination R2 and intra-class
correlation coefficient from generalized linear mixed-effects models revisited and expanded. Journal of the Royal
Society Interface, 14, 20170213.
"""

from __future__ import annotations

import numpy as np
from scipy.special import polygamma

from ..errors import DataError

__all__ = ["APPROXIMATIONS", "distribution_variance", "observation_variance"]

APPROXIMATIONS = ("lognormal", "delta", "trigamma")
_DISTRIBUTIONS = {"logit": np.pi**2 / 3.0, "probit": 1.0, "cloglog": np.pi**2 / 6.0, "loglog": np.pi**2 / 6.0}


def distribution_variance(link) -> float:
    """The variance of the latent distribution that a link of probabilities stands for.

    Raises
    ------
    DataError
        For cauchit, whose distribution has no variance, and for links that are no distribution.

    Examples
    --------
    >>> from mlmlib.glmm.links import link
    >>> [round(distribution_variance(link(name)), 4) for name in ("logit", "probit", "cloglog")]
    [3.2899, 1.0, 1.6449]
    """
    if link.name == "cauchit":
        raise DataError("The latent variable of the link cauchit has no variance, so there is no ICC or R2 on its "
                        "scale; ask for scale='observation'.")
    if link.name not in _DISTRIBUTIONS:
        raise DataError(f"The link {link.name} stands for no latent variable; ask for scale='observation' or "
                        "approximation='delta'.")
    return float(_DISTRIBUTIONS[link.name])


def observation_variance(link, mu, variance, approximation: str = "lognormal"):
    """The outcome's own variance carried over to the scale of the linear predictor (Nakagawa et al., 2017, table 1).

    Parameters
    ----------
    link : Link
    mu : float or array
        Mean of the outcome.
    variance : float or array
        Variance of the outcome given its mean, V(mu).
    approximation : {"lognormal", "delta", "trigamma"}
        Links other than the logarithm have ``"delta"`` only, which is then taken.

    Examples
    --------
    >>> from mlmlib.glmm.links import link
    >>> [round(float(observation_variance(link("log"), 5.0, 5.0, how)), 4) for how in ("lognormal", "delta", "trigamma")]
    [0.1823, 0.2, 0.2213]
    >>> round(float(observation_variance(link("sqrt"), 5.0, 5.0)), 4)
    0.25
    """
    if approximation not in APPROXIMATIONS:
        raise ValueError(f"approximation={approximation!r} must be one of {', '.join(map(repr, APPROXIMATIONS))}.")
    mu, variance = np.asarray(mu, dtype=float), np.asarray(variance, dtype=float)
    if link.name != "log":
        slope = link.mean_terms(np.asarray(link.eta(mu), dtype=float), 1)
        return variance / (slope[1] ** 2 if len(slope) > 1 else 1.0)
    square = variance / mu**2
    if approximation == "delta":
        return square
    return np.log1p(square) if approximation == "lognormal" else polygamma(1, 1.0 / square)
