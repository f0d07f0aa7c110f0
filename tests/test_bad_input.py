"""Unusable input gets the one clear error, awkward input the right number: the tables are bad_input.py, bad_arguments.py, bad_questions.py."""

import re
import warnings

import matplotlib
import numpy as np
import pytest

import mlmlib as mlm
from bad_arguments import ARGUMENTS, OPTIONS
from bad_input import FITTERS, FORMULAS, NAMED, NAMES, N, SAME, SCALES, TABLES, base
from bad_questions import QUESTIONS

matplotlib.use("Agg")

CALLS = (*FORMULAS, *OPTIONS, *ARGUMENTS, *QUESTIONS)
KINDS = {*(row[0] for row in (*TABLES, *SAME)), *(str(row[0]) for row in CALLS)}
READERS = ("lmm", "glmm", "poisson", "ols", "gls", "panel", "gee")


def refused(call, kinds, words):
    """The call raises one of our errors, from our own code, with the words, and warns of nothing first."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with pytest.raises(kinds) as caught:
            call()
    message = str(caught.value)
    assert words in message and len(message) > 20, message
    assert "mlmlib" in str(caught.traceback[-1].path), f"{message!r} comes from {caught.traceback[-1].path}"


def test_there_are_enough_kinds():
    assert len(KINDS) >= 150


@pytest.mark.parametrize("name, fitter", [(row[0], fitter) for row in TABLES for fitter in row[2]])
def test_tables(name, fitter):
    make, words = next((row[1], row[3]) for row in TABLES if row[0] == name)
    refused(lambda: FITTERS[fitter](make()), (mlm.DataError, mlm.FormulaError), words)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("call, kinds, words", [row[1:] for row in CALLS],
                         ids=[re.sub(r"\s+", " ", str(row[0])) for row in CALLS])
def test_formulas_options_and_arguments(call, kinds, words):
    refused(call, kinds, words)


@pytest.mark.parametrize("name", [row[0] for row in SAME])
def test_awkward_tables(name):
    make, plain = next(row[1:] for row in SAME if row[0] == name)
    if make() is None:
        pytest.skip("that table library is not installed")
    for reader in READERS:
        fit, reference = FITTERS[reader](make()), FITTERS[reader](plain())
        np.testing.assert_allclose(fit.params, reference.params, rtol=1e-7, atol=1e-9, err_msg=f"{name}: {reader}")
        np.testing.assert_allclose(fit.bse, reference.bse, rtol=1e-5, err_msg=f"{name}: {reader}")


@pytest.mark.parametrize("fitter", NAMED)
def test_names_with_spaces_and_signs(fitter):
    fit, plain = NAMED[fitter](base().rename(columns=NAMES)), FITTERS[fitter](base())
    if fitter == "estimators":
        assert np.allclose(fit.table["estimate"], plain.table["estimate"]) and len(fit.table) == len(plain.table)
        return
    np.testing.assert_allclose(fit.params, plain.params)
    assert "größe in m" in str(fit.summary()) and "größe in m" in fit.params.index
    for call in (fit.report, fit.explain, lambda: mlm.equations(fit), lambda: mlm.translate(fit, "lme4")):
        try:
            assert str(call())
        except ValueError as error:  # a fit for which there is none says so
            assert "größe" not in str(error)


@pytest.mark.parametrize("a, b", SCALES)
def test_scales(a, b):
    fit, plain = (mlm.lmm("y ~ x + (1 | g)", base(x=base().x * a_, y=base().y * b_)) for a_, b_ in ((a, b), (1.0, 1.0)))
    np.testing.assert_allclose(fit.params * [1, a] / b, plain.params, rtol=1e-8)
    np.testing.assert_allclose(fit.bse * [1, a] / b, plain.bse, rtol=1e-8)
    assert fit.sigma / b == pytest.approx(plain.sigma, rel=1e-8)
    assert fit.criterion == pytest.approx(plain.criterion + 2 * (N - 2) * np.log(b) + 2 * np.log(a), rel=1e-9)
