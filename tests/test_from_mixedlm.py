"""*From statsmodels' MixedLM* says what is so: the numbers that agree, the failures that it shows, and every name in its tables."""

from __future__ import annotations

import importlib
import re
from functools import cache

import numpy as np
import pytest
import statsmodels.regression.mixed_linear_model as theirs

import mlmlib as mlm
from bookext import mixedlm
from toc import ROOT

PAGE = (ROOT / "backmatter" / "from_mixedlm.md").read_text(encoding="utf-8")


@cache
def told(name):
    return mixedlm.run(name)


def numbers(line):
    return [float(x) for x in re.findall(r"-?\d+\.\d+", line)]


def test_every_run_is_shown():
    assert set(re.findall(r"made: bookext.mixedlm:(\w+)", PAGE)) == set(mixedlm.RUNS)
    assert all(len(line) <= 110 for code in mixedlm.RUNS.values() for line in code.splitlines())


def test_what_agrees():
    for line in told("agree").splitlines():
        one, other = numbers(line)
        assert one == pytest.approx(other, rel=1e-4), line
    line = [numbers(row) for row in told("crossed").splitlines()]
    assert line[0] == pytest.approx(line[1][:3], abs=2e-3)


def test_variance_components_alone_leave_the_outer_factor_out():
    both, alone = ([float(x) for x in re.findall(r"-\d+\.\d+", line)] for line in told("nested").splitlines())
    assert both[0] == pytest.approx(both[1], abs=2e-3) and alone[0] == pytest.approx(alone[1], abs=2e-3)
    assert both[0] > alone[0] + 0.1


def test_mixedlm_does_not_arrive_with_the_schools():
    warned, (first, powell, own) = told("schools").splitlines()[:-3], told("schools").splitlines()[-3:]
    assert any("failed" in line for line in warned) and "None False" in first and "powell True" in powell and "True" in own
    assert numbers(own)[0] > numbers(first)[0] + 50 and numbers(powell) == pytest.approx(numbers(own), rel=1e-3)
    assert numbers(first)[1] > 2 * numbers(own)[1]


def test_a_category_without_rows():
    sleep = mlm.load("sleepstudy")
    half = sleep.assign(late=(sleep["Days"] > 4).map({True: "late", False: "early"}).astype("category").cat.add_categories("never"))
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        theirs.MixedLM.from_formula("Reaction ~ late", half, groups="Subject").fit()
    own = mlm.lmm("Reaction ~ late + (1 | Subject)", half)
    assert list(own.params.index) == ["Intercept", "late[T.late]"]


def test_mixedlm_does_not_arrive_in_seconds():
    *warned, his, own = told("units").splitlines()
    assert any("ConvergenceWarning" in line for line in warned) and "False" in his and "True" in own
    assert numbers(own)[0] > numbers(his)[0] + 40


def test_mixedlm_stops_short_at_the_boundary():
    his, own = (line for line in told("singular").splitlines() if line.startswith(("MixedLM", "mlmlib")))
    assert "True" in his and "True" in own and numbers(own)[0] > numbers(his)[0] + 0.01
    assert "Singular fit" in told("singular") and "Hessian" in told("singular")


def test_standard_errors_of_variances_are_in_other_units():
    his, own = ([float(x) for x in re.findall(r"[\d.]+", line)] for line in told("errors").splitlines())
    assert his[0] == pytest.approx(own[0], rel=1e-4) and own[1] > 20 * his[1]
    draws = mlm.lmm("Reaction ~ 1 + (1 | Subject)", mlm.load("sleepstudy")).bootstrap(n=200, seed=1, progress=False)
    spread = (draws.replicates["sd(Subject: Intercept)"] ** 2).std()
    assert spread == pytest.approx(own[1], rel=0.3)  # the bootstrap has no part in either program's formula


def test_what_it_does_not_have():
    aic, predicted, weights, missing, dropped = told("refused").splitlines()
    assert "nan" in aic and "weights not permitted" in weights and "missing" in missing and dropped.startswith("1 of 180")
    fixed, fitted = numbers(predicted)
    sleep = mlm.load("sleepstudy")
    own = mlm.lmm("Reaction ~ Days + (1 | Subject)", sleep)
    assert fixed == pytest.approx(own.predict(sleep.head(1), random_effects=False)[0], abs=0.06)
    assert fitted == pytest.approx(own.predict(sleep.head(1))[0], abs=0.06)


def test_reml_fits_with_other_fixed_parts_are_refitted_aloud():
    sleep = mlm.load("sleepstudy")
    null, full = (mlm.lmm(f"Reaction ~ {fixed} + (Days | Subject)", sleep) for fixed in ("1", "Days"))
    test = mlm.compare(null, full)
    assert test.statistic == pytest.approx(2 * (full.refit(reml=False).llf - null.refit(reml=False).llf), rel=1e-6)
    assert "both refitted by maximum likelihood" in str(test) and "refits such a pair by maximum likelihood" in PAGE
    with pytest.raises(ValueError, match="REML likelihoods are of different data"):
        mlm.compare(null, full, refit=False)


def test_names_typed_by_habit_say_where_to_go():
    package = importlib.import_module("mlmlib")
    for theirs_, own in package._ELSEWHERE.items():
        with pytest.raises(AttributeError, match=f"'{theirs_}': mlm.{own} fits such models here"):
            getattr(mlm, theirs_)
        assert own in package.__all__
    close = "reliabilities"
    with pytest.raises(AttributeError, match=f"no attribute '{close}'$") as caught:
        getattr(mlm, close)
    assert caught.value.name == close and caught.value.obj is package  # from these two Python finds 'reliability'


def test_every_name_in_the_tables_is_one():
    rows = [line.split(" | ") for line in PAGE.split("## What you read off it")[1].split("\n##")[0].splitlines() if line.startswith("| `")][1:]
    fit = mlm.lmm("Reaction ~ Days + (Days | Subject)", mlm.load("sleepstudy"))
    wrapped = theirs.MixedLM.from_formula("Reaction ~ Days", mlm.load("sleepstudy"), groups="Subject").fit()
    for his, own, *_ in rows:
        for name in re.findall(r"`(\w+)", his):
            assert hasattr(wrapped, name), name
        for name in re.findall(r"`(\w+)", own):
            assert hasattr(fit, name), name
