"""Latent basis growth against a dense fit of the same mean and covariance structure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import mlmlib as mlm


def dense(wide):
    """ML of Y_i ~ N(Z (g0, g1), Z T Z' + s2 I), Z = [1, lambda], rows with gaps by their own waves: estimate, deviance, SEs."""
    n_waves = wide.shape[1]

    def deviance(p):
        lam = np.concatenate([[0.0], p[: n_waves - 2], [1.0]])
        g, (a, b, c, s) = p[n_waves - 2 : n_waves], p[n_waves:]
        L = np.array([[np.exp(a), 0.0], [b, np.exp(c)]])
        Z = np.column_stack([np.ones(n_waves), lam])
        V = Z @ L @ L.T @ Z.T + np.exp(2 * s) * np.eye(n_waves)
        total = 0.0
        for row in wide:
            k = np.flatnonzero(~np.isnan(row))
            r, v = row[k] - Z[k] @ g, V[np.ix_(k, k)]
            total += len(k) * np.log(2 * np.pi) + np.linalg.slogdet(v)[1] + r @ np.linalg.solve(v, r)
        return total

    level, change = np.nanmean(wide[:, 0]), np.nanmean(wide[:, -1]) - np.nanmean(wide[:, 0])
    spread = np.log(np.nanstd(wide[:, 0]) / 1.5)
    p = np.array([*np.linspace(0, 1, n_waves)[1:-1], level, change, spread, 0.0, spread, spread])
    for _ in range(3):
        p = minimize(deviance, p, method="BFGS", options={"gtol": 1e-8}).x
        p = minimize(
            deviance,
            p,
            method="Nelder-Mead",
            options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 20000, "maxfev": 20000},
        ).x
    h = 1e-3 * np.maximum(np.abs(p), 0.1)
    H = np.empty((len(p), len(p)))
    for i, di in enumerate(np.diag(h)):
        for j, dj in enumerate(np.diag(h)):
            H[i, j] = (
                deviance(p + di + dj) - deviance(p + di - dj) - deviance(p - di + dj) + deviance(p - di - dj)
            ) / (4 * h[i] * h[j])
    return p, deviance(p), np.sqrt(np.diagonal(2 * np.linalg.inv(H)))


@pytest.mark.parametrize("gaps", [False, True])
def test_against_a_dense_fit(gaps):
    ortho = mlm.load("orthodont")
    if gaps:
        ortho = ortho.drop(index=ortho.index[[1, 7, 30, 31, 58, 77]])
    wide = ortho.pivot(index="Subject", columns="age", values="distance").to_numpy()
    p, deviance, se = dense(wide)
    found = mlm.growth.latent_basis("distance ~ basis + (1 + basis | Subject)", ortho, wave="age")
    assert found.converged and found.gradient < 1e-4 and not found.messages
    assert found.deviance == pytest.approx(deviance, abs=1e-6)
    np.testing.assert_allclose(found.basis["value"].iloc[1:3], p[:2], atol=1e-5)
    np.testing.assert_allclose(found.params, p[2:4], rtol=1e-5)
    np.testing.assert_allclose(found.basis["se"].iloc[1:3], se[:2], rtol=1e-3)
    np.testing.assert_allclose(
        found.bse, se[2:4], rtol=2e-3 if not gaps else 1e-2
    )  # information of the two parts: expected, observed
    assert (found.bse >= found.fit.bse).all()
    statistic, df, p_value = found.test_linear()
    line = mlm.lmm("distance ~ age + (1 + age | Subject)", ortho, reml=False)
    assert df == 2 and statistic == pytest.approx(line.criterion - deviance, abs=1e-5) and 0 < p_value < 1


def test_gradient_is_exact():
    """With a predictor of persons and missing outcomes: against differences of the deviance."""
    from mlmlib.growth.basis import _Problem

    ortho = mlm.load("orthodont")
    ortho.loc[ortho.index[[5, 17]], "distance"] = np.nan
    problem = _Problem("distance ~ basis * Sex + (1 + basis | Subject)", ortho, "age", None, "basis")
    at = np.array([0.2, 0.7])
    h = 1e-4
    differences = [(problem.value(at + d) - problem.value(at - d)) / (2 * h) for d in h * np.eye(2)]
    np.testing.assert_allclose(problem.slope(at), differences, rtol=1e-5, atol=1e-5)


def test_a_known_shape_is_found_and_anchors_change_no_fit():
    """Growth that levels off, many persons: the shape within its intervals; in another scale of the basis the same deviance."""
    rng = np.random.default_rng(11)
    shape = np.array([0.0, 0.5, 0.8, 0.95, 1.0])
    b = rng.multivariate_normal([10, 6], [[4, 1], [1, 2]], 400)
    y = b[:, :1] + b[:, 1:] * shape + rng.normal(0, 1, (400, 5))
    df = pd.DataFrame({"id": np.repeat(np.arange(400), 5), "year": np.tile(np.arange(5), 400), "y": y.ravel()})
    found = mlm.growth.latent_basis("y ~ basis + (1 + basis | id)", df, "year")
    inner = found.basis.iloc[1:-1]
    assert (np.abs(inner["value"] - shape[1:-1]) < 3 * inner["se"]).all() and (inner["se"] < 0.03).all()
    assert found.test_linear()[2] < 1e-10
    other = mlm.growth.latent_basis("y ~ basis + (1 + basis | id)", df, "year", anchors={0: 0, 1: 1})
    assert other.deviance == pytest.approx(found.deviance, abs=1e-5)
    np.testing.assert_allclose(other.basis["value"] / other.basis["value"].iloc[-1], found.basis["value"], atol=1e-4)


def test_singular_and_wild_scales():
    """Without differences between slopes, and with an outcome in millions."""
    rng = np.random.default_rng(5)
    y = 10 + 3 * np.array([0, 0.6, 0.9, 1.0]) + rng.normal(0, 1, (60, 4)) + rng.normal(0, 1, (60, 1))
    df = pd.DataFrame({"id": np.repeat(np.arange(60), 4), "t": np.tile([1, 2, 4, 9], 60), "y": y.ravel()})
    plain = mlm.growth.latent_basis("y ~ basis + (1 + basis | id)", df, "t")
    scaled = mlm.growth.latent_basis("y ~ basis + (1 + basis | id)", df.assign(y=1e6 * df["y"]), "t")
    np.testing.assert_allclose(scaled.basis["value"], plain.basis["value"], atol=1e-4)
    np.testing.assert_allclose(scaled.basis["se"], plain.basis["se"], rtol=1e-2)


def test_no_change_no_shape():
    """Where nothing changes the result says that its shape and intervals are not to be trusted."""
    rng = np.random.default_rng(1)
    y = rng.normal(size=160) + np.repeat(rng.normal(size=40), 4)
    df = pd.DataFrame({"id": np.repeat(np.arange(40), 4), "t": np.tile(np.arange(4), 40), "y": y})
    found = mlm.growth.latent_basis("y ~ basis + (1 | id)", df, "t")
    assert any("hardly determined" in text or "not determined" in text for text in found.messages)


def test_bad_input_says_so():
    ortho = mlm.load("orthodont").assign(own=np.arange(108.0))
    good = "distance ~ basis + (1 + basis | Subject)"
    for formula, wave, anchors, words in (
        ("distance ~ age + (1 | Subject)", "age", None, "does not have 'basis'"),
        (good, "Sex", None, "not numbers"),
        (good, "own", None, "three to 40"),
        (good, "age", {8: 0, 9: 1}, "anchors"),
        (good, "age", {8: 0}, "anchors"),
        ("distance ~ I(basis ** 2) + (1 + basis | Subject)", "age", None, "not inside a function"),
        ("distance ~ basis + (1 | Subject) + (1 | Sex)", "age", None, "one random term"),
    ):
        with pytest.raises(mlm.DataError, match=words):
            mlm.growth.latent_basis(formula, ortho, wave, anchors=anchors)
