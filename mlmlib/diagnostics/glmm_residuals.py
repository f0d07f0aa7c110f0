"""Residuals of generalized linear mixed models.

A binary outcome is 0 or 1 whatever the model says, and counts are skew: raw residuals of a right model are far from normal.
A quantile residual asks where in its own distribution an outcome lies, z = Phi^-1(F(y)); of a discrete outcome, which
covers a stretch of probability, it takes a random point of it (Dunn & Smyth, 1996).  If the model is right z is standard
normal.  Two distributions F are of interest:

- marginal: averaged over the groups' effects.  Exact for each row, but rows of a group go up and down together;
- conditional: given the groups' effects.  At their predicted values residuals are too small, because predictions follow
  the data; with effects *drawn* given the data the residuals are independent and standard normal if the model is right
  (Waagepetersen, 2006).  That is what is done here.

Chapter 16 (``16_binary``) shows that raw residuals mislead, Chapter 17 (``17_counts``) tests with these.

References
----------
Dunn, P. K., & Smyth, G. K. (1996). Randomized quantile residuals. Journal of Computational and Graphical Statistics, 5,
236-244.
Waagepetersen, R. (2006). A simulation-based goodness-of-fit test for random effects in generalized linear mixed models.
Scandinavian Journal of Statistics, 33, 721-731.
Hartig, F. (2022). DHARMa: Residual diagnostics for hierarchical (multi-level / mixed) regression models. R package.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from ..errors import DataError

__all__ = ["GLMM_KINDS", "glmm_residuals", "probabilities", "quantile_residuals", "refuse_several", "row_moments",
           "stream", "tails"]

GLMM_KINDS = ("raw", "pearson", "deviance", "quantile")
_DEVIANCE = ("gaussian", "binomial", "bernoulli", "poisson", "nbinom2", "geometric", "gamma", "exponential", "inverse-gaussian")
_END = 1e-15  # probabilities are held inside (0, 1) by this


def stream(seed):
    """A generator of its own for a seed: data that were made with ``default_rng(seed)`` do not meet their numbers again."""
    return seed if isinstance(seed, np.random.Generator) else np.random.default_rng([29, int(seed)])


def glmm_residuals(fit, kind: str = "raw", level: str = "conditional", seed: int = 1):
    """Residuals of a GLMM, of rows or of groups.

    Parameters
    ----------
    fit : GlmmResult
    kind : {"raw", "pearson", "deviance", "quantile"}
        Outcome less its expectation (of a binomial outcome, of the share of the trials); that divided by the outcome's
        standard deviation; the signed root of what the row adds to the deviance; or randomized quantile residuals, which
        are standard normal if the model is right. Of groups ``"raw"`` (predicted effects) and ``"quantile"`` (effects drawn
        given the data, in standard deviations of the model).
    level : str
        ``"conditional"``: given the groups' effects; ``"marginal"``: averaged over them; or a grouping factor's name.
    seed : int
        Of ``"quantile"``.

    Returns
    -------
    Series
        One value a row used; for groups a DataFrame with a column an effect.

    Raises
    ------
    ValueError
        If `kind` or `level` is not known, or not there for the family.

    Notes
    -----
    Chapter 16 (``16_binary``).  Conditional quantile residuals are drawn with groups' effects drawn given the data; see the
    module.  R's DHARMa has them on the uniform scale and by simulation from new groups, our ``level="marginal"``.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("y ~ lbase * trt + lage + V4 + (1 | subject)", mlm.load("epil"), family="poisson")
    >>> z = fit.residuals("quantile")  # the counts vary more than a Poisson model says
    >>> bool(z.std() > 1.2)
    True
    """
    factors = list(fit.n_groups)
    if level in factors:
        return _of_groups(fit, kind, level, seed)
    if level not in ("conditional", "marginal"):
        raise ValueError(f"level={level!r} is not known; residuals are 'conditional' or 'marginal', or of the groups "
                         f"{', '.join(map(repr, factors))}.")
    if kind not in GLMM_KINDS:
        raise ValueError(f"kind={kind!r} is not known for a GLMM; choose one of {', '.join(GLMM_KINDS)}.")
    refuse_several(fit, "Residuals of rows")
    if kind == "quantile":
        values = quantile_residuals(fit, level, seed)
    elif kind == "deviance":
        if level == "marginal":
            raise ValueError("Deviance residuals are given the groups' effects; use level='conditional'.")
        values = _deviance(fit)
    else:
        mean, variance = row_moments(fit, level)
        values = _outcome(fit) - mean
        if kind == "pearson":
            values = values / np.sqrt(variance)
    return fit._row_series(values, f"{kind} {level} residual")


def refuse_several(fit, what: str) -> None:
    """Refuse categories without an order, of which no row has a residual; counts whose zeros have a predictor have."""
    if getattr(fit.density, "K", 1) > 1 and not hasattr(fit, "zero_probability"):
        raise DataError(f"{what} are for outcomes that are numbers or ordered; family={fit.family.name!r} has "
                        "categories without an order.")


def _outcome(fit) -> np.ndarray:
    """Outcomes as their expectations are: shares of the trials; categories from 1."""
    if hasattr(fit.density, "thresholds"):
        return fit.design.y + 1.0
    return fit.design.y if fit.density.trials is None else fit.design.y / np.maximum(fit.density.trials, 1.0)


def row_moments(fit, level: str = "conditional", eta=None) -> tuple[np.ndarray, np.ndarray]:
    """Expectation and variance of each row's outcome, at given linear predictors or averaged over groups."""
    density, psi = fit.density, fit._psi
    if level == "conditional":
        eta = fit._at.modes.eta if eta is None else eta
        return density.mean(eta, psi), density.variance(eta, psi)
    if hasattr(fit, "outcomes"):
        raise DataError("Several outcomes have conditional residuals; for marginal ones fit each outcome by itself.")
    if density.K > 1:
        raise DataError("With a formula for the zeros there are conditional residuals, and quantile residuals of both "
                        "levels.")
    from ..glmm.averaging import average
    from ..glmm.marginal_mean import needs_everywhere
    from ..glmm.predictors import predictors
    needs_everywhere(fit.link)
    at = predictors(fit, groups="average", derivatives=False)

    def moments(there, rows):
        whole = _rows_of(density, rows)
        mean = whole.mean(there, psi)
        return np.stack([mean, mean**2, np.broadcast_to(whole.variance(there, psi), mean.shape)])

    first, second, within = average(moments, at.eta, at.variance)
    return first, np.maximum(second - first**2, 0.0) + within


class _rows_of:
    """A density's mean, variance and distribution function in a slice of its rows."""

    def __init__(self, density, rows):
        self.density, self.trials = density, None if density.trials is None else density.trials[rows]
        self.own = not hasattr(density, "thresholds") and density.K == 1

    def mean(self, eta, psi):
        return self.density.mean(eta, psi)

    def variance(self, eta, psi):
        if not self.own:
            return self.density.variance(eta, psi)
        return self.density.family.variance(self.density.link.mean(eta), psi, self.trials)

    def cdf(self, y, eta, psi):
        if not self.own:
            return self.density.cdf(y, eta, psi)
        return self.density.family.cdf(y, self.density.link.mean(eta), psi, self.trials)


def probabilities(fit, level: str, rng) -> tuple[np.ndarray, np.ndarray]:
    """P(Y < y) and P(Y <= y) of each row: averaged over groups, or with effects drawn given the data."""
    density, psi, y = fit.density, fit._psi, fit.design.y
    before = y - 1.0 if fit.family.discrete else y
    if level == "conditional":
        from ..glmm.draw import predictors_drawn
        eta = predictors_drawn(fit, 1, rng, "posterior")[0]
        whole = _rows_of(density, slice(None))
        upper = whole.cdf(y, eta, psi)
        return (upper if before is y else whole.cdf(before, eta, psi)), upper
    if density.K > 1:
        return _by_simulation(fit, level, rng)
    from ..glmm.averaging import average
    from ..glmm.marginal_mean import needs_everywhere
    from ..glmm.predictors import predictors
    needs_everywhere(fit.link)
    at = predictors(fit, groups="average", derivatives=False)
    if getattr(density, "nominal", None) is not None:
        raise DataError("Marginal residuals are for models without a nominal part; use level='conditional'.")

    def both(there, rows):
        own = _rows_of(density, rows)
        shape = there.shape
        return np.stack([own.cdf(np.broadcast_to(value[rows], shape), there, psi) for value in (before, y)])

    lower, upper = average(both, at.eta, at.variance)
    return lower, upper


def tails(fit, seed=1, n: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """P(Y <= y) and P(Y >= y) of each row, averaged over what the data leave open of its group's effects."""
    density, psi, y = fit.density, fit._psi, fit.design.y
    if hasattr(fit, "outcomes"):
        raise DataError("Tails of outcomes are there for models of one outcome; fit each of several by itself to test "
                        "it.")
    before = y - 1.0 if fit.family.discrete else y
    if density.K > 1 or getattr(density, "nominal", None) is not None:
        rng = stream(seed)
        lower, upper = (np.mean(side, axis=0)
                        for side in zip(*(probabilities(fit, "conditional", rng) for _ in range(n))))
        return upper, 1.0 - lower
    from ..glmm.averaging import average
    rows, modes = fit.model.rows, fit._at.modes

    def both(there, some):
        own = _rows_of(density, some)
        return np.stack([own.cdf(np.broadcast_to(value[some], there.shape), there, psi) for value in (before, y)])

    lower, upper = average(both, modes.eta, rows.leverages(modes.inverse))
    return upper, 1.0 - lower


def quantile_residuals(fit, level: str = "conditional", seed=1, uniform: bool = False) -> np.ndarray:
    """Randomized quantile residuals, standard normal if the model is right, shape (n,); or uniform ones."""
    rng = stream(seed)
    try:
        lower, upper = probabilities(fit, level, rng)
    except NotImplementedError:
        lower, upper = _by_simulation(fit, level, rng)
    u = lower + rng.random(len(lower)) * np.maximum(upper - lower, 0.0)
    return u if uniform else ndtri(np.clip(u, _END, 1.0 - _END))


def _by_simulation(fit, level, rng, n: int = 1000):
    """The same probabilities from simulated outcomes, for families without a distribution function."""
    from ..glmm.draw import predictors_drawn
    if level == "conditional":
        eta = np.repeat(predictors_drawn(fit, 1, rng, "posterior"), n, axis=0)
        drawn = fit._draw(eta, rng)
    else:
        drawn = fit.simulate(n, rng)
    y = fit.design.y
    return ((drawn < y).sum(axis=0) + 0.0) / (n + 1.0), ((drawn <= y).sum(axis=0) + 1.0) / (n + 1.0)


def _deviance(fit) -> np.ndarray:
    """Signed roots of twice what each row lacks to its own best log-likelihood."""
    family, link, density = fit.family, fit.link, fit.density
    if family.name not in _DEVIANCE:
        raise ValueError(f"family={family.name!r} has no deviance; use kind='quantile' or 'pearson'.")
    y = _outcome(fit)
    with np.errstate(divide="ignore", invalid="ignore"):
        best = np.asarray(link.eta(y), dtype=float)
    if family.support == "unit":
        ends = link.eta(np.array([1e-13, 1.0 - 1e-13])) if link.name != "logit" else np.array([-700.0, 700.0])
        best = np.clip(best, *ends)
    elif not np.isfinite(best).all() or (density.bounds is not None):
        best = np.where(np.isfinite(best), best, np.sign(best) * 700.0) if link.name == "log" else np.maximum(best, 1e-12)
    value = density(best, fit._psi, 0).value - density(fit._at.modes.eta, fit._psi, 0).value
    return np.sign(y - fit._mu) * np.sqrt(2.0 * np.maximum(value, 0.0))


def _of_groups(fit, kind, group, seed):
    """Predicted effects of groups, or effects drawn given the data in standard deviations of the model."""
    from .. import frames as pd
    if kind not in ("raw", "quantile"):
        raise ValueError(f"kind={kind!r} is not known for groups of a GLMM; choose 'raw' or 'quantile'.")
    if kind == "raw":
        return fit.random_effects[group]
    from ..glmm.draw import effects_given_outcomes
    drawn = fit._by_group_values(effects_given_outcomes(fit, stream(seed)))[group]
    sd = np.sqrt(np.maximum(np.diagonal(fit._T_of(group)), 0.0))
    table = fit.random_effects[group]
    with np.errstate(divide="ignore", invalid="ignore"):
        return pd.DataFrame(np.where(sd > 0, drawn / sd, np.nan), index=table.index, columns=table.columns)
