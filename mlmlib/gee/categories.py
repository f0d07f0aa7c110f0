"""Marginal models of ordered and unordered categories, on statsmodels' OrdinalGEE and NominalGEE.

A row with C categories becomes C - 1 indicators, of y > c or of y = c; the odds ratio between the indicators of two rows of a
group, one number for all, is what ``corr="global-odds-ratio"`` estimates (Heagerty & Zeger, 1996; Lumley, 1996).

Chapter 20 (``20_gee_and_robust``).

References
----------
Heagerty, P. J., & Zeger, S. L. (1996). Marginal regression models for clustered ordinal measurements. Journal of the American
Statistical Association, 91, 1024-1036.
Lumley, T. (1996). Generalized estimating equations for ordinal data: A note on working correlation structures. Biometrics, 52,
354-361.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from statsmodels.genmod import cov_struct as sm
from statsmodels.genmod import families
from statsmodels.genmod.generalized_estimating_equations import NominalGEE, OrdinalGEE

from ..errors import DataError, FormulaError
from ..glmm.links import link as find_link
from ..results import normal_quantile
from .families import _LINKS
from .marginal import Marginal
from .model import quiet_fit, solve
from .public import read

__all__ = ["GeeCategoryResult", "categories"]

_SYMMETRIC = ("logit", "probit", "cauchit")


def categories(formula, data, kind: str, *, groups, corr, link, time, cov, offset, limit, refused) -> GeeCategoryResult:
    """Read ordered (``kind="ordinal"``) or unordered categories and solve."""
    for name, value in refused.items():
        if value is not None:
            raise ValueError(f"{name}= is not for family={kind!r}: statsmodels' GEE of categories has none. Leave it out.")
    own = find_link("logit" if link is None else link)
    if own.name not in (_SYMMETRIC if kind == "ordinal" else ("logit",)):
        raise ValueError(f"link={own.name!r} is not for family={kind!r}; choose "
                         f"{'logit, probit or cauchit' if kind == 'ordinal' else 'logit'}.")
    reading: Any  # of the outcome; knows its categories when it has read it
    if kind == "ordinal":
        from ..glmm.families.ordinal import OrderedOutcome
        reading = OrderedOutcome(data)
    else:
        from ..glmm.families.multinomial import UnorderedOutcome
        reading = UnorderedOutcome()
    design, levels = read(formula, data, groups, reading, offset=offset, time=time)
    if kind == "nominal" and design.offset is not None:
        raise ValueError("offset= is not for family='nominal': leave it out.")
    keep = [k for k, name in enumerate(design.exog_names) if kind == "nominal" or name != "Intercept"]
    if not keep:
        raise FormulaError("An ordinal GEE needs a predictor: thresholds alone are the categories' shares.")
    X = design.X[:, keep]
    names = tuple(design.exog_names[k] for k in keep)
    constant = np.ptp(X, axis=0) == 0
    middle = np.where(constant | ("Intercept" not in design.exog_names and kind == "nominal"), 0.0, X.mean(axis=0))
    spread = np.where(constant, 1.0, X.std(axis=0))
    order = np.argsort(levels[0][1], kind="stable")
    C = len(reading.categories)
    y = design.y[order].astype(int)
    codes = levels[0][1][order]
    Z = ((X - middle) / spread)[order]
    made = _structure(kind, corr)
    if kind == "ordinal":
        engine = OrdinalGEE(y, Z, codes, family=families.Binomial(link=_LINKS[own.name]()), cov_struct=made,
                            offset=None if design.offset is None else design.offset[order])
    else:
        engine = Nominal((y - 1) % C, Z, codes, cov_struct=made)  # statsmodels' reference is the last
    start = _start(engine, kind, C)
    solved = solve(engine, start, limit)
    return GeeCategoryResult(design, levels, kind, own, made, solved, reading.categories, names, middle, spread, corr=corr,
                             cov=cov, order=order)


def _structure(kind, corr):
    if corr == "independence":
        return sm.OrdinalIndependence() if kind == "ordinal" else sm.NominalIndependence()
    return sm.GlobalOddsRatio(kind)


def _start(engine, kind, C):
    """Independence, which the odds ratio starts from."""
    data = engine.endog_orig, engine.exog_orig, engine.groups_orig
    alone = OrdinalGEE(*data, family=engine.family, offset=engine.offset_orig) if kind == "ordinal" else Nominal(*data)
    try:
        fit = quiet_fit(alone, ctol=1e-8)
    except (np.linalg.LinAlgError, ValueError):  # coefficients without end, beyond what can be computed or is a number
        fit = None
    if fit is None or not np.isfinite(fit.params).all() or np.abs(fit.params).max() > 25.0:
        raise DataError("A predictor, or a combination of them, separates the categories, so that its coefficient has no finite "
                        "value. Join rare categories or leave the predictor out.")
    return np.asarray(fit.params, float)


class Nominal(NominalGEE):
    """statsmodels' NominalGEE with all the derivatives dp_k / d eta_l = p_k (1(k = l) - p_l); release 0.15.0 has those of k = l
    alone, so that its model under independence is not maximum likelihood and its standard errors are off."""

    def mean_deriv(self, exog, lin_pred):
        eta = lin_pred.reshape(-1, self.ncut)
        top = np.maximum(eta.max(axis=1, keepdims=True), 0.0)
        p = np.exp(eta - top)
        p = (p / (np.exp(-top) + p.sum(axis=1, keepdims=True)))[:, :, None]
        x = exog.reshape(len(eta), self.ncut, -1)
        return (p * (x - (p * x).sum(axis=1, keepdims=True))).reshape(exog.shape)


class GeeCategoryResult(Marginal):
    """A marginal model of ordered or unordered categories.

    Attributes
    ----------
    params, bse, tvalues, pvalues : Series
        Of ordered categories the slopes, P(y <= c) = F(threshold - x'b); of unordered ones ``"category: predictor"``, logits
        against the first category, as `mlm.glmm` has them.
    categories : list
    cov, corr, converged, n_iterations, messages
        As for `GeeResult`.
    llf, time_name
        Neither is there: generalized estimating equations have no likelihood, and these no order of time.

    Notes
    -----
    Chapter 20 (``20_gee_and_robust``) reads one.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.gee("rating ~ temp + contact", mlm.load("wine"), groups="judge", family="ordinal", corr="independence")
    >>> fit.params.index.tolist()
    ['temp[T.warm]', 'contact[T.yes]']
    >>> len(fit.thresholds)
    4
    >>> fit.scale is None, fit.reml is None
    (True, True)
    """

    design: Any
    _levels: Any
    model: Any
    _at: Any
    family: Any
    link: Any
    structure: Any
    _solved: Any
    cov: Any
    corr: Any
    categories: Any
    _columns: Any
    _names: Sequence[str]
    _back: Any
    _cuts: Any
    _params: np.ndarray
    converged: bool
    n_iterations: Any
    n_params: int
    _order: Any
    _cov: np.ndarray
    messages: tuple[str, ...]

    scale = None

    def __init__(self, design, levels, kind, link, structure, solved, labels, names, middle, spread, *, corr, cov, order):
        C, p = len(labels), len(names)
        labels = [one.item() if hasattr(one, "item") else one for one in labels]
        slopes = np.diag(1.0 / spread)
        shift = -middle / spread
        if kind == "ordinal":
            back = np.hstack([np.zeros((p, C - 1)), slopes])
            cuts = -np.hstack([np.eye(C - 1), np.tile(shift, (C - 1, 1))])
            full = names
        else:
            if "Intercept" in names:
                slopes[names.index("Intercept")] += np.where(np.arange(p) == names.index("Intercept"), 0.0, shift)
            back, cuts = np.kron(np.eye(C - 1), slopes), None
            full = tuple(f"{label}: {name}" for label in labels[1:] for name in names)
        self._freeze(design=design, _levels=levels, model=SimpleNamespace(nominal=None), _at=SimpleNamespace(x=solved.b), family=SimpleNamespace(name="ordinal" if kind == "ordinal" else "multinomial"),
                     link=link, structure=structure, _solved=solved, cov=cov, corr=corr, categories=labels, _columns=names,
                     _names=full, _back=back, _cuts=cuts, _params=back @ solved.b, converged=solved.converged,
                     n_iterations=solved.steps, n_params=len(solved.b), _order=order)
        told = [] if solved.converged else [f"The estimating equations are not solved after {solved.steps} steps: do not use these "
                                            "numbers. Try corr='independence', and join categories that some rows never have."]
        self._freeze(_cov=self._covariance(None), messages=(*design.messages, *self._few(), *told))

    @property
    def correlations(self):
        """The global odds ratio between two rows of a group (DataFrame; empty under independence)."""
        from .. import frames as pd
        value = [] if self.corr == "independence" else [float(np.squeeze(self.structure.dep_params))]
        return pd.DataFrame({"estimate": value, "pairs": [0] * len(value)},
                            index=pd.Index(["odds ratio of two rows"] * len(value), name=self.corr))

    def _threshold_cov(self):
        return self._solved.scores.covariance(self.cov, self._solved.phi, self._cuts)

    def probabilities(self, data=None):
        """Probability of each category (DataFrame), of new rows or of those of the fit."""
        from .. import frames as pd
        index = self.design.index() if data is None else getattr(data, "index", None)
        return pd.DataFrame(self._mean_at(self._at.x, data).T, columns=self.categories, index=None if callable(index) else index)

    def predict(self, data=None, *, interval: str | None = None, level: float = 0.95):
        """Probabilities of the categories; with ``interval="confidence"`` the columns ``(category, "mean" | "se" | "lower" |
        "upper")``, by the covariance of the fit from the logit of each probability."""
        from .. import frames as pd
        found = self.probabilities(data)
        if interval is None:
            return found
        if interval != "confidence":
            raise ValueError(f"interval={interval!r}: GEE has interval='confidence' alone, for it models means and no distribution.")
        sides = [self._mean_at(self._at.x + step, data).T for step in (*np.diag(self._steps), *-np.diag(self._steps))]
        k, P, q = len(self._steps), found.to_numpy(), normal_quantile(level)
        G = np.array([(up - down) / (2.0 * h) for up, down, h in zip(sides[:k], sides[k:], self._steps)])
        se = np.sqrt(np.einsum("anc,ab,bnc->nc", G, self._x_cov, G))
        eta, half = np.log(P) - np.log1p(-P), q * se / (P * (1.0 - P))
        low, high = (1.0 / (1.0 + np.exp(-(eta + sign * half))) for sign in (-1.0, 1.0))
        tables = {"mean": P, "se": se, "lower": low, "upper": high}
        return pd.DataFrame({(c, name): one[:, k] for k, c in enumerate(self.categories) for name, one in tables.items()},
                            index=found.index)

    def _mean_at(self, x, data=None, groups="average") -> np.ndarray:
        """Probabilities, shape (C, n), of the rows used or of new ones at the parameters `x`; there are no groups to average over."""
        X = self.design.X if data is None else self.design.fixed_matrix(data)
        X = X[:, [k for k, name in enumerate(self.design.exog_names) if name in self._columns]]
        if self._cuts is not None:
            shift = self.design.offset if data is None else self.design.offset_of(data)
            eta = X @ (self._back @ x) + (0.0 if shift is None else shift)
            below = self.link.mean((self._cuts @ x)[None, :] - eta[:, None])
            return np.diff(below, axis=1, prepend=0.0, append=1.0).T
        eta = X @ (self._back @ x).reshape(len(self.categories) - 1, -1).T
        eta = np.hstack([np.zeros((len(X), 1)), eta])
        P = np.exp(eta - eta.max(axis=1, keepdims=True))
        return (P / P.sum(axis=1, keepdims=True)).T

    @property
    def _x_cov(self):
        return self._solved.scores.covariance(self.cov, self._solved.phi, np.eye(len(self._solved.b)))

    @property
    def _steps(self):
        return 1e-4 * np.sqrt(np.diagonal(self._x_cov))

    def margins(self, over=None, at=None, *, dydx=None, level: float = 0.95):
        """Average probabilities of the categories, or effects on them: see `mlmlib.inference.category_margins.category_margins`."""
        from ..inference.category_margins import category_margins
        return category_margins(self, over, at, dydx=dydx, level=level)

    def ratios(self, level: float = 0.95, *, intercept: bool = False):
        """Cumulative or relative odds ratios, averaged over groups: see `mlmlib.glmm.ratios.ratios`."""
        from ..glmm.ratios import ratios
        found = ratios(self, level, intercept=intercept)
        return replace(found, kind=f"marginal {found.kind}", notes=("Averaged over groups.", *found.notes[1:]))

    @property
    def thresholds(self):
        """Thresholds of ordered categories (Series), ``"1|2"`` ...; None for unordered ones."""
        from .. import frames as pd
        if self._cuts is None:
            return None
        names = [f"{low}|{high}" for low, high in zip(self.categories, self.categories[1:])]
        return pd.Series(self._cuts @ self._solved.b, index=names, name="threshold")

    def threshold_table(self, level: float = 0.95):
        """Thresholds with standard errors and intervals (DataFrame)."""
        from .. import frames as pd
        if self._cuts is None:
            raise DataError("Unordered categories have no thresholds.")
        value, q = self.thresholds, normal_quantile(level)
        se = np.sqrt(np.diagonal(self._threshold_cov()))
        return pd.DataFrame({"estimate": value, "se": se, "z": value / se, "lower": value - q * se, "upper": value + q * se})
