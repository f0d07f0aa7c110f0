"""A fit in the layout of lme4's ``summary()``. As in `stata`, a fit becomes printed strings and the strings become text."""

from __future__ import annotations

import re

import numpy as np

from ..expression import matched
from .digits import fixed, r_format

BLOCKS = {"residuals": "scaled_residuals"}
ITEMS = ("criterion", "residuals", "var", "sd", "corr", "coef", "se", "t", "corr_fixed")
BESIDE = {"sd": "var", "corr": "var", "se": "coef", "t": "coef", "corr_fixed": "coef"}  # whose rows an item stands in


def term(name: str) -> str:
    """lme4's name of a term: ``sector[T.Catholic]`` is ``sectorCatholic``."""
    return "(Intercept)" if name == "Intercept" else re.sub(r"\[T\.(.*?)\]", r"\1", name)


def values_of(fit, fewer: dict | None = None) -> dict:
    """Everything ``summary()`` prints, as strings, with R's own choice of digits (or the decimals of `fewer`)."""
    names = [term(n) for n in fit.params.index]
    cov = fit.covariance_matrix().to_numpy()
    sds = np.sqrt(np.diag(cov))
    effects = [term(n) for n in fit.covariance_matrix().index]
    fixed_cov = fit.cov_params().to_numpy()
    se = np.sqrt(np.diag(fixed_cov))
    both = np.concatenate([fit.params, se])
    # printCoefmat: rounded to 4 - (digits before the point of the smallest) decimals, then formatted together
    places = max(1, 4 - (1 + int(np.floor(np.log10(np.abs(both[both != 0]).min())))))
    printed = r_format(np.round(both, places))
    rows = {
        "scaled_residuals": (
            ("min", "q1", "median", "q3", "max"),
            np.quantile(fit.scaled_residuals, (0, 0.25, 0.5, 0.75, 1)),
            None,
        ),
        "var": ((*effects, "residual"), [*np.diag(cov), fit.sigma**2], None),
        "sd": ((*effects, "residual"), [*sds, fit.sigma], None),
        "coef": (names, fit.params.to_numpy(), printed[: len(names)]),
        "se": (names, se, printed[len(names) :]),
        "t": (names, fit.tvalues.to_numpy(), r_format(np.round(fit.tvalues, 3))),
    }
    short = {BLOCKS.get(block, block): count for block, count in (fewer or {}).items()}
    out = {
        key: dict(
            zip(labels, [fixed(v, short[key]) for v in numbers] if key in short else strings or r_format(numbers))
        )
        for key, (labels, numbers, strings) in rows.items()
    }
    return out | {
        "estimator": "REML" if fit.reml else "ML",
        "criterion": fixed(fit.criterion, 1),
        "corr": _pairs(effects, cov, sds, 2),
        "corr_fixed": _pairs(names, fixed_cov, se, 3),
    }


def _pairs(names, cov, sds, places):
    """Correlations below the diagonal, ``"first,second"``."""
    return {
        f"{names[i]},{names[j]}": fixed(cov[i, j] / (sds[i] * sds[j]) if sds[i] * sds[j] else 0.0, places)
        for j in range(len(names))
        for i in range(j)
    }


def text(values: dict, formula: str, rows, schools) -> str:
    """The printed summary from strings; what is not among them is left out."""
    outcome_group = matched(r"\|\|?\s*(\w+)\s*\)", formula)[1]
    out = [f"Linear mixed model fit by {values['estimator']} ['lmerMod']", f"Formula: {formula}", ""]
    if "criterion" in values:
        name = "REML criterion at convergence" if values["estimator"] == "REML" else "deviance"
        out += [f"{name}: {fixed(values['criterion'], 1)}", ""]
    if "scaled_residuals" in values:
        cells = list(values["scaled_residuals"].values())
        width = max(map(len, cells))
        out += [
            "Scaled residuals:",
            " ".join(f"{n:>{width}}" for n in ("Min", "1Q", "Median", "3Q", "Max")),
            " ".join(f"{c:>{width}}" for c in cells),
            "",
        ]
    out += _random(values, outcome_group) if "var" in values else []
    out += [f"Number of obs: {rows}, groups:  {outcome_group}, {schools}", ""]
    columns = [(c, n) for c, n in (("coef", "Estimate"), ("se", "Std. Error"), ("t", "t value")) if c in values]
    if not columns:
        return "\n".join(line.rstrip() for line in out[:-1])
    wide = max(map(len, values["coef"]))
    out += ["Fixed effects:", " " * wide + "".join(f" {n:>{len(n)}}" for _, n in columns)]
    out += [f"{name:<{wide}}" + "".join(f" {values[c][name]:>{len(n)}}" for c, n in columns) for name in values["coef"]]
    if "corr_fixed" in values:
        out += ["", "Correlation of Fixed Effects:"] + _triangle(list(values["coef"]), values["corr_fixed"])
    return "\n".join(line.rstrip() for line in out)


def _random(values, group):
    names = list(values["var"])
    wide, left = max(*map(len, names), 11), max(len(group), 8)
    has_sd = "sd" in values
    out = [
        "Random effects:",
        f" {'Groups':<{left}} {'Name':<{wide}} Variance" + (" Std.Dev." if has_sd else "") + " Corr",
    ]
    for place, name in enumerate(names):
        residual = name == "residual"
        label = "Residual" if residual else group if place == 0 else ""
        row = f" {label:<{left}} {'' if residual else name:<{wide}} {values['var'][name]:>8}"
        row += f" {values['sd'][name]:>8}" if has_sd else ""
        if not residual:
            row += "".join(f" {values['corr'][f'{other},{name}']:>5}" for other in names[:place] if "corr" in values)
        out.append(row)
    return out


def abbreviate(name: str, length: int = 6) -> str:
    """R's ``abbreviate``: lower-case vowels go first, then lower-case letters, each from the right."""
    for letters in ("aeiou", "abcdefghijklmnopqrstuvwxyz"):
        for place in range(len(name) - 1, 0, -1):
            if len(name) > length and name[place] in letters:
                name = name[:place] + name[place + 1 :]
    return name


def _triangle(names, pairs):
    wide = max(map(len, names))
    out = [" " * wide + "".join(f" {abbreviate(n):<6}" for n in names[:-1])]
    for j, name in enumerate(names[1:], 1):
        out.append(f"{name:<{wide}}" + "".join(f" {pairs[f'{names[i]},{name}']:>6}" for i in range(j)))
    return out


def shorter(values: dict, fewer: dict | None) -> tuple[dict, str]:
    """The strings with some blocks cut to fewer decimals, ``{"sd": 3}``, and the line that says so."""
    if not fewer:
        return values, ""
    values = dict(values)
    for block, places in fewer.items():
        key = BLOCKS.get(block, block)
        values[key] = {name: fixed(value, places) for name, value in values[key].items()}
    said = ", ".join(f"{block} to {places} decimals" for block, places in sorted(fewer.items()))
    return values, f"\nHere {said}: lme4 stopped just short of the optimum."


def lme4(fit, only: str | None = None, *, fewer: dict | None = None) -> None:
    """Print a fit as lme4's ``summary()`` does.

    Parameters
    ----------
    fit : a result of ``mlm.lmm``
    only : str, optional
        The items wanted, such as ``"criterion coef se var corr"``.
    fewer : dict, optional
        Decimals of blocks in which lme4's own last digit is not the optimum's, such as ``{"sd": 3}``.
    """
    chosen = (only or " ".join(ITEMS)).split()
    unknown = set(chosen) - set(ITEMS)
    if unknown:
        raise ValueError(f"lme4() cannot show {sorted(unknown)}; it knows {', '.join(ITEMS)}.")
    alone = [item for item in chosen if BESIDE.get(item, item) not in chosen]
    if alone:
        raise ValueError(f"lme4() shows {alone[0]!r} beside {BESIDE[alone[0]]!r}: ask for both.")
    keep = {"estimator"} | {BLOCKS.get(c, c) for c in chosen}
    values = {k: v for k, v in values_of(fit, fewer).items() if k in keep}
    print(document(values, fit.formula, fit.nobs, next(iter(fit.n_groups.values())), fewer))


def document(values: dict, formula: str, rows, schools, fewer: dict | None = None) -> str:
    """The printed summary from strings, with the note on digits."""
    values, said = shorter(values, fewer)
    return text(values, formula, rows, schools) + said
