"""The rows of a fit with several grouping factors, seen by one of them.

Rows of different groups depend on each other, so that V^-1 is no longer block-diagonal.  With T = Z2 - Z1 E Z1'Z2 and
P = L2 M^-1 L2' (`mlmlib.lmm.several`)

    V^-1 = I - Z1 E Z1' - T P T',

of which diagnostics need the diagonal, products with columns, and the block of a set of rows.  What belongs to groups
is that of one factor at a time: `seen_by` hands a fit out with the terms of one factor only, so that checks of groups
are the same for one factor as for several.

Chapters 9 and 12 (``09_diagnostics``, ``12_crossed``) use it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..errors import DataError, FormulaError
from ..lmm.factors import factor_names, lies_within, memberships
from .blocks import Blocks

__all__ = ["Rows", "SeveralBlocks", "default_factor", "finest", "group_rows", "seen_by", "several_blocks"]

_ELEMENTS = 4_000_000  # of a dense array at a time
_LARGEST = 5000  # rows that depend on each other, of which a Cholesky factor is formed


def default_factor(fit) -> str:
    """The factor of the largest units: the one with the fewest groups."""
    return min(fit.n_groups, key=fit.n_groups.get)


def finest(design) -> str:
    """The factor whose groups lie within those of every other factor."""
    found = list(memberships(design))
    for name, own in found:
        if own.shape[1] == 1 and all(other.shape[1] == 1 and lies_within(own, other[:, 0]) for k, other in found
                                     if k != name):
            return name
    told = " and ".join(repr(name) for name, _ in found)
    raise DataError(f"The factors {told} cross, so that no group has a regression of its own that is free of the other "
                    "factor's effects")


class Rows:
    """V^-1 of a fit with several grouping factors, in units of the residual variance.

    Parameters
    ----------
    fit : LmmResult
    """

    def __init__(self, fit):
        self.el, self.at = fit.model.criterion.elimination, fit._at
        self.parts = self.at.parts
        Z1 = self.el.Z1
        self.ze = self._by_effect() if self.el.J1 else np.zeros((0, self.el.q1))
        self.ZE = sp.csr_matrix((self.ze.ravel(), Z1.indices, Z1.indptr), Z1.shape) if self.el.J1 else Z1
        self.P = self.el._between(self.parts.inverse, self.parts.scale, inward=False)

    @cached_property
    def blocks_of_P(self) -> list[np.ndarray]:
        return self.el.layout.complete(self.P)

    def solve(self, columns: np.ndarray) -> np.ndarray:
        """V^-1 times columns, shape (n, m)."""
        el, parts = self.el, self.parts
        b1 = el.Z1t @ columns
        inward = el.Z2t @ columns - self.ZE_t_N(b1)
        turned = el.layout.multiply(parts.inverse, el.scaled(parts.scale, inward, transposed=True))
        U2 = el.scaled(parts.scale, turned)
        return columns - self.ZE @ (b1 - el.N @ U2) - el.Z2 @ U2

    def ZE_t_N(self, b1: np.ndarray) -> np.ndarray:
        """Z2'Z1 E times group sums."""
        m = b1.shape[1]
        return self.el.Nt @ (self.parts.E @ b1.reshape(self.el.J1, self.el.q1, m)).reshape(-1, m)

    def block(self, rows: np.ndarray) -> np.ndarray:
        """V^-1 among some rows, shape (m, m)."""
        el = self.el
        ZE = self.ZE[rows]
        out = np.eye(len(rows)) - (ZE @ el.Z1[rows].T).toarray()
        T = (el.Z2[rows] - ZE @ el.N).tocsc()
        nodes = np.flatnonzero(np.diff(T.indptr))
        labels = el.layout.label[nodes]
        for label in np.unique(labels):
            own = nodes[labels == label]
            batch, place = el.layout.where(label)
            local = el.layout.local[own]
            part = T[:, own]
            out -= part @ (part @ self.blocks_of_P[batch][place][np.ix_(local, local)]).T
        return out

    @cached_property
    def diagonal(self) -> np.ndarray:
        """Diagonal of V^-1, shape (n,)."""
        el = self.el
        out = 1.0 - np.asarray(self.ZE.multiply(el.Z1).sum(axis=1)).ravel() - self._within_row()
        if not el.J1:
            return out
        ze = self.ze
        group = el.Z1.indices[el.Z1.indptr[:-1]] // el.q1
        out -= np.einsum("na,nab,nb->n", ze, el.first_quadratic(self.parts)[group], ze)
        order = np.argsort(group, kind="stable")
        step = max(_ELEMENTS // max(el.n_nodes * el.q1, 1), 1)
        for begin in range(0, el.J1, step):
            rows = order[np.searchsorted(group[order], begin):np.searchsorted(group[order], begin + step)]
            some = slice(begin * el.q1, min(begin + step, el.J1) * el.q1)
            G = el.layout.multiply(self.P, el.N[some].T.toarray()).reshape(el.n_nodes, -1, el.q1)
            Z2 = el.Z2[rows].tocoo()
            there = G[Z2.col, group[rows[Z2.row]] - begin]
            out[rows] += 2.0 * np.bincount(Z2.row, Z2.data * (there * ze[rows[Z2.row]]).sum(axis=1), len(rows))
        return out

    def _by_effect(self) -> np.ndarray:
        """E z of each row's own group, shape (n, q1)."""
        el = self.el
        z = el.Z1.data.reshape(-1, el.q1)
        group = el.Z1.indices[el.Z1.indptr[:-1]] // el.q1
        return np.einsum("nab,nb->na", self.parts.E[group], z)

    def _within_row(self) -> np.ndarray:
        """z2'P z2 of each row."""
        el, layout = self.el, self.el.layout
        counts, out = np.diff(el.Z2.indptr), np.zeros(el.Z2.shape[0])
        for a in range(int(counts.max())):
            for b in range(a + 1):
                rows = np.flatnonzero(counts > a)
                one, two = el.Z2.indptr[rows] + a, el.Z2.indptr[rows] + b
                i, j = el.Z2.indices[one], el.Z2.indices[two]
                tied = layout.label[i] == layout.label[j]
                rows, i, j, one, two = rows[tied], i[tied], j[tied], one[tied], two[tied]
                values = self.P[layout.entry(np.maximum(i, j), np.minimum(i, j))] * el.Z2.data[one] * el.Z2.data[two]
                out[rows] += values if a == b else 2.0 * values
        return out

    @cached_property
    def _rooted(self) -> list[sp.csr_matrix]:
        """Z L of each factor."""
        return [(f.Z @ sp.kron(sp.identity(f.J), self.el.part(self.at.L, k))).tocsr()
                for k, f in enumerate(self.el.factors)]

    @cached_property
    def random_variance(self) -> np.ndarray:
        """Diagonal of ZDZ', shape (n,)."""
        return np.sum([np.asarray(Z.multiply(Z).sum(axis=1)).ravel() for Z in self._rooted], axis=0)

    def whitened(self, e: np.ndarray, order=None) -> np.ndarray:
        """The inverse of V's Cholesky factor, rows in the given order, times e."""
        el, out = self.el, np.empty(len(e))
        label = (el.group_label[el.Z1.indices[el.Z1.indptr[:-1]] // el.q1] if el.J1 else
                 el.layout.label[el.Z2.indices[el.Z2.indptr[:-1]]])
        if np.bincount(label).max() > _LARGEST:
            raise ValueError(f"The factors cross, so that {int(np.bincount(label).max())} rows depend on each other, "
                             f"too many to make uncorrelated (at most {_LARGEST}); kind='pearson' with "
                             "level='conditional' is there.")
        order = np.arange(len(e)) if order is None else order
        sorted_ = order[np.argsort(label[order], kind="stable")]
        for rows in np.split(sorted_, np.flatnonzero(np.diff(label[sorted_])) + 1):
            V = np.eye(len(rows))
            for Z in self._rooted:
                own = Z[rows]
                V += (own @ own.T).toarray()
            out[rows] = np.linalg.solve(np.linalg.cholesky(V), e[rows])
        return out

    def own_K(self, k: int) -> np.ndarray:
        """Z_j'V^-1 Z_j of factor k's groups, shape (J, q, q)."""
        el, parts = self.el, self.parts
        if k == el.first:
            shrink = np.eye(el.q1) - el.A1 @ parts.E
            return shrink @ el.A1 - shrink @ el.first_quadratic(parts) @ shrink.transpose(0, 2, 1)
        return np.concatenate([K.ravel() for K in el.whole(parts)[2]])[el.own[k]]


@dataclass(frozen=True)
class SeveralBlocks(Blocks):
    """`Blocks` of one of several factors; C is not there.

    Attributes
    ----------
    rows : Rows
    place : int
        Which factor.
    """

    rows: Rows = field(kw_only=True)
    place: int = field(kw_only=True)

    @cached_property
    def v_diagonal(self) -> np.ndarray:
        """Diagonal of V^-1."""
        return self.rows.diagonal

    @cached_property
    def random_variance(self) -> np.ndarray:
        """Diagonal of ZDZ', of all factors."""
        return self.rows.random_variance

    def residual_maker(self, column: np.ndarray) -> np.ndarray:
        """P times a column of the data (weights are applied here), shape (n,)."""
        Vc = self.rows.solve((column * self.root)[:, None])[:, 0]
        return Vc - self.lever.T @ (self.half.T @ (self.X @ Vc))

    @cached_property
    def K(self) -> np.ndarray:
        """Z_j'V^-1 Z_j, shape (J, q, q)."""
        return self.rows.own_K(self.place)

    @property
    def W(self) -> np.ndarray:
        """Z_j'V^-1 [X y], shape (J, q, p + 1)."""
        return self.rows.parts.W[self.place]

    @property
    def L(self) -> np.ndarray:
        """The factor's part of L."""
        return self.rows.el.part(self.rows.at.L, self.place)

    @cached_property
    def own_sums(self) -> tuple[np.ndarray, np.ndarray]:
        """Z_j'Z_j, shape (J, q, q), and Z_j'e_j, shape (J, q)."""
        factor = self.rows.el.factors[self.place]
        return self.rows.el.own_products(self.place)[0], (factor.Z.T @ self.e).reshape(factor.J, factor.q)


def several_blocks(fit, group: str | None = None) -> SeveralBlocks:
    """The rows of a fit with several grouping factors, its groups those of one of them."""
    known = fit.__dict__.setdefault("_blocks_by_factor", {})
    group = default_factor(fit) if group is None else group
    if group not in known:
        known[group] = _made(fit, group, next((at.rows for at in known.values()), None) or Rows(fit))
    return known[group]


def _made(fit, group: str, rows: Rows) -> SeveralBlocks:
    model, at, design, el = fit.model, fit._at, fit.design, rows.el
    p = len(at.b)
    root = np.ones(len(design.y)) if model.root_weights is None else model.root_weights
    e = (design.y - fit._fixed_part) * root
    VX, Ve, effects = model.Q.copy(), e.copy(), []
    for factor, U in zip(el.factors, at.parts.U):
        u = U[:, :, p] - U[:, :, :p] @ at.b
        effects.append(u.T)
        VX -= (factor.Z @ U[:, :, :p].reshape(factor.J * factor.q, p)).T
        Ve -= factor.Z @ u.ravel()
    k = factor_names(design).index(group)
    term = next(term for term in design.random if term.group == group)
    L = el.part(at.L, k)
    Z = np.asarray(np.concatenate([(np.linalg.inv(model.z_maps[j]).T @ other.Z.T) * root
                                   for j, other in enumerate(design.random) if other.group == group]))
    return SeveralBlocks(Z, model.Q, e, term.codes, el.factors[k].J, L @ L.T, None, effects[k], at.half, VX, Ve, at.s2,
                         at.s2 * model.criterion.degrees, root, rows=rows, place=k)


class _Seen:
    """A fit with the terms of one factor, for what asks about its groups."""

    _whole: Any
    _blocks: Any
    design: Any
    _effects: Any
    n_groups: Any
    _T: Any

    def __init__(self, fit, group: str):
        terms = tuple(term for term in fit.design.random if term.group == group)
        self.__dict__.update(
            _whole=fit, _blocks=several_blocks(fit, group), design=replace(fit.design, random=terms),
            _effects=fit._by_group[group], n_groups={group: fit.n_groups[group]},
            _T=[T for term, T in zip(fit.design.random, fit._T) if term.group == group])

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._whole, name)


def seen_by(fit, group: str | None = None):
    """The fit as seen by one of its factors; itself where it has no more than one.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    group : str, optional
        The factor; with several the one with the fewest groups when left out.

    Raises
    ------
    FormulaError
        If there is no such factor.
    """
    names = list(getattr(fit, "n_groups", {}))
    if group is not None and group not in names:
        known = ", ".join(map(repr, names)) or "none"
        raise FormulaError(f"There is no grouping factor {group!r}; the model has {known}.")
    if getattr(fit, "model", None) is None or fit.model.one_factor or isinstance(fit, _Seen):
        return fit
    return _Seen(fit, default_factor(fit) if group is None else group)


def group_rows(term) -> list[np.ndarray]:
    """The rows of each group; of several memberships all that belong to it."""
    J = len(term.levels)
    if term.members is None:
        return np.split(np.argsort(term.codes, kind="stable"), np.cumsum(np.bincount(term.codes, minlength=J))[:-1])
    codes, weights = term.members.codes, term.members.weights
    return [np.flatnonzero(((codes == j) & (weights > 0)).any(axis=1)) for j in range(J)]
