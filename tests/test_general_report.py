"""Summaries, equations, tables and the Rosetta page of generalized models."""

import re

import numpy as np
import pytest

import mlmlib as mlm
from general_zoo import NAMES, fit
from mlmlib.report import rosetta
from mlmlib.report.general.facts import Facts
from mlmlib.report.general.kinds import method_short
from test_table import well_formed


# ------------------------------------------------------------- summary
def test_summary_holds_what_glmer_and_melogit_print():
    text = str(fit("towns").summary())
    for piece in ("Mixed-effects logistic regression", "Laplace approximation", "use = Y; logit link", "1,934; 759 events", "60; rows in a group",
                  "logLik -1,197.9057", "AIC 2,409.81", "chi2(3) = 102.36", "Intercept, urban[T.Y]", "-0.789"):
        assert piece in text, piece
    row = next(line for line in text.splitlines() if line.startswith("urban[T.Y]"))
    assert row.split()[1:] == ["0.711", "0.162", "4.39", "<0.001", "0.393", "1.029"]


def test_ratios_in_place_of_coefficients():
    text, one = str(fit("towns").summary(exponentiate=True)), fit("towns")
    row = next(line for line in text.splitlines() if line.startswith("urban[T.Y]")).split()
    assert float(row[1]) == pytest.approx(np.exp(one.params["urban[T.Y]"]), abs=0.005) and float(row[3]) == 4.39
    assert "Fixed effects as odds ratios" in text and "rate ratios" in str(fit("deaths").summary(exponentiate=True))
    for name, words in (("women, probit", "no name"),):
        with pytest.raises(ValueError, match=words):
            fit(name).summary(exponentiate=True)
    with pytest.raises(ValueError, match="linear model"):
        mlm.ols("math ~ ses", mlm.load("math")).summary(exponentiate=True)
    with pytest.raises(ValueError, match="small-sample"):
        fit("towns").summary(ddf="kenward-roger")


@pytest.mark.parametrize("name", NAMES)
def test_every_summary_is_whole(name):
    one = fit(name)
    text, html = str(one.summary()), one._repr_html_()
    assert "nan" not in re.sub(r"[a-z]nan|nan[a-z]", "", text.lower()) and "None" not in text
    assert all(message in text for message in one.messages)
    for parameter in (*one.params.index, *(one.thresholds.index if hasattr(one, "thresholds") else ()), *one.dispersion.index):
        assert str(parameter).removeprefix("zero: ") in text
    assert ("logLik" in text) == (one.method in ("laplace", "agq"))
    well_formed(re.sub(r"<style>.*?</style>", "", html, flags=re.S))


def test_parts_of_their_own():
    assert "Thresholds" in str(fit("bitter wine")) and "1|2" in str(fit("bitter wine"))
    assert "Zero part: log-odds of a certain zero" in str(fit("zeros"))
    assert "theta" in str(fit("seizures, nbinom2")) and "Parameters of the distribution" in str(fit("seizures, nbinom2"))
    assert "quasi-likelihood has no log-likelihood" in str(fit("pql"))
    assert "log(expected) is added" in str(fit("deaths")) and "out of size trials" in str(fit("cattle"))
    assert method_short(Facts(fit("cattle, quadrature"))) == "AGQ, 9 nodes"


# ------------------------------------------------------------- equations
SAID = {
    "women": "use_ij ~ Bernoulli(π_ij)|logit(π_ij) = η_ij|u_0j ~ N(0, τ_00)|β_0j = γ_00 + u_0j",
    "towns": "(u_0j, u_3j) ~ N(0, [τ_00, τ_03; τ_03, τ_33])|γ_30 urban Y_ij",
    "women, probit": "Φ^-1(π_ij) = η_ij", "cattle": "incidence_ij ~ Binomial(size_ij, π_ij)", "out of thirty-four": "Binomial(34, π_ij)",
    "cattle, cloglog": "log(-log(1 - π_ij)) = η_ij", "cauchit": "tan(pi (π_ij - 1/2))", "persons and items": "a_j + b_k|r2_i(jk) ~ Bernoulli",
    "deaths": "log(μ_ij) = log(expected_ij) + η_ij", "deaths, nested": "deaths_tij ~ Poisson(μ_tij)|π_0ij = β_0j + r_0ij|log(expected_tij)",
    "seizures, nbinom2": "NegBin(μ_ij, θ)|Var(y_ij) = μ_ij + μ_ij^2/θ", "seizures, nbinom1": "Var(y_ij) = μ_ij (1 + α)",
    "seizures, geometric": "Geometric(μ_ij)", "seizures, zip": "0 with probability ω, else Poisson(μ_ij)",
    "seizures, hurdle": "Poisson(μ_ij) given y_ij > 0", "reaction, gamma": "Var(Reaction_ij) = σ^2 μ_ij^2", "reaction, inverse": "1/μ_ij = η_ij",
    "reaction, lognormal": "LogNormal(log μ_ij, σ²)", "reaction, log": "y_ij ~ N(μ_ij, σ²)", "reaction, t": "t(μ_ij, σ, ν)",
    "share, beta": "Var(share_ij) = μ_ij (1 - μ_ij)/(1 + φ)", "inverse Gaussian": "φ μ_ij^3",
    "bitter wine": "logit(P(rating_ij <= c)) = α_c - η_ij   (c = 1, ..., 4)|β_0j = u_0j", "nominal": "α_0c + α_1c contact yes_ij - η_ij",
    "food": "log(P(food_ij = cake) / P(food_ij = bread)) = η_1ij|(u_1j, u_2j) ~ N", "zeros": "logit(ω_ij) = η_2ij|η_2ij = γ_20 + γ_21 right_ij",
    "two outcomes": "ill_ij ~ Bernoulli(π_1ij)|log(μ_2ij) = η_2ij|(u_1j, u_2j) ~ N", "no groups": "η_i = β_0 + β_1 x_i + β_2 w_i",
    "offset": "log(μ_ij) = log(days_ij) + η_ij",
}


@pytest.mark.parametrize("name", SAID)
def test_equations_say(name):
    text = str(fit(name).equations())
    assert not [part for part in SAID[name].split("|") if part not in text], text


@pytest.mark.parametrize("name", NAMES)
def test_equations_hold_the_estimates(name):
    one = fit(name)
    text = one.equations(estimates=True, form="combined").text.replace("- ", "-").replace("+ ", "")
    for value, se in zip(one.params, one.bse):
        places = min(max(2 - int(f"{abs(se):e}".split("e")[1]), 0), 8)
        assert f"{abs(value):.{places}f}" in text, (name, value)
    latex = one.equations().latex
    assert latex.count("{") == latex.count("}") and "nan" not in latex and latex.count("\\begin") == latex.count("\\end")
    if one.n_groups:
        assert "\\mathcal{N}" in latex


def test_forms():
    with pytest.raises(ValueError, match="one linear predictor"):
        fit("food").equations(form="levels")
    assert "Combined" not in fit("women").equations(form="levels").text


# ------------------------------------------------------------- tables
def test_models_side_by_side():
    told = mlm.table(fit("women"), fit("women, probit"), fit("seizures, nbinom2"), names=["A", "B", "C"])
    frame = told.frame
    assert frame.loc[("Fitted as", "Link")].tolist() == ["logit", "probit", "log"]
    assert frame.loc[("Fitted as", "Distribution"), "C"] == "negative binomial" and frame.loc[("Distribution", "theta"), "A"] == ""
    notes = " ".join(told.notes)
    assert "coefficients on the logit scale (A)" in notes and "Not comparable between models with different outcomes" in notes


def test_ratios_in_a_table():
    one = fit("women")
    told = mlm.table(one, fit("women, probit"), exponentiate=True, show="ci")
    numbers = told.numbers.set_index(["key", "model"])
    assert numbers.at[("urban[T.Y]", "Model 1"), "estimate"] == pytest.approx(np.exp(one.params["urban[T.Y]"]))
    assert numbers.at[("urban[T.Y]", "Model 1"), "upper"] == pytest.approx(np.exp(one.conf_int().loc["urban[T.Y]", "upper"]))
    assert numbers.at[("urban[T.Y]", "Model 2"), "estimate"] == fit("women, probit").params["urban[T.Y]"]
    assert "odds ratios (Model 1) and coefficients on the probit scale (Model 2)" in " ".join(told.notes)
    with pytest.raises(ValueError, match="linear model"):
        mlm.table(mlm.ols("math ~ ses", mlm.load("math")), exponentiate=True)


def test_with_linear_models():
    linear = mlm.lmm("y ~ lbase * trt + lage + V4 + (1 | subject)", mlm.load("epil"), reml=False)
    told = mlm.table(fit("seizures"), linear, exponentiate=True)
    assert told.caption.startswith("Linear and generalized linear mixed models of seizures")
    assert told.frame.loc[("Fitted as", "Distribution")].tolist() == ["Poisson", "normal"]
    assert told.numbers.set_index(["key", "model"]).at[("V4", "Model 2"), "estimate"] == linear.params["V4"]


def test_approximations_are_not_compared():
    told = mlm.table(fit("cattle"), fit("cattle, quadrature"))
    assert "approximated in different ways" in str(told) and "AIC\u2020" in str(told)
    assert told.frame.loc[("Fitted as", "Method")].tolist() == ["Laplace", "AGQ, 9 nodes"]
    assert told.numbers.set_index(["key", "model"]).at[("icc: herd", "Model 1"), "estimate"] == pytest.approx(mlm.icc(fit("cattle")).estimate)


def test_every_format(tmp_path):
    for names in (("bitter wine", "bitter wine, probit"), ("seizures", "seizures, zip", "zeros"), ("food", "two outcomes", "pql", "no groups")):
        told = mlm.table(*map(fit, names))
        well_formed(re.sub(r"<style>.*?</style>", "", told.to_html(), flags=re.S))
        assert "toprule" in told.to_latex() and told.to_markdown().count("|") > 20 and "Fitted as" in told.to_csv()
        assert "nan" not in str(told)
        told.to_word(tmp_path / "table.docx")
    sections = list(dict.fromkeys(row.section for row in mlm.table(fit("bitter wine"), fit("zeros")).rows))
    assert sections == ["Fitted as", "Fixed part", "Zero part", "Thresholds", "Random part", "Model"]


# ------------------------------------------------------------- the Rosetta page
def test_spelling_does_not_make_another_generalized_model():
    def meaning(formula, **options):
        return rosetta.meaning(formula, "glmm", options)

    a = meaning("y ~ x * w + (1 | g)", family="binomial")
    assert a == meaning("y ~ w * x + (1 | g)", family="bernoulli", link="logit", method="laplace")
    assert len({a, meaning("y ~ x * w + (1 | g)", link="probit"), meaning("y ~ x * w + (1 | g)", method="agq"),
                meaning("y ~ x * w + (1 | g)", trials="n"), meaning("y ~ x * w + (1 | g)", family="poisson")}) == 5
    assert meaning("y ~ x + (1 | g)", method="agq") == meaning("y ~ x + (1 | g)", method="agq", nodes=7)
    assert [rosetta.kind("y ~ x", fitter="glmm", family=name) for name in ("binomial", "poisson", "ordinal")] == ["binary", "counts", "categories"]


def test_one_equation_a_generalized_model():
    for name in NAMES:
        text = rosetta.equation(fit(name))
        assert text.count("\\begin{aligned}") == text.count("\\end{aligned}") == 1 and "eta" in text and "Combined" not in text
