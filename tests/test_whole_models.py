"""Combinations of structures against the likelihood written out, covariance matrices from their definitions alone."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm


def _waves(rng):
    rows = [(s, p, t) for s in range(12) for p in range(4) for t in range(6) if rng.random() > 0.15]
    df = pd.DataFrame(rows, columns=["school", "pupil", "t"])
    n = len(df)
    df = df.assign(x=rng.normal(size=n), arm=np.where(df["pupil"] % 2, "b", "a"), w=rng.uniform(0.5, 2, n),
                   o=rng.normal(size=n))
    u, v = rng.normal(size=(12, 2)), rng.normal(size=(12, 4))
    e = rng.normal(size=n)
    for i in range(1, n):
        if df["pupil"][i] == df["pupil"][i - 1]:
            e[i] += 0.6 * e[i - 1]
    df["y"] = (1 + df["x"] + df["o"] + u[df["school"], 0] + 0.5 * u[df["school"], 1] * df["t"]
               + v[df["school"], df["pupil"]] + e * (1 + (df["arm"] == "b")) / np.sqrt(df["w"]))
    return df.sample(frac=1, random_state=1)


def nested(rng, reml):
    """Slopes of schools, pupils in schools, AR(1) of pupils, variances by arm, weights, offset."""
    df = _waves(rng)
    fit = mlm.lmm("y ~ x + t + (1 + t | school) + (1 | school:pupil)", df, reml=reml, correlation=mlm.ar1("t"),
                  variance=mlm.by_group("arm"), weights="w", offset="o")
    phi, ratio = fit.residual_params
    pupil, t = df["school"].to_numpy() * 10 + df["pupil"].to_numpy(), df["t"].to_numpy()
    sd = fit.sigma * np.where(df["arm"] == "b", ratio, 1.0) / np.sqrt(df["w"].to_numpy())
    R = np.where(pupil[:, None] == pupil, phi ** np.abs(t[:, None] - t), 0.0) * np.outer(sd, sd)
    return fit, R


def membership(rng, reml):
    """Slopes that vary over memberships whose weights do not sum to one, a crossed factor, unequal variances, weights."""
    n = 240
    df = pd.DataFrame({"a": rng.integers(0, 15, n), "b": rng.integers(0, 15, n), "k": rng.integers(0, 8, n),
                       "x": rng.normal(size=n), "wa": rng.uniform(0.1, 1, n), "wb": rng.uniform(0.0, 1.5, n),
                       "w": rng.uniform(0.5, 2, n), "sex": np.where(rng.random(n) < 0.5, "f", "m")})
    df.loc[:20, "wb"], df.loc[30:40, "b"] = 0.0, df.loc[30:40, "a"]
    u, v = rng.normal(size=(15, 2)), rng.normal(size=8)
    own = [weight * (u[group, 0] + 0.6 * u[group, 1] * df["x"]) for group, weight in
           ((df["a"], df["wa"]), (df["b"], df["wb"]))]
    df["y"] = 2 + df["x"] + own[0] + own[1] + v[df["k"]] + rng.normal(size=n) * (1 + (df["sex"] == "m"))
    fit = mlm.lmm("y ~ x + (1 + x | mm(a, b, weights=(wa, wb))) + (1 | k)", df, reml=reml, weights="w",
                  variance=mlm.by_group("sex"))
    ratio = fit.residual_params.iloc[0]
    return fit, np.diag((fit.sigma * np.where(df["sex"] == "m", ratio, 1.0)) ** 2 / df["w"].to_numpy())


def outcomes(rng, reml):
    """Two outcomes, a fifth of each missing, slopes of both, weights of the units."""
    n, L = 200, np.array([[1, 0, 0, 0], [0.5, 0.9, 0, 0], [0.2, 0, 0.7, 0], [0, 0.3, 0.1, 0.6]])
    df = pd.DataFrame({"g": rng.integers(0, 20, n), "x": rng.normal(size=n), "w": rng.uniform(0.5, 2, n)})
    u, e = rng.normal(size=(20, 4)) @ L.T, rng.normal(size=(n, 2)) @ np.array([[2, 0.8], [0, 1]])
    for k, name in enumerate(("y1", "y2")):
        df[name] = k + df["x"] + u[df["g"], k] + u[df["g"], k + 2] * df["x"] + e[:, k] / np.sqrt(df["w"])
        df.loc[rng.random(n) < 0.2, name] = np.nan
    fit = mlm.multivariate("y1 + y2 ~ x + (1 + x | g)", df, reml=reml, weights="w")
    design, S = fit.design, fit.residual_cov().to_numpy()
    R = np.where(design.unit[:, None] == design.unit, S[design.outcome[:, None], design.outcome], 0.0)
    return fit, R / np.sqrt(np.outer(design.weights, design.weights))


def _columns(term, n):
    """Z of one term, a block of columns a group."""
    Z, q = np.zeros((n, len(term.levels), term.Z.shape[1])), term.Z.shape[1]
    if term.members is None:
        Z[np.arange(n), term.codes] = term.Z
    else:
        for codes, weights in zip(term.members.codes.T, term.members.weights.T):
            Z[np.arange(n), codes] += weights[:, None] * term.Z
    return Z.reshape(n, len(term.levels) * q)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("build", [nested, membership, outcomes])
def test_against_matrices(build, reml):
    fit, R = build(np.random.default_rng(7), reml)
    X, n = fit.design.X, len(R)
    y = fit.design.y - (0.0 if fit.design.offset is None else fit.design.offset)
    V, random = R, []
    for term, T in zip(fit.design.random, fit._T):
        Z = _columns(term, n)
        random.append((Z, np.kron(np.eye(len(term.levels)), T)))
        V = V + Z @ random[-1][1] @ Z.T
    Vi = np.linalg.inv(V)
    H = X.T @ Vi @ X
    b = np.linalg.solve(H, X.T @ Vi @ y)
    r = y - X @ b
    criterion = np.linalg.slogdet(V)[1] + r @ Vi @ r + n * np.log(2 * np.pi)
    if reml:
        criterion += np.linalg.slogdet(H)[1] - len(b) * np.log(2 * np.pi)
    assert fit.converged and fit.criterion == pytest.approx(criterion, abs=1e-8)
    np.testing.assert_allclose(fit.params, b, rtol=1e-9)
    np.testing.assert_allclose(fit.bse, np.sqrt(np.diag(np.linalg.inv(H))), rtol=1e-9)
    moved = sum(Z @ G @ Z.T @ Vi @ r for Z, G in random)
    np.testing.assert_allclose(fit.fittedvalues - (fit.design.y - y), X @ b + moved, rtol=1e-8, atol=1e-10)
    # a fitted value's error is that of x'b + z'u - z'U: with M = sum Z G Z' it is M - M V^-1 M, and what b adds
    M = V - R
    left = X - M @ Vi @ X
    variance = np.diag(M - M @ Vi @ M) + np.einsum("ij,jk,ik->i", left, np.linalg.inv(H), left)
    if build is not outcomes:  # which predicts missing outcomes too
        found = fit.predict(interval="confidence")["se"]
        np.testing.assert_allclose(found, np.sqrt(variance), rtol=1e-7)
