"""Standard errors and intervals of variances, covariances, standard deviations and correlations.

As Stata's ``mixed`` prints them: the observed information of (log sd, atanh corr, log sigma), carried to the scale
shown by the delta method; intervals of variances and standard deviations are symmetric in the log, of correlations in
atanh, of covariances as they are.  The information is exact: it is built of the criterion's second derivatives.

Chapter 3 (``03_random_intercepts``) reads these intervals; Chapter 7 (``07_estimation``) derives them.

References
----------
StataCorp (2023). Multilevel mixed-effects reference manual, mixed: methods and formulas.
"""

from __future__ import annotations

import numpy as np

from ..results import normal_quantile

__all__ = ["VarianceParameters"]


class VarianceParameters:
    """The parameters (log sd, atanh corr) of each term and log sigma, with their covariance.

    Attributes
    ----------
    names : list of str
        ``"log sd(school: Intercept)"``, ``"atanh corr(school: Intercept, cses)"``, ..., ``"log sigma"``.
    cov : ndarray, shape (k, k)
        Their covariance matrix; NaN in the rows of parameters on the boundary (a zero variance, a correlation of one).
    """

    one_residual = True  # one residual variance, the last parameter; else `rows` has those of the residuals too

    def __init__(self, fit):
        self.fit = fit
        model, at = fit.model, fit._at
        self.names: list[str] = []
        directions, free = [], []
        self._place: list[tuple[np.ndarray, np.ndarray]] = []  # per term: parameter of each sd, of each corr
        wide = sum(len(term.names) for term in model.design.random)
        for term, shape, T, back, block in zip(model.design.random, model.structures, fit._T, model.z_maps,
                                               model.criterion.blocks):
            sd = np.sqrt(np.maximum(np.diagonal(T), 0.0))
            known = sd > 1e-6 * fit.sigma / np.sqrt(term.mean_squares)
            forward = np.linalg.inv(back)
            begin = len(self.names)
            sd_place = begin + shape.sd
            for k in range(shape.sd.max() + 1):
                mine = shape.sd == k
                own = [name for name, its in zip(term.names, mine) if its]
                self.names.append(f"log sd({term.group}: {' = '.join(own)})")
                directions.append((block, forward @ (T * (mine[:, None].astype(float) + mine[None])) @ forward.T))
                free.append(bool(known[mine].all()))
            begin = len(self.names)
            corr_place = np.where(shape.corr >= 0, begin + shape.corr, -1)
            for k in range(shape.corr.max() + 1):
                pairs = shape.corr == k
                a, b = (int(i[0]) for i in np.nonzero(np.triu(pairs)))
                r = T[a, b] / (sd[a] * sd[b]) if known[a] and known[b] else np.nan
                inside = bool(np.isfinite(r) and abs(r) < 1 - 1e-7)
                self.names.append(f"atanh corr({term.group}: {term.names[a]}, {term.names[b]})")
                slope = np.where(pairs, np.outer(sd, sd), 0.0) * ((1 - r * r) if inside else 0.0)
                directions.append((block, forward @ slope @ forward.T))
                free.append(inside)
            self._place.append((sd_place, corr_place))
        self.names.append("log sigma")
        E = np.zeros((len(self.names), wide, wide))
        for k, (block, direction) in enumerate(directions):
            E[k, block, block] = direction / at.s2
        E[-1] = -2.0 * at.L @ at.L.T
        free.append(True)
        curve, cross = model.criterion.curvature(at, E[free])
        log_s2 = np.zeros(len(cross))
        log_s2[-1] = 2.0
        information = (curve + np.outer(cross, log_s2) + np.outer(log_s2, cross)
                       + model.criterion.degrees * np.outer(log_s2, log_s2)) / 2.0
        self.cov = np.full((len(free), len(free)), np.nan)
        self.cov[np.ix_(free, free)] = _inverse(information)

    def rows(self):
        """Every variance and covariance: term, effects' numbers, estimate, correlation, gradient in the parameters."""
        for term, T, (sd_place, corr_place) in zip(self.fit.design.random, self.fit._T, self._place):
            yield from self._of(term, T, sd_place, corr_place)

    def _of(self, term, T, sd_place, corr_place):
        """The same of one term."""
        sd = np.sqrt(np.maximum(np.diagonal(T), 0.0))
        for a in range(len(term.names)):
            yield term, a, a, T[a, a], np.nan, {int(sd_place[a]): 2.0 * T[a, a]}
        for b in range(len(term.names)):
            for a in range(b):
                if corr_place[a, b] < 0:
                    continue
                r = T[a, b] / (sd[a] * sd[b]) if sd[a] * sd[b] > 0 else np.nan
                gradient = {int(corr_place[a, b]): sd[a] * sd[b] * (1 - r * r)}
                for place in (int(sd_place[a]), int(sd_place[b])):
                    gradient[place] = gradient.get(place, 0.0) + T[a, b]
                yield term, a, b, T[a, b], r, gradient

    def _delta(self, gradient: dict) -> float:
        place = list(gradient)
        slope = np.array([gradient[k] for k in place])
        return float(np.sqrt(slope @ self.cov[np.ix_(place, place)] @ slope))

    def table(self, scale: str = "variance", level: float = 0.95):
        """Estimates, standard errors and intervals as Stata prints them (DataFrame)."""
        from .. import frames as pd
        if scale not in ("variance", "sd"):
            raise ValueError(f"scale={scale!r} must be 'variance' or 'sd'.")
        z, rows = normal_quantile(level), []
        for term, a, b, value, r, gradient in self.rows():
            name = term.names[a] if a == b else f"{term.names[a]}, {term.names[b]}"
            place = next(iter(gradient))
            if a == b:
                rows.append(self._positive(term.group, name, value, place, scale, z))
            elif scale == "variance":
                se = self._delta(gradient)
                rows.append((term.group, f"cov({name})", value, se, value - z * se, value + z * se))
            else:
                se = np.sqrt(self.cov[place, place])
                middle = np.arctanh(r) if np.isfinite(se) else np.nan
                rows.append((term.group, f"corr({name})", r, (1 - r * r) * se, np.tanh(middle - z * se),
                             np.tanh(middle + z * se)))
        if self.one_residual:
            rows.append(self._positive("Residual", "Residual", self.fit.sigma ** 2, len(self.names) - 1, scale, z))
        return pd.DataFrame(rows, columns=["group", "name", "estimate", "se", "lower", "upper"])

    def _positive(self, group, name, variance, place, scale, z):
        """Row of a variance or standard deviation, its interval symmetric in the log."""
        power = 2.0 if scale == "variance" else 1.0
        se = float(np.sqrt(self.cov[place, place]))
        value = variance if scale == "variance" else np.sqrt(variance)
        with np.errstate(over="ignore"):  # an upper end may be infinite
            spread = np.exp(power * z * se)
        return (group, f"{'var' if scale == 'variance' else 'sd'}({name})", value, power * value * se, value / spread,
                value * spread)

    def components(self, level: float = 0.95):
        """One row a variance, one a covariance (with the correlation), the residual last (DataFrame)."""
        table = self.table("variance", level)
        out = table[["group"]].copy()
        out["name"] = [name[4:-1] for name in table["name"]]
        out["variance"] = table["estimate"]
        single = [name.startswith("var(") for name in table["name"]]
        out["sd"] = np.where(single, np.sqrt(np.maximum(table["estimate"], 0.0)), np.nan)
        out["correlation"] = [*(row[4] for row in self.rows()), *[np.nan] * self.one_residual]
        out[["se", "lower", "upper"]] = table[["se", "lower", "upper"]]
        return out


def _inverse(information: np.ndarray) -> np.ndarray:
    """Inverse of the information; NaN where it is not positive definite."""
    scale = np.sqrt(np.abs(np.diagonal(information)))
    scaled = information / np.outer(scale, scale)
    if not np.isfinite(scaled).all() or np.linalg.eigvalsh(scaled)[0] <= 1e-10:
        return np.full_like(information, np.nan)
    return np.linalg.inv(scaled) / np.outer(scale, scale)
