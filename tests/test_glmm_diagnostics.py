"""mlm.diagnose, mlm.influence, reliability and pictures of GLMMs."""

from __future__ import annotations

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

import mlmlib as mlm

matplotlib.use("Agg")


@pytest.fixture(scope="module")
def epil():
    return mlm.glmm("y ~ lbase * trt + lage + V4 + (1 | subject)", mlm.load("epil"), family="poisson")


@pytest.fixture(scope="module")
def cbpp():
    return mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size")


@pytest.fixture(scope="module")
def contraception():
    return mlm.glmm("use ~ age + urban + (1 + urban | district)", mlm.load("contraception"))


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


# diagnose


def test_diagnose_finds_overdispersion(epil):
    found = mlm.diagnose(epil)
    assert found["outcomes vary"].verdict == "act" and found["outcomes vary"].value > 1.5
    assert found["No outlying rows"].verdict == "look" and "row 98" in found["No outlying rows"].found
    assert found["Straight in lbase"].verdict == "ok" and found["Effects of subject are normal"].verdict == "ok"
    assert "nbinom2" in str(found) and set(found.influences) == {"subject"}
    better = mlm.diagnose(mlm.glmm(epil.formula, mlm.load("epil"), family="nbinom2"), reestimate=False)
    assert better["outcomes vary"].verdict == "ok" and better["zeros"].verdict == "ok"
    assert better["carries the answer"].verdict == "not checked"


def test_diagnose_finds_a_curve(contraception):
    found = mlm.diagnose(contraception, reestimate=False)
    assert found["Straight in age"].verdict == "act" and "I(age ** 2)" in found["Straight in age"].todo
    assert found["outcomes vary"].verdict == "not checked"
    curved = mlm.glmm("use ~ age + I(age ** 2) + urban + (1 | district)", mlm.load("contraception"))
    with pytest.raises(KeyError, match="Straight in age"):
        mlm.diagnose(curved, reestimate=False)["Straight in age"]


def test_diagnose_finds_a_contextual_effect():
    rng = np.random.default_rng(11)
    J, n = 80, 15
    g = np.repeat(np.arange(J), n)
    means = rng.normal(size=J)
    x = means[g] + rng.normal(size=J * n)
    eta = 0.3 * x + (0.9 * means + 0.4 * rng.normal(size=J))[g]
    y = (rng.random(J * n) < 1 / (1 + np.exp(-eta))).astype(float)
    fit = mlm.glmm("y ~ x + (1 | g)", {"y": y, "x": x, "g": g})
    check = mlm.diagnose(fit, reestimate=False)["Effects of g are not correlated"]
    assert check.verdict == "act" and "within_between" in check.todo


def test_diagnose_of_categories_and_refusals():
    wine = mlm.load("wine")
    ordered = mlm.diagnose(mlm.glmm("rating ~ temp + contact + (1 | judge)", wine, family="ordinal"))
    assert ordered["Enough groups"].verdict == "act" and ordered["carries the answer"].verdict == "not checked"
    assert ordered["vary as the family says"].verdict == "ok"  # categories are counted from 1 in data and draws alike
    women = mlm.glmm("livch ~ age + (1 | district)", mlm.load("contraception"), family="multinomial")
    with pytest.raises(ValueError, match="effect= from '1: Intercept'"):
        mlm.plots.caterpillar(women)
    with pytest.raises(ValueError, match="numbers or ordered"):
        mlm.diagnose(women)
    with pytest.raises(ValueError, match="one for each category"):
        mlm.plots.residuals(women, "age")
    both = mlm.glmm(["y ~ lbase + (1 || subject)", "V4 ~ lage + (1 || subject)"], mlm.load("epil"),
                    family=["poisson", "binomial"])
    with pytest.raises(ValueError, match="models of one outcome"):
        mlm.diagnose(both)
    with pytest.raises(mlm.DataError, match="time="):
        mlm.diagnose(mlm.glmm("y ~ trt + (1 | subject)", mlm.load("epil"), family="poisson"), time="period")


# influence


def test_influence_is_a_fit_without_the_group(cbpp):
    found = mlm.influence(cbpp)
    data = mlm.load("cbpp")
    for herd in (3, 11):
        left = mlm.glmm("incidence ~ period + (1 | herd)", data[data["herd"] != herd], trials="size")
        np.testing.assert_allclose(found.estimates.loc[herd].iloc[:4], left.params, atol=2e-6)
        assert found.estimates.loc[herd, "sd(herd: Intercept)"] == pytest.approx(np.sqrt(left.covariance_matrix().iloc[0, 0]), rel=1e-5)
        np.testing.assert_allclose(found.se.loc[herd], left.bse, rtol=1e-4)
    shift = found.change.loc[11].to_numpy()[:4]
    assert found.table.loc[11, "cooks"] == pytest.approx(shift @ np.linalg.inv(cbpp.cov_params()) @ shift / 4, rel=1e-10)
    assert found.table.index[found.table["cooks"].argmax()] == 11
    assert "herd" in str(found) and found._repr_html_()


def test_influence_keeps_method_family_and_slopes(contraception):
    agq = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size", method="agq", nodes=9)
    left = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp").query("herd != 1"), trials="size", method="agq", nodes=9)
    np.testing.assert_allclose(mlm.influence(agq).estimates.loc[1].iloc[:4], left.params, atol=5e-6)
    negative = mlm.glmm("y ~ lbase + V4 + (1 | subject)", mlm.load("epil"), family="nbinom2")
    found = mlm.influence(negative)
    assert list(found.estimates.columns[-2:]) == ["sd(subject: Intercept)", "theta"] and found.estimates["theta"].std() > 0
    by_column = mlm.influence(negative, "trt")
    assert list(by_column.labels) == ["placebo", "progabide"]


def test_influence_with_offset_exposure_and_missing_rows():
    data = mlm.load("epil").assign(weeks=lambda d: np.where(d["period"] == 4, 4.0, 2.0))
    data.loc[7, "lbase"] = np.nan
    fit = mlm.glmm("y ~ lbase + (1 | subject)", data, family="poisson", exposure="weeks")
    left = mlm.glmm("y ~ lbase + (1 | subject)", data[data["subject"] != 5], family="poisson", exposure="weeks")
    np.testing.assert_allclose(mlm.influence(fit).estimates.loc[5].iloc[:2], left.params, atol=1e-5)


def test_influence_refuses(cbpp):
    for arguments, told in ((("row",), "as many fits"), (("size",), None)):
        if told:
            with pytest.raises(mlm.DataError, match=told):
                mlm.influence(cbpp, *arguments)
    with pytest.raises(ValueError, match="reestimate"):
        mlm.influence(cbpp, reestimate=False)
    with pytest.raises(mlm.DataError, match="one mean a row"):
        mlm.influence(mlm.glmm("rating ~ temp + (1 | judge)", mlm.load("wine"), family="ordinal"))


# groups


def test_reliability_is_the_share_of_variance_that_the_data_settle(cbpp):
    found = mlm.reliability(cbpp)
    tau2, se = cbpp.covariance_matrix().iloc[0, 0], cbpp.random_effects_se["herd"]["Intercept"]
    np.testing.assert_allclose(found.table["Intercept"], 1 - se**2 / tau2, rtol=1e-12)
    gaussian = mlm.glmm("Reaction ~ 1 + (1 | Subject)", mlm.load("sleepstudy"), family="gaussian")
    linear = mlm.lmm("Reaction ~ 1 + (1 | Subject)", mlm.load("sleepstudy"), reml=False)
    np.testing.assert_allclose(mlm.reliability(gaussian).table, mlm.reliability(linear).table, rtol=1e-4)
    assert mlm.design_effect(cbpp).icc == pytest.approx(mlm.icc(cbpp, scale="observation").estimate)


# pictures


def test_conditional_curves(contraception):
    ax = mlm.plots.conditional_curves(contraception, "age", at={"urban": "Y", "age": (-40, 40)}, band="average", show=[1])
    ink = next(line for line in ax.lines if line.get_color() == mlm.plots.FIXED)
    average = next(line for line in ax.lines if line.get_color() == mlm.plots.POOLED)
    new = {"age": [-40.0], "urban": ["Y"], "district": [1]}
    assert ink.get_ydata()[0] == pytest.approx(contraception.predict(new, groups="typical").iloc[0])
    assert average.get_ydata()[0] == pytest.approx(contraception.predict(new, groups="average").iloc[0])
    district = next(line for line in ax.lines if line.get_color() == mlm.plots.PARTIAL)
    assert district.get_ydata()[0] == pytest.approx(contraception.predict(new).iloc[0])
    assert "60 groups (district)" in mlm.plots.alt(ax) and ax.get_ylabel() == "probability of use"
    drawn = mlm.plots.conditional_curves(contraception, "age", draws=25)
    assert sum(line.get_color() == mlm.plots.PARTIAL for line in drawn.lines) == 25
    with pytest.raises(ValueError, match="same line"):
        mlm.plots.conditional_curves(mlm.lmm("Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy")))
    with pytest.raises(ValueError, match="band='both'"):
        mlm.plots.conditional_curves(contraception, "age", band="both")


def test_pictures_that_work_for_both_kinds_of_model(cbpp, contraception, epil):
    for ax in (mlm.plots.caterpillar(cbpp), mlm.plots.caterpillar(cbpp, total=True), mlm.plots.random_effects(contraception),
               mlm.plots.plausible_ranges(contraception), mlm.plots.variance_shares(cbpp), mlm.plots.qq(epil, kind="quantile"),
               mlm.plots.qq(epil, "Intercept", kind="quantile"), mlm.plots.residuals(epil, kind="quantile"),
               mlm.plots.residuals(epil, "lbase", kind="pearson"), mlm.plots.residuals(cbpp, kind="quantile", level="marginal"),
               mlm.plots.influence(mlm.influence(cbpp)), mlm.plots.influence(mlm.influence(cbpp), "sd(herd: Intercept)")):
        assert mlm.plots.alt(ax)
    ax = mlm.plots.caterpillar(cbpp, scale="response")
    told = ax.lines[-1].get_ydata()
    eta = np.sort(cbpp.random_effects["herd"]["Intercept"]) + cbpp.params["Intercept"]
    np.testing.assert_allclose(told, 1 / (1 + np.exp(-eta)))
    assert ax.get_ylabel() == "expected incidence of the group"
    assert "standard normal" in mlm.plots.alt(mlm.plots.qq(epil, kind="quantile"))
    panels = mlm.diagnose(cbpp).panels()
    assert panels.shape == (3, 2) and "Six panels" in mlm.plots.alt(panels)


def test_pictures_of_linear_models_say_what_to_draw(contraception):
    for call, told in ((mlm.plots.fitted_lines, "conditional_curves"), (mlm.plots.shrinkage, "caterpillar"),
                       (mlm.plots.pooling, "conditional_curves"), (mlm.plots.residual_spread, "quantile"),
                       (mlm.plots.variance, "mlm.icc")):
        with pytest.raises(mlm.FormulaError, match=told):
            call(contraception)
    for call in (mlm.diagnostics.leverage, mlm.diagnostics.homogeneity, mlm.diagnostics.group_residuals):
        with pytest.raises(mlm.FormulaError, match="for linear models"):
            call(contraception)
    with pytest.raises(mlm.FormulaError, match="mlm.r2"):
        mlm.proportional_reduction(contraception, contraception)


def test_autocorrelation_of_quantile_residuals(epil):
    found = mlm.acf(epil, 2, time="period")
    assert found.lag.tolist() == [0, 1, 2] and abs(found.correlation[1]) < 0.5
