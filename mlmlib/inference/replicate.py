"""From a block's seed to the estimates of its replicates.

An engine is a function ``(seed, size) -> Drawn`` that joblib can send to any worker: arrays, and for a statistic the fit.
Whatever a block draws depends on its own seed alone: the numbers are the same for any number of workers, and the first
hundred replicates of a thousand are those of a hundred.

Chapter 8 (``08_inference``).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np

from ..errors import DataError
from ..lmm.batch_fit import fit_replicates
from .generalized_bootstrap import GeneralizedRefits
from .parameters import Parameters, sigma_name
from .resample import Cluster, Parametric, Residual
from .row_resample import RowEngine
from .several_resample import Outcomes, WholeGroups, estimates, named_codes, refitted_outcome, regrouped

__all__ = ["BLOCK", "Drawn", "KINDS", "bare", "deletions", "engine", "named", "resampled"]

BLOCK = 50  # replicates that share a seed and a batch: the arrays of a larger one would leave the processor's cache
_SAMPLERS = {"parametric": Parametric, "residual": Residual, "cluster": Cluster}
KINDS = tuple(_SAMPLERS)


@dataclass(frozen=True)
class Drawn:
    """A block of replicates.

    Attributes
    ----------
    values : ndarray, shape (R, k)
        NaN in the rows that failed.
    singular, failed : ndarray of bool, shape (R,)
    why : str
        What went wrong in the first one that failed, where it said so.
    """

    values: np.ndarray
    singular: np.ndarray
    failed: np.ndarray
    why: str = ""


def engine(fit, kind: str, statistic=None, groups=None):
    """The engine of a kind of bootstrap for a fit."""
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r} is not known; choose one of {', '.join(map(repr, KINDS))}.")
    if hasattr(fit, "density"):
        return GeneralizedRefits(fit, kind, statistic, groups)
    mixed = hasattr(fit, "model")
    if hasattr(fit, "residual_table"):
        return RowEngine(fit, kind, statistic, groups)
    if mixed and not fit.model.one_factor:
        return _several_engine(fit, kind, statistic, groups)
    codes = None
    if groups is not None or not mixed:
        if groups is not None and (mixed or kind != "cluster"):
            raise ValueError("groups= is for kind='cluster' of a model without random effects; a mixed model's groups "
                             "are those of its random part.")
        codes = _codes(fit, groups)
    if statistic is not None:
        return Refits(fit, kind, statistic, _sampler(fit, kind, codes))
    return Mixed(fit, kind) if mixed else Linear(fit, kind, codes)


def _several_engine(fit, kind: str, statistic, groups):
    """The same for several grouping factors."""
    if groups is not None and kind != "cluster":
        raise ValueError("groups= is for kind='cluster': the groups that are drawn whole.")
    if kind == "cluster":
        whole = WholeGroups(fit, None if groups is None else named_codes(fit, groups))
        return Refits(fit, kind, statistic or _parameters, whole)
    sampler = Outcomes(fit, kind)
    return SeveralMixed(fit, kind, sampler) if statistic is None else Refits(fit, kind, statistic, sampler)


def _parameters(fit) -> dict:
    """All parameters of a fit, by name."""
    found = Parameters(fit)
    return dict(zip(found.names, found.values()))


def _sampler(fit, kind: str, codes=None):
    """What draws samples of a kind; `codes` are the groups that are drawn whole."""
    return _SAMPLERS[kind](fit, *((codes,) if kind == "cluster" else ()))


def _codes(fit, groups) -> np.ndarray:
    """The group of each row used; each row by itself when none are given."""
    n = fit.nobs
    if groups is None:
        return np.arange(n)
    if isinstance(groups, str):
        if groups not in fit.data:
            raise DataError(f"groups= names {groups!r}, which is no column of the data.")
        groups = np.asarray(fit.data[groups])
    labels = np.asarray(groups)
    if fit.design.kept is not None and len(labels) == len(fit.design.kept):
        labels = labels[fit.design.kept]
    if len(labels) != n:
        raise DataError(f"groups= has {len(labels)} values for {n} rows.")
    return np.unique(labels, return_inverse=True)[1]


class Mixed:
    """Replicates of a mixed model, refitted in batches."""

    def __init__(self, fit, kind: str):
        self.parameters = Parameters(bare(fit))
        self.names, self.kind = self.parameters.names, kind
        self.sampler = _sampler(fit, kind)
        model = fit.model
        self.back = np.linalg.inv(model.x_map).T
        self.origin = model.start_b if kind == "cluster" else model.x_map.T @ fit._params
        self.start = fit._at.L

    def __call__(self, seed, size: int) -> Drawn:
        rng = np.random.default_rng(seed)
        if self.kind == "cluster":
            return self.selections(self.sampler.counts(rng, BLOCK)[:size])
        return self._fitted(self.sampler.draw(rng, BLOCK)[0][:size])

    def selections(self, counts: np.ndarray) -> Drawn:
        """Estimates from selections of groups, shape (R, J)."""
        return self._fitted(self.sampler.replicates(counts))

    def _fitted(self, data) -> Drawn:
        found = fit_replicates(self.parameters.fit.model, data, self.start)
        values = self.parameters.gather_batch(found, (self.origin + found.b) @ self.back.T)
        values[found.failed] = np.nan
        return Drawn(values, found.singular, found.failed)


class SeveralMixed:
    """Replicates of a mixed model with several grouping factors, of which only the products with y are formed again."""

    def __init__(self, fit, kind: str, sampler):
        self.parameters, self.kind, self.sampler = Parameters(bare(fit)), kind, sampler
        self.names, self.start = self.parameters.names, fit._at.L

    def __call__(self, seed, size: int) -> Drawn:
        rng, model = np.random.default_rng(seed), self.parameters.fit.model
        values, singular = np.full((size, len(self.names)), np.nan), np.zeros(size, dtype=bool)
        failed = np.zeros(size, dtype=bool)
        for k in range(size):
            found = refitted_outcome(model, self.sampler.rows(rng), self.start)
            failed[k] = found is None
            if found is not None:
                values[k], singular[k] = estimates(self.parameters, *found), any(model.singular(found[1].at))
        return Drawn(values, singular, failed)


class Linear:
    """Replicates of a model without random effects."""

    def __init__(self, fit, kind: str, codes: np.ndarray):
        self.names, self.kind = (*fit._names, sigma_name(fit._names)), kind
        self.sampler = _sampler(fit, kind, codes)
        self.back = np.linalg.inv(_columns(fit))  # orthonormal columns' coefficients to the reader's
        self.params, self.p = fit._params, len(fit._params)
        self.degrees = fit.nobs if fit.method == "ml" else fit.df_resid
        self.ml = fit.method == "ml"

    def __call__(self, seed, size: int) -> Drawn:
        rng = np.random.default_rng(seed)
        if self.kind == "cluster":
            return self.selections(self.sampler.counts(rng, BLOCK)[:size])
        Xy, yy = (part[:size] for part in self.sampler.draw(rng, BLOCK)[0])
        rss = yy - (Xy ** 2).sum(axis=1)
        return self._drawn(self.params + Xy @ self.back.T, rss, np.full(len(Xy), self.degrees))

    def selections(self, counts: np.ndarray) -> Drawn:
        """Estimates from selections of groups, shape (R, J)."""
        XX, Xy, yy, n = self.sampler.sums(counts)
        good = (np.linalg.eigvalsh(XX)[:, 0] > 1e-10 * np.trace(XX, axis1=1, axis2=2) / self.p) & (n > self.p)
        b = np.full(Xy.shape, np.nan)
        b[good] = np.linalg.solve(XX[good], Xy[good][:, :, None])[:, :, 0]
        rss = yy - (Xy * b).sum(axis=1)
        return self._drawn((self.sampler.start + b) @ self.back.T, rss, n - (0 if self.ml else self.p))

    def _drawn(self, b, rss, degrees) -> Drawn:
        failed = ~np.isfinite(rss)
        with np.errstate(invalid="ignore", divide="ignore"):
            sigma = np.sqrt(rss / degrees)
        return Drawn(np.column_stack([b, sigma]), np.zeros(len(b), dtype=bool), failed)


class Refits:
    """Replicates of any statistic of a fit: each sample is refitted by itself, as rows."""

    def __init__(self, fit, kind: str, statistic, sampler):
        self.fit, self.kind, self.statistic, self.sampler = fit, kind, statistic, sampler
        self.names, _ = named(statistic(fit))

    def __call__(self, seed, size: int) -> Drawn:
        rng = np.random.default_rng(seed)
        if self.kind == "cluster":
            return self.selections(self.sampler.counts(rng, BLOCK)[:size])
        return self._each(lambda: refitted(self.fit, self.sampler.rows(rng)) for _ in range(size))

    def selections(self, counts: np.ndarray) -> Drawn:
        """The statistic of selections of groups, shape (R, J)."""
        return self._each(lambda row=row: resampled(self.fit, *self.sampler.rows(row)) for row in counts)

    def _each(self, makers) -> Drawn:
        values, singular, failed, why = [], [], [], ""
        for make in makers:
            try:
                fit = make()
                good = getattr(fit, "converged", True)
                value = named(self.statistic(fit))[1] if good else None
            except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
                good, value, fit = False, None, None
                why = why or str(error)
            values.append(value if good else np.full(len(self.names), np.nan))
            singular.append(bool(getattr(fit, "is_singular", False)))
            failed.append(not good)
        return Drawn(np.array(values, dtype=float), np.array(singular), np.array(failed), why)


def deletions(fit, statistic=None, groups=None) -> np.ndarray:
    """Estimates without one group each, for the jackknife, shape (J, k); NaN where they cannot be had.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", mlm.load("sleepstudy"))
    >>> deletions(fit).shape
    (18, 6)
    """
    by_group = engine(fit, "cluster", statistic, groups)
    J, found = by_group.sampler.J, []
    for begin in range(0, J, BLOCK):
        places = np.arange(begin, min(begin + BLOCK, J))
        counts = np.ones((len(places), J))
        counts[np.arange(len(places)), places] = 0.0
        found.append(by_group.selections(counts).values)
    return np.concatenate(found)


def named(value) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and numbers of what a statistic returned: a number, a dict, a Series, an array."""
    if hasattr(value, "items"):
        pairs = dict(value.items())
        return tuple(map(str, pairs)), np.array([float(v) for v in pairs.values()])
    numbers = np.atleast_1d(np.asarray(value, dtype=float))
    if numbers.ndim != 1:
        raise ValueError("The statistic must be a number, or a dict, Series or list of numbers.")
    return ("statistic",) if len(numbers) == 1 else tuple(f"statistic {k + 1}" for k in range(len(numbers))), numbers


def refitted(fit, y: np.ndarray):
    """The same model on another outcome."""
    if hasattr(fit, "model"):
        return fit.refit(y)
    return type(fit)(replace(fit.design, y=y), fit.method)


def resampled(fit, rows: np.ndarray, codes: np.ndarray):
    """The same model fitted to some of its rows, any of them more than once, with new groups.

    Parameters
    ----------
    fit : LmmResult or OlsResult
    rows : ndarray of int, shape (m,)
        Numbers of rows among those used.
    codes : ndarray of int, shape (m,)
        Their groups; with several factors the number of the draw, within which the factors' groups stay what they are.

    Returns
    -------
    LmmResult or OlsResult
    """
    design = fit.design
    levels = np.arange(int(codes.max()) + 1)
    if getattr(fit, "model", None) is not None and not fit.model.one_factor:
        random = tuple(regrouped(term, rows, codes) for term in design.random)
    else:
        random = tuple(replace(term, Z=term.Z[rows], codes=codes, levels=levels) for term in design.random)
    kept = np.arange(len(design.y)) if design.kept is None else np.flatnonzero(design.kept)
    data = design.data.iloc[kept[rows]] if hasattr(design.data, "iloc") else {
        name: np.asarray(design.data[name])[kept[rows]] for name in _column_names(design.data)}
    part = replace(design, y=design.y[rows], X=design.X[rows], random=random, kept=None, messages=(), data=data,
                   weights=None if design.weights is None else design.weights[rows],
                   offset=None if design.offset is None else design.offset[rows])
    if not random:
        return type(fit)(part, fit.method)
    from ..lmm import LmmModel, LmmResult
    model = LmmModel(part, fit.model.covariance, fit.reml)
    return LmmResult(model, *model.fit())


def _column_names(data) -> list[str]:
    from ..table import Table
    return list(Table(data).names)


def _columns(fit) -> np.ndarray:
    """The map of `orthonormalize`, transposed: columns of X on its orthonormal ones."""
    from .resample import working
    Q = working(fit)[1]
    X = fit.design.X if fit.design.weights is None else fit.design.X * np.sqrt(fit.design.weights)[:, None]
    return Q @ X


def bare(fit):
    """The fit without its table and formula, which workers do not need and cannot always be sent."""
    design = fit.design
    random = tuple(replace(term, encoder=None, factors=()) for term in design.random)
    other, model = copy.copy(fit), copy.copy(fit.model)
    model.design = replace(design, data=None, formula=None, encoder=None, random=random, offset_option=None)
    other.__dict__.update(model=model, design=model.design)
    for name in ("_variances", "_by_group"):
        other.__dict__.pop(name, None)
    return other
