"""The grouping factors of a design: which there are, how they lie to one another, and their columns as sparse matrices.

Chapters 11 and 12 (``11_three_levels``, ``12_crossed``) show nested and crossed factors.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError, FormulaError

__all__ = ["check_terms", "chosen_factor", "factor_names", "indistinct", "lies_within", "memberships", "only_linear", "only_one_factor",
           "only_plain_residuals", "recycled", "refuse_indistinct", "sparse_factors"]


def factor_names(design) -> list[str]:
    """The grouping factors, in the order of the formula."""
    return list(dict.fromkeys(term.group for term in design.random))


def chosen_factor(fit, group: str | None) -> str:
    """The grouping factor meant: the one named, or the only one."""
    groups = list(getattr(fit, "n_groups", {}))
    if not groups:
        raise DataError("This needs a fitted mixed model: a formula with a random term such as (1 | school).")
    if group is None and len(groups) > 1:
        raise DataError(f"The model has several grouping factors; name one: group={' or '.join(map(repr, groups))}.")
    group = group or groups[0]
    if group not in groups:
        raise DataError(f"There is no grouping factor {group!r}; the model has {', '.join(map(repr, groups))}.")
    return group


def memberships(design):
    """(factor, codes of its groups, shape (n, m), m of them for multiple membership) of every factor."""
    for name in factor_names(design):
        term = next(term for term in design.random if term.group == name)
        yield name, term.codes[:, None] if term.members is None else term.members.codes


def lies_within(inner: np.ndarray, outer: np.ndarray) -> bool:
    """True if every group of `inner`, shape (n, m), has rows of one group of `outer`, shape (n,), only."""
    pairs = np.unique(np.stack([inner.ravel(), np.repeat(outer, inner.shape[1])]), axis=1)
    return len(np.unique(pairs[0])) == pairs.shape[1]


def only_one_factor(design, what: str) -> None:
    """Refuse a model with several grouping factors where a method is not there for it yet."""
    names = factor_names(design)
    if any(term.members for term in design.random):
        raise FormulaError(f"{what} takes models without multiple membership so far; this one has "
                           f"{next(term.group for term in design.random if term.members)}.")
    if len(names) > 1:
        raise FormulaError(f"{what} takes models with one grouping factor so far; this one has "
                           f"{', '.join(map(repr, names[:-1]))} and {names[-1]!r}.")


def only_plain_residuals(fit, what: str) -> None:
    """Refuse a model with a structure of its residuals where a method would leave it out."""
    if hasattr(fit, "residual_table"):
        told = ", ".join(f"{kind}: {title}" for kind, title in fit.residual_structure)
        raise FormulaError(f"{what} takes models whose residuals are independent with equal variance so far; this one "
                           f"has {told}.")


def only_linear(fit, what: str, instead: str) -> None:
    """Refuse a generalized linear mixed model where a method is of the linear model; `instead` says what to do."""
    if hasattr(fit, "density"):
        raise FormulaError(f"{what} is for linear models; this one is of family {fit.family.name!r} with link "
                           f"{fit.link.name!r}. For it {instead}.")


def sparse_factors(terms, Zs: list[np.ndarray]) -> list:
    """Each factor's columns, all its terms side by side.

    Parameters
    ----------
    terms : sequence of RandomDesign
    Zs : list of ndarray, shape (q, n)
        Their columns as the criterion has them.

    Returns
    -------
    list of Factor
    """
    import scipy.sparse as sp

    from .several import Factor

    places = np.cumsum([0, *(len(Z) for Z in Zs)])
    found = []
    for group in dict.fromkeys(term.group for term in terms):
        own = [k for k, term in enumerate(terms) if term.group == group]
        effects = np.concatenate([np.arange(places[k], places[k + 1]) for k in own])
        members, J = terms[own[0]].members, len(terms[own[0]].levels)
        Z = np.concatenate([Zs[k] for k in own]) if len(own) > 1 else Zs[own[0]]
        q, n = Z.shape
        kind = np.int32 if max(J * q, n * q) < 2 ** 31 else np.int64
        layers = []
        for codes, weights in _memberships(terms[own[0]]):
            columns = (codes.astype(kind)[:, None] * q + np.arange(q, dtype=kind)).ravel()
            data = Z.T.ravel() if weights is None else (Z * weights).T.ravel()
            layers.append(sp.csr_matrix((data, columns, np.arange(0, n * q + 1, q, dtype=kind)), shape=(n, J * q)))
        found.append(Factor(sum(layers[1:], start=layers[0]), J, q, effects, single=members is None))
    return found


def _memberships(term):
    """Codes and weights of each group that a row belongs to; no weights where it belongs to one."""
    if term.members is None:
        return [(term.codes, None)]
    return list(zip(term.members.codes.T, term.members.weights.T))


def _pairs(design):
    """Every two grouping factors, a term of each."""
    first = {term.group: term for term in reversed(design.random) if term.members is None}
    names = [name for name in factor_names(design) if name in first]
    return [(first[a], first[b]) for k, a in enumerate(names) for b in names[k + 1:]]


def check_terms(design, without: str, with_one_group: str) -> None:
    """Refuse random terms that cannot be estimated, and more coefficients than rows; the mends are what to do instead."""
    if not design.random:
        raise FormulaError(f"The formula {design.formula.text!r} has no random term such as (1 | group); add one, or "
                           f"{without}.")
    effects = [(term.group, name) for term in design.random for name in term.names]
    twice = next((pair for k, pair in enumerate(effects) if pair in effects[:k]), None)
    if twice:
        raise FormulaError(f"The effect {twice[1]!r} varies over {twice[0]!r} in two terms, which cannot be told "
                           "apart; remove it from one of them, as in (1 | g) + (0 + x | g).")
    n, p = design.X.shape
    if n <= p:
        raise DataError(f"{n} rows cannot carry {p} fixed effects; drop predictors or collect more data.")
    for term in design.random:
        if len(term.levels) < 2:
            raise DataError(f"The grouping factor {term.group!r} has one group only ({term.levels[0]}), so no "
                            f"variation between groups can be seen; {with_one_group}.")


def refuse_indistinct(design) -> None:
    """Refuse two grouping factors that divide the rows into the same groups."""
    same = indistinct(design)
    if same:
        raise DataError(f"The grouping factors {same[0]!r} and {same[1]!r} divide the rows into the same groups, so "
                        "their variances cannot be told apart; remove one of them.")


def indistinct(design) -> tuple[str, str] | None:
    """Two grouping factors that divide the rows into the same groups."""
    for a, b in _pairs(design):
        if len(a.levels) == len(b.levels) and len(np.unique(a.codes * len(b.levels) + b.codes)) == len(a.levels):
            return a.group, b.group
    return None


def recycled(design) -> list[str]:
    """Tell of labels that begin anew in every group of another factor, such as classes 1, 2, 3 in every school.

    Told where the labels in nearly every group of one factor are the first few of all, and most cells have several
    rows, as the pupils of a class; where every group meets every label once, as persons meet items, it is a crossing.
    """
    told = []
    names = {frozenset(name.split(":")) for name in factor_names(design)}
    for pair in _pairs(design):
        for outer, inner in (pair, pair[::-1]):
            if set(outer.group.split(":")) & set(inner.group.split(":")):
                continue  # (1 | a/b) was written
            if frozenset([outer.group, inner.group]) in names:
                continue
            J, many = len(outer.levels), len(inner.levels)
            if many > max(2 * np.median(np.bincount(outer.codes, minlength=J)), 3):
                continue
            cells = np.unique(outer.codes * many + inner.codes)
            groups, labels = np.divmod(cells, many)
            met = np.bincount(groups, minlength=J)
            if len(design.y) < 2 * len(cells) or met.max() < 2:
                continue
            last = np.zeros(len(met), dtype=int)
            np.maximum.at(last, groups, labels)
            if np.mean(last + 1 == met) < 0.9 or many > max(2 * np.median(met), 3):
                continue
            told.append(
                f"The labels of {inner.group!r} begin anew in every group of {outer.group!r}: as written, group "
                f"{inner.levels[0]} is one and the same group wherever it occurs ({many} groups). If these "
                f"are different groups in each {outer.group!r}, write (1 | {outer.group}/{inner.group}), which has "
                f"{len(cells)}.")
            break
    return told
