"""The criterion of many replicates of one model at once: other outcomes, or other selections of the groups.

A bootstrap replicate keeps the columns of the model.  With another outcome only Z'y, X'y and y'y change; a selection of
groups is a count for each group by which its share of every sum is multiplied.  All the arithmetic of
`mlmlib.lmm.criterion` is therefore done with one more axis in front, the replicate's, and a step of `minimize_batch` is
a handful of array operations whatever the number of replicates.  The criterion of each replicate is the one that
`LmmModel.with_outcome` would give, to rounding.

Chapter 8 (``08_inference``) uses it for the bootstrap; Chapter 7 (``07_estimation``) derives the criterion.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from .batch_steps import steps
from .criterion import Criterion

__all__ = ["BatchCriterion", "BatchState", "Replicates", "minimize_batch"]


@dataclass(frozen=True)
class Replicates:
    """What R replicates change of a model's cross-products.

    Attributes
    ----------
    Zy : ndarray, shape (R, q, J), or (1, q, J) where all have the same outcome
        Z_j'y_j in the model's own columns.
    Xy : ndarray, shape (R, p)
    yy : ndarray, shape (R,)
    XX : ndarray, shape (R, p, p), or (1, p, p) where all have the same rows
    counts : ndarray, shape (R, J), or None
        How often each group is there; None for once each.
    degrees : ndarray, shape (R,)
        N of the criterion: rows, less the coefficients for REML.
    constant : ndarray, shape (R,)
        Log-determinants of the changes of columns and of the weights.
    """

    Zy: np.ndarray
    Xy: np.ndarray
    yy: np.ndarray
    XX: np.ndarray
    counts: np.ndarray | None
    degrees: np.ndarray
    constant: np.ndarray

    def __len__(self) -> int:
        return len(self.yy)

    def weigh(self, parts: np.ndarray) -> np.ndarray:
        """Each group's part, shape (R, ..., J), as often as the group is there."""
        if self.counts is None:
            return parts
        return parts * self.counts.reshape(len(parts), *(1,) * (parts.ndim - 2), parts.shape[-1])

    def __getitem__(self, pick) -> Replicates:
        """Some of the replicates."""
        taken = (getattr(self, part.name) for part in fields(self))
        return Replicates(*(own if own is None or len(own) == 1 < len(self) else own[pick] for own in taken))


@dataclass
class BatchState:
    """R evaluations side by side; the arrays are those of `mlmlib.lmm.criterion.Evaluation`, a replicate a row.

    Attributes
    ----------
    value, s2 : ndarray, shape (R,)
    gradient, hessian : ndarray, shape (R, m), (R, m, m)
    L, basis : ndarray, shape (R, q, q), (R, m, q, q)
    b : ndarray, shape (R, p)
    """

    value: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray
    L: np.ndarray
    basis: np.ndarray
    b: np.ndarray
    s2: np.ndarray

    def __getitem__(self, pick) -> BatchState:
        return BatchState(*(getattr(self, part.name)[pick] for part in fields(self)))

    def put(self, places, other: BatchState) -> None:
        """Replace the evaluations at `places`."""
        for part in fields(self):
            getattr(self, part.name)[places] = getattr(other, part.name)


class BatchCriterion:
    """The criterion of a model for many replicates.

    Parameters
    ----------
    criterion : Criterion
        Of the model: its columns' cross-products serve all replicates.
    """

    def __init__(self, criterion: Criterion):
        self.structures, self.blocks, self.places = criterion.structures, criterion.blocks, criterion.places
        self.basis, self.reml, self.p, self.q = criterion.basis, criterion.reml, criterion.p, criterion.elimination.q
        self.AB = np.ascontiguousarray(criterion.elimination.AB[:, :-1])
        self.groups = self.AB.shape[2]
        self._weight = criterion._weight

    def frames(self, L: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Each factor turned to the frame in which to step on, and the bases there (`Structure.frame`)."""
        turned, basis = np.zeros_like(L), np.zeros((len(L), *self.basis.shape))
        for shape, block, place in zip(self.structures, self.blocks, self.places):
            own, bases = L[:, block, block], shape.basis
            if shape.rescaling == "any" and own.shape[1] > 1:
                U, values, _ = np.linalg.svd(own)
                own, bases = U * values[:, None], U[:, None] @ shape.basis
            turned[:, block, block] = own
            basis[:, place, block, block] = bases
        return turned, basis

    def smallest(self, L: np.ndarray) -> np.ndarray:
        """The smallest singular value of any term's block of L, shape (R,)."""
        found = [np.linalg.svd(L[:, block, block], compute_uv=False)[:, -1] for block in self.blocks]
        return np.min(found, axis=0)

    def settle(self, data: Replicates, L: np.ndarray) -> BatchState:
        """The criterion at factors L, shape (R, q, q), derivatives in the frame to step on in."""
        return self.evaluate(data, *self.frames(L))

    def evaluate(self, data: Replicates, L: np.ndarray, basis: np.ndarray) -> BatchState:
        """The criterion with its exact gradient and Hessian, in the coordinates of `basis`.

        Parameters
        ----------
        data : Replicates
        L : ndarray, shape (R, q, q)
        basis : ndarray, shape (R, m, q, q)
        """
        p, q, count, J = self.p, self.q, len(L), self.groups
        logs, S, K, W = self._eliminate(data, L)
        root = np.linalg.cholesky(S[:, :p, :p])
        half = np.linalg.inv(root).transpose(0, 2, 1)
        z = (S[:, p, None, :p] @ half)[:, 0]
        b = (half @ z[:, :, None])[:, :, 0]
        rss = S[:, p, p] - (z * z).sum(axis=1)
        degrees = data.degrees
        s = np.sqrt(rss / degrees)
        value = data.weigh(logs).sum(axis=1) + degrees * (np.log(2.0 * np.pi * rss / degrees) + 1.0) + data.constant
        if self.reml:
            value += 2.0 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
        mix = np.zeros((count, p + 1, p + 1))
        mix[:, :p, :p] = half.transpose(0, 2, 1)
        mix[:, p, :p] = -b / s[:, None]
        mix[:, p, p] = 1.0 / s
        Y = np.matmul(mix[:, None], W)
        own = Y if self.reml else Y[:, :, p:]
        outer = np.empty((count, q, q, J))
        for a in range(q):
            for c in range(a + 1):
                np.einsum("rsj,rsj->rj", own[:, a], own[:, c], out=outer[:, a, c])
                outer[:, c, a] = outer[:, a, c]
        Gamma = data.weigh(K - outer).sum(axis=3)
        flat = basis.reshape(count, -1, q * q)
        gradient = 2.0 * (flat @ (Gamma @ L).reshape(count, q * q, 1))[:, :, 0]
        slope = basis @ L.transpose(0, 2, 1)[:, None]
        curve, fit = self._curvature(data, K, Y, outer, slope + slope.transpose(0, 1, 3, 2))
        second = (Gamma[:, None] @ basis).reshape(flat.shape) @ flat.transpose(0, 2, 1)
        hessian = curve - fit[:, :, None] * (fit / degrees[:, None])[:, None] + 2.0 * second
        return BatchState(value, gradient, hessian, L, basis, b, s * s)

    def _eliminate(self, data: Replicates, L: np.ndarray):
        """log|M_j|, shape (R, J); S = [X y]'V^-1[X y], shape (R, p + 1, p + 1), its last column not formed;
        K_j, shape (R, q, q, J); W_j, shape (R, q, p + 1, J): as `OneFactor.eliminate`."""
        p, q, count, J = self.p, self.q, len(L), self.groups
        width, Lt = q + p + 1, L.transpose(0, 2, 1)
        N = np.empty((count, q, width, J))  # L'[A B]
        N[:, :, :-1] = (Lt @ self.AB.reshape(q, -1)).reshape(count, q, q + p, J)
        N[:, :, -1] = Lt @ data.Zy
        work = np.empty((count, q, q + width, J))
        np.matmul(Lt[:, None], N[:, :, :q], out=work[:, :, :q])
        work[:, :, q:] = N
        diagonal = np.arange(q)
        work[:, diagonal, diagonal] += 1.0
        logs = np.zeros((count, J))
        for k in range(q):  # Gauss-Jordan on [M | L'A L'B]
            pivot = work[:, k, k]
            logs += np.log(pivot)
            work[:, k, k + 1:] /= pivot[:, None]
            for i in range(q):
                if i != k:
                    work[:, i, k + 1:] -= work[:, i, k][:, None] * work[:, k, k + 1:]
        U = work[:, :, q:]
        KW = np.empty((count, q, width, J))
        for a in range(q):
            KW[:, a] = N[:, 0, a][:, None] * U[:, 0]
            for k in range(1, q):
                KW[:, a] += N[:, k, a][:, None] * U[:, k]
        np.subtract(self.AB, KW[:, :, :-1], out=KW[:, :, :-1])
        np.subtract(data.Zy, KW[:, :, -1], out=KW[:, :, -1])
        S = -np.matmul(data.weigh(N[:, :, q:]), U[:, :, q:].transpose(0, 1, 3, 2)).sum(axis=1)
        S[:, :p, :p] += data.XX
        S[:, p, :p] += data.Xy
        S[:, p, p] += data.yy
        return logs, S, KW[:, :, :q], KW[:, :, q:]

    def _curvature(self, data: Replicates, K, Y, outer, directions):
        """Second derivatives in D, and in D and log s2, as `Criterion.curvature`; directions, shape (R, m, q, q)."""
        count, q, wide, J = Y.shape
        inner = (2.0 * outer - K).reshape(count, q * q, J)
        tensor = (data.weigh(inner) @ K.reshape(count, q * q, J).transpose(0, 2, 1)).reshape(count, q, q, q, q)
        stacked = Y.reshape(count, q * wide, J)
        gram = (data.weigh(stacked) @ stacked.transpose(0, 2, 1)).reshape(count, q, wide, q, wide)
        E = directions.reshape(count, -1, q * q)
        first = E @ tensor.transpose(0, 1, 3, 4, 2).reshape(count, q * q, q * q) @ E.transpose(0, 2, 1)
        R = E @ gram.transpose(0, 1, 3, 2, 4).reshape(count, q * q, wide * wide)
        curve = 0.5 * (first + first.transpose(0, 2, 1)) - (R * self._weight) @ R.transpose(0, 2, 1)
        return curve, R[:, :, -1]


def minimize_batch(criterion: BatchCriterion, data: Replicates, L: np.ndarray, *, tolerance: float = 1e-12,
                   limit: int = 60) -> tuple[BatchState, np.ndarray]:
    """Minimize every replicate's criterion by Newton steps in a trust region (`mlmlib.lmm.optimise.minimize`).

    Parameters
    ----------
    criterion : BatchCriterion
    data : Replicates
    L : ndarray, shape (R, q, q)
        Where the searches begin.
    tolerance, limit
        As for `minimize`; who has not converged by then is told by the second value.

    Returns
    -------
    BatchState
        Where each search ended.
    converged : ndarray of bool, shape (R,)
    """
    best = criterion.settle(data, L)
    count = len(data)
    at, own, places, radius = best, data, np.arange(count), np.ones(count)
    converged = np.zeros(count, dtype=bool)
    for _ in range(limit):
        step, promised, decrement = steps(at.gradient, at.hessian, radius)
        with np.errstate(invalid="ignore"):
            ended = ~(decrement >= tolerance) | (radius < 1e-10)
        if ended.any():
            best.put(places[ended], at[ended])
            converged[places[ended]] = decrement[ended] < max(tolerance, 1e-8)
            go = ~ended
            if not go.any():
                return best, converged
            at, own, places, radius = at[go], own[go], places[go], radius[go]
            step, promised = step[go], promised[go]
        trial = criterion.settle(own, at.L + np.einsum("rm,rmab->rab", step, at.basis))
        length = np.sqrt((step * step).sum(axis=1))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (at.value - trial.value) / promised
        flat = promised < 1e-11 * (1.0 + np.abs(at.value))  # below what the value can show: let the gradient decide
        ratio = np.where(flat, np.abs(trial.gradient).max(axis=1) < np.abs(at.gradient).max(axis=1), ratio)
        ratio = np.where(np.isfinite(trial.value) & np.isfinite(ratio), ratio, -1.0)
        grown = np.where((ratio > 0.75) & (length > 0.99 * radius), 2.0 * radius, radius)
        radius = np.where(ratio < 0.25, 0.25 * length, grown)
        taken = np.flatnonzero(ratio > 1e-4)
        if len(taken) == len(places):
            at = trial
        else:
            at = at[np.arange(len(places))]
            at.put(taken, trial[taken])
    best.put(places, at)
    return best, converged
