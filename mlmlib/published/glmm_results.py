"""Our generalized mixed models beside R's at full precision: the numbers of one file, ours and theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .as_r import r_name
from .glmm_sources import call_of, glmm, table
from .r_results import factor_of
from .sources import reference

__all__ = ["Pair", "compared", "expected_information", "pairs", "saturated"]

# lme4's Laplace approximation takes expected information where the link is not canonical; not the model's likelihood
EXPECTED = ("glmm_cbpp_probit_laplace", "glmm_cbpp_cloglog_laplace", "glmm_contraception_probit_laplace")


class Pair(NamedTuple):
    """Numbers of ours and R's of one kind; `floor` is the size below which differences are not relative any more."""

    kind: str
    ours: np.ndarray
    theirs: np.ndarray
    floor: float | np.ndarray = 0.0


def saturated(name: str) -> float:
    """What lme4 leaves out of a log-likelihood by quadrature: that of a model in which every mean is its outcome."""
    from scipy.special import gammaln, xlogy

    call = call_of(name)[0]
    rows = table(call.data)
    if call.options.get("family") == "poisson":
        y = rows[call.formula.split(" ~ ")[0]].to_numpy(float)
        return float(np.sum(xlogy(y, y) - y - gammaln(y + 1)))
    if "trials" not in call.options:
        return 0.0
    n, y = rows[call.options["trials"]].to_numpy(float), rows[call.formula.split(" ~ ")[0]].to_numpy(float)
    chosen = gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)
    return float(np.sum(chosen + xlogy(y, y / n) + xlogy(n - y, 1 - y / n)))


def place(fitted, theirs) -> list[int]:
    """Where R's coefficients stand among ours."""
    own = [frozenset(r_name(name).split(":")) for name in fitted.params.index]
    return [own.index(frozenset(name.split(":"))) for name in theirs]


def likelihood(name: str) -> float:
    """R's log-likelihood, with the constants that lme4 drops when it uses quadrature."""
    truth = reference(name)
    return truth["logLik"] + (saturated(name) if name.startswith("glmm_") and truth["nAGQ"] > 1 else 0.0)


def unstructured(theta, q: int) -> np.ndarray:
    """The covariance matrix of glmmTMB's parameters: log standard deviations, then rows of a unit triangular factor."""
    factor = np.eye(q)
    factor[np.tril_indices(q, -1)] = theta[q:]
    factor /= np.sqrt((factor**2).sum(axis=1, keepdims=True))
    sd = np.exp(theta[:q])
    return np.outer(sd, sd) * (factor @ factor.T)


def polished(truth) -> dict:
    """glmmTMB's covariance matrices at its driven-on parameters; `varcomp_glmmTMB` is where its own search stopped."""
    theta = np.atleast_1d(truth["par_all"].get("theta", []))
    out, at = {}, 0
    for group, block in truth["varcomp_glmmTMB"].items():
        q = len(block["names"])
        size = q * (q + 1) // 2
        out[group] = {"names": block["names"], "cov": unstructured(theta[at : at + size], q)}
        at += size
    return out


def dispersion(truth) -> float:
    """What glmmTMB's sigma() prints, at its driven-on parameters: a power of exp(betad), by family."""
    printed = truth["sigma_glmmTMB"]
    log = float(np.ravel(truth["par_all"]["betad"])[0])
    return float(np.exp(min((log, log / 2, -log / 2), key=lambda one: abs(one - np.log(printed)))))


def variances(fitted, truth) -> Pair:
    """Every covariance matrix of random effects, factor by factor."""
    ours, theirs, floors = [], [], []
    blocks = truth.get("varcomp") or (polished(truth) if truth.get("varcomp_glmmTMB") else {})
    if "theta" in truth and not blocks:  # exactml: a standard deviation
        blocks = {next(iter(fitted.n_groups)): {"cov": [[truth["theta"] ** 2]]}}
    if "sd_random" in truth:  # clmm
        own = list(fitted.n_groups)
        blocks = {own[k]: {"cov": [[sd**2]]} for k, sd in enumerate(truth["sd_random"])}
    for key, block in blocks.items():
        cov = np.array(block["cov"], float)
        ours.append(fitted.covariance_matrix(factor_of(fitted, key)).to_numpy().ravel())
        theirs.append(cov.ravel())
        floors.append(1e-2 * np.sqrt(np.outer(np.diag(cov), np.diag(cov))).ravel())
    if not ours:
        return Pair("variances", np.zeros(0), np.zeros(0))
    return Pair("variances", *map(np.concatenate, (ours, theirs)), np.concatenate(floors) + 1e-6)


def effects(fitted, truth) -> Iterator[Pair]:
    """Modes of the first five groups and their conditional standard deviations.

    The latter are left out of glmmTMB's files, where they hold the uncertainty of the parameters too, and of lme4's with a
    link that is not canonical, where they come from expected information.
    """
    comparable = "par_all" not in truth and fitted.link.name in ("logit", "log")
    for key, block in truth.get("ranef_first5", {}).items():
        group = factor_of(fitted, key)
        own, spread = fitted.random_effects[group], fitted.random_effects_se[group]
        labels = [str(level) for level in own.index]
        at = [labels.index(str(level)) for level in block["levels"]]
        size = max(float(own.abs().to_numpy().max()), 1e-3)
        mode = block.get("blup", block.get("mode"))
        yield Pair("predicted effects (the first five)", own.to_numpy()[at].ravel(), np.ravel(mode), size)
        if "cond_sd" in block and comparable:
            yield Pair("their standard errors", spread.to_numpy()[at].ravel(), np.ravel(block["cond_sd"]))


def pairs(name: str) -> Iterator[Pair]:
    """Everything that one of R's files and our fit have both."""
    fitted, truth = glmm(name), reference(name)
    yield Pair("log-likelihood", np.array([fitted.llf]), np.array([likelihood(name)]))
    if "coef" in truth:
        yield from ordinal(fitted, truth)
    else:
        at = place(fitted, truth["fixef"])
        se = np.array(list((truth.get("se_hessian") or truth["se"]).values()))
        floor = 1e-3 * se.max()
        yield Pair("coefficients", fitted.params.to_numpy()[at], np.array(list(truth["fixef"].values())), floor)
        yield Pair("standard errors", fitted.bse.to_numpy()[at], se)
    if "betad" in truth.get("par_all", {}):
        yield Pair("dispersion", fitted.dispersion.to_numpy()[:1], np.array([dispersion(truth)]))
    yield variances(fitted, truth)
    yield from effects(fitted, truth)
    if "fitted_first5" in truth and "coef" not in truth and fitted.n_groups:
        yield Pair("fitted means (the first five)", fitted.fittedvalues.to_numpy()[:5],
                   np.array(truth["fitted_first5"]))


def ordinal(fitted, truth) -> Iterator[Pair]:
    """Thresholds and coefficients of clm and clmm."""
    names = list(truth["coef"])
    cut, slopes = [name for name in names if "|" in name], [name for name in names if "|" not in name]
    at = place(fitted, slopes)
    known = truth.get("se") or dict(zip(names, np.sqrt(np.diag(truth["vcov"]["values"]))))
    theirs = np.array([truth["coef"][name] for name in cut])
    yield Pair("thresholds", fitted.thresholds.to_numpy(), theirs)
    yield Pair("coefficients", fitted.params.to_numpy()[at], np.array([truth["coef"][name] for name in slopes]))
    yield Pair("standard errors", fitted.bse.to_numpy()[at], np.array([known[name] for name in slopes]))


def compared(name: str):
    """The pairs in the form of `r_results.differences`: for the page of reference numbers."""
    if name in EXPECTED:
        ours, theirs = expected_information(name)
        yield "generalized: lme4's own criterion at its estimates", [ours], [theirs], 0
        return
    for pair in pairs(name):
        if np.size(pair.theirs):
            yield f"generalized: {pair.kind}", pair.ours, pair.theirs, pair.floor


def expected_information(name: str, step=None) -> tuple[float, float]:
    """The Laplace approximation with expected information, at lme4's estimates, and what lme4 says it is.

    Parameters
    ----------
    name : str
        A file of EXPECTED: one random intercept, binomial.
    step : array_like of float, shape (1 + p,), optional
        Added to lme4's standard deviation and coefficients.
    """
    from scipy.special import ndtr
    from scipy.stats import binom, norm

    call, _ = call_of(name)
    truth, rows = reference(name), table(call.data)
    fitted = glmm(name)
    at = place(fitted, truth["fixef"])
    point = np.concatenate([[next(iter(truth["theta"].values()))], list(truth["fixef"].values())])
    sd, *b = point if step is None else point + np.asarray(step)
    X = np.asarray(fitted.exog, float)[:, at]
    y = np.asarray(fitted.endog, float)
    n = rows[call.options["trials"]].to_numpy(float) if "trials" in call.options else np.ones(len(y))
    codes = rows[next(iter(fitted.n_groups))].astype("category").cat.codes.to_numpy()
    v = np.zeros(codes.max() + 1)
    probit = call.options["link"] == "probit"

    def mean(eta):
        return ndtr(eta) if probit else -np.expm1(-np.exp(eta))

    for _ in range(200):  # Fisher scoring finds the same modes
        eta = X @ b + sd * v[codes]
        mu, slope = mean(eta), norm.pdf(eta) if probit else np.exp(eta - np.exp(eta))
        weight = n * slope**2 / (mu * (1 - mu))
        score = np.bincount(codes, sd * (y - n * mu) * slope / (mu * (1 - mu))) - v
        H = np.bincount(codes, sd**2 * weight) + 1
        v = v + score / H
    value = binom.logpmf(y, n, mean(X @ b + sd * v[codes])).sum() - 0.5 * (v @ v) - 0.5 * np.log(H).sum()
    return float(value), truth["logLik"]
