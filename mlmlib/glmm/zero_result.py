"""The result of a model of counts in which zeros have a linear predictor of their own.

Chapter 17 (``17_counts``) reads one.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from ..covariance import root
from ..design import _replay
from ..errors import DataError
from ..new_rows import new_rows
from ..table import Table
from .averaging import average
from .draw import check_drawn, spherical
from .predictors import check_groups
from .result import GlmmResult

__all__ = ["ZeroResult"]

SCALES = ("response", "link", "zero", "count")


class ZeroResult(GlmmResult):
    """A fitted model of zero-inflated or hurdle counts with two linear predictors.

    Coefficients and random effects of the zero part are named ``zero: ...``; a positive coefficient makes a zero of the
    zero part more probable.  `linear_predictor` is that of the counts, `zero_probability` the zero part's probability.
    """

    @property
    def linear_predictor(self):
        """The counts' linear predictor of the rows used, random effects included (Series)."""
        return self._row_series(self._at.modes.eta[0], "linear predictor")

    @property
    def zero_probability(self):
        """Probability of a zero of the zero part, random effects included (Series)."""
        return self._row_series(expit(self._at.modes.eta[1]), "zero")

    @property
    def exog(self):
        """The fixed part's columns of both linear predictors, rows used (DataFrame)."""
        from .. import frames as pd
        columns = np.column_stack([self.design.X, self.model.zero.X])
        return pd.DataFrame(columns, index=self.design.index(), columns=list(self._names))

    def _linear_predictor(self, data) -> np.ndarray:
        zeros = self.model.zero.of(data)
        return np.stack([super()._linear_predictor(data), zeros @ self._params[len(self._params) - zeros.shape[1]:]])

    def simulate(self, n: int = 1, seed: int | None = None, random_effects: str = "new", *, data=None,
                 trials=None) -> np.ndarray:
        """Draw counts from the fitted model: see `GlmmResult.simulate`."""
        check_drawn(random_effects)
        rng = np.random.default_rng(seed)
        drawn = (self._drawn(rng, random_effects, data) for _ in range(n))
        return np.stack([self.density.simulate(eta, self._psi, rng) for eta in drawn])

    def _drawn(self, rng, random_effects, data):
        """Both linear predictors with random effects drawn anew, kept, or drawn given the outcomes, shape (2, rows)."""
        rows, L = self.model.rows, self.model.criterion.factor(self._at.x)
        v = spherical(self, random_effects, rng)
        if data is None:
            return self._fixed_part + rows.spread(rows.scale(L, v))
        eta, known = self._linear_predictor(data), self._by_group_values(v)
        for group, effects in known.items():
            own, T = new_rows(self.design, group, data, True), self._T_of(group)
            drawn = rng.standard_normal((len(own.place), len(T))) @ root(T).T
            if random_effects != "new":
                seen = own.place >= 0
                drawn[seen] = effects[own.place[seen]]
            for number, place in self._own_terms(group)[0]:
                some = np.zeros_like(drawn)
                some[:, place] = drawn[:, place]
                eta[int(number >= self.model.zero.first)] += own.values(some)
        return eta

    def predict(self, data=None, random_effects: bool = True, new_groups: str = "population", *,
                scale: str = "response", groups: str | None = None, interval=None, level: float = 0.95, trials=None):
        """Predict counts, for given groups, a typical group, or averaged over groups.

        Parameters
        ----------
        data, random_effects, new_groups, groups
            As for `GlmmResult.predict`.
        scale : {"response", "link", "zero", "count"}
            Expected counts, zeros included; the counts' linear predictor; the probability of a zero of the zero part;
            the mean of the counts' own distribution.
        interval : None
            Models with two linear predictors have no intervals of predictions: `mlmlib.glmm.draw` draws.

        Returns
        -------
        Series
        """
        from .. import frames as pd
        if scale not in SCALES:
            raise ValueError(f"scale={scale!r} must be one of {', '.join(map(repr, SCALES))}.")
        if interval is not None:
            raise ValueError("Predictions of a model with a formula for zeros have no intervals; use fit.simulate to "
                             "draw outcomes, or leave interval= out.")
        groups = groups or ("given" if random_effects else "typical")
        eta, variance = self._predictors(data, groups, new_groups)
        family, psi, base = self.family, self._psi, self.family.base

        def some(eta, rows):
            return family.moments(self.link.mean(eta), psi)[0]

        if scale == "link":
            values = eta[0]
        elif scale == "count":
            values = average(lambda eta, rows: base.mean(self.link.mean(eta), psi), eta[0], variance[0])
        else:
            values = average(lambda eta, rows: expit(eta), eta[1], variance[1])
            if scale == "response":  # the parts' random effects are independent, so that averages multiply
                values = (1.0 - values) * average(some, eta[0], variance[0])
        index = self.design.index() if data is None else getattr(data, "index", None)
        return pd.Series(values, index=None if callable(index) else index, name="predicted")

    def _predictors(self, data, groups, new_groups):
        """Both linear predictors (2, m), and the variances of the effects averaged over."""
        check_groups(groups, new_groups)
        eta = (self._fixed_part if data is None else self._linear_predictor(data)).copy()
        variance = np.zeros(eta.shape)
        for k, term in enumerate(self.design.random):
            part = int(k >= self.model.zero.first)
            places, _ = self._own_terms(term.group)
            own = next(place for number, place in places if number == k)
            effects, T = self._by_group[term.group][0][:, own], self._T[k]
            new = np.zeros(eta.shape[1], dtype=bool)
            if groups == "given" and data is None:
                eta[part] += term.values(effects)
            elif groups == "given":
                values, new = self.design.random_values(term, data, effects)
                if new.any() and new_groups == "error":
                    raise DataError(f"{int(new.sum())} rows are in groups of {term.group!r} that the fit has not seen.")
                eta[part] += np.where(new, 0.0, values)
            if groups == "average" or (new_groups == "average" and new.any()):
                Z = term.Z if data is None else self._columns(term, data)
                spread = np.einsum("na,ab,nb->n", Z, T, Z)
                variance[part] += spread if groups == "average" else np.where(new, spread, 0.0)
        return eta, variance

    @staticmethod
    def _columns(term, data):
        """The effects' columns of new rows, shape (rows, q)."""
        table = Table(data)
        return term.encoder.rows(_replay(term.encoder, table), table.n).T
