"""Diagnostics of models with several grouping factors, against dense matrices and fits without the rows."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib.diagnostics.blocks import blocks
from mlmlib.diagnostics.several_blocks import finest, group_rows, several_blocks

N = 150
CASES = {
    "crossed": ("y ~ x + (1 + x | g) + (x | h)", {}),
    "nested": ("y ~ x + (1 | g/c)", {}),
    "nested, weighted": ("y ~ x + (1 + x | g/c)", {"weights": "w", "offset": "o"}),
    "crossed, by ML": ("y ~ x + (1 | g) + (1 | h)", {"reml": False, "weights": "w"}),
    "membership": ("y ~ x + (1 | mm(m1, m2))", {"weights": "w", "offset": "o"}),
    "membership and groups": ("y ~ x + (1 | g) + (1 | mm(m1, m2))", {}),
    "inner one larger": ("y ~ x + (x || c) + (1 | g)", {"offset": "o"}),
    "singular": ("y ~ x + (1 | g) + (1 + x | k)", {}),
}


def table():
    rng = np.random.default_rng(6)
    rows = pd.DataFrame({"g": rng.integers(7, size=N), "h": rng.integers(11, size=N), "k": rng.integers(9, size=N),
                         "m1": rng.integers(8, size=N), "m2": rng.integers(8, size=N), "x": rng.normal(size=N)})
    rows["c"] = rows["g"] * 3 + rng.integers(3, size=N)
    u, v, c, m = (rng.normal(size=size) for size in (7, 11, 21, 8))
    rows["o"], rows["w"] = rng.normal(size=N), rng.uniform(0.5, 2.0, N)
    rows["y"] = (rows["x"] + u[rows["g"]] + v[rows["h"]] * (1 + rows["x"]) + c[rows["c"]]
                 + (m[rows["m1"]] + m[rows["m2"]]) / 2 + rng.normal(size=N))
    return rows


TABLE = table()


@pytest.fixture(scope="module", params=CASES)
def case(request):
    formula, options = CASES[request.param]
    fitted = mlm.lmm(formula, TABLE, **options)
    return fitted, dense(fitted), formula, options


def columns(fitted, group):
    """The whole Z of a factor, shape (n, J q), and T of a group's effects."""
    terms = [(term, T) for term, T in zip(fitted.design.random, fitted._T) if term.group == group]
    J, q = len(terms[0][0].levels), sum(len(T) for _, T in terms)
    Z, T, at = np.zeros((N, J, q)), np.zeros((q, q)), 0
    for term, own in terms:
        k = slice(at, at + len(own))
        codes, weights = ((term.codes[:, None], np.ones((N, 1))) if term.members is None else
                          (term.members.codes, term.members.weights))
        for j, w in zip(codes.T, weights.T):
            np.add.at(Z[:, :, k], (np.arange(N), j), w[:, None] * term.Z)
        T[k, k], at = own, k.stop
    return Z.reshape(N, -1), T, J


def dense(fitted):
    """V, V^-1 and P."""
    w = np.ones(N) if fitted.design.weights is None else fitted.design.weights
    V = np.diag(fitted.sigma ** 2 / w)
    for group in fitted.n_groups:
        Z, T, J = columns(fitted, group)
        V = V + Z @ np.kron(np.eye(J), T) @ Z.T
    inverse, X = np.linalg.inv(V), fitted.design.X
    return V, inverse, inverse - inverse @ X @ np.linalg.solve(X.T @ inverse @ X, X.T @ inverse)


def response(fitted):
    return fitted.design.y if fitted.design.offset is None else fitted.design.y - fitted.design.offset


def test_rows_of_the_inverse(case):
    fitted, (V, inverse, P), *_ = case
    at = blocks(fitted)
    scale = at.s2 / np.outer(at.root, at.root)
    assert np.allclose(at.v_diagonal, np.diag(inverse * scale), atol=1e-12)
    assert np.allclose(at.p_diagonal, np.diag(P * scale), atol=1e-12)
    assert np.allclose(1 + at.random_variance, np.diag(V / scale), atol=1e-12)
    some = np.random.default_rng(1).permutation(N)[:40]
    assert np.allclose(at.rows.block(some), (inverse * scale)[np.ix_(some, some)], atol=1e-12)
    column = TABLE["o"].to_numpy()
    assert np.allclose(at.residual_maker(column), P @ column * at.s2 / at.root, atol=1e-11)


def test_residuals_of_rows(case):
    fitted, (V, inverse, P), *_ = case
    e, w = response(fitted) - fitted.design.X @ fitted._params, blocks(fitted).root ** 2
    found = {kind: fitted.residuals(kind).to_numpy() for kind in ("raw", "pearson", "standardized", "scaled")}
    conditional = fitted.sigma ** 2 / w * (inverse @ e)
    assert np.allclose(found["raw"], conditional) and np.allclose(found["raw"], fitted.resid)
    assert np.allclose(found["pearson"], conditional * np.sqrt(w) / fitted.sigma)
    R = fitted.sigma ** 2 / w
    assert np.allclose(found["standardized"], conditional / (R * np.sqrt(np.diag(P))))
    found = {kind: fitted.residuals(kind, "marginal").to_numpy() for kind in found}
    assert np.allclose(found["raw"], e) and np.allclose(found["pearson"], e / np.sqrt(np.diag(V)))
    X = fitted.design.X
    spread = V - X @ np.linalg.solve(X.T @ inverse @ X, X.T)
    assert np.allclose(found["standardized"], e / np.sqrt(np.diag(spread)))
    assert np.allclose(found["scaled"], np.linalg.solve(np.linalg.cholesky(V), e), atol=1e-9)
    assert np.isfinite(fitted.residuals("studentized")).all()
    assert mlm.diagnostics.leverage(fitted)["total"].sum() == pytest.approx(N - np.trace(P @ np.diag(R)))


def test_residuals_of_groups(case):
    fitted, (_, _inverse, P), *_ = case
    y = response(fitted)
    for group in fitted.n_groups:
        Z, T, J = columns(fitted, group)
        D = np.kron(np.eye(J), T)
        found, q = mlm.diagnostics.group_residuals(fitted, group), len(T)
        cov = D @ Z.T @ P @ Z @ D
        u = (D @ Z.T @ P @ y).reshape(J, q)
        names = [name for term in fitted.design.random if term.group == group for name in term.names]
        for a, name in enumerate(names):
            assert np.allclose(found[name, "raw"], u[:, a], atol=1e-9)
            sd = np.sqrt(np.diag(cov)).reshape(J, q)[:, a]
            assert np.allclose(found[name, "sd"], sd, atol=1e-8)
            known = found[name, "standardized"].notna()
            assert np.allclose(found[name, "standardized"][known], (u[:, a] / sd)[known], atol=1e-6)
        for j in range(J):
            own = slice(j * q, (j + 1) * q)
            expected = u[j] @ np.linalg.pinv(cov[own, own], rcond=1e-9, hermitian=True) @ u[j]
            if not fitted.is_singular:
                assert found["group", "mahalanobis"].iloc[j] == pytest.approx(expected, rel=1e-6)
        assert fitted.residuals("standardized", group).shape == (J, q)


def test_deletion_with_the_variances_held(case):
    fitted, (V, *_), *_ = case
    y, X = response(fitted), fitted.design.X
    for group in fitted.n_groups:
        found = mlm.influence(fitted, group=group, reestimate=False)
        term = next(term for term in fitted.design.random if term.group == group)
        for j, gone in enumerate(group_rows(term)[:4]):
            kept = np.setdiff1d(np.arange(N), gone)
            inverse = np.linalg.inv(V[np.ix_(kept, kept)])
            H = X[kept].T @ inverse @ X[kept]
            b = np.linalg.solve(H, X[kept].T @ inverse @ y[kept])
            assert np.allclose(found.estimates.iloc[j, :2], b, atol=1e-10)
            assert np.allclose(found.se.iloc[j], np.sqrt(np.diag(np.linalg.inv(H))), atol=1e-10)
            shift = b - fitted._params
            cooks = shift @ np.linalg.solve(fitted._cov, shift) / 2
            assert found.table["cooks"].iloc[j] == pytest.approx(cooks, rel=1e-8)
            assert found.table["n"].iloc[j] == len(gone)


def test_deletion_with_the_variances_estimated_again(case):
    fitted, _, formula, options = case
    from mlmlib.inference.parameters import Parameters
    for group in fitted.n_groups:
        found = mlm.influence(fitted, group=group)
        term = next(term for term in fitted.design.random if term.group == group)
        for j in (0, 3):
            kept = np.setdiff1d(np.arange(N), group_rows(term)[j])
            again = mlm.lmm(formula, TABLE.iloc[kept], **options)
            own, theirs = found.estimates.iloc[j].to_numpy(), Parameters(again).values()
            assert np.allclose(own[:2], theirs[:2], rtol=1e-5, atol=1e-5) and np.isclose(own[-1], theirs[-1], rtol=1e-5)
            known = np.isfinite(own) & np.isfinite(theirs)
            assert np.allclose(own[known], theirs[known], rtol=2e-3, atol=2e-3)


def test_rows_and_columns_are_left_out_too(case):
    fitted, (V, *_), *_ = case
    y, X = response(fitted), fitted.design.X
    found = mlm.influence(fitted, "row")
    kept = np.arange(1, N)
    inverse = np.linalg.inv(V[1:, 1:])
    assert np.allclose(found.estimates.iloc[0, :2], np.linalg.solve(X[kept].T @ inverse @ X[kept],
                                                                   X[kept].T @ inverse @ y[kept]), atol=1e-10)
    by = mlm.influence(fitted, "k", reestimate=False)
    assert by.labels.tolist() == list(range(9)) and by.estimates.notna().all().all()


def test_every_factor_is_diagnosed(case):
    fitted, *_ = case
    found = mlm.diagnose(fitted, time="o")
    assert list(found.influences) == sorted(fitted.n_groups, key=fitted.n_groups.get)
    names = [check.name for check in found.checks]
    if len(fitted.n_groups) > 1:
        for group in fitted.n_groups:
            assert f"{group}: Enough groups" in names and f"{group}: No outlying groups" in names
            assert f"No single {group} carries the answer" in names
    assert "To act" not in repr(found) and found._repr_html_()


def test_the_default_is_the_factor_of_the_largest_units():
    fitted = mlm.lmm("y ~ x + (1 | g/c)", TABLE)
    assert mlm.influence(fitted).by == "g" and finest(fitted.design) == "g:c"
    assert several_blocks(fitted) is several_blocks(fitted, "g")
    with pytest.raises(mlm.FormulaError, match="no grouping factor 'c'; the model has 'g', 'g:c'"):
        mlm.influence(fitted, group="c")
    with pytest.raises(ValueError, match="by= or group=, not both"):
        mlm.influence(fitted, "row", group="g")


def test_own_regressions_are_of_the_finest_groups():
    """Within the classes of schools every other effect is constant; where factors cross there is no such group."""
    fitted = mlm.lmm("y ~ x + (1 + x | g/c)", TABLE)
    found = mlm.diagnostics.homogeneity(fitted)
    alone = mlm.diagnostics.homogeneity(mlm.lmm("y ~ x + (1 + x | c)", TABLE))
    assert found.H.statistic == pytest.approx(alone.H.statistic, rel=1e-9) and found.n_groups == alone.n_groups
    crossed = mlm.lmm("y ~ x + (1 | g) + (1 | h)", TABLE)
    with pytest.raises(mlm.DataError, match="'g' and 'h' cross"):
        mlm.diagnostics.homogeneity(crossed)
    assert mlm.diagnose(crossed)["same in all groups"].verdict == "not checked"


def test_pictures_have_a_choice_of_the_factor():
    pytest.importorskip("matplotlib").use("Agg")
    fitted = mlm.lmm("y ~ x + (1 + x | g/c)", TABLE)
    assert "(g:c)" in mlm.plots.caterpillar(fitted, "x", group="g:c").alt_text
    assert "Normal Q-Q" in mlm.plots.qq(fitted, "x", kind="standardized", group="g").alt_text
    assert "Residual SDs" in mlm.plots.residual_spread(fitted).alt_text
    assert mlm.plots.linearity(fitted, "x", group="g") is not None
    found = mlm.diagnose(fitted)
    for group in fitted.n_groups:
        assert len(found.panels(group=group, envelope=False).ravel()) == 6
    assert mlm.plots.influence(found.influences["g"]).alt_text
    with pytest.raises(ValueError, match="say which with group="):
        mlm.plots.qq(fitted, "x")
