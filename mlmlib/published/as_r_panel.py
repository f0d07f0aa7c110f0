"""The numbers of a panel regression, of ours and of plm's files, as `as_r` prints them."""

from __future__ import annotations

from .as_r import r_name

__all__ = ["is_plm", "values_of_panel", "values_of_plm"]


def is_plm(truth: dict) -> bool:
    """Whether a file of R's is of plm."""
    return truth.get("model") in ("pooling", "within", "between", "random")


def values_of_panel(fit) -> dict:
    """The numbers of a panel regression of ours."""
    fixed = {r_name(name): (fit.params[name], fit.bse[name]) for name in fit.params.index}
    if fit.effects != "random":
        return _values(fixed, {"residual variance": fit.sigma**2})
    more = {"variance within groups": fit.sigma_e**2, "variance between groups": fit.sigma_u**2}
    if fit.theta.nunique() == 1:
        more["theta"] = fit.theta.iloc[0]
    return _values(fixed, more)


def values_of_plm(truth: dict) -> dict:
    """The same of a file of plm's."""
    fixed = {name: (value, truth["se"][name]) for name, value in truth["fixef"].items()}
    if truth["model"] != "random":
        return _values(fixed, {"residual variance": truth["sigma2"]})
    parts = truth["ercomp"]
    more = {"variance within groups": parts["sigma2"]["idios"], "variance between groups": parts["sigma2"]["id"]}
    if parts["n_theta"] == 1:
        more["theta"] = parts["theta_first5"][0]
    return _values(fixed, more)


def _values(fixed: dict, more: dict) -> dict:
    """As `as_r` wants them: a method of moments has no criterion."""
    return {"reml": False, "criterion": None, "fixed": fixed, "random": {}, "residual": None,
            "structure": [], "more": more}
