"""Unordered categories: derivatives, R's multinom, the binary model as a special case, quadrature by brute force."""

from __future__ import annotations

import json
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib.glmm.laplace import Laplace
from mlmlib.glmm.multinomial import MultinomialDensity
from mlmlib.glmm.quadrature import Quadrature
from mlmlib.glmm.rows import OneFactorRows
from mlmlib.glmm.rows_many import NoRows, in_blocks, shared
from mlmlib.glmm.rows_several import Member, SeveralRows
from mlmlib.glmm.softmax_average import averaged_probabilities
from mlmlib.simulate_categories import CHOICE
from toc import ROOT


def relative(found, truth):
    found, truth = np.asarray(found, dtype=float), np.asarray(truth, dtype=float)
    return float(np.max(np.abs(found - truth) / np.maximum(1.0, np.abs(truth)), initial=0.0))


@pytest.fixture(scope="module")
def wine():
    wine = mlm.load("wine")
    number = wine["rating"].astype(int)
    return wine.assign(taste=pd.Categorical(np.select([number <= 2, number == 3], ["mild", "fair"], "bitter"), ["mild", "fair", "bitter"]),
                       strong=(number > 2).astype(int))


@pytest.fixture(scope="module")
def fit(wine):
    return mlm.glmm("taste ~ temp + contact + (1 | judge)", wine, family="multinomial", covariance="independent")


# density


def test_derivatives():
    rng = np.random.default_rng(1)
    n, h = 40, 1e-5
    density = MultinomialDensity(rng.integers(0, 4, n), weights=rng.uniform(0.5, 2.0, n))
    eta = 2.0 * rng.normal(size=(3, n))
    here = density(eta, np.empty(0))
    for k in range(3):
        unit = np.zeros((3, 1))
        unit[k] = h
        up, down = density(eta + unit, np.empty(0)), density(eta - unit, np.empty(0))
        for less, more in (("value", here.d1[k]), ("d1", here.d2[k]), ("d2", here.d3[k])):
            assert np.abs((getattr(up, less) - getattr(down, less)) / (2 * h) - more).max() < 1e-8


def test_tails_are_finite_and_silent():
    density = MultinomialDensity(np.array([0, 1, 2]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for eta in (-700.0, 700.0):
            for other in (-700.0, 0.0, 700.0):
                found = density(np.array([[eta] * 3, [other] * 3]), np.empty(0))
                assert all(np.isfinite(part).all() for part in found.arrays())
                assert np.allclose(density.probabilities(np.array([[eta], [other]])).sum(axis=0), 1.0)


# K predictors a row


def _case(factors: int, common: bool):
    rng = np.random.default_rng(7)
    n, K = 120, 2
    x, z = rng.normal(size=(2, n)), rng.normal(size=n)
    X = in_blocks([np.vstack([np.ones(n), x]), np.vstack([np.ones(n), x[:1]])])  # columns of its own for each predictor
    Z = shared(np.vstack([np.ones(n), z]), K) if common else in_blocks([np.vstack([np.ones(n), z]), np.ones((1, n))])
    codes = rng.integers(0, 10, n)
    density = MultinomialDensity(rng.integers(0, 3, n), weights=rng.uniform(0.5, 2.0, n))
    rows, q = OneFactorRows(Z, codes, 10), len(Z)
    if factors == 2:
        other = in_blocks([np.ones((1, n))] * 2)
        rows = SeveralRows([Member(Z, codes[None], None, 10, np.arange(q)),
                            Member(other, rng.integers(0, 6, n)[None], None, 6, np.arange(q, q + 2))])
        q += 2
    basis = np.zeros((q, q, q))
    basis[np.arange(q), np.arange(q), np.arange(q)] = 1.0
    extra = np.zeros((1, q, q))
    extra[0, 1, 0] = 1.0
    return X, rows, density, np.concatenate([basis, extra]), codes, Z


@pytest.mark.parametrize("common", [True, False])
@pytest.mark.parametrize("factors, nodes", [(1, None), (2, None), (1, 5)])
def test_gradient_with_several_predictors_a_row(factors, common, nodes):
    """Predictors with columns and random effects of their own, or effects that they share."""
    X, rows, density, basis, *_ = _case(factors, common)
    criterion = Laplace(X, rows, density, 0.0, basis) if nodes is None else Quadrature(X, rows, density, 0.0, basis, nodes)
    rng = np.random.default_rng(3)
    x = np.concatenate([0.3 * rng.normal(size=len(X)), np.full(len(basis) - 1, 0.7), [0.2]])
    exact = criterion(x).gradient
    for k in range(len(x)):
        up, down = x.copy(), x.copy()
        up[k] += 1e-5
        down[k] -= 1e-5
        assert (criterion(up).value - criterion(down).value) / 2e-5 == pytest.approx(exact[k], abs=2e-5)


@pytest.mark.parametrize("common", [True, False])
def test_the_four_operations_against_dense_matrices(common):
    _, rows, density, basis, codes, Z = _case(1, common)
    n, (q, K) = density.n, Z.shape[:2]
    rng = np.random.default_rng(5)
    dense = np.zeros((K, n, rows.size))
    for i, j in enumerate(codes):
        dense[:, i, j * q:(j + 1) * q] = Z[:, :, i].T
    w = rng.normal(size=(K, K, n))
    w = w @ np.eye(n) + w.transpose(1, 0, 2) + 6.0 * np.eye(K)[:, :, None]
    r, u, L = rng.normal(size=(K, n)), rng.normal(size=rows.size), np.tensordot(np.full(len(basis), 0.6), basis, 1)
    A = np.einsum("kia,kli,lib->ab", dense, w, dense)
    assert np.allclose(rows.gather(r), np.einsum("kia,ki->a", dense, r))
    assert np.allclose(rows.spread(u), dense @ u)
    blocks = rows.cross(w)
    assert np.allclose(A, np.kron(np.eye(10), np.ones((q, q))) * A)
    assert np.allclose([A[j * q:(j + 1) * q, j * q:(j + 1) * q] for j in range(10)], blocks)
    whole = np.kron(np.eye(10), L)
    C = whole @ np.linalg.inv(np.eye(rows.size) + whole.T @ A @ whole) @ whole.T
    assert np.allclose(rows.leverages(rows.eliminate(blocks, L)), np.einsum("kia,ab,lib->kli", dense, C, dense))


def test_rows_without_effects():
    rows = NoRows((2, 5))
    assert rows.leverages(rows.eliminate(None, np.zeros((0, 0)))).shape == (2, 2, 5)
    assert rows.spread(np.zeros(0)).shape == (2, 5) and NoRows((5,)).leverages(None).shape == (5,)


# fits


def test_agrees_with_multinom():
    truth = json.loads((ROOT / "tests/reference/r/catR_multinom_socatt.json").read_text(encoding="utf-8"))["results"]
    data = mlm.load("socatt")
    data = data.assign(party=pd.Categorical(data["party"].astype(str), truth["levels"]), gender=data["gender"].astype(str))
    found = mlm.glmm("party ~ age + gender", data, family="multinomial")
    assert found.llf == pytest.approx(truth["logLik"], abs=1e-7) and found.converged
    assert relative(found.coef_by_category().T, truth["coef"]) < 1e-5
    se = found.bse.to_numpy().reshape(4, 3)
    assert relative(se, truth["se"]) < 1e-5
    assert relative(found.predict().head(3), truth["fitted_first"]) < 1e-5
    assert list(found.params.index[:3]) == [f"{truth['levels'][1]}: {name}" for name in ("Intercept", "age", "gender[T.male]")]
    told = mlm.glmm("party ~ age", data.assign(party=data["party"].astype(str)), family="multinomial").messages
    assert any("reference category of 'party' is " in message for message in told) and not found.messages


AGQ = {"method": "agq", "nodes": 9}


@pytest.mark.parametrize("random, options", [("(1 | judge)", {}), ("(1 + contact | judge)", {}), ("(1 | judge) + (1 | bottle)", {}),
                                             ("(1 | judge)", AGQ), ("(1 + contact | judge)", AGQ)])
def test_two_categories_are_the_logit(wine, random, options):
    formula = f"strong ~ temp + contact + {random}"
    logit, two = mlm.glmm(formula, wine, **options), mlm.glmm(formula, wine, family="multinomial", **options)
    assert two.llf == pytest.approx(logit.llf, abs=1e-8)
    assert relative(two.params, logit.params) < 1e-5
    if not logit.is_singular:
        assert relative(two.bse, logit.bse) < 1e-4 and relative(two.theta, logit.theta) < 1e-4
    new = wine.iloc[[0, 10, 50]]
    for groups in ("given", "typical", "average"):
        assert relative(two.predict(new, groups=groups)[1], logit.predict(new, groups=groups)) < 1e-4
    if not logit.is_singular:
        one = logit.predict(new, groups="typical", interval="confidence")["se"]
        assert relative(two.predict(new, groups="typical", interval="confidence")[1]["se"], one) < 1e-4


def test_quadrature_against_brute_force(wine):
    """The likelihood of two correlated effects a group on a grid of 161 x 161 points, at and around the estimates."""
    found = mlm.glmm("taste ~ temp + contact + (1 | judge)", wine, family="multinomial", covariance="independent", method="agq", nodes=25)
    z = np.linspace(-8.0, 8.0, 161)
    w = np.exp(-0.5 * z**2)
    w /= w.sum()
    u = np.stack(np.meshgrid(z, z, indexing="ij")).reshape(2, -1)
    weight = np.outer(w, w).ravel()
    X, codes, y = found.model.base.X, found.design.random[0].codes, found.design.y.astype(int)

    def llf(b, sd, r):
        L = np.array([[sd[0], 0.0], [r * sd[1], np.sqrt(1 - r * r) * sd[1]]])
        own = L @ u
        total = 0.0
        for j in range(9):
            part = np.ones(u.shape[1])
            for i in np.flatnonzero(codes == j):
                eta = (b @ X[i])[:, None] + own
                odds = np.vstack([np.ones(u.shape[1]), np.exp(eta)])
                part *= odds[y[i]] / odds.sum(axis=0)
            total += np.log(weight @ part)
        return total

    b, sd = found.params.to_numpy().reshape(2, 3), np.sqrt(np.diagonal(found.covariance_matrix()))
    assert found.llf == pytest.approx(llf(b, sd, 0.0), abs=1e-6)
    model = mlm.glmm("taste ~ temp + contact + (1 | judge)", wine, family="multinomial", method="agq", nodes=25).model
    T = np.array([[0.6, 0.5], [0.5, 2.0]])
    point = model.point(b.ravel(), [T], np.empty(0))
    value = llf(b, np.sqrt(np.diagonal(T)), 0.5 / np.sqrt(1.2))
    assert -0.5 * model._criterion()(point).value == pytest.approx(value, abs=1e-6)


def test_recovers_a_known_truth():
    data = mlm.simulate.choice(200, 25, seed=11)
    found = mlm.glmm("mode ~ distance + student + (1 | district)", data, family="multinomial")
    assert found.converged and found.reference == "car"
    truth = np.array([list(CHOICE[mode].values()) for mode in ("bus", "bicycle")]).ravel()
    assert (np.abs(found.params - truth) / found.bse < 3.5).all()
    assert relative(found.covariance_matrix(), CHOICE["T"]) < 0.35


def test_structures_of_the_random_effects(wine, fit):
    T = fit.covariance_matrix()
    assert T.iloc[0, 1] == 0.0 and list(T.columns) == ["fair: Intercept", "bitter: Intercept"]
    bars = mlm.glmm("taste ~ temp + contact + (1 || judge)", wine, family="multinomial")
    assert bars.llf == pytest.approx(fit.llf, abs=1e-8)
    free = mlm.glmm("taste ~ temp + contact + (1 | judge)", wine, family="multinomial")
    assert free.llf >= fit.llf - 1e-8 and free.is_singular  # nine judges: a correlation of one
    assert any("perfectly correlated" in message for message in free.messages)


# probabilities


def test_averages_by_brute_force(wine, fit):
    new = wine.iloc[[0, 30]]
    sd = np.sqrt(np.diagonal(fit.covariance_matrix()))
    z, w = np.polynomial.hermite_e.hermegauss(151)
    w = w / w.sum()
    eta = fit.predict(new, groups="typical", scale="link").to_numpy().T
    truth = sum(a * b * fit.density.probabilities(eta + np.array([[sd[0] * s], [sd[1] * t]]))
                for s, a in zip(z, w) for t, b in zip(z, w))
    assert relative(fit.predict(new, groups="average"), truth.T) < 1e-8
    assert relative(fit.predict(new.assign(judge=99), new_groups="average"), truth.T) < 1e-8


def test_margins_are_average_probabilities(wine, fit):
    table = fit.margins("temp").table
    cold, warm = (fit.predict(wine.assign(temp=value), groups="average").mean() for value in ("cold", "warm"))
    assert relative(table["margin"], np.concatenate([cold, warm])) < 1e-9
    effects = fit.margins(dydx="temp").table
    assert relative(effects["margin"], warm - cold) < 1e-9 and abs(effects["margin"].sum()) < 1e-9
    new = fit.predict(wine.iloc[[6]], groups="average", interval="confidence")
    point = fit.margins(at={"temp": "warm", "contact": "yes"}).table
    assert relative(point["se"], new.xs("se", axis=1, level=1).iloc[0]) < 1e-6


def test_averages_in_more_dimensions():
    """Quasi-random points agree with the product rule where effects of a fourth category do not vary."""
    eta, cov = np.array([[0.5], [-0.3], [0.2]]), np.diag([1.0, 2.0, 0.5])[:, :, None]
    small = averaged_probabilities(eta, cov)
    rare = averaged_probabilities(np.vstack([eta, [[-40.0]]]), np.pad(cov, ((0, 1), (0, 1), (0, 0))))
    assert relative(rare[:4], small) < 5e-4


def test_parts_of_the_result(wine, fit):
    p = fit.predict()
    assert relative(p, fit.mu) < 1e-12 and np.allclose(p.sum(axis=1), 1.0)
    assert np.allclose(fit.resid.sum(axis=1), 0.0, atol=1e-12)
    assert relative(fit.predict(scale="link"), fit.linear_predictor) < 1e-9
    assert fit.endog.name == "taste" and fit.endog.astype(str).equals(wine["taste"].astype(str))
    assert fit.simulate(3, seed=1).shape == (3, 72) and fit.simulate(1, seed=1, random_effects="posterior").shape == (1, 72)
    assert fit.refit(fit.endog).llf == pytest.approx(fit.llf, abs=1e-8)
    assert pickle.loads(pickle.dumps(fit)).predict().equals(p)
    assert fit.random_effects["judge"].shape == (9, 2)


def test_terms_are_tested_in_all_categories():
    data = mlm.simulate.choice(seed=1)
    data["age"] = np.where(np.arange(len(data)) % 3 == 0, "old", np.where(np.arange(len(data)) % 3 == 1, "mid", "young"))
    found = mlm.glmm("mode ~ distance + age + student + (1 | district)", data, family="multinomial")
    for kind in (1, 2, 3):
        table = found.anova(type=kind).table
        assert table["df"].tolist() == [2, 4, 2] and list(table.index) == ["distance", "age", "student"]
    assert table.loc["student", "chi2"] == pytest.approx(found.wald_test(["bus: student", "bicycle: student"]).statistic, rel=1e-9)


def test_weights_are_repeated_rows(wine):
    count = np.arange(len(wine)) % 3 + 1
    one = mlm.glmm("taste ~ temp", wine.assign(count=count), family="multinomial", weights="count")
    many = mlm.glmm("taste ~ temp", wine.loc[wine.index.repeat(count)], family="multinomial")
    assert one.llf == pytest.approx(many.llf, abs=1e-9) and relative(one.bse, many.bse) < 1e-6


def test_groups_of_one_category_each_are_told():
    rng = np.random.default_rng(3)
    data = {"y": np.repeat(rng.integers(0, 3, 60), 5), "x": rng.normal(size=300), "g": np.repeat(np.arange(60), 5)}
    for family in ("ordinal", "multinomial"):
        found = mlm.glmm("y ~ x + (1 | g)", data, family=family)
        assert any("as good as infinite" in message for message in found.messages)


def test_separation_is_named(wine):
    with pytest.raises(mlm.DataError, match="Separation: .*bitter: hit.*Leave 'hit' out"):
        mlm.glmm("taste ~ temp + hit + (1 | judge)", wine.assign(hit=((wine["taste"] == "bitter") & (wine["temp"] == "warm")) * 1.0),
                 family="multinomial")


def test_refusals(wine, fit):
    with pytest.raises(mlm.DataError, match="not whole numbers"):
        mlm.glmm("y ~ temp + (1 | judge)", wine.assign(y=wine["response"] + 0.5), family="multinomial")
    with pytest.raises(mlm.DataError, match="join rare ones"):
        mlm.glmm("response ~ temp + (1 | judge)", wine, family="multinomial")
    with pytest.raises(ValueError, match="link"):
        mlm.glmm("taste ~ temp + (1 | judge)", wine, family="multinomial", link="probit")
    with pytest.raises(mlm.FormulaError, match="quasi-likelihood"):
        mlm.glmm("taste ~ temp + (1 | judge)", wine, family="multinomial", method="pql")
    with pytest.raises(mlm.DataError, match="typical"):
        fit.predict(interval="confidence")
    with pytest.raises(mlm.DataError, match="not seen|has not"):
        fit.predict(wine.head(2).assign(judge=99), new_groups="error")
