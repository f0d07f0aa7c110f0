"""Adaptive Gauss-Hermite quadrature: gradients against differences, one node against Laplace, many against the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import dblquad, quad

import mlmlib as mlm
from mlmlib.covariance import structure
from mlmlib.glmm.density import Density
from mlmlib.glmm.families import family
from mlmlib.glmm.laplace import Laplace
from mlmlib.glmm.nested_quadrature import NestedQuadrature
from mlmlib.glmm.nested_rows import NestedRows
from mlmlib.glmm.nodes import hermite, product_rule
from mlmlib.glmm.posterior import posterior_effects
from mlmlib.glmm.quadrature import Quadrature
from mlmlib.glmm.rows import OneFactorRows
from mlmlib.glmm.rows_several import several_rows
from mlmlib.published.glmm_sources import call_of, table
from models import reference

EXACT = ["cbpp", "cbpp_probit", "cbpp_cloglog", "contraception", "contraception_probit", "epil_poisson",
         "epil_poisson_offset", "ohio"]
OUTCOMES = {"binomial": ("logit", "cloglog", "probit"), "poisson": ("log",), "nbinom2": ("log",), "gamma": ("log",)}
PAIRS = [(name, link) for name, links in OUTCOMES.items() for link in links]


def outcome(name, n, rng):
    if name == "binomial":
        return (rng.random(n) < 0.4).astype(float)
    return rng.gamma(2.0, 0.6, n) if name == "gamma" else rng.poisson(1.3, n).astype(float)


def differences(criterion, x, step=1e-5):
    return np.array([(criterion(x + e).value - criterion(x - e).value) / (2 * step) for e in step * np.eye(len(x))])


def one_factor(name, link, q, seed=1, n=160, J=20):
    rng = np.random.default_rng(seed)
    codes = np.concatenate([np.arange(J), rng.integers(0, J, n - J)])
    Z = np.vstack([np.ones(n), rng.normal(size=(q - 1, n))]) if q > 1 else np.ones((1, n))
    X = np.vstack([np.ones(n), rng.normal(size=n)])
    density = Density(outcome(name, n, rng), family(name), link)
    basis = structure("unstructured", q).basis
    x = np.concatenate([[-0.3, 0.4], 0.6 + 0.4 * rng.normal(size=len(basis)), density.start()[1]])
    return (X, OneFactorRows(Z, codes, J), density, 0.1, basis), x


def nested(name="binomial", link="logit", seed=1, n=120, families=30, places=8, swapped=False, plain=False):
    rng = np.random.default_rng(seed)
    inner = np.concatenate([np.arange(families), rng.integers(0, families, n - families)])
    outer = (np.arange(families) % places)[inner]
    Z = np.ones((2, n)) if plain else np.vstack([np.ones(n), rng.normal(size=n)])
    X = np.vstack([np.ones(n), rng.normal(size=n)])
    density = Density(outcome(name, n, rng), family(name), link)
    codes, J = ((outer, inner), (places, families)) if not swapped else ((inner, outer), (families, places))
    basis = np.array([np.diag([1.0, 0.0]), np.diag([0.0, 1.0])])
    return (X, NestedRows(Z, codes, J), density, 0.0, basis), np.concatenate([[-0.3, 0.4, 1.1, 0.7], density.start()[1]])


@pytest.mark.parametrize("nodes", [1, 2, 7, 30])
def test_rules_are_exact_for_polynomials(nodes):
    t, log_w = hermite(nodes)
    moments = [1.0]
    for k in range(1, 2 * nodes):
        moments.append(0.0 if k % 2 else moments[-2] * (k - 1))
    for k, moment in enumerate(moments[:2 * nodes]):
        assert (np.exp(log_w) * t ** k).sum() == pytest.approx(moment, rel=1e-9, abs=1e-9 * max(moments[:k + 1]))
    assert (hermite(151)[0] ** 2 * np.exp(hermite(151)[1])).sum() == pytest.approx(1.0)


def test_product_rules_are_products():
    grid, log_w = product_rule(4, 3)
    assert grid.shape == (64, 3) and np.exp(log_w).sum() == pytest.approx(1.0)
    assert (np.exp(log_w) * grid[:, 0] ** 2 * grid[:, 2] ** 4).sum() == pytest.approx(3.0)


@pytest.mark.parametrize("q", [1, 2, 3])
@pytest.mark.parametrize("name, link", PAIRS)
def test_gradient(name, link, q):
    parts, x = one_factor(name, link, q)
    for nodes in (1, 2, 5):
        criterion = Quadrature(*parts, nodes)
        assert np.allclose(criterion(x).gradient, differences(criterion, x), rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("q", [1, 3])
def test_one_node_is_laplace(q):
    parts, x = one_factor("nbinom2", "log", q)
    one, laplace = Quadrature(*parts, 1)(x), Laplace(*parts)(x)
    assert one.value == pytest.approx(laplace.value, abs=1e-10)
    assert np.allclose(one.gradient, laplace.gradient, atol=1e-8)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("name, link", PAIRS)
def test_nested_gradient(name, link, swapped):
    parts, x = nested(name, link, swapped=swapped)
    for nodes in (1, 2, 5):
        criterion = NestedQuadrature(*parts, nodes)
        assert np.allclose(criterion(x).gradient, differences(criterion, x), rtol=1e-6, atol=2e-6)
    one, laplace = NestedQuadrature(*parts, 1)(x), Laplace(*parts)(x)
    assert one.value == pytest.approx(laplace.value, abs=1e-10)
    assert np.allclose(one.gradient, laplace.gradient, atol=1e-8)


def test_nested_rows_are_the_general_ones():
    """Every operation against that for any number of factors."""
    (X, rows, density, _, basis), x = nested()

    class Term:
        members = None

        def __init__(self, group, codes, J):
            self.group, self.codes, self.levels = group, codes, np.arange(J)

    terms = [Term(name, codes, J) for name, codes, J in zip("ab", rows.codes, rows.J)]
    general = several_rows(terms, [rows.Z[:1], rows.Z[1:]])
    rng = np.random.default_rng(3)
    w, r, u, L = rng.random(density.n), rng.normal(size=density.n), rng.normal(size=rows.size), np.diag([1.1, 0.7])
    assert np.allclose(rows.gather(r), general.gather(r)) and np.allclose(rows.spread(u), general.spread(u))
    ours, theirs = (each.eliminate(each.cross(w), L) for each in (rows, general))
    assert ours.logdet == pytest.approx(theirs.logdet)
    assert np.allclose(ours.solve(u), theirs.solve(u))
    assert np.allclose(rows.leverages(ours), general.leverages(theirs))
    assert np.allclose(np.diag(ours.slopes()), np.diag(theirs.slopes()))
    dD = np.array([np.diag([0.3, 0.0]), np.diag([0.2, 1.0])])
    Z = np.zeros((density.n, rows.size))
    for k, start in ((0, 0), (1, rows.J[0])):
        Z[np.arange(density.n), start + rows.codes[k]] = rows.Z[k]
    own = np.repeat([0, 1], rows.J)
    V = np.diag(1 / w) + Z * np.diag(L)[own] ** 2 @ Z.T
    K = Z.T @ np.linalg.solve(V, Z)
    whole = [K * np.diag(each)[own] for each in dD]
    assert np.allclose(ours.information(dD), [[np.trace(a @ b) for b in whole] for a in whole])
    for k in (0, 1):
        assert np.allclose(ours.posterior(k), theirs.posterior(k))
    assert np.allclose(Laplace(X, rows, density, 0.0, basis)(x).gradient, Laplace(X, general, density, 0.0, basis)(x).gradient)


def test_factors_that_are_not_nested_are_refused():
    with pytest.raises(ValueError, match="neither"):
        NestedRows(np.ones((2, 4)), (np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])), (2, 2))


def test_nested_integral_is_the_integral():
    """One community of two families against SciPy's integrals of integrals."""
    eta, codes, y = np.array([-0.4, 0.3, 1.0, -1.2, 0.2]), np.array([0, 0, 0, 1, 1]), np.array([1.0, 0, 1, 0, 1])
    rows = NestedRows(np.ones((2, 5)), (np.zeros(5, dtype=int), codes), (1, 2))
    density = Density(y, family("binomial"))
    basis = np.array([np.diag([1.0, 0.0]), np.diag([0.0, 1.0])])
    criterion = NestedQuadrature(np.ones((1, 5)), rows, density, eta, basis, 45)
    outer, inner = 1.3, 0.8

    def normal(v):
        return np.exp(-0.5 * v * v) / np.sqrt(2 * np.pi)

    def family_of(a, k):
        own = codes == k
        return quad(lambda d: normal(d) * np.prod(1 / (1 + np.exp((1 - 2 * y[own]) * (eta[own] + outer * a + inner * d)))),
                    -9, 9, epsabs=1e-12)[0]

    truth = quad(lambda a: normal(a) * family_of(a, 0) * family_of(a, 1), -9, 9, epsabs=1e-11)[0]
    assert criterion(np.array([0.0, outer, inner])).value == pytest.approx(-2 * np.log(truth), abs=1e-8)


def test_two_effects_are_integrated():
    """One group with intercept and slope against SciPy's double integral."""
    z, y = np.array([-1.0, 0.5, 1.0, 2.0]), np.array([0.0, 1, 4, 3])
    rows = OneFactorRows(np.vstack([np.ones(4), z]), np.zeros(4, dtype=int), 1)
    density = Density(y, family("poisson"))
    L = np.array([[0.9, 0.0], [0.4, 0.6]])
    criterion = Quadrature(np.ones((1, 4)), rows, density, 0.2, structure("unstructured", 2).basis, 25)

    def joint(s, t):
        u = L @ [t, s]
        return np.exp(density(0.2 + u[0] + u[1] * z, np.empty(0), 0).value.sum() - 0.5 * (s * s + t * t)) / (2 * np.pi)

    truth = dblquad(joint, -8, 8, -8, 8, epsabs=1e-10)[0]
    assert criterion(np.array([0.0, 0.9, 0.4, 0.6])).value == pytest.approx(-2 * np.log(truth), abs=1e-7)


@pytest.mark.parametrize("name", EXACT)
def test_nodes_converge_to_the_exact_likelihood(name):
    """The last number of nodes within 1e-6 of R's own quadrature with 61 to 151, in log-likelihood and coefficients."""
    call, _ = call_of(f"exactml_{name}")
    truth = reference(f"exactml_{name}")
    gaps = []
    for nodes in (5, 25, 101):
        fit = mlm.glmm(call.formula, table(call.data), **call.options, method="agq", nodes=nodes)
        gaps.append(abs(fit.llf - truth["logLik"]))
    assert gaps[-1] < 1e-6 and gaps[-1] <= gaps[0]
    coefficients = np.array(list(truth["fixef"].values()))
    assert np.abs(fit.params - coefficients).max() < 1e-6
    assert abs(fit.theta[0] - truth["theta"]) < 1e-6
    assert np.allclose(fit.bse, list(truth["se"].values()), rtol=1e-5)
    assert fit.converged and not any("quadrature points" in message for message in fit.messages)


def test_odd_and_even_numbers_of_nodes():
    cbpp = mlm.load("cbpp")
    found = [mlm.glmm("incidence ~ period + (1 | herd)", cbpp, trials="size", method="agq", nodes=n).llf for n in (20, 21)]
    assert found[0] == pytest.approx(found[1], abs=1e-6)


def test_too_few_nodes_are_told():
    ohio, formula = mlm.load("ohio"), "resp ~ age * smoke + (1 | id)"
    few = mlm.glmm(formula, ohio, method="agq", nodes=7)
    told = next(message for message in few.messages if message.startswith("Too few quadrature points"))
    enough = int(told.split("nodes=")[1].split(".")[0])
    again = mlm.glmm(formula, ohio, method="agq", nodes=enough)
    assert not any(message.startswith("Too few") for message in again.messages)
    assert again.llf == pytest.approx(reference("exactml_ohio")["logLik"], abs=2e-4)
    coarse = mlm.glmm(formula, ohio)
    assert coarse.llf == pytest.approx(-794.6566, abs=1e-4)  # far from the -797.3596 of the exact likelihood
    assert any("agq" in message for message in coarse.messages)


def test_posterior_means_by_quadrature():
    """Means and variances of a random intercept against integrals of the posterior density."""
    fit = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size", method="agq", nodes=40)
    criterion = fit.model.criterion
    (mean, variance), = criterion.posterior(fit._at)
    sd = float(fit.theta[0])
    fixed, codes = criterion.fixed(fit._at.x), fit.design.random[0].codes
    for j in (0, 6, 14):
        def joint(u, power, j=j):
            values = fit.density(fixed + u, np.empty(0), 0).value[codes == j]
            return u ** power * np.exp(values.sum() - 0.5 * (u / sd) ** 2)
        mass = [quad(joint, -5, 5, args=(k,), epsabs=0, epsrel=1e-11, limit=200)[0] for k in (0, 1, 2)]
        assert mean[j, 0] == pytest.approx(mass[1] / mass[0], abs=1e-7)
        assert variance[j, 0, 0] == pytest.approx(mass[2] / mass[0] - (mass[1] / mass[0]) ** 2, abs=1e-7)


def test_posterior_means_of_nested_factors():
    """The mean of one family's effect and of its community's against SciPy's integrals."""
    eta, codes, y = np.array([-0.4, 0.3, 1.0, -1.2, 0.2]), np.array([0, 0, 0, 1, 1]), np.array([1.0, 0, 1, 1, 1])
    rows = NestedRows(np.ones((2, 5)), (np.zeros(5, dtype=int), codes), (1, 2))
    density, (outer, inner) = Density(y, family("binomial")), (1.3, 0.8)
    basis = np.array([np.diag([1.0, 0.0]), np.diag([0.0, 1.0])])
    criterion = NestedQuadrature(np.ones((1, 5)), rows, density, eta, basis, 40)
    found = criterion.posterior(criterion(np.array([0.0, outer, inner])))

    def part(a, k, power):
        own = codes == k
        def integrand(d):
            p = 1 / (1 + np.exp((1 - 2 * y[own]) * (eta[own] + outer * a + inner * d)))
            return (inner * d) ** power * np.exp(-0.5 * d * d) * np.prod(p)
        return quad(integrand, -9, 9, epsabs=1e-12)[0]

    def whole(power_a, power_d):
        return quad(lambda a: (outer * a) ** power_a * np.exp(-0.5 * a * a) * part(a, 0, 0) * part(a, 1, power_d), -9, 9,
                    epsabs=1e-11)[0]

    mass = whole(0, 0)
    for (mean, variance), j, moments in ((found[0], 0, (whole(1, 0), whole(2, 0))), (found[1], 1, (whole(0, 1), whole(0, 2)))):
        assert mean[j, 0] == pytest.approx(moments[0] / mass, abs=1e-7)
        assert variance[j, 0, 0] == pytest.approx(moments[1] / mass - (moments[0] / mass) ** 2, abs=1e-7)


def test_posterior_effects_of_a_fit():
    women = mlm.load("contraception")
    fit = mlm.glmm("use ~ age + (1 + age | district)", women, method="agq", nodes=9)
    found = posterior_effects(fit)
    assert found.mean["district"].shape == fit.random_effects["district"].shape == (60, 2)
    gap = (found.mean["district"] - fit.random_effects["district"]) / found.sd["district"]
    assert 0.001 < np.abs(gap).to_numpy().max() < 0.3
    assert np.allclose(found.sd["district"] / fit.random_effects_se["district"], 1.0, atol=0.25)
    three = mlm.glmm("y1 ~ chldcov + (1 | community/family)", mlm.load("rodriguez_goldman"))
    assert list(posterior_effects(three, nodes=7).mean) == ["community", "community:family"]
    with pytest.raises(mlm.FormulaError, match="likelihood"):
        posterior_effects(mlm.glmm("use ~ age + (1 | district)", women, method="pql"))


def test_three_levels_converge_as_nodes_grow():
    data = mlm.load("rodriguez_goldman")
    formula = "y1 ~ chldcov + famcov + commcov + (1 | community/family)"
    fits = [mlm.glmm(formula, data, method="agq", nodes=n) for n in (1, 5, 11, 15)]
    laplace = mlm.glmm(formula, data)
    assert fits[0].llf == pytest.approx(laplace.llf, abs=1e-7) and np.allclose(fits[0].params, laplace.params, atol=1e-6)
    gaps = [abs(fit.llf - fits[-1].llf) for fit in fits[:-1]]
    assert gaps[0] > 1.0 and gaps[1] < 0.1 and gaps[2] < 1e-3
    assert np.abs(fits[2].params - fits[3].params).max() < 1e-4
    assert all(fit.converged for fit in fits)


def test_variance_of_zero_is_a_point_like_others():
    parts, x = one_factor("binomial", "logit", 1)
    x[2] = 0.0
    at = Quadrature(*parts, 7)(x)
    assert at.gradient[2] == pytest.approx(0.0, abs=1e-9)
    assert at.value == pytest.approx(Laplace(*parts)(x).value, abs=1e-9)
    parts, x = nested()
    x[2:4] = 0.0
    assert NestedQuadrature(*parts, 5)(x).value == pytest.approx(Laplace(*parts)(x).value, abs=1e-9)


def test_groups_of_one_row_and_large_counts():
    rng = np.random.default_rng(5)
    codes = np.concatenate([np.arange(30), np.zeros(40, dtype=int)])
    y = np.concatenate([rng.poisson(40_000, 30), rng.poisson(3, 40)]).astype(float)
    parts = (np.ones((1, 70)), OneFactorRows(np.ones((1, 70)), codes, 30), Density(y, family("poisson")), 0.0,
             structure("unstructured", 1).basis)
    criterion, x = Quadrature(*parts, 9), np.array([9.0, 2.5])
    assert np.isfinite(criterion(x).value)
    assert np.allclose(criterion(x).gradient, differences(criterion, x), rtol=1e-6, atol=1e-4)


def test_what_cannot_be_integrated_is_refused():
    women = mlm.load("contraception")
    with pytest.raises(ValueError, match="from 1"):
        mlm.glmm("use ~ age + (1 | district)", women, method="agq", nodes=0)
    with pytest.raises(ValueError, match="points a group"):
        mlm.glmm("use ~ age + (1 + age + urban | district)", women, method="agq", nodes=100)
    with pytest.raises(mlm.FormulaError, match="at most 3 effects"):
        mlm.glmm("use ~ age + (1 + age + livch | district)", women, method="agq")
    with pytest.raises(mlm.FormulaError, match="nested"):
        mlm.glmm("r2 ~ Anger + (1 | id) + (1 | item)", mlm.load("verbagg"), method="agq")


def test_coarse_laplace_is_told_at_three_levels():
    fit = mlm.glmm("y1 ~ chldcov + famcov + commcov + (1 | community/family)", mlm.load("rodriguez_goldman"))
    told = next(message for message in fit.messages if message.startswith("Laplace's approximation is coarse"))
    assert "'community:family'" in told
