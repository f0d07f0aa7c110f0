"""The mixture of chi-squares of a test that no random effect varies.

Under the null the statistic is the squared length of a normal vector projected on the cone of possible covariance
matrices, which is a mixture of chi2(0) .. chi2(m) for m parameters.  The outer weights are the chances that the
unrestricted estimate lies in the cone and in its polar; the even and the odd weights sum to one half each.  For up to
three parameters (a random intercept with a random slope) that settles them all.

Chapter 8 (``08_inference``) derives the mixture.

References
----------
Shapiro, A. (1988). Towards a unified theory of inequality constrained testing in multivariate analysis. International
Statistical Review, 56, 49-62.
Self, S. G., & Liang, K.-Y. (1987). Journal of the American Statistical Association, 82, 605-610.
"""

from __future__ import annotations

import numpy as np

__all__ = ["boundary_weights"]


def boundary_weights(fit, draws: int = 400_000, seed: int = 20) -> dict[int, float] | None:
    """Weights of chi2(0), chi2(1), ... for the null that all variances and covariances are zero.

    Parameters
    ----------
    fit : LmmResult
    draws : int
        Normal draws for the weights that have no closed form; their error is about 0.001.
    seed : int

    Returns
    -------
    dict or None
        ``{degrees of freedom: weight}``; None for more than three parameters.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> boundary_weights(mlm.lmm("Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy")))
    {0: 0.5, 1: 0.5}
    """
    criterion = fit.model.criterion
    m = len(criterion.basis)
    if m == 1:
        return {0: 0.5, 1: 0.5}
    if m > 3:
        return None
    information = _information(criterion)
    rng = np.random.default_rng(seed)
    score = rng.standard_normal((draws, m)) @ np.linalg.cholesky(information).T
    estimate = np.linalg.solve(information, score.T).T
    inside = float(_in_cone(criterion, estimate, 0.5).mean())
    polar = float(_in_cone(criterion, -score, 1.0).mean())
    if m == 2:
        return {0: 0.5 - inside, 1: 0.5, 2: inside}
    return {0: polar, 1: 0.5 - inside, 2: 0.5 - polar, 3: inside}


def _information(criterion) -> np.ndarray:
    """Expected information about D at D = 0, the residual variance estimated."""
    q = criterion.elimination.q
    A = criterion.elimination.AB[:, :q].reshape(q * q, -1)
    E = ((criterion.basis + criterion.basis.transpose(0, 2, 1)) / 2.0).reshape(len(criterion.basis), -1)
    tensor = (A @ A.T).reshape(q, q, q, q).transpose(0, 3, 1, 2).reshape(q * q, q * q)  # A_ab A_cd -> ad, bc
    mean = E @ A.sum(axis=1)
    return (E @ tensor @ E.T - np.outer(mean, mean) / criterion.degrees) / 2.0


def _in_cone(criterion, points: np.ndarray, off: float) -> np.ndarray:
    """Which points are covariance matrices; an off-diagonal coordinate stands for `off` times itself in the matrix."""
    inside = np.ones(len(points), dtype=bool)
    for shape, place in zip(criterion.structures, criterion.places):
        own = points[:, place]
        if shape.rescaling == "any" and shape.n_params == 3:
            inside &= (own[:, 0] >= 0) & (own[:, 2] >= 0) & (own[:, 0] * own[:, 2] >= (off * own[:, 1]) ** 2)
        else:
            inside &= (own >= 0).all(axis=1)
    return inside
