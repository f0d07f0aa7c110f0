"""Multiple membership against its definition, and as a special case of one group a row."""

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm


def moved(n=150, J=12, seed=5):
    rng = np.random.default_rng(seed)
    first, second = rng.integers(J, size=n), rng.integers(J, size=n)
    second = np.where(rng.random(n) < 0.5, first, second)
    w1 = np.where(first == second, 1.0, rng.random(n))
    x = rng.normal(size=n)
    u, v = rng.normal(size=J), rng.normal(size=J)
    y = 1 + x + w1 * (u[first] + v[first] * x) + (1 - w1) * (u[second] + v[second] * x) + rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "s1": [f"s{k}" for k in first], "s2": [f"s{k}" for k in second], "w1": w1, "w2": 1 - w1,
                         "area": rng.integers(6, size=n)})


TABLE = moved()


def columns(table, weights):
    """The n x J matrix of weights."""
    levels = sorted(set(table["s1"]) | set(table["s2"]))
    Z = np.zeros((len(table), len(levels)))
    for name, w in zip(("s1", "s2"), weights):
        for i, level in enumerate(table[name]):
            Z[i, levels.index(level)] += w[i]
    return Z, levels


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("form", ["(1 | mm(s1, s2))", "(1 | mm(s1, s2, weights=(w1, w2)))", "(1 + x | mm(s1, s2, weights=(w1, w2)))",
                                  "(1 | mm(s1, s2, weights=(w1, w2))) + (1 | area)", "(x || mm(s1, s2)) + (1 | area)"])
def test_definition(form, reml):
    fitted = mlm.lmm(f"y ~ x + {form}", TABLE, reml=reml)
    n = len(TABLE)
    half = np.full(n, 0.5)
    M, levels = columns(TABLE, (TABLE["w1"], TABLE["w2"]) if "weights" in form else (half, half))
    V, parts = fitted.sigma ** 2 * np.eye(n), []
    for term, T in zip(fitted.design.random, fitted._T):
        own = M if term.members is not None else np.eye(6)[term.codes]
        Z = own[:, :, None] * term.Z[:, None]
        V += np.einsum("nja,ab,mjb->nm", Z, T, Z)
        parts.append((term, T, Z))
    X, y = fitted.design.X, fitted.design.y
    VX = np.linalg.solve(V, X)
    b = np.linalg.solve(X.T @ VX, VX.T @ y)
    Vr = np.linalg.solve(V, y - X @ b)
    value = np.linalg.slogdet(V)[1] + (y - X @ b) @ Vr + (n - 2 * reml) * np.log(2 * np.pi) + reml * np.linalg.slogdet(X.T @ VX)[1]
    assert fitted.converged and fitted.criterion == pytest.approx(value, abs=1e-7)
    assert np.allclose(fitted._params, b, atol=1e-8)
    rows = X @ b
    for term, T, Z in parts:
        effects = np.einsum("ab,njb,n->ja", T, Z, Vr)
        assert np.allclose(fitted._effects_of(term), effects, atol=1e-7)
        rows = rows + np.einsum("nja,ja->n", Z, effects)
    assert np.allclose(fitted.fittedvalues, rows, atol=1e-7) and np.allclose(fitted.predict(TABLE), rows, atol=1e-7)
    group = next(term.group for term in fitted.design.random if term.members is not None)
    assert fitted.random_effects[group].index.tolist() == levels and fitted.n_groups[group] == 12
    assert fitted.group_sizes[group].sum() == n + (M > 0).sum(axis=1).tolist().count(2)


def test_one_group_a_row_is_the_ordinary_model():
    one, two = mlm.lmm("y ~ x + (1 + x | s1)", TABLE), mlm.lmm("y ~ x + (1 + x | mm(s1, s1))", TABLE)
    assert two.criterion == pytest.approx(one.criterion, abs=1e-8)
    assert np.allclose(two.covariance_matrix(), one.covariance_matrix(), rtol=1e-5)
    assert two.random_table().shape == one.random_table().shape
    assert np.allclose(two.random_table()["se"], one.random_table()["se"], rtol=1e-4)
    assert mlm.r2(two).marginal == pytest.approx(mlm.r2(one).marginal, rel=1e-5)
    df = [fit.coef_table(ddf="satterthwaite")["df"].to_numpy() for fit in (one, two)]
    assert np.allclose(*df, rtol=1e-4)


def test_new_rows():
    fitted = mlm.lmm("y ~ x + (1 | mm(s1, s2, weights=(w1, w2)))", TABLE)
    new = TABLE.head(2).assign(s1=["s3", "s3"], s2=["nowhere", "s4"], w1=[0.25, 0.5], w2=[0.75, 0.5])
    u = fitted.random_effects["mm(s1, s2, weights=(w1, w2))"]["Intercept"]
    gain = (fitted.predict(new) - fitted.predict(new, random_effects=False)).to_numpy()
    assert np.allclose(gain, [0.25 * u["s3"], 0.5 * u["s3"] + 0.5 * u["s4"]])
    with pytest.raises(mlm.DataError, match="1 rows in groups"):
        fitted.predict(new, new_groups="error")


@pytest.mark.parametrize("group, says", [("mm(s1)", "write mm\\(first, second\\)"), ("mm(s1, s2, weights=(w1,))", "2 columns of groups and 1 weights"),
                                         ("mm(s1, area)", "numbers in one and text in another"), ("mm(s1, s2):area", "cannot be combined"),
                                         ("mm(s1, s2, weights=(x, w2))", "must not be negative"), ("mm(s1, s3)", "no column 's3'")])
def test_unusable_memberships_are_named(group, says):
    with pytest.raises((mlm.DataError, mlm.FormulaError), match=says):
        mlm.lmm(f"y ~ x + (1 | {group})", TABLE)


def test_other_programs_that_have_no_membership_say_so():
    fitted = mlm.lmm("y ~ x + (1 | mm(s1, s2))", TABLE)
    assert all(str(fitted.translate(target)).startswith("Cannot: ") for target in ("r", "stata", "python"))
    assert "mm(s1, s2)" in str(fitted)


def test_icc_says_which_rows_it_is_of():
    fitted = mlm.lmm("y ~ x + (1 | mm(s1, s2, weights=(w1, w2)))", TABLE)
    found = mlm.icc(fitted)
    tau, sigma2 = fitted.variance_components["variance"]
    assert found.estimate == pytest.approx(tau / (tau + sigma2)) and "several memberships" in found.note
