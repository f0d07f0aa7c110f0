"""Wald tests, margins and estimated means of generalized linear mixed models."""

import copy
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import mlmlib as mlm

R = json.loads((Path(__file__).parent / "reference/r/emmR_glmm.json").read_text())


@cache
def fit(name):
    if name.startswith("cbpp"):
        options = {"method": "agq", "nodes": 25} if name.endswith("agq25") else {}
        return mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size", **options)
    if name == "contraception":
        return mlm.glmm("use ~ age * urban + livch + (1 | district)", mlm.load("contraception"))
    if name == "slope":
        return mlm.glmm("use ~ age + urban + (1 + urban | district)", mlm.load("contraception"))
    if name == "epil":
        return mlm.glmm("y ~ lbase * trt + lage + V4 + (1 | subject)", mlm.load("epil"), family="poisson")
    if name == "wine":
        return mlm.glmm("rating ~ temp * contact + (1 | judge)", mlm.load("wine"), family="ordinal")
    if name == "trips":
        return mlm.glmm("mode ~ distance * student + (1 | district)", mlm.simulate.choice(seed=18), family="multinomial")
    if name == "zero":
        return mlm.glmm("TICKS ~ YEAR + cHEIGHT + (1 | BROOD)", mlm.load("grouseticks"), family="zip", zero="~ cHEIGHT")
    if name == "exposure":
        return mlm.glmm("deaths ~ uvb + (1 | nation)", mlm.load("mmmec"), family="poisson", exposure="expected")
    raise KeyError(name)


ASKED = {"cbpp": ("period", {}), "cbpp_agq25": ("period", {}), "contraception": ("urban", {"by": "livch"}),
         "epil": ("trt", {"at": {"lbase": [-0.5, 0.5]}})}


def agrees(table, ours, theirs, names):
    """Estimates, standard errors and ends against R's; glmer's own standard errors are good to five digits."""
    assert np.allclose(table[ours], theirs[names[0]], atol=1e-5)
    assert np.allclose(table["se"], theirs["SE"], rtol=3e-5)
    assert np.allclose(table["lower"], theirs["asymp.LCL"], atol=3e-5) and np.allclose(table["upper"], theirs["asymp.UCL"], atol=1e-4)


@pytest.mark.parametrize("case", ASKED)
def test_emmeans(case):
    over, options = ASKED[case]
    link, response = (mlm.emmeans(fit(case), over, type=type, **options) for type in ("link", "response"))
    agrees(link.table, "mean", R[case]["link"], ["emmean"])
    name = "rate" if case == "epil" else "prob"
    agrees(response.table, name, R[case]["response"], [name])


@pytest.mark.parametrize("case", ASKED)
def test_contrasts(case):
    over, options = ASKED[case]
    theirs = R[case]["contrast_link"]
    plain = mlm.emmeans(fit(case), over, **options).contrast("pairwise", adjust="none").table
    agrees(plain, "estimate", theirs, ["estimate"])
    assert np.allclose(plain["p"], theirs["p.value"], atol=1e-5)
    ratio = mlm.emmeans(fit(case), over, type="response", **options).contrast("pairwise")
    ours, name = ("ratio", "ratio") if case == "epil" else ("odds ratio", "odds.ratio")
    theirs = R[case]["contrast_adjusted"]
    agrees(ratio.table, ours, theirs, [name])
    assert np.allclose(ratio.table["p"], theirs["p.value"], atol=1e-5) and np.allclose(ratio.table["z"], theirs["z.ratio"], atol=1e-3)
    assert all(" / " in label for label in ratio.table["contrast"])


def test_trends():
    table = mlm.emtrends(fit("contraception"), "age", "urban").table
    agrees(table, "slope", R["contraception"]["trend"], ["age.trend"])
    agrees(mlm.emtrends(fit("epil"), "lbase", "trt").table, "slope", R["epil"]["trend"], ["lbase.trend"])


def test_what_means_say():
    found = mlm.emmeans(fit("cbpp"), "period", type="response")
    assert "Carried back from the linear predictor (logit)" in str(found) and "prob" in str(found)
    assert "odds ratio" in str(found.contrast()) and "tests are those of the linear predictor" in found.contrast().explain()
    assert "linear predictor (logit)" in str(mlm.emmeans(fit("cbpp"), "period"))
    assert "exposure of 1" in str(mlm.emmeans(fit("exposure"), at={"uvb": [0, 5]}, over="uvb", type="response"))
    probit = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size", link="probit")
    table = mlm.emmeans(probit, "period", type="response").contrast().table
    assert "estimate" in table  # no ratio belongs to a probit
    assert found.contrast().joint_test().distribution == "chi2(3)"


def test_means_of_other_models():
    zero = mlm.emmeans(fit("zero"), "YEAR", type="response")
    assert np.allclose(zero.table["rate"], np.exp(mlm.emmeans(fit("zero"), "YEAR").table["mean"])) and "zero part" in str(zero)
    latent = mlm.emmeans(fit("wine"), "temp").contrast("revpairwise").table["estimate"].iloc[0]
    own = fit("wine").params
    assert abs(latent - own["temp[T.warm]"] - 0.5 * own["temp[T.warm]:contact[T.yes]"]) < 1e-10
    with pytest.raises(ValueError, match="fit.margins"):
        mlm.emmeans(fit("wine"), "temp", type="response")
    with pytest.raises(ValueError, match="fit.margins"):
        mlm.emmeans(fit("trips"), "student")
    nominal = mlm.glmm("rating ~ temp + (1 | judge)", mlm.load("wine"), family="ordinal", nominal="~ contact")
    with pytest.raises(ValueError, match="Thresholds differ by 'contact'"):
        mlm.emmeans(nominal, "contact")


def at_parameters(own, x):
    """The fit as it would be at another point."""
    there = own.model.criterion(x, own.model.criterion.ahead(own._at, x))
    return type(own)(own.model, replace(own._found, at=there))


@pytest.mark.parametrize("groups", ["average", "typical", "given"])
@pytest.mark.parametrize("case", ["cbpp", "slope", "exposure"])
def test_margins_by_hand(case, groups):
    """Averages of predictions for moved rows, with standard errors by differences over all parameters."""
    own = fit(case)
    name, values = {"cbpp": ("period", ["1", "3"]), "slope": ("urban", ["N", "Y"]), "exposure": ("uvb", [-2.0, 3.0])}[case]
    data = copy.copy(own.data)

    def averages(result):
        return np.array([float(np.mean(result.predict(data.assign(**{name: value}), groups=groups))) for value in values])

    margins = own.margins(at={name: values}, groups=groups)
    assert np.allclose(margins.table["margin"], averages(own), atol=1e-10)
    se, G = np.sqrt(np.diagonal(own._x_cov)), []
    for k in range(len(se)):
        step = np.zeros(len(se))
        step[k] = 1e-4 * se[k]
        G.append((averages(at_parameters(own, own._at.x + step)) - averages(at_parameters(own, own._at.x - step))) / (2e-4 * se[k]))
    cov = np.array(G).T @ own._x_cov @ np.array(G)
    assert np.allclose(margins.cov, cov, rtol=1e-4, atol=1e-12)


@pytest.mark.parametrize("groups", ["average", "typical"])
def test_marginal_effects_by_hand(groups):
    own = fit("slope")
    data = own.data
    found = own.margins(dydx=["age", "urban"], groups=groups).table.set_index("effect of")["margin"]
    up, down = (np.mean(own.predict(data.assign(age=data["age"] + h), groups=groups)) for h in (1e-3, -1e-3))
    assert abs(found["age"] - (up - down) / 2e-3) < 1e-9
    town, land = (np.mean(own.predict(data.assign(urban=value), groups=groups)) for value in ("Y", "N"))
    assert abs(found["urban: Y vs N"] - (town - land)) < 1e-10


def test_effect_on_a_probability_is_the_mean_of_p_q_b():
    own = fit("contraception")
    p = own.predict(groups="typical").to_numpy()
    b = own.params
    slope = b["age"] + b["age:urban[T.Y]"] * (own.data["urban"] == "Y").to_numpy()
    assert abs(own.margins(dydx="age", groups="typical").table["margin"].iloc[0] - np.mean(p * (1 - p) * slope)) < 1e-8


def test_margins_of_two_parts():
    own = fit("zero")
    found = own.margins("YEAR").table
    data = own.data
    by_hand = [float(np.mean(own.predict(data.assign(YEAR=year), groups="average"))) for year in found["YEAR"]]
    assert np.allclose(found["margin"], by_hand, atol=1e-10) and (found["se"] > 0).all()


def test_margins_of_link_and_linear():
    own = fit("cbpp")
    link = own.margins("period", groups="typical", scale="link").table
    means = mlm.emmeans(own, "period").table
    assert np.allclose(link["margin"], means["mean"]) and np.allclose(link["se"], means["se"])
    formula, sleep = "Reaction ~ Days + (1 | Subject)", mlm.load("sleepstudy")
    one, other = mlm.lmm(formula, sleep, reml=False), mlm.glmm(formula, sleep, family="gaussian")
    a, b = (result.margins(at={"Days": [0, 5]}).table for result in (one, other))
    assert np.allclose(a["margin"], b["margin"], atol=1e-5) and np.allclose(a["se"], b["se"], rtol=1e-4)


def test_tests_of_coefficients():
    own = fit("contraception")
    test = own.test("livch[T.1] = 0, livch[T.2] = 0, livch[T.3+] = 0")
    assert test.distribution == "chi2(3)"
    assert abs(own.anova().tests["livch"].statistic - test.statistic) < 1e-8
    assert own.wald_test().df == 6
    b, V = own.params.to_numpy(), own.cov_params().to_numpy()
    assert abs(own.wald_test().statistic - b[1:] @ np.linalg.solve(V[1:, 1:], b[1:])) < 1e-8


def test_terms_of_several_predictors():
    own = fit("trips")
    table = own.anova().table
    assert table["df"].tolist() == [2, 2, 2] and table.index.tolist() == ["distance", "student", "distance:student"]
    pair = own.test([{name: 1.0} for name in own.params.index if "distance:student" in name])
    assert abs(table.loc["distance:student", "chi2"] - pair.statistic) < 1e-8
    assert own.wald_test().df == 6
    zero = fit("zero").anova().table
    assert zero.index.tolist() == ["YEAR", "cHEIGHT", "zero: cHEIGHT"]
    assert abs(zero.loc["zero: cHEIGHT", "chi2"] - fit("zero").tvalues["zero: cHEIGHT"] ** 2) < 1e-8
    wine = fit("wine").anova().table  # type 3 of a main effect: the mean over the other factor
    C = np.array([1.0, 0.0, 0.5])
    own = fit("wine")
    assert abs(wine.loc["temp", "chi2"] - (C @ own.params) ** 2 / (C @ own.cov_params().to_numpy() @ C)) < 1e-8


@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger"])
def test_degrees_of_freedom_are_of_linear_models(ddf):
    for call in (lambda: fit("cbpp").coef_table(ddf=ddf), lambda: fit("cbpp").anova(ddf=ddf),
                 lambda: mlm.emmeans(fit("cbpp"), "period", ddf=ddf).table, lambda: fit("cbpp").conf_int(method=ddf),
                 lambda: fit("cbpp").test("period[T.2] = 0", ddf=ddf)):
        with pytest.raises(ValueError, match="linear mixed models"):
            call()


def test_refusals():
    with pytest.raises(ValueError, match="groups="):
        fit("cbpp").margins(groups="all")
    with pytest.raises(ValueError, match="scale='link'"):
        fit("cbpp").margins(scale="link")
    with pytest.raises(mlm.DataError, match="no column of the fixed part"):
        fit("cbpp").margins("herd")
    with pytest.raises(TypeError, match="no option"):
        mlm.margins(mlm.ols("incidence ~ size", mlm.load("cbpp")), groups="typical")
