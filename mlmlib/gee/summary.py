"""The printed account of a fit by generalized estimating equations.

Chapter 20 (``20_gee_and_robust``) reads one line by line.
"""

from __future__ import annotations

from ..report.page import Page, Table, p_value, rounded
from .public import COVARIANCES

__all__ = ["summary"]


def summary(fit, *, level: float = 0.95, exponentiate: bool = False) -> Page:
    """Formula, outcome, groups, working correlation, coefficients (or ratios), messages."""
    return Page("Marginal model fitted by generalized estimating equations (GEE)", tuple(_lines(fit)),
                tuple(_tables(fit, level, exponentiate)), tuple(_notes(fit, exponentiate)), tuple(fit.messages))


def _lines(fit):
    yield "Formula", str(fit.formula)
    theta = f", theta {fit.family.theta:.4g}" if hasattr(fit.family, "theta") else ""
    yield "Outcome", f"{fit.family.name}{theta}; {fit.link.name} link"
    yield "Rows", f"{fit.nobs:,}"
    for name, sizes in fit.group_sizes.items():
        yield f"Groups ({name})", f"{len(sizes):,}; rows in a group: {sizes.min():,} to {sizes.max():,}, mean {sizes.mean():.1f}"
    yield "Correlation", fit.corr
    if fit.scale is not None:
        moments = fit._options["moments"]
        yield "Scale", f"{fit.scale:.4g} ({'fixed' if fit._options['scale'] is not None else f'moments as in {moments}'})"
    yield "Standard errors", COVARIANCES[fit.cov]
    yield "Convergence", f"{'yes' if fit.converged else 'NO'}, {fit.n_iterations} steps"


def _tables(fit, level, exponentiate):
    table = fit.coef_table(level)
    ratios = fit.ratios(level, intercept=True) if exponentiate else None
    rows = []
    for name, row in table.iterrows():
        numbers = [row[key] for key in ("estimate", "se", "lower", "upper")]
        if ratios is not None:
            numbers = [float(ratios.table.at[name, key]) for key in ("ratio", "se", "lower", "upper")]
        shown = rounded(*numbers, guide=numbers[1])
        rows.append((str(name), *shown[:2], f"{row['z']:.2f}", p_value(row["p"]), *shown[2:]))
    caption = "Coefficients" if ratios is None else ratios.kind.replace("ratio", "ratios", 1).capitalize()
    yield Table(caption, ("", "estimate" if ratios is None else "ratio", "SE", "z", "p", f"{level:.0%} low", "high"), tuple(rows))
    if getattr(fit, "thresholds", None) is not None:
        yield Table("Thresholds", ("", "estimate", "SE", f"{level:.0%} low", "high"), tuple(
            (str(name), *rounded(row["estimate"], row["se"], row["lower"], row["upper"], guide=row["se"]))
            for name, row in fit.threshold_table(level).iterrows()))
    found = fit.correlations
    if len(found):
        yield Table("Working correlation", (str(found.index.name), "estimate", "pairs"),
                    tuple((str(name), f"{row['estimate']:.4f}", f"{int(row['pairs']):,}" if row["pairs"] else "")
                          for name, row in found.iterrows()))


def _notes(fit, exponentiate):
    yield "Coefficients are effects on the mean of the population, averaged over groups."
    if exponentiate:
        yield "Exponentiated; standard errors by the delta method, intervals exponentiated. The intercept is no ratio."
