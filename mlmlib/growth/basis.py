"""Latent basis growth: the shape of the mean curve is estimated, one loading a wave.

Each person's curve is pi_0i + pi_1i * lambda_t, where lambda is 0 in the first wave, 1 in the last, and free between
(Meredith & Tisak, 1990). Given lambda this is a linear mixed model, so the ML deviance is profiled: a fit of
`mlm.lmm` at each trial lambda, and a quasi-Newton search over the few free values with the exact gradient. With d_it
the row's derivative of its linear predictor by lambda_t and C_i = Var(b_i | y) it is

    d deviance / d lambda_t = (2 / sigma^2) sum over rows of wave t of [ z'C_i dz - e_it (dx'gamma + dz'b_i) ],

as the derivatives by all other parameters are zero at their optimum (b_i and e_it are the conditional modes and
residuals).

Chapter 14 (``14_growth_shapes``) derives it.

References
----------
Meredith, W., & Tisak, J. (1990). Latent curve analysis. Psychometrika, 55, 107-122. Murphy, S. A., & van der Vaart,
A. W. (2000). On profile likelihood. Journal of the American Statistical Association, 95, 449-465.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..display import html_table, number, text_table
from ..errors import DataError
from .columns import add_columns, time_of

__all__ = ["LatentBasis", "latent_basis"]


@dataclass(frozen=True, eq=False)
class LatentBasis:
    """A growth model whose shape was estimated.

    Attributes
    ----------
    fit : LmmResult
        The mixed model at the estimated basis. Its own standard errors take the basis for known.
    basis : DataFrame
        A row a wave: value, se, lower, upper (95 %, Wald), fixed.
    cov_basis : ndarray, shape (k, k)
        Covariance of the free values: twice the inverse of the profile deviance's Hessian.
    cov : ndarray, shape (p, p)
        Covariance of the coefficients with the uncertainty of the basis in it.
    linear : LmmResult
        The same model with a straight line in its place.
    gradient : float
        Largest absolute derivative of the deviance by a free value that was left.
    converged : bool
    messages : tuple of str
    """

    fit: Any
    basis: Any
    cov_basis: np.ndarray
    cov: np.ndarray
    linear: Any
    gradient: float
    converged: bool
    messages: tuple

    @property
    def params(self):
        """The coefficients of the fixed part (Series)."""
        return self.fit.params

    @property
    def bse(self):
        """Their standard errors, the basis being estimated (Series)."""
        from .. import frames as pd

        return pd.Series(np.sqrt(np.diagonal(self.cov)), self.fit.params.index)

    @property
    def deviance(self) -> float:
        return self.fit.criterion

    def test_linear(self):
        """The likelihood-ratio test of a straight line: ``(statistic, df, pvalue)``."""
        from scipy.special import chdtrc

        statistic, df = max(self.linear.criterion - self.fit.criterion, 0.0), len(self.cov_basis)
        return statistic, df, float(chdtrc(df, statistic))

    def _lines(self):
        return [
            [
                number(wave),
                f"{row.value:.3f}",
                "fixed" if row.fixed else f"{row.se:.3f}",
                "" if row.fixed else f"{row.lower:.3f} to {row.upper:.3f}",
            ]
            for wave, row in self.basis.iterrows()
        ]

    def _words(self):
        statistic, df, p = self.test_linear()
        told = "; ".join(
            f"{name} {value:.4g} (SE {se:.2g})" for name, value, se in zip(self.params.index, self.params, self.bse)
        )
        shown = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
        return " ".join([f"{told}. Against a straight line: chi2({df}) = {statistic:.2f}, {shown}.", *self.messages])

    def __repr__(self):
        head = [self.basis.index.name, "basis", "SE", "95 % interval"]
        return f"Latent basis, ML deviance {self.deviance:,.2f}\n{text_table(head, self._lines())}\n{self._words()}"

    def _repr_html_(self):
        head = [self.basis.index.name, "basis", "SE", "95 % interval"]
        return html_table(
            head, self._lines(), caption=f"Latent basis, ML deviance {self.deviance:,.2f}", note=self._words()
        )


def latent_basis(formula, data, wave, *, anchors=None, name="basis"):
    """Fit a growth model whose shape is estimated, by maximum likelihood.

    Parameters
    ----------
    formula : str
        A formula of `mlm.lmm` with one random term, in which `name` stands for the growth curve:
        ``"y ~ basis * w + (1 + basis | id)"``.
    data : DataFrame
    wave : str
        Column of the waves: few different times, shared by persons.
    anchors : dict, optional
        Two or more waves and their fixed values. The first wave at 0 and the last at 1 if not given: the coefficient
        of `name` is then the whole change between them, and each free value the share of it that is reached.
    name : str

    Returns
    -------
    LatentBasis

    Raises
    ------
    DataError
        For fewer than three waves, anchors that are no waves, a formula without `name` or with several random terms.

    Notes
    -----
    Chapter 14 (`14_growth_shapes`). ML only: the REML criterion of models with different columns cannot be compared.
    The residual variance is the same in all waves. Where the mean hardly changes from the first to the last wave the
    values are badly determined; a wide interval says so.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> found = mlm.growth.latent_basis("distance ~ basis + (1 + basis | Subject)", mlm.load("orthodont"), wave="age")
    >>> found.basis["value"].round(3).tolist()
    [0.0, 0.251, 0.645, 1.0]
    """
    from scipy.optimize import minimize

    problem = _Problem(formula, data, wave, anchors, name)
    start = problem.straight()
    linear = problem.fit(start)
    # in units of the standard error, roughly: steps are then of order one
    scale = problem.scale(linear)
    ends = []
    for origin in (start, problem.observed(start)):
        search = minimize(
            lambda u, origin=origin: problem.value(origin + scale * u),
            np.zeros(len(start)),
            jac=lambda u, origin=origin: scale * problem.slope(origin + scale * u),
            method="BFGS",
            options={"gtol": 1e-6, "maxiter": 200},
        )
        ends.append((search.fun, origin + scale * search.x))
    ends.sort(key=lambda end: end[0])
    best = ends[0][1]
    best, H = problem.polish(best, scale)
    fit, gradient = problem.fit(best), problem.slope(best)
    messages = []
    eigen = np.linalg.eigvalsh(H * np.outer(scale, scale))
    left = float(np.abs(gradient).max())
    converged = bool(eigen.min() > 1e-6 and np.abs(scale * gradient).max() < 1e-3 and fit.converged)
    if not converged:
        messages.append(
            "The search did not end at a proper minimum: the basis is not determined by these data; do not use it."
        )
    if ends[1][0] > ends[0][0] + 1e-3:
        messages.append(
            f"Another minimum lies {ends[1][0] - ends[0][0]:.3g} higher in deviance; the better one of two starts is "
            "shown."
        )
    messages += [f"At this basis: {text}" for text in fit.messages]
    cov_basis = 2 * np.linalg.pinv(H) if converged else np.full(H.shape, np.nan)
    span = np.ptp(list(problem.anchors.values()))
    if converged and np.sqrt(cov_basis.diagonal().max()) > span / 2:
        messages.append(
            "The shape is hardly determined: too little changes between the anchors. Then the intervals, which rest on "
            "the curvature of the deviance, and the test of a straight line cannot be trusted."
        )
    J = problem.along(best, scale)
    cov = np.asarray(fit.cov_params()) + J @ cov_basis @ J.T
    return LatentBasis(fit, problem.table(best, cov_basis), cov_basis, cov, linear, left, converged, tuple(messages))


class _Problem:
    """The profile deviance over the free values, with fits kept."""

    def __init__(self, formula, data, wave, anchors, name):
        from ..formula import parse

        parsed = parse(formula)
        if name not in parsed.columns:
            raise DataError(
                f"The formula does not have {name!r}; write it where time would stand, as in "
                f"'y ~ {name} + (1 + {name} | id)'."
            )
        if len(parsed.random) != 1:
            raise DataError("A latent basis needs a formula with one random term, as in (1 + basis | id).")
        times = time_of(data, wave)
        self.waves = np.unique(times[~np.isnan(times)])
        if not 3 <= len(self.waves) <= 40:
            raise DataError(
                f"Column {wave!r} has {len(self.waves)} different values; a latent basis needs waves, three to 40. "
                "With two, or with times of everybody's own, use a line or ns()."
            )
        keep = ~np.isnan(times)
        anchors = (
            {self.waves[0]: 0.0, self.waves[-1]: 1.0}
            if anchors is None
            else {float(k): float(v) for k, v in anchors.items()}
        )
        lost = [k for k in anchors if k not in self.waves]
        if lost or len(anchors) < 2 or len(set(anchors.values())) < 2 or len(anchors) == len(self.waves):
            raise DataError(
                f"anchors= fixes two or more of the waves {', '.join(f'{w:g}' for w in self.waves)} at different "
                f"values and leaves one or more free; got {anchors}."
            )
        self.formula, self.wave, self.name = formula, wave, name
        self.data = add_columns(data.loc[keep], {name: 0.0})
        self.codes = np.searchsorted(self.waves, times[keep])
        self.anchors, self.free = anchors, np.array([w not in anchors for w in self.waves])
        self._kept: dict = {}

    def full(self, free) -> np.ndarray:
        values = np.array([self.anchors.get(w, 0.0) for w in self.waves])
        values[self.free] = free
        return values

    def straight(self) -> np.ndarray:
        """The free values on the line through the anchors."""
        slope, level = np.polyfit(list(self.anchors), list(self.anchors.values()), 1)
        return (level + slope * self.waves)[self.free]

    def observed(self, start) -> np.ndarray:
        """A second start: the means of the waves, on the scale of the anchors; `start` where they are far off."""
        y = np.asarray(self.fit(start).fittedvalues) + np.asarray(self.fit(start).resid)
        codes = self._codes(self.fit(start).design)
        means = np.bincount(codes, y, len(self.waves)) / np.maximum(np.bincount(codes, minlength=len(self.waves)), 1)
        slope, level = np.polyfit(means[~self.free], [self.anchors[w] for w in self.waves[~self.free]], 1)
        found = (level + slope * means)[self.free]
        span = np.ptp(list(self.anchors.values()))
        return np.where(np.abs(found - start) < 2 * span, found, start)

    def _codes(self, design) -> np.ndarray:
        """The wave of each row used."""
        return self.codes if design.kept is None else self.codes[design.kept]

    def fit(self, free):
        from .. import lmm

        key = np.asarray(free, dtype=float).tobytes()
        if key not in self._kept:
            if len(self._kept) > 50:
                self._kept.clear()
            self._kept[key] = lmm(
                self.formula, self.data.assign(**{self.name: self.full(free)[self.codes]}), reml=False
            )
        return self._kept[key]

    def value(self, free) -> float:
        return self.fit(free).criterion

    def _derivatives(self, fit):
        """Rows of X and Z by the basis, which must enter linearly."""
        design = fit.design
        table = design.data if design.kept is None else design.data.loc[design.kept]
        term = design.random[0]
        moved = [table.assign(**{self.name: value}) for value in (0.0, 1.0, 2.0)]
        X = [design.fixed_matrix(t) for t in moved]
        q = len(term.names)
        Z = [
            np.column_stack(
                [design.random_values(term, t, np.eye(q)[k] * np.ones((len(term.levels), 1)))[0] for k in range(q)]
            )
            for t in moved
        ]
        if not all(
            np.allclose(m[2] - m[1], m[1] - m[0], rtol=1e-9, atol=1e-9 * (1 + np.abs(m[1]).max())) for m in (X, Z)
        ):
            raise DataError(
                f"{self.name!r} must enter the formula by itself or multiplied by predictors, not inside a function."
            )
        return X[1] - X[0], Z[1] - Z[0]

    def slope(self, free) -> np.ndarray:
        """The exact gradient of the profile deviance."""
        fit = self.fit(free)
        if not hasattr(self, "_by_basis"):
            self._by_basis = self._derivatives(fit)
        dX, dZ = self._by_basis
        design, term, sigma2 = fit.design, fit.design.random[0], fit.sigma**2
        w = np.ones(len(design.y)) if design.weights is None else design.weights
        T = np.asarray(fit.covariance_matrix())
        J, q = len(term.levels), len(term.names)
        W = np.zeros((J, q, q))
        np.add.at(W, term.codes, (w[:, None] * term.Z)[:, :, None] * term.Z[:, None, :])
        r = design.y - design.X @ np.asarray(fit.params) - (0.0 if design.offset is None else design.offset)
        s = np.zeros((J, q))
        np.add.at(s, term.codes, term.Z * (w * r)[:, None])
        C = sigma2 * T @ np.linalg.inv(sigma2 * np.eye(q) + W @ T)  # Var(b | y), also for a singular T
        b = np.einsum("jab,jb->ja", C, s) / sigma2
        e = r - np.einsum("na,na->n", term.Z, b[term.codes])
        pull = np.einsum("na,nab,nb->n", term.Z, C[term.codes], dZ)
        rows = 2 * w / sigma2 * (pull - e * (dX @ np.asarray(fit.params) + np.einsum("na,na->n", dZ, b[term.codes])))
        return np.bincount(self._codes(design), rows, len(self.waves))[self.free]

    def scale(self, fit) -> np.ndarray:
        dX, dZ = self._derivatives(fit)
        T = np.asarray(fit.covariance_matrix())
        size = (dX @ np.asarray(fit.params)) ** 2 + np.einsum("na,ab,nb->n", dZ, T, dZ)
        information = np.bincount(self._codes(fit.design), size, len(self.waves))[self.free] / fit.sigma**2
        if not (information > 0).all():
            raise DataError(
                f"The outcome does not change with {self.name!r} at all, or a wave has no rows: nothing tells its "
                "shape."
            )
        return 1 / np.sqrt(information)

    def polish(self, best, scale):
        """Newton steps by differences of the exact gradient, and the Hessian."""
        for _ in range(4):
            H = self.hessian(best, scale)
            g = self.slope(best)
            if np.linalg.eigvalsh(H * np.outer(scale, scale)).min() <= 1e-6 or np.abs(scale * g).max() < 1e-7:
                break
            step = np.linalg.solve(H, g)
            if self.value(best - step) > self.value(best) + 1e-8:
                break
            best = best - step
        return best, self.hessian(best, scale)

    def hessian(self, free, scale) -> np.ndarray:
        h = 1e-3 * scale
        H = np.array([(self.slope(free + d) - self.slope(free - d)) / (2 * d[k]) for k, d in enumerate(np.diag(h))])
        return (H + H.T) / 2

    def along(self, free, scale) -> np.ndarray:
        """How the coefficients move with the free values along the profile, shape (p, k)."""
        h = 1e-3 * scale
        return np.column_stack(
            [
                (np.asarray(self.fit(free + d).params) - np.asarray(self.fit(free - d).params)) / (2 * d[k])
                for k, d in enumerate(np.diag(h))
            ]
        )

    def table(self, free, cov):
        from .. import frames as pd

        values, se = self.full(free), np.full(len(self.waves), 0.0)
        se[self.free] = np.sqrt(np.diagonal(cov))
        half = 1.959963984540054 * se
        return pd.DataFrame(
            {"value": values, "se": se, "lower": values - half, "upper": values + half, "fixed": ~self.free},
            index=pd.Index(self.waves, name=self.wave),
        )
