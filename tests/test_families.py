"""The densities of all families under all their links: values, derivatives, tails, moments, draws, refusals."""

import numpy as np
import pytest
from mlmlib.errors import DataError
from mlmlib.glmm.density import Density
from mlmlib.glmm.families import family
from mlmlib.glmm.links import LINKS, link
from scipy import stats

pytestmark = pytest.mark.filterwarnings("error")

# psi at which each family is looked at, ordinary and extreme
PSI = {
    "gaussian": [[0.3], [-2.0]], "lognormal": [[-0.5], [1.0]], "t": [[0.3, 1.0], [-0.5, 8.0], [0.0, -1.0]], "t(5)": [[0.2]],
    "binomial": [[]], "bernoulli": [[]], "poisson": [[]], "geometric": [[]], "exponential": [[]],
    "nbinom2": [[0.5], [8.0], [-4.0]], "nbinom1": [[0.5], [-6.0], [4.0]], "gamma": [[0.3], [-2.0]],
    "inverse-gaussian": [[0.1], [-3.0]], "beta": [[1.0], [-2.0], [6.0]],
}
ZEROS = {"zip": [[0.3], [-6.0]], "zinb1": [[0.4, -1.0]], "zinb2": [[0.7, 0.2]], "hurdle-poisson": [[0.2]],
         "hurdle-nbinom1": [[0.4, -1.0]], "hurdle-nbinom2": [[0.7, 0.2]]}
PAIRS = [(name, own if own != "power" else "power(0.3)", psi)
         for name, all_psi in PSI.items() for own in family(name).links for psi in all_psi]


def frozen(name, mu, psi, trials=None):
    """scipy's distribution of the family's outcome."""
    first = np.exp(psi[0]) if len(psi) else None
    if name in ("binomial", "bernoulli"):
        return stats.binom(1 if trials is None else trials, mu)
    if name == "poisson":
        return stats.poisson(mu)
    if name in ("nbinom2", "nbinom1", "geometric"):
        size = 1.0 if name == "geometric" else first if name == "nbinom2" else mu / first
        return stats.nbinom(size, size / (size + mu))
    if name in ("gamma", "exponential"):
        shape = 1.0 if first is None else first**-2
        return stats.gamma(shape, scale=mu / shape)
    if name == "inverse-gaussian":
        return stats.invgauss(mu * first, scale=1 / first)
    if name == "lognormal":
        return stats.lognorm(first, scale=mu)
    if name == "beta":
        return stats.beta(mu * first, (1 - mu) * first)
    return stats.norm(mu, first) if name == "gaussian" else stats.t(
        5.0 if name == "t(5)" else np.exp(psi[1]), mu, first)


def inside(own, support, rng, n):
    """Linear predictors in the link's domain, from its middle to far out."""
    low, high = own.domain(support)
    if low == -np.inf and high == np.inf:
        return np.concatenate([[-12.1, -11.9, 12.0], rng.normal(0, 3, n - 3)])
    if high == np.inf:
        return low + rng.uniform(0.05, 5.0, n)
    return rng.uniform(0.02, 0.95, n) if low == 0 else rng.uniform(-0.95, 0.95, n) if low == -1 else -0.02 - rng.exponential(
        1.0, n)


def outcomes(one, rng, n):
    if one.name == "beta":
        return rng.uniform(0.01, 0.99, n)
    if one.support == "unit":
        return rng.integers(0, 2, n).astype(float)
    if one.discrete:
        return np.concatenate([[0, 0, 0, 1, 1, 1, 2], rng.poisson(3, n - 7)]).astype(float)
    return rng.gamma(1.5, 1.0, n) if one.support == "positive" else rng.normal(0, 2, n)


def difference(f, h):
    """The derivative at 0 by central differences of the eighth order."""
    return sum(c * (f(k * h) - f(-k * h)) for k, c in ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280))) / h


def agree(found, wanted, tolerance=2e-6):
    """Equal as differences of numbers of this size can show."""
    found, wanted = np.broadcast_arrays(found, wanted)
    assert (np.abs(found - wanted) <= tolerance * (1 + np.abs(wanted))).all(), np.abs(found - wanted).max()


@pytest.mark.parametrize(("name", "own", "psi"), PAIRS)
def test_derivatives_are_those_of_the_value(name, own, psi):
    rng, one, psi = np.random.default_rng(1), family(name), np.array(psi)
    own = one.link_of(own)
    eta, y = inside(own, one.support, rng, 40), outcomes(one, rng, 40)
    density = Density(y, one, own)
    at = density(eta, psi)
    low, high = own.domain(one.support)
    edge = 0.0 if own.name == "sqrt" else low
    h = 1e-3 * np.ones(40) if not np.isfinite([low, high, edge]).any() else np.minimum(
        1e-3, np.minimum(np.abs(eta - edge), np.abs(high - eta)) / 50)
    for found, lower in ((at.d1, "value"), (at.d2, "d1"), (at.d3, "d2")):
        agree(difference(lambda s, lower=lower: getattr(density(eta + s, psi), lower), h), found)
    for k in range(len(psi)):
        unit = np.eye(len(psi))[k]
        for found, lower in ((at.p[k], "value"), (at.p1[k], "d1"), (at.p2[k], "d2")):
            agree(difference(lambda s, lower=lower, unit=unit: getattr(density(eta, psi + s * unit), lower), 1e-3), found)
    for order in (0, 2):
        part = density(eta, psi, order)
        np.testing.assert_array_equal(part.value, at.value)
        assert part.d3 is None and (part.d2 is None) == (order == 0)


@pytest.mark.parametrize(("name", "own", "psi"), PAIRS)
def test_values_and_probabilities_are_scipys(name, own, psi):
    rng, one, psi = np.random.default_rng(2), family(name), np.array(psi)
    own = one.link_of(own)
    low, high = own.domain(one.support)
    eta, y = inside(own, one.support, rng, 60), outcomes(one, rng, 60)
    if one.support == "unit" and not np.isfinite([low, high]).any() or one.support != "unit":
        eta = np.clip(eta, -2.5, 2.5) if own.name in ("cloglog", "loglog") else np.clip(eta, -4, 4)
    density = Density(y, one, own)
    truth = frozen(name, own.mean(eta), psi)
    logf = truth.logpmf(y) if one.discrete else truth.logpdf(y)
    np.testing.assert_allclose(density(eta, psi, 0).value, logf, rtol=2e-9, atol=2e-9)
    np.testing.assert_allclose(density.cdf(y, eta, psi), truth.cdf(y), rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(density.cdf(-0.5, eta, psi), truth.cdf(-0.5), rtol=1e-9, atol=1e-12)
    if not (name == "t" and psi[1] < 1):
        np.testing.assert_allclose(density.mean(eta, psi), truth.mean(), rtol=1e-10)
        np.testing.assert_allclose(density.variance(eta, psi), truth.var(), rtol=1e-8)


@pytest.mark.parametrize("name", PSI)
def test_draws_have_the_family_s_distribution(name):
    rng, one, psi = np.random.default_rng(3), family(name), np.array(PSI[name][0])
    n, trials = 40_000, 7.0 if name == "binomial" else None
    y = np.full(n, 0.5 if name == "beta" else 1.0)
    density = Density(y, one, trials=trials)
    eta = np.full(n, 0.4)
    draws = density.simulate(eta, psi, rng)
    one.check(draws, density.trials, "the draws")
    truth = frozen(name, density.link.mean(0.4), psi, trials)
    for at in truth.ppf([0.1, 0.4, 0.7, 0.95]):
        p = float(truth.cdf(at))
        assert abs((draws <= at).mean() - p) < 4.5 * np.sqrt(p * (1 - p) / n + 1e-12)


@pytest.mark.parametrize("trials", [1.0, 3.0, 250.0])
@pytest.mark.parametrize("own", family("binomial").links)
def test_binomial_with_trials(own, trials):
    rng = np.random.default_rng(4)
    one = family("binomial")
    eta = inside(link(own), "unit", rng, 50)
    y = np.floor(rng.uniform(size=50) * (trials + 1))
    y[:2] = 0, trials
    density = Density(y, one, own, trials=np.full(50, trials))
    mu = density.link.mean(eta)
    usual = (mu > 1e-6) & (mu < 1 - 1e-6)
    np.testing.assert_allclose(density(eta, np.empty(0)).value[usual], stats.binom(trials, mu).logpmf(y)[usual], rtol=1e-8)
    np.testing.assert_allclose(density.variance(eta, []), mu * (1 - mu) / trials)
    if own == "logit":  # the quick way and the composed one
        composed = density._composed(eta, np.empty(0), 3)
        at = density(eta, np.empty(0))
        for got, wanted in zip(at.arrays()[:4], composed.arrays()[:4], strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-13)


FAR = np.array([-700.0, -300.0, -100.0, -40.0, 40.0, 100.0, 300.0, 700.0])


@pytest.mark.parametrize(("name", "own"), [(n, o) for n, f in ((n, family(n)) for n in [*PSI, *ZEROS]) for o in f.links
                                          if o != "power" and link(o).domain(f.support) == (-np.inf, np.inf)])
def test_far_out_everything_is_a_number(name, own):
    one = family(name)
    values = {"beta": (1e-9, 0.3, 1 - 1e-12)}.get(name, (0.0, 1.0) if one.support == "unit" else (0.0, 1.0, 1e6) if one.discrete
                                                  else (1e-6, 1.0, 1e6))
    both = values[:2] if name in ZEROS else ()
    for psi in {**PSI, **ZEROS}[name]:
        for y in values:
            far = np.clip(FAR, -300, 300) if one.support == "real" and own == "log" else FAR
            y = np.append(np.full(len(FAR), y), both)
            eta = np.append(far, [1.0] * len(both))
            at = one.density(y, own)(eta, np.array(psi))
            for values_at in at.arrays():
                assert np.isfinite(values_at).all(), (y[0], values_at)


@pytest.mark.parametrize("own", ["logit", "probit", "cloglog", "loglog", "cauchit"])
def test_tails_of_links_are_exact(own):
    """Against expansions that hold far out, and the identity p + q = 1 in between."""
    one = link(own)
    eta = np.linspace(-6, 6, 49)
    p, q = np.exp(one.log_mean_terms(eta, 0)[0]), np.exp(one.log_complement_terms(eta, 0)[0])
    np.testing.assert_allclose(p + q, 1, rtol=1e-14)
    far = -200.0
    with np.errstate(under="ignore"):
        log_p = float(one.log_mean_terms(np.array([far]), 0)[0][0])
    wanted = {"logit": far, "cloglog": far, "probit": float(stats.norm.logcdf(far)), "loglog": -np.exp(200.0),
              "cauchit": np.log(np.arctan(1 / 200.0) / np.pi)}[own]
    assert abs(log_p / wanted - 1) < 1e-14


def test_probit_keeps_its_digits_where_the_series_takes_over():
    """No step at the seam, and far out the derivatives of -eta^2/2 - log(-eta) + log(1 - 1/eta^2 + 3/eta^4 ...)."""
    terms = link("probit").log_mean_terms(np.array([-12.0 - 1e-9, -12.0 + 1e-9]), 3)
    for values in terms:
        assert abs(values[0] / values[1] - 1) < 2e-9
    _, d1, d2, d3 = link("probit").log_mean_terms(np.array([-1000.0]), 3)
    np.testing.assert_allclose(d1, 1000 + 1e-3 - 2e-9, rtol=1e-14)
    np.testing.assert_allclose(d2, -1 + 1e-6 - 6e-12, rtol=1e-14)
    np.testing.assert_allclose(d3, 2e-9 - 24e-15 + 300e-21, rtol=1e-12)


@pytest.mark.parametrize("own", LINKS)
def test_links_invert_and_derive(own):
    one = link(own)
    low, _high = one.domain("unit" if own in ("logit", "probit", "cloglog", "loglog", "cauchit") else "positive")
    eta = np.linspace(0.05, 0.9, 30) if np.isfinite(low) or own == "sqrt" else np.linspace(-2.5, 2.5, 30)
    mu, *derivatives = one.derivatives(eta) if own != "identity" else (eta, np.ones(30), np.zeros(30), np.zeros(30))
    np.testing.assert_allclose(one.eta(mu), eta, rtol=1e-10, atol=1e-12)
    for k, found in enumerate(derivatives):
        wanted = difference(lambda s, k=k: (one.derivatives(eta + s) + (np.ones(30), np.zeros(30)))[k] if own == "identity"
                            else one.derivatives(eta + s)[k], 1e-3)
        agree(found, wanted, 1e-7)


def test_power_links_have_names():
    assert link("power(-1)").name == "inverse" and link("power(0)").name == "log" and link("power(1/3)").k == 1 / 3
    for bad in ("powr", "power(x)", "power(1/0)"):
        with pytest.raises(ValueError, match="choose one of"):
            link(bad)


def test_outside_the_link_s_domain_there_is_no_outcome():
    density = Density(np.array([1.0, 0.0, 1.0]), family("poisson"), "identity")
    at = density(np.array([-1.0, 2.0, 0.5]), np.empty(0))
    assert at.value[0] == -np.inf and np.isfinite(at.value[1:]).all() and at.d1[0] == 0
    density = Density(np.array([1.0, 0.0]), family("binomial"), "log")
    assert density(np.array([0.2, -0.2]), np.empty(0)).value[0] == -np.inf


def test_weights_multiply_the_log_density():
    y, eta, w = np.array([0.0, 1.0, 4.0]), np.array([0.1, -0.4, 1.0]), np.array([1.0, 2.0, 0.5])
    plain, weighted = (Density(y, family("nbinom2"), weights=v)(eta, np.array([0.4])) for v in (None, w))
    for a, b in zip(plain.arrays(), weighted.arrays(), strict=True):
        np.testing.assert_allclose(a * w, b)


def test_counts_of_a_million_and_sizes_beyond():
    """The negative binomial keeps its digits where theta is huge: it comes to be the Poisson."""
    y = np.array([0.0, 1.0, 1e3, 1e6])
    eta = np.log(y + 1)
    poisson = Density(y, family("poisson"))(eta, np.empty(0))
    for name, psi in (("nbinom2", 40.0), ("nbinom1", -40.0)):
        near = Density(y, family(name))(eta, np.array([psi]))
        np.testing.assert_allclose(near.value, poisson.value, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(near.d1, poisson.d1, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(near.d2, poisson.d2, rtol=1e-8, atol=1e-8)
        assert np.abs(near.p).max() < 1e-3
    wide = Density(np.zeros(4), family("t"))(eta, np.array([0.1, 30.0])).value
    np.testing.assert_allclose(wide, stats.norm(0, np.exp(0.1)).logpdf(eta), rtol=1e-10)


@pytest.mark.parametrize("name", [*PSI, *ZEROS])
def test_starts_are_inside(name):
    rng, one = np.random.default_rng(5), family(name)
    y = outcomes(one, rng, 30)
    if name in ZEROS:
        y = outcomes(family("poisson"), rng, 30)
    for own in one.links:
        density = one.density(y, "power(0.7)" if own == "power" else own)
        eta, psi = density.start()
        assert np.isfinite(density(eta, psi).value).all() and len(psi) == len(density.psi_names)
        assert [row[0] for row in density.reported(psi)] == [one_.name for one_ in one.parameters]
        for k, (_, value, slope, scale) in enumerate(density.reported(psi)):
            unit = np.eye(len(psi))[k]
            agree(difference(lambda s, k=k, unit=unit, density=density, psi=psi: density.reported(psi + s * unit)[k][1], 1e-3),
                  slope[k])
            assert scale in ("log", "logit") and value > 0


@pytest.mark.parametrize(("name", "y", "trials", "words"), [
    ("binomial", [0, 2], None, "trials"), ("binomial", [0, 4], [3, 3], "at most the trials"),
    ("binomial", [0.5, 1], [2, 2], "share"), ("poisson", [-1, 2], None, "counts"), ("nbinom2", [0.5, 2], None, "counts"),
    ("gamma", [0, 2], None, "above 0"), ("lognormal", [-1, 2], None, "above 0"), ("beta", [0, 0.5], None, "below 1"),
    ("gaussian", [np.nan, 1], None, "finite"), ("poisson", [1, 2], [3, 3], "trials="), ("zip", [1, 2], None, "no zeros"),
    ("hurdle-poisson", [0, 0], None, "only zeros"), ("zinb2", [-1, 0], None, "counts"),
])
def test_unusable_outcomes_get_one_clear_error(name, y, trials, words):
    with pytest.raises(DataError, match=words) as error:
        family(name).density(np.array(y, float), trials=None if trials is None else np.array(trials, float),
                             column="The outcome 'seizures'")
    assert "seizures" in str(error.value) or "trials=" in str(error.value)


def test_unknown_names_list_the_choices():
    with pytest.raises(ValueError, match="poisson"):
        family("poison")
    with pytest.raises(ValueError, match="cloglog"):
        family("binomial").link_of("inverse")
    assert family("negative_binomial") is family("nbinom2") and family("t(4)").fixed == 4
