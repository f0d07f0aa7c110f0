"""The summary of a fit: what was fitted to what, how well, the fixed part, the random part, and every warning.

Chapter 1 reads the summary of a regression, chapter 3 that of a mixed model.
"""

from __future__ import annotations

import numpy as np

from ..inference.small_sample import TITLES, f_test, method_of
from .page import Page, Table, p_value, rounded
from .words import effects


def summary(fit, *, level: float = 0.95, scale: str = "variance", ddf: str = "wald", exponentiate: bool = False) -> Page:
    """The printed account of a fit.

    Parameters
    ----------
    fit : a result of ``mlm.lmm``, ``mlm.glmm`` or ``mlm.ols``
    level : float
        Confidence level of the intervals.
    scale : {"variance", "sd"}
        The scale of the random part's estimates, standard errors and intervals.
    ddf : {"wald", "satterthwaite", "kenward-roger"}
        Degrees of freedom of the fixed part's tests and intervals, as in ``fit.coef_table``.
    exponentiate : bool
        Of a generalized model: odds ratios, rate ratios and the like in place of coefficients, as Stata's ``or`` and ``irr``.

    Returns
    -------
    Page
        Prints as text in a terminal and as an HTML table in a notebook.
    """
    if hasattr(fit, "family"):
        from .general.summary import summary as general

        if ddf != "wald":
            raise ValueError("A generalized model has no small-sample degrees of freedom; leave ddf= out.")
        return general(fit, level, scale, exponentiate)
    if exponentiate:
        raise ValueError("exponentiate= is for fits of mlm.glmm; a linear model's coefficients are differences, not "
                         "logarithms.")
    mixed = hasattr(fit, "n_groups")
    grouped = mixed and bool(fit.n_groups)
    tables = [coefficients(fit, level, ddf)]
    if mixed:
        tables.append(_random(fit, level, scale))
    if hasattr(fit, "residual_table") and not hasattr(fit, "outcomes"):  # whose random part has it all
        tables.append(_residuals(fit, level))
    return Page(
        _title(fit, mixed, grouped),
        tuple(_lines(fit, mixed, ddf)),
        tuple(tables),
        tuple(_notes(fit, grouped, ddf)),
        tuple(fit.messages) if mixed else tuple(getattr(fit, "messages", ())),
    )


def _title(fit, mixed, grouped):
    if not mixed:
        return (
            "Linear model fitted by maximum likelihood (ML)"
            if _ml(fit)
            else "Linear model fitted by least squares (OLS)"
        )
    method = "restricted maximum likelihood (REML)" if fit.reml else "maximum likelihood (ML)"
    several = f" of {len(fit.outcomes)} outcomes" if hasattr(fit, "outcomes") else ""
    return f"Linear {'mixed ' if grouped else ''}model{several} fitted by {method}"


def _lines(fit, mixed, ddf):
    yield "Formula", str(fit.formula)
    yield "Rows", f"{int(fit.nobs):,}" + (f" outcomes in {fit.n_units:,} rows" if hasattr(fit, "outcomes") else "")
    if not mixed:
        divisor = "N" if _ml(fit) else "N - p"
        yield (
            "Fit",
            (
                f"R2 {fit.rsquared:.4f}, adjusted {fit.rsquared_adj:.4f}; residual SD {rounded(fit.sigma)[0]} "
                f"(divisor {divisor} = {int(fit.nobs if _ml(fit) else fit.df_resid):,})"
            ),
        )
        if len(fit.params) > 1 and not _ml(fit):
            yield "F test", str(fit.f_test_all()) if hasattr(fit, "f_test_all") else _f(fit)
    what = "outcomes" if hasattr(fit, "outcomes") else "rows"
    for factor, count in (fit.n_groups if mixed else {}).items():
        sizes = fit.group_sizes[factor]
        yield (
            f"Groups ({factor})",
            f"{count:,}; {what} in a group: {sizes.min():,} to {sizes.max():,}, mean {sizes.mean():.1f}",
        )
    for what, title in getattr(fit, "residual_structure", ()):
        yield f"Residual {what}", title
    criterion = f"REML criterion {fit.criterion:,.4f}; " if mixed and fit.reml else ""
    yield (
        "Likelihood" if mixed else "Log likelihood",
        (
            f"{criterion}logLik {fit.llf:,.4f}; AIC {fit.aic:,.2f}; BIC {fit.bic:,.2f}"
            if mixed
            else f"{fit.llf:,.4f}; AIC {fit.aic:,.2f}; BIC {fit.bic:,.2f}"
        ),
    )
    if ddf != "wald" and mixed and len(_slopes(fit)):
        test = f_test(fit, _slopes(fit), ddf)
        yield "F test", f"all slopes zero: {test.distribution} = {test.statistic:,.2f}, p {_equals(test.pvalue)}"
    elif (mixed or _ml(fit)) and len(_slopes(fit)):
        wald = fit.wald_test()
        yield "Wald test", f"all slopes zero: chi2({wald.df:.0f}) = {wald.statistic:,.2f}, p {_equals(wald.pvalue)}"


def _ml(fit):
    return getattr(fit, "method", None) == "ml"


def _f(fit):
    return f"F({int(fit.df_model)}, {int(fit.df_resid)}) = {fit.fvalue:,.2f}, p {_equals(fit.f_pvalue)}"


def _equals(p):
    text = p_value(p)
    return text.replace("<", "< ") if text.startswith("<") else f"= {text}"


def _slopes(fit):
    return np.eye(len(fit.params))[[name.rpartition(": ")[2] != "Intercept" for name in fit.params.index]]


def coefficients(fit, level: float = 0.95, ddf: str = "wald") -> Table:
    """The table of the coefficients, as every summary has it."""
    table = fit.coef_table(level, ddf)
    statistic = "z" if "z" in table else "t"
    rows = []
    for name, row in table.iterrows():
        shown = rounded(row["estimate"], row["se"], row["lower"], row["upper"], guide=row["se"])
        degrees = (f"{row['df']:,.1f}",) if "df" in table else ()
        rows.append((str(name), *shown[:2], *degrees, f"{row[statistic]:.2f}", p_value(row["p"]), *shown[2:]))
    head = ("", "estimate", "SE", *(("df",) if "df" in table else ()), statistic, "p", f"{level:.0%} low", "high")
    return Table("Fixed effects" if hasattr(fit, "n_groups") else "Coefficients", head, tuple(rows))


def _random(fit, level, scale):
    """On the variance scale with a column of SDs, and of correlations where there are any."""
    components = list(fit.variance_components.itertuples(index=False))
    pairs = scale == "variance" and any(len(effects(row.name)) > 1 for row in components)
    rows, last = [], None
    for row, plain in zip(fit.random_table(scale=scale, level=level).itertuples(index=False), components):
        what = "" if plain.name == "Residual" else plain.name if scale == "variance" else row.name
        cells = [str(row.group) if row.group != last else "", what]
        cells += rounded(row.estimate, row.se, row.lower, row.upper, guide=row.se)
        if scale == "variance":
            cells.append("" if len(effects(plain.name)) > 1 else rounded(plain.sd)[0])
        if pairs:
            cells.append(
                f"{plain.correlation:.3f}" if len(effects(plain.name)) > 1
                and plain.correlation == plain.correlation else ""
            )
        rows.append(tuple(cells))
        last = row.group
    head = [
        "group",
        "effect",
        "variance" if scale == "variance" else "SD or correlation",
        "SE",
        f"{level:.0%} low",
        "high",
    ]
    head += ["SD"] * (scale == "variance") + ["correlation"] * pairs
    return Table("Random effects", tuple(head), tuple(rows), words=2)


def _residuals(fit, level):
    """Parameters of the residuals' correlation and variance."""
    rows = [(row.name, *rounded(row.estimate, row.se, row.lower, row.upper, guide=row.se))
            for row in fit.residual_table(level).itertuples(index=False)]
    return Table("Structure of the residuals", ("", "estimate", "SE", f"{level:.0%} low", "high"), tuple(rows))


def _notes(fit, grouped, ddf):
    if ddf != "wald" and grouped:
        note = method_of(fit, ddf).note
        yield f"Fixed effects: {TITLES[ddf]}{f'; {note}' if note else ''}."
    if grouped:
        test = fit.lr_vs_linear()
        kept = ", its residuals of the same structure" if hasattr(fit, "residual_table") else ""
        yield (
            f"Against the model without random effects{kept}: {test.distribution} = {test.statistic:,.2f}, "
            f"p {_equals(test.pvalue)}"
        )
