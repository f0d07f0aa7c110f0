"""Published models with several random terms (reference/multiple_terms.toml), and their reference cells."""

import numpy as np
import pytest

import mlmlib as mlm
from mlmlib import published
from mlmlib.published import cells
from mlmlib.published.multiple_terms import check, models, rows, values
from toc import ROOT

VALUES = ROOT / "tests" / "reference"
# formula, data, what chapter 12's cells say
CELLS = {
    "penicillin-reml": ("reml_criterion sd coef", 4, None),
    "penicillin-ml": (None, 5, {"plate": 4}),
    "insteval-service-ml": (None, 5, {"dept": 3, "se (Intercept)": 4}),
}


@pytest.mark.parametrize("name, path, printed", [pytest.param(*item, id="-".join([item[0], *item[1]])) for item in values()])
def test_value(name, path, printed):
    row = check(name, path, printed)
    assert row.stands, f"{row.ours!r} where {printed} is published"


def test_every_value_is_counted():
    found = [row.verdict for row in rows()]
    assert {key: found.count(key) for key in set(found)} == {"digits": 58, "short": 17, "driven": 8}


@pytest.mark.parametrize("name", CELLS)
def test_the_layout_prints_the_published_numbers(name, capsys):
    show, digits, fewer = CELLS[name]
    entry = models()[name]
    fit = mlm.lmm(entry["formula"], mlm.load(entry["data"]), reml=entry["estimator"] == "REML")
    keys = show or " ".join(key for key in entry if key not in ("id", "data", "formula"))
    published.julia(fit, show=keys, digits=digits, fewer=fewer)
    meta = {"source": "multiple_terms", "model": name, "digits": digits, "fewer": fewer}
    assert capsys.readouterr().out == cells.expected(meta | ({"show": [show]} if show else {}), VALUES)


def test_pastes_has_a_closed_form():
    """Balanced and nested: at the optimum the residual variance is the mean square of the two tests of a cask."""
    fit = mlm.lmm(models()["pastes-ml"]["formula"], mlm.load("pastes"), reml=False)
    pairs = mlm.load("pastes").groupby("sample", observed=True)["strength"]
    assert fit.sigma**2 == pytest.approx(np.mean(pairs.var()), rel=1e-9)


def test_unknown_items_are_refused():
    fit = mlm.lmm("strength ~ 1 + (1 | sample)", mlm.load("pastes"))
    with pytest.raises(ValueError, match="deviance"):
        published.julia(fit, show="deviance sd")
