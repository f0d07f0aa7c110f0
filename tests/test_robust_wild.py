"""The wild cluster bootstrap against fits of every draw, one by one."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm

SIZES = [3, 9, 5, 12, 4, 7]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(11)
    g = np.repeat(np.arange(len(SIZES)), SIZES)
    d = pd.DataFrame({"g": g, "x": rng.normal(size=len(g)) + 0.5 * rng.normal(size=len(SIZES))[g], "z": rng.normal(size=len(g))})
    return d.assign(y=0.4 * d["x"] + rng.normal(size=len(SIZES))[g] + rng.normal(size=len(g)), w=rng.uniform(0.5, 2.0, len(g)))


def cr(X, W, e, g, kind):
    """CR0 or CR3 of weighted least squares, by hand."""
    M = np.linalg.inv(X.T @ (W[:, None] * X))
    meat = np.zeros((X.shape[1],) * 2)
    for j in np.unique(g):
        x, w, own = X[g == j], W[g == j], e[g == j]
        if kind == "CR3":
            own = np.linalg.solve(np.eye(len(own)) - x @ M @ (x.T * w), own)
        s = x.T @ (w * own)
        meat += np.outer(s, s)
    return M @ meat @ M


def literally(X, y, W, g, C, r, draws, kind="CR0", restricted=True):
    """The sample's statistic and those of draws: every one fitted anew. One hypothesis: t; several: Wald."""
    def fit(y):
        return np.linalg.solve(X.T @ (W[:, None] * X), X.T @ (W * y))

    def statistic(b, r, e):
        left, V = C @ b - r, C @ cr(X, W, e, g, kind) @ C.T
        return float(left[0] / np.sqrt(V[0, 0])) if len(C) == 1 else float(left @ np.linalg.solve(V, left))

    b = fit(y)
    M = np.linalg.inv(X.T @ (W[:, None] * X))
    start = b - M @ C.T @ np.linalg.solve(C @ M @ C.T, C @ b - r) if restricted else b
    out = []
    for v in draws:
        new = X @ start + np.asarray(v)[g] * (y - X @ start)
        found = fit(new)
        out.append(statistic(found, C @ start, new - X @ found))
    return statistic(b, r, y - X @ b), np.array(out)


def arrays(fit):
    w = fit.design.weights
    return fit.design.X, fit.design.y, np.ones(fit.nobs) if w is None else w


@pytest.mark.parametrize("kind", ["CR0", "CR3"])
@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("text, C, r", [("x = 0", [[0, 1, 0]], [0.0]), ("x - 2*z = 0.3", [[0, 1, -2]], [0.3]),
                                        ("x = 0.1, z = 0", [[0, 1, 0], [0, 0, 1]], [0.1, 0.0])])
def test_every_draw(table, kind, weights, restricted, text, C, r):
    fit = mlm.ols("y ~ x + z", table, weights=weights)
    draws = list(product([-1.0, 1.0], repeat=len(SIZES)))
    own, each = literally(*arrays(fit), table["g"].to_numpy(), np.array(C, float), np.array(r), draws, kind, restricted)
    ours = mlm.wild_bootstrap(fit, text, "g", kind=kind, restricted=restricted)
    assert ours.enumerated and ours.n == 64
    assert ours.statistic == pytest.approx(own, rel=1e-9)
    assert np.allclose(np.sort(ours.replicates), np.sort(each), rtol=1e-7, atol=1e-9)
    share = np.mean(each ** 2 >= own ** 2 * (1 - 1e-9)) if len(C) == 1 else np.mean(each >= own * (1 - 1e-9))
    assert ours.pvalue == share


def test_webb_enumerated(table):
    few = table[table["g"] < 4]
    fit = mlm.ols("y ~ x", few)
    values = [-(1.5 ** 0.5), -1.0, -(0.5 ** 0.5), 0.5 ** 0.5, 1.0, 1.5 ** 0.5]
    own, each = literally(*arrays(fit), few["g"].to_numpy(), np.array([[0.0, 1.0]]), np.zeros(1), list(product(values, repeat=4)))
    ours = mlm.wild_bootstrap(fit, "x = 0", "g", weights="webb")
    assert ours.enumerated and ours.n == 6 ** 4
    assert np.allclose(np.sort(ours.replicates), np.sort(each), rtol=1e-7, atol=1e-9)
    assert ours.pvalue == np.mean(np.abs(each) >= abs(own) * (1 - 1e-9))


def test_interval_is_the_test_inverted(table):
    """The ends divide values that are rejected from those that are not: by whole new bootstraps at values beside them."""
    fit = mlm.ols("y ~ x + z", table)
    ours = mlm.wild_bootstrap(fit, "x", "g", level=0.9)
    lower, upper = ours.conf_int()
    step = 1e-4 * (upper - lower)
    for end, side in ((lower, -1), (upper, 1)):
        inside, outside = (mlm.wild_bootstrap(fit, {"x": 1}, "g", rhs=end + way * side * step).pvalue for way in (-1, 1))
        assert outside <= 0.1 < inside
    assert lower < fit.params["x"] < upper


def test_interval_may_be_infinite(table):
    """Four clusters have 16 draws: p is never below 2/16, and no value is rejected at 0.05."""
    ours = mlm.wild_bootstrap(mlm.ols("y ~ x", table[table["g"] < 4]), "x = 0", "g")
    assert ours.pvalue >= 2 / 16
    assert ours.conf_int() == (-np.inf, np.inf)


def test_draws_converge_to_all_of_them(table):
    fit = mlm.ols("y ~ x + z", table)
    exact, drawn = (mlm.wild_bootstrap(fit, "x = 0", "g", n=n) for n in (64, 63))
    assert exact.enumerated and not drawn.enumerated
    big = pd.concat([table.assign(g=table["g"] + 6 * k, y=table["y"] + 0.1 * k * table["z"]) for k in range(3)])
    a, b = (mlm.wild_bootstrap(mlm.ols("y ~ x + z", big), "x = 0", "g", n=4999, seed=seed).pvalue for seed in (1, 2))
    assert a == pytest.approx(b, abs=0.03) and a != b
    assert a == mlm.wild_bootstrap(mlm.ols("y ~ x + z", big), "x = 0", "g", n=4999, seed=1).pvalue


def test_stretches_do_not_matter(table, monkeypatch):
    from mlmlib.robust import wild
    fit = mlm.ols("y ~ x + z", table)
    whole = mlm.wild_bootstrap(fit, "x = 0", "g", n=63, seed=4)
    monkeypatch.setattr(wild, "_CELLS", 100)
    assert np.allclose(mlm.wild_bootstrap(fit, "x = 0", "g", n=63, seed=4).replicates, whole.replicates)


def test_mixed_model_holds_its_variances(table):
    """Generalized least squares with V of the fit: every draw by whole matrices."""
    fit = mlm.lmm("y ~ x + (1 | g)", table)
    X, y, g = fit.design.X, fit.design.y, table["g"].to_numpy()
    V = fit.sigma ** 2 * np.eye(len(y)) + fit._T[0][0, 0] * (g[:, None] == g)
    W = np.linalg.inv(V)
    M = np.linalg.inv(X.T @ W @ X)
    b = M @ X.T @ W @ y
    start = b - M[:, 1] / M[1, 1] * b[1]
    each = []
    for v in product([-1.0, 1.0], repeat=len(SIZES)):
        new = X @ start + np.array(v)[g] * (y - X @ start)
        found = M @ X.T @ W @ new
        scores = np.array([M @ X[g == j].T @ W[np.ix_(g == j, g == j)] @ (new - X @ found)[g == j] for j in range(6)])
        each.append(found[1] / np.sqrt((scores[:, 1] ** 2).sum()))
    ours = mlm.wild_bootstrap(fit, "x = 0")
    assert np.allclose(np.sort(ours.replicates), np.sort(each), rtol=1e-6, atol=1e-8)


def test_after_robust(table):
    """Clusters and kind are those of mlm.robust, also with CR2, and panels have their own groups."""
    fit = mlm.robust(mlm.ols("y ~ x + z", table), "g")
    ours = fit.wild_bootstrap("x = 0")
    assert ours.kind == "CR2" and ours.statistic == pytest.approx(fit.tvalues["x"])
    assert ours.result().pvalue == ours.pvalue and "all 64 draws" in str(ours.result())
    assert "95% interval" in repr(ours)
    within = mlm.panel("y ~ x + z", table, groups="g")
    assert mlm.wild_bootstrap(within, "x = 0").enumerated


def test_refusals(table):
    fit = mlm.ols("y ~ x + z", table)
    with pytest.raises(ValueError, match="'webb'"):
        mlm.wild_bootstrap(fit, "x = 0", "g", weights="mammen")
    with pytest.raises(ValueError, match="follow from the others"):
        mlm.wild_bootstrap(fit, "x = 0, 2*x = 0", "g")
    with pytest.raises(ValueError, match="one by one"):
        mlm.wild_bootstrap(fit, "x = 0, z = 0", "g").conf_int()
    with pytest.raises(ValueError, match="linear models"):
        mlm.wild_bootstrap(mlm.glmm("b ~ x", table.assign(b=(table["y"] > 0).astype(int))), "x = 0", "g")
