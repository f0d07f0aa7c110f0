"""What panel and robust fits say of themselves: equations, reports, explanations, tables; and what they refuse by naming the way."""

import re

import numpy as np
import pytest

import mlmlib as mlm
from panel_models import INV, NAMES, PANELS, ROBUST, fit
from test_table import well_formed

KINDS = ("pooled", "within", "two-way", "first-difference", "between", "random", "mundlak", "hybrid")
MODEL = {  # effects: the line of the model, and what else stands there
    "pooled": ("inv_tj = β_0 + β_1 value_tj + β_2 capital_tj + e_tj", "Var(e_tj) = σ²"),
    "within": ("inv_tj = α_j + β_1 value_tj + β_2 capital_tj + e_tj", "inv_tj - mean(inv)_j = β_1 (value_tj - mean(value)_j)"),
    "two-way": ("inv_tj = α_j + δ_t + β_1 value_tj + β_2 capital_tj + e_tj", "swept(inv_tj) = β_1 swept(value_tj)"),
    "first-difference": ("inv_tj = α_j + β_1 value_tj", "inv_tj - inv_(t-1)j = β_1 (value_tj - value_(t-1)j)"),
    "between": ("mean(inv)_j = β_0 + β_1 mean(value)_j + β_2 mean(capital)_j + mean(e)_j", "j = 1, ..., 10"),
    "random": ("inv_tj = γ_00 + γ_10 value_tj + γ_20 capital_tj + u_0j + e_tj", "θ_j = 1 - sqrt(σ² / (σ² + n_j τ_00))"),
    "mundlak": ("γ_01 mean(value)_j + γ_02 mean(capital)_j + u_0j + e_tj", "Var(u_0j) = τ_00"),
    "hybrid": ("γ_10 (value_tj - mean(value)_j)", "β_0j = γ_00 + γ_01 mean(value)_j"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_estimator_has_its_equation(kind):
    found = fit(f"grunfeld, {kind}").equations()
    for piece in MODEL[kind]:
        assert piece in found.text
    assert found.latex.count("{") == found.latex.count("}") and found.latex.startswith("\\begin{aligned}")
    assert len(found.reading) > 60 and found.reading.split()[0] in str(found)
    assert found._repr_latex_().startswith("$$")


def test_hausman_taylor_names_its_instruments():
    one = fit("males, hausman-taylor")
    text = one.equations().text
    assert "with instruments" in text and "school" not in text.rpartition("E(u_0j")[2] and "union" not in text.rpartition("E(u_0j")[2]


def test_estimates_and_forms():
    one = fit("grunfeld, random")
    assert "0.1098 value_tj" in one.equations(estimates=True).text
    assert "Level 1" not in one.equations(form="combined").text and "Combined" not in one.equations(form="levels").text
    with pytest.raises(ValueError, match="must be 'both'"):
        one.equations(form="all")
    weighted = mlm.panel(INV, mlm.load("grunfeld"), groups="firm", weights=np.arange(1.0, 201.0))
    assert "σ² / w_ij" in weighted.equations().text
    assert "y" not in mlm.panel("inv ~ 1", mlm.load("grunfeld"), groups="firm", effects="pooled").equations().text.split()


def shown_numbers(text):
    """The numbers of a text that stand by themselves."""
    text = re.sub(r"version \S+|Python \S+|millions of 1947", "", text.replace("\u2212", "-"))
    return re.findall(r"(?<![\w.])-?(?:\d[\d,]*)?\.?\d+(?![\w])", text)


@pytest.mark.parametrize("name", NAMES)
def test_every_number_is_on_the_list(name):
    """Of reports and explanations alike."""
    one = fit(name)
    for told in (one.report(), one.explain()):
        known = {re.sub(r"^-", "", s.replace("\u2212", "-")) for s in told.numbers["shown"]}
        names = " ".join(map(str, one.params.index))
        strangers = [n for n in shown_numbers(told.text) if n.lstrip("-").rstrip(",") not in known and n.lstrip("-") not in names]
        assert not strangers
        assert "nan" not in told.text.lower().split() and "None" not in told.text.replace("None.", "")
        well_formed(re.sub(r"<style>.*?</style>", "", told._repr_html_(), flags=re.S))
        assert told.markdown


@pytest.mark.parametrize("name", NAMES)
def test_reports_hold_the_estimates(name):
    one = fit(name)
    numbers = one.report().numbers
    for key, value in one.params.items():
        assert numbers.loc[numbers["what"] == f"{key}: b", "value"].iloc[0] == value
        assert numbers.loc[numbers["what"] == f"{key}: SE", "value"].iloc[0] == one.bse[key]


def test_a_report_says_whom_it_compares():
    assert "Within firms, higher value went with higher investment" in fit("grunfeld, within").report().text
    assert "net of what a year does to all of them" in fit("grunfeld, two-way").report().text
    assert "In changes within firms" in fit("grunfeld, first-difference").report().text
    assert "Between firms, " in fit("grunfeld, between").report().text
    assert "Swamy and Arora" in fit("grunfeld, random").report().text and "Baltagi" not in fit("grunfeld, random").report().text
    assert "Baltagi & Chang, 1994" in fit("males, random").report().text
    text = fit("grunfeld, mundlak").report().text
    assert "difference between the slope of capital between firms and the one within included zero" in text and "Mundlak, 1978" in text
    assert "union and school as related to them" in fit("males, hausman-taylor").report().text.replace(" (yes)", "")
    assert "F(9, 188) = 49.18" in fit("grunfeld, within").report().text
    left = mlm.panel("wage ~ exper + school", mlm.load("males"), groups="nr")
    assert "school" in left.explain().text and "'school' is left out" in left.report().text


def test_robust_reports_say_which_standard_errors():
    text = fit("math, CR2").report().text
    assert "CR2, bias-reduced linearization; Bell & McCaffrey, 2002" in text and "t(3.5) = 4.80" in text
    assert "standard errors take the students as independent" not in text
    assert "23 clusters of schid" in text and "Pustejovsky" in " ".join(fit("math, CR2").report().references)
    assert "22 degrees of freedom, one less than clusters" in fit("math, CR1S").report().text
    assert "tested by z tests" in fit("math, CR0").report().text
    assert "OR = 2.06" in fit("women, CR2").report().text and "t(" in fit("women, CR2").report().text
    assert "10 clusters of firm" in fit("firms and years").report().text and "two-way" in fit("firms and years").report().text
    assert "Within firms" in fit("within, CR2").report().text
    assert "times the standard error of the model" in fit("mixed, CR2").explain().text
    assert str(fit("mixed, CR2").equations()) == str(fit("mixed, CR2").fit.equations())


def test_labels_and_units():
    told = fit("grunfeld, within").report(labels={"firm": "company", "row": "report", "value": "market value"}, units={"inv": "dollars"})
    assert "reports" in told.text and "companies" in told.text and "dollars" in told.text


def test_panel_robust_and_mixed_fits_side_by_side(tmp_path):
    mixed = mlm.lmm(INV + " + (1 | firm)", mlm.load("grunfeld"))
    fits = [fit("grunfeld, within"), fit("grunfeld, random"), fit("grunfeld, mundlak"), mixed, fit("within, CR2")]
    made = mlm.table(*fits, names=["FE", "RE", "Mundlak", "lmm", "FE, CR2"])
    frame, note = made.frame, " ".join(made.notes)
    assert made.caption == "Panel regressions and linear mixed model of investment (millions of 1947 dollars)"
    assert frame.loc[("Model", "Firms")].tolist() == ["10"] * 5
    assert frame.loc[("Model", "R2, within"), "FE"] == ".77" and frame.loc[("Model", "R2, within"), "lmm"] == ""
    assert frame.loc[("Model", "ICC")].tolist() == ["", ".72", ".72", ".73", ""]
    assert frame.loc[("Fixed part", "value")].tolist()[0] == "0.11 (0.01)" and frame.loc[("Fixed part", "value")].tolist()[4] == "0.11 (0.02)"
    assert "Standard errors of FE, CR2: cluster-robust (CR2, 10 clusters of firm)" in note
    assert "FE, FE, CR2 by fixed-effects (within) regression" in note and "Not comparable" in note
    well_formed(re.sub(r"<style>.*?</style>", "", made.to_html(), flags=re.S))
    assert "\\toprule" in made.to_latex()
    pytest.importorskip("docx")
    made.to_word(tmp_path / "table.docx")
    assert (tmp_path / "table.docx").stat().st_size > 3000


def test_what_is_refused_names_the_way():
    within, random = fit("grunfeld, within"), fit("grunfeld, random")
    with pytest.raises(ValueError, match="mlm.hausman"):
        mlm.compare(within, random)
    with pytest.raises(ValueError, match="robust tests"):
        mlm.compare(fit("math, CR2"), fit("math, CR1S"))
    with pytest.raises(ValueError, match="mlm.robust for errors"):
        mlm.diagnose(random)
    for told in (random.report, random.explain):
        with pytest.raises(ValueError, match="Satterthwaite's degrees of freedom"):
            told(ddf="satterthwaite")


def test_lists_are_whole():
    assert {settings[2]["effects"] for settings in PANELS.values()} == {*KINDS, "hausman-taylor"} and len(ROBUST) > 15
