"""A fit in Stata's layout: ``regress``, ``mixed``, ``estat sd``, ``estat icc``, ``margins``, ``summarize``.

Three steps: a fit becomes a table of numbers (the keys of tests/reference/stata_math.toml), `printed` rounds them, and
`table_text` lays them out. The stored output of a reference cell takes the last two steps with the published numbers, so both
sides share the rounding and the layout.
"""
from __future__ import annotations

import re

import numpy as np

from .digits import fixed, general, significant

PARAMETERS = ("coef", "se", "ci95", "var", "var_se", "var_ci95", "sd", "sd_se", "sd_ci95", "icc")
SHOWABLE = ("groups", "z", "p", "sd", "icc")


# ---------------------------------------------------------------- a fit -> numbers
def term(name: str) -> str:
    """Stata's row label of a coefficient: the level of a factor, ``_cons`` for the intercept."""
    if name == "Intercept":
        return "_cons"
    return ":".join(re.sub(r"^.*\[T\.(.*)\]$", r"\1", piece) for piece in name.split(":"))


def coefficients(fit) -> dict:
    """The fixed part: coefficient, SE, z (or t), p and interval, the intercept last."""
    names = [n for n in fit.params.index if n != "Intercept"] + [n for n in fit.params.index if n == "Intercept"]
    interval, statistic = fit.conf_int(), "t" if getattr(fit, "method", "") == "ols" else "z"
    columns = {"coef": dict(fit.params), "se": dict(fit.bse), statistic: {n: fixed(fit.tvalues[n], 2) for n in names},
               "p": {n: fixed(fit.pvalues[n], 3) for n in names}, "ci95": {n: list(interval.loc[n]) for n in names}}
    return {column: {term(n): rows[n] for n in names} for column, rows in columns.items()}


def linear(fit) -> dict:
    """What ``regress`` prints."""
    slopes = fit.nobs - fit.df_resid - 1
    return coefficients(fit) | {
        "estimator": "OLS", "ss_model": general(fit.ss_model, 9), "ss_residual": general(fit.ss_resid, 9),
        "ss_total": general(fit.ss_total, 9), "r2": fixed(fit.rsquared, 4), "r2_adj": fixed(fit.rsquared_adj, 4),
        "rmse": general(fit.sigma, 5), "F": fixed(fit.ss_model / slopes / fit.sigma ** 2, 2)}


def variances(fit, scale: str = "variance") -> dict:
    """The random part: estimate, SE and interval of each parameter, in Stata's order."""
    rows, pair, stem = {}, *(("cov", "var") if scale == "variance" else ("corr", "sd"))
    for row, plain in zip(fit.random_table(scale=scale).itertuples(index=False),
                          fit.variance_components.itertuples(index=False)):
        first, _, second = (term(piece.strip()) for piece in plain.name.partition(","))
        rows["residual" if row.group == "Residual" else f"{pair}({second},{first})" if second else first] = row
    order = sorted(rows, key=lambda k: (k == "residual", "(" in k, k == "_cons"))
    return {stem: {k: rows[k].estimate for k in order}, f"{stem}_se": {k: rows[k].se for k in order},
            f"{stem}_ci95": {k: [rows[k].lower, rows[k].upper] for k in order}}


def mixed(fit) -> dict:
    """What ``mixed`` prints."""
    out = coefficients(fit) | variances(fit) | {"estimator": "REML" if fit.reml else "ML", "loglik": general(fit.llf, 8)}
    if len(fit.params) > 1:
        wald = fit.wald_test()
        out["wald_chi2"] = [fixed(wald.statistic, 2), str(int(wald.df))]
    if group_of(fit):
        test, sizes = fit.lr_vs_linear(), fit.group_sizes[group_of(fit)]
        conservative = ", conservative" if len(out["var"]) > 2 else ""
        out |= {"lr_vs_linear": fixed(test.statistic, 2), "lr_distribution": test.distribution + conservative,
                "groups": {"n": str(len(sizes)), "min": str(int(sizes.min())), "avg": fixed(float(sizes.mean()), 1),
                           "max": str(int(sizes.max()))}}
    return out


def icc_values(icc) -> dict:
    """What ``estat icc`` prints."""
    return {"icc": {"estimate": icc.estimate, "se": icc.se, "ci95": [icc.lower, icc.upper]}}


def group_of(fit) -> str | None:
    """The grouping factor, where there is one."""
    return next(iter(getattr(fit, "n_groups", {})), None)


# ---------------------------------------------------------------- numbers, of a fit or published -> printed strings
def count_of(key: str, name: str, digits: int, closed: bool = False) -> int:
    """How many significant digits a parameter is printed with.

    Stata's 7 hold for the fixed part of models whose likelihood it maximized to the last digit; of variance parameters 5 do.
    Where it stopped short of the maximum, `digits` is 5: estimates to 5, their SEs and intervals to 4. Without a random part
    (`closed`) the maximum is a formula, nothing is searched for, and all 7 hold."""
    spread = "se" in (key, key[-2:], name) or "ci95" in (key, key[-4:], name)
    most = min(digits, 5) if key.startswith(("var", "sd", "icc")) and not closed else digits
    return most - 1 if spread and digits < 7 else most


def printed(values: dict, digits: int = 7, fewer: dict | None = None) -> dict:
    """The table with every parameter rounded; `fewer` is ``{"ci95 Public": 3}`` and marks what it shortens with ``*``."""
    fewer, out, closed = fewer or {}, dict(values), "lr_vs_linear" not in values
    for key in (k for k in PARAMETERS if k in values):
        out[key] = {}
        for name, value in values[key].items():
            special = fewer.get(f"{key} {name}")
            count = special or count_of(key, name, digits, closed)
            write = general if count == 7 else significant
            shown = [write(v, count) + ("*" if special else "") for v in (value if isinstance(value, list) else [value])]
            out[key][name] = shown if isinstance(value, list) else shown[0]
    return out


def note_text(digits: int, fewer: dict | None) -> str:
    """What the reader is told about the digits, where they are fewer than Stata prints."""
    out = []
    if digits < 7:
        out.append(f"Estimates to {digits} digits, SEs and intervals to {digits - 1}:\nStata stopped just short of the maximum.")
    if fewer:
        out.append("* Fewer digits: the next one sits on a rounding edge.")
    return "\n".join(out)


def heading(formula: str, rows, schools=None) -> dict:
    """What both a fit and a published model say about themselves: outcome, grouping factor, covariance structure, rows."""
    random = re.search(r"\(([^|]*?)(\|\|?)\s*(\w+)\s*\)", formula)
    out = {"outcome": formula.split("~")[0].strip(), "rows": str(rows), "group": None}
    if random:
        single = "+" not in random[1] and random[1].strip() in ("1", "0")
        out |= {"group": random[3], "schools": str(schools),
                "structure": "Identity" if single else "Independent" if random[2] == "||" else "Unstructured"}
    return out


# ---------------------------------------------------------------- printed strings -> text
def table_text(values: dict, head: dict, show=("model",)) -> str:
    """The whole printed table from strings; `show` names what to print beside the model itself."""
    parts = [_top(values, head, show), _fixed_part(values, head, show)]
    if "var" in values:
        parts.append(_random_part(values, head, "var"))
    if "lr_vs_linear" in values:
        parts.append(_lr_line(values))
    if "sd" in show:
        parts.append("\nestat sd\n" + _random_part(values, head, "sd"))
    if "icc" in show:
        parts.append("\nestat icc\n" + icc_text(values["icc"], head["group"]))
    return "\n".join(parts)


def _top(values, head, show):
    method = values["estimator"]
    title = "Linear regression" if method == "OLS" else f"Mixed-effects {method} regression"
    left, right = [title], [("Number of obs", head["rows"])]
    if head["group"]:
        left.append(f"Group variable: {head['group']}")
        right.append(("Number of groups", head["schools"]))
    if "groups" in show:
        sizes = values["groups"]
        right += [("Obs per group: min", sizes["min"]), ("avg", sizes["avg"]), ("max", sizes["max"])]
    if "wald_chi2" in values:
        right.append((f"Wald chi2({values['wald_chi2'][1]})", values["wald_chi2"][0]))
    if "F" in values:
        left += [f"SS model    {values['ss_model']:>11}", f"SS residual {values['ss_residual']:>11}",
                 f"SS total    {values['ss_total']:>11}"]
        right += [("F", values["F"]), ("R-squared", values["r2"]), ("Adj R-squared", values["r2_adj"]),
                  ("Root MSE", values["rmse"])]
    if "loglik" in values:
        left += [""] * (len(right) - len(left) - 1) + [f"Log likelihood = {values['loglik']}"]
    right += [None] * (len(left) - len(right))
    left += [""] * (len(right) - len(left))
    return "\n".join(f"{a:<38}" + (f"{b[0]:>20} = {b[1]:>9}" if b else "") if b else a for a, b in zip(left, right))


def _fixed_part(values, head, show):
    statistic = "t" if "t" in values else "z"
    columns = [("Coefficient", 11, "coef"), ("Std. err.", 10, "se")]
    if statistic == "t" or "z" in show:
        columns.append((statistic, 7, statistic))
    if "p" in show:
        columns.append((f"P>|{statistic}|", 7, "p"))
    head_line = f"{head['outcome']:>15} |" + "".join(f" {name:>{width}}" for name, width, _ in columns)
    head_line += "  [95% conf. interval]"
    lines = ["-" * 15 + "-+" + "-" * (len(head_line) - 17)]
    for name in values["coef"]:
        row = f"{name:>15} |" + "".join(f" {values[key][name]:>{width}}" for _, width, key in columns)
        low, high = values["ci95"][name]
        lines.append(row + f" {low:>10} {high:>10}")
    rule = "-" * len(head_line)
    return "\n".join([rule, head_line, *lines, rule])


def _random_part(values, head, stem):
    head_line = f"{'Random-effects parameters':>28} |  Estimate  Std. err.  [95% conf. interval]"
    lines = [head_line, "-" * 29 + "+" + "-" * (len(head_line) - 30)]
    if head["group"]:
        lines.append(f"{head['group'] + ': ' + head['structure']:<28} |")
    for name, estimate in values[stem].items():
        label = name if "(" in name else f"{stem}({'Residual' if name == 'residual' else name})"
        low, high = values[f"{stem}_ci95"][name]
        lines.append(f"{label:>28} | {estimate:>9} {values[f'{stem}_se'][name]:>10} {low:>10} {high:>10}")
    rule = "-" * len(head_line)
    return "\n".join([*([rule] if stem == "sd" else []), *lines, rule])


def _lr_line(values):
    distribution, _, note = values["lr_distribution"].partition(", ")
    return f"LR test vs. linear model: {distribution} = {values['lr_vs_linear']}" + (f"  ({note})" if note else "")


def icc_text(icc, group):
    low, high = icc["ci95"]
    line = f"{'Level':>15} |       ICC  Std. err.  [95% conf. interval]"
    return "\n".join(["-" * len(line), line, "-" * 16 + "+" + "-" * (len(line) - 17),
                      f"{group:>15} | {icc['estimate']:>9} {icc['se']:>10} {low:>10} {high:>10}", "-" * len(line)])


def margins_text(rows: dict) -> str:
    line = f"{'_at#schtype':>15} |    Margin  Std. err.  [95% conf. interval]"
    out = ["-" * len(line), line, "-" * 16 + "+" + "-" * (len(line) - 17)]
    out += [f"{key.replace(':', '#'):>15} | {m:>9} {se:>10} {low:>10} {high:>10}" for key, (m, se, low, high) in rows.items()]
    return "\n".join([*out, "-" * len(line)])


def data_text(data: dict) -> str:
    variables = [key[:-5] for key in data if key.endswith("_mean")]
    out = [f"{'Variable':>12} |       Obs       Mean  Std. dev.", "-" * 13 + "+" + "-" * 31]
    out += [f"{name:>12} | {data['rows']:>9} {data[f'{name}_mean']:>10} {data[f'{name}_sd']:>10}" for name in variables]
    for key in (k for k in data if k.endswith("_counts")):
        out += ["", f"{key[:-7]:>12} |     Freq.", "-" * 13 + "+" + "-" * 10]
        out += [f"{level:>12} | {count:>9}" for level, count in data[key].items()]
    return "\n".join([*out, "", f"{'schools':>12} = {data['schools']:>9}"])


# ---------------------------------------------------------------- what a cell calls
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


def document(values: dict, head: dict, show, digits: int = 7, fewer: dict | None = None) -> str:
    """The printed table of a model from its numbers, with the note on digits."""
    return "\n".join(filter(None, [table_text(printed(values, digits, fewer), head, show), note_text(digits, fewer)]))


def stata_margins(margins) -> None:
    """Print margins of a category at values of a number, as ``margins schtype, at(homework=(1/5))`` does."""
    table = margins.table
    keys = [c for c in table.columns if c not in ("margin", "se", "z", "t", "pvalue", "lower", "upper", "df")]
    keys.sort(key=lambda c: not np.issubdtype(np.asarray(table[c].tolist()).dtype, np.number))
    rows = {":".join(general(float(v)) if isinstance(v, (int, float, np.number)) else str(v) for v in row[keys]):
            [general(row[c]) for c in ("margin", "se", "lower", "upper")]
            for _, row in table.sort_values(keys).iterrows()}
    print(margins_text(rows))


def stata_data(data, means=("math", "ses", "ratio"), counts=("homework", "schtype"), groups="schid") -> None:
    """Print means, SDs and frequencies as ``summarize`` and ``tabulate`` do."""
    out = {"rows": str(len(data)), "schools": str(data[groups].nunique())}
    for name in means:
        out |= {f"{name}_mean": general(data[name].mean(), 6), f"{name}_sd": general(data[name].std(), 6)}
    for name in counts:
        out[f"{name}_counts"] = {str(k): str(v) for k, v in data[name].value_counts().sort_index().items()}
    print(data_text(out))
