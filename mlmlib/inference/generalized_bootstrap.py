"""The bootstrap of generalized linear mixed models: outcomes drawn from the fit, or whole groups, and the model refitted.

A refit begins at the fit's parameters.  Outcomes that cannot be fitted (all the same, a category that does not occur, a
predictor that separates them) are counted as failures, and the first reason is told.

Chapter 16 (``16_binary``) uses it; Chapter 8 (``08_inference``) derives the bootstrap.

References
----------
Davison, A. C., & Hinkley, D. V. (1997). Bootstrap Methods and their Application. Cambridge University Press, chapter 7.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..glmm.draw import predictors_drawn
from ..glmm.model import GlmmModel
from .generalized_parameters import parameters_of

__all__ = ["GeneralizedRatio", "GeneralizedRefits"]

_LOST = (ValueError, ArithmeticError, np.linalg.LinAlgError)


def drawn_outcome(fit, rng) -> np.ndarray:
    """One outcome of the rows used, random effects drawn anew, shape (n,)."""
    return fit.density.simulate(predictors_drawn(fit, 1, rng, "new")[0], fit._psi, rng)


class GeneralizedRefits:
    """Replicates of a generalized model: a function ``(seed, size) -> Drawn``.

    Parameters
    ----------
    fit : GlmmResult
    kind : {"parametric", "cluster"}
    statistic : callable, optional
        All parameters when left out.
    groups : str or array, optional
        For ``kind="cluster"``.
    """

    def __init__(self, fit, kind: str, statistic=None, groups=None):
        from .replicate import named
        from .several_resample import WholeGroups, named_codes
        if kind == "residual":
            raise ValueError("kind='residual' draws residuals, which outcomes of a generalized model do not have: use "
                             "kind='parametric' or 'cluster'.")
        if groups is not None and kind != "cluster":
            raise ValueError("groups= is for kind='cluster': the groups that are drawn whole.")
        self.fit, self.kind, self.statistic = fit, kind, statistic
        self.names = parameters_of(fit).names if statistic is None else named(statistic(fit))[0]
        if kind == "cluster":
            _check_whole(fit)
            codes = None if groups is None else named_codes(fit, groups)
            self.sampler = WholeGroups(fit, np.arange(fit.nobs) if codes is None and not fit.design.random else codes)

    def __call__(self, seed, size: int):
        from .replicate import BLOCK
        rng = np.random.default_rng(seed)
        if self.kind == "cluster":
            return self.selections(self.sampler.counts(rng, BLOCK)[:size])
        return self._each(lambda: self.fit.refit(drawn_outcome(self.fit, rng)) for _ in range(size))

    def selections(self, counts: np.ndarray):
        """Estimates from selections of groups, shape (R, J)."""
        return self._each(lambda row=row: _resampled(self.fit, *self.sampler.rows(row)) for row in counts)

    def _each(self, makers):
        from .replicate import Drawn, named
        values, singular, failed, why = [], [], [], ""
        for make in makers:
            value, fit = None, None
            try:
                fit = make()
                if fit.converged:
                    found = parameters_of(fit) if self.statistic is None else None
                    names, value = (found.names, found.values()) if found else named(self.statistic(fit))
                    value = value if tuple(names) == tuple(self.names) else None
                why = why if value is not None else why or "the search did not converge"
            except _LOST as error:
                why = why or str(error)
            values.append(np.full(len(self.names), np.nan) if value is None else value)
            singular.append(bool(getattr(fit, "is_singular", False)))
            failed.append(value is None)
        return Drawn(np.array(values, dtype=float), np.array(singular), np.array(failed), why)


class GeneralizedRatio:
    """The likelihood ratio of two generalized models in outcomes drawn from the smaller."""

    def __init__(self, null, full):
        self.null, self.full = null, full

    def __call__(self, seed, size: int):
        from .replicate import Drawn
        rng = np.random.default_rng(seed)
        values, singular, failed = np.full((size, 1), np.nan), np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
        for k in range(size):
            y = drawn_outcome(self.null, rng)
            try:
                fits = [fit.refit(y) for fit in (self.null, self.full)]
            except _LOST:
                failed[k] = True
                continue
            values[k] = max(2.0 * (fits[1].llf - fits[0].llf), 0.0)
            singular[k] = fits[1].is_singular
            failed[k] = not (fits[0].converged and fits[1].converged and np.isfinite(values[k, 0]))
        return Drawn(values, singular, failed)


def _check_whole(fit) -> None:
    """Refuse models whose rows cannot be taken apart."""
    from ..glmm.fixed_only import FixedOnly
    if type(fit.model) not in (GlmmModel, FixedOnly):
        raise ValueError(f"kind='cluster' is for outcomes with one linear predictor, and family={fit.family.name!r} "
                         "has thresholds or several: use kind='parametric'.")


def _resampled(fit, rows: np.ndarray, draw: np.ndarray):
    """The same model fitted to some of its rows, any of them more than once, with new groups."""
    from .several_resample import regrouped
    design, model = fit.design, fit.model
    extra = {name: value if value is None or np.ndim(value) == 0 else value[rows]
             for name, value in design.extra.items()}
    part = replace(design, y=design.y[rows], X=design.X[rows], kept=None, messages=(), extra=extra,
                   random=tuple(regrouped(term, rows, draw) for term in design.random),
                   weights=None if design.weights is None else design.weights[rows],
                   offset=None if design.offset is None else design.offset[rows])
    other = type(model)(part, fit.family, fit.link, model.covariance, nodes=model.nodes)
    return type(fit)(other, *other.fit())
