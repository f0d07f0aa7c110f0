"""What the estimates would be without a group or without a row.

With the variances held, the generalized least-squares estimate without some rows follows from what they add to X'V^-1X
and X'V^-1y: no fit is needed.  With the variances estimated again it is a fit, but of cross-products from which those
of the rows are subtracted, begun at the optimum of all rows: a few evaluations, none of which looks at the rows.

Chapter 9 (``09_diagnostics``) derives the first for a group.

References
----------
Christensen, R., Pearson, L. M., & Johnson, W. (1992). Case-deletion diagnostics for mixed models.
Technometrics, 34, 38-45.
Demidenko, E., & Stukel, T. A. (2005). Influence analysis for linear mixed-effects models. Statistics in Medicine, 24,
893-909.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np

from ..errors import DataError
from ..inference.parameters import sources
from ..inference.row_parameters import all_names
from ..lmm.criterion import Criterion
from .blocks import Blocks, blocks
from .several_deletion import SeveralCut, information_of_sets

__all__ = ["Deleted", "held", "held_linear", "reestimated", "variance_names", "variance_values"]

_RANK = 1e-9  # share of a direction's information that must stay


@dataclass(frozen=True)
class Deleted:
    """Estimates without each of m sets of rows; NaN where there are none.

    Attributes
    ----------
    fixed : ndarray, shape (m, p)
        Coefficients.
    se : ndarray, shape (m, p)
        Their standard errors.
    variances : ndarray, shape (m, k)
        Standard deviations, correlations and sigma, as named by `variance_names`.
    singular : ndarray of bool, shape (m,)
    why : dict
        For sets without estimates, by number: the reason in words.
    evaluations : int
        Of the criterion, over all sets.
    """

    fixed: np.ndarray
    se: np.ndarray
    variances: np.ndarray
    singular: np.ndarray
    why: dict
    evaluations: int


def variance_names(fit) -> list[str]:
    """Names of the variance parameters: ``sd(school: Intercept)``, ``corr(school: Intercept, cses)``, ``sigma``."""
    return all_names(fit)[len(fit._names):]


def variance_values(model, at) -> list[float]:
    """Their values at an evaluation of the criterion; NaN for a correlation with an effect that does not vary."""
    values = []
    for k, a, b in sources(model):
        block = model.criterion.blocks[k]
        rows = model.z_maps[k][[a, b]] @ at.L[block, block] * np.sqrt(at.s2)
        sd = np.sqrt((rows**2).sum(axis=1))
        product = sd[0] * sd[1]
        values.append(float(sd[0]) if a == b else float(rows[0] @ rows[1] / product) if product > 0 else np.nan)
    return [*values, float(np.sqrt(at.s2))]


def _lost(fit, directions: np.ndarray) -> str:
    """Say which coefficients cannot be told apart once the rows that carried `directions`, (p, k) or (p,), are gone."""
    at = blocks(fit)
    back = _back(fit, at) @ np.linalg.solve(at.half, directions.reshape(len(at.X), -1))
    loads = np.abs(back).max(axis=1) * np.sqrt((fit.design.X**2).mean(axis=0))
    names = [name for name, load in zip(fit._names, loads) if load > 1e-6 * loads.max()]
    *first, last = map(repr, [name for name in names if name != "Intercept"] or names)
    named = f"{', '.join(first)} and {last}" if first else last
    return f"the rows that are left cannot tell {named} from the other columns"


def held(fit, codes: np.ndarray, m: int, kind: str, sets=None) -> tuple[Deleted, dict]:
    """Delete each group or each row with the variances held: exact and without a fit.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    codes : ndarray of int, shape (n,)
        The set of every row.
    m : int
        Number of sets.
    kind : {"group", "row", "set"}
        Sets are whole groups of the model's grouping factor, single rows, or any `sets` (with several factors).
    sets : list of ndarray, optional
        The rows of each set.

    Returns
    -------
    Deleted
    dict
        ``cooks``, ``mdffits``, ``covratio``, ``covtrace``, each of shape (m,), as HLMdiag defines them.
    """
    at = blocks(fit)
    p = len(at.X)
    back = _back(fit, at)
    if kind == "row":
        shift, inside, trace, det, spread, why = _rows(fit, at, back)
    else:
        gone, score = _groups(at) if sets is None else information_of_sets(at, sets)
        shift, inside, trace, det, spread, why = _without(fit, at, back, gone, score)
    measures = {
        "cooks": np.einsum("mp,mp->m", shift, shift) / (p * at.s2),
        "mdffits": inside / (p * at.s2),
        "covratio": 1.0 / det,
        "covtrace": np.abs(trace - p),
    }
    own = variance_values(fit.model, fit._at) if getattr(fit, "model", None) else [fit.sigma]
    return Deleted(
        fit._params + shift @ back.T, np.sqrt(at.s2 * spread), np.tile(own, (m, 1)), np.zeros(m, dtype=bool), why, 0
    ), measures


def _back(fit, at: Blocks) -> np.ndarray:
    """From the frame where the coefficients' information is the identity to the reader's coefficients."""
    if getattr(fit, "model", None):
        return np.linalg.solve(fit.model.x_map.T, at.half)
    return np.linalg.lstsq(fit.design.X * at.root[:, None], at.X.T, rcond=None)[0]


def _groups(at: Blocks) -> tuple[np.ndarray, np.ndarray]:
    """What each group adds to the information and to the score, V block-diagonal by groups."""
    p = len(at.X)
    lever, X = at.lever, at.half.T @ at.X
    gone = np.stack([at.sums(X[a] * lever).T for a in range(p)], axis=1).reshape(at.J, p, p)
    return gone, at.sums(X * at.Ve).T


def _without(fit, at: Blocks, back: np.ndarray, gone: np.ndarray, score: np.ndarray):
    """The coefficients without each set of rows, from what it adds to the information and to the score.

    Returns, for each set: their change, in the frame where the information is the identity; what the information
    left makes of it, d'(I - A)d; the trace of the covariance and the determinant of the information, both
    relative; the coefficients' variances, in units of s2; and why there are none.
    """
    values, vectors = np.linalg.eigh((gone + gone.transpose(0, 2, 1)) / 2.0)
    stays = 1.0 - values
    lost = stays[:, -1] < _RANK
    why = {int(j): _lost(fit, at.half @ vectors[j][:, stays[j] < _RANK]) for j in np.flatnonzero(lost)}
    stays[lost] = np.nan
    turned = -np.einsum("jpk,jp->jk", vectors, score) / stays
    shift = np.einsum("jpk,jk->jp", vectors, turned)
    spread = np.einsum("ap,jpk->jak", back, vectors, optimize=True) ** 2
    return (
        shift,
        (turned**2 * stays).sum(axis=1),
        (1.0 / stays).sum(axis=1),
        stays.prod(axis=1),
        np.einsum("jak,jk->ja", spread, 1.0 / stays),
        why,
    )


def _rows(fit, at: Blocks, back: np.ndarray):
    """The same without each row, whose information has rank one."""
    lever = at.lever
    share = at.p_diagonal / at.v_diagonal
    known = share > _RANK
    why = {int(i): _lost(fit, at.half @ lever[:, i]) for i in np.flatnonzero(~known)}
    share = np.where(known, share, np.nan)
    left = share * at.v_diagonal
    shift = -(lever * (at.Ve / left)).T
    inside = (shift**2).sum(axis=1) * share  # shift is along lever, of which a share of the information stays
    trace = len(at.X) + (1.0 - share) / share
    spread = (back**2).sum(axis=1) + (back @ lever).T ** 2 / left[:, None]
    return shift, inside, trace, share, spread, why


class _Begun(Criterion):
    """The criterion of what is left, whose search begins at the optimum of all rows."""

    first: np.ndarray  # L there

    def start(self):
        return self.settle(self.first)


def held_linear(fit, codes, m, kind):
    """A model without random effects: V is the identity, so that any set of rows is a block of its own."""
    at = blocks(fit)
    if kind != "row":
        fit_of_sets = _Seen(fit, replace(at, codes=codes, J=m))
        return held(fit_of_sets, codes, m, "group")
    return held(fit, codes, m, "row")


class _Seen:
    """A fit whose rows are blocked otherwise."""

    def __init__(self, fit, at):
        self._fit = fit
        self._blocks = at

    def __getattr__(self, name):
        return getattr(self._fit, name)


def reestimated(fit, codes: np.ndarray, m: int, *, variances: bool = True, sets=None) -> tuple[Deleted, dict]:
    """Fit the model without each of m sets of rows, from cross-products.

    Parameters
    ----------
    fit : LmmResult
    codes : ndarray of int, shape (n,)
        The set of every row; -1 for rows that stay always.
    m : int
    variances : bool
        Estimate the variances again; False evaluates at those of all rows.
    sets : list of ndarray, optional
        The rows of each set, where rows may be in several.

    Returns
    -------
    Deleted
    dict
        The measures that `held` returns.
    """
    model, full = fit.model, fit._at
    p, k = fit.design.X.shape[1], len(variance_names(fit))
    fixed, se = np.full((m, p), np.nan), np.full((m, p), np.nan)
    values, singular, why, count = np.full((m, k), np.nan), np.zeros(m, dtype=bool), {}, 0
    measures = {name: np.full(m, np.nan) for name in ("cooks", "mdffits", "covratio", "covtrace")}
    back, unit = np.linalg.inv(model.x_map).T, np.linalg.inv(full.half)
    if sets is None:
        order = np.argsort(codes, kind="stable")
        sets = np.split(order, np.searchsorted(codes[order], np.arange(m + 1)))[1:-1]
    cut = _Cut(fit) if model.one_factor else SeveralCut(fit, blocks(fit), _lost)
    for j, rows in enumerate(sets):
        criterion, reason = cut.without(rows)
        if reason:
            why[j] = reason
            continue
        if variances:
            other = copy.copy(model)
            other.criterion = criterion
            try:
                minimum, _ = other.fit()
            except DataError as error:
                why[j] = str(error)
                continue
            at, count = minimum.at, count + minimum.n_evaluations
            if not minimum.converged:
                why[j] = "the search did not converge"
                continue
            singular[j] = any(other.singular(at))
            s2 = at.s2
        else:
            at, count = criterion.evaluate(full.L, full.basis), count + 1
            s2 = full.s2
        half = back @ at.half
        fixed[j] = back @ (model.start_b + at.b)
        se[j] = np.sqrt(s2 * (half**2).sum(axis=1))
        values[j] = variance_values(other, at) if variances else variance_values(model, full)
        shift, part = (
            unit @ (at.b - full.b),
            unit @ at.half,
        )  # in the frame where the covariance of all rows is s2 times I
        root = np.linalg.solve(part, shift)
        V = s2 / full.s2 * part @ part.T
        measures["cooks"][j], measures["mdffits"][j] = shift @ shift / (p * full.s2), root @ root / (p * s2)
        measures["covratio"][j], measures["covtrace"][j] = np.linalg.det(V), abs(np.trace(V) - p)
    return Deleted(fixed, se, values, singular, why, count), measures


class _Cut:
    """Cross-products of a fit from which those of some rows can be taken."""

    def __init__(self, fit):
        self.fit, self.model, self.at = fit, fit.model, blocks(fit)
        elimination = self.model.criterion.elimination
        residual = self.at.e + (fit._at.b @ self.model.Q)  # of least squares, the elimination's last column
        self.stacked = np.vstack([self.at.Z, self.model.Q, residual])
        self.elimination = elimination
        self.q = elimination.q

    def without(self, rows: np.ndarray) -> tuple[Criterion | None, str]:
        """The criterion without `rows`; or None and why there is none."""
        q, codes, sizes = self.q, self.at.codes[rows], self.at.sizes
        part = self.stacked[:, rows]
        XY = part[q:]
        p, n = len(XY) - 1, len(self.fit.design.y) - len(rows)
        gone = np.linalg.eigh(XY[:p] @ XY[:p].T) if p else (np.zeros(1), np.zeros((0, 1)))
        if p and 1.0 - gone[0][-1] < _RANK:
            return None, _lost(self.fit, gone[1][:, 1.0 - gone[0] < _RANK])
        AB = self.elimination.AB.copy()
        touched, place = np.unique(codes, return_inverse=True)
        for k, group in enumerate(touched):
            mine = part[:, place == k] if len(touched) > 1 else part
            AB[:, :, group] -= mine[:q] @ mine.T
        emptied = touched[np.bincount(place) == sizes[touched]]
        if len(emptied):
            AB = np.delete(AB, emptied, axis=2)
        groups = AB.shape[2]
        if groups < 2:
            return None, "one group only is left, so no variation between groups can be seen"
        if n <= p or (groups * q >= n and self.fit.design.weights is None):
            return None, "too few rows are left for the model"
        elimination = copy.copy(self.elimination)
        elimination.AB, elimination.C, elimination.n_groups = AB, self.elimination.C - XY @ XY.T, groups
        criterion = _Begun(elimination, self.model.structures, n, self.model.reml)
        criterion.first = self.fit._at.L
        return criterion, ""
