"""Equations of models with several grouping factors and with structures of the residuals."""

import pytest

import mlmlib as mlm
from structured_models import fits as all_fits
from structured_models import membership, tables


@pytest.fixture(scope="module")
def data():
    return tables()


@pytest.fixture(scope="module")
def fits(data):
    return {name: fit for name, (_, fit) in all_fits(data).items()}


def test_three_levels_without_predictors_of_the_middle(fits):
    text = fits["three levels"].equations().text
    for line in ("math_tij = π_0ij + π_1ij year_tij + e_tij", "π_1ij = β_1j + r_1ij", "β_1j = γ_10 + γ_11 lowinc_j + u_1j",
                 "γ_11 lowinc_j year_tij + u_0j + u_1j year_tij + r_0ij + r_1ij year_tij + e_tij",
                 "(u_0j, u_1j) ~ N(0, [τ_schoolid,00, τ_schoolid,01; τ_schoolid,01, τ_schoolid,11])", "τ_childid,01"):
        assert line in text, line


def test_a_predictor_of_the_middle_level_asks_for_one_more_index(data):
    fit = mlm.lmm("math ~ year * black + lowinc + (1 + year | schoolid/childid)", data["growth"])
    text = fit.equations(form="levels").text
    for line in ("π_1ij = β_10j + β_11j black_ij + r_1ij", "β_00j = γ_000 + γ_001 lowinc_j + u_00j", "β_11j = γ_110",
                 "(u_00j, u_10j) ~ N(0, [τ_schoolid,00, τ_schoolid,01"):
        assert line in text, line
    assert "Combined" not in text


def test_estimates_are_those_of_the_fit(fits):
    fit = fits["nested"]
    text = fit.equations(estimates=True, form="combined").text
    assert "strength_tij = 60.053 + u_0j + r_0ij + e_tij" in text
    components = fit.variance_components.set_index("group")["variance"]
    assert f"u_0j ~ N(0, {components['batch']:.2f})" in text and f"r_0ij ~ N(0, {components['batch:cask']:.2f})" in text


def test_nested_by_unique_labels_is_nested(data):
    slash = mlm.lmm("math ~ year + (1 | schoolid/childid)", data["growth"]).equations().text
    assert mlm.lmm("math ~ year + (1 | childid) + (1 | schoolid)", data["growth"]).equations().text == slash


def test_crossed(fits):
    text = fits["crossed, slopes"].equations().text
    assert "Reaction_i(jk) = γ_00 + γ_01 Days_k + a_0j + a_1j Days_i(jk) + b_k + e_i(jk)" in text
    assert "(a_0j, a_1j) ~ N(0, [τ_a,00, τ_a,01; τ_a,01, τ_a,11])" in text and "b_k ~ N(0, τ_b)" in text and "k : Days" in text
    with pytest.raises(ValueError, match="form='combined'"):
        fits["crossed"].equations(form="levels")


def test_multiple_membership():
    fit = mlm.lmm("y ~ x + (1 | mm(s1, s2, weights=(w1, w2)))", membership())
    assert "y_i = γ_00 + γ_10 x_i + sum_j w_ij a_j + e_i" in fit.equations().text
    assert "\\sum_{j} w_{ij}\\,a_{j}" in fit.equations().latex


@pytest.mark.parametrize("name, lines", [
    ("ar1", ["Corr(e_ij, e_i'j) = φ^|Days_ij - Days_i'j|"]),
    ("ar1 by the half", ["φ^(|age_ij - age_i'j|/2)", "e_ij ~ N(0, σ² δ[half_ij]²)", "δ[first] = 1"]),
    ("arma11", ["ρ_1 φ^(|Days_ij - Days_i'j| - 1)"]),
    ("cs", ["Corr(e_ij, e_i'j) = ρ"]),
    ("toeplitz", ["ρ[|i - i'|]"]),
    ("un", ["ρ[Days_ij,Days_i'j]", "δ[Days_ij]²"]),
    ("power", ["e_ij ~ N(0, σ² |age_ij|^(2δ))"]),
    ("exponential and groups", ["exp(2δ_1 Days_ij) δ_2[half_ij]²"]),
    ("residuals in three levels", ["Corr(e_tij, e_t'ij) = φ^|year_tij - year_t'ij|"]),
])
def test_structures_of_the_residuals(fits, name, lines):
    equations = fits[name].equations()
    for line in lines:
        assert line in equations.text
    assert equations.latex.count("{") == equations.latex.count("}")
    assert ("Corr" in equations.latex) == ("Corr" in equations.text)


def test_residual_estimates(fits):
    phi = fits["ar1"].residual_params.iloc[0]
    assert f"{phi:.3f}^|Days_ij" in fits["ar1"].equations(estimates=True).text
    un = fits["un"].equations(estimates=True).text
    assert "[1, 0.746, 0.469, 0.219; 0.746, 1," in un and "δ[6] = 1.96" in un
    assert "ρ_3 = 0.239" in fits["toeplitz"].equations(estimates=True).text
    delta = fits["power"].residual_params.iloc[0]
    assert f"|^{{{2 * delta:.3f}}}" in fits["power"].equations(estimates=True).latex
    first = fits["arma11"].residual_cov(fits["arma11"].data["Subject"].iloc[0]).to_numpy()
    assert f"{first[0, 1] / first[0, 0]:.3f} 0.883^" in fits["arma11"].equations(estimates=True).text


def test_residuals_correlated_in_groups_other_than_the_random_ones(data):
    fit = mlm.lmm("math ~ year + (1 | schoolid)", data["growth"], correlation=mlm.ar1("year", group="childid"))
    assert "φ^|year_ij - year_i'j| within childid" in fit.equations().text
    assert "\\text{within }\\mathrm{childid}" in fit.equations().latex


def test_latex_of_hard_names(fits):
    latex = fits["hard names"].equations().latex
    assert "\\mathrm{day\\ no.}_{ij}" in latex and latex.count("{") == latex.count("}")
