"""Inference for models with residual structures: degrees of freedom, profiles and bootstraps, against what is known."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

import mlmlib as mlm
from mlmlib.inference.row_resample import whole_sets
from test_rows import DATA, PUPIL, dense, fitted

ORTHO = mlm.load("orthodont")
SLEEP = mlm.load("sleepstudy")
AR1 = {"correlation": mlm.ar1("Days", group="Subject")}


def covariance(fit, x):
    """Covariance of all rows at x = (psi, log of each variance between groups, log s2)."""
    model, design, m = fit.model, fit.design, len(fit.model.psi)
    white = model.rows.whiten(np.eye(len(design.y)), x[:m])[0].T  # rows of L^-1
    V = np.exp(x[-1]) * np.linalg.inv(white.T @ white)
    for term, log_variance in zip(design.random, x[m:-1]):
        V = V + np.exp(log_variance) * (term.codes[:, None] == term.codes)
    return V


def parameters(fit):
    return np.concatenate([fit.model.psi, [np.log(T[0, 0]) for T in fit._T], [np.log(fit._at.s2)]])


def slopes(function, x, h=1e-4):
    return np.array([(8 * (function(x + h * e) - function(x - h * e))
                      - (function(x + 2 * h * e) - function(x - 2 * h * e))) / (12 * h) for e in np.eye(len(x))])


@pytest.mark.parametrize("name", ["ar1", "arma11", "mixed ar1", "three levels", "both"])
def test_satterthwaite_is_the_gradient_in_all_variance_parameters(name):
    fit = fitted(name)
    X, y, x = fit.design.X, fit.design.y, parameters(fit)

    def reml(x):
        V = covariance(fit, x)
        inverse = np.linalg.inv(V)
        H = X.T @ inverse @ X
        r = y - X @ np.linalg.solve(H, X.T @ inverse @ y)
        return np.linalg.slogdet(V)[1] + np.linalg.slogdet(H)[1] + r @ inverse @ r

    def cov(x):
        return np.linalg.inv(X.T @ np.linalg.inv(covariance(fit, x)) @ X)

    h, E = 2e-3, np.eye(len(x))
    hessian = np.array([[(reml(x + h * (a + b)) - reml(x + h * (a - b)) - reml(x - h * (a - b)) + reml(x - h * (a + b)))
                         / (4 * h * h) for b in E] for a in E])
    A, g = 2 * np.linalg.inv(hessian), slopes(cov, x)
    for k in range(X.shape[1]):
        own = g[:, k, k]
        assert fit.coef_table(ddf="satterthwaite")["df"].iloc[k] == pytest.approx(
            2 * fit._cov[k, k] ** 2 / (own @ A @ own), rel=2e-3)


@pytest.mark.parametrize("name", ["ar1", "un", "mixed ar1", "three levels", "both", "weighted"])
def test_kenward_roger_with_matrices_of_all_rows(name):
    """The formulas of Kenward and Roger (1997) as they stand, the second derivatives left out."""
    fit = fitted(name)
    if name == "weighted":
        fit = mlm.gls("y ~ wave", DATA, correlation=mlm.cs(**PUPIL))
    X, x = fit.design.X, parameters(fit)
    inverse, dV = np.linalg.inv(covariance(fit, x)), slopes(lambda x: covariance(fit, x), x, 1e-3)
    Phi, m = np.linalg.inv(X.T @ inverse @ X), len(x)
    P = [-X.T @ inverse @ d @ inverse @ X for d in dV]
    Q = [[X.T @ inverse @ a @ inverse @ b @ inverse @ X for b in dV] for a in dV]
    info = np.array([[np.trace(inverse @ dV[i] @ inverse @ dV[j]) - np.trace(2 * Phi @ Q[i][j] - Phi @ P[i] @ Phi @ P[j])
                      for j in range(m)] for i in range(m)]) / 2
    W = np.linalg.inv(info)
    spread = sum(W[i, j] * (Q[i][j] - P[i] @ Phi @ P[j]) for i in range(m) for j in range(m))
    table, own = fit.coef_table(ddf="kenward-roger"), np.sqrt(np.diagonal(Phi + 2 * Phi @ spread @ Phi))
    assert np.allclose(table["se"], own, rtol=1e-6)
    for k in range(X.shape[1]):
        ratio = np.array([Phi[k] @ P[i] @ Phi[k] for i in range(m)]) / Phi[k, k]
        assert table["df"].iloc[k] == pytest.approx(2 / (ratio @ W @ ratio), rel=1e-6)


def test_two_variances_are_the_test_of_welch():
    eight = ORTHO[ORTHO["age"] == 8]
    fit = mlm.gls("distance ~ Sex", eight, variance=mlm.by_group("Sex"))
    welch = stats.ttest_ind(*(eight["distance"][eight["Sex"] == sex] for sex in ("Male", "Female")), equal_var=False)
    for ddf in ("satterthwaite", "kenward-roger"):
        row = fit.coef_table(ddf=ddf).iloc[1]
        assert row["df"] == pytest.approx(welch.df, rel=1e-6) and row["p"] == pytest.approx(welch.pvalue, rel=1e-6)


def test_compound_symmetry_has_the_degrees_of_freedom_of_a_random_intercept():
    one = mlm.gls("distance ~ age * Sex", ORTHO, correlation=mlm.cs(group="Subject"))
    two = mlm.lmm("distance ~ age * Sex + (1 | Subject)", ORTHO)
    for ddf in ("satterthwaite", "kenward-roger"):
        columns = ["estimate", "se", "df", "t", "p"]
        assert np.allclose(one.coef_table(ddf=ddf)[columns], two.coef_table(ddf=ddf)[columns], rtol=1e-6)


def test_unstructured_kenward_roger_is_the_test_of_hotelling():
    males = ORTHO[ORTHO["Sex"] == "Male"]
    fit = mlm.gls("distance ~ C(age)", males, correlation=mlm.un("age", group="Subject"), variance=mlm.by_group("age"))
    steps = np.diff(males.pivot(index="Subject", columns="age", values="distance").to_numpy(), axis=1)
    n, k = steps.shape
    T2 = n * steps.mean(axis=0) @ np.linalg.solve(np.cov(steps.T), steps.mean(axis=0))
    test = fit.test(", ".join(f"{name} = 0" for name in fit._names[1:]), ddf="kenward-roger")
    assert test.statistic == pytest.approx(T2 * (n - k) / (k * (n - 1)), rel=1e-6)
    assert test.df == (k, pytest.approx(n - k, rel=1e-6))


def test_kenward_roger_says_when_too_many_rows_hang_together():
    table = pd.DataFrame({"y": np.random.default_rng(1).standard_normal(3001), "x": np.arange(3001.0)})
    fit = mlm.gls("y ~ x", table, correlation=mlm.ar1())
    with pytest.raises(mlm.FormulaError, match="satterthwaite"):
        fit.coef_table(ddf="kenward-roger")
    assert np.isfinite(fit.coef_table(ddf="satterthwaite")["df"]).all()


def test_means_and_tests_take_the_degrees_of_freedom():
    fit = mlm.gls("distance ~ age * Sex", ORTHO, correlation=mlm.ar1("age", group="Subject"))
    table = mlm.emmeans(fit, "Sex").table
    assert len(table) == 2 and np.isfinite(table.select_dtypes("number").to_numpy()).all()
    assert fit.anova(ddf="satterthwaite") is not None
    ends = fit.conf_int(method="satterthwaite")
    half = fit.coef_table(ddf="satterthwaite")
    assert np.allclose(ends, half[["lower", "upper"]])


# profiles

def test_profile_of_a_coefficient_is_an_offset():
    """Held at an end of its interval, a slope is an offset: the deviance has risen by 3.84."""
    for formula, function in (("Reaction ~ Days", mlm.gls), ("Reaction ~ Days + (1 | Subject)", mlm.lmm)):
        fit = function(formula, SLEEP, reml=False, **AR1)
        for end in fit.conf_int(method="profile").loc["Days"]:
            held = function(formula.replace("Days", "1", 1), SLEEP, reml=False, offset=end * SLEEP["Days"].to_numpy(), **AR1)
            assert held.criterion - fit.criterion == pytest.approx(stats.chi2.ppf(0.95, 1), abs=1e-6)


@pytest.mark.parametrize("name", ["ar1", "arma11", "both"])
def test_profile_of_sigma_and_structure(name):
    """At each end all other parameters are minimized over, by another method and with matrices of all rows."""
    fit = fitted(name, reml=False)
    ends = fit.conf_int(method="profile", which="all").iloc[len(fit._names):]
    rise = stats.chi2.ppf(0.95, 1)
    psi, natural = fit.model.psi, fit.model.rows.natural
    for place, (_, row) in enumerate(ends.iterrows()):
        for end in row:
            if place == 0:
                best = optimize.minimize(lambda x, end=end: dense(fit, x, np.log(end))[0], psi, method="Nelder-Mead",
                                         options={"xatol": 1e-7, "fatol": 1e-10, "maxiter": 4000})
            else:
                k = place - 1
                own = optimize.brentq(lambda v, k=k, end=end: natural(np.where(np.arange(len(psi)) == k, v, psi))[k] - end,
                                      -14, 14, xtol=1e-13)
                fixed = np.full(len(psi), own)
                rest = [j for j in range(len(psi)) if j != k]

                def value(x, k=k, rest=rest, fixed=fixed):
                    point = fixed.copy()
                    point[rest] = x[:-1]
                    return dense(fit, point, x[-1])[0]
                best = optimize.minimize(value, np.append(psi[rest], np.log(fit.sigma)), method="Nelder-Mead",
                                         options={"xatol": 1e-7, "fatol": 1e-10, "maxiter": 4000})
            assert best.fun - fit.criterion == pytest.approx(rise, abs=2e-5)


def test_profile_of_an_unstructured_correlation():
    """The correlation that is held is the one asked for, and the rest is a minimum: the slope says how it goes on."""
    fit = fitted("un", reml=False)
    name = fit.residual_params.index[5]
    profile = fit.profile(name)
    ends = profile.conf_int().loc[name]
    assert ends["lower"] < fit.residual_params[name] < ends["upper"]
    assert np.allclose(profile.zeta(name, ends.to_numpy()), [-1.959964, 1.959964], atol=1e-6)
    assert np.allclose(profile.table[name], profile.table["value"], atol=1e-9)
    step = 1e-4
    near = profile.zeta(name, [ends["upper"] - step, ends["upper"] + step]).to_numpy()
    assert profile._track(name).slope(ends["upper"]) == pytest.approx(np.diff(near)[0] / (2 * step), rel=1e-4)


def test_profile_does_not_depend_on_the_reference():
    other = DATA.assign(sex=np.where(DATA["sex"] == "m", "a", "b"))
    own = fitted("by_group", reml=False).conf_int(method="profile", which="all").iloc[-1]
    turned = mlm.gls("y ~ wave", other, reml=False, variance=mlm.by_group("sex")).conf_int(method="profile", which="all")
    assert np.allclose(own, 1 / turned.iloc[-1].to_numpy()[::-1], rtol=1e-6)


def test_profile_of_a_mixed_model_with_structure():
    fit = mlm.lmm("Reaction ~ Days + (Days | Subject)", SLEEP, reml=False, variance=mlm.exponential_of("Days"))
    profile = fit.profile()
    assert list(profile.names) == list(fit.conf_int(which="all").index)
    ends = profile.conf_int()
    assert (ends["lower"] < profile.params).all() and (profile.params < ends["upper"]).all()
    assert np.allclose(fit.conf_int(method="profile", which="all"), ends, rtol=1e-7)
    assert fit.refit(reml=True).profile("exponential(Days): delta", reml=True).method == "REML"
    with pytest.raises(mlm.DataError, match="no one ICC"):
        fit.profile("icc")


# bootstraps

def test_bootstrap_is_reproducible_and_near_the_information():
    fit = mlm.gls("Reaction ~ Days", SLEEP, **AR1)
    boot, again = fit.bootstrap(110, seed=3), fit.bootstrap(60, seed=3, n_jobs=2)
    assert np.array_equal(boot.replicates.iloc[:60], again.replicates)
    wald = fit.residual_table()["se"].iloc[0]
    assert boot.se["Days"] == pytest.approx(fit.bse["Days"], rel=0.2)
    assert boot.se["ar1: phi"] == pytest.approx(wald, rel=0.25)
    assert boot.n_failed == 0 and list(boot.names) == ["Intercept", "Days", "sigma", "ar1: phi"]


@pytest.mark.parametrize("kind", ["residual", "cluster"])
def test_other_bootstraps(kind):
    fit = mlm.lmm("y ~ wave + (1 | school/pupil)", DATA, correlation=mlm.ar1("wave"), variance=mlm.by_group("sex"))
    boot = fit.bootstrap(8, kind=kind)
    assert boot.n + boot.n_failed == 8 and boot.n >= 6
    ratio = fit.bootstrap(4, kind=kind, statistic=lambda f: f.params["wave"] / f.sigma)
    assert ratio.replicates.shape[1] == 1


def test_residual_bootstrap_of_a_structure_has_its_correlation():
    fit = fitted("ar1")
    boot = fit.bootstrap(60, kind="residual")
    assert boot.replicates["ar1: phi"].mean() == pytest.approx(fit.residual_params.iloc[0], abs=0.06)


def test_whole_sets_are_what_hangs_together():
    fit = fitted("three levels")
    assert len(np.unique(whole_sets(fit))) == 8
    assert len(np.unique(whole_sets(fitted("ar1")))) == 40 and len(np.unique(whole_sets(fitted("by_group")))) == 190
    with pytest.raises(mlm.DataError, match="cuts rows apart"):
        whole_sets(fitted("ar1"), "wave")
    with pytest.raises(mlm.DataError, match="hang together"):
        mlm.gls("y ~ wave", DATA.sort_values("day"), correlation=mlm.ar1()).bootstrap(3, kind="cluster")


def test_comparison_by_bootstrap():
    null, full = (mlm.gls(formula, SLEEP, reml=False, **AR1) for formula in ("Reaction ~ 1", "Reaction ~ Days"))
    test = mlm.compare(null, full, method="bootstrap", n=19, seed=2)
    assert test.pvalue == pytest.approx(0.05) and test.statistic == pytest.approx(null.criterion - full.criterion)
    plain = mlm.compare(mlm.ols("Reaction ~ Days", SLEEP), full, method="bootstrap", n=9)
    assert plain.pvalue == pytest.approx(0.1) and 0 < np.mean(plain.replicates) < 5


def test_intervals_by_every_method():
    fit = mlm.gls("Reaction ~ Days", SLEEP, **AR1)
    for method, options in (("wald", {}), ("profile", {}), ("bootstrap", {"n": 20, "type": "bca"})):
        table = fit.conf_int(method=method, which="all", **options)
        assert list(table.index) == ["Intercept", "Days", "sigma", "ar1: phi"]
        assert (table["lower"] < table["upper"]).all()
    assert fit.conf_int(of="ar1: phi", method="profile").loc["ar1: phi", "estimate"] == fit.residual_params.iloc[0]
    assert fit.conf_int(of="Days / sigma").shape == (1, 3)
