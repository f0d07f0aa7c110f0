"""New samples from a fitted mixed model, as the cross-products that a refit reads.

- parametric: new random effects and residuals from the fitted normal distributions.  Only Z_j'y_j, X'y and y'y count,
  and these are drawn directly: Z_j'e_j is normal with covariance A_j = Z_j'Z_j; given it X'e is normal about its
  regression on all Z_j'e_j; and what is left of e'e is chi-square.  The draw is exact and its cost does not depend on
  the number of rows.
- residual: random effects and residuals are drawn from the predicted ones, centered and stretched ("reflated") until
  their covariance is the estimated one (Carpenter, Goldstein, & Rasbash, 2003).
- cluster: groups are drawn with replacement, each with all its rows.

Everything happens in the model's own columns, weighted and with the fixed part taken off, so that weights and offsets
need no care of their own.

Chapter 8 (``08_inference``) compares the three.

References
----------
Carpenter, J. R., Goldstein, H., & Rasbash, J. (2003). A novel bootstrap procedure for assessing the relationship between
class size and achievement. Applied Statistics, 52, 431-443.
Davison, A. C., & Hinkley, D. V. (1997). Bootstrap Methods and their Application. Cambridge University Press, section 3.8.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..covariance import lower_factor
from ..lmm.batch import Replicates
from ..lmm.columns import orthonormalize
from ..lmm.elimination import OneFactor

__all__ = ["Cluster", "NormalRows", "Parametric", "Residual", "outcomes", "reflated"]


def _fixed_sums(model, count: int):
    """What replicates of the outcome alone leave as it is: X'X, no counts, degrees, constant."""
    criterion = model.criterion
    return (criterion.elimination.C[None, :-1, :-1], None, np.full(count, criterion.degrees),
            np.full(count, criterion.constant))


def outcomes(model, Y: np.ndarray) -> Replicates:
    """Replicates of given outcomes.

    Parameters
    ----------
    model : LmmModel
    Y : ndarray, shape (R, n)
        Outcomes of the rows used, in the data's units.

    Returns
    -------
    Replicates
        Coefficients of them are departures from ``model.start_b``.
    """
    design = model.design
    R = Y if design.offset is None else Y - design.offset
    if model.root_weights is not None:
        R = R * model.root_weights
    return _row_sums(model, R - model.start_b @ model.Q)


def _row_sums(model, R: np.ndarray) -> Replicates:
    """Replicates of outcomes less the fixed part, weighted, shape (R, n)."""
    elimination = model.criterion.elimination
    ordered = R if elimination.order is None else R[:, elimination.order]
    Zy = _by_group(elimination, ordered)
    return Replicates(Zy, R @ model.Q.T, np.einsum("rn,rn->r", R, R), *_fixed_sums(model, len(R)))


def _by_group(elimination, rows: np.ndarray) -> np.ndarray:
    """Z_j'e_j of rows that stand group by group, shape (R, q, J)."""
    return np.stack([np.add.reduceat(rows * z, elimination.starts, axis=1) for z in elimination.Z], axis=1)


class NormalRows:
    """Draws of Z_j'e_j, X'e and e'e for rows e of independent standard normals.

    Parameters
    ----------
    AB : ndarray, shape (q, q + p, J)
        Z_j'[Z_j X_j].
    XX : ndarray, shape (p, p)
    n : int
        Rows.
    """

    def __init__(self, AB: np.ndarray, XX: np.ndarray, n: int):
        q = len(AB)
        roots, kept = _half_root(AB)  # Z'e and X'e along the same normals, one set for each effect
        self.root = np.ascontiguousarray(roots[:, :q].transpose(1, 0, 2))
        self.along = np.ascontiguousarray(roots[:, q:].transpose(1, 0, 2).reshape(len(XX), q * AB.shape[2]))
        rest, free = _half_root((XX - self.along @ self.along.T)[:, :, None], np.diagonal(XX)[:, None])
        self.rest = rest[:, :, 0].T
        self.kept, self.free = kept.astype(float), free[:, 0].astype(float)
        self.degrees = max(n - int(kept.sum()) - int(free.sum()), 0)

    def draw(self, rng, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Z'e, shape (size, q, J); X'e, shape (size, p); e'e, shape (size,)."""
        normals = rng.standard_normal((size, *self.kept.shape)) * self.kept
        others = rng.standard_normal((size, len(self.free))) * self.free
        ee = (normals ** 2).sum(axis=(1, 2)) + (others ** 2).sum(axis=1)
        if self.degrees:
            ee += rng.chisquare(self.degrees, size)
        Xe = normals.reshape(size, -1) @ self.along.T + others @ self.rest.T
        return np.einsum("abj,rbj->raj", self.root, normals), Xe, ee


def _half_root(G: np.ndarray, scale: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Cholesky factors of many semidefinite matrices at once, of which the rows below go along.

    Parameters
    ----------
    G : ndarray, shape (q, q + p, J)
        For each j the first q rows of a symmetric matrix.
    scale : ndarray, shape (q, J), optional
        What a pivot is small against; the diagonal when left out.

    Returns
    -------
    columns : ndarray, shape (q, q + p, J)
        ``columns[k]`` is column k of the factor; zero where the pivot vanishes.
    kept : ndarray of bool, shape (q, J)
    """
    q = len(G)
    columns, kept = np.zeros_like(G), np.zeros((q, G.shape[2]), dtype=bool)
    scale = np.stack([G[k, k] for k in range(q)]) if scale is None and q else scale
    for k in range(q):
        left = G[k] - (columns[:k] * columns[:k, k, None]).sum(axis=0)
        kept[k] = left[k] > 1e-10 * scale[k]
        columns[k] = np.where(kept[k], left / np.sqrt(np.where(kept[k], left[k], 1.0)), 0.0)
        columns[k, :k] = 0.0
    return columns, kept


class _Outcomes:
    """Samples of the outcome: random effects and residuals, however drawn, put together.

    Parameters
    ----------
    fit : LmmResult or OlsResult
        What is drawn from.
    others : sequence of LmmResult or OlsResult
        Fits of other models to the same rows, which get the same samples: a test draws from the null.
    """

    effects: Any
    noise: Any
    noise_rows: Any

    def __init__(self, fit, others=()):
        parts = [working(one) for one in (fit, *others)]
        self.sigma, self.n, self.weights = fit.sigma, fit.nobs, fit.design.weights
        wide = np.cumsum([0, *(len(Z) for Z, _ in parts)])
        deep = np.cumsum([0, *(len(Q) for _, Q in parts)])
        self.places = [(slice(*wide[k:k + 2]), slice(*deep[k:k + 2])) for k in range(len(parts))]
        self.q = len(parts[0][0])
        self.factor = lower_factor(fit._at.L) if self.q else np.zeros((0, 0))
        self.sums = [_fixed_sums(one.model, 1) if hasattr(one, "model") else None for one in (fit, *others)]
        terms = next((one.design.random for one in (fit, *others) if one.design.random), None)
        codes, J = (terms[0].codes, len(terms[0].levels)) if terms else (np.zeros(self.n, dtype=int), 1)
        joint = OneFactor(np.concatenate([Z for Z, _ in parts]), np.concatenate([Q for _, Q in parts]), codes, J)
        self.joint, self.AB, self.XX = joint, joint.AB, joint.C
        fixed = fit.design.X @ fit._params
        self._fixed = fixed if fit.design.offset is None else fixed + fit.design.offset

    def draw(self, rng, size: int) -> list:
        """Replicates for each model (for an `OlsResult` the pair X'y, y'y), the same samples for all."""
        q = self.q
        u = self.effects(rng, size)
        Ze, Xe, ee = self.noise(rng, size)
        Zu = np.einsum("acj,raj->rcj", self.AB[:q], u)
        wide = len(self.AB)
        yy = ee + np.einsum("raj,raj->r", u, 2.0 * Ze[:, :q] + Zu[:, :q])
        Zy, Xy = Ze + Zu[:, :wide], Xe + Zu[:, wide:].sum(axis=2)
        found: list = []
        for (own, columns), sums in zip(self.places, self.sums):
            if sums is None:
                found.append((Xy[:, columns], yy))
            else:
                XX, _, degrees, constant = sums
                found.append(Replicates(Zy[:, own], Xy[:, columns], yy, XX, None, np.repeat(degrees, size),
                                        np.repeat(constant, size)))
        return found

    def rows(self, rng) -> np.ndarray:
        """One sample as outcomes of the rows used, in the data's units, shape (n,)."""
        ordered = self.noise_rows(rng, 1)[0]
        if self.q:
            u = self.effects(rng, 1)[0]
            sizes = np.diff([*self.joint.starts, self.n])
            ordered = ordered + (np.repeat(u, sizes, axis=1) * self.joint.Z[:self.q]).sum(axis=0)
        new = ordered
        if self.joint.order is not None:
            new = np.empty(self.n)
            new[self.joint.order] = ordered
        if self.weights is not None:
            new = new / np.sqrt(self.weights)
        return self._fixed + new


class Parametric(_Outcomes):
    """Samples from the fitted normal distributions."""

    def __init__(self, fit, others=()):
        super().__init__(fit, others)
        self.normal = NormalRows(self.AB, self.XX, self.n)

    def effects(self, rng, size: int) -> np.ndarray:
        """Random effects in the model's own columns, shape (size, q, J)."""
        normals = rng.standard_normal((size, self.q, self.AB.shape[2]))
        return self.sigma * np.einsum("ab,rbj->raj", self.factor, normals)

    def noise(self, rng, size: int) -> tuple:
        """Z_j'e_j, X'e and e'e."""
        Ze, Xe, ee = self.normal.draw(rng, size)
        return self.sigma * Ze, self.sigma * Xe, self.sigma ** 2 * ee

    def noise_rows(self, rng, size: int) -> np.ndarray:
        return self.sigma * rng.standard_normal((size, self.n))


class Residual(_Outcomes):
    """Samples from the reflated residuals and predicted random effects, drawn apart and with replacement."""

    def __init__(self, fit, others=()):
        super().__init__(fit, others)
        residual = np.asarray(fit.design.y - fit._fitted)
        if fit.design.weights is not None:
            residual = residual * np.sqrt(fit.design.weights)
        self.pool = reflated(residual[None], np.array([[fit.sigma ** 2]]))[0]
        if self.q:
            at, p = fit._at, fit.model.criterion.p
            blups = at.L @ (at.parts.U[:, p] - np.einsum("asj,s->aj", at.parts.U[:, :p], at.b))
            self.blups = reflated(blups, fit.sigma ** 2 * at.L @ at.L.T)
        parts = [working(one)[1] for one in (fit, *others)]
        self.Q = np.concatenate(parts)
        if self.joint.order is not None:
            self.Q = self.Q[:, self.joint.order]

    def effects(self, rng, size: int) -> np.ndarray:
        """Random effects in the model's own columns, shape (size, q, J)."""
        J = self.AB.shape[2]
        if not self.q:
            return np.zeros((size, 0, J))
        return self.blups[:, rng.integers(J, size=(size, J))].transpose(1, 0, 2)

    def noise(self, rng, size: int) -> tuple:
        """Z_j'e_j, X'e and e'e."""
        E = self.noise_rows(rng, size)
        Ze = _by_group(self.joint, E) if len(self.AB) else np.zeros((size, 0, 1))
        return Ze, E @ self.Q.T, np.einsum("rn,rn->r", E, E)

    def noise_rows(self, rng, size: int) -> np.ndarray:
        return self.pool[rng.integers(self.n, size=(size, self.n))]


def working(fit) -> tuple[np.ndarray, np.ndarray]:
    """Columns of the random and of the fixed part as the model has them: weighted, conditioned, in the data's order."""
    if not hasattr(fit, "model"):
        X = fit.design.X.T if fit.design.weights is None else fit.design.X.T * np.sqrt(fit.design.weights)
        return np.empty((0, fit.nobs)), orthonormalize(X, fit.design.exog_names, "predictors")[0]
    elimination = fit.model.criterion.elimination
    if elimination.order is None:
        return elimination.Z, fit.model.Q
    Z = np.empty_like(elimination.Z)
    Z[:, elimination.order] = elimination.Z
    return Z, fit.model.Q


def reflated(values: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Values centered and stretched until their covariance (divisor: their number) is the target.

    Predicted effects and residuals vary less than what they predict.  The stretch takes the symmetric roots of both
    covariances, so that singular ones need no care.

    Parameters
    ----------
    values : ndarray, shape (q, m)
    target : ndarray, shape (q, q)

    Examples
    --------
    >>> reflated(np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([[5.0]])).round(3).tolist()
    [[-3.0, -1.0, 1.0, 3.0]]
    """
    centered = values - values.mean(axis=1, keepdims=True)
    own = centered @ centered.T / values.shape[1]
    size, axes = np.linalg.eigh(own)
    kept = size > 1e-10 * max(float(np.trace(target)), 1e-300)
    shrink = (axes * np.where(kept, 1.0 / np.sqrt(np.where(kept, size, 1.0)), 0.0)) @ axes.T
    wanted, turn = np.linalg.eigh(target)
    return (turn * np.sqrt(np.maximum(wanted, 0.0))) @ turn.T @ shrink @ centered


class Cluster:
    """Samples of whole groups.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    codes : ndarray of int, shape (n,), optional
        The group of each row; those of the random part when left out.
    """

    def __init__(self, fit, codes: np.ndarray | None = None):
        self.criterion: Any = fit.model.criterion if hasattr(fit, "model") else None  # of least squares there is none
        codes = fit.design.random[0].codes if codes is None else codes
        self.codes, self.J = codes, int(codes.max()) + 1
        Q = working(fit)[1]
        w = fit.design.weights
        y = fit.design.y if fit.design.offset is None else fit.design.y - fit.design.offset
        y = y if w is None else y * np.sqrt(w)
        self.start = Q @ y
        rows = np.vstack([Q, y - self.start @ Q])
        by_group = OneFactor(rows, np.zeros((1, len(codes))), codes, self.J)
        self.products = by_group.AB[:, :len(rows)]  # [X r]_j'[X r]_j
        self.sizes = np.bincount(codes, minlength=self.J)
        self.log_weights = np.zeros(self.J) if w is None else np.bincount(codes, np.log(w), self.J)
        self.p = len(Q)

    def counts(self, rng, size: int) -> np.ndarray:
        """How often each group is drawn, shape (size, J)."""
        return rng.multinomial(self.J, np.full(self.J, 1.0 / self.J), size).astype(float)

    def sums(self, counts: np.ndarray) -> tuple:
        """X'X, X'y, y'y (y less the fit by least squares) and rows of selections of groups."""
        p = self.p
        C = (counts @ self.products.reshape(-1, self.J).T).reshape(len(counts), p + 1, p + 1)
        return C[:, :p, :p], C[:, p, :p], C[:, p, p], counts @ self.sizes

    def replicates(self, counts: np.ndarray) -> Replicates:
        """Selections of groups for the model of an `LmmResult`."""
        criterion = self.criterion
        XX, Xy, yy, n = self.sums(counts)
        Zy = criterion.elimination.AB[None, :, -1]
        constant = criterion.constant + (1.0 - counts) @ self.log_weights
        return Replicates(Zy, Xy, yy, XX, counts, n - (self.p if criterion.reml else 0), constant)

    def rows(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The rows of one selection and their new groups: a group drawn twice is two groups."""
        order = np.argsort(self.codes, kind="stable")
        of_group = np.split(order, np.cumsum(self.sizes)[:-1])
        drawn = np.repeat(np.arange(self.J), counts.astype(int))
        return np.concatenate([of_group[g] for g in drawn]), np.repeat(np.arange(len(drawn)), self.sizes[drawn])
