"""Bases inside formulas: R's columns, remembered on new data, in the fixed and the random part, and in what asks a fit."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib.design import build_design
from toc import ROOT

R = json.loads((ROOT / "tests/reference/r/growth_bases.json").read_text(encoding="utf-8"))
X, NEW = np.array(R["x"]), np.array(R["new"])


def ours(call: str) -> str:
    """R's call in our words: c(2, 5) is [2, 5]."""
    text = re.sub(r"\bc\(([^()]*)\)", r"[\1]", call)
    return text.replace("Boundary.knots", "boundary").replace("TRUE", "True")


@pytest.mark.parametrize("case", R["bases"], ids=lambda case: case["call"])
def test_columns_are_those_of_r(case):
    """Of the fit's rows, and of new rows inside and outside the boundary."""
    design = build_design(f"y ~ 0 + {ours(case['call'])}", {"y": X**1.5, "x": X})
    np.testing.assert_allclose(design.X, np.array(case["x"]), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(design.fixed_matrix({"x": NEW}), np.array(case["new"]), rtol=1e-10, atol=1e-10)


def test_a_far_origin_costs_no_digits():
    """Years from 2000 on have the columns of years from 0 on."""
    y = X**1.5
    for call in ("poly(x, 3)", "bs(x, df=5)", "ns(x, df=3)"):
        near = build_design(f"y ~ {call}", {"y": y, "x": X}).X
        np.testing.assert_allclose(build_design(f"y ~ {call}", {"y": y, "x": X + 2000}).X, near, atol=1e-9)


def test_piecewise_codings():
    """Slopes of phases or changes of slope: two codings of one broken line, zero at x = 0."""
    x = np.array([-1.0, 0, 1, 2, 3, 5, 6])
    table = {"x": x, "y": 1 + 2 * np.minimum(x, 2) - 1 * np.clip(x - 2, 0, 3) + 4 * np.maximum(x - 5, 0)}
    slopes = mlm.ols("y ~ piecewise(x, knots=[2, 5])", table).params
    assert list(slopes.index) == [
        "Intercept",
        *(f"piecewise(x, knots=[2, 5])[{n}]" for n in ("to 2", "2 to 5", "from 5")),
    ]
    np.testing.assert_allclose(slopes, [1, 2, -1, 4], atol=1e-10)
    changes = mlm.ols("y ~ piecewise(x, knots=[2, 5], coding='changes')", table).params
    assert [n.split("[")[-1] for n in changes.index[1:]] == ["slope]", "change at 2]", "change at 5]"]
    np.testing.assert_allclose(changes, [1, 2, -3, 5], atol=1e-10)


def test_intercept_of_piecewise_is_at_zero_wherever_the_knots_are():
    x = np.linspace(-4, 3, 15)
    table = {"x": x, "y": 7 + 2 * np.where(x < -2, x + 2, 0) - 1 * np.maximum(x + 2, 0)}
    for coding in ("slopes", "changes"):
        assert mlm.ols(f"y ~ piecewise(x, -2, coding='{coding}')", table).params["Intercept"] == pytest.approx(5)


@pytest.mark.parametrize("term", ["poly(Days, 2)", "piecewise(Days, knots=[3])", "ns(Days, df=2)", "bs(Days, df=3)"])
def test_in_both_parts_of_a_model(term):
    """Predictions of single rows are those of all rows: the knots are the fit's."""
    sleep = mlm.load("sleepstudy")
    fit = mlm.lmm(f"Reaction ~ {term} + (1 + {term} || Subject)", sleep)
    some = sleep.iloc[[3, 40, 41]]
    np.testing.assert_allclose(fit.predict(some), fit.predict(sleep).iloc[[3, 40, 41]], rtol=1e-12)
    means = mlm.emmeans(fit, "Days", at={"Days": [0, 4.5, 9]}).table
    X = fit.design.fixed_matrix(pd.DataFrame({"Days": [0, 4.5, 9]}))
    np.testing.assert_allclose(means["mean"], X @ fit.params.to_numpy(), rtol=1e-10)
    assert len(mlm.emtrends(fit, "Days").table) == 1
    assert term.split("(")[0] in str(fit) and fit.equations() and str(fit.explain()) and str(fit.report())
    name = fit.params.index[1]
    assert fit.test(f"{name} = 0").df == 1
    assert list(fit.conf_int().index) == list(fit.params.index)
    assert str(fit.translate("lme4")) and str(fit.translate("stata"))


def test_same_space_same_fit():
    """An orthogonal and a raw polynomial, and the two codings of a broken line, are one model."""
    sleep = mlm.load("sleepstudy")
    for a, b in (
        ("poly(Days, 2)", "poly(Days, 2, raw=True)"),
        ("piecewise(Days, knots=[4])", "piecewise(Days, knots=[4], coding='changes')"),
    ):
        one, two = (mlm.lmm(f"Reaction ~ {t} + (1 + Days | Subject)", sleep, reml=False) for t in (a, b))
        assert one.criterion == pytest.approx(two.criterion, abs=1e-6)
    trend = mlm.lmm("Reaction ~ piecewise(Days, 4) + (1 | Subject)", sleep)
    slope = mlm.emtrends(trend, "Days", at={"Days": 8}).table["slope"].iloc[0]
    assert slope == pytest.approx(trend.params.iloc[2], rel=1e-8)


@pytest.mark.parametrize("call, error, words", [
    ("piecewise(x, knots=[5, 2])", mlm.FormulaError, "rising"),
    ("piecewise(x)", mlm.FormulaError, "knots="),
    ("bs(x, df='a')", mlm.FormulaError, "whole number"),
    ("piecewise(x, knots=[20])", mlm.DataError, "inside the column"),
    ("piecewise(x, knots=[5], coding='both')", mlm.FormulaError, "'slopes' or 'changes'"),
    ("bs(x, df=2)", mlm.FormulaError, "at least 3"),
    ("bs(k, df=8)", mlm.DataError, "too few different values"),
    ("ns(x, knots=[-3])", mlm.DataError, "between the boundary"),
    ("poly(k, 3)", mlm.DataError, "different values"),
    ("poly(k, 3, raw=True)", mlm.DataError, "different values"),
    ("ns(x, df=1.5)", mlm.FormulaError, "whole number"),
    ("spline(x)", mlm.FormulaError, "piecewise, bs, ns"),
])  # fmt: skip
def test_bad_bases_say_so(call, error, words):
    with pytest.raises(error, match=words):
        mlm.ols(f"y ~ {call}", {"y": X**1.5, "x": X, "k": np.arange(15) % 3})


@pytest.mark.parametrize("coding", ["slopes", "changes"])
@pytest.mark.parametrize("knots", [[2], [2, 5], [0, 3], [-2, 1], [-3, -1]])
def test_rs_words_for_piecewise_make_the_same_columns(knots, coding):
    """The translation, carried out by NumPy's functions of R's names."""
    from mlmlib.formula import parse
    from mlmlib.report.translate.bases import in_r

    x = np.linspace(-5, 7, 25)
    text = f"y ~ 0 + piecewise(x, {knots}, coding='{coding}')"
    words = in_r(parse(text).fixed[0][0])
    known = {"pmin": np.minimum, "pmax": np.maximum, "cbind": lambda *columns: np.column_stack(columns), "x": x}
    np.testing.assert_allclose(eval(words, known), build_design(text, {"x": x, "y": x**2}).X, atol=1e-12)


def test_translations():
    """R has them all; a program that has not says what to do; lme4's || would keep the columns' covariances."""
    sleep = mlm.load("sleepstudy")
    sleep["load"] = np.random.default_rng(1).normal(size=len(sleep))
    fit = mlm.lmm("Reaction ~ ns(Days, knots=[3], boundary=[0, 9]) + poly(load, 2, raw=True) + (1 | Subject)", sleep)
    code = str(fit.translate("lme4"))
    assert "splines::ns(Days, knots = c(3), Boundary.knots = c(0, 9)) + poly(load, 2, raw = TRUE)" in code
    for program in ("stata", "sas", "spss", "hlm", "julia", "statsmodels"):
        assert "write them yourself" in str(fit.translate(program))
    free = mlm.lmm("Reaction ~ poly(Days, 2) + (1 + poly(Days, 2) || Subject)", sleep)
    assert "pdDiag" in str(free.translate("lme4")) and "pdDiag(~ 1 + poly(Days, 2))" in str(free.translate("nlme"))


def test_names_with_commas_are_told_apart_in_reports():
    """An effect's own name holds commas; a covariance joins two of them."""
    sleep = mlm.load("sleepstudy")
    fit = mlm.lmm("Reaction ~ piecewise(Days, knots=[2, 5]) + (1 + piecewise(Days, knots=[4]) | Subject)", sleep)
    assert "slopes of poly(Days had" not in str(fit.report()) and "slopes of piecewise(Days had" not in str(fit.report())
    assert "piecewise(Days, knots=[4])[to 4] and piecewise(Days, knots=[4])[from 4]" in str(mlm.table(fit))
    free = mlm.lmm("Reaction ~ poly(Days, 2) + (1 + poly(Days, 2) || Subject)", sleep)
    assert "correlation" not in str(free)  # there is none
    assert "Days to 2" in str(fit.equations()) and "Days poly 1" in str(free.equations())
