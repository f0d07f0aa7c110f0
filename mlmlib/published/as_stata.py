"""A fit in Stata's layout: ``regress``, ``mixed``, ``estat sd``, ``estat icc``, ``margins``, ``summarize``.

A fit becomes a table of numbers (the keys of tests/reference/stata_math.toml), which `stata_text` rounds and lays out.
The stored output of a reference cell is made by `stata_text` from the published numbers, so both sides share rounding and
layout.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from .digits import fixed, general
from .stata_text import data_text, document, heading, margins_text

SHOWABLE = ("groups", "z", "p", "sd", "icc")


def term(name: str) -> str:
    """Stata's row label of a coefficient: the level of a factor, ``_cons`` for the intercept."""
    if name == "Intercept":
        return "_cons"
    return ":".join(re.sub(r"^.*\[T\.(.*)\]$", r"\1", piece) for piece in name.split(":"))


def coefficients(fit) -> dict:
    """The fixed part: coefficient, SE, z (or t), p and interval, the intercept last."""
    names = [n for n in fit.params.index if n != "Intercept"] + [n for n in fit.params.index if n == "Intercept"]
    interval, statistic = fit.conf_int(), "t" if getattr(fit, "method", "") == "ols" else "z"
    columns = {
        "coef": dict(fit.params),
        "se": dict(fit.bse),
        statistic: {n: fixed(fit.tvalues[n], 2) for n in names},
        "p": {n: fixed(fit.pvalues[n], 3) for n in names},
        "ci95": {n: list(interval.loc[n]) for n in names},
    }
    return {column: {term(n): rows[n] for n in names} for column, rows in columns.items()}


def linear(fit) -> dict:
    """What ``regress`` prints."""
    slopes = fit.nobs - fit.df_resid - 1
    return coefficients(fit) | {
        "estimator": "OLS",
        "ss_model": general(fit.ss_model, 9),
        "ss_residual": general(fit.ss_resid, 9),
        "ss_total": general(fit.ss_total, 9),
        "r2": fixed(fit.rsquared, 4),
        "r2_adj": fixed(fit.rsquared_adj, 4),
        "rmse": general(fit.sigma, 5),
        "F": fixed(fit.ss_model / slopes / fit.sigma**2, 2),
    }


def variances(fit, scale: str = "variance") -> dict:
    """The random part: estimate, SE and interval of each parameter, in Stata's order."""
    rows, pair, stem = {}, *(("cov", "var") if scale == "variance" else ("corr", "sd"))
    for row, plain in zip(
        fit.random_table(scale=scale).itertuples(index=False), fit.variance_components.itertuples(index=False)
    ):
        first, _, second = (term(piece.strip()) for piece in plain.name.partition(","))
        rows["residual" if row.group == "Residual" else f"{pair}({second},{first})" if second else first] = row
    order = sorted(rows, key=lambda k: (k == "residual", "(" in k, k == "_cons"))
    return {
        stem: {k: rows[k].estimate for k in order},
        f"{stem}_se": {k: rows[k].se for k in order},
        f"{stem}_ci95": {k: [rows[k].lower, rows[k].upper] for k in order},
    }


def mixed(fit) -> dict:
    """What ``mixed`` prints."""
    out = (
        coefficients(fit) | variances(fit) | {"estimator": "REML" if fit.reml else "ML", "loglik": general(fit.llf, 8)}
    )
    if len(fit.params) > 1:
        wald = fit.wald_test()
        out["wald_chi2"] = [fixed(wald.statistic, 2), str(int(wald.df))]
    if group_of(fit):
        test, sizes = fit.lr_vs_linear(), fit.group_sizes[group_of(fit)]
        conservative = ", conservative" if len(out["var"]) > 2 else ""
        out |= {
            "lr_vs_linear": fixed(test.statistic, 2),
            "lr_distribution": test.distribution + conservative,
            "groups": {
                "n": str(len(sizes)),
                "min": str(int(sizes.min())),
                "avg": fixed(float(sizes.mean()), 1),
                "max": str(int(sizes.max())),
            },
        }
    return out


def icc_values(icc) -> dict:
    """What ``estat icc`` prints."""
    return {"icc": {"estimate": icc.estimate, "se": icc.se, "ci95": [icc.lower, icc.upper]}}


def group_of(fit) -> str | None:
    """The grouping factor, where there is one."""
    return next(iter(getattr(fit, "n_groups", {})), None)


def stata(fit, *show: str, digits: int = 7, fewer: dict | None = None) -> None:
    """Print a fit as Stata prints it.

    Parameters
    ----------
    fit : a result of ``mlm.lmm`` or ``mlm.ols``
    *show : str
        More than the model: ``"groups"`` (sizes), ``"z"``, ``"p"``, ``"sd"`` (estat sd), ``"icc"`` (estat icc).
    digits : {7, 5}
        5 where Stata stopped short of the maximum: estimates to 5 digits, standard errors and intervals to 4.
    fewer : dict, optional
        Single values to shorten, such as ``{"ci95 Public": 3}``; they are marked.
    """
    unknown = set(show) - set(SHOWABLE)
    if unknown:
        raise ValueError(f"stata() cannot show {sorted(unknown)}; it knows {', '.join(SHOWABLE)}.")
    values = linear(fit) if getattr(fit, "method", "") == "ols" else mixed(fit)
    if "sd" in show:
        values |= variances(fit, "sd")
    if "icc" in show:
        from ..clustering import icc

        values |= icc_values(icc(fit))
    schools = fit.n_groups[group_of(fit)] if group_of(fit) else None
    print(document(values, heading(fit.formula, fit.nobs, schools), ("model", *show), digits, fewer))


def stata_margins(margins) -> None:
    """Print margins of a category at values of a number, as ``margins schtype, at(homework=(1/5))`` does."""
    table = margins.table
    keys = [c for c in table.columns if c not in ("margin", "se", "z", "t", "pvalue", "lower", "upper", "df")]
    keys.sort(key=lambda c: not np.issubdtype(np.asarray(table[c].tolist()).dtype, np.number))
    rows = {
        ":".join(general(float(v)) if isinstance(v, (int, float, np.number)) else str(v) for v in row[keys]): [
            general(row[c]) for c in ("margin", "se", "lower", "upper")
        ]
        for _, row in table.sort_values(keys).iterrows()
    }
    print(margins_text(rows))


def stata_data(data, means=("math", "ses", "ratio"), counts=("homework", "schtype"), groups="schid") -> None:
    """Print means, SDs and frequencies as ``summarize`` and ``tabulate`` do."""
    out: dict[str, Any] = {"rows": str(len(data)), "schools": str(data[groups].nunique())}
    for name in means:
        out |= {f"{name}_mean": general(data[name].mean(), 6), f"{name}_sd": general(data[name].std(), 6)}
    for name in counts:
        out[f"{name}_counts"] = {str(k): str(v) for k, v in data[name].value_counts().sort_index().items()}
    print(data_text(out))
