"""The labs' JavaScript against SciPy, statsmodels, R and mlmlib, on the same numbers, in node and in Chromium."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mlmlib as mlm
from js_engines import start

R = Path(__file__).parent / "reference" / "r"


@pytest.fixture(scope="module", params=["node", "chromium"])
def js(request, tmp_path_factory):
    engine = start(request.param, tmp_path_factory.mktemp("js"), request)
    yield engine
    engine.close()


def reference(name):
    return json.loads((R / f"{name}.json").read_text())["results"]


def coded(frame, group):
    codes, levels = frame[group].factorize(sort=True)
    return np.asarray(codes), len(levels)


def close(got, want, rtol=1e-9, atol=0.0):
    np.testing.assert_allclose(np.asarray(got, float), np.asarray(want, float), rtol=rtol, atol=atol)


def test_normal_cdf_and_quantile(js):
    x = np.r_[np.linspace(-8, 8, 161)]
    close(js("map", name="normalCdf", points=[[v] for v in x]), stats.norm.cdf(x), rtol=1e-12)
    p = np.r_[1e-10, 1e-4, 0.01, np.linspace(0.02, 0.98, 49), 0.999, 1 - 1e-6]
    close(js("map", name="normalQuantile", points=[[v] for v in p]), stats.norm.ppf(p), rtol=1e-10, atol=1e-12)


def test_t_and_chi2_tails_and_quantiles(js):
    grid = [(t, df) for t in (-3.0, -0.4, 0.0, 0.7, 2.02, 6.5, 40.0) for df in (1, 2.5, 4, 38, 798)]
    close(js("map", name="tTail", points=grid), [stats.t.sf(*g) for g in grid], rtol=1e-10)
    grid = [(p, df) for p in (0.025, 0.5, 0.8, 0.975, 0.9995) for df in (1, 2.5, 4, 38, 798)]
    close(js("map", name="tQuantile", points=grid), [stats.t.ppf(*g) for g in grid], rtol=1e-10, atol=1e-12)
    grid = [(x, k) for x in (0.01, 1.0, 3.84, 30.0) for k in (1, 2, 5, 40)]
    close(js("map", name="chi2Tail", points=grid), [stats.chi2.sf(*g) for g in grid], rtol=1e-10)


def test_draws_are_seeded_uniform_and_normal(js):
    draws = js("draws", seed=7, n=20000)
    assert draws == js("draws", seed=7, n=20000)
    assert draws["normal"][:5] != js("draws", seed=8, n=5)["normal"]
    assert stats.kstest(draws["normal"], "norm").pvalue > 1e-3
    assert stats.kstest(draws["uniform"], "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(draws["normal"][:-1], draws["normal"][1:])[0, 1]) < 0.03


def test_line_and_its_cluster_robust_errors_equal_statsmodels(js):
    import statsmodels.formula.api as smf

    math = mlm.load("math")
    group, J = coded(math, "schid")
    x, y = math["homework"].to_numpy(float), math["math"].to_numpy(float)
    ols = smf.ols("math ~ homework", math).fit()
    line = js("line", x=x, y=y)
    close([line["intercept"], line["slope"]], ols.params)
    close([line["seIntercept"], line["seSlope"]], ols.bse)
    close([line["sigma"] ** 2, line["r2"]], [ols.scale, ols.rsquared])
    robust = js("robust", x=x, y=y, group=group, J=J)
    want = ols.get_robustcov_results("cluster", groups=group, use_t=True)
    close([robust["seIntercept"], robust["seSlope"]], want.bse)
    assert robust["df"] == J - 1


def test_random_intercept_equals_lme4(js):
    math, hsb = mlm.load("math"), mlm.load("hsb")
    cases = [
        ("imm_null", math, "schid", "math", []),
        ("imm_hw_ri", math, "schid", "math", ["homework"]),
        ("hsb_null", hsb, "school", "mathach", []),
        ("hsb_ri_cses", hsb, "school", "mathach", ["cses"]),
    ]
    for name, frame, factor, outcome, x in cases:
        group, J = coded(frame, factor)
        columns = [np.ones(len(frame))] + [frame[c].to_numpy(float) for c in [*x, outcome]]
        for reml in (False, True):
            want = reference(f"{name}_{'reml' if reml else 'ml'}")
            fit = js("intercept", columns=columns, group=group, J=J, reml=reml)
            criterion = want["deviance_or_remlcrit"] if reml else -2 * want["logLik"]
            assert abs(fit["criterion"] - criterion) < 1e-8 * max(1, abs(criterion) / 1000)
            close(fit["tau2"], want["varcomp"][next(iter(want["varcomp"]))]["cov"][0][0], rtol=1e-6)
            close(fit["sigma2"], want["sigma2"], rtol=1e-6)
            close(fit["beta"], list(want["fixef"].values()), rtol=1e-7)
            close(fit["se"], list(want["se"].values()), rtol=1e-6)
            assert abs(fit["gradient"]) < 1e-6


def test_random_intercept_equals_mlmlib(js):
    math = mlm.load("math")
    group, J = coded(math, "schid")
    columns = [np.ones(len(math)), math["homework"], math["math"]]
    for reml in (True, False):
        want = mlm.lmm("math ~ homework + (1 | schid)", math, reml=reml)
        fit = js("intercept", columns=[np.asarray(c, float) for c in columns], group=group, J=J, reml=reml)
        assert abs(fit["criterion"] - want.criterion) < 1e-8
        T = want.covariance_matrix().to_numpy()[0, 0]
        close([fit["tau2"], fit["sigma2"]], [T, want.sigma**2], rtol=1e-6)
        u = want.random_effects["schid"].sort_index()
        close(fit["u"], u["Intercept"], rtol=1e-5, atol=1e-7)
        close(fit["uSd"], want.random_effects_se["schid"].sort_index()["Intercept"], rtol=1e-5)
        close(fit["lambda"], want.sigma**-2 * T / (want.sigma**-2 * T + 1 / np.bincount(group)), rtol=1e-6)


def test_boundary_is_exactly_zero_and_the_optimum_is_global(js):
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(8), [2, 3, 3, 4, 5, 5, 9, 30])
    zeros = 0
    for _ in range(25):
        y = rng.normal(size=group.size) + rng.choice([0.0, 0.4]) * rng.normal(size=8)[group]
        args = {"columns": [np.ones(group.size), y], "group": group, "J": 8, "reml": True}
        fit = js("intercept", **args)
        zeros += fit["tau2"] == 0
        assert fit["criterion"] <= js("lowest", **args) + 1e-9
    assert 3 < zeros < 22  # both kinds were met


def test_group_means_carry_the_whole_model(js):
    math = mlm.load("math")
    group, J = coded(math, "schid")
    size = np.bincount(group)
    means = np.bincount(group, math["math"]) / size
    ss = np.bincount(group, (math["math"] - means[group]) ** 2)
    a = js("intercept", columns=[np.ones(len(math)), math["math"].to_numpy(float)], group=group, J=J, reml=True)
    b = js("interceptFromMeans", size=size, means=means, ss=ss, center=50, reml=True)
    close([b["criterion"], b["tau2"], b["sigma2"]], [a["criterion"], a["tau2"], a["sigma2"]], rtol=1e-9)
    close(b["u"], a["u"], rtol=1e-7, atol=1e-9)


def test_criterion_away_from_the_optimum(js):
    math = mlm.load("math")
    group, J = coded(math, "schid")
    y, n = math["math"].to_numpy(float), len(math)
    points = [(0.0, 100.0), (26.1, 81.2), (400.0, 30.0)]
    got = js("criterionAt", columns=[np.ones(n), y], group=group, J=J, reml=False, points=points)
    same = group[:, None] == group[None, :]
    for (tau2, sigma2), value in zip(points, got, strict=True):
        V = tau2 * same + sigma2 * np.eye(n)
        solved = np.linalg.solve(V, np.c_[np.ones(n), y])
        mean = solved[:, 1].sum() / solved[:, 0].sum()
        r = y - mean
        close(value, n * np.log(2 * np.pi) + np.linalg.slogdet(V)[1] + r @ np.linalg.solve(V, r), rtol=1e-9)


def test_random_slope_equals_lme4_at_every_origin(js):
    math = mlm.load("math")
    group, J = coded(math, "schid")
    want = reference("imm_hw_rs_reml")
    T = np.array(want["varcomp"]["schid"]["cov"])
    D = np.array([T[0, 0], T[0, 1], T[1, 1]]) / want["sigma2"]
    args = {
        "x": math["homework"].to_numpy(float),
        "y": math["math"].to_numpy(float),
        "group": group,
        "J": J,
        "D": D,
        "reml": True,
    }
    fit = js("slopes", **args)
    assert abs(fit["criterion"] - want["deviance_or_remlcrit"]) < 1e-8 * 4
    close([fit["sigma2"], *fit["beta"]], [want["sigma2"], *want["fixef"].values()], rtol=1e-6)
    close(np.sum(np.square(fit["u"]), axis=0), want["ranef_first5"]["schid"]["sum_sq_all"], rtol=1e-6)
    for origin in (-2.0, 1.5, 6.0):
        moved = js("slopes", **args, origin=origin)
        close(moved["criterion"], fit["criterion"], rtol=1e-11)  # the model does not know where zero is
        u = np.array(fit["u"])
        close(moved["u"], np.c_[u[:, 0] + origin * u[:, 1], u[:, 1]], rtol=1e-7, atol=1e-9)


def test_ellipse_has_the_right_axes(js):
    T = np.array([[62.4, -27.6], [-27.6, 17.7]])
    got = js("ellipse", T=[T[0, 0], T[0, 1], T[1, 1]], k2=4.0)
    values, vectors = np.linalg.eigh(T)
    close([got["a"], got["b"]], 2 * np.sqrt(values[::-1]))
    close(abs(np.dot([np.cos(got["angle"]), np.sin(got["angle"])], vectors[:, 1])), 1.0)


def test_a_model_without_covariance_is_a_different_model_at_each_origin(js):
    math = mlm.load("math")
    group, J = coded(math, "schid")
    x, y = math["homework"].to_numpy(float), math["math"].to_numpy(float)
    want = reference("imm_hw_rs_uncorr_reml")
    fit = js("independent", x=x, y=y, group=group, J=J, reml=True, start=[0.5, 0.5])
    assert abs(fit["criterion"] - want["deviance_or_remlcrit"]) < 1e-8 * 4
    for origin in (0.0, 1.0, 3.0):
        for reml in (True, False):
            moved = math.assign(moved=math["homework"] - origin)
            there = mlm.lmm("math ~ moved + (moved || schid)", moved, reml=reml)
            fit = js("independent", x=x, y=y, group=group, J=J, reml=reml, start=[0.5, 0.5], origin=origin)
            assert abs(fit["criterion"] - there.criterion) < 1e-7
            close(fit["sigma2"], there.sigma**2, rtol=1e-5)
            close(fit["beta"], there.params, rtol=1e-5)


def test_a_variance_of_zero_without_covariance_is_exactly_zero(js):
    rng = np.random.default_rng(12)
    group = np.repeat(np.arange(12), 10)
    zeros = np.zeros(2)
    for _ in range(12):
        x = rng.normal(size=group.size)
        y = 1 + x + 0.8 * rng.normal(size=12)[group] + rng.normal(size=group.size)  # the slopes do not differ
        fit = js("independent", x=x, y=y, group=group, J=12, reml=True, start=[0.5, 0.5])
        want = mlm.lmm("y ~ x + (x || g)", pd.DataFrame({"y": y, "x": x, "g": group}))
        assert fit["criterion"] <= want.criterion + 1e-7
        zeros += np.array(fit["T"])[[0, 2]] == 0
    assert zeros[1] >= 3
