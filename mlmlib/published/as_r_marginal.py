"""The numbers of a marginal model and of a robust covariance, of ours and of geepack's and clubSandwich's files, as `as_r` prints them."""

from __future__ import annotations

from .as_r import r_name

__all__ = ["is_gee", "is_robust", "values_of_cr2", "values_of_gee", "values_of_geepack", "values_of_robust"]


def is_gee(truth: dict) -> bool:
    """Whether a file of R's is of geepack."""
    return "corstr" in truth


def is_robust(truth: dict) -> bool:
    """Whether a file of R's is of clubSandwich."""
    return "satt_df" in truth.get("CR2", ())


def values_of_gee(fit) -> dict:
    """The numbers of a marginal model of ours: robust standard errors, correlations, scale."""
    fixed = {r_name(name): (fit.params[name], fit.se_table().loc[name, "robust"]) for name in fit.params.index}
    return _values(fixed, _alphas(fit.correlations["estimate"]) | {"scale": fit.scale})


def values_of_geepack(truth: dict) -> dict:
    """The same of a file of geepack's."""
    fixed = {name: (value, truth["se_robust"][name]) for name, value in truth["fixef"].items()}
    return _values(fixed, _alphas(truth.get("alpha") or ()) | {"scale": float(truth["scale_gamma"][0])})


def values_of_robust(fit) -> dict:
    """The numbers of a robust covariance of ours."""
    fixed = {r_name(name): (fit.params[name], fit.bse[name]) for name in fit.params.index}
    return _values(fixed, {f"df of {r_name(name)}": value for name, value in fit.df.items()})


def values_of_cr2(truth: dict) -> dict:
    """CR2 of a file of clubSandwich's, with its degrees of freedom."""
    names, part = list(truth["fixef"]), truth["CR2"]
    fixed = dict(zip(names, zip(truth["fixef"].values(), part["se"])))
    return _values(fixed, {f"df of {name}": value for name, value in zip(names, part["satt_df"])})


def _alphas(values) -> dict:
    """Correlations by number."""
    return {f"correlation {k}" if len(values) > 1 else "correlation": float(value) for k, value in enumerate(values, 1)}


def _values(fixed: dict, more: dict) -> dict:
    """As `as_r` wants them: no likelihood, no criterion."""
    return {"reml": False, "criterion": None, "fixed": fixed, "random": {}, "residual": None,
            "structure": [], "more": more}
