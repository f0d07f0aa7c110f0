"""The core of generalized linear mixed models: the criterion, its gradient, the search, and what a result hands out."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib.design import build_design
from mlmlib.glmm.families import family
from mlmlib.glmm.model import GlmmModel

FAMILIES = [("binomial", "logit"), ("binomial", "probit"), ("binomial", "cloglog"), ("binomial", "loglog"),
            ("binomial", "cauchit"), ("poisson", "log"), ("poisson", "sqrt"), ("nbinom2", "log"), ("nbinom1", "log"),
            ("geometric", "log"), ("gamma", "log"), ("gamma", "inverse"), ("exponential", "log"), ("inverse-gaussian", "log"),
            ("lognormal", "log"), ("beta", "logit"), ("t", "identity"), ("gaussian", "identity"), ("gaussian", "log"),
            ("zip", "log"), ("hurdle-poisson", "log")]
TERMS = ["(1 | g)", "(1 + x | g)", "(1 | g) + (1 | h)", "(1 + x | g) + (1 + x | h)", "(1 | g/k)", "(x || h) + (1 | g)",
         "(1 | mm(g, h2)) + (1 | h)", "(1 + x | mm(g, h2))"]


def table(seed=1, J=8, size=9):
    rng = np.random.default_rng(seed)
    n = J * size
    return pd.DataFrame({"x": rng.normal(size=n), "z": rng.normal(size=n), "g": np.repeat(np.arange(J), size),
                         "h": rng.integers(0, 5, n), "h2": rng.integers(0, J, n), "k": np.tile(np.arange(3), n // 3),
                         "t": rng.integers(1, 6, n).astype(float), "w": rng.integers(1, 3, n).astype(float)})


def drawn(name, link, data, seed=2, trials=None):
    """Outcomes of a family with predictors of moderate size."""
    rng = np.random.default_rng(seed)
    found = family(name)
    base = {"inverse": 2.5, "sqrt": 2.0, "identity": 1.0}.get(link, 0.3)
    eta = base + 0.2 * data.x.to_numpy() + 0.4 * rng.normal(size=8)[data.g] + 0.3 * rng.normal(size=5)[data.h]
    psi = np.full(len(found.psi_names), 1.0 if name in ("nbinom2", "beta", "t") else -0.7)
    return found.simulate(found.link_of(link).mean(eta), psi, rng, trials)


def model(name, link, terms, covariance="unstructured", **options):
    data = table()
    trials = data.t if options.get("trials") else None
    data["y"] = drawn(name, link, data, trials=trials)
    design = build_design(f"y ~ x + z + {terms}", data, weights=options.get("weights"), trials=options.get("trials"),
                          exposure=None)
    return GlmmModel(design, family(name), link, covariance)


def check_gradient(found, seed=3, step=1e-5, tolerance=2e-6):
    """The exact gradient against central differences, at a point that is no optimum."""
    criterion, rng = found.criterion, np.random.default_rng(seed)
    eta, psi = found.density.start()
    b = np.linalg.lstsq(criterion.flat.T, (eta - criterion.offset).ravel(), rcond=None)[0]
    x = np.concatenate([b, 0.3 + 0.2 * rng.random(criterion.m), psi + 0.1])
    at = criterion(x)
    assert np.isfinite(at.value)
    for k, unit in enumerate(np.eye(len(x))):
        ends = [criterion(x + sign * step * unit, at.modes.v, gradient=False).value for sign in (1, -1)]
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(at.gradient[k], rel=tolerance, abs=tolerance * 100)


@pytest.mark.parametrize("name, link", FAMILIES)
def test_gradient_of_every_family(name, link):
    for terms in ("(1 + x | g)", "(1 | g) + (1 | h)"):
        check_gradient(model(name, link, terms))


@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("covariance", ["unstructured", "independent", "exchangeable", "identity"])
def test_gradient_of_every_random_part(terms, covariance):
    check_gradient(model("poisson", "log", terms, covariance))
    check_gradient(model("binomial", "probit", terms, covariance, trials="t", weights="w"))


def test_singular_factor_is_an_ordinary_point():
    for terms in ("(1 + x | g)", "(1 + x | g) + (1 | h)"):
        criterion = model("poisson", "log", terms).criterion
        x = np.zeros(3 + criterion.m)
        x[3], x[4] = 0.5, 0.2  # the slopes' own standard deviation is zero
        at = criterion(x)
        for k in range(len(x)):
            unit = 1e-5 * np.eye(len(x))[k]
            change = criterion(x + unit).value - criterion(x - unit).value
            assert change / 2e-5 == pytest.approx(at.gradient[k], rel=1e-6, abs=1e-5)


@pytest.mark.parametrize("terms", [*TERMS, "(1 | h) + (0 + x | h)"])
def test_gaussian_model_is_the_linear_one(terms):
    data = table(5)
    rng = np.random.default_rng(6)
    data["y"] = (data.x + rng.normal(size=8)[data.g] + 0.8 * rng.normal(size=8)[data.g] * data.x
                 + rng.normal(size=5)[data.h] + rng.normal(size=len(data)))
    for covariance in ("unstructured", "independent", "exchangeable"):
        formula = f"y ~ x + z + {terms}"
        ours = mlm.glmm(formula, data, family="gaussian", covariance=covariance)
        exact = mlm.lmm(formula, data, reml=False, covariance=covariance)
        assert ours.criterion == pytest.approx(exact.criterion, abs=1e-8)
        assert ours.converged
        np.testing.assert_allclose(ours.params, exact.params, atol=1e-6)
        assert ours.sigma == pytest.approx(exact.sigma, rel=1e-6)
        for mine, other in zip(ours._T, exact._T):
            np.testing.assert_allclose(mine, other, atol=2e-5 * np.abs(other).max() + 1e-7)


def test_gaussian_standard_errors_and_effects_are_the_linear_ones():
    data = mlm.load("sleepstudy")
    ours = mlm.glmm("Reaction ~ Days + (1 + Days | Subject)", data, family="gaussian")
    exact = mlm.lmm("Reaction ~ Days + (1 + Days | Subject)", data, reml=False)
    np.testing.assert_allclose(ours.bse, exact.bse, rtol=1e-5)
    ours_table, table_ = ours.variance_components, exact.variance_components
    np.testing.assert_allclose(ours_table.se, table_.se[:3], rtol=1e-5)
    np.testing.assert_allclose(ours_table.lower, table_.lower[:3], rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(ours.random_effects["Subject"], exact.random_effects["Subject"], atol=1e-4)
    np.testing.assert_allclose(ours.random_effects_se["Subject"], exact.random_effects_se["Subject"], atol=1e-4)
    np.testing.assert_allclose(ours.fittedvalues, exact.fittedvalues, atol=1e-4)
    assert ours.dispersion_table().set_index("name").loc["sigma", "se"] > 0


def test_frequency_weights_are_repeated_rows():
    data = table()
    data["y"] = drawn("poisson", "log", data)
    repeated = data.loc[np.repeat(data.index, data.w.astype(int))]
    for terms in ("(1 | g)", "(1 + x | g) + (1 | h)"):
        weighted = mlm.glmm(f"y ~ x + {terms}", data, family="poisson", weights="w")
        whole = mlm.glmm(f"y ~ x + {terms}", repeated, family="poisson")
        assert weighted.criterion == pytest.approx(whole.criterion, abs=1e-7)
        np.testing.assert_allclose(weighted.params, whole.params, atol=1e-5)


def test_trials_are_repeated_trials():
    data = table()
    data["y"] = drawn("binomial", "logit", data, trials=data.t)
    long = data.loc[np.repeat(data.index, data.t.astype(int))].copy()
    long["y"] = (long.groupby(level=0).cumcount() < long.y).astype(float)
    short = mlm.glmm("y ~ x + (1 | g) + (1 | h)", data, trials="t")
    single = mlm.glmm("y ~ x + (1 | g) + (1 | h)", long)
    np.testing.assert_allclose(short.params, single.params, atol=1e-6)
    np.testing.assert_allclose(short.bse, single.bse, rtol=1e-5)
    assert mlm.glmm("y ~ x + (1 | g)", data.assign(t=6.0), trials="t").criterion == pytest.approx(
        mlm.glmm("y ~ x + (1 | g)", data, trials=6).criterion)


def test_exposure_is_an_offset_of_its_logarithm():
    data = table()
    data["y"] = drawn("poisson", "log", data)
    data["logt"] = np.log(data.t)
    fits = [mlm.glmm("y ~ x + (1 | g)", data, family="poisson", exposure="t"),
            mlm.glmm("y ~ x + offset(log(t)) + (1 | g)", data, family="poisson"),
            mlm.glmm("y ~ x + (1 | g)", data, family="poisson", offset="logt"),
            mlm.glmm("y ~ x + (1 | g)", data, family="poisson", offset=data.logt.to_numpy())]
    for fit in fits[1:]:
        assert fit.criterion == pytest.approx(fits[0].criterion, abs=1e-9)
    new = data.iloc[:3]
    for fit in fits[:3]:
        np.testing.assert_allclose(fit.predict(new), fit.mu[:3], rtol=1e-9)
    with pytest.raises(mlm.DataError, match="offset"):
        fits[3].predict(new)


def test_order_of_rows_and_factors_does_not_matter():
    data = table()
    data["y"] = drawn("binomial", "logit", data)
    one = mlm.glmm("y ~ x + (1 | g) + (1 + x | h)", data)
    other = mlm.glmm("y ~ x + (1 + x | h) + (1 | g)", data.sample(frac=1, random_state=1))
    assert other.criterion == pytest.approx(one.criterion, abs=1e-8)
    np.testing.assert_allclose(other.random_effects["h"], one.random_effects["h"], atol=1e-5)
    np.testing.assert_allclose(other.random_effects_se["h"], one.random_effects_se["h"], atol=1e-5)


def test_several_factors_by_their_definition():
    """log|H|, leverages and posterior covariances against matrices of all effects."""
    for terms in TERMS[2:]:
        found = model("poisson", "log", terms)
        criterion, rows = found.criterion, found.rows
        rng = np.random.default_rng(0)
        L = np.tensordot(rng.normal(size=criterion.m), criterion.basis, 1)
        w = rng.random(found.density.n)
        eye = np.eye(rows.size)
        Z = np.stack([rows.spread(unit) for unit in eye], axis=1)
        big = np.stack([rows.scale(L, unit) for unit in eye], axis=1)
        H = eye + big.T @ Z.T @ (w[:, None] * Z) @ big
        C = big @ np.linalg.solve(H, big.T)
        inverse = rows.eliminate(rows.cross(w), L)
        assert inverse.logdet == pytest.approx(np.linalg.slogdet(H)[1])
        g = rng.normal(size=rows.size)
        np.testing.assert_allclose(inverse.solve(g), np.linalg.solve(H, g), atol=1e-10)
        np.testing.assert_allclose(rows.gather(w), Z.T @ w, atol=1e-10)
        np.testing.assert_allclose(rows.turn(L, g), big.T @ g, atol=1e-10)
        np.testing.assert_allclose(rows.leverages(inverse), np.einsum("ni,ij,nj->n", Z, C, Z), atol=1e-10)
        A = Z.T @ (w[:, None] * Z) @ big @ np.linalg.inv(H)
        slopes = inverse.slopes()
        for k, (place, J, effects) in enumerate(rows.parts):
            q = len(effects)
            own = C[place, place].reshape(J, q, J, q)
            np.testing.assert_allclose(inverse.posterior(k), own[np.arange(J), :, np.arange(J)], atol=1e-10)
            whole = A[place, place].reshape(J, q, J, q)[np.arange(J), :, np.arange(J)].sum(axis=0)
            np.testing.assert_allclose(slopes[np.ix_(effects, effects)], whole, atol=1e-9)


def test_hessian_gives_the_standard_errors():
    """Against differences of the value alone."""
    data = mlm.load("cbpp")
    fit = mlm.glmm("incidence ~ period + (1 | herd)", data, trials="size")
    criterion, x = fit.model.criterion, fit._at.x
    h, n = 1e-3, len(fit._at.x)
    H = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            a, b = h * np.eye(n)[i], h * np.eye(n)[j]
            H[i, j] = (criterion(x + a + b).value - criterion(x + a - b).value - criterion(x - a + b).value
                       + criterion(x - a - b).value) / (4 * h * h)
    np.testing.assert_allclose(fit._hessian, H, atol=2e-4 * np.abs(H).max())


def test_result():
    data = mlm.load("cbpp")
    fit = mlm.glmm("incidence ~ period + (1 | herd)", data, trials="size")
    assert fit.llf == pytest.approx(-92.0262819)
    assert fit.converged and not fit.is_singular and fit.messages == ()
    assert fit.n_params == 5 and fit.nobs == 56 and fit.n_groups == {"herd": 15}
    assert fit.aic == pytest.approx(194.05256)
    assert fit.method == "laplace" and fit.family.name == "binomial" and fit.link.name == "logit"
    assert fit.covariance_matrix().shape == (1, 1)
    assert fit.variance_components["sd"][0] == pytest.approx(0.6422615, abs=1e-5)
    assert fit.theta == pytest.approx([0.6422615], abs=1e-5)
    assert fit.dispersion.empty and fit.sigma == 1.0
    np.testing.assert_allclose(fit.mu, 1 / (1 + np.exp(-fit.linear_predictor)))
    np.testing.assert_allclose(fit.resid, data["incidence"] / data["size"] - fit.mu, atol=1e-12)
    np.testing.assert_allclose(fit.predict(data), fit.mu)
    assert fit.predict(data, random_effects=False, scale="link")[0] == pytest.approx(fit.params["Intercept"])
    assert fit.n_evaluations < 12 and fit.gradient_norm < 1e-3
    with pytest.raises(AttributeError, match="immutable"):
        fit.llf = 0


def test_refit():
    fit = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size")
    assert fit.refit() is fit
    again = fit.refit(fit.endog.to_numpy())
    assert again.criterion == pytest.approx(fit.criterion, abs=1e-8)
    y = fit.simulate(1, seed=3)[0]
    data = mlm.load("cbpp").assign(incidence=y)
    fresh = mlm.glmm("incidence ~ period + (1 | herd)", data, trials="size")
    assert fit.refit(y).criterion == pytest.approx(fresh.criterion, abs=1e-7)
    with pytest.raises(mlm.DataError, match="56"):
        fit.refit(y[:5])
    with pytest.raises(mlm.DataError, match=r"refit\(drawn\[0\]\)"):
        fit.refit(fit.simulate(1))


def test_two_categories_are_read_and_told():
    data = mlm.load("cbpp").assign(any=lambda d: np.where(d.incidence > 1, "yes", "no"))
    fit = mlm.glmm("any ~ (1 | herd)", data)
    number = mlm.glmm("any ~ (1 | herd)", data.assign(any=(data["any"] == "yes")))
    assert fit.criterion == pytest.approx(number.criterion)
    assert "'yes'" in fit.messages[0] and not any("categories" in text for text in number.messages)
    turned = mlm.glmm("any ~ (1 | herd)", data.assign(any=pd.Categorical(data["any"], ["yes", "no"])))
    assert turned.params["Intercept"] == pytest.approx(-fit.params["Intercept"], abs=1e-5)
    with pytest.raises(mlm.DataError, match="ordinal"):
        mlm.glmm("herd ~ (1 | period)", data.assign(herd=data.herd.astype(str)))


def test_huge_counts_and_far_predictors():
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(10), 6)
    x = rng.normal(size=60)
    data = {"y": rng.poisson(np.exp(16 + x + 0.3 * rng.normal(size=10)[g])), "x": x, "g": g, "far": 1e6 + 1e3 * x}
    fit = mlm.glmm("y ~ x + (1 | g)", data, family="poisson")
    assert fit.converged and fit.params["x"] == pytest.approx(1.0, abs=1e-3)
    far = mlm.glmm("y ~ far + (1 | g)", data, family="poisson")
    assert far.criterion == pytest.approx(fit.criterion, abs=1e-5)
    assert far.params["far"] == pytest.approx(fit.params["x"] / 1e3, rel=1e-6)


def test_tiny_groups_and_a_large_variance():
    rng = np.random.default_rng(4)
    g = np.repeat(np.arange(300), 2)
    y = rng.poisson(np.exp(-2 + 2.0 * rng.normal(size=300)[g]))
    fit = mlm.glmm("y ~ 1 + (1 | g)", {"y": y, "g": g}, family="poisson")
    assert fit.converged and 1.5 < fit.theta[0] < 2.6
