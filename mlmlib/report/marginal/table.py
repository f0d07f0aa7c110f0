"""What a table of models has of marginal ones: thresholds, scale, working correlations, QIC, and the note on what they are beside
conditional ones.

Chapter 20 (``20_gee_and_robust``).
"""

from __future__ import annotations

from types import SimpleNamespace

from ..general.facts import Facts, has_effects, is_general, is_marginal
from ..ledger import joined

__all__ = ["criteria", "note", "parameters"]

_MOST = 10  # correlations in a table
_NAN = float("nan")


def parameters(fit, level: float) -> dict:
    """{(section, name): row with estimate, se, lower, upper} of thresholds, scale and working correlations."""
    found = {}
    if getattr(fit, "thresholds", None) is not None:
        found |= {("Thresholds", str(name)): SimpleNamespace(**row) for name, row in fit.threshold_table(level).iterrows()}

    def bare(value):
        return SimpleNamespace(estimate=float(value), se=_NAN, lower=_NAN, upper=_NAN)

    if fit.scale is not None:
        found["Distribution", "scale"] = bare(fit.scale)
    values = fit.correlations["estimate"]
    if len(values) <= _MOST:
        found |= {("Working correlation", str(name)): bare(v) for name, v in values.items()}
    return found


def criteria(fit) -> dict:
    """QIC and QICu, None of other fits and of categories."""
    if not is_marginal(fit) or hasattr(fit, "categories"):
        return {"QIC": None, "QICu": None}
    found = fit.qic()
    return {name: float(found[name]) for name in ("QIC", "QICu")}


def note(fits, names):
    """What marginal and conditional coefficients compare, where fits of both kinds stand side by side."""
    marginal = [name for fit, name in zip(fits, names) if is_marginal(fit)]
    conditional = [name for fit, name in zip(fits, names) if has_effects(fit)]
    if not marginal:
        return
    text = f"Coefficients of {joined(marginal)} are marginal: they compare means of the population, averaged over groups"
    if not conditional:
        yield text + "."
        return
    links = {Facts(fit).link if is_general(fit) else "identity" for fit in fits if is_marginal(fit) or has_effects(fit)}
    text += f"; those of {joined(conditional)} are conditional: they compare rows of one group, or of groups with equal effects."
    if links <= {"identity"}:
        text += " With the identity link both are the same quantities."
    elif links <= {"identity", "log"}:
        text += " With the log link both are the same quantities but for the intercept, unless slopes vary."
    else:
        text += " With this link conditional coefficients lie farther from zero the more groups differ, though neither is wrong."
    yield text
