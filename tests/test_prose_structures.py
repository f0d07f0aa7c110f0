"""What fits with several grouping factors and structured residuals say of themselves: every number is on the list of numbers."""

import re

import pytest

import mlmlib as mlm
from structured_models import fits as all_fits
from structured_models import membership, tables


@pytest.fixture(scope="module")
def fits():
    found = {name: fit for name, (_, fit) in all_fits(tables()).items()}
    found["membership"] = mlm.lmm("y ~ x + (1 | mm(s1, s2, weights=(w1, w2)))", membership())
    return found


def printed(text):
    for word in ("AR(1)", "ARMA(1,1)", "s1 and s2", mlm.__version__):
        text = text.replace(word, "")
    text = re.sub(r"(Schielzeth|Johnson), 20\d\d", r"\1", text).replace("\u2212", "-")
    return [n for n in re.findall(r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?", text) if n.strip("-")]


def flat(prose):
    return re.sub(r"\s+", " ", prose.text)


def test_every_number_is_on_the_list(fits):
    for name, fit in fits.items():
        for told in (fit.explain(), fit.report()):
            known = {shown.replace("\u2212", "-").lstrip("-") for shown in told.numbers["shown"]}
            assert not [n for n in printed(flat(told)) if n.lstrip("-") not in known], name
            assert "nan" not in flat(told) and told._repr_html_()


def test_three_levels(fits):
    fit = fits["three levels"]
    aloud, paper = flat(fit.explain()), flat(fit.report())
    assert "when each school has its own level and slope of year and each child has its own level and slope of year" in aloud
    assert "The levels of children in one school alike in all predictors differ" in aloud
    assert "Tests of one child scatter about their child's own line" in aloud
    share = mlm.icc(fit, group="schoolid").estimate
    assert f"{100 * share:.0f}% lies between schools" in aloud
    assert f"the intraclass correlation of two tests of one school was ICC = {share:.2f}".replace("0.", ".") in paper


def test_nested_icc_is_the_correlation_of_two_rows(fits):
    fit = fits["nested"]
    variances = fit.variance_components["variance"].to_numpy()
    both, own = sum(variances[:2]) / sum(variances), variances[1] / sum(variances)
    text = flat(fit.explain())
    assert f"{100 * own:.0f}% lies between casks within batch" in text and f"intraclass correlation is {both:.2f}".replace("0.", ".") in text


def test_crossed(fits):
    text = flat(fits["crossed"].explain())
    assert "of an average plate and an average sample of penicillin" in text and "two such samples of penicillin" in text
    assert "Samples of one plate and one sample of penicillin scatter about the level that these give them" in text


def test_membership_has_no_intraclass_correlation(fits):
    fit = fits["membership"]
    for text in (flat(fit.explain()), flat(fit.report()).replace("(ICC)", "")):
        assert "intraclass correlation is" not in text and "ICC =" not in text and "within_between" not in text
    assert "300 rows in 20 groups of s1 and s2" in flat(fit.report())
    assert not any(row.key.startswith("icc") for row in mlm.table(fit).rows)


@pytest.mark.parametrize("name, aloud, paper", [
    ("ar1", "two test days of one driver is correlated: 1 apart in Days they correlate .80", "Residuals within one driver were correlated"),
    ("ar1 by the half", "2 apart in age they correlate .80 (interval from .70 to .87), 4 apart .64",
     "The residual SD for half = second was 1.61 times that for half = first, 95% CI [1.35, 1.93]"),
    ("car1", "1 apart in week they correlate .59", "one unit of week apart, was \u03c6 = .59"),
    ("arma11", "each further step multiplies by .88", "\u03b8 = \u2212.24"),
    ("cs", "correlates .58 (interval from .37 to .73), however far apart they lie", "\u03c1 = .58"),
    ("toeplitz", ".75 one step apart, .43 two steps apart, and .24 three steps apart", "(three steps apart)"),
    ("un", "from .22 (Days 0 and 6) to .75 (Days 0 and 1)", "The residual SD where Days = 0 was 32.09 ms"),
    ("by group", "Residuals for half = second scatter 1.72 times as much as those for half = first", "1.72 times that for half = first"),
    ("power", "Where age doubles, residuals scatter", "\u03b4 ="),
    ("exponential and groups", "Where Days is a standard deviation (2.88) higher", "where Days = 0 and half = first"),
])
def test_what_the_structure_says(fits, name, aloud, paper):
    assert aloud in flat(fits[name].explain())
    assert paper in flat(fits[name].report())


def test_no_share_is_told_that_is_not_there(fits):
    """No ICC where the residual variance differs between rows; no correlation of rows where residuals are correlated too."""
    for name in ("by group", "power", "exponential and groups", "hard names"):
        text = flat(fits[name].explain()) + flat(fits[name].report()).replace("(ICC)", "")
        assert "intraclass correlation is" not in text and "ICC =" not in text and "R\u00b2" not in text
    for name in ("car1", "residuals in three levels"):
        text = flat(fits[name].explain()) + flat(fits[name].report()).replace("(ICC)", "")
        assert "intraclass correlation is" not in text and "These shares are not the correlations of two" in text
        assert "with the same structure of the residuals" in text


def test_without_random_effects_nothing_is_said_of_groups(fits):
    text = flat(fits["ar1"].explain()) + flat(fits["ar1"].report())
    assert "independent of one another" not in text and "R\u00b2" not in text and "linear mixed" not in text
    assert "restricted maximum likelihood" in text


def test_summary_and_table(fits):
    for name, fit in fits.items():
        assert str(fit.summary()) and fit._repr_html_(), name
    table = str(mlm.table(fits["three levels"], fits["residuals in three levels"]))
    assert "SD, intercept (child)" in table and "Children" in table and "ar1: phi" in table
    both = mlm.table(fits["ar1"], fits["car1"])
    assert both.numbers["estimate"].notna().all()


def test_table_of_several_outcomes():
    data = membership().assign(z=lambda d: d["y"] + d["x"] ** 2)
    table = str(mlm.table(mlm.multivariate("y + z ~ x + (1 | s1)", data)))
    for text in ("y: Intercept", "z: x", "SD, residual of y", "Correlation, residual of y and z"):
        assert text in table
    assert "sd ratio" not in table
