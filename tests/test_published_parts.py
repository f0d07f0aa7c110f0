"""Layouts of other programs with only the items asked for, and what they refuse."""

from __future__ import annotations

import pytest

import mlmlib as mlm
from mlmlib import published
from mlmlib.published import cells, lme4_vignette


@pytest.fixture(scope="module")
def fit():
    return mlm.lmm("math ~ homework + (1 | schid)", mlm.load("math"))


@pytest.mark.parametrize("layout", [published.lme4, lambda fit, items: published.julia(fit, show=items)], ids=["lme4", "julia"])
@pytest.mark.parametrize("items, held, left", [
    ("coef", ["Estimate", "homework", "519"], ["Variance", "Std.Dev", "criterion"]),
    ("var coef", ["Variance", "Residual", "homework"], ["Std.Dev", "Std. Error"]),
])
def test_only_the_items_asked_for_are_printed(layout, items, held, left, fit, capsys):
    layout(fit, items)
    out = capsys.readouterr().out
    assert all(word in out for word in held) and not any(word in out for word in left)


def test_the_criterion_alone_is_the_fits(fit, capsys):
    published.lme4(fit, "criterion")
    out = capsys.readouterr().out
    assert f"REML criterion at convergence: {fit.criterion:.1f}" in out and "Number of obs: 519" in out
    assert "effects" not in out


@pytest.mark.parametrize("show, said", [
    (lambda fit: published.lme4(fit, "sd coef"), "lme4\\(\\) shows 'sd' beside 'var': ask for both"),
    (lambda fit: published.lme4(fit, "var t"), "lme4\\(\\) shows 't' beside 'coef': ask for both"),
    (lambda fit: published.lme4(fit, "slopes"), "cannot show \\['slopes'\\]; it knows criterion, residuals"),
    (lambda fit: published.julia(fit, show="t"), "cannot show \\['t'\\] of this fit; it knows estimator"),
    (lambda fit: published.stata(fit, "t"), "cannot show \\['t'\\]; it knows groups"),
    (lambda fit: published.on_boundary(fit, "homework"), "has the effects \\['Intercept'\\], not 'homework'"),
])
def test_an_item_that_a_layout_lacks_is_named(show, said, fit):
    with pytest.raises(ValueError, match=said):
        show(fit)


def test_published_values_are_looked_for_above_the_notebook(tmp_path):
    (tmp_path / "tests" / "reference").mkdir(parents=True)
    (tmp_path / "chapters" / "deep").mkdir(parents=True)
    assert cells.find_values(tmp_path / "chapters" / "deep") == tmp_path / "tests" / "reference"
    (tmp_path / "tests" / "reference").rmdir()
    with pytest.raises(FileNotFoundError, match="give the folder with --values"):
        cells.find_values(tmp_path / "chapters")


def test_the_trap_is_singular_as_its_authors_found():
    (row,) = [row for row in lme4_vignette.rows() if row.model == "random-coefficient-minority" and row.block == "singular"]
    assert row.printed == "true" and lme4_vignette.in_trap(row) == "true" and lme4_vignette.reproduced(row)
