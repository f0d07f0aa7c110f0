"""The result of a model of several outcomes of different families.

Chapter 18 (``18_categories``) reads one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..design import _replay
from ..errors import DataError
from ..table import Table
from .averaging import average
from .predictors import check_groups
from .result import GlmmResult

__all__ = ["JointResult"]


class JointResult(GlmmResult):
    """A fitted model of several outcomes.

    As `GlmmResult`, rows being the outcomes' rows one below the other (`mu`, `resid` and the like have the table's
    label and the outcome in their index), and names beginning with ``"outcome: "``.
    """

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The outcomes' names."""
        return self.design.outcomes

    @property
    def families(self) -> dict:
        """{outcome: its family}."""
        return dict(zip(self.outcomes, self.family.families, strict=True))

    @property
    def links(self) -> dict:
        """{outcome: its link}."""
        return dict(zip(self.outcomes, self.link.links, strict=True))

    @property
    def resid(self):
        """Outcome less expected outcome; of a binomial one, of the share of the trials (Series)."""
        y = [one.y if one.trials is None else one.y / np.maximum(one.trials, 1.0) for one in self.density.densities]
        return self._row_series(np.concatenate(y) - self._mu, "resid")

    def predict(self, data=None, random_effects: bool = True, new_groups: str = "population", *,
                scale: str = "response", groups: str | None = None, interval=None, level: float = 0.95, trials=None):
        """Predict all outcomes, for given groups, a typical group, or averaged over groups.

        Parameters
        ----------
        data, random_effects, new_groups, groups
            As for `GlmmResult.predict`.
        scale : {"response", "link"}
        interval : None
            There are none of several outcomes at once.

        Returns
        -------
        DataFrame
            A column an outcome; where `data` is left out, the rows of the table given, NaN for outcomes not used.
        """
        from .. import frames as pd
        if scale not in ("response", "link") or interval is not None:
            raise ValueError("Predictions of several outcomes have scale='response' or 'link', and no intervals.")
        groups = groups or ("given" if random_effects else "typical")
        check_groups(groups, new_groups)
        whole = self.design.data if data is None else data
        n = Table(whole).n
        index = getattr(whole, "index", None)
        out = pd.DataFrame(np.full((n, len(self.outcomes)), np.nan), columns=list(self.outcomes),
                           index=None if callable(index) else index)
        for k, name in enumerate(self.outcomes):
            eta, variance = self._one(k, data, groups, new_groups)
            one, psi = self.density.densities[k], self._psi[self.density.own[k]]
            if scale == "response":
                eta = average(lambda at, rows, one=one, psi=psi: one.mean(at, psi), eta, variance)
            kept = self.design.parts[k].kept if data is None else None
            out.loc[slice(None) if kept is None else kept, name] = eta
        return out

    def _one(self, k, data, groups, new_groups):
        """Linear predictors of one outcome, and the variances of the effects averaged over, shape (m,)."""
        part = self.design.parts[k]
        if data is None:
            X, shift = part.X, 0.0 if part.offset is None else part.offset
        else:
            X, shift = part.fixed_matrix(data), self._shift(k, data)
        eta = X @ self._params[self.design.columns[k]] + shift
        variance = np.zeros(len(eta))
        for number, source in enumerate(self.design.sources):
            for outcome, own, place in source:
                if outcome == k:
                    values, spread, new = self._effects(part.random[own], number, place, data)
                    if new.any() and groups == "given" and new_groups == "error":
                        raise DataError(f"{int(new.sum())} rows are in groups of {part.random[own].group!r} that the "
                                        "fit has not seen.")
                    if groups == "given":
                        eta = eta + np.where(new, 0.0, values)
                    if groups == "average" or new_groups == "average":
                        variance += spread if groups == "average" else np.where(new, spread, 0.0)
        return eta, variance

    def _effects(self, term, number, place, data):
        """What one outcome's term gives each row, its variance over groups, and which rows are in groups not seen."""
        whole = self.design.random[number]
        first = next(at for found, at in self._own_terms(whole.group)[0] if found == number).start
        effects = self._by_group[whole.group][0][:, first + place.start : first + place.stop]
        if data is None:
            known = {level: j for j, level in enumerate(whole.levels.tolist())}
            values, Z = term.values(effects[[known[level] for level in term.levels.tolist()]]), term.Z
            new = np.zeros(len(Z), dtype=bool)
        else:
            table = Table(data)
            values, new = self.design.random_values(replace(term, levels=whole.levels), data, effects)
            Z = term.encoder.rows(_replay(term.encoder, table), table.n).T
        return values, np.einsum("na,ab,nb->n", Z, self._T[number][place, place], Z), new

    def _shift(self, k, data):
        """What is added to the linear predictor of new rows."""
        asked, part = self.model.asked[k], self.design.parts[k]
        shift = part.offset_of(data)
        exposure = asked["exposure"]
        if exposure is None:
            return shift
        if not isinstance(exposure, str):
            raise DataError("The exposure of the fit was given as values, which new rows do not have. Give exposure= "
                            "the name of a column.")
        return shift + np.log(Table(data)[exposure])

    def simulate(self, n: int = 1, seed: int | None = None, random_effects: str = "new", *, data=None,
                 trials=None) -> np.ndarray:
        """Draw outcomes of the rows used from the fitted model, stacked, shape (n, nobs): see `GlmmResult.simulate`."""
        if data is not None or trials is not None:
            raise ValueError("Several outcomes are drawn for the rows of the fit only: leave data= and trials= out.")
        return super().simulate(n, seed, random_effects)
