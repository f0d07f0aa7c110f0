"""Every value of the Stata workshop on math (reference/stata_math.toml), each a test of its own.

The ICC and the margins are checked where they are built (tests/test_clustering.py, tests/test_margins.py).
"""

from functools import cache

import numpy as np
import pytest

import mlmlib as mlm
from digits import agrees, places
from mlmlib.lmm.optimise import Minimum
from mlmlib.lmm.result import LmmResult
from models import data, published

MODELS = {model["id"]: model for model in published("stata_math")["model"]}
NAMES = {"_cons": "Intercept", "Public": "schtype[T.Public]", "Public:homework": "schtype[T.Public]:homework"}


@cache
def fit(name):
    """Our fit of a published model."""
    model = MODELS[name]
    table = data("math")
    if name == "disaggregated":
        means = table.groupby("schid")["homework"].transform("mean")
        table = table.assign(HWb=means, HWw=table["homework"] - means)
    if "|" in model["formula"]:
        return mlm.lmm(model["formula"], table, reml=False)
    return mlm.ols(model["formula"], table, method="ols" if model["estimator"] == "OLS" else "ml")


def values():
    """(id, path, printed) of every value of the models."""
    for name, model in MODELS.items():
        for key, entry in model.items():
            if key in ("id", "command", "formula", "estimator", "covariance", "definitions", "margins", "icc",
                       "lr_distribution"):
                continue
            if isinstance(entry, str):
                yield name, (key,), entry
            elif isinstance(entry, list):
                for place, printed in enumerate(entry):
                    yield name, (key, place), printed
            else:
                for inner, printed in entry.items():
                    if isinstance(printed, list):
                        for place, bound in enumerate(printed):
                            yield name, (key, inner, place), bound
                    else:
                        yield name, (key, inner), printed


def random_row(fitted, name, scale):
    """The row of the random part that Stata calls `name`."""
    table = fitted.random_table(scale).set_index("name")
    letter = "var" if scale == "variance" else "sd"
    if name.startswith(("cov(", "corr(")):
        return table.loc[f"{name.split('(')[0]}(Intercept, homework)"]
    return table.loc[f"{letter}({'Residual' if name == 'residual' else NAMES.get(name, name)})"]


def value(fitted, path):
    """Our number for a path into a published model."""
    key, *rest = path
    inner = NAMES.get(rest[0], rest[0]) if rest else None
    if key in ("coef", "se", "t", "z", "p"):
        attribute = {"coef": "params", "se": "bse", "t": "tvalues", "z": "tvalues", "p": "pvalues"}[key]
        return getattr(fitted, attribute)[inner], False
    if key == "ci95":
        return fitted.conf_int().loc[inner].iloc[rest[1]], False
    if key in ("var", "var_se", "var_ci95", "sd", "sd_se", "sd_ci95"):
        row = random_row(fitted, rest[0], "variance" if key.startswith("var") else "sd")
        column = {"se": "se", "ci95": ["lower", "upper"]}.get(key.partition("_")[2], "estimate")
        return row[column if isinstance(column, str) else column[rest[1]]], True
    if key == "groups":
        sizes = fitted.group_sizes["schid"]
        return {"n": len(sizes), "min": sizes.min(), "max": sizes.max(), "avg": sizes.mean()}[rest[0]], False
    if key == "wald_chi2":
        test = fitted.wald_test()
        return (test.statistic, test.df)[rest[0]], False
    if key == "lr_vs_linear":
        return fitted.lr_vs_linear().statistic, False
    simple = {"loglik": "llf", "r2": "rsquared", "r2_adj": "rsquared_adj", "rmse": "sigma", "F": "fvalue",
              "ss_model": "ss_model", "ss_residual": "ss_resid", "ss_total": "ss_total"}
    return getattr(fitted, simple[key]), False


@cache
def at_stata_variances(name):
    """The fixed part at the variances that Stata printed: its search stopped a little short of the optimum."""
    fitted, var = fit(name), MODELS[name]["var"]
    effects = [{"Intercept": "_cons"}.get(effect, effect) for effect in fitted.design.random[0].names]
    T = np.array([[float(var[a]) if a == b else float(var.get("cov(homework,_cons)", 0)) for b in effects] for a in effects])
    at = fitted.model.at({"schid": T}, float(var["residual"]))
    return LmmResult(fitted.model, Minimum(at, 1, False, 0.0))


def agrees_at_stata_variances(name, path, printed):
    """True for a value of the fixed part that has the printed digits where Stata stopped, and is next to them here.

    Next to them: within 1e-5 of the coefficient's standard error.
    """
    if path[0] not in ("coef", "se", "ci95") or "var" not in MODELS[name] or "|" not in MODELS[name]["formula"]:
        return False
    there, here = value(at_stata_variances(name), path)[0], value(fit(name), path)[0]
    size = fit(name).bse[NAMES.get(path[1], path[1])]
    last = max(10.0 ** -places(printed), 1e-6 * size)  # the variances themselves are printed to seven digits
    return abs(there - float(printed)) <= last and abs(here - float(printed)) <= 1e-5 * size


@pytest.mark.parametrize("name, path, printed", [pytest.param(*item, id=f"{item[0]}-{'-'.join(map(str, item[1]))}")
                                                 for item in values()])
def test_value(name, path, printed):
    ours, variance = value(fit(name), path)
    assert agrees(float(ours), printed, variance) or agrees_at_stata_variances(name, path, printed), \
        f"{ours!r} where {printed} is published"


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if "lr_distribution" in model])
def test_distribution_of_the_lr_test(name):
    test = fit(name).lr_vs_linear()
    said = MODELS[name]["lr_distribution"]
    assert test.distribution == said.removesuffix(", conservative")
    assert ("conservative" in test.note) == ("conservative" in said)


def test_data():
    table, facts = data("math"), published("stata_math")["data"]
    assert len(table) == int(facts["rows"])
    assert table["schid"].nunique() == int(facts["schools"])
    for column in ("math", "ses", "ratio"):
        assert agrees(table[column].mean(), facts[f"{column}_mean"])
        assert agrees(table[column].std(), facts[f"{column}_sd"])
    for column in ("homework", "schtype"):
        counts = table[column].value_counts()
        assert {str(level): str(n) for level, n in counts.items()} == facts[f"{column}_counts"]


def test_how_many_agree_at_the_optimum_itself():
    """All but 40, which are of the fixed part of fits that Stata stopped early, have the printed digits right away."""
    straight = sum(agrees(float(ours), printed, variance) for name, path, printed in values()
                   for ours, variance in [value(fit(name), path)])
    assert straight == 282 - 40


def test_every_published_value_is_counted():
    assert len(list(values())) == 282


def test_ml_standard_errors_are_those_of_n():
    ols, ml = mlm.ols("math ~ schtype", data("math")), fit("ml-schtype")
    assert np.allclose(ml.bse / ols.bse, np.sqrt(517 / 519))
