"""Outcomes drawn for new rows, predictions of models in two parts and of several outcomes: each against its distribution written out."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

import mlmlib as mlm
from bad_input import N, base
from mlmlib.glmm.families import family

DRAWS = 4000


@pytest.fixture(scope="module")
def binomial():
    table = base(n=np.full(N, 5), k=np.random.default_rng(3).binomial(5, expit(0.3 * base().x + base().w)))
    return mlm.glmm("k ~ x + (1 + x | g)", table, trials="n"), table


@pytest.fixture(scope="module")
def new(binomial):
    """Two groups that the fit knows and two that it does not, of 5 to 20 trials."""
    return binomial[1].iloc[[0, 9, 1, 10]].assign(g=[0, 1, 77, 78], n=[5, 20, 5, 20])


@pytest.mark.parametrize("random_effects, groups", [("new", "average"), ("kept", None)])
def test_outcomes_of_new_rows_have_the_predicted_means(binomial, new, random_effects, groups):
    """New groups are averaged over; groups kept have their predicted effects, and new ones among them are drawn."""
    fit, _ = binomial
    drawn = fit.simulate(DRAWS, 1, random_effects, data=new) / new.n.to_numpy()
    mean = fit.predict(new, groups=groups, new_groups="average")
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=4.5 * drawn.std(axis=0).max() / np.sqrt(DRAWS))
    if random_effects == "kept":  # a known group has no variance but that of its trials
        p = mean.to_numpy()[:2]
        np.testing.assert_allclose(drawn.std(axis=0)[:2], np.sqrt(p * (1 - p) / new.n[:2]), rtol=0.06)


def test_outcomes_given_outcomes_vary_about_the_modes(binomial, new):
    fit, _ = binomial
    drawn = fit.simulate(DRAWS, 1, "posterior", data=new.iloc[:2]) / new.n.to_numpy()[:2]
    kept = fit.simulate(DRAWS, 1, "kept", data=new.iloc[:2]) / new.n.to_numpy()[:2]
    np.testing.assert_allclose(drawn.mean(axis=0), kept.mean(axis=0), atol=0.06)
    assert (drawn.std(axis=0) > kept.std(axis=0)).all()


def test_trials_of_new_rows(binomial, new):
    """A column's name, numbers, one number, or the column that the fit named."""
    fit, table = binomial
    named, values, default = (fit.simulate(3, 7, data=new, **options) for options in ({"trials": "n"}, {"trials": new.n.to_numpy()}, {}))
    assert np.array_equal(named, values) and np.array_equal(named, default)
    assert fit.simulate(50, 7, data=new, trials=1).max() == 1
    by_values = mlm.glmm("k ~ x + (1 | g)", table, trials=table.n.to_numpy())
    with pytest.raises(mlm.DataError, match="The trials of the fit were given as values, which new rows do not have: say trials="):
        by_values.simulate(1, 1, data=new)


def test_a_hurdle_has_the_distribution_that_it_says():
    """A zero of its own probability; counts above it Poisson, truncated."""
    y, mu, zero = np.arange(-1.0, 6.0), np.full(7, 1.7), np.full(7, 0.3)
    own = (stats.poisson.cdf(y, 1.7) - np.exp(-1.7)) / -np.expm1(-1.7)
    np.testing.assert_allclose(family("hurdle-poisson").cdf_at(y, mu, np.empty(0), zero), np.where(y < 0, 0.0, 0.3 + 0.7 * np.maximum(own, 0.0)), rtol=1e-12)
    inflated = np.where(y < 0, 0.0, 0.3 + 0.7 * stats.poisson.cdf(y, 1.7))
    np.testing.assert_allclose(family("zip").cdf_at(y, mu, np.empty(0), zero), inflated, rtol=1e-12)


@pytest.mark.parametrize("kind, mean", [("zip", lambda mu: mu), ("hurdle-poisson", lambda mu: mu / -np.expm1(-mu))])
def test_two_parts_predict_by_their_scales(kind, mean):
    fit = mlm.glmm("c ~ x + (1 | g)", base(), family=kind, zero="~ x")
    link, zero, count, response = (fit.predict(scale=scale).to_numpy() for scale in ("link", "zero", "count", "response"))
    np.testing.assert_allclose(count, np.exp(link), rtol=1e-10)
    np.testing.assert_allclose(response, (1.0 - zero) * mean(np.exp(link)), rtol=1e-8)
    np.testing.assert_allclose(zero, expit(fit.params["zero: Intercept"] + fit.params["zero: x"] * base().x), rtol=1e-9)
    assert fit._of_design(fit.design).llf == pytest.approx(fit.llf, abs=1e-7)


@pytest.mark.parametrize("kind, outcome", [("hurdle-poisson", "c"), ("zip", "c"), ("zinb2", "c"), ("lognormal", "s"), ("poisson", "c"), ("gamma", "s")])
def test_intervals_of_means_hold_all_that_the_means_depend_on(kind, outcome):
    """Where the share of zeros or a variance moves the mean, the interval is of its logarithm, by its own error; else through the link."""
    table = base(s=np.exp(base().y / 2))
    fit = mlm.glmm(f"{outcome} ~ x + (1 | g)", table, family=kind)
    found = fit.predict(interval="confidence")
    error = found.se / found["mean"]
    if kind in ("poisson", "gamma"):
        error = fit.predict(scale="link", interval="confidence").se
    spread = np.exp(stats.norm.ppf(0.975) * error)
    np.testing.assert_allclose(found.upper, found["mean"] * spread, rtol=1e-10)
    np.testing.assert_allclose(found.lower, found["mean"] / spread, rtol=1e-10)


def test_the_interval_of_a_lognormal_mean_has_its_variance():
    """Without predictors log mean = b + s^2 / 2, whose variance is s^2 / n + s^4 / (2 n) (Zhou & Gao, 1997)."""
    s = np.exp(base().y)
    fit = mlm.glmm("s ~ 1", base(s=s), family="lognormal")
    found, s2 = fit.predict(interval="confidence").iloc[0], float(np.var(base().y))
    half = stats.norm.ppf(0.975) * np.sqrt(s2 / N + s2**2 / (2 * N))
    np.testing.assert_allclose(np.log(found[["lower", "upper"]].to_numpy(float)), base().y.mean() + s2 / 2 + half * np.array([-1, 1]), rtol=1e-5)


def test_several_outcomes_at_chosen_values():
    """Their margins are means of their predictions, and their linear predictors those of new rows without effects."""
    fit = mlm.glmm(["k ~ x + (1 | g)", "c ~ x + z + (1 | g)"], base(), family=["binomial", "poisson"])
    table = fit.margins(at={"x": [0.0, 1.0]}).table
    expected = [fit.predict(base(x=value), groups="average").mean().to_numpy() for value in (0.0, 1.0)]
    np.testing.assert_allclose(np.asarray(table["margin"], float), np.concatenate(expected), rtol=1e-6)
    alone = fit.predict(base(), scale="link", random_effects=False)
    np.testing.assert_allclose(fit._linear_predictor(base()), np.concatenate([alone["k"], alone["c"]]), rtol=1e-10)


@pytest.mark.parametrize("kind", [2, 3])
@pytest.mark.parametrize("family_, outcome", [("ordinal", "o"), ("multinomial", "f")])
def test_terms_of_categories_are_tested_by_their_coefficients(family_, outcome, kind):
    """Without interactions and with treatment contrasts both types are the Wald test of the term's own coefficients."""
    from bad_questions import ordered
    table = ordered().assign(h=np.array(list("pqr"))[np.arange(N) % 3])
    fit = mlm.glmm(f"{outcome} ~ x + h + (1 | g)", table, family=family_)
    found = fit.anova(type=kind).table
    for term, part in (("x", "x"), ("h", "h[T.")):
        names = [name for name in fit.params.index if name.rpartition(": ")[2].startswith(part)]
        b, V = fit.params[names], fit.cov_params().loc[names, names]
        assert found.loc[term, "chi2"] == pytest.approx(float(b @ np.linalg.solve(V, b)), rel=1e-7)
        assert found.loc[term, "df"] == len(names)
    assert fit.refit() is fit and np.allclose(fit.probabilities.sum(axis=1), 1.0)
