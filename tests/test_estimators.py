"""mlm.estimators: each column is the fit it names; what cannot be estimated is said."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm

HSB = mlm.load("hsb")
LINEAR = ["OLS", "OLS + CR2", "FE", "RE", "Mundlak", "random slope", "GEE"]


@pytest.fixture(scope="module")
def hsb():
    return mlm.estimators("mathach ~ ses + sector", HSB, groups="school")


def test_each_column_is_its_fit(hsb):
    assert list(hsb.fits) == list(hsb.estimates.columns) == list(hsb.about.index) == LINEAR
    ols = mlm.ols("mathach ~ ses + sector", HSB)
    own = {
        "OLS": ols, "OLS + CR2": mlm.robust(ols, "school"), "FE": mlm.panel("mathach ~ ses + sector", HSB, groups="school"),
        "RE": mlm.panel("mathach ~ ses + sector", HSB, groups="school", effects="random"),
        "Mundlak": mlm.panel("mathach ~ ses + sector", HSB, groups="school", effects="mundlak"),
        "random slope": mlm.lmm("mathach ~ ses + sector + (1 + ses | school)", HSB),
        "GEE": mlm.gee("mathach ~ ses + sector", HSB, groups="school"),
    }
    for name, fit in own.items():
        table = fit.coef_table()
        assert np.allclose(hsb.estimates[name].dropna()[table.index], table["estimate"], rtol=1e-8)
        assert np.allclose(hsb.se[name].dropna()[table.index], table["se"], rtol=1e-6)
        rows = hsb.table[hsb.table["estimator"] == name].set_index("term")
        assert np.allclose(rows.loc[table.index, ["lower", "upper", "p"]], table[["lower", "upper", "p"]], rtol=1e-6, atol=1e-12)
    assert hsb.estimates.loc["ses", "FE"] == pytest.approx(hsb.estimates.loc["ses", "Mundlak"], rel=1e-10)
    assert any("sector[T.Catholic]" in note and note.startswith("FE") for note in hsb.notes)


def test_prints_as_text_and_html(hsb):
    text, html = repr(hsb), hsb._repr_html_()
    assert all(name in text and name in html for name in LINEAR)
    assert "What each estimates" in text and html.count("<table>") == 2
    assert set(hsb.table.columns) == {"estimator", "term", "estimate", "se", "df", "p", "lower", "upper"}


def test_few_groups_and_what_cannot_be_estimated():
    few = mlm.estimators("inv ~ value + capital", mlm.load("grunfeld"), groups="firm")
    assert few.fits["GEE"].cov == "mancl-derouen"
    chosen = mlm.estimators("inv ~ value + capital", mlm.load("grunfeld"), groups="firm", slope="capital")
    assert "capital" in chosen.fits["random slope"].formula.split("(1 +")[1]
    constant = mlm.estimators("mathach ~ sector", HSB, groups="school")
    assert "FE" not in constant.fits and "random slope" not in constant.fits
    assert sum("not estimated" in note for note in constant.notes) >= 2
    with pytest.raises(mlm.FormulaError, match="random term"):
        mlm.estimators("mathach ~ ses + (1 | school)", HSB, groups="school")
    with pytest.raises(ValueError, match="leave them out"):
        mlm.estimators("mathach ~ ses", HSB, groups="school", trials=3)


def test_binary_outcomes_marginal_and_conditional():
    found = mlm.estimators("incidence ~ period", mlm.load("cbpp"), groups="herd", family="binomial", trials="size")
    assert list(found.fits) == ["GLM", "GLM + CR2", "FE (dummies)", "GLMM", "hybrid GLMM", "GEE"]
    glm = mlm.glmm("incidence ~ period", mlm.load("cbpp"), trials="size")
    assert np.allclose(found.estimates["GLM"].dropna(), glm.params) and "binomial, logit" in found.family
    assert not [term for term in found.estimates.index if term.startswith(("x", "m", "g"))]
    assert any("_between" in term for term in found.estimates.index)
    assert any("incidental parameters" in note for note in found.notes)
    assert set(found.about["mean"]) == {"marginal", "conditional"}


def test_poisson_fixed_effects_are_conditional_likelihood():
    """For counts the slopes of a model with a dummy for each group are those of the conditional likelihood (no bias)."""
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(30), 6)
    x = rng.normal(size=180) + 0.5 * rng.normal(size=30)[g]
    y = rng.poisson(np.exp(0.4 * x + rng.normal(size=30)[g]))
    found = mlm.estimators("y ~ x", pd.DataFrame({"g": g, "x": x, "y": y}), groups="g", family="poisson")
    from statsmodels.discrete.conditional_models import ConditionalPoisson
    theirs = ConditionalPoisson(y, x[:, None], groups=g).fit(disp=0)
    assert found.estimates.loc["x", "FE (dummies)"] == pytest.approx(theirs.params[0], rel=1e-4)
    assert found.se.loc["x", "FE (dummies)"] == pytest.approx(theirs.bse[0], rel=1e-3)
    assert found.estimates.loc["x", "hybrid GLMM"] == pytest.approx(theirs.params[0], abs=0.03)
    assert "incidental" not in " ".join(found.notes) and np.isfinite(found.estimates.loc["x_between", "hybrid GLMM"])


def test_groups_that_tell_nothing_are_told():
    ohio = mlm.load("ohio").query("id % 4 == 0")
    found = mlm.estimators("resp ~ age + smoke", ohio, groups="id", family="binomial")
    assert any("all the same" in note for note in found.notes)
    assert any(note.startswith("hybrid GLMM: not estimated") for note in found.notes)
    assert np.isnan(found.estimates.loc["smoke", "FE (dummies)"])
    assert abs(found.estimates.loc["age", "FE (dummies)"]) > abs(found.estimates.loc["age", "GLM"])
    with pytest.raises(ValueError, match="no table of estimators"):
        mlm.estimators("resp ~ age", ohio, groups="id", family="beta")
    with pytest.raises(ValueError, match="slope="):
        mlm.estimators("resp ~ age", ohio, groups="id", family="binomial", slope="age")
