"""The values of the Stata workshop on math (tests/reference/stata_math.toml), each beside ours."""

from __future__ import annotations

from functools import cache

import mlmlib as mlm

from ..lmm.optimise import Minimum
from ..lmm.result import LmmResult
from .agreement import Row, agrees, places, rounds_to, verdict
from .sources import data, published

NAME = "stata_math"
NAMES = {"_cons": "Intercept", "Public": "schtype[T.Public]", "Public:homework": "schtype[T.Public]:homework"}
NOT_VALUES = ("id", "command", "formula", "estimator", "covariance", "definitions")
SIMPLE = {
    "loglik": "llf",
    "r2": "rsquared",
    "r2_adj": "rsquared_adj",
    "rmse": "sigma",
    "F": "fvalue",
    "ss_model": "ss_model",
    "ss_residual": "ss_resid",
    "ss_total": "ss_total",
}


@cache
def models() -> dict:
    """The published models by id; "data" is the table of means and frequencies."""
    return {"data": published(NAME)["data"]} | {model["id"]: model for model in published(NAME)["model"]}


@cache
def fit(name: str):
    """Our fit of a published model."""
    model, table = models()[name], data("math")
    if name == "disaggregated":
        means = table.groupby("schid")["homework"].transform("mean")
        table = table.assign(HWb=means, HWw=table["homework"] - means)
    if "|" in model["formula"]:
        return mlm.lmm(model["formula"], table, reml=False)
    return mlm.ols(model["formula"], table, method="ols" if model["estimator"] == "OLS" else "ml")


def leaves(entry, path=()):
    """(path, printed) of every string in nested tables and lists."""
    if isinstance(entry, str):
        yield path, entry
    else:
        for key, inner in entry.items() if isinstance(entry, dict) else enumerate(entry):
            yield from leaves(inner, (*path, key))


def values():
    """(id, path, printed) of every published value."""
    for name, model in models().items():
        for path, printed in leaves({key: entry for key, entry in model.items() if key not in NOT_VALUES}):
            yield name, path, printed


def random_row(fitted, name, scale):
    """The row of the random part that Stata calls `name`."""
    table = fitted.random_table(scale).set_index("name")
    letter = "var" if scale == "variance" else "sd"
    if name.startswith(("cov(", "corr(")):
        return table.loc[f"{name.split('(')[0]}(Intercept, homework)"]
    return table.loc[f"{letter}({'Residual' if name == 'residual' else NAMES.get(name, name)})"]


@cache
def margins(name: str) -> dict:
    """Our margins of a model, under Stata's row labels."""
    table = fit(name).margins(over="schtype", at={"homework": [1, 2, 3, 4, 5]}).table
    return {
        f"{row['homework']:g}:{row['schtype']}": [row["margin"], row["se"], row["lower"], row["upper"]]
        for _, row in table.iterrows()
    }


def of_data(path):
    """A row count, mean, SD or frequency of the data."""
    table, (key, *rest) = data("math"), path
    if key in ("rows", "schools"):
        return len(table) if key == "rows" else table["schid"].nunique()
    column, _, what = key.rpartition("_")
    if what == "counts":
        return int((table[column].astype(str) == rest[0]).sum())
    return table[column].mean() if what == "mean" else table[column].std()


def value(fitted, path):
    """Our number for a path into a published model, and whether it is a variance parameter."""
    key, *rest = path
    inner = NAMES.get(rest[0], rest[0]) if rest else None
    if key in ("coef", "se", "t", "z", "p"):
        attribute = {"coef": "params", "se": "bse", "t": "tvalues", "z": "tvalues", "p": "pvalues"}[key]
        return getattr(fitted, attribute)[inner], False
    if key == "ci95":
        return fitted.conf_int().loc[inner].iloc[rest[1]], False
    if key.startswith(("var", "sd")):
        row = random_row(fitted, rest[0], "variance" if key.startswith("var") else "sd")
        column = {"se": "se", "ci95": ["lower", "upper"]}.get(key.partition("_")[2], "estimate")
        return row[column if isinstance(column, str) else column[rest[1]]], True
    if key == "icc":
        found = mlm.icc(fitted)
        return {"estimate": found.estimate, "se": found.se, "ci95": (found.lower, found.upper)[rest[-1] == 1]}[
            inner
        ], True
    if key == "groups":
        sizes = fitted.group_sizes["schid"]
        return {"n": len(sizes), "min": sizes.min(), "max": sizes.max(), "avg": sizes.mean()}[rest[0]], False
    if key == "wald_chi2":
        test = fitted.wald_test()
        return (test.statistic, test.df)[rest[0]], False
    if key == "lr_vs_linear":
        return fitted.lr_vs_linear().statistic, False
    return getattr(fitted, SIMPLE[key]), False


@cache
def at_stata_variances(name):
    """The fixed part at the variances that Stata printed: its search stopped a little short of the optimum."""
    fitted, var = fit(name), models()[name]["var"]
    effects = [{"Intercept": "_cons"}.get(effect, effect) for effect in fitted.design.random[0].names]
    T = [[float(var[a]) if a == b else float(var.get("cov(homework,_cons)", 0)) for b in effects] for a in effects]
    at = fitted.model.at({"schid": T}, float(var["residual"]))
    return LmmResult(fitted.model, Minimum(at, 1, False, 0.0))


def agrees_at_stata_variances(name, path, printed) -> bool:
    """True for a value of the fixed part that has the printed digits where Stata stopped, and is next to them here.

    Next to them: within 1e-5 of the coefficient's standard error.
    """
    if path[0] not in ("coef", "se", "ci95") or "|" not in models()[name]["formula"]:
        return False
    there, here = value(at_stata_variances(name), path)[0], value(fit(name), path)[0]
    size = fit(name).bse[NAMES.get(path[1], path[1])]
    last = max(10.0 ** -places(printed), 1e-6 * size)  # the variances themselves are printed to seven digits
    return abs(there - float(printed)) <= last and abs(here - float(printed)) <= 1e-5 * size


def check(name: str, path: tuple, printed: str) -> Row:
    """One published value beside ours, judged."""
    block, inner = (
        path[0],
        ", ".join(
            ("lower", "upper")[p] if path[0].endswith("ci95") and isinstance(p, int) else str(p) for p in path[1:]
        ),
    )
    if name == "data":
        ours = of_data(path)
        return Row(NAME, name, block, inner, printed, ours, verdict(float(ours), printed))
    if block == "lr_distribution":
        test = fit(name).lr_vs_linear()
        ours = test.distribution + (", conservative" if "conservative" in test.note else "")
        return Row(NAME, name, block, inner, printed, ours, "digits" if ours == printed else "differs")
    if block == "margins":
        ours = margins(name)[path[1]][path[2]]
        inner = f"{path[1]}, {('margin', 'se', 'lower', 'upper')[path[2]]}"
        return Row(NAME, name, block, inner, printed, ours, "digits" if rounds_to(ours, printed) else "differs")
    ours, variance = value(fit(name), path)
    if block == "icc" and path[1] == "ci95":
        inner = f"ci95, {('lower', 'upper')[path[2]]}"
    if block == "wald_chi2":
        inner = ("statistic", "df")[path[1]]
    found = verdict(float(ours), printed, variance)
    if (
        found == "differs"
        and not agrees(float(ours), printed, variance)
        and agrees_at_stata_variances(name, path, printed)
    ):
        found = "stopped"
    return Row(NAME, name, block, inner, printed, float(ours), found)


@cache
def rows() -> tuple[Row, ...]:
    """All of them."""
    return tuple(check(*item) for item in values())
