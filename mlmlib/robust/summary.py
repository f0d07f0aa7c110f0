"""The summary of a robust fit. Chapter 20 (``20_gee_and_robust``) reads it."""

from __future__ import annotations

from ..report.page import Page, Table, p_value, rounded
from ..testresult import p_text

__all__ = ["summary"]

_KIND = {"CR0": "no adjustment", "CR1": "J / (J - 1)", "CR1p": "J / (J - p)", "CR1S": "J (N - 1) / ((J - 1) (N - p))",
         "CR2": "bias-reduced linearization", "CR3": "approximate jackknife"}  # fmt: skip
_DDF = {"satterthwaite": "Satterthwaite's degrees of freedom (Bell & McCaffrey, 2002; Pustejovsky & Tipton, 2018)",
        "clusters": "degrees of freedom: one less than the clusters", "normal": "normal distribution"}  # fmt: skip


def summary(fit, *, level: float = 0.95) -> Page:
    """The printed account of a robust fit."""
    inner = fit.fit
    worth = fit.effective_clusters
    lines = [("Formula", str(fit.formula)), ("Coefficients of", _title(inner)), ("Rows", f"{len(fit._rows.e):,}"),
             ("Covariance", f"{fit.kind}, {_KIND[fit.kind]}{'; two-way' if len(fit.clusterings) > 1 else ''}")]
    for one in fit.clusterings:
        lines.append((f"Clusters ({one.name})", f"{one.J:,}; rows in a cluster: {one.sizes.min():,} to {one.sizes.max():,}, mean "
                                                f"{one.sizes.mean():.1f}"))
    lines.append(("Effective clusters", f"{worth.min():.1f} ({worth.idxmin()}) to {worth.max():.1f} ({worth.idxmax()})"))
    if len(fit._names) > ("Intercept" in fit._names):
        lines.append(("Wald test", _wald(fit)))
    rows = []
    for name, row in fit.coef_table(level).iterrows():
        shown = rounded(row["estimate"], row["se"], row["lower"], row["upper"], guide=row["se"])
        rows.append((str(name), *shown[:2], f"{row['df']:,.1f}", f"{row['t']:.2f}", p_value(row["p"]), *shown[2:]))
    head = ("", "estimate", "robust SE", "df", "t", "p", f"{level:.0%} low", "high")
    return Page("Coefficients with a cluster-robust covariance", tuple(lines), (Table("Coefficients", head, tuple(rows)),),
                (f"Tests: {_DDF[fit.ddf]}.",), tuple(fit.messages))


def _title(inner) -> str:
    """What was fitted, as its own summary says it."""
    title = inner.summary().title
    return title[0].lower() + title[1:]


def _wald(fit) -> str:
    try:
        test = fit.wald_test()
    except ValueError as error:
        return str(error)
    if test.pvalue != test.pvalue:  # no number of degrees of freedom serves
        return test.note
    return f"all slopes zero: {test.distribution} = {test.statistic:.2f}, p {p_text(test.pvalue)}"
