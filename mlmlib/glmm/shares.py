"""What variance a GLMM explains and where it lies, on the scale of the linear predictor and on that of the outcome.

On the outcome's scale the law of total variance divides the variance of a unit's outcome y, exactly, with x the
predictors and u the effects of its groups:

    Var(y) = Var_x(E(y | x)) + E_x Var_u(E(y | x, u)) + E Var(y | x, u),

all by integration over normal u.  The second part over the last two is the intraclass correlation of two units of one
group with the same predictors; Goldstein, Browne and Rasbash (2002) compute it by simulation.

Chapters 16 and 17 (``16_binary``, ``17_counts``).

References
----------
Goldstein, H., Browne, W., & Rasbash, J. (2002). Partitioning variation in multilevel models. Understanding Statistics,
1, 223-231.
de Villemereuil, P., Schielzeth, H., Nakagawa, S., & Morrissey, M. (2016). General methods for evolutionary quantitative
genetic inference from generalized mixed models. Genetics, 204, 1281-1294.
Leckie, G., Browne, W. J., Goldstein, H., Merlo, J., & Austin, P. C. (2020). Partitioning variation in multilevel models
for count data. Psychological Methods, 25, 787-801.
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from .averaging import average
from .latent import distribution_variance, observation_variance
from .marginal_mean import averaged_mean

__all__ = ["covariance_of_means", "has_latent", "latent_residual", "null_mean", "parts_of_outcome", "unit_weights"]

_BOUNDED = ("binomial", "bernoulli", "ordinal")


def has_latent(fit) -> bool:
    """True where the link stands for a latent variable: binary and ordered outcomes."""
    return fit.family.name in _BOUNDED


def unit_weights(fit) -> np.ndarray:
    """How many units each row stands for: its trials times its weight, shape (n,)."""
    weights = np.ones(fit.nobs) if fit.density.trials is None else np.array(fit.density.trials, dtype=float)
    return weights if fit.density.weights is None else weights * fit.density.weights


def latent_residual(fit, approximation: str = "lognormal", mean="null") -> tuple[float, str]:
    """The variance of a unit on the scale of the linear predictor, and how it was got, in words."""
    family, link = fit.family, fit.link
    if has_latent(fit) and approximation != "delta":
        value = distribution_variance(link)
        return value, f"The variance of a unit on the {link.name} scale is that of the latent distribution, {value:.4g}."
    if family.name == "gaussian" and link.name == "identity":
        return float(np.exp(2.0 * fit._psi[0])), ""
    mu = null_mean(fit, mean)
    variance = float(np.mean(family.variance(np.array([mu / _stretch(fit)]), fit._psi)))
    value = float(observation_variance(link, mu, variance, approximation))
    used = approximation if link.name == "log" else "delta"
    whose = {"null": "the model without predictors, averaged over groups",
             "typical": "the model without predictors, in a " "typical group", "data": "the data"}.get(mean, "as given")
    return value, (f"The variance of a unit on the {link.name} scale is {value:.4g} by the {used} approximation at a "
                   f"mean of {mu:.4g} ({whose}).")


def null_mean(fit, mean="null") -> float:
    """The mean at which the variance of a unit is taken to the link scale.

    Parameters
    ----------
    fit : GlmmResult
    mean : {"null", "typical", "data"} or float
        Of the model with an intercept and the same random effects: averaged over groups (Nakagawa et al., 2017), or in a
        group with effects of zero, exp(b0), as R's performance did up to 0.10; the mean of the outcomes; or a number.
    """
    if not isinstance(mean, str):
        if not (np.isfinite(mean) and mean > 0):
            raise ValueError(f"mean={mean!r} must be a positive number, 'null', 'typical' or 'data'.")
        return float(mean)
    if mean not in ("null", "typical", "data"):
        raise ValueError(f"mean={mean!r} must be a number, 'null', 'typical' or 'data'.")
    weights = unit_weights(fit)
    if mean == "data":
        return float(np.average(fit.design.y / (1.0 if fit.density.trials is None else fit.density.trials),
                                weights=weights))
    null = null_fit(fit)
    eta = null._fixed_part
    if mean == "null" and fit.link.domain("positive")[0] == 0.0:
        raise DataError(f"With the link {fit.link.name} means cannot be averaged over normal effects; say at which "
                        "mean the variance of a unit is meant: mean='typical', mean='data' or a number.")
    mu = null.link.mean(eta) if mean == "typical" else averaged_mean(null.link, eta, _variances(null))[0]
    return float(np.average(null.family.mean(mu, null._psi), weights=weights))


def null_fit(fit):
    """The model with an intercept, the same random effects and the same offset, fitted as `fit` was."""
    from dataclasses import replace

    from ..design import Encoder
    from ..formula import as_written, parse
    if tuple(fit._names) == ("Intercept",):
        return fit
    design = fit.design
    offsets = [factor.label for factor in design.formula.offsets]
    formula = parse(f"{as_written(design.formula.outcome)} ~ {' + '.join(['1', *offsets, *(term.text for term in design.random)])}")
    smaller = replace(design, formula=formula, X=np.ones((len(design.y), 1)), exog_names=("Intercept",),
                      encoder=Encoder(((),), {}), messages=())
    return fit._of_design(smaller)


def _variances(fit) -> np.ndarray:
    from .averaging import row_variances
    return row_variances(fit.design.random, fit._T) + np.zeros(len(fit.design.y))


def _stretch(fit) -> float:
    """Ratio of a family's mean to the link's."""
    return float(fit.family.mean(np.ones(1), fit._psi)[0])


def parts_of_outcome(fit, eta, variance, psi=None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of units with linear predictors eta and random parts of this variance: mean, variance between groups, and within.

    Parameters
    ----------
    fit : GlmmResult
    eta, variance : ndarray, shape (m,)
    psi : ndarray, optional

    Returns
    -------
    mean, between, within : ndarray, shape (m,)
        E y, Var_u E(y | u), E_u Var(y | u).
    """
    psi = fit._psi if psi is None else psi
    family, link = fit.family, fit.link
    averaged_mean(link, eta[:1], variance[:1])  # refuses links without an average
    (eta, variance), back = _distinct(eta, variance)

    def moments(at, rows):
        mu = link.mean(at)
        mean = family.mean(mu, psi)
        return np.stack([mean, mean**2, np.broadcast_to(family.variance(mu, psi), mu.shape)])

    if link.name == "log" and not getattr(family, "hurdle", False):  # no nodes where tails are exponential: lognormal moments
        m1 = np.exp(eta + variance / 2.0)
        mean = family.mean(m1, psi)
        between = mean**2 * np.expm1(variance)
        within = average(lambda at, rows: np.broadcast_to(family.variance(link.mean(at), psi), at.shape), eta, variance)
        return mean[back], between[back], within[back]
    first, second, within = average(moments, eta, variance)
    return first[back], np.maximum(second - first**2, 0.0)[back], within[back]


def covariance_of_means(fit, eta, shared, rest, psi=None) -> np.ndarray:
    """Covariance of the means of two units whose random parts share effects of variance `shared`, shape (m,).

    What they do not share, of variance `rest`, is averaged over for each by itself.
    """
    psi = fit._psi if psi is None else psi
    family, link = fit.family, fit.link
    (eta, shared, rest), back = _distinct(eta, shared, rest)
    if link.name == "log" and not getattr(family, "hurdle", False):
        mean = family.mean(np.exp(eta + (shared + rest) / 2.0), psi)
        return (mean**2 * np.expm1(shared))[back]

    def product(at, rows):
        own = np.broadcast_to(rest[rows], at.shape)
        inner = averaged_mean(link, at.ravel(), own.ravel())[0].reshape(at.shape)
        mean = family.mean(inner, psi)
        return np.stack([mean, mean**2])

    first, second = average(product, eta, shared)
    return np.maximum(second - first**2, 0.0)[back]


def _distinct(*columns):
    """The different rows of columns, and where each row went."""
    whole = np.stack(np.broadcast_arrays(*columns), axis=1)
    found, back = np.unique(whole, axis=0, return_inverse=True)
    return tuple(np.ascontiguousarray(column) for column in found.T), back.ravel()


def one_mean(fit, what: str) -> None:
    """Refuse outcomes of several linear predictors, and models without random effects."""
    if not fit.design.random:
        raise DataError(f"{what} needs a model with random effects, such as (1 | group).")
    if len(getattr(fit, "families", ())) > 1:
        raise DataError(f"{what} is for one outcome, and these are of different families; fit each by itself.")
    if getattr(fit.density, "K", 1) > 1:
        raise DataError(f"{what} is for outcomes with one linear predictor a row; family={fit.family.name!r} has "
                        "several.")
