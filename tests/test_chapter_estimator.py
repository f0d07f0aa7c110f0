"""Chapter 7's claim: an estimator in under sixty lines that agrees with the library to 1e-6."""

from __future__ import annotations

import ast

import nbformat
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import mlmlib as mlm
from toc import ROOT

SEVEN = ("products", "solve", "criterion", "lower", "gamma", "slope", "lmm")


@pytest.fixture(scope="module")
def sources():
    """The text of the seven functions, as the chapter shows it."""
    notebook = nbformat.read(ROOT / "chapters" / "07_estimation.ipynb", as_version=4)
    found = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for statement in ast.parse(cell.source).body:
                if isinstance(statement, ast.FunctionDef) and statement.name in SEVEN:
                    assert statement.name not in found, f"{statement.name} is defined twice"
                    found[statement.name] = ast.get_source_segment(cell.source, statement)
    return found


@pytest.fixture(scope="module")
def estimator(sources):
    scope = {"np": np, "pd": pd, "minimize": minimize}
    for text in sources.values():
        exec(text, scope)
    return scope


CASES = {
    "hsb": ("hsb", "mathach", "cses", "school", "mathach ~ cses + (cses | school)"),
    "sleepstudy": ("sleepstudy", "Reaction", "Days", "Subject", "Reaction ~ Days + (Days | Subject)"),
    "one intercept": ("sleepstudy", "Reaction", "Days", "Subject", "Reaction ~ Days + (1 | Subject)"),
}


def test_seven_functions_fill_fewer_than_sixty_lines(sources):
    assert set(sources) == set(SEVEN)
    lines = [line for text in sources.values() for line in text.splitlines() if line.strip()]
    assert len(lines) < 60
    assert max(map(len, lines)) <= 78


@pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
@pytest.mark.parametrize("case", CASES)
def test_it_agrees_with_the_library(estimator, case, reml):
    name, y, x, group, formula = CASES[case]
    data = mlm.load(name)
    X = np.column_stack([np.ones(len(data)), data[x]])
    Z = X[:, :1] if "(1 |" in formula else X
    ours = estimator["lmm"](estimator["products"](data[y], X, Z, data[group]), reml)
    fit = mlm.lmm(formula, data, reml=reml)
    assert ours["criterion"] == pytest.approx(fit.criterion, rel=1e-9)
    assert ours["b"] == pytest.approx(fit.params.to_numpy(), rel=1e-6)
    assert ours["se"] == pytest.approx(fit.bse.to_numpy(), rel=1e-6)
    assert ours["sigma2"] == pytest.approx(fit.sigma**2, rel=1e-6)
    T = fit.covariance_matrix().to_numpy()
    sd = np.sqrt(np.diag(T))
    assert np.abs((ours["T"] - T) / np.outer(sd, sd)).max() < 1e-6


@pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
def test_its_slope_is_that_of_its_criterion(estimator, reml):
    data = mlm.load("sleepstudy")
    X = np.column_stack([np.ones(len(data)), data["Days"]])
    sums = estimator["products"](data["Reaction"], X, X, data["Subject"])
    theta, step = np.array([1.1, 0.1, 0.3]), 1e-6 * np.eye(3)
    differences = [
        (estimator["criterion"](theta + s, sums, reml) - estimator["criterion"](theta - s, sums, reml)) / 2e-6
        for s in step
    ]
    assert estimator["slope"](theta, sums, reml) == pytest.approx(differences, rel=1e-5)
