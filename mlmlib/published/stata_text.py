"""Numbers, of a fit or published, in Stata's layout: rounded as Stata prints them, or as far as they hold."""

from __future__ import annotations

import re
from itertools import zip_longest

from .digits import general, significant

PARAMETERS = ("coef", "se", "ci95", "var", "var_se", "var_ci95", "sd", "sd_se", "sd_ci95", "icc")


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
            shown = [
                write(v, count) + ("*" if special else "") for v in (value if isinstance(value, list) else [value])
            ]
            out[key][name] = shown if isinstance(value, list) else shown[0]
    return out


def note_text(digits: int, fewer: dict | None) -> str:
    """What the reader is told about the digits, where they are fewer than Stata prints."""
    out = []
    if digits < 7:
        out.append(
            f"Estimates to {digits} digits, SEs and intervals to {digits - 1}:\nStata stopped just short of the "
            "maximum."
        )
    if fewer:
        out.append("* Fewer digits: the next one sits on a rounding edge.")
    return "\n".join(out)


def heading(formula: str, rows, schools=None) -> dict:
    """What both a fit and a published model say about themselves: outcome, grouping factor, covariance structure, rows."""
    random = re.search(r"\(([^|]*?)(\|\|?)\s*(\w+)\s*\)", formula)
    out = {"outcome": formula.split("~")[0].strip(), "rows": str(rows), "group": None}
    if random:
        single = "+" not in random[1] and random[1].strip() in ("1", "0")
        out |= {
            "group": random[3],
            "schools": str(schools),
            "structure": "Identity" if single else "Independent" if random[2] == "||" else "Unstructured",
        }
    return out


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
        left += [
            f"SS model    {values['ss_model']:>11}",
            f"SS residual {values['ss_residual']:>11}",
            f"SS total    {values['ss_total']:>11}",
        ]
        right += [
            ("F", values["F"]),
            ("R-squared", values["r2"]),
            ("Adj R-squared", values["r2_adj"]),
            ("Root MSE", values["rmse"]),
        ]
    if "loglik" in values:
        left += [""] * (len(right) - len(left) - 1) + [f"Log likelihood = {values['loglik']}"]
    return "\n".join(f"{a:<38}{b[0]:>20} = {b[1]:>9}" if b else a for a, b in zip_longest(left, right, fillvalue=""))


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
    return "\n".join(
        [
            "-" * len(line),
            line,
            "-" * 16 + "+" + "-" * (len(line) - 17),
            f"{group:>15} | {icc['estimate']:>9} {icc['se']:>10} {low:>10} {high:>10}",
            "-" * len(line),
        ]
    )


def margins_text(rows: dict) -> str:
    line = f"{'_at#schtype':>15} |    Margin  Std. err.  [95% conf. interval]"
    out = ["-" * len(line), line, "-" * 16 + "+" + "-" * (len(line) - 17)]
    out += [
        f"{key.replace(':', '#'):>15} | {m:>9} {se:>10} {low:>10} {high:>10}"
        for key, (m, se, low, high) in rows.items()
    ]
    return "\n".join([*out, "-" * len(line)])


def data_text(data: dict) -> str:
    variables = [key[:-5] for key in data if key.endswith("_mean")]
    out = [f"{'Variable':>12} |       Obs       Mean  Std. dev.", "-" * 13 + "+" + "-" * 31]
    out += [f"{name:>12} | {data['rows']:>9} {data[f'{name}_mean']:>10} {data[f'{name}_sd']:>10}" for name in variables]
    for key in (k for k in data if k.endswith("_counts")):
        out += ["", f"{key[:-7]:>12} |     Freq.", "-" * 13 + "+" + "-" * 10]
        out += [f"{level:>12} | {count:>9}" for level, count in data[key].items()]
    return "\n".join([*out, "", f"{'schools':>12} = {data['schools']:>9}"])


def document(values: dict, head: dict, show, digits: int = 7, fewer: dict | None = None) -> str:
    """The printed table of a model from its numbers, with the note on digits."""
    return "\n".join(filter(None, [table_text(printed(values, digits, fewer), head, show), note_text(digits, fewer)]))
