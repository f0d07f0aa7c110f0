"""Pan's criterion for working correlations and predictors, in place of AIC, which needs a likelihood.

Chapter 20 (``20_gee_and_robust``) compares fits by it.

References
----------
Pan, W. (2001). Akaike's information criterion in generalized estimating equations. Biometrics, 57, 120-125.
Hin, L.-Y., & Wang, Y.-G. (2009). Working-correlation-structure identification in generalized estimating equations.
Statistics in Medicine, 28, 642-658.
"""

from __future__ import annotations

import numpy as np

from .families import quasi_likelihood

__all__ = ["qic"]


def qic(fit, scale: float = 1.0):
    """QIC, QICu and CIC of a fit of `mlm.gee`.

    Parameters
    ----------
    fit : GeeResult
    scale : float
        phi of the quasi-likelihood; where phi is not 1 give the same to all fits that are compared.

    Returns
    -------
    Series
        ``QIC`` = -2 Q + 2 CIC; ``QICu`` = -2 Q + 2 p; ``quasi_likelihood`` Q; ``CIC`` = tr(O V), with V the robust covariance
        and O the inverse of the model-based one under independence; ``params`` p.  Smaller is better.

    Notes
    -----
    Pan (2001), with Q as geepack and Stata have it, without what depends on the data alone, and O from the fit by independence,
    with its own phi, as in geepack's ``QIC``.  Chapter 20 (``20_gee_and_robust``).  statsmodels' ``qic`` leaves the variance
    function out of O (release 0.15.0), so that its CIC is another outside Gaussian models.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.gee("resp ~ age * smoke", mlm.load("ohio"), groups="id", family="binomial")
    >>> fit.qic().round(2)[["QIC", "QICu"]].tolist()
    [1830.35, 1827.48]
    """
    from .. import frames as pd
    if not scale > 0:
        raise ValueError(f"scale={scale!r} must be above 0.")
    rows, mean = fit._rows, fit._solved.mean
    theta = fit._options["theta"]
    w = 1.0 if rows.weights is None else rows.weights
    Q = quasi_likelihood(fit.family.name, rows.y, mean, w, None if theta is None else 1.0 / theta) / scale
    alone = fit._again(corr="independence")
    cic = float(np.trace(np.linalg.solve(alone._covariance("model"), fit._covariance("robust"))))
    p = len(fit._params)
    return pd.Series({"QIC": -2.0 * Q + 2.0 * cic, "QICu": -2.0 * Q + 2.0 * p, "quasi_likelihood": Q, "CIC": cic,
                      "params": float(p)})
