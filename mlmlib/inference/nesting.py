"""Is one fit a special case of another? Comparisons of likelihoods that would mean nothing are refused here.

Fixed parts are nested when the columns of the smaller lie in the space of the larger one's, however they are coded.
Random parts: every structure is the positive semidefinite part of a linear space of matrices, so that nested means
that the smaller model's space, carried to the larger one's columns, lies in the larger one's space.  This covers
effects left out, independent inside unstructured, identity inside exchangeable, and effects that are coded anew.

Chapter 8 (``08_inference``) shows which comparisons are legitimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..table import Categorical, Table
from .row_comparison import check_structures

__all__ = ["Embedding", "check_nested", "embed", "kind"]

_TOLERANCE = 1e-7  # share of a column's length outside the larger model's columns that is rounding


@dataclass(frozen=True)
class Embedding:
    """A smaller model's random part in the larger model's own columns.

    Attributes
    ----------
    D : ndarray, shape (q, q)
        Relative covariance of the smaller fit; zero for a model without random effects.
    span : ndarray, shape (k, q, q)
        Its covariance structure: the symmetric matrices whose combinations it allows.
    maps : list of ndarray, shape (q, q_term)
        For each of its terms, the map from the term's own columns.
    singular : bool
        True when D has fewer dimensions than its structure allows: the smaller fit lies on its own boundary.
    """

    D: np.ndarray
    span: np.ndarray
    maps: list[np.ndarray]
    singular: bool


def kind(fit) -> str:
    """ML, REML, or linear (a model without random effects, whose likelihood of either kind is at hand)."""
    reml = getattr(fit, "reml", None)
    return "linear" if reml is None else "REML" if reml else "ML"


def check_nested(null, full) -> tuple[bool, Any]:
    """Refuse a comparison that means nothing.

    Parameters
    ----------
    null, full : LmmResult or OlsResult

    Returns
    -------
    bool
        True where the fixed parts differ, so that restricted likelihoods cannot be compared.
    Embedding, Special or None
        Of generalized models a `Special`; None when the larger model has no random effects, or the residuals' structures differ.

    Raises
    ------
    ValueError
        With the reason: no convergence, another outcome, other rows, other weights, REML beside ML, not nested, the
        same model, the larger one given first.
    """
    if any(hasattr(fit, "density") for fit in (null, full)):
        from .generalized_nesting import check_generalized
        return check_generalized(null, full)
    for fit, which in ((null, "first"), (full, "second")):
        if not getattr(fit, "converged", True):
            raise ValueError(f"The search of the {which} fit ({fit.formula}) did not converge, so its likelihood is "
                             "not at its maximum and cannot be compared. Simplify its random part.")
    _same_outcome(null, full)
    order = _same_rows(null, full)
    _same_weights(null, full, order)
    if {kind(null), kind(full)} == {"ML", "REML"}:
        raise ValueError("One fit is by REML and the other by ML; their likelihoods cannot be compared. Fit both with "
                         "the same reml=, or give one of them refit(reml=...).")
    if null.n_params > full.n_params:
        raise ValueError(f"The smaller model comes first: {null.formula} has {null.n_params} parameters, "
                         f"{full.formula} {full.n_params}. Exchange them.")
    fixed_differ = _fixed_nested(null, full, order)
    if check_structures(null, full):
        _same_random(null, full)
        return fixed_differ, None
    if kind(full) == "linear" or not full.design.random:
        if null.design.random:
            raise ValueError("The fits are not nested: the first model has random effects, the second has none.")
        embedded = None
    else:
        embedded = embed(null, full, order)
    if null.n_params == full.n_params:
        raise ValueError("The two are the same model, written the same way or another: they have the same number of "
                         "parameters and fit the same means and covariances.")
    return fixed_differ, embedded


def _same_random(null, full) -> None:
    """Structures of the residuals are tested with the same random effects in both models."""
    a, b = ([(term.text, shape.name) for term, shape in zip(fit.design.random, fit.model.structures)]
            if fit.design.random else [] for fit in (null, full))
    if a != b:
        raise ValueError("The fits differ in the structure of the residuals and in the random effects at once; compare "
                         "them by AIC or BIC, or step by step.")


def _same_outcome(null, full) -> None:
    a, b = null.design.endog_name, full.design.endog_name
    if a == b:
        return
    if hasattr(null, "outcomes") != hasattr(full, "outcomes"):
        raise ValueError("One of the fits is of several outcomes, the other of one. Where they are of the same values, "
                         "compare them by their llf, or fit both by mlm.multivariate.")
    means = ("likelihoods of different outcomes cannot be compared." if not set(null.design.formula.response.columns)
             & set(full.design.formula.response.columns) else
             "the density of a transformed outcome is on another scale. Choose between scales by residuals, or add the "
             "log of the transform's derivative, summed over the rows, to its log-likelihood and compare AIC.")
    raise ValueError(f"The fits have different outcomes, {a!r} and {b!r}; {means}")


def _same_rows(null, full):
    """The order of the null's rows in the larger fit; refuses different rows."""
    a, b = null.design, full.design
    if len(a.y) == len(b.y):
        if np.array_equal(a.y, b.y):
            return slice(None)
        labels, others = _labels(a), _labels(b)
        place = {label: row for row, label in enumerate(labels)}
        if len(place) == len(labels) and all(label in place for label in others):
            order = np.array([place[label] for label in others])
            if np.array_equal(a.y[order], b.y):
                return order
            changed = int((a.y[order] != b.y).sum())
            raise ValueError(f"The outcome {b.endog_name!r} differs between the fits in {changed} of {len(b.y)} rows: "
                             "they are fits to different outcomes.")
    lost, others = _why_rows(a, b)
    raise ValueError(f"The fits use different rows ({len(a.y)} and {len(b.y)}){lost}. Fit both to the same rows"
                     + (f": data.dropna(subset={others})." if others else ", from one table in one order."))


def _labels(design) -> list:
    """A name for every row used."""
    return np.asarray(design.index()).tolist()


def _why_rows(a, b) -> tuple[str, list[str]]:
    """Which columns' missing values made the rows differ, where it can be seen."""
    tables = Table(a.data), Table(b.data)
    if tables[0].n != tables[1].n:
        return f", from tables of {tables[0].n} and {tables[1].n} rows", []
    kept = [np.ones(tables[0].n, dtype=bool) if design.kept is None else design.kept for design in (a, b)]
    if (kept[0] == kept[1]).all():
        return ", or the same rows in another order", []
    told, names = [], []
    for which, mine, table, own, other in (("first", a, tables[0], *kept), ("second", b, tables[1], *kept[::-1])):
        rows = other & ~own
        for name in mine.formula.columns if rows.any() else ():
            column = table[name]
            missing = (column.codes < 0 if isinstance(column, Categorical) else np.isnan(column)) & rows
            if missing.any():
                told.append(f"the {which} lacks {int(missing.sum())} where {name!r} is missing")
                names.append(name)
    return (f": {', '.join(told)}" if told else ""), list(dict.fromkeys(names))


def _same_weights(null, full, order) -> None:
    a, b = (np.ones(len(fit.design.y)) if fit.design.weights is None else fit.design.weights for fit in (null, full))
    if not np.allclose(a[order], b, rtol=1e-10, atol=0.0):
        raise ValueError("The fits have different weights, so they are models of different residual variances; neither "
                         "is a special case of the other. Fit both with the same weights=.")


def _offset(design):
    return np.zeros(len(design.y)) if design.offset is None else np.broadcast_to(design.offset, design.y.shape)


def _fixed_nested(null, full, order) -> bool:
    """Refuse fixed parts that are not nested; whether they differ."""
    X = full.design.X / _lengths(full.design.X)
    basis = np.linalg.qr(X)[0]
    small = null.design.X[order] / _lengths(null.design.X)
    left = _lengths(small - basis @ (basis.T @ small))
    if (left > _TOLERANCE).any():
        names = [name for name, rest in zip(null._names, left) if rest > _TOLERANCE]
        raise ValueError(f"The fits are not nested: {', '.join(map(repr, names))} of the first model's fixed effects "
                         "cannot be made of the second's. Compare them by AIC or BIC.")
    shift = _offset(null.design)[order] - _offset(full.design)
    if not shift.any():
        return len(null._names) != len(full._names)
    rest = shift - basis @ (basis.T @ shift)
    if np.linalg.norm(rest) > _TOLERANCE * np.linalg.norm(shift):
        raise ValueError("The fits have different offsets, and their difference is no combination of the second "
                         "model's fixed effects, so the first is not a special case of it. Fit both with the "
                         "same offset.")
    return True


def _lengths(X):
    return np.sqrt((X ** 2).sum(axis=0))


def embed(null, full, order=slice(None)) -> Embedding:
    """The smaller model's random part in the larger one's own columns; refuses one that is not a special case.

    Parameters
    ----------
    null : LmmResult or OlsResult
    full : LmmResult
    order : slice or ndarray
        The null's rows in the order of the larger fit's.

    Raises
    ------
    ValueError
    """
    blocks = full.model.criterion.blocks
    q = blocks[-1].stop
    D, span, maps, whole = np.zeros((q, q)), [], [], np.zeros((q, q))
    terms = () if kind(null) == "linear" else zip(null.design.random, null.model.structures, null.model.z_maps, null._D)
    allowed = _symmetric(full.model.criterion.basis)
    for term, shape, back, own in terms:
        found = _map(term, full, order, blocks)
        mine = [found @ (back @ E @ back.T) @ found.T for E in _symmetric(shape.basis)]
        if not all(_inside(E, allowed) for E in mine):
            raise ValueError(f"The fits are not nested: the first model's {shape.name} covariance of {term.text} is no "
                             "special case of the second's. Compare them by AIC or BIC.")
        D += found @ own @ found.T
        whole += found @ back @ back.T @ found.T
        span += mine
        maps.append(found @ back)
    scale = float(np.abs(whole).max(initial=0.0))
    rank = int((np.linalg.eigvalsh(whole) > 1e-12 * scale).sum())
    singular = bool((np.linalg.eigvalsh(D) > 1e-8).sum() < rank)
    return Embedding(D, np.array(span).reshape(-1, q, q), maps, singular)


def _symmetric(basis):
    return (basis + basis.transpose(0, 2, 1)) / 2.0


def _inside(E, allowed) -> bool:
    flat = allowed.reshape(len(allowed), -1).T
    left = E.ravel() - flat @ np.linalg.lstsq(flat, E.ravel(), rcond=None)[0]
    return bool(np.abs(left).max() <= 1e-6 * np.abs(E).max())


def _map(term, full, order, blocks) -> np.ndarray:
    """The map from a term's effects to the larger model's own effects of the same groups."""
    found = np.zeros((blocks[-1].stop, len(term.names)))
    same = [k for k, other in enumerate(full.design.random) if _same_groups(term.codes[order], other.codes)]
    if not same:
        groups = ", ".join(dict.fromkeys(other.group for other in full.design.random))
        raise ValueError(f"The fits are not nested: the first model groups by {term.group!r}, the second by {groups}. "
                         "Compare them by AIC or BIC.")
    Z = np.hstack([full.design.random[k].Z for k in same])
    scale = _lengths(Z)
    for column, (name, z) in enumerate(zip(term.names, term.Z[order].T)):
        equal = np.flatnonzero((Z == z[:, None]).all(axis=0))
        if len(equal):
            weights = np.eye(Z.shape[1])[equal[0]]
        else:
            weights = np.linalg.lstsq(Z / scale, z, rcond=1e-10)[0] / scale
            if np.linalg.norm(z - Z @ weights) > _TOLERANCE * np.linalg.norm(z):
                raise ValueError(f"The fits are not nested: the first model lets {name!r} vary over {term.group!r}, "
                                 "the second does not. Compare them by AIC or BIC.")
        at = 0
        for k in same:
            wide = len(full.design.random[k].names)
            found[blocks[k], column] = np.linalg.solve(full.model.z_maps[k], weights[at:at + wide])
            at += wide
    return found


def _same_groups(a, b) -> bool:
    """Do two codings part the rows in the same groups?"""
    if np.array_equal(a, b):
        return True
    pairs = a.astype(np.int64) * (int(b.max()) + 1) + b
    return len(np.unique(pairs)) == len(np.unique(a)) == len(np.unique(b))
