"""What cluster-robust covariances must do whatever the data: by brute force, and in hard cases."""

import pickle

import numpy as np
import pandas as pd
import pytest

import mlmlib as mlm
from mlmlib.errors import DataError, FormulaError
from mlmlib.robust.blocks import Blocks
from mlmlib.robust.rows import rows_of


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(7)
    sizes = [1, 1, 2, 3, 5, 8, 13, 21, 4, 6, 30, 2]
    g = np.repeat(np.arange(len(sizes)), sizes)
    d = pd.DataFrame({"g": g, "x": rng.normal(size=len(g)), "z": rng.normal(size=len(sizes))[g], "t": rng.integers(5, size=len(g)),
                      "w": rng.uniform(0.5, 3, size=len(g))})
    d["y"] = 1 + d.x + 0.5 * d.z + rng.normal(size=len(sizes))[g] * (1 + 0.5 * d.x) + rng.normal(size=len(g))
    d["many"] = rng.poisson(np.exp(0.3 * d.x + 0.5)).astype(float)
    return d


def dense(fit, codes):
    """X, e, V and (X'V^-1X)^-1 of a linear fit, in whole matrices."""
    rows = rows_of(fit)
    V = np.diag(rows.theta)
    for Z, groups, T in rows.terms:
        V = V + (Z @ T @ Z.T) * (groups[:, None] == groups)
    return rows.X, rows.e, V, np.linalg.inv(rows.X.T @ np.linalg.solve(V, rows.X))


def root(A):
    values, axes = np.linalg.eigh(A)
    return (axes * np.where(values > 1e-11, np.maximum(values, 1e-300) ** -0.5, 0.0)) @ axes.T


def by_definition(fit, codes, contrast):
    """CR2 and Satterthwaite's degrees of freedom with n x n matrices, as Pustejovsky and Tipton define them."""
    X, e, V, M = dense(fit, codes)
    n, W = len(e), np.linalg.inv(V)
    IH = np.eye(n) - X @ M @ X.T @ W
    D, whole = np.linalg.cholesky(V).T, IH @ V @ IH.T
    P, scores = [], []
    for j in np.unique(codes):
        own = codes == j
        d = np.linalg.cholesky(V[np.ix_(own, own)]).T
        A = d.T @ root(d @ whole[np.ix_(own, own)] @ d.T) @ d
        g = A.T @ W[np.ix_(own, own)] @ X[own]
        scores.append(M @ g.T @ e[own])
        P.append(D @ IH[own].T @ g @ M @ contrast)
    P = np.array(P) @ np.array(P).T
    return np.array(scores).T @ np.array(scores), np.trace(P) ** 2 / (P ** 2).sum()


@pytest.mark.parametrize("make", [
    lambda d: mlm.ols("y ~ x + z", d),
    lambda d: mlm.ols("y ~ x + z", d, weights="w"),
    lambda d: mlm.lmm("y ~ x + z + (1 + x | g)", d),
    lambda d: mlm.lmm("y ~ x + (1 | g)", d, weights="w"),
    lambda d: mlm.panel("y ~ x + z", d, groups="g", effects="random"),
])
def test_definition(table, make):
    fit = make(table)
    ours = mlm.robust(fit, "g")
    for k in range(len(fit.params)):
        cov, df = by_definition(fit, table["g"].to_numpy(), np.eye(len(fit.params))[k])
        assert np.allclose(ours.cov_params(), cov, rtol=1e-8, atol=1e-12)
        assert ours.df.iloc[k] == pytest.approx(df, rel=1e-8)


def test_cr2_is_unbiased(table):
    """Under the working covariance CR2's expectation is the covariance itself: the mean of its quadratic forms."""
    fit = mlm.robust(mlm.ols("y ~ x + z", table, weights="w"), "g")
    one = fit.clusterings[0]
    S = one.parts.T - one.parts.E.transpose(0, 2, 1) @ one.parts.D - one.parts.D.transpose(0, 2, 1) @ one.parts.E \
        + one.parts.E.transpose(0, 2, 1) @ one.parts.S @ one.parts.E
    left = S.sum(axis=0) - np.eye(3)
    # clusters of one row and of full leverage apart, which no adjustment can repair
    assert np.abs(left).max() < 1e-9


def test_cr3_is_the_jackknife(table):
    """CR3 is the sum of squares of what leaving out a cluster changes, about the estimate of all rows."""
    fit = mlm.ols("y ~ x + z", table)
    change = np.array([mlm.ols("y ~ x + z", table[table["g"] != j]).params - fit.params for j in table["g"].unique()])
    assert np.allclose(mlm.robust(fit, "g", "CR3").cov_params(), change.T @ change, rtol=1e-9)


def test_rows_as_clusters_give_hc(table):
    """With a cluster a row CR0, CR2 and CR3 are White's HC0, HC2 and HC3."""
    from statsmodels.regression.linear_model import OLS
    fit = mlm.ols("y ~ x + z", table)
    white = OLS(fit.endog.to_numpy(), fit.exog.to_numpy()).fit()
    for kind, cov in (("CR0", white.cov_HC0), ("CR2", white.cov_HC2), ("CR3", white.cov_HC3)):
        assert np.allclose(mlm.robust(fit, np.arange(len(table)), kind).cov_params(), cov, rtol=1e-9)


@pytest.mark.parametrize("formula", ["y ~ x + z + (1 + x | g)", "y ~ 1 + (1 | g)", "y ~ x + (0 + x | g)"])
def test_both_frames_agree(table, formula):
    """The orthonormal basis of [Z, X] gives what the clusters' own rows give."""
    fit = mlm.lmm(formula, table)
    codes = table["g"].to_numpy()
    thin, thick = Blocks(rows_of(fit), codes, list(fit._names)), Blocks(rows_of(fit), codes, list(fit._names))
    assert thin._has_basis
    thick.__dict__["_has_basis"] = False
    from mlmlib.robust.adjust import pieces
    for kind in ("CR0", "CR2", "CR3"):
        a, b = pieces(thin, kind), pieces(thick, kind)
        for name in ("scores", "E", "T", "gram"):
            assert np.allclose(getattr(a, name), getattr(b, name), rtol=1e-8, atol=1e-10), (kind, name)


def test_units_and_row_order_do_not_matter(table):
    ours = mlm.robust(mlm.lmm("y ~ x + z + (1 + x | g)", table))
    scaled = table.assign(x=table["x"] * 1e6 + 3e6, z=table["z"] * 1e-6).sample(frac=1.0, random_state=3)
    other = mlm.robust(mlm.lmm("y ~ x + z + (1 + x | g)", scaled))
    assert np.allclose(ours.df[["x", "z"]], other.df[["x", "z"]], rtol=1e-5)
    assert np.allclose(ours.bse[["x", "z"]], other.bse[["x", "z"]] * [1e6, 1e-6], rtol=1e-5)


def test_full_leverage_is_left_out():
    """A dummy that one cluster has alone: that cluster's share is taken as zero, as clubSandwich does, and nothing breaks."""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(8), 5)
    table = pd.DataFrame({"g": g, "own": (g == 3).astype(float), "x": rng.normal(size=40), "y": rng.normal(size=40)})
    for kind in ("CR0", "CR1", "CR2", "CR3"):
        fit = mlm.robust(mlm.ols("y ~ own + x", table), "g", kind)
        assert np.isfinite(fit.cov_params().to_numpy()).all()
    assert any("Fewer than 5" in message or "very unequal" in message for message in fit.messages)


def test_singular_mixed_fit_is_least_squares():
    """With a variance of zero the mixed model's sandwich is that of least squares."""
    dyestuff = mlm.load("dyestuff2")
    mixed, plain = mlm.lmm("Yield ~ 1 + (1 | Batch)", dyestuff), mlm.ols("Yield ~ 1", dyestuff)
    assert mixed.is_singular
    assert np.allclose(mlm.robust(mixed).cov_params(), mlm.robust(plain, "Batch").cov_params(), rtol=1e-7)
    assert np.allclose(mlm.robust(mixed).df, 5.0, rtol=1e-7)


def test_two_clusters(table):
    two = table[table["g"].isin([7, 10])]
    fit = mlm.robust(mlm.ols("y ~ x", two), "g")
    assert fit.n_clusters == {"g": 2} and (fit.df < 3).all()
    assert not fit.test("Intercept = 0, x = 0").pvalue < 0.9


def test_more_hypotheses_than_clusters(table):
    """The covariance of three clusters has rank three at most; the summary says so, and prints."""
    few = table[table["g"].isin([6, 7, 10])]
    fit = mlm.robust(mlm.ols("y ~ x + C(t)", few), "g")
    with pytest.raises(ValueError, match="3 clusters cannot test 5 hypotheses"):
        fit.wald_test()
    assert "cannot test" in str(fit.summary())


def test_coarser_clusters_of_a_mixed_model(table):
    """Clusters may hold several groups of the random part, but not cut through them."""
    fit = mlm.lmm("y ~ x + (1 | g)", table)
    coarse = (table["g"] // 2).to_numpy()
    cov, df = by_definition(fit, coarse, np.array([0.0, 1.0]))
    ours = mlm.robust(fit, coarse)
    assert np.allclose(ours.cov_params(), cov, rtol=1e-8) and ours.df["x"] == pytest.approx(df, rel=1e-8)
    with pytest.raises(DataError, match="whole groups"):
        mlm.robust(fit, "t")


def test_effective_clusters():
    """Equal clusters count fully for what varies between them; G*(0) by its definition elsewhere."""
    g = np.repeat(np.arange(10), 6)
    rng = np.random.default_rng(2)
    even = pd.DataFrame({"g": g, "y": rng.normal(size=60)})
    assert mlm.robust(mlm.ols("y ~ 1", even), "g").effective_clusters.iloc[0] == pytest.approx(10)
    uneven = even.assign(x=np.exp(rng.normal(size=60)))
    fit = mlm.robust(mlm.ols("y ~ x", uneven), "g")
    X = np.column_stack([np.ones(60), uneven["x"]])
    row = np.linalg.inv(X.T @ X)[1]
    gamma = np.array([row @ X[g == j].T @ X[g == j] @ row for j in range(10)])
    assert fit.effective_clusters["x"] == pytest.approx(10 / (1 + gamma.var() / gamma.mean() ** 2))
    assert fit.leverage()["leverage"].sum() == pytest.approx(2)
    assert fit.clusters.filter(like="share").sum().tolist() == pytest.approx([1, 1])


def test_warnings(table):
    fit = mlm.robust(mlm.ols("y ~ x + z", table), "g", "CR1")
    assert any("Only 12 clusters" in message for message in fit.messages)
    assert any("very unequal" in message for message in fit.messages)
    assert "!! Only 12 clusters" in str(fit.summary())
    assert not mlm.robust(mlm.ols("mathach ~ cses", mlm.load("hsb")), "school").messages


def test_degrees_of_freedom_as_asked(table):
    fit = mlm.ols("y ~ x + z", table)
    stata, normal = (mlm.robust(fit, "g", "CR1S", ddf=ddf) for ddf in ("clusters", "normal"))
    assert (stata.df == 11).all() and np.isinf(normal.df).all()
    assert stata.test("x = 0, z = 0").df == (2, 11.0) and normal.test("x = 0, z = 0").distribution == "chi2(2)"
    assert np.allclose(stata.test("x = 0").statistic, stata.tvalues["x"] ** 2)


def test_test_of_one_is_t(table):
    fit = mlm.robust(mlm.ols("y ~ x + z", table), "g")
    test = fit.test("x - z = 0.2")
    assert fit.test("x = 0").pvalue == pytest.approx(fit.pvalues["x"])
    assert fit.test("2*x - 2*z = 0.4").pvalue == pytest.approx(test.pvalue)
    assert fit.conf_int().loc["x"].tolist() == pytest.approx(fit.coef_table().loc["x", ["lower", "upper"]].tolist())


def test_the_rest_of_the_library_takes_it(table):
    d = mlm.load("hsb")
    fit = mlm.robust(mlm.lmm("mathach ~ cses * sector + (1 | school)", d))
    means = mlm.emmeans(fit, "sector")
    assert np.isfinite(means.table["df"]).all() and len(means.contrast().table) == 1
    assert fit.anova().table["p"].notna().all()
    assert np.allclose(fit.fittedvalues, fit.fit.fittedvalues)
    again = pickle.loads(pickle.dumps(fit))
    assert np.allclose(again.cov_params(), fit.cov_params())
    with pytest.raises(AttributeError):
        fit.kind = "CR0"


def test_missing_groups_and_dropped_rows(table):
    holes = table.assign(x=table["x"].where(table.index != 3), g=table["g"].astype(float))
    whole = mlm.robust(mlm.ols("y ~ x", holes), "g")
    assert np.allclose(whole.cov_params(), mlm.robust(mlm.ols("y ~ x", holes.drop(index=3)), "g").cov_params())
    lost = holes.assign(g=holes["g"].where(holes.index != 10))
    with pytest.raises(DataError, match="'g' is missing in 1 row"):
        mlm.robust(mlm.ols("y ~ x", lost), "g")


@pytest.mark.parametrize("call, error, words", [
    (lambda d: mlm.robust(mlm.ols("y ~ x", d)), ValueError, "Say which rows belong together"),
    (lambda d: mlm.robust(mlm.ols("y ~ x", d), "g", "HC1"), ValueError, "'CR3'"),
    (lambda d: mlm.robust(mlm.ols("y ~ x", d), "gg"), DataError, "no column 'gg'"),
    (lambda d: mlm.robust(mlm.ols("y ~ x", d), np.zeros(len(d))), DataError, "one cluster"),
    (lambda d: mlm.robust(mlm.ols("y ~ x", d), np.zeros(3)), DataError, "3 values"),
    (lambda d: mlm.robust(mlm.glmm("many ~ x + (1 | g)", d, family="poisson")), FormulaError, "without random effects"),
    (lambda d: mlm.robust(mlm.ols("y ~ x", d.assign(h=d.g // 2)), ["g", "h"]), ValueError, "lies in one of"),
    (lambda d: mlm.robust(mlm.panel("y ~ x", d, groups="g"), "t"), DataError, "cut through"),
    (lambda d: mlm.robust(mlm.ols("y ~ x", d), ["g", "t"], ddf="satterthwaite"), ValueError, "one clustering"),
    (lambda d: mlm.robust(mlm.ols("y ~ x", d), "g").bootstrap(), ValueError, "wild_bootstrap"),
])
def test_refusals(table, call, error, words):
    with pytest.raises(error, match=words):
        call(table)


def test_many_clusters_are_quick():
    """A hundred thousand rows in ten thousand clusters: no matrix of all rows, and seconds at most."""
    import time
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(10_000), 10)
    table = pd.DataFrame({"g": g, "x": rng.normal(size=100_000), "y": rng.normal(size=100_000) + rng.normal(size=10_000)[g]})
    fit = mlm.ols("y ~ x", table)
    begin = time.perf_counter()
    assert 9_000 < mlm.robust(fit, "g").df["Intercept"] < 10_000
    assert time.perf_counter() - begin < 5


def test_reports(table):
    """Tables say whose standard errors are robust; programs get the lines that make theirs so; what is not made says so."""
    fit = mlm.ols("y ~ x + z", table)
    ours = mlm.robust(fit, "g")
    note = str(mlm.table(fit, ours))
    assert "Standard errors of Model 2: cluster-robust (CR2, 12 clusters of g)" in " ".join(note.split())
    assert 'vcovCR(fit, cluster = df$g, type = "CR2")' in ours.translate("lme4")
    assert mlm.robust(fit, "g", "CR1S", ddf="clusters").translate("stata").endswith(", vce(cluster g)")
    logit = mlm.glmm("b ~ x", table.assign(b=(table["y"] > 1).astype(int)))
    assert mlm.robust(logit, "g", "CR1", ddf="normal").translate("stata").endswith("vce(cluster g)")
    assert "vcovCL" in mlm.robust(fit, ["g", "t"], "CR1").translate("lme4")
    assert ours.translate("stata").endswith(", vce(hc2 g, dfadjust)")
    assert "vce(cluster)" in mlm.robust(fit, "g", "CR3").translate("stata") and not mlm.robust(fit, "g", "CR3").translate("stata").possible
    for refused in (ours.margins, lambda: mlm.margins(ours), lambda: ours.predict(interval="confidence"), lambda: mlm.compare(ours, fit)):
        with pytest.raises(ValueError, match="fit"):
            refused()
    assert np.allclose(ours.predict(), fit.predict())
    assert "Clusters (g)" in ours._repr_html_() and "robust SE" in repr(ours)


@pytest.mark.parametrize("weights", ["w", "wild"])
def test_quadrature_is_the_root(table, weights, monkeypatch):
    """CR2 of rows of unequal variance without square matrices, against those matrices."""
    from mlmlib.robust import quadrature
    d = table.assign(wild=np.exp(2.0 * np.random.default_rng(8).normal(size=len(table))))
    big = pd.concat([d, d.assign(y=d["y"] + d["x"] ** 2, x=d["x"] + 0.3, g=d["g"] + 20)])
    fit = mlm.ols("y ~ x", big, weights=weights)
    found = []
    for least in (0, 10 ** 9):
        monkeypatch.setattr(quadrature, "_LARGE", least)
        found.append(mlm.robust(fit, "g"))
    assert np.allclose(found[0].cov_params(), found[1].cov_params(), rtol=1e-9)
    assert np.allclose(found[0].df, found[1].df, rtol=1e-9)
    assert found[0].wald_test().df[1] == pytest.approx(found[1].wald_test().df[1], rel=1e-9)


def test_large_clusters_of_a_generalized_model_are_quick():
    """Two thousand rows in a cluster: no root of a matrix of that size."""
    import time
    rng = np.random.default_rng(3)
    d = pd.DataFrame({"x": rng.normal(size=20_000), "g": np.repeat(np.arange(10), 2000)})
    fit = mlm.glmm("b ~ x", d.assign(b=(d["x"] + rng.normal(size=20_000) > 0).astype(int)))
    begin = time.perf_counter()
    assert 8.9 < mlm.robust(fit, "g").df["x"] < 9.1
    assert time.perf_counter() - begin < 5
