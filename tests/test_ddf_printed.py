"""The degrees of freedom asked for reach what readers print."""

import re
from functools import cache

import numpy as np
import pytest
from scipy.stats import t

import mlmlib as mlm
from mlmlib.inference.small_sample import linear
from models import data

SMALL = ("satterthwaite", "kenward-roger")


@cache
def model(reml=True):
    return mlm.lmm("math ~ homework * schtype + (1 + homework | schid)", data("math"), reml=reml)


@cache
def ols():
    return mlm.ols("math ~ homework", data("math"))


@pytest.mark.parametrize("ddf", SMALL)
def test_summary(ddf):
    text = str(model().summary(ddf=ddf))
    table = model().coef_table(ddf=ddf)
    row = next(line for line in text.splitlines() if line.startswith("homework "))
    assert row.split()[1:6] == [f"{table.at['homework', key]:.{places}f}" for key, places in
                                (("estimate", 2), ("se", 2), ("df", 1), ("t", 2), ("p", 3))]
    assert "all slopes zero: F(3, " in text and "Wald test" not in text
    assert {"satterthwaite": "Satterthwaite's", "kenward-roger": "Kenward and Roger's"}[ddf] in text
    assert "df" in model().summary(ddf=ddf)._repr_html_()


def test_summary_of_a_refit_says_so():
    assert "fitted again by REML" in str(model(reml=False).summary(ddf="kenward-roger"))
    assert "fitted again" not in str(model(reml=False).summary(ddf="satterthwaite"))


def test_summaries_without_it_are_as_before():
    assert str(model().summary()) == str(model().summary(ddf="wald")) and " df " not in str(model().summary())
    assert "t(" not in str(ols().summary())


@pytest.mark.parametrize("ddf", SMALL)
def test_table(ddf):
    shown = mlm.table(model(), ols(), ddf=ddf, show="ci")
    known = model().coef_table(ddf=ddf)
    row = next(row for row in shown.rows if row.key == "homework")
    assert (row.cells[0].se, row.cells[0].lower, row.cells[0].p) == tuple(known.loc["homework", ["se", "lower", "p"]])
    assert f"95% t intervals with {'Satterthwaite' if ddf == 'satterthwaite' else 'Kenward and Roger'}'s" in " ".join(shown.notes)
    assert "p-values of t tests with" in " ".join(mlm.table(model(), ddf=ddf, show="p").notes)
    refitted = " ".join(mlm.table(model(), model(False), ddf=ddf, names=["A", "B"]).notes)
    assert ("Fixed part of B: from the same model fitted by REML" in refitted) == (ddf == "kenward-roger")
    assert "Wald intervals in brackets" in " ".join(mlm.table(model(), show="ci").notes)


@pytest.mark.parametrize("ddf", SMALL)
@pytest.mark.parametrize("reml", [True, False])
def test_report(ddf, reml):
    told = model(reml).report(ddf=ddf)
    known = model(reml).coef_table(ddf=ddf).loc["homework"]
    assert f"t({known['df']:.1f}) = {known['t']:.2f}" in told.text and f"95% CI [{known['lower']:.2f}".replace("-", "\u2212") in told.text
    assert ("fitted again by REML" in told.text) == (ddf == "kenward-roger" and not reml)
    author = {"satterthwaite": "Kuznetsova", "kenward-roger": "Kenward"}[ddf]
    assert author in told.text and any(author in work for work in told.references)
    assert "z tests" not in told.text and "without a small-sample correction" not in told.text
    _every_number_is_on_the_ledger(told)


@pytest.mark.parametrize("ddf", SMALL)
def test_explanation(ddf):
    told = model().explain(ddf=ddf)
    known = model().coef_table(ddf=ddf).loc["homework"]
    assert f"runs from {known['lower']:.2f} to {known['upper']:.2f}".replace("-", "\u2212") in told.text
    assert "degrees of freedom after" in told.text and "too narrow" not in told.text
    assert "too narrow" in model().explain().text
    _every_number_is_on_the_ledger(told)


@pytest.mark.parametrize("ddf", SMALL)
def test_simple_slopes_have_their_own_degrees_of_freedom(ddf):
    estimate, se, df = (value[0] for value in linear(model(), [0, 1, 0, 1], ddf))
    low = estimate - t.ppf(0.975, df) * se
    assert f"for Public it was {estimate:.2f}, 95% CI [{low:.2f}".replace("-", "\u2212") in model().report(ddf=ddf).text


def test_least_squares_stays_as_it_is():
    assert ols().report(ddf="satterthwaite").text == ols().report().text
    assert ols().explain(ddf="kenward-roger").text == ols().explain().text
    assert "517.0" in str(ols().summary(ddf="kenward-roger"))


@pytest.mark.parametrize(("to", "ddf", "words"), [
    ("lme4", "satterthwaite", ["library(lmerTest)", 'ddf = "Satterthwaite"']),
    ("lme4", "kenward-roger", ['ddf = "Kenward-Roger"']),
    ("lme4", "wald", ["library(lme4)", "summary(fit)"]),
    ("stata", "satterthwaite", ["reml dfmethod(satterthwaite, oim)"]),
    ("stata", "kenward-roger", ["reml dfmethod(kroger)"]),
    ("sas", "satterthwaite", ["cl ddfm=satterthwaite;"]),
    ("sas", "kenward-roger", ["cl ddfm=kr;"]),
    ("sas", "wald", ["solution cl;"]),
    ("spss", "kenward-roger", ["/CRITERIA = DFMETHOD(KENWARDROGER)"]),
    ("nlme", "kenward-roger", ["Cannot"]),
])
def test_other_programs_are_asked_for_the_same(to, ddf, words):
    code = model().translate(to, ddf=ddf)
    assert all(word in code for word in words)


def test_other_programs_fit_by_reml_for_kenward_roger():
    for to, word in (("lme4", "REML = TRUE"), ("stata", "reml"), ("sas", "method=reml")):
        code = model(False).translate(to, ddf="kenward-roger")
        assert word in code and code.note.startswith("REML in place of ML")
    assert not model(False).translate("stata", ddf="satterthwaite").possible
    with pytest.raises(ValueError, match="ddf='exact'"):
        model().translate("sas", ddf="exact")


def test_stata_code_with_degrees_of_freedom_is_read():
    code = mlm.translate("mixed math homework || schid:, reml dfmethod(kroger)", "mlmlib")
    assert code == 'mlm.lmm("math ~ homework + (1 | schid)", df)' and 'ddf="kenward-roger"' in code.note


def _every_number_is_on_the_ledger(told):
    shown = {text.strip("\u2212") for text in told.numbers["shown"]}
    text = re.sub(r"(Schielzeth|Johnson|al\.), 20\d\d", r"\1", told.text)
    for number in re.findall(r"(?<![\w.])(?:\d{1,3}(?:,\d{3})+|\d+)?\.\d+(?![\w.]*\d)", text):
        assert number in shown, number
    assert np.isfinite(told.numbers["value"].map(lambda v: v if isinstance(v, (int, float)) else 0.0)).all()


def test_contextual_effect():
    split = mlm.within_between(data("math"), ["homework"], groups="schid")
    fitted = mlm.lmm("math ~ homework_within + homework_between + (1 | schid)", split)
    for ddf in SMALL:
        effect = mlm.contextual_effect(fitted, "homework", ddf=ddf)
        test = fitted.test("homework_between = homework_within", ddf=ddf)
        assert effect.letter == "t" and effect.statistic**2 == pytest.approx(test.statistic)
        assert effect.pvalue == pytest.approx(test.pvalue)
