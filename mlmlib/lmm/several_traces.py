"""Sums of products of the elements of K = Z'V^-1 Z, which the exact information of the variances is made of.

With E and F the changes of the random effects' covariance in two directions, tr(E K F K) is a sum of
K[(j, b), (l, c)] K[(j, a), (l, d)] over pairs of groups j and l. K is formed in slices of rows, one connected component
after the other, and never kept.

Chapter 12 (``12_crossed``) uses it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .several import Eliminated, Factor, SeveralFactors

__all__ = ["traces"]

_ELEMENTS = 8_000_000  # of K at a time


def traces(elimination: SeveralFactors, parts: Eliminated, L: np.ndarray) -> np.ndarray:
    """The matrix T with ``tr(E K F K) = vec(E)' T vec(F)``, shape (q^2, q^2).

    Parameters
    ----------
    elimination : SeveralFactors
    parts : Eliminated
        At the relative covariance factor `L`.
    L : ndarray, shape (q, q)
    """
    el, q = elimination, elimination.q
    out = np.zeros((q, q, q, q))  # a, b, c, d
    P, left, K22 = el.whole(parts)
    owner = np.empty(el.n_nodes, dtype=int)
    for k, nodes in el.nodes.items():
        owner[nodes.ravel()] = k
    levels = _by_label(el.group_label)
    for label, nodes in _by_label(el.layout.label).items():
        batch, place = el.layout.where(label)
        s = len(nodes)
        spans = {k: np.flatnonzero(owner[nodes] == k) for k in el.rest}
        K = K22[batch][place][:s, :s]
        for k, rows in spans.items():
            for other, columns in spans.items():
                _add(out, el.factors[k], el.factors[other], K[np.ix_(rows, columns)])
        own = levels.pop(label, None)
        if own is not None:
            _first_rows(el, parts, out, own, nodes, spans, P[batch][place][:s, :s], left[batch][place][:s, :s])
    for own in levels.values():  # groups that share no row with another factor
        K = (np.eye(el.q1) - el.A1[own] @ parts.E[own]) @ el.A1[own]
        for block in K:
            _add(out, el.factors[el.first], el.factors[el.first], block)
    return out.reshape(q * q, q * q)


def _by_label(labels: np.ndarray) -> dict[int, np.ndarray]:
    """Places of each label."""
    order = np.argsort(labels, kind="stable")
    found, starts = np.unique(labels[order], return_index=True)
    return dict(zip(found.tolist(), np.split(order, starts[1:])))


def _add(out: np.ndarray, one: Factor, two: Factor, K: np.ndarray) -> None:
    """Add the products of the elements of K, rows of factor `one` and columns of factor `two`."""
    J, L = K.shape[0] // one.q, K.shape[1] // two.q
    flat = K.reshape(J, one.q, L, two.q).transpose(1, 3, 0, 2).reshape(one.q * two.q, -1)
    gram = (flat @ flat.T).reshape(one.q, two.q, one.q, two.q)  # b, c, a, d
    a, c = one.effects, two.effects
    out[np.ix_(a, a, c, c)] += gram.transpose(2, 0, 1, 3)


def _first_rows(el: SeveralFactors, parts: Eliminated, out: np.ndarray, levels: np.ndarray, nodes: np.ndarray, spans: Any, P: np.ndarray,
                left: np.ndarray) -> None:
    """The rows of K that belong to the factor eliminated first, of one component."""
    first, q1, count = el.factors[el.first], el.q1, len(levels)
    rows = (levels[:, None] * q1 + np.arange(q1)).ravel()
    A, E, N = el.A1[levels], parts.E[levels], el.N[rows][:, nodes]
    shrink = np.eye(q1) - A @ E
    NP = np.asarray(N @ P)
    cross = np.matmul(shrink, (N.toarray() - NP @ left).reshape(count, q1, -1)).reshape(count * q1, -1)
    for k, columns in spans.items():
        _add(out, first, el.factors[k], cross[:, columns])
        _add(out, el.factors[k], first, cross[:, columns].T)
    own = shrink @ A
    step = max(_ELEMENTS // (count * q1 * q1), 1)
    for begin in range(0, count, step):
        some = slice(begin, min(begin + step, count))
        size = some.stop - some.start
        K = -np.asarray(N @ NP[some.start * q1:some.stop * q1].T).T.reshape(size, q1, count, q1)
        K = np.einsum("jab,jblc,ldc->jald", shrink[some], K, shrink, optimize=True)
        K[np.arange(size), :, np.arange(some.start, some.stop)] += own[some]
        _add(out, first, first, K.reshape(size * q1, count * q1))
