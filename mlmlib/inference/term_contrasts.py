"""Which combinations of coefficients an analysis of variance tests for a term: types I, II and III.

Type I takes the terms in the order of the formula, each after those before it. Type II takes each after all terms that
do not contain it. Type III takes the estimable functions of the term that no term without it enters, and of these the
ones that are orthogonal to the functions of the terms that contain it: in a table of cells, the differences of the
unweighted means. Type III is found in the model with a coefficient for every category and every cell, so that it does
not depend on how the columns are coded.

A term contains another if it has all its factors, the same numbers among them and more categories: ``x:sector``
contains ``x`` but not ``sector``, whose test is therefore that of a difference at x = 0. These are the definitions of
SAS and lmerTest; as there, "after" means by the columns' cross-products X'X, of a mixed model too.
The R package car differs in type II: for it ``x:sector`` contains ``sector`` as well, whose test then leaves the
interaction out.

Chapter 8 (``08_inference``) shows what each type asks.

References
----------
Goodnight, J. H. (1980). Tests of hypotheses in fixed effects linear models. Communications in Statistics: Theory and
Methods, 9, 167-180.
Kuznetsova, A., Brockhoff, P. B., & Christensen, R. H. B. (2017). lmerTest package: Tests in linear mixed effects
models. Journal of Statistical Software, 82(13).
"""

from __future__ import annotations

from itertools import product

import numpy as np

from ..coding import Encoder
from ..formula import term_name
from ..transforms import Treatment

__all__ = ["term_contrasts"]


def term_contrasts(fit, kind: int) -> dict[str, np.ndarray]:
    """For each term but the intercept the rows C of its hypothesis C b = 0.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    kind : {1, 2, 3}

    Returns
    -------
    dict of str to ndarray, shape (k, p)
        In the order of the formula; a term that has no hypothesis of its own (k = 0) is left out.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.ols("mathach ~ cses * sector", mlm.load("hsb"))
    >>> term_contrasts(fit, 3)["cses"].round(3).tolist()  # the mean of the two sectors' slopes
    [[0.0, 1.0, 0.0, 0.5]]
    """
    terms, columns = _columns(fit)
    if kind == 3:
        found = _type_three(fit, terms)
    elif kind == 2:
        found = {term: _type_two(fit, term, terms, columns) for term in terms if term}
    else:
        rows = _after(fit, np.arange(len(fit._names)))  # a row a column, in the order of the formula
        found = {term: rows[columns[term]] for term in terms if term}
    return {term_name(term): C for term, C in found.items() if len(C)}


def _columns(fit) -> tuple[tuple, dict]:
    """The terms, and the places of each one's columns."""
    encoder = fit.design.encoder
    ends = [len(Encoder(encoder.terms[:k], encoder.infos).names) for k in range(len(encoder.terms) + 1)]
    return encoder.terms, {term: np.arange(a, b) for term, a, b in zip(encoder.terms, ends, ends[1:])}


def _contains(big, small, infos) -> bool:
    """Whether a term has all factors of another, the same numbers, and more categories."""
    def numbers(term):
        return {factor for factor in term if infos[factor].levels is None}
    return bool(small) and set(small) < set(big) and numbers(big) == numbers(small)


def _after(fit, order: np.ndarray) -> np.ndarray:
    """Rows of the hypotheses that each column adds nothing to those before it, in the given order of columns.

    The rows of R in X = QR, each divided by its diagonal.
    """
    X, weights = fit.design.X[:, order], fit.design.weights
    if fit.reml is None and weights is not None:  # least squares: X'WX, as anova() after lm in R
        X = X * np.sqrt(weights)[:, None]
    size = np.sqrt((X * X).sum(axis=0))
    R = np.linalg.qr(X / size, mode="r")
    R = np.triu(np.where(np.abs(R) < 1e-12, 0.0, R) / np.diagonal(R)[:, None])
    rows = np.zeros_like(R)
    rows[:, order] = R * size / size[:, None]
    return rows


def _type_two(fit, term, terms, columns) -> np.ndarray:
    """Rows of one term after all that do not contain it; its own coefficients where nothing does."""
    infos = fit.design.encoder.infos
    above = [other for other in terms if _contains(other, term, infos)]
    own = columns[term]
    if not above:
        return np.eye(len(fit._names))[own]
    last = np.concatenate([own, *(columns[other] for other in above)])
    first = np.setdiff1d(np.arange(len(fit._names)), last)
    rows = _after(fit, np.concatenate([first, last]))
    return rows[len(first):len(first) + len(own)]


def _type_three(fit, terms) -> dict:
    """Estimable functions of every term, in the model with a coefficient for every category and cell."""
    values, infos = fit.design.fixed_values(), fit.design.encoder.infos
    parts = [_full(term, values, infos, len(fit.design.y)) for term in terms]
    owner = np.repeat(np.arange(len(terms)), [len(part[0]) for part in parts])
    D, leading, size = (np.concatenate([part[k] for part in parts]) for k in range(3))
    there = D.any(axis=1)  # a cell without rows has no coefficient
    D, leading, size, owner = D[there], leading[there], size[there], owner[there]
    U, values, V = np.linalg.svd(D, full_matrices=False)
    rank = int((values > 1e-9 * values[0]).sum())
    if rank != len(fit._names):
        raise ValueError("Type III cannot be told from the coding of this model's categories; use type=2.")
    estimable = U.T[:rank]
    order = np.lexsort((~leading, owner))
    basis = np.zeros(len(owner), dtype=bool)
    basis[_independent(estimable, order)] = True  # the columns that treatment coding would keep
    back = (U[:, :rank] / values[:rank]) @ (V[:rank] @ fit.design.X)  # coefficients of the full model by ours
    found = {}
    for k, term in enumerate(terms):
        if not term:
            continue
        above = [j for j, other in enumerate(terms) if _contains(other, term, infos)]
        mine = owner == k
        outside = basis & ~np.isin(owner, [k, *above])
        containing = _vanishing(estimable, outside | (basis & mine))
        functions = _vanishing(estimable, outside)
        functions = _vanishing(functions, containing=containing)
        own = np.flatnonzero(basis & mine)
        C = np.linalg.solve(functions[:, own], functions) / size[own, None] @ back
        found[term] = np.where(np.abs(C) < 1e-10 * np.abs(C).max(initial=1.0), 0.0, C)
    return found


def _full(term, values, infos, n) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A column for every cell of the term, one a row, its numbers brought to mean square one; which of the columns
    treatment coding would keep; what they were divided by."""
    parts, kept = [np.ones((1, n))], [[True]]
    sizes = [np.ones(1)]
    for factor in term:
        info, value = infos[factor], values[factor]
        if info.levels is None:
            columns = np.atleast_2d(value if info.width == 1 else value.T)
            size = np.sqrt(np.mean(columns ** 2, axis=1))
            parts.append(columns / size[:, None])
            kept.append([True] * info.width)
            sizes.append(size)
        else:
            levels = info.levels.tolist()
            stays = (info.contrast if isinstance(info.contrast, Treatment) else Treatment()).matrix(levels)[1]
            parts.append((value.codes == np.arange(len(levels))[:, None]).astype(float))
            kept.append([level in stays for level in levels])
            sizes.append(np.ones(len(levels)))
    rows = np.array([np.prod(cell, axis=0) for cell in product(*parts)])
    return rows, np.array([all(cell) for cell in product(*kept)]), np.array([np.prod(cell) for cell in product(*sizes)])


def _vanishing(functions: np.ndarray, places=None, containing=None) -> np.ndarray:
    """Of the span of orthonormal `functions` what is zero at `places`, or orthogonal to `containing`; orthonormal."""
    against = functions[:, places] if containing is None else functions @ containing.T
    if not against.size:
        return functions
    U, values, _ = np.linalg.svd(against)
    return U[:, int((values > 1e-8).sum()):].T @ functions


def _independent(functions: np.ndarray, order: np.ndarray) -> list[int]:
    """The first columns, in the given order, that do not depend on those before them (Gram-Schmidt, twice)."""
    found, axes = [], np.zeros((0, len(functions)))
    for place in order:
        column = functions[:, place]
        left = column - axes.T @ (axes @ column)
        left = left - axes.T @ (axes @ left)
        length = np.sqrt(left @ left)
        if length > 1e-7 * np.sqrt(column @ column):
            found.append(int(place))
            axes = np.vstack([axes, left / length])
    return found
