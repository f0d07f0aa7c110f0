"""Margins against the published ones, statsmodels, and formulas by hand."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest
from scipy import stats

import mlmlib as mlm
from digits import rounds_to
from models import REFERENCE

STATA = {m["id"]: m for m in tomllib.loads((REFERENCE / "stata_math.toml").read_text(encoding="utf-8"))["model"]}


@pytest.fixture(scope="module")
def math():
    return mlm.load("math")


@pytest.fixture(scope="module")
def factorial(math):
    return mlm.ols("math ~ schtype * homework", math, method="ml")


def test_margins_are_the_published_ones(factorial):
    table = factorial.margins(over="schtype", at={"homework": [1, 2, 3, 4, 5]}).table
    published = STATA["ml-factorial"]["margins"]
    assert len(table) == len(published) == 10
    for _, row in table.iterrows():
        wanted = published[f"{row['homework']}:{row['schtype']}"]
        found = [row["margin"], row["se"], row["lower"], row["upper"]]
        assert all(map(rounds_to, found, wanted)), (row["homework"], row["schtype"])


def test_a_margin_averages_over_the_rows_as_they_are(math):
    fit = mlm.lmm("math ~ schtype * homework + ses + (1 | schid)", math)
    m = mlm.margins(fit, over="schtype")
    for level, margin, se in zip(("Private", "Public"), m.estimates, m.table["se"]):
        X = fit.spec.fixed_matrix(math.assign(schtype=level)).mean(axis=0)
        assert margin == pytest.approx(X @ fit.params) and se == pytest.approx(np.sqrt(X @ fit.cov_params() @ X))


def test_margins_of_a_mixed_model_use_z_and_of_ols_t(math):
    mixed, ols = mlm.lmm("math ~ homework + (1 | schid)", math), mlm.ols("math ~ homework", math)
    one, other = (fit.margins(at={"homework": 2}).table.iloc[0] for fit in (mixed, ols))
    assert (one["upper"] - one["margin"]) / one["se"] == pytest.approx(1.959964, abs=1e-5)
    assert (other["upper"] - other["margin"]) / other["se"] == pytest.approx(stats.t.ppf(0.975, 517))


def test_average_marginal_effects(factorial, math):
    b, share = factorial.params, (math["schtype"] == "Public").mean()
    table = factorial.margins(dydx=["homework", "schtype"]).table
    slope = b["homework"] + share * b["schtype[T.Public]:homework"]
    gap = b["schtype[T.Public]"] + math["homework"].mean() * b["schtype[T.Public]:homework"]
    assert table["margin"].tolist() == pytest.approx([slope, gap], rel=1e-7)
    assert table["effect of"].tolist() == ["homework", "schtype: Public vs Private"]
    by_type = factorial.margins(dydx="homework", over="schtype").table
    assert by_type["margin"].tolist() == pytest.approx([b["homework"], b["homework"] + b["schtype[T.Public]:homework"]])
    assert by_type["se"].iloc[0] == pytest.approx(factorial.bse["homework"])


def test_average_marginal_effect_of_a_curve(math):
    fit = mlm.ols("math ~ homework + I(homework ** 2) + log(homework + 1)", math)
    b, x = fit.params.to_numpy(), math["homework"].to_numpy(float)
    g = np.array([0, 1, 2 * x.mean(), (1 / (x + 1)).mean()])
    row = fit.margins(dydx="homework").table.iloc[0]
    assert [row["margin"], row["se"]] == pytest.approx([g @ b, np.sqrt(g @ fit.cov_params() @ g)], rel=1e-5)


def test_margins_agree_with_statsmodels_predictions(math):
    import statsmodels.formula.api as smf

    frame = math.astype({"schtype": str})
    theirs = smf.ols("math ~ C(homework) + schtype", frame).fit()
    ours = mlm.ols("math ~ C(homework) + schtype", math).margins(over=["homework"], at={"schtype": "Public"})
    new = frame.head(8).assign(homework=range(8), schtype="Public")
    wanted = theirs.get_prediction(new).summary_frame()
    assert np.allclose(ours.table["margin"], wanted["mean"]) and np.allclose(ours.table["se"], wanted["mean_se"])
    assert np.allclose(ours.table["lower"], wanted["mean_ci_lower"])


def test_stateful_terms_and_the_mean(math):
    fit = mlm.ols("math ~ center(homework) + ses", math)
    at_mean = fit.margins(at={"homework": "mean", "ses": 0}).table.iloc[0]
    assert [at_mean["margin"], at_mean["se"]] == pytest.approx([fit.params["Intercept"], fit.bse["Intercept"]])


def test_an_empty_model_and_dropped_rows(math):
    empty = mlm.lmm("math ~ 1 + (1 | schid)", math)
    assert empty.margins().estimates == pytest.approx((empty.params["Intercept"],))
    holes = math.assign(ses=math["ses"].where(math.index % 5 > 0))
    fit = mlm.ols("math ~ ses + schtype", holes)
    kept = holes.dropna()
    X = fit.spec.fixed_matrix(kept.assign(schtype="Public")).mean(axis=0)
    assert fit.margins(over="schtype").estimates[1] == pytest.approx(X @ fit.params)


def test_contrasts_come_from_the_covariance(factorial):
    m = factorial.margins(over="schtype", at={"homework": 3})
    gap = factorial.margins(dydx="schtype", at={"homework": 3}).table.iloc[0]
    c = np.array([-1, 1])
    assert [c @ m.estimates, np.sqrt(c @ m.cov @ c)] == pytest.approx([gap["margin"], gap["se"]])


def test_margins_print_and_plot(factorial):
    m = factorial.margins(over="schtype", at={"homework": [1, 3, 5]})
    assert len(m) == 6 and "Private" in repr(m) and "52.292" in repr(m) and m._repr_html_().count("<tr>") == 7
    import matplotlib

    matplotlib.use("Agg")
    axes = m.plot()
    assert axes.get_xlabel() == "homework"
    matplotlib.pyplot.close("all")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"over": "ratio"}, "no column of the fixed part"),
        ({"at": {"schtype": ["Charter"]}}, "no category of 'schtype'"),
        ({"at": {"homework": "many"}}, "needs numbers"),
        ({"over": "ses"}, "different values"),
        ({"dydx": "homework", "at": {"homework": 1}}, "both varied"),
    ],
)
def test_margins_refuse(options, words, math):
    with pytest.raises(mlm.DataError, match=words):
        mlm.ols("math ~ schtype + homework + ses", math).margins(**options)
