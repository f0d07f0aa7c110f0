"""The distribution of a likelihood ratio when the null hypothesis lies on the boundary: variances set to zero.

Near the null's estimate D the covariance matrices of the larger model look like a cone: where D has no variance, only
what keeps a matrix positive semidefinite may be added; all else may move either way.  The likelihood ratio is the
squared length of a normal vector projected on that cone, in the metric of the information, less the same for the null:
a mixture of chi-squares.  `mlmlib.inference.cones` finds its weights.

One variance: half chi2(0), half chi2(1).  One more effect in an unstructured term of q: its q covariances are free, its
variance is not, half chi2(q), half chi2(q + 1).

Chapter 8 (``08_inference``) derives the mixture.

References
----------
Self, S. G., & Liang, K.-Y. (1987). Asymptotic properties of maximum likelihood estimators and likelihood ratio tests
under nonstandard conditions. Journal of the American Statistical Association, 82, 605-610.
Stram, D. O., & Lee, J. W. (1994). Variance components testing in the longitudinal mixed effects model. Biometrics, 50,
1171-1177.
Silvapulle, M. J., & Sen, P. K. (2005). Constrained Statistical Inference. Wiley, chapter 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .cones import Cone, intrinsic_volumes, project

__all__ = ["Tangent", "boundary_pvalue", "boundary_weights", "expected_information", "tangent"]

_ZERO = 1e-8  # a relative variance, in columns of mean square one, that counts as zero


@dataclass(frozen=True)
class Tangent:
    """The directions in which covariance matrices can move from one of them.

    Attributes
    ----------
    directions : ndarray, shape (m, q, q)
        Symmetric matrices in the model's own columns, in the order of the cone's coordinates.
    cone : Cone
    """

    directions: np.ndarray
    cone: Cone


def tangent(structures, D: np.ndarray, metric: np.ndarray | None = None) -> Tangent:
    """The tangent cone of the covariance matrices of the given structures at D.

    Parameters
    ----------
    structures : sequence of Structure
    D : ndarray, shape (q, q)
        Relative covariance, block-diagonal, in columns of mean square one.
    metric : ndarray, shape (q, q), optional
        About the information that the data hold on the effects; chooses among equal frames one of moderate numbers.

    Returns
    -------
    Tangent

    Examples
    --------
    >>> from mlmlib.covariance import independent, unstructured
    >>> tangent([unstructured(3)], np.diag([1.0, 0.0, 0.0])).cone
    Cone(free=3, positive=0, matrices=(2,))
    >>> tangent([independent(3)], np.diag([1.0, 0.0, 0.0])).cone
    Cone(free=1, positive=2, matrices=())
    """
    q, at = len(D), 0
    free, positive, matrices, sizes = [], [], [], []
    for shape in structures:
        block = slice(at, at + len(shape.sd))
        at = block.stop
        own = D[block, block]
        if shape.rescaling != "any" or len(own) == 1:
            symmetric = (shape.basis + shape.basis.transpose(0, 2, 1)) / 2.0
            for E in symmetric:
                zero = abs(float((E * own).sum() / (E * E).sum())) <= _ZERO
                (positive if zero else free).append(_placed(E, block, q))
            continue
        values, frame = np.linalg.eigh(own)
        r = int((values <= _ZERO).sum())
        if metric is not None and r:
            null = frame[:, :r]
            root = np.linalg.cholesky(null.T @ metric[block, block] @ null / np.trace(metric[block, block]) * len(own))
            frame[:, :r] = null @ np.linalg.inv(root).T
        for a in range(len(own)):
            for b in range(a, len(own)):
                E = np.outer(frame[:, a], frame[:, b])
                E = (E + E.T) / (2.0 if a == b else np.sqrt(2.0))
                kind = free if b >= r else positive if r == 1 else matrices
                kind.append(_placed(E, block, q))
        if r > 1:
            sizes.append(r)
    return Tangent(np.array([*free, *positive, *matrices]), Cone(len(free), len(positive), tuple(sizes)))


def _placed(E, block, q):
    whole = np.zeros((q, q))
    whole[block, block] = E
    return whole


def expected_information(model, D: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Expected (restricted) information about the directions at D, the residual variance and fixed effects estimated.

    With P the matrix that projects X out of V^-1, ``tr(P Z E Z' P Z F Z') / 2`` for directions E and F, less what the
    residual variance shares with them (Searle et al., 1992, section 6.6).

    Parameters
    ----------
    model : LmmModel
    D : ndarray, shape (q, q)
        Relative covariance in the model's own columns.
    directions : ndarray, shape (m, q, q)

    Returns
    -------
    ndarray, shape (m, m)
    """
    criterion = model.criterion
    values, vectors = np.linalg.eigh(D)
    at = criterion.evaluate(vectors * np.sqrt(np.maximum(values, 0.0)), criterion.basis)
    if not model.one_factor:
        return _several_information(criterion, at, directions)
    K, G = at.parts.K, at.Y[:, :-1]
    q, _, groups = K.shape
    E = directions.reshape(len(directions), q * q)
    flat = K.reshape(q * q, groups)
    inner = flat @ flat.T  # K_bc K_da
    total = K.sum(axis=2)
    if criterion.reml and G.shape[1]:
        own = np.einsum("dkj,akj->daj", G, G)
        cross = flat @ own.reshape(q * q, groups).T
        inner = inner - cross - cross.T
        total = total - own.sum(axis=2)
    information = E @ inner.reshape(q, q, q, q).transpose(3, 0, 1, 2).reshape(q * q, q * q) @ E.T
    if criterion.reml and G.shape[1]:
        wide = G.reshape(-1, groups)
        gram = (wide @ wide.T).reshape(q, G.shape[1], q, G.shape[1]).transpose(0, 2, 1, 3)  # a b, k l
        R = E @ gram.reshape(q * q, -1)
        information = information + R @ R.T
    mean = E @ total.ravel()
    information = (information + information.T) / 2.0 - np.outer(mean, mean) / criterion.degrees
    return information / 2.0


def _several_information(criterion, at, directions: np.ndarray) -> np.ndarray:
    """The same where factors share rows, and K is one matrix for all their groups."""
    information = criterion.traces(at, directions)
    mean = np.einsum("iab,ab->i", directions, criterion.elimination.K_sums(at.parts, at.L))
    if criterion.reml and criterion.p:
        own = criterion.fixed_sums(at, directions)
        flat = own.reshape(len(own), -1)
        crossed = criterion.curved(at, directions, slice(0, criterion.p))
        information = information - 2.0 * np.einsum("ijaa->ij", crossed) + flat @ flat.T
        mean = mean - np.einsum("iaa->i", own)
    information = (information + information.T) / 2.0 - np.outer(mean, mean) / criterion.degrees
    return information / 2.0


def _average(model, D):
    criterion = model.criterion
    values, vectors = np.linalg.eigh(D)
    at = criterion.evaluate(vectors * np.sqrt(np.maximum(values, 0.0)), criterion.basis)
    if not model.one_factor:
        return criterion.elimination.K_sums(at.parts, at.L)
    return at.parts.K.sum(axis=2)


def boundary_weights(full, D: np.ndarray | None = None, fewer: int = 0, fixed: int = 0, draws: int = 20_000,
                     seed: int = 20, information=None) -> dict[int, float] | None:
    """Weights of chi2(0), chi2(1), ... for the null that covariance parameters of a fit are those of a smaller model.

    Parameters
    ----------
    full : LmmResult
        The larger model.
    D : ndarray, shape (q, q), optional
        The null's relative covariance matrix in the larger model's own columns; zero (no random effects) when left out.
    fewer : int
        Number of the null's covariance parameters.
    fixed : int
        Number of fixed effects that the null sets to zero as well.
    draws : int
        Normal draws for weights that have no closed form (more than three parameters on the boundary).
    seed : int
    information : callable, optional
        Of directions (m, q, q) the information about them, shape (m, m), for a model whose information is not that of a
        linear mixed model.

    Returns
    -------
    dict or None
        ``{degrees of freedom: weight}``; None where the data do not hold information on every parameter.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> boundary_weights(mlm.lmm("Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy")))
    {0: 0.5, 1: 0.5}
    """
    q = sum(len(shape.sd) for shape in full.model.structures)
    D = np.zeros((q, q)) if D is None else D
    if len(full.model.criterion.basis) == 1:
        shape = tangent(full.model.structures, D)
        information = np.eye(1)
    elif information is not None:
        shape = tangent(full.model.structures, D)
        information = information(shape.directions)
    else:
        shape = tangent(full.model.structures, D, _average(full.model, D))
        information = expected_information(full.model, D, shape.directions)
    free, shift = shape.cone.free, shape.cone.free - fewer + fixed
    if shape.cone.dim == free:
        return {shift: 1.0}
    if not _definite(information):
        return None
    own = information[free:, free:] - information[free:, :free] @ np.linalg.solve(information[:free, :free],
                                                                                 information[:free, free:])
    volumes = intrinsic_volumes(Cone(0, shape.cone.positive, shape.cone.matrices), own, draws, seed)
    return {shift + k: float(weight) for k, weight in enumerate(volumes)}


def _definite(information) -> bool:
    scale = np.sqrt(np.maximum(np.diagonal(information), 0.0))
    if not (scale > 0).all():
        return False
    return bool(np.linalg.eigvalsh(information / np.outer(scale, scale))[0] > 1e-10)


def boundary_pvalue(statistic: float, full, D: np.ndarray, null: Tangent, fixed: int = 0, draws: int = 20_000,
                    seed: int = 20, information=None) -> float | None:
    """P-value where the null's own estimate is singular, so that the null is a cone too.

    The statistic is then the difference of two squared projections, and no mixture.  Its ratio to the squared length
    of the normal vector does not depend on that length, which is chi-squared: given the direction the tail is exact.

    Parameters
    ----------
    statistic : float
    full : LmmResult
    D : ndarray, shape (q, q)
        As in `boundary_weights`.
    null : Tangent
        The null's own tangent cone, its directions in the larger model's columns.
    fixed : int
    draws, seed : int
    information : callable, optional
        As in `boundary_weights`.

    Returns
    -------
    float or None
    """
    from scipy.special import chdtrc
    large = tangent(full.model.structures, D, _average(full.model, D) if information is None else None)
    m = len(large.directions)
    # the null's directions by their coordinates in the larger model's
    coordinates = np.linalg.lstsq(large.directions.reshape(m, -1).T,
                                  null.directions.reshape(len(null.directions), -1).T, rcond=None)[0]
    information = (expected_information(full.model, D, large.directions) if information is None else
                   information(large.directions))
    if not _definite(information):
        return None
    small = coordinates.T @ information @ coordinates
    root = np.linalg.cholesky(information)
    rng = np.random.default_rng(seed)
    normal = rng.standard_normal((m + fixed, draws))
    z = np.linalg.solve(root.T, normal[:m]).T
    extra = (normal[m:] ** 2).sum(axis=0)
    restricted = np.linalg.solve(small, coordinates.T @ information @ z.T).T
    length = _squared(large.cone, information, z) - _squared(null.cone, small, restricted) + extra
    share = np.maximum(length, 0.0) / (normal ** 2).sum(axis=0)
    above = share > 1e-9
    tail = np.zeros(draws)
    tail[above] = chdtrc(m + fixed, statistic / share[above])
    return float(tail.mean()) if statistic > 0 else 1.0


def _squared(cone, information, points) -> np.ndarray:
    scale = np.sqrt(np.diagonal(information)).copy()
    for place in cone.places:
        scale[place] = np.sqrt(np.mean(scale[place] ** 2))
    found = project(cone, information / np.outer(scale, scale), points * scale)
    return np.einsum("ij,ij->i", found @ (information / np.outer(scale, scale)), found)
