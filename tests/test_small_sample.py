"""Degrees of freedom by Satterthwaite and by Kenward and Roger: against lmerTest and pbkrtest, and against their definitions."""

import numpy as np
import pytest
from ddf_cases import CASES, case, listed

import mlmlib as mlm
from mlmlib.inference.small_sample import f_test, linear
from mlmlib.published.r_results import degrees, relative
from models import REFERENCE, data, reference

KRSATT = sorted(path.stem for path in (REFERENCE / "r").glob("krsatt_*.json") if path.stem != "krsatt_penicillin")
METHODS = ("wald", "satterthwaite", "kenward-roger")


def test_eight_files():
    assert len(KRSATT) == 8


@pytest.mark.parametrize("name", KRSATT)
def test_lmertest_and_pbkrtest(name):
    for kind, values, truth, floor in degrees(name):
        assert relative(values, truth, floor) < 1e-6, kind


def test_crossed_factors():
    truth = reference("krsatt_penicillin")
    fitted = mlm.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", data("Penicillin"))
    assert linear(fitted, [1], "satterthwaite")[2][0] == pytest.approx(truth["satterthwaite_coef"]["df"][0], rel=1e-5)
    _, se, df = linear(fitted, [1], "kenward-roger")
    assert (se[0], df[0]) == (pytest.approx(truth["kr_se"][0], rel=1e-5), pytest.approx(truth["kr_ddf"][0], rel=1e-5))


@pytest.mark.parametrize("id", CASES)
def test_hard_cases_satterthwaite(id):
    truth, fitted = CASES[id], case(id)
    assert fitted.criterion == pytest.approx(truth["criterion"], abs=1e-8)
    assert fitted.is_singular == truth["singular"]
    known = truth["satterthwaite"]
    p = len(fitted._names)
    estimate, se, df = linear(fitted, np.eye(p), "satterthwaite")
    assert relative(estimate, listed(known["Estimate"])) < 1e-6
    assert relative(se, listed(known["Std. Error"])) < 1e-6
    # lmerTest's own Hessian is loose where a theta is near zero; with steps of one size R gives it to seven digits
    assert relative(df, listed(known["df"] if id != "ml" else truth["satterthwaite_even_steps"])) < 5e-6
    if not truth["singular"]:
        assert relative(df, listed(truth["satterthwaite_even_steps"])) < 1e-6
    if p > 1:
        test = f_test(fitted, np.eye(p)[1:], "satterthwaite", rhs=np.arange(1, p))
        joint = truth["satterthwaite_joint"]
        assert relative([test.statistic, *test.df], [joint[key] for key in ("F value", "NumDF", "DenDF")]) < 2e-6
        assert test.pvalue == pytest.approx(joint["Pr(>F)"], rel=1e-4, abs=1e-300)


@pytest.mark.parametrize("id", [id for id in CASES if "kr_se" in CASES[id]])
def test_hard_cases_kenward_roger(id):
    truth, fitted = CASES[id], case(id)
    p = len(fitted._names)
    estimate, se, df = linear(fitted, np.eye(p), "kenward-roger")
    assert relative(estimate, listed(truth["kr_estimate"])) < 1e-6
    assert relative(se, listed(truth["kr_se"])) < 1e-6
    assert relative(df, listed(truth["kr_df"])) < 1e-6
    if p > 1:
        test = f_test(fitted, np.eye(p)[1:], "kenward-roger", rhs=np.arange(1, p))
        joint = truth["kr_joint"]
        if joint["ddf"] < 0:  # pbkrtest prints a negative F with negative degrees of freedom; we say that there is none
            assert id == "zero_variance_ml" and np.isnan(test.pvalue) and "too few groups" in str(test)
            return
        assert relative([test.statistic, *test.df], [joint[key] for key in ("Fstat", "ndf", "ddf")]) < 1e-6


def test_weights_are_rows_times_their_roots():
    """pbkrtest leaves weights out; given the rows multiplied by the roots of the weights it must agree with our weights."""
    truth = CASES["weighted_by_rows"]
    _, se, df = linear(case("weighted_small"), np.eye(2), "kenward-roger")
    assert relative(se, truth["kr_se"]) < 1e-6 and relative(df, truth["kr_df"]) < 1e-6


# definitions, with matrices of n x n

SIZES = [6, 2, 9, 5, 7, 3, 8, 4, 1, 5, 6, 7]
CODES = np.repeat(np.arange(len(SIZES)), SIZES)
_rng = np.random.default_rng(3)
_n = len(CODES)
TINY = {"g": np.array(list("abcdefghijkl"))[CODES], "x": _rng.normal(size=_n) + CODES % 3, "z": _rng.normal(size=_n),
        "w": 0.5 + _rng.random(_n)}
_u = _rng.normal(size=(3, len(SIZES))) * np.array([[1.5], [1.3], [1.2]])
TINY["y"] = (1 + _u[0][CODES] + (2 + _u[1][CODES] + 0.5 * _u[0][CODES]) * TINY["x"] + _u[2][CODES] * TINY["z"]
             + _rng.normal(size=_n) * 0.8)
STRUCTURES = [(name, formula) for name in ("unstructured", "independent", "exchangeable", "identity")
              for formula in ("y ~ x + z + (1 + x | g)", "y ~ x * z + (1 | g) + (0 + x + z | g)")]


def dense(fitted):
    """X, the G_i with their parameters, and Sigma: the marginal covariance as a linear function of (co)variances."""
    design = fitted.design
    n = len(design.y)
    G, values = [], []
    for term, shape, T in zip(design.random, fitted.model.structures, fitted._T):
        same = term.codes[:, None] == term.codes[None]
        for k in range(shape.sd.max() + 1):
            G.append(same * (term.Z[:, shape.sd == k] @ term.Z[:, shape.sd == k].T))
            values.append(T[np.argmax(shape.sd == k), np.argmax(shape.sd == k)])
        for k in range(shape.corr.max() + 1):
            pattern = (shape.corr == k).astype(float)
            G.append(same * (term.Z @ pattern @ term.Z.T))
            values.append(T[tuple(np.argwhere(pattern)[0])])
    G.append(np.diag(1.0 / (np.ones(n) if design.weights is None else design.weights)))
    values.append(fitted.sigma ** 2)
    return design.X, G, np.array(values)


@pytest.mark.parametrize(("structure", "formula"), STRUCTURES)
@pytest.mark.parametrize("weights", [None, "w"])
def test_kenward_roger_is_its_definition(structure, formula, weights):
    fitted = mlm.lmm(formula, TINY, covariance=structure, weights=weights)
    X, G, g = dense(fitted)
    S = np.linalg.inv(sum(value * matrix for value, matrix in zip(g, G)))
    Phi = np.linalg.inv(X.T @ S @ X)
    assert np.allclose(Phi, fitted._cov, rtol=1e-9)
    P = [-X.T @ S @ A @ S @ X for A in G]
    Q = [[X.T @ S @ A @ S @ B @ S @ X for B in G] for A in G]
    m = len(G)
    information = np.array([[np.trace(S @ G[i] @ S @ G[j]) - 2 * np.trace(Phi @ Q[i][j])
                             + np.trace(Phi @ P[i] @ Phi @ P[j]) for j in range(m)] for i in range(m)])
    W = 2 * np.linalg.inv(information)
    adjusted = Phi + 2 * Phi @ sum(W[i, j] * (Q[i][j] - P[i] @ Phi @ P[j]) for i in range(m) for j in range(m)) @ Phi
    assert np.allclose(fitted._kenward_roger.cov, adjusted, rtol=1e-7, atol=1e-9 * np.abs(Phi).max())
    c = np.arange(1.0, len(Phi) + 1)
    part = np.array([c @ Phi @ A @ Phi @ c for A in P]) / (c @ Phi @ c)
    _, se, df = linear(fitted, c, "kenward-roger")
    assert (se[0], df[0]) == (pytest.approx(np.sqrt(c @ adjusted @ c)), pytest.approx(2 / (part @ W @ part), rel=1e-7))


@pytest.mark.parametrize(("structure", "formula"), STRUCTURES)
@pytest.mark.parametrize("reml", [True, False])
def test_satterthwaite_is_its_definition(structure, formula, reml):
    """The deviance differentiated numerically in the variances and covariances themselves."""
    fitted = mlm.lmm(formula, TINY, covariance=structure, reml=reml, weights="w")
    assert not fitted.is_singular  # on the boundary there are no derivatives to both sides
    X, G, g = dense(fitted)
    y, c = fitted.design.y, np.ones(X.shape[1])

    def parts(g):
        V = sum(value * matrix for value, matrix in zip(g, G))
        S = np.linalg.inv(V)
        H = X.T @ S @ X
        b = np.linalg.solve(H, X.T @ S @ y)
        deviance = np.linalg.slogdet(V)[1] + (y - X @ b) @ S @ (y - X @ b) + reml * np.linalg.slogdet(H)[1]
        return deviance, c @ np.linalg.inv(H) @ c

    def derivative(f, at, step):
        return np.array([(f(at + step * e) - f(at - step * e)) / (2 * step) for e in np.eye(len(at))])

    slope = derivative(lambda g: parts(g)[1], g, 1e-5)
    hessian = derivative(lambda h: derivative(lambda g: parts(g)[0], h, 2e-3), g, 2e-3)
    A = 2 * np.linalg.inv((hessian + hessian.T) / 2)
    df = 2 * parts(g)[1] ** 2 / (slope @ A @ slope)
    assert linear(fitted, c, "satterthwaite")[2][0] == pytest.approx(df, rel=2e-4)


@pytest.mark.parametrize("ddf", METHODS)
def test_units_do_not_matter(ddf):
    """A column in units a million times larger: the same t and df."""
    table = dict(TINY, big=TINY["x"] * 1e6, far=TINY["z"] + 1e5)
    one = mlm.lmm("y ~ x + z + (1 + x | g)", table)
    two = mlm.lmm("y ~ big + far + (1 + big | g)", table)
    (a, s, d), (b, t, e) = linear(one, np.eye(3)[1:], ddf), linear(two, np.eye(3)[1:], ddf)
    assert np.allclose(a / s, b / t, rtol=1e-6) and np.allclose(d, e, rtol=1e-5)
    test, other = f_test(one, np.eye(3)[1:], ddf), f_test(two, np.eye(3)[1:], ddf)
    assert np.allclose(test.statistic, other.statistic, rtol=1e-6) and np.shape(test.df) == np.shape(other.df)


def test_no_variance_between_groups_leaves_the_residual_degrees_of_freedom():
    fitted = case("zero_variance")
    assert linear(fitted, [1], "satterthwaite")[2][0] == pytest.approx(fitted.nobs - 1)
    assert fitted.is_singular and "Singular fit" in fitted.messages[0]


def test_a_perfect_correlation_is_an_ordinary_fit():
    for ddf in METHODS[1:]:
        _, se, df = linear(case("two_terms"), np.eye(4), ddf)
        assert np.isfinite(se).all() and (df > 1).all()


def test_balanced_design_has_the_textbook_degrees_of_freedom():
    """Both methods are exact for the mean of equal groups, and for a balanced comparison between and within them."""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(12), 5)
    table = {"g": g.astype(str), "w": (g % 2).astype(float), "x": np.tile([-2.0, -1, 0, 1, 2], 12)}
    table["y"] = rng.normal(size=12)[g] + 0.3 * table["x"] + rng.normal(size=60)
    fitted = mlm.lmm("y ~ w + x + (1 | g)", table)
    for ddf in METHODS[1:]:
        assert linear(fitted, np.eye(3), ddf)[2] == pytest.approx([10, 10, 47])


def test_kenward_roger_after_maximum_likelihood_says_that_it_fits_again():
    by_ml, by_reml = (mlm.lmm("y ~ x + (1 | g)", TINY, reml=reml) for reml in (False, True))
    for one, other in zip(linear(by_ml, np.eye(2), "kenward-roger"), linear(by_reml, np.eye(2), "kenward-roger")):
        assert np.allclose(one, other, rtol=1e-6)
    assert "REML" in f_test(by_ml, [0, 1], "kenward-roger").note and "REML" in by_ml.coef_table(ddf="kenward-roger").attrs["note"]
    assert not f_test(by_reml, [0, 1], "kenward-roger").note and not by_reml.coef_table(ddf="kenward-roger").attrs


def test_least_squares():
    table = mlm.load("math")
    ols, ml = (mlm.ols("math ~ homework + ses", table, method=method) for method in ("ols", "ml"))
    for ddf in METHODS:
        _estimate, se, df = linear(ols, np.eye(3), ddf)
        assert np.allclose(se, ols.bse) and (df == ols.df_resid).all()
        assert f_test(ols, np.eye(3)[1:], ddf).statistic == pytest.approx(ols.fvalue)
    assert np.isinf(linear(ml, np.eye(3))[2]).all() and (linear(ml, np.eye(3), "satterthwaite")[2] == ml.nobs).all()
    assert np.allclose(linear(ml, np.eye(3), "kenward-roger")[1], ols.bse)


def test_coef_table():
    fitted = case("factors")
    wald, satterthwaite = fitted.coef_table(), fitted.coef_table(0.9, ddf="satterthwaite")
    assert list(wald) == ["estimate", "se", "z", "p", "lower", "upper"]
    assert list(satterthwaite) == ["estimate", "se", "df", "t", "p", "lower", "upper"]
    assert relative(satterthwaite["p"], CASES["factors"]["satterthwaite"]["Pr(>|t|)"]) < 1e-4
    assert np.allclose(wald[["lower", "upper"]], fitted.conf_int()) and np.allclose(wald["p"], fitted.pvalues)
    with pytest.raises(ValueError, match="'satterthwaite', 'kenward-roger'"):
        fitted.coef_table(ddf="containment")
    with pytest.raises(ValueError, match="between 0 and 1"):
        fitted.coef_table(95)


def test_two_groups():
    """As few as there can be: one-coefficient results exist, in each structure, or the joint test says that it has none."""
    small = {key: values[CODES < 2] for key, values in TINY.items()}
    for structure in ("unstructured", "independent", "exchangeable", "identity"):
        fitted = mlm.lmm("y ~ x + z + (1 + x | g)", small, covariance=structure)
        for ddf in METHODS[1:]:
            estimate, se, df = linear(fitted, np.eye(3), ddf)
            assert np.isfinite(estimate).all() and (se > 0).all() and (df > 0).all()
            test = f_test(fitted, np.eye(3)[1:], ddf)
            assert test.df[1] > 0 or "too few groups" in test.note


def test_rows_that_follow_from_others():
    fitted = case("factors")
    C = np.eye(len(fitted._names))[1:3]
    both = np.vstack([C, C[0] - C[1], 2 * C[0]])
    for ddf in METHODS[::2]:
        one, two = f_test(fitted, C, ddf), f_test(fitted, both, ddf)
        assert (two.statistic, two.pvalue) == (pytest.approx(one.statistic), pytest.approx(one.pvalue))
    assert f_test(fitted, both, "satterthwaite").df[0] == 2
    with pytest.raises(ValueError, match="contradict"):
        f_test(fitted, both, rhs=[1, 1, 3, 2])
    with pytest.raises(ValueError, match="zero"):
        f_test(fitted, 0 * C)
    with pytest.raises(ValueError, match="columns"):
        linear(fitted, np.eye(2))
    assert np.isnan(linear(fitted, 0 * C, "satterthwaite")[2]).all()
