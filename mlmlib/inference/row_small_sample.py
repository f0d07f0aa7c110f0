"""Satterthwaite's and Kenward-Roger's degrees of freedom of models with a structure of their residuals.

Both ask how well the variance of an estimate is known, so that the structure's parameters psi count beside the
variances.

Satterthwaite: with A the covariance of all estimated variance parameters, v the variance of an estimate c'b and g its
gradient, ``nu = 2 v^2 / (g' A g)``.  By blocks, first the variances given psi, then psi with the variances at their best,

    g' A g = g_1' A_1 g_1 + d' cov(psi) d,     d = dv / d psi along the minimum,

as in `mlmlib.lmm.row_variances`: SAS's ``ddfm=satterthwaite``.

Kenward-Roger: P_i and Q_ij of `mlmlib.inference.kenward_roger` with the derivative of the rows' covariance in psi, one
connected set of rows at a time.  The second derivatives of the covariance are left out: they are zero where it is linear
in its parameters (compound symmetry, by group, unstructured with a variance for each occasion), for which the method is
made; for the others it is SAS's ``ddfm=kr(firstorder)``.

Chapter 14 (``14_growth_shapes``) uses them.

References
----------
Fai, A. H.-T., & Cornelius, P. L. (1996). Journal of Statistical Computation and Simulation, 54, 363-378.
Kenward, M. G., & Roger, J. H. (1997). Small sample inference for fixed effects from restricted maximum likelihood.
Biometrics, 53, 983-997.
Kenward, M. G., & Roger, J. H. (2009). An improved approximation to the precision of fixed effects from restricted
maximum likelihood. Computational Statistics & Data Analysis, 53, 2583-2595.
"""

from __future__ import annotations

import numpy as np

from ..errors import FormulaError
from ..rows.base import STEP
from .kenward_roger import Sums, directions, put_together
from .satterthwaite import Satterthwaite, _curvature_and_slopes, _whiten

__all__ = ["RowSatterthwaite", "connected", "row_sums"]

_LARGEST = 3000  # rows that hang together, whose covariance matrix is written down


class RowSatterthwaite(Satterthwaite):
    """Degrees of freedom by Satterthwaite's method, psi estimated; as `Satterthwaite`.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> ortho = mlm.load("orthodont")
    >>> fit = mlm.gls("distance ~ Sex", ortho[ortho["age"] == 8], variance=mlm.by_group("Sex"))
    >>> fit.coef_table(ddf="satterthwaite")["df"].round(2).tolist()  # Welch's t test has 23.54 for Sex
    [15.0, 23.54]
    """

    def __init__(self, fit):
        self.params, self.cov = fit._params, fit._cov
        if fit.design.random:
            hessian, slopes = _curvature_and_slopes(fit)
        else:
            hessian, slopes = np.array([[float(fit.model.criterion.degrees)]]), fit._cov[None]
        given, lost = _whiten(hessian, slopes)
        along, flat = _whiten(fit.model.hessian, _along(fit))
        self.slopes = np.concatenate([given, along])
        self.note = ("the criterion is flat in some direction, which Satterthwaite's degrees of freedom leave out"
                     if lost or flat else "")


def _along(fit) -> np.ndarray:
    """Derivatives of the coefficients' covariance in psi, the variances at their best for each psi, (m, p, p)."""
    back = np.linalg.inv(fit.model.x_map).T

    def covariance(psi):
        at = fit.model.best_at(psi, fit._at)
        half = back @ at.half
        return at.s2 * half @ half.T

    return np.array([_slope(covariance, fit.model.psi, unit) for unit in np.eye(len(fit.model.psi))])


def _slope(function, psi: np.ndarray, unit: np.ndarray):
    """A derivative by five-point differences."""
    near, far = (function(psi + times * STEP * unit) - function(psi - times * STEP * unit) for times in (1, 2))
    return (8.0 * near - far) / (12.0 * STEP)


def row_sums(fit) -> Sums:
    """What Kenward-Roger's method needs, of the covariance matrices of connected sets of rows.

    Raises
    ------
    FormulaError
        When more than 3000 rows hang together.
    """
    model, at = fit.model, fit._at
    labels = connected(fit)
    sizes = np.bincount(labels)
    if sizes.max() > _LARGEST:
        raise FormulaError("ddf='kenward-roger' of a model with a structure of its residuals writes down the "
                           f"covariance matrix of rows that hang together; here {sizes.max()} do, and it takes "
                           f"{_LARGEST} at most. Use ddf='satterthwaite'.")
    order = np.argsort(labels, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    E, psi = directions(fit) if fit.design.random else np.zeros((0, 0, 0)), model.psi
    m, p, n = len(E) + len(psi), len(fit._params), len(order)
    first, second = np.zeros((m, p, p)), np.zeros((m, m, p, p))
    trace, single = np.zeros((m, m)), np.zeros(m)
    D, X = at.L @ at.L.T, at.half.T @ model.Q
    blocks = [(size, order[starts[sizes == size][:, None] + np.arange(size)]) for size in np.unique(sizes)]
    for size, rows in blocks:  # (sets, size): as many sets at a time as have few elements
        for part in np.array_split(rows, max(1, len(rows) * size * size * (m + 2) // 5_000_000)):
            R = _blocks_of(model, psi, part, n)
            moves = [_effects(fit, one, part) for one in E]
            moves += [_slope(lambda x, part=part: _blocks_of(model, x, part, n), psi, unit)
                      for unit in np.eye(len(psi))]
            inverse = np.linalg.inv(R + (_effects(fit, D, part) if fit.design.random else 0.0))
            own = X[:, part].transpose(1, 2, 0)  # (sets, size, p)
            VX = inverse @ own
            dVX = [move @ VX for move in moves]
            solved = [inverse @ move for move in moves]
            for i in range(m):
                first[i] += np.einsum("gra,grb->ab", VX, dVX[i])
                single[i] += np.einsum("grr->", solved[i])
                right = inverse @ dVX[i]
                for j in range(m):
                    second[j, i] += np.einsum("gra,grb->ab", dVX[j], right)
                    trace[i, j] += np.einsum("grs,gsr->", solved[i], solved[j])
    return put_together(first, second, trace, single, n - p)


def connected(fit) -> np.ndarray:
    """The set of rows that each row hangs together with, by random effects or correlation."""
    import scipy.sparse as sp
    from scipy.sparse.csgraph import connected_components
    n = fit.nobs
    codes = [columns for term in fit.design.random
             for columns in ([term.codes] if term.members is None else term.members.codes.T)]
    if fit.model.rows.correlation is not None:
        codes.append(fit.model.rows.correlation.layout.codes)
    if not codes:
        return np.arange(n)
    ends = np.cumsum([n, *(int(own.max()) + 1 for own in codes)])
    places = [own + begin for own, begin in zip(codes, ends)]
    rows = np.tile(np.arange(n), len(codes))
    graph = sp.csr_matrix((np.ones(len(rows)), (rows, np.concatenate(places))), (ends[-1], ends[-1]))
    return np.unique(connected_components(graph, directed=False)[1][:n], return_inverse=True)[1]


def _blocks_of(model, psi, rows: np.ndarray, n: int) -> np.ndarray:
    """Relative covariances of the residuals of sets of rows, weighted ones, shape (sets, size, size)."""
    size = rows.shape[1]
    units = np.zeros((size, n))
    for k in range(size):
        units[k, rows[:, k]] = 1.0
    white = model.rows.whiten(units, psi)[0][:, rows].transpose(1, 2, 0)  # L^-1
    return np.linalg.inv(white.transpose(0, 2, 1) @ white)


def _effects(fit, E: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Z E Z' of sets of rows, in the model's own columns, shape (sets, size, size)."""
    total = np.zeros((*rows.shape, rows.shape[1]))
    for a, Za, block in zip(fit.design.random, fit.model._plain[0], fit.model.criterion.blocks):
        for b, Zb, other in zip(fit.design.random, fit.model._plain[0], fit.model.criterion.blocks):
            if a.group != b.group or not E[block, other].any():
                continue
            product = np.einsum("agr,ab,bgs->grs", Za[:, rows], E[block, other], Zb[:, rows], optimize=True)
            total += product * _shared(a, rows)
    return total


def _shared(term, rows) -> np.ndarray:
    """How far two rows share their groups of a term: 1 or 0, with several memberships the sum of weight products."""
    if term.members is None:
        own = term.codes[rows]
        return (own[:, :, None] == own[:, None]).astype(float)
    codes, weights = term.members.codes[rows], term.members.weights[rows]
    same = codes[:, :, None, :, None] == codes[:, None, :, None, :]
    return np.einsum("grsab,gra,gsb->grs", same, weights, weights)
