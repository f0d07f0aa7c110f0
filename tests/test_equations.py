"""A fit as equations: the right terms at the right level, with symbols and with estimates."""

import pytest

import mlmlib as mlm


@pytest.fixture(scope="module")
def math():
    return mlm.load("math")


def test_levels_and_combined(math):
    text = str(mlm.lmm("math ~ schtype * homework + (1 + homework | schid)", math).equations())
    assert "math_ij = β_0j + β_1j homework_ij + e_ij" in text
    assert "β_0j = γ_00 + γ_01 Public_j + u_0j" in text and "β_1j = γ_10 + γ_11 Public_j + u_1j" in text
    assert "γ_11 Public_j homework_ij + u_0j + u_1j homework_ij + e_ij" in text
    assert "(u_0j, u_1j) ~ N(0, [τ_00, τ_01; τ_01, τ_11])" in text


@pytest.mark.parametrize(
    "covariance, matrix",
    [
        ("independent", "[τ_00, 0; 0, τ_11]"),
        ("identity", "[τ_00, 0; 0, τ_00]"),
        ("exchangeable", "[τ_00, τ_01; τ_01, τ_00]"),
    ],
)
def test_structures(math, covariance, matrix):
    fit = mlm.lmm("math ~ ses + (1 + ses | schid)", math, covariance=covariance)
    assert matrix in fit.equations().text


def test_estimates_are_those_of_the_fit(math):
    fit = mlm.lmm("math ~ homework + (1 | schid)", math, reml=False)
    text = fit.equations(estimates=True, form="combined").text
    assert "math_ij = 46.35 + 2.402 homework_ij + u_0j + e_ij" in text
    assert "u_0j ~ N(0, 20.2)" in text and "e_ij ~ N(0, 71.1)" in text and "Level 1" not in text


def test_level1_interaction_and_random_effect_without_fixed_part(math):
    fit = mlm.lmm("math ~ homework * ses + ratio + (1 + homework | schid)", math)
    text = fit.equations(form="levels").text
    assert "β_3j homework_ij ses_ij" in text and "β_0j = γ_00 + γ_01 ratio_j + u_0j" in text and "β_3j = γ_30" in text
    lone = mlm.lmm("math ~ 1 + (1 + ses | schid)", math).equations(form="levels").text
    assert "β_1j = u_1j" in lone


def test_linear_model_and_latex(math):
    fit = mlm.ols("math ~ schtype + I(homework ** 2) + log(ratio)", math)
    assert (
        fit.equations().text.splitlines()[0]
        == "  math_i = β_0 + β_1 Public_i + β_2 homework_i^2 + β_3 log(ratio_i) + e_i"
    )
    latex = fit.equations()._repr_latex_()
    assert (
        latex.startswith("$$\n\\begin{aligned}")
        and "\\mathrm{homework}_{i}^{2}" in latex
        and latex.count("{") == latex.count("}")
    )


def test_long_sums_are_broken_and_underscores_escaped():
    fit = mlm.lmm("mathach ~ cses * mean_ses + cses * sector + (cses | school)", mlm.load("hsb"))
    latex = fit.equations(form="combined").latex
    assert "\\qquad{} +" in latex and "\\mathrm{mean\\_ses}_{j}" in latex
    with pytest.raises(ValueError, match="'both', 'levels'"):
        fit.equations(form="all")
