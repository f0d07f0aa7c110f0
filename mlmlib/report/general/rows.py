"""What a table of models has of generalized ones: head rows, ratios, thresholds, parameters of the distribution, ICC and R2.

`mlmlib.report.rows` makes rows of it.
"""

from __future__ import annotations

from .facts import Facts, is_general, is_marginal
from .kinds import _short, method_short, ratio_of
from .summary import threshold_table

__all__ = ["exponentiated", "heads", "icc_of", "parameters", "rows_of", "shares_of"]


def exponentiated(fit, table):
    """The coefficients' table on the scale of ratios; as it is where there are none."""
    if not is_general(fit) or ratio_of(fit) is None:
        return table
    import numpy as np

    out = table.copy()
    with np.errstate(over="ignore"):
        for name in ("estimate", "lower", "upper"):
            out[name] = np.exp(table[name])
        out["se"] = out["estimate"] * table["se"]
    return out


def heads(fits) -> list[tuple]:
    """(label, a text for each fit) of the rows that say what the models are."""
    def distribution(fit):
        if not is_general(fit):
            return "normal"
        if hasattr(fit, "families"):
            return " + ".join(_short(one.name) for one in fit.families.values())
        return "Bernoulli" if Facts(fit).binary else _short(Facts(fit).family)

    def method(fit):
        if is_general(fit):
            return method_short(Facts(fit))
        return "OLS" if fit.reml is None and fit.method == "ols" else "REML" if fit.reml else "ML"

    return [("Distribution", [distribution(fit) for fit in fits]),
            ("Link", [Facts(fit).link if is_general(fit) else "identity" for fit in fits]),
            ("Method", [method(fit) for fit in fits])]


def parameters(fit, level: float) -> dict:
    """{(section, name): row with estimate, se, lower, upper} of thresholds and of the distribution's own parameters."""
    if not is_general(fit):
        return {}
    if is_marginal(fit):
        from ..marginal.table import parameters as of_marginal
        return of_marginal(fit, level)
    found = {("Thresholds", str(row.name)): row for row in threshold_table(fit, level) or ()}
    if len(fit.dispersion):
        found |= {("Distribution", str(row.name)): row for row in fit.dispersion_table(level).itertuples(index=False)}
    return found


def rows_of(fit) -> int:
    """Rows of the table, also where each has several outcomes."""
    return Facts(fit).rows if is_general(fit) else getattr(fit, "n_units", fit.nobs)


def icc_of(fit, factor: str) -> float | None:
    """The ICC on the latent scale, None where there is none."""
    import mlmlib

    try:
        return float(mlmlib.icc(fit, group=factor).estimate)
    except ValueError:
        return None


def shares_of(fit) -> tuple | None:
    """Variances of the fixed part, the random part and a unit on the link scale; None where there are none."""
    from ...glmm.r2 import glmm_r2

    try:
        found = glmm_r2(fit)
    except ValueError:
        return None
    shares = (found.var_fixed, found.var_random, found.var_residual)
    return shares if all(v == v for v in shares) else None
