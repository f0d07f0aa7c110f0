"""The bootstrap of models with a structure of their residuals: samples as outcomes of the rows, each fitted by itself.

- parametric: new random effects and residuals from the fitted normal distributions, the residuals with their structure.
- residual: predicted random effects and whitened residuals, centered and stretched, drawn with replacement; the
  residuals are then given their structure again.
- cluster: connected sets of rows drawn with replacement, whole: pupils with all their occasions, schools with all pupils.

Chapter 8 (``08_inference``) derives the three, Chapter 14 (``14_growth_shapes``) the structures.

References
----------
Carpenter, J. R., Goldstein, H., & Rasbash, J. (2003). A novel bootstrap procedure for assessing the relationship between
class size and achievement. Applied Statistics, 52, 431-443.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import DataError
from .resample import reflated
from .row_parameters import all_names, all_values

__all__ = ["RowEngine", "StructureRatio", "fit_part", "whole_sets"]

_GROUP = "group of the structure"


class RowEngine:
    """Replicates of a model with a structure of its residuals: a function ``(seed, size) -> Drawn``."""

    def __init__(self, fit, kind: str, statistic=None, groups=None):
        from .replicate import named
        if groups is not None and kind != "cluster":
            raise ValueError("groups= is for kind='cluster': the groups that are drawn whole.")
        self.fit, self.kind, self.statistic = fit, kind, statistic or _parameters
        self.names, _ = named(self.statistic(fit))
        self.codes = whole_sets(fit, groups) if kind == "cluster" else np.zeros(fit.nobs, dtype=int)
        self.J = int(self.codes.max()) + 1
        if kind == "residual":
            white = fit._whitened(fit.design.y - fit._fitted)
            self.pool = reflated(white[None], np.eye(1))[0]
            self.effects = [reflated(fit._effects_of(term).T, T) for term, T in zip(fit.design.random, fit._T)]

    def __call__(self, seed, size: int):
        rng = np.random.default_rng(seed)
        if self.kind == "cluster":
            return self.selections(rng.multinomial(self.J, np.full(self.J, 1.0 / self.J), size))
        return self._each(lambda: self.fit.refit(self._outcome(rng)) for _ in range(size))

    @property
    def sampler(self) -> RowEngine:
        """What knows how many sets there are."""
        return self

    def selections(self, counts: np.ndarray):
        """The statistic of selections of sets of rows, shape (R, J)."""
        return self._each(lambda row=row: self._selected(row) for row in counts)

    def _selected(self, counts):
        drawn = np.repeat(np.arange(len(counts)), counts.astype(int))
        parts = [np.flatnonzero(self.codes == one) for one in drawn]
        return fit_part(self.fit, np.concatenate(parts), np.repeat(np.arange(len(parts)), [len(own) for own in parts]))

    def _outcome(self, rng) -> np.ndarray:
        fit = self.fit
        if self.kind == "parametric":
            return fit.simulate(1, rng)[0]
        n = fit.nobs
        rows = fit.model.rows.colour(self.pool[rng.integers(n, size=n)][None], fit.model.psi)[0] * np.sqrt(fit._at.s2)
        y = fit._fixed_part + (rows if fit.model.root_weights is None else rows / fit.model.root_weights)
        picks: dict[str, np.ndarray] = {}
        for term, pool in zip(fit.design.random, self.effects):
            J = pool.shape[1]
            picks.setdefault(term.group, rng.integers(J, size=J))
            y = y + term.values(pool[:, picks[term.group]].T)
        return y

    def _each(self, makers):
        from .replicate import Drawn, named
        values, singular, failed, why = [], [], [], ""
        for make in makers:
            try:
                fit = make()
                names, value = named(self.statistic(fit)) if fit.converged else ((), None)
                good = names == self.names
            except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
                good, fit, why = False, None, why or str(error)
            values.append(value if good else np.full(len(self.names), np.nan))
            singular.append(bool(getattr(fit, "is_singular", False)))
            failed.append(not good)
        return Drawn(np.array(values, dtype=float), np.array(singular), np.array(failed), why)


def _parameters(fit) -> dict:
    return dict(zip(all_names(fit), all_values(fit)))


def whole_sets(fit, groups=None) -> np.ndarray:
    """The set of every row, sets being independent of each other: those that hang together, or those asked for.

    Raises
    ------
    DataError
        When all rows hang together, or the groups asked for cut what hangs together.
    """
    from .row_small_sample import connected
    own = connected(fit)
    if groups is None:
        if own.max() < 1:
            raise DataError("All rows hang together through random effects or correlations, so there are no whole "
                            "groups to draw; use kind='parametric' or 'residual'.")
        return own
    from .replicate import _codes
    codes = _codes(fit, groups)
    of_set = np.full(int(own.max()) + 1, -1)
    of_set[own] = codes
    if (of_set[own] != codes).any():
        raise DataError("groups= cuts rows apart that random effects or correlations tie together; name groups that "
                        "hold all rows of each.")
    return codes


def fit_part(fit, rows: np.ndarray, drawn: np.ndarray):
    """The same model fitted to some of its rows, a set drawn twice being two sets.

    Parameters
    ----------
    fit : RowResult
    rows : ndarray of int, shape (m,)
        Numbers of rows among those used.
    drawn : ndarray of int, shape (m,)
        The draw that each belongs to, within which groups stay what they are.

    Returns
    -------
    RowResult
    """
    model = part_model(fit, rows, drawn)
    return type(fit)(model, *model.fit())


def part_model(fit, rows: np.ndarray, drawn: np.ndarray):
    """The model of `fit_part`, ready to be fitted."""
    from .replicate import _column_names
    design, own = fit.design, fit.model
    random = tuple(_regrouped(term, rows, drawn) for term in design.random)
    kept = (np.arange(len(design.y)) if design.kept is None else np.flatnonzero(design.kept))[rows]
    data = design.data.iloc[kept].copy() if hasattr(design.data, "iloc") else {
        name: np.asarray(design.data[name])[kept] for name in _column_names(design.data)}
    correlation = own.correlation
    if correlation is not None:
        layout = own.rows.correlation.layout
        data[_GROUP] = _codes_within(drawn, layout.codes[rows], len(layout.levels))
        correlation = replace(correlation, group=_GROUP)
    part = replace(design, y=design.y[rows], X=design.X[rows], random=random, kept=None, messages=(), data=data,
                   weights=None if design.weights is None else design.weights[rows],
                   offset=None if design.offset is None else design.offset[rows])
    return type(own)(part, own.covariance, fit.reml, correlation, own.variance)


def _codes_within(drawn, codes, many: int) -> np.ndarray:
    return np.unique(drawn * many + codes, return_inverse=True)[1]


def _regrouped(term, rows, drawn):
    """A term for rows drawn; labels are numbers."""
    if term.members is not None:
        raise DataError("Rows of models with multiple membership cannot be drawn by groups or left out by groups.")
    codes = _codes_within(drawn, term.codes[rows], len(term.levels))
    return replace(term, Z=term.Z[rows], codes=codes, levels=np.arange(int(codes.max()) + 1))


class StructureRatio:
    """The likelihood ratio of two models in samples from the smaller, where either has a structure of its residuals."""

    def __init__(self, null, full):
        self.null, self.full = null, full
        self.reml = any(getattr(fit, "reml", None) for fit in (null, full))

    def __call__(self, seed, size: int):
        from .replicate import Drawn
        rng, values, singular = np.random.default_rng(seed), np.full(size, np.nan), np.zeros(size, dtype=bool)
        for k in range(size):
            y = self._outcome(rng)
            try:
                (null, _), (full, singular[k]) = (self._criterion(fit, y) for fit in (self.null, self.full))
                values[k] = max(null - full, 0.0)
            except (ValueError, ArithmeticError, np.linalg.LinAlgError):
                pass
        return Drawn(values[:, None], singular, ~np.isfinite(values))

    def _outcome(self, rng) -> np.ndarray:
        if hasattr(self.null, "model"):
            return self.null.simulate(1, rng)[0]
        weights = self.null.design.weights
        noise = self.null.sigma * rng.standard_normal(self.null.nobs)
        return self.null._fitted + (noise if weights is None else noise / np.sqrt(weights))

    def _criterion(self, fit, y) -> tuple[float, bool]:
        from .replicate import refitted
        again = refitted(fit, y)
        if not hasattr(again, "model"):
            return -2.0 * again.loglik(self.reml), False
        return (again.criterion if again.converged else np.nan), again.is_singular
