"""A robust fit as code of clubSandwich and of Stata. Chapter 20 (``20_gee_and_robust``)."""

from __future__ import annotations

__all__ = ["translate"]


def translate(fit, to: str, data: str) -> str:
    """The fit's own translation, and what makes its covariance robust.

    Parameters
    ----------
    fit : RobustResult
    to : {"lme4", "stata"}
        R with clubSandwich (for two-way clustering sandwich), or Stata, which has CR1S with J - 1 degrees of freedom after
        ``regress``, and CR1 with the normal distribution after ``logit`` and the like.
    data : str
        Name of the data frame.

    Examples
    --------
    >>> import mlmlib as mlm
    >>> print(mlm.robust(mlm.ols("math ~ homework", mlm.load("math")), "schid").translate("lme4"))
    fit <- lm(math ~ homework, data = df)
    summary(fit)
    library(clubSandwich)
    coef_test(fit, vcov = vcovCR(fit, cluster = df$schid, type = "CR2"), test = "Satterthwaite")
    """
    names = [one.name for one in fit.clusterings]
    if to == "lme4":
        return f"{fit.fit.translate('lme4', data=data)}\n{_r(fit, names, data)}"
    if to != "stata":
        raise ValueError(f"A robust fit is translated to 'lme4' (R with clubSandwich) and 'stata', not to {to!r}.")
    wanted = ("CR1", "normal") if hasattr(fit.fit, "density") else ("CR1S", "clusters")
    if (fit.kind, fit.ddf) != wanted or len(names) > 1 or not fit._rows.diagonal:
        raise ValueError(f"Stata's vce(cluster) after this model is kind={wanted[0]!r} with ddf={wanted[1]!r}, of one clustering and "
                         "without random effects; for other fits there is fit.translate('lme4').")
    code = fit.fit.translate("stata", data=data)
    lines = code.splitlines()
    sign = " " if "," in lines[-1] else ", "
    return "\n".join([*lines[:-1], f"{lines[-1]}{sign}vce(cluster {names[0]})"])


def _r(fit, names, data: str) -> str:
    """The lines of R after the fit."""
    if len(names) > 1:
        if fit.kind not in ("CR0", "CR1", "CR1S"):
            raise ValueError("R's vcovCL names CR2 and CR3 in a way of its own; translate kind='CR0', 'CR1' or 'CR1S'.")
        kind = "HC1" if fit.kind == "CR1S" else "HC0"
        once = "TRUE" if fit.kind != "CR0" else "FALSE"
        return (f"library(sandwich)\nlmtest::coeftest(fit, vcov. = vcovCL(fit, cluster = ~ {names[0]} + {names[1]}, type = \"{kind}\", "
                f"cadjust = {once}), df = {min(fit.n_clusters.values()) - 1})")
    test = {"satterthwaite": "Satterthwaite", "clusters": "naive-t", "normal": "z"}[fit.ddf]
    call = f"fit, cluster = {data}${names[0]}, type = \"{fit.kind}\""
    weights = fit.fit.design.weights is not None and not hasattr(fit.fit, "density")
    if weights and fit.working == "model":
        w = "weights(fit)"
        call += f", target = mean({w}) / {w}, inverse_var = TRUE"
    return f"library(clubSandwich)\ncoef_test(fit, vcov = vcovCR({call}), test = \"{test}\")"
