"""Margins, estimated means, comparisons, influence and checks of marginal models."""

import json

import numpy as np
import pandas as pd
import pytest
from gee_models import MEANS, PAIRS, STORE, table

import mlmlib as mlm

SAID = json.loads(STORE.read_text(encoding="utf-8"))
OHIO, WINE, EPIL, DIETOX = (mlm.load(name) for name in ("ohio", "wine", "epil", "dietox"))


def ohio(formula="resp ~ age * smoke", **options):
    return mlm.gee(formula, OHIO, groups="id", family="binomial", **options)


def by_hand(fit, value):
    """A function of the coefficients, and its delta-method standard error by differences."""
    b, V, h = fit.params.to_numpy(), fit.cov_params().to_numpy(), 1e-6
    G = np.array([(value(b + step) - value(b - step)) / (2 * h) for step in np.eye(len(b)) * h])
    return value(b), np.sqrt(G @ V @ G)


def test_margins_are_averages_with_delta_method_errors():
    fit = ohio()

    def at(b, smoke):
        eta = b[0] + b[1] * OHIO["age"] + b[2] * smoke + b[3] * OHIO["age"] * smoke
        return float((1 / (1 + np.exp(-eta))).mean())

    found = fit.margins(at={"smoke": [0, 1]}).table
    for k in (0, 1):
        mean, se = by_hand(fit, lambda b, k=k: at(b, k))
        assert found["margin"][k] == pytest.approx(mean, rel=1e-10) and found["se"][k] == pytest.approx(se, rel=1e-6)
    slope = mlm.margins(fit, dydx="age").table

    def effect(b):
        p = 1 / (1 + np.exp(-(b[0] + b[1] * OHIO["age"] + b[2] * OHIO["smoke"] + b[3] * OHIO["age"] * OHIO["smoke"])))
        return float((p * (1 - p) * (b[1] + b[3] * OHIO["smoke"])).mean())

    mean, se = by_hand(fit, effect)
    assert slope["margin"][0] == pytest.approx(mean, rel=1e-6) and slope["se"][0] == pytest.approx(se, rel=1e-5)
    whole = fit.margins().table
    assert whole["margin"][0] == pytest.approx(fit.fittedvalues.mean(), rel=1e-12)
    link = mlm.margins(fit, at={"age": [0], "smoke": [0]}, scale="link").table
    assert link["margin"][0] == pytest.approx(fit.params["Intercept"]) and link["se"][0] == pytest.approx(fit.bse["Intercept"])
    assert "population" in str(fit.margins())
    other = ohio(cov="model").margins(at={"smoke": [1]}).table
    assert other["margin"][0] == pytest.approx(found["margin"][1]) and other["se"][0] != pytest.approx(found["se"][1], rel=1e-3)
    with pytest.raises(ValueError, match="scale"):
        fit.margins(scale="odds")
    with pytest.raises(mlm.DataError, match="no column"):
        fit.margins("nothing")


def test_margins_keep_exposure_offset_and_trials():
    epil = EPIL.assign(t=1.0 + EPIL["period"] % 2)
    fit = mlm.gee("y ~ trt", epil, groups="subject", family="poisson", exposure="t")
    assert fit.margins().table["margin"][0] == pytest.approx(fit.fittedvalues.mean(), rel=1e-10)
    same = mlm.gee("y ~ trt + offset(log(t))", epil, groups="subject", family="poisson")
    assert same.margins("trt").table["margin"].tolist() == pytest.approx(fit.margins("trt").table["margin"].tolist(), rel=1e-8)
    cattle = mlm.gee("incidence ~ period", mlm.load("cbpp"), groups="herd", family="binomial", trials="size")
    assert cattle.margins("period").table["margin"].tolist() == pytest.approx(
        (1 / (1 + np.exp(-(cattle.params["Intercept"] + np.r_[0.0, cattle.params.to_numpy()[1:]])))).tolist())


def test_margins_of_categories():
    fit = mlm.gee("rating ~ temp + contact", WINE, groups="judge", family="ordinal")
    found = fit.margins("temp").table
    assert found.groupby("temp", observed=True)["margin"].sum().tolist() == pytest.approx([1.0, 1.0])
    assert mlm.margins(fit, dydx="temp").table["margin"].sum() == pytest.approx(0.0, abs=1e-10)
    contact = (WINE["contact"] == "yes").to_numpy(float)
    b, cut = fit.params.to_numpy(), fit.thresholds.to_numpy()
    cold = (1 / (1 + np.exp(-(cut[0] - b[1] * contact)))).mean()
    assert found["margin"][0] == pytest.approx(cold, rel=1e-10)
    shown = fit.predict(WINE.head(3), interval="confidence")
    assert shown.xs("mean", axis=1, level=1).sum(axis=1).tolist() == pytest.approx([1.0] * 3)
    assert (shown["1"]["lower"] < shown["1"]["mean"]).all() and (shown["1"]["upper"] < 1).all()
    alone = mlm.gee("rating ~ contact", WINE.assign(rating=np.minimum(WINE["rating"].astype(int), 3)), groups="judge", family="nominal",
                    corr="independence")
    assert alone.margins("contact").table["margin"].sum() == pytest.approx(2.0)
    for ask in (lambda: mlm.emmeans(fit, "temp"), lambda: mlm.emtrends(fit, "temp")):
        with pytest.raises(ValueError, match="probabilities"):
            ask()
    with pytest.raises(ValueError, match="no distribution"):
        fit.predict(interval="prediction")


@pytest.mark.parametrize("name", MEANS)
def test_means_are_those_of_emmeans(name):
    rows, formula, settings, over = MEANS[name]
    fit = mlm.gee(formula, table(rows), **settings)
    mean, se, lower = SAID["means"][name]["values"]
    found = mlm.emmeans(fit, over, type="response").table
    assert found.iloc[:, 1].tolist() == pytest.approx(mean, rel=1e-6) and found["se"].tolist() == pytest.approx(se, rel=1e-6)
    assert found["lower"].tolist() == pytest.approx(lower, rel=1e-5)


def test_means_say_whose_they_are():
    found = mlm.emmeans(ohio("resp ~ age + C(smoke)"), "smoke", type="response")
    assert "Means of the population" in str(found) and "odds ratio" in str(found.contrast("pairwise"))
    assert "linear predictor (logit)" in str(mlm.emtrends(ohio("resp ~ age + C(smoke)"), "age", "smoke"))


@pytest.mark.parametrize("name", PAIRS)
def test_comparisons_are_geepacks_anova(name):
    rows, small, large, settings = PAIRS[name]
    found = mlm.compare(*(mlm.gee(one, table(rows), **settings) for one in (small, large)))
    (statistic,), (df,) = SAID["anova"][name]["values"]
    assert found.statistic == pytest.approx(statistic, rel=1e-6) and found.df == df
    assert found.distribution == f"chi2({df:.0f})" and 0 < found.pvalue < 1


@pytest.mark.parametrize("corr", ["Independence", "Exchangeable"])
def test_score_test_is_statsmodels(corr):
    import warnings

    import statsmodels.api as sm
    import statsmodels.formula.api as smf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first, second = (smf.gee(f"resp ~ {terms}", groups="id", data=OHIO, family=sm.families.Binomial(),
                                 cov_struct=getattr(sm.cov_struct, corr)()).fit(ctol=1e-10) for terms in ("age", "age * smoke"))
        theirs = second.model.compare_score_test(first)
    ours = mlm.compare(*(ohio(f"resp ~ {terms}", corr=corr.lower(), moments="statsmodels") for terms in ("age", "age * smoke")), method="score")
    assert ours.statistic == pytest.approx(float(theirs["statistic"]), rel=1e-6) and ours.df == theirs["df"]


def test_comparisons_in_words():
    none, small, large = ohio("resp ~ 1"), ohio("resp ~ age"), ohio()
    found = mlm.compare(none, small, large, names=("none", "age", "both"))
    assert len(found.tests) == 2 and found.table.loc["both", "df"] == 2 and "both against age" in str(found) and found._repr_html_()
    assert found.table["QIC"].tolist() == pytest.approx([one.qic()["QIC"] for one in (none, small, large)])
    with pytest.raises(AttributeError, match="one test"):
        _ = found.pvalue
    structures = mlm.compare(large, ohio(corr="independence"))
    assert structures.tests == (None,) and "compare QIC" in str(structures) and "pvalue" not in structures.table
    ordinal = mlm.compare(*(mlm.gee(f, WINE, groups="judge", family="ordinal") for f in ("rating ~ temp", "rating ~ temp + contact")))
    assert ordinal.df == 1 and ordinal.statistic == pytest.approx(
        mlm.gee("rating ~ temp + contact", WINE, groups="judge", family="ordinal").tvalues["contact[T.yes]"] ** 2)
    for call, what in ((lambda: mlm.compare(small, mlm.glmm("resp ~ age", OHIO)), "cannot be tested against"),
                       (lambda: mlm.compare(small, large, method="bootstrap"), "no likelihood"),
                       (lambda: mlm.compare(small, mlm.gee("resp ~ age", OHIO[4:], groups="id", family="binomial")), "other rows"),
                       (lambda: mlm.compare(small, ohio(link="probit")), "family or link")):
        with pytest.raises(ValueError, match=what):
            call()


def test_influence_is_the_fit_without_the_group():
    fit = mlm.gee("Weight ~ Time + Cu", DIETOX, groups="Pig", corr="independence")
    found = fit.influence()
    for pig in (found.index[0], found.index[-1]):
        without = mlm.gee("Weight ~ Time + Cu", DIETOX[DIETOX["Pig"] != pig], groups="Pig", corr="independence")
        assert found.loc[pig, list(fit.params.index)].to_numpy(float) == pytest.approx((fit.params - without.params).to_numpy(), rel=1e-8)
    assert found["leverage"].sum() == pytest.approx(4.0)
    near = ohio().influence()
    top = near.index[0]
    without = mlm.gee("resp ~ age * smoke", OHIO[OHIO["id"] != top], groups="id", family="binomial")
    assert near.loc[top, "smoke"] == pytest.approx(float((ohio().params - without.params)["smoke"]), rel=0.1)


def test_diagnosis():
    calm = mlm.diagnose(ohio())
    assert {check.verdict for check in calm.checks} == {"ok"} and calm._repr_html_()
    epil = mlm.diagnose(mlm.gee("y ~ lbase * trt + lage + V4", EPIL, groups="subject", family="poisson"))
    assert epil["no group alone"].verdict == "act" and "group 49" in epil["no group alone"].found  # the patient of Thall and Vail
    assert epil["dispersion"].value == pytest.approx(4.30, abs=0.01)
    wrong = mlm.diagnose(ohio(corr="ar1", time="age"))
    assert wrong["working correlation"].verdict == "look" and "3 apart" in wrong["working correlation"].found
    naive = mlm.diagnose(mlm.gee("Weight ~ Time + Cu", DIETOX, groups="Pig", corr="independence", cov="model"))
    assert naive["working correlation"].verdict == "act" and naive["robust against"].verdict == "act"
    few = mlm.diagnose(mlm.gee("incidence ~ period", mlm.load("cbpp"), groups="herd", family="binomial", trials="size"))
    assert few["enough groups"].verdict == "act" and "mancl-derouen" in few["enough groups"].todo
    rng = np.random.default_rng(1)
    sizes = rng.integers(1, 15, 80)
    u = (sizes - 7.0) / 3.0
    told = pd.DataFrame({"g": np.repeat(np.arange(80), sizes), "x": rng.normal(size=sizes.sum()),
                         "y": np.repeat(u, sizes) + rng.normal(size=sizes.sum())})
    assert mlm.diagnose(mlm.gee("y ~ x", told, groups="g"))["group size"].verdict == "act"
    lost = mlm.gee("y ~ x + only", told.assign(only=(told["g"] == 3) * 1.0), groups="g", cov="model")
    assert mlm.diagnose(lost)["no group alone"].verdict == "act"
    seen = OHIO[(OHIO["id"] % 3 > 0) | (OHIO["age"] < 0)]
    assert mlm.diagnose(mlm.gee("resp ~ age", seen, groups="id", family="binomial", time="age"))["all times"].verdict == "look"
    with pytest.raises(ValueError, match="indicator"):
        mlm.diagnose(mlm.gee("rating ~ temp", WINE, groups="judge", family="ordinal"))


def test_names_with_spaces():
    fit = mlm.gee("resp ~ age", OHIO.rename(columns={"id": "the child"}), groups="the child", family="binomial")
    assert fit.n_groups == {"the child": 537} and fit.params.tolist() == pytest.approx(ohio("resp ~ age").params.tolist())
