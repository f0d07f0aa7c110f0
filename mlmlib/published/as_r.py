"""A mixed model's numbers beside those of R at full precision (tests/reference/r), for `reference` cells.

R's names stand for the coefficients: ``(Intercept)``, ``sexF``.
"""

from __future__ import annotations

import re

import numpy as np

from .digits import fixed
from .digits import significant as stata_significant

__all__ = ["r"]

GROUPS, RESIDUAL = "groups", "residual"  # the blocks of a model of several outcomes, the residuals' printed last


def significant(value, digits: int) -> str:
    """So many significant digits, with the zero before the point that R writes."""
    return re.sub(r"^(-?)\.", r"\g<1>0.", stata_significant(value, digits))


def r_name(name: str) -> str:
    """R's name of a coefficient of ours."""
    name = re.sub(r"\[T\.(.*?)\]", r"\1", name).replace(" ** ", "^")
    return "(Intercept)" if name == "Intercept" else name


def r_factor(name: str) -> str:
    """One name of a factor, whichever way a program writes an interaction of factors."""
    return ":".join(sorted(name.split(":")))


def values_of_fit(fit) -> dict:
    """The numbers of a fit of ours."""
    if hasattr(fit, "clusterings") or hasattr(fit, "se_table"):
        from .as_r_marginal import values_of_gee, values_of_robust

        return values_of_robust(fit) if hasattr(fit, "clusterings") else values_of_gee(fit)
    if hasattr(fit, "effects"):
        from .as_r_panel import values_of_panel

        return values_of_panel(fit)
    if hasattr(fit, "link"):
        from .as_r_glmm import values_of_glmm

        return values_of_glmm(fit)
    random, several = {}, hasattr(fit, "outcomes")
    for factor in dict.fromkeys(fit.n_groups) if fit.n_groups else ():
        cov = fit.covariance_matrix(factor)
        random[GROUPS if several else r_factor(factor)] = ([r_name(name) for name in cov.index], cov.to_numpy())
    if several:
        random[RESIDUAL] = (list(fit.outcomes), fit.residual_cov().to_numpy())
    return {
        "reml": fit.reml,
        "criterion": -2 * fit.llf,
        "fixed": {r_name(name): (fit.params[name], fit.bse[name]) for name in fit.params.index},
        "random": random,
        "residual": None if several else fit.sigma**2,
        "structure": [] if several else list(getattr(fit, "residual_params", ())),
    }


def values_of_r(truth: dict) -> dict:
    """The numbers of one file of R's: ``lmer``, ``lme``, ``gls`` or ``plm``; ``glmer``, ``glmmTMB``, ``clm`` or ``clmm``; geepack or clubSandwich."""
    from .as_r_glmm import is_glmm, values_of_r_glmm
    from .as_r_marginal import is_gee, is_robust, values_of_cr2, values_of_geepack
    from .as_r_panel import is_plm, values_of_plm

    if is_gee(truth):
        return values_of_geepack(truth)
    if is_robust(truth):
        return values_of_cr2(truth)
    if is_plm(truth):
        return values_of_plm(truth)
    if is_glmm(truth):
        return values_of_r_glmm(truth)
    if "residual_cov" in truth:
        return values_of_outcomes(truth)
    blocks = truth.get("varcomp", truth.get("random_cov", {}))
    return {
        "reml": truth["reml"] if "reml" in truth else truth["method"] == "REML",
        "criterion": -2 * truth["logLik"],
        "fixed": {name: (value, truth["se"][name]) for name, value in truth["fixef"].items()},
        "random": {r_factor(name): (block["names"], np.array(block["cov"])) for name, block in blocks.items()},
        "residual": truth["sigma2"],
        "structure": [*truth.get("cor_par", ()), *(truth.get("var_par") or {}).values()],
    }


def values_of_outcomes(truth: dict) -> dict:
    """The numbers of a file of R's with several outcomes, ``y ~ 0 + outcome + outcome:x`` on the stacked table."""
    names = {}
    for name in truth["fixef"]:
        outcome, _, term = name.removeprefix("outcome").partition(":")
        names[name] = f"{outcome}: {term or 'Intercept'}" if name.startswith("outcome") else name  # one for all outcomes
    outcomes = [own.removesuffix(": Intercept") for own in names.values() if own.endswith(": Intercept")]
    ordered = sorted(names, key=lambda name: [*outcomes, name].index(names[name].split(": ")[0]))
    random = {RESIDUAL: (outcomes, np.array(truth["residual_cov"]))}
    if len(truth["random_cov"]):
        random[GROUPS] = ([f"{name}: Intercept" for name in outcomes], np.array(truth["random_cov"]))
    return {
        "reml": truth["method"] == "REML",
        "criterion": -2 * truth["logLik"],
        "fixed": {names[name]: (truth["fixef"][name], truth["se"][name]) for name in ordered},
        "random": random,
        "residual": None,
        "structure": [],
    }


def text(values: dict, digits: int = 5) -> str:
    """The printed table: criterion to four decimals, everything else to so many significant digits."""
    rows = []
    for name, (value, se) in values["fixed"].items():
        rows.append((name, significant(value, digits), significant(se, digits)))
    for factor, (names, cov) in sorted(values["random"].items(), key=lambda item: (item[0] == RESIDUAL, item[0])):
        for i, first in enumerate(names):
            rows += [(f"{factor}: {'cov' if j < i else 'var'} {', '.join(dict.fromkeys((names[j], first)))}",
                      significant(cov[j, i], digits), "") for j in range(i + 1)]
    if values["residual"] is not None:
        rows.append(("residual variance", significant(values["residual"], digits), ""))
    rows += [("dispersion", significant(value, digits), "") for value in values.get("dispersion", ())]
    rows += [("residual structure", significant(value, digits), "") for value in values["structure"]]
    rows += [(name, significant(value, digits), "") for name, value in values.get("more", {}).items()]
    wide = max(len(row[0]) for row in rows)
    kind = "REML criterion" if values["reml"] else "deviance"
    lines = [] if values["criterion"] is None else [f"{kind}: {fixed(values['criterion'], 4)}"]
    lines.append(f"{'':<{wide}} {'estimate':>12} {'SE':>12}")
    return "\n".join(lines + [f"{name:<{wide}} {value:>12} {se:>12}".rstrip() for name, value, se in rows])


def r(fit, digits: int = 5, names: dict[str, str] | None = None) -> None:
    """Print a fit's numbers as the results of R are printed in reference cells.

    Parameters
    ----------
    fit : LmmResult, GlmmResult, PanelResult, GeeResult or RobustResult
        By ``mlm.lmm``, ``mlm.gls``, ``mlm.glmm``, ``mlm.panel``, ``mlm.gee`` or ``mlm.robust`` (CR2).  The deviance of a GLMM is -2 log-likelihood with all its constants, which
        lme4 leaves out when it uses quadrature: they are added to what it says.
    digits : int
        Significant digits.  Fewer or more than usual where a value lies on the edge of rounding.
    names : dict, optional
        R's name of a coefficient, where the formula calls it otherwise.
    """
    values = values_of_fit(fit)
    values["fixed"] = {(names or {}).get(name, name): pair for name, pair in values["fixed"].items()}
    print(text(values, digits))
