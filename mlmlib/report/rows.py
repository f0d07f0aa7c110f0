"""The rows of a table of models: every number of the fits that is printed, with how it is printed.

`mlmlib.report.table` puts them side by side; the writers turn them into text, HTML, LaTeX, Markdown, CSV and Word.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..clustering import icc
from ..r2 import shares
from .general.rows import exponentiated, heads, icc_of, parameters, rows_of, shares_of
from .general.facts import is_marginal
from .words import effects

__all__ = ["Cell", "Row", "apa", "apa_p", "decimals", "fit_rows", "fixed_rows", "general_rows", "head_rows", "random_rows",
           "residual_rows"]

NAN = float("nan")
DAGGER = "\u2020"


@dataclass(frozen=True)
class Cell:
    """One number of one model: the estimate, its uncertainty where it has any, and the text that is printed."""

    estimate: float
    text: str = ""
    se: float = NAN
    lower: float = NAN
    upper: float = NAN
    p: float = NAN


@dataclass(frozen=True)
class Row:
    """A row of the table: its section, its label, what it is in the fits' own words (`key`), and a cell (or None) a model."""

    section: str
    label: str
    key: str
    cells: tuple


def apa(value: float, places: int = 2) -> str:
    """A number that cannot exceed 1 as APA style prints it: without the zero before the point.

    >>> apa(0.184), apa(-0.5), apa(1.0), apa(0.004)
    ('.18', '-.50', '1.00', '.00')
    """
    text = f"{value:.{places}f}"
    return text.replace("0.", ".", 1) if abs(float(text)) < 1 else text


def apa_p(p: float) -> str:
    """A p-value in APA style: three decimals, no zero before the point, never equal to zero.

    >>> apa_p(0.0371), apa_p(0.00002), apa_p(0.9999)
    ('= .037', '< .001', '> .999')
    """
    return "< .001" if p < 0.001 else "> .999" if p > 0.999 else f"= {apa(p, 3)}"


def decimals(*guides: float, significant: int = 1, least: int = 2) -> int:
    """How many decimals give the smallest of the numbers (standard errors) a significant digit; at least two.

    >>> decimals(0.2, 0.0153), decimals(0.0021), decimals(float("nan"))
    (2, 3, 2)
    """
    usable = [abs(g) for g in guides if g == g and g != 0]
    if not usable:
        return least
    exponent = int(f"{min(usable):e}".split("e")[1])
    return int(min(max(significant - 1 - exponent, least), 6))


def fixed_rows(fits, words, show, stars, level, digits, ddf="wald", exponentiate=False) -> list[Row]:
    """A row a coefficient, in the order in which the models bring them in; lower order before higher."""
    names = []
    for fit in fits:
        for name in fit.params.index:
            if name not in names:
                names.append(name)
    names.sort(key=lambda name: 0 if name == "Intercept" else name.count(":") + 1)
    names.sort(key=lambda name: name.startswith("zero: "))
    tables = [fit.coef_table(level, ddf) for fit in fits]
    if exponentiate:
        tables = [exponentiated(fit, table) for fit, table in zip(fits, tables)]
    rows = []
    for name in names:
        cells = [
            None
            if name not in t.index
            else Cell(
                t.at[name, "estimate"], "", t.at[name, "se"], t.at[name, "lower"], t.at[name, "upper"], t.at[name, "p"]
            )
            for t in tables
        ]
        zero = name.startswith("zero: ")
        section = "Zero part" if zero else "Fixed part"
        rows.append(Row(section, words.short(name.removeprefix("zero: ") if zero else name), name,
                        _written(cells, show, digits, stars)))
    return rows


def random_rows(fits, words, show, random, level, digits) -> list[Row]:
    """Standard deviations and correlations (or variances and covariances) of each grouping factor, the residual last."""
    found: dict = {}
    for k, fit in enumerate(fits):
        if is_marginal(fit):
            continue
        for row in fit.random_table(scale=random, level=level).itertuples(index=False):
            found.setdefault((row.group, row.name), {})[k] = row
    factors = list(dict.fromkeys(group for group, _ in found if group != "Residual"))
    rows = []
    for group in [*factors, "Residual"]:
        mine = [key for key in found if key[0] == group]
        mine.sort(key=lambda key: key[1].split("(")[0] in ("cov", "corr"))
        for key in mine:
            cells = [
                Cell(r.estimate, "", r.se, r.lower, r.upper) if (r := found[key].get(k)) else None
                for k in range(len(fits))
            ]
            kind, effect = key[1].split("(", 1)
            short = [words.short(n) for n in effects(effect[:-1])]
            short = [n.lower() if n == "Intercept" else n for n in short]
            what = {"sd": "SD", "var": "Variance", "corr": "Correlation", "cov": "Covariance"}[kind]
            whose = " and ".join(short)
            if group == "Residual":
                whose = "residual" if effect == "Residual)" else f"residual of {whose}"
            label = f"{what}, {whose}"
            section = "Random part" if len(factors) != 1 else f"Random part ({words.groups(factors[0])})"
            if len(factors) > 1 and group != "Residual":
                label += f" ({words.group(group)})"
            rows.append(
                Row(section, label, f"{group}: {key[1]}", _written(cells, show, digits, False, bounded=kind == "corr"))
            )
    return rows


def residual_rows(fits, show, level, digits) -> list[Row]:
    """Parameters of the residuals' correlation and variance, of the models that have them."""
    found: dict = {}
    for k, fit in enumerate(fits):
        if not hasattr(fit, "residual_table") or hasattr(fit, "outcomes"):  # whose random part has it all
            continue
        for row in fit.residual_table(level).itertuples(index=False):
            found.setdefault(row.name, {})[k] = Cell(row.estimate, "", row.se, row.lower, row.upper)
    return [Row("Residuals", name, name, _written([own.get(k) for k in range(len(fits))], show, digits, False))
            for name, own in found.items()]


def head_rows(fits) -> list[Row]:
    """Distribution, link and method, where a generalized model is among the fits."""
    if not any(hasattr(fit, "family") for fit in fits):
        return []
    return [Row("Fitted as", label, label.lower(), tuple(Cell(NAN, text) for text in texts))
            for label, texts in heads(fits)]


def general_rows(fits, show, level, digits) -> list[Row]:
    """Thresholds of ordered categories, and parameters of the distributions."""
    found: dict = {}
    for k, fit in enumerate(fits):
        for key, row in parameters(fit, level).items():
            found.setdefault(key, {})[k] = Cell(row.estimate, "", row.se, row.lower, row.upper)
    order = sorted(found, key=lambda key: key[0] != "Thresholds")
    return [Row(section, label, f"{section.lower()}: {label}",
                _written([found[section, label].get(k) for k in range(len(fits))], show, digits, False))
            for section, label in order]


def _written(cells, show, digits, stars, bounded=False) -> tuple:
    present = [c for c in cells if c is not None]
    places = (
        digits
        if digits is not None
        else 2
        if bounded
        else decimals(*(c.se if c.se == c.se and c.se > 0 else c.estimate for c in present))
    )
    return tuple(
        None if c is None else Cell(c.estimate, _text(c, show, places, stars, bounded), c.se, c.lower, c.upper, c.p)
        for c in cells
    )


def _text(c, show, places, stars, bounded) -> str:
    def write(x):
        return apa(x, places) if bounded else f"{x:.{places}f}"

    text = "\u2013" if c.estimate != c.estimate else write(c.estimate)
    if stars and c.p == c.p:
        text += "***" if c.p < 0.001 else "**" if c.p < 0.01 else "*" if c.p < 0.05 else ""
    if show == "se" and c.se == c.se:
        text += f" ({write(c.se)})"
    elif show == "ci" and c.lower == c.lower:
        text += f" [{write(c.lower)}, {write(c.upper)}]"
    elif show == "p" and c.p == c.p:
        text += f" ({apa_p(c.p).replace('= ', '')})"
    return text


def fit_rows(fits, words, criteria, flagged) -> list[Row]:
    """ICC, explained variance, sizes, estimator, likelihood and criteria; those in `flagged` get a dagger."""
    from .marginal.table import criteria as criteria_of  # which stands on the writers of prose, and these on this module

    general = [hasattr(fit, "family") for fit in fits]
    liked = [fit.refit(reml=False) if criteria == "ml" and fit.reml else fit for fit in fits]
    mixed = [bool(getattr(fit, "n_groups", None)) for fit in fits]
    plain = [not hasattr(fit, "residual_table") for fit in fits]  # else there is no one residual variance to share
    panels = [hasattr(fit, "transformed") for fit in fits]
    grouped = [fit.n_groups if m else {fit.frame.group: fit.frame.J} if p else {}
               for fit, m, p in zip(fits, mixed, panels)]
    factors = list(dict.fromkeys(f for own in grouped for f in own))
    rows = []

    def add(label, key, values, write):
        if any(v is not None for v in values):
            mark = DAGGER if key in flagged else ""
            rows.append(
                Row("Model", label + mark, key, tuple(None if v is None else Cell(v, write(v)) for v in values))
            )

    for factor in factors:
        which = f" ({words.group(factor)})" if len(factors) > 1 else ""
        add(
            f"ICC{which}",
            f"icc: {factor}",
            [(icc_of(fit, factor) if g else icc(fit, group=factor).estimate)
             if m and p and factor in fit.n_groups and not factor.startswith("mm(")
             else fit.rho if panel and factor in own and len(fit.random_table()) > 1 else None
             for fit, m, p, g, panel, own in zip(fits, mixed, plain, general, panels, grouped)],
            apa,
        )
    parts = [(shares_of(fit) if g else shares(fit)) if m and p else None
             for fit, m, p, g in zip(fits, mixed, plain, general)]
    add("R2, marginal", "r2 marginal", [p and p[0] / sum(p) for p in parts], apa)
    add("R2, conditional", "r2 conditional", [p and (p[0] + p[1]) / sum(p) for p in parts], apa)
    add("R2", "r2", [fit.rsquared if fit.reml is None and not p and not is_marginal(fit) else None for fit, p in zip(fits, panels)], apa)
    for part in ("within", "between", "overall") if any(panels) else ():
        values = [float(fit.r2[part]) if p else None for fit, p in zip(fits, panels)]
        add(f"R2, {part}", f"r2 {part}", [None if v != v else v for v in values], apa)
    count = "{:,.0f}".format
    add(words.rows[0].upper() + words.rows[1:], "nobs", [rows_of(fit) for fit in fits], count)
    add("Outcomes", "outcomes", [fit.nobs if hasattr(fit, "outcomes") else None for fit in fits], count)
    for factor in factors:
        name = words.groups(factor)
        name = name[0].upper() + name[1:] + (f" ({factor})" if name == "groups" else "")
        add(
            name, f"n_groups: {factor}", [own.get(factor) for own in grouped], count
        )
    add("Parameters", "n_params", [fit.n_params for fit in fits], count)
    one = "{:,.1f}".format
    add("REML criterion", "criterion", [fit.criterion if fit.reml else None for fit in fits], one)
    how = " (by ML)" if criteria == "ml" else ""
    for label, key in (("Log-likelihood", "llf"), ("AIC", "aic"), ("BIC", "bic")):
        values = [float("nan") if is_marginal(fit) else float(np.real(getattr(fit, key))) for fit in liked]
        add(label + how, key, [None if v != v else v for v in values], one)
    for key in ("QIC", "QICu"):
        add(key, key.lower(), [criteria_of(fit)[key] for fit in fits], one)
    return rows
