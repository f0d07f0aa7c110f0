"""Fits with every family through mlm.glmm: against glmmTMB, statsmodels, quadrature by hand, and parameters that were put in."""

import json
from contextlib import nullcontext

import mlmlib as mlm
import numpy as np
import pandas as pd
import pytest
from mlmlib.glmm.families import family
from models import REFERENCE
from scipy import stats
from test_families import PSI, frozen

pytestmark = pytest.mark.filterwarnings("error")

TRUTH = json.loads((REFERENCE / "r" / "families.json").read_text())["fits"]
SEIZURES, SLEEP = "y ~ lbase * trt + lage + V4 + (1 | subject)", "tenths ~ Days + (1 | Subject)"
FIRST = "y ~ base + trt + (1 | subject)"
OWLS, BOTH = "SiblingNegotiation ~ FoodTreatment + offset(logBroodSize) + (1 | Nest)", "~ FoodTreatment + (1 | Nest)"
CASES = {
    "geometric": ("epil", SEIZURES, {"family": "geometric"}),
    "exponential": ("sleepstudy", SLEEP, {"family": "exponential"}),
    "t5": ("sleepstudy", SLEEP, {"family": "t(5)"}),
    "t_slope": ("sleepstudy", "tenths ~ Days + (Days | Subject)", {"family": "t"}),
    "gaussian_log": ("sleepstudy", SLEEP, {"family": "gaussian", "link": "log"}),
    "poisson_sqrt": ("epil", FIRST, {"family": "poisson", "link": "sqrt"}),
    "nbinom2_sqrt": ("epil", FIRST, {"family": "nbinom2", "link": "sqrt"}),
    "binomial_log": ("cbpp", "incidence ~ period + (1 | herd)", {"link": "log", "trials": "size"}),
    "zip_both": ("owls", OWLS, {"family": "zip", "zero": BOTH}),
    "zip_slope": ("owls", OWLS, {"family": "zip", "zero": "~ FoodTreatment + (FoodTreatment | Nest)"}),
    "zinb2_both": ("owls", OWLS, {"family": "zinb2", "zero": BOTH}),
    "hurdle_both": ("owls", OWLS, {"family": "hurdle-poisson", "zero": BOTH}),
    "hurdle_nbinom1": ("owls", OWLS, {"family": "hurdle-nbinom1", "zero": BOTH}),
    "hurdle_nbinom2": ("owls", OWLS, {"family": "hurdle-nbinom2", "zero": "~ FoodTreatment"}),
    "zip_fixed": ("owls", OWLS.removesuffix(" + (1 | Nest)"), {"family": "zip", "zero": "~ FoodTreatment"}),
}
LOG_DISPERSION = {"t5": 1.0, "t_slope": 1.0, "gaussian_log": 0.5}  # betad is the logarithm of a scale, or of its square


def table(name):
    data = pd.read_csv(REFERENCE / "data" / "owls.csv") if name == "owls" else mlm.load(name)
    return data.assign(tenths=data["Reaction"] / 100) if name == "sleepstudy" else data


def test_every_reference_is_used():
    assert set(CASES) == set(TRUTH)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_glmmtmb(name):
    data, formula, options = CASES[name]
    fit, truth = mlm.glmm(formula, table(data), **options), TRUTH[name]
    assert fit.converged and fit.n_params == truth["df"]
    assert fit.llf == pytest.approx(truth["logLik"], abs=1e-6)
    b = np.array([*truth["fixef"].values(), *truth.get("zi", {}).values()])
    se = np.array([*truth["se"].values(), *truth.get("se_zi", {}).values()])
    if name == "poisson_sqrt":  # (-eta)^2 is eta^2: glmmTMB found the mirror image
        b = -b
    np.testing.assert_allclose(fit.params, b, atol=1e-6 * max(1, se.max()))
    np.testing.assert_allclose(fit.bse, se, rtol=2e-6)
    sd = [np.sqrt(np.diagonal(T)) for T in fit._T]
    theta = [*truth["theta"], *truth.get("thetazi", [])]
    if name == "exponential":  # no variance between subjects: R's is 1e-11
        assert fit.is_singular and sd[0] < 1e-5 and theta[0] < -10
    else:
        for own in sd:
            np.testing.assert_allclose(np.log(own), theta[: len(own)], atol=2e-6)
            theta = theta[len(own) * (len(own) + 1) // 2:]
    if "betad" in truth:
        assert np.log(fit.dispersion.iloc[0]) == pytest.approx(LOG_DISPERSION.get(name, 1.0) * truth["betad"], abs=2e-6)


def test_lognormal_is_the_linear_model_of_the_logarithm():
    data = mlm.load("sleepstudy")
    fit = mlm.glmm("Reaction ~ Days + (Days | Subject)", data, family="lognormal")
    linear = mlm.lmm("log(Reaction) ~ Days + (Days | Subject)", data, reml=False)
    assert fit.llf == pytest.approx(linear.llf - np.log(data["Reaction"]).sum(), abs=1e-8)
    np.testing.assert_allclose(fit.params, linear.params, rtol=1e-7)
    assert fit.dispersion["sigma"] == pytest.approx(linear.sigma, rel=1e-6)
    np.testing.assert_allclose(fit.mu, np.exp(linear.fittedvalues + linear.sigma**2 / 2), rtol=1e-6)


def test_gaussian_is_the_linear_model():
    data = mlm.load("sleepstudy")
    fit = mlm.glmm("Reaction ~ Days + (Days | Subject)", data, family="gaussian")
    linear = mlm.lmm("Reaction ~ Days + (Days | Subject)", data, reml=False)
    assert fit.llf == pytest.approx(linear.llf, abs=1e-8)
    np.testing.assert_allclose(fit.bse, linear.bse, rtol=1e-4)


# quadrature by hand: each family, its links, a small table

def place(name, own):
    """Intercept, slope and standard deviation that keep all means where they may be."""
    low, high = own.domain(family(name).support)
    if low == -np.inf and high == np.inf and own.name != "sqrt":
        return 0.2, 0.3, 0.25 if name == "beta" and "loglog" in own.name else 0.7
    return (2.0, 0.3, 0.15) if high == np.inf or own.name == "sqrt" else (0.5, 0.1, 0.04) if low == 0 else (-1.0, 0.2, 0.08)


def small(name, own):
    """12 groups of 4 rows drawn from the family, with trials where it is binomial."""
    rng, one = np.random.default_rng(8), family(name)
    g, x = np.repeat(np.arange(12), 4), rng.uniform(-1, 1, 48)
    intercept, slope, sd = place(name, own)
    eta = intercept + slope * x + sd * rng.standard_normal(12)[g]
    trials = rng.integers(1, 12, 48).astype(float) if name == "binomial" else None
    y = one.simulate(own.mean(eta), np.array(PSI[name][0]), rng, trials)
    return pd.DataFrame({"g": g, "x": x, "y": np.clip(y, 1e-6, 1 - 1e-6) if name == "beta" else y}), trials


def by_hand(name, own, data, trials, b, sd, psi, nodes=400):
    """-2 log-likelihood by a fine grid over each group's effect, with scipy's densities."""
    z = np.linspace(-8, 8, nodes)
    eta = (b[0] + b[1] * data["x"].to_numpy())[:, None] + sd * z
    truth = frozen(name, own.mean(eta), psi, None if trials is None else trials[:, None])
    y = data["y"].to_numpy()[:, None]
    logf = truth.logpmf(y) if family(name).discrete else truth.logpdf(y)
    logf = np.where(np.isnan(logf), -np.inf, logf)  # a mean that is 1 in all digits, at a node of no weight
    groups = np.stack([logf[(data["g"] == j).to_numpy()].sum(axis=0) for j in range(12)])
    weight, top = stats.norm.pdf(z) * (z[1] - z[0]), groups.max(axis=1, keepdims=True)
    return -2 * float(np.log(np.exp(groups - top) @ weight).sum() + top.sum())


LINKED = [(name, own) for name in PSI if name not in ("t", "bernoulli") for own in family(name).links if own != "power"
          and not (name in ("gaussian", "t(5)") and own != "identity")]


@pytest.mark.parametrize(("name", "own"), LINKED)
def test_quadrature_by_hand_gives_the_same_likelihood(name, own):
    own, psi = family(name).link_of(own), np.array(PSI[name][0])
    data, trials = small(name, own)
    fit = mlm.glmm("y ~ x + (1 | g)", data, family=name, link=own.name, trials=trials, method="agq", nodes=41)
    *b, sd = place(name, own)
    model = fit.model
    at = model.criterion(model.point(np.array(b), [np.array([[sd**2]])], psi)).value
    assert at == pytest.approx(by_hand(name, own, data, trials, b, sd, psi), abs=1e-6)
    assert fit.criterion <= at
    if own.domain(family(name).support) == (-np.inf, np.inf) and own.name != "sqrt" and not fit.is_singular:
        b, sd = fit.params.to_numpy(), float(np.sqrt(fit._T[0][0, 0]))
        exact = by_hand(name, own, data, trials, b, sd, fit._psi)
        assert fit.criterion == pytest.approx(exact, abs=1e-6)
        for factor in (0.98, 1.02):  # a minimum
            assert by_hand(name, own, data, trials, b, sd * factor, fit._psi) > exact
            assert by_hand(name, own, data, trials, b * factor, sd, fit._psi) > exact


# parameters that were put in

@pytest.mark.parametrize("name", [name for name in PSI if name != "bernoulli"])
def test_parameters_come_back(name):
    rng, one, psi = np.random.default_rng(11), family(name), np.array(PSI[name][0])
    J, m = 150, 12
    g, x = np.repeat(np.arange(J), m), rng.normal(size=J * m)
    u = 0.6 * rng.standard_normal(J)
    eta = 0.3 + 0.4 * x + u[g]
    trials = np.full(J * m, 6.0) if name == "binomial" else None
    data = pd.DataFrame({"g": g, "x": x, "y": one.simulate(one.link_of(None).mean(eta), psi, rng, trials)})
    if name == "inverse-gaussian":
        data["y"] = data["y"].clip(lower=1e-12)
    fit = mlm.glmm("y ~ x + (1 | g)", data, family=name, trials=trials)
    assert fit.converged
    assert np.abs((fit.params - [0.3, 0.4]) / fit.bse).max() < 3.5
    sd = fit.variance_components.iloc[0]
    assert abs(np.log(sd["sd"] / 0.6)) < 3.5 * sd["se"] / (2 * sd["variance"])
    for (_, row), wanted in zip(fit.dispersion_table().iterrows(), np.exp(psi), strict=True):
        assert abs(np.log(row["estimate"] / wanted)) < 3.5 * row["se"] / row["estimate"]
        assert row["lower"] < row["estimate"] < row["upper"]


@pytest.mark.parametrize("name", ["zip", "zinb1", "zinb2", "hurdle-poisson", "hurdle-nbinom1", "hurdle-nbinom2"])
def test_zero_parts_come_back(name):
    """Both parts with predictors and random effects, then as one probability."""
    rng, one = np.random.default_rng(12), family(name).with_predictor()
    J, m = 150, 14
    g, x = np.repeat(np.arange(J), m), rng.normal(size=J * m)
    u = rng.standard_normal((J, 2)) * [0.5, 0.7]
    eta = np.stack([1.0 + 0.4 * x + u[g, 0], -0.6 + 0.5 * x + u[g, 1]])
    psi = np.full(len(one.psi_names), 0.4)
    draw = one.density(np.array([0.0, *np.ones(J * m - 1)])).simulate
    data = pd.DataFrame({"g": g, "x": x, "y": draw(eta, psi, rng)})
    fit = mlm.glmm("y ~ x + (1 | g)", data, family=name, zero="~ x + (1 | g)")
    assert fit.converged and fit.params.index.tolist() == ["Intercept", "x", "zero: Intercept", "zero: x"]
    assert np.abs((fit.params - [1.0, 0.4, -0.6, 0.5]) / fit.bse).max() < 3.5
    sd = fit.variance_components
    assert (np.abs(np.log(sd["sd"] / [0.5, 0.7])) < 3.5 * sd["se"] / (2 * sd["variance"])).all()
    assert (np.abs(np.log(fit.dispersion / np.exp(0.4))) < 0.5).all()
    flat = np.stack([eta[0], np.full(J * m, -0.6)])
    fit = mlm.glmm("y ~ x + (1 | g)", data.assign(y=draw(flat, psi, rng)), family=name)
    row = fit.dispersion_table().set_index("name").loc["zero"]
    assert row["lower"] < 1 / (1 + np.exp(0.6)) < row["upper"]
    assert np.abs((fit.params - [1.0, 0.4]) / fit.bse).max() < 3.5


# without random terms

def test_without_random_terms_it_is_the_generalized_linear_model():
    import statsmodels.api as sm
    from statsmodels.tools.sm_exceptions import DomainWarning
    rng = np.random.default_rng(5)
    x = rng.normal(size=300)
    X = sm.add_constant(x)
    for name, own, known in (("gamma", "log", sm.families.Gamma(sm.families.links.Log())),
                             ("gamma", "inverse", sm.families.Gamma()),
                             ("inverse-gaussian", "log", sm.families.InverseGaussian(sm.families.links.Log())),
                             ("inverse-gaussian", "inverse-squared", sm.families.InverseGaussian()),
                             ("binomial", "cauchit", sm.families.Binomial(sm.families.links.Cauchy())),
                             ("binomial", "loglog", sm.families.Binomial(sm.families.links.LogLog())),
                             ("poisson", "identity", sm.families.Poisson(sm.families.links.Identity()))):
        one = family(name)
        own = one.link_of(own)
        eta = (3.0 if own.domain(one.support)[0] == 0 else 0.3) + 0.3 * x
        psi = np.full(len(one.psi_names), -0.5)
        y = one.simulate(own.mean(eta), psi, rng)
        fit = mlm.glmm("y ~ x", {"y": y, "x": x}, family=name, link=own.name)
        with pytest.warns(DomainWarning) if own.name in ("inverse", "identity") else nullcontext():
            theirs = sm.GLM(y, X, family=known).fit(tol=1e-12)
        assert fit.converged and fit.n_groups == {}
        np.testing.assert_allclose(fit.params, theirs.params, rtol=2e-6, atol=1e-7)
        if name in ("binomial", "poisson"):
            assert fit.llf == pytest.approx(theirs.llf, abs=1e-7)
        elif name == "inverse-gaussian":  # its maximum likelihood estimate of phi is the mean deviance
            assert fit.dispersion["phi"] == pytest.approx(theirs.deviance / 300, rel=1e-5)


def test_negative_binomial_regression_is_glmmtmbs():
    truth = json.loads((REFERENCE / "r" / "tmb_epil_nbinom2_fixed.json").read_text())["results"]
    fit = mlm.glmm("y ~ lbase * trt + lage + V4", mlm.load("epil"), family="nbinom2")
    assert fit.llf == pytest.approx(truth["logLik"], abs=1e-7)
    np.testing.assert_allclose(fit.params, list(truth["fixef"].values()), rtol=1e-6)
    assert fit.predict(mlm.load("epil").head(3)).shape == (3,) and fit.variance_components.empty


# what may go wrong

def test_no_overdispersion_is_told():
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(60), 8)
    data = {"g": g, "y": rng.binomial(5, 0.3 + 0.02 * rng.standard_normal(60)[g])}
    poisson = mlm.glmm("y ~ 1 + (1 | g)", data, family="poisson")
    for name in ("nbinom2", "nbinom1", "zip"):
        fit = mlm.glmm("y ~ 1 + (1 | g)", data, family=name)
        assert fit.llf == pytest.approx(poisson.llf, abs=1e-6)
        assert any("edge" in text for text in fit.messages)


def test_zero_formula_is_refused_where_it_has_no_place():
    data = {"g": list("aabb") * 5, "y": [0, 1, 2, 3] * 5, "z": range(20)}
    with pytest.raises(ValueError, match="zip"):
        mlm.glmm("y ~ 1 + (1 | g)", data, family="poisson", zero="~ z")
    with pytest.raises(mlm.FormulaError, match="predictors"):
        mlm.glmm("y ~ 1 + (1 | g)", data, family="zip", zero="y ~ z")
    with pytest.raises(mlm.FormulaError, match="quasi"):
        mlm.glmm("y ~ 1 + (1 | g)", data, family="zip", zero="~ z", method="pql")
    with pytest.raises(mlm.DataError, match="no zeros"):
        mlm.glmm("y ~ 1 + (1 | g)", {**data, "y": [1, 2, 3, 4] * 5}, family="zip")


def test_zero_part_predicts_and_draws():
    owls = table("owls")
    fit = mlm.glmm(OWLS, owls, family="zip", zero=BOTH)
    np.testing.assert_allclose(fit.predict(owls), fit.mu, rtol=1e-10)
    np.testing.assert_allclose(fit.predict(scale="zero"), fit.zero_probability, rtol=1e-10)
    np.testing.assert_allclose(fit.predict(scale="count") * (1 - fit.predict(scale="zero")), fit.mu, rtol=1e-10)
    new = owls.head(2).assign(Nest=["Oleyes", "elsewhere"])
    typical, averaged = (fit.predict(new, groups=kind).to_numpy() for kind in ("typical", "average"))
    np.testing.assert_allclose(fit.predict(new)[1], typical[1])
    np.testing.assert_allclose(fit.predict(new, new_groups="average")[1], averaged[1])
    rng = np.random.default_rng(1)
    u = rng.standard_normal((200_000, 2)) * np.sqrt([fit._T[0][0, 0], fit._T[1][0, 0]])
    eta = fit._linear_predictor(new)[:, 1]
    drawn = np.exp(eta[0] + u[:, 0]) / (1 + np.exp(eta[1] + u[:, 1]))
    assert abs(drawn.mean() - averaged[1]) < 4 * drawn.std() / np.sqrt(200_000)
    for kind in ("new", "kept", "posterior"):
        y = fit.simulate(200, seed=1, random_effects=kind)
        assert y.shape == (200, 599) and abs(y.mean() / owls["SiblingNegotiation"].mean() - 1) < 0.15
        assert abs((y == 0).mean() - (owls["SiblingNegotiation"] == 0).mean()) < 0.05
        assert fit.simulate(2, seed=1, random_effects=kind, data=new).shape == (2, 2)
    assert fit.refit(fit.simulate(1, seed=2)[0]).converged
    with pytest.raises(mlm.DataError, match="not seen"):
        fit.predict(new, new_groups="error")


@pytest.mark.parametrize(("name", "own"), [("gaussian", "identity"), ("t", "identity"), ("gamma", "inverse"),
                                           ("gamma", "identity"), ("inverse-gaussian", "inverse-squared")])
@pytest.mark.parametrize("size", [1e-6, 1e6])
def test_the_outcome_s_unit_does_not_matter(name, own, size):
    sleep = table("sleepstudy")
    one = mlm.glmm(SLEEP, sleep, family=name, link=own)
    other = mlm.glmm(SLEEP, sleep.assign(tenths=size * sleep["tenths"]), family=name, link=own)
    assert other.converged and other.n_evaluations < one.n_evaluations + 10
    assert other.llf == pytest.approx(one.llf - 180 * np.log(size), abs=1e-6)
    k = {"identity": 1, "inverse": -1, "inverse-squared": -2}[own]
    np.testing.assert_allclose(other.params, one.params * size**k, rtol=1e-5)
    np.testing.assert_allclose(other.bse, one.bse * size**k, rtol=1e-4)
    np.testing.assert_allclose(other._T[0], one._T[0] * size ** (2 * k), rtol=1e-4)


def test_a_zero_part_without_zeros_is_told():
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(40), 5)
    data = {"g": g, "y": rng.binomial(6, np.clip(0.4 + 0.1 * rng.normal(size=40)[g], 0.1, 0.9))}
    fit = mlm.glmm("y ~ 1 + (1 | g)", data, family="zip", zero="~ 1")
    assert fit.llf == pytest.approx(mlm.glmm("y ~ 1 + (1 | g)", data, family="poisson").llf, abs=1e-3)
    assert fit.zero_probability.max() < 1e-5 and any("no more zeros" in text for text in fit.messages)
