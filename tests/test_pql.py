"""Quasi-likelihood against MASS::glmmPQL, against its definition, and where it must agree with linear models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib.glmm.working import Working, WorkingDensity, accelerated
from models import data, reference

WOMEN = "use ~ age + I(age ** 2) + urban + livch + "
PQL = {
    "contraception": ("contraception", WOMEN + "(1 | district)", {}),
    "contraception_slope": ("contraception", WOMEN + "(1 + urban | district)", {}),
    "contraception_probit": ("contraception", WOMEN + "(1 | district)", {"link": "probit"}),
    "cbpp": ("cbpp", "incidence ~ period + (1 | herd)", {"trials": "size"}),
    "epil": ("epil", "y ~ lbase * trt + lage + V4 + (1 | subject)", {"family": "poisson"}),
    "bacteria": (None, "y ~ trt + late + (1 | ID)", {}),
}
GROUPS = {"cbpp": "herd", "epil": "subject", "bacteria": "ID"}


def table(name):
    if PQL[name][0]:
        return mlm.load(PQL[name][0])
    rows = data("bacteria").copy()
    rows["late"] = (rows["week"] > 2).astype(float)
    rows["y"] = (rows["y"] == "y").astype(float)
    rows["trt"] = pd.Categorical(rows["trt"], ["placebo", "drug", "drug+"])
    return rows


@pytest.mark.parametrize("sigma", ["fixed", "free"])
@pytest.mark.parametrize("name", PQL)
def test_agrees_with_glmmpql(name, sigma):
    truth = reference(f"pql_{name}_{sigma}")
    fit = mlm.glmm(PQL[name][1], table(name), method="pql", dispersion=sigma, **PQL[name][2])
    group = GROUPS.get(name, "district")
    assert fit.converged
    assert np.allclose(fit.params, list(truth["fixef"].values()), rtol=1e-5, atol=1e-6)
    assert np.allclose(fit.bse, list(truth["se"].values()), rtol=1e-5)
    assert np.allclose(fit.covariance_matrix(group), truth["covariance"][group], rtol=2e-5, atol=1e-6)
    if sigma == "free":
        assert fit.dispersion["dispersion"] == pytest.approx(truth["residual"] ** 2, rel=1e-5)
    else:
        assert truth["residual"] == 1 and len(fit.dispersion) == 0


def test_three_levels_agree_with_glmmpql():
    truth = reference("pql_rodriguez_goldman_fixed")
    fit = mlm.glmm("y1 ~ chldcov + famcov + commcov + (1 | community/family)", mlm.load("rodriguez_goldman"), method="pql")
    assert np.allclose(fit.params, list(truth["fixef"].values()), atol=1e-5)
    assert np.allclose(fit.bse, list(truth["se"].values()), rtol=1e-5)
    for ours, theirs in (("community", "community"), ("community:family", "family")):
        assert fit.covariance_matrix(ours).iloc[0, 0] == pytest.approx(truth["covariance"][theirs][0], rel=1e-4)


def dense(y, X, Z, groups, penalized, order, steps=400):
    """The definition with matrices of all rows: random intercepts of one factor, logit link, EM for the variance."""
    same = np.equal.outer(groups, groups) * np.multiply.outer(Z, Z)
    b, s, u, T = np.zeros(X.shape[1]), 0.3, np.zeros(len(y)), np.zeros(len(y))
    for _ in range(steps):
        eta = X @ b + (u if penalized else 0.0)
        p = 1 / (1 + np.exp(-eta))
        w = p * (1 - p)
        z = eta + (y - p) / w - (0.5 * (1 - 2 * p) * T if order == 2 else 0.0)
        for _ in range(60):  # maximum likelihood of b and s in the working model, by Fisher scoring
            V = np.linalg.inv(s * same + np.diag(1 / w))
            b = np.linalg.solve(X.T @ V @ X, X.T @ V @ z)
            r = V @ (z - X @ b)
            step = (r @ same @ r - np.trace(V @ same)) / np.trace(V @ same @ V @ same)
            s = max(s + step, 0.0)
            if abs(step) < 1e-12:
                break
        before, u = u, s * same @ r
        T = np.diag(s * same - s * same @ V @ same * s) if penalized else s * np.diag(same)
        if np.abs(u - before).max() < 1e-11:
            break
    return b, s


@pytest.mark.parametrize("penalized", [False, True])
@pytest.mark.parametrize("order", [1, 2])
def test_is_its_definition(penalized, order):
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(24), 7)
    x = rng.normal(size=len(groups))
    eta = 0.4 + 0.8 * x + 1.2 * rng.normal(size=24)[groups]
    rows = pd.DataFrame({"y": (rng.random(len(x)) < 1 / (1 + np.exp(-eta))).astype(float), "x": x, "g": groups})
    fit = mlm.glmm("y ~ x + (1 | g)", rows, method="pql" if penalized else "mql", order=order)
    b, s = dense(rows["y"].to_numpy(), np.column_stack([np.ones(len(x)), x]), np.ones(len(x)), groups, penalized, order)
    assert fit.converged
    assert np.allclose(fit.params, b, atol=1e-6) and fit.theta[0] ** 2 == pytest.approx(s, abs=1e-6)


@pytest.mark.parametrize("reml", [False, True])
def test_gaussian_outcomes_are_a_linear_model(reml):
    sleep = mlm.load("sleepstudy")
    formula = "Reaction ~ Days + (1 + Days | Subject)"
    ours = mlm.glmm(formula, sleep, family="gaussian", method="pql", reml=reml)
    linear = mlm.lmm(formula, sleep, reml=reml)
    assert np.allclose(ours.params, linear.params, rtol=1e-7) and np.allclose(ours.bse, linear.bse, rtol=1e-5)
    assert np.allclose(ours.covariance_matrix("Subject"), linear.covariance_matrix("Subject"), rtol=1e-5)
    assert ours.dispersion["sigma"] == pytest.approx(linear.sigma, rel=1e-6)
    own, theirs = (fit.variance_components["se"].to_numpy()[:3] for fit in (ours, linear))
    assert np.allclose(own, theirs, rtol=1e-3)


@pytest.mark.parametrize("family, link", [("gamma", "log"), ("inverse-gaussian", "log"), ("geometric", "log"),
                                           ("exponential", "log"), ("poisson", "sqrt")])
def test_other_families_converge(family, link):
    epil = mlm.load("epil")
    shift = 0.0 if family in ("poisson", "geometric") else 0.5
    epil["response"] = epil["y"] + shift
    fit = mlm.glmm("response ~ lbase + trt + V4 + (1 | subject)", epil, family=family, link=link, method="pql")
    laplace = mlm.glmm("response ~ lbase + trt + V4 + (1 | subject)", epil, family=family, link=link)
    assert fit.converged and np.isfinite(fit.bse).all()
    assert np.abs((fit.params - laplace.params) / laplace.bse).max() < 1.5
    assert list(fit.dispersion.index) == list(laplace.dispersion.index)


def test_order_one_is_biased_toward_zero():
    """The coefficients of 100 outcomes are in test_quasi_study; here what changes with the method in one of them."""
    rows = mlm.load("rodriguez_goldman")
    formula = "y2 ~ chldcov + famcov + commcov + (1 | community/family)"
    mql, pql, pql2 = (mlm.glmm(formula, rows, method=m, order=o) for m, o in (("mql", 1), ("pql", 1), ("pql", 2)))
    exact = mlm.glmm(formula, rows, method="agq", nodes=9)
    for a, b in ((mql, pql), (pql, pql2), (pql2, exact)):
        assert (a.params.abs() < b.params.abs()).all() and (a.theta < b.theta).all()


def test_crossed_factors_and_weights():
    rng = np.random.default_rng(8)
    a, b = np.divmod(np.arange(600), 30)
    eta = 0.3 + 0.8 * rng.normal(size=20)[a] + 0.6 * rng.normal(size=30)[b]
    rows = pd.DataFrame({"y": (rng.random(600) < 1 / (1 + np.exp(-eta))).astype(float), "a": a, "b": b, "w": 1.0 + (a > 9)})
    twice = pd.concat([rows, rows[rows["w"] == 2.0]])
    weighted = mlm.glmm("y ~ 1 + (1 | a) + (1 | b)", rows, method="pql", order=2, weights="w")
    repeated = mlm.glmm("y ~ 1 + (1 | a) + (1 | b)", twice, method="pql", order=2)
    assert weighted.converged and np.allclose(weighted.params, repeated.params, atol=1e-7)
    assert np.allclose(weighted.theta, repeated.theta, atol=1e-6)


def test_trials_are_repeated_rows():
    cbpp = mlm.load("cbpp")
    cases = cbpp.loc[cbpp.index.repeat(cbpp["size"])].copy()
    order = cases.groupby(level=0).cumcount()
    cases["sick"] = (order < cases["incidence"]).astype(float)
    for method, degree in (("pql", 1), ("mql", 2)):
        ours = mlm.glmm("incidence ~ period + (1 | herd)", cbpp, trials="size", method=method, order=degree)
        theirs = mlm.glmm("sick ~ period + (1 | herd)", cases, method=method, order=degree)
        assert np.allclose(ours.params, theirs.params, atol=1e-7) and np.allclose(ours.theta, theirs.theta, atol=1e-7)


def test_there_is_no_likelihood_and_the_message_says_so():
    fit = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size", method="pql")
    assert np.isnan(fit.llf) and np.isnan(fit.criterion) and np.isnan(fit.aic)
    assert any("no likelihood" in message for message in fit.messages)
    assert fit.order == 1 and fit.method == "pql" and not fit.reml


def test_reml_and_free_dispersion():
    women = mlm.load("contraception")
    formula = WOMEN + "(1 | district)"
    ml, reml = (mlm.glmm(formula, women, method="pql", reml=reml) for reml in (False, True))
    assert reml.reml and reml.theta[0] > ml.theta[0]
    assert reml.variance_components["se"].iloc[0] > ml.variance_components["se"].iloc[0]
    free = mlm.glmm(formula, women, method="pql", dispersion="free")
    shown = free.dispersion_table()
    assert shown["lower"].iloc[0] < free.dispersion["dispersion"] < shown["upper"].iloc[0]
    assert free.n_params == ml.n_params + 1


def test_variance_of_zero():
    """Groups no more different than chance: a variance of zero is found and named, not forced away from it."""
    rows = pd.DataFrame({"y": np.tile([0.0, 1.0, 1.0, 0.0], 30), "g": np.repeat(np.arange(30), 4)})
    for method in ("mql", "pql"):
        fit = mlm.glmm("y ~ 1 + (1 | g)", rows, method=method, order=2)
        assert fit.converged and fit.is_singular and fit.theta[0] == pytest.approx(0.0, abs=1e-4)
        assert fit.params.iloc[0] == pytest.approx(0.0, abs=1e-8)


def test_what_cannot_be_is_refused():
    epil = mlm.load("epil")
    with pytest.raises(mlm.FormulaError, match="laplace"):
        mlm.glmm("y ~ trt + (1 | subject)", epil, family="nbinom2", method="pql")
    with pytest.raises(ValueError, match="order=3"):
        mlm.glmm("y ~ trt + (1 | subject)", epil, family="poisson", method="pql", order=3)
    with pytest.raises(ValueError, match="belongs to method"):
        mlm.glmm("y ~ trt + (1 | subject)", epil, family="poisson", order=1)
    with pytest.raises(ValueError, match="reml=True belongs"):
        mlm.glmm("y ~ trt + (1 | subject)", epil, family="poisson", reml=True)
    with pytest.raises(ValueError, match="dispersion="):
        mlm.glmm("y ~ trt + (1 | subject)", epil, family="poisson", method="pql", dispersion="much")


def test_no_end_is_told():
    """PQL of order 2 comes to no end with this outcome, as the message says."""
    rows = mlm.load("rodriguez_goldman")
    fit = mlm.glmm("y86 ~ chldcov + famcov + commcov + (1 | community/family)", rows, method="pql", order=2)
    assert not fit.converged and any("did not converge" in message for message in fit.messages)


def test_working_outcomes():
    """Of logit: eta + (y - p) / (p (1 - p)) - (1 - 2p) T / 2, with weights p (1 - p)."""
    fit = mlm.glmm("incidence ~ period + (1 | herd)", mlm.load("cbpp"), trials="size")
    rng = np.random.default_rng(2)
    eta, T = rng.normal(size=fit.nobs), rng.random(fit.nobs)
    z, w = Working(fit.density)(eta, T)
    p, m = 1 / (1 + np.exp(-eta)), fit.density.trials
    assert np.allclose(w, m * p * (1 - p))
    assert np.allclose(z, eta + (fit.density.y / m - p) / (p * (1 - p)) - (0.5 - p) * T)
    far = Working(fit.density)(np.full(fit.nobs, 800.0), T)
    assert np.isfinite(far[0]).all() and np.isfinite(far[1]).all()


def test_working_density_has_its_derivatives():
    rng = np.random.default_rng(3)
    z, w, eta, psi = rng.normal(size=5), rng.random(5) + 0.5, rng.normal(size=5), np.array([0.3])
    density = WorkingDensity(z, w, np.array([2.0]))
    at, h = density(eta, psi), 1e-6
    sides = [density(eta, psi + s) for s in (h, -h)]
    assert np.allclose(at.p[0], (sides[0].value - sides[1].value) / (2 * h), atol=1e-7)
    assert np.allclose(at.p1[0], (sides[0].d1 - sides[1].d1) / (2 * h), atol=1e-7)
    assert np.allclose(at.p2[0], (sides[0].d2 - sides[1].d2) / (2 * h), atol=1e-7)
    sides = [density(eta + s, psi) for s in (h, -h)]
    assert np.allclose(at.d1, (sides[0].value - sides[1].value) / (2 * h), atol=1e-7)


def test_acceleration_ends_sooner():
    """A linear iteration in three dimensions is over after as many steps more."""
    A, b = np.diag([0.99, -0.9, 0.5]), np.array([1.0, 2.0, 3.0])
    x, history = (np.zeros(2), np.zeros(1)), []
    for _ in range(9):
        g = A @ np.concatenate(x) + b
        x = accelerated(history, x, (g[:2], g[2:]))
    assert np.allclose(np.concatenate(x), b / (1 - np.diag(A)), rtol=1e-6)


@pytest.mark.parametrize("method", ["pql", "mql"])
def test_separation_is_refused(method):
    rng = np.random.default_rng(4)
    c = rng.choice(list("abc"), 200)
    y = np.where(c == "b", 1, rng.integers(0, 2, 200))
    with pytest.raises(mlm.DataError, match="'c' is 'b' the outcome 'y' is 1"):
        mlm.glmm("y ~ c + (1 | g)", {"y": y, "c": c, "g": np.arange(200) % 10}, method=method)
