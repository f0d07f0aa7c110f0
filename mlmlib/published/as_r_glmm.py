"""The numbers of a generalized mixed model, of ours and of R's files, as `as_r` prints them."""

from __future__ import annotations

import numpy as np

from .as_r import r_factor, r_name

__all__ = ["is_glmm", "values_of_glmm", "values_of_r_glmm"]

ZERO = "zero: "


def is_glmm(truth: dict) -> bool:
    """Whether a file of R's is of lme4's glmer, of glmmTMB, of clm or clmm, or of the exact likelihood."""
    return any(key in truth for key in ("se_hessian", "par_all", "coef", "se_theta"))


def values_of_glmm(fit) -> dict:
    """The numbers of a generalized mixed model of ours; thresholds come before the coefficients, zero parts after them."""
    fixed = {}
    if getattr(fit, "thresholds", None) is not None:
        se = np.sqrt(np.diag(fit.cov_params(thresholds=True)))
        fixed |= {name: (value, se[k]) for k, (name, value) in enumerate(fit.thresholds.items())}
    for name, value in fit.params.items():
        own = name.removeprefix(ZERO)
        fixed[name[: len(name) - len(own)] + r_name(own)] = (value, fit.bse[name])
    table = fit.dispersion_table().set_index("name")
    if "zero" in table.index:  # one share for all rows: R has its logit
        share, se = table.loc["zero", ["estimate", "se"]]
        fixed[f"{ZERO}(Intercept)"] = (np.log(share / (1 - share)), se / (share * (1 - share)))
    random = {}
    for factor in fit.n_groups:
        cov = fit.covariance_matrix(factor)
        random[r_factor(factor)] = ([r_name(name) for name in cov.index], cov.to_numpy())
    return {"reml": False, "criterion": -2 * fit.llf, "fixed": fixed, "random": random, "residual": None,
            "structure": [], "dispersion": [table.loc[name, "estimate"] for name in table.index if name != "zero"]}


def values_of_r_glmm(truth: dict) -> dict:
    """The same of a file of R's.  glmmTMB's are those at its driven-on parameters."""
    from .glmm_results import dispersion, polished

    if "coef" in truth:
        errors = truth.get("se") or dict(zip(truth["coef"], np.sqrt(np.diag(truth["vcov"]["values"]))))
        fixed = {name: (value, errors[name]) for name, value in truth["coef"].items()}
    else:
        errors = truth.get("se_hessian") or truth["se"]
        fixed = {name: (value, errors[name]) for name, value in truth["fixef"].items()}
    fixed |= {ZERO + name: (value, truth["se_zi"][name]) for name, value in truth.get("zi", {}).items()}
    blocks = truth.get("varcomp") or (polished(truth) if truth.get("varcomp_glmmTMB") else {})
    if "sd_random" in truth:  # clmm, polished
        blocks = {name: {"names": ["(Intercept)"], "cov": [[sd**2]]}
                  for name, sd in zip(truth["sd_random_clmm"], truth["sd_random"])}
    if "se_theta" in truth:
        blocks = {truth["group"]: {"names": ["(Intercept)"], "cov": [[truth["theta"] ** 2]]}}
    random = {r_factor(name): (block["names"], np.array(block["cov"])) for name, block in blocks.items()}
    return {"reml": False, "criterion": -2 * truth["logLik"], "fixed": fixed, "random": random, "residual": None,
            "structure": [], "dispersion": [dispersion(truth)] if "betad" in truth.get("par_all", {}) else []}
