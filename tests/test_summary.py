"""The printed account of a fit, as text and as HTML."""

import re

import pytest

import mlmlib as mlm
from mlmlib.report.page import p_value, rounded


@pytest.fixture(scope="module")
def math():
    return mlm.load("math")


@pytest.fixture(scope="module")
def fit(math):
    return mlm.lmm("math ~ schtype * homework + (1 + homework | schid)", math, reml=False)


def test_text_holds_what_lme4_and_stata_print(fit):
    text = str(fit.summary())
    for piece in (
        "maximum likelihood (ML)",
        "math ~ schtype * homework + (1 + homework | schid)",
        "519",
        "5 to 67, mean 22.6",
        "logLik -1,817.3855",
        "chi2(3) = 9.72",
        "chi2(3) = 151.64",
        "-0.856",
    ):
        assert piece in text, piece
    row = next(line for line in text.splitlines() if line.startswith("homework"))
    assert row.split()[1:] == ["2.31", "1.51", "1.53", "0.127", "-0.66", "5.27"]
    assert repr(fit) == text and "REML criterion" not in text


def test_scale_and_level(fit):
    text = str(fit.summary(scale="sd", level=0.9))
    assert "90% low" in text and "SD or correlation" in text and "7.50" in text and "corr(Intercept, homework)" in text


def test_html_is_marked_up_for_readers_by_ear(fit):
    html = fit._repr_html_()
    assert html.count("<caption>") == 2 and 'scope="row">homework' in html and 'scope="col">SE' in html
    assert not re.search(r"<th[^>]*></th>", html) and "<script" not in html
    assert re.search(r"color:#|background:#", html) is None  # every color is the page's own
    assert "schtype[T.Public]" in html


def test_no_column_of_correlations_without_any(math):
    text = str(mlm.lmm("math ~ homework + (1 | schid)", math).summary())
    assert "correlation" not in text and "chibar2(01)" in text and "REML criterion" in text


def test_linear_models(math):
    ols, ml = (mlm.ols("math ~ schtype", math, method=method) for method in ("ols", "ml"))
    assert "F(1, 517) = 74.89" in str(ols) and "R2 0.1265" in str(ols) and " t " in str(ols)
    assert " z " in str(ml) and "75.18" in str(ml)


def test_a_singular_fit_is_named_first(math):
    flat = math.assign(math=math["math"] - math.groupby("schid")["math"].transform("mean"))
    singular = mlm.lmm("math ~ 1 + (1 | schid)", flat)
    assert singular.is_singular
    text, html = str(singular.summary()), singular._repr_html_()
    assert (
        text.index("!! Singular") < text.index("Fixed effects") and 'class="mlm-message" role="note">Singular' in html
    )


def test_rounding():
    assert rounded(2.401972, 0.2767745, guide=0.2767745) == ["2.402", "0.277"]
    assert rounded(12345.678, guide=30.0) == ["12345.7"] and rounded(float("nan"), guide=1.0) == [""]
    assert p_value(0.0001) == "<0.001" and p_value(0.04) == "0.040" and p_value(float("nan")) == ""
