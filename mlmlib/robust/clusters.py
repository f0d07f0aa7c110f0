"""The clusters themselves: which rows they have, how much each weighs, and for how many equal ones they count.

Chapter 20 (``20_gee_and_robust``).

References
----------
Carter, A. V., Schnepel, K. T., & Steigerwald, D. G. (2017). Asymptotic behavior of a t-test robust to cluster heterogeneity.
Review of Economics and Statistics, 99, 698-709.

MacKinnon, J. G., Nielsen, M. O., & Webb, M. D. (2023). Leverage, influence, and the jackknife in clustered regression models:
Reliable inference using summclust. Stata Journal, 23, 942-982.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from ..lmm.factors import factor_names, lies_within, memberships
from ..table import Categorical, Table, factorize
from .adjust import Pieces

__all__ = ["clusters_of", "crossed", "effective_clusters", "leverages", "warnings_of"]


def clusters_of(fit, groups, rows) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """(name, codes of the rows, labels) of one clustering, or of the two of two-way clustering."""
    if groups is None:
        return [_own(fit, rows)]
    both = isinstance(groups, (list, tuple)) and all(isinstance(part, str) for part in groups)
    if not both:
        return [_one(fit, groups, rows)]
    if not 1 <= len(groups) <= 2:
        raise ValueError(f"groups= names {len(groups)} clusterings; one or two can be taken.")
    return [_one(fit, part, rows) for part in groups]


def _own(fit, rows):
    """The fit's own grouping: of several nested factors the coarsest."""
    if hasattr(fit, "frame"):  # a panel
        return _used(fit.frame.group, fit.frame.codes, np.asarray(fit.frame.levels), rows)
    if not getattr(fit.design, "random", ()):
        if rows.residual is not None and rows.residual.model.rows.correlation is not None:
            layout = rows.residual.model.rows.correlation.layout
            return _used("groups", layout.codes, np.asarray(layout.levels), rows)
        raise ValueError("Say which rows belong together: groups= a column of the data, as in mlm.robust(fit, 'school').")
    found = dict(memberships(fit.design))
    for name in factor_names(fit.design):
        if all(lies_within(codes, found[name][:, 0]) for codes in found.values()):
            term = next(term for term in fit.design.random if term.group == name)
            return _used(name, term.codes, np.asarray(term.levels), rows)
    raise DataError(f"The grouping factors {', '.join(map(repr, found))} are crossed, so that no cluster is independent of the "
                    "others. Name a grouping that holds them whole, if there is one.")


def _one(fit, groups, rows):
    """A clustering given as a column, a factor of the fit, or values."""
    n = fit.nobs
    if isinstance(groups, str):
        for term in getattr(fit.design, "random", ()):
            if term.group == groups and term.members is None:
                return _used(groups, term.codes, np.asarray(term.levels), rows)
        values, name = Table(fit.data)[groups], groups
    else:
        values, name = np.asarray(groups), "groups"
        if values.ndim != 1:
            raise DataError("groups= must be a column's name, two such names, or one value a row.")
        values = Table({name: values})[name]
    codes, levels = _coded(values)
    if fit.design.kept is not None and len(codes) == len(fit.design.kept):
        codes = codes[fit.design.kept]
    if len(codes) != n:
        raise DataError(f"groups= has {len(codes)} values for {n} rows.")
    if (codes < 0).any():
        raise DataError(f"{name!r} is missing in {int((codes < 0).sum())} rows of the fit (first: row {int(np.argmax(codes < 0))}); "
                        "fit without these rows, or say which cluster they belong to.")
    return _used(name, codes, levels, rows)


def _coded(values):
    if isinstance(values, Categorical):
        return values.codes, np.asarray(values.levels)
    codes = np.full(len(values), -1, dtype=np.intp)
    here = ~np.isnan(values)
    codes[here], levels = factorize(values[here])
    return codes, levels


def _used(name, codes, levels, rows):
    """Only the clusters that have rows, numbered anew."""
    codes = np.asarray(codes)
    if rows.place is not None:
        if rows.absorbed is not None and len(rows.absorbed) == len(codes) and not lies_within(rows.absorbed[:, None], codes):
            raise DataError(f"The clusters of {name!r} cut through groups that the fit has made one row each; name a coarser grouping.")
        codes = codes[rows.place]
    kept, codes = np.unique(codes, return_inverse=True)
    if len(kept) < 2:
        raise DataError(f"All rows are in one cluster of {name!r}; a robust covariance needs several.")
    return name, codes.ravel(), np.asarray(levels)[kept]


def crossed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Codes of the intersections of two clusterings."""
    return np.unique(first * (int(second.max()) + 1) + second, return_inverse=True)[1].ravel()


def effective_clusters(parts: Pieces, back: np.ndarray, working: np.ndarray | None = None) -> np.ndarray:
    """G* of each coefficient: G / (1 + squared coefficient of variation of what clusters add to its variance), shape (p,).

    What cluster j adds, gamma_j, is that under the working covariance: for independent rows G*(0) of MacKinnon, Nielsen and
    Webb; for a mixed model with the correlation it estimates.
    """
    working = parts.working if working is None else working
    gamma = np.einsum("pa,jab,pb->pj", back, working, back, optimize=True)
    mean = gamma.mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return gamma.shape[1] / (1.0 + gamma.var(axis=1) / mean ** 2)


def leverages(parts: Pieces, back: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each cluster's leverage, shape (J,), which sum to k; and its share of each coefficient's information, (J, p)."""
    gamma = np.einsum("pa,jab,pb->jp", back, parts.gram, back, optimize=True)
    return np.einsum("jaa->j", parts.gram), gamma / gamma.sum(axis=0)


def warnings_of(J: int, names, G: np.ndarray, df: np.ndarray, kind: str, name: str, wild: bool, two_way: bool = False) -> tuple[str, ...]:
    """What the reader should know of few or unequal clusters; `wild` where there is a wild bootstrap."""
    told = []
    if J < 20 or (kind not in ("CR2", "CR3") and J < 50):
        ways = ["cluster by the one that matters most, with kind='CR2'" if two_way else "use kind='CR2' with its degrees of freedom"]
        ways = ways * (kind != "CR2" or two_way) + ["compare mlm.wild_bootstrap"] * (wild and not two_way)
        told.append(f"Only {J} clusters ({name!r}): a robust covariance is made for many, and CR0 and CR1 are too small with few "
                    f"(fewer than 20 to 50; Cameron & Miller, 2015){''.join(f'; {way}' for way in ways)}.")
    low = np.flatnonzero(np.isfinite(df) & (df < 5))
    if len(low):
        said = ", ".join(f"{names[k]} ({df[k]:.1f})" for k in low[:4]) + (" ..." if len(low) > 4 else "")
        told.append(f"Fewer than 5 degrees of freedom for {said}: p-values and intervals are rough there (Tipton, 2015), because "
                    f"few clusters say anything of it{'; compare mlm.wild_bootstrap' * wild}.")
    worst = int(np.nanargmin(np.where(np.isfinite(G), G, np.inf)))
    if G[worst] < J / 2:
        told.append(f"The clusters are very unequal: for {names[worst]} the {J} of {name!r} are worth {G[worst]:.1f} equal ones "
                    "(effective number of clusters of Carter, Schnepel & Steigerwald, 2017, under the working covariance). See "
                    ".clusters, which has each one's leverage.")
    return tuple(told)
