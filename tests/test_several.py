"""Several grouping factors against their definition with matrices of n x n, in hard cases too."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib.covariance import structure
from mlmlib.lmm.factors import sparse_factors
from mlmlib.lmm.several import SeveralFactors
from mlmlib.lmm.several_criterion import SeveralCriterion
from models import data

RNG = np.random.default_rng(12)


def crossed(n=160, a=9, b=7, seed=3):
    """Unbalanced, partially crossed, with a nested factor, weights and an offset."""
    rng = np.random.default_rng(seed)
    g, h = rng.integers(a, size=n), rng.integers(b, size=n)
    x = rng.normal(size=n) + 0.3 * g
    effects = rng.normal(size=(a, 2)), rng.normal(size=b)
    y = 2 + 0.5 * x + effects[0][g, 0] + 0.7 * effects[0][g, 1] * x + effects[1][h] + rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "g": g, "h": [f"h{k}" for k in h], "c": rng.integers(3, size=n),
                         "w": 0.5 + rng.random(n), "off": rng.normal(size=n)})


TABLE = crossed()
FORMULAS = ["y ~ x + (1 | g) + (1 | h)", "y ~ x + (1 + x | g) + (1 | h)", "y ~ x + (1 | g) + (x || h)", "y ~ x + (1 | g/c) + (1 | h)",
            "y ~ x + (1 | h) + (1 | g) + (0 + x | h)", "y ~ x + (1 + x | g) + (1 + x | h)", "y ~ x + (x | g:c) + (x | h)"]


def dense(fitted):
    """-2 log-likelihood or REML criterion at the fit's own estimates, by definition; and the BLUPs."""
    design = fitted.design
    n, p = design.X.shape
    weights = np.ones(n) if design.weights is None else design.weights
    V = np.diag(fitted.sigma ** 2 / weights)
    parts = []
    for term, T in zip(design.random, fitted._T):
        Z = np.zeros((n, len(term.levels), len(term.names)))
        Z[np.arange(n), term.codes] = term.Z
        parts.append((Z, T))
        V += np.einsum("nja,ab,mjb->nm", Z, T, Z)
    y = design.y - (0 if design.offset is None else design.offset)
    inner = np.linalg.solve(V, np.column_stack([design.X, y]))
    XVX = design.X.T @ inner[:, :p]
    b = np.linalg.solve(XVX, design.X.T @ inner[:, p])
    r = y - design.X @ b
    Vr = np.linalg.solve(V, r)
    value = np.linalg.slogdet(V)[1] + r @ Vr + (n - p if fitted.reml else n) * np.log(2 * np.pi)
    value += np.linalg.slogdet(XVX)[1] if fitted.reml else 0.0
    return value, b, np.linalg.inv(XVX), [np.einsum("ab,njb,n->ja", T, Z, Vr) for Z, T in parts]


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("options", [{}, {"weights": "w", "offset": "off"}], ids=["plain", "weighted"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_definition(formula, options, reml):
    fitted = mlm.lmm(formula, TABLE, reml=reml, **options)
    value, b, cov, effects = dense(fitted)
    assert fitted.converged
    assert fitted.criterion == pytest.approx(value, abs=1e-7)
    assert np.allclose(fitted._params, b, rtol=1e-8, atol=1e-9) and np.allclose(fitted._cov, cov, rtol=1e-7, atol=1e-12)
    for term, own in zip(fitted.design.random, effects):
        assert np.allclose(fitted._effects_of(term), own, atol=1e-7)


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("reml", [True, False])
def test_derivatives(formula, reml):
    """The gradient and the exact second derivatives against differences, away from the optimum and on the boundary."""
    criterion = mlm.lmm(formula, TABLE, reml=reml).model.criterion
    theta = RNG.normal(size=len(criterion.basis))
    for scale in (1.0, 0.0):
        theta[-1] *= scale
        at = criterion(theta)
        steps = 1e-5 * np.eye(len(theta))
        up, down = [criterion(theta + step) for step in steps], [criterion(theta - step) for step in steps]
        size = np.abs(at.gradient).max()
        assert np.allclose(at.gradient, [(a.value - b.value) / 2e-5 for a, b in zip(up, down)], atol=1e-6 * max(size, 1))
        slope = at.basis @ at.L.T
        curve, fit = criterion.curvature(at, slope + slope.transpose(0, 2, 1))
        second = (at.Gamma @ at.basis).reshape(len(theta), -1) @ at.basis.reshape(len(theta), -1).T
        exact = curve - np.outer(fit, fit) / criterion.degrees + second + second.T
        numerical = np.array([(a.gradient - b.gradient) / 2e-5 for a, b in zip(up, down)])
        assert np.allclose(exact, numerical, atol=1e-6 * np.abs(exact).max())


def test_one_factor_as_a_case_of_several():
    """A second factor whose variance is zero leaves the criterion of the first as it is."""
    one = mlm.lmm("y ~ x + (1 + x | g)", TABLE)
    criterion, term = one.model.criterion, one.design.random[0]
    n = len(TABLE)
    Z = np.concatenate([term.Z.T, np.ones((1, n))])
    other = replace(term, group="h", names=("Intercept",), codes=np.arange(n) % 5, levels=np.arange(5))
    residual = TABLE["y"] - one.model.start_b @ one.model.Q
    el = SeveralFactors(sparse_factors([term, other], [Z[:2], Z[2:]]), np.vstack([one.model.Q, residual]))
    several = SeveralCriterion(el, [*criterion.structures, structure("unstructured", 1)], n, True, criterion.constant)
    L = np.zeros((3, 3))
    L[:2, :2] = one.model.z_maps[0] @ one._at.L
    assert several.evaluate(L, several.basis).value == pytest.approx(one.criterion, abs=1e-8)


@pytest.mark.parametrize("seed", range(6))
def test_zero_variances_are_reached(seed):
    rng = np.random.default_rng(seed)
    table = crossed(seed=seed).assign(y=lambda t: rng.normal(size=len(t)) + t["x"])
    fitted = mlm.lmm("y ~ x + (1 | g) + (1 | h) + (0 + x | h)", table)
    assert fitted.converged
    best = min(mlm.lmm(f"y ~ x + {part}", table).criterion for part in ("(1 | g)", "(1 | h)", "(0 + x | h)"))
    assert fitted.criterion <= best + 1e-8
    for message in fitted.messages:
        assert message.startswith("Singular fit in (")
    for term, T in zip(fitted.design.random, fitted._T):
        named = any(f"in {term.text}" in message for message in fitted.messages)
        assert named == (T[0, 0] < 1e-6) and (T[0, 0] == 0 or T[0, 0] > 1e-6)


def test_order_of_terms_and_rows_does_not_matter():
    one = mlm.lmm("y ~ x + (1 + x | g) + (1 | h)", TABLE)
    two = mlm.lmm("y ~ x + (1 | h) + (1 + x | g)", TABLE.sample(frac=1, random_state=4))
    assert two.criterion == pytest.approx(one.criterion, abs=1e-9)
    assert np.allclose(two.random_effects["g"], one.random_effects["g"], atol=1e-6)
    assert list(one.random_effects) == ["g", "h"] and list(two.random_effects) == ["h", "g"]


def test_refit_and_prediction():
    fitted = mlm.lmm("y ~ x + (1 + x | g) + (1 | h)", TABLE, offset="off", weights="w")
    y = TABLE["y"].to_numpy()[::-1].copy()
    assert fitted.refit(y).criterion == pytest.approx(mlm.lmm("y ~ x + (1 + x | g) + (1 | h)", TABLE.assign(y=y), offset="off",
                                                              weights="w").criterion, abs=1e-8)
    assert fitted.refit(reml=False).criterion == pytest.approx(mlm.lmm("y ~ x + (1 + x | g) + (1 | h)", TABLE, offset="off", weights="w",
                                                                      reml=False).criterion, abs=1e-9)
    new = TABLE.head(3).assign(h=["h1", "new", "h2"])
    fixed = fitted.predict(new, random_effects=False)
    g = fitted.random_effects["g"]
    x = new["x"].iloc[1]
    expected = fixed.iloc[1] + g.loc[new["g"].iloc[1]] @ [1, x]
    assert fitted.predict(new).iloc[1] == pytest.approx(expected)
    with pytest.raises(mlm.DataError, match="1 rows in groups of 'h'"):
        fitted.predict(new, new_groups="error")
    own = fitted.coefficients["g"]
    assert list(own.columns) == ["Intercept", "x"] and list(fitted.coefficients["h"].columns) == ["Intercept", "x"]


def test_labels_that_begin_anew_are_told():
    pastes = data("Pastes")
    wrong = mlm.lmm("strength ~ 1 + (1 | batch) + (1 | cask)", pastes)
    assert any("write (1 | batch/cask), which has 30" in message for message in wrong.messages)
    assert mlm.lmm("strength ~ 1 + (1 | batch/cask)", pastes).messages == ()
    assert mlm.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", data("Penicillin")).messages == ()
    assert mlm.lmm("attain ~ verbal + (1 | primary) + (1 | second)", data("scotssec")).messages == ()


def test_factors_that_are_one_are_refused():
    with pytest.raises(mlm.DataError, match="'g' and 'k' divide the rows into the same groups"):
        mlm.lmm("y ~ x + (1 | g) + (1 | k)", TABLE.assign(k=TABLE["g"].map(lambda v: f"k{v}")))


def test_inference_that_is_there():
    fitted = mlm.lmm("y ~ x + (1 | g) + (1 | h)", TABLE)
    small = mlm.lmm("y ~ x + (1 | g)", TABLE)
    assert mlm.compare(small, fitted).distribution == "chibar2(01)"
    assert 2 < fitted.coef_table(ddf="kenward-roger").loc["Intercept", "df"] < 30
    assert "|| _all: R.h || g:" in str(fitted.translate("stata"))
    assert 0 < mlm.icc(fitted, group="g").estimate < 1 and "FormulaError" not in str(fitted)
    nested = mlm.lmm("y ~ x + (1 | g/c)", TABLE)
    assert "|| g: || c:" in str(nested.translate("stata"))


def test_covariance_structure_for_each_factor():
    fitted = mlm.lmm("y ~ x + (1 + x | g) + (1 + x | h)", TABLE, covariance={"g": "independent", "h": "identity"})
    g, h = fitted.covariance_matrix("g").to_numpy(), fitted.covariance_matrix("h").to_numpy()
    assert g[0, 1] == h[0, 1] == 0 and h[0, 0] == pytest.approx(h[1, 1]) and fitted.n_params == 6
    assert fitted.criterion == pytest.approx(dense(fitted)[0], abs=1e-7)
    with pytest.raises(mlm.FormulaError, match="names the group 'c'; the formula has g, h"):
        mlm.lmm("y ~ x + (1 + x | g) + (1 + x | h)", TABLE, covariance={"c": "independent"})


def test_simulated_outcomes_have_the_moments_of_the_model():
    fitted = mlm.lmm("y ~ x + (1 | g) + (1 | h)", TABLE, weights="w", offset="off")
    drawn = fitted.simulate(4000, seed=1) - fitted.predict(random_effects=False).to_numpy()
    one, two = (fitted.covariance_matrix(group).iloc[0, 0] for group in ("g", "h"))
    g, h = fitted.design.random[0].codes, fitted.design.random[1].codes
    V = one * (g[:, None] == g) + two * (h[:, None] == h) + np.diag(fitted.sigma ** 2 / TABLE["w"])
    found = drawn.T @ drawn / len(drawn)
    assert np.abs(found - V).max() < 6 * np.sqrt(2 / 4000) * V.max()
    kept = fitted.simulate(2000, seed=1, random_effects="kept").mean(axis=0)
    assert np.abs(kept - fitted.fittedvalues).max() < 6 * fitted.sigma / np.sqrt(2000 * TABLE["w"].min())
    assert fitted.refit(fitted.simulate(seed=2)[0]).converged
    with pytest.raises(ValueError, match="must be 'new' or 'kept'"):
        fitted.simulate(random_effects="old")
