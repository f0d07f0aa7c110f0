"""The fits of many replicates of one model: in a batch, again from elsewhere where singular, one by one where need be.

The same rules as `LmmModel.fit`: a fit on the boundary is tried again from away from it, the better one kept, and what
vanishes set to exactly zero.

Chapter 8 (``08_inference``) uses it for the bootstrap.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np

from .batch import BatchCriterion, BatchState, Replicates, minimize_batch
from .criterion import Criterion

__all__ = ["BatchFit", "alone", "fit_replicates"]

_SINGULAR = 1e-4  # as LmmModel.singular


@dataclass(frozen=True)
class BatchFit:
    """The fits of R replicates, in the model's own columns.

    Attributes
    ----------
    value, s2 : ndarray, shape (R,)
        Criterion and residual variance; NaN where a replicate failed.
    L, b : ndarray, shape (R, q, q), (R, p)
    singular, failed : ndarray of bool, shape (R,)
    """

    value: np.ndarray
    s2: np.ndarray
    L: np.ndarray
    b: np.ndarray
    singular: np.ndarray
    failed: np.ndarray


def fit_replicates(model, data: Replicates, start: np.ndarray | None = None) -> BatchFit:
    """Fit a model to every replicate.

    Parameters
    ----------
    model : LmmModel
        Its columns, structures and kind of likelihood.
    data : Replicates
    start : ndarray, shape (q, q), optional
        A factor near which the fits are expected, such as the one that the data were simulated from.

    Returns
    -------
    BatchFit

    Examples
    --------
    >>> import numpy as np, mlmlib as mlm
    >>> from mlmlib.inference.resample import outcomes
    >>> fit = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", mlm.load("sleepstudy"))
    >>> again = fit_replicates(fit.model, outcomes(fit.model, fit.design.y[None]))
    >>> bool(abs(again.value[0] - fit.criterion) < 1e-8)
    True
    """
    batch = BatchCriterion(model.criterion)
    p, q, count = batch.p, batch.q, len(data)
    usable = _usable(data, p)
    value, s2 = np.full(count, np.nan), np.full(count, np.nan)
    L, b = np.full((count, q, q), np.nan), np.full((count, p), np.nan)
    singular, failed = np.zeros(count, dtype=bool), ~usable
    places = np.flatnonzero(usable)
    if len(places):
        own = data if usable.all() else data[usable]
        begin = model.criterion.factor(model.plain_start(0.5)) if start is None else _inside(batch, start)
        state, converged = minimize_batch(batch, own, np.broadcast_to(begin, (len(own), q, q)))
        _again(model, batch, own, state, converged)
        singular[places] = batch.smallest(state.L) < _SINGULAR
        value[places], s2[places], L[places], b[places] = state.value, state.s2, state.L, state.b
        for place in places[~converged]:
            try:
                minimum, _ = alone(model, data, int(place)).fit()
            except (np.linalg.LinAlgError, ValueError):
                minimum = None
            if minimum is None or not minimum.converged:
                failed[place], value[place] = True, np.nan
                continue
            at = minimum.at
            value[place], s2[place], L[place], b[place] = at.value, at.s2, at.L, at.b
            singular[place] = any(model.singular(at))
    for array in (s2, L, b):
        array[failed] = np.nan
    return BatchFit(value, s2, L, b, singular & ~failed, failed)


def _usable(data: Replicates, p: int) -> np.ndarray:
    """Which replicates have coefficients that can be told apart, and something left beside them."""
    good = data.degrees > 0
    if not p:
        return good
    shares = np.linalg.eigvalsh(data.XX)[:, 0] > 1e-10 * np.trace(data.XX, axis1=1, axis2=2) / p
    return good & np.broadcast_to(shares, len(data))


def _inside(batch: BatchCriterion, L: np.ndarray) -> np.ndarray:
    """A factor near L that is not singular."""
    near = np.zeros_like(L)
    for shape, block in zip(batch.structures, batch.blocks):
        own = L[block, block]
        near[block, block] = shape.nearest(own @ own.T, 0.01)
    return near


def _again(model, batch: BatchCriterion, data: Replicates, state: BatchState, converged: np.ndarray) -> None:
    """Search again from elsewhere where a fit is singular, and set what vanishes to zero; changes `state`."""
    several = model._several_minima
    doubtful = np.flatnonzero(converged & (several | (batch.smallest(state.L) < _SINGULAR)))
    if not len(doubtful):
        return
    own = data[doubtful]
    best = state[doubtful]
    for size in model._sizes_to_try():
        begin = model.criterion.factor(model.plain_start(size))
        trial, ended = minimize_batch(batch, own, np.broadcast_to(begin, best.L.shape))
        with np.errstate(invalid="ignore"):
            better = ended & (trial.value < best.value - 1e-9)
        best.put(better, trial[better])
    small = np.flatnonzero(batch.smallest(best.L) < _SINGULAR)
    if len(small):
        L = best.L[small].copy()
        for shape, block in zip(batch.structures, batch.blocks):
            for k in range(len(small)):
                L[k, block, block] = shape.without_small(L[k, block, block], _SINGULAR)
        snapped = batch.settle(own[small], L)
        kept = snapped.value <= best.value[small] + 1e-8
        best.put(small[kept], snapped[kept])
    state.put(doubtful, best)


def alone(model, data: Replicates, place: int):
    """One replicate as a model of its own, to be fitted by itself (LmmModel; its rows are not changed)."""
    one = data[place:place + 1]
    criterion: Criterion = copy.copy(model.criterion)
    elimination = copy.copy(criterion.elimination)
    q, p = elimination.q, criterion.p
    AB = np.concatenate([elimination.AB[:, :-1], one.Zy[0][:, None]], axis=1)
    C = np.zeros((p + 1, p + 1))
    C[:p, :p], C[p, :p], C[:p, p], C[p, p] = one.XX[0], one.Xy[0], one.Xy[0], one.yy[0]
    free = np.linalg.solve(one.XX[0], one.Xy[0]) if p else np.empty(0)
    if one.counts is not None:
        AB = np.repeat(AB, np.round(one.counts[0]).astype(int), axis=2)
    AB[:, -1] -= np.einsum("apj,p->aj", AB[:, q:q + p], free)  # the search begins from the least-squares residual
    C[p, p] -= C[p, :p] @ free
    C[p, :p] = C[:p, p] = 0.0
    elimination.AB, elimination.C, elimination.n_groups = AB, C, AB.shape[2]
    criterion.elimination, criterion.constant = elimination, float(one.constant[0])
    N = criterion.degrees = int(one.degrees[0])
    criterion._log_scale = N * (1.0 + float(np.log(2.0 * np.pi / N))) + criterion.constant
    other = _Shifted(copy.copy(model), free)
    other.model.criterion = criterion
    return other


class _Shifted:
    """A model of which `free` was taken from the coefficients; its fit gives them back."""

    def __init__(self, model, free):
        self.model, self.free = model, free

    def fit(self):
        minimum, messages = self.model.fit()
        at = replace(minimum.at, b=minimum.at.b + self.free)
        return replace(minimum, at=at), messages
