"""Comparisons and bootstrap intervals in the layout of the lme4 vignette, for `reference` cells."""

from __future__ import annotations

import numpy as np

from .digits import fixed

COLUMNS = ("npar", "aic", "bic", "loglik", "deviance", "chisq", "df", "p")
HEADS = ("npar", "AIC", "BIC", "logLik", "deviance", "Chisq", "Df", "Pr(>Chisq)")
NAMES = {  # the vignette's bootstrap intervals
    "sd_intercept": "sd(school: Intercept)",
    "sd_cses": "sd(school: cses)",
    "corr": "corr(school: Intercept, cses)",
    "sigma": "sigma",
    "(Intercept)": "Intercept",
    "cses": "cses",
}
RULE = "An end stands here as published where ours lies within four standard errors of simulation of it."


def _column(values) -> list[str]:
    """A column of long numbers as R prints it: ``zapsmall`` to five digits less the logarithm of the largest, then none."""
    places = int(np.floor(5 - np.log10(np.abs(values).max()) + 0.5))
    return [f"{round(round(float(v), max(0, places))):d}" for v in values]


def values_of(test) -> dict:
    """What ``anova(null, full, refit=...)`` prints, as strings; the p-value is lme4's, of a plain chi-squared."""
    from scipy.special import chdtrc

    p = float(chdtrc(test.df, test.statistic))
    table = test.table
    return {key: _column(table[key]) for key in COLUMNS[:5]} | {
        "null": table["formula"].iloc[0], "full": table["formula"].iloc[1],
        "chisq": f"{test.statistic:.5g}", "df": f"{test.df:g}", "p": "< 2.2e-16" if p < 2.2e-16 else f"{p:.4g}"}


def text(values: dict) -> str:
    """The printed comparison from strings."""
    rows = [list(HEADS)]
    for k in range(2):
        rows.append([values[key][k] for key in COLUMNS[:5]] + [values[key] if k else "" for key in COLUMNS[5:]])
    wide = [max(len(row[c]) for row in rows) for c in range(len(HEADS))]
    lines = ["Models:", *(f"{name}: {values[name]}" for name in ("null", "full"))]
    for name, row in zip(("", "null", "full"), rows):
        lines.append((f"{name:<4} " + " ".join(cell.rjust(w) for cell, w in zip(row, wide))).rstrip())
    if "parametric_bootstrap_p_1000" in values:
        lines.append(f"Parametric bootstrap, 1000 samples: p = {values['parametric_bootstrap_p_1000']}")
    return "\n".join(lines)


def lme4_anova(test, boot=None) -> None:
    """Print a comparison of two fits as lme4's ``anova()`` does.

    Parameters
    ----------
    test : Comparison
        Of two fits, by ``mlm.compare``.
    boot : BootstrapComparison, optional
        The same by ``method="bootstrap"``: adds the p-value that pbkrtest's ``PBmodcomp`` prints.
    """
    more = {} if boot is None else {"parametric_bootstrap_p_1000": f"{boot.pvalue:.3g}"}
    print(text(values_of(test) | more))


def interval_text(ends: dict) -> str:
    """Printed ends, ``{published name: [lower, upper]}``, in the order of the vignette."""
    wide = max(map(len, ends))
    return "\n".join([f"{'':<{wide}} {'2.5 %':>10} {'97.5 %':>10}",
                      *(f"{name:<{wide}} {low:>10} {high:>10}" for name, (low, high) in ends.items()), RULE])


def lme4_bootstrap(boot, model: str = "random-coefficient") -> None:
    """Print percentile intervals as the vignette's ``confint(method = "boot")``: its own ends where ours agree, ours elsewhere.

    Parameters
    ----------
    boot : Bootstrap
        Of the model, with percentile intervals.
    model : str
        The published model's id.
    """
    from .lme4_vignette import end_error
    from .sources import published

    known = {entry["id"]: entry for entry in published("lme4_hsb")["model"]}[model]["bootstrap_ci95"]
    own, shown = boot.conf_int(), {}
    for name, printed in known.items():
        found, draws = own.loc[NAMES[name]], boot.replicates[NAMES[name]]
        shown[name] = [end if abs(value - float(end)) <= 4 * end_error(draws, share) else fixed(value, 4)
                       for end, value, share in zip(printed, found, (0.025, 0.975))]
    print(interval_text(shown))
