"""The intraclass correlation of a GLMM, on the latent scale and on that of the outcome.

Chapter 16 (``16_binary``) and, for counts, Chapter 17 (``17_counts``).
"""

from __future__ import annotations

import numpy as np

from ..errors import DataError
from ..icc_result import Icc, logit_interval
from ..lmm.factors import chosen_factor
from ..lmm.nested import outer_of
from .predictors import predictors, quadratic
from .shares import covariance_of_means, has_latent, latent_residual, one_mean, parts_of_outcome, unit_weights

__all__ = ["glmm_icc"]

SCALES = ("latent", "observation")


def glmm_icc(fit, level=0.95, *, group=None, at=None, method="wald", scale="latent", approximation="lognormal",
             mean="null", **options) -> Icc:
    """The ICC of a GLMM: see `mlmlib.icc`.

    Parameters
    ----------
    scale : {"latent", "observation"}
        Of the linear predictor, or of the outcome.
    approximation : {"lognormal", "delta", "trigamma"}
        On the latent scale of outcomes that have no latent variable.
    mean : {"null", "typical", "data"} or float
        At which mean, for the same.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> fit = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size")
    >>> round(mlm.icc(fit).estimate, 4), round(mlm.icc(fit, scale="observation").estimate, 4)
    (0.1114, 0.0499)
    """
    if scale not in SCALES:
        raise ValueError(f"scale={scale!r} must be 'latent' or 'observation'.")
    one_mean(fit, "icc")
    if scale == "observation" and hasattr(fit.density, "thresholds"):
        raise DataError("Ordered categories have an ICC of their latent variable only; leave scale= out.")
    group = chosen_factor(fit, group)
    shared = (*outer_of(fit.design, group), group)
    if method != "wald":
        return _by_other(fit, level, group, at, method, options, scale, approximation, mean, shared)
    if options:
        raise TypeError(f"icc(method='wald') has no option {next(iter(options))!r}.")
    found = _latent if scale == "latent" else _observation
    rho, gradient, between, total, own, at, note = found(fit, shared, group, at, approximation, mean)
    se = float(np.sqrt(quadratic(gradient[None], fit._x_cov)[0]))
    if fit.is_singular or not np.isfinite(se):
        se, note = float("nan"), f"{note} No standard error: the fit is singular, on the boundary of what can be estimated."
    lower, upper = logit_interval(rho, se, level)
    if len(shared) > 1:
        note += f" Rows of one {group} share {' and '.join(shared[:-1])} too; the share of {group} alone is {own:.4g}."
    alone = tuple(fit._names) in ((), ("Intercept",)) and not any(n != "Intercept" for t in fit.design.random for n in t.names)
    kind = f"{'unconditional' if alone else 'residual'} {scale}-scale"
    return Icc(float(rho), float(between), float(total - between), kind, group, se, lower, upper, level, at,
               note.strip(), float(own))


def _by_other(fit, level, group, at, method, options, scale, approximation, mean, shared):
    """Profile or bootstrap intervals, of what can be computed from each fit."""
    from dataclasses import replace
    if method not in ("profile", "bootstrap"):
        raise ValueError(f"icc(method={method!r}) is not known; choose 'wald', 'profile' or 'bootstrap'.")
    if method == "profile":
        return _profiled(fit, level, group, at, options, scale, approximation, mean)
    plain = glmm_icc(fit, level, group=group, at=at, scale=scale, approximation=approximation, mean=mean)

    def of(one):
        return glmm_icc(one, level, group=group, at=at, scale=scale, approximation=approximation, mean=mean).estimate

    table = fit.conf_int(level, method, of={"ICC": of}, **options)
    return replace(plain, lower=float(table["lower"].iloc[0]), upper=float(table["upper"].iloc[0]),
                   note=" ".join(filter(None, (plain.note, table.attrs.get("note", "")))))


def _profiled(fit, level, group, at, options, scale, approximation, mean):
    """The profile interval of one standard deviation, where it is all that the ICC depends on."""
    from dataclasses import replace
    alone = len(fit.design.random) == 1 and fit.design.random[0].names == ("Intercept",)
    if not (alone and scale == "latent" and has_latent(fit) and approximation != "delta"):
        raise ValueError("The ICC of a GLMM is profiled on the latent scale of binary and ordered outcomes with one "
                         "random intercept; elsewhere use method='bootstrap'.")
    plain = glmm_icc(fit, level, group=group, at=at)
    sd = fit.conf_int(level, "profile", "all", **options).loc[f"sd({group}: Intercept)"]
    lower, upper = (float(sd[end] ** 2 / (sd[end] ** 2 + plain.within)) for end in ("lower", "upper"))
    return replace(plain, lower=lower, upper=upper)


def _latent(fit, shared, group, at, approximation, mean):
    """Share, gradient, variances and note on the scale of the linear predictor."""
    slopes = dict.fromkeys(name for term in fit.design.random for name in term.names if name != "Intercept")
    strange = set(at or {}) - set(slopes)
    if strange:
        raise DataError(f"at= names {', '.join(map(repr, sorted(strange)))}, whose slope does not vary between groups. "
                        + (f"Slopes that vary: {', '.join(slopes)}." if slopes
                           else "The latent ICC of this model is the same "
                           "everywhere; scale='observation' depends on predictors."))
    at = {name: float((at or {}).get(name, 0.0)) for name in slopes}
    within, note = latent_residual(fit, approximation, mean)
    variance, change = dict.fromkeys(fit.n_groups, 0.0), {g: np.zeros(len(fit._at.x)) for g in fit.n_groups}
    for own in fit.n_groups:
        z = np.array([at.get(name, 1.0) for term in fit.design.random if term.group == own for name in term.names])
        variance[own] = float(z @ fit._T_of(own) @ z)
        for place, dT in fit._T_slopes(own):
            change[own][place] = float(z @ dT @ z)
    noise = np.zeros(len(fit._at.x))
    if fit.family.name == "gaussian" and fit.link.name == "identity":
        noise[len(noise) - len(fit._psi)] = 2.0 * within
    elif "approximation" in note and len(fit._psi):
        note += " Its standard error takes this as known."
    between, total = sum(variance[g] for g in shared), sum(variance.values()) + within
    rho = between / total
    gradient = (sum(change[g] for g in shared) - rho * (sum(change.values()) + noise)) / total
    return rho, gradient, between, total, variance[group] / total, at, note


def _observation(fit, shared, group, at, approximation, mean):
    """Share, gradient, variances and note on the scale of the outcome."""
    data, weights = None, unit_weights(fit)
    if at:
        data = moved_data(fit, at)
    eta, G = (p := predictors(fit, data, "average")).eta, p.gradient
    parts = {g: predictors(fit, data, "average", only=(g,)) for g in fit.n_groups} if len(fit.n_groups) > 1 else {group: p}
    v = {g: own.variance for g, own in parts.items()}
    dv = {g: own.slopes for g, own in parts.items()}
    psi, w = fit._psi, weights / weights.sum()

    def share(eta, v, psi, which=shared):
        both, rest = sum(v[g] for g in which), sum((v[g] for g in v if g not in which), np.zeros(len(eta)))
        _, between, within = parts_of_outcome(fit, eta, both + rest, psi)
        cov = between if not rest.any() else covariance_of_means(fit, eta, both, rest, psi)
        return float(w @ cov), float(w @ (between + within))

    between, total = share(eta, v, psi)
    gradient, h = np.zeros(G.shape[1]), np.sqrt(np.maximum(np.diagonal(fit._x_cov), 0.0)) * 1e-3
    for k in np.flatnonzero(np.isfinite(h) & (h > 0)):
        ends = []
        for sign in (h[k], -h[k]):
            own = psi.copy()
            if k >= G.shape[1] - len(psi):
                own[k - G.shape[1] + len(psi)] += sign
            there = {g: np.maximum(v[g] + sign * dv[g][:, k], 0.0) for g in v}
            a, b = share(eta + sign * G[:, k], there, own)
            ends.append(a / b)
        gradient[k] = (ends[0] - ends[1]) / (2.0 * h[k])
    own = between / total if len(shared) == 1 else share(eta, v, psi, (group,))[0] / total
    note = "Of single outcomes" + (" (one trial)" if fit.density.trials is not None else "") + (
        " at these values." if at else ", averaged over the predictors of the rows.")
    return between / total, gradient, between, total, own, dict(at or {}), note


def moved_data(fit, at: dict):
    """The rows of the fit with columns set to values, as a table that the design can read."""
    from ..table import Table
    table = Table(fit.design.data)
    names = {name for term in fit.design.formula.fixed for factor in term for name in factor.columns}
    names |= {name for term in fit.design.random
              for factor in (*(f for t in term.encoder.terms for f in t), *term.factors) for name in factor.columns}
    names |= {name for factor in fit.design.formula.offsets for name in factor.columns}
    names |= {one for one in (fit.model.exposure_option, fit.design.offset_option) if isinstance(one, str)}
    strange = set(at) - names
    if strange:
        raise DataError(f"at= names {', '.join(map(repr, sorted(strange)))}, no column of the model. Its columns: "
                        f"{', '.join(sorted(names))}.")
    kept = slice(None) if fit.design.kept is None else fit.design.kept
    out = {}
    for name in sorted(names):
        column = table[name]
        values = np.asarray(column.levels, dtype=object)[column.codes] if hasattr(column, "codes") else np.asarray(column)
        out[name] = np.full(fit.nobs, at[name], dtype=object if isinstance(at[name], str) else None) if name in at else values[kept]
    return out
