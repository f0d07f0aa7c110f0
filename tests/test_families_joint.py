"""Outcomes of different families joined by correlated random effects.

No program at hand fits these (glmmTMB does not; Stata's gsem and SAS's GLIMMIX do): the likelihood is held to quadrature by
hand, written here with scipy's densities, and to models that other parts of the library fit.
"""

import mlmlib as mlm
import numpy as np
import pandas as pd
import pytest
from mlmlib.glmm.density import Density
from mlmlib.glmm.families import family
from mlmlib.glmm.joint_density import JointDensity
from scipy import stats
from scipy.special import gammaln

pytestmark = pytest.mark.filterwarnings("error")

TWO = ["ill ~ x + (1 | g)", "visits ~ x + (1 | g)"]
KINDS = ["binomial", "poisson"]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    J, m = 60, 8
    g, x = np.repeat(np.arange(J), m), rng.normal(size=J * m)
    u = rng.multivariate_normal([0, 0], [[1.0, 0.5], [0.5, 0.6]], J)[g]
    return pd.DataFrame({
        "g": [f"c{k:02d}" for k in g], "x": x, "ill": rng.binomial(1, 1 / (1 + np.exp(-(0.3 + 0.5 * x + u[:, 0])))),
        "visits": rng.poisson(np.exp(0.2 - 0.3 * x + u[:, 1])), "score": 50 + 4 * x + 5 * u[:, 0] + 6 * rng.normal(size=J * m),
        "weight": 2 + x + u[:, 1] + rng.normal(size=J * m), "years": rng.uniform(0.5, 2, J * m), "n": rng.integers(1, 6, J * m)})


@pytest.fixture(scope="module")
def fit(data):
    return mlm.glmm(TWO, data, family=KINDS)


def test_independent_effects_give_the_separate_models(data):
    joined = mlm.glmm([*TWO, "score ~ x + (x | g)"], data, family=[*KINDS, "gaussian"], covariance="independent")
    apart = [mlm.glmm(one, data, family=kind, covariance="independent")
             for one, kind in zip([*TWO, "score ~ x + (x | g)"], [*KINDS, "gaussian"], strict=True)]
    assert joined.converged
    assert joined.llf == pytest.approx(sum(one.llf for one in apart), abs=1e-6)
    np.testing.assert_allclose(joined.params, np.concatenate([one.params for one in apart]), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(joined.bse, np.concatenate([one.bse for one in apart]), rtol=1e-5)
    np.testing.assert_allclose(joined.variance_components["variance"], np.concatenate(
        [one.variance_components["variance"] for one in apart]), rtol=1e-4, atol=1e-6)
    assert joined.dispersion.index.tolist() == ["score: sigma"]
    assert joined.dispersion.iloc[0] == pytest.approx(apart[2].dispersion["sigma"], rel=1e-6)


def by_hand(data, b, T, step=0.1):
    """-2 log-likelihood of a binary outcome and a count by a fine grid over both effects of each group."""
    z = np.arange(-7, 7 + step, step)
    u = (np.linalg.cholesky(T) @ np.stack(np.meshgrid(z, z, indexing="ij")).reshape(2, -1)).T
    weight = np.log(np.outer(stats.norm.pdf(z), stats.norm.pdf(z)).ravel() * step**2)
    total = 0.0
    for _, own in data.groupby("g"):
        x, ill, visits = (own[name].to_numpy() for name in ("x", "ill", "visits"))
        eta, log_rate = b[0] + b[1] * x + u[:, :1], b[2] + b[3] * x + u[:, 1:]
        logf = (ill * eta - np.logaddexp(0, eta) + visits * log_rate - np.exp(log_rate) - gammaln(visits + 1)).sum(axis=1)
        total += np.logaddexp.reduce(logf + weight)
    return -2 * total


def test_quadrature_by_hand_gives_the_same_likelihood(data):
    few = data[data["g"] < "c12"].groupby("g").head(4)
    fit = mlm.glmm(TWO, few, family=KINDS, method="agq", nodes=21)
    b, T = np.array([0.2, 0.4, 0.1, -0.3]), np.array([[0.8, 0.3], [0.3, 0.4]])
    at = fit.model._criterion()(fit.model.point(b, [T], np.empty(0))).value
    assert at == pytest.approx(by_hand(few, b, T), abs=1e-7)
    assert fit.converged and fit.criterion < at
    laplace = mlm.glmm(TWO, few, family=KINDS)
    assert abs(laplace.criterion - fit.criterion) < 1


def test_the_maximum_is_one_by_hand(data):
    fit = mlm.glmm(TWO, data, family=KINDS, method="agq", nodes=15)
    b, T = fit.params.to_numpy(), fit._T[0]
    best = by_hand(data, b, T, 0.2)
    assert fit.criterion == pytest.approx(best, abs=1e-6)
    rng = np.random.default_rng(1)
    for _ in range(10):
        scale = np.diag(1 + 0.03 * rng.normal(size=2))
        moved = by_hand(data, b + 0.03 * rng.normal(size=4), scale @ T @ scale, 0.2)
        assert moved > best


def test_two_gaussian_outcomes_are_a_linear_model_of_the_stacked_table(data):
    joined = mlm.glmm(["score ~ x + (1 | g)", "weight ~ x + (1 | g)"], data.assign(
        weight=data["weight"].where(np.arange(480) % 7 > 0)), family="gaussian")
    kept = data[np.arange(480) % 7 > 0]
    long = pd.concat([data.assign(y=data["score"], outcome="score"), kept.assign(y=kept["weight"], outcome="weight")])
    linear = mlm.lmm("y ~ 0 + outcome + outcome:x + (0 + outcome | g)", long, reml=False, variance=mlm.by_group("outcome"))
    assert joined.llf == pytest.approx(linear.llf, abs=1e-6)
    names = ["outcome[score]", "outcome[score]:x", "outcome[weight]", "outcome[weight]:x"]
    np.testing.assert_allclose(joined.params, linear.params[names], rtol=1e-5)
    np.testing.assert_allclose(joined.covariance_matrix(), linear.covariance_matrix(), rtol=1e-4)
    assert any("score" not in text and "weight" in text for text in joined.messages)


def test_two_gaussian_outcomes_are_the_multivariate_model_where_residuals_do_not_covary():
    rng = np.random.default_rng(2)
    J, m = 40, 6
    g = np.repeat(np.arange(J), m)
    u = rng.multivariate_normal([0, 0], [[2.0, 0.9], [0.9, 1.0]], J)[g]
    e = rng.normal(size=(2, J, m))
    e -= e.mean(axis=2, keepdims=True)
    e[1] -= e[0] * (e[0] * e[1]).sum() / (e[0] ** 2).sum()  # residuals within groups are orthogonal
    data = pd.DataFrame({"g": g, "a": 3 + u[:, 0] + e[0].ravel(), "b": 1 + u[:, 1] + 0.7 * e[1].ravel()})
    joined = mlm.glmm(["a ~ 1 + (1 | g)", "b ~ 1 + (1 | g)"], data, family="gaussian")
    both = mlm.multivariate("a + b ~ 1 + (1 | g)", data, reml=False)
    assert joined.llf == pytest.approx(both.llf, abs=1e-6)
    np.testing.assert_allclose(joined.params, both.params, rtol=1e-8)
    np.testing.assert_allclose(joined.covariance_matrix(), both.covariance_matrix(), rtol=1e-5)


def test_correlation_comes_back(fit):
    assert fit.converged and fit.outcomes == ("ill", "visits")
    T = fit.covariance_matrix()
    assert T.index.tolist() == ["ill: Intercept", "visits: Intercept"]
    parts = fit.variance_components
    assert abs(parts["variance"][2] - 0.5) < 3 * parts["se"][2]
    assert np.abs((fit.params - [0.3, 0.5, 0.2, -0.3]) / fit.bse).max() < 3
    assert "joint binomial and Poisson" in str(fit.summary())


def test_options_of_one_outcome(data):
    """Trials, exposure, offset and weights for all or by outcome, as in the separate models."""
    data = data.assign(ill=np.minimum(data["ill"] * 2, data["n"]))
    separate = [mlm.glmm("ill ~ x + (1 | g)", data, trials="n"),
                mlm.glmm("visits ~ x + (1 | g)", data, family="nbinom2", exposure="years", weights="n")]
    joined = mlm.glmm(TWO, data, family={"ill": "binomial", "visits": "nbinom2"}, trials="n", exposure={"visits": "years"},
                      weights={"visits": "n"}, covariance="independent")
    assert joined.llf == pytest.approx(sum(one.llf for one in separate), abs=1e-6)
    np.testing.assert_allclose(joined.dispersion, separate[1].dispersion, rtol=1e-5)
    np.testing.assert_allclose(joined.mu, np.concatenate([one.mu for one in separate]), rtol=1e-5)
    np.testing.assert_allclose(joined.resid, np.concatenate([one.resid for one in separate]), atol=1e-5)
    new = data.head(3)
    np.testing.assert_allclose(joined.predict(new)["visits"], separate[1].predict(new), rtol=1e-5)
    np.testing.assert_allclose(joined.predict(new, groups="average")["visits"], separate[1].predict(new, groups="average"),
                               rtol=1e-5)


def test_predictions(fit, data):
    own = fit.predict()
    np.testing.assert_allclose(np.concatenate([own["ill"], own["visits"]]), fit.mu, rtol=1e-10)
    np.testing.assert_allclose(fit.predict(data), own, rtol=1e-10)
    new = data.head(2).assign(g=["c00", "elsewhere"])
    typical = fit.predict(new, groups="typical")
    np.testing.assert_allclose(fit.predict(new).iloc[1], typical.iloc[1])
    eta = fit.params["visits: Intercept"] + fit.params["visits: x"] * new["x"]
    np.testing.assert_allclose(fit.predict(new, groups="average")["visits"], np.exp(eta + fit._T[0][1, 1] / 2), rtol=1e-10)
    np.testing.assert_allclose(fit.predict(new, groups="typical", scale="link")["visits"], eta)
    with pytest.raises(mlm.DataError, match="not seen"):
        fit.predict(new, new_groups="error")


def test_draws_and_refits(fit):
    y = fit.simulate(300, seed=1)
    assert y.shape == (300, 960) and set(np.unique(y[:, :480])) == {0.0, 1.0}
    assert abs(y[:, 480:].mean() / fit.design.y[480:].mean() - 1) < 0.2
    again = fit.refit(y[0])
    assert again.converged and np.abs((again.params - fit.params) / fit.bse).max() < 5


def test_different_random_parts(data):
    """Slopes in one outcome; a double bar stays apart; a factor that one outcome has only."""
    both = mlm.glmm(["ill ~ x + (1 | g)", "weight ~ x + (x | g)"], data, family=["binomial", "gaussian"])
    assert both.covariance_matrix().index.tolist() == ["ill: Intercept", "weight: Intercept", "weight: x"]
    apart = mlm.glmm(["ill ~ x + (1 | g)", "weight ~ x + (1 || g)"], data, family=["binomial", "gaussian"])
    alone = [mlm.glmm("ill ~ x + (1 | g)", data), mlm.glmm("weight ~ x + (1 | g)", data, family="gaussian")]
    assert apart.llf == pytest.approx(sum(one.llf for one in alone), abs=1e-6)
    row = data.assign(row=np.arange(480))
    extra = mlm.glmm(["ill ~ x + (1 | g)", "visits ~ x + (1 | g) + (1 | row)"], row, family=KINDS)
    assert extra.converged and list(extra.random_effects) == ["g", "row"]
    none = mlm.glmm(["ill ~ x", "visits ~ x"], data, family=KINDS)
    assert none.llf == pytest.approx(mlm.glmm("ill ~ x", data).llf + mlm.glmm("visits ~ x", data, family="poisson").llf)


def test_the_density_is_that_of_its_parts():
    y = np.array([0.0, 1.0, 3.0]), np.array([0.2, 0.5])
    parts = [Density(y[0], family("nbinom2")), Density(y[1], family("beta"))]
    joint = JointDensity(parts, ["a", "b"])
    eta, psi = np.array([0.1, 0.2, -0.3, 0.4, 0.5]), np.array([0.3, 1.0])
    at = joint(eta, psi)
    first, second = parts[0](eta[:3], psi[:1]), parts[1](eta[3:], psi[1:])
    np.testing.assert_array_equal(at.d3, np.concatenate([first.d3, second.d3]))
    assert (at.p1[0, 3:] == 0).all() and (at.p1[1, :3] == 0).all()
    assert joint.psi_names == ("a: log theta", "b: log phi") and joint(eta, psi, 2).p is None
    assert [row[0] for row in joint.reported(psi)] == ["a: theta", "b: phi"]


@pytest.mark.parametrize(("formulas", "options", "words"), [
    (["ill ~ x + (1 | g)"], {}, "several outcomes"), (["ill ~ x + (1 | g)", "ill ~ 1"], {}, "two formulas"),
    (TWO, {"family": ["binomial"]}, "one for each"), (TWO, {"family": {"sick": "poisson"}}, "sick"),
    (TWO, {"family": ["binomial", "multinomial"]}, "no place"), (TWO, {"method": "pql"}, "laplace"),
    (TWO, {"zero": "~ 1"}, "zero"), (["ill ~ x", "~ x"], {}, "no outcome"),
])
def test_refusals(data, formulas, options, words):
    with pytest.raises(ValueError, match=words):
        mlm.glmm(formulas, data, **{"family": KINDS, **options})


def test_what_means_are_told_to_ask_instead_answers(data, fit):
    """emmeans names a call; that very call gives a column an outcome."""
    with pytest.raises(mlm.DataError, match="models of one outcome") as refused:
        mlm.emmeans(fit, "x")
    call = str(refused.value).split("fit.")[1].split(" gives")[0]
    assert call == "predict(data, random_effects=False)"
    assert list(fit.predict(data, random_effects=False).columns) == ["ill", "visits"]
