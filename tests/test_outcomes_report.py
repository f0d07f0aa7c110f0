"""Models of several outcomes as equations, tables and summaries."""

import re

import numpy as np
import pytest

import mlmlib as mlm
from test_outcomes_elsewhere import FITS, fit, table

SAID = {  # fit: lines of its equations
    "exam": [
        "y_hij = γ_h0 + γ_h1 M_ij + u_hj + e_hij",
        "h = 1 (written), 2 (course)",
        "(u_1j, u_2j) ~ N(0, [τ_11, τ_12; τ_12, τ_22])",
        "(e_1ij, e_2ij) ~ N(0, [σ_1², σ_12; σ_12, σ_2²])",
    ],
    "equal": ["y_hij = γ_h0 + γ_1 M_ij + u_hj + e_hij"],
    "only": ["written_ij = γ_10 + u_1j + e_1ij", "course_ij = γ_20 + γ_21 M_ij + u_2j + e_2ij"],
    "no groups": ["y_hi = β_h0 + β_h1 M_i + e_hi"],
    "two lines": [
        "y_hij = γ_h0 + γ_h1 year_ij + u_h0j + u_h1j year_ij + e_hij",
        "(u_10j, u_11j, u_20j, u_21j) ~ N(0, [τ_11, τ_12",
    ],
    "diagonal": ["(u_1j, u_2j) ~ N(0, [τ_11, 0; 0, τ_22])"],
    "shared intercept": ["y_hij = γ_0 + γ_h1 low_j + γ_h2 mid_j + γ_3 year_ij + u_hj + e_hij"],
    "nested": ["y_hijk = γ_h0 + γ_h1 year_ijk + u_hj + v_hk + e_hijk", "(v_1k, v_2k) ~ N(0, [τ_school,11, τ_school,12"],
}


@pytest.mark.parametrize("name", SAID)
def test_equations(name):
    text = fit(name).equations().text
    for line in SAID[name]:
        assert line in text, text
    assert fit(name).equations().latex.count(r"\mathcal{N}") == len(fit(name).n_groups) + 1


def test_equations_with_estimates():
    text = fit("exam").equations(estimates=True).text
    assert (
        "written_ij = 46.518 + 2.491 M_ij + u_1j + e_1ij" in text
        and "course_ij = 76.38 - 6.757 M_ij + u_2j + e_2ij" in text
    )
    T, Sigma = fit("exam").covariance_matrix().to_numpy(), fit("exam").residual_cov().to_numpy()
    for line, matrix in zip(text.splitlines()[-2:], (T, Sigma)):
        shown = np.array([[float(x) for x in row.split(",")] for row in line.split("[")[1].rstrip("])").split(";")])
        assert shown == pytest.approx(matrix, rel=5e-3)


def test_table_names_and_counts():
    text = str(mlm.table(fit("exam"), fit("no groups")))
    assert "written: gender (M)" in text and "\u00d7" not in text
    shown = mlm.table(fit("exam"))
    found = {row.key: row.cells[0].estimate for row in shown.rows}
    assert found["nobs"] == 1905 and found["outcomes"] == 3428
    assert "Linear mixed model of written paper and coursework (points)" in text.replace(
        "Linear and linear mixed models", "Linear mixed model"
    )


def test_icc_of_an_outcome():
    one, all_of_them = mlm.icc(fit("exam"), outcome="course"), fit("exam").icc()
    assert (one.estimate, one.se, one.lower, one.upper) == tuple(all_of_them.loc["course"])
    assert one.estimate == pytest.approx(one.between / (one.between + one.within)) and one.kind == "residual"
    with pytest.raises(mlm.DataError, match="outcome='written' or 'course'"):
        mlm.icc(fit("exam"))
    with pytest.raises(mlm.DataError, match="Wald"):
        mlm.icc(fit("exam"), outcome="course", method="profile")
    with pytest.raises(mlm.DataError, match="this one has one"):
        mlm.icc(mlm.lmm("course ~ 1 + (1 | school)", mlm.load("gcsemv")), outcome="course")


def test_explain_and_report_say_each_outcome():
    told = fit("exam").explain()
    assert [heading for heading, _ in told.sections] == [
        "Asked",
        "Fixed part",
        "Variance part",
        "What the model does not know",
        "What would change our mind",
        "Messages",
    ]
    assert "1,905 students in 73 schools" in told.text and "3,428 students" not in told.text
    assert "have 2.49 points more than those with gender = F, in expected written paper" in told.text
    assert (
        "Between schools, given the predictors, the SD is 6.88 points in written paper and 8.74 points in coursework"
        in told.text
    )
    assert "Written paper and coursework correlate .42 (95% interval .17 to .62)" in told.text
    text = fit("exam").report().text
    assert "3,428 outcomes in all" in text and "Expected coursework was lower for students with gender = M" in text
    assert "the correlation of written paper and coursework was .49, 95% CI [.45, .52]" in text and "ICC" not in text
    assert "the slope of year in math was lower for track = low" in fit("three outcomes").report().text.replace(
        "The slope", "the slope"
    )
    assert "Between students, given" in fit("no groups").explain().text


@pytest.mark.parametrize(
    "name", ["exam", "equal", "only", "no groups", "two lines", "diagonal", "three outcomes", "nested"]
)
@pytest.mark.parametrize("way", ["explain", "report"])
def test_every_number_is_on_the_list(name, way):
    told = getattr(fit(name), way)()
    shown = "".join(told.numbers["shown"])
    for number in re.findall(r"\d[\d,]*(?:\.\d+)?|\.\d+", told.text):
        assert number.rstrip(",") in shown, number
    assert "nan" not in told.text and "None" not in told.text.replace("None.", "").replace("None:", "")


def test_simple_slope_of_an_outcome():
    f = fit("three outcomes")
    told = f.explain().numbers
    found = told[told["what"] == "math: track[T.low]:year: simple slope"]["value"].iloc[0]
    assert found == pytest.approx(f.params["math: year"] + f.params["math: track[T.low]:year"])


def test_degrees_of_freedom_are_told():
    assert "after Satterthwaite" in fit("exam").explain(ddf="satterthwaite").text


def test_anova_of_each_term_in_all_outcomes_and_in_each():
    f = fit("exam")
    found = f.anova().table
    assert list(found.index) == ["gender", "written: gender", "course: gender"] and list(found["df"]) == [2, 1, 1]
    assert found.loc["gender", "chi2"] == pytest.approx(
        f.test("written: gender[T.M] = 0, course: gender[T.M] = 0").statistic
    )
    assert found.loc["course: gender", "chi2"] == pytest.approx(f.tvalues["course: gender[T.M]"] ** 2)
    with pytest.raises(ValueError, match="same terms"):
        fit("only").anova()


def test_anova_does_not_depend_on_the_baseline():
    rows = table("tests")
    turned = rows.assign(
        track=rows["track"].map({"low": "z", "high": "a", "mid": "b"}).map({"z": "1", "a": "3", "b": "2"})
    )
    formula, _ = FITS["three outcomes"][1:]
    one, two = fit("three outcomes").anova().table, mlm.multivariate(formula, turned).anova().table
    assert list(one["df"]) == [6, 2, 2, 2, 3, 1, 1, 1, 6, 2, 2, 2]
    assert one["chi2"].to_numpy() == pytest.approx(two["chi2"].to_numpy(), rel=1e-4)
